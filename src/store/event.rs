//! Webhook events: stored once, and applied as soon as what they speak of is known.
//!
//! Storing an event and what it changes are one transaction. An event that speaks of a message or
//! a contact that is not known yet (our own request may still await its answer) waits, with what it
//! means beside it, and is tried again: by the receiver while it runs, and at the begin and the end of a run.
//! An opt-out counts before the next claim of any run once its contact is known ([`WaitingOptOuts`]).

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::batch::{from_json, to_json};
use super::error::StoreError;
use super::evidence::{Verdict, apply};
use super::forgotten;
use super::settings;
use super::suppression;
use super::writer::Tx;
use super::{Store, from_millis, to_millis};
use crate::amio::webhook::{Notification, Piece};
use crate::domain::event::{Happening, News};
use crate::domain::phone::PhoneNumber;

/// Waiting events that are tried in one transaction.
const STEP: usize = 500;

/// How long an event waits for what it speaks of: longer than the API repeats an event (12.4 hours),
/// and than any request takes. Opt-outs wait for ever.
const PATIENCE: SignedDuration = SignedDuration::from_hours(48);

/// An event as it was received, its signature checked.
#[derive(Debug)]
pub struct Incoming {
    /// What it says.
    pub notification: Notification,
    /// Its JSON.
    pub body: String,
    /// When it came.
    pub received_at: Timestamp,
}

/// What became of an event; all of it is on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Pieces of news that are new.
    pub new: u32,
    /// Pieces that were known.
    pub known: u32,
    /// New pieces that wait for what they speak of.
    pub waiting: u32,
    /// Pieces about somebody who was erased: not kept.
    pub erased: u32,
    /// What could not be applied, for the log; names no person.
    pub problems: Vec<String>,
}

/// What became of the events that waited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitingEvents {
    /// Applied now.
    pub applied: u64,
    /// Still waiting.
    pub waiting: u64,
    /// Given up: they speak of nothing that we sent.
    pub given_up: u64,
    /// What could not be applied, for the log; names no person.
    pub problems: Vec<String>,
    /// Applied in this pass.
    pass: u64,
}

impl Store {
    /// Stores an event and applies it as far as it can be; returns when that is on disk.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails: then nothing of it is stored.
    pub async fn take_event(&self, incoming: Incoming) -> Result<Taken, StoreError> {
        self.writer.write(move |tx| take(tx, &incoming)).await
    }

    /// Tries the events that wait once more.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn apply_waiting_events(&self, now: Timestamp) -> Result<WaitingEvents, StoreError> {
        self.fold_contacts().await?;
        let mut sum = WaitingEvents::default();
        let mut after = 0;
        loop {
            let (step, last) = self
                .writer
                .write(move |tx| try_again(tx, after, now))
                .await?;
            match sum.add(step, last) {
                Some(next) => after = next,
                None => return Ok(sum),
            }
        }
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn apply_waiting_events_blocking(
        &self,
        now: Timestamp,
    ) -> Result<WaitingEvents, StoreError> {
        self.fold_contacts_blocking()?;
        let mut sum = WaitingEvents::default();
        let mut after = 0;
        loop {
            let (step, last) = self
                .writer
                .write_blocking(move |tx| try_again(tx, after, now))?;
            match sum.add(step, last) {
                Some(next) => after = next,
                None => return Ok(sum),
            }
        }
    }
}

impl WaitingEvents {
    /// Adds a step that tried events up to `last`, if there may be more behind them; returns after which
    /// event the next step begins. What was applied may let another one go: then all are tried once more.
    fn add(&mut self, step: Self, last: Option<i64>) -> Option<i64> {
        self.pass += step.applied;
        self.applied += step.applied;
        self.waiting += step.waiting;
        self.given_up += step.given_up;
        self.problems.extend(step.problems);
        if last.is_some() {
            return last;
        }
        if std::mem::take(&mut self.pass) == 0 || self.waiting == 0 {
            return None;
        }
        self.waiting = 0;
        Some(0)
    }
}

/// What a run knows of the opt-outs that wait until the number of their contact is known.
#[derive(Debug, Default)]
pub(super) struct WaitingOptOuts {
    /// The last event that was looked at.
    last: i64,
    /// Their contacts. Some may be applied by now.
    contacts: HashSet<String>,
}

impl WaitingOptOuts {
    /// Those that wait now.
    pub(super) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let mut select = connection.prepare(
            "SELECT contact_id FROM webhook_event INDEXED BY webhook_event_waiting
             WHERE applied_at IS NULL AND contact_id IS NOT NULL
                   AND kind IN ('message_received', 'postback')",
        )?;
        let contacts = select.query_map([], |row| row.get(0))?;
        Ok(Self {
            last: last_event(connection)?,
            contacts: contacts.collect::<Result<_, _>>()?,
        })
    }

    /// True if opt-outs of the contact may wait.
    pub(super) fn may_hold(&self, contact_id: &str) -> bool {
        self.contacts.contains(contact_id)
    }

    /// Looks at the events that came since the last time, and applies what they let go: they may have made
    /// a contact known. Called inside the write transaction.
    pub(super) fn catch_up(&mut self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let last = last_event(tx.connection)?;
        if last == self.last {
            return Ok(());
        }
        let since: Vec<(String, String, bool)> = tx
            .connection
            .prepare_cached(
                "SELECT channel, contact_id,
                        applied_at IS NULL AND kind IN ('message_received', 'postback')
                 FROM webhook_event WHERE id > ?1 AND contact_id IS NOT NULL ORDER BY id",
            )?
            .query_map([self.last], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        self.last = last;
        for (channel, contact, waits) in since {
            if waits {
                self.contacts.insert(contact);
            } else if self.may_hold(&contact) {
                apply_opt_outs(tx, &channel, &contact, None, now)?;
            }
        }
        Ok(())
    }
}

fn last_event(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection
        .prepare_cached("SELECT coalesce(max(id), 0) FROM webhook_event")?
        .query_row([], |row| row.get(0))?)
}

/// Applies the waiting opt-outs of a contact whose number has become known; returns whether there were any.
pub(super) fn apply_opt_outs(
    tx: &mut Tx<'_>,
    channel: &str,
    contact_id: &str,
    phone: Option<PhoneNumber>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let waiting: Vec<(i64, String, Option<String>)> = tx
        .connection
        .prepare_cached(
            "SELECT id, kind, news FROM webhook_event INDEXED BY webhook_event_waiting
             WHERE applied_at IS NULL AND channel = ?1 AND contact_id = ?2",
        )?
        .query_map((channel, contact_id), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<Result<_, _>>()?;
    let mut any = false;
    for (id, kind, news) in waiting {
        let Some(news) = news else { continue };
        let mut news: News = from_json(&news)?;
        if news.what != Happening::OptedOut {
            continue;
        }
        news.phone = news.phone.or(phone);
        // An opt-out contradicts nothing.
        if apply(tx, &news, &kind, now, &mut Vec::new())? == Verdict::Applied {
            mark_applied(tx, id, now)?;
            any = true;
        }
    }
    Ok(any)
}

fn take(tx: &mut Tx<'_>, incoming: &Incoming) -> Result<Taken, StoreError> {
    let mut taken = Taken::default();
    // An event with many messages is kept once.
    let mut body = incoming.body.as_str();
    for piece in &incoming.notification.pieces {
        if forgotten::is_about(tx.connection, &piece.news)? {
            taken.erased += 1;
            continue;
        }
        let Some(id) = insert(tx, incoming, piece, body)? else {
            taken.known += 1;
            take_copy(tx, incoming, piece, &mut taken.problems)?;
            continue;
        };
        body = "";
        taken.new += 1;
        let kind = &incoming.notification.kind;
        let now = incoming.received_at;
        match apply(tx, &piece.news, kind, now, &mut taken.problems)? {
            Verdict::Applied => {}
            Verdict::Waits => {
                taken.waiting += 1;
                tx.connection
                    .prepare_cached(
                        "UPDATE webhook_event SET applied_at = NULL, news = ?2 WHERE id = ?1",
                    )?
                    .execute((id, to_json(&piece.news)?))?;
            }
        }
    }
    if incoming.notification.oddity.is_some() && taken.new > 0 {
        settings::count_unreadable(tx.connection)?;
    }
    Ok(taken)
}

/// A piece that is known. The earliest copy of an opt-in counts, whose time is that of sending; and a copy
/// that names the person where the first did not may tell what the first could not.
fn take_copy(
    tx: &mut Tx<'_>,
    incoming: &Incoming,
    piece: &Piece,
    problems: &mut Vec<String>,
) -> Result<(), StoreError> {
    let now = incoming.received_at;
    let (id, no_contact, no_phone, stored): (i64, bool, bool, Option<String>) = tx
        .connection
        .prepare_cached(
            "SELECT id, contact_id IS NULL, phone IS NULL, news FROM webhook_event WHERE key = ?1",
        )?
        .query_row([piece.key], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
    let mut news = piece.news.clone();
    let says_more = no_phone && news.phone.is_some() || no_contact && news.contact_id.is_some();
    if !says_more && news.what != Happening::OptedIn {
        return Ok(());
    }
    if let Some(stored) = stored {
        let stored: News = from_json(&stored)?;
        news.at = news.at.min(stored.at);
        news.phone = news.phone.or(stored.phone);
        news.contact_id = news.contact_id.or(stored.contact_id);
    }
    let verdict = apply(tx, &news, &incoming.notification.kind, now, problems)?;
    let waits = match verdict {
        Verdict::Applied => None,
        Verdict::Waits => Some(to_json(&news)?),
    };
    tx.connection
        .prepare_cached(
            "UPDATE webhook_event SET contact_id = coalesce(contact_id, ?2), phone = coalesce(phone, ?3),
                    news = CASE WHEN applied_at IS NULL THEN ?4 END,
                    applied_at = CASE WHEN ?4 IS NULL THEN coalesce(applied_at, ?5) ELSE applied_at END
             WHERE id = ?1",
        )?
        .execute((
            id,
            &news.contact_id,
            news.phone.map(suppression::column),
            waits,
            to_millis(now),
        ))?;
    Ok(())
}

/// Stores a piece as applied, which most are at once; `None` if it is known.
fn insert(
    tx: &Tx<'_>,
    incoming: &Incoming,
    piece: &Piece,
    body: &str,
) -> Result<Option<i64>, StoreError> {
    let news = &piece.news;
    let inserted = tx
        .connection
        .prepare_cached(
            "INSERT INTO webhook_event (key, kind, channel, contact_id, phone, message_id, body,
                                        received_at, applied_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT (key) DO NOTHING",
        )?
        .execute((
            piece.key,
            &incoming.notification.kind,
            &news.channel,
            &news.contact_id,
            news.phone.map(suppression::column),
            news.message(),
            body,
            to_millis(incoming.received_at),
        ))?;
    Ok((inserted > 0).then(|| tx.connection.last_insert_rowid()))
}

fn mark_applied(tx: &Tx<'_>, id: i64, now: Timestamp) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE webhook_event SET applied_at = ?2, news = NULL WHERE id = ?1")?
        .execute((id, to_millis(now)))?;
    Ok(())
}

/// Tries the next waiting events after `after`; returns the last of them if there may be more.
fn try_again(
    tx: &mut Tx<'_>,
    after: i64,
    now: Timestamp,
) -> Result<(WaitingEvents, Option<i64>), StoreError> {
    let waiting: Vec<(i64, String, Option<String>, i64)> = tx
        .connection
        .prepare_cached(
            "SELECT id, kind, news, received_at FROM webhook_event INDEXED BY webhook_event_waiting
             WHERE applied_at IS NULL AND id > ?1 ORDER BY id LIMIT ?2",
        )?
        .query_map((after, i64::try_from(STEP).unwrap_or(1)), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?
        .collect::<Result<_, _>>()?;
    let more = (waiting.len() == STEP)
        .then(|| waiting.last().map(|(id, ..)| *id))
        .flatten();
    let mut step = WaitingEvents::default();
    for (id, kind, news, received_at) in waiting {
        let Some(news) = news else {
            mark_applied(tx, id, now)?;
            continue;
        };
        let news: News = from_json(&news)?;
        let old = now.duration_since(from_millis(received_at)?) > PATIENCE;
        match apply(tx, &news, &kind, now, &mut step.problems)? {
            Verdict::Applied => {
                mark_applied(tx, id, now)?;
                step.applied += 1;
            }
            Verdict::Waits if old && !news.never_expires() => {
                mark_applied(tx, id, now)?;
                step.given_up += 1;
            }
            Verdict::Waits => step.waiting += 1,
        }
    }
    Ok((step, more))
}
