//! The type of a phone number.

use std::fmt;
use std::num::NonZeroU64;

use super::engine;
use super::line::LineType;
use super::plans;

/// A phone number as an E.164 integer (country code and national number, no plus).
///
/// It is canonical: a number in a form that its numbering plan has given up is kept in the present form, so
/// that one person has one number. E.164 allows 15 digits at most (ITU-T E.164, 6.2.1), so that it fits 50
/// bits. `Debug` shows it masked: a number must not reach a log by accident.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(NonZeroU64);

impl PhoneNumber {
    /// The one way to a number, for those of lists, of the checkpoint and of the API alike: the canonical form
    /// of an E.164 integer. It is not checked whether the number is in use; [`Self::parse`] checks that.
    ///
    /// `None` for 0 and for more than 15 digits.
    pub fn from_e164(number: u64) -> Option<Self> {
        if number > engine::MAX_E164 {
            return None;
        }
        NonZeroU64::new(plans::renewed(number).unwrap_or(number)).map(Self)
    }

    /// The number as an integer, without the plus.
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The same number as it was before its numbering plan changed, without the plus: usually none.
    pub fn former(self) -> impl Iterator<Item = u64> {
        plans::former(self.get())
    }

    /// What kind of line it belongs to; `None` for a number that no country has.
    pub fn line_type(self) -> Option<LineType> {
        engine::line_type(self.get())
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
