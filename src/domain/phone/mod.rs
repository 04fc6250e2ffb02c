//! Phone numbers: one type, one way in.
//!
//! [`PhoneNumber`] is E.164 as an integer; whoever holds one holds a number that Google's metadata
//! calls valid. The way of a text: `clean` repairs the damage that spreadsheets and people do, `parse`
//! decides how many numbers there are, `engine` (the only owner of the library) validates. Only [`PhoneNumber::parse`] (texts) and [`PhoneNumber::from_e164`] (our own
//! checkpoint, the API's digits-only form) make one.

mod clean;
mod engine;
mod line;
mod mending;
mod names;
mod parse;
mod problem;
mod region;

use std::fmt;
use std::num::NonZeroU64;

pub use line::LineType;
pub use mending::Mending;
pub use parse::{Numbers, Parsed, Rejected};
pub use problem::PhoneProblem;
pub use region::{Region, UnknownRegion};

/// A valid phone number as an E.164 integer (country code and national number, no plus).
///
/// E.164 allows 15 digits at most (ITU-T E.164, 6.2.1), so that it fits 50 bits.
/// `Debug` shows it masked: a number must not reach a log by accident.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(NonZeroU64);

impl PhoneNumber {
    /// The largest E.164 number: 15 digits.
    const MAX: u64 = 999_999_999_999_999;

    /// Wraps a number that was validated before: one from the checkpoint, or from the API.
    ///
    /// `None` for 0 and for more than 15 digits.
    pub fn from_e164(number: u64) -> Option<Self> {
        if number > Self::MAX {
            None
        } else {
            NonZeroU64::new(number).map(Self)
        }
    }

    /// The number as an integer, without the plus.
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The country that the number belongs to, exact also where countries share a calling code.
    ///
    /// `None` for a number that no country has, which only [`Self::from_e164`] can make.
    pub fn region(self) -> Option<Region> {
        engine::region_of(self)
    }

    /// What kind of line the number belongs to; `None` as for [`Self::region`].
    pub fn line_type(self) -> Option<LineType> {
        engine::line_type_of(self)
    }

    /// The number in full, with the plus: for results files and requests, never for logs.
    pub fn e164(self) -> String {
        format!("+{}", self.0)
    }

    /// The number with its middle digits hidden: `+420*****456`.
    pub fn masked(self) -> String {
        let digits = self.0.to_string();
        let (head, tail) = (digits.len().min(3), digits.len().saturating_sub(3).max(3));
        let hidden = tail.saturating_sub(head);
        format!(
            "+{}{}{}",
            &digits[..head],
            "*".repeat(hidden),
            digits.get(tail..).unwrap_or("")
        )
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests;
