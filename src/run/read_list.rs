//! The rows of a list are judged, and brought into the checkpoint: as a new batch, or beside the one that they are for.

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::definition::BatchMatch;
use super::error::RunError;
use super::history::NO_CHANNEL;
use super::list::List;
use super::mending::KeptList;
use super::mismatch::Mismatch;
use super::pass::{BatchRows, Pass};
use super::plan::SendPlan;
use super::read_plan::{Decisions, NewRows, ReadPlan, discard_on_error};
use super::settings::RunSettings;
use super::sms::{self, SmsRule};
use crate::domain::follow_up::{FollowUp, Trigger};
use crate::domain::recipient::Position;
use crate::intake::Mapping;
use crate::report::check::CheckReport;
use crate::store::{
    Batch, BatchId, BatchName, DecisionRecord, ListDifference, Loader, MendPlace, MessagedDecision,
    NewBatch, RecipientId, Store,
};

/// What the rows are judged by.
struct Reading<'a> {
    /// The rows that the batch has already; `None` if it is new.
    has: Option<&'a BatchRows>,
    decided: Option<&'a MessagedDecision>,
    settings: &'a RunSettings,
    rejects: Option<&'a Path>,
    now: Timestamp,
}

impl SendPlan {
    /// Judges and renders the rows of a list that is not in the batch yet. A list that turns out unusable
    /// leaves nothing behind. The rows read are reported to `progress` now and then.
    ///
    /// # Errors
    /// [`RunError`] if the list cannot be used, or the checkpoint or `rejects` cannot be written.
    pub fn read(
        mut self,
        settings: &RunSettings,
        rejects: Option<&Path>,
        now: Timestamp,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ReadPlan, RunError> {
        let settings = settings.of(self.batch_match.batch());
        let history = settings.history;
        let undecided = self.decision.is_none();
        let messaged = self.messaged_before(history, now)?;
        if undecided && !messaged.is_empty() {
            let batches = messaged.iter().map(ToString::to_string).collect();
            return Err(Mismatch::MessagedBefore(batches).into());
        }
        let (place, has) = match &self.batch_match {
            BatchMatch::Continue(batch) => {
                let batch = batch.clone();
                let decisions = self.decisions(None, None).records(batch.id, now);
                return Ok(self.read_as(batch, None, None, decisions));
            }
            BatchMatch::New => (BatchName::Named(self.name.clone()), None),
            BatchMatch::Change(batch, how) => {
                let has = self.before_change(batch, *how)?;
                (BatchName::StagedFor(batch.id), Some(has))
            }
        };
        self.remove_leftovers()?;
        let id = self.begin(place, now)?;
        let decided = self.decided();
        let reading = Reading {
            has: has.as_ref(),
            decided: decided.as_ref(),
            settings: &settings,
            rejects,
            now,
        };
        let report = self.load(id, &reading, progress);
        let report = report.and_then(|report| self.refuse_other_than_restored(id).map(|()| report));
        let report = discard_on_error(&self.store, id, report)?;
        let (mut decisions, mapping) = (Vec::new(), Some(&report.mapping));
        let (batch, rows) = match &self.batch_match {
            BatchMatch::New | BatchMatch::Continue(_) => {
                let batch = self.store.reader()?.batch(&self.name)?;
                (batch, NewRows::Batch(id))
            }
            BatchMatch::Change(batch, how) => {
                let files = report.files.clone();
                let restored = batch
                    .restored_from()
                    .map(|_| self.list.input.headers().to_vec());
                let change = self.definition.change(batch, *how, files, restored);
                decisions = self
                    .decisions(
                        mapping,
                        self.follow_up.as_ref().or(batch.follow_up.as_ref()),
                    )
                    .records(batch.id, now);
                (batch.clone(), NewRows::Staged(id, change))
            }
        };
        Ok(self.read_as(batch, Some((report, rows)), decided, decisions))
    }

    /// Refuses a list, which was read into `staged`, for a batch that was restored from a results file with another message
    /// or channel: those who were not messaged yet would get that.
    fn refuse_other_than_restored(&self, staged: BatchId) -> Result<(), RunError> {
        let restored = match &self.batch_match {
            BatchMatch::Change(batch, _) => {
                Some(batch).filter(|it| it.restored_from().is_some() && it.channel != NO_CHANNEL)
            }
            BatchMatch::New | BatchMatch::Continue(_) => None,
        };
        let Some(batch) = restored else {
            return Ok(());
        };
        let channel = &self.definition.channel;
        let fallback = self.fallback.as_ref();
        let differs = self
            .store
            .difference_from_results(batch.id, staged, channel, fallback);
        let name = batch.name.clone();
        Err(RunError::from(match differs? {
            None => return Ok(()),
            Some(ListDifference::Channel) => Mismatch::OtherMessage(name, "channel"),
            Some(ListDifference::Message) => Mismatch::OtherMessage(name, "message"),
            Some(ListDifference::OtherChannels(channels)) => Mismatch::OtherFallback {
                batch: name,
                kept: channels.into_iter().collect(),
            },
        }))
    }

    fn decisions<'a>(
        &'a self,
        mapping: Option<&'a Mapping>,
        follow_up: Option<&'a FollowUp>,
    ) -> Decisions<'a> {
        Decisions {
            actor: self.actor.as_deref(),
            fallback: self.fallback.as_ref(),
            follow_up,
            mapping,
            sms: self.list.sms,
        }
    }

    /// The plan with its list read: what it holds, and where its rows are, if the batch had it not already.
    fn read_as(
        self,
        batch: Batch,
        read: Option<(CheckReport, NewRows)>,
        decided: Option<MessagedDecision>,
        decisions: Vec<DecisionRecord>,
    ) -> ReadPlan {
        let (report, read) = read.unzip();
        ReadPlan {
            batch: HeldBatch::new(self.store, self.hold, batch),
            report,
            read,
            decided,
            sms: self.list.sms,
            fallback: self.fallback,
            decisions,
            prepared_by: self.actor,
            follow_up: self.follow_up,
        }
    }

    /// Judges the rows and brings them into what was registered for them.
    fn load(
        &mut self,
        id: BatchId,
        reading: &Reading<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<CheckReport, RunError> {
        let earlier = match &self.batch_match {
            BatchMatch::New | BatchMatch::Continue(_) => None,
            BatchMatch::Change(batch, _) => Some(batch.clone()),
        };
        let own = earlier.as_ref().map_or(id, |batch| batch.id);
        let (history, now) = (reading.settings.history, reading.now);
        if earlier.is_none() {
            self.keep_with_new(id, reading.decided.cloned(), reading.settings)?;
        }
        let reader = self.store.reader()?;
        let mut skip = reader.skipped(own)?;
        let decided = reading.decided.into_iter();
        skip.extend(decided.flat_map(MessagedDecision::skipped));
        let channel_type = reader.channel_type(&self.definition.channel)?;
        let pass = Pass {
            sms: SmsRule::of(self.list.sms, channel_type.as_deref()),
            known: self.known(history, Some(own), skip, now)?.counting()?,
            channel: Some(&self.definition.channel),
            batch: Some(&self.name),
            earlier_files: earlier.as_ref().map_or(&[], |batch| &batch.files),
            has: reading.has,
            rejects: reading.rejects,
            now: Some(now),
            ..Pass::default()
        };
        let free = reading.has.map_or_else(HashMap::new, free_places);
        let awaits = self.follow_up.as_ref().map(|it| it.after);
        let place = Loading { id, awaits, free };
        let (mut report, mut loader) =
            load(&self.store, &mut self.list, place, pass, now, progress)?;
        if earlier.is_none() {
            let about_others = reading.decided.into_iter();
            let mut decisions: Vec<_> = about_others.flat_map(|it| it.records(id, now)).collect();
            let asked = self.decisions(Some(&report.mapping), self.follow_up.as_ref());
            decisions.extend(asked.records(id, now));
            loader.finish_with(self.actor.clone(), decisions)?;
        } else {
            loader.complete()?;
        }
        if let (Some(Trigger::OptIn), Some(known)) = (awaits, &mut report.known) {
            // An opt-in is an act of the person.
            known.reply_window = None;
        }
        if self.fallback.is_none() {
            let unused = sms::note(self.list.sms, channel_type.as_deref());
            report.notes.extend(unused);
        }
        Ok(report)
    }

    /// Keeps the rules of a new batch with it, so that it is not lost while the batch waits to be confirmed.
    fn keep_with_new(
        &self,
        id: BatchId,
        decided: Option<MessagedDecision>,
        settings: &RunSettings,
    ) -> Result<(), RunError> {
        let (history, sending) = (settings.history, settings.sending());
        self.store.keep_settings(id, history, sending, Vec::new())?;
        if let Some(decided) = decided {
            self.store.keep_messaged(id, decided)?;
        }
        if let Some(fallback) = &self.fallback {
            self.store.keep_fallback(id, fallback)?;
        }
        if let Some(follow_up) = &self.follow_up {
            self.store.keep_follow_up(id, follow_up)?;
        }
        self.store.keep_list(id, KeptList::value(&self.list))?;
        Ok(self.store.keep_sms(id, self.list.sms)?)
    }

    /// Removes what an earlier process left behind that died while it read a list.
    fn remove_leftovers(&self) -> Result<(), RunError> {
        match &self.batch_match {
            BatchMatch::New => {
                if let Some(leftover) = self.store.reader()?.find_batch(&self.name)? {
                    self.store.discard_batch(leftover.id)?;
                }
            }
            BatchMatch::Continue(batch) | BatchMatch::Change(batch, _) => {
                self.store.discard_leftovers(batch.id)?;
            }
        }
        Ok(())
    }

    /// Registers a batch whose rows are about to be read.
    fn begin(&self, name: BatchName, now: Timestamp) -> Result<BatchId, RunError> {
        let input = &self.list.input;
        Ok(self.store.create_batch(NewBatch {
            name,
            digest: self.definition.digest,
            definition: self.definition.parts.clone(),
            headers: input.headers().to_vec(),
            files: input.file_names().map(str::to_owned).collect(),
            channel: self.definition.channel.clone(),
            list: input.format(),
            sandbox: self.sandbox,
            created_at: now,
        })?)
    }
}

/// Where the rows of a list are brought.
struct Loading {
    id: BatchId,
    /// Its rows wait for such an event.
    awaits: Option<Trigger>,
    /// The rows of the other batch whose place a row takes that mends them.
    free: HashMap<Position, RecipientId>,
}

/// Judges the rows and brings them into the batch, which is whole once the loader is finished.
fn load<'a>(
    store: &'a Store,
    list: &mut List,
    place: Loading,
    pass: Pass<'_>,
    now: Timestamp,
    progress: &mut dyn FnMut(u64),
) -> Result<(CheckReport, Loader<'a>), RunError> {
    let mut files = pass.earlier_files.to_vec();
    files.extend(list.input.file_names().map(str::to_owned));
    let batch = pass.batch;
    let mut free = place.free;
    let loader = store.loader(place.id, pass.channel.unwrap_or_default(), now);
    let mut loader = loader.awaiting(place.awaits);
    let report = pass.judge(list, progress, &mut |row| {
        let ours = row.mends.as_ref().filter(|it| Some(&*it.batch) == batch);
        // The first row that takes the place of another has it.
        let mends = ours.and_then(|it| free.remove(&it.position));
        Ok(loader.push_mending(row, mends, |position| row_name(&files, position))?)
    })?;
    Ok((report, loader))
}

/// The rows that no mended row has taken the place of yet.
fn free_places(has: &BatchRows) -> HashMap<Position, RecipientId> {
    let places = has
        .to_mend
        .iter()
        .filter_map(|(position, place)| match place {
            MendPlace::Free(row) => Some((*position, *row)),
            MendPlace::Taken(_) => None,
        });
    places.collect()
}

/// How a row is called: by its number, and by its file where there are several.
fn row_name(files: &[String], position: Position) -> String {
    if let [_] = files {
        return format!("row {}", position.row);
    }
    let file = files.get(usize::from(position.file));
    format!("{} row {}", file.map_or("?", String::as_str), position.row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recipient::RowNumber;

    #[test]
    fn a_row_is_called_by_its_file_where_there_are_several() {
        let position = Position {
            file: 1,
            row: RowNumber::new(7).unwrap(),
        };
        let files = ["a.csv".to_owned(), "b.csv".to_owned()];
        assert_eq!(row_name(&files[..1], position), "row 7");
        assert_eq!(row_name(&files, position), "b.csv row 7");
    }
}
