//! The layers, merged: which value is in force, and which layer it comes from.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Args, Command};

use super::error::ConfigError;
use super::folders::settings_files;
use super::layer::Layer;
use super::origin::{Environment, FILE_NAME, Origin};
use super::setting::{Kind, Setting, setting};
use super::text_file::{NamedTexts, read_found, read_text};
use crate::amio::BaseUrl;

/// The settings in force.
#[derive(Clone)]
pub struct Settings {
    values: BTreeMap<&'static str, (Vec<String>, Origin)>,
    /// The checkpoint that a flag took the place of: that of the real batches, where the flag names one for a rehearsal.
    pub(super) db_below_flag: Option<(PathBuf, Origin)>,
    pub(super) environment: Environment,
    /// What its files hold, where that can be read only once.
    texts: Arc<NamedTexts>,
    file: Option<PathBuf>,
    /// The file of `--config`, if that flag was typed.
    typed_file: Option<PathBuf>,
    /// The settings file merely lies in the current folder: nobody named it.
    found_file: bool,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the environment, which holds the token.
        f.debug_struct("Settings")
            .field("values", &self.values)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads the settings file and the environment, and lays the flags over both.
    ///
    /// `config` is the file of `--config`; without it `OUTREACH_CONFIG`, then the first that is there of
    /// `outreach.toml` in the current folder, the user's, and the machine's.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the file or a variable holds what is not a setting.
    pub fn load(
        flags: Layer,
        config: Option<&Path>,
        environment: Environment,
    ) -> Result<Self, ConfigError> {
        let settings = Self::read(flags, config, environment)?;
        Ok(Self {
            typed_file: config.map(Path::to_owned),
            ..settings
        })
    }

    /// The text of a file that they name: see [`read_text`].
    ///
    /// # Errors
    /// As [`read_text`].
    pub(crate) fn read_text(&self, path: &Path) -> io::Result<String> {
        self.texts.read(path)
    }

    fn read(
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
        let unreadable = |file, error| ConfigError::Unreadable {
            what: "the settings file",
            file,
            error,
        };
        if let Some(path) = named {
            let read = read_text(&path);
            let text = read.map_err(|error| unreadable(path.clone(), error))?;
            return Self::merge(flags, environment, Some((path, text)));
        }
        for path in settings_files(&environment) {
            match read_found(&path) {
                Ok(text) => {
                    // A file that merely lies in the folder may have been put there by any program or person that may write to the folder.
                    let found_file = path == Path::new(FILE_NAME);
                    let settings = Self::merge(flags, environment, Some((path, text)))?;
                    return Ok(Self {
                        found_file,
                        ..settings
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(path, error)),
            }
        }
        Self::merge(flags, environment, None)
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
            values: BTreeMap::new(),
            db_below_flag: None,
            environment,
            texts: Arc::default(),
            file: None,
            typed_file: None,
            found_file: false,
        };
        if let Some((path, text)) = file {
            settings.add(Layer::from_file(&path, &text)?, Origin::File)?;
            settings.file = Some(path);
        }
        let environment = Layer::from_environment(&settings.environment)?;
        settings.add(environment, Origin::Environment)?;
        let db = settings.text("db").map(PathBuf::from);
        settings.db_below_flag = db.map(|db| (db, settings.origin("db")));
        settings.add(flags, Origin::Flag)?;
        Ok(settings)
    }

    /// Lays a layer over those that are there: its values win, a list as a whole.
    fn add(&mut self, upper: Layer, origin: Origin) -> Result<(), ConfigError> {
        let has = |key| upper.0.contains_key(key);
        let (first, second) = ("message", "content");
        match (has(first), has(second)) {
            (true, true) => {
                return Err(ConfigError::Conflict {
                    origin,
                    first,
                    second,
                });
            }
            // --message is meant in place of a content file that a lower layer names, and the
            // other way round.
            (true, false) => self.values.remove(second),
            (false, true) => self.values.remove(first),
            (false, false) => None,
        };
        // Other channels get the message that is given here, not their own of another one.
        if has(first) || has(second) {
            self.values.remove("message-for");
            self.values.remove("content-for");
        }
        let values = upper.0.into_iter();
        self.values
            .extend(values.map(|(key, texts)| (key, (texts, origin))));
        Ok(())
    }

    /// A group of settings, with every value checked.
    pub(super) fn group<T: Args>(&self) -> Result<T, ConfigError> {
        let command = T::augment_args(Command::new("settings").no_binary_name(true));
        let settings = command
            .get_arguments()
            .filter_map(Arg::get_long)
            .filter_map(setting);
        let flags: Vec<String> = settings.flat_map(|it| self.flags_of(it)).collect();
        command
            .try_get_matches_from(flags)
            .and_then(|matches| T::from_arg_matches(&matches))
            .map_err(|error| self.refused(&error))
    }

    /// A setting as its declaration reads it.
    pub(super) fn flags_of(&self, setting: &Setting) -> Vec<String> {
        let (key, texts) = (setting.key(), self.texts(setting.key()));
        match setting.kind() {
            Kind::Switch if texts == ["true"] => vec![format!("--{key}")],
            Kind::Switch => Vec::new(),
            Kind::Text | Kind::Number | Kind::List => {
                texts.iter().map(|text| format!("--{key}={text}")).collect()
            }
        }
    }

    /// The error for a value that the declaration does not allow.
    pub(super) fn refused(&self, error: &clap::Error) -> ConfigError {
        let context = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => text.as_str(),
            _ => "",
        };
        // `--rate <RATE>`
        let flag = context(ContextKind::InvalidArg).trim_start_matches('-');
        let key = flag.split(' ').next().and_then(setting);
        let allowed = match (error.source(), error.get(ContextKind::ValidValue)) {
            (Some(allowed), _) => allowed.to_string(),
            (None, Some(ContextValue::Strings(words))) if !words.is_empty() => words.join(" or "),
            (None, _) => "a text that is not empty".to_owned(),
        };
        let value = context(ContextKind::InvalidValue);
        self.wrong(key.map_or("", Setting::key), value, allowed)
    }

    /// The error for a value that is not allowed.
    pub(super) fn wrong(
        &self,
        key: &'static str,
        value: &str,
        allowed: impl Into<String>,
    ) -> ConfigError {
        ConfigError::value(self.origin(key), key, value, allowed)
    }

    /// The texts of a setting; none if no layer has it.
    pub(super) fn texts(&self, key: &str) -> &[String] {
        self.values.get(key).map_or(&[], |(texts, _)| texts)
    }

    /// The text of a setting, if a layer has it.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.texts(key).first().map(String::as_str)
    }

    /// The address of the API, as batches keep it; `None` if it is none.
    pub(crate) fn base_url(&self) -> Option<String> {
        let url = self.text("base-url").unwrap_or(BaseUrl::DOCUMENTED);
        Some(url.parse::<BaseUrl>().ok()?.to_string())
    }

    /// The layer that the value of a setting comes from.
    pub(super) fn origin(&self, key: &str) -> Origin {
        self.values
            .get(key)
            .map_or(Origin::Default, |&(_, origin)| origin)
    }

    /// Whether the value of a setting was typed as a flag of this command line.
    pub(crate) fn is_flag(&self, key: &str) -> bool {
        self.origin(key) == Origin::Flag
    }

    /// The flags of this command line, with their values, that say where the API and the settings are: a suggested
    /// command must repeat them.
    pub(super) fn typed_places(&self) -> Vec<(&'static str, String)> {
        let typed = |key| self.text(key).filter(|_| self.origin(key) == Origin::Flag);
        let flags = ["base-url", "token-file", "cluster", "cluster-password-file"].into_iter();
        let flags = flags.filter_map(|key| Some((key, typed(key)?.to_owned())));
        let file = self.typed_file.iter();
        let file = file.map(|file| ("config", file.to_string_lossy().into_owned()));
        flags.chain(file).collect()
    }

    /// Whether the value of a setting comes from a file that nobody named, and that any program or person with the right to write to the folder
    /// may have written.
    pub(super) fn is_found(&self, key: &str) -> bool {
        self.found_file && self.origin(key) == Origin::File
    }

    /// An environment variable; an empty one is as good as none.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.environment
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Who runs the program, for the audit: `user@host`, as far as the environment says.
    pub(crate) fn person(&self) -> String {
        let first = |names: &[&str]| names.iter().find_map(|name| self.variable(name));
        let user = first(&["USER", "LOGNAME", "USERNAME"]).unwrap_or("unknown user");
        match first(&["HOSTNAME", "HOST", "COMPUTERNAME"]) {
            Some(host) => format!("{user}@{host}"),
            None => user.to_owned(),
        }
    }

    /// The files that the settings name to be read, and that of the settings itself, each with its name.
    pub(crate) fn files_to_read(&self) -> Vec<(&'static str, &Path)> {
        let named = [
            ("the message file", "content"),
            ("the token file", "token-file"),
            ("the file of webhook secrets", "webhook-secret-file"),
            ("the certificate", "tls-cert"),
            ("the private key", "tls-key"),
            ("the password file of the cluster", "cluster-password-file"),
        ];
        let named = named.into_iter();
        let named = named.filter_map(|(what, key)| Some((what, Path::new(self.text(key)?))));
        let own = self.file().map(|file| ("the settings file", file));
        let others = self.texts("content-for").iter();
        let others = others.filter_map(|text| text.split_once('='));
        let others = others.map(|(_, file)| ("the message file", Path::new(file)));
        named.chain(own).chain(others).collect()
    }

    /// The settings file that was read, if any.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}
