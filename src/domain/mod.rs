//! The decisions, as functions over values.
//!
//! Nothing here reads a file, a clock, a network or a random number: whatever varies is passed in.
//! A test in `tests/it` keeps the I/O crates out of this folder.

pub(crate) mod audience;
pub(crate) mod bad_setting;
pub(crate) mod batch_name;
pub(crate) mod batch_state;
pub(crate) mod channel_contact;
pub(crate) mod content;
pub(crate) mod curves;
pub(crate) mod delivery;
pub(crate) mod dialect;
pub(crate) mod earlier;
pub(crate) mod eligibility;
pub(crate) mod event;
pub(crate) mod fallback;
pub(crate) mod fold;
pub(crate) mod follow_up;
pub(crate) mod forecast;
pub(crate) mod inbox;
pub(crate) mod keyed_hash;
pub(crate) mod masking;
pub(crate) mod message_date;
pub(crate) mod night;
pub(crate) mod outcome;
pub(crate) mod percent;
pub(crate) mod phone;
pub(crate) mod pilot;
pub(crate) mod quota;
pub(crate) mod random;
pub(crate) mod recipient;
mod record;
pub(crate) mod refusal;
pub(crate) mod results_row;
pub(crate) mod retention;
pub(crate) mod retry;
pub(crate) mod role;
pub(crate) mod row_cells;
pub(crate) mod run_time;
pub(crate) mod saw_tooth;
pub(crate) mod schedule;
pub(crate) mod sending;
pub(crate) mod sms;
pub(crate) mod span;
pub(crate) mod spreadsheet;
pub(crate) mod text;
pub(crate) mod word_list;
pub(crate) mod worded;
pub(crate) mod zones;
