//! What the dispatcher reports while it works: plain counters, read by the observer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::delivery::State;
use crate::domain::text::canonical_text;
use crate::locked::lock;

/// Counters of one run.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    sent: AtomicU64,
    no_messenger: AtomicU64,
    error: AtomicU64,
    unknown: AtomicU64,
    requests: AtomicU64,
    throttled: AtomicU64,
    in_flight: AtomicU64,
    /// Requests that ended, and their time in microseconds.
    ended: AtomicU64,
    micros: AtomicU64,
    /// Tasks that wait for the checkpoint.
    storing: AtomicU64,
    /// Until when tasks wait for rows that are queued for later, in milliseconds since 1970; 0: none does.
    rows_wait_until: AtomicI64,
    /// Since when no request leaves because others use the connections, in milliseconds since 1970; 0: one may leave.
    lacks_connection_since: AtomicI64,
    unread: Mutex<Unread>,
}

/// Refusals with an unknown text are reported, the first of each kind; of more kinds than these it would be noise.
const KINDS: usize = 5;

/// Texts of refusals that are not known to mean anything.
#[derive(Debug, Default)]
struct Unread {
    /// Digits replaced.
    kinds: Vec<String>,
    /// How many of them were returned already.
    returned: usize,
}

/// A task waits for the checkpoint until this is dropped.
pub(super) struct Storing<'a>(&'a Progress);

impl Drop for Storing<'_> {
    fn drop(&mut self) {
        self.0.storing.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProgressView {
    /// Accepted in this run.
    pub sent: u64,
    /// No Messenger.
    pub no_messenger: u64,
    /// Refused.
    pub error: u64,
    /// Lost answers.
    pub unknown: u64,
    /// Requests that left.
    pub requests: u64,
    /// Requests that the API put off.
    pub throttled: u64,
    /// Requests under way.
    pub in_flight: u64,
    /// Average time from request to answer; `None` before there was one.
    pub latency: Option<Duration>,
}

impl ProgressView {
    /// Recipients settled in this run.
    pub fn settled(&self) -> u64 {
        self.sent + self.no_messenger + self.error + self.unknown
    }
}

impl Progress {
    pub(super) fn started(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn settled(&self, state: State) {
        let counter = match state {
            State::Sent => &self.sent,
            State::NoMessenger => &self.no_messenger,
            State::Error => &self.error,
            State::Unknown => &self.unknown,
            // Back in the queue; and intake's verdicts never pass here.
            State::Queued
            | State::Sending
            | State::Invalid
            | State::Duplicate
            | State::Suppressed => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes the text of a refusal that is not known to mean anything.
    pub(super) fn unread(&self, text: &str) {
        let text = canonical_text(text);
        let mut unread = lock(&self.unread);
        if unread.kinds.len() < KINDS && !unread.kinds.contains(&text) {
            unread.kinds.push(text);
        }
    }

    /// The texts of refusals that are not known to mean anything, digits replaced; each is returned once.
    pub(crate) fn new_unread(&self) -> Vec<String> {
        let mut unread = lock(&self.unread);
        let new = unread
            .kinds
            .get(unread.returned..)
            .unwrap_or_default()
            .to_vec();
        unread.returned = unread.kinds.len();
        new
    }

    /// A task submits something to the checkpoint, and waits.
    pub(super) fn storing(&self) -> Storing<'_> {
        self.storing.fetch_add(1, Ordering::Relaxed);
        Storing(self)
    }

    /// A task waits for the rows that are queued until then; `None`: it waits no longer.
    pub(super) fn rows_wait_until(&self, until: Option<Timestamp>) {
        let until = until.map_or(0, Timestamp::as_millisecond);
        self.rows_wait_until.store(until, Ordering::Relaxed);
    }

    /// A claim found that others use all connections.
    pub(super) fn lacks_connection(&self, now: Timestamp) {
        let since = &self.lacks_connection_since;
        // The first one counts.
        let _ = since.compare_exchange(
            0,
            now.as_millisecond(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// A claim found something else.
    pub(super) fn has_connection(&self) {
        self.lacks_connection_since.store(0, Ordering::Relaxed);
    }

    /// Since when nothing leaves because others use all connections; `None` if a request is under way, or may leave.
    pub(super) fn lacks_connection_since(&self) -> Option<Timestamp> {
        let since = self.lacks_connection_since.load(Ordering::Relaxed);
        if since == 0 || self.in_flight.load(Ordering::Relaxed) > 0 {
            return None;
        }
        Timestamp::from_millisecond(since).ok()
    }

    /// Whether a request is under way, or something is on its way to the checkpoint.
    pub(super) fn is_busy(&self) -> bool {
        let any = |counter: &AtomicU64| counter.load(Ordering::Relaxed) > 0;
        any(&self.in_flight) || any(&self.storing)
    }

    /// How long a task waits from now on for rows that are queued for later; `None` if none does.
    pub(super) fn rows_wait(&self, now: Timestamp) -> Option<Duration> {
        match self.rows_wait_until.load(Ordering::Relaxed) {
            0 => None,
            until => {
                let wait = until.saturating_sub(now.as_millisecond());
                Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
            }
        }
    }

    /// The counters now.
    pub(crate) fn view(&self) -> ProgressView {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ProgressView {
            sent: get(&self.sent),
            no_messenger: get(&self.no_messenger),
            error: get(&self.error),
            unknown: get(&self.unknown),
            requests: get(&self.requests),
            throttled: get(&self.throttled),
            in_flight: get(&self.in_flight),
            latency: get(&self.micros)
                .checked_div(get(&self.ended))
                .map(Duration::from_micros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lack_of_a_connection_counts_from_its_begin_until_one_is_there() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let progress = Progress::default();
        assert_eq!(progress.lacks_connection_since(), None);
        progress.lacks_connection(at(1));
        progress.lacks_connection(at(2));
        assert_eq!(progress.lacks_connection_since(), Some(at(1)));
        progress.started();
        assert_eq!(progress.lacks_connection_since(), None, "one is under way");
        progress.ended(Duration::ZERO);
        progress.has_connection();
        assert_eq!(progress.lacks_connection_since(), None);
        progress.lacks_connection(at(3));
        assert_eq!(progress.lacks_connection_since(), Some(at(3)));
    }
}
