//! How a batch is to go on, and what became of it: what the commands that send exchange with [`super::run`].

use std::path::PathBuf;

use crate::exit::ExitCode;
use crate::run::{Counts, Ended, PausedBy, PilotSettings};

/// A batch that was to be sent.
#[derive(Debug)]
pub(super) struct Outcome {
    /// How the program ends.
    pub(super) exit: ExitCode,
    /// The batch; `None` where it did not come so far.
    pub(super) batch: Option<String>,
    /// Whether rows were queued before.
    pub(super) had_queued: bool,
    /// How its run ended; `None` if the answer was no.
    pub(super) ended: Option<Ended>,
    /// The results file.
    pub(super) results: Option<PathBuf>,
    /// The rows to mend, if a list was read that has any.
    pub(super) rejects: Option<PathBuf>,
    /// Why it was not sent, if no run ended.
    pub(super) not_sent: &'static str,
    /// Who kept it from being begun, and how its rows stand.
    pub(super) kept_back: Option<(PausedBy, Counts)>,
}

/// How a batch goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct StartOptions {
    /// The refusals that stopped the batch do mean "no Messenger".
    pub(super) confirm: bool,
    /// Who gets the message before the rest.
    pub(super) pilot: Option<PilotSettings>,
    /// A person takes it up.
    pub(super) resumed: bool,
    /// Its list was read just now, with a report of its people.
    pub(super) was_read: bool,
}

impl StartOptions {
    /// As its list is sent, which was read just now or before.
    pub(super) fn send(pilot: Option<PilotSettings>, was_read: bool) -> Self {
        Self {
            confirm: false,
            pilot,
            resumed: false,
            was_read,
        }
    }

    /// As a worker takes it up.
    pub(super) fn worker() -> Self {
        Self::send(None, false)
    }

    /// As it is resumed.
    pub(super) fn resume(confirm: bool) -> Self {
        Self {
            confirm,
            pilot: None,
            resumed: true,
            was_read: false,
        }
    }
}

impl Outcome {
    /// The answer was no.
    pub(super) fn declined(batch: Option<String>) -> Self {
        Self {
            exit: ExitCode::Paused,
            batch,
            had_queued: true,
            ended: None,
            results: None,
            rejects: None,
            not_sent: "the answer was no",
            kept_back: None,
        }
    }
}
