//! One string of the content, as a template.
//!
//! Most messages are plain text with `{{ column }}` in it; those become a list of pieces and never
//! meet the template engine again (`Simple`). All others are rendered by minijinja (`Full`). Both
//! give the same text, which a property test checks.

mod cells;

use std::borrow::Cow;
use std::fmt::{self};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};

use cells::{Context, Mark, NONE_SEEN, Row, cell, default, first_mark, is_missing, write_value};

use super::foreign;
use super::names::{Columns, ROW, Role, variable_name};
use super::problem::{ContentError, RenderProblem};
use crate::domain::record::Record;

/// What one text may cost the engine: an instruction is 1, 64 bytes of text are 1. A message with a hundred columns
/// and conditions costs some hundreds.
const FUEL: u64 = 50_000;

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
            .map_err(|error| ContentError::syntax("the template language", &error, None))?;
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

    /// Compiles the string found at `place`; refuses names that are no column. What may stand in a template is said by
    /// the engine alone, so that a text is judged alike with a list and before there is one.
    pub(super) fn compile(&mut self, source: &str, place: &str) -> Result<Text, ContentError> {
        let full = self.compile_full(source, place)?;
        Ok(simple(source, &self.columns).unwrap_or(full))
    }

    /// Refuses text that is a placeholder in another program.
    pub(super) fn refuse_foreign(&self, source: &str, place: &str) -> Result<(), ContentError> {
        foreign::refuse(source, place, &self.columns)
    }

    /// Compiles for the engine, even a simple text.
    pub(super) fn compile_full(&mut self, source: &str, place: &str) -> Result<Text, ContentError> {
        self.environment
            .add_template_owned(place.to_owned(), source.to_owned())
            .map_err(|error| ContentError::syntax(place, &error, misspelt(source)))?;
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
            .map_err(|error| ContentError::syntax(place, &error, None))?;
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
            let value = || (!cell.is_empty()).then(|| Value::from(cell));
            let cells = (0..self.columns.len()).map(|_| value()).collect();
            let Err(error) = self.run(place, cells).1 else {
                continue;
            };
            match error.kind() {
                ErrorKind::UnknownFilter
                | ErrorKind::UnknownTest
                | ErrorKind::UnknownFunction
                | ErrorKind::UnknownMethod
                | ErrorKind::TemplateNotFound => {
                    return Err(ContentError::syntax(place, &error, None));
                }
                // With any row: the first real row would only show it later.
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
    ) -> Result<Cow<'a, str>, RenderProblem> {
        let filled = self.fill(text, place, record)?;
        match self.lost_letters(&filled, record) {
            Some(problem) => Err(problem),
            None => Ok(filled),
        }
    }

    /// The sign for a letter that was lost comes of a cell.
    fn lost_letters(&self, filled: &str, record: &Record) -> Option<RenderProblem> {
        let has_lost = |text: &str| text.contains('\u{fffd}');
        if !has_lost(filled) {
            return None;
        }
        let index = record.iter().position(has_lost)?;
        Some(RenderProblem::LostLetters {
            column: self.columns.header(index).to_owned(),
        })
    }

    fn fill<'a>(
        &self,
        text: &'a Text,
        place: &str,
        record: &Record,
    ) -> Result<Cow<'a, str>, RenderProblem> {
        match text {
            Text::Literal(text) => Ok(text.into()),
            Text::Simple(pieces) => {
                let mut out = String::new();
                for piece in pieces {
                    out.push_str(match piece {
                        Piece::Literal(text) => text,
                        Piece::Column(index) => match record.get(*index) {
                            Some(cell) if self.columns.is_value(*index, cell) => cell,
                            Some(_) | None => return Err(self.missing(*index, record)),
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
        let cells = record.iter().enumerate();
        let cells = cells.map(|(at, text)| cell(&self.columns, at, text));
        let (last_missing, result) = self.run(name, cells.collect());
        match result {
            Ok(text) => match first_mark(&text) {
                None => Ok(text),
                Some(Mark::Column(index)) => Err(self.missing(index, record)),
                Some(Mark::Cut) => Err(self.missing(last_missing, record)),
            },
            Err(error) if error.kind() == ErrorKind::OutOfFuel => Err(RenderProblem::TooMuch {
                place: place.to_owned(),
            }),
            // A missing cell that was looked up is the likeliest cause of whatever went wrong.
            Err(_) if last_missing != NONE_SEEN => Err(self.missing(last_missing, record)),
            Err(error) => Err(RenderProblem::Template {
                place: place.to_owned(),
                message: error
                    .detail()
                    .map_or_else(|| error.kind().to_string(), str::to_owned),
            }),
        }
    }

    /// Renders, and returns which missing cell was looked up last.
    fn run(
        &self,
        name: &str,
        cells: Vec<Option<Value>>,
    ) -> (usize, Result<String, minijinja::Error>) {
        let context = Arc::new(Context {
            row: Arc::new(Row {
                columns: Arc::clone(&self.columns),
                cells,
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

    fn missing(&self, index: usize, record: &Record) -> RenderProblem {
        let column = self.columns.header(index).to_owned();
        let what = record
            .get(index)
            .and_then(|cell| self.columns.no_text(index, cell));
        match what {
            Some(what) => RenderProblem::NoText { column, what },
            None => RenderProblem::MissingValue { column },
        }
    }
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
        let name = name.trim_matches([' ', '\t']);
        // Whatever else may stand there, the engine reads.
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        let index = columns.variable(name).filter(|_| is_name)?;
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

/// The first name of a template that is written as none is, `{{ First Name }}` or `{{{name}}}`, and how it is written.
fn misspelt(source: &str) -> Option<(String, String)> {
    let mut rest = source;
    while let Some((_, after)) = rest.split_once("{{") {
        let (inside, behind) = after.split_once("}}")?;
        rest = behind;
        let sign = |c: char| c.is_alphanumeric() || "_- {}$@#".contains(c);
        let (is_plain, name) = (inside.chars().all(sign), variable_name(inside));
        if is_plain && !name.is_empty() && inside.trim_matches([' ', '-']) != name {
            let braces = behind.len() - behind.trim_start_matches('}').len();
            let braces = behind.get(..braces)?;
            return Some((format!("{{{{{inside}}}}}{braces}"), name));
        }
    }
    None
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
