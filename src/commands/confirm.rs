//! What is about to be sent is shown, and confirmed.

use super::error::CommandError;
use super::preview::preview_text;
use super::run::{Front, PlannedRun};
use crate::report::counted;
use crate::run::HeldBatch;

impl Front<'_> {
    /// Shows what is about to be sent, and asks where that can be answered. False if the answer is no.
    pub(super) fn confirms(
        &self,
        batch: &HeldBatch,
        about: &PlannedRun,
        resumed: bool,
    ) -> Result<bool, CommandError> {
        let run = batch.settings(&self.run);
        if let Some(kept) = batch.differs_from(&self.run) {
            self.console.say(format_args!(
                "note: kept with the batch: {kept}. A flag changes that, a settings file does not."
            ));
        }
        // Else it was said of the settings before the list was read.
        let is_new = resumed || run.schedule != self.run.schedule;
        if is_new && !self.accepts_time(&run.schedule) {
            return Ok(false);
        }
        let (preview, console) = (&about.preview, self.console);
        console.say_lines(preview_text(
            batch.batch(),
            preview,
            about.pilot,
            run.history,
        ));
        if let Some(known) = &about.known {
            let lines = known.lines(console.width().saturating_sub(2));
            console.say_lines(format_args!("Known of them:\n  {}", lines.join("\n  ")));
        }
        let is_settled = self.start.sandbox || self.start.yes;
        let awaiting = preview.counts.awaiting;
        Ok(self.opens_follow_up(batch, awaiting, is_settled)?
            && (preview.to_send == 0
                || is_settled
                || console.ask(format_args!(
                    "Send {} now?",
                    counted(preview.to_send, "message")
                ))))
    }
}
