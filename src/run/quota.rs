//! The quota between runs: what earlier ones learned of it, and what the next one must know.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;

use super::error::RunError;
use crate::amio::Client;
use crate::clock::{Clock, between, later};
use crate::dispatch::pacer::Handle;
use crate::dispatch::pacer::core::{Past, Settings};
use crate::domain::quota::{QUOTA_PERIOD, QuotaHeaders, QuotaState};
use crate::store::{QuotaUpdate, Reader, Store, StoreError};

/// How much longer than the period the pacer looks back: its windows are a thousandth longer.
const LOOK_BACK_MORE: Duration = Duration::from_secs(10);

/// Starts that can lie between two group commits, which both save the quota: no more than are under
/// way, and those of as many other processes as anybody runs.
const STARTS_BETWEEN_SAVINGS: usize = 100_000;

/// An end of a window that moved by less is the same: it is given in whole seconds.
const SAME_RESET: Duration = Duration::from_secs(1);

/// A pacer that goes on where all earlier runs with this token stopped.
pub(super) fn pacer(
    store: &Store,
    token: i64,
    settings: Settings,
    clock: &Clock,
) -> Result<Handle, RunError> {
    let reader = store.reader()?;
    let look_back = SignedDuration::try_from(QUOTA_PERIOD + LOOK_BACK_MORE);
    let since = clock.now() - look_back.unwrap_or(SignedDuration::ZERO);
    // More than the rate allows in a period, none can count.
    let rate = settings.rate.unwrap_or(settings.fallback).count().get();
    let most = usize::try_from(rate).unwrap_or(usize::MAX);
    let requests = reader.past_requests(token, since, most.max(STARTS_BETWEEN_SAVINGS))?;
    let past = Past {
        quota: known(&reader, token)?,
        starts: requests.starts,
        unanswered: requests.unanswered,
    };
    Ok(Handle::new(settings, &past, clock.clone()))
}

/// What is new of the quota since it was asked last, for the checkpoint.
///
/// Only what changed is written: a process that sleeps neither works the disk nor replaces what another
/// process with the same token has learnt since.
pub(super) fn quota_update(pacer: &Handle) -> Arc<QuotaUpdate> {
    let pacer = pacer.clone();
    let kept = Mutex::new(pacer.state());
    Arc::new(move || {
        let state = pacer.state();
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if says_nothing_new(&kept, &state) {
            return None;
        }
        *kept = state;
        // Numbers and times: they always have a text.
        serde_json::to_string(&state).ok()
    })
}

/// The end of a window needs no writing: the time says it.
fn says_nothing_new(kept: &QuotaState, state: &QuotaState) -> bool {
    let same_end = match (kept.reset_at, state.reset_at) {
        (Some(kept), Some(now)) => between(kept, now).max(between(now, kept)) < SAME_RESET,
        (_, None) => true,
        (None, Some(_)) => false,
    };
    let same_rest = state.remaining.is_none() || kept.remaining == state.remaining;
    kept.limit == state.limit && same_rest && same_end
}

/// What earlier requests with this token learned of its quota.
pub(super) fn known(reader: &Reader, token: i64) -> Result<QuotaState, StoreError> {
    let stored = reader.quota(token)?;
    // A state that an older version wrote differently is as good as none.
    Ok(stored
        .and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_default())
}

/// Keeps what the answer to a single request says of the quota: the request counted.
pub(super) async fn remember(
    store: &Store,
    client: &Client,
    headers: &QuotaHeaders,
    clock: &Clock,
) -> Result<(), RunError> {
    let now = clock.now();
    if headers.limit.is_none() && headers.remaining.is_none() {
        return Ok(());
    }
    let state = QuotaState {
        limit: headers.limit,
        remaining: headers.remaining,
        reset_at: headers.until_reset(now).map(|left| later(now, left)),
        observed_at: Some(now),
    };
    let state = serde_json::to_string(&state)?;
    Ok(store
        .save_quota(client.token_fingerprint(), state, now)
        .await?)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn state(remaining: Option<u64>, reset_at: Option<&str>, observed_at: &str) -> QuotaState {
        QuotaState {
            limit: Some(1000),
            remaining,
            reset_at: reset_at.map(at),
            observed_at: Some(at(observed_at)),
        }
    }

    #[test]
    fn time_that_passes_is_nothing_new_and_a_request_is() {
        let kept = state(
            Some(10),
            Some("2026-05-01T11:00:00Z"),
            "2026-05-01T10:00:00Z",
        );
        let later = "2026-05-01T10:59:00Z";
        let same = state(Some(10), Some("2026-05-01T11:00:00.4Z"), later);
        assert!(says_nothing_new(&kept, &same));
        assert!(says_nothing_new(&kept, &state(None, None, later)));
        let less = state(Some(9), Some("2026-05-01T11:00:00Z"), later);
        assert!(!says_nothing_new(&kept, &less));
        let next = state(Some(10), Some("2026-05-01T12:00:00Z"), later);
        assert!(!says_nothing_new(&kept, &next));
        assert!(!says_nothing_new(&QuotaState::default(), &kept));
    }
}
