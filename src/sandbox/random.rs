//! Repeatable chance: every decision of the sandbox is a function of the seed and of its subject.

use std::fmt;
use std::str::FromStr;

use crate::domain::random::mix;

/// The hash of a subject under a seed and a purpose, so that two decisions about one subject are independent.
pub(super) const fn draw(seed: u64, purpose: u64, subject: u64) -> u64 {
    mix(mix(mix(seed) ^ purpose) ^ subject)
}

/// A share of all cases, in millionths; written as a percentage (`2%`, `0.5%`) or a fraction (`0.02`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// Never.
    pub const NONE: Self = Self(0);
    /// Always.
    pub const ALL: Self = Self(1_000_000);

    /// A share in percent; more than 100 is 100.
    pub const fn percent(percent: u32) -> Self {
        if percent >= 100 {
            Self::ALL
        } else {
            Self(percent * 10_000)
        }
    }

    /// True if a draw falls into the share.
    pub(super) fn holds(self, draw: u64) -> bool {
        // The upper half of the draw, scaled to millionths: no modulo bias worth naming.
        ((draw >> 32) * 1_000_000) >> 32 < u64::from(self.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            write!(f, "{whole}%")
        } else {
            let decimals = format!("{rest:04}");
            write!(f, "{whole}.{}%", decimals.trim_end_matches('0'))
        }
    }
}

/// A text that is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a share: write a percentage from 0% to 100%, such as 2% or 0.5%, or a fraction such as 0.02"
)]
pub struct NotAShare(String);

impl FromStr for Share {
    type Err = NotAShare;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, places) = match text.trim().strip_suffix('%') {
            Some(percentage) => (percentage.trim(), 4),
            None if text.contains('.') => (text.trim(), 6),
            None => return Err(NotAShare(text.to_owned())),
        };
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let valid =
            !whole.is_empty() && digits(whole) && digits(decimals) && decimals.len() <= places;
        let millionths = format!("{whole}{decimals:0<places$}").parse();
        millionths
            .ok()
            .filter(|&parts| valid && parts <= Self::ALL.0)
            .map(Self)
            .ok_or_else(|| NotAShare(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_shown_alike() {
        for text in ["0%", "2%", "0.5%", "12.0625%", "100%"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        for (fraction, percentage) in [("0.1", "10%"), ("0.000001", "0.0001%"), ("1.0", "100%")] {
            assert_eq!(fraction.parse::<Share>(), percentage.parse());
        }
        for wrong in [
            "1.1",
            "0.0000001",
            ".",
            "2",
            "101%",
            "-1%",
            "1.00001%",
            "a%",
            "%",
            "99999999999%",
        ] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_share_is_met_within_a_tenth_of_a_percent() {
        let share = Share::percent(15);
        let hits = (0..1_000_000)
            .filter(|&subject| share.holds(draw(7, 1, subject)))
            .count();
        assert!((149_000..151_000).contains(&hits), "{hits}");
        assert!((0..1000).all(|subject| Share::ALL.holds(draw(1, 2, subject))));
        assert!(!(0..1000).any(|subject| Share::NONE.holds(draw(1, 2, subject))));
    }
}
