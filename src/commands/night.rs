//! `outreach night FOLDER`: every list of a folder is sent and filed away.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use jiff::Timestamp;
use jiff::civil::Date;

use super::adopt;
use super::call::Call;
use super::console::{Console, words};
use super::error::{CommandError, CommandResult};
use super::outcome::Outcome;
use super::process::{runtime, signal};
use super::repeat::TypedFlags;
use super::run::{Folders, Front};
use super::send::{ListToSend, WhichBatch, send_list};
use super::settings;
use crate::cli::{Cli, NightArgs, StartFlags};
use crate::config::{FILE_NAME, Layer};
use crate::domain::eligibility::waited_for;
use crate::exit::ExitCode;
use crate::report::{ListKind, ListReport, NightReport, plural, quoted};
use crate::run::{
    Arrival, Arrivals, ChangedList, CheckSettings, EXAMPLES, FallbackSource, Files, InboxList,
    List, ListGone, ListRun, NightFolder, PausedBy, RunEnd, refused_since,
};

/// Goes into the folder of the night. Returns the flags as they were typed outside of it, and the settings file:
/// the one that was named, else that of the folder.
///
/// # Errors
/// [`CommandError`] if there is no such folder.
pub(super) fn enter(
    args: &NightArgs,
    flags: Layer,
    config: Option<&Path>,
) -> Result<(Layer, Option<PathBuf>), CommandError> {
    let folder = args.folder.as_path();
    let fail = |error| {
        let text = format!("the folder {}: {error}", folder.display());
        CommandError::text(ExitCode::Storage, text)
    };
    let here = std::env::current_dir().map_err(fail)?;
    std::env::set_current_dir(folder).map_err(fail)?;
    let config = match config {
        Some(named) => Some(here.join(named)),
        None => Some(PathBuf::from(FILE_NAME)).filter(|path| path.exists()),
    };
    let flags = flags.typed_in(&here);
    let there = std::env::current_dir().map_err(fail)?;
    let there = Some(there).filter(|there| *there != here);
    let typed = (&flags, config.as_deref());
    TypedFlags::new(Cli::command(), typed, args.start.sandbox, there).for_this_call();
    Ok((flags, config))
}

/// One night, in the current folder.
struct Night<'a> {
    args: &'a NightArgs,
    console: Console,
    front: Front<'a>,
    /// Other channels for people whom the channel does not reach.
    fallback: FallbackSource,
    folder: NightFolder,
    date: Date,
}

/// Runs the command in the folder of the night; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code, where no list can be begun.
pub(crate) fn run(args: &NightArgs, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, console, now) = (&call.settings, call.console, call.clock.now());
    settings::check(settings, now)?;
    let start = StartFlags {
        // The command is made to run where nobody can be asked.
        yes: args.start.yes || !console.can_ask(),
        ..args.start
    };
    // Each list has its own results, whatever the settings name for one.
    let mut checkpoint = settings.checkpoint()?;
    (checkpoint.out, checkpoint.summary) = (None, None);
    let mut front = Front::with(call, checkpoint, start, &[], false)?;
    front.is_night = true;
    front.require_token()?;
    if !start.sandbox {
        front.connection.channel()?;
    }
    front.message()?;
    let fallback = settings::fallback(settings, &settings.other_channels()?)?;
    if !front.accepts_time(&front.run.schedule) {
        console.say("Nothing was sent.");
        return Ok(ExitCode::Paused);
    }
    let folder = NightFolder::open(Path::new(""), now)?;
    front.folders = Folders {
        results: folder.results(),
        rejects: folder.refused(),
    };
    let date = now.to_zoned(front.run.schedule.zone.clone()).date();
    let mut night = Night {
        args,
        console,
        front,
        fallback,
        folder,
        date,
    };
    let report = night.send_all()?;
    let printed = if args.summary_subject {
        words(&format!("{}\n", report.subject()), out)
    } else {
        words(&report.text(), out)
    };
    match printed {
        // The reader of the output went away; what was sent stays sent.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        printed => printed?,
    }
    Ok(report.exit())
}

impl Night<'_> {
    /// Sends the lists one after the other, until one ends in a way that the next would share.
    fn send_all(&mut self) -> Result<NightReport, CommandError> {
        // Between two runs nothing else listens for a signal: it ends the night before the next list.
        let runtime = runtime()?;
        let stop = self.front.stop.clone();
        runtime.spawn(async move {
            stop.finish_by(signal().await);
        });
        if !self.front.sandbox() {
            self.folder.note_taken(&self.front.db)?;
        }
        let inbox = self.folder.lists()?;
        let (call, deadline) = (self.front.call, self.front.run.schedule.deadline);
        let mut arrivals = Arrivals::new(inbox.lists, self.front.sandbox(), call.clock.now());
        let little = self.front.little_time(&self.front.run.schedule);
        let mut report = NightReport {
            lists: self.changed_lists()?,
            sandbox: self.front.sandbox(),
            little_time: little.map(|it| it.to_string()),
            left_alone: inbox.left_alone,
            ..NightReport::default()
        };
        let console = self.console;
        let mut waits = |list: &InboxList, until: Timestamp| {
            let until = until.to_zoned(jiff::tz::TimeZone::system());
            console.say(format_args!(
                "{} was written to a moment ago: waiting until it has been still for a while, {} at the latest.",
                list.name(),
                until.strftime("%H:%M %Z")
            ));
        };
        let stop = self.front.stop.clone();
        loop {
            report.not_begun = arrivals.left();
            let next = arrivals.next(&call.clock, &stop, deadline, &mut waits);
            let Some(next) = runtime.block_on(next) else {
                break;
            };
            report.not_begun = arrivals.left();
            let (list, goes_on) = match next {
                Arrival::Whole(list) => {
                    self.console.say(format_args!("== {}", list.name()));
                    self.send(&list)
                }
                Arrival::BeingWritten(list) => (self.being_written(&list), true),
            };
            report.lists.push(list);
            if !goes_on {
                break;
            }
        }
        if !self.front.sandbox() {
            let gone = self.folder.lists_gone(&self.front.db)?.into_iter();
            report.lists.extend(gone.map(|list| self.list_gone(list)));
        }
        Ok(report)
    }

    /// People wait in a batch whose list is not in the inbox any more.
    fn list_gone(&self, list: ListGone) -> ListReport {
        let next = self.front.resume(&list.batch);
        let cancel = self.front.hints().command("cancel", &list.batch, &[]);
        let report = ListReport::gone(list.name, list.batch, list.counts, vec![next, cancel]);
        self.console.warn(report.gone_text());
        report
    }

    /// Lists that were written to after an earlier night sent them.
    fn changed_lists(&self) -> Result<Vec<ListReport>, CommandError> {
        let changed = self.folder.changed_lists(&self.front.db)?;
        let report = |list: ChangedList| {
            let name = list.path.file_name().unwrap_or_default();
            let path = list.path.to_string_lossy();
            let flags = [
                format!("--batch {}", quoted(&list.batch)),
                "--update".to_owned(),
            ];
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            let mut report = ListReport::new(name.to_string_lossy().into_owned());
            self.console.warn(format_args!("{path}: {}", list.text()));
            report.kind = ListKind::ChangedSince;
            report.exit = ExitCode::Input;
            report.notes.push(list.text());
            report
                .next
                .push(self.front.hints().command("send", &path, &flags));
            report.filed = Some(list.path.clone());
            report
        };
        Ok(changed.into_iter().map(report).collect())
    }

    /// A list that may not be whole, and stays where it is.
    fn being_written(&self, list: &InboxList) -> ListReport {
        let name = list.name();
        self.console.warn(format_args!(
            "list {name} is still being written: it stays in inbox"
        ));
        let mut report = ListReport::new(name);
        report.kind = ListKind::BeingWritten;
        report.exit = ExitCode::Paused;
        report
    }

    /// Sends one list and files it away. Says what became of it, and whether the next one follows.
    fn send(&mut self, list: &InboxList) -> (ListReport, bool) {
        let mut report = ListReport::new(list.name());
        if let Some(problem) = &list.problem {
            return (self.enter_problem(report, problem), true);
        }
        let (mut time_is_over, mut failed_alone) = (false, false);
        match self.try_to_send(list) {
            Ok(outcome) => {
                time_is_over = self.enter_outcome(&mut report, outcome);
            }
            Err(error) => {
                failed_alone = error.is_of_one_list();
                self.enter_failure(&mut report, list, &error);
            }
        }
        let run = ListRun {
            exit: report.exit,
            queued: report.counts.map_or(0, |it| it.queued + it.sending),
            time_is_over,
            failed_alone,
        };
        let after = if self.front.sandbox() {
            Ok(NightFolder::after_rehearsal(run))
        } else {
            let batch = report.batch.as_deref();
            self.folder.file_away(list, run, &self.front.db, batch)
        };
        match after {
            Ok(after) => {
                report.notes.extend(after.note.map(str::to_owned));
                if after.was_changed {
                    report.exit = ExitCode::worst([report.exit, ExitCode::Paused]);
                }
                report.filed = after.filed;
                (report, after.goes_on)
            }
            Err(error) => {
                let error = CommandError::from(error);
                self.console.warn(format_args!("error: {error}"));
                report.notes.push(error.to_string());
                report.exit = ExitCode::worst([report.exit, error.exit()]);
                // Its batch is known: it is not sent again where it stays. What fails for all stops the next one.
                (report, !time_is_over)
            }
        }
    }

    /// What is no list, and stays where it is.
    fn enter_problem(&self, mut report: ListReport, problem: &str) -> ListReport {
        self.console
            .warn(format_args!("error: {}: {problem}", report.name));
        report.exit = ExitCode::Input;
        report.kind = ListKind::NoList;
        report.notes.push(problem.to_owned());
        report
    }

    fn try_to_send(&mut self, list: &InboxList) -> Result<Outcome, CommandError> {
        self.folder.refuse_same_name(list)?;
        let inputs = std::slice::from_ref(&list.path);
        self.front.files = self.files_of(list)?;
        let to_send = ListToSend {
            purpose: None,
            joined: None,
            fallback: &self.fallback,
            sources: &settings::sources(inputs),
            batch: WhichBatch::OfNight(self.date),
            messaged: self.args.doubts.messaged(),
            retired_tag: self.args.doubts.retired_tag,
            pilot: None,
            follow_up: None,
            chosen_from: &[],
        };
        send_list(&mut self.front, &to_send)
    }

    /// What is read and written for the list.
    fn files_of(&self, list: &InboxList) -> Result<Files, CommandError> {
        let inputs = std::slice::from_ref(&list.path);
        let call = self.front.call;
        call.files(Some(&self.front.db), inputs, false)
    }

    /// Enters how the batch ended; returns whether the time for the night is over.
    fn enter_outcome(&self, report: &mut ListReport, outcome: Outcome) -> bool {
        report.exit = outcome.exit;
        report.results = outcome.results;
        report.rejects = outcome.rejects;
        if !outcome.had_queued {
            report.notes.push("nothing was left to send".to_owned());
        }
        let Some(ended) = outcome.ended else {
            match outcome.kept_back {
                Some((by, counts)) => {
                    report.counts = Some(counts);
                    report.batch.clone_from(&outcome.batch);
                    self.enter_pause(report, by);
                }
                None => report.notes.push(format!("not sent: {}", outcome.not_sent)),
            }
            return false;
        };
        report.counts = Some(ended.counts);
        match &ended.end {
            RunEnd::Paused(by) => self.enter_pause(report, by.clone()),
            RunEnd::Complete
            | RunEnd::Interrupted
            | RunEnd::Deadline
            | RunEnd::Displaced
            | RunEnd::Halted(_) => report.notes.extend(ended.why()),
        }
        if let Some(batch) = &outcome.batch {
            if ended.counts.unknown > 0 {
                report.next.push(self.front.resolve(batch));
            }
            let waited = ended.waiting.first.as_deref().and_then(waited_for);
            if let Some(other) = waited.filter(|other| other != batch) {
                report.next.push(self.front.resolve(other));
            }
            report.notes.extend(self.refused_since(batch));
            report.batch.clone_from(&outcome.batch);
        }
        matches!(ended.end, RunEnd::Interrupted | RunEnd::Deadline)
    }

    /// Who has the message of a batch and is refused by its list as it is now.
    fn refused_since(&self, batch: &str) -> Option<String> {
        match refused_since(&self.front.db, batch) {
            Ok(0) => None,
            Ok(people) => {
                let they = plural(people, "person", "people");
                Some(format!(
                    "{they} whom the list refuses now had the message already: follow-ups of the batch leave them out"
                ))
            }
            Err(error) => Some(format!(
                "how many people had the message whom the list refuses now is not known: {error}"
            )),
        }
    }

    /// Enters who kept the batch from being sent, and what goes on with it.
    fn enter_pause(&self, report: &mut ListReport, by: PausedBy) {
        if let (PausedBy::Person(_), Some(batch)) = (&by, &report.batch) {
            report.next.push(self.front.resume(batch));
        }
        report.paused_by = Some(by);
    }

    fn enter_failure(&self, report: &mut ListReport, list: &InboxList, error: &CommandError) {
        self.console.warn(format_args!("error: {error}"));
        adopt::say_messages_since(self.console, error);
        report.exit = error.exit();
        report.notes.push(error.to_string());
        if error.exit() == ExitCode::Input {
            report.rejects = self.rejects_of(list);
        }
    }

    /// Writes the rows of a list that cannot be used, each with what is wrong with it. A list that cannot be read
    /// has none.
    fn rejects_of(&self, list: &InboxList) -> Option<PathBuf> {
        let sources = settings::sources(std::slice::from_ref(&list.path));
        let (message, settings) = (self.front.message().ok()?, &self.front.call.settings);
        let intake = settings.intake().ok()?;
        let opened = List::open(&sources, &intake, message.as_ref()).ok()?;
        let sms = settings.content().ok()?.sms_settings;
        let opened = opened
            .with_sms(sms)
            .in_dialect(self.front.checkpoint.dialect);
        let path = self
            .front
            .folders
            .rejects
            .join(opened.default_rejects_path());
        // The name that its rows were meant to have is free again.
        let mut files = self.files_of(list).ok()?;
        let path = files.write_named(&path).ok()?;
        let how = CheckSettings {
            checkpoint: Some(&self.front.db),
            history: self.front.run.history,
            channel: self.front.connection.channel.as_deref(),
            rejects: Some(&path),
            leave_rejects: false,
            examples: EXAMPLES,
        };
        // That it cannot be used is known already.
        let _ = opened.check(&how, self.front.now());
        files.enter("rejects", &path);
        path.exists().then_some(path)
    }
}
