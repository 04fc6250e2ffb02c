//! A backup is put back after the checkpoint was lost: whoever may have a message is messaged by nobody until a person
//! decides, and whoever was erased stays so.

use std::fs;

use outreach::internals::domain::delivery::State;

use crate::support::{Program, SandboxProcess, Scratch, contacts, number};

fn run(scratch: &Scratch, arguments: &[&str], code: i32) {
    scratch.outreach(arguments).run().expect(code);
}

fn phone(n: u32) -> String {
    format!("+{}", number(n))
}

fn update(scratch: &Scratch, sandbox: &SandboxProcess, more: &[&str]) -> Program {
    scratch.send(sandbox).with(&["--update"]).with(more)
}

fn back_up(scratch: &Scratch) {
    run(scratch, &["backup", "backup.db"], 0);
}

/// The disk dies: the backup takes the checkpoint's place, as the manual says.
fn lose(scratch: &Scratch) {
    for name in ["outreach.db", "outreach.db-wal", "outreach.db-shm"] {
        let _ = fs::remove_file(scratch.path(name));
    }
    fs::copy(scratch.path("backup.db"), scratch.path("outreach.db")).unwrap();
}

/// The same, and the results files are read.
fn restore(scratch: &Scratch, results: &[&str]) {
    lose(scratch);
    run(scratch, &["checkpoint", "adopt", "--no-suppressions"], 0);
    let import = scratch.outreach(&["history", "import", "--no-suppressions"]);
    import.with(results).run().expect(0);
}

/// How the row of a person came to be suppressed before the backup, and how that ended.
struct Cause {
    name: &'static str,
    suppress: fn(&Scratch, &SandboxProcess),
    lift: fn(&Scratch),
}

const CAUSES: [Cause; 3] = [
    Cause {
        name: "on the list",
        suppress: |scratch, sandbox| {
            run(scratch, &["suppress", "add", &phone(0)], 0);
            scratch.send(sandbox).run().expect(0);
        },
        lift: |scratch| run(scratch, &["suppress", "remove", &phone(0)], 0),
    },
    Cause {
        name: "got another message",
        suppress: |scratch, sandbox| {
            let other = scratch.outreach(&["send", "contacts.csv", "--yes", "--batch", "other"]);
            let other = other.with(&["--message", "Other", "--channel", crate::support::CHANNEL]);
            let other = other.with(&["--base-url", sandbox.base_url()]);
            other.run().expect(0);
            let send = scratch.send(sandbox).with(&["--message-again"]);
            send.with(&["--not-within", "1d"]).run().expect(0);
        },
        lift: |_| (),
    },
    Cause {
        name: "no longer in the list",
        suppress: |scratch, _| {
            let refuses = SandboxProcess::with_faults(&["401:from=1"]);
            scratch.send(&refuses).run().expect(5);
            scratch.write("contacts.csv", &contacts(1..2));
            update(scratch, &refuses, &[]).run().expect(5);
        },
        lift: |scratch| drop(scratch.contacts(2)),
    },
];

#[test]
fn who_may_have_a_message_is_unknown_after_a_restore_whatever_the_row_was_suppressed_for() {
    for cause in CAUSES {
        let loses = SandboxProcess::with_faults(&["close-after-accept:from=1"]);
        let healthy = SandboxProcess::start(&[]);
        let scratch = Scratch::new();
        scratch.contacts(1);
        (cause.suppress)(&scratch, &healthy);
        let state = |scratch: &Scratch| scratch.checkpoint().states()[&number(0)];
        assert_eq!(state(&scratch), State::Suppressed, "{}", cause.name);
        back_up(&scratch);
        (cause.lift)(&scratch);
        let within = ["--not-within", "0", "--message-again"];
        update(&scratch, &loses, &within).run().expect(3);
        assert_eq!(state(&scratch), State::Unknown, "{}", cause.name);
        run(&scratch, &["export", "list", "-o", "told.csv"], 0);
        restore(&scratch, &["told.csv"]);
        assert_eq!(state(&scratch), State::Unknown, "{}", cause.name);
        (cause.lift)(&scratch);
        let before = healthy.accepted().get(&number(0)).copied();
        update(&scratch, &healthy, &within).run().expect(3);
        scratch.send(&healthy).run().expect(3);
        let after = healthy.accepted().get(&number(0)).copied();
        assert_eq!(before, after, "{}", cause.name);
        scratch.checkpoint().expect_sound();
    }
}

/// A request that a limit turned away is not counted by the results, and is none that they tell of.
#[test]
fn a_lost_answer_after_a_throttled_request_is_learned() {
    let limits = SandboxProcess::with_faults(&["429:from=1"]);
    let scratch = Scratch::new();
    scratch.contacts(1);
    let mut running = scratch.send(&limits).start();
    crate::support::wait_until("it is throttled", || limits.stats().requests > 0);
    running.kill();
    // What was under way is settled by the next command that holds the batch.
    let refuses = SandboxProcess::with_faults(&["401:from=1"]);
    if scratch.resume(&refuses).run().code != Some(5) {
        // It was killed before the answer was settled: unknown, and sent again by decision.
        run(&scratch, &["resolve", "list", "--resend", "--all"], 0);
    }
    back_up(&scratch);
    let before = scratch.checkpoint().rows()[0].attempts;
    let loses = SandboxProcess::with_faults(&["close-after-accept:from=1"]);
    scratch.resume(&loses).run().expect(3);
    assert_eq!(scratch.checkpoint().rows()[0].attempts, before + 1);
    run(&scratch, &["export", "list", "-o", "told.csv"], 0);
    restore(&scratch, &["told.csv"]);
    assert_eq!(scratch.checkpoint().rows()[0].state, State::Unknown);
}

/// Results that were written while a request was under way have not counted it yet.
#[test]
fn a_request_that_was_under_way_when_results_were_written_is_learned() {
    let refuses = SandboxProcess::with_faults(&["401:from=1"]);
    let scratch = Scratch::new();
    scratch.contacts(1);
    scratch.send(&refuses).run().expect(5);
    back_up(&scratch);
    let healthy = SandboxProcess::start(&[]);
    let send = scratch.resume(&healthy).crash_at("after-request:1");
    send.run().expect_crash();
    run(&scratch, &["export", "list", "-o", "told.csv"], 0);
    restore(&scratch, &["told.csv"]);
    assert_eq!(scratch.checkpoint().rows()[0].state, State::Unknown);
    scratch.send(&healthy).run().expect(3);
    assert_eq!(healthy.accepted()[&number(0)], 1);
}

/// "It may have been sent" beside another reason is told by the results alone.
#[test]
fn who_was_suppressed_and_may_have_the_message_is_not_judged_anew_as_if_nothing_had_left() {
    let loses = SandboxProcess::with_faults(&["close-after-accept:from=1"]);
    let healthy = SandboxProcess::start(&[]);
    for into_a_backup in [true, false] {
        let scratch = Scratch::new();
        scratch.contacts(1);
        run(&scratch, &["suppress", "add", &phone(1)], 0);
        let refuses = SandboxProcess::with_faults(&["401:from=1"]);
        scratch.send(&refuses).run().expect(5);
        back_up(&scratch);
        scratch.resume(&loses).run().expect(3);
        run(&scratch, &["suppress", "add", &phone(0)], 0);
        run(&scratch, &["resolve", "list", "--resend", "--all"], 0);
        scratch.resume(&healthy).run().expect(0);
        run(&scratch, &["export", "list", "-o", "told.csv"], 0);
        let told = scratch.read("told.csv");
        assert!(told.contains("suppressed") && told.contains("it may have been sent at"));
        if into_a_backup {
            restore(&scratch, &["told.csv"]);
        } else {
            for name in ["outreach.db", "outreach.db-wal", "outreach.db-shm"] {
                let _ = fs::remove_file(scratch.path(name));
            }
            run(
                &scratch,
                &["history", "import", "told.csv", "--no-suppressions"],
                0,
            );
            // It is told once, however often it is read.
            run(&scratch, &["export", "list", "-o", "again.csv"], 0);
            let again = scratch.read("again.csv");
            assert_eq!(again.matches("may have been sent").count(), 1, "{again}");
        }
        run(&scratch, &["suppress", "remove", &phone(0)], 0);
        update(&scratch, &healthy, &[]).run().expect(3);
        let row = scratch.checkpoint().rows().remove(0);
        assert_eq!(row.state, State::Unknown, "{into_a_backup}: {row:?}");
        assert!(!healthy.accepted().contains_key(&number(0)));
        scratch.checkpoint().expect_sound();
    }
}

#[test]
fn results_of_an_erased_person_whose_batch_was_pruned_can_be_imported() {
    let sandbox = SandboxProcess::start(&[]);
    for forget_first in [true, false] {
        let scratch = Scratch::new();
        scratch.contacts(3);
        scratch.send(&sandbox).run().expect(0);
        let forget = phone(1);
        let forget = ["forget", forget.as_str(), "--yes"];
        let prune = ["prune", "--older-than", "0s", "--yes"];
        let both = [&forget[..], &prune[..]];
        for command in if forget_first { both } else { [both[1], both[0]] } {
            run(&scratch, command, 0);
        }
        scratch.contacts(4);
        update(&scratch, &sandbox, &[]).run().expect(0);
        run(&scratch, &["export", "list", "-o", "told.csv"], 0);
        let import = ["history", "import", "told.csv", "--no-suppressions"];
        let import = scratch.outreach(&import).with(&["--db", "new.db"]);
        import.run().expect(0).says("is restored");
    }
}
