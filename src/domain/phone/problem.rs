//! Why a cell holds no number that can be messaged.

use std::fmt;

use super::line::LineType;

/// Why a text is not a phone number that can be messaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PhoneProblem {
    /// The cell is empty.
    Empty,
    /// No digits that make a number.
    NotANumber,
    /// No country code, and no country to take one from.
    NeedsRegion,
    /// No country code, and a country cell that names no country.
    UnknownRegion,
    /// A country code that no country has.
    UnknownCountryCode,
    /// Too few digits for its country.
    TooShort,
    /// Too many digits for its country, or for E.164.
    TooLong,
    /// The right length, but not a number that its country has given out.
    NotInUse,
    /// `4.20777E+11`: a spreadsheet has thrown the last digits away.
    ScientificNotation,
    /// An extension behind a switchboard.
    Extension,
    /// Letters among the digits.
    Letters,
    /// Words beside the number ask for no message, or say that it is wrong.
    SaysNo,
    /// Several readings, none of them certain.
    Ambiguous,
    /// With its country code one number, within its country another.
    TwoReadings {
        /// The number behind a plus, as E.164.
        abroad: u64,
        /// The number of the country, likewise.
        within: u64,
    },
    /// A fixed line without the zero that the other numbers of its list have: it may be another country's.
    NoZero,
    /// Its label says that it is a fax or a pager.
    Fax,
    /// Its label says that it is another person's, or not in use any more.
    NotTheirs,
    /// A valid number, but a service without a person behind it.
    NotAPerson(LineType),
}

impl PhoneProblem {
    /// A stable word for grouping in reports and in `--json`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotANumber => "not_a_number",
            Self::NeedsRegion => "needs_region",
            Self::UnknownRegion => "unknown_region",
            Self::UnknownCountryCode => "unknown_country_code",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::NotInUse => "not_in_use",
            Self::ScientificNotation => "scientific_notation",
            Self::Extension => "extension",
            Self::Letters => "letters",
            Self::SaysNo => "says_no",
            Self::Ambiguous => "ambiguous",
            Self::TwoReadings { .. } => "two_readings",
            Self::NoZero => "no_zero",
            Self::Fax => "fax",
            Self::NotTheirs => "not_theirs",
            Self::NotAPerson(_) => "not_a_person",
        }
    }
}

impl fmt::Display for PhoneProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the phone cell is empty",
            Self::NotANumber => "this is not a phone number",
            Self::NeedsRegion => "the number has no country code and no country is set for it",
            Self::UnknownRegion => {
                "the number has no country code and its country cell names no country"
            }
            Self::UnknownCountryCode => "no country has this country code",
            Self::TooShort => "the number has too few digits for its country",
            Self::TooLong => "the number has too many digits for its country",
            Self::NotInUse => "the country has no such number range",
            Self::ScientificNotation => {
                "a spreadsheet rounded the number and its last digits are lost"
            }
            Self::Extension => "a message cannot reach an extension behind a switchboard",
            Self::Letters => "there are letters in the number",
            Self::SaysNo => "the cell says that the number must not be messaged, or is wrong",
            Self::Ambiguous => "it is not clear which of the digits are the number",
            Self::TwoReadings { .. } => {
                "with its country code the number is one number, within its country another: write the plus"
            }
            Self::NoZero => {
                "it lacks the zero that the other numbers have, and may be another country's: write the zero, or the plus"
            }
            Self::Fax => "its label says that it is a fax or a pager",
            Self::NotTheirs => "its label says that it is another person's number, or an old one",
            Self::NotAPerson(line) => {
                let service = line.service().unwrap_or_default();
                return write!(
                    f,
                    "a {line} number has no person behind it; --allow-line-type {service} messages it"
                );
            }
        })
    }
}
