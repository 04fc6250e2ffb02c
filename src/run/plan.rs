//! From a list to a batch: what sending a list would do is a value. Nothing of the batch changes until it is
//! carried out.
//!
//! [`SendPlan::new`] compares the list with what the checkpoint holds. [`SendPlan::read`] judges its rows: a
//! new batch is whole then, a second list for a batch is kept beside it. [`ReadPlan::carry_out`](super::ReadPlan::carry_out) makes that
//! list part of the batch, [`ReadPlan::discard`](super::ReadPlan::discard) removes what was read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::definition::{BatchMatch, Definition, Stored};
use super::earlier::{EarlierSearch, MessagedBefore, others};
use super::error::RunError;
use super::fallback::{self, ManyMayFallBack};
use super::known::Known;
use super::list::List;
use super::matching::compare;
use super::mismatch::Mismatch;
use super::pass::{BatchRows, Pass};
use super::settings::RunSettings;
use super::sms;
use super::unknown_messages::refuse_if_older;
use crate::domain::batch_name;
use crate::domain::eligibility::HistorySpan;
use crate::domain::fallback::Fallback;
use crate::domain::follow_up::FollowUp;
use crate::domain::recipient::Verdict;
use crate::store::{
    Batch, BatchId, Change, Hold, Messaged, MessagedDecision, Reader, SkippedBatch, Store,
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
    /// What the people of the list wait for, if it is that of a follow-up.
    pub follow_up: Option<&'a FollowUp>,
}

/// What sending a list would do, by what the checkpoint holds. The batch is held by this process.
pub struct SendPlan {
    pub(super) store: Arc<Store>,
    pub(super) hold: Hold,
    pub(super) list: List,
    pub(super) name: String,
    pub(super) definition: Definition,
    pub(super) sandbox: bool,
    pub(super) batch_match: BatchMatch<Batch>,
    unfinished: Vec<Unfinished>,
    /// Whom other batches messaged; `None` before that was asked.
    messaged: Option<Vec<MessagedBefore>>,
    pub(super) decision: Option<(Messaged, String)>,
    /// Who asks, for the audit.
    pub(super) actor: Option<String>,
    /// What the batch keeps about other channels, as far as it is known before it is read.
    pub(super) fallback: Option<Fallback>,
    /// What a new batch waits for, if it is a follow-up.
    pub(super) follow_up: Option<FollowUp>,
    /// The checkpoint of the real batches, which a rehearsal goes by too.
    real: Option<PathBuf>,
}

/// Another batch whose files have the same names, and that is unfinished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its name.
    pub batch: String,
    /// Recipients that wait for their message.
    pub outstanding: u64,
    /// It has the message and the channel of the list, which can take the place of its own.
    pub same_message: bool,
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
        let mut definition = Definition::new(&list.input, message, settings.channel);
        let store = open(checkpoint, settings.batch)?;
        let name = if let Some(name) = settings.batch {
            name.to_owned()
        } else {
            let batches = store.reader()?.batches()?;
            definition.default_name(list.input.stem(), batches.iter().map(Stored::from))
        };
        let hold = store.hold(&name, now)?;
        refuse_if_older(&store)?;
        // Read again under the hold: until then another process could begin or change the batch.
        let batches = store.reader()?.batches()?;
        keep_rehearsals_apart(
            batches.iter().map(|it| (it.name.as_str(), it.sandbox)),
            settings.sandbox,
        )?;
        // A change that a dead process left half done comes first: the list is compared with what it makes.
        if let Some(batch) = store.reader()?.find_batch(&name)? {
            store.finish_change(batch.id, now)?;
        }
        let reader = store.reader()?;
        let found = reader.find_batch(&name)?.filter(Batch::is_whole);
        let (change, is_follow_up) = (settings.change, settings.follow_up.is_some());
        let batch_match = compare(&definition, &name, found, &list, change, is_follow_up)?;
        if let BatchMatch::Change(batch, Change::Add) = &batch_match {
            definition = list.leave_out_known(definition, batch);
        }
        sms::join(&reader, &batch_match, &mut list.sms, change)?;
        let fallback = fallback::join(&batch_match, list.others.as_ref(), settings.channel)?;
        if let Some(others) = &mut list.others {
            others.limit(Some(&reader), list.sms)?;
        }
        let unfinished = match (&batch_match, settings.batch) {
            (BatchMatch::New, None) => unfinished(&reader, &batches, (&list, &definition), &name)?,
            (BatchMatch::New | BatchMatch::Continue(_) | BatchMatch::Change(..), _) => Vec::new(),
        };
        Ok(Self {
            store,
            hold,
            list,
            name,
            definition,
            sandbox: settings.sandbox,
            batch_match,
            unfinished,
            messaged: None,
            decision: None,
            actor: None,
            fallback,
            follow_up: settings.follow_up.cloned(),
            real: None,
        })
    }

    /// Also leaves out the people whom this checkpoint suppresses, or has messaged: that of the real batches, for a
    /// rehearsal of what would be sent now. It is read only.
    #[must_use]
    pub fn going_by(mut self, real: Option<&Path>) -> Self {
        self.real = real.map(Path::to_owned);
        self
    }

    /// What is known of the numbers; the messages of `own` are those of the list itself, and the people of the batches
    /// of `skip` messaged is left out.
    pub(super) fn known(
        &self,
        history: HistorySpan,
        own: Option<BatchId>,
        skip: Vec<SkippedBatch>,
        now: Timestamp,
    ) -> Result<Known, RunError> {
        let history = self.at_intake(history);
        let known = Known::new(self.store.reader()?, history, own, skip.clone(), now)?;
        let Some(real) = &self.real else {
            return Ok(known);
        };
        let real = Known::new(Reader::open(real)?, history, None, skip, now)?;
        Ok(known.and(real))
    }

    /// The name of the batch.
    pub fn batch(&self) -> &str {
        &self.name
    }

    /// How the list matches the batch of its name.
    pub fn batch_match(&self) -> &BatchMatch<Batch> {
        &self.batch_match
    }

    /// The results file that the batch was restored from, if it was: its list comes again.
    pub fn restored_from(&self) -> Option<&str> {
        match &self.batch_match {
            BatchMatch::Change(batch, _) => batch.restored_from(),
            BatchMatch::New | BatchMatch::Continue(_) => None,
        }
    }

    /// Unfinished batches that this list may have been meant to continue: it was edited since, or has another
    /// message.
    pub fn unfinished(&self) -> &[Unfinished] {
        &self.unfinished
    }

    /// How far back earlier messages and answers count for the batch of the list.
    pub fn history(&self, settings: &RunSettings) -> HistorySpan {
        settings.of(self.batch_match.batch()).history
    }

    /// The same for rows that are read: where there are other channels, a person whom the batch's own does not reach
    /// begins on the next one, which a claim decides.
    fn at_intake(&self, history: HistorySpan) -> HistorySpan {
        match self.fallback {
            Some(_) => HistorySpan {
                no_messenger: Duration::ZERO,
                ..history
            },
            None => history,
        }
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
            let own = match &self.batch_match {
                BatchMatch::Continue(_) => return Ok(&[]),
                BatchMatch::New => None,
                BatchMatch::Change(batch, _) => Some(batch.id),
            };
            let mut asked = vec![(self.store.reader()?, own)];
            if let Some(real) = &self.real {
                let reader = Reader::open(real)?;
                let own = reader.find_batch(&self.name)?.map(|batch| batch.id);
                asked.push((reader, own));
            }
            let mut messaged = Vec::new();
            for (reader, whose) in asked {
                let others = others(&reader, whose, &self.definition.channel)?;
                if others.is_empty() {
                    continue;
                }
                let has = match &self.batch_match {
                    BatchMatch::New | BatchMatch::Continue(_) => BatchRows::default(),
                    BatchMatch::Change(batch, how) => self.before_change(batch, *how)?,
                };
                let known = self.known(history, own, Vec::new(), now)?;
                let (list, channel) = (&mut self.list, self.definition.channel.as_str());
                let search = EarlierSearch {
                    reader: &reader,
                    known,
                    own: whose,
                    has: &has,
                    channel,
                    others,
                    history,
                    now,
                };
                messaged.extend(search.run(list)?);
            }
            self.messaged = Some(messaged);
        }
        Ok(self.messaged.as_deref().unwrap_or_default())
    }

    /// Sets who asks: decisions about the list are kept in that name.
    #[must_use]
    pub fn by(mut self, actor: &str) -> Self {
        self.actor = Some(actor.to_owned());
        self
    }

    /// Says what becomes of people who have another message already, in the name of `actor`.
    pub fn decide(&mut self, how: Messaged, actor: &str) {
        self.decision = Some((how, actor.to_owned()));
    }

    /// What was decided about people whom other batches messaged, if there are any.
    pub(super) fn decided(&self) -> Option<MessagedDecision> {
        let messaged = self.messaged.as_deref().unwrap_or_default();
        let (how, actor) = self.decision.as_ref().filter(|_| !messaged.is_empty())?;
        let others = messaged.iter().map(|other| {
            let shown = format!("batch {}: {} people", other.batch, other.people);
            (other.uid.clone(), shown)
        });
        Some(MessagedDecision {
            how: *how,
            actor: actor.clone(),
            others: others.collect(),
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
        let has = match &self.batch_match {
            BatchMatch::New | BatchMatch::Change(_, Change::Update) => 0,
            BatchMatch::Continue(batch) | BatchMatch::Change(batch, Change::Add) => {
                let counts = self.store.reader()?.counts(batch.id)?;
                counts.rows() - counts.invalid - counts.duplicate - counts.suppressed
            }
        };
        let gains = match &self.batch_match {
            BatchMatch::Continue(_) => 0,
            BatchMatch::New => self.count_queued(None, None, history, now)?,
            BatchMatch::Change(batch, how) => {
                let (id, has) = (batch.id, self.before_change(batch, *how)?);
                self.count_queued(Some(id), Some(&has), history, now)?
            }
        };
        let people = has + gains;
        Ok((people > at_most).then_some(ManyMayFallBack {
            people,
            at_most,
            channels,
        }))
    }

    /// Sets how many people may be queued on another channel.
    pub fn let_fall_back(&mut self, people: u64) {
        if let Some(fallback) = &mut self.fallback {
            fallback.at_most = people;
        }
    }

    /// How many rows of the list would be queued.
    fn count_queued(
        &mut self,
        own: Option<BatchId>,
        has: Option<&BatchRows>,
        history: HistorySpan,
        now: Timestamp,
    ) -> Result<u64, RunError> {
        let pass = Pass {
            known: self.known(history, own, Vec::new(), now)?,
            channel: Some(&self.definition.channel),
            has,
            now: Some(now),
            ..Pass::default()
        };
        let mut queued = 0;
        pass.judge(&mut self.list, &mut |_| (), &mut |row| {
            queued += u64::from(matches!(row.verdict, Verdict::Queued(_)));
            Ok(())
        })?;
        Ok(queued)
    }

    /// The rows that the batch has already.
    pub(super) fn before_change(&self, batch: &Batch, how: Change) -> Result<BatchRows, RunError> {
        let headers = self.list.input.headers();
        if headers != batch.headers && batch.restored_from().is_none() {
            return Err(Mismatch::OtherColumns {
                batch: batch.name.clone(),
                has: batch.headers.clone(),
                file: headers.to_vec(),
            }
            .into());
        }
        let reader = self.store.reader()?;
        let mends = self.list.input.mends_rows();
        Ok(BatchRows {
            batch: batch.name.clone(),
            numbers: match how {
                Change::Add => reader.numbers(batch.id)?,
                Change::Update => Vec::new(),
            },
            to_mend: if mends {
                reader.rows_to_mend(batch.id)?
            } else {
                HashMap::new()
            },
        })
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
    (list, definition): (&List, &Definition),
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
                same_message: definition.has_message_of(&batch.definition),
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
