//! A cluster is begun, joined, looked at and left.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{OpenFlags, TransactionBehavior};

pub(crate) use super::begin_anew::{begin_anew, new_beginning};
use super::checkpoint::{Reader, Store, free_name};
use super::error::StoreError;
use super::file::connect;
use super::keys::random;
use super::log::log_path;
use super::mark::mark_path;
use super::misfit::Misfit;
use super::replica::compact::{self, Comparison};
use super::replica::position::{self, Position};
use super::replica::record::{Record, RecordContent};
use super::replica::{context, snapshot};
use crate::cluster::{Access, Entry, Lease, LogError, Postgres, Read};

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClusterNode {
    /// Its process.
    pub(crate) pid: String,
    /// Its machine.
    pub(crate) machine: String,
    /// Records that it lacks; below 0, that it has and the log lacks.
    pub(crate) behind: i64,
    /// Seconds since it was seen.
    pub(crate) seen: f64,
    /// By how many seconds its clock was ahead of the engine's then; below 0: behind.
    pub(crate) ahead: f64,
    /// The batches that it holds.
    pub(crate) holds: Vec<String>,
}

/// How a cluster stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClusterStatus {
    /// The engine, for people.
    pub(crate) engine: String,
    /// What is doubtful about it.
    pub(crate) doubts: Vec<String>,
    /// Records in all.
    pub(crate) last: i64,
    /// The place of the snapshot.
    pub(crate) snapshot: i64,
    /// How far this file has come; `None` if it is not there.
    pub(crate) applied: Option<i64>,
    /// The nodes that were seen lately.
    pub(crate) nodes: Vec<ClusterNode>,
    /// The engine's clock, in seconds since 1970.
    pub(crate) clock: f64,
    /// What the log takes, and what the snapshot takes, in bytes.
    pub(crate) bytes: (i64, i64),
}

fn open_log(access: &Access) -> Result<Postgres, StoreError> {
    Ok(Postgres::new(access.clone())?)
}

fn no_log(access: &Access) -> StoreError {
    StoreError::Cluster {
        detail: format!(
            "there is no checkpoint at {access}; `outreach cluster init` begins one with the file that you have"
        ),
    }
}

fn no_part(path: &Path, access: &Access) -> StoreError {
    StoreError::Cluster {
        detail: format!(
            "{} is a checkpoint of its own and no part of the cluster at {access}; --db names a file that joins it, or none that is there yet",
            path.display()
        ),
    }
}

/// In a cluster nobody needs an old file, a copy or that of another machine: the log has all of it.
fn not_at_home(path: PathBuf, misfit: Misfit) -> StoreError {
    match misfit {
        Misfit::Linked(_) | Misfit::Rebuilt | Misfit::Adopted => {
            StoreError::Misfit { path, misfit }
        }
        Misfit::Gone(_)
        | Misfit::Machine
        | Misfit::Backup(_)
        | Misfit::Copy
        | Misfit::Name(_)
        | Misfit::Another
        | Misfit::Unmarked(_)
        | Misfit::MarkDamaged(_)
        | Misfit::PutBack(_)
        | Misfit::Outdated { .. }
        | Misfit::Behind(_) => StoreError::Cluster {
            detail: format!(
                "{} {misfit}. In a cluster there is a simpler way: move the file and those beside it (-mark, -wal) away, then run the same command: it joins the cluster again",
                path.display()
            ),
        },
    }
}

/// The engine is away: who only reads goes by what the file has. Who writes waits when the file is opened.
fn go_by_file(path: &Path, access: &Access, why: &str) -> Result<(), StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    if !position::is_replica(&connection)? {
        return Err(no_part(path, access));
    }
    let seq = Position::read(&connection)?.seq;
    // The mark is written after each commit.
    let changed = std::fs::metadata(mark_path(path)).and_then(|file| file.modified());
    let as_of = changed.ok().and_then(|at| Timestamp::try_from(at).ok());
    let as_of = as_of.map_or_else(String::new, |at| {
        at.strftime(", of %Y-%m-%d %H:%M UTC").to_string()
    });
    tracing::warn!(
        "{why}. What this machine knows goes to record {seq} of the cluster{as_of}; what others did since is not in it"
    );
    context::enter(path, access.clone(), Vec::new());
    Ok(())
}

/// Whether the log begins after what the replica has.
fn is_cut_off(log: &mut Postgres, id: &str, path: &Path) -> Result<bool, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    if position::log_of(&connection)?.as_deref() != Some(id) {
        return Ok(false);
    }
    let at = Position::read(&connection)?;
    let first = log.snapshot()?.map_or(0, |it| it.seq);
    Ok(at.seq < first && matches!(log.read(at.seq, &at.hash)?, Read::Cut))
}

/// Gives a replica that no process has open another name, `outreach.kept.db`; returns it.
fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    // With the last connection the write-ahead log goes.
    drop(connection);
    if log_path(&path.to_string_lossy()).exists() {
        return Err(StoreError::Cluster {
            detail: format!(
                "the log was cut while this machine was away, and another process has {} open: end that process, then run the same command again: it joins the cluster again",
                path.display()
            ),
        });
    }
    let failed = |source| StoreError::File {
        path: path.to_owned(),
        source,
    };
    // The new file begins to count anew.
    match std::fs::remove_file(mark_path(path)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let kept = free_name(path);
    std::fs::rename(path, &kept).map_err(failed)?;
    Ok(kept)
}

impl Store {
    /// Joins the cluster at the address, such as `postgres://me@db/office#north`, with the checkpoint at the path, which is
    /// made where it is not there; then it can be opened.
    ///
    /// # Errors
    /// [`StoreError::Cluster`] if the address is none, the engine does not answer, or the file is no replica of its log.
    pub fn join(path: &Path, address: &str) -> Result<(), StoreError> {
        let access: Access = address.parse().map_err(|error| StoreError::Cluster {
            detail: format!("{error}"),
        })?;
        keep_up(path, &access)
    }

    /// Cuts the log of the cluster that this open checkpoint is in, as [`compact`] does; nothing if it is in none.
    pub(super) fn cut_cluster_log(&self) -> Result<(), StoreError> {
        match context::access(&self.path) {
            Some(access) => {
                compact::compact(&self.path, &mut open_log(&access)?, &|| false).map(drop)
            }
            None => Ok(()),
        }
    }
}

/// Joins the cluster if there is no file at the path, else applies what was missed. From now on the checkpoint
/// at the path can be opened.
///
/// # Errors
/// [`StoreError::Cluster`] if the engine does not answer, or the file is no replica of its log.
pub(crate) fn keep_up(path: &Path, access: &Access) -> Result<(), StoreError> {
    let mut log = open_log(access)?;
    let id = match log.id() {
        Ok(id) => id.ok_or_else(|| no_log(access))?,
        Err(LogError::Away(text)) if path.exists() => return go_by_file(path, access, &text),
        Err(error @ (LogError::Away(_) | LogError::Refused(_))) => return Err(error.into()),
    };
    if !path.exists() {
        snapshot::restore(&mut log, &id, path)?;
    } else if is_cut_off(&mut log, &id, path)? {
        let old = set_aside(path)?;
        snapshot::restore(&mut log, &id, path)?;
        tracing::warn!(
            "the log of the cluster was cut while this machine was away: {} was made anew from the snapshot. {} is the old file; delete it when you no longer need it, because it may hold people who were erased since",
            path.display(),
            old.display()
        );
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let known = position::log_of(&connection)?;
    drop(connection);
    match known {
        Some(known) if known == id => {}
        Some(_) => {
            return Err(StoreError::Cluster {
                detail: format!(
                    "{} belongs to another log than the one at {access}",
                    path.display()
                ),
            });
        }
        None => return Err(no_part(path, access)),
    }
    let leases = match log.leases() {
        Ok(leases) => leases,
        Err(LogError::Away(text)) => return go_by_file(path, access, &text),
        Err(error @ LogError::Refused(_)) => return Err(error.into()),
    };
    context::enter(path, access.clone(), leases);
    // What was missed is applied when it is opened.
    match Store::open(path) {
        Ok(_) => Ok(()),
        Err(StoreError::Misfit { path, misfit }) => Err(not_at_home(path, misfit)),
        Err(error) => Err(error),
    }
}

/// Begins a cluster with the checkpoint: its state is the beginning of the log.
///
/// # Errors
/// [`StoreError`] if there is a log at the address, the checkpoint is in use, or is a replica already.
pub(crate) fn begin(path: &Path, access: &Access) -> Result<(), StoreError> {
    // Brought to the form of this program, and made if it is not there.
    let opened = Store::open(path);
    if let Ok(connection) = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        && matches!(position::is_replica(&connection), Ok(true))
    {
        return Err(StoreError::Cluster {
            detail: format!(
                "{} is part of a cluster already; `outreach cluster leave` makes it a checkpoint of its own",
                path.display()
            ),
        });
    }
    drop(opened?);
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut log = open_log(access)?;
    let id = format!("{:032x}", u128::from_be_bytes(random()?));
    let body = Record::new(random()?, RecordContent::Snapshot).pack()?;
    let first = Entry::after(&[0; 32], 1, body);
    // No other process writes until the file says that it is a replica.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let packed = snapshot::pack(path)?;
    let position = Position::of(&first);
    let at = position.snapshot(packed.digest);
    log.begin(&id, &first, &at, &mut packed.parts()?)?;
    position.begin(&transaction, &id)?;
    Ok(transaction.commit()?)
}

/// The checkpoint is one of its own again; the log and the other nodes go on without it.
///
/// # Errors
/// [`StoreError`] if it is no replica, or cannot be written.
pub(crate) fn leave(path: &Path) -> Result<(), StoreError> {
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if !position::is_replica(&connection)? {
        return Err(StoreError::Cluster {
            detail: format!("{} is no part of a cluster", path.display()),
        });
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    position::end(&transaction)?;
    Ok(transaction.commit()?)
}

/// Puts a new snapshot in place of the log so far: what was erased before is in neither from then on. Returns
/// the place of the snapshot.
///
/// # Errors
/// [`StoreError::Cluster`] if the engine fails.
pub(crate) fn compact(path: &Path, access: &Access) -> Result<i64, StoreError> {
    // Its writer applies what comes meanwhile.
    let _open = Store::open(path)?;
    compact::compact(path, &mut open_log(access)?, &|| false)
}

/// Compares this file with those of the machines that run.
///
/// # Errors
/// [`StoreError::Cluster`] if the engine fails, or a machine does not answer.
pub(crate) fn compare(path: &Path, access: &Access) -> Result<Comparison, StoreError> {
    let _open = Store::open(path)?;
    compact::compare(path, &mut open_log(access)?, &|| false)
}

/// The first record whose hash does not fit, as the engine computes it over the whole log.
///
/// # Errors
/// [`StoreError::Cluster`] if the engine fails.
pub(crate) fn first_fault(access: &Access) -> Result<Option<i64>, StoreError> {
    Ok(open_log(access)?.first_fault()?)
}

/// How the cluster stands.
///
/// # Errors
/// [`StoreError::Cluster`] if the engine does not answer, or there is no log.
pub(crate) fn status(path: &Path, access: &Access) -> Result<ClusterStatus, StoreError> {
    let mut log = open_log(access)?;
    if log.id()?.is_none() {
        return Err(no_log(access));
    }
    let about = log.about()?;
    let size = log.size()?;
    let last = log.last()?.map_or(0, |(last, _)| last);
    let snapshot = log.snapshot()?.map_or(0, |it| it.seq);
    let leases = log.leases()?;
    let applied = match Reader::open(path) {
        Ok(reader) if position::is_replica(&reader.connection)? => {
            Some(Position::read(&reader.connection)?.seq)
        }
        Ok(_) | Err(_) => None,
    };
    let nodes = log.nodes()?;
    let nodes = nodes
        .into_iter()
        .map(|node| ClusterNode {
            holds: held_by(&leases, &node.node),
            pid: node.pid,
            machine: node.machine,
            behind: last - node.applied,
            seen: node.seen,
            ahead: node.clock + node.seen - about.clock,
        })
        .collect();
    Ok(ClusterStatus {
        engine: about.engine,
        doubts: about.doubts,
        clock: about.clock,
        bytes: (size.bytes, size.snapshot),
        last,
        snapshot,
        applied,
        nodes,
    })
}

fn held_by(leases: &[Lease], node: &str) -> Vec<String> {
    let own = leases.iter().filter(|lease| lease.node == node);
    own.map(|lease| lease.name.clone()).collect()
}
