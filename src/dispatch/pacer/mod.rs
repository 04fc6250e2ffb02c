//! The pacer: exactly the quota, never above it, never idle below it.
//!
//! [`core`] decides, with what else keeps a request back ([`admission`](super::admission)); this shell waits. A permit that is free goes to the task that asks, unless another waits.
//! The first task in the queue of [`Handle::acquire`] waits for the pacer's next decision, all
//! others wait for the first one: they cost nothing until it is their turn, and permits are handed out
//! in the order of asking. No task holds a permit while sleeping, and every wait may be dropped at any
//! time.
//!
//! Locking: the state's mutex is held for one decision, never across an await. The queue's mutex is
//! held by the first in the queue, across its wait.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Mutex as Queue, Notify};

use super::admission;
use super::gate::{Gate, Passed};
use crate::clock::{Clock, Moment};
use crate::domain::outcome::{Exchange, Outcome};
use crate::domain::quota::{QuotaHeaders, QuotaState};
use crate::domain::random::mix;
use crate::domain::schedule::Schedule;
use crate::locked::lock;

mod connections;
pub(crate) mod core;
mod limiter;
mod log;
mod model;
mod window;

use self::core::{Decision, Pacer, PacerView, Past, Refusal, Settings, Ticket, Why};

/// A source of numbers from 0 to 1 for jitter; seeded in tests.
#[derive(Debug, Clone, Copy)]
struct Jitter(u64);

impl Jitter {
    /// The next number.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0) as f64 / u64::MAX as f64
    }
}

struct State {
    pacer: Pacer,
    schedule: Schedule,
    gate: Gate,
    jitter: Jitter,
    /// The first in the queue waits for an event, not only for a time.
    event_helps: bool,
}

struct Shared {
    clock: Clock,
    state: Mutex<State>,
    queue: Queue<()>,
    /// How many stand in the queue, or are about to.
    waiting: AtomicUsize,
    event: Notify,
    /// A task waits, and the reserve leaves nothing to wait for.
    nothing_is_ours: Notify,
    /// A task waits, and the run must end before the sending hours come.
    hours_are_over: Notify,
}

/// One who stands in the queue; left when the wait is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::SeqCst);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The way to the pacer; clones share it.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Handle {
    /// A pacer that goes on where earlier runs stopped.
    pub fn new(settings: Settings, past: &Past, clock: Clock) -> Self {
        Self::with_seed(settings, past, clock, RandomState::new().hash_one(0_u8))
    }

    /// Like [`Handle::new`], with the seed of the jitter.
    pub fn with_seed(settings: Settings, past: &Past, clock: Clock, seed: u64) -> Self {
        let pacer = Pacer::new(settings, past, clock.moment());
        let state = Mutex::new(State {
            pacer,
            schedule: Schedule::default(),
            gate: Gate::new(false),
            jitter: Jitter(seed),
            event_helps: false,
        });
        Self(Arc::new(Shared {
            clock,
            state,
            queue: Queue::new(()),
            waiting: AtomicUsize::new(0),
            event: Notify::new(),
            nothing_is_ours: Notify::new(),
            hours_are_over: Notify::new(),
        }))
    }

    /// Requests leave only in these hours; with `canary`, the first one alone.
    pub(super) fn admit_by(&self, schedule: Schedule, canary: bool) {
        let mut state = self.lock();
        state.schedule = schedule;
        state.gate = Gate::new(canary);
    }

    /// Waits until one request may start. May be dropped at any time; a permit is lost with no one.
    pub async fn acquire(&self) -> Permit {
        self.admit().await.1
    }

    /// The same, with the way through the gate, which lasts until the answer's meaning is known.
    pub(super) async fn admit(&self) -> (Pass, Permit) {
        // A permit that is free is given without a wait: a task that waits hands in a result alone, and
        // costs a commit more.
        if let Some(admitted) = self.try_admit() {
            return admitted;
        }
        let shared = &*self.0;
        let _waiting = Waiting::new(&shared.waiting);
        let _first = shared.queue.lock().await;
        loop {
            let until = match self.poll() {
                Ok(admitted) => return admitted,
                Err((until, why)) => {
                    self.note_wait(why);
                    until
                }
            };
            // A stored notice makes this safe: an event between the decision and the wait is not missed.
            match until {
                None => shared.event.notified().await,
                Some(until) => tokio::select! {
                    () = shared.event.notified() => {}
                    () = shared.clock.sleep_until(until) => {}
                },
            }
        }
    }

    /// A permit if one is free at this moment and no task waits for it.
    pub fn try_acquire(&self) -> Option<Permit> {
        self.try_admit().map(|(_, permit)| permit)
    }

    fn try_admit(&self) -> Option<(Pass, Permit)> {
        if self.0.waiting.load(Ordering::SeqCst) > 0 {
            return None;
        }
        // What the first in the queue waits for is not touched.
        self.poll().ok()
    }

    /// May one request leave now? If not, why, and when to ask again if time alone can help.
    fn poll(&self) -> Result<(Pass, Permit), (Option<Moment>, Why)> {
        let now = self.0.clock.moment();
        let mut state = self.lock();
        let State {
            pacer,
            schedule,
            gate,
            ..
        } = &mut *state;
        match admission::decide(now, schedule, gate, pacer) {
            Decision::Go(ticket) => {
                let passed = gate.pass();
                Ok((self.pass(passed), self.permit(ticket)))
            }
            Decision::Wait { until, why } => Err((until, why)),
        }
    }

    fn note_wait(&self, why: Why) {
        self.lock().event_helps = why.event_helps();
        match why {
            Why::ReserveTakesAll => self.0.nothing_is_ours.notify_one(),
            Why::HoursAreOver => self.0.hours_are_over.notify_one(),
            Why::Throttled
            | Why::Quota
            | Why::Even
            | Why::Probing
            | Why::Rate
            | Why::Connections
            | Why::Hours
            | Why::Outage
            | Why::Alone => {}
        }
    }

    fn pass(&self, passed: Passed) -> Pass {
        Pass {
            passed,
            handle: self.clone(),
        }
    }

    fn permit(&self, ticket: Ticket) -> Permit {
        Permit {
            ticket: Some(ticket),
            handle: self.clone(),
        }
    }

    /// Waits until a task asked for a permit although the reserve takes the whole quota: that wait would
    /// never end. Returns the quota of a window.
    pub(crate) async fn nothing_is_ours(&self) -> u64 {
        self.0.nothing_is_ours.notified().await;
        self.view().limit.unwrap_or(0)
    }

    /// Waits until a task asked for a permit although the run must end before the sending hours come.
    pub(super) async fn hours_are_over(&self) {
        self.0.hours_are_over.notified().await;
    }

    /// Everybody may pass the gate from now on.
    pub(super) fn open_gate(&self) {
        self.lock().gate.open();
        self.0.event.notify_one();
    }

    /// Nothing passes the gate for the time `pause`, then one request alone.
    pub(super) fn shut_gate(&self, pause: Duration) {
        let now = self.0.clock.moment();
        self.lock().gate.shut(pause, now);
        self.0.event.notify_one();
    }

    /// Whether requests leave as usual: none goes alone.
    pub(super) fn is_gate_open(&self) -> bool {
        self.lock().gate.is_open()
    }

    /// How long nobody passes the gate yet; `None` if one may.
    pub(super) fn gate_is_shut_for(&self) -> Option<Duration> {
        let now = self.0.clock.moment();
        self.lock().gate.shut_for(now)
    }

    /// Other processes on the same checkpoint claimed `count` requests on the same token.
    pub fn others(&self, count: u64) {
        let now = self.0.clock.moment();
        self.lock().pacer.others(count, now);
    }

    /// Sets how many runs share the connections.
    pub(crate) fn shared_by(&self, runs: u32) {
        self.lock().pacer.shared_by(runs);
        self.0.event.notify_one();
    }

    /// What there is to show.
    pub fn view(&self) -> PacerView {
        let now = self.0.clock.moment();
        self.lock().pacer.view(now)
    }

    /// What to keep for the next run.
    pub fn state(&self) -> QuotaState {
        let now = self.0.clock.moment();
        self.lock().pacer.state(now)
    }

    fn settle(&self, settle: impl FnOnce(&mut State, Moment)) {
        let now = self.0.clock.moment();
        let mut state = self.lock();
        settle(&mut state, now);
        let event_helps = state.event_helps;
        drop(state);
        if event_helps {
            self.0.event.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

/// The way through the gate. Given back on drop.
#[derive(Debug)]
pub(super) struct Pass {
    passed: Passed,
    handle: Handle,
}

impl Pass {
    /// True for the one that passed alone.
    pub(super) fn is_alone(&self) -> bool {
        self.passed.alone
    }

    /// Whether a request may still leave: the gate was not shut since, and the hours did not end.
    pub(super) fn holds(&self) -> bool {
        let now = self.handle.0.clock.now();
        let state = self.handle.lock();
        state.gate.holds(self.passed) && state.schedule.may_send(now)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.handle.lock().gate.came_back(self.passed) {
            self.handle.0.event.notify_one();
        }
    }
}

/// The right to start one request. Dropped before it is used, it goes back.
#[derive(Debug)]
#[must_use = "a dropped permit goes back: say what became of the request"]
pub struct Permit {
    ticket: Option<Ticket>,
    handle: Handle,
}

impl Permit {
    /// The request leaves now. Not needed when it leaves at once; keeps the windows of the rate exact
    /// when something (a commit of the intent) lies between the permit and the request. From here on
    /// a dropped permit counts as [`Permit::lost`].
    pub fn started(mut self) -> Flight {
        let ticket = self.ticket.take();
        let handle = self.handle.clone();
        let ticket = ticket.map(|mut ticket| {
            let now = handle.0.clock.moment();
            handle.lock().pacer.started(&mut ticket, now);
            ticket
        });
        Flight { ticket, handle }
    }

    /// The request was answered, not with 429.
    pub fn answered(self, headers: &QuotaHeaders) {
        self.into_flight().answered(headers);
    }

    /// The request was refused with 429.
    pub fn throttled(self, headers: &QuotaHeaders, retry_after: Option<Duration>) {
        self.into_flight().throttled(headers, retry_after);
    }

    /// The request may have left, and no answer came.
    pub fn lost(self) {
        drop(self.into_flight());
    }

    fn into_flight(mut self) -> Flight {
        Flight {
            ticket: self.ticket.take(),
            handle: self.handle.clone(),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.handle.settle(|state, _| state.pacer.returned(ticket));
            // A place came free that a waiting rate cannot know of.
            self.handle.0.event.notify_one();
        }
    }
}

/// A request on its way. Dropped without a word, it counts as lost.
#[derive(Debug)]
#[must_use = "say what became of the request"]
pub struct Flight {
    ticket: Option<Ticket>,
    handle: Handle,
}

impl Flight {
    /// The request of a message ended so.
    pub(crate) fn ended(self, exchange: &Exchange, outcome: &Outcome, headers: &QuotaHeaders) {
        match (exchange, outcome) {
            (_, Outcome::Throttled { retry_after }) => self.throttled(headers, *retry_after),
            (_, Outcome::NotSent { .. }) => self.not_sent(),
            (Exchange::Answered(_), _) => self.answered(headers),
            (Exchange::Failed { .. }, _) => self.lost(),
        }
    }

    /// The request was answered, not with 429.
    pub fn answered(mut self, headers: &QuotaHeaders) {
        if let Some(ticket) = self.ticket.take() {
            self.handle
                .settle(|state, now| state.pacer.answered(ticket, now, headers));
        }
    }

    /// The request was refused with 429.
    pub(crate) fn throttled(mut self, headers: &QuotaHeaders, retry_after: Option<Duration>) {
        if let Some(ticket) = self.ticket.take() {
            self.handle.settle(|state, now| {
                let jitter = state.jitter.next();
                state.pacer.throttled(
                    ticket,
                    now,
                    &Refusal {
                        headers: *headers,
                        retry_after,
                        jitter,
                    },
                );
            });
        }
    }

    /// The request may have left, and no answer came.
    pub fn lost(self) {
        drop(self);
    }

    /// The request surely never left (connection refused): it goes back.
    pub fn not_sent(mut self) {
        drop(Permit {
            ticket: self.ticket.take(),
            handle: self.handle.clone(),
        });
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.handle
                .settle(|state, now| state.pacer.lost(ticket, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jitter_lies_evenly_between_nothing_and_one_and_another_seed_gives_another() {
        let numbers = |seed: u64| {
            let mut jitter = Jitter(seed);
            std::iter::repeat_with(move || jitter.next()).take(1000)
        };
        for seed in [0, 7, u64::MAX] {
            let mut tenths = [0; 10];
            for number in numbers(seed) {
                assert!((0.0..=1.0).contains(&number), "{number}");
                let tenth = (1..10).take_while(|tenth| number * 10.0 >= f64::from(*tenth));
                tenths[tenth.count()] += 1;
            }
            assert!(tenths.iter().all(|count| *count > 50), "{tenths:?}");
            assert!(numbers(seed).ne(numbers(seed.wrapping_add(10_000))));
        }
    }
}
