//! The keys and sessions of a console.
//!
//! A key is printed at the start and exchanged, once, for a session of 12 hours; then another key is printed. The
//! checkpoint keeps the hash of a session's secret, so that it lasts over a restart. The token that a change carries
//! is made from the secret: it need not be kept.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::base::lock;
use super::page::Failure;
use super::settings::ConsoleError;
use crate::clock::later;
use crate::domain::text::hex;
use crate::store::{Reader, Store, StoreError};

/// A session lasts so long.
pub(super) const LASTS: Duration = Duration::from_hours(12);

/// The keys and sessions of a console.
pub(super) struct Gate {
    checkpoint: PathBuf,
    address: SocketAddr,
    key: Mutex<String>,
    /// Sessions that were seen, by hash.
    seen: Mutex<HashMap<String, Timestamp>>,
}

/// Who makes a request.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// The hash of its secret.
    pub(super) hash: String,
    /// What each change must carry.
    pub(super) token: String,
}

impl Gate {
    pub(super) fn new(checkpoint: PathBuf, address: SocketAddr) -> Result<Self, ConsoleError> {
        Ok(Self {
            checkpoint,
            address,
            key: Mutex::new(random().map_err(ConsoleError::System)?),
            seen: Mutex::default(),
        })
    }

    /// The link that signs in, once.
    pub(super) fn link(&self, url: &str) -> String {
        format!("{url}/sign-in?key={}", lock(&self.key))
    }

    pub(super) fn cookie_name(&self) -> String {
        format!("outreach_{}", self.address.port())
    }

    /// Exchanges the key for a session; returns the cookie's value. `None` if it is not the key.
    pub(super) fn exchange(&self, key: &str, now: Timestamp) -> Result<Option<String>, Failure> {
        let fresh = random().map_err(Failure::broken)?;
        {
            let mut current = lock(&self.key);
            if !is_same(&current, key) {
                return Ok(None);
            }
            *current = fresh;
        }
        let secret = random().map_err(Failure::broken)?;
        let until = later(now, LASTS);
        let store = Store::open_existing(&self.checkpoint)?;
        store.keep_session(&digest(&secret), until, now)?;
        Ok(Some(secret))
    }

    /// The session of a request's cookie.
    pub(super) fn session(&self, headers: &HeaderMap, now: Timestamp) -> Option<Session> {
        let name = self.cookie_name();
        let mut cookies = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|it| it.to_str().ok());
        let secret = cookies.find_map(|line| {
            let mut pairs = line
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='));
            pairs.find_map(|(at, value)| (at == name).then_some(value))
        })?;
        let hash = digest(secret);
        let known = lock(&self.seen).get(&hash).copied();
        let until = known.or_else(|| {
            let found = Reader::open(&self.checkpoint).and_then(|reader| reader.session(&hash));
            found.inspect_err(|error| tracing::warn!("{error}")).ok()?
        })?;
        if until <= now {
            lock(&self.seen).remove(&hash);
            return None;
        }
        lock(&self.seen).insert(hash.clone(), until);
        Some(Session {
            token: digest(&format!("change:{secret}")),
            hash,
        })
    }

    pub(super) fn end(&self, session: &Session) -> Result<(), StoreError> {
        lock(&self.seen).remove(&session.hash);
        Store::open_existing(&self.checkpoint)?.end_session(&session.hash)
    }

    /// Whether the request names this console: a page elsewhere whose name was made to lead here does not.
    pub(super) fn is_ours(&self, host: &str) -> bool {
        let port = self.address.port();
        let names = [
            format!("127.0.0.1:{port}"),
            format!("localhost:{port}"),
            format!("[::1]:{port}"),
            self.address.to_string(),
        ];
        names.iter().any(|name| name.eq_ignore_ascii_case(host))
    }
}

pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// 32 random bytes, in hexadecimal digits.
pub(super) fn random() -> Result<String, String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("this machine gives no random numbers: {error}"))?;
    Ok(hex(&bytes))
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}
