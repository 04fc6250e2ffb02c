use super::*;

/// A batch that is complete and one that is not, each with a row that was refused; the text of the first is known.
const CHECKPOINT: &str = r#"
    INSERT INTO channel (id, api_id) VALUES (1, '7001');
    INSERT INTO batch (id, uid, name, state, state_since, digest, definition, headers, files, channel, sandbox, created_at)
        VALUES (1, x'01', 'spring', 'complete', 0, zeroblob(32), '{}', '[]', '["list.csv"]', 1, 0, 0),
               (2, x'02', 'summer', 'stopped', 0, zeroblob(32), '{}', '[]', '["list.csv"]', 1, 0, 0);
    INSERT INTO tally (batch, no_messenger, error, queued) VALUES (1, 9, 9, 9), (2, 9, 9, 9);
    INSERT INTO person (id, number) VALUES (1, 420777000001), (2, 420777000002);
    INSERT INTO refusal (id, text, source, decided_at, seen) VALUES (7, 'blocked', 'answer', 1, 1);
    INSERT INTO recipient (id, person, state, reason_code, reason, finished_at, not_before, refusal)
        VALUES ((1 << 32) + 1, 1, 'error', 'rejected', 'blocked', 5, 8, 7),
               ((2 << 32) + 1, 2, 'error', 'rejected', 'blocked', 5, 8, 7);
    INSERT INTO recipient_input (id, file, row, fields, content)
        VALUES ((1 << 32) + 1, 0, 2, '[]', '{"type": "text", "payload": "Hi"}'),
               ((2 << 32) + 1, 0, 2, '[]', '{"type": "text", "payload": "Hi"}');"#;

/// The row of a batch: state, when it is claimed, the text that holds it, why, its end, and its note; the batch and its
/// counts.
const ROW: &str = "
    SELECT concat_ws(' | ', r.state, r.not_before, coalesce((SELECT text FROM refusal WHERE id = r.held), '-'),
                     coalesce(r.reason_code, '-'), coalesce(r.reason, '-'), coalesce(r.finished_at, '-'),
                     (SELECT concat_ws(' ', outcome, text, 'by', proof_by, 'at', started_at) FROM attempt
                      WHERE kind = 'note' AND recipient = r.id),
                     b.state, concat_ws(' ', t.no_messenger, t.error, t.queued))
    FROM recipient r JOIN batch b ON b.id = r.id >> 32 JOIN tally t ON t.batch = b.id WHERE r.id = (1 << 32) + 1";

/// The texts: what they mean, who says so since when, and how often they were met.
const TEXTS: &str = "
    SELECT group_concat(concat_ws(' ', text, coalesce(meaning, '-'), source, decided_at, seen), ', ' ORDER BY id)
    FROM refusal";

const DECISIONS: &str = "
    SELECT coalesce(group_concat(concat_ws(' ', at, actor, coalesce(batch, '-'), what, detail), ', ' ORDER BY id), 'none')
    FROM decision";

fn row() -> RecipientId {
    RecipientId::new(BatchId::for_tests(1), 1)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// A checkpoint after these statements.
fn checkpoint(statements: &str) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("outreach.db")).unwrap();
    change(&store, &format!("{CHECKPOINT} {statements}"));
    (folder, store)
}

fn change(store: &Store, statements: &str) {
    let statements = statements.to_owned();
    let changed = store.writer.write_blocking(move |tx| {
        tx.connection.execute_batch(&statements)?;
        Ok(())
    });
    changed.unwrap();
}

fn find(store: &Store, query: &'static str) -> String {
    let found = store
        .writer
        .write_blocking(move |tx| tx.connection.value(query, []));
    found.unwrap()
}

/// What stands for the text of a refusal.
fn met(store: &Store, text: &'static str, known: Option<Meaning>) -> RefusalId {
    let met = store
        .writer
        .write_blocking(move |tx| seen(tx.connection, text, known, at(9)));
    met.unwrap()
}

#[test]
fn a_text_is_kept_once_and_what_a_person_says_of_it_stays() {
    let (_folder, store) = checkpoint("");
    let text = "blocked until 5 pm";
    assert_eq!(met(&store, text, None), RefusalId(8));
    assert_eq!(met(&store, "blocked until 6 pm", None), RefusalId(8));
    let before = "blocked - answer 1 1";
    let of_nobody = format!("{before}, blocked until # pm - answer 9000 2");
    assert_eq!(find(&store, TEXTS), of_nobody);
    // The table of refusals learned it, and knew better later.
    met(&store, text, Some(Meaning::Wait));
    met(&store, text, Some(Meaning::Person));
    let of_table = format!("{before}, blocked until # pm person table 9000 4");
    assert_eq!(find(&store, TEXTS), of_table);
    change(
        &store,
        "UPDATE refusal SET source = 'learned' WHERE id = 8; UPDATE refusal SET source = 'jana', meaning = 'message' WHERE id = 7",
    );
    met(&store, text, None);
    met(&store, "blocked", Some(Meaning::Person));
    let of_person = "blocked message jana 1 2, blocked until # pm - answer 9000 5";
    assert_eq!(find(&store, TEXTS), of_person);
}

#[test]
fn texts_that_are_too_many_are_kept_as_one_and_those_that_are_kept_are_found() {
    let (_folder, store) = checkpoint(
        "INSERT INTO refusal (id, text, source, decided_at, seen) VALUES (9999, 'late', 'answer', 1, 1);",
    );
    let texts = ["the last one", "one more", "and another", "late"];
    let kept = texts.map(|text| met(&store, text, None).0);
    assert_eq!(kept, [10_000, 10_001, 10_001, 9_999]);
    let wanted = "blocked - answer 1 1, late - answer 1 2, the last one - answer 9000 1, \
                  (another text) - answer 9000 2";
    assert_eq!(find(&store, TEXTS), wanted);
}

/// Whether the row goes back to the queue, and how it stands then.
fn requeued(statements: &str, hold: bool) -> (bool, String) {
    let (_folder, store) = checkpoint(statements);
    let cause = Cause {
        outcome: AttemptOutcome::TakenBack,
        text: "stopped",
        actor: "guard",
        at: at(9),
    };
    let went = store
        .writer
        .write_blocking(move |tx| requeue(tx, row(), hold, cause));
    (went.unwrap(), find(&store, ROW))
}

#[test]
fn who_was_refused_goes_back_to_the_queue_and_is_held_where_the_text_has_no_meaning() {
    let note = "taken_back stopped by guard at 9000 | complete";
    let held = format!("held until somebody says what this refusal means: blocked | - | {note}");
    let other = "UPDATE recipient SET refusal = NULL, reason = 'other';";
    let held_by_other = held.replace("means: blocked", "means: other");
    let without = "UPDATE recipient SET state = 'no_messenger';";
    for (statements, hold, wanted) in [
        (
            "",
            false,
            format!("queued | 0 | - | - | - | - | {note} | 9 8 10"),
        ),
        (
            "",
            true,
            format!("queued | 0 | blocked | held | {held} | 9 8 10"),
        ),
        (
            other,
            true,
            format!("queued | 0 | other | held | {held_by_other} | 9 8 10"),
        ),
        (
            without,
            false,
            format!("queued | 0 | - | - | - | - | {note} | 8 9 10"),
        ),
    ] {
        let found = requeued(statements, hold);
        assert_eq!(found, (true, wanted), "{statements} {hold}");
    }
}

/// A request for the row, with its outcome and what was proven of it.
fn request(outcome: &str, proof: &str) -> String {
    format!(
        "INSERT INTO attempt (recipient, person, channel, kind, started_at, outcome, proof)
             VALUES ((1 << 32) + 1, 1, 1, 'request', 3, {outcome}, {proof});"
    )
}

#[test]
fn who_may_have_the_message_or_must_not_get_it_stays_as_they_are() {
    let states = [
        "sent",
        "unknown",
        "queued",
        "suppressed",
        "invalid",
        "duplicate",
        "sending",
    ];
    let mut cases: Vec<String> = [
        "UPDATE recipient SET maybe_accepted_at = 3;",
        "UPDATE person SET number = NULL;",
        "UPDATE recipient_input SET content = NULL;",
        "UPDATE recipient SET reason_code = 'erased';",
        "UPDATE recipient SET reason_code = 'no_consent';",
        // It is of a list that another one has replaced.
        "UPDATE batch SET first_file = 1;",
    ]
    .map(str::to_owned)
    .into();
    cases.extend(states.map(|state| format!("UPDATE recipient SET state = '{state}';")));
    cases.extend(["'sent'", "'undecided'", "'interrupted'", "NULL"].map(|it| request(it, "NULL")));
    for statements in cases {
        let (_folder, store) = checkpoint(&statements);
        let before = find(&store, ROW);
        for hold in [false, true] {
            assert_eq!(
                requeued(&statements, hold),
                (false, before.clone()),
                "{statements}"
            );
        }
    }
    assert!(requeued(&request("'rejected'", "NULL"), false).0);
}

/// A person decides of it, and no acceptance.
#[test]
fn a_row_that_an_open_run_holds_waits_for_a_person_once_it_is_to_be_held() {
    let open = "UPDATE recipient SET state = 'queued', held = 7, reason_code = 'open_run';";
    let code = |hold| {
        requeued(open, hold)
            .1
            .split(" | ")
            .nth(3)
            .map(str::to_owned)
    };
    assert_eq!(code(true).as_deref(), Some("held"));
    assert_eq!(code(false).as_deref(), Some("open_run"));
}

fn say(store: &Store, meaning: Meaning, text: &str, actor: &str, now: i64) {
    let rule = RefusalRule::new(meaning, text);
    store.say(&[rule], actor, at(now)).unwrap();
}

#[test]
fn what_a_person_says_of_a_text_is_kept_and_each_change_of_it_is_a_decision() {
    let (_folder, store) = checkpoint("UPDATE refusal SET meaning = 'person', source = 'table';");
    // The table says the same, but it is no person.
    say(&store, Meaning::Person, "blocked", "jana", 11);
    say(&store, Meaning::Person, "blocked", "eva", 12);
    say(&store, Meaning::Wait, "busy", "eva", 13);
    say(&store, Meaning::Message, "blocked", "eva", 14);
    let texts = "blocked message eva 14000 1, busy wait eva 13000 0";
    assert_eq!(find(&store, TEXTS), texts);
    let decisions = [
        r#"11000 jana - refusal {"text":"blocked","meaning":"person"}"#,
        r#"13000 eva - refusal {"text":"busy","meaning":"wait"}"#,
        r#"14000 eva - refusal {"text":"blocked","meaning":"message"}"#,
    ];
    assert_eq!(find(&store, DECISIONS), decisions.join(", "));
}

/// Of several sayings about one text the last one counts.
#[test]
fn the_rules_are_what_people_said_in_that_order() {
    let (_folder, store) = checkpoint(
        "INSERT INTO refusal (text, meaning, source, decided_at) VALUES
             ('not now, busy', 'wait', 'jana', 5), ('busy', 'person', 'eva', 4), ('late', 'wait', 'table', 1),
             ('old', 'wait', 'learned', 1), ('odd', 'no such meaning', 'eva', 1), ('none', NULL, 'eva', 1);",
    );
    let rules = store.reader().unwrap().refusal_rules().unwrap();
    let wanted = [(Meaning::Person, "busy"), (Meaning::Wait, "not now, busy")];
    let wanted: RefusalRules = wanted
        .map(|(meaning, text)| RefusalRule::new(meaning, text))
        .into_iter()
        .collect();
    assert_eq!(rules, wanted);
    assert_eq!(rules.meaning("not now, busy"), Some(Meaning::Wait));
}

/// Further rows of the first batch, from 2 on: held by these texts.
fn held_by(texts: &[u32]) -> String {
    (2..).zip(texts).fold(String::new(), |all, (seq, text)| {
        all + &format!(
            "INSERT INTO recipient (id, person, state, held, reason_code, reason)
                 VALUES ((1 << 32) + {seq}, {seq}, 'queued', {text}, 'held', 'held until');"
        )
    })
}

const OTHERS: &str = "
    INSERT INTO refusal (id, text, meaning, source, decided_at) VALUES
        (3, 'busy', 'wait', 'table', 1), (4, 'late', 'wait', 'jana', 1);
    UPDATE recipient SET state = 'queued', held = 7 WHERE id >> 32 = 2;";

#[test]
fn the_texts_that_hold_rows_of_a_batch_are_listed_the_most_frequent_first() {
    let rows = held_by(&[4, 3, 3, 7, 7, 7]);
    let ended = "UPDATE recipient SET state = 'suppressed' WHERE id = (1 << 32) + 7;";
    let (_folder, store) = checkpoint(&format!("{OTHERS} {rows} {ended}"));
    let held = store.reader().unwrap().held(BatchId::for_tests(1)).unwrap();
    let text = |refusal, text: &str, known, rows| HeldText {
        text: text.to_owned(),
        known,
        rows,
        refusal: RefusalId(refusal),
    };
    let wanted = [
        // The table knows it; what a person says of it is none of its knowledge.
        text(3, "busy", Some(Meaning::Wait), 2),
        text(7, "blocked", None, 2),
        text(4, "late", None, 1),
    ];
    assert_eq!(held, wanted);
}

#[test]
fn once_a_text_has_a_meaning_its_rows_end_or_are_tried_again_and_the_batch_goes_on() {
    let no_messenger = "no_messenger | 0 | - | no_messenger | blocked | 9000";
    let error = "error | 0 | - | person | blocked | 9000";
    let queued = "queued | 0 | - | - | - | -";
    for (meaning, row, batch) in [
        (Meaning::NoMessenger, no_messenger, "complete | 10 9 8"),
        (Meaning::Person, error, "complete | 9 10 8"),
        (Meaning::Message, queued, "paused | 9 9 9"),
        (Meaning::Channel, queued, "paused | 9 9 9"),
        (Meaning::Wait, queued, "paused | 9 9 9"),
        (Meaning::Later, queued, "paused | 9 9 9"),
    ] {
        let held = "UPDATE recipient SET state = 'queued', held = 7, reason_code = 'held', reason = 'held until';";
        let (_folder, store) = checkpoint(held);
        let batch_now = store.reader().unwrap().batch("spring").unwrap();
        let held = HeldText {
            refusal: RefusalId(7),
            ..HeldText::for_tests("blocked", 1)
        };
        let ended = store.end_hold(&batch_now, &held, meaning, "jana", at(9));
        assert_eq!(ended.unwrap(), 1);
        let word = meaning.word();
        let wanted = format!("{row} | decided {word} by jana at 9000 | {batch}");
        assert_eq!(find(&store, ROW), wanted, "{meaning:?}");
        let decision =
            format!(r#"9000 jana 1 held {{"text":"blocked","meaning":"{word}","rows":1}}"#);
        assert_eq!(find(&store, DECISIONS), decision);
        let other = "SELECT state || held FROM recipient WHERE id >> 32 = 2";
        assert_eq!(find(&store, other), "queued7", "the row of another batch");
    }
}

#[test]
fn the_rows_that_another_text_holds_are_held_on() {
    let (_folder, store) = checkpoint(&format!("{OTHERS} {}", held_by(&[4, 3, 3])));
    let batch = store.reader().unwrap().batch("spring").unwrap();
    let held = store.reader().unwrap().held(batch.id).unwrap();
    let ended = store.end_hold(&batch, &held[0], Meaning::Person, "jana", at(9));
    assert_eq!(ended.unwrap(), 2);
    let left = store.reader().unwrap().held(batch.id).unwrap();
    assert_eq!(left, held[1..]);
}

/// It was settled between the list of those who are held and its turn.
#[test]
fn a_row_that_is_held_no_more_stays_as_it_is() {
    for statements in [
        "UPDATE recipient SET state = 'suppressed', held = 7;",
        "UPDATE recipient SET state = 'queued', held = NULL;",
    ] {
        let (_folder, store) = checkpoint(statements);
        let before = find(&store, ROW);
        let cause = Cause {
            outcome: AttemptOutcome::Decided,
            text: "person",
            actor: "jana",
            at: at(9),
        };
        let freed = store
            .writer
            .write_blocking(move |tx| free(tx, row(), Meaning::Person, "blocked", cause));
        assert!(!freed.unwrap(), "{statements}");
        assert_eq!(find(&store, ROW), before, "{statements}");
    }
}
