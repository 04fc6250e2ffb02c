//! Where the engine is, and the password for it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// The name of the checkpoint if the address has none.
const DEFAULT_NAME: &str = "outreach";

/// How to reach the engine. Neither `Debug` nor `Display` shows a password.
#[derive(Clone)]
pub(crate) struct Access {
    config: Config,
    /// The name of the checkpoint on the engine.
    name: String,
    /// The certificate authority that is trusted in place of the machine's own.
    root: Option<PathBuf>,
    /// How long the engine may be away before a command gives up.
    patience: Duration,
}

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct AccessError(&'static str);

/// What may be written.
const ALLOWED: AccessError = AccessError(
    "postgres://USER@HOST/DATABASE, with #NAME after it where the database holds several checkpoints",
);

impl FromStr for Access {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(ALLOWED);
        }
        let (address, name) = text.split_once('#').unwrap_or((text, DEFAULT_NAME));
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || name.len() > 40 || !name.chars().all(is_name) {
            return Err(AccessError(
                "after # the name of the checkpoint: up to 40 of a to z, 0 to 9 and _",
            ));
        }
        let (address, root) = without_root(address);
        let mut config: Config = address.parse().map_err(|_| ALLOWED)?;
        if config.get_hosts().is_empty() {
            return Err(ALLOWED);
        }
        if !address.contains("sslmode=") {
            let is_local = hosts_are_local(&config);
            // The records hold phone numbers: they leave this machine encrypted.
            config.ssl_mode(if is_local {
                SslMode::Disable
            } else {
                SslMode::Require
            });
        }
        Ok(Self {
            config,
            name: name.to_owned(),
            root,
            patience: Duration::from_mins(10),
        })
    }
}

/// `sslrootcert=FILE`, which the client library does not know, taken out of the address.
fn without_root(address: &str) -> (String, Option<PathBuf>) {
    let Some((base, query)) = address.split_once('?') else {
        return (address.to_owned(), None);
    };
    let (root, rest): (Vec<&str>, Vec<&str>) = query
        .split('&')
        .partition(|pair| pair.starts_with("sslrootcert="));
    let root = root
        .first()
        .and_then(|pair| pair.split_once('='))
        .map(|(_, file)| PathBuf::from(file));
    let address = if rest.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", rest.join("&"))
    };
    (address, root)
}

fn hosts_are_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

impl Access {
    /// The same with this password.
    #[must_use]
    pub(crate) fn with_password(mut self, password: &SecretString) -> Self {
        self.config.password(password.expose_secret());
        self
    }

    /// The same with another patience.
    #[must_use]
    pub(crate) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Whether the address holds a password.
    pub(crate) fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Whether the engine is on this machine.
    pub(super) fn is_local(&self) -> bool {
        hosts_are_local(&self.config)
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The name of the checkpoint on the engine.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The certificate authority that is trusted in place of the machine's own.
    pub(super) fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// How long the engine may be away before a command gives up.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        for (place, host) in self.config.get_hosts().iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            match host {
                Host::Tcp(name) => f.write_str(name)?,
                #[cfg(unix)]
                Host::Unix(path) => write!(f, "{}", path.display())?,
            }
            let ports = self.config.get_ports();
            if let Some(port) = ports.get(place).or(ports.first()) {
                write!(f, ":{port}")?;
            }
        }
        write!(
            f,
            "/{}#{}",
            self.config.get_dbname().unwrap_or_default(),
            self.name
        )
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_an_address_is_shown() {
        let access: Access = "postgres://me:secret@db:5433/office?sslrootcert=/ca.pem#north"
            .parse()
            .unwrap();
        assert!(access.has_password());
        assert_eq!(access.to_string(), "postgres://db:5433/office#north");
        assert!(!format!("{access:?}").contains("secret"));
        assert_eq!(access.root(), Some(Path::new("/ca.pem")));
        assert_eq!(access.config().get_ssl_mode(), SslMode::Require);
        let local: Access = "postgres://me@127.0.0.1/office".parse().unwrap();
        assert_eq!(local.config().get_ssl_mode(), SslMode::Disable);
        assert_eq!(local.name(), "outreach");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "nats://a:4222",
            "postgres://",
            "mysql://a/b",
            "postgres://h/d#A b",
        ] {
            assert!(Access::from_str(text).is_err(), "{text}");
        }
    }
}
