//! Settings: who says what, and who wins.
//!
//! flag > environment (`OUTREACH_*`) > `outreach.toml` > default, field by field. Every layer is the
//! same struct of `Option` fields ([`Layer`]); the origin of each value is remembered, so that an
//! error and `outreach config` can name it. What comes out is typed ([`Settings::connection`] and its
//! sisters): whoever holds a [`Connection`] holds settings that were checked.
//!
//! The token comes from `AMIO_TOKEN`, or from a file that `--token-file`, `AMIO_TOKEN_FILE` or
//! `token-file` names; a flag wins over the environment, and `AMIO_TOKEN` over the two last. It is
//! held in a type that does not print it, and no error tells it.
//!
//! This is the only module that knows the environment, and it gets it as a map: [`environment`] is
//! called once, by the program.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

mod flags;
mod layer;
mod secrets;
mod settings;
mod types;
pub mod values;

#[cfg(test)]
mod tests;

pub use layer::{KEYS, Layer};
pub use types::{Checkpoint, Connection, Content, Guards, MessageSource, Pace, Serve, Undecided};

use crate::exit::ExitCode;
use layer::Origins;

/// The settings file that is read if no other is named.
pub const FILE_NAME: &str = "outreach.toml";

/// What every environment variable of ours begins with.
const PREFIX: &str = "OUTREACH_";

/// Variables of ours that are no settings.
const OTHER_VARIABLES: &[&str] = &["OUTREACH_CONFIG", "OUTREACH_LOG", "OUTREACH_WEBHOOK_SECRET"];

/// What else may follow the prefix: a secret for each channel, and switches of the tests.
const OTHER_PREFIXES: &[&str] = &["OUTREACH_WEBHOOK_SECRET_", "OUTREACH_TEST_"];

/// The environment, as a map: variables whose name or value is not Unicode are not ours.
pub type Environment = BTreeMap<String, String>;

/// The environment of this process.
pub fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Which layer a value comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody said anything.
    #[default]
    Default,
    /// `outreach.toml`, or the file that `--config` names.
    File,
    /// An environment variable.
    Environment,
    /// The command line.
    Flag,
}

impl Origin {
    /// A stable word for `--json`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }

    /// The setting `key`, as it is written in this layer: `--rate`, `OUTREACH_RATE`, ...
    pub fn name(self, key: &str) -> String {
        match self {
            Self::Default => format!("the default of {key}"),
            Self::File => format!("{key} in the settings file"),
            Self::Environment => variable_name(key),
            Self::Flag => format!("--{key}"),
        }
    }
}

/// The environment variable of a setting: `repeat-guard` -> `OUTREACH_REPEAT_GUARD`.
fn variable_name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('-', "_").to_ascii_uppercase())
}

/// Why the settings cannot be used. Never tells a secret.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A value is not understood.
    #[error("{} has the value {value:?}; allowed is {allowed}", origin.name(key))]
    Value {
        /// Who said it.
        origin: Origin,
        /// The setting.
        key: &'static str,
        /// What was said.
        value: String,
        /// What may be said.
        allowed: String,
    },
    /// Two settings of the same layer exclude each other.
    #[error("{} and {} exclude each other: leave one out", origin.name(first), origin.name(second))]
    Conflict {
        /// Who said both.
        origin: Origin,
        /// One.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A setting without which the command cannot work.
    #[error(
        "{key} is not set: give --{key}, {} or {key} in {FILE_NAME}",
        variable_name(key)
    )]
    Missing {
        /// The setting.
        key: &'static str,
    },
    /// A variable of ours that means nothing.
    #[error("the environment variable {name} is not a setting{hint}")]
    UnknownVariable {
        /// Its name.
        name: String,
        /// What was probably meant, as the end of a sentence; may be empty.
        hint: String,
    },
    /// A key of the settings file that means nothing.
    #[error("{}: the key `{key}` is not a setting{hint}", file.display())]
    UnknownKey {
        /// The settings file.
        file: PathBuf,
        /// The key.
        key: String,
        /// What was probably meant, as the end of a sentence; may be empty.
        hint: String,
    },
    /// The settings file is not TOML, or a value has the wrong type.
    #[error("{}{line}: {message}", file.display())]
    Syntax {
        /// The settings file.
        file: PathBuf,
        /// `, line 3`, or empty.
        line: String,
        /// What is wrong.
        message: String,
    },
    /// A file that the settings name cannot be read.
    #[error("{what} {} cannot be read: {error}", file.display())]
    Unreadable {
        /// What the file is to us.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        error: std::io::Error,
    },
    /// The token, or a secret, is there but cannot be used. The text is not told.
    #[error("{place} holds no usable secret: {reason}")]
    Secret {
        /// Where it is.
        place: String,
        /// What is wrong, without the text.
        reason: &'static str,
    },
    /// No token anywhere.
    #[error("there is no token: put it in AMIO_TOKEN, or in a file that AMIO_TOKEN_FILE names")]
    NoToken,
}

impl ConfigError {
    fn value(origin: Origin, key: &'static str, value: &str, allowed: impl Into<String>) -> Self {
        // A password in an address must not be repeated on the screen.
        let hide = key == "base-url" && value.contains(['@', '?']);
        let value = if hide {
            "(hidden)".to_owned()
        } else {
            value.to_owned()
        };
        Self::Value {
            origin,
            key,
            value,
            allowed: allowed.into(),
        }
    }

    /// How the program ends with this error: a wrong flag is a matter of usage.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Value {
                origin: Origin::Flag,
                ..
            }
            | Self::Conflict {
                origin: Origin::Flag,
                ..
            } => ExitCode::Usage,
            Self::Value { .. }
            | Self::Conflict { .. }
            | Self::Missing { .. }
            | Self::UnknownVariable { .. }
            | Self::UnknownKey { .. }
            | Self::Syntax { .. }
            | Self::Unreadable { .. }
            | Self::Secret { .. }
            | Self::NoToken => ExitCode::Configuration,
        }
    }
}

/// The layers, merged: what holds, and who said it.
pub struct Settings {
    layer: Layer,
    origins: Origins,
    environment: Environment,
    file: Option<PathBuf>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment holds the token.
        f.debug_struct("Settings")
            .field("layer", &self.layer)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// One line of `outreach config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The setting.
    pub key: &'static str,
    /// Its value as it would be typed; empty for "not set". Secrets: only whether there is one.
    pub value: String,
    /// Who says so.
    pub origin: Origin,
    /// The origin for people: `--rate`, `OUTREACH_RATE`, `outreach.toml`, `default`.
    pub from: String,
}

impl Settings {
    /// Reads the settings file and the environment, and lays the flags over both.
    ///
    /// `config` is the file of `--config`; without it `OUTREACH_CONFIG`, then `outreach.toml` in the
    /// current folder, which need not be there.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the file or a variable holds what is not a setting.
    pub fn load(
        flags: Layer,
        config: Option<&Path>,
        environment: Environment,
    ) -> Result<Self, ConfigError> {
        let named = config.map(Path::to_owned).or_else(|| {
            environment
                .get("OUTREACH_CONFIG")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        });
        let path = named.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => Some((path, text)),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(ConfigError::Unreadable {
                    what: "the settings file",
                    file: path,
                    error,
                });
            }
        };
        Self::merge(flags, environment, file)
    }

    /// Merges the layers; `file` is the path and the text of the settings file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the file or a variable holds what is not a setting.
    pub fn merge(
        flags: Layer,
        environment: Environment,
        file: Option<(PathBuf, String)>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Self {
            layer: Layer::default(),
            origins: Origins::default(),
            environment,
            file: None,
        };
        if let Some((path, text)) = file {
            settings.lay(read_file(&path, &text)?, Origin::File)?;
            settings.file = Some(path);
        }
        settings.lay(
            read_environment(&settings.environment)?,
            Origin::Environment,
        )?;
        settings.lay(flags, Origin::Flag)?;
        Ok(settings)
    }

    fn lay(&mut self, upper: Layer, origin: Origin) -> Result<(), ConfigError> {
        // A message takes the place of a content file that a lower layer names, and the other way
        // round: whoever types --message means it.
        match (&upper.message, &upper.content) {
            (Some(_), Some(_)) => {
                return Err(ConfigError::Conflict {
                    origin,
                    first: "message",
                    second: "content",
                });
            }
            (Some(_), None) => {
                self.layer.content = None;
                self.origins.content = Origin::Default;
            }
            (None, Some(_)) => {
                self.layer.message = None;
                self.origins.message = Origin::Default;
            }
            (None, None) => {}
        }
        self.layer.lay(upper, origin, &mut self.origins);
        Ok(())
    }

    /// Who runs the program, for the audit: `user@host`, as far as the environment tells.
    pub fn person(&self) -> String {
        let first = |names: &[&str]| names.iter().find_map(|name| self.variable(name));
        let user = first(&["USER", "LOGNAME", "USERNAME"]).unwrap_or("unknown user");
        match first(&["HOSTNAME", "HOST", "COMPUTERNAME"]) {
            Some(host) => format!("{user}@{host}"),
            None => user.to_owned(),
        }
    }

    /// The settings file that was read, if any.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// All settings in force, each with its origin, the token and the webhook secret last.
    pub fn shown(&self) -> Vec<Shown> {
        let mut lines: Vec<Shown> = self
            .layer
            .table(&self.origins)
            .into_iter()
            .map(|(key, value, default, origin)| Shown {
                key,
                value: value.unwrap_or_else(|| default.to_owned()),
                origin,
                from: self.from(key, origin),
            })
            .collect();
        lines.push(shown_secret("token", self.token_place()));
        lines.push(shown_secret("webhook-secret", self.webhook_secret_place()));
        lines
    }

    fn from(&self, key: &str, origin: Origin) -> String {
        match origin {
            Origin::Default => "default".to_owned(),
            Origin::File => self
                .file
                .as_deref()
                .unwrap_or(Path::new(FILE_NAME))
                .display()
                .to_string(),
            // The one setting that has a second name in the environment.
            Origin::Environment
                if key == "token-file" && self.variable("OUTREACH_TOKEN_FILE").is_none() =>
            {
                "AMIO_TOKEN_FILE".to_owned()
            }
            Origin::Environment | Origin::Flag => origin.name(key),
        }
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.environment
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

/// Whether there is a secret, and where; never the secret.
fn shown_secret(key: &'static str, place: Option<(String, Origin)>) -> Shown {
    let (value, origin, from) = match place {
        Some((place, origin)) => (format!("set (from {place})"), origin, place),
        None => ("not set".to_owned(), Origin::Default, "default".to_owned()),
    };
    Shown {
        key,
        value,
        origin,
        from,
    }
}

/// The file layer.
fn read_file(path: &Path, text: &str) -> Result<Layer, ConfigError> {
    // Only the message and the line are told, never the line itself: it may hold a secret.
    let syntax = |error: &toml::de::Error| ConfigError::Syntax {
        file: path.to_owned(),
        line: error
            .span()
            .and_then(|span| text.get(..span.start))
            .map(|before| format!(", line {}", before.matches('\n').count() + 1))
            .unwrap_or_default(),
        message: error.message().to_owned(),
    };
    let table: toml::Table = toml::from_str(text).map_err(|error| syntax(&error))?;
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(ConfigError::UnknownKey {
            file: path.to_owned(),
            key: key.clone(),
            hint: hint(key),
        });
    }
    toml::from_str(text).map_err(|error| syntax(&error))
}

/// The environment layer. An empty variable says nothing.
fn read_environment(environment: &Environment) -> Result<Layer, ConfigError> {
    let known = |name: &str| {
        OTHER_VARIABLES.contains(&name)
            || OTHER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || KEYS.iter().any(|key| variable_name(key) == name)
    };
    let ours = environment.keys().filter(|name| name.starts_with(PREFIX));
    if let Some(name) = ours.into_iter().find(|name| !known(name)) {
        let key = name
            .trim_start_matches(PREFIX)
            .to_ascii_lowercase()
            .replace('_', "-");
        let hint = match nearest(&key) {
            Some(_) if key == "token" => hint(&key),
            Some(near) => format!("; did you mean {}?", variable_name(near)),
            None => hint(&key),
        };
        return Err(ConfigError::UnknownVariable {
            name: name.clone(),
            hint,
        });
    }
    let get = |name: &str| {
        environment
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    };
    Layer::from_variables(|key| {
        get(&variable_name(key)).or_else(|| {
            (key == "token-file")
                .then(|| get("AMIO_TOKEN_FILE"))
                .flatten()
        })
    })
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
    KEYS.iter()
        .map(|known| (strsim::jaro_winkler(&key, known), *known))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
