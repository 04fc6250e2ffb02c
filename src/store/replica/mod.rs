//! A checkpoint as a replica of a log that several nodes share. Only the writer knows of it.
//!
//! The rows of each transaction are appended to the log before they are committed here. A node that was slower rolls
//! back, applies what came, and runs its jobs again. Where an append has no clear answer, the transaction is rolled back
//! at once and the record is kept: no lock is held while the engine is away, and the same record is appended again
//! until its place in the log is decided. Then it is applied like any other, and the waiters are answered.

mod append;
mod apply;
mod capture;
pub(super) mod compact;
mod compare;
pub(super) mod context;
mod keeper;
pub(super) mod position;
pub(super) mod record;
pub(super) mod snapshot;
#[cfg(test)]
mod tests;
mod wait;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::error::StoreError;
use super::keys::random;
use super::place::machine_name;
use crate::cluster::{Access, Entry, Hash, LEASE, LogError, Postgres, Read};

use apply::{Applied, apply_next};
use capture::Capture;
use position::Position;
use record::RecordContent;
use wait::Wait;

pub(super) use keeper::{Keeper, Leased};

/// How long nothing is appended to an engine that was not there before: each node that lives has looked by then.
const AFTER_FAILOVER: Duration = LEASE.saturating_add(Duration::from_secs(2));

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appended {
    /// It may be committed.
    Done,
    /// It must be rolled back.
    NotYet,
}

/// A record whose place is not decided.
#[derive(Debug)]
struct Pending {
    before: Hash,
    entry: Entry,
    /// It is in the log, and not yet in the file.
    is_ours: bool,
    /// No caller waits for it any more.
    is_orphan: bool,
}

/// The writer's side of the log.
pub(super) struct Replica {
    path: PathBuf,
    access: Access,
    log: Postgres,
    capture: Capture,
    /// Threads that write digests of the file.
    digests: Vec<JoinHandle<()>>,
    pending: Option<Pending>,
    /// Others have appended, or the engine did not answer.
    is_behind: bool,
    /// Why nothing is written any more.
    stopped: Option<String>,
    losses: u32,
    has_turn: bool,
    gives_way: bool,
    /// Names this process among those that append. Random.
    node: String,
    /// How far the file has come, for those who ask.
    applied: Arc<AtomicI64>,
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replica").finish_non_exhaustive()
    }
}

impl Replica {
    /// Watches the connection from now on, and applies what was missed.
    pub(super) fn open(
        connection: &mut Connection,
        path: PathBuf,
        access: Access,
        applied: Arc<AtomicI64>,
    ) -> Result<Self, StoreError> {
        let mut replica = Self {
            path,
            log: Postgres::new(access.clone())?,
            access,
            capture: Capture::of(connection)?,
            digests: Vec::new(),
            pending: None,
            is_behind: true,
            stopped: None,
            losses: 0,
            has_turn: false,
            gives_way: false,
            node: format!("{:016x}", u64::from_be_bytes(random()?)),
            applied,
        };
        replica.check_log(connection)?;
        replica.meet_engine(connection)?;
        replica.catch_up(connection)?;
        Ok(replica)
    }

    /// Another log at the same address is no reason to stop that one.
    fn check_log(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let own = position::log_of(connection)?;
        match self.patiently(Postgres::id)? {
            Some(id) if Some(&id) == own.as_ref() => Ok(()),
            Some(_) => Err(StoreError::Cluster {
                detail: "this checkpoint belongs to another log than the one at that address; `outreach cluster leave` makes it one of its own again".to_owned(),
            }),
            None => Err(StoreError::Cluster {
                detail: "there is no log at that address any more; `outreach cluster leave` makes this checkpoint one of its own again, and `outreach cluster init` begins a new log with it".to_owned(),
            }),
        }
    }

    /// Trusts the engine that answers. After a failover, or where another server took its place, a node that knows more
    /// than this engine speaks first.
    fn meet_engine(&mut self, connection: &mut Connection) -> Result<(), StoreError> {
        let engine = self.patiently(Postgres::engine)?;
        match position::engine_of(connection)? {
            Some(known) if known == engine => {}
            Some(_) => {
                tracing::warn!(
                    "another server keeps the log of the cluster now, or the same after a failover: nothing is sent for {} s, so that a node that knows more can say so",
                    AFTER_FAILOVER.as_secs()
                );
                // This node may be the one that knows more.
                self.catch_up(connection)?;
                std::thread::sleep(AFTER_FAILOVER);
                self.catch_up(connection)?;
                position::note_engine(connection, &engine)?;
            }
            None => position::note_engine(connection, &engine)?,
        }
        self.log.trust(&engine);
        Ok(())
    }

    /// Asks the engine until it answers, or for as long as the patience lasts.
    fn patiently<T>(
        &mut self,
        mut ask: impl FnMut(&mut Postgres) -> Result<T, LogError>,
    ) -> Result<T, StoreError> {
        let mut wait = Wait::begin(self.access.patience());
        loop {
            match ask(&mut self.log) {
                Ok(answer) => return Ok(answer),
                Err(error @ LogError::Refused(_)) => return Err(error.into()),
                Err(error @ LogError::Away(_)) => wait.once_more(&error)?,
            }
        }
    }

    /// Applies what others appended, as far as the engine answers now. Returns whether there was anything.
    pub(super) fn poll(&mut self, connection: &mut Connection) -> Result<bool, StoreError> {
        if self.stopped.is_some() || self.pending.is_some() {
            return Ok(false);
        }
        let position = Position::read(connection)?;
        match self.log.read(position.seq, &position.hash) {
            Ok(read) => self.take(connection, position, read),
            Err(error) => {
                self.is_behind = true;
                tracing::debug!("the log was not read: {error}");
                Ok(false)
            }
        }
    }

    fn catch_up(&mut self, connection: &mut Connection) -> Result<(), StoreError> {
        loop {
            let position = Position::read(connection)?;
            let read = self.patiently(|log| log.read(position.seq, &position.hash))?;
            if !self.take(connection, position, read)? {
                self.is_behind = false;
                return Ok(());
            }
        }
    }

    /// Applies what was read; false if that was nothing.
    fn take(
        &mut self,
        connection: &mut Connection,
        position: Position,
        read: Read,
    ) -> Result<bool, StoreError> {
        let entries = match read {
            Read::Entries(entries) => entries,
            Read::Broken(why) => return Err(self.stop(&why)),
            Read::Cut => return Err(cut()),
        };
        self.applied.fetch_max(position.seq, Ordering::SeqCst);
        if entries.is_empty() {
            return Ok(false);
        }
        let mut before = position;
        for entry in &entries {
            if !before.is_followed_by(entry) {
                let seq = before.seq + 1;
                return Err(self.stop(&format!("record {seq} of the log was altered or removed")));
            }
            before = Position::of(entry);
        }
        self.apply(connection, entries)?;
        Ok(true)
    }

    /// Applies records in one transaction, but for those that another process of this file has applied.
    fn apply(
        &mut self,
        connection: &mut Connection,
        entries: Vec<Entry>,
    ) -> Result<(), StoreError> {
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            connection.pragma_update(None, "foreign_keys", false)?;
            let applied = apply_next(&self.path, connection, &mut entries);
            connection.pragma_update(None, "foreign_keys", true)?;
            self.capture.clear();
            match applied? {
                Applied::Until(seq) => {
                    self.applied.fetch_max(seq, Ordering::SeqCst);
                }
                Applied::UntilAsked(seq, reader) => {
                    let thread = compare::answer(reader, &self.path, &self.access, seq)?;
                    self.digests.push(thread);
                }
                Applied::UntilStopped(why) => {
                    self.stopped = Some(why.clone());
                    return Err(StoreError::Cluster { detail: why });
                }
            }
        }
        Ok(())
    }

    /// The log does not go on after the record that this node has. Where it was cut while this machine was away, that is
    /// no fault of the engine, and stops nobody else.
    fn broken(&mut self, seq: i64, read: Read) -> StoreError {
        self.is_behind = true;
        match read {
            Read::Cut => cut(),
            Read::Broken(why) => self.stop(&why),
            Read::Entries(_) => self.stop(&format!("records before {seq} of the log were removed")),
        }
    }

    /// The log is not what it was: nothing is written any more, here and on the nodes that have not noticed.
    fn stop(&mut self, why: &str) -> StoreError {
        let why = format!(
            "the log of the cluster cannot be trusted any more: {why}. Nothing more is sent, on no node. Find out what \
             happened to the engine; then, on the machine that has come furthest (`outreach cluster status`), \
             `outreach cluster accept --from {}` begins the log anew with its file",
            machine_name()
        );
        if let Err(error) =
            compact::append_content(&mut self.log, &self.node, &RecordContent::Stop(why.clone()))
        {
            tracing::debug!("the others have to find out by themselves: {error}");
        }
        tracing::error!("{why}");
        self.stopped = Some(why.clone());
        StoreError::Cluster { detail: why }
    }
}

fn cut() -> StoreError {
    StoreError::Cluster {
        detail: "this machine was away for long, and the records that it lacks were cut from the log: run the same command again, and it joins anew from the snapshot".to_owned(),
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        for thread in self.digests.drain(..) {
            // What it could not write it has said.
            let _ = thread.join();
        }
    }
}
