//! Progress of a run: a bar on a terminal, a line at each milestone elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::words::{grouped, terminal_width};
use crate::domain::text::{on_one_line, visible};

/// How often a line is written where lines were asked for, or the end is not known.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Milestones that follow each other faster are passed over.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// Milestones on the way to a total.
const PARTS: u64 = 10;

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ProgressMode {
    /// A bar on a terminal; elsewhere a line at the start, at each tenth, at the end of each wait, and at the end.
    #[default]
    Auto,
    /// The same, and elsewhere a line every half minute too.
    Always,
    /// Nothing.
    Never,
    /// As `Auto` elsewhere, each line as a JSON object.
    Json,
}

/// When a line is due where no terminal shows a bar. Pure.
#[derive(Debug)]
struct Milestones {
    total: u64,
    every: Option<Duration>,
    last: Option<(u64, Duration)>,
    waits: bool,
}

impl Milestones {
    /// Whether a line is due at `now`, when `done` are done; `waits`: nothing is done for a long while.
    fn is_due(&mut self, done: u64, waits: bool, now: Duration) -> bool {
        let tenth = |done: u64| (done.saturating_mul(PARTS)).checked_div(self.total);
        let goes_on = self.waits && !waits;
        self.waits = waits;
        let due = match self.last {
            // Of what has no known end the beginning says nothing.
            None => self.total > 0,
            Some((before, at)) => {
                goes_on
                    || (tenth(done) > tenth(before) && now.saturating_sub(at) >= MIN_INTERVAL)
                    || self
                        .every
                        .is_some_and(|every| now.saturating_sub(at) >= every)
            }
        };
        if due || self.last.is_none() {
            self.last = Some((done, now));
        }
        due
    }

    /// Whether the last line is of another number than this.
    fn has_moved(&self, done: u64) -> bool {
        self.last.is_none_or(|(before, _)| before != done)
    }
}

/// Shows the progress of a run.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    terminal: bool,
    silent: bool,
    milestones: Milestones,
}

impl ProgressLine {
    /// Progress towards `total` (0: unknown); `quiet` shows nothing.
    pub(crate) fn new(total: u64, style: ProgressMode, quiet: bool) -> Self {
        let silent = quiet || style == ProgressMode::Never;
        let has_bar = match style {
            ProgressMode::Auto | ProgressMode::Always => std::io::stderr().is_terminal(),
            ProgressMode::Never | ProgressMode::Json => false,
        };
        let terminal = has_bar && !silent;
        let target = if terminal {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        if let Ok(style) = ProgressStyle::with_template(template(total, terminal_width())) {
            bar.set_style(style);
        }
        let regular = total == 0 || style == ProgressMode::Always;
        Self {
            bar,
            terminal,
            silent,
            milestones: Milestones {
                total,
                every: regular.then_some(LINE_EVERY),
                last: None,
                waits: false,
            },
        }
    }

    /// Shows `done` and the longest of the `messages` that fits, the longest first. Returns true where there is no
    /// terminal and a line is due at `now` (monotonic); `waits`: nothing is done for a long while.
    pub(crate) fn show(
        &mut self,
        done: u64,
        messages: &[String],
        waits: bool,
        now: Duration,
    ) -> bool {
        if self.silent {
            return false;
        }
        if !self.terminal {
            return self.milestones.is_due(done, waits, now);
        }
        self.bar.set_position(done);
        let room = room(self.milestones.total, terminal_width());
        let fits = |text: &&String| textwrap::core::display_width(text) <= room;
        let message = messages.iter().find(fits).or(messages.last());
        let message = message.map_or("", String::as_str);
        self.bar.set_message(on_one_line(message).into_owned());
        false
    }

    /// Whether the end is worth a line: there is no terminal, and more was done since the last one.
    pub(crate) fn ends_with_line(&self, done: u64) -> bool {
        !self.silent && !self.terminal && self.milestones.has_moved(done)
    }

    /// The line of where the run stands.
    pub(crate) fn line(&self, done: u64, message: &str) -> String {
        match self.milestones.total {
            0 => format!("{} {message}", grouped(done)),
            total => format!("{} of {}: {message}", grouped(done), grouped(total)),
        }
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

/// The width of the bar in a terminal of `columns` columns; 0: none.
fn bar_width(columns: usize) -> usize {
    match columns {
        0..60 => 0,
        60..100 => 12,
        _ => 30,
    }
}

fn template(total: u64, columns: usize) -> &'static str {
    if total == 0 {
        return "{spinner} {human_pos} {wide_msg}";
    }
    match bar_width(columns) {
        0 => "{human_pos}/{human_len} {wide_msg}",
        12 => "{bar:12} {human_pos}/{human_len} {wide_msg}",
        _ => "{bar:30} {human_pos}/{human_len} {wide_msg}",
    }
}

/// What is left for the message beside the bar and the counts.
fn room(total: u64, columns: usize) -> usize {
    let counts = 2 * grouped(total).len() + 2;
    columns.saturating_sub(bar_width(columns) + 1 + counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_at_the_start_at_each_tenth_and_when_a_wait_is_over() {
        let mut milestones = Milestones {
            total: 1_000,
            every: None,
            last: None,
            waits: false,
        };
        let mut due =
            |done, waits, minute| milestones.is_due(done, waits, Duration::from_mins(minute));
        assert!(due(0, false, 0), "the start");
        assert!(!due(99, false, 10));
        assert!(due(100, false, 20));
        assert!(!due(150, true, 30), "the wait is told by itself");
        assert!(!due(150, true, 500));
        assert!(due(150, false, 600), "it goes on");
        assert!(due(350, false, 601), "two tenths at once are one line");
        assert!(!due(399, false, 10_000), "not by the clock");
        assert!(due(1_000, false, 10_001));
        assert!(!milestones.has_moved(1_000));
    }

    #[test]
    fn where_lines_are_asked_for_the_clock_counts_too() {
        let mut milestones = Milestones {
            total: 0,
            every: Some(LINE_EVERY),
            last: None,
            waits: false,
        };
        let mut due = |seconds| milestones.is_due(5, false, Duration::from_secs(seconds));
        assert_eq!(
            [due(0), due(29), due(30), due(59), due(60)],
            [false, false, true, false, true]
        );
    }

    #[test]
    fn in_forty_columns_there_is_room_for_words() {
        assert!(room(10_000, 40) >= 20);
        assert!(room(10_000, 80) >= 45);
        assert!(room(10_000, 120) >= 70);
    }
}
