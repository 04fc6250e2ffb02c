//! One string of the content, as a template.
//!
//! Most messages are plain text with `{{ column }}` in it; those become a list of pieces and never
//! meet the template engine again (`Simple`). All others are rendered by minijinja (`Full`). Both
//! give the same text, which a property test checks.
//!
//! # Empty cells
//!
//! A cell that is empty or blank is no value. In the engine it is an object of our own that is
//! false, that `default` replaces and that `is defined` denies. Where it reaches the text in any
//! other way, it prints a mark made of Unicode noncharacters, and a text with the mark is refused.
//! An undefined value would not do: the engine lets `"Hello " ~ first_name` pass as "Hello ".

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use minijinja::value::{Object, ObjectRepr, Rest, ValueKind};
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};

use super::names::{Columns, ROW, Role};
use super::problem::{ContentError, RenderProblem};
use crate::domain::record::Record;
use crate::domain::text::is_blank;

/// The noncharacters of the mark: ten digits, a start and an end. Unicode promises that no text
/// that is meant for exchange ever holds them.
const DIGIT_ZERO: u32 = 0xFDD0;
const MARK_START: char = '\u{FDDA}';
const MARK_END: char = '\u{FDDB}';
/// What one text may cost the engine: an instruction is 1, 64 bytes of text are 1. A message with a hundred columns
/// and conditions costs some hundreds.
const FUEL: u64 = 50_000;
/// What the context remembers while no missing cell has been looked up.
const NONE_SEEN: usize = usize::MAX;

/// A compiled string.
#[derive(Debug)]
pub(super) enum Text {
    /// The same for every row.
    Literal(String),
    /// Texts and columns in turn.
    Simple(Vec<Piece>),
    /// Left to the engine, under this name.
    Full(String),
}

/// A piece of a simple text.
#[derive(Debug)]
pub(super) enum Piece {
    Literal(String),
    Column(usize),
}

/// The engine, and the columns that its templates may name.
pub(super) struct Engine {
    environment: Environment<'static>,
    columns: Arc<Columns>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl Engine {
    pub(super) fn new(headers: &[String], roles: &[Role]) -> Result<Self, ContentError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        let syntax = minijinja::syntax::SyntaxConfig::builder()
            .keep_trailing_newline(true)
            .build()
            .map_err(|error| ContentError::syntax("the template language", &error))?;
        environment.set_syntax(syntax);
        environment.set_fuel(Some(FUEL));
        environment.set_formatter(write_value);
        // They write out the engine's own state.
        environment.remove_global("debug");
        environment.remove_filter("pprint");
        environment.add_filter("default", default);
        environment.add_filter("d", default);
        environment.add_test("defined", |value: &Value| !is_missing(value));
        environment.add_test("undefined", is_missing);
        Ok(Self {
            environment,
            columns: Arc::new(Columns::new(headers, roles)),
        })
    }

    /// Compiles the string found at `place`; refuses names that are no column.
    pub(super) fn compile(&mut self, source: &str, place: &str) -> Result<Text, ContentError> {
        if let Some(text) = simple(source, &self.columns) {
            return Ok(text);
        }
        self.compile_full(source, place)
    }

    /// Compiles for the engine, even a simple text.
    pub(super) fn compile_full(&mut self, source: &str, place: &str) -> Result<Text, ContentError> {
        self.environment
            .add_template_owned(place.to_owned(), source.to_owned())
            .map_err(|error| ContentError::syntax(place, &error))?;
        self.check_names(source, place)?;
        self.rehearse(place)?;
        Ok(Text::Full(place.to_owned()))
    }

    /// True if the text is made with the column.
    pub(super) fn uses(&self, text: &Text, column: usize) -> bool {
        match text {
            Text::Literal(_) => false,
            Text::Simple(pieces) => pieces.iter().any(|piece| match piece {
                Piece::Literal(_) => false,
                Piece::Column(index) => *index == column,
            }),
            Text::Full(name) => match self.environment.get_template(name) {
                Ok(template) => template.undeclared_variables(true).iter().any(|name| {
                    match name.split_once('.') {
                        // `row["..."]` may be any column.
                        None if name == ROW => true,
                        None => self.columns.variable(name) == Some(column),
                        Some((ROW, rest)) => {
                            let key = rest.split('.').next().unwrap_or(rest);
                            self.columns.key(key) == Some(column)
                        }
                        Some((root, _)) => self.columns.variable(root) == Some(column),
                    }
                }),
                Err(_) => true,
            },
        }
    }

    fn check_names(&self, source: &str, place: &str) -> Result<(), ContentError> {
        let template = self
            .environment
            .get_template(place)
            .map_err(|error| ContentError::syntax(place, &error))?;
        // Sorted, so that the same template always complains about the same name first.
        let names: std::collections::BTreeSet<String> =
            template.undeclared_variables(true).into_iter().collect();
        let mut whole_row = false;
        for name in &names {
            // The engine names `row.email` as one variable.
            let (root, attribute) = match name.split_once('.') {
                Some((root, rest)) => (root, rest.split('.').next()),
                None => (name.as_str(), None),
            };
            if root == ROW {
                whole_row = true;
                if let Some(attribute) = attribute {
                    self.columns.require_key(attribute, place)?;
                }
            } else if !self.environment.globals().any(|(global, _)| global == root)
                || self.columns.variable(root).is_some()
            {
                self.columns.require_variable(root, place)?;
            }
        }
        // `row["..."]` is in the source only.
        if whole_row {
            for key in row_keys(source) {
                self.columns.require_key(&key, place)?;
            }
        }
        Ok(())
    }

    /// Renders once with every cell filled and once with every cell empty: an unknown filter, test
    /// or function shows only then. What depends on the cells' text is left to the rows.
    fn rehearse(&self, place: &str) -> Result<(), ContentError> {
        for cell in ["1", ""] {
            let row: Record = (0..self.columns.len()).map(|_| cell).collect();
            let Err(error) = self.run(place, &row).1 else {
                continue;
            };
            match error.kind() {
                ErrorKind::UnknownFilter
                | ErrorKind::UnknownTest
                | ErrorKind::UnknownFunction
                | ErrorKind::UnknownMethod
                | ErrorKind::TemplateNotFound => return Err(ContentError::syntax(place, &error)),
                // With any row, then: the first one would only tell it later.
                ErrorKind::OutOfFuel if cell == "1" => {
                    return Err(ContentError::TooMuch {
                        place: place.to_owned(),
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Renders `text` for one row. `place` names the string in problems.
    pub(super) fn render<'a>(
        &self,
        text: &'a Text,
        place: &str,
        record: &Record,
    ) -> Result<std::borrow::Cow<'a, str>, RenderProblem> {
        match text {
            Text::Literal(text) => Ok(text.into()),
            Text::Simple(pieces) => {
                let mut out = String::new();
                for piece in pieces {
                    out.push_str(match piece {
                        Piece::Literal(text) => text,
                        Piece::Column(index) => match record.get(*index) {
                            Some(cell) if !is_blank(cell) => cell,
                            Some(_) | None => return Err(self.missing(*index)),
                        },
                    });
                }
                Ok(out.into())
            }
            Text::Full(name) => self.render_full(name, place, record).map(Into::into),
        }
    }

    fn render_full(
        &self,
        name: &str,
        place: &str,
        record: &Record,
    ) -> Result<String, RenderProblem> {
        let marked = |text: &str| text.contains(|c| matches!(c, '\u{FDD0}'..='\u{FDEF}'));
        if let Some(index) = record.iter().position(marked) {
            return Err(RenderProblem::Noncharacter {
                column: self.columns.header(index).to_owned(),
            });
        }
        let (last_missing, result) = self.run(name, record);
        match result {
            Ok(text) => match first_mark(&text) {
                None => Ok(text),
                Some(Mark::Column(index)) => Err(self.missing(index)),
                Some(Mark::Cut) => Err(self.missing(last_missing)),
            },
            Err(error) if error.kind() == ErrorKind::OutOfFuel => Err(RenderProblem::TooMuch {
                place: place.to_owned(),
            }),
            // A missing cell that was looked up is the likeliest cause of whatever went wrong.
            Err(_) if last_missing != NONE_SEEN => Err(self.missing(last_missing)),
            Err(error) => Err(RenderProblem::Template {
                place: place.to_owned(),
                message: error
                    .detail()
                    .map_or_else(|| error.kind().to_string(), str::to_owned),
            }),
        }
    }

    /// Renders, and returns which missing cell was looked up last.
    fn run(&self, name: &str, record: &Record) -> (usize, Result<String, minijinja::Error>) {
        let context = Arc::new(Context {
            row: Arc::new(Row {
                columns: Arc::clone(&self.columns),
                cells: record.iter().map(cell).collect(),
                last_missing: AtomicUsize::new(NONE_SEEN),
            }),
        });
        let row = Arc::clone(&context.row);
        let result = self
            .environment
            .get_template(name)
            .and_then(|template| template.render(Value::from_dyn_object(context)));
        (row.last_missing.load(Ordering::Relaxed), result)
    }

    fn missing(&self, index: usize) -> RenderProblem {
        RenderProblem::MissingValue {
            column: self.columns.header(index).to_owned(),
        }
    }
}

/// Writes what is text or number. What else the engine has (a function, a loop, a whole row) is for templates, not
/// for people.
fn write_value(
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

/// The cell as the engine sees it: `None` if it is blank.
fn cell(text: &str) -> Option<Value> {
    (!is_blank(text)).then(|| Value::from(text))
}

/// The names at the top of a template.
#[derive(Debug)]
struct Context {
    row: Arc<Row>,
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
struct Row {
    columns: Arc<Columns>,
    cells: Vec<Option<Value>>,
    /// The column of the missing cell that was looked up last.
    last_missing: AtomicUsize,
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

fn is_missing(value: &Value) -> bool {
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
fn default(value: &Value, other: Rest<Value>) -> Result<Value, minijinja::Error> {
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
enum Mark {
    /// It names this column.
    Column(usize),
    /// A filter has cut it to pieces.
    Cut,
}

/// The first mark in a text.
fn first_mark(text: &str) -> Option<Mark> {
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

/// The text as pieces, if it is nothing but text and `{{ column }}`.
fn simple(source: &str, columns: &Columns) -> Option<Text> {
    if source.contains("{%") || source.contains("{#") {
        return None;
    }
    let mut pieces = Vec::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}")?;
        let index = columns.variable(name.trim_matches([' ', '\t']))?;
        if !before.is_empty() {
            pieces.push(Piece::Literal(before.to_owned()));
        }
        pieces.push(Piece::Column(index));
        rest = after;
    }
    if pieces.is_empty() {
        return Some(Text::Literal(source.to_owned()));
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Some(Text::Simple(pieces))
}

/// The literal keys of `row["..."]` in a source; the engine's own analysis does not look into
/// subscripts. Keys with escapes are left to the rendering of the rows.
fn row_keys(source: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("row[") {
        rest = after;
        if before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.')) {
            continue;
        }
        let inner = after.trim_start();
        for quote in ['"', '\''] {
            let key = inner
                .strip_prefix(quote)
                .and_then(|inner| inner.split_once(quote));
            if let Some((key, after)) = key
                && !key.contains('\\')
                && after.trim_start().starts_with(']')
            {
                keys.push(key.to_owned());
            }
        }
    }
    keys
}
