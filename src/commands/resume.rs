//! `outreach resume`: a batch goes on from the checkpoint, without its contacts file.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use super::checkpoint::SANDBOX;
use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::run::{Rehearsal, Run};
use super::send;
use crate::amio;
use crate::cli::ResumeArgs;
use crate::clock::Clock;
use crate::config::Settings;
use crate::exit::ExitCode;
use crate::store::{Batch, Reader, Store};

/// Runs the command.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub fn run(
    args: &ResumeArgs,
    settings: &Settings,
    console: Console,
    clock: Clock,
) -> CommandResult {
    let connection = settings.connection()?;
    let checkpoint = settings.checkpoint()?;
    let checkpoint = if args.sandbox {
        checkpoint.for_sandbox()
    } else {
        checkpoint
    };
    let rehearsals = Path::new(SANDBOX);
    if !checkpoint.is_named() && !checkpoint.db().exists() && rehearsals.exists() {
        return Err(CommandError::text(
            ExitCode::Storage,
            format_args!(
                "there is no checkpoint {} in this folder; the rehearsals in {SANDBOX} go on with --sandbox",
                checkpoint.db().display()
            ),
        ));
    }
    send::somebody_decides(args.sandbox, args.yes, console)?;
    let store = Arc::new(Store::open_existing(checkpoint.db())?);
    let batch = choose(&store.reader()?, args.batch.as_deref())?;
    if batch.sandbox != args.sandbox {
        return Err(CommandError::usage(if batch.sandbox {
            format!(
                "batch {} is a rehearsal: continue it with --sandbox",
                batch.name
            )
        } else {
            format!(
                "batch {} is a real one: continue it without --sandbox",
                batch.name
            )
        }));
    }
    if !args.sandbox {
        connection.token()?;
        if let Some(channel) = connection
            .channel
            .as_ref()
            .filter(|channel| **channel != batch.channel)
        {
            return Err(CommandError::usage(format!(
                "batch {} goes to channel {}, not {channel}: a batch has one channel",
                batch.name, batch.channel
            )));
        }
    }
    let hold = store.hold(&batch.name, clock.now())?;
    store.finish_change(batch.id, clock.now())?;
    let run = Run {
        store,
        batch,
        token: connection.token.as_ref().map(amio::token_fingerprint),
        _hold: hold,
        pace: settings.pace(clock.now())?,
        guards: settings.guards()?,
        timeout: connection.timeout,
        concurrency: NonZeroU32::from(connection.concurrency),
        out: checkpoint.out.clone(),
        summary: checkpoint.summary.clone(),
        console,
        clock,
    };
    run.after_halt(args.no_messenger_text)?;
    let rehearsal = args.sandbox.then_some(Rehearsal {
        quota: args.sandbox_quota,
    });
    send::go(run, &connection, rehearsal, args.yes)
}

/// The named batch, or the only one that is unfinished.
fn choose(reader: &Reader, name: Option<&str>) -> Result<Batch, CommandError> {
    if let Some(name) = name {
        let batch = reader.batch(name)?;
        if batch.is_whole() {
            return Ok(batch);
        }
        return Err(CommandError::usage(format!(
            "the list of batch {name} was not read to its end: run `send` again"
        )));
    }
    let mut unfinished = Vec::new();
    for batch in reader.batches()? {
        let counts = reader.counts(batch.id)?;
        if batch.is_whole() && counts.queued + counts.sending > 0 {
            unfinished.push(batch);
        }
    }
    match unfinished.len() {
        1 => unfinished
            .pop()
            .ok_or_else(|| CommandError::usage("no batch")),
        0 => Err(CommandError::usage(
            "no batch is unfinished; `outreach status` lists them all",
        )),
        _ => {
            let names: Vec<_> = unfinished.iter().map(|batch| batch.name.as_str()).collect();
            Err(CommandError::usage(format!(
                "several batches are unfinished, name one: {}",
                names.join(", ")
            )))
        }
    }
}
