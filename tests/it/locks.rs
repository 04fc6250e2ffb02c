//! One holder for a batch, readers at any time, and two batches at once.

use outreach::internals::domain::delivery::State;

use crate::support::{SandboxProcess, Scratch, wait_until};

#[test]
fn the_lock_dies_with_its_process() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "30ms"]),
    );
    scratch.contacts(30);
    let mut first = scratch.send(&sandbox).start();
    wait_until("it sends", || sandbox.stats().accepted > 0);
    scratch.resume(&sandbox).run().expect(9);
    first.kill();
    let ended = scratch.resume(&sandbox).concurrency(30).run();
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    scratch.checkpoint().expect_true_to(&sandbox, 30);
}

#[cfg(unix)]
#[test]
fn another_name_of_the_same_checkpoint_is_the_same_lock() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "30ms"]),
    );
    scratch.contacts(60);
    std::os::unix::fs::symlink("outreach.db", scratch.path("link.db")).unwrap();
    let first = scratch.send(&sandbox).start();
    wait_until("it sends", || sandbox.stats().accepted > 0);
    scratch
        .resume(&sandbox)
        .with(&["--db", "link.db"])
        .run()
        .expect(9);
    drop(first);
}

#[test]
fn readers_work_beside_a_process_that_sends() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "30ms"]),
    );
    scratch.contacts(60);
    let first = scratch.send(&sandbox).start();
    wait_until("it sends", || sandbox.stats().accepted > 0);
    scratch.outreach(&["status", "list"]).run().expect(9);
    scratch
        .outreach(&["export", "list", "-o", "half.csv"])
        .run()
        .expect(0);
    assert_eq!(scratch.read("half.csv").lines().count(), 61);
    first.wait().expect(0);
}

#[test]
fn twenty_commands_at_once_are_one_batch() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--latency", "5ms"]));
    scratch.contacts(100);
    let all: Vec<_> = (0..20).map(|_| scratch.send(&sandbox).start()).collect();
    let codes: Vec<_> = all.into_iter().map(|one| one.wait().code).collect();
    assert!(
        codes.iter().all(|code| matches!(code, Some(0 | 9))),
        "{codes:?}"
    );
    assert!(codes.contains(&Some(0)));
    scratch.checkpoint().expect_true_to(&sandbox, 100);
    assert_eq!(sandbox.stats().accepted, 100);
}

#[test]
fn two_batches_at_once_with_the_same_numbers_and_content_message_nobody_twice() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--latency", "2ms"]));
    scratch.contacts(300);
    let send = |batch| {
        scratch
            .outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
            .with(&["--message", "Hello", "--channel", crate::support::CHANNEL])
            .with(&["--base-url", sandbox.base_url(), "--concurrency", "8"])
            .start()
    };
    let (a, b) = (send("a"), send("b"));
    a.wait().expect(0);
    b.wait().expect(0);
    assert_eq!(sandbox.stats().repeated, 0);
    assert_eq!(sandbox.stats().accepted, 300);
    let checkpoint = scratch.checkpoint();
    checkpoint.expect_sound();
    let (a, b) = (checkpoint.rows_of("a"), checkpoint.rows_of("b"));
    for (a, b) in a.iter().zip(&b) {
        let states = [a.state, b.state];
        assert!(
            states == [State::Sent, State::Suppressed]
                || states == [State::Suppressed, State::Sent],
            "{a:?} {b:?}"
        );
    }
}

#[test]
fn whoever_got_the_same_content_an_hour_ago_from_another_list_is_suppressed() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(20);
    scratch.send(&sandbox).run().expect(0);
    scratch.write("contacts.csv", &crate::support::contacts(10..30));
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "other"])
        .with(&["--message", "Hello {{ first_name }}"])
        .with(&["--base-url", sandbox.base_url()])
        .with(&["--channel", crate::support::CHANNEL])
        .run()
        .expect(0);
    let counts = scratch.checkpoint().counts_of("other");
    assert_eq!((counts.sent, counts.suppressed), (10, 10));
    assert_eq!(sandbox.stats().repeated, 0);
}

/// What SQLite locks in this process stays locked, whatever else opens the checkpoint here.
#[cfg(target_os = "linux")]
#[test]
fn opening_the_checkpoint_again_drops_no_lock_of_the_process() {
    use std::os::unix::fs::MetadataExt as _;
    let scratch = Scratch::new();
    let path = scratch.path("outreach.db");
    let first = outreach::internals::store::Store::open(&path).unwrap();
    let held = || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let of = |file: &str| {
            let inode = std::fs::metadata(scratch.path(file)).unwrap().ino();
            let inode = format!(":{inode} ");
            locks.lines().filter(|lock| lock.contains(&inode)).count()
        };
        [of("outreach.db"), of("outreach.db-shm")]
    };
    // The list of locks is no snapshot: a lock may be missing in one reading, and is not in all of them.
    let all_held = || held().iter().all(|locks| *locks > 0);
    wait_until("the checkpoint is locked", all_held);
    let again = outreach::internals::store::Store::open(&path).unwrap();
    wait_until("it still is", all_held);
    drop(again.reader().unwrap());
    drop(again);
    wait_until("it still is, when the other has closed it", all_held);
    drop(first);
}
