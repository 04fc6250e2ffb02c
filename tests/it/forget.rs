//! Contacts, and how a person is erased, with the real program.

use outreach::internals::domain::delivery::State;
use serde_json::Value;

use crate::support::{CHANNEL, SandboxProcess, Scratch, contacts, number, wait_until};

fn sent(scratch: &Scratch, sandbox: &SandboxProcess) {
    scratch.contacts(3);
    scratch.send(sandbox).run().expect(0);
}

#[test]
fn whoever_was_messaged_is_a_contact() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    sent(&scratch, &sandbox);
    let listed = scratch
        .outreach(&["contacts", "list", "--json"])
        .run()
        .expect(0);
    let listed: Vec<Value> = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[0]["phone"], format!("+{}", number(0)));
    assert_eq!(listed[0]["first_name"], "Name0");
    assert_eq!(listed[0]["channel"], CHANNEL);
    assert!(listed[0]["contact_id"].is_string() && listed[0]["first_message_at"].is_string());

    let phone = format!("+{}", number(1));
    let shown = scratch
        .outreach(&["contacts", "show", &phone, "--json"])
        .run()
        .expect(0);
    let shown: Value = serde_json::from_str(&shown.out).unwrap();
    let messages = shown["contacts"][0]["messages"].as_array().unwrap();
    assert_eq!((messages.len(), &messages[0]["batch"]), (1, &"list".into()));
    assert_eq!(shown["suppressed"], Value::Null);

    let told = scratch
        .outreach(&["contacts", "export", "-o", "c.csv"])
        .run()
        .expect(0);
    assert!(told.said.contains("3 contacts written"), "{}", told.said);
    let file = scratch.read("c.csv");
    assert_eq!(file.lines().count(), 4);
    assert!(file.starts_with("phone,channel,contact_id,"), "{file}");
}

#[cfg(unix)]
#[test]
fn an_export_over_a_file_that_all_may_read_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    sent(&scratch, &sandbox);
    let path = scratch.path("c.csv");
    std::fs::write(&path, "older").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let export = ["contacts", "export", "--force", "-o", "c.csv"];
    scratch.outreach(&export).run().expect(0);
    assert_eq!(scratch.read("c.csv").lines().count(), 4);
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_erased_person_leaves_no_trace_and_gets_no_later_message() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    sent(&scratch, &sandbox);
    let before = scratch.checkpoint().counts();
    let phone = format!("+{}", number(1));
    // Nobody can be asked here: nothing is erased by accident.
    scratch.outreach(&["forget", &phone]).run().expect(2);
    let told = scratch
        .outreach(&["forget", &phone, "--yes"])
        .run()
        .expect(0);
    assert!(told.out.contains("Erased: 1 row ("), "{}", told.out);
    assert!(!told.out.contains(&phone) && !told.said.contains(&phone));

    let digits = number(1).to_string().into_bytes();
    let integer = number(1).to_be_bytes()[2..].to_vec();
    let neighbour = number(2).to_be_bytes()[2..].to_vec();
    let database = std::fs::read(scratch.path("outreach.db")).unwrap();
    let holds = |form: &[u8]| database.windows(form.len()).any(|window| window == form);
    assert!(!holds(&digits) && !holds(&integer));
    assert!(!holds(b"Name1"));
    assert!(
        holds(&neighbour) && holds(b"Name2"),
        "the search would find it"
    );
    let checkpoint = scratch.checkpoint();
    checkpoint.expect_sound();
    assert_eq!(checkpoint.counts(), before);

    // The results still have a row for everybody, and nobody's name where somebody was.
    scratch
        .outreach(&["export", "list", "-o", "again.csv"])
        .run()
        .expect(0);
    let results = scratch.read("again.csv");
    assert_eq!(results.lines().count(), 4);
    assert!(
        !results.contains(&phone) && !results.contains("Name1"),
        "{results}"
    );

    // A later list with the number.
    scratch.write("later.csv", &contacts(0..4));
    scratch
        .outreach(&["send", "later.csv", "--yes", "--batch", "later"])
        .with(&["--message", "Hello again", "--base-url", sandbox.base_url()])
        .with(&["--channel", CHANNEL])
        .run()
        .expect(0);
    let rows = scratch.checkpoint().rows_of("later");
    let states: Vec<State> = rows.iter().map(|row| row.state).collect();
    assert_eq!(
        states,
        [State::Sent, State::Suppressed, State::Sent, State::Sent]
    );
    assert_eq!(rows[1].reason_code.as_deref(), Some("forgotten"));
    assert_eq!(sandbox.accepted()[&number(1)], 1);
    scratch.checkpoint().expect_sound();

    // Unless the person asks for messages again.
    scratch
        .outreach(&["suppress", "remove", &phone])
        .run()
        .expect(0);
    scratch
        .outreach(&["send", "later.csv", "--yes", "--batch", "last"])
        .with(&[
            "--message",
            "Welcome back",
            "--base-url",
            sandbox.base_url(),
        ])
        .with(&["--channel", CHANNEL])
        .run()
        .expect(0);
    assert_eq!(sandbox.accepted()[&number(1)], 2);
}

#[test]
fn a_row_that_was_erased_takes_no_later_row_of_the_person_as_its_duplicate() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    sent(&scratch, &sandbox);
    let again = |more: &[&str]| {
        scratch
            .outreach(&["send", "later.csv", "--yes", "--batch", "later"])
            .with(&["--message", "Hello {{ first_name }}", "--message-again"])
            .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
            .with(more)
            .run()
    };
    // Whoever has the message already is suppressed; one of them is erased.
    scratch.write("later.csv", &contacts(1..5));
    again(&[]).expect(0);
    let phone = format!("+{}", number(1));
    let forget = ["forget", phone.as_str(), "--yes"];
    scratch.outreach(&forget).run().expect(0);
    scratch.write("later.csv", &contacts(0..5));
    again(&["--update"]).expect(0);
    let counts = scratch.checkpoint().counts_of("later");
    assert_eq!((counts.duplicate, counts.sent), (0, 2), "{counts:?}");
    scratch.checkpoint().expect_sound();
}

#[test]
fn an_erased_row_stays_erased_however_its_outcome_is_settled() {
    for by_import in [false, true] {
        let scratch = Scratch::new();
        let sandbox = SandboxProcess::start(&["--fault=close-after-accept:at=1"]);
        scratch.contacts(2);
        let send = scratch.send(&sandbox).concurrency(1);
        send.with(&["--no-canary"]).run().expect(3);
        let export = || scratch.outreach(&["export", "list", "-o", "-"]).run();
        // What a results file of another day tells of the lost answer.
        let told = export().expect(0).out;
        scratch.write("told.csv", &as_sent(&told));
        let phone = format!("+{}", number(0));
        let forget = ["forget", phone.as_str(), "--yes"];
        scratch.outreach(&forget).run().expect(0);
        let settle: &[&str] = if by_import {
            &["history", "import", "told.csv", "--no-suppressions"]
        } else {
            &["resolve", "list", "--assume-sent", "--all"]
        };
        scratch.outreach(settle).run().expect(0);
        let lift = ["suppress", "remove", phone.as_str()];
        scratch.outreach(&lift).run().expect(0);
        let counts = scratch.checkpoint().counts();
        assert_eq!((counts.sent, counts.unknown), (2, 0), "{settle:?}");
        let results = export().expect(0).out;
        assert!(
            !results.contains(&phone) && !results.contains("4611x") && !results.contains("7530x"),
            "{settle:?}: {results}"
        );
        scratch.checkpoint().expect_sound();
    }
}

#[test]
fn what_a_list_left_behind_whose_reader_died_goes_with_an_erased_person() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    // The numbers of its rows are not found by the index of people yet.
    scratch.contacts(5_000);
    let send = scratch.send(&sandbox).crash_at("intake:2");
    send.run().expect_crash();
    let is_there = |text: &str| {
        ["outreach.db", "outreach.db-wal"].iter().any(|name| {
            let bytes = std::fs::read(scratch.path(name)).unwrap_or_default();
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        })
    };
    let phone = format!("+{}", number(0));
    assert!(is_there(&phone));
    let forget = ["forget", phone.as_str(), "--yes"];
    scratch.outreach(&forget).run().expect(0);
    assert!(!is_there(&phone));
}

/// The results with their unknown rows as sent, with ids.
fn as_sent(results: &str) -> String {
    let mut reader = csv::Reader::from_reader(results.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&headers).unwrap();
    for row in reader.records() {
        let row = row.unwrap();
        let is_unknown = row.iter().any(|cell| cell == "unknown");
        let cells = headers.iter().zip(&row).map(|(header, cell)| match header {
            "outreach_status" if is_unknown => "sent",
            "outreach_contact_id" if is_unknown => "4611x",
            "outreach_message_id" if is_unknown => "7530x",
            "outreach_reason" | "outreach_reason_code" if is_unknown => "",
            _ => cell,
        });
        writer.write_record(cells).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

#[test]
fn a_later_list_does_not_name_an_erased_person_again() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    sent(&scratch, &sandbox);
    let phone = format!("+{}", number(1));
    let forget = ["forget", phone.as_str(), "--yes"];
    scratch.outreach(&forget).run().expect(0);
    scratch.write("later.csv", &contacts(0..5));
    scratch
        .outreach(&["send", "later.csv", "--yes", "--batch", "later"])
        .with(&["--message", "Good evening", "--message-again"])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        .run()
        .expect(0);
    let file = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let named: i64 = file
        .query_row(
            "SELECT count(*) FROM person WHERE number = ?1",
            [i64::try_from(number(1)).unwrap()],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(named, 0);
    assert_eq!(sandbox.accepted()[&number(1)], 1);
}

fn is_under_way(scratch: &Scratch) -> bool {
    let file = rusqlite::Connection::open_with_flags(
        scratch.path("outreach.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    );
    let count = "SELECT count(*) FROM recipient WHERE state = 'sending'";
    let count = file.and_then(|file| file.query_row(count, [], |row| row.get::<_, i64>(0)));
    count == Ok(1)
}

/// Only the request is waited for, not its run; and the run does not try the person again whose request was put off.
#[test]
fn an_erasure_waits_for_the_request_alone_and_the_run_does_not_send_another() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--latency", "1s", "--fault", "429:at=1,retry-after=2"]);
    scratch.contacts(3);
    let send = scratch.send(&sandbox).with(&["--no-canary"]);
    let send = send
        .concurrency(1)
        .with(&["--rate", "1/s", "--burst", "1"])
        .start();
    wait_until("the first request is under way", || is_under_way(&scratch));
    let phone = format!("+{}", number(0));
    let told = scratch
        .outreach(&["forget", &phone, "--yes"])
        .run()
        .expect(0);
    let told = told
        .says("gets no other one")
        .says("Waiting for its answer");
    assert!(told.out.contains("Erased: 1 row ("), "{}", told.out);
    send.wait().expect(0);
    let accepted = sandbox.accepted();
    assert_eq!(
        accepted.keys().copied().collect::<Vec<_>>(),
        [number(1), number(2)]
    );
}

/// Nobody reads the answer any more: the person is not erased, and not messaged either.
#[test]
fn whom_a_dead_process_was_messaging_is_suppressed_until_the_erasure() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--latency", "2s"]);
    scratch.contacts(2);
    let mut send = scratch
        .send(&sandbox)
        .with(&["--no-canary"])
        .concurrency(1)
        .start();
    wait_until("the first request is under way", || is_under_way(&scratch));
    send.kill();
    let phone = format!("+{}", number(0));
    let forget = || scratch.outreach(&["forget", &phone, "--yes"]).run();
    forget()
        .expect(9)
        .says("the number is on the suppression list");
    let shown = scratch.outreach(&["contacts", "show", &phone]).run();
    assert!(shown.out.contains("asked to be erased"), "{}", shown.out);
    scratch.resume(&sandbox).run().expect(3);
    forget().expect(0);
}
