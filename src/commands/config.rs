//! `outreach config`: the settings in force, and where each comes from. Secrets only as set or not.

use std::io::{self, Write};

use serde_json::json;

use super::call::Call;
use super::console::{Visible, line_of_words, stdout_width, words};
use super::error::{CommandError, CommandResult};
use super::settings::whole_validation;
use crate::config::{Settings, Shown};
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;

/// The columns that the table needs; in a narrower terminal the settings that have a value stand in lines.
const NARROW: usize = 90;

/// Prints all settings, as a table or as JSON, and says which values a run or `serve` would refuse: the exit code is
/// that of the first.
///
/// # Errors
///
/// What `out` says.
pub(crate) fn run(json: bool, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
    print(settings, json, out)?;
    out.flush()?;
    let found = whole_validation(settings, clock.now());
    for problem in &found.problems {
        console.warn(format_args!("error: {problem}"));
    }
    for notice in &found.notices {
        console.say(format_args!("note: {notice}"));
    }
    Ok(found
        .problems
        .first()
        .map_or(ExitCode::Complete, CommandError::exit))
}

/// Prints all settings.
///
/// # Errors
///
/// What `out` says.
pub(crate) fn print(settings: &Settings, json: bool, out: &mut dyn Write) -> io::Result<()> {
    let lines = settings.shown();
    if json {
        as_json(&lines, &mut Visible(out))
    } else {
        as_table(settings, &lines, out)
    }
}

fn as_table(settings: &Settings, lines: &[Shown], out: &mut dyn Write) -> io::Result<()> {
    match settings.file() {
        Some(file) => {
            let file = file.display().to_string();
            words(&format!("Settings file: {}\n", on_one_line(&file)), out)?;
        }
        None => words("Settings file: none\n", out)?,
    }
    if stdout_width().is_some_and(|width| width < NARROW) {
        for line in lines.iter().filter(|line| !line.value.is_empty()) {
            let text = format!("{} = {} ({})", line.key, line.value, line.from);
            line_of_words(&on_one_line(&text), 4, out)?;
        }
        return Ok(());
    }
    let width = |of: fn(&Shown) -> usize| lines.iter().map(of).max().unwrap_or(0);
    let key = width(|line| line.key.len());
    // One long message must not push the origins off the screen.
    let value = width(|line| line.value.chars().count()).min(48);
    for line in lines {
        let shown = if line.value.is_empty() {
            "-"
        } else {
            &line.value
        };
        let (shown, from) = (on_one_line(shown), on_one_line(&line.from));
        let text = format!("{:key$}  {shown:value$}  {from}", line.key);
        line_of_words(&text, key + 2, out)?;
    }
    Ok(())
}

fn as_json(lines: &[Shown], out: &mut dyn Write) -> io::Result<()> {
    let object: serde_json::Map<String, serde_json::Value> = lines
        .iter()
        .map(|line| {
            let value = (!line.value.is_empty()).then_some(&line.value);
            let entry = json!({ "value": value, "origin": line.origin.code(), "from": line.from });
            (line.key.to_owned(), entry)
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &object)?;
    writeln!(out)
}
