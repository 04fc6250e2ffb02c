//! How an uploaded list was read, as the page shows it: what is most wrong comes first, and alone.

use std::sync::Arc;

use super::app::App;
use super::bar::{Part, bar, counted_people};
use super::checked::{Checked, Trouble};
use super::draft::Draft;
use super::job::Job;
use super::mend;
use super::to_mend;
use crate::domain::recipient::RowProblem;
use crate::intake::{EXAMPLES, Example, Group, Note, Summary, TooFewRows};
use crate::report::{counted, grouped, place};
use crate::run::{CheckReport, CheckSettings};

/// How many rows are kept to try a message on.
const SAMPLES: usize = 200;

/// A list that is read.
type Reading = Arc<Job<Result<Arc<Checked>, String>>>;

/// Reads a list, as a job. `with_message`: its message is made for each row too.
pub(super) fn begin(app: &Arc<App>, draft: &Draft, with_message: bool) -> Reading {
    let (ours, ours_draft) = (Arc::clone(app), draft.clone());
    app.checks.begin(&draft.key(with_message), move |job| {
        check(&ours, &ours_draft, with_message, None, job).map(Arc::new)
    })
}

/// Reads it once more for a row that stands behind those that are kept; `None` if the row is kept, or is not there.
pub(super) fn begin_for_row(
    app: &Arc<App>,
    draft: &Draft,
    row: Option<u32>,
    checked: &Checked,
) -> Option<Reading> {
    let row = row.filter(|row| !checked.samples.has(*row))?;
    let last = checked.samples.row_at(SAMPLES - 1)?;
    let (ours, ours_draft) = (Arc::clone(app), draft.clone());
    (row > last).then(|| {
        app.checks
            .begin(&format!("{}\nrow {row}", draft.key(false)), move |job| {
                check(&ours, &ours_draft, false, Some(row), job).map(Arc::new)
            })
    })
}

fn check<T: Clone + Send + Sync + 'static>(
    app: &App,
    draft: &Draft,
    with_message: bool,
    row: Option<u32>,
    job: &Job<T>,
) -> Result<Checked, String> {
    let now = app.clock.now();
    let settings = (app.settings.run)(now)?;
    let intake = draft.intake(app)?;
    let message = draft.content(app).filter(|_| with_message);
    let list = match draft.open(&intake, message.as_ref()) {
        Ok(list) => list.with_sms(draft.sms_settings(app)),
        Err(error) => return Ok(Checked::troubled(Trouble::of(&error))),
    };
    if let Some(trouble) = Trouble::asked(&list, draft.choices.international) {
        return Ok(Checked::troubled(trouble));
    }
    let columns = list.columns();
    let sheets = list.sheets().map_or_else(Vec::new, |sheets| {
        sheets.with_numbers().map(str::to_owned).collect()
    });
    let letters = list.doubtful_message().map(ToString::to_string);
    let notices = list.notices().iter().map(ToString::to_string).collect();
    let rejects = draft.folder(app).join(list.default_rejects_path());
    let channel = draft.channel(app.kind());
    let how = CheckSettings {
        checkpoint: Some(app.people()),
        history: settings.history,
        channel,
        rejects: Some(&rejects),
        leave_rejects: false,
        examples: mend::SHOWN,
    };
    let progress = &mut |rows| job.read(rows);
    match list.check_with_samples(&how, SAMPLES, row, now, progress) {
        Ok((report, samples)) => Ok(Checked {
            trouble: None,
            rejects: report.rejects.clone(),
            report: Some(report),
            columns,
            samples,
            sheets,
            notices,
            letters: letters.filter(|_| draft.choices.encoding.is_empty()),
        }),
        Err(error) => Ok(Checked::troubled(Trouble::of(&error))),
    }
}

/// Rows of one kind.
pub(super) struct GroupView {
    pub(super) count: String,
    pub(super) text: String,
    pub(super) rows: Vec<(String, String, String)>,
    pub(super) more: u64,
}

/// What a reading shows.
pub(super) struct ReadingView {
    pub(super) queued: u64,
    pub(super) people: String,
    pub(super) rows: String,
    pub(super) bar: Vec<Part>,
    pub(super) notes: Vec<String>,
    pub(super) mapping: Vec<String>,
    /// Rows that a number mends.
    pub(super) to_mend: Vec<to_mend::Kind>,
    /// By title.
    pub(super) groups: Vec<(&'static str, Vec<GroupView>)>,
    pub(super) refusal: Option<String>,
    /// What is refused is the share of rows that cannot be sent: they can be left out.
    pub(super) can_leave_out: bool,
    pub(super) countries: Vec<(String, String)>,
    pub(super) segments: Vec<String>,
}

impl ReadingView {
    pub(super) fn of(report: &CheckReport) -> Self {
        let summary = &report.summary;
        let all = |groups: &[Group]| groups.iter().map(|it| group(report, it)).collect();
        let others: Vec<Group> = summary
            .problems
            .iter()
            .filter(|it| !RowProblem::is_of_number(&it.code))
            .cloned()
            .collect();
        let mut groups = vec![
            ("Cannot be sent as they stand", all(&others)),
            ("Must not be sent", all(&summary.suppressions)),
            ("Repeat an earlier number", repeats(report)),
            ("Mended", all(&summary.mendings)),
        ];
        groups.retain(|(_, groups): &(_, Vec<GroupView>)| !groups.is_empty());
        let countries = summary.countries.iter().take(12);
        Self {
            queued: summary.queued,
            people: counted_people(summary.queued),
            rows: counted(summary.rows, "row"),
            bar: bar(&[
                ("q", "would be sent", summary.queued),
                ("i", "cannot be sent as they stand", summary.invalid),
                ("d", "repeat an earlier number", summary.duplicate),
                ("s", "must not be sent", summary.suppressed),
            ]),
            notes: report.notes.clone(),
            mapping: report.mapping.describe(),
            to_mend: mend::kinds_of(report),
            groups,
            refusal: report.refusal.as_ref().map(refused),
            can_leave_out: matches!(report.refusal, Some(TooFewRows::BelowMinimum { .. })),
            countries: countries
                .map(|it| (it.name.clone(), grouped(it.count)))
                .collect(),
            segments: report.sms_text(),
        }
    }
}

/// Why nothing of a list is sent, for people who read no manual.
fn refused(refusal: &TooFewRows) -> String {
    match refusal {
        TooFewRows::NoneValid { rows, fault, .. } => format!(
            "None of its {} {fault}. Look at how it was read, and at what is wrong with the rows.",
            counted(*rows, "row")
        ),
        TooFewRows::ConsentNotUnderstood { rows, says } => format!(
            "None of its {} is sent, because a column that says who may be messaged is not understood: {says}. Call it \
             \"Consent\" or \"Do not contact\" in the list, with \"yes\" and \"no\" below, or ignore it if it is about something \
             else.",
            counted(*rows, "row")
        ),
        TooFewRows::BelowMinimum { valid, rows, .. } => format!(
            "Only {} of {} can be sent: so many wrong rows often mean that the list is read wrongly. Look at how it was \
             read; mend numbers; or leave these rows out.",
            grouped(*valid),
            counted(*rows, "row")
        ),
    }
}

fn repeats(report: &CheckReport) -> Vec<GroupView> {
    let summary: &Summary = &report.summary;
    let own = summary.duplicate.saturating_sub(summary.shared_numbers);
    let kinds = [
        (own, "the same number again", &summary.duplicates),
        (
            summary.shared_numbers,
            "one number, another person: messaged once",
            &summary.households,
        ),
    ];
    let filled = kinds.into_iter().filter(|(count, ..)| *count > 0);
    filled
        .map(|(count, text, examples)| GroupView {
            count: grouped(count),
            text: text.to_owned(),
            rows: rows(report, examples),
            more: count.saturating_sub(EXAMPLES.min(examples.len()) as u64),
        })
        .collect()
}

fn group(report: &CheckReport, group: &Group) -> GroupView {
    GroupView {
        count: grouped(group.count),
        text: group.text.clone(),
        rows: rows(report, &group.examples),
        more: group
            .count
            .saturating_sub(EXAMPLES.min(group.examples.len()) as u64),
    }
}

fn rows(report: &CheckReport, examples: &[Example]) -> Vec<(String, String, String)> {
    let line = |example: &Example| {
        let note = match &example.note {
            Note::None => String::new(),
            note => note.to_string(),
        };
        let at = place(&report.files, example.file, example.row);
        (at, example.typed.clone(), note)
    };
    examples.iter().take(EXAMPLES).map(line).collect()
}
