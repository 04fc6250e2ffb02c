//! A batch that is given up, and taken up again.

use crate::support::{SandboxProcess, Scratch};

#[test]
fn a_cancelled_batch_messages_nobody_until_a_person_takes_it_up_again() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:at=3"]));
    scratch.contacts(5);
    scratch.send(&sandbox).concurrency(1).run().expect(5);
    let cancel = |arguments: &[&str]| scratch.outreach(&["cancel"]).with(arguments).run();
    cancel(&["list"]).expect(2).says("--yes");
    let ended = cancel(&["list", "--yes"]).expect(0);
    ended
        .says("3 queued people are not messaged")
        .says("outreach resume list --undo-cancel");
    // Neither the same command, nor a change of the list, nor a bare `resume` goes on with it.
    scratch
        .send(&sandbox)
        .run()
        .expect(4)
        .says("was cancelled by");
    scratch
        .send(&sandbox)
        .with(&["--add"])
        .run()
        .expect(4)
        .says("--undo-cancel");
    scratch
        .resume(&sandbox)
        .run()
        .expect(4)
        .says("was cancelled by");
    cancel(&["list", "--yes"])
        .expect(4)
        .says("was cancelled by");
    assert_eq!(sandbox.accepted().len(), 2);
    let status = scratch
        .outreach(&["status", "list", "--json"])
        .run()
        .expect(0);
    assert!(
        status.out.contains(r#""state": "cancelled""#),
        "{}",
        status.out
    );
    scratch
        .outreach(&["export", "list", "-o", "r.csv"])
        .run()
        .expect(0);
    assert_eq!(scratch.read("r.csv").matches(",cancelled,").count(), 3);

    scratch
        .resume(&sandbox)
        .with(&["--undo-cancel"])
        .run()
        .expect(0);
    assert_eq!(sandbox.accepted().len(), 5);
    assert!(sandbox.accepted().values().all(|messages| *messages == 1));
    cancel(&["list", "--yes"])
        .expect(2)
        .says("nothing to cancel");
}

#[test]
fn what_may_have_been_sent_stays_unknown_when_its_batch_is_cancelled() {
    let sandbox = SandboxProcess::with_faults(&["500-after-accept:at=2", "401:at=3"]);
    let scratch = Scratch::new();
    scratch.contacts(4);
    scratch.send(&sandbox).concurrency(1).run().expect(5);
    let cancel = scratch
        .outreach(&["cancel", "list", "--yes"])
        .run()
        .expect(0);
    cancel.says("outreach resolve list");
    let counts = scratch.checkpoint().counts_of("list");
    assert_eq!((counts.unknown, counts.queued), (1, 2));
}
