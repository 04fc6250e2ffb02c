//! `outreach test`: the message of one row to one number, outside any batch.

use outreach::internals::sandbox::Settings;

use serde_json::json;

use crate::support::{
    CHANNEL, Program, Receiver, SandboxProcess, Scratch, event, number, wait_until,
};

const MINE: u32 = 900;

/// `test contacts.csv` to a number of our own.
fn test(scratch: &Scratch, sandbox: &SandboxProcess) -> Program {
    let to = format!("+{}", number(MINE));
    scratch
        .outreach(&["test", "contacts.csv", "--yes", "--to", &to])
        .with(&["--message", "Hello {{ first_name }}"])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
}

#[test]
fn the_message_of_a_row_goes_to_one_number_and_to_nobody_else() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(5);
    let first = test(&scratch, &sandbox).run().expect(0);
    assert!(
        first
            .out
            .starts_with(&format!("sent to +{}: message ", number(MINE))),
        "{}",
        first.out
    );
    let row = test(&scratch, &sandbox)
        .with(&["--row", "4"])
        .run()
        .expect(0);
    let row = row
        .says("contacts.csv")
        .says("row 4")
        .says("Hello Name2")
        .says("data of Name2");
    assert!(
        !row.said.contains(&number(2).to_string()),
        "the row's number is masked"
    );
    let accepted = sandbox.accepted();
    assert_eq!(accepted.keys().copied().collect::<Vec<_>>(), [number(MINE)]);
    assert_eq!(accepted[&number(MINE)], 2);
    let people = sandbox.people();
    assert!(
        !format!("{people:?}").contains("Name2"),
        "the row's name is another person's: {people:?}"
    );
}

#[test]
fn a_test_asks_first_and_off_a_terminal_writes_nothing_without_yes() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(2);
    scratch
        .outreach(&[
            "test",
            "contacts.csv",
            "--to",
            "+420777000900",
            "--message",
            "Hi",
        ])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        .run()
        .expect(2)
        .says("--yes");
    assert!(!scratch.path("outreach.db").exists());
    assert_eq!(sandbox.stats().requests, 0);
}

#[test]
fn a_suppressed_number_gets_no_test() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(2);
    let mine = format!("+{}", number(MINE));
    scratch
        .outreach(&["suppress", "add", &mine, "--reason", "asked by phone"])
        .run()
        .expect(0);
    let refused = test(&scratch, &sandbox).run().expect(3);
    assert!(refused.out.contains("asked by phone"), "{}", refused.out);
    assert_eq!(sandbox.stats().requests, 0);
    // One who was erased is not messaged either.
    let other = format!("+{}", number(1));
    scratch.send(&sandbox).run().expect(0);
    scratch
        .outreach(&["forget", &other, "--yes"])
        .run()
        .expect(0);
    let to = ["test", "--batch", "list", "--yes", "--to", &other];
    scratch
        .outreach(&to)
        .with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(3);
    assert_eq!(sandbox.stats().sends, 2);
}

#[test]
fn a_test_counts_for_no_guard_and_for_no_row() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    let to = format!("+{}", number(1));
    scratch
        .outreach(&["test", "contacts.csv", "--yes", "--to", &to, "--row", "3"])
        .with(&["--message", "Hello {{ first_name }}"])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        .run()
        .expect(0);
    // The same text to the same number: the repeat guard and --not-within know nothing of the test.
    scratch
        .send(&sandbox)
        .with(&["--not-within", "30d"])
        .run()
        .expect(0)
        .says("3  sent");
    assert_eq!(sandbox.accepted()[&number(1)], 2);
    let contacts = scratch.outreach(&["contacts", "show", &to]).run().expect(0);
    assert_eq!(
        contacts.out.matches("list row").count(),
        1,
        "{}",
        contacts.out
    );
}

#[test]
fn a_batch_is_tested_with_the_message_that_it_keeps() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    let to = format!("+{}", number(MINE));
    let test = |more: &[&str]| {
        scratch
            .outreach(&["test", "--batch", "list", "--yes", "--to", &to])
            .with(&["--base-url", sandbox.base_url()])
            .with(more)
            .run()
    };
    test(&["--row", "3"])
        .expect(0)
        .says("batch list")
        .says("Hello Name1");
    test(&["--row", "17"]).expect(2).says("list has no row 17");
    test(&["--message", "other"]).expect(2);
    assert_eq!(sandbox.accepted()[&number(MINE)], 1);
    assert_eq!(scratch.checkpoint().counts().sent, 3);
    assert_eq!(scratch.checkpoint().counts().requests, 3);
}

#[test]
fn a_row_that_is_not_sent_is_not_tested() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let rows = "phone,first_name\n+420777000001,Eva\n12,Jan\n+420777000001,Iva\n+420777000002,\n";
    scratch.write("contacts.csv", rows);
    let row = |row| {
        test(&scratch, &sandbox)
            .with(&["--min-valid", "1%", "--row", row])
            .run()
    };
    row("2").expect(0);
    row("3").expect(2).says("row 3 cannot be tested");
    row("4").expect(2).says("it repeats the number of row 2");
    row("5").expect(2).says("first_name");
    row("9").expect(2).says("no row 9");
    assert_eq!(sandbox.stats().sends, 1);
}

#[test]
fn what_becomes_of_a_test_is_told_by_text_and_exit_code() {
    let refused = SandboxProcess::start(&["--no-messenger", "100%"]);
    let scratch = Scratch::new();
    scratch.contacts(2);
    let told = test(&scratch, &refused).run().expect(3);
    assert!(told.out.contains("No matching user found"), "{}", told.out);
    let lost = SandboxProcess::with_faults(&["500:at=1"]);
    let told = test(&scratch, &lost).run().expect(3);
    assert!(told.out.contains("unknown"), "{}", told.out);
    let sandbox = SandboxProcess::start(&[]);
    test(&scratch, &sandbox)
        .env("AMIO_TOKEN", "wrong")
        .run()
        .expect(5);
    test(&scratch, &sandbox)
        .with(&["--row", "2"])
        .without_env("AMIO_TOKEN")
        .run()
        .expect(6);
    let to = [
        "test",
        "contacts.csv",
        "--yes",
        "--to",
        "+420777000900",
        "--message",
        "x",
    ];
    scratch
        .outreach(&to)
        .with(&[
            "--base-url",
            sandbox.base_url(),
            "--channel",
            "7001200300400500699",
        ])
        .run()
        .expect(5);
    assert_eq!(sandbox.stats().accepted, 0);
    scratch
        .outreach(&[
            "test",
            "contacts.csv",
            "--yes",
            "--to",
            "12",
            "--message",
            "x",
        ])
        .run()
        .expect(2);
}

#[test]
fn a_test_counts_against_the_quota_of_the_token() {
    let sandbox = SandboxProcess::start(&["--quota", "3", "--latency", "100ms"]);
    let scratch = Scratch::new();
    scratch.contacts(5);
    test(&scratch, &sandbox).run().expect(0);
    test(&scratch, &sandbox).run().expect(0);
    let running = scratch.send(&sandbox).start();
    wait_until("the last of the quota is used", || {
        sandbox.stats().sends == 3
    });
    running.signal("TERM");
    running.wait().expect(4);
    let stats = sandbox.stats();
    assert_eq!(
        stats.by_status.get(&429),
        None,
        "one was left for the batch"
    );
    let running = test(&scratch, &sandbox).start();
    wait_until("the test waits too", || {
        running.said().contains("waiting until")
    });
    assert_eq!(sandbox.stats().sends, 3);
}

#[test]
fn a_test_is_rehearsed_in_the_built_in_sandbox() {
    let scratch = Scratch::new();
    scratch.contacts(2);
    let to = [
        "test",
        "contacts.csv",
        "--sandbox",
        "--sms",
        "--to",
        "+420777000900",
    ];
    let told = scratch
        .outreach(&to)
        .with(&["--message", "Hello"])
        .run()
        .expect(0);
    assert!(
        told.out.starts_with("sent to +420777000900: message "),
        "{}",
        told.out
    );
    assert!(
        !scratch.path("outreach.db").exists(),
        "the real checkpoint knows nothing of it"
    );
    assert_ne!(Settings::MOBILE_CHANNEL, CHANNEL);
}

#[test]
fn the_delivery_of_a_test_proves_no_row() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["500:at=1"]));
    scratch.contacts(1);
    scratch.send(&sandbox).run().expect(3);
    assert_eq!(scratch.checkpoint().counts().unknown, 1);
    let to = format!("+{}", number(0));
    let tested = scratch
        .outreach(&["test", "contacts.csv", "--yes", "--to", &to])
        .with(&["--message", "Hello {{ first_name }}"])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        .run()
        .expect(0);
    let (_, id) = tested.out.trim_end().rsplit_once(' ').unwrap();
    let now = jiff::Timestamp::now().to_string();
    let fields = json!({ "messages": [{ "id": id }], "delivered_timestamp": now });
    let receiver = Receiver::start(&scratch);
    receiver.take(&event(
        "messages_delivered",
        "4711",
        Some(number(0)),
        &now,
        &fields,
    ));
    receiver.end();
    assert_eq!(scratch.checkpoint().counts().unknown, 1);
}
