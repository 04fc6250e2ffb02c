//! The names of the columns in a template.
//!
//! A header becomes a variable by one rule: lower case, and every run of characters that are
//! neither letters nor digits becomes one underscore, none at the ends; a leading digit gets an
//! underscore before it (`First Name` -> `first_name`, `2nd phone` -> `_2nd_phone`). The header as
//! it is written is always reachable as `row["First Name"]`.
//!
//! A name that is no such variable is compared as people write it: in any case, without accents
//! (`Jmeno` for `Jméno`). What is still unknown may name what a column was taken for: `last_name`.

use std::collections::HashMap;

use super::no_name::is_column_of_names;
use super::no_text::NoText;
use super::problem::ContentError;
use crate::domain::text::is_blank;
use crate::domain::{fold, text};

/// The name of the variable that holds the whole row.
pub(super) const ROW: &str = "row";

/// How alike two names must be before one is suggested for the other (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.75;

/// Words that the template language keeps for itself: a column so called needs `row["..."]`.
const RESERVED: &[&str] = &[
    ROW,
    "true",
    "false",
    "none",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "loop",
    "self",
    "super",
    "caller",
    "range",
    "dict",
    "debug",
    "namespace",
];

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// One column.
    One(usize),
    /// Two headers give the same variable name.
    Ambiguous(usize, usize),
}

/// What a column was taken for, and its index.
pub(crate) type Role = (&'static str, usize);

/// The columns of a file, by variable name, by header, by folded header and by what they were taken for.
#[derive(Debug, Default)]
pub(super) struct Columns {
    headers: Vec<String>,
    by_variable: HashMap<String, Slot>,
    by_header: HashMap<String, usize>,
    by_folded: HashMap<String, Slot>,
    by_role: HashMap<&'static str, usize>,
    /// Which of them hold names of people.
    of_names: Vec<bool>,
}

/// Enters a column under a name. An empty name, and a word of the template language, is no variable.
fn enter(slots: &mut HashMap<String, Slot>, name: String, index: usize) {
    if name.is_empty() || RESERVED.contains(&name.as_str()) {
        return;
    }
    let slot = slots.entry(name).or_insert(Slot::One(index));
    if let Slot::One(first) = *slot
        && first != index
    {
        *slot = Slot::Ambiguous(first, index);
    }
}

/// The variable name of a header; empty if the header has no letter and no digit.
pub(super) fn variable_name(header: &str) -> String {
    let mut name = String::with_capacity(header.len());
    for word in header
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if !name.is_empty() {
            name.push('_');
        }
        name.extend(word.chars().flat_map(char::to_lowercase));
    }
    // Lower-casing can leave a combining mark (from a dotted capital I), which no name may hold.
    name.retain(|c| c == '_' || c.is_alphanumeric());
    if name.starts_with(|c: char| c.is_numeric()) {
        name.insert(0, '_');
    }
    name
}

impl Columns {
    pub(super) fn new(headers: &[String], roles: &[Role]) -> Self {
        let is_name = |(index, header): (usize, &String)| {
            let mut roles = roles.iter();
            roles.any(|(role, at)| *at == index && matches!(*role, "first_name" | "last_name"))
                || is_column_of_names(header)
        };
        let mut columns = Self {
            headers: headers.to_vec(),
            by_role: roles.iter().copied().collect(),
            of_names: headers.iter().enumerate().map(is_name).collect(),
            ..Self::default()
        };
        for (index, header) in headers.iter().enumerate() {
            columns.by_header.entry(header.clone()).or_insert(index);
            enter(&mut columns.by_variable, variable_name(header), index);
            enter(&mut columns.by_folded, fold::header(header), index);
        }
        columns
    }

    /// What is wrong with a cell of the column; `None` for a text, and for a blank cell.
    pub(super) fn no_text(&self, index: usize, cell: &str) -> Option<NoText> {
        let is_name = self.of_names.get(index) == Some(&true);
        let of_name = |cell| if is_name { NoText::of_name(cell) } else { None };
        NoText::of(cell).or_else(|| of_name(cell))
    }

    /// Whether a cell of the column holds something for people.
    pub(super) fn is_value(&self, index: usize, cell: &str) -> bool {
        !is_blank(cell) && self.no_text(index, cell).is_none()
    }

    /// The number of columns.
    pub(super) fn len(&self) -> usize {
        self.headers.len()
    }

    /// The header at `index`, as the file has it.
    pub(super) fn header(&self, index: usize) -> &str {
        self.headers.get(index).map_or("?", String::as_str)
    }

    /// The column that a variable names, if it names exactly one.
    pub(super) fn variable(&self, name: &str) -> Option<usize> {
        match self.slot(name)? {
            Slot::One(index) => Some(index),
            Slot::Ambiguous(..) => None,
        }
    }

    /// What a name stands for: by the rule, as the header is written, as people write it, as a column was taken.
    fn slot(&self, name: &str) -> Option<Slot> {
        if RESERVED.contains(&name.to_lowercase().as_str()) {
            return None;
        }
        let written = || self.by_header.get(name).map(|index| Slot::One(*index));
        let by_rule = self.by_variable.get(name).copied().or_else(written);
        by_rule.or_else(|| {
            let folded = fold::header(name);
            let taken_for = || self.by_role.get(folded.replace(' ', "_").as_str());
            let by_folded = self.by_folded.get(&folded).copied();
            by_folded.or_else(|| taken_for().map(|index| Slot::One(*index)))
        })
    }

    /// The column that a placeholder of another program means, with or without the spaces of its name.
    pub(super) fn meant(&self, name: &str) -> Option<usize> {
        if let Some(Slot::One(index) | Slot::Ambiguous(index, _)) = self.slot(name) {
            return Some(index);
        }
        let compact = |name: &str| fold::header(name).replace(' ', "");
        let wanted = compact(name);
        let mut headers = self.headers.iter();
        headers.position(|header| !wanted.is_empty() && compact(header) == wanted)
    }

    /// The shortest name of a column in a template.
    pub(super) fn placeholder(&self, index: usize) -> String {
        let name = variable_name(self.header(index));
        if self.variable(&name) == Some(index) {
            name
        } else {
            format!("row[{:?}]", self.header(index))
        }
    }

    /// The column that `row[key]` names: the header as it stands, or else its variable name.
    pub(super) fn key(&self, key: &str) -> Option<usize> {
        self.by_header
            .get(key)
            .copied()
            .or_else(|| self.variable(key))
    }

    /// Refuses a variable that names no column, or more than one.
    pub(super) fn require_variable(&self, name: &str, place: &str) -> Result<usize, ContentError> {
        match self.slot(name) {
            Some(Slot::One(index)) => Ok(index),
            Some(Slot::Ambiguous(first, second)) => Err(ContentError::AmbiguousColumn {
                place: place.to_owned(),
                name: name.to_owned(),
                first: self.header(first).to_owned(),
                second: self.header(second).to_owned(),
            }),
            None => Err(self.unknown(name, place)),
        }
    }

    /// Refuses a `row["..."]` that names no column.
    pub(super) fn require_key(&self, key: &str, place: &str) -> Result<usize, ContentError> {
        self.key(key).ok_or_else(|| self.unknown(key, place))
    }

    fn unknown(&self, name: &str, place: &str) -> ContentError {
        ContentError::UnknownColumn {
            place: place.to_owned(),
            name: name.to_owned(),
            hint: self.hint(name),
        }
    }

    /// What the writer of `name` most likely meant, as the end of a sentence.
    fn hint(&self, name: &str) -> String {
        let wanted = variable_name(name);
        let reserved = RESERVED
            .contains(&wanted.as_str())
            .then(|| {
                self.headers
                    .iter()
                    .find(|header| variable_name(header) == wanted)
            })
            .flatten();
        if let Some(header) = reserved {
            return format!(
                "; write row[{header:?}], because `{wanted}` is a word of the template language"
            );
        }
        let near = nearest(&wanted, self.by_variable.keys().map(String::as_str));
        if let Some(near) = near {
            return format!("; did you mean `{near}`?");
        }
        let mut known: Vec<&str> = self.by_variable.keys().map(String::as_str).collect();
        if known.is_empty() {
            return String::new();
        }
        known.sort_unstable();
        format!("; there are: {}", known.join(", "))
    }
}

/// The shortest name of each column in a template, in the order of the columns.
pub(crate) fn placeholders(headers: &[String]) -> Vec<String> {
    let columns = Columns::new(headers, &[]);
    (0..headers.len())
        .map(|index| columns.placeholder(index))
        .collect()
}

/// The candidate most like `wanted`, if any is alike enough to be worth suggesting.
pub(super) fn nearest<'a>(
    wanted: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let named = candidates.map(|candidate| (candidate.to_owned(), candidate));
    text::nearest(wanted, named, ALIKE)
}
