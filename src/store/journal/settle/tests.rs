use jiff::Timestamp;

use super::*;
use crate::domain::outcome::Receipt;
use crate::store::checkpoint::Store;
use crate::store::ids::BatchId;

/// A row of the first of two people, whose request left at 2,000,000 and has no answer. The row before it is of the other
/// one, and nothing that is settled here is about it.
const CHECKPOINT: &str = "
    INSERT INTO channel (id, api_id) VALUES (1, '7001');
    INSERT INTO batch (id, uid, name, state, state_since, digest, definition, headers, files, channel, sandbox, created_at)
        VALUES (1, x'01', 'spring', 'running', 0, x'01', '{}', '[]', '[]', 1, 0, 0);
    INSERT INTO tally (batch, sent, no_messenger, error, unknown, queued, sending) VALUES (1, 9, 9, 9, 9, 9, 9);
    INSERT INTO person (id, number) VALUES (1, 420777000001), (2, 420777000002);
    INSERT INTO person_by_number (number, person) SELECT number, id FROM person;
    INSERT INTO recipient (id, person, state) VALUES (1 << 32, 2, 'sending'), ((1 << 32) + 1, 1, 'sending');
    INSERT INTO attempt (id, recipient, person, channel, kind, started_at)
        VALUES (99, 1 << 32, 2, 1, 'request', 1500000), (100, (1 << 32) + 1, 1, 1, 'request', 2000000);";

const NOW: i64 = 3_000_000;

/// What became of the request.
fn became(outcome: AttemptOutcome, event: Event, text: &str) -> Settlement {
    Settlement {
        recipient: RecipientId::new(BatchId::for_tests(1), 1),
        outcome,
        event,
        http_status: Some(422),
        text: text.to_owned(),
        why: "",
        known: None,
        by_text: false,
        receipt: None,
        at: Timestamp::from_millisecond(NOW).unwrap(),
    }
}

/// It was accepted; the answer names the number of this person, if any.
fn accepted(person: Option<u64>) -> Settlement {
    let number = person.and_then(|person| PhoneNumber::from_e164(420_777_000_000 + person));
    Settlement {
        http_status: Some(201),
        receipt: Some(Receipt {
            message_id: Some("31".to_owned()),
            contact_id: Some("51".to_owned()),
            channel_type: None,
            number,
        }),
        ..became(AttemptOutcome::Sent, Event::Accepted, "")
    }
}

fn lost() -> Settlement {
    became(AttemptOutcome::Undecided, Event::AnswerLost, "timed out")
}

fn nobody() -> Settlement {
    became(
        AttemptOutcome::NoMessenger,
        Event::NoMatch,
        "HTTP 422: nobody",
    )
}

/// A text that says that nothing was sent, and is to be tried later.
fn later() -> Settlement {
    Settlement {
        by_text: true,
        ..became(AttemptOutcome::Later, Event::Released, "busy")
    }
}

/// What the row looks like: state, attempts, reason code and reason, its end, when it is claimed again, since when it
/// may have been accepted, and the text that refused it.
const ROW: &str = "
    SELECT concat_ws(' | ', state, attempts, coalesce(reason_code, '-'), coalesce(reason, '-'), coalesce(finished_at, '-'),
                     not_before, coalesce(maybe_accepted_at, '-'),
                     coalesce((SELECT text FROM refusal WHERE id = recipient.refusal), '-'))
    FROM recipient WHERE id = (1 << 32) + 1";

/// All of the other row and its request.
const OTHER: &str = "
    SELECT concat_ws(' | ', r.state, r.attempts, r.reason_code, r.reason, r.finished_at, r.not_before, r.maybe_accepted_at,
                     r.refusal, r.held, a.outcome, a.http_status, a.text, a.message_id, a.contact, a.proof, a.read_at,
                     a.finished_at)
    FROM recipient r JOIN attempt a ON a.id = 99 WHERE r.id = 1 << 32";

/// The request: outcome, status and text, its message and contact, its proof, and when it was read.
const REQUEST: &str = "
    SELECT concat_ws(' | ', outcome, http_status, coalesce(text, '-'), coalesce(message_id, '-'),
                     coalesce((SELECT api_id || ' of ' || person || iif(former, ', former', '') FROM contact
                               WHERE id = attempt.contact), '-'),
                     coalesce(proof, '-'), coalesce(read_at, '-'), finished_at)
    FROM attempt WHERE id = 100";

/// The state that is told, and what these queries find, once the result is settled after these statements.
fn settled<const N: usize>(
    statements: &str,
    it: Settlement,
    queries: [&'static str; N],
) -> (State, [String; N]) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("outreach.db")).unwrap();
    let context = Context::for_tests(&store.keys, BatchId::for_tests(1));
    let statements = format!("{CHECKPOINT} {statements}");
    let state = store.writer.write_blocking(move |tx| {
        tx.connection.execute_batch(&statements)?;
        let other: String = tx.connection.value(OTHER, [])?;
        let state = settle(tx, &context, &it)?.state;
        assert_eq!(tx.connection.value::<String>(OTHER, [])?, other);
        Ok(state)
    });
    let found = store.writer.write_blocking(move |tx| {
        let found: Result<Vec<String>, StoreError> = queries
            .iter()
            .map(|query| tx.connection.value(query, []))
            .collect();
        found
    });
    (state.unwrap(), found.unwrap().try_into().unwrap())
}

#[test]
fn the_answer_to_a_request_settles_its_row_and_closes_the_request() {
    let retry = Settlement {
        event: Event::Released,
        ..lost()
    };
    let why = Settlement {
        why: "no user",
        ..nobody()
    };
    for (it, row, request) in [
        (
            accepted(Some(1)),
            "sent | 1 | - | - | - | 0 | - | -",
            "sent | 201 | - | 31 | 51 of 1 | - | - | 3000000",
        ),
        (
            Settlement {
                receipt: None,
                ..accepted(None)
            },
            "sent | 1 | - | - | 3000000 | 0 | - | -",
            "sent | 201 | - | - | - | - | - | 3000000",
        ),
        (
            nobody(),
            "no_messenger | 1 | no_messenger | HTTP 422: nobody | 3000000 | 0 | - | HTTP 422: nobody",
            "no_messenger | 422 | HTTP 422: nobody | - | - | - | - | 3000000",
        ),
        (
            why,
            "no_messenger | 1 | no_messenger | no user: HTTP 422: nobody | 3000000 | 0 | - | HTTP 422: nobody",
            "no_messenger | 422 | HTTP 422: nobody | - | - | - | - | 3000000",
        ),
        (
            became(AttemptOutcome::Rejected, Event::Refused, "no"),
            "error | 1 | rejected | no | 3000000 | 0 | - | no",
            "rejected | 422 | no | - | - | - | - | 3000000",
        ),
        (
            lost(),
            "unknown | 1 | undecided | timed out | 3000000 | 0 | 2000000 | -",
            "undecided | 422 | timed out | - | - | - | - | 3000000",
        ),
        // Tried again whatever became of it, as the user wants.
        (
            retry,
            "queued | 1 | - | - | - | 1 | 2000000 | -",
            "undecided | 422 | timed out | - | - | resend | - | 3000000",
        ),
        (
            became(AttemptOutcome::Throttled, Event::Released, ""),
            "queued | 0 | - | - | - | 1 | - | -",
            "throttled | 422 | - | - | - | - | - | 3000000",
        ),
        (
            became(AttemptOutcome::NotSent, Event::Released, "refused"),
            "queued | 1 | - | - | - | 1 | - | -",
            "not_sent | 422 | refused | - | - | - | - | 3000000",
        ),
        (
            later(),
            "queued | 1 | - | - | - | 3010000 | - | -",
            "later | 422 | busy | - | - | - | - | 3000000",
        ),
    ] {
        let (state, found) = settled("", it.clone(), [ROW, REQUEST]);
        assert_eq!(found, [row, request], "{it:?}");
        assert!(row.starts_with(state.word()), "{it:?}");
    }
}

#[test]
fn the_counts_of_a_batch_follow_its_rows() {
    const TALLY: &str =
        "SELECT concat_ws(' ', sending, sent, unknown, queued, throttled) FROM tally";
    for (it, counts) in [
        (accepted(None), "8 10 9 9 0"),
        (lost(), "8 9 10 9 0"),
        (
            became(AttemptOutcome::Throttled, Event::Released, ""),
            "8 9 9 10 1",
        ),
    ] {
        assert_eq!(settled("", it.clone(), [TALLY]).1, [counts], "{it:?}");
    }
}

/// What says that this request was not sent says nothing of the one before.
#[test]
fn a_row_whose_earlier_request_may_have_been_accepted_is_unknown_where_the_last_one_was_not_sent() {
    let earlier = "INSERT INTO attempt (id, recipient, person, channel, kind, started_at, outcome)
                       VALUES (1, (1 << 32) + 1, 1, 1, 'request', 1000000, 'undecided');";
    let noted = "UPDATE recipient SET maybe_accepted_at = 1000000;";
    let refused = earlier.replace("undecided", "throttled");
    let unknown = "unknown | 1 | later | an earlier request may have been accepted; the last one was not: busy \
                   | 3000000 | 0 | ";
    for (statements, row) in [
        (earlier, format!("{unknown}- | -")),
        (noted, format!("{unknown}1000000 | -")),
        (
            &refused,
            "queued | 1 | - | - | - | 3010000 | - | -".to_owned(),
        ),
    ] {
        assert_eq!(settled(statements, later(), [ROW]).1, [row], "{statements}");
    }
}

#[test]
fn who_is_put_off_again_and_again_is_refused_after_twelve_tries_since_the_last_decision() {
    let tries = |count: u32, kind: &str| {
        (1..=count).fold(String::new(), |all, id| {
            all + &format!(
                "INSERT INTO attempt (id, recipient, person, channel, kind, started_at, outcome)
                     VALUES ({id}, (1 << 32) + 1, 1, 1, '{kind}', {}, 'later');",
                1_000_000 + 60_000 * id
            )
        })
    };
    let note = "INSERT INTO attempt (id, recipient, person, channel, kind, started_at, outcome)
                    VALUES (50, (1 << 32) + 1, 1, 1, 'note', 1, 'resend');";
    let refused =
        "error | 1 | later | not sent in 12 tries over 32 min: busy | 3000000 | 0 | - | -";
    let queued =
        |seconds: i64| format!("queued | 1 | - | - | - | {} | - | -", NOW + 1000 * seconds);
    for (statements, row) in [
        (tries(11, "request"), refused.to_owned()),
        // The eleventh try: the delay has doubled up to half an hour.
        (tries(10, "request"), queued(1800)),
        (tries(2, "request"), queued(40)),
        (tries(11, "request") + note, queued(10)),
    ] {
        assert_eq!(
            settled(&statements, later(), [ROW]).1,
            [row],
            "{statements}"
        );
    }
}

#[test]
fn an_answer_that_names_another_number_says_so_and_its_contact_may_be_of_either() {
    const CONTACTS: &str = "SELECT group_concat(person || ' ' || former) FROM contact";
    let (_, [row, request, contacts]) = settled("", accepted(Some(2)), [ROW, REQUEST, CONTACTS]);
    assert_eq!(
        row,
        "sent | 1 | other_number | the answer names another number, +420777000002: the message may have reached that \
         person | - | 0 | - | -"
    );
    assert_eq!(
        request,
        "sent | 201 | - | 31 | 51 of 1, former | - | - | 3000000"
    );
    assert_eq!(contacts, "1 1,2 1");
}

/// A contact that is known may have read the conversation since; of a new one nothing is known.
#[test]
fn a_message_to_a_contact_that_read_since_is_read() {
    let contact = "INSERT INTO contact (id, channel, api_id, person) VALUES (1, 1, 51, 1);
                   INSERT INTO contact_read (contact, until) VALUES (1, 3000500);";
    let (_, [request]) = settled(contact, accepted(Some(1)), [REQUEST]);
    assert_eq!(
        request,
        "sent | 201 | - | 31 | 51 of 1 | - | 3000500 | 3000000"
    );
}

/// A signal gave up the answer: the row is unknown, and the request was counted. The answer comes after all.
#[test]
fn an_answer_that_was_given_up_settles_its_row_and_counts_once() {
    let given_up = "UPDATE recipient SET state = 'unknown', attempts = 1, reason_code = 'interrupted', reason = 'stopped',
                                         finished_at = 2500000, maybe_accepted_at = 2000000;
                    UPDATE attempt SET outcome = 'interrupted', finished_at = 2500000;";
    for (it, row) in [
        (accepted(Some(1)), "sent | 1 | - | - | 3000000 | 0 | - | -"),
        (
            nobody(),
            "no_messenger | 1 | no_messenger | HTTP 422: nobody | 3000000 | 0 | - | HTTP 422: nobody",
        ),
        (
            lost(),
            "unknown | 1 | undecided | timed out | 3000000 | 0 | 2000000 | -",
        ),
        (
            became(AttemptOutcome::NotSent, Event::Released, "refused"),
            "queued | 1 | - | - | - | 1 | - | -",
        ),
    ] {
        assert_eq!(settled(given_up, it.clone(), [ROW]).1, [row], "{it:?}");
    }
}

/// An event showed that it was accepted before the answer came: what it wrote stays, and the answer is counted.
#[test]
fn an_answer_that_an_event_overtook_changes_nothing_of_its_row() {
    let overtaken = "UPDATE recipient SET state = 'sent', reason_code = 'erased', reason = 'gone', finished_at = 2500000,
                                          maybe_accepted_at = 2000000;";
    let kept = "sent | 1 | erased | gone | 2500000 | 0 | 2000000 | -";
    for it in [accepted(Some(1)), nobody(), lost()] {
        assert_eq!(settled(overtaken, it.clone(), [ROW]).1, [kept], "{it:?}");
    }
}

/// An event named the message and its contact before the answer was lost.
#[test]
fn what_an_event_told_of_a_message_stays_where_the_answer_does_not_tell_it() {
    let told = "INSERT INTO contact (id, channel, api_id, person) VALUES (1, 1, 51, 1);
                UPDATE attempt SET message_id = 77, contact = 1;";
    let (_, [request]) = settled(told, lost(), [REQUEST]);
    assert_eq!(
        request,
        "undecided | 422 | timed out | 77 | 51 of 1 | - | - | 3000000"
    );
}

/// Another batch waits for the outcome of the request.
#[test]
fn an_answer_that_comes_late_ends_the_waits_for_it() {
    let waits = "UPDATE recipient SET state = 'unknown';
                 UPDATE attempt SET outcome = 'interrupted';
                 INSERT INTO recipient (id, person, state, not_before, reason_code)
                     VALUES ((2 << 32) + 1, 1, 'queued', 9223372036854775807, 'waits');";
    let other = "SELECT not_before || coalesce(reason_code, '-') FROM recipient WHERE id > 2 << 32";
    assert_eq!(settled(waits, nobody(), [other]).1, ["0-"]);
}

/// The number was tried in its place: what the answer says of the number shows that the contact is the person's no more.
#[test]
fn a_contact_that_was_gone_is_a_former_one_once_the_number_has_its_answer() {
    const CONTACTS: &str = "SELECT coalesce(group_concat(api_id || iif(former, ' former', ''), ', ' ORDER BY api_id), 'none') FROM contact";
    let gone = "UPDATE recipient SET attempts = 1;
                INSERT INTO recipient_input (id, file, row, fields, contact_id) VALUES ((1 << 32) + 1, 0, 2, '[]', '49');
                INSERT INTO attempt (id, recipient, person, channel, kind, started_at, finished_at, outcome)
                    VALUES (98, (1 << 32) + 1, 1, 1, 'request', 1000000, 1000500, 'contact_gone');";
    let refused = became(AttemptOutcome::Rejected, Event::Refused, "no");
    let first = gone.replace("attempts = 1", "attempts = 0");
    let throttled = gone.replace("contact_gone", "throttled");
    let same = gone.replace("49", "51");
    for (statements, it, contacts) in [
        (gone, accepted(Some(1)), "49 former, 51"),
        (gone, nobody(), "49 former"),
        (gone, refused, "none"),
        (gone, lost(), "none"),
        (&first, accepted(Some(1)), "51"),
        (&throttled, accepted(Some(1)), "51"),
        (&same, accepted(Some(1)), "51"),
    ] {
        let found = settled(statements, it.clone(), [CONTACTS]).1;
        assert_eq!(found, [contacts], "{statements} {it:?}");
    }
}
