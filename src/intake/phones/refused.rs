//! Columns of refusal that hold numbers: a list of those who must not be messaged, beside the people.

use std::collections::HashSet;

use super::{PhoneColumn, phone_share};
use crate::domain::phone::PhoneNumber;
use crate::intake::column::Column;
use crate::intake::consent::ConsentColumn;
use crate::intake::settings::{ReadFor, Settings};

/// A column whose numbers must not be messaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::intake) struct RefusedColumn {
    pub(in crate::intake) column: Column,
    /// One of its numbers is that of another row: a number there says nothing of the person of its own row.
    pub(in crate::intake) is_of_others: bool,
}

/// The columns of refusal of which most cells are numbers.
pub(in crate::intake) fn find(
    rows: &[Vec<String>],
    phones: &[PhoneColumn],
    consent: &[ConsentColumn],
    settings: &Settings,
) -> Vec<RefusedColumn> {
    if settings.read_for != ReadFor::Messages {
        return Vec::new();
    }
    let columns = consent.iter().filter(|it| it.is_of_refusal());
    let columns = columns.filter(|it| phone_share(it.column.index, rows, settings) >= 0.5);
    let columns = columns.map(|it| RefusedColumn {
        is_of_others: holds_another(it.column.index, rows, phones, settings),
        column: it.column.clone(),
    });
    columns.collect()
}

/// Whether a number of the column is that of a person in another row. A moment may be written as a number, too.
fn holds_another(
    index: usize,
    rows: &[Vec<String>],
    phones: &[PhoneColumn],
    settings: &Settings,
) -> bool {
    let number = |row: &Vec<String>, at: usize| {
        let cell = row.get(at)?;
        let parsed = PhoneNumber::parse(cell, settings.reading()).ok()?;
        Some(parsed.phone)
    };
    let places: Vec<usize> = phones.iter().map(|phone| phone.column.index).collect();
    let own = |row| places.iter().filter_map(move |at| number(row, *at));
    let people: HashSet<PhoneNumber> = rows.iter().flat_map(own).collect();
    rows.iter().any(|row| {
        number(row, index).is_some_and(|it| people.contains(&it) && own(row).all(|own| own != it))
    })
}
