use super::*;
use crate::domain::phone::PhoneNumber;
use crate::store::checkpoint::Store;

/// A batch with a row of the first of three people, whose contact is known; the third one was erased.
const CHECKPOINT: &str = "
    UPDATE checkpoint SET uid = x'c0';
    INSERT INTO channel (id, api_id) VALUES (1, '7001'), (2, '7002');
    INSERT INTO batch (id, uid, name, state, state_since, digest, definition, headers, files, channel, sandbox, created_at)
        VALUES (1, x'01', 'spring', 'running', 0, x'01', '{}', '[]', '[]', 1, 0, 0);
    INSERT INTO tally (batch, sent, no_messenger, error, unknown, queued) VALUES (1, 9, 9, 9, 9, 9);
    INSERT INTO person (id, number) VALUES (1, 420777000001), (2, 420777000002), (3, NULL);
    INSERT INTO person_by_number (number, person) SELECT number, id FROM person WHERE number IS NOT NULL;
    INSERT INTO contact (id, channel, api_id, person) VALUES (1, 1, 51, 1), (2, 1, 52, 2);
    INSERT INTO recipient (id, person, state) VALUES ((1 << 32) + 1, 1, 'sent');";

/// When the requests started; their answers came half a second later.
const STARTED: i64 = 2_000_000;
/// When what is told of them happened, and when that is applied.
const HAPPENED: i64 = 2_010_000;
const NOW: i64 = 3_000_000;
const DAY: i64 = 86_400_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

fn number(person: u64) -> Option<PhoneNumber> {
    PhoneNumber::from_e164(420_777_000_000 + person)
}

/// An event of the first channel that names this contact.
fn event(contact: Option<&str>, what: EventKind) -> ContactEvent {
    ContactEvent {
        channel: "7001".to_owned(),
        channel_type: None,
        contact_id: contact.map(str::to_owned),
        phone: None,
        at: at(HAPPENED),
        what,
    }
}

fn delivered(message: &str) -> EventKind {
    EventKind::Delivered {
        message: message.to_owned(),
    }
}

fn failed(no_account: bool) -> EventKind {
    EventKind::Failed {
        message: "31".to_owned(),
        no_account,
        text: "blocked".to_owned(),
    }
}

fn echoed(message: &str) -> EventKind {
    EventKind::Echoed {
        message: message.to_owned(),
        ours: Some(OurKey {
            checkpoint: Some("c0".to_owned()),
            batch: "01".to_owned(),
            seq: 1,
        }),
    }
}

/// A request for the row, with the id and what else is known of it.
fn request(id: i64, outcome: &str, more: &str) -> String {
    format!(
        "INSERT INTO attempt (id, recipient, person, channel, kind, started_at, finished_at, outcome)
             VALUES ({id}, (1 << 32) + 1, 1, 1, 'request', {STARTED}, {STARTED} + 500, {outcome});
         UPDATE attempt SET {more} WHERE id = {id};"
    )
}

/// The row stands so.
fn row(state: &str) -> String {
    format!("UPDATE recipient SET state = '{state}' WHERE id = (1 << 32) + 1;")
}

/// After these statements and events: each verdict and what was found to be impossible, and what this query finds.
fn after(
    statements: &str,
    events: Vec<ContactEvent>,
    query: &'static str,
) -> (Vec<EventVerdict>, Vec<String>, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("outreach.db")).unwrap();
    let (keys, statements) = (store.keys.clone(), format!("{CHECKPOINT} {statements}"));
    let found = store.writer.write_blocking(move |tx| {
        tx.connection.execute_batch(&statements)?;
        let (mut verdicts, mut problems) = (Vec::new(), Vec::new());
        for event in &events {
            let verdict = apply(tx, &keys, event, "test", at(NOW), at(NOW), &mut problems)?;
            verdicts.push(verdict);
        }
        Ok((verdicts, problems, tx.connection.value(query, [])?))
    });
    found.unwrap()
}

/// What this query finds after an event that is applied, and of which nothing is impossible.
fn applied(statements: &str, event: ContactEvent, query: &'static str) -> String {
    let (verdicts, problems, found) = after(statements, vec![event], query);
    assert_eq!(
        (&verdicts[..], &problems[..]),
        (&[EventVerdict::Applied][..], &[][..]),
        "{statements}"
    );
    found.unwrap_or_default()
}

/// How the row stands, and what is proven of each request.
const STANDS: &str = "
    SELECT (SELECT concat_ws(' ', state, reason_code, reason, finished_at) FROM recipient) || ': '
           || (SELECT group_concat(coalesce(proof, '-')) FROM attempt WHERE kind = 'request')";

#[test]
fn what_an_event_proves_of_a_request_settles_its_row_and_what_arrived_did_not_fail() {
    let sent = "message_id = 31";
    let lost = "message_id = 31, finished_at = NULL";
    for (state, request_is, event_is, stands) in [
        // Of a message that was accepted, and of one whose answer was lost.
        ("sent", ("'sent'", sent), delivered("31"), "sent: -"),
        (
            "unknown",
            ("'undecided'", lost),
            delivered("31"),
            "sent 3000000: accepted",
        ),
        (
            "unknown",
            ("'interrupted'", lost),
            echoed("31"),
            "sent 3000000: accepted",
        ),
        (
            "queued",
            ("'undecided'", lost),
            echoed("31"),
            "sent 3000000: accepted",
        ),
        ("sent", ("'sent'", sent), echoed("31"), "sent: -"),
        (
            "sent",
            ("'sent'", sent),
            failed(false),
            "error delivery_failed blocked 3000000: failed",
        ),
        (
            "sent",
            ("'sent'", sent),
            failed(true),
            "no_messenger delivery_failed blocked 3000000: failed",
        ),
        (
            "unknown",
            ("'undecided'", lost),
            failed(false),
            "error delivery_failed blocked 3000000: failed",
        ),
        // A failure that is known already, and one of a message that arrived.
        (
            "error",
            ("'sent'", "message_id = 31, proof = 'failed'"),
            failed(false),
            "error: failed",
        ),
        (
            "sent",
            ("'sent'", "message_id = 31, delivered_at = 1"),
            failed(false),
            "sent: -",
        ),
        (
            "sent",
            ("'sent'", "message_id = 31, read_at = 2000001"),
            failed(false),
            "sent: -",
        ),
        // A later reading of the conversation says nothing of this message.
        (
            "sent",
            ("'sent'", "message_id = 31, read_at = 88400001"),
            failed(false),
            "error delivery_failed blocked 3000000: failed",
        ),
        // It failed, as was told, and arrived after all; only an arrival shows that.
        (
            "error",
            ("'sent'", "message_id = 31, proof = 'failed'"),
            delivered("31"),
            "sent 3000000: accepted",
        ),
        (
            "error",
            ("'sent'", "message_id = 31, proof = 'failed'"),
            echoed("31"),
            "error: failed",
        ),
    ] {
        let statements = row(state) + &request(1, request_is.0, request_is.1);
        let found = applied(&statements, event(None, event_is.clone()), STANDS);
        assert_eq!(found, stands, "{state} {request_is:?} {event_is:?}");
    }
}

#[test]
fn who_was_erased_or_refused_stays_so_whatever_is_proven() {
    for code in ["erased", "forgotten", "no_consent"] {
        let statements = request(1, "'sent'", "message_id = 31")
            + &format!("UPDATE recipient SET reason_code = '{code}', reason = 'gone';");
        let found = applied(&statements, event(None, failed(false)), STANDS);
        assert_eq!(found, format!("error {code} gone 3000000: failed"));
    }
}

/// The row was queued again after the first one, and the answer to the second was lost.
#[test]
fn what_is_told_of_an_earlier_request_settles_that_one_alone() {
    let requests = row("unknown")
        + &request(1, "'undecided'", "message_id = 31")
        + &request(2, "'undecided'", "finished_at = NULL");
    for (what, proof) in [(delivered("31"), "accepted"), (failed(false), "failed")] {
        let found = applied(&requests, event(None, what), STANDS);
        assert_eq!(found, format!("unknown: {proof},-"));
    }
}

#[test]
fn of_several_times_of_arrival_the_first_counts_in_any_order() {
    let arrived = |millis| ContactEvent {
        at: at(millis),
        ..event(None, delivered("31"))
    };
    let orders = [
        [HAPPENED, HAPPENED + 5, HAPPENED - 5],
        [HAPPENED - 5, HAPPENED, HAPPENED + 5],
    ];
    for order in orders {
        let (verdicts, _, found) = after(
            &request(1, "'sent'", "message_id = 31"),
            order.map(arrived).to_vec(),
            "SELECT cast(delivered_at AS TEXT) FROM attempt WHERE id = 1",
        );
        assert_eq!(verdicts, [EventVerdict::Applied; 3]);
        assert_eq!(found, Some((HAPPENED - 5).to_string()), "{order:?}");
    }
}

#[test]
fn a_lost_message_gets_the_id_and_the_contact_that_an_event_names() {
    const MESSAGE: &str = "
        SELECT concat_ws(' ', coalesce(a.message_id, '-'), k.api_id, k.person)
        FROM attempt a LEFT JOIN contact k ON k.id = a.contact WHERE a.id = 1";
    let lost = row("unknown") + &request(1, "'undecided'", "finished_at = NULL");
    let with_number = |contact, what| ContactEvent {
        phone: number(1),
        ..event(contact, what)
    };
    for (contact, what, message) in [
        (Some("51"), delivered("77"), "77 51 1"),
        (Some("59"), delivered("77"), "77 59 1"),
        (None, delivered("77"), "77"),
        (Some("59"), echoed("77"), "77 59 1"),
    ] {
        let found = applied(&lost, with_number(contact, what.clone()), MESSAGE);
        assert_eq!(found, message, "{contact:?} {what:?}");
    }
    // It waits for the answer that tells its id where it names nobody.
    let (verdicts, _, found) = after(&lost, vec![event(Some("51"), delivered("77"))], MESSAGE);
    assert_eq!(
        (verdicts, found.as_deref()),
        (vec![EventVerdict::Waits], Some("-"))
    );

    // Two messages cannot be one: what is known stays, and the log has it.
    let known = row("unknown") + &request(1, "'undecided'", "message_id = 31, contact = 1");
    let (_, problems, found) = after(&known, vec![event(Some("59"), echoed("77"))], MESSAGE);
    assert_eq!(found.as_deref(), Some("31 51 1"));
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].ends_with("it got a second message, with another id"),
        "{problems:?}"
    );

    // Whom a message to an erased person went to is not known again.
    let erased = request(1, "'undecided'", "person = 3")
        + "UPDATE recipient SET person = 3, state = 'unknown';";
    assert_eq!(
        applied(&erased, event(Some("59"), echoed("77")), MESSAGE),
        "-"
    );
}

#[test]
fn a_reading_covers_what_was_sent_to_the_contact_until_a_second_later() {
    const READ: &str = "SELECT coalesce(cast(read_at AS TEXT), '-') FROM attempt WHERE id = 1";
    let read_at = |millis| ContactEvent {
        at: at(millis),
        ..event(Some("51"), EventKind::Read)
    };
    let answered = STARTED + 500;
    for (outcome, more, read, covered) in [
        ("'sent'", "contact = 1", answered - 1000, true),
        ("'sent'", "contact = 1", answered - 1001, false),
        // An answer that was lost says nothing of when it was sent.
        ("'undecided'", "contact = 1", STARTED - 1000, true),
        ("'undecided'", "contact = 1", STARTED - 1001, false),
        ("'sent'", "contact = 2", HAPPENED, false),
        ("'sent'", "contact = 1, person = 2", HAPPENED, false),
        ("'sent'", "contact = 1, kind = 'note'", HAPPENED, false),
        // What failed was read only within the day in which it could arrive, or if it is known to have arrived.
        (
            "'sent'",
            "contact = 1, proof = 'failed'",
            STARTED + DAY,
            true,
        ),
        (
            "'sent'",
            "contact = 1, proof = 'failed'",
            STARTED + DAY + 1,
            false,
        ),
        (
            "'sent'",
            "contact = 1, proof = 'failed', delivered_at = 9",
            STARTED + DAY + 1,
            true,
        ),
    ] {
        let found = applied(&request(1, outcome, more), read_at(read), READ);
        let wanted = if covered {
            read.to_string()
        } else {
            "-".to_owned()
        };
        assert_eq!(found, wanted, "{outcome} {more} {read}");
    }
    let earlier = request(1, "'sent'", "contact = 1, read_at = 2000777");
    assert_eq!(applied(&earlier, read_at(HAPPENED), READ), "2000777");
    let later = request(1, "'sent'", "contact = 1, read_at = 9000777");
    assert_eq!(
        applied(&later, read_at(HAPPENED), READ),
        HAPPENED.to_string()
    );
    // It was read, and so it did not fail.
    let refused = row("error") + &request(1, "'sent'", "contact = 1, proof = 'failed'");
    assert_eq!(
        applied(&refused, read_at(HAPPENED), STANDS),
        "sent 3000000: accepted"
    );
}

#[test]
fn a_stop_reaches_everybody_whose_contact_or_number_it_names() {
    const SUPPRESSED: &str = "
        SELECT coalesce(group_concat(concat_ws(' ', number, suppressed_reason, suppressed_at), ', '), '')
        FROM (SELECT * FROM person WHERE suppressed_at IS NOT NULL ORDER BY id)";
    let shared = "INSERT INTO contact (channel, api_id, person, former) VALUES (1, 51, 2, 1);";
    let stop = |contact, phone| ContactEvent {
        phone,
        ..event(contact, EventKind::OptedOut)
    };
    let listed = |people: &[u64]| {
        let listed = people
            .iter()
            .map(|who| format!("42077700000{who} {OPTED_OUT} 2010000"));
        listed.collect::<Vec<_>>().join(", ")
    };
    for (statements, event, people) in [
        ("", stop(Some("51"), None), &[1][..]),
        ("", stop(None, number(2)), &[2]),
        ("", stop(None, number(9)), &[9]),
        (shared, stop(Some("51"), None), &[1, 2]),
        (shared, stop(Some("51"), number(9)), &[1, 2, 9]),
        // Whose contact it is may be learned later.
        ("", stop(Some("59"), None), &[]),
        ("", stop(None, None), &[]),
    ] {
        let found = applied(statements, event.clone(), SUPPRESSED);
        assert_eq!(found, listed(people), "{event:?}");
    }
    let (_, _, kept) = after(
        "",
        vec![stop(Some("59"), None)],
        "SELECT cast(opted_out_at AS TEXT) FROM contact WHERE api_id = 59",
    );
    assert_eq!(kept, Some(HAPPENED.to_string()));
}

#[test]
fn what_somebody_writes_is_noted_at_the_latest_for_people_who_are_known_alone() {
    const INBOUND: &str = "
        SELECT (SELECT count(*) FROM person) || ' people: '
               || coalesce((SELECT group_concat(id || ' ' || last_inbound_at) FROM person
                            WHERE last_inbound_at IS NOT NULL), '')";
    let acted = |contact, phone| ContactEvent {
        phone,
        ..event(contact, EventKind::Acted)
    };
    for (event, found) in [
        (acted(Some("51"), None), "3 people: 1 3000000"),
        (acted(Some("51"), number(2)), "3 people: 1 3000000"),
        (acted(Some("59"), number(2)), "3 people: 2 3000000"),
        (acted(None, number(2)), "3 people: 2 3000000"),
        (acted(Some("59"), number(9)), "3 people: "),
        (acted(None, None), "3 people: "),
    ] {
        assert_eq!(applied("", event.clone(), INBOUND), found, "{event:?}");
    }
    let later = "UPDATE person SET last_inbound_at = 9000000 WHERE id = 1;";
    assert_eq!(
        applied(later, acted(Some("51"), None), INBOUND),
        "3 people: 1 9000000"
    );
}

#[test]
fn an_event_of_an_erased_person_is_known_as_one() {
    let erased_contact = "UPDATE contact SET api_id = NULL, person = NULL WHERE id = 2;";
    for (contact, phone, is_about_one) in [
        (Some("51"), None, false),
        (Some("53"), None, true),
        (Some("59"), None, false),
        (None, number(1), false),
        (None, number(9), false),
        (Some("59"), number(1), false),
        (None, None, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let keys = store.keys.clone();
        let statements = format!(
            "{CHECKPOINT} {erased_contact} INSERT INTO contact (channel, api_id, person) VALUES (1, 53, 3);"
        );
        let event = ContactEvent {
            phone,
            ..event(contact, EventKind::Read)
        };
        let found = store.writer.write_blocking(move |tx| {
            tx.connection.execute_batch(&statements)?;
            is_about_erased(tx.connection, &keys, &event)
        });
        assert_eq!(found.unwrap(), is_about_one, "{contact:?} {phone:?}");
    }
}
