//! Words to people: standard error, quiet if asked for.

use std::fmt::Display;
use std::io::{BufRead, IsTerminal, Write};

/// Where words go. Data goes to standard output, never through here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    quiet: bool,
}

impl Console {
    /// Words on standard error; `quiet` leaves only what is wrong.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Tells something.
    pub(crate) fn say(self, text: impl Display) {
        if !self.quiet {
            self.warn(text);
        }
    }

    /// Tells something that even a quiet run must tell.
    pub(crate) fn warn(self, text: impl Display) {
        // Nobody reads: there is nobody left to tell.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// True if nothing but what is wrong is to be told.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// True if somebody sits there who can be asked.
    pub(crate) fn can_ask(self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks a question whose answer is no unless somebody types yes.
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
