//! What the receiver is given, and why it may not start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::amio::webhook::WebhookSecrets;
use crate::domain::event::OptOutWords;

/// How the receiver works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificate chain and private key, as PEM files.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Who may send events; `None` takes them unsigned, which must be on this machine only.
    pub secrets: Option<WebhookSecrets>,
    /// What opts a person out.
    pub words: OptOutWords,
    /// `/metrics` shows the names of batches; otherwise sums over all of them.
    pub metrics_names: bool,
    /// What one client may take up.
    pub limits: Limits,
}

/// What one client may take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest body, in bytes.
    pub body: usize,
    /// The longest time for the head of a request, and between two of one connection.
    pub head_time: Duration,
    /// The longest time for a body.
    pub body_time: Duration,
    /// The longest time for a TLS handshake.
    pub handshake_time: Duration,
    /// Connections at a time; more wait to be accepted.
    pub connections: u32,
    /// How long requests may take to finish after the signal to stop.
    pub grace: Duration,
}

impl Default for Limits {
    /// An event is a few kilobytes; the largest hold a message with its content.
    fn default() -> Self {
        Self {
            body: 256 * 1024,
            head_time: Duration::from_secs(5),
            body_time: Duration::from_secs(10),
            handshake_time: Duration::from_secs(5),
            connections: 512,
            grace: Duration::from_secs(10),
        }
    }
}

/// Why the receiver cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; name another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A PEM file cannot be used.
    #[error("{}: {detail}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// Certificate and key do not go together, or are of a kind that is not supported.
    #[error("the certificate cannot be used with this key: {0}")]
    Certificate(String),
}
