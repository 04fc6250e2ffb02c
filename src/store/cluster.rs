//! A cluster is begun, joined, looked at and left.

use std::path::Path;

use rusqlite::{OpenFlags, TransactionBehavior};

use super::checkpoint::{Reader, Store};
use super::error::StoreError;
use super::file::connect;
use super::keys::random;
use super::replica::position::{self, Position};
use super::replica::record::{Record, Saying};
use super::replica::{context, failed, snapshot};
use crate::cluster::{Access, Entry, Lease, Log, LogError, Postgres, Read, Snapshot};

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClusterNode {
    /// Its process.
    pub(crate) pid: String,
    /// Its machine.
    pub(crate) machine: String,
    /// Records that it lacks.
    pub(crate) behind: i64,
    /// Seconds since it was seen.
    pub(crate) seen: f64,
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
}

fn open_log(access: &Access) -> Result<Postgres, StoreError> {
    Postgres::new(access.clone()).map_err(|error| failed(&error))
}

fn no_log(access: &Access) -> StoreError {
    StoreError::Cluster {
        detail: format!(
            "there is no checkpoint at {access}; `outreach cluster init` begins one with the file that you have"
        ),
    }
}

impl Store {
    /// Joins the cluster if there is no file at the path, else applies what was missed. From now on the checkpoint
    /// at the path can be opened.
    ///
    /// # Errors
    /// [`StoreError::Cluster`] if the engine does not answer, or the file is no replica of its log.
    pub(crate) fn keep_up(path: &Path, access: &Access) -> Result<(), StoreError> {
        let mut log = open_log(access)?;
        let id = log.id().map_err(|error| match error {
            LogError::Away(text) if path.exists() => StoreError::Cluster {
                detail: format!(
                    "{text}; start it or mend the address, then the same command again; without --cluster (and OUTREACH_CLUSTER) the commands that only read show what this machine knows"
                ),
            },
            error @ (LogError::Away(_) | LogError::Refused(_)) => failed(&error),
        })?;
        let id = id.ok_or_else(|| no_log(access))?;
        if !path.exists() {
            snapshot::restore(&mut log, &id, path)?;
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
            None => {
                return Err(StoreError::Cluster {
                    detail: format!(
                        "{} is a checkpoint of its own and no part of the cluster at {access}; --db names a file that joins it, or none that is there yet",
                        path.display()
                    ),
                });
            }
        }
        let leases = log.leases().map_err(|error| failed(&error))?;
        context::enter(path, access.clone(), leases);
        // What was missed is applied when it is opened.
        drop(Self::open(path)?);
        Ok(())
    }

    /// Begins a cluster with the checkpoint: its state is the beginning of the log.
    ///
    /// # Errors
    /// [`StoreError`] if there is a log at the address, the checkpoint is in use, or is a replica already.
    pub(crate) fn begin_cluster(path: &Path, access: &Access) -> Result<(), StoreError> {
        // Brought to the form of this program, and made if it is not there.
        drop(Self::open(path)?);
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        if position::is_replica(&connection)? {
            return Err(StoreError::Cluster {
                detail: format!("{} is part of a cluster already", path.display()),
            });
        }
        let mut log = open_log(access)?;
        let id = format!("{:032x}", u128::from_be_bytes(random()?));
        let body = Record::new(random()?, Saying::Snapshot).pack()?;
        let first = Entry::after(&[0; 32], 1, body);
        // Nobody else writes until the file says that it is a replica.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let packed = snapshot::pack(path)?;
        let at = Snapshot {
            seq: first.seq,
            hash: first.hash,
            digest: packed.digest,
        };
        log.begin(&id, &first, &at, &mut packed.parts()?)
            .map_err(|error| failed(&error))?;
        let position = Position {
            seq: first.seq,
            hash: first.hash,
        };
        position.begin(&transaction, &id)?;
        Ok(transaction.commit()?)
    }

    /// The checkpoint is one of its own again; the log and the other nodes go on without it.
    ///
    /// # Errors
    /// [`StoreError`] if it is no replica, or cannot be written.
    pub(crate) fn leave_cluster(path: &Path) -> Result<(), StoreError> {
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
    pub(crate) fn compact_cluster(path: &Path, access: &Access) -> Result<i64, StoreError> {
        let packed = snapshot::pack(path)?;
        let position = packed.position.ok_or_else(|| no_log(access))?;
        let mut log = open_log(access)?;
        // What the log does not hold any more must not be put in place of what it holds.
        match log
            .read(position.seq, &position.hash)
            .map_err(|error| failed(&error))?
        {
            Read::Entries(_) => {}
            Read::Broken(_) | Read::Cut => {
                return Err(StoreError::Cluster {
                    detail: "this node does not fit the log; nothing was changed".to_owned(),
                });
            }
        }
        let at = Snapshot {
            seq: position.seq,
            hash: position.hash,
            digest: packed.digest,
        };
        log.put_snapshot(&at, &mut packed.parts()?)
            .map_err(|error| failed(&error))?;
        Ok(position.seq)
    }

    /// The first record whose hash does not fit, as the engine computes it over the whole log.
    ///
    /// # Errors
    /// [`StoreError::Cluster`] if the engine fails.
    pub(crate) fn verify_cluster(access: &Access) -> Result<Option<i64>, StoreError> {
        open_log(access)?
            .first_fault()
            .map_err(|error| failed(&error))
    }

    /// How the cluster stands.
    ///
    /// # Errors
    /// [`StoreError::Cluster`] if the engine does not answer, or there is no log.
    pub(crate) fn cluster_status(
        path: &Path,
        access: &Access,
    ) -> Result<ClusterStatus, StoreError> {
        let mut log = open_log(access)?;
        if log.id().map_err(|error| failed(&error))?.is_none() {
            return Err(no_log(access));
        }
        let (engine, doubts) = log.about().map_err(|error| failed(&error))?;
        let last = log
            .last()
            .map_err(|error| failed(&error))?
            .map_or(0, |(last, _)| last);
        let snapshot = log
            .snapshot()
            .map_err(|error| failed(&error))?
            .map_or(0, |it| it.seq);
        let leases = log.leases().map_err(|error| failed(&error))?;
        let applied = match Reader::open(path) {
            Ok(reader) if position::is_replica(&reader.connection)? => {
                Some(Position::read(&reader.connection)?.seq)
            }
            Ok(_) | Err(_) => None,
        };
        let nodes = log.nodes().map_err(|error| failed(&error))?;
        let nodes = nodes
            .into_iter()
            .map(|node| ClusterNode {
                holds: held_by(&leases, &node.node),
                pid: node.pid,
                machine: node.machine,
                behind: (last - node.applied).max(0),
                seen: node.seen,
            })
            .collect();
        Ok(ClusterStatus {
            engine,
            doubts,
            last,
            snapshot,
            applied,
            nodes,
        })
    }
}

fn held_by(leases: &[Lease], node: &str) -> Vec<String> {
    let own = leases.iter().filter(|lease| lease.node == node);
    own.map(|lease| lease.name.clone()).collect()
}
