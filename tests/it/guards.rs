//! Stop before harm: through the real binary.

use outreach::internals::domain::delivery::State;

use crate::support::{SandboxProcess, Scratch, contacts};

const REFUSAL: &str = "Sorry, something is not right with 4 of 7.";

#[test]
fn a_wrong_token_costs_one_request_and_no_recipient() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401"]));
    scratch.contacts(200);
    scratch.send(&sandbox).concurrency(64).run().expect(5);
    assert_eq!(sandbox.stats().sends, 1, "the canary alone");
    assert_eq!(scratch.checkpoint().counts().queued, 200);
}

#[test]
fn the_summary_tells_the_token_the_proxy_and_the_channel_apart() {
    for (status, matter) in [
        ("401", "5  the token: "),
        ("407", "5  the proxy: "),
        ("405", "5  the base URL: "),
        ("403", "5  the channel: "),
    ] {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&[status]));
        scratch.contacts(5);
        let sent = scratch.send(&sandbox).run().expect(5);
        sent.says(matter);
        let status = scratch.outreach(&["status", "list"]).run().expect(5);
        assert!(status.out.contains(matter), "{}", status.out);
    }
}

#[test]
fn a_token_that_is_revoked_in_the_middle_stops_the_batch_and_nobody_is_lost() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "10ms", "--fault", "401:from=51,to=80"]),
    );
    scratch.contacts(300);
    scratch.send(&sandbox).concurrency(16).run().expect(5);
    let checkpoint = scratch.checkpoint();
    checkpoint.expect_true_to(&sandbox, 300);
    let counts = checkpoint.counts();
    assert_eq!((counts.unknown, counts.sending, counts.error), (0, 0, 0));
    assert_eq!(counts.sent, sandbox.stats().accepted);
    assert!(counts.sent < 100, "{counts:?}");
    // The token works again after some more refusals: each run stops at once, the last one ends it.
    let mut runs = 0;
    while scratch.send(&sandbox).concurrency(16).run().code == Some(5) {
        runs += 1;
        assert!(runs < 40);
    }
    scratch.checkpoint().expect_true_to(&sandbox, 300);
    assert_eq!(sandbox.stats().accepted, 300);
}

/// A run that is killed after the refusals cannot tell; here one that had the guard turned off stands
/// for it.
#[test]
fn refusals_of_a_run_that_could_not_tell_stop_the_next_one_before_it_sends() {
    let sandbox = SandboxProcess::start(&[
        "--no-messenger",
        "100%",
        "--same-text",
        REFUSAL,
        "--fault",
        "401:at=26",
    ]);
    let scratch = Scratch::new();
    scratch.contacts(40);
    let off = ["--identical-refusals", "0"];
    scratch
        .send(&sandbox)
        .concurrency(1)
        .with(&off)
        .run()
        .expect(5);
    assert_eq!(scratch.checkpoint().counts().no_messenger, 25);
    let sends = sandbox.stats().sends;
    let ended = scratch.send(&sandbox).run().expect(5);
    ended.says("--refusal");
    assert_eq!(sandbox.stats().sends, sends, "nobody else was tried");
    assert_eq!(scratch.checkpoint().counts().no_messenger, 0);
    scratch
        .resume(&sandbox)
        .with(&["--no-messenger-text"])
        .run()
        .expect(0);
    assert_eq!(scratch.checkpoint().counts().no_messenger, 40);
}

/// Messages that were accepted and failed later are no refusals: the template was fine.
/// Whose earlier request may have been accepted is not queued again by a guard: such refusals stop a run once.
#[test]
fn refusals_that_cannot_be_taken_back_stop_no_later_run() {
    let scratch = Scratch::new();
    scratch.contacts(3);
    let lost = SandboxProcess::with_faults(&["close-after-accept"]);
    scratch.send(&lost).concurrency(1).run().expect(3);
    let resend = ["resolve", "list", "--resend", "--all"];
    scratch.outreach(&resend).run().expect(0);
    let refuses = SandboxProcess::with_faults(&["400:text=(#100) Invalid parameter"]);
    scratch.send(&refuses).concurrency(1).run().expect(5);
    assert_eq!(scratch.checkpoint().counts().queued, 0);
    scratch.send(&refuses).concurrency(1).run().expect(3);
    assert_eq!(refuses.stats().sends, 3);
}

#[test]
fn deliveries_that_failed_later_are_not_taken_for_refusals() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:at=26"]));
    scratch.contacts(30);
    scratch.send(&sandbox).concurrency(1).run().expect(5);
    let checkpoint = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    checkpoint
        .execute_batch(
            "UPDATE recipient SET state = 'error', reason_code = 'delivery_failed',
                    reason = 'no user for the number' WHERE state = 'sent';
             UPDATE tally SET error = error + sent, sent = 0;",
        )
        .unwrap();
    scratch.send(&sandbox).run().expect(3);
    assert_eq!(sandbox.stats().accepted, 30);
}

#[test]
fn a_channel_that_does_not_exist_costs_one_request() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(50);
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "list"])
        .with(&["--message", "Hello", "--channel", "404404"])
        .with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(5)
        .says("channel");
    assert_eq!(sandbox.stats().sends, 1);
    assert_eq!(scratch.checkpoint().counts().queued, 50);
}

/// A sandbox that refuses everybody with the same text.
fn refusing_everybody() -> SandboxProcess {
    SandboxProcess::start(&["--no-messenger", "100%", "--same-text", REFUSAL])
}

/// A batch of 60 that was stopped by 20 identical refusals. They are taken back, and sent to again, in many steps.
fn halted() -> Scratch {
    let (scratch, sandbox) = (Scratch::new().in_steps_of(7), refusing_everybody());
    scratch.contacts(60);
    scratch
        .send(&sandbox)
        .concurrency(1)
        .run()
        .expect(5)
        .says("Sorry, something is not right with # of #.")
        .says("20  held")
        .says("--refusal 'no_messenger=HTTP 422: Sorry, something is not right with # of #.'");
    assert_eq!(sandbox.stats().sends, 20);
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.no_messenger, counts.queued), (0, 60));
    scratch
}

/// The text of [`REFUSAL`] is about the channel.
const CHANNEL_IS_AT_FAULT: [&str; 2] = ["--refusal", "channel=something is not right"];

#[test]
fn after_refusals_nobody_knew_resume_sends_to_the_held_once_it_is_said_that_it_was_not_them() {
    let scratch = halted();
    let mended = SandboxProcess::start(&[]);
    scratch
        .resume(&mended)
        .with(&CHANNEL_IS_AT_FAULT)
        .run()
        .expect(0);
    let checkpoint = scratch.checkpoint();
    checkpoint.expect_true_to(&mended, 60);
    assert_eq!(checkpoint.counts().sent, 60);
    let story = checkpoint.attempts(2);
    let words: Vec<_> = story
        .iter()
        .filter_map(|attempt| attempt.outcome.as_deref())
        .collect();
    assert_eq!(words, ["no_messenger", "taken_back", "decided", "sent"]);
}

#[test]
fn who_is_held_is_claimed_by_nobody_until_then() {
    let scratch = halted();
    let mended = SandboxProcess::start(&[]);
    let ended = scratch.resume(&mended).run().expect(5);
    ended.says("20 recipients are held");
    assert_eq!(mended.stats().accepted, 40);
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.sent, counts.queued), (40, 20));
    let results = scratch.read("list.results.csv");
    assert_eq!(results.matches("held until somebody says").count(), 20);
    // The same command again changes nothing, and says what to do.
    scratch.resume(&mended).run().expect(5).says("--refusal");
    assert_eq!(mended.stats().accepted, 40);
    scratch
        .resume(&mended)
        .with(&["--refusal", "person=something is not right"])
        .run()
        .expect(3);
    assert_eq!(scratch.checkpoint().counts().error, 20);
}

#[test]
fn the_same_send_again_does_what_resume_does() {
    let scratch = halted();
    let mended = SandboxProcess::start(&[]);
    scratch
        .send(&mended)
        .with(&CHANNEL_IS_AT_FAULT)
        .run()
        .expect(0);
    assert_eq!(scratch.checkpoint().counts().sent, 60);
}

#[test]
fn what_a_text_means_can_stand_in_the_settings() {
    let scratch = halted();
    scratch.write(
        "outreach.toml",
        "[refusals]\nlater = [\"something else\"]\nwait = [\"is not right with * of *\"]\n",
    );
    let mended = SandboxProcess::start(&[]);
    scratch.resume(&mended).run().expect(0);
    assert_eq!(scratch.checkpoint().counts().sent, 60);
}

#[test]
fn if_the_cause_was_not_mended_the_guard_stops_again() {
    let (scratch, sandbox) = (halted(), refusing_everybody());
    scratch.resume(&sandbox).concurrency(1).run().expect(5);
    assert_eq!(sandbox.stats().sends, 1, "the run goes on where it stopped");
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.no_messenger, counts.queued), (0, 60));
}

#[test]
fn a_refusal_that_is_confirmed_to_mean_no_messenger_never_stops_a_batch_again() {
    let (scratch, sandbox) = (halted(), refusing_everybody());
    scratch
        .resume(&sandbox)
        .with(&["--no-messenger-text"])
        .run()
        .expect(0);
    let counts = scratch.checkpoint().counts();
    assert_eq!(counts.no_messenger, 60);
    assert_eq!(
        sandbox.stats().sends,
        40,
        "the first 20 are not asked again"
    );
    assert_eq!(scratch.decisions(), ["refusal", "held"]);
    let results = scratch.read("list.results.csv");
    let told = |line: &&str| line.contains(",no_messenger,") && line.contains("is not right");
    assert_eq!(results.lines().filter(told).count(), 60, "{results}");
    // Another batch, the same answers: no questions.
    scratch.write("contacts.csv", &contacts(100..140));
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "other"])
        .with(&["--message", "x", "--channel", crate::support::CHANNEL])
        .with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(0);
    assert_eq!(scratch.checkpoint().counts_of("other").no_messenger, 40);
}

#[test]
fn an_error_cannot_be_confirmed_to_mean_no_messenger() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["400"]));
    scratch.contacts(60);
    scratch.send(&sandbox).concurrency(1).run().expect(5);
    let sends = sandbox.stats().sends;
    assert_eq!(scratch.checkpoint().counts().error, 20);
    let confirmed = scratch
        .resume(&sandbox)
        .with(&["--no-messenger-text"])
        .run();
    confirmed.expect(2).says("outreach resume list");
    assert_eq!(sandbox.stats().sends, sends);
    // What it says to do does help.
    let mended = SandboxProcess::start(&[]);
    scratch.resume(&mended).run().expect(0);
    assert_eq!(scratch.checkpoint().counts().sent, 60);
}

#[test]
fn nothing_can_be_confirmed_where_nothing_was_refused() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    scratch
        .resume(&sandbox)
        .with(&["--no-messenger-text"])
        .run()
        .expect(2);
}

#[test]
fn refusals_beside_successes_stop_nothing() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--no-messenger", "80%"]),
    );
    scratch.contacts(200);
    scratch
        .send(&sandbox)
        .with(&["--concurrency", "4"])
        .run()
        .expect(0);
    let counts = scratch.checkpoint().counts();
    assert_eq!(counts.sent + counts.no_messenger, 200);
    assert!(counts.no_messenger > 120, "{counts:?}");
}

#[test]
fn an_outage_costs_a_few_unknown_rows_and_the_batch_goes_on_after_it() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "5ms", "--fault", "503:from=30,to=33"]),
    );
    scratch.contacts(100);
    scratch.send(&sandbox).concurrency(2).run().expect(3);
    let checkpoint = scratch.checkpoint();
    checkpoint.expect_true_to(&sandbox, 100);
    let counts = checkpoint.counts();
    assert_eq!((counts.unknown, counts.sent), (4, 96));
}

#[test]
fn while_nobody_listens_nobody_is_lost_and_nobody_is_unknown() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::with_faults(&["refuse:at=30,for=1s"]),
    );
    scratch.contacts(100);
    scratch.send(&sandbox).concurrency(1).run();
    let checkpoint = scratch.checkpoint();
    checkpoint.expect_true_to(&sandbox, 100);
    let counts = checkpoint.counts();
    assert!(counts.unknown <= 1, "one connection was open: {counts:?}");
    assert_eq!(counts.sent + counts.unknown, 100);
    let tries: u64 = checkpoint
        .rows()
        .iter()
        .map(|row| u64::from(row.attempts))
        .sum();
    assert!(tries <= 110, "it did not hammer at a closed door: {tries}");
}

#[test]
fn undecided_retry_sends_again_and_stops_after_three_attempts() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::with_faults(&["500:at=5", "500:after=20"]),
    );
    scratch.contacts(20);
    scratch
        .send(&sandbox)
        .concurrency(1)
        .with(&["--undecided", "retry", "--undecided-in-a-row", "1000"])
        .run()
        .expect(3);
    let checkpoint = scratch.checkpoint();
    checkpoint.expect_true_to(&sandbox, 20);
    let mut attempts: Vec<_> = checkpoint
        .rows()
        .iter()
        .map(|row| (row.state, row.attempts))
        .filter(|(_, attempts)| *attempts > 1)
        .collect();
    attempts.sort_unstable();
    assert_eq!(
        attempts,
        [(State::Sent, 2), (State::Unknown, 3)],
        "one request of 20 went to a repetition, so that the last row met the end"
    );
}

#[test]
fn with_undecided_retry_a_double_is_the_users_choice_and_without_it_there_is_none() {
    for (flag, repeated) in [("hold", 0), ("retry", 1)] {
        let (scratch, sandbox) = (
            Scratch::new(),
            SandboxProcess::with_faults(&["500-after-accept:at=5"]),
        );
        scratch.contacts(10);
        scratch.send(&sandbox).with(&["--undecided", flag]).run();
        assert_eq!(sandbox.stats().repeated, repeated, "{flag}");
    }
}

/// As people and programs write it; it stands in the journal, on screens and in the mail of the night.
#[test]
fn a_number_in_the_text_that_stops_a_batch_is_told_nowhere() {
    let text = "text=No contact +420 777 000 000 / 00420-777-000-001 / (777) 000.002 in 7001200300400500601";
    for (status, code) in [("400", 3), ("401", 5), ("403", 5), ("404", 5), ("405", 5)] {
        let fault = format!("{status}:{text}");
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&[&fault]));
        scratch.contacts(5);
        let sent = scratch
            .send(&sandbox)
            .with(&["-v", "-v"])
            .run()
            .expect(code);
        let stands = scratch.outreach(&["status", "list"]).run().expect(code);
        let row = scratch.outreach(&["status", "list", "--row", "2"]).run();
        for told in [&sent.said, &stands.out, &stands.said, &row.out, &row.said] {
            let numbers = ["777 000", "777-000", "(777", "000.002"];
            assert!(
                !numbers.iter().any(|it| told.contains(it)),
                "{status}: {told}"
            );
        }
        assert!(
            sent.said.contains("No contact +# in 7001200300400500601"),
            "{}",
            sent.said
        );
    }
}
