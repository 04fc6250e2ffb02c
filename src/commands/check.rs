//! `outreach check FILE`: what would be sent and what is wrong with the file. No network, and nothing
//! is written but what was asked for.

use std::io::Write;
use std::num::NonZeroU32;
use std::path::Path;

use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::known::Known;
use super::plan::content_source;
use super::preview;
use crate::amio;
use crate::cli::CheckArgs;
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::content::Template;
use crate::domain::forecast::forecast;
use crate::domain::quota::QuotaState;
use crate::domain::recipient::JudgedRow;
use crate::exit::ExitCode;
use crate::intake::{Input, Judge, Render, Summary, Unsendable};
use crate::report::check::CheckReport;
use crate::report::rejects::RejectsFile;
use crate::report::write_whole_file;
use crate::store::Reader;

/// Messages that are shown.
const SAMPLES: usize = 3;

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code: among others, where `send` would refuse the file.
pub fn run(
    args: &CheckArgs,
    settings: &Settings,
    console: Console,
    clock: &Clock,
    out: &mut dyn Write,
) -> CommandResult {
    let mut input = Input::open(&super::sources(&args.files), &settings.intake()?)?;
    let template = template(settings, &input)?;
    for notice in template.iter().flat_map(Template::notices) {
        console.say(format_args!("note: {notice}"));
    }
    let known = known(settings, clock)?;
    let mut samples = Vec::new();
    let rejects = args.rejects.as_deref();
    let summary = judge(
        &mut input,
        settings,
        template.as_ref(),
        &known,
        rejects,
        &mut samples,
    )?;
    known.check()?;
    let files: Vec<String> = input.file_names().map(str::to_owned).collect();
    let forecast = told_forecast(settings, clock, &summary)?;
    let report = CheckReport {
        files: &files,
        notes: input.notes(),
        mapping: input.mapping(),
        summary: &summary,
        samples: &samples,
        forecast: forecast.as_deref(),
    };
    if let Some(path) = &args.html {
        write_whole_file(path, report.html().as_bytes())?;
        console.say(format_args!("{}: written", path.display()));
    }
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &report.json()).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", report.text())?;
    }
    if let Some(path) = rejects
        && summary.invalid > 0
    {
        console.say(format_args!("{}: the rows to mend", path.display()));
    }
    Ok(ExitCode::Complete)
}

/// What the checkpoint knows, if there is one.
fn known(settings: &Settings, clock: &Clock) -> Result<Known, CommandError> {
    let checkpoint = settings.checkpoint()?;
    if !checkpoint.db().exists() {
        return Ok(Known::default());
    }
    let reader = Reader::open(checkpoint.db())?;
    Ok(Known::new(reader, &settings.guards()?, None, clock))
}

/// The template, if the settings say what is sent.
fn template(settings: &Settings, input: &Input) -> Result<Option<Template>, CommandError> {
    let content = settings.content()?;
    if content.message.is_none() {
        return Ok(None);
    }
    let source = content_source(&content)?;
    Ok(Some(Template::compile(&source, input.headers())?))
}

fn judge(
    input: &mut Input,
    settings: &Settings,
    template: Option<&Template>,
    known: &Known,
    rejects: Option<&Path>,
    samples: &mut Vec<String>,
) -> Result<Summary, CommandError> {
    let channel = settings.connection()?.channel;
    let mut rejects = rejects
        .map(|path| RejectsFile::create(path, input.headers()))
        .transpose()?;
    let suppressed = |phone| known.cause(phone);
    let render = |record: &_, _, phone| match template {
        Some(template) => known.message(template, channel.as_deref(), record, phone),
        None => Err(Unsendable::Problem("there is no message".to_owned())),
    };
    let judge = Judge {
        suppressed: &suppressed,
        render: template.is_some().then_some(&render as &Render<'_>),
        seen: &[],
        first_file: 0,
    };
    let mut take = |row: JudgedRow| -> Result<(), CommandError> {
        if samples.len() < SAMPLES {
            samples.extend(preview::sample(&row));
        }
        if let Some(rejects) = &mut rejects {
            rejects.push(&row)?;
        }
        Ok(())
    };
    let summary = input.judge(&judge, &mut take)?;
    if let Some(rejects) = rejects {
        rejects.finish()?;
    }
    Ok(summary)
}

/// How long the batch will take.
fn told_forecast(
    settings: &Settings,
    clock: &Clock,
    summary: &Summary,
) -> Result<Option<String>, CommandError> {
    if summary.queued == 0 {
        return Ok(None);
    }
    let pace = settings.pace(clock.now())?;
    let concurrency = NonZeroU32::from(settings.connection()?.concurrency);
    let quota = known_quota(settings)?;
    let prospect = preview::prospect(summary.queued, quota, &pace, concurrency);
    let forecast = forecast(&prospect, clock.now());
    Ok(Some(forecast.to_string()))
}

/// What an earlier run learned of the quota, if the token and the checkpoint are here.
fn known_quota(settings: &Settings) -> Result<QuotaState, CommandError> {
    let checkpoint = settings.checkpoint()?;
    let Some(token) = settings.connection()?.token else {
        return Ok(QuotaState::default());
    };
    if !checkpoint.db().exists() {
        return Ok(QuotaState::default());
    }
    let known = Reader::open(checkpoint.db())?.quota(amio::token_fingerprint(&token))?;
    // A state that an older version wrote differently is as good as none.
    Ok(known
        .and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_default())
}
