//! The settings in force, for `outreach config`.

use std::path::Path;

use super::origin::{FILE_NAME, Origin};
use super::setting::settings;
use super::settings::Settings;

/// One line of `outreach config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The setting.
    pub key: &'static str,
    /// Its value as it would be typed; empty for "not set". Secrets: only whether there is one.
    pub value: String,
    /// The layer that it comes from.
    pub origin: Origin,
    /// The origin for people: `--rate`, `OUTREACH_RATE`, `outreach.toml`, `default`.
    pub from: String,
}

impl Settings {
    /// All settings in force, each with its origin, the token and the webhook secret last.
    pub fn shown(&self) -> Vec<Shown> {
        let mut lines: Vec<Shown> = settings()
            .iter()
            .map(|setting| {
                let (key, origin) = (setting.key(), self.origin(setting.key()));
                let value = match origin {
                    Origin::Default => setting.default(),
                    Origin::File | Origin::Environment | Origin::Flag => {
                        without_password(key, &self.texts(key).join("; "))
                    }
                };
                Shown {
                    key,
                    value,
                    origin,
                    from: self.from(key, origin),
                }
            })
            .collect();
        lines.push(shown_secret("token", self.token_place()));
        lines.push(shown_secret("webhook-secret", self.webhook_secret_place()));
        lines
    }

    fn from(&self, key: &str, origin: Origin) -> String {
        match origin {
            Origin::Default => "default".to_owned(),
            Origin::File => self
                .file()
                .unwrap_or(Path::new(FILE_NAME))
                .display()
                .to_string(),
            // The one setting that has a second name in the environment.
            Origin::Environment
                if key == "token-file" && self.variable("OUTREACH_TOKEN_FILE").is_none() =>
            {
                "AMIO_TOKEN_FILE".to_owned()
            }
            Origin::Environment | Origin::Flag => origin.name(key),
        }
    }
}

/// An address without what may be a user, a password or a key in it: all before the last `@` and behind a `?`.
fn without_password(key: &str, value: &str) -> String {
    if !matches!(key, "base-url" | "cluster") {
        return value.to_owned();
    }
    let (scheme, rest) = match value.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), value),
    };
    let rest = match rest.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => rest.to_owned(),
    };
    let rest = match rest.split_once(['?', '#']) {
        Some((address, _)) => format!("{address}?***"),
        None => rest,
    };
    format!("{scheme}{rest}")
}

/// Whether there is a secret, and where; never the secret.
fn shown_secret(key: &'static str, place: Option<(String, Origin)>) -> Shown {
    let (value, origin, from) = match place {
        Some((place, origin)) => (format!("set (from {place})"), origin, place),
        None => ("not set".to_owned(), Origin::Default, "default".to_owned()),
    };
    Shown {
        key,
        value,
        origin,
        from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_an_address_is_shown() {
        let shown = |value: &str| without_password("base-url", value);
        assert_eq!(
            shown("https://user:password@host/v1"),
            "https://***@host/v1"
        );
        assert_eq!(shown("https://user:p@ss/w@host"), "https://***@host");
        assert_eq!(shown("user:password@host"), "***@host");
        assert_eq!(shown("https://host/v1?key=secret"), "https://host/v1?***");
        assert_eq!(shown("https://api.amio.io/v1"), "https://api.amio.io/v1");
        assert_eq!(
            without_password("cluster", "postgres://me:secret@db/office"),
            "postgres://***@db/office"
        );
        assert_eq!(without_password("message", "a@b?"), "a@b?");
    }
}
