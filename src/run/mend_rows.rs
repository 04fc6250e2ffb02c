//! Rows of a batch that cannot be sent are mended one by one, by their numbers: what is mended joins the batch as a
//! mended rejects file does.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::Timestamp;

use super::error::RunError;
use super::files::numbered;
use super::list::List;
use super::mending::batch_knows;
use super::mismatch::Mismatch;
use super::numbers::typed_number;
use super::plan::{SendPlan, SendSettings};
use super::settings::RunSettings;
use crate::domain::delivery::State;
use crate::domain::dialect::FileFormat;
use crate::domain::percent::Percent;
use crate::domain::phone::PhoneProblem;
use crate::domain::recipient::{
    JudgedRow, Position, Record, RowNumber, RowProblem, UNEVEN, Verdict,
};
use crate::domain::row_cells::{MAPPING, column_names, phone_columns};
use crate::domain::sms::SmsSettings;
use crate::intake::{Corrections, Settings, Source};
use crate::report::rejects::RejectsFile;
use crate::store::{Batch, Change, MendPlace, Messaged, Reader, ResultRow};

/// What rows that were mended one by one are called, where a list has the name of its file.
const MENDED: &str = "mended.csv";

/// A row that cannot be sent as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowToMend {
    /// Its file and its row there.
    pub(crate) at: (u16, u32),
    /// The cell with the number, as it was typed.
    pub(crate) typed: String,
    /// The word for what is wrong.
    pub(crate) code: String,
    /// The same for people.
    pub(crate) reason: String,
    /// What the cell should probably say.
    pub(crate) suggestion: Option<String>,
}

/// How rows are mended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MendSettings<'a> {
    /// How the list is read, where the batch says nothing else.
    pub(crate) intake: &'a Settings,
    /// How messages are counted as SMS.
    pub(crate) sms: SmsSettings,
    /// How the batch is sent: how far back earlier messages count.
    pub(crate) run: &'a RunSettings,
    /// An empty folder for the mended rows, until they are in the batch.
    pub(crate) folder: &'a Path,
    /// Who mends.
    pub(crate) actor: &'a str,
}

/// What became of rows that were mended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MendedRows {
    /// How many can be sent now.
    pub(crate) queued: u64,
    /// How many cannot, for something else than their number.
    pub(crate) invalid: u64,
    /// How many must not be sent, or repeat another number.
    pub(crate) left_out: u64,
    /// What is wrong with numbers that were given; their rows stay as they are.
    pub(crate) wrong: Vec<String>,
    /// How many numbers are for rows that are not to mend any more: the list was changed, or they were mended.
    pub(crate) gone: u64,
}

/// Passes the rows that cannot be sent for their number to `each`, in row order. Those that were mended are none, unless
/// what mended them is left out.
///
/// # Errors
/// [`RunError`] if the checkpoint fails.
pub(crate) fn rows_to_mend(
    reader: &Reader,
    batch: &Batch,
    mut each: impl FnMut(RowToMend),
) -> Result<(), RunError> {
    let (column, places) = (phone_column(batch), reader.rows_to_mend(batch.id)?);
    reader.rows_in(batch.id, State::Invalid, |row| {
        let code = row.reason_code.unwrap_or_default();
        if !is_to_mend(&row, &places) || !RowProblem::is_of_number(code) {
            return Ok::<(), RunError>(());
        }
        let fields: Vec<String> = serde_json::from_str(row.fields)?;
        let typed = column.as_ref().and_then(|(at, _)| fields.get(*at).cloned());
        each(RowToMend {
            at: (row.file, row.row),
            typed: typed.unwrap_or_default(),
            code: code.to_owned(),
            reason: row.reason.unwrap_or_default().to_owned(),
            suggestion: row.suggestion.map(str::to_owned),
        });
        Ok(())
    })
}

/// Whether a row that cannot be sent stands for nobody who is messaged in its place.
fn is_to_mend(row: &ResultRow<'_>, places: &HashMap<Position, MendPlace>) -> bool {
    let Some(number) = RowNumber::new(row.row) else {
        return false;
    };
    let position = Position {
        file: row.file,
        row: number,
    };
    places.get(&position) == Some(&MendPlace::Free(row.recipient))
}

/// Where the numbers of the batch's list stand: the column, and its name.
fn phone_column(batch: &Batch) -> Option<(usize, String)> {
    let mapping = batch.definition.get(MAPPING)?;
    let wanted = phone_columns(mapping).into_iter().next()?;
    let names = column_names(&batch.headers);
    let at = names.iter().position(|name| *name == wanted)?;
    Some((at, wanted))
}

/// Gives rows their numbers, and adds them to the batch, where they take the places of those that cannot be sent.
/// People who have a message of another batch already are left out. The batch must not be under way.
///
/// # Errors
/// [`RunError`] if the batch does not keep how its list was read, another process holds it, or the checkpoint fails.
pub(crate) fn mend_rows(
    checkpoint: &Path,
    name: &str,
    numbers: &BTreeMap<(u16, u32), String>,
    how: MendSettings<'_>,
    now: Timestamp,
) -> Result<MendedRows, RunError> {
    let not_kept = || Mismatch::NotMendable(name.to_owned());
    let knows = batch_knows(checkpoint, name)?.ok_or_else(not_kept)?;
    let kept = knows.list.ok_or_else(not_kept)?;
    let batch = Reader::open(checkpoint)?.batch(name)?;
    let (_, phone) = phone_column(&batch).ok_or_else(not_kept)?;
    let mut intake = kept.settings(how.intake, &|_| false);
    let (mut good, mut wrong) = (BTreeMap::new(), Vec::new());
    for (at, number) in numbers {
        match typed_number(number, intake.reading()) {
            Ok(_) => {
                good.insert(*at, number.as_str());
            }
            Err(error) => wrong.push(error.to_string()),
        }
    }
    let path = how.folder.join(MENDED);
    let found;
    (intake.corrections, found) = write_mended(checkpoint, &batch, &good, &path)?;
    let gone = (good.len() as u64).saturating_sub(found);
    if intake.corrections.is_empty() {
        return Ok(MendedRows {
            wrong,
            gone,
            ..MendedRows::default()
        });
    }
    intake.columns.phone = vec![phone];
    intake.min_valid = Percent::NONE;
    // Messages name it as a list: its path is gone once it was read.
    let source = Source::Named {
        path,
        name: free_name(&batch.files),
    };
    let list = List::open(&[source], &intake, Some(&kept.message))?
        .with_sms(how.sms)
        .with_fallback(&kept.fallback)?;
    let mended = join_rows(
        checkpoint,
        &batch,
        list,
        how.run,
        how.actor,
        now,
        &mut |_| (),
    )?;
    Ok(MendedRows {
        wrong,
        gone,
        ..mended
    })
}

/// What the next rows that are mended are called: the batch has none of that name.
fn free_name(files: &[String]) -> String {
    let names = (1..).map(|number| numbered(Path::new(MENDED), number));
    let mut names = names.map(|name| name.to_string_lossy().into_owned());
    let free = names.find(|name| !files.contains(name));
    free.unwrap_or_else(|| MENDED.to_owned())
}

/// Adds the rows of a list to a batch, where those that mend rows of it take their places. People who have a message of
/// another batch already are left out. The batch must not be under way.
///
/// # Errors
/// [`RunError`] if the list does not fit the batch, another process holds it, or the checkpoint fails.
pub(crate) fn join_rows(
    checkpoint: &Path,
    batch: &Batch,
    list: List,
    run: &RunSettings,
    actor: &str,
    now: Timestamp,
    progress: &mut dyn FnMut(u64),
) -> Result<MendedRows, RunError> {
    let settings = SendSettings {
        batch: Some(&batch.name),
        channel: &batch.channel,
        change: Some(Change::Add),
        sandbox: batch.sandbox,
        follow_up: None,
    };
    let mut plan = SendPlan::new(checkpoint, list, &settings, now)?.by(actor);
    if !plan.messaged_before(run.history, now)?.is_empty() {
        plan.decide(Messaged::Skip, actor);
    }
    let read = plan.read(run, None, now, progress)?;
    let summary = read.report().map(|report| &report.summary);
    let mended = MendedRows {
        queued: summary.map_or(0, |it| it.queued),
        invalid: summary.map_or(0, |it| it.invalid),
        left_out: summary.map_or(0, |it| it.duplicate + it.suppressed),
        wrong: Vec::new(),
        gone: 0,
    };
    read.carry_out(now)?;
    Ok(mended)
}

/// Writes the rows as they are to a file of rejects, and returns the numbers that they are given there, and how many rows
/// these are. Those that were mended before are not among them.
fn write_mended(
    checkpoint: &Path,
    batch: &Batch,
    numbers: &BTreeMap<(u16, u32), &str>,
    path: &Path,
) -> Result<(Corrections, u64), RunError> {
    let reader = Reader::open(checkpoint)?;
    let (mut given, mut row) = (Corrections::default(), RowNumber::HEADER.get());
    write_rejected(&reader, batch, path, |at, _| {
        let Some(number) = numbers.get(&at) else {
            return false;
        };
        row += 1;
        given.give(row, (*number).to_owned());
        true
    })?;
    Ok((given, u64::from(row - RowNumber::HEADER.get())))
}

/// Writes the rows of a batch that cannot be sent to a file, to be mended: they name themselves, so that they find
/// their batch again. Returns how many.
///
/// # Errors
/// [`RunError`] if the checkpoint cannot be read, or the file cannot be written.
pub(crate) fn write_rejects(reader: &Reader, batch: &Batch, path: &Path) -> Result<u64, RunError> {
    // A row that refuses beside its number has nothing to mend.
    write_rejected(reader, batch, path, |_, code| {
        code != PhoneProblem::SaysNo.code()
    })
}

/// Writes the rows that `keep` wants.
fn write_rejected(
    reader: &Reader,
    batch: &Batch,
    path: &Path,
    mut keep: impl FnMut((u16, u32), &str) -> bool,
) -> Result<u64, RunError> {
    let format = FileFormat::of(path, batch.list, None);
    let mut file = RejectsFile::create(path, &batch.headers, format, Some(&batch.name))?;
    let places = reader.rows_to_mend(batch.id)?;
    reader.rows_in(batch.id, State::Invalid, |row| {
        let (true, Some(at)) = (is_to_mend(&row, &places), RowNumber::new(row.row)) else {
            return Ok::<(), RunError>(());
        };
        let fields: Vec<String> = serde_json::from_str(row.fields)?;
        if !keep((row.file, row.row), row.reason_code.unwrap_or_default()) {
            return Ok(());
        }
        let problem = if row.reason_code == Some(UNEVEN) {
            RowProblem::UnevenLength {
                expected: batch.headers.len(),
                found: fields.len(),
            }
        } else {
            RowProblem::Content {
                message: row.reason.unwrap_or_default().to_owned(),
            }
        };
        file.push(&JudgedRow {
            position: Position {
                file: row.file,
                row: at,
            },
            mends: None,
            record: fields.iter().collect::<Record>(),
            typed: String::new(),
            verdict: Verdict::Invalid {
                problem,
                suggestion: row.suggestion.map(str::to_owned),
                phone: None,
            },
        })?;
        Ok(())
    })?;
    Ok(file.finish()?)
}
