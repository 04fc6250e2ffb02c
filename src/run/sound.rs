//! The check of the checkpoint before a batch is sent: at once where it is quick, else beside the run. A large one is
//! checked as a whole once a day and after each start of the machine; in between, the rows of the batch alone are.

use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use super::error::RunError;
use crate::clock::Clock;
use crate::store::{BatchId, Depth, FoundSound, Reader, Store, StoreError};

/// How long the first request waits for the check.
const MAX_DELAY: Duration = Duration::from_secs(2);

/// How long a large checkpoint that was found sound is not checked as a whole again: the check takes the longer, the
/// more was ever sent.
const SOUND_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The faults that are named.
const NAMED: usize = 3;

/// A check that goes on.
pub(super) struct SoundCheck(oneshot::Receiver<Result<(), StoreError>>);

impl SoundCheck {
    /// Begins the check, and waits for it a moment. `None`: it is over, and the checkpoint is sound.
    pub(super) async fn begin(
        store: &Arc<Store>,
        batch: BatchId,
        clock: &Clock,
    ) -> Result<Option<Self>, RunError> {
        let (send_result, result) = oneshot::channel();
        let reader = store.reader()?;
        let now = FoundSound {
            at: clock.now().as_millisecond(),
            boot: clock.uptime().map(|uptime| uptime.boot),
        };
        // The store is closed when the run ends, whether the check goes on or not.
        let noting = Arc::downgrade(store);
        // A thread of its own: a run that ends before it does not wait for it.
        let thread = std::thread::Builder::new().name("check".to_owned());
        let begun = thread.spawn(move || {
            let _ = send_result.send(check(&noting, &reader, batch, &now));
        });
        if let Err(source) = begun {
            let path = store.path().to_owned();
            return Err(StoreError::File { path, source }.into());
        }
        let mut check = Self(result);
        tokio::select! {
            biased;
            done = check.over() => done.map(|()| None),
            () = clock.sleep(MAX_DELAY) => Ok(Some(check)),
        }
    }

    /// Waits until the check is over.
    pub(super) async fn over(&mut self) -> Result<(), RunError> {
        match (&mut self.0).await {
            Ok(checked) => Ok(checked?),
            Err(_) => Err(StoreError::Stopped.into()),
        }
    }
}

fn check(
    store: &Weak<Store>,
    reader: &Reader,
    batch: BatchId,
    now: &FoundSound,
) -> Result<(), StoreError> {
    let depth = if reader.is_large()? {
        depth_of_large(reader.found_sound()?.as_ref(), now)
    } else {
        Depth::Whole
    };
    let faults = reader.faults_before(batch, depth)?;
    if faults.is_empty() {
        return match (depth, store.upgrade()) {
            (Depth::Pages, Some(store)) => store.note_found_sound(now),
            (Depth::Whole | Depth::Pages | Depth::Batch, _) => Ok(()),
        };
    }
    let named: Vec<&str> = faults.iter().take(NAMED).map(String::as_str).collect();
    Err(StoreError::Corrupt {
        detail: named.join("; "),
    })
}

/// How much of a large checkpoint is checked `now`. What damages a file is mostly a machine that lost its power.
fn depth_of_large(last: Option<&FoundSound>, now: &FoundSound) -> Depth {
    let is_fresh = last.is_some_and(|last| {
        let time = |at: i64| Timestamp::from_millisecond(at).unwrap_or(Timestamp::MIN);
        let since = time(now.at).duration_since(time(last.at));
        last.boot == now.boot && !since.is_negative() && since < SOUND_FOR
    });
    if is_fresh { Depth::Batch } else { Depth::Pages }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_checkpoint_is_checked_as_a_whole_once_a_day_and_after_each_start_of_the_machine() {
        let at = |hours: i64, boot: Option<&str>| FoundSound {
            at: hours * 3_600_000,
            boot: boot.map(str::to_owned),
        };
        let now = at(1_000, Some("a"));
        for (last, depth) in [
            (None, Depth::Pages),
            (Some(at(999, Some("a"))), Depth::Batch),
            (Some(at(976, Some("a"))), Depth::Pages),
            (Some(at(999, Some("b"))), Depth::Pages),
            (Some(at(999, None)), Depth::Pages),
            // The clock was set back.
            (Some(at(1_001, Some("a"))), Depth::Pages),
        ] {
            assert_eq!(depth_of_large(last.as_ref(), &now), depth, "{last:?}");
        }
    }
}
