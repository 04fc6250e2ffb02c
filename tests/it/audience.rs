//! People of the checkpoint in place of a file: who belongs, who is frozen, and who comes next time.

use std::fmt::Write as _;

use outreach::internals::domain::delivery::State;
use outreach::internals::sandbox::Settings;
use serde_json::json;

use crate::support::{CHANNEL, Program, Receiver, SandboxProcess, Scratch, event, number};

const SMS: &str = Settings::MOBILE_CHANNEL;

/// Sends to an audience through a channel.
fn send_to(scratch: &Scratch, sandbox: &SandboxProcess, channel: &str, whom: &[&str]) -> Program {
    scratch
        .outreach(&["send", "--audience-from", "checkpoint", "--yes"])
        .with(&["--message", "Again, {{ first_name }}", "--message-again"])
        .with(&["--base-url", sandbox.base_url(), "--channel", channel])
        .with(whom)
}

fn audience(scratch: &Scratch, whom: &[&str]) -> Program {
    scratch.outreach(&["audience"]).with(whom)
}

/// The batches of audiences, by name.
fn batches(scratch: &Scratch) -> Vec<String> {
    let batches = scratch.checkpoint().reader.batches().unwrap();
    let names = batches.into_iter().map(|batch| batch.name);
    names.filter(|name| name.starts_with("audience-")).collect()
}

#[test]
fn whom_messenger_did_not_reach_is_messaged_by_sms_once() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--no-messenger", "40%"]);
    scratch.contacts(40);
    scratch.send(&sandbox).run().expect(0);
    let left = scratch.checkpoint().counts().no_messenger;
    assert!(left > 8);
    let whom = ["--batch-status", "list=no_messenger"];
    let told = audience(&scratch, &whom).run().expect(0);
    assert!(
        told.out.starts_with(&format!("{left} people belong")),
        "{}",
        told.out
    );
    assert_eq!(told.out.lines().count(), 12, "{}", told.out);
    assert!(!told.out.contains(&number(1).to_string()), "{}", told.out);
    send_to(&scratch, &sandbox, SMS, &whom).run().expect(0);
    assert_eq!(sandbox.stats().reached, 40);
    let [batch] = &batches(&scratch)[..] else {
        panic!("one batch")
    };
    assert_eq!(scratch.checkpoint().counts_of(batch).sent, left);
    // The same command again finds nobody who was not in it.
    let sends = sandbox.stats().sends;
    send_to(&scratch, &sandbox, SMS, &whom)
        .run()
        .expect(0)
        .says("There is nobody in this audience who was not messaged by it before");
    assert_eq!(sandbox.stats().sends, sends);
}

#[test]
fn the_people_of_an_unfinished_audience_are_frozen_and_those_of_the_next_were_in_none_before() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(10);
    scratch.send(&sandbox).run().expect(0);
    let whom = ["--on-channel", CHANNEL];
    send_to(&scratch, &sandbox, CHANNEL, &whom)
        .concurrency(1)
        .crash_at("before-intent-commit:8")
        .run()
        .expect_crash();
    let first = batches(&scratch);
    let before = scratch.checkpoint().counts_of(&first[0]);
    assert_eq!(before.sent + before.queued, 10);
    // Somebody else joins meanwhile: not in this one.
    scratch.write("more.csv", "phone,first_name\n+420777900001,Eva\n");
    scratch
        .outreach(&[
            "send",
            "more.csv",
            "--yes",
            "--batch",
            "more",
            "--message",
            "Hi",
        ])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        .run()
        .expect(0);
    send_to(&scratch, &sandbox, CHANNEL, &whom)
        .run()
        .expect(0)
        .says("goes on with the people who were in it");
    assert_eq!(batches(&scratch), first);
    assert_eq!(scratch.checkpoint().counts_of(&first[0]).sent, 10);
    send_to(&scratch, &sandbox, CHANNEL, &whom).run().expect(0);
    let second = format!("{}-2", first[0]);
    assert_eq!(scratch.checkpoint().counts_of(&second).rows(), 1);
    let rows = scratch.checkpoint().rows_of(&second);
    assert_eq!(
        (rows[0].number, rows[0].state),
        (Some(420_777_900_001), State::Sent)
    );
}

#[test]
fn whom_an_updated_list_refuses_is_not_messaged_by_an_audience_that_was_made_before() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    let list = |refused: Option<u64>| {
        let mut list = String::from("phone,first_name,consent\n");
        for n in 0..10 {
            let is_refused = refused == Some(number(n));
            let answer = if is_refused { "no" } else { "yes" };
            writeln!(list, "+{},Name{n},{answer}", number(n)).unwrap();
        }
        scratch.write("contacts.csv", &list);
    };
    list(None);
    scratch.send(&sandbox).run().expect(0);
    let send = || send_to(&scratch, &sandbox, CHANNEL, &["--on-channel", CHANNEL]);
    send()
        .concurrency(1)
        .crash_at("before-intent-commit:8")
        .run()
        .expect_crash();
    let name = batches(&scratch).remove(0);
    let rows = scratch.checkpoint().rows_of(&name);
    let refused = rows.iter().rfind(|row| row.state == State::Queued);
    let refused = refused.unwrap().number.unwrap();
    list(Some(refused));
    scratch.send(&sandbox).with(&["--update"]).run().expect(0);
    send().run().expect(0);
    let counts = scratch.checkpoint().counts_of(&name);
    assert_eq!((counts.sent + counts.unknown, counts.suppressed), (9, 1));
    let accepted = sandbox.accepted();
    assert_eq!(accepted[&refused], 1, "the message of the list alone");
    let rows = scratch.checkpoint().rows_of(&name);
    let row = rows.iter().find(|row| row.number == Some(refused)).unwrap();
    assert_eq!(row.reason_code.as_deref(), Some("no_consent"));
}

/// A later list has the person too, and says nothing against them.
#[test]
fn whom_a_batch_of_the_audience_refuses_by_now_is_not_messaged_whatever_list_has_them() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    let list = |people: std::ops::Range<u32>, refused: Option<u32>| {
        let mut list = String::from("phone,first_name,consent\n");
        for n in people {
            let answer = if refused == Some(n) { "no" } else { "yes" };
            writeln!(list, "+{},Name{n},{answer}", number(n)).unwrap();
        }
        scratch.write("contacts.csv", &list);
    };
    let send = |batch: &str, message: &str| {
        let send = ["send", "contacts.csv", "--yes", "--message-again"];
        let send = scratch.outreach(&send).with(&["--batch", batch]);
        let send = send.with(&["--message", message, "--channel", CHANNEL]);
        send.with(&["--base-url", sandbox.base_url()])
    };
    list(0..5, None);
    send("list", "Hello").run().expect(0);
    list(3..5, None);
    send("later", "Later").run().expect(0);
    let from = ["--batch-status", "list=sent", "--limit", "1"];
    send_to(&scratch, &sandbox, CHANNEL, &from).run().expect(4);
    let name = batches(&scratch).remove(0);
    list(0..5, Some(4));
    send("list", "Hello").with(&["--update"]).run().expect(0);
    let resume = scratch.outreach(&["resume", &name, "--yes"]);
    let resume = resume.with(&["--base-url", sandbox.base_url()]);
    resume.run().expect(0);
    let counts = scratch.checkpoint().counts_of(&name);
    assert_eq!((counts.sent, counts.suppressed), (4, 1));
    let rows = scratch.checkpoint().rows_of(&name);
    assert_eq!(rows[4].reason_code.as_deref(), Some("no_consent"));
}

#[test]
fn an_unfinished_audience_that_was_restored_goes_on_with_its_people() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    scratch.outreach(&["backup", "copy.db"]).run().expect(0);
    let whom = ["--on-channel", CHANNEL];
    let send = || send_to(&scratch, &sandbox, CHANNEL, &whom);
    send().with(&["--limit", "1"]).run().expect(4);
    let name = batches(&scratch)[0].clone();
    let export = scratch.outreach(&["export", &name, "-o", "people.csv"]);
    export.run().expect(0);
    for file in ["outreach.db-wal", "outreach.db-shm", "outreach.db-mark"] {
        let _ = std::fs::remove_file(scratch.path(file));
    }
    std::fs::rename(scratch.path("copy.db"), scratch.path("outreach.db")).unwrap();
    for line in [
        &["checkpoint", "adopt"][..],
        &["history", "import", "people.csv"],
    ] {
        let done = scratch.outreach(line).with(&["--no-suppressions"]);
        done.run().expect(0);
    }
    send().run().expect(0).says("was restored from people.csv");
    assert_eq!(scratch.checkpoint().counts_of(&name).sent, 3);
    let twice = sandbox.accepted();
    assert!(twice.values().all(|messages| *messages == 2), "{twice:?}");
}

#[test]
fn who_opted_in_lately_belongs_and_who_said_stop_or_is_suppressed_does_not() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(6);
    scratch.send(&sandbox).run().expect(0);
    let receiver = Receiver::start(&scratch);
    let mut contacts = Vec::new();
    scratch
        .checkpoint()
        .reader
        .contacts(|contact| {
            contacts.push((contact.phone.get(), contact.contact_id.clone().unwrap()));
            Ok::<_, outreach::internals::store::StoreError>(())
        })
        .unwrap();
    let now = jiff::Timestamp::now();
    let opt_in = |(phone, contact): &(u64, String), at: jiff::Timestamp| {
        let kind = json!({ "opt_in": { "type": "phone_number" } });
        event("opt_in", contact, Some(*phone), &at.to_string(), &kind)
    };
    for person in &contacts[..4] {
        receiver.take(&opt_in(person, now));
    }
    receiver.take(&opt_in(
        &contacts[4],
        now - jiff::SignedDuration::from_hours(24 * 9),
    ));
    let stop = json!({ "id": "5", "content": { "type": "text", "payload": "STOP" } });
    let at = now.to_string();
    receiver.take(&event("message_received", &contacts[0].1, None, &at, &stop));
    let second = format!("+{}", contacts[1].0);
    scratch
        .outreach(&["suppress", "add", &second])
        .run()
        .expect(0);
    receiver.end();
    let count = |whom: &[&str]| {
        let told = audience(&scratch, whom).run().expect(0).out;
        told.split(' ').next().unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(count(&["--opted-in"]), 3);
    assert_eq!(count(&["--opted-in", "--since", "7d"]), 2);
    assert_eq!(
        count(&["--opted-in", "--country", "CZ", "--on-channel", CHANNEL]),
        3
    );
    assert_eq!(count(&["--accepted-not-read"]), 4);
    let none = audience(&scratch, &["--opted-in", "--not-within", "1d"])
        .run()
        .expect(0);
    assert!(none.out.starts_with("Nobody belongs"), "{}", none.out);
    let told = audience(&scratch, &["--opted-in"]).run().expect(0).out;
    assert!(
        told.contains("2 of them have acted within the last 24 hours"),
        "{told}"
    );
    audience(&scratch, &["--opted-in", "-o", "people.csv"])
        .run()
        .expect(0);
    let list = scratch.read("people.csv");
    assert_eq!(list.lines().count(), 4, "{list}");
    assert!(
        list.starts_with("phone,first_name,last_name\n+420777"),
        "{list}"
    );
}

#[test]
fn the_time_to_answer_counts_from_the_first_copy_of_what_a_person_wrote() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(2);
    scratch.send(&sandbox).run().expect(0);
    let receiver = Receiver::start(&scratch);
    let mut contact = None;
    let each = |it: outreach::internals::store::Contact| {
        contact = contact.take().or(it.contact_id);
        Ok::<_, outreach::internals::store::StoreError>(())
    };
    scratch.checkpoint().reader.contacts(each).unwrap();
    let says = |text: &str, at: &str| {
        let said = json!({ "id": "5", "content": { "type": "text", "payload": text } });
        event(
            "message_received",
            contact.as_deref().unwrap(),
            None,
            at,
            &said,
        )
    };
    let acted = || {
        let told = audience(&scratch, &["--on-channel", CHANNEL])
            .run()
            .expect(0)
            .out;
        told.contains("1 of them has acted within the last 24 hours")
    };
    assert!(!acted());
    let now = jiff::Timestamp::now().to_string();
    receiver.take(&says("Thank you", &now));
    assert!(acted());
    let inbound = || {
        let connection = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
        let sql = "SELECT max(last_inbound_at) FROM person";
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let first = inbound();
    receiver.take(&says("Thank you", &now));
    assert_eq!(inbound(), first, "a copy changes nothing");
    receiver.end();
    // Nothing is kept of strangers.
    assert_eq!(scratch.checkpoint().rows().len(), 2);
}

#[test]
fn an_audience_without_a_condition_and_a_condition_without_an_audience_are_refused() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(2);
    scratch.send(&sandbox).run().expect(0);
    audience(&scratch, &[])
        .run()
        .expect(2)
        .says("an audience needs a condition");
    send_to(&scratch, &sandbox, CHANNEL, &[])
        .run()
        .expect(2)
        .says("an audience needs a condition");
    let file = scratch.send(&sandbox).with(&["--opted-in"]).run();
    file.expect(2).says("--audience-from checkpoint");
    let both = send_to(&scratch, &sandbox, CHANNEL, &["contacts.csv"]).run();
    both.expect(2).says("cannot be used with");
    for wrong in ["list", "list=happy", "=sent"] {
        audience(&scratch, &["--batch-status", wrong])
            .run()
            .expect(2);
    }
    audience(&scratch, &["--batch-status", "lisst=sent"])
        .run()
        .expect(2)
        .says("list");
    audience(&scratch, &["--country", "Atlantis"])
        .run()
        .expect(2);
    assert_eq!(sandbox.stats().sends, 2);
}

#[test]
fn whom_the_last_list_keeps_out_belongs_to_no_audience() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    let send = |list: &[&str]| {
        let send = scratch.outreach(&["send"]).with(list);
        send.with(&["--yes", "--region", "CZ", "--message-again"])
            .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
            .run()
            .expect(0)
    };
    scratch.write(
        "list.csv",
        "phone,consent\n777000001,yes\n777000002,no\n777000003 STOP,yes\n777000004 wrong number,yes\n\
         777000005,yes\n777000006,yes\n",
    );
    send(&["list.csv", "--batch", "first", "-m", "One"]);
    let belong = |expected: &[u64]| {
        audience(&scratch, &["--country", "CZ", "-o", "people.csv"])
            .run()
            .expect(0);
        let list = scratch.read("people.csv");
        for number in 777_000_001..=777_000_006 {
            let is_in = list.contains(&format!("420{number}"));
            assert_eq!(is_in, expected.contains(&(number % 10)), "{number}: {list}");
        }
    };
    belong(&[1, 5, 6]);
    // An edited list without a person who has the message changes nothing for that person; another list refuses one person and
    // allows another.
    scratch.write(
        "edited.csv",
        "phone,consent\n777000001,yes\n777000006,yes\n",
    );
    send(&["edited.csv", "--batch", "first", "-m", "One", "--update"]);
    scratch.write(
        "other.csv",
        "phone,consent\n777000006,no\n777000002,yes\n777000007,yes\n",
    );
    send(&["other.csv", "--batch", "second", "-m", "Three"]);
    belong(&[1, 2, 5]);
}
