//! `outreach history import`: who was messaged, from files.

use std::path::PathBuf;

use super::adopt::{say_suppressed, stops};
use super::call::Call;
use super::checkpoint;
use super::console::Console;
use super::error::{CommandError, CommandResult};
use crate::cli::{HistoryAction, HistoryArgs};
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{counted, grouped, people as counted_people, plural, quoted};
use crate::run::{HistoryFile, Imported, ImportedRows, ImportedWhat, import_history};

/// Runs the command.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(super) fn run(args: &HistoryArgs, call: &Call) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
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
    let stops = stops(suppressions, call)?;
    let (intake, now) = (settings.intake()?, clock.now());
    let open = |path: &PathBuf| HistoryFile::open(path, &intake, date_column.as_deref(), now);
    let opened = files.iter().map(open).collect();
    let db = checkpoint::path_to_make(&settings.checkpoint()?)?;
    let done = import_history(&db, opened, stops, &settings.person(), now)?;
    for file in &done.files {
        say(console, file);
    }
    say_suppressed(console, done.suppressed.as_ref(), "the files were written");
    let is_partial = done.suppressed.is_some_and(|done| done.is_partial());
    let needs_a_person = |file: &Imported| {
        let is_empty = file.what == ImportedWhat::Nothing;
        is_empty || left_out(file) > 0 || file.held > 0 || file.nameless > 0
    };
    if !done.refused.is_empty() {
        for error in done.refused {
            console.warn(CommandError::from(error));
        }
        console.warn(
            "Of these files nothing was imported: mend them and give the same command again, or leave them out of it. The people in them may be \
             messaged again.",
        );
        return Ok(ExitCode::Input);
    }
    Ok(if is_partial || done.files.iter().any(needs_a_person) {
        ExitCode::CompleteWithProblems
    } else {
        ExitCode::Complete
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
            "files do not say who opted out since they were written: give --suppressions FILE with the numbers that \
             must not be messaged, or --no-suppressions if there is no such list; nothing was imported",
        ));
    }
    Ok(console.ask(
        "Files do not say who opted out since they were written, and no --suppressions FILE was given: those people may \
         be messaged. Import all the same?",
    ))
}

/// Rows whose people may be messaged again.
fn left_out(file: &Imported) -> u64 {
    match &file.what {
        ImportedWhat::Nothing | ImportedWhat::Restored { .. } | ImportedWhat::Merged { .. } => 0,
        ImportedWhat::List { without, .. } => *without,
    }
}

fn say(console: Console, file: &Imported) {
    let name = on_one_line(&file.file);
    warn_of_rows(console, &name, file);
    match &file.what {
        ImportedWhat::Nothing => console.warn(format_args!(
            "{name}: a results file without a row: nothing was imported from it. If it should hold some, give the whole file.",
        )),
        ImportedWhat::Restored { batch, rows } => say_restored(console, &name, batch, rows),
        ImportedWhat::Merged { batch, new } => console.say(format_args!(
            "{name}: batch {batch} was in the checkpoint: {} added something new.",
            counted(*new, "row")
        )),
        ImportedWhat::List {
            batch,
            date,
            people,
            without,
            known,
        } => {
            let before = if *known { ", imported before" } else { "" };
            let (were, they) = match people {
                1 => ("was", "It counts"),
                _ => ("were", "They count"),
            };
            console.say(format_args!(
                "{name}: {} {were} messaged, as column \"{date}\" says (batch {batch}{before}). {they} for --not-within.",
                counted_people(*people),
            ));
            if *without > 0 {
                console.warn(format_args!(
                    "{name}: {} without a date or a number that can be read: left out.",
                    counted(*without, "row")
                ));
            }
        }
    }
}

/// Says what rows of the file lack.
fn warn_of_rows(console: Console, name: &str, file: &Imported) {
    if file.rounded > 0 {
        console.warn(format_args!(
            "{name}: a spreadsheet rounded message or contact ids in {}: these ids are left out.",
            counted(file.rounded, "row")
        ));
    }
    if file.nameless > 0 {
        console.warn(format_args!(
            "{name}: {} messaged, or may have been, and {} no number, because the batch was pruned: the people of such rows \
             are not known from this file, and may be messaged again.",
            plural(file.nameless, "row was", "rows were"),
            if file.nameless == 1 { "has" } else { "have" },
        ));
    }
    if file.textless > 0 {
        console.warn(format_args!(
            "{name}: {} messaged, or may have been, and {} not say with what: the same message from another batch is not known to \
             be the same, and these people would get it again. --not-within counts them.",
            plural(file.textless, "row was", "rows were"),
            if file.textless == 1 { "does" } else { "do" },
        ));
    }
    if file.held > 0 {
        console.warn(format_args!(
            "{name}: {} wrote what may ask not to be messaged, and nobody had read it. The file does not hold what they wrote: \
             they are on the suppression list now. Read it where the events came in; `outreach suppress remove NUMBER` \
             takes off those who ask for nothing.",
            counted_people(file.held)
        ));
    }
}

/// What a restored batch holds, and how to continue it.
fn say_restored(console: Console, name: &str, batch: &str, rows: &ImportedRows) {
    console.say(format_args!(
        "{name}: batch {batch} is restored: {}, {} sent, {} unknown, {} queued.",
        counted(rows.rows, "row"),
        grouped(rows.sent),
        grouped(rows.unknown),
        grouped(rows.queued)
    ));
    match rows.left_out {
        0 => {}
        1 => console.say(
            "1 more row waits for its message, and its number cannot be read in this file: the list brings it again.",
        ),
        more => console.say(format_args!(
            "{} more rows wait for their message, and their numbers cannot be read in this file: the list brings them \
             again.",
            grouped(more)
        )),
    }
    if rows.queued + rows.left_out > 0 {
        console.say(
            "To go on, give the same `send` command as before: the file holds no messages, and the list is read again. \
             Those who were messaged are not messaged again.",
        );
    }
    if rows.unknown > 0 {
        console.say(format_args!(
            "Rows whose outcome is unknown stay so until `outreach resolve {}` settles them.",
            quoted(batch)
        ));
    }
}
