//! Headings between the rows: what they say of the people below them.

use super::{Candidate, RowJudge};
use crate::domain::phone::Region;
use crate::domain::recipient::Position;
use crate::domain::text::trimmed;
use crate::intake::consent;
use crate::intake::country::{may_be_of_either, may_be_person, named_in_heading};
use crate::intake::error::IntakeError;
use crate::intake::named_country::country_of_list;
use crate::intake::rows::Fields;

/// A heading that names the country of the people below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::intake) struct CountryHeading {
    text: String,
    region: Region,
}

impl RowJudge<'_> {
    /// Whether a text that stands alone in a row may say of the people below it that they must not be messaged. In a column of
    /// consent it is about its row.
    pub(super) fn may_head_refusals(&self, column: usize, text: &str) -> bool {
        let mut own = self.mapping.consent.iter();
        let is_own = |index: usize| self.file.columns.get(index) == Some(&column);
        !own.any(|it| is_own(it.column.index)) && consent::may_head_refusals(text)
    }

    /// The country that a row without a number names, and nothing else.
    pub(super) fn heading_of_country(&self, fields: &Fields<'_>) -> Option<CountryHeading> {
        country_of_list(self.mapping)?;
        let cells = fields.iter().map(|cell| trimmed(self.cell(cell)));
        let mut cells = cells.filter(|cell| !cell.is_empty());
        let text = cells.next()?;
        // One cell, or cells that are merged.
        if !cells.all(|cell| cell == text) || may_be_person(text) {
            return None;
        }
        let region = named_in_heading(text)?;
        Some(CountryHeading {
            text: text.to_owned(),
            region,
        })
    }
}

/// The heading above the rows that come, if it names a country.
#[derive(Default)]
pub(in crate::intake) struct HeadedByCountry(Option<(Position, CountryHeading)>);

impl HeadedByCountry {
    /// Refuses a list in which a number stands below the name of a country, and may be of that one as well as of `own`, by which
    /// it is read. `name` is that of a file by its number.
    pub(in crate::intake) fn next(
        &mut self,
        candidate: &Candidate,
        own: Option<Region>,
        name: impl FnOnce(u16) -> String,
    ) -> Result<(), IntakeError> {
        let position = candidate.row.position;
        if let Some(heading) = &candidate.heads_country {
            self.0 = Some((position, heading.clone()));
        }
        let (Some((above, heading)), Some(own)) = (&self.0, own) else {
            return Ok(());
        };
        let is_below = candidate.number.is_some() && above.file == position.file;
        if is_below && may_be_of_either(&candidate.row.typed, own, heading.region) {
            return Err(IntakeError::CountryBelow {
                file: name(position.file),
                row: above.row.get(),
                heading: heading.text.clone(),
                country: heading.region,
                own,
            });
        }
        Ok(())
    }
}
