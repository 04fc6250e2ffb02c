//! The decisions, as functions over values.
//!
//! Nothing here reads a file, a clock, a network or a random number: whatever varies is passed in.
//! A test in `tests/it` keeps the I/O crates out of this folder.

pub mod batch_state;
pub mod content;
pub mod delivery;
pub mod eligibility;
pub mod event;
pub mod fold;
pub mod forecast;
pub mod outcome;
pub mod phone;
pub mod quota;
pub mod recipient;
mod record;
pub mod retry;
pub mod schedule;
pub mod spreadsheet;
pub mod text;
pub mod zones;
