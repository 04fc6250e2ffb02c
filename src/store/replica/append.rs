//! From a transaction to a record of the log: the append, and how a doubt about it is decided.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::Connection;

use super::position::Position;
use super::record::{Record, RecordContent};
use super::wait::Wait;
use super::{Appended, Pending, Replica};
use crate::cluster::{Append, Entry, Postgres, Read};
use crate::store::error::StoreError;
use crate::store::keys::random;

/// A node that was slower so many times in a row takes a turn.
const LOSSES: u32 = 3;

/// How soon an append is tried again that gave way to another node's turn.
const GIVE_WAY: Duration = Duration::from_millis(5);

impl Replica {
    /// Before a transaction begins: decides what is in doubt, and applies what was missed. True if the record that
    /// was in doubt is in the log and in the file: those who wait for it are answered.
    pub(in crate::store) fn settle(
        &mut self,
        connection: &mut Connection,
    ) -> Result<bool, StoreError> {
        if let Some(why) = &self.stopped {
            return Err(StoreError::Cluster {
                detail: why.clone(),
            });
        }
        if let Some(pending) = &self.pending {
            let (seq, is_ours, is_orphan) = (pending.entry.seq, pending.is_ours, pending.is_orphan);
            if is_ours || self.decide(connection)? {
                if let Some(pending) = &mut self.pending {
                    pending.is_ours = true;
                }
                while Position::read(connection)?.seq < seq {
                    self.catch_up(connection)?;
                }
                self.pending = None;
                self.end_turn();
                return Ok(!is_orphan);
            }
            self.pending = None;
            self.is_behind = true;
        }
        if self.is_behind {
            self.meet_engine(connection)?;
            self.catch_up(connection)?;
        }
        Ok(false)
    }

    /// Whether the record in doubt has its place. It is appended again until that is known.
    fn decide(&mut self, connection: &mut Connection) -> Result<bool, StoreError> {
        let Some(pending) = &self.pending else {
            return Ok(false);
        };
        let (before, entry) = (pending.before, pending.entry.clone());
        let mut wait = Wait::begin(self.access.patience());
        loop {
            match self.log.append(&self.node, &before, &entry) {
                Append::Done => return Ok(true),
                // Perhaps by ourselves.
                Append::Taken => break,
                Append::Turn => std::thread::sleep(GIVE_WAY),
                Append::Moved => self.meet_engine(connection)?,
                Append::Broken => {
                    let seq = entry.seq - 1;
                    let read = self.patiently(|log| log.read(seq, &before))?;
                    return Err(self.broken(seq, read));
                }
                Append::Doubt(error) => wait.once_more(&error)?,
            }
        }
        let seq = entry.seq - 1;
        match self.patiently(|log| log.read(seq, &before))? {
            Read::Entries(entries) if entries.first().map(|it| it.hash) == Some(entry.hash) => {
                self.patiently(Postgres::confirm)?;
                Ok(true)
            }
            Read::Entries(_) | Read::Cut => Ok(false),
            Read::Broken(why) => Err(self.stop(&why)),
        }
    }

    /// Appends what the open transaction changed, and notes that in it.
    pub(in crate::store) fn append(
        &mut self,
        transaction: &Connection,
    ) -> Result<Appended, StoreError> {
        let tables = self.capture.rows(transaction)?;
        let position = Position::read(transaction)?;
        if tables.is_empty() {
            return Ok(self.confirm_reading(&position));
        }
        let body = Record::new(random()?, RecordContent::Rows(tables)).pack()?;
        let entry = Entry::after(&position.hash, position.seq + 1, body);
        match self.log.append(&self.node, &position.hash, &entry) {
            Append::Done => {
                let now = Position::of(&entry);
                // From here on the record stands, whatever becomes of the local commit.
                self.pending = Some(Pending {
                    before: position.hash,
                    entry,
                    is_ours: true,
                    is_orphan: false,
                });
                now.write(transaction)?;
                Ok(Appended::Done)
            }
            Append::Taken => {
                self.lost();
                Ok(Appended::NotYet)
            }
            Append::Turn => {
                (self.gives_way, self.is_behind) = (true, true);
                Ok(Appended::NotYet)
            }
            Append::Moved => {
                self.is_behind = true;
                Ok(Appended::NotYet)
            }
            Append::Broken => match self.log.read(position.seq, &position.hash) {
                Ok(read) => Err(self.broken(position.seq, read)),
                Err(error) => {
                    tracing::debug!("the log was not read: {error}");
                    self.is_behind = true;
                    Ok(Appended::NotYet)
                }
            },
            Append::Doubt(error) => {
                tracing::debug!("an append is in doubt: {error}");
                self.pending = Some(Pending {
                    before: position.hash,
                    entry,
                    is_ours: false,
                    is_orphan: false,
                });
                Ok(Appended::NotYet)
            }
        }
    }

    /// A transaction that changed nothing has read the present state only if nobody else wrote meanwhile.
    fn confirm_reading(&mut self, position: &Position) -> Appended {
        match self.log.last() {
            Ok(Some((last, hash))) if (last, hash) == (position.seq, position.hash) => {
                Appended::Done
            }
            Ok(_) | Err(_) => {
                self.is_behind = true;
                Appended::NotYet
            }
        }
    }

    /// The local transaction is committed.
    pub(in crate::store) fn committed(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.applied.fetch_max(pending.entry.seq, Ordering::SeqCst);
        }
        self.end_turn();
    }

    /// The transaction is rolled back: what it changed is not in any record.
    pub(in crate::store) fn rolled_back(&mut self) {
        self.capture.clear();
        if std::mem::take(&mut self.gives_way) {
            std::thread::sleep(GIVE_WAY);
        }
    }

    /// The callers that waited for the record in doubt were answered that it failed.
    pub(in crate::store) fn give_up(&mut self) {
        if let Some(pending) = &mut self.pending {
            pending.is_orphan = true;
        }
        self.end_turn();
    }

    fn end_turn(&mut self) {
        self.losses = 0;
        if std::mem::take(&mut self.has_turn)
            && let Err(error) = self.log.end_turn(&self.node)
        {
            tracing::debug!("a turn ends by itself: {error}");
        }
    }

    fn lost(&mut self) {
        self.is_behind = true;
        self.losses += 1;
        if self.losses >= LOSSES && !self.has_turn {
            self.has_turn = self.log.take_turn(&self.node).unwrap_or(false);
        }
    }
}
