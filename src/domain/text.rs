//! Texts for people: names that are alike, numbers that are easy to read, digits that are hidden.

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
            format!("{}{status}{}", hide_digits(before, 1), hide_digits(rest, 1))
        }
        Some(_) | None => hide_digits(text, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
