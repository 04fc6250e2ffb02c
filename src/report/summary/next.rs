//! The commands that may come next.

use super::Summary;
use crate::domain::refusal::Meaning;
use crate::report::hints::Hints;
use crate::report::words::quoted;

impl Summary {
    /// The commands that may come next, each with its purpose.
    pub(super) fn next(&self, hints: &Hints) -> Vec<(String, &'static str)> {
        let mut lines = Vec::new();
        if !self.details.ready {
            return lines;
        }
        let command = |verb, flags: &[&str]| hints.command(verb, &self.batch, flags);
        if self.counts.unknown > 0 {
            lines.push((
                command("resolve", &[]),
                "look at the unknown rows, and settle them",
            ));
        }
        let sandbox = if self.sandbox { "--sandbox" } else { "" };
        if let Some(held) = self.details.held.first() {
            let say = |meaning| quoted(&format!("{meaning}={}", held.text));
            lines.push((
                command(
                    "resume",
                    &[sandbox, "--refusal", &say(Meaning::NoMessenger)],
                ),
                "if the refusal means \"no Messenger for this number\"",
            ));
            lines.push((
                command("resume", &[sandbox, "--refusal", &say(Meaning::Channel)]),
                "if not: after its cause was mended, sends to the held again",
            ));
        }
        let others = self.counts.queued.saturating_sub(self.held()) + self.counts.sending;
        if self.is_cancelled() {
            let undo = command("resume", &[sandbox, "--undo-cancel"]);
            lines.push((undo, "take it up again"));
        } else if others > 0 || self.details.halted_text.is_some() {
            let why = if self.rest_waits() {
                "go on with the rest, after the pilot"
            } else {
                "continue where it stopped"
            };
            lines.push((command("resume", &[sandbox]), why));
        }
        if hints.results.is_none() {
            lines.push((command("export", &[]), "write the results file"));
        }
        lines
    }
}
