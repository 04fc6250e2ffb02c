//! Phone numbers: one type, one way in.
//!
//! [`PhoneNumber`] is E.164 as an integer, in the form that its numbering plan has today (`plans`). Data flow
//! of a text: `handles` takes numbers out of links and messengers' handles, `clean` repairs the damage that
//! spreadsheets and people do, `parse` decides how many numbers there are, `single` reads each of them, `grouping` decides whether all its digits
//! belong to it, `engine` (the only owner of the library) validates: what [`PhoneNumber::parse`] returns, Google's metadata call valid. Numbers from our own
//! checkpoint and the API's digits-only form pass through [`PhoneNumber::from_e164`]. Both end in its one
//! canonical form, so that the old and the new form of a number are one person.
//!
//! # Why rlibphonenumber
//!
//! The number decides who is messaged, so the parser was chosen by measurement: one million mixed texts from many
//! countries, against Google's own library. `rlibphonenumber` agrees on all of them where the metadata is of the
//! same release, at 440,000 numbers a second on two cores. The crate `phonenumber` 0.3.10 differs 34,700 times;
//! 2,154 of these yield another valid number, that is, another person; and on mixed lists it falls to 300 numbers
//! a second, because its cache holds 100 expressions. It stays as a second opinion in the tests, which list where
//! the two differ and why.

mod clean;
mod country;
mod engine;
mod grouping;
mod handles;
mod labels;
mod line;
mod mending;
mod mention;
mod names;
mod number;
mod parse;
mod plans;
mod problem;
mod reading;
mod region;
mod rejected;
mod single;
mod two_readings;
mod written;

#[cfg(test)]
mod tests;

pub(crate) use labels::{is_label, is_not_theirs};
pub use line::LineType;
pub use mending::Mending;
pub(crate) use mention::AddressEnd;
pub use number::PhoneNumber;
pub(crate) use parse::Numbers;
pub use problem::PhoneProblem;
pub use reading::Reading;
pub use region::Region;
pub(crate) use region::{RegionNames, UnknownRegion};
pub(crate) use rejected::{Parsed, Rejected};
pub(crate) use written::{Within, WrittenForms, WrittenNumbers};
