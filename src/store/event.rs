//! Webhook events: stored once, and applied as soon as what they are about is known.
//!
//! Storing an event and what it changes are one transaction. An event that speaks of a message that is not
//! known yet (our own request may still await its answer) waits, with what it means beside it, and is tried
//! again: by the receiver while it runs, and at the beginning and the end of a run. What a person says counts at once; an
//! opt-in of a contact whose number is not known waits too, while a follow-up takes opt-ins.

use jiff::{SignedDuration, Timestamp};

use super::checkpoint::Store;
use super::columns::{from_json, from_millis, to_json, to_millis};
use super::error::StoreError;
use super::evidence::{EventVerdict, apply, is_about_erased, learn_contact};
use super::keys::HashKey;
use super::query::Query as _;
use super::steps::at_most;
use super::transaction::Tx;
use super::{reply, unread};
use crate::amio::webhook::{KeptText, Notification, Piece};
use crate::domain::event::{ContactEvent, EventKind};

/// Waiting events that are tried in one transaction.
const STEP: usize = 500;

/// How long an event waits for what it speaks of: longer than the API repeats an event (12.4 hours),
/// and than any request takes.
const PATIENCE: SignedDuration = SignedDuration::from_hours(48);

/// How far the clocks of devices and of the API may be ahead of ours.
const GRACE: SignedDuration = SignedDuration::from_mins(5);

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
    /// Events that are new.
    pub new: u32,
    /// Pieces that were known.
    pub known: u32,
    /// New pieces that wait for what they are about.
    pub waiting: u32,
    /// Events about a person who was erased: not kept.
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
    /// Given up: they are about nothing that we sent.
    pub given_up: u64,
    /// What could not be applied, for the log; names no person.
    pub problems: Vec<String>,
    /// Applied in this pass over all of them.
    pass: u64,
}

impl Store {
    /// Stores an event and applies it as far as it can be; returns when that is on disk.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails: then nothing of it is stored.
    pub async fn take_event(&self, incoming: Incoming) -> Result<Taken, StoreError> {
        let keys = self.keys.clone();
        self.writer
            .write(move |tx| take(tx, &keys, &incoming))
            .await
    }

    /// Tries the events that wait once more.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn apply_waiting_events(&self, now: Timestamp) -> Result<WaitingEvents, StoreError> {
        let mut sum = WaitingEvents::default();
        let mut after = 0;
        loop {
            let keys = self.keys.clone();
            let (step, last) = self
                .writer
                .write(move |tx| try_again(tx, &keys, after, now))
                .await?;
            match sum.add(step, last) {
                Some(next) => after = next,
                None => return Ok(sum),
            }
        }
    }
}

impl WaitingEvents {
    /// Adds a step that tried events up to `last`, if there may be more after them; returns after which
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

fn take(tx: &mut Tx<'_>, keys: &HashKey, incoming: &Incoming) -> Result<Taken, StoreError> {
    let mut taken = Taken::default();
    let kind = &incoming.notification.kind;
    let now = incoming.received_at;
    let latest = now.checked_add(GRACE).unwrap_or(now);
    for piece in &incoming.notification.pieces {
        let event = ContactEvent {
            // A time that has not come is not believed.
            at: piece.event.at.min(latest),
            ..piece.event.clone()
        };
        if is_about_erased(tx.connection, keys, &event)? {
            if event.what == EventKind::OptedOut {
                apply(tx, keys, &event, kind, now, now, &mut taken.problems)?;
            }
            if is_reply_to_read(tx, keys, incoming)? && insert(tx, keys, incoming, piece)?.is_some()
            {
                taken.new += 1;
            } else {
                taken.erased += 1;
            }
            continue;
        }
        let Some(id) = insert(tx, keys, incoming, piece)? else {
            taken.known += 1;
            // Applied twice it changes nothing; a copy may have an earlier time, or say more. But who was taken
            // off the suppression list since stays off it, and the time to answer counts from the first copy.
            let verdict = if matches!(event.what, EventKind::OptedOut | EventKind::Acted) {
                learn_contact(tx, keys, &event)?
            } else {
                let first = received_first(tx, keys, piece)?.unwrap_or(now);
                apply(tx, keys, &event, kind, now, first, &mut taken.problems)?
            };
            if verdict == EventVerdict::Applied {
                tx.connection.change(
                    "UPDATE event SET applied_at = ?2, news = NULL
                         WHERE key = ?1 AND applied_at IS NULL",
                    (keys.event(&piece.key), to_millis(now)),
                )?;
            }
            continue;
        };
        taken.new += 1;
        match apply(tx, keys, &event, kind, now, now, &mut taken.problems)? {
            EventVerdict::Applied if unread::waits_for_person(tx.connection, keys, &event)? => {
                keep_opt_out(tx, id, &event, &incoming.body)?;
            }
            EventVerdict::Applied => {}
            EventVerdict::Waits => {
                taken.waiting += 1;
                tx.connection.change(
                    "UPDATE event SET applied_at = NULL, news = ?2 WHERE id = ?1",
                    (id, to_json(&event)?),
                )?;
            }
        }
    }
    Ok(taken)
}

/// Whether a person should read a reply of an erased person, of whom only a hash is left: it may ask not to be messaged, and a
/// later list may bring the number again.
fn is_reply_to_read(tx: &Tx<'_>, keys: &HashKey, incoming: &Incoming) -> Result<bool, StoreError> {
    if incoming.notification.oddity.is_none() {
        return Ok(false);
    }
    match KeptText::read(&incoming.body, incoming.received_at) {
        Some(text) if text.said.is_some() => {
            Ok(!reply::is_settled(tx.connection, keys, &text.as_opt_out)?)
        }
        Some(_) | None => Ok(false),
    }
}

/// An opt-out that reaches nobody, as whose contact it is is not known, is kept for a person.
fn keep_opt_out(tx: &Tx<'_>, id: i64, event: &ContactEvent, body: &str) -> Result<(), StoreError> {
    if event.what == EventKind::OptedOut {
        tx.connection
            .change("UPDATE event SET body = ?2 WHERE id = ?1", (id, body))?;
    }
    Ok(())
}

/// Stores a piece as applied, which most are at once; `None` if it is known.
fn insert(
    tx: &Tx<'_>,
    keys: &HashKey,
    incoming: &Incoming,
    piece: &Piece,
) -> Result<Option<i64>, StoreError> {
    // What was understood is kept as what it changed.
    let body = incoming
        .notification
        .oddity
        .as_ref()
        .map(|_| &incoming.body);
    let inserted = tx.connection.change(
        "INSERT INTO event (key, kind, body, received_at, applied_at)
             VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (key) DO NOTHING",
        (
            keys.event(&piece.key),
            &incoming.notification.kind,
            body,
            to_millis(incoming.received_at),
        ),
    )?;
    Ok((inserted > 0).then(|| tx.connection.last_insert_rowid()))
}

/// When the first copy of a piece was received.
fn received_first(
    tx: &Tx<'_>,
    keys: &HashKey,
    piece: &Piece,
) -> Result<Option<Timestamp>, StoreError> {
    let received: Option<i64> = tx.connection.find(
        "SELECT received_at FROM event WHERE key = ?1",
        [keys.event(&piece.key)],
    )?;
    received.map(from_millis).transpose()
}

fn mark_applied(tx: &Tx<'_>, id: i64, now: Timestamp) -> Result<(), StoreError> {
    tx.connection.change(
        "UPDATE event SET applied_at = ?2, news = NULL WHERE id = ?1",
        (id, to_millis(now)),
    )?;
    Ok(())
}

/// Tries the next waiting events after `after`; returns the last of them if there may be more.
fn try_again(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    after: i64,
    now: Timestamp,
) -> Result<(WaitingEvents, Option<i64>), StoreError> {
    let most = at_most(STEP);
    let waiting: Vec<(i64, String, Option<String>, i64)> = tx.connection.rows(
        "SELECT id, kind, news, received_at FROM event INDEXED BY event_waiting
             WHERE applied_at IS NULL AND id > ?1 ORDER BY id LIMIT ?2",
        (after, i64::try_from(most).unwrap_or(1)),
    )?;
    let more = (waiting.len() == most)
        .then(|| waiting.last().map(|(id, ..)| *id))
        .flatten();
    let mut step = WaitingEvents::default();
    for (id, kind, event, received_at) in waiting {
        let Some(event) = event else {
            mark_applied(tx, id, now)?;
            continue;
        };
        let event: ContactEvent = from_json(&event)?;
        let received = from_millis(received_at)?;
        let old = now.duration_since(received) > PATIENCE;
        match apply(tx, keys, &event, &kind, now, received, &mut step.problems)? {
            EventVerdict::Applied => {
                mark_applied(tx, id, now)?;
                step.applied += 1;
            }
            EventVerdict::Waits if old => {
                mark_applied(tx, id, now)?;
                step.given_up += 1;
            }
            EventVerdict::Waits => step.waiting += 1,
        }
    }
    Ok((step, more))
}
