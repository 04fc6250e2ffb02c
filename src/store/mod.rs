//! The checkpoint: one SQLite file that knows every recipient's state. The only place with SQL.
//!
//! - Durable: WAL with `synchronous=FULL`. What a method returned as done is on disk.
//! - One writer: a thread owns the write connection and commits in groups. Readers use
//!   connections of their own and work at any time, beside a sending process too.
//! - One holder for a batch: an OS file lock that dies with its process ([`Hold`]).
//! - The key of a recipient is its batch and its place in it; work goes in that order, and people, requests
//!   and ids of the API follow it, so that the pages of a group commit are neighbours.
//! - A person stands in one row, and all that concerns a person is found by its id.
//!
//! # Files
//!
//! - The file of the checkpoint: `checkpoint` opens it; `file`, `place`, `schema`, `upgrade`, `tuning`, `lock`, `log` (the
//!   write-ahead log), `temporary`, `backup`, `reserve` (room on a full disk), `faults` (the check of all of it), `seen`.
//! - Whether it is the one that was last used: `home`, `mark`, `openings`, `misfit`.
//! - Writing: `writer`, `transaction`, `turns`, `steps`, `query` (short forms of statements), `columns`, `ids`, `keys`,
//!   `node` (single values), `error`.
//! - A batch: `batch`, `batches`, `policy` and `kept` (what it keeps of what was asked for), `tally` and `counts`,
//!   `decision` (the audit), `pause`, `cancel`, `pilot`, `workers`, `halt`, `outage`, `written` and `outdate` (its files).
//! - The rows of a batch: `loader`, `change`, `results`, `audit` (their timelines), `hours`, `not_before`, `retry`,
//!   `resolve`, `refusal`, `recent` (the latest refusals), `fallback`, `follow_up`.
//! - A run: `journal`, `attempt` (the requests), `history` and `past` (whether a person may be messaged), `quota`,
//!   `remembered` (the requests of the last hour), `clock_notes`, `runs` (who shares the connections), `lookup`,
//!   `test_message`.
//! - People: `person`, `person_rows`, `contact`, `contacts` and `contacts_listed`, `channel`, `suppression`, `hashed`, `unread`, `known`,
//!   `audience`, `earlier`, `forget`, `prune`.
//! - What is learned after an answer: `event`, `evidence`, `reply`, `stands` (a message that was accepted), `funnel`,
//!   `import` and `same_batch` (results files).
//! - Several machines: `cluster`, `replica`, `begin_anew`. For the console and for monitoring: `session`, `metrics`.

mod attempt;
mod audience;
mod audit;
mod backup;
mod batch;
mod batches;
mod begin_anew;
mod cancel;
mod change;
mod channel;
mod checkpoint;
mod clock_notes;
pub(crate) mod cluster;
mod columns;
mod contact;
mod contacts;
mod contacts_listed;
mod counts;
mod decision;
mod earlier;
mod error;
mod event;
mod evidence;
mod fallback;
mod faults;
mod file;
mod follow_up;
mod forget;
mod funnel;
mod halt;
mod hashed;
mod history;
mod home;
mod hours;
mod ids;
mod import;
mod journal;
mod kept;
mod keys;
mod known;
mod loader;
mod lock;
mod log;
mod lookup;
mod mark;
pub(crate) mod metrics;
mod misfit;
mod node;
mod not_before;
mod openings;
mod outage;
mod outdate;
mod past;
mod pause;
mod person;
mod person_rows;
mod pilot;
mod place;
mod policy;
mod prune;
mod query;
mod quota;
mod recent;
mod refusal;
mod remembered;
mod replica;
mod reply;
mod reserve;
mod resolve;
mod results;
mod retry;
mod runs;
mod same_batch;
mod schema;
mod seen;
mod session;
mod stands;
mod steps;
mod suppression;
mod tally;
mod temporary;
mod test_message;
mod transaction;
mod tuning;
mod turns;
mod unread;
mod upgrade;
mod workers;
mod writer;
mod written;

pub(crate) use audience::Member;
pub use audit::{AttemptRecord, Timeline, UnknownRow};
pub use batch::{Batch, BatchName, NewBatch};
pub(crate) use batch::{RESTORED, RunRecord};
pub use change::Change;
pub(crate) use change::{DecidedWithList, ListChange, MendPlace};
pub use checkpoint::{Reader, Store};
pub use contacts::Contact;
pub(crate) use contacts::ContactMessage;
pub use contacts_listed::ContactsTaken;
pub(crate) use decision::{Decided, DecisionRecord};
pub use earlier::Messaged;
pub(crate) use earlier::{MessagedDecision, SkippedBatch};
pub use error::StoreError;
pub use event::{Incoming, Taken};
pub(crate) use faults::{Depth, FoundSound};
pub(crate) use file::{check_plain, is_named_pipe, make_private_folder};
pub(crate) use forget::{Erased, ForgetError};
pub(crate) use funnel::{AFTERWARDS, Funnel};
pub use hashed::HashesTaken;
pub(crate) use history::Past;
pub use history::PersonVerdict;
pub use ids::{BatchId, RecipientId};
pub(crate) use import::{ImportedRow, Restored};
pub(crate) use journal::QuotaUpdate;
pub use journal::{Claim, ClaimRules, Claimed, Journal, Opening, Settled, Settlement, Window};
pub(crate) use known::KnownPerson;
pub(crate) use loader::Loader;
pub(crate) use lock::{Hold, Holder};
pub(crate) use lookup::Lookup;
pub(crate) use metrics::Metrics;
pub(crate) use misfit::Misfit;
pub use outage::OutageRecord;
pub(crate) use pause::{Approval, OwnWork};
pub(crate) use person_rows::PersonRow;
pub(crate) use pilot::{NewPilot, PilotPeople};
pub(crate) use place::Place;
pub use prune::OldBatch;
pub(crate) use recent::{RecentRefusal, RecentRow};
pub use refusal::HeldText;
pub use remembered::LookBack;
pub(crate) use reply::{Answer, Answered, KeptCounts, KeptEvent};
pub use resolve::Decision;
pub(crate) use resolve::FoundMessage;
pub(crate) use results::{NotReached, ResultRow, RowContent};
pub(crate) use retry::RefusedRow;
pub(crate) use runs::MayAsk;
pub(crate) use same_batch::ImportedMessage;
pub(crate) use same_batch::ListDifference;
pub(crate) use seen::Seen;
pub(crate) use session::KeptSession;
pub(crate) use steps::at_most;
pub(crate) use suppression::{Held, ListEntry, Listed};
pub use tally::Counts;
pub(crate) use temporary::{TemporaryFile, folder_of, remove_left};
pub(crate) use test_message::{TestClaim, TestIntent, TestResult};
pub(crate) use unread::UnreadFrom;
pub use upgrade::OldCopy;
pub(crate) use written::{FiledList, ResultsFile, WrittenFile, enter_file, enter_list, leave_list};
