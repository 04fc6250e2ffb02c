//! `outreach forget NUMBER`: erases a person.

use std::io::Write;

use super::call::Call;
use super::checkpoint;
use super::cluster::ERASED;
use super::console::{Console, words};
use super::error::CommandResult;
use crate::cli::ForgetArgs;
use crate::exit::ExitCode;
use crate::report::{counted, plural};
use crate::run::{forget, typed_number};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`](super::CommandError), with its exit code.
pub(crate) fn run(args: &ForgetArgs, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
    let phone = typed_number(&args.number, settings.intake()?.reading())?;
    let found = checkpoint::find(settings, None)?;
    let path = found.path;
    // Asked first: to open it for writing upgrades an old checkpoint.
    console.require_yes(args.yes, "erase")?;
    if !args.yes {
        let question = format!(
            "Erase all that {} knows of this number? This cannot be undone.",
            path.display()
        );
        if !console.ask(question) {
            console.say("Nothing was erased.");
            return Ok(ExitCode::Complete);
        }
    }
    let done = forget(&path, phone, clock.now(), &mut || {
        console.say(
            "A request to this number is under way: the person gets no other one. Waiting for its answer.",
        );
    })?;
    let erased = done.erased;
    let others = match erased.others {
        0 => String::new(),
        others => format!(
            "The number is gone from {}, which stay; where it was one of their person's numbers they are not sent.\n",
            plural(others, "row of others", "rows of others")
        ),
    };
    let text = format!(
        "Erased: {} ({} still queued), {}, {}, {}, {}.\n{others}\
         The erased rows still count, without number and fields. A keyed hash stays on the suppression list: \
         a later list with this number does not message it.\n",
        counted(erased.rows, "row"),
        erased.dequeued,
        counted(erased.messages, "message"),
        counted(erased.attempts, "request"),
        counted(erased.contacts, "contact"),
        counted(erased.events, "webhook event")
    );
    words(&text, out)?;
    say_traces(console, done.log_is_empty, found.is_shared);
    console.say(
        "Files that were written before (contacts, results, rejects, backups) are not changed: \
         remove the person there yourself.",
    );
    Ok(ExitCode::Complete)
}

/// Says where what was erased may still be.
pub(super) fn say_traces(console: Console, log_is_empty: bool, is_shared: bool) {
    if !log_is_empty {
        console.warn(
            "Another process uses the checkpoint: its log may hold traces until that process ends. \
             Run the same command again then.",
        );
    }
    if is_shared {
        console.say(ERASED);
    }
}
