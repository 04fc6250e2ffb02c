//! What the tasks of a run share, and how a run is asked to stop and ends.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::guards::{Cause, Guards};
use super::halt::Halt;
use super::pacer::Handle;
use super::progress::Progress;
use crate::clock::Clock;
use crate::domain::batch_state::PausedBy;
use crate::domain::fallback::Step;
use crate::domain::outcome::Address;
use crate::domain::refusal::RefusalRules;
use crate::domain::schedule::Schedule;
use crate::domain::sending::Undecided;
use crate::locked::lock;
use crate::store::StoreError;

/// What a run needs to know.
#[derive(Debug)]
pub struct DispatchSettings {
    /// Requests under way at the same time, at most.
    pub concurrency: NonZeroUsize,
    /// What to do with lost answers.
    pub undecided: Undecided,
    /// When to send.
    pub schedule: Schedule,
    /// The types of the batch's channels, in the order in which they are tried, as far as they are known.
    pub channel_types: Vec<Option<String>>,
    /// What people said that texts of refusals mean.
    pub refusal_rules: RefusalRules,
    /// The first request goes alone.
    pub canary: bool,
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEnd {
    /// Every recipient is settled.
    Complete,
    /// The user or the system asked to stop.
    Interrupted,
    /// The time for this run is over.
    Deadline,
    /// No process may send anything of the batch.
    Paused(PausedBy),
    /// A guard stopped it.
    Halted(Halt),
    /// The checkpoint's file was deleted, or another one was put in its place.
    Displaced,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunFailure {
    /// The checkpoint failed: no request leaves after that.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A defect of the program ended one of the tasks. What it had under way becomes unknown when the batch
    /// is taken up again.
    #[error(
        "a part of the program failed ({text}); nothing known is lost; please report it, and run the same command again"
    )]
    Defect {
        /// What it said.
        text: String,
    },
}

/// The wish to stop, and its reason; the first reason counts.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<watch::Sender<Option<RunEnd>>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Stop {
    /// Asks the run to stop claiming and to let what is in flight finish.
    pub(crate) fn request(&self, reason: RunEnd) {
        self.0.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(reason);
            }
            first
        });
    }

    /// Why to stop, if a stop was asked for.
    pub(crate) fn reason(&self) -> Option<RunEnd> {
        self.0.borrow().clone()
    }

    /// Waits until a stop is asked for.
    pub(crate) async fn requested(&self) {
        // The sender lives in `self`, so that the wait cannot fail.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }
}

/// Nothing is sent for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// How long nothing is tried yet.
    pub pause: Duration,
    /// Why.
    pub cause: Cause,
    /// What went wrong last.
    pub failure: String,
}

/// What the tasks of a run share.
pub(super) struct Shared<L> {
    pub(super) ledger: L,
    pub(super) pacer: Handle,
    pub(super) clock: Clock,
    pub(super) guards: Mutex<Guards>,
    pub(super) settings: DispatchSettings,
    pub(super) channel_types: Mutex<Vec<Option<String>>>,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: Stop,
    /// A task found no recipient to claim: those that wait for a turn may wait in vain.
    pub(super) emptied: Notify,
    /// Held by the task that looks for dead processes; when it last looked (monotonic).
    pub(super) looks_for_dead: tokio::sync::Mutex<Option<Duration>>,
    /// Other runs use the token too.
    pub(super) shares_connections: AtomicBool,
    pub(super) jitter: Mutex<Box<dyn FnMut() -> u64 + Send>>,
    /// What went wrong before the last pause.
    pub(super) last_failure: Mutex<(Cause, String)>,
}

impl<L> Shared<L> {
    /// What a number means on the channel of a step. A batch's own channel is taken for Messenger until its type is
    /// known, another one is not.
    pub(super) fn address_by_phone(&self, step: Step) -> Address {
        let kinds = lock(&self.channel_types);
        match kinds.get(step.index()).and_then(Option::as_deref) {
            None if step != Step::FIRST => Address::Phone,
            kind => Address::by_phone(kind),
        }
    }
}
