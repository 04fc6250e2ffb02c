//! `outreach serve`: receives webhooks until a signal.

use std::convert::Infallible;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::call::Call;
use super::checkpoint;
use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::process::{runtime, second_signal, signal};
use crate::clock::Clock;
use crate::domain::dialect::Dialect;
use crate::domain::event::OptOutWords;
use crate::exit::ExitCode;
use crate::report::{counted, displacement, grouped, quoted};
use crate::run::{Displaced, Receiver, prune};
use crate::serve::{Limits, ServeError, Settings as ServerSettings};

/// How often old batches are pruned.
const DAY: Duration = Duration::from_hours(24);

impl From<ServeError> for CommandError {
    fn from(error: ServeError) -> Self {
        Self::new(ExitCode::Configuration, error)
    }
}

/// Runs the command. The address is printed on standard output, alone on a line, for scripts.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(call: &Call, out: &mut impl Write) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, call.clock.clone());
    let serve = settings.serve()?;
    let checkpoint = settings.checkpoint()?;
    let dialect = checkpoint.dialect;
    let db = checkpoint::path_to_make(&checkpoint)?;
    let receiver = Receiver::open(&db, &clock)?;
    if serve.insecure_no_signature && serve.secrets.is_empty() {
        console.warn("Events are taken without a signature: only for tests on this machine.");
    }
    let unsigned = serve.insecure_no_signature;
    let server_settings = ServerSettings {
        listen: serve.listen,
        tls: settings.tls()?,
        secrets: (!unsigned).then_some(serve.secrets),
        words: OptOutWords::with(serve.opt_out_words),
        metrics_names: serve.metrics_names,
        limits: Limits::default(),
    };
    runtime()?.block_on(async {
        // Before the first event comes.
        let (waiting, file) = receiver.catch_up().await?;
        let server = receiver.bind(server_settings).await?;
        let url = format!("{}://{}", server.scheme(), server.address());
        writeln!(out, "{url}")?;
        out.flush()?;
        console.say(format_args!(
            "Receiving webhooks at {url}/webhooks/amio (or /webhooks/amio/CHANNEL_ID); stop with Ctrl-C."
        ));
        if waiting > 0 {
            let events = counted(waiting, "stored event");
            console.say(format_args!("Waiting until their person is known: {events}."));
        }
        let person = settings.person();
        let at_once = tokio::select! {
            displaced = file.displaced() => return Err(displaced_error(&displaced?)),
            never = prune_daily(&db, serve.prune_after, &person, &clock, console) => match never {},
            never = refresh(&receiver, serve.refresh_results, dialect, &clock, console) => match never {},
            () = server.run(async {
                signal().await;
                console.say("Stopping: requests under way are finished. Press Ctrl-C again to stop at once.");
            }) => false,
            () = second_signal() => true,
        };
        if at_once {
            console.warn("Stopped at once; what was not answered will be sent again.");
        }
        Ok(ExitCode::Complete)
    })
}

fn displaced_error(Displaced { original, kept }: &Displaced) -> CommandError {
    CommandError::text(
        ExitCode::Storage,
        format_args!(
            "{}. Nothing more is taken, and the API sends its events again: put it back, or go on with it (`--db {}`)",
            displacement(original, kept, "events were received"),
            quoted(&kept.to_string_lossy()),
        ),
    )
}

/// Writes results files anew, now and then so often; never ends. Without a time none is written.
async fn refresh(
    receiver: &Receiver,
    every: Option<Duration>,
    dialect: Option<Dialect>,
    clock: &Clock,
    console: Console,
) -> Infallible {
    let Some(every) = every else {
        return std::future::pending().await;
    };
    loop {
        let (receiver, now) = (receiver.clone(), clock.now());
        let written = tokio::task::spawn_blocking(move || receiver.refresh_results(dialect, now));
        let failed = match written.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(error) = failed {
            console.warn(format_args!("Results files were not written anew: {error}"));
        }
        clock.sleep(every).await;
    }
}

/// Prunes now and then once a day; never ends. Without a time nothing is pruned.
async fn prune_daily(
    db: &Path,
    older_than: Option<Duration>,
    person: &str,
    clock: &Clock,
    console: Console,
) -> Infallible {
    let Some(older_than) = older_than else {
        return std::future::pending().await;
    };
    loop {
        let (db, person, now) = (db.to_owned(), person.to_owned(), clock.now());
        let pruned =
            tokio::task::spawn_blocking(move || prune(&db, older_than, &person, now, &mut |_| ()));
        match pruned.await {
            Ok(Ok(done)) if done.rows > 0 => console.say(format_args!(
                "Pruned {} rows and {} people of batches that were finished long ago.",
                grouped(done.rows),
                grouped(done.people)
            )),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => console.warn(format_args!("Old batches were not pruned: {error}")),
            Err(error) => console.warn(format_args!("Old batches were not pruned: {error}")),
        }
        clock.sleep(DAY).await;
    }
}
