//! Results files follow what came after the run: `export --all --changed`, and a receiver that writes them anew.

use serde_json::{Value, json};

use crate::support::{CHANNEL, Receiver, SandboxProcess, Scratch, event, wait_until};

/// What the API says once a message has arrived.
fn delivery(message: &Value) -> Value {
    let (contact, id) = (message["contact_id"].as_str().unwrap(), &message["id"]);
    let now = jiff::Timestamp::now().to_string();
    event(
        "messages_delivered",
        contact,
        None,
        &now,
        &json!({ "messages": [{ "id": id }] }),
    )
}

/// A folder whose batches `list` and `other` are complete, and the messages of `list`.
fn two_batches() -> (Scratch, SandboxProcess, Vec<Value>) {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    let message = ["--message", "Another text", "--skip-messaged"];
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "other"])
        .with(&message)
        .with(&["--base-url", sandbox.base_url()])
        .with(&["--channel", CHANNEL])
        .run()
        .expect(0);
    let mut messages = sandbox.messages();
    messages.retain(|message| message["content"].to_string().contains("Hello"));
    (scratch, sandbox, messages)
}

#[test]
fn a_delivery_outdates_the_results_and_export_all_writes_them_anew() {
    let (scratch, _sandbox, messages) = two_batches();
    let before = scratch.read("list.results.csv");
    let changed = || {
        scratch
            .outreach(&["export", "--all", "--changed"])
            .run()
            .expect(0)
    };
    // The second batch may have changed what the file of the first tells.
    changed();
    changed().says("0 results files written, 2 as before.");
    Receiver::start(&scratch).take(&delivery(&messages[0]));
    assert_eq!(scratch.read("list.results.csv"), before);
    let status = scratch.outreach(&["status", "list"]).run().expect(0);
    assert!(status.out.contains("\nResults as of "), "{}", status.out);
    changed().says("list: list.results.csv");
    assert_ne!(scratch.read("list.results.csv"), before);
    changed().says("0 results files written, 2 as before.");
    let status = scratch.outreach(&["status", "list"]).run().expect(0);
    assert!(
        status.out.contains("\nResults: list.results.csv"),
        "{}",
        status.out
    );
}

#[test]
fn a_results_file_that_somebody_changed_or_moved_away_is_not_written_over() {
    let (scratch, _sandbox, messages) = two_batches();
    scratch.write("list.results.csv", "my notes");
    std::fs::remove_file(scratch.path("other.results.csv")).unwrap();
    Receiver::start(&scratch).take(&delivery(&messages[0]));
    let all = scratch.outreach(&["export", "--all"]).run().expect(0);
    all.says("list: list.results-2.csv")
        .says("other: other.results.csv");
    assert_eq!(scratch.read("list.results.csv"), "my notes");
}

#[test]
fn a_receiver_writes_the_results_of_finished_batches_anew_if_it_is_to() {
    let (scratch, _sandbox, messages) = two_batches();
    let before = scratch.read("list.results.csv");
    let serve = [
        "serve",
        "--insecure-no-signature",
        "--refresh-results",
        "1s",
    ];
    let receiver = Receiver::of(scratch.outreach(&serve));
    receiver.take(&delivery(&messages[0]));
    wait_until("the results have the delivery", || {
        scratch.read("list.results.csv") != before
    });
    std::fs::remove_file(scratch.path("other.results.csv")).unwrap();
    // What was taken away stays so.
    let again = scratch.read("list.results.csv");
    receiver.take(&delivery(&messages[1]));
    wait_until("the results have the second delivery", || {
        scratch.read("list.results.csv") != again
    });
    assert!(!scratch.path("other.results.csv").exists());
}
