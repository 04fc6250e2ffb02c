use std::time::Duration;

use super::*;

/// A batch, and one whose people wait for an event about it: two rows, of two people.
const CHECKPOINT: &str = "
    INSERT INTO channel (id, api_id) VALUES (1, '7001'), (2, '7002');
    INSERT INTO batch (id, uid, name, state, state_since, digest, definition, headers, files, channel, sandbox, created_at)
        VALUES (1, x'01', 'spring', 'complete', 0, x'01', '{}', '[]', '[]', 1, 0, 0),
               (2, x'02', 'after-00000001', 'open', 0, x'02', '{}', '[]', '[]', 1, 0, 1000);
    INSERT INTO tally (batch, queued) VALUES (1, 0), (2, 2);
    INSERT INTO person (id, number) VALUES (1, 420777000001), (2, 420777000002);
    INSERT INTO recipient (id, person, state, held, reason_code, reason)
        VALUES ((2 << 32) + 1, 1, 'queued', 0, 'awaits_event', 'waits'),
               ((2 << 32) + 2, 2, 'queued', 0, 'awaits_event', 'waits');
    INSERT INTO recipient_input (id, file, row, fields) SELECT id, 0, 2, '[\"' || person || '\"]' FROM recipient;";

/// When the event is received.
const CAME: i64 = 5_000;

/// The rows: until when and for what they wait; what is noted of them; and how the batch stands.
const ROWS: &str = "
    SELECT group_concat(concat_ws(' ', r.id & 255, r.state, coalesce(r.held, '-'), r.not_before, coalesce(r.reason_code, '-'),
                                  (SELECT concat_ws(' ', a.outcome, a.text, a.started_at, a.proof_by) FROM attempt a
                                   WHERE a.recipient = r.id AND a.kind = 'note')), ', ')
           || ': ' || (SELECT state FROM batch WHERE id = 2)
    FROM recipient r WHERE r.id > 2 << 32";

const WAIT: &str = "1 queued 0 0 awaits_event, 2 queued 0 0 awaits_event: open";

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

fn follow_up(after: Trigger) -> FollowUp {
    FollowUp {
        of: "01".to_owned(),
        after,
        delay: Duration::from_mins(1),
        expires: None,
        open_until: at(10_000),
    }
}

/// A checkpoint whose second batch waits for this, after these statements.
fn checkpoint(after: Trigger, statements: &str) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("outreach.db")).unwrap();
    let statements = statements.to_owned();
    let made = store.writer.write_blocking(move |tx| {
        tx.connection.execute_batch(CHECKPOINT)?;
        keep_with(tx.connection, BatchId::for_tests(2), &follow_up(after))?;
        tx.connection.execute_batch(&statements)?;
        Ok(())
    });
    made.unwrap();
    (folder, store)
}

fn find(store: &Store, query: &'static str) -> String {
    let found = store
        .writer
        .write_blocking(move |tx| tx.connection.value(query, []));
    found.unwrap()
}

/// How the rows stand after an event of this kind about the first person, on a channel and of a batch, received then.
fn after_event(
    after: Trigger,
    statements: &str,
    (what, on, of): (Trigger, i64, Option<i64>),
    received: i64,
) -> String {
    let (_folder, store) = checkpoint(after, statements);
    let queued = store.writer.write_blocking(move |tx| {
        let happened = TriggerEvent {
            what,
            whose: PersonId(1),
            on: ChannelId(on),
            of: of.map(BatchId::for_tests),
            received: at(received),
            actor: "test",
        };
        queue(tx, &happened)
    });
    queued.unwrap();
    find(&store, ROWS)
}

#[test]
fn the_event_that_is_waited_for_queues_its_person_alone_when_the_delay_is_over() {
    use Trigger::{Delivered, OptIn};
    let queued = |happened: &str| {
        format!("1 queued - 65000 - event {happened} 5000 test, 2 queued 0 0 awaits_event: paused")
    };
    let opted_in = (OptIn, 1, None);
    assert_eq!(after_event(OptIn, "", opted_in, CAME), queued("opted in"));
    let delivered = (Delivered, 1, Some(1));
    let told = queued("the message before was delivered");
    assert_eq!(after_event(Delivered, "", delivered, CAME), told);
    // Over whichever channel: the batch before may have several.
    assert_eq!(
        after_event(Delivered, "", (Delivered, 2, Some(1)), CAME),
        told
    );
    for (after, event) in [
        (OptIn, (OptIn, 2, None)),
        (OptIn, delivered),
        (Delivered, opted_in),
        (Delivered, (Delivered, 1, None)),
        (Delivered, (Delivered, 1, Some(2))),
    ] {
        assert_eq!(
            after_event(after, "", event, CAME),
            WAIT,
            "{after} {event:?}"
        );
    }
}

#[test]
fn an_event_counts_from_the_begin_of_a_follow_up_until_its_end() {
    let opted_in = (Trigger::OptIn, 1, None);
    for (received, is_queued) in [(999, false), (1000, true), (9_999, true), (10_000, false)] {
        let found = after_event(Trigger::OptIn, "", opted_in, received);
        assert_eq!(found != WAIT, is_queued, "{received}");
    }
}

#[test]
fn a_row_that_does_not_wait_for_its_event_is_left_as_it_is() {
    for statements in [
        "UPDATE batch SET state = 'draft' WHERE id = 2;",
        "UPDATE batch SET state = 'reading' WHERE id = 2;",
        "UPDATE batch SET state = 'cancelled' WHERE id = 2;",
        "UPDATE recipient SET held = 7;",
        "UPDATE recipient SET held = NULL;",
        "UPDATE recipient SET state = 'suppressed';",
        "UPDATE batch SET policy = '{}' WHERE id = 2;",
    ] {
        let (_folder, store) = checkpoint(Trigger::OptIn, statements);
        let before = find(&store, ROWS);
        let opted_in = (Trigger::OptIn, 1, None);
        let found = after_event(Trigger::OptIn, statements, opted_in, CAME);
        assert_eq!(found, before, "{statements}");
    }
}

#[test]
fn an_opt_in_of_a_stranger_waits_only_where_an_open_follow_up_waits_for_one() {
    for (after, statements, on, received, waits) in [
        (Trigger::OptIn, "", 1, CAME, true),
        (Trigger::OptIn, "", 1, 1000, true),
        (Trigger::OptIn, "", 2, CAME, false),
        (Trigger::OptIn, "", 1, 999, false),
        (Trigger::OptIn, "", 1, 10_000, false),
        (Trigger::Delivered, "", 1, CAME, false),
        (
            Trigger::OptIn,
            "UPDATE batch SET state = 'draft' WHERE id = 2;",
            1,
            CAME,
            false,
        ),
        (
            Trigger::OptIn,
            "UPDATE batch SET state = 'cancelled' WHERE id = 2;",
            1,
            CAME,
            false,
        ),
        (
            Trigger::OptIn,
            "UPDATE batch SET policy = '{}' WHERE id = 2;",
            1,
            CAME,
            false,
        ),
    ] {
        let (_folder, store) = checkpoint(after, statements);
        let found = store
            .writer
            .write_blocking(move |tx| awaits_opt_in(tx.connection, ChannelId(on), at(received)));
        assert_eq!(
            found.unwrap(),
            waits,
            "{after} {statements} {on} {received}"
        );
    }
}

#[test]
fn an_event_came_when_the_first_of_its_notes_says_so() {
    let note = |seq: u32, person: u8, kind: &str, outcome: &str, started: u32| {
        format!(
            "INSERT INTO attempt (recipient, person, channel, kind, started_at, outcome)
                 VALUES ((2 << 32) + {seq}, {person}, 1, '{kind}', {started}, '{outcome}');"
        )
    };
    let others = note(1, 1, "note", "fell_back", 1)
        + &note(1, 1, "request", "event", 2)
        + &note(2, 2, "note", "event", 3);
    let came_twice =
        others.clone() + &note(1, 1, "note", "event", 7000) + &note(1, 1, "note", "event", 5000);
    for (statements, wanted) in [(others, None), (came_twice, Some(at(5000)))] {
        let (_folder, store) = checkpoint(Trigger::OptIn, &statements);
        let row = RecipientId::new(BatchId::for_tests(2), 1);
        let found = store
            .writer
            .write_blocking(move |tx| came(tx.connection, row, PersonId(1)));
        assert_eq!(found.unwrap(), wanted);
    }
}

/// The list of the batch before was edited since.
#[test]
fn who_refuses_by_now_in_the_list_before_is_told_from_whoever_does_not() {
    let before = |values: &str| {
        format!(
            "INSERT INTO recipient (id, person, state, reason_code, reason, mended_by)
                 VALUES ((1 << 32) + 1, {values});"
        )
    };
    for (row, says) in [
        (
            "1, 'suppressed', 'no_consent', 'no consent: Agreed is No', NULL",
            Some("Agreed is No"),
        ),
        (
            "1, 'suppressed', 'says_no', 'Remark is no SMS', NULL",
            Some("Remark is no SMS"),
        ),
        ("1, 'suppressed', 'no_consent', NULL, NULL", Some("")),
        ("1, 'suppressed', 'no_consent', 'no', (1 << 32) + 2", None),
        ("1, 'suppressed', 'listed', 'no', NULL", None),
        ("2, 'suppressed', 'no_consent', 'no', NULL", None),
    ] {
        let (_folder, store) = checkpoint(Trigger::OptIn, &before(row));
        let found = store.writer.write_blocking(|tx| {
            refusal_before(tx.connection, PersonId(1), &follow_up(Trigger::OptIn))
        });
        let wanted = says.map(|says| Suppression::NoConsent {
            answer: ListAnswer::No,
            says: says.to_owned(),
        });
        assert_eq!(found.unwrap(), wanted, "{row}");
    }
    // A refusal in another list is none in this one.
    let other = before("1, 'suppressed', 'no_consent', 'no', NULL")
        .replace("(1 << 32) + 1", "(2 << 32) + 3");
    let (_folder, store) = checkpoint(Trigger::OptIn, &other);
    let found = store.writer.write_blocking(|tx| {
        refusal_before(tx.connection, PersonId(1), &follow_up(Trigger::OptIn))
    });
    assert_eq!(found.unwrap(), None);
}

#[test]
fn those_who_wait_are_counted_and_so_are_those_whose_event_came_before() {
    let batch = BatchId::for_tests(2);
    let opted_in = "INSERT INTO contact (channel, api_id, person, opted_in_at) VALUES (1, 51, 1, 9), (2, 52, 2, 9);
                    INSERT INTO contact (channel, api_id, person) VALUES (1, 53, 2);";
    let delivered = "INSERT INTO attempt (recipient, person, channel, kind, started_at, delivered_at)
                         VALUES ((1 << 32) + 1, 1, 1, 'request', 1, 9), ((1 << 32) + 2, 2, 1, 'request', 1, NULL),
                                ((3 << 32) + 2, 2, 1, 'request', 1, 9);";
    for (after, statements, before) in [
        (Trigger::OptIn, "", 0),
        (Trigger::OptIn, opted_in, 1),
        (Trigger::OptIn, delivered, 0),
        (Trigger::Delivered, delivered, 1),
        (Trigger::Delivered, opted_in, 0),
    ] {
        let (_folder, store) = checkpoint(after, statements);
        let reader = store.reader().unwrap();
        assert_eq!(reader.awaiting(batch).unwrap(), 2);
        let found = reader.happened_before(batch, &follow_up(after)).unwrap();
        assert_eq!(found, before, "{after} {statements}");
    }
    let one = "UPDATE recipient SET held = NULL WHERE person = 1;";
    let (_folder, store) = checkpoint(Trigger::OptIn, one);
    assert_eq!(store.reader().unwrap().awaiting(batch).unwrap(), 1);
}

#[test]
fn those_who_were_left_out_of_a_list_are_not_followed() {
    let followed = |statements: &str| {
        let (_folder, store) = checkpoint(Trigger::OptIn, statements);
        let mut fields = Vec::new();
        let each = |row: ListedRow| fields.extend(row.fields);
        let reader = store.reader().unwrap();
        reader.rows_to_follow(BatchId::for_tests(2), each).unwrap();
        fields.concat()
    };
    for (state, is_followed) in [
        ("queued", true),
        ("sending", true),
        ("sent", true),
        ("no_messenger", true),
        ("error", true),
        ("unknown", true),
        ("invalid", false),
        ("duplicate", false),
        ("suppressed", false),
    ] {
        let found = followed(&format!(
            "UPDATE recipient SET state = '{state}' WHERE person = 1;"
        ));
        assert_eq!(found, if is_followed { "12" } else { "2" }, "{state}");
    }
    for erased in [
        "UPDATE person SET number = NULL WHERE id = 1;",
        "UPDATE recipient SET reason_code = 'erased' WHERE person = 1;",
    ] {
        assert_eq!(followed(erased), "2", "{erased}");
    }
}
