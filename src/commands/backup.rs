//! `outreach backup FILE`: a copy of the checkpoint.

use super::call::Call;
use super::checkpoint;
use super::error::CommandResult;
use crate::cli::BackupArgs;
use crate::exit::ExitCode;
use crate::report::grouped;
use crate::run::back_up;

/// Runs the command.
///
/// # Errors
/// [`CommandError`](super::CommandError), with its exit code.
pub(super) fn run(args: &BackupArgs, call: &Call) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
    let path = checkpoint::find(settings, None)?.path;
    let size = back_up(&path, &args.file, clock.now())?;
    console.say(format_args!(
        "{}: a copy of {}, {} bytes, checked. It holds phone numbers, and `forget` does not reach it.",
        args.file.display(),
        path.display(),
        grouped(size)
    ));
    Ok(ExitCode::Complete)
}
