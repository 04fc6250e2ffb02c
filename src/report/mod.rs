//! What people and other programs read: the results file, the summary. Changes no state.

mod error;

pub use error::ReportError;
