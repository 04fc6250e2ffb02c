//! Why a call of the library failed, in words for people, and the exit code that it stands for.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::clash::FileClash;
use super::history::HistoryError;
use super::mismatch::Mismatch;
use super::numbers::NumberError;
use crate::amio::{ApiError, BaseUrlError, ClientError};
use crate::dispatch::RunFailure;
use crate::domain::content::ContentError;
use crate::exit::ExitCode;
use crate::intake::{IntakeError, JudgeError};
use crate::report::{ReportError, minute, quoted};
use crate::sandbox::SandboxError;
use crate::store::{ForgetError, StoreError};

/// The checkpoint of rehearsals, in the current folder, unless another file is named for this very run.
pub const REHEARSALS: &str = "sandbox.db";

/// A call that failed. Nothing was sent that the checkpoint does not know.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The checkpoint failed, is held, or has no such batch.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The contacts file cannot be used.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The message cannot be what is sent to this list.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The message for another channel cannot be what is sent to this list.
    #[error("the message for channel {channel}: {source}")]
    OtherContent {
        /// The channel.
        channel: String,
        /// Why not.
        #[source]
        source: ContentError,
    },
    /// A file could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The client of the API could not be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The API's address is not usable.
    #[error(transparent)]
    BaseUrl(#[from] BaseUrlError),
    /// A run was ended by a failure of this program.
    #[error(transparent)]
    Run(#[from] RunFailure),
    /// A person cannot be erased now.
    #[error(transparent)]
    Forget(#[from] ForgetError),
    /// The built-in sandbox did not start.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The message list of the API could not be asked.
    #[error(
        "the API cannot be asked; what was proven so far is settled, the rest stays unknown: {0}"
    )]
    Evidence(#[source] ApiError),
    /// The reserve is as large as the quota: nothing can be asked.
    #[error(
        "the reserve leaves nothing of the API's quota of {limit} requests: the API cannot be asked; make --reserve smaller (OUTREACH_RESERVE)"
    )]
    Reserve {
        /// The quota of a window.
        limit: u64,
    },
    /// A value has no JSON form: a defect.
    #[error("a value cannot be stored: {0}")]
    Json(#[from] serde_json::Error),
    /// There is no checkpoint, neither of real batches nor of rehearsals.
    #[error(
        "there is no checkpoint {}: nothing was sent yet; another one is named with --db",
        .0.display()
    )]
    NoCheckpoint(PathBuf),
    /// There is a checkpoint of rehearsals only.
    #[error(
        "there is no checkpoint {}; to continue the rehearsals in {REHEARSALS}, add --sandbox",
        .0.display()
    )]
    OnlyRehearsals(PathBuf),
    /// A file is not written to.
    #[error(transparent)]
    File(#[from] FileClash),
    /// The environment names no home, and no setting the checkpoint.
    #[error(
        "the checkpoint has no place: neither XDG_DATA_HOME nor HOME is set; name the file with --db, OUTREACH_DB or db in the settings file"
    )]
    NoHome,
    /// A number that was typed is not understood.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// The user did not wait any longer for a checkpoint that cannot be written.
    #[error(
        "stopped as asked, but the checkpoint could not be written: another program holds it (a database browser?). What was under way is called unknown when batch {0} goes on: `outreach resume {name}`",
        name = quoted(.0)
    )]
    Abandoned(String),
    /// The run did not move, and nothing says what it waited for: a defect, or damage.
    #[error(
        "the run stood still: {queued} recipients of batch {batch} are queued, no request is under way, and nothing says what they wait for. What is known is in the checkpoint. `outreach doctor` checks it; if it is sound, please report this"
    )]
    StoodStill {
        /// The batch.
        batch: String,
        /// Recipients that are queued.
        queued: u64,
    },
    /// The batch was given up.
    #[error(
        "batch {batch} was cancelled by {by} on {}: nothing was sent; `outreach resume {} --undo-cancel` takes it up again",
        minute(*since), quoted(batch)
    )]
    Cancelled {
        /// The batch.
        batch: String,
        /// Who gave it up.
        by: String,
        /// When.
        since: Timestamp,
    },
    /// Another process works on the folder of a night.
    #[error(
        "the lists of {} are sent by process {pid} since {since}: nothing was done; wait for it, or stop it",
        folder.display()
    )]
    NightUnderWay {
        /// The folder.
        folder: PathBuf,
        /// The other process.
        pid: String,
        /// Since when, RFC 3339.
        since: String,
    },
    /// A file does not say who was messaged.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// What was asked does not fit the batch.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

impl RunError {
    /// The checkpoint that is not the one that was last used, if that is the failure.
    pub fn replaced_checkpoint(&self) -> Option<&Path> {
        if let Self::Store(StoreError::Misfit { path, .. }) = self {
            return Some(path);
        }
        None
    }

    /// Whether there is no room on a disk.
    pub(super) fn is_full_disk(&self) -> bool {
        if let Self::Store(error)
        | Self::Report(ReportError::Store(error))
        | Self::Run(RunFailure::Store(error)) = self
        {
            return matches!(error.cause(), StoreError::Full);
        }
        let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
        matches!(
            self,
            Self::Report(ReportError::Out(error) | ReportError::File { source: error, .. })
                if full.contains(&error.kind())
        )
    }

    /// How a program ends after this error.
    pub fn exit(&self) -> ExitCode {
        match self {
            Self::Store(error)
            | Self::Forget(ForgetError::Store(error))
            | Self::Report(ReportError::Store(error))
            | Self::Run(RunFailure::Store(error)) => store_exit(error),
            Self::Report(
                ReportError::Out(_) | ReportError::File { .. } | ReportError::SheetCell(_),
            )
            | Self::NoCheckpoint(_)
            | Self::OnlyRehearsals(_) => ExitCode::Storage,
            Self::File(clash) if clash.is_of_storage() => ExitCode::Storage,
            Self::Forget(ForgetError::UnderWay { .. }) | Self::NightUnderWay { .. } => {
                ExitCode::Held
            }
            Self::Intake(_) | Self::History(_) => ExitCode::Input,
            Self::Report(
                ReportError::SheetRows
                | ReportError::SheetColumns(_)
                | ReportError::NoColumn { .. },
            )
            | Self::Content(_)
            | Self::OtherContent { .. }
            | Self::Mismatch(_)
            | Self::Number(_)
            | Self::File(_) => ExitCode::Usage,
            Self::NoHome | Self::Client(_) | Self::BaseUrl(_) | Self::Reserve { .. } => {
                ExitCode::Configuration
            }
            Self::Evidence(error) => api_exit(error),
            Self::Run(RunFailure::Defect { .. })
            | Self::StoodStill { .. }
            | Self::Sandbox(_)
            | Self::Json(_) => ExitCode::Internal,
            Self::Abandoned(_) | Self::Cancelled { .. } => ExitCode::Paused,
        }
    }
}

fn store_exit(error: &StoreError) -> ExitCode {
    match error {
        StoreError::Unusable { source, .. } | StoreError::InPart { source, .. } => {
            store_exit(source)
        }
        StoreError::Held { .. } => ExitCode::Held,
        StoreError::NoBatch { .. } => ExitCode::Usage,
        // A defect of this program, not of the disk.
        StoreError::Impossible(_) => ExitCode::Internal,
        StoreError::Full
        | StoreError::ReadOnly
        | StoreError::Busy
        | StoreError::Corrupt { .. }
        | StoreError::LostCompanion { .. }
        | StoreError::Foreign
        | StoreError::Newer { .. }
        | StoreError::Older { .. }
        | StoreError::Unfinished
        | StoreError::Misfit { .. }
        | StoreError::Open { .. }
        | StoreError::Value { .. }
        | StoreError::Stopped
        | StoreError::InUse { .. }
        | StoreError::NoRoomForCopy { .. }
        | StoreError::Database { .. }
        | StoreError::Damaged { .. }
        | StoreError::Cluster { .. }
        | StoreError::File { .. } => ExitCode::Storage,
    }
}

fn api_exit(error: &ApiError) -> ExitCode {
    match error {
        ApiError::Refused {
            status: 401 | 403 | 407,
            ..
        } => ExitCode::Guard,
        ApiError::Refused { .. } | ApiError::NoAnswer { .. } | ApiError::Unreadable { .. } => {
            ExitCode::Paused
        }
    }
}

impl<E: Into<Self>> From<JudgeError<E>> for RunError {
    fn from(error: JudgeError<E>) -> Self {
        match error {
            JudgeError::Intake(error) => error.into(),
            JudgeError::Sink(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_follows_from_the_cause() {
        let held = StoreError::Held {
            batch: "spring".into(),
            pid: "7".into(),
            since: "now".into(),
        };
        let missing = StoreError::NoBatch {
            name: "sprong".into(),
            near: Some("spring".into()),
        };
        let defect = RunFailure::Defect {
            text: "panicked".into(),
        };
        let sink: JudgeError<StoreError> = JudgeError::Sink(StoreError::Busy);
        for (error, exit) in [
            (RunError::from(held), ExitCode::Held),
            (missing.into(), ExitCode::Usage),
            (StoreError::Full.into(), ExitCode::Storage),
            (
                ReportError::Store(StoreError::Full).into(),
                ExitCode::Storage,
            ),
            (defect.into(), ExitCode::Internal),
            (IntakeError::NoFile.into(), ExitCode::Input),
            (sink.into(), ExitCode::Storage),
            (Mismatch::NoMessage.into(), ExitCode::Usage),
            (RunError::Abandoned("spring".into()), ExitCode::Paused),
        ] {
            assert_eq!(error.exit(), exit, "{error}");
        }
    }
}
