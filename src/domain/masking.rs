//! Phone numbers in texts of others, an answer of the API or an error: they are taken out of logs and words, in
//! whatever way they are written. Too much is better than too little, but a date, an address of the network and the id
//! of a message stay: they say what happened, and name nobody.

use super::text::on_one_line;

/// A number that can be messaged has so many digits at least. Shorter runs are status codes, rows and times.
const SHORTEST: usize = 7;

/// The longest number has so many (E.164); the API's ids have more.
const LONGEST: usize = 15;

/// What stands between two groups of digits of one number, at the most.
const LONGEST_GAP: usize = 4;

/// How white space and signs are written in addresses and in HTML.
const WRITTEN_OUT: [&str; 12] = [
    r"\u00a0", "%20", "%28", "%29", "%2D", "%2d", "%2E", "%2e", "%2F", "%2f", "&nbsp;", "&#160;",
];

/// The text of an answer on one line, with what may be a phone number taken out: for the screen and for logs.
pub(crate) fn without_numbers(text: &str) -> String {
    on_one_line(&hide_numbers(text)).into_owned()
}

/// The text with each phone number as one `#`.
pub(crate) fn hide_numbers(text: &str) -> String {
    with_numbers(text, |_| "#".to_owned())
}

/// A message as it is shown to a person who looks whether it is right, where a number may be read by others: of each phone
/// number the first and the last three digits stay.
pub(crate) fn masked_message(text: &str) -> String {
    with_numbers(text, masked)
}

/// The text with each phone number as that says.
fn with_numbers(text: &str, shown: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = at_digit(rest) {
        out.push_str(before);
        let written = Written::first(from, is_dialled(&out, from));
        let (digits, after) = from.split_at(written.length);
        if written.is_number {
            out.push_str(&shown(digits));
        } else {
            out.push_str(digits);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A cell of a list that may hold numbers, as a person knows it again who has the list: of each number, and of digits that
/// may be one together, the first and the last three are shown.
pub(crate) fn masked_cell(text: &str) -> String {
    let is_number = |part: &str| part.chars().filter(|c| c.is_numeric()).count() >= SHORTEST;
    let parts = || text.split_inclusive(char::is_alphabetic);
    if parts().any(is_number) {
        parts().map(masked).collect()
    } else {
        masked(text)
    }
}

/// The text with its middle digits hidden, where they are as many as those of a number.
fn masked(text: &str) -> String {
    const SHOWN: usize = 3;
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    let mut at = 0;
    let masked = text.chars().map(|sign| {
        let is_digit = sign.is_numeric();
        at += usize::from(is_digit);
        let is_hidden = digits >= SHORTEST && is_digit && at > SHOWN && at + SHOWN <= digits;
        if is_hidden { '*' } else { sign }
    });
    masked.collect()
}

/// What begins with a digit.
struct Written {
    /// In bytes.
    length: usize,
    is_number: bool,
}

impl Written {
    /// The first of them. `dialled`: it begins as numbers are dialled, and is nothing else.
    fn first(from: &str, dialled: bool) -> Self {
        if !dialled && let Some(length) = other_meaning(from) {
            return Self {
                length,
                is_number: false,
            };
        }
        let (mut length, mut digits) = group(from);
        if digits > LONGEST && !dialled {
            // The id of a message or of a contact.
            return Self {
                length,
                is_number: false,
            };
        }
        while let Some(next) = from
            .get(length..)
            .and_then(|after| next_group(after, dialled))
        {
            length += next.0;
            digits += next.1;
        }
        Self {
            length,
            is_number: digits >= SHORTEST,
        }
    }
}

/// The text before the first digit, and from there.
fn at_digit(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.find(char::is_numeric)?)
}

/// Whether the number begins with a plus or with `00`.
fn is_dialled(before: &str, from: &str) -> bool {
    let before = before.trim_end_matches([' ', '(']);
    before.ends_with(['+', '\u{ff0b}']) || before.ends_with("%2B") || from.starts_with("00")
}

/// The length of a group of digits in bytes, and how many they are.
fn group(text: &str) -> (usize, usize) {
    let length = text.find(|c: char| !c.is_numeric()).unwrap_or(text.len());
    let digits = text.chars().take_while(|c| c.is_numeric()).count();
    (length, digits)
}

/// The next group of the same number: its length with the gap before it, and its digits.
fn next_group(after: &str, dialled: bool) -> Option<(usize, usize)> {
    let mut rest = after;
    for _ in 0..=LONGEST_GAP {
        if rest.starts_with(char::is_numeric) {
            let (length, digits) = group(rest);
            let is_other = !dialled && other_meaning(rest).is_some();
            return (digits <= LONGEST && !is_other)
                .then_some((after.len() - rest.len() + length, digits));
        }
        rest = without_separator(rest, dialled)?;
    }
    None
}

/// The text behind a sign that may stand between groups; `None` if it begins with none.
fn without_separator(text: &str, dialled: bool) -> Option<&str> {
    if let Some(rest) = WRITTEN_OUT.iter().find_map(|it| text.strip_prefix(it)) {
        return Some(rest);
    }
    text.strip_prefix(|c: char| match c {
        '-' | '.' | '(' | ')' | '[' | ']' | '/' | '_' | '+' | '\u{b7}' | '\u{2022}' | '\t'
        // Dashes and the minus; signs of full width.
        | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff08}'..='\u{ff0f}'
        // What has no width.
        | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => true,
        // Between the digits of an amount or of a time too.
        ',' | ':' | ';' | '\'' | '\u{2019}' => dialled,
        c => c.is_whitespace() && !matches!(c, '\n' | '\r'),
    })
}

/// The length of a date, with its time, or of an address of the network; `None` if the digits are neither.
fn other_meaning(text: &str) -> Option<usize> {
    let length = date(text).or_else(|| address(text))?;
    let mut after = text.get(length..)?.chars();
    let goes_on = match after.next() {
        Some('.' | '-' | '/') => after.next().is_some_and(char::is_numeric),
        Some(next) => next.is_numeric(),
        None => false,
    };
    (!goes_on).then_some(length)
}

/// `2026-11-28`, `2026-11-28T20:06:57.123Z`, `28.11.2026 20:06`, `11/28/2026`.
fn date(text: &str) -> Option<usize> {
    let (first, rest) = number(text)?;
    let sign = rest
        .chars()
        .next()
        .filter(|c| matches!(c, '-' | '.' | '/'))?;
    let (second, rest) = number(rest.strip_prefix(sign)?)?;
    let (third, rest) = number(rest.strip_prefix(sign)?)?;
    let is_year = |it: u32| (1900..2100).contains(&it);
    let is_day = |it: u32| (1..=31).contains(&it);
    let is_date = (is_year(first) && is_day(second) && is_day(third))
        || (is_year(third) && is_day(first) && is_day(second));
    let is_date = is_date && (is_month(first) || is_month(second));
    is_date.then(|| text.len() - behind_time(rest).unwrap_or(rest).len())
}

fn is_month(number: u32) -> bool {
    (1..=12).contains(&number)
}

/// What stands behind a time of the day with its fraction and its offset.
fn behind_time(text: &str) -> Option<&str> {
    let hours = two(text.strip_prefix(['T', 't', ' '])?)?;
    let mut rest = two(hours.strip_prefix(':')?)?;
    if let Some(seconds) = rest.strip_prefix(':').and_then(two) {
        rest = seconds;
        if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        }
    }
    let offset = rest.strip_prefix(['+', '-']).and_then(two);
    let offset = offset
        .map(|rest| rest.strip_prefix(':').unwrap_or(rest))
        .and_then(two);
    Some(offset.unwrap_or(rest))
}

/// What stands behind two digits.
fn two(text: &str) -> Option<&str> {
    let (_, rest) = number(text).filter(|_| group(text).1 == 2)?;
    Some(rest)
}

/// `192.168.0.1`.
fn address(text: &str) -> Option<usize> {
    let mut rest = text;
    for part in 0..4 {
        if part > 0 {
            rest = rest.strip_prefix('.')?;
        }
        let (value, after) = number(rest)?;
        if value > 255 {
            return None;
        }
        rest = after;
    }
    Some(text.len() - rest.len())
}

/// A number of at most four ASCII digits, and what stands behind it.
fn number(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at(group(text).0);
    (digits.len() <= 4)
        .then(|| digits.parse().ok())?
        .map(|it| (it, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_taken_out_however_it_is_written() {
        for text in [
            "420777100000",
            "+420 777 100 000",
            "00420-777-100-000",
            "+420 (777) 100.000",
            "(777) 100-0000",
            "777/100/000",
            "+44 (0)20 7946 0958",
            "777\u{a0}100\u{202f}000",
            "777\u{2011}100\u{2013}000",
            "+420,777,100,000",
            "%2B420%20777%20100%20000",
            "777&nbsp;100&nbsp;000",
            "420_777_100_000",
            "\u{ff17}\u{ff17}\u{ff17} 100 000",
            "+(420) 777 100 000",
            "+20.11.2012.55",
            "777\t100\t000",
            "42 07 77 10 00 00",
        ] {
            let hidden = hide_numbers(&format!("for {text}: no."));
            assert!(hidden.ends_with("#: no."), "{text}: {hidden}");
            assert!(
                hidden.chars().filter(char::is_ascii_digit).count() <= 1,
                "{text}: {hidden}"
            );
        }
    }

    #[test]
    fn a_message_that_is_shown_keeps_all_but_the_middle_of_numbers() {
        for (message, shown) in [
            (
                "We call +420 777 100 123 on 28.11.2026 20:06.",
                "We call +420 *** *** 123 on 28.11.2026 20:06.",
            ),
            ("Order 12345 for 777100123", "Order 12345 for 777***123"),
            (
                r#"{"payload":"+420777100123"}"#,
                r#"{"payload":"+420******123"}"#,
            ),
            ("No number", "No number"),
        ] {
            assert_eq!(masked_message(message), shown);
        }
    }

    #[test]
    fn of_a_cell_the_first_and_the_last_digits_are_shown() {
        for (cell, masked) in [
            ("+420 0777123470", "+420 *******470"),
            ("777123456 / 602333444", "777****** / ******444"),
            ("77712345", "777**345"),
            (
                "+33123456789 or +4933123456789",
                "+331*****789 or +493*******789",
            ),
            ("777 ask for 123456", "777 ask for ***456"),
            ("777123456 (12 h)", "777*****6 (12 h)"),
            ("wife: 777 123 456", "wife: 777 *** 456"),
            (
                "\u{ff17}\u{ff17}\u{ff17}\u{ff11}\u{ff12}\u{ff13}\u{ff14}",
                "\u{ff17}\u{ff17}\u{ff17}*\u{ff12}\u{ff13}\u{ff14}",
            ),
            ("4.20777E+11", "4.20**7E+11"),
            ("12", "12"),
            ("", ""),
        ] {
            assert_eq!(masked_cell(cell), masked, "{cell}");
        }
    }

    #[test]
    fn what_is_no_number_stays() {
        for text in [
            "HTTP 422: no user (row 17)",
            "at 2026-11-28T20:06:57.123456Z, until 2026-11-28 06:00 +01:00 CET",
            "28.11.2026 20:06:57 and 11/28/2026 and 2026/11/28",
            "Sat, 28 Nov 2026 20:06:57 GMT",
            "http://192.168.100.200:8080/v1, 10.0.0.1",
            "message 7001200300400500601 of channel 7001200300400500602",
            "1,234,567 of 12,345,678 rows",
            "try 3 of 10, 429 twice, 1.5 s",
            "",
        ] {
            assert_eq!(hide_numbers(text), text);
        }
        assert_eq!(
            hide_numbers("on 2026-11-28 777 100 000 was refused"),
            "on 2026-11-28 # was refused"
        );
        assert_eq!(without_numbers("a\n420777100000"), "a\\u000a#");
    }

    proptest! {
        /// Whatever stands before and behind it, and wherever its groups end.
        #[test]
        fn no_way_of_writing_a_number_leaves_it_readable(
            groups in prop::collection::vec("[1-9][0-9]{1,3}", 4..6),
            gaps in prop::collection::vec(
                prop::sample::select(vec![
                    "", " ", "-", ".", "/", " (", ") ", ")", " - ", "\u{a0}", "\u{2011}", "%20", "_", "\u{200b}",
                ]),
                6,
            ),
            start in prop::sample::select(vec!["", "+", "00", "tel:", "phone=", "(", "\"", "no user for ", "row 7: "]),
            end in prop::sample::select(vec!["", ".", ")", " was refused", "\"", " (row 17)", ", 422", "\n"]),
        ) {
            let mut number = String::new();
            for (group, gap) in groups.iter().zip(&gaps) {
                if !number.is_empty() {
                    number.push_str(gap);
                }
                number.push_str(group);
            }
            let digits: String = number.replace("%20", "").chars().filter(char::is_ascii_digit).collect();
            let mut parts = number.char_indices().filter_map(|(at, _)| number.get(at..));
            prop_assume!((9..=LONGEST).contains(&digits.len()) && parts.all(|part| other_meaning(part).is_none()));
            let hidden = hide_numbers(&format!("{start}{number}{end}"));
            let left: String = hidden.chars().filter(char::is_ascii_digit).collect();
            // What is left is of the words around it.
            prop_assert!(["", "7", "17", "422", "717", "7422", "00"].contains(&&*left), "{number:?}: {hidden:?}");
        }

        #[test]
        fn a_text_without_digits_is_as_it_was(text in "[^0-9]*") {
            prop_assume!(!text.contains(char::is_numeric));
            prop_assert_eq!(hide_numbers(&text), text);
        }
    }
}
