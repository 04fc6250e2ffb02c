//! Phone numbers: one type, one way in.
//!
//! [`PhoneNumber`] is E.164 as an integer, and Google's metadata calls the number valid. Data flow of a
//! text: `clean` repairs the damage that spreadsheets and people do, `parse` decides how many numbers
//! there are, `engine` (the only owner of the library) validates. Only [`PhoneNumber::parse`] (texts) and
//! [`PhoneNumber::from_e164`] (our own checkpoint, the API's digits-only form) make a number.

mod clean;
mod country;
mod engine;
mod line;
mod mending;
mod names;
mod number;
mod parse;
mod problem;
mod region;

#[cfg(test)]
mod tests;

pub use line::LineType;
pub use mending::Mending;
pub use number::PhoneNumber;
pub(crate) use parse::{Numbers, Parsed, Rejected};
pub use problem::PhoneProblem;
pub use region::Region;
pub(crate) use region::UnknownRegion;
