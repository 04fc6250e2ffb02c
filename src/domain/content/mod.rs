//! What is sent: a template, compiled once, rendered once for each row and frozen.
//!
//! A [`ContentSource`] is what the user gave (`--message` or `--content`, `--tag`, `--metadata`).
//! [`Template::compile`] checks all of it against the columns of the file before any row is read: the
//! content has a documented shape, every name stands for a column, the tag is a documented one.
//! [`Template::render`] then makes one row's message, or says what that row lacks.
//!
//! # In a template
//!
//! - `{{ first_name }}` is the cell of the column `First Name`: headers become names in lower case,
//!   with one underscore for every run of other characters than letters and digits. The header as it
//!   is written works too: `{{ row["First Name"] }}`.
//! - A row whose cell is empty or blank is refused, unless the template says what then:
//!   `{{ first_name | default("there") }}` or `{% if first_name %}...{% endif %}`.
//! - The same is refused, or replaced, where the cell holds an error of a spreadsheet (`#N/A`), `NULL`, a placeholder of
//!   another program, or letters that were garbled before the list was made.
//! - Nothing is escaped: cells arrive as they are, in valid JSON, whatever they hold.
//! - What is a placeholder in other programs (`{first_name}`, `[First Name]`, `*|FNAME|*`) is refused: it would be
//!   sent as it stands. `{{ "{first_name}" }}` sends these very signs.
//! - In `--content` every string is a template; keys, numbers and the top `type` are not.

mod compile;
mod foreign;
mod names;
mod no_name;
mod no_text;
mod others;
mod part;
mod problem;
mod shape;
mod source;
mod tags;
mod template;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use self::names::{Role, placeholders};
pub(crate) use self::others::{OtherMessage, for_step, join_others};
pub use self::problem::Notice;
pub(crate) use self::problem::{ContentError, RenderProblem};
pub(crate) use self::source::{
    BATCH_KEY, RECIPIENT_KEY, ROW_KEY, TEST_KEY, with_own_metadata, without_facebook_keys,
};
pub use self::source::{Body, ContentSource};
pub use self::template::{Rendered, Template};
