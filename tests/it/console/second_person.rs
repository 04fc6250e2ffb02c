//! Where a second person must start a batch: what one asked for is what the other one starts.

use jiff::Timestamp;
use serde_json::json;

use super::users::{PASSWORD, add};
use crate::support::{
    CHANNEL, ConsoleProcess, Receiver, SandboxProcess, Scratch, Visitor, contacts, event, number,
    wait_until,
};

/// A console on which a second person is asked for, and that person.
fn second(scratch: &Scratch, sandbox: &SandboxProcess) -> (ConsoleProcess, Visitor) {
    for (name, role) in [("ada", "admin"), ("eva", "operator")] {
        add(scratch, name, role);
    }
    let console = ConsoleProcess::of(scratch, sandbox, &["--channel", CHANNEL]);
    let ada = console.user("ada", PASSWORD);
    ada.send("/approval", &[("required", "yes")]).location();
    let eva = console.user("eva", PASSWORD);
    (console, eva)
}

fn start(who: &Visitor, batch: &str, people: &str) -> u16 {
    let path = format!("/batches/{batch}/start");
    who.send(&path, &[("people", people)]).status
}

#[test]
fn a_pilot_that_waits_for_its_second_person_stays_one() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(8);
    let (_console, eva) = second(&scratch, &sandbox);
    let pilot = ["--limit", "2"];
    for _ in 0..2 {
        let send = scratch.send(&sandbox).with(&pilot).run().expect(4);
        send.says("a second person must approve it");
    }
    let page = eva.page("/batches/list");
    assert!(
        page.contains("its pilot: the first 2 who were queued. Of the others 6 people wait"),
        "{page}"
    );
    for people in ["8", "6", "0"] {
        assert_eq!(start(&eva, "list", people), 409, "{people}");
    }
    assert_eq!(start(&eva, "list", "2"), 303);
    eva.wait_for("/batches/list", "<strong>6</strong>");
    assert_eq!(sandbox.stats().accepted, 2);
    // What was approved is the whole list.
    assert_eq!(start(&eva, "list", "6"), 303);
    eva.wait_for("/batches/list", "complete");
    assert_eq!(sandbox.stats().accepted, 8);
}

/// Without a second person: the page speaks of whom its start messages.
#[test]
fn the_page_of_a_pilot_that_was_interrupted_names_its_people() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:at=3"]));
    scratch.contacts(20);
    let pilot = scratch.send(&sandbox).with(&["--limit", "8"]);
    pilot.concurrency(1).run().expect(5);
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", CHANNEL]);
    let visitor = console.visitor();
    let page = visitor.page("/batches/list");
    assert!(
        page.contains("<strong>6</strong>") && page.contains("Of the others 12 people wait"),
        "{page}"
    );
    assert_eq!(start(&visitor, "list", "18"), 409);
    assert_eq!(start(&visitor, "list", "6"), 303);
    visitor.wait_for("/batches/list", "<strong>12</strong>");
    assert_eq!(sandbox.stats().accepted, 8);
}

/// A pilot all of whom were refused has nobody queued: going on sends to them again.
#[test]
fn the_page_of_a_pilot_that_a_guard_stopped_counts_those_who_are_sent_to_again() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::with_faults(&["400:from=2,to=4"]);
    scratch.contacts(9);
    let pilot = ["--limit", "4", "--identical-refusals", "3"];
    let pilot = scratch.send(&sandbox).with(&pilot);
    pilot.concurrency(1).run().expect(5);
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", CHANNEL]);
    let visitor = console.visitor();
    let page = visitor.page("/batches/list");
    assert!(
        page.contains("<strong>3</strong>") && page.contains("Of the others 5 people wait"),
        "{page}"
    );
    assert_eq!(start(&visitor, "list", "8"), 409);
    assert_eq!(start(&visitor, "list", "3"), 303);
    visitor.wait_for("/batches/list", "<strong>5</strong>");
    assert_eq!(sandbox.stats().accepted, 4);
}

#[test]
fn a_follow_up_that_waits_for_its_second_person_takes_events_and_can_be_started() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    let (_console, eva) = second(&scratch, &sandbox);
    let follow = ["send", "--after", "opt_in", "--of", "list", "--yes"];
    let follow = scratch
        .outreach(&follow)
        .with(&["--message", "Thank you, {{ first_name }}"])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL]);
    follow.run().expect(4).says("a second person");
    let batches = scratch.checkpoint().reader.batches().unwrap();
    let mut names = batches.into_iter().map(|batch| batch.name);
    let name = names.find(|name| name.starts_with("after-")).expect("one");
    let page = eva.page(&format!("/batches/{name}"));
    assert!(
        page.contains("<strong>3</strong>") && page.contains("3 of them get it when they opt in"),
        "{page}"
    );
    // Who opts in while it waits is queued, and messaged once it is started.
    let receiver = Receiver::start(&scratch);
    let opt_in = |phone: u64, contact: &str| {
        let kind = json!({ "opt_in": { "type": "phone_number" } });
        let at = Timestamp::now().to_string();
        receiver.take(&event("opt_in", contact, Some(phone), &at, &kind));
    };
    let messages = sandbox.messages();
    let who = |at: usize| {
        let of = |key: &str| messages[at][key].as_str().unwrap().to_owned();
        (of("number").parse().unwrap(), of("contact_id"))
    };
    let ((one, first), (two, second)) = (who(0), who(1));
    opt_in(one, &first);
    let counts = || scratch.checkpoint().counts_of(&name);
    assert_eq!((counts().queued, counts().awaiting), (1, 2));
    let resume = ["resume", &name, "--yes", "--base-url", sandbox.base_url()];
    scratch.outreach(&resume).run().expect(4);
    assert_eq!(sandbox.stats().accepted, 3);
    assert_eq!(start(&eva, &name, "1"), 409);
    assert_eq!(start(&eva, &name, "3"), 303);
    wait_until("the first got it", || counts().sent == 1);
    eva.wait_for(&format!("/batches/{name}"), "Open until");
    opt_in(two, &second);
    scratch.outreach(&resume).run().expect(0);
    assert_eq!((counts().sent, counts().awaiting), (2, 1));
    assert_eq!(sandbox.stats().accepted, 5);
}

/// The count is the same each time.
#[test]
fn nobody_approves_other_people_than_the_page_has_shown() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("contacts.csv", &(contacts(0..4) + "12,Ela\n"));
    let (console, eva) = second(&scratch, &sandbox);
    add(&scratch, "jan", "operator");
    let jan = console.user("jan", PASSWORD);
    let batch = "/batches/list";
    let suppress = |how: &str, n: u32| {
        let phone = format!("+{}", number(n));
        scratch.outreach(&["suppress", how, &phone]).run().expect(0);
    };
    let update = || scratch.send(&sandbox).with(&["--update"]).run().expect(4);
    suppress("add", 0);
    scratch.send(&sandbox).run().expect(4);
    let old = |page: &str| {
        let form = [("token", &*eva.token()), ("people", "3"), ("shown", page)];
        let answer = eva.post(&format!("{batch}/start"), &form);
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert!(answer.text().contains("the people"), "{}", answer.text());
    };
    // Who must not be messaged is another one.
    let first = eva.shown(batch);
    suppress("remove", 0);
    suppress("add", 1);
    update();
    old(&first);
    // Somebody is left out, and a row that is mended takes that place.
    let second = eva.shown(batch);
    suppress("add", 2);
    update();
    let to_mend = jan.page(batch);
    let (_, field) = to_mend.split_once("name=\"number.").expect("a row to mend");
    let field = format!("number.{}", field.split('"').next().unwrap_or_default());
    let typed = [(&*field, "+420777929999")];
    jan.send(&format!("{batch}/mend"), &typed).location();
    old(&second);
    assert_eq!(sandbox.stats().sends, 0);
    assert_eq!(start(&eva, "list", "3"), 303);
    eva.wait_for(batch, "complete");
    let messaged: Vec<u64> = sandbox.accepted().into_keys().collect();
    assert_eq!(messaged, [number(0), number(3), 420_777_929_999]);
}

/// What is approved is seen: also what goes over another channel, and what goes with it.
#[test]
fn the_page_shows_the_messages_for_all_channels_with_tag_and_metadata() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(2);
    let (_console, eva) = second(&scratch, &sandbox);
    let (own, same) = ("7001200300400500602", "7001200300400500603");
    let sms = format!("{own}=SMS for {{{{ first_name }}}}");
    let send = scratch.send(&sandbox).with(&["--fallback", own]);
    let send = send.with(&["--fallback", same, "--message-for", &sms]);
    let send = send.with(&["--tag", "HUMAN_AGENT", "--metadata", "campaign=spring"]);
    send.run().expect(4);
    let page = eva.page("/batches/list");
    for text in [
        "Hello Name0",
        "With campaign: spring, tag: HUMAN_AGENT",
        &format!("Who is not reached gets this over channel {own}:"),
        "SMS for Name0",
        &format!("Who is not reached gets this over channel {same}:"),
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
}
