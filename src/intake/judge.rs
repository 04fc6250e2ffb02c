//! The pass over all rows: read in one thread, judged in several, deduplicated in the caller's.
//!
//! Blocks of rows go to the workers in turn, and their results are taken in turn too: so the order of
//! the input is kept without a number on each block.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::collect::{Judged, RefusedNumbers, collect};
use super::consent::Refusal;
use super::earlier::EarlierMessages;
use super::error::{IntakeError, JudgeError, TooFewRows};
use super::grouped::GroupedColumns;
use super::input::Input;
use super::row::{Above, Candidate, Refuser, RowJudge};
use super::rows::Block;
use super::rules::Judge;
use super::summary::{Example, Group, Note, Summary};
use crate::domain::recipient::{JudgedRow, Position, RowNumber};

/// The codes of [`RowProblem`](crate::domain::recipient::RowProblem) that are about the message, not the number.
const MESSAGE: [&str; 2] = ["content", "segments"];

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
            Some(refusal) => Err(IntakeError::too_few(self.file_names(), refusal).into()),
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
        let (refused, sent) = read_ahead(input, judge)?;
        let sent = &sent;
        let count = judging_threads();
        thread::scope(|scope| {
            let (mut queues, mut results) = (Vec::new(), Vec::new());
            for _ in 0..count {
                let (give_job, take_job) = sync_channel(WAITING);
                let (give_result, take_result) = sync_channel(WAITING);
                scope.spawn(move || work(input, (judge, sent), &take_job, &give_result));
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
            None => "the file has no rows after its header".to_owned(),
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
        // A few who say "no" do not hide that the others are not understood.
        if summary.not_understood > 0
            && summary.queued == 0
            && summary.not_understood.saturating_mul(2) > summary.suppressed
        {
            return Some(TooFewRows::ConsentNotUnderstood {
                rows: summary.rows,
                says: summary.first_not_understood.clone().unwrap_or_default(),
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

/// Reads the list once more for the rows that say "no", and for those that say that their message was sent: they win for their
/// numbers, whatever rows before them say.
fn read_ahead(
    input: &Input,
    judge: &Judge<'_>,
) -> Result<(RefusedNumbers, EarlierMessages), IntakeError> {
    let (mut refused, mut sent) = (RefusedNumbers::new(), EarlierMessages::default());
    let none_sent = EarlierMessages::default();
    for file in &input.files {
        let mapping = &input.mapping;
        let row_judge = RowJudge {
            mapping,
            corrections: &input.corrections,
            file,
            judge,
            sent: &none_sent,
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
        let mut grouped = GroupedColumns::of(mapping, judge.now);
        let (mut before, mut above) = (Refuser::default(), Above::default());
        file.for_each_block(&mut |block| {
            for (row, fields) in block.iter() {
                row_judge.note_sent(&fields, &mut sent);
                if !grouped.is_empty() {
                    row_judge.with_row(&fields, row, &mut |it| grouped.take(it));
                }
                let rows_before = (&mut before, &mut above);
                if let Some((numbers, refusal)) = row_judge.refused_with(&fields, row, rows_before)
                {
                    let answer = refusal.answer;
                    for number in numbers {
                        let says = || at_place(&refusal.says, &place(row));
                        let refusal = || Refusal {
                            answer,
                            says: says(),
                        };
                        refused.entry(number).or_insert_with(refusal);
                    }
                }
            }
            true
        })?;
        grouped.refuse(&file.name)?;
    }
    Ok((refused, sent))
}

/// What a row says, with its place. A row of a results file may end with the same.
fn at_place(says: &str, place: &str) -> String {
    let place = format!(" ({place})");
    let says = says.strip_suffix(&place).unwrap_or(says);
    format!("{says}{place}")
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

/// By what the rows of a list are judged.
type Judging<'a> = (&'a Judge<'a>, &'a EarlierMessages);

fn work(input: &Input, by: Judging<'_>, jobs: &Receiver<Job>, results: &SyncSender<Judged>) {
    for job in jobs {
        let result = match job {
            Job::End(result) => Judged::End(result),
            Job::Rows { file, block } => {
                // The templates and the cells come from strangers: a panic is reported, not passed on.
                let judged =
                    catch_unwind(AssertUnwindSafe(|| judge_block(input, file, &block, by)));
                match judged.unwrap_or_else(|_| Err(input.defect_in(file))) {
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

/// The rows of a block, and how many of its rows are blank.
fn judge_block(
    input: &Input,
    index: usize,
    block: &Block,
    (judge, sent): Judging<'_>,
) -> Result<(Vec<Candidate>, u64), IntakeError> {
    let file = input
        .files
        .get(index)
        .ok_or_else(|| input.defect_in(index))?;
    let row_judge = RowJudge {
        mapping: &input.mapping,
        corrections: &input.corrections,
        file,
        judge,
        sent,
    };
    let shape = file.row_shape();
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
        if rows.iter().skip(before).any(is_person) {
            continue;
        }
        if row_judge.is_other_header(&fields) {
            return Err(IntakeError::SecondHeader {
                file: file.name.clone(),
                row,
            });
        }
        if let Some(line) = row_judge.explanation_of_codes(&fields) {
            let file = format!("{}, row {row}", file.name);
            return Err(IntakeError::CodesExplained { file, line });
        }
        if let Some(line) = row_judge.refusal_of_some(&fields) {
            let file = format!("{}, row {row}", file.name);
            return Err(IntakeError::RefusesForSome { file, line });
        }
    }
    Ok((rows, blank))
}
