//! What window, deadline and quota allow together is said before the first send.

use std::time::{Duration, Instant};

use jiff::{ToSpan, Zoned};

use crate::support::{CHANNEL, SandboxProcess, Scratch};

/// A window of two hours about a moment that is so many hours from now in Prague.
fn window(hours_from_now: i64) -> String {
    let middle = Zoned::now()
        .in_tz("Europe/Prague")
        .unwrap()
        .checked_add(hours_from_now.hours())
        .unwrap();
    let at = |hours: i64| {
        let time = middle.checked_add(hours.hours()).unwrap();
        time.strftime("%H:%M").to_string()
    };
    format!("{}-{}", at(-1), at(1))
}

#[test]
fn a_window_that_opens_after_the_deadline_is_said_in_the_first_line_and_the_run_ends_at_once() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    let begun = Instant::now();
    let ended = scratch
        .send(&sandbox)
        .with(&[
            "--window",
            &window(5),
            "--timezone",
            "Europe/Prague",
            "--for",
            "1h",
        ])
        .run()
        .expect(4);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "it waits for nothing"
    );
    let first = ended.said.lines().next().unwrap();
    assert!(
        first.starts_with("Warning: nothing can be sent: the window "),
        "{}",
        ended.said
    );
    assert_eq!(sandbox.stats().accepted, 0);
    let told = scratch.outreach(&["status", "list"]).run().expect(4).out;
    assert!(
        told.contains("paused: the window opens only after "),
        "{told}"
    );
    let all_day = ["--window", "00:00-24:00"];
    scratch.send(&sandbox).with(&all_day).run().expect(0);
}

#[test]
fn a_window_that_leaves_little_of_the_night_is_said_in_the_first_line() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    let closes = Zoned::now().in_tz("Europe/Prague").unwrap();
    let at = |minutes: i64| {
        let time = closes.checked_add(minutes.minutes()).unwrap();
        time.strftime("%H:%M").to_string()
    };
    let window = format!("{}-{}", at(-300), at(20));
    let ended = scratch
        .send(&sandbox)
        .with(&[
            "--window",
            &window,
            "--timezone",
            "Europe/Prague",
            "--for",
            "9h",
        ])
        .run()
        .expect(0);
    let first = ended.said.lines().next().unwrap();
    assert!(
        first.starts_with("Warning: only ") && first.contains("min to send"),
        "{first}"
    );
}

#[test]
fn whom_the_window_never_reaches_is_told_at_once_and_ends_suppressed() {
    let (scratch, sandbox) = (Scratch::new().in_steps_of(1), SandboxProcess::start(&[]));
    let list = "phone,first_name\n+420777000001,Eva\n+12122221234,Ann\n+12122221235,Bob\n+420777000002,Jan\n";
    scratch.write("contacts.csv", list);
    let ended = scratch
        .send(&sandbox)
        .with(&["--window", &window(0), "--window-by", "recipient"])
        .run()
        .expect(0)
        .says("2 recipients can never be reached: --window is at no time open in all time zones of their country (US)");
    assert_eq!(sandbox.stats().accepted, 2, "{}", ended.said);
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.sent, counts.suppressed, counts.queued), (2, 2, 0));
    let results = scratch.read("list.results.csv");
    let reason = "window never opens where the person lives";
    assert_eq!(results.matches(reason).count(), 2, "{results}");
    scratch.outreach(&["status", "list"]).run().expect(0);
}

/// Of a batch that was stopped, those whose hours never come may have others when it goes on.
#[test]
fn who_is_never_reached_in_one_batch_waits_in_another_until_that_is_complete() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let stopped = SandboxProcess::with_faults(&["401:at=2"]);
    let never = ["--window", &window(0), "--window-by", "recipient"];
    let begin = |batch: &str, numbers: [&str; 3], to: &SandboxProcess| {
        let file = format!("{batch}.csv");
        let rows = numbers.map(|number| format!("{number},Eva\n")).concat();
        scratch.write(&file, &format!("phone,first_name\n{rows}"));
        let send = scratch.outreach(&["send", &file, "--yes", "--batch", batch]);
        let send = send.with(&["--message", "Hello", "--channel", CHANNEL]);
        let send = send.with(&["--base-url", to.base_url()]).concurrency(1);
        send.with(&never).run()
    };
    let other = ["+420777000003", "+12122221236", "+420777000004"];
    begin("other", other, &stopped).expect(5);
    let list = ["+420777000001", "+12122221234", "+420777000002"];
    begin("list", list, &sandbox).expect(0);
    assert_eq!(scratch.checkpoint().counts().suppressed, 1);
    let resume = scratch.outreach(&["resume", "other", "--yes"]);
    let resume = resume.with(&["--window", "00:00-24:00", "--window-by", "recipient"]);
    let resume = resume.with(&["--base-url", sandbox.base_url()]);
    resume.run().expect(0);
    assert_eq!(scratch.checkpoint().counts_of("other").sent, 3);
}

/// Taken as UTC, the sending hours would be others.
#[test]
fn a_time_zone_that_does_not_exist_is_told_and_no_hours_go_by_it() {
    let scratch = Scratch::new();
    scratch.contacts(2);
    let send = |zone: &str, more: &[&str]| {
        scratch
            .outreach(&["send", "contacts.csv", "--sandbox", "--yes"])
            .with(&["--message", "Hi"])
            .with(more)
            .env("TZ", zone)
            .run()
    };
    for more in [["--window", "08:00-20:00"], ["--until", "23:59"]] {
        let refused = send("Europe/Pragu", &more).expect(6);
        refused.says("TZ is \"Europe/Pragu\"").says("--timezone");
    }
    let told = send("Europe/Pragu", &[]).expect(0);
    told.says("times are in UTC");
    for (zone, more) in [
        (
            "Europe/Pragu",
            ["--window", "00:00-24:00", "--timezone", "UTC"].as_slice(),
        ),
        ("CET-1CEST,M3.5.0,M10.5.0/3", &["--window", "00:00-24:00"]),
        ("", &["--window", "00:00-24:00"]),
    ] {
        let ended = send(zone, more).expect(0);
        assert!(!ended.said.contains("--timezone"), "{}", ended.said);
    }
}
