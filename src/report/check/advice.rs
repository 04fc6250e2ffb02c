//! What the owner of a list can do about its rows.

use crate::domain::text::cell;
use crate::intake::{Group, Note, Summary, UnusedAnswers};
use crate::report::words::counted;

/// What the owner of the list can do about it, most pressing first.
pub(super) fn advice(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> = summary
        .problems
        .iter()
        .filter_map(|group| advice_for(&group.code))
        .map(str::to_owned)
        .collect();
    if summary.problems.iter().any(lacks_a_plus) {
        lines.push("Numbers that only lack their plus are read with --international: all of them begin with their country code then.".to_owned());
    }
    if summary
        .suppressions
        .iter()
        .any(|group| group.code == "no_consent")
    {
        lines.push("People whom the list itself excludes are left out. If a column means something else: --ignore-consent-column HEADER.".to_owned());
    }
    lines.extend(summary.unused_answers.iter().map(unused_answers));
    if summary.invalid > 0 {
        lines.push("Mend the rows that cannot be sent in the rejects file (`send` writes it, `check --rejects FILE` too), and send that file: it joins the same batch.".to_owned());
    }
    lines
}

/// A column of answers may say who must not be messaged, in words that are not known.
fn unused_answers(UnusedAnswers { column, no }: &UnusedAnswers) -> String {
    let column = cell(column);
    format!(
        "\"{column}\" says \"no\" for {} to be sent, and keeps nobody out. If it says who may be messaged, call it \"Consent\" in the list, or \"Do not contact\" if its \"yes\" forbids it.",
        counted(*no, "row")
    )
}

/// True for a problem that the plus would solve, by its examples.
fn lacks_a_plus(problem: &Group) -> bool {
    problem.examples.iter().any(|example| {
        let digits = example.typed.chars().filter(char::is_ascii_digit);
        let with_plus: String = std::iter::once('+').chain(digits).collect();
        let plain = |c: char| c.is_ascii_digit() || " -.()".contains(c);
        example.typed.chars().all(plain) && example.note == Note::Suggestion(with_plus)
    })
}

fn advice_for(code: &str) -> Option<&'static str> {
    match code {
        "needs_region" => Some(
            "Say which country the numbers without a country code belong to: --region CZ, or --column region=HEADER.",
        ),
        "unknown_region" => Some(
            "Write the countries as ISO codes (CZ), names (Czechia) or calling codes (+420), one in a cell.",
        ),
        "scientific_notation" => Some(
            "Make the phone column a text column in the spreadsheet and export again: the digits are missing in this file.",
        ),
        "two_readings" => Some(
            "Write these numbers with their plus, or leave out --region if all of them begin with their country code.",
        ),
        "extension" => Some("Replace the extensions by numbers that can be reached directly."),
        "uneven_row" => {
            Some("Put quotes around fields that contain the delimiter or a line break.")
        }
        "rounded_contact_id" => Some(
            "Make the column of contact ids a text column where the list comes from and export again, or leave --column contact_id out: the numbers do.",
        ),
        "contact_id_of_another" => Some(
            "Leave --column contact_id out: the numbers in the list do, and the checkpoint knows their contacts.",
        ),
        "segments" => Some(
            "Shorten the message, write the named characters in another way, or allow more with --max-segments.",
        ),
        "content" => {
            Some("Fill the empty fields that the message uses, or give the template a default.")
        }
        _ => None,
    }
}
