//! What the reading of one number ends with: the number, or why there is none.

use super::line::LineType;
use super::mending::Mending;
use super::number::PhoneNumber;
use super::problem::PhoneProblem;

/// A number that was found in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed {
    /// The number.
    pub phone: PhoneNumber,
    /// What was repaired in the text to get at it; [`Mending::NONE`] if nothing.
    pub mended: Mending,
    /// What kind of line it is.
    pub line_type: LineType,
}

/// Why a cell was refused, and what it should probably say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// What is wrong.
    pub problem: PhoneProblem,
    /// A text that would be accepted and is likely to be meant; a person must decide.
    pub suggestion: Option<String>,
}

impl PhoneProblem {
    /// The numbers that the text may be, where it has two readings: an opt-out counts for both, though no message is
    /// sent to either. One person too many who is left out costs less than one too few.
    pub(crate) fn readings(self) -> impl Iterator<Item = PhoneNumber> {
        let readings = match self {
            Self::TwoReadings { abroad, within } => Some([abroad, within]),
            Self::Empty
            | Self::NotANumber
            | Self::NeedsRegion
            | Self::UnknownRegion
            | Self::UnknownCountryCode
            | Self::TooShort
            | Self::TooLong
            | Self::NotInUse
            | Self::ScientificNotation
            | Self::Extension
            | Self::Letters
            | Self::SaysNo
            | Self::Ambiguous
            | Self::NoZero
            | Self::Fax
            | Self::NotTheirs
            | Self::NotAPerson(_) => None,
        };
        let readings = readings.into_iter().flatten();
        readings.filter_map(PhoneNumber::from_e164)
    }
}

impl From<PhoneProblem> for Rejected {
    fn from(problem: PhoneProblem) -> Self {
        Self {
            problem,
            suggestion: None,
        }
    }
}
