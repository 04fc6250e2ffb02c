use super::*;

/// Batch 2 was finished long ago, and its two people were messaged; batch 3 goes on.
const CHECKPOINT: &str = r#"
    INSERT INTO channel (id, api_id) VALUES (1, '7001'), (2, '7002');
    INSERT INTO batch (id, uid, name, state, state_since, digest, definition, headers, files, channel, sandbox, created_at,
                       finished_at, halted_text, policy)
        VALUES (2, x'02', 'spring', 'complete', 0, zeroblob(32), '{"content": "Dear Eva"}', '[]', '[]', 1, 0, 0,
                2000, 'no, Eva', '{"fallback": {}, "sent_as": {}, "guard": 5}'),
               (3, x'03', 'summer', 'running', 0, zeroblob(32), '{"content": "Hi"}', '[]', '[]', 1, 0, 0,
                NULL, 'no', '{"fallback": {}}');
    INSERT INTO tally (batch, sent, error) VALUES (2, 1, 1), (3, 5, 0);
    INSERT INTO person (id, number) VALUES (1, 420777000001), (2, 420777000002), (3, 420777000003);
    INSERT INTO person_by_number (number, person) SELECT number, id FROM person;
    INSERT INTO recipient (id, person, state, reason) VALUES
        ((2 << 32) + 1, 1, 'sent', 'to Eva'), ((2 << 32) + 2, 2, 'error', 'to Jan'), ((3 << 32) + 1, 3, 'error', 'to Petr');
    INSERT INTO recipient_input (id, file, row, fields, first_name, last_name, contact_id, content, metadata, suggestion,
                                 content_key)
        SELECT id, 1, 7 + (id & 255), '["Eva"]', 'Eva', 'M', '51', 'Hi Eva', '{}', 'write 0', 9 FROM recipient;
    INSERT INTO attempt (id, recipient, person, channel, kind, started_at, outcome, text, message_id, proof_text)
        SELECT person, id, person, 1, 'request', 3, 'sent', 'Eva', 31, 'Eva' FROM recipient;
    INSERT INTO contact (id, channel, api_id, person) VALUES (1, 1, 51, 1), (2, 1, 52, 2), (3, 1, 53, 3);
    INSERT INTO contact_read (contact, until) VALUES (1, 4), (3, 4);"#;

const BATCH: BatchId = BatchId::for_tests(2);

fn now() -> Timestamp {
    Timestamp::from_second(9).unwrap()
}

/// A checkpoint after these statements.
fn checkpoint(statements: &str) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("outreach.db")).unwrap();
    let statements = format!("{CHECKPOINT} {statements}");
    let made = store
        .writer
        .write_blocking(move |tx| Ok(tx.connection.execute_batch(&statements)?));
    made.unwrap();
    (folder, store)
}

fn find(store: &Store, query: &'static str) -> String {
    let found = store
        .writer
        .write_blocking(move |tx| tx.connection.value(query, []));
    found.unwrap()
}

fn note() -> DecisionRecord {
    DecisionRecord {
        batch: Some(BATCH),
        actor: "jana".to_owned(),
        what: "prune",
        detail: "7 days".to_owned(),
        at: now(),
    }
}

/// The people: the number and by what they are found, and whether a hash is left; their contacts likewise.
const PEOPLE: &str = "
    SELECT group_concat(concat_ws(' ', p.id, coalesce(p.number, '-'), p.number_hash IS NOT NULL,
                        (SELECT number FROM person_by_number WHERE person = p.id),
                        (SELECT group_concat(coalesce(api_id, '-') || ':' || (api_id_hash IS NOT NULL)) FROM contact
                         WHERE person = p.id)), ', ' ORDER BY p.id) FROM person p";

/// What the rows and their requests say.
const TEXTS: &str = "
    SELECT group_concat(concat_ws(' ', r.state, coalesce(r.reason, '-'), i.file, i.row, i.fields,
                        concat(i.first_name, i.last_name, i.contact_id, i.content, i.metadata, i.suggestion), i.content_key,
                        a.outcome, concat(a.text, a.message_id, a.proof_text)), ', ' ORDER BY r.id)
    FROM recipient r JOIN recipient_input i ON i.id = r.id JOIN attempt a ON a.recipient = r.id";

/// Prunes the batch in steps of so many rows, and returns the rows and people of each of them.
fn prune(store: &Store, rows: u32) -> Vec<(u64, u64)> {
    assert_eq!(store.begin_prune(BATCH, note(), now()).unwrap(), None);
    let mut steps = Vec::new();
    loop {
        let step = store.prune_step(BATCH, rows).unwrap();
        if !step.more {
            assert_eq!((step.rows, step.people), (0, 0));
            return steps;
        }
        steps.push((step.rows, step.people));
    }
}

#[test]
fn of_a_pruned_batch_places_and_outcomes_and_hashes_stay_and_nothing_of_another_goes() {
    let before = "error to Petr 1 8 [\"Eva\"] EvaM51Hi Eva{}write 0 9 sent Eva31Eva";
    let of_third = "3 420777000003 0 420777000003 53:0";
    for rows in [1, 9] {
        let (_folder, store) = checkpoint("");
        let steps = prune(&store, rows);
        let sum = steps
            .iter()
            .fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        assert_eq!(sum, (2, 2));
        assert!(rows > 1 || steps == [(1, 1), (1, 1)], "{steps:?}");
        let people = format!("1 - 1 -:1, 2 - 1 -:1, {of_third}");
        assert_eq!(find(&store, PEOPLE), people);
        let texts = format!("sent - 1 8 []  9 sent , error - 1 9 []  9 sent , {before}");
        assert_eq!(find(&store, TEXTS), texts);
        let read = "SELECT group_concat(contact) FROM contact_read";
        assert_eq!(find(&store, read), "3");
    }
}

#[test]
fn the_mark_of_a_pruned_batch_keeps_what_is_no_text_and_is_set_once() {
    let (_folder, store) = checkpoint("");
    store.begin_prune(BATCH, note(), now()).unwrap();
    let batches = "
        SELECT group_concat(concat_ws(' ', substr(definition ->> 'content', 1, 7), coalesce(halted_text, '-'), policy), ', '
                            ORDER BY id) FROM batch";
    let of_other = r#"Hi no {"fallback": {}}"#.replace(": {}", ":{}");
    let begun = format!(
        r#"sha256: - {{"guard":5,"pruned_at":9000,"pruned_to":{}}}"#,
        2_i64 << 32
    );
    let found = find(&store, batches).replace(": {}", ":{}");
    assert_eq!(found, format!("{begun}, {of_other}"));
    assert_eq!(store.prune_step(BATCH, 1).unwrap().rows, 1);
    // The next process goes on where the last one was.
    let later = Timestamp::from_second(99).unwrap();
    store.begin_prune(BATCH, note(), later).unwrap();
    let half = format!("\"pruned_at\":9000,\"pruned_to\":{}", (2_i64 << 32) + 1);
    let found = find(&store, batches);
    assert!(found.contains(&half), "{found}");
    let decisions = "SELECT group_concat(concat_ws(' ', actor, batch, what)) FROM decision";
    assert_eq!(find(&store, decisions), "jana 2 prune");
    assert_eq!(prune(&store, 9), [(1, 1)]);
    let found = find(&store, batches).replace(": {}", ":{}");
    let done = r#"sha256: - {"guard":5,"pruned_at":9000}"#;
    assert_eq!(found, format!("{done}, {of_other}"));
    // A new list: it is pruned no more.
    let unmarked = store
        .writer
        .write_blocking(|tx| unmark(tx.connection, BATCH));
    unmarked.unwrap();
    assert!(find(&store, batches).starts_with(r#"sha256: - {"guard":5},"#));
}

#[test]
fn whom_another_batch_needs_or_who_must_not_be_messaged_keeps_the_number() {
    let whole = "420777000001 0 420777000001";
    let needed = "INSERT INTO recipient (id, person, state) VALUES ((3 << 32) + 2, 1, 'error');";
    let suppressed = "UPDATE person SET suppressed_at = 5 WHERE id = 1;";
    // An id that several people had: its STOP concerns all of them.
    let shared =
        "INSERT INTO contact (id, channel, api_id, person) VALUES (4, 1, 51, 3), (5, 2, 52, 3);";
    for (statements, wanted) in [
        (needed, format!("1 {whole} 51:0, 2 - 1 -:1")),
        (suppressed, format!("1 {whole} -:1, 2 - 1 -:1")),
        (shared, "1 - 1 51:0, 2 - 1 -:1".to_owned()),
    ] {
        let (_folder, store) = checkpoint(statements);
        prune(&store, 9);
        let people = find(&store, PEOPLE);
        assert!(people.starts_with(&wanted), "{statements}: {people}");
    }
}

#[test]
fn a_person_of_a_pruned_batch_whose_other_list_is_dropped_is_named_by_a_hash_again() {
    let other = "INSERT INTO recipient (id, person, state) VALUES ((3 << 32) + 2, 1, 'queued');";
    let (_folder, store) = checkpoint(other);
    prune(&store, 9);
    let dropped = store.writer.write_blocking(|tx| {
        tx.connection
            .execute_batch("DELETE FROM recipient WHERE id = (3 << 32) + 2")?;
        let keys = HashKey::from_bytes(&[1; 32]).unwrap();
        strip_unneeded(tx.connection, &keys, [1, 3].map(PersonId).into_iter())
    });
    dropped.unwrap();
    let people = find(&store, PEOPLE);
    let wanted = "1 - 1 -:1, 2 - 1 -:1, 3 420777000003 0 420777000003 53:0";
    assert_eq!(people, wanted);
}

#[test]
fn a_batch_of_which_something_is_open_is_kept_and_says_why() {
    let request = |outcome: &str, proof: &str| {
        format!(
            "UPDATE recipient SET maybe_accepted_at = 3 WHERE id = (2 << 32) + 2;
             UPDATE attempt SET outcome = {outcome}, proof = {proof} WHERE id = 2;"
        )
    };
    for (statements, wanted) in [
        (String::new(), None),
        ("UPDATE batch SET state = 'cancelled';".to_owned(), None),
        (
            "UPDATE batch SET state = 'paused';".to_owned(),
            Some(KeepReason::Unfinished),
        ),
        (
            "UPDATE batch SET change = '{}';".to_owned(),
            Some(KeepReason::Unfinished),
        ),
        (
            "UPDATE recipient SET state = 'queued';".to_owned(),
            Some(KeepReason::Queued(2)),
        ),
        (
            "UPDATE recipient SET state = 'unknown';".to_owned(),
            Some(KeepReason::Unknown(2)),
        ),
        (
            "UPDATE recipient SET state = iif(id & 1, 'sending', 'queued');".to_owned(),
            Some(KeepReason::Unknown(1)),
        ),
        (request("NULL", "NULL"), Some(KeepReason::Open)),
        (request("'undecided'", "NULL"), Some(KeepReason::Open)),
        (request("'interrupted'", "NULL"), Some(KeepReason::Open)),
        (request("'undecided'", "'failed'"), None),
        (request("'rejected'", "NULL"), None),
        (
            // It was accepted: nothing is open of it.
            request("'undecided'", "NULL") + "UPDATE recipient SET state = 'sent';",
            None,
        ),
        // It is another batch's.
        (
            "UPDATE recipient SET state = 'queued' WHERE id >> 32 = 3;".to_owned(),
            None,
        ),
    ] {
        let (_folder, store) = checkpoint(&statements);
        let kept = store.begin_prune(BATCH, note(), now()).unwrap();
        assert_eq!(kept, wanted, "{statements}");
        let is_marked = "SELECT '' || (policy ->> 'pruned_at' IS NOT NULL) FROM batch WHERE id = 2";
        let marked = if wanted.is_none() { "1" } else { "0" };
        assert_eq!(find(&store, is_marked), marked, "{statements}");
    }
}

#[test]
fn the_batches_that_were_finished_before_a_time_are_listed_until_they_are_pruned_whole() {
    let (_folder, store) = checkpoint(
        "INSERT INTO batch (id, uid, name, state, state_since, digest, definition, headers, files, channel, sandbox, created_at)
             VALUES (1, x'01', 'winter', 'cancelled', 1000, x'01', '{}', '[]', '[]', 1, 0, 0),
                    (4, x'04', 'read', 'reading', 1000, x'01', '{}', '[]', '[]', 1, 0, 0),
                    (5, x'05', NULL, 'complete', 1000, x'01', '{}', '[]', '[]', 1, 0, 0);
         INSERT INTO tally (batch) VALUES (1), (4), (5);
         UPDATE batch SET state_since = 3000 WHERE id = 3;",
    );
    let old = |before: i64| {
        let before = Timestamp::from_millisecond(before).unwrap();
        let old = store.reader().unwrap().old_batches(before).unwrap();
        let told = old.into_iter().map(|old| {
            let finished = old.finished_at.as_millisecond();
            format!("{} {finished} {} {:?}", old.name, old.rows, old.kept)
        });
        told.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(old(1_000), "");
    let winter = "winter 1000 0 None";
    assert_eq!(old(2_000), winter);
    assert_eq!(old(2_001), format!("{winter}, spring 2000 2 None"));
    let summer = "summer 3000 5 Some(Unfinished)";
    assert_eq!(
        old(3_001),
        format!("{winter}, spring 2000 2 None, {summer}")
    );
    store.begin_prune(BATCH, note(), now()).unwrap();
    store.prune_step(BATCH, 1).unwrap();
    assert_eq!(
        old(2_001),
        format!("{winter}, spring 2000 2 None"),
        "half pruned"
    );
    prune(&store, 9);
    assert_eq!(old(2_001), winter);
}

#[test]
fn what_old_events_say_goes_and_they_wait_no_more() {
    let (_folder, store) = checkpoint(
        "INSERT INTO event (id, key, kind, body, news, received_at, applied_at) VALUES
             (1, x'01', 'odd', '{}', NULL, 4999, 4999), (2, x'02', 'odd', '{}', NULL, 5000, 5000),
             (3, x'03', 'sent', NULL, '{}', 4999, NULL), (4, x'04', 'sent', NULL, '{}', 5000, NULL),
             (5, x'05', 'odd', '{}', NULL, 1, 1), (6, x'06', 'sent', NULL, '{}', 1, NULL),
             (7, x'07', 'sent', NULL, NULL, 1, 2);",
    );
    let before = Timestamp::from_millisecond(5_000).unwrap();
    store.prune_events(before, now()).unwrap();
    let events = "
        SELECT group_concat(concat_ws(' ', id, body, news, coalesce(applied_at, 'waits')), ', ' ORDER BY id) FROM event";
    let wanted = "1 4999, 2 {} 5000, 3 9000, 4 {} waits, 5 1, 6 9000, 7 2";
    assert_eq!(find(&store, events), wanted);
}
