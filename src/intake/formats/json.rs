//! JSON: an array of objects (or of rows), one object a line, or one object that holds such an array.
//!
//! Rows are numbered so that they can be found again: by the line on which an object begins, in an array
//! by its place, counted from 1.

use std::collections::{BTreeMap, HashMap};

use serde::de::{Deserialize as _, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::grid::{Fault, Grid, Table, number};
use super::labels::{Labelled, ReadNumbers, in_order};
use super::pairs::members;
use crate::domain::fold;
use crate::intake::rows::{MAX_BYTES as MAX_ROW, MAX_FIELDS};
use crate::intake::words::{
    JSON_BESIDE, JSON_KIND, JSON_NUMBER, MAY, MUST_NOT, NO, WAYS_IN_HEADERS, YES, words,
};

/// A contact is at most so long, as a row of a text is.
const MAX_ENTRY: usize = MAX_ROW;

/// Where there are more columns, a list of names and values is one of things.
const MOST_NAMED: usize = MAX_FIELDS / 2;

/// Reads the list.
pub(super) fn read(text: &str, how: impl Into<ReadNumbers>) -> Result<Table, Fault> {
    let text = text.trim_start_matches('\u{feff}');
    let mut rows = Rows {
        how: how.into(),
        ..Rows::default()
    };
    let inside = text.trim_start().strip_prefix('[').map(str::trim_start);
    // An array of texts alone is the first one of several lines.
    let note = if inside.is_some_and(|inside| inside.starts_with(['{', '[', ']'])) {
        read_array(text, &mut rows)?;
        "JSON array; a row is the place of an object in it, from 1"
    } else {
        read_values(text, &mut rows)?
    };
    rows.finish(note)
}

/// What the rows have in common.
#[derive(Default)]
struct Rows {
    how: ReadNumbers,
    grid: Grid,
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// Rows are arrays, and the first one has the names.
    plain: bool,
    count: u32,
}

impl Rows {
    fn push(&mut self, row: u32, entry: &RawValue) -> Result<(), Fault> {
        if entry.get().len() > MAX_ENTRY {
            return Err(Fault::TooLarge(format!("entry {row} is longer than 1 MiB")));
        }
        self.count += 1;
        match serde_json::from_str(entry.get()).map_err(Fault::broken)? {
            Value::Object(object) if !self.plain => self.object(row, "", object),
            Value::Array(cells) if self.plain || self.count == 1 => {
                self.plain = true;
                for (column, cell) in cells.into_iter().enumerate() {
                    self.grid.set(row, column, scalar(&cell))?;
                }
                Ok(())
            }
            Value::Null => Ok(()),
            Value::Object(_)
            | Value::Array(_)
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_) => Err(Fault::Broken(format!(
                "entry {row} is no contact: a list of objects is needed"
            ))),
        }
    }

    /// One cell for each value, named by the path to it.
    fn object(&mut self, row: u32, path: &str, object: Map<String, Value>) -> Result<(), Fault> {
        for (key, value) in object {
            let path = if path.is_empty() {
                key
            } else {
                format!("{path}.{key}")
            };
            self.member(row, path, value)?;
        }
        Ok(())
    }

    fn member(&mut self, row: u32, path: String, value: Value) -> Result<(), Fault> {
        match value {
            Value::Object(inner) => self.object(row, &path, inner),
            Value::Array(items) => self.array(row, &path, items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.set(row, path, scalar(&value))
            }
        }
    }

    fn array(&mut self, row: u32, path: &str, items: Vec<Value>) -> Result<(), Fault> {
        if let Some(numbers) = labelled_numbers(&items, self.how) {
            return self.set(row, path.to_owned(), numbers);
        }
        // No way to reach a person by is not the same as nothing.
        if items.is_empty() && names_ways(path) {
            return self.set(row, path.to_owned(), "[]".to_owned());
        }
        // Of things that have names of their own, each would be a column.
        if let Some(members) = members(&items)
            && self.names.len() + members.len() < MOST_NAMED
        {
            for (name, value) in members {
                self.member(row, format!("{path}.{name}"), value)?;
            }
            return Ok(());
        }
        if !items.iter().any(Value::is_object) {
            let texts: Vec<String> = items.iter().map(scalar).collect();
            return self.set(row, path.to_owned(), texts.join(", "));
        }
        for (item, at) in items.into_iter().zip(1_u32..) {
            let path = format!("{path}.{at}");
            match item {
                Value::Object(inner) => self.object(row, &path, inner)?,
                other => self.set(row, path, scalar(&other))?,
            }
        }
        Ok(())
    }

    fn set(&mut self, row: u32, name: String, text: String) -> Result<(), Fault> {
        let next = self.names.len();
        let column = *self.places.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            next
        });
        if column >= MAX_FIELDS {
            return Err(Fault::TooLarge(format!(
                "its objects have more than {MAX_FIELDS} different names"
            )));
        }
        self.grid.set(row, column, text)
    }

    fn finish(self, note: &str) -> Result<Table, Fault> {
        if self.count == 0 {
            return Err(Fault::Broken("it holds no contact".to_owned()));
        }
        let headers = (!self.plain).then_some(self.names);
        Ok(self.grid.finish(headers, note.to_owned()))
    }
}

/// The cell of a value.
fn scalar(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => match value.as_f64() {
            Some(float) if value.is_f64() => number(float),
            Some(_) | None => value.to_string(),
        },
        Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The numbers of `[{"type": "mobile", "number": "..."}, ...]` in one cell: mobiles first, no fax, no pager, those of others last.
/// `None` if it is something else.
fn labelled_numbers(items: &[Value], how: ReadNumbers) -> Option<String> {
    let mut lines = Vec::new();
    for item in items {
        let (mut number, mut kind) = (None, String::new());
        for (key, value) in item.as_object()? {
            let key = fold::header(key);
            if JSON_NUMBER.has(&key) {
                number = number.or_else(|| Some(scalar(value)));
            } else if JSON_KIND.has(&key) {
                kind = scalar(value);
            } else if !JSON_BESIDE.has(&key) {
                return None;
            }
        }
        let is_number = |text: &String| !text.contains('@') && !is_answer(text);
        let number = number.filter(is_number)?;
        lines.push(Labelled::of(std::iter::once(kind.as_str()), number));
    }
    (!lines.is_empty()).then(|| in_order(lines, how))
}

/// Whether a text is an answer, and no number.
fn is_answer(text: &str) -> bool {
    let folded = fold::header(text);
    let lists = [YES, NO, MAY, MUST_NOT];
    lists.iter().any(|list| list.has(&folded))
}

/// Whether a list of this name has the ways to reach a person by: `allowed_channels`.
fn names_ways(path: &str) -> bool {
    WAYS_IN_HEADERS.is_in(&words(path))
}

/// Reads an array element by element: only one of them is held as JSON.
fn read_array(text: &str, rows: &mut Rows) -> Result<(), Fault> {
    struct Elements<'a> {
        rows: &'a mut Rows,
        fault: &'a mut Option<Fault>,
    }
    impl<'de> Visitor<'de> for Elements<'_> {
        type Value = ();

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an array of contacts")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
            let mut row = 0_u32;
            while let Some(value) = items.next_element::<&RawValue>()? {
                row = row.saturating_add(1);
                if let Err(fault) = self.rows.push(row, value) {
                    *self.fault = Some(fault);
                    return Err(serde::de::Error::custom("stopped"));
                }
            }
            Ok(())
        }
    }
    impl<'de> DeserializeSeed<'de> for Elements<'_> {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
            from.deserialize_seq(self)
        }
    }
    let mut fault = None;
    let mut from = serde_json::Deserializer::from_str(text);
    let elements = Elements {
        rows,
        fault: &mut fault,
    };
    let read = elements.deserialize(&mut from).and_then(|()| from.end());
    match (fault, read) {
        (Some(fault), _) => Err(fault),
        (None, read) => read.map_err(Fault::broken),
    }
}

/// Reads objects that follow each other, usually one a line.
fn read_values(text: &str, rows: &mut Rows) -> Result<&'static str, Fault> {
    let mut from = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let (mut line, mut counted) = (1_u32, 0_usize);
    let mut last = None;
    loop {
        let rest = text.get(from.byte_offset()..).unwrap_or("");
        let begin = text.len() - rest.trim_start().len();
        let passed = text.get(counted..begin).unwrap_or("").bytes();
        let breaks = passed.filter(|byte| *byte == b'\n').count();
        line = line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        counted = begin;
        let Some(object) = from.next() else { break };
        let object = object.map_err(Fault::broken)?;
        if let Some((begun, earlier)) = last.replace((line, object)) {
            rows.push(begun, earlier)?;
        }
    }
    let several = rows.count > 0;
    let Some((begun, only)) = last else {
        return Ok("JSON");
    };
    if several {
        rows.push(begun, only)?;
        return Ok("JSON lines; a row is the line on which its object begins");
    }
    if !only.get().starts_with('{') {
        return Err(Fault::Broken(
            "it is no contact: a list of objects is needed".to_owned(),
        ));
    }
    if let Some(entries) = list_within(only)? {
        read_array(entries.get(), rows)?;
        return Ok(
            "JSON, the list in its one object; a row is the place of an object in it, from 1",
        );
    }
    rows.push(begun, only)?;
    Ok("JSON, one object")
}

/// The only array of objects among an object's members, as an API wraps its answer; the numbers of one
/// person are none.
fn list_within(object: &RawValue) -> Result<Option<&RawValue>, Fault> {
    let members: BTreeMap<String, &RawValue> =
        serde_json::from_str(object.get()).map_err(Fault::broken)?;
    let is_list = |(name, value): &(&String, &&RawValue)| {
        let name = fold::header(name);
        let is_about_numbers = ["phone", "tel", "number", "mobil", "cislo"]
            .iter()
            .any(|word| name.contains(word));
        let inside = value.get().strip_prefix('[').map(str::trim_start);
        !is_about_numbers && inside.is_some_and(|inside| inside.starts_with('{'))
    };
    let mut lists = members.iter().filter(is_list).map(|(_, value)| *value);
    Ok(match (lists.next(), lists.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    })
}

/// True for a cell that holds an object or an array.
pub(in crate::intake) fn is_json(cell: &str) -> bool {
    let cell = cell.trim();
    let bracketed = cell.starts_with('{') && cell.ends_with('}')
        || cell.starts_with('[') && cell.ends_with(']');
    bracketed && Value::deserialize(&mut serde_json::Deserializer::from_str(cell)).is_ok()
}
