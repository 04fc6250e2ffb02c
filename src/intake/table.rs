//! A file as it stands: all columns, all rows, the hidden ones too, nothing judged. For files that this program wrote.

use super::error::IntakeError;
use super::file::FileInput;
use super::header::{HeaderWords, is_ours};
use super::open::open;
use super::opened::Opened;
use super::settings::{HiddenRows, Settings};
use super::source::{FileDigest, Source};
use crate::domain::dialect::ListFormat;
use crate::domain::recipient::Record;
use crate::domain::spreadsheet::unguard;

/// A file with a header, examined.
pub(crate) struct Table {
    file: FileInput,
    names: Vec<String>,
    format: ListFormat,
}

impl Table {
    /// Examines the file: reads it once, whole.
    ///
    /// # Errors
    /// [`IntakeError`] if it cannot be read, or has no header.
    pub(crate) fn open(source: &Source, settings: &Settings) -> Result<Self, IntakeError> {
        let whole = Settings {
            hidden_rows: Some(HiddenRows::Send),
            ..settings.clone()
        };
        let Opened {
            name,
            layout,
            header,
            as_typed,
            digest,
            format,
            ..
        } = open(source, &whole)?;
        let names = header.names;
        let file = FileInput {
            name,
            columns: (0..names.len()).collect(),
            width: names.len(),
            guarded: !as_typed && names.iter().any(|name| is_ours(name)),
            mends: None,
            earlier: None,
            layout,
            header_row: header.row,
            digest,
            header: HeaderWords::default(),
            phones: Vec::new(),
        };
        Ok(Self {
            file,
            names,
            format,
        })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.file.name
    }

    /// The SHA-256 of its bytes.
    pub(crate) fn digest(&self) -> FileDigest {
        self.file.digest
    }

    /// What it is.
    pub(crate) fn format(&self) -> ListFormat {
        self.format
    }

    /// Its columns.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether a column is one that this program adds.
    pub(crate) fn is_ours(name: &str) -> bool {
        is_ours(name)
    }

    /// Hands all rows that are not blank to `take`, in order, each with its number.
    ///
    /// # Errors
    /// [`IntakeError`] if the file cannot be read to its end, or what `take` returns.
    pub(crate) fn rows<E: From<IntakeError>>(
        &self,
        mut take: impl FnMut(u32, &Record) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut failed = None;
        let whole = self.file.for_each_block(&mut |block| {
            for (row, fields) in block.iter().filter(|(_, fields)| !fields.is_blank()) {
                let texts = fields.iter().map(|field| {
                    let text = std::str::from_utf8(field).unwrap_or("\u{fffd}");
                    if self.file.guarded {
                        unguard(text)
                    } else {
                        text
                    }
                });
                if let Err(error) = take(row, &texts.collect()) {
                    failed = Some(error);
                    return false;
                }
            }
            true
        });
        match failed {
            Some(error) => Err(error),
            None => whole.map(|_| ()).map_err(E::from),
        }
    }
}
