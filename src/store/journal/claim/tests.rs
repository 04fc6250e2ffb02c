use std::sync::Arc;

use super::*;
use crate::domain::eligibility::HistorySpan;
use crate::store::checkpoint::Store;
use crate::store::ids::ChannelId;
use crate::store::journal::context::Channel;
use crate::store::pilot::PilotRows;
use crate::store::quota::Claims;

/// Batch 2 is sent. One batch has rows before its rows, and another one behind them.
const CHECKPOINT: &str = "
    INSERT INTO channel (id, api_id) VALUES (1, '7001'), (2, '7002');
    INSERT INTO batch (id, uid, name, state, state_since, digest, definition, headers, files, channel, sandbox, created_at)
        VALUES (1, x'01', 'winter', 'running', 0, x'01', '{}', '[]', '[]', 1, 0, 0),
               (2, x'02', 'spring', 'running', 0, x'01', '{}', '[]', '[]', 1, 0, 0),
               (3, x'03', 'summer', 'running', 0, x'01', '{}', '[]', '[]', 1, 0, 0);
    INSERT INTO tally (batch, queued, sending, error, suppressed) VALUES (1, 9, 9, 9, 9), (2, 9, 9, 9, 9), (3, 9, 9, 9, 9);";

const CONTENT: &str = r#"{"type": "text", "payload": "Hi"}"#;

/// The time of the claims, in milliseconds.
const NOW: i64 = 5_000;

/// The rows of all batches.
const ROWS: &str = "
    SELECT group_concat(concat_ws(' ', (id >> 32) || '.' || (id & 255), state, not_before, reason_code, reason), ', '
                        ORDER BY id)
    FROM recipient";

struct Scene {
    _folder: tempfile::TempDir,
    store: Store,
    context: Arc<Context>,
}

/// A queued row of a batch, claimed in this order; what comes before it is for the people of other rows.
fn row(batch: u32, seq: u32, not_before: i64) -> String {
    let (id, person) = (format!("({batch} << 32) + {seq}"), 1000 * batch + seq);
    format!(
        "INSERT INTO person (id, number) VALUES ({person}, 420777000000 + {person});
         INSERT INTO recipient (id, person, state, not_before) VALUES ({id}, {person}, 'queued', {not_before});
         INSERT INTO recipient_input (id, file, row, fields, content, content_key)
             VALUES ({id}, 0, {seq}, '[]', '{CONTENT}', {{key}});"
    )
}

/// The rows of the other batches would come first.
fn of_others() -> String {
    row(1, 1, AT_ONCE) + &row(3, 1, AT_ONCE) + &row(1, 2, 0) + &row(3, 2, 0)
}

impl Scene {
    fn new(statements: &str) -> Self {
        Self::with(statements, |_| ())
    }

    fn with(statements: &str, change: impl FnOnce(&mut Context)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let mut context = Context::for_tests(&store.keys, BatchId::for_tests(2));
        context.rules.token = 77;
        change(&mut context);
        let scene = Self {
            _folder: folder,
            store,
            context: Arc::new(context),
        };
        let key = scene.store.keys.content_key("7001", CONTENT).to_string();
        scene.change(&format!("{CHECKPOINT} {statements}").replace("{key}", &key));
        scene
    }

    fn change(&self, statements: &str) {
        let statements = statements.to_owned();
        self.write(move |tx, _| Ok(tx.connection.execute_batch(&statements)?));
    }

    fn find(&self, query: &'static str) -> String {
        self.write(move |tx, _| tx.connection.value(query, []))
    }

    fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Tx<'_>, &Context) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.try_write(move |tx, context| work(tx, context))
            .unwrap()
    }

    fn try_write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Tx<'_>, &Context) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let context = Arc::clone(&self.context);
        self.store
            .writer
            .write_blocking(move |tx| work(tx, &context))
    }

    /// What a claim says; a row that is claimed by its place.
    fn claim(&self) -> String {
        self.claim_at(NOW)
    }

    fn claim_at(&self, now: i64) -> String {
        let known = Others {
            requests: 0,
            connections: None,
            runs: 1,
        };
        self.write(move |tx, context| told(claim(tx, context, known, at(now))))
    }

    fn claimed(&self) -> Claimed {
        let known = Others {
            requests: 0,
            connections: None,
            runs: 1,
        };
        let found = self.write(move |tx, context| claim(tx, context, known, at(NOW)));
        match found {
            Found::Claim(Claim::Claimed(claimed)) => *claimed,
            other => panic!("{}", told(Ok(other)).unwrap()),
        }
    }
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap()
}

fn told(found: Result<Found, StoreError>) -> Result<String, StoreError> {
    Ok(match found? {
        Found::Claim(Claim::Claimed(claimed)) => claimed.recipient.seq().to_string(),
        Found::Claim(Claim::Exhausted { opens_at: None }) => "none".to_owned(),
        Found::Claim(Claim::Exhausted { opens_at: Some(at) }) => {
            format!("from {}", at.as_millisecond())
        }
        Found::Claim(other) => format!("{other:?}"),
        Found::OthersSpent { total } => format!("others: {total}"),
        Found::NoRoom => "no room".to_owned(),
        Found::SharedBy(runs) => format!("{runs} runs"),
    })
}

#[test]
fn who_came_back_is_claimed_first_then_the_rows_in_their_order_and_nobody_twice() {
    let rows = [
        (1, 0),
        (2, 4_000),
        (3, 3_000),
        (4, 7_000),
        (5, 0),
        (6, 0),
        (7, NOW),
    ];
    let rows = rows
        .map(|(seq, not_before)| row(2, seq, not_before))
        .concat();
    let not_free = "UPDATE recipient SET held = 7 WHERE id = (2 << 32) + 5;
                    UPDATE recipient SET state = 'sent' WHERE id = (2 << 32) + 6;";
    let scene = Scene::new(&format!("{} {rows} {not_free}", of_others()));
    let claims = [(); 5].map(|()| scene.claim());
    assert_eq!(claims, ["3", "2", "7", "1", "from 7000"]);
    assert_eq!(scene.claim_at(7_000), "4");
    assert_eq!(scene.claim_at(7_000), "none");
}

#[test]
fn a_claim_writes_the_intent_and_counts_it() {
    let scene = Scene::new(&(of_others() + &row(2, 1, 0) + &row(2, 2, 0)));
    let rows = scene.find(ROWS);
    assert_eq!(scene.claim(), "1");
    assert_eq!(scene.find(ROWS), rows.replace("2.1 queued", "2.1 sending"));
    let attempts = "SELECT group_concat(concat_ws(' ', recipient - (2 << 32), person, channel, kind, content_key IS
                        (SELECT content_key FROM recipient_input WHERE id = (2 << 32) + 1), token, started_at,
                        coalesce(outcome, 'under way'))) FROM attempt";
    assert_eq!(scene.find(attempts), "1 2001 1 request 1 77 5000 under way");
    let counts = "
        SELECT concat_ws(' ', queued, sending, requests, '|', (SELECT group_concat(token || ': ' || claimed) FROM quota),
                         '|', (SELECT group_concat(id || ' from ' || started_at) FROM batch WHERE started_at IS NOT NULL))
        FROM tally WHERE batch = 2";
    assert_eq!(scene.find(counts), "8 10 1 | 77: 1 | 2 from 5000");
}

#[test]
fn a_pilot_claims_its_own_rows_alone_and_whoever_else_came_back_goes_with_the_rest() {
    let rows = [(1, 0), (2, AT_ONCE), (3, AT_ONCE), (4, AT_ONCE)];
    let rows = rows
        .map(|(seq, not_before)| row(2, seq, not_before))
        .concat();
    let scene = Scene::with(&(of_others() + &rows), |context| {
        context.pilot = Some(PilotRows::for_tests(&[3, 4]));
    });
    let claims = [(); 3].map(|()| scene.claim());
    assert_eq!(claims, ["3", "4", "none"]);
    let rows = scene.find(ROWS);
    assert!(
        rows.contains("2.1 queued 0, 2.2 queued 0, 2.3 sending 1"),
        "{rows}"
    );
}

/// They are told apart from those who wait: a run that passed over them would end as if all were done.
#[test]
fn rows_that_are_queued_and_cannot_be_read_are_damage() {
    let damage = "DELETE FROM recipient_input WHERE id = (2 << 32) + 1;";
    for (pilot, not_before) in [(None, 0), (None, AT_ONCE), (Some(&[1][..]), AT_ONCE)] {
        let scene = Scene::with(&(row(2, 1, not_before) + damage), |context| {
            context.pilot = pilot.map(PilotRows::for_tests);
        });
        let found = scene.try_write(|tx, context| next_opening(tx, context, at(NOW)));
        let Err(StoreError::Corrupt { detail }) = found else {
            panic!("{found:?}");
        };
        assert_eq!(detail, "1 rows are queued and cannot be read");
    }
}

#[test]
fn who_was_erased_is_suppressed_and_a_row_without_its_message_is_an_error() {
    let faults = "UPDATE person SET number = NULL WHERE id = 2001;
                  UPDATE recipient_input SET content = NULL WHERE id = (2 << 32) + 2;
                  UPDATE recipient_input SET content_key = NULL WHERE id = (2 << 32) + 3;";
    let rows = (1..=4).map(|seq| row(2, seq, 0)).collect::<String>();
    let scene = Scene::new(&(rows + faults));
    assert_eq!(scene.claim(), "4");
    let of_error = "error 0 no_content the checkpoint holds no message for this row; add the row again (--add)";
    let wanted = format!(
        "2.1 suppressed 0 forgotten erased at the person's request, 2.2 {of_error}, 2.3 {of_error}, 2.4 sending 0"
    );
    assert_eq!(scene.find(ROWS), wanted);
    let counts =
        "SELECT concat_ws(' ', queued, sending, error, suppressed) FROM tally WHERE batch = 2";
    assert_eq!(scene.find(counts), "5 10 11 10");
    let ends = "SELECT group_concat(finished_at) FROM recipient";
    assert_eq!(scene.find(ends), "5000,5000,5000");
}

#[test]
fn whose_hours_have_not_begun_waits_for_them() {
    let opens = |opening: Opening| {
        let scene = Scene::with(&(row(2, 1, 0) + &row(2, 2, 0)), |context| {
            let window = move |phone: PhoneNumber, _: Timestamp| match phone.get() {
                420_777_002_001 => opening,
                _ => Opening::Now,
            };
            context.rules.window = Some(Arc::new(window));
        });
        (scene.claim(), scene.claim(), scene.find(ROWS))
    };
    for (opening, claim, not_before) in [
        (Opening::At(at(7_000)), "from 7000", 7_000),
        // A time that has come already: it is looked at again, and not at once.
        (Opening::At(at(4_000)), "from 5001", 5_001),
        (Opening::NotInThisRun, "none", NEXT_RUN),
        (Opening::Never, "none", NEVER),
    ] {
        let rows = format!("2.1 queued {not_before}, 2.2 sending 0");
        assert_eq!(
            opens(opening),
            ("2".to_owned(), claim.to_owned(), rows),
            "{opening:?}"
        );
    }
}

#[test]
fn a_claim_that_meets_many_who_must_not_be_messaged_lets_others_have_their_turn() {
    let rows = (1..=500).map(|seq| row(2, seq, 0)).collect::<String>();
    let scene = Scene::new(&(rows + "UPDATE person SET number = NULL;" + &row(2, 501, 0)));
    assert_eq!(scene.claim(), "Again");
    assert_eq!(scene.claim(), "501");
}

/// Whether the run has rows left, and how they stand then.
fn left(statements: &str) -> (Outstanding, String) {
    let scene = Scene::new(&(of_others() + statements));
    let left = scene.write(|tx, context| outstanding(tx, context, at(NOW)));
    (
        left,
        scene.find("SELECT coalesce(group_concat(state), '') FROM recipient WHERE id >> 32 = 2"),
    )
}

#[test]
fn a_run_has_rows_left_as_long_as_one_may_be_sent_now_or_later() {
    let held = "UPDATE recipient SET held = 7 WHERE id >> 32 = 2;";
    let erased = "UPDATE person SET number = NULL WHERE id = 2001;";
    let many = (1..=500).map(|seq| row(2, seq, 0)).collect::<String>();
    for (statements, wanted) in [
        (row(2, 1, 0), (Outstanding::Some, "queued".to_owned())),
        (row(2, 1, 7_000), (Outstanding::Some, "queued".to_owned())),
        (
            row(2, 1, NEXT_RUN),
            (Outstanding::None, "queued".to_owned()),
        ),
        (
            row(2, 1, 0) + held,
            (Outstanding::None, "queued".to_owned()),
        ),
        (String::new(), (Outstanding::None, String::new())),
        (
            row(2, 1, 0) + erased,
            (Outstanding::None, "suppressed".to_owned()),
        ),
        (
            many + "UPDATE person SET number = NULL;",
            (Outstanding::Retry, ["suppressed"; 500].join(",")),
        ),
    ] {
        assert_eq!(left(&statements), wanted);
    }
}

#[test]
fn nothing_is_claimed_where_the_disk_is_full_the_batch_is_paused_or_others_used_the_quota() {
    let scene = Scene::new(&row(2, 1, 0));
    let known = Others {
        requests: 0,
        connections: None,
        runs: 1,
    };
    let full = scene.write(move |tx, context| {
        tx.disk_is_full = true;
        let found = told(claim(tx, context, known, at(NOW)));
        tx.disk_is_full = false;
        found
    });
    assert_eq!(full, "no room");
    scene.change("UPDATE batch SET state = 'paused', state_by = 'person:Eva' WHERE id = 2");
    assert!(scene.claim().starts_with("Paused("));
    scene.change("UPDATE batch SET state = 'running', state_by = NULL WHERE id = 2");
    scene.change("INSERT INTO quota (token, state, updated_at, claimed) VALUES (77, '{}', 0, 3), (78, '{}', 0, 9)");
    assert_eq!(scene.claim(), "others: 3");
    let known = Others {
        requests: 3,
        ..known
    };
    let found = scene.write(move |tx, context| told(claim(tx, context, known, at(NOW))));
    assert_eq!(found, "1", "it knows of them");
}

/// What other requests were there before the run began is no news.
#[test]
fn only_requests_since_the_run_began_are_those_of_others() {
    let quota = "INSERT INTO quota (token, state, updated_at, claimed) VALUES (77, '{}', 0, 3);";
    let scene = Scene::with(&(row(2, 1, 0) + quota), |context| {
        context.before = Claims::new(3, 0);
    });
    assert_eq!(scene.claim(), "1");
}

#[test]
fn a_run_takes_no_connection_that_others_use_and_says_how_many_share_them() {
    let known = |connections, runs| Others {
        requests: 0,
        connections: Some(connections),
        runs,
    };
    let under_way = "INSERT INTO attempt (recipient, person, channel, kind, token, started_at)
                         VALUES ((1 << 32) + 1, 1001, 1, 'request', 77, 4000);";
    let other = "INSERT INTO node (key, value) VALUES ('run.77.1', -1);";
    let scene = Scene::new(&(of_others() + &row(2, 1, 0) + under_way));
    let claim = |known| scene.write(move |tx, context| told(claim(tx, context, known, at(NOW))));
    let found =
        scene.find("SELECT coalesce(group_concat(key), 'none') FROM node WHERE key GLOB 'run.*'");
    assert_eq!(found, "none");
    assert_eq!(claim(known(1, 2)), "1 runs");
    scene.change(other);
    assert_eq!(claim(known(1, 1)), "2 runs");
    assert_eq!(claim(known(1, 2)), "NoConnection");
    assert_eq!(claim(known(4, 2)), "1");
}

/// What the claim says of a row whose person has this request in batch 1, and how the row stands then.
fn beside(request: &str) -> [String; 2] {
    let of_the_other = format!(
        "INSERT INTO attempt (recipient, person, channel, kind, content_key, started_at, finished_at, outcome)
             VALUES ((1 << 32) + 1, 2001, 1, 'request', {{key}}, 4000, 4500, {request});"
    );
    let other = "UPDATE recipient SET person = 2001, state = 'sent' WHERE id = (1 << 32) + 1;";
    let statements = of_others() + &row(2, 1, 0) + other + &of_the_other;
    let scene = Scene::with(&statements, |context| {
        context.rules.span = HistorySpan {
            repeat_guard: std::time::Duration::from_hours(12),
            ..HistorySpan::default()
        };
    });
    let row = "SELECT concat_ws(' ', state, not_before, reason_code) FROM recipient WHERE id = (2 << 32) + 1";
    [scene.claim(), scene.find(row)]
}

#[test]
fn who_has_the_same_message_from_another_batch_waits_or_is_suppressed() {
    assert_eq!(beside("'rejected'"), ["1", "sending 0"]);
    assert_eq!(beside("NULL"), ["from 7000", "queued 7000 waits"]);
    let unknown = format!("queued {FOR_AN_OUTCOME} waits");
    assert_eq!(beside("'undecided'"), ["none", &unknown]);
    assert_eq!(beside("'sent'"), ["none", "suppressed 0 repeat_guard"]);
}

#[test]
fn rows_that_waited_are_judged_anew_by_the_next_run_and_those_of_other_batches_wait_on() {
    let reasons = "UPDATE recipient SET reason_code = 'waits', reason = 'for A' WHERE not_before > 5;
                   UPDATE recipient SET reason_code = 'mended', reason = 'was 00' WHERE id & 255 = 2;
                   UPDATE recipient SET held = 7 WHERE id = (2 << 32) + 4;";
    let rows = [(1, FOR_AN_OUTCOME), (2, NEVER), (3, 0), (4, 9)];
    let rows = rows
        .map(|(seq, not_before)| row(2, seq, not_before))
        .concat();
    let scene = Scene::new(&(row(1, 1, NEVER) + &rows + reasons));
    let reset = |scene: &Scene| scene.write(|tx, context| reset_waits(tx, context.batch));
    assert_eq!((reset(&scene), reset(&scene)), (true, false));
    let wanted = format!(
        "1.1 queued {NEVER} waits for A, 2.1 queued 0, 2.2 queued 0 mended was 00, 2.3 queued 0, 2.4 queued 9 waits for A"
    );
    assert_eq!(scene.find(ROWS), wanted);
}

#[test]
fn rows_whose_hours_never_come_are_suppressed_at_the_end() {
    let rows = [
        (1, NEVER),
        (2, NEXT_RUN),
        (3, NEVER),
        (4, FOR_AN_OUTCOME),
        (5, NEVER),
    ];
    let rows = rows
        .map(|(seq, not_before)| row(2, seq, not_before))
        .concat();
    let held = "UPDATE recipient SET held = 7 WHERE id = (2 << 32) + 5;";
    let scene = Scene::new(&(row(1, 1, NEVER) + &rows + held));
    let suppressed = scene.write(|tx, context| suppress_never(tx, context.batch, at(NOW)));
    assert_eq!(suppressed, 2);
    let states = "SELECT group_concat(state, ' ' ORDER BY id) FROM recipient";
    assert_eq!(
        scene.find(states),
        "queued suppressed queued suppressed queued queued"
    );
}

/// How the claimed row is addressed.
fn addressed(statements: &str, change: impl FnOnce(&mut Context)) -> String {
    let scene = Scene::with(&(row(2, 1, 0) + statements), change);
    match scene.claimed().addressee {
        Addressee::ContactId(id) => id,
        Addressee::Phone {
            phone,
            first_name,
            last_name,
        } => [Some(phone.e164()), first_name, last_name]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
    }
}

#[test]
fn a_contact_is_addressed_by_its_id_and_by_the_number_where_it_was_gone() {
    let listed =
        "UPDATE recipient_input SET contact_id = '51', first_name = 'Eva', last_name = 'Malá';";
    let known =
        "INSERT INTO contact (channel, api_id, person) VALUES (1, 61, 2001), (2, 62, 2001);";
    let gone = "UPDATE recipient SET attempts = 1;
                INSERT INTO attempt (recipient, person, channel, kind, started_at, finished_at, outcome)
                    VALUES ((2 << 32) + 1, 2001, 1, 'request', 4000, 4500, 'contact_gone');";
    let refused = gone.replace("contact_gone", "throttled");
    let number = "+420777002001 Eva Malá";
    for (statements, wanted) in [
        ("", "+420777002001"),
        (listed, "51"),
        (known, "61"),
        (&format!("{listed} {known}"), "61"),
        (&format!("{listed} {gone}"), number),
        (&format!("{listed} {refused}"), "51"),
    ] {
        assert_eq!(addressed(statements, |_| ()), wanted, "{statements}");
    }
}

/// Of the other channels only those of Messenger are known to take ids.
#[test]
fn on_another_channel_a_contact_is_addressed_by_its_id_where_that_takes_ids() {
    let known = "UPDATE recipient SET step = 1;
                 UPDATE recipient_input SET contact_id = '51', metadata = '{}';
                 INSERT INTO contact (channel, api_id, person) VALUES (1, 61, 2001), (2, 62, 2001);";
    let others = |context: &mut Context| {
        context.channels.push(Channel {
            id: ChannelId(2),
            api_id: "7002".to_owned(),
        });
        let kept = r#"{"channels": [{"id": "7002"}], "at_most": 9}"#;
        context.fallback = Some(serde_json::from_str(kept).unwrap());
    };
    assert_eq!(addressed(known, others), "+420777002001");
    let kind = format!("{known} UPDATE channel SET type = 'facebook_messenger' WHERE id = 2;");
    assert_eq!(addressed(&kind, others), "62");
    let kind = format!("{known} UPDATE channel SET type = 'sms' WHERE id = 2;");
    assert_eq!(addressed(&kind, others), "+420777002001");
}

#[test]
fn a_contact_of_the_list_that_opted_out_is_not_addressed() {
    let opted_out = "UPDATE recipient_input SET contact_id = '51' WHERE id = (2 << 32) + 1;
                     INSERT INTO contact (channel, api_id, opted_out_at) VALUES (1, 51, 5);";
    let scene = Scene::new(&(row(2, 1, 0) + &row(2, 2, 0) + opted_out));
    assert_eq!(scene.claim(), "2");
    let state = "SELECT state FROM recipient WHERE id = (2 << 32) + 1";
    assert_eq!(scene.find(state), "suppressed");
}
