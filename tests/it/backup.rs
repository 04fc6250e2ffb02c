//! A backup is whole, also beside a run, and nothing is sent from it before a person says so.

use std::fs;

use crate::support::{Checkpoint, SandboxProcess, Scratch, wait_until};

#[test]
fn a_backup_beside_a_run_is_sound_and_private_and_the_run_goes_on() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&["--latency", "20ms"]);
    scratch.contacts(200);
    let run = scratch.send(&sandbox).concurrency(2).start();
    wait_until("some are sent", || sandbox.stats().sends > 10);
    let backup = scratch.outreach(&["backup", "copy.db"]).run().expect(0);
    backup.says("checked");
    run.wait().expect(0);
    let copy = Checkpoint::open(&scratch.path("copy.db"));
    copy.expect_sound();
    let counts = copy.counts();
    assert!(counts.sent > 0, "{counts:?}");
    assert_eq!(scratch.checkpoint().counts().sent, 200);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(scratch.path("copy.db")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
}

#[test]
fn a_backup_is_known_as_one_until_it_is_adopted() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:from=6"]));
    scratch.contacts(20);
    scratch.send(&sandbox).run().expect(5);
    scratch.outreach(&["backup", "copy.db"]).run().expect(0);
    let before = sandbox.stats().sends;
    let resume = || scratch.resume(&sandbox).with(&["--db", "copy.db"]);
    let refused = resume().run().expect(8);
    refused.says("is a backup of").says("checkpoint adopt");
    assert_eq!(sandbox.stats().sends, before, "nobody was messaged");
    // A backup can be read, and backed up.
    let status = ["status", "list", "--db", "copy.db"];
    scratch.outreach(&status).run().expect(5);
    // The checkpoint is lost.
    for name in ["outreach.db", "outreach.db-wal", "outreach.db-shm"] {
        let _ = fs::remove_file(scratch.path(name));
    }
    fs::copy(scratch.path("copy.db"), scratch.path("outreach.db")).unwrap();
    let put_back = scratch.resume(&sandbox).run().expect(8);
    put_back.says("is a backup of");
    let adopt = ["checkpoint", "adopt", "--no-suppressions"];
    scratch.outreach(&adopt).run().expect(0);
    scratch.resume(&sandbox).run().expect(5);
}

#[test]
fn a_backup_is_never_written_over_a_file() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    scratch.write("there.db", "precious");
    let taken = scratch.outreach(&["backup", "there.db"]).run().expect(2);
    taken.says("never written over");
    assert_eq!(scratch.read("there.db"), "precious");
    // What belongs to the checkpoint is not written to either, even where it is not there now.
    for name in ["outreach.db", "outreach.db-wal", "outreach.db-journal"] {
        scratch.outreach(&["backup", name]).run().expect(2);
    }
    scratch
        .outreach(&["backup", "none/copy.db"])
        .run()
        .expect(8);
    scratch.checkpoint().expect_sound();
}

#[test]
fn a_backup_into_a_folder_that_is_missing_names_the_file_and_the_folder() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(1);
    scratch.send(&sandbox).run().expect(0);
    let refused = scratch
        .outreach(&["backup", "backups/a.db"])
        .run()
        .expect(8);
    refused
        .says("backups/a.db cannot be written")
        .says("there is no folder backups");
}
