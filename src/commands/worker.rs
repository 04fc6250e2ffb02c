//! `outreach worker`: takes up any batch that nobody holds, until a signal.

use std::time::Duration;

use super::call::Call;
use super::checkpoint;
use super::error::{CommandError, CommandResult};
use super::outcome::StartOptions;
use super::process::{runtime, signal};
use super::run::Front;
use crate::amio;
use crate::cli::WorkerArgs;
use crate::domain::text::{on_one_line, quoted};
use crate::exit::ExitCode;
use crate::run::{HeldBatch, LeftAlone, ResumeSettings, RunEnd, RunError, StopHandle, WorkerQueue};

/// How often a worker looks for a batch.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

struct Worker<'a> {
    args: &'a WorkerArgs,
    call: &'a Call,
    stop: StopHandle,
    token: i64,
}

/// Runs the command.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(args: &WorkerArgs, call: &Call) -> CommandResult {
    let settings = &call.settings;
    let connection = settings.connection()?;
    let token = amio::token_fingerprint(connection.token()?);
    let db = checkpoint::path_to_make(&settings.checkpoint()?)?;
    let mut queue = WorkerQueue::open(&db, token)?;
    let worker = Worker {
        args,
        call,
        stop: StopHandle::default(),
        token,
    };
    // Between two runs nothing else listens for a signal.
    let runtime = runtime()?;
    let stop = worker.stop.clone();
    runtime.spawn(async move {
        stop.finish_by(signal().await);
    });
    if !args.once {
        call.console.say("Waiting for batches; stop with Ctrl-C.");
    }
    let mut worst = ExitCode::Complete;
    while worker.stop.by().is_none() {
        let batches = queue.batches(call.clock.now())?;
        batches.newly_left.iter().for_each(|it| worker.warn_of(it));
        if batches.names.is_empty() && args.once {
            let worst = worst_with_the_rest(&queue, call, worst)?;
            return Ok(match batches.left_alone {
                0 => worst,
                _ => ExitCode::worst([worst, ExitCode::Paused]),
            });
        }
        let mut took_one = false;
        for batch in batches.names {
            let Some((exit, is_over)) = worker.take(&batch)? else {
                continue;
            };
            took_one = true;
            worst = ExitCode::worst([worst, exit]);
            if is_over {
                return Ok(worst);
            }
        }
        if !took_one {
            runtime.block_on(call.clock.sleep(POLL_INTERVAL));
        }
    }
    Ok(worst)
}

/// How a worker ends that takes up no more: what waits for a second person is paused.
fn worst_with_the_rest(
    queue: &WorkerQueue,
    call: &Call,
    worst: ExitCode,
) -> Result<ExitCode, RunError> {
    let waiting = queue.not_approved(call.clock.now())?;
    for name in &waiting {
        call.console.warn(format_args!(
            "{} waits for a second person to look at it on the console, and to start it there.",
            on_one_line(name)
        ));
    }
    Ok(match waiting.as_slice() {
        [] => worst,
        _ => ExitCode::worst([worst, ExitCode::Paused]),
    })
}

impl Worker<'_> {
    /// A batch is left alone for its list.
    fn warn_of(&self, left: &LeftAlone) {
        self.call.console.warn(match left {
            LeftAlone::ToNight { batch, list } => format!(
                "batch {} is left to the next night: its list {} was edited since it was read, and may refuse people by now",
                on_one_line(batch),
                on_one_line(&list.display().to_string())
            ),
            LeftAlone::ListGone { batch, list } => format!(
                "batch {} is left to a person: its list {} is not there any more (the night refused it as it is by now, or it was moved \
                 or renamed), and a newer one may refuse people. Mended and back in the inbox, the next night reads it; `outreach \
                 resume {}` goes on by the list as it was read, `outreach cancel {}` gives it up",
                on_one_line(batch),
                on_one_line(&list.display().to_string()),
                quoted(batch),
                quoted(batch)
            ),
            LeftAlone::ToPerson { batch, newer } => format!(
                "batch {} is left to a person: its list was read again since, edited, as batch {}, and may refuse people by now. \
                 `outreach cancel {}` gives it up; `outreach resume {}` goes on by the older list",
                on_one_line(batch),
                on_one_line(newer),
                quoted(batch),
                quoted(batch)
            ),
        });
    }

    /// Sends one batch. Returns how that ended, and whether the worker's own time is over; nothing if another process
    /// was faster.
    fn take(&self, name: &str) -> Result<Option<(ExitCode, bool)>, CommandError> {
        // Each batch has its own results, whatever the settings name for one.
        let mut checkpoint = self.call.settings.checkpoint()?;
        (checkpoint.out, checkpoint.summary) = (None, None);
        let mut front = Front::with(
            self.call,
            checkpoint,
            self.args.start(),
            &[],
            self.args.run.force,
        )?;
        front.stop = self.stop.clone();
        let resume = ResumeSettings {
            batch: Some(name),
            channel: None,
            sandbox: false,
            undo_cancel: None,
        };
        let batch = match HeldBatch::resume(&front.db, &resume, front.now()) {
            Ok(batch) => batch,
            Err(error) if error.is_held() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        front.console.say(format_args!("== {name}"));
        front.left_to_workers = Some(self.token);
        let outcome = front.run_batch(batch, StartOptions::worker())?;
        let end = outcome.ended.map(|ended| ended.end);
        let is_over = matches!(end, Some(RunEnd::Deadline | RunEnd::Interrupted));
        Ok(Some((outcome.exit, is_over)))
    }
}
