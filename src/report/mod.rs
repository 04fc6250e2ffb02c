//! What people and programs get to read: the check of a file, the rejects, the results.

mod cell;
pub mod check;
mod check_html;
pub mod rejects;

pub use cell::csv_cell;
