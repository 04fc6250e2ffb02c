//! The states of a batch.

use std::fmt;

use super::worded::worded_enum;

/// Who goes on with a batch, as its state says, that had nobody left before an event queued people: any worker.
pub(crate) const BY_EVENT: &str = "event";

/// What ended a run of a batch, as its state says, that was interrupted because its checkpoint could not grow.
pub(crate) const BY_FULL_DISK: &str = "disk";

worded_enum! {
    /// Where a batch stands, as it is stored.
    ///
    /// A batch that is `Running` or `Waiting` and that no process holds was interrupted.
    pub enum BatchState: "a state of a batch" {
        /// Its list is being read; nothing of it may be sent.
        Reading = "reading",
        /// Read, and not confirmed.
        Draft = "draft",
        /// Being sent.
        Running = "running",
        /// Held by a process that waits for a time.
        Waiting = "waiting",
        /// Paused by a person, a deadline, a signal or the end of a pilot.
        Paused = "paused",
        /// Stopped by a guard.
        Stopped = "stopped",
        /// Nobody is queued, and events may still queue people: a follow-up.
        Open = "open",
        /// Everybody is settled.
        Complete = "complete",
        /// Given up.
        Cancelled = "cancelled",
    }
}

impl BatchState {
    /// Whether its people count as messaged without a limit of time. A batch that was given up does too: its
    /// list may come back under another name.
    pub const fn is_unfinished(self) -> bool {
        match self {
            Self::Reading
            | Self::Draft
            | Self::Running
            | Self::Waiting
            | Self::Paused
            | Self::Stopped
            | Self::Open
            | Self::Cancelled => true,
            Self::Complete => false,
        }
    }
}

/// Where a batch stands, as far as it can be seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As it was stored last.
    Stored(BatchState),
    /// It was being sent, and no process holds it any more.
    Interrupted,
}

impl Standing {
    /// `is_held`: a process holds the batch.
    pub const fn of(state: BatchState, is_held: bool) -> Self {
        match state {
            BatchState::Running | BatchState::Waiting if !is_held => Self::Interrupted,
            BatchState::Reading
            | BatchState::Draft
            | BatchState::Running
            | BatchState::Waiting
            | BatchState::Paused
            | BatchState::Stopped
            | BatchState::Open
            | BatchState::Complete
            | BatchState::Cancelled => Self::Stored(state),
        }
    }

    /// The word in tables and in `--json`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stored(state) => state.word(),
            Self::Interrupted => "interrupted",
        }
    }
}

/// What keeps a batch from being sent, by any sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PausedBy {
    /// A person paused it: it waits for a person who goes on.
    Person(String),
    /// The checkpoint asks for the approval of a second person.
    Approval,
}

impl PausedBy {
    const PERSON: &str = "person:";

    /// What is kept of who paused the batch.
    pub(crate) fn kept(&self) -> String {
        match self {
            Self::Person(name) => format!("{}{name}", Self::PERSON),
            Self::Approval => "approval".to_owned(),
        }
    }

    /// The person who paused it, by what is kept.
    pub(crate) fn person(kept: &str) -> Option<Self> {
        let name = kept.strip_prefix(Self::PERSON)?;
        Some(Self::Person(name.to_owned()))
    }
}

impl fmt::Display for PausedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => write!(f, "{name} paused it on the console"),
            Self::Approval => f.write_str("a second person must approve it on the console"),
        }
    }
}
