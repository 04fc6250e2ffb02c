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

impl Rejected {
    /// The number that is suggested where a number has two readings: an opt-out counts for it, though no message is
    /// sent to either.
    pub(crate) fn likely(&self) -> Option<PhoneNumber> {
        let suggestion = self.suggestion.as_deref();
        let suggestion = suggestion.filter(|_| self.problem == PhoneProblem::TwoReadings)?;
        // Of a choice between two numbers none is likely.
        let digits = suggestion.strip_prefix('+')?;
        PhoneNumber::from_e164(digits.parse().ok()?)
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
