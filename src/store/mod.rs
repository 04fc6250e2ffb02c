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
mod audience;
mod audit;
mod backup;
mod batch;
mod cancel;
mod change;
mod channel;
mod checkpoint;
mod clock_notes;
mod columns;
mod contact;
mod counts;
mod decision;
mod earlier;
mod error;
mod event;
mod evidence;
mod fallback;
mod faults;
mod file;
mod forget;
mod funnel;
mod halt;
mod history;
mod home;
mod hours;
mod ids;
mod import;
mod journal;
mod keys;
mod known;
mod late;
mod loader;
mod lock;
mod log;
mod lookup;
mod mark;
pub(crate) mod metrics;
mod misfit;
mod outage;
mod person;
mod person_rows;
mod pilot;
mod place;
mod prune;
mod purpose;
mod quota;
mod refusal;
mod remembered;
mod reserve;
mod resolve;
mod results;
mod retry;
mod runs;
mod schema;
mod session;
mod sms;
mod suppression;
mod tally;
mod test_message;
mod tuning;
mod turns;
mod upgrade;
mod writer;
mod written;

pub(crate) use audience::Member;
pub use audit::{AttemptRecord, Timeline, UnknownRow};
pub(crate) use batch::RunRecord;
pub use batch::{Batch, BatchName, NewBatch};
pub use change::Change;
pub(crate) use change::ListChange;
pub use checkpoint::{Reader, Store};
pub use contact::Contact;
pub(crate) use decision::{Decided, DecisionRecord};
pub use earlier::Messaged;
pub(crate) use earlier::MessagedDecision;
pub use error::StoreError;
pub use event::{Incoming, Taken};
pub(crate) use forget::ForgetError;
pub(crate) use funnel::Funnel;
pub use history::Verdict;
pub use ids::{BatchId, RecipientId};
pub(crate) use import::{ImportedRow, Restored};
pub(crate) use journal::QuotaUpdate;
pub use journal::{Claim, ClaimRules, Claimed, Journal, Opening, Settled, Settlement, Window};
pub(crate) use late::LateRefusal;
pub(crate) use lock::{Hold, Holder};
pub(crate) use lookup::Lookup;
pub(crate) use metrics::Metrics;
pub use outage::OutageRecord;
pub(crate) use person_rows::PersonRow;
pub(crate) use pilot::{NewPilot, PilotPeople};
pub(crate) use place::Place;
pub(crate) use prune::OldBatch;
pub use refusal::HeldText;
pub use remembered::Lately;
pub use resolve::Decision;
pub(crate) use resolve::Proof;
pub(crate) use results::{NotReached, ResultRow};
pub(crate) use retry::RefusedRow;
pub use suppression::SuppressionEntry;
pub use tally::Counts;
pub(crate) use test_message::{TestClaim, TestIntent, TestResult};
pub(crate) use written::{WrittenFile, enter_file};
