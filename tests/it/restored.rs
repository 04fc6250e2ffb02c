//! A backup is put back after the checkpoint was lost: whoever may have a message is messaged by nobody until a person
//! decides, and whoever was erased stays so.

use std::fs;

use outreach::internals::domain::delivery::State;

use crate::support::{CHANNEL, Program, SandboxProcess, Scratch, contacts, number};

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
            let other = other.with(&["--message", "Other", "--channel", CHANNEL]);
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
        for command in if forget_first {
            both
        } else {
            [both[1], both[0]]
        } {
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

/// A second message to everybody of the list.
fn second(scratch: &Scratch, sandbox: &SandboxProcess, checkpoint: &str) -> u64 {
    let before = sandbox.stats().accepted;
    let send = scratch.outreach(&["send", "contacts.csv", "--yes", "--batch", "second"]);
    let send = send.with(&[
        "--message",
        "Second",
        "--channel",
        CHANNEL,
        "--message-again",
    ]);
    let send = send.with(&["--base-url", sandbox.base_url(), "--db", checkpoint]);
    send.run().expect(0);
    sandbox.stats().accepted - before
}

/// The list of who must not be messaged, as the console writes it: the columns of the CSV.
fn as_csv(json: &str) -> String {
    let entries: Vec<serde_json::Value> = serde_json::from_str(json).unwrap();
    let mut csv = "phone,reason,source,added_at,keyed_hash\n".to_owned();
    for entry in entries {
        let cell = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let cells = ["phone", "reason", "source", "added_at", "keyed_hash"].map(cell);
        csv += &cells.join(",");
        csv.push('\n');
    }
    csv
}

fn count(scratch: &Scratch, sql: &str) -> i64 {
    let file = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    file.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn who_was_erased_after_the_backup_is_erased_and_not_messaged_after_it_was_put_back() {
    let sandbox = SandboxProcess::start(&[]);
    for (format, others) in [
        ("json", true),
        ("csv", true),
        ("json", false),
        ("csv", false),
    ] {
        let scratch = Scratch::new();
        scratch.contacts(3);
        scratch.send(&sandbox).run().expect(0);
        back_up(&scratch);
        run(&scratch, &["forget", &phone(0), "--yes"], 0);
        if others {
            run(&scratch, &["suppress", "add", &phone(9)], 0);
        }
        let shown = scratch.outreach(&["suppress", "list"]).run().expect(0);
        shown.says("1 erased person");
        let list = scratch.outreach(&["suppress", "list", "--json"]).run();
        let json = list.expect(0).out;
        assert!(!json.contains(&number(0).to_string()), "{json}");
        let stops = format!("stops.{format}");
        scratch.write(
            &stops,
            if format == "csv" { as_csv(&json) } else { json }.as_str(),
        );
        lose(&scratch);
        let adopt = ["checkpoint", "adopt", "--suppressions", &stops];
        scratch
            .outreach(&adopt)
            .run()
            .expect(0)
            .says("1 erased again");
        // Nothing of the person is left, as before.
        let named = "SELECT count(*) FROM person WHERE number IS NULL";
        assert_eq!(count(&scratch, named), 1);
        let fields = "SELECT count(*) FROM recipient_input WHERE fields LIKE '%Name0%'";
        assert_eq!(count(&scratch, fields), 0);
        let import = [
            "history",
            "import",
            "list.results.csv",
            "--suppressions",
            &stops,
        ];
        scratch.outreach(&import).run().expect(0);
        assert_eq!(second(&scratch, &sandbox, "outreach.db"), 2, "{format}");
        // The list of the copy says the same, for the next one.
        let again = scratch.outreach(&["suppress", "list"]).run().expect(0);
        again.says("1 erased person");
        run(&scratch, &["suppress", "remove", &phone(0)], 0);
        scratch.checkpoint().expect_sound();
    }
}

#[test]
fn an_erased_person_on_a_list_of_ours_is_no_row_to_mend() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    scratch.contacts(1);
    scratch.send(&sandbox).run().expect(0);
    run(&scratch, &["suppress", "add", &phone(9)], 0);
    run(&scratch, &["forget", &phone(0), "--yes"], 0);
    let list = scratch.outreach(&["suppress", "list", "--json"]).run();
    let list = as_csv(&list.expect(0).out);
    scratch.write("stops.csv", &format!("{list}12,typed,user,,\n"));
    let import = ["suppress", "import", "stops.csv", "--rejects", "bad.csv"];
    scratch.outreach(&import).run();
    let rejects = std::fs::read_to_string(scratch.path("bad.csv")).unwrap();
    assert_eq!(rejects.lines().count(), 2, "{rejects}");
    assert!(rejects.contains("typed"), "{rejects}");
}

#[test]
fn who_was_erased_is_kept_out_of_a_copy_that_never_knew_them() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    scratch.contacts(3);
    run(&scratch, &["suppress", "add", &phone(9)], 0);
    back_up(&scratch);
    scratch.send(&sandbox).run().expect(0);
    run(&scratch, &["forget", &phone(0), "--yes"], 0);
    let list = scratch.outreach(&["suppress", "list", "--json"]).run();
    scratch.write("stops.json", &list.expect(0).out);
    lose(&scratch);
    run(&scratch, &["checkpoint", "adopt", "--no-suppressions"], 0);
    let import = ["suppress", "import", "stops.json"];
    for _ in 0..2 {
        scratch.outreach(&import).run().expect(0);
    }
    // Results of the time before name the person, who stays erased.
    let results = ["history", "import", "list.results.csv", "--no-suppressions"];
    scratch.outreach(&results).run().expect(0);
    for traces in [
        "SELECT count(*) FROM recipient_input WHERE fields LIKE '%Name0%'",
        "SELECT count(*) FROM contact k JOIN person p ON p.id = k.person WHERE p.number IS NULL",
        "SELECT count(*) FROM attempt a JOIN person p ON p.id = a.person
         WHERE p.number IS NULL AND a.message_id IS NOT NULL",
    ] {
        assert_eq!(count(&scratch, traces), 0, "{traces}");
    }
    assert_eq!(second(&scratch, &sandbox, "outreach.db"), 2);
    assert_eq!(
        count(&scratch, "SELECT count(*) FROM person WHERE number IS NULL"),
        1
    );
}

#[test]
fn another_checkpoint_says_how_many_erased_people_it_cannot_take_over() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    run(&scratch, &["forget", &phone(0), "--yes"], 0);
    let list = scratch.outreach(&["suppress", "list", "--json"]).run();
    scratch.write("stops.json", &list.expect(0).out);
    let import = [
        "history",
        "import",
        "list.results.csv",
        "--suppressions",
        "stops.json",
    ];
    let import = scratch.outreach(&import).with(&["--db", "other.db"]).run();
    import
        .expect(3)
        .says("1 erased person of another checkpoint cannot be taken over")
        .says("outreach forget");
}

#[test]
fn a_suppression_list_of_nobody_is_a_list_of_nobody() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    back_up(&scratch);
    let list = scratch.outreach(&["suppress", "list", "--json"]).run();
    scratch.write("stops.json", &list.expect(0).out);
    scratch.write("empty.csv", "");
    scratch.write("header.csv", "phone,reason,source,added_at,keyed_hash\n");
    scratch.write("one.csv", &contacts(7..8));
    for stops in ["stops.json", "empty.csv", "header.csv"] {
        lose(&scratch);
        let adopt = ["checkpoint", "adopt", "--suppressions", stops];
        scratch
            .outreach(&adopt)
            .run()
            .expect(0)
            .says("0 numbers: 0 are new");
        let import = [
            "history",
            "import",
            "list.results.csv",
            "--suppressions",
            stops,
        ];
        scratch
            .outreach(&import)
            .run()
            .expect(0)
            .says("0 numbers: 0 are new");
        let import = ["suppress", "import", stops];
        scratch
            .outreach(&import)
            .run()
            .expect(0)
            .says("0 numbers: 0 are new");
    }
    // Beside another list it changes nothing.
    let both = ["suppress", "import", "stops.json", "one.csv", "empty.csv"];
    scratch
        .outreach(&both)
        .run()
        .expect(0)
        .says("1 number: 1 is new");
    // A list whose rows have no number is none.
    scratch.write("no.csv", "phone,name\n,Anna\n");
    run(&scratch, &["suppress", "import", "no.csv"], 7);
    scratch
        .outreach(&["send", "empty.csv", "--yes"])
        .run()
        .expect(7);
}

/// A batch was pruned, then its list was added to: the rows before hold no number. They tell of nobody, and the new row
/// counts. A file beside it that cannot be read stops neither.
#[test]
fn rows_without_a_number_of_a_pruned_batch_are_told_and_a_bad_file_stops_no_other() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    run(&scratch, &["prune", "--older-than", "0s", "--yes"], 0);
    scratch.write("contacts.csv", &contacts(3..4));
    scratch.send(&sandbox).with(&["--add"]).run().expect(0);
    run(&scratch, &["export", "list", "-o", "told.csv"], 0);
    let told = std::fs::read_to_string(scratch.path("told.csv")).unwrap();
    scratch.write("bad.csv", &told.replace(&phone(3), "4.20777E+11"));
    let import = |files: &[&str], db: &str| {
        let import = scratch.outreach(&["history", "import", "--no-suppressions", "--db", db]);
        import.with(files).run()
    };
    let alone = import(&["told.csv"], "alone.db").expect(3).said;
    assert!(alone.contains("3 rows were messaged"), "{alone}");
    for files in [["bad.csv", "told.csv"], ["told.csv", "bad.csv"]] {
        let db = format!("{}.db", files[0]);
        let both = import(&files, &db).expect(7).said;
        assert!(both.contains("bad.csv, row"), "{both}");
        assert!(both.contains("3 rows were messaged"), "{both}");
        let send = |code| {
            let send = scratch.outreach(&["send", "contacts.csv", "--yes", "--batch", "other"]);
            let send = send.with(&["--message", "Hello {{ first_name }}", "--channel", CHANNEL]);
            let send = send.with(&["--base-url", sandbox.base_url(), "--db", &db]);
            send.run().expect(code);
        };
        // Nothing is sent from a checkpoint that is made anew before all files are in it.
        send(8);
        import(&["told.csv"], &db).expect(3);
        let before = sandbox.accepted();
        send(0);
        assert_eq!(sandbox.accepted()[&number(3)], before[&number(3)]);
    }
}

fn send_list(scratch: &Scratch, url: &str, list: &str, more: &[&str]) -> Program {
    scratch
        .outreach(&["send", list, "--yes", "--base-url", url])
        .with(more)
}

/// The same text to the same people is known after each of several moves by results files.
#[test]
fn what_was_sent_is_known_after_a_second_move() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let url = sandbox.base_url();
    scratch.contacts(3);
    let hello = ["--message", "Hello", "--channel", CHANNEL];
    send_list(&scratch, url, "contacts.csv", &["--batch", "spring"])
        .with(&hello)
        .run()
        .expect(0);
    let mut digests = Vec::new();
    for db in ["outreach.db", "two.db", "three.db"] {
        let of = ["--db", db];
        if db != "outreach.db" {
            let import = ["history", "import", "moved.csv", "--no-suppressions"];
            scratch.outreach(&import).with(&of).run().expect(0);
        }
        let export = ["export", "spring", "-o", "moved.csv", "--force"];
        scratch.outreach(&export).with(&of).run().expect(0);
        let text = scratch.read("moved.csv");
        let digest = |line: &str| line.rsplit(',').next().unwrap().to_owned();
        digests.push(text.lines().skip(1).map(digest).collect::<Vec<_>>());
    }
    assert!(digests[0].iter().all(|it| it.len() == 32), "{digests:?}");
    assert_eq!(digests[1], digests[0]);
    assert_eq!(digests[2], digests[0]);
    scratch.write("other.csv", &contacts(0..4));
    let again = send_list(&scratch, url, "other.csv", &["--db", "three.db"]);
    again.with(&hello).run().expect(0);
    assert_eq!(sandbox.stats().accepted, 4, "only the new one");
}

/// An unfinished batch that was moved goes on with its list, wherever that lies now, and with nothing else.
#[test]
fn a_moved_unfinished_batch_goes_on_with_its_own_message_and_channel_alone() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let url = sandbox.base_url();
    scratch.contacts(5);
    let named = ["--batch", "spring"];
    send_list(&scratch, url, "contacts.csv", &named)
        .with(&["--message", "Hello", "--channel", CHANNEL, "--limit", "2"])
        .run()
        .expect(4);
    let import = [
        "history",
        "import",
        "spring.results.csv",
        "--no-suppressions",
    ];
    let moved = ["--db", "moved.db"];
    scratch.outreach(&import).with(&moved).run().expect(0);
    fs::create_dir(scratch.path("elsewhere")).unwrap();
    fs::copy(
        scratch.path("contacts.csv"),
        scratch.path("elsewhere/contacts.csv"),
    )
    .unwrap();
    let send = |message: &str, channel: &str| {
        let send = send_list(&scratch, url, "elsewhere/contacts.csv", &named);
        let what = ["--message", message, "--channel", channel];
        send.with(&moved).with(&what).run()
    };
    let other = send("Other", CHANNEL).expect(2);
    assert!(other.said.contains("another message"), "{}", other.said);
    let other = send("Hello", "7001200300400500603").expect(2);
    assert!(other.said.contains("another channel"), "{}", other.said);
    assert_eq!(sandbox.stats().accepted, 2);
    send("Hello", CHANNEL).expect(0);
    assert_eq!(sandbox.stats().accepted, 5);
    assert!(sandbox.accepted().values().all(|count| *count == 1));
}

/// All that the file tells of went over the other channel.
#[test]
fn a_moved_batch_whose_messages_went_over_its_other_channel_goes_on() {
    let sandbox = SandboxProcess::start(&["--no-messenger", "100%"]);
    let (scratch, url) = (Scratch::new(), sandbox.base_url());
    scratch.contacts(3);
    let what = [
        "--batch",
        "spring",
        "--message",
        "Hello",
        "--channel",
        CHANNEL,
    ];
    let send = |more: &[&str]| {
        let other = ["--fallback", "7001200300400500602"];
        let send = send_list(&scratch, url, "contacts.csv", &what).with(&other);
        send.with(more).run()
    };
    send(&["--concurrency", "1", "--for", "1ms"]).expect(4);
    send(&["--concurrency", "1", "--limit", "2"]);
    let import = ["history", "import", "spring.results.csv"];
    let import = scratch.outreach(&import).with(&["--no-suppressions"]);
    let moved = ["--db", "moved.db"];
    import.with(&moved).run().expect(0);
    send(&moved).expect(0);
    assert!(sandbox.accepted().values().all(|&count| count == 1));
    assert_eq!(sandbox.accepted().len(), 3);
}

/// Those whom its own channel does not reach would get nothing.
#[test]
fn a_moved_batch_does_not_go_on_without_the_other_channel_that_its_file_tells_of() {
    let sandbox = SandboxProcess::start(&["--no-messenger", "50%"]);
    let (scratch, url) = (Scratch::new(), sandbox.base_url());
    scratch.contacts(12);
    let other = "7001200300400500602";
    let send = |more: &[&str]| {
        let named = [
            "--batch",
            "spring",
            "--message",
            "Hello",
            "--channel",
            CHANNEL,
        ];
        let send = send_list(&scratch, url, "contacts.csv", &named);
        send.with(&["--concurrency", "1"]).with(more).run()
    };
    send(&["--fallback", other, "--limit", "8"]).expect(4);
    let import = [
        "history",
        "import",
        "spring.results.csv",
        "--no-suppressions",
    ];
    let moved = ["--db", "moved.db"];
    scratch.outreach(&import).with(&moved).run().expect(0);
    let accepted = sandbox.stats().accepted;
    let refused = send(&moved).expect(2);
    refused.says(&format!("--fallback {other}"));
    assert_eq!(sandbox.stats().accepted, accepted);
    send(&["--fallback", other, "--db", "moved.db"]).expect(0);
    assert!(sandbox.accepted().values().all(|&count| count == 1));
    assert_eq!(sandbox.accepted().len(), 12);
}

/// With the rows of a pruned batch its texts go. Its list brings them back, so that results tell another checkpoint.
#[test]
fn what_a_pruned_batch_sent_is_told_again_once_its_list_is_back() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    let digests = |file: &str| {
        let text = scratch.read(file);
        let digest = |line: &str| line.rsplit(',').next().unwrap().to_owned();
        text.lines().skip(1).map(digest).collect::<Vec<_>>()
    };
    let before = digests("list.results.csv");
    assert!(before.iter().all(|it| it.len() == 32), "{before:?}");
    run(&scratch, &["prune", "--older-than", "0", "--yes"], 0);
    update(&scratch, &sandbox, &[]).run().expect(0);
    assert_eq!(sandbox.stats().accepted, 3);
    run(&scratch, &["export", "list", "-o", "moved.csv"], 0);
    assert_eq!(digests("moved.csv"), before);
    // Elsewhere, as another batch.
    let import = |db: &str, file: &str| {
        let import = ["history", "import", file, "--no-suppressions", "--db", db];
        scratch.outreach(&import).run().expect(0)
    };
    let told = import("two.db", "moved.csv");
    assert!(!told.said.contains("with what"), "{}", told.said);
    let again = send_list(
        &scratch,
        sandbox.base_url(),
        "contacts.csv",
        &["--db", "two.db"],
    );
    let again = again.with(&["--batch", "other", "--channel", CHANNEL]);
    again
        .with(&["--message", "Hello {{ first_name }}"])
        .run()
        .expect(0);
    assert_eq!(sandbox.stats().accepted, 3);
    // A file without the digests cannot tell, and that is said.
    let mut text = scratch.read("moved.csv");
    for digest in &before {
        text = text.replace(digest.as_str(), "");
    }
    scratch.write("cut.csv", &text);
    import("three.db", "cut.csv")
        .says("3 rows were messaged, or may have been, and do not say with what");
}
