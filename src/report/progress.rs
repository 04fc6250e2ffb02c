//! Progress of a run: a bar on a terminal, a line every half minute elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::domain::text::{on_one_line, visible};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Shows the progress of a run.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    terminal: bool,
    total: u64,
    last_line: Option<Duration>,
}

impl ProgressLine {
    /// Progress towards `total` (0: unknown); `quiet` shows nothing.
    pub(crate) fn new(total: u64, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let target = if terminal {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let template = if total == 0 {
            "{spinner} {human_pos} {msg}"
        } else {
            "{bar:30} {human_pos}/{human_len} {msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            bar,
            terminal,
            total,
            last_line: None,
        }
    }

    /// Shows `done` and `message` at `now` (monotonic); returns the line to write where there is no
    /// terminal and it is time for one.
    pub(crate) fn show(&mut self, done: u64, message: &str, now: Duration) -> Option<String> {
        if self.terminal {
            self.bar.set_position(done);
            self.bar.set_message(on_one_line(message).into_owned());
            return None;
        }
        let last = *self.last_line.get_or_insert(now);
        if now.saturating_sub(last) < LINE_EVERY {
            return None;
        }
        self.last_line = Some(now);
        Some(if self.total == 0 {
            format!("{done} {message}")
        } else {
            format!("{done}/{} {message}", self.total)
        })
    }

    /// Writes a line above the bar; false where there is none.
    pub(crate) fn above(&self, line: &str) -> bool {
        if self.terminal {
            self.bar.println(visible(line));
        }
        self.terminal
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
