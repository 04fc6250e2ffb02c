//! The pass over all rows: read in one thread, judged in several, deduplicated in the caller's.
//!
//! Blocks of rows go to the workers in turn, and their results are taken in turn too: so the order of
//! the input is kept without a number on each block.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::error::{IntakeError, JudgeError, TooFewRows};
use super::index::{First, Index};
use super::input::Input;
use super::row::{Candidate, Number, RowJudge};
use super::rows::Block;
use super::rules::{Judge, MendedRow};
use super::summary::{Counter, Example, Group, Note, Summary};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{JudgedRow, Mends, Position, RowNumber, Suppression, Verdict};

/// The codes of [`RowProblem`](crate::domain::recipient::RowProblem) that are about the message, not the number.
const MESSAGE: [&str; 2] = ["content", "segments"];

/// More notes than that are no notes.
const MOST_NOTES: usize = 1_000;

/// Blocks that wait before and behind each worker.
const WAITING: usize = 3;

/// How many threads judge the rows of a list.
pub(crate) fn judging_threads() -> usize {
    let cores = thread::available_parallelism();
    cores.map_or(2, std::num::NonZero::get).clamp(1, 16)
}

enum Job {
    Rows { file: usize, block: Block },
    End(Result<(), IntakeError>),
}

enum Judged {
    Rows { rows: Vec<Candidate>, blank: u64 },
    End(Result<(), IntakeError>),
}

/// The queues of the workers, which are served in turn.
struct Workers {
    queues: Vec<SyncSender<Job>>,
    next: usize,
}

impl Workers {
    /// False once the workers have ended.
    fn send(&mut self, job: Job) -> bool {
        let queue = self.queues.get(self.next % self.queues.len().max(1));
        self.next += 1;
        queue.is_some_and(|queue| queue.send(job).is_ok())
    }
}

impl Input {
    /// Judges every row and hands it to `sink`, in the order of the input.
    ///
    /// With `--all-numbers` a row may come several times, once for each of its numbers.
    ///
    /// # Errors
    ///
    /// [`JudgeError::Intake`] if the file as a whole must not be used; what `sink` got before must then
    /// be thrown away. [`JudgeError::Sink`] if `sink` fails.
    pub fn judge<E>(
        &mut self,
        judge: &Judge<'_>,
        sink: &mut dyn FnMut(JudgedRow) -> Result<(), E>,
    ) -> Result<Summary, JudgeError<E>> {
        let summary = self.judge_all(judge, sink)?;
        match self.refusal(&summary) {
            Some(refusal) => Err(IntakeError::from(refusal).into()),
            None => Ok(summary),
        }
    }

    /// As [`Self::judge`], also where too few rows are valid: [`Self::refusal`] is to be asked then.
    pub(crate) fn judge_all<E>(
        &mut self,
        judge: &Judge<'_>,
        sink: &mut dyn FnMut(JudgedRow) -> Result<(), E>,
    ) -> Result<Summary, JudgeError<E>> {
        let input: &Self = self;
        let refused = refused_numbers(input, judge)?;
        let count = judging_threads();
        thread::scope(|scope| {
            let (mut queues, mut results) = (Vec::new(), Vec::new());
            for _ in 0..count {
                let (give_job, take_job) = sync_channel(WAITING);
                let (give_result, take_result) = sync_channel(WAITING);
                scope.spawn(move || work(input, judge, &take_job, &give_result));
                queues.push(give_job);
                results.push(take_result);
            }
            scope.spawn(move || read_all(input, Workers { queues, next: 0 }));
            let summary = collect(input, judge, &refused, &results, sink);
            // Makes the workers and the reader end, before the scope waits for them.
            drop(results);
            summary
        })
    }

    /// Why nothing of a list with these rows may be sent; `None` if it may.
    pub(crate) fn refusal(&self, summary: &Summary) -> Option<TooFewRows> {
        let valid = summary.valid_rows;
        let hint = || match summary.problems.first() {
            Some(group) => first_of(group),
            None => "the file has no rows behind its header".to_owned(),
        };
        let minimum = self.min_valid.get();
        if valid == 0 {
            return Some(TooFewRows::NoneValid {
                rows: summary.rows,
                fault: match summary.problems.first() {
                    Some(group) if MESSAGE.contains(&group.code.as_str()) => {
                        "makes a message that can be sent"
                    }
                    Some(_) | None => "has a valid number",
                },
                hint: hint(),
            });
        }
        let is_below = valid.saturating_mul(100) < summary.rows.saturating_mul(u64::from(minimum));
        is_below.then(|| TooFewRows::BelowMinimum {
            valid,
            rows: summary.rows,
            minimum,
            hint: hint(),
        })
    }
}

/// The problem of a group, with that of its first row where each row has its own.
fn first_of(group: &Group) -> String {
    let most = format!("most often: {} ({} of them)", group.text, group.count);
    match group.examples.first() {
        Some(Example {
            row,
            note: Note::Detail(text),
            ..
        }) => format!("{most}; row {row}: {text}"),
        Some(_) | None => most,
    }
}

/// The numbers that must not be messaged by what the list itself says, each with what it says and where.
type Refused = HashMap<PhoneNumber, String>;

/// Reads the list once more for the rows that say "no": they win for their numbers, whatever rows before them say.
fn refused_numbers(input: &Input, judge: &Judge<'_>) -> Result<Refused, IntakeError> {
    let mut refused = Refused::new();
    for file in &input.files {
        let mapping = &input.mapping;
        let row_judge = RowJudge {
            mapping,
            corrections: &input.corrections,
            file,
            judge,
        };
        // Rows that join a batch stand beside those of its other files.
        let is_only_file = input.files.len() == 1 && judge.first_file == 0;
        let place = |row| {
            if is_only_file {
                format!("row {row}")
            } else {
                format!("{}, row {row}", file.name)
            }
        };
        file.for_each_block(&mut |block| {
            for (row, fields) in block.iter() {
                if let Some((numbers, says)) = row_judge.refused(&fields, row) {
                    for number in numbers {
                        let says = || format!("{says} ({})", place(row));
                        refused.entry(number).or_insert_with(says);
                    }
                }
            }
            true
        })?;
    }
    Ok(refused)
}

fn read_all(input: &Input, mut workers: Workers) {
    for (index, file) in input.files.iter().enumerate() {
        let mut take = |block| workers.send(Job::Rows { file: index, block });
        match file.for_each_block(&mut take) {
            Ok(true) => {}
            Ok(false) => return,
            Err(fault) => {
                workers.send(Job::End(Err(fault)));
                return;
            }
        }
    }
    workers.send(Job::End(Ok(())));
}

fn work(input: &Input, judge: &Judge<'_>, jobs: &Receiver<Job>, results: &SyncSender<Judged>) {
    for job in jobs {
        let result = match job {
            Job::End(result) => Judged::End(result),
            Job::Rows { file, block } => {
                // The templates and the cells come from strangers: a panic is reported, not passed on.
                let judged =
                    catch_unwind(AssertUnwindSafe(|| judge_block(input, file, &block, judge)));
                match judged.unwrap_or_else(|_| Err(internal(input, file))) {
                    Ok((rows, blank)) => Judged::Rows { rows, blank },
                    Err(fault) => Judged::End(Err(fault)),
                }
            }
        };
        if results.send(result).is_err() {
            return;
        }
    }
}

fn internal(input: &Input, file: usize) -> IntakeError {
    let file = input.files.get(file);
    IntakeError::Internal {
        file: file.map_or_else(String::new, |file| file.name.clone()),
    }
}

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
                let file = input.files.get(usize::from(file));
                Err(IntakeError::RefusalsBelow {
                    file: file.map_or_else(String::new, |file| file.name.clone()),
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

/// The rows of a block, and how many of its rows are blank.
fn judge_block(
    input: &Input,
    index: usize,
    block: &Block,
    judge: &Judge<'_>,
) -> Result<(Vec<Candidate>, u64), IntakeError> {
    let file = input
        .files
        .get(index)
        .ok_or_else(|| internal(input, index))?;
    let row_judge = RowJudge {
        mapping: &input.mapping,
        corrections: &input.corrections,
        file,
        judge,
    };
    let shape = file.row_shape(&input.mapping);
    let number = u16::try_from(index).unwrap_or(u16::MAX);
    let number = judge.first_file.saturating_add(number);
    let mut rows = Vec::with_capacity(block.rows.len());
    let mut blank = 0;
    for (row, fields) in block.iter() {
        if fields.is_blank() {
            blank += 1;
            continue;
        }
        if shape.as_ref().is_some_and(|it| it.has_swallowed(&fields)) {
            return Err(IntakeError::SwallowedRows {
                file: file.name.clone(),
                row,
            });
        }
        let Some(number_of_row) = RowNumber::new(row) else {
            continue;
        };
        let position = Position {
            file: number,
            row: number_of_row,
        };
        let before = rows.len();
        row_judge.judge(&fields, position, &mut rows);
        let is_person = |it: &Candidate| it.number.is_some();
        if !rows.iter().skip(before).any(is_person) && row_judge.is_other_header(&fields) {
            return Err(IntakeError::SecondHeader {
                file: file.name.clone(),
                row,
            });
        }
    }
    Ok((rows, blank))
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

fn collect<E>(
    input: &Input,
    judge: &Judge<'_>,
    refused: &Refused,
    results: &[Receiver<Judged>],
    sink: &mut dyn FnMut(JudgedRow) -> Result<(), E>,
) -> Result<Summary, JudgeError<E>> {
    let mut index = Index::new();
    for (phone, position) in judge.seen {
        let first = First {
            position: *position,
            name: 0,
        };
        index.insert(*phone, first);
    }
    let mut mended = Mended {
        before: judge.mended,
        here: HashMap::new(),
    };
    let mut counter = Counter::new(judge.examples);
    let (mut tail, mut headed) = (Tail::default(), Headed::default());
    for result in results.iter().cycle().map(Receiver::recv) {
        match result {
            Ok(Judged::Rows { rows, blank }) => {
                counter.blank(blank);
                for candidate in rows {
                    for candidate in tail.next(candidate, &mut counter) {
                        headed.next(&candidate, input, judge.first_file)?;
                        let (mut row, number, shared) =
                            compare(candidate, refused, judge.mended, &mut index);
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
    Err(internal(input, 0).into())
}

/// What is known of the row that a row with this number mends.
type MendedBefore<'a> = dyn Fn(&Mends, PhoneNumber) -> MendedRow + Sync + 'a;

/// The rows of a batch that were mended.
struct Mended<'a> {
    /// What is known of one before this list came.
    before: &'a MendedBefore<'a>,
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
        let told = match (self.before)(mends, phone) {
            MendedRow::Taken(told) => Some(told),
            MendedRow::Open | MendedRow::Other => {
                let position = row.position;
                let first = *self.here.entry(mends.clone()).or_insert(position);
                let (mended, batch) = (mends.position.row, &mends.batch);
                (first != position)
                    .then(|| format!("row {mended} of batch {batch}, by row {} here", first.row))
            }
        };
        if let Some(told) = told {
            let cause = Suppression::MendedBefore { told };
            row.verdict = Verdict::Suppressed { phone, cause };
        }
    }
}

/// Whether a row takes the place of that one, which cannot be sent: it repeats nobody then.
fn is_mended_by(
    (first, phone): (&First, PhoneNumber),
    row: &JudgedRow,
    mended: &MendedBefore<'_>,
) -> bool {
    // A row at the same place of another batch is another one.
    let mends = row.mends.as_ref();
    mends.is_some_and(|mends| {
        mends.position == first.position && mended(mends, phone) == MendedRow::Open
    })
}

/// The part of the verdict that depends on the rows before. Also the row's number, and whether it is shared with a person
/// of another name.
fn compare(
    candidate: Candidate,
    refused: &Refused,
    mended: &MendedBefore<'_>,
    index: &mut Index,
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
        if let Some(says) = refused.get(&phone) {
            // The first row with the number is the one that others repeat, suppressed or not.
            index.insert(phone, here);
            let says = says.clone();
            row.verdict = Verdict::Suppressed {
                phone,
                cause: Suppression::NoConsent { says },
            };
        } else if let Some(First { position, name }) = index
            .insert(phone, here)
            .filter(|first| !is_mended_by((first, phone), &row, mended))
        {
            shared = number.name != 0 && name != 0 && number.name != name;
            row.verdict = Verdict::Duplicate {
                phone,
                first: position,
            };
        } else if let Some(cause) = number.suppressed.clone() {
            row.verdict = Verdict::Suppressed { phone, cause };
        }
    }
    (row, number, shared)
}
