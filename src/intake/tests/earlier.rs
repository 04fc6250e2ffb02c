//! A results file of this program that is sent as a list, by a checkpoint that knows nothing of its people.

use super::{judge, words};
use crate::domain::recipient::{JudgedRow, Suppression, Verdict};
use crate::intake::Settings;

/// The rows, and what the refused ones say.
fn judged(text: &str, settings: &Settings) -> (Vec<String>, Vec<String>) {
    let (rows, _) = judge(text.as_bytes(), settings).unwrap();
    let says = |row: &JudgedRow| match &row.verdict {
        Verdict::Suppressed {
            cause: Suppression::NoConsent { says, .. },
            ..
        } => Some(says.clone()),
        _ => None,
    };
    (words(&rows), rows.iter().filter_map(says).collect())
}

const HEADER: &str =
    "name,phone,outreach_phone,outreach_status,outreach_reason,outreach_reason_code\n";

#[test]
fn whom_a_results_file_calls_suppressed_because_they_refuse_is_not_messaged_by_it() {
    let rows = [
        "Jana,602333001,+420602333001,sent,,",
        "Petr,602333002,+420602333002,suppressed,on the suppression list: asked by phone,suppression_list",
        "Eva,602333003,+420602333003,suppressed,no consent (row 4),no_consent",
        "Ota,602333004,+420602333004,suppressed,erased,forgotten",
        "Ivo,602333005,+420602333005,suppressed,unread,unread_reply",
        "Ida,602333006,+420602333006,suppressed,the same message went,repeat_guard",
        "Leo,602333007,+420602333007,queued,,",
        "Ema,602333008,+420602333008,Suppressed,a file of an earlier version,",
        "Petr,+420 602 333 002,,duplicate,,",
        "Mia,602333010,+420602333011,suppressed,asked,suppression_list",
        "Max,602333011,+420602333011,queued,,",
    ];
    let text = format!("{HEADER}{}\n", rows.join("\n"));
    let settings = Settings {
        region: "CZ".parse().ok(),
        ..Settings::default()
    };
    let (rows, says) = judged(&text, &settings);
    let expected = [
        "2 +420602333001",
        "3 no_consent",
        "4 no_consent",
        "5 no_consent",
        "6 no_consent",
        "7 +420602333006",
        "8 +420602333007",
        "9 no_consent",
        "10 no_consent",
        "11 no_consent",
        "12 no_consent",
    ];
    assert_eq!(rows, expected);
    assert_eq!(
        says[0],
        "\"outreach_status\" says \"suppressed\": on the suppression list: asked by phone (row 3)"
    );
    // What a row of the same place says is not said twice.
    assert!(
        says[1].ends_with("\"suppressed\": no consent (row 4)"),
        "{}",
        says[1]
    );
    let ignoring = Settings {
        ignore_consent: vec!["outreach_status".to_owned()],
        ..settings
    };
    let (rows, says) = judged(&text, &ignoring);
    assert!(says.is_empty(), "{rows:?}");
}

#[test]
fn a_rejects_file_and_a_status_of_the_list_itself_say_nothing_of_an_earlier_batch() {
    let text = "phone,status,outreach_row,outreach_reason,outreach_mends\n\
                +420602333001,suppressed,2,there are letters in the number,\n\
                +420602333002,sent,3,there are letters in the number,\n";
    let (rows, _) = judged(text, &Settings::default());
    assert_eq!(rows[1], "3 +420602333002");
}
