//! The suppression list: numbers that must never be messaged.

use std::collections::HashSet;
use std::path::Path;

use jiff::Timestamp;

use super::error::RunError;
use super::list::List;
use super::mismatch::Mismatch;
use super::pass::Pass;
use crate::domain::channel_contact::{CHANNEL_CONTACT, ChannelContact};
use crate::domain::keyed_hash::{KEYED_HASH, KeyedHash};
use crate::domain::percent::Percent;
use crate::domain::phone::{LineType, PhoneNumber};
use crate::domain::recipient::{OPTED_OUT, Position, Record, RowProblem, UNREAD, Verdict};
use crate::domain::text::is_blank;
use crate::intake::{HiddenRows, IntakeError, NumbersPerRow, ReadFor, Settings, Source};
use crate::store::{
    ContactsTaken, HashesTaken, Held, ListEntry, Listed, Reader, Store, StoreError,
};

/// Bad rows that are named.
const NAMED: usize = 5;

/// Whom of a file an import takes that says of its people who must not be messaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusing {
    /// Those of whom it says so.
    Only,
    /// Everybody.
    All,
}

/// What became of numbers that were put on the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suppressed {
    /// Numbers that were given.
    pub numbers: usize,
    /// Those that were not on the list before.
    pub new: usize,
    /// Rows of the files without a number, or of whose number it is not certain which one it is.
    pub invalid: u64,
    /// Those of them whose number has two readings: both are suppressed.
    pub with_two_readings: u64,
    /// The first of them, each with what is wrong.
    pub named: Vec<String>,
    /// What became of people of whom the list has only hashes.
    pub hashes: HashesTaken,
    /// What became of contacts of the list whose number is not known.
    pub contacts: ContactsTaken,
    /// Those of the numbers whose people are on the list because another checkpoint has a reply of theirs that nobody has
    /// read.
    pub unread: usize,
}

impl Suppressed {
    /// Whether somebody of the list may be messaged all the same, or is still named.
    pub fn is_partial(&self) -> bool {
        self.invalid > 0 || self.hashes.of_another_key > 0 || self.hashes.not_erased > 0
    }
}

/// Puts the numbers on the list of the checkpoint, which is made if it is not there. `reason` is for the results
/// of later batches, `source` for the audit. A person says so: what these people wrote before is settled.
///
/// # Errors
/// [`RunError`] if the checkpoint fails.
pub fn suppress(
    checkpoint: &Path,
    phones: &[PhoneNumber],
    reason: Option<&str>,
    source: &str,
    added_at: Timestamp,
) -> Result<Suppressed, RunError> {
    let stops = NumbersToSuppress {
        phones: phones.to_vec(),
        others: Vec::new(),
        hashed: Vec::new(),
        contacts: Vec::new(),
        held: HashSet::new(),
        read: Suppressed::default(),
        filled: HashSet::new(),
    };
    let store = Store::open(checkpoint)?;
    let done = stops.enter(&store, reason, source, added_at)?;
    store.settle_replies_of(phones, source, added_at)?;
    Ok(done)
}

/// Takes numbers off the list, those of erased people too: they are known again. Returns how many were on it.
///
/// # Errors
/// [`RunError`] if there is no such checkpoint, or it fails.
pub(crate) fn unsuppress(checkpoint: &Path, phones: Vec<PhoneNumber>) -> Result<usize, RunError> {
    Ok(Store::open_existing(checkpoint)?.unsuppress(phones)?)
}

/// Passes each entry of the list to `each`, as another checkpoint needs it. Returns whom unread replies hold.
///
/// # Errors
/// [`StoreError`] if the checkpoint cannot be read, or whatever `each` returns.
pub(crate) fn suppression_list<E: From<StoreError>>(
    checkpoint: &Path,
    each: impl FnMut(ListEntry<Listed>) -> Result<(), E>,
) -> Result<Held, E> {
    Reader::open(checkpoint)?.suppression_list(each)
}

/// Numbers that are to be suppressed, read before anything is written.
pub(super) struct NumbersToSuppress {
    phones: Vec<PhoneNumber>,
    /// Those of whom the list does not say so.
    others: Vec<PhoneNumber>,
    /// Those of whom the list has only a hash.
    hashed: Vec<(KeyedHash, String)>,
    /// Those of whom it has only a contact.
    contacts: Vec<(ChannelContact, String)>,
    /// Those whom an unread reply holds in the checkpoint that wrote the list.
    held: HashSet<PhoneNumber>,
    /// What is wrong with the rows that have none.
    read: Suppressed,
    /// The columns about consent with a cell that is not empty.
    filled: HashSet<usize>,
}

impl NumbersToSuppress {
    /// Those of a list, if there is one: everybody.
    pub(super) fn read(list: Option<List>) -> Result<Option<Self>, RunError> {
        let Some(mut list) = list else {
            return Ok(None);
        };
        list.refuse_several_sheets()?;
        let mut stops = list.numbers(None)?;
        stops.phones.append(&mut stops.others);
        Ok(Some(stops))
    }

    /// Puts them on the list of the checkpoint, as [`suppress`] does.
    pub(super) fn enter(
        self,
        store: &Store,
        reason: Option<&str>,
        source: &str,
        added_at: Timestamp,
    ) -> Result<Suppressed, RunError> {
        let reason = reason.unwrap_or("must not be messaged");
        let numbers = self.phones.len();
        let is_held = |phone: &PhoneNumber| self.held.contains(phone);
        let (held, phones): (Vec<_>, Vec<_>) = self.phones.into_iter().partition(is_held);
        let listed = store.suppress(&phones, reason, source, added_at)?;
        let unread = store.hold_unread(&held, source, added_at)?;
        let entries = self.hashed.into_iter().map(|(who, reason)| ListEntry {
            who,
            reason,
            source: source.to_owned(),
            added_at,
        });
        let hashes = store.suppress_hashed(entries.collect(), added_at)?;
        let entries = self.contacts.into_iter().map(|(who, reason)| {
            let is_told = !reason.is_empty();
            ListEntry {
                who,
                reason: if is_told {
                    reason
                } else {
                    OPTED_OUT.to_owned()
                },
                source: source.to_owned(),
                added_at,
            }
        });
        let contacts = store.suppress_contacts(entries.collect())?;
        Ok(Suppressed {
            numbers,
            new: listed + unread,
            unread,
            hashes,
            contacts,
            ..self.read
        })
    }
}

/// How a file is read whose numbers are to be suppressed.
fn suppressing(settings: &Settings) -> Settings {
    Settings {
        numbers: NumbersPerRow::All,
        min_valid: Percent::NONE,
        // A number on the list is suppressed whatever its kind of line.
        line_types: LineType::ALL.to_vec(),
        read_for: ReadFor::SuppressionList,
        // An opt-out counts whether or not it is shown.
        hidden_rows: Some(HiddenRows::Send),
        ..settings.clone()
    }
}

impl List {
    /// Examines files whose numbers are to be suppressed: all numbers of a row count, however bad the rest of
    /// the file is.
    ///
    /// # Errors
    /// [`RunError`] if a file cannot be used.
    pub fn of_suppressed(sources: &[Source], settings: &Settings) -> Result<Self, RunError> {
        Self::open(sources, &suppressing(settings), None)
    }

    /// The same; columns that say who must not be messaged are read, as an export of all contacts has them.
    ///
    /// # Errors
    /// [`RunError`] if a file cannot be used.
    pub fn of_refusing(sources: &[Source], settings: &Settings) -> Result<Self, RunError> {
        let settings = Settings {
            read_for: ReadFor::OptOuts,
            ..suppressing(settings)
        };
        Self::open(sources, &settings, None)
    }

    /// Puts its numbers on the list of the checkpoint, as [`suppress`] does, once all files were found usable.
    /// Rows without a number go to `rejects`.
    ///
    /// # Errors
    /// [`RunError`] if the files cannot be used, or the checkpoint or `rejects` cannot be written. [`Mismatch`] if the list
    /// says of some of its people only that they must not be messaged, and `whom` does not say who is meant.
    pub fn suppress(
        mut self,
        checkpoint: &Path,
        whom: Option<Refusing>,
        (reason, source): (Option<&str>, &str),
        rejects: Option<&Path>,
        now: Timestamp,
    ) -> Result<Suppressed, RunError> {
        self.refuse_several_sheets()?;
        match whom {
            None => self.refuse_if_not_all_refuse()?,
            Some(Refusing::Only) => self.refuse_if_nobody_can_refuse()?,
            Some(Refusing::All) => {}
        }
        let mut stops = self.numbers(rejects)?;
        if whom != Some(Refusing::Only) {
            stops.phones.append(&mut stops.others);
        }
        stops.enter(&Store::open(checkpoint)?, reason, source, now)
    }

    /// Opt-outs on a sheet that is not read would be lost.
    fn refuse_several_sheets(&self) -> Result<(), RunError> {
        let Some(sheets) = self.sheets() else {
            return Ok(());
        };
        let names: Vec<String> = sheets
            .with_numbers()
            .map(|it| format!("\"{it}\""))
            .collect();
        if names.len() < 2 {
            return Ok(());
        }
        let file = sheets.file().to_owned();
        Err(Mismatch::SeveralSheets { file, names }.into())
    }

    /// "Those that refuse" is nobody where nothing in the list can say so.
    fn refuse_if_nobody_can_refuse(&mut self) -> Result<(), RunError> {
        if !self.input.mapping().consent.is_empty() {
            return Ok(());
        }
        match self.numbers(None)?.phones.len() {
            0 => Err(Mismatch::NobodyCanRefuse {
                columns: self.input.headers().to_vec(),
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// The numbers of an export of all contacts must not be suppressed because somebody meant those who opted out.
    fn refuse_if_not_all_refuse(&mut self) -> Result<(), RunError> {
        if self.input.mapping().consent.is_empty() {
            return Ok(());
        }
        let read = self.numbers(None)?;
        let columns = self.input.mapping().consent.iter();
        let columns =
            columns.filter(|it| it.says_when_empty() || read.filled.contains(&it.column.index));
        let columns: Vec<String> = columns.map(|it| it.column.name.clone()).collect();
        match read.others.len() {
            0 => Ok(()),
            _ if columns.is_empty() => Ok(()),
            others => Err(Mismatch::NotAllRefuse {
                columns,
                refusing: read.phones.len(),
                others,
            }
            .into()),
        }
    }

    /// Its numbers, and what is wrong with the rows that have none.
    fn numbers(&mut self, rejects: Option<&Path>) -> Result<NumbersToSuppress, RunError> {
        let (mut phones, mut others, mut refused) = (Vec::new(), Vec::new(), HashSet::new());
        let (mut read, mut hashed) = (Suppressed::default(), Vec::new());
        let mut contacts = Vec::new();
        let mut held = HashSet::new();
        let consent = self.input.mapping().consent.iter();
        let mut empty: Vec<usize> = consent.map(|it| it.column.index).collect();
        let mut filled = HashSet::new();
        let columns = OwnColumns::find(self.input.headers());
        let needs_no_number =
            |record: &Record| columns.hash(record).is_some() || columns.contact(record).is_some();
        let pass = Pass {
            rejects,
            needs_no_number: Some(&needs_no_number),
            ..Pass::default()
        };
        let report = pass.judge_all(self, &mut |_| (), &mut |row| {
            let is_filled = |at: &mut usize| row.record.get(*at).is_some_and(|it| !is_blank(it));
            filled.extend(empty.extract_if(.., is_filled));
            if let Some(hash) = columns.hash(&row.record) {
                hashed.push(hash);
                return Ok(());
            }
            if let Some(contact) = columns.contact(&row.record) {
                contacts.push(contact);
                return Ok(());
            }
            note_held(&mut held, &row.verdict, columns.says_unread(&row.record));
            match row.verdict {
                Verdict::Queued(accepted) => others.push(accepted.phone),
                // A refusal beside a number is no reason to leave it off this list. All its rows have that verdict.
                Verdict::Suppressed { phone, .. }
                | Verdict::Invalid {
                    phone: Some(phone), ..
                } => {
                    if refused.insert(phone) {
                        phones.push(phone);
                    }
                }
                Verdict::Invalid {
                    problem,
                    phone: None,
                    ..
                } => phones.extend(read.note_invalid(row.position, &problem)),
                Verdict::Duplicate { .. } => {}
            }
            Ok(())
        })?;
        match report.refusal {
            // A list of nobody, as we write it, or of nobody but people of whom it has a hash or a contact.
            Some(refusal) if report.summary.rows != (hashed.len() + contacts.len()) as u64 => {
                Err(IntakeError::too_few(&report.files, refusal).into())
            }
            Some(_) | None => Ok(NumbersToSuppress {
                phones,
                others,
                hashed,
                contacts,
                held,
                read,
                filled,
            }),
        }
    }
}

/// Keeps the number of a row that is held by a reply that nobody has read, unless another row has the person for good.
fn note_held(held: &mut HashSet<PhoneNumber>, verdict: &Verdict, is_held: bool) {
    match verdict {
        Verdict::Queued(accepted) if is_held => _ = held.insert(accepted.phone),
        Verdict::Duplicate { phone, .. } if !is_held => _ = held.remove(phone),
        Verdict::Queued(_)
        | Verdict::Duplicate { .. }
        | Verdict::Suppressed { .. }
        | Verdict::Invalid { .. } => {}
    }
}

impl Suppressed {
    /// Counts a row without a number, or with one of two; returns the numbers that it may mean.
    fn note_invalid(&mut self, position: Position, problem: &RowProblem) -> Vec<PhoneNumber> {
        self.invalid += 1;
        let readings: Vec<PhoneNumber> = match problem {
            RowProblem::Phone(problem) => problem.readings().collect(),
            RowProblem::UnevenLength { .. }
            | RowProblem::RoundedContactId { .. }
            | RowProblem::ContactIdOfAnother { .. }
            | RowProblem::Content { .. }
            | RowProblem::Segments { .. } => Vec::new(),
        };
        if self.named.len() < NAMED {
            let row = position.row;
            let kept = if readings.is_empty() {
                ""
            } else {
                "; both are suppressed until then"
            };
            self.named.push(format!("row {row}: {problem}{kept}"));
        }
        self.with_two_readings += u64::from(!readings.is_empty());
        readings
    }
}

/// The columns of a suppression list that we wrote.
struct OwnColumns {
    hash: Option<usize>,
    contact: Option<usize>,
    reason: Option<usize>,
}

impl OwnColumns {
    fn find(headers: &[String]) -> Self {
        let place = |name: &str| headers.iter().position(|header| header.trim() == name);
        Self {
            hash: place(KEYED_HASH),
            contact: place(CHANNEL_CONTACT),
            reason: place("reason"),
        }
    }

    /// The hash of a row, and why its person must not be messaged.
    fn hash(&self, record: &Record) -> Option<(KeyedHash, String)> {
        let hash = record.get(self.hash?)?.trim().parse().ok()?;
        Some((hash, self.reason(record).to_owned()))
    }

    /// The contact of a row, and why it must not be messaged.
    fn contact(&self, record: &Record) -> Option<(ChannelContact, String)> {
        let contact = record.get(self.contact?)?.trim().parse().ok()?;
        Some((contact, self.reason(record).to_owned()))
    }

    fn reason<'a>(&self, record: &'a Record) -> &'a str {
        let reason = self.reason.and_then(|at| record.get(at));
        reason.unwrap_or_default().trim()
    }

    /// Whether a row says that its person is held by a reply that nobody has read.
    fn says_unread(&self, record: &Record) -> bool {
        self.reason(record) == UNREAD
    }
}
