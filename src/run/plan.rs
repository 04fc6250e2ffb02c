//! From a list to a batch: what sending a list would do is a value. Nothing of the batch changes until it is
//! carried out.
//!
//! [`SendPlan::new`] compares the list with what the checkpoint holds. [`SendPlan::read`] judges its rows: a
//! new batch is whole then, a second list for a batch is kept beside it. [`ReadPlan::carry_out`] makes that
//! list part of the batch, [`ReadPlan::discard`] removes what was read.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::batch::{HeldBatch, not_cancelled};
use super::definition::{Definition, Step, Stored};
use super::earlier::{MessagedBefore, messaged_before};
use super::error::{Mismatch, RunError};
use super::fallback::{self, ManyMayFallBack};
use super::follow_up;
use super::history::restored_from;
use super::known::Known;
use super::list::List;
use super::pass::Pass;
use super::sms::{self, SmsRule};
use crate::domain::batch_name;
use crate::domain::eligibility::HistorySpan;
use crate::domain::fallback::Fallback;
use crate::domain::follow_up::{FollowUp, Trigger};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Position, Verdict};
use crate::domain::sms::SmsSettings;
use crate::intake::Mapping;
use crate::report::check::CheckReport;
use crate::store::{
    Batch, BatchId, BatchName, Change, DecisionRecord, Hold, ListChange, Messaged,
    MessagedDecision, NewBatch, Reader, RecipientId, Store,
};

/// What is asked for beside the list.
#[derive(Debug, Clone, Copy)]
pub struct SendSettings<'a> {
    /// The name of the batch; `None` derives one from the list, so that the same list is the same batch.
    pub batch: Option<&'a str>,
    /// The channel's id.
    pub channel: &'a str,
    /// How a list becomes part of a batch that has another one; `None` refuses it.
    pub change: Option<Change>,
    /// A rehearsal: nobody is messaged.
    pub sandbox: bool,
}

/// What sending a list would do, by what the checkpoint holds. The batch is held by this process.
pub struct SendPlan {
    store: Arc<Store>,
    hold: Hold,
    list: List,
    name: String,
    definition: Definition,
    sandbox: bool,
    step: Step<Batch>,
    unfinished: Vec<Unfinished>,
    /// Whom other batches messaged; `None` before that was asked.
    messaged: Option<Vec<MessagedBefore>>,
    decision: Option<(Messaged, String)>,
    /// What the batch keeps about other channels, as far as it is known before it is read.
    fallback: Option<Fallback>,
    /// What a new batch waits for, if it is a follow-up.
    follow_up: Option<FollowUp>,
}

/// Another batch whose files have the same names, and that is unfinished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its name.
    pub batch: String,
    /// Recipients that wait for their message.
    pub outstanding: u64,
}

impl SendPlan {
    /// Opens the checkpoint, takes hold of the batch, and compares.
    ///
    /// # Errors
    /// [`RunError`] if there is no message, another process holds the batch, or the list does not fit it.
    pub fn new(
        checkpoint: &Path,
        mut list: List,
        settings: &SendSettings<'_>,
        now: Timestamp,
    ) -> Result<Self, RunError> {
        let message = list.message.as_ref().ok_or(Mismatch::NoMessage)?;
        let definition = Definition::new(&list.input, message, settings.channel);
        let store = open(checkpoint, settings.batch)?;
        let name = if let Some(name) = settings.batch {
            name.to_owned()
        } else {
            let batches = store.reader()?.batches()?;
            definition.default_name(list.input.stem(), batches.iter().map(Stored::from))
        };
        let hold = store.hold(&name, now)?;
        let batches = store.reader()?.batches()?;
        keep_rehearsals_apart(
            batches.iter().map(|it| (it.name.as_str(), it.sandbox)),
            settings.sandbox,
        )?;
        if let Some(batch) = store.reader()?.find_batch(&name)? {
            store.finish_change(batch.id, now)?;
        }
        let reader = store.reader()?;
        let found = reader.find_batch(&name)?.filter(Batch::is_whole);
        if let Some(batch) = &found {
            not_cancelled(batch)?;
        }
        let step = match found {
            Some(batch) if restored_from(&batch).is_some() => again(batch, &list, settings.change)?,
            found => definition.compare(
                &name,
                found.map(|batch| (batch.definition.clone(), batch)),
                settings.change,
            )?,
        };
        if let Step::Change(batch, _) = &step
            && batch.follow_up.is_some()
        {
            return Err(Mismatch::FollowUpList(name).into());
        }
        let step = sms::join(&reader, step, &mut list.sms, settings.change)?;
        let fallback = fallback::join(&step, list.others.as_ref(), settings.channel)?;
        if let Some(others) = &mut list.others {
            others.limit(&reader, list.sms)?;
        }
        let unfinished = match (&step, settings.batch) {
            (Step::New, None) => unfinished(&reader, &batches, &list, &name)?,
            (Step::New | Step::Continue(_) | Step::Change(..), _) => Vec::new(),
        };
        Ok(Self {
            store,
            hold,
            list,
            name,
            definition,
            sandbox: settings.sandbox,
            step,
            unfinished,
            messaged: None,
            decision: None,
            fallback,
            follow_up: None,
        })
    }

    /// The same; the rows of a new batch wait for events.
    #[must_use]
    pub fn following_up(self, follow_up: Option<FollowUp>) -> Self {
        Self { follow_up, ..self }
    }

    /// The name of the batch.
    pub fn batch(&self) -> &str {
        &self.name
    }

    /// What would be done.
    pub fn step(&self) -> &Step<Batch> {
        &self.step
    }

    /// The results file that the batch was restored from, if it was: its list comes again.
    pub fn restored_from(&self) -> Option<&str> {
        match &self.step {
            Step::Change(batch, _) => restored_from(batch),
            Step::New | Step::Continue(_) => None,
        }
    }

    /// Unfinished batches that this list may have been meant to continue: it was edited since, or has another
    /// message.
    pub fn unfinished(&self) -> &[Unfinished] {
        &self.unfinished
    }

    /// The people of the list who have another message already, by the batch that messaged them: where the list's
    /// text was changed while its batch was under way, or the same text went over another channel. While there are
    /// any, [`Self::read`] refuses the list until [`Self::decide`] says what becomes of them.
    ///
    /// # Errors
    /// [`RunError`] if the list cannot be used, or the checkpoint fails.
    pub fn messaged_before(
        &mut self,
        history: HistorySpan,
        now: Timestamp,
    ) -> Result<&[MessagedBefore], RunError> {
        if self.follow_up.is_some() {
            // A further message is what it is.
            return Ok(&[]);
        }
        if self.messaged.is_none() {
            let (own, seen) = match &self.step {
                Step::Continue(_) => return Ok(&[]),
                Step::New => (None, Vec::new()),
                Step::Change(batch, how) => (Some(batch.id), self.before_change(batch, *how)?),
            };
            let reader = self.store.reader()?;
            let (list, channel) = (&mut self.list, &self.definition.channel);
            self.messaged = Some(messaged_before(
                (&reader, self.store.reader()?),
                list,
                own,
                channel,
                &seen,
                (history, now),
            )?);
        }
        Ok(self.messaged.as_deref().unwrap_or_default())
    }

    /// Says what becomes of people who have another message already, in the name of `actor`.
    pub fn decide(&mut self, how: Messaged, actor: &str) {
        self.decision = Some((how, actor.to_owned()));
    }

    /// What was decided about people whom other batches messaged, if there are any.
    fn decided(&self) -> Option<MessagedDecision> {
        let messaged = self.messaged.as_deref().unwrap_or_default();
        let (how, actor) = self.decision.as_ref().filter(|_| !messaged.is_empty())?;
        let others = messaged.iter().map(|other| {
            let told = format!("batch {}: {} people", other.batch, other.people);
            (other.uid.clone(), told)
        });
        Some(MessagedDecision {
            how: *how,
            actor: actor.clone(),
            others: others.collect(),
        })
    }

    /// Judges and renders the rows of a list that is not in the batch yet. A list that turns out unusable
    /// leaves nothing behind. The rows read are reported to `progress` now and then.
    ///
    /// # Errors
    /// [`RunError`] if the list cannot be used, or the checkpoint or `rejects` cannot be written.
    pub fn read(
        mut self,
        history: HistorySpan,
        rejects: Option<&Path>,
        now: Timestamp,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ReadPlan, RunError> {
        let undecided = self.decision.is_none();
        let messaged = self.messaged_before(history, now)?;
        if undecided && !messaged.is_empty() {
            let told = messaged.iter().map(ToString::to_string).collect();
            return Err(Mismatch::MessagedBefore(told).into());
        }
        let (place, earlier, seen) = match &self.step {
            Step::Continue(batch) => {
                let batch = batch.clone();
                return Ok(ReadPlan {
                    batch: HeldBatch::new(self.store, self.hold, batch),
                    report: None,
                    read: None,
                    decided: None,
                    sms: self.list.sms,
                    fallback: self.fallback,
                });
            }
            Step::New => (BatchName::Named(self.name.clone()), None, Vec::new()),
            Step::Change(batch, how) => {
                let seen = self.before_change(batch, *how)?;
                (BatchName::StagedFor(batch.id), Some(batch), seen)
            }
        };
        self.remove_leftovers()?;
        let id = self.begin(place, now)?;
        let own = earlier.map_or(id, |batch| batch.id);
        let settings = self.list.sms;
        let decided = self.decided();
        if earlier.is_none() {
            let kept = self.keep_with_new(id, decided.clone());
            discard_on_error(&self.store, id, kept)?;
        }
        let mut skip = self.store.reader()?.skipped(own)?;
        skip.extend(decided.iter().flat_map(MessagedDecision::skipped));
        let channel_type = self
            .store
            .reader()?
            .channel_type(&self.definition.channel)?;
        let pass = Pass {
            sms: SmsRule::of(settings, channel_type.as_deref()),
            known: Known::new(self.store.reader()?, history, Some(own), skip, now),
            channel: Some(&self.definition.channel),
            batch: Some(&self.name),
            earlier_files: earlier.map_or(&[], |batch| &batch.files),
            seen: &seen,
            rejects,
            ..Pass::default()
        };
        let mended = match earlier {
            Some(batch) if self.list.input.mends_rows() => {
                Some(self.store.reader()?.rows_to_mend(batch.id)?)
            }
            Some(_) | None => None,
        };
        let place = Loading {
            id,
            whole: earlier.is_none(),
            awaits: self.follow_up.as_ref().map(|it| it.after),
            mended: mended.unwrap_or_default(),
        };
        let report = load(&self.store, &mut self.list, place, pass, now, progress);
        let mut report = discard_on_error(&self.store, id, report)?;
        if self.fallback.is_none() {
            let unused = sms::note(settings, channel_type.as_deref());
            report.notes.extend(unused);
        }
        let (batch, read) = match self.step {
            Step::New | Step::Continue(_) => {
                let batch = self.store.reader()?.batch(&self.name)?;
                (batch, NewRows::Batch(id))
            }
            Step::Change(batch, how) => {
                let files = report.files.clone();
                let restored = restored_from(&batch).map(|_| self.list.input.headers().to_vec());
                let change = self.definition.change(&batch, how, files, restored);
                (batch, NewRows::Staged(id, change))
            }
        };
        Ok(ReadPlan {
            batch: HeldBatch::new(self.store, self.hold, batch),
            report: Some(report),
            read: Some(read),
            decided,
            sms: settings,
            fallback: self.fallback,
        })
    }

    /// Whether more people than may without being asked about could be queued on another channel, which costs money. A
    /// rehearsal costs nothing. Costs a pass over a list that is not in the batch yet.
    ///
    /// # Errors
    /// [`RunError`] if the list cannot be used, or the checkpoint fails.
    pub fn many_may_fall_back(
        &mut self,
        history: HistorySpan,
        now: Timestamp,
    ) -> Result<Option<ManyMayFallBack>, RunError> {
        let Some(fallback) = self.fallback.as_ref().filter(|_| !self.sandbox) else {
            return Ok(None);
        };
        let channels = fallback.channels.iter().map(|it| it.id.clone()).collect();
        let at_most = fallback.at_most;
        let has = match &self.step {
            Step::New | Step::Change(_, Change::Update) => 0,
            Step::Continue(batch) | Step::Change(batch, Change::Add) => {
                let counts = self.store.reader()?.counts(batch.id)?;
                counts.rows() - counts.invalid - counts.duplicate - counts.suppressed
            }
        };
        let gains = match &self.step {
            Step::Continue(_) => 0,
            Step::New => self.count_queued(None, &[], history, now)?,
            Step::Change(batch, how) => {
                let (id, seen) = (batch.id, self.before_change(batch, *how)?);
                self.count_queued(Some(id), &seen, history, now)?
            }
        };
        let people = has + gains;
        Ok((people > at_most).then_some(ManyMayFallBack {
            people,
            at_most,
            channels,
        }))
    }

    /// Lets so many people be queued on another channel.
    pub fn let_fall_back(&mut self, people: u64) {
        if let Some(fallback) = &mut self.fallback {
            fallback.at_most = people;
        }
    }

    /// So many rows of the list would be queued.
    fn count_queued(
        &mut self,
        own: Option<BatchId>,
        seen: &[(PhoneNumber, Position)],
        history: HistorySpan,
        now: Timestamp,
    ) -> Result<u64, RunError> {
        let pass = Pass {
            known: Known::new(self.store.reader()?, history, own, Vec::new(), now),
            channel: Some(&self.definition.channel),
            seen,
            ..Pass::default()
        };
        let mut queued = 0;
        pass.judge(&mut self.list, &mut |_| (), &mut |row| {
            queued += u64::from(matches!(row.verdict, Verdict::Queued(_)));
            Ok(())
        })?;
        Ok(queued)
    }

    /// Keeps with a new batch what it goes by, so that it is not lost while the batch waits to be confirmed.
    fn keep_with_new(
        &self,
        id: BatchId,
        decided: Option<MessagedDecision>,
    ) -> Result<(), RunError> {
        if let Some(decided) = decided {
            self.store.keep_messaged(id, decided)?;
        }
        if let Some(fallback) = &self.fallback {
            self.store.keep_fallback(id, fallback)?;
        }
        if let Some(follow_up) = &self.follow_up {
            self.store.keep_follow_up(id, follow_up)?;
        }
        Ok(self.store.keep_sms(id, self.list.sms)?)
    }

    /// The numbers that the batch has already, where its rows stay.
    fn before_change(
        &self,
        batch: &Batch,
        how: Change,
    ) -> Result<Vec<(PhoneNumber, Position)>, RunError> {
        let headers = self.list.input.headers();
        if headers != batch.headers && restored_from(batch).is_none() {
            return Err(Mismatch::OtherColumns {
                batch: batch.name.clone(),
                has: batch.headers.clone(),
                file: headers.to_vec(),
            }
            .into());
        }
        match how {
            Change::Add => Ok(self.store.reader()?.numbers(batch.id)?),
            Change::Update => Ok(Vec::new()),
        }
    }

    /// Removes what an earlier process left behind that died while it read a list.
    fn remove_leftovers(&self) -> Result<(), RunError> {
        match &self.step {
            Step::New => {
                if let Some(leftover) = self.store.reader()?.find_batch(&self.name)? {
                    self.store.discard_batch(leftover.id)?;
                }
            }
            Step::Continue(batch) | Step::Change(batch, _) => {
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

/// The list of a batch that was restored from results files comes again, and takes the place of what was restored.
fn again(batch: Batch, list: &List, change: Option<Change>) -> Result<Step<Batch>, Mismatch> {
    let is_its_list = list
        .input
        .file_names()
        .any(|name| batch.files.iter().any(|file| file == name));
    match change {
        Some(Change::Update) => Ok(Step::Change(batch, Change::Update)),
        None if is_its_list => Ok(Step::Change(batch, Change::Update)),
        None | Some(Change::Add) => {
            let from = restored_from(&batch).unwrap_or_default().to_owned();
            Err(Mismatch::NeedsList(batch.name, from))
        }
    }
}

/// Opens the checkpoint. A batch that cannot be called so is refused before anything is written, unless it is
/// there: it is one of an earlier version.
fn open(checkpoint: &Path, name: Option<&str>) -> Result<Arc<Store>, RunError> {
    let Some(odd) = name.filter(|name| !batch_name::is_allowed(name)) else {
        return Ok(Arc::new(Store::open(checkpoint)?));
    };
    let refused = || RunError::from(Mismatch::BatchName(odd.to_owned()));
    if !checkpoint.exists() {
        return Err(refused());
    }
    let store = Store::open(checkpoint)?;
    match store.reader()?.find_batch(odd)? {
        Some(_) => Ok(Arc::new(store)),
        None => Err(refused()),
    }
}

/// A plan whose list was read: ready to be carried out, or to be dropped.
#[derive(Debug)]
pub struct ReadPlan {
    batch: HeldBatch,
    report: Option<CheckReport>,
    read: Option<NewRows>,
    /// What is carried out with it, about people whom other batches messaged.
    decided: Option<MessagedDecision>,
    /// What the batch keeps about SMS.
    sms: SmsSettings,
    /// What it keeps about other channels.
    fallback: Option<Fallback>,
}

/// Where the rows that were read are.
#[derive(Debug)]
enum NewRows {
    /// They are a batch of their own.
    Batch(BatchId),
    /// They are beside the batch that they are for.
    Staged(BatchId, ListChange),
}

impl ReadPlan {
    /// What the list holds; `None` if the batch has it already.
    pub fn report(&self) -> Option<&CheckReport> {
        self.report.as_ref()
    }

    /// Makes the list part of the batch, and carries out what was decided. Returns
    /// how many recipients were under way when an earlier process died: their outcome is unknown now.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails. A change that was decided is completed by the next
    /// [`SendPlan::new`] or [`HeldBatch::resume`].
    pub fn carry_out(self, now: Timestamp) -> Result<(HeldBatch, u64), RunError> {
        match self.read {
            None => Ok((keep_fallback(self.batch, self.fallback)?, 0)),
            Some(NewRows::Batch(id)) => {
                if let Some(decided) = self.decided {
                    let store = self.batch.store();
                    store.carry_out_messaged(id, decided, now)?;
                }
                Ok((self.batch, 0))
            }
            Some(NewRows::Staged(staging, change)) => {
                let store = self.batch.store();
                let changed = store
                    .change_list(self.batch.batch(), staging, change, self.decided, now)
                    .map_err(RunError::from);
                let interrupted = discard_on_error(store, staging, changed)?;
                store.keep_sms(self.batch.batch().id, self.sms)?;
                let batch = keep_fallback(self.batch, self.fallback)?;
                Ok((batch.reread()?, interrupted))
            }
        }
    }

    /// As [`Self::carry_out`], and keeps what `actor` decided about the list's rows: which lines without a person
    /// are messaged, which columns of consent are ignored.
    ///
    /// # Errors
    /// As [`Self::carry_out`].
    pub fn carry_out_by(self, actor: &str, now: Timestamp) -> Result<(HeldBatch, u64), RunError> {
        let mapping = self.report.as_ref().map(|report| &report.mapping);
        let services = mapping.map_or_else(Vec::new, Mapping::services);
        let ignored = mapping.map_or_else(Vec::new, |mapping| mapping.ignored_consent.clone());
        let limit = mapping.and(self.sms.max_segments);
        let limit = limit.map_or_else(String::new, |limit| limit.to_string());
        let is_new = self.read.is_some() || self.fallback != self.batch.batch().fallback;
        let others = self.fallback.as_ref().filter(|_| is_new);
        let others = others.map_or_else(String::new, fallback::told);
        let after = self.batch.batch().follow_up.as_ref();
        let after = after.filter(|_| self.read.is_some());
        let after = after.map_or_else(String::new, follow_up::told);
        let (batch, interrupted) = self.carry_out(now)?;
        for (what, detail) in [
            ("after", after),
            ("fallback", others),
            ("max-segments", limit),
            ("allow-line-type", services.join(", ")),
            ("ignore-consent-column", ignored.join(", ")),
        ] {
            if !detail.is_empty() {
                batch.store().record_decision(DecisionRecord {
                    batch: Some(batch.batch().id),
                    actor: actor.to_owned(),
                    what,
                    detail,
                    at: now,
                })?;
            }
        }
        Ok((batch, interrupted))
    }

    /// Removes the rows that were read: the checkpoint holds what it held before.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn discard(self) -> Result<(), RunError> {
        match self.read {
            None => Ok(()),
            Some(NewRows::Batch(id) | NewRows::Staged(id, _)) => {
                Ok(self.batch.store().discard_batch(id)?)
            }
        }
    }
}

/// Keeps with the batch what was asked for about other channels.
fn keep_fallback(batch: HeldBatch, fallback: Option<Fallback>) -> Result<HeldBatch, RunError> {
    match fallback {
        Some(fallback) if batch.batch().fallback.as_ref() != Some(&fallback) => {
            let id = batch.batch().id;
            batch.store().keep_fallback(id, &fallback)?;
            batch.reread()
        }
        Some(_) | None => Ok(batch),
    }
}

/// Where the rows of a list are brought.
struct Loading {
    id: BatchId,
    /// The batch is whole then; else it waits beside another.
    whole: bool,
    /// Its rows wait for such an event.
    awaits: Option<Trigger>,
    /// The rows of that other batch that can be mended.
    mended: HashMap<Position, RecipientId>,
}

/// Judges the rows and brings them into the batch.
fn load(
    store: &Store,
    list: &mut List,
    place: Loading,
    pass: Pass<'_>,
    now: Timestamp,
    progress: &mut dyn FnMut(u64),
) -> Result<CheckReport, RunError> {
    let mut files = pass.earlier_files.to_vec();
    files.extend(list.input.file_names().map(str::to_owned));
    let batch = pass.batch;
    let mut mended = place.mended;
    let loader = store.loader(place.id, pass.channel.unwrap_or_default(), now);
    let mut loader = loader.awaiting(place.awaits);
    let report = pass.judge(list, progress, &mut |row| {
        let ours = row.mends.as_ref().filter(|it| Some(&*it.batch) == batch);
        // The first row that takes the place of another has it.
        let mends = ours.and_then(|it| mended.remove(&it.position));
        Ok(loader.push_mending(row, mends, |position| row_name(&files, position))?)
    })?;
    if place.whole {
        loader.finish()?;
    } else {
        loader.complete()?;
    }
    Ok(report)
}

fn discard_on_error<T>(
    store: &Store,
    id: BatchId,
    outcome: Result<T, RunError>,
) -> Result<T, RunError> {
    if outcome.is_err() {
        store.discard_batch(id)?;
    }
    outcome
}

/// How a row is called: by its number, and by its file where there are several.
fn row_name(files: &[String], position: Position) -> String {
    if let [_] = files {
        return format!("row {}", position.row);
    }
    let file = files.get(usize::from(position.file));
    format!("{} row {}", file.map_or("?", String::as_str), position.row)
}

/// A rehearsal's messages reached no real person, and must not count as messages to real people.
fn keep_rehearsals_apart<'a>(
    mut batches: impl Iterator<Item = (&'a str, bool)>,
    sandbox: bool,
) -> Result<(), Mismatch> {
    match batches.find(|(_, rehearsed)| *rehearsed != sandbox) {
        None => Ok(()),
        Some((other, true)) => Err(Mismatch::HoldsRehearsals(other.to_owned())),
        Some((other, false)) => Err(Mismatch::HoldsRealBatches(other.to_owned())),
    }
}

/// The unfinished batches other than `name` whose files have the names of the list's files.
fn unfinished(
    reader: &Reader,
    batches: &[Batch],
    list: &List,
    name: &str,
) -> Result<Vec<Unfinished>, RunError> {
    let mut found = Vec::new();
    for batch in batches {
        let files = batch.files.iter().map(String::as_str);
        if batch.name == name || !files.eq(list.input.file_names()) {
            continue;
        }
        let counts = reader.counts(batch.id)?;
        let outstanding = counts.queued + counts.sending;
        if outstanding > 0 {
            found.push(Unfinished {
                batch: batch.name.clone(),
                outstanding,
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recipient::RowNumber;

    #[test]
    fn rehearsals_and_real_batches_do_not_share_a_checkpoint() {
        let batches = |sandbox| [("spring", sandbox)].into_iter();
        assert_eq!(keep_rehearsals_apart(batches(true), true), Ok(()));
        assert_eq!(keep_rehearsals_apart(batches(false), false), Ok(()));
        assert_eq!(
            keep_rehearsals_apart(batches(true), false),
            Err(Mismatch::HoldsRehearsals("spring".to_owned()))
        );
        assert_eq!(
            keep_rehearsals_apart(batches(false), true),
            Err(Mismatch::HoldsRealBatches("spring".to_owned()))
        );
    }

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
