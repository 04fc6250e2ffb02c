//! `outreach suppress`: the list of numbers that must never be messaged.

use std::io::Write;
use std::path::{Path, PathBuf};

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
use crate::report::rejects::RejectsFile;
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
        SuppressAction::Import {
            files,
            reason,
            rejects,
            ..
        } => {
            let list = Import {
                files,
                reason: reason.as_deref(),
                rejects: rejects.as_deref(),
            };
            return list.run(settings, console, clock);
        }
        SuppressAction::List { json, .. } => list(settings, *json, out)?,
    }
    Ok(ExitCode::Complete)
}

/// All numbers, or none: the first text that is not understood to its end is told. A text may hold several.
fn parse(numbers: &[String], region: Option<Region>) -> Result<Vec<PhoneNumber>, CommandError> {
    let mut phones = Vec::new();
    for text in numbers {
        match PhoneNumber::parse_all(text, region) {
            Ok(numbers) if numbers.is_whole() => {
                phones.extend(numbers.iter().map(|number| number.phone));
            }
            Ok(_) => {
                return Err(CommandError::usage(format_args!(
                    "{text:?}: not all of it is a number; give each number on its own; nothing was changed"
                )));
            }
            Err(rejected) => {
                let suggestion = rejected
                    .suggestion
                    .map_or_else(String::new, |text| format!("; did you mean {text}?"));
                let remedy = if rejected.problem == PhoneProblem::NeedsRegion {
                    "; write it with the plus, or give --region"
                } else {
                    ""
                };
                return Err(CommandError::usage(format_args!(
                    "{text:?}: {}{remedy}{suggestion}; nothing was changed",
                    rejected.problem
                )));
            }
        }
    }
    Ok(phones)
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

/// `suppress import`.
struct Import<'a> {
    files: &'a [PathBuf],
    reason: Option<&'a str>,
    rejects: Option<&'a Path>,
}

impl Import<'_> {
    fn run(&self, settings: &Settings, console: Console, clock: &Clock) -> CommandResult {
        let mut how = settings.intake()?;
        // Nobody on the list may be messaged, on whichever number of the row, however bad the rest is.
        how.numbers = NumbersPerRow::All;
        how.min_valid = "0%".parse()?;
        let mut input = Input::open(&super::sources(self.files), &how)?;
        for note in input.notes() {
            console.say(note);
        }
        let mut rejects = self
            .rejects
            .map(|path| RejectsFile::create(path, input.headers()))
            .transpose()?;
        let mut phones: Vec<PhoneNumber> = Vec::new();
        let mut bad: Vec<String> = Vec::new();
        let mut take = |row: JudgedRow| -> Result<(), CommandError> {
            if let Some(rejects) = &mut rejects {
                rejects.push(&row)?;
            }
            match row.verdict {
                Verdict::Queued(accepted) => phones.push(accepted.phone),
                Verdict::Invalid { problem, .. } if bad.len() < NAMED => {
                    bad.push(format!("row {}: {problem}", row.position.row));
                }
                Verdict::Invalid { .. }
                | Verdict::Duplicate { .. }
                | Verdict::Suppressed { .. } => {}
            }
            Ok(())
        };
        // The list is changed only after the whole file was found usable.
        let summary = input.judge(&Judge::alone(), &mut take)?;
        let names: Vec<&str> = input.file_names().collect();
        let source = format!("import of {} by {}", names.join(", "), settings.person());
        let new = add(settings, clock, &phones, self.reason, &source)?;
        told_new(console, phones.len(), new);
        if let Some(rejects) = rejects {
            rejects.finish()?;
        }
        if summary.invalid == 0 {
            return Ok(ExitCode::Complete);
        }
        self.tell_bad(console, summary.invalid, &bad);
        Ok(ExitCode::CompleteWithProblems)
    }

    fn tell_bad(&self, console: Console, rows: u64, bad: &[String]) {
        console.warn(format_args!(
            "{} rows hold no number that can be suppressed:",
            grouped(rows)
        ));
        for line in bad {
            console.warn(format_args!("  {line}"));
        }
        match self.rejects {
            Some(path) => console.warn(format_args!(
                "All of them are in {}: mend them, and import that file.",
                path.display()
            )),
            None => console.warn("--rejects FILE writes all of them to a file, to be mended."),
        }
    }
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
