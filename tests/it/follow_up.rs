//! A further message after an event: whom it is for, when, and how often.

use std::fmt::Write as _;

use jiff::Timestamp;
use outreach::internals::domain::delivery::State;
use outreach::internals::sandbox::Settings;
use outreach::internals::store::{Contact, StoreError};
use outreach::run::BatchState;
use serde_json::{Value, json};

use crate::support::{
    CHANNEL, ConsoleProcess, Program, Receiver, SandboxProcess, Scratch, event, wait_until,
};

const SMS: &str = Settings::MOBILE_CHANNEL;

/// `send --after EVENT --of list`.
fn follow(scratch: &Scratch, sandbox: &SandboxProcess, after: &str) -> Program {
    scratch
        .outreach(&["send", "--after", after, "--of", "list", "--yes"])
        .with(&["--message", "Thank you, {{ first_name }}"])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
}

/// The one follow-up.
fn batch(scratch: &Scratch) -> String {
    let batches = scratch.checkpoint().reader.batches().unwrap();
    let mut names = batches.into_iter().map(|batch| batch.name);
    names.find(|name| name.starts_with("after-")).expect("one")
}

fn resume(scratch: &Scratch, sandbox: &SandboxProcess) -> Program {
    scratch
        .outreach(&["resume", &batch(scratch), "--yes"])
        .with(&["--base-url", sandbox.base_url()])
}

/// Number, contact and message of each person who was messaged, in the order of the numbers.
fn people(scratch: &Scratch) -> Vec<(u64, String, String)> {
    let checkpoint = scratch.checkpoint();
    let mut found = Vec::new();
    let each = |it: Contact| {
        let messages = checkpoint.reader.messages_to(CHANNEL, it.phone).unwrap();
        let message = messages.into_iter().find_map(|it| it.message_id);
        found.push((it.phone.get(), it.contact_id.unwrap(), message.unwrap()));
        Ok::<_, StoreError>(())
    };
    checkpoint.reader.contacts(each).unwrap();
    found.sort();
    found
}

fn opt_in((phone, contact, _): &(u64, String, String), at: &str) -> Value {
    let kind = json!({ "opt_in": { "type": "phone_number" } });
    event("opt_in", contact, Some(*phone), at, &kind)
}

fn delivered((phone, contact, message): &(u64, String, String)) -> Value {
    let messages = json!({ "messages": [{ "id": message }] });
    let now = Timestamp::now().to_string();
    event("messages_delivered", contact, Some(*phone), &now, &messages)
}

/// The numbers that got the follow-up.
fn thanked(sandbox: &SandboxProcess) -> Vec<u64> {
    let messages = sandbox.messages().into_iter();
    let thanks = messages.filter(|it| {
        let text = it["content"]["payload"].as_str().unwrap();
        text.starts_with("Thank you, Name")
    });
    let number = |it: Value| it["number"].as_str().unwrap().parse().unwrap();
    let mut numbers: Vec<u64> = thanks.map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// The people of an audience are those of the lists before.
#[test]
fn whom_an_updated_list_refuses_is_not_messaged_by_the_follow_up_of_an_audience_either() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    let list = |answers: [&str; 3]| {
        let mut list = String::from("phone,first_name,consent\n");
        for (at, answer) in answers.into_iter().enumerate() {
            writeln!(list, "+42077700000{at},Name{at},{answer}").unwrap();
        }
        scratch.write("contacts.csv", &list);
    };
    list(["yes", "yes", "yes"]);
    scratch.send(&sandbox).run().expect(0);
    let to = ["--base-url", sandbox.base_url(), "--channel", CHANNEL];
    let audience = ["send", "--audience-from", "checkpoint", "--yes"];
    let audience = scratch.outreach(&audience).with(&to);
    audience
        .with(&[
            "--on-channel",
            CHANNEL,
            "--message",
            "Again",
            "--message-again",
        ])
        .run()
        .expect(0);
    let batches = scratch.checkpoint().reader.batches().unwrap();
    let mut names = batches.into_iter().map(|batch| batch.name);
    let audience = names.find(|name| name.starts_with("audience-")).unwrap();
    let follow = || {
        let follow = ["send", "--after", "opt_in", "--of", &audience, "--yes"];
        let follow = scratch.outreach(&follow).with(&to);
        follow.with(&["--message", "Thank you, {{ first_name }}"])
    };
    follow().run().expect(0);
    let people = people(&scratch);
    list(["yes", "no", "yes"]);
    scratch.send(&sandbox).with(&["--update"]).run().expect(0);
    let receiver = Receiver::start(&scratch);
    for person in &people {
        receiver.take(&opt_in(person, &Timestamp::now().to_string()));
    }
    receiver.end();
    follow().run().expect(0);
    assert_eq!(thanked(&sandbox), [people[0].0, people[2].0]);
}

#[test]
fn who_opts_in_gets_it_once_and_nobody_else_does() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(6);
    scratch.send(&sandbox).run().expect(0);
    let told = follow(&scratch, &sandbox, "opt_in")
        .run()
        .expect(0)
        .says("6 people get it when they opt in, within 24 h")
        .says("open until");
    assert!(!told.said.contains("happened before"), "{}", told.said);
    let name = batch(&scratch);
    let status = scratch.outreach(&["status", &name]).run().expect(0);
    assert!(
        status.out.contains("6  waiting until they opt in"),
        "{}",
        status.out
    );
    let console = ConsoleProcess::of(&scratch, &sandbox, &[]);
    let page = console.visitor().page(&format!("/batches/{name}"));
    assert!(page.contains("waiting until they opt in"), "{page}");
    assert!(page.contains("Open until"), "{page}");
    console.end();
    assert!(thanked(&sandbox).is_empty());
    let people = people(&scratch);
    let receiver = Receiver::start(&scratch);
    let at = Timestamp::now().to_string();
    for person in &people[..2] {
        receiver.take(&opt_in(person, &at));
        receiver.take(&opt_in(person, &at));
    }
    // Who is queued waits for a run.
    scratch.outreach(&["status", &name]).run().expect(4);
    resume(&scratch, &sandbox)
        .run()
        .expect(0)
        .says("open until");
    assert_eq!(thanked(&sandbox), [people[0].0, people[1].0]);
    // A copy, and another one that looks like a second opt-in.
    for at in [at.as_str(), "2026-05-02T08:00:00Z"] {
        receiver.take(&opt_in(&people[0], at));
    }
    receiver.take(&opt_in(&people[2], &at));
    receiver.end();
    follow(&scratch, &sandbox, "opt_in").run().expect(0);
    assert_eq!(thanked(&sandbox), [people[0].0, people[1].0, people[2].0]);
    let counts = scratch.checkpoint().counts_of(&name);
    assert_eq!((counts.sent, counts.queued, counts.awaiting), (3, 0, 3));
    scratch.checkpoint().expect_sound();
    let story = scratch.outreach(&["status", &name, "--row", "2"]).run();
    assert!(story.expect(0).out.contains("event: opted in"));
}

#[test]
fn an_event_before_the_batch_began_and_its_late_copies_do_not_count() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(2);
    scratch.send(&sandbox).run().expect(0);
    let people = people(&scratch);
    let receiver = Receiver::start(&scratch);
    let early = opt_in(&people[0], &Timestamp::now().to_string());
    receiver.take(&early);
    follow(&scratch, &sandbox, "opt_in")
        .run()
        .expect(0)
        .says("For 1 of them that happened before this batch began");
    receiver.take(&early);
    receiver.end();
    resume(&scratch, &sandbox).run().expect(0);
    assert!(thanked(&sandbox).is_empty());
}

#[test]
fn a_delivery_before_the_batch_began_is_told_and_does_not_count() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(2);
    scratch.send(&sandbox).run().expect(0);
    let receiver = Receiver::start(&scratch);
    receiver.take(&delivered(&people(&scratch)[0]));
    receiver.end();
    follow(&scratch, &sandbox, "delivered")
        .run()
        .expect(0)
        .says("For 1 of them that happened before this batch began");
    assert!(thanked(&sandbox).is_empty());
}

#[test]
fn who_opted_out_or_is_suppressed_gets_nothing() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    follow(&scratch, &sandbox, "opt_in").run().expect(0);
    let people = people(&scratch);
    let receiver = Receiver::start(&scratch);
    let at = Timestamp::now().to_string();
    let stop = json!({ "id": "5", "content": { "type": "text", "payload": "STOP" } });
    receiver.take(&event("message_received", &people[0].1, None, &at, &stop));
    for person in &people {
        receiver.take(&opt_in(person, &at));
    }
    receiver.end();
    let second = format!("+{}", people[1].0);
    scratch
        .outreach(&["suppress", "add", &second])
        .run()
        .expect(0);
    resume(&scratch, &sandbox).run().expect(0);
    assert_eq!(thanked(&sandbox), [people[2].0]);
    let rows = scratch.checkpoint().rows_of(&batch(&scratch));
    let suppressed = rows.iter().filter(|row| row.state == State::Suppressed);
    assert_eq!(suppressed.count(), 2);
}

#[test]
fn a_delivery_queues_where_it_is_of_the_batch_before() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(2);
    scratch.send(&sandbox).run().expect(0);
    let of_list = people(&scratch);
    follow(&scratch, &sandbox, "delivered").run().expect(0);
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "other"])
        .with(&["--message", "Something else", "--message-again"])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        .run()
        .expect(0);
    let mut of_other = of_list[0].clone();
    let messages = sandbox.messages().into_iter();
    let number = of_other.0.to_string();
    let mut theirs = messages.filter(|it| it["number"] == number.as_str());
    let last = theirs.next_back().unwrap();
    last["id"].as_str().unwrap().clone_into(&mut of_other.2);
    assert_ne!(of_other.2, of_list[0].2);
    let receiver = Receiver::start(&scratch);
    receiver.take(&delivered(&of_other));
    resume(&scratch, &sandbox).run().expect(0);
    assert!(thanked(&sandbox).is_empty());
    receiver.take(&delivered(&of_list[1]));
    receiver.end();
    resume(&scratch, &sandbox).run().expect(0);
    assert_eq!(thanked(&sandbox), [of_list[1].0]);
}

#[test]
fn its_message_may_use_every_column_and_its_times_can_be_changed() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.write(
        "contacts.csv",
        "Mobile,First name,Order\n777 123 456,\"Nováková, Jana\",A 1\nnone,Eva,A 2\n777123456,Jana,A 3\n",
    );
    scratch
        .send(&sandbox)
        .with(&["--region", "CZ"])
        .run()
        .expect(0);
    let follow = |more: &[&str]| {
        scratch
            .outreach(&["send", "--after", "opt_in", "--of", "list", "--yes"])
            .with(&["--message", "{{ first_name }}: {{ order }}"])
            .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
            .with(more)
            .run()
    };
    // The settings for the first list are still there.
    let first = ["--column", "phone=Mobile", "--region", "CZ"];
    follow(&first)
        .expect(0)
        .says("1 person gets it when they opt in");
    follow(&["--delay", "1d"])
        .expect(2)
        .says("24 h after the event (--delay) is not before 24 h after it (--expires)");
    follow(&["--delay", "2h", "--expires", "0"])
        .expect(0)
        .says("2 h after that");
    let name = batch(&scratch);
    let kept = scratch.checkpoint().batch(&name).follow_up.unwrap();
    assert_eq!((kept.delay.as_secs(), kept.expires), (7_200, None));
    follow(&["--delay", "0"]).expect(0);
    let people = people(&scratch);
    let receiver = Receiver::start(&scratch);
    receiver.take(&opt_in(&people[0], &Timestamp::now().to_string()));
    receiver.end();
    resume(&scratch, &sandbox).run().expect(0);
    let last = sandbox.messages().pop().unwrap();
    assert_eq!(last["content"]["payload"], "Nováková, Jana: A 1");
}

#[test]
fn no_list_joins_it_and_its_flags_belong_together() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(2);
    scratch.send(&sandbox).run().expect(0);
    follow(&scratch, &sandbox, "opt_in").run().expect(0);
    let name = batch(&scratch);
    for how in ["--add", "--update"] {
        let refused = scratch
            .outreach(&["send", "contacts.csv", "--yes", "--batch", &name, how])
            .with(&["--message", "Thank you, {{ first_name }}"])
            .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
            .run();
        // A list has no such column, or does not belong to it.
        assert!(matches!(refused.code, Some(2 | 7)), "{}", refused.said);
    }
    for more in [
        &["contacts.csv"][..],
        &["--batch", "other"],
        &["--limit", "1"],
        &["--audience-from", "checkpoint"],
        &["--open-for", "0"],
    ] {
        follow(&scratch, &sandbox, "opt_in")
            .with(more)
            .run()
            .expect(2);
    }
    follow(&scratch, &sandbox, "happy").run().expect(2);
    scratch
        .outreach(&[
            "send",
            "contacts.csv",
            "--after",
            "opt_in",
            "--message",
            "Hi",
        ])
        .run()
        .expect(2);
    assert_eq!(sandbox.stats().sends, 2);
    // It can be given up, and then no event counts.
    scratch
        .outreach(&["cancel", &name, "--yes"])
        .run()
        .expect(0)
        .says("2 queued people are not messaged");
    let people = people(&scratch);
    let receiver = Receiver::start(&scratch);
    receiver.take(&opt_in(&people[0], &Timestamp::now().to_string()));
    receiver.end();
    assert_eq!(scratch.checkpoint().counts_of(&name).awaiting, 2);
}

#[test]
fn another_channel_has_no_window_of_its_own() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(1);
    scratch.send(&sandbox).run().expect(0);
    let told = scratch
        .outreach(&["send", "--after", "delivered", "--of", "list", "--yes"])
        .with(&["--message", "Thank you", "--sms"])
        .with(&["--base-url", sandbox.base_url(), "--channel", SMS])
        .run()
        .expect(0);
    assert!(!told.said.contains("within"), "{}", told.said);
}

#[test]
fn a_worker_sends_to_whom_an_event_queued_and_waits_for_the_delay_elsewhere() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    follow(&scratch, &sandbox, "opt_in").run().expect(0);
    let name = batch(&scratch);
    let worker = || {
        let worker = scratch.outreach(&["worker", "--once"]);
        worker.with(&["--base-url", sandbox.base_url()]).run()
    };
    worker().expect(0);
    assert!(thanked(&sandbox).is_empty());
    let people = people(&scratch);
    let receiver = Receiver::start(&scratch);
    let now = || Timestamp::now().to_string();
    receiver.take(&opt_in(&people[1], &now()));
    assert_eq!(
        scratch.checkpoint().batch(&name).state_by.as_deref(),
        Some("event")
    );
    let other_token = scratch
        .outreach(&["worker", "--once", "--base-url", sandbox.base_url()])
        .env("AMIO_TOKEN", "another")
        .run()
        .expect(0);
    assert!(!other_token.said.contains(&name), "{}", other_token.said);
    worker().expect(0).says(&name);
    worker().expect(0);
    assert_eq!(thanked(&sandbox), [people[1].0]);
    // Whose turn has not come keeps no worker.
    follow(&scratch, &sandbox, "opt_in")
        .with(&["--delay", "2h"])
        .run()
        .expect(0);
    receiver.take(&opt_in(&people[2], &now()));
    receiver.end();
    let idle = worker().expect(0);
    assert!(!idle.said.contains(&name), "{}", idle.said);
    assert_eq!(scratch.checkpoint().counts_of(&name).queued, 1);
    assert_eq!(thanked(&sandbox), [people[1].0]);
}

#[test]
fn an_opt_in_that_names_no_number_queues_once_its_contact_is_known() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::with_faults(&["close-after-accept:at=1"]);
    scratch.contacts(1);
    scratch.send(&sandbox).run().expect(3);
    let message = sandbox.messages().pop().unwrap();
    let text = |field: &Value| field.as_str().unwrap().to_owned();
    let number: u64 = text(&message["number"]).parse().unwrap();
    let person = (number, "4711".to_owned(), text(&message["id"]));
    follow(&scratch, &sandbox, "opt_in").run().expect(0);
    let receiver = Receiver::start(&scratch);
    let kind = json!({ "opt_in": { "type": "phone_number" } });
    let at = Timestamp::now().to_string();
    receiver.take(&event("opt_in", &person.1, None, &at, &kind));
    resume(&scratch, &sandbox).run().expect(0);
    assert!(thanked(&sandbox).is_empty());
    receiver.take(&delivered(&person));
    let name = batch(&scratch);
    wait_until("the opt-in counts", || {
        scratch.checkpoint().counts_of(&name).queued == 1
    });
    receiver.end();
    resume(&scratch, &sandbox).run().expect(0);
    assert_eq!(thanked(&sandbox), [number]);
}

#[test]
fn the_receiver_closes_a_follow_up_whose_time_is_over() {
    let scratch = Scratch::new().in_steps_of(2);
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(5);
    scratch.send(&sandbox).run().expect(0);
    follow(&scratch, &sandbox, "opt_in")
        .with(&["--open-for", "1s"])
        .run()
        .expect(0);
    let name = batch(&scratch);
    let until = scratch.checkpoint().batch(&name).follow_up.unwrap();
    wait_until("its time is over", || !until.is_open(Timestamp::now()));
    let receiver = Receiver::start(&scratch);
    wait_until("it is closed", || {
        scratch.checkpoint().batch(&name).state == BatchState::Complete
    });
    receiver.end();
    let counts = scratch.checkpoint().counts_of(&name);
    assert_eq!((counts.suppressed, counts.awaiting), (5, 0));
    scratch.checkpoint().expect_sound();
    scratch.outreach(&["status", &name]).run().expect(0);
}

#[test]
fn a_restored_follow_up_waits_for_its_events_again_and_no_list_takes_its_name() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    scratch.outreach(&["backup", "copy.db"]).run().expect(0);
    follow(&scratch, &sandbox, "opt_in").run().expect(0);
    let name = batch(&scratch);
    let people = people(&scratch);
    let opts_in = |person: &(u64, String, String)| {
        let receiver = Receiver::start(&scratch);
        receiver.take(&opt_in(person, &Timestamp::now().to_string()));
        receiver.end();
    };
    opts_in(&people[0]);
    resume(&scratch, &sandbox).run().expect(0);
    let export = scratch.outreach(&["export", &name, "-o", "after.csv"]);
    export.run().expect(0);
    // What is left is a copy from before the follow-up, and its results.
    for file in ["outreach.db-wal", "outreach.db-shm", "outreach.db-mark"] {
        let _ = std::fs::remove_file(scratch.path(file));
    }
    std::fs::rename(scratch.path("copy.db"), scratch.path("outreach.db")).unwrap();
    let run = |line: &[&str]| scratch.outreach(line).with(&["--no-suppressions"]).run();
    run(&["checkpoint", "adopt"]).expect(0);
    run(&["history", "import", "after.csv"]).expect(0);
    for how in [&[][..], &["--update"], &["--add"]] {
        scratch
            .outreach(&["send", "contacts.csv", "--yes", "--batch", &name])
            .with(&["--message", "Thank you, {{ first_name }}"])
            .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
            .with(how)
            .run()
            .expect(2)
            .says("was a follow-up");
    }
    let refused = resume(&scratch, &sandbox).run().expect(2);
    assert!(refused.said.contains("send --after EVENT --of BATCH"));
    follow(&scratch, &sandbox, "opt_in")
        .run()
        .expect(0)
        .says("2 people get it when they opt in");
    assert_eq!(thanked(&sandbox), [people[0].0]);
    opts_in(&people[1]);
    resume(&scratch, &sandbox).run().expect(0);
    assert_eq!(thanked(&sandbox), [people[0].0, people[1].0]);
}

#[test]
fn an_open_follow_up_gets_another_channel_that_needs_no_message_of_its_own() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    scratch.contacts(2);
    scratch.send(&sandbox).run().expect(0);
    let again = |more: &[&str]| follow(&scratch, &sandbox, "opt_in").with(more).run();
    again(&[]).expect(0);
    let name = batch(&scratch);
    again(&["--fallback", SMS, "--fallback-at-most", "1"]).expect(2);
    again(&["--fallback", SMS]).expect(0);
    let channels = || {
        let kept = scratch.checkpoint().batch(&name).fallback;
        kept.map_or(0, |kept| kept.channels.len())
    };
    assert_eq!(channels(), 1);
    let own = format!("{SMS}=Short");
    again(&["--fallback", SMS, "--message-for", &own]).expect(2);
    again(&[]).expect(0);
    assert_eq!(channels(), 1);
}

#[test]
fn who_is_refused_by_the_list_after_the_message_gets_nothing_that_follows_it() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    let list = |refused: &[u32]| {
        let row = |n: u32| {
            let consent = if refused.contains(&n) { "no" } else { "yes" };
            format!("Name{n},+42077712345{n},{consent}\n")
        };
        let rows: String = (0..4).map(row).collect();
        scratch.write("list.csv", &format!("first_name,phone,consent\n{rows}"));
    };
    let send = |how: &[&str]| {
        scratch
            .outreach(&["send", "list.csv", "--batch", "list", "--yes"])
            .with(&[
                "--message",
                "Hello",
                "--channel",
                CHANNEL,
                "--out",
                "all.csv",
            ])
            .with(&["--base-url", sandbox.base_url()])
            .with(how)
            .run()
            .expect(0)
    };
    list(&[]);
    send(&[]);
    follow(&scratch, &sandbox, "opt_in").run().expect(0);
    let people = people(&scratch);
    list(&[1]);
    send(&["--update"]);
    let told = scratch.read("all.csv");
    let row = told.lines().find(|line| line.contains("+420777123451"));
    let row = row.unwrap();
    assert!(
        row.contains(",sent,") && row.contains("no consent"),
        "{row}"
    );
    let receiver = Receiver::start(&scratch);
    let at = Timestamp::now().to_string();
    for person in &people[..3] {
        receiver.take(&opt_in(person, &at));
    }
    receiver.end();
    resume(&scratch, &sandbox).run().expect(0);
    assert_eq!(thanked(&sandbox), [people[0].0, people[2].0]);
    let name = batch(&scratch);
    assert_eq!(scratch.checkpoint().counts_of(&name).suppressed, 1);
    // Nor does an audience have the person, by whatever it is found.
    for whom in [["--batch-status", "list=sent"], ["--country", "CZ"]] {
        scratch
            .outreach(&["audience", "-o", "people.csv", "--force"])
            .with(&whom)
            .run()
            .expect(0);
        let people = scratch.read("people.csv");
        assert_eq!(people.lines().count(), 4, "{whom:?}: {people}");
        assert!(!people.contains("420777123451"), "{whom:?}: {people}");
    }
    // A list that refuses nobody any more takes that back.
    list(&[]);
    send(&["--update"]);
    assert!(!scratch.read("all.csv").contains("no consent"));
    scratch.checkpoint().expect_sound();
}

#[test]
fn who_is_refused_by_the_list_after_an_answer_is_not_tried_again() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::with_faults(&["400:at=2", "502-after-accept:at=3"]);
    let send = |how: &[&str]| {
        scratch
            .outreach(&["send", "list.csv", "--batch", "list", "--yes"])
            .with(&[
                "--message",
                "Hello",
                "--channel",
                CHANNEL,
                "--concurrency",
                "1",
            ])
            .with(&["--base-url", sandbox.base_url()])
            .with(how)
            .run()
    };
    let list = |consent: &str| {
        let rows = (0..3).map(|n| format!("Name,+42077712345{n},{consent}\n"));
        let rows: String = rows.collect();
        scratch.write("list.csv", &format!("first_name,phone,consent\n{rows}"));
    };
    list("yes");
    send(&[]).expect(3);
    let sends = sandbox.stats().sends;
    list("no");
    send(&["--update"]);
    scratch.outreach(&["retry", "list", "--yes"]).run();
    scratch
        .outreach(&["resolve", "list", "--resend", "--all"])
        .run();
    scratch
        .outreach(&["resume", "list", "--yes", "--base-url", sandbox.base_url()])
        .run();
    assert_eq!(sandbox.stats().sends, sends);
}
