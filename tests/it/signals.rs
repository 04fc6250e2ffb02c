//! Ctrl-C and SIGTERM: politely once, at once twice.

use std::time::{Duration, Instant};

use crate::support::{SandboxProcess, Scratch, wait_until};

/// A batch of 60 with 4 under way.
fn under_way(sandbox: &[&str]) -> (Scratch, SandboxProcess, crate::support::Running) {
    some_under_way(60, 4, sandbox)
}

fn some_under_way(
    rows: u32,
    workers: u32,
    sandbox: &[&str],
) -> (Scratch, SandboxProcess, crate::support::Running) {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(sandbox));
    scratch.contacts(rows);
    let running = scratch.send(&sandbox).concurrency(workers).start();
    wait_until("all workers have one under way", || {
        sandbox.stats().peak_in_flight == u64::from(workers)
    });
    (scratch, sandbox, running)
}

#[test]
fn the_first_signal_lets_what_is_in_flight_finish_and_the_same_command_goes_on() {
    for signal in ["INT", "TERM", "HUP"] {
        let (scratch, sandbox, running) = under_way(&["--latency", "300ms"]);
        running.signal(signal);
        running.wait().expect(4).says("Stopping");
        let checkpoint = scratch.checkpoint();
        checkpoint.expect_true_to(&sandbox, 60);
        let counts = checkpoint.counts();
        assert_eq!((counts.unknown, counts.sending), (0, 0), "{signal}");
        assert_eq!(counts.sent, sandbox.stats().accepted, "{signal}");
        assert!(counts.queued > 0, "{signal}");
        let results = scratch.read("list.results.csv");
        assert_eq!(results.lines().count(), 61);

        scratch.send(&sandbox).concurrency(30).run().expect(0);
        scratch.checkpoint().expect_true_to(&sandbox, 60);
        assert_eq!(sandbox.stats().accepted, 60);
    }
}

#[test]
fn a_worker_goes_on_with_what_its_deadline_ended_and_leaves_what_a_signal_did() {
    for ends_by_signal in [false, true] {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
        scratch.contacts(40);
        let send = scratch.send(&sandbox).with(&["--rate", "2/s"]);
        let send = if ends_by_signal {
            send
        } else {
            send.with(&["--for", "2s"])
        };
        let running = send.start();
        if ends_by_signal {
            wait_until("some were sent", || sandbox.stats().accepted > 3);
            running.signal("TERM");
        }
        running.wait().expect(4);
        let before = sandbox.stats().accepted;
        assert!(before < 40, "{before}");
        let worker = ["worker", "--once", "--base-url", sandbox.base_url()];
        scratch.outreach(&worker).run();
        let wanted = if ends_by_signal { before } else { 40 };
        assert_eq!(sandbox.stats().accepted, wanted, "signal: {ends_by_signal}");
    }
}

#[test]
fn the_second_signal_ends_at_once_and_what_was_in_flight_is_unknown() {
    // So many workers have several threads.
    for workers in [4, 160] {
        let faults = ["--fault", "hang-before-accept:after=1"];
        let (scratch, sandbox, running) = some_under_way(400, workers, &faults);
        running.signal("INT");
        wait_until("it was heard", || running.said().contains("Stopping"));
        let second = Instant::now();
        running.signal("INT");
        running.wait().expect(4);
        assert!(second.elapsed() < Duration::from_secs(5));
        let checkpoint = scratch.checkpoint();
        checkpoint.expect_sound();
        let counts = checkpoint.counts();
        let workers = u64::from(workers);
        assert_eq!((counts.unknown, counts.sending), (workers, 0), "{counts:?}");
        assert_eq!(
            (counts.sent, counts.queued),
            (1, 399 - workers),
            "{counts:?}"
        );
        assert_eq!(sandbox.stats().accepted, 1);
    }
}

/// Nothing can be written while another program holds the checkpoint: what is known is not waited for without end.
#[test]
fn the_second_signal_ends_a_run_whose_checkpoint_another_program_holds() {
    let (scratch, sandbox, running) = under_way(&["--latency", "300ms"]);
    let browser = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    browser.busy_timeout(Duration::from_secs(10)).unwrap();
    browser.execute_batch("BEGIN EXCLUSIVE").unwrap();
    running.signal("INT");
    wait_until("it was heard", || running.said().contains("Stopping"));
    let second = Instant::now();
    running.signal("INT");
    running.wait().expect(4).says("outreach resume list");
    assert!(second.elapsed() < Duration::from_secs(10));
    let left = scratch.checkpoint().counts().sending;
    assert!(left > 0, "nothing could be written");
    drop(browser);
    // They are unknown, and are not sent again.
    scratch.send(&sandbox).concurrency(30).run().expect(3);
    let checkpoint = scratch.checkpoint();
    checkpoint.expect_true_to(&sandbox, 60);
    let counts = checkpoint.counts();
    assert_eq!((counts.unknown, counts.sent), (left, 60 - left));
}

#[test]
fn a_signal_ends_the_sleep_until_the_quota_returns() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--quota", "10", "--window", "1h"]),
    );
    scratch.contacts(30);
    let running = scratch.send(&sandbox).start();
    wait_until("the quota is used", || sandbox.stats().accepted == 10);
    // It sleeps by now, or will within a moment: either must end at once.
    std::thread::sleep(Duration::from_millis(200));
    let signal = Instant::now();
    running.signal("INT");
    running.wait().expect(4);
    assert!(
        signal.elapsed() < Duration::from_secs(1),
        "{:?}",
        signal.elapsed()
    );
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.sent, counts.queued, counts.unknown), (10, 20, 0));
}

#[test]
fn a_request_that_outlasts_the_time_of_grace_is_given_up_as_unknown() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--latency", "20s"]));
    scratch.contacts(5);
    let running = scratch.send(&sandbox).with(&["--grace", "1s"]).start();
    wait_until("one is under way", || sandbox.stats().peak_in_flight > 0);
    running.signal("TERM");
    running.wait().expect(4);
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.unknown, counts.queued), (1, 4));
}

#[cfg(unix)]
#[test]
fn a_signal_while_the_list_is_read_says_that_nothing_was_sent() {
    for (signal, name) in [
        ("INT", "Ctrl-C"),
        ("TERM", "SIGTERM"),
        ("HUP", "its terminal was closed (SIGHUP)"),
    ] {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
        let pipe = scratch.path("contacts.csv");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let running = scratch.send(&sandbox).start();
        // It is open once the program reads it. The list has no end yet.
        let mut list = std::fs::File::options().write(true).open(&pipe).unwrap();
        std::io::Write::write_all(&mut list, b"phone,first_name\n+420777000001,Eva\n").unwrap();
        running.signal(signal);
        let told = format!("Stopped ({name}): nothing was sent.");
        running.wait().expect(4).says(&told);
        assert_eq!(sandbox.stats().requests, 0);
    }
}
