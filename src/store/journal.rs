//! The at-most-once journal: intents and results of a batch that is being sent.
//!
//! A worker hands in the result of its last message and asks for its next in one [`Journal::step`];
//! when the step returns, both the result and the new intent are on disk, and only then may the
//! request leave. A crash therefore finds every message that may have gone out in state `sending`:
//! [`Journal::start`] turns those into `unknown`, and they are never sent again by themselves.
//!
//! Before a recipient is claimed, inside the same transaction: is the number on the suppression list
//! by now, did another batch send it the same content meanwhile, did another process use the
//! quota of the same token? Nobody can write between the question and the claim.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::batch::{Batch, BatchId, RecipientId, parse_state};
use super::error::StoreError;
use super::history::{History, HistorySpan, content_key};
use super::writer::{Counter, Tx};
use super::{Store, suppression, to_millis};
use crate::amio::Addressee;
use crate::domain::delivery::{self, Event, State};
use crate::domain::outcome::{AttemptOutcome, Receipt};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;

/// Queued rows that are read ahead.
const READ_AHEAD: usize = 512;

/// Rows that one claim suppresses at the most before it lets others have their turn.
const SUPPRESSED_AT_ONCE: usize = 500;

/// Rows outside their sending hours that one claim passes over before it lets others have their turn.
const PASSED_OVER_AT_ONCE: usize = 2048;

/// An attempt's number in the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(i64);

/// When a number may be messaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Now.
    Now,
    /// From then on.
    At(Timestamp),
    /// Not before this run must end.
    NotInThisRun,
}

/// When a number may be messaged, asked at a time.
pub type Window = dyn Fn(PhoneNumber, Timestamp) -> Opening + Send;

/// What a claim must obey.
pub struct ClaimRules {
    /// The repeat guard and `--not-within`.
    pub span: HistorySpan,
    /// Fingerprint of the token whose quota is used.
    pub token: i64,
    /// The recipient's own sending hours, where they are asked for.
    pub window: Option<Box<Window>>,
}

impl std::fmt::Debug for ClaimRules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClaimRules")
            .field("span", &self.span)
            .field("window", &self.window.is_some())
            .finish_non_exhaustive()
    }
}

/// What the start of a run found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalStart {
    /// Recipients whose answer an earlier process never saw: they are `unknown` now.
    pub interrupted: u64,
}

/// A recipient whose intent is on disk: the request may leave now, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The recipient.
    pub recipient: RecipientId,
    /// This attempt's number in the audit.
    pub attempt: AttemptId,
    /// Earlier attempts that counted.
    pub attempts: u32,
    /// The number; for logs, masked.
    pub phone: PhoneNumber,
    /// The row, as a spreadsheet numbers it.
    pub row: u32,
    /// How to address the message.
    pub addressee: Addressee,
    /// The JSON of `content`.
    pub content: String,
    /// The JSON of the user's metadata.
    pub metadata: String,
}

/// The answer to a request for the next recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Here it is.
    Claimed(Box<Claimed>),
    /// Other processes used the quota meanwhile, by so many requests: nothing was claimed.
    OthersSpent(u32),
    /// Many rows were suppressed or passed over; ask again.
    Again,
    /// No row is free: all are settled or in flight, or wait for their sending hours.
    Exhausted {
        /// When the first of those that wait may be sent.
        opens_at: Option<Timestamp>,
    },
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The recipient.
    pub recipient: RecipientId,
    /// The attempt.
    pub attempt: AttemptId,
    /// The word for the audit.
    pub outcome: AttemptOutcome,
    /// What it does to the recipient.
    pub event: Event,
    /// HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// The text that explains it; empty if nothing needs explaining.
    pub text: String,
    /// The message, if it was accepted.
    pub receipt: Option<Receipt>,
    /// When.
    pub at: Timestamp,
}

/// The state that a settlement led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The state that is on disk now.
    pub state: State,
}

/// A batch that is being sent.
#[derive(Debug, Clone)]
pub struct Journal {
    store: Arc<Store>,
    shared: Arc<Mutex<Progress>>,
}

/// What the writer thread keeps in memory of the batch. Only that thread locks it.
#[derive(Debug)]
struct Progress {
    batch: BatchId,
    channel: String,
    rules: ClaimRules,
    history: History,
    /// Queued rows read ahead, in row order.
    ahead: VecDeque<Ready>,
    /// The last row that was read.
    cursor: i64,
    /// Rows that went back to the queue behind the cursor.
    returned: BTreeSet<i64>,
    /// The first opening of the sending hours of a row that was passed over.
    opens_at: Option<Timestamp>,
    /// Whether any contact of this channel is known.
    has_contacts: bool,
    started: bool,
}

/// What a look for the next row found.
enum Next {
    /// A row that may go now.
    Row(Ready),
    /// Many rows that wait for their sending hours, and the end is not reached.
    More,
    /// No row is free.
    Nothing,
}

/// A queued row as it was read.
#[derive(Debug)]
struct Ready {
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

impl Journal {
    /// Takes up a batch: rows that an earlier process left in `sending` become `unknown`.
    ///
    /// The caller holds the batch ([`Store::hold`]).
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn start(
        store: Arc<Store>,
        batch: &Batch,
        rules: ClaimRules,
        now: Timestamp,
    ) -> Result<(Self, JournalStart), StoreError> {
        let (id, channel, started) = (batch.id, batch.channel.clone(), batch.started_at.is_some());
        let (progress, start) = store
            .writer
            .write(move |tx| {
                let interrupted = interrupt(tx, id, now)?;
                let history = History::load(tx.connection, rules.span, Some(id), now)?;
                let has_contacts = tx.connection.query_row(
                    "SELECT EXISTS (SELECT 1 FROM contact WHERE channel = ?1)",
                    [&channel],
                    |row| row.get(0),
                )?;
                let progress = Progress {
                    batch: id,
                    channel,
                    rules,
                    history,
                    ahead: VecDeque::new(),
                    cursor: RecipientId::new(id, 0).get(),
                    returned: BTreeSet::new(),
                    opens_at: None,
                    has_contacts,
                    started,
                };
                Ok((progress, JournalStart { interrupted }))
            })
            .await?;
        Ok((
            Self {
                store,
                shared: Arc::new(Mutex::new(progress)),
            },
            start,
        ))
    }

    /// Records the result of the last message and the intent of the next, together; returns when
    /// both are on disk.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails: then neither is on disk, and sending must stop.
    pub async fn step(
        &self,
        settlement: Option<Settlement>,
        claim_at: Option<Timestamp>,
    ) -> Result<(Option<Settled>, Option<Claim>), StoreError> {
        let shared = Arc::clone(&self.shared);
        self.store
            .writer
            .write(move |tx| {
                let mut progress = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let settled = settlement.map(|it| progress.settle(tx, &it)).transpose()?;
                let claim = claim_at.map(|now| progress.claim(tx, now)).transpose()?;
                Ok((settled, claim))
            })
            .await
    }
}

impl Journal {
    /// Gives up on the answers that are still awaited: their recipients become `unknown`.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn interrupt(&self, now: Timestamp) -> Result<u64, StoreError> {
        let shared = Arc::clone(&self.shared);
        self.store
            .writer
            .write(move |tx| {
                let batch = shared.lock().unwrap_or_else(PoisonError::into_inner).batch;
                interrupt(tx, batch, now)
            })
            .await
    }
}

impl Journal {
    /// Remembers that refusals with these texts mean "no Messenger".
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn add_known_refusals(
        &self,
        texts: BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store
            .writer
            .write(move |tx| {
                for text in texts {
                    tx.connection
                        .prepare_cached(
                            "INSERT INTO known_refusal (text, added_at) VALUES (?1, ?2)
                             ON CONFLICT DO NOTHING",
                        )?
                        .execute((text, to_millis(now)))?;
                }
                Ok(())
            })
            .await
    }

    /// Remembers the channel's type, which a 201 told.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn set_channel_type(&self, kind: String) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        self.store
            .writer
            .write(move |tx| {
                let batch = shared.lock().unwrap_or_else(PoisonError::into_inner).batch;
                tx.connection.execute(
                    "UPDATE batch SET channel_type = ?2 WHERE id = ?1",
                    (batch.get(), kind),
                )?;
                Ok(())
            })
            .await
    }
}

/// Turns what an earlier process left in `sending` into `unknown`.
pub(super) fn interrupt(
    tx: &mut Tx<'_>,
    batch: BatchId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let next = delivery::next(State::Sending, Event::AnswerLost)?;
    let range = (batch.get() << 32, (batch.get() + 1) << 32);
    let any: bool = tx.connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM recipient WHERE state = 'sending' AND id > ?1 AND id < ?2)",
        range,
        |row| row.get(0),
    )?;
    if !any {
        // The audit of a large batch is not searched for nothing.
        return Ok(0);
    }
    tx.connection.execute(
        // From the tail back, and no further than the last of them: the audit may be long.
        "UPDATE attempt SET finished_at = ?3, outcome = 'interrupted' WHERE id IN
               (SELECT id FROM attempt WHERE finished_at IS NULL AND recipient IN
                       (SELECT id FROM recipient WHERE state = 'sending' AND id > ?1 AND id < ?2)
                ORDER BY id DESC LIMIT
                       (SELECT count(*) FROM recipient WHERE state = 'sending' AND id > ?1 AND id < ?2))",
        (range.0, range.1, to_millis(now)),
    )?;
    let rows = tx.connection.execute(
        "UPDATE recipient SET state = ?3, attempts = attempts + 1, finished_at = ?4,
                reason_code = 'interrupted',
                reason = 'the program ended before the answer came; the message may have been sent'
         WHERE state = 'sending' AND id > ?1 AND id < ?2",
        (range.0, range.1, next.word(), to_millis(now)),
    )?;
    let rows = u64::try_from(rows).unwrap_or(u64::MAX);
    tx.count(
        batch,
        Counter::State(State::Sending),
        -i64::try_from(rows).unwrap_or(0),
    );
    tx.count(
        batch,
        Counter::State(next),
        i64::try_from(rows).unwrap_or(0),
    );
    Ok(rows)
}

impl Progress {
    fn settle(&mut self, tx: &mut Tx<'_>, it: &Settlement) -> Result<Settled, StoreError> {
        let found: String = tx
            .connection
            .prepare_cached("SELECT state FROM recipient WHERE id = ?1")?
            .query_row([it.recipient.get()], |row| row.get(0))?;
        let state = parse_state(&found)?;
        let next = delivery::next(state, it.event)?;
        update_recipient(tx, it, state, next)?;
        tx.connection
            .prepare_cached(
                "UPDATE attempt SET finished_at = ?2, outcome = ?3, http_status = ?4, text = ?5
                 WHERE id = ?1",
            )?
            .execute((
                it.attempt.0,
                to_millis(it.at),
                it.outcome.word(),
                it.http_status,
                (!it.text.is_empty()).then_some(&it.text),
            ))?;
        if let Some(receipt) = &it.receipt {
            insert_message(tx.connection, it.recipient, receipt, it.at)?;
        }
        if it.outcome == AttemptOutcome::Throttled {
            tx.count(self.batch, Counter::Throttled, 1);
        }
        tx.count_move(self.batch, state, next);
        if next == State::Queued {
            self.returned.insert(it.recipient.get());
        }
        Ok(Settled { state: next })
    }

    fn claim(&mut self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Claim, StoreError> {
        let news = self.history.catch_up(tx.connection, self.rules.token)?;
        if news.same_token > 0 {
            return Ok(Claim::OthersSpent(news.same_token));
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
            let key = content_key(&self.channel, ready.phone, &ready.content);
            let id = RecipientId::from_column(ready.id);
            if let Some(cause) = self.must_not_send(tx.connection, &ready, key, now)? {
                suppress(tx, id, &cause, now)?;
            } else if let Some(claimed) = self.intend(tx, ready, key, now)? {
                return Ok(Claim::Claimed(Box::new(claimed)));
            }
            // Else the row has left the queue since it was read.
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
        if let Some(cause) = suppression::cause(connection, ready.phone)? {
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

    /// Writes the intent; `None` if the row is no longer queued.
    fn intend(
        &mut self,
        tx: &mut Tx<'_>,
        ready: Ready,
        key: i64,
        now: Timestamp,
    ) -> Result<Option<Claimed>, StoreError> {
        let next = delivery::next(State::Queued, Event::Claimed)?;
        let changed = tx
            .connection
            .prepare_cached("UPDATE recipient SET state = ?2 WHERE id = ?1 AND state = 'queued'")?
            .execute((ready.id, next.word()))?;
        if changed == 0 {
            return Ok(None);
        }
        tx.connection
            .prepare_cached(
                "INSERT INTO attempt (recipient, phone, content_key, token, started_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((
                ready.id,
                suppression::column(ready.phone),
                key,
                self.rules.token,
                to_millis(now),
            ))?;
        let attempt = tx.connection.last_insert_rowid();
        self.history.skip_own(attempt);
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
        Ok(Some(Claimed {
            recipient: RecipientId::from_column(ready.id),
            attempt: AttemptId(attempt),
            attempts: ready.attempts,
            phone: ready.phone,
            row: ready.row,
            addressee,
            content: ready.content,
            metadata: ready.metadata,
        }))
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

fn update_recipient(
    tx: &Tx<'_>,
    it: &Settlement,
    state: State,
    next: State,
) -> Result<(), StoreError> {
    // An event that overtook the answer has already told what there is to tell; a signal that gave
    // the answer up has not, but counted the attempt.
    let given_up = state == State::Unknown;
    let overtaken = state != State::Sending && !given_up;
    let finished = !next.is_outstanding() && !overtaken;
    let reason = (finished && !it.text.is_empty()).then_some(it.text.as_str());
    let code = (reason.is_some() || next == State::Unknown).then(|| it.outcome.word());
    tx.connection
        .prepare_cached(
            "UPDATE recipient SET state = ?2, attempts = attempts + ?3,
                    reason_code = CASE WHEN ?7 THEN reason_code ELSE ?4 END,
                    reason = CASE WHEN ?7 THEN reason ELSE ?5 END,
                    finished_at = CASE WHEN ?7 THEN finished_at ELSE ?6 END
             WHERE id = ?1",
        )?
        .execute((
            it.recipient.get(),
            next.word(),
            i64::from(it.outcome.counts() && !given_up),
            code,
            reason,
            finished.then(|| to_millis(it.at)),
            overtaken,
        ))?;
    Ok(())
}

/// Takes a queued row out of the queue for good.
pub(super) fn suppress(
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

fn insert_message(
    connection: &Connection,
    recipient: RecipientId,
    receipt: &Receipt,
    at: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO message (recipient, message_id, contact_id, sent_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (recipient) DO UPDATE SET
                message_id = coalesce(excluded.message_id, message_id),
                contact_id = coalesce(excluded.contact_id, contact_id), sent_at = excluded.sent_at",
        )?
        .execute((recipient.get(), &receipt.message_id, &receipt.contact_id, to_millis(at)))?;
    connection
        .prepare_cached("INSERT OR IGNORE INTO contact_due (recipient) VALUES (?1)")?
        .execute([recipient.get()])?;
    Ok(())
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
         FROM recipient r INDEXED BY recipient_outstanding
              CROSS JOIN recipient_input i ON i.id = r.id
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
