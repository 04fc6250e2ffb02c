//! A simulated Amio API on a local port, for rehearsal and tests.
//!
//! It plays what the documentation says and, where the documentation is silent, what the [`Settings`]
//! script: quota windows of three kinds, connection limits, faults that are real on the wire, webhook
//! events with redelivery. All chance comes from one seed.
//!
//! It keeps its own account of what was accepted ([`Sandbox::stats`], [`Sandbox::messages`], and the
//! pages `stats`, `accepted`, `messages` and `people` under `/sandbox/`): tests judge a client by this
//! account, not by the client's own.
//!
//! Nobody is ever messaged, and no production path uses this module except `send --sandbox`.
//!
//! A request passes these files: `server` accepts the connection, `wire` can end it at any byte, `call`
//! applies token, quota and faults, `send` and `read` do the work, `account` holds every effect, and
//! `webhooks` sends the events that follow.

mod account;
mod answer;
mod app;
mod call;
mod fault;
mod people;
mod quota;
mod random;
mod read;
mod report;
mod send;
mod server;
mod settings;
mod state;
mod stats;
mod webhooks;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

pub use fault::FaultRule;
pub use people::AcceptedMessage;
pub use random::Share;
pub(crate) use settings::Texts;
pub use settings::{
    Channel, CodeForm, ConnectionLimit, EarlierContacts, Excess, Headers, Quota, Settings,
    WebhookSettings, WindowKind,
};
pub use stats::{Stats, WebhookStats};

use app::{App, Phase};
use tokio::sync::mpsc;

/// Why the sandbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The port is taken, or not permitted.
    #[error("the sandbox cannot listen on {address}: {source}; choose another address")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The state file is not one, or cannot be used.
    #[error("the sandbox cannot use the state file {}: {source}; choose another file", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// More channels than contact ids have room for.
    #[error("the sandbox plays at most 256 channels, and {count} were given")]
    TooManyChannels {
        /// Channels in the settings.
        count: usize,
    },
}

/// A running sandbox. Dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    app: Arc<App>,
    address: SocketAddr,
}

impl Sandbox {
    /// Starts serving on the current tokio runtime. Port 0 takes a free one.
    ///
    /// # Errors
    /// If the address cannot be listened on, or the settings cannot be played.
    #[expect(
        clippy::unused_async,
        reason = "starting may come to wait, and it needs a runtime in any case"
    )]
    pub async fn start(settings: Settings, address: SocketAddr) -> Result<Self, SandboxError> {
        if settings.channels.len() > 256 {
            return Err(SandboxError::TooManyChannels {
                count: settings.channels.len(),
            });
        }
        let refused = |source| SandboxError::Listen { address, source };
        let listener = server::listen(address).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (outbox, accepted) = mpsc::unbounded_channel();
        let (hooks, path) = (settings.webhooks.clone(), settings.state.clone());
        let app = App::new(settings, hooks.is_some().then_some(outbox)).map_err(|source| {
            let path = path.unwrap_or_default();
            SandboxError::State { path, source }
        })?;
        if let Some(hooks) = hooks {
            tokio::spawn(webhooks::deliver::run(Arc::clone(&app), hooks, accepted));
        }
        tokio::spawn(server::serve(Arc::clone(&app), listener, address));
        Ok(Self { app, address })
    }

    /// What to give as `--base-url`: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The account so far.
    pub fn stats(&self) -> Stats {
        self.app.account().stats()
    }

    /// Every accepted message, by channel and number; one person's messages in their order.
    pub fn messages(&self) -> Vec<AcceptedMessage> {
        let account = self.app.account();
        let people = account.people.iter();
        people
            .flat_map(|(&key, person)| report::messages_of(&self.app, key, person))
            .collect()
    }

    /// Closes the listener and every connection; requests in progress get no answer.
    pub fn stop(&self) {
        self.app.phase.send_replace(Phase::Stopped);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop();
    }
}
