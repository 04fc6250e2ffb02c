//! The end of a run: what is known goes to the checkpoint, then to the results file, then to people.

use std::path::PathBuf;

use super::error::{CommandError, CommandResult};
use super::run::Run;
use crate::dispatch::{Halt, RunEnd};
use crate::domain::batch_state::BatchState;
use crate::exit::ExitCode;
use crate::report::{Hints, Summary, default_results_path, write_results_file, write_summary_file};
use crate::store::{Counts, RunRecord, Store};

/// Records how the run ended, writes results and summary, and tells people.
pub(super) async fn finish(run: Run, end: Result<RunEnd, CommandError>) -> CommandResult {
    let end = match end {
        Ok(end) => end,
        Err(error) => {
            // Storage failed: what is known is on disk as far as it got there. Leave it alone.
            return Err(error);
        }
    };
    // Webhook events that came before our own answers may settle what is unknown.
    let events = run.store.apply_waiting_events(run.clock.now()).await?;
    for problem in &events.problems {
        tracing::warn!("{problem}");
    }
    let counts = run.store.reader()?.counts(run.batch.id)?;
    let exit = exit_code(&end, &counts);
    let halted_text = match &end {
        RunEnd::Halted(Halt::IdenticalRefusals { text, .. }) => Some(text.clone()),
        RunEnd::Halted(Halt::Fatal { .. } | Halt::Outage { .. } | Halt::Reserve { .. })
        | RunEnd::Complete
        | RunEnd::Interrupted
        | RunEnd::Deadline => None,
    };
    run.store
        .end_run(
            run.batch.id,
            RunRecord {
                at: run.clock.now(),
                state: state(&end, &counts),
                why: why(&end),
                exit_reason: exit.reason(),
                halted_text,
            },
        )
        .await?;
    tell_end(&run, &end, &counts);
    report(&run)?;
    Ok(exit)
}

/// Where the batch stands after a run that ended so.
fn state(end: &RunEnd, counts: &Counts) -> BatchState {
    match end {
        RunEnd::Halted(_) => BatchState::Stopped,
        RunEnd::Complete | RunEnd::Interrupted | RunEnd::Deadline
            if counts.queued + counts.sending > 0 =>
        {
            BatchState::Paused
        }
        RunEnd::Complete | RunEnd::Interrupted | RunEnd::Deadline => BatchState::Complete,
    }
}

/// Why a batch stands where it stands.
fn why(end: &RunEnd) -> Option<String> {
    match end {
        RunEnd::Halted(halt) => Some(halt.to_string()),
        RunEnd::Interrupted => Some("a signal".to_owned()),
        RunEnd::Deadline => Some("the time for the run was over".to_owned()),
        RunEnd::Complete => None,
    }
}

fn exit_code(end: &RunEnd, counts: &Counts) -> ExitCode {
    match end {
        RunEnd::Halted(Halt::Reserve { .. }) => ExitCode::Configuration,
        RunEnd::Halted(
            Halt::Fatal { .. } | Halt::IdenticalRefusals { .. } | Halt::Outage { .. },
        ) => ExitCode::Guard,
        // Complete, and some are queued: they wait for hours that this run does not see.
        RunEnd::Complete | RunEnd::Interrupted | RunEnd::Deadline
            if counts.queued + counts.sending > 0 =>
        {
            ExitCode::Paused
        }
        RunEnd::Complete | RunEnd::Interrupted | RunEnd::Deadline => {
            if counts.error + counts.unknown > 0 {
                ExitCode::CompleteWithProblems
            } else {
                ExitCode::Complete
            }
        }
    }
}

fn tell_end(run: &Run, end: &RunEnd, counts: &Counts) {
    let name = &run.batch.name;
    match end {
        RunEnd::Complete if counts.queued > 0 => run.console.warn(format_args!(
            "{} recipients are still queued: their own sending hours do not come before this run \
             must end. `outreach resume {name}` goes on from here.",
            counts.queued
        )),
        RunEnd::Complete => {}
        RunEnd::Interrupted => run.console.say("Stopped as asked."),
        RunEnd::Deadline => run.console.say("The time for this run is over."),
        RunEnd::Halted(halt) => {
            run.console.warn(format_args!("Stopped by a guard: {halt}"));
            run.console.warn(match halt {
                Halt::Fatal { .. } => {
                    "Nothing more is sent. Mend token, channel or base URL (`outreach doctor` checks \
                     them), then run the same command again."
                        .to_owned()
                }
                Halt::IdenticalRefusals { no_messenger: true, .. } => format!(
                    "If this text means that the numbers have no Messenger: \
                     `outreach resume {name} --no-messenger-text`, and it is remembered. If not: mend \
                     the cause (template, channel, permission), then `outreach resume {name}` sends \
                     to those recipients again."
                ),
                Halt::IdenticalRefusals { no_messenger: false, .. } => format!(
                    "Mend the cause (template, channel, permission), then `outreach resume {name}` \
                     sends to those recipients again."
                ),
                Halt::Outage { .. } => {
                    "The recipients that were not sent are still queued: run the same command again \
                     when the API answers."
                        .to_owned()
                }
                Halt::Reserve { .. } => {
                    format!("Give a smaller --reserve, then `outreach resume {name}` goes on.")
                }
            });
        }
    }
}

/// Writes the results file and the summary. A file that cannot be written does not lose the batch.
fn report(run: &Run) -> Result<(), CommandError> {
    let reader = run.store.reader()?;
    let batch = reader.batch(&run.batch.name)?;
    let results = run
        .out
        .clone()
        .unwrap_or_else(|| default_results_path(&batch.name));
    let written = write_results_file(&reader, &batch, &results);
    let summary = Summary::load(&reader, &batch)?;
    let hints = Hints {
        db: db_hint(&run.store),
        results: written.is_ok().then_some(results),
        rejects: None,
    };
    run.console.say(summary.text(&hints));
    if let Some(path) = &run.summary {
        write_summary_file(&summary, path)?;
    }
    if let Err(error) = written {
        return Err(CommandError::from(error).context(format!(
            "the results are safe in the checkpoint, `outreach export {}` writes them",
            batch.name
        )));
    }
    Ok(())
}

/// The checkpoint, where a suggested command must name it.
pub(super) fn db_hint(store: &Store) -> Option<PathBuf> {
    (store.path() != std::path::Path::new("outreach.db")).then(|| store.path().to_owned())
}
