//! `outreach resume`: a batch goes on from the checkpoint, without its contacts file.

use super::call::Call;
use super::error::CommandResult;
use super::outcome::StartOptions;
use super::process::BeforeSending;
use super::run::Front;
use super::settings;
use crate::cli::ResumeArgs;
use crate::exit::ExitCode;
use crate::report::quoted;
use crate::run::{CheckpointSettings, HeldBatch, ResumeSettings, list_is_gone};

/// Runs the command.
///
/// # Errors
/// [`CommandError`](super::CommandError), with its exit code.
pub(crate) fn run(args: &ResumeArgs, call: &Call) -> CommandResult {
    let settings = &call.settings;
    let mut front = Front::new(call, args.start, &[], args.run.force)?;
    front.before_sending = BeforeSending::begin(call.console, front.stop.clone());
    let checkpoint = CheckpointSettings {
        // That of a rehearsal is named by the flag only.
        named: if args.start.sandbox {
            front.checkpoint.db_by_flag().is_some()
        } else {
            front.checkpoint.is_named()
        },
        path: &front.db,
    };
    checkpoint.require(args.start.sandbox)?;
    front.require_yes()?;
    let asked = ResumeSettings {
        batch: args.batch.as_deref(),
        channel: front.connection.channel.as_deref(),
        sandbox: args.start.sandbox,
        undo_cancel: args.undo_cancel.then_some(front.person.as_str()),
    };
    let fallback = settings::fallback(settings, &settings.typed_other_channels()?)?;
    let batch = HeldBatch::resume(&front.db, &asked, front.now())?;
    if let Some(list) = batch.refuse_if_edited()? {
        call.console.warn(list_is_gone(&list));
    }
    for newer in batch.newer_lists()? {
        let name = &batch.batch().name;
        call.console.warn(format_args!(
            "The list of batch {name} was read again since with other rows, as batch {newer}. This goes by the older list: also to \
             people whom the newer one refuses or leaves out. `outreach send FILE --batch {} --update` puts the newer one in its \
             place.",
            quoted(name)
        ));
    }
    front.require_token()?;
    let Some(batch) = front.with_fallback(batch, &fallback)? else {
        return Ok(ExitCode::Paused);
    };
    Ok(front
        .run_batch(batch, StartOptions::resume(args.no_messenger_text))?
        .exit)
}
