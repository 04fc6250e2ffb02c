//! A batch of people whom the checkpoint knows, in place of a list.
//!
//! The people are found once, and frozen as the batch's list. Its name says which audience, message and channel it is:
//! while it is unfinished, those people go on; after that, the next one holds people who were in none before.

use std::borrow::Cow;
use std::path::Path;

use jiff::Timestamp;

use super::error::RunError;
use super::mismatch::Mismatch;
use crate::domain::audience::Audience;
use crate::domain::batch_state::BatchState;
use crate::domain::content::{ContentSource, Template};
use crate::domain::text::{digest_of, hex};
use crate::domain::{fold, spreadsheet};
use crate::intake::Source;
use crate::store::{Batch, BatchId, Member, Reader};

/// The columns of the list.
const COLUMNS: [&str; 3] = ["phone", "first_name", "last_name"];

/// What stands before the digest in the names of its batches.
const PREFIX: &str = "audience-";

/// The batch of an audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudienceBatch {
    /// It is there and unfinished: those people go on.
    Continue(String),
    /// It is yet to be made of these people, or was restored from a results file, which has no messages.
    New {
        /// Its name.
        name: String,
        /// The people as a list.
        list: Source,
        /// How many.
        people: u64,
    },
}

/// The people of an audience, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AudienceCount {
    /// How many they are.
    pub people: u64,
    /// Of these, who acted within the last 24 hours: wrote, pressed a button, or accepted a first message.
    pub in_reply_window: u64,
    /// The first of them, masked, with their names.
    pub first: Vec<String>,
}

/// Finds the batch of an audience.
///
/// # Errors
/// [`RunError`] if there is no checkpoint, no condition is given, or the message cannot be made of the columns.
pub fn audience_batch(
    checkpoint: &Path,
    audience: &Audience,
    message: &ContentSource,
    channel: &str,
    now: Timestamp,
) -> Result<AudienceBatch, RunError> {
    let reader = open(checkpoint, audience)?;
    let template = Template::compile(message, &COLUMNS.map(str::to_owned))?;
    let base = base_name(audience, &fold::content(template.canonical()), channel);
    let batches = reader.batches()?;
    let mut earlier: Vec<(u32, &Batch)> = batches
        .iter()
        .filter_map(|batch| Some((number(&base, &batch.name)?, batch)))
        .collect();
    earlier.sort_by_key(|(number, _)| *number);
    let whole = earlier.iter().filter(|(_, batch)| batch.is_whole());
    let last = whole.clone().next_back();
    let unfinished = last.filter(|(_, batch)| batch.state != BatchState::Complete);
    let (name, (text, people)) = if let Some((_, batch)) = unfinished {
        if batch.restored_from().is_none() {
            return Ok(AudienceBatch::Continue(batch.name.clone()));
        }
        (batch.name.clone(), restored_list(&reader, batch)?)
    } else {
        let name = match last {
            None => base,
            Some((number, _)) => format!("{base}-{}", number + 1),
        };
        let without: Vec<BatchId> = whole.map(|(_, batch)| batch.id).collect();
        let people = list(&reader, audience, &without, now, Cells::AsTheyAre)?;
        (name, people)
    };
    Ok(AudienceBatch::New {
        list: Source::Text {
            name: name.clone(),
            text: text.into(),
        },
        name,
        people,
    })
}

/// Counts an audience; `shown` of its people are named, masked.
///
/// # Errors
/// [`RunError`] if there is no checkpoint, or no condition is given.
pub fn count_audience(
    checkpoint: &Path,
    audience: &Audience,
    shown: usize,
    now: Timestamp,
) -> Result<AudienceCount, RunError> {
    let mut count = AudienceCount::default();
    open(checkpoint, audience)?.audience(audience, &[], now, |member| {
        count.people += 1;
        count.in_reply_window += u64::from(member.facts.is_in_reply_window(now));
        if count.first.len() < shown {
            count.first.push(masked(&member));
        }
        Ok::<_, RunError>(())
    })?;
    Ok(count)
}

/// The people of an audience as a list: CSV with phone and names.
///
/// # Errors
/// As [`count_audience`].
pub fn audience_list(
    checkpoint: &Path,
    audience: &Audience,
    now: Timestamp,
) -> Result<String, RunError> {
    let reader = open(checkpoint, audience)?;
    Ok(list(&reader, audience, &[], now, Cells::Guarded)?.0)
}

fn open(checkpoint: &Path, audience: &Audience) -> Result<Reader, RunError> {
    if audience.is_everybody() {
        return Err(Mismatch::WhatAudience.into());
    }
    if !checkpoint.exists() {
        return Err(RunError::NoCheckpoint(checkpoint.to_owned()));
    }
    Ok(Reader::open(checkpoint)?)
}

fn masked(member: &Member) -> String {
    let names = [&member.first_name, &member.last_name];
    let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    let phone = member.facts.number.masked();
    format!("{phone}  {}", names.join(" "))
        .trim_end()
        .to_owned()
}

fn list(
    reader: &Reader,
    audience: &Audience,
    without: &[BatchId],
    now: Timestamp,
    cells: Cells,
) -> Result<(String, u64), RunError> {
    let mut text = csv_line(COLUMNS);
    let mut people = 0;
    reader.audience(audience, without, now, |member| {
        people += 1;
        let number = member.facts.number.e164();
        let names = [&member.first_name, &member.last_name];
        let names = names.map(|name| guarded(name.as_deref().unwrap_or_default(), cells));
        let names = names.iter().map(Cow::as_ref);
        text.push_str(&csv_line(std::iter::once(number.as_str()).chain(names)));
        Ok::<_, RunError>(())
    })?;
    Ok((text, people))
}

/// The people of a batch that was restored from a results file, as a list again.
fn restored_list(reader: &Reader, batch: &Batch) -> Result<(String, u64), RunError> {
    let [_, names @ ..] = COLUMNS;
    let names = names.map(|column| batch.headers.iter().position(|header| header == column));
    let mut text = csv_line(COLUMNS);
    let mut people = 0;
    reader.rows_to_follow(batch.id, |row| {
        people += 1;
        let number = row.number.e164();
        let names = names.iter().map(|at| at.and_then(|at| row.fields.get(at)));
        let names = names.map(|name| name.map_or("", String::as_str));
        text.push_str(&csv_line(std::iter::once(number.as_str()).chain(names)));
    })?;
    Ok((text, people))
}

/// Who reads the cells of a list.
#[derive(Debug, Clone, Copy)]
enum Cells {
    /// A spreadsheet, perhaps: none of them may be taken for a formula.
    Guarded,
    /// This program.
    AsTheyAre,
}

/// The text of a cell.
fn guarded(text: &str, cells: Cells) -> Cow<'_, str> {
    match cells {
        Cells::Guarded => spreadsheet::guard(text),
        Cells::AsTheyAre => Cow::Borrowed(text),
    }
}

/// A line of CSV.
pub(super) fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    line.push('\n');
    line
}

fn base_name(audience: &Audience, message: &str, channel: &str) -> String {
    digest_name(PREFIX, &[&audience.canonical(), message, channel])
}

/// The prefix, and a digest of these parts.
pub(super) fn digest_name(prefix: &str, parts: &[&str]) -> String {
    let digest = digest_of(parts.iter().copied());
    format!("{prefix}{}", hex(&digest[..4]))
}

/// Which batch of the audience it is, from 1; `None` if it is none of it.
fn number(base: &str, name: &str) -> Option<u32> {
    match name.strip_prefix(base)? {
        "" => Some(1),
        rest => rest
            .strip_prefix('-')?
            .parse()
            .ok()
            .filter(|number| *number > 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_batches_of_an_audience_are_numbered() {
        for (name, wanted) in [
            ("audience-12ab", Some(1)),
            ("audience-12ab-2", Some(2)),
            ("audience-12ab-17", Some(17)),
            ("audience-12ab-1", None),
            ("audience-12abc", None),
            ("spring", None),
        ] {
            assert_eq!(number("audience-12ab", name), wanted, "{name}");
        }
    }

    #[test]
    fn another_message_or_channel_makes_another_batch() {
        let audience = Audience {
            opted_in: true,
            ..Audience::default()
        };
        let name = base_name(&audience, "Hi", "7001");
        assert_eq!(name, base_name(&audience, "Hi", "7001"));
        assert_ne!(name, base_name(&audience, "Ho", "7001"));
        assert_ne!(name, base_name(&audience, "Hi", "7002"));
        assert!(name.starts_with(PREFIX) && name.len() == PREFIX.len() + 8);
    }

    #[test]
    fn a_name_stays_in_its_cell() {
        assert_eq!(
            csv_line(["Nováková, Jana", "a \"b\"", ""]),
            "\"Nováková, Jana\",\"a \"\"b\"\"\",\n"
        );
        assert_eq!(guarded("=1+1", Cells::Guarded), "'=1+1");
        assert_eq!(guarded("=1+1", Cells::AsTheyAre), "=1+1");
    }
}
