//! What the settings are, once they are checked: one struct for each concern.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use super::ConfigError;
use crate::amio::BaseUrl;
use crate::amio::webhook::WebhookSecrets;
use crate::domain::quota::{self, Rate, Reserve};
use crate::domain::schedule::Schedule;

/// How to reach the API.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its address.
    pub base_url: BaseUrl,
    /// The channel that sends, if one is set; see [`Connection::channel`].
    pub channel: Option<String>,
    /// The token, if there is one; see [`Connection::token`].
    pub token: Option<SecretString>,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// Requests at the same time.
    pub concurrency: NonZeroU16,
}

impl Connection {
    /// The channel.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`] if none is set.
    pub fn channel(&self) -> Result<&str, ConfigError> {
        self.channel
            .as_deref()
            .ok_or(ConfigError::Missing { key: "channel" })
    }

    /// The token.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoToken`] if there is none.
    pub fn token(&self) -> Result<&SecretString, ConfigError> {
        self.token.as_ref().ok_or(ConfigError::NoToken)
    }
}

/// How fast, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// The user's own cap.
    pub rate: Option<Rate>,
    /// What of the quota is left to others.
    pub reserve: Reserve,
    /// Requests that may leave at once; `None` leaves it to the pacer.
    pub burst: Option<NonZeroU32>,
    /// How the quota is used.
    pub style: quota::Pace,
    /// Sending hours and deadline.
    pub schedule: Schedule,
    /// How long requests in flight may take to finish after a signal.
    pub grace: Duration,
}

/// Where the message comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageSource {
    /// A text, as a template.
    Message(String),
    /// A file with the content as JSON.
    File(PathBuf),
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The message; `None` if neither `--message` nor `--content` is given.
    pub message: Option<MessageSource>,
    /// The message tag, as typed.
    pub tag: Option<String>,
    /// Further metadata: key and template.
    pub metadata: Vec<(String, String)>,
}

/// Where state and results are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The checkpoint; `None` is the command's own default (`outreach.db`, or the sandbox's).
    pub db: Option<PathBuf>,
    /// The results file; `None` is `<batch>.results.csv`.
    pub out: Option<PathBuf>,
    /// The summary file.
    pub summary: Option<PathBuf>,
    /// `db` comes from the command line.
    pub(super) db_by_flag: bool,
    /// `out` comes from the command line.
    pub(super) out_by_flag: bool,
}

impl Checkpoint {
    /// The checkpoint to use outside the sandbox.
    pub fn db(&self) -> &Path {
        self.db.as_deref().unwrap_or(Path::new("outreach.db"))
    }

    /// The checkpoint, if a flag of this command named it: a suggested command must name it too.
    pub fn db_by_flag(&self) -> Option<&Path> {
        self.db.as_deref().filter(|_| self.db_by_flag)
    }

    /// The same for a rehearsal: only a flag, given for this very run, may name the files. The
    /// checkpoint that the environment or `outreach.toml` names is the real one, and a rehearsal in
    /// it would count as messages to real people.
    #[must_use]
    pub fn for_sandbox(self) -> Self {
        let db = self.db.filter(|_| self.db_by_flag);
        Self {
            db: Some(db.unwrap_or_else(|| PathBuf::from("sandbox.db"))),
            out: self.out.filter(|_| self.out_by_flag),
            ..self
        }
    }
}

/// What to do with a recipient whose outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecided {
    /// Nothing until there is evidence, or a decision.
    Hold,
    /// Send again, and risk a double.
    Retry,
}

/// When to stop by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guards {
    /// The first request goes alone.
    pub canary: bool,
    /// Refusals with the same text that stop a batch before its first success; `None` is off.
    pub identical_refusals: Option<NonZeroU32>,
    /// Undecided answers in a row that pause a batch.
    pub undecided_in_a_row: NonZeroU32,
    /// What to do with an unknown outcome.
    pub undecided: Undecided,
    /// Text of refusals that mean an invalid message.
    pub invalid_pattern: Option<String>,
    /// Time within which the same message is not repeated; zero is off.
    pub repeat_guard: Duration,
    /// Time within which nobody is messaged again.
    pub not_within: Option<Duration>,
}

/// How to receive webhooks.
#[derive(Debug, Clone)]
pub struct Serve {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Certificate chain and private key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The webhook secrets; empty only with `insecure_no_signature`.
    pub secrets: WebhookSecrets,
    /// Further opt-out words.
    pub opt_out_words: Vec<String>,
    /// Take events without a signature; only with a loopback address.
    pub insecure_no_signature: bool,
}
