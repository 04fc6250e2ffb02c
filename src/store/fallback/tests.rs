use super::*;
use crate::domain::fallback::OtherChannel;

/// A batch that is complete, with two other channels, and a row whose person was not reached on the first one.
const CHECKPOINT: &str = r#"
    INSERT INTO channel (id, api_id) VALUES (1, '7001'), (2, '7002'), (3, '7003');
    INSERT INTO batch (id, uid, name, state, state_since, digest, definition, headers, files, channel, sandbox, created_at,
                       policy)
        VALUES (1, x'01', 'spring', 'complete', 0, x'01', '{}', '[]', '[]', 1, 0, 0,
                '{"fallback": {"channels": [{"id": "7002"}, {"id": "7003"}], "at_most": 1}}');
    INSERT INTO tally (batch, no_messenger, queued) VALUES (1, 9, 9);
    INSERT INTO person (id, number) VALUES (1, 420777000001), (2, 420777000002);
    INSERT INTO recipient (id, person, state, reason_code, reason, finished_at, refusal)
        VALUES ((1 << 32) + 1, 1, 'no_messenger', 'no_messenger', 'nobody', 5, 7);
    INSERT INTO recipient_input (id, file, row, fields, content)
        VALUES ((1 << 32) + 1, 0, 2, '[]', '{"type": "text", "payload": "Hi"}');"#;

/// The row: state, step, when it is claimed, what it waits for, and why; the note of its move; and the batch.
const ROW: &str = "
    SELECT concat_ws(' | ', r.state, r.step, r.not_before, coalesce(r.held, '-'), coalesce(r.reason_code, '-'),
                     coalesce(r.finished_at, '-'), coalesce(r.refusal, '-'),
                     (SELECT concat_ws(' ', outcome, text, 'on', channel, 'by', proof_by) FROM attempt WHERE kind = 'note'),
                     b.state, t.queued)
    FROM recipient r JOIN batch b ON b.id = 1 JOIN tally t ON t.batch = 1 WHERE r.id = (1 << 32) + 1";

/// The rows of the open run.
const OPEN: &str =
    "SELECT coalesce((SELECT policy ->> '$.open_run' FROM batch WHERE id = 1), 'none')";

fn row() -> RecipientId {
    RecipientId::new(BatchId::for_tests(1), 1)
}

fn now() -> Timestamp {
    Timestamp::from_second(9).unwrap()
}

/// A checkpoint after these statements.
fn checkpoint(statements: &str) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("outreach.db")).unwrap();
    let statements = format!("{CHECKPOINT} {statements}");
    let made = store.writer.write_blocking(move |tx| {
        tx.connection.execute_batch(&statements)?;
        Ok(())
    });
    made.unwrap();
    (folder, store)
}

/// What is done returns, and what this query finds then.
fn after<T: Send + 'static>(
    statements: &str,
    act: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    query: &'static str,
) -> (T, String) {
    let (_folder, store) = checkpoint(statements);
    let done = store.writer.write_blocking(act).unwrap();
    let found = store
        .writer
        .write_blocking(move |tx| tx.connection.value(query, []));
    (done, found.unwrap())
}

/// Whether the row is moved, and how it stands then.
fn moved(statements: &str, cause: Cause) -> (bool, String) {
    let act = move |tx: &mut Tx<'_>| fall_back(tx, row(), cause, "nobody there", BY_RUN, now());
    after(statements, act, ROW)
}

/// The row on the channel of a step, whose id is this; so many are queued then.
fn on(step: u8, channel: u8, queued: u8) -> String {
    format!(
        "queued | {step} | 1 | - | - | - | - | fell_back nobody there on {channel} by outreach | paused | {queued}"
    )
}

/// A request for the row.
fn request(outcome: &str, proof: &str) -> String {
    format!(
        "INSERT INTO attempt (recipient, person, channel, kind, started_at, outcome, proof)
             VALUES ((1 << 32) + 1, 1, 1, 'request', 3, {outcome}, {proof});"
    )
}

#[test]
fn who_is_not_reached_goes_on_to_the_next_channel_that_has_a_message_and_the_batch_goes_on() {
    let missing = r#"UPDATE recipient_input SET metadata = '{"outreach_other_channels": [{"missing": "no city"}]}';"#;
    for (statements, wanted) in [
        ("", on(1, 2, 10)),
        ("UPDATE recipient SET step = 1;", on(2, 3, 10)),
        (missing, on(2, 3, 10)),
        (&request("'no_messenger'", "NULL"), on(1, 2, 10)),
        (&request("'sent'", "'failed'"), on(1, 2, 10)),
        // It waited, for whatever reason.
        (
            "UPDATE recipient SET state = 'queued', held = 3;",
            on(1, 2, 9),
        ),
    ] {
        let found = moved(statements, Cause::NoUser);
        assert_eq!(found, (true, wanted), "{statements}");
    }
}

#[test]
fn who_has_the_message_or_may_have_it_or_must_not_get_it_goes_on_to_no_channel() {
    let mut cases = vec![
        request("'sent'", "NULL"),
        request("'undecided'", "NULL"),
        request("NULL", "NULL"),
        // There is no other channel, or no message for one.
        "UPDATE recipient SET step = 2;".to_owned(),
        "UPDATE batch SET policy = '{}';".to_owned(),
        "UPDATE recipient_input SET content = NULL;".to_owned(),
        // The person was erased, refuses, or is in no list any more.
        "UPDATE person SET number = NULL;".to_owned(),
        "UPDATE recipient SET reason_code = 'erased';".to_owned(),
        "UPDATE recipient SET reason_code = 'no_consent';".to_owned(),
        "UPDATE batch SET first_file = 1;".to_owned(),
        "UPDATE batch SET state = 'cancelled';".to_owned(),
    ];
    let states = [
        "sending",
        "sent",
        "error",
        "unknown",
        "invalid",
        "duplicate",
        "suppressed",
    ];
    cases.extend(states.map(|state| format!("UPDATE recipient SET state = '{state}';")));
    for statements in cases {
        let ((), before) = after(&statements, |_| Ok(()), ROW);
        assert_eq!(
            moved(&statements, Cause::NoUser),
            (false, before),
            "{statements}"
        );
    }
}

#[test]
fn where_a_channel_is_refused_people_go_on_only_if_that_was_asked_for() {
    let asked =
        "UPDATE batch SET policy = json_set(policy, '$.fallback.on_channel', json('true'));";
    for (statements, cause, is_moved) in [
        ("", Cause::ChannelRefused, false),
        (asked, Cause::ChannelRefused, true),
        ("", Cause::WindowClosed, true),
    ] {
        assert_eq!(
            moved(statements, cause).0,
            is_moved,
            "{statements} {cause:?}"
        );
    }
}

/// The row is held because of its refusal.
const HELD: &str = "
    UPDATE recipient SET state = 'queued', held = 7, reason_code = 'open_run', finished_at = NULL;
    UPDATE batch SET policy = json_set(policy, '$.open_run', json('[4294967297]'));";

#[test]
fn a_row_whose_refusal_nobody_knows_is_held_where_it_would_go_on() {
    let act = |tx: &mut Tx<'_>| hold_open_run(tx, row(), RefusalId(7), "nobody");
    let held = "queued | 0 | 0 | 7 | open_run | - | 7 | complete | 10";
    assert_eq!(after("", act, ROW), (true, held.to_owned()));
    assert_eq!(after("", act, OPEN), (true, "[4294967297]".to_owned()));
    let why = "SELECT reason FROM recipient";
    assert!(
        after("", act, why)
            .1
            .ends_with("what this refusal means: nobody")
    );
    for statements in [
        "UPDATE batch SET policy = '{}';",
        "UPDATE recipient SET step = 2;",
        "UPDATE recipient SET state = 'error';",
        "UPDATE batch SET state = 'cancelled';",
        &request("'undecided'", "NULL"),
    ] {
        assert_eq!(
            after(statements, act, OPEN),
            (false, "none".to_owned()),
            "{statements}"
        );
    }
}

#[test]
fn an_acceptance_lets_those_go_on_who_were_held_on_its_channel_alone() {
    let end = |step| move |tx: &mut Tx<'_>| end_open_run(tx, BatchId::for_tests(1), step, now());
    let went_on = on(1, 2, 9).replace("nobody there", "no Messenger, as others were reached since");
    assert_eq!(after(HELD, end(Step::FIRST), ROW).1, went_on);
    assert_eq!(after(HELD, end(Step::FIRST), OPEN).1, "[]");
    let ((), held) = after(HELD, |_| Ok(()), ROW);
    assert_eq!(after(HELD, end(Step::new(1)), ROW).1, held);
    assert_eq!(after(HELD, end(Step::new(1)), OPEN).1, "[4294967297]");

    // A person decides about it.
    let decided = |tx: &mut Tx<'_>| {
        keep_held(tx.connection, row())?;
        end_open_run(tx, BatchId::for_tests(1), Step::FIRST, now())
    };
    assert_eq!(
        after(HELD, decided, ROW).1,
        held.replace("open_run", "held")
    );
    assert_eq!(after(HELD, decided, OPEN).1, "[]");

    // It cannot go on any more.
    let stays = format!("{HELD} UPDATE recipient_input SET content = NULL;");
    let settled = "no_messenger | 0 | 0 | - | no_messenger | 9000 | 7 | complete | 8";
    assert_eq!(after(&stays, end(Step::FIRST), ROW).1, settled);
}

#[test]
fn only_a_row_that_is_held_in_the_run_is_left_to_a_person() {
    for (statements, code) in [
        (HELD.to_owned(), "held"),
        (
            format!("{HELD} UPDATE recipient SET held = NULL;"),
            "open_run",
        ),
        (
            format!("{HELD} UPDATE recipient SET state = 'sent';"),
            "open_run",
        ),
        (
            format!("{HELD} UPDATE recipient SET reason_code = 'waits';"),
            "waits",
        ),
    ] {
        let keep = |tx: &mut Tx<'_>| keep_held(tx.connection, row());
        let ((), found) = after(&statements, keep, "SELECT reason_code FROM recipient");
        assert_eq!(found, code, "{statements}");
    }
}

#[test]
fn the_answers_of_a_channel_are_those_to_its_requests() {
    let attempt = |seq: u32, on: u8, kind: &str, outcome: &str| {
        format!(
            "INSERT INTO attempt (recipient, person, channel, kind, started_at, outcome)
                 VALUES (({} << 32) + {seq}, 1, {on}, '{kind}', 3, {outcome});",
            if seq == 9 { 2 } else { 1 }
        )
    };
    let outcomes = [
        "'sent'",
        "'sent'",
        "'no_messenger'",
        "'rejected'",
        "'person'",
        "'message'",
        "'undecided'",
        "NULL",
    ];
    let mut statements: String = outcomes.map(|it| attempt(1, 2, "request", it)).concat();
    statements += &attempt(1, 2, "note", "'sent'");
    statements += &attempt(1, 1, "request", "'sent'");
    statements += "INSERT INTO recipient (id, person, state) VALUES ((2 << 32) + 9, 1, 'sent');";
    statements += &attempt(9, 2, "request", "'no_messenger'");
    let (_folder, store) = checkpoint(&statements);
    let reader = store.reader().unwrap();
    let answers = |accepted, no_messenger, refused| ChannelAnswers {
        accepted,
        no_messenger,
        refused,
    };
    let batch = BatchId::for_tests(1);
    for (step, wanted) in [
        (0, answers(1, 0, 0)),
        (1, answers(2, 1, 3)),
        (2, answers(0, 0, 0)),
        (3, answers(0, 0, 0)),
    ] {
        let found = reader.channel_answers(batch, Step::new(step)).unwrap();
        assert_eq!(found, wanted, "step {step}");
    }
    for (channel, wanted) in [("7002", answers(2, 2, 3)), ("7009", answers(0, 0, 0))] {
        assert_eq!(reader.latest_answers(channel).unwrap(), wanted, "{channel}");
    }
}

#[test]
fn another_channel_is_told_from_the_same_ones() {
    let other = |id: &str| OtherChannel {
        id: id.to_owned(),
        message: None,
    };
    for (ids, adds) in [
        (&["7002", "7003"][..], false),
        (&["7002"], false),
        (&["7002", "7003", "7004"], true),
    ] {
        let fallback = Fallback {
            channels: ids.iter().map(|id| other(id)).collect(),
            on_channel: false,
            at_most: 1,
        };
        let act = move |tx: &mut Tx<'_>| {
            let added = keep_with(tx.connection, BatchId::for_tests(1), &fallback)?;
            Ok((
                added,
                kept(tx.connection, BatchId::for_tests(1))? == Some(fallback.clone()),
            ))
        };
        assert_eq!(after("", act, "SELECT 'x'").0, (adds, true), "{ids:?}");
    }
}
