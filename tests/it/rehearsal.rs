//! `--sandbox`: a rehearsal goes by what the real checkpoint knows, and leaves that as it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{CHANNEL, Program, SandboxProcess, Scratch, binary, number, wait_until};

/// A folder for rehearsals, beside which the user's own checkpoint knows people: it has messaged the first five of a
/// list, and suppresses the two after them.
struct Tonight {
    scratch: Scratch,
    sandbox: SandboxProcess,
}

impl Tonight {
    fn new() -> Self {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--quota", "900"]));
        scratch.contacts(5);
        scratch.send(&sandbox).run().expect(0);
        let stops = [5, 6].map(|n| format!("+{}", number(n)));
        let suppress = ["suppress", "add", &stops[0], &stops[1]];
        scratch.outreach(&suppress).run().expect(0);
        scratch.contacts(10);
        std::fs::create_dir(scratch.path("tonight")).unwrap();
        Self { scratch, sandbox }
    }

    fn program(&self, arguments: &[&str]) -> Program {
        let folder = self.scratch.folder().parent().unwrap().to_str().unwrap();
        Program::new(&self.scratch.path("tonight"), arguments).env("XDG_DATA_HOME", folder)
    }

    fn rehearse(&self, flags: &[&str]) -> Program {
        let list = ["send", "../contacts.csv", "--sandbox", "--channel", CHANNEL];
        self.program(&list)
            .with(&["--message", "Hello {{ first_name }}"])
            .with(flags)
    }

    /// Who was asked about at the API, and who was left out.
    fn counts(&self, checkpoint: &str) -> (u64, u64) {
        let status = self.program(&["status", "--json", "--db", checkpoint]);
        let batches: Value = serde_json::from_str(&status.run().expect(0).out).unwrap();
        let count = |what: &str| batches[0][what].as_u64().unwrap_or(0);
        (count("sent") + count("no_messenger"), count("suppressed"))
    }
}

/// The files of a checkpoint that hold what it knows.
fn content(checkpoint: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let wal = checkpoint.with_extension("db-wal");
    let files = [checkpoint.to_owned(), wal];
    let content = files.map(|file| (file.clone(), std::fs::read(&file).unwrap_or_default()));
    // A reader leaves an empty log.
    let content = content.into_iter();
    content.filter(|(_, content)| !content.is_empty()).collect()
}

#[test]
fn a_rehearsal_leaves_out_whom_the_real_run_would_and_changes_nothing_there() {
    let tonight = Tonight::new();
    let real = tonight.scratch.path("outreach.db");
    let before = content(&real);
    let rehearsed = tonight.rehearse(&[]).run().expect(0);
    assert_eq!(tonight.counts("sandbox.db"), (3, 7), "{}", rehearsed.said);
    let rehearsed = rehearsed.says("the suppression list and the history of ");
    let rehearsed = rehearsed.says("the file is only read");
    // The quota that the real run would wait for is told.
    rehearsed.says("Forecast for the real run: done ");
    assert!(
        content(&real) == before,
        "the real checkpoint was written to"
    );
    assert_eq!(tonight.sandbox.stats().sends, 5, "nobody was messaged");

    let empty = ["--db", "clean.db", "--sandbox-empty"];
    tonight.rehearse(&empty).run().expect(0);
    assert_eq!(tonight.counts("clean.db"), (10, 0));
}

#[test]
fn a_rehearsal_goes_by_the_checkpoint_that_the_settings_name() {
    let tonight = Tonight::new();
    let elsewhere = tonight.scratch.path("tonight/real.db");
    let stop = format!("+{}", number(9));
    let suppress = ["suppress", "add", &stop, "--db", "real.db"];
    tonight.program(&suppress).run().expect(0);
    for (flags, checkpoint) in [(vec![], "sandbox.db"), (vec!["--db", "own.db"], "own.db")] {
        let named = tonight.rehearse(&flags);
        let named = named.env("OUTREACH_DB", elsewhere.to_str().unwrap());
        named.run().expect(0).says("real.db count");
        assert_eq!(tonight.counts(checkpoint), (9, 1));
    }
}

#[test]
fn without_a_real_checkpoint_a_rehearsal_says_nothing_of_one_and_makes_none() {
    let scratch = Scratch::new();
    scratch.contacts(3);
    let send = ["send", "contacts.csv", "--sandbox", "--message", "Hello"];
    let rehearsed = scratch.outreach(&send).run().expect(0);
    assert!(!rehearsed.said.contains("only read"), "{}", rehearsed.said);
    assert!(!scratch.path("outreach.db").exists());
}

#[test]
fn a_real_checkpoint_that_cannot_be_read_is_no_empty_one() {
    let scratch = Scratch::new();
    scratch.contacts(3);
    scratch.write(
        "outreach.db",
        "this is no database, and long enough to be seen as none",
    );
    let send = ["send", "contacts.csv", "--sandbox", "--message", "Hello"];
    let refused = scratch.outreach(&send).run().expect(8);
    refused.says("unless --sandbox-empty is given");
    assert!(!scratch.path("sandbox.db").exists());
    let empty = scratch.outreach(&send).with(&["--sandbox-empty"]);
    empty.run().expect(0);
}

#[test]
fn the_rehearsal_of_a_night_goes_by_the_real_checkpoint_too() {
    let tonight = Tonight::new();
    let folder = tonight.scratch.path("tonight");
    std::fs::create_dir(folder.join("inbox")).unwrap();
    std::fs::rename(
        tonight.scratch.path("contacts.csv"),
        folder.join("inbox/list.csv"),
    )
    .unwrap();
    let settings = format!("channel = \"{CHANNEL}\"\nmessage = \"Hello {{{{ first_name }}}}\"\n");
    std::fs::write(folder.join("outreach.toml"), settings).unwrap();
    let night = tonight
        .program(&["night", ".", "--sandbox"])
        .run()
        .expect(0);
    assert!(night.out.contains("3 of 3 reached"), "{}", night.out);
}

#[test]
fn a_rehearsal_asks_what_the_real_run_would_about_another_message_that_is_under_way() {
    let tonight = Tonight::new();
    let (list, url) = (
        ["send", "contacts.csv", "--yes", "--limit", "1"],
        tonight.sandbox.base_url(),
    );
    let begun = tonight.scratch.outreach(&list);
    let begun = begun.with(&["--channel", CHANNEL, "--base-url", url]);
    begun.with(&["--message", "Second text"]).run().expect(4);
    let before = content(&tonight.scratch.path("outreach.db"));
    let list = ["send", "../contacts.csv", "--sandbox", "--channel", CHANNEL];
    let third = || tonight.program(&list).with(&["--message", "Third text"]);
    let refused = third().run().expect(2);
    refused.says("another message").says("--skip-messaged");
    third().with(&["--skip-messaged"]).run().expect(0);
    // Left out are those on the suppression list, and who got the second text.
    assert_eq!(tonight.counts("sandbox.db"), (7, 3));
    assert!(content(&tonight.scratch.path("outreach.db")) == before);
}

#[test]
fn a_rehearsed_test_message_goes_to_nobody_who_is_really_suppressed() {
    let tonight = Tonight::new();
    let to = format!("+{}", number(6));
    let test = [
        "test",
        "../contacts.csv",
        "--sandbox",
        "--to",
        &to,
        "--message",
        "Hello",
    ];
    let refused = tonight.program(&test).run().expect(3);
    assert!(
        refused.out.contains("must not be messaged"),
        "{}",
        refused.out
    );
    tonight
        .scratch
        .outreach(&["suppress", "remove", &to])
        .run()
        .expect(0);
    let tested = tonight.program(&test).run();
    assert!(
        !tested.out.contains("must not be messaged"),
        "{}",
        tested.out
    );
    tested.says("To the built-in sandbox");
}

#[test]
fn the_command_that_the_sandbox_prints_leaves_the_real_checkpoint_alone() {
    let scratch = Scratch::new();
    scratch.contacts(3);
    let sandbox = ["sandbox", "--listen", "127.0.0.1:0", "--no-messenger", "0%"];
    let sandbox = scratch.outreach(&sandbox).start();
    wait_until("it says how", || sandbox.said().contains("Stop it with"));
    let said = sandbox.said();
    let mut lines = said.lines();
    let printed = lines.find(|line| line.contains("outreach send")).unwrap();
    let program = format!(" {} ", binary().display());
    let line = format!("{} --yes", printed.replacen(" outreach ", &program, 1));
    Program::shell(scratch.folder(), &line).run().expect(0);
    assert!(scratch.path("sandbox.db").exists());
    assert!(!scratch.path("outreach.db").exists());
}
