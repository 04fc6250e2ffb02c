//! Whoever asks not to be messaged any more is heard, whatever came before and however the event looks.

use serde_json::{Value, json};

use crate::support::{CHANNEL, Receiver, SandboxProcess, Scratch, event, number};

const NOON: &str = "2026-05-02T12:00:00Z";
const LATER: &str = "2026-05-02T12:30:00Z";

fn listed(scratch: &Scratch) -> Vec<String> {
    let list = scratch
        .outreach(&["suppress", "list", "--json"])
        .run()
        .expect(0);
    let entries: Vec<Value> = serde_json::from_str(&list.out).unwrap();
    let phone = |entry: &Value| entry["phone"].as_str().unwrap().to_owned();
    entries.iter().map(phone).collect()
}

fn contact_of(sandbox: &SandboxProcess, number: u64) -> String {
    let people = sandbox.people();
    let person = people
        .iter()
        .find(|person| person["number"] == number.to_string());
    person.unwrap()["contact_id"].as_str().unwrap().to_owned()
}

fn send(scratch: &Scratch, sandbox: &SandboxProcess, batch: &str, text: &str) {
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
        .with(&["--message", text, "--channel", CHANNEL])
        .with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(0);
}

fn stop(contact: &str) -> Value {
    let said = json!({ "id": "9001", "content": { "type": "text", "payload": "STOP" } });
    event("message_received", contact, None, NOON, &said)
}

#[test]
fn a_stop_counts_of_a_person_who_was_erased_and_wanted_messages_again() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(1);
    send(&scratch, &sandbox, "first", "Hello");
    let phone = format!("+{}", number(0));
    let receiver = Receiver::start(&scratch);
    for (batch, text) in [("second", "Welcome back"), ("third", "Hello again")] {
        // Twice: what was kept of the first erasure must not stay.
        for _ in 0..2 {
            let forget = ["forget", phone.as_str(), "--yes"];
            scratch.outreach(&forget).run().expect(0);
        }
        let remove = ["suppress", "remove", phone.as_str()];
        scratch.outreach(&remove).run().expect(0);
        send(&scratch, &sandbox, batch, text);
    }
    assert_eq!(sandbox.accepted()[&number(0)], 3);
    receiver.take(&stop(&contact_of(&sandbox, number(0))));
    assert_eq!(listed(&scratch), [phone]);
    send(&scratch, &sandbox, "fourth", "One more");
    assert_eq!(sandbox.accepted()[&number(0)], 3);
}

#[test]
fn a_second_stop_by_a_button_counts_and_a_repeated_delivery_changes_nothing() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(1);
    send(&scratch, &sandbox, "first", "Hello");
    let phone = format!("+{}", number(0));
    let contact = contact_of(&sandbox, number(0));
    let receiver = Receiver::start(&scratch);
    let button = |sent_at: &str| {
        let said = json!({ "postback": { "payload": "STOP" } });
        event("postback", &contact, None, sent_at, &said)
    };
    receiver.take(&button(NOON));
    assert_eq!(listed(&scratch), [phone.as_str()]);
    scratch
        .outreach(&["suppress", "remove", &phone])
        .run()
        .expect(0);
    receiver.take(&button(NOON));
    assert_eq!(listed(&scratch), [""; 0], "the same event once more");
    receiver.take(&button(LATER));
    assert_eq!(listed(&scratch), [phone]);
}
