//! What is counted since the start.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;

use crate::domain::worded::worded_enum;
use crate::locked::lock;
use crate::store::Taken;

/// Kinds of events that are counted by name; more are counted together, since the names are a
/// client's.
const KINDS: usize = 32;

worded_enum! {
    /// Why a request is refused, by its word in the metrics. A refused request stores nothing.
    pub(super) enum Refused: "a reason of a refusal" {
        NoSignature = "no_signature",
        WrongSignature = "wrong_signature",
        UnknownChannel = "unknown_channel",
        TooLarge = "too_large",
        TooSlow = "too_slow",
        CutOff = "cut_off",
        NoEvent = "no_event",
        NotStored = "not_stored",
    }
}

impl Refused {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::NoSignature | Self::WrongSignature | Self::UnknownChannel => {
                StatusCode::UNAUTHORIZED
            }
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::CutOff | Self::NoEvent => StatusCode::BAD_REQUEST,
            Self::NotStored => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Counters {
    kinds: Mutex<BTreeMap<String, u64>>,
    refused: [AtomicU64; Refused::ALL.len()],
    pub(super) new: AtomicU64,
    pub(super) known: AtomicU64,
    pub(super) erased: AtomicU64,
    pub(super) given_up: AtomicU64,
    pub(super) problems: AtomicU64,
    pub(super) connections: Arc<AtomicU64>,
    pub(super) answer_time: Sum,
    pub(super) lag: Sum,
}

/// A number of durations and their sum.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) count: AtomicU64,
    micros: AtomicU64,
}

impl Sum {
    fn add(&self, time: Duration) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn seconds(&self) -> f64 {
        self.micros.load(Ordering::Relaxed) as f64 / 1e6
    }
}

/// Counts a connection for as long as it lives.
pub(super) struct Open(Arc<AtomicU64>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Counters {
    pub(super) fn connection(&self) -> Open {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(&self.connections))
    }

    pub(super) fn refused(&self, refused: Refused) {
        if let Some(count) = self.refused.get(refused as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Refused::ALL
            .into_iter()
            .zip(&self.refused)
            .map(|(refused, count)| (refused.word(), count.load(Ordering::Relaxed)))
    }

    /// An event with a good signature.
    pub(super) fn event(&self, kind: &str, lag: Option<Duration>) {
        let mut kinds = lock(&self.kinds);
        let kind = if kinds.contains_key(kind) || kinds.len() < KINDS {
            kind
        } else {
            "other"
        };
        *kinds.entry(kind.to_owned()).or_default() += 1;
        drop(kinds);
        if let Some(lag) = lag {
            self.lag.add(lag);
        }
    }

    pub(super) fn kinds(&self) -> BTreeMap<String, u64> {
        lock(&self.kinds).clone()
    }

    pub(super) fn answered(&self, time: Duration) {
        self.answer_time.add(time);
    }

    pub(super) fn taken(&self, taken: &Taken) {
        for (counter, n) in [
            (&self.new, u64::from(taken.new)),
            (&self.known, u64::from(taken.known)),
            (&self.erased, u64::from(taken.erased)),
            (&self.problems, taken.problems.len() as u64),
        ] {
            counter.fetch_add(n, Ordering::Relaxed);
        }
    }
}
