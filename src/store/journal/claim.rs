//! The claims: which recipient is next, whether it may be messaged, and the intent on disk.

use std::collections::VecDeque;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::Progress;
use super::flight::Flight;
use super::types::{Claim, Claimed, Opening};
use crate::amio::Addressee;
use crate::domain::delivery::{self, Event, State};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;
use crate::store::batch::RecipientId;
use crate::store::error::StoreError;
use crate::store::history::content_key;
use crate::store::writer::{Counter, Tx};
use crate::store::{settings, suppression, to_millis};

/// Queued rows that are read ahead.
const READ_AHEAD: usize = 512;

/// Rows that one claim suppresses at the most before it lets others have their turn.
const SUPPRESSED_AT_ONCE: usize = 500;

/// Rows outside their sending hours that one claim passes over before it lets others have their turn.
const PASSED_OVER_AT_ONCE: usize = 2048;

/// What a look for the next row found.
enum Next {
    /// A row that may go now, as it was read some time ago.
    Row(Ready),
    /// Many rows that wait for their sending hours, and the end is not reached.
    More,
    /// No row is free.
    Nothing,
}

/// What holds for all claims of one group.
#[derive(Debug, Default)]
pub(super) struct Looked {
    group: u64,
    /// How many requests other processes claimed with the token since the group before, and whether
    /// a claim of this group has told it.
    others_spent: u32,
    told: bool,
    /// The suppression list is empty, and nobody was erased.
    nobody_suppressed: bool,
}

/// A queued row as it was read.
#[derive(Debug)]
pub(super) struct Ready {
    id: i64,
    phone: PhoneNumber,
    attempts: u32,
    row: u32,
    first_name: Option<String>,
    last_name: Option<String>,
    contact_id: Option<String>,
    content: String,
    metadata: String,
}

impl Looked {
    /// What no claim of the group has told: it held results only.
    fn untold(&self) -> u32 {
        if self.told { 0 } else { self.others_spent }
    }
}

impl Progress {
    /// Looks once for the whole group, before any of its steps writes: what others wrote stands behind
    /// the last attempt that we know, and must be read before an attempt of ours stands behind it.
    /// True if the group is a new one.
    pub(super) fn enter_group(&mut self, tx: &Tx<'_>) -> Result<bool, StoreError> {
        if self.looked.group == tx.group {
            return Ok(false);
        }
        self.history.catch_up(tx.connection)?;
        let claims = settings::claims(tx.connection, self.rules.token)?;
        let others = claims - std::mem::replace(&mut self.token_claims, claims);
        self.looked = Looked {
            group: tx.group,
            others_spent: self
                .looked
                .untold()
                .saturating_add(u32::try_from(others).unwrap_or(0)),
            told: false,
            nobody_suppressed: suppression::is_empty(tx.connection)?,
        };
        Ok(true)
    }

    pub(super) fn claim(&mut self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Claim, StoreError> {
        if self.looked.others_spent > 0 {
            // Told to the first of this group: the permits of the rest are as stale.
            let told = std::mem::replace(&mut self.looked.told, true);
            let others = if told { 0 } else { self.looked.others_spent };
            return Ok(Claim::OthersSpent(others));
        }
        for _ in 0..SUPPRESSED_AT_ONCE {
            let ready = match self.next_ready(tx.connection, now)? {
                Next::Row(ready) => ready,
                Next::More => return Ok(Claim::Again),
                Next::Nothing => {
                    return Ok(Claim::Exhausted {
                        opens_at: self.opens_at,
                    });
                }
            };
            if self.flights.is_under_way(ready.id) || !still_queued(tx.connection, &ready)? {
                continue;
            }
            let key = content_key(&self.channel, ready.phone, &ready.content);
            let id = RecipientId::from_column(ready.id);
            if let Some(cause) = self.must_not_send(tx.connection, &ready, key, now)? {
                suppress(tx, id, &cause, now)?;
            } else {
                let claimed = self.intend(tx, ready, key, now)?;
                return Ok(Claim::Claimed(Box::new(claimed)));
            }
        }
        Ok(Claim::Again)
    }

    /// The next queued row in order; rows that came back first.
    fn next_ready(&mut self, connection: &Connection, now: Timestamp) -> Result<Next, StoreError> {
        if self.opens_at.is_some_and(|opens_at| opens_at <= now) {
            // Rows that were passed over may go now: once more from the top.
            self.opens_at = None;
            self.cursor = RecipientId::new(self.batch, 0).get();
            self.ahead.clear();
            self.returned.clear();
        }
        while let Some(id) = self.returned.pop_first() {
            if id > self.cursor {
                // The cursor will come to it.
                continue;
            }
            // Its hours may have ended since it was claimed before.
            if let Some(ready) = read_ahead(connection, id - 1, id, 1)?.pop_front()
                && self.may_go(&ready, now)
            {
                return Ok(Next::Row(ready));
            }
        }
        for _ in 0..PASSED_OVER_AT_ONCE {
            let Some(ready) = self.ahead.pop_front() else {
                let end = (self.batch.get() + 1) << 32;
                self.ahead = read_ahead(connection, self.cursor, end, READ_AHEAD)?;
                match self.ahead.back() {
                    Some(last) => self.cursor = last.id,
                    None => return Ok(Next::Nothing),
                }
                continue;
            };
            if self.may_go(&ready, now) {
                return Ok(Next::Row(ready));
            }
        }
        Ok(Next::More)
    }

    /// Is it inside its sending hours? If not, it stays queued, and its opening is noted.
    fn may_go(&mut self, ready: &Ready, now: Timestamp) -> bool {
        let window = self.rules.window.as_ref();
        match window.map_or(Opening::Now, |window| window(ready.phone, now)) {
            Opening::Now => true,
            Opening::At(at) => {
                self.opens_at = Some(self.opens_at.map_or(at, |earlier| earlier.min(at)));
                false
            }
            // For a later run.
            Opening::NotInThisRun => false,
        }
    }

    fn must_not_send(
        &mut self,
        connection: &Connection,
        ready: &Ready,
        key: i64,
        now: Timestamp,
    ) -> Result<Option<Suppression>, StoreError> {
        if !self.looked.nobody_suppressed
            && let Some(cause) = suppression::cause(connection, ready.phone)?
        {
            return Ok(Some(cause));
        }
        if let Some(past) = self.history.repeated(connection, key, now)? {
            let at = past.at.to_string();
            return Ok(Some(Suppression::RepeatGuard {
                batch: past.batch,
                at,
            }));
        }
        if let Some(past) = self.history.messaged(connection, ready.phone, now)? {
            let at = past.at.to_string();
            return Ok(Some(Suppression::NotWithin {
                batch: past.batch,
                at,
            }));
        }
        Ok(None)
    }

    /// Takes the row; its intent is written at the end of the group.
    fn intend(
        &mut self,
        tx: &mut Tx<'_>,
        ready: Ready,
        key: i64,
        now: Timestamp,
    ) -> Result<Claimed, StoreError> {
        let next = delivery::next(State::Queued, Event::Claimed)?;
        let flight = Flight {
            started_at: to_millis(now),
            content_key: key,
            phone: suppression::column(ready.phone),
        };
        self.flights.claim(ready.id, flight);
        self.group_claims += 1;
        self.group_at = self.group_at.max(to_millis(now));
        tx.count_move(self.batch, State::Queued, next);
        tx.count(self.batch, Counter::Requests, 1);
        if !self.started {
            self.started = true;
            tx.connection.execute(
                "UPDATE batch SET started_at = ?2 WHERE id = ?1 AND started_at IS NULL",
                (self.batch.get(), to_millis(now)),
            )?;
        }
        let addressee = self.addressee(tx.connection, &ready)?;
        Ok(Claimed {
            recipient: RecipientId::from_column(ready.id),
            attempts: ready.attempts,
            phone: ready.phone,
            row: ready.row,
            addressee,
            content: ready.content,
            metadata: ready.metadata,
        })
    }

    /// By the contact's id where the file or an earlier batch tells it, else by number.
    fn addressee(&self, connection: &Connection, ready: &Ready) -> Result<Addressee, StoreError> {
        if let Some(id) = &ready.contact_id {
            return Ok(Addressee::ContactId(id.clone()));
        }
        let known: Option<String> = if self.has_contacts {
            connection
                .prepare_cached("SELECT contact_id FROM contact WHERE channel = ?1 AND phone = ?2")?
                .query_row((&self.channel, suppression::column(ready.phone)), |row| {
                    row.get(0)
                })
                .optional()?
                .flatten()
        } else {
            None
        };
        Ok(known.map_or_else(
            || Addressee::Phone {
                phone: ready.phone,
                first_name: ready.first_name.clone(),
                last_name: ready.last_name.clone(),
            },
            Addressee::ContactId,
        ))
    }
}

/// Takes a queued row out of the queue for good.
pub(in crate::store) fn suppress(
    tx: &mut Tx<'_>,
    id: RecipientId,
    cause: &Suppression,
    now: Timestamp,
) -> Result<(), StoreError> {
    let next = delivery::next(State::Queued, Event::Suppress)?;
    let changed = tx
        .connection
        .prepare_cached(
            "UPDATE recipient SET state = ?2, reason_code = ?3, reason = ?4, finished_at = ?5
             WHERE id = ?1 AND state = 'queued'",
        )?
        .execute((
            id.get(),
            next.word(),
            cause.code(),
            cause.to_string(),
            to_millis(now),
        ))?;
    if changed > 0 {
        tx.count_move(id.batch(), State::Queued, next);
    }
    Ok(())
}

/// Whether a row that was read some time ago still waits. Asked for every claim, in its transaction: an
/// event, `forget` or a person may have taken it out of the queue, and a new look from the top reads
/// what is under way, which is stored as queued too and may have landed since.
fn still_queued(connection: &Connection, ready: &Ready) -> Result<bool, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT 1 FROM recipient WHERE id = ?1 AND state = 'queued' AND phone = ?2",
        )?
        .query_row((ready.id, suppression::column(ready.phone)), |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

/// Queued rows with `after < id <= last`, in order.
fn read_ahead(
    connection: &Connection,
    after: i64,
    last: i64,
    limit: usize,
) -> Result<VecDeque<Ready>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT r.id, r.phone, r.attempts, i.row, i.first_name, i.last_name, i.contact_id,
                i.content, i.metadata
         FROM recipient r CROSS JOIN recipient_input i ON i.id = r.id
         WHERE r.state = 'queued' AND r.id > ?1 AND r.id <= ?2 ORDER BY r.id LIMIT ?3",
    )?;
    let rows = select.query_map((after, last, i64::try_from(limit).unwrap_or(1)), |row| {
        Ok(ready(row))
    })?;
    rows.map(|row| row?).collect()
}

fn ready(row: &Row<'_>) -> Result<Ready, StoreError> {
    let missing = |what: &str| StoreError::Value {
        detail: format!("a queued row without {what}"),
    };
    let phone: Option<i64> = row.get(1)?;
    Ok(Ready {
        id: row.get(0)?,
        phone: suppression::phone(phone.ok_or_else(|| missing("a number"))?)?,
        attempts: row.get(2)?,
        row: row.get(3)?,
        first_name: row.get(4)?,
        last_name: row.get(5)?,
        contact_id: row.get(6)?,
        content: row
            .get::<_, Option<String>>(7)?
            .ok_or_else(|| missing("content"))?,
        metadata: row
            .get::<_, Option<String>>(8)?
            .unwrap_or_else(|| "{}".to_owned()),
    })
}
