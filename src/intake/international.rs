//! Numbers that begin with their country code and have no plus: whether a file is full of them.

use std::fmt;

use super::country::{self, RowCountry};
use super::mapping::Mapping;
use crate::domain::phone::{Parsed, PhoneNumber, Reading};
use crate::domain::text::trimmed;

/// How many of a hundred filled cells must be numbers once each begins with its country code.
const VALID_PERCENT: usize = 90;

/// How many of a hundred filled cells must be no numbers otherwise.
const MIN_INVALID_PERCENT: usize = 50;

/// Nearly all numbers of a file are valid if they begin with their country code, and most only then. It is not
/// certain that they do: a person has to say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LooksInternational {
    /// Numbers without a plus that are valid only with their country code, or much more likely so, among the first
    /// rows.
    pub only_so: usize,
    /// Filled cells among the first rows.
    pub filled: usize,
    /// What the first of them is then.
    pub example: PhoneNumber,
}

impl fmt::Display for LooksInternational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            only_so,
            filled,
            example,
        } = self;
        write!(
            f,
            "{only_so} of the first {filled} numbers have no plus and seem to begin with their country code (the first is {} then)",
            example.masked()
        )
    }
}

/// Looks at the first rows of a file: `None` where its numbers are as they should be, or where the setting is
/// given already.
pub(super) fn looks_international(
    mapping: &Mapping,
    rows: &[Vec<String>],
) -> Option<LooksInternational> {
    if mapping.international {
        return None;
    }
    let (mut filled, mut valid, mut only_so, mut example) = (0, 0, 0, None);
    for row in rows {
        let cells = mapping
            .phone
            .iter()
            .filter_map(|it| Some((it, trimmed(row.get(it.column.index)?))));
        let mut filled_cells = cells.filter(|(_, cell)| !cell.is_empty());
        let Some((column, cell)) = filled_cells.next() else {
            continue;
        };
        filled += 1;
        let as_written = Reading {
            international: column.international,
            ..column
                .region
                .map_or_else(|| reading(mapping, row), |own| Reading::from(Some(own)))
        };
        let international = Reading {
            international: true,
            ..Reading::default()
        };
        if let Ok(parsed) = PhoneNumber::parse(cell, international) {
            valid += 1;
            let within = PhoneNumber::parse(cell, as_written);
            if within.is_err() || within.is_ok_and(|within| is_unlikely(within, parsed)) {
                only_so += 1;
                example.get_or_insert(parsed.phone);
            }
        }
    }
    let enough =
        valid * 100 >= filled * VALID_PERCENT && only_so * 100 >= filled * MIN_INVALID_PERCENT;
    let example = example.filter(|_| enough)?;
    Some(LooksInternational {
        only_so,
        filled,
        example,
    })
}

/// True for a fixed line of the country that is a mobile with the country code: in countries whose fixed lines have
/// any length (Germany, Austria) nearly every mobile of another country is a fixed line too.
fn is_unlikely(within: Parsed, international: Parsed) -> bool {
    within.phone != international.phone
        && !within.line_type.may_be_mobile()
        && international.line_type.may_be_mobile()
}

fn reading(mapping: &Mapping, row: &[String]) -> Reading {
    let cell = |index| row.get(index).map(String::as_str);
    let region = match country::of_row(&mapping.region, cell) {
        RowCountry::Nothing => mapping.default_region,
        RowCountry::Country(region) => Some(region),
        RowCountry::NotUnderstood => None,
    };
    Reading::from(region)
}
