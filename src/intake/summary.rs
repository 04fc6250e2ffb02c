//! What a file holds, in numbers: every report is made from it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::column::Column;
use super::consent::UnusedAnswers;
use super::corrections::is_one_number;
use super::row::Number;
use crate::domain::phone::{LineType, Parsed, PhoneProblem, Region};
use crate::domain::recipient::{JudgedRow, Position, RowProblem, Suppression, Verdict};
use crate::domain::text::shortened;

/// The counts of one pass over the input.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Rows that hold anything, the header not counted.
    pub rows: u64,
    /// Rows without any text; they count in the numbering but are no contacts.
    pub blank_rows: u64,
    /// Notes and totals below the last contact; they are no contacts.
    #[serde(skip_serializing_if = "is_zero")]
    pub note_rows: u64,
    /// Rows of which at least one number is valid, and the message can be made.
    #[serde(skip)]
    pub valid_rows: u64,
    /// To be sent.
    pub queued: u64,
    /// Cannot be sent as they stand.
    pub invalid: u64,
    /// Numbers that stood in an earlier row.
    pub duplicate: u64,
    /// Valid, but must not be messaged.
    pub suppressed: u64,
    /// Those of them whose consent is not understood.
    #[serde(skip)]
    pub(super) not_understood: u64,
    /// What the first of these says, and where.
    #[serde(skip)]
    pub(super) first_not_understood: Option<String>,
    /// Queued rows whose cell was mended.
    pub mended: u64,
    /// Queued rows that are read by the country that the list names, and not by the one that is set.
    #[serde(skip_serializing_if = "is_zero")]
    pub overrides_region: u64,
    /// Queued rows whose columns of consent are empty.
    #[serde(skip_serializing_if = "is_zero")]
    pub silent_on_consent: u64,
    /// Queued rows with a remark that may mean that the person must not be messaged.
    #[serde(skip_serializing_if = "is_zero")]
    pub doubtful_remarks: u64,
    /// The first of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Example>,
    /// Columns of answers that are taken for nothing, and in which queued rows say "no".
    #[serde(rename = "unheard", skip_serializing_if = "Vec::is_empty")]
    pub unused_answers: Vec<UnusedAnswers>,
    /// Duplicates whose row names another person than the first row.
    pub shared_numbers: u64,
    /// Invalid rows by reason, the most frequent first.
    pub problems: Vec<Group>,
    /// Mended rows by repair, the most frequent first.
    pub mendings: Vec<Group>,
    /// Suppressed rows by cause, the most frequent first.
    pub suppressions: Vec<Group>,
    /// The first duplicates.
    pub duplicates: Vec<Example>,
    /// The first numbers that several people share.
    pub households: Vec<Example>,
    /// The first notes and totals.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Example>,
    /// Queued numbers by country, the most frequent first.
    pub countries: Vec<CountryCount>,
    /// Queued numbers by kind of line, the most frequent first.
    pub line_types: Vec<LineCount>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Rows that share a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The stable word.
    pub code: String,
    /// The reason in words.
    pub text: String,
    /// How many rows.
    pub count: u64,
    /// For how many of them one number is suggested.
    #[serde(skip)]
    pub(crate) suggested: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// A row that shows what is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Index of the file in the batch, from 0.
    pub file: u16,
    /// Row as a spreadsheet numbers it.
    pub row: u32,
    /// The text of the cell.
    pub typed: String,
    /// What there is to say beside it.
    #[serde(skip_serializing_if = "Note::is_none")]
    pub note: Note,
}

/// What an example says beside the text of its cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// Nothing.
    None,
    /// What the cell should probably say.
    Suggestion(String),
    /// The number that the mended cell was read as.
    ReadAs(String),
    /// What is wrong with this very row.
    Detail(String),
    /// The row that counts instead.
    FirstRow {
        /// Index of its file in the batch, from 0.
        file: u16,
        /// Its row.
        row: u32,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Suggestion(text) => write!(f, "did you mean {text}?"),
            Self::ReadAs(text) => write!(f, "read as {text}"),
            Self::Detail(text) => f.write_str(text),
            Self::FirstRow { row, .. } => write!(f, "same number as row {row}"),
        }
    }
}

impl Note {
    /// True if there is nothing to say.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// Numbers of one country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CountryCount {
    /// ISO code.
    pub country: Region,
    /// English name.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// Numbers of one kind of line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineCount {
    /// The kind.
    pub line_type: LineType,
    /// How many.
    pub count: u64,
}

/// How many characters of a cell are shown: it may hold a whole letter by mistake.
const SHOWN: usize = 60;

/// Groups by their stable word.
type Groups = BTreeMap<&'static str, Group>;

/// Counts rows one by one.
#[derive(Default)]
pub(super) struct Counter {
    /// Rows of each kind that are kept to show it.
    examples: usize,
    summary: Summary,
    problems: Groups,
    mendings: Groups,
    suppressions: Groups,
    countries: BTreeMap<Region, u64>,
    lines: BTreeMap<LineType, u64>,
    last_row: Option<Position>,
    last_valid: Option<Position>,
}

fn example(row: &JudgedRow, note: Note) -> Example {
    Example {
        file: row.position.file,
        row: row.position.row.get(),
        typed: shortened(&row.typed, SHOWN).into_owned(),
        note,
    }
}

/// What all rows of one kind have in common.
fn problem_text(problem: &RowProblem) -> String {
    match problem {
        RowProblem::Phone(PhoneProblem::NotAPerson(_)) => {
            "no person is behind this kind of line".to_owned()
        }
        RowProblem::Phone(problem) => problem.to_string(),
        RowProblem::UnevenLength { .. } => {
            "the row has more or fewer fields than the header".to_owned()
        }
        RowProblem::RoundedContactId { .. } => {
            "a spreadsheet rounded the contact id and its last digits are lost".to_owned()
        }
        RowProblem::ContactIdOfAnother { .. } => {
            "the contact id belongs to another number".to_owned()
        }
        RowProblem::Content { .. } => "the message cannot be made of this row".to_owned(),
        RowProblem::Segments { .. } => {
            "the message needs more SMS segments than --max-segments allows".to_owned()
        }
    }
}

/// What is special about this one.
fn problem_note(problem: &RowProblem, suggestion: Option<&String>) -> Note {
    match (problem, suggestion) {
        (_, Some(suggestion)) => Note::Suggestion(suggestion.clone()),
        (
            RowProblem::Phone(PhoneProblem::NotAPerson(_))
            | RowProblem::UnevenLength { .. }
            | RowProblem::RoundedContactId { .. }
            | RowProblem::ContactIdOfAnother { .. }
            | RowProblem::Content { .. }
            | RowProblem::Segments { .. },
            None,
        ) => Note::Detail(problem.to_string()),
        (RowProblem::Phone(_), None) => Note::None,
    }
}

/// The word of a group of suppressed rows: who opted out stands apart from who was put on the list otherwise.
fn suppression_code(cause: &Suppression) -> &'static str {
    if matches!(cause, Suppression::OtherNumber { .. }) {
        "other_number"
    } else if cause.is_opt_out() {
        "opted_out"
    } else {
        cause.code()
    }
}

/// What all suppressed rows of one kind have in common.
fn suppression_text(cause: &Suppression) -> &'static str {
    match cause {
        Suppression::OtherNumber { .. } => {
            "another number of their row must not be messaged, or has the message: it is the same person"
        }
        Suppression::NoConsent { .. } => "no consent: the list itself says so",
        Suppression::Listed { .. } if cause.is_opt_out() => {
            "opted out: `outreach suppress list` shows when"
        }
        Suppression::Listed { .. } => {
            "on the suppression list, by hand or from a file: `outreach suppress list` shows why"
        }
        Suppression::RepeatGuard { .. } | Suppression::SameBatch { .. } => {
            "got the same message before: `outreach contacts show NUMBER` shows when"
        }
        Suppression::NotWithin { .. } => {
            "got a message within --not-within: `outreach contacts show NUMBER` shows when"
        }
        Suppression::NoMessengerWithin { .. } => {
            "had no Messenger within --skip-no-messenger-within: `outreach contacts show NUMBER` shows when"
        }
        Suppression::OtherMessage { .. } => {
            "got another message, and are left out (--skip-messaged)"
        }
        Suppression::SentByList { .. } => {
            "got this message, or may have, as the list itself says (outreach_status); `--ignore-consent-column \
             outreach_status` messages them all the same"
        }
        Suppression::UnreadReply => {
            "wrote what may ask not to be messaged, or may have written it, and nobody has read it: `outreach suppress replies` shows it"
        }
        Suppression::MendedBefore { .. } => {
            "mend rows that were mended already: a row is mended once"
        }
        Suppression::Removed => "no longer in the list (--update)",
        Suppression::Forgotten => "erased at the person's request",
        Suppression::WindowNeverOpens => "their sending window never opens",
        Suppression::WindowClosed => "window closed: too long after their event (--expires)",
        Suppression::NoEvent => "the event that they waited for did not come (--open-for)",
    }
}

/// What is special about this one.
fn suppression_note(cause: &Suppression) -> Note {
    match cause {
        Suppression::OtherNumber { .. } => Note::Detail(cause.to_string()),
        Suppression::NoConsent { says, .. } => Note::Detail(says.clone()),
        Suppression::Listed { .. } if cause.is_opt_out() => Note::None,
        Suppression::Listed { reason } => Note::Detail(reason.clone()),
        Suppression::RepeatGuard { batch, at, .. }
        | Suppression::NotWithin { batch, at, .. }
        | Suppression::OtherMessage { batch, at, .. } => {
            Note::Detail(format!("{at}, batch {batch}"))
        }
        Suppression::NoMessengerWithin { at } => Note::Detail(at.clone()),
        Suppression::MendedBefore { by } => Note::Detail(by.clone()),
        Suppression::SameBatch { .. }
        | Suppression::SentByList { .. }
        | Suppression::UnreadReply
        | Suppression::Removed
        | Suppression::Forgotten
        | Suppression::WindowNeverOpens
        | Suppression::WindowClosed
        | Suppression::NoEvent => Note::None,
    }
}

fn keep(most: usize, examples: &mut Vec<Example>, example: impl FnOnce() -> Example) {
    if examples.len() < most {
        examples.push(example());
    }
}

fn group<'a>(
    most: usize,
    groups: &'a mut Groups,
    code: &'static str,
    text: impl FnOnce() -> String,
    row: impl FnOnce() -> Example,
) -> &'a mut Group {
    let group = groups.entry(code).or_insert_with(|| Group {
        code: code.to_owned(),
        text: text(),
        count: 0,
        suggested: 0,
        examples: Vec::new(),
    });
    group.count += 1;
    keep(most, &mut group.examples, row);
    group
}

impl Counter {
    /// `unused_answers` are the columns of answers that are taken for nothing.
    pub(super) fn new(examples: usize, unused_answers: &[Column]) -> Self {
        let unused_answers = unused_answers.iter().map(UnusedAnswers::of).collect();
        Self {
            examples,
            summary: Summary {
                unused_answers,
                ..Summary::default()
            },
            ..Self::default()
        }
    }

    pub(super) fn blank(&mut self, rows: u64) {
        self.summary.blank_rows += rows;
    }

    /// Counts a note or a total.
    pub(super) fn note(&mut self, position: Position, text: &str) {
        self.summary.note_rows += 1;
        keep(self.examples, &mut self.summary.notes, || Example {
            file: position.file,
            row: position.row.get(),
            typed: shortened(text, SHOWN).into_owned(),
            note: Note::None,
        });
    }

    /// Counts a row. `number` is that of a valid row; `shared` says that a duplicate's row names another
    /// person than the first row with the number.
    pub(super) fn count(&mut self, row: &JudgedRow, number: Option<&Number>, shared: bool) {
        // With all numbers of a row, it comes several times.
        if self.last_row.replace(row.position) != Some(row.position) {
            self.summary.rows += 1;
        }
        let valid = !matches!(row.verdict, Verdict::Invalid { .. });
        if valid && self.last_valid != Some(row.position) {
            self.summary.valid_rows += 1;
            self.last_valid = Some(row.position);
        }
        match &row.verdict {
            Verdict::Queued(_) => {
                self.summary.queued += 1;
                if let Some(number) = number {
                    self.queued(row, number);
                }
            }
            Verdict::Invalid {
                problem,
                suggestion,
                phone: _,
            } => {
                self.summary.invalid += 1;
                let text = || problem_text(problem);
                let bad = || example(row, problem_note(problem, suggestion.as_ref()));
                let code = problem.code();
                let group = group(self.examples, &mut self.problems, code, text, bad);
                let is_one = suggestion.as_deref().is_some_and(is_one_number);
                group.suggested += u64::from(is_one);
            }
            Verdict::Duplicate { first, .. } => self.duplicate(row, *first, shared),
            Verdict::Suppressed { cause, phone } => {
                self.summary.suppressed += 1;
                if cause.is_not_understood() {
                    self.not_understood(cause);
                }
                let text = || suppression_text(cause).to_owned();
                // There is nothing to mend: nobody needs to read the number.
                let row = || Example {
                    typed: phone.masked(),
                    ..example(row, suppression_note(cause))
                };
                group(
                    self.examples,
                    &mut self.suppressions,
                    suppression_code(cause),
                    text,
                    row,
                );
            }
        }
    }

    fn not_understood(&mut self, cause: &Suppression) {
        self.summary.not_understood += 1;
        if self.summary.first_not_understood.is_none()
            && let Note::Detail(says) = suppression_note(cause)
        {
            self.summary.first_not_understood = Some(says);
        }
    }

    fn duplicate(&mut self, row: &JudgedRow, first: Position, shared: bool) {
        self.summary.duplicate += 1;
        let note = Note::FirstRow {
            file: first.file,
            row: first.row.get(),
        };
        let examples = if shared {
            self.summary.shared_numbers += 1;
            &mut self.summary.households
        } else {
            &mut self.summary.duplicates
        };
        keep(self.examples, examples, || example(row, note));
    }

    fn queued(&mut self, row: &JudgedRow, number: &Number) {
        let Parsed {
            phone,
            mended,
            line_type,
        } = number.parsed;
        if let Some(region) = number.region {
            *self.countries.entry(region).or_default() += 1;
        }
        *self.lines.entry(line_type).or_default() += 1;
        self.summary.silent_on_consent += u64::from(number.silent_on_consent);
        self.summary.overrides_region += u64::from(number.overrides_region);
        for (bit, column) in self.summary.unused_answers.iter_mut().enumerate() {
            column.no += number.unused_answers >> bit & 1;
        }
        if let Some(says) = &number.doubt {
            self.summary.doubtful_remarks += 1;
            keep(self.examples, &mut self.summary.remarks, || {
                example(row, Note::Detail(says.clone()))
            });
        }
        self.summary.mended += u64::from(!mended.is_none());
        for phrase in mended.phrases() {
            let read = || example(row, Note::ReadAs(phone.e164()));
            group(
                self.examples,
                &mut self.mendings,
                phrase,
                || phrase.to_owned(),
                read,
            );
        }
    }

    pub(super) fn finish(self) -> Summary {
        let groups = |groups: Groups| most_frequent(groups.into_values(), |group| group.count);
        let countries = self
            .countries
            .into_iter()
            .map(|(country, count)| CountryCount {
                country,
                name: country.name(),
                count,
            });
        let lines = self.lines.into_iter();
        let lines = lines.map(|(line_type, count)| LineCount { line_type, count });
        let unused_answers = self.summary.unused_answers.into_iter();
        Summary {
            unused_answers: unused_answers.filter(|it| it.no > 0).collect(),
            problems: groups(self.problems),
            mendings: groups(self.mendings),
            suppressions: groups(self.suppressions),
            countries: most_frequent(countries, |entry| entry.count),
            line_types: most_frequent(lines, |entry| entry.count),
            ..self.summary
        }
    }
}

fn most_frequent<T>(entries: impl Iterator<Item = T>, count: impl Fn(&T) -> u64) -> Vec<T> {
    let mut entries: Vec<T> = entries.collect();
    entries.sort_by_key(|entry| Reverse(count(entry)));
    entries
}
