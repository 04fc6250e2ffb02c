//! `outreach cancel BATCH`: gives a batch up.

use super::call::Call;
use super::checkpoint;
use super::error::CommandResult;
use crate::cli::CancelArgs;
use crate::exit::ExitCode;
use crate::report::grouped;
use crate::run::HeldBatch;

/// Runs the command.
///
/// # Errors
/// [`CommandError`](super::CommandError), with its exit code.
pub(crate) fn run(args: &CancelArgs, call: &Call) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
    console.require_yes(args.yes, "cancel")?;
    let found = checkpoint::find(settings, Some(&args.batch))?;
    let now = clock.now();
    let batch = HeldBatch::to_cancel(&found.path, &args.batch, now)?;
    let counts = batch.counts()?;
    let queued = grouped(counts.queued + counts.awaiting);
    let question = format!(
        "Give batch {} up? {queued} people have not been messaged and will not be; {} have, and stay as they are.",
        args.batch,
        grouped(counts.sent)
    );
    if !args.yes && !console.ask(question) {
        console.say("Nothing was changed.");
        return Ok(ExitCode::Complete);
    }
    batch.cancel(&settings.person(), now)?;
    let sandbox = if batch.batch().sandbox {
        "--sandbox"
    } else {
        ""
    };
    let hints = found.hints_of(batch.batch())?;
    let undo = hints.command("resume", &args.batch, &[sandbox, "--undo-cancel"]);
    console.say(format_args!(
        "Batch {} is cancelled: {queued} queued people are not messaged. `{undo}` takes it up again.",
        args.batch
    ));
    if counts.unknown > 0 {
        console.say(format_args!(
            "{} people stay unknown: a message may have gone out. `{}` settles them.",
            grouped(counts.unknown),
            hints.command("resolve", &args.batch, &[])
        ));
    }
    Ok(ExitCode::Complete)
}
