//! Sends a batch: claims the next recipients, waits for the pacer, sends, classifies, settles.
//!
//! One task a connection. A task passes the gate (canary, outage), waits for the sending hours
//! and for a permit of the pacer, claims (the intent is on disk), sends, classifies, and hands the result
//! in together with the next claim. If the next turn is not at hand, the result is handed in alone
//! first: nothing known waits for a pause.
//!
//! A task ends when it finds no recipient to claim: each recipient that is under way has a task of its own, which
//! takes the recipient up again if it comes back. No task waits for a turn when no recipient is left.
//!
//! The store and the API are reached through two small traits, so that a remote work queue or
//! another provider can take their place.

mod gate;
mod guards;
mod halt;
pub(crate) mod pacer;
mod progress;
mod refusals;
mod worker;

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::amio::Reply;
use crate::clock::{Clock, Moment};
use crate::domain::fallback::Step;
use crate::domain::outcome::{Address, MESSENGER};
use crate::domain::refusal::Sayings;
use crate::domain::schedule::Schedule;
use crate::store::{Claim, Claimed, Journal, Settled, Settlement, StoreError};

use gate::Gate;
pub use guards::{Cause, GuardSettings, Guards};
pub use halt::Halt;
use pacer::Handle;
pub(crate) use progress::Progress;
pub use progress::ProgressView;
pub use refusals::{LateAnswer, PastAnswers, TakenBack};

/// Where recipients are claimed and settled.
pub trait Ledger: Send + Sync + 'static {
    /// Records a result and claims the next recipient, durably and together.
    fn settle_and_claim(
        &self,
        settlement: Option<Settlement>,
        claim_at: Option<Timestamp>,
    ) -> impl Future<Output = Result<(Option<Settled>, Option<Claim>), StoreError>> + Send;

    /// Records a result, durably, and returns whether this run has recipients left that are not under way.
    fn has_outstanding(
        &self,
        settlement: Option<Settlement>,
        at: Timestamp,
    ) -> impl Future<Output = Result<(Option<Settled>, bool), StoreError>> + Send;

    /// Settles what dead processes left under way, for which recipients of this run may wait.
    fn interrupt_dead(&self, now: Timestamp)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes refusals back: nothing that may have been accepted is queued by it.
    fn take_back(
        &self,
        results: TakenBack,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Remembers the type of the channel of a step.
    fn learn_channel_type(
        &self,
        step: Step,
        kind: String,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Nothing more goes through the channel of this step in this run.
    fn refuse_channel(&self, step: Step);
}

/// Where messages go.
pub trait Sender: Send + Sync + 'static {
    /// Sends the recipient's message, once; not at all if it does not begin soon after it was `decided`.
    fn send(&self, recipient: &Claimed, decided: Moment) -> impl Future<Output = Reply> + Send;

    /// Whether connections may stay open for the next request. Where others share them, none may: each would count
    /// as one of those that are allowed.
    fn keep_connections(&self, _keep: bool) {}
}

impl Ledger for Journal {
    fn settle_and_claim(
        &self,
        settlement: Option<Settlement>,
        claim_at: Option<Timestamp>,
    ) -> impl Future<Output = Result<(Option<Settled>, Option<Claim>), StoreError>> + Send {
        Self::settle_and_claim(self, settlement, claim_at)
    }

    fn has_outstanding(
        &self,
        settlement: Option<Settlement>,
        at: Timestamp,
    ) -> impl Future<Output = Result<(Option<Settled>, bool), StoreError>> + Send {
        Self::has_outstanding(self, settlement, at)
    }

    fn interrupt_dead(
        &self,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        Self::interrupt_dead(self, now)
    }

    fn take_back(
        &self,
        results: TakenBack,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        Self::take_back(self, results.rows, results.hold, now)
    }

    fn learn_channel_type(
        &self,
        step: Step,
        kind: String,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        self.set_channel_type(step, kind)
    }

    fn refuse_channel(&self, step: Step) {
        Self::refuse_channel(self, step);
    }
}

/// Rows wait for their own sending hours at most so long.
const HOURS_AWAY: Duration = Duration::from_hours(48);

/// Rows that wait for another batch's answer are looked at again before that.
const OTHERS_ANSWER: Duration = Duration::from_mins(1);

/// What to do with a request whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecided {
    /// The outcome is unknown until it is settled by evidence or by the user.
    Hold,
    /// Send again, up to so many attempts in all: a possible double is preferred to a gap.
    Retry {
        /// Attempts in all.
        attempts: u32,
    },
}

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
    pub said: Sayings,
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
struct Shared<L> {
    ledger: L,
    pacer: Handle,
    clock: Clock,
    gate: Gate,
    guards: Mutex<Guards>,
    settings: DispatchSettings,
    channel_types: Mutex<Vec<Option<String>>>,
    progress: Arc<Progress>,
    stop: Stop,
    /// A task found no recipient to claim: those that wait for a turn may wait in vain.
    emptied: Notify,
    /// Held by the task that looks for dead processes; when it last looked (monotonic).
    looks_for_dead: tokio::sync::Mutex<Option<Duration>>,
    /// Other runs use the token too.
    shares_connections: AtomicBool,
    jitter: Mutex<Box<dyn FnMut() -> u64 + Send>>,
    /// What went wrong before the last pause.
    last_failure: Mutex<(Cause, String)>,
}

impl<L> Shared<L> {
    /// What a number means on the channel of a step. A batch's own channel is taken for Messenger until its type is
    /// known, another one is not.
    fn address_by_phone(&self, step: Step) -> Address {
        let kinds = self.channel_types.lock();
        let kinds = kinds.unwrap_or_else(PoisonError::into_inner);
        match kinds.get(step.index()).and_then(Option::as_deref) {
            Some(MESSENGER) => Address::PhoneOnMessenger,
            None if step == Step::FIRST => Address::PhoneOnMessenger,
            Some(_) | None => Address::Phone,
        }
    }
}

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
        let shared = Shared {
            ledger,
            pacer,
            gate: Gate::new(clock.clone(), settings.canary),
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
        let guards = self.shared.guards.lock();
        guards
            .unwrap_or_else(PoisonError::into_inner)
            .refused_channel()
    }

    /// The way to stop the run.
    pub(crate) fn stop(&self) -> Stop {
        self.shared.stop.clone()
    }

    /// Whether the run neither moves nor has a reason to wait that can be shown. A moment of that is nothing: tasks
    /// pass from one step to the next.
    pub(crate) fn stands_still(&self) -> bool {
        let shared = &self.shared;
        let (schedule, now) = (&shared.settings.schedule, shared.clock.now());
        let rows_wait = shared.progress.rows_wait(now).is_some_and(|wait| {
            let longest = match schedule.window {
                Some(_) => HOURS_AWAY,
                None => OTHERS_ANSWER,
            };
            wait <= longest
        });
        let pace = shared.pacer.view();
        let waits = !schedule.may_send(now)
            || rows_wait
            || self.outage().is_some()
            || pace.why.is_some()
            || pace.sleeping_until.is_some();
        !waits && !shared.progress.is_busy() && shared.stop.reason().is_none()
    }

    /// Whether requests leave as usual: none tries alone.
    pub(crate) fn is_open(&self) -> bool {
        self.shared.gate.is_open()
    }

    /// How long nobody is tried yet, because all who are queued are queued for later; `None` if not.
    pub(crate) fn rows_wait(&self, now: Timestamp) -> Option<Duration> {
        self.shared.progress.rows_wait(now)
    }

    /// The outage or limit that keeps everybody waiting; `None` if there is none.
    pub(crate) fn outage(&self) -> Option<Outage> {
        let pause = self.shared.gate.shut_for()?;
        let failure = self.shared.last_failure.lock();
        let (cause, failure) = failure.unwrap_or_else(PoisonError::into_inner).clone();
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
        let standing = {
            let guards = self.shared.guards.lock();
            guards.unwrap_or_else(PoisonError::into_inner).standing()
        };
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

    /// Takes back what the guards found to be no results. All of them are on disk by now: who comes after a
    /// crash finds the same run of refusals.
    async fn take_back(&self) -> Result<(), RunFailure> {
        let back = {
            let guards = self.shared.guards.lock();
            guards.unwrap_or_else(PoisonError::into_inner).take_back()
        };
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
