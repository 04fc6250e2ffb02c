//! One layer of settings: the texts that the flags, the environment or the settings file has.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use jiff::tz::TimeZone;
use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::declare::NUMBERS;
use super::error::ConfigError;
use super::origin::{Environment, Origin, PREFIX, variable_name};
use super::setting::{Kind, setting, settings};

/// The value of `TZ` if it is no time zone that is known here: the system's is taken as UTC then.
pub(crate) fn unknown_zone(environment: &Environment) -> Option<&str> {
    let name = environment.get("TZ").filter(|name| !name.is_empty())?;
    TimeZone::system().is_unknown().then_some(name)
}

/// The environment of this process. Variables of others that are not Unicode are left out.
///
/// # Errors
/// [`ConfigError::NoText`] if one of ours is not: without it another checkpoint or message would be used.
pub(crate) fn environment() -> Result<Environment, ConfigError> {
    let mut environment = Environment::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else {
            continue;
        };
        match value.into_string() {
            Ok(value) => _ = environment.insert(name, value),
            Err(_) if name.starts_with(PREFIX) || name.starts_with("AMIO_") => {
                return Err(ConfigError::NoText { name });
            }
            Err(_) => {}
        }
    }
    Ok(environment)
}

/// Variables with the prefix that are no settings.
const OTHER_VARIABLES: [&str; 3] = ["OUTREACH_CONFIG", "OUTREACH_LOG", "OUTREACH_WEBHOOK_SECRET"];

/// More of them: a secret for each channel, and switches of the tests.
const OTHER_PREFIXES: [&str; 2] = ["OUTREACH_WEBHOOK_SECRET_", "OUTREACH_TEST_"];

/// The table of the settings file with the texts of refusals, by what they mean.
const REFUSALS: &str = "refusals";

/// The settings that are paths.
const PATHS: [&str; 9] = [
    "cluster-password-file",
    "content",
    "db",
    "out",
    "summary",
    "tls-cert",
    "tls-key",
    "token-file",
    "webhook-secret-file",
];

/// One layer: key and texts of the settings that it has. Only a list has more or fewer than one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layer(pub(super) BTreeMap<&'static str, Vec<String>>);

impl Layer {
    /// The layer as it means the same from another current folder: `from` is the one where it was typed.
    #[must_use]
    pub(crate) fn typed_in(mut self, from: &Path) -> Self {
        for key in PATHS {
            for text in self.0.get_mut(key).into_iter().flatten() {
                *text = from.join(&*text).to_string_lossy().into_owned();
            }
        }
        for text in self.0.get_mut("content-for").into_iter().flatten() {
            if let Some((channel, file)) = text.split_once('=') {
                *text = format!("{channel}={}", from.join(file).display());
            }
        }
        self
    }

    /// The environment. An empty variable is as good as none.
    pub(super) fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let known = |name: &str| {
            OTHER_VARIABLES.contains(&name)
                || OTHER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
                || settings()
                    .iter()
                    .any(|setting| variable_name(setting.key()) == name)
        };
        let mut ours = environment.keys().filter(|name| name.starts_with(PREFIX));
        if let Some(name) = ours.find(|name| !known(name)) {
            return Err(unknown_variable(name));
        }
        let get = |name: &str| environment.get(name).filter(|text| !text.is_empty());
        let mut layer = Self::default();
        for setting in settings() {
            let key = setting.key();
            // The one setting with a second name in the environment.
            let second = (key == "token-file").then_some("AMIO_TOKEN_FILE");
            let text = get(&variable_name(key)).or_else(|| second.and_then(get));
            if let Some(text) = text {
                let texts = from_variable(setting.kind(), text).map_err(|allowed| {
                    ConfigError::value(Origin::Environment, key, text, allowed)
                })?;
                layer.0.insert(key, texts);
            }
        }
        Ok(layer)
    }

    /// The text of a setting, if this layer has it.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.first().map(String::as_str)
    }

    /// The settings file: its text, and its path for the errors.
    pub(super) fn from_file(path: &Path, text: &str) -> Result<Self, ConfigError> {
        // Only the message and the line, never the line's text: it may hold a secret.
        let syntax = |error: toml::de::Error| ConfigError::Syntax {
            file: path.to_owned(),
            line: error
                .span()
                .and_then(|span| text.get(..span.start))
                .map(|before| format!(", line {}", before.matches('\n').count() + 1))
                .unwrap_or_default(),
            message: error.message().to_owned(),
        };
        let table = DeTable::parse(text).map_err(syntax)?.into_inner();
        let mut layer = Self::default();
        for (key, value) in table {
            let key = key.into_inner();
            if key == REFUSALS {
                layer.add_refusals(value).map_err(syntax)?;
                continue;
            }
            let Some(setting) = setting(&key) else {
                return Err(ConfigError::UnknownKey {
                    file: path.to_owned(),
                    hint: hint(&key),
                    key: key.into_owned(),
                });
            };
            let texts = from_toml(setting.kind(), value).map_err(syntax)?;
            layer.0.entry(setting.key()).or_default().extend(texts);
        }
        Ok(layer)
    }

    /// `[refusals]`: texts by what they mean.
    fn add_refusals(&mut self, table: Spanned<DeValue>) -> Result<(), toml::de::Error> {
        let table = ValueDeserializer::from(table);
        let table: BTreeMap<String, Vec<String>> = BTreeMap::deserialize(table)?;
        let texts = table.into_iter().flat_map(|(meaning, texts)| {
            let saying = move |text| format!("{meaning}={text}");
            texts.into_iter().map(saying)
        });
        self.0.entry("refusal").or_default().extend(texts);
        Ok(())
    }
}

/// The layer of the flags: whatever command was typed, its flags that are named like a setting.
impl FromArgMatches for Layer {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut command = matches;
        while let Some((_, inner)) = command.subcommand() {
            command = inner;
        }
        let typed = |id: &str| {
            let given = matches!(command.try_contains_id(id), Ok(true))
                && command.value_source(id) == Some(ValueSource::CommandLine);
            given.then(|| command.get_raw(id)).flatten()
        };
        let mut layer = Self::default();
        for setting in settings() {
            if let Some(texts) = setting.flag_id().and_then(typed) {
                let texts = texts.filter_map(OsStr::to_str).map(str::to_owned);
                layer.0.insert(setting.key(), texts.collect());
            }
        }
        for word in NUMBERS {
            if typed(&word.replace('-', "_")).is_some() {
                layer.0.insert("numbers", vec![word.to_owned()]);
            }
        }
        Ok(layer)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.extend(Self::from_arg_matches(matches)?.0);
        Ok(())
    }
}

/// The commands declare the flags; the layer only collects them.
impl Args for Layer {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

/// Reads a variable; the error is what may be written.
fn from_variable(kind: Kind, text: &str) -> Result<Vec<String>, &'static str> {
    Ok(match kind {
        Kind::Text => vec![text.to_owned()],
        Kind::Number => {
            let number: u32 = text.trim().parse().map_err(|_| "a whole number")?;
            vec![number.to_string()]
        }
        Kind::Switch => match text.trim() {
            "true" | "1" | "yes" => vec!["true".to_owned()],
            "false" | "0" | "no" => vec!["false".to_owned()],
            _ => return Err("true or false"),
        },
        Kind::List => text
            .split([';', '\n'])
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect(),
    })
}

fn from_toml(kind: Kind, value: Spanned<DeValue>) -> Result<Vec<String>, toml::de::Error> {
    let value = ValueDeserializer::from(value);
    Ok(match kind {
        Kind::Text => vec![String::deserialize(value)?],
        Kind::Number => vec![u32::deserialize(value)?.to_string()],
        Kind::Switch => vec![bool::deserialize(value)?.to_string()],
        Kind::List => Vec::deserialize(value)?,
    })
}

fn unknown_variable(name: &str) -> ConfigError {
    let key = name.trim_start_matches(PREFIX).to_ascii_lowercase();
    let key = key.replace('_', "-");
    let hint = match nearest(&key) {
        Some(near) if key != "token" => format!("; did you mean {}?", variable_name(near)),
        Some(_) | None => hint(&key),
    };
    ConfigError::UnknownVariable {
        name: name.to_owned(),
        hint,
    }
}

fn hint(key: &str) -> String {
    if matches!(key, "token" | "amio-token" | "access-token") {
        return "; a token belongs in AMIO_TOKEN, or in a file that token-file names".to_owned();
    }
    nearest(key).map_or_else(
        || "; `outreach config` lists all settings".to_owned(),
        |near| format!("; did you mean `{near}`?"),
    )
}

/// The setting that a wrong key most likely means.
fn nearest(key: &str) -> Option<&'static str> {
    let key = key.to_ascii_lowercase().replace('_', "-");
    settings()
        .iter()
        .map(|setting| (strsim::jaro_winkler(&key, setting.key()), setting.key()))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
