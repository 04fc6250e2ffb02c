//! How the program ends: one table of exit codes, for the shell, the help, the README and `--json`.
//!
//! The numbers are a promise to scripts: a code never changes its meaning.

use std::fmt::{self, Write as _};

/// Why the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitCode {
    /// All is settled, and no recipient ended in error or unknown.
    Complete = 0,
    /// A defect of the program.
    Internal = 1,
    /// The command line is not understood.
    Usage = 2,
    /// Nothing more can be sent: some recipients ended in error or unknown, or wait for an outcome that is
    /// unknown in another batch.
    CompleteWithProblems = 3,
    /// Stopped by a deadline, a signal or the answer "no" before all was settled.
    Paused = 4,
    /// Stopped before harm: credentials refused, identical refusals, an outage.
    Guard = 5,
    /// The configuration or the credentials are missing or wrong.
    Configuration = 6,
    /// A contacts file cannot be used.
    Input = 7,
    /// The checkpoint or another file of ours cannot be read or written.
    Storage = 8,
    /// Another process works on this batch.
    Held = 9,
    /// Complete, but too few were reached: `--fail-below`.
    BelowShare = 10,
}

impl ExitCode {
    /// All codes, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Complete,
        Self::Internal,
        Self::Usage,
        Self::CompleteWithProblems,
        Self::Paused,
        Self::Guard,
        Self::Configuration,
        Self::Input,
        Self::Storage,
        Self::Held,
        Self::BelowShare,
    ];

    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The word for `exit_reason` in `--json` and `--summary`; it never changes either.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::CompleteWithProblems => "complete_with_problems",
            Self::Paused => "paused",
            Self::Guard => "guard",
            Self::Configuration => "configuration",
            Self::Input => "input",
            Self::Storage => "storage",
            Self::Held => "held",
            Self::BelowShare => "below_share",
        }
    }

    /// One line for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Complete => "complete; nobody ended in error or unknown",
            Self::Internal => "internal failure; please report it",
            Self::Usage => "the command line is not understood",
            Self::CompleteWithProblems => {
                "complete, but some recipients ended in error or unknown, or wait for another unknown outcome"
            }
            Self::Paused => {
                "paused by a deadline, a signal or your answer (run it again), or by a pilot (`resume`)"
            }
            Self::Guard => {
                "stopped by a guard before harm (credentials refused, identical refusals)"
            }
            Self::Configuration => "configuration or credentials missing or wrong",
            Self::Input => "the contacts file cannot be used; nothing was sent",
            Self::Storage => "the checkpoint or another file cannot be read or written",
            Self::Held => "another process works on this batch",
            Self::BelowShare => "complete, but fewer were sent to than --fail-below asks for",
        }
    }

    /// The code where too few were reached: it stands in place of the codes of a complete batch.
    #[must_use]
    pub fn below_share(self) -> Self {
        match self {
            Self::Complete | Self::CompleteWithProblems => Self::BelowShare,
            Self::Internal
            | Self::Usage
            | Self::Paused
            | Self::Guard
            | Self::Configuration
            | Self::Input
            | Self::Storage
            | Self::Held
            | Self::BelowShare => self,
        }
    }

    /// The worst of several; of none, that all is complete.
    pub fn worst(codes: impl IntoIterator<Item = Self>) -> Self {
        let worst = codes.into_iter().max_by_key(|code| code.severity());
        worst.unwrap_or(Self::Complete)
    }

    /// How bad it is beside others, from 0: whatever stops everything, then what a person has to mend, then what
    /// goes on by itself.
    fn severity(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Paused => 1,
            Self::CompleteWithProblems => 2,
            Self::BelowShare => 3,
            Self::Held => 4,
            Self::Input => 5,
            Self::Guard => 6,
            Self::Usage => 7,
            Self::Configuration => 8,
            Self::Storage => 9,
            Self::Internal => 10,
        }
    }

    /// The code with this word.
    pub fn from_reason(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.reason() == word)
    }

    /// The table for the long help: one line a code.
    pub fn table() -> String {
        Self::ALL
            .iter()
            .fold(String::from("Exit codes:\n"), |mut table, exit| {
                // Writing to a String cannot fail.
                let _ = writeln!(table, "  {:>2}  {}", exit.code(), exit.text());
                table
            })
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(exit: ExitCode) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_worst_of_several_stands_for_all() {
        let order = [1, 8, 6, 2, 5, 7, 9, 10, 3, 4, 0];
        let of = |code: u8| ExitCode::ALL.into_iter().find(|it| it.code() == code);
        for (place, worse) in order.into_iter().enumerate() {
            for better in &order[place..] {
                for pair in [[worse, *better], [*better, worse]] {
                    let worst = ExitCode::worst(pair.into_iter().filter_map(of));
                    assert_eq!(worst.code(), worse, "of {pair:?}");
                }
            }
        }
        assert_eq!(ExitCode::worst([]), ExitCode::Complete);
    }

    #[test]
    fn the_table_lists_every_code_once_in_order() {
        let codes: Vec<u8> = ExitCode::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, (0..11).collect::<Vec<u8>>());
        let reasons: HashSet<_> = ExitCode::ALL.iter().map(|exit| exit.reason()).collect();
        assert_eq!(reasons.len(), ExitCode::ALL.len());
        assert_eq!(ExitCode::table().lines().count(), 1 + ExitCode::ALL.len());
    }
}
