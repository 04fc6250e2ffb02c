//! `--add` of several files in one command: whoever is in two of them is messaged once, a file that cannot be used
//! leaves all of them out, and one that was added before adds nothing.

use outreach::internals::domain::delivery::State;

use crate::support::{CHANNEL, Ended, Program, SandboxProcess, Scratch, contacts, number};

fn add(scratch: &Scratch, sandbox: &SandboxProcess, files: &[&str]) -> Program {
    scratch
        .outreach(&["send", "--yes", "--batch", "list", "--add"])
        .with(files)
        .with(&["--message", "Hello {{ first_name }}"])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
}

fn begun(sandbox: &SandboxProcess) -> Scratch {
    let scratch = Scratch::new().in_steps_of(3);
    scratch.contacts(4);
    scratch.send(sandbox).run().expect(0);
    scratch.write("a.csv", &contacts(3..8));
    scratch.write("b.csv", &contacts(6..11));
    scratch
}

/// All numbers up to this one have one message, and nobody else.
#[track_caller]
fn expect_once(sandbox: &SandboxProcess, people: u32) {
    let accepted = sandbox.accepted();
    let wanted = (0..people).map(|n| (number(n), 1)).collect();
    assert_eq!(accepted, wanted);
}

fn rows(scratch: &Scratch) -> usize {
    scratch.checkpoint().rows().len()
}

#[test]
fn whoever_is_in_several_of_the_files_is_messaged_once() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = begun(&sandbox);
    add(&scratch, &sandbox, &["a.csv", "b.csv"]).run().expect(0);
    expect_once(&sandbox, 11);
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.sent, counts.duplicate), (11, 3));
    assert_eq!(rows(&scratch), 4 + 5 + 5);
    let export = ["export", "list", "-o", "-"];
    let results = scratch.outreach(&export).run().expect(0).out;
    for told in ["contacts.csv row 5", "a.csv row 5", "a.csv row 6"] {
        assert!(
            results.contains(&format!("same number as {told}")),
            "{told}: {results}"
        );
    }
    scratch.checkpoint().expect_sound();
}

#[test]
fn one_file_that_cannot_be_used_leaves_all_of_them_out() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = begun(&sandbox);
    let nobody = "12,Nobody\n".repeat(9);
    for (bad, text) in [
        ("none.csv", "name,city\nAnna,Brno\n".to_owned()),
        (
            "open.csv",
            "phone,first_name\n\"+420777000020,Anna\n".to_owned(),
        ),
        ("empty.csv", String::new()),
        (
            "wrong.csv",
            format!("phone,first_name\n{nobody}{nobody}{nobody}"),
        ),
    ] {
        scratch.write(bad, &text);
        for files in [["a.csv", bad], [bad, "a.csv"]] {
            let ended = add(&scratch, &sandbox, &files).run();
            assert!(matches!(ended.code, Some(2 | 7)), "{files:?}: {ended:?}");
            assert_eq!(rows(&scratch), 4, "{files:?}: {}", ended.said);
            expect_once(&sandbox, 4);
        }
    }
    let missing = add(&scratch, &sandbox, &["a.csv", "gone.csv"]).run();
    missing.expect(7).says("gone.csv");
    assert_eq!(rows(&scratch), 4);
    add(&scratch, &sandbox, &["a.csv"]).run().expect(0);
    expect_once(&sandbox, 8);
    scratch.checkpoint().expect_sound();
}

#[test]
fn a_file_that_was_added_before_brings_nobody_a_second_message() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = begun(&sandbox);
    add(&scratch, &sandbox, &["a.csv"]).run().expect(0);
    expect_once(&sandbox, 8);
    let both = add(&scratch, &sandbox, &["a.csv", "b.csv"]).run().expect(0);
    assert!(
        both.said
            .contains("a.csv: left out, the batch has it already")
    );
    expect_once(&sandbox, 11);
    assert_eq!(rows(&scratch), 4 + 5 + 5);
    for files in [
        &["a.csv", "b.csv"][..],
        &["b.csv", "a.csv"],
        &["a.csv"],
        &["b.csv"],
        &["a.csv", "a.csv"],
        &["contacts.csv", "a.csv"],
    ] {
        add(&scratch, &sandbox, files).run().expect(0);
        expect_once(&sandbox, 11);
        assert_eq!(rows(&scratch), 14, "{files:?}");
    }
    scratch.checkpoint().expect_sound();
}

/// Rows in, rows out, each once: whether files came alone or together, in the first list or later, and in whatever order.
#[test]
fn a_file_joins_once_whatever_it_comes_with() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new().in_steps_of(3);
    for (name, people) in [("a", 0..3), ("b", 3..5), ("c", 5..9), ("d", 9..10)] {
        scratch.write(&format!("{name}.csv"), &contacts(people));
    }
    let send = scratch.outreach(&["send", "a.csv", "b.csv", "--yes", "--batch", "list"]);
    let send = send.with(&["--message", "Hello {{ first_name }}", "--channel", CHANNEL]);
    send.with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(0);
    for (files, people) in [
        (&["b.csv", "c.csv", "c.csv"][..], 9),
        (&["a.csv"], 9),
        (&["c.csv", "b.csv"], 9),
        (&["c.csv", "d.csv", "a.csv"], 10),
        (&["d.csv"], 10),
    ] {
        add(&scratch, &sandbox, files).run().expect(0);
        expect_once(&sandbox, people);
        assert_eq!(rows(&scratch), people as usize, "{files:?}");
    }
    let batch = scratch.checkpoint().batch("list");
    assert_eq!(batch.files, ["a.csv", "b.csv", "c.csv", "d.csv"]);
    // A file of this name that holds somebody more is another one.
    scratch.write("d.csv", &contacts(9..11));
    add(&scratch, &sandbox, &["a.csv", "d.csv"]).run().expect(0);
    expect_once(&sandbox, 11);
    assert_eq!(rows(&scratch), 12);
    scratch.checkpoint().expect_sound();
}

/// The message of a batch is one, whether its files came together or one by one.
#[test]
fn files_that_were_added_together_are_not_added_with_another_message() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = begun(&sandbox);
    add(&scratch, &sandbox, &["a.csv", "b.csv"]).run().expect(0);
    let other = |files: &[&str]| -> Ended {
        let send = scratch.outreach(&["send", "--yes", "--batch", "list", "--add"]);
        let send = send.with(files).with(&["--message", "Other"]);
        send.with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
            .run()
    };
    for files in [&["a.csv", "b.csv"][..], &["a.csv"], &["b.csv"]] {
        other(files).expect(2);
    }
    expect_once(&sandbox, 11);
}

/// Killed while the files are read or join: the same command brings all of them, once.
#[test]
fn a_kill_while_files_are_added_leaves_all_of_them_or_none() {
    for passage in 1..6 {
        let sandbox = SandboxProcess::start(&[]);
        let scratch = begun(&sandbox);
        for point in ["intake", "change"] {
            let files = ["a.csv", "b.csv"];
            let killed = add(&scratch, &sandbox, &files);
            killed.crash_at(&format!("{point}:{passage}")).run();
        }
        add(&scratch, &sandbox, &["a.csv", "b.csv"]).run().expect(0);
        expect_once(&sandbox, 11);
        assert_eq!(rows(&scratch), 14, "{passage}");
        scratch.checkpoint().expect_sound();
    }
}

#[test]
fn a_list_with_another_column_is_refused_with_what_to_do() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = begun(&sandbox);
    scratch.write(
        "c.csv",
        "phone,first_name,opted_out\n+420777000008,Eva,yes\n",
    );
    let refused = |change: &str| {
        let program = add(&scratch, &sandbox, &["c.csv"]);
        let program = if change == "--add" {
            program
        } else {
            let send = ["send", "c.csv", "--yes", "--batch", "list", change];
            let send = scratch
                .outreach(&send)
                .with(&["--message", "Hello {{ first_name }}"]);
            send.with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        };
        program.run().expect(2).said
    };
    for change in ["--add", "--update"] {
        let told = refused(change);
        for part in [
            "Take opted_out out of the file",
            "outreach suppress import FILE --rows refusing",
            "another --batch",
        ] {
            assert!(told.contains(part), "{change}, {part}: {told}");
        }
    }
    expect_once(&sandbox, 4);
}

/// A row of a list that was replaced goes when its person comes back, but not the account of a request.
#[test]
fn a_row_that_a_request_was_made_for_stays_when_its_person_comes_back() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::with_faults(&["401:at=2,to=2"]),
    );
    scratch.contacts(4);
    let send = || scratch.send(&sandbox).concurrency(1);
    send().run().expect(5);
    // Without the person who was asked for, and without one who was not.
    let without: String = [
        contacts(0..1),
        contacts(2..3).replace("phone,first_name\n", ""),
    ]
    .concat();
    scratch.write("contacts.csv", &without);
    send().with(&["--update"]).run().expect(0);
    scratch.write("back.csv", &contacts(0..4));
    add(&scratch, &sandbox, &["back.csv"]).run().expect(0);
    expect_once(&sandbox, 4);
    let rows = scratch.checkpoint().rows();
    let of = |n: u32| -> Vec<(State, u32)> {
        let theirs = rows.iter().filter(|row| row.number == Some(number(n)));
        theirs.map(|row| (row.state, row.attempts)).collect()
    };
    assert_eq!(of(1), [(State::Duplicate, 1), (State::Sent, 1)]);
    assert_eq!(of(3), [(State::Sent, 1)]);
    scratch.checkpoint().expect_sound();
}
