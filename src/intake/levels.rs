//! A header in two rows: the names of the columns, and above some of them that of a group, or below some of them the names of
//! its columns. Merged cells have their text in the first of them.
//!
//! Both parts together say what a column is: `Nechce` above `E-mail` and `SMS`. So they are put together, and where it is not
//! certain which belong to each other, and one of them is about who may be messaged, the list is refused.

use super::consent;
use super::error::IntakeError;
use super::title;
use crate::domain::fold;
use crate::domain::text::trimmed;

/// The first rows of a file around its header.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) file: &'a str,
    /// The row of the names.
    pub(super) row: u32,
    /// The cells of the row right above it.
    pub(super) above: Option<&'a [String]>,
    /// Those of the row right below it.
    pub(super) below: Option<&'a [String]>,
}

/// What was put together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    /// The names of the columns.
    pub(super) names: Vec<String>,
    /// The row below belongs to the header.
    pub(super) with_below: bool,
    /// The cells of the row above that are no part of a name; `None` where none is.
    pub(super) left_above: Option<Vec<String>>,
}

/// A name that is put together, and of which column it is.
struct Part {
    column: usize,
    /// A part of it is about who may be messaged.
    is_of_consent: bool,
}

/// Puts the names together with the cells above and below them.
pub(super) fn join(names: &[String], around: Around<'_>) -> Result<Joined, IntakeError> {
    let mut parts = Vec::new();
    let refused = |part: &str| IntakeError::HeaderInTwoRows {
        file: around.file.to_owned(),
        row: around.row,
        part: part.to_owned(),
    };
    let (names, with_below) = match around.below.and_then(|cells| Below::of(names, cells)) {
        Some(below) => (below.names(&mut parts).map_err(|it| refused(&it))?, true),
        None => (names.to_vec(), false),
    };
    let (names, left_above) = match around.above {
        Some(above) => with_groups(names, above, &mut parts).map_err(|it| refused(&it))?,
        None => (names, None),
    };
    let of_consent = parts.iter().filter(|it| it.is_of_consent);
    match consent::first_unheard(&names, of_consent.map(|it| it.column)) {
        Some(name) => Err(refused(name)),
        None => Ok(Joined {
            names,
            with_below,
            left_above,
        }),
    }
}

/// A row below the names that has names, too.
struct Below<'a> {
    names: &'a [String],
    cells: &'a [String],
    width: usize,
}

impl<'a> Below<'a> {
    /// `None` if the row is one of the list.
    fn of(names: &'a [String], cells: &'a [String]) -> Option<Self> {
        let width = names.len().max(cells.len());
        let row = Self {
            names,
            cells,
            width,
        };
        row.has_names().then_some(row)
    }

    fn name(&self, column: usize) -> &'a str {
        self.names.get(column).map_or("", |cell| trimmed(cell))
    }

    fn cell(&self, column: usize) -> &'a str {
        self.cells.get(column).map_or("", |cell| trimmed(cell))
    }

    fn filled(&self) -> impl Iterator<Item = usize> + Clone {
        (0..self.width).filter(|column| !self.cell(*column).is_empty())
    }

    /// The first column of the group of a column: its own, or the next one at its left that has a name.
    fn start(&self, column: usize) -> Option<usize> {
        (0..=column).rev().find(|at| !self.name(*at).is_empty())
    }

    /// The columns of the group that begins there: those without a name behind it.
    fn members(&self, start: usize) -> impl Iterator<Item = usize> + Clone {
        let end = (start + 1..self.width).find(|at| !self.name(*at).is_empty());
        start..end.unwrap_or(self.width)
    }

    /// Whether several columns have one name above them, and their own below it.
    fn is_group(&self, start: usize) -> bool {
        let is_filled = |column: &usize| !self.cell(*column).is_empty();
        self.members(start).filter(is_filled).any(|it| it > start)
    }

    /// Whether a column has its name in a group, from its first column on.
    fn is_in_group(&self, column: usize) -> bool {
        let start = self.start(column);
        start.is_some_and(|it| self.is_group(it) && !self.cell(it).is_empty())
    }

    fn has_names(&self) -> bool {
        let may_be_name = |column: usize| {
            let cell = self.cell(column);
            let digits = cell.bytes().filter(u8::is_ascii_digit).count();
            title::may_be_name(cell) && digits < 5 && !cell.contains('@')
        };
        let filled = self.filled();
        if filled.clone().next().is_none() || !filled.clone().all(may_be_name) {
            return false;
        }
        let goes_on = |column: usize| consent::goes_on(self.name(column), self.cell(column));
        let matters = |column: usize| {
            let start = self.start(column).map_or("", |it| self.name(it));
            [start, self.cell(column)]
                .iter()
                .any(|it| consent::is_about_consent(it) || title::is_phone_header(it))
        };
        let in_group = |column: usize| {
            let start = self.start(column);
            start.is_some_and(|it| {
                self.is_group(it)
                    && (!self.cell(it).is_empty() || consent::is_about_consent(self.name(it)))
            })
        };
        let has_letters = |column: usize| self.cell(column).contains(char::is_alphabetic);
        let in_words = |column: usize| in_group(column) && has_letters(column);
        let is_header = filled.clone().all(|it| in_group(it) || goes_on(it))
            && (filled.clone().any(in_words) || filled.clone().all(goes_on));
        (is_header || self.has_ways()) && filled.clone().any(matters)
    }

    /// Whether several ways to reach people stand below the name of a group, and nothing else: no row of a list has that.
    fn has_ways(&self) -> bool {
        let starts = (0..self.width).filter(|it| !self.name(*it).is_empty());
        starts.filter(|it| self.is_group(*it)).any(|start| {
            let cells = self.members(start).map(|it| self.cell(it));
            let mut cells = cells.filter(|cell| !cell.is_empty());
            cells.clone().count() > 1 && cells.all(consent::is_way)
        })
    }

    /// The names; the error is one of which it is not certain to what it belongs.
    fn names(&self, parts: &mut Vec<Part>) -> Result<Vec<String>, String> {
        let mut names = Vec::with_capacity(self.width);
        for column in 0..self.width {
            let (name, cell) = (self.name(column), self.cell(column));
            let start = self.start(column);
            let group = start.map_or("", |it| self.name(it));
            let is_of_consent = consent::is_about_consent(group);
            let is_joined = self.is_in_group(column) || consent::goes_on(name, cell);
            names.push(if cell.is_empty() || !is_joined && !name.is_empty() {
                name.to_owned()
            } else if is_joined {
                parts.push(Part {
                    column,
                    is_of_consent: is_of_consent && consent::is_part(cell),
                });
                both(group, cell)
            } else if is_of_consent {
                return Err(cell.to_owned());
            } else {
                cell.to_owned()
            });
        }
        Ok(names)
    }
}

/// Two parts of a name.
fn both(above: &str, below: &str) -> String {
    if fold::header(above) == fold::header(below) {
        above.to_owned()
    } else {
        format!("{above} {below}")
    }
}

/// The names with the groups that stand above them, and what else stands there; the error is a group of which it is not certain
/// how far it goes.
fn with_groups(
    mut names: Vec<String>,
    above: &[String],
    parts: &mut Vec<Part>,
) -> Result<(Vec<String>, Option<Vec<String>>), String> {
    let cell = |column: usize| above.get(column).map_or("", |cell| trimmed(cell));
    let own = names.clone();
    let name = |column: usize| own.get(column).map_or("", |cell| trimmed(cell));
    let filled: Vec<usize> = (0..names.len().max(above.len()))
        .filter(|column| !cell(*column).is_empty())
        .collect();
    // A title stands above the first column.
    let is_title = |column: usize| column == 0 && !consent::is_way(name(0));
    let is_group = |column: &usize| {
        !is_title(*column)
            && !title::is_phone_header(name(*column))
            && consent::are_one(cell(*column), name(*column))
    };
    let mut left = above.to_vec();
    let mut has_groups = false;
    for (at, column) in filled.iter().enumerate().filter(|(_, it)| is_group(it)) {
        let end = filled.get(at + 1).copied().unwrap_or(names.len());
        let is_part =
            |it: &usize| consent::is_part(name(*it)) && !title::is_phone_header(name(*it));
        let last = (*column..end).rev().find(is_part).unwrap_or(*column);
        // What stands between may be of the group, and what says enough alone may be of none.
        let is_certain =
            |it: usize| it == *column || is_part(&it) && !consent::tells_consent(name(it));
        if !(*column..=last).all(is_certain) {
            return Err(cell(*column).to_owned());
        }
        has_groups = true;
        for it in *column..=last {
            if let Some(name) = names.get_mut(it) {
                *name = both(cell(*column), trimmed(name));
                parts.push(Part {
                    column: it,
                    is_of_consent: true,
                });
            }
        }
        if let Some(cell) = left.get_mut(*column) {
            cell.clear();
        }
    }
    if has_groups {
        // A name that is merged with the cell above it.
        for (name, cell) in names.iter_mut().zip(&mut left) {
            if trimmed(name).is_empty() {
                *name = std::mem::take(cell);
            }
        }
    }
    Ok((names, has_groups.then_some(left)))
}
