//! `outreach cluster`: a checkpoint is shared by several machines.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::call::Call;
use super::checkpoint;
use super::console::Console;
use super::error::{CommandError, CommandResult};
use crate::cli::{ClusterAction, ClusterArgs};
use crate::cluster::Access;
use crate::config::{ConfigError, Settings};
use crate::exit::ExitCode;
use crate::report::{counted, grouped};
use crate::run::cluster::{self, ClusterStatus};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(args: &ClusterArgs, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, console) = (&call.settings, call.console);
    match &args.action {
        ClusterAction::Init { from, .. } => init(settings, from.as_deref(), console),
        ClusterAction::Status { json, .. } => status(settings, *json, out),
        ClusterAction::Verify { .. } => verify(settings, out),
        ClusterAction::Compact { .. } => compact(settings, console),
        ClusterAction::Accept { from, yes, .. } => accept(settings, from, *yes, console),
        ClusterAction::Leave { yes, .. } => leave(settings, *yes, console),
    }
}

fn access(settings: &Settings) -> Result<Access, CommandError> {
    let missing = ConfigError::Missing { key: "cluster" };
    Ok(settings.cluster()?.ok_or(missing)?)
}

/// The file, without joining the cluster.
fn file(settings: &Settings) -> Result<PathBuf, CommandError> {
    Ok(settings.checkpoint()?.place().find()?)
}

fn init(settings: &Settings, from: Option<&Path>, console: Console) -> CommandResult {
    let access = access(settings)?;
    let path = match from {
        Some(from) => from.to_owned(),
        None => settings.checkpoint()?.place().find_to_make()?,
    };
    if from.is_some() && !path.exists() {
        return Err(CommandError::usage(format_args!(
            "there is no checkpoint {}; nothing was changed",
            path.display()
        )));
    }
    cluster::begin(&path, &access)?;
    console.say(format_args!(
        "The log at {access} begins with {}. From now on every command on it needs --cluster (or OUTREACH_CLUSTER); \
         another machine joins with the first command that has it.",
        path.display()
    ));
    say_doubts(console, &cluster::status(&path, &access)?);
    Ok(ExitCode::Complete)
}

fn say_doubts(console: Console, status: &ClusterStatus) {
    for doubt in &status.doubts {
        console.warn(format_args!("Warning: {}: {doubt}.", status.engine));
    }
}

fn status(settings: &Settings, json: bool, out: &mut dyn Write) -> CommandResult {
    let access = access(settings)?;
    let status = cluster::status(&file(settings)?, &access)?;
    if json {
        writeln!(out, "{}", status_json(&status))?;
        return Ok(ExitCode::Complete);
    }
    writeln!(out, "Engine:   {}", status.engine)?;
    for doubt in &status.doubts {
        writeln!(out, "          {doubt}")?;
    }
    writeln!(
        out,
        "Log:      up to record {}, the snapshot stands at {}",
        count(status.last),
        count(status.snapshot)
    )?;
    let own = match status.applied {
        Some(applied) if applied == status.last => "up to date".to_owned(),
        Some(applied) => distance(status.last - applied),
        None => "not in the cluster".to_owned(),
    };
    writeln!(out, "This file: {own}")?;
    for node in &status.nodes {
        let holds = if node.holds.is_empty() {
            String::new()
        } else {
            format!(", holds {}", node.holds.join(", "))
        };
        writeln!(
            out,
            "Node:     process {} on {}, seen {:.0} s ago, {}{}{holds}",
            node.pid,
            node.machine,
            node.seen,
            distance(node.behind),
            clock(node.ahead)
        )?;
    }
    Ok(ExitCode::Complete)
}

fn status_json(status: &ClusterStatus) -> serde_json::Value {
    let nodes = status.nodes.iter().map(|node| {
        serde_json::json!({
            "pid": node.pid,
            "machine": node.machine,
            "seen_seconds_ago": node.seen.round(),
            "records_behind": node.behind,
            // Not -0.
            "clock_seconds_ahead": node.ahead.round() + 0.0,
            "holds": node.holds,
        })
    });
    serde_json::json!({
        "engine": status.engine,
        "doubts": status.doubts,
        "records": status.last,
        "snapshot_at": status.snapshot,
        "applied": status.applied,
        "nodes": nodes.collect::<Vec<_>>(),
    })
}

/// How far a file is from the log's end.
fn distance(behind: i64) -> String {
    let records = counted(behind.unsigned_abs(), "record");
    if behind < 0 {
        format!("{records} ahead of the log, which lost them")
    } else {
        format!("{records} behind")
    }
}

/// How far a clock is from the engine's, if people would see it.
fn clock(ahead: f64) -> String {
    if ahead.abs() < 2.0 {
        return String::new();
    }
    let side = if ahead < 0.0 { "behind" } else { "ahead of" };
    format!(", its clock is {:.0} s {side} the engine's", ahead.abs())
}

fn count(number: i64) -> String {
    grouped(u64::try_from(number).unwrap_or(0))
}

fn verify(settings: &Settings, out: &mut dyn Write) -> CommandResult {
    let access = access(settings)?;
    // A node that does not fit the log says so.
    let path = checkpoint::path(&settings.checkpoint()?)?;
    if let Some(seq) = cluster::first_fault(&access)? {
        return Err(CommandError::text(
            ExitCode::Storage,
            format_args!(
                "record {seq} of the log was altered, or the one before it is missing: do not send before you know why"
            ),
        ));
    }
    writeln!(out, "Every record follows the one before.")?;
    let found = cluster::compare(&path, &access)?;
    let at = count(found.seq);
    if found.same.is_empty() && found.different.is_empty() {
        writeln!(
            out,
            "No other machine runs: there is nothing to compare this file with."
        )?;
    }
    for file in &found.same {
        writeln!(out, "Like this file at record {at}: {file}.")?;
    }
    if found.different.is_empty() {
        return Ok(ExitCode::Complete);
    }
    for (file, tables) in &found.different {
        let tables = tables.join(", ");
        writeln!(
            out,
            "NOT like this file at record {at}: {file}, in {tables}."
        )?;
    }
    Err(CommandError::text(
        ExitCode::Storage,
        "the files of the machines differ: send from none of them before you know which is right. With three machines or \
         more, it is the one that most of the others equal. On a machine with a wrong file, end what runs, and move the file \
         and those beside it (-mark, -wal) away: its next command joins anew",
    ))
}

fn compact(settings: &Settings, console: Console) -> CommandResult {
    let access = access(settings)?;
    let path = checkpoint::path(&settings.checkpoint()?)?;
    let at = cluster::compact(&path, &access)?;
    console.say(format_args!(
        "The log begins with a snapshot at record {}. {ERASED}",
        count(at)
    ));
    Ok(ExitCode::Complete)
}

/// What is true once the log was cut.
pub(super) const ERASED: &str = "What was erased before is in no record of the cluster and no snapshot. Another machine \
    erases it from its own file within seconds, or, where nothing runs, with its next command. PostgreSQL's own backups \
    and write-ahead log are yours to delete.";

fn accept(settings: &Settings, from: &str, yes: bool, console: Console) -> CommandResult {
    console.require_yes(yes, "begin the log anew")?;
    let access = access(settings)?;
    let path = file(settings)?;
    let new = cluster::new_beginning(&path, &access)?;
    if new.machine != from {
        return Err(CommandError::usage(format_args!(
            "this machine is {}: give the command on {from}, whose file the log is to begin with; nothing was changed",
            new.machine
        )));
    }
    for (machine, applied) in &new.further {
        console.warn(format_args!(
            "Warning: a process on {machine} had come to record {}, this file to {}. People who were messaged between these two may be \
             messaged again.",
            count(*applied),
            count(new.applied)
        ));
    }
    let question = format!("Begin the log anew with {}?", path.display());
    if !yes && !console.ask(question) {
        console.say("Nothing was changed.");
        return Ok(ExitCode::Complete);
    }
    cluster::begin_anew(&path, &access)?;
    console.say(format_args!(
        "The log begins anew with {}. The other machines join anew with their next command, and keep their old files beside the new ones.",
        path.display()
    ));
    Ok(ExitCode::Complete)
}

fn leave(settings: &Settings, yes: bool, console: Console) -> CommandResult {
    console.require_yes(yes, "leave")?;
    let path = file(settings)?;
    let question = format!(
        "Make {} a checkpoint of its own? If the others go on, people may be messaged twice.",
        path.display()
    );
    if !yes && !console.ask(question) {
        console.say("Nothing was changed.");
        return Ok(ExitCode::Complete);
    }
    cluster::leave(&path)?;
    console.say(format_args!(
        "{} is a checkpoint of its own. Do not send from it what the cluster sends.",
        path.display()
    ));
    Ok(ExitCode::Complete)
}
