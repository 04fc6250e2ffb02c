//! Claims and results on the journal alone, with times that are passed in: who is claimed when, and what a result
//! does to its row.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use outreach::internals::amio::Addressee;
use outreach::internals::amio::webhook::Notification;
use outreach::internals::domain::delivery::{Event, State};
use outreach::internals::domain::eligibility::HistorySpan;
use outreach::internals::domain::event::OptOutWords;
use outreach::internals::domain::outcome::{AttemptOutcome, Receipt};
use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::domain::recipient::{Accepted, JudgedRow};
use outreach::internals::store::{
    Claim, ClaimRules, Claimed, Decision, Incoming, Journal, Opening, Settlement, Store,
    StoreError, Window,
};

use serde_json::{Value, json};

use crate::model::accepted;
use crate::support::{accepted_number, load_rows, new_batch, number, queued_row};

pub(crate) const CHANNEL: &str = "7001";

pub(crate) fn at(seconds: i64) -> Timestamp {
    "2026-05-02T08:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

pub(crate) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// A checkpoint in a folder of its own.
pub(crate) struct Scene {
    folder: tempfile::TempDir,
    pub(crate) store: Arc<Store>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        Self {
            folder,
            store: Arc::new(store),
        }
    }

    /// A batch of these people, in row order.
    pub(crate) fn load(&self, name: &str, people: &[u32]) {
        let rows = (2..).zip(people).map(|(row, person)| queued(row, *person));
        self.load_rows(name, rows.collect());
    }

    pub(crate) fn load_rows(&self, name: &str, rows: Vec<JudgedRow>) {
        let new = new_batch(name, CHANNEL, at(0));
        let id = self.store.create_batch(new).unwrap();
        load_rows(&self.store, (id, CHANNEL), rows, at(0));
    }

    /// A run of the batch.
    pub(crate) fn run(&self, batch: &str, window: Option<Arc<Window>>) -> Journal {
        self.run_by(
            batch,
            ClaimRules {
                span: HistorySpan::default(),
                token: 1,
                window,
            },
        )
    }

    /// A run that does not repeat the same message for half a day.
    pub(crate) fn guarded_run(&self, batch: &str) -> Journal {
        let span = HistorySpan {
            repeat_guard: Duration::from_hours(12),
            ..HistorySpan::default()
        };
        self.run_by(
            batch,
            ClaimRules {
                span,
                token: 1,
                window: None,
            },
        )
    }

    fn run_by(&self, batch: &str, rules: ClaimRules) -> Journal {
        let batch = self.store.reader().unwrap().batch(batch).unwrap();
        let started = Journal::start(Arc::clone(&self.store), &batch, rules, at(0));
        wait_for(started).unwrap().0
    }

    /// A webhook event comes.
    fn hear(&self, kind: &str, data: &Value) {
        let body = json!({ "event": kind, "timestamp": at(0).to_string(), "data": data });
        let body = body.to_string();
        let words = OptOutWords::default();
        let incoming = Incoming {
            notification: Notification::parse(body.as_bytes(), &words, at(0)).unwrap(),
            body,
            received_at: at(0),
        };
        wait_for(self.store.take_event(incoming)).unwrap();
    }

    pub(crate) fn states(&self, batch: &str) -> Vec<State> {
        let reader = self.store.reader().unwrap();
        let id = reader.batch(batch).unwrap().id;
        let mut states = Vec::new();
        let read = reader.rows(id, |row| {
            states.push(row.state);
            Ok::<_, StoreError>(())
        });
        read.unwrap();
        states
    }
}

fn queued(row: u32, person: u32) -> JudgedRow {
    queued_with(row, person, None)
}

/// A row whose list names a contact.
fn queued_with(row: u32, person: u32, contact: Option<&str>) -> JudgedRow {
    let phone = PhoneNumber::from_e164(number(person)).unwrap();
    let accepted = Accepted {
        contact_id: contact.map(str::to_owned),
        ..accepted_number(phone, "Hi")
    };
    queued_row(row, accepted)
}

pub(crate) fn try_claim(run: &Journal, now: Timestamp) -> Result<Claim, StoreError> {
    let (_, claim) = wait_for(run.settle_and_claim(None, Some(now)))?;
    Ok(claim.unwrap())
}

#[track_caller]
pub(crate) fn claim(run: &Journal, now: Timestamp) -> Claimed {
    match try_claim(run, now).unwrap() {
        Claim::Claimed(claimed) => *claimed,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn settle(
    run: &Journal,
    claimed: &Claimed,
    end: (AttemptOutcome, Event),
    by_text: bool,
) {
    settle_with(run, claimed, end, by_text, "said so");
}

pub(crate) fn settle_with(
    run: &Journal,
    claimed: &Claimed,
    (outcome, event): (AttemptOutcome, Event),
    by_text: bool,
    text: &str,
) {
    let settlement = Settlement {
        recipient: claimed.recipient,
        outcome,
        event,
        http_status: None,
        text: text.to_owned(),
        why: "",
        known: None,
        by_text,
        receipt: None,
        at: at(1),
    };
    wait_for(run.settle_and_claim(Some(settlement), None)).unwrap();
}

/// A row as it stands: its state, the requests that count, and why.
type Stands = (State, u32, Option<String>, Option<String>);

fn stands(scene: &Scene, batch: &str) -> Stands {
    let reader = scene.store.reader().unwrap();
    let id = reader.batch(batch).unwrap().id;
    let mut found = None;
    let read = reader.rows(id, |row| {
        let words = |text: Option<&str>| text.map(str::to_owned);
        found = Some((
            row.state,
            row.attempts,
            words(row.reason_code),
            words(row.reason),
        ));
        Ok::<_, StoreError>(())
    });
    read.unwrap();
    found.unwrap()
}

const LOST: (AttemptOutcome, Event) = (AttemptOutcome::Undecided, Event::AnswerLost);

#[test]
fn an_answer_that_says_not_sent_says_nothing_of_an_earlier_request_that_may_have_arrived() {
    let limited = (AttemptOutcome::Limited, Event::Released);
    let not_sent = (AttemptOutcome::NotSent, Event::Released);
    for (is_lost_before, end, by_text, wanted) in [
        (true, limited, true, State::Unknown),
        (false, limited, true, State::Queued),
        // No connection: nothing of this request left, and the person decided to send again.
        (true, not_sent, false, State::Queued),
        (false, not_sent, false, State::Queued),
    ] {
        let scene = Scene::new();
        scene.load("spring", &[1]);
        let run = scene.run("spring", None);
        let mut claimed = claim(&run, at(0));
        if is_lost_before {
            settle(&run, &claimed, LOST, false);
            let rows = vec![claimed.recipient];
            let decided = scene
                .store
                .decide(rows, Decision::Resend, "jana".to_owned(), at(1));
            assert_eq!(decided.unwrap(), 1);
            claimed = claim(&run, at(2));
        }
        settle(&run, &claimed, end, by_text);
        let case = (is_lost_before, by_text);
        assert_eq!(scene.states("spring"), [wanted], "{case:?}");
    }
}

#[test]
fn who_waited_for_hours_in_one_run_is_judged_anew_by_the_next() {
    let scene = Scene::new();
    scene.load("spring", &[1]);
    for opening in [
        Opening::At(at(36_000)),
        Opening::NotInThisRun,
        Opening::Never,
    ] {
        let run = scene.run("spring", Some(Arc::new(move |_, _| opening)));
        let found = try_claim(&run, at(0)).unwrap();
        assert!(matches!(found, Claim::Exhausted { .. }), "{found:?}");
        // Its hours are others.
        let next = scene.run("spring", None);
        let claimed = claim(&next, at(1));
        settle(
            &next,
            &claimed,
            (AttemptOutcome::NotSent, Event::Released),
            false,
        );
    }
}

#[test]
fn who_waits_for_another_batch_is_claimed_by_the_same_run_once_that_has_its_answer() {
    let scene = Scene::new();
    scene.load("spring", &[1]);
    scene.load("summer", &[1]);
    let (spring, summer) = (scene.guarded_run("spring"), scene.guarded_run("summer"));
    let claimed = claim(&spring, at(0));
    let Claim::OthersSpent(1) = try_claim(&summer, at(0)).unwrap() else {
        panic!("a request of another batch with the token is told, once");
    };
    let Claim::Exhausted {
        opens_at: Some(again),
    } = try_claim(&summer, at(0)).unwrap()
    else {
        panic!("it waits, and is looked at again");
    };
    settle(
        &spring,
        &claimed,
        (AttemptOutcome::Rejected, Event::Refused),
        false,
    );
    claim(&summer, again);
}

/// Intake finds duplicates; where two rows of a person are queued all the same, one of them is sent to.
#[test]
fn a_person_with_two_rows_gets_the_message_of_a_batch_once() {
    let scene = Scene::new();
    scene.load("spring", &[1, 2, 1]);
    let run = scene.run("spring", None);
    let (first, other) = (claim(&run, at(0)), claim(&run, at(0)));
    let found = try_claim(&run, at(0)).unwrap();
    let waits = matches!(found, Claim::Exhausted { opens_at: Some(_) });
    assert!(waits, "the answer decides: {found:?}");
    for claimed in [&first, &other] {
        settle(
            &run,
            claimed,
            (AttemptOutcome::Sent, Event::Accepted),
            false,
        );
    }
    let found = try_claim(&run, at(60)).unwrap();
    assert!(
        matches!(found, Claim::Exhausted { opens_at: None }),
        "{found:?}"
    );
    assert_eq!(
        scene.states("spring"),
        [State::Sent, State::Sent, State::Suppressed]
    );
}

#[test]
fn a_queued_row_that_cannot_be_read_is_damage_and_no_end() {
    let scene = Scene::new();
    scene.load("spring", &[1]);
    let run = scene.run("spring", None);
    let path = scene.folder.path().join("outreach.db");
    let damage = rusqlite::Connection::open(path).unwrap();
    damage
        .execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM recipient_input")
        .unwrap();
    let found = try_claim(&run, at(0));
    assert!(
        matches!(found, Err(StoreError::Corrupt { .. })),
        "{found:?}"
    );
}

/// Each claim reads whether a person paused the batch, or whether somebody must approve it: by whatever process.
#[test]
fn what_keeps_a_batch_from_being_sent_is_told_to_its_next_claim() {
    let scene = Scene::new();
    scene.load("spring", &[1, 2, 3]);
    scene.load("summer", &[4]);
    let (run, other) = (scene.run("spring", None), scene.run("summer", None));
    claim(&run, at(0));
    let path = scene.folder.path().join("outreach.db");
    let elsewhere = rusqlite::Connection::open(path).unwrap();
    let paused = |run: &Journal, change: &str| {
        elsewhere.execute_batch(change).unwrap();
        match try_claim(run, at(0)).unwrap() {
            Claim::Paused(by) => Some(by.to_string()),
            Claim::Claimed(_) | Claim::OthersSpent(_) => None,
            found => panic!("{found:?}"),
        }
    };
    let spring = "WHERE name = 'spring'";
    let by = |who: &str| format!("UPDATE batch SET state = 'paused', state_by = '{who}' {spring}");
    let person = Some("Eva paused it on the console".to_owned());
    assert_eq!(paused(&run, &by("person:Eva")), person);
    assert_eq!(paused(&other, ""), None, "another batch");
    let going_on = format!("UPDATE batch SET state = 'running', state_by = NULL {spring}");
    assert_eq!(paused(&run, &going_on), None);
    let required = "INSERT INTO node (key, value) VALUES ('require-approval', 1)";
    let approval = Some("a second person must approve it on the console".to_owned());
    assert_eq!(paused(&run, required), approval);
    let of_earlier = "UPDATE batch SET approval = json_object('digest', 'ff', 'by', 'Jan')";
    assert_eq!(paused(&run, of_earlier), approval, "of what it was before");
    let approved = "UPDATE batch SET approval = json_object('digest', hex(digest), 'by', 'Jan')";
    assert_eq!(paused(&run, approved), None);
}

#[test]
fn an_answer_that_was_given_up_settles_its_row_when_it_comes_after_all() {
    let words = |text: &str| Some(text.to_owned());
    for (end, text, wanted) in [
        (
            (AttemptOutcome::Rejected, Event::Refused),
            "no",
            (State::Error, 1, words("rejected"), words("no")),
        ),
        (
            (AttemptOutcome::Sent, Event::Accepted),
            "",
            (State::Sent, 1, None, None),
        ),
        (
            (AttemptOutcome::NotSent, Event::Released),
            "no way",
            (State::Queued, 1, None, None),
        ),
        (LOST, "", (State::Unknown, 1, words("undecided"), None)),
        (
            LOST,
            "cut off",
            (State::Unknown, 1, words("undecided"), words("cut off")),
        ),
    ] {
        let scene = Scene::new();
        scene.load("spring", &[1]);
        let run = scene.run("spring", None);
        let claimed = claim(&run, at(0));
        assert_eq!(wait_for(run.interrupt(at(1))).unwrap(), 1);
        assert_eq!(stands(&scene, "spring").0, State::Unknown);
        settle_with(&run, &claimed, end, false, text);
        assert_eq!(stands(&scene, "spring"), wanted, "{end:?}");
        if wanted.0 == State::Queued {
            // Nothing of it left: a later answer that says so is believed.
            let claimed = claim(&run, at(2));
            settle(
                &run,
                &claimed,
                (AttemptOutcome::Limited, Event::Released),
                true,
            );
            assert_eq!(stands(&scene, "spring").0, State::Queued);
        }
    }
}

/// Whose contact it is, nobody knows: the list alone names it.
#[test]
fn a_contact_of_the_list_that_opts_out_before_its_turn_is_not_addressed() {
    let scene = Scene::new();
    scene.load_rows(
        "spring",
        vec![
            queued_with(2, 1, Some("4711")),
            queued_with(3, 2, Some("4712")),
        ],
    );
    let run = scene.run("spring", None);
    scene.hear(
        "message_received",
        &json!({
            "id": "9001", "channel": { "id": CHANNEL }, "contact": { "id": "4711" },
            "content": { "type": "text", "payload": "STOP" },
        }),
    );
    let claimed = claim(&run, at(1));
    assert_eq!(claimed.phone.get(), number(2));
    assert_eq!(scene.states("spring"), [State::Suppressed, State::Sending]);
}

#[test]
fn a_contact_of_the_list_that_turns_out_to_be_another_persons_is_not_addressed() {
    let scene = Scene::new();
    scene.load_rows(
        "spring",
        vec![
            queued_with(2, 1, Some("4711")),
            queued_with(3, 2, Some("4712")),
        ],
    );
    let run = scene.run("spring", None);
    scene.hear(
        "opt_in",
        &json!({
            "channel": { "id": CHANNEL },
            "contact": { "id": "4711", "phone_number": number(9).to_string() },
            "opt_in": { "type": "phone_number" },
        }),
    );
    let first = claim(&run, at(1)).addressee;
    assert!(matches!(first, Addressee::Phone { .. }), "{first:?}");
    let second = claim(&run, at(1)).addressee;
    assert_eq!(second, Addressee::ContactId("4712".to_owned()));
}

#[test]
fn an_answer_that_names_another_number_is_told_in_its_own_row_alone() {
    let scene = Scene::new();
    scene.load("spring", &[1, 2]);
    scene.load("summer", &[3]);
    let run = scene.run("spring", None);
    let claimed = claim(&run, at(0));
    let other = PhoneNumber::from_e164(number(9)).unwrap();
    let receipt = Receipt {
        message_id: Some("9001".to_owned()),
        contact_id: Some("4711".to_owned()),
        number: Some(other),
        ..Receipt::default()
    };
    let settlement = accepted(&claimed, receipt, at(1));
    wait_for(run.settle_and_claim(Some(settlement), None)).unwrap();
    let mut told = Vec::new();
    let reader = scene.store.reader().unwrap();
    for batch in ["spring", "summer"] {
        let id = reader.batch(batch).unwrap().id;
        let read = reader.rows(id, |row| {
            told.push((
                row.state,
                row.reason_code.map(str::to_owned),
                row.reason.map(str::to_owned),
            ));
            Ok::<_, StoreError>(())
        });
        read.unwrap();
    }
    let (state, code, reason) = told.remove(0);
    assert_eq!(
        (state, code.as_deref()),
        (State::Sent, Some("other_number"))
    );
    let reason = reason.unwrap();
    assert!(reason.contains(&other.e164()), "{reason}");
    let nothing = (State::Queued, None, None);
    assert_eq!(told, [nothing.clone(), nothing]);
}
