//! The quota between runs: what earlier ones learned of it, and what the next one must know.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::error::RunError;
use crate::amio::Client;
use crate::clock::{Clock, between, later};
use crate::dispatch::pacer::Handle;
use crate::dispatch::pacer::core::{Past, Settings};
use crate::domain::quota::{QUOTA_PERIOD, QuotaHeaders, QuotaState};
use crate::domain::saw_tooth::{self, LOOKED_AT, SawTooth};
use crate::locked::lock;
use crate::store::{BatchId, LookBack, QuotaUpdate, Reader, Store, StoreError};

/// How much longer than the period the pacer looks back: its windows are a thousandth longer.
const LOOK_BACK_MARGIN: Duration = Duration::from_secs(10);

/// Starts that can lie between two group commits, which both save the quota: no more than are under
/// way, and those of as many other processes as anybody runs.
const STARTS_BETWEEN_SAVINGS: usize = 100_000;

/// An end of a window that moved by less is the same: it is given in whole seconds.
const SAME_RESET: Duration = Duration::from_secs(1);

/// A pacer that goes on where all earlier runs with this token stopped, also where the clock was set since.
pub(super) async fn pacer(
    store: &Store,
    token: i64,
    settings: Settings,
    clock: &Clock,
) -> Result<Handle, RunError> {
    let reader = store.reader()?;
    let look_back = SignedDuration::try_from(QUOTA_PERIOD + LOOK_BACK_MARGIN);
    let (now, uptime) = (clock.now(), clock.uptime());
    let lately = LookBack {
        since: now - look_back.unwrap_or(SignedDuration::ZERO),
        now,
        uptime: uptime.clone(),
    };
    // More than the rate allows in a period, none can count.
    let rate = settings.rate.unwrap_or(settings.fallback).count().get();
    let most = usize::try_from(rate).unwrap_or(usize::MAX);
    let requests = reader.past_requests(token, &lately, most.max(STARTS_BETWEEN_SAVINGS))?;
    let moved = reader.clock_moved(&lately)?;
    let past = Past {
        quota: moved_by(moved, known(&reader, token)?),
        starts: requests.starts,
        unanswered: requests.unanswered,
    };
    if let Some(uptime) = uptime {
        store.note_clock(uptime, now).await?;
    }
    Ok(Handle::new(settings, &past, clock.clone()))
}

/// The same, by a clock that was set by `by` since.
fn moved_by(by: SignedDuration, quota: QuotaState) -> QuotaState {
    let moved = |at: Timestamp| at.checked_add(by).unwrap_or(at);
    QuotaState {
        reset_at: quota.reset_at.map(moved),
        observed_at: quota.observed_at.map(moved),
        ..quota
    }
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
        let mut kept = lock(&kept);
        if is_unchanged(&kept, &state) {
            return None;
        }
        *kept = state;
        // Numbers and times: they always have a text.
        serde_json::to_string(&state).ok()
    })
}

/// The end of a window needs no writing: the time says it.
fn is_unchanged(kept: &QuotaState, state: &QuotaState) -> bool {
    let same_end = match (kept.reset_at, state.reset_at) {
        (Some(kept), Some(now)) => between(kept, now).max(between(now, kept)) < SAME_RESET,
        (_, None) => true,
        (None, Some(_)) => false,
    };
    let same_rest = state.remaining.is_none() || kept.remaining == state.remaining;
    kept.limit == state.limit && same_rest && same_end
}

/// How many requests are looked at to draw the quota: it takes some hundredths of a second at the most.
const DRAWN: usize = 50_000;

/// What the requests of the last hours made of the quota of the token that sent the batch last; `None` if nothing is
/// known of it.
///
/// # Errors
/// [`RunError`] if the checkpoint fails.
pub(crate) fn saw_tooth(
    reader: &Reader,
    batch: BatchId,
    clock: &Clock,
) -> Result<Option<SawTooth>, RunError> {
    let Some(token) = reader.token_of(batch)? else {
        return Ok(None);
    };
    let now = clock.now();
    let lately = LookBack {
        since: now - LOOKED_AT,
        now,
        uptime: clock.uptime(),
    };
    let moved = reader.clock_moved(&lately)?;
    let quota = moved_by(moved, known(reader, token)?);
    let starts = reader.past_requests(token, &lately, DRAWN)?.starts;
    Ok(saw_tooth::saw_tooth(&quota, &starts, now))
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
    use std::collections::BTreeMap;

    use super::*;
    use crate::store::{BatchName, Lookup, NewBatch};

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

    const TOKEN: i64 = 7;

    /// A checkpoint with a batch, whose requests are questions to the API.
    fn checkpoint() -> (tempfile::TempDir, Store, BatchId) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let batch = store.create_batch(NewBatch {
            name: BatchName::Named("spring".to_owned()),
            digest: [7; 32],
            definition: BTreeMap::new(),
            headers: Vec::new(),
            files: Vec::new(),
            channel: "7001".to_owned(),
            list: crate::domain::dialect::ListFormat::default(),
            sandbox: false,
            created_at: at("2026-05-01T09:00:00Z"),
        });
        let batch = batch.unwrap();
        (folder, store, batch)
    }

    fn wait_for<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(future)
    }

    fn request(store: &Store, batch: BatchId, clock: &Clock) {
        let claim = store.claim_lookup(batch, TOKEN, u64::MAX, clock.now());
        assert_eq!(wait_for(claim).unwrap(), Lookup::Claimed);
    }

    /// How many requests may leave at this moment, of five an hour.
    fn free(store: &Store, clock: &Clock) -> usize {
        let settings = Settings {
            rate: Some("5/h".parse().unwrap()),
            burst: std::num::NonZeroU32::new(5),
            concurrency: std::num::NonZeroU32::MIN.saturating_add(9),
            ..Settings::default()
        };
        let pacer = wait_for(pacer(store, TOKEN, settings, clock)).unwrap();
        // The first one asks alone.
        std::iter::from_fn(|| pacer.try_acquire())
            .map(|permit| permit.answered(&QuotaHeaders::default()))
            .count()
    }

    #[test]
    fn what_left_in_the_last_hour_counts_after_a_restart() {
        let (_folder, store, batch) = checkpoint();
        let clock = Clock::manual(at("2026-05-01T10:00:00Z"));
        for _ in 0..3 {
            request(&store, batch, &clock);
        }
        clock.advance(Duration::from_mins(55));
        assert_eq!(free(&store, &clock), 2);
        clock.advance(Duration::from_mins(6));
        assert_eq!(free(&store, &clock), 5);
    }

    #[test]
    fn what_left_in_the_last_hour_counts_however_the_clock_was_set() {
        for hours in [-72, -2, 2, 72] {
            let (_folder, store, batch) = checkpoint();
            let clock = Clock::manual(at("2026-05-01T10:00:00Z"));
            assert_eq!(free(&store, &clock), 5);
            for _ in 0..3 {
                request(&store, batch, &clock);
            }
            clock.jump_wall(SignedDuration::from_hours(hours));
            clock.advance(Duration::from_mins(1));
            assert_eq!(free(&store, &clock), 2, "{hours}");
            request(&store, batch, &clock);
            clock.jump_wall(SignedDuration::from_hours(-hours));
            clock.advance(Duration::from_mins(1));
            assert_eq!(free(&store, &clock), 1, "{hours}, and back");
            clock.advance(Duration::from_mins(62));
            assert_eq!(free(&store, &clock), 5, "{hours}, an hour later");
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
        assert!(is_unchanged(&kept, &same));
        assert!(is_unchanged(&kept, &state(None, None, later)));
        let less = state(Some(9), Some("2026-05-01T11:00:00Z"), later);
        assert!(!is_unchanged(&kept, &less));
        let next = state(Some(10), Some("2026-05-01T12:00:00Z"), later);
        assert!(!is_unchanged(&kept, &next));
        assert!(!is_unchanged(&QuotaState::default(), &kept));
    }
}
