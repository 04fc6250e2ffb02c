//! What was repaired in a cell to get at the number.

use std::fmt;

use serde::{Serialize, Serializer};

/// The repairs of one cell, as a set: a cell may need several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Mending(u16);

impl Mending {
    /// Nothing was repaired.
    pub const NONE: Self = Self(0);
    /// A leading apostrophe or surrounding quotes.
    pub const QUOTES: Self = Self(1);
    /// Non-breaking or invisible characters.
    pub const INVISIBLE: Self = Self(1 << 1);
    /// Full-width, Arabic-Indic or other digits than 0 to 9.
    pub const DIGITS: Self = Self(1 << 2);
    /// A label such as `tel:`.
    pub const LABEL: Self = Self(1 << 3);
    /// `.0` behind a number that a program took for a decimal.
    pub const DECIMALS: Self = Self(1 << 4);
    /// Thousands separators.
    pub const THOUSANDS: Self = Self(1 << 5);
    /// `00` in the place of the plus.
    pub const DOUBLE_ZERO: Self = Self(1 << 6);
    /// `(0)` between the country code and the number.
    pub const TRUNK_ZERO: Self = Self(1 << 7);
    /// A leading zero that a spreadsheet had removed.
    pub const LOST_ZERO: Self = Self(1 << 8);
    /// One of several numbers in the cell was taken.
    pub const SEVERAL: Self = Self(1 << 9);
    /// Scientific notation with all digits present.
    pub const EXPONENT: Self = Self(1 << 10);
    /// More than one plus.
    pub const PLUSES: Self = Self(1 << 11);

    /// A messenger's handle or a link around the number.
    pub const HANDLE: Self = Self(1 << 12);
    /// A number in a form that its numbering plan has given up.
    pub const PLAN: Self = Self(1 << 13);

    /// The country that stands beside the number.
    pub const COUNTRY: Self = Self(1 << 14);
    /// `!` or `*` behind the number.
    pub const SIGN: Self = Self(1 << 15);

    const WORDS: [(Self, &'static str); 16] = [
        (Self::QUOTES, "apostrophe or quotes removed"),
        (Self::INVISIBLE, "invisible characters removed"),
        (Self::DIGITS, "digits of another script converted"),
        (Self::LABEL, "label removed"),
        (Self::DECIMALS, "decimals removed"),
        (Self::THOUSANDS, "thousands separators removed"),
        (Self::DOUBLE_ZERO, "00 read as +"),
        (Self::TRUNK_ZERO, "(0) removed"),
        (Self::LOST_ZERO, "lost leading zero put back"),
        (Self::SEVERAL, "one of several numbers in the cell taken"),
        (Self::EXPONENT, "power of ten written out"),
        (Self::PLUSES, "superfluous plus removed"),
        (Self::HANDLE, "taken out of a link or handle"),
        (Self::PLAN, "old number brought to today's numbering plan"),
        (Self::COUNTRY, "read by the country beside it"),
        (Self::SIGN, "sign behind the number removed"),
    ];

    /// True if nothing was repaired.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True if all of the other are among these.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// This without the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The repairs one by one, as phrases.
    pub fn phrases(self) -> impl Iterator<Item = &'static str> {
        Self::WORDS
            .into_iter()
            .filter(move |(kind, _)| self.0 & kind.0 != 0)
            .map(|(_, words)| words)
    }
}

impl fmt::Display for Mending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, phrase) in self.phrases().enumerate() {
            write!(f, "{}{phrase}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Serialize for Mending {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.phrases())
    }
}
