//! What webhook events do to the checkpoint, whatever comes first and however often.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use outreach::internals::amio::webhook::Notification;
use outreach::internals::domain::delivery::{Event, State};
use outreach::internals::domain::eligibility::HistorySpan;
use outreach::internals::domain::event::OptOutWords;
use outreach::internals::domain::outcome::{AttemptOutcome, Receipt};
use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::domain::recipient::{Accepted, JudgedRow, Suppression};
use outreach::internals::store::{
    Batch, Claim, Claimed, Counts, Incoming, Journal, NewBatch, Settlement, Store, Taken, Timeline,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{accepted_number, load_rows, new_batch, queued_row, start_journal};

const CHANNEL: &str = "7001";

/// A checkpoint in a folder of its own, with one batch.
pub(crate) struct Scene {
    folder: Arc<tempfile::TempDir>,
    pub(crate) store: Arc<Store>,
    batch: Batch,
    journal: Journal,
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    "2026-05-02T08:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn rows(numbers: &[u64]) -> Vec<JudgedRow> {
    let row = |(index, number): (usize, &u64)| {
        let accepted = Accepted {
            first_name: Some("Jana".into()),
            ..accepted_number(PhoneNumber::from_e164(*number).unwrap(), "Hi")
        };
        JudgedRow {
            record: [format!("+{number}"), "Jana".to_owned()].iter().collect(),
            typed: number.to_string(),
            ..queued_row(u32::try_from(index).unwrap() + 2, accepted)
        }
    };
    numbers.iter().enumerate().map(row).collect()
}

fn load(store: &Store, name: &str, numbers: &[u64]) -> Batch {
    let new = NewBatch {
        headers: vec!["Phone".into(), "Name".into()],
        files: vec!["contacts.csv".into()],
        ..new_batch(name, CHANNEL, at(0))
    };
    let id = store.create_batch(new).unwrap();
    load_rows(store, (id, CHANNEL), rows(numbers), at(0));
    store.reader().unwrap().batch(name).unwrap()
}

async fn journal(store: &Arc<Store>, batch: &Batch, span: HistorySpan) -> Journal {
    start_journal(store, batch, span, at(0)).await
}

fn settlement(claimed: &Claimed, message: Option<&str>, now: Timestamp) -> Settlement {
    Settlement {
        why: "",
        known: None,
        by_text: false,
        recipient: claimed.recipient,
        outcome: if message.is_some() {
            AttemptOutcome::Sent
        } else {
            AttemptOutcome::Undecided
        },
        event: if message.is_some() {
            Event::Accepted
        } else {
            Event::AnswerLost
        },
        http_status: message.map(|_| 201),
        text: String::new(),
        receipt: message.map(|id| Receipt {
            message_id: Some(id.to_owned()),
            contact_id: Some(contact_of(claimed.phone.get())),
            channel_type: None,
            ..Receipt::default()
        }),
        at: now,
    }
}

impl Scene {
    pub(crate) async fn new(numbers: &[u64]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outreach.db");
        let numbers = numbers.to_vec();
        // The loader blocks.
        let (store, batch) = tokio::task::spawn_blocking(move || {
            let store = Arc::new(Store::open(&path).unwrap());
            let batch = load(&store, "spring", &numbers);
            (store, batch)
        })
        .await
        .unwrap();
        let journal = journal(&store, &batch, HistorySpan::default()).await;
        Self {
            folder: Arc::new(folder),
            store,
            batch,
            journal,
        }
    }

    /// Another batch in the same checkpoint.
    pub(crate) async fn beside(&self, name: &'static str, numbers: &[u64]) -> Self {
        self.beside_with(name, numbers, HistorySpan::default())
            .await
    }

    /// Another batch, whose run looks back so far.
    pub(crate) async fn beside_with(
        &self,
        name: &'static str,
        numbers: &[u64],
        span: HistorySpan,
    ) -> Self {
        let (store, numbers) = (Arc::clone(&self.store), numbers.to_vec());
        let batch = tokio::task::spawn_blocking(move || load(&store, name, &numbers))
            .await
            .unwrap();
        Self {
            folder: Arc::clone(&self.folder),
            store: Arc::clone(&self.store),
            journal: journal(&self.store, &batch, span).await,
            batch,
        }
    }

    pub(crate) async fn claim(&self, now: Timestamp) -> Claimed {
        match self.try_claim(now).await {
            Claim::Claimed(claimed) => *claimed,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn try_claim(&self, now: Timestamp) -> Claim {
        self.journal
            .settle_and_claim(None, Some(now))
            .await
            .unwrap()
            .1
            .unwrap()
    }

    /// The answer to our own request: accepted with this message id, or lost.
    pub(crate) async fn answer(&self, claimed: &Claimed, message: Option<&str>, now: Timestamp) {
        let settlement = settlement(claimed, message, now);
        self.journal
            .settle_and_claim(Some(settlement), None)
            .await
            .unwrap();
    }

    /// Nobody waits for the answers under way any more.
    pub(crate) async fn give_up(&self, now: Timestamp) {
        self.journal.interrupt(now).await.unwrap();
    }

    pub(crate) async fn take(&self, event: &Value) -> Taken {
        self.take_at(event, at(3600)).await
    }

    async fn take_at(&self, event: &Value, received_at: Timestamp) -> Taken {
        let body = self.with_keys(event).to_string();
        let words = OptOutWords::default();
        let notification = Notification::parse(body.as_bytes(), &words, received_at).unwrap();
        let incoming = Incoming {
            notification,
            body,
            received_at,
        };
        self.store.take_event(incoming).await.unwrap()
    }

    /// The event with its metadata as the program writes it: the batch's name becomes the random ids.
    fn with_keys(&self, event: &Value) -> Value {
        let mut event = event.clone();
        let metadata = &event["data"]["metadata"];
        let name = metadata["outreach_batch"].as_str().map(str::to_owned);
        let seq = metadata["outreach_recipient"].as_str().map(str::to_owned);
        let reader = self.store.reader().unwrap();
        if let (Some(name), Some(seq)) = (name, seq)
            && let Some(batch) = reader.find_batch(&name).unwrap()
        {
            let key = format!("{}.{}.{seq}", self.store.uid().unwrap(), batch.uid);
            event["data"]["metadata"]["outreach_recipient"] = key.into();
        }
        event
    }

    pub(crate) fn story(&self, row: u32) -> Timeline {
        let reader = self.store.reader().unwrap();
        reader.timelines(self.batch.id, row).unwrap().remove(0)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.store.reader().unwrap().counts(self.batch.id).unwrap()
    }

    /// Numbers on the suppression list.
    pub(crate) fn suppressed(&self) -> Vec<u64> {
        let mut numbers = Vec::new();
        let reader = self.store.reader().unwrap();
        reader
            .suppressions(|entry| {
                numbers.push(entry.who.get());
                Ok::<_, outreach::internals::store::StoreError>(())
            })
            .unwrap();
        numbers
    }

    pub(crate) fn sound(&self) {
        let faults = self.store.reader().unwrap().integrity_faults().unwrap();
        assert!(faults.is_empty(), "{faults:?}");
    }
}

/// The contact id that the simulated API gives a number.
pub(crate) fn contact_of(number: u64) -> String {
    format!("8{number}")
}

fn event(kind: &str, number: u64, with_phone: bool, sent: i64, fields: &Value) -> Value {
    let mut data = json!({
        "channel": { "id": CHANNEL, "type": "facebook_messenger" },
        "contact": { "id": contact_of(number) },
    });
    if with_phone {
        data["contact"]["phone_number"] = number.to_string().into();
    }
    for (key, value) in fields.as_object().unwrap() {
        data[key] = value.clone();
    }
    json!({ "event": kind, "timestamp": at(sent).to_string(), "data": data })
}

pub(crate) fn echo(number: u64, message: &str, seq: u32) -> Value {
    let fields = json!({ "id": message, "metadata": {
        "outreach_batch": "spring", "outreach_recipient": seq.to_string() } });
    event("message_echo", number, false, 11, &fields)
}

pub(crate) fn opt_in(number: u64, sent: i64) -> Value {
    let fields = json!({ "opt_in": { "type": "phone_number" } });
    event("opt_in", number, true, sent, &fields)
}

pub(crate) fn delivered(number: u64, message: &str) -> Value {
    let fields =
        json!({ "messages": [{ "id": message }], "delivered_timestamp": at(12).to_string() });
    event("messages_delivered", number, true, 13, &fields)
}

fn read(number: u64, until: i64) -> Value {
    let fields = json!({ "last_read_timestamp": at(until).to_string() });
    event("messages_read", number, false, until + 1, &fields)
}

fn failed(number: u64, message: &str, code: i64) -> Value {
    let fields =
        json!({ "message": { "id": message }, "error": { "code": code, "message": "Sorry" } });
    event("message_failed", number, true, 14, &fields)
}

pub(crate) fn received(number: u64, id: &str, text: &str) -> Value {
    let fields = json!({ "id": id, "content": { "type": "text", "payload": text } });
    event("message_received", number, false, 20, &fields)
}

pub(crate) const NUMBER: u64 = 420_777_123_456;

/// The facts that must not depend on the order.
#[derive(Debug, PartialEq)]
struct End {
    state: State,
    message_id: Option<String>,
    contact_id: Option<String>,
    delivered_at: Option<Timestamp>,
    read_at: Option<Timestamp>,
    opted_in_at: Option<Timestamp>,
    suppressed: Vec<u64>,
    counts: Counts,
    waiting: u64,
}

/// Something that happens: an event, or the answer to our own request.
#[derive(Debug, Clone)]
enum Step {
    Event(Value),
    Answer(Option<&'static str>),
}

async fn play(steps: &[Step]) -> End {
    let scene = Scene::new(&[NUMBER]).await;
    let claimed = scene.claim(at(9)).await;
    for step in steps {
        match step {
            Step::Event(event) => {
                scene.take_at(event, at(2 * DAY)).await;
            }
            Step::Answer(message) => scene.answer(&claimed, *message, at(10)).await,
        }
    }
    // What is learned last may let another one go: that is tried too.
    let left = scene
        .store
        .apply_waiting_events(at(2 * DAY + 100))
        .await
        .unwrap();
    scene.sound();
    let story = scene.story(2);
    End {
        state: story.state,
        message_id: story.message_id,
        contact_id: story.contact_id,
        delivered_at: story.delivered_at,
        read_at: story.read_at,
        opted_in_at: story.opted_in_at,
        suppressed: scene.suppressed(),
        counts: scene.counts(),
        waiting: left.waiting,
    }
}

/// The same event, sent again later.
fn again(event: &Value) -> Value {
    let mut again = event.clone();
    again["timestamp"] = at(1900).to_string().into();
    again
}

const DAY: i64 = 24 * 60 * 60;

/// What becomes of a message.
#[derive(Debug, Clone, Copy)]
struct Fate {
    /// Its answer is lost.
    lost: bool,
    /// It is called failed.
    fails: bool,
    /// It is called delivered.
    arrives: bool,
    /// When the conversation is read for the first time after it.
    read: i64,
}

impl Fate {
    /// Whether it failed: what was delivered, or read while it was still tried, did not.
    fn failed(self) -> bool {
        self.fails && !self.arrives && self.read > DAY
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    let times = prop_oneof![Just(25), Just(DAY + 25)];
    (any::<(bool, bool, bool)>(), times).prop_map(|((lost, fails, arrives), read)| Fate {
        lost,
        fails,
        arrives,
        read,
    })
}

/// One person's events, some of them twice, and our own answer, in any order.
fn life(fate: Fate) -> impl Strategy<Value = Vec<Step>> {
    let mut events = vec![
        echo(NUMBER, "9001", 1),
        opt_in(NUMBER, 11),
        read(NUMBER, 2),
        read(NUMBER, fate.read + 5),
        read(NUMBER, fate.read),
        received(NUMBER, "9002", "Stop!"),
        received(NUMBER, "9003", "Thank you"),
        event("channel_weather", NUMBER, false, 5, &json!({})),
    ];
    if fate.arrives {
        events.push(delivered(NUMBER, "9001"));
    }
    if fate.fails {
        events.push(failed(NUMBER, "9001", 1));
    }
    let twice = proptest::collection::vec(any::<bool>(), events.len());
    twice.prop_flat_map(move |twice| {
        let mut steps = vec![Step::Answer((!fate.lost).then_some("9001"))];
        for (event, twice) in events.iter().zip(twice) {
            steps.push(Step::Event(event.clone()));
            if twice {
                steps.push(Step::Event(again(event)));
            }
        }
        Just(steps).prop_shuffle()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_persons_events_in_any_order_and_repeated_lead_to_one_end(
        (fate, steps) in fate().prop_flat_map(|fate| (Just(fate), life(fate)))
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let end = runtime.block_on(play(&steps));
        let failed = fate.failed();
        let counts = Counts {
            sent: u64::from(!failed),
            error: u64::from(failed),
            requests: 1,
            ..Counts::default()
        };
        prop_assert_eq!(end, End {
            state: if failed { State::Error } else { State::Sent },
            message_id: Some("9001".into()),
            contact_id: Some(contact_of(NUMBER)),
            delivered_at: fate.arrives.then(|| at(12)),
            read_at: (!failed).then(|| at(fate.read)),
            opted_in_at: Some(at(11)),
            suppressed: vec![NUMBER],
            counts,
            waiting: 0,
        }, "{:?}", fate);
    }
}

#[tokio::test]
async fn a_stop_keeps_queued_rows_of_a_running_batch_from_being_sent() {
    let scene = Scene::new(&[NUMBER, NUMBER + 1]).await;
    let first = scene.claim(at(9)).await;
    scene.answer(&first, Some("9001"), at(10)).await;
    // The second row's owner is known from an earlier opt-in.
    scene.take(&opt_in(NUMBER + 1, 11)).await;
    scene.take(&received(NUMBER + 1, "9009", "Odhlásit")).await;
    assert_eq!(scene.suppressed(), [NUMBER + 1]);
    assert!(matches!(
        scene.try_claim(at(12)).await,
        Claim::Exhausted { opens_at: None }
    ));
    let story = scene.story(3);
    assert_eq!(story.state, State::Suppressed);
    assert!(story.reason.unwrap().contains("asked not to be messaged"));
    scene.sound();
}

#[tokio::test]
async fn an_unknown_outcome_is_settled_by_its_echo_and_the_audit_tells_so() {
    let scene = Scene::new(&[NUMBER]).await;
    let claimed = scene.claim(at(9)).await;
    scene.answer(&claimed, None, at(10)).await;
    assert_eq!(scene.story(2).state, State::Unknown);
    let taken = scene.take(&echo(NUMBER, "9001", 1)).await;
    assert_eq!((taken.new, taken.waiting, taken.problems.len()), (1, 0, 0));
    let story = scene.story(2);
    assert_eq!(story.state, State::Sent);
    assert_eq!(story.message_id.as_deref(), Some("9001"));
    let evidence = story.attempts.last().unwrap();
    assert_eq!(evidence.outcome.as_deref(), Some("evidence"));
    assert_eq!(evidence.actor.as_deref(), Some("webhook message_echo"));
    scene.sound();
}

#[tokio::test]
async fn echoes_of_others_and_of_other_times_settle_nothing() {
    let scene = Scene::new(&[NUMBER]).await;
    let claimed = scene.claim(at(900)).await;
    scene.answer(&claimed, None, at(901)).await;
    // Sent a quarter of an hour before our request: another checkpoint's batch of this name.
    let taken = scene.take(&echo(NUMBER, "9001", 1)).await;
    assert_eq!(taken.problems.len(), 1);
    let mut foreign = echo(NUMBER, "9002", 1);
    foreign["data"]["metadata"]["outreach_batch"] = "autumn".into();
    scene.take(&foreign).await;
    let mut elsewhere = echo(NUMBER, "9003", 1);
    elsewhere["data"]["channel"]["id"] = "7777".into();
    scene.take(&elsewhere).await;
    scene.take(&echo(NUMBER, "9004", 77)).await;
    let mut inbox = echo(NUMBER, "9005", 1);
    inbox["data"]["metadata"] = Value::Null;
    scene.take(&inbox).await;
    assert_eq!(scene.story(2).state, State::Unknown);
    scene.sound();
}

#[tokio::test]
async fn an_echo_that_names_our_row_and_another_number_settles_nothing() {
    let scene = Scene::new(&[NUMBER]).await;
    let claimed = scene.claim(at(9)).await;
    scene.answer(&claimed, None, at(10)).await;
    let mut of_another = echo(NUMBER, "9001", 1);
    of_another["data"]["contact"]["id"] = "4711".into();
    of_another["data"]["contact"]["phone_number"] = (NUMBER + 1).to_string().into();
    scene.take(&of_another).await;
    assert_eq!(scene.story(2).state, State::Unknown);
    let mut own = echo(NUMBER, "9002", 1);
    own["data"]["contact"]["phone_number"] = NUMBER.to_string().into();
    scene.take(&own).await;
    let story = scene.story(2);
    assert_eq!(
        (story.state, story.message_id.as_deref()),
        (State::Sent, Some("9002"))
    );
    scene.sound();
}

/// A STOP is repeated with what its first copy did not name.
#[tokio::test]
async fn a_copy_of_a_stop_that_names_the_number_suppresses_the_person() {
    let scene = Scene::new(&[NUMBER]).await;
    let stop = received(NUMBER, "9001", "STOP");
    scene.take(&stop).await;
    assert_eq!(
        scene.suppressed(),
        [0; 0],
        "whose contact it is, is not known"
    );
    let mut copy = stop.clone();
    copy["data"]["contact"]["phone_number"] = NUMBER.to_string().into();
    let taken = scene.take(&copy).await;
    assert_eq!(taken.known, 1);
    assert_eq!(scene.suppressed(), [NUMBER]);
    scene.sound();
}

#[tokio::test]
async fn a_proof_about_an_erased_person_makes_nobody_known_again() {
    let scene = Scene::new(&[NUMBER]).await;
    let claimed = scene.claim(at(9)).await;
    scene.answer(&claimed, None, at(10)).await;
    let (store, phone) = (
        Arc::clone(&scene.store),
        PhoneNumber::from_e164(NUMBER).unwrap(),
    );
    let erased = tokio::task::spawn_blocking(move || store.forget(phone, at(60)));
    erased.await.unwrap().unwrap();
    scene.take(&echo(NUMBER, "9001", 1)).await;
    let found = scene.story(2);
    assert_eq!(
        (found.phone, found.message_id, found.contact_id),
        (None, None, None)
    );
    let file = rusqlite::Connection::open(scene.store.path()).unwrap();
    let sql = "SELECT (SELECT count(*) FROM contact WHERE api_id IS NOT NULL)
                   + (SELECT count(*) FROM attempt WHERE message_id IS NOT NULL)";
    let traces: i64 = file.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(traces, 0);
    scene.sound();
}

#[tokio::test]
async fn a_delivery_before_the_request_proves_nothing_of_it() {
    let scene = Scene::new(&[NUMBER]).await;
    let claimed = scene.claim(at(2_000)).await;
    scene.answer(&claimed, None, at(2_001)).await;
    scene.take(&delivered(NUMBER, "9001")).await;
    assert_eq!(scene.story(2).state, State::Unknown);
    scene.sound();
}

#[tokio::test]
async fn a_delivery_settles_an_unknown_outcome_only_if_it_can_belong_to_no_other() {
    // Two batches wrote to the same number, and both answers were lost.
    let scene = Scene::new(&[NUMBER]).await;
    let claimed = scene.claim(at(9)).await;
    scene.answer(&claimed, None, at(10)).await;
    let other = scene.beside("autumn", &[NUMBER]).await;
    let claimed = other.claim(at(9)).await;
    let taken = scene.take(&delivered(NUMBER, "9001")).await;
    assert_eq!(taken.waiting, 1, "the other request is under way");
    other.answer(&claimed, None, at(10)).await;
    let left = scene.store.apply_waiting_events(at(3700)).await.unwrap();
    assert_eq!(left.waiting, 1, "two are unknown");
    // The other one's echo comes: the delivery belongs to the first.
    let mut echo = echo(NUMBER, "9002", 1);
    echo["data"]["metadata"]["outreach_batch"] = "autumn".into();
    scene.take(&echo).await;
    let left = scene.store.apply_waiting_events(at(3701)).await.unwrap();
    assert_eq!((left.applied, left.waiting), (1, 0));
    assert_eq!(scene.story(2).message_id.as_deref(), Some("9001"));
    assert_eq!(other.story(2).message_id.as_deref(), Some("9002"));
    scene.sound();
}

/// So many messages may wait beside an event that they are not entered with it.
const MANY: u64 = 1_100;

#[tokio::test]
async fn a_delivery_finds_its_message_beside_an_unknown_one_to_the_same_number() {
    // The first batch's answer was lost; the second batch wrote to the same number, was accepted, and
    // stands among many that are not entered.
    let scene = Scene::new(&[NUMBER]).await;
    let claimed = scene.claim(at(9)).await;
    scene.answer(&claimed, None, at(10)).await;
    let numbers: Vec<u64> = (0..MANY).map(|n| NUMBER + n).collect();
    let other = scene.beside("autumn", &numbers).await;
    // Everybody's at once, so that it takes few commits.
    let mut steps = tokio::task::JoinSet::new();
    for _ in 0..MANY {
        let journal = other.journal.clone();
        steps.spawn(async move {
            let (_, claim) = journal.settle_and_claim(None, Some(at(9))).await.unwrap();
            let Some(Claim::Claimed(claimed)) = claim else {
                panic!("{claim:?}");
            };
            let message = 9001 + claimed.phone.get() - NUMBER;
            let accepted = settlement(&claimed, Some(&message.to_string()), at(10));
            journal
                .settle_and_claim(Some(accepted), None)
                .await
                .unwrap();
        });
    }
    steps.join_all().await;

    let knows = |id: &str| scene.store.reader().unwrap().knows_message(id).unwrap();
    assert!(knows("9001") && !knows("1"));
    let taken = scene.take(&delivered(NUMBER, "9001")).await;
    assert_eq!((taken.waiting, &taken.problems[..]), (0, &[][..]));
    assert_eq!(
        scene.story(2).state,
        State::Unknown,
        "it is not its message"
    );
    assert!(other.story(2).delivered_at.is_some());
    assert!(knows("9001") && !knows("1"));
    scene.sound();
}

#[tokio::test]
async fn what_is_told_of_a_message_does_not_depend_on_whether_it_is_entered() {
    let scene = Scene::new(&[NUMBER, NUMBER + 1]).await;
    let claimed = scene.claim(at(9)).await;
    scene.answer(&claimed, Some("9001"), at(10)).await;
    let second = scene.claim(at(11)).await;
    let seen = || {
        let reader = scene.store.reader().unwrap();
        let mut rows = Vec::new();
        reader
            .rows::<outreach::internals::store::StoreError>(scene.batch.id, |row| {
                let ids = (row.message.message_id, row.message.contact_id);
                rows.push(format!("{:?} {ids:?} {:?}", row.state, row.finished_at));
                Ok(())
            })
            .unwrap();
        (format!("{:?}", scene.story(2)), rows)
    };
    let before = seen();
    let sent = format!(
        "Sent (Some(\"9001\"), Some({:?})) {:?}",
        contact_of(NUMBER),
        Some(at(10))
    );
    assert_eq!(before.1, [sent.as_str(), "Sending (None, None) None"]);
    assert_eq!(seen(), before);
    scene.sound();

    // The answer comes after all, when its request was given up, and entered as such.
    scene.journal.interrupt(at(12)).await.unwrap();
    scene.answer(&second, Some("9002"), at(13)).await;
    assert_eq!(scene.story(3).message_id.as_deref(), Some("9002"));
    let taken = scene.take(&delivered(NUMBER + 1, "9002")).await;
    assert_eq!((taken.new, taken.waiting), (1, 0));
    assert!(scene.story(3).delivered_at.is_some());
    scene.sound();
}

#[tokio::test]
async fn a_failure_says_whether_the_number_has_an_account() {
    let scene = Scene::new(&[NUMBER, NUMBER + 1]).await;
    for (number, code, end) in [
        (NUMBER, 1, State::Error),
        (NUMBER + 1, 3, State::NoMessenger),
    ] {
        let message = format!("9{number}");
        let claimed = scene.claim(at(9)).await;
        scene.answer(&claimed, Some(&message), at(10)).await;
        scene.take(&failed(number, &message, code)).await;
        let story = scene.story(u32::try_from(number - NUMBER).unwrap() + 2);
        assert_eq!(story.state, end);
        assert_eq!(story.reason, Some(format!("Sorry (code {code})")));
    }
    scene.sound();
}

#[tokio::test]
async fn what_speaks_of_nothing_of_ours_is_given_up_but_an_opt_out_never() {
    let scene = Scene::new(&[NUMBER]).await;
    let stranger = 420_777_999_999;
    scene.take(&delivered(stranger, "5555")).await;
    let stop = received(stranger, "5556", "STOP");
    assert_eq!(scene.take(&stop).await.waiting, 0, "kept with the contact");
    let later = at(3600) + SignedDuration::from_hours(49);
    let left = scene.store.apply_waiting_events(later).await.unwrap();
    assert_eq!((left.given_up, left.waiting), (1, 0));
    assert_eq!(scene.suppressed(), [0; 0]);
    // In the moment in which the contact's number is known, the opt-out reaches the person.
    scene.take_at(&opt_in(stranger, 11), later).await;
    assert_eq!(scene.suppressed(), [stranger]);
    scene.sound();
}

#[tokio::test]
async fn an_event_is_applied_behind_any_number_that_wait_on() {
    let scene = Scene::new(&[NUMBER]).await;
    let claimed = scene.claim(at(9)).await;
    // One that speaks of many messages that nobody knows, of which each waits.
    let messages: Vec<Value> = (0..1_100)
        .map(|n| json!({ "id": format!("77{n}") }))
        .collect();
    let fields = json!({ "messages": messages, "delivered_timestamp": at(12).to_string() });
    let of_strangers = event("messages_delivered", NUMBER + 1, false, 13, &fields);
    assert_eq!(scene.take(&of_strangers).await.waiting, 1_100);
    assert_eq!(scene.take(&delivered(NUMBER, "5001")).await.waiting, 1);
    scene.answer(&claimed, Some("5001"), at(10)).await;
    let left = scene.store.apply_waiting_events(at(3700)).await.unwrap();
    assert_eq!((left.applied, left.waiting), (1, 1_100));
    assert!(scene.story(2).delivered_at.is_some());
    scene.sound();
}

#[tokio::test]
async fn the_same_event_again_is_known() {
    let scene = Scene::new(&[NUMBER]).await;
    let stop = received(NUMBER, "5556", "STOP");
    assert_eq!(scene.take(&stop).await.new, 1);
    let repeated = scene.take(&again(&stop)).await;
    assert_eq!((repeated.new, repeated.known), (0, 1));
}

#[tokio::test]
async fn whoever_opted_in_is_addressed_by_contact_id_in_the_next_batch() {
    let scene = Scene::new(&[NUMBER]).await;
    scene.take(&opt_in(NUMBER, 5)).await;
    let second = scene.beside("autumn", &[NUMBER]).await;
    let claimed = second.claim(at(9)).await;
    assert_eq!(
        claimed.addressee,
        outreach::internals::amio::Addressee::ContactId(contact_of(NUMBER))
    );
}

#[tokio::test]
async fn an_erased_person_is_not_messaged_again_and_leaves_no_trace() {
    let scene = Scene::new(&[NUMBER, NUMBER + 1]).await;
    let claimed = scene.claim(at(9)).await;
    let phone = PhoneNumber::from_e164(NUMBER).unwrap();
    // While a message is under way, nothing is erased.
    let store = Arc::clone(&scene.store);
    let early = tokio::task::spawn_blocking(move || store.forget(phone, at(9))).await;
    assert!(
        early
            .unwrap()
            .unwrap_err()
            .to_string()
            .contains("under way")
    );
    scene.answer(&claimed, Some("9001"), at(10)).await;
    for event in [
        opt_in(NUMBER, 11),
        delivered(NUMBER, "9001"),
        read(NUMBER, 30),
        received(NUMBER, "9002", "STOP"),
    ] {
        scene.take(&event).await;
    }
    let before = scene.counts();

    let store = Arc::clone(&scene.store);
    let erased = tokio::task::spawn_blocking(move || store.forget(phone, at(60)).unwrap())
        .await
        .unwrap();
    assert_eq!((erased.rows, erased.attempts), (1, 1));
    // Events are kept as what they changed: none of them still names the person.
    assert_eq!((erased.messages, erased.contacts, erased.events), (1, 1, 0));
    assert!(erased.listed);
    scene.sound();
    assert_eq!(scene.counts(), before);
    let erased = scene.story(2);
    assert_eq!((erased.state, erased.phone), (State::Sent, None));
    assert_eq!((erased.message_id, erased.contact_id), (None, None));
    let file = rusqlite::Connection::open(scene.store.path()).unwrap();
    let traces: i64 = file
        .query_row(
            "SELECT (SELECT count(*) FROM attempt WHERE coalesce(message_id, text, proof_text) IS NOT NULL)
                  + (SELECT count(*) FROM contact WHERE api_id IS NOT NULL)
                  + (SELECT count(*) FROM person WHERE number = 420777123456)
                  + (SELECT count(*) FROM person_by_number WHERE number = 420777123456)
                  + (SELECT count(*) FROM event WHERE coalesce(news, body) IS NOT NULL)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(traces, 0);

    // Late events about the person are not kept, with the number or with the contact's id alone.
    for event in [opt_in(NUMBER, 12), received(NUMBER, "9003", "Hello")] {
        let taken = scene.take(&event).await;
        assert_eq!((taken.erased, taken.new), (1, 0));
    }
    // A later list does not message them again.
    let reader = scene.store.reader().unwrap();
    let forgotten = reader.suppression_of(phone).unwrap();
    assert_eq!(forgotten, Some(Suppression::Forgotten));
    let neighbour = PhoneNumber::from_e164(NUMBER + 1).unwrap();
    assert_eq!(reader.suppression_of(neighbour).unwrap(), None);
    let second = scene.beside("autumn", &[NUMBER]).await;
    let claim = second.try_claim(at(90)).await;
    assert!(matches!(claim, Claim::Exhausted { .. }), "{claim:?}");
    scene.sound();
}

#[tokio::test]
async fn a_scrubbed_file_holds_the_number_in_no_form() {
    let scene = Scene::new(&[NUMBER, NUMBER + 1]).await;
    for message in ["9001", "9002"] {
        let claimed = scene.claim(at(9)).await;
        scene.answer(&claimed, Some(message), at(10)).await;
    }
    scene.take(&opt_in(NUMBER, 11)).await;
    scene.take(&opt_in(NUMBER + 1, 11)).await;
    let Scene {
        folder,
        store,
        journal,
        ..
    } = scene;
    drop(journal);
    let whole = tokio::task::spawn_blocking(move || {
        let phone = PhoneNumber::from_e164(NUMBER).unwrap();
        store.forget(phone, at(60)).unwrap();
        Arc::into_inner(store).unwrap().empty_log().unwrap()
    })
    .await
    .unwrap();
    assert!(whole);
    let holds = |number: u64| {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let text = number.to_string().into_bytes();
            // SQLite writes an integer of this size in six bytes, the highest first.
            let integer = number.to_be_bytes()[2..].to_vec();
            for form in [text, integer] {
                found.push(bytes.windows(form.len()).any(|window| window == form));
            }
        }
        found.contains(&true)
    };
    assert!(!holds(NUMBER));
    assert!(holds(NUMBER + 1), "the search would find it");
}
