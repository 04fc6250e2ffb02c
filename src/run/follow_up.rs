//! A follow-up: a batch of the people of another one, each of whom is queued by an event.
//!
//! Its list is made of the rows of that other batch, once, and frozen. Its name says which batch, event, message and
//! channel it is: the same command goes on with it.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::audience::{csv_line, digest_name};
use super::batch::HeldBatch;
use super::error::RunError;
use super::mismatch::Mismatch;
use crate::domain::content::{ContentSource, Template};
use crate::domain::dialect::Delimiter;
use crate::domain::follow_up::{FollowUp, NAME, OPEN_FOR, Trigger, default_expiry, span_text};
use crate::domain::{fold, sms};
use crate::intake::{ColumnChoice, NumbersPerRow, Settings as IntakeSettings, Source};
use crate::store::{Batch, DecisionRecord, Reader};

/// The column with the number that a row of the other batch has today.
const NUMBER: &str = "phone (E.164)";

/// A follow-up to find or begin.
#[derive(Debug, Clone, Copy)]
pub struct FollowUpSettings<'a> {
    /// The batch whose people get it.
    pub of: &'a str,
    /// The event that queues them.
    pub after: Trigger,
    /// How long after the event; `None`: as the batch keeps it, else at once.
    pub delay: Option<Duration>,
    /// How long after the event it is too late, zero: never; `None`: as the batch keeps it, else 24 hours on Messenger.
    pub expires: Option<Duration>,
    /// How long after it began events queue people; `None`: as the batch keeps it, else 30 days.
    pub open_for: Option<Duration>,
}

/// The batch of a follow-up.
#[derive(Debug, Clone, PartialEq)]
pub enum FollowUpBatch {
    /// It is there: those people go on.
    Continue(String),
    /// It is yet to be made of these people, or was restored from a results file, which does not say what they wait
    /// for.
    New {
        /// Its name.
        name: String,
        /// The people as a list.
        list: Source,
        /// How many.
        people: u64,
        /// Its rules.
        follow_up: FollowUp,
    },
}

impl FollowUpSettings<'_> {
    /// Finds the batch. `sms`: the channel is said to send SMS.
    ///
    /// # Errors
    /// [`RunError`] if the other batch is not there, or what is asked for does not fit it.
    pub fn find(
        &self,
        checkpoint: &Path,
        message: &ContentSource,
        channel: &str,
        sms: bool,
        now: Timestamp,
    ) -> Result<FollowUpBatch, RunError> {
        if !checkpoint.exists() {
            return Err(RunError::NoCheckpoint(checkpoint.to_owned()));
        }
        let reader = Reader::open(checkpoint)?;
        let of = reader.batch(self.of)?;
        if !of.is_whole() {
            return Err(Mismatch::NotWhole(of.name).into());
        }
        let canonical = fold::content(&Template::canonical_of(message)?);
        let parts = [of.uid.as_str(), self.after.word(), &canonical, channel];
        let name = digest_name(NAME, &parts);
        let found = reader.find_batch(&name)?.filter(Batch::is_whole);
        if found.is_some_and(|it| it.restored_from().is_none()) {
            return Ok(FollowUpBatch::Continue(name));
        }
        let kind = reader.channel_type(channel)?;
        let kind = if sms {
            Some(sms::CHANNEL_TYPE)
        } else {
            kind.as_deref()
        };
        let begun = FollowUp {
            of: of.uid.clone(),
            after: self.after,
            delay: Duration::ZERO,
            expires: default_expiry(kind),
            open_until: Timestamp::MIN,
        };
        let follow_up = self.changed(&begun, now, self.open_for.or(Some(OPEN_FOR)))?;
        let (text, people) = list(&reader, &of)?;
        Ok(FollowUpBatch::New {
            list: Source::Text {
                name: name.clone(),
                text: text.into(),
            },
            name,
            people,
            follow_up,
        })
    }

    /// What is kept, with what is asked for in its place; `begun`: when the batch was.
    fn changed(
        &self,
        kept: &FollowUp,
        begun: Timestamp,
        open_for: Option<Duration>,
    ) -> Result<FollowUp, Mismatch> {
        let end = |time| begun.checked_add(time).unwrap_or(Timestamp::MAX);
        let changed = FollowUp {
            delay: self.delay.unwrap_or(kept.delay),
            expires: match self.expires {
                Some(time) => Some(time).filter(|time| !time.is_zero()),
                None => kept.expires,
            },
            open_until: open_for.map_or(kept.open_until, end),
            ..kept.clone()
        };
        match changed.expires {
            Some(expires) if expires <= changed.delay => Err(Mismatch::NeverInTime {
                delay: span_text(changed.delay),
                expires: span_text(expires),
            }),
            Some(_) | None => Ok(changed),
        }
    }
}

/// How the list of a follow-up is read, whatever the settings say of the files of others.
#[must_use]
pub fn reading_follow_up(settings: &IntakeSettings) -> IntakeSettings {
    IntakeSettings {
        delimiter: Some(Delimiter::Comma),
        encoding: None,
        sheet: None,
        header_row: std::num::NonZeroU32::new(1),
        no_header: false,
        columns: ColumnChoice {
            phone: vec![NUMBER.to_owned()],
            ..settings.columns.clone()
        },
        international: false,
        numbers: NumbersPerRow::One,
        ..settings.clone()
    }
}

impl HeldBatch {
    /// Keeps what is asked for about a follow-up in place of what the batch keeps, as `actor` says.
    ///
    /// # Errors
    /// [`RunError`] if that does not fit, or the checkpoint fails.
    pub fn change_follow_up(
        self,
        asked: &FollowUpSettings<'_>,
        actor: &str,
        now: Timestamp,
    ) -> Result<Self, RunError> {
        let batch = self.batch();
        let Some(kept) = &batch.follow_up else {
            return Ok(self);
        };
        let changed = asked.changed(kept, batch.created_at, asked.open_for)?;
        if changed == *kept {
            return Ok(self);
        }
        let decision =
            DecisionRecord::new(actor, "after", described(&changed), now).about(batch.id);
        self.store()
            .decide_follow_up(batch.id, &changed, vec![decision])?;
        self.reread()
    }

    /// Of the people who wait for their event, those whose event came before the batch began: it may never come again.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn happened_before(&self) -> Result<u64, RunError> {
        match &self.batch().follow_up {
            Some(follow_up) => Ok(self.reader()?.happened_before(self.batch().id, follow_up)?),
            None => Ok(0),
        }
    }
}

/// What was decided, for the history of decisions.
pub(super) fn described(follow_up: &FollowUp) -> String {
    let expires = follow_up.expires.map(span_text);
    format!(
        "{}, delay {}, expires {}, open until {:.0}",
        follow_up.after,
        span_text(follow_up.delay),
        expires.as_deref().unwrap_or("never"),
        follow_up.open_until
    )
}

/// The columns of the list: the number, then those of the other batch.
fn columns(of: &Batch) -> Vec<String> {
    let own = of.headers.iter().filter(|header| *header != NUMBER);
    std::iter::once(NUMBER.to_owned())
        .chain(own.cloned())
        .collect()
}

fn list(reader: &Reader, of: &Batch) -> Result<(String, u64), RunError> {
    let mut text = csv_line(columns(of).iter().map(String::as_str));
    let mut people = 0;
    reader.rows_to_follow(of.id, |row| {
        people += 1;
        let number = row.number.e164();
        // The column of a follow-up to a follow-up is there already.
        let own = row.fields.iter().enumerate();
        let own = own.filter(|(at, _)| of.headers.get(*at).is_none_or(|it| it != NUMBER));
        let own = own.map(|(_, field)| field.as_str());
        text.push_str(&csv_line(std::iter::once(number.as_str()).chain(own)));
    })?;
    Ok((text, people))
}
