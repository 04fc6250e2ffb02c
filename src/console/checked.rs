//! What becomes of an uploaded list: it is read, and it becomes a batch.

use std::path::PathBuf;

use super::base::Kind;
use crate::domain::text::plural;
use crate::intake::IntakeError;
use crate::run::{CheckReport, List, RunError, SampleRows};

/// A list that was read.
pub(super) struct Checked {
    /// Why the file as a whole is read wrongly; nothing else of it is shown then.
    pub(super) trouble: Option<Trouble>,
    pub(super) report: Option<CheckReport>,
    /// Columns, with their names in a message.
    pub(super) columns: Vec<(String, String)>,
    pub(super) samples: SampleRows,
    /// The sheets with numbers, where there are several.
    pub(super) sheets: Vec<String>,
    /// The rows to mend.
    pub(super) rejects: Option<PathBuf>,
    /// What should be known of the message.
    pub(super) notices: Vec<String>,
    /// The message is made with letters that may be others.
    pub(super) letters: Option<String>,
}

/// What is wrong with the file as a whole.
pub(super) struct Trouble {
    pub(super) text: String,
    /// One of these columns is the one with the numbers.
    pub(super) phone_columns: Vec<String>,
    /// What must be said, beside which column it is.
    question: Option<Question>,
    /// It is about the message.
    pub(super) message: bool,
}

/// What a person must say about a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// Whether the first row is a contact.
    NoHeader,
    /// Whether numbers begin with their country code.
    International,
    /// What becomes of rows that are hidden in the sheet.
    HiddenRows,
}

impl Trouble {
    /// Whether the first row is a contact.
    pub(super) fn asks_for_header(&self) -> bool {
        self.question == Some(Question::NoHeader)
    }

    /// Whether numbers begin with their country code.
    pub(super) fn asks_for_country_code(&self) -> bool {
        self.question == Some(Question::International)
    }

    /// What becomes of rows that are hidden in the sheet.
    pub(super) fn asks_for_hidden_rows(&self) -> bool {
        self.question == Some(Question::HiddenRows)
    }

    /// What a person must say about the list before it is read, if anything. `international`: what was said of numbers
    /// without a plus.
    pub(super) fn asked(list: &List, international: Option<bool>) -> Option<Self> {
        let looks = list.looks_international();
        let looks = looks.filter(|_| international.is_none());
        let (text, question) = match (looks, list.hidden_rows()) {
            (Some(looks), _) => (format!("{looks}."), Question::International),
            (None, 0) => return None,
            (None, rows) => {
                let rows = plural(rows, "row is hidden", "rows are hidden");
                let text = format!("{rows} in the sheet, as by a filter.");
                (text, Question::HiddenRows)
            }
        };
        Some(Self {
            text,
            phone_columns: Vec::new(),
            question: Some(question),
            message: false,
        })
    }

    pub(super) fn of(error: &RunError) -> Self {
        let phone_columns = match error {
            RunError::Intake(IntakeError::NoPhoneColumn { present, .. }) => present.clone(),
            RunError::Intake(IntakeError::AmbiguousPhoneColumn { candidates, .. }) => {
                candidates.clone()
            }
            RunError::Intake(IntakeError::NumbersOfOthers { column, .. }) => vec![column.clone()],
            RunError::Intake(IntakeError::PhonesOfSeveralPeople { first, second, .. }) => {
                vec![first.clone(), second.clone()]
            }
            _ => Vec::new(),
        };
        let text = match error {
            RunError::Intake(IntakeError::NoPhoneColumn { .. }) => {
                "No column looks like phone numbers. Which one has them?".to_owned()
            }
            RunError::Intake(IntakeError::AmbiguousPhoneColumn { .. }) => {
                "Several columns look like phone numbers. Which one is meant?".to_owned()
            }
            RunError::Intake(IntakeError::NumbersOfOthers { .. }) => {
                "By its name the only phone column holds the numbers of other people, or old ones. Is it meant?".to_owned()
            }
            RunError::Intake(IntakeError::PhonesOfSeveralPeople { between, .. }) => format!(
                "The columns of numbers seem to be of different people: \"{between}\" stands between them. Which one is meant?"
            ),
            RunError::Intake(IntakeError::HeaderIsData { row, cell, .. }) => format!(
                "Row {row} should name the columns, but holds \"{cell}\". Is it a contact already?"
            ),
            error => error.to_string(),
        };
        Self {
            text,
            phone_columns,
            question: matches!(error, RunError::Intake(IntakeError::HeaderIsData { .. }))
                .then_some(Question::NoHeader),
            message: matches!(error, RunError::Content(_)),
        }
    }
}

impl Checked {
    pub(super) fn troubled(trouble: Trouble) -> Self {
        Self {
            trouble: Some(trouble),
            report: None,
            columns: Vec::new(),
            samples: SampleRows::default(),
            sheets: Vec::new(),
            rejects: None,
            notices: Vec::new(),
            letters: None,
        }
    }
}

/// What became of a list that was to become a batch.
#[derive(Debug, Clone)]
pub(super) enum Prepared {
    /// It is a batch of this name.
    Batch {
        kind: Kind,
        name: String,
        /// It was one before.
        known: bool,
    },
    /// Its rows joined a batch; what became of them.
    Joined {
        kind: Kind,
        name: String,
        said: String,
    },
    /// These people have another message already: what becomes of them must be said.
    Messaged { kind: Kind, batches: Vec<String> },
    /// It cannot be one.
    Refused(String),
}
