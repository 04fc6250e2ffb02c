//! The tasks of a run, on simulated time, against a ledger in memory: they do all there is to do, and nobody
//! waits for a turn once nobody is left to send to.

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;

use outreach::internals::amio::{Addressee, Reply};
use outreach::internals::clock::{Clock, Moment};
use outreach::internals::dispatch::pacer::{Handle, core};
use outreach::internals::dispatch::{
    DispatchSettings, Dispatcher, GuardSettings, Guards, Halt, Ledger, PastAnswers, RunEnd,
    RunFailure, Sender, TakenBack,
};
use outreach::internals::domain::delivery::{self, State};
use outreach::internals::domain::fallback::Step;
use outreach::internals::domain::outcome::{Answer, Exchange, Receipt, Written};
use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::domain::quota::{QuotaHeaders, Rate, Reset};
use outreach::internals::domain::refusal::RefusalRules;
use outreach::internals::domain::schedule::Schedule;
use outreach::internals::domain::sending::Undecided;
use outreach::internals::store::{
    BatchId, Claim, Claimed, RecipientId, Settled, Settlement, Store, StoreError,
};

use crate::support::{Random, new_batch, number};

/// No run claims a row so often: one that does would go on like that for hours.
const AGAIN_AND_AGAIN: u32 = 100;

/// What is known of the rows, and the server's side of the story.
#[derive(Default)]
struct Books {
    queued: BTreeSet<u32>,
    under_way: BTreeSet<u32>,
    ended: BTreeMap<u32, State>,
    /// How often each was claimed, and how often it was put off.
    claims: BTreeMap<u32, u32>,
    /// The time that each was last claimed with.
    claimed_at: BTreeMap<u32, Timestamp>,
    put_off: BTreeMap<u32, u32>,
    left_in_window: u64,
    window_ends: Timestamp,
    /// When each request left.
    starts: Vec<Timestamp>,
    last_answer: Timestamp,
    /// Claims whose commits are over.
    committed: usize,
    /// How many rows were under way when something was to be remembered.
    under_way_at_lessons: Vec<usize>,
    /// Tasks that look for dead processes, and the most at one time.
    looking: usize,
    most_looking: usize,
    looks: u32,
    /// How often the run was told how many share the connections, and was refused one.
    told: usize,
    without_connection: u32,
    /// A claim was told something else although nothing was left.
    told_at_the_end: bool,
    /// What the sender was told about connections that are kept.
    kept: Vec<bool>,
    /// Requests at one time, and the most of them.
    in_flight: usize,
    most_in_flight: usize,
}

/// The queue, without a disk; the server, without a network. A step takes a millisecond, an answer 20 to 200.
#[derive(Clone)]
struct World {
    books: Arc<Mutex<Books>>,
    random: Arc<Mutex<Random>>,
    clock: Clock,
    batch: BatchId,
    setting: Setting,
}

#[derive(Debug, Clone)]
struct Setting {
    start: &'static str,
    rows: u32,
    concurrency: usize,
    /// Requests an hour.
    quota: u64,
    seed: u64,
    /// Of a hundred answers, so many are lost; as many requests never leave, and as many are put off. Of a
    /// hundred claims, as many learn that others used the quota, and as many are to be asked again.
    trouble: u64,
    /// Every fifth row waits so long for its hours.
    sleep: Duration,
    undecided: Undecided,
    schedule: Schedule,
    /// The user's rate.
    rate: Option<Rate>,
    /// After so many answers the server says 503 to everything.
    answers: usize,
    /// A defect of the program: so manieth request brings it out.
    defect: usize,
    /// After so many commits of claims, each of them takes so long: another program holds the checkpoint.
    commits: (usize, Duration),
    /// The checkpoint fails when something is to be remembered.
    lessons_fail: bool,
    /// So many runs share the connections, as its claims are told one after the other.
    runs: &'static [u32],
    /// So many claims after that find no connection.
    without_connection: u32,
}

impl Setting {
    fn plain(rows: u32, concurrency: usize, quota: u64) -> Self {
        Self {
            start: "2026-05-01T10:00:00Z",
            rows,
            concurrency,
            quota,
            seed: 1,
            trouble: 0,
            sleep: Duration::ZERO,
            undecided: Undecided::Hold,
            schedule: Schedule::default(),
            rate: None,
            answers: usize::MAX,
            defect: usize::MAX,
            commits: (usize::MAX, Duration::ZERO),
            lessons_fail: false,
            runs: &[],
            without_connection: 0,
        }
    }
}

impl World {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opens_at(&self, row: u32) -> Timestamp {
        let start: Timestamp = self.setting.start.parse().unwrap();
        if row.is_multiple_of(5) {
            start + jiff::SignedDuration::try_from(self.setting.sleep).unwrap()
        } else {
            start
        }
    }

    fn claim(&self, now: Timestamp) -> Claim {
        let mut books = self.books();
        if let Some(runs) = self.setting.runs.get(books.told) {
            books.told += 1;
            return Claim::SharedBy(*runs);
        }
        if books.without_connection < self.setting.without_connection {
            books.without_connection += 1;
            return Claim::NoConnection;
        }
        let dice = self.random.lock().unwrap().between(1, 100);
        // The checkpoint tells once what others used, and of more to look at only while rows are queued: once nothing is
        // left, one claim at the most is told so.
        let any_left = !books.queued.is_empty() || !books.under_way.is_empty();
        if !any_left && std::mem::replace(&mut books.told_at_the_end, true) {
            return Claim::Exhausted { opens_at: None };
        }
        if dice <= self.setting.trouble {
            books.left_in_window = books.left_in_window.saturating_sub(1);
            return Claim::OthersSpent(1);
        }
        if dice <= 2 * self.setting.trouble {
            return Claim::Again;
        }
        let free = books.queued.iter().find(|row| self.opens_at(**row) <= now);
        let Some(&row) = free else {
            let opens_at = books.queued.iter().map(|row| self.opens_at(*row)).min();
            return Claim::Exhausted { opens_at };
        };
        books.queued.remove(&row);
        assert!(books.under_way.insert(row));
        let times = books.claims.entry(row).or_default();
        *times += 1;
        assert!(
            *times < AGAIN_AND_AGAIN,
            "row {row} is claimed and given back"
        );
        Claim::Claimed(Box::new(claimed(self.batch, row, *times - 1)))
    }

    async fn settle(&self, settlement: Option<Settlement>) -> Option<Settled> {
        self.clock.sleep(Duration::from_millis(1)).await;
        let it = settlement?;
        let state = delivery::next(State::Sending, it.event).unwrap();
        let mut books = self.books();
        let row = it.recipient.seq();
        assert!(books.under_way.remove(&row), "{row} was not under way");
        if state == State::Queued {
            books.queued.insert(row);
        } else {
            books.ended.insert(row, state);
        }
        Some(Settled { state })
    }

    /// The claim is on disk when this returns.
    async fn commit(&self) {
        let (quick, takes) = self.setting.commits;
        if self.books().committed >= quick {
            self.clock.sleep(takes).await;
        }
        self.books().committed += 1;
    }

    fn lesson(&self) -> Result<(), StoreError> {
        let mut books = self.books();
        let under_way = books.under_way.len();
        books.under_way_at_lessons.push(under_way);
        if self.setting.lessons_fail {
            return Err(StoreError::Full);
        }
        Ok(())
    }

    /// The answers come in another order than the questions.
    async fn answer_late(&self) {
        let late = self.random.lock().unwrap().between(0, 3);
        self.clock.sleep(Duration::from_millis(late)).await;
    }

    /// The server's answer, and what it tells of the quota.
    fn answer(&self, row: u32) -> Reply {
        let now = self.clock.now();
        let mut books = self.books();
        books.last_answer = now;
        if now >= books.window_ends {
            books.window_ends = now + jiff::SignedDuration::from_hours(1);
            books.left_in_window = self.setting.quota;
        }
        let trouble = self.setting.trouble;
        let dice = self.random.lock().unwrap().between(1, 100);
        let lost = |written| Exchange::Failed {
            written,
            detail: "cut off".to_owned(),
        };
        let times = books.put_off.entry(row).or_default();
        let again = *times < 3 && dice > trouble && dice <= 3 * trouble;
        *times += u32::from(again);
        let exchange = if books.starts.len() > self.setting.answers {
            answered(503)
        } else if dice <= trouble {
            lost(Written::Maybe)
        } else if again && dice <= 2 * trouble {
            lost(Written::No)
        } else if again || books.left_in_window == 0 {
            answered(429)
        } else {
            books.left_in_window -= 1;
            answered(201)
        };
        let quota = match &exchange {
            Exchange::Failed { .. } => QuotaHeaders::default(),
            Exchange::Answered(_) => QuotaHeaders {
                limit: Some(self.setting.quota),
                remaining: Some(books.left_in_window),
                reset: Some(Reset::At(books.window_ends)),
                date: Some(now),
            },
        };
        Reply { exchange, quota }
    }
}

fn claimed(batch: BatchId, row: u32, attempts: u32) -> Claimed {
    let phone = PhoneNumber::from_e164(number(row)).unwrap();
    Claimed {
        recipient: RecipientId::new(batch, row),
        attempts,
        phone,
        row: row + 1,
        addressee: Addressee::Phone {
            phone,
            first_name: None,
            last_name: None,
        },
        content: "{}".to_owned(),
        metadata: "{}".to_owned(),
        step: Step::FIRST,
    }
}

fn answered(status: u16) -> Exchange {
    Exchange::Answered(Answer {
        status,
        body: String::new(),
        complete: true,
        retry_after: None,
        receipt: (status == 201).then(|| Receipt {
            message_id: Some("id".to_owned()),
            channel_type: Some("facebook_messenger".to_owned()),
            ..Receipt::default()
        }),
        error_text: None,
    })
}

impl Ledger for World {
    async fn interrupt_dead(&self, _: Timestamp) -> Result<(), StoreError> {
        self.books().looks += 1;
        self.books().looking += 1;
        self.clock.sleep(Duration::from_millis(1)).await;
        let mut books = self.books();
        books.most_looking = books.most_looking.max(books.looking);
        books.looking -= 1;
        Ok(())
    }

    async fn settle_and_claim(
        &self,
        settlement: Option<Settlement>,
        claim_at: Option<Timestamp>,
    ) -> Result<(Option<Settled>, Option<Claim>), StoreError> {
        let settled = self.settle(settlement).await;
        let claim = claim_at.map(|now| self.claim(now));
        if let (Some(Claim::Claimed(row)), Some(at)) = (&claim, claim_at) {
            self.books().claimed_at.insert(row.recipient.seq(), at);
        }
        if claim.is_some() {
            self.commit().await;
        }
        self.answer_late().await;
        Ok((settled, claim))
    }

    async fn has_outstanding(
        &self,
        settlement: Option<Settlement>,
        _: Timestamp,
    ) -> Result<(Option<Settled>, bool), StoreError> {
        let settled = self.settle(settlement).await;
        let left = !self.books().queued.is_empty();
        self.answer_late().await;
        Ok((settled, left))
    }

    async fn take_back(&self, _: TakenBack, _: Timestamp) -> Result<(), StoreError> {
        self.lesson()
    }

    fn refuse_channel(&self, _: Step) {}

    async fn learn_channel_type(&self, _: Step, _: String) -> Result<(), StoreError> {
        self.lesson()
    }
}

impl Sender for World {
    async fn send(&self, recipient: &Claimed, decided: Moment) -> Reply {
        let now = self.clock.now();
        // The age of the intent counts from before its transaction.
        let claimed_at = self.books().claimed_at[&recipient.recipient.seq()];
        assert_eq!(decided.wall, claimed_at);
        {
            let mut books = self.books();
            books.starts.push(now);
            books.in_flight += 1;
            books.most_in_flight = books.most_in_flight.max(books.in_flight);
        }
        assert!(self.books().starts.len() < self.setting.defect, "a defect");
        let takes = self.random.lock().unwrap().between(20, 200);
        self.clock.sleep(Duration::from_millis(takes)).await;
        self.books().in_flight -= 1;
        self.answer(recipient.recipient.seq())
    }

    fn keep_connections(&self, keep: bool) {
        self.books().kept.push(keep);
    }
}

/// Ids of a batch are given by a checkpoint alone.
fn batch() -> BatchId {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("outreach.db")).unwrap();
    store
        .create_batch(new_batch("list", "7001", Timestamp::UNIX_EPOCH))
        .unwrap()
}

/// Runs the batch; returns what became of it, and how long the run went on after the last answer.
fn run(batch: BatchId, setting: Setting) -> (RunEnd, Arc<Mutex<Books>>, Duration) {
    let (end, books, after) = try_run(batch, setting);
    (end.unwrap(), books, after)
}

type Run = (Result<RunEnd, RunFailure>, Arc<Mutex<Books>>, Duration);

fn try_run(batch: BatchId, setting: Setting) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::paused(setting.start.parse().unwrap());
        let books = Books {
            queued: (1..=setting.rows).collect(),
            ..Books::default()
        };
        let world = World {
            books: Arc::new(Mutex::new(books)),
            random: Arc::new(Mutex::new(Random::new(setting.seed))),
            clock: clock.clone(),
            batch,
            setting: setting.clone(),
        };
        let pacing = core::Settings {
            rate: setting.rate,
            concurrency: NonZeroU32::new(u32::try_from(setting.concurrency).unwrap()).unwrap(),
            ..core::Settings::default()
        };
        let settings = DispatchSettings {
            concurrency: NonZeroUsize::new(setting.concurrency).unwrap(),
            undecided: setting.undecided,
            schedule: setting.schedule,
            channel_types: vec![None],
            refusal_rules: RefusalRules::default(),
            canary: true,
        };
        let dispatcher = Dispatcher::new(
            world.clone(),
            world.clone(),
            Handle::with_seed(pacing, &core::Past::default(), clock.clone(), setting.seed),
            clock.clone(),
            Guards::new(GuardSettings::default(), vec![PastAnswers::default()]),
            settings,
            Box::new(|| 0),
        );
        // Where nothing is waited for any more, simulated time runs to this limit at once.
        let run = tokio::time::timeout(Duration::from_hours(10_000), dispatcher.run());
        let end = run.await.expect("the run ends");
        let last_answer = world.books().last_answer;
        let after = clock.now().duration_since(last_answer);
        (end, world.books, Duration::try_from(after).unwrap())
    })
}

/// A few steps, whatever the pacer, the gate or the sending hours would have everybody wait for.
const AT_ONCE: Duration = Duration::from_millis(20);

#[test]
fn the_last_of_the_quota_ends_the_batch_and_no_window_is_waited_for() {
    let batch = batch();
    for concurrency in [1, 2, 10, 64] {
        for rows in [1, 3, 20] {
            let setting = Setting::plain(rows, concurrency, 20);
            let (end, books, after) = run(
                batch,
                Setting {
                    quota: u64::from(rows),
                    ..setting
                },
            );
            assert_eq!(end, RunEnd::Complete);
            assert_eq!(books.lock().unwrap().ended.len(), rows as usize);
            assert!(
                after <= AT_ONCE,
                "{rows} rows, {concurrency} at once: {after:?}"
            );
        }
    }
}

#[test]
fn hours_that_end_with_the_last_answer_keep_nobody_until_tomorrow() {
    let setting = Setting {
        start: "2026-05-01T09:59:59.99Z",
        schedule: Schedule {
            window: Some("06:00-10:00".parse().unwrap()),
            zone: TimeZone::UTC,
            ..Schedule::default()
        },
        ..Setting::plain(1, 10, 1000)
    };
    let (end, books, after) = run(batch(), setting);
    assert_eq!(end, RunEnd::Complete);
    let books = books.lock().unwrap();
    assert_eq!(books.ended.len(), 1);
    assert_eq!(
        books.last_answer.strftime("%F %H:%M").to_string(),
        "2026-05-01 10:00"
    );
    assert!(after <= AT_ONCE, "{after:?}");
}

#[test]
fn whoever_waits_for_the_rate_when_the_hours_end_waits_for_the_next_hours() {
    let zone = TimeZone::UTC;
    let setting = Setting {
        // Ten an hour: the second would leave six minutes after the first, a minute after the end.
        rate: Some("10/h".parse().unwrap()),
        schedule: Schedule {
            window: Some("08:00-10:05".parse().unwrap()),
            zone: zone.clone(),
            ..Schedule::default()
        },
        ..Setting::plain(4, 1, 1000)
    };
    let (end, books, _) = run(batch(), setting);
    assert_eq!(end, RunEnd::Complete);
    let books = books.lock().unwrap();
    assert_eq!(books.starts.len(), 4);
    for start in &books.starts {
        let time = start.to_zoned(zone.clone()).time();
        let hours = jiff::civil::time(8, 0, 0, 0)..jiff::civil::time(10, 5, 0, 0);
        assert!(hours.contains(&time), "{start}");
    }
}

#[test]
fn whoever_waits_for_the_quota_when_the_hours_end_is_claimed_in_the_next_hours() {
    let zone = TimeZone::UTC;
    for concurrency in [1, 3] {
        let setting = Setting {
            start: "2026-05-01T09:30:00Z",
            schedule: Schedule {
                window: Some("08:00-10:00".parse().unwrap()),
                zone: zone.clone(),
                ..Schedule::default()
            },
            // The quota opens at 10:30, half an hour after the end.
            ..Setting::plain(4, concurrency, 2)
        };
        let (end, books, _) = run(batch(), setting);
        assert_eq!(end, RunEnd::Complete);
        let books = books.lock().unwrap();
        let days = books.starts.iter().map(|start| {
            let start = start.to_zoned(zone.clone());
            let hours = jiff::civil::time(8, 0, 0, 0)..jiff::civil::time(10, 0, 0, 0);
            assert!(hours.contains(&start.time()), "{start}");
            start.date().day()
        });
        assert_eq!(days.collect::<Vec<_>>(), [1, 1, 2, 2]);
        assert!(
            books.claims.values().all(|times| *times == 1),
            "nobody is claimed outside of the hours: {:?}",
            books.claims
        );
    }
}

#[test]
fn whoever_waits_for_the_rate_when_the_api_falls_silent_does_not_leave() {
    let answers = 10;
    let setting = Setting {
        rate: Some("5/s".parse().unwrap()),
        answers,
        ..Setting::plain(200, 40, 1_000_000)
    };
    let (end, books, _) = run(batch(), setting);
    assert!(
        matches!(end, RunEnd::Halted(Halt::Outage { .. })),
        "{end:?}"
    );
    let books = books.lock().unwrap();
    let silent = books.starts[answers];
    // Three lost answers make an outage, and its first pause is longer than 2.4 seconds.
    let three_and_a_pause = jiff::SignedDuration::from_millis(3 * 200 + 200 + 2_400);
    let left = |start: &&Timestamp| **start >= silent && **start < silent + three_and_a_pause;
    let left = books.starts.iter().filter(left).count();
    assert!(left <= 4, "{left} requests");
    let lost = books
        .ended
        .values()
        .filter(|state| **state == State::Unknown);
    assert!(lost.count() <= 4 + 30, "one for each probe");
}

/// Another program holds the checkpoint from the third claim on.
fn held_up(takes: Duration, setting: Setting) -> Setting {
    Setting {
        commits: (2, takes),
        ..setting
    }
}

#[test]
fn whoever_waits_for_the_checkpoint_when_the_hours_end_waits_for_the_next_hours() {
    let zone = TimeZone::UTC;
    let setting = Setting {
        start: "2026-05-01T09:59:50Z",
        schedule: Schedule {
            window: Some("08:00-10:00".parse().unwrap()),
            zone: zone.clone(),
            ..Schedule::default()
        },
        ..Setting::plain(6, 3, 1000)
    };
    let (end, books, _) = run(batch(), held_up(Duration::from_mins(1), setting));
    assert_eq!(end, RunEnd::Complete);
    let books = books.lock().unwrap();
    assert_eq!(books.starts.len(), 6, "who did not leave used no request");
    assert!(books.ended.values().all(|state| *state == State::Sent));
    for start in &books.starts {
        let time = start.to_zoned(zone.clone()).time();
        let hours = jiff::civil::time(8, 0, 0, 0)..jiff::civil::time(10, 0, 0, 0);
        assert!(hours.contains(&time), "{start}");
    }
}

#[test]
fn whoever_waits_for_the_checkpoint_when_the_run_is_stopped_is_queued_again() {
    let setting = Setting {
        schedule: Schedule {
            deadline: Some("2026-05-01T10:00:30Z".parse().unwrap()),
            ..Schedule::default()
        },
        ..Setting::plain(60, 3, 1000)
    };
    let (end, books, _) = run(batch(), held_up(Duration::from_mins(1), setting));
    assert_eq!(end, RunEnd::Deadline);
    let books = books.lock().unwrap();
    assert_eq!(books.starts.len(), 2, "{:?}", books.starts);
    assert!(books.under_way.is_empty());
    assert_eq!((books.ended.len(), books.queued.len()), (2, 58));
    assert!(books.claims.len() > 2, "claimed, and given back");
}

#[test]
fn whoever_waits_for_the_checkpoint_when_the_api_falls_silent_does_not_leave() {
    let answers = 10;
    let setting = Setting {
        rate: Some("5/s".parse().unwrap()),
        answers,
        ..Setting::plain(200, 40, 1_000_000)
    };
    let (end, books, _) = run(batch(), held_up(Duration::from_secs(2), setting));
    assert!(
        matches!(end, RunEnd::Halted(Halt::Outage { .. })),
        "{end:?}"
    );
    let books = books.lock().unwrap();
    let silent = books.starts[answers];
    // As above: three lost answers, then a pause.
    let three_and_a_pause = jiff::SignedDuration::from_millis(3 * 200 + 200 + 2_400);
    let left = |start: &&Timestamp| **start >= silent && **start < silent + three_and_a_pause;
    let left = books.starts.iter().filter(left).count();
    assert!(left <= 4, "{left} requests");
}

#[test]
fn what_an_accepted_message_proves_is_remembered_after_its_result_is_on_disk() {
    let batch = batch();
    for lessons_fail in [false, true] {
        let setting = Setting {
            lessons_fail,
            ..Setting::plain(3, 1, 1000)
        };
        let (end, books, _) = try_run(batch, setting);
        assert_eq!(end.is_err(), lessons_fail, "{end:?}");
        let books = books.lock().unwrap();
        assert_eq!(books.under_way_at_lessons, [0]);
        assert!(books.under_way.is_empty(), "no known result was lost");
        let ended = if lessons_fail { 1 } else { 3 };
        assert_eq!(books.ended.len(), ended);
    }
}

#[test]
fn one_task_at_a_time_looks_for_dead_processes() {
    let setting = Setting {
        sleep: Duration::from_mins(10),
        ..Setting::plain(200, 40, 1000)
    };
    let (end, books, _) = run(batch(), setting);
    assert_eq!(end, RunEnd::Complete);
    assert_eq!(books.lock().unwrap().most_looking, 1);
}

#[test]
fn a_run_that_shares_the_connections_takes_its_share_keeps_none_and_looks_whether_the_others_live()
{
    // Told, kept, whether it looks for dead ones, whether it takes its share alone.
    type Case = (&'static [u32], &'static [bool], Option<bool>, bool);
    let cases: [Case; 4] = [
        (&[], &[], Some(false), false),
        (&[1], &[true], Some(false), false),
        (&[4], &[false], Some(true), true),
        (&[4, 1], &[false, true], None, false),
    ];
    let batch = batch();
    for (runs, kept, looks, takes_share) in cases {
        let setting = Setting {
            runs,
            ..Setting::plain(60, 8, 1_000_000)
        };
        let (end, books, _) = run(batch, setting);
        assert_eq!(end, RunEnd::Complete);
        let books = books.lock().unwrap();
        assert_eq!(books.ended.len(), 60);
        assert_eq!(books.kept, kept, "{runs:?}");
        assert!(
            looks.is_none_or(|looks| looks == (books.looks > 0)),
            "{runs:?}"
        );
        let most = books.most_in_flight;
        assert_eq!(
            most <= 2,
            takes_share,
            "{runs:?}: {most} requests at one time"
        );
    }
}

/// Whoever holds the connections may be dead: that is looked for, not at each of the tries.
#[test]
fn a_run_without_a_connection_waits_for_one_and_looks_whether_the_others_live() {
    let setting = Setting {
        without_connection: 200,
        ..Setting::plain(20, 4, 1000)
    };
    let start: Timestamp = setting.start.parse().unwrap();
    let (end, books, _) = run(batch(), setting);
    assert_eq!(end, RunEnd::Complete);
    let books = books.lock().unwrap();
    assert_eq!(books.ended.len(), 20);
    let waited = books.starts[0].duration_since(start);
    // 200 tries, 20 ms after one another, of one task or of four.
    assert!((1000..=6000).contains(&waited.as_millis()), "{waited:#}");
    assert!((1..=7).contains(&books.looks), "{} looks", books.looks);
}

#[test]
fn a_defect_is_called_one_and_ends_the_run() {
    let setting = Setting {
        defect: 5,
        ..Setting::plain(60, 3, 1_000_000)
    };
    let (end, books, _) = try_run(batch(), setting);
    assert!(matches!(end, Err(RunFailure::Defect { .. })), "{end:?}");
    assert!(books.lock().unwrap().ended.len() < 10);
}

/// What others used, and what is to be looked at again, kept these runs busy after their last answers.
#[test]
fn the_runs_that_were_told_of_others_to_the_last_end_at_once() {
    let batch = batch();
    for (rows, concurrency, quota, trouble, seed) in [
        (1, 32, 33, 19, 6_088_765_373_687_748_300),
        (24, 2, 5, 14, 7_010_098_536_522_586_198),
    ] {
        for undecided in [Undecided::Hold, Undecided::Retry { attempts: 3 }] {
            let setting = Setting {
                seed,
                trouble,
                undecided,
                ..Setting::plain(rows, concurrency, quota)
            };
            let (end, _, after) = run(batch, setting);
            assert_eq!(end, RunEnd::Complete);
            assert!(after <= AT_ONCE, "{after:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_answers_a_run_does_all_there_is_to_do_and_then_ends(
        rows in 1_u32..60,
        concurrency in 1_usize..40,
        quota in 1_u64..50,
        trouble in 0_u64..20,
        sleep in prop_oneof![Just(0_u64), 1_u64..20_000],
        retry in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let setting = Setting {
            seed,
            trouble,
            sleep: Duration::from_secs(sleep),
            undecided: if retry { Undecided::Retry { attempts: 3 } } else { Undecided::Hold },
            ..Setting::plain(rows, concurrency, quota)
        };
        let (end, books, after) = run(batch(), setting);
        let books = books.lock().unwrap();
        prop_assert_eq!(end, RunEnd::Complete);
        prop_assert!(books.queued.is_empty() && books.under_way.is_empty());
        prop_assert_eq!(books.ended.len(), rows as usize);
        prop_assert!(after <= AT_ONCE, "{:?}", after);
    }
}
