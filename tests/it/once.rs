//! Each person once, and rehearsals apart from real batches: what a small wrong change could undo.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{CHANNEL, SandboxProcess, Scratch, contacts};

/// The answer to a message may name another address: a message is never sent there, or there again.
#[test]
fn a_message_that_is_sent_elsewhere_by_the_answer_is_not_sent_again() {
    for status in [
        "307 Temporary Redirect",
        "308 Permanent Redirect",
        "302 Found",
    ] {
        let scratch = Scratch::new();
        scratch.contacts(1);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let (counted, location) = (Arc::clone(&asked), format!("{url}/v1/elsewhere"));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                counted.fetch_add(1, Ordering::SeqCst);
                let answer = format!(
                    "HTTP/1.1 {status}\r\nLocation: {location}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                );
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        let url = format!("{url}/v1");
        scratch
            .outreach(&["send", "contacts.csv", "--yes", "--batch", "list"])
            .with(&[
                "--message",
                "Hello",
                "--channel",
                CHANNEL,
                "--base-url",
                &url,
            ])
            .run();
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{status}");
        assert_eq!(scratch.checkpoint().counts().sent, 0, "{status}");
    }
}

#[test]
fn who_is_in_the_batch_already_is_a_duplicate_in_a_list_that_is_added() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(2);
    scratch.send(&sandbox).run().expect(0);
    scratch.write("contacts.csv", &contacts(1..4));
    scratch.send(&sandbox).with(&["--add"]).run().expect(0);
    let counts = scratch.checkpoint().counts();
    assert_eq!(
        (counts.sent, counts.duplicate, counts.suppressed),
        (4, 1, 0)
    );
    assert!(sandbox.accepted().values().all(|times| *times == 1));
}

#[test]
fn the_same_text_through_another_channel_is_another_message_where_that_is_said() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(1);
    scratch.send(&sandbox).run().expect(0);
    let other = scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "other"])
        .with(&["--message", "Hello {{ first_name }}", "--channel", "7009"])
        .with(&["--message-again"])
        .with(&["--base-url", sandbox.base_url()])
        .run();
    // The sandbox has one channel: what counts is that the message left.
    let counts = scratch.checkpoint().counts_of("other");
    assert_eq!(
        (counts.suppressed, counts.requests),
        (0, 1),
        "{}",
        other.said
    );
}

#[test]
fn a_real_batch_is_not_continued_as_a_rehearsal_nor_a_rehearsal_for_real() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::with_faults(&["503:after=1"]),
    );
    scratch.contacts(5);
    let slow = ["--rate", "1/s", "--for", "1s"];
    let paused = scratch.send(&sandbox).with(&slow).run();
    assert!(scratch.checkpoint().counts().queued > 0, "{}", paused.said);
    let before = scratch.checkpoint().counts();
    let as_rehearsal = [
        "resume",
        "list",
        "--sandbox",
        "--yes",
        "--db",
        "outreach.db",
    ];
    scratch.outreach(&as_rehearsal).run().expect(2);
    assert_eq!(scratch.checkpoint().counts(), before);

    scratch
        .outreach(&["send", "contacts.csv", "--sandbox", "--yes"])
        .with(&["--message", "Hello", "--batch", "try"])
        .with(&slow)
        .run();
    let asked = sandbox.stats().requests;
    let for_real = ["resume", "try", "--yes", "--db", "sandbox.db"];
    scratch
        .outreach(&for_real)
        .with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(2);
    assert_eq!(sandbox.stats().requests, asked);
}

#[test]
fn a_rehearsal_is_not_kept_in_the_real_checkpoint() {
    let scratch = Scratch::new();
    scratch.contacts(2);
    scratch.write("outreach.toml", "db = \"real.db\"\n");
    scratch
        .outreach(&[
            "send",
            "contacts.csv",
            "--sandbox",
            "--yes",
            "--message",
            "Hello",
        ])
        .run()
        .expect(0);
    assert!(!scratch.path("real.db").exists() && !scratch.path("outreach.db").exists());
    assert!(scratch.path("sandbox.db").exists());
}

#[test]
fn a_batch_that_an_api_on_this_machine_took_does_not_go_on_at_the_real_one() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(4);
    scratch
        .send(&sandbox)
        .with(&["--limit", "2"])
        .run()
        .expect(4);
    // A name that no server answers to: nothing leaves this machine either way.
    let resume = |at: &str| {
        let resume = scratch.outreach(&["resume", "list", "--yes", "--base-url", at]);
        resume.run()
    };
    let refused = resume("https://api.invalid/v1").expect(2);
    refused.says(&format!("went to the API at {}", sandbox.base_url()));
    assert_eq!(scratch.checkpoint().counts().queued, 2);
    // Another port of this machine is the sandbox started again.
    let again = SandboxProcess::start(&[]);
    resume(again.base_url()).expect(0);
    assert_eq!(again.stats().accepted, 2);
}
