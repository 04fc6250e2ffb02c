//! What a support person reads before anything is sent: numbers first, then the problems grouped by kind
//! with examples, then what to do. The layout of text and page is in `templates/`.

use askama::Template;
use serde::Serialize;

use super::words::{grouped, place};
use crate::domain::sms::{SmsTally, advice as advice_about};
use crate::domain::text::{cell, on_one_line, visible};
use crate::intake::{Example, Group, Mapping, Note, Summary};

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
    /// A few messages as they would be sent.
    pub samples: Vec<String>,
    /// What the messages take as SMS, where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<SmsTally>,
    /// How long the batch would take, in words.
    pub forecast: Option<String>,
    /// Rows in the file of rejects; without any there is no file.
    #[serde(skip)]
    pub rejected: u64,
}

impl CheckReport {
    /// The report for a terminal, a mail or a ticket.
    pub fn text(&self) -> String {
        // Writing to a String cannot fail.
        self.view().render().unwrap_or_default()
    }

    /// The report as one web page that needs nothing else, so that it can be mailed.
    pub fn html(&self) -> String {
        let view = self.view();
        let charts = [
            Chart::of("Countries", &view.countries),
            Chart::of("Lines", &view.lines),
        ];
        let page = Page {
            title: on_one_line(&self.files.join(", ")).into_owned(),
            parts: parts(&self.summary),
            charts: charts.into_iter().flatten().collect(),
            view,
        };
        // Writing to a String cannot fail.
        visible(&page.render().unwrap_or_default()).into_owned()
    }

    /// The report for programs.
    pub fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn view(&self) -> View<'_> {
        let summary = &self.summary;
        let mut groups = vec![
            ("Cannot be sent", self.groups(&summary.problems)),
            ("Must not be sent", self.groups(&summary.suppressions)),
            ("Mended", self.groups(&summary.mendings)),
        ];
        groups.retain(|(_, groups)| !groups.is_empty());
        let households = "One number, several people (messaged once)";
        let mut repeats = vec![
            ("Duplicates", self.examples(&summary.duplicates)),
            (households, self.examples(&summary.households)),
        ];
        repeats.retain(|(_, examples)| !examples.is_empty());
        let countries = summary.countries.iter();
        let lines = summary.line_types.iter();
        View {
            notes: on_lines(&self.notes),
            mapping: on_lines(&self.mapping.describe()),
            rows: grouped(summary.rows),
            counts: counts(summary),
            forecast: self.forecast.as_deref(),
            sms: self.sms.as_ref().map_or_else(Vec::new, sms_lines),
            groups,
            repeats,
            countries: countries
                .map(|entry| (entry.name.clone(), entry.count))
                .collect(),
            lines: lines
                .map(|entry| (entry.line_type.to_string(), entry.count))
                .collect(),
            samples: self.samples.iter().map(|sample| indented(sample)).collect(),
            advice: advice(summary),
        }
    }

    fn groups(&self, groups: &[Group]) -> Vec<GroupLine> {
        let line = |group: &Group| GroupLine {
            count: grouped(group.count),
            text: on_one_line(&group.text).into_owned(),
            examples: self.examples(&group.examples),
        };
        groups.iter().map(line).collect()
    }

    fn examples(&self, examples: &[Example]) -> Vec<ExampleLine> {
        let line = |example: &Example| ExampleLine {
            place: place(&self.files, example.file, example.row),
            typed: shown(&example.typed),
            note: self.note(example),
        };
        examples.iter().map(line).collect()
    }

    /// What the example says beside its cell, ready to stand behind it.
    fn note(&self, example: &Example) -> String {
        match &example.note {
            Note::None => String::new(),
            Note::FirstRow { file, row } => {
                format!(", same number as {}", place(&self.files, *file, *row))
            }
            note @ (Note::Suggestion(_) | Note::ReadAs(_) | Note::Detail(_)) => {
                format!(" ({})", on_one_line(&note.to_string()))
            }
        }
    }
}

/// The report as texts, ready to be printed: the template of the text, and a part of the page.
#[derive(Template)]
#[template(path = "check.txt", escape = "none")]
struct View<'a> {
    notes: Vec<String>,
    mapping: Vec<String>,
    rows: String,
    counts: Vec<(String, &'static str)>,
    forecast: Option<&'a str>,
    sms: Vec<String>,
    /// Reasons by title, each with its first rows.
    groups: Vec<(&'static str, Vec<GroupLine>)>,
    /// Rows by title.
    repeats: Vec<(&'static str, Vec<ExampleLine>)>,
    countries: Vec<(String, u64)>,
    lines: Vec<(String, u64)>,
    samples: Vec<String>,
    advice: Vec<String>,
}

struct GroupLine {
    count: String,
    text: String,
    examples: Vec<ExampleLine>,
}

struct ExampleLine {
    place: String,
    typed: String,
    note: String,
}

/// The web page: no script, no font, no picture from elsewhere.
#[derive(Template)]
#[template(path = "check.html")]
struct Page<'a> {
    title: String,
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

/// The counts of the verdicts with their meaning.
fn counts(summary: &Summary) -> Vec<(String, &'static str)> {
    let always = [
        (summary.queued, "would be sent"),
        (summary.invalid, "cannot be sent as they stand"),
        (summary.duplicate, "repeat an earlier number"),
    ];
    let optional = [
        (summary.suppressed, "must not be sent"),
        (summary.mended, "of those to be sent were mended"),
        (
            summary.overrides_region,
            "of those to be sent are read by the country in the list, not by --region",
        ),
        (
            summary.silent_on_consent,
            "of those to be sent have nothing in the column of consent",
        ),
        (
            summary.shared_numbers,
            "of the repeats name another person than the first row",
        ),
        (summary.blank_rows, "blank rows, ignored"),
    ];
    let optional = optional.into_iter().filter(|(count, _)| *count > 0);
    let counts = always.into_iter().chain(optional);
    counts
        .map(|(count, meaning)| (grouped(count), meaning))
        .collect()
}

/// Characters that are named.
const CHARACTERS: usize = 8;

/// What the messages take as SMS, and which characters make it more.
fn sms_lines(sms: &SmsTally) -> Vec<String> {
    let mut lines = Vec::new();
    if sms.messages > 0 {
        let each = match (sms.least, sms.most) {
            (least, most) if least == most => format!("{least} each"),
            (least, most) => format!("{least} to {most} each"),
        };
        lines.push(format!(
            "{} segments for {} messages, {each}",
            grouped(sms.segments),
            grouped(sms.messages)
        ));
    }
    if sms.ucs2 > 0 {
        lines.push(format!(
            "{} messages are in UCS-2, of which a segment holds 70 characters in place of 160",
            grouped(sms.ucs2)
        ));
    }
    let costly = sms.costly();
    if !costly.is_empty() {
        let named = costly.iter().take(CHARACTERS);
        let named: Vec<String> = named
            .map(|(letter, count)| format!("{} in {}", advice_about(*letter), grouped(*count)))
            .collect();
        let more = match costly.len().saturating_sub(CHARACTERS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        lines.push(format!(
            "The characters behind that: {}{more}",
            named.join(", ")
        ));
    }
    if sms.plain_segments < sms.segments {
        lines.push(format!(
            "Written so, all take {} segments",
            grouped(sms.plain_segments)
        ));
    }
    if sms.no_texts > 0 {
        lines.push(format!(
            "{} messages are no texts and are not counted: an SMS is a text",
            grouped(sms.no_texts)
        ));
    }
    lines
}

/// What the owner of the list can do about it, most pressing first.
fn advice(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> = summary
        .problems
        .iter()
        .filter_map(|group| advice_for(&group.code))
        .map(str::to_owned)
        .collect();
    if summary.problems.iter().any(lacks_a_plus) {
        lines.push("Numbers that only lack their plus are read with --international: all of them begin with their country code then.".to_owned());
    }
    if summary
        .suppressions
        .iter()
        .any(|group| group.code == "no_consent")
    {
        lines.push("Whoever the list itself says must not be messaged is left out. If a column means something else: --ignore-consent-column HEADER.".to_owned());
    }
    if summary.invalid > 0 {
        lines.push("Mend the rows that cannot be sent in the rejects file (`send` writes it, `check --rejects FILE` too), and send that file with --add: it joins the same batch.".to_owned());
    }
    lines
}

/// True for a problem that the plus would solve, by its examples.
fn lacks_a_plus(problem: &Group) -> bool {
    problem.examples.iter().any(|example| {
        let digits = example.typed.chars().filter(char::is_ascii_digit);
        let with_plus: String = std::iter::once('+').chain(digits).collect();
        let plain = |c: char| c.is_ascii_digit() || " -.()".contains(c);
        example.typed.chars().all(plain) && example.note == Note::Suggestion(with_plus)
    })
}

fn advice_for(code: &str) -> Option<&'static str> {
    match code {
        "needs_region" => Some(
            "Say which country the numbers without a country code belong to: --region CZ, or --column region=HEADER.",
        ),
        "unknown_region" => Some(
            "Write the countries as ISO codes (CZ), names (Czechia) or calling codes (+420), one in a cell.",
        ),
        "scientific_notation" => Some(
            "Make the phone column a text column in the spreadsheet and export again: the digits are missing in this file.",
        ),
        "two_readings" => Some(
            "Write these numbers with their plus, or leave out --region if all of them begin with their country code.",
        ),
        "extension" => Some("Replace the extensions by numbers that can be reached directly."),
        "uneven_row" => {
            Some("Put quotes around fields that contain the delimiter or a line break.")
        }
        "rounded_contact_id" => Some(
            "Make the column of contact ids a text column where the list comes from and export again, or leave --column contact_id out: the numbers do.",
        ),
        "contact_id_of_another" => Some(
            "Leave --column contact_id out: the numbers in the list do, and the checkpoint knows their contacts.",
        ),
        "segments" => Some(
            "Shorten the message, write the named characters in another way, or allow more with --max-segments.",
        ),
        "content" => {
            Some("Fill the empty fields that the message uses, or give the template a default.")
        }
        _ => None,
    }
}

fn on_lines(texts: &[String]) -> Vec<String> {
    let texts = texts.iter();
    texts.map(|text| on_one_line(text).into_owned()).collect()
}

/// A message whose further lines cannot pass for lines of ours.
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
