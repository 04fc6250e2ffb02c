//! Values that stand only where they change, as a pivot table, an outline or cells that were merged leave them: the rows below
//! have nothing in the column, and mean the same.

use jiff::Timestamp;

use super::column::Column;
use super::consent::{ConsentColumn, Use};
use super::error::IntakeError;
use super::mapping::Mapping;
use super::settings::ReadFor;
use crate::domain::fold;
use crate::domain::phone::Region;
use crate::domain::text::trimmed;

/// A day or a number is no name of a group.
const DIGITS: usize = 4;

/// More groups than that are none.
const MOST: usize = 50;

/// The columns that may be so, while the rows come.
pub(super) struct GroupedColumns<'a>(Vec<Groups<'a>>);

/// What a column is read as.
enum What<'a> {
    Consent(&'a ConsentColumn, Option<Timestamp>),
    /// A country; that of the list.
    Country(Region),
}

/// A column whose cells are filled only where they change, so far.
struct Groups<'a> {
    column: &'a Column,
    what: What<'a>,
    /// The values so far, where each group has its own: tags and foreign countries stand here and there.
    seen: Vec<String>,
    /// The value that stands there last, with its row.
    last: Option<Value>,
    filled: u64,
    /// How many values have empty cells below them, and how many at most.
    with_empty: u64,
    longest: u64,
    /// The first value with empty cells below it that would change what becomes of their rows.
    against: Option<(u32, String)>,
}

struct Value {
    folded: String,
    row: u32,
    /// The rows below would be read otherwise if they had it.
    matters: bool,
    /// Empty cells below it.
    empty: u64,
}

/// A row of the list, as far as it is of interest.
pub(super) struct ListRow<'r> {
    pub(super) number: u32,
    /// It has a number.
    pub(super) is_person: bool,
    /// The one cell that is filled, where there is no other.
    pub(super) only: Option<usize>,
    pub(super) cell: &'r dyn Fn(usize) -> &'r str,
}

impl<'a> GroupedColumns<'a> {
    /// The columns that say who may be messaged, and those of countries.
    pub(super) fn of(mapping: &'a Mapping, now: Option<Timestamp>) -> Self {
        if mapping.read_for != ReadFor::Messages {
            return Self(Vec::new());
        }
        let groups = |column: &'a Column, what| Groups {
            column,
            what,
            seen: Vec::new(),
            last: None,
            filled: 0,
            with_empty: 0,
            longest: 0,
            against: None,
        };
        let consent = mapping.consent.iter().filter(|it| !it.is_of_remarks());
        let consent = consent.map(|it| groups(&it.column, What::Consent(it, now)));
        let known = mapping.region.iter().filter(|it| it.is_known());
        let own = mapping.default_region;
        let countries = known.filter_map(|it| Some(groups(&it.column, What::Country(own?))));
        Self(consent.chain(countries).collect())
    }

    /// Whether no column may be so any more.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the next row.
    pub(super) fn take(&mut self, row: &ListRow<'_>) {
        self.0.retain_mut(|groups| groups.take(row));
    }

    /// Refuses a list with such a column. All rows have come.
    pub(super) fn refuse(&self, file: &str) -> Result<(), IntakeError> {
        match self.0.iter().find_map(Groups::grouped) {
            Some((column, (row, value))) => Err(IntakeError::GroupedValues {
                file: file.to_owned(),
                column: column.name.clone(),
                row: *row,
                value: value.clone(),
            }),
            None => Ok(()),
        }
    }
}

impl Groups<'_> {
    /// False once the column is known to have its value in each row.
    fn take(&mut self, row: &ListRow<'_>) -> bool {
        let cell = trimmed((row.cell)(self.column.index));
        if !row.is_person && row.only != Some(self.column.index) {
            return true;
        }
        if !cell.is_empty() {
            return self.take_value(cell, row.number);
        }
        let Some(last) = &mut self.last else {
            return false;
        };
        last.empty += 1;
        self.longest = self.longest.max(last.empty);
        self.with_empty += u64::from(last.empty == 1);
        if last.matters && self.against.is_none() {
            self.against = Some((last.row, last.folded.clone()));
        }
        true
    }

    fn take_value(&mut self, cell: &str, row: u32) -> bool {
        let folded = fold::header(cell);
        let is_repeated = self.last.as_ref().is_some_and(|it| it.folded == folded);
        let digits = cell.bytes().filter(u8::is_ascii_digit).count();
        let matters = match &self.what {
            What::Consent(column, now) => Some(column.keeps_out(cell, *now)),
            What::Country(own) => cell
                .parse::<Region>()
                .ok()
                .map(|it| it.calling_code() != own.calling_code()),
        };
        let Some(matters) = matters.filter(|_| !is_repeated && digits < DIGITS) else {
            return false;
        };
        if !self.may_come_back() {
            if self.seen.contains(&folded) || self.seen.len() >= MOST {
                return false;
            }
            self.seen.push(folded.clone());
        }
        self.filled += 1;
        self.last = Some(Value {
            folded,
            row,
            matters,
            empty: 0,
        });
        true
    }

    /// Whether groups within groups may have the same value: a "yes" and a "no" in each town.
    fn may_come_back(&self) -> bool {
        match &self.what {
            What::Consent(column, _) => column.use_of() != Use::OptOuts,
            What::Country(_) => false,
        }
    }

    fn grouped(&self) -> Option<(&Column, &(u32, String))> {
        let is_grouped = self.filled > 1 && (self.with_empty > 1 || self.longest > 1);
        let against = self.against.as_ref().filter(|_| is_grouped)?;
        Some((self.column, against))
    }
}
