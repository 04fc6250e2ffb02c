//! Why a file is not written to.

use std::path::PathBuf;

/// A path that is not written to. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileClash {
    /// The file has another use.
    #[error(
        "{flag} {} is {use_}: writing there would destroy it. Nothing was written; name another file", path.display()
    )]
    Used {
        /// The flag.
        flag: &'static str,
        /// Its value.
        path: PathBuf,
        /// What the file is.
        use_: String,
    },
    /// Somebody else wrote it, or changed it.
    #[error(
        "{flag} {}: the file that stands there was not written from this checkpoint, or was changed since. Nothing was written; name another file, or write over it with --force",
        path.display()
    )]
    Stands {
        /// The flag.
        flag: &'static str,
        /// Its value.
        path: PathBuf,
    },
    /// A file stands there, and none is written over.
    #[error(
        "{flag} {}: a file is there already, and a backup is never written over one. Nothing was written; name another file, with the date in its name", path.display()
    )]
    Taken {
        /// The flag.
        flag: &'static str,
        /// Its value.
        path: PathBuf,
    },
    /// A named pipe stands there: to open it would wait, perhaps without end, until somebody reads.
    #[error(
        "{flag} {} is a named pipe. Nothing was written; name a file, or let `outreach export BATCH -o -` write into a pipe", path.display()
    )]
    Pipe {
        /// The flag.
        flag: &'static str,
        /// Its value.
        path: PathBuf,
    },
    /// A folder stands there.
    #[error("{flag} {} is a folder. Nothing was written; name a file", path.display())]
    Folder {
        /// The flag.
        flag: &'static str,
        /// Its value.
        path: PathBuf,
    },
}
