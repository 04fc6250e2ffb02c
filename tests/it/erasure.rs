//! Whoever is erased is gone from every table, whatever tells of them, and nobody else loses anything.

use std::collections::{BTreeMap, BTreeSet};

use outreach::internals::amio::webhook::Notification;
use outreach::internals::domain::content::Rendered;
use outreach::internals::domain::delivery::State;
use outreach::internals::domain::event::OptOutWords;
use outreach::internals::domain::outcome::Receipt;
use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::domain::recipient::{
    Accepted, JudgedRow, Position, RowNumber, RowProblem, Suppression, Verdict,
};
use outreach::internals::store::{Incoming, Journal};
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};

use crate::claims::{CHANNEL, Scene, at, claim, wait_for};
use crate::model::accepted;
use crate::support::number;

/// Ann is erased. Bob has all that she has; the answer to Eve named Ann's number, and that to Zoe named Bob's.
const ANN: u32 = 1;
const BOB: u32 = 2;
const EVE: u32 = 3;
const ZOE: u32 = 4;

/// A channel that nobody was messaged on.
const OTHER_CHANNEL: &str = "7002";

fn phone(person: u32) -> PhoneNumber {
    PhoneNumber::from_e164(number(person)).unwrap()
}

/// An id of something that belongs to a person; no other figure looks like it.
fn id_of(kind: u32, person: u32) -> String {
    format!("{kind}0770770{person}")
}

const MESSAGE: u32 = 9001;
const CONTACT: u32 = 4711;
const OF_LIST: u32 = 4722;

/// What stands in a checkpoint only where it tells of the person.
fn words_of(person: u32) -> Vec<String> {
    let mut words = vec![number(person).to_string(), format!("Name{person}x")];
    for kind in [MESSAGE, CONTACT, OF_LIST] {
        words.push(id_of(kind, person));
    }
    words
}

fn row(at: u32, person: u32, verdict: Verdict) -> JudgedRow {
    JudgedRow {
        position: Position {
            file: 0,
            row: RowNumber::new(at).unwrap(),
        },
        mends: None,
        record: [phone(person).e164(), format!("Name{person}x")]
            .iter()
            .collect(),
        typed: phone(person).e164(),
        verdict,
    }
}

fn queued(at: u32, person: u32) -> JudgedRow {
    let name = format!("Name{person}x");
    let accepted = Accepted {
        phone: phone(person),
        mended: None,
        first_name: Some(name.clone()),
        last_name: Some(name.clone()),
        contact_id: Some(id_of(OF_LIST, person)),
        content: Some(Rendered {
            content: json!({ "type": "text", "payload": format!("Hi {name}") }).to_string(),
            metadata: json!({ "crm": name }).to_string(),
        }),
    };
    row(at, person, Verdict::Queued(accepted))
}

fn invalid(at: u32, person: u32) -> JudgedRow {
    let name = format!("Name{person}x");
    let verdict = Verdict::Invalid {
        problem: RowProblem::Content {
            message: format!("no city for {name}"),
        },
        suggestion: Some(phone(person).e164()),
        phone: Some(phone(person)),
    };
    row(at, person, verdict)
}

/// The request to a person is accepted; its answer names this contact, and perhaps another number.
fn answer(run: &Journal, person: u32, contact: &str, named: Option<u32>) {
    let claimed = claim(run, at(0));
    assert_eq!(claimed.phone, phone(person));
    let receipt = Receipt {
        message_id: Some(id_of(MESSAGE, person)),
        contact_id: Some(contact.to_owned()),
        number: named.map(phone),
        ..Receipt::default()
    };
    let settlement = accepted(&claimed, receipt, at(1));
    wait_for(run.settle_and_claim(Some(settlement), None)).unwrap();
}

fn hear(scene: &Scene, channel: &str, kind: &str, mut data: Value) {
    data["channel"] = json!({ "id": channel, "type": "facebook_messenger" });
    let body = json!({ "event": kind, "timestamp": at(30).to_string(), "data": data }).to_string();
    let words = OptOutWords::default();
    let incoming = Incoming {
        notification: Notification::parse(body.as_bytes(), &words, at(40)).unwrap(),
        body,
        received_at: at(40),
    };
    wait_for(scene.store.take_event(incoming)).unwrap();
}

/// All that a checkpoint may know of a person who got a message.
fn hear_of(scene: &Scene, person: u32) {
    let contact = json!({ "id": id_of(CONTACT, person) });
    let number = number(person).to_string();
    let both = json!({ "id": id_of(CONTACT, person), "phone_number": number });
    let message = |id: String| json!([{ "id": id }]);
    let (opted, read_at) = (json!({ "type": "phone_number" }), at(20).to_string());
    hear(
        scene,
        CHANNEL,
        "opt_in",
        json!({ "contact": both, "opt_in": opted }),
    );
    let read = json!({ "contact": contact, "last_read_timestamp": read_at });
    hear(scene, CHANNEL, "messages_read", read);
    let says = json!({ "contact": contact, "id": id_of(5001, person),
                       "content": { "type": "text", "payload": "Hello" } });
    hear(scene, CHANNEL, "message_received", says);
    // These wait: by the contact, by the number, and by the message alone.
    let by_contact = json!({ "contact": contact, "messages": message(id_of(6001, person)) });
    hear(scene, CHANNEL, "messages_delivered", by_contact);
    let by_number =
        json!({ "contact": { "phone_number": number }, "messages": message(id_of(6002, person)) });
    hear(scene, OTHER_CHANNEL, "messages_delivered", by_number);
    let by_message = json!({ "contact": { "id": id_of(4799, person) }, "messages": message(id_of(MESSAGE, person)) });
    hear(scene, OTHER_CHANNEL, "messages_delivered", by_message);
    // These cannot be read, and are kept as they came.
    for named in [json!(format!("call +{number}")), contact] {
        let data = json!({ "contact": named, "id": id_of(5002, person), "content": 5 });
        hear(scene, CHANNEL, "message_received", data);
    }
}

/// What the API answered, and what proved a request later, may name the person.
fn name_in_texts(scene: &Scene, person: u32) {
    let file = rusqlite::Connection::open(scene.store.path()).unwrap();
    let number = i64::try_from(number(person)).unwrap();
    let changed = file.execute(
        "UPDATE attempt SET text = ?2, proof_text = ?2
         WHERE person = (SELECT person FROM person_by_number WHERE number = ?1)",
        (number, format!("Name{person}x is no user")),
    );
    assert_eq!(changed.unwrap(), 1);
}

/// How many readings are noted for contacts of the person.
fn readings(scene: &Scene, person: i64) -> usize {
    let others = format!("contact NOT IN (SELECT id FROM contact WHERE person = {person})");
    rows_of(scene, "contact_read", &others).len()
}

/// Rows of a table as text, by their ids, as they are or as those are that belong to nobody of these people.
fn rows_of(scene: &Scene, table: &str, but: &str) -> BTreeMap<i64, String> {
    let file = rusqlite::Connection::open(scene.store.path()).unwrap();
    let sql = format!("SELECT rowid, * FROM {table} WHERE NOT coalesce({but}, 0) ORDER BY rowid");
    let mut select = file.prepare(&sql).unwrap();
    let columns = select.column_count();
    let rows = select.query_map([], |row| {
        let cells: Result<Vec<Cell>, _> = (1..columns).map(|at| row.get(at)).collect();
        let text = cells?.into_iter().map(|cell| match cell {
            Cell::Null => "-".to_owned(),
            Cell::Integer(it) => it.to_string(),
            Cell::Real(it) => it.to_string(),
            Cell::Text(it) => it,
            Cell::Blob(it) => String::from_utf8_lossy(&it).into_owned(),
        });
        Ok((row.get(0)?, text.collect::<Vec<_>>().join(" | ")))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Every table that tells of people, and what is a person's there.
fn tables(person: i64) -> [(&'static str, String); 7] {
    [
        ("person", format!("id = {person}")),
        ("person_by_number", format!("person = {person}")),
        ("contact", format!("person = {person}")),
        (
            "contact_read",
            format!("contact IN (SELECT id FROM contact WHERE person = {person})"),
        ),
        ("attempt", format!("person = {person}")),
        ("recipient", format!("person = {person}")),
        (
            "recipient_input",
            format!("id IN (SELECT id FROM recipient WHERE person = {person})"),
        ),
    ]
}

/// What the checkpoint holds of all but this person, without the reasons of rows that the answer to somebody else
/// named.
fn of_others(scene: &Scene, person: i64) -> Vec<BTreeMap<i64, String>> {
    let told = |(table, own): (&'static str, String)| {
        let or_named = match table {
            "recipient" => format!("({own} OR reason_code = 'other_number')"),
            _ => own,
        };
        rows_of(scene, table, &or_named)
    };
    tables(person).map(told).into()
}

/// The reasons of the rows whose answers named another number.
fn named(scene: &Scene) -> Vec<String> {
    let file = rusqlite::Connection::open(scene.store.path()).unwrap();
    let sql = "SELECT reason FROM recipient WHERE reason_code = 'other_number' ORDER BY id";
    let mut select = file.prepare(sql).unwrap();
    let reasons = select.query_map([], |row| row.get(0)).unwrap();
    reasons.map(Result::unwrap).collect()
}

fn holds(row: &str, person: u32) -> bool {
    words_of(person).iter().any(|word| row.contains(word))
}

/// Ids of the events that name the person.
fn events_of(scene: &Scene, person: u32) -> BTreeSet<i64> {
    let events = rows_of(scene, "event", "0").into_iter();
    let named = events.filter(|(_, row)| holds(row, person));
    named.map(|(id, _)| id).collect()
}

#[test]
fn whatever_tells_of_an_erased_person_goes_and_nothing_that_tells_of_others() {
    let scene = Scene::new();
    let spring = (2..).zip([ANN, BOB, EVE, ZOE]);
    let mut rows: Vec<JudgedRow> = spring.map(|(at, person)| queued(at, person)).collect();
    rows.extend([invalid(6, ANN), invalid(7, BOB)]);
    scene.load_rows("spring", rows);
    scene.load_rows("summer", vec![queued(2, ANN), queued(3, BOB)]);
    let run = scene.run("spring", None);
    answer(&run, ANN, &id_of(CONTACT, ANN), None);
    answer(&run, BOB, &id_of(CONTACT, BOB), None);
    answer(&run, EVE, &id_of(CONTACT, EVE), Some(ANN));
    answer(&run, ZOE, &id_of(CONTACT, ZOE), Some(BOB));
    drop(run);
    for person in [ANN, BOB] {
        hear_of(&scene, person);
        name_in_texts(&scene, person);
    }
    // The same id on another channel is another contact.
    let stranger =
        json!({ "contact": { "id": id_of(CONTACT, ANN) }, "messages": [{ "id": id_of(6003, 9) }] });
    hear(&scene, OTHER_CHANNEL, "messages_delivered", stranger);
    let stranger: BTreeSet<i64> = rows_of(&scene, "event", "0")
        .into_iter()
        .filter(|(_, row)| row.contains(&id_of(6003, 9)))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(stranger.len(), 1);

    let ids = rows_of(&scene, "person_by_number", "0").into_iter();
    let ids: BTreeMap<u64, i64> = ids
        .map(|(number, row)| {
            let (_, person) = row.split_once(" | ").unwrap();
            (u64::try_from(number).unwrap(), person.parse().unwrap())
        })
        .collect();
    let reader = || scene.store.reader().unwrap();
    for (who, next) in [(ANN, Some(BOB)), (BOB, None)] {
        let person = ids[&number(who)];
        let (before, reasons) = (of_others(&scene, person), named(&scene));
        let (mine, events) = (events_of(&scene, who), rows_of(&scene, "event", "0"));
        assert_eq!(mine.difference(&stranger).count(), 5, "{events:?}");
        assert_eq!(readings(&scene, person), 1);
        let erased = scene.store.forget(phone(who), at(60)).unwrap();
        assert_eq!((erased.rows, erased.dequeued, erased.attempts), (3, 1, 1));
        assert_eq!(
            (erased.messages, erased.events, erased.listed),
            (1, 5, false)
        );

        assert_eq!(of_others(&scene, person), before, "person {who}");
        assert_eq!(readings(&scene, person), 0);
        let left = rows_of(&scene, "event", "0");
        for (id, row) in events {
            let goes = mine.contains(&id) && !stranger.contains(&id);
            assert_eq!(left.get(&id), (!goes).then_some(&row), "event {id}");
        }
        let (gone, told) = match next {
            Some(_) => (0, 1),
            None => (1, 0),
        };
        assert!(!named(&scene)[gone].contains("420"), "{:?}", named(&scene));
        assert_eq!(named(&scene)[told], reasons[told]);
        for (table, _) in tables(person) {
            for row in rows_of(&scene, table, "0").into_values() {
                assert!(!holds(&row, who), "{table}: {row}");
            }
        }
        let why = reader().suppression_of(phone(who)).unwrap();
        assert_eq!(why, Some(Suppression::Forgotten));
        assert_eq!(
            scene.states("summer")[usize::from(who == BOB)],
            State::Suppressed
        );
        if let Some(next) = next {
            assert_eq!(reader().suppression_of(phone(next)).unwrap(), None);
            assert_eq!(scene.states("summer")[1], State::Queued);
        }
        assert!(reader().integrity_faults().unwrap().is_empty());
    }
    // Whoever was erased first still is.
    let why = reader().suppression_of(phone(ANN)).unwrap();
    assert_eq!(why, Some(Suppression::Forgotten));
}
