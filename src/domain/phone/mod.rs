//! Phone numbers: one type, one way in.
//!
//! [`PhoneNumber`] is E.164 as an integer, in the form that its numbering plan has today (`plans`). Data flow
//! of a text: `handles` takes numbers out of links and messengers' handles, `clean` repairs the damage that
//! spreadsheets and people do, `parse` decides how many numbers there are, `engine` (the only owner of the
//! library) validates: what [`PhoneNumber::parse`] returns, Google's metadata call valid. Numbers from our own
//! checkpoint and the API's digits-only form come by [`PhoneNumber::from_e164`]. Both ways end in its one
//! canonical form, so that the old and the new form of a number are one person.

mod clean;
mod country;
mod engine;
mod handles;
mod line;
mod mending;
mod names;
mod number;
mod parse;
mod plans;
mod problem;
mod reading;
mod region;

#[cfg(test)]
mod tests;

pub use line::LineType;
pub(crate) use line::UnknownService;
pub use mending::Mending;
pub use number::PhoneNumber;
pub(crate) use parse::{Numbers, Parsed, Rejected};
pub use problem::PhoneProblem;
pub use reading::Reading;
pub use region::Region;
pub(crate) use region::UnknownRegion;
