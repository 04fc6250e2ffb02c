//! A list whose message was changed while its batch is unfinished: who has the old message is a question.

use outreach::run::{
    Change, Clock, ContentSource, IntakeSettings, List, Messaged, ReadPlan, RunSettings, SendPlan,
    SendSettings, Source,
};

use super::{interrupted, most, send};
use crate::support::{CHANNEL, SandboxProcess, Scratch, contacts, wait_until};

/// How many messages there were, and how many people got one.
fn account(sandbox: &SandboxProcess) -> (u64, usize) {
    (sandbox.stats().accepted, sandbox.accepted().len())
}

#[test]
fn another_text_for_a_list_that_is_under_way_is_refused_until_it_is_said_what_is_meant() {
    let (scratch, sandbox) = interrupted(6, 4, "Helo there");
    let asked = sandbox.stats().requests;
    send(&scratch, &sandbox, "Hello there")
        .run()
        .expect(2)
        .says("4 people of this list got another message")
        .says("(2 queued)")
        .says("\"Helo there\"")
        .says("--skip-messaged")
        .says("--message-again");
    assert_eq!(sandbox.stats().requests, asked);
    let batches = || {
        scratch
            .checkpoint()
            .reader
            .batches()
            .expect("the batches")
            .len()
    };
    assert_eq!(batches(), 1, "nothing was kept");
    send(&scratch, &sandbox, "Hello there")
        .with(&["--skip-messaged"])
        .run()
        .expect(0);
    assert_eq!(account(&sandbox), (6, 6));
    // The old batch goes on, and leaves out whom the new one messaged.
    let old = scratch.checkpoint().reader.batches().expect("the batches")[1].clone();
    scratch
        .outreach(&[
            "resume",
            &old.name,
            "--yes",
            "--base-url",
            sandbox.base_url(),
        ])
        .run()
        .expect(0);
    assert_eq!(account(&sandbox), (6, 6));
    // It was said once: the same command goes on without the flag.
    send(&scratch, &sandbox, "Hello there").run().expect(0);
}

/// What is kept of decisions: with each batch, and in the audit.
fn kept(scratch: &Scratch) -> Vec<String> {
    let checkpoint = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let mut select = checkpoint
        .prepare("SELECT policy FROM batch UNION ALL SELECT what || detail FROM decision")
        .unwrap();
    let rows = select.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn now() -> jiff::Timestamp {
    Clock::system().now()
}

/// The list of the scratch folder with the text "Hello there", decided and read, as far as the question.
fn read(scratch: &Scratch, change: Option<Change>, batch: &str, how: Messaged) -> ReadPlan {
    let message = ContentSource::message("Hello there");
    let sources = [Source::Path(scratch.path("contacts.csv"))];
    let list = List::open(&sources, &IntakeSettings::default(), Some(&message)).unwrap();
    let asked = SendSettings {
        batch: Some(batch),
        channel: CHANNEL,
        change,
        sandbox: false,
        follow_up: None,
    };
    let settings = RunSettings::default();
    let mut plan = SendPlan::new(&scratch.path("outreach.db"), list, &asked, now()).unwrap();
    assert_eq!(
        plan.messaged_before(settings.history, now()).unwrap().len(),
        1
    );
    plan.decide(how, "somebody");
    plan.read(&settings, None, now(), &mut |_| ()).unwrap()
}

#[test]
fn what_was_decided_about_a_list_that_is_dropped_leaves_no_trace() {
    let (scratch, sandbox) = interrupted(6, 4, "Helo there");
    let people = std::fs::read_to_string(scratch.path("contacts.csv")).unwrap();
    scratch.write("contacts.csv", &contacts(100..104));
    send(&scratch, &sandbox, "Hello there")
        .with(&["--batch", "b"])
        .run()
        .expect(0);
    scratch.write("contacts.csv", &people);
    let before = kept(&scratch);
    for how in [Messaged::Skip, Messaged::Again] {
        for (change, batch) in [
            (None, "c"),
            (Some(Change::Add), "b"),
            (Some(Change::Update), "b"),
        ] {
            let plan = read(&scratch, change, batch, how);
            let queued = plan.report().unwrap().summary.queued;
            assert_eq!(queued, if how == Messaged::Skip { 2 } else { 6 });
            plan.discard().unwrap();
            assert_eq!(kept(&scratch), before, "{change:?} {how:?}");
        }
    }
    let (batch, _) = read(&scratch, Some(Change::Add), "b", Messaged::Skip)
        .carry_out(now())
        .unwrap();
    drop(batch);
    let after = kept(&scratch);
    assert_eq!(after.len(), before.len() + 1, "{after:?}");
    // Either leaves out whom the other messaged; the other one only since it was there.
    for kept in ["skip_messaged_by", "skip_messaged_since"] {
        let with = after.iter().filter(|it| it.contains(kept));
        assert_eq!(with.count(), 1, "{kept}: {after:?}");
    }
}

#[test]
fn a_batch_whose_process_died_at_the_question_goes_on_as_it_was_decided() {
    let (scratch, sandbox) = interrupted(6, 4, "Helo there");
    let old = scratch.checkpoint().reader.batches().unwrap()[0]
        .name
        .clone();
    drop(read(&scratch, None, "new", Messaged::Skip));
    for batch in ["new", &old] {
        scratch
            .outreach(&["resume", batch, "--yes", "--base-url", sandbox.base_url()])
            .run()
            .expect(0);
        assert_eq!((account(&sandbox), most(&sandbox)), ((6, 6), 1), "{batch}");
    }
}

#[test]
fn a_batch_that_is_being_sent_leaves_out_whom_the_new_one_messages_meanwhile() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(8);
    let old = send(&scratch, &sandbox, "Helo there")
        .concurrency(1)
        .with(&["--rate", "2/s"])
        .start();
    wait_until("the first messages", || sandbox.stats().accepted >= 2);
    send(&scratch, &sandbox, "Hello there")
        .with(&["--skip-messaged"])
        .run()
        .expect(0);
    old.wait().expect(0);
    assert_eq!(account(&sandbox), (8, 8));
}

#[test]
fn who_has_the_old_message_gets_the_new_one_too_where_that_is_asked_for() {
    let (scratch, sandbox) = interrupted(6, 4, "Helo there");
    send(&scratch, &sandbox, "Hello there")
        .with(&["--message-again"])
        .run()
        .expect(0);
    assert_eq!(account(&sandbox), (10, 6));
    let checkpoint = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let decided: (String, String) = checkpoint
        .query_row("SELECT what, detail FROM decision", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(decided.0, "message-again");
    assert!(decided.1.ends_with(": 4 people"), "{decided:?}");
}

#[test]
fn a_list_that_gained_or_lost_rows_is_still_that_list() {
    for rows in [0..20, 2..6, 0..3] {
        let (scratch, sandbox) = interrupted(6, 4, "Helo there");
        scratch.write("contacts.csv", &contacts(rows.clone()));
        send(&scratch, &sandbox, "Hello there").run().expect(2);
        send(&scratch, &sandbox, "Hello there")
            .with(&["--batch", "another name"])
            .run()
            .expect(2);
        send(&scratch, &sandbox, "Hello there")
            .with(&["--batch", "b", "--skip-messaged"])
            .run()
            .expect(0);
        assert_eq!(most(&sandbox), 1, "{rows:?}");
    }
}

#[test]
fn a_batch_that_is_complete_and_a_list_of_other_people_ask_nothing() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(4);
    send(&scratch, &sandbox, "Helo").run().expect(0);
    send(&scratch, &sandbox, "Hello").run().expect(0);
    assert_eq!(account(&sandbox), (8, 4));
    let (scratch, sandbox) = interrupted(6, 4, "Helo");
    scratch.write("contacts.csv", &contacts(3..30));
    send(&scratch, &sandbox, "Hello")
        .with(&["--batch", "others", "--skip-messaged"])
        .run()
        .expect(0);
    scratch.write("contacts.csv", &contacts(100..104));
    send(&scratch, &sandbox, "Hello").run().expect(0);
}

#[test]
fn a_person_whose_old_message_is_unknown_waits_where_the_messaged_are_left_out() {
    let sandbox = SandboxProcess::with_faults(&["close-after-accept:at=2", "401:at=3"]);
    let scratch = Scratch::new();
    scratch.contacts(4);
    send(&scratch, &sandbox, "Helo")
        .concurrency(1)
        .run()
        .expect(5);
    assert_eq!(account(&sandbox), (2, 2));
    send(&scratch, &sandbox, "Hello")
        .with(&["--skip-messaged"])
        .run()
        .expect(3);
    assert_eq!((account(&sandbox), most(&sandbox)), ((4, 4), 1));
}

#[test]
fn the_same_text_over_another_channel_is_refused_until_it_is_said_what_is_meant() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(4);
    send(&scratch, &sandbox, "Hello").run().expect(0);
    let other = || {
        scratch
            .outreach(&["send", "contacts.csv", "--yes", "--message", " Hello"])
            .with(&["--base-url", sandbox.base_url(), "--channel", OTHER])
    };
    other()
        .run()
        .expect(2)
        .says("4 people of this list got the same message over channel");
    assert_eq!(account(&sandbox), (4, 4));
    other().with(&["--skip-messaged"]).run().expect(0);
    assert_eq!(account(&sandbox), (4, 4));
    other()
        .with(&["--message-again", "--batch", "again"])
        .run()
        .expect(0);
    assert_eq!(account(&sandbox).0, 8);
}

/// An old batch takes new people in while another one waits. Whom it messaged before that one began is left to it.
#[test]
fn what_was_sent_before_another_batch_began_keeps_nobody_back_in_that_one() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let write = |file: &str, people: &[u32]| {
        let lines = people.iter().map(|n| contacts(*n..*n + 1));
        let lines: Vec<String> = lines.collect();
        let rows = lines.iter().map(|it| it.split_once('\n').unwrap().1);
        scratch.write(
            file,
            &format!("phone,first_name\n{}", rows.collect::<String>()),
        );
    };
    let send = |month: &str, how: &[&str]| {
        let file = format!("{month}.csv");
        scratch
            .outreach(&["send", &file, "--yes", "--batch", month])
            .with(&["--message", month, "--channel", CHANNEL])
            .with(&["--base-url", sandbox.base_url()])
            .with(how)
            .run()
    };
    write("jan.csv", &[0, 1, 2, 3, 4, 5]);
    send("jan", &[]).expect(0);
    write("feb.csv", &[6, 0, 1, 2, 3, 4, 5, 7]);
    send("feb", &["--limit", "2"]).expect(4);
    // A new person, and nobody whom the other batch has messaged: those two have this message already.
    write("jan.csv", &[0, 1, 2, 3, 4, 5, 8]);
    send("jan", &["--update"]).expect(0);
    assert_eq!(sandbox.stats().accepted, 6 + 2 + 1);
    // Of these two the other batch has messaged one, and waits to message the other one.
    write("jan.csv", &[0, 1, 2, 3, 4, 5, 8, 6, 7]);
    let asked = send("jan", &["--update"]).expect(2);
    asked.says("1 person of this list got another message from batch feb");
    send("jan", &["--update", "--skip-messaged"]).expect(0);
    assert_eq!(sandbox.stats().accepted, 6 + 2 + 1 + 1);
    let resume = ["resume", "feb", "--yes", "--base-url", sandbox.base_url()];
    scratch.outreach(&resume).run().expect(0);
    let messages = sandbox.messages();
    let of = |month: &str| {
        let texts = messages.iter().map(|it| it["content"]["payload"].as_str());
        texts.filter(|text| *text == Some(month)).count()
    };
    assert_eq!((of("jan"), of("feb")), (8, 7));
    let counts = scratch.checkpoint().counts_of("feb");
    assert_eq!((counts.sent, counts.suppressed, counts.queued), (7, 1, 0));
}

const OTHER: &str = "7001200300400500602";
