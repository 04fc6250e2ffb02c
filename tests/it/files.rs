//! What is written takes the place of nothing that is used, and of nothing that somebody else wrote.

use std::fs;
use std::path::Path;

use crate::support::{CHANNEL, SandboxProcess, Scratch};

/// A folder with a batch that was sent, and one of each file that the program reads.
fn sent() -> (Scratch, SandboxProcess) {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    scratch.write("token", "sandbox-token");
    scratch.write("card.json", r#"{"type": "text", "payload": "Hello"}"#);
    scratch.write("outreach.toml", "token-file = \"token\"\n");
    (scratch, sandbox)
}

fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        // What SQLite makes and removes while the checkpoint is read.
        .filter(|path| !path.to_string_lossy().ends_with("-shm"))
        .filter(|path| !path.to_string_lossy().ends_with("-wal"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[cfg(unix)]
#[test]
fn no_file_that_is_used_is_written_over_even_by_force() {
    let (scratch, sandbox) = sent();
    std::os::unix::fs::symlink("outreach.db", scratch.path("link.csv")).unwrap();
    fs::hard_link(scratch.path("token"), scratch.path("hard.csv")).unwrap();
    let before = content(scratch.folder());
    let absolute = scratch.path("contacts.csv");
    let used = [
        "outreach.db",
        "./outreach.db",
        "link.csv",
        "outreach.db-wal",
        "outreach.db-shm",
        "outreach.db-mark",
        "hard.csv",
        "token",
        "card.json",
        "outreach.toml",
        "contacts.csv",
        absolute.to_str().unwrap(),
    ];
    for path in used {
        let send = || {
            scratch
                .outreach(&["send", "contacts.csv", "--yes", "--content", "card.json"])
                .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
                .with(&["--repeat-guard", "0", "--force"])
        };
        send().with(&["--out", path]).run().expect(2).says("--out");
        send()
            .with(&["--summary", path])
            .run()
            .expect(2)
            .says("--summary");
        let check = || scratch.outreach(&["check", "contacts.csv", "--content", "card.json"]);
        let check = || check().with(&["--force"]);
        check().with(&["--html", path]).run().expect(2);
        check().with(&["--rejects", path]).run().expect(2);
        if !path.contains("contacts") && path != "card.json" {
            let export = ["export", "list", "--force", "-o", path];
            scratch.outreach(&export).run().expect(2);
            let contacts = ["contacts", "export", "--force", "-o", path];
            scratch.outreach(&contacts).run().expect(2);
        }
    }
    let import = ["suppress", "import", "contacts.csv", "--force"];
    let import = scratch.outreach(&import);
    import.with(&["--rejects", "contacts.csv"]).run().expect(2);
    assert!(content(scratch.folder()) == before, "nothing was written");
    assert_eq!(sandbox.stats().sends, 3, "and nothing was sent");
}

#[test]
fn two_files_of_one_command_are_two_files() {
    let (scratch, sandbox) = sent();
    let same = ["--out", "a.csv", "--summary", "./a.csv"];
    let ended = scratch.resume(&sandbox).with(&same).run();
    ended.expect(2).says("also --out");
    let check = ["check", "contacts.csv", "--message", "x"];
    let same = ["--html", "a.html", "--rejects", "a.html"];
    scratch.outreach(&check).with(&same).run().expect(2);
    assert!(!scratch.path("a.csv").exists());
    assert!(!scratch.path("a.html").exists());
}

#[test]
fn a_checkpoint_that_is_not_there_yet_is_not_taken_for_the_results() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    for path in ["outreach.db", "./outreach.db-wal", "outreach.db-mark"] {
        let send = scratch.send(&sandbox).with(&["--out", path]);
        send.run().expect(2).says("the checkpoint");
    }
    assert_eq!(fs::read_dir(scratch.folder()).unwrap().count(), 1);
    assert_eq!(sandbox.stats().sends, 0);
}

#[test]
fn another_database_is_never_written_over() {
    let (scratch, _sandbox) = sent();
    fs::copy(scratch.path("outreach.db"), scratch.path("other.db")).unwrap();
    let before = fs::read(scratch.path("other.db")).unwrap();
    let export = ["export", "list", "--force", "-o", "other.db"];
    scratch.outreach(&export).run().expect(2).says("a database");
    assert_eq!(fs::read(scratch.path("other.db")).unwrap(), before);
}

#[test]
fn a_given_path_is_written_over_only_as_we_left_it() {
    let (scratch, sandbox) = sent();
    let resume = |more: &[&str]| {
        let given = ["--out", "r.csv", "--summary", "s.json"];
        scratch.resume(&sandbox).with(&given).with(more).run()
    };
    resume(&[]).expect(0);
    // Something changed, and the files are as we left them.
    let stop = ["suppress", "add", "+420777000001"];
    scratch.outreach(&stop).run().expect(0);
    resume(&[]).expect(0);
    for name in ["r.csv", "s.json"] {
        let ours = scratch.read(name);
        let theirs = format!("{ours}\nmy notes");
        scratch.write(name, &theirs);
        resume(&[]).expect(2).says("--force").says(name);
        assert_eq!(scratch.read(name), theirs, "the notes are there");
        resume(&["--force"]).expect(0);
        assert!(!scratch.read(name).contains("my notes"));
        resume(&[]).expect(0);
    }
    let export = |more: &[&str]| {
        let export = ["export", "list", "-o", "e.csv"];
        scratch.outreach(&export).with(more).run()
    };
    export(&[]).expect(0);
    export(&[]).expect(0);
    scratch.write("e.csv", "mine");
    export(&[]).expect(2).says("--force");
    assert_eq!(scratch.read("e.csv"), "mine");
    export(&["--force"]).expect(0);
}

#[test]
fn a_report_on_a_list_is_written_over_only_as_we_left_it() {
    let (scratch, _sandbox) = sent();
    scratch.write("bad.csv", "phone,first_name\n+420777000001,Eva\n12,Jan\n");
    let check = |more: &[&str]| {
        let check = ["check", "bad.csv", "--message", "x"];
        let given = ["--html", "r.html", "--rejects", "r.csv"];
        scratch.outreach(&check).with(&given).with(more).run()
    };
    check(&[]).expect(0);
    check(&[]).expect(0);
    scratch.write("r.csv", "mended by hand");
    check(&[]).expect(2).says("--rejects");
    assert_eq!(scratch.read("r.csv"), "mended by hand");
    check(&["--force"]).expect(0);
    assert!(scratch.read("r.csv").contains("12"));
}

#[test]
fn the_page_of_a_check_is_replaced_without_a_checkpoint_unless_it_was_changed() {
    let scratch = Scratch::new();
    scratch.write("bad.csv", "phone,first_name\n+420777000001,Eva\n12,Jan\n");
    let check = |file: &[&str]| scratch.outreach(&["check", "bad.csv"]).with(file).run();
    let page = ["--html", "r.html"];
    check(&page).expect(0);
    scratch.write("bad.csv", "phone,first_name\n+420777000001,Eva\n13,Jan\n");
    check(&page).expect(0);
    let ours = scratch.read("r.html");
    let changed = ours.replace("</h1>", " (seen by Eva)</h1>");
    scratch.write("r.html", &changed);
    check(&page).expect(2).says("--html");
    assert_eq!(scratch.read("r.html"), changed);
    let rejects = ["--rejects", "r.csv"];
    check(&rejects).expect(0);
    // The same rows again: there is nothing to lose.
    check(&rejects).expect(0);
    scratch.write("r.csv", "mended by hand");
    check(&rejects).expect(2).says("--rejects");
    assert_eq!(scratch.read("r.csv"), "mended by hand");
}

#[test]
fn what_we_name_ourselves_gets_a_new_name_where_something_else_stands() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write(
        "contacts.csv",
        "phone,first_name\n+420777000001,Eva\n12,Jan\n+420777000002,Jan\n",
    );
    scratch.write("list.results.csv", "somebody's work");
    scratch.write("contacts.rejects.csv", "mended by hand");
    let ended = scratch.send(&sandbox).run().expect(0);
    assert!(ended.said.contains("list.results-2.csv"), "{}", ended.said);
    assert!(
        ended.said.contains("contacts.rejects-2.csv"),
        "{}",
        ended.said
    );
    assert_eq!(scratch.read("list.results.csv"), "somebody's work");
    assert_eq!(scratch.read("contacts.rejects.csv"), "mended by hand");
    assert!(scratch.read("list.results-2.csv").contains("sent"));
    // The next time it is known, and no third one is made.
    scratch.resume(&sandbox).run().expect(0);
    assert!(!scratch.path("list.results-3.csv").exists());
    let export = ["export", "list"];
    scratch.outreach(&export).run().expect(0);
    assert!(!scratch.path("list.results-3.csv").exists());
}

#[test]
fn results_that_are_sent_again_are_not_replaced_by_those_of_their_own_batch() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let list = scratch.contacts(3);
    fs::rename(list, scratch.path("list.results.csv")).unwrap();
    let before = scratch.read("list.results.csv");
    scratch
        .outreach(&["send", "list.results.csv", "--yes", "--batch", "list"])
        .with(&["--message", "Hello", "--channel", CHANNEL])
        .with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(0);
    assert_eq!(scratch.read("list.results.csv"), before);
    assert!(scratch.path("list.results-2.csv").exists());
}

#[test]
fn a_file_that_is_killed_while_it_is_written_stays_ours() {
    let (scratch, sandbox) = sent();
    let out = ["--out", "r.csv"];
    scratch.resume(&sandbox).with(&out).run().expect(0);
    let stop = ["suppress", "add", "+420777000001"];
    scratch.outreach(&stop).run().expect(0);
    let resume = scratch.resume(&sandbox).with(&out);
    resume.crash_at("export-rename").run().expect_crash();
    scratch.resume(&sandbox).with(&out).run().expect(0);
}

#[test]
fn a_folder_is_refused_before_anything_is_sent() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    fs::create_dir(scratch.path("folder")).unwrap();
    // An empty file holds nothing that could be lost: `mktemp` makes one.
    scratch.write("empty.csv", "");
    let check = [
        "check",
        "contacts.csv",
        "--message",
        "x",
        "--html",
        "empty.csv",
    ];
    scratch.outreach(&check).run().expect(0);
    let send = scratch.send(&sandbox).with(&["--out", "folder"]);
    send.run().expect(2).says("folder");
    assert_eq!(sandbox.stats().sends, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_written_is_refused_before_anything_is_sent() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(1);
    for path in ["no/such/x.csv", "/dev/full", "/proc/x.csv"] {
        for flag in ["--out", "--summary"] {
            let send = scratch.send(&sandbox).with(&[flag, path]).run().expect(8);
            send.says(&format!("{flag} {path} cannot be written"));
        }
        for flag in ["--html", "--rejects"] {
            let check = ["check", "contacts.csv", "--message", "x", flag, path];
            let check = scratch.outreach(&check).run().expect(8);
            check.says(&format!("{flag} {path} cannot be written"));
        }
    }
    assert_eq!(sandbox.stats().requests, 0);
    let send = scratch.send(&sandbox).with(&["--out", "/dev/null"]);
    send.run().expect(0);
    let names = content(scratch.folder()).into_iter().map(|(name, _)| name);
    let left: Vec<_> = names.filter(|name| name.contains(".tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// To open a pipe that nobody reads waits without end, after all was sent.
#[cfg(unix)]
#[test]
fn a_named_pipe_is_refused_before_anything_is_sent() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(1);
    let made = std::process::Command::new("mkfifo")
        .arg(scratch.path("pipe"))
        .status();
    assert!(made.unwrap().success());
    for flag in ["--out", "--summary"] {
        let ended = scratch.send(&sandbox).with(&[flag, "pipe"]).run().expect(2);
        assert!(
            ended.said.contains("pipe is a named pipe"),
            "{}",
            ended.said
        );
    }
    assert_eq!(sandbox.stats().requests, 0);
}
