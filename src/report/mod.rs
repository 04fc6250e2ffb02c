//! What people and other programs read: the check of a file, the rejects, the results file, the
//! summary. Changes no state.

pub mod check;
mod contacts;
mod error;
mod file;
mod progress;
pub mod rejects;
mod results;
mod summary;
mod words;

pub use contacts::write_contacts;
pub use error::ReportError;
pub use file::{is_as_left, write_whole_file};
pub use progress::ProgressLine;
pub use results::{
    COLUMNS, default_results_path, write_known_results_file, write_results, write_results_file,
};
pub use summary::{Hints, Summary, write_summary_file};
pub use words::{grouped, minute, place, quoted, without_numbers};
