//! A results file of this program: its batches are restored, or what they lack is brought into them.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::super::error::RunError;
use super::error::HistoryError;
use super::imported::{Imported, ImportedRows, ImportedWhat, NO_CHANNEL, read_row};
use crate::domain::batch_name;
use crate::domain::delivery::State;
use crate::domain::results_row::ResultsRow;
use crate::domain::text::hex;
use crate::intake::{Table, is_rounded};
use crate::report::ResultsColumns;
use crate::store::{
    Batch, BatchId, BatchName, DecisionRecord, Hold, ImportedMessage, ImportedRow, NewBatch,
    RESTORED, Restored, Store, at_most,
};

/// Rows that are written at once: some 50 ms.
const STEP: usize = 1_000;

/// How many people are compared to see whether a file is about the batch that has its name in the checkpoint.
const COMPARED: usize = 100;

/// A results file.
pub struct ResultsFile {
    path: PathBuf,
    table: Table,
    columns: ResultsColumns,
    /// Where the columns of the list stand.
    own: Vec<usize>,
    batches: BTreeMap<String, FoundBatch>,
}

/// How the rows that name a channel were tried: the fewest requests of one of them, how many have so few, and which was
/// the first in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct TriedOn {
    least: u32,
    rows: Reverse<u64>,
    first: usize,
}

/// A batch in a results file.
#[derive(Debug, Clone, Default)]
struct FoundBatch {
    /// All channels that its rows name.
    channels: BTreeMap<String, TriedOn>,
    /// Messages of some of its people.
    messages: Vec<ImportedMessage>,
    files: Vec<String>,
    cancelled: bool,
    latest: Option<Timestamp>,
}

impl FoundBatch {
    fn note_channel(&mut self, channel: String, attempts: u32) {
        if channel.is_empty() {
            return;
        }
        let first = self.channels.len();
        let tried = self.channels.entry(channel).or_insert(TriedOn {
            least: attempts,
            rows: Reverse(0),
            first,
        });
        match attempts.cmp(&tried.least) {
            Ordering::Less => (tried.least, tried.rows) = (attempts, Reverse(1)),
            Ordering::Equal => tried.rows.0 += 1,
            Ordering::Greater => {}
        }
    }

    /// The batch's own channel, which nothing in the file names: people whom it does not reach were tried more often.
    fn own_channel(&self) -> &str {
        let own = self.channels.iter().min_by_key(|(_, tried)| **tried);
        own.map_or(NO_CHANNEL, |(channel, _)| channel)
    }
}

impl ResultsFile {
    pub(super) fn open(
        path: &Path,
        table: Table,
        columns: ResultsColumns,
    ) -> Result<Self, RunError> {
        let mut batches: BTreeMap<String, FoundBatch> = BTreeMap::new();
        table.rows::<RunError>(|row, record| {
            let row = read_row(&table, &columns, row, record)?;
            let batch = batches.entry(row.batch).or_default();
            if let (Some(phone), Some(content)) = (row.phone, row.content)
                && batch.messages.len() < COMPARED
            {
                batch.messages.push(ImportedMessage {
                    channel: row.channel.clone(),
                    phone,
                    content,
                    id: row.message_id,
                });
            }
            batch.note_channel(row.channel, row.attempts);
            if !batch.files.contains(&row.file) {
                batch.files.push(row.file);
            }
            batch.cancelled |= row.cancelled;
            batch.latest = batch.latest.max(row.finished_at);
            Ok(())
        })?;
        let names = table.names().iter().enumerate();
        let own = names.filter(|(_, name)| !Table::is_ours(name));
        Ok(Self {
            path: path.to_owned(),
            own: own.map(|(at, _)| at).collect(),
            table,
            columns,
            batches,
        })
    }

    /// Brings it into the checkpoint.
    pub(super) fn bring(
        &self,
        store: &Store,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<Imported>, RunError> {
        let name = self.path.display().to_string();
        let mut targets = BTreeMap::new();
        for (batch, found) in &self.batches {
            let as_named = name_of(store, batch)?;
            targets.insert(batch.as_str(), target(store, self, &as_named, found, now)?);
        }
        self.table.rows::<RunError>(|row, record| {
            let row = read_row(&self.table, &self.columns, row, record)?;
            let Some(target) = targets.get_mut(row.batch.as_str()) else {
                return Ok(());
            };
            target.counts.nameless += u64::from(self.columns.is_of_nobody(&row, record));
            let fields = self
                .own
                .iter()
                .map(|at| record.get(*at).unwrap_or_default());
            target.take(row, fields.map(str::to_owned).collect(), &name);
            if target.waiting.len() >= at_most(STEP) {
                target.flush(store, now)?;
            }
            Ok(())
        })?;
        if targets.is_empty() {
            return Ok(vec![Imported::nothing(name)]);
        }
        let mut done = Vec::new();
        for (batch, mut target) in targets {
            target.flush(store, now)?;
            let cancelled = self.batches.get(batch).is_some_and(|it| it.cancelled);
            target.finish(store, cancelled, &name, actor, now)?;
            done.push(Imported {
                file: name.clone(),
                what: target.what(),
                rounded: target.counts.rounded,
                held: target.counts.held,
                nameless: target.counts.nameless,
                // A batch that is in the checkpoint knows what it sent.
                textless: if target.restored {
                    target.counts.textless
                } else {
                    0
                },
            });
        }
        Ok(done)
    }

    fn headers(&self) -> Vec<String> {
        let names = self.own.iter().filter_map(|at| self.table.names().get(*at));
        names.map(|name| name.trim().to_owned()).collect()
    }
}

/// Where the rows of one batch go.
struct Target {
    id: BatchId,
    name: String,
    /// Whether it is restored; else its rows are merged into it.
    restored: bool,
    headers: usize,
    files: Vec<String>,
    latest: Timestamp,
    next: u32,
    waiting: Vec<ImportedRow>,
    counts: ImportedRows,
    _hold: Hold,
}

/// What a batch of the file is called in the checkpoint: as there, unless a new batch cannot be called so.
fn name_of(store: &Store, name: &str) -> Result<String, RunError> {
    if batch_name::is_allowed(name) || store.reader()?.find_batch(name)?.is_some() {
        return Ok(name.to_owned());
    }
    // The same file brings it to the same name again.
    let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    Ok(batch_name::of_file(name, &hex(&digest[..4])))
}

/// Takes hold of a batch, or begins to restore it.
fn target(
    store: &Store,
    file: &ResultsFile,
    name: &str,
    found: &FoundBatch,
    now: Timestamp,
) -> Result<Target, RunError> {
    let hold = store.hold(name, now)?;
    let there = store.reader()?.find_batch(name)?;
    let whole = there.as_ref().filter(|batch| batch.is_whole());
    let (id, headers, files) = if let Some(batch) = whole {
        refuse_another(store, file, batch, found)?;
        store.finish_change(batch.id, now)?;
        store.interrupt_leftovers(batch.id, now)?;
        let files = store.add_files(batch.id, found.files.clone())?;
        (batch.id, batch.headers.len(), files)
    } else {
        if let Some(leftover) = &there {
            store.discard_batch(leftover.id)?;
        }
        let headers = file.headers();
        let count = headers.len();
        let id = store.create_batch(NewBatch {
            name: BatchName::Named(name.to_owned()),
            digest: [0; 32],
            definition: BTreeMap::from([(RESTORED.to_owned(), file.path.display().to_string())]),
            headers,
            files: found.files.clone(),
            channel: found.own_channel().to_owned(),
            list: file.table.format(),
            sandbox: false,
            created_at: now,
        })?;
        (id, count, found.files.clone())
    };
    Ok(Target {
        id,
        name: name.to_owned(),
        restored: whole.is_none(),
        headers,
        files,
        latest: found.latest.unwrap_or(now),
        next: 1,
        waiting: Vec::new(),
        counts: ImportedRows::default(),
        _hold: hold,
    })
}

/// Refuses a file whose batch only has the name of the one here: whom that one messaged would count as messaged by this
/// one.
fn refuse_another(
    store: &Store,
    file: &ResultsFile,
    batch: &Batch,
    found: &FoundBatch,
) -> Result<(), RunError> {
    let own: BTreeSet<&str> = batch.channels().collect();
    let goes_elsewhere = batch.restored_from().is_none()
        && !found.channels.is_empty()
        && !found.channels.keys().any(|it| own.contains(it.as_str()));
    let differs = if goes_elsewhere {
        "channel"
    } else if store.has_one_of(batch, &found.messages)? {
        return Ok(());
    } else {
        "message"
    };
    // Since a copy was made, all rows may have changed. What was sent before is known by its id.
    if store.knows_one_of(batch, &found.messages)? {
        return Ok(());
    }
    Err(HistoryError::OtherBatch {
        file: file.table.name().to_owned(),
        batch: batch.name.clone(),
        differs,
    }
    .into())
}

impl Target {
    fn take(&mut self, mut row: ResultsRow, fields: Vec<String>, from: &str) {
        // A rounded id may be another person's.
        let mut rounded = false;
        for id in [&mut row.message_id, &mut row.contact_id] {
            if id.as_deref().is_some_and(is_rounded) {
                (*id, rounded) = (None, true);
            }
        }
        self.counts.rounded += u64::from(rounded);
        if row.state == State::Queued && row.phone.is_none() {
            self.counts.left_out += 1;
            return;
        }
        let is_messaged = matches!(row.state, State::Sent | State::Unknown | State::Sending);
        let is_textless = is_messaged && row.phone.is_some() && row.content.is_none();
        self.counts.textless += u64::from(is_textless);
        self.counts.rows += 1;
        match row.state {
            State::Sent => self.counts.sent += 1,
            State::Unknown | State::Sending => self.counts.unknown += 1,
            State::Queued => self.counts.queued += 1,
            State::NoMessenger
            | State::Error
            | State::Invalid
            | State::Duplicate
            | State::Suppressed => {}
        }
        let file = self.files.iter().position(|name| *name == row.file);
        self.waiting.push(ImportedRow {
            file: file.and_then(|at| u16::try_from(at).ok()).unwrap_or(0),
            fields,
            at: row.finished_at.unwrap_or(self.latest),
            from: from.to_owned(),
            result: row,
        });
    }

    fn flush(&mut self, store: &Store, now: Timestamp) -> Result<(), RunError> {
        let rows = std::mem::take(&mut self.waiting);
        if self.restored {
            let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            self.counts.held += store.restore_rows(self.id, self.next, rows)?;
            self.next += count;
        } else {
            let brought = store.merge_rows(self.id, self.headers, rows, now)?;
            self.counts.new += brought.new;
            self.counts.held += brought.held;
        }
        Ok(())
    }

    fn finish(
        &self,
        store: &Store,
        cancelled: bool,
        from: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<(), RunError> {
        let detail = format!("{} rows of {from} as batch {}", self.counts.rows, self.name);
        let note = DecisionRecord::new(actor, "history import", detail, now).about(self.id);
        if self.restored {
            let how = Restored {
                last: self.next - 1,
                cancelled,
                why: format!("restored from {from}"),
                note,
            };
            Ok(store.finish_restored(self.id, how, now)?)
        } else {
            Ok(store.record_decision(note)?)
        }
    }

    fn what(&self) -> ImportedWhat {
        let (batch, rows) = (self.name.clone(), self.counts);
        if self.restored {
            ImportedWhat::Restored { batch, rows }
        } else {
            ImportedWhat::Merged {
                batch,
                new: rows.new,
            }
        }
    }
}
