//! What a run is about to do, in words, before it is confirmed.

use std::fmt::Write as _;

use crate::domain::text::on_one_line;
use crate::report::{counted, grouped};
use crate::run::{Batch, FALLBACK_RATE, HistorySpan, LikelyFallback, PilotStep, Preview};

/// The batch as it stands before this run.
pub(super) fn preview_text(
    batch: &Batch,
    preview: &Preview,
    pilot: PilotStep,
    history: HistorySpan,
) -> String {
    let (counts, to_send) = (&preview.counts, preview.to_send);
    let (name, queued) = (on_one_line(&batch.name), grouped(to_send));
    let mut text = format!("Batch {name}: {queued} to send");
    // Writing to a String cannot fail.
    let done = counts.sent + counts.no_messenger + counts.error;
    for (count, word) in [
        (done, "done before"),
        (preview.held, "held"),
        (counts.suppressed, "suppressed"),
        (counts.duplicate, "duplicate"),
        (counts.invalid.saturating_sub(preview.mended), "invalid"),
        (preview.mended, "mended"),
        (counts.unknown, "unknown"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {} {word}", grouped(count));
        }
    }
    text.push_str(&pilot_text(batch, preview, pilot));
    if to_send == 0 {
        text.push_str(if counts.awaiting > 0 {
            " now."
        } else {
            ". Nothing is left to send."
        });
    } else if let Some(likely) = &preview.fallback {
        let _ = write!(text, "\n{}", likely_text(likely));
    }
    if let Some(forecast) = preview.forecast.as_ref().filter(|_| to_send > 0) {
        let whose = if batch.sandbox {
            " for the real run"
        } else {
            ""
        };
        let _ = write!(text, "\nForecast{whose}: {forecast}");
        if let Some(line) = forecast.time_line() {
            let _ = write!(text, "\nTime line: {line}");
        }
        if !preview.pace_is_known {
            let _ = write!(
                text,
                "\nThe API's quota is not known yet: its answers report it. If they do not, at most \
                 {FALLBACK_RATE} are sent, as the smallest plan allows; --rate sets another pace."
            );
        }
    }
    text.push_str(&never_text(&preview.never));
    text.push_str(&skipped_text(preview, history));
    text
}

/// Who is skipped for what happened lately.
fn skipped_text(preview: &Preview, history: HistorySpan) -> String {
    let unreached = match &preview.fallback {
        None => ("People without Messenger", "are skipped"),
        Some(_) => ("People without Messenger", "begin on the next channel"),
    };
    let mut text = String::new();
    for (within, (who, what)) in [
        (
            history.not_within,
            ("People who got a message from us", "are skipped"),
        ),
        (history.no_messenger, unreached),
    ] {
        if !within.is_zero() {
            let days = within.as_secs_f64() / 86_400.0;
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{who} in the last {days:.1} days {what}.");
        }
    }
    text
}

/// Who is in a pilot, and what happens to the rest.
fn pilot_text(batch: &Batch, preview: &Preview, pilot: PilotStep) -> String {
    let queued = preview.counts.queued.saturating_sub(preview.held);
    let then = match queued.saturating_sub(preview.to_send) {
        0 => "nobody else is queued".to_owned(),
        rest => format!(
            "then the batch pauses, and the other {} wait",
            grouped(rest)
        ),
    };
    let (of, what) = match pilot {
        PilotStep::None | PilotStep::Over(_) => return String::new(),
        PilotStep::Begin(pilot) => (pilot, "A pilot"),
        PilotStep::GoOn(pilot) => (pilot, "The rest of a pilot"),
    };
    let mut text = format!("\n{what}: {of}; {then}");
    if let (PilotStep::Begin(_), Some(before)) = (pilot, batch.pilot.filter(|it| !it.is_over)) {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            ".\nIt takes the place of a pilot that is not over ({before})"
        );
    }
    text
}

/// Who probably goes on to another channel.
pub(super) fn likely_text(likely: &LikelyFallback) -> String {
    let channels = likely.channels.join(", then ");
    match likely.people {
        Some(people) => format!(
            "About {} of them go on to channel {channels}, by the answers so far.",
            grouped(people)
        ),
        None => format!(
            "How many of them go on to channel {channels} is not known before the first answers."
        ),
    }
}

/// Who can never be reached, on a line of its own; nothing if everybody can.
fn never_text(never: &std::collections::BTreeMap<String, u64>) -> String {
    let people: u64 = never.values().sum();
    if people == 0 {
        return String::new();
    }
    let regions: Vec<&str> = never.keys().map(String::as_str).take(5).collect();
    let more = if never.len() > regions.len() {
        ", ..."
    } else {
        ""
    };
    let regions = regions.join(", ");
    format!(
        "\n{} can never be reached: --window is at no time open in all time zones of their country ({regions}{more}). \
         They end as suppressed once nobody else is left.",
        counted(people, "recipient")
    )
}
