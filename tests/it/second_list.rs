//! A second list for a batch: what it must leave alone.

use std::fmt::Write as _;

use crate::support::{CHANNEL, SandboxProcess, Scratch, contacts, number};

#[test]
fn a_second_list_leaves_a_batch_alone_whatever_its_name_is() {
    for how in ["--add", "--update"] {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
        let send = |batch: &str, how: &[&str]| {
            scratch
                .outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
                .with(&["--message", "Hello", "--channel", CHANNEL])
                .with(&["--base-url", sandbox.base_url(), "--repeat-guard", "0"])
                .with(how)
                .run()
                .expect(0);
        };
        scratch.write("contacts.csv", &contacts(0..3));
        send("X second list", &[]);
        scratch.write("contacts.csv", &contacts(3..6));
        send("X", &[]);
        scratch.write("contacts.csv", &contacts(6..8));
        send("X", &[how]);
        let checkpoint = scratch.checkpoint();
        assert_eq!(checkpoint.counts_of("X second list").sent, 3, "{how}");
        assert_eq!(checkpoint.counts_of("X").sent, 5, "{how}");
        checkpoint.expect_sound();
        scratch
            .outreach(&["export", "X second list", "-o", "again.csv"])
            .run()
            .expect(0);
        assert_eq!(scratch.read("again.csv").lines().count(), 4, "{how}");
    }
}

#[test]
fn a_refusal_in_a_list_that_joins_names_the_file_that_it_stands_in() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let send = |list: &str, how: &[&str]| {
        scratch
            .outreach(&["send", list, "--yes", "--batch", "spring"])
            .with(&["--message", "Hello", "--channel", CHANNEL])
            .with(&["--base-url", sandbox.base_url()])
            .with(how)
    };
    scratch.write(
        "first.csv",
        "phone,consent\n+420777000001,yes\n+420777000002,no\n",
    );
    send("first.csv", &[]).run().expect(0);
    scratch.write(
        "second.csv",
        "phone,consent\n+420777000003,no\n+420777000004,yes\n",
    );
    send("second.csv", &["--add", "--out", "all.csv"])
        .run()
        .expect(0);
    let all = scratch.read("all.csv");
    for says in [
        "says \"\"no\"\" (row 3)",
        "says \"\"no\"\" (second.csv, row 2)",
    ] {
        assert!(all.contains(says), "{says}: {all}");
    }
}

#[test]
fn an_edited_list_whose_earlier_batch_is_unfinished_is_told_to_take_its_place() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let send = |more: &[&str]| {
        scratch
            .outreach(&["send", "contacts.csv", "--yes", "--message", "Hello"])
            .with(&["--channel", CHANNEL, "--base-url", sandbox.base_url()])
            .with(more)
    };
    let list = |petr: &str, eva: &str| {
        format!(
            "name,phone,consent\nJana,+420777000001,yes\nPetr,+420777000002,{petr}\nEva,{eva},yes\n"
        )
    };
    scratch.write("contacts.csv", &list("yes", "+420777000003"));
    send(&["--limit", "1"]).run().expect(4);
    let old = scratch.checkpoint().reader.batches().expect("the batches")[0]
        .name
        .clone();
    scratch.write("contacts.csv", &list("no", "+420777000004"));
    let told = send(&[]).run().expect(0);
    let told = told
        .says(&format!("with --batch {old} --update"))
        .says("whom this one refuses, corrects or leaves out");
    assert!(!told.said.contains("outreach resume"), "{}", told.said);
    // What it says does what it says: nobody is messaged whom the list refuses, or by a number that it has no more.
    send(&["--batch", &old, "--update"]).run();
    let messaged: Vec<u64> = sandbox.accepted().into_keys().collect();
    assert_eq!(messaged, [420_777_000_001, 420_777_000_004]);
}

#[test]
fn whoever_goes_on_with_a_batch_whose_list_was_read_again_is_told() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let to = ["--channel", CHANNEL, "--base-url", sandbox.base_url()];
    let send = |more: &[&str]| {
        let send = ["send", "contacts.csv", "--yes", "--message", "Hello"];
        scratch.outreach(&send).with(&to).with(more).run()
    };
    let resume = |batch: &str| {
        let resume = ["resume", batch, "--yes", "--base-url", sandbox.base_url()];
        scratch.outreach(&resume).run().expect(0)
    };
    let newest = || {
        scratch.checkpoint().reader.batches().expect("the batches")[0]
            .name
            .clone()
    };
    let told = "was read again since with other rows";
    scratch.write("contacts.csv", &contacts(0..3));
    send(&["--limit", "1"]).expect(4);
    let old = newest();
    scratch.write("contacts.csv", &contacts(1..4));
    send(&["--limit", "1"]).expect(4);
    let new = scratch.checkpoint().reader.batches().expect("the batches");
    let new = new
        .iter()
        .find(|it| it.name != old)
        .expect("another batch")
        .name
        .clone();
    assert!(!resume(&new).said.contains(told));
    resume(&old).says(told).says(&new);
}

/// A worker has nobody to tell: what it goes on with by an older list is not asked about.
#[test]
fn a_worker_leaves_a_batch_whose_list_was_read_again_and_takes_one_that_only_has_name_or_message() {
    let sandbox = SandboxProcess::start(&[]);
    let list = |from: u32, refused: u32| {
        let mut text = String::from("phone,first_name,consent\n");
        for n in from..from + 8 {
            let answer = if n < refused { "no" } else { "yes" };
            writeln!(text, "+{},Name{n},{answer}", number(n)).unwrap();
        }
        text
    };
    for (from, file, edited, is_same) in [
        (0, "list.csv", list(0, 3), true),
        (100, "list.csv", list(200, 0), false),
        // A copy has another name.
        (300, "list (1).csv", list(300, 303), true),
        (400, "other.csv", list(500, 0), false),
    ] {
        let scratch = Scratch::new();
        let send = |file: &str| {
            let send = ["send", file, "--detach", "--yes", "--message", "Hi"];
            let send = scratch.outreach(&send).with(&["--channel", CHANNEL]);
            send.with(&["--base-url", sandbox.base_url()]).run()
        };
        scratch.write("list.csv", &list(from, 0));
        send("list.csv");
        scratch.write(file, &edited);
        send(file);
        let worker = ["worker", "--once", "--base-url", sandbox.base_url()];
        let worker = scratch.outreach(&worker).run();
        let accepted = sandbox.accepted();
        let messaged = |n: u32| accepted.get(&number(n)).copied().unwrap_or(0);
        if is_same {
            let ended = worker.expect(4).says("is left to a person");
            assert_eq!(ended.said.matches("is left to a person").count(), 1);
            let all: Vec<u64> = (from..from + 8).map(messaged).collect();
            assert_eq!(all, [0, 0, 0, 1, 1, 1, 1, 1]);
        } else {
            worker.expect(0);
            let others = from + 100..from + 108;
            assert!((from..from + 8).chain(others).all(|n| messaged(n) == 1));
        }
    }
}
