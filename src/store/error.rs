//! What can go wrong with the checkpoint. Any of it stops sending.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};

use super::misfit::Misfit;
use crate::cluster::LogError;
use crate::domain::delivery::ImpossibleTransition;

/// A failure of the checkpoint. The text says what happened and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, or takes no more of this user or file.
    #[error(
        "the disk that holds the checkpoint is full, or a quota or a limit on the size of files is reached; free some space and run the same command again; an answer that could not be written any more is unknown then"
    )]
    Full,
    /// A part of the numbers is on the suppression list.
    #[error("{done} of {of} numbers are on the suppression list, the others are not yet: {source}")]
    InPart {
        /// Numbers that are on it.
        done: usize,
        /// All that were to be.
        of: usize,
        /// Why not all of them.
        source: Box<StoreError>,
    },
    /// The disk has no room for the copy that is kept when an old checkpoint is upgraded.
    #[error(
        "the checkpoint was written by an earlier version of this program (version {version}), and the disk has no room for the copy that is kept of it; free some space and run the same command again, or run `outreach checkpoint upgrade --no-copy`; nothing was changed"
    )]
    NoRoomForCopy {
        /// Version of the file.
        version: u32,
    },
    /// The file or its folder cannot be written.
    #[error(
        "the checkpoint, or a file that SQLite keeps beside it, cannot be written (read-only file, folder or file system); make it writable and run the same command again"
    )]
    ReadOnly,
    /// Another program keeps the database locked.
    #[error(
        "another program has locked the checkpoint for too long; close it (a database browser?) and run the same command again"
    )]
    Busy,
    /// The file is damaged.
    #[error(
        "the checkpoint is damaged ({detail}); restore a copy, `outreach doctor` says more. Do not send from a new one before you know who was messaged: the results files say it"
    )]
    Corrupt {
        /// SQLite's word for it.
        detail: String,
    },
    /// A file that belongs to the open checkpoint was deleted or replaced.
    #[error(
        "{} was deleted or replaced while the checkpoint was in use: what this process writes is no longer seen by others, and they could damage it. Nothing more is sent; what is known is in the checkpoint once this process ends. End every other outreach process that uses it, let `outreach doctor` check it, then run the same command again", path.display()
    )]
    LostCompanion {
        /// The file.
        path: PathBuf,
    },
    /// Not a database of this program.
    #[error("this database belongs to another program; name another file with --db")]
    Foreign,
    /// Written by a newer version of this program.
    #[error(
        "the checkpoint has version {found}, this program knows up to {known}; use the newer program that wrote it"
    )]
    Newer {
        /// Version of the file.
        found: u32,
        /// Version that this program writes.
        known: u32,
    },
    /// Written by an earlier version of this program, and only a process that writes migrates it.
    #[error(
        "the checkpoint was written by an earlier version of this program (version {found}, now {known}); run `outreach checkpoint upgrade` once (`outreach doctor` does it too), which brings it forward and keeps all that it holds"
    )]
    Older {
        /// Version of the file.
        found: u32,
        /// Version that this program writes.
        known: u32,
    },
    /// A file that was begun and never became a checkpoint.
    #[error(
        "the checkpoint is empty: it was not finished when it was made (the disk was full, or the program was ended); nothing was ever kept in it, and the next list that is sent makes it anew"
    )]
    Unfinished,
    /// Another process has the file open, and it must be brought to a newer version.
    #[error(
        "the checkpoint must be brought to version {known}, and another process has it open; end that process (a run, `serve`, a database browser), then run the same command again"
    )]
    InUse {
        /// Version that this program writes.
        known: u32,
    },
    /// A file that is there cannot be used as a checkpoint.
    #[error("{}: {source}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<Self>,
    },
    /// It is not the checkpoint that was last used, as far as can be known.
    #[error("the checkpoint {} {misfit}", path.display())]
    Misfit {
        /// The file.
        path: PathBuf,
        /// Why not.
        misfit: Misfit,
    },
    /// The file cannot be opened at all.
    #[error("cannot open the checkpoint {}: {detail}; --db names another one", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        detail: String,
    },
    /// Another process works on this batch.
    #[error("batch {batch} is held by process {pid} since {since}; wait for it, or stop it")]
    Held {
        /// The batch.
        batch: String,
        /// The other process.
        pid: String,
        /// Since when, RFC 3339.
        since: String,
    },
    /// No such batch.
    #[error("there is no batch `{name}` in this checkpoint{}", near.as_deref().map_or_else(|| "; `outreach status` lists them all".to_owned(), |near| format!("; did you mean `{near}`?")))]
    NoBatch {
        /// The name that was asked for.
        name: String,
        /// A similar name, if there is one.
        near: Option<String>,
    },
    /// A state change that cannot be.
    #[error(transparent)]
    Impossible(#[from] ImpossibleTransition),
    /// A value in the database is not what was stored there.
    #[error("the checkpoint holds a value that cannot be: {detail}")]
    Value {
        /// Which.
        detail: String,
    },
    /// The writer thread ended early: its own error was reported before this one.
    #[error("the checkpoint writer has stopped after an earlier failure")]
    Stopped,
    /// Any other failure of the database.
    #[error(
        "the checkpoint failed: {detail}; run the same command again, and `doctor` if it persists"
    )]
    Database {
        /// SQLite's word for it.
        detail: String,
    },
    /// A copy that was written is not sound.
    #[error(
        "{}: the copy is damaged and was removed ({fault}); try another disk, and `outreach doctor` checks the checkpoint itself", path.display()
    )]
    Damaged {
        /// Where the copy was to stand.
        path: PathBuf,
        /// The first fault.
        fault: String,
    },
    /// The log that several nodes share failed, or is not what it was.
    #[error("the cluster: {detail}")]
    Cluster {
        /// What happened, and what to do.
        detail: String,
    },
    /// A file beside the database (lock, temporary) failed.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl From<LogError> for StoreError {
    fn from(error: LogError) -> Self {
        Self::Cluster {
            detail: error.to_string(),
        }
    }
}

impl StoreError {
    /// The text without what every failure of the cluster begins with.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::Cluster { detail } => detail.clone(),
            error => error.to_string(),
        }
    }

    /// What failed, without the name of the file.
    pub(crate) fn cause(&self) -> &Self {
        if let Self::Unusable { source, .. } | Self::InPart { source, .. } = self {
            source.cause()
        } else {
            self
        }
    }

    /// Whether the file is not the checkpoint that it was, or not whole.
    pub(super) fn is_damage(&self) -> bool {
        matches!(
            self.cause(),
            Self::Corrupt { .. }
                | Self::Foreign
                | Self::Newer { .. }
                | Self::Older { .. }
                | Self::Unfinished
                | Self::Misfit { .. }
                | Self::Value { .. }
        )
    }

    /// The same failure, with the name of the checkpoint that was opened.
    pub(super) fn opening(self, path: &Path) -> Self {
        match self {
            Self::Open { .. }
            | Self::File { .. }
            | Self::LostCompanion { .. }
            | Self::Damaged { .. }
            | Self::Misfit { .. }
            | Self::Cluster { .. }
            | Self::InPart { .. }
            | Self::Unusable { .. } => self,
            Self::Full
            | Self::ReadOnly
            | Self::Busy
            | Self::Corrupt { .. }
            | Self::Foreign
            | Self::Newer { .. }
            | Self::Older { .. }
            | Self::Unfinished
            | Self::InUse { .. }
            | Self::NoRoomForCopy { .. }
            | Self::Held { .. }
            | Self::NoBatch { .. }
            | Self::Impossible(_)
            | Self::Value { .. }
            | Self::Stopped
            | Self::Database { .. } => Self::Unusable {
                path: path.to_owned(),
                source: Box::new(self),
            },
        }
    }

    /// The same failure for each of several waiters.
    pub(super) fn for_waiter(&self) -> Self {
        match self {
            Self::Full => Self::Full,
            Self::ReadOnly => Self::ReadOnly,
            Self::Busy => Self::Busy,
            Self::Corrupt { detail } => Self::Corrupt {
                detail: detail.clone(),
            },
            Self::LostCompanion { path } => Self::LostCompanion { path: path.clone() },
            Self::Foreign => Self::Foreign,
            Self::Newer { found, known } => Self::Newer {
                found: *found,
                known: *known,
            },
            Self::Older { found, known } => Self::Older {
                found: *found,
                known: *known,
            },
            Self::Impossible(transition) => Self::Impossible(*transition),
            Self::Value { detail } => Self::Value {
                detail: detail.clone(),
            },
            Self::Stopped => Self::Stopped,
            Self::Unfinished => Self::Unfinished,
            Self::InUse { known } => Self::InUse { known: *known },
            Self::NoRoomForCopy { version } => Self::NoRoomForCopy { version: *version },
            Self::Unusable { .. }
            | Self::InPart { .. }
            | Self::Misfit { .. }
            | Self::Open { .. }
            | Self::Held { .. }
            | Self::NoBatch { .. }
            | Self::Damaged { .. }
            | Self::File { .. } => Self::Database {
                detail: self.to_string(),
            },
            Self::Database { detail } => Self::Database {
                detail: detail.clone(),
            },
            Self::Cluster { detail } => Self::Cluster {
                detail: detail.clone(),
            },
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // What was read is a type of ours, which says more.
        if let rusqlite::Error::FromSqlConversionFailure(_, _, ours) = &error
            && let Some(ours) = ours.downcast_ref::<Self>()
        {
            return ours.for_waiter();
        }
        let detail = error.to_string();
        // SQLite calls a quota and a limit of the system a failed write.
        let extended = error.sqlite_error().map(|it| it.extended_code);
        if extended.is_some_and(|code| matches!(code, SQLITE_IOERR_WRITE | SQLITE_IOERR_SHMSIZE)) {
            return Self::Full;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            // Where the file itself was opened, a file beside it could not be: nothing can be made there.
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::ReadOnly
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { detail },
            Some(_) | None => Self::Database { detail },
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn a_checkpoint_beside_which_nothing_can_be_made_is_one_that_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outreach.db");
        Connection::open(&path)
            .and_then(|it| it.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)"))
            .unwrap();
        std::fs::create_dir(folder.path().join("outreach.db-wal")).unwrap();
        let failed = Connection::open(&path).unwrap();
        let failed = failed.execute_batch("SELECT * FROM t").unwrap_err();
        assert!(matches!(StoreError::from(failed), StoreError::ReadOnly));
    }
}
