//! The one error type of the settings.

use std::path::PathBuf;

use thiserror::Error;

use super::origin::{FILE_NAME, Origin, variable_name};
use crate::exit::ExitCode;

/// Why the settings cannot be used. Never shows a secret.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A value is not understood.
    #[error("{} has the value {value:?}; allowed is {allowed}", origin.name(key))]
    Value {
        /// The layer that has it.
        origin: Origin,
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// What may be written.
        allowed: String,
    },
    /// Two settings of the same layer exclude each other.
    #[error("{} and {} exclude each other: leave one out", origin.name(first), origin.name(second))]
    Conflict {
        /// The layer that has both.
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
    /// A variable of ours whose value is not Unicode.
    #[error("the value of the environment variable {name} is not text in UTF-8")]
    NoText {
        /// Its name.
        name: String,
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
    /// The token, or a secret, is there but cannot be used. The text is not shown.
    #[error("{place} holds no usable secret: {reason}")]
    Secret {
        /// Where it is.
        place: String,
        /// What is wrong, without the text.
        reason: &'static str,
    },
    /// A settings file that nobody named says where the token goes.
    #[error(
        "{FILE_NAME} in this folder would have the token sent to {0}: name that file with --config (or OUTREACH_CONFIG), or the address with --base-url or OUTREACH_BASE_URL, if that is right"
    )]
    FoundBaseUrl(String),
    /// A settings file that nobody named says which cluster the checkpoint is of.
    #[error(
        "{FILE_NAME} in this folder names a cluster: name that file with --config (or OUTREACH_CONFIG), or the cluster with --cluster or OUTREACH_CLUSTER, if that is right"
    )]
    FoundCluster,
    /// The flag that names the cluster holds a password.
    #[error(
        "--cluster holds a password, which every user of this machine sees in the list of processes: give --cluster-password-file FILE, or the address in OUTREACH_CLUSTER or the settings file"
    )]
    ClusterPassword,
    /// The time zone of this machine, which sending hours go by, is not known.
    #[error(
        "TZ is {0:?}, which is no time zone that is known here: sending hours and --until would be taken as UTC. Set TZ to a name such as Europe/Prague, or give --timezone"
    )]
    UnknownZone(String),
    /// No token anywhere.
    #[error("there is no token: put it in AMIO_TOKEN, or in a file that AMIO_TOKEN_FILE names")]
    NoToken,
}

impl ConfigError {
    pub(super) fn value(
        origin: Origin,
        key: &'static str,
        value: &str,
        allowed: impl Into<String>,
    ) -> Self {
        // A password in an address must not be repeated on the screen.
        let hide = matches!(key, "base-url" | "cluster") && value.contains(['@', '?']);
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

    /// How the program ends with this error: a wrong flag is a usage error.
    pub(crate) fn exit_code(&self) -> ExitCode {
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
            | Self::NoText { .. }
            | Self::UnknownKey { .. }
            | Self::Syntax { .. }
            | Self::Unreadable { .. }
            | Self::Secret { .. }
            | Self::FoundBaseUrl(_)
            | Self::FoundCluster
            | Self::ClusterPassword
            | Self::UnknownZone(_)
            | Self::NoToken => ExitCode::Configuration,
        }
    }
}
