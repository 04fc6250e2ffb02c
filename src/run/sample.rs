//! The first rows of a list, kept so that a message can be tried on them while it is written.

use super::list::{List, readable};
use crate::domain::content::{ContentSource, Role, Template};
use crate::domain::recipient::{JudgedRow, Record, Verdict};
use crate::domain::sms;

/// The first rows of a list.
#[derive(Debug, Clone, Default)]
pub struct SampleRows {
    headers: Vec<String>,
    roles: Vec<Role>,
    rows: Vec<(u32, Record, Option<String>)>,
}

/// One of them with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleRow {
    /// As a spreadsheet numbers it.
    pub row: u32,
    /// The message as it would be read, or why there is none.
    pub message: Result<String, String>,
    /// Why the row is not sent to, whatever the message is.
    pub not_sent: Option<String>,
    /// How many SMS it would be.
    pub segments: u32,
}

impl SampleRows {
    pub(super) fn of(list: &List) -> Self {
        Self {
            headers: list.input.headers().to_vec(),
            roles: list.input.mapping().roles(),
            rows: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, row: JudgedRow) {
        let not_sent = match row.verdict {
            Verdict::Queued(_) => None,
            Verdict::Invalid { problem, .. } => Some(problem.to_string()),
            Verdict::Duplicate { first, .. } => Some(format!("it repeats row {}", first.row)),
            Verdict::Suppressed { cause, .. } => Some(cause.to_string()),
        };
        self.rows
            .push((row.position.row.get(), row.record, not_sent));
    }

    /// Whether the row with this number is among them.
    pub fn has(&self, row: u32) -> bool {
        self.rows.iter().any(|(at, ..)| *at == row)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The place of the row with this number, or else of the first that is sent to.
    pub fn place_of(&self, row: Option<u32>) -> usize {
        let wanted = self.rows.iter().position(|(at, ..)| Some(*at) == row);
        let first = || self.rows.iter().position(|(_, _, not)| not.is_none());
        wanted.or_else(first).unwrap_or(0)
    }

    /// The number of the row at a place.
    pub fn row_at(&self, place: usize) -> Option<u32> {
        self.rows.get(place).map(|(row, ..)| *row)
    }

    /// The message for one of them; `None` if there is no such row.
    pub fn try_on(&self, place: usize, message: &ContentSource) -> Option<SampleRow> {
        let (row, record, not_sent) = self.rows.get(place)?;
        let compiled = Template::compile_with_roles(message, &self.headers, &self.roles);
        let rendered = compiled
            .map_err(|error| error.to_string())
            .and_then(|it| it.render(record).map_err(|problem| problem.to_string()));
        let message = rendered.map(|it| readable(&it.content).unwrap_or(it.content));
        Some(SampleRow {
            row: *row,
            segments: message.as_ref().map_or(0, |text| sms::size(text).segments),
            message,
            not_sent: not_sent.clone(),
        })
    }
}
