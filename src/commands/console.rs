//! What is printed: words for people on standard error (`--quiet` leaves warnings only), data on standard output.
//!
//! Both go through [`Visible`], so that no text that others wrote (a cell, a file's name, an answer) can steer the
//! terminal that shows it.

use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, StderrLock, StdoutLock, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::CommandError;
use super::repeat::completed;
use crate::domain::text::{message, on_one_line, visible};
use crate::exit::ExitCode;
use crate::report::{painted, terminal_width, wrapped, wrapped_below};

/// Columns of a number at the beginning of a line, with the gap behind it.
pub(super) const NUMBER: usize = 18;

/// Writes texts with what steers a terminal written out. Each write is a whole text, as those of `write!` are.
#[derive(Debug)]
pub(crate) struct Visible<W>(pub(super) W);

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(visible(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The log on standard error: each write is an entry, and stays one line.
#[derive(Debug)]
pub(super) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let entry = text.strip_suffix('\n').unwrap_or(&text);
        writeln!(std::io::stderr(), "{}", on_one_line(entry))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on a panic is reported like all else: its text may hold a cell.
pub(super) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let trace = std::backtrace::Backtrace::capture();
        let shown = match trace.status() {
            std::backtrace::BacktraceStatus::Captured => format!("\n{trace}"),
            _ => String::new(),
        };
        // Standard error is closed: there is no other place to report that.
        let _ = writeln!(stderr(), "{}{shown}", on_one_line(&panic.to_string()));
    }));
}

/// Standard error, for words.
fn stderr() -> Visible<StderrLock<'static>> {
    Visible(std::io::stderr().lock())
}

/// Standard output. What other programs read as it is (a CSV, a script) goes to the writer inside.
pub(super) fn stdout() -> Visible<std::io::BufWriter<StdoutLock<'static>>> {
    Visible(std::io::BufWriter::new(std::io::stdout().lock()))
}

/// From now on texts have colour where this says so, also those of the command line itself.
pub(super) fn choose_color(choice: anstream::ColorChoice) {
    choice.write_global();
}

/// Prints what was asked for in place of a command: help, or the version.
pub(super) fn print_help(help: &clap::Error) -> io::Result<()> {
    help.print()?;
    std::io::stdout().flush()
}

/// Whether what is written there has colour: as was chosen, else as NO_COLOR, CLICOLOR_FORCE and the terminal say.
pub(super) fn has_color(stream: &impl anstream::stream::RawStream) -> bool {
    anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never
}

/// Columns of standard output; `None` where no terminal shows it.
pub(super) fn stdout_width() -> Option<usize> {
    std::io::stdout().is_terminal().then(terminal_width)
}

/// Writes words for people on standard output, in its width and with its colour.
pub(super) fn words(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let text = completed(text);
    let text = match stdout_width() {
        Some(width) => wrapped(&text, width),
        None => text.into_owned(),
    };
    write_words(&text, out)
}

/// A line of such words whose text begins in this column: what does not fit goes on below it.
pub(super) fn line_of_words(line: &str, column: usize, out: &mut dyn Write) -> io::Result<()> {
    let line = completed(line);
    let mut text = match stdout_width() {
        Some(width) => wrapped_below(&line, column, width),
        None => line.into_owned(),
    };
    text.push('\n');
    write_words(&text, out)
}

fn write_words(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let shown = visible(text);
    if has_color(&std::io::stdout()) {
        out.write_all(painted(&shown).as_bytes())
    } else {
        out.write_all(shown.as_bytes())
    }
}

/// Writes a line on a terminal in place of the line before it.
pub(super) fn redraw(line: &str) -> io::Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "\r\x1b[2K{}", visible(line))?;
    out.flush()
}

/// Whether this process has printed a message for people.
static HAS_WARNED: AtomicBool = AtomicBool::new(false);

/// Prints messages for people. Data goes to standard output, never through here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    quiet: bool,
    /// Each request is logged beside it.
    logs: bool,
    /// What it prints has colour.
    color: bool,
}

#[expect(
    clippy::unused_self,
    reason = "a command that was given no console can neither print to people nor ask them"
)]
impl Console {
    /// A console that prints everything, or warnings only if it is `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            logs: false,
            color: has_color(&std::io::stderr()),
        }
    }

    /// The same, beside a log of each request.
    pub(crate) fn with_log(self, logs: bool) -> Self {
        Self { logs, ..self }
    }

    /// True if each request is logged.
    pub(crate) fn logs(self) -> bool {
        self.logs
    }

    /// Prints a message, unless the console is quiet. Further lines of it are indented.
    pub(crate) fn say(self, text: impl Display) {
        if !self.quiet {
            self.warn(text);
        }
    }

    /// Prints a warning, also when the console is quiet. Further lines of it are indented.
    pub(crate) fn warn(self, text: impl Display) {
        self.warn_lines(message(&text.to_string()));
    }

    /// Columns of what it prints; without bounds where no terminal shows it.
    pub(crate) fn width(self) -> usize {
        if std::io::stderr().is_terminal() {
            terminal_width()
        } else {
            usize::MAX
        }
    }

    /// Prints a text of several lines, unless the console is quiet. The texts of others in it stand on one line.
    pub(crate) fn say_lines(self, text: impl Display) {
        if !self.quiet {
            self.warn_lines(text);
        }
    }

    /// How a quiet command ended that said nothing so far: one line for any exit code but 0.
    pub(crate) fn say_exit(self, exit: ExitCode) {
        if self.quiet && exit != ExitCode::Complete && !HAS_WARNED.load(Ordering::Relaxed) {
            self.warn(exit);
        }
    }

    /// The same, also when the console is quiet.
    pub(crate) fn warn_lines(self, text: impl Display) {
        HAS_WARNED.store(true, Ordering::Relaxed);
        let text = text.to_string();
        let text = completed(&text);
        let shown = if std::io::stderr().is_terminal() {
            wrapped(&text, terminal_width())
        } else {
            text.into_owned()
        };
        let shown = visible(&shown);
        let shown = if self.color {
            painted(&shown)
        } else {
            shown.into_owned()
        };
        // Standard error is closed: there is no other place to report that.
        let _ = writeln!(std::io::stderr(), "{shown}");
    }

    /// True if only warnings are printed.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// True if both standard input and standard error are a terminal, so that a question can be answered.
    pub(crate) fn can_ask(self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Refuses to go on where a question could not be answered, unless it is settled already (`--yes`).
    ///
    /// # Errors
    /// A [`CommandError`] of usage that names the flag.
    pub(crate) fn require_yes(self, is_settled: bool, to_do: &str) -> Result<(), CommandError> {
        if is_settled || self.can_ask() {
            return Ok(());
        }
        Err(CommandError::usage(format_args!(
            "there is no terminal to ask on: give --yes to {to_do} without asking; nothing was changed"
        )))
    }

    /// Asks for one of several letters; returns its place, or nothing if another text, or none, is typed.
    pub(crate) fn choose(self, question: impl Display, letters: &[&str]) -> Option<usize> {
        let _ = write!(stderr(), "{question} ");
        let _ = stderr().flush();
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).ok()?;
        let answer = answer.trim().to_lowercase();
        letters.iter().position(|letter| *letter == answer)
    }

    /// Asks a question. The answer is no unless `y` or `yes` is typed.
    pub(crate) fn ask(self, question: impl Display) -> bool {
        let _ = write!(stderr(), "{question} [y/N] ");
        let _ = stderr().flush();
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }
}

/// Entries that are printed as they come: as one array for programs, or as lines for people.
pub(super) struct Entries<'a> {
    json: bool,
    count: u64,
    out: &'a mut dyn Write,
}

impl<'a> Entries<'a> {
    pub(super) fn new(json: bool, out: &'a mut dyn Write) -> Self {
        Self {
            json,
            count: 0,
            out,
        }
    }

    pub(super) fn print(
        &mut self,
        value: impl FnOnce() -> serde_json::Value,
        line: impl FnOnce() -> String,
    ) -> io::Result<()> {
        self.count += 1;
        if !self.json {
            return line_of_words(&line(), NUMBER, self.out);
        }
        let separator = if self.count == 1 { "[\n" } else { ",\n" };
        write!(Visible(&mut *self.out), "{separator}  {}", value())
    }

    /// Ends them; returns how many they were.
    pub(super) fn end(self) -> io::Result<u64> {
        match (self.json, self.count) {
            (false, _) => {}
            (true, 0) => writeln!(self.out, "[]")?,
            (true, _) => writeln!(self.out, "\n]")?,
        }
        Ok(self.count)
    }
}

/// Prints data for programs.
pub(super) fn print_json(value: &impl serde::Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(Visible(&mut *out), value)?;
    writeln!(out)
}
