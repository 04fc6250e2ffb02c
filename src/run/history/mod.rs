//! Who was messaged, read from files: from our results files, or from any list with a number and a date. For a team
//! that comes from a script, and for a checkpoint that is lost.

mod error;
mod imported;
mod list;
mod results;

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use jiff::Timestamp;

use super::error::RunError;
use super::list::List;
use super::mismatch::Mismatch;
use super::suppress::{NumbersToSuppress, Suppressed};
use super::unknown_messages::REHEARSED;
use crate::intake::{Settings, Source, Table};
use crate::report::ResultsColumns;
use crate::store::Store;

pub use error::HistoryError;
pub use imported::{Imported, ImportedRows, ImportedWhat};
pub use list::HistoryList;
pub use results::ResultsFile;

/// A file that says who was messaged, examined.
pub enum HistoryFile {
    /// One of ours.
    Results(Box<ResultsFile>),
    /// A list of another program.
    List(Box<HistoryList>),
}

impl HistoryFile {
    /// Reads the file once, whole. `date` is the column of a foreign list with the dates of the messages; it is
    /// found if not given.
    ///
    /// # Errors
    /// [`RunError`] if the file cannot be used.
    pub fn open(
        path: &Path,
        settings: &Settings,
        date: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, RunError> {
        let source = Source::Path(path.to_owned());
        if source.is_read_once() {
            return Err(HistoryError::Pipe(path.display().to_string()).into());
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        if stem.ends_with(REHEARSED) {
            return Err(HistoryError::Rehearsal(path.display().to_string()).into());
        }
        let table = Table::open(&source, settings)?;
        let columns = ResultsColumns::find(table.names());
        if let Some(columns) = &columns {
            refuse_if_cut(path, &table, columns)?;
        }
        match columns {
            Some(columns) if columns.has_batch() => {
                let file = ResultsFile::open(path, table, columns)?;
                Ok(Self::Results(Box::new(file)))
            }
            Some(columns) => {
                let list = HistoryList::of_results(path, &table, &columns, now)?;
                Ok(Self::List(Box::new(list)))
            }
            None => {
                let list = HistoryList::open(&source, settings, date, now)?;
                Ok(Self::List(Box::new(list)))
            }
        }
    }
}

/// Refuses a results file whose last row is cut off: a part of a message's id, or of a number, is another one's. A
/// spreadsheet may leave out the line break at the end, but no cell.
fn refuse_if_cut(path: &Path, table: &Table, columns: &ResultsColumns) -> Result<(), RunError> {
    if table.format().workbook || ends_with_line(path).unwrap_or(true) {
        return Ok(());
    }
    let (width, mut cut) = (table.names().len(), None);
    table.rows::<RunError>(|row, record| {
        let is_cut = record.len() < width || columns.has_part_of_digest(record);
        cut = is_cut.then_some(row);
        Ok(())
    })?;
    match cut {
        Some(row) => {
            let file = table.name().to_owned();
            Err(HistoryError::Cut { file, row }.into())
        }
        None => Ok(()),
    }
}

/// Whether the last line of the file has its end.
fn ends_with_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-2))?;
    let mut last = [0; 2];
    file.read_exact(&mut last)?;
    // Text of two bytes a letter has a zero in each.
    Ok(last.iter().any(|byte| matches!(byte, b'\n' | b'\r')))
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryImport {
    /// What each file brought.
    pub files: Vec<Imported>,
    /// What was put on the suppression list.
    pub suppressed: Option<Suppressed>,
}

/// Brings the messages of the files into the checkpoint, and the numbers of `stops` onto its suppression list. A
/// checkpoint that is gone is made anew.
///
/// # Errors
/// [`RunError`] if the checkpoint or a file fails; the same call again goes on.
pub fn import_history(
    checkpoint: &Path,
    files: Vec<HistoryFile>,
    stops: Option<List>,
    actor: &str,
    now: Timestamp,
) -> Result<HistoryImport, RunError> {
    let stops = NumbersToSuppress::read(stops)?;
    let store = Store::open_to_import(checkpoint)?;
    if let Some(rehearsal) = store.reader()?.any_batch_of_kind(true)? {
        return Err(Mismatch::HoldsRehearsals(rehearsal).into());
    }
    let source = format!("history import by {actor}");
    let enter = |stops: NumbersToSuppress| stops.enter(&store, None, &source, now);
    let suppressed = stops.map(enter).transpose()?;
    let mut done = HistoryImport {
        suppressed,
        ..HistoryImport::default()
    };
    for file in files {
        match file {
            HistoryFile::Results(file) => done.files.extend(file.bring(&store, actor, now)?),
            HistoryFile::List(list) => done.files.push(list.bring(&store, actor, now)?),
        }
    }
    store.end_rebuilding()?;
    Ok(done)
}
