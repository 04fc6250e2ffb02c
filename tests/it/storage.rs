//! When the checkpoint or the results file fails: sending stops, exit 8, nothing known is lost.

use std::time::Duration;

use crate::support::{Receiver, SandboxProcess, Scratch, number, wait_until};

const SLOW: [&str; 2] = ["--latency", "10ms"];

#[test]
fn a_file_that_is_no_checkpoint_is_refused_before_anything_is_sent() {
    type Spoil = fn(&Scratch);
    let sandbox = SandboxProcess::start(&[]);
    let cases: [(&str, Spoil); 4] = [
        ("damaged", |scratch| {
            scratch.write("outreach.db", &"no database at all. ".repeat(300));
        }),
        ("another program", |scratch| {
            let other = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
            other.execute_batch("CREATE TABLE diary (day)").unwrap();
        }),
        ("newer", |scratch| {
            scratch.contacts(1);
            let help = scratch.outreach(&["send", "contacts.csv", "--sandbox"]);
            let made = ["--message", "x", "--db", "outreach.db", "--batch", "old"];
            help.with(&made).run().expect(0);
            let newer = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
            newer.pragma_update(None, "user_version", 9_999).unwrap();
        }),
        ("directory", |scratch| {
            std::fs::create_dir(scratch.path("outreach.db")).unwrap();
        }),
    ];
    for (words, spoil) in cases {
        let scratch = Scratch::new();
        spoil(&scratch);
        scratch.contacts(3);
        scratch.send(&sandbox).run().expect(8).says(words);
        assert_eq!(sandbox.stats().requests, 0, "{words}");
    }
}

#[test]
fn a_checkpoint_in_a_folder_that_does_not_exist_is_told() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch
        .send(&sandbox)
        .with(&["--db", "nowhere/outreach.db"])
        .run()
        .expect(8)
        .says("nowhere/outreach.db");
    assert_eq!(sandbox.stats().requests, 0);
}

#[test]
fn a_page_that_is_damaged_stops_the_batch() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&SLOW));
    scratch.contacts(2_000);
    let running = scratch.send(&sandbox).concurrency(16).start();
    wait_until("some were sent", || sandbox.stats().accepted > 40);
    running.signal("TERM");
    running.wait().expect(4);
    let known = scratch.checkpoint().counts().sent;
    let path = scratch.path("outreach.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // Everything but the first pages, which hold the schema.
    let (from, to) = (40 * 4096, bytes.len() - 4096);
    bytes[from..to].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    scratch.send(&sandbox).run().expect(8).says("damaged");
    assert!(sandbox.stats().accepted <= known + 16, "{known}");
    assert_eq!(sandbox.stats().repeated, 0);
}

/// However long another program holds the checkpoint: nothing is sent meanwhile, no result is lost, and the same
/// run goes on.
#[test]
fn a_run_waits_for_a_program_that_locks_the_checkpoint_and_loses_no_result() {
    for (workers, rows) in [(4, 2_000), (160, 20_000)] {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&SLOW));
        scratch.contacts(rows);
        let running = scratch.send(&sandbox).concurrency(workers).start();
        wait_until("some were sent", || sandbox.stats().accepted > 20);
        let browser = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
        browser.busy_timeout(Duration::from_secs(10)).unwrap();
        browser.execute_batch("BEGIN EXCLUSIVE").unwrap();
        // Those under way are answered; after that nothing leaves.
        let mut stopped = sandbox.stats().sends;
        wait_until("nothing leaves any more", || {
            std::thread::sleep(Duration::from_millis(200));
            let before = std::mem::replace(&mut stopped, sandbox.stats().sends);
            before == stopped
        });
        assert!(stopped < u64::from(rows));
        drop(browser);
        running.wait().expect(0);
        let checkpoint = scratch.checkpoint();
        checkpoint.expect_true_to(&sandbox, rows as usize);
        assert_eq!(checkpoint.counts().unknown, 0);
    }
}

#[test]
fn a_short_lock_is_waited_for() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&SLOW));
    scratch.contacts(100);
    let running = scratch.send(&sandbox).concurrency(4).start();
    wait_until("some were sent", || sandbox.stats().accepted > 10);
    let browser = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    browser.busy_timeout(Duration::from_secs(10)).unwrap();
    browser.execute_batch("BEGIN EXCLUSIVE").unwrap();
    std::thread::sleep(Duration::from_millis(500));
    drop(browser);
    running.wait().expect(0);
    scratch.checkpoint().expect_true_to(&sandbox, 100);
}

/// How many rows the list has that a limit on the size of files cuts.
#[cfg(unix)]
const ROWS: u32 = 600;

/// The limit's signal kills a program that does not expect it.
#[cfg(unix)]
#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_no_death() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    // Rows of 4 KiB: the list alone is larger than the room that is kept for the last results.
    let long = "x".repeat(4_000);
    let rows = (0..ROWS).map(|n| format!("+{},Name{n},{long}\n", number(n)));
    let rows = rows.collect::<Vec<_>>().concat();
    scratch.write("contacts.csv", &format!("phone,first_name,more\n{rows}"));
    let limited = |kibibytes: u64, least: u64| {
        let limit = format!("ulimit -f {kibibytes}");
        let ended = scratch.resume(&sandbox).concurrency(8).after(&limit).run();
        ended
            .expect(8)
            .says("a limit on the size of files is reached");
        let accepted = sandbox.stats().accepted;
        assert!((least..u64::from(ROWS)).contains(&accepted), "{accepted}");
        assert_eq!(scratch.checkpoint().counts().unknown, 0, "{kibibytes}");
    };
    scratch
        .send(&sandbox)
        .with(&["--limit", "1"])
        .run()
        .expect(4);
    // Below that room nothing is begun; above it, the limit is met on the way.
    limited(2_000, 1);
    let length = std::fs::metadata(scratch.path("outreach.db"))
        .unwrap()
        .len();
    limited(length / 1024 + 256 + 60, 20);
    scratch.resume(&sandbox).concurrency(4).run();
    scratch.checkpoint().expect_true_to(&sandbox, ROWS as usize);
    let backup = scratch.outreach(&["backup", "copy.db"]);
    let ended = backup.after("ulimit -f 50").run().expect(8);
    ended.says("copy.db cannot be written");
    assert!(!scratch.path("copy.db").exists());
}

/// Too many connections for the open files that a process may have would look like an API that is away.
#[cfg(unix)]
#[test]
fn more_connections_than_files_may_be_open_are_refused() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    let limited = |connections| {
        let send = scratch.send(&sandbox).concurrency(connections);
        send.after("ulimit -n 40").run()
    };
    limited(200).expect(2).says("this process may have 40");
    assert_eq!(sandbox.stats().requests, 0);
    limited(3).expect(0);
}

#[test]
fn an_empty_checkpoint_is_called_so_and_made_anew() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.write("outreach.db", "");
    for read in [&["status"][..], &["suppress", "list"]] {
        let told = scratch.outreach(read).run().expect(8);
        assert!(
            told.said.contains("was not finished when it was made"),
            "{}",
            told.said
        );
    }
    scratch.send(&sandbox).run().expect(0);
    scratch.checkpoint().expect_true_to(&sandbox, 3);
}

#[test]
fn an_empty_checkpoint_has_no_batch_that_a_list_could_join() {
    let sandbox = SandboxProcess::start(&[]);
    let told = |how: &str, is_there: bool| {
        let scratch = Scratch::new();
        scratch.contacts(3);
        if is_there {
            scratch.write("outreach.db", "");
        }
        let said = scratch.send(&sandbox).with(&[how]).run().expect(2).said;
        said.lines().last().unwrap_or_default().to_owned()
    };
    for how in ["--update", "--add"] {
        let fresh = told(how, false);
        assert!(fresh.contains("there is no batch `list` yet"), "{fresh}");
        assert_eq!(told(how, true), fresh, "{how}");
    }
}

/// Files may not grow beyond a limit: what a full disk is to a program.
#[test]
fn a_disk_that_runs_full_stops_the_batch_and_space_lets_it_go_on() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(500);
    let limited = |kibibytes: u32| {
        let limit = format!("trap '' XFSZ; ulimit -f {kibibytes}");
        scratch.send(&sandbox).concurrency(4).after(&limit).run()
    };
    let mut stops = 0;
    for kibibytes in [40, 160, 2_100, 2_600, 3_200] {
        let ended = limited(kibibytes);
        assert!(matches!(ended.code, Some(0 | 3 | 8)), "{ended:?}");
        stops += u32::from(ended.code == Some(8));
        let before = sandbox.stats().sends;
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(sandbox.stats().sends, before, "nothing leaves after it");
    }
    assert!(stops > 0, "the limits were too high for this list");
    let ended = scratch.send(&sandbox).concurrency(4).run();
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    let checkpoint = scratch.checkpoint();
    checkpoint.expect_true_to(&sandbox, 500);
    assert!(checkpoint.counts().unknown <= u64::from(4 * stops));
}

/// The log of the checkpoint reaches the limit long before the file does: it is written from its beginning again.
#[test]
fn a_limit_on_the_size_of_files_that_only_the_log_reaches_costs_nothing() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(800);
    let limit = "trap '' XFSZ; ulimit -f 2200";
    let send = scratch.send(&sandbox).concurrency(8).after(limit);
    let ended = send.run();
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.unknown, counts.queued), (0, 0));
    scratch.checkpoint().expect_true_to(&sandbox, 800);
}

#[test]
fn a_batch_that_a_full_disk_ended_says_so() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(20);
    // Too small for the room that is kept for the last results: nothing is begun.
    let limit = "trap '' XFSZ; ulimit -f 1500";
    scratch.send(&sandbox).after(limit).run().expect(8);
    assert_eq!(sandbox.stats().sends, 0);
    let status = scratch.outreach(&["status", "list"]).run().expect(4).out;
    assert!(
        status.contains("interrupted: the disk that holds the checkpoint was full"),
        "{status}"
    );
    scratch.send(&sandbox).run();
    let status = scratch.outreach(&["status", "list"]).run().out;
    assert!(!status.contains("full"), "{status}");
}

#[test]
fn results_that_cannot_be_written_do_not_lose_the_batch() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&SLOW));
    scratch.contacts(20);
    std::fs::create_dir(scratch.path("out")).unwrap();
    let send = scratch.send(&sandbox).with(&["--rate", "10/s"]);
    let running = send.with(&["--out", "out/results.csv"]).start();
    wait_until("it sends", || sandbox.stats().accepted > 3);
    std::fs::remove_dir_all(scratch.path("out")).unwrap();
    running.wait().expect(8).says("out/results.csv");
    assert_eq!(scratch.checkpoint().counts().sent, 20);
    let told = scratch
        .outreach(&["export", "list", "-o", "/proc/results.csv"])
        .run()
        .expect(8)
        .says("/proc/results.csv cannot be written");
    assert!(!told.said.contains(".tmp"), "{}", told.said);
    scratch
        .outreach(&["export", "list", "-o", "again.csv"])
        .run()
        .expect(0);
    assert_eq!(scratch.read("again.csv").lines().count(), 21);
    scratch.send(&sandbox).run().expect(0);
    assert_eq!(sandbox.stats().sends, 20);
}

#[cfg(unix)]
#[test]
fn what_holds_phone_numbers_is_readable_by_the_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&SLOW));
    scratch.contacts(100);
    let running = scratch.send(&sandbox).start();
    wait_until("it sends", || sandbox.stats().accepted > 3);
    let private = |when: &str| {
        for entry in std::fs::read_dir(scratch.folder()).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            // A lock names a process, a contacts file is the user's own.
            if name == "contacts.csv" || name.contains(".lock") {
                continue;
            }
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{when}: {name}");
        }
    };
    private("while it sends");
    running.wait().expect(0);
    private("afterwards");
}

/// A table that was nearly empty when statistics were gathered is scanned from then on, whatever
/// it holds: the hot path must not depend on what an earlier run left behind.
#[test]
fn no_run_leaves_statistics_that_would_slow_the_next_one() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:at=1"]));
    scratch.contacts(50);
    scratch.send(&sandbox).run().expect(5);
    scratch.send(&sandbox).run().expect(0);
    let checkpoint = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let statistics: u32 = checkpoint
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(statistics, 0);
    let plan: String = checkpoint
        .query_row(
            "EXPLAIN QUERY PLAN SELECT token FROM attempt WHERE id > ?1",
            [1],
            |row| row.get("detail"),
        )
        .unwrap();
    assert!(plan.starts_with("SEARCH"), "{plan}");
}

/// Each bit that flips in a checkpoint is found, or does no harm: no run sits there without a word, and no exit
/// code says that all is well where rows were not sent.
#[test]
fn flipped_bits_end_no_run_in_silence() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    scratch.contacts(2_000);
    let begun = scratch.send(&sandbox).crash_at("after-request:40");
    begun.run().expect_crash();
    // All of it in one file.
    scratch
        .outreach(&["suppress", "remove", "+420777999999"])
        .run();
    let path = scratch.path("outreach.db");
    let whole = std::fs::read(&path).unwrap();
    let mark = std::fs::read(scratch.path("outreach.db-mark")).unwrap();
    let mut random = crate::support::Random::new(7);
    for round in 0..8 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            let at = random.between(4_096, bytes.len() as u64 - 1);
            bytes[usize::try_from(at).unwrap()] ^= 1 << random.between(0, 7);
        }
        for name in ["outreach.db-wal", "outreach.db-shm"] {
            let _ = std::fs::remove_file(scratch.path(name));
        }
        std::fs::write(scratch.path("outreach.db-mark"), &mark).unwrap();
        // The same file, with other content.
        std::fs::write(&path, &bytes).unwrap();
        let before = sandbox.stats().sends;
        let ended = scratch.resume(&sandbox).concurrency(16).run();
        let sent = sandbox.stats().sends - before;
        match ended.code {
            // The rows of the crash are unknown.
            Some(3) => {
                let counts = scratch.checkpoint().counts();
                assert_eq!(counts.queued + counts.sending, 0, "round {round}");
            }
            Some(1 | 8) => assert_eq!(sent, 0, "round {round}: {}", ended.said),
            other => panic!("round {round}: {other:?} {}", ended.said),
        }
    }
}

/// A row that waits for a time that no rule could have set.
#[test]
fn a_run_that_waits_for_nothing_says_so_and_ends() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--latency", "1s"]));
    scratch.contacts(3);
    let send = scratch.send(&sandbox).concurrency(1);
    let run = send.with(&["--no-canary"]).start();
    wait_until("the first is under way", || sandbox.stats().requests > 0);
    let other = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    other.busy_timeout(Duration::from_secs(10)).unwrap();
    other
        .execute(
            "UPDATE recipient SET not_before = 4102444800000 WHERE state = 'queued'",
            [],
        )
        .unwrap();
    let ended = run.wait().expect(1);
    ended.says("stood still").says("2 recipients");
}

#[cfg(unix)]
#[test]
fn a_checkpoint_that_others_can_read_is_tightened_and_told() {
    use std::os::unix::fs::PermissionsExt;
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    let path = scratch.path("outreach.db");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
    let send = scratch.send(&sandbox).run().expect(0);
    send.says("could be read by others (mode 666)");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Into the same file: it is written anew and cut. While it is empty, whoever has it open would say that it is gone.
#[cfg(unix)]
fn write_over_checkpoint(scratch: &Scratch, bytes: &[u8]) {
    let path = scratch.path("outreach.db");
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, bytes, 0).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
}

/// Neither name nor inode changes, and what the log holds hides the copy for a while.
#[cfg(unix)]
#[test]
fn an_older_copy_that_is_written_into_the_checkpoint_ends_the_run() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--quota", "1000000", "--latency", "10ms"]),
    );
    scratch.contacts(9_000);
    let first = scratch.send(&sandbox).concurrency(16).start();
    wait_until("some are sent", || sandbox.stats().accepted >= 100);
    first.signal("TERM");
    first.wait().expect(4);
    let old = std::fs::read(scratch.path("outreach.db")).unwrap();
    let running = scratch.send(&sandbox).concurrency(16).start();
    wait_until("most are sent", || sandbox.stats().accepted >= 5_000);
    write_over_checkpoint(&scratch, &old);
    let ended = running.wait().expect(8);
    assert!(
        ended.said.contains("the checkpoint is damaged"),
        "{}",
        ended.said
    );
    let stats = sandbox.stats();
    assert_eq!(stats.repeated, 0);
    assert!(stats.accepted < 9_000, "the rest is not sent: {stats:?}");
}

#[test]
fn a_message_that_was_damaged_on_the_disk_reaches_nobody() {
    for damage in [
        "content = replace(content, 'Hello', 'Hellp')",
        "content = replace(content, '{', '[')",
        "metadata = '{\"a'",
    ] {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
        scratch.contacts(4);
        let slow = ["--rate", "1/s", "--for", "1s"];
        scratch.send(&sandbox).with(&slow).run().expect(4);
        let file = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
        let rows = format!("UPDATE recipient_input SET {damage} WHERE row = 4");
        assert_eq!(file.execute(&rows, []).unwrap(), 1);
        drop(file);
        let ended = scratch.send(&sandbox).run().expect(8);
        assert!(
            ended.said.contains("the message of row 4 is not"),
            "{}",
            ended.said
        );
        let texts = sandbox.messages();
        assert!(!texts.is_empty() && !format!("{texts:?}").contains("Hellp"));
    }
}

#[cfg(unix)]
#[test]
fn an_older_copy_that_is_written_into_the_checkpoint_ends_the_receiver() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(50);
    scratch.send(&sandbox).run().expect(0);
    let old = std::fs::read(scratch.path("outreach.db")).unwrap();
    let more = [
        "send",
        "contacts.csv",
        "--yes",
        "--batch",
        "more",
        "--message",
        "More",
    ];
    scratch
        .outreach(&more)
        .with(&["--message-again", "--base-url", sandbox.base_url()])
        .with(&["--channel", crate::support::CHANNEL])
        .run()
        .expect(0);
    let receiver = Receiver::start(&scratch);
    write_over_checkpoint(&scratch, &old);
    let ended = receiver.wait().expect(8);
    assert!(
        ended.said.contains("the checkpoint is damaged"),
        "{}",
        ended.said
    );
}

#[cfg(unix)]
#[test]
fn an_import_that_the_disk_cuts_says_how_much_of_it_is_on_the_suppression_list() {
    let scratch = Scratch::new().in_steps_of(200);
    scratch.contacts(20_000);
    let mut was_cut = false;
    for kibibytes in [500, 700, 900] {
        let import = scratch.outreach(&["suppress", "import", "contacts.csv"]);
        let limited = import.after(&format!("trap '' XFSZ; ulimit -f {kibibytes}"));
        let ended = limited.run();
        if ended.code != Some(8) {
            continue;
        }
        let listed = scratch.outreach(&["suppress", "list"]).run();
        let listed = listed.out.lines().count();
        if listed > 0 {
            was_cut = true;
            let told = "of 20000 numbers are on the suppression list, the others are not yet";
            ended.says(told);
        }
    }
    assert!(was_cut, "no limit cut the list in two");
    let import = ["suppress", "import", "contacts.csv"];
    scratch.outreach(&import).run().expect(0);
    let listed = scratch.outreach(&["suppress", "list"]).run().expect(0);
    assert_eq!(listed.out.lines().count(), 20_000);
}
