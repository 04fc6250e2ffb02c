//! Sends a batch: claims the next recipients, waits for the pacer, sends, classifies, settles.
//!
//! One task a connection. A task waits until a request may leave ([`admission`]: sending hours, canary and outage,
//! pace), claims (the intent is on disk), sends, classifies, and records the result together with the next claim. If no
//! request may leave at once, the result is recorded alone first: what is known does not wait for a pause.
//!
//! A task ends when it finds no recipient to claim: each recipient that is under way has a task of its own, which
//! takes the recipient up again if it comes back. No task waits for a turn when no recipient is left.
//!
//! The store and the API are reached through two small traits, so that a remote work queue or
//! another provider can take their place.

mod admission;
mod gate;
mod guards;
mod halt;
pub(crate) mod pacer;
mod ports;
mod progress;
mod refusals;
mod shared;
mod worker;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::locked::lock;

pub use guards::{Cause, GuardSettings, Guards};
pub use halt::Halt;
use pacer::Handle;
pub use ports::{Ledger, Sender};
pub(crate) use progress::Progress;
pub use progress::ProgressView;
pub use refusals::{PastAnswers, RecentAnswer, TakenBack};
use shared::Shared;
pub(crate) use shared::Stop;
pub use shared::{DispatchSettings, Outage, RunEnd, RunFailure};

/// The longest wait of rows for their own sending hours.
const HOURS_AWAY: Duration = Duration::from_hours(48);

/// Rows that wait for another batch's answer are checked again sooner than that.
const OTHERS_ANSWER: Duration = Duration::from_mins(1);

/// One run of a batch.
pub struct Dispatcher<L, S> {
    shared: Arc<Shared<L>>,
    sender: Arc<S>,
}

impl<L, S> std::fmt::Debug for Dispatcher<L, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher")
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

impl<L: Ledger, S: Sender> Dispatcher<L, S> {
    /// Prepares a run. `random` yields the bits of the jitter.
    pub fn new(
        ledger: L,
        sender: S,
        pacer: Handle,
        clock: Clock,
        guards: Guards,
        settings: DispatchSettings,
        random: Box<dyn FnMut() -> u64 + Send>,
    ) -> Self {
        pacer.admit_by(settings.schedule.clone(), settings.canary);
        let shared = Shared {
            ledger,
            pacer,
            clock,
            guards: Mutex::new(guards),
            channel_types: Mutex::new(settings.channel_types.clone()),
            settings,
            progress: Arc::default(),
            stop: Stop::default(),
            emptied: Notify::new(),
            looks_for_dead: tokio::sync::Mutex::default(),
            shares_connections: AtomicBool::new(false),
            jitter: Mutex::new(random),
            last_failure: Mutex::new((Cause::NoAnswer, String::new())),
        };
        Self {
            shared: Arc::new(shared),
            sender: Arc::new(sender),
        }
    }

    /// The counters of the run, to be shown while it lasts.
    pub(crate) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.shared.progress)
    }

    /// Why a channel of the batch was found to be refused as a whole, while others were left.
    pub(crate) fn refused_channel(&self) -> Option<Halt> {
        lock(&self.shared.guards).refused_channel()
    }

    /// What stops the run.
    pub(crate) fn stop(&self) -> Stop {
        self.shared.stop.clone()
    }

    /// Whether the run neither moves nor has a reason to wait that can be shown. For a moment that is usual: tasks pass
    /// from one step to the next.
    pub(crate) fn stands_still(&self) -> bool {
        let shared = &self.shared;
        let now = shared.clock.now();
        let rows_wait = shared.progress.rows_wait(now).is_some_and(|wait| {
            let longest = match shared.settings.schedule.window {
                Some(_) => HOURS_AWAY,
                None => OTHERS_ANSWER,
            };
            wait <= longest
        });
        let pace = shared.pacer.view();
        let waits = rows_wait || pace.why.is_some();
        !waits && !shared.progress.is_busy() && shared.stop.reason().is_none()
    }

    /// Whether requests leave as usual: none tries alone.
    pub(crate) fn is_open(&self) -> bool {
        self.shared.pacer.is_gate_open()
    }

    /// How long nobody is tried yet, because all who are queued are queued for later; `None` if not.
    pub(crate) fn rows_wait(&self, now: Timestamp) -> Option<Duration> {
        self.shared.progress.rows_wait(now)
    }

    /// Since when nothing leaves because others use all connections; `None` if something does.
    pub(crate) fn lacks_connection_since(&self) -> Option<Timestamp> {
        self.shared.progress.lacks_connection_since()
    }

    /// The outage or limit that keeps everybody waiting; `None` if there is none.
    pub(crate) fn outage(&self) -> Option<Outage> {
        let pause = self.shared.pacer.gate_is_shut_for()?;
        let (cause, failure) = lock(&self.shared.last_failure).clone();
        Some(Outage {
            pause,
            cause,
            failure,
        })
    }

    /// Runs until every recipient is settled, a stop is asked for, or something fails.
    ///
    /// Dropping the future abandons the requests under way: their recipients stay `sending` until
    /// [`Journal::interrupt`] or the next start calls them unknown.
    ///
    /// # Errors
    /// [`RunFailure`] if the checkpoint fails, or a task of ours.
    pub async fn run(&self) -> Result<RunEnd, RunFailure> {
        let standing = lock(&self.shared.guards).standing();
        if let Some(halt) = standing {
            self.take_back().await?;
            return Ok(RunEnd::Halted(halt));
        }
        let mut workers = JoinSet::new();
        for _ in 0..self.shared.settings.concurrency.get() {
            let (shared, sender) = (Arc::clone(&self.shared), Arc::clone(&self.sender));
            workers.spawn(worker::work(shared, sender));
        }
        let mut failure = None;
        let watch_deadline = self.watch_deadline();
        tokio::pin!(watch_deadline);
        loop {
            let ended = tokio::select! {
                ended = workers.join_next() => ended,
                () = &mut watch_deadline => continue,
                limit = self.shared.pacer.nothing_is_ours() => {
                    self.shared.stop.request(RunEnd::Halted(Halt::Reserve { limit }));
                    continue;
                }
                () = self.shared.pacer.hours_are_over() => {
                    self.shared.stop.request(RunEnd::Deadline);
                    continue;
                }
            };
            let Some(ended) = ended else { break };
            let error = match ended {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => RunFailure::Store(error),
                Err(ended) => RunFailure::Defect {
                    text: ended.to_string(),
                },
            };
            // The first failure names the cause; the others follow from it.
            failure.get_or_insert(error);
            self.shared.stop.request(RunEnd::Interrupted);
        }
        if let Some(error) = failure {
            return Err(error);
        }
        self.take_back().await?;
        Ok(self.shared.stop.reason().unwrap_or(RunEnd::Complete))
    }

    /// Takes back the refusals that the guards found to say nothing of their recipients. All of them are on disk by now:
    /// a run after a crash finds the same refusals.
    async fn take_back(&self) -> Result<(), RunFailure> {
        let back = lock(&self.shared.guards).take_back();
        if let Some(back) = back {
            let now = self.shared.clock.now();
            self.shared.ledger.take_back(back, now).await?;
        }
        Ok(())
    }

    /// Asks to stop at the deadline, once; never returns after that.
    async fn watch_deadline(&self) {
        if let Some(deadline) = self.shared.settings.schedule.deadline {
            self.shared.clock.sleep_until_wall(deadline).await;
            self.shared.stop.request(RunEnd::Deadline);
        }
        std::future::pending::<()>().await;
    }
}
