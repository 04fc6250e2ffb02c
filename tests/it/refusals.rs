//! What a refusal means, end to end: forty people fare normally, then everybody is refused with one text.
//!
//! The judge is the account of the sandboxes: before the cause was mended, and after.

use std::collections::BTreeMap;

use outreach::internals::domain::delivery::State;
use outreach::internals::store::Counts;

use crate::support::{Ended, Random, Running, SandboxProcess, Scratch, number, wait_until};

const ROWS: u32 = 100;

/// What becomes of those who are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The batch stops at the first, and all stay queued.
    Stops,
    /// The batch stops at the third in a row, and all stay queued.
    Message,
    /// They wait, and all stay queued.
    Waits,
    /// They end as errors, with a reason of their own.
    Error,
    /// They have no Messenger, unless that is too often to be chance: then they are held.
    NoMessenger,
    /// The same, but nobody knows the text.
    Unread,
    /// Their outcome is unknown.
    Unknown,
}

use Fate::{Error, Message, NoMessenger, Stops, Unknown, Unread, Waits};

const TEXTS: &[(&str, u16, Fate)] = &[
    ("(#100) No matching user found", 422, NoMessenger),
    ("(#4) Too many send requests to phone numbers", 422, Waits),
    (
        "(#613) Calls to this API have exceeded the rate limit.",
        422,
        Waits,
    ),
    (
        "(#1200) Temporary send message failure. Please try again later.",
        422,
        Waits,
    ),
    (
        "(#10) Access to the Customer Matching API and Customer Matching via the Send API is currently available in limited release",
        422,
        Stops,
    ),
    (
        "(#230) Requires pages_messaging_phone_number permission to send message to phone number",
        422,
        Stops,
    ),
    (
        "(#200) Requires phone matching access fee to be paid by this page",
        422,
        Stops,
    ),
    (
        "(#200) Cannot message users who are not admins, developers or testers of the app until pages_messaging permission is reviewed",
        403,
        Stops,
    ),
    (
        "Error validating access token: The session has been invalidated",
        424,
        Stops,
    ),
    ("(#190) Invalid OAuth access token.", 502, Stops),
    ("(#368) temporarily blocked", 400, Stops),
    ("(#100) Invalid parameter", 422, Message),
    ("(#551) This person isn't available right now.", 422, Error),
    (
        "(#200) This person isn't receiving messages from you right now.",
        400,
        Error,
    ),
    (
        "(#10) This message is sent outside of allowed window.",
        403,
        Error,
    ),
    ("(#2) Service temporarily unavailable", 422, Unknown),
    ("Sorry, something is not right with 4 of 7.", 422, Unread),
];

fn refusing(text: &str, status: u16) -> SandboxProcess {
    let fault = format!("refuse={text}:after=40:status={status}");
    SandboxProcess::start(&["--latency", "2ms", "--fault", &fault])
}

/// How many messages each number got, in all.
fn messages(sandboxes: &[&SandboxProcess]) -> BTreeMap<u64, u64> {
    let mut all = BTreeMap::new();
    for sandbox in sandboxes {
        for (number, count) in sandbox.accepted() {
            *all.entry(number).or_insert(0) += count;
        }
    }
    all
}

/// Everybody who was messaged has one message, and counts as that; nobody else counts as sent.
#[track_caller]
fn expect_true(scratch: &Scratch, sandboxes: &[&SandboxProcess]) {
    let (checkpoint, messages) = (scratch.checkpoint(), messages(sandboxes));
    checkpoint.expect_sound();
    assert!(messages.values().all(|count| *count == 1), "{messages:?}");
    for row in checkpoint.rows() {
        let was_reached = row
            .number
            .is_some_and(|number| messages.contains_key(&number));
        let right = if was_reached {
            row.state.counts_as_messaged()
        } else {
            row.state != State::Sent
        };
        assert!(right, "messaged: {was_reached}, {row:?}");
    }
}

/// Exit code and counts, right after the refusals. Those that overtook the last message that was accepted are no
/// part of the run.
#[track_caller]
fn expect_fate(text: &str, fate: Fate, code: Option<i32>, counts: Counts, connections: u32) {
    let told = format!("{text} at {connections}: exit {code:?}, {counts:?}");
    assert_eq!(counts.sent, 40, "{told}");
    let early = u64::from(connections - 1);
    let (exit, no_messenger, error, unknown) = match fate {
        Stops | Waits => (if fate == Stops { 5 } else { 4 }, 0, 0, 0),
        Message => (5, 0, counts.error.min(early), 0),
        NoMessenger | Unread => (5, counts.no_messenger.min(early), 0, 0),
        Error => (3, 0, 60, 0),
        Unknown => (if counts.queued > 0 { 4 } else { 3 }, 0, 0, counts.unknown),
    };
    let queued = 60 - no_messenger - error - unknown;
    assert_eq!(code, Some(exit), "{told}");
    assert_eq!(
        (
            counts.no_messenger,
            counts.error,
            counts.unknown,
            counts.queued
        ),
        (no_messenger, error, unknown, queued),
        "{told}"
    );
}

/// After the cause was mended everybody who can be reached has the message.
fn mend(scratch: &Scratch, text: &str, fate: Fate, connections: u32) -> SandboxProcess {
    let mended = SandboxProcess::start(&[]);
    let resume = || scratch.resume(&mended).concurrency(connections);
    let retry = |which: &[&str]| {
        let retry = scratch.outreach(&["retry", "list", "--yes"]);
        retry.with(which).run().expect(0);
    };
    match fate {
        Stops | Waits | NoMessenger | Unknown => {}
        Message | Error => retry(&["--status", "error"]),
        Unread => retry(&["--refusal", text]),
    }
    let said = format!("wait={text}");
    match fate {
        Unread => resume().with(&["--refusal", &said]).run(),
        Stops | Message | Waits | NoMessenger | Unknown | Error => resume().run(),
    };
    mended
}

/// Ends a run, however slow the machine is, once it waits for the API; it may also end by itself.
fn end_once_it_waits(mut running: Running) -> Ended {
    let mut is_over = false;
    wait_until("the run waits", || {
        is_over = running.has_ended();
        is_over
            || running.said().contains(", next try ")
            || running.said().contains(": next try in ")
    });
    if !is_over {
        running.signal("TERM");
    }
    running.wait()
}

fn every_text(connections: u32) {
    for (text, status, fate) in TEXTS {
        let (scratch, sandbox) = (Scratch::new(), refusing(text, *status));
        scratch.contacts(ROWS);
        let send = scratch.send(&sandbox).concurrency(connections).start();
        let ended = match fate {
            Waits | Unknown => end_once_it_waits(send),
            Stops | Message | NoMessenger | Error | Unread => send.wait(),
        };
        let counts = scratch.checkpoint().counts();
        expect_fate(text, *fate, ended.code, counts, connections);
        expect_true(&scratch, &[&sandbox]);

        let mended = mend(&scratch, text, *fate, connections);
        expect_true(&scratch, &[&sandbox, &mended]);
        let after = scratch.checkpoint().counts();
        let known = u64::from(ROWS) - after.sent;
        match fate {
            // Those who were held count as what the table says of the text.
            NoMessenger => assert_eq!(after.no_messenger, known, "{text}: {after:?}"),
            Unknown => assert_eq!(after.unknown, known, "{text}: {after:?}"),
            Stops | Message | Waits | Error | Unread => assert_eq!(known, 0, "{text}: {after:?}"),
        }
    }
}

#[test]
fn every_text_on_one_connection() {
    every_text(1);
}

#[test]
fn every_text_on_three_connections() {
    every_text(3);
}

#[test]
fn every_text_on_sixty_four_connections() {
    every_text(64);
}

/// The same with kills in between: nobody is written off, and nobody messaged twice.
fn every_text_with_kills_in_between(connections: u32) {
    let mut random = Random::new(u64::from(connections));
    for (text, status, fate) in TEXTS {
        let (scratch, sandbox) = (Scratch::new(), refusing(text, *status));
        scratch.contacts(ROWS);
        for _ in 0..5 {
            let mut running = scratch.send(&sandbox).concurrency(connections).start();
            std::thread::sleep(std::time::Duration::from_millis(random.between(20, 120)));
            running.kill();
        }
        let ended = scratch
            .send(&sandbox)
            .concurrency(connections)
            .with(&["--for", "1s"])
            .run();
        let counts = scratch.checkpoint().counts();
        let told = format!("{text} at {connections}: {ended:?}, {counts:?}");
        let early = u64::from(connections - 1) * 6;
        let no_messenger = match fate {
            // What is known of its text is settled by the run that goes on.
            NoMessenger => 60,
            Unread => early,
            Stops | Message | Waits | Error | Unknown => 0,
        };
        assert!(counts.no_messenger <= no_messenger, "{told}");
        let error = match fate {
            Error => 60,
            Message => early,
            Stops | Waits | NoMessenger | Unread | Unknown => 0,
        };
        assert!(counts.error <= error, "{told}");
        expect_true(&scratch, &[&sandbox]);
        let mended = mend(&scratch, text, *fate, connections);
        expect_true(&scratch, &[&sandbox, &mended]);
        let after = scratch.checkpoint().counts();
        let known = after.sent + after.unknown + after.no_messenger;
        assert_eq!(known, u64::from(ROWS), "{told}, {after:?}");
        assert!(after.no_messenger == 0 || *fate == NoMessenger, "{told}");
    }
}

#[test]
fn every_text_with_kills_in_between_on_one_connection() {
    every_text_with_kills_in_between(1);
}

#[test]
fn every_text_with_kills_in_between_on_three_connections() {
    every_text_with_kills_in_between(3);
}

#[test]
fn every_text_with_kills_in_between_on_sixty_four_connections() {
    every_text_with_kills_in_between(64);
}

/// A run that goes on counts what an earlier one has seen, in the order in which it was answered: also where the person
/// of the answer between was erased since.
#[test]
fn three_refusals_of_the_message_are_not_in_a_row_where_another_answer_came_between() {
    let message = "refuse=(#100) Invalid parameter";
    let person = "refuse=(#551) This person isn't available right now.:at=4".to_owned();
    for erased in [false, true] {
        let scratch = Scratch::new();
        scratch.contacts(6);
        let at = |n: u32| format!("{message}:at={n}");
        let faults = [at(2), at(3), person.clone(), "401:at=5".to_owned()];
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        let stopped = SandboxProcess::with_faults(&faults);
        scratch.send(&stopped).concurrency(1).run().expect(5);
        assert_eq!(scratch.checkpoint().counts().error, 3);
        if erased {
            let number = format!("+{}", number(3));
            scratch
                .outreach(&["forget", &number, "--yes"])
                .run()
                .expect(0);
        }
        let later = SandboxProcess::with_faults(&[&at(1)]);
        scratch.send(&later).concurrency(1).run().expect(3);
        let counts = scratch.checkpoint().counts();
        assert_eq!((counts.sent, counts.error), (2, 4), "erased: {erased}");
        expect_true(&scratch, &[&stopped, &later]);
    }
}

/// Three refusals of the message in a row put those three back: not one of a person whom the list does not hold any more.
#[test]
fn a_refused_person_whom_the_edited_list_leaves_out_is_not_queued_again() {
    let refusing = SandboxProcess::with_faults(&["refuse=(#100) Invalid parameter"]);
    let scratch = Scratch::new();
    let send = |sandbox: &SandboxProcess, more: &[&str]| {
        scratch.send(sandbox).concurrency(1).with(more).run()
    };
    scratch.contacts(2);
    send(&refusing, &[]).expect(3);
    assert_eq!(scratch.checkpoint().counts().error, 2);
    scratch.contacts(4);
    let (list, left_out) = (scratch.read("contacts.csv"), number(1).to_string());
    let kept = list.lines().filter(|line| !line.contains(&left_out));
    let kept: Vec<&str> = kept.collect();
    scratch.write("contacts.csv", &kept.join("\n"));
    send(&refusing, &["--update"]).expect(5);
    let mended = SandboxProcess::start(&[]);
    scratch.resume(&mended).run();
    let accepted: Vec<u64> = mended.accepted().into_keys().collect();
    assert_eq!(accepted, [0, 2, 3].map(number));
}

/// Whoever watches the run learns of a text that nobody knows when it comes, once for each kind.
#[test]
fn the_first_refusal_of_a_kind_that_nobody_knows_is_told() {
    let text = "Sorry, not right with 4 of 7.";
    let (scratch, sandbox) = (Scratch::new(), refusing(text, 422));
    scratch.contacts(43);
    let ended = scratch.send(&sandbox).concurrency(1).run();
    let told = ended
        .said
        .matches("It is not known what this refusal means")
        .count();
    assert_eq!(told, 1, "{}", ended.said);
    ended.expect(0).says("Sorry, not right with # of #.");
    assert_eq!(scratch.checkpoint().counts().no_messenger, 3);
}

/// Facebook refuses a retired tag to everybody: a list is not tried with one unless a person says so.
#[test]
fn a_retired_tag_is_refused_where_nobody_can_be_asked() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(2);
    let send = |flags: &[&str]| scratch.send(&sandbox).with(flags).run();
    send(&["--tag", "ACCOUNT_UPDATE"])
        .expect(2)
        .says("27 April 2026")
        .says("--retired-tag");
    assert!(!scratch.path("outreach.db").exists());
    send(&["--tag", "ACCOUNT_UPDATE", "--retired-tag"]).expect(0);
    assert_eq!(sandbox.accepted().len(), 2);
}

#[test]
fn the_tag_for_a_persons_own_answer_is_taken_with_a_warning() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(1);
    let sent = scratch.send(&sandbox).with(&["--tag", "human_agent"]).run();
    sent.expect(0).says("within 7 days");
}
