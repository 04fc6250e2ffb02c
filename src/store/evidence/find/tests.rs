use jiff::Timestamp;

use super::*;
use crate::domain::event::{ContactEvent, EventKind};
use crate::store::checkpoint::Store;
use crate::store::ids::ChannelId;

/// Three batches of a checkpoint that an older program began, and two people.
const CHECKPOINT: &str = "
    UPDATE checkpoint SET uid = x'c0', created_at = 1000;
    INSERT INTO channel (id, api_id) VALUES (1, '7001'), (2, '7002');
    INSERT INTO batch (id, uid, name, state, state_since, digest, definition, headers, files, channel, sandbox,
                       created_at, started_at)
        VALUES (1, x'01', 'spring', 'running', 0, x'01', '{}', '[]', '[]', 1, 0, 0, 500),
               (2, x'02', 'summer', 'running', 0, x'02', '{}', '[]', '[]', 1, 0, 0, 1000),
               (3, x'03', 'autumn', 'running', 0, x'03', '{}', '[]', '[]', 1, 0, 0, 1500);
    INSERT INTO person (id, number) VALUES (1, 420777000001), (2, 420777000002);
    INSERT INTO person_by_number (number, person) SELECT number, id FROM person;
    INSERT INTO recipient (id, person, state) VALUES ((1 << 32) + 1, 1, 'unknown'), ((2 << 32) + 1, 1, 'sent'),
                                                     ((2 << 32) + 2, 2, 'sent');";

fn number(person: u64) -> Option<PhoneNumber> {
    PhoneNumber::from_e164(420_777_000_000 + person)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// What is found after these statements for an event on the first channel that names this number, at that time.
fn found<T: Send + 'static>(
    statements: &str,
    (phone, when): (Option<PhoneNumber>, Timestamp),
    find: impl Fn(&Applying<'_, '_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("outreach.db")).unwrap();
    let (keys, statements) = (store.keys.clone(), format!("{CHECKPOINT} {statements}"));
    let event = ContactEvent {
        channel: "7001".to_owned(),
        channel_type: None,
        contact_id: None,
        phone,
        at: when,
        what: EventKind::Nothing,
    };
    let found = store.writer.write_blocking(move |tx| {
        tx.connection.execute_batch(&statements)?;
        find(&Applying {
            tx,
            keys: &keys,
            event: &event,
            on: ChannelId(1),
            kind: "test",
            now: when,
            received: when,
            problems: &mut Vec::new(),
        })
    });
    found.unwrap()
}

/// A request for a recipient (batch, place, person), on a channel, with its kind, outcome, proof and message's id.
fn request((batch, seq, person): (i64, u32, i64), on: u8, rest: [&str; 4]) -> String {
    let [kind, outcome, proof, message] = rest;
    format!(
        "INSERT INTO attempt (recipient, person, channel, started_at, kind, outcome, proof, message_id)
             VALUES (({batch} << 32) + {seq}, {person}, {on}, 2000000, {kind}, {outcome}, {proof}, {message});"
    )
}

/// The metadata of another checkpoint prove nothing here, and those of the old form nothing of what began since.
#[test]
fn metadata_name_a_batch_of_this_checkpoint_alone() {
    for (checkpoint, batch, wanted) in [
        (Some("c0"), "02", Some(2)),
        (Some("c0"), "04", None),
        (Some("c1"), "02", None),
        (None, "spring", Some(1)),
        (None, "summer", None),
        (None, "autumn", None),
        (None, "winter", None),
    ] {
        let batch_found = found("", (None, at(9)), move |applying| {
            applying.named_batch(&OurKey {
                checkpoint: checkpoint.map(str::to_owned),
                batch: batch.to_owned(),
                seq: 1,
            })
        });
        assert_eq!(
            batch_found,
            wanted.map(BatchId::for_tests),
            "{checkpoint:?} {batch}"
        );
    }
}

#[test]
fn an_event_that_names_the_number_of_somebody_else_or_came_before_the_request_is_not_of_it() {
    let requests = request((1, 1, 1), 1, ["'request'", "'undecided'", "NULL", "NULL"])
        + &request((2, 2, 2), 1, ["'request'", "'sent'", "NULL", "NULL"]);
    for (request, phone, when, wanted) in [
        (1, number(1), at(3_000), true),
        (2, number(2), at(3_000), true),
        (1, number(2), at(3_000), false),
        (2, number(1), at(3_000), false),
        (1, None, at(3_000), true),
        (1, number(1), at(-1_000_000), false),
    ] {
        let is_of = found(&requests, (phone, when), move |applying| {
            applying.is_of(&Subject {
                id: RecipientId::new(BatchId::for_tests(1), 1),
                state: crate::domain::delivery::State::Unknown,
                request: AttemptId(request),
                latest: true,
            })
        });
        assert_eq!(is_of, wanted, "{request} {phone:?} {when}");
    }
}

#[test]
fn a_message_is_found_by_its_id_on_its_channel_and_one_of_a_test_is_of_no_row() {
    let requests = request((1, 1, 1), 1, ["'request'", "'sent'", "NULL", "31"])
        + &request((2, 1, 1), 2, ["'request'", "'sent'", "NULL", "31"])
        + &request((2, 2, 2), 1, ["'test'", "'sent'", "NULL", "32"])
        + &request((2, 2, 2), 2, ["'test'", "'sent'", "NULL", "33"]);
    for (message, is_a_test, whose) in [
        ("31", false, Some((1, 1))),
        ("32", true, Some((2, 2))),
        ("33", false, None),
        ("34", false, None),
    ] {
        let (tested, subject) = found(&requests, (None, at(3_000)), move |applying| {
            let subject = applying.addressed(message)?;
            Ok((applying.is_of_a_test(message)?, subject.map(|it| it.id)))
        });
        let whose = whose.map(|(batch, seq)| RecipientId::new(BatchId::for_tests(batch), seq));
        assert_eq!((tested, subject), (is_a_test, whose), "{message}");
    }
}

#[test]
fn a_message_of_unknown_id_is_that_of_the_one_request_to_the_number_whose_answer_was_lost() {
    let lost = request((1, 1, 1), 1, ["'request'", "'undecided'", "NULL", "NULL"]);
    let only = |more: &str, who| {
        let subject = found(&format!("{lost} {more}"), who, |applying| {
            Ok(applying.only_unknown()?.map(|it| (it.id, it.latest)))
        });
        let own = RecipientId::new(BatchId::for_tests(1), 1);
        assert!(
            subject.is_none_or(|subject| subject == (own, true)),
            "{more}"
        );
        subject.is_some()
    };
    let anna = (number(1), at(3_000));
    let other = |on, rest| request((2, 1, 1), on, rest);
    for (more, wanted) in [
        (String::new(), true),
        (
            other(1, ["'request'", "'undecided'", "NULL", "NULL"]),
            false,
        ),
        (
            other(1, ["'request'", "'interrupted'", "NULL", "NULL"]),
            false,
        ),
        (other(1, ["'test'", "'undecided'", "NULL", "NULL"]), false),
        (other(1, ["'request'", "NULL", "NULL", "NULL"]), false),
        (other(1, ["'request'", "'sent'", "NULL", "NULL"]), false),
        (other(1, ["'request'", "'sent'", "NULL", "5"]), true),
        (other(1, ["'request'", "'rejected'", "NULL", "NULL"]), true),
        (
            other(1, ["'request'", "'undecided'", "'failed'", "NULL"]),
            true,
        ),
        (other(1, ["'note'", "'sent'", "NULL", "NULL"]), true),
        (other(2, ["'request'", "'undecided'", "NULL", "NULL"]), true),
        (
            request((2, 2, 2), 1, ["'request'", "'undecided'", "NULL", "NULL"]),
            true,
        ),
        ("UPDATE attempt SET proof = 'resend';".to_owned(), true),
        ("UPDATE attempt SET proof = 'accepted';".to_owned(), false),
        (
            "UPDATE attempt SET outcome = 'interrupted';".to_owned(),
            true,
        ),
        ("UPDATE attempt SET outcome = 'sent';".to_owned(), false),
    ] {
        assert_eq!(only(&more, anna), wanted, "{more}");
    }
    assert!(
        !only("", (number(1), at(-1_000_000))),
        "it came before the request"
    );
    assert!(!only("", (number(2), at(3_000))));
    assert!(!only("", (number(3), at(3_000))));
    assert!(!only("", (None, at(3_000))));
}
