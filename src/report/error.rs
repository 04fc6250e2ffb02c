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
    /// There is no such column.
    #[error("there is no column `{column}`; there are: {present}")]
    NoColumn {
        /// What was asked for.
        column: String,
        /// What there is.
        present: String,
    },
    /// A sheet cannot hold the rows.
    #[error(
        "a sheet holds 1,048,576 rows, the header among them, and there are more: name a file that ends in .csv or \
         .jsonl"
    )]
    SheetRows,
    /// A sheet cannot hold the columns.
    #[error(
        "a sheet holds 16,384 columns, and there are {0}: name a file that ends in .csv or .jsonl"
    )]
    SheetColumns(usize),
    /// A cell of a sheet cannot hold the text.
    #[error(
        "row {0} of the sheet has a cell with more than 32,767 characters, which no sheet holds: name a file that \
         ends in .csv or .jsonl"
    )]
    SheetCell(u64),
}

impl ReportError {
    /// Names the file where only "what it was written to" is known.
    pub(super) fn at(self, path: &Path) -> Self {
        match self {
            Self::Out(source) => Self::File {
                path: path.to_owned(),
                source,
            },
            Self::Store(_)
            | Self::File { .. }
            | Self::NoColumn { .. }
            | Self::SheetRows
            | Self::SheetColumns(_)
            | Self::SheetCell(_) => self,
        }
    }
}

impl From<csv::Error> for ReportError {
    fn from(error: csv::Error) -> Self {
        Self::Out(error.into())
    }
}
