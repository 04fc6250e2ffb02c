//! Batches: what was asked for, and how far it is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;

use super::checkpoint::Store;
use super::columns::{from_millis, to_json, to_millis};
use super::error::StoreError;
use super::ids::{BatchId, PersonId, RecipientId};
use super::keys::{HashKey, random};
use super::query::Query as _;
use super::steps::at_most;
use super::transaction::Tx;
use super::{channel, earlier, person, pilot::HAS_QUEUED, prune};
use crate::domain::batch_state::{BY_EVENT, BY_FULL_DISK, BatchState};
use crate::domain::delivery::{CANCELLED, State};
use crate::domain::dialect::ListFormat;
use crate::domain::eligibility::HistorySpan;
use crate::domain::fallback::{Fallback, Step};
use crate::domain::follow_up::FollowUp;
use crate::domain::pilot::Pilot;
use crate::domain::row_cells::{MAPPING, RowCells};
use crate::domain::sending::Sending;

/// Rows that are removed in one transaction: some 50 ms.
const STEP: u32 = 2_000;

/// The part of a restored batch's definition that names the file it was restored from. Its list is not known; the one
/// that is sent again becomes it.
pub(crate) const RESTORED: &str = "restored";

/// What a new batch is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchName {
    /// As a person calls it.
    Named(String),
    /// A list on its way into another batch has no name of its own.
    StagedFor(BatchId),
}

/// What a new batch is.
#[derive(Debug, Clone)]
pub struct NewBatch {
    /// Its name, unique in the checkpoint.
    pub name: BatchName,
    /// SHA-256 over files, mapping, content and channel.
    pub digest: [u8; 32],
    /// What the digest covers, by name: to name what differs.
    pub definition: BTreeMap<String, String>,
    /// The columns of the input.
    pub headers: Vec<String>,
    /// The input files' names.
    pub files: Vec<String>,
    /// The channel's id.
    pub channel: String,
    /// What the list is: its results are written so.
    pub list: ListFormat,
    /// True for a rehearsal: no real person is messaged.
    pub sandbox: bool,
    /// Now.
    pub created_at: Timestamp,
}

/// A batch in the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number.
    pub id: BatchId,
    /// Its random id, in hexadecimal digits: it stands in the metadata of its messages.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Where it stands, as it was stored last.
    pub state: BatchState,
    /// Why it stands there, for people.
    pub state_why: Option<String>,
    /// Who put it there, if a person did.
    pub state_by: Option<String>,
    /// Since when.
    pub state_since: Timestamp,
    /// Until when, where time alone ends it: the next request may leave then.
    pub state_until: Option<Timestamp>,
    /// SHA-256 over files, mapping, content and channel.
    pub digest: Vec<u8>,
    /// What the digest covers, by name.
    pub definition: BTreeMap<String, String>,
    /// The columns of the input.
    pub headers: Vec<String>,
    /// The input files' names.
    pub files: Vec<String>,
    /// The channel's id.
    pub channel: String,
    /// The channel's type, once a 201 named it.
    pub channel_type: Option<String>,
    /// What it is for, as a person said.
    pub purpose: Option<String>,
    /// Where people go whom the channel does not reach; `None`: nowhere.
    pub fallback: Option<Fallback>,
    /// How far back earlier messages and answers count; `None` in a batch of an earlier version.
    pub history: Option<HistorySpan>,
    /// When and how carefully it is sent; `None` in a batch of an earlier version.
    pub sending: Option<Sending>,
    /// What it waits for, if it is a follow-up.
    pub follow_up: Option<FollowUp>,
    /// What the list was: its results are written so.
    pub list: ListFormat,
    /// True for a rehearsal: no real person was messaged.
    pub sandbox: bool,
    /// When the list was read.
    pub created_at: Timestamp,
    /// When the first request left.
    pub started_at: Option<Timestamp>,
    /// When the last run ended.
    pub finished_at: Option<Timestamp>,
    /// How the last run ended.
    pub exit_reason: Option<String>,
    /// The text of identical refusals that stopped the last run, if that did.
    pub halted_text: Option<String>,
    /// The pilot that it has, or had.
    pub pilot: Option<Pilot>,
    /// When it was pruned: its rows hold no number and no field any more.
    pub pruned_at: Option<Timestamp>,
}

impl Batch {
    /// Where its rows have their numbers, if one of a row is messaged.
    pub(super) fn row_cells(&self) -> Option<RowCells> {
        RowCells::of(self.definition.get(MAPPING)?, &self.headers)
    }

    /// The name of the batch's file at `index`.
    pub fn file_name(&self, index: u16) -> &str {
        self.files
            .get(usize::from(index))
            .map_or("?", String::as_str)
    }

    /// The ids of its channels, in the order in which they are tried.
    pub fn channels(&self) -> impl Iterator<Item = &str> {
        let others = self.fallback.iter().flat_map(|it| &it.channels);
        std::iter::once(self.channel.as_str()).chain(others.map(|it| it.id.as_str()))
    }

    /// False while its list is being read.
    pub fn is_whole(&self) -> bool {
        self.state != BatchState::Reading
    }

    /// The results file that it was restored from, while its list was not sent again: it holds no messages.
    pub(crate) fn restored_from(&self) -> Option<&str> {
        self.definition.get(RESTORED).map(String::as_str)
    }

    /// The channel of a recipient: of its step, or the one that its message went through, as a results file says.
    pub(crate) fn channel_of<'a>(
        &'a self,
        step: Step,
        message: Option<&'a str>,
    ) -> Option<&'a str> {
        let imported = message.filter(|_| step == Step::FIRST);
        imported.or_else(|| self.channels().nth(step.index()))
    }

    /// How a recipient of the batch stands, for people: what is queued in a batch that was given up is cancelled.
    pub fn status_of(&self, state: State) -> &'static str {
        match (self.state, state) {
            (BatchState::Cancelled, State::Queued) => CANCELLED,
            (_, state) => state.word(),
        }
    }
}

/// Stands before the word in `by` where the deadline of the run ended it.
pub(super) const BY_DEADLINE: &str = "deadline ";

/// How a run ended.
#[derive(Debug, Clone)]
pub(crate) struct RunRecord {
    /// When.
    pub(crate) at: Timestamp,
    /// Where the batch stands now.
    pub(crate) state: BatchState,
    /// Why, for people.
    pub(crate) why: Option<String>,
    /// The word of the exit code.
    pub(crate) exit_reason: &'static str,
    /// The text of the refusals that stopped it.
    pub(crate) halted_text: Option<String>,
    /// Who or what ended it before all was done.
    pub(crate) by: Option<&'static str>,
    /// Whether its deadline ended it: then any worker may go on.
    pub(crate) by_deadline: bool,
    /// Whether its pilot is over.
    pub(crate) pilot_is_over: bool,
    /// When what it waited for comes, if it did.
    pub(crate) until: Option<Timestamp>,
}

impl Store {
    /// Registers a batch whose rows are about to be read.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn create_batch(&self, new: NewBatch) -> Result<BatchId, StoreError> {
        self.writer.write_blocking(move |tx| create(tx, &new))
    }

    /// Removes a batch and all its rows: for a list that turned out unusable, before anything of
    /// it was sent. In steps, so that other processes can write in between.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn discard_batch(&self, id: BatchId) -> Result<(), StoreError> {
        if self.reader()?.is_part_of_a_change(id)? {
            // It is part of a batch already; the process that takes that batch up completes the change.
            return Ok(());
        }
        let discard = || {
            let keys = self.keys.clone();
            self.writer
                .write_blocking(move |tx| discard_step(tx, &keys, id, at_most(STEP)))
        };
        while discard()? > 0 {}
        self.writer.write_blocking(move |tx| remove(tx, id))
    }

    /// Removes lists that were on their way into another batch when their process died, if nobody is at
    /// work on them any more: the caller holds the batch that they were for.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn discard_leftovers(&self, target: BatchId) -> Result<(), StoreError> {
        for id in self.reader()?.staged_for(target)? {
            self.discard_batch(id)?;
        }
        Ok(())
    }

    /// Removes lists that were being read when their process died.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn discard_dead_lists(&self, now: Timestamp) -> Result<(), StoreError> {
        let lists = self.reader()?.being_read()?;
        lists
            .into_iter()
            .try_for_each(|list| self.discard_if_dead(list, now))
    }

    /// Removes a list that was being read, if its process is gone.
    fn discard_if_dead(
        &self,
        (id, name): (BatchId, Option<String>),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // The reader holds the batch that it is, or is for.
        let hold = match name.map(|name| self.hold(&name, now)).transpose() {
            Err(StoreError::Held { .. }) => return Ok(()),
            hold => hold?,
        };
        // Its process may have come to the end of the list before the hold was ours.
        let lists = self.reader()?.being_read()?;
        if lists.iter().any(|(list, _)| *list == id) {
            self.discard_batch(id)?;
        }
        drop(hold);
        Ok(())
    }

    /// Notes that a run of the batch began.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn begin_run(
        &self,
        id: BatchId,
        token: i64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| {
                tx.bookkeeping = true;
                tx.connection.change(
                    "UPDATE batch SET state = ?2, state_why = NULL, state_by = NULL, state_since = ?3,
                            state_until = NULL, token = ?4
                     WHERE id = ?1",
                    (id, BatchState::Running.word(), to_millis(at), token),
                )?;
                earlier::share_skips(tx.connection, id)
            })
            .await
    }

    /// Notes when and how a run ended.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn end_run(&self, id: BatchId, end: RunRecord) -> Result<(), StoreError> {
        let by = match end.by {
            by if end.by_deadline => Some(format!("{BY_DEADLINE}{}", by.unwrap_or_default())),
            by => by.map(str::to_owned),
        };
        self.writer
            .write(move |tx| {
                tx.bookkeeping = true;
                tx.connection.change(
                    // A person may have paused it since the run looked last: that stands.
                    "UPDATE batch SET finished_at = ?2, exit_reason = ?3, halted_text = ?4, state = ?5,
                            state_why = iif(?5 = 'paused' AND state = 'paused', state_why, ?6), state_since = ?2,
                            state_by = iif(?5 = 'paused' AND state = 'paused', state_by, ?7), state_until = ?8,
                            pilot = iif(?9, json_set(pilot, '$.is_over', json('true')), pilot)
                     WHERE id = ?1",
                    (
                        id,
                        to_millis(end.at),
                        end.exit_reason,
                        &end.halted_text,
                        end.state.word(),
                        &end.why,
                        &by,
                        end.until.map(to_millis),
                        end.pilot_is_over,
                    ),
                )?;
                // An event may have queued a recipient since the run looked last.
                reopen(tx.connection, id, QueuedBy::Event, end.at)
            })
            .await
    }

    /// Notes that a full disk ended a run: the batch is interrupted, and says why. With the room that was given up for the
    /// last results there is room for this.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn note_full_disk(
        &self,
        id: BatchId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| {
                tx.bookkeeping = true;
                tx.connection.change(
                    "UPDATE batch SET state = ?2, state_why = ?3, state_by = ?4, state_until = NULL, state_since = ?5
                     WHERE id = ?1 AND state IN ('running', 'waiting')",
                    (
                        id,
                        BatchState::Running.word(),
                        "the disk that holds the checkpoint was full, or a limit on the size of files was reached",
                        BY_FULL_DISK,
                        to_millis(at),
                    ),
                )?;
                Ok(())
            })
            .await
    }

    /// Notes what a run waits for, and until when; `None`: it goes on. Nothing is noted once the run has ended.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn note_wait(
        &self,
        id: BatchId,
        wait: Option<(String, Timestamp)>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| {
                tx.bookkeeping = true;
                let state = match wait {
                    Some(_) => BatchState::Waiting,
                    None => BatchState::Running,
                };
                let (why, until) = match &wait {
                    Some((why, until)) => (Some(why), Some(to_millis(*until))),
                    None => (None, None),
                };
                tx.connection.change(
                    "UPDATE batch SET state = ?2, state_why = ?3, state_until = ?4, state_since = ?5
                     WHERE id = ?1 AND state IN ('running', 'waiting')",
                    (id, state.word(), why, until, to_millis(at)),
                )?;
                Ok(())
            })
            .await
    }
}

fn create(tx: &mut Tx<'_>, new: &NewBatch) -> Result<BatchId, StoreError> {
    let channel = channel::find_or_make(tx.connection, &new.channel)?;
    let (name, staged_for) = match &new.name {
        BatchName::Named(name) => (Some(name), None),
        BatchName::StagedFor(target) => (None, Some(*target)),
    };
    tx.connection.change(
        "INSERT INTO batch (uid, name, staged_for, state, state_since, digest, definition, headers, files,
                            channel, sandbox, created_at, policy)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?5, json_object('list', json(?12)))",
        (
            random::<8>()?,
            name,
            staged_for,
            BatchState::Reading.word(),
            to_millis(new.created_at),
            &new.digest,
            to_json(&new.definition)?,
            to_json(&new.headers)?,
            to_json(&new.files)?,
            channel,
            new.sandbox,
            to_json(&new.list)?,
        ),
    )?;
    let id = BatchId(tx.connection.last_insert_rowid());
    tx.connection
        .change("INSERT INTO tally (batch) VALUES (?1)", [id])?;
    Ok(id)
}

/// Removes rows, with what the list says of them. Those that stand side by side go at once.
pub(super) fn delete_recipients(
    connection: &Connection,
    mut rows: Vec<RecipientId>,
) -> Result<(), StoreError> {
    rows.sort_unstable();
    for run in rows.chunk_by(|row, next| row.get() + 1 == next.get()) {
        for delete in [
            "DELETE FROM recipient WHERE id >= ?1 AND id <= ?2",
            "DELETE FROM recipient_input WHERE id >= ?1 AND id <= ?2",
        ] {
            connection.change(delete, (run.first(), run.last()))?;
        }
    }
    Ok(())
}

/// Removes the next rows of a batch, and the people whom nothing else names; returns how many rows.
fn discard_step(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    id: BatchId,
    step: u32,
) -> Result<usize, StoreError> {
    let (first, last) = id.range();
    let rows: Vec<(RecipientId, Option<PersonId>)> = tx.connection.rows(
        "SELECT id, person FROM recipient WHERE id >= ?1 AND id < ?2 LIMIT ?3",
        (first, last, step),
    )?;
    delete_recipients(tx.connection, rows.iter().map(|(row, _)| *row).collect())?;
    for (_, whose) in &rows {
        if let Some(whose) = whose {
            person::remove_unnamed(tx.connection, *whose)?;
        }
    }
    let people = rows.iter().filter_map(|(_, whose)| *whose);
    prune::strip_unneeded(tx.connection, keys, people)?;
    Ok(rows.len())
}

/// Who queued people of a batch that had nobody left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueuedBy {
    /// A person, who goes on with it.
    Person,
    /// An event: any worker that has the batch's token may go on with it.
    Event,
}

impl QueuedBy {
    /// Who the batch waits for, as its state says.
    pub(super) const fn word(self) -> Option<&'static str> {
        match self {
            Self::Person => None,
            Self::Event => Some(BY_EVENT),
        }
    }
}

/// A batch that was complete, or a follow-up that waited, has people to message.
pub(super) fn reopen(
    connection: &Connection,
    id: BatchId,
    queued_by: QueuedBy,
    now: Timestamp,
) -> Result<(), StoreError> {
    // Also where all who were queued before wait for a person's decision, and an event queues others.
    connection.change(
        &format!(
            "UPDATE batch AS b SET state = ?2, state_since = ?3, state_until = NULL,
                    policy = iif(state = 'complete', json_set(policy, '$.reopened_at', ?3), policy),
                    state_why = iif(?4 IS NULL, 'rows were queued again', 'an event queued people'),
                    state_by = coalesce(?4, state_by)
             WHERE id = ?1
                   AND (state IN ('complete', 'open')
                        OR ?4 IS NOT NULL AND state = 'paused' AND state_by IS NULL
                           AND exit_reason IN ('complete_with_problems', 'guard'))
                   AND {HAS_QUEUED}"
        ),
        (
            id,
            BatchState::Paused.word(),
            to_millis(now),
            queued_by.word(),
            i64::MAX,
        ),
    )?;
    Ok(())
}

/// Since when the batch has been unfinished without a break; `None` if it is complete.
pub(super) fn unfinished_since(
    connection: &Connection,
    id: BatchId,
) -> Result<Option<Timestamp>, StoreError> {
    let since: Option<Option<i64>> = connection.find(
        "SELECT iif(state = 'complete', NULL, coalesce(policy ->> 'reopened_at', created_at))
         FROM batch WHERE id = ?1",
        [id],
    )?;
    since.flatten().map(from_millis).transpose()
}

/// Removes a batch that has no rows left.
pub(super) fn remove(tx: &mut Tx<'_>, id: BatchId) -> Result<(), StoreError> {
    tx.drop_counts(id);
    // Its counts go with it, and what was decided about it.
    tx.connection
        .change("DELETE FROM decision WHERE batch = ?1", [id])?;
    tx.connection
        .change("DELETE FROM batch WHERE id = ?1", [id])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    #[test]
    fn a_list_whose_process_came_to_its_end_meanwhile_is_not_taken_for_that_of_a_dead_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let made = store.writer.write_blocking(|tx| {
            tx.connection.execute_batch(
                "INSERT INTO channel (id, api_id) VALUES (1, '7001');
                 INSERT INTO batch (id, uid, name, state, state_since, digest, definition, headers, files, channel, sandbox, created_at)
                     VALUES (1, x'01', 'dead', 'reading', 0, x'', '{}', '[]', '[]', 1, 0, 0),
                            (2, x'02', 'read', 'reading', 0, x'', '{}', '[]', '[]', 1, 0, 0);",
            )?;
            Ok(())
        });
        made.unwrap();
        let reader = store.reader().unwrap();
        let lists = reader.being_read().unwrap();
        let ended = store.writer.write_blocking(|tx| {
            tx.connection
                .change("UPDATE batch SET state = 'draft' WHERE name = 'read'", [])?;
            Ok(())
        });
        ended.unwrap();
        for list in lists {
            store.discard_if_dead(list, Timestamp::UNIX_EPOCH).unwrap();
        }
        let left = reader
            .connection
            .list::<String>("SELECT name FROM batch", []);
        assert_eq!(left.unwrap(), ["read"]);
    }

    #[test]
    fn rows_are_removed_whether_they_stand_side_by_side_or_not() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        for id in 1..=8 {
            connection
                .change(
                    "INSERT INTO recipient (id, state) VALUES (?1, 'queued')",
                    [id],
                )
                .unwrap();
            connection
                .change(
                    "INSERT INTO recipient_input (id, file, row, fields) VALUES (?1, 0, ?1, '[]')",
                    [id],
                )
                .unwrap();
        }
        delete_recipients(&connection, [7, 2, 3, 5].map(RecipientId).to_vec()).unwrap();
        delete_recipients(&connection, Vec::new()).unwrap();
        for left in [
            "SELECT id FROM recipient ORDER BY id",
            "SELECT id FROM recipient_input ORDER BY id",
        ] {
            assert_eq!(connection.list::<i64>(left, []).unwrap(), [1, 4, 6, 8]);
        }
    }
}
