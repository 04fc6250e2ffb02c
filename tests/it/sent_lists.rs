//! A results file of this program that is sent as a list, where the checkpoint does not know it: what it says was sent is not
//! sent again.

use crate::support::{CHANNEL, Ended, SandboxProcess, Scratch, number};

const HELLO: &str = "Hello {{ first_name }}";

/// The results of a batch of six: two were sent, one is unknown, one may have been sent before it was suppressed, one is queued,
/// and the first is no other person than the last one.
fn results(sandbox: &SandboxProcess) -> String {
    let there = Scratch::new();
    there.contacts(6);
    there.send(sandbox).run().expect(0);
    let text = there.read("list.results.csv");
    let said = |line: &str, status: &str, reason: &str| {
        line.replacen(",sent,,", &format!(",{status},{reason},"), 1)
    };
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let lines: Vec<&str> = lines.collect();
    let may = "STOP; it may have been sent at 2026-05-01T10:00:00Z";
    let again = format!("+{},Name5,,,duplicate", number(5));
    let again = format!("{again}{}", ",".repeat(header.matches(',').count() - 4));
    let rows = [
        header.to_owned(),
        again,
        lines[1].to_owned(),
        said(lines[2], "unknown", ""),
        said(lines[3], "error", may),
        said(lines[4], "queued", ""),
        lines[5].to_owned(),
    ];
    format!("{}\n", rows.join("\n"))
}

fn send(scratch: &Scratch, sandbox: &SandboxProcess, message: &str, flags: &[&str]) -> Ended {
    let send = scratch.outreach(&["send", "old.csv", "--yes", "--batch", "list"]);
    send.with(&["--message", message, "--channel", CHANNEL])
        .with(&["--base-url", sandbox.base_url()])
        .with(flags)
        .run()
}

/// How often each of the six was messaged, but for the first one.
fn accepted(sandbox: &SandboxProcess) -> Vec<u64> {
    let accepted = sandbox.accepted();
    (1..6).map(|n| accepted[&number(n)]).collect()
}

#[test]
fn who_has_a_message_by_a_results_file_that_the_checkpoint_does_not_know_is_not_sent_it_again() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    scratch.write("old.csv", &results(&sandbox));
    let check = ["check", "old.csv", "--message", HELLO, "--channel", CHANNEL];
    let told = "got this message, or may have, as the list itself says";
    let checked = scratch.outreach(&check).run().expect(0);
    assert!(checked.out.contains(told), "{}", checked.out);
    send(&scratch, &sandbox, HELLO, &[]).expect(0).says(told);
    assert_eq!(accepted(&sandbox), [1, 1, 1, 2, 1]);
    let counts = scratch.checkpoint().counts();
    assert_eq!(
        (counts.sent, counts.suppressed, counts.duplicate),
        (1, 4, 1)
    );
    let results = scratch.read("list.results.csv");
    let said = |text: &str| results.matches(text).count();
    assert_eq!(
        said("this message went to this number (outreach_status)"),
        2
    );
    assert_eq!(said("this message may have gone to this number"), 2);
}

#[test]
fn another_text_and_another_channel_and_who_asks_for_it_are_not_kept_back_by_a_results_file() {
    let sandbox = SandboxProcess::start(&[]);
    let text = results(&sandbox);
    let ignored = ["--ignore-consent-column", "outreach_status"];
    for (message, flags) in [
        ("Good day {{ first_name }}", &[][..]),
        (HELLO, &ignored[..]),
        (HELLO, &["--repeat-guard", "0"][..]),
    ] {
        let scratch = Scratch::new();
        scratch.write("old.csv", &text);
        send(&scratch, &sandbox, message, flags).expect(0);
        assert_eq!(scratch.checkpoint().counts().sent, 5, "{flags:?}");
    }
    let scratch = Scratch::new();
    scratch.write("old.csv", &text.replace(&format!(",{CHANNEL},"), ",7009,"));
    send(&scratch, &sandbox, HELLO, &[]).expect(0);
    assert_eq!(scratch.checkpoint().counts().sent, 5);
}

#[test]
fn what_the_checkpoint_knows_counts_and_not_what_a_results_file_says() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    scratch.contacts(3);
    let first = ["send", "contacts.csv", "--yes", "--batch", "first"];
    let first = scratch.outreach(&first).with(&["--message", HELLO]);
    let first = first.with(&["--channel", CHANNEL, "--base-url", sandbox.base_url()]);
    first.run().expect(0);
    scratch.write("old.csv", &scratch.read("first.results.csv"));
    // Its guard of time is over.
    send(&scratch, &sandbox, HELLO, &["--repeat-guard", "1ms"]).expect(0);
    assert_eq!(scratch.checkpoint().counts().sent, 3);
}

#[test]
fn the_results_of_a_rehearsal_keep_nobody_back() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    let text = results(&sandbox);
    scratch.write("old.sandbox.results.csv", &text);
    let list = [
        "send",
        "old.sandbox.results.csv",
        "--yes",
        "--message",
        HELLO,
    ];
    let send = scratch.outreach(&list).with(&["--channel", CHANNEL]);
    send.with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(0);
    assert_eq!(accepted(&sandbox), [2, 2, 2, 2, 2]);
}
