//! The pass over all rows: read in one thread, parsed in several, put in order and deduplicated in the
//! caller's. Blocks of rows go round the workers in turn, so that their answers come back in turn too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::error::{IntakeError, JudgeError};
use super::file::FileInput;
use super::index::{First, Index};
use super::input::Input;
use super::row::{Looked, Shape, look};
use super::rows::Block;
use super::summary::{Counter, Facts, Summary};
use crate::domain::content::Rendered;
use crate::domain::phone::{Mending, PhoneNumber};
use crate::domain::recipient::{JudgedRow, Position, Record, RowNumber, Suppression, Verdict};

/// The code of [`RowProblem::Content`](crate::domain::recipient::RowProblem::Content).
const MESSAGE: &str = "content";

/// Renders the content of one row, and tells whether it may go to that number.
pub type Render<'a> =
    dyn Fn(&Record, Position, PhoneNumber) -> Result<Rendered, Unsendable> + Sync + 'a;

/// Why the content of one row is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsendable {
    /// It cannot be rendered; the text names the column that is at fault.
    Problem(String),
    /// It must not go to that number: the same content went there before.
    Suppressed(Suppression),
}

/// What is known beside the file, and asked for each row.
pub struct Judge<'a> {
    /// Why a number must not be messaged, if it must not. Called in several threads.
    pub suppressed: &'a (dyn Fn(PhoneNumber) -> Option<Suppression> + Sync),
    /// Renders the content; `None` leaves it out. Called in several threads.
    pub render: Option<&'a Render<'a>>,
    /// Numbers that the batch has already, with their rows: a row that repeats one is a duplicate.
    pub seen: &'a [(PhoneNumber, Position)],
    /// The index of the first file in the batch: 0, or behind the files that it has already.
    pub first_file: u16,
}

impl Judge<'_> {
    /// Judges by the file alone: nothing suppressed, nothing rendered, a new batch.
    pub fn alone() -> Judge<'static> {
        Judge {
            suppressed: &|_| None,
            render: None,
            seen: &[],
            first_file: 0,
        }
    }
}

/// Rows in a block: large enough to make the hand-over cheap, small enough to keep memory flat.
pub(super) const BLOCK_ROWS: usize = 512;
/// A block is handed over at this size, however few rows it has.
pub(super) const BLOCK_BYTES: usize = 1 << 18;
/// Blocks that wait before and behind each worker.
const WAITING: usize = 3;

pub(super) enum Job {
    Rows { file: usize, block: Block },
    Fault(IntakeError),
    End,
}

enum Answer {
    Rows { rows: Vec<Looked>, blank: u64 },
    Fault(IntakeError),
    End,
}

/// Hands blocks to the workers in turn.
pub(super) struct Dealer {
    workers: Vec<SyncSender<Job>>,
    next: usize,
}

impl Dealer {
    /// False if nobody listens any more.
    pub(super) fn deal(&mut self, job: Job) -> bool {
        let worker = self.next % self.workers.len().max(1);
        self.next += 1;
        self.workers
            .get(worker)
            .is_some_and(|worker| worker.send(job).is_ok())
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
        let input: &Self = self;
        let count = thread::available_parallelism()
            .map_or(2, std::num::NonZero::get)
            .clamp(1, 16);
        let summary = thread::scope(|scope| {
            let (mut jobs, mut answers) = (Vec::new(), Vec::new());
            for _ in 0..count {
                let (give_job, take_job) = sync_channel(WAITING);
                let (give_answer, take_answer) = sync_channel(WAITING);
                scope.spawn(move || work(input, judge, &take_job, &give_answer));
                jobs.push(give_job);
                answers.push(take_answer);
            }
            let dealer = Dealer {
                workers: jobs,
                next: 0,
            };
            scope.spawn(move || read_all(input, dealer));
            let summary = collect(input, judge, &answers, sink);
            // Tells the workers and the reader to end, before the scope waits for them.
            drop(answers);
            summary
        })?;
        self.check_share(&summary)?;
        Ok(summary)
    }

    fn check_share(&self, summary: &Summary) -> Result<(), IntakeError> {
        let valid = summary.valid_rows;
        let hint = || match summary.problems.first() {
            Some(group) => format!("most often: {} ({} of them)", group.text, group.count),
            None => "the file has no rows behind its header".to_owned(),
        };
        let minimum = self.min_valid.percent();
        if valid == 0 {
            return Err(IntakeError::NoValidRows {
                rows: summary.rows,
                fault: match summary.problems.first() {
                    Some(group) if group.code == MESSAGE => "makes a message that can be sent",
                    Some(_) | None => "has a valid number",
                },
                hint: hint(),
            });
        }
        if valid.saturating_mul(100) < summary.rows.saturating_mul(u64::from(minimum)) {
            return Err(IntakeError::BelowMinimum {
                valid,
                rows: summary.rows,
                minimum,
                hint: hint(),
            });
        }
        Ok(())
    }
}

fn read_all(input: &Input, mut dealer: Dealer) {
    for (index, file) in input.files.iter().enumerate() {
        match file.deal(index, &mut dealer) {
            Ok(true) => {}
            Ok(false) => return,
            Err(fault) => {
                dealer.deal(Job::Fault(fault));
                return;
            }
        }
    }
    dealer.deal(Job::End);
}

fn work(input: &Input, judge: &Judge<'_>, jobs: &Receiver<Job>, answers: &SyncSender<Answer>) {
    for job in jobs {
        let answer = match job {
            Job::End => Answer::End,
            Job::Fault(fault) => Answer::Fault(fault),
            Job::Rows { file, block } => match input.files.get(file) {
                // The templates and the workbook of strangers meet here: a panic is told, not passed on.
                Some(source) => catch_unwind(AssertUnwindSafe(|| {
                    look_at(input, file, source, &block, judge)
                }))
                .unwrap_or_else(|_| {
                    Answer::Fault(IntakeError::Internal {
                        file: source.name.clone(),
                    })
                }),
                None => Answer::End,
            },
        };
        if answers.send(answer).is_err() {
            return;
        }
    }
}

fn look_at(
    input: &Input,
    index: usize,
    file: &FileInput,
    block: &Block,
    judge: &Judge<'_>,
) -> Answer {
    let shape = Shape {
        mapping: &input.mapping,
        columns: &file.columns,
        width: file.width,
    };
    let number = judge
        .first_file
        .saturating_add(u16::try_from(index).unwrap_or(u16::MAX));
    let mut rows = Vec::with_capacity(block.rows.len());
    let mut blank = 0;
    for (row, fields) in block.iter() {
        if fields.is_blank() {
            blank += 1;
            continue;
        }
        if file.looks_swallowed(&fields, &input.mapping) {
            return Answer::Fault(IntakeError::SwallowedRows {
                file: file.name.clone(),
                row,
            });
        }
        let Some(row) = RowNumber::new(row) else {
            continue;
        };
        look(
            &fields,
            Position { file: number, row },
            &shape,
            judge,
            &mut rows,
        );
    }
    Answer::Rows { rows, blank }
}

fn collect<E>(
    input: &Input,
    judge: &Judge<'_>,
    answers: &[Receiver<Answer>],
    sink: &mut dyn FnMut(JudgedRow) -> Result<(), E>,
) -> Result<Summary, JudgeError<E>> {
    let mut index = Index::new();
    for (phone, position) in judge.seen {
        index.insert(
            *phone,
            First {
                position: *position,
                name: 0,
            },
        );
    }
    let mut counter = Counter::default();
    for answer in answers.iter().cycle().map(Receiver::recv) {
        match answer {
            Ok(Answer::Rows { rows, blank }) => {
                counter.blank(blank);
                for looked in rows {
                    let row = settle(looked, &mut index, &mut counter);
                    sink(row).map_err(JudgeError::Sink)?;
                }
            }
            Ok(Answer::End) => return Ok(counter.finish()),
            Ok(Answer::Fault(fault)) => return Err(fault.into()),
            // A worker ended without being told to.
            Err(_) => break,
        }
    }
    let file = input
        .files
        .first()
        .map_or_else(String::new, |file| file.name.clone());
    Err(IntakeError::Internal { file }.into())
}

/// The part of the verdict that depends on the rows before.
fn settle(looked: Looked, index: &mut Index, counter: &mut Counter) -> JudgedRow {
    let Looked {
        mut row,
        parsed,
        region,
        suppressed,
        name,
    } = looked;
    let mut facts = Facts {
        line_type: None,
        region,
        mended: Mending::NONE,
        shared: false,
    };
    if let Some(parsed) = parsed {
        facts.line_type = Some(parsed.line_type);
        facts.mended = parsed.mended;
        let here = First {
            position: row.position,
            name,
        };
        if let Some(first) = index.insert(parsed.phone, here) {
            facts.shared = name != 0 && first.name != 0 && name != first.name;
            row.verdict = Verdict::Duplicate {
                phone: parsed.phone,
                first: first.position,
            };
        } else if let Some(cause) = suppressed {
            row.verdict = Verdict::Suppressed {
                phone: parsed.phone,
                cause,
            };
        }
    }
    counter.count(&row, facts);
    row
}
