//! `outreach check FILE`: what would be sent and what is wrong with the file. No network, and nothing
//! is written but what was asked for. A list that `send` would refuse is reported whole, and refused then.

use std::io::Write;

use super::call::Call;
use super::checkpoint;
use super::console::{Console, Visible, print_json, stdout_width, words};
use super::error::{CommandError, CommandResult};
use super::preview::likely_text;
use super::settings;
use crate::amio;
use crate::cli::CheckArgs;
use crate::exit::ExitCode;
use crate::report::check::CheckReport;
use crate::report::write_whole_file;
use crate::run::{CheckSettings, EXAMPLES, Files, List, RunError, first_forecast, likely_fallback};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`](super::CommandError), with its exit code: among others, where `send` would refuse the file.
pub(crate) fn run(args: &CheckArgs, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
    let (connection, checkpoint) = (settings.connection()?, settings.checkpoint()?);
    let db = match checkpoint::path(&checkpoint) {
        // Without a checkpoint no number is known.
        Err(RunError::NoHome) => None,
        found => Some(found?),
    };
    let mut files = call.files(db.as_deref(), &args.files, args.force)?;
    if let Some(path) = &args.html {
        files.write_page("--html", path)?;
    }
    let leave_rejects = match &args.rejects {
        Some(path) => files.write_again("--rejects", path)?,
        None => false,
    };
    let message = settings::message(settings)?;
    let sms = settings.content()?.sms_settings;
    let fallback = settings::fallback(settings, &settings.other_channels()?)?;
    let sources = settings::sources(&args.files);
    let list = call.open_list(&sources, settings::IfHidden::Tell, &|intake| {
        let list = List::open(&sources, intake, message.as_ref())?.with_sms(sms);
        let list = list.with_fallback(&fallback)?;
        Ok(list.in_dialect(checkpoint.dialect))
    })?;
    for notice in list.notices() {
        console.say(format_args!("note: {notice}"));
    }
    let run = settings::run(settings, clock.now())?;
    let how = CheckSettings {
        checkpoint: db.as_deref(),
        history: run.history,
        channel: connection.channel.as_deref(),
        rejects: args.rejects.as_deref(),
        leave_rejects,
        examples: if args.all { usize::MAX } else { EXAMPLES },
    };
    let mut report = list.check(&how, clock.now())?;
    let queued = report.summary.queued;
    if queued > 0 && report.refusal.is_none() {
        let token = connection.token.as_ref().map(amio::token_fingerprint);
        let channel = connection.channel.as_deref().unwrap_or_default();
        let likely = likely_fallback(db.as_deref(), channel, &fallback, queued)?;
        // A recipient that goes on needs another request.
        let again = likely.as_ref().and_then(|it| it.people).unwrap_or(0);
        report.notes.extend(likely.as_ref().map(likely_text));
        let requests = queued + again;
        let forecast = first_forecast(db.as_deref(), token, &run, requests, clock.now())?;
        report.forecast = Some(forecast.to_string());
    }
    show(args, &report, &files, console, out)?;
    report.accepted()?;
    Ok(ExitCode::Complete)
}

/// Writes the files that were asked for, and prints the report.
fn show(
    args: &CheckArgs,
    report: &CheckReport,
    files: &Files,
    console: Console,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    if let Some(path) = &args.html {
        write_whole_file(path, report.html().as_bytes())?;
        files.enter("html", path);
        console.say(format_args!("{}: written", path.display()));
    }
    if args.json {
        print_json(&report.json(), &mut Visible(out))?;
    } else {
        let width = stdout_width().unwrap_or(usize::MAX);
        words(&report.text_within(width), out)?;
    }
    if let Some(path) = args.rejects.as_ref().filter(|_| report.rejected > 0) {
        files.enter("rejects", path);
        console.say(format_args!("{}: the rows to mend", path.display()));
    }
    Ok(())
}
