//! Lists say in many places that somebody must not be messaged: all of them are heard, or the list is refused.

use rust_xlsxwriter::{Format, Formula, Workbook};

use crate::exports::{judge_file, verdict};
use crate::lists::hold;
use crate::support::Scratch;
use outreach::internals::intake::Settings;

pub(crate) const NO: &str = "suppressed, no consent";

#[test]
fn rows_below_another_header_are_not_read_by_the_first() {
    let two_lists = "two lists in one file";
    let joined = |first: &str, header: &str, rows: &str| format!("{first}\n{header}\n{rows}");
    let first = "Name,Phone,Opt out\nA,602333441,no\nB,602333442,no";
    for (header, rows) in [
        // The same columns in another order.
        ("Opt out,Name,Phone", "yes,C,602333443"),
        ("Name,Opt out,Phone", "C,yes,602333443"),
        ("Phone,Name,Opt out", "602333443,C,yes"),
        // Other columns, and the numbers at the same place.
        ("Name,Phone,Accepts SMS", "C,602333443,no"),
        ("Jméno,Telefon,Souhlas", "C,602333443,ne"),
        ("First name,Mobile,City", "C,602333443,Brno"),
        ("Name,Phone", "C,602333443"),
        ("Name,Phone,Opt out,City", "C,602333443,yes,Brno"),
        // One word that nobody knows.
        ("Name,Phone,Xyzzy", "C,602333443,yes"),
    ] {
        let list = joined(first, header, rows);
        hold(&[("joined.csv", &list, Some("CZ"), &[two_lists])]);
    }
    hold(&[
        // The same header once more is a row too many.
        (
            "again.csv",
            &joined(first, "Name,Phone,Opt out", "C,602333443,yes"),
            Some("CZ"),
            &["+420602333441", "+420602333442", "not a phone", NO],
        ),
        // People without a number, and with words of headers in some cell.
        (
            "people.csv",
            "Name,Phone,Preferred,City\nA,602333441,phone,Brno\nMobil,,phone,Brno\nB,mobil,phone,Brno\nC,,mobil,email\n",
            Some("CZ"),
            &["+420602333441", "empty", "phone", "empty"],
        ),
    ]);
    let scratch = Scratch::new();
    scratch.write(
        "joined.csv",
        &joined(first, "Opt out,Name,Phone", "yes,C,602333443"),
    );
    let flags = ["--sandbox", "--yes", "--region", "CZ", "-m", "Hello"];
    let send = scratch.outreach(&["send", "joined.csv"]).with(&flags).run();
    send.expect(7)
        .says("row 4")
        .says("Split the file before row 4");
}

/// What becomes of the rows of a workbook with one sheet.
fn of_sheet(name: &str, write: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<String> {
    let scratch = Scratch::new();
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in [
        ["Name", "Phone", "Consent"],
        ["A", "+420602333441", ""],
        ["B", "+420602333442", ""],
        ["C", "+420602333443", ""],
        ["D", "+420602333444", "yes"],
    ]
    .into_iter()
    .enumerate()
    {
        for (column, cell) in cells.into_iter().enumerate() {
            let (row, column) = (u32::try_from(row).unwrap(), u16::try_from(column).unwrap());
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    write(sheet);
    let path = scratch.path(name);
    book.save(&path).unwrap();
    let settings = Settings {
        min_valid: "0%".parse().unwrap(),
        ..Settings::default()
    };
    match judge_file(&path, &settings) {
        Ok((_, rows, _)) => rows.iter().map(verdict).collect(),
        Err(refused) => vec![refused.to_string()],
    }
}

fn are(rows: &[String], expected: &[&str]) {
    let mut pairs = rows.iter().zip(expected);
    let fit = rows.len() == expected.len() && pairs.all(|(row, part)| row.contains(part));
    assert!(fit, "{rows:#?} and not {expected:#?}");
}

#[test]
fn a_no_in_merged_cells_is_heard_in_all_of_their_rows() {
    let rows = of_sheet("merged.xlsx", |sheet| {
        let plain = Format::new();
        sheet.merge_range(1, 2, 3, 2, "no", &plain).unwrap();
    });
    are(&rows, &[NO, NO, NO, "+420602333444"]);
    // One that begins in the header belongs to it.
    let rows = of_sheet("merged.xlsx", |sheet| {
        let plain = Format::new();
        sheet.merge_range(1, 2, 2, 2, "no", &plain).unwrap();
        sheet.merge_range(0, 0, 1, 0, "Name", &plain).unwrap();
    });
    are(&rows, &[NO, NO, "+420602333443", "+420602333444"]);
}

#[test]
fn a_formula_that_was_not_calculated_is_no_empty_answer() {
    let rows = of_sheet("formula.xlsx", |sheet| {
        let formula = || Formula::new("=IF(1=1,\"no\",\"yes\")");
        for (row, result) in [(1, "no"), (2, "yes")] {
            let formula = formula().set_result(result);
            sheet.write_formula(row, 2, formula).unwrap();
        }
    });
    are(
        &rows,
        &[NO, "+420602333442", "+420602333443", "+420602333444"],
    );
    let cell = |text: &str| format!("<Cell><Data ss:Type=\"String\">{text}</Data></Cell>");
    let row = |phone: &str, consent: &str| format!("<Row>{}{consent}</Row>", cell(phone));
    let formula = "<Cell ss:Formula=\"=RC[-1]\"/>";
    for header in ["Consent", "Do not contact", "Status", "Note", "GDPR"] {
        let rows = [
            row("Phone", &cell(header)),
            row("+420602333441", formula),
            row("+420602333442", "<Cell/>"),
        ];
        let sheet = format!(
            "<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\" \
             xmlns:ss=\"urn:schemas-microsoft-com:office:spreadsheet\"><Worksheet ss:Name=\"A\"><Table>{}</Table></Worksheet>\
             </Workbook>",
            rows.concat()
        );
        let expected = [NO, "+420602333442"];
        hold(&[("formula.xls", &sheet, None, &expected)]);
    }
}

#[test]
fn the_word_no_under_the_no_of_two_columns_may_mean_either() {
    let held = "which is not understood as consent";
    hold(&[
        (
            "no.csv",
            "Jméno,Telefon,Souhlas NE\nA,602333441,ne\nB,602333442,\nC,602333443,x\nD,602333444,NE\nE,602333445,0\n",
            Some("CZ"),
            &[held, "+420602333442", NO, held, "+420602333445"],
        ),
        (
            "both.csv",
            "Jméno,Telefon,Souhlas ANO,Souhlas NE\nA,602333441,,ne\nB,602333442,ano,\nC,602333443,x,\n",
            Some("CZ"),
            &[held, "+420602333442", "+420602333443"],
        ),
    ]);
}

#[test]
fn a_word_that_may_deny_in_a_column_of_consent_is_none_to_rely_on() {
    let list = "Jméno,Telefon,GDPR\nA,602333441,papír\nB,602333442,formulář\nC,602333443,web\nD,602333444,nepotvrzeno\n\
                E,602333445,neposílejte jí to\nF,602333446,nepřeje si\nG,602333447,newsletter\nH,602333448,#N/A\n";
    hold(&[(
        "gdpr.csv",
        list,
        Some("CZ"),
        &["+420", "+420", "+420", NO, NO, NO, "+420", NO],
    )]);
}

#[test]
fn a_refusal_is_heard_in_the_cell_of_a_name_and_in_any_other() {
    hold(&[
        (
            "names.csv",
            "Jméno,Telefon\nJana NEVOLAT!,602333441\nPetr (odhlášen),602333442\nDO NOT CONTACT,602333443\nStop,602333444\n\
             Nevolný,602333445\nNechce Smetanová,602333446\nRobinson,602333447\nnekontaktovat Eva,602333448\nIvo 🚫,602333449\n",
            Some("CZ"),
            &[
                NO,
                NO,
                NO,
                "+420602333444",
                "+420602333445",
                "+420602333446",
                "+420602333447",
                NO,
                NO,
            ],
        ),
        (
            "cells.csv",
            "Name,Phone,City,Email,Order\nA,602333441,Brno,a@b.cz,12\nB,602333442,NEKONTAKTOVAT,,\nC,602333443,Unsubscribed,,\n\
             D,602333444,Brno - nevolat,,\nE,602333445,,unsubscribed,\nF,602333446,Baja,,\n\
             G,602333447,,,\"leave it at the door and please do not call me\"\n",
            Some("CZ"),
            &[
                "+420602333441",
                NO,
                NO,
                NO,
                "+420602333445",
                "+420602333446",
                "+420602333447",
            ],
        ),
        // What people, companies and places are called.
        (
            "called.csv",
            "Name,Phone,Company,City\nRobinson Nix,602333441,Blacklist Studio,Baja\nDo Van Minh,602333442,No Limits,Nepomuk\n\
             Ne Nekola,602333443,DND Records,\nJana Stop,602333444,Stop Pub,\n",
            Some("CZ"),
            &[
                "+420602333441",
                "+420602333442",
                "+420602333443",
                "+420602333444",
            ],
        ),
        // It wins for its number.
        (
            "wins.csv",
            "Name,Phone\nA,602333441\nA - do not contact,602333441\n",
            Some("CZ"),
            &[NO, NO],
        ),
    ]);
    let scratch = Scratch::new();
    let list = "Name,Phone,Order\nA,602333441,\"leave it at the door and please do not call me\"\n";
    scratch.write("told.csv", list);
    let check = ["check", "told.csv", "--region", "CZ"];
    let said = scratch.outreach(&check).run().expect(0).out;
    assert!(said.contains("a remark that may forbid it"), "{said}");
    // A column that means something else is left out.
    scratch.write("ignored.csv", "Name,Phone\nNo SMS Ltd,602333441\n");
    let check = ["check", "ignored.csv", "--region", "CZ"];
    let check = |more: &[&str]| scratch.outreach(&check).with(more).run().expect(0).out;
    let left_out = "1  no consent";
    assert!(check(&[]).contains(left_out));
    let ignored = check(&["--ignore-consent-column", "Name"]);
    assert!(!ignored.contains(left_out), "{ignored}");
}

#[test]
fn nobody_below_a_heading_of_refusals_is_messaged() {
    for heading in [
        "DO NOT CONTACT BELOW,",
        ",DO NOT CONTACT:",
        "--- Opt-outs ---",
        "Odhlášení:,",
        "Unsubscribed,Unsubscribed",
        "Nevolat,",
    ] {
        let list = format!("Name,Phone\nA,602333441\n{heading}\nB,602333442\n");
        let refused = "row 3: ";
        hold(&[("list.csv", &list, Some("CZ"), &[refused])]);
        // Nobody stands below it.
        let list = format!("Name,Phone\nA,602333441\n{heading}\n");
        let scratch = Scratch::new();
        scratch.write("list.csv", &list);
        let check = ["check", "list.csv", "--region", "CZ"];
        let said = scratch.outreach(&check).run().expect(0).out;
        assert!(said.contains("1  would be sent"), "{said}");
    }
    // A person of whom no more is left, in a list with such a column.
    hold(&[(
        "erased.csv",
        "Name,Phone,Status\nA,602333441,active\n,,unsubscribed\nB,602333442,active\n",
        Some("CZ"),
        &["+420602333441", "empty", "+420602333442"],
    )]);
}

#[test]
fn a_list_is_not_messaged_whose_name_says_that_it_must_not_be() {
    let list = "Name,Phone\nA,+420602333441\n";
    let refused = "do not want to be messaged";
    for name in [
        "opt-outs.csv",
        "DNC.csv",
        "unsubscribed_users 2026-11.csv",
        "Odhlášení.csv",
        "nevolat.csv",
        "do not contact list.csv",
    ] {
        hold(&[(name, list, None, &[refused])]);
        let scratch = Scratch::new();
        scratch.write(name, list);
        let import = scratch.outreach(&["suppress", "import", name]).run();
        import.expect(0);
    }
    for name in [
        "customers.csv",
        "no-show reminder.csv",
        "opt-out reminder.csv",
        "2026-11.csv",
        "list.csv",
    ] {
        hold(&[(name, list, None, &["+420602333441"])]);
    }
    let scratch = Scratch::new();
    let book = |sheets: &[&str]| {
        let mut book = Workbook::new();
        for (name, number) in sheets.iter().zip(1..) {
            let sheet = book.add_worksheet().set_name(*name).unwrap();
            sheet.write_string(0, 0, "phone").unwrap();
            let phone = format!("+42060233344{number}");
            sheet.write_string(1, 0, phone).unwrap();
            sheet.set_hidden(["Opt-outs", "Codes"].contains(name));
        }
        book.save(scratch.path("list.xlsx")).unwrap();
    };
    let check = |flags: &[&str]| scratch.outreach(&["check", "list.xlsx"]).with(flags).run();
    book(&["Odhlášení"]);
    check(&[]).expect(7).says("--sheet").says("Odhlášení");
    check(&["--sheet", "Odhlášení"]).expect(0);
    for sheets in [["DNC", "Clients"], ["Clients", "DNC"]] {
        book(&sheets);
        check(&[])
            .expect(7)
            .says("--sheet \"DNC\"")
            .says("--sheet \"Clients\"");
        let said = check(&["--sheet", "Clients"]).expect(0).out;
        assert!(said.contains("sheet \"Clients\""), "{said}");
        let import = ["suppress", "import", "list.xlsx", "--sheet", "DNC"];
        scratch.outreach(&import).run().expect(0);
    }
    // Whoever hides such a sheet means no less by it; another hidden one is none to ask about.
    book(&["Clients", "Opt-outs"]);
    check(&[]).expect(7).says("--sheet \"Clients\"");
    check(&["--sheet", "Clients"]).expect(0);
    book(&["Clients", "Codes"]);
    check(&[]).expect(0);
    // The title of a list, and the header of its numbers.
    for list in [
        "Opt-outs 2026\nName,Phone\nA,+420602333441\n",
        "Name,Do not call\nA,+420602333441\n",
        "Unsubscribed\n+420602333441\n",
    ] {
        hold(&[("people.csv", list, None, &[refused])]);
    }
}

#[test]
fn a_column_of_yes_and_no_without_a_header_is_asked_about() {
    let scratch = Scratch::new();
    scratch.write("bare.csv", "A,602333441,ano\nB,602333442,ne\n");
    scratch.write("gap.csv", "Name,Phone,\nA,602333441,yes\nB,602333442,no\n");
    for (name, flags) in [("bare.csv", &["--no-header"][..]), ("gap.csv", &[])] {
        let check = ["check", name, "--region", "CZ"];
        let check = |more: &[&str]| scratch.outreach(&check).with(flags).with(more).run();
        check(&[])
            .expect(7)
            .says("column 3 has no header")
            .says("--ignore-consent-column 3");
        let said = check(&["--ignore-consent-column", "3"]).expect(0).out;
        assert!(said.contains("2  would be sent"), "{said}");
    }
    // Other cells without a header are read as those of any column.
    let list = "A,602333441,Brno\nB,602333442,nevolat\n";
    scratch.write("other.csv", list);
    let check = ["check", "other.csv", "--region", "CZ", "--no-header"];
    let said = scratch.outreach(&check).run().expect(0).out;
    assert!(said.contains("1  no consent"), "{said}");
}

/// The first day of a consent and its last one, below one name.
#[test]
fn the_days_of_a_consent_are_those_of_its_name_in_the_row_above() {
    let rows = "Jan;602111222;1.1.2024;1.1.2090\nEva;602111223;1.1.2020;1.1.2024\nOta;602111224;1.1.2090;1.1.2091\n";
    let scratch = Scratch::new();
    for header in [
        "Jméno;Telefon;Souhlas;\n;;od;do\n",
        ";;Souhlas;\nJméno;Telefon;od;do\n",
    ] {
        scratch.write("list.csv", &format!("{header}{rows}"));
        let check = ["check", "list.csv", "--region", "CZ"];
        let said = scratch.outreach(&check).run().expect(0).out;
        assert!(said.contains("1  would be sent"), "{said}");
        assert!(said.contains("2  must not be sent"), "{said}");
    }
}
