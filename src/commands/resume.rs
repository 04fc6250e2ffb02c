//! `outreach resume`: a batch goes on from the checkpoint, without its contacts file.

use super::console::Console;
use super::error::CommandResult;
use super::run::{Front, Going};
use super::settings;
use crate::cli::ResumeArgs;
use crate::clock::Clock;
use crate::config::Settings;
use crate::exit::ExitCode;
use crate::run::{CheckpointSettings, HeldBatch, ResumeSettings};

/// Runs the command.
///
/// # Errors
/// [`CommandError`](super::CommandError), with its exit code.
pub(crate) fn run(
    args: &ResumeArgs,
    settings: &Settings,
    console: Console,
    clock: Clock,
) -> CommandResult {
    let front = Front::new(settings, args.asked, (&[], args.run.force), console, clock)?;
    let checkpoint = CheckpointSettings {
        // That of a rehearsal is named by the flag only.
        named: if args.asked.sandbox {
            front.checkpoint.db_by_flag().is_some()
        } else {
            front.checkpoint.is_named()
        },
        path: &front.db,
    };
    checkpoint.require(args.asked.sandbox)?;
    front.require_yes()?;
    let person = args.undo_cancel.then(|| settings.person());
    let asked = ResumeSettings {
        batch: args.batch.as_deref(),
        channel: front.connection.channel.as_deref(),
        sandbox: args.asked.sandbox,
        undo_cancel: person.as_deref(),
    };
    let fallback = settings::fallback(&settings.typed_other_channels()?)?;
    let batch = HeldBatch::resume(&front.db, &asked, front.clock.now())?;
    front.require_token()?;
    let Some(batch) = front.with_fallback(batch, &fallback)? else {
        return Ok(ExitCode::Paused);
    };
    Ok(front.go(batch, Going::resume(args.no_messenger_text))?.exit)
}
