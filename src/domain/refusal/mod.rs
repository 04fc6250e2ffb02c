//! What the text of a refusal means.
//!
//! The API passes on what the platform behind it says, in free text, with any status. Tables hold
//! the texts that are documented ([`documented`]), other wordings of the same ([`similar`]), and the platform's codes
//! ([`codes`]). What a person
//! said about a text counts before the table. A text that nobody knows has no reading: what is concluded from
//! it is up to the classification of answers, and is never called known.

mod codes;
mod documented;
mod explanation;
mod meaning;
mod reading;
mod refusal_rules;
mod similar;
mod wording;

pub use meaning::Meaning;
pub(crate) use meaning::TextMeaning;
pub(crate) use reading::{Reading, read, read_failure};
pub(crate) use refusal_rules::RefusalRuleError;
pub use refusal_rules::{RefusalRule, RefusalRules};
pub(crate) use wording::TAKEN_FOR_NO_MESSENGER;
