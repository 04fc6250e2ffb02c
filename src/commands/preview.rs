//! What people see before anything is sent.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use super::console::Console;
use super::error::CommandError;
use super::run::Run;
use crate::clock::Clock;
use crate::config;
use crate::dispatch::pacer::core::FALLBACK_RATE;
use crate::domain::forecast::{Forecast, ForecastInput, forecast};
use crate::domain::quota::QuotaState;
use crate::domain::recipient::{JudgedRow, Verdict};
use crate::report::{ProgressLine, grouped};
use crate::store::Counts;

/// How long an answer probably takes, before there was one. The quota decides far more.
const LIKELY_LATENCY: Duration = Duration::from_millis(500);

/// The batch as it stands before this run.
pub(super) fn batch(run: &Run, counts: &Counts) -> Result<String, CommandError> {
    let mut text = format!(
        "Batch {}: {} to send",
        run.batch.name,
        grouped(counts.queued)
    );
    let done = counts.sent + counts.no_messenger + counts.error + counts.unknown;
    if done > 0 {
        let _ = write!(text, ", {} done before", grouped(done));
    }
    for (count, word) in [
        (counts.suppressed, "suppressed"),
        (counts.duplicate, "duplicate"),
        (counts.invalid, "invalid"),
        (counts.unknown, "unknown"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {} {word}", grouped(count));
        }
    }
    if counts.queued == 0 {
        text.push_str(". Nothing is left to send.");
    } else if let Some(forecast) = first_forecast(run, counts.queued)? {
        let _ = write!(text, "\nForecast: {forecast}");
    }
    if let Some(within) = run.guards.history.not_within {
        let days = within.as_secs_f64() / 86_400.0;
        let _ = write!(
            text,
            "\nWhoever got a message from us in the last {days:.1} days is skipped."
        );
    }
    Ok(text)
}

/// When the run will be done, by what the checkpoint knows of the quota.
fn first_forecast(run: &Run, rows: u64) -> Result<Option<Forecast>, CommandError> {
    let quota = match run.token {
        Some(token) => run.store.reader()?.quota(token)?,
        None => None,
    };
    let quota = quota
        .and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_default();
    Ok(run_forecast(run, rows, quota, None, run.clock.now()))
}

/// When `rows` more of this run will be done; nothing for a rehearsal, whose quota is play money.
pub(super) fn run_forecast(
    run: &Run,
    rows: u64,
    quota: QuotaState,
    latency: Option<Duration>,
    now: Timestamp,
) -> Option<Forecast> {
    if run.batch.sandbox {
        return None;
    }
    let mut prospect = prospect(rows, quota, &run.pace, run.concurrency);
    prospect.latency = latency.unwrap_or(LIKELY_LATENCY);
    Some(forecast(&prospect, now))
}

/// What a forecast of so many rows is made from.
pub(super) fn prospect(
    rows: u64,
    quota: QuotaState,
    pace: &config::Pace,
    concurrency: NonZeroU32,
) -> ForecastInput<'_> {
    ForecastInput {
        rows,
        quota,
        rate: pace.rate,
        fallback: FALLBACK_RATE,
        reserve: pace.reserve,
        pace: pace.style,
        concurrency,
        latency: LIKELY_LATENCY,
        schedule: &pace.schedule,
    }
}

/// The message of a row as it would be sent: a text as it reads, anything else as JSON.
pub(super) fn sample(row: &JudgedRow) -> Option<String> {
    let Verdict::Queued(accepted) = &row.verdict else {
        return None;
    };
    let content = &accepted.content.as_ref()?.content;
    let value: serde_json::Value = serde_json::from_str(content).ok()?;
    let text = match value.get("payload").and_then(serde_json::Value::as_str) {
        Some(text) if value.get("quick_replies").is_none() => text.to_owned(),
        Some(_) | None => content.clone(),
    };
    Some(format!("row {}: {text}", row.position.row))
}

/// Progress while a list is read.
pub(super) struct Reading<'a> {
    line: ProgressLine,
    rows: u64,
    console: Console,
    clock: &'a Clock,
}

impl<'a> Reading<'a> {
    pub(super) fn new(console: Console, clock: &'a Clock) -> Self {
        Self {
            line: ProgressLine::new(0, console.is_quiet()),
            rows: 0,
            console,
            clock,
        }
    }

    pub(super) fn row(&mut self) {
        self.rows += 1;
        if self.rows.is_multiple_of(16_384)
            && let Some(text) = self
                .line
                .show(self.rows, "rows read", self.clock.monotonic())
        {
            self.console.say(text);
        }
    }

    pub(super) fn clear(&self) {
        self.line.clear();
    }
}
