//! What the text of a refusal means: whose matter it is.
//!
//! The API passes on what the platform behind it says, in free text, with any status. Tables hold
//! the texts that are documented ([`documented`]), other wordings of the same ([`alike`]), and the platform's codes
//! ([`codes`]). What a person
//! said about a text counts before the table. A text that nobody knows has no reading: what is concluded from
//! it is up to the classification of answers, and is never called known.

mod alike;
mod codes;
mod documented;
mod meaning;
mod reading;
mod sayings;
mod says;
mod wording;

pub use meaning::Meaning;
pub(crate) use meaning::Means;
pub(crate) use reading::{Reading, read, read_failure};
pub(crate) use sayings::SayingError;
pub use sayings::{Saying, Sayings};
pub(crate) use wording::TAKEN_FOR_NO_MESSENGER;
