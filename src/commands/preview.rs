//! What people see before anything is sent.

use std::fmt::Write as _;
use std::time::Duration;

use super::console::Console;
use super::error::CommandError;
use super::run::Run;
use crate::clock::Clock;
use crate::dispatch::pacer::core::FALLBACK_RATE;
use crate::domain::forecast::{self, Forecast, Prospect};
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
    } else if let Some(forecast) = forecast(run, counts.queued)? {
        let _ = write!(text, "\nForecast: {forecast}");
    }
    if let Some(within) = run.guards.not_within {
        let days = within.as_secs_f64() / 86_400.0;
        let _ = write!(
            text,
            "\nWhoever got a message from us in the last {days:.1} days is skipped."
        );
    }
    Ok(text)
}

/// When the run will be done; nothing for a rehearsal, whose quota is play money.
fn forecast(run: &Run, rows: u64) -> Result<Option<Forecast>, CommandError> {
    if run.batch.sandbox {
        return Ok(None);
    }
    let quota = match run.token {
        Some(token) => run.store.reader()?.quota(token)?,
        None => None,
    };
    let prospect = Prospect {
        rows,
        quota: quota
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default(),
        rate: run.pace.rate,
        fallback: FALLBACK_RATE,
        reserve: run.pace.reserve,
        pace: run.pace.style,
        concurrency: run.concurrency,
        latency: LIKELY_LATENCY,
        schedule: &run.pace.schedule,
    };
    Ok(Some(forecast::forecast(&prospect, run.clock.now())))
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
