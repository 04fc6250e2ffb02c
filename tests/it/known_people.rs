//! What the checkpoint knows of the people of a list is told, each kind apart.

use crate::support::{CHANNEL, Receiver, SandboxProcess, Scratch, event, number};
use serde_json::{Value, json};

fn phone(n: u32) -> String {
    format!("+{}", number(n))
}

#[test]
fn who_must_not_be_sent_is_counted_by_why_and_it_is_told_where_to_look() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(2);
    scratch.send(&sandbox).run().expect(0);
    let receiver = Receiver::start(&scratch);
    let people = sandbox.people();
    let person = people
        .iter()
        .find(|it| it["number"] == number(1).to_string().as_str());
    let contact = person.unwrap()["contact_id"].as_str().unwrap();
    let said = json!({ "id": "9001", "content": { "type": "text", "payload": "STOP" } });
    receiver.take(&event(
        "message_received",
        contact,
        None,
        "2026-05-02T12:00:00Z",
        &said,
    ));
    receiver.end();
    let add = ["suppress", "add", &phone(2), "--reason", "asked by phone"];
    scratch.outreach(&add).run().expect(0);
    scratch.contacts(4);
    let check = [
        "check",
        "contacts.csv",
        "--message",
        "Hello {{ first_name }}",
    ];
    let check = || scratch.outreach(&check).with(&["--channel", CHANNEL]);
    let report: Value = serde_json::from_str(&check().with(&["--json"]).run().out).unwrap();
    let groups = report["suppressions"].as_array().unwrap();
    let counts: Vec<(&str, u64)> = groups
        .iter()
        .map(|it| (it["code"].as_str().unwrap(), it["count"].as_u64().unwrap()))
        .collect();
    for code in ["opted_out", "repeat_guard", "suppression_list"] {
        assert!(counts.contains(&(code, 1)), "{counts:?}");
    }
    let text = check().run().out;
    for told in [
        "opted out: `outreach suppress list`",
        "by hand or from a file",
        "(asked by phone)",
        "got the same message before: `outreach contacts show NUMBER`",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn contacts_show_knows_every_number_of_any_list_with_its_rows() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:at=2"]));
    let numbers = [phone(0), phone(1), phone(2), phone(1)];
    scratch.write("contacts.csv", &format!("phone\n{}\n", numbers.join("\n")));
    scratch
        .outreach(&["suppress", "add", &phone(2)])
        .run()
        .expect(0);
    let send = [
        "send",
        "contacts.csv",
        "--yes",
        "--batch",
        "list",
        "--message",
        "Hello",
    ];
    let send = scratch
        .outreach(&send)
        .concurrency(1)
        .with(&["--channel", CHANNEL]);
    send.with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(5);
    let show = |n: u32| scratch.outreach(&["contacts", "show", &phone(n)]);
    let rows = |n: u32| {
        let shown: Value = serde_json::from_str(&show(n).with(&["--json"]).run().out).unwrap();
        let rows = shown["rows"].as_array().unwrap().clone();
        let row = |it: &Value| {
            (
                it["row"].as_u64().unwrap(),
                it["status"].as_str().unwrap().to_owned(),
            )
        };
        rows.iter().map(row).collect::<Vec<_>>()
    };
    let row = |row: u64, status: &str| (row, status.to_owned());
    assert_eq!(rows(0), [row(2, "sent")]);
    assert_eq!(rows(1), [row(3, "queued"), row(5, "duplicate")]);
    assert_eq!(rows(2), [row(4, "suppressed")]);
    assert!(rows(9).is_empty());
    let shown = show(1).run().expect(0).out;
    assert!(shown.contains("list, row 3: queued"), "{shown}");
    scratch
        .outreach(&["cancel", "list", "--yes"])
        .run()
        .expect(0);
    assert_eq!(rows(1)[0], row(3, "cancelled"));
}
