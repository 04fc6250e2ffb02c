//! The check as one web page: no script, no font, no picture from elsewhere, so that it can be mailed.

use std::fmt::Write as _;

use super::check::{CheckReport, advice, counts, shown};
use super::grouped;
use crate::intake::{Example, Group};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1c2430}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid #d8dde5;padding-bottom:.2rem}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .6rem .2rem 0;vertical-align:top}\
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}code{background:#f2f4f7;padding:0 .2rem}\
.q{fill:#2e7d4f}.i{fill:#c0392b}.d{fill:#c9a227}.s{fill:#7a8594}.b{fill:#4a78b5}.small{color:#5a6472}\
svg{width:100%;height:auto}";

/// The page.
pub(super) fn page(report: &CheckReport<'_>) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_page(report, &mut out);
    out
}

fn write_page(report: &CheckReport<'_>, out: &mut String) -> std::fmt::Result {
    let title = escape(&report.files.join(", "));
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Check of {title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    )?;
    overview(report, out)?;
    let advice = advice(report.summary);
    if !advice.is_empty() {
        out.push_str("<h2>What to do</h2>\n<ul>\n");
        advice
            .iter()
            .try_for_each(|line| writeln!(out, "<li>{}</li>", escape(line)))?;
        out.push_str("</ul>\n");
    }
    groups(report, out, "Cannot be sent", &report.summary.problems)?;
    groups(
        report,
        out,
        "Must not be sent",
        &report.summary.suppressions,
    )?;
    groups(report, out, "Mended", &report.summary.mendings)?;
    repeats(report, out, "Duplicates", &report.summary.duplicates)?;
    repeats(
        report,
        out,
        "One number, several people (messaged once)",
        &report.summary.households,
    )?;
    let countries: Vec<_> = report
        .summary
        .countries
        .iter()
        .map(|entry| (entry.name.clone(), entry.count))
        .collect();
    bars(out, "Countries", &countries)?;
    let lines: Vec<_> = report
        .summary
        .line_types
        .iter()
        .map(|entry| (entry.line_type.to_string(), entry.count))
        .collect();
    bars(out, "Lines", &lines)?;
    if !report.samples.is_empty() {
        out.push_str("<h2>Messages, as they would be sent</h2>\n");
        report
            .samples
            .iter()
            .try_for_each(|sample| writeln!(out, "<p><code>{}</code></p>", escape(sample)))?;
    }
    out.push_str("<h2>How the file was read</h2>\n<ul class=\"small\">\n");
    for line in report.notes.iter().chain(&report.mapping.describe()) {
        writeln!(out, "<li>{}</li>", escape(line))?;
    }
    out.push_str("</ul>\n</body></html>\n");
    Ok(())
}

fn overview(report: &CheckReport<'_>, out: &mut String) -> std::fmt::Result {
    let summary = report.summary;
    let parts = [
        ("q", "would be sent", summary.queued),
        ("i", "cannot be sent", summary.invalid),
        ("d", "duplicates", summary.duplicate),
        ("s", "suppressed", summary.suppressed),
    ];
    let total = parts.iter().map(|(.., count)| count).sum::<u64>().max(1) as f64;
    out.push_str("<svg viewBox=\"0 0 1000 40\" role=\"img\" aria-label=\"rows by verdict\">");
    let mut x = 0.0;
    for (class, label, count) in parts {
        let width = count as f64 * 1000.0 / total;
        write!(
            out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"0\" width=\"{width:.1}\" height=\"40\"><title>{label}: {}</title></rect>",
            grouped(count)
        )?;
        x += width;
    }
    writeln!(
        out,
        "</svg>\n<p>{} rows</p>\n<table>",
        grouped(summary.rows)
    )?;
    for (count, meaning) in counts(summary) {
        writeln!(
            out,
            "<tr><td class=\"n\">{}</td><td>{meaning}</td></tr>",
            grouped(count)
        )?;
    }
    out.push_str("</table>\n");
    if let Some(forecast) = report.forecast {
        writeln!(out, "<p>{}</p>", escape(forecast))?;
    }
    Ok(())
}

fn groups(
    report: &CheckReport<'_>,
    out: &mut String,
    title: &str,
    groups: &[Group],
) -> std::fmt::Result {
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>{title}</h2>\n<table>")?;
    for group in groups {
        write!(
            out,
            "<tr><td class=\"n\">{}</td><td>{}",
            grouped(group.count),
            escape(&group.text)
        )?;
        for example in &group.examples {
            write_example(report, out, example)?;
        }
        out.push_str("</td></tr>\n");
    }
    out.push_str("</table>\n");
    Ok(())
}

fn repeats(
    report: &CheckReport<'_>,
    out: &mut String,
    title: &str,
    examples: &[Example],
) -> std::fmt::Result {
    if examples.is_empty() {
        return Ok(());
    }
    write!(out, "<h2>{title}</h2>\n<div>")?;
    for example in examples {
        write_example(report, out, example)?;
    }
    out.push_str("</div>\n");
    Ok(())
}

fn write_example(
    report: &CheckReport<'_>,
    out: &mut String,
    example: &Example,
) -> std::fmt::Result {
    let place = escape(&report.place(example.file, example.row));
    write!(
        out,
        "<br><span class=\"small\">{place}: <code>{}</code>{}</span>",
        escape(&shown(&example.typed)),
        escape(&report.note(example))
    )
}

fn bars(out: &mut String, title: &str, entries: &[(String, u64)]) -> std::fmt::Result {
    const MOST: usize = 15;
    let Some(largest) = entries.first().map(|(_, count)| (*count).max(1) as f64) else {
        return Ok(());
    };
    let shown = entries.len().min(MOST);
    writeln!(
        out,
        "<h2>{title}</h2>\n<svg viewBox=\"0 0 1000 {}\" role=\"img\" aria-label=\"{title}\">",
        shown * 28
    )?;
    for (index, (name, count)) in entries.iter().take(MOST).enumerate() {
        let y = index * 28;
        let width = *count as f64 * 600.0 / largest;
        writeln!(
            out,
            "<text x=\"0\" y=\"{}\" font-size=\"16\">{}</text><rect class=\"b\" x=\"260\" y=\"{}\" width=\"{width:.1}\" \
             height=\"20\"/><text x=\"{:.1}\" y=\"{}\" font-size=\"16\">{}</text>",
            y + 19,
            escape(name),
            y + 4,
            268.0 + width,
            y + 19,
            grouped(*count)
        )?;
    }
    out.push_str("</svg>\n");
    if entries.len() > MOST {
        writeln!(
            out,
            "<p class=\"small\">and {} more</p>",
            entries.len() - MOST
        )?;
    }
    Ok(())
}

/// Text for element content and for attributes in double quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
