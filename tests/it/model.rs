//! Random histories, against the journal and a naive oracle that remembers everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use outreach::internals::domain::delivery::{self, Event, State};
use outreach::internals::domain::eligibility::HistorySpan;
use outreach::internals::domain::outcome::{AttemptOutcome, Receipt};
use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::domain::recipient::JudgedRow;
use outreach::internals::store::{
    Batch, Claim, ClaimRules, Claimed, Journal, Opening, Reader, Settlement, Store, StoreError,
};

use crate::support::{Engine, Scratch, accepted_number, load_rows, new_batch, queued_row};

/// What may happen to a batch, in any order.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A worker without a result asks.
    Ask(Question),
    /// The answer to one of the requests under way, and the question with it.
    Answer(usize, Answer, Question),
    /// The process dies and another one takes the batch up.
    Crash,
    /// The answers under way are given up (second signal).
    GiveUp,
}

/// What a worker asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Nothing,
    Look,
    Claim,
}

impl Question {
    const ALL: [Self; 3] = [Self::Nothing, Self::Look, Self::Claim];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Sent,
    NoMessenger,
    Rejected,
    Throttled,
    NotSent,
    Undecided,
}

impl Answer {
    const ALL: [Self; 6] = [
        Self::Sent,
        Self::NoMessenger,
        Self::Rejected,
        Self::Throttled,
        Self::NotSent,
        Self::Undecided,
    ];

    fn event(self) -> Event {
        match self {
            Self::Sent => Event::Accepted,
            Self::NoMessenger => Event::NoMatch,
            Self::Rejected => Event::Refused,
            Self::Throttled | Self::NotSent => Event::Released,
            Self::Undecided => Event::AnswerLost,
        }
    }

    fn outcome(self) -> AttemptOutcome {
        match self {
            Self::Sent => AttemptOutcome::Sent,
            Self::NoMessenger => AttemptOutcome::NoMessenger,
            Self::Rejected => AttemptOutcome::Rejected,
            Self::Throttled => AttemptOutcome::Throttled,
            Self::NotSent => AttemptOutcome::NotSent,
            Self::Undecided => AttemptOutcome::Undecided,
        }
    }

    /// What a person would say of a recipient that was under way.
    fn oracle(self) -> (State, u32) {
        match self {
            Self::Sent => (State::Sent, 1),
            Self::NoMessenger => (State::NoMessenger, 1),
            Self::Rejected => (State::Error, 1),
            Self::Throttled => (State::Queued, 0),
            Self::NotSent => (State::Queued, 1),
            Self::Undecided => (State::Unknown, 1),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let answer = (
        any::<usize>(),
        proptest::sample::select(&Answer::ALL[..]),
        proptest::sample::select(&Question::ALL[..]),
    );
    prop_oneof![
        6 => Just(Step::Ask(Question::Claim)),
        1 => Just(Step::Ask(Question::Look)),
        8 => answer.prop_map(|(which, answer, question)| Step::Answer(which, answer, question)),
        1 => Just(Step::Crash),
        1 => Just(Step::GiveUp),
    ]
}

/// What the oracle knows of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    state: State,
    attempts: u32,
}

/// Sending hours that come and go every few steps, other ones for each number.
fn changing_hours(phone: PhoneNumber, now: Timestamp) -> Opening {
    const HOUR: i64 = 30;
    let hour = now.as_millisecond() / HOUR;
    let shift = i64::try_from(phone.get() % 5).unwrap();
    if (hour + shift) % 3 > 0 {
        return Opening::Now;
    }
    Opening::At(Timestamp::from_millisecond((hour + 1) * HOUR).unwrap())
}

fn rules_with(hours: bool) -> ClaimRules {
    ClaimRules {
        window: hours.then(|| Arc::new(changing_hours) as Arc<outreach::internals::store::Window>),
        ..rules()
    }
}

/// A journal, and beside it the oracle's memory.
struct World {
    hours: bool,
    store: Arc<Store>,
    /// Another machine, which takes the batch up when this one has died, and so on in turn.
    other: Option<Arc<Store>>,
    batch: Batch,
    journal: Journal,
    now: Timestamp,
    oracle: BTreeMap<u32, Known>,
    under_way: Vec<Claimed>,
    /// Given up by a signal, and yet their answer may come.
    given_up: BTreeSet<u32>,
    requests: u64,
    throttled: u64,
}

const CHANNEL: &str = "7001";

pub(crate) fn rules() -> ClaimRules {
    ClaimRules {
        span: HistorySpan {
            repeat_guard: Duration::from_hours(12),
            not_within: Duration::ZERO,
            ..HistorySpan::default()
        },
        token: 1,
        window: None,
    }
}

impl World {
    async fn new(store: Arc<Store>, batch: Batch, rows: u32, hours: bool) -> Self {
        let now: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
        let (journal, _) = Journal::start(Arc::clone(&store), &batch, rules_with(hours), now)
            .await
            .unwrap();
        let queued = Known {
            state: State::Queued,
            attempts: 0,
        };
        Self {
            hours,
            store,
            other: None,
            batch,
            journal,
            now,
            oracle: (1..=rows).map(|seq| (seq, queued)).collect(),
            under_way: Vec::new(),
            given_up: BTreeSet::new(),
            requests: 0,
            throttled: 0,
        }
    }

    async fn take(&mut self, step: Step) {
        self.now += jiff::SignedDuration::from_millis(7);
        match step {
            Step::Ask(question) => self.step(None, question).await,
            Step::Answer(which, answer, question) => {
                if self.under_way.is_empty() {
                    return;
                }
                let claimed = self.under_way.remove(which % self.under_way.len());
                self.step(Some((claimed, answer)), question).await;
            }
            Step::Crash => {
                self.lose_all();
                self.under_way.clear();
                self.given_up.clear();
                if let Some(other) = &mut self.other {
                    std::mem::swap(&mut self.store, other);
                }
                let store = Arc::clone(&self.store);
                let rules = rules_with(self.hours);
                let (journal, start) = Journal::start(store, &self.batch, rules, self.now)
                    .await
                    .unwrap();
                self.journal = journal;
                let _ = start;
            }
            Step::GiveUp => {
                self.journal.interrupt(self.now).await.unwrap();
                self.lose_all();
                let seqs = self.under_way.iter().map(|it| it.recipient.seq());
                self.given_up = seqs.collect();
            }
        }
    }

    /// The rows that may be claimed now, in order.
    fn free(&self) -> impl Iterator<Item = u32> {
        let queued = self
            .oracle
            .iter()
            .filter(|(_, known)| known.state == State::Queued);
        queued.map(|(seq, _)| *seq).filter(|seq| {
            let phone = PhoneNumber::from_e164(crate::support::number(*seq)).unwrap();
            !self.hours || changing_hours(phone, self.now) == Opening::Now
        })
    }

    fn lose_all(&mut self) {
        for known in self.oracle.values_mut() {
            if known.state == State::Sending {
                known.state = State::Unknown;
                known.attempts += 1;
            }
        }
    }

    async fn step(&mut self, answered: Option<(Claimed, Answer)>, question: Question) {
        let settlement = answered.as_ref().map(|(claimed, answer)| Settlement {
            why: "",
            known: None,
            by_text: false,
            recipient: claimed.recipient,
            outcome: answer.outcome(),
            event: answer.event(),
            http_status: None,
            text: "text".to_owned(),
            receipt: (*answer == Answer::Sent).then(Receipt::default),
            at: self.now,
        });
        let (journal, now) = (&self.journal, self.now);
        let (settled, next, left) = match question {
            Question::Nothing => {
                let (settled, next) = journal.settle_and_claim(settlement, None).await.unwrap();
                (settled, next, None)
            }
            Question::Look => {
                let (settled, left) = journal.has_outstanding(settlement, now).await.unwrap();
                (settled, None, Some(left))
            }
            Question::Claim => {
                let (settled, next) = journal
                    .settle_and_claim(settlement, Some(now))
                    .await
                    .unwrap();
                assert!(next.is_some());
                (settled, next, None)
            }
        };
        if let Some((claimed, answer)) = answered {
            let seq = claimed.recipient.seq();
            let (state, attempts) = answer.oracle();
            let late = self.given_up.remove(&seq);
            let known = self.oracle.get_mut(&seq).unwrap();
            known.state = state;
            known.attempts += if late { 0 } else { attempts };
            self.throttled += u64::from(answer == Answer::Throttled);
            assert_eq!(settled.map(|settled| settled.state), Some(state));
        }
        let queued = || {
            let mut known = self.oracle.values();
            known.any(|known| known.state == State::Queued)
        };
        if let Some(left) = left {
            assert_eq!(left, queued(), "{:?}", self.oracle);
        }
        match next {
            Some(Claim::Claimed(claimed)) => {
                let seq = claimed.recipient.seq();
                // In row order; with hours that come and go, some row that may go.
                let expected = if self.hours {
                    self.free().find(|free| *free == seq)
                } else {
                    self.free().next()
                };
                assert_eq!(expected, Some(seq));
                let known = self.oracle.get_mut(&seq).unwrap();
                assert_eq!(known.state, State::Queued, "claimed twice: {seq}");
                assert_eq!(claimed.attempts, known.attempts);
                known.state = State::Sending;
                self.requests += 1;
                self.under_way.push(*claimed);
            }
            Some(Claim::Exhausted { opens_at: Some(at) }) => {
                assert!(self.hours && at > self.now);
                assert_eq!(self.free().next(), None, "a row may go now");
                assert!(queued(), "nobody is left to wait for");
            }
            Some(Claim::Exhausted { opens_at: None }) => {
                assert!(
                    !queued(),
                    "a row that waits was forgotten: {:?}",
                    self.oracle
                );
            }
            Some(
                other @ (Claim::OthersSpent(_)
                | Claim::SharedBy(_)
                | Claim::NoConnection
                | Claim::Paused(_)
                | Claim::Again),
            ) => panic!("{other:?}"),
            None => {}
        }
    }

    fn compare(&self, reader: &Reader) {
        let mut found = BTreeMap::new();
        reader
            .rows(self.batch.id, |row| {
                let known = Known {
                    state: row.state,
                    attempts: row.attempts,
                };
                found.insert(row.recipient.seq(), known);
                Ok::<_, StoreError>(())
            })
            .unwrap();
        assert_eq!(found, self.oracle);
        assert!(reader.integrity_faults().unwrap().is_empty());
        let counts = reader.counts(self.batch.id).unwrap();
        assert_eq!(counts.requests, self.requests);
        assert_eq!(counts.throttled, self.throttled);
    }
}

fn row(n: u32) -> JudgedRow {
    let phone = PhoneNumber::from_e164(crate::support::number(n)).unwrap();
    queued_row(n + 1, accepted_number(phone, &n.to_string()))
}

pub(crate) fn store(folder: &std::path::Path, rows: u32) -> (Arc<Store>, Batch) {
    store_of(folder, "list", rows)
}

fn store_of(folder: &std::path::Path, name: &str, rows: u32) -> (Arc<Store>, Batch) {
    let store = Store::open(&folder.join("outreach.db")).unwrap();
    let now: Timestamp = "2026-05-01T09:00:00Z".parse().unwrap();
    let id = store.create_batch(new_batch(name, CHANNEL, now)).unwrap();
    load_rows(&store, (id, CHANNEL), (1..=rows).map(row), now);
    let batch = store.reader().unwrap().batch(name).unwrap();
    (Arc::new(store), batch)
}

/// A journal, as another process would have it.
async fn journal_of((store, batch): (Arc<Store>, Batch)) -> Journal {
    let now = "2026-05-01T10:00:00Z".parse().unwrap();
    Journal::start(store, &batch, rules(), now).await.unwrap().0
}

/// Accepted, with nothing told of the message.
pub(crate) fn sent(claimed: &Claimed, at: Timestamp) -> Settlement {
    accepted(claimed, Receipt::default(), at)
}

/// Accepted, and this is told of the message.
pub(crate) fn accepted(claimed: &Claimed, receipt: Receipt, at: Timestamp) -> Settlement {
    Settlement {
        why: "",
        known: None,
        by_text: false,
        recipient: claimed.recipient,
        outcome: AttemptOutcome::Sent,
        event: Event::Accepted,
        http_status: Some(201),
        text: String::new(),
        receipt: Some(receipt),
        at,
    }
}

/// Claims until something else than a notice comes; hands in the result of an earlier claim first.
pub(crate) async fn next(journal: &Journal, sent: Option<&Claimed>) -> Option<Claimed> {
    next_at(journal, sent, "2026-05-01T10:00:01Z".parse().unwrap()).await
}

pub(crate) async fn next_at(
    journal: &Journal,
    landed: Option<&Claimed>,
    now: Timestamp,
) -> Option<Claimed> {
    let mut settlement = landed.map(|claimed| sent(claimed, now));
    loop {
        match journal
            .settle_and_claim(settlement.take(), Some(now))
            .await
            .unwrap()
            .1
        {
            Some(Claim::Claimed(claimed)) => return Some(*claimed),
            Some(
                Claim::OthersSpent(_) | Claim::SharedBy(_) | Claim::NoConnection | Claim::Again,
            ) => {}
            Some(Claim::Exhausted { .. } | Claim::Paused(_)) | None => return None,
        }
    }
}

/// Rows that wait for their own hours make the journal look from the top once more, where it comes across
/// what is under way. Who has landed by the time it is their turn again is not sent to again.
#[test]
fn a_new_look_from_the_top_claims_nobody_twice() {
    const OPENS: &str = "2026-05-01T10:00:10Z";
    let folder = tempfile::tempdir().unwrap();
    let (store, batch) = store(folder.path(), 3);
    let first = PhoneNumber::from_e164(crate::support::number(1)).unwrap();
    let opens: Timestamp = OPENS.parse().unwrap();
    let hours = move |phone, now| {
        if phone == first && now < opens {
            Opening::At(opens)
        } else {
            Opening::Now
        }
    };
    let rules = ClaimRules {
        window: Some(Arc::new(hours)),
        ..rules()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let start = "2026-05-01T10:00:00Z".parse().unwrap();
        let (journal, _) = Journal::start(store, &batch, rules, start).await.unwrap();
        let second = next_at(&journal, None, start).await.unwrap();
        let third = next_at(&journal, None, start).await.unwrap();
        let seqs = [second.recipient.seq(), third.recipient.seq()];
        assert_eq!(seqs, [2, 3], "1 is asleep");
        let first = next_at(&journal, None, opens).await.unwrap();
        assert_eq!(first.recipient.seq(), 1);
        for landed in [&second, &third, &first] {
            let again = next_at(&journal, Some(landed), opens).await;
            assert_eq!(again, None);
        }
    });
}

/// What several workers do at once, so that many of their steps share a commit.
struct Crowd {
    journal: Journal,
    /// Milliseconds; goes on with every step, and to the next opening when all wait for it.
    clock: AtomicI64,
    /// How often each row was claimed, and whether it is under way.
    claimed: Mutex<BTreeMap<u32, (u32, bool)>>,
}

impl Crowd {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.clock.fetch_add(1, Ordering::SeqCst)).unwrap()
    }

    /// Puts every third recipient off twice, and sends to all.
    fn answer(&self, claimed: &Claimed) -> Settlement {
        let seq = claimed.recipient.seq();
        let mut rows = self.claimed.lock().unwrap();
        let (times, under_way) = rows.get_mut(&seq).unwrap();
        *under_way = false;
        let answer = if seq.is_multiple_of(3) && *times < 3 {
            Answer::Throttled
        } else {
            Answer::Sent
        };
        Settlement {
            why: "",
            known: None,
            by_text: false,
            recipient: claimed.recipient,
            outcome: answer.outcome(),
            event: answer.event(),
            http_status: None,
            text: String::new(),
            receipt: (answer == Answer::Sent).then(Receipt::default),
            at: self.now(),
        }
    }

    fn note(&self, claimed: &Claimed) {
        let mut rows = self.claimed.lock().unwrap();
        let (times, under_way) = rows.entry(claimed.recipient.seq()).or_default();
        assert!(!*under_way, "claimed while it is under way");
        (*times, *under_way) = (*times + 1, true);
    }

    /// Until nobody is left for this worker: whoever is put off is taken up by the one who was told so.
    async fn work(self: Arc<Self>) {
        let (mut result, mut steps) = (None, 0_u32);
        loop {
            steps += 1;
            if steps.is_multiple_of(4) {
                let look = self.journal.has_outstanding(result.take(), self.now());
                if !look.await.unwrap().1 {
                    return;
                }
            }
            let step = self
                .journal
                .settle_and_claim(result.take(), Some(self.now()));
            match step.await.unwrap().1 {
                Some(Claim::Exhausted { opens_at: None }) => return,
                Some(Claim::Claimed(claimed)) => {
                    self.note(&claimed);
                    tokio::task::yield_now().await;
                    result = Some(self.answer(&claimed));
                }
                Some(Claim::Exhausted { opens_at: Some(at) }) => {
                    self.clock.fetch_max(at.as_millisecond(), Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
                Some(
                    Claim::OthersSpent(_)
                    | Claim::SharedBy(_)
                    | Claim::NoConnection
                    | Claim::Paused(_)
                    | Claim::Again,
                )
                | None => {}
            }
        }
    }
}

#[test]
fn many_workers_at_once_claim_everybody_and_nobody_twice() {
    for hours in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        claim_everybody(folder.path(), hours);
    }
}

#[test]
fn many_workers_at_once_in_a_cluster_claim_everybody_and_nobody_twice() {
    let Some((_engine, [folder, _])) = cluster() else {
        return;
    };
    claim_everybody(folder.folder(), false);
}

/// Two machines that share a log; `None` where PostgreSQL is not installed.
fn cluster() -> Option<(Engine, [Scratch; 2])> {
    let engine = Engine::start()?;
    let machines = [Scratch::new(), Scratch::new()];
    let init = machines[0].outreach(&["cluster", "init"]);
    init.env("OUTREACH_CLUSTER", &engine.url()).run().expect(0);
    for machine in &machines {
        Store::join(&machine.path("outreach.db"), &engine.url()).unwrap();
    }
    Some((engine, machines))
}

fn claim_everybody(folder: &Path, hours: bool) {
    const ROWS: u32 = 700;
    let (store, batch) = store(folder, ROWS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let reader = store.reader().unwrap();
    runtime.block_on(async {
        let now: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
        let (journal, _) = Journal::start(store, &batch, rules_with(hours), now)
            .await
            .unwrap();
        let crowd = Arc::new(Crowd {
            journal,
            clock: AtomicI64::new(now.as_millisecond()),
            claimed: Mutex::default(),
        });
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..48 {
            workers.spawn(Arc::clone(&crowd).work());
        }
        workers.join_all().await;
        crowd.journal.end(now).await.unwrap();
        let claimed = crowd.claimed.lock().unwrap();
        assert_eq!(claimed.len(), ROWS as usize);
        for (seq, (times, _)) in &*claimed {
            assert_eq!(*times, if seq % 3 == 0 { 3 } else { 1 }, "row {seq}");
        }
    });
    let counts = reader.counts(batch.id).unwrap();
    assert_eq!((counts.sent, counts.queued, counts.sending), (700, 0, 0));
    assert_eq!((counts.requests, counts.throttled), (700 + 466, 466));
    assert!(reader.integrity_faults().unwrap().is_empty());
}

/// Two processes with the same people and message, step by step: whatever one has under way or has
/// sent is suppressed in the other, in whichever order their results come to disk.
#[test]
fn of_two_processes_with_the_same_message_each_sees_at_once_what_the_other_did() {
    let folder = tempfile::tempdir().unwrap();
    let a = store_of(folder.path(), "a", 5);
    let b = store_of(folder.path(), "b", 5);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async { take_turns(&journal_of(a).await, &journal_of(b).await).await });
}

#[test]
fn of_two_machines_with_the_same_message_each_sees_at_once_what_the_other_did() {
    let Some((_engine, [ours, theirs])) = cluster() else {
        return;
    };
    let a = store_of(ours.folder(), "a", 5);
    let b = store_of(theirs.folder(), "b", 5);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async { take_turns(&journal_of(a).await, &journal_of(b).await).await });
}

async fn take_turns(a: &Journal, b: &Journal) {
    let seq = |claimed: &Claimed| claimed.recipient.seq();
    let of_b = next(b, None).await.unwrap();
    let of_a = next(a, None).await.unwrap();
    assert_eq!((seq(&of_b), seq(&of_a)), (1, 2), "1 is under way in b");
    // The result of a is on disk before that of b, which asks for its next together with it.
    let of_a = next(a, Some(&of_a)).await.unwrap();
    assert_eq!(seq(&of_a), 3);
    let of_b = next(b, Some(&of_b)).await.unwrap();
    assert_eq!(seq(&of_b), 4, "2 was sent by a, 3 is under way there");
    let of_a = next(a, Some(&of_a)).await.unwrap();
    assert_eq!(seq(&of_a), 5);
    assert!(next(b, Some(&of_b)).await.is_none());
    assert!(next(a, Some(&of_a)).await.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_journal_and_a_naive_oracle_agree_after_every_history(
        rows in 1_u32..12,
        hours in any::<bool>(),
        steps in proptest::collection::vec(step(), 0..80),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (store, batch) = store(folder.path(), rows);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new(store, batch, rows, hours).await;
            let reader = world.store.reader().unwrap();
            for step in steps {
                world.take(step).await;
            }
            world.compare(&reader);
        });
    }
}

/// The same history on two machines, each of which takes up what the other one had when it died.
#[test]
fn the_journal_and_a_naive_oracle_agree_where_two_machines_take_each_others_batches_up() {
    let Some(engine) = Engine::start() else {
        return;
    };
    let checkpoints = AtomicI64::new(0);
    let config = ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let steps = proptest::collection::vec(step(), 0..60);
    let histories = (1_u32..12, any::<bool>(), steps);
    let checked = TestRunner::new(config).run(&histories, |(rows, hours, steps)| {
        let number = checkpoints.fetch_add(1, Ordering::SeqCst);
        let url = format!("{}#case{number}", engine.url());
        let machines = [Scratch::new(), Scratch::new()];
        let init = machines[0].outreach(&["cluster", "init"]);
        init.env("OUTREACH_CLUSTER", &url).run().expect(0);
        let join = || {
            for machine in &machines {
                Store::join(&machine.path("outreach.db"), &url).unwrap();
            }
        };
        join();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let (ours, batch) = store(machines[0].folder(), rows);
        let theirs = Store::open(&machines[1].path("outreach.db")).unwrap();
        let world = runtime.block_on(async {
            let mut world = World::new(ours, batch, rows, hours).await;
            world.other = Some(Arc::new(theirs));
            for step in steps {
                world.take(step).await;
            }
            world
        });
        // Each has what the other one did last.
        join();
        for machine in &machines {
            world.compare(&Reader::open(&machine.path("outreach.db")).unwrap());
        }
        Ok(())
    });
    checked.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// A recipient that a request may have reached is sent to again only after a sure failure, or
    /// by the user's word; whatever else happens in whatever order.
    #[test]
    fn nobody_is_messaged_twice_by_any_order_of_events(
        events in proptest::collection::vec(0_usize..13, 0..40),
    ) {
        const EVENTS: [Event; 13] = [
            Event::Claimed, Event::Accepted, Event::NoMatch, Event::Refused, Event::Released,
            Event::AnswerLost, Event::ProvenSent, Event::ProvenNoMatch, Event::ProvenFailed,
            Event::AssumedSent, Event::Resend, Event::Suppress, Event::Restore,
        ];
        let mut state = State::Queued;
        // The naive view: may the message of the last request have arrived?
        let mut may_have_arrived = false;
        for event in events.into_iter().map(|index| EVENTS[index]) {
            let Ok(next) = delivery::next(state, event) else {
                continue;
            };
            match event {
                Event::Claimed => {
                    prop_assert!(!may_have_arrived, "{state} + {event:?}");
                    may_have_arrived = true;
                }
                // Refusals: the API has said that this one was not sent.
                Event::NoMatch | Event::Refused | Event::Released | Event::ProvenNoMatch
                | Event::ProvenFailed | Event::Resend
                    if state != State::Sent || next != State::Sent =>
                {
                    may_have_arrived = false;
                }
                _ => {}
            }
            if next == State::Sent {
                may_have_arrived = true;
            }
            prop_assert!(
                !(may_have_arrived && next == State::Queued),
                "{state} + {event:?}: queued, and yet it may have arrived"
            );
            state = next;
        }
    }
}
