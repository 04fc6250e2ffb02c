//! Texts for people: names that are alike, numbers that are easy to read, digits that are hidden.

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

/// The text with each run of `least` digits or more as one `#`.
pub(crate) fn hide_digits(text: &str, least: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(char::is_numeric) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_numeric()).unwrap_or(from.len());
        let (digits, after) = from.split_at(end);
        out.push_str(before);
        let hidden = digits.chars().count() >= least;
        out.push_str(if hidden { "#" } else { digits });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
