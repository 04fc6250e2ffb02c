//! What people see before anything is sent.

use std::fmt::Write as _;

use super::console::Console;
use super::error::CommandError;
use super::run::Run;
use crate::clock::Clock;
use crate::domain::content::Notice;
use crate::intake::{Input, Summary};
use crate::report::{ProgressLine, grouped};
use crate::store::Counts;

/// How the files were understood.
pub(super) fn file(input: &Input, notices: &[Notice]) -> String {
    let mut text = String::new();
    for note in input.notes() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{note}");
    }
    for line in input.mapping().describe() {
        let _ = writeln!(text, "{line}");
    }
    for notice in notices {
        let _ = writeln!(text, "note: {notice}");
    }
    text.trim_end().to_owned()
}

/// What the rows are, with the first of each problem.
pub(super) fn summary(summary: &Summary) -> String {
    let mut text = format!("{} rows", grouped(summary.rows));
    for group in summary.problems.iter().take(5) {
        let _ = write!(text, "\n  {} rows: {}", grouped(group.count), group.text);
        for example in group.examples.iter().take(2) {
            let _ = write!(text, "\n      row {}: {:?}", example.row, example.typed);
            if !example.note.is_none() {
                let _ = write!(text, " ({})", example.note);
            }
        }
    }
    if summary.mended > 0 {
        let _ = write!(text, "\n  {} numbers were mended", grouped(summary.mended));
    }
    text
}

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
        (counts.duplicate, "duplicates"),
        (counts.invalid, "invalid"),
        (counts.unknown, "unknown"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {} {word}", grouped(count));
        }
    }
    if counts.queued == 0 {
        text.push_str(". Nothing is left to send.");
    }
    Ok(text)
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
