//! `outreach status BATCH --row N`: all that is known of one row, in order.

use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::console::{line_of_words, print_json, words};
use super::error::CommandError;
use crate::domain::masking::{masked_cell, masked_message};
use crate::domain::phone::PhoneNumber;
use crate::domain::text::on_one_line;
use crate::report::{Local, place, without_numbers};
use crate::run::{AttemptRecord, Batch, Timeline, timelines};

/// Prints the timeline of each row of that number: several files may have one.
pub(super) fn print(
    checkpoint: &Path,
    batch: &str,
    row: u32,
    json: bool,
    local: &Local,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let (batch, timelines) = timelines(checkpoint, batch, row)?;
    if timelines.is_empty() {
        return Err(CommandError::usage(format_args!(
            "batch {} has no row {row}; rows are numbered as a spreadsheet does it, the header is row 1",
            batch.name
        )));
    }
    if json {
        let timelines: Vec<_> = timelines
            .iter()
            .map(|it| timeline_json(&batch, it))
            .collect();
        return Ok(print_json(&timelines, out)?);
    }
    for timeline in &timelines {
        write_timeline(&batch, timeline, local, out)?;
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

fn write_timeline(
    batch: &Batch,
    timeline: &Timeline,
    local: &Local,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let phone = timeline
        .phone
        .map_or_else(|| "no number".to_owned(), PhoneNumber::masked);
    let place = place(&batch.files, timeline.file, timeline.row);
    let name = on_one_line(&batch.name);
    let title = format!("{place} of batch {name}: {phone}, {}\n", timeline.state);
    words(&title, out)?;
    let mut print = |what: &str, text: Option<&str>| match text {
        Some(text) => line_of_words(&format!("  {what:12} {}", on_one_line(text)), 15, out),
        None => Ok(()),
    };
    print(
        "reason",
        timeline.reason.as_deref().map(without_numbers).as_deref(),
    )?;
    let suggestion = timeline.suggestion.as_deref().map(masked_cell);
    print("did you mean", suggestion.as_deref())?;
    let content = timeline.content.as_deref().map(masked_message);
    print("content", content.as_deref())?;
    print("message", timeline.message_id.as_deref())?;
    print("contact", timeline.contact_id.as_deref())?;
    let at = |time: Option<Timestamp>| time.map(|time| local.second(time));
    print("sent", at(timeline.sent_at).as_deref())?;
    print("delivered", at(timeline.delivered_at).as_deref())?;
    print("read", at(timeline.read_at).as_deref())?;
    print("opted in", at(timeline.opted_in_at).as_deref())?;
    if timeline.attempts.is_empty() {
        return words("  no request was made for it\n", out);
    }
    for attempt in &timeline.attempts {
        let line = attempt_line(attempt, batch.fallback.is_some(), local);
        line_of_words(&format!("  {line}"), 4, out)?;
    }
    Ok(())
}

/// `tells_channel`: the batch has several channels.
fn attempt_line(attempt: &AttemptRecord, tells_channel: bool, local: &Local) -> String {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    // Of what a person decided or an event proved, the time of that is shown.
    let learned = attempt.finished_at.filter(|_| attempt.actor.is_some());
    let mut line = local.second(learned.unwrap_or(attempt.started_at));
    if let (None, Some(finished)) = (learned, attempt.finished_at) {
        let took = finished.as_millisecond() - attempt.started_at.as_millisecond();
        if took > 0 {
            let _ = write!(line, " (+{took} ms)");
        }
    }
    line.push_str("  ");
    line.push_str(attempt.outcome.as_deref().unwrap_or("under way"));
    if let Some(channel) = attempt.channel.as_deref().filter(|_| tells_channel) {
        let _ = match attempt.http_status {
            None if attempt.actor.is_some() => write!(line, " to channel {channel}"),
            Some(_) | None => write!(line, " on channel {channel}"),
        };
    }
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
            let attempt = AttemptRecord {
                started_at: Timestamp::UNIX_EPOCH,
                finished_at: None,
                outcome: Some("error".to_owned()),
                http_status: Some(422),
                text: Some(text.to_owned()),
                actor: None,
                channel: None,
            };
            attempt_line(&attempt, false, &Local::default())
        };
        for text in ["HTTP 422: No matching user", "No matching user", "HTTP 422"] {
            let line = line(text);
            assert_eq!(line.matches("HTTP 422").count(), 1, "{line}");
        }
    }
}
