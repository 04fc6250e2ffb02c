//! `outreach send`: a list becomes a batch, and the batch is sent.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::load::{change, load};
use super::plan::{Takes, compare, keep_rehearsals_apart, plan, tell_unfinished};
use super::preview;
use super::run::{self, Access, Rehearsal, Run};
use crate::amio;
use crate::cli::SendArgs;
use crate::clock::Clock;
use crate::config::{self, Settings};
use crate::exit::ExitCode;
use crate::store::Store;

/// Runs the command.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub fn run(args: &SendArgs, settings: &Settings, console: Console, clock: Clock) -> CommandResult {
    let connection = settings.connection()?;
    let guards = settings.guards()?;
    let pace = settings.pace(clock.now())?;
    let checkpoint = settings.checkpoint()?;
    let checkpoint = if args.sandbox {
        checkpoint.for_sandbox()
    } else {
        checkpoint
    };
    if !args.sandbox {
        connection.token()?;
    }
    somebody_decides(args.sandbox, args.yes, console)?;
    let plan = plan(args, settings, &connection)?;
    for notice in plan.template.notices() {
        console.say(format_args!("note: {notice}"));
    }
    let store = Arc::new(Store::open(checkpoint.db())?);
    let hold = store.hold(&plan.name, clock.now())?;
    keep_rehearsals_apart(&store.reader()?, &plan)?;
    if let Some(batch) = store.reader()?.find_batch(&plan.name)? {
        store.finish_change(batch.id, clock.now())?;
    }
    let takes = compare(&store.reader()?, &plan, args)?;
    let batch = match takes {
        Takes::New => {
            tell_unfinished(&store.reader()?, &plan, console)?;
            load(&store, plan, &guards, console, &clock)?
        }
        Takes::Continues(batch) => *batch,
        Takes::Changes(batch, how) => change(&store, plan, &batch, how, &guards, console, &clock)?,
    };
    let run = Run {
        store,
        batch,
        token: connection.token.as_ref().map(amio::token_fingerprint),
        _hold: hold,
        pace,
        guards,
        timeout: connection.timeout,
        concurrency: NonZeroU32::from(connection.concurrency),
        out: checkpoint.out.clone(),
        summary: checkpoint.summary.clone(),
        console,
        clock,
    };
    run.after_halt(false)?;
    let rehearsal = args.sandbox.then_some(Rehearsal {
        quota: args.sandbox_quota,
    });
    go(run, &connection, rehearsal, args.yes)
}

/// Without a terminal nobody can say yes to the first real send: told before a long list is read.
pub(super) fn somebody_decides(
    sandbox: bool,
    yes: bool,
    console: Console,
) -> Result<(), CommandError> {
    if sandbox || yes || console.can_ask() {
        return Ok(());
    }
    Err(CommandError::usage(
        "nobody can be asked here: give --yes to send without asking",
    ))
}

/// Shows what is about to be sent, asks where somebody can answer, and sends. A rehearsal comes with the
/// quota of its sandbox, and waits for no sending hours.
pub(super) fn go(
    mut run: Run,
    connection: &config::Connection,
    rehearsal: Option<Rehearsal>,
    yes: bool,
) -> CommandResult {
    let counts = run.store.reader()?.counts(run.batch.id)?;
    let console = run.console;
    console.say(preview::batch(&run, &counts)?);
    if counts.queued > 0
        && rehearsal.is_none()
        && !yes
        && !console.ask(format_args!("Send {} messages now?", counts.queued))
    {
        console.say(format_args!(
            "Nothing was sent. `outreach resume {}` goes on from here.",
            run.batch.name
        ));
        return Ok(ExitCode::Paused);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(ExitCode::Internal, error))?;
    runtime.block_on(async {
        if let Some(rehearsal) = rehearsal {
            console.say("Rehearsal against the built-in sandbox: nobody is messaged.");
            run.pace.schedule.window = None;
            let (_sandbox, access) = run::sandbox(&run.batch, rehearsal).await?;
            run.send(access).await
        } else {
            let access = Access {
                base_url: connection.base_url.clone(),
                token: connection.token()?.clone(),
            };
            run.send(access).await
        }
    })
}
