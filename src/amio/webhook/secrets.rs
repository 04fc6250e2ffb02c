//! The secrets that sign events: one for all channels, or one for each. Nothing here prints one.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;

/// The webhook secrets: one for all channels, or one for each.
#[derive(Clone, Default)]
pub struct WebhookSecrets {
    all: Option<SecretString>,
    by_channel: BTreeMap<String, SecretString>,
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSecrets")
            .field("all", &self.all.is_some())
            .field("channels", &self.by_channel.keys())
            .finish()
    }
}

impl WebhookSecrets {
    /// Sets the secret of a channel, or the one for all.
    pub fn set(&mut self, channel: Option<&str>, secret: SecretString) {
        match channel {
            Some(channel) => {
                self.by_channel.insert(channel.to_owned(), secret);
            }
            None => self.all = Some(secret),
        }
    }

    /// The secret of a channel: its own, or else the one for all.
    pub fn of(&self, channel: &str) -> Option<&SecretString> {
        self.by_channel.get(channel).or(self.all.as_ref())
    }

    /// The secret for all channels that have none of their own.
    pub fn any_channel(&self) -> Option<&SecretString> {
        self.all.as_ref()
    }

    /// The channels that have a secret of their own.
    pub fn channels(&self) -> impl Iterator<Item = &str> {
        self.by_channel.keys().map(String::as_str)
    }

    /// True without any secret.
    pub fn is_empty(&self) -> bool {
        self.all.is_none() && self.by_channel.is_empty()
    }
}
