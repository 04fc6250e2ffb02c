//! The library: what every front end calls. The command line is one; a program of yours may be another
//! (`examples/library.rs`).
//!
//! ```text
//! List::open -> SendPlan::new -> read -> carry_out -> HeldBatch::send -> write_results
//!                                         HeldBatch::resume --^
//! ```
//!
//! - Nothing here prints, asks or uses a terminal. What is decided comes back as a value, so that a front
//!   end can show it and ask before the next call; a run reports to an [`Observer`] and is stopped by a
//!   [`StopHandle`].
//! - Settings are plain values; none is read from flags, files or the environment.
//! - A function that is not `async` waits for the disk: call it outside an async runtime, or in
//!   `spawn_blocking`.
//! - A batch that is changed or sent is held ([`HeldBatch`]): one process works on it at a time.
//!
//! # Files
//!
//! - A list: `list` opens it, `pass` goes through its rows; `check`, `sample`, `known` (what the checkpoint knows of the
//!   people), `earlier` (other messages that they have), `numbers` (typed by a person).
//! - From a list to a batch: `definition` and `matching` (which batch it is), `plan`, `read_list`, `read_plan`, `fallback`
//!   and `sms` (messages for other channels), `audience` and `follow_up` (people of the checkpoint), `mending` and
//!   `mend_rows` (rows that take the place of others).
//! - A batch: `batch` holds it; `preview`, `forecast`, `halt`, `pilot`, `pause`, `cancel`, `retry`, `resolve` with `lookup`
//!   (what the API knows).
//! - A run: `send`, `settings`, `sender` (to the API), `quota`, `past` (answers of earlier runs), `hours`, `notes`, `wait`,
//!   `observer`, `end`, `sound` (the check of the checkpoint), `rehearsal`, `worker`.
//! - What is read at any time: `status` (batches), `people`, `replies` (events that a person should read).
//! - Files that are written: `export`, `refresh`, `files`, `clash`.
//! - Webhook events: `receiver`.
//! - A night: `night` (the folder), `arrivals`, `filed`.
//! - The checkpoint: `checkpoint` (which one is meant), `adopt`, `backup`, `upgrade`, `prune`, `forget`, `suppress`, `history` (results
//!   files that come back), `unknown_messages`, `doctor` with `prerequisites`, `test_message`.
//! - `error` and `mismatch` say what went wrong.

mod adopt;
mod arrivals;
mod audience;
mod backup;
mod batch;
mod cancel;
mod check;
mod checkpoint;
mod clash;
mod definition;
mod doctor;
mod earlier;
mod end;
mod error;
mod export;
mod fallback;
mod filed;
mod files;
mod follow_up;
mod forecast;
mod forget;
mod halt;
mod history;
mod hours;
mod known;
mod list;
mod lookup;
mod matching;
mod mend_rows;
mod mending;
mod mismatch;
mod night;
mod notes;
mod numbers;
mod observer;
mod pass;
mod past;
mod pause;
mod people;
mod pilot;
mod plan;
mod prerequisites;
mod preview;
mod prune;
mod quota;
mod read_list;
mod read_plan;
mod receiver;
mod refresh;
mod rehearsal;
mod replies;
mod resolve;
mod retry;
mod sample;
mod send;
mod sender;
mod settings;
mod sms;
mod sound;
mod status;
mod suppress;
mod test_message;
mod unknown_messages;
mod upgrade;
mod wait;
mod worker;

pub use crate::amio::BaseUrl;
pub use crate::amio::webhook::WebhookSecrets;
pub use crate::clock::{Clock, Moment};
pub(crate) use crate::dispatch::pacer::core::FALLBACK_RATE;
pub use crate::dispatch::pacer::core::{
    PacerView, Settings as PacerSettings, Source as PaceSource, Why,
};
pub use crate::dispatch::{Cause, GuardSettings, Halt, Outage, ProgressView, RunEnd};
pub use crate::domain::audience::Audience;
pub use crate::domain::batch_state::{BatchState, PausedBy, Standing};
pub use crate::domain::content::{Body, ContentSource, Notice};
pub use crate::domain::dialect::{Delimiter, Dialect};
pub use crate::domain::earlier::Difference;
pub use crate::domain::eligibility::{HistoryOverrides, HistorySpan};
pub use crate::domain::follow_up::{FollowUp, Trigger};
pub use crate::domain::forecast::Forecast;
pub use crate::domain::phone::{PhoneNumber, Reading};
pub use crate::domain::pilot::{Choice, Pilot, PilotSettings, PilotStep};
pub use crate::domain::refusal::{Meaning, RefusalRule};
pub use crate::domain::retention::KeepReason;
pub use crate::domain::run_time::LittleTime;
pub use crate::domain::schedule::Schedule;
pub use crate::domain::sending::{Sending, SendingOverrides, Undecided};
pub use crate::domain::sms::{SmsSettings, SmsTally};
pub use crate::exit::ExitCode;
pub use crate::intake::{
    Corrections, LetterDoubt, LooksInternational, ReadFor, Settings as IntakeSettings, Source,
};
pub(crate) use crate::intake::{EXAMPLES, HiddenRows, Sheets};
pub use crate::report::check::{CheckReport, KnownBatch, KnownLine, KnownPeople, ReplyWindow};
pub use crate::report::{Hints, Local, Selection, StandingReport, Summary};
pub(crate) use crate::store::cluster;
pub(crate) use crate::store::{
    Answer, Answered, AttemptRecord, Contact, ContactMessage, Held, KeptEvent, ListEntry, Listed,
    PersonRow, Timeline,
};
pub use crate::store::{Batch, Change, Counts, Decision, HeldText, UnknownRow};
pub use crate::store::{ContactsTaken, HashesTaken, Messaged, OldBatch, OldCopy, OutageRecord};
pub use adopt::{Adopted, adopt};
pub use arrivals::{Arrival, Arrivals};
pub use audience::{AudienceBatch, AudienceCount, audience_batch, audience_list, count_audience};
pub use backup::back_up;
pub(crate) use batch::newer_lists;
pub use batch::{HeldBatch, ResumeSettings};
pub use check::CheckSettings;
pub use checkpoint::{CheckpointPlace, CheckpointSettings, FoundCheckpoint};
pub use clash::FileClash;
pub use definition::BatchMatch;
pub(crate) use doctor::cluster::cluster_findings;
pub use doctor::{DoctorApi, DoctorSettings, Finding, FindingVerdict, Findings, doctor};
pub use earlier::MessagedBefore;
pub use end::{Ended, Waiting};
pub use error::{REHEARSALS, RunError};
pub use export::{ExportSettings, export, export_file, pruned_at, summary};
pub use fallback::{FallbackChange, FallbackSource, ManyMayFallBack};
pub(crate) use filed::{Became, list_is_gone, other_list};
pub use filed::{ChangedList, ListGone, enter_begun};
pub use files::Files;
pub use follow_up::{FollowUpBatch, FollowUpSettings, reading_follow_up};
pub use forecast::first_forecast;
pub(crate) use forget::forget;
pub use halt::{AfterHalt, AfterHaltCounts};
pub use history::{
    HistoryError, HistoryFile, HistoryImport, HistoryList, Imported, ImportedRows, ImportedWhat,
    ResultsFile, import_history,
};
pub use list::List;
pub(crate) use list::readable;
pub(crate) use mend_rows::{
    MendSettings, MendedRows, RowToMend, join_rows, mend_rows, rows_to_mend, write_rejects,
};
pub use mending::{BatchKnows, KeptList, batch_knows, batch_to_mend};
pub use mismatch::Mismatch;
pub use night::{AfterList, Inbox, InboxList, ListRun, NightFolder, refused_since};
pub use numbers::{NumberError, typed_number, typed_numbers};
pub use observer::{Observer, RunProgress, Started, StopHandle};
pub(crate) use pause::pause;
pub(crate) use people::{Person, contacts, export_contacts, export_contacts_file};
pub(crate) use pilot::to_send as pilot_to_send;
pub use plan::{SendPlan, SendSettings, Unfinished};
pub use preview::{LikelyFallback, Preview, QuotaOf, likely_fallback};
pub use prune::{Pruned, prunable, prune};
pub(crate) use quota::saw_tooth;
pub use read_plan::ReadPlan;
pub(crate) use receiver::{Displaced, Receiver};
pub use refresh::{Exported, export_all};
pub use rehearsal::Rehearsal;
pub(crate) use replies::{answer_events, kept_counts, kept_events};
pub use resolve::{Evidence, RowChoice, SettledRows, UnknownRows};
pub use retry::{Retry, RetryChoice};
pub use sample::{SampleRow, SampleRows};
pub(crate) use send::random_bits;
pub use settings::{Access, RunSettings};
pub(crate) use status::{BatchStatus, BatchWatch, api_of, latest_batch, summaries, timelines};
pub use suppress::{Refusing, Suppressed, suppress};
pub(crate) use suppress::{suppression_list, unsuppress};
pub use test_message::{TestMessage, Tested, suppression};
pub use unknown_messages::{UnknownMessages, messages_unknown_to};
pub use upgrade::upgrade;
pub use wait::{Wait, WaitFor};
pub(crate) use worker::{LeftAlone, WorkerQueue};
