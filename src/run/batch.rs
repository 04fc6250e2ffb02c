//! A batch that this process holds: no other process changes it until the value is dropped.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::definition::{has_message_of, has_rows_of};
use super::error::RunError;
use super::mismatch::Mismatch;
use super::settings::RunSettings;
use super::unknown_messages::{refuse_if_older, refuse_if_sent};
use crate::domain::batch_state::BatchState;
use crate::domain::earlier::is_same_list;
use crate::domain::follow_up::is_named_as_one;
use crate::store::{Batch, DecisionRecord, Hold, Reader, Store};

/// A batch that this process holds.
#[derive(Debug)]
pub struct HeldBatch {
    store: Arc<Store>,
    batch: Batch,
    _hold: Hold,
}

/// Which batch is continued.
#[derive(Debug, Clone, Copy)]
pub struct ResumeSettings<'a> {
    /// Its name; `None` for the only one that is unfinished.
    pub batch: Option<&'a str>,
    /// The channel that the front end would use, if it has one.
    pub channel: Option<&'a str>,
    /// A rehearsal: nobody is messaged.
    pub sandbox: bool,
    /// Who takes it up again although it was given up; `None`: such a batch is refused.
    pub undo_cancel: Option<&'a str>,
}

impl HeldBatch {
    pub(super) fn new(store: Arc<Store>, hold: Hold, batch: Batch) -> Self {
        Self {
            store,
            batch,
            _hold: hold,
        }
    }

    /// Takes hold of a batch that is there. What a process left under way when it died is unknown from now on.
    ///
    /// # Errors
    /// [`RunError`] if there is no such batch, or another process holds it.
    pub fn take(checkpoint: &Path, name: &str, now: Timestamp) -> Result<Self, RunError> {
        let store = Arc::new(Store::open_existing(checkpoint)?);
        let batch = store.reader()?.batch(name)?;
        let hold = store.hold(&batch.name, now)?;
        store.interrupt_leftovers(batch.id, now)?;
        // The process that held it until now may have changed it.
        Self::new(store, hold, batch).reread()
    }

    /// Takes hold of a batch that is to be sent further, without its contacts file.
    ///
    /// # Errors
    /// [`RunError`] if it is not clear which batch is meant, it is of another kind, or another process holds
    /// it.
    pub fn resume(
        checkpoint: &Path,
        settings: &ResumeSettings<'_>,
        now: Timestamp,
    ) -> Result<Self, RunError> {
        let store = Arc::new(Store::open_existing(checkpoint)?);
        let batch = choose(&store.reader()?, settings.batch)?;
        let name = batch.name.clone();
        only_kind(&batch, settings.sandbox)?;
        let other = settings.channel.filter(|asked| *asked != batch.channel);
        if let (false, Some(asked)) = (settings.sandbox, other) {
            return Err(Mismatch::OtherChannel {
                batch: name,
                channel: batch.channel,
                asked: asked.to_owned(),
            }
            .into());
        }
        let hold = store.hold(&name, now)?;
        refuse_if_older(&store)?;
        // An earlier process may have died while it changed the list.
        store.finish_change(batch.id, now)?;
        let batch = Self::new(store, hold, batch).reread()?;
        let batch = match settings.undo_cancel {
            Some(by) => batch.undo_cancel(by, now)?,
            None => not_cancelled(batch.batch()).map(|()| batch)?,
        };
        match batch.batch().restored_from() {
            Some(from) if batch.reader()?.counts(batch.batch().id)?.queued > 0 => {
                Err(needs_list(batch.batch(), from).into())
            }
            Some(_) | None => Ok(batch),
        }
    }

    /// Keeps with the batch what it is for, as `actor` says.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn keep_purpose(&self, purpose: &str, actor: &str, now: Timestamp) -> Result<(), RunError> {
        let id = self.batch.id;
        Ok(self.store.keep_purpose(id, purpose, actor, now)?)
    }

    /// Keeps with the batch of an audience the batches whose people it was chosen from by their states.
    ///
    /// # Errors
    /// [`RunError`] if one of them is not there, or the checkpoint fails.
    pub fn keep_chosen_from(&self, batches: &[&str]) -> Result<(), RunError> {
        Ok(self.store.keep_chosen_from(self.batch.id, batches)?)
    }

    /// These settings, as they hold for this batch.
    #[must_use]
    pub fn settings(&self, settings: &RunSettings) -> RunSettings {
        settings.of(Some(&self.batch))
    }

    /// What the batch keeps otherwise than these settings say, where no flag changes it; for people.
    pub fn differs_from(&self, settings: &RunSettings) -> Option<String> {
        let here = self.settings(settings);
        let mut kept = Vec::new();
        if self.batch.history.is_some() && here.history != settings.history {
            kept.push(here.history.to_string());
        }
        if self.batch.sending.is_some() && here.sending() != settings.sending() {
            kept.push(here.sending().to_string());
        }
        (!kept.is_empty()).then(|| kept.join(", "))
    }

    /// Keeps with the batch how it is sent, as these settings and `actor` say.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn keep_settings(
        self,
        settings: &RunSettings,
        actor: &str,
        now: Timestamp,
    ) -> Result<Self, RunError> {
        let settings = self.settings(settings);
        let (history, sending) = (settings.history, settings.sending());
        let decision =
            |what, detail| DecisionRecord::new(actor, what, detail, now).about(self.batch.id);
        let mut changed = Vec::new();
        if self.batch.history.is_some_and(|kept| kept != history) {
            changed.push(decision("history", history.to_string()));
        }
        if self
            .batch
            .sending
            .as_ref()
            .is_some_and(|kept| *kept != sending)
        {
            changed.push(decision("sending", sending.to_string()));
        }
        let is_kept = self.batch.history.is_some() && self.batch.sending.is_some();
        if changed.is_empty() && is_kept {
            return Ok(self);
        }
        let id = self.batch.id;
        self.store.keep_settings(id, history, sending, changed)?;
        self.reread()
    }

    /// Refuses the batch where the file that its results would be written to says that people who wait in it have its
    /// message: the checkpoint is older than it was.
    ///
    /// # Errors
    /// [`RunError`] if it does, or the checkpoint fails.
    pub fn refuse_if_sent(&self, results: &Path) -> Result<(), RunError> {
        refuse_if_sent(&self.store, &self.batch, results)
    }

    /// The batches that were made since of other versions of its list: files of the same names with other rows, or files with its
    /// message and most of the people who wait in it. Going on goes by the older one.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn newer_lists(&self) -> Result<Vec<String>, RunError> {
        newer_lists(&self.reader()?, &self.batch)
    }

    /// The batch, as it stood when it was taken.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    pub(super) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Reads the batch anew.
    pub(super) fn reread(self) -> Result<Self, RunError> {
        let batch = self.store.reader()?.batch(&self.batch.name)?;
        Ok(Self { batch, ..self })
    }

    /// The checkpoint, for reading.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub(crate) fn reader(&self) -> Result<Reader, RunError> {
        Ok(self.store.reader()?)
    }

    /// The file of the checkpoint; once another one stood in its place, the copy that was kept.
    pub fn checkpoint(&self) -> &Path {
        self.store.path()
    }

    /// The file that was opened.
    pub fn original_checkpoint(&self) -> &Path {
        self.store.original()
    }
}

/// As [`HeldBatch::newer_lists`], of a batch that nobody took.
///
/// # Errors
/// [`RunError`] if the checkpoint fails.
pub(crate) fn newer_lists(reader: &Reader, own: &Batch) -> Result<Vec<String>, RunError> {
    let has_people = has_people_of(reader, own)?;
    let newer = newer_batches(reader, own)?.into_iter();
    let newer = newer.filter(|newer| newer.files == own.files || has_people(newer));
    Ok(newer.map(|batch| batch.name).collect())
}

/// The newest of these batches whose list is that of `own`, edited: it has most of the people who are queued. A list that only
/// has its name or its message is none.
pub(super) fn read_again_as(reader: &Reader, own: &Batch) -> Result<Option<String>, RunError> {
    let has_people = has_people_of(reader, own)?;
    let mut newer = newer_batches(reader, own)?.into_iter();
    Ok(newer.find(has_people).map(|batch| batch.name))
}

/// Says whether a batch has most of the people who are queued in `own`.
fn has_people_of(reader: &Reader, own: &Batch) -> Result<impl Fn(&Batch) -> bool, RunError> {
    let batches = reader.batches_of_queued(own.id)?;
    let people_in = move |id| batches.get(&id).copied().unwrap_or(0);
    let own = people_in(own.id);
    Ok(move |newer: &Batch| is_same_list(people_in(newer.id), own, own))
}

/// The batches since with other rows whose lists may be that of `own`, read again: under the names of its files, or, as a copy
/// may be called otherwise, with its message.
fn newer_batches(reader: &Reader, own: &Batch) -> Result<Vec<Batch>, RunError> {
    let is_newer = |other: &Batch| {
        let has_message = other.sandbox == own.sandbox
            && own.follow_up.is_none()
            && has_message_of(&other.definition, &own.definition);
        (other.files == own.files || has_message)
            && other.created_at > own.created_at
            && other.follow_up.is_none()
            && !has_rows_of(&other.definition, &own.definition)
    };
    Ok(reader.batches()?.into_iter().filter(is_newer).collect())
}

/// What a batch lacks that was restored from a results file.
pub(super) fn needs_list(batch: &Batch, from: &str) -> Mismatch {
    let (name, from) = (batch.name.clone(), from.to_owned());
    if is_named_as_one(&name) {
        Mismatch::NeedsFollowUp(name, from)
    } else {
        Mismatch::NeedsList(name, from)
    }
}

/// A rehearsal stays one, and a real batch too.
pub(super) fn only_kind(batch: &Batch, sandbox: bool) -> Result<(), Mismatch> {
    let name = batch.name.clone();
    match (batch.sandbox, sandbox) {
        (true, false) => Err(Mismatch::IsRehearsal(name)),
        (false, true) => Err(Mismatch::IsReal(name)),
        (true, true) | (false, false) => Ok(()),
    }
}

/// Nothing is sent, added or changed in a batch that was given up.
///
/// # Errors
/// [`RunError::Cancelled`] if it was.
pub(super) fn not_cancelled(batch: &Batch) -> Result<(), RunError> {
    match batch.state {
        BatchState::Cancelled => Err(RunError::Cancelled {
            batch: batch.name.clone(),
            by: batch.state_by.clone().unwrap_or_default(),
            since: batch.state_since,
        }),
        BatchState::Reading
        | BatchState::Draft
        | BatchState::Running
        | BatchState::Waiting
        | BatchState::Paused
        | BatchState::Stopped
        | BatchState::Open
        | BatchState::Complete => Ok(()),
    }
}

/// The named batch, or the only one that is unfinished.
fn choose(reader: &Reader, name: Option<&str>) -> Result<Batch, RunError> {
    if let Some(name) = name {
        let batch = reader.batch(name)?;
        return if batch.is_whole() {
            Ok(batch)
        } else {
            Err(Mismatch::NotWhole(batch.name).into())
        };
    }
    let mut unfinished = Vec::new();
    for batch in reader.batches()? {
        let counts = reader.counts(batch.id)?;
        // A batch that a guard stopped goes on with those who were refused.
        let goes_on = counts.queued + counts.sending > 0 || batch.halted_text.is_some();
        if batch.is_whole() && goes_on && batch.state != BatchState::Cancelled {
            unfinished.push(batch);
        }
    }
    Ok(only(unfinished, |batch| &batch.name)?)
}

/// The only one of these.
fn only<T>(mut unfinished: Vec<T>, name: impl Fn(&T) -> &String) -> Result<T, Mismatch> {
    let names = || unfinished.iter().map(&name).cloned().collect();
    match unfinished.len() {
        0 | 1 => unfinished.pop().ok_or(Mismatch::NoneUnfinished),
        _ => Err(Mismatch::SeveralUnfinished(names())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_continued_without_its_name_only_if_no_other_is_unfinished() {
        let chosen = |names: &[&str]| {
            let names = names.iter().map(ToString::to_string).collect();
            only(names, |name: &String| name)
        };
        assert_eq!(chosen(&["spring"]), Ok("spring".to_owned()));
        assert_eq!(chosen(&[]), Err(Mismatch::NoneUnfinished));
        assert_eq!(
            chosen(&["spring", "summer"]),
            Err(Mismatch::SeveralUnfinished(vec![
                "spring".to_owned(),
                "summer".to_owned()
            ]))
        );
    }
}
