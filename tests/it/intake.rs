//! Contact files of every kind are understood, or refused by name.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::path::Path;

use outreach::internals::domain::dialect::{Delimiter, Dialect, FileFormat};
use outreach::internals::domain::recipient::{JudgedRow, Verdict};
use outreach::internals::intake::{
    Input, IntakeError, Judge, JudgeError, NumbersPerRow, Settings, Source, Summary,
};
use outreach::internals::report::rejects::RejectsFile;

/// Judges files of `fixtures/`.
fn judge(
    names: &[&str],
    settings: &Settings,
) -> Result<(Input, Vec<JudgedRow>, Summary), IntakeError> {
    let folder = Path::new("fixtures");
    let sources: Vec<_> = names
        .iter()
        .map(|name| Source::Path(folder.join(name)))
        .collect();
    let mut input = Input::open(&sources, settings)?;
    let mut rows = Vec::new();
    let judged = input.judge(&Judge::alone(), &mut |row| {
        rows.push(row);
        Ok::<_, Infallible>(())
    });
    match judged {
        Ok(summary) => Ok((input, rows, summary)),
        Err(JudgeError::Intake(error)) => Err(error),
        Err(JudgeError::Sink(never)) => match never {},
    }
}

/// How a file is read: what was detected, and a line for each row.
fn reading(names: &[&str], settings: &Settings) -> String {
    let (input, rows, summary) = match judge(names, settings) {
        Ok(judged) => judged,
        Err(refused) => return format!("refused: {refused}"),
    };
    let mut out = String::new();
    for line in input.notes().iter().chain(&input.mapping().describe()) {
        writeln!(out, "{line}").unwrap();
    }
    for row in &rows {
        let fields: Vec<_> = row.record.iter().collect();
        writeln!(out, "{} {fields:?}: {}", row.position.row, verdict(row)).unwrap();
    }
    assert_eq!(rows.len() as u64, summary.rows, "one verdict for each row");
    assert_eq!(
        summary.rows,
        summary.queued + summary.invalid + summary.duplicate + summary.suppressed
    );
    out
}

fn verdict(row: &JudgedRow) -> String {
    match &row.verdict {
        Verdict::Queued(accepted) => match &accepted.mended {
            Some(mended) => format!("{} ({mended})", accepted.phone.e164()),
            None => accepted.phone.e164(),
        },
        Verdict::Invalid {
            problem,
            suggestion: Some(text),
            ..
        } => format!("invalid, {problem}; {text}?"),
        Verdict::Invalid {
            problem,
            suggestion: None,
            ..
        } => format!("invalid, {problem}"),
        Verdict::Duplicate { first, .. } => {
            format!("duplicate of file {} row {}", first.file, first.row)
        }
        Verdict::Suppressed { cause, .. } => format!("suppressed, {cause}"),
    }
}

fn region(code: &str) -> Settings {
    Settings {
        region: Some(code.parse().unwrap()),
        ..Settings::default()
    }
}

/// Several files, each with its reading.
fn readings(names: &[&str], settings: &Settings) -> String {
    names.iter().fold(String::new(), |mut out, name| {
        writeln!(out, "# {name}\n{}", reading(&[name], settings)).unwrap();
        out
    })
}

const CSV: FileFormat = FileFormat::Text(Dialect {
    delimiter: Delimiter::Comma,
    mark: false,
});

#[test]
fn formats_and_encodings_are_detected() {
    insta::assert_snapshot!(readings(
        &[
            "contacts.csv",
            "bom.csv",
            "semicolon.csv",
            "tab.tsv",
            "pipe.csv",
            "quotes.csv",
            "excel_sep.csv",
            "windows-1250.csv",
            "iso-8859-2.csv",
            "windows-1252.csv",
            "utf-16.csv",
            "utf-16be-no-mark.csv",
            "old-mac.csv",
            "contacts.csv.gz",
            "contacts.csv.zst",
            "blank-lines.csv",
            "results.csv",
        ],
        &Settings::default(),
    ));
}

#[test]
fn pages_of_dos_and_mac_are_detected_by_their_letters() {
    let mut all = String::new();
    for (name, country) in [
        ("dos-german.csv", "DE"),
        ("dos-czech.csv", "CZ"),
        ("dos-turkish.csv", "TR"),
        ("mac-french.csv", "FR"),
        ("mac-polish.csv", "PL"),
        ("doubtful.csv", "CZ"),
    ] {
        writeln!(all, "# {name}\n{}", reading(&[name], &region(country))).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn workbooks_are_read_by_sheet() {
    let sheet = Settings {
        sheet: Some("Kontakty".to_owned()),
        ..region("CZ")
    };
    insta::assert_snapshot!(readings(
        &["workbook.xlsx", "workbook.xls", "workbook.ods"],
        &sheet
    ));
    insta::assert_snapshot!(
        "workbooks_first_sheet_with_numbers",
        readings(&["workbook.xlsx"], &region("CZ"))
    );
    let wrong = Settings {
        sheet: Some("Contacts".to_owned()),
        ..Settings::default()
    };
    insta::assert_snapshot!(
        "workbooks_wrong_sheet",
        readings(&["workbook.xlsx"], &wrong)
    );
}

#[test]
fn the_phone_column_is_found_in_many_languages_and_by_content() {
    insta::assert_snapshot!(readings(
        &[
            "german.csv",
            "spanish.csv",
            "french.csv",
            "polish.csv",
            "portuguese.csv",
            "by-content.csv",
            "countries.csv"
        ],
        &Settings::default(),
    ));
}

#[test]
fn damage_is_mended_or_named() {
    insta::assert_snapshot!(reading(&["damage.csv"], &region("CZ")));
}

#[test]
fn address_books_json_and_web_tables_are_read_as_tables() {
    let settings = Settings {
        min_valid: "0".parse().unwrap(),
        ..region("CZ")
    };
    insta::assert_snapshot!(readings(
        &[
            "android-21.vcf",
            "apple-30.vcf",
            "cards-40.vcf",
            "contacts.jsonl",
            "contacts.json",
            "wrapped.json",
            "rows.json",
            "rows.jsonl",
            "table.html.xls",
            "spreadsheetml.xls",
            "one-list.zip",
        ],
        &settings,
    ));
}

#[test]
fn what_is_no_list_is_refused_by_what_it_is() {
    insta::assert_snapshot!(readings(
        &[
            "json-cells.csv",
            "cut-off.vcf",
            "cut-off.json",
            "scalars.json",
            "two-tables.html",
            "login.html",
            "other.xml",
            "document.pdf",
            "document.rtf",
            "document.docx",
            "list.numbers",
            "picture.png",
            "calendar.ics",
            "several-lists.zip",
            "zip-in-zip.zip",
        ],
        &Settings::default(),
    ));
}

#[test]
fn blank_is_blank_in_whatever_sign() {
    insta::assert_snapshot!(reading(&["blank-cells.csv"], &region("CZ")));
}

#[test]
fn what_is_not_certain_is_refused_by_name() {
    insta::assert_snapshot!(readings(
        &[
            "two-people.csv",
            "no-phone.csv",
            "no-header.csv",
            "unclosed-quote.csv",
            "swallowed-rows.csv",
            "swallowed-one-row.csv",
            "uneven.csv",
            "junk-only.csv",
            "mostly-junk.csv",
            "empty.csv",
            "header-only.csv",
            "missing.csv",
        ],
        &Settings::default(),
    ));
}

#[test]
fn notes_below_the_last_contact_are_left_out_and_told() {
    let path = ["notes-below.csv"];
    insta::assert_snapshot!(reading(&path, &Settings::default()));
    let (_, _, summary) = judge(&path, &Settings::default()).unwrap();
    let told: Vec<_> = summary
        .notes
        .iter()
        .map(|it| (it.row, &*it.typed))
        .collect();
    assert_eq!(
        (summary.rows, summary.invalid, summary.note_rows),
        (7, 3, 3)
    );
    assert_eq!(
        told,
        [
            (10, "Total: 2"),
            (11, "Exported on 2026-11-28 10:04"),
            (12, "Page 1 of 3")
        ]
    );
}

#[test]
fn without_a_header_the_columns_have_numbers() {
    let mut settings = Settings {
        no_header: true,
        ..Settings::default()
    };
    insta::assert_snapshot!(reading(&["no-header.csv"], &settings));
    settings.columns.phone = vec!["3".to_owned()];
    settings.columns.first_name = Some("1".to_owned());
    insta::assert_snapshot!(
        "no_header_named_by_number",
        reading(&["no-header.csv"], &settings)
    );
}

#[test]
fn several_phone_columns_give_one_number_or_all() {
    let mut settings = Settings::default();
    insta::assert_snapshot!("two_phones_found", reading(&["two-phones.csv"], &settings));
    settings.columns.phone = vec!["Phone".to_owned(), "mobile".to_owned()];
    insta::assert_snapshot!("two_phones_first", reading(&["two-phones.csv"], &settings));
    settings.prefer = "mobile".parse().unwrap();
    insta::assert_snapshot!("two_phones_mobile", reading(&["two-phones.csv"], &settings));
    settings.numbers = NumbersPerRow::All;
    let (_, rows, summary) = judge(&["two-phones.csv"], &settings).unwrap();
    let all: Vec<_> = rows
        .iter()
        .map(|row| format!("{} {}", row.position.row, verdict(row)))
        .collect();
    assert_eq!(
        all,
        [
            "2 +420212345678",
            "2 +420777123456",
            "3 +420602987654",
            "4 +420731556677"
        ]
    );
    assert_eq!((summary.rows, summary.queued), (3, 4));
}

#[test]
fn duplicates_are_found_across_files_and_columns_in_another_order() {
    insta::assert_snapshot!(reading(
        &["duplicates.csv", "duplicates-2.csv"],
        &region("CZ")
    ));
    let (.., summary) = judge(&["duplicates.csv"], &region("CZ")).unwrap();
    assert_eq!(
        (summary.duplicate, summary.shared_numbers),
        (2, 1),
        "one of the two is another person"
    );
}

#[test]
fn a_column_that_is_not_there_is_refused_with_the_near_one() {
    let mut settings = Settings::default();
    settings.columns.phone = vec!["phne".to_owned()];
    insta::assert_snapshot!(
        reading(&["contacts.csv"], &settings),
        @r#"refused: there is no column "phne" (did you mean "phone"?); the file has: first_name, last_name, phone, city"#
    );
}

#[test]
fn the_mapping_has_one_canonical_text() {
    let (input, ..) = judge(&["countries.csv"], &region("CZ")).unwrap();
    insta::assert_snapshot!(
        input.mapping().canonical(),
        @r#"phone="phone";first_name=-;last_name=-;contact_id=-;region="country";default_region=CZ;prefer=first;numbers=one"#
    );
}

#[test]
fn rejects_are_mended_and_read_again_as_the_same_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damage.rejects.csv");
    let (input, rows, summary) = judge(&["damage.csv"], &region("CZ")).unwrap();
    let mut rejects = RejectsFile::create(&path, input.headers(), CSV, None).unwrap();
    for row in &rows {
        rejects.push(row).unwrap();
    }
    assert_eq!(rejects.finish().unwrap(), summary.invalid);
    let text = std::fs::read_to_string(&path).unwrap();
    insta::assert_snapshot!("rejects", text);

    std::fs::write(&path, text.replace("4.20777E+11", "+420777123471")).unwrap();
    let mut settings = region("CZ");
    settings.min_valid = "0".parse().unwrap();
    let mut again = Input::open(&[Source::Path(path)], &settings).unwrap();
    assert_eq!(again.headers(), input.headers());
    let mut sent = Vec::new();
    again
        .judge(&Judge::alone(), &mut |row| {
            sent.extend(matches!(row.verdict, Verdict::Queued(_)).then(|| verdict(&row)));
            Ok::<_, Infallible>(())
        })
        .unwrap();
    assert_eq!(sent, ["+420777123471"]);
}

#[test]
fn a_later_file_with_other_columns_is_refused() {
    insta::assert_snapshot!(
        "other_columns",
        [
            reading(&["duplicates.csv", "contacts.csv"], &region("CZ")),
            reading(&["contacts.csv", "duplicates.csv"], &region("CZ")),
        ]
        .join("\n")
    );
}

#[test]
fn rows_are_counted_as_rows_however_many_numbers_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    let two = "+420777123001 / +420777123002";
    std::fs::write(&path, format!("phone,name\n{two},Jana\n+420777123003,\n")).unwrap();
    let settings = Settings {
        numbers: outreach::internals::intake::NumbersPerRow::All,
        min_valid: "50%".parse().unwrap(),
        ..Settings::default()
    };
    let judged = |faulty: &'static str| {
        let mut input = Input::open(&[Source::Path(path.clone())], &settings).unwrap();
        let render = move |record: &outreach::internals::domain::recipient::Record,
                           _: outreach::internals::domain::phone::PhoneNumber,
                           _: &outreach::internals::intake::EarlierMessages| {
            let name = record.get(1).unwrap_or("");
            if faulty.is_empty() || name == faulty {
                return Err(outreach::internals::intake::Unsendable::Problem(
                    "no name".to_owned(),
                ));
            }
            Ok(outreach::internals::domain::content::Rendered {
                content: "{}".to_owned(),
                metadata: "{}".to_owned(),
            })
        };
        let judge = Judge {
            of_another: &|_, _| false,
            render: Some(&render),
            ..Judge::alone()
        };
        input.judge(&judge, &mut |_| Ok::<_, Infallible>(()))
    };
    // Both numbers of the first row are invalid, the second row is not: one row of two.
    assert_eq!(judged("Jana").unwrap().valid_rows, 1);
    let Err(JudgeError::Intake(refused)) = judged("") else {
        panic!("nobody can be messaged");
    };
    let told = refused.to_string();
    assert!(
        told.contains("none of the 2 rows makes a message"),
        "{told}"
    );
}
