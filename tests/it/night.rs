//! `outreach night FOLDER`: the lists of a folder, night after night, with nobody watching.

mod gone;

use std::collections::BTreeSet;

use crate::support::{
    CHANNEL, ConsoleProcess, Program, Receiver, SandboxProcess, Scratch, contacts, lock_name,
    wait_until,
};

/// A folder with settings and lists, and the API that they are sent to.
struct Nights {
    scratch: Scratch,
    sandbox: SandboxProcess,
}

impl Nights {
    fn new(sandbox: SandboxProcess, lists: &[(&str, &str)]) -> Self {
        let nights = Self {
            scratch: Scratch::new(),
            sandbox,
        };
        std::fs::create_dir(nights.scratch.path("inbox")).unwrap();
        for (name, rows) in lists {
            nights.put(name, rows);
        }
        nights.settings("");
        nights
    }

    /// The settings of the folder, with further lines.
    fn settings(&self, more: &str) {
        self.settings_for(CHANNEL, more);
    }

    fn settings_for(&self, channel: &str, more: &str) {
        self.scratch.write(
            "outreach.toml",
            &format!(
                "channel = \"{channel}\"\nbase-url = \"{}\"\nmessage = \"Hello {{{{ first_name }}}}\"\n{more}",
                self.sandbox.base_url()
            ),
        );
    }

    fn put(&self, name: &str, rows: &str) {
        let text = format!("first_name,phone\n{rows}\n");
        self.put_file(name, &text);
    }

    /// A list that was there before the night.
    fn put_file(&self, name: &str, text: &str) {
        let name = format!("inbox/{name}");
        self.scratch.write(&name, text);
        self.scratch.let_rest(&name);
    }

    /// A night, started in another folder than that of the lists.
    fn night(&self, flags: &[&str]) -> Program {
        let folder = self.scratch.folder();
        let parent = folder.parent().unwrap();
        Program::new(parent, &["night", folder.to_str().unwrap()])
            .with(flags)
            .env("XDG_DATA_HOME", parent.to_str().unwrap())
    }

    /// What is watched.
    fn metrics(&self) -> String {
        let serve = self.scratch.outreach(&["serve", "--insecure-no-signature"]);
        let receiver = Receiver::of(serve);
        let metrics = receiver.metrics();
        receiver.end();
        metrics
    }

    fn files(&self, folder: &str) -> BTreeSet<String> {
        let names = std::fs::read_dir(self.scratch.path(folder)).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    fn are(&self, folder: &str, names: &[&str]) {
        let expected: BTreeSet<String> = names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(self.files(folder), expected, "in {folder}");
    }
}

#[test]
fn a_night_files_each_list_away_by_how_it_ended() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[
            ("1-good.csv", "Jana,+420777123456"),
            ("2-junk.csv", "Petr,none"),
            ("3 good.csv", "Eva,+420777123457\nOta,+420777"),
            (".3 good.csv.swp", "not a list"),
            ("~$4.xlsx", "not a list"),
        ],
    );
    let night = nights.night(&[]).run().expect(7);
    let subject =
        "outreach: 2 of 3 lists complete, 2 of 2 reached (100%); mend in refused/: 2-junk.csv";
    assert_eq!(night.out.lines().next(), Some(subject));
    nights.are("inbox", &[".3 good.csv.swp", "~$4.xlsx"]);
    nights.are("sent", &["1-good.csv", "3 good.csv"]);
    nights.are(
        "refused",
        &["2-junk.csv", "2-junk.rejects.csv", "3 good.rejects.csv"],
    );
    let rejects = nights.scratch.read("refused/2-junk.rejects.csv");
    assert!(rejects.contains("Petr,none"), "{rejects}");
    let results = nights.files("results");
    assert_eq!(results.len(), 2);
    let dated = |name: &String| name.starts_with("1-good-20") || name.starts_with("3 good-20");
    assert!(results.iter().all(dated), "{results:?}");
    assert_eq!(nights.sandbox.stats().accepted, 2);
    let empty = nights.night(&["--summary-subject"]).run().expect(0);
    assert_eq!(empty.out, "outreach: no list in inbox; nothing to do\n");
}

#[test]
fn a_list_whose_rows_wait_for_another_batch_stays_in_the_inbox() {
    let nights = Nights::new(
        SandboxProcess::with_faults(&["503:at=1"]),
        &[
            ("1-lost.csv", "Jana,+420777123456"),
            ("2-again.csv", "Jana,+420777123456"),
        ],
    );
    let night = nights.night(&[]).run().expect(3);
    nights.are("sent", &["1-lost.csv"]);
    nights.are("inbox", &["2-again.csv"]);
    assert!(
        night.out.contains(" && outreach resolve 1-lost-20"),
        "{}",
        night.out
    );
    let (_, waits) = night.out.split_once("\n2-again.csv: ").unwrap();
    assert!(
        waits.starts_with("not complete: 1 recipient waits"),
        "{waits}"
    );
    assert!(waits.contains("resolve 1-lost-20"), "{waits}");
    assert!(!waits.contains("resolve 2-again"), "{waits}");
    assert_eq!(nights.sandbox.stats().accepted, 0);
}

/// Whoever sends holds the batch.
fn is_sending(nights: &Nights) -> bool {
    nights.sandbox.stats().accepted > 0
}

#[test]
fn a_night_over_five_lists_and_the_next_one() {
    let nights = Nights::new(
        SandboxProcess::start(&["--latency", "20ms"]),
        &[("2-edited.csv", "Eva,+420777900002\nIda,+420777900003")],
    );
    // Yesterday the night was over before the list was begun.
    nights.night(&["--for", "1ms"]).run().expect(4);
    nights.are("inbox", &["2-edited.csv"]);
    assert_eq!(nights.sandbox.stats().accepted, 0);
    nights.put("1-good.csv", "Jana,+420777900001");
    nights.put("2-edited.csv", "Eva,+420777900002\nOta,+420777900004");
    nights.put("3-junk.csv", "Petr,none");
    nights.put_file("4-by-hand.csv", &contacts(0..2_000));
    nights.put("5-last.csv", "Ota,+420777900005");

    // Somebody sends the fourth list by hand.
    let mut by_hand = nights
        .scratch
        .outreach(&["send", "inbox/4-by-hand.csv", "--yes", "--rate", "20/s"])
        .start();
    wait_until("the list is sent by hand", || {
        is_sending(&nights) || by_hand.has_ended()
    });
    assert!(!by_hand.has_ended(), "{}", by_hand.said());

    let night = nights.night(&[]).run().expect(7);
    nights.are("inbox", &["4-by-hand.csv"]);
    nights.are("sent", &["1-good.csv", "2-edited.csv", "5-last.csv"]);
    nights.are("refused", &["3-junk.csv", "3-junk.rejects.csv"]);
    let subject = night.out.lines().next().unwrap();
    assert_eq!(
        subject,
        "outreach: 3 of 5 lists complete, 4 of 4 reached (100%); mend in refused/: 3-junk.csv"
    );
    assert!(!night.out.contains("777900"), "a number: {}", night.out);
    // One batch for the edited list, with the rows that it has now.
    let batches = nights
        .scratch
        .outreach(&["status", "--json"])
        .run()
        .expect(0);
    assert_eq!(
        batches.out.matches("2-edited-20").count(),
        1,
        "{}",
        batches.out
    );
    let sent = nights.sandbox.accepted();
    for number in [
        420_777_900_001,
        420_777_900_002,
        420_777_900_004,
        420_777_900_005,
    ] {
        assert_eq!(sent.get(&number), Some(&1), "{number}");
    }
    assert_eq!(
        sent.get(&420_777_900_003),
        None,
        "it is not in the list any more"
    );

    // Once nobody holds it, the next night goes on with the very batch.
    by_hand.kill();
    let next = nights.night(&["--for", "200ms"]).run();
    assert_eq!(next.code, Some(4), "{}{}", next.out, next.said);
    assert!(next.out.contains("the next night goes on"), "{}", next.out);
    nights.are("inbox", &["4-by-hand.csv"]);
    assert!(nights.sandbox.accepted().values().all(|&count| count == 1));
}

#[test]
fn a_refused_token_ends_the_night_and_the_next_one_goes_on() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[
            ("1.csv", "Jana,+420777900001"),
            ("2.csv", "Eva,+420777900002"),
            ("3.csv", "Ota,+420777900003"),
        ],
    );
    let night = nights.night(&[]).env("AMIO_TOKEN", "wrong").run().expect(5);
    nights.are("inbox", &["1.csv", "2.csv", "3.csv"]);
    assert!(
        night.out.contains("2 lists were not begun"),
        "{}",
        night.out
    );
    assert!(
        night
            .out
            .lines()
            .next()
            .unwrap()
            .contains("stopped by a guard")
    );
    nights.night(&[]).run().expect(0);
    nights.are("inbox", &[]);
    assert_eq!(nights.sandbox.stats().accepted, 3);
}

#[test]
fn a_folder_is_sent_by_one_night_at_a_time() {
    let nights = Nights::new(SandboxProcess::start(&["--latency", "20ms"]), &[]);
    nights.put_file("list.csv", &contacts(0..2_000));
    let mut first = nights.night(&["--rate", "20/s"]).start();
    wait_until("the first night sends", || {
        is_sending(&nights) || first.has_ended()
    });
    let second = nights.night(&[]).run().expect(9);
    assert!(
        second.said.contains(&first.pid().to_string()),
        "{}",
        second.said
    );
    first.signal("TERM");
    let first = first.wait().expect(4);
    assert!(
        first.out.contains("the next night goes on"),
        "{}",
        first.out
    );
    nights.are("inbox", &["list.csv"]);
}

#[test]
fn a_list_that_could_not_be_moved_is_not_sent_again() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[("1.csv", "Jana,+420777900001")],
    );
    nights.night(&[]).run().expect(0);
    std::fs::rename(
        nights.scratch.path("sent/1.csv"),
        nights.scratch.path("inbox/1.csv"),
    )
    .unwrap();
    // Long after the guard against repeated messages.
    let again = nights.night(&["--repeat-guard", "0"]).run().expect(0);
    assert!(
        again.out.contains("nothing was left to send"),
        "{}",
        again.out
    );
    nights.are("inbox", &[]);
    assert_eq!(nights.sandbox.stats().accepted, 1);
    // Another list of that name is another batch, and takes no other list's place.
    nights.put("1.csv", "Eva,+420777900002");
    nights.night(&[]).run().expect(0);
    nights.are("sent", &["1.csv", "1-2.csv"]);
    assert_eq!(nights.files("results").len(), 2);
    assert_eq!(nights.sandbox.stats().accepted, 2);
}

#[test]
fn two_lists_of_one_name_are_sent_each_once() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[
            ("a.csv", "Jana,+420777900001"),
            ("a.txt", "Eva,+420777900002"),
        ],
    );
    nights
        .night(&["--window", "00:00-00:01", "--for", "1ms"])
        .run()
        .expect(4);
    let twins = nights.night(&["--sandbox"]).run();
    assert_eq!(twins.code, Some(0), "{}{}", twins.out, twins.said);
    nights.are("inbox", &["a.csv", "a.txt"]);
    // The hours were kept with the batch.
    let all_day = ["--window", "00:00-24:00"];
    nights.night(&all_day).run().expect(0);
    nights.are("sent", &["a.csv", "a.txt"]);
    assert_eq!(nights.sandbox.stats().accepted, 2);
}

#[test]
fn a_list_that_was_cancelled_waits_for_a_person() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[("a.csv", "Jana,+420777900001")],
    );
    nights.night(&["--for", "1ms"]).run().expect(4);
    let status = nights
        .scratch
        .outreach(&["status", "--json"])
        .run()
        .expect(0);
    let batches: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    let name = batches[0]["batch"].as_str().unwrap();
    nights
        .scratch
        .outreach(&["cancel", name, "--yes"])
        .run()
        .expect(0);
    nights.night(&[]).run().expect(4);
    nights.are("inbox", &["a.csv"]);
    assert_eq!(nights.sandbox.stats().accepted, 0);
    nights.put("a.csv", "Eva,+420777900002");
    nights.night(&[]).run().expect(0);
    assert_eq!(
        nights.sandbox.stats().accepted,
        1,
        "another list is another batch"
    );
}

#[test]
fn too_few_reached_is_the_code_of_the_night() {
    let nights = Nights::new(
        SandboxProcess::start(&["--no-messenger", "100%"]),
        &[("a.csv", "Jana,+420777900001")],
    );
    let night = nights.night(&["--fail-below", "60%"]).run().expect(10);
    assert!(
        night.out.contains("too few were reached: a.csv"),
        "{}",
        night.out
    );
    nights.are("sent", &["a.csv"]);
}

#[test]
fn a_night_with_an_outage_and_a_quota_that_ends_and_the_next_one() {
    // The night needs more than two windows, so that the quota ends at least once, whenever a window opens anew; for two
    // seconds nobody listens.
    let sandbox = [
        "--quota",
        "20",
        "--window",
        "5s",
        "--fault",
        "refuse:from=10,for=2s",
    ];
    let nights = Nights::new(
        SandboxProcess::start(&sandbox),
        &[("5-wrong.csv", "Ota,+420777900005")],
    );
    // Yesterday the settings named a channel that is none, and later the time was over.
    nights.settings_for("123", "");
    let yesterday = nights.night(&[]).run().expect(5);
    let subject = yesterday.out.lines().next().unwrap();
    assert!(
        subject.ends_with("stopped by a guard, mend the cause: 5-wrong.csv"),
        "{subject}"
    );
    nights.settings("");
    nights.put("2-edited.csv", "Eva,+420777900002\nIda,+420777900003");
    nights.night(&["--for", "1ms"]).run().expect(4);
    assert_eq!(nights.sandbox.stats().accepted, 0);

    nights.put_file("1-good.csv", &contacts(0..40));
    nights.put("2-edited.csv", "Eva,+420777900002\nOta,+420777900004");
    nights.put("3-junk.csv", "Petr,none");
    let night = nights.night(&["--concurrency", "1"]).run().expect(2);
    assert_eq!(nights.sandbox.stats().outages, 1);
    let subject = night.out.lines().next().unwrap();
    assert_eq!(
        subject,
        "outreach: 2 of 4 lists complete, 42 of 42 reached (100%); needs an answer from you: 5-wrong.csv"
    );
    for told in [
        "5-wrong.csv: needs an answer from you",
        "3-junk.rejects.csv",
    ] {
        assert!(night.out.contains(told), "{told}: {}", night.out);
    }
    night
        .says("No usable answers from ")
        .says("quota used: waiting until ");
    nights.are("inbox", &["5-wrong.csv"]);
    nights.are("sent", &["1-good.csv", "2-edited.csv"]);
    nights.are("refused", &["3-junk.csv", "3-junk.rejects.csv"]);
    assert!(nights.sandbox.accepted().values().all(|&count| count == 1));
    let metrics = nights.metrics();
    for figure in [
        "outreach_run_exit_code 0",
        "outreach_oldest_unfinished_batch_age_seconds",
    ] {
        assert!(metrics.contains(figure), "{figure}: {metrics}");
    }

    // The batch on the wrong channel is given up, and its list goes out as another one.
    let batches = nights
        .scratch
        .outreach(&["status", "--json"])
        .run()
        .expect(0);
    let batches: serde_json::Value = serde_json::from_str(&batches.out).unwrap();
    let names = batches.as_array().unwrap().iter();
    let mut names = names.filter_map(|batch| batch["batch"].as_str());
    let wrong = names.find(|name| name.starts_with("5-wrong")).unwrap();
    let cancel = ["cancel", wrong, "--yes"];
    nights.scratch.outreach(&cancel).run().expect(0);
    let next = nights.night(&[]).run();
    assert_eq!(next.code, Some(0), "{}{}", next.out, next.said);
    nights.are("inbox", &[]);
    assert_eq!(nights.sandbox.stats().accepted, 43);
}

#[cfg(unix)]
#[test]
fn what_is_no_list_is_told_and_the_lists_behind_it_are_sent() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[
            ("a.csv", "Jana,+420777900001"),
            ("z.csv", "Eva,+420777900002"),
        ],
    );
    let inbox = |name: &str| nights.scratch.path(&format!("inbox/{name}"));
    std::os::unix::fs::symlink("/nowhere/list.csv", inbox("b.csv")).unwrap();
    std::os::unix::fs::symlink("c.csv", inbox("c.csv")).unwrap();
    std::fs::create_dir(inbox("d.csv")).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(inbox("e.csv"))
        .status();
    assert!(pipe.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(inbox("f.csv")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", inbox("g.csv")).unwrap();
    let told = |night: crate::support::Ended| {
        for name in ["b", "c", "d", "e", "f", "g"] {
            let line = format!("{name}.csv: the contacts file");
            assert!(night.out.contains(&line), "{name}: {}", night.out);
        }
        assert!(night.out.contains("it is a folder"), "{}", night.out);
        assert!(
            night
                .out
                .contains("take it out of inbox/: b.csv and 5 more"),
            "{}",
            night.out
        );
    };
    told(nights.night(&[]).run().expect(7));
    nights.are("sent", &["a.csv", "z.csv"]);
    nights.are("refused", &[]);
    assert_eq!(nights.sandbox.stats().accepted, 2);
    // The next night too.
    nights.put("y.csv", "Iva,+420777900003");
    told(nights.night(&[]).run().expect(7));
    assert_eq!(nights.sandbox.stats().accepted, 3);
}

/// The lock of its batch cannot be taken: something of its name is in the way, in each night.
#[test]
fn a_list_whose_own_file_fails_does_not_end_the_night() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[("b.csv", "Jana,+420777900001")],
    );
    nights.settings("db = \"outreach.db\"");
    nights.night(&[]).run().expect(0);
    nights.put("a.csv", "Eva,+420777900002");
    nights.put("c.csv", "Iva,+420777900003");
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let in_the_way = nights.scratch.path(&lock_name(&format!("a-{today}")));
    std::fs::create_dir(&in_the_way).unwrap();
    let night = nights.night(&[]).run().expect(8);
    assert!(
        night.out.contains("where a file is expected"),
        "{}",
        night.out
    );
    nights.are("sent", &["b.csv", "c.csv"]);
    nights.are("inbox", &["a.csv"]);
    std::fs::remove_dir(&in_the_way).unwrap();
    nights.night(&[]).run().expect(0);
    nights.are("sent", &["a.csv", "b.csv", "c.csv"]);
    assert_eq!(nights.sandbox.stats().accepted, 3, "each once");
}

#[test]
fn a_second_night_names_the_folder_that_is_taken() {
    let nights = Nights::new(SandboxProcess::start(&["--latency", "20ms"]), &[]);
    nights.put_file("list.csv", &contacts(0..2_000));
    let first = nights.night(&["--rate", "20/s"]).start();
    wait_until("the first night sends", || is_sending(&nights));
    let second = nights.night(&[]).run().expect(9);
    let folder = nights.scratch.folder().display().to_string();
    assert!(
        second
            .said
            .contains(&format!("the lists of {folder} are sent")),
        "{}",
        second.said
    );
    first.signal("TERM");
    first.wait().expect(4);
}

#[test]
fn a_list_that_is_still_being_written_stays_and_is_told() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[
            ("a.csv", "Jana,+420777900001"),
            ("b.csv.part", "Eva,+420777900002"),
            ("c.csv~", "Iva,+420777900003"),
            (".d.csv.aB3xYz", "Ida,+420777900004"),
        ],
    );
    let night = nights.night(&[]).run().expect(4);
    nights.are("sent", &["a.csv"]);
    let subject = night.out.lines().next().unwrap();
    assert_eq!(
        subject,
        "outreach: 1 of 2 lists complete, 1 of 1 reached (100%); still being written, the next night goes on: \
         b.csv.part"
    );
    let night = night.says("list b.csv.part is still being written: it stays in inbox");
    let left_alone = "no lists by their names: .d.csv.aB3xYz, c.csv~.";
    assert!(night.out.contains(left_alone), "{}", night.out);
    assert_eq!(nights.sandbox.stats().accepted, 1);

    // Half of a list is there, and its writer has the file open; the night has no time to wait for it.
    nights.are("inbox", &["b.csv.part", "c.csv~", ".d.csv.aB3xYz"]);
    let inbox = |name: &str| nights.scratch.path(&format!("inbox/{name}"));
    std::fs::remove_file(inbox("b.csv.part")).unwrap();
    nights
        .scratch
        .write("inbox/b.csv", "first_name,phone\nEva,+420777900002\n");
    let night = nights.night(&["--for", "1ms"]).run().expect(4);
    assert!(
        night.out.contains("b.csv: it is still being written"),
        "{}",
        night.out
    );
    nights.are("inbox", &["b.csv", "c.csv~", ".d.csv.aB3xYz"]);
    nights.put("b.csv", "Eva,+420777900002\nOta,+420777900005");
    nights.night(&[]).run().expect(0);
    nights.are("sent", &["a.csv", "b.csv"]);
    assert_eq!(nights.sandbox.stats().accepted, 3);
}

#[test]
fn a_list_that_was_written_to_after_it_was_sent_is_told_until_its_batch_has_it() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[
            ("a.csv", "Jana,+420777900001"),
            ("b.csv", "Eva,+420777900002"),
        ],
    );
    nights.night(&[]).run().expect(0);
    nights.night(&[]).run().expect(0);
    // Who wrote it had the file open all the time.
    let sent = nights.scratch.path("sent/a.csv");
    let mut file = std::fs::File::options().append(true).open(&sent).unwrap();
    std::io::Write::write_all(&mut file, b"Iva,+420777900003\n").unwrap();
    drop(file);
    // Touched, and the same.
    nights.scratch.let_rest("sent/b.csv");
    nights.put("c.csv", "Ota,+420777900004");
    let night = nights.night(&[]).run().expect(7);
    let subject = night.out.lines().next().unwrap();
    assert_eq!(
        subject,
        "outreach: 1 of 1 lists complete, 1 of 1 reached (100%); written to after it was sent: a.csv"
    );
    assert!(!night.out.contains("b.csv"), "{}", night.out);
    assert_eq!(nights.sandbox.stats().accepted, 3);
    let told = nights.night(&["--summary-subject"]).run().expect(7);
    assert_eq!(
        told.out,
        "outreach: no list in inbox; written to after it was sent: a.csv\n"
    );
    let night = nights.night(&[]).run().expect(7);
    let (_, command) = night.out.split_once(" && outreach ").unwrap();
    let (command, _) = command.split_once('`').unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words.first(), Some(&"send"), "{command}");
    nights
        .scratch
        .outreach(&words)
        .with(&["--yes"])
        .run()
        .expect(0);
    let accepted = nights.sandbox.accepted();
    assert_eq!(accepted.len(), 4);
    assert!(accepted.values().all(|&count| count == 1), "{accepted:?}");
    nights.night(&[]).run().expect(0);
}

#[test]
fn what_stands_beside_a_list_is_left_alone_and_what_has_no_name_of_a_list_is_told() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[("a.csv", "Jana,+420777900001")],
    );
    let beside = [
        "a.csv.bak",
        ".a.csv.swp",
        "a.csv.lock",
        ".~lock.a.csv#",
        "#a.csv#",
        "a.csv~",
        ".a.csv.Ab12Cd",
        "a.csv.Ab12Cd",
        "~$a.xlsx",
    ];
    let partial = [
        "b.opdownload",
        "c.csv.aria2",
        "d.partial.csv",
        "e.tmp.csv",
        "f.crdownload",
        "g.part",
        "h.csv.filepart",
        "i.csv.!ut",
    ];
    let clutter = ["Thumbs.db", "desktop.ini", ".DS_Store", "._a.csv"];
    for (at, name) in beside.iter().chain(&partial).chain(&clutter).enumerate() {
        nights.put(name, &format!("Eva,+42077790001{at}"));
    }
    let night = nights.night(&[]).run().expect(4);
    assert_eq!(nights.sandbox.stats().accepted, 1, "a.csv alone");
    nights.are("sent", &["a.csv"]);
    nights.are("refused", &[]);
    let stay = [&beside[..], &partial, &clutter].concat();
    nights.are("inbox", &stay);
    assert!(
        night.out.contains("no lists by their names: #a.csv#, "),
        "{}",
        night.out
    );
    for name in clutter {
        assert!(!night.out.contains(name), "{name}: {}", night.out);
    }
    for name in partial {
        let inbox = nights.scratch.path(&format!("inbox/{name}"));
        std::fs::remove_file(inbox).unwrap();
    }
    nights.night(&[]).run().expect(0);

    // Nobody knows what this is, and it may be a list.
    nights.put("spring", "Eva,+420777900002");
    let night = nights.night(&[]).run().expect(7);
    let told = "spring: the contacts file";
    assert!(night.out.contains(told), "{}", night.out);
    assert!(night.out.contains("give it such a name"), "{}", night.out);
    let subject = night.out.lines().next().unwrap();
    assert!(
        subject.ends_with("take it out of inbox/: spring"),
        "{subject}"
    );
    assert_eq!(nights.sandbox.stats().accepted, 1);
}

#[test]
fn a_list_beside_which_its_download_goes_on_waits_for_its_end() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[
            ("a.csv", "Jana,+420777900001"),
            ("b.csv", "Eva,+420777900002"),
        ],
    );
    // Its program made the list at its whole length, and Firefox an empty one.
    nights.put_file("a.csv.aria2", "what is missing");
    nights.put_file("b.csv", "");
    nights.put_file("b.csv.part", "first_name,phone");
    let night = nights.night(&[]).run().expect(4);
    let subject = night.out.lines().next().unwrap();
    assert!(subject.contains("0 of 2 lists"), "{subject}");
    assert!(
        subject.ends_with("still being written, the next night goes on: a.csv and 1 more"),
        "{subject}"
    );
    assert_eq!(nights.sandbox.stats().sends, 0);
    for name in ["a.csv.aria2", "b.csv.part"] {
        std::fs::remove_file(nights.scratch.path(&format!("inbox/{name}"))).unwrap();
    }
    nights.put("b.csv", "Eva,+420777900002");
    nights.night(&[]).run().expect(0);
    nights.are("sent", &["a.csv", "b.csv"]);
    assert_eq!(nights.sandbox.stats().accepted, 2);
}

/// The next nights come long after the guard against repeated messages.
#[test]
fn a_list_that_is_edited_while_it_is_sent_is_sent_to_those_who_came_since() {
    let nights = Nights::new(SandboxProcess::start(&["--latency", "20ms"]), &[]);
    nights.put_file("list.csv", &contacts(0..60));
    let night = nights.night(&["--rate", "4/s"]).start();
    wait_until("some are sent", || is_sending(&nights));
    // One goes, one comes, and the others stay.
    let edited = contacts(1..61);
    nights.put_file("list.csv", &edited);
    let night = night.wait().expect(4);
    assert!(
        night
            .out
            .contains("the next night sends to those who came since"),
        "{}",
        night.out
    );
    nights.are("inbox", &["list.csv"]);
    assert_eq!(nights.sandbox.stats().accepted, 60);
    let later = ["--repeat-guard", "0"];
    let next = nights.night(&later).run().expect(0);
    let subject = next.out.lines().next().unwrap();
    assert!(subject.contains("1 of 1 lists complete"), "{subject}");
    let accepted = nights.sandbox.accepted();
    assert_eq!(accepted.len(), 61);
    assert!(accepted.values().all(|&count| count == 1), "{accepted:?}");
    nights.are("sent", &["list.csv"]);
    nights.are("inbox", &[]);

    // It was filed away: what comes under its name now is another list, with people who get the message again.
    nights.put_file("list.csv", &contacts(0..2));
    nights.night(&later).run().expect(0);
    assert_eq!(nights.sandbox.stats().accepted, 63);
}

#[test]
fn a_list_that_is_edited_after_a_night_was_killed_at_its_end_is_sent_to_those_who_came_since() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[("list.csv", "Jana,+420777900001")],
    );
    let later = ["--repeat-guard", "0"];
    // All were messaged, and the list is not filed away yet.
    let night = || nights.night(&later);
    night().crash_at("export-rename").run().expect_crash();
    assert_eq!(nights.sandbox.stats().accepted, 1);
    nights.are("inbox", &["list.csv"]);
    nights.put("list.csv", "Jana,+420777900001\nEva,+420777900002");
    night().run().expect(0);
    let accepted = nights.sandbox.accepted();
    assert!(accepted.values().all(|&count| count == 1), "{accepted:?}");
    assert_eq!(accepted.len(), 2);

    // The same once more, but a person takes the list out of the inbox, and another one of its name comes a day later.
    nights.put("list.csv", "Iva,+420777900003");
    night().crash_at("export-rename").run().expect_crash();
    let list = nights.scratch.path("inbox/list.csv");
    std::fs::remove_file(list).unwrap();
    night().run().expect(0);
    nights.put("list.csv", "Iva,+420777900003\nJana,+420777900001");
    night().run().expect(0);
    let accepted = nights.sandbox.accepted();
    let counts: Vec<_> = accepted.values().copied().collect();
    assert_eq!(counts, [2, 1, 2], "{accepted:?}");
}

#[test]
fn a_results_file_in_the_inbox_is_no_list_of_a_new_night() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[("a.csv", "Jana,+420777900001")],
    );
    // So that no guard of time stands before it.
    nights.settings("repeat-guard = \"0s\"\n");
    nights.night(&[]).run().expect(0);
    let results = nights.files("results");
    let results = nights
        .scratch
        .read(&format!("results/{}", results.first().unwrap()));
    nights.put_file("a.results.csv", &results);
    let night = nights.night(&[]).run().expect(7);
    assert!(
        night.out.contains("this is a results file"),
        "{}",
        night.out
    );
    nights.are("inbox", &[]);
    assert!(nights.files("refused").contains("a.results.csv"));
    assert_eq!(nights.sandbox.stats().accepted, 1);
}

#[test]
fn lists_of_one_name_in_two_folders_are_two_batches() {
    let nights = Nights::new(SandboxProcess::start(&[]), &[]);
    nights.put_file("spring.csv", &contacts(0..20));
    let settings = nights.scratch.read("outreach.toml");
    let night = |folder: &str, flags: &[&str]| {
        let parent = nights.scratch.folder().parent().unwrap();
        let folder = nights.scratch.path(folder);
        Program::new(parent, &["night", folder.to_str().unwrap(), "--yes"])
            .with(flags)
            .env("XDG_DATA_HOME", parent.to_str().unwrap())
            .run()
    };
    // The shop next door has the same message, the one behind it another one.
    for (folder, from, message) in [("next", 20, "Hello"), ("behind", 40, "Good day")] {
        std::fs::create_dir_all(nights.scratch.path(&format!("{folder}/inbox"))).unwrap();
        let list = format!("{folder}/inbox/spring.csv");
        nights.scratch.write(&list, &contacts(from..from + 20));
        nights.scratch.let_rest(&list);
        let settings = settings.replace("Hello", message);
        nights
            .scratch
            .write(&format!("{folder}/outreach.toml"), &settings);
    }
    let sent = || nights.sandbox.stats().accepted;
    night("", &["--for", "1ms"]).expect(4);
    night("next", &[]).expect(0);
    assert_eq!(sent(), 20);
    night("behind", &[]).expect(0);
    assert_eq!(sent(), 40);
    night("", &[]).expect(0);
    assert_eq!(sent(), 60);
    assert!(nights.sandbox.accepted().values().all(|&count| count == 1));
}

#[test]
fn a_worker_leaves_a_list_alone_that_was_edited_and_the_night_tells_who_refuses_too_late() {
    let nights = Nights::new(SandboxProcess::start(&["--latency", "20ms"]), &[]);
    let list = |refusing: &[u32]| {
        let row = |n: u32| {
            let consent = if refusing.contains(&n) { "no" } else { "yes" };
            format!("Eva,+42077732{n:04},{consent}\n")
        };
        let rows: String = (0..200).map(row).collect();
        nights.put_file("a.csv", &format!("first_name,phone,consent\n{rows}"));
    };
    list(&[]);
    let night = |flags: &[&str]| nights.night(flags).with(&["--concurrency", "1"]).run();
    night(&["--rate", "10/s", "--for", "3s"]).expect(4);
    let before = nights.sandbox.stats().accepted;
    assert!(before > 0 && before < 190, "{before}");
    // The first has the message already.
    list(&[0, 199]);
    let worker = || {
        nights
            .scratch
            .outreach(&["worker", "--once"])
            .with(&["--base-url", nights.sandbox.base_url()])
            .run()
    };
    worker().expect(4).says("was edited since it was read");
    // A person may not know that it was: neither `resume` nor the page goes on with it.
    let batches = nights.scratch.outreach(&["status"]).run().out;
    let mut words = batches.split_whitespace();
    let batch = words.find(|word| word.starts_with("a-20")).unwrap();
    let url = ["--base-url", nights.sandbox.base_url()];
    let resume = nights
        .scratch
        .outreach(&["resume", batch, "--yes"])
        .with(&url);
    resume.run().expect(2).says("was edited since it was read");
    let console = ConsoleProcess::of(&nights.scratch, &nights.sandbox, &["--channel", CHANNEL]);
    let page = console.visitor().page(&format!("/batches/{batch}"));
    assert!(page.contains("The next night goes on"), "{page}");
    let queued = (200 - before).to_string();
    let start = format!("/batches/{batch}/start");
    let refused = console.visitor().send(&start, &[("people", &queued)]);
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("was edited"), "{}", refused.text());
    console.end();
    assert_eq!(nights.sandbox.stats().accepted, before);
    let told = night(&[]).expect(0);
    assert!(
        told.out.contains("1 person whom the list refuses now"),
        "{}",
        told.out
    );
    let accepted = nights.sandbox.accepted();
    assert_eq!(accepted.len(), 199);
    assert!(!accepted.contains_key(&420_777_320_199));
    assert_eq!(nights.sandbox.stats().repeated, 0);
}

#[test]
fn a_worker_goes_on_with_a_list_of_a_night_that_is_as_it_was_read() {
    let nights = Nights::new(SandboxProcess::start(&["--latency", "20ms"]), &[]);
    nights.put_file("a.csv", &contacts(0..100));
    let night = nights.night(&["--for", "3s", "--rate", "10/s"]);
    night.run().expect(4);
    nights
        .scratch
        .outreach(&["worker", "--once"])
        .with(&["--base-url", nights.sandbox.base_url()])
        .run()
        .expect(0);
    assert_eq!(nights.sandbox.stats().accepted, 100);
}

#[test]
fn a_list_that_waits_for_a_second_person_says_so_and_how_many_wait() {
    let nights = Nights::new(
        SandboxProcess::start(&[]),
        &[("1-first.csv", "Jana,+420777123456")],
    );
    nights.settings("db = \"outreach.db\"");
    nights.night(&[]).run().expect(0);
    let checkpoint = rusqlite::Connection::open(nights.scratch.path("outreach.db")).unwrap();
    let required = "INSERT INTO node (key, value) VALUES ('require-approval', 1)";
    checkpoint.execute_batch(required).unwrap();
    nights.put(
        "3-second.csv",
        "Eva,+420777123457\nOta,+420777123458\nPetr,none",
    );
    let night = nights.night(&["--skip-messaged"]).run().expect(4);
    let subject = "outreach: 0 of 1 lists complete, 0 of 2 reached (0%); 2 people wait for a second person's approval \
                   on the console: 3-second.csv";
    assert_eq!(night.out.lines().next(), Some(subject));
    for line in [
        "\n3-second.csv: 2 people wait: a second person must approve it on the console\n",
        "2 queued",
        "it stays in inbox",
    ] {
        assert!(night.out.contains(line), "{line}: {}", night.out);
    }
    assert!(!night.out.contains("deadline"), "{}", night.out);
    nights.are("inbox", &["3-second.csv"]);
    nights.are("sent", &["1-first.csv"]);
    assert_eq!(nights.sandbox.stats().accepted, 1);
    // A person who paused it is named, with what goes on.
    checkpoint
        .execute_batch(
            "DELETE FROM node WHERE key = 'require-approval';
             UPDATE batch SET state = 'paused', state_by = 'person:Eva' WHERE name LIKE '3-second%'",
        )
        .unwrap();
    let night = nights.night(&[]).run().expect(4);
    for line in [
        "; paused by a person, who goes on with it: 3-second.csv\n",
        "3-second.csv: 2 people wait: Eva paused it on the console\n",
        "outreach resume 3-second-",
    ] {
        assert!(night.out.contains(line), "{line}: {}", night.out);
    }
}
