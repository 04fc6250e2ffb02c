//! What `send`, `resume` and `night` share: a held batch is shown, confirmed, sent, and accounted for.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::call::Call;
use super::checkpoint;
use super::console::Console;
use super::error::CommandError;
use super::outcome::{Outcome, StartOptions};
use super::process::{BeforeSending, runtime};
use super::settings;
use super::terminal::Terminal;
use crate::amio;
use crate::cli::StartFlags;
use crate::config::{Checkpoint, Connection};
use crate::domain::content::ContentSource;
use crate::domain::schedule::Schedule;
use crate::exit::ExitCode;
use crate::report::{Hints, Local, ProgressMode, counted};
use crate::run::{
    AfterHalt, Counts, Ended, FALLBACK_RATE, Files, HeldBatch, KnownPeople, LittleTime, PausedBy,
    PilotStep, Preview, QuotaOf, Rehearsal, RunEnd, RunSettings, StopHandle, random_bits, summary,
};

/// The command line as the front end of a run.
pub(super) struct Front<'a> {
    pub(super) call: &'a Call,
    pub(super) connection: Connection,
    pub(super) checkpoint: Checkpoint,
    /// The file of the checkpoint.
    pub(super) db: PathBuf,
    /// For a rehearsal, the checkpoint of the real batches that it uses.
    pub(super) real: Option<PathBuf>,
    /// How batches are sent, unless one keeps something else.
    pub(super) run: RunSettings,
    /// What is read and written; the paths that were given are free.
    pub(super) files: Files,
    /// Where files go that we name ourselves; the current folder if not said.
    pub(super) folders: Folders,
    /// Stops what is sent.
    pub(super) stop: StopHandle,
    /// Listens for signals until something is sent.
    pub(super) before_sending: BeforeSending,
    /// The fingerprint of our token, where a worker goes on with what this run leaves.
    pub(super) left_to_workers: Option<i64>,
    /// The list is read, and the sending is left to a worker.
    pub(super) detach: bool,
    /// Many lists are sent, with one summary for all.
    pub(super) is_night: bool,
    pub(super) console: Console,
    pub(super) start: StartFlags,
    /// Who runs the program.
    pub(super) person: String,
}

/// The folders of the files that nobody named; an empty path is the current folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Folders {
    pub(super) results: PathBuf,
    pub(super) rejects: PathBuf,
}

/// What is about to be done with a batch.
pub(super) struct PlannedRun {
    /// How it goes on after a guard stopped it.
    after_halt: AfterHalt,
    /// Where its results go.
    out: PathBuf,
    /// The fingerprint of our token.
    token: Option<i64>,
    pub(super) pilot: PilotStep,
    pub(super) preview: Preview,
    /// What is known of the people who are left, where no report said it.
    pub(super) known: Option<KnownPeople>,
}

/// The checkpoint of the real batches that a rehearsal uses, if there is one; it is reported.
pub(super) fn real(
    checkpoint: &Checkpoint,
    rehearsal: &Path,
    console: Console,
) -> Result<Option<PathBuf>, CommandError> {
    let real = checkpoint
        .real()
        .known_to_rehearsal(rehearsal)
        .map_err(|error| {
            let error = CommandError::from(error);
            error.context(
            "what the real checkpoint knows counts in a rehearsal, unless --sandbox-empty is given",
        )
        })?;
    if let Some(real) = &real {
        console.say(format_args!(
            "Rehearsal as of now: the suppression list and the history of {} count; the file is only read.",
            real.display()
        ));
    }
    Ok(real)
}

impl<'a> Front<'a> {
    /// `inputs` are read; with `force` files that the program did not write are written over.
    pub(super) fn new(
        call: &'a Call,
        start: StartFlags,
        inputs: &[PathBuf],
        force: bool,
    ) -> Result<Self, CommandError> {
        let checkpoint = call.settings.checkpoint()?;
        Self::with(call, checkpoint, start, inputs, force)
    }

    /// The same with another checkpoint, or other files, than the settings name.
    pub(super) fn with(
        call: &'a Call,
        mut checkpoint: Checkpoint,
        start: StartFlags,
        inputs: &[PathBuf],
        force: bool,
    ) -> Result<Self, CommandError> {
        let (settings, console) = (&call.settings, call.console);
        if start.sandbox {
            checkpoint = checkpoint.for_sandbox();
        }
        let db = checkpoint::path(&checkpoint)?;
        let real = if start.sandbox && !start.sandbox_empty {
            real(&checkpoint, &db, console)?
        } else {
            None
        };
        let mut files = call.files(Some(&db), inputs, force)?;
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
        if !start.sandbox {
            connection.base_url()?;
        }
        let mut run = settings::run(settings, call.clock.now())?;
        run.guards.trust_clock = start.watch.trust_clock;
        Ok(Self {
            call,
            db,
            real,
            connection,
            checkpoint,
            files,
            run,
            folders: Folders::default(),
            stop: StopHandle::default(),
            before_sending: BeforeSending::default(),
            left_to_workers: None,
            detach: false,
            is_night: false,
            console,
            start,
            person: settings.person(),
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.call.clock.now()
    }

    /// The message of the settings.
    pub(super) fn message(&self) -> Result<Option<ContentSource>, CommandError> {
        settings::message(&self.call.settings)
    }

    /// The channel that is sent through.
    pub(super) fn channel(&self) -> Result<&str, CommandError> {
        self.call.channel(&self.connection, self.sandbox())
    }

    /// How progress is shown. A bar and a log of each request would write over each other.
    pub(super) fn progress(&self) -> ProgressMode {
        let mode = self.start.watch.progress;
        let has_bar = matches!(mode, ProgressMode::Auto | ProgressMode::Always);
        if has_bar && self.console.logs() {
            ProgressMode::Never
        } else {
            mode
        }
    }

    /// Whether this is a rehearsal.
    pub(super) fn sandbox(&self) -> bool {
        self.start.sandbox
    }

    /// Without a token nothing real can be sent: refused before a long list is read.
    pub(super) fn require_token(&self) -> Result<(), CommandError> {
        if !self.start.sandbox {
            self.connection.token()?;
        }
        Ok(())
    }

    /// Without a terminal the first real send cannot be confirmed: refused before a long list is read.
    pub(super) fn require_yes(&self) -> Result<(), CommandError> {
        let is_settled = self.start.sandbox || self.start.yes;
        self.console.require_yes(is_settled, "send")
    }

    /// What the window leaves of the time until the deadline: little or nothing of it is a question, and without a
    /// terminal the first thing that is said. False if the answer is no.
    pub(super) fn accepts_time(&self, schedule: &Schedule) -> bool {
        let Some(little) = self.little_time(schedule) else {
            return true;
        };
        self.console.warn(format_args!("Warning: {little}."));
        self.start.yes || !self.console.can_ask() || self.console.ask("Begin all the same?")
    }

    /// What the window leaves of the time until the deadline, if that is little or nothing. A rehearsal waits for no
    /// window.
    pub(super) fn little_time(&self, schedule: &Schedule) -> Option<LittleTime> {
        LittleTime::of(schedule, self.now()).filter(|_| !self.start.sandbox)
    }

    /// Says what is about to be sent, asks where that can be answered, and sends.
    pub(super) fn run_batch(
        &self,
        mut batch: HeldBatch,
        how: StartOptions,
    ) -> Result<Outcome, CommandError> {
        if let Some(by) = batch.paused_by(how.resumed)? {
            if by == PausedBy::Approval {
                batch = self.keep_asked(batch, how)?;
            }
            let counts = batch.counts()?;
            return Ok(self.say_paused(&batch, by, counts));
        }
        let about = self.about(&batch, how)?;
        let name = batch.batch().name.clone();
        if let (PilotStep::Over(_), 1..) = (about.pilot, about.preview.counts.queued) {
            return self.say_pilot_is_over(&batch, &about.preview);
        }
        if !self.confirms(&batch, &about, how.resumed)? {
            return Ok(self.say_declined(name));
        }
        batch = batch.keep_settings(&self.run, &self.person, self.now())?;
        self.continue_after_halt(&batch, &about.after_halt)?;
        if let PilotStep::Begin(pilot) = about.pilot {
            batch = batch.begin_pilot(pilot, &self.person, self.now())?;
        }
        if let (true, Some(token)) = (self.detach, about.token) {
            return self.leave_to_workers(&batch, token, &about.preview);
        }
        let (ended, pace_is_assumed) = runtime()?.block_on(self.send(&batch))?;
        if let (Some(token), RunEnd::Interrupted) = (self.left_to_workers, &ended.end) {
            batch.leave_to_workers(token, self.now())?;
        }
        if self.console.is_quiet() {
            self.say_in_one_line(&batch, &ended);
        } else {
            self.say_end(&batch, &ended);
        }
        let results = self.report(&batch, &about.out)?;
        if pace_is_assumed {
            self.console.say(format_args!(
                "The API reported no quota: at most {FALLBACK_RATE} were sent. --rate sets another pace."
            ));
        }
        Ok(Outcome {
            exit: ended.exit,
            batch: Some(name),
            had_queued: about.preview.counts.queued > 0,
            ended: Some(ended),
            results: Some(results),
            rejects: None,
            not_sent: "",
            kept_back: None,
        })
    }

    /// Keeps what was asked for with a batch that a second person is to start elsewhere: how it is sent, and its pilot.
    fn keep_asked(&self, batch: HeldBatch, how: StartOptions) -> Result<HeldBatch, CommandError> {
        let batch = batch.keep_settings(&self.run, &self.person, self.now())?;
        let has_queued = batch.counts()?.queued > 0;
        match batch.pilot_step(how.pilot, how.resumed, random_bits()()) {
            PilotStep::Begin(pilot) if has_queued => {
                Ok(batch.begin_pilot(pilot, &self.person, self.now())?)
            }
            PilotStep::Begin(_) | PilotStep::None | PilotStep::GoOn(_) | PilotStep::Over(_) => {
                Ok(batch)
            }
        }
    }

    /// Says what keeps the batch from being sent.
    fn say_paused(&self, batch: &HeldBatch, by: PausedBy, counts: Counts) -> Outcome {
        let name = batch.batch().name.clone();
        self.console.warn(self.paused_text(&name, &by));
        Outcome {
            not_sent: "it is paused",
            kept_back: Some((by, counts)),
            ..Outcome::declined(Some(name))
        }
    }

    /// What is about to be done. A results file that cannot take the rows is refused here, before anything is sent.
    fn about(&self, batch: &HeldBatch, how: StartOptions) -> Result<PlannedRun, CommandError> {
        let after_halt = batch.after_halt(&self.run.refusals, how.confirm)?;
        let out = self.results_path(batch)?;
        batch.check_results(&out, self.checkpoint.dialect)?;
        if self.checkpoint.out.is_none() {
            batch.refuse_if_sent(&out)?;
        }
        let token = self.connection.token.as_ref().map(amio::token_fingerprint);
        let pilot = batch.pilot_step(how.pilot, how.resumed, random_bits()());
        let quota_of = QuotaOf {
            token,
            real: self.real.as_deref(),
        };
        let now = self.now();
        let preview = batch.preview(&self.run, quota_of, &after_halt, pilot, now)?;
        let known = if how.was_read {
            None
        } else {
            batch.known_of_queued(self.real.as_deref(), now)?
        };
        Ok(PlannedRun {
            after_halt,
            out,
            token,
            pilot,
            preview,
            known,
        })
    }

    /// Says that the answer was no.
    fn say_declined(&self, name: String) -> Outcome {
        self.console.warn(format_args!(
            "Nothing was sent. `{}` goes on from here.",
            self.resume(&name)
        ));
        Outcome::declined(Some(name))
    }

    /// Says that the pilot is over, how it went, and what goes on with the rest.
    fn say_pilot_is_over(
        &self,
        batch: &HeldBatch,
        preview: &Preview,
    ) -> Result<Outcome, CommandError> {
        let name = &batch.batch().name;
        self.console
            .warn(self.after_pilot_text(name, preview.counts.queued));
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
        batch.leave_to_workers(token, self.now())?;
        self.console.say(format_args!(
            "{} of batch {name} wait for a worker with this token. `{}` shows how far it is.",
            counted(preview.to_send, "message"),
            self.hints().command("status", name, &[])
        ));
        Ok(Outcome {
            exit: ExitCode::Complete,
            not_sent: "a worker sends it",
            ..Outcome::declined(Some(name.clone()))
        })
    }

    /// Where the results of the batch go.
    fn results_path(&self, batch: &HeldBatch) -> Result<PathBuf, CommandError> {
        if let Some(path) = &self.checkpoint.out {
            return Ok(path.clone());
        }
        let name = batch.results_name(self.checkpoint.dialect)?;
        Ok(self.folders.results.join(name))
    }

    async fn send(&self, batch: &HeldBatch) -> Result<(Ended, bool), CommandError> {
        let rehearsal = if self.start.sandbox {
            self.console
                .say("Rehearsal against the built-in sandbox: nobody is messaged.");
            Some(Rehearsal::of(batch, self.start.sandbox_quota).await?)
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
            self.run.grace,
            self.progress(),
        );
        let (settings, clock) = (&self.run, &self.call.clock);
        self.before_sending.end();
        let ended = batch
            .send(&access, settings, clock, &stop, &mut terminal)
            .await;
        terminal.end();
        Ok((ended?, terminal.pace_is_assumed()))
    }

    /// What a suggested command must name to find the batch again.
    pub(super) fn hints(&self) -> Hints {
        let db = self.start.sandbox.then_some(self.db.as_path());
        Hints {
            db: db.or(self.checkpoint.db_by_flag()).map(Path::to_owned),
            flags: self.checkpoint.typed_places.clone(),
            local: Local::at(self.now()),
            ..Hints::default()
        }
    }

    /// The command that goes on with the batch.
    pub(super) fn resume(&self, name: &str) -> String {
        let sandbox = if self.start.sandbox { "--sandbox" } else { "" };
        self.hints().command("resume", name, &[sandbox])
    }

    /// The command that settles unknown outcomes of the batch.
    pub(super) fn resolve(&self, name: &str) -> String {
        self.hints().command("resolve", name, &[])
    }
}
