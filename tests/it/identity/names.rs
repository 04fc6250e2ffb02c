//! What batches are called.

use super::send;
use crate::support::{CHANNEL, SandboxProcess, Scratch};

const RULE: &str = "letters, digits, `-`, `_`, `.` and space, 1 to 100 of them, begins with none of `-`, `.` and space, and does not end with `.` or space";

#[test]
fn a_new_batch_is_called_only_what_is_safe_in_file_names_and_on_screens() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(1);
    let long = "x".repeat(300);
    let odd = [
        "",
        "a\nb",
        "a/b",
        "a\\b",
        "../a",
        "a\tb",
        "\u{1b}[31ma",
        "a:b",
        "a*",
        "-rf",
        ".",
        "..",
        ".hidden",
        " a",
        "a ",
        "a.",
        &long,
    ];
    for name in odd {
        send(&scratch, &sandbox, "Hello")
            .with(&[&format!("--batch={name}")])
            .run()
            .expect(2)
            .says(RULE);
    }
    assert!(!scratch.path("outreach.db").exists(), "nothing was written");
    assert!(sandbox.accepted().is_empty());
    let longest = "春".repeat(100);
    for name in ["Jarní akce 2026_b.1-c", &longest] {
        send(&scratch, &sandbox, name)
            .with(&["--batch", name])
            .run()
            .expect(0);
    }
    assert_eq!(sandbox.stats().accepted, 2);
}

#[test]
fn a_file_of_any_name_makes_a_batch_with_an_allowed_name() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let file = "a\\b \u{1b}[31m(2)\n.csv";
    std::fs::rename(scratch.contacts(1), scratch.path(file)).expect("a file of that name");
    scratch
        .outreach(&["send", file, "--yes", "--message", "Hello"])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        .run()
        .expect(0);
    let batches = scratch.checkpoint().reader.batches().expect("the batches");
    let name = &batches[0].name;
    assert!(name.starts_with("a-b -31m-2-"), "{name:?}");
    assert!(scratch.path(&format!("{name}.results.csv")).exists());
}

#[test]
fn a_batch_with_an_old_name_stays_usable() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:at=2"]));
    scratch.contacts(2);
    send(&scratch, &sandbox, "Hello")
        .with(&["--batch", "old"])
        .concurrency(1)
        .run()
        .expect(5);
    let checkpoint = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    checkpoint
        .execute("UPDATE batch SET name = ?1", ["a/b\n"])
        .unwrap();
    drop(checkpoint);
    send(&scratch, &sandbox, "Hello")
        .with(&["--batch", "a/b\n"])
        .run()
        .expect(0);
    scratch.outreach(&["export", "a/b\n"]).run().expect(0);
    assert_eq!(sandbox.accepted().len(), 2);
}
