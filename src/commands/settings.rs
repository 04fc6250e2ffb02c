//! The settings of a command as the library takes them.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::call::Call;
use super::console::Console;
use super::error::CommandError;
use super::process::open_files_for;
use crate::config::{self, MessageSource, OtherChannels, Settings};
use crate::domain::content::{Body, ContentSource, Template};
use crate::exit::ExitCode;
use crate::report::{grouped, plural};
use crate::run::{
    Access, CheckpointPlace, FallbackSource, Files, GuardSettings, HiddenRows, HistorySpan,
    IntakeSettings, List, ManyMayFallBack, Meaning, PacerSettings, RefusalRule, Rehearsal,
    RunError, RunSettings, Sheets, Source,
};

/// How a batch is sent, by a run that begins `now`.
pub(super) fn run(settings: &Settings, now: Timestamp) -> Result<RunSettings, CommandError> {
    let connection = settings.connection()?;
    let guards = settings.guards()?;
    let pace = settings.pace(now)?;
    let history = guards.history;
    open_files_for(NonZeroU32::from(connection.concurrency).get())?;
    Ok(RunSettings {
        pacer: PacerSettings {
            rate: pace.rate,
            reserve: pace.reserve,
            burst: pace.burst,
            pace: pace.style,
            concurrency: connection.concurrency.into(),
            ..PacerSettings::default()
        },
        schedule: pace.schedule,
        history: HistorySpan {
            repeat_guard: history.repeat_guard,
            not_within: history.not_within.unwrap_or_default(),
            no_messenger: history.skip_no_messenger_within.unwrap_or_default(),
        },
        history_asked: settings.history_asked()?,
        sending_asked: settings.sending_asked()?,
        guards: GuardSettings {
            identical_refusals: guards.identical_refusals.map_or(0, NonZeroU32::get),
            outage_after: guards.undecided_in_a_row.get(),
            ..GuardSettings::default()
        },
        canary: !guards.no_canary,
        undecided: guards.undecided,
        refusals: refusals(guards.refusals, guards.invalid_pattern.as_deref()),
        fail_below: guards.fail_below,
        timeout: connection.timeout,
        grace: pace.grace,
    })
}

/// What is wrong with the settings, and what should be known of them, before any list is read.
#[derive(Debug, Default)]
pub(super) struct Validation {
    /// A run would refuse these.
    pub(super) problems: Vec<CommandError>,
    /// The message would be sent, and this should be known of it.
    pub(super) notices: Vec<String>,
}

/// The one validation: `send` and `night` stop at its first problem, `doctor` and `config` report all.
pub(super) fn validation(settings: &Settings, now: Timestamp) -> Validation {
    let wrong = settings.problems(now).into_iter();
    let mut found = Validation {
        problems: wrong.map(CommandError::from).collect(),
        notices: Vec::new(),
    };
    match message(settings) {
        Ok(Some(message)) => match Template::check(&message) {
            Ok(notices) => found
                .notices
                .extend(notices.iter().map(ToString::to_string)),
            Err(error) => found.problems.push(RunError::from(error).into()),
        },
        Ok(None) => {}
        // A value that is wrong was found above.
        Err(_) if settings.content().is_err() => {}
        Err(error) => found.problems.push(error),
    }
    found
}

/// The same, and what `serve` would refuse.
pub(super) fn whole_validation(settings: &Settings, now: Timestamp) -> Validation {
    let of_serve = settings.serve_problems().into_iter();
    let mut found = validation(settings, now);
    found.problems.extend(of_serve.map(CommandError::from));
    found
}

/// Stops at the first problem.
pub(super) fn check(settings: &Settings, now: Timestamp) -> Result<(), CommandError> {
    let mut problems = validation(settings, now).problems.into_iter();
    problems.next().map_or(Ok(()), Err)
}

/// What texts of refusals mean; a pattern of `--invalid-pattern` means the message.
fn refusals(mut rules: Vec<RefusalRule>, invalid: Option<&str>) -> Vec<RefusalRule> {
    rules.extend(invalid.map(|text| RefusalRule::new(Meaning::Message, text)));
    rules
}

/// Whether it matters that rows of a sheet are hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfHidden {
    /// Whether they are left out is asked, or refused where nobody can be asked.
    Ask,
    /// A note says that they are read.
    Tell,
}

impl Call {
    /// The files of a command: what it reads must not be written over.
    pub(super) fn files(
        &self,
        checkpoint: Option<&Path>,
        inputs: &[PathBuf],
        force: bool,
    ) -> Result<Files, CommandError> {
        let mut files = Files::new(checkpoint, force);
        // No other checkpoint is written over either, whether it is there yet or not.
        if let CheckpointPlace::Either { local, home } = self.settings.checkpoint()?.place() {
            files = [Some(local), home.as_ref()]
                .into_iter()
                .flatten()
                .fold(files, |files, other| files.beside_checkpoint(other));
        }
        let inputs = inputs.iter().filter(|path| path.as_os_str() != "-");
        let inputs = inputs.map(|path| ("the contacts file", path.as_path()));
        let read = inputs.chain(self.settings.files_to_read());
        Ok(read.fold(files, |files, (what, path)| files.reading(what, path)))
    }

    /// The channel that is sent through; that of the sandbox for a rehearsal that names none.
    pub(super) fn channel<'a>(
        &self,
        connection: &'a config::Connection,
        sandbox: bool,
    ) -> Result<&'a str, CommandError> {
        let sms = self.settings.content()?.sms_settings;
        match (sandbox, connection.channel()) {
            (_, Ok(channel)) => Ok(channel),
            (true, Err(_)) if sms.counted => Ok(Rehearsal::SMS_CHANNEL),
            (true, Err(_)) => Ok(Rehearsal::CHANNEL),
            (false, Err(error)) => Err(error.into()),
        }
    }

    /// Opens a list. What is not certain about it is asked; off a terminal the first sheet with numbers is read, and a
    /// list whose numbers seem to begin with their country code is refused, before anything is written.
    pub(super) fn open_list(
        &self,
        sources: &[Source],
        hidden: IfHidden,
        open: &dyn Fn(&IntakeSettings) -> Result<List, RunError>,
    ) -> Result<List, CommandError> {
        let (console, intake) = (self.console, self.settings.intake()?);
        let once = sources.iter().any(Source::is_read_once);
        let can_ask = !once && console.can_ask();
        let list = open(&intake)?;
        let sheet = match list.sheets() {
            Some(sheets) if can_ask && sources.len() == 1 => ask_for_sheet(sheets, console)?,
            Some(_) | None => None,
        };
        let (list, intake) = match sheet {
            None => (list, intake),
            sheet => {
                let intake = IntakeSettings { sheet, ..intake };
                (open(&intake)?, intake)
            }
        };
        let (list, intake) = if hidden == IfHidden::Ask && list.hidden_rows() > 0 {
            let hidden_rows = Some(ask_for_hidden(list.hidden_rows(), can_ask, console)?);
            let intake = IntakeSettings {
                hidden_rows,
                ..intake
            };
            (open(&intake)?, intake)
        } else {
            (list, intake)
        };
        let Some(looks) = list.looks_international() else {
            return Ok(list);
        };
        if !can_ask {
            return Err(CommandError::usage(format_args!(
                "{looks}. Give --international if all numbers without a plus begin with their country code; \
                 nothing was sent or written"
            )));
        }
        let question = "Do all numbers without a plus begin with their country code?";
        if !console.ask(format_args!("{looks}. {question}")) {
            return Ok(list);
        }
        let international = true;
        Ok(open(&IntakeSettings {
            international,
            ..intake
        })?)
    }
}

/// How to read the files that a command names.
pub(super) fn sources(files: &[PathBuf]) -> Vec<Source> {
    files
        .iter()
        .map(|file| {
            if file.as_os_str() == "-" {
                Source::Stdin
            } else {
                Source::Path(file.clone())
            }
        })
        .collect()
}

/// What becomes of rows that are hidden in a sheet.
fn ask_for_hidden(rows: u64, can_ask: bool, console: Console) -> Result<HiddenRows, CommandError> {
    let question = format!(
        "{} in the sheet, as by a filter",
        plural(rows, "row is hidden", "rows are hidden")
    );
    if !can_ask {
        return Err(CommandError::usage(format_args!(
            "{question}: give --hidden-rows skip to leave them out, or --hidden-rows send to send to them too; nothing was sent \
             or written"
        )));
    }
    Ok(
        if console.ask(format_args!("{question}. Leave them out?")) {
            HiddenRows::Skip
        } else {
            HiddenRows::Send
        },
    )
}

/// The sheet that is meant, where several have numbers; `None` if there is nothing to ask.
fn ask_for_sheet(sheets: &Sheets, console: Console) -> Result<Option<String>, CommandError> {
    let names: Vec<&str> = sheets.with_numbers().collect();
    if names.len() < 2 {
        return Ok(None);
    }
    console.warn(format_args!("{} has several sheets:", sheets.file()));
    for line in sheets.lines() {
        console.warn(format_args!("  {line}"));
    }
    let numbers: Vec<String> = (1..=names.len()).map(|n| n.to_string()).collect();
    let letters: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let choices: Vec<String> = numbers
        .iter()
        .zip(&names)
        .map(|(number, name)| format!("{number} \"{name}\""))
        .collect();
    let question = format!("Which one is the list: {}?", choices.join(", "));
    let chosen = console.choose(question, &letters);
    match chosen.and_then(|place| names.get(place)) {
        Some(name) => Ok(Some((*name).to_owned())),
        None => Err(CommandError::usage(
            "no sheet was chosen: name it with --sheet; nothing was sent or written",
        )),
    }
}

/// Where the real API is, and our token for it.
pub(super) fn access(connection: &config::Connection) -> Result<Access, CommandError> {
    Ok(Access {
        base_url: connection.base_url()?.clone(),
        token: connection.token()?.clone(),
    })
}

/// Reads what `--message`, `--content`, `--tag` and `--metadata` say; `None` if there is no message.
pub(super) fn message(settings: &Settings) -> Result<Option<ContentSource>, CommandError> {
    let content = settings.content()?;
    let body = match content.message {
        Some(MessageSource::Message(text)) => Body::Message(text),
        Some(MessageSource::File(path)) => Body::Json(read_json(settings, &path)?),
        None => return Ok(None),
    };
    Ok(Some(ContentSource {
        body,
        tag: content.tag,
        metadata: content.metadata,
    }))
}

/// What the settings say about other channels, their files read.
pub(super) fn fallback(
    settings: &Settings,
    others: &OtherChannels,
) -> Result<FallbackSource, CommandError> {
    let own = others.message_for.iter().chain(&others.content_for);
    let mut seen: Vec<&str> = Vec::new();
    for (channel, _) in own {
        if !others.fallback.contains(channel) {
            return Err(CommandError::usage(format_args!(
                "there is a message for channel {channel}, but no --fallback {channel}"
            )));
        }
        if seen.contains(&channel.as_str()) {
            return Err(CommandError::usage(format_args!(
                "channel {channel} is given two messages: one of --message-for and --content-for, once"
            )));
        }
        seen.push(channel);
    }
    let mut channels = Vec::new();
    for channel in &others.fallback {
        let text = others.message_for.iter().find(|(of, _)| of == channel);
        let file = others.content_for.iter().find(|(of, _)| of == channel);
        let body = match (text, file) {
            (Some((_, text)), _) => Some(Body::Message(text.clone())),
            (None, Some((_, path))) => Some(Body::Json(read_json(settings, Path::new(path))?)),
            (None, None) => None,
        };
        channels.push((channel.clone(), body));
    }
    Ok(FallbackSource {
        channels,
        on_channel: others.fallback_on.is_some(),
        at_most: others.fallback_at_most,
    })
}

/// Whether more people may go on to another channel than the limit allows: asked where that can be answered, else
/// refused, before anything is written.
pub(super) fn allows_fallback(
    many: &ManyMayFallBack,
    console: Console,
) -> Result<bool, CommandError> {
    let (people, channels) = (grouped(many.people), many.channels.join(", "));
    let question = format!(
        "Up to {people} people may go on to channel {channels}, which costs money; --fallback-at-most is {}",
        grouped(many.at_most)
    );
    if !console.can_ask() {
        return Err(CommandError::usage(format_args!(
            "{question}: give --fallback-at-most {} to allow it; nothing was sent or written",
            many.people
        )));
    }
    Ok(console.ask(format_args!("{question}. Let up to {people} go on?")))
}

fn read_json(settings: &Settings, path: &Path) -> Result<serde_json::Value, CommandError> {
    let name = path.display();
    let text = settings.read_text(path).map_err(|error| {
        CommandError::text(
            ExitCode::Configuration,
            format_args!("{name} cannot be read: {error}"),
        )
    })?;
    serde_json::from_str(&text)
        .map_err(|error| CommandError::usage(format_args!("{name} is no JSON: {error}")))
}
