//! How a console works, and why it did not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::Timestamp;

use super::users::{UserError, UserFile};
use crate::run::{Access, DoctorSettings, IntakeSettings, RunSettings, SmsSettings};
use crate::serve::ServeError;
use crate::store::StoreError;

/// How a console works: plain values, and settings that depend on when they are asked for.
pub(crate) struct ConsoleSettings {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Certificate chain and private key, as PEM files.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    /// A proxy hands on what browsers ask by https.
    pub(crate) behind_proxy: bool,
    /// Who may sign in.
    pub(crate) users: UserFile,
    /// Nobody is messaged.
    pub(crate) sandbox: bool,
    /// The checkpoint of real batches; in the sandbox that of the rehearsals.
    pub(crate) checkpoint: PathBuf,
    /// Other machines write the checkpoint too.
    pub(crate) is_shared: bool,
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

impl ConsoleSettings {
    /// Whether others than this machine reach the page.
    pub(super) fn is_open(&self) -> bool {
        self.behind_proxy || !self.listen.ip().is_loopback()
    }

    /// Whom others may reach has users, and a connection that nobody listens to.
    pub(super) fn check(&self) -> Result<(), ConsoleError> {
        if !self.is_open() {
            return Ok(());
        }
        if self.tls.is_none() && !self.behind_proxy {
            return Err(ConsoleError::Unencrypted(self.listen));
        }
        if self.users.read()?.is_empty() {
            return Err(ConsoleError::NoUsers);
        }
        Ok(())
    }
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
    /// Others reach it, and everybody on the way could read along.
    #[error(
        "others can reach {0}: give --tls-cert and --tls-key, or --behind-proxy where a proxy does TLS; without --listen \
         the console listens on this machine alone; nothing was started"
    )]
    Unencrypted(SocketAddr),
    /// Others reach it, and nobody may sign in.
    #[error(
        "others can reach the console, and it has no users: add one with `outreach console user add NAME --role admin`; \
         nothing was started"
    )]
    NoUsers,
    /// The users cannot be read.
    #[error(transparent)]
    Users(#[from] UserError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] ServeError),
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no room for uploads, or no randomness.
    #[error("{0}")]
    System(String),
}
