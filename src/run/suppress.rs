//! The suppression list: numbers that must never be messaged.

use std::collections::HashSet;
use std::path::Path;

use jiff::Timestamp;

use super::error::RunError;
use super::list::List;
use super::pass::Pass;
use crate::domain::percent::Percent;
use crate::domain::phone::{LineType, PhoneNumber, Rejected};
use crate::domain::recipient::{RowProblem, Verdict};
use crate::intake::{HiddenRows, NumbersPerRow, Settings, Source};
use crate::store::Store;

/// Bad rows that are named.
const NAMED: usize = 5;

/// What became of numbers that were put on the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suppressed {
    /// Numbers that were given.
    pub numbers: usize,
    /// Those that were not on the list before.
    pub new: usize,
    /// Rows of the files without a number that can be suppressed.
    pub invalid: u64,
    /// The first of them, each with what is wrong.
    pub named: Vec<String>,
}

/// Puts the numbers on the list of the checkpoint, which is made if it is not there. `reason` is for the results
/// of later batches, `source` for the audit.
///
/// # Errors
/// [`RunError`] if the checkpoint fails.
pub fn suppress(
    checkpoint: &Path,
    phones: &[PhoneNumber],
    reason: Option<&str>,
    source: &str,
    added_at: Timestamp,
) -> Result<Suppressed, RunError> {
    let stops = NumbersToSuppress {
        phones: phones.to_vec(),
        read: Suppressed::default(),
    };
    stops.enter(&Store::open(checkpoint)?, reason, source, added_at)
}

/// Numbers that are to be suppressed, read before anything is written.
pub(super) struct NumbersToSuppress {
    phones: Vec<PhoneNumber>,
    /// What is wrong with the rows that have none.
    read: Suppressed,
}

impl NumbersToSuppress {
    /// Those of a list, if there is one.
    pub(super) fn read(list: Option<List>) -> Result<Option<Self>, RunError> {
        list.map(|list| list.numbers(None)).transpose()
    }

    /// Puts them on the list of the checkpoint, as [`suppress`] does.
    pub(super) fn enter(
        self,
        store: &Store,
        reason: Option<&str>,
        source: &str,
        added_at: Timestamp,
    ) -> Result<Suppressed, RunError> {
        let reason = reason.unwrap_or("must not be messaged");
        let new = store.suppress(&self.phones, reason, source, added_at)?;
        Ok(Suppressed {
            numbers: self.phones.len(),
            new,
            ..self.read
        })
    }
}

impl List {
    /// Examines files whose numbers are to be suppressed: all numbers of a row count, however bad the rest of
    /// the file is.
    ///
    /// # Errors
    /// [`RunError`] if a file cannot be used.
    pub fn of_suppressed(sources: &[Source], settings: &Settings) -> Result<Self, RunError> {
        let settings = Settings {
            numbers: NumbersPerRow::All,
            min_valid: Percent::NONE,
            // A number on the list is suppressed whatever its kind of line.
            line_types: LineType::ALL.to_vec(),
            all_consent_ignored: true,
            // An opt-out counts whether or not it is shown.
            hidden_rows: Some(HiddenRows::Send),
            ..settings.clone()
        };
        Self::open(sources, &settings, None)
    }

    /// Puts its numbers on the list of the checkpoint, as [`suppress`] does, once all files were found usable.
    /// Rows without a number go to `rejects`.
    ///
    /// # Errors
    /// [`RunError`] if the files cannot be used, or the checkpoint or `rejects` cannot be written.
    pub fn suppress(
        self,
        checkpoint: &Path,
        reason: Option<&str>,
        source: &str,
        rejects: Option<&Path>,
        now: Timestamp,
    ) -> Result<Suppressed, RunError> {
        let stops = self.numbers(rejects)?;
        stops.enter(&Store::open(checkpoint)?, reason, source, now)
    }

    /// Its numbers, and what is wrong with the rows that have none.
    fn numbers(mut self, rejects: Option<&Path>) -> Result<NumbersToSuppress, RunError> {
        let (mut phones, mut refused) = (Vec::new(), HashSet::new());
        let mut read = Suppressed::default();
        let pass = Pass {
            rejects,
            ..Pass::default()
        };
        pass.judge(&mut self, &mut |_| (), &mut |row| {
            match row.verdict {
                Verdict::Queued(accepted) => phones.push(accepted.phone),
                // A refusal beside a number is no reason to leave it off this list. All its rows have that verdict.
                Verdict::Suppressed { phone, .. }
                | Verdict::Invalid {
                    phone: Some(phone), ..
                } => {
                    if refused.insert(phone) {
                        phones.push(phone);
                    }
                }
                Verdict::Invalid {
                    problem,
                    suggestion,
                    phone: None,
                } => {
                    read.invalid += 1;
                    // The likely one of two readings is suppressed though the row is one to mend.
                    if let RowProblem::Phone(problem) = problem {
                        phones.extend(
                            Rejected {
                                problem,
                                suggestion,
                            }
                            .likely(),
                        );
                    }
                    if read.named.len() < NAMED {
                        let row = row.position.row;
                        read.named.push(format!("row {row}: {problem}"));
                    }
                }
                Verdict::Duplicate { .. } => {}
            }
            Ok(())
        })?;
        Ok(NumbersToSuppress { phones, read })
    }
}
