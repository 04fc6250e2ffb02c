//! Which batches `prune` leaves alone, and why it says so.

use crate::support::{CHANNEL, SandboxProcess, Scratch, contacts, number};

/// What `prune` says of the batch.
fn told_by_prune(scratch: &Scratch, batch: &str) -> String {
    let prune = ["prune", "--older-than", "0", "--yes"];
    let out = scratch.outreach(&prune).run().expect(0).out;
    let line = out.lines().find(|line| line.starts_with(batch));
    line.unwrap_or_default().to_owned()
}

/// Who is suppressed may have the message all the same: what is known of the request is needed until that is settled.
#[test]
fn a_batch_with_a_request_that_may_have_been_accepted_stays() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    let phone = format!("+{}", number(1));
    let suppress = ["suppress", "add", phone.as_str()];
    scratch.outreach(&suppress).run().expect(0);
    scratch.send(&sandbox).run().expect(0);
    // Results tell of a request whose answer is not known: of a row that is suppressed since, and of one that is unknown.
    let results = scratch.read("list.results.csv");
    let suppressed = ",suppressed,it may have been sent at 2026-05-01T10:00:00Z; ";
    for (told, why) in [
        (suppressed, "the outcome of a request is open"),
        (",unknown,", "1 row is unknown"),
    ] {
        let change = |line: &str| {
            if line.contains(&phone) {
                line.replace(",suppressed,", told)
            } else {
                line.to_owned()
            }
        };
        let told: Vec<String> = results.lines().map(change).collect();
        scratch.write("told.csv", &(told.join("\n") + "\n"));
        for name in ["outreach.db", "outreach.db-wal", "outreach.db-shm"] {
            let _ = std::fs::remove_file(scratch.path(name));
        }
        let import = ["history", "import", "told.csv", "--no-suppressions"];
        scratch.outreach(&import).run().expect(0);
        let said = told_by_prune(&scratch, "list");
        assert!(said.contains(why), "{said}");
        let counts = scratch.checkpoint().counts();
        assert_eq!(counts.suppressed + counts.unknown, 1);
    }
}

/// What a person decided about a lost answer is settled, whatever became of it.
#[test]
fn a_batch_whose_lost_answers_were_decided_goes() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::with_faults(&["close-after-accept:at=2"]),
    );
    scratch.contacts(3);
    scratch.send(&sandbox).concurrency(1).run().expect(3);
    let said = told_by_prune(&scratch, "list");
    assert!(said.contains("1 row is unknown"), "{said}");
    let resend = ["resolve", "list", "--resend", "--all"];
    scratch.outreach(&resend).run().expect(0);
    let said = told_by_prune(&scratch, "list");
    assert!(said.contains("1 row is queued"), "{said}");
    scratch.resume(&sandbox).run().expect(0);
    let said = told_by_prune(&scratch, "list");
    assert!(said.contains("pruned (3 rows"), "{said}");
}

/// Of a batch that was given up, those who were not sent to may be taken up again.
#[test]
fn a_batch_that_was_given_up_stays_while_somebody_of_it_is_queued() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:from=3"]));
    scratch.contacts(4);
    scratch.send(&sandbox).concurrency(1).run().expect(5);
    let cancel = ["cancel", "list", "--yes"];
    scratch.outreach(&cancel).run().expect(0);
    let said = told_by_prune(&scratch, "list");
    assert!(said.contains("2 rows are queued"), "{said}");
}

/// A list that was decided about, and whose process died, is completed by the next command: until then the batch is
/// not finished, though nobody of it is queued.
#[test]
fn a_batch_whose_list_is_being_changed_stays() {
    let (scratch, sandbox) = (Scratch::new().in_steps_of(2), SandboxProcess::start(&[]));
    scratch.contacts(6);
    scratch.send(&sandbox).run().expect(0);
    let list = contacts(0..6).replace("Name", "Now");
    scratch.write("contacts.csv", &list);
    let file = || rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let changing = || -> bool {
        let sql = "SELECT change IS NOT NULL FROM batch WHERE name = 'list'";
        file().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let mut passages = 1..40;
    while !changing() {
        let passage = passages.next().expect("a kill in the middle of the change");
        let update = scratch.send(&sandbox).with(&["--update"]);
        update.crash_at(&format!("change:{passage}")).run();
    }
    let said = told_by_prune(&scratch, "list");
    assert!(said.contains("not complete"), "{said}");
}

/// Who is awaited by a follow-up may still be sent to.
#[test]
fn a_follow_up_that_is_open_stays() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    let follow = scratch
        .outreach(&["send", "--after", "opt_in", "--of", "list", "--yes"])
        .with(&["--message", "Thank you", "--channel", CHANNEL])
        .with(&["--base-url", sandbox.base_url()]);
    follow.run().expect(0);
    let said = told_by_prune(&scratch, "after-");
    assert!(said.contains("3 rows are queued"), "{said}");
}
