//! What a support person reads before anything is sent: numbers first, then the problems grouped by kind
//! with examples, then what to do. The layout of text and page is in `src/templates/`.

mod advice;
mod counts;
mod known;

use std::borrow::Cow;
use std::path::PathBuf;

use askama::Template;
use serde::Serialize;

use super::page;
use super::words::{grouped, place};
use crate::domain::masking::{masked_cell, masked_message};
use crate::domain::sms::SmsTally;
use crate::domain::text::{cell, on_one_line, visible};
use crate::intake::{Example, Group, IntakeError, Mapping, Note, Summary, TooFewRows};
use advice::advice;
use counts::counts;
pub(crate) use counts::sms_lines;

pub use known::{KnownBatch, KnownLine, KnownPeople, ReplyWindow};

/// Columns before a table of the text.
const INDENT: usize = 6;

/// What a pass over all rows of a list found.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// The files of the batch, in order.
    pub files: Vec<String>,
    /// What was detected about the files, in words.
    pub notes: Vec<String>,
    /// Which column means what.
    pub mapping: Mapping,
    /// The counts.
    #[serde(flatten)]
    pub summary: Summary,
    /// What the checkpoint knows of these people; `None` where it knows nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<KnownPeople>,
    /// A few messages as they would be sent.
    pub samples: Vec<String>,
    /// What the messages take as SMS, where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<SmsTally>,
    /// How long the batch would take, in words.
    pub forecast: Option<String>,
    /// Why nothing of the list may be sent, as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<TooFewRows>,
    /// Rows in the file of rejects; without any there is no file.
    #[serde(skip)]
    pub rejected: u64,
    /// The file of rejects, where there is one.
    #[serde(skip)]
    pub rejects: Option<PathBuf>,
}

impl CheckReport {
    /// The report, of a list that may be used.
    ///
    /// # Errors
    /// [`IntakeError`] if the list as a whole must not be used.
    pub(crate) fn accepted(mut self) -> Result<Self, IntakeError> {
        match self.refusal.take() {
            Some(refusal) => Err(IntakeError::too_few(&self.files, refusal)),
            None => Ok(self),
        }
    }

    /// The report for a terminal, a mail or a ticket.
    pub fn text(&self) -> String {
        self.text_within(usize::MAX)
    }

    /// The same; its tables fit `width` columns. Its lines are still to be wrapped.
    pub(crate) fn text_within(&self, width: usize) -> String {
        // Writing to a String cannot fail.
        self.view(width, Cells::Whole).render().unwrap_or_default()
    }

    /// The same, for a command that sends: its words are kept in logs, so that cells show a few of their digits. Whole
    /// they stand in the rejects.
    pub(crate) fn masked_text_within(&self, width: usize) -> String {
        // Writing to a String cannot fail.
        self.view(width, Cells::Masked).render().unwrap_or_default()
    }

    /// The report as one web page that needs nothing else, so that it can be mailed.
    pub fn html(&self) -> String {
        let view = self.view(usize::MAX, Cells::Whole);
        let charts = [
            Chart::of("Countries", &view.countries),
            Chart::of("Lines", &view.lines),
        ];
        let page = Page {
            title: on_one_line(&self.files.join(", ")).into_owned(),
            refusal: self.refusal.as_ref().map(ToString::to_string),
            parts: parts(&self.summary),
            charts: charts.into_iter().flatten().collect(),
            view,
        };
        // Writing to a String cannot fail.
        page::signed(&visible(&page.render().unwrap_or_default()))
    }

    /// What the messages take as SMS, in lines.
    pub(crate) fn sms_text(&self) -> Vec<String> {
        self.sms.as_ref().map_or_else(Vec::new, sms_lines)
    }

    /// The report for programs.
    pub fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn view(&self, width: usize, cells: Cells) -> View<'_> {
        let summary = &self.summary;
        let households = "One number, several people (messaged once)";
        let mut repeats = vec![
            (
                "Would be sent, though a remark may forbid it",
                summary.doubtful_remarks,
                &summary.remarks,
            ),
            (
                "Duplicates",
                summary.duplicate - summary.shared_numbers,
                &summary.duplicates,
            ),
            (households, summary.shared_numbers, &summary.households),
            (
                "Notes below the last contact, ignored",
                summary.note_rows,
                &summary.notes,
            ),
        ];
        repeats.retain(|(.., examples)| !examples.is_empty());
        let repeats = repeats.into_iter().map(|(title, count, examples)| Repeat {
            title,
            examples: self.examples(examples, cells),
            more: more(count, examples.len(), None),
        });
        let countries = summary.countries.iter();
        let lines = summary.line_types.iter();
        let known = self.known.as_ref();
        View {
            notes: on_lines(&self.notes),
            mapping: on_lines(&self.mapping.describe()),
            rows: grouped(summary.rows),
            counts: counts(summary),
            forecast: self.forecast.as_deref(),
            sms: self.sms_text(),
            known: known.map_or_else(Vec::new, |it| it.lines(width.saturating_sub(INDENT))),
            groups: self.reasons(cells),
            repeats: repeats.collect(),
            countries: countries
                .map(|entry| (entry.name.clone(), entry.count))
                .collect(),
            lines: lines
                .map(|entry| (entry.line_type.to_string(), entry.count))
                .collect(),
            samples: self
                .samples
                .iter()
                .map(|sample| indented(&masked_message(sample)))
                .collect(),
            advice: advice(summary),
        }
    }

    /// Why rows are not sent or were mended, by title.
    fn reasons(&self, cells: Cells) -> Vec<(&'static str, Vec<GroupLine>)> {
        let summary = &self.summary;
        let file = self.rejects.as_ref().map(|path| path.display().to_string());
        let mut groups = vec![
            (
                "Cannot be sent",
                self.groups(&summary.problems, file.as_deref(), cells),
            ),
            (
                "Must not be sent",
                self.groups(&summary.suppressions, None, cells),
            ),
            ("Mended", self.groups(&summary.mendings, None, cells)),
        ];
        groups.retain(|(_, groups)| !groups.is_empty());
        groups
    }

    /// `file` has all of their rows.
    fn groups(&self, groups: &[Group], file: Option<&str>, cells: Cells) -> Vec<GroupLine> {
        let line = |group: &Group| GroupLine {
            count: grouped(group.count),
            text: on_one_line(&group.text).into_owned(),
            examples: self.examples(&group.examples, cells),
            more: more(group.count, group.examples.len(), file),
        };
        groups.iter().map(line).collect()
    }

    fn examples(&self, examples: &[Example], cells: Cells) -> Vec<ExampleLine> {
        let line = |example: &Example| ExampleLine {
            place: place(&self.files, example.file, example.row),
            typed: shown(&cells.of(&example.typed)),
            note: self.note(example, cells),
        };
        examples.iter().map(line).collect()
    }

    /// What the example says beside its cell, ready to stand behind it.
    fn note(&self, example: &Example, cells: Cells) -> String {
        match &example.note {
            Note::None => String::new(),
            Note::FirstRow { file, row } => {
                format!(", same number as {}", place(&self.files, *file, *row))
            }
            note @ (Note::Suggestion(_) | Note::ReadAs(_)) => {
                format!(" ({})", on_one_line(&cells.of(&note.to_string())))
            }
            Note::Detail(words) => format!(" ({})", on_one_line(words)),
        }
    }
}

/// How the cells of a list are shown.
#[derive(Debug, Clone, Copy)]
enum Cells {
    Whole,
    Masked,
}

impl Cells {
    fn of(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Whole => text.into(),
            Self::Masked => masked_cell(text).into(),
        }
    }
}

/// The report as texts, ready to be printed: the template of the text, and a part of the page.
#[derive(Template)]
#[template(
    path = "check.txt",
    config = "src/templates/askama.toml",
    escape = "none"
)]
struct View<'a> {
    notes: Vec<String>,
    mapping: Vec<String>,
    rows: String,
    counts: Vec<(String, &'static str)>,
    forecast: Option<&'a str>,
    sms: Vec<String>,
    /// What the checkpoint knows, as a table.
    known: Vec<String>,
    /// Reasons by title, each with its first rows.
    groups: Vec<(&'static str, Vec<GroupLine>)>,
    /// Rows by title.
    repeats: Vec<Repeat>,
    countries: Vec<(String, u64)>,
    lines: Vec<(String, u64)>,
    samples: Vec<String>,
    advice: Vec<String>,
}

struct GroupLine {
    count: String,
    text: String,
    examples: Vec<ExampleLine>,
    /// Rows that are not shown, and where they are; empty if all are.
    more: String,
}

/// Rows that need no mending.
struct Repeat {
    title: &'static str,
    examples: Vec<ExampleLine>,
    /// As in [`GroupLine`].
    more: String,
}

fn more(count: u64, shown: usize, file: Option<&str>) -> String {
    let shown = u64::try_from(shown).unwrap_or(u64::MAX);
    match (count.saturating_sub(shown), file) {
        (0, _) => String::new(),
        (more, Some(file)) => format!("and {} more, all in {}", grouped(more), on_one_line(file)),
        (more, None) => format!("and {} more, which `check` shows with --all", grouped(more)),
    }
}

struct ExampleLine {
    place: String,
    typed: String,
    note: String,
}

/// The web page: no script, no font, no picture from elsewhere.
#[derive(Template)]
#[template(path = "check.html", config = "src/templates/askama.toml")]
struct Page<'a> {
    title: String,
    /// Why nothing of the list may be sent.
    refusal: Option<String>,
    parts: Vec<Part>,
    charts: Vec<Chart>,
    view: View<'a>,
}

/// A verdict's share of the bar at the top, which is 1000 wide.
struct Part {
    class: &'static str,
    label: &'static str,
    count: String,
    x: f64,
    width: f64,
}

fn parts(summary: &Summary) -> Vec<Part> {
    let verdicts = [
        ("q", "would be sent", summary.queued),
        ("i", "cannot be sent", summary.invalid),
        ("d", "duplicates", summary.duplicate),
        ("s", "suppressed", summary.suppressed),
    ];
    let total = verdicts.iter().map(|(.., count)| count).sum::<u64>().max(1) as f64;
    let mut x = 0.0;
    let part = |(class, label, count): (_, _, u64)| {
        let width = count as f64 * 1000.0 / total;
        x += width;
        Part {
            class,
            label,
            count: grouped(count),
            x: x - width,
            width,
        }
    };
    verdicts.into_iter().map(part).collect()
}

/// Counts as horizontal bars.
struct Chart {
    title: &'static str,
    height: usize,
    bars: Vec<Bar>,
    /// Entries that have no bar.
    more: usize,
}

struct Bar {
    name: String,
    count: String,
    y: usize,
    width: f64,
    /// Where the bar ends and its count is written.
    end: f64,
}

impl Chart {
    /// `None` without entries; the first one is the largest.
    fn of(title: &'static str, entries: &[(String, u64)]) -> Option<Self> {
        const MOST: usize = 15;
        const HEIGHT: usize = 28;
        let largest = entries.first()?.1.max(1) as f64;
        let more = entries.len().saturating_sub(MOST);
        let bar = |(index, (name, count)): (usize, &(String, u64))| {
            let width = *count as f64 * 600.0 / largest;
            Bar {
                name: name.clone(),
                count: grouped(*count),
                y: index * HEIGHT,
                width,
                end: 268.0 + width,
            }
        };
        let bars: Vec<Bar> = entries.iter().take(MOST).enumerate().map(bar).collect();
        Some(Self {
            title,
            height: bars.len() * HEIGHT,
            bars,
            more,
        })
    }
}

fn on_lines(texts: &[String]) -> Vec<String> {
    let texts = texts.iter();
    texts.map(|text| on_one_line(text).into_owned()).collect()
}

/// A message whose further lines cannot pass for our own lines.
fn indented(text: &str) -> String {
    text.replace('\n', "\n      ")
}

/// A cell on one line, with what cannot be seen made visible.
fn shown(typed: &str) -> String {
    if typed.is_empty() {
        "(empty)".to_owned()
    } else {
        cell(typed).into_owned()
    }
}

/// `Czechia 12, Slovakia 3 and 4 more`.
fn tally(entries: &[(String, u64)]) -> String {
    const MOST: usize = 8;
    let shown = entries.iter().take(MOST);
    let shown: Vec<_> = shown
        .map(|(name, count)| format!("{name} {}", grouped(*count)))
        .collect();
    let shown = shown.join(", ");
    match entries.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
