//! Refusals that nobody knows, in a batch with other channels: who is held, until when, and how the other channel
//! addresses people. The judge is the sandbox's account.

use outreach::internals::domain::delivery::State;
use outreach::internals::sandbox::Settings;

use crate::support::{CHANNEL, Program, SandboxProcess, Scratch, contacts, number};

const SMS: &str = Settings::MOBILE_CHANNEL;
const VIBER: &str = Settings::VIBER_CHANNEL;

/// A text that no table knows.
const UNREAD: &str = "Nothing here";

fn send(scratch: &Scratch, sandbox: &SandboxProcess) -> Program {
    let send = scratch.send(sandbox).with(&["--fallback", SMS]);
    send.concurrency(1)
}

/// How many messages went over a channel.
fn over(sandbox: &SandboxProcess, channel: &str) -> usize {
    let messages = sandbox.messages();
    let here = messages.iter().filter(|it| it["channel_id"] == channel);
    here.count()
}

/// How many rows are held, by the word for it.
fn held(scratch: &Scratch, code: &str) -> usize {
    let rows = scratch.checkpoint().rows();
    let held = rows.iter().filter(|row| row.state == State::Queued);
    held.filter(|row| row.reason_code.as_deref() == Some(code))
        .count()
}

/// A run of refusals that stopped the batch is for a person to read: somebody who is reached later says nothing of it.
#[test]
fn a_run_that_stopped_the_batch_waits_for_a_person_whoever_is_reached_later() {
    let (scratch, stops) = (
        Scratch::new(),
        SandboxProcess::with_faults(&["refuse=Nothing here"]),
    );
    scratch.contacts(30);
    send(&scratch, &stops).run().expect(5);
    let waiting = held(&scratch, "held");
    assert!(waiting >= 5, "{waiting}");
    assert_eq!(held(&scratch, "open_run"), 0);
    let reaches = SandboxProcess::start(&[]);
    let resume = || scratch.resume(&reaches).concurrency(1);
    resume()
        .run()
        .says("it is not known what the refusal means");
    assert_eq!(over(&reaches, CHANNEL), 30 - waiting);
    assert_eq!((over(&reaches, SMS), held(&scratch, "held")), (0, waiting));
    scratch.checkpoint().expect_sound();
    let said = format!("no_messenger=HTTP 422: {UNREAD}");
    resume().with(&["--refusal", &said]).run().expect(0);
    assert_eq!(over(&reaches, SMS), waiting);
    assert_eq!(reaches.stats().reached_twice, 0);
}

/// The same, and the process that was to take the run back died before it did: the next one does it.
#[test]
fn a_run_whose_process_died_at_its_last_answer_is_held_by_the_next() {
    let (scratch, stops) = (
        Scratch::new(),
        SandboxProcess::with_faults(&["refuse=Nothing here"]),
    );
    scratch.contacts(30);
    for answer in ["before-result-commit:9", "after-intent-commit:2"] {
        let send = send(&scratch, &stops).crash_at(answer);
        send.run().expect_crash();
    }
    send(&scratch, &stops).run().expect(5);
    assert_eq!(over(&stops, SMS), 0);
    let reaches = SandboxProcess::start(&[]);
    scratch.resume(&reaches).concurrency(1).run();
    assert_eq!(over(&reaches, SMS), 0, "a person has not spoken yet");
    let waiting = held(&scratch, "held") + held(&scratch, "open_run");
    assert!(waiting >= 5, "{waiting}");
    scratch.checkpoint().expect_sound();
}

/// A message that another channel accepts says nothing of the refusals on this one.
#[test]
fn only_who_is_reached_on_the_same_channel_lets_people_go_on() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::with_faults(&[
        &format!("refuse={UNREAD}:channel={CHANNEL}:to=3"),
        &format!("refuse=(#100) No matching user found:channel={CHANNEL}:from=4"),
    ]);
    scratch.contacts(6);
    send(&scratch, &sandbox).run();
    assert_eq!((over(&sandbox, SMS), held(&scratch, "open_run")), (3, 3));
    // Nor does one that a killed process may have sent.
    let reaches = SandboxProcess::start(&[]);
    let add = |rows| {
        scratch.write("contacts.csv", &contacts(rows));
        scratch.send(&reaches).with(&["--add"]).concurrency(1)
    };
    add(6..7).crash_at("after-request").run().expect_crash();
    assert_eq!((over(&reaches, CHANNEL), over(&reaches, SMS)), (1, 0));
    assert_eq!(held(&scratch, "open_run"), 3);
    add(7..8).run();
    assert_eq!((over(&reaches, CHANNEL), over(&reaches, SMS)), (2, 3));
    assert_eq!(held(&scratch, "open_run"), 0);
    let both = [sandbox.accepted(), reaches.accepted()];
    let mut all = both.iter().flatten();
    assert!(all.all(|(_, count)| *count == 1), "{both:?}");
    scratch.checkpoint().expect_sound();
}

/// Whom a list takes out, an erasure or the suppression list meets while they are held, is not let go.
#[test]
fn who_may_not_be_messaged_any_more_is_not_let_go_with_the_others() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::with_faults(&[&format!("refuse={UNREAD}:to=6")]);
    scratch.contacts(6);
    send(&scratch, &sandbox).run();
    assert_eq!(held(&scratch, "open_run"), 6);
    let phone = |n| format!("+{}", number(n));
    let erased = phone(0);
    let forget = ["forget", erased.as_str(), "--yes"];
    scratch.outreach(&forget).run().expect(0);
    let suppressed = phone(1);
    let suppress = ["suppress", "add", suppressed.as_str()];
    scratch.outreach(&suppress).run().expect(0);
    // Without the third, and with one who is reached.
    scratch.write("contacts.csv", &contacts(3..7));
    let update = scratch.send(&sandbox).with(&["--update"]).concurrency(1);
    update.run().expect(0);
    assert_eq!((over(&sandbox, CHANNEL), over(&sandbox, SMS)), (1, 3));
    let accepted = sandbox.accepted();
    for n in 0..3 {
        assert!(!accepted.contains_key(&number(n)), "{n}");
    }
    scratch.checkpoint().expect_sound();
}

/// Of the channels beside the first, only Messenger is documented to take the ids of contacts.
#[test]
fn another_channel_is_told_the_number_and_messenger_the_contact() {
    for (first, second, wrong) in [(CHANNEL, VIBER, "id"), (SMS, CHANNEL, "phone")] {
        let scratch = Scratch::new();
        scratch.contacts(3);
        let refused = format!("refuse=(#10) Access is limited:channel={first}");
        let addressed = format!("refuse=Addressed wrongly:channel={second}:by={wrong}:from=4");
        let sandbox = SandboxProcess::with_faults(&[&refused, &addressed]);
        let of = |batch: &str, channel: &str, message: &str| {
            scratch
                .outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
                .with(&["--message", message, "--channel", channel])
                .with(&["--base-url", sandbox.base_url()])
        };
        // From here on the contacts on the second channel are known.
        of("before", second, "Hi").run().expect(0);
        let fallback = ["--fallback", second, "--fallback-on", "channel"];
        of("list", first, "Hello").with(&fallback).run().expect(0);
        assert_eq!(over(&sandbox, second), 6, "{second}");
        assert_eq!(scratch.checkpoint().counts().sent, 3, "{second}");
    }
}
