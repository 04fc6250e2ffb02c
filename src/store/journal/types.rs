//! What goes into the journal and what comes out of it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::amio::Addressee;
use crate::domain::batch_state::PausedBy;
use crate::domain::delivery::{Event, State};
use crate::domain::eligibility::HistorySpan;
use crate::domain::fallback::Step;
use crate::domain::outcome::{AttemptOutcome, Receipt};
use crate::domain::phone::PhoneNumber;
use crate::domain::refusal::Meaning;
use crate::store::ids::RecipientId;

/// When a number may be messaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Now.
    Now,
    /// From then on.
    At(Timestamp),
    /// Not before this run must end.
    NotInThisRun,
    /// Never, whatever the run.
    Never,
}

/// When a number may be messaged, asked at a time.
pub type Window = dyn Fn(PhoneNumber, Timestamp) -> Opening + Send + Sync;

/// What changed of the quota since it was asked last, as JSON; `None` if nothing did.
pub(crate) type QuotaUpdate = dyn Fn() -> Option<String> + Send + Sync;

/// What a claim must obey.
#[derive(Clone)]
pub struct ClaimRules {
    /// The repeat guard and `--not-within`.
    pub span: HistorySpan,
    /// Fingerprint of the token whose quota is used.
    pub token: i64,
    /// The recipient's own sending hours, where they are asked for.
    pub window: Option<Arc<Window>>,
}

impl std::fmt::Debug for ClaimRules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClaimRules")
            .field("span", &self.span)
            .field("window", &self.window.is_some())
            .finish_non_exhaustive()
    }
}

/// What the start of a run found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalStart {
    /// Recipients whose answer an earlier process never saw: they are `unknown` now.
    pub interrupted: u64,
}

/// A recipient whose intent is on disk: the request may leave now, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The recipient.
    pub recipient: RecipientId,
    /// Earlier attempts that counted.
    pub attempts: u32,
    /// The number; for logs, masked.
    pub phone: PhoneNumber,
    /// The row, as a spreadsheet numbers it.
    pub row: u32,
    /// How to address the message.
    pub addressee: Addressee,
    /// The JSON of `content`.
    pub content: String,
    /// The JSON of the user's metadata.
    pub metadata: String,
    /// Which of the batch's channels it goes through.
    pub step: Step,
}

/// The answer to a request for the next recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Here it is.
    Claimed(Box<Claimed>),
    /// Other processes used the quota meanwhile, by so many requests: nothing was claimed.
    OthersSpent(u32),
    /// This number of runs shares the token's connections from now on: nothing was claimed.
    SharedBy(u32),
    /// All connections that are allowed, or this run's share of them, are used: nothing was claimed.
    NoConnection,
    /// Many rows were suppressed or passed over; ask again.
    Again,
    /// Nothing of the batch may be sent: nothing was claimed.
    Paused(PausedBy),
    /// No row is free: all are settled or in flight, or wait.
    Exhausted {
        /// When the first of those that wait may be sent.
        opens_at: Option<Timestamp>,
    },
}

/// Whether a run has recipients left that are not under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outstanding {
    /// None.
    None,
    /// At least one may be sent now, or later in this run.
    Some,
    /// Many rows were suppressed or passed over; ask again.
    Retry,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The recipient.
    pub recipient: RecipientId,
    /// The word for the audit.
    pub outcome: AttemptOutcome,
    /// What it does to the recipient.
    pub event: Event,
    /// HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// The text that explains it; empty if nothing needs explaining.
    pub text: String,
    /// What stands before the text in the recipient's reason; empty if the text says it all.
    pub why: &'static str,
    /// What the text of a refusal is known to mean, if the table of refusals has it.
    pub known: Option<Meaning>,
    /// It is a text that says that nothing was sent: it says nothing of an earlier request.
    pub by_text: bool,
    /// The message, if it was accepted.
    pub receipt: Option<Receipt>,
    /// When.
    pub at: Timestamp,
}

/// The state that a settlement led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The state that is on disk now.
    pub state: State,
}
