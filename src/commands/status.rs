//! `outreach status [BATCH]`: how far a batch is, or all of them.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::call::Call;
use super::checkpoint;
use super::console::{Visible, print_json, redraw, stdout_width, words};
use super::error::{CommandError, CommandResult};
use super::row;
use crate::cli::StatusArgs;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{Column, Hints, Local, Summary, TextTable, counted, grouped, plural};
use crate::run::{BatchStatus, BatchWatch, kept_counts, latest_batch, summaries};

/// How often `--watch` reads the checkpoint.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How often `--watch` prints a line where it cannot redraw one.
const PRINT_INTERVAL: Duration = Duration::from_mins(1);

/// Runs the command; `out` is standard output. About one batch, its exit code is that of the batch.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(args: &StatusArgs, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, clock) = (&call.settings, &call.clock);
    let found = checkpoint::find(settings, args.batch.as_deref())?;
    let local = Local::at(clock.now());
    let name = match &args.batch {
        Some(name) => name.clone(),
        None if args.last || args.watch => {
            let latest = latest_batch(&found.path)?;
            latest.ok_or_else(|| CommandError::usage("there is no batch yet"))?
        }
        None => {
            all(&found.path, args.json, &local, out)?;
            return Ok(ExitCode::Complete);
        }
    };
    if let Some(row) = args.row {
        row::print(&found.path, &name, row, args.json, &local, out)?;
        return Ok(ExitCode::Complete);
    }
    if args.watch {
        let watched = BatchWatch::open(&found.path, &name, found.is_shared)?;
        watch(&watched, out)?;
    }
    let BatchStatus {
        batch,
        summary,
        results: file,
    } = BatchStatus::read(&found.path, &name)?;
    let (mut results, mut older_results) = (None, None);
    if let Some(file) = file {
        let path = from_here(&file.path);
        if file.is_current {
            results = Some(path);
        } else {
            older_results = Some((path, file.written_at));
        }
    }
    let hints = Hints {
        results,
        older_results,
        local: Local::at(clock.now()),
        ..found.hints_of(&batch)?
    };
    if args.json {
        print_json(&summary.with_next(&hints), &mut Visible(out))?;
    } else {
        words(&summary.text(&hints), out)?;
        unreadable(&found.path, out)?;
    }
    Ok(summary.exit())
}

/// The path, without the current folder before it.
pub(super) fn from_here(path: &Path) -> PathBuf {
    let here = std::fs::canonicalize(".").ok();
    let inside = here.and_then(|here| path.strip_prefix(here).ok());
    inside.unwrap_or(path).to_owned()
}

/// Opt-outs that reach nobody yet, replies that may be opt-outs, and events that could not be read: a person should read
/// them.
fn unreadable(checkpoint: &Path, out: &mut dyn Write) -> Result<(), CommandError> {
    let kept = kept_counts(checkpoint)?;
    let opt_outs = (kept.opt_outs > 0).then(|| {
        format!(
            "{} for the number of a contact to be known",
            plural(kept.opt_outs, "opt-out waits", "opt-outs wait")
        )
    });
    let replies = (kept.replies > 0).then(|| {
        let replies = plural(kept.replies, "reply", "replies");
        format!("{replies} may ask not to be messaged any more")
    });
    let events = (kept.events > 0).then(|| {
        format!(
            "{} could not be read in full",
            counted(kept.events, "webhook event")
        )
    });
    let parts = [opt_outs, replies, events];
    let text: Vec<String> = parts.into_iter().flatten().collect();
    if !text.is_empty() {
        let text = text.join(", and ");
        words(
            &format!("{text}: `outreach suppress replies` shows what waits for you.\n"),
            out,
        )?;
    }
    Ok(())
}

fn all(
    checkpoint: &Path,
    json: bool,
    local: &Local,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let summaries = summaries(checkpoint)?;
    if json {
        return Ok(print_json(&summaries, &mut Visible(out))?);
    }
    if summaries.is_empty() {
        writeln!(out, "No batch yet.")?;
        return unreadable(checkpoint, out);
    }
    words(
        &format!(
            "{}\n",
            batch_table(&summaries, local).text(stdout_width().unwrap_or(usize::MAX))
        ),
        out,
    )?;
    unreadable(checkpoint, out)
}

/// The batches, a line each.
fn batch_table(summaries: &[Summary], local: &Local) -> TextTable {
    // In a narrow terminal the last of these go first.
    let mut table = TextTable::new(&[
        Column::text("BATCH"),
        Column::text("STATE"),
        Column::count("SENT"),
        Column::count("QUEUED").leaves_at(1),
        Column::count("UNKNOWN").leaves_at(3),
        Column::count("ERROR").leaves_at(4),
        Column::count("ROWS").leaves_at(2),
        Column::count("UNDER WAY").leaves_at(5),
        Column::text("LAST RUN").leaves_at(6),
    ]);
    for one in summaries {
        let counts = &one.counts;
        let count = |count: u64| grouped(count);
        table.row(vec![
            on_one_line(&one.batch).into_owned(),
            one.stands.state.word().to_owned(),
            count(counts.sent),
            count(counts.queued),
            count(counts.unknown),
            count(counts.error),
            count(one.rows),
            count(counts.sending),
            last_run(one, local),
        ]);
    }
    table
}

fn last_run(summary: &Summary, local: &Local) -> String {
    let text = match (summary.finished_at, summary.started_at) {
        (Some(at), _) => local.time_and_distance(at),
        (None, Some(at)) => format!("since {}", local.time_and_distance(at)),
        (None, None) => "never".to_owned(),
    };
    let kind = match (summary.rest_waits(), summary.sandbox) {
        (true, true) => " (pilot is over; rehearsal)",
        (true, false) => " (pilot is over)",
        (false, true) => " (rehearsal)",
        (false, false) => "",
    };
    format!("{text}{kind}")
}

/// Shows the counts until the batch is settled, or the run that sends it has ended.
fn watch(watched: &BatchWatch, out: &mut dyn Write) -> Result<(), CommandError> {
    let terminal = std::io::stdout().is_terminal();
    let mut printed: Option<Instant> = None;
    loop {
        let (summary, over) = watched.look()?;
        if terminal {
            redraw(&line(&summary))?;
        } else if printed.is_none_or(|printed| printed.elapsed() >= PRINT_INTERVAL) {
            words(&format!("{}\n", line(&summary)), out)?;
            printed = Some(Instant::now());
        }
        out.flush()?;
        if over {
            if terminal {
                writeln!(out)?;
            }
            return Ok(());
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn line(summary: &Summary) -> String {
    let counts = &summary.counts;
    let waiting = counts.queued + counts.sending;
    format!(
        "{}: {} of {} sent, {} queued, {} under way, {} unknown, {} error",
        on_one_line(&summary.batch),
        grouped(counts.sent),
        grouped(counts.sent + waiting),
        grouped(counts.queued),
        grouped(counts.sending),
        grouped(counts.unknown),
        grouped(counts.error),
    )
}
