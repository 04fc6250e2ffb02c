//! Lengths of time as they are written: `500ms`, `30s`, `5m`, `12h`, `30d`, `1h30m`, or `0`.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// The longest time that makes sense anywhere here: ten years.
const LONGEST: Duration = Duration::from_hours(3_660 * 24);

/// Reads a length of time. The error is the end of "allowed is ...".
pub(crate) fn parse_span(text: &str) -> Result<Duration, &'static str> {
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    read(text)
        .filter(|span| *span <= LONGEST)
        .ok_or("a time such as 30s, 5m, 12h or 30d, ten years at most")
}

/// A length of time above zero.
pub(crate) fn above_zero(text: &str) -> Result<Duration, &'static str> {
    match parse_span(text)? {
        Duration::ZERO => Err("a time above 0"),
        span => Ok(span),
    }
}

/// The library also reads ISO 8601, fractions, signs and longer words: one way to write a time is enough.
fn read(text: &str) -> Option<Duration> {
    let is_known = |byte: u8| byte.is_ascii_digit() || b"dhmins".contains(&byte);
    let is_plain = text.bytes().all(is_known) && !text.ends_with("ns");
    let span: Span = text.parse().ok().filter(|_| is_plain)?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    length.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, millis) in [
            ("0", 0),
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("12h", 43_200_000),
            ("30d", 2_592_000_000),
            ("1h30m", 5_400_000),
        ] {
            assert_eq!(
                parse_span(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in [
            "",
            " ",
            "5",
            "h",
            "5 h",
            "-5m",
            "5w",
            "5ns",
            "P1D",
            "99999999999999999999s",
            "4000d",
            "1.5h",
        ] {
            assert!(parse_span(text).is_err(), "{text:?} was taken");
        }
        assert_eq!(above_zero("5h"), Ok(Duration::from_hours(5)));
        for text in ["", "0", "0s", "-5h", "long"] {
            assert!(above_zero(text).is_err(), "{text:?} was taken");
        }
    }
}
