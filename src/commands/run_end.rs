//! How a run ended, in words and in files: what `send`, `resume` and `night` say at its end, and what to do next.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::error::CommandError;
use super::run::Front;
use crate::domain::eligibility::waited_for;
use crate::domain::outcome::FatalKind;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{counted_are, displacement, grouped, quoted};
use crate::run::{AfterHalt, Ended, Halt, HeldBatch, HeldText, Meaning, PausedBy, RunEnd, summary};

impl Front<'_> {
    /// What goes on with the rest after a pilot.
    pub(super) fn after_pilot_text(&self, name: &str, queued: u64) -> String {
        format!(
            "The pilot is over. `{}` goes on with the other {}.",
            self.resume(name),
            grouped(queued)
        )
    }

    /// Why nothing more is sent, and what continues the batch.
    pub(super) fn paused_text(&self, name: &str, by: &PausedBy) -> String {
        let next = match by {
            PausedBy::Person(_) => format!("`{}` goes on.", self.resume(name)),
            PausedBy::Approval => "Once that person starts it there, it goes on.".to_owned(),
        };
        format!("{name} is paused: {by}. {next}")
    }

    pub(super) fn continue_after_halt(
        &self,
        batch: &HeldBatch,
        how: &AfterHalt,
    ) -> Result<(), CommandError> {
        batch.continue_after_halt(how, &self.person, self.now())?;
        for saying in &how.refusal_rules {
            self.console.say(format_args!(
                "Remembered: \"{}\" means {}.",
                saying.text, saying.meaning
            ));
        }
        for (held, meaning) in &how.held {
            let rows = grouped(held.rows);
            self.console.say(match meaning {
                Some(Meaning::NoMessenger) if how.goes_on => format!(
                    "{rows} recipients that were held by \"{}\" have no Messenger, and go on to another channel.",
                    held.text
                ),
                Some(meaning) if meaning.is_final() => format!(
                    "{rows} recipients that were held by \"{}\" are settled ({meaning}).",
                    held.text
                ),
                Some(meaning) => format!(
                    "{rows} recipients that were held by \"{}\" are queued again ({meaning}).",
                    held.text
                ),
                None => self.held_text(&batch.batch().name, held),
            });
        }
        if let Some((text, rows)) = &how.again {
            self.console.say(format_args!(
                "{rows} recipients that were refused with \"{text}\" are queued again."
            ));
        }
        Ok(())
    }

    /// What to do about recipients that are held.
    fn held_text(&self, name: &str, held: &HeldText) -> String {
        format!(
            "{} held: it is not known what the refusal means (\"{}\"). {}",
            counted_are(held.rows, "recipient"),
            held.text,
            self.meanings_text(name, &held.text)
        )
    }

    /// How a person says what a text means.
    fn meanings_text(&self, name: &str, text: &str) -> String {
        let resume = self.resume(name);
        let say = |meaning: Meaning| quoted(&format!("{meaning}={text}"));
        format!(
            "Does it mean that the numbers have no Messenger? `{resume} --refusal {}` settles them, and it is \
             remembered. If it means something else, mend that, then `{resume} --refusal {}` queues them again \
             (or person, message, wait, later in place of channel).",
            say(Meaning::NoMessenger),
            say(Meaning::Channel),
        )
    }

    /// People are queued although the run has ended.
    fn say_queued(&self, batch: &HeldBatch, ended: &Ended) {
        let has_window = batch.settings(&self.run).schedule.window.is_some();
        let batch = batch.batch();
        let why = if !has_window && batch.follow_up.is_some() {
            "events came while the run ended"
        } else if !has_window && batch.fallback.is_some() {
            "they go on to another channel, as was learned while the run ended"
        } else {
            "their own sending hours do not come before this run must end"
        };
        self.console.warn(format_args!(
            "{} still queued: {why}. `{}` goes on from here.",
            counted_are(ended.queued, "recipient"),
            self.resume(&batch.name)
        ));
    }

    fn say_displaced(&self, batch: &HeldBatch) {
        let (original, kept) = (batch.original_checkpoint(), batch.checkpoint());
        self.console.warn(format_args!(
            "Stopped: {}. Do not send from {} before you know who was messaged: a new checkpoint there would message \
             everybody again. To go on: `outreach resume {} --db {}`.",
            displacement(original, kept, "it was sent"),
            original.display(),
            quoted(&batch.batch().name),
            quoted(&kept.to_string_lossy()),
        ));
    }

    fn say_waiting(&self, ended: &Ended) {
        let waiting = &ended.waiting;
        let first = waiting.first.as_deref();
        let resolve = match first.and_then(waited_for) {
            Some(batch) => format!("`{}` settles that batch", self.resolve(batch)),
            None => "`resolve` settles that batch".to_owned(),
        };
        self.console.warn(format_args!(
            "{} still queued: it is not known whether they got the same message from another batch ({}). {resolve}, \
             then the same command goes on.",
            counted_are(waiting.rows, "recipient"),
            first.unwrap_or("its outcome is unknown"),
        ));
    }

    /// Where all is left out but what is wrong: one line, if there is something to do. A night says it in its summary.
    pub(super) fn say_in_one_line(&self, batch: &HeldBatch, ended: &Ended) {
        let name = &batch.batch().name;
        if matches!(ended.end, RunEnd::Displaced) {
            self.say_displaced(batch);
        } else if ended.exit != ExitCode::Complete && !self.is_night {
            let counts = ended.counts;
            let mut text = format!("Batch {}: {}", on_one_line(name), ended.in_words());
            for (count, word) in [
                (counts.sent, "sent"),
                (counts.error, "error"),
                (counts.unknown, "unknown"),
                (counts.queued, "queued"),
            ] {
                if count > 0 || word == "sent" {
                    // Writing to a String cannot fail.
                    let _ = write!(text, ", {} {word}", grouped(count));
                }
            }
            let next = if counts.unknown > 0 && counts.queued == 0 {
                self.resolve(name)
            } else if counts.queued > 0 {
                self.resume(name)
            } else {
                self.hints().command("status", name, &[])
            };
            self.console.warn(format_args!("{text}. Next: `{next}`"));
        }
    }

    pub(super) fn say_end(&self, batch: &HeldBatch, ended: &Ended) {
        let name = &batch.batch().name;
        if ended.pilot_is_over && ended.counts.queued > 0 {
            let text = self.after_pilot_text(name, ended.counts.queued);
            return self.console.say(text);
        }
        match &ended.end {
            RunEnd::Complete if ended.waiting.rows > 0 => self.say_waiting(ended),
            RunEnd::Complete if ended.held > 0 => self.console.warn(format_args!(
                "{} held until the text of the refusal has a meaning.",
                counted_are(ended.held, "recipient")
            )),
            RunEnd::Complete if ended.queued > 0 => self.say_queued(batch, ended),
            RunEnd::Complete if ended.counts.awaiting > 0 => self.console.say(format_args!(
                "Nobody else is queued now. `outreach serve` queues people as their events come, and `{}` sends.",
                self.resume(name)
            )),
            RunEnd::Complete => {}
            RunEnd::Displaced => self.say_displaced(batch),
            RunEnd::Interrupted => self.console.say("Stopped as asked."),
            RunEnd::Deadline => self.console.say("The time for this run is over."),
            RunEnd::Paused(by) => self.console.say(self.paused_text(name, by)),
            RunEnd::Halted(halt) => {
                self.console
                    .warn(format_args!("Stopped by a guard: {halt}"));
                self.console.warn(self.after_halt_text(name, halt));
            }
        }
    }

    /// Writes the results file and the summary; returns where the results are. A file that cannot be written does
    /// not lose the batch.
    pub(super) fn report(&self, batch: &HeldBatch, out: &Path) -> Result<PathBuf, CommandError> {
        let (db, name) = (batch.checkpoint(), &batch.batch().name);
        let (dialect, now) = (self.checkpoint.dialect, self.now());
        let written = batch.write_results(&self.files, out, dialect, now);
        let out = self.checkpoint.out.as_deref();
        let mut hints = self.hints();
        let export = hints.command("export", name, &[]);
        hints.results = written.as_ref().ok().cloned();
        let summary = summary(db, name)?;
        self.console.say_lines(summary.text(&hints));
        let given = self.checkpoint.summary.as_deref();
        let summary = given.map(|path| batch.write_summary(&self.files, &summary, path));
        let summary = summary.transpose();
        for (given, written) in [
            (out, written.as_ref().ok()),
            (given, summary.as_ref().ok().and_then(Option::as_ref)),
        ] {
            self.say_elsewhere(given, written);
        }
        if let (Err(_), Err(error)) = (&written, &summary) {
            self.console.warn(format_args!("error: {error}"));
        }
        let written = written.map_err(|error| {
            CommandError::from(error).context(format!(
                "the results are safe in the checkpoint, `{export}` writes them"
            ))
        })?;
        summary?;
        Ok(written)
    }

    /// Says where a file is that could not take its place.
    fn say_elsewhere(&self, given: Option<&Path>, written: Option<&PathBuf>) {
        if let (Some(given), Some(written)) = (given, written)
            && given != written
        {
            self.console.warn(format_args!(
                "{} was changed while the batch was sent: it stays as it is, and the results are in {}.",
                given.display(),
                written.display()
            ));
        }
    }

    /// What to do about the cause of a halt.
    fn after_halt_text(&self, name: &str, halt: &Halt) -> String {
        let resume = self.resume(name);
        match halt {
            Halt::Fatal {
                kind: FatalKind::Channel { todo, .. },
                ..
            } => format!(
                "Nobody was given up: people who were not sent to are still queued. {todo} Then `{resume}` goes on."
            ),
            Halt::Fatal { .. } => {
                "Nothing more is sent. Mend token, channel or base URL (`outreach doctor` checks \
                 them), then run the same command again."
                    .to_owned()
            }
            Halt::NoMessengerRun {
                text, known: false, ..
            } => format!(
                "They are held: no run claims them until the text has a meaning. {}",
                self.meanings_text(name, text)
            ),
            Halt::NoMessengerRun { known: true, .. } => format!(
                "They are held. Is the region of the numbers right (`--region`)? Is there an outage? If they have no \
                 Messenger, `{resume}` settles them and goes on; if the refusals are wrong, `{resume} --refusal \
                 'later=TEXT'` queues them again."
            ),
            Halt::Message { .. } => format!(
                "They are queued again. Mend the message: another text or tag is a new batch, and people who \
                 got this one get neither twice. If the channel was at fault: `{resume}`."
            ),
            Halt::IdenticalRefusals { text, .. } => format!(
                "Mend the cause (template, channel, permission), then `{resume}` \
                 sends to those recipients again. To say what the text means: `{resume} --refusal {}`.",
                quoted(&format!("message={text}"))
            ),
            Halt::Outage { .. } => {
                "The recipients that were not sent are still queued: run the same command again \
                 when the API answers."
                    .to_owned()
            }
            Halt::WrongClock { .. } => format!(
                "With a wrong clock people could be messaged twice, or not at all. Set this machine's clock, then \
                 `{resume}` goes on; if it is right, `{resume} --trust-clock` does."
            ),
            Halt::Reserve { .. } => {
                format!("Give a smaller --reserve, then `{resume}` goes on.")
            }
        }
    }
}
