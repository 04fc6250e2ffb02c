//! The keys and sessions of a console.
//!
//! A session lasts 12 hours. It begins with the password of a user, or, where there are no users and nobody else can
//! reach the page, with a key that is printed at the start and exchanged once; then another key is printed. The
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
use subtle::ConstantTimeEq as _;

use super::base::{digest, random};
use super::page::Failure;
use super::settings::{ConsoleError, ConsoleSettings};
use super::slowed::Slowed;
use super::users::{User, UserFile, check_nothing};
use crate::clock::later;
use crate::domain::role::Role;
use crate::locked::lock;
use crate::store::{KeptSession, Reader, Store, StoreError};

/// A session lasts so long.
const LASTS: Duration = Duration::from_hours(12);

/// The keys and sessions of a console.
pub(super) struct Gate {
    checkpoint: PathBuf,
    address: SocketAddr,
    users: UserFile,
    /// Others than this machine reach the page.
    is_open: bool,
    /// Browsers reach it by https.
    is_secure: bool,
    /// Who runs the console.
    owner: String,
    key: Mutex<String>,
    /// Sessions that were seen, by hash.
    seen: Mutex<HashMap<String, KeptSession>>,
    slowed: Mutex<Slowed>,
}

/// Who makes a request.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// The hash of its secret.
    pub(super) hash: String,
    /// What each change must carry.
    pub(super) token: String,
    /// Who it is, for the audit.
    pub(super) person: String,
    pub(super) role: Role,
}

/// What became of a try to sign in.
pub(super) enum SignIn {
    /// The secret of a new session.
    Session(String),
    /// Name and password do not go together.
    Wrong,
    /// Too many tries failed: the next one is looked at then.
    Wait(Duration),
}

impl Gate {
    pub(super) fn new(
        settings: &ConsoleSettings,
        address: SocketAddr,
    ) -> Result<Self, ConsoleError> {
        Ok(Self {
            checkpoint: settings.checkpoint.clone(),
            address,
            users: settings.users.clone(),
            is_open: settings.is_open(),
            is_secure: settings.tls.is_some() || settings.behind_proxy,
            owner: settings.person.clone(),
            key: Mutex::new(random().map_err(ConsoleError::System)?),
            seen: Mutex::default(),
            slowed: Mutex::default(),
        })
    }

    /// Whether users sign in by their passwords. Where the users cannot be read, nobody does otherwise.
    pub(super) fn has_users(&self) -> bool {
        self.is_open || !matches!(self.users(), Some(users) if users.is_empty())
    }

    fn users(&self) -> Option<Vec<User>> {
        let read = self.users.read();
        read.inspect_err(|error| tracing::error!("{error}")).ok()
    }

    /// The link that signs in, once; or the page on which users do.
    pub(super) fn link(&self, url: &str) -> String {
        if self.has_users() {
            return format!("{url}/sign-in");
        }
        format!("{url}/sign-in?key={}", lock(&self.key))
    }

    /// The name has the port: two consoles do not share it. A browser takes one that begins with `__Host-` from this
    /// host alone.
    fn cookie_name(&self) -> String {
        let host = if self.is_secure { "__Host-" } else { "" };
        format!("{host}outreach_{}", self.address.port())
    }

    /// The cookie that a browser keeps; `None` ends it.
    pub(super) fn cookie(&self, secret: Option<&str>) -> String {
        let age = secret.map_or(0, |_| LASTS.as_secs());
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!(
            "{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}",
            self.cookie_name(),
            secret.unwrap_or_default()
        )
    }

    /// Exchanges the key for a session; returns the cookie's value. `None` if it is not the key.
    pub(super) fn exchange(&self, key: &str, now: Timestamp) -> Result<Option<String>, Failure> {
        if self.has_users() {
            return Ok(None);
        }
        let fresh = random().map_err(Failure::broken)?;
        {
            let mut current = lock(&self.key);
            if !is_same(&current, key) {
                return Ok(None);
            }
            *current = fresh;
        }
        self.begin(None, now).map(Some)
    }

    /// Lets a user in by the password. One password is looked at at a time: each takes some memory.
    pub(super) fn try_password(
        &self,
        name: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<SignIn, Failure> {
        let users = self.users().unwrap_or_default();
        let user = users.iter().find(|user| user.name == name);
        let known = user.map_or("", |user| user.name.as_str());
        let mut slowed = lock(&self.slowed);
        if let Some(wait) = slowed.wait(known, now) {
            return Ok(SignIn::Wait(wait));
        }
        let is_right = user.map_or_else(
            || check_nothing(password),
            |user| user.is_password(password),
        );
        slowed.tried(known, is_right, now);
        drop(slowed);
        let Some(user) = user.filter(|_| is_right) else {
            tracing::warn!("somebody gave a wrong name or password on the console");
            return Ok(SignIn::Wrong);
        };
        self.begin(Some(user), now).map(SignIn::Session)
    }

    /// Begins a session; returns its secret.
    fn begin(&self, user: Option<&User>, now: Timestamp) -> Result<String, Failure> {
        let secret = random().map_err(Failure::broken)?;
        let session = KeptSession {
            until: later(now, LASTS),
            user: user.map(|user| (user.stamp(), user.name.clone())),
        };
        let store = Store::open_existing(&self.checkpoint)?;
        store.keep_session(&digest(&secret), session, now)?;
        Ok(secret)
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
        let (person, role) = self.person(&hash, now)?;
        Some(Session {
            token: digest(&format!("change:{secret}")),
            hash,
            person,
            role,
        })
    }

    /// Who has the session of this hash, and what that person may do now; `None` once it is over.
    pub(super) fn person(&self, hash: &str, now: Timestamp) -> Option<(String, Role)> {
        let known = lock(&self.seen).get(hash).cloned();
        let kept = known.or_else(|| {
            let found = Reader::open(&self.checkpoint).and_then(|reader| reader.session(hash));
            found.inspect_err(|error| tracing::warn!("{error}")).ok()?
        })?;
        let users = self.users()?;
        let person = match &kept.user {
            _ if kept.until <= now => None,
            Some((stamp, name)) => {
                let mut users = users.into_iter();
                let user = users.find(|user| user.name == *name && user.stamp() == *stamp);
                user.map(|user| (user.name, user.role))
            }
            // A link signs in where there are no users.
            None => (!self.is_open && users.is_empty()).then(|| (self.owner.clone(), Role::Admin)),
        };
        let mut seen = lock(&self.seen);
        match &person {
            Some(_) => seen.insert(hash.to_owned(), kept),
            None => seen.remove(hash),
        };
        person
    }

    /// How an address of this console begins.
    pub(super) fn scheme(&self) -> &'static str {
        if self.is_secure {
            "https://"
        } else {
            "http://"
        }
    }

    /// Ends the session of this hash.
    pub(super) fn end(&self, hash: &str) -> Result<(), StoreError> {
        Store::open_existing(&self.checkpoint)?.end_session(hash)?;
        lock(&self.seen).remove(hash);
        Ok(())
    }

    /// Whether the request names this console: a page elsewhere whose name was made to lead here does not. Where
    /// others reach it, it may have any name: a browser sends no session to another name than the one that began it.
    pub(super) fn is_ours(&self, host: &str) -> bool {
        if self.is_open {
            return !host.is_empty();
        }
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
