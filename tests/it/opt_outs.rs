//! Whoever asks not to be messaged any more is heard, whatever came before and however the event looks.

use serde_json::{Value, json};

use crate::support::{CHANNEL, Receiver, SandboxProcess, Scratch, event, number};

const NOON: &str = "2026-05-02T12:00:00Z";
const LATER: &str = "2026-05-02T12:30:00Z";

pub(crate) fn listed(scratch: &Scratch) -> Vec<String> {
    let list = scratch
        .outreach(&["suppress", "list", "--json"])
        .run()
        .expect(0);
    let entries: Vec<Value> = serde_json::from_str(&list.out).unwrap();
    // A contact whose number is not known is there too.
    let phone = |entry: &Value| entry["phone"].as_str().map(str::to_owned);
    // Whom an unread reply holds is there for other checkpoints.
    let is_held = |entry: &&Value| entry["source"] == "a reply that waits to be read";
    let entries = entries.iter().filter(|entry| !is_held(entry));
    entries.filter_map(phone).collect()
}

pub(crate) fn contact_of(sandbox: &SandboxProcess, number: u64) -> String {
    let (people, number) = (sandbox.people(), number.to_string());
    let mut people = people.iter();
    let person = people.find(|person| person["number"].as_str() == Some(&number));
    person.unwrap()["contact_id"].as_str().unwrap().to_owned()
}

pub(crate) fn send(scratch: &Scratch, sandbox: &SandboxProcess, batch: &str, text: &str) {
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
        .with(&["--message", text, "--channel", CHANNEL])
        .with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(0);
}

pub(crate) fn stop(contact: &str) -> Value {
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

/// The contact that a list names may be another person's than the number.
#[test]
fn a_contact_that_opted_out_is_not_addressed_through_another_number() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(1);
    send(&scratch, &sandbox, "first", "Hello");
    let contact = contact_of(&sandbox, number(0));
    let receiver = Receiver::start(&scratch);
    receiver.take(&stop(&contact));
    let list = format!("phone,contact_id\n+{},{contact}\n", number(1));
    scratch.write("contacts.csv", &list);
    let send = |batch: &str, column: &[&str]| {
        scratch
            .outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
            .with(&["--message", "News", "--channel", CHANNEL])
            .with(&["--base-url", sandbox.base_url()])
            .with(column)
            .run()
    };
    let column = ["--column", "contact_id=contact_id"];
    send("second", &column).expect(7);
    assert_eq!(sandbox.accepted().len(), 1, "{:?}", sandbox.accepted());
    // Where nobody says that the column holds contacts, it is not believed: the number is what counts.
    send("third", &[]).expect(0);
    assert_eq!(sandbox.accepted()[&number(0)], 1);
    assert_eq!(sandbox.accepted()[&number(1)], 1);
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

/// Fields that a STOP does not need, each in a shape that is not documented.
fn odd() -> Vec<(&'static str, Value)> {
    vec![
        ("/data/metadata", json!(["a", 1])),
        ("/data/messages", json!({})),
        ("/data/channel/type", json!(5)),
        ("/data/channel/name", json!([])),
        ("/data/contact/name", json!({ "first": "Jana" })),
        ("/data/contact/phone_number", json!({})),
        ("/data/message", json!("9")),
        ("/data/error", json!([3])),
        ("/data/opt_in", json!(true)),
        ("/data/postback", json!("later")),
        ("/data/delivered_timestamp", json!(1_777_000_000)),
        ("/data/last_read_timestamp", json!([])),
        ("/data/id", json!({ "id": 7 })),
        ("/data/nlp", json!(null)),
        ("/data/content/quick_reply", json!(5)),
        // Half a character, as a program leaves it that cuts a text.
        ("/data/content/payload", json!("STOP HALF")),
        ("/timestamp", json!(1_777_000_000)),
        ("/id", json!([1, 2])),
    ]
}

#[test]
fn a_stop_is_read_whatever_the_fields_look_like_that_it_does_not_need() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let odd = odd();
    scratch.contacts(u32::try_from(odd.len()).unwrap());
    send(&scratch, &sandbox, "first", "Hello");
    let receiver = Receiver::start(&scratch);
    let mut wanted = Vec::new();
    for ((place, shape), n) in odd.into_iter().zip(0..) {
        let mut event = stop(&contact_of(&sandbox, number(n)));
        event["data"]["id"] = format!("90{n}").into();
        let (parent, field) = place.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap()[field] = shape;
        let body = event.to_string().replace("HALF", "\\ud83d");
        assert_eq!(receiver.post("", &body), 200, "{body}");
        wanted.push(format!("+{}", number(n)));
        assert_eq!(listed(&scratch), wanted, "{place}");
    }
    let status = scratch.outreach(&["status"]).run().expect(0);
    assert!(!status.out.contains("could not be read"), "{}", status.out);
}

#[test]
fn what_cannot_be_read_is_kept_and_counted() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(1);
    send(&scratch, &sandbox, "first", "Hello");
    let receiver = Receiver::start(&scratch);
    let contact = contact_of(&sandbox, number(0));
    // What is understood is kept as what it changed, and not as it came.
    let opt_in = json!({ "opt_in": { "type": "phone_number" } });
    receiver.take(&event("opt_in", &contact, Some(number(0)), NOON, &opt_in));
    let mut nameless = stop(&contact);
    nameless["data"]["contact"] = json!(format!("Jana, +{}", number(0)));
    let mut mute = stop(&contact);
    mute["data"]["content"] = json!(5);
    let list = json!({ "event": "postback", "timestamp": NOON, "data": [1, 2] });
    for event in [&nameless, &mute, &list] {
        // Sent twice, and counted once.
        receiver.take(event);
        receiver.take(event);
    }
    let metrics = receiver.metrics();
    assert!(
        metrics.contains("\noutreach_webhook_unreadable 3\n"),
        "{metrics}"
    );
    for args in [&["status"][..], &["status", "first"]] {
        let told = scratch.outreach(args).run().expect(0).out;
        assert!(
            told.contains("1 reply may ask not to be messaged any more")
                && told.contains("2 webhook events could not be read"),
            "{told}"
        );
    }
    let kept = || {
        let file = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
        let kept = "SELECT count(*) FROM event WHERE body IS NOT NULL";
        file.query_row(kept, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(kept(), 3);
    receiver.end();
    // Erased with the person, where it names the number.
    let phone = format!("+{}", number(0));
    scratch
        .outreach(&["forget", &phone, "--yes"])
        .run()
        .expect(0);
    assert_eq!(kept(), 1, "the list names nobody");
}

/// The first batch, to a sandbox whose faults lose answers.
fn send_losing_answers(scratch: &Scratch, sandbox: &SandboxProcess) {
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "first"])
        .with(&["--message", "Hello", "--channel", CHANNEL])
        .with(&["--base-url", sandbox.base_url(), "--concurrency", "1"])
        .run()
        .expect(3);
}

/// A STOP of a contact whose number nobody knows is shown to people until the number is known, and counts from then on.
#[test]
fn an_opt_out_without_a_number_waits_in_sight_and_counts_once_the_number_is_known() {
    let faults = [
        "--fault=502-after-accept:at=1",
        "--fault=502-after-accept:at=2",
    ];
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&faults));
    scratch.contacts(3);
    send_losing_answers(&scratch, &sandbox);
    let receiver = Receiver::start(&scratch);
    // The third is of somebody whom nobody messaged.
    let stranger = "4600000000000000001".to_owned();
    let contacts = [
        contact_of(&sandbox, number(0)),
        contact_of(&sandbox, number(1)),
        stranger,
    ];
    for (n, contact) in contacts.iter().enumerate() {
        let mut stop = stop(contact);
        stop["data"]["id"] = format!("90{n}").into();
        receiver.take(&stop);
    }
    let waiting = |wanted: u64| {
        let metrics = receiver.metrics();
        let line = format!("\noutreach_opt_outs_waiting {wanted}\n");
        assert!(metrics.contains(&line), "{metrics}");
        assert_eq!(replies(&scratch).len() as u64, wanted);
        let status = scratch.outreach(&["status"]).run().expect(0).out;
        let text = format!("{wanted} opt-out");
        assert_eq!(status.contains(&text), wanted > 0, "{status}");
    };
    waiting(3);
    // Counted as sent, the rows still tell nobody's contact.
    let resolve = ["resolve", "first", "--assume-sent", "--all"];
    scratch.outreach(&resolve).run();
    waiting(3);
    let found = replies(&scratch);
    assert_eq!(found[0]["contact_id"], contacts[0].as_str());
    assert_eq!(found[0]["channel"], CHANNEL);
    assert_eq!(listed(&scratch), [""; 0]);
    // An event tells the number, the echo of our message names its row, and a person knows the third.
    let opt_in = json!({ "opt_in": { "type": "phone_number" } });
    receiver.take(&event(
        "opt_in",
        &contacts[0],
        Some(number(0)),
        NOON,
        &opt_in,
    ));
    waiting(2);
    let messages = sandbox.messages();
    let to = |n: u32| {
        let mut all = messages.iter();
        let number = number(n).to_string();
        all.find(|it| it["number"].as_str() == Some(&number))
            .unwrap()
    };
    let echo = json!({ "id": to(1)["id"], "metadata": to(1)["metadata"] });
    let at = jiff::Timestamp::now().to_string();
    receiver.take(&event("message_echo", &contacts[1], None, &at, &echo));
    waiting(1);
    let id = replies(&scratch)[0]["id"].to_string();
    let (settle, third) = (
        ["suppress", "replies", "--opt-out", &id],
        format!("+{}", number(9)),
    );
    let said = scratch.outreach(&settle).run().expect(0).said;
    assert!(said.contains("--number NUMBER"), "{said}");
    waiting(1);
    scratch
        .outreach(&settle)
        .with(&["--number", &third])
        .run()
        .expect(0);
    waiting(0);
    assert_eq!(
        listed(&scratch),
        [0, 1, 9].map(|n| format!("+{}", number(n)))
    );
}

/// The replies that wait for a person.
pub(crate) fn replies(scratch: &Scratch) -> Vec<Value> {
    let list = ["suppress", "replies", "--json"];
    serde_json::from_str(&scratch.outreach(&list).run().expect(0).out).unwrap()
}

#[test]
fn a_doubtful_reply_waits_for_a_person_who_settles_it() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(4);
    send(&scratch, &sandbox, "first", "Hello");
    let receiver = Receiver::start(&scratch);
    let asks = |n: u32, text: &str| {
        let said =
            json!({ "id": format!("70{n}"), "content": { "type": "text", "payload": text } });
        let contact = contact_of(&sandbox, number(n));
        receiver.take(&event("message_received", &contact, None, NOON, &said));
    };
    for n in 0..3 {
        asks(n, "When does the bus stop?\u{1b}[2J");
    }
    // Of somebody whom nobody messaged: the contact alone is known.
    let said = json!({ "id": "799", "content": { "type": "text", "payload": "don't stop" } });
    receiver.take(&event(
        "message_received",
        "4600000000000000001",
        None,
        NOON,
        &said,
    ));
    let status = scratch.outreach(&["status"]).run().expect(0).out;
    assert!(status.contains("4 replies may ask not"), "{status}");
    let list = scratch.outreach(&["suppress", "replies"]).run().expect(0);
    assert!(
        list.out.contains("+420******000") && list.out.contains("first, row 2"),
        "{}",
        list.out
    );
    assert!(
        list.out.contains("When does the bus stop?\\u001b[2J"),
        "{}",
        list.out
    );
    assert!(!list.out.contains(&number(0).to_string()), "{}", list.out);

    let found = replies(&scratch);
    assert_eq!(found[0]["phone"], format!("+{}", number(0)));
    assert_eq!(found[0]["text"], "When does the bus stop?\u{1b}[2J");
    assert_eq!(found[3]["contact_id"], "4600000000000000001");
    let id = |n: usize| found[n]["id"].to_string();
    let settle = |how: &str, id: &str| scratch.outreach(&["suppress", "replies", how, id]).run();
    settle("--opt-out", "999999").expect(2);
    // Whose number it is must be plain: of one reply, and of nobody else.
    let stranger = format!("+{}", number(9));
    let several = [
        "suppress",
        "replies",
        "--opt-out",
        &id(0),
        "--opt-out",
        &id(3),
    ];
    let several = scratch.outreach(&several).with(&["--number", &stranger]);
    let said = several.run().expect(2).said;
    assert!(said.contains("several --opt-out"), "{said}");
    let another = ["suppress", "replies", "--opt-out", &id(0), "--number"];
    let said = scratch.outreach(&another).with(&[&stranger]).run();
    let said = said.expect(2).said;
    assert!(said.contains("was written by"), "{said}");
    assert_eq!(listed(&scratch), [""; 0]);
    settle("--opt-out", &id(0)).expect(0);
    settle("--harmless", &id(1)).expect(0);
    settle("--opt-out", &id(3)).expect(0);
    // Whose contact it is, nobody knows yet.
    assert_eq!(replies(&scratch).last().unwrap()["waits_for_number"], true);
    let named = ["suppress", "replies", "--opt-out", &id(3), "--number"];
    let named = scratch.outreach(&named).with(&[&stranger]);
    named.run().expect(0);
    scratch
        .outreach(&["suppress", "add", &format!("+{}", number(2))])
        .run()
        .expect(0);
    let suppressed = [number(0), number(2), number(9)].map(|number| format!("+{number}"));
    assert_eq!(listed(&scratch), suppressed);
    assert_eq!(replies(&scratch), [Value::Null; 0], "all are settled");
    let status = scratch.outreach(&["status"]).run().expect(0).out;
    assert!(!status.contains("may ask not"), "{status}");
}

#[test]
fn whoever_wrote_something_doubtful_gets_no_message_until_it_is_read() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    send(&scratch, &sandbox, "first", "Hello");
    let receiver = Receiver::start(&scratch);
    for (n, text) in [
        (0, "no thanks"),
        (1, "can you stop the delivery"),
        (2, "thanks"),
    ] {
        let mut said =
            json!({ "id": format!("70{n}"), "content": { "type": "text", "payload": text } });
        let contact = contact_of(&sandbox, number(n));
        if n == 0 {
            said["contact"] = json!({ "phone_number": number(n).to_string() });
        }
        receiver.take(&event("message_received", &contact, None, NOON, &said));
    }
    send(&scratch, &sandbox, "second", "Hello again");
    let messages = |n: u32| sandbox.accepted()[&number(n)];
    assert_eq!([0, 1, 2].map(messages), [1, 1, 2]);
    let rows = scratch.checkpoint().rows_of("second");
    let reason = rows[1].reason_code.as_deref();
    assert_eq!(reason, Some("unread_reply"));
    let found = replies(&scratch);
    let settle = |how: &str, n: usize| {
        let reply = ["suppress", "replies", how, &found[n]["id"].to_string()];
        scratch.outreach(&reply).run().expect(0);
    };
    settle("--opt-out", 0);
    settle("--harmless", 1);
    let again = [
        "send",
        "contacts.csv",
        "--yes",
        "--batch",
        "second",
        "--update",
    ];
    scratch
        .outreach(&again)
        .with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(0);
    assert_eq!([0, 1, 2].map(messages), [1, 2, 2]);
    send(&scratch, &sandbox, "third", "Hello once more");
    assert_eq!([0, 1, 2].map(messages), [1, 3, 3]);
}

/// The reply came before anybody knew whose contact wrote it, and a list shows it before its first request.
#[test]
fn a_doubtful_reply_holds_its_person_once_the_contact_is_known() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--fault=502-after-accept:at=1"]),
    );
    scratch.contacts(2);
    send_losing_answers(&scratch, &sandbox);
    let receiver = Receiver::start(&scratch);
    let contact = contact_of(&sandbox, number(0));
    let content = json!({ "type": "text", "payload": "can you stop the delivery" });
    let said = json!({ "id": "7000", "content": content });
    receiver.take(&event("message_received", &contact, None, NOON, &said));
    let opt_in = json!({ "opt_in": { "type": "phone_number" } });
    receiver.take(&event("opt_in", &contact, Some(number(0)), NOON, &opt_in));
    let check = ["check", "contacts.csv", "--message", "Hello again"];
    let told = scratch.outreach(&check).run().expect(0).out;
    assert!(told.contains("nobody has read it"), "{told}");
    send(&scratch, &sandbox, "second", "Hello again");
    let messages = |n: u32| sandbox.accepted()[&number(n)];
    assert_eq!([0, 1].map(messages), [1, 2]);
    let rows = scratch.checkpoint().rows_of("second");
    let reasons: Vec<_> = rows.iter().map(|it| it.reason_code.as_deref()).collect();
    assert_eq!(reasons, [Some("unread_reply"), None]);
}

/// A button under another name than the documented one is heard; what is not known at all is kept, and read by a person.
#[test]
fn an_event_under_a_name_that_is_not_documented_is_heard_or_kept_and_counted() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(4);
    send(&scratch, &sandbox, "first", "Hello");
    let receiver = Receiver::start(&scratch);
    let button = json!({ "postback": { "payload": "STOP" } });
    let text = json!({ "content": { "type": "text", "payload": "Reply STOP to opt out" } });
    let kinds = [
        ("postback_received", &button),
        ("quick_reply", &button),
        ("message_sent", &text),
        ("channel_weather", &json!({ "cloudy": true })),
    ];
    for ((kind, fields), n) in kinds.into_iter().zip(0..) {
        let contact = contact_of(&sandbox, number(n));
        receiver.take(&event(kind, &contact, None, NOON, fields));
    }
    assert_eq!(listed(&scratch), [0, 1].map(|n| format!("+{}", number(n))));
    let metrics = receiver.metrics();
    let kept = metrics.contains("\noutreach_webhook_unreadable 2\n");
    assert!(kept, "{metrics}");
    let problems = replies(&scratch);
    let problem = |n: usize| problems[n]["problem"].as_str().unwrap().to_owned();
    assert!(problem(0).contains("perhaps an opt-out"), "{}", problem(0));
    assert!(problem(1).contains("not documented"), "{}", problem(1));
}

/// Somebody wrote what nobody has read, then the checkpoint is given up for another one: by its suppression list, by its
/// results, or by both, into one that has the batch or not.
#[test]
fn whom_an_unread_reply_holds_stays_held_when_the_checkpoint_moves() {
    let ways: [(&[&str], bool, i32); 5] = [
        (&["suppress", "import", "stops.json"], false, 0),
        (
            &[
                "history",
                "import",
                "second.results.csv",
                "--no-suppressions",
            ],
            false,
            3,
        ),
        (
            &[
                "history",
                "import",
                "second.results.csv",
                "--no-suppressions",
            ],
            true,
            3,
        ),
        (
            &[
                "history",
                "import",
                "second.results.csv",
                "--suppressions",
                "stops.json",
            ],
            false,
            0,
        ),
        (&["suppress", "import", "stops.csv"], false, 0),
    ];
    for (command, has_batch, code) in ways {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
        scratch.contacts(3);
        send(&scratch, &sandbox, "first", "Hello");
        if has_batch {
            // There it is an empty batch: its people joined after the copy was made.
            scratch.contacts(1);
            send_from(&scratch, &sandbox, ("second", "Hello again"), &[]);
            scratch.outreach(&["backup", "new.db"]).run().expect(0);
            scratch.contacts(3);
        }
        let receiver = Receiver::start(&scratch);
        for (n, text) in [(1, "can you stop the delivery"), (2, "thanks")] {
            let said =
                json!({ "id": format!("70{n}"), "content": { "type": "text", "payload": text } });
            let contact = contact_of(&sandbox, number(n));
            receiver.take(&event("message_received", &contact, None, NOON, &said));
        }
        receiver.end();
        let update: &[&str] = if has_batch { &["--update"] } else { &[] };
        send_from(&scratch, &sandbox, ("second", "Hello again"), update);
        let list = scratch.outreach(&["suppress", "list", "--json"]).run();
        let list = list.expect(0);
        assert!(list.said.contains("suppress replies"), "{}", list.said);
        scratch.write("stops.json", &list.out);
        scratch.write("stops.csv", &as_csv(&list.out));

        let db = ["--db", "new.db"];
        if has_batch {
            let adopt = ["checkpoint", "adopt", "--no-suppressions"];
            scratch.outreach(&adopt).with(&db).run().expect(0);
        }
        let moved = scratch.outreach(command).with(&db).run().expect(code);
        assert!(moved.said.contains("nobody"), "{command:?}: {}", moved.said);
        // The same again changes nothing.
        scratch.outreach(command).with(&db).run().expect(0);
        send_from(&scratch, &sandbox, ("third", "Hello once more"), &db);
        let messages = |n: u32| sandbox.accepted()[&number(n)];
        assert_eq!([1, 2].map(messages), [1, 3], "{command:?}");
        let listed = scratch.outreach(&["suppress", "list"]).with(&db).run();
        let listed = listed.expect(0).out;
        let phone = format!("+{}", number(1));
        assert!(
            listed.contains(&phone) && listed.contains("nobody has read it"),
            "{listed}"
        );
        // A person who knows that it asks for nothing takes them off.
        let remove = ["suppress", "remove", phone.as_str()];
        scratch.outreach(&remove).with(&db).run().expect(0);
        send_from(&scratch, &sandbox, ("fourth", "Hello for good"), &db);
        assert_eq!(messages(1), 2, "{command:?}");
    }
}

fn send_from(
    scratch: &Scratch,
    sandbox: &SandboxProcess,
    (batch, text): (&str, &str),
    more: &[&str],
) {
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
        .with(&["--message", text, "--channel", CHANNEL])
        .with(&["--base-url", sandbox.base_url()])
        .with(more)
        .run()
        .expect(0);
}

/// A list as the console writes it.
fn as_csv(json: &str) -> String {
    let entries: Vec<Value> = serde_json::from_str(json).unwrap();
    let mut csv = "phone,reason,source,added_at,keyed_hash\n".to_owned();
    for entry in entries {
        let cell = |name: &str| entry[name].as_str().unwrap().to_owned();
        let line =
            ["phone", "reason", "source", "added_at"].map(|name| format!("\"{}\"", cell(name)));
        csv.push_str(&line.join(","));
        csv.push_str(",\n");
    }
    csv
}

/// What a list for another checkpoint says of a person whose reply waits here too leaves the reply to be read.
#[test]
fn a_reply_that_waits_here_too_is_not_settled_by_a_list_of_another_checkpoint() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(2);
    send(&scratch, &sandbox, "first", "Hello");
    let receiver = Receiver::start(&scratch);
    let said = json!({ "id": "700", "content": { "type": "text", "payload": "do not stop it" } });
    let contact = contact_of(&sandbox, number(1));
    receiver.take(&event("message_received", &contact, None, NOON, &said));
    let list = scratch.outreach(&["suppress", "list", "--json"]).run();
    scratch.write("stops.json", &list.expect(0).out);
    let import = ["suppress", "import", "stops.json"];
    scratch.outreach(&import).run().expect(0);
    assert_eq!(replies(&scratch).len(), 1);
    send(&scratch, &sandbox, "second", "Hello again");
    assert_eq!(sandbox.accepted()[&number(1)], 1);
    let id = replies(&scratch)[0]["id"].to_string();
    let settle = ["suppress", "replies", "--harmless", &id];
    scratch.outreach(&settle).run().expect(0);
    send(&scratch, &sandbox, "third", "Hello once more");
    assert_eq!(sandbox.accepted()[&number(1)], 2);
}

/// Who is taken off the suppression list again: what a person read before stays read, and what came since is read.
#[test]
fn a_reply_that_a_person_settled_stays_settled_when_its_writer_is_taken_off_the_list() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    send(&scratch, &sandbox, "first", "Hello");
    let receiver = Receiver::start(&scratch);
    let asks = |n: u32, id: &str, contact: &str| {
        let content = json!({ "type": "text", "payload": "do not stop it" });
        let said = json!({ "id": format!("{id}{n}"), "content": content });
        receiver.take(&event("message_received", contact, None, NOON, &said));
    };
    let phones = [0, 1, 2].map(|n| format!("+{}", number(n)));
    let suppress = |what: &str, n: usize| {
        let suppress = ["suppress", what, phones[n].as_str()];
        scratch.outreach(&suppress).run().expect(0);
    };
    let contacts = [0, 1, 2].map(|n| contact_of(&sandbox, number(n)));
    // Somebody read it, and put the person on the list; then another one came.
    asks(0, "70", &contacts[0]);
    suppress("add", 0);
    suppress("remove", 0);
    assert_eq!(replies(&scratch).len(), 0);
    suppress("add", 0);
    asks(0, "71", &contacts[0]);
    suppress("remove", 0);
    assert_eq!(replies(&scratch).len(), 1);
    // An opt-out that a person read out of it before it was known whose it is.
    let stranger = "4600000000000000001";
    asks(1, "72", stranger);
    let id = replies(&scratch)[1]["id"].to_string();
    let settle = ["suppress", "replies", "--opt-out", &id];
    scratch.outreach(&settle).run().expect(0);
    let opt_in = json!({ "opt_in": { "type": "phone_number" } });
    receiver.take(&event("opt_in", stranger, Some(number(9)), LATER, &opt_in));
    let ninth = format!("+{}", number(9));
    assert_eq!(listed(&scratch), [ninth.as_str()]);
    let remove = ["suppress", "remove", ninth.as_str()];
    scratch.outreach(&remove).run().expect(0);
    assert_eq!(replies(&scratch).len(), 1);
    // One whom a list brought: nobody read what the person wrote.
    asks(2, "73", &contacts[2]);
    scratch.write("stops.csv", &format!("phone\n{}\n", phones[2]));
    let import = ["suppress", "import", "stops.csv"];
    scratch.outreach(&import).run().expect(0);
    suppress("remove", 2);
    assert_eq!(replies(&scratch).len(), 2);
}

/// That nobody had read a reply gives way to what is known for certain.
#[test]
fn who_asks_not_to_be_messaged_is_listed_for_that_and_no_longer_for_a_reply_that_was_not_read() {
    let scratch = Scratch::new();
    let phone = format!("+{}", number(0));
    let unread = "what the person wrote, or may have written, may ask not to be messaged, and nobody has read it";
    scratch.write(
        "stops.csv",
        &format!("phone,reason\n{phone},\"{unread}\"\n"),
    );
    let import = ["suppress", "import", "stops.csv"];
    let add = [
        "suppress",
        "add",
        phone.as_str(),
        "--reason",
        "asked by phone",
    ];
    let list = || scratch.outreach(&["suppress", "list"]).run().expect(0).out;
    scratch.outreach(&import).run().expect(0);
    assert!(list().contains(unread), "{}", list());
    scratch.outreach(&add).run().expect(0);
    scratch.outreach(&import).run().expect(0);
    let list = list();
    assert!(
        list.contains("asked by phone") && !list.contains(unread),
        "{list}"
    );
}

/// The answer to the second person's message is lost, and a contact of an unknown number asks not to be messaged.
fn stop_after_a_lost_answer(
    sandbox: &SandboxProcess,
    writer: impl Fn() -> String,
) -> (Scratch, Receiver) {
    let scratch = Scratch::new();
    scratch.contacts(3);
    send_losing_answers(&scratch, sandbox);
    let receiver = Receiver::start(&scratch);
    receiver.take(&stop(&writer()));
    (scratch, receiver)
}

#[test]
fn who_may_have_asked_for_no_message_gets_none_again_where_the_answer_was_lost() {
    let sandbox = SandboxProcess::start(&["--fault=502-after-accept:at=2"]);
    let (scratch, receiver) =
        stop_after_a_lost_answer(&sandbox, || contact_of(&sandbox, number(1)));
    let list = scratch.outreach(&["resolve", "first"]).run().expect(0).out;
    for told in ["may have written", "outreach suppress replies"] {
        assert!(list.contains(told), "{told}: {list}");
    }
    let chosen: [&[&str]; 2] = [&["--all"], &["--row", "3"]];
    for rows in chosen {
        let resend = ["resolve", "first", "--resend"];
        let told = scratch.outreach(&resend).with(rows).run().expect(3);
        told.says("1 row stays unknown")
            .says("outreach suppress replies");
    }
    let resume = || {
        scratch
            .outreach(&["resume", "first", "--yes", "--base-url"])
            .with(&[sandbox.base_url()])
            .run()
    };
    resume();
    assert_eq!(sandbox.accepted()[&number(1)], 1);
    // Nor does another list, whatever it says.
    let other_list = |batch: &str| {
        send(&scratch, &sandbox, batch, batch);
        sandbox.accepted()[&number(1)]
    };
    assert_eq!(other_list("second"), 1);
    assert_eq!(sandbox.accepted()[&number(2)], 2);
    // A person knows that it was somebody else.
    let id = replies(&scratch)[0]["id"].to_string();
    let other = format!("+{}", number(9));
    scratch
        .outreach(&["suppress", "replies", "--opt-out", &id, "--number", &other])
        .run()
        .expect(0);
    let resend = ["resolve", "first", "--resend", "--all"];
    scratch.outreach(&resend).run().expect(0);
    resume().expect(0);
    assert_eq!(sandbox.accepted()[&number(1)], 2);
    // The answer to that request named the contact: the person was wrong, and the opt-out counts.
    assert_eq!(other_list("third"), 2);
    receiver.end();
    scratch.checkpoint().expect_sound();
}
