//! One row, judged on its own: everything that does not need to know the other rows.

mod aside;
mod continued;
mod ditto;
mod headings;
mod moved;
mod numbers;
mod refusals;

pub(super) use continued::Refuser;
pub(super) use headings::{CountryHeading, HeadedByCountry};

use std::collections::BTreeSet;
use std::hash::BuildHasher as _;

use super::column::Column;
use super::consent::{self, Consent};
use super::contact_id;
use super::corrections::Corrections;
use super::country::{self, RowCountry};
use super::earlier::EarlierMessages;
use super::file::FileInput;
use super::mapping::Mapping;
use super::notes;
use super::rows::Fields;
use super::rules::{Judge, Unsendable};
use super::settings::{NumbersPerRow, ReadFor};
use super::words::TITLES;
use crate::domain::content::Rendered;
use crate::domain::fold;
use crate::domain::phone::{Parsed, PhoneNumber, PhoneProblem, Reading, Region, Rejected};
use crate::domain::recipient::{
    Accepted, JudgedRow, Mends, Position, Record, RowProblem, Suppression, Verdict,
};
use crate::domain::spreadsheet::unguard;
use crate::domain::text::trimmed;

/// A row before its number is compared with those of the rows before it.
pub(super) struct Candidate {
    /// A row with a number is queued so far.
    pub(super) row: JudgedRow,
    /// The number; `None` if the row is invalid.
    pub(super) number: Option<Number>,
    /// It is a note or a total, if no contact stands below it.
    pub(super) may_be_note: Option<String>,
    /// It says that the people in the rows below it must not be messaged.
    pub(super) heads_refusals: Option<String>,
    /// It names the country of the people in the rows below it.
    pub(super) heads_country: Option<CountryHeading>,
}

/// The number of a valid row, and what is known about it.
pub(super) struct Number {
    pub(super) parsed: Parsed,
    pub(super) region: Option<Region>,
    pub(super) suppressed: Option<Suppression>,
    /// The other numbers of the row, if only one of them is messaged: they are of the same person.
    pub(super) others: Vec<PhoneNumber>,
    /// The list names another country than `--region`, and the number is read by the list's.
    pub(super) overrides_region: bool,
    /// Its columns of consent are empty.
    pub(super) silent_on_consent: bool,
    /// A remark that may mean that the person must not be messaged.
    pub(super) doubt: Option<String>,
    /// A bit for each column of answers that are taken for nothing: whether it says "no".
    pub(super) unused_answers: u64,
    /// A hash of the person's name, 0 if there is none.
    pub(super) name: u16,
}

/// What all rows of one file are judged by.
pub(super) struct RowJudge<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) corrections: &'a Corrections,
    pub(super) file: &'a FileInput,
    pub(super) judge: &'a Judge<'a>,
    /// The messages that the list itself says were sent.
    pub(super) sent: &'a EarlierMessages,
}

pub(super) use refusals::Above;

/// A number that was found in a cell.
struct Found {
    parsed: Parsed,
    /// The text of the cell.
    typed: String,
    /// Its label or header says that it is a mobile.
    is_mobile: bool,
    /// The list names another country than `--region`, and the number is read by the list's.
    overrides_region: bool,
    /// The other numbers of the row, where only this one is messaged.
    others: Vec<PhoneNumber>,
}

/// Why a cell was refused, and its text.
type Refused = (Rejected, String);

impl RowJudge<'_> {
    /// Judges one row: appends one candidate, or one for each number with `--all-numbers`.
    pub(super) fn judge(&self, fields: &Fields<'_>, position: Position, into: &mut Vec<Candidate>) {
        let before = into.len();
        self.candidates(fields, position, into);
        if let Some([candidate]) = into.get_mut(before..)
            && candidate.number.is_none()
        {
            candidate.may_be_note = notes::note(fields, self.file.width);
            if self.mapping.read_for != ReadFor::SuppressionList {
                candidate.heads_refusals = self.heading_of_refusals(fields);
                candidate.heads_country = self.heading_of_country(fields);
            }
        }
        let mends = self.file.mends.map(|index| self.cell(fields.get(index)));
        if let Some(mends) = mends.and_then(|text| text.parse::<Mends>().ok()) {
            for candidate in into.iter_mut().skip(before) {
                candidate.row.mends = Some(mends.clone());
            }
        }
    }

    fn candidates(&self, fields: &Fields<'_>, position: Position, into: &mut Vec<Candidate>) {
        let width = self.file.width;
        if self.mapping.read_for != ReadFor::Messages
            && self.candidates_to_suppress(fields, position, into)
        {
            return;
        }
        if fields.len() < width || fields.goes_beyond(width) {
            into.push(self.uneven(fields, position));
            return;
        }
        let record = self.record(fields);
        let corrected = self.corrected(&record, position.row.get());
        let read = corrected.as_ref().unwrap_or(&record);
        match self.numbers(read) {
            // The words beside another number of the row may be for all of them.
            Ok(_) if self.mapping.phone.len() > 1 && self.refuses_all_numbers(read) => {
                self.says_no(&record, read, position, into);
            }
            Ok(numbers) => {
                for found in numbers {
                    into.push(self.accept(record.clone(), read, found, position));
                }
            }
            Err((rejected, _)) if rejected.problem == PhoneProblem::SaysNo => {
                self.says_no(&record, read, position, into);
            }
            Err((rejected, typed)) => {
                let problem = RowProblem::Phone(rejected.problem);
                into.push(invalid(
                    position,
                    record,
                    typed,
                    problem,
                    rejected.suggestion,
                    None,
                ));
            }
        }
    }

    /// What a row says that is the heading above people who must not be messaged, and nothing else. Below a remark it may be
    /// about the person above: that is for a person to say, too.
    fn heading_of_refusals(&self, fields: &Fields<'_>) -> Option<String> {
        // In a status of its own such a word is about its row: of an erased person no more may be left.
        let own = self.mapping.consent.iter().filter(|it| !it.is_of_remarks());
        let own = own.map(|it| it.column.index);
        let is_about_row = |at: usize| {
            let mut columns = own.clone();
            columns.any(|index| self.file.columns.get(index) == Some(&at))
        };
        let cells = fields.iter().map(|cell| trimmed(self.cell(cell)));
        let mut filled = cells.enumerate().filter(|(_, cell)| !cell.is_empty());
        let (at, heading) = filled.next()?;
        // One cell, or cells that are merged.
        let is_heading = filled.all(|(_, cell)| cell == heading)
            && !is_about_row(at)
            && (consent::names_refusals_in_any_cell(heading)
                || self.may_head_refusals(at, heading));
        is_heading.then(|| heading.to_owned())
    }

    /// What a row without a number says of codes, if that is who may be messaged, and no column is read so. Other cells it has
    /// none, and no more digits than a note.
    pub(super) fn explanation_of_codes(&self, fields: &Fields<'_>) -> Option<String> {
        let cells = fields.iter().map(|cell| trimmed(self.cell(cell)));
        let cells = cells.filter(|cell| !cell.is_empty());
        let mut cells: Vec<&str> = cells.take(MOST_CELLS_OF_LINE + 1).collect();
        // Cells that are merged.
        cells.dedup();
        let line = match cells[..] {
            [line] => line.to_owned(),
            // A letter may be a name.
            [code, means]
                if !code.contains(char::is_alphabetic) || self.mapping.seen.has_code(code) =>
            {
                format!("{code}: {means}")
            }
            [first, ..] if cells.len() <= MOST_CELLS_OF_LINE && consent::names_mark(first) => {
                cells.join(", ")
            }
            _ => return None,
        };
        let is_read = self.mapping.read_for == ReadFor::Messages && notes::digits(&line) < 6;
        (is_read && consent::explains_codes(&line, &self.mapping.consent)).then_some(line)
    }

    /// What a row without a number says in one cell, or in cells that are merged, if that is that people of other rows must not
    /// be messaged.
    pub(super) fn refusal_of_some(&self, fields: &Fields<'_>) -> Option<String> {
        if self.mapping.read_for != ReadFor::Messages {
            return None;
        }
        let cells = fields.iter().map(|cell| trimmed(self.cell(cell)));
        let mut cells = cells.filter(|cell| !cell.is_empty());
        let line = cells.next()?;
        let is_line = cells.all(|cell| cell == line);
        (is_line && self.mapping.seen.is_refusal_of_some(line)).then(|| line.to_owned())
    }

    /// Whether a row has no number because it names columns, otherwise than the header of the file.
    pub(super) fn is_other_header(&self, fields: &Fields<'_>) -> bool {
        let phones = self.mapping.phone.iter();
        let phones = phones.filter_map(|it| self.file.columns.get(it.column.index));
        let has_phone = phones.clone().any(|at| !fields.get(*at).is_empty());
        let ours = |at: &usize| *at < self.file.width && !self.file.columns.contains(at);
        let cells = (0..fields.len()).filter(|at| !ours(at));
        let cells = cells.map(|at| (at, trimmed(self.cell(fields.get(at)))));
        self.file.header.is_other(cells, has_phone)
    }

    /// What the columns of a row say of its person.
    fn consent(&self, record: &Record) -> Consent {
        let cell = |index| {
            let cell = record.get(index);
            cell.filter(|cell| !self.is_number_aside(index, cell))
        };
        let elsewhere = self.mapping.elsewhere.iter();
        let elsewhere = elsewhere.filter(|it| {
            let cell = cell(it.column.index);
            cell.is_some_and(|cell| it.may_refuse(cell.as_bytes()))
        });
        consent::of_row(&self.mapping.consent, elsewhere, cell, self.judge.now)
    }

    /// Whether a column that is about something else has a cell to look at: most rows have none.
    fn may_refuse_elsewhere(&self, fields: &Fields<'_>) -> bool {
        self.mapping.elsewhere.iter().any(|it| {
            let index = self.file.columns.get(it.column.index);
            index.is_some_and(|index| it.may_refuse(fields.get(*index)))
        })
    }

    /// The fields of a row, in the order of the first file.
    fn record(&self, fields: &Fields<'_>) -> Record {
        let columns = self.file.columns.iter();
        columns.map(|index| self.cell(fields.get(*index))).collect()
    }

    /// The same with the number that a person gave the row instead of its own; `None` if nobody did. The row is read
    /// and rendered with it, and kept as it is: what stood there besides the number is not lost.
    fn corrected(&self, record: &Record, row: u32) -> Option<Record> {
        if self.corrections.is_empty() {
            return None;
        }
        if let Some(number) = self.corrections.of_row(row) {
            return Some(self.with_number(record, number));
        }
        let (rejected, _) = self.numbers(record).err()?;
        let number = self.corrections.accepted(&rejected)?;
        Some(self.with_number(record, number))
    }

    /// A row that says beside a number that it must not be messaged: no message goes to it, and its numbers are kept, so
    /// that it wins over other rows.
    fn says_no(
        &self,
        record: &Record,
        read: &Record,
        position: Position,
        into: &mut Vec<Candidate>,
    ) {
        let typed = self.cell_that_refuses(read).map_or("", |it| it.typed);
        let numbers = self.numbers_to_refuse(read, self.refuses_all_numbers(read));
        let most = match self.mapping.numbers {
            NumbersPerRow::One => 1,
            NumbersPerRow::All => numbers.len().max(1),
        };
        let numbers = numbers.into_iter().map(Some).chain([None]);
        for phone in numbers.take(most) {
            let problem = RowProblem::Phone(PhoneProblem::SaysNo);
            let (record, typed) = (record.clone(), typed.to_owned());
            into.push(invalid(position, record, typed, problem, None, phone));
        }
    }

    /// A row of uneven length keeps all its fields: the person who mends it must see them.
    fn uneven(&self, fields: &Fields<'_>, position: Position) -> Candidate {
        let width = self.file.width;
        let columns = self.file.columns.iter().copied();
        let known = columns.filter(|index| *index < fields.len());
        let beyond = width..fields.len().max(width);
        let record: Record = known
            .chain(beyond)
            .map(|index| self.cell(fields.get(index)))
            .collect();
        let phone = self.mapping.phone.first();
        let typed = phone.and_then(|phone| record.get(phone.column.index));
        let typed = typed.unwrap_or("").to_owned();
        let problem = RowProblem::UnevenLength {
            expected: width,
            found: fields.len(),
        };
        invalid(position, record, typed, problem, None, None)
    }

    /// The row with one of its numbers; `read` is it with the number that a person gave it.
    fn accept(&self, record: Record, read: &Record, found: Found, position: Position) -> Candidate {
        let Found {
            parsed,
            typed,
            others,
            overrides_region,
            ..
        } = found;
        let Parsed { phone, mended, .. } = parsed;
        let refused =
            |record, typed, problem| invalid(position, record, typed, problem, None, Some(phone));
        let contact_id = match self.contact_id(&record, phone) {
            Ok(contact_id) => contact_id,
            Err(problem) => return refused(record, typed, problem),
        };
        let (content, repeated) = match self.content(read, phone) {
            Ok(content) => content,
            Err(problem) => return refused(record, typed, problem),
        };
        let cell = |column: &Option<Column>| {
            let text = trimmed(record.get(column.as_ref()?.index)?);
            (!text.is_empty()).then(|| text.to_owned())
        };
        let first_name = cell(&self.mapping.first_name);
        let last_name = cell(&self.mapping.last_name);
        let answer = self.consent(&record);
        let suppressed = (self.judge.suppressed)(phone).or(repeated);
        let number = Number {
            parsed,
            region: phone.region(),
            suppressed: suppressed.or_else(|| self.by_other_number(&others, content.as_ref())),
            others,
            silent_on_consent: answer == Consent::Silent,
            doubt: answer.doubt(),
            unused_answers: consent::noes_in(&self.mapping.unused_answers, |at| record.get(at)),
            overrides_region,
            name: name_hash(first_name.as_deref(), last_name.as_deref()),
        };
        let verdict = Verdict::Queued(Accepted {
            phone,
            mended: (!mended.is_none()).then(|| mended.to_string()),
            first_name,
            last_name,
            contact_id,
            content,
        });
        Candidate {
            row: JudgedRow {
                position,
                mends: None,
                record,
                typed,
                verdict,
            },
            number: Some(number),
            may_be_note: None,
            heads_refusals: None,
            heads_country: None,
        }
    }

    /// The row's message, and why it is not sent to its person.
    fn content(
        &self,
        read: &Record,
        phone: PhoneNumber,
    ) -> Result<(Option<Rendered>, Option<Suppression>), RowProblem> {
        let render = self.judge.render;
        let rendered = render.map(|render| render(read, phone, self.sent));
        match rendered.transpose() {
            Ok(content) => Ok((content, None)),
            Err(Unsendable::Suppressed(cause)) => Ok((None, Some(cause))),
            Err(Unsendable::Segments(message)) => Err(RowProblem::Segments { message }),
            Err(Unsendable::Problem(message)) => Err(RowProblem::Content { message }),
        }
    }

    /// Why the person must not be messaged by another number of the row.
    fn by_other_number(
        &self,
        others: &[PhoneNumber],
        content: Option<&Rendered>,
    ) -> Option<Suppression> {
        others.iter().find_map(|phone| {
            let cause = (self.judge.by_other_number)(*phone, content, self.sent)?;
            Some(Suppression::OtherNumber {
                phone: *phone,
                cause: Box::new(cause),
            })
        })
    }

    /// The text of a cell; in a file that we wrote, without the guard against formulas.
    fn cell<'f>(&self, bytes: &'f [u8]) -> &'f str {
        let text = text(bytes);
        if self.file.guarded {
            unguard(text)
        } else {
            text
        }
    }

    /// How the row's numbers without a plus are read, but for its country.
    fn reading(&self, record: &Record) -> Reading {
        Reading {
            region: None,
            row_names_region: self.row_country(record) != RowCountry::Nothing,
            international: self.mapping.international,
        }
    }

    /// The country that the row itself names.
    fn row_country(&self, record: &Record) -> RowCountry {
        country::of_row(&self.mapping.region, |index| record.get(index))
    }

    /// The country of the row: its own, else the default. `Err` where the row's own is not understood.
    fn region(&self, record: &Record) -> Result<Option<Region>, ()> {
        match self.row_country(record) {
            RowCountry::Nothing => Ok(self.mapping.default_region),
            RowCountry::Country(region) => Ok(Some(region)),
            RowCountry::NotUnderstood => Err(()),
        }
    }

    /// Whether a number that is read by the country that the list names is none of the one that is set for it.
    fn overrides_region(&self, phone: PhoneNumber, typed: &str) -> bool {
        let code = |region: Region| region.calling_code();
        let default = self.mapping.default_region.and_then(code);
        let has_own_code = typed.contains('+') || trimmed(typed).starts_with("00");
        default.is_some() && phone.region().and_then(code) != default && !has_own_code
    }

    /// The row's contact id, where the user named a column for it.
    fn contact_id(
        &self,
        record: &Record,
        phone: PhoneNumber,
    ) -> Result<Option<String>, RowProblem> {
        let column = self.mapping.contact_id.as_ref();
        let cell = column.and_then(|column| record.get(column.index));
        let id = match cell.map_or("", trimmed) {
            "" => return Ok(None),
            id => id,
        };
        let id = contact_id::canonical(id);
        if contact_id::is_rounded(&id) {
            return Err(RowProblem::RoundedContactId { id });
        }
        if (self.judge.of_another)(&id, phone) {
            return Err(RowProblem::ContactIdOfAnother { id });
        }
        Ok(Some(id))
    }
}

/// A line beside the table has at most so many cells.
const MOST_CELLS_OF_LINE: usize = 4;

fn invalid(
    position: Position,
    record: Record,
    typed: String,
    problem: RowProblem,
    suggestion: Option<String>,
    phone: Option<PhoneNumber>,
) -> Candidate {
    Candidate {
        row: JudgedRow {
            position,
            mends: None,
            record,
            typed,
            verdict: Verdict::Invalid {
                problem,
                suggestion,
                phone,
            },
        },
        number: None,
        may_be_note: None,
        heads_refusals: None,
        heads_country: None,
    }
}

/// The bytes were checked to be UTF-8 when the file was examined; a file that has changed since is
/// refused at its end.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("\u{fffd}")
}

/// Distinguishes people who share a number from one person who is twice in the list, whatever the order of the words of the
/// name and the marks on its letters.
fn name_hash(first: Option<&str>, last: Option<&str>) -> u16 {
    let folded = [first, last].map(|part| fold::header(part.unwrap_or("")));
    let words = folded
        .iter()
        .flat_map(|it| it.split(|c: char| !c.is_alphanumeric()));
    let words: BTreeSet<&str> = words
        .filter(|word| !word.is_empty() && !TITLES.has(word))
        .collect();
    if words.is_empty() {
        return 0;
    }
    let hash = foldhash::fast::FixedState::default().hash_one(&words);
    let [low, high, ..] = hash.to_le_bytes();
    u16::from_le_bytes([low, high]).max(1)
}

#[cfg(test)]
mod tests {
    use super::name_hash;

    #[test]
    fn a_name_is_the_same_in_whatever_order_with_or_without_titles_and_marks() {
        let hash = |(first, last)| name_hash(Some(first), Some(last));
        let jana = hash(("Jana", "Nováková"));
        for same in [
            ("JANA", "NOVÁKOVÁ"),
            ("Jana", "Novakova"),
            ("Nováková", "Jana"),
            ("Mgr. Jana", "Nováková, Ph.D."),
            ("Jana Nováková", ""),
        ] {
            assert_eq!(hash(same), jana, "{same:?}");
        }
        for other in [("Petr", "Novák"), ("Jana", "Dvořáková"), ("Ann", "e")] {
            assert_ne!(hash(other), jana, "{other:?}");
        }
        assert_ne!(hash(("Ann", "e")), hash(("Anne", "")));
        for none in [("", ""), ("Mgr.", "")] {
            assert_eq!(hash(none), 0, "{none:?}");
        }
        assert_eq!(name_hash(None, None), 0);
    }
}
