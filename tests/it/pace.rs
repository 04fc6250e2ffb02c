//! The pace of the real program, in real time, by the sandbox's account.
//!
//! Windows last seconds here. Reset is told in whole seconds, rounded up, and a second is added against
//! clocks that differ; the server's own time (`Date`) is in whole seconds too. A window of `T` therefore
//! comes every `T + 3 s` at the latest. With an hour that is 0.08 %; here the bounds allow for it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::support::{Ended, Program, Running, SandboxProcess, Scratch, contacts, wait_until};

/// What the rounding of Reset may cost in each window.
const ROUNDING: Duration = Duration::from_secs(3);

/// What processes, commits and a busy machine may cost in a run.
const SLACK: Duration = Duration::from_secs(3);

/// Runs it, and tells how long it took.
fn timed(program: Program) -> (Ended, Duration) {
    let begin = Instant::now();
    let ended = program.run();
    (ended, begin.elapsed())
}

/// How long the quota alone makes `rows` last.
fn optimum(kind: &str, rows: u32, quota: u32, window: Duration) -> Duration {
    match kind {
        // What fits into the first window goes at once; the rest drips.
        "leaky-bucket" => window * (rows - quota) / quota,
        _ => window * ((rows - 1) / quota),
    }
}

#[expect(clippy::print_stderr, reason = "figures, shown with --nocapture")]
fn figure(what: &str, sandbox: &SandboxProcess, took: Duration, optimum: Duration) {
    let stats = sandbox.stats();
    eprintln!(
        "{what}: {} 429s, at most {} in a window, {:.2} s (quota alone {:.2} s)",
        stats.throttled.quota + stats.throttled.connections,
        stats.peak_per_window,
        took.as_secs_f64(),
        optimum.as_secs_f64(),
    );
}

fn exactly_the_quota(kind: &str) {
    let (quota, rows, window) = (20, 50, Duration::from_secs(2));
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--quota", "20", "--window", "2s", "--window-kind", kind]),
    );
    scratch.contacts(rows);
    let (ended, took) = timed(scratch.send(&sandbox));
    ended.expect(0);
    let optimum = optimum(kind, rows, quota, window);
    figure(kind, &sandbox, took, optimum);
    let stats = sandbox.stats();
    assert_eq!(stats.accepted, u64::from(rows));
    if kind == "leaky-bucket" {
        // At the brim, answers that overtake each other leave in doubt whether one more fits.
        assert!(stats.throttled.quota <= 3, "{stats:?}");
        // A full bucket, and what drains meanwhile: this server grants it.
        assert!(stats.peak_per_window <= 2 * u64::from(quota), "{stats:?}");
        assert!(stats.peak_per_window >= u64::from(quota), "{stats:?}");
    } else {
        assert_eq!(stats.throttled.quota, 0, "{stats:?}");
        assert_eq!(stats.peak_per_window, u64::from(quota), "to the last one");
    }
    assert!(took >= optimum, "{took:?}");
    let windows = (rows - 1) / quota;
    assert!(took <= optimum + ROUNDING * windows + SLACK, "{took:?}");
    scratch.checkpoint().expect_true_to(&sandbox, rows as usize);
}

#[test]
fn a_fixed_window_is_used_to_the_last_request_and_never_overrun() {
    exactly_the_quota("fixed");
}

#[test]
fn a_sliding_window_is_used_to_the_last_request_and_never_overrun() {
    exactly_the_quota("sliding");
}

#[test]
fn a_leaky_bucket_is_used_as_it_drains() {
    exactly_the_quota("leaky-bucket");
}

#[test]
fn a_quota_of_one_lets_one_through() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--quota", "1", "--window", "1s"]),
    );
    scratch.contacts(3);
    let (ended, took) = timed(scratch.send(&sandbox));
    ended.expect(0);
    figure("limit 1", &sandbox, took, Duration::from_secs(2));
    let stats = sandbox.stats();
    assert_eq!((stats.throttled.quota, stats.peak_per_window), (0, 1));
    assert_eq!(stats.accepted, 3);
    assert!(took <= Duration::from_secs(2) + 2 * ROUNDING + SLACK);
}

#[test]
fn a_batch_that_takes_the_last_of_an_hour_does_not_wait_for_the_next() {
    for concurrency in [1, 10, 160] {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--quota", "20"]));
        scratch.contacts(20);
        let mut running = scratch.send(&sandbox).concurrency(concurrency).start();
        wait_until("it has ended", || running.has_ended());
        running.wait().expect(0);
        assert_eq!(sandbox.stats().accepted, 20);
    }
}

#[test]
fn without_headers_the_users_rate_is_kept_and_used() {
    let (scratch, sandbox) = (
        Scratch::new(),
        // One more than the rate: starts are spaced exactly, arrivals only as well as connections allow.
        SandboxProcess::start(&["--quota", "11", "--window", "1s", "--headers", "off"]),
    );
    scratch.contacts(31);
    let (ended, took) = timed(scratch.send(&sandbox).with(&["--rate", "10/s"]));
    ended.expect(0);
    figure("--rate 10/s", &sandbox, took, Duration::from_secs(3));
    let stats = sandbox.stats();
    assert_eq!(stats.throttled.quota, 0, "{stats:?}");
    assert!(stats.peak_per_window <= 11, "{stats:?}");
    assert!(took >= Duration::from_secs(3) && took <= Duration::from_secs(3) + SLACK);
}

#[test]
fn without_headers_and_without_a_rate_the_guess_is_printed_once() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--headers", "off"]));
    scratch.contacts(50);
    let ended = scratch
        .send(&sandbox)
        .with(&["--for", "2s"])
        .run()
        .expect(4);
    let told = ended.said.matches("The API reports no quota").count();
    assert_eq!(told, 1, "{}", ended.said);
    // 1,000 an hour is one every 3.6 s.
    assert!(sandbox.stats().accepted <= 2, "{:?}", sandbox.stats());
}

#[test]
fn two_batches_on_one_checkpoint_share_the_quota() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--quota", "20", "--window", "2s", "--latency", "10ms"]),
    );
    let rows = 30;
    let begin = Instant::now();
    let running: Vec<Running> = ["first", "second"]
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            let index = u32::try_from(index).unwrap();
            let file = format!("{name}.csv");
            scratch.write(&file, &contacts(index * rows..(index + 1) * rows));
            scratch
                .outreach(&["send", &file, "--yes", "--batch", name, "--message", "Hi"])
                .with(&["--base-url", sandbox.base_url()])
                .with(&["--channel", crate::support::CHANNEL])
                .start()
        })
        .collect();
    for running in running {
        running.wait().expect(0);
    }
    let took = begin.elapsed();
    figure("two batches", &sandbox, took, Duration::from_secs(4));
    let stats = sandbox.stats();
    assert_eq!(stats.accepted, 60);
    assert_eq!(stats.repeated, 0);
    // Each may have a request on its way that the other's last answer did not count yet.
    assert!(stats.throttled.quota <= 6, "{stats:?}");
    assert!(took <= Duration::from_secs(16), "{took:?}");
}

#[test]
fn a_killed_process_finds_the_window_as_it_left_it() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--quota", "60", "--latency", "40ms"]),
    );
    scratch.contacts(90);
    for accepted in [5, 10, 15] {
        let mut running = scratch.send(&sandbox).start();
        wait_until("some are accepted", || sandbox.stats().accepted >= accepted);
        assert!(running.kill());
    }
    scratch
        .send(&sandbox)
        .with(&["--for", "6s"])
        .run()
        .expect(4);
    let stats = sandbox.stats();
    assert_eq!(stats.throttled.quota, 0, "{stats:?}");
    assert!(stats.accepted <= 60, "{stats:?}");
    // Three times three were on their way: for a minute they count twice, as sent and as of unknown fate.
    assert!(stats.accepted >= 60 - 2 * 9, "{stats:?}");
    scratch.checkpoint().expect_true_to(&sandbox, 90);
}

/// Whatever was learnt of the quota is on disk with the result that it came with: thousands of requests
/// by processes that were killed do not make the next one guess, and wait for an hour.
#[test]
fn however_often_it_is_killed_the_next_process_knows_the_limit() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--quota", "100000", "--latency", "2ms"]),
    );
    scratch.contacts(4000);
    let tuned = |program: Program| program.concurrency(64).with(&["--quiet"]);
    for accepted in [400, 800, 1200, 1600] {
        let mut running = tuned(scratch.send(&sandbox)).start();
        wait_until("some are accepted", || sandbox.stats().accepted >= accepted);
        assert!(running.kill());
        let known = scratch.checkpoint().quota_limit();
        assert_eq!(known, Some(100_000), "after {accepted}");
    }
    let (ended, took) = timed(tuned(scratch.send(&sandbox)));
    ended.expect(3);
    assert!(took < Duration::from_secs(30), "{took:?}");
    scratch.checkpoint().expect_true_to(&sandbox, 4000);
}

#[test]
fn the_reserve_is_left_for_others() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--quota", "20", "--window", "2s"]),
    );
    scratch.contacts(30);
    scratch
        .send(&sandbox)
        .with(&["--reserve", "25%"])
        .run()
        .expect(0);
    let stats = sandbox.stats();
    assert_eq!((stats.throttled.quota, stats.peak_per_window), (0, 15));
}

#[test]
fn a_reserve_that_leaves_nothing_ends_the_run_and_says_so() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--quota", "10"]));
    scratch.contacts(5);
    for _ in 0..2 {
        scratch
            .send(&sandbox)
            .with(&["--reserve", "10"])
            .run()
            .expect(6)
            .says("the reserve leaves nothing of the quota of 10 requests")
            .says("--reserve");
    }
    // The first request asks; the second run knows.
    assert_eq!(sandbox.stats().requests, 1);
    scratch.send(&sandbox).run().expect(0);
}

#[test]
fn no_more_connections_than_allowed_and_none_is_refused() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--connections", "3", "--latency", "5ms", "--jitter", "10ms"]),
    );
    scratch.contacts(200);
    scratch.send(&sandbox).concurrency(3).run().expect(0);
    let stats = sandbox.stats();
    assert_eq!(
        (stats.throttled.connections, stats.refused_connections),
        (0, 0)
    );
    assert_eq!(stats.peak_connections, 3);
    assert_eq!(stats.accepted, 200);
}

/// Starts `send` for a list of its own.
fn start_batch(scratch: &Scratch, sandbox: &SandboxProcess, index: u32, rows: u32) -> Running {
    let (file, name) = (format!("list{index}.csv"), format!("batch{index}"));
    scratch.write(&file, &contacts(index * rows..(index + 1) * rows));
    scratch
        .outreach(&["send", &file, "--yes", "--batch", &name, "--message", "Hi"])
        .with(&["--base-url", sandbox.base_url()])
        .with(&["--channel", crate::support::CHANNEL])
        .start()
}

#[test]
fn batches_on_one_checkpoint_share_the_connections_and_none_is_refused() {
    for batches in [2, 3, 5] {
        let (scratch, sandbox) = (
            Scratch::new(),
            SandboxProcess::start(&["--connections", "3", "--latency", "30ms"]),
        );
        let rows = 40;
        // The others come while the first one uses all connections.
        let mut running = vec![start_batch(&scratch, &sandbox, 0, rows)];
        wait_until("the first one sends", || sandbox.stats().accepted >= 9);
        running.extend((1..batches).map(|index| start_batch(&scratch, &sandbox, index, rows)));
        for running in running {
            running.wait().expect(0);
        }
        let stats = sandbox.stats();
        assert_eq!(
            (stats.throttled.connections, stats.refused_connections),
            (0, 0),
            "{batches} batches: {stats:?}"
        );
        assert!(stats.peak_in_flight <= 3, "{stats:?}");
        assert_eq!(stats.accepted, u64::from(batches * rows));
        assert_eq!(stats.repeated, 0);
    }
}

#[test]
fn what_asks_beside_a_run_takes_none_of_its_connections() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--connections", "2", "--latency", "40ms"]),
    );
    scratch.contacts(400);
    let mut running = scratch.send(&sandbox).concurrency(2).start();
    wait_until("it sends", || sandbox.stats().accepted >= 6);
    let api = [
        "--base-url",
        sandbox.base_url(),
        "--channel",
        crate::support::CHANNEL,
    ];
    for _ in 0..2 {
        let test = ["test", "contacts.csv", "--yes", "--to", "+420777999999"];
        let test = scratch
            .outreach(&test)
            .with(&["--message", "Hi"])
            .with(&api);
        test.run().expect(0);
        let doctor = scratch.outreach(&["doctor"]).with(&api).run();
        assert!(!doctor.out.contains("too many"), "{}", doctor.out);
    }
    assert!(!running.has_ended(), "they were beside it");
    running.wait().expect(0);
    let stats = sandbox.stats();
    assert_eq!(
        (stats.throttled.connections, stats.refused_connections),
        (0, 0),
        "{stats:?}"
    );
    assert!(stats.peak_in_flight <= 2, "{stats:?}");
}

#[test]
fn a_run_that_was_allowed_fewer_connections_does_not_wait_for_the_end_of_another() {
    let sandbox = SandboxProcess::start(&["--latency", "50ms", "--quota", "100000"]);
    let scratch = Scratch::new();
    scratch.contacts(600);
    let mut first = scratch.send(&sandbox).concurrency(10).start();
    wait_until("the first one sends", || sandbox.stats().accepted >= 20);
    scratch.write("few.csv", &contacts(1000..1004));
    let few = ["send", "few.csv", "--yes", "--batch", "few", "--message"];
    scratch
        .outreach(&few)
        .with(&["Hi", "--base-url", sandbox.base_url()])
        .with(&["--channel", crate::support::CHANNEL])
        .concurrency(2)
        .run()
        .expect(0);
    assert!(!first.has_ended());
    assert!(sandbox.stats().peak_in_flight <= 10);
}

#[test]
fn the_share_of_a_dead_process_is_used_again() {
    let sandbox = SandboxProcess::start(&["--latency", "100ms", "--quota", "100000"]);
    let (scratch, other) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(100);
    let waits = ["--rate", "1/h"];
    let mut first = scratch.send(&other).concurrency(4).with(&waits).start();
    wait_until("the first one waits", || other.stats().accepted == 1);
    scratch.write("many.csv", &contacts(1000..1600));
    let many = ["send", "many.csv", "--yes", "--batch", "many", "--message"];
    let _beside = scratch
        .outreach(&many)
        .with(&["Hi", "--base-url", sandbox.base_url()])
        .with(&["--channel", crate::support::CHANNEL])
        .concurrency(4)
        .start();
    wait_until("both share", || sandbox.stats().accepted >= 10);
    assert_eq!(sandbox.stats().peak_in_flight, 2);
    assert!(first.kill());
    wait_until("it has all of them", || sandbox.stats().peak_in_flight == 4);
}

#[test]
fn what_a_dead_process_left_under_way_holds_no_connection() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(100);
    let hanging = SandboxProcess::start(&["--fault", "hang-after-accept:from=2"]);
    let mut first = scratch.send(&hanging).concurrency(100).start();
    wait_until("a hundred are under way", || {
        hanging.stats().accepted >= 100
    });
    // One that runs beside it, and waits for a connection, goes on once it is dead.
    let beside = start_batch(&scratch, &sandbox, 7, 20);
    assert!(first.kill());
    beside.wait().expect(0);
    start_batch(&scratch, &sandbox, 8, 20).wait().expect(0);
    let unknown = scratch
        .outreach(&["status", "list", "--json"])
        .run()
        .expect(3);
    let unknown: serde_json::Value = serde_json::from_str(&unknown.out).unwrap();
    assert_eq!(unknown["unknown"], 99, "{unknown}");
}

#[test]
fn refused_connections_lower_the_concurrency() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--connections", "2", "--latency", "10ms"]),
    );
    scratch.contacts(200);
    let (ended, took) = timed(scratch.send(&sandbox).concurrency(6));
    ended.expect(0);
    let stats = sandbox.stats();
    assert_eq!((stats.accepted, stats.repeated), (200, 0));
    let refused = stats.throttled.connections;
    assert!(refused > 0 && refused <= 20, "{stats:?}");
    assert!(
        took < Duration::from_secs(10),
        "no pause, only fewer: {took:?}"
    );
}

#[test]
fn the_time_limit_ends_the_run_in_time() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--quota", "10"]));
    scratch.contacts(30);
    let until = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2)).to_string();
    for limit in [["--for", "2s"], ["--until", &until]] {
        let (ended, took) = timed(scratch.send(&sandbox).with(&limit));
        if limit[0] == "--until" {
            // Over by now.
            ended.expect(2).says("a time that is still to come");
        } else {
            ended.expect(4).says("time for this run is over");
            assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(4));
        }
    }
    let until = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2)).to_string();
    let (ended, took) = timed(scratch.send(&sandbox).with(&["--until", &until]));
    ended.expect(4).says("10 requests");
    assert!(took < Duration::from_secs(4), "{took:?}");
    let stats = sandbox.stats();
    assert_eq!((stats.accepted, stats.throttled.quota), (10, 0));
}

/// A daily window that opens so many hours from now, for an hour, in that zone.
fn window_in(hours: i64, length: i64, zone: &str) -> String {
    let now = jiff::Zoned::now().in_tz(zone).unwrap();
    let hour = |hours: i64| {
        let at = &now + jiff::SignedDuration::from_hours(hours);
        at.strftime("%H:00").to_string()
    };
    format!("{}-{}", hour(hours), hour(hours + length))
}

#[test]
fn outside_the_sending_hours_nothing_leaves_and_ctrl_c_ends_the_wait() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(5);
    let window = window_in(6, 1, "UTC");
    let running = scratch
        .send(&sandbox)
        .with(&["--window", &window, "--timezone", "UTC"])
        .start();
    wait_until("it says what it will do", || {
        running.said().contains("Forecast")
    });
    std::thread::sleep(Duration::from_millis(500));
    ends_within_a_second(running);
    assert_eq!(sandbox.stats().requests, 0);
}

fn ends_within_a_second(running: Running) {
    let signal = Instant::now();
    running.signal("INT");
    running.wait().expect(4);
    let took = signal.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// CPU time so far, and the bytes written so far.
fn used(running: &Running) -> (Duration, u64) {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", running.pid()));
    let stat = read("stat").expect("its figures");
    let (_, after_name) = stat.rsplit_once(") ").expect("a name in brackets");
    let fields: Vec<&str> = after_name.split(' ').collect();
    let ticks: u64 = [11, 12]
        .iter()
        .map(|index| fields[*index].parse::<u64>().expect("ticks"))
        .sum();
    let io = read("io").expect("its figures");
    let written = io
        .lines()
        .find_map(|line| line.strip_prefix("wchar: "))
        .and_then(|bytes| bytes.parse().ok())
        .expect("bytes written");
    (Duration::from_millis(ticks * 10), written)
}

#[test]
fn asleep_it_uses_neither_processor_nor_disk_and_wakes_for_ctrl_c() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--quota", "10"]));
    scratch.contacts(30);
    let running = scratch.send(&sandbox).start();
    wait_until("the quota is used", || sandbox.stats().accepted == 10);
    std::thread::sleep(Duration::from_millis(800));
    let (cpu, written) = used(&running);
    let length = Duration::from_secs(4);
    std::thread::sleep(length);
    let (cpu_after, written_after) = used(&running);
    let cpu = cpu_after.saturating_sub(cpu);
    figure(
        &format!("asleep for {length:?}: {cpu:?} of CPU"),
        &sandbox,
        length,
        length,
    );
    assert!(cpu <= Duration::from_millis(80), "{cpu:?}");
    // One process wakes another by writing 8 bytes to it; a commit is thousands.
    assert!(
        written_after - written < 1000,
        "{}",
        written_after - written
    );
    ends_within_a_second(running);
}

/// Twenty Czech numbers, then five Japanese ones.
fn two_countries(scratch: &Scratch) {
    let mut list = contacts(0..20);
    for n in 0..5 {
        let _ = writeln!(list, "+81901234567{n},Yuki");
    }
    scratch.write("contacts.csv", &list);
}

#[test]
fn whoever_waits_for_their_own_hours_holds_up_nobody() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    two_countries(&scratch);
    let window = window_in(-1, 3, "Asia/Tokyo");
    let hours = ["--window", window.as_str(), "--window-by", "recipient"];

    let ended = scratch.send(&sandbox).with(&hours).with(&["--for", "1h"]);
    let ended = ended.run().expect(4);
    assert!(
        ended.said.contains("20 recipients are still queued"),
        "{}",
        ended.said
    );
    assert_eq!(sandbox.stats().accepted, 5);
    assert!(
        sandbox
            .accepted()
            .keys()
            .all(|number| number / 10_000_000_000 == 81)
    );

    // Without a limit of time it waits for the morning, asleep.
    let running = scratch.send(&sandbox).with(&hours).start();
    std::thread::sleep(Duration::from_millis(1500));
    let (cpu, _) = used(&running);
    std::thread::sleep(Duration::from_secs(1));
    let cpu = used(&running).0.saturating_sub(cpu);
    assert!(cpu <= Duration::from_millis(30), "{cpu:?}");
    ends_within_a_second(running);
    assert_eq!(sandbox.stats().accepted, 5);
}

#[test]
fn what_doctor_used_of_the_quota_is_known_to_the_next_run() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--quota", "1"]));
    scratch.contacts(3);
    // Doctor makes no checkpoint.
    scratch
        .outreach(&["suppress", "add", "+420777999999"])
        .run()
        .expect(0);
    scratch
        .outreach(&["doctor", "--base-url", sandbox.base_url()])
        .with(&["--channel", crate::support::CHANNEL])
        .run();
    assert_eq!(sandbox.stats().requests, 1);
    scratch
        .send(&sandbox)
        .with(&["--for", "1s"])
        .run()
        .expect(4);
    let stats = sandbox.stats();
    assert_eq!((stats.requests, stats.throttled.quota), (1, 0));
}
