//! Several channels, and answers and events in any order, doubled, before their answer or long after it: nobody gets a
//! second message of a batch unless every one before is proven failed.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use outreach::internals::amio::webhook::Notification;
use outreach::internals::domain::delivery::{Event, State};
use outreach::internals::domain::eligibility::HistorySpan;
use outreach::internals::domain::event::OptOutWords;
use outreach::internals::domain::fallback::{Fallback, OtherChannel, Step};
use outreach::internals::domain::outcome::{AttemptOutcome, Receipt};
use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::domain::recipient::JudgedRow;
use outreach::internals::domain::refusal::Meaning;
use outreach::internals::store::{
    Batch, Claim, Claimed, Incoming, Journal, RecipientId, Settlement, Store, StoreError,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::model::accepted;
use crate::support::{
    Random, accepted_number, load_rows, new_batch, number, queued_row, start_journal,
};

const CHANNELS: [(&str, &str); 3] = [
    ("7001", "facebook_messenger"),
    ("7002", "viber_business_messages"),
    ("7003", "mobile"),
];
const PEOPLE: u32 = 5;

/// What the API did with a request, whether or not anybody was told.
#[derive(Debug, Clone)]
struct Sent {
    phone: u64,
    step: usize,
    message: Option<u64>,
    /// It fails later: whether because the number has no account.
    fails: Option<bool>,
    /// The program was told that it failed, by an answer or an event.
    failure_is_known: bool,
}

/// A request whose answer nobody has read yet.
struct UnderWay {
    claimed: Claimed,
    sent: usize,
}

struct World {
    store: Arc<Store>,
    batch: Batch,
    journal: Journal,
    _folder: tempfile::TempDir,
    random: Random,
    now: Timestamp,
    sent: Vec<Sent>,
    under_way: Vec<UnderWay>,
    /// Events that may come, at any time and again, with the request that they are about.
    events: Vec<(Value, usize)>,
}

fn begin() -> Timestamp {
    "2026-05-02T08:00:00Z".parse().unwrap()
}

fn row(index: u32) -> JudgedRow {
    let phone = PhoneNumber::from_e164(number(index)).unwrap();
    queued_row(index + 2, accepted_number(phone, "Hi"))
}

fn load(path: &std::path::Path) -> (Arc<Store>, Batch) {
    let store = Arc::new(Store::open(path).unwrap());
    let new = new_batch("spring", CHANNELS[0].0, begin());
    let id = store.create_batch(new).unwrap();
    let channel = |(id, _): &(&str, &str)| OtherChannel {
        id: (*id).to_owned(),
        message: None,
    };
    let fallback = Fallback {
        channels: CHANNELS[1..].iter().map(channel).collect(),
        on_channel: true,
        at_most: 1_000,
    };
    store.keep_fallback(id, &fallback).unwrap();
    load_rows(&store, (id, CHANNELS[0].0), (0..PEOPLE).map(row), begin());
    let batch = store.reader().unwrap().batch("spring").unwrap();
    (store, batch)
}

async fn journal(store: &Arc<Store>, batch: &Batch, now: Timestamp) -> Journal {
    start_journal(store, batch, HistorySpan::default(), now).await
}

impl World {
    async fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outreach.db");
        let (store, batch) = tokio::task::spawn_blocking(move || load(&path))
            .await
            .unwrap();
        let journal = journal(&store, &batch, begin()).await;
        Self {
            store,
            batch,
            journal,
            _folder: folder,
            random: Random::new(seed),
            now: begin(),
            sent: Vec::new(),
            under_way: Vec::new(),
            events: Vec::new(),
        }
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.between(1, 100) <= percent
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.random.between(0, length as u64 - 1)).unwrap()
    }

    async fn step(&mut self) {
        self.now += SignedDuration::from_secs(7);
        match self.random.between(1, 10) {
            1..=4 => {
                self.claim().await;
            }
            5..=7 if !self.under_way.is_empty() => {
                let index = self.index(self.under_way.len());
                self.answer(index).await;
            }
            8..=9 if !self.events.is_empty() => {
                let index = self.index(self.events.len());
                self.take(index).await;
            }
            10 => self.crash().await,
            _ => {}
        }
    }

    /// Claims, and lets the API decide; false if nobody is left for now.
    async fn claim(&mut self) -> bool {
        let found = self.journal.settle_and_claim(None, Some(self.now)).await;
        let Some(Claim::Claimed(claimed)) = found.unwrap().1 else {
            return false;
        };
        let phone = claimed.phone.get();
        for before in self.sent.iter().filter(|it| it.phone == phone) {
            assert!(
                before.message.is_none() || before.failure_is_known,
                "sent again over {:?} though {before:?} stands",
                claimed.step
            );
        }
        let step = usize::from(claimed.step.get());
        // On Messenger a number that is not reached is refused at once, elsewhere it fails later.
        let reached = self.chance(50);
        let accepted = step > 0 || reached;
        let fails = (step > 0 && !reached).then(|| self.chance(80));
        let id = 9_000_000_000_000 + self.sent.len() as u64;
        let sent = Sent {
            phone,
            step,
            message: accepted.then_some(id),
            fails,
            failure_is_known: !accepted,
        };
        self.add_events(&sent, &claimed, self.sent.len());
        self.under_way.push(UnderWay {
            claimed: *claimed,
            sent: self.sent.len(),
        });
        self.sent.push(sent);
        true
    }

    fn add_events(&mut self, sent: &Sent, claimed: &Claimed, index: usize) {
        let Some(message) = sent.message else { return };
        let (channel, kind) = CHANNELS[sent.step];
        let event = |name: &str, more: Value| {
            let mut data = json!({
                "channel": { "id": channel, "type": kind },
                "contact": { "id": format!("8{}{}", sent.step, sent.phone),
                             "phone_number": sent.phone.to_string() },
            });
            for (key, value) in more.as_object().unwrap() {
                data[key] = value.clone();
            }
            json!({ "event": name, "timestamp": "2026-05-02T09:00:00Z", "data": data })
        };
        let id = message.to_string();
        let key = format!(
            "{}.{}.{}",
            self.store.uid().unwrap(),
            self.batch.uid,
            claimed.recipient.seq()
        );
        if kind != "mobile" {
            let metadata = json!({ "outreach_recipient": key });
            let echo = event("message_echo", json!({ "id": id, "metadata": metadata }));
            self.events.push((echo, index));
        }
        let ending = match sent.fails {
            None => event("messages_delivered", json!({ "messages": [{ "id": id }] })),
            Some(no_account) => {
                let code = if no_account && kind != "mobile" { 3 } else { 1 };
                let error = json!({ "code": code, "message": "not delivered" });
                event(
                    "message_failed",
                    json!({ "message": { "id": id }, "error": error }),
                )
            }
        };
        self.events.push((ending, index));
    }

    async fn take(&mut self, index: usize) {
        let (event, sent) = self.events[index].clone();
        let body = event.to_string();
        let words = OptOutWords::default();
        let notification = Notification::parse(body.as_bytes(), &words, self.now).unwrap();
        let incoming = Incoming {
            notification,
            body,
            received_at: self.now,
        };
        self.store.take_event(incoming).await.unwrap();
        if event["event"] == "message_failed" {
            self.sent[sent].failure_is_known = true;
        }
    }

    async fn answer(&mut self, index: usize) {
        let UnderWay { claimed, sent } = self.under_way.swap_remove(index);
        let lost = self.chance(15);
        let (message, contact) = (self.sent[sent].message, self.sent[sent].step);
        let (outcome, event, known) = match message {
            _ if lost => (AttemptOutcome::Undecided, Event::AnswerLost, None),
            Some(_) => (AttemptOutcome::Sent, Event::Accepted, None),
            None => {
                let known = self.chance(70).then_some(Meaning::NoMessenger);
                (AttemptOutcome::NoMessenger, Event::NoMatch, known)
            }
        };
        let refused = outcome == AttemptOutcome::NoMessenger;
        let settlement = Settlement {
            recipient: claimed.recipient,
            outcome,
            event,
            http_status: Some(201),
            text: if refused { "HTTP 422: none" } else { "" }.to_owned(),
            why: if refused && known.is_none() {
                "taken for no Messenger, text not known"
            } else {
                ""
            },
            known,
            by_text: false,
            receipt: (outcome == AttemptOutcome::Sent).then(|| Receipt {
                message_id: message.map(|id| id.to_string()),
                contact_id: Some(format!("8{contact}{}", claimed.phone.get())),
                ..Receipt::default()
            }),
            at: self.now,
        };
        let settled = self.journal.settle_and_claim(Some(settlement), None).await;
        settled.unwrap();
    }

    /// The process dies, and another one takes the batch up.
    async fn crash(&mut self) {
        self.under_way.clear();
        self.journal = journal(&self.store, &self.batch, self.now).await;
    }

    /// All that is under way is answered, all events come, and the batch is sent to its end.
    async fn finish(&mut self) {
        for _ in 0..40 {
            self.now += SignedDuration::from_secs(7);
            while self.claim().await {}
            while !self.under_way.is_empty() {
                self.answer(0).await;
            }
            for index in 0..self.events.len() {
                self.take(index).await;
            }
            self.store.apply_waiting_events(self.now).await.unwrap();
        }
    }

    fn recipient(&self, phone: u64) -> RecipientId {
        let mut found = None;
        let reader = self.store.reader().unwrap();
        let rows = reader.rows(self.batch.id, |row| {
            if row.phone.unwrap().get() == phone {
                found = Some(row.recipient);
            }
            Ok::<_, StoreError>(())
        });
        rows.unwrap();
        found.unwrap()
    }

    fn states(&self) -> Vec<(u64, State, Step)> {
        let mut rows = Vec::new();
        let reader = self.store.reader().unwrap();
        reader
            .rows(self.batch.id, |row| {
                rows.push((row.phone.unwrap().get(), row.state, row.step));
                Ok::<_, StoreError>(())
            })
            .unwrap();
        rows
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nobody_gets_a_second_message_unless_the_first_is_proven_failed(seed in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new(seed).await;
            for _ in 0..60 {
                world.step().await;
            }
            world.finish().await;
            let faults = world.store.reader().unwrap().integrity_faults().unwrap();
            assert!(faults.is_empty(), "{faults:?}");
            for (phone, state, step) in world.states() {
                let of_person = || world.sent.iter().filter(|it| it.phone == phone);
                let stands = of_person().filter(|it| it.message.is_some() && it.fails.is_none()).count();
                assert!(stands <= 1, "{phone} holds {stands} messages");
                let story: Vec<_> = of_person().collect();
                match state {
                    State::Sent => assert_eq!(stands, 1, "{story:?}"),
                    // The last channel failed, a failure says nothing of the number, or an answer was lost for ever.
                    State::Error | State::NoMessenger | State::Unknown => {
                        assert_eq!(stands, 0, "{story:?}");
                    }
                    // A refusal that nobody has read.
                    State::Queued => assert_eq!((stands, step), (0, Step::FIRST), "{story:?}"),
                    State::Sending | State::Invalid | State::Duplicate | State::Suppressed => {
                        panic!("{state}: {story:?}")
                    }
                }
            }
        });
    }
}

/// What is said of a message on the first channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Answer,
    Failed,
    Delivered,
    Read,
}

impl Said {
    fn event(self, phone: u64) -> Value {
        let mut data = json!({
            "channel": { "id": CHANNELS[0].0, "type": CHANNELS[0].1 },
            "contact": { "id": format!("80{phone}"), "phone_number": phone.to_string() },
        });
        let (key, value, name) = match self {
            Self::Answer => panic!("it is no event"),
            Self::Failed => ("message", json!({ "id": FIRST }), "message_failed"),
            Self::Delivered => ("messages", json!([{ "id": FIRST }]), "messages_delivered"),
            Self::Read => {
                let until = json!("2026-05-02T08:30:00Z");
                ("last_read_timestamp", until, "messages_read")
            }
        };
        data[key] = value;
        data["error"] = json!({ "code": 3, "message": "not delivered" });
        json!({ "event": name, "timestamp": "2026-05-02T09:00:00Z", "data": data })
    }
}

/// The id of the first message.
const FIRST: &str = "9000000000000";

/// All orders of these.
fn orders(of: &[Said]) -> Vec<Vec<Said>> {
    let mut all = vec![Vec::new()];
    for said in of {
        let put = |order: &Vec<Said>| {
            let at = 0..=order.len();
            let put = |at| [&order[..at], &[*said], &order[at..]].concat();
            at.map(put).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(put).collect();
    }
    all
}

impl World {
    /// Claims the first row, and lets all this be said of its message. Returns its number, and whom the claims after
    /// that reach, each with its step.
    async fn hear(&mut self, order: &[Said]) -> (u64, Vec<(u64, Step)>) {
        let claimed = self.journal.settle_and_claim(None, Some(self.now)).await;
        let Some(Claim::Claimed(claimed)) = claimed.unwrap().1 else {
            panic!("somebody is queued");
        };
        let phone = claimed.phone.get();
        let sent = Sent {
            phone,
            step: 0,
            message: Some(9_000_000_000_000),
            fails: Some(true),
            failure_is_known: false,
        };
        self.sent.push(sent);
        for said in order {
            // The answer is read within the second that clocks may differ.
            self.now += SignedDuration::from_millis(200);
            if *said == Said::Answer {
                let settlement = first_sent(&claimed, self.now);
                let settled = self.journal.settle_and_claim(Some(settlement), None).await;
                settled.unwrap();
            } else {
                self.events.push((said.event(phone), 0));
                self.take(self.events.len() - 1).await;
            }
        }
        let settled = self.store.apply_waiting_events(self.now).await;
        settled.unwrap();
        let mut others = Vec::new();
        loop {
            self.now += SignedDuration::from_secs(7);
            let found = self.journal.settle_and_claim(None, Some(self.now)).await;
            let Some(Claim::Claimed(next)) = found.unwrap().1 else {
                return (phone, others);
            };
            others.push((next.phone.get(), next.step));
        }
    }
}

fn first_sent(claimed: &Claimed, at: Timestamp) -> Settlement {
    let receipt = Receipt {
        message_id: Some(FIRST.to_owned()),
        contact_id: Some(format!("80{}", claimed.phone.get())),
        ..Receipt::default()
    };
    accepted(claimed, receipt, at)
}

/// What was delivered or read is sent over the channel that it went by, and over no other, though the API called it
/// failed, before or after that, and before its answer was read; and what failed goes on.
#[test]
fn a_message_that_arrived_after_all_stands_on_its_channel_in_every_order_of_what_is_said() {
    use Said::{Answer, Delivered, Failed, Read};
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        for (said, arrived) in [
            (&[Answer, Failed][..], false),
            (&[Answer, Failed, Failed], false),
            (&[Answer, Failed, Delivered], true),
            (&[Answer, Failed, Read], true),
            (&[Answer, Failed, Delivered, Read], true),
        ] {
            for order in orders(said) {
                let mut world = World::new(1).await;
                let (phone, others) = world.hear(&order).await;
                let again = others.iter().filter(|(whose, _)| *whose == phone);
                let again: Vec<Step> = again.map(|(_, step)| *step).collect();
                let mut states = world.states().into_iter();
                let (_, state, step) = states.find(|(whose, ..)| *whose == phone).unwrap();
                if arrived {
                    assert_eq!((state, step), (State::Sent, Step::FIRST), "{order:?}");
                    assert_eq!(again, [], "{order:?}");
                } else {
                    assert_eq!(again, [Step::new(1)], "{order:?}");
                }
                let faults = world.store.reader().unwrap().integrity_faults().unwrap();
                assert!(faults.is_empty(), "{order:?}: {faults:?}");
            }
        }
    });
}

/// A message was sent over the next channel before the first was shown to have arrived: if that one fails too, the first
/// still stands.
#[test]
fn what_arrived_on_the_first_channel_stands_whatever_becomes_of_the_second() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        for late in [false, true] {
            let mut world = World::new(1).await;
            let phone = number(0);
            let order = [Said::Answer, Said::Failed];
            let claimed = world.hear(&order).await;
            assert!(claimed.1.contains(&(phone, Step::new(1))));
            let delivered = Said::Delivered.event(phone);
            world.events.push((delivered, 0));
            let arrives = world.events.len() - 1;
            if !late {
                world.take(arrives).await;
            }
            let recipient = world.recipient(phone);
            let refused = Settlement {
                recipient,
                outcome: AttemptOutcome::NoMessenger,
                event: Event::NoMatch,
                http_status: Some(422),
                text: "HTTP 422: none".to_owned(),
                why: "",
                known: Some(Meaning::NoMessenger),
                by_text: false,
                receipt: None,
                at: world.now,
            };
            let settled = world.journal.settle_and_claim(Some(refused), None).await;
            settled.unwrap();
            if late {
                world.take(arrives).await;
            }
            let mut states = world.states().into_iter();
            let (_, state, step) = states.find(|(whose, ..)| *whose == phone).unwrap();
            assert_eq!((state, step), (State::Sent, Step::FIRST), "{late}");
        }
    });
}
