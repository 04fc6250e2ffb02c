//! Which numbers of a list are messaged, from the file to the API's account.

use std::collections::BTreeSet;
use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{CHANNEL, Receiver, SandboxProcess, Scratch, event};

/// Sends a list to the sandbox server and returns what it says; `code` is how it must end.
fn send(scratch: &Scratch, sandbox: &SandboxProcess, more: &[&str], code: i32) -> String {
    scratch
        .outreach(&["send", "list.csv", "--yes", "--message", "Hello"])
        .with(&["--channel", CHANNEL, "--base-url", sandbox.base_url()])
        .with(more)
        .run()
        .expect(code)
        .said
}

/// The numbers of the rows that were sent.
fn sent(scratch: &Scratch, results: &str) -> BTreeSet<String> {
    let text = scratch.read(results);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let at = |name| headers.iter().position(|header| header == name).unwrap();
    let (phone, status) = (at("outreach_phone"), at("outreach_status"));
    reader
        .records()
        .map(|row| row.unwrap())
        .filter(|row| &row[status] == "sent")
        .map(|row| row[phone].to_owned())
        .collect()
}

const INTERNATIONAL: &str = "name,phone\nA,420777123456\nB,48602333444\nC,4915112345678\n";

#[test]
fn a_list_that_looks_international_is_refused_off_a_terminal_before_anything_is_written() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("list.csv", INTERNATIONAL);
    // To Germany's plan, mobiles of other countries are fixed lines.
    for region in [&[][..], &["--region", "CZ"], &["--region", "DE"]] {
        let told = send(&scratch, &sandbox, region, 2);
        assert!(told.contains("--international"), "{told}");
        assert!(!told.contains("777123"), "the number is masked: {told}");
    }
    let files: Vec<_> = fs::read_dir(scratch.folder()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(sandbox.stats().accepted, 0);
    for command in [
        &["check", "list.csv"][..],
        &["suppress", "import", "list.csv"],
    ] {
        scratch
            .outreach(command)
            .run()
            .expect(2)
            .says("--international");
    }
}

#[test]
fn the_second_file_of_a_list_is_looked_at_too() {
    let scratch = Scratch::new();
    scratch.write("list.csv", "name,phone\nA,+420777123456\n");
    scratch.write("more.csv", "phone,name\n48602333444,B\n");
    let check = ["check", "list.csv", "more.csv"];
    scratch
        .outreach(&check)
        .run()
        .expect(2)
        .says("--international");
}

#[test]
fn with_the_flag_it_is_sent_and_the_batch_keeps_the_reading() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("list.csv", INTERNATIONAL);
    let flags = ["--international", "--batch", "spring", "-o", "results.csv"];
    send(&scratch, &sandbox, &flags, 0);
    let numbers = ["+420777123456", "+48602333444", "+4915112345678"];
    assert_eq!(
        sent(&scratch, "results.csv"),
        numbers.map(str::to_owned).into()
    );
    let told = send(&scratch, &sandbox, &flags, 0);
    assert!(!told.contains("other columns"), "{told}");
    assert_eq!(sandbox.stats().accepted, 3);
    // Said otherwise, it is another reading of the same list.
    scratch.write("list.csv", "name,phone\nA,+420777123456\n");
    let told = send(&scratch, &sandbox, &["--batch", "spring"], 2);
    assert!(told.contains("--international"), "{told}");
}

#[test]
fn a_row_that_reads_both_ways_is_refused_by_name() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("list.csv", "name,phone\nA,33123456789\nB,+48602333444\n");
    let flags = ["--international", "--region", "DE", "-o", "results.csv"];
    let told = send(&scratch, &sandbox, &flags, 0);
    assert!(told.contains("+331*****789 or +493*******789"), "{told}");
    assert_eq!(
        sent(&scratch, "results.csv"),
        ["+48602333444".to_owned()].into()
    );
}

#[test]
fn old_and_new_forms_of_a_number_are_one_person_from_the_list_to_the_suppression_list() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write(
        "list.csv",
        "phone\n+52 1 55 1234 5671\n+52 55 1234 5671\n+229 97 12 34 56\n+2290197123456\n+55 11 8765 4321\n",
    );
    let suppress = ["suppress", "add", "+5511987654321"];
    scratch.outreach(&suppress).run().expect(0);
    send(&scratch, &sandbox, &["-o", "results.csv"], 0);
    let numbers = ["+2290197123456", "+525512345671"].map(str::to_owned);
    assert_eq!(sent(&scratch, "results.csv"), numbers.into());
    assert_eq!(sandbox.stats().accepted, 2);
    // Another list with the other forms, for whoever was messaged within a day.
    scratch.write(
        "list.csv",
        "phone\n+525512345671\n22997123456\n+420777123456\n",
    );
    let later = ["-o", "later.csv", "--not-within", "1d", "--region", "BJ"];
    send(&scratch, &sandbox, &later, 0);
    assert_eq!(
        sent(&scratch, "later.csv"),
        ["+420777123456".to_owned()].into()
    );
    let forget = ["forget", "--yes", "+5215512345671"];
    let erased = scratch.outreach(&forget).run().expect(0).out;
    // Two of the first list, one of the second.
    assert!(erased.contains("3 rows"), "{erased}");
    scratch.checkpoint().expect_sound();
}

#[test]
fn a_stop_that_names_the_old_form_keeps_the_new_one_from_being_messaged() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let receiver = Receiver::start(&scratch);
    let said = json!({ "id": "9001", "content": { "type": "text", "payload": "STOP" } });
    let from = Some(5_215_512_345_671);
    receiver.take(&event(
        "message_received",
        "8001",
        from,
        "2026-05-02T12:00:00Z",
        &said,
    ));
    scratch.write("list.csv", "phone\n+52 55 1234 5671\n+420777123456\n");
    send(&scratch, &sandbox, &["-o", "results.csv"], 0);
    assert_eq!(
        sent(&scratch, "results.csv"),
        ["+420777123456".to_owned()].into()
    );
}

#[test]
fn a_few_numbers_without_their_plus_are_refused_and_the_flag_is_named() {
    let scratch = Scratch::new();
    scratch.write(
        "list.csv",
        "phone\n777123456\n777123457\n777123458\n48602333444\n",
    );
    let check = ["check", "list.csv", "--region", "CZ"];
    let report = scratch.outreach(&check).run().expect(0).out;
    assert!(report.contains("--international"), "{report}");
    assert!(report.contains("+48602333444"), "{report}");
}

#[test]
fn a_person_that_was_stored_in_an_old_form_is_found_in_the_new_one() {
    let scratch = Scratch::new();
    let suppress = ["suppress", "add", "+420777123456", "--reason", "asked"];
    scratch.outreach(&suppress).run().expect(0);
    // As an older version stored it.
    let checkpoint = Connection::open(scratch.path("outreach.db")).unwrap();
    for table in ["person", "person_by_number"] {
        let update =
            format!("UPDATE {table} SET number = 5215512345671 WHERE number = 420777123456");
        assert_eq!(checkpoint.execute(&update, []).unwrap(), 1);
    }
    drop(checkpoint);
    scratch.write("list.csv", "phone\n+52 55 1234 5671\n");
    let report = scratch.outreach(&["check", "list.csv", "--json"]).run();
    let report: Value = serde_json::from_str(&report.out).unwrap();
    assert_eq!(report["suppressed"], 1, "{report}");
    let forget = ["forget", "--yes", "+525512345671"];
    scratch.outreach(&forget).run().expect(0);
    let report = scratch.outreach(&["check", "list.csv", "--json"]).run();
    let report: Value = serde_json::from_str(&report.out).unwrap();
    assert_eq!(report["suppressed"], 1, "{report}");
    scratch.checkpoint().expect_sound();
}

#[test]
fn an_echo_in_the_new_form_of_a_number_proves_a_request_to_the_old_one() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::with_faults(&["500-after-accept"]),
    );
    scratch.write("list.csv", "phone\n+420777123456\n");
    send(&scratch, &sandbox, &["--batch", "list"], 3);
    // As an older version stored it.
    let checkpoint = Connection::open(scratch.path("outreach.db")).unwrap();
    for table in ["person", "person_by_number"] {
        let update =
            format!("UPDATE {table} SET number = 5215512345671 WHERE number = 420777123456");
        assert_eq!(checkpoint.execute(&update, []).unwrap(), 1);
    }
    drop(checkpoint);
    let receiver = Receiver::start(&scratch);
    let key = scratch.checkpoint().recipient_key("list", 1);
    let said = json!({ "id": "9001", "metadata": { "outreach_recipient": key } });
    let now = jiff::Timestamp::now().to_string();
    receiver.take(&event(
        "message_echo",
        "46001",
        Some(525_512_345_671),
        &now,
        &said,
    ));
    assert_eq!(scratch.checkpoint().counts().sent, 1);
}

#[test]
fn lines_without_a_person_are_messaged_only_where_somebody_decided_so() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write(
        "list.csv",
        "phone\n+18002345678\n+443000123456\n+420900123456\n+420777123456\n",
    );
    let told = send(
        &scratch,
        &sandbox,
        &["-o", "first.csv", "--min-valid", "0"],
        0,
    );
    assert!(
        told.contains("no person is behind this kind of line"),
        "{told}"
    );
    assert_eq!(
        sent(&scratch, "first.csv"),
        ["+420777123456".to_owned()].into()
    );
    let knows_better = ["--allow-line-type", "toll-free", "--min-valid", "0"];
    let told = send(
        &scratch,
        &sandbox,
        &[&knows_better[..], &["-o", "second.csv", "--batch", "lines"]].concat(),
        0,
    );
    assert!(
        told.contains("no person is behind them: toll-free"),
        "{told}"
    );
    assert_eq!(
        sent(&scratch, "second.csv"),
        ["+18002345678".to_owned()].into()
    );
    let checkpoint = Connection::open(scratch.path("outreach.db")).unwrap();
    let decisions: Vec<(String, String)> = checkpoint
        .prepare("SELECT what, detail FROM decision JOIN batch ON batch.id = decision.batch AND name = 'lines'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        decisions,
        [("allow-line-type".to_owned(), "toll-free".to_owned())]
    );
    // Whoever must not be messaged is listed with any line.
    let import = ["suppress", "import", "list.csv"];
    scratch.outreach(&import).run().expect(0);
}
