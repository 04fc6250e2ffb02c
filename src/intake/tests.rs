use std::fmt::Write as _;
use std::io::Write as _;

mod beside;
mod countries;
mod earlier;
mod labels;
mod layouts;
mod levels;
mod owner;
mod refused_cells;

use super::*;
use proptest::prelude::*;

use crate::domain::content::Rendered;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{JudgedRow, Position, RowNumber, Suppression, Verdict};

/// Writes the text to a file and judges it.
fn judge(text: &[u8], settings: &Settings) -> Result<(Vec<JudgedRow>, Summary), IntakeError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text).unwrap();
    let mut input = Input::open(&[Source::Path(file.path().to_owned())], settings)?;
    let mut rows = Vec::new();
    let judged = input.judge(&Judge::alone(), &mut |row| {
        rows.push(row);
        Ok::<_, std::convert::Infallible>(())
    });
    match judged {
        Ok(summary) => Ok((rows, summary)),
        Err(JudgeError::Intake(error)) => Err(error),
        Err(JudgeError::Sink(never)) => match never {},
    }
}

/// One word for each row.
fn words(rows: &[JudgedRow]) -> Vec<String> {
    rows.iter()
        .map(|row| match &row.verdict {
            Verdict::Queued(accepted) => format!("{} {}", row.position.row, accepted.phone.e164()),
            Verdict::Invalid { problem, .. } => format!("{} {}", row.position.row, problem.code()),
            Verdict::Duplicate { first, .. } => format!("{} as {}", row.position.row, first.row),
            Verdict::Suppressed { cause, .. } => format!("{} {}", row.position.row, cause.code()),
        })
        .collect()
}

#[test]
fn every_row_gets_one_verdict_under_its_spreadsheet_number() {
    let text = b"first_name,phone\nJan,+420777123456\n\nEva,\"+420 777 654 321\"\n,\n\"Petr\nNovak\",777\nIva,+420777123456\n";
    let (rows, summary) = judge(text, &Settings::default()).unwrap();
    assert_eq!(
        words(&rows),
        [
            "2 +420777123456",
            "4 +420777654321",
            "6 needs_region",
            "7 as 2"
        ]
    );
    assert_eq!(
        (summary.rows, summary.blank_rows, summary.shared_numbers),
        (4, 1, 1)
    );
}

#[test]
fn an_unclosed_quote_is_refused_by_the_row_that_opened_it() {
    let text = b"name,phone\nJan,+420777123456\n\"Eva,+420777654321\nPetr,+420777111222\n";
    let error = judge(text, &Settings::default()).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "row 3 (line 3): a quote is opened here and never closed; close or remove it"
        ),
        "{error}"
    );
}

/// Reads all records with our reader, through reads of `step` bytes.
fn ours(text: &[u8], delimiter: u8, step: usize) -> Result<Vec<Vec<Vec<u8>>>, rows::RowFault> {
    struct Slow<'a>(&'a [u8], usize);
    impl std::io::Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let length = self.1.min(into.len());
            self.0.read(&mut into[..length])
        }
    }
    let mut reader = rows::RowReader::new(Slow(text, step), delimiter);
    let mut block = rows::Block::default();
    while reader.read(&mut block)? {}
    Ok(block
        .iter()
        .map(|(_, fields)| fields.iter().map(<[u8]>::to_vec).collect())
        .collect())
}

fn csv_crate_records(text: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text)
        .byte_records()
        .map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_are_cut_as_the_csv_crate_cuts_them(text in "[ab\",;\r\n]{0,40}", step in 1_usize..9) {
        match ours(text.as_bytes(), b',', step) {
            Ok(records) => prop_assert_eq!(records, csv_crate_records(text.as_bytes(), b',')),
            Err(fault) => {
                let unclosed = matches!(fault, rows::RowFault::Unclosed { .. });
                prop_assert!(unclosed, "{:?}", fault);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_in_a_result_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..2000), magic in 0_usize..7) {
        let magic: &[u8] = [
            &b""[..], b"phone\n", &[0x1f, 0x8b, 8, 0], &[0x28, 0xb5, 0x2f, 0xfd], b"PK\x03\x04", &[0xd0, 0xcf, 0x11, 0xe0],
            b"\xff\xfe",
        ][magic];
        let mut file = magic.to_vec();
        file.extend(bytes);
        if let Ok((rows, summary)) = judge(&file, &Settings::default()) {
            prop_assert_eq!(rows.len() as u64, summary.rows);
        }
    }

    #[test]
    fn shuffling_the_rows_changes_no_decision_but_which_duplicate_is_first(
        lines in prop::collection::vec("(\\+42077712345[0-9]|777123456|x|00420777123451|\\+42077712345[0-9], 777)", 1..40)
            .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
    ) {
        let settings = Settings { min_valid: "0".parse().unwrap(), region: "CZ".parse().ok(), ..Settings::default() };
        let decisions = |lines: &[String]| {
            let text = format!("phone\n{}\n", lines.iter().map(|line| format!("\"{line}\"")).collect::<Vec<_>>().join("\n"));
            let Ok((rows, summary)) = judge(text.as_bytes(), &settings) else { return None };
            let mut numbers: Vec<_> = rows.iter().map(|row| match &row.verdict {
                Verdict::Queued(accepted) => format!("queued {}", accepted.phone.e164()),
                Verdict::Duplicate { phone, .. } => format!("duplicate {}", phone.e164()),
                Verdict::Invalid { problem, .. } => format!("{} {}", row.typed, problem.code()),
                Verdict::Suppressed { .. } => "suppressed".to_owned(),
            }).collect();
            numbers.sort();
            Some((numbers, summary.rows))
        };
        let (ordered, shuffled) = lines;
        let count = ordered.len() as u64;
        let before = decisions(&ordered);
        prop_assert_eq!(&before, &decisions(&shuffled));
        prop_assert!(before.is_none_or(|(_, rows)| rows == count));
    }
}

#[test]
fn rows_come_in_order_over_many_blocks_and_threads() {
    let mut text = String::from("phone,name\n");
    for row in 0..20_000 {
        writeln!(text, "+420777{row:06},\"a\nb\"").unwrap();
    }
    let (rows, summary) = judge(text.as_bytes(), &Settings::default()).unwrap();
    assert_eq!(summary.rows, 20_000);
    assert!(
        rows.iter()
            .zip(2..)
            .all(|(row, number)| row.position.row.get() == number)
    );
}

#[test]
fn a_field_as_large_as_the_file_is_refused_before_it_fills_the_memory() {
    let mut text = b"phone\n+420777123456\n\"".to_vec();
    text.resize(4 << 20, b'7');
    let error = judge(&text, &Settings::default()).unwrap_err();
    assert!(
        matches!(error, IntakeError::HugeRow { row: 3, .. }),
        "{error}"
    );
    let mut text = b"phone\n+420777123456\n\"".to_vec();
    text.extend(b"\n".repeat(200));
    let error = judge(&text, &Settings::default()).unwrap_err();
    assert!(
        matches!(
            error,
            IntakeError::HugeRow {
                row: 3,
                limit: "100 lines",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_row_of_nothing_but_delimiters_is_refused_before_it_fills_the_memory() {
    let text = format!("phone\n+420777123456\n{}", ",".repeat(100_000));
    let error = judge(text.as_bytes(), &Settings::default()).unwrap_err();
    let expected = matches!(
        error,
        IntakeError::HugeRow {
            row: 3,
            limit: "16384 fields",
            ..
        }
    );
    assert!(expected, "{error}");
}

#[test]
fn a_very_wide_file_is_called_wide_by_whatever_it_is_separated() {
    for delimiter in [",", ";", "\t"] {
        let names: Vec<_> = (0..100_000).map(|at| format!("column {at}")).collect();
        let text = format!("{}\n+420777123456\n", names.join(delimiter));
        let error = judge(text.as_bytes(), &Settings::default()).unwrap_err();
        assert!(
            matches!(error, IntakeError::TooWide { row: 1, .. }),
            "{error}"
        );
    }
}

#[test]
fn a_header_longer_than_the_sample_is_read_whole() {
    let names: Vec<_> = (0..10_000)
        .map(|at| format!("a column with the rather long name {at}"))
        .collect();
    let cells = vec![""; 10_000].join(",");
    let text = format!("phone,{}\n+420777123456,{cells}\n", names.join(","));
    let (rows, _) = judge(text.as_bytes(), &Settings::default()).unwrap();
    assert_eq!(words(&rows), ["2 +420777123456"]);
    let text = text.replacen("phone", "nothing", 1);
    let text = text.replace("+420777123456", "none");
    let error = judge(text.as_bytes(), &Settings::default())
        .unwrap_err()
        .to_string();
    assert!(error.ends_with(" and 9961 more"), "{error}");
}

#[test]
fn a_file_that_changes_between_the_two_readings_is_refused() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"phone\n+420777123456\n").unwrap();
    let mut input = Input::open(
        &[Source::Path(file.path().to_owned())],
        &Settings::default(),
    )
    .unwrap();
    file.write_all(b"+420777123457\n").unwrap();
    let judged = input.judge(&Judge::alone(), &mut |_| Ok::<_, ()>(()));
    assert!(matches!(
        judged,
        Err(JudgeError::Intake(IntakeError::Changed { .. }))
    ));
}

#[test]
fn suppression_rendering_and_earlier_rows_are_asked_for() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"phone,name\n+420777123450,A\n+420777123451,\n+420777123451,B\n+420777123452,C\n+420777123450,D\n").unwrap();
    let mut input = Input::open(
        &[Source::Path(file.path().to_owned())],
        &Settings::default(),
    )
    .unwrap();
    let phone = |last: u64| PhoneNumber::from_e164(420_777_123_450 + last).unwrap();
    let position = Position {
        file: 0,
        row: RowNumber::new(9).unwrap(),
    };
    let judge = Judge {
        suppressed: &|number| (number == phone(0)).then_some(Suppression::Forgotten),
        by_other_number: &|_, _, _| None,
        of_another: &|_, _| false,
        render: Some(&|record, _, _| match record.get(1) {
            Some("") | None => Err(Unsendable::Problem("the column name is empty".to_owned())),
            Some(name) => Ok(Rendered {
                content: format!("\"{name}\""),
                metadata: "{}".to_owned(),
            }),
        }),
        seen: &[(phone(2), position)],
        now: None,
        mended: &|_, _| MendedRow::Other,
        first_file: 1,
        examples: super::EXAMPLES,
    };
    let mut rows = Vec::new();
    input
        .judge(&judge, &mut |row| {
            rows.push(row);
            Ok::<_, ()>(())
        })
        .unwrap();
    assert_eq!(
        words(&rows),
        [
            "2 forgotten",
            "3 content",
            "4 +420777123451",
            "5 as 9",
            "6 as 2"
        ]
    );
    assert!(rows.iter().all(|row| row.position.file == 1));
}

#[test]
fn a_sink_that_fails_ends_the_reading() {
    let text = format!("phone\n{}", "+420777123456\n".repeat(50_000));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let mut input = Input::open(
        &[Source::Path(file.path().to_owned())],
        &Settings::default(),
    )
    .unwrap();
    let judged = input.judge(&Judge::alone(), &mut |_| Err("full"));
    assert!(matches!(judged, Err(JudgeError::Sink("full"))));
}

#[test]
fn a_note_that_mentions_a_number_is_no_swallowed_row() {
    let text = b"phone,note,city\n+420777123456,\"call him,\nor her, +420 777 111 222, soon\",Brno\n+420777123457,x,Brno\n";
    let (rows, _) = judge(text, &Settings::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(rows.len(), 2);
}

/// What a text is refused with.
fn refusal(text: &[u8]) -> String {
    let error = judge(text, &Settings::default()).map(|_| ()).unwrap_err();
    error.to_string()
}

#[test]
fn a_text_with_nul_characters_or_in_utf_32_is_refused() {
    let list = "phone,name\n+420777123456,Jan\n+420777123457,Eva\n";
    for (text, told) in [
        (
            list.replace("name", "na\0me"),
            "row 1: holds a NUL character",
        ),
        (list.replace("Eva", "E\0va"), "row 3: holds a NUL character"),
        (
            list.replace("Jan", "\"Ja\0n\""),
            "row 2: holds a NUL character",
        ),
        (list.repeat(9) + "\0", "row 28: holds a NUL character"),
        (
            r#"[{"phone":"+420777123456","name":"a\u0000b"}]"#.to_owned(),
            "holds a NUL character",
        ),
    ] {
        let said = refusal(text.as_bytes());
        assert!(said.contains(told), "{text:?}: {said}");
    }
    let wide = |order: fn(u32) -> [u8; 4]| -> Vec<u8> {
        list.chars().flat_map(|c| order(u32::from(c))).collect()
    };
    let (little, big) = (wide(u32::to_le_bytes), wide(u32::to_be_bytes));
    for (mark, text) in [(&[0xff, 0xfe, 0, 0], &little), (&[0, 0, 0xfe, 0xff], &big)] {
        let said = refusal(&[&mark[..], text].concat());
        assert!(said.contains("a text in UTF-32"), "{said}");
        assert!(!refusal(text).is_empty());
    }
}

#[test]
fn lines_in_two_encodings_are_refused_unless_one_is_named() {
    let mut text = "phone,name\n+420777123456,\u{c1}\u{148}a\n+420777123457,Bob\n"
        .as_bytes()
        .to_vec();
    text.extend_from_slice(b"+420777123458,\x8eofie\n");
    let said = refusal(&text);
    let told = "is in two encodings: line 2 in UTF-8, line 4 not (perhaps in windows-125";
    assert!(said.contains(told) && said.contains("--encoding"), "{said}");
    let settings = Settings {
        encoding: Some("windows-1250".parse().unwrap()),
        ..Settings::default()
    };
    assert_eq!(judge(&text, &settings).unwrap().0.len(), 3);
}

#[test]
fn a_list_of_which_no_cell_of_consent_is_understood_is_refused() {
    let list = "phone,SMS consent\n+420777123456,maybe\n+420777123457,perhaps\n";
    let said = refusal(list.as_bytes());
    let told = "\"SMS consent\" says \"maybe\"";
    assert!(
        said.contains(told) && said.contains("--ignore-consent-column"),
        "{said}"
    );
    // A "no" is understood.
    for list in [
        "phone,SMS consent\n+420777123456,maybe\n+420777123457,no\n",
        "phone,SMS consent\n+420777123456,no\n",
        "phone,SMS consent\n+420777123456,maybe\n+420777123457,yes\n",
    ] {
        assert!(
            judge(list.as_bytes(), &Settings::default()).is_ok(),
            "{list}"
        );
    }
}
