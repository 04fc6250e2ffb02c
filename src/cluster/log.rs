//! What the nodes need of an engine.

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

/// A log with compare-and-append, leases and a snapshot, on an engine. Every call may block for some seconds.
pub(crate) trait Log: Send {
    /// Begins the log with this record and this snapshot; fails if there is one. `id` is random.
    fn begin(
        &mut self,
        id: &str,
        first: &Entry,
        snapshot: &Snapshot,
        parts: Parts<'_>,
    ) -> Result<(), LogError>;

    /// Puts this record and this snapshot in place of all that the log holds.
    fn begin_anew(
        &mut self,
        first: &Entry,
        snapshot: &Snapshot,
        parts: Parts<'_>,
    ) -> Result<(), LogError>;

    /// Which log it is; `None` if there is none.
    fn id(&mut self) -> Result<Option<String>, LogError>;

    /// Which engine answers, for as long as the connection lasts: it changes with a failover and with another server.
    fn engine(&mut self) -> Result<String, LogError>;

    /// Records may be appended to this engine from now on.
    fn trust(&mut self, engine: &str);

    /// Appends the record if the last one is the one before it, with the hash `before`. It gives way to another node
    /// that has taken a turn.
    fn append(&mut self, node: &str, before: &Hash, entry: &Entry) -> Append;

    /// A record that was found after a doubt is durable once this returns: one more write that the engine confirms.
    fn confirm(&mut self) -> Result<(), LogError>;

    /// Reads on from a position whose record has the hash.
    fn read(&mut self, after: i64, hash: &Hash) -> Result<Read, LogError>;

    /// The place of the last record and its hash; `None` if there is no log.
    fn last(&mut self) -> Result<Option<(i64, Hash)>, LogError>;

    /// Takes a turn: until it ends, for a second at the most, the others do not append. False if another has it.
    fn take_turn(&mut self, node: &str) -> Result<bool, LogError>;

    /// Ends the turn.
    fn end_turn(&mut self, node: &str) -> Result<(), LogError>;

    /// Takes or prolongs a lease. `Some`: another node holds it.
    fn lease(&mut self, lease: &Lease) -> Result<Option<Lease>, LogError>;

    /// Gives a lease back.
    fn release(&mut self, name: &str, node: &str) -> Result<(), LogError>;

    /// The leases that hold.
    fn leases(&mut self) -> Result<Vec<Lease>, LogError>;

    /// Enters that a node lives, and how far it has come.
    fn see(&mut self, node: &NodeRow) -> Result<(), LogError>;

    /// Removes a node that has ended.
    fn unsee(&mut self, node: &str) -> Result<(), LogError>;

    /// The nodes that were seen in the last day.
    fn nodes(&mut self) -> Result<Vec<NodeRow>, LogError>;

    /// The newest snapshot; `None` if there is no log.
    fn snapshot(&mut self) -> Result<Option<Snapshot>, LogError>;

    /// A part of the snapshot at the position; `None` behind the last.
    fn snapshot_part(&mut self, seq: i64, part: i32) -> Result<Option<Vec<u8>>, LogError>;

    /// Puts a snapshot in place of the one before, and cuts the log before its position.
    fn put_snapshot(&mut self, snapshot: &Snapshot, parts: Parts<'_>) -> Result<(), LogError>;

    /// How much the log holds.
    fn size(&mut self) -> Result<Size, LogError>;

    /// Writes the digests of a node; those at earlier records go.
    fn put_digests(&mut self, digests: &Digests) -> Result<(), LogError>;

    /// The digests that nodes wrote at the record.
    fn digests(&mut self, seq: i64) -> Result<Vec<Digests>, LogError>;

    /// The first record whose hash does not fit, checked by the engine over the whole log.
    fn first_fault(&mut self) -> Result<Option<i64>, LogError>;

    /// What people should know of the engine.
    fn about(&mut self) -> Result<About, LogError>;
}

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
