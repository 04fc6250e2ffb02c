use std::io::Write as _;

use super::*;
use crate::domain::recipient::{JudgedRow, Verdict};

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
