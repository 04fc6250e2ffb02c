//! Why a file is not written to.

use std::path::{Path, PathBuf};

/// A path that is not written to. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{flag} {}{why}", path.display())]
pub struct FileClash {
    flag: &'static str,
    path: PathBuf,
    why: Clash,
}

/// What is in the way; its text follows the path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Clash {
    /// The file has another use: which.
    #[error(" is {0}: writing there would destroy it. Nothing was written; name another file")]
    Used(String),
    /// Another program wrote it, or it was changed.
    #[error(
        ": the file that is there was not written from this checkpoint, or was changed since. Nothing was written; name another file, or overwrite it with --force"
    )]
    Stands,
    /// A file stands there, and none is written over.
    #[error(
        ": a file is there already, and a backup is never written over one. Nothing was written; name another file, with the date in its name"
    )]
    Taken,
    /// A named pipe stands there: opening it would wait, perhaps without end, for a reader.
    #[error(
        " is a named pipe. Nothing was written; name a file, or let `outreach export BATCH -o -` write into a pipe"
    )]
    Pipe,
    /// It cannot be written, for this reason.
    #[error(
        " cannot be written: {0}. Nothing was written or sent; name another file, or mend its folder"
    )]
    Unwritable(String),
    /// A folder stands there.
    #[error(" is a folder. Nothing was written; name a file")]
    Folder,
}

impl FileClash {
    /// `flag` is the one whose value is `path`.
    pub(super) fn new(flag: &'static str, path: &Path, why: Clash) -> Self {
        let path = path.to_owned();
        Self { flag, path, why }
    }

    /// Whether the file system is at fault, and not the choice of the path.
    pub(super) fn is_of_storage(&self) -> bool {
        match self.why {
            Clash::Unwritable(_) => true,
            Clash::Used(_) | Clash::Stands | Clash::Taken | Clash::Pipe | Clash::Folder => false,
        }
    }
}
