//! The rows of a list in their order: what depends on the rows before is decided here, in one thread.

use std::collections::HashMap;
use std::sync::mpsc::Receiver;

use super::consent::Refusal;
use super::error::{IntakeError, JudgeError};
use super::index::{First, Index};
use super::input::Input;
use super::named_country::country_of_list;
use super::row::{Candidate, HeadedByCountry, Number};
use super::rules::{Judge, MendedRow};
use super::summary::{Counter, Summary};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{JudgedRow, Mends, Position, Suppression, Verdict};

/// More notes than that are no notes.
const MOST_NOTES: usize = 1_000;

/// What a worker made of a block of rows, or the end of the list.
pub(super) enum Judged {
    Rows { rows: Vec<Candidate>, blank: u64 },
    End(Result<(), IntakeError>),
}

/// The numbers that must not be messaged by what the list itself says, each with what it says and where.
pub(super) type RefusedNumbers = HashMap<PhoneNumber, Refusal>;

/// The heading above the rows that come, if it says that they must not be messaged.
#[derive(Default)]
struct Headed(Option<(Position, String)>);

impl Headed {
    /// Refuses a list in which a person stands below such a heading.
    fn next(
        &mut self,
        candidate: &Candidate,
        input: &Input,
        first_file: u16,
    ) -> Result<(), IntakeError> {
        let position = candidate.row.position;
        if let Some(heading) = &candidate.heads_refusals {
            self.0.get_or_insert_with(|| (position, heading.clone()));
        }
        match &self.0 {
            Some((above, heading)) if candidate.number.is_some() && above.file == position.file => {
                let file = position.file.saturating_sub(first_file);
                Err(IntakeError::RefusalsBelow {
                    file: input.file_name(usize::from(file)),
                    row: above.row.get(),
                    heading: heading.clone(),
                })
            }
            Some((above, _)) if above.file != position.file => {
                self.0 = None;
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Rows at the end of a file that may be notes: a contact below them shows that they are not.
#[derive(Default)]
struct Tail {
    held: Vec<Candidate>,
    /// The file whose rows come, once it had a row that is no note.
    file: Option<u16>,
}

impl Tail {
    /// The candidates that are known to be rows of contacts now that this one came.
    fn next(&mut self, candidate: Candidate, counter: &mut Counter) -> Vec<Candidate> {
        let file = Some(candidate.row.position.file);
        if self.file != file {
            self.end(counter);
        }
        let follows_contact = self.file == file;
        if follows_contact && candidate.may_be_note.is_some() && self.held.len() < MOST_NOTES {
            self.held.push(candidate);
            return Vec::new();
        }
        self.file = file;
        let mut rows = std::mem::take(&mut self.held);
        rows.push(candidate);
        rows
    }

    /// No contact came below them.
    fn end(&mut self, counter: &mut Counter) {
        for candidate in self.held.drain(..) {
            let text = candidate.may_be_note.unwrap_or_default();
            counter.note(candidate.row.position, &text);
        }
    }
}

/// Takes the judged rows in turn, decides what depends on the rows before, and hands each row to `sink`.
pub(super) fn collect<E>(
    input: &Input,
    judge: &Judge<'_>,
    refused: &RefusedNumbers,
    results: &[Receiver<Judged>],
    sink: &mut dyn FnMut(JudgedRow) -> Result<(), E>,
) -> Result<Summary, JudgeError<E>> {
    let mut before = RowsBefore::new(judge);
    let mut mended = Mended {
        before: judge.mended,
        here: HashMap::new(),
    };
    let mut counter = Counter::new(judge.examples, &input.mapping.unused_answers);
    let (mut tail, mut headed) = (Tail::default(), Headed::default());
    let (mut by_country, own) = (HeadedByCountry::default(), country_of_list(&input.mapping));
    let name = |file: u16| input.file_name(usize::from(file.saturating_sub(judge.first_file)));
    for result in results.iter().cycle().map(Receiver::recv) {
        match result {
            Ok(Judged::Rows { rows, blank }) => {
                counter.blank(blank);
                for candidate in rows {
                    for candidate in tail.next(candidate, &mut counter) {
                        headed.next(&candidate, input, judge.first_file)?;
                        by_country.next(&candidate, own, name)?;
                        let (mut row, number, shared) =
                            compare(candidate, refused, judge.mended, &mut before);
                        mended.once(&mut row);
                        counter.count(&row, number.as_ref(), shared);
                        sink(row).map_err(JudgeError::Sink)?;
                    }
                }
            }
            Ok(Judged::End(Ok(()))) => {
                tail.end(&mut counter);
                return Ok(counter.finish());
            }
            Ok(Judged::End(Err(fault))) => return Err(fault.into()),
            // A worker ended before its time.
            Err(_) => break,
        }
    }
    Err(input.defect_in(0).into())
}

/// What is known of the row that a row with this number mends.
type LookUpMended<'a> = dyn Fn(&Mends, PhoneNumber) -> MendedRow + Sync + 'a;

/// The rows of a batch that were mended.
struct Mended<'a> {
    /// What is known of one before this list came.
    before: &'a LookUpMended<'a>,
    /// Those that rows of this list mended.
    here: HashMap<Mends, Position>,
}

impl Mended<'_> {
    /// Leaves out a row that mends what was mended before: its person has a message by another number.
    fn once(&mut self, row: &mut JudgedRow) {
        let (Verdict::Queued(accepted), Some(mends)) = (&row.verdict, &row.mends) else {
            return;
        };
        let phone = accepted.phone;
        let by = match (self.before)(mends, phone) {
            MendedRow::Taken(by) => Some(by),
            MendedRow::Open | MendedRow::Other => {
                let position = row.position;
                let first = *self.here.entry(mends.clone()).or_insert(position);
                let (mended, batch) = (mends.position.row, &mends.batch);
                (first != position)
                    .then(|| format!("row {mended} of batch {batch}, by row {} here", first.row))
            }
        };
        if let Some(by) = by {
            let cause = Suppression::MendedBefore { by };
            row.verdict = Verdict::Suppressed { phone, cause };
        }
    }
}

/// Whether a row takes the place of that one, which cannot be sent: it repeats nobody then.
fn is_mended_by(
    first: &First,
    phone: PhoneNumber,
    row: &JudgedRow,
    mended: &LookUpMended<'_>,
) -> bool {
    // A row at the same place of another batch is another one.
    let mends = row.mends.as_ref();
    mends.is_some_and(|mends| {
        mends.position == first.position && mended(mends, phone) == MendedRow::Open
    })
}

/// The numbers of the rows before, with the first row of each.
struct RowsBefore {
    /// Those that rows would be sent to.
    index: Index,
    /// The other numbers of rows that have several: who is sent to on one of them is the same person.
    others: Index,
}

impl RowsBefore {
    fn new(judge: &Judge<'_>) -> Self {
        let (mut index, others) = (Index::new(), Index::new());
        for (phone, position) in judge.seen {
            let first = First {
                position: *position,
                name: 0,
            };
            index.insert(*phone, first);
        }
        Self { index, others }
    }

    /// Remembers the row; returns the one before it that has its person, with the number by which it has if that is not the one
    /// that both would be sent to.
    fn insert(&mut self, number: &Number, here: First) -> Option<(First, Option<PhoneNumber>)> {
        let phone = number.parsed.phone;
        let same = self.index.insert(phone, here).map(|first| (first, None));
        // A family may share the number of its home: by another name it is another person.
        let is_person = |it: &First| it.name == 0 || here.name == 0 || it.name == here.name;
        let is_other = || {
            let first = self.others.get(phone).filter(is_person)?;
            Some((first, Some(phone)))
        };
        let has_other = || {
            let mut others = number.others.iter();
            others.find_map(|other| {
                let first = self.index.get(*other).filter(is_person)?;
                Some((first, Some(*other)))
            })
        };
        let found = same.or_else(is_other).or_else(has_other);
        for other in &number.others {
            self.others.insert(*other, here);
        }
        found
    }
}

/// What the list itself says against the person of a row, beside whichever number of the row.
fn refusal(number: &Number, refused: &RefusedNumbers) -> Option<Suppression> {
    let no_consent = |phone| {
        let Refusal { answer, says } = refused.get(phone)?;
        let (answer, says) = (*answer, says.clone());
        Some(Suppression::NoConsent { answer, says })
    };
    if refused.is_empty() {
        return None;
    }
    no_consent(&number.parsed.phone).or_else(|| {
        number.others.iter().find_map(|phone| {
            Some(Suppression::OtherNumber {
                phone: *phone,
                cause: Box::new(no_consent(phone)?),
            })
        })
    })
}

/// The part of the verdict that depends on the rows before. Also the row's number, and whether it is shared with a person
/// of another name.
fn compare(
    candidate: Candidate,
    refused: &RefusedNumbers,
    mended: &LookUpMended<'_>,
    before: &mut RowsBefore,
) -> (JudgedRow, Option<Number>, bool) {
    let Candidate {
        mut row, number, ..
    } = candidate;
    let mut shared = false;
    if let Some(number) = &number {
        let phone = number.parsed.phone;
        let here = First {
            position: row.position,
            name: number.name,
        };
        // The first row with the number is the one that others repeat, suppressed or not.
        let first = before.insert(number, here);
        let first = first.filter(|(first, _)| !is_mended_by(first, phone, &row, mended));
        if let Some(cause) = refusal(number, refused) {
            row.verdict = Verdict::Suppressed { phone, cause };
        } else if let Some((First { position, name }, other)) = first {
            shared = number.name != 0 && name != 0 && number.name != name;
            row.verdict = Verdict::Duplicate {
                phone,
                first: position,
                other,
            };
        } else if let Some(cause) = number.suppressed.clone() {
            row.verdict = Verdict::Suppressed { phone, cause };
        }
    }
    (row, number, shared)
}
