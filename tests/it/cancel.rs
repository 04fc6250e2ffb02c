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
    assert_eq!(scratch.decisions(), ["cancel", "undo-cancel"]);
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

/// The words of the first command that continues the batch in what was printed, without the name of the program.
fn printed_resume(said: &str) -> Vec<String> {
    let (_, rest) = said
        .split_once("outreach resume ")
        .expect("a command is printed");
    let line = rest.split(['\n', '`']).next().unwrap();
    let command = line.split("  ").next().unwrap();
    let words = command
        .split(' ')
        .map(|word| word.trim_matches('\'').to_owned());
    ["resume".to_owned()].into_iter().chain(words).collect()
}

#[test]
fn a_command_that_is_printed_works_as_it_stands() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:at=3"]));
    scratch.contacts(5);
    let send = || {
        let typed = scratch.send(&sandbox).concurrency(1);
        typed.with(&["--db", "other.db"])
    };
    let paste = |said: &str| {
        let words = printed_resume(said);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        scratch.outreach(&words).with(&["--yes"]).run()
    };
    let stopped = send().run().expect(5);
    let cancel = ["cancel", "list", "--db", "other.db", "--yes"];
    scratch.outreach(&cancel).run().expect(0);
    // From the summary of a run, and from an error.
    paste(&stopped.said).expect(4).says("was cancelled by");
    let refused = send().run().expect(4);
    paste(&refused.said).expect(0);
    assert_eq!(sandbox.accepted().len(), 5);
}

#[test]
fn a_question_that_cannot_be_asked_names_the_flag_and_changes_nothing() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:at=3"]));
    scratch.contacts(5);
    scratch.send(&sandbox).run().expect(5);
    for typed in [
        &["cancel", "list"][..],
        &["retry", "list", "--status", "error"],
        &["forget", "+420777123456"],
        &["resume", "list"],
    ] {
        let refused = scratch.outreach(typed).run().expect(2);
        refused
            .says("there is no terminal to ask on: give --yes to ")
            .says("nothing was changed");
    }
    let missing = scratch.outreach(&["status", "xyz"]).run().expect(2);
    missing.says("`outreach status` lists them all");
}
