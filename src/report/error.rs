//! Why a report could not be written. Its content is safe in the checkpoint all the same.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// A report that could not be made or written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The checkpoint could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it was written to failed.
    #[error("cannot be written: {0}")]
    Out(#[from] io::Error),
    /// The file could not be written.
    #[error(
        "{} cannot be written (name another file, or mend its folder): {source}",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ReportError {
    /// Names the file where only "what it was written to" is known.
    pub(super) fn at(self, path: &Path) -> Self {
        match self {
            Self::Out(source) => Self::File {
                path: path.to_owned(),
                source,
            },
            Self::Store(_) | Self::File { .. } => self,
        }
    }
}

impl From<csv::Error> for ReportError {
    fn from(error: csv::Error) -> Self {
        Self::Out(error.into())
    }
}
