use super::*;
use crate::store::checkpoint::Store;

const WHOSE: PersonId = PersonId(1);
const ON: ChannelId = ChannelId(1);

/// Rows 1 and 2 of batch 1, of person 1, and row 1 of batch 2, of person 2.
const ROWS: [RecipientId; 3] = [
    RecipientId((1 << 32) | 1),
    RecipientId((1 << 32) | 2),
    RecipientId((2 << 32) | 1),
];

/// What is read from a checkpoint with two people, two channels, and these rows, after these statements.
fn after<T: Send + 'static>(
    statements: &str,
    read: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
) -> T {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("outreach.db")).unwrap();
    let statements = format!(
        "INSERT INTO channel (id, api_id) VALUES (1, '7001'), (2, '7002');
         INSERT INTO person (id, number) VALUES (1, 420777000001), (2, 420777000002);
         INSERT INTO recipient (id, person, state)
             VALUES ((1 << 32) + 1, 1, 'sending'), ((1 << 32) + 2, 1, 'sending'), ((2 << 32) + 1, 2, 'sending');
         {statements}"
    );
    let found = store.writer.write_blocking(move |tx| {
        tx.connection.execute_batch(&statements)?;
        read(tx.connection)
    });
    found.unwrap()
}

/// A request for a row of [`ROWS`], on a channel, and how it ended.
fn request(row: usize, on: u8, kind: &str, started: i64, outcome: &str) -> String {
    let person = if row == 2 { 2 } else { 1 };
    format!(
        "INSERT INTO attempt (recipient, person, channel, kind, started_at, finished_at, outcome, text)
             VALUES ({}, {person}, {on}, '{kind}', {started}, {started} + 1, {outcome}, 'nobody here');",
        ROWS[row].get()
    )
}

#[test]
fn who_was_not_reached_is_not_reached_until_something_says_otherwise_of_this_person_on_this_channel()
 {
    let unreached = |more: &str, asker: Option<RecipientId>| {
        let known = "INSERT INTO refusal (text, meaning, source) VALUES ('nobody here', 'no_messenger', 'api');";
        let first = request(0, 1, "request", 10, "'no_messenger'");
        after(&format!("{known} {first} {more}"), move |connection| {
            unreached_since(connection, WHOSE, ON, asker)
        })
        .map(to_millis)
    };
    let contact = |person: u8, on: u8, former: u8| {
        format!(
            "INSERT INTO contact (channel, api_id, person, former) VALUES ({on}, 21, {person}, {former});"
        )
    };
    let asker = RecipientId((3 << 32) | 1);
    for (more, wanted) in [
        (String::new(), Some(11)),
        // A contact that is known since.
        (contact(1, 1, 0), None),
        (contact(1, 1, 1), Some(11)),
        (contact(1, 2, 0), Some(11)),
        (contact(2, 1, 0), Some(11)),
        // Another request since, if it may have been accepted.
        (request(1, 1, "request", 20, "'sent'"), None),
        (request(1, 1, "import", 20, "'sent'"), None),
        (request(1, 1, "request", 20, "'undecided'"), None),
        (request(1, 1, "request", 20, "'interrupted'"), None),
        (request(1, 1, "request", 20, "NULL"), None),
        (request(1, 1, "request", 20, "'no_messenger'"), Some(21)),
        (request(1, 1, "request", 20, "'rejected'"), Some(11)),
        (request(1, 1, "note", 20, "'sent'"), Some(11)),
        (request(1, 1, "test", 20, "'sent'"), Some(11)),
        (request(1, 2, "request", 20, "'sent'"), Some(11)),
        (request(2, 1, "request", 20, "'sent'"), Some(11)),
        // What is entered later and was earlier.
        (request(1, 1, "import", 5, "'sent'"), Some(11)),
        // What the text means; a results file of ours says it without.
        ("UPDATE refusal SET meaning = NULL;".to_owned(), None),
        ("UPDATE refusal SET meaning = 'person';".to_owned(), None),
        ("UPDATE refusal SET text = 'other';".to_owned(), None),
        (
            "UPDATE refusal SET meaning = NULL; UPDATE attempt SET kind = 'import';".to_owned(),
            Some(11),
        ),
    ] {
        assert_eq!(unreached(&more, Some(asker)), wanted, "{more}");
    }
    assert_eq!(unreached("", None), Some(11));
    assert_eq!(unreached("", Some(ROWS[0])), None, "who asks wants another");
}

#[test]
fn what_is_known_of_each_request_decides_whether_its_row_may_fall_back() {
    use EarlierOutcome::{Failed, Open, Stands};
    for (outcome, proof, arrived, wanted) in [
        ("NULL", "NULL", "NULL", Open),
        ("'undecided'", "NULL", "NULL", Open),
        ("'interrupted'", "NULL", "NULL", Open),
        ("'sent'", "NULL", "NULL", Stands),
        ("'sent'", "'failed'", "NULL", Failed),
        ("'sent'", "'failed'", "5", Stands),
        ("'undecided'", "'failed'", "5", Stands),
        ("'undecided'", "'accepted'", "NULL", Stands),
        ("'undecided'", "'assumed'", "NULL", Stands),
        ("'undecided'", "'resend'", "NULL", Failed),
        ("'interrupted'", "'failed'", "NULL", Failed),
        ("'no_messenger'", "NULL", "NULL", Failed),
    ] {
        for what in ["delivered_at", "read_at"] {
            let statements = request(0, 2, "request", 10, outcome)
                + &format!("UPDATE attempt SET proof = {proof}, {what} = {arrived};")
                + &request(0, 1, "note", 11, "'evidence'")
                + &request(0, 1, "test", 12, "'sent'")
                + &request(1, 1, "request", 13, "'sent'")
                + &request(2, 1, "request", 14, "'sent'");
            let past = after(&statements, |connection| past_of(connection, ROWS[0]));
            assert_eq!(
                past,
                [(wanted, ChannelId(2))],
                "{outcome} {proof} {arrived}"
            );
        }
    }
}

#[test]
fn a_wait_ends_for_the_rows_of_the_same_person_that_wait_for_an_outcome_and_for_no_other() {
    let waiting = |row: usize, state: &str, not_before: i64| {
        format!(
            "UPDATE recipient SET state = '{state}', not_before = {not_before}, reason_code = 'waits', reason = 'why'
                 WHERE id = {};",
            ROWS[row].get()
        )
    };
    for (row, state, not_before, ends) in [
        (1, "queued", FOR_AN_OUTCOME, true),
        (1, "queued", 9, false),
        (1, "suppressed", FOR_AN_OUTCOME, false),
        (2, "queued", FOR_AN_OUTCOME, false),
    ] {
        let statements = waiting(row, state, not_before);
        let left: (i64, Option<String>, Option<String>) = after(&statements, move |connection| {
            end_waits(connection, ROWS[0])?;
            connection.row(
                "SELECT not_before, reason_code, reason FROM recipient WHERE id = ?1",
                [ROWS[row]],
            )
        });
        let reason = |text: &str| (!ends).then(|| text.to_owned());
        let wanted = (
            if ends { 0 } else { not_before },
            reason("waits"),
            reason("why"),
        );
        assert_eq!(left, wanted, "{statements}");
    }
}

#[test]
fn a_contact_is_gone_where_a_request_for_this_row_found_so() {
    let gone = |statements: &str, row: RecipientId| {
        after(statements, move |connection| {
            was_contact_gone(connection, row, WHOSE)
        })
    };
    let found_gone = request(0, 1, "request", 10, "'contact_gone'");
    assert!(gone(&found_gone, ROWS[0]));
    assert!(!gone(&found_gone, ROWS[1]));
    assert!(!gone(
        &request(0, 1, "request", 10, "'no_messenger'"),
        ROWS[0]
    ));
}

#[test]
fn what_is_under_way_is_so_in_its_batch_and_to_its_person() {
    let statements = request(0, 1, "request", 10, "'sent'")
        + &request(1, 1, "request", 11, "NULL")
        + &request(2, 1, "request", 12, "NULL");
    let batch = BatchId(1);
    let millis = |millis| Timestamp::from_millisecond(millis).unwrap();
    let found = after(&statements, move |connection| {
        Ok((
            under_way_in(connection, batch)?,
            [9, 10, 11].map(|after| count_under_way(connection, batch, millis(after)).unwrap()),
            count_under_way(connection, BatchId(2), millis(0))?,
            under_way_to(connection, WHOSE)?,
            under_way_to(connection, PersonId(3))?,
            batches_under_way(connection)?,
        ))
    });
    let wanted = (
        vec![(AttemptId(2), ROWS[1])],
        [1, 1, 0],
        1,
        Some(ROWS[1]),
        None,
        vec![batch, BatchId(2)],
    );
    assert_eq!(found, wanted);
    let ended = after(&request(0, 1, "request", 10, "'sent'"), |connection| {
        Ok((
            under_way_to(connection, WHOSE)?,
            batches_under_way(connection)?,
        ))
    });
    assert_eq!(ended, (None, Vec::new()));
}
