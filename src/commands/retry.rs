//! `outreach retry BATCH`: refused recipients are queued again, by the user's decision.

use std::fmt::Write as _;
use std::io::Write;

use super::call::Call;
use super::checkpoint;
use super::console::words;
use super::error::CommandResult;
use super::resolve::queued_again;
use crate::cli::RetryArgs;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{counted, grouped};
use crate::run::{HeldBatch, Retry, RetryChoice, RowChoice};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`](super::CommandError), with its exit code.
pub(crate) fn run(args: &RetryArgs, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
    let found = checkpoint::find(settings, Some(&args.batch))?;
    let states: Vec<_> = args.status.iter().map(|status| status.state()).collect();
    let choice = RetryChoice {
        states: &states,
        refusal: args.refusal.as_deref(),
        rows: RowChoice {
            rows: &args.row,
            file: args.file.as_deref(),
        },
    };
    let is_chosen = !states.is_empty() || args.refusal.is_some() || !args.row.is_empty();
    console.require_yes(args.yes || !is_chosen, "queue them")?;
    let batch = HeldBatch::take(&found.path, &args.batch, clock.now())?;
    let retry = batch.retry(&choice)?;
    let listed = list(&retry);
    if !is_chosen {
        let command = found.hints().command("retry", &args.batch, &[]);
        let ways = format!(
            "{listed}Say which are tried again: `{command} --status error`, `--status no_messenger`, \
             `--refusal TEXT`, or `--row N`.\n"
        );
        words(&ways, out)?;
        return Ok(ExitCode::Complete);
    }
    console.say_lines(listed.trim_end());
    if retry.is_empty() {
        return Ok(ExitCode::Complete);
    }
    let question = format!("Queue {} again?", counted(retry.len(), "row"));
    if !args.yes && !console.ask(question) {
        console.say("Nothing was changed.");
        return Ok(ExitCode::Paused);
    }
    let queued = batch.queue_again(&retry, &settings.person(), clock.now())?;
    console.say(queued_again(&found, &batch, queued)?);
    Ok(ExitCode::Complete)
}

/// The counts by text.
fn list(retry: &Retry) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (state, refusal, count) in &retry.texts {
        let _ = writeln!(
            text,
            "{:>12}  {state}: {}",
            grouped(*count),
            on_one_line(refusal)
        );
    }
    let _ = writeln!(text, "{:>12}  in all", grouped(retry.len()));
    if retry.kept > 0 {
        let _ = writeln!(
            text,
            "{:>12}  stay as they are: a message may have been accepted, or the person opted out since",
            grouped(retry.kept)
        );
    }
    text
}
