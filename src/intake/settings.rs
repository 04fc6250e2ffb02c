//! What the user may say about a contacts file; everything else is detected.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::corrections::Corrections;
use super::encoding::TextEncoding;
use crate::domain::bad_setting::BadSetting;
pub(crate) use crate::domain::dialect::Delimiter;
use crate::domain::percent::Percent;
use crate::domain::phone::{LineType, Reading, Region};

/// How to read the contacts files. The default detects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The field separator; detected if `None`.
    pub delimiter: Option<Delimiter>,
    /// The character encoding; detected if `None`.
    pub encoding: Option<TextEncoding>,
    /// The sheet of a workbook; the first one if `None`.
    pub sheet: Option<String>,
    /// What becomes of rows that are hidden in a sheet; `None`: they are read, and a person is asked before they are sent.
    pub hidden_rows: Option<HiddenRows>,
    /// The row of the header, as a spreadsheet numbers it; found out if `None`.
    pub header_row: Option<NonZeroU32>,
    /// The first row is a contact, not a header.
    pub no_header: bool,
    /// Columns that the user named.
    pub columns: ColumnChoice,
    /// The country of numbers without a country code.
    pub region: Option<Region>,
    /// Numbers without a plus begin with their country code.
    pub international: bool,
    /// Lines without a person behind them that are messaged all the same.
    pub line_types: Vec<LineType>,
    /// Columns that tell who may be messaged and are ignored, by header.
    pub ignore_consent: Vec<String>,
    /// What is done with the people of the list.
    pub read_for: ReadFor,
    /// Which of several valid numbers of a row counts.
    pub prefer: Prefer,
    /// One recipient a row, or one for each number.
    pub numbers: NumbersPerRow,
    /// The share of rows that must be valid, or nothing is sent.
    pub min_valid: Percent,
    /// Numbers that rows have instead of their own.
    pub corrections: Corrections,
}

impl Settings {
    /// How numbers without a plus are read where no row says more.
    pub fn reading(&self) -> Reading {
        Reading {
            international: self.international,
            ..Reading::from(self.region)
        }
    }
}

/// Columns by header (or by number from 1, where there is no header); empty ones are detected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnChoice {
    /// The phone columns, in order of preference.
    pub phone: Vec<String>,
    /// Given names.
    pub first_name: Option<String>,
    /// Family names.
    pub last_name: Option<String>,
    /// Amio contact ids.
    pub contact_id: Option<String>,
    /// Countries: ISO codes or English names.
    pub region: Option<String>,
}

impl FromStr for Delimiter {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        Self::named(text).ok_or_else(|| {
            BadSetting::new(
                text,
                "delimiter",
                "comma, semicolon, tab or pipe, or the character itself",
            )
        })
    }
}

/// What the people of a list are read for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReadFor {
    /// To be messaged.
    #[default]
    Messages,
    /// To be put on the suppression list, whatever their rows say.
    SuppressionList,
    /// The same, of an export of all contacts: those of whom it says that they opted out.
    OptOuts,
}

/// What becomes of rows that are hidden in a sheet, as by a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HiddenRows {
    /// They are left out.
    Skip,
    /// They are read like the others.
    Send,
}

/// Which of several valid numbers of a row counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prefer {
    /// The first one, in the order of the phone columns.
    #[default]
    First,
    /// The first mobile one; the first one if none is a mobile.
    Mobile,
}

impl fmt::Display for Prefer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "first",
            Self::Mobile => "mobile",
        })
    }
}

impl FromStr for Prefer {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        match text {
            "first" => Ok(Self::First),
            "mobile" => Ok(Self::Mobile),
            _ => Err(BadSetting::new(text, "preference", "first or mobile")),
        }
    }
}

/// One recipient a row, or one for each number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NumbersPerRow {
    /// A row is one person: one number is messaged.
    #[default]
    One,
    /// Every valid number of a row is a recipient of its own.
    All,
}

impl fmt::Display for NumbersPerRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "one",
            Self::All => "all",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_read_back_what_they_print() {
        for delimiter in Delimiter::ALL {
            assert_eq!(delimiter.to_string().parse(), Ok(delimiter));
        }
        assert_eq!("\\t".parse(), Ok(Delimiter::Tab));
        for prefer in [Prefer::First, Prefer::Mobile] {
            assert_eq!(prefer.to_string().parse(), Ok(prefer));
        }
    }

    #[test]
    fn a_bad_setting_says_what_may_be_written() {
        assert_eq!(
            "x".parse::<Delimiter>().unwrap_err().to_string(),
            "\"x\" is no delimiter: write comma, semicolon, tab or pipe, or the character itself"
        );
    }
}
