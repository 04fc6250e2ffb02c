//! The log of a cluster begins anew with the file of one machine, after it went back or was altered.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::StoreError;
use super::file::connect;
use super::keys::random;
use super::place::machine_name;
use super::replica::position::{self, Position};
use super::replica::record::{Record, RecordContent};
use super::replica::snapshot;
use crate::cluster::{Access, Entry, Postgres, Read};

/// The file that a machine would begin the log anew with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewBeginning {
    /// The name of this machine.
    pub(crate) machine: String,
    /// How far its file has come.
    pub(crate) applied: i64,
    /// The machines that have come further, as far as the engine knows, and how far.
    pub(crate) further: Vec<(String, i64)>,
}

/// The file at `path`, as what the log would begin anew with.
///
/// # Errors
/// [`StoreError::Cluster`] if the log is in order, or the file is not one to begin with.
pub(crate) fn new_beginning(path: &Path, access: &Access) -> Result<NewBeginning, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut log = Postgres::new(access.clone())?;
    let own = own_position(&connection, path, &mut log)?;
    if !is_broken(&mut log, own)? {
        return Err(refused(
            "the log is in order: every record follows the one before, and this machine has all that it knows in it",
        ));
    }
    let further = log
        .nodes()?
        .into_iter()
        .filter(|node| node.applied > own.seq);
    Ok(NewBeginning {
        machine: machine_name(),
        applied: own.seq,
        further: further.map(|node| (node.machine, node.applied)).collect(),
    })
}

/// The log begins anew with this file. What stood in it and is not in the file is gone; the other machines join anew.
///
/// # Errors
/// [`StoreError`] if the engine fails, or another process has the file.
pub(crate) fn begin_anew(path: &Path, access: &Access) -> Result<(), StoreError> {
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut log = Postgres::new(access.clone())?;
    let own = own_position(&connection, path, &mut log)?;
    let last = log.last()?.map_or(0, |(last, _)| last);
    let furthest = log.nodes()?.iter().map(|node| node.applied).max();
    // A number higher than any machine has: so each of them sees that it has to join anew.
    let seq = own.seq.max(last).max(furthest.unwrap_or(0)) + 1;
    let body = Record::new(random()?, RecordContent::Snapshot).pack()?;
    let first = Entry::after(&own.hash, seq, body);
    // No other process writes until the file says where the log begins.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let packed = snapshot::pack(path)?;
    let position = Position::of(&first);
    let at = position.snapshot(packed.digest);
    log.begin_anew(&first, &at, &mut packed.parts()?)?;
    position.write(&transaction)?;
    position::note_engine(&transaction, &log.engine()?)?;
    Ok(transaction.commit()?)
}

fn refused(why: &str) -> StoreError {
    StoreError::Cluster {
        detail: format!("{why}; nothing was changed"),
    }
}

/// How far the file has come, if it is a replica of this log.
fn own_position(
    connection: &Connection,
    path: &Path,
    log: &mut Postgres,
) -> Result<Position, StoreError> {
    if position::log_of(connection)? != log.id()? || !position::is_replica(connection)? {
        return Err(refused(&format!(
            "{} is no replica of the log at that address",
            path.display()
        )));
    }
    Position::read(connection)
}

/// Whether the log does not go on from the position, or says that nothing is sent any more.
fn is_broken(log: &mut Postgres, mut at: Position) -> Result<bool, StoreError> {
    loop {
        let entries = match log.read(at.seq, &at.hash)? {
            Read::Entries(entries) if entries.is_empty() => return Ok(false),
            Read::Entries(entries) => entries,
            Read::Broken(_) => return Ok(true),
            Read::Cut => {
                return Err(refused(
                    "the log begins after what this machine has: another machine knows more",
                ));
            }
        };
        for entry in entries {
            if !at.is_followed_by(&entry)
                || matches!(Record::unpack(&entry.body)?.content, RecordContent::Stop(_))
            {
                return Ok(true);
            }
            at = Position::of(&entry);
        }
    }
}
