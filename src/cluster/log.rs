//! What the log of a cluster holds, and what its engine answers.

use std::time::Duration;

use super::entry::{Entry, Hash};

/// How long a lease holds, by the engine's clock.
pub(crate) const LEASE: Duration = Duration::from_secs(8);

/// The node with this lease makes a snapshot. No batch has such a name.
pub(crate) const SNAPSHOT_LEASE: &str = "\u{1}snapshot";

/// What became of an append.
#[derive(Debug)]
pub(crate) enum Append {
    /// The record is in the log, as durable as the engine makes it.
    Done,
    /// Another record has its place.
    Taken,
    /// Another node has a turn of its own: nothing was appended.
    Turn,
    /// The engine is not the one that is trusted: nothing was appended.
    Moved,
    /// The record before is not in the log, or it is another one.
    Broken,
    /// It is not known: the same record must be appended again until its place is decided.
    Doubt(LogError),
}

/// What was read of the log.
#[derive(Debug)]
pub(crate) enum Read {
    /// The records behind the position, in order, as many as one answer holds.
    Entries(Vec<Entry>),
    /// The record at the position is not that of the asker, or the log ends before it.
    Broken(String),
    /// The log was cut: it begins behind the position.
    Cut,
}

/// Who holds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lease {
    /// What is held.
    pub(crate) name: String,
    /// The node: random, made at each start.
    pub(crate) node: String,
    /// Its process, for people.
    pub(crate) pid: String,
    /// Its machine, for people.
    pub(crate) machine: String,
    /// Its file. Who holds the file's own lock takes over what a process had that died.
    pub(crate) place: String,
    /// Since when, in RFC 3339.
    pub(crate) since: String,
}

/// A node as it was seen last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NodeRow {
    /// Random, made at each start.
    pub(crate) node: String,
    /// Its process.
    pub(crate) pid: String,
    /// Its machine.
    pub(crate) machine: String,
    /// Its file: several processes may write one.
    pub(crate) place: String,
    /// How far it has come.
    pub(crate) applied: i64,
    /// Seconds since it was seen, by the engine's clock.
    pub(crate) seen: f64,
    /// What its own clock showed then, in seconds since 1970.
    pub(crate) clock: f64,
}

/// A compact copy of the state at a position of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The position.
    pub(crate) seq: i64,
    /// The hash of the record there.
    pub(crate) hash: Hash,
    /// SHA-256 over the parts of the copy.
    pub(crate) digest: Hash,
}

/// The digests of a node's tables at a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digests {
    /// The record.
    pub(crate) seq: i64,
    /// The node's file.
    pub(crate) place: String,
    /// Its machine, for people.
    pub(crate) machine: String,
    /// Its path, for people.
    pub(crate) path: String,
    /// The digests.
    pub(crate) tables: String,
}

/// What people should know of an engine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct About {
    /// Its name, version and address.
    pub(crate) engine: String,
    /// What is doubtful of its settings.
    pub(crate) doubts: Vec<String>,
    /// Its clock, in seconds since 1970.
    pub(crate) clock: f64,
}

/// How much the log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Records behind the snapshot.
    pub(crate) records: i64,
    /// Their bytes.
    pub(crate) bytes: i64,
    /// The bytes of the snapshot.
    pub(crate) snapshot: i64,
}

/// Gives the parts of a copy one after the other, then `None`.
pub(crate) type Parts<'a> = &'a mut dyn FnMut() -> Result<Option<Vec<u8>>, LogError>;

/// The engine did not do what it was asked. The text holds no password.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LogError {
    /// It cannot be reached now, or lost the connection: the same may succeed later.
    #[error("{0}")]
    Away(String),
    /// It refuses: credentials, rights, settings. A person must mend that.
    #[error("{0}")]
    Refused(String),
}
