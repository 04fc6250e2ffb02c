//! `outreach prune`: of batches that were finished long ago, numbers, fields and texts go.

use std::io::Write;

use super::call::Call;
use super::checkpoint;
use super::console::words;
use super::error::CommandResult;
use super::forget::say_traces;
use crate::cli::PruneArgs;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{ProgressLine, ProgressMode, counted, minute, people};
use crate::run::{OldBatch, prunable, prune};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`](super::CommandError), with its exit code.
pub(super) fn run(args: &PruneArgs, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
    let found = checkpoint::find(settings, None)?;
    let path = found.path;
    if !args.dry_run {
        console.require_yes(args.yes, "prune")?;
    }
    if args.dry_run || !args.yes {
        let old = prunable(&path, args.older_than, clock.now())?;
        list(out, &old, "would be pruned")?;
        out.flush()?;
        let rows: u64 = to_prune(&old).map(|batch| batch.rows).sum();
        if args.dry_run || rows == 0 {
            return Ok(ExitCode::Complete);
        }
        let question = format!(
            "Remove numbers, names, fields and texts of {}? This cannot be undone.",
            counted(rows, "row")
        );
        if !console.ask(question) {
            console.say("Nothing was pruned.");
            return Ok(ExitCode::Complete);
        }
    }
    let mut line = ProgressLine::new(0, ProgressMode::Auto, console.is_quiet());
    let person = settings.person();
    let done = prune(&path, args.older_than, &person, clock.now(), &mut |rows| {
        let text = "rows pruned";
        if line.show(rows, &[text.to_owned()], false, clock.monotonic()) {
            console.say(line.line(rows, text));
        }
    })?;
    line.clear();
    if args.yes {
        list(out, &done.batches, "pruned")?;
    }
    let went = format!(
        "{} and {}: counts, requests and the suppression list stay, and keyed hashes of numbers and contact ids.\n",
        counted(done.rows, "row"),
        people(done.people)
    );
    words(&went, out)?;
    say_traces(console, done.log_is_empty, found.is_shared);
    console.say(
        "Files that were written before (results, rejects, exports, backups) are not changed.",
    );
    Ok(ExitCode::Complete)
}

fn to_prune(old: &[OldBatch]) -> impl Iterator<Item = &OldBatch> {
    old.iter().filter(|batch| batch.kept.is_none())
}

fn list(out: &mut dyn Write, old: &[OldBatch], what: &str) -> std::io::Result<()> {
    if old.is_empty() {
        return words(
            "No batch was finished so long ago and is still whole.\n",
            out,
        );
    }
    let line = |batch: &OldBatch| {
        let (name, rows) = (on_one_line(&batch.name), counted(batch.rows, "row"));
        let finished = minute(batch.finished_at);
        match batch.kept {
            None => format!("{name}: {what} ({rows}, finished {finished})\n"),
            Some(why) => format!("{name}: stays ({rows}, finished {finished}): {why}\n"),
        }
    };
    words(&old.iter().map(line).collect::<String>(), out)
}
