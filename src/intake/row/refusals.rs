//! Which rows say of themselves that their person must not be messaged.

use super::{RowJudge, ditto};
use crate::domain::phone::{PhoneNumber, Reading, is_label};
use crate::domain::recipient::Record;
use crate::domain::results_row::REHEARSED;
use crate::domain::text::trimmed;
use crate::intake::consent::{self, Consent, Refusal};
use crate::intake::earlier::EarlierMessages;
use crate::intake::rows::Fields;

/// The row above the one that is read, where it refuses: a mark below its words says the same.
#[derive(Default)]
pub(in crate::intake) struct Above(Option<Record>);

impl RowJudge<'_> {
    /// The numbers of people who must not be messaged that a row has, and what it says: its own, and those in a column of
    /// refused numbers. `above` is what was read of the row above it.
    pub(in crate::intake) fn refused(
        &self,
        fields: &Fields<'_>,
        row: u32,
        above: &mut Above,
    ) -> Option<(Vec<PhoneNumber>, Refusal)> {
        let own = self.refused_itself(fields, row, above);
        let aside = self.refused_aside(fields);
        match (own, aside) {
            (Some((mut numbers, refusal)), Some((others, _))) => {
                numbers.extend(others);
                Some((numbers, refusal))
            }
            (own, aside) => own.or(aside),
        }
    }

    /// The numbers of a row that says of itself that its person must not be messaged, and what it says.
    fn refused_itself(
        &self,
        fields: &Fields<'_>,
        row: u32,
        above: &mut Above,
    ) -> Option<(Vec<PhoneNumber>, Refusal)> {
        let beyond = self
            .refusal_beyond(fields)
            .or_else(|| self.refusal_of_earlier(fields));
        let upper = above.0.take();
        let repeats = upper.is_some() && fields.iter().any(|it| ditto::is_ditto(self.cell(it)));
        if self.mapping.consent.is_empty()
            && beyond.is_none()
            && !repeats
            && !self.may_refuse_elsewhere(fields)
            && !self.has_words_beside_numbers(fields)
        {
            return None;
        }
        let record = self.record(fields);
        let record = self.corrected(&record, row).unwrap_or(record);
        if let Some(says) = beyond {
            let mut numbers = self.numbers_to_refuse(&record, true);
            numbers.extend(self.number_of_earlier(fields));
            return Some((numbers, Refusal::no(says)));
        }
        let filled = upper.and_then(|upper| ditto::filled(&record, &upper));
        let consent = self.consent(filled.as_ref().unwrap_or(&record));
        let refusal = match consent {
            Consent::Refused(refusal) => Some(refusal),
            // A person is asked about the words themselves, and not about a mark below them.
            Consent::Doubtful(says) if self.consent(&record).doubt().is_none() => {
                Some(Refusal::not_understood(&says))
            }
            Consent::Given | Consent::Silent => None,
            Consent::Doubtful(_) => {
                above.0 = Some(record.clone());
                None
            }
        };
        if let Some(refusal) = refusal {
            let numbers = self.numbers_to_refuse(&record, true);
            above.0 = Some(filled.unwrap_or(record));
            return Some((numbers, refusal));
        }
        let says = self.refusal_beside_number(&record)?;
        let numbers = self.numbers_to_refuse(&record, self.refuses_all_numbers(&record));
        Some((numbers, Refusal::no(says)))
    }

    /// What a field without a column says, if that is that the person must not be messaged.
    fn refusal_beyond(&self, fields: &Fields<'_>) -> Option<String> {
        let beyond = self.file.width..fields.len().max(self.file.width);
        let mut cells = beyond.map(|index| self.cell(fields.get(index)));
        let cell = cells.find(|cell| consent::is_refusal_beside_number(cell))?;
        let shown: String = trimmed(cell).chars().take(40).collect();
        Some(format!("a field without a column says \"{shown}\""))
    }

    /// What the row of a results file says, if that is that the person must not be messaged.
    fn refusal_of_earlier(&self, fields: &Fields<'_>) -> Option<String> {
        let earlier = self.file.earlier.filter(|_| self.mapping.hears_earlier)?;
        earlier.refusal(|index| self.cell(fields.get(index)))
    }

    /// Notes the message that the row of a results file says was sent to its person, or may have been. Nobody was messaged
    /// in a rehearsal.
    pub(in crate::intake) fn note_sent(&self, fields: &Fields<'_>, into: &mut EarlierMessages) {
        let earlier = self.file.earlier.filter(|_| self.mapping.hears_earlier);
        let Some(earlier) = earlier.filter(|_| !self.file.name.contains(REHEARSED)) else {
            return;
        };
        let Some(message) = earlier.message(|index| self.cell(fields.get(index))) else {
            return;
        };
        match self.number_of_earlier(fields) {
            Some(phone) => into.insert(phone, &message),
            // A spreadsheet may have rounded it.
            None => {
                for phone in self.numbers_to_refuse(&self.record(fields), true) {
                    into.insert(phone, &message);
                }
            }
        }
    }

    /// The number that such a row was read with. A spreadsheet may have taken its plus.
    fn number_of_earlier(&self, fields: &Fields<'_>) -> Option<PhoneNumber> {
        let phone = self
            .file
            .earlier?
            .phone(|index| self.cell(fields.get(index)))?;
        let reading = Reading {
            international: true,
            ..Reading::default()
        };
        let parsed = PhoneNumber::parse(phone, reading);
        parsed.ok().map(|parsed| parsed.phone)
    }

    /// Whether a cell of a phone column may hold words: most hold a number and nothing else.
    fn has_words_beside_numbers(&self, fields: &Fields<'_>) -> bool {
        let may_be_words = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
        let cell = |index: usize| {
            let index = self.file.columns.get(index);
            index.map_or(&[][..], |index| fields.get(*index))
        };
        self.mapping.phone.iter().any(|phone| {
            let label = || {
                phone
                    .label
                    .as_ref()
                    .map_or("", |it| self.cell(cell(it.index)))
            };
            let mut bytes = cell(phone.column.index).iter();
            bytes.any(may_be_words) || !label().is_empty() && !is_label(label())
        })
    }
}
