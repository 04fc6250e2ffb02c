//! The token and the webhook secrets: where they are, and how they are read. Nothing here prints one.

use std::path::Path;

use secrecy::SecretString;

use super::{ConfigError, Origin, Settings};
use crate::amio::webhook::WebhookSecrets;

impl Settings {
    /// Where the token would come from.
    pub(super) fn token_place(&self) -> Option<(String, Origin)> {
        let origin = self.origins.token_file;
        match &self.layer.token_file {
            Some(path) if origin == Origin::Flag => Some((path.clone(), origin)),
            _ if self.variable("AMIO_TOKEN").is_some() => {
                Some(("AMIO_TOKEN".to_owned(), Origin::Environment))
            }
            Some(path) => Some((path.clone(), origin)),
            None => None,
        }
    }

    pub(super) fn token(&self) -> Result<Option<SecretString>, ConfigError> {
        let Some((place, _)) = self.token_place() else {
            return Ok(None);
        };
        if place == "AMIO_TOKEN"
            && let Some(token) = self.variable("AMIO_TOKEN")
        {
            return secret(token, place).map(Some);
        }
        let text = read("the token file", Path::new(&place))?;
        secret(&text, place).map(Some)
    }

    /// Where the webhook secrets would come from.
    pub(super) fn webhook_secret_place(&self) -> Option<(String, Origin)> {
        let variable = self.environment.iter().find(|(name, value)| {
            !value.is_empty()
                && (*name == "OUTREACH_WEBHOOK_SECRET"
                    || name.starts_with("OUTREACH_WEBHOOK_SECRET_"))
                && *name != "OUTREACH_WEBHOOK_SECRET_FILE"
        });
        match (&self.layer.webhook_secret_file, variable) {
            (Some(path), _) => Some((path.clone(), self.origins.webhook_secret_file)),
            (None, Some((name, _))) => Some((name.clone(), Origin::Environment)),
            (None, None) => None,
        }
    }

    /// The webhook secrets of file and environment; a variable wins over a line of the file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the file cannot be read, or a secret is not usable.
    pub fn webhook_secrets(&self) -> Result<WebhookSecrets, ConfigError> {
        let mut secrets = WebhookSecrets::default();
        if let Some(path) = &self.layer.webhook_secret_file {
            let text = read("the file of webhook secrets", Path::new(path))?;
            let lines = text
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty() && !line.starts_with('#'));
            for line in lines {
                match line.split_once('=') {
                    Some((channel, text)) if is_channel(channel.trim()) => {
                        let text = secret(text, path.clone())?;
                        secrets.set(Some(channel.trim()), text);
                    }
                    // A secret may hold the sign, and end in it.
                    Some(_) | None => secrets.set(None, secret(line, path.clone())?),
                }
            }
        }
        for (name, value) in self
            .environment
            .iter()
            .filter(|(_, value)| !value.is_empty())
        {
            match name.strip_prefix("OUTREACH_WEBHOOK_SECRET") {
                Some("") => secrets.set(None, secret(value, name.clone())?),
                // That one is a setting: the name of the file.
                Some("_FILE") | None => {}
                Some(rest) => {
                    if let Some(channel) =
                        rest.strip_prefix('_').filter(|channel| !channel.is_empty())
                    {
                        secrets.set(Some(channel), secret(value, name.clone())?);
                    }
                }
            }
        }
        Ok(secrets)
    }
}

/// The ids of channels are decimal.
fn is_channel(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn read(what: &'static str, file: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(file).map_err(|error| ConfigError::Unreadable {
        what,
        file: file.to_owned(),
        error,
    })
}

/// A secret without the white space around it; it must fit a header.
fn secret(text: &str, place: String) -> Result<SecretString, ConfigError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ConfigError::Secret {
            place,
            reason: "it is empty",
        });
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let reason = "it holds spaces, line breaks or characters outside ASCII";
        return Err(ConfigError::Secret { place, reason });
    }
    Ok(SecretString::from(text))
}
