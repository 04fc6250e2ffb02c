//! What a run keeps in the checkpoint beside its results: its long waits, and outages.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::observer::RunProgress;
use super::wait::Wait;
use crate::clock::between;
use crate::dispatch::Outage;
use crate::domain::masking::hide_numbers;
use crate::store::{OutageRecord, StoreError};

/// A note on its way into the checkpoint.
type Note = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// The notes of a run. They are written in their order, beside the run.
pub(super) struct Notes<'a> {
    batch: &'a HeldBatch,
    /// The long wait that the checkpoint has.
    wait: Option<Wait>,
    /// The outage that lasts.
    outage: Option<OutageRecord>,
    queue: VecDeque<Note>,
}

impl<'a> Notes<'a> {
    pub(super) fn of(batch: &'a HeldBatch) -> Self {
        Self {
            batch,
            wait: None,
            outage: None,
            queue: VecDeque::new(),
        }
    }

    /// Takes note of where the run stands. `is_open`: requests leave again as usual.
    pub(super) fn see(&mut self, progress: &RunProgress, is_open: bool) {
        let now = progress.at.wall;
        if let Some(outage) = outage(&mut self.outage, progress.outage.as_ref(), is_open, now) {
            self.keep(outage);
        }
        let wait = progress.wait.clone().filter(|it| it.is_long(now));
        let is_noted = match (&wait, &self.wait) {
            (Some(wait), Some(noted)) => wait.is_same(noted),
            // Its last minute is not long any more.
            (None, Some(noted)) => {
                progress.wait.is_some() && between(now, noted.until) > Duration::ZERO
            }
            (None, None) => true,
            (Some(_), None) => false,
        };
        if !is_noted {
            self.wait.clone_from(&wait);
            if let Some(wait) = &wait {
                let what = hide_numbers(&wait.what.to_string());
                tracing::info!(until = %wait.until, "waits {what}");
            }
            let text = wait.map(|wait| (wait.what.to_string(), wait.until));
            let (store, id) = (Arc::clone(self.batch.store()), self.batch.batch().id);
            let note = async move { store.note_wait(id, text, now).await };
            self.queue.push_back(Box::pin(note));
        }
    }

    fn keep(&mut self, outage: OutageRecord) {
        let (store, id) = (Arc::clone(self.batch.store()), self.batch.batch().id);
        let note = async move { store.note_outage(id, outage).await };
        self.queue.push_back(Box::pin(note));
    }

    /// Returns when the next note is written; never if there is none. May be dropped at any time.
    pub(super) async fn written(&mut self) {
        match self.queue.front_mut() {
            // A checkpoint that fails is reported by the next claim or settlement.
            Some(note) => {
                let _ = note.await;
                self.queue.pop_front();
            }
            None => std::future::pending().await,
        }
    }

    /// The run is over: what is still to be noted is.
    pub(super) async fn end(&mut self, now: Timestamp) {
        if let Some(lasting) = self.outage.take() {
            self.keep(OutageRecord {
                end: now,
                ..lasting
            });
        }
        while !self.queue.is_empty() {
            self.written().await;
        }
    }
}

/// The outage that is over, once it is. It lasts from the first pause until requests leave as usual: between two
/// pauses one request tries alone.
fn outage(
    lasting: &mut Option<OutageRecord>,
    seen: Option<&Outage>,
    is_open: bool,
    now: Timestamp,
) -> Option<OutageRecord> {
    match (seen, lasting.as_mut()) {
        (Some(seen), None) => {
            *lasting = Some(OutageRecord {
                begin: now,
                end: now,
                cause: hide_numbers(&seen.failure),
            });
            None
        }
        (Some(seen), Some(lasting)) => {
            lasting.cause = hide_numbers(&seen.failure);
            None
        }
        (None, Some(_)) if is_open => lasting.take().map(|it| OutageRecord { end: now, ..it }),
        (None, Some(_) | None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::Cause;

    #[test]
    fn an_outage_lasts_over_its_pauses_until_requests_leave_as_usual() {
        let at = |minute: i64| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_mins(minute);
        let pause = |failure: &str| Outage {
            pause: Duration::from_mins(1),
            cause: Cause::NoAnswer,
            failure: failure.to_owned(),
        };
        let mut lasting = None;
        let mut see = |seen: Option<Outage>, is_open, minute| {
            outage(&mut lasting, seen.as_ref(), is_open, at(minute))
        };
        assert_eq!(see(None, true, 0), None);
        assert_eq!(see(Some(pause("refused")), false, 1), None);
        assert_eq!(see(None, false, 2), None, "one tries");
        assert_eq!(see(Some(pause("timed out")), false, 3), None);
        let over = see(None, true, 5).unwrap();
        assert_eq!((over.begin, over.end), (at(1), at(5)));
        assert_eq!(over.cause, "timed out");
        assert_eq!(see(None, true, 6), None);
    }
}
