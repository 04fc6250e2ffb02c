//! A checkpoint is gone on with only if it is the one that was last used, and is as far as it was.

use std::fs;

use serde_json::json;

use crate::support::{
    CHANNEL, Program, Receiver, SandboxProcess, Scratch, contacts, event, number, wait_until,
};

/// A folder whose batch stopped after `first` of 20 messages.
fn begun(sandbox: &SandboxProcess) -> Scratch {
    let scratch = Scratch::new();
    scratch.contacts(20);
    scratch.send(sandbox).run().expect(5);
    assert!(scratch.checkpoint().counts().queued > 0);
    scratch
}

/// One that refuses the token after so many messages, and from then on.
fn stopping() -> SandboxProcess {
    SandboxProcess::with_faults(&["401:from=6"])
}

fn sends(sandbox: &SandboxProcess) -> u64 {
    sandbox.stats().sends
}

#[test]
fn a_copy_on_another_machine_is_refused_until_it_is_adopted() {
    let sandbox = stopping();
    let scratch = begun(&sandbox);
    let before = sends(&sandbox);
    let elsewhere =
        |program: crate::support::Program| program.env("OUTREACH_TEST_MACHINE", "other");
    let resumed = elsewhere(scratch.resume(&sandbox)).run().expect(8);
    resumed.says("another machine").says("checkpoint adopt");
    let suppress = scratch.outreach(&["suppress", "add", "+420777000001"]);
    elsewhere(suppress).run().expect(8);
    assert_eq!(sends(&sandbox), before, "nobody was messaged");
    // It can be read all the same.
    elsewhere(scratch.outreach(&["status", "list"]))
        .run()
        .expect(5);
    let adopt = scratch.outreach(&["checkpoint", "adopt", "--no-suppressions"]);
    elsewhere(adopt).run().expect(0).says("Opt-outs");
    elsewhere(scratch.resume(&sandbox)).run().expect(5);
    // Now it is at home there, and the first machine's is the copy.
    scratch
        .resume(&sandbox)
        .run()
        .expect(8)
        .says("another machine");
}

#[test]
fn a_copy_in_another_file_is_refused() {
    let sandbox = stopping();
    let scratch = begun(&sandbox);
    fs::copy(scratch.path("outreach.db"), scratch.path("copy.db")).unwrap();
    let resume = scratch.resume(&sandbox).with(&["--db", "copy.db"]);
    resume.run().expect(8).says("is a copy");
    fs::rename(scratch.path("outreach.db"), scratch.path("renamed.db")).unwrap();
    let resume = scratch.resume(&sandbox).with(&["--db", "renamed.db"]);
    resume.run().expect(8).says("was called outreach.db");
}

#[test]
fn a_checkpoint_with_two_names_is_refused() {
    let sandbox = stopping();
    let scratch = begun(&sandbox);
    fs::hard_link(scratch.path("outreach.db"), scratch.path("second.db")).unwrap();
    for name in ["outreach.db", "second.db"] {
        let resume = scratch.resume(&sandbox).with(&["--db", name]);
        resume.run().expect(8).says("hard links");
    }
    fs::remove_file(scratch.path("second.db")).unwrap();
    scratch.resume(&sandbox).run().expect(5);
}

#[test]
fn an_older_copy_is_refused_and_the_results_tell_who_was_messaged_since() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    scratch.contacts(5);
    scratch.send(&sandbox).run().expect(0);
    let older = fs::read(scratch.path("outreach.db")).unwrap();
    scratch.write("second.csv", "phone\n+420777100001\n+420777100002\n");
    let second = || {
        scratch
            .outreach(&["send", "second.csv", "--yes", "--batch", "second"])
            .with(&["--message", "Hello again", "--channel", CHANNEL])
            .with(&["--base-url", sandbox.base_url()])
    };
    second().run().expect(0);
    assert_eq!(sends(&sandbox), 7);
    // The same file with the older content, as `cp` leaves it.
    fs::write(scratch.path("outreach.db"), older).unwrap();
    let refused = second().run().expect(8);
    let refused = refused.says("is older than it was");
    refused.says("second.results.csv holds 2 messages");
    let doctor = scratch.outreach(&["doctor"]).run().expect(8);
    assert!(
        doctor.out.contains("is older than it was"),
        "{}",
        doctor.out
    );
    scratch.outreach(&["checkpoint", "adopt"]).run().expect(2);
    scratch.write("stops.csv", "phone\n+420777100001\n+420777100002\n");
    let adopt = ["checkpoint", "adopt", "--suppressions", "stops.csv"];
    let adopted = scratch.outreach(&adopt).run().expect(0);
    adopted.says("2 are new").says("second.results.csv");
    second().run().expect(0);
    assert_eq!(sends(&sandbox), 7, "they were on the list that was given");
}

#[test]
fn a_log_that_was_deleted_after_a_kill_is_noticed() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(20);
    let send = scratch.send(&sandbox).crash_at("after-request:10");
    send.run().expect_crash();
    let before = sends(&sandbox);
    fs::remove_file(scratch.path("outreach.db-wal")).unwrap();
    scratch.send(&sandbox).run().expect(8).says("-wal");
    assert_eq!(sends(&sandbox), before);
}

#[test]
fn after_a_kill_the_checkpoint_is_still_the_one() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(20);
    let send = scratch.send(&sandbox).crash_at("after-request:10");
    send.run().expect_crash();
    scratch.send(&sandbox).run().expect(3);
}

/// Its log, which has the last changes, stays where it was.
#[test]
fn a_checkpoint_that_is_moved_without_what_belongs_to_it_is_refused() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(20);
    let send = scratch.send(&sandbox).crash_at("after-request:10");
    send.run().expect_crash();
    let before = sends(&sandbox);
    fs::create_dir(scratch.path("new")).unwrap();
    let names = ["outreach.db", "outreach.db-wal", "outreach.db-mark"];
    let moved = |name: &str| {
        fs::rename(scratch.path(name), scratch.path(&format!("new/{name}"))).unwrap();
    };
    moved(names[0]);
    let send = || {
        scratch
            .send(&sandbox)
            .with(&["--db", "new/outreach.db"])
            .run()
    };
    send().expect(8).says("has lost");
    assert_eq!(sends(&sandbox), before);
    // With what belongs to it, it is the one that it was.
    moved(names[1]);
    moved(names[2]);
    send().expect(3);
    assert!(sandbox.accepted().values().all(|times| *times == 1));
}

#[test]
fn what_is_left_of_a_checkpoint_is_no_fresh_start() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(20);
    let send = scratch.send(&sandbox).crash_at("after-request:10");
    send.run().expect_crash();
    let before = sends(&sandbox);
    for name in ["outreach.db", "outreach.db-wal", "outreach.db-shm"] {
        fs::remove_file(scratch.path(name)).unwrap();
    }
    scratch
        .send(&sandbox)
        .run()
        .expect(8)
        .says("outreach.db-mark");
    let doctor = scratch.outreach(&["doctor"]).run().expect(8);
    assert!(doctor.out.contains("is gone"), "{}", doctor.out);
    let commands = [
        &["status"][..],
        &["status", "--db", "outreach.db"],
        &["export", "contacts"],
        &["resume", "--yes"],
        &["suppress", "list"],
    ];
    let all_say = |text: &str| {
        for args in commands {
            let told = scratch.outreach(args).run().expect(8).said;
            assert!(told.contains(text), "{args:?}: {told}");
            assert!(!told.contains("nothing was"), "{args:?}: {told}");
        }
    };
    all_say("outreach.db is gone");
    // Rehearsals are no stand-in for it.
    let rehearsal = [
        "send",
        "contacts.csv",
        "--sandbox",
        "--yes",
        "--message",
        "Hi",
    ];
    scratch.outreach(&rehearsal).run().expect(0);
    all_say("outreach.db is gone");
    scratch.write("outreach.db", "");
    all_say("outreach.db is gone");
    scratch
        .send(&sandbox)
        .run()
        .expect(8)
        .says("outreach.db-mark");
    fs::remove_file(scratch.path("outreach.db")).unwrap();
    fs::remove_file(scratch.path("outreach.db-mark")).unwrap();
    scratch.send(&sandbox).run().expect(8).says(".lock");
    assert_eq!(sends(&sandbox), before);
}

/// Sends to the first ten of thirty, keeps a copy of the folder, and sends to the others.
fn continued_after_a_backup(scratch: &Scratch, sandbox: &SandboxProcess) -> u64 {
    scratch.contacts(30);
    fs::create_dir(scratch.path("data")).unwrap();
    let db = ["--db", "data/outreach.db"];
    let send = scratch.send(sandbox);
    send.with(&db).with(&["--limit", "10"]).run().expect(4);
    copy_over(scratch, "data", "backup");
    scratch.resume(sandbox).with(&db).run().expect(0);
    sends(sandbox)
}

/// As `cp -a` and `tar` do it: over the files that are there, with their times.
fn copy_over(scratch: &Scratch, from: &str, to: &str) {
    let status = std::process::Command::new("cp")
        .args(["-a", &format!("{from}/."), to])
        .current_dir(scratch.path("."))
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn a_backup_of_the_whole_folder_that_is_put_over_it_is_refused_until_it_is_adopted() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let before = continued_after_a_backup(&scratch, &sandbox);
    copy_over(&scratch, "backup", "data");
    let db = ["--db", "data/outreach.db"];
    let refused = scratch.resume(&sandbox).with(&db).run().expect(8);
    refused.says("is older than it was: according to");
    assert_eq!(sends(&sandbox), before);
    // A person's word counts, and it is the one from then on.
    let adopt = ["checkpoint", "adopt", "--no-suppressions"];
    scratch.outreach(&adopt).with(&db).run().expect(0);
    scratch
        .outreach(&["suppress", "list"])
        .with(&db)
        .run()
        .expect(0);
    scratch.outreach(&["status"]).with(&db).run().expect(0);
}

#[test]
fn a_folder_that_is_deleted_and_made_anew_from_a_backup_is_refused() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let before = continued_after_a_backup(&scratch, &sandbox);
    fs::remove_dir_all(scratch.path("data")).unwrap();
    copy_over(&scratch, "backup", "data");
    let resume = scratch.resume(&sandbox);
    let refused = resume.with(&["--db", "data/outreach.db"]).run().expect(8);
    refused.says("is a copy");
    assert_eq!(sends(&sandbox), before);
}

#[test]
fn a_mark_that_says_nothing_is_no_word_for_the_checkpoint() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(5);
    scratch.send(&sandbox).run().expect(0);
    let mark = fs::read(scratch.path("outreach.db-mark")).unwrap();
    for torn in ["", "outreach", "\0\0\0\0"] {
        fs::write(scratch.path("outreach.db-mark"), torn).unwrap();
        scratch.send(&sandbox).run().expect(8).says("is damaged");
    }
    fs::write(scratch.path("outreach.db-mark"), mark).unwrap();
    scratch.send(&sandbox).run().expect(0);
}

#[cfg(unix)]
#[test]
fn a_file_that_is_no_checkpoint_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let list = scratch.contacts(5);
    fs::set_permissions(&list, PermissionsExt::from_mode(0o644)).unwrap();
    let send = [
        "send",
        "contacts.csv",
        "--sandbox",
        "--yes",
        "--message",
        "Hi",
        "--db",
    ];
    scratch.outreach(&send).with(&["contacts.csv"]).run();
    scratch
        .outreach(&["suppress", "list", "--db", "contacts.csv"])
        .run();
    scratch
        .outreach(&["suppress", "add", "+420777000111", "--db", "contacts.csv"])
        .run();
    let mode = fs::metadata(&list).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

/// A run of 400 messages that take a while, and has sent some of them.
fn running(scratch: &Scratch, sandbox: &SandboxProcess) -> crate::support::Running {
    scratch.contacts(400);
    let run = scratch.send(sandbox).concurrency(2).start();
    wait_until("some are sent", || sends(sandbox) > 10);
    run
}

#[test]
fn a_checkpoint_that_is_deleted_under_a_run_is_kept_beside_and_the_run_ends() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "20ms"]),
    );
    let run = running(&scratch, &sandbox);
    for name in ["outreach.db", "outreach.db-wal", "outreach.db-shm"] {
        fs::remove_file(scratch.path(name)).unwrap();
    }
    let ended = run.wait().expect(8);
    let ended = ended.says("outreach.db was deleted or replaced");
    ended.says("outreach.kept.db");
    let sent = sends(&sandbox);
    assert!(sent < 400, "the run went on to its end");
    // All that is known is in the copy and in the results.
    let kept = crate::support::Checkpoint::open(&scratch.path("outreach.kept.db"));
    kept.expect_true_to(&sandbox, 400);
    assert_eq!(kept.counts().sent, sent);
    let results = scratch.read("list.results.csv");
    assert_eq!(results.matches(",sent,").count() as u64, sent);
    // The same command does not begin anew; the copy goes on, and nobody has it twice.
    scratch.send(&sandbox).run().expect(8);
    assert_eq!(sends(&sandbox), sent);
    let resume = scratch.resume(&sandbox).with(&["--db", "outreach.kept.db"]);
    resume.run().expect(0);
    assert_eq!(sandbox.accepted().len(), 400);
    assert_eq!(sends(&sandbox), 400);
}

/// Events that were answered are not lost with a file that nobody finds any more, and no more are taken into it.
#[test]
fn a_checkpoint_that_is_deleted_under_a_receiver_is_kept_beside_and_the_receiver_ends() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(2);
    scratch.send(&sandbox).run().expect(0);
    let person = number(0);
    let stop = |id: &str| {
        let content = json!({ "id": id, "content": { "type": "text", "payload": "STOP" } });
        let now = jiff::Timestamp::now().to_string();
        event("message_received", "4242", Some(person), &now, &content)
    };
    let receiver = Receiver::start(&scratch);
    receiver.take(&stop("1"));
    for name in ["outreach.db", "outreach.db-wal", "outreach.db-shm"] {
        fs::remove_file(scratch.path(name)).unwrap();
    }
    assert!(!receiver.offer(&stop("2")));
    let ended = receiver.wait().expect(8);
    ended
        .says("was deleted or replaced")
        .says("outreach.kept.db");
    let listed = scratch.outreach(&["suppress", "list", "--db", "outreach.kept.db"]);
    let listed = listed.run().expect(0).out;
    assert!(listed.contains(&person.to_string()), "{listed}");
}

#[test]
fn a_checkpoint_that_is_replaced_under_a_run_by_an_older_one_ends_the_run() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "20ms"]),
    );
    let first = scratch.send(&sandbox);
    scratch.contacts(400);
    first.crash_at("after-intent-commit:3").run().expect_crash();
    scratch.outreach(&["status"]).run();
    fs::copy(scratch.path("outreach.db"), scratch.path("older.db")).unwrap();
    let run = running(&scratch, &sandbox);
    fs::rename(scratch.path("older.db"), scratch.path("outreach.db")).unwrap();
    run.wait().expect(8).says("outreach.kept.db");
    let sent = sends(&sandbox);
    assert!(sent < 400, "the run went on to its end");
    scratch.resume(&sandbox).run().expect(8);
    assert_eq!(sends(&sandbox), sent, "the older one is not gone on with");
}

/// The current folder goes with its new name, so that a relative path would still lead to the file.
#[test]
fn a_folder_that_is_renamed_under_a_run_ends_the_run_and_its_checkpoint_is_named() {
    for absolute in [false, true] {
        let (scratch, sandbox) = (
            Scratch::new(),
            SandboxProcess::start(&["--latency", "20ms"]),
        );
        let camp = scratch.path("camp");
        fs::create_dir(&camp).unwrap();
        scratch.write("camp/contacts.csv", &contacts(0..400));
        let db = camp.join("outreach.db");
        let db = if absolute {
            db.to_str().unwrap()
        } else {
            "outreach.db"
        };
        let begin = || {
            Program::new(&camp, &["send", "contacts.csv", "--yes", "--batch", "list"])
                .with(&["--message", "Hi", "--channel", CHANNEL, "--db", db])
                .with(&["--base-url", sandbox.base_url(), "--concurrency", "2"])
        };
        let run = begin().start();
        wait_until("some are sent", || sends(&sandbox) > 10);
        let moved = scratch.path("moved");
        fs::rename(&camp, &moved).unwrap();
        let ended = run.wait().expect(8);
        assert!(ended.said.contains("was moved"), "{}", ended.said);
        let there = moved.join("outreach.db");
        let there = fs::canonicalize(&there).unwrap();
        let ended = ended.says(&format!("It is now {}", there.display()));
        let resume = format!("outreach resume list --db {}", there.display());
        ended.says(&resume);
        let sent = sends(&sandbox);
        assert!(sent < 400, "the run went on to its end");
        assert!(
            !moved.join("outreach.kept.db").exists(),
            "no copy beside the file itself"
        );
        let base = ["--yes", "--base-url", sandbox.base_url()];
        let resume = Program::new(&moved, &["resume", "list", "--db", there.to_str().unwrap()]);
        resume.with(&base).run().expect(0);
        assert_eq!((sends(&sandbox), sandbox.accepted().len()), (400, 400));
    }
}

/// What is known is kept in the next folder above that is left.
#[test]
fn a_folder_that_is_deleted_under_a_run_ends_the_run_and_what_is_known_is_kept_above_it() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "20ms"]),
    );
    let camp = scratch.path("camp");
    fs::create_dir(&camp).unwrap();
    scratch.write("camp/contacts.csv", &contacts(0..400));
    let run = Program::new(&camp, &["send", "contacts.csv", "--yes", "--batch", "list"])
        .with(&[
            "--message",
            "Hi",
            "--channel",
            CHANNEL,
            "--db",
            "outreach.db",
        ])
        .with(&["--base-url", sandbox.base_url(), "--concurrency", "2"])
        .start();
    wait_until("some are sent", || sends(&sandbox) > 10);
    fs::remove_dir_all(&camp).unwrap();
    let kept = fs::canonicalize(scratch.folder()).unwrap();
    let kept = kept.join("outreach.kept.db");
    run.wait().expect(8).says(&kept.display().to_string());
    let before = sends(&sandbox);
    assert!(before < 400, "the run went on to its end");
    let resume = scratch.resume(&sandbox).with(&["--db", "outreach.kept.db"]);
    resume.run().expect(0);
    assert_eq!((sends(&sandbox), sandbox.accepted().len()), (400, 400));
}

/// Another process would make them anew, and not see what this one writes.
#[test]
fn a_log_or_its_index_that_is_deleted_under_a_run_ends_the_run_and_nothing_is_lost() {
    for name in ["outreach.db-shm", "outreach.db-wal"] {
        let (scratch, sandbox) = (
            Scratch::new(),
            SandboxProcess::start(&["--latency", "20ms"]),
        );
        let run = running(&scratch, &sandbox);
        fs::remove_file(scratch.path(name)).unwrap();
        let ended = run.wait().expect(8);
        ended
            .says(&format!("{name} was deleted or replaced"))
            .says("doctor");
        let sent = sends(&sandbox);
        assert!(sent < 400, "the run went on to its end");
        scratch.checkpoint().expect_true_to(&sandbox, 400);
        scratch.resume(&sandbox).run().expect(0);
        assert_eq!(
            (sends(&sandbox), sandbox.accepted().len()),
            (400, 400),
            "{name}"
        );
    }
}

/// The gap is not copied into the file, and who was messaged is not messaged again.
#[test]
fn a_log_that_is_cut_under_a_run_ends_the_run_and_the_file_stays_sound() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "20ms"]),
    );
    let run = running(&scratch, &sandbox);
    let log = fs::OpenOptions::new()
        .write(true)
        .open(scratch.path("outreach.db-wal"));
    log.unwrap().set_len(0).unwrap();
    run.wait().expect(8).says("outreach.db-wal was cut");
    let sent = sends(&sandbox);
    assert!(sent < 400, "the run went on to its end");
    scratch
        .resume(&sandbox)
        .run()
        .expect(8)
        .says("is older than it was");
    scratch.send(&sandbox).run().expect(8);
    assert_eq!(sends(&sandbox), sent);
    let file = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let sound: String = file
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

/// Killed at each commit in turn.
#[test]
fn a_kill_while_a_checkpoint_is_adopted_loses_no_opt_out() {
    let sandbox = stopping();
    for commit in 1.. {
        let scratch = begun(&sandbox);
        scratch.write("stops.csv", &format!("phone\n+{}\n", number(19)));
        fs::rename(scratch.path("outreach.db"), scratch.path("other.db")).unwrap();
        fs::remove_file(scratch.path("outreach.db-mark")).unwrap();
        let adopt = || {
            let arguments = ["checkpoint", "adopt", "--suppressions", "stops.csv"];
            scratch.outreach(&arguments).with(&["--db", "other.db"])
        };
        let killed = adopt()
            .crash_at(&format!("before-intent-commit:{commit}"))
            .run();
        if killed.code.is_some() {
            assert!(commit > 2, "{}", killed.said);
            return;
        }
        let resume = || scratch.resume(&sandbox).with(&["--db", "other.db"]);
        resume()
            .run()
            .expect(8)
            .says("was adopted, and that was interrupted");
        adopt().run().expect(0);
        let listed = scratch.outreach(&["suppress", "list", "--db", "other.db"]);
        assert!(listed.run().expect(0).out.contains(&number(19).to_string()));
    }
}

#[test]
fn adopting_names_both_ways_to_account_for_the_opt_outs() {
    let scratch = Scratch::new();
    let refused = scratch.outreach(&["checkpoint", "adopt"]).run().expect(2);
    refused.says("--suppressions <FILE>|--no-suppressions");
    let both = [
        "checkpoint",
        "adopt",
        "--no-suppressions",
        "--suppressions",
        "a",
    ];
    let refused = scratch.outreach(&both).run().expect(2);
    refused.says("cannot be used with");
}

/// As `rsync --inplace --delete` does it: the files stay, with the bytes of the backup, and what it does not have goes.
fn mirror_in_place(scratch: &Scratch, from: &str, to: &str) {
    let names = |folder: &str| {
        let entries = fs::read_dir(scratch.path(folder)).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    for name in names(to) {
        let place = scratch.path(to).join(&name);
        match fs::read(scratch.path(from).join(&name)) {
            Ok(bytes) => fs::write(&place, bytes).unwrap(),
            Err(_) => fs::remove_file(&place).unwrap(),
        }
    }
    copy_over(scratch, from, to);
}

#[test]
fn a_backup_that_is_mirrored_into_its_folder_is_refused_by_what_the_results_tell() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let before = continued_after_a_backup(&scratch, &sandbox);
    mirror_in_place(&scratch, "backup", "data");
    let db = ["--db", "data/outreach.db"];
    // Every way to go on.
    for command in [
        scratch.resume(&sandbox),
        scratch.send(&sandbox),
        scratch.send(&sandbox).with(&["--update"]),
    ] {
        let refused = command.with(&db).run().expect(8);
        refused
            .says("does not know 20 messages that")
            .says("list.results.csv: it is older than it was")
            .says("checkpoint adopt")
            .says("list.results.csv holds 20 messages");
    }
    assert_eq!(sends(&sandbox), before, "nobody was messaged again");
    let doctor = scratch.outreach(&["doctor"]).with(&db).run().expect(8);
    assert!(
        doctor.out.contains("does not know 20 messages"),
        "{}",
        doctor.out
    );
    let import = ["history", "import", "list.results.csv", "--no-suppressions"];
    scratch.outreach(&import).with(&db).run().expect(0);
    scratch.resume(&sandbox).with(&db).run().expect(0);
    assert_eq!(sends(&sandbox), before);
    assert!(sandbox.accepted().values().all(|times| *times == 1));
}

/// Without one column of a file, by its header.
fn take_out_column(scratch: &Scratch, name: &str, header: &str) {
    let text = scratch.read(name);
    let headers = text.lines().next().unwrap().split(',');
    let at = headers.clone().position(|it| it == header).unwrap();
    let lines = text.lines().map(|line| {
        let cells = line.split(',').enumerate();
        let kept: Vec<&str> = cells.filter(|(n, _)| *n != at).map(|(_, it)| it).collect();
        kept.join(",") + "\n"
    });
    let text: String = lines.collect();
    scratch.write(name, &text);
}

#[test]
fn results_whose_numbers_were_taken_out_tell_by_the_ids_of_their_messages() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let before = continued_after_a_backup(&scratch, &sandbox);
    mirror_in_place(&scratch, "backup", "data");
    let db = ["--db", "data/outreach.db"];
    take_out_column(&scratch, "list.results.csv", "outreach_phone");
    let resume = || scratch.resume(&sandbox).with(&db);
    resume()
        .run()
        .expect(8)
        .says("does not know 20 messages that");
    // As a spreadsheet saves it.
    let file = scratch.read("list.results.csv").replace(',', ";");
    scratch.write("list.results.csv", &file);
    resume()
        .run()
        .expect(8)
        .says("does not know 20 messages that");
    assert_eq!(sends(&sandbox), before, "nobody was messaged again");
}

#[test]
fn results_that_tell_neither_numbers_nor_ids_are_named_where_messages_are_looked_for() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    continued_after_a_backup(&scratch, &sandbox);
    take_out_column(&scratch, "list.results.csv", "outreach_phone");
    take_out_column(&scratch, "list.results.csv", "outreach_message_id");
    // Whoever goes on with the checkpoint that knows all of them is not held up.
    let db = ["--db", "data/outreach.db"];
    let adopt = ["checkpoint", "adopt", "--no-suppressions"];
    let adopted = scratch.outreach(&adopt).with(&db).run().expect(0);
    adopted.says("of which neither the number nor the id can be read any more");
}

#[test]
fn after_a_person_said_so_older_results_files_do_not_stop_a_batch() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let before = continued_after_a_backup(&scratch, &sandbox);
    mirror_in_place(&scratch, "backup", "data");
    let db = ["--db", "data/outreach.db"];
    scratch.resume(&sandbox).with(&db).run().expect(8);
    let adopt = ["checkpoint", "adopt", "--suppressions", "contacts.csv"];
    scratch.outreach(&adopt).with(&db).run().expect(0);
    scratch.resume(&sandbox).with(&db).run().expect(0);
    assert_eq!(
        sends(&sandbox),
        before,
        "all are on the list that was given"
    );
}

#[test]
fn a_backup_from_before_the_batch_is_refused_by_the_results_that_stand_in_its_place() {
    for list in ["contacts.csv", "kontakty.csv"] {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
        scratch.contacts(5);
        // As a spreadsheet in half of Europe writes it, and so are its results.
        scratch.write(
            "kontakty.csv",
            "telefon;jmeno\n+420777100001;Eva\n+420777100002;Jan\n",
        );
        fs::create_dir(scratch.path("data")).unwrap();
        let send = |list: &str, batch: &str| {
            scratch
                .outreach(&[
                    "send",
                    list,
                    "--batch",
                    batch,
                    "--yes",
                    "--message",
                    "Hello",
                ])
                .with(&["--channel", CHANNEL, "--base-url", sandbox.base_url()])
                .with(&["--db", "data/outreach.db"])
        };
        scratch.write("first.csv", "phone\n+420777999999\n");
        send("first.csv", "first").run().expect(0);
        copy_over(&scratch, "data", "backup");
        send(list, "spring").run().expect(0);
        let before = sends(&sandbox);
        mirror_in_place(&scratch, "backup", "data");
        send(list, "spring")
            .run()
            .expect(8)
            .says("spring.results.csv: it is older than it was");
        assert_eq!(sends(&sandbox), before, "{list}");
    }
}

#[test]
fn a_results_file_that_a_person_changed_and_that_tells_nothing_new_stops_nothing() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(10);
    scratch
        .send(&sandbox)
        .with(&["--limit", "4"])
        .run()
        .expect(4);
    let results = scratch.path("list.results.csv");
    let text = fs::read_to_string(&results).unwrap();
    // Looked through and saved: a column is gone, a line was added, an id was rounded.
    let rounded: Vec<_> = text.lines().map(|line| format!("{line},seen")).collect();
    fs::write(&results, rounded.join("\r\n")).unwrap();
    scratch
        .outreach(&["forget", "+420777000001", "--yes"])
        .run()
        .expect(0);
    for _ in 0..2 {
        scratch.resume(&sandbox).run().expect(0);
    }
    assert_eq!(sends(&sandbox), 10);
}

#[test]
fn results_in_a_workbook_tell_it_too_where_another_file_was_named() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(6);
    fs::create_dir(scratch.path("data")).unwrap();
    let out = ["--db", "data/outreach.db", "--out", "results.xlsx"];
    let send = scratch.send(&sandbox);
    send.with(&out).with(&["--limit", "2"]).run().expect(4);
    copy_over(&scratch, "data", "backup");
    scratch.resume(&sandbox).with(&out).run().expect(0);
    mirror_in_place(&scratch, "backup", "data");
    let resume = || scratch.resume(&sandbox);
    for resumed in [
        resume().with(&["--db", "data/outreach.db"]),
        resume().with(&out).with(&["--force"]),
    ] {
        let refused = resumed.run().expect(8);
        let refused = refused.says("does not know 4 messages that");
        refused.says("results.xlsx");
    }
    assert_eq!(sends(&sandbox), 6);
}
