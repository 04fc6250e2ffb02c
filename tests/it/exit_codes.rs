//! Every exit code, provoked from outside.
//!
//! Code 1 stands for a defect of the program: there is no honest way to provoke it.

use crate::support::{CHANNEL, SandboxProcess, Scratch, wait_until};

#[test]
fn code_0_all_is_settled_and_nobody_is_in_error_or_unknown() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(20);
    scratch.send(&sandbox).run().expect(0);
    assert_eq!(scratch.checkpoint().counts().sent, 20);
    assert_eq!(sandbox.stats().accepted, 20);
    scratch.send(&sandbox).run().expect(0);
    assert_eq!(
        sandbox.stats().sends,
        20,
        "the same command again sends nothing"
    );
}

#[test]
fn code_2_the_command_line_is_not_understood() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.outreach(&["send"]).run().expect(2);
    scratch.outreach(&["sned", "contacts.csv"]).run().expect(2);
    let without_message = ["send", "contacts.csv", "--yes", "--channel", CHANNEL];
    scratch.outreach(&without_message).run().expect(2);
    scratch
        .outreach(&["resume", "nobody-made-this-batch", "--yes"])
        .run()
        .expect(8)
        .says("outreach.db");
    scratch.send(&sandbox).run().expect(0);
    scratch
        .outreach(&["resume", "lits", "--yes"])
        .run()
        .expect(2)
        .says("did you mean `list`");
    scratch
        .outreach(&[
            "send",
            "contacts.csv",
            "--message",
            "x",
            "--channel",
            CHANNEL,
        ])
        .run()
        .expect(2)
        .says("--yes");
    assert_eq!(sandbox.stats().sends, 3);
}

#[test]
fn code_3_some_recipients_ended_in_error_or_unknown() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["500:at=5"]));
    scratch.contacts(20);
    scratch.send(&sandbox).run().expect(3);
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.sent, counts.unknown), (19, 1));
}

#[test]
fn code_4_paused_by_a_signal() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "20ms"]),
    );
    scratch.contacts(400);
    let running = scratch.send(&sandbox).start();
    wait_until("some were sent", || sandbox.stats().accepted > 3);
    running.signal("TERM");
    running.wait().expect(4).says("list");
    scratch.checkpoint().expect_true_to(&sandbox, 400);
}

#[test]
fn code_5_stopped_by_a_guard() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401"]));
    scratch.contacts(20);
    scratch.send(&sandbox).run().expect(5).says("token");
    assert_eq!(scratch.checkpoint().counts().queued, 20);
}

#[test]
fn code_6_token_or_channel_are_missing() {
    let scratch = Scratch::new();
    scratch.contacts(3);
    let send = ["send", "contacts.csv", "--yes", "--message", "x"];
    scratch
        .outreach(&send)
        .with(&["--channel", CHANNEL])
        .without_env("AMIO_TOKEN")
        .run()
        .expect(6)
        .says("AMIO_TOKEN");
    scratch.outreach(&send).run().expect(6).says("channel");
    assert!(!scratch.path("outreach.db").exists());
}

#[test]
fn code_7_the_contacts_file_cannot_be_used() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.send(&sandbox).run().expect(7).says("contacts.csv");
    scratch.write("contacts.csv", "");
    scratch.send(&sandbox).run().expect(7);
    scratch.write("contacts.csv", "first_name,colour\nAda,red\n");
    scratch.send(&sandbox).run().expect(7);
    assert_eq!(sandbox.stats().requests, 0);
}

#[test]
fn code_8_the_checkpoint_cannot_be_used() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.write("outreach.db", &"this is no database. ".repeat(500));
    scratch.send(&sandbox).run().expect(8).says("outreach");
    assert_eq!(sandbox.stats().requests, 0);
}

#[test]
fn code_10_too_few_were_reached() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["400:at=2"]));
    scratch.contacts(4);
    let send = |share| scratch.send(&sandbox).with(&["--fail-below", share]).run();
    send("75%").expect(3);
    send("76%")
        .expect(10)
        .says("fewer were sent to than --fail-below asks for");
}

#[test]
fn code_9_another_process_holds_the_batch() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "50ms"]),
    );
    scratch.contacts(200);
    let first = scratch.send(&sandbox).start();
    wait_until("the first one sends", || sandbox.stats().accepted > 0);
    scratch
        .send(&sandbox)
        .run()
        .expect(9)
        .says(&format!("process {} since 20", first.pid()));
}
