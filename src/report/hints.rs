//! The commands that are suggested, as they are to be typed.

use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::Timestamp;

use super::local::Local;
use super::words::quoted;

/// What the commands that are suggested need to be exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// The checkpoint, if it is not the one that is used by default.
    pub db: Option<PathBuf>,
    /// Further flags, without their dashes, and values that a command must repeat if it takes them.
    pub flags: Vec<(&'static str, String)>,
    /// The results file, if it was written.
    pub results: Option<PathBuf>,
    /// One that was written before its contents changed, and when that was.
    pub older_results: Option<(PathBuf, Timestamp)>,
    /// Where and when the text is read.
    pub local: Local,
}

impl Hints {
    /// The command, as it is to be typed.
    pub(crate) fn command(&self, verb: &str, batch: &str, flags: &[&str]) -> String {
        let mut command = format!("outreach {verb} {}", quoted(batch));
        for flag in flags.iter().filter(|flag| !flag.is_empty()) {
            command.push(' ');
            command.push_str(flag);
        }
        if let Some(db) = &self.db {
            command.push_str(" --db ");
            command.push_str(&quoted(&db.to_string_lossy()));
        }
        for (flag, value) in self.flags.iter().filter(|(flag, _)| takes(verb, flag)) {
            let _ = write!(command, " --{flag} {}", quoted(value));
        }
        command
    }
}

/// Whether a command takes one of [`Hints::flags`]: those of the API only where it asks the API.
fn takes(verb: &str, flag: &str) -> bool {
    let asks_the_api = matches!(verb, "resume" | "resolve" | "send");
    asks_the_api || !matches!(flag, "base-url" | "token-file")
}
