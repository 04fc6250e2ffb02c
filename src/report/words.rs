//! Small words of the texts for people: rows, numbers, times, command lines.

use std::path::Path;

use jiff::Timestamp;

use super::local::Local;
pub(crate) use crate::domain::masking::without_numbers;
use crate::domain::text::on_one_line;
pub(crate) use crate::domain::text::{counted, grouped, plural, quoted};

/// `row 7`, with the file where the batch has several.
pub(crate) fn place(files: &[String], file: u16, row: u32) -> String {
    match files.get(usize::from(file)) {
        Some(file) if files.len() > 1 => format!("{}, row {row}", on_one_line(file)),
        Some(_) | None => format!("row {row}"),
    }
}

/// "1 row is", "2 rows are": for what follows both as it stands.
pub(crate) fn counted_are(count: u64, word: &str) -> String {
    plural(count, &format!("{word} is"), &format!("{word}s are"))
}

/// "1 person", "2 people".
pub(crate) fn people(count: u64) -> String {
    plural(count, "person", "people")
}

/// What became of a checkpoint that is not at its path any more, and is now at `kept`.
pub(crate) fn displacement(original: &Path, kept: &Path, meanwhile: &str) -> String {
    let (what, now) = if original.file_name() == kept.file_name() {
        ("moved (or a folder above it was)", "It is now")
    } else {
        ("deleted or replaced", "What was known is kept as")
    };
    format!(
        "the checkpoint {} was {what} while {meanwhile}. {now} {}",
        original.display(),
        kept.display()
    )
}

/// A time for people: local, with its zone.
pub(crate) fn minute(time: Timestamp) -> String {
    Local::at(Timestamp::MAX).time(time)
}

/// Columns of the terminal.
pub(crate) fn terminal_width() -> usize {
    textwrap::termwidth()
}

/// The text in lines of at most `width` columns, broken at words. A line that is broken goes on below its own text:
/// behind its indent, its dash, or the count and the gap that it begins with.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| wrap(line, width)).collect();
    lines.join("\n")
}

fn wrap(line: &str, width: usize) -> String {
    wrapped_below(line, hang(line), width)
}

/// One line in lines of at most `width` columns, those after the first behind `hang` blanks.
pub(crate) fn wrapped_below(line: &str, hang: usize, width: usize) -> String {
    let hang = " ".repeat(hang.min(width / 2));
    let options = textwrap::Options::new(width)
        .subsequent_indent(&hang)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        // What is to be typed or clicked stays in one piece.
        .break_words(false);
    textwrap::fill(line, options)
}

/// Columns before the text of a line.
fn hang(line: &str) -> usize {
    let text = line.trim_start_matches(' ');
    let indent = line.len() - text.len();
    if text.starts_with("- ") {
        return indent + 2;
    }
    let count = text.find("  ").filter(|at| {
        text.get(..*at)
            .is_some_and(|count| count.bytes().all(|it| it.is_ascii_digit() || it == b','))
    });
    match count {
        Some(at) => line.len() - text.get(at..).unwrap_or_default().trim_start().len(),
        None => indent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_at_words_and_goes_on_below_its_own_text() {
        let text = "           2  cannot be sent as they stand\n  - Mend the rows with --column phone=X\nshort";
        assert_eq!(
            wrapped(text, 30),
            "           2  cannot be sent\n              as they stand\n  - Mend the rows with\n    \
             --column phone=X\nshort"
        );
        assert_eq!(wrapped(text, 200), text);
        assert_eq!(
            wrapped("contacts-441259e9.results.csv", 10),
            "contacts-441259e9.results.csv"
        );
        assert_eq!(wrapped("", 40), "");
    }

    #[test]
    fn an_answer_is_shown_without_phone_numbers() {
        assert_eq!(
            without_numbers("HTTP 422: no user for +420777123456 (row 17)"),
            "HTTP 422: no user for +# (row 17)"
        );
        assert_eq!(without_numbers("420777123456"), "#");
        assert_eq!(without_numbers(""), "");
    }
}
