//! A share in whole percent.

use std::fmt;
use std::str::FromStr;

use super::bad_setting::BadSetting;

/// A share in whole percent, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(u8);

impl Percent {
    /// Any share will do.
    pub const NONE: Self = Self(0);

    /// The share, 0 to 100.
    pub fn get(self) -> u8 {
        self.0
    }

    /// Whether this many of all are at least this share. Of no people every share is reached.
    pub fn is_reached(self, part: u64, all: u64) -> bool {
        u128::from(part) * 100 >= u128::from(all) * u128::from(self.0)
    }
}

impl Default for Percent {
    /// A half.
    fn default() -> Self {
        Self(50)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Percent {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        let digits = text.trim().trim_end_matches('%').trim_end();
        let percent = digits.parse().ok().filter(|percent| *percent <= 100);
        percent.map(Self).ok_or_else(|| {
            let allowed = "a whole number of percent from 0 to 100, such as 50%";
            BadSetting::new(text, "share", allowed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_reached_from_its_own_count_on() {
        let share: Percent = "60%".parse().unwrap();
        assert!(share.is_reached(6, 10) && !share.is_reached(599, 1_000));
        assert!(share.is_reached(0, 0) && Percent::NONE.is_reached(0, 7));
        assert!(share.is_reached(u64::MAX, u64::MAX));
        assert_eq!("100%".parse::<Percent>().unwrap().get(), 100);
        for text in ["101%", "-1", "half", "", "6.5%"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }
}
