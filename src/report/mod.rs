//! What people and other programs read: the check of a file, the rejects, the results file, the
//! summary. Changes no state.

pub(crate) mod check;
mod contacts;
mod error;
mod file;
mod hints;
mod local;
mod manual;
mod night;
mod page;
mod paint;
mod progress;
pub(crate) mod rejects;
mod results;
mod results_rows;
mod select;
mod summary;
mod suppressions;
mod table;
mod text_table;
mod unreached;
mod words;

pub(crate) use contacts::{write_contacts, write_contacts_file};
pub(crate) use error::ReportError;
pub(crate) use file::{
    file_as_it_is, is_as_left, is_database, known_by, try_file, write_whole_file,
};
pub use hints::Hints;
pub use local::Local;
pub(crate) use manual::{manual_roff, manual_text};
pub(crate) use night::{ListKind, ListReport, NightReport};
pub(crate) use page::is_own_page;
pub(crate) use paint::painted;
pub(crate) use progress::{ProgressLine, ProgressMode};
pub(crate) use results::{check_room, default_stem, write_selected, write_selected_file};
pub use results::{write_results, write_results_file};
pub(crate) use results_rows::{ResultsColumns, ResultsRowError};
pub use select::{COLUMNS, Selection};
pub(crate) use summary::PilotCounts;
pub use summary::{StandingReport, Summary};
pub(crate) use suppressions::write_suppressions;
pub(crate) use text_table::{Column, TextTable};
pub(crate) use words::{
    counted, counted_are, displacement, grouped, minute, people, place, plural, quoted,
    terminal_width, without_numbers, wrapped, wrapped_below,
};
