//! The log that several nodes share, on an engine that exists.
//!
//! Every transaction of a node is appended to the log before it is committed to the node's own file, under the
//! condition that nobody appended before. So the log is the one order of all transactions, and the files are its
//! replicas. What a record means is the store's matter: here it is bytes.
//!
//! - An append without a clear answer is neither done nor not done: only the log shows it ([`Append::Doubt`]).
//! - The log is checked, not believed: each record carries the hash of the one before.
//! - The log ([`Postgres`]) blocks. It is called from threads of its own, never from a task of an async runtime.

mod access;
mod connection;
mod entry;
mod kept;
mod log;
mod members;
mod postgres;
#[cfg(all(test, unix))]
mod tests;

pub(crate) use access::{Access, AccessError};
pub(crate) use entry::{Entry, Hash, chained};
pub(crate) use log::{
    Append, Digests, LEASE, Lease, LogError, NodeRow, Read, SNAPSHOT_LEASE, Size, Snapshot,
};
pub(crate) use postgres::Postgres;
