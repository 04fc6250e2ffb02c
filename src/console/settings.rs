//! How a console works, and why it did not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::run::{Access, DoctorSettings, IntakeSettings, RunSettings, SmsSettings};
use crate::store::StoreError;

/// How a console works: plain values, and settings that depend on when they are asked for.
pub(crate) struct ConsoleSettings {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Nobody is messaged.
    pub(crate) sandbox: bool,
    /// The checkpoint of real batches; in the sandbox that of the rehearsals.
    pub(crate) checkpoint: PathBuf,
    /// The checkpoint of the rehearsals.
    pub(crate) rehearsals: PathBuf,
    /// How a list is read if the page says nothing else.
    pub(crate) intake: IntakeSettings,
    /// How messages are counted as SMS.
    pub(crate) sms: SmsSettings,
    /// The message that the page begins with.
    pub(crate) message: String,
    /// The tag of messages.
    pub(crate) tag: Option<String>,
    /// Further metadata of messages.
    pub(crate) metadata: Vec<(String, String)>,
    /// The channel.
    pub(crate) channel: Option<String>,
    /// How the API is reached; `None` without a token.
    pub(crate) access: Option<Access>,
    /// How a run goes that begins now, or what is wrong with the settings.
    pub(crate) run: Box<dyn Fn(Timestamp) -> Result<RunSettings, String> + Send + Sync>,
    /// What a check of everything looks at.
    pub(crate) doctor: Box<dyn Fn(Timestamp) -> Result<DoctorSettings, String> + Send + Sync>,
    /// Who works, for the audit.
    pub(crate) person: String,
    /// Receives each new link to sign in by.
    pub(crate) new_link: Box<dyn Fn(&str) + Send + Sync>,
}

/// Why the console did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsoleError {
    /// The address is taken, or not ours.
    #[error("the console cannot listen on {address}: {source}; --listen names another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no room for uploads, or no randomness.
    #[error("{0}")]
    System(String),
}
