//! One row, judged on its own: everything that does not need to know the other rows.

use super::columns::{Column, Mapping};
use super::judge::{Judge, Unsendable};
use super::rows::Fields;
use super::settings::{NumbersPerRow, Prefer};
use crate::domain::phone::{Mending, Numbers, Parsed, PhoneNumber, PhoneProblem, Region, Rejected};
use crate::domain::recipient::{
    Accepted, JudgedRow, Position, Record, RowProblem, Suppression, Verdict,
};

/// A row before duplicates are known.
pub(super) struct Looked {
    pub(super) row: JudgedRow,
    pub(super) parsed: Option<Parsed>,
    pub(super) region: Option<Region>,
    pub(super) suppressed: Option<Suppression>,
    /// A hash of the person's name, 0 if there is none.
    pub(super) name: u16,
}

/// What the columns of one file look like.
pub(super) struct Shape<'a> {
    pub(super) mapping: &'a Mapping,
    /// For each of our columns its index in this file.
    pub(super) columns: &'a [usize],
    /// Fields in the file's header.
    pub(super) width: usize,
}

/// Looks at a row and hands over one answer, or one for each number with `--all-numbers`.
pub(super) fn look(
    fields: &Fields<'_>,
    position: Position,
    shape: &Shape<'_>,
    judge: &Judge<'_>,
    into: &mut Vec<Looked>,
) {
    // Empty fields behind the last column say nothing: many programs write them.
    let surplus = (shape.width..fields.len()).any(|index| !fields.get(index).is_empty());
    if fields.len() < shape.width || surplus {
        into.push(uneven(fields, position, shape));
        return;
    }
    let record: Record = shape
        .columns
        .iter()
        .map(|index| text(fields.get(*index)))
        .collect();
    match numbers(&record, shape.mapping) {
        Ok(numbers) => {
            let last = numbers.len().saturating_sub(1);
            let mut record = Some(record);
            for (index, (parsed, typed)) in numbers.into_iter().enumerate() {
                let record = if index == last {
                    record.take()
                } else {
                    record.clone()
                };
                into.push(accept(
                    record.unwrap_or_default(),
                    typed,
                    parsed,
                    position,
                    shape.mapping,
                    judge,
                ));
            }
        }
        Err((rejected, typed)) => {
            let problem = RowProblem::Phone(rejected.problem);
            into.push(invalid(
                position,
                record,
                typed,
                problem,
                rejected.suggestion,
            ));
        }
    }
}

fn invalid(
    position: Position,
    record: Record,
    typed: String,
    problem: RowProblem,
    suggestion: Option<String>,
) -> Looked {
    let row = JudgedRow {
        position,
        record,
        typed,
        verdict: Verdict::Invalid {
            problem,
            suggestion,
        },
    };
    Looked {
        row,
        parsed: None,
        region: None,
        suppressed: None,
        name: 0,
    }
}

/// A row of uneven length keeps all its fields: who mends it must see them.
fn uneven(fields: &Fields<'_>, position: Position, shape: &Shape<'_>) -> Looked {
    let known = shape
        .columns
        .iter()
        .copied()
        .filter(|index| *index < fields.len());
    let beyond = shape.width..fields.len().max(shape.width);
    let record: Record = known
        .chain(beyond)
        .map(|index| text(fields.get(index)))
        .collect();
    let typed = shape
        .mapping
        .phone
        .first()
        .and_then(|column| record.get(column.index))
        .unwrap_or("");
    let typed = typed.to_owned();
    let problem = RowProblem::UnevenLength {
        expected: shape.width,
        found: fields.len(),
    };
    invalid(position, record, typed, problem, None)
}

/// The bytes were checked to be UTF-8 when the file was examined; a file that has changed since is
/// refused at its end.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("\u{fffd}")
}

fn accept(
    record: Record,
    typed: String,
    parsed: Parsed,
    position: Position,
    mapping: &Mapping,
    judge: &Judge<'_>,
) -> Looked {
    let cell = |column: &Option<Column>| {
        let text = record.get(column.as_ref()?.index)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let content = judge
        .render
        .map(|render| render(&record, position, parsed.phone))
        .transpose();
    let (first_name, last_name) = (cell(&mapping.first_name), cell(&mapping.last_name));
    let name = name_hash(first_name.as_deref(), last_name.as_deref());
    let mut repeated = None;
    let verdict = match content {
        Err(Unsendable::Suppressed(cause)) => {
            repeated = Some(cause.clone());
            Verdict::Suppressed {
                phone: parsed.phone,
                cause,
            }
        }
        Ok(content) => Verdict::Queued(Accepted {
            phone: parsed.phone,
            mended: (!parsed.mended.is_none()).then(|| parsed.mended.to_string()),
            first_name,
            last_name,
            contact_id: cell(&mapping.contact_id),
            content,
        }),
        Err(Unsendable::Problem(message)) => Verdict::Invalid {
            problem: RowProblem::Content { message },
            suggestion: None,
        },
    };
    let valid = !matches!(verdict, Verdict::Invalid { .. });
    Looked {
        row: JudgedRow {
            position,
            record,
            typed,
            verdict,
        },
        parsed: valid.then_some(parsed),
        region: if valid { parsed.phone.region() } else { None },
        suppressed: if valid {
            (judge.suppressed)(parsed.phone).or(repeated)
        } else {
            None
        },
        name,
    }
}

/// Tells people who share a number from one person who stands twice in the list.
fn name_hash(first: Option<&str>, last: Option<&str>) -> u16 {
    if first.is_none() && last.is_none() {
        return 0;
    }
    // FNV-1a over the lower-case names: stable, and the comparison needs no more.
    let mut hash = 0x811c_9dc5_u32;
    for part in [first, last] {
        for c in part
            .unwrap_or("")
            .chars()
            .flat_map(char::to_lowercase)
            .chain(['\0'])
        {
            hash = (hash ^ u32::from(c)).wrapping_mul(0x0100_0193);
        }
    }
    let [a, b, c, d] = hash.to_le_bytes();
    u16::from_le_bytes([a ^ c, b ^ d]).max(1)
}

type Found = Vec<(Parsed, String)>;

/// The numbers that a row is to be messaged on: one, or all of them.
fn numbers(record: &Record, mapping: &Mapping) -> Result<Found, (Rejected, String)> {
    let region = region(record, mapping);
    let mut best: Option<(Parsed, String)> = None;
    let mut all: Found = Vec::new();
    let mut refused: Option<(Rejected, String)> = None;
    for column in &mapping.phone {
        let typed = record.get(column.index).unwrap_or("");
        match cell(typed, region) {
            Ok(numbers) => {
                for parsed in numbers.iter() {
                    if !parsed.line_type.reaches_a_person() {
                        refuse(
                            &mut refused,
                            PhoneProblem::NotAPerson(parsed.line_type).into(),
                            typed,
                        );
                        continue;
                    }
                    match mapping.numbers {
                        NumbersPerRow::All
                            if all.iter().any(|(known, _)| known.phone == parsed.phone) => {}
                        NumbersPerRow::All => all.push((
                            Parsed {
                                mended: alone(parsed.mended),
                                ..parsed
                            },
                            typed.to_owned(),
                        )),
                        NumbersPerRow::One => prefer(&mut best, parsed, typed, mapping.prefer),
                    }
                }
                if mapping.numbers == NumbersPerRow::One
                    && mapping.prefer == Prefer::First
                    && best.is_some()
                {
                    break;
                }
            }
            Err(rejected) => refuse(&mut refused, rejected, typed),
        }
    }
    all.extend(best);
    if all.is_empty() {
        return Err(refused.unwrap_or((PhoneProblem::Empty.into(), String::new())));
    }
    Ok(all)
}

/// With all numbers of a cell used, none was chosen among several.
fn alone(mended: Mending) -> Mending {
    mended.without(Mending::SEVERAL)
}

fn cell(typed: &str, region: Result<Option<Region>, ()>) -> Result<Numbers, Rejected> {
    let numbers = PhoneNumber::parse_all(typed, region.unwrap_or(None));
    match numbers {
        // The cell would have been fine with a country, and the row names one that does not exist.
        Err(Rejected {
            problem: PhoneProblem::NeedsRegion,
            suggestion,
        }) if region.is_err() => Err(Rejected {
            problem: PhoneProblem::UnknownRegion,
            suggestion,
        }),
        other => other,
    }
}

/// The first real reason is the one that is told: an empty second column explains nothing.
fn refuse(refused: &mut Option<(Rejected, String)>, rejected: Rejected, typed: &str) {
    let replaces = refused.as_ref().is_none_or(|(known, _)| {
        known.problem == PhoneProblem::Empty && rejected.problem != PhoneProblem::Empty
    });
    if replaces {
        *refused = Some((rejected, typed.to_owned()));
    }
}

fn prefer(best: &mut Option<(Parsed, String)>, parsed: Parsed, typed: &str, preference: Prefer) {
    use crate::domain::phone::LineType;
    let rank = |parsed: &Parsed| match (preference, parsed.line_type) {
        (Prefer::First, _) => 0,
        (Prefer::Mobile, LineType::Mobile) => 2,
        (Prefer::Mobile, line) => u8::from(line.may_be_mobile()),
    };
    if best
        .as_ref()
        .is_none_or(|(known, _)| rank(&parsed) > rank(known))
    {
        *best = Some((parsed, typed.to_owned()));
    }
}

/// The country of the row: its own cell, else the default. `Err` for a cell that names none.
fn region(record: &Record, mapping: &Mapping) -> Result<Option<Region>, ()> {
    let cell = mapping
        .region
        .as_ref()
        .and_then(|column| record.get(column.index))
        .map_or("", str::trim);
    if cell.is_empty() {
        Ok(mapping.default_region)
    } else {
        cell.parse().map(Some).map_err(|_| ())
    }
}
