//! The built-in sandbox that a rehearsal is sent to: nobody is messaged.

use std::net::SocketAddr;

use secrecy::SecretString;

use super::error::RunError;
use super::settings::Access;
use crate::sandbox::{Channel, Sandbox, Settings};

/// A sandbox in this process; it ends when the value is dropped.
#[derive(Debug)]
pub struct Rehearsal {
    access: Access,
    _sandbox: Sandbox,
}

impl Rehearsal {
    /// The channel of a rehearsal that names none.
    pub const CHANNEL: &'static str = Settings::MESSENGER_CHANNEL;

    /// Starts a sandbox that has the channel, and knows the contacts of earlier batches.
    ///
    /// # Errors
    /// [`RunError`] if no port of this machine can be listened on.
    pub async fn start(channel: &str) -> Result<Self, RunError> {
        let mut settings = Settings {
            any_contact: true,
            ..Settings::default()
        };
        if settings.channels.iter().all(|known| known.id != channel) {
            let channel = Channel::new(channel, "facebook_messenger");
            settings.channels.push(channel);
        }
        let sandbox = Sandbox::start(settings, SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let access = Access {
            base_url: sandbox.base_url().parse()?,
            token: SecretString::from(Settings::DEFAULT_TOKEN.to_owned()),
        };
        Ok(Self {
            access,
            _sandbox: sandbox,
        })
    }

    /// How to reach it.
    pub fn access(&self) -> &Access {
        &self.access
    }
}
