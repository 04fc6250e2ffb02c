//! Rejects that were mended come back: the list finds its batch, and the batch knows the rest.

use std::path::Path;

use calamine::{Data, Reader as _};
use serde_json::Value;

use crate::support::{CHANNEL, Ended, SandboxProcess, Scratch};

/// Semicolons, a column that is named, numbers without a plus: nothing of it is in the rejects.
const LIST: &str = "Jmeno;Volat;Poznamka\nJana;777000001;a\nPetr;12;b\nEva;777000003;c\nIvo;34;d\nOta;777000003;e\n";

/// The list as the batch `list`, through the sandbox.
fn sent(scratch: &Scratch, sandbox: &SandboxProcess, list: &str, flags: &[&str]) -> Ended {
    let send = ["send", list, "--yes", "--batch", "list", "--region", "CZ"];
    scratch
        .outreach(&send)
        .with(&["--column", "phone=Volat", "--message", "Ahoj\n{{ jmeno }}"])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        .with(flags)
        .run()
}

/// `send FILE` and nothing else.
fn send_again(scratch: &Scratch, sandbox: &SandboxProcess, file: &str) -> Ended {
    scratch
        .outreach(&["send", file, "--yes", "--base-url", sandbox.base_url()])
        .run()
}

fn status(scratch: &Scratch) -> Value {
    let status = scratch.outreach(&["status", "list", "--json"]).run();
    serde_json::from_str(&status.out).unwrap()
}

/// The reasons of a batch's invalid rows, as the results tell them.
fn invalid(scratch: &Scratch) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b';')
        .from_path(scratch.path("list.results.csv"))
        .unwrap();
    let headers = reader.headers().unwrap().clone();
    let at = |name: &str| headers.iter().position(|it| it == name).unwrap();
    let (state, reason) = (at("outreach_status"), at("outreach_reason"));
    let rows = reader.records().map(Result::unwrap);
    let rows = rows.filter(|row| &row[state] == "invalid");
    rows.map(|row| row[reason].to_owned()).collect()
}

#[test]
fn a_row_that_refuses_is_none_to_mend() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let list = "Jmeno;Volat\nJana;777000001\nPetr;12\nEva;777000003 STOP\nEva;777000003\n";
    scratch.write("list.csv", list);
    sent(&scratch, &sandbox, "list.csv", &["--min-valid", "0"]);
    let rejects = scratch.read("list.rejects.csv");
    assert!(
        rejects.contains("Petr") && !rejects.contains("Eva"),
        "{rejects}"
    );
    assert_eq!(sandbox.accepted().len(), 1);
}

#[test]
fn mended_rejects_find_their_batch_and_all_that_it_was_sent_with_is_taken_from_it() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("list.csv", LIST);
    sent(&scratch, &sandbox, "list.csv", &[])
        .expect(0)
        .says("2 rows to mend");
    assert_eq!(status(&scratch)["state"], "complete");
    // One of two is mended: the other one is still to be mended, whatever the share of valid rows.
    let rejects = scratch.read("list.rejects.csv");
    scratch.write("list.rejects.csv", &rejects.replace(";12;", ";777000002;"));
    let told = send_again(&scratch, &sandbox, "list.rejects.csv").expect(0);
    told.says("mend rows of batch list").says("1 to send");
    assert_eq!(sandbox.stats().reached, 3);
    let texts: Vec<Value> = sandbox
        .messages()
        .iter()
        .map(|it| it["content"]["payload"].clone())
        .collect();
    assert!(texts.contains(&"Ahoj\nPetr".into()), "{texts:?}");
    let reasons = invalid(&scratch);
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(
        reasons[0].starts_with("mended by row 2 of list.rejects.csv"),
        "{reasons:?}"
    );
    assert!(
        reasons[1].starts_with("mended by row 3 of list.rejects.csv"),
        "{reasons:?}"
    );
    assert!(!reasons[2].contains("mended by"), "{reasons:?}");
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.sent, counts.invalid, counts.duplicate), (3, 3, 1));
    assert_eq!(counts.rows(), 5 + 2, "what was read");
    // The same file again changes nothing and sends nothing.
    send_again(&scratch, &sandbox, "list.rejects.csv").expect(0);
    assert_eq!(scratch.checkpoint().counts().rows(), 7);
    assert_eq!(sandbox.stats().reached, 3);
    // The rejects of the rejects are mended the same way.
    let left = scratch.read("list.rejects.rejects.csv");
    scratch.write(
        "list.rejects.rejects.csv",
        &left.replace(";34;", ";777000004;"),
    );
    send_again(&scratch, &sandbox, "list.rejects.rejects.csv").expect(0);
    assert!(
        invalid(&scratch)
            .iter()
            .all(|reason| reason.starts_with("mended by"))
    );
    assert_eq!(
        (sandbox.stats().reached, sandbox.stats().reached_twice),
        (4, 0)
    );
    scratch.checkpoint().expect_sound();
}

/// Writes the rows of a workbook's first sheet as another program would: one sheet of its own, texts alone.
fn resave(from: &Path, to: &Path, replace: (&str, &str)) {
    let mut book = calamine::open_workbook_auto(from).unwrap();
    let name = book.sheet_names()[0].clone();
    let rows = book.worksheet_range(&name).unwrap();
    let mut written = rust_xlsxwriter::Workbook::new();
    let sheet = written.add_worksheet();
    for (row, cells) in (0_u32..).zip(rows.rows()) {
        for (at, cell) in (0_u16..).zip(cells) {
            let text = match cell {
                Data::Float(number) => number.to_string(),
                other => other.to_string(),
            };
            let text = if text == replace.0 { replace.1 } else { &text };
            sheet.write_string(row, at, text).unwrap();
        }
    }
    written.save(to).unwrap();
}

#[test]
fn rejects_of_a_workbook_come_back_as_a_workbook_of_any_sheet_name() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("text.csv", LIST);
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, line) in (0_u32..).zip(LIST.lines()) {
        for (at, cell) in (0_u16..).zip(line.split(';')) {
            sheet.write_string(row, at, cell).unwrap();
        }
    }
    book.save(scratch.path("list.xlsx")).unwrap();
    sent(&scratch, &sandbox, "list.xlsx", &[]).expect(0);
    resave(
        &scratch.path("list.rejects.xlsx"),
        &scratch.path("mended.xlsx"),
        ("12", "777000002"),
    );
    send_again(&scratch, &sandbox, "mended.xlsx")
        .expect(0)
        .says("1 to send")
        .says("invalid, and mended by another row");
    assert_eq!(sandbox.stats().reached, 3);
    assert_eq!(scratch.checkpoint().counts().invalid, 3);
}

#[test]
fn with_add_or_update_the_batch_is_asked_too_and_a_flag_goes_before_it() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("list.csv", LIST);
    sent(&scratch, &sandbox, "list.csv", &[]).expect(0);
    scratch.write("more.csv", "Jmeno;Volat;Poznamka\nIda;777000009;z\n");
    let add = |flags: &[&str]| {
        let add = ["send", "more.csv", "--yes", "--batch", "list", "--add"];
        let add = scratch
            .outreach(&add)
            .with(&["--base-url", sandbox.base_url()]);
        add.with(flags).run()
    };
    add(&["--message", "Another"]).expect(2).says("message");
    add(&[]).expect(0);
    assert_eq!(sandbox.stats().reached, 3);
    scratch.write("list.csv", &LIST.replace(";34;", ";777000004;"));
    let update = ["send", "list.csv", "--yes", "--batch", "list", "--update"];
    let update = scratch
        .outreach(&update)
        .with(&["--base-url", sandbox.base_url()]);
    update.run().expect(0);
    assert_eq!(
        (sandbox.stats().reached, sandbox.stats().reached_twice),
        (4, 0)
    );
}

#[test]
fn rejects_of_a_batch_that_is_not_here_are_a_list_of_their_own_and_those_of_two_are_refused() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("list.csv", LIST);
    sent(&scratch, &sandbox, "list.csv", &[]).expect(0);
    let rejects = scratch
        .read("list.rejects.csv")
        .replace(";12;", ";777000002;");
    scratch.write("mended.csv", &rejects.replacen("list:", "autumn:", 1));
    let refused = send_again(&scratch, &sandbox, "mended.csv").expect(2);
    refused.says("autumn, list");
    scratch.write("mended.csv", &rejects.replace("list:", "autumn:"));
    let alone = [
        "send",
        "mended.csv",
        "--yes",
        "--region",
        "CZ",
        "--column",
        "phone=Volat",
    ];
    let alone = scratch
        .outreach(&alone)
        .with(&["--message", "Hello", "--channel", CHANNEL]);
    let alone = alone.with(&["--base-url", sandbox.base_url()]);
    alone
        .run()
        .expect(0)
        .says("which is not in this checkpoint");
    assert_eq!(sandbox.stats().reached, 3);
    let counts = scratch.checkpoint().counts();
    assert_eq!(counts.rows(), 5, "batch list is as it was");
}

#[test]
fn what_a_batch_was_sent_with_goes_when_it_is_pruned() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("list.csv", LIST);
    sent(&scratch, &sandbox, "list.csv", &[]).expect(0);
    let policy = || {
        let database = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
        let sql = "SELECT policy FROM batch WHERE name = 'list'";
        let policy: String = database.query_row(sql, [], |row| row.get(0)).unwrap();
        policy
    };
    assert!(policy().contains("Ahoj"));
    scratch
        .outreach(&["prune", "--older-than", "0s", "--yes"])
        .run()
        .expect(0);
    assert!(!policy().contains("Ahoj"), "{}", policy());
    let send = [
        "send",
        "list.rejects.csv",
        "--yes",
        "--region",
        "CZ",
        "--column",
        "phone=Volat",
    ];
    let send = scratch
        .outreach(&send)
        .with(&["--base-url", sandbox.base_url()]);
    send.run().expect(2).says("message");
}

#[test]
fn a_row_is_mended_once_however_many_files_say_its_number() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("list.csv", LIST);
    sent(&scratch, &sandbox, "list.csv", &[]).expect(0);
    let rejects = scratch.read("list.rejects.csv");
    let mended = |twelve: &str, thirty_four: &str| {
        let twelve = rejects.replace(";12;", &format!(";{twelve};"));
        twelve.replace(";34;", &format!(";{thirty_four};"))
    };
    scratch.write("r1.csv", &mended("777000002", "34"));
    send_again(&scratch, &sandbox, "r1.csv").expect(0);
    assert_eq!(sandbox.stats().reached, 3);
    // A colleague mends a copy: one row with another number, one that could not be sent so far either.
    scratch.write("r2.csv", &mended("777000022", "777000004"));
    let told = send_again(&scratch, &sandbox, "r2.csv").expect(0);
    told.says("mended already")
        .says("row 3 of batch list, by +420");
    let stats = sandbox.stats();
    assert_eq!((stats.reached, stats.reached_twice), (4, 0));
    assert_eq!(scratch.checkpoint().counts().suppressed, 1);
    scratch.checkpoint().expect_sound();
}

#[test]
fn a_row_that_two_rows_of_a_file_mend_is_mended_by_the_first() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("list.csv", LIST);
    sent(&scratch, &sandbox, "list.csv", &[]).expect(0);
    let rejects = scratch.read("list.rejects.csv");
    let row = rejects.lines().find(|line| line.contains(";12;")).unwrap();
    let twice = row.replace(";12;", ";777000002;") + "\n" + &row.replace(";12;", ";777000022;");
    scratch.write("r.csv", &rejects.replace(row, &twice));
    let told = send_again(&scratch, &sandbox, "r.csv").expect(0);
    told.says("row 3 of batch list, by row 2 here");
    let stats = sandbox.stats();
    assert_eq!((stats.reached, stats.reached_twice), (3, 0));
}

/// Whoever a mended row names, and may not be messaged then, may be later: it is the same person who comes again.
#[test]
fn whom_a_mended_row_names_is_judged_anew_when_it_comes_again() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("list.csv", LIST);
    sent(&scratch, &sandbox, "list.csv", &[]).expect(0);
    let suppress = |what: &str| {
        let suppress = ["suppress", what, "+420777000002"];
        scratch.outreach(&suppress).run().expect(0);
    };
    suppress("add");
    let rejects = scratch.read("list.rejects.csv");
    let mended = rejects.replace(";12;", ";777000002;");
    scratch.write("mended.csv", &mended);
    send_again(&scratch, &sandbox, "mended.csv").expect(0);
    assert_eq!(sandbox.stats().reached, 2);
    suppress("remove");
    let mended = mended.replace(";34;", ";777000004;");
    scratch.write("mended.csv", &mended);
    send_again(&scratch, &sandbox, "mended.csv").expect(0);
    let stats = sandbox.stats();
    assert_eq!((stats.reached, stats.reached_twice), (4, 0));
    // Another number for that row is another person, or the same one twice.
    let other = mended.replace(";777000002;", ";777000009;");
    scratch.write("mended.csv", &other);
    send_again(&scratch, &sandbox, "mended.csv").expect(0);
    assert_eq!(sandbox.stats().reached, 4);
    scratch.checkpoint().expect_sound();
}

/// A mistyped number that is another row's, or must not be messaged, has messaged nobody: the right one can be given.
#[test]
fn a_row_whose_mend_was_left_out_is_mended_again() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.write("list.csv", LIST);
    sent(&scratch, &sandbox, "list.csv", &[]).expect(0);
    let suppress = ["suppress", "add", "+420777000008"];
    scratch.outreach(&suppress).run().expect(0);
    let rejects = scratch.read("list.rejects.csv");
    let mend = |file: &str, twelve: &str, thirty_four: &str| {
        let twelve = rejects.replace(";12;", &format!(";{twelve};"));
        scratch.write(file, &twelve.replace(";34;", &format!(";{thirty_four};")));
        send_again(&scratch, &sandbox, file).expect(0)
    };
    mend("r1.csv", "777000001", "777000008");
    assert_eq!(sandbox.stats().reached, 2);
    // Mistyped once more, and then right.
    mend("r2.csv", "777000008", "777000003");
    assert_eq!(sandbox.stats().reached, 2);
    mend("r3.csv", "777000002", "777000004");
    let stats = sandbox.stats();
    assert_eq!((stats.reached, stats.reached_twice), (4, 0));
    assert!(
        invalid(&scratch)
            .iter()
            .any(|reason| reason.contains("mended by row 2 of r3.csv")),
        "{:?}",
        invalid(&scratch)
    );
    // Who was messaged in their place is not given another number.
    let told = mend("r4.csv", "777000022", "777000044");
    told.says("mended already");
    assert_eq!(sandbox.stats().reached, 4);
    scratch.checkpoint().expect_sound();
}
