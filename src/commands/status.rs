//! `outreach status [BATCH]`: how far a batch is, or all of them, or the whole timeline of one row.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;

use super::checkpoint::{self, Found};
use super::console::{print_json, redraw};
use super::error::{CommandError, CommandResult};
use crate::cli::StatusArgs;
use crate::config::Settings;
use crate::domain::phone::PhoneNumber;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{Summary, grouped, minute, place, without_numbers};
use crate::store::{AttemptRecord, Batch, Reader, Timeline};

/// How often `--watch` reads the checkpoint.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How often `--watch` prints a line where it cannot redraw one.
const PRINT_INTERVAL: Duration = Duration::from_mins(1);

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(args: &StatusArgs, settings: &Settings, out: &mut dyn Write) -> CommandResult {
    let found = checkpoint::find(settings, args.batch.as_deref())?;
    let reader = found.reader()?;
    match (&args.batch, args.row) {
        (Some(name), Some(row)) => timelines(&reader, &reader.batch(name)?, row, args.json, out)?,
        (Some(name), None) => {
            if args.watch {
                watch(&reader, name, out)?;
            }
            one(&reader, &reader.batch(name)?, &found, args.json, out)?;
        }
        (None, _) if args.watch => {
            let newest = reader.batches()?.into_iter().next();
            let newest = newest.ok_or_else(|| CommandError::usage("there is no batch to watch"))?;
            watch(&reader, &newest.name, out)?;
            one(
                &reader,
                &reader.batch(&newest.name)?,
                &found,
                args.json,
                out,
            )?;
        }
        (None, _) => all(&reader, args.json, out)?,
    }
    Ok(ExitCode::Complete)
}

fn one(
    reader: &Reader,
    batch: &Batch,
    found: &Found,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let summary = Summary::load(reader, batch)?;
    if json {
        Ok(print_json(&summary, out)?)
    } else {
        write!(out, "{}", summary.text(&found.hints()))?;
        unreadable(reader, out)
    }
}

/// Events that could not be read may be opt-outs: a person should read them.
fn unreadable(reader: &Reader, out: &mut dyn Write) -> Result<(), CommandError> {
    let events = reader.unreadable_events()?;
    if events > 0 {
        writeln!(
            out,
            "{} webhook events could not be read in full. They are kept; the log of `outreach serve` \
             says what was wrong with each.",
            grouped(events)
        )?;
    }
    Ok(())
}

fn all(reader: &Reader, json: bool, out: &mut dyn Write) -> Result<(), CommandError> {
    let summaries = reader
        .batches()?
        .iter()
        .map(|batch| Summary::counts(reader, batch))
        .collect::<Result<Vec<_>, _>>()?;
    if json {
        return Ok(print_json(&summaries, out)?);
    }
    if summaries.is_empty() {
        writeln!(out, "No batch yet.")?;
        return unreadable(reader, out);
    }
    let width = summaries.iter().map(|one| one.batch.chars().count()).max();
    let width = width.unwrap_or(0).max("BATCH".len());
    writeln!(
        out,
        "{:width$}  {:>11} {:>11} {:>9} {:>9} {:>9} {:>11}  LAST RUN",
        "BATCH", "ROWS", "SENT", "UNDER WAY", "UNKNOWN", "ERROR", "QUEUED"
    )?;
    for one in &summaries {
        writeln!(
            out,
            "{:width$}  {:>11} {:>11} {:>9} {:>9} {:>9} {:>11}  {}{}",
            on_one_line(&one.batch),
            grouped(one.rows),
            grouped(one.counts.sent),
            grouped(one.counts.sending),
            grouped(one.counts.unknown),
            grouped(one.counts.error),
            grouped(one.counts.queued),
            last_run(one),
            match (one.rest_waits(), one.sandbox) {
                (true, true) => " (pilot is over; rehearsal)",
                (true, false) => " (pilot is over)",
                (false, true) => " (rehearsal)",
                (false, false) => "",
            }
        )?;
    }
    unreadable(reader, out)
}

fn last_run(summary: &Summary) -> String {
    match (summary.finished_at, &summary.exit_reason) {
        (Some(at), Some(reason)) => format!("{} {reason}", minute(at)),
        (Some(at), None) => minute(at),
        (None, _) => summary
            .started_at
            .map_or_else(|| "never".to_owned(), |at| format!("since {}", minute(at))),
    }
}

/// Shows the counts until the batch is settled, or the run that sends it has ended.
fn watch(reader: &Reader, name: &str, out: &mut dyn Write) -> Result<(), CommandError> {
    let terminal = std::io::stdout().is_terminal();
    let last_end = reader.batch(name)?.finished_at;
    let mut printed: Option<Instant> = None;
    loop {
        let batch = reader.batch(name)?;
        let summary = Summary::counts(reader, &batch)?;
        let over = summary.is_settled() || batch.finished_at != last_end;
        if terminal {
            redraw(&line(&summary))?;
        } else if printed.is_none_or(|printed| printed.elapsed() >= PRINT_INTERVAL) {
            writeln!(out, "{}", line(&summary))?;
            printed = Some(Instant::now());
        }
        out.flush()?;
        if over {
            if terminal {
                writeln!(out)?;
            }
            return Ok(());
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn line(summary: &Summary) -> String {
    let counts = &summary.counts;
    let waiting = counts.queued + counts.sending;
    format!(
        "{}: {} of {} sent, {} queued, {} under way, {} unknown, {} error",
        on_one_line(&summary.batch),
        grouped(counts.sent),
        grouped(counts.sent + waiting),
        grouped(counts.queued),
        grouped(counts.sending),
        grouped(counts.unknown),
        grouped(counts.error),
    )
}

fn timelines(
    reader: &Reader,
    batch: &Batch,
    row: u32,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let timelines = reader.timelines(batch.id, row)?;
    if timelines.is_empty() {
        return Err(CommandError::usage(format_args!(
            "batch {} has no row {row}; rows are numbered as a spreadsheet does it, the header is row 1",
            batch.name
        )));
    }
    if json {
        let timelines: Vec<_> = timelines
            .iter()
            .map(|it| timeline_json(batch, it))
            .collect();
        return Ok(print_json(&timelines, out)?);
    }
    for timeline in &timelines {
        write_timeline(batch, timeline, out)?;
    }
    Ok(())
}

fn timeline_json(batch: &Batch, timeline: &Timeline) -> serde_json::Value {
    let content: Option<serde_json::Value> = timeline
        .content
        .as_deref()
        .and_then(|content| serde_json::from_str(content).ok());
    json!({
        "batch": batch.name,
        "file": batch.file_name(timeline.file),
        "row": timeline.row,
        "phone": timeline.phone.map(PhoneNumber::e164),
        "status": timeline.state.word(),
        "reason": timeline.reason,
        "suggestion": timeline.suggestion,
        "finished_at": timeline.finished_at,
        "content": content,
        "message_id": timeline.message_id,
        "contact_id": timeline.contact_id,
        "sent_at": timeline.sent_at,
        "delivered_at": timeline.delivered_at,
        "read_at": timeline.read_at,
        "opted_in_at": timeline.opted_in_at,
        "attempts": timeline.attempts,
    })
}

fn write_timeline(batch: &Batch, timeline: &Timeline, out: &mut dyn Write) -> std::io::Result<()> {
    let phone = timeline
        .phone
        .map_or_else(|| "no number".to_owned(), PhoneNumber::masked);
    let place = place(&batch.files, timeline.file, timeline.row);
    writeln!(
        out,
        "{place} of batch {}: {phone}, {}",
        on_one_line(&batch.name),
        timeline.state
    )?;
    let mut print = |what: &str, text: Option<&str>| match text {
        Some(text) => writeln!(out, "  {what:12} {}", on_one_line(text)),
        None => Ok(()),
    };
    print(
        "reason",
        timeline.reason.as_deref().map(without_numbers).as_deref(),
    )?;
    print("did you mean", timeline.suggestion.as_deref())?;
    print("content", timeline.content.as_deref())?;
    print("message", timeline.message_id.as_deref())?;
    print("contact", timeline.contact_id.as_deref())?;
    let at = |time: Option<Timestamp>| time.map(|time| time.to_string());
    print("sent", at(timeline.sent_at).as_deref())?;
    print("delivered", at(timeline.delivered_at).as_deref())?;
    print("read", at(timeline.read_at).as_deref())?;
    print("opted in", at(timeline.opted_in_at).as_deref())?;
    if timeline.attempts.is_empty() {
        return writeln!(out, "  no request was made for it");
    }
    for attempt in &timeline.attempts {
        writeln!(out, "  {}", attempt_line(attempt))?;
    }
    Ok(())
}

fn attempt_line(attempt: &AttemptRecord) -> String {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    // Of what a person decided or an event proved, the time of that is shown.
    let learned = attempt.finished_at.filter(|_| attempt.actor.is_some());
    let mut line = learned.unwrap_or(attempt.started_at).to_string();
    if let (None, Some(finished)) = (learned, attempt.finished_at) {
        let took = finished.as_millisecond() - attempt.started_at.as_millisecond();
        if took > 0 {
            let _ = write!(line, " (+{took} ms)");
        }
    }
    line.push_str("  ");
    line.push_str(attempt.outcome.as_deref().unwrap_or("under way"));
    if let Some(status) = attempt.http_status {
        let status = format!("HTTP {status}");
        // The reason of a refusal begins with the status.
        let text = attempt.text.as_deref().unwrap_or_default();
        if !text.starts_with(&status) {
            let _ = write!(line, ", {status}");
        }
    }
    if let Some(text) = &attempt.text {
        line.push_str(": ");
        line.push_str(&without_numbers(text));
    }
    if let Some(actor) = &attempt.actor {
        let _ = write!(line, " (by {})", on_one_line(actor));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_an_answer_is_told_once() {
        let line = |text: &str| {
            attempt_line(&AttemptRecord {
                started_at: Timestamp::UNIX_EPOCH,
                finished_at: None,
                outcome: Some("error".to_owned()),
                http_status: Some(422),
                text: Some(text.to_owned()),
                actor: None,
            })
        };
        for text in ["HTTP 422: No matching user", "No matching user", "HTTP 422"] {
            let line = line(text);
            assert_eq!(line.matches("HTTP 422").count(), 1, "{line}");
        }
    }
}
