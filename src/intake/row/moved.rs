//! Rows whose cells stand one column too far to the right: a comma in a cell that has no quotes parts it in two.

use super::RowJudge;
use crate::domain::recipient::ListAnswer;
use crate::domain::text::trimmed;
use crate::intake::consent::{Refusal, is_word_for_nothing};
use crate::intake::file::Layout;
use crate::intake::rows::Fields;
use crate::intake::settings::ReadFor;
use crate::intake::swallowed;

impl RowJudge<'_> {
    /// Why nothing of a row is to be relied on: a name stands where its number should, and the number in the next column. What
    /// stands behind it is that of the column before.
    pub(super) fn moved(&self, fields: &Fields<'_>) -> Option<Refusal> {
        let is_text = matches!(self.file.layout, Layout::Text(_));
        if !is_text || self.mapping.read_for != ReadFor::Messages || self.file.phones.len() < 2 {
            return None;
        }
        let mut phones = self.mapping.phone.iter().map(|it| &it.column);
        let (name, cell) = phones.find_map(|column| {
            let at = *self.file.columns.get(column.index)?;
            let raw = self.cell(fields.get(at));
            let is_moved = at > 0
                && self.file.phones.contains(&(at + 1))
                && is_part_of_name(raw)
                && swallowed::is_number(fields.get(at + 1));
            is_moved.then(|| (&column.name, trimmed(raw)))
        })?;
        let says = format!(
            "\"{name}\" says \"{cell}\", and the number stands one column further on: a delimiter in a cell without quotes may have \
             moved what stands behind it"
        );
        Some(Refusal {
            answer: ListAnswer::NotUnderstood,
            says,
        })
    }
}

/// Whether a cell may be the end of a name that a comma parted: ` Jan`. One that says in a word that there is no number is not.
fn is_part_of_name(raw: &str) -> bool {
    let cell = trimmed(raw);
    let is_word =
        cell.contains(char::is_alphabetic) && !cell.contains(|c: char| c.is_ascii_digit());
    let is_name = cell.starts_with(char::is_uppercase) || raw.starts_with(' ');
    is_word && is_name && !is_word_for_nothing(cell)
}
