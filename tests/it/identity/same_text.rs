//! What a person sees is what counts.

use super::{interrupted, most, send};
use crate::support::{CHANNEL, SandboxProcess, Scratch, contacts};

#[test]
fn an_interrupted_batch_goes_on_whatever_white_space_its_message_has_now() {
    for again in [
        "Hello  there ",
        "Hello there\n",
        "\tHello\r\nthere",
        "Hello\u{a0}there",
        "Hel\u{200b}lo there\u{feff}",
        "\u{200e}Hello \u{200b} there\u{2800}",
    ] {
        let (scratch, sandbox) = interrupted(6, 4, "Hello there");
        send(&scratch, &sandbox, again).run().expect(0);
        assert_eq!(sandbox.accepted().len(), 6, "{again:?}");
        assert_eq!(most(&sandbox), 1, "{again:?}");
        let batches = scratch.checkpoint().reader.batches().expect("the batches");
        assert_eq!(batches.len(), 1, "{again:?}");
    }
}

#[test]
fn an_accent_that_is_typed_apart_makes_no_other_message() {
    let (scratch, sandbox) = interrupted(6, 4, "Dobrý den, Jiří");
    let apart = "Dobry\u{301} den, Jir\u{30c}i\u{301}";
    send(&scratch, &sandbox, apart).run().expect(0);
    assert_eq!((sandbox.accepted().len(), most(&sandbox)), (6, 1));
}

#[test]
fn the_same_text_under_another_name_reaches_nobody_twice() {
    let (scratch, sandbox) = interrupted(6, 4, "Hello there");
    send(&scratch, &sandbox, " Hello  there\n")
        .with(&["--batch", "again"])
        .run()
        .expect(0);
    assert_eq!((sandbox.accepted().len(), most(&sandbox)), (6, 1));
}

#[test]
fn a_batch_that_goes_on_long_after_leaves_out_whom_another_one_told_the_same_meanwhile() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("friday.csv", &contacts(0..6));
    scratch.write("saturday.csv", &contacts(2..8));
    let send = |batch: &str, more: &[&str]| {
        let list = format!("{batch}.csv");
        let send = ["send", &list, "--yes", "--batch", batch, "--message", "Hi"];
        let to = ["--base-url", sandbox.base_url(), "--channel", CHANNEL];
        scratch.outreach(&send).with(&to).with(more).run()
    };
    send("friday", &["--for", "1ms"]).expect(4);
    send("saturday", &[]).expect(0);
    assert_eq!(sandbox.stats().accepted, 6);
    // Fourteen hours later.
    let checkpoint = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    for (table, times) in [
        ("batch", &["created_at"][..]),
        ("attempt", &["started_at", "finished_at"]),
    ] {
        for time in times {
            let earlier = format!("UPDATE {table} SET {time} = {time} - 14 * 3600000");
            checkpoint.execute(&earlier, []).unwrap();
        }
    }
    drop(checkpoint);
    let resume = [
        "resume",
        "friday",
        "--yes",
        "--base-url",
        sandbox.base_url(),
    ];
    scratch.outreach(&resume).run().expect(0);
    assert_eq!(sandbox.accepted().len(), 8);
    assert!(sandbox.accepted().values().all(|&count| count == 1));
    // Once it is complete, who joins it is judged by the hours of the guard alone.
    scratch.write("friday.csv", &contacts(7..8));
    send("friday", &["--add"]).expect(0);
    assert_eq!(sandbox.stats().accepted, 9);
}
