//! The checkpoint: one SQLite file that knows every recipient's state. The only place with SQL.
//!
//! - Durable: WAL with `synchronous=FULL`. What a method returned as done is on disk.
//! - One writer: a thread owns the write connection and commits in groups. Readers use
//!   connections of their own and work at any time, beside a sending process too.
//! - One holder for a batch: an OS file lock that dies with its process ([`Hold`]).
//! - The key of a recipient is its batch and its place in it; work goes in that order, and people, requests
//!   and ids of the API follow it, so that the pages of a group commit are neighbours.
//! - A person stands in one row, and all that concerns a person is found by its id.

mod attempt;
mod audit;
mod batch;
mod change;
mod channel;
mod checkpoint;
mod columns;
mod contact;
mod error;
mod event;
mod evidence;
mod faults;
mod file;
mod forget;
mod funnel;
mod halt;
mod history;
mod ids;
mod journal;
mod keys;
mod loader;
mod lock;
mod log;
mod lookup;
mod metrics;
mod person;
mod quota;
mod remembered;
mod resolve;
mod results;
mod schema;
mod suppression;
mod tally;
mod timeline;
mod tuning;
mod turns;
mod upgrade;
mod writer;
mod written;

pub use audit::{AttemptRecord, Story, UnknownRow};
pub use batch::{Batch, BatchName, NewBatch, RunRecord};
pub use change::{Change, ListChange};
pub use checkpoint::{Reader, Store};
pub use contact::{Contact, ContactMessage};
pub use error::StoreError;
pub use event::{Incoming, Taken, WaitingEvents};
pub use forget::{Erased, ForgetError};
pub use funnel::Funnel;
pub use history::Verdict;
pub use ids::{BatchId, RecipientId};
pub use journal::{
    Claim, ClaimRules, Claimed, Journal, JournalStart, Opening, QuotaUpdate, Settled, Settlement,
    Window,
};
pub use keys::HashKey;
pub use loader::Loader;
pub use lock::Hold;
pub use lookup::Lookup;
pub use metrics::{BatchMetrics, Metrics};
pub use remembered::{Lately, PastRequests};
pub use resolve::{Decision, Proof};
pub use results::{MessageFacts, ResultRow};
pub use suppression::SuppressionEntry;
pub use tally::Counts;
pub use written::WrittenFile;
