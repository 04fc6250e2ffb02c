//! A follow-up, and opt-ins, deliveries, opt-outs, lost answers and crashes in any order and doubled: nobody gets it
//! twice, before the event and its delay, after its end, or after an opt-out.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use outreach::internals::amio::webhook::Notification;
use outreach::internals::domain::delivery::{Event, State};
use outreach::internals::domain::eligibility::HistorySpan;
use outreach::internals::domain::event::OptOutWords;
use outreach::internals::domain::fallback::{Fallback, OtherChannel};
use outreach::internals::domain::follow_up::{FollowUp, Trigger};
use outreach::internals::domain::outcome::{AttemptOutcome, Receipt};
use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::domain::recipient::JudgedRow;
use outreach::internals::store::{
    Batch, Claim, Claimed, Incoming, Journal, Settlement, Store, StoreError,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    CHANNEL, Random, accepted_number, new_batch, number, queued_row, start_journal,
};

const SMS: &str = "7003";
const PEOPLE: u32 = 5;
const DELAY: SignedDuration = SignedDuration::from_hours(1);
const EXPIRES: SignedDuration = SignedDuration::from_hours(6);
const OPEN: SignedDuration = SignedDuration::from_hours(30);

/// What the test knows of a person.
#[derive(Debug, Default)]
struct Known {
    /// When the first copy of the event was received that queues the person.
    came: Option<Timestamp>,
    stopped: bool,
    /// Requests of the follow-up, and whether each may stand.
    requests: Vec<bool>,
}

struct World {
    store: Arc<Store>,
    after: Trigger,
    first: Batch,
    follow_up: Batch,
    journals: [Journal; 2],
    _folder: tempfile::TempDir,
    random: Random,
    now: Timestamp,
    people: BTreeMap<u64, Known>,
    /// Messages of the first batch, with their people.
    messages: Vec<(u64, String)>,
    under_way: Vec<(usize, Claimed)>,
    /// Events that were received, for their copies.
    received: Vec<Value>,
    sent: u64,
}

fn begin() -> Timestamp {
    "2026-05-02T08:00:00Z".parse().unwrap()
}

fn row(index: u32, text: &str) -> JudgedRow {
    let phone = PhoneNumber::from_e164(number(index)).unwrap();
    queued_row(index + 2, accepted_number(phone, text))
}

fn load(store: &Store, name: &str, follow: Option<(&str, Trigger, bool)>) -> Batch {
    let id = store
        .create_batch(new_batch(name, CHANNEL, begin()))
        .unwrap();
    if let Some((of, after, falls_back)) = follow {
        let follow_up = FollowUp {
            of: of.to_owned(),
            after,
            delay: DELAY.unsigned_abs(),
            expires: Some(EXPIRES.unsigned_abs()),
            open_until: begin() + OPEN,
        };
        store.keep_follow_up(id, &follow_up).unwrap();
        let fallback = Fallback {
            channels: vec![OtherChannel {
                id: SMS.to_owned(),
                message: None,
            }],
            on_channel: false,
            at_most: 1_000,
        };
        if falls_back {
            store.keep_fallback(id, &fallback).unwrap();
        }
    }
    let loader = store.loader(id, CHANNEL, begin());
    let mut loader = loader.awaiting(follow.map(|(_, after, _)| after));
    for index in 0..PEOPLE {
        loader.push(row(index, name), |_| String::new()).unwrap();
    }
    loader.finish().unwrap();
    store.reader().unwrap().batch(name).unwrap()
}

async fn journal(store: &Arc<Store>, batch: &Batch, now: Timestamp) -> Journal {
    start_journal(store, batch, HistorySpan::default(), now).await
}

impl World {
    async fn new(seed: u64, after: Trigger, falls_back: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outreach.db");
        let (store, first, follow_up) = tokio::task::spawn_blocking(move || {
            let store = Arc::new(Store::open(&path).unwrap());
            let first = load(&store, "first", None);
            let follow = (first.uid.as_str(), after, falls_back);
            let follow_up = load(&store, "thanks", Some(follow));
            (store, first, follow_up)
        })
        .await
        .unwrap();
        // A draft takes no events.
        for batch in [&first, &follow_up] {
            store.begin_run(batch.id, 1, begin()).await.unwrap();
        }
        let journals = [
            journal(&store, &first, begin()).await,
            journal(&store, &follow_up, begin()).await,
        ];
        let people = (0..PEOPLE).map(|index| (number(index), Known::default()));
        Self {
            store,
            after,
            first,
            follow_up,
            journals,
            _folder: folder,
            random: Random::new(seed),
            now: begin(),
            people: people.collect(),
            messages: Vec::new(),
            under_way: Vec::new(),
            received: Vec::new(),
            sent: 0,
        }
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.between(1, 100) <= percent
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.random.between(0, length as u64 - 1)).unwrap()
    }

    async fn step(&mut self) {
        self.now += SignedDuration::from_secs(20);
        match self.random.between(1, 14) {
            1..=3 => {
                self.claim(0).await;
            }
            4..=7 => {
                self.claim(1).await;
            }
            8..=9 if !self.under_way.is_empty() => {
                let index = self.index(self.under_way.len());
                self.answer(index).await;
            }
            10..=11 => self.happens().await,
            12 if !self.received.is_empty() => {
                let index = self.index(self.received.len());
                let copy = self.received[index].clone();
                self.take(&copy).await;
            }
            13 => self.crash().await,
            _ => self.now += SignedDuration::from_mins(40),
        }
    }

    /// Claims for one of the batches; false if nobody is left for now.
    async fn claim(&mut self, batch: usize) -> bool {
        let found = self.journals[batch].settle_and_claim(None, Some(self.now));
        let Some(Claim::Claimed(claimed)) = found.await.unwrap().1 else {
            return false;
        };
        if batch == 1 {
            let now = self.now;
            let known = self.people.get_mut(&claimed.phone.get()).unwrap();
            let came = known.came.expect("nobody is queued without an event");
            assert!(!known.stopped, "after an opt-out");
            assert!(now >= came + DELAY, "before its delay");
            let by_messenger = claimed.step.get() == 0;
            assert!(!by_messenger || now <= came + EXPIRES, "after its end");
            assert!(
                known.requests.iter().all(|stands| !stands),
                "twice: {known:?}"
            );
            known.requests.push(true);
        }
        self.under_way.push((batch, *claimed));
        true
    }

    async fn answer(&mut self, index: usize) {
        let (batch, claimed) = self.under_way.swap_remove(index);
        self.sent += 1;
        let (id, phone) = (format!("9{:012}", self.sent), claimed.phone.get());
        let (outcome, event) = match self.random.between(1, 10) {
            1 => (AttemptOutcome::Undecided, Event::AnswerLost),
            2 => (AttemptOutcome::Throttled, Event::Released),
            _ => (AttemptOutcome::Sent, Event::Accepted),
        };
        if batch == 0 && outcome == AttemptOutcome::Sent {
            self.messages.push((phone, id.clone()));
        }
        if batch == 1 && outcome == AttemptOutcome::Throttled {
            *self
                .people
                .get_mut(&phone)
                .unwrap()
                .requests
                .last_mut()
                .unwrap() = false;
        }
        let settlement = Settlement {
            recipient: claimed.recipient,
            outcome,
            event,
            http_status: Some(201),
            text: String::new(),
            why: "",
            known: None,
            by_text: false,
            receipt: (outcome == AttemptOutcome::Sent).then(|| Receipt {
                message_id: Some(id),
                contact_id: Some(format!("8{phone}")),
                ..Receipt::default()
            }),
            at: self.now,
        };
        let settled = self.journals[batch].settle_and_claim(Some(settlement), None);
        settled.await.unwrap();
    }

    /// Something happens to a person.
    async fn happens(&mut self) {
        let index = u32::try_from(self.random.between(0, u64::from(PEOPLE) - 1)).unwrap();
        let (phone, now, stops) = (number(index), self.now, self.chance(40));
        let event = |name: &str, more: Value| {
            let mut data = json!({
                "channel": { "id": CHANNEL, "type": "facebook_messenger" },
                "contact": { "id": format!("8{phone}"), "phone_number": phone.to_string() },
            });
            data.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            json!({ "event": name, "timestamp": now.to_string(), "data": data })
        };
        let message = self.messages.iter().find(|(of, _)| *of == phone);
        let event = match (self.random.between(1, 10), message) {
            (1..=5, _) => event("opt_in", json!({ "opt_in": { "type": "phone_number" } })),
            (6..=9, Some((_, id))) => {
                event("messages_delivered", json!({ "messages": [{ "id": id }] }))
            }
            (10, _) if stops => {
                let content = json!({ "type": "text", "payload": "STOP" });
                event(
                    "message_received",
                    json!({ "id": now.to_string(), "content": content }),
                )
            }
            _ => return,
        };
        self.take(&event).await;
        self.received.push(event);
    }

    async fn take(&mut self, event: &Value) {
        let body = event.to_string();
        let words = OptOutWords::default();
        let notification = Notification::parse(body.as_bytes(), &words, self.now).unwrap();
        let incoming = Incoming {
            notification,
            body,
            received_at: self.now,
        };
        self.store.take_event(incoming).await.unwrap();
        let phone: u64 = event["data"]["contact"]["phone_number"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let known = self.people.get_mut(&phone).unwrap();
        let queues = match self.after {
            Trigger::OptIn => event["event"] == "opt_in",
            Trigger::Delivered => event["event"] == "messages_delivered",
        };
        if queues && self.now < begin() + OPEN {
            known.came.get_or_insert(self.now);
        }
        known.stopped |= event["event"] == "message_received";
    }

    /// The processes die, and others take the batches up.
    async fn crash(&mut self) {
        self.under_way.clear();
        self.journals = [
            journal(&self.store, &self.first, self.now).await,
            journal(&self.store, &self.follow_up, self.now).await,
        ];
    }

    /// The follow-up is sent to its end.
    async fn finish(&mut self) {
        for _ in 0..10 {
            self.now += SignedDuration::from_mins(10);
            while self.claim(1).await {}
            while !self.under_way.is_empty() {
                self.answer(0).await;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_follow_up_comes_once_after_its_event_and_in_time(
        seed in any::<u64>(),
        (by_delivery, falls_back) in any::<(bool, bool)>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let after = if by_delivery { Trigger::Delivered } else { Trigger::OptIn };
            let mut world = World::new(seed, after, falls_back).await;
            for _ in 0..90 {
                world.step().await;
            }
            world.finish().await;
            let reader = world.store.reader().unwrap();
            let faults = reader.integrity_faults().unwrap();
            assert!(faults.is_empty(), "{faults:?}");
            let mut rows = Vec::new();
            reader.rows(world.follow_up.id, |row| {
                rows.push((row.phone.unwrap().get(), row.state, row.reason_code.map(str::to_owned)));
                Ok::<_, StoreError>(())
            }).unwrap();
            for (phone, state, code) in rows {
                let known = &world.people[&phone];
                let code = code.as_deref();
                match state {
                    State::Queued if known.came.is_none() => assert_eq!(code, Some("awaits_event")),
                    // Its delay is not over.
                    State::Queued => assert!(world.now < known.came.unwrap() + DELAY, "{known:?}"),
                    State::Sent | State::Unknown => assert!(!known.requests.is_empty()),
                    State::Suppressed if code == Some("window_closed") => assert!(!falls_back),
                    State::Suppressed => assert!(known.stopped, "{known:?} {code:?}"),
                    State::NoMessenger | State::Error | State::Sending | State::Invalid
                    | State::Duplicate => panic!("{state}: {known:?}"),
                }
            }
        });
    }
}
