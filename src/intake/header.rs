//! Headers: which row names the columns, and how the columns of several files come together.

use super::columns;
use super::error::IntakeError;
use super::file::FileInput;
use super::open::Opened;
use super::settings::Settings;
use crate::domain::phone::PhoneNumber;

fn is_ours(header: &str) -> bool {
    header.trim().to_ascii_lowercase().starts_with("outreach_")
}

/// Headers, and a sample of the rows.
pub(super) type Head = (Vec<String>, Vec<Vec<String>>);

/// The header of the first file and a sample of its rows, in our columns.
pub(super) fn read_head(file: &Opened, settings: &Settings) -> Result<Head, IntakeError> {
    let (row, first) = file
        .head
        .first()
        .cloned()
        .ok_or_else(|| IntakeError::Empty {
            file: file.name.clone(),
        })?;
    if settings.no_header {
        let headers = (1..=first.len())
            .map(|number| format!("column_{number}"))
            .collect();
        return Ok((
            headers,
            file.head.iter().map(|(_, fields)| fields.clone()).collect(),
        ));
    }
    refuse_data_as_header(&file.name, row, &first, settings)?;
    let kept: Vec<usize> = (0..first.len())
        .filter(|index| first.get(*index).is_some_and(|h| !is_ours(h)))
        .collect();
    let pick = |fields: &[String]| -> Vec<String> {
        kept.iter()
            .map(|index| fields.get(*index).cloned().unwrap_or_default())
            .collect()
    };
    let headers = pick(&first)
        .iter()
        .map(|header| header.trim().to_owned())
        .collect();
    let sample = file
        .head
        .iter()
        .skip(1)
        .map(|(_, fields)| pick(fields))
        .collect();
    Ok((headers, sample))
}

/// A header that holds a phone number is a contact who would be lost.
fn refuse_data_as_header(
    file: &str,
    row: u32,
    cells: &[String],
    settings: &Settings,
) -> Result<(), IntakeError> {
    let number = cells.iter().find(|cell| {
        let digits = cell.bytes().filter(u8::is_ascii_digit).count();
        PhoneNumber::parse(cell, settings.region).is_ok()
            || (digits >= 9 && !cell.chars().any(char::is_alphabetic))
    });
    match number {
        Some(cell) => Err(IntakeError::HeaderIsData {
            file: file.to_owned(),
            row,
            cell: cell.clone(),
        }),
        None => Ok(()),
    }
}

/// What the first file says about the columns, for the others to follow.
pub(super) struct Model<'a> {
    pub(super) file: &'a str,
    pub(super) headers: &'a [String],
}

/// Finds the columns of the first file in a file, in whatever order they stand there.
pub(super) fn align(
    file: Opened,
    model: &Model<'_>,
    settings: &Settings,
) -> Result<FileInput, IntakeError> {
    let (row, cells) = file
        .head
        .first()
        .cloned()
        .ok_or_else(|| IntakeError::Empty {
            file: file.name.clone(),
        })?;
    let differs = |missing: &str| IntakeError::ColumnsDiffer {
        file: file.name.clone(),
        first: model.file.to_owned(),
        missing: missing.to_owned(),
    };
    let headers = model.headers;
    let (columns, header_row) = if settings.no_header {
        if let Some(missing) = headers.get(cells.len()) {
            return Err(differs(missing));
        }
        ((0..headers.len()).collect(), 0)
    } else {
        refuse_data_as_header(&file.name, row, &cells, settings)?;
        (
            find_columns(&cells, headers).map_err(|missing| differs(&missing))?,
            row,
        )
    };
    let surplus = cells
        .iter()
        .enumerate()
        .find(|(at, header)| !columns.contains(at) && !is_ours(header));
    if let Some((_, header)) = surplus {
        return Err(IntakeError::SurplusColumn {
            file: file.name,
            first: model.file.to_owned(),
            surplus: header.clone(),
        });
    }
    let width = cells.len();
    Ok(FileInput {
        name: file.name,
        columns,
        width,
        layout: file.layout,
        digest: file.digest,
        header_row,
    })
}

/// For each header its place among the cells; equal headers keep their order. The error is a header
/// that is missing.
fn find_columns(cells: &[String], headers: &[String]) -> Result<Vec<usize>, String> {
    let mut free: Vec<Option<String>> = cells
        .iter()
        .map(|cell| (!is_ours(cell)).then(|| columns::fold(cell)))
        .collect();
    let mut find = |header: &String| {
        let wanted = Some(columns::fold(header));
        let at = free.iter().position(|cell| *cell == wanted)?;
        free.get_mut(at)?.take();
        Some(at)
    };
    headers
        .iter()
        .map(|header| find(header).ok_or_else(|| header.clone()))
        .collect()
}
