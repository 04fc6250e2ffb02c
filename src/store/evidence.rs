//! What news change in the checkpoint.
//!
//! Every change is one that gives the same end whatever comes first, and however often: the earliest
//! time counts, ids fill gaps, and states move by [`crate::domain::delivery::next`] alone. Where that
//! says that a transition cannot be, the state stays and the log tells it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::batch::{BatchId, RecipientId};
use super::contact::{self, note_due, refresh};
use super::error::StoreError;
use super::event::apply_opt_outs;
use super::intent;
use super::learned::Learned;
use super::message::{Addressed, addressed};
use super::suppression::{self, SuppressionEntry};
use super::writer::Tx;
use super::{from_millis, to_millis};
use crate::domain::delivery::{self, State};
use crate::domain::event::{Happening, News, OurKey};
use crate::domain::outcome::AttemptOutcome;

/// Whether news could be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All that it says is in the checkpoint.
    Applied,
    /// It speaks of somebody or something that is not known yet.
    Waits,
}

/// Applies news. `kind` is the event's literal, for the audit; `problems` gets what cannot be.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    news: &News,
    kind: &str,
    now: Timestamp,
    problems: &mut Vec<String>,
) -> Result<Verdict, StoreError> {
    let mut desk = Desk {
        tx,
        news,
        kind,
        now,
        problems,
    };
    match &news.what {
        Happening::Nothing => Ok(Verdict::Applied),
        Happening::OptedIn => desk.opted_in(),
        Happening::OptedOut => desk.opted_out(),
        Happening::Read => desk.read(),
        Happening::Delivered { message } | Happening::Failed { message, .. } => {
            desk.arrived_or_failed(message)
        }
        Happening::Echoed { message, ours } => match ours {
            Some(ours) => desk.echoed(message, ours),
            // Somebody else's message: the page's inbox, another program.
            None => Ok(Verdict::Applied),
        },
    }
}

/// One piece of news at work.
struct Desk<'a, 't> {
    tx: &'a mut Tx<'t>,
    news: &'a News,
    kind: &'a str,
    now: Timestamp,
    problems: &'a mut Vec<String>,
}

/// A recipient that news are about.
struct Subject {
    id: RecipientId,
    state: State,
    /// `None` after `forget`.
    phone: Option<i64>,
}

impl Desk<'_, '_> {
    fn connection(&self) -> &Connection {
        self.tx.connection
    }

    /// The person's number: from the event, or by the contact's id.
    fn number(&self) -> Result<Option<i64>, StoreError> {
        if let Some(phone) = self.news.phone {
            return Ok(Some(suppression::column(phone)));
        }
        let Some(contact_id) = &self.news.contact_id else {
            return Ok(None);
        };
        contact::number_of(self.connection(), &self.news.channel, contact_id)
    }

    /// Joins what the event tells of the contact with what is known.
    fn learn(
        &self,
        phone: i64,
        opted_in: Option<Timestamp>,
        opted_out: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let news = self.news;
        self.connection()
            .prepare_cached(
                "INSERT INTO contact (channel, phone, contact_id, opted_in_at, opted_out_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (channel, phone) DO UPDATE SET
                     contact_id = coalesce(contact_id, excluded.contact_id),
                     opted_in_at = coalesce(min(opted_in_at, excluded.opted_in_at), opted_in_at,
                                            excluded.opted_in_at),
                     opted_out_at = coalesce(min(opted_out_at, excluded.opted_out_at), opted_out_at,
                                             excluded.opted_out_at)",
            )?
            .execute((
                &news.channel,
                phone,
                &news.contact_id,
                opted_in.map(to_millis),
                opted_out.map(to_millis),
            ))?;
        refresh(self.connection(), &news.channel, phone)
    }

    fn opted_in(&mut self) -> Result<Verdict, StoreError> {
        let Some(phone) = self.number()? else {
            return Ok(Verdict::Waits);
        };
        self.learn(phone, Some(self.news.at), None)?;
        Ok(Verdict::Applied)
    }

    fn opted_out(&mut self) -> Result<Verdict, StoreError> {
        let Some(phone) = self.number()? else {
            return Ok(Verdict::Waits);
        };
        let entry = SuppressionEntry {
            phone: suppression::phone(phone)?,
            reason: "the person asked not to be messaged".to_owned(),
            source: format!("webhook {}", self.kind),
            added_at: self.news.at,
        };
        suppression::add(self.connection(), &entry)?;
        if !self.news.channel.is_empty() {
            self.learn(phone, None, Some(self.news.at))?;
        }
        Ok(Verdict::Applied)
    }

    /// Never waits: messages that are entered later look at what was read.
    fn read(&mut self) -> Result<Verdict, StoreError> {
        let Some(contact_id) = &self.news.contact_id else {
            return Ok(Verdict::Applied);
        };
        self.connection()
            .prepare_cached(
                "INSERT OR IGNORE INTO contact_read (channel, contact_id, until) VALUES (?1, ?2, ?3)",
            )?
            .execute((&self.news.channel, contact_id, to_millis(self.news.at)))?;
        if let Some(phone) = self.number()? {
            refresh(self.connection(), &self.news.channel, phone)?;
        }
        Ok(Verdict::Applied)
    }

    fn arrived_or_failed(&mut self, message: &str) -> Result<Verdict, StoreError> {
        let (subject, known) = match addressed(self.connection(), message)? {
            Addressed::To(id) => (self.subject(id)?, true),
            Addressed::Nobody => (self.only_unknown()?, false),
            // It may be that of another recipient than the one that is unknown.
            Addressed::NotEntered => (None, false),
        };
        let Some(subject) = subject else {
            return Ok(Verdict::Waits);
        };
        if !known {
            self.tell_message(&subject, message)?;
        }
        self.settle(&subject)?;
        if matches!(self.news.what, Happening::Delivered { .. }) {
            self.connection()
                .prepare_cached(
                    "UPDATE message SET delivered_at = min(coalesce(delivered_at, ?2), ?2),
                            contact_id = coalesce(contact_id, ?3) WHERE recipient = ?1",
                )?
                .execute((
                    subject.id.get(),
                    to_millis(self.news.at),
                    subject.phone.and(self.news.contact_id.as_ref()),
                ))?;
        }
        if let Some(phone) = subject.phone
            && self.news.proves_opt_in()
        {
            self.learn(phone, Some(self.news.at), None)?;
        }
        Ok(Verdict::Applied)
    }

    fn echoed(&mut self, message: &str, ours: &OurKey) -> Result<Verdict, StoreError> {
        let batch: Option<(i64, String, Option<i64>)> = self
            .connection()
            .prepare_cached("SELECT id, channel, started_at FROM batch WHERE name = ?1")?
            .query_row([&ours.batch], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((batch, channel, started_at)) = batch else {
            // Another checkpoint's batch.
            return Ok(Verdict::Applied);
        };
        let id = RecipientId::new(BatchId::from_column(batch), ours.seq);
        let (true, Some(subject)) = (channel == self.news.channel, self.subject(id)?) else {
            return Ok(Verdict::Applied);
        };
        let number = self.news.phone.map(suppression::column);
        let started = if subject.state == State::Unknown {
            self.undecided_since(id)?
        } else {
            started_at.map(from_millis).transpose()?
        };
        let ours = number.is_none_or(|number| subject.phone.is_none_or(|phone| phone == number))
            && started.is_some_and(|started| self.news.can_follow(started));
        if !ours {
            self.problem(
                &subject,
                "an echo that names it is of another number or time",
            );
            return Ok(Verdict::Applied);
        }
        if self.settle(&subject)? {
            self.tell_message(&subject, message)?;
        }
        Ok(Verdict::Applied)
    }

    fn subject(&self, id: RecipientId) -> Result<Option<Subject>, StoreError> {
        let found: Option<(String, Option<i64>)> = self
            .connection()
            .prepare_cached("SELECT state, phone FROM recipient WHERE id = ?1")?
            .query_row([id.get()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        found
            .map(|(state, phone)| {
                Ok(Subject {
                    id,
                    state: intent::state(self.connection(), id, &state)?,
                    phone,
                })
            })
            .transpose()
    }

    /// The one recipient that a message of unknown id to this number can belong to, if there is
    /// just one: no other is unknown or under way, and no message lacks its id.
    fn only_unknown(&self) -> Result<Option<Subject>, StoreError> {
        let Some(phone) = self.news.phone.map(suppression::column) else {
            return Ok(None);
        };
        let unknown: Vec<i64> = self
            .connection()
            .prepare_cached(
                "SELECT r.id FROM recipient r INDEXED BY recipient_unknown
                      JOIN batch b ON b.id = r.id >> 32
                 WHERE r.state = 'unknown' AND r.phone = ?1 AND b.channel = ?2 LIMIT 2",
            )?
            .query_map((phone, &self.news.channel), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let [id] = unknown[..] else {
            return Ok(None);
        };
        let others: bool = self
            .connection()
            .prepare_cached(OTHERS)?
            .query_row((phone, &self.news.channel), |row| row.get(0))?;
        let id = RecipientId::from_column(id);
        let started = self.undecided_since(id)?;
        if others || !started.is_some_and(|started| self.news.can_follow(started)) {
            return Ok(None);
        }
        self.subject(id)
    }

    /// When the last request left whose answer was lost.
    fn undecided_since(&self, id: RecipientId) -> Result<Option<Timestamp>, StoreError> {
        let started: Option<i64> = self
            .connection()
            .prepare_cached(
                "SELECT max(started_at) FROM attempt INDEXED BY attempt_undecided
                 WHERE recipient = ?1 AND outcome IN ('undecided', 'interrupted')",
            )?
            .query_row([id.get()], |row| row.get(0))?;
        started.map(from_millis).transpose()
    }

    /// Moves the recipient as the news prove it; false if the state does not allow it.
    fn settle(&mut self, subject: &Subject) -> Result<bool, StoreError> {
        let Some(event) = self.news.transition(subject.state) else {
            return Ok(subject.state == State::Sent);
        };
        let next = match delivery::next(subject.state, event) {
            Ok(next) => next,
            Err(impossible) => {
                self.problem(subject, &impossible.to_string());
                return Ok(false);
            }
        };
        let failure = match &self.news.what {
            Happening::Failed { text, .. } => Some(text.as_str()),
            Happening::Delivered { .. }
            | Happening::Echoed { .. }
            | Happening::OptedIn
            | Happening::OptedOut
            | Happening::Read
            | Happening::Nothing => None,
        };
        self.connection()
            .prepare_cached(
                "UPDATE recipient SET state = ?2, finished_at = ?5,
                        reason_code = CASE WHEN reason_code = 'forgotten' THEN reason_code ELSE ?3 END,
                        reason = CASE WHEN reason_code = 'forgotten' THEN reason ELSE ?4 END
                 WHERE id = ?1",
            )?
            .execute((
                subject.id.get(),
                next.word(),
                failure.map(|_| "delivery_failed"),
                failure,
                to_millis(self.now),
            ))?;
        let actor = format!("webhook {}", self.kind);
        let entry = Learned {
            recipient: subject.id,
            outcome: AttemptOutcome::Evidence,
            accepted: next == State::Sent,
            text: failure,
            actor: &actor,
            now: self.now,
        };
        entry.insert(self.connection())?;
        self.tx.count_move(subject.id.batch(), subject.state, next);
        Ok(true)
    }

    /// Notes the message's id, and the contact's, where they are not known.
    fn tell_message(&mut self, subject: &Subject, message: &str) -> Result<(), StoreError> {
        if subject.phone.is_none() {
            // Erased: whom it went to is no longer known, and must not be again.
            return Ok(());
        }
        let started = match self.undecided_since(subject.id)? {
            Some(started) => Some(started),
            None => intent::covers(self.connection(), subject.id)?,
        };
        let sent_at = started.unwrap_or(self.news.at).min(self.now);
        self.connection()
            .prepare_cached(
                "INSERT INTO message (recipient, message_id, contact_id, sent_at)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (recipient) DO UPDATE SET
                     message_id = coalesce(message_id, excluded.message_id),
                     contact_id = coalesce(contact_id, excluded.contact_id)",
            )?
            .execute((
                subject.id.get(),
                message,
                &self.news.contact_id,
                to_millis(sent_at),
            ))?;
        let kept: Option<String> = self
            .connection()
            .prepare_cached("SELECT message_id FROM message WHERE recipient = ?1")?
            .query_row([subject.id.get()], |row| row.get(0))?;
        if kept.as_deref() != Some(message) {
            self.problem(subject, "it got a second message, with another id");
        }
        note_due(self.connection(), &mut vec![subject.id.get()])?;
        if let (Some(phone), Some(contact)) = (subject.phone, &self.news.contact_id) {
            let phone = suppression::phone(phone)?;
            apply_opt_outs(self.tx, &self.news.channel, contact, Some(phone), self.now)?;
        }
        Ok(())
    }

    fn problem(&mut self, subject: &Subject, text: &str) {
        self.problems.push(format!(
            "{} for recipient {} of batch number {}: {text}",
            self.kind,
            subject.id.seq(),
            subject.id.batch().get()
        ));
    }
}

/// Whether a message to the number may be another than that of the unknown recipient.
const OTHERS: &str = "SELECT
    EXISTS (SELECT 1 FROM intent n
                 CROSS JOIN recipient r ON r.id BETWEEN n.first AND n.last
                 CROSS JOIN batch b ON b.id = r.id >> 32
            WHERE r.state = 'queued' AND r.phone = ?1 AND b.channel = ?2)
    OR EXISTS (SELECT 1 FROM contact_message l CROSS JOIN message m ON m.recipient = l.recipient
                    JOIN batch b ON b.id = l.recipient >> 32
               WHERE l.phone = ?1 AND b.channel = ?2 AND m.message_id IS NULL)";
