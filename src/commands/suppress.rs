//! `outreach suppress`: the list of numbers that must never be messaged.

use std::io::Write;

use serde_json::json;

use super::console::Console;
use super::error::{CommandError, CommandResult};
use crate::cli::{SuppressAction, SuppressArgs};
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::phone::{PhoneNumber, PhoneProblem, Region};
use crate::domain::recipient::{JudgedRow, Verdict};
use crate::exit::ExitCode;
use crate::intake::{Input, Judge, NumbersPerRow};
use crate::report::grouped;
use crate::store::{Reader, Store, SuppressionEntry};

/// Entries that are written at once.
const CHUNK: usize = 10_000;

/// Bad rows that are named.
const NAMED: usize = 5;

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub fn run(
    args: &SuppressArgs,
    settings: &Settings,
    console: Console,
    clock: &Clock,
    out: &mut dyn Write,
) -> CommandResult {
    match &args.action {
        SuppressAction::Add {
            numbers, reason, ..
        } => {
            let phones = parse(numbers, settings.intake()?.region)?;
            let source = format!("suppress add by {}", settings.person());
            let new = add(settings, clock, &phones, reason.as_deref(), &source)?;
            told_new(console, phones.len(), new);
        }
        SuppressAction::Remove { numbers, .. } => {
            let phones = parse(numbers, settings.intake()?.region)?;
            let asked = phones.len();
            let store = Store::open_existing(settings.checkpoint()?.db())?;
            let removed = store.unsuppress(phones)?;
            console.say(format_args!(
                "{removed} of {asked} numbers were on the suppression list, and are off it now."
            ));
        }
        SuppressAction::Import { files, reason, .. } => {
            import(files, reason.as_deref(), settings, console, clock)?;
        }
        SuppressAction::List { json, .. } => list(settings, *json, out)?,
    }
    Ok(ExitCode::Complete)
}

/// All numbers, or none: the first that is not one is told.
fn parse(numbers: &[String], region: Option<Region>) -> Result<Vec<PhoneNumber>, CommandError> {
    numbers
        .iter()
        .map(|text| match PhoneNumber::parse(text, region) {
            Ok(parsed) => Ok(parsed.phone),
            Err(rejected) => {
                let suggestion = rejected
                    .suggestion
                    .map_or_else(String::new, |text| format!("; did you mean {text}?"));
                let remedy = if rejected.problem == PhoneProblem::NeedsRegion {
                    "; write it with the plus, or give --region"
                } else {
                    ""
                };
                Err(CommandError::usage(format_args!(
                    "{text:?}: {}{remedy}{suggestion}; nothing was changed",
                    rejected.problem
                )))
            }
        })
        .collect()
}

/// Puts the numbers on the list; returns how many are new there.
fn add(
    settings: &Settings,
    clock: &Clock,
    phones: &[PhoneNumber],
    reason: Option<&str>,
    source: &str,
) -> Result<usize, CommandError> {
    let store = Store::open(settings.checkpoint()?.db())?;
    let added_at = clock.now();
    let mut new = 0;
    for chunk in phones.chunks(CHUNK) {
        let entry = |phone: &PhoneNumber| SuppressionEntry {
            phone: *phone,
            reason: reason.unwrap_or("must not be messaged").to_owned(),
            source: source.to_owned(),
            added_at,
        };
        new += store.suppress(chunk.iter().map(entry).collect())?;
    }
    Ok(new)
}

fn told_new(console: Console, numbers: usize, new: usize) {
    console.say(format_args!(
        "{} numbers: {} are new on the suppression list, {} were on it before.",
        grouped(numbers as u64),
        grouped(new as u64),
        grouped((numbers - new) as u64)
    ));
}

fn import(
    files: &[std::path::PathBuf],
    reason: Option<&str>,
    settings: &Settings,
    console: Console,
    clock: &Clock,
) -> Result<(), CommandError> {
    let mut how = settings.intake()?;
    // Nobody on the list may be messaged, on whichever number of the row, however bad the rest is.
    how.numbers = NumbersPerRow::All;
    how.min_valid = "0%".parse()?;
    let mut input = Input::open(&super::sources(files), &how)?;
    for note in input.notes() {
        console.say(note);
    }
    let mut phones: Vec<PhoneNumber> = Vec::new();
    let mut bad: Vec<String> = Vec::new();
    let mut take = |row: JudgedRow| -> Result<(), CommandError> {
        match row.verdict {
            Verdict::Queued(accepted) => phones.push(accepted.phone),
            Verdict::Invalid { problem, .. } if bad.len() < NAMED => {
                bad.push(format!("row {}: {problem}", row.position.row));
            }
            Verdict::Invalid { .. } | Verdict::Duplicate { .. } | Verdict::Suppressed { .. } => {}
        }
        Ok(())
    };
    // The list is changed only after the whole file was found usable.
    let summary = input.judge(&Judge::alone(), &mut take)?;
    let names: Vec<&str> = input.file_names().collect();
    let source = format!("import of {} by {}", names.join(", "), settings.person());
    let new = add(settings, clock, &phones, reason, &source)?;
    told_new(console, phones.len(), new);
    if summary.invalid > 0 {
        console.warn(format_args!(
            "{} rows hold no number that can be suppressed:",
            grouped(summary.invalid)
        ));
        for line in &bad {
            console.warn(format_args!("  {line}"));
        }
    }
    Ok(())
}

fn list(settings: &Settings, json: bool, out: &mut dyn Write) -> Result<(), CommandError> {
    let reader = Reader::open(settings.checkpoint()?.db())?;
    let mut first = true;
    if json {
        write!(out, "[")?;
    }
    reader.suppressions(|entry| -> Result<(), CommandError> {
        if json {
            let separator = if first { "\n" } else { ",\n" };
            first = false;
            let entry = json!({
                "phone": entry.phone.e164(),
                "reason": entry.reason,
                "source": entry.source,
                "added_at": entry.added_at,
            });
            return Ok(write!(out, "{separator}  {entry}")?);
        }
        Ok(writeln!(
            out,
            "{:16}  {}  {}  ({})",
            entry.phone.e164(),
            entry.added_at.strftime("%Y-%m-%d"),
            entry.reason,
            entry.source
        )?)
    })?;
    if json {
        writeln!(out, "{}]", if first { "" } else { "\n" })?;
    }
    Ok(())
}
