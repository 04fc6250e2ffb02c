//! `outreach checkpoint upgrade`: a checkpoint of an earlier version is upgraded.

use super::call::Call;
use super::checkpoint;
use super::error::CommandResult;
use crate::exit::ExitCode;
use crate::run::{OldCopy, upgrade};

/// Runs the command.
///
/// # Errors
/// [`CommandError`](super::CommandError), with its exit code.
pub(super) fn run(no_copy: bool, call: &Call) -> CommandResult {
    let (settings, console) = (&call.settings, call.console);
    let db = checkpoint::find(settings, None)?.path;
    let copy = if no_copy {
        OldCopy::Skip
    } else {
        OldCopy::Keep
    };
    let shown = db.display();
    match (upgrade(&db, copy)?, copy) {
        (None, _) => console.say(format_args!(
            "{shown} has the version of this program already: nothing was changed."
        )),
        (Some(version), OldCopy::Keep) => console.say(format_args!(
            "{shown} was upgraded from version {version}; as it was, it is kept as {shown}.v{version}.bak. That \
             copy holds phone numbers, and `forget` does not reach it."
        )),
        (Some(version), OldCopy::Skip) => console.say(format_args!(
            "{shown} was upgraded from version {version}. No copy of the old one was kept: an older program \
             cannot read it any more."
        )),
    }
    Ok(ExitCode::Complete)
}
