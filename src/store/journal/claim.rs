//! The claims: which recipient is next, whether it may be messaged, and the intent on disk.

use std::collections::VecDeque;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::Progress;
use super::flight::Flight;
use super::steps::{Outlook, Step};
use super::types::{Claim, Claimed, Opening};
use crate::amio::Addressee;
use crate::domain::delivery::{self, Event, State};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;
use crate::store::batch::RecipientId;
use crate::store::error::StoreError;
use crate::store::history::content_key;
use crate::store::writer::{Counter, Tx};
use crate::store::{suppression, to_millis};

/// Queued rows that one statement reads at the most.
const READ_AT_ONCE: usize = 512;

/// Rows that one claim suppresses at the most before it lets others have their turn.
const SUPPRESSED_AT_ONCE: usize = 500;

/// Rows outside their sending hours that one claim passes over before it lets others have their turn.
const PASSED_OVER_AT_ONCE: usize = 2048;

/// What a look for the next row found.
enum Next<R> {
    /// A row that may go now.
    Row(R),
    /// Many rows that may not, and the end is not reached.
    More,
    /// No row is free.
    Nothing,
}

/// Queued rows for the claims of one group, in row order. They are read in its transaction, so that they
/// are as the checkpoint has them; what is left of them is not kept.
struct Ahead {
    rows: VecDeque<Ready>,
    /// How many to read next.
    read: usize,
}

impl Ahead {
    fn new(claims: usize) -> Self {
        Self {
            rows: VecDeque::new(),
            read: claims.clamp(1, READ_AT_ONCE),
        }
    }
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

impl Progress {
    /// Answers the steps that ask for the next recipient.
    pub(super) fn claim(
        &mut self,
        tx: &mut Tx<'_>,
        steps: &[Step],
    ) -> Result<Vec<Option<Claim>>, StoreError> {
        let others_spent = std::mem::take(&mut self.others_spent);
        if others_spent > 0 {
            return Ok(self.tell_others_spent(steps, others_spent));
        }
        let mut ahead = Ahead::new(steps.iter().filter_map(|step| step.ask.claim_at()).count());
        let mut claim = |now| self.claim_next(tx, &mut ahead, now);
        let claims = steps.iter().map(|step| step.ask.claim_at().map(&mut claim));
        claims.map(Option::transpose).collect()
    }

    /// The permits of the whole group are stale; the first is told by how much.
    fn tell_others_spent(&mut self, steps: &[Step], others_spent: u32) -> Vec<Option<Claim>> {
        let mut untold = others_spent;
        let mut tell = |_| Claim::OthersSpent(std::mem::take(&mut untold));
        let claims = steps.iter().map(|step| step.ask.claim_at().map(&mut tell));
        let claims = claims.collect();
        // A group of results only has told nobody.
        self.others_spent = untold;
        claims
    }

    fn claim_next(
        &mut self,
        tx: &mut Tx<'_>,
        ahead: &mut Ahead,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        Ok(match self.next_to_send(tx, ahead, now)? {
            Next::Row((ready, key)) => Claim::Claimed(Box::new(self.intend(tx, ready, key, now)?)),
            Next::More => Claim::Again,
            Next::Nothing => Claim::Exhausted {
                opens_at: self.opens_at,
            },
        })
    }

    /// Whether a claim would find a row; asked for all steps that look, since as many rows are free after it
    /// as before.
    pub(super) fn look(
        &mut self,
        tx: &mut Tx<'_>,
        steps: &[Step],
    ) -> Result<Option<Outlook>, StoreError> {
        let Some(now) = steps.iter().filter_map(|step| step.ask.look_at()).max() else {
            return Ok(None);
        };
        Ok(Some(
            match self.next_to_send(tx, &mut Ahead::new(1), now)? {
                Next::Row((ready, _)) => {
                    // It stands behind the cursor now.
                    self.returned.insert(ready.id);
                    Outlook::Somebody
                }
                Next::More => Outlook::Unsure,
                Next::Nothing if self.opens_at.is_some() => Outlook::Somebody,
                Next::Nothing => Outlook::Nobody,
            },
        ))
    }

    /// The next row that may be messaged, with its content's key; those before it that must not be are
    /// suppressed.
    fn next_to_send(
        &mut self,
        tx: &mut Tx<'_>,
        ahead: &mut Ahead,
        now: Timestamp,
    ) -> Result<Next<(Ready, i64)>, StoreError> {
        for _ in 0..SUPPRESSED_AT_ONCE {
            let ready = match self.next_ready(tx.connection, ahead, now)? {
                Next::Row(ready) => ready,
                Next::More => return Ok(Next::More),
                Next::Nothing => return Ok(Next::Nothing),
            };
            let key = content_key(&self.channel, ready.phone, &ready.content);
            match self.must_not_send(tx.connection, &ready, key, now)? {
                Some(cause) => suppress(tx, RecipientId::from_column(ready.id), &cause, now)?,
                None => return Ok(Next::Row((ready, key))),
            }
        }
        Ok(Next::More)
    }

    /// The next queued row in order; rows that came back first.
    fn next_ready(
        &mut self,
        connection: &Connection,
        ahead: &mut Ahead,
        now: Timestamp,
    ) -> Result<Next<Ready>, StoreError> {
        if self.opens_at.is_some_and(|opens_at| opens_at <= now) {
            // Rows that were passed over may go now: once more from the top.
            self.opens_at = None;
            self.cursor = RecipientId::new(self.batch, 0).get();
            ahead.rows.clear();
            self.returned.clear();
        }
        while let Some(id) = self.returned.pop_first() {
            if id > self.cursor {
                // The cursor will come to it.
                continue;
            }
            // Its hours may have ended since it was claimed before.
            if let Some(ready) = read_queued(connection, id - 1, id, 1)?.pop_front()
                && self.may_go(&ready, now)
            {
                return Ok(Next::Row(ready));
            }
        }
        for _ in 0..PASSED_OVER_AT_ONCE {
            let Some(ready) = ahead.rows.pop_front() else {
                let last = ((self.batch.get() + 1) << 32) - 1;
                ahead.rows = read_queued(connection, self.cursor, last, ahead.read)?;
                // Fewer go than were asked for: the rest is found with fewer statements.
                ahead.read = (ahead.read * 2).min(READ_AT_ONCE);
                if ahead.rows.is_empty() {
                    // Nobody reads to the end again.
                    self.cursor = last;
                    return Ok(Next::Nothing);
                }
                continue;
            };
            self.cursor = ready.id;
            if self.may_go(&ready, now) {
                return Ok(Next::Row(ready));
            }
        }
        Ok(Next::More)
    }

    /// Is it free, and inside its sending hours? If not, it stays queued, and its opening is noted.
    fn may_go(&mut self, ready: &Ready, now: Timestamp) -> bool {
        // A new look from the top finds rows that are under way: they are stored as queued. Their hours are
        // nothing to wait for.
        if self.flights.is_under_way(ready.id) {
            return false;
        }
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
        if !self.nobody_suppressed
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
        let contact_id = match ready.contact_id {
            Some(told) => Some(told),
            None => self.known_contact(tx.connection, ready.phone)?,
        };
        let addressee = match contact_id {
            Some(id) => Addressee::ContactId(id),
            None => Addressee::Phone {
                phone: ready.phone,
                first_name: ready.first_name,
                last_name: ready.last_name,
            },
        };
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

    /// The contact's id, where an earlier batch told it.
    fn known_contact(
        &self,
        connection: &Connection,
        phone: PhoneNumber,
    ) -> Result<Option<String>, StoreError> {
        if !self.has_contacts {
            return Ok(None);
        }
        let known: Option<Option<String>> = connection
            .prepare_cached("SELECT contact_id FROM contact WHERE channel = ?1 AND phone = ?2")?
            .query_row((&self.channel, suppression::column(phone)), |row| {
                row.get(0)
            })
            .optional()?;
        Ok(known.flatten())
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

/// Queued rows with `after < id <= last`, in order.
fn read_queued(
    connection: &Connection,
    after: i64,
    last: i64,
    limit: usize,
) -> Result<VecDeque<Ready>, StoreError> {
    // Without a LIMIT: SQLite prepares a statement anew whenever that parameter has changed.
    let mut select = connection.prepare_cached(
        "SELECT r.id, r.phone, r.attempts, i.row, i.first_name, i.last_name, i.contact_id,
                i.content, i.metadata
         FROM recipient r CROSS JOIN recipient_input i ON i.id = r.id
         WHERE r.state = 'queued' AND r.id > ?1 AND r.id <= ?2 ORDER BY r.id",
    )?;
    let rows = select.query_map((after, last), |row| Ok(ready(row)))?;
    rows.take(limit).map(|row| row?).collect()
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
