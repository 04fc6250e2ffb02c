//! The cells of a row, as the template engine sees them.
//!
//! # Empty cells
//!
//! A cell that is empty or blank, or holds no text for people ([`NoText`](super::super::no_text::NoText)), is no value. In the engine it is an object of our own that is
//! false, that `default` replaces and that `is defined` denies. Where it reaches the text in any
//! other way, it prints a mark made of Unicode noncharacters, and a text with the mark is refused.
//! An undefined value would not do: the engine lets `"Hello " ~ first_name` pass as "Hello ".

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use minijinja::value::{Object, ObjectRepr, Rest, ValueKind};
use minijinja::{ErrorKind, Value};

use super::super::names::{Columns, ROW};
use crate::domain::text::is_blank;

/// The noncharacters of the mark: ten digits, a start and an end. Unicode promises that no text
/// that is meant for exchange ever holds them.
const DIGIT_ZERO: u32 = 0xFDD0;
const MARK_START: char = '\u{FDDA}';
const MARK_END: char = '\u{FDDB}';
/// What the context remembers while no missing cell has been looked up.
pub(super) const NONE_SEEN: usize = usize::MAX;

/// Writes what is text or number. What else the engine has (a function, a loop, a whole row) is for templates, not
/// for people.
pub(super) fn write_value(
    out: &mut minijinja::Output<'_>,
    state: &mut minijinja::State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    let is_internal = match value.kind() {
        ValueKind::Plain => value.downcast_object_ref::<Missing>().is_none(),
        ValueKind::Map | ValueKind::Iterable => true,
        _ => false,
    };
    if is_internal {
        return Err(minijinja::Error::new(
            ErrorKind::InvalidOperation,
            "a part of the template is neither a text nor a number",
        ));
    }
    minijinja::escape_formatter(out, state, value)
}

/// The cell of a column as the engine sees it: `None` if it holds nothing for people.
pub(super) fn cell(columns: &Columns, index: usize, text: &str) -> Option<Value> {
    columns.is_value(index, text).then(|| Value::from(text))
}

/// The names at the top of a template.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) row: Arc<Row>,
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        if key == ROW {
            return Some(Value::from_dyn_object(Arc::clone(&self.row)));
        }
        let index = self.row.columns.variable(key)?;
        Some(self.row.cell(index))
    }
}

/// The row as `row[...]` sees it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) columns: Arc<Columns>,
    pub(super) cells: Vec<Option<Value>>,
    /// The column of the missing cell that was looked up last.
    pub(super) last_missing: AtomicUsize,
}

impl Row {
    fn cell(&self, index: usize) -> Value {
        if let Some(Some(value)) = self.cells.get(index) {
            return value.clone();
        }
        self.last_missing.store(index, Ordering::Relaxed);
        Value::from_object(Missing { column: index })
    }
}

impl Object for Row {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        Some(match self.columns.key(key) {
            Some(index) => self.cell(index),
            None => Value::from(minijinja::Error::new(
                ErrorKind::UndefinedError,
                format!("there is no column {key:?}"),
            )),
        })
    }
}

/// A blank cell.
#[derive(Debug)]
struct Missing {
    column: usize,
}

impl Object for Missing {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        false
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char(MARK_START)?;
        for digit in self
            .column
            .to_string()
            .chars()
            .filter_map(|c| c.to_digit(10))
        {
            f.write_char(char::from_u32(DIGIT_ZERO + digit).unwrap_or(MARK_END))?;
        }
        f.write_char(MARK_END)
    }
}

pub(super) fn is_missing(value: &Value) -> bool {
    value.is_undefined()
        || value.downcast_object_ref::<Missing>().is_some()
        || value
            .as_str()
            .is_some_and(|text| is_blank(text) || first_mark(text).is_some())
}

/// The engine's own `default`, save that an empty text counts as missing.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the engine passes the arguments so"
)]
pub(super) fn default(value: &Value, other: Rest<Value>) -> Result<Value, minijinja::Error> {
    if other.len() > 2 {
        return Err(minijinja::Error::from(ErrorKind::TooManyArguments));
    }
    let lax = other.get(1).is_some_and(Value::is_true);
    if is_missing(value) || (lax && !value.is_true()) {
        return Ok(other.first().cloned().unwrap_or_else(|| Value::from("")));
    }
    Ok(value.clone())
}

/// The mark of a missing cell, found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It names this column.
    Column(usize),
    /// A filter has cut it to pieces.
    Cut,
}

/// The first mark in a text.
pub(super) fn first_mark(text: &str) -> Option<Mark> {
    let start = text.find(|c| matches!(c, '\u{FDD0}'..='\u{FDDB}'))?;
    let mut chars = text.get(start..)?.chars();
    if chars.next() != Some(MARK_START) {
        return Some(Mark::Cut);
    }
    let mut index = 0_usize;
    for c in chars {
        match u32::from(c).checked_sub(DIGIT_ZERO) {
            Some(digit @ 0..=9) => {
                index = index.saturating_mul(10).saturating_add(digit as usize);
            }
            _ if c == MARK_END => return Some(Mark::Column(index)),
            _ => return Some(Mark::Cut),
        }
    }
    Some(Mark::Cut)
}
