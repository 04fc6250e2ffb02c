//! `outreach send --after`: what is found, what is asked, and what is said of a follow-up.

use std::fmt::Write as _;

use super::error::{CommandError, CommandResult};
use super::outcome::StartOptions;
use super::run::Front;
use crate::cli::SendArgs;
use crate::exit::ExitCode;
use crate::report::{Local, grouped, people};
use crate::run::{
    Batch, FallbackSource, FollowUp, FollowUpBatch, FollowUpSettings, HeldBatch, Mismatch,
    RunError, Source,
};

/// A follow-up that is yet to be made.
pub(super) struct NewFollowUp {
    pub(super) name: String,
    pub(super) list: Source,
    pub(super) follow_up: FollowUp,
}

/// Finds the batch of a follow-up: new, or how its command ended.
pub(super) fn find(
    front: &Front<'_>,
    (args, asked): (&SendArgs, &FollowUpSettings<'_>),
    fallback: &FallbackSource,
) -> Result<Result<NewFollowUp, ExitCode>, CommandError> {
    let message = front
        .message()?
        .ok_or(RunError::from(Mismatch::NoMessage))?;
    let on = front.channel()?;
    let sms = front.call.settings.content()?.sms_settings.counted;
    let now = front.now();
    match asked.find(&front.db, &message, on, sms, now)? {
        FollowUpBatch::Continue(name) => {
            let purpose = args.purpose.as_deref();
            let Some(batch) = front.resumed(&name, fallback, purpose)? else {
                return Ok(Err(ExitCode::Paused));
            };
            let batch = batch.change_follow_up(asked, &front.person, now)?;
            let went: CommandResult = front
                .run_batch(batch, StartOptions::send(None, false))
                .map(|it| it.exit);
            Ok(Err(went?))
        }
        FollowUpBatch::New { people: 0, .. } => {
            front.console.say(format_args!(
                "Batch {} has no people whom a follow-up could reach. Nothing was sent.",
                asked.of
            ));
            Ok(Err(ExitCode::Complete))
        }
        FollowUpBatch::New {
            name,
            list,
            follow_up,
            ..
        } => Ok(Ok(NewFollowUp {
            name,
            list,
            follow_up,
        })),
    }
}

/// For whom a follow-up is, and until when; nothing where nobody waits. `before`: those whose event came before.
pub(super) fn text(batch: &Batch, awaiting: u64, before: u64, local: &Local) -> Option<String> {
    let follow_up = batch.follow_up.as_ref().filter(|_| awaiting > 0)?;
    let mut text = format!(
        "Open until {}: {} {}{}.",
        local.time(follow_up.open_until),
        people(awaiting),
        follow_up.after.awaited(awaiting),
        follow_up.times(),
    );
    if before > 0 {
        let them = if before == 1 {
            "that person"
        } else {
            "those people"
        };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            " For {} of them that happened before this batch began, which does not count: `outreach audience` and \
             `send --audience-from checkpoint` reach {them}.",
            grouped(before)
        );
    }
    Some(text)
}

impl Front<'_> {
    /// Says for whom a follow-up is, and asks before it is opened. False if the answer is no.
    pub(super) fn opens_follow_up(
        &self,
        batch: &HeldBatch,
        awaiting: u64,
        is_settled: bool,
    ) -> Result<bool, CommandError> {
        let before = batch.happened_before()?;
        let local = Local::at(self.now());
        let Some(text) = text(batch.batch(), awaiting, before, &local) else {
            return Ok(true);
        };
        self.console.say_lines(text);
        let is_new = batch.batch().started_at.is_none() && batch.batch().finished_at.is_none();
        Ok(!is_new || is_settled || self.console.ask("Open it?"))
    }
}
