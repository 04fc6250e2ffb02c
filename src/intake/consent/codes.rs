//! Lines beside the table that say what a code in it means.

use super::answers::{CellConsent, answers_no, answers_yes, is_way};
use super::column::ConsentColumn;
use super::headers::{is_about_messages, is_of_another_matter, tells_consent};
use super::legend::{Answer, Code, LONGEST_CODE, written_codes};
use super::marks::{explains_marks, refuses_by_words};

/// Whether a line beside the table says what a code, a mark or a colour means of who may be messaged, and no column is read
/// so: `9 = do not contact`, `* nechce SMS`.
pub(in crate::intake) fn explains_codes(line: &str, columns: &[ConsentColumn]) -> bool {
    explains_equations(line, columns) || explains_marks(line, columns)
}

/// The same of the header of a column: an asterisk there may be about its form.
pub(in crate::intake) fn explains_codes_in_header(header: &str, columns: &[ConsentColumn]) -> bool {
    explains_equations(header, columns) || refuses_by_words(header)
}

fn explains_equations(line: &str, columns: &[ConsentColumn]) -> bool {
    if !line.contains(['=', ':', '–', '-']) {
        return false;
    }
    let is_about_messages = is_about_messages(line);
    // `Eva: do not call` is about a person.
    let longest = if line.contains('=') { LONGEST_CODE } else { 2 };
    let is_short = |code: &&Code| code.cell.chars().count() <= longest && !is_way(&code.cell);
    let line = line.replace(": ", " = ").replace('–', " = ");
    let (codes, _) = written_codes(&line.replace(" - ", " = "));
    codes.iter().filter(is_short).any(|code| {
        let any_says = |said| columns.iter().any(|it| it.says(&code.cell, None) == said);
        match code.means {
            Some(Answer::No | Answer::MustNot) if is_about_messages => {
                !any_says(CellConsent::MustNot)
            }
            Some(Answer::Yes | Answer::May) if is_about_messages => {
                any_says(CellConsent::MustNot) && !any_says(CellConsent::May)
            }
            // `1 = no`: as if it stood in the header of the answers.
            Some(Answer::No | Answer::MustNot) => answers_yes(&code.cell) && !columns.is_empty(),
            Some(Answer::Yes | Answer::May) => answers_no(&code.cell) && !columns.is_empty(),
            None => false,
        }
    })
}

/// Whether the header of a column that is not known may say so.
pub(in crate::intake) fn may_explain_codes(header: &str) -> bool {
    tells_consent(header) && !is_of_another_matter(header)
}
