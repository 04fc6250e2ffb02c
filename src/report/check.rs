//! What a support person reads before anything is sent: numbers first, then the problems grouped by kind
//! with examples, then what to do.

use std::fmt::Write as _;

use serde::Serialize;

use super::{check_html, grouped};
use crate::intake::{Example, Group, Mapping, Note, Summary};

/// Everything that a check has to tell.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CheckReport<'a> {
    /// The files, in order.
    pub files: &'a [String],
    /// What was detected about the files, in words.
    pub notes: &'a [String],
    /// Which column means what.
    pub mapping: &'a Mapping,
    /// The counts.
    #[serde(flatten)]
    pub summary: &'a Summary,
    /// A few messages as they would be sent.
    pub samples: &'a [String],
    /// How long the batch would take, in words.
    pub forecast: Option<&'a str>,
}

impl CheckReport<'_> {
    /// The report for a terminal, a mail or a ticket.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_text(&mut out);
        out
    }

    /// The report as one web page that needs nothing else.
    pub fn html(&self) -> String {
        check_html::page(self)
    }

    /// The report for programs.
    pub fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn write_text(&self, out: &mut String) -> std::fmt::Result {
        for note in self.notes {
            writeln!(out, "{note}")?;
        }
        for line in self.mapping.describe() {
            writeln!(out, "  {line}")?;
        }
        writeln!(out, "\n{} rows", grouped(self.summary.rows))?;
        for (count, meaning) in counts(self.summary) {
            writeln!(out, "{:>12}  {meaning}", grouped(count))?;
        }
        if let Some(forecast) = self.forecast {
            writeln!(out, "\nForecast: {forecast}")?;
        }
        self.write_groups(out, "Cannot be sent", &self.summary.problems)?;
        self.write_groups(out, "Must not be sent", &self.summary.suppressions)?;
        self.write_groups(out, "Mended", &self.summary.mendings)?;
        self.write_repeats(out, "Duplicates", &self.summary.duplicates)?;
        self.write_repeats(
            out,
            "One number, several people (messaged once)",
            &self.summary.households,
        )?;
        if !self.summary.countries.is_empty() {
            let countries = self
                .summary
                .countries
                .iter()
                .map(|entry| (entry.name.clone(), entry.count));
            writeln!(out, "\nCountries: {}", tally(countries, 8))?;
            let lines = self
                .summary
                .line_types
                .iter()
                .map(|entry| (entry.line_type.to_string(), entry.count));
            writeln!(out, "Lines: {}", tally(lines, 8))?;
        }
        for (index, sample) in self.samples.iter().enumerate() {
            writeln!(
                out,
                "{}  {sample}",
                if index == 0 {
                    "\nMessages, as they would be sent:\n"
                } else {
                    ""
                }
            )?;
        }
        let advice = advice(self.summary);
        if !advice.is_empty() {
            writeln!(out, "\nWhat to do")?;
        }
        for line in advice {
            writeln!(out, "  - {line}")?;
        }
        Ok(())
    }

    fn write_groups(&self, out: &mut String, title: &str, groups: &[Group]) -> std::fmt::Result {
        if groups.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{title}")?;
        for group in groups {
            writeln!(out, "{:>12}  {}", grouped(group.count), group.text)?;
            for example in &group.examples {
                self.write_example(out, example)?;
            }
        }
        Ok(())
    }

    fn write_example(&self, out: &mut String, example: &Example) -> std::fmt::Result {
        let (place, typed) = (self.place(example.file, example.row), shown(&example.typed));
        writeln!(out, "{:14}{place}: {typed}{}", "", self.note(example))
    }

    fn write_repeats(
        &self,
        out: &mut String,
        title: &str,
        examples: &[Example],
    ) -> std::fmt::Result {
        if examples.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{title}")?;
        examples
            .iter()
            .try_for_each(|example| self.write_example(out, example))
    }

    /// `row 7`, with the file where there are several.
    pub(super) fn place(&self, file: u16, row: u32) -> String {
        match self.files.get(usize::from(file)) {
            Some(file) if self.files.len() > 1 => format!("{file}, row {row}"),
            _ => format!("row {row}"),
        }
    }

    /// What the example says beside its cell, ready to stand behind it.
    pub(super) fn note(&self, example: &Example) -> String {
        match &example.note {
            Note::None => String::new(),
            Note::FirstRow { file, row } => format!(", same number as {}", self.place(*file, *row)),
            note @ (Note::Suggestion(_) | Note::ReadAs(_) | Note::Detail(_)) => {
                format!(" ({note})")
            }
        }
    }
}

/// The counts of the verdicts with their meaning.
pub(super) fn counts(summary: &Summary) -> Vec<(u64, &'static str)> {
    let mut counts = vec![
        (summary.queued, "would be sent"),
        (summary.invalid, "cannot be sent as they stand"),
        (summary.duplicate, "repeat an earlier number"),
    ];
    let optional = [
        (summary.suppressed, "must not be sent"),
        (summary.mended, "of those to be sent were mended"),
        (
            summary.shared_numbers,
            "of the repeats name another person than the first row",
        ),
        (summary.blank_rows, "blank rows, ignored"),
    ];
    counts.extend(optional.into_iter().filter(|(count, _)| *count > 0));
    counts
}

/// What the owner of the list can do about it, most pressing first.
pub(super) fn advice(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> = summary
        .problems
        .iter()
        .filter_map(|group| advice_for(&group.code))
        .map(str::to_owned)
        .collect();
    if summary.invalid > 0 {
        lines.push("Mend the rows that cannot be sent in the rejects file (`send` writes it, `check --rejects FILE` too), and send that file with --add: it joins the same batch.".to_owned());
    }
    lines
}

fn advice_for(code: &str) -> Option<&'static str> {
    match code {
        "needs_region" => Some(
            "Say which country the numbers without a country code belong to: --region CZ, or --column region=HEADER.",
        ),
        "unknown_region" => {
            Some("Write the countries as ISO codes (CZ) or English names (Czechia).")
        }
        "scientific_notation" => Some(
            "Make the phone column a text column in the spreadsheet and export again: the digits are missing in this file.",
        ),
        "extension" => Some("Replace the extensions by numbers that can be reached directly."),
        "uneven_row" => {
            Some("Put quotes around fields that contain the delimiter or a line break.")
        }
        "content" => {
            Some("Fill the empty fields that the message uses, or give the template a default.")
        }
        _ => None,
    }
}

/// A cell on one line, with what cannot be seen made visible.
pub(super) fn shown(typed: &str) -> String {
    if typed.is_empty() {
        "(empty)".to_owned()
    } else {
        typed.chars().flat_map(visible).collect()
    }
}

fn visible(c: char) -> Vec<char> {
    let hidden = c.is_control()
        || matches!(c, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if hidden {
        c.escape_unicode().collect()
    } else {
        vec![c]
    }
}

/// `Czechia 12, Slovakia 3 and 4 more`.
fn tally(entries: impl Iterator<Item = (String, u64)>, most: usize) -> String {
    let entries: Vec<_> = entries.collect();
    let shown: Vec<_> = entries
        .iter()
        .take(most)
        .map(|(name, count)| format!("{name} {}", grouped(*count)))
        .collect();
    let more = entries.len().saturating_sub(most);
    if more == 0 {
        shown.join(", ")
    } else {
        format!("{} and {more} more", shown.join(", "))
    }
}
