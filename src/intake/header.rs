//! Headers: which row names the columns, and where the columns of the first file stand in another.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::consent;
use super::error::IntakeError;
use super::levels::{self, Around, Joined};
use super::mends::MENDS;
use super::settings::Settings;
use super::title;
use crate::domain::fold;
use crate::domain::phone::PhoneNumber;
use crate::domain::spreadsheet::unguard;
use crate::domain::text::trimmed;

/// The names of a file's columns.
pub(super) struct Header {
    /// The row of the header; 0 if there is none.
    pub(super) row: u32,
    /// The texts of the rows above it, which are no contacts.
    pub(super) titles: Vec<String>,
    /// One name for each column, as it is written.
    pub(super) names: Vec<String>,
}

/// True for the column of a rejects file that names the row that is mended.
pub(super) fn is_mends(header: &str) -> bool {
    is_named(header, MENDS)
}

/// True for a column of ours with this name.
pub(super) fn is_named(header: &str, name: &str) -> bool {
    header.trim().eq_ignore_ascii_case(name)
}

/// True for a column of a results or rejects file of this program.
pub(super) fn is_ours(header: &str) -> bool {
    header.trim().to_ascii_lowercase().starts_with("outreach_")
}

/// The names of a file's columns, to recognise another header among its rows.
#[derive(Debug, Clone, Default)]
pub(super) struct HeaderWords(Vec<String>);

impl HeaderWords {
    pub(super) fn of(names: &[String]) -> Self {
        let folded = |name: &String| {
            if is_ours(name) {
                String::new()
            } else {
                fold::header(name)
            }
        };
        Self(names.iter().map(folded).collect())
    }

    /// Whether these cells of a row name columns, and others than the header does: two lists were put together. A row with
    /// the very names of the header is only too many.
    ///
    /// `has_phone`: something stands where the numbers do.
    pub(super) fn is_other<'a>(
        &self,
        cells: impl Iterator<Item = (usize, &'a str)>,
        has_phone: bool,
    ) -> bool {
        let filled: Vec<(usize, &str)> = cells.filter(|(_, cell)| !cell.is_empty()).collect();
        let may_be_name = |(_, cell): &(usize, &str)| {
            let digits = cell.bytes().filter(u8::is_ascii_digit).count();
            title::may_be_name(cell) && digits < 5 && !cell.contains('@')
        };
        if filled.len() < 2 || !filled.iter().all(may_be_name) {
            return false;
        }
        let is_own = |cell: &str| self.0.contains(&fold::header(cell));
        let is_known = |cell: &str| {
            is_own(cell) || title::is_phone_header(cell) || consent::is_known_header(cell)
        };
        let known = filled.iter().filter(|(_, cell)| is_known(cell)).count();
        // A person may have no number, and a word for a column in some cell.
        let is_header = if has_phone {
            known * 2 > filled.len()
        } else {
            known == filled.len()
        };
        let named = self.0.iter().filter(|name| !name.is_empty()).count();
        let is_in_place = |(at, cell): &(usize, &str)| self.0.get(*at) == Some(&fold::header(cell));
        let is_same = filled.len() == named && filled.iter().all(is_in_place);
        is_header && !is_same && filled.iter().any(|(_, cell)| title::is_phone_header(cell))
    }
}

/// The header is searched among so many rows.
const ROWS_SEARCHED: usize = 200;

impl Header {
    /// Takes the header off the first rows of a file; without one the columns are numbered.
    pub(super) fn of(
        file: &str,
        head: Vec<(u32, Vec<String>)>,
        settings: &Settings,
        as_typed: bool,
    ) -> Result<(Self, Vec<Vec<String>>), IntakeError> {
        let mut rows = head.into_iter().peekable();
        let numbered = |fields: &Vec<String>| Self {
            row: 0,
            titles: Vec::new(),
            names: (1..=fields.len()).map(|n| format!("column_{n}")).collect(),
        };
        let mut titles = Vec::new();
        let header = if settings.no_header {
            rows.peek().map(|(_, fields)| numbered(fields))
        } else {
            let place =
                title::header_place(file, rows.clone().take(ROWS_SEARCHED).collect(), settings)?;
            let above: Vec<_> = rows.by_ref().take(place).collect();
            titles.extend(above.iter().map(|(_, fields)| title::text(fields)));
            let header = rows
                .next()
                .map(|(row, names)| Self::named(row, names, as_typed));
            let header = header.map(|header| header.joined(file, &above, &mut rows, &mut titles));
            header.transpose()?
        };
        let header = header.ok_or_else(|| IntakeError::Empty {
            file: file.to_owned(),
        })?;
        header.refuse_data(file, settings)?;
        let header = Self { titles, ..header };
        Ok((header, rows.map(|(_, fields)| fields).collect()))
    }

    /// The header of a file; where it is one of ours, its cells are guarded like all others.
    fn named(row: u32, mut names: Vec<String>, as_typed: bool) -> Self {
        if !as_typed && names.iter().any(|name| is_ours(name)) {
            for name in &mut names {
                *name = unguard(name).to_owned();
            }
        }
        let titles = Vec::new();
        Self { row, titles, names }
    }

    /// The header with the rows right above and right below it that belong to it.
    fn joined(
        self,
        file: &str,
        above: &[(u32, Vec<String>)],
        rows: &mut Peekable<IntoIter<(u32, Vec<String>)>>,
        titles: &mut Vec<String>,
    ) -> Result<Self, IntakeError> {
        // The files that we write have one row of names.
        if self.names.iter().any(|name| is_ours(name)) {
            return Ok(self);
        }
        let at = |row: Option<u32>, it: Option<&(u32, Vec<String>)>| {
            let (own, cells) = it?;
            (Some(*own) == row).then(|| cells.clone())
        };
        let above = at(self.row.checked_sub(1), above.last());
        let below = at(self.row.checked_add(1), rows.peek());
        let around = Around {
            file,
            row: self.row,
            above: above.as_deref(),
            below: below.as_deref(),
        };
        let Joined {
            names,
            with_below,
            left_above,
        } = levels::join(&self.names, around)?;
        if let Some(left) = left_above {
            titles.pop();
            titles.extend(Some(title::text(&left)).filter(|it| !it.is_empty()));
        }
        let row = match rows.next_if(|_| with_below) {
            Some((row, _)) => row,
            None => self.row,
        };
        Ok(Self { row, names, ..self })
    }

    /// Leaves out columns at the end that have no name and no cell, where rows end before them.
    pub(super) fn without_empty_end(mut self, rows: &[Vec<String>]) -> Self {
        let is_filled = |cell: &String| !trimmed(cell).is_empty();
        let places = |cells: &[String]| cells.iter().rposition(is_filled).map_or(0, |at| at + 1);
        let used = rows.iter().map(|row| places(row));
        let used = used.chain([places(&self.names)]).max().unwrap_or(0);
        if rows.iter().any(|row| row.len() < self.names.len()) {
            self.names.truncate(used);
        }
        self
    }

    /// A header that holds a phone number is a contact who would be lost.
    fn refuse_data(&self, file: &str, settings: &Settings) -> Result<(), IntakeError> {
        let number = self.names.iter().find(|cell| {
            let digits = cell.bytes().filter(u8::is_ascii_digit).count();
            PhoneNumber::parse(cell, settings.reading()).is_ok()
                || (digits >= 9 && !cell.chars().any(char::is_alphabetic))
        });
        match number {
            Some(cell) => Err(IntakeError::HeaderIsData {
                file: file.to_owned(),
                row: self.row,
                cell: cell.clone(),
            }),
            None => Ok(()),
        }
    }

    /// For each wanted column its place in this file, in whatever order the columns stand here; columns
    /// with equal names keep their order. The error is a column that is missing.
    pub(super) fn find(&self, wanted: &[String]) -> Result<Vec<usize>, String> {
        let mut free: Vec<Option<String>> = self
            .names
            .iter()
            .map(|name| (!is_ours(name)).then(|| fold::header(name)))
            .collect();
        let mut find = |name: &String| {
            let folded = Some(fold::header(name));
            let at = free.iter().position(|free| *free == folded)?;
            free.get_mut(at)?.take();
            Some(at)
        };
        wanted
            .iter()
            .map(|name| find(name).ok_or_else(|| name.clone()))
            .collect()
    }
}
