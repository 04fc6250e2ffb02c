//! What changes many rows does so a few at a time: lists that are longer than two such steps are changed whole. The
//! steps are shortened to two rows here, as in other tests beside what they are about (`in_steps_of`).

use std::collections::BTreeMap;

use jiff::{ToSpan as _, Zoned};
use outreach::internals::domain::delivery::State;

use crate::support::{CHANNEL, SandboxProcess, Scratch, contacts, number};

/// The states of the batch's rows, by the number of the person.
fn states(scratch: &Scratch) -> Vec<(u32, State)> {
    let states: BTreeMap<u64, State> = scratch.checkpoint().states();
    let n = |phone: u64| u32::try_from(phone - number(0)).expect("a number of the list");
    states
        .into_iter()
        .map(|(phone, state)| (n(phone), state))
        .collect()
}

fn reached(sandbox: &SandboxProcess) -> Vec<u32> {
    let accepted = sandbox.accepted();
    assert!(accepted.values().all(|messages| *messages == 1));
    let n = |phone: &u64| u32::try_from(phone - number(0)).expect("a number of the list");
    accepted.keys().map(n).collect()
}

#[test]
fn every_row_of_a_long_list_is_brought_in_line_with_the_list_that_replaces_it() {
    let (scratch, sandbox) = (Scratch::new().in_steps_of(2), SandboxProcess::start(&[]));
    // The first one is sent to, the others are queued.
    scratch.contacts(9);
    let send = |more: &[&str]| scratch.send(&sandbox).with(more).run();
    send(&["--limit", "1"]).expect(4);
    let changed = contacts(5..14).replace("Name", "Person");
    scratch.write("contacts.csv", &changed);
    send(&["--update", "--limit", "1"]).expect(4);
    let gone = (1..5).map(|n| (n, State::Suppressed));
    let here = (6..14).map(|n| (n, State::Queued));
    let wanted: Vec<_> = [(0, State::Sent)]
        .into_iter()
        .chain(gone)
        .chain([(5, State::Sent)])
        .chain(here)
        .collect();
    assert_eq!(states(&scratch), wanted);
    scratch.resume(&sandbox).run().expect(0);
    assert_eq!(
        reached(&sandbox),
        [&[0][..], &(5..14).collect::<Vec<_>>()].concat()
    );
    let results = scratch.read("list.results.csv");
    for n in 5..14 {
        assert!(results.contains(&format!(",Person{n},")), "{n}: {results}");
    }
    assert!(!results.contains(",Name5,"), "{results}");
    scratch.checkpoint().expect_sound();
}

#[test]
fn every_row_of_a_long_list_is_added() {
    let (scratch, sandbox) = (Scratch::new().in_steps_of(2), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.send(&sandbox).run().expect(0);
    scratch.write("contacts.csv", &contacts(1..10));
    scratch.send(&sandbox).with(&["--add"]).run().expect(0);
    assert_eq!(reached(&sandbox), (0..10).collect::<Vec<_>>());
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.sent, counts.duplicate), (10, 2));
    scratch.checkpoint().expect_sound();
}

/// Whose sending hours have not come is passed over by every claim, until another run has other hours.
#[test]
fn however_many_rows_wait_for_their_hours_all_are_sent_once_these_have_come() {
    let (scratch, sandbox) = (Scratch::new().in_steps_of(2), SandboxProcess::start(&[]));
    scratch.contacts(7);
    let window = |from: i64| {
        let at = |hours: i64| {
            let now = Zoned::now().in_tz("Europe/Prague").expect("a zone");
            let at = now.checked_add(hours.hours()).expect("a time");
            at.strftime("%H:%M").to_string()
        };
        format!("{}-{}", at(from), at(from + 4))
    };
    let send = |window: &str, more: &[&str]| {
        let send = scratch.send(&sandbox).with(&["--window", window]);
        send.with(&["--window-by", "recipient"]).with(more).run()
    };
    send(&window(8), &["--for", "1s"]).expect(4);
    assert_eq!(sandbox.stats().requests, 0);
    send(&window(-2), &[]).expect(0);
    assert_eq!(reached(&sandbox), (0..7).collect::<Vec<_>>());
}

#[test]
fn all_numbers_of_a_long_list_are_suppressed_known_ones_and_new_ones() {
    let (scratch, sandbox) = (Scratch::new().in_steps_of(2), SandboxProcess::start(&[]));
    scratch.contacts(4);
    scratch.send(&sandbox).run().expect(0);
    scratch.write("stop.csv", &contacts(0..9));
    let import = |says: &str| {
        let import = scratch.outreach(&["suppress", "import", "stop.csv"]);
        import.run().expect(0).says(says);
    };
    import("9 are new");
    import("0 are new");
    let listed = scratch.outreach(&["suppress", "list"]).run().expect(0).out;
    for n in 0..9 {
        assert!(listed.contains(&format!("+{}", number(n))), "{listed}");
    }
    scratch.write("later.csv", &contacts(0..10));
    let send = scratch.outreach(&["send", "later.csv", "--yes", "--message", "Hi"]);
    send.with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        .run();
    assert_eq!(reached(&sandbox), [0, 1, 2, 3, 9]);
}

/// Rows and people in the checkpoint, those of lists that are on their way among them.
fn stored(scratch: &Scratch) -> (u32, u32) {
    let file = rusqlite::Connection::open(scratch.path("outreach.db")).expect("the checkpoint");
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        file.query_row(&sql, [], |row| row.get(0)).expect("a count")
    };
    let rows = count("recipient");
    assert_eq!(count("recipient_input"), rows);
    (rows, count("person"))
}

#[test]
fn a_list_that_is_refused_leaves_no_row_and_nobody() {
    let (scratch, sandbox) = (Scratch::new().in_steps_of(2), SandboxProcess::start(&[]));
    let refused = contacts(0..5) + &"12,Nobody\n".repeat(15);
    scratch.write("contacts.csv", &refused);
    scratch.send(&sandbox).run().expect(7);
    assert_eq!(stored(&scratch), (0, 0));
}

#[test]
fn what_a_killed_process_read_of_a_list_is_removed_by_the_next() {
    let (scratch, sandbox) = (Scratch::new().in_steps_of(2), SandboxProcess::start(&[]));
    scratch.contacts(9);
    let killed = |more: &[&str]| {
        let send = scratch.send(&sandbox).with(more);
        send.crash_at("intake:3").run().expect_crash();
    };
    killed(&[]);
    assert!(stored(&scratch).0 > 0, "some rows were read");
    let prune = ["prune", "--older-than", "0", "--yes"];
    scratch.outreach(&prune).run().expect(0);
    assert_eq!(stored(&scratch), (0, 0));
    killed(&[]);
    scratch.send(&sandbox).run().expect(0);
    assert_eq!(stored(&scratch), (9, 9));
    scratch.contacts(10);
    killed(&["--update"]);
    assert!(stored(&scratch).0 > 9, "they are beside the batch's own");
    scratch.send(&sandbox).with(&["--update"]).run().expect(0);
    assert_eq!(stored(&scratch), (10, 10));
    assert_eq!(reached(&sandbox), (0..10).collect::<Vec<_>>());
}
