//! Death at every named place, the state that it must leave, and the way on from there.

use outreach::internals::domain::delivery::State;

use crate::support::{SandboxProcess, Scratch, number};

const ROWS: u32 = 12;

/// A batch that died at `point`, one request at a time.
fn died_at(point: &str) -> (Scratch, SandboxProcess) {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(ROWS);
    scratch
        .send(&sandbox)
        .concurrency(1)
        .crash_at(point)
        .run()
        .expect_crash();
    (scratch, sandbox)
}

/// The states on disk right after the crash: how many are `sent`, `sending`, `queued`.
fn on_disk(scratch: &Scratch) -> (u64, u64, u64) {
    let counts = scratch.checkpoint().counts();
    (counts.sent, counts.sending, counts.queued)
}

/// The same command again ends the batch: everything else is sent, `unknown` rows stay unknown.
fn goes_on(scratch: &Scratch, sandbox: &SandboxProcess, unknown: u64) {
    let code = if unknown > 0 { 3 } else { 0 };
    scratch.send(sandbox).run().expect(code);
    let checkpoint = scratch.checkpoint();
    checkpoint.expect_true_to(sandbox, ROWS as usize);
    let counts = checkpoint.counts();
    assert_eq!(
        (counts.sent, counts.unknown),
        (u64::from(ROWS) - unknown, unknown)
    );
    let results = scratch.read("list.results.csv");
    assert_eq!(results.lines().count(), 1 + ROWS as usize);
}

#[test]
fn during_migration_nothing_is_there_yet() {
    let (scratch, sandbox) = died_at("migration");
    assert_eq!(sandbox.stats().requests, 0);
    goes_on(&scratch, &sandbox, 0);
}

#[test]
fn during_intake_nothing_can_be_sent() {
    let (scratch, sandbox) = died_at("intake");
    assert_eq!(sandbox.stats().requests, 0);
    scratch.resume(&sandbox).run().expect(2);
    goes_on(&scratch, &sandbox, 0);
}

#[test]
fn before_the_intent_is_committed_nothing_has_left() {
    // Whichever commit it is that does not take place (list, start, intents with results, quota):
    // whoever was messaged by then stands on disk as `sending` or `sent`.
    for passage in 1..=12 {
        let (scratch, sandbox) = died_at(&format!("before-intent-commit:{passage}"));
        let accepted = sandbox.stats().accepted;
        let status = scratch.outreach(&["status", "list"]).run().code;
        let begun = !matches!(status, Some(2 | 8));
        assert!(begun || accepted == 0, "passage {passage}");
        if begun && accepted > 0 {
            scratch.checkpoint().expect_true_to(&sandbox, ROWS as usize);
        }
        let ended = scratch.send(&sandbox).run();
        assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
        let checkpoint = scratch.checkpoint();
        checkpoint.expect_true_to(&sandbox, ROWS as usize);
        let counts = checkpoint.counts();
        assert!(counts.unknown <= 1, "passage {passage}: {counts:?}");
        assert_eq!(counts.sent + counts.unknown, u64::from(ROWS));
    }
}

#[test]
fn after_the_intent_is_committed_one_row_is_unknown_and_was_not_messaged() {
    let (scratch, sandbox) = died_at("after-intent-commit:5");
    assert_eq!(on_disk(&scratch), (4, 1, 7));
    assert_eq!(sandbox.stats().accepted, 4);
    let row = scratch.checkpoint().rows().remove(4);
    assert_eq!(row.state, State::Sending);
    goes_on(&scratch, &sandbox, 1);
}

#[test]
fn after_the_request_one_row_is_unknown_and_was_messaged() {
    let (scratch, sandbox) = died_at("after-request:5");
    assert_eq!(on_disk(&scratch), (4, 1, 7));
    assert_eq!(sandbox.stats().accepted, 5);
    goes_on(&scratch, &sandbox, 1);
    let row = scratch.checkpoint().rows().remove(4);
    assert_eq!(row.state, State::Unknown);
    assert_eq!(row.reason_code.as_deref(), Some("interrupted"));
    let attempts = scratch.checkpoint().attempts(row.at);
    assert_eq!(attempts.len(), 1, "never sent again by itself");
    assert_eq!(attempts[0].outcome.as_deref(), Some("interrupted"));
    assert_eq!(sandbox.stats().accepted, u64::from(ROWS));
}

/// Whoever was under way at the crash may have the message: an edited list without the person, or with
/// another spelling, takes nobody out of the unknown ones.
#[test]
fn an_edited_list_does_not_touch_who_was_under_way_when_the_process_died() {
    for gone in [true, false] {
        let (scratch, sandbox) = died_at("after-request:5");
        let person = format!("+{}", number(4));
        let list: Vec<String> = scratch
            .read("contacts.csv")
            .lines()
            .filter(|line| !gone || !line.starts_with(&person))
            .map(|line| line.replace("Name4", "Somebody"))
            .collect();
        scratch.write("contacts.csv", &(list.join("\n") + "\n"));
        scratch
            .send(&sandbox)
            .with(&["--update"])
            .run()
            .expect(3)
            .says("under way when an earlier run ended");
        let states = scratch.checkpoint().states();
        assert_eq!(states[&number(4)], State::Unknown, "gone: {gone}");
        let account = sandbox.stats();
        assert_eq!((account.accepted, account.repeated), (u64::from(ROWS), 0));
        scratch.checkpoint().expect_sound();
    }
}

#[test]
fn before_the_result_is_committed_one_row_is_unknown_and_was_messaged() {
    let (scratch, sandbox) = died_at("before-result-commit:4");
    assert_eq!(on_disk(&scratch), (3, 1, 8));
    assert_eq!(sandbox.stats().accepted, 4);
    goes_on(&scratch, &sandbox, 1);
}

#[test]
fn during_the_renaming_of_the_results_all_is_known() {
    let (scratch, sandbox) = died_at("export-rename");
    assert_eq!(on_disk(&scratch), (u64::from(ROWS), 0, 0));
    assert!(!scratch.path("list.results.csv").exists());
    // What holds phone numbers does not stay for ever: the next one that writes there removes it.
    let left = || {
        let names = std::fs::read_dir(scratch.folder()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains(".tmp")).count()
    };
    assert_eq!(left(), 1);
    goes_on(&scratch, &sandbox, 0);
    assert_eq!(left(), 0);
    assert_eq!(sandbox.stats().sends, u64::from(ROWS));
}

#[test]
fn a_crash_with_many_in_flight_leaves_at_most_so_many_unknown() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "20ms"]),
    );
    scratch.contacts(100);
    scratch
        .send(&sandbox)
        .concurrency(8)
        .crash_at("after-request:40")
        .run()
        .expect_crash();
    let before = sandbox.stats().accepted;
    scratch.send(&sandbox).run().expect(3);
    let checkpoint = scratch.checkpoint();
    checkpoint.expect_true_to(&sandbox, 100);
    let counts = checkpoint.counts();
    assert!((1..=8).contains(&counts.unknown), "{counts:?}");
    assert!(before >= 40 && counts.sent + counts.unknown == 100);
}
