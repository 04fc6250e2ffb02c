//! Texts for people: names that are alike, numbers that are easy to read, digits that are hidden, characters
//! that a terminal would obey.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// True for a sign that shows nothing: white space of any script, and what has no width.
fn shows_nothing(sign: char) -> bool {
    sign.is_whitespace()
        || matches!(
            sign,
            '\u{ad}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves
        .filter_map(|half| char::from_digit(half.into(), 16))
        .collect()
}

/// True for a text without anything that can be seen.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(shows_nothing)
}

/// The text without what shows nothing at its ends.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(shows_nothing)
}

/// The candidate whose name is most like `wanted`, if one reaches `least` (Jaro-Winkler, 0 to 1).
pub(crate) fn nearest<T>(
    wanted: &str,
    candidates: impl Iterator<Item = (String, T)>,
    least: f64,
) -> Option<T> {
    candidates
        .map(|(name, candidate)| (strsim::jaro_winkler(wanted, &name), name, candidate))
        .filter(|(likeness, ..)| *likeness >= least)
        // The name decides between equals, so that the result does not depend on hash order.
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)))
        .map(|(.., candidate)| candidate)
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Whether a person typed this number, with what some put between its thousands, or nothing. A text with other signs is
/// another number: `-11` is not 11.
pub(crate) fn is_typed_count(typed: &str, number: u64) -> bool {
    let typed = typed.trim().replace(char::is_whitespace, " ");
    let between = ["", ",", ".", " ", "'", "\u{2019}"];
    let mut forms = between
        .map(|between| grouped(number).replace(',', between))
        .into_iter();
    forms.any(|form| form == typed)
}

/// A digest of texts, which differs also where only the places differ at which one text ends and the next begins.
pub(crate) fn digest_of<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for text in texts {
        let text = text.as_ref();
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    }
    digest.finalize().into()
}

/// The count with the word that goes with it: "1 person", "1,240 people".
pub(crate) fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// `1 recipient`, `1,240 recipients`.
pub(crate) fn counted(count: u64, word: &str) -> String {
    plural(count, word, &format!("{word}s"))
}

/// The text; of a longer one its first `most` characters and three dots.
pub(crate) fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or(text)).into(),
        None => text.into(),
    }
}

/// The text with each run of digits as one `#`.
fn hide_digits(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(char::is_numeric) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_numeric()).unwrap_or(from.len());
        let (_, after) = from.split_at(end);
        out.push_str(before);
        out.push('#');
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The text with its digits replaced, so that refusals that name the number are still equal, and reports
/// that group by text hold no number. The status of an answer stays.
pub(crate) fn canonical_text(text: &str) -> String {
    let status = |from: &str| from.bytes().take_while(u8::is_ascii_digit).count();
    let after = text.find("HTTP ").map(|at| at + "HTTP ".len());
    match after.and_then(|at| text.split_at_checked(at)) {
        Some((before, from))
            if from
                .get(status(from)..)
                .is_some_and(|rest| rest.starts_with(": ")) =>
        {
            let (status, rest) = from.split_at(status(from));
            format!("{}{status}{}", hide_digits(before), hide_digits(rest))
        }
        Some(_) | None => hide_digits(text),
    }
}

/// The text as it may go to a terminal, a log or a page: what steers a terminal, turns the direction of writing
/// or cannot be seen is written out, as JSON does it (`\u001b`). Line breaks and tabs stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |c| !matches!(c, '\n' | '\t') && is_control(c))
}

/// The same for a text that stands on one line of our output: after a line break it could pass for ours.
pub(crate) fn on_one_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_control)
}

/// The same for our own message that may have further lines: they are indented, and a line break before any other
/// is not ours.
pub(crate) fn message(text: &str) -> String {
    let lines: Vec<_> = text.split("\n  ").map(on_one_line).collect();
    lines.join("\n  ")
}

/// The same for a cell that is quoted because of what is wrong in it: spaces that are none are written out too.
pub(crate) fn cell(text: &str) -> Cow<'_, str> {
    let hidden =
        |c| matches!(c, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}');
    escaped(text, |c| is_control(c) || hidden(c))
}

/// Controls (C0, DEL, C1), line and paragraph separators, marks and overrides of direction (Unicode's
/// `Bidi_Control`), the byte order mark, and what marks or hides text between lines (annotations, tags).
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2065}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

fn escaped(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A word of a command line, in quotes if a shell would not take it as one. What a terminal would obey is written
/// out, as bash reads it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=');
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        word.to_owned()
    } else if word.chars().any(is_control) {
        let written = |c: char| match c {
            '\'' | '\\' => format!("\\{c}"),
            c if is_control(c) => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        };
        format!("$'{}'", word.chars().map(written).collect::<String>())
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_text_is_cut_between_characters_and_says_so() {
        assert_eq!(shortened("žluť", 4), "žluť");
        assert_eq!(shortened("žluťoučký", 4), "žluť...");
    }

    #[test]
    fn a_word_is_quoted_so_that_it_can_be_pasted_and_steers_no_terminal() {
        for (word, quoted_as) in [
            ("list-1", "list-1"),
            ("my list", "'my list'"),
            ("it's", r"'it'\''s'"),
            ("--yes", "'--yes'"),
            ("a\nb'c\u{1b}[2J", r"$'a\u000ab\'c\u001b[2J'"),
        ] {
            assert_eq!(quoted(word), quoted_as);
        }
    }

    #[test]
    fn a_number_that_a_person_types_may_have_its_thousands_apart_and_no_other_sign() {
        for typed in ["1240", " 1,240 ", "1 240", "1\u{a0}240", "1.240", "1'240"] {
            assert!(is_typed_count(typed, 1_240), "{typed:?}");
        }
        for typed in [
            "-1240", "+1240", "12,40", "1,24,0", "1240.0", "1240x", "", "1241", "01240",
        ] {
            assert!(!is_typed_count(typed, 1_240), "{typed:?}");
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        for (text, shown) in [
            ("plain Příliš 中文 عربى", "plain Příliš 中文 عربى"),
            ("\u{1b}[2J", "\\u001b[2J"),
            (
                "a\rb\u{7}\u{8}\u{7f}\0",
                "a\\u000db\\u0007\\u0008\\u007f\\u0000",
            ),
            ("\u{9b}31m", "\\u009b31m"),
            ("\u{202e}gpj\u{2066}", "\\u202egpj\\u2066"),
            ("\u{2028}", "\\u2028"),
            ("\u{e0041}", "\\udb40\\udc41"),
            ("\u{1f468}\u{200d}\u{1f469}", "\u{1f468}\u{200d}\u{1f469}"),
            ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
        }
        assert_eq!(on_one_line("two\nlines"), "two\\u000alines");
        assert_eq!(
            message("ours:\n  one\n  two\nthree"),
            "ours:\n  one\n  two\\u000athree"
        );
        assert_eq!(cell("7\u{a0}7"), "7\\u00a07");
    }

    #[test]
    fn what_is_written_out_is_json_of_the_same_text() {
        for c in ('\0'..='\u{10ffff}').filter(|c| is_control(*c)) {
            let quoted = format!("\"{}\"", on_one_line(&c.to_string()));
            let read: String = serde_json::from_str(&quoted).unwrap();
            assert_eq!(read, c.to_string());
        }
    }

    #[test]
    fn blank_is_what_shows_nothing() {
        for text in [
            "",
            " ",
            "\t\r\n",
            "\u{a0}",
            "\u{3000}",
            "\u{200b}\u{feff} \u{2060}",
        ] {
            assert!(is_blank(text), "{text:?}");
            assert_eq!(trimmed(text), "");
        }
        assert!(!is_blank("\u{a0}-"));
        assert_eq!(trimmed("\u{200b} Jana\u{a0}Malá\t"), "Jana\u{a0}Malá");
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345_678, "12,345,678"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn texts_that_name_different_numbers_read_alike_and_name_nobody() {
        assert_eq!(
            canonical_text("HTTP 422: no user for +420777123456"),
            "HTTP 422: no user for +#"
        );
        assert_eq!(
            canonical_text("for row 7: HTTP 422: 8 of 9"),
            "for row #: HTTP 422: # of #"
        );
        assert_eq!(canonical_text("HTTP 422"), "HTTP #");
        assert_eq!(canonical_text("plain"), "plain");
    }

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        for (word, quoted_word) in [
            ("spring-0a1b", "spring-0a1b"),
            ("a b", "'a b'"),
            ("", "''"),
            ("-x", "'-x'"),
            ("o'clock", r"'o'\''clock'"),
            ("$(rm)", "'$(rm)'"),
        ] {
            assert_eq!(quoted(word), quoted_word);
        }
    }
}
