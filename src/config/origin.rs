//! The layers that a value can come from, and the name that a setting has in each.

use std::collections::BTreeMap;

/// The settings file that is read if no other is named.
pub(crate) const FILE_NAME: &str = "outreach.toml";

/// The beginning of every environment variable of this program.
pub(super) const PREFIX: &str = "OUTREACH_";

/// The environment, as a map.
pub type Environment = BTreeMap<String, String>;

/// The layer that a value comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// No layer has a value.
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
    pub(crate) fn name(self, key: &str) -> String {
        match self {
            Self::Default => format!("the default of {key}"),
            Self::File => format!("{key} in the settings file"),
            Self::Environment => variable_name(key),
            Self::Flag => format!("--{key}"),
        }
    }
}

/// The environment variable of a setting: `repeat-guard` -> `OUTREACH_REPEAT_GUARD`.
pub(super) fn variable_name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('-', "_").to_ascii_uppercase())
}
