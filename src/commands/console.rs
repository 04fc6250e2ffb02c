//! Messages for people on standard error; `--quiet` leaves warnings only.

use std::fmt::Display;
use std::io::{BufRead, IsTerminal, Write};

/// Prints messages for people. Data goes to standard output, never through here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    quiet: bool,
}

#[expect(
    clippy::unused_self,
    reason = "a command that was given no console can neither print to people nor ask them"
)]
impl Console {
    /// A console that prints everything, or warnings only if it is `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Prints a message, unless the console is quiet.
    pub(crate) fn say(self, text: impl Display) {
        if !self.quiet {
            self.warn(text);
        }
    }

    /// Prints a warning, also when the console is quiet.
    pub(crate) fn warn(self, text: impl Display) {
        // Standard error is closed: there is no other place to report that.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// True if only warnings are printed.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// True if both standard input and standard error are a terminal, so that a question can be answered.
    pub(crate) fn can_ask(self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks a question. The answer is no unless `y` or `yes` is typed.
    pub(crate) fn ask(self, question: impl Display) -> bool {
        let _ = write!(std::io::stderr(), "{question} [y/N] ");
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }
}

/// Prints data for programs.
pub(super) fn print_json(
    value: &impl serde::Serialize,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
