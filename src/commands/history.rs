//! `outreach history import`: who was messaged, from files.

use std::path::PathBuf;

use super::adopt::stops;
use super::checkpoint;
use super::console::Console;
use super::error::{CommandError, CommandResult};
use crate::cli::{HistoryAction, HistoryArgs};
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{grouped, people as counted_people, quoted};
use crate::run::{HistoryFile, Imported, ImportedWhat, Suppressed, import_history};

/// Runs the command.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(super) fn run(
    args: &HistoryArgs,
    settings: &Settings,
    console: Console,
    clock: &Clock,
) -> CommandResult {
    let HistoryAction::Import {
        files,
        suppressions,
        no_suppressions,
        date_column,
        ..
    } = &args.action;
    if !is_settled(suppressions, *no_suppressions, console)? {
        console.say("Nothing was imported.");
        return Ok(ExitCode::Complete);
    }
    let stops = stops(suppressions, settings, console)?;
    let (intake, now) = (settings.intake()?, clock.now());
    let open = |path: &PathBuf| HistoryFile::open(path, &intake, date_column.as_deref(), now);
    let opened = files.iter().map(open).collect::<Result<_, _>>()?;
    let db = checkpoint::path_to_make(&settings.checkpoint()?)?;
    let done = import_history(&db, opened, stops, &settings.person(), now)?;
    for file in &done.files {
        say(console, file);
    }
    say_opt_outs(console, done.suppressed.as_ref());
    let invalid = done.suppressed.map_or(0, |done| done.invalid);
    let without = done.files.iter().map(left_out).sum::<u64>();
    Ok(match invalid + without {
        0 => ExitCode::Complete,
        _ => ExitCode::CompleteWithProblems,
    })
}

/// Whether it is said what becomes of opt-outs; asked where that can be answered.
fn is_settled(
    suppressions: &[PathBuf],
    no_suppressions: bool,
    console: Console,
) -> Result<bool, CommandError> {
    if no_suppressions || !suppressions.is_empty() {
        return Ok(true);
    }
    if !console.can_ask() {
        return Err(CommandError::usage(
            "files do not tell who opted out since they were written: give --suppressions FILE with the numbers that \
             must not be messaged, or --no-suppressions if there is no such list; nothing was imported",
        ));
    }
    Ok(console.ask(
        "Files do not tell who opted out since they were written, and no --suppressions FILE was given: those people may \
         be messaged. Import all the same?",
    ))
}

/// Rows whose people may be messaged again.
fn left_out(file: &Imported) -> u64 {
    match &file.what {
        ImportedWhat::Restored { .. } | ImportedWhat::Merged { .. } => 0,
        ImportedWhat::List { without, .. } => *without,
    }
}

fn say(console: Console, file: &Imported) {
    let name = on_one_line(&file.file);
    if file.rounded > 0 {
        console.warn(format_args!(
            "{name}: a spreadsheet rounded message or contact ids in {}: these ids are left out.",
            rows_of(file.rounded)
        ));
    }
    match &file.what {
        ImportedWhat::Restored {
            batch,
            rows,
            sent,
            unknown,
            queued,
            left_out,
        } => {
            console.say(format_args!(
                "{name}: batch {batch} is restored: {}, {} sent, {} unknown, {} queued.",
                rows_of(*rows),
                grouped(*sent),
                grouped(*unknown),
                grouped(*queued)
            ));
            if *left_out > 0 {
                console.say(format_args!(
                    "{} more wait for their message, and their numbers cannot be read in this file: the list brings \
                     them again.",
                    rows_of(*left_out)
                ));
            }
            if *queued + *left_out > 0 {
                console.say(
                    "To go on, give the same `send` command as before: the file holds no messages, and the \
                     list is read again. Whoever was messaged is not messaged again.",
                );
            }
            if *unknown > 0 {
                console.say(format_args!(
                    "Rows whose outcome is unknown stay so until `outreach resolve {}` settles them.",
                    quoted(batch)
                ));
            }
        }
        ImportedWhat::Merged { batch, new } => console.say(format_args!(
            "{name}: batch {batch} was there: {} told something new.",
            rows_of(*new)
        )),
        ImportedWhat::List {
            batch,
            date,
            people,
            without,
            known,
        } => {
            let before = if *known { ", imported before" } else { "" };
            console.say(format_args!(
                "{name}: {} {} messaged, as column \"{date}\" says (batch {batch}{before}). They count for --not-within.",
                counted_people(*people),
                if *people == 1 { "was" } else { "were" }
            ));
            if *without > 0 {
                console.warn(format_args!(
                    "{name}: {} without a date or a number that can be read: left out.",
                    rows_of(*without)
                ));
            }
        }
    }
}

fn rows_of(rows: u64) -> String {
    match rows {
        1 => "1 row".to_owned(),
        rows => format!("{} rows", grouped(rows)),
    }
}

fn say_opt_outs(console: Console, suppressed: Option<&Suppressed>) {
    let Some(suppressed) = suppressed else {
        console.warn(
            "Opt-outs that came since the files were written are lost: those people may be messaged.",
        );
        return;
    };
    console.say(format_args!(
        "{} numbers: {} are new on the suppression list.",
        grouped(suppressed.numbers as u64),
        grouped(suppressed.new as u64)
    ));
    for line in &suppressed.named {
        console.warn(format_args!("  {}", on_one_line(line)));
    }
    console
        .warn("Opt-outs that came since the files were written and are not in that list are lost.");
}
