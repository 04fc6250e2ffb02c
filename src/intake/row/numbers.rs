//! The numbers in the cells of a row, and which of them are used.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::{Candidate, Found, Refused, RowJudge};
use crate::domain::phone::{
    LineType, Mending, Numbers, Parsed, PhoneNumber, PhoneProblem, Reading, Region, Rejected,
    is_label, is_not_theirs,
};
use crate::domain::recipient::{Position, Record};
use crate::domain::text::trimmed;
use crate::intake::column::Column;
use crate::intake::consent;
use crate::intake::phones::owner::is_of_another;
use crate::intake::phones::{self, PhoneColumn};
use crate::intake::rows::Fields;
use crate::intake::settings::{NumbersPerRow, ReadFor};
use crate::intake::zeros::{self, Zeros};

impl RowJudge<'_> {
    /// The numbers that a row is to be messaged on, at least one: one, or all of them.
    pub(super) fn numbers(&self, record: &Record) -> Result<Vec<Found>, Refused> {
        match self.all_numbers(record) {
            (found, refused) if found.is_empty() => {
                Err(refused.unwrap_or((PhoneProblem::Empty.into(), String::new())))
            }
            (found, _) => {
                let mut chosen = self.chosen(found);
                let unused = self.unused_numbers(record);
                for number in &mut chosen {
                    let is_new = |it: &&PhoneNumber| {
                        **it != number.parsed.phone && !number.others.contains(*it)
                    };
                    let new: Vec<PhoneNumber> = unused.iter().filter(is_new).copied().collect();
                    number.others.extend(new);
                }
                Ok(chosen)
            }
        }
    }

    /// The numbers of the row's person that no message goes to.
    fn unused_numbers(&self, record: &Record) -> Vec<PhoneNumber> {
        let mut found = Vec::new();
        for phone in &self.mapping.unused_phones {
            self.read_cell(phone, record, &mut found, &mut None);
        }
        found.iter().map(|found| found.parsed.phone).collect()
    }

    /// The same fields with this one in the column of the numbers, the first of them if there are several.
    pub(super) fn with_number(&self, record: &Record, number: &str) -> Record {
        let phone = self.mapping.phone.first();
        let column = phone.map(|phone| phone.column.index);
        // Its label was about the number that stood there, unless it refuses.
        let label = phone.filter(|phone| refusing_label(phone, record, number).is_none());
        let label = label.and_then(|phone| Some(phone.label.as_ref()?.index));
        let owner = phone.and_then(|phone| Some(phone.owner.as_ref()?.index));
        let fields = record.iter().enumerate();
        fields
            .map(|(at, field)| match Some(at) {
                place if place == column => number,
                place if place == label || place == owner => "",
                _ => field,
            })
            .collect()
    }

    /// The numbers in the phone columns of a row, and why others were refused.
    pub(super) fn all_numbers(&self, record: &Record) -> (Vec<Found>, Option<Refused>) {
        let mut found: Vec<Found> = Vec::new();
        let mut refused: Option<Refused> = None;
        for phone in &self.mapping.phone {
            self.read_cell(phone, record, &mut found, &mut refused);
        }
        (found, refused)
    }

    /// What a cell with a number says beside it, if that is that the number must not be messaged.
    pub(super) fn refusal_beside_number(&self, record: &Record) -> Option<String> {
        let refusing = self.cell_that_refuses(record)?;
        let shown: String = trimmed(refusing.says).chars().take(40).collect();
        Some(format!("\"{}\" says \"{shown}\"", refusing.column.name))
    }

    /// The first phone cell with words by which its number must not be messaged, in it or as its label.
    pub(super) fn cell_that_refuses<'r>(&self, record: &'r Record) -> Option<Refusing<'_, 'r>> {
        self.phone_cells(record).find_map(|(phone, typed)| {
            let own = consent::is_refusal_beside_number(typed).then_some((&phone.column, typed));
            let (column, says) = own.or_else(|| refusing_label(phone, record, typed))?;
            Some(Refusing {
                column,
                says,
                typed,
            })
        })
    }

    /// Whether a phone cell refuses for the person, not for its own number alone.
    pub(super) fn refuses_all_numbers(&self, record: &Record) -> bool {
        let refuses =
            |cell| consent::is_refusal_beside_number(cell) && !consent::is_about_number_alone(cell);
        self.phone_cells(record).any(|(phone, cell)| {
            let label = refusing_label(phone, record, cell);
            refuses(cell) || label.is_some_and(|(_, says)| !consent::is_about_number_alone(says))
        })
    }

    fn phone_cells<'r>(&self, record: &'r Record) -> impl Iterator<Item = (&PhoneColumn, &'r str)> {
        let columns = self.mapping.phone.iter();
        columns.map(|phone| (phone, record.get(phone.column.index).unwrap_or("")))
    }

    /// The numbers that must not be messaged where a row refuses: those beside words, and all others where it does so for
    /// its person.
    pub(super) fn numbers_to_refuse(&self, record: &Record, for_person: bool) -> Vec<PhoneNumber> {
        let mut numbers = self.numbers_beside_words(record);
        if for_person {
            let (found, refused) = self.all_numbers(record);
            numbers.extend(found.iter().map(|found| found.parsed.phone));
            let refused = refused.map(|(rejected, _)| rejected.problem.readings());
            numbers.extend(refused.into_iter().flatten());
            numbers.extend(self.unused_numbers(record));
        }
        let mut known = HashSet::new();
        numbers.retain(|phone| known.insert(*phone));
        numbers
    }

    /// The numbers of cells with words beside them. They are read more boldly than where a message would go to them.
    fn numbers_beside_words(&self, record: &Record) -> Vec<PhoneNumber> {
        let mut numbers = Vec::new();
        for (phone, cell) in self.phone_cells(record) {
            let says_more =
                cell.contains(char::is_alphabetic) || consent::is_refusal_beside_number(cell);
            if !says_more && refusing_label(phone, record, cell).is_none() {
                continue;
            }
            let (region, reading) = self.how_to_read(phone, record);
            let reading = Reading {
                region: region.unwrap_or(None),
                ..reading
            };
            for part in parts_with_digits(cell) {
                match PhoneNumber::parse_all(part, reading) {
                    Ok(read) => numbers.extend(read.iter().map(|it| it.phone)),
                    Err(rejected) => numbers.extend(rejected.problem.readings()),
                }
            }
        }
        numbers
    }

    /// One candidate for each number that can be read in a row of people who must not be messaged; false if there is none.
    pub(super) fn candidates_to_suppress(
        &self,
        fields: &Fields<'_>,
        position: Position,
        into: &mut Vec<Candidate>,
    ) -> bool {
        // Too few fields: what was taken for the header may be none.
        if fields.len() < self.file.width {
            return false;
        }
        let record = self.record(fields);
        let corrected = self.corrected(&record, position.row.get());
        let read = corrected.as_ref().unwrap_or(&record);
        let beyond = self.file.width..fields.len().max(self.file.width);
        let beyond: Vec<&str> = beyond.map(|at| self.cell(fields.get(at))).collect();
        let found = self.numbers_to_suppress(read, &beyond);
        let is_any = !found.is_empty();
        for found in found {
            into.push(self.accept(record.clone(), read, found, position));
        }
        is_any
    }

    /// All numbers that can be read in the phone cells of a row, and in its fields without a column, whatever stands beside
    /// them. None of them is too many on a list of people who must not be messaged.
    fn numbers_to_suppress(&self, record: &Record, beyond: &[&str]) -> Vec<Found> {
        let mut found = Vec::new();
        for (phone, cell) in self.phone_cells(record) {
            let before = found.len();
            self.read_cell(phone, record, &mut found, &mut None);
            // A cell of one part that was read says no more when that part is read.
            if found.len() == before || !parts_with_digits(cell).eq([cell]) {
                self.read_parts(phone, record, cell, &mut found);
            }
        }
        if let Some(first) = self.mapping.phone.first() {
            for cell in beyond {
                self.read_parts(first, record, cell, &mut found);
            }
        }
        self.chosen(found)
    }

    /// Reads all numbers of a cell, whatever stands between them.
    pub(super) fn read_parts(
        &self,
        phone: &PhoneColumn,
        record: &Record,
        cell: &str,
        found: &mut Vec<Found>,
    ) {
        let (region, reading) = self.how_to_read(phone, record);
        let reading = Reading {
            region: region.unwrap_or(None),
            ..reading
        };
        let numbers = parts_with_digits(cell).flat_map(|part| all_numbers_in(part, reading));
        found.extend(numbers.map(|parsed| Found {
            parsed,
            typed: cell.to_owned(),
            is_mobile: false,
            overrides_region: false,
            others: Vec::new(),
        }));
    }

    /// How the numbers of a column are read in a row.
    fn how_to_read(
        &self,
        phone: &PhoneColumn,
        record: &Record,
    ) -> (Result<Option<Region>, ()>, Reading) {
        // The code in the header of the numbers is nearer to them than any other column.
        let region = phone
            .region
            .map_or_else(|| self.region(record), |own| Ok(Some(own)));
        let mut reading = self.reading(record);
        reading.international = self.mapping.international || phone.international;
        reading.row_names_region |= phone.region.is_some();
        (region, reading)
    }

    fn read_cell(
        &self,
        phone: &PhoneColumn,
        record: &Record,
        found: &mut Vec<Found>,
        refused: &mut Option<Refused>,
    ) {
        let typed = record.get(phone.column.index).unwrap_or("");
        let label = phone.label.as_ref().and_then(|it| record.get(it.index));
        let owner = phone.owner.as_ref().and_then(|it| record.get(it.index));
        let against = if consent::is_refusal_beside_number(typed)
            || refusing_label(phone, record, typed).is_some()
        {
            Some(PhoneProblem::SaysNo)
        } else if trimmed(typed).is_empty() || self.mapping.read_for != ReadFor::Messages {
            None
        } else if label.is_some_and(phones::is_no_line) {
            Some(PhoneProblem::Fax)
        } else if label.is_some_and(is_not_theirs) || owner.is_some_and(is_of_another) {
            Some(PhoneProblem::NotTheirs)
        } else {
            None
        };
        if let Some(problem) = against {
            refuse(refused, problem.into(), typed);
            return;
        }
        let (region, reading) = self.how_to_read(phone, record);
        let named_mobile = label.map_or(phone.is_mobile, phones::is_mobile);
        // Google writes the numbers of one label with `:::` between them.
        for part in typed.split(":::") {
            let numbers = match cell(part, region, reading) {
                Ok(numbers) => numbers,
                Err(rejected) => {
                    let rejected = self.beside_names(rejected, record, part, region, reading);
                    refuse(refused, rejected, typed);
                    continue;
                }
            };
            for parsed in numbers.iter() {
                if let Some(rejected) = self.lacks_zero(parsed, part, region, reading) {
                    refuse(refused, rejected, typed);
                    continue;
                }
                let row_country = reading.row_names_region || parsed.mended.has(Mending::COUNTRY);
                let overrides_region = row_country && self.overrides_region(parsed.phone, part);
                if self.reaches_a_person(parsed.line_type) {
                    let is_mobile = named_mobile && parsed.line_type.may_be_mobile();
                    let typed = typed.to_owned();
                    found.push(Found {
                        parsed,
                        typed,
                        is_mobile,
                        overrides_region,
                        others: Vec::new(),
                    });
                } else {
                    refuse(
                        refused,
                        PhoneProblem::NotAPerson(parsed.line_type).into(),
                        typed,
                    );
                }
            }
        }
    }

    /// Why a fixed line is not taken that has no zero, where the others of the list have theirs.
    fn lacks_zero(
        &self,
        parsed: Parsed,
        cell: &str,
        region: Result<Option<Region>, ()>,
        reading: Reading,
    ) -> Option<Rejected> {
        let region = region.ok()??;
        let may_lack = self.mapping.zeros == Zeros::Kept && !reading.row_names_region;
        (may_lack && zeros::is_missing(cell, parsed, region)).then(|| Rejected {
            problem: PhoneProblem::NoZero,
            suggestion: Some(parsed.phone.e164()),
        })
    }

    /// Suggests the number of a cell where nothing stands beside it but the names of the row.
    fn beside_names(
        &self,
        rejected: Rejected,
        record: &Record,
        cell: &str,
        region: Result<Option<Region>, ()>,
        reading: Reading,
    ) -> Rejected {
        if rejected.problem != PhoneProblem::Letters || rejected.suggestion.is_some() {
            return rejected;
        }
        let columns = [&self.mapping.first_name, &self.mapping.last_name];
        let columns = columns.into_iter().flatten();
        let names: Vec<&str> = columns
            .filter_map(|column| record.get(column.index))
            .collect();
        let region = region.unwrap_or(None);
        let suggestion = PhoneNumber::beside_names(cell, &names, Reading { region, ..reading });
        Rejected {
            suggestion,
            ..rejected
        }
    }

    fn reaches_a_person(&self, line: LineType) -> bool {
        line.service().is_none() || self.mapping.line_types.contains(&line)
    }

    fn chosen(&self, mut found: Vec<Found>) -> Vec<Found> {
        match self.mapping.numbers {
            NumbersPerRow::One => {
                if self.mapping.prefer_mobile() {
                    // The sort is stable: among equals the first number counts.
                    found.sort_by_key(|found| Reverse(mobile_rank(found)));
                }
                let others = found.split_off(found.len().min(1));
                if let Some(first) = found.first_mut() {
                    let mut known = HashSet::from([first.parsed.phone]);
                    let others = others.iter().map(|found| found.parsed.phone);
                    first.others = others.filter(|phone| known.insert(*phone)).collect();
                }
            }
            NumbersPerRow::All => {
                let mut known = HashSet::new();
                found.retain_mut(|Found { parsed, .. }| {
                    // With all numbers of a cell used, none was chosen among several.
                    parsed.mended = parsed.mended.without(Mending::SEVERAL);
                    known.insert(parsed.phone)
                });
            }
        }
        found
    }
}

/// A phone cell by which a number must not be messaged.
pub(super) struct Refusing<'m, 'r> {
    /// The column with the words.
    column: &'m Column,
    says: &'r str,
    /// The cell with the number.
    pub(super) typed: &'r str,
}

/// The label of a number by which it must not be messaged: `nevolat`. Most labels name a line and nothing else.
fn refusing_label<'m, 'r>(
    phone: &'m PhoneColumn,
    record: &'r Record,
    typed: &str,
) -> Option<(&'m Column, &'r str)> {
    let column = phone.label.as_ref().filter(|_| !typed.is_empty())?;
    let label = record.get(column.index)?;
    let refuses = !is_label(label) && consent::is_refusal_beside_number(label);
    refuses.then_some((column, label))
}

fn cell(
    typed: &str,
    region: Result<Option<Region>, ()>,
    reading: Reading,
) -> Result<Numbers, Rejected> {
    let reading = Reading {
        region: region.unwrap_or(None),
        ..reading
    };
    let numbers = PhoneNumber::parse_all(typed, reading);
    numbers.map_err(|mut rejected| {
        // The cell would have been fine with a country, and the row names one that does not exist.
        if rejected.problem == PhoneProblem::NeedsRegion && region.is_err() {
            rejected.problem = PhoneProblem::UnknownRegion;
        }
        rejected
    })
}

/// The parts of a cell that may be numbers, without the words between them.
fn parts_with_digits(cell: &str) -> impl Iterator<Item = &str> {
    let parts = cell.split(|c: char| !(c.is_ascii_digit() || " +-./()\u{a0}".contains(c)));
    let parts = parts.filter(|part| part.contains(|c: char| c.is_ascii_digit()));
    parts.map(|part| part.trim_matches([' ', '-', '.', '/', '\u{a0}']))
}

/// The numbers of a text with nothing between them but a space: `602333005 602333006`. What belongs to none of them, as an
/// extension, is left out.
fn all_numbers_in(text: &str, reading: Reading) -> Vec<Parsed> {
    if let Ok(numbers) = PhoneNumber::parse_all(text, reading) {
        return numbers.iter().collect();
    }
    let bare = text.replace(['(', ')'], " ");
    let groups: Vec<&str> = bare.split_whitespace().take(MOST_GROUPS).collect();
    let (mut numbers, mut at) = (Vec::new(), 0);
    while at < groups.len() {
        let mut ends = (at + 1..=groups.len()).rev();
        let read = ends.find_map(|end| {
            let part = groups.get(at..end)?.join(" ");
            let read = PhoneNumber::parse_all(&part, reading).ok()?;
            Some((end, read))
        });
        match read {
            Some((end, read)) => {
                numbers.extend(read.iter());
                at = end;
            }
            None => at += 1,
        }
    }
    numbers
}

/// So many groups of digits of a cell are looked at.
const MOST_GROUPS: usize = 24;

/// Keeps the first real reason: an empty second column explains nothing.
fn refuse(refused: &mut Option<Refused>, rejected: Rejected, typed: &str) {
    let replaces = refused.as_ref().is_none_or(|(known, _)| {
        known.problem == PhoneProblem::Empty && rejected.problem != PhoneProblem::Empty
    });
    if replaces {
        *refused = Some((rejected, typed.to_owned()));
    }
}

/// How much a number is preferred where mobiles go first: the numbering plan knows most mobiles, and a label
/// names those that it does not know.
fn mobile_rank(found: &Found) -> (bool, u8) {
    let line = found.parsed.line_type;
    let by_plan = u8::from(line == LineType::Mobile) + u8::from(line.may_be_mobile());
    (found.is_mobile, by_plan)
}
