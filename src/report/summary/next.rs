//! The commands that may come next.

use super::Summary;
use crate::domain::refusal::Meaning;
use crate::report::hints::Hints;
use crate::report::words::quoted;

impl Summary {
    /// The summary for programs, with the command that goes on with the batch.
    pub(crate) fn with_next(&self, hints: &Hints) -> impl serde::Serialize {
        #[derive(serde::Serialize)]
        struct WithNext {
            #[serde(flatten)]
            summary: Summary,
            continued_by: Option<String>,
            results: Option<String>,
        }
        WithNext {
            summary: self.clone(),
            continued_by: self.continued_by(hints),
            results: hints
                .results
                .as_ref()
                .map(|path| path.to_string_lossy().into_owned()),
        }
    }

    /// The command that goes on with the batch; `None` if nothing is left to do, or a process works on it.
    pub(crate) fn continued_by(&self, hints: &Hints) -> Option<String> {
        let others = self.counts.queued.saturating_sub(self.held()) + self.counts.sending;
        let goes_on = others > 0 || self.details.halted_text.is_some();
        let sandbox = if self.sandbox { "--sandbox" } else { "" };
        let is_free = self.details.ready && self.stands.worked_on().is_none();
        (is_free && goes_on && !self.is_cancelled())
            .then(|| hints.command("resume", &self.batch, &[sandbox]))
    }

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
        if self.is_cancelled() {
            let undo = command("resume", &[sandbox, "--undo-cancel"]);
            lines.push((undo, "take it up again"));
        } else if let Some(resume) = self.continued_by(hints) {
            let why = if self.rest_waits() {
                "go on with the rest, after the pilot"
            } else {
                "continue where it stopped"
            };
            lines.push((resume, why));
        }
        // The process that works on it writes them at its end.
        if hints.results.is_none() && self.stands.worked_on().is_none() {
            lines.push((command("export", &[]), "write the results file"));
        }
        lines
    }
}
