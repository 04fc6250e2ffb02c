//! A contacts file becomes recipients: every row gets exactly one verdict, in the order of the file.
//!
//! Data flow:
//!
//! ```text
//! Source -> Bytes -> Utf8Reader -> RowReader -> RowJudge (several threads) -> collect (duplicates) -> sink
//! ```
//!
//! [`Input::open`] examines the files (encoding, delimiter, header, columns) and takes their digest;
//! [`Input::judge`] goes through all rows. The bytes are read twice, and both times must give the same
//! digest. Only the index of the numbers grows with the list; a workbook is held in memory as a whole.
//!
//! # Row numbers
//!
//! A row has the number that a spreadsheet shows: the header is row 1, a quoted field with line breaks is
//! one row, and blank lines count although they are no contacts. A row whose fields are all empty counts
//! as blank.
//!
//! # What makes a file unusable
//!
//! A quote that is never closed, a row of absurd size, rows swallowed by a quoted field, NUL characters, lines in two encodings, a file that
//! changes while it is read, no valid row or too few of them: [`IntakeError`]. Then nothing may be sent,
//! and everything that the sink received before must be thrown away.

mod beside;
mod collect;
mod column;
mod columns;
mod consent;
mod contact_id;
mod corrections;
mod country;
mod delimiter;
mod doubt;
mod earlier;
mod encoding;
mod error;
mod file;
mod formats;
mod grouped;
mod guess;
mod header;
mod index;
mod input;
mod international;
mod judge;
mod languages;
mod levels;
mod mapping;
mod mends;
mod mixed;
mod named_country;
mod notes;
mod open;
mod open_text;
mod opened;
mod phones;
mod row;
mod rows;
mod rules;
mod seen;
mod settings;
mod sheets;
mod short_rows;
mod source;
mod summary;
mod swallowed;
mod table;
mod text;
mod title;
mod words;
mod zeros;

#[cfg(test)]
mod tests;

pub(crate) use consent::UnusedAnswers;
pub(crate) use contact_id::is_rounded;
pub use corrections::Corrections;
pub use doubt::LetterDoubt;
pub use earlier::EarlierMessages;
pub(crate) use encoding::TextEncoding;
pub(crate) use error::TooFewRows;
pub use error::{IntakeError, JudgeError};
pub use input::Input;
pub use international::LooksInternational;
pub(crate) use judge::judging_threads;
pub(crate) use mapping::Mapping;
pub(crate) use mends::{MENDS, may_mend};
pub(crate) use rules::{EXAMPLES, MendedRow, Render};
pub use rules::{Judge, Unsendable};
pub(crate) use settings::{ColumnChoice, Delimiter, HiddenRows, Prefer};
pub use settings::{NumbersPerRow, ReadFor, Settings};
pub(crate) use sheets::Sheets;
pub use source::Source;
pub use summary::Summary;
pub(crate) use summary::{Example, Group, Note};
pub(crate) use table::Table;
