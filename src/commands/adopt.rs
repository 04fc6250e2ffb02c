//! `outreach checkpoint adopt`: a person says that a checkpoint is the one to go on with.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::call::Call;
use super::checkpoint;
use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::settings;
use super::suppress::{listed_text, say_contacts, say_hashes, say_unread};
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{grouped, quoted};
use crate::run::{List, Suppressed, UnknownMessages, adopt, messages_unknown_to};

/// Runs the command.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(super) fn run(suppressions: &[PathBuf], call: &Call) -> CommandResult {
    let (settings, console) = (&call.settings, call.console);
    let db = checkpoint::path(&settings.checkpoint()?)?;
    let stops = stops(suppressions, call)?;
    let done = adopt(&db, stops, &settings.person(), call.clock.now())?;
    console.say(format_args!(
        "{} is the checkpoint from now on. Do not use any other copy of it.",
        db.display()
    ));
    say_suppressed(console, done.suppressed.as_ref(), "the copy was made");
    say_unknown_messages(console, &done.unknown);
    Ok(match done.suppressed {
        Some(done) if done.is_partial() => ExitCode::CompleteWithProblems,
        Some(_) | None => ExitCode::Complete,
    })
}

/// The numbers that must not be messaged.
pub(super) fn stops(files: &[PathBuf], call: &Call) -> Result<Option<List>, CommandError> {
    if files.is_empty() {
        return Ok(None);
    }
    let sources = settings::sources(files);
    let open = |intake: &_| List::of_suppressed(&sources, intake);
    call.open_list(&sources, settings::IfHidden::Tell, &open)
        .map(Some)
}

/// What became of the opt-outs of a file, and which are lost.
pub(super) fn say_suppressed(console: Console, suppressed: Option<&Suppressed>, since: &str) {
    let Some(suppressed) = suppressed else {
        console.warn(format_args!(
            "Opt-outs that came since {since} are lost: those people may be messaged."
        ));
        return;
    };
    console.say(format_args!("{}.", listed_text(suppressed)));
    say_unread(console, suppressed.unread);
    say_hashes(console, suppressed.hashes);
    say_contacts(console, suppressed.contacts);
    for line in &suppressed.named {
        console.warn(format_args!("  {}", on_one_line(line)));
    }
    console.warn(format_args!(
        "Opt-outs that came since {since} and are not in that list are lost."
    ));
}

/// After a checkpoint was refused that is not the one that was last used: the messages of results files that it does
/// not know.
pub(super) fn say_messages_since(console: Console, error: &CommandError) {
    let Some(checkpoint) = error.replaced_checkpoint() else {
        return;
    };
    let found = messages_unknown_to(checkpoint);
    if found.iter().all(|file| file.messages == 0) {
        console.warn(
            "No results file in its folder or in this one holds a message that it does not know.",
        );
    }
    say_unknown_messages(console, &found);
}

fn say_unknown_messages(console: Console, found: &[UnknownMessages]) {
    for file in found.iter().filter(|file| file.unreadable > 0) {
        console.warn(format_args!(
            "{} holds {} messages of which neither the number nor the id can be read any more (a spreadsheet rounded them, or \
             the columns were taken out): it cannot be told whether the checkpoint knows them.",
            shown(&file.file),
            grouped(file.unreadable)
        ));
    }
    for file in found.iter().filter(|file| file.messages > 0) {
        console.warn(format_args!(
            "{} holds {} messages that it does not know{}: those people may be messaged again, unless `outreach \
             history import {} --no-suppressions` brings them in.",
            shown(&file.file),
            grouped(file.messages),
            last(file.last),
            quoted(&shown(&file.file).to_string())
        ));
    }
}

fn shown(file: &Path) -> std::path::Display<'_> {
    file.display()
}

fn last(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| format!(", the last of {at}"))
}
