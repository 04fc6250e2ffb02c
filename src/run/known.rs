//! What the checkpoint knows of the numbers of a list: whom not to message. Each number is looked up when its
//! row is judged, so that a short list costs little beside a long past.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::domain::content::{Rendered, Template};
use crate::domain::eligibility::HistorySpan;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Record, Suppression};
use crate::intake::Unsendable;
use crate::store::{BatchId, Reader, StoreError, Verdict};

/// The checkpoint, asked by the threads that judge the rows. Without one, no number is known.
#[derive(Default)]
pub(super) struct Known {
    checkpoint: Option<Checkpoint>,
}

struct Checkpoint {
    reader: Mutex<Asked>,
    span: HistorySpan,
    /// The batch whose own messages do not count as repeated.
    batch: Option<BatchId>,
    /// The random ids of the batches whose people are left out.
    skip: Vec<String>,
    now: Timestamp,
    /// The first failure: a judge has no way to return one.
    failure: Mutex<Option<StoreError>>,
}

/// A reader, and how often it was asked as of the same moment.
struct Asked {
    reader: Reader,
    since: u32,
}

/// As many questions are asked as of one moment.
const MOMENT: u32 = 100;

impl Asked {
    fn reader(&mut self) -> Result<&Reader, StoreError> {
        if self.since == 0 {
            self.reader.expect_many_people()?;
        }
        if self.since.is_multiple_of(MOMENT) {
            self.reader.look_anew()?;
        }
        self.since = self.since.wrapping_add(1);
        Ok(&self.reader)
    }
}

impl Known {
    /// Asks that checkpoint; the messages of `batch` are those of the list itself, and whom the batches of `skip`
    /// messaged is left out.
    pub(super) fn new(
        reader: Reader,
        span: HistorySpan,
        batch: Option<BatchId>,
        skip: Vec<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            checkpoint: Some(Checkpoint {
                reader: Mutex::new(Asked { reader, since: 0 }),
                span,
                batch,
                skip,
                now,
                failure: Mutex::default(),
            }),
        }
    }

    /// Fails if the checkpoint failed while rows were judged.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let failure = self.checkpoint.as_ref().and_then(|checkpoint| {
            let failure = checkpoint.failure.lock();
            failure.unwrap_or_else(PoisonError::into_inner).take()
        });
        failure.map_or(Ok(()), Err)
    }

    /// Why the number must not be messaged at all.
    pub(super) fn cause(&self, phone: PhoneNumber) -> Option<Suppression> {
        self.judge(phone, None)
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
        match channel.and_then(|channel| self.judge(phone, Some((channel, &rendered.content)))) {
            None => Ok(rendered),
            Some(cause) => Err(Unsendable::Suppressed(cause)),
        }
    }

    /// Whether a contact id is known to be another person's than that of the number; of any channel where none
    /// is chosen yet.
    pub(super) fn contact_of_another(
        &self,
        channel: Option<&str>,
        contact_id: &str,
        phone: PhoneNumber,
    ) -> bool {
        self.ask(|reader, _| reader.contact_of_another(channel, contact_id, phone))
            .unwrap_or(false)
    }

    /// What a claim would find now. A row that would wait for another batch is queued: it is asked again.
    fn judge(&self, phone: PhoneNumber, content: Option<(&str, &str)>) -> Option<Suppression> {
        let verdict = self.ask(|reader, asked| {
            reader.judge(
                phone,
                content,
                asked.span,
                asked.batch,
                &asked.skip,
                asked.now,
            )
        })?;
        match verdict {
            Verdict::Suppressed(Suppression::SameBatch { .. })
            | Verdict::MayBeMessaged
            | Verdict::Waits { .. } => None,
            Verdict::Suppressed(cause) => Some(cause),
        }
    }

    /// Asks the checkpoint, if there is one; a failure is kept for [`Self::check`].
    fn ask<T>(
        &self,
        question: impl FnOnce(&Reader, &Checkpoint) -> Result<T, StoreError>,
    ) -> Option<T> {
        let checkpoint = self.checkpoint.as_ref()?;
        let asked = checkpoint.reader.lock();
        let mut asked = asked.unwrap_or_else(PoisonError::into_inner);
        let answer = asked
            .reader()
            .and_then(|reader| question(reader, checkpoint));
        answer
            .map_err(|error| {
                let failure = checkpoint.failure.lock();
                failure
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(error);
            })
            .ok()
    }
}
