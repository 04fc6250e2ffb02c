//! `outreach resume`: a batch goes on from the checkpoint, without its contacts file.

use super::checkpoint::choice;
use super::console::Console;
use super::error::CommandResult;
use super::run::{Asked, Front};
use crate::cli::ResumeArgs;
use crate::clock::Clock;
use crate::config::Settings;
use crate::run::{HeldBatch, ResumeSettings};

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
    let flags = Asked {
        sandbox: args.sandbox,
        sandbox_quota: args.sandbox_quota,
        yes: args.yes,
    };
    let front = Front::new(settings, flags, console, clock)?;
    if !args.sandbox {
        choice(&front.checkpoint).require_real()?;
    }
    front.require_yes()?;
    let asked = ResumeSettings {
        batch: args.batch.as_deref(),
        channel: front.connection.channel.as_deref(),
        sandbox: args.sandbox,
    };
    let batch = HeldBatch::resume(front.checkpoint.db(), &asked, front.clock.now())?;
    if !args.sandbox {
        front.connection.token()?;
    }
    front.go(&batch, args.no_messenger_text)
}
