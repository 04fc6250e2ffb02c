//! The type of a valid phone number.

use std::fmt;
use std::num::NonZeroU64;

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
