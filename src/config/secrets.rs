//! The token and the webhook secrets: where they are, and how they are read. Nothing here prints one.

use std::path::Path;

use secrecy::SecretString;

use super::error::ConfigError;
use super::origin::Origin;
use super::settings::Settings;
use crate::amio::webhook::WebhookSecrets;

impl Settings {
    /// The token of the environment, unless a flag names a file.
    fn token_variable(&self) -> Option<&str> {
        let by_flag = self.origin("token-file") == Origin::Flag;
        self.variable("AMIO_TOKEN").filter(|_| !by_flag)
    }

    /// Where the token would come from.
    pub(super) fn token_place(&self) -> Option<(String, Origin)> {
        if self.token_variable().is_some() {
            return Some(("AMIO_TOKEN".to_owned(), Origin::Environment));
        }
        let file = self.text("token-file")?;
        Some((file.to_owned(), self.origin("token-file")))
    }

    pub(super) fn token(&self) -> Result<Option<SecretString>, ConfigError> {
        match (self.token_variable(), self.text("token-file")) {
            (Some(token), _) => secret(token, "AMIO_TOKEN").map(Some),
            (None, Some(file)) => {
                secret(&self.secret_text("the token file", Path::new(file))?, file).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// Where the webhook secrets would come from.
    pub(super) fn webhook_secret_place(&self) -> Option<(String, Origin)> {
        if let Some(path) = self.text("webhook-secret-file") {
            return Some((path.to_owned(), self.origin("webhook-secret-file")));
        }
        let (name, ..) = self.webhook_variables().next()?;
        Some((name.to_owned(), Origin::Environment))
    }

    /// The webhook secrets of file and environment; a variable wins over a line of the file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the file cannot be read, or a secret is not usable.
    pub fn webhook_secrets(&self) -> Result<WebhookSecrets, ConfigError> {
        let mut secrets = WebhookSecrets::default();
        if let Some(path) = self.text("webhook-secret-file") {
            let text = self.secret_text("the file of webhook secrets", Path::new(path))?;
            let lines = text.lines().map(str::trim);
            for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
                let (channel, text) = match line.split_once('=') {
                    Some((channel, text)) if is_channel(channel.trim()) => {
                        (Some(channel.trim()), text)
                    }
                    // A secret may hold the sign, and end in it.
                    Some(_) | None => (None, line),
                };
                secrets.set(channel, secret(text, path)?);
            }
        }
        for (name, channel, text) in self.webhook_variables() {
            secrets.set(channel, secret(text, name)?);
        }
        Ok(secrets)
    }

    /// A secret that stands alone in a file.
    pub(super) fn secret_in(&self, path: &Path) -> Result<SecretString, ConfigError> {
        let text = self.secret_text("the password file of the cluster", path)?;
        secret(&text, &path.to_string_lossy())
    }

    fn secret_text(&self, what: &'static str, file: &Path) -> Result<String, ConfigError> {
        self.read_text(file)
            .map_err(|error| ConfigError::Unreadable {
                what,
                file: file.to_owned(),
                error,
            })
    }

    /// The variables that hold a webhook secret: the name, the one channel that it is for, the text.
    fn webhook_variables(&self) -> impl Iterator<Item = (&str, Option<&str>, &str)> {
        self.environment.iter().filter_map(|(name, text)| {
            let channel = match name.strip_prefix("OUTREACH_WEBHOOK_SECRET")? {
                "" => None,
                // That one is a setting: the name of the file.
                "_FILE" => return None,
                rest => Some(
                    rest.strip_prefix('_')
                        .filter(|channel| !channel.is_empty())?,
                ),
            };
            (!text.is_empty()).then_some((name.as_str(), channel, text.as_str()))
        })
    }
}

/// The ids of channels are decimal.
fn is_channel(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A secret without the white space around it; it must fit a header.
fn secret(text: &str, place: &str) -> Result<SecretString, ConfigError> {
    let text = text.trim();
    let reason = if text.is_empty() {
        "it is empty"
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        "it holds spaces, line breaks or characters outside ASCII"
    } else {
        return Ok(SecretString::from(text));
    };
    Err(ConfigError::Secret {
        place: place.to_owned(),
        reason,
    })
}
