//! Rows whose cells stand one column too far to the right: a comma in a cell that has no quotes parts it in two.

use super::RowJudge;
use crate::domain::recipient::ListAnswer;
use crate::domain::text::trimmed;
use crate::intake::consent::{Refusal, is_word_for_nothing};
use crate::intake::file::Layout;
use crate::intake::rows::Fields;
use crate::intake::swallowed;

impl RowJudge<'_> {
    /// Why nothing of a row is to be relied on: a name stands where its number should, and the number in the next column. What
    /// stands behind it is that of the column before.
    pub(super) fn moved(&self, fields: &Fields<'_>) -> Option<Refusal> {
        let phone = self
            .mapping
            .phone
            .first()
            .filter(|_| self.mapping.phone.len() > 1)?;
        let at = *self.file.columns.get(phone.column.index)?;
        let next = self.file.phones.contains(&(at + 1)) && at > 0;
        if !next || !matches!(self.file.layout, Layout::Text(_)) {
            return None;
        }
        let raw = self.cell(fields.get(at));
        let cell = trimmed(raw);
        let is_name = cell.starts_with(char::is_uppercase) && !is_word_for_nothing(cell);
        let has_letters = cell.contains(char::is_alphabetic);
        let is_text = has_letters && !cell.contains(|c: char| c.is_ascii_digit());
        let is_part = is_text && (raw.starts_with(' ') || is_name);
        if !is_part || !swallowed::is_number(fields.get(at + 1)) {
            return None;
        }
        let name = &phone.column.name;
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
