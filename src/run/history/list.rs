//! A list of another program, or results without their batch: who was messaged, and when. It counts for
//! `--not-within`.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::super::error::RunError;
use super::super::list::List;
use super::super::pass::Pass;
use super::error::HistoryError;
use super::imported::{Imported, ImportedWhat, NO_CHANNEL, read_row};
use crate::domain::batch_name;
use crate::domain::delivery::State;
use crate::domain::fold;
use crate::domain::message_date;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{JudgedRow, Verdict};
use crate::domain::results_row::ResultsRow;
use crate::domain::text::hex;
use crate::intake::{Settings, Source, Table};
use crate::report::ResultsColumns;
use crate::store::{
    Batch, BatchName, DecisionRecord, ImportedRow, NewBatch, RESTORED, Restored, Store, at_most,
};

/// The percentage of filled cells that must hold a date in a column that is taken for one of dates.
const DATES: u64 = 80;

/// Rows that are written at once.
const STEP: usize = 1_000;

/// A list of people who were messaged, read.
pub struct HistoryList {
    file: String,
    stem: String,
    apart: String,
    date: String,
    people: Vec<Messaged>,
    without: u64,
}

/// One of them.
struct Messaged {
    row: u32,
    phone: PhoneNumber,
    at: Timestamp,
    /// Whether it is known that the message was accepted.
    accepted: bool,
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, Default)]
struct Cells {
    filled: u64,
    dates: u64,
}

impl HistoryList {
    /// Reads a list of another program.
    pub(super) fn open(
        source: &Source,
        settings: &Settings,
        date: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, RunError> {
        let mut list = List::of_suppressed(std::slice::from_ref(source), settings)?;
        let column = date_column(&mut list, date, now)?;
        let headers = list.input.headers();
        let date = headers.get(column).cloned().unwrap_or_default();
        let file = list.input.file_names().next().unwrap_or_default();
        let mut found = Self {
            file: file.to_owned(),
            stem: list.input.stem().to_owned(),
            apart: hex(&list.input.digest().bytes()[..4]),
            date,
            people: Vec::new(),
            without: 0,
        };
        for_each_row(&mut list, &mut |row| {
            let cell = row.record.get(column).unwrap_or("");
            match (number_of(row), message_date::read(cell, now)) {
                (Some(phone), Some(at)) => found.people.push(Messaged {
                    row: row.position.row.get(),
                    phone,
                    at,
                    accepted: true,
                }),
                (_, _) => found.without += 1,
            }
        })?;
        Ok(found)
    }

    /// Reads our own results that do not name their batch.
    pub(super) fn of_results(
        path: &Path,
        table: &Table,
        columns: &ResultsColumns,
        now: Timestamp,
    ) -> Result<Self, RunError> {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut found = Self {
            file: table.name().to_owned(),
            stem: stem.into_owned(),
            apart: hex(&table.digest().bytes()[..4]),
            date: "outreach_finished_at".to_owned(),
            people: Vec::new(),
            without: 0,
        };
        table.rows::<RunError>(|row, record| {
            let result = read_row(table, columns, row, record)?;
            let accepted = result.state == State::Sent;
            found.without += u64::from(columns.is_of_nobody(&result, record));
            if let Some(phone) = result.phone.filter(|_| result.state.counts_as_messaged()) {
                let at = result.finished_at.unwrap_or(now);
                found.people.push(Messaged {
                    row,
                    phone,
                    at,
                    accepted,
                });
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Brings it into the checkpoint, as a batch of its own. The same file again changes nothing.
    pub(super) fn bring(
        self,
        store: &Store,
        actor: &str,
        now: Timestamp,
    ) -> Result<Imported, RunError> {
        let name = batch_name::of_file(&format!("history-{}", self.stem), &self.apart);
        let _hold = store.hold(&name, now)?;
        let people = self.people.len() as u64;
        let there = store.reader()?.find_batch(&name)?;
        let known = there.as_ref().is_some_and(Batch::is_whole);
        if !known {
            if let Some(leftover) = there {
                store.discard_batch(leftover.id)?;
            }
            self.enter(store, &name, actor, now)?;
        }
        Ok(Imported {
            file: self.file,
            rounded: 0,
            held: 0,
            nameless: 0,
            textless: 0,
            what: ImportedWhat::List {
                batch: name,
                date: self.date,
                people,
                without: self.without,
                known,
            },
        })
    }

    fn enter(
        &self,
        store: &Store,
        name: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<(), RunError> {
        let id = store.create_batch(NewBatch {
            name: BatchName::Named(name.to_owned()),
            digest: [0; 32],
            definition: BTreeMap::from([(RESTORED.to_owned(), self.file.clone())]),
            headers: Vec::new(),
            files: vec![self.file.clone()],
            channel: NO_CHANNEL.to_owned(),
            list: crate::domain::dialect::ListFormat::default(),
            sandbox: false,
            created_at: now,
        })?;
        let mut next = 1;
        for step in self.people.chunks(at_most(STEP)) {
            let rows = step.iter().map(|person| ImportedRow {
                result: person.as_result(),
                file: 0,
                fields: Vec::new(),
                at: person.at,
                from: self.file.clone(),
            });
            store.restore_rows(id, next, rows.collect())?;
            next += u32::try_from(step.len()).unwrap_or(u32::MAX);
        }
        let detail = format!("{} people of {}", self.people.len(), self.file);
        let how = Restored {
            last: next - 1,
            cancelled: false,
            why: format!("imported from {}", self.file),
            note: DecisionRecord::new(actor, "history import", detail, now).about(id),
        };
        Ok(store.finish_restored(id, how, now)?)
    }
}

impl Messaged {
    fn as_result(&self) -> ResultsRow {
        ResultsRow {
            batch: String::new(),
            channel: String::new(),
            file: String::new(),
            row: self.row,
            phone: Some(self.phone),
            state: if self.accepted {
                State::Sent
            } else {
                State::Unknown
            },
            cancelled: false,
            reason_code: None,
            reason: None,
            attempts: 1,
            maybe_sent_at: None,
            message_id: None,
            contact_id: None,
            finished_at: Some(self.at),
            delivered_at: None,
            read_at: None,
            opted_in_at: None,
            content: None,
        }
    }
}

fn number_of(row: &JudgedRow) -> Option<PhoneNumber> {
    match &row.verdict {
        Verdict::Queued(accepted) => Some(accepted.phone),
        Verdict::Duplicate { phone, .. } | Verdict::Suppressed { phone, .. } => Some(*phone),
        Verdict::Invalid { .. } => None,
    }
}

/// The column with the dates of the messages: the one that is named, else the only one that holds dates, or the
/// only such one whose header speaks of messages.
fn date_column(list: &mut List, named: Option<&str>, now: Timestamp) -> Result<usize, RunError> {
    let headers = list.input.headers().to_vec();
    let file = list
        .input
        .file_names()
        .next()
        .unwrap_or_default()
        .to_owned();
    let no_date = || HistoryError::NoDate {
        file: file.clone(),
        present: headers.join(", "),
    };
    if let Some(named) = named {
        let folded = fold::header(named);
        let at = headers.iter().position(|it| fold::header(it) == folded);
        return Ok(at.ok_or_else(no_date)?);
    }
    let mut cells = vec![Cells::default(); headers.len()];
    for_each_row(list, &mut |row| {
        for (index, cells) in cells.iter_mut().enumerate() {
            let text = row.record.get(index).unwrap_or("").trim();
            cells.filled += u64::from(!text.is_empty());
            cells.dates += u64::from(message_date::read(text, now).is_some());
        }
    })?;
    let holds_dates = |cells: &Cells| cells.dates > 0 && cells.dates * 100 >= cells.filled * DATES;
    let named = headers.iter().zip(&cells).enumerate();
    let found: Vec<usize> = named
        .filter(|(_, (header, cells))| holds_dates(cells) && !message_date::is_about_birth(header))
        .map(|(at, _)| at)
        .collect();
    let name = |at: &usize| headers.get(*at).cloned().unwrap_or_default();
    let about: Vec<usize> = found
        .iter()
        .copied()
        .filter(|at| message_date::is_about_messages(&name(at)))
        .collect();
    match (about.as_slice(), found.as_slice()) {
        ([only], _) | ([], [only]) => Ok(*only),
        ([], []) => Err(no_date().into()),
        ([], several) | (several, _) => Err(HistoryError::SeveralDates {
            file: file.clone(),
            found: several.iter().map(name).collect(),
        }
        .into()),
    }
}

fn for_each_row(list: &mut List, each: &mut dyn FnMut(&JudgedRow)) -> Result<(), RunError> {
    Pass::default().judge(list, &mut |_| (), &mut |row| {
        each(&row);
        Ok(())
    })?;
    Ok(())
}
