//! Results, rejects and exports as the program that made the list opens them.

use std::path::Path;

use calamine::{Data, Reader as _, Xlsx, open_workbook};

use crate::support::{Ended, Scratch};

/// Semicolons and Windows-1250, as a Czech Excel writes it: a formula, a number that is none, a guarded-looking
/// cell.
const CZECH: &[u8] =
    b"Jm\xe9no;Telefon;note\nJan;+420777123456;=1+1\nEva;12;\"x;y\"\nIda;+420777123458;'=2\n";

fn rehearse(scratch: &Scratch, list: &str, flags: &[&str]) -> Ended {
    scratch
        .outreach(&["send", list, "--sandbox", "--batch", "spring"])
        .with(&["--region", "CZ", "--message", "Hello", "--min-valid", "0"])
        .with(flags)
        .run()
        .expect(0)
}

fn export(scratch: &Scratch, flags: &[&str]) -> Ended {
    scratch.outreach(&["export", "spring"]).with(flags).run()
}

fn sheets(path: &Path) -> Vec<(String, Vec<Vec<Data>>)> {
    let mut book: Xlsx<_> = open_workbook(path).expect("a workbook");
    let names = book.sheet_names();
    names
        .into_iter()
        .map(|name| {
            let range = book.worksheet_range(&name).expect("a sheet");
            (name, range.rows().map(<[Data]>::to_vec).collect())
        })
        .collect()
}

fn column(rows: &[Vec<Data>], header: &str) -> Vec<Data> {
    let at = rows[0]
        .iter()
        .position(|cell| *cell == Data::String(header.to_owned()));
    let at = at.unwrap_or_else(|| panic!("no column {header}"));
    rows.iter().skip(1).map(|row| row[at].clone()).collect()
}

fn text(text: &str) -> Data {
    Data::String(text.to_owned())
}

#[test]
fn results_and_rejects_of_a_csv_list_have_its_delimiter_and_a_mark_where_it_had_no_plain_ascii() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("list.csv"), CZECH).unwrap();
    rehearse(&scratch, "list.csv", &[]);
    for (file, ours) in [
        (
            "spring.sandbox.results.csv",
            ";outreach_row;outreach_phone;",
        ),
        ("list.rejects.csv", ";outreach_row;outreach_reason;"),
    ] {
        let content = scratch.read(file);
        let begin = format!("\u{feff}Jméno;Telefon;note{ours}");
        assert!(content.starts_with(&begin), "{file}: {content}");
    }
    // Standard output is for programs, and so is what is asked for.
    let plain = export(&scratch, &["-o", "-"]).expect(0).out;
    assert!(
        plain.starts_with("Jméno,Telefon,note,outreach_row,"),
        "{plain}"
    );
    export(&scratch, &["-o", "plain.csv", "--dialect", "comma"]).expect(0);
    assert_eq!(scratch.read("plain.csv"), plain);
    export(&scratch, &["-o", "tabs.tsv"]).expect(0);
    assert!(
        scratch
            .read("tabs.tsv")
            .starts_with("\u{feff}Jméno\tTelefon\t")
    );
    export(&scratch, &["-o", "x.csv", "--dialect", "excel"]).expect(2);
}

#[test]
fn a_list_of_plain_ascii_gets_plain_files() {
    let scratch = Scratch::new();
    scratch.contacts(2);
    rehearse(&scratch, "contacts.csv", &[]);
    let results = scratch.read("spring.sandbox.results.csv");
    assert!(
        results.starts_with("phone,first_name,outreach_row,"),
        "{results}"
    );
}

#[test]
fn a_workbook_has_numbers_and_ids_as_text_and_the_summary_behind_the_rows() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("list.csv"), CZECH).unwrap();
    rehearse(&scratch, "list.csv", &["-o", "r.xlsx"]);
    let sheets = sheets(&scratch.path("r.xlsx"));
    let names: Vec<&str> = sheets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["outreach results", "outreach summary"]);
    let rows = &sheets[0].1;
    assert_eq!(column(rows, "Telefon")[0], text("+420777123456"));
    assert_eq!(column(rows, "outreach_phone")[0], text("+420777123456"));
    // As it was typed: no spreadsheet runs a text cell.
    assert_eq!(column(rows, "note"), ["=1+1", "x;y", "'=2"].map(text));
    for id in column(rows, "outreach_message_id").iter().step_by(2) {
        assert!(matches!(id, Data::String(id) if id.len() > 15), "{id:?}");
    }
    let statuses = ["sent", "invalid", "sent"].map(text);
    assert_eq!(column(rows, "outreach_status"), statuses);
    let summary = &sheets[1].1;
    assert!(
        summary.contains(&vec![text("rows in all"), Data::Float(3.0)]),
        "{summary:?}"
    );
}

#[test]
fn a_workbook_gets_workbooks_and_they_come_back_unharmed() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("list.csv"), CZECH).unwrap();
    rehearse(&scratch, "list.csv", &["-o", "list.xlsx"]);
    rehearse(&scratch, "list.xlsx", &["--db", "again.db"]);
    let rows = &sheets(&scratch.path("spring.sandbox.results.xlsx"))[0].1;
    assert_eq!(column(rows, "note"), ["=1+1", "x;y", "'=2"].map(text));
    assert_eq!(rows[0].len(), 3 + 16, "our columns are not doubled");
    let rejects = sheets(&scratch.path("list.rejects.xlsx"));
    assert_eq!(rejects[0].0, "outreach rejects");
    assert_eq!(
        column(&rejects[0].1, "outreach_mends"),
        [text("spring:1:3")]
    );
    // Whoever asks for text gets text.
    export(
        &scratch,
        &["--db", "again.db", "--dialect", "semicolon+bom"],
    )
    .expect(0);
    let file = scratch.read("spring.sandbox.results.csv");
    assert!(file.starts_with("\u{feff}Jméno;"), "{file}");
}

#[test]
fn json_lines_hold_ids_as_texts_and_what_is_not_known_as_null() {
    let scratch = Scratch::new();
    scratch.write("list.csv", "phone,phone,name\n+420777123456,,\"a\"\"b\"\n");
    rehearse(
        &scratch,
        "list.csv",
        &["-o", "r.jsonl", "--column", "phone=phone"],
    );
    let content = scratch.read("r.jsonl");
    let lines: Vec<serde_json::Value> = content
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1);
    let row = &lines[0];
    assert_eq!(row["phone"], "+420777123456");
    assert_eq!(row["phone (2)"], "");
    assert_eq!(row["name"], "a\"b");
    assert_eq!(row["outreach_row"], 2);
    assert!(row["outreach_message_id"].is_string());
    assert!(row["outreach_reason"].is_null() && row["outreach_read_at"].is_null());
}

#[test]
fn an_export_has_the_rows_and_columns_that_are_asked_for() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("list.csv"), CZECH).unwrap();
    rehearse(&scratch, "list.csv", &[]);
    let whole = scratch.read("spring.sandbox.results.csv");
    let columns = ["--columns", "outreach_status,jmeno"];
    export(
        &scratch,
        &[&["--status", "invalid,error"], &columns[..]].concat(),
    )
    .expect(0);
    let part = scratch.read("spring.sandbox.selected.csv");
    assert_eq!(part, "\u{feff}outreach_status;Jméno\ninvalid;Eva\n");
    let unreached = export(
        &scratch,
        &["--only-unreached", "--columns", "Telefon", "-o", "-"],
    );
    assert_eq!(unreached.expect(0).out, "Telefon\n12\n");
    assert_eq!(scratch.read("spring.sandbox.results.csv"), whole);
    let wrong = export(&scratch, &["--columns", "fone", "-o", "-"]).expect(2);
    assert!(wrong.said.contains("Telefon"), "{}", wrong.said);
    export(&scratch, &["--status", "sending", "-o", "-"]).expect(2);
}

#[test]
fn a_mended_row_is_not_to_be_mended_any_more_and_the_sums_add_up() {
    for suffix in ["csv", "xlsx"] {
        let scratch = Scratch::new();
        std::fs::write(scratch.path("list.csv"), CZECH).unwrap();
        rehearse(&scratch, "list.csv", &[]);
        mend(&scratch, suffix);
        let mended = format!("mended.{suffix}");
        let told = rehearse(&scratch, &mended, &["--add"]).said;
        assert!(
            told.contains("1  invalid, and mended by another row"),
            "{told}"
        );
        assert!(
            !told.contains("cannot be sent as they stand\n           4"),
            "{told}"
        );
        let results = export(&scratch, &["-o", "-", "--columns", "outreach_reason"]).expect(0);
        let reason = format!("mended by row 2 of mended.{suffix} (was: ");
        assert!(results.out.contains(&reason), "{}", results.out);
        let json = scratch.outreach(&["status", "spring", "--json"]).run();
        let json: serde_json::Value = serde_json::from_str(&json.expect(0).out).unwrap();
        let counts = ["rows", "sent", "invalid", "mended"].map(|key| json[key].as_u64());
        assert_eq!(counts, [Some(4), Some(3), Some(1), Some(1)]);
        let unreached = export(&scratch, &["--only-unreached", "-o", "-"])
            .expect(0)
            .out;
        assert_eq!(unreached.lines().count(), 1, "{unreached}");
    }
}

/// Mends the rejects, and saves them as `mended.SUFFIX`.
fn mend(scratch: &Scratch, suffix: &str) {
    let rejects = scratch.read("list.rejects.csv");
    let mended = rejects.replace(";12;", ";+420777123457;");
    if suffix == "csv" {
        scratch.write("mended.csv", &mended);
        return;
    }
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b';')
        .has_headers(false)
        .from_reader(mended.trim_start_matches('\u{feff}').as_bytes());
    for (row, record) in (0_u32..).zip(reader.records()) {
        for (at, cell) in (0_u16..).zip(&record.unwrap()) {
            sheet.write_string(row, at, cell).unwrap();
        }
    }
    book.save(scratch.path("mended.xlsx")).unwrap();
}

#[test]
fn a_rejects_file_of_another_batch_mends_nothing_here() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("list.csv"), CZECH).unwrap();
    rehearse(&scratch, "list.csv", &[]);
    let rejects = scratch.read("list.rejects.csv");
    let others = rejects
        .replace(";12;", ";+420777123457;")
        .replace("spring:", "autumn:");
    scratch.write("mended.csv", &others);
    let told = rehearse(&scratch, "mended.csv", &["--add"]).said;
    assert!(
        told.contains("1  invalid: cannot be sent as they stand"),
        "{told}"
    );
}

#[test]
fn rows_that_name_a_row_of_another_batch_repeat_whom_this_batch_has() {
    let scratch = Scratch::new();
    let counts = |batch: &str| {
        let json = scratch.outreach(&["status", batch, "--json"]).run();
        let json: serde_json::Value = serde_json::from_str(&json.expect(0).out).unwrap();
        ["rows", "sent", "duplicate"].map(|key| json[key].as_u64().unwrap())
    };
    scratch.write(
        "list.csv",
        "phone,name\n+420777123456,Jan\n+420777123457,Eva\n",
    );
    rehearse(&scratch, "list.csv", &[]);
    // In the other batch row 2 has the same number, and could not be sent.
    let head = "phone,name,outreach_row,outreach_reason,outreach_suggestion,outreach_mends";
    let jan = "+420777123456,Jan,2,,,autumn:1:2";
    scratch.write("mended.csv", &format!("{head}\n{jan}\n"));
    rehearse(&scratch, "mended.csv", &["--add"]);
    assert_eq!(counts("spring"), [3, 2, 1]);
    // As a list of their own they are rows like any: the second repeats the first.
    let again = "+420777123456,Jan,2,,,autumn:1:3";
    scratch.write("own.csv", &format!("{head}\n{again}\n{jan}\n"));
    scratch
        .outreach(&["send", "own.csv", "--sandbox", "--batch", "summer"])
        .with(&["--message", "Hello Jan", "--min-valid", "0"])
        .run()
        .expect(0);
    assert_eq!(counts("summer"), [2, 1, 1]);
}

#[test]
fn what_a_sheet_cannot_hold_is_refused_by_name() {
    let scratch = Scratch::new();
    let long = "x".repeat(32_768);
    let list = format!("phone,note\n+420777123456,{long}\n");
    scratch.write("list.csv", &list);
    rehearse(&scratch, "list.csv", &[]);
    let refused = export(&scratch, &["-o", "r.xlsx"]).expect(8);
    assert!(
        refused.said.contains("row 2") && refused.said.contains(".csv"),
        "{}",
        refused.said
    );
    assert!(!scratch.path("r.xlsx").exists());
}
