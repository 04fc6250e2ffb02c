//! What the caller knows beside the file: suppressed numbers, the message, what the batch has already.

use jiff::Timestamp;

use super::earlier::EarlierMessages;
use crate::domain::content::Rendered;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Mends, Position, Record, Suppression};

/// The number of examples that are kept of each kind.
pub(crate) const EXAMPLES: usize = 5;

/// Renders the content of one row for one number, beside the messages that the list itself says were sent.
pub(crate) type Render<'a> =
    dyn Fn(&Record, PhoneNumber, &EarlierMessages) -> Result<Rendered, Unsendable> + Sync + 'a;

/// Why the person of a row must not be messaged by what is known of another number of it, beside the row's content and the messages
/// that the list itself says were sent.
pub(crate) type AskOther<'a> =
    dyn Fn(PhoneNumber, Option<&Rendered>, &EarlierMessages) -> Option<Suppression> + Sync + 'a;

/// Why the content of one row is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsendable {
    /// It cannot be rendered; the text names the column that is at fault.
    Problem(String),
    /// It needs more SMS segments than are allowed; the text says why.
    Segments(String),
    /// It must not go to that number: the same content went there before.
    Suppressed(Suppression),
}

/// What is known of a row that another one says it mends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MendedRow {
    /// It cannot be sent: the other one takes its place.
    Open,
    /// A row with another number took its place, in words.
    Taken(String),
    /// None of the batch that can be mended: the other one is a row like any.
    Other,
}

/// What is known beside the file, and asked for each row.
pub struct Judge<'a> {
    /// Why a number must not be messaged, if it must not. Called in several threads.
    pub suppressed: &'a (dyn Fn(PhoneNumber) -> Option<Suppression> + Sync),
    /// The same by another number of the row, which is of the same person. Called in several threads.
    pub by_other_number: &'a AskOther<'a>,
    /// Whether a contact id is known to be another person's than that of the number. Called in several threads.
    pub of_another: &'a (dyn Fn(&str, PhoneNumber) -> bool + Sync),
    /// Renders the content; `None` leaves it out. Called in several threads.
    pub render: Option<&'a Render<'a>>,
    /// Numbers that the batch has already, with their rows: a row that repeats one is a duplicate.
    pub seen: &'a [(PhoneNumber, Position)],
    /// What is known of the row that a row with this number mends.
    pub mended: &'a (dyn Fn(&Mends, PhoneNumber) -> MendedRow + Sync),
    /// How many rows of a kind are kept to show it.
    pub examples: usize,
    /// When consents that end are asked; without it none of them counts.
    pub now: Option<Timestamp>,
    /// The index of the first file in the batch: 0, or after the files that it has already.
    pub first_file: u16,
}

impl Judge<'_> {
    /// Judges by the file alone: nothing suppressed, nothing rendered, a new batch.
    pub fn alone() -> Judge<'static> {
        Judge {
            suppressed: &|_| None,
            by_other_number: &|_, _, _| None,
            of_another: &|_, _| false,
            render: None,
            seen: &[],
            now: None,
            mended: &|_, _| MendedRow::Other,
            first_file: 0,
            examples: EXAMPLES,
        }
    }
}
