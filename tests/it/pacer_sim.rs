//! A discrete-event simulation of the pacer against servers that count in different ways.
//!
//! Hours pass in milliseconds: nothing here sleeps, and all randomness comes from a seed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use outreach::internals::clock::Moment;
use outreach::internals::dispatch::pacer::core::{
    Decision, Pacer, Past, Refusal, Settings, Ticket,
};
use outreach::internals::domain::quota::{QuotaHeaders, QuotaState, Reset};

pub(crate) const SECOND: i64 = 1_000_000_000;
pub(crate) const HOUR: i64 = 3600 * SECOND;
/// Where the simulated calendar starts: a second that is not whole, as real ones are.
const EPOCH_NANOS: i64 = 1_790_000_000 * SECOND + 377_000_000;

/// How a server counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counting {
    /// A window opens with the first request after the last one ended.
    Fixed,
    /// The last hour; Reset is when the next request is possible.
    Sliding,
    /// A bucket that drains evenly; Reset is when the next request is possible.
    Leaky,
}

/// What the server tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers {
    Honest,
    /// As documented rather than as recorded: Reset is the time remaining.
    HonestRelative,
    Missing,
    /// Remaining never falls, Reset is in the past.
    Lying,
}

#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) counting: Counting,
    pub(crate) limit: u64,
    pub(crate) rows: u64,
    pub(crate) headers: Headers,
    pub(crate) settings: Settings,
    /// Milliseconds each way, from and to.
    pub(crate) latency: (i64, i64),
    /// The process is killed so many times.
    pub(crate) restarts: u32,
    /// Part of the limit, in percent, that another client takes each hour.
    pub(crate) others: u64,
    /// Simultaneous connections that the server allows.
    pub(crate) connections: usize,
    pub(crate) seed: u64,
}

impl Scenario {
    /// Honest headers, no faults, two and a half windows of rows.
    pub(crate) fn plain(counting: Counting, limit: u64) -> Self {
        let concurrency = NonZeroU32::new(if limit > 10_000 { 64 } else { 10 }).unwrap();
        Self {
            counting,
            limit,
            rows: (limit * 5 / 2).max(4),
            headers: Headers::Honest,
            settings: Settings {
                concurrency,
                ..Settings::default()
            },
            latency: (20, 200),
            restarts: 0,
            others: 0,
            connections: usize::MAX,
            seed: 7,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) refused: u64,
    /// Most of our requests that arrived in one window of the server, refused ones included.
    pub(crate) most_in_window: usize,
    /// Most starts in any sliding hour.
    pub(crate) most_starts: usize,
    pub(crate) finished: i64,
    pub(crate) sent: u64,
    pub(crate) lost: u64,
    pub(crate) peak: usize,
    pub(crate) starts: Vec<i64>,
}

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn within(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.next() % u64::try_from(to - from + 1).unwrap()).unwrap()
    }

    fn unit(&mut self) -> f64 {
        self.next() as f64 / u64::MAX as f64
    }
}

/// The server's counter.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    counting: Counting,
    limit: u64,
    /// Fixed: when the window opened, and what it holds.
    opened: Option<i64>,
    used: u64,
    /// Sliding: the accepted requests of the last hour.
    accepted: VecDeque<i64>,
    /// Leaky: the level times an hour in nanoseconds, and when it was so.
    level: i128,
    level_at: i64,
    arrivals: Vec<i64>,
    windows: Vec<usize>,
}

impl Server {
    pub(crate) fn new(counting: Counting, limit: u64) -> Self {
        Self {
            counting,
            limit,
            opened: None,
            used: 0,
            accepted: VecDeque::new(),
            level: 0,
            level_at: 0,
            arrivals: Vec::new(),
            windows: Vec::new(),
        }
    }

    fn settle(&mut self, now: i64) {
        match self.counting {
            Counting::Fixed => {
                if self.opened.is_none_or(|opened| now >= opened + HOUR) {
                    self.opened = None;
                    self.used = 0;
                }
            }
            Counting::Sliding => {
                while self.accepted.front().is_some_and(|at| at + HOUR <= now) {
                    self.accepted.pop_front();
                }
                self.used = self.accepted.len() as u64;
            }
            Counting::Leaky => {
                let drained = i128::from(now - self.level_at) * i128::from(self.limit);
                self.level = (self.level - drained).max(0);
                self.level_at = now;
                self.used =
                    u64::try_from((self.level + i128::from(HOUR) - 1) / i128::from(HOUR)).unwrap();
            }
        }
    }

    /// One request; true when it is accepted.
    fn request(&mut self, now: i64, ours: bool) -> bool {
        self.settle(now);
        if self.counting == Counting::Fixed && self.opened.is_none() {
            self.opened = Some(now);
            self.windows.push(0);
        }
        if ours {
            self.arrivals.push(now);
            if let Some(window) = self.windows.last_mut() {
                *window += 1;
            }
        }
        if self.used >= self.limit {
            return false;
        }
        match self.counting {
            Counting::Fixed => self.used += 1,
            Counting::Sliding => {
                self.accepted.push_back(now);
                self.used += 1;
            }
            Counting::Leaky => {
                self.level += i128::from(HOUR);
                self.used += 1;
            }
        }
        true
    }

    /// When one more request is possible.
    fn next_possible(&self, now: i64) -> i64 {
        match self.counting {
            Counting::Fixed => self.opened.map_or(now, |opened| opened + HOUR),
            Counting::Sliding => self.accepted.front().map_or(now, |at| at + HOUR),
            Counting::Leaky => {
                let over = self.level - i128::from(HOUR) * i128::from(self.limit - 1);
                let wait = (over.max(0) + i128::from(self.limit) - 1) / i128::from(self.limit);
                now + i64::try_from(wait).unwrap()
            }
        }
    }

    fn headers(&self, now: i64, style: Headers) -> QuotaHeaders {
        let remaining = self.limit - self.used;
        let reset = self.next_possible(now);
        let at = Timestamp::from_second((EPOCH_NANOS + reset) / SECOND).unwrap();
        match style {
            Headers::Missing => QuotaHeaders::default(),
            Headers::Honest => QuotaHeaders {
                limit: Some(self.limit),
                remaining: Some(remaining),
                reset: Some(Reset::At(at)),
                date: None,
            },
            Headers::HonestRelative => {
                let left = Duration::from_secs(((reset - now) / SECOND).unsigned_abs());
                QuotaHeaders {
                    limit: Some(self.limit),
                    remaining: Some(remaining),
                    reset: Some(Reset::In(left)),
                    date: None,
                }
            }
            Headers::Lying => QuotaHeaders {
                limit: Some(self.limit),
                remaining: Some(self.limit),
                reset: Some(Reset::At(Timestamp::from_second(1_600_000_000).unwrap())),
                date: None,
            },
        }
    }

    fn most_in_window(&self) -> usize {
        match self.counting {
            Counting::Fixed => self.windows.iter().copied().max().unwrap_or(0),
            Counting::Sliding | Counting::Leaky => most_within(&self.arrivals, HOUR),
        }
    }
}

/// The most of `times` (ascending) in any window of `period`.
pub(crate) fn most_within(times: &[i64], period: i64) -> usize {
    let (mut most, mut from) = (0, 0);
    for (index, at) in times.iter().enumerate() {
        while times[from] + period <= *at {
            from += 1;
        }
        most = most.max(index + 1 - from);
    }
    most
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Other,
    Arrive(usize),
    Answer(usize),
    Kill,
    Start,
    Wake,
}

struct Request {
    sent: i64,
    answered: bool,
    ticket: Ticket,
    back: i64,
    life: u32,
    refused: bool,
    headers: QuotaHeaders,
}

pub(crate) fn moment(at: i64) -> Moment {
    Moment {
        mono: Duration::from_nanos(at.unsigned_abs()),
        wall: wall(at),
    }
}

fn wall(at: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(EPOCH_NANOS + at)).unwrap()
}

struct Simulation<'a> {
    scenario: &'a Scenario,
    random: Random,
    server: Server,
    pacer: Pacer,
    alive: bool,
    life: u32,
    kept: QuotaState,
    events: BinaryHeap<Reverse<(i64, Event)>>,
    requests: Vec<Request>,
    open: usize,
    todo: u64,
    wake: Option<i64>,
    outcome: Outcome,
}

/// Runs one scenario to its end.
pub(crate) fn run(scenario: &Scenario) -> Outcome {
    let mut random = Random::new(scenario.seed);
    let mut events = BinaryHeap::new();
    plan(scenario, &mut random, &mut events);
    let empty = Outcome {
        refused: 0,
        most_in_window: 0,
        most_starts: 0,
        finished: 0,
        sent: 0,
        lost: 0,
        peak: 0,
        starts: Vec::new(),
    };
    let mut simulation = Simulation {
        server: Server::new(scenario.counting, scenario.limit),
        pacer: Pacer::new(scenario.settings, &Past::default(), moment(0)),
        alive: true,
        life: 0,
        kept: QuotaState::default(),
        events,
        requests: Vec::new(),
        open: 0,
        todo: scenario.rows,
        wake: None,
        outcome: empty,
        random,
        scenario,
    };
    simulation.dispatch(0);
    while simulation.outcome.sent + simulation.outcome.lost < scenario.rows {
        let Reverse((now, event)) = simulation
            .events
            .pop()
            .expect("an event as long as rows are left");
        assert!(
            now < 400 * HOUR,
            "the batch never ends: {:?}",
            simulation.outcome
        );
        simulation.happen(now, event);
        simulation.dispatch(now);
    }
    let mut outcome = simulation.outcome;
    outcome.most_in_window = simulation.server.most_in_window();
    outcome.most_starts = most_within(&outcome.starts, HOUR);
    outcome
}

/// Restarts and the other client's requests, planned ahead so that the oracle sees the same.
fn plan(scenario: &Scenario, random: &mut Random, events: &mut BinaryHeap<Reverse<(i64, Event)>>) {
    let hours = i64::try_from(scenario.rows / scenario.limit + 2).unwrap();
    for _ in 0..scenario.restarts {
        events.push(Reverse((random.within(1, hours * HOUR), Event::Kill)));
    }
    let others = scenario.limit * scenario.others / 100 * hours.unsigned_abs() * 2;
    for _ in 0..others {
        events.push(Reverse((random.within(0, 2 * hours * HOUR), Event::Other)));
    }
}

impl Simulation<'_> {
    fn happen(&mut self, now: i64, event: Event) {
        match event {
            Event::Other => {
                self.server.request(now, false);
            }
            Event::Arrive(index) => {
                let full = self.open > self.scenario.connections;
                let request = &mut self.requests[index];
                request.refused = full || !self.server.request(now, true);
                request.headers = self.server.headers(now, self.scenario.headers);
                self.events
                    .push(Reverse((now + request.back, Event::Answer(index))));
            }
            Event::Answer(index) => self.answer(now, index),
            Event::Kill => self.kill(now),
            Event::Start => self.restart(now),
            Event::Wake => self.wake = None,
        }
    }

    fn answer(&mut self, now: i64, index: usize) {
        self.open -= 1;
        let request = &self.requests[index];
        if request.life != self.life {
            return;
        }
        self.requests[index].answered = true;
        let request = &self.requests[index];
        if request.refused {
            self.outcome.refused += 1;
            self.todo += 1;
            let jitter = self.random.unit();
            let refusal = Refusal {
                headers: request.headers,
                retry_after: None,
                jitter,
            };
            self.pacer.throttled(request.ticket, moment(now), &refusal);
        } else {
            self.outcome.sent += 1;
            self.outcome.finished = now;
            self.pacer
                .answered(request.ticket, moment(now), &request.headers);
            // Kept in the same transaction as the result.
            self.kept = self.pacer.state(moment(now));
        }
    }

    fn kill(&mut self, now: i64) {
        if self.alive {
            self.alive = false;
            let in_flight = self.scenario.rows - self.todo - self.outcome.sent - self.outcome.lost;
            self.outcome.lost += in_flight;
            self.life += 1;
            self.events.push(Reverse((
                now + self.random.within(0, 3 * SECOND),
                Event::Start,
            )));
        }
    }

    fn restart(&mut self, now: i64) {
        // What the checkpoint knows: attempts of the last hour without an answer.
        let lost = |request: &&Request| !request.answered && request.sent + HOUR > now;
        let unanswered = self.requests.iter().rev().take(10_000).filter(lost).count() as u64;
        let starts: Vec<Timestamp> = self
            .outcome
            .starts
            .iter()
            .filter(|at| **at + HOUR > now)
            .map(|at| wall(*at))
            .collect();
        let past = Past {
            quota: self.kept,
            starts,
            unanswered,
        };
        self.pacer = Pacer::new(self.scenario.settings, &past, moment(now));
        self.alive = true;
    }

    fn dispatch(&mut self, now: i64) {
        while self.alive && self.todo > 0 {
            match self.pacer.poll(moment(now)) {
                Decision::Go(ticket) => self.send(now, ticket),
                Decision::Wait { until, .. } => {
                    if let Some(until) = until {
                        let at = i64::try_from(until.mono.as_nanos()).unwrap();
                        assert!(at > now, "a wait must move on");
                        if self.wake.is_none_or(|wake| at < wake) {
                            self.wake = Some(at);
                            self.events.push(Reverse((at, Event::Wake)));
                        }
                    } else {
                        assert!(
                            self.open > 0,
                            "waits for an answer that cannot come: {:?}",
                            self.pacer.view(moment(now))
                        );
                    }
                    return;
                }
            }
        }
    }

    fn send(&mut self, now: i64, ticket: Ticket) {
        let (from, to) = self.scenario.latency;
        let there = self.random.within(from, to) * 1_000_000;
        let back = self.random.within(from, to) * 1_000_000;
        self.todo -= 1;
        self.open += 1;
        self.outcome.peak = self.outcome.peak.max(self.open);
        self.outcome.starts.push(now);
        let index = self.requests.len();
        self.requests.push(Request {
            sent: now,
            answered: false,
            ticket,
            back,
            life: self.life,
            refused: false,
            headers: QuotaHeaders::default(),
        });
        self.events
            .push(Reverse((now + there, Event::Arrive(index))));
    }
}

/// When a sender that sees into the server would be done: it sends whenever the server would accept.
pub(crate) fn optimum(scenario: &Scenario) -> i64 {
    let mut random = Random::new(scenario.seed);
    let mut events = BinaryHeap::new();
    plan(scenario, &mut random, &mut events);
    let mut others: Vec<i64> = events
        .into_iter()
        .filter(|Reverse((_, event))| *event == Event::Other)
        .map(|Reverse((at, _))| at)
        .collect();
    others.sort_unstable();
    let mut others = others.into_iter().peekable();
    let there = (scenario.latency.0 + scenario.latency.1) * 500_000;
    let width = (scenario.settings.concurrency.get() as usize).min(scenario.connections);
    let mut free = BinaryHeap::from(vec![Reverse(0); width]);
    let mut server = Server::new(scenario.counting, scenario.limit);
    let (mut now, mut finished) = (0, 0);
    for _ in 0..scenario.rows {
        let Reverse(connection) = free.pop().expect("a connection");
        now = now.max(connection + there);
        loop {
            while let Some(other) = others.next_if(|other| *other <= now) {
                server.request(other, false);
            }
            if server.request(now, true) {
                break;
            }
            now = server.next_possible(now);
        }
        finished = now + there;
        free.push(Reverse(finished));
    }
    finished
}
