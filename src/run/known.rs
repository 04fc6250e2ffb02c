//! What the checkpoint knows of the numbers of a list: whom not to message. Each number is looked up when its
//! row is judged, so that a short list costs little beside a long past. What was found is kept until the row is
//! counted: all that is asked of a row costs one look-up.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use crate::domain::audience::may_be_answered;
use crate::domain::content::{Rendered, Template};
use crate::domain::eligibility::HistorySpan;
use crate::domain::outcome::MESSENGER;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Record, Suppression};
use crate::intake::{Unsendable, judging_threads};
use crate::locked::lock;
use crate::report::check::{KnownBatch, KnownLine, KnownPeople, ReplyWindow};
use crate::store::{
    BatchId, KnownPerson, Past, PersonVerdict, Reader, SkippedBatch, StoreError, UnreadFrom,
};

/// The checkpoint, asked by the threads that judge the rows; in a rehearsal that of the real batches too. Without
/// one, no number is known.
#[derive(Default)]
pub(super) struct Known {
    checkpoints: Vec<Checkpoint>,
}

struct Checkpoint {
    path: PathBuf,
    /// The people who wrote something that nobody has read yet.
    unread: UnreadFrom,
    /// The readers that no thread asks just now: for one reader they would wait longer than an answer takes. They are
    /// asked in turn, so that none holds a read transaction for long, which would keep the write-ahead log.
    idle: Mutex<VecDeque<CountedReader>>,
    /// The people of the rows that are on their way.
    found: Mutex<HashMap<PhoneNumber, Option<Arc<Past>>>>,
    span: HistorySpan,
    /// The batch whose own messages do not count as repeated.
    batch: Option<BatchId>,
    /// The random ids of the batches whose people are left out.
    skip: Vec<SkippedBatch>,
    now: Timestamp,
    /// What is known of the people is counted too.
    counts_people: bool,
    /// The first failure: a judge has no way to return one.
    failure: Mutex<Option<StoreError>>,
}

/// A reader, and how often it was asked since it was opened.
struct CountedReader {
    reader: Reader,
    questions: u32,
}

/// How many questions are asked in one read transaction.
const QUESTIONS_AT_ONCE: u32 = 100;

impl CountedReader {
    fn new(reader: Reader) -> Self {
        Self {
            reader,
            questions: 0,
        }
    }

    /// The reader, for one question.
    fn reader(&mut self) -> Result<&Reader, StoreError> {
        if self.questions == 0 {
            self.reader.expect_many_people(judging_threads() + 1)?;
        }
        if self.questions.is_multiple_of(QUESTIONS_AT_ONCE) {
            self.reader.begin_read_transaction()?;
        }
        self.questions = self.questions.wrapping_add(1);
        Ok(&self.reader)
    }
}

impl Known {
    /// Asks that checkpoint; the messages of `batch` are those of the list itself, and whom the batches of `skip`
    /// messaged is left out.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(super) fn new(
        reader: Reader,
        span: HistorySpan,
        batch: Option<BatchId>,
        skip: Vec<SkippedBatch>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let known = Checkpoint {
            path: reader.path().to_owned(),
            unread: reader.unread_from()?,
            idle: Mutex::new(VecDeque::from([CountedReader::new(reader)])),
            found: Mutex::default(),
            span,
            batch,
            skip,
            now,
            counts_people: false,
            failure: Mutex::default(),
        };
        Ok(Self {
            checkpoints: vec![known],
        })
    }

    /// What either knows.
    #[must_use]
    pub(super) fn and(mut self, other: Self) -> Self {
        self.checkpoints.extend(other.checkpoints);
        self
    }

    /// The same; what the last checkpoint (that of the real batches) knows of the people is counted too, unless nobody
    /// was ever messaged, or wrote.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(super) fn counting(mut self) -> Result<Self, StoreError> {
        if let Some(checkpoint) = self.checkpoints.last_mut() {
            checkpoint.counts_people =
                checkpoint.with_reader(|asked| asked.reader()?.knows_anybody())?;
        }
        Ok(self)
    }

    /// Whether what is known of the people is counted.
    pub(super) fn counts_people(&self) -> bool {
        self.checkpoints.iter().any(|it| it.counts_people)
    }

    /// Fails if the checkpoint failed while rows were judged.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let failure = self
            .checkpoints
            .iter()
            .find_map(|checkpoint| lock(&checkpoint.failure).take());
        failure.map_or(Ok(()), Err)
    }

    /// Why the number must not be messaged at all, or not on that channel.
    pub(super) fn cause(&self, phone: PhoneNumber, channel: Option<&str>) -> Option<Suppression> {
        self.judge(phone, (channel, None))
    }

    /// Why the person of a row must not be messaged by what is known of another number of the row.
    pub(super) fn cause_by_other_number(
        &self,
        phone: PhoneNumber,
        about: (Option<&str>, Option<&str>),
    ) -> Option<Suppression> {
        let mut causes = self.causes(phone, |it, reader, past| {
            reader.judge_other_number(past, about, it.span, it.batch, &it.skip, it.now)
        });
        let cause = causes.next();
        // No row of this number is counted.
        self.done_with(phone);
        cause
    }

    /// The row's message, unless it cannot be rendered, or went to that number on that channel before.
    pub(super) fn message(
        &self,
        template: &Template,
        channel: Option<&str>,
        record: &Record,
        phone: PhoneNumber,
    ) -> Result<Rendered, Unsendable> {
        let rendered = template
            .render(record)
            .map_err(|problem| Unsendable::Problem(problem.to_string()))?;
        match self.judge(phone, (channel, Some(&rendered.content))) {
            None => Ok(rendered),
            Some(cause) => Err(Unsendable::Suppressed(cause)),
        }
    }

    /// Whether a message is not repeated.
    pub(super) fn guards_repeats(&self) -> bool {
        let mut checkpoints = self.checkpoints.iter();
        self.checkpoints.is_empty() || checkpoints.any(|it| !it.span.repeat_guard.is_zero())
    }

    /// Whether a request with that message to the number is known, or one of the batch itself.
    pub(super) fn knows_message(&self, phone: PhoneNumber, channel: &str, content: &str) -> bool {
        let mut checkpoints = self.checkpoints.iter();
        checkpoints.any(|it| {
            let is_known = it.ask_of(phone, |reader, past| {
                reader.knows_message_to(past, (channel, content), it.batch)
            });
            is_known == Some(true)
        })
    }

    /// Whether a contact id is known to be another person's than that of the number; of any channel where none
    /// is chosen yet.
    pub(super) fn contact_of_another(
        &self,
        channel: Option<&str>,
        contact_id: &str,
        phone: PhoneNumber,
    ) -> bool {
        let mut checkpoints = self.checkpoints.iter();
        checkpoints.any(|it| {
            let is_so = it.ask(|reader| reader.contact_of_another(channel, contact_id, phone));
            is_so == Some(true)
        })
    }

    /// Counts what is known of a number; of refusals those on that channel, of all channels where none is named.
    /// `is_queued`: its person would be sent to.
    pub(super) fn count(
        &self,
        people: &mut KnownTally,
        phone: PhoneNumber,
        is_queued: bool,
        on: Option<&str>,
    ) {
        let known = self.counted().and_then(|it| {
            it.ask_of(phone, |reader, past| {
                Ok((reader.known_person(past, on)?, it.now))
            })
        });
        if let Some((person, now)) = known {
            people.count(&person);
            if is_queued && person.is_contact {
                let acted = person.acted.is_some_and(|at| may_be_answered(at, now));
                people.window.contacts += 1;
                people.window.acted += u64::from(acted);
            }
        }
    }

    /// What was counted on the channel, with the names of the batches; nothing without a checkpoint.
    pub(super) fn counted_people(
        &self,
        people: &KnownTally,
        on: Option<&str>,
    ) -> Option<KnownPeople> {
        self.counted()?.ask(|reader| {
            let kind = on.map(|on| reader.channel_type(on)).transpose()?.flatten();
            let may_be_messenger = on.is_some() && kind.is_none_or(|kind| kind == MESSENGER);
            Ok(KnownPeople {
                reply_window: Some(people.window).filter(|it| may_be_messenger && it.contacts > 0),
                messaged: people.messaged.line(reader)?,
                opted_in: people.opted_in.line(reader)?,
                opted_out: people.opted_out.line(reader)?,
                no_messenger: people.no_messenger.line(reader)?,
                unknown: people.unknown.line(reader)?,
            })
        })
    }

    /// What a claim would find now. A row that would wait for another batch is queued: it is asked again.
    fn judge(
        &self,
        phone: PhoneNumber,
        about: (Option<&str>, Option<&str>),
    ) -> Option<Suppression> {
        let mut causes = self.causes(phone, |it, reader, past| {
            reader.judge_person(past, about, it.span, it.batch, &it.skip, it.now)
        });
        causes.find(|cause| !matches!(cause, Suppression::SameBatch { .. }))
    }

    /// Why the person of a number must not be messaged, by what each checkpoint answers.
    fn causes(
        &self,
        phone: PhoneNumber,
        question: impl Fn(&Checkpoint, &Reader, &Past) -> Result<PersonVerdict, StoreError>,
    ) -> impl Iterator<Item = Suppression> {
        let verdicts = self.checkpoints.iter();
        let verdicts = verdicts
            .filter_map(move |it| it.ask_of(phone, |reader, past| question(it, reader, past)));
        verdicts.filter_map(|verdict| match verdict {
            PersonVerdict::Suppressed(cause) => Some(cause),
            PersonVerdict::MayBeMessaged | PersonVerdict::Waits { .. } => None,
        })
    }

    /// The row of this number is done: what was found for it is not kept any more.
    pub(super) fn done_with(&self, phone: PhoneNumber) {
        for checkpoint in &self.checkpoints {
            lock(&checkpoint.found).remove(&phone);
        }
    }

    /// The checkpoint whose people are counted.
    fn counted(&self) -> Option<&Checkpoint> {
        self.checkpoints.iter().find(|it| it.counts_people)
    }
}

impl Checkpoint {
    /// Asks with a reader that no other thread asks meanwhile.
    fn with_reader<T>(
        &self,
        ask: impl FnOnce(&mut CountedReader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = lock(&self.idle).pop_front();
        let mut asked = match idle {
            Some(reader) => reader,
            None => CountedReader::new(Reader::open(&self.path)?),
        };
        let answer = ask(&mut asked);
        lock(&self.idle).push_back(asked);
        answer
    }

    /// What decides about the person of a number, if there is one.
    fn past(
        &self,
        asked: &mut CountedReader,
        phone: PhoneNumber,
    ) -> Result<Option<Arc<Past>>, StoreError> {
        if let Some(past) = lock(&self.found).get(&phone) {
            return Ok(past.clone());
        }
        let past = asked.reader()?.past(phone, &self.unread, &self.skip)?;
        let past = past.map(Arc::new);
        lock(&self.found).insert(phone, past.clone());
        Ok(past)
    }

    /// Asks it; a failure is kept for [`Known::check`].
    fn ask<T>(&self, question: impl FnOnce(&Reader) -> Result<T, StoreError>) -> Option<T> {
        self.answered(self.with_reader(|asked| question(asked.reader()?)))
    }

    /// Asks it about the person of a number; nothing if there is none.
    fn ask_of<T>(
        &self,
        phone: PhoneNumber,
        question: impl FnOnce(&Reader, &Past) -> Result<T, StoreError>,
    ) -> Option<T> {
        let found = self.with_reader(|asked| match self.past(asked, phone)? {
            Some(past) => question(&asked.reader, &past).map(Some),
            None => Ok(None),
        });
        self.answered(found).flatten()
    }

    fn answered<T>(&self, answer: Result<T, StoreError>) -> Option<T> {
        answer
            .map_err(|error| {
                lock(&self.failure).get_or_insert(error);
            })
            .ok()
    }
}

/// What is known of more people is not counted anew: to go on with a batch must not take longer the larger it is.
const COUNTED: u64 = 50_000;

impl HeldBatch {
    /// What is known of the people who are left, in the checkpoint of the batch or in `real`, where a rehearsal goes
    /// by that. Nothing if nobody of them is known, or they are too many to be counted at once.
    ///
    /// # Errors
    /// [`RunError`] if a checkpoint cannot be read.
    pub fn known_of_queued(
        &self,
        real: Option<&Path>,
        now: Timestamp,
    ) -> Result<Option<KnownPeople>, RunError> {
        let (reader, id) = (self.reader()?, self.batch().id);
        if reader.counts(id)?.queued > COUNTED {
            return Ok(None);
        }
        let asked = real.map_or_else(|| self.reader(), |real| Ok(Reader::open(real)?))?;
        let span = HistorySpan::default();
        let known = Known::new(asked, span, None, Vec::new(), now)?.counting()?;
        if !known.counts_people() {
            return Ok(None);
        }
        let (mut people, channel) = (KnownTally::default(), self.batch().channel.as_str());
        reader.queued_numbers(id, |phone| {
            known.count(&mut people, phone, true, Some(channel));
            known.done_with(phone);
        })?;
        let found = known.counted_people(&people, Some(channel));
        known.check()?;
        Ok(found.filter(|people| *people != KnownPeople::default()))
    }
}

/// What is known of people, counted.
#[derive(Debug, Default)]
pub(super) struct KnownTally {
    messaged: Counted,
    opted_in: Counted,
    opted_out: Counted,
    no_messenger: Counted,
    unknown: Counted,
    window: ReplyWindow,
}

impl KnownTally {
    fn count(&mut self, person: &KnownPerson) {
        self.messaged.add_requests(&person.messages);
        self.unknown.add_requests(&person.open);
        self.no_messenger.add(person.no_messenger);
        self.opted_out.add(person.opted_out);
        if person.opted_out.is_none() {
            self.opted_in.add(person.opted_in);
        }
    }
}

/// One thing that is known of people, counted.
#[derive(Debug, Default)]
struct Counted {
    people: u64,
    last: Option<Timestamp>,
    batches: BTreeMap<BatchId, (u64, Timestamp)>,
}

impl Counted {
    fn add(&mut self, at: Option<Timestamp>) {
        self.people += u64::from(at.is_some());
        self.last = self.last.max(at);
    }

    /// A person counts once, and once in each batch.
    fn add_requests(&mut self, requests: &[(BatchId, Timestamp)]) {
        self.add(requests.iter().map(|(_, at)| *at).max());
        let mut own: BTreeMap<BatchId, Timestamp> = BTreeMap::new();
        for (batch, at) in requests {
            let last = own.entry(*batch).or_insert(*at);
            *last = (*last).max(*at);
        }
        for (batch, at) in own {
            let (people, last) = self.batches.entry(batch).or_insert((0, at));
            *people += 1;
            *last = (*last).max(at);
        }
    }

    fn line(&self, reader: &Reader) -> Result<KnownLine, StoreError> {
        let named = |(batch, (people, last)): (&BatchId, &(u64, Timestamp))| {
            Ok(KnownBatch {
                batch: reader.batch_name(*batch)?,
                people: *people,
                last: *last,
            })
        };
        let batches = self.batches.iter().map(named);
        let mut batches: Vec<KnownBatch> = batches.collect::<Result<_, StoreError>>()?;
        batches.sort_by_key(|batch| (Reverse(batch.people), Reverse(batch.last)));
        Ok(KnownLine {
            people: self.people,
            last: self.last,
            batches,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_number_is_looked_up_once_for_all_that_is_asked_of_it_and_forgotten_once_its_row_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let phones = [420_777_000_001, 420_777_000_002];
        let [listed, unknown] = phones.map(|number| PhoneNumber::from_e164(number).unwrap());
        let now = Timestamp::UNIX_EPOCH;
        store.suppress(&[listed], "STOP", "a test", now).unwrap();
        let (reader, span) = (store.reader().unwrap(), HistorySpan::default());
        let known = Known::new(reader, span, None, Vec::new(), now).unwrap();
        let known = known.counting().unwrap();
        let checkpoint = &known.checkpoints[0];
        let asked = || lock(&checkpoint.idle)[0].questions;
        let before = asked();

        let mut people = KnownTally::default();
        for (phone, is_listed) in [(listed, true), (unknown, false)] {
            assert_eq!(known.cause(phone, Some("7001")).is_some(), is_listed);
            assert_eq!(known.cause(phone, None).is_some(), is_listed);
            known.count(&mut people, phone, !is_listed, Some("7001"));
        }
        assert_eq!(asked() - before, 2);
        assert_eq!(lock(&checkpoint.found).len(), 2);
        known.done_with(listed);
        known.done_with(unknown);
        assert!(lock(&checkpoint.found).is_empty());
        assert_eq!(lock(&checkpoint.idle).len(), 1);
        known.check().unwrap();
    }
}
