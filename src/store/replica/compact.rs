//! The replicas are compared, and a snapshot takes the place of the log so far.

use std::path::Path;
use std::time::{Duration, Instant};

use super::compare::Tables;
use super::record::{Record, RecordContent};
use super::snapshot;
use crate::cluster::{Append, Digests, Entry, NodeRow, Postgres, Read};
use crate::store::columns::from_json;
use crate::store::error::StoreError;
use crate::store::keys::random;
use crate::store::place::place_name;

/// A node that was seen so lately is waited for: it says that it lives every two seconds.
const ALIVE: f64 = 6.0;

/// How long nodes that live are waited for: with their digests, and to come as far as a snapshot.
const COMPARE: Duration = Duration::from_mins(5);
const COME_ALONG: Duration = Duration::from_secs(20);

/// How often is looked whether they have come.
const LOOK: Duration = Duration::from_millis(200);

/// How the replicas stand beside each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// The record at which they were compared.
    pub(crate) seq: i64,
    /// The files that are like this one.
    pub(crate) same: Vec<String>,
    /// Those that are not, with the tables that differ.
    pub(crate) different: Vec<(String, Vec<String>)>,
}

impl Comparison {
    /// Fails if a replica differs.
    fn require_same(&self) -> Result<(), StoreError> {
        let Some((file, tables)) = self.different.first() else {
            return Ok(());
        };
        Err(StoreError::Cluster {
            detail: format!(
                "{file} differs from this file at record {} in {}; no snapshot is made of either. `outreach cluster verify` shows more",
                self.seq,
                tables.join(", ")
            ),
        })
    }
}

/// Appends a record that holds no rows, wherever the log ends; returns its place.
pub(super) fn append_content(
    log: &mut Postgres,
    node: &str,
    content: &RecordContent,
) -> Result<i64, StoreError> {
    let engine = log.engine()?;
    log.trust(&engine);
    let mut has_turn = false;
    loop {
        let Some((last, hash)) = log.last()? else {
            return Err(StoreError::Cluster {
                detail: "the log has no record".to_owned(),
            });
        };
        let body = Record::new(random()?, content.clone()).pack()?;
        let entry = Entry::after(&hash, last + 1, body);
        match log.append(node, &hash, &entry) {
            Append::Done => {
                if has_turn {
                    log.end_turn(node)?;
                }
                return Ok(entry.seq);
            }
            // A node that sends appends first, again and again, until it is kept from it.
            Append::Taken | Append::Turn => has_turn = has_turn || log.take_turn(node)?,
            Append::Moved => {
                return Err(StoreError::Cluster {
                    detail: "the engine failed over just now: run the same command again"
                        .to_owned(),
                });
            }
            Append::Broken => {
                return Err(StoreError::Cluster {
                    detail: format!("records before {} of the log were removed", entry.seq),
                });
            }
            Append::Doubt(error) => return Err(error.into()),
        }
    }
}

/// The other files whose nodes live.
fn others(log: &mut Postgres, own: &str) -> Result<Vec<NodeRow>, StoreError> {
    let nodes = log.nodes()?.into_iter();
    Ok(nodes
        .filter(|node| node.seen < ALIVE && node.place != own)
        .collect())
}

/// Compares this file with those of the nodes that live. A writer of this file must be open in this process: once
/// `is_ending`, nobody is waited for.
pub(in crate::store) fn compare(
    path: &Path,
    log: &mut Postgres,
    is_ending: &dyn Fn() -> bool,
) -> Result<Comparison, StoreError> {
    let own = place_name(path);
    let node = format!("{:016x}", u64::from_be_bytes(random()?));
    let seq = append_content(log, &node, &RecordContent::Compare)?;
    let begin = Instant::now();
    loop {
        let answers = log.digests(seq)?;
        let has_answered = |place: &String| answers.iter().any(|it| it.place == *place);
        let alive: Vec<String> = others(log, &own)?.into_iter().map(|it| it.place).collect();
        if has_answered(&own) && alive.iter().all(has_answered) {
            return judge(seq, &own, &answers);
        }
        if is_ending() {
            return Err(StoreError::Stopped);
        }
        if begin.elapsed() > COMPARE {
            return Err(StoreError::Cluster {
                detail: format!(
                    "after {} min not every machine that runs has come to record {seq}; run the same command again",
                    COMPARE.as_secs() / 60
                ),
            });
        }
        std::thread::sleep(LOOK);
    }
}

fn judge(seq: i64, own: &str, answers: &[Digests]) -> Result<Comparison, StoreError> {
    let mut found = Comparison {
        seq,
        ..Comparison::default()
    };
    let Some(ours) = answers.iter().find(|it| it.place == own) else {
        return Ok(found);
    };
    let ours: Tables = from_json(&ours.tables)?;
    for other in answers.iter().filter(|it| it.place != own) {
        let file = format!("{} on {}", other.path, other.machine);
        let theirs: Tables = from_json(&other.tables)?;
        let mut tables: Vec<String> = ours.keys().chain(theirs.keys()).cloned().collect();
        tables.sort_unstable();
        tables.dedup();
        tables.retain(|table| ours.get(table) != theirs.get(table));
        if tables.is_empty() {
            found.same.push(file);
        } else {
            found.different.push((file, tables));
        }
    }
    Ok(found)
}

/// Puts a snapshot of this file in place of the log so far; returns its position. It is made only of a file that was
/// just compared with another one, if there is one. A writer of this file must be open in this process: once
/// `is_ending`, nobody is waited for.
pub(in crate::store) fn compact(
    path: &Path,
    log: &mut Postgres,
    is_ending: &dyn Fn() -> bool,
) -> Result<i64, StoreError> {
    let own = place_name(path);
    if !others(log, &own)?.is_empty() {
        compare(path, log, is_ending)?.require_same()?;
    }
    let packed = snapshot::pack(path)?;
    let Some(position) = packed.position else {
        return Err(StoreError::Cluster {
            detail: format!("{} is no part of a cluster", path.display()),
        });
    };
    // What the log does not hold any more must not be put in place of what it holds.
    match log.read(position.seq, &position.hash)? {
        Read::Entries(_) => {}
        Read::Broken(_) | Read::Cut => {
            return Err(StoreError::Cluster {
                detail: "this node does not fit the log; nothing was changed".to_owned(),
            });
        }
    }
    // A node that lives needs no snapshot: the log is cut after the last of them.
    let begin = Instant::now();
    let is_behind = |node: &NodeRow| node.applied < position.seq;
    while others(log, &own)?.iter().any(is_behind) && begin.elapsed() < COME_ALONG {
        if is_ending() {
            return Err(StoreError::Stopped);
        }
        std::thread::sleep(LOOK);
    }
    let at = position.snapshot(packed.digest);
    log.put_snapshot(&at, &mut packed.parts()?)?;
    Ok(position.seq)
}
