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
use crate::domain::results_row::REHEARSED;
use crate::exit::ExitCode;
use crate::intake::{Settings, Source, Table};
use crate::report::ResultsColumns;
use crate::store::Store;

pub use error::HistoryError;
pub(super) use imported::NO_CHANNEL;
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
#[derive(Debug, Default)]
pub struct HistoryImport {
    /// What each file brought.
    pub files: Vec<Imported>,
    /// Why files brought nothing.
    pub refused: Vec<RunError>,
    /// What was put on the suppression list.
    pub suppressed: Option<Suppressed>,
}

/// Brings the messages of the files into the checkpoint, and the numbers of `stops` onto its suppression list. A
/// checkpoint that is gone is made anew; nothing is sent from it before an import of which no file was refused.
///
/// # Errors
/// [`RunError`] if the checkpoint fails, or if no file can be used; the same call again goes on.
pub fn import_history(
    checkpoint: &Path,
    files: Vec<Result<HistoryFile, RunError>>,
    stops: Option<List>,
    actor: &str,
    now: Timestamp,
) -> Result<HistoryImport, RunError> {
    let stops = NumbersToSuppress::read(stops)?;
    let mut done = HistoryImport::default();
    let mut opened = Vec::new();
    for file in files {
        opened.extend(done.unless_refused(file)?);
    }
    if opened.is_empty() {
        return done.or_refusal();
    }
    let store = Store::open_to_import(checkpoint)?;
    if let Some(rehearsal) = store.reader()?.any_batch_of_kind(true)? {
        return Err(Mismatch::HoldsRehearsals(rehearsal).into());
    }
    let source = format!("history import by {actor}");
    let enter = |stops: NumbersToSuppress| stops.enter(&store, None, &source, now);
    done.suppressed = stops.map(enter).transpose()?;
    for file in opened {
        let brought = match file {
            HistoryFile::Results(file) => file.bring(&store, actor, now),
            HistoryFile::List(list) => list.bring(&store, actor, now).map(|it| vec![it]),
        };
        let brought = done.unless_refused(brought)?;
        done.files.extend(brought.into_iter().flatten());
    }
    if done.refused.is_empty() {
        store.end_rebuilding()?;
    }
    done.or_refusal()
}

impl HistoryImport {
    /// Keeps the failure of one file: it does not stop the others.
    fn unless_refused<T>(&mut self, file: Result<T, RunError>) -> Result<Option<T>, RunError> {
        match file {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.exit() == ExitCode::Input => {
                self.refused.push(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The failure, where no file brought anything.
    fn or_refusal(mut self) -> Result<Self, RunError> {
        if self.files.is_empty() && !self.refused.is_empty() {
            return Err(self.refused.remove(0));
        }
        Ok(self)
    }
}
