//! Whoever asked not to be messaged stays unmessaged when a checkpoint is given up for another one, also who is known only
//! by a contact; and what a person settled stays settled when an older file is read.

use serde_json::{Value, json};

use crate::opt_outs::{contact_of, listed, replies, send, stop};
use crate::support::{CHANNEL, Receiver, SandboxProcess, Scratch, event, number};

const NOON: &str = "2026-05-02T12:00:00Z";

/// What a person wrote, of whose contact no number is known.
fn reply(contact: &str, id: &str, text: &str) -> Value {
    let said = json!({ "id": id, "content": { "type": "text", "payload": text } });
    event("message_received", contact, None, NOON, &said)
}

/// The list as the console writes it.
fn as_csv(json: &str) -> String {
    let entries: Vec<Value> = serde_json::from_str(json).unwrap();
    let columns = [
        "phone",
        "reason",
        "source",
        "added_at",
        "keyed_hash",
        "channel_contact",
    ];
    let mut csv = columns.join(",") + "\n";
    for entry in entries {
        let cell = |name: &str| format!("\"{}\"", entry[name].as_str().unwrap_or_default());
        csv += &(columns.map(cell).join(",") + "\n");
    }
    csv
}

/// Two people answered messages whose own answers were lost: one with STOP, one with what may ask for it.
#[test]
fn a_stop_of_a_contact_without_a_number_moves_with_the_list() {
    let adopt = ["checkpoint", "adopt", "--suppressions", "stops.json"];
    let history = |stops: &'static str| {
        let import = ["history", "import", "list.results.csv", "--suppressions"];
        [&import[..], &[stops]].concat()
    };
    let ways = [
        vec!["suppress", "import", "stops.json"],
        vec!["suppress", "import", "stops.csv"],
        history("stops.json"),
        history("stops.csv"),
        adopt.to_vec(),
    ];
    for command in ways {
        let faults = [
            "--fault=502-after-accept:at=1",
            "--fault=502-after-accept:at=2",
        ];
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&faults));
        scratch.contacts(3);
        scratch.send(&sandbox).concurrency(1).run().expect(3);
        scratch.outreach(&["backup", "copy.db"]).run().expect(0);
        let contacts = [0, 1].map(|n| contact_of(&sandbox, number(n)));
        let receiver = Receiver::start(&scratch);
        receiver.take(&stop(&contacts[0]));
        receiver.take(&reply(&contacts[1], "700", "can you stop the delivery"));
        receiver.end();
        let list = scratch.outreach(&["suppress", "list", "--json"]).run();
        let list = list.expect(0).out;
        scratch.write("stops.json", &list);
        scratch.write("stops.csv", &as_csv(&list));
        let shown = scratch.outreach(&["suppress", "list"]).run().expect(0).out;
        for contact in &contacts {
            let entry = format!("contact {contact} on channel {CHANNEL}");
            assert!(list.contains(&entry), "{list}");
            assert!(shown.contains(&entry), "{shown}");
        }
        // Here they were before, and the reply still waits to be read.
        let import = ["suppress", "import", "stops.json"];
        let again = scratch.outreach(&import).run().expect(0);
        again.says("2 contacts whose number is not known: 0 are new");
        assert_eq!(replies(&scratch).len(), 2);

        let new = if command[0] == "checkpoint" {
            "copy.db"
        } else {
            "new.db"
        };
        let db = ["--db", new];
        let moved = scratch.outreach(&command).with(&db).run().expect(0);
        let moved = moved.says("2 contacts whose number is not known: 2 are new");
        assert!(moved.said.contains("1 of them wrote"), "{}", moved.said);
        let again = scratch.outreach(&import).with(&db).run().expect(0);
        again.says("2 contacts whose number is not known: 0 are new");
        // A list that names a contact does not reach it, and an event that tells the number suppresses the person.
        scratch.write(
            "more.csv",
            &format!("phone,contact_id\n+{},{}\n", number(7), contacts[0]),
        );
        let more = scratch
            .outreach(&["send", "more.csv", "--yes", "--batch", "more"])
            .with(&["--message", "Hello", "--channel", CHANNEL])
            .with(&["--column", "contact_id=contact_id"])
            .with(&["--base-url", sandbox.base_url()]);
        let before = sandbox.stats().sends;
        more.with(&db).run().expect(0);
        assert_eq!(sandbox.stats().sends, before, "{command:?}");
        let serve = scratch.outreach(&["serve", "--insecure-no-signature"]);
        let receiver = Receiver::of(serve.with(&db));
        let opt_in = json!({ "opt_in": { "type": "phone_number" } });
        for (n, contact) in (0..).zip(&contacts) {
            receiver.take(&event("opt_in", contact, Some(number(n)), NOON, &opt_in));
        }
        receiver.end();
        let list = scratch.outreach(&["suppress", "list"]).with(&db).run();
        let list = list.expect(0).out;
        for n in [0, 1] {
            assert!(
                list.contains(&format!("+{}", number(n))),
                "{command:?}: {list}"
            );
        }
        assert!(!list.contains("contact "), "{list}");
    }
}

/// A reply that names nobody cannot move: whoever takes the list elsewhere hears of it.
#[test]
fn a_list_that_leaves_somebody_out_ends_with_a_code_that_says_so() {
    let scratch = Scratch::new();
    scratch.contacts(1);
    let receiver = Receiver::start(&scratch);
    let mut nobody = reply("1", "700", "STOP");
    nobody["data"]["contact"] = json!({});
    receiver.take(&nobody);
    receiver.end();
    let list = ["suppress", "list", "--json"];
    let told = scratch.outreach(&list).run().expect(3);
    assert_eq!(told.out.trim(), "[]");
    told.says("1 reply waits to be read")
        .says("suppress replies");
    let id = replies(&scratch)[0]["id"].to_string();
    let settle = ["suppress", "replies", "--harmless", &id];
    scratch.outreach(&settle).run().expect(0);
    scratch.outreach(&list).run().expect(0);
}

#[test]
fn a_reply_that_was_found_harmless_stays_so_when_an_older_results_file_is_imported() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    send(&scratch, &sandbox, "first", "Hello");
    let receiver = Receiver::start(&scratch);
    for n in [1, 2] {
        let contact = contact_of(&sandbox, number(n));
        let id = format!("70{n}");
        receiver.take(&reply(&contact, &id, "can you stop the delivery"));
    }
    receiver.end();
    send(&scratch, &sandbox, "second", "Hello again");
    let found = replies(&scratch);
    let settle = [
        "suppress",
        "replies",
        "--harmless",
        &found[0]["id"].to_string(),
    ];
    scratch.outreach(&settle).run().expect(0);
    let import = [
        "history",
        "import",
        "second.results.csv",
        "--no-suppressions",
    ];
    scratch.outreach(&import).run().expect(0);
    assert_eq!(listed(&scratch), [""; 0]);
    // The other one waits still, and holds the person.
    send(&scratch, &sandbox, "third", "Hello once more");
    let messages = |n: u32| sandbox.accepted()[&number(n)];
    assert_eq!([0, 1, 2].map(messages), [3, 2, 1]);
}
