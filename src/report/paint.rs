//! Colour, as cargo and ripgrep use it: for what a line is about. It says nothing that the words do not say: without it,
//! each text is the same.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const CAUTION: Style = AnsiColor::Yellow.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const COMMAND: Style = AnsiColor::Cyan.on_default();
const HEADING: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Lines that stand above others.
const HEADINGS: [&str; 13] = [
    "Settings file: ",
    "Messages, as they",
    "One number, several",
    "What to do",
    "Outcome unknown",
    "Refusals, by",
    "Not reached, by",
    "Cannot be sent",
    "Must not be sent",
    "Mended",
    "Duplicates",
    "BATCH ",
    "== ",
];

/// The beginnings of lines, by severity.
const LABELS: [(&str, Style); 7] = [
    ("error:", BAD),
    ("Warning:", CAUTION),
    ("warning:", CAUTION),
    ("note:", CAUTION),
    ("BAD ", BAD),
    ("note ", CAUTION),
    ("ok ", GOOD),
];

/// How a batch stands, by the first words that say so.
const STANDINGS: [(&str, Style); 10] = [
    ("complete", GOOD),
    ("all is settled", GOOD),
    ("running", GOOD),
    ("being sent", GOOD),
    ("waiting", CAUTION),
    ("paused", CAUTION),
    ("draft", CAUTION),
    ("stopped", BAD),
    ("interrupted", BAD),
    ("cancelled", BAD),
];

/// What a count is of.
const COUNTS: [(&str, Style); 8] = [
    ("sent", GOOD),
    ("would be sent", GOOD),
    ("unknown", CAUTION),
    ("held", CAUTION),
    ("queued", CAUTION),
    ("refused", BAD),
    ("cannot be sent", BAD),
    ("invalid", BAD),
];

/// The text in colour. Its control characters are written out already.
pub(crate) fn painted(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(line).collect();
    lines.join("\n")
}

fn line(line: &str) -> String {
    if let Some((label, style)) = LABELS
        .into_iter()
        .find(|(label, _)| line.starts_with(label))
    {
        let rest = line.get(label.len()..).unwrap_or_default();
        return format!("{}{}", styled(label, style), commands(rest));
    }
    if HEADINGS.iter().any(|heading| line.starts_with(heading)) {
        return styled(line, HEADING);
    }
    // A setting that nobody set.
    if line.ends_with("  default") || line.ends_with(" (default)") {
        return styled(line, DIM);
    }
    if let Some(painted) = standing(line)
        .or_else(|| count(line))
        .or_else(|| suggestion(line))
    {
        return painted;
    }
    commands(&table_row(line))
}

/// `Batch spring: paused: Ctrl-C`.
fn standing(line: &str) -> Option<String> {
    let (name, text) = line.strip_prefix("Batch ")?.split_once(": ")?;
    let (words, style) = find(&STANDINGS, text)?;
    let rest = text.get(words.len()..)?;
    let name = styled(name, HEADING);
    Some(format!(
        "Batch {name}: {}{}",
        styled(words, style),
        commands(rest)
    ))
}

/// `           3  sent`.
fn count(line: &str) -> Option<String> {
    let number = line.trim_start_matches(' ');
    let indent = line.len() - number.len();
    let (number, what) = number.split_once("  ")?;
    let is_number = number.bytes().all(|it| it.is_ascii_digit() || it == b',');
    if indent < 2 || !is_number || number.is_empty() {
        return None;
    }
    // A count of 0 gets no colour.
    let style = find(&COUNTS, what)
        .map(|(_, style)| style)
        .filter(|_| number != "0")?;
    Some(format!(
        "{:indent$}{}  {}",
        "",
        styled(number, style),
        commands(what)
    ))
}

/// `  outreach resume spring  continue where it stopped`.
fn suggestion(line: &str) -> Option<String> {
    let command = line.strip_prefix("  ")?;
    if !command.starts_with("outreach ") && !command.starts_with("cd ") {
        return None;
    }
    let end = command.find("  ").unwrap_or(command.len());
    let (command, why) = command.split_at_checked(end)?;
    Some(format!("  {}{why}", styled(command, COMMAND)))
}

/// The state in a row of the table of batches.
fn table_row(line: &str) -> String {
    for (word, style) in STANDINGS {
        let cell = format!("  {word} ");
        if let Some((before, after)) = line.split_once(&cell) {
            return format!("{before}  {} {after}", styled(word, style));
        }
    }
    line.to_owned()
}

/// The line with its commands in colour: what stands in backticks.
fn commands(line: &str) -> String {
    let mut pieces = line.split('`');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    let mut inside = true;
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        // Writing to a String cannot fail.
        let _ = match (inside, pieces.peek()) {
            (true, Some(_)) => write!(out, "`{}`", styled(piece, COMMAND)),
            // An open one.
            (true, None) => write!(out, "`{piece}"),
            (false, _) => write!(out, "{piece}"),
        };
        inside = !inside;
    }
    out
}

fn find(words: &'static [(&'static str, Style)], text: &str) -> Option<(&'static str, Style)> {
    words
        .iter()
        .copied()
        .find(|(word, _)| text.starts_with(word))
}

fn styled(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_says_nothing_that_the_words_do_not_say() {
        let text = "error: no `outreach doctor`, and `open\nWarning: x\nBatch a: b: paused: Ctrl-C\nBatch spring: stopped by\n\
                    \x20          3  sent\n           0  refused, or failed\n  12\n\nWhat to do next\n  outreach resume a  go on\n\
                    BATCH  STATE  SENT\na      paused    12\nok    checkpoint  sound\n5 requests since\n```\n";
        let painted = painted(text);
        assert_ne!(painted, text);
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), text);
    }

    #[test]
    fn what_is_grave_is_red_and_what_went_well_is_green() {
        let red = BAD.render().to_string();
        let green = GOOD.render().to_string();
        assert!(painted("error: x").starts_with(&red));
        assert!(painted("Batch a: complete; nobody").contains(&green));
        assert!(painted("           3  sent").contains(&green));
        assert!(painted("           3  refused, or failed to be delivered").contains(&red));
        assert_eq!(painted("           0  sent"), "           0  sent");
        assert!(painted("list   interrupted    3").contains(&red));
        assert_eq!(painted("a line of words"), "a line of words");
    }
}
