//! Who was messaged, read from files: a checkpoint that is lost is made anew of its results files, and lists of other
//! programs count for `--not-within`.

use std::fs;
use std::path::Path;

use outreach::internals::domain::delivery::State;

use crate::support::{CHANNEL, Ended, SandboxProcess, Scratch, contacts, number};

const ROWS: u32 = 40;

/// A batch that was killed in the middle, whose results were exported to `results`, and whose checkpoint is gone.
fn lost(sandbox: &SandboxProcess, results: &str) -> Scratch {
    // It is read in many steps.
    let scratch = Scratch::new().in_steps_of(7);
    scratch.contacts(ROWS);
    let send = scratch.send(sandbox).concurrency(4);
    send.crash_at("after-request:17").run().expect_crash();
    let accepted = sandbox.stats().accepted;
    assert!((10..u64::from(ROWS)).contains(&accepted), "{accepted}");
    scratch
        .outreach(&["export", "list", "-o", results])
        .run()
        .expect(0);
    lose(&scratch);
    scratch
}

/// The checkpoint is deleted; its mark stays.
fn lose(scratch: &Scratch) {
    for name in ["outreach.db", "outreach.db-wal", "outreach.db-shm"] {
        let _ = fs::remove_file(scratch.path(name));
    }
}

fn import(scratch: &Scratch, file: &str) -> Ended {
    scratch
        .outreach(&["history", "import", file, "--no-suppressions"])
        .run()
}

/// By the sandbox's account nobody was messaged twice, and everybody was whose row is not unknown.
fn all_reached_once(scratch: &Scratch, sandbox: &SandboxProcess) {
    let accepted = sandbox.accepted();
    assert!(accepted.values().all(|count| *count == 1), "{accepted:?}");
    let states = scratch.checkpoint().states();
    for n in 0..ROWS {
        let (phone, state) = (number(n), states[&number(n)]);
        match state {
            State::Unknown => {}
            _ => assert!(
                state == State::Sent && accepted.contains_key(&phone),
                "{phone} {state}"
            ),
        }
    }
    scratch.checkpoint().expect_sound();
}

#[test]
fn a_lost_checkpoint_is_made_of_its_results_and_the_same_command_reaches_the_rest() {
    for results in ["results.csv", "results.xlsx", "results.jsonl"] {
        let sandbox = SandboxProcess::start(&[]);
        let scratch = lost(&sandbox, results);
        let before = sandbox.stats().accepted;
        // The program says the way by itself.
        let refused = scratch.send(&sandbox).run().expect(8);
        refused.says("`outreach history import");
        let told = import(&scratch, results).expect(0);
        told.says("batch list is restored").says("Opt-outs");
        scratch.send(&sandbox).run().expect(3);
        all_reached_once(&scratch, &sandbox);
        let counts = scratch.checkpoint().counts();
        assert_eq!(counts.rows(), u64::from(ROWS), "{results}");
        assert!(counts.unknown > 0 && counts.sent + counts.unknown == u64::from(ROWS));
        assert!(sandbox.stats().accepted > before);
        // What is unknown is settled as ever, here by what the sandbox knows, and the rest is sent.
        let rows = scratch.checkpoint().rows();
        for row in rows.iter().filter(|row| row.state == State::Unknown) {
            let got_it = sandbox.accepted().contains_key(&row.number.unwrap());
            let decision = if got_it { "--assume-sent" } else { "--resend" };
            let resolve = ["resolve", "list", decision, "--row", &row.at.to_string()];
            scratch.outreach(&resolve).run().expect(0);
        }
        scratch.send(&sandbox).run().expect(0);
        assert_eq!(scratch.checkpoint().counts().sent, u64::from(ROWS));
        all_reached_once(&scratch, &sandbox);
    }
}

#[test]
fn without_a_terminal_the_opt_outs_must_be_accounted_for_before_anything_is_written() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = lost(&sandbox, "results.csv");
    let refused = scratch
        .outreach(&["history", "import", "results.csv"])
        .run();
    let refused = refused.expect(2);
    refused.says("--suppressions").says("--no-suppressions");
    assert!(!scratch.path("outreach.db").exists());
    scratch.write("stops.csv", &contacts(30..32));
    let import = [
        "history",
        "import",
        "results.csv",
        "--suppressions",
        "stops.csv",
    ];
    scratch.outreach(&import).run().expect(0).says("2 are new");
    scratch.send(&sandbox).run().expect(3);
    let accepted = sandbox.accepted();
    for n in 30..32 {
        assert!(!accepted.contains_key(&number(n)), "{n} opted out");
    }
}

#[test]
fn an_import_that_was_interrupted_is_gone_on_with_and_nothing_is_sent_before() {
    for kept in [true, false] {
        let sandbox = SandboxProcess::start(&[]);
        let scratch = lost(&sandbox, "results.csv");
        if !kept {
            fs::remove_file(scratch.path("outreach.db-mark")).unwrap();
        }
        let before = sandbox.stats().requests;
        let args = ["history", "import", "results.csv", "--no-suppressions"];
        let import = || scratch.outreach(&args);
        for moment in ["rebuilding", "rebuilding:2", "rebuilding:3", "intake"] {
            import().crash_at(moment).run().expect_crash();
            let send = scratch.send(&sandbox).run().expect(8);
            assert!(
                send.said.contains("history import"),
                "{moment}: {}",
                send.said
            );
            assert_eq!(sandbox.stats().requests, before, "mark: {kept}");
        }
        import().run().expect(0).says("is restored");
        scratch.send(&sandbox).run().expect(3);
        all_reached_once(&scratch, &sandbox);
    }
}

#[test]
fn another_name_for_the_same_message_is_held_back_by_the_repeat_guard() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = lost(&sandbox, "results.csv");
    import(&scratch, "results.csv").expect(0);
    let messaged = sandbox.accepted();
    let other = || {
        scratch
            .outreach(&["send", "contacts.csv", "--yes", "--batch", "other"])
            .with(&["--message", "Hello {{ first_name }}"])
            .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
    };
    other().run().expect(3);
    let after = sandbox.accepted();
    assert!(after.values().all(|count| *count == 1), "{after:?}");
    assert!(after.len() > messaged.len(), "the others are reached");
    let rows = scratch.checkpoint().rows_of("other");
    let repeated = rows
        .iter()
        .filter(|row| row.reason_code.as_deref() == Some("repeat_guard"));
    assert!(repeated.count() > 0, "{rows:?}");
}

#[test]
fn nothing_is_sent_of_a_restored_batch_before_its_list_is_there() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = lost(&sandbox, "results.csv");
    import(&scratch, "results.csv").expect(0);
    let before = sandbox.stats().requests;
    let refused = scratch.resume(&sandbox).run().expect(2);
    refused.says("Send its list again");
    // Another list under that name is no list of it.
    scratch.write("others.csv", &contacts(90..95));
    let other = scratch
        .outreach(&["send", "others.csv", "--yes", "--batch", "list"])
        .with(&["--message", "Hello {{ first_name }}"])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL]);
    other.run().expect(2).says("Send its list again");
    assert_eq!(sandbox.stats().requests, before);
}

#[test]
fn an_older_file_and_the_same_one_again_change_nothing() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = lost(&sandbox, "results.csv");
    import(&scratch, "results.csv").expect(0);
    let restored = scratch.checkpoint().rows();
    import(&scratch, "results.csv")
        .expect(0)
        .says("0 rows added something new");
    assert_eq!(scratch.checkpoint().rows(), restored);
    scratch.send(&sandbox).run().expect(3);
    let resend = ["resolve", "list", "--resend", "--all"];
    scratch.outreach(&resend).run().expect(0);
    let sent = scratch.checkpoint().rows();
    import(&scratch, "results.csv")
        .expect(0)
        .says("0 rows added something new");
    assert_eq!(scratch.checkpoint().rows(), sent, "decided since");
    scratch.checkpoint().expect_sound();
}

#[test]
fn an_older_checkpoint_learns_from_newer_results_whom_it_does_not_know() {
    let sandbox = SandboxProcess::with_faults(&["401:from=6"]);
    let scratch = Scratch::new();
    scratch.contacts(20);
    scratch.send(&sandbox).run().expect(5);
    scratch.outreach(&["status"]).run();
    let older = fs::read(scratch.path("outreach.db")).unwrap();
    let healthy = SandboxProcess::start(&[]);
    scratch.send(&healthy).run().expect(0);
    fs::write(scratch.path("outreach.db"), older).unwrap();
    let adopt = ["checkpoint", "adopt", "--no-suppressions"];
    let adopted = scratch.outreach(&adopt).run().expect(0);
    adopted.says("`outreach history import list.results.csv --no-suppressions`");
    import(&scratch, "list.results.csv")
        .expect(0)
        .says("added something new");
    let before = healthy.stats().requests;
    scratch.send(&healthy).run().expect(0);
    assert_eq!(healthy.stats().requests, before, "all were messaged");
    assert_eq!(scratch.checkpoint().counts().sent, 20);
    scratch.checkpoint().expect_sound();
}

/// The copy was made before the list was edited, which refuses the one person and has the other no more.
#[test]
fn whom_a_newer_list_left_out_by_the_results_is_not_messaged_by_a_copy_that_was_put_back() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    let list = |people: &[(u32, &str)]| {
        let row = |(n, consent): &(u32, &str)| format!("+{},{consent}\n", number(*n));
        let rows: String = people.iter().map(row).collect();
        scratch.write("contacts.csv", &format!("phone,consent\n{rows}"));
    };
    let send = |more: &[&str]| {
        scratch
            .outreach(&["send", "contacts.csv", "--yes", "--batch", "list"])
            .with(&["--message", "Hello", "--channel", CHANNEL, "--limit", "1"])
            .with(&["--base-url", sandbox.base_url()])
            .with(more)
            .run()
    };
    list(&[(0, "yes"), (1, "yes"), (2, "yes"), (3, "yes")]);
    send(&[]).expect(4);
    scratch.outreach(&["status"]).run();
    let older = fs::read(scratch.path("outreach.db")).unwrap();
    list(&[(0, "yes"), (1, "no"), (3, "yes")]);
    send(&["--update"]).expect(0);
    fs::write(scratch.path("outreach.db"), older).unwrap();
    let adopt = ["checkpoint", "adopt", "--no-suppressions"];
    scratch.outreach(&adopt).run().expect(0);
    import(&scratch, "list.results.csv").expect(0);
    let resume = ["resume", "list", "--yes", "--base-url", sandbox.base_url()];
    scratch.outreach(&resume).run();
    scratch.outreach(&resume).run();
    let times = |n| sandbox.accepted().get(&number(n)).copied().unwrap_or(0);
    assert_eq!([0, 1, 2, 3].map(times), [1, 0, 0, 1]);
    let codes = scratch.checkpoint().rows_of("list").into_iter();
    let codes: Vec<_> = codes.map(|row| row.reason_code).collect();
    assert_eq!(codes[1].as_deref(), Some("no_consent"));
    assert_eq!(codes[2].as_deref(), Some("removed_by_update"));
    scratch.checkpoint().expect_sound();
}

/// The cells of a column of a CSV file, changed.
fn change(path: &Path, column: &str, mut how: impl FnMut(&str) -> String) {
    let mut csv = csv::Reader::from_path(path).unwrap();
    let headers = csv.headers().unwrap().clone();
    let at = headers.iter().position(|header| header == column).unwrap();
    let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    let mut out = csv::Writer::from_path(path).unwrap();
    out.write_record(&headers).unwrap();
    for row in rows {
        let cells = row.iter().enumerate();
        let cells = cells.map(|(index, cell)| {
            if index == at {
                how(cell)
            } else {
                cell.to_owned()
            }
        });
        out.write_record(cells).unwrap();
    }
    out.flush().unwrap();
}

#[test]
fn ids_that_a_spreadsheet_rounded_are_not_believed_and_rounded_numbers_are_refused() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = lost(&sandbox, "results.csv");
    let path = scratch.path("results.csv");
    let round = |cell: &str| match cell {
        "" => String::new(),
        id => format!(
            "{}{}",
            &id[..15.min(id.len())],
            "0".repeat(id.len().saturating_sub(15))
        ),
    };
    change(&path, "outreach_message_id", round);
    change(&path, "outreach_contact_id", |cell| match cell {
        "" => String::new(),
        _ => "7.00120030040051E+18".to_owned(),
    });
    // Excel takes the plus.
    change(&path, "outreach_phone", |cell| cell.replace('+', ""));
    let told = import(&scratch, "results.csv").expect(0);
    told.says("rounded message or contact ids");
    let restored = scratch.outreach(&["export", "list"]).run().expect(0).out;
    assert!(
        !restored.contains("E+18") && !restored.contains("0000,"),
        "{restored}"
    );
    scratch.send(&sandbox).run().expect(3);
    all_reached_once(&scratch, &sandbox);

    let sandbox = SandboxProcess::start(&[]);
    let scratch = lost(&sandbox, "results.csv");
    change(&scratch.path("results.csv"), "outreach_phone", |_| {
        "4.20777E+11".to_owned()
    });
    let refused = import(&scratch, "results.csv").expect(7);
    refused.says("row 2").says("spreadsheet");
    assert!(!scratch.path("outreach.db").exists(), "nothing was written");
}

#[test]
fn results_whose_channel_a_spreadsheet_rounded_are_refused_since_no_guard_would_know_the_messages()
{
    let sandbox = SandboxProcess::start(&[]);
    let scratch = lost(&sandbox, "results.csv");
    change(&scratch.path("results.csv"), "outreach_channel", |_| {
        "7.0012003004005E+018".to_owned()
    });
    let refused = import(&scratch, "results.csv").expect(7);
    refused.says("row 2").says("7.0012003004005E+018");
    assert!(!scratch.path("outreach.db").exists(), "nothing was written");
}

#[test]
fn results_put_whom_they_tell_of_as_suppressed_back_on_the_list_and_nobody_else() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    scratch.contacts(1);
    let other = scratch.outreach(&["send", "contacts.csv", "--yes", "--batch", "other"]);
    let other = other.with(&["--message", "Hello {{ first_name }}", "--channel", CHANNEL]);
    let other = other.with(&["--base-url", sandbox.base_url()]);
    other.run().expect(0);
    // One has the message already, one is on the list.
    scratch.contacts(3);
    let phone = format!("+{}", number(2));
    let add = ["suppress", "add", phone.as_str(), "--reason", "moved away"];
    scratch.outreach(&add).run().expect(0);
    scratch.send(&sandbox).run().expect(0);
    assert_eq!(scratch.checkpoint().counts().suppressed, 2);
    lose(&scratch);
    import(&scratch, "list.results.csv").expect(0);
    let listed = scratch.outreach(&["suppress", "list"]).run().expect(0).out;
    assert!(listed.contains("moved away"), "{listed}");
    let numbers = |text: &str| text.matches("+420").count();
    assert_eq!(
        (numbers(&listed), listed.contains(&phone)),
        (1, true),
        "{listed}"
    );
}

#[test]
fn a_list_of_another_program_counts_for_not_within() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new().in_steps_of(1);
    scratch.contacts(6);
    let now = jiff::Timestamp::now();
    let day = |ago: i64| {
        let at = now - jiff::SignedDuration::from_hours(24 * ago);
        at.strftime("%d.%m.%Y").to_string()
    };
    let list = format!(
        "Telefon;Narozen;Odesláno\n+{};1.2.1980;{}\n+{};3.4.1990;{}\n+{};5.6.1970;{}\n",
        number(0),
        day(3),
        number(1),
        day(90),
        number(1),
        day(5),
    );
    scratch.write("crm.csv", &list);
    let told = import(&scratch, "crm.csv").expect(0);
    told.says("3 people were messaged").says("Odesláno");
    import(&scratch, "crm.csv")
        .expect(0)
        .says("imported before");
    let send = scratch.send(&sandbox).with(&["--not-within", "30d"]);
    send.run().expect(0);
    let accepted = sandbox.accepted();
    let reached: Vec<u32> = (0..6)
        .filter(|n| accepted.contains_key(&number(*n)))
        .collect();
    assert_eq!(reached, [2, 3, 4, 5]);
    scratch.checkpoint().expect_sound();
    // A list that does not say when is asked about.
    scratch.write("numbers.csv", &contacts(0..3));
    import(&scratch, "numbers.csv")
        .expect(7)
        .says("--date-column");
}

#[test]
fn whom_results_tell_of_as_not_reached_is_not_tried_again_where_that_is_asked_for() {
    let sandbox = SandboxProcess::start(&["--no-messenger", "30%"]);
    let scratch = Scratch::new();
    scratch.contacts(ROWS);
    scratch.send(&sandbox).run().expect(0);
    let unreached = scratch.checkpoint().counts().no_messenger;
    assert!(unreached > 4 && unreached < u64::from(ROWS));
    lose(&scratch);
    import(&scratch, "list.results.csv").expect(0);
    // Once more it tells nothing new.
    import(&scratch, "list.results.csv")
        .expect(0)
        .says("0 rows added something new");
    let before = sandbox.stats().requests;
    let send = scratch.outreach(&["send", "contacts.csv", "--yes", "--batch", "later"]);
    let send = send.with(&["--message", "Another", "--channel", CHANNEL]);
    let later = send.with(&[
        "--base-url",
        sandbox.base_url(),
        "--skip-no-messenger-within",
        "90d",
    ]);
    later.run().expect(0).says("had no Messenger");
    assert_eq!(
        sandbox.stats().requests - before,
        u64::from(ROWS) - unreached
    );
}

#[test]
fn the_results_of_a_rehearsal_tell_of_nobody() {
    let scratch = Scratch::new();
    scratch.contacts(3);
    let rehearsal = [
        "send",
        "contacts.csv",
        "--sandbox",
        "--yes",
        "--message",
        "Hi",
        "--batch",
        "list",
    ];
    scratch.outreach(&rehearsal).run().expect(0);
    let refused = import(&scratch, "list.sandbox.results.csv").expect(7);
    refused.says("rehearsal");
}

/// A message's id that is cut is the id of another message; whoever stands behind it would be messaged again.
#[test]
fn results_that_are_cut_off_are_told_and_bring_nothing() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = lost(&sandbox, "results.csv");
    let whole = fs::read(scratch.path("results.csv")).unwrap();
    let last = whole[..whole.len() - 2]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    let width = whole.len() - last;
    for kept in [
        last + 3,
        last + width / 2,
        whole.len() - 20,
        whole.len() - 4,
    ] {
        fs::write(scratch.path("cut.csv"), &whole[..kept]).unwrap();
        let refused = import(&scratch, "cut.csv").expect(7);
        refused.says(&format!("row {}: the file ends in the middle", ROWS + 1));
    }
    assert!(
        !scratch.path("outreach.db").exists(),
        "nothing was imported"
    );
    // Some spreadsheets leave the last line break out.
    let mut unended = whole.clone();
    while unended
        .last()
        .is_some_and(|byte| matches!(byte, b'\r' | b'\n'))
    {
        unended.pop();
    }
    fs::write(scratch.path("unended.csv"), unended).unwrap();
    import(&scratch, "unended.csv").expect(0);
}

/// A file holds no texts: the question about another text says so.
#[test]
fn the_question_about_a_restored_batch_says_that_its_text_is_not_known() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = lost(&sandbox, "list.results.csv");
    import(&scratch, "list.results.csv").expect(0);
    let send = scratch.outreach(&["send", "contacts.csv", "--yes", "--batch", "other"]);
    let send = send.with(&["--message", "Another text", "--channel", CHANNEL]);
    let told = send.with(&["--base-url", sandbox.base_url()]).run();
    let told = told.expect(2).says("another message from batch list").said;
    assert!(
        told.contains("its text is not known") && !told.contains("\"\""),
        "{told}"
    );
}

#[test]
fn a_results_file_without_a_row_is_named() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = lost(&sandbox, "list.results.csv");
    let results = scratch.read("list.results.csv");
    let header = results.lines().next().unwrap().to_owned() + "\n";
    scratch.write("part.results.csv", &header);
    import(&scratch, "part.results.csv")
        .expect(3)
        .says("part.results.csv");
    scratch.write("list.csv", "phone,date\n");
    import(&scratch, "list.csv").expect(7).says("list.csv");
}
