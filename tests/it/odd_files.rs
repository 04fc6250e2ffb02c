//! What lies under the name of a file of the program and is none (a pipe, a folder, a device) is refused with a word, or
//! left alone: nothing waits for it.
#![cfg(unix)]

use std::fs;
use std::path::Path;

use crate::support::{SandboxProcess, Scratch, lock_name};

/// What may lie there. Whoever opens a pipe waits for another program.
const ODD: [&str; 3] = ["pipe", "folder", "device"];

fn put(what: &str, at: &Path) {
    let _ = fs::remove_file(at);
    match what {
        "pipe" => {
            let made = std::process::Command::new("mkfifo").arg(at).status();
            assert!(made.unwrap().success());
        }
        "folder" => fs::create_dir(at).unwrap(),
        _ => std::os::unix::fs::symlink("/dev/zero", at).unwrap(),
    }
}

/// A folder with a batch whose pilot of one was sent.
fn begun(sandbox: &SandboxProcess) -> Scratch {
    let scratch = Scratch::new();
    scratch.contacts(3);
    scratch
        .send(sandbox)
        .with(&["--limit", "1"])
        .run()
        .expect(4);
    scratch
}

#[test]
fn what_belongs_to_the_checkpoint_and_is_no_file_is_named_and_not_waited_for() {
    let sandbox = SandboxProcess::start(&[]);
    for what in ODD {
        for name in ["outreach.db-mark", "outreach.db-wal", "outreach.db-shm"] {
            let scratch = begun(&sandbox);
            let before = sandbox.stats().sends;
            put(what, &scratch.path(name));
            let resumed = scratch.resume(&sandbox).run().expect(8);
            resumed.says(name).says("where a file is expected");
            assert_eq!(sandbox.stats().sends, before, "{what} {name}");
        }
    }
}

#[test]
fn a_lock_that_is_no_file_is_named_and_not_waited_for() {
    let sandbox = SandboxProcess::start(&[]);
    for what in ODD {
        let scratch = begun(&sandbox);
        let name = lock_name("list");
        put(what, &scratch.path(&name));
        let resumed = scratch.resume(&sandbox).run().expect(8);
        resumed.says(&name).says("where a file is expected");
        // It can be looked at.
        scratch.outreach(&["status", "list"]).run().expect(4);
    }
}

#[test]
fn what_is_no_reserve_and_no_count_is_left_alone() {
    let sandbox = SandboxProcess::start(&[]);
    for what in ODD {
        let scratch = begun(&sandbox);
        for name in ["outreach.db-reserve", "outreach.db-mark-99"] {
            put(what, &scratch.path(name));
        }
        scratch.resume(&sandbox).run().expect(0);
    }
}

#[test]
fn results_go_elsewhere_where_something_took_their_name() {
    let sandbox = SandboxProcess::start(&[]);
    for what in ["pipe", "folder"] {
        let scratch = begun(&sandbox);
        put(what, &scratch.path("list.results.csv"));
        scratch.resume(&sandbox).run().expect(0);
        assert!(scratch.path("list.results-2.csv").is_file(), "{what}");
    }
}

#[test]
fn a_pipe_that_is_named_as_settings_token_or_message_is_refused() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    put("pipe", &scratch.path("odd"));
    let send = || scratch.send(&sandbox).without_env("AMIO_TOKEN");
    for flag in ["--config", "--token-file"] {
        send()
            .with(&[flag, "odd"])
            .run()
            .expect(6)
            .says("a named pipe");
    }
    let refused = send().env("AMIO_TOKEN_FILE", "odd").run();
    assert!(refused.code != Some(0));
    let message = ["send", "contacts.csv", "--yes", "--content", "odd"];
    let refused = scratch.outreach(&message).run();
    assert!(refused.said.contains("a named pipe"), "{}", refused.said);
    assert_eq!(sandbox.stats().requests, 0);
}
