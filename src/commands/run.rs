//! What `send`, `resume` and `night` share: a held batch is shown, confirmed, sent, and accounted for.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::checkpoint;
use super::console::Console;
use super::error::CommandError;
use super::preview::{messages, preview_text};
use super::process::runtime;
use super::settings;
use super::terminal::Terminal;
use crate::amio;
use crate::cli::{Asked, ProgressWhen};
use crate::clock::Clock;
use crate::config::{Checkpoint, Connection, Settings};
use crate::dispatch::pacer::core::FALLBACK_RATE;
use crate::dispatch::{Halt, RunEnd};
use crate::domain::outcome::FatalKind;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{Hints, Local, ProgressStyleChoice, grouped, quoted};
use crate::run::{
    AfterHalt, Ended, Files, HeldBatch, HeldText, LittleTime, Meaning, PilotAsked, PilotStep,
    Preview, Rehearsal, RunSettings, StopHandle, random_bits, summary,
};

/// The command line as the front end of a run.
pub(super) struct Front {
    pub(super) connection: Connection,
    pub(super) checkpoint: Checkpoint,
    /// The file of the checkpoint.
    pub(super) db: PathBuf,
    pub(super) settings: RunSettings,
    pub(super) clock: Clock,
    /// What is read and written; the paths that were given are free.
    pub(super) files: Files,
    /// Where files go that we name ourselves; the current folder if not said.
    pub(super) folders: Folders,
    /// Stops what is sent.
    pub(super) stop: StopHandle,
    /// The fingerprint of our token, where a worker goes on with what this run leaves.
    pub(super) left_to_workers: Option<i64>,
    /// The list is read, and the sending is left to a worker.
    pub(super) detach: bool,
    /// Many lists are sent, and one summary tells of all.
    pub(super) is_night: bool,
    console: Console,
    asked: Asked,
    /// Who runs the program.
    person: String,
}

/// The folders of the files that nobody named; an empty path is the current folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Folders {
    pub(super) results: PathBuf,
    pub(super) rejects: PathBuf,
}

/// A batch that was to be sent.
#[derive(Debug)]
pub(super) struct Outcome {
    /// How the program ends.
    pub(super) exit: ExitCode,
    /// The batch; `None` where it did not come so far.
    pub(super) batch: Option<String>,
    /// Whether somebody was queued before.
    pub(super) had_queued: bool,
    /// How its run ended; `None` if the answer was no.
    pub(super) ended: Option<Ended>,
    /// The results file.
    pub(super) results: Option<PathBuf>,
    /// The rows to mend, if a list was read that has any.
    pub(super) rejects: Option<PathBuf>,
    /// Why it was not sent, if no run ended.
    pub(super) not_sent: &'static str,
}

/// How a batch goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Going {
    /// The refusals that stopped the batch do mean "no Messenger".
    confirm: bool,
    /// Who gets the message before the rest.
    pilot: Option<PilotAsked>,
    /// A person takes it up.
    resumed: bool,
}

impl Going {
    /// As its list is sent.
    pub(super) fn send(pilot: Option<PilotAsked>) -> Self {
        Self {
            confirm: false,
            pilot,
            resumed: false,
        }
    }

    /// As it is resumed.
    pub(super) fn resume(confirm: bool) -> Self {
        Self {
            confirm,
            pilot: None,
            resumed: true,
        }
    }
}

impl Outcome {
    /// The answer was no.
    pub(super) fn declined(batch: Option<String>) -> Self {
        Self {
            exit: ExitCode::Paused,
            batch,
            had_queued: true,
            ended: None,
            results: None,
            rejects: None,
            not_sent: "the answer was no",
        }
    }
}

impl Front {
    pub(super) fn new(
        settings: &Settings,
        asked: Asked,
        (inputs, force): (&[PathBuf], bool),
        console: Console,
        clock: Clock,
    ) -> Result<Self, CommandError> {
        let checkpoint = settings.checkpoint()?;
        Self::with(settings, checkpoint, asked, (inputs, force), console, clock)
    }

    /// The same with another checkpoint, or other files, than the settings name.
    pub(super) fn with(
        settings: &Settings,
        mut checkpoint: Checkpoint,
        asked: Asked,
        (inputs, force): (&[PathBuf], bool),
        console: Console,
        clock: Clock,
    ) -> Result<Self, CommandError> {
        if asked.sandbox {
            checkpoint = checkpoint.for_sandbox();
        }
        let db = checkpoint::path(&checkpoint)?;
        let mut files = settings::files(settings, Some(&db), inputs, force)?;
        let given = [
            ("--out", &checkpoint.out),
            ("--summary", &checkpoint.summary),
        ];
        for (flag, path) in given {
            if let Some(path) = path {
                files.write(flag, path)?;
            }
        }
        let connection = settings.connection()?;
        if !asked.sandbox {
            connection.base_url()?;
        }
        let mut run = settings::run(settings, clock.now())?;
        run.guards.trust_clock = asked.trust_clock;
        Ok(Self {
            db,
            connection,
            checkpoint,
            files,
            settings: run,
            clock,
            folders: Folders::default(),
            stop: StopHandle::default(),
            left_to_workers: None,
            detach: false,
            is_night: false,
            console,
            asked,
            person: settings.person(),
        })
    }

    /// How progress is shown. A bar and a log of each request would write over each other.
    pub(super) fn progress(&self) -> ProgressStyleChoice {
        match self.asked.progress {
            ProgressWhen::Auto | ProgressWhen::Always if self.console.logs() => {
                ProgressStyleChoice::Never
            }
            ProgressWhen::Auto => ProgressStyleChoice::Auto,
            ProgressWhen::Always => ProgressStyleChoice::Always,
            ProgressWhen::Never => ProgressStyleChoice::Never,
            ProgressWhen::Json => ProgressStyleChoice::Json,
        }
    }

    /// Whether this is a rehearsal.
    pub(super) fn sandbox(&self) -> bool {
        self.asked.sandbox
    }

    /// Without a token nothing real can be sent: refused before a long list is read.
    pub(super) fn require_token(&self) -> Result<(), CommandError> {
        if !self.asked.sandbox {
            self.connection.token()?;
        }
        Ok(())
    }

    /// Without a terminal the first real send cannot be confirmed: refused before a long list is read.
    pub(super) fn require_yes(&self) -> Result<(), CommandError> {
        let is_settled = self.asked.sandbox || self.asked.yes;
        self.console.require_yes(is_settled, "send")
    }

    /// What the window leaves of the time until the deadline: little or nothing of it is a question, and without a
    /// terminal the first thing that is said. False if the answer is no.
    pub(super) fn accepts_time(&self) -> bool {
        let Some(little) = self.little_time() else {
            return true;
        };
        self.console.warn(format_args!("Warning: {little}."));
        self.asked.yes || !self.console.can_ask() || self.console.ask("Begin all the same?")
    }

    /// What the window leaves of the time until the deadline, if that is little or nothing. A rehearsal waits for no
    /// window.
    pub(super) fn little_time(&self) -> Option<LittleTime> {
        let now = self.clock.now();
        LittleTime::of(&self.settings.schedule, now).filter(|_| !self.asked.sandbox)
    }

    /// Says what is about to be sent, asks where that can be answered, and sends.
    pub(super) fn go(&self, mut batch: HeldBatch, how: Going) -> Result<Outcome, CommandError> {
        let after_halt = batch.after_halt(&self.settings.refusals, how.confirm)?;
        let out = self.results_path(&batch)?;
        batch.check_results(Some(&out), self.checkpoint.dialect)?;
        let token = self.connection.token.as_ref().map(amio::token_fingerprint);
        let now = self.clock.now();
        let pilot = batch.pilot_step(how.pilot, how.resumed, random_bits()());
        let preview = batch.preview(&self.settings, token, &after_halt, pilot, now)?;
        let name = batch.batch().name.clone();
        if let (PilotStep::Over(_), 1..) = (pilot, preview.counts.queued) {
            return self.say_pilot_is_over(&batch, &preview);
        }
        self.console.say_lines(preview_text(
            batch.batch(),
            &preview,
            pilot,
            self.settings.history,
        ));
        if preview.to_send > 0
            && !self.asked.sandbox
            && !self.asked.yes
            && !self
                .console
                .ask(format_args!("Send {} now?", messages(preview.to_send)))
        {
            self.console.say(format_args!(
                "Nothing was sent. `{}` goes on from here.",
                self.resume(&name)
            ));
            return Ok(Outcome::declined(Some(name)));
        }
        self.go_on_after_halt(&batch, &after_halt)?;
        if let PilotStep::Begin(pilot) = pilot {
            batch = batch.begin_pilot(pilot, &self.person, self.clock.now())?;
        }
        if let (true, Some(token)) = (self.detach, token) {
            return self.leave_to_workers(&batch, token, &preview);
        }
        let (ended, pace_is_assumed) = runtime()?.block_on(self.send(&batch))?;
        if let (Some(token), RunEnd::Interrupted) = (self.left_to_workers, &ended.end) {
            batch.leave_to_workers(token, self.clock.now())?;
        }
        if self.console.is_quiet() {
            self.say_in_one_line(&batch, &ended);
        } else {
            self.say_end(&batch, &ended);
        }
        let results = self.report(&batch, &out)?;
        if pace_is_assumed {
            self.console.say(format_args!(
                "The API reported no quota: at most {FALLBACK_RATE} were sent. --rate sets another pace."
            ));
        }
        Ok(Outcome {
            exit: ended.exit,
            batch: Some(name),
            had_queued: preview.counts.queued > 0,
            ended: Some(ended),
            results: Some(results),
            rejects: None,
            not_sent: "",
        })
    }

    /// Says that the pilot is over, how it went, and what goes on with the rest.
    fn say_pilot_is_over(
        &self,
        batch: &HeldBatch,
        preview: &Preview,
    ) -> Result<Outcome, CommandError> {
        let name = &batch.batch().name;
        self.console
            .say(self.after_pilot_text(name, preview.counts.queued));
        let summary = summary(batch.checkpoint(), name)?;
        self.console.say_lines(summary.text(&self.hints()));
        Ok(Outcome {
            not_sent: "its pilot is over, and the rest waits for `resume`",
            ..Outcome::declined(Some(name.clone()))
        })
    }

    /// The list is in, and a worker sends it.
    fn leave_to_workers(
        &self,
        batch: &HeldBatch,
        token: i64,
        preview: &Preview,
    ) -> Result<Outcome, CommandError> {
        let name = &batch.batch().name;
        batch.leave_to_workers(token, self.clock.now())?;
        self.console.say(format_args!(
            "{} of batch {name} wait for a worker with this token. `{}` shows how far it is.",
            messages(preview.to_send),
            self.hints().command("status", name, &[])
        ));
        Ok(Outcome {
            exit: ExitCode::Complete,
            not_sent: "a worker sends it",
            ..Outcome::declined(Some(name.clone()))
        })
    }

    /// What goes on with the rest after a pilot.
    fn after_pilot_text(&self, name: &str, queued: u64) -> String {
        format!(
            "The pilot is over. `{}` goes on with the other {}.",
            self.resume(name),
            grouped(queued)
        )
    }

    /// Where the results of the batch go.
    fn results_path(&self, batch: &HeldBatch) -> Result<PathBuf, CommandError> {
        if let Some(path) = &self.checkpoint.out {
            return Ok(path.clone());
        }
        let name = batch.results_name(self.checkpoint.dialect)?;
        Ok(self.folders.results.join(name))
    }

    fn go_on_after_halt(&self, batch: &HeldBatch, how: &AfterHalt) -> Result<(), CommandError> {
        batch.go_on_after_halt(how, &self.person, self.clock.now())?;
        for saying in &how.sayings {
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
            "{} recipients are held: nobody said what their refusal means (\"{}\"). {}",
            grouped(held.rows),
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
        let resume = self.resume(&batch.batch().name);
        let queued = grouped(ended.queued);
        let why = if self.settings.schedule.window.is_none() && batch.batch().fallback.is_some() {
            "they go on to another channel, as was learned while the run ended"
        } else {
            "their own sending hours do not come before this run must end"
        };
        self.console.warn(format_args!(
            "{queued} recipients are still queued: {why}. `{resume}` goes on from here."
        ));
    }

    async fn send(&self, batch: &HeldBatch) -> Result<(Ended, bool), CommandError> {
        let rehearsal = if self.asked.sandbox {
            self.console
                .say("Rehearsal against the built-in sandbox: nobody is messaged.");
            Some(Rehearsal::of(batch, self.asked.sandbox_quota).await?)
        } else {
            None
        };
        let access = match &rehearsal {
            Some(rehearsal) => rehearsal.access().clone(),
            None => settings::access(&self.connection)?,
        };
        let stop = self.stop.clone();
        let mut terminal = Terminal::new(
            self.console,
            self.resolve(&batch.batch().name),
            stop.clone(),
            (self.settings.grace, self.progress()),
        );
        let (settings, clock) = (&self.settings, &self.clock);
        let ended = batch
            .send(&access, settings, clock, &stop, &mut terminal)
            .await;
        terminal.end();
        Ok((ended?, terminal.pace_is_assumed()))
    }

    fn say_displaced(&self, batch: &HeldBatch) {
        let (original, kept) = (batch.original_checkpoint(), batch.checkpoint());
        self.console.warn(format_args!(
            "Stopped: the checkpoint {} was deleted or replaced while it was sent. What this run knew is kept as {}. \
             Do not send from {} before you know who was messaged. To go on: `outreach resume {} --db {}`.",
            original.display(),
            kept.display(),
            original.display(),
            quoted(&batch.batch().name),
            quoted(&kept.to_string_lossy()),
        ));
    }

    fn say_waiting(&self, ended: &Ended) {
        let waiting = &ended.waiting;
        self.console.warn(format_args!(
            "{} recipients are still queued: it is not known whether they got the same message from another \
             batch ({}). `outreach resolve` settles that batch, then the same command goes on.",
            waiting.rows,
            waiting.first.as_deref().unwrap_or("its outcome is unknown"),
        ));
    }

    /// Where all is left out but what is wrong: one line, if there is something to do. A night says it in its summary.
    fn say_in_one_line(&self, batch: &HeldBatch, ended: &Ended) {
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

    fn say_end(&self, batch: &HeldBatch, ended: &Ended) {
        let name = &batch.batch().name;
        if ended.pilot_is_over && ended.counts.queued > 0 {
            let text = self.after_pilot_text(name, ended.counts.queued);
            return self.console.say(text);
        }
        match &ended.end {
            RunEnd::Complete if ended.waiting.rows > 0 => self.say_waiting(ended),
            RunEnd::Complete if ended.held > 0 => self.console.warn(format_args!(
                "{} recipients are held until the text of their refusal has a meaning.",
                grouped(ended.held)
            )),
            RunEnd::Complete if ended.queued > 0 => self.say_queued(batch, ended),
            RunEnd::Complete => {}
            RunEnd::Displaced => self.say_displaced(batch),
            RunEnd::Interrupted => self.console.say("Stopped as asked."),
            RunEnd::Deadline => self.console.say("The time for this run is over."),
            RunEnd::Halted(halt) => {
                self.console
                    .warn(format_args!("Stopped by a guard: {halt}"));
                self.console.warn(self.after_halt_text(name, halt));
            }
        }
    }

    /// Writes the results file and the summary; returns where the results are. A file that cannot be written does
    /// not lose the batch.
    fn report(&self, batch: &HeldBatch, out: &Path) -> Result<PathBuf, CommandError> {
        let (db, name) = (batch.checkpoint(), &batch.batch().name);
        let (dialect, now) = (self.checkpoint.dialect, self.clock.now());
        let written = batch.write_results(&self.files, Some(out), dialect, now);
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
                "Somebody wrote to {} while the batch was sent: that file stays as it is, ours is {}.",
                given.display(),
                written.display()
            ));
        }
    }

    /// What a suggested command must name to find the batch again.
    fn hints(&self) -> Hints {
        let db = self.asked.sandbox.then_some(self.db.as_path());
        Hints {
            db: db.or(self.checkpoint.db_by_flag()).map(Path::to_owned),
            flags: self.checkpoint.typed_places.clone(),
            results: None,
            local: Local::at(self.clock.now()),
        }
    }

    /// The command that goes on with the batch.
    pub(super) fn resume(&self, name: &str) -> String {
        let sandbox = if self.asked.sandbox { "--sandbox" } else { "" };
        self.hints().command("resume", name, &[sandbox])
    }

    /// The command that settles unknown outcomes of the batch.
    pub(super) fn resolve(&self, name: &str) -> String {
        self.hints().command("resolve", name, &[])
    }

    /// What to do about the cause of a halt.
    fn after_halt_text(&self, name: &str, halt: &Halt) -> String {
        let resume = self.resume(name);
        match halt {
            Halt::Fatal {
                kind: FatalKind::Channel { todo, .. },
                ..
            } => format!(
                "Nobody was written off: those who were not sent to are still queued. {todo} Then `{resume}` goes on."
            ),
            Halt::Fatal { .. } => {
                "Nothing more is sent. Mend token, channel or base URL (`outreach doctor` checks \
                 them), then run the same command again."
                    .to_owned()
            }
            Halt::NoMessengerRun {
                text, known: false, ..
            } => format!(
                "They are held: nobody claims them until the text has a meaning. {}",
                self.meanings_text(name, text)
            ),
            Halt::NoMessengerRun { known: true, .. } => format!(
                "They are held. Is the region of the numbers right (`--region`)? Is there an outage? If they have no \
                 Messenger, `{resume}` settles them and goes on; if the refusals are wrong, `{resume} --refusal \
                 'later=TEXT'` queues them again."
            ),
            Halt::Message { .. } => format!(
                "They are queued again. Mend the message: another text or tag is a new batch, and whoever got \
                 this one is in neither twice. If the channel was at fault: `{resume}`."
            ),
            Halt::IdenticalRefusals { text, .. } => format!(
                "Mend the cause (template, channel, permission), then `{resume}` \
                 sends to those recipients again. What the text means can be said: `{resume} --refusal {}`.",
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
