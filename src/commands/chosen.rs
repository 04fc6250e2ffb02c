//! Which of the rows whose outcome is unknown `outreach resolve` is about.

use std::collections::BTreeSet;

use super::error::CommandError;
use crate::cli::ResolveArgs;
use crate::report::place;
use crate::store::{Batch, Reader, UnknownRow};

/// The unknown rows that the command is about.
pub(super) fn chosen(
    args: &ResolveArgs,
    reader: &Reader,
    batch: &Batch,
) -> Result<Vec<UnknownRow>, CommandError> {
    let mut rows = reader.unknown_rows(batch.id, usize::MAX)?;
    if args.row.is_empty() {
        return Ok(rows);
    }
    if let Some(wanted) = &args.file {
        let file = file(batch, wanted)?;
        rows.retain(|row| row.file == file);
    }
    if let Some(missing) = args
        .row
        .iter()
        .find(|wanted| rows.iter().all(|row| row.row != **wanted))
    {
        return Err(CommandError::usage(format_args!(
            "row {missing} of batch {} is not one whose outcome is unknown; nothing was changed",
            batch.name
        )));
    }
    rows.retain(|row| args.row.contains(&row.row));
    let files: BTreeSet<u16> = rows.iter().map(|row| row.file).collect();
    if args.file.is_none() && files.len() > 1 {
        let places = rows.iter().map(|row| place(batch, row.file, row.row));
        let choices = lines(places);
        return Err(CommandError::usage(format_args!(
            "rows with this number stand in several files of batch {}: say which file with --file; nothing \
             was changed{choices}",
            batch.name
        )));
    }
    Ok(rows)
}

/// The index of the batch's file with this name, or with this number.
fn file(batch: &Batch, wanted: &str) -> Result<u16, CommandError> {
    let named = |file: &&u16| batch.file_name(**file) == wanted;
    let all: Vec<u16> = (0..).take(batch.files.len()).collect();
    let named: Vec<u16> = all.iter().filter(named).copied().collect();
    let numbered = || {
        let number: usize = wanted.parse().ok()?;
        all.get(number.checked_sub(1)?).copied()
    };
    match (named.as_slice(), numbered()) {
        (&[only], _) | (&[], Some(only)) => Ok(only),
        _ => {
            let files = (1_usize..).zip(&batch.files);
            let choices = lines(files.map(|(number, name)| format!("{number}  {name}")));
            Err(CommandError::usage(format_args!(
                "--file {wanted} names no single file of batch {}; by number, they are:{choices}",
                batch.name
            )))
        }
    }
}

/// Each on a line of its own.
fn lines(choices: impl Iterator<Item = String>) -> String {
    choices.fold(String::new(), |lines, choice| lines + "\n  " + &choice)
}
