//! `outreach serve`: receives webhooks until a signal.

use std::convert::Infallible;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
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
use crate::run::{prune, refresh_results};
use crate::serve::{Limits, ServeError, Server, Settings as ServerSettings};
use crate::store::{Seen, Store, StoreError};

/// How often the checkpoint's path is compared with the file that is open.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

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
    let store = Arc::new(Store::open(&db)?);
    // From here on the file can be read, whatever becomes of its name.
    store.read_opened(|_| Ok(()))?;
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
        // What was sent while no receiver ran, and what waited, is applied before the first event comes.
        let waiting = store.apply_waiting_events(clock.now()).await?;
        let ours = clock.clone();
        let server = Server::bind(server_settings, Arc::clone(&store), clock).await?;
        // Whatever is written over the file once the receiver is said to listen, is noticed.
        let mut seen = Seen::default();
        seen.check(&store)?;
        let url = format!("{}://{}", server.scheme(), server.address());
        writeln!(out, "{url}")?;
        out.flush()?;
        console.say(format_args!(
            "Receiving webhooks at {url}/webhooks/amio (or /webhooks/amio/CHANNEL_ID); stop with Ctrl-C."
        ));
        if waiting.waiting > 0 {
            let events = counted(waiting.waiting, "stored event");
            console.say(format_args!("Waiting until their person is known: {events}."));
        }
        let person = settings.person();
        let at_once = tokio::select! {
            damage = displaced(&store, &mut seen, &ours) => return Err(match damage {
                Some(damage) => damage.into(),
                None => keep(&store)?,
            }),
            never = prune_daily(&db, serve.prune_after, &person, &ours, console) => match never {},
            never = refresh(&store, serve.refresh_results, dialect, &ours, console) => match never {},
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

/// Returns once the path of the checkpoint leads to another file, or to none; or what is wrong with the file, if
/// another one was written into it.
async fn displaced(store: &Store, seen: &mut Seen, clock: &Clock) -> Option<StoreError> {
    while store.is_in_place() {
        let looked = seen.check(store);
        if store.is_in_place() && looked.is_err() {
            return looked.err();
        }
        clock.sleep(POLL_INTERVAL).await;
    }
    None
}

/// Keeps what was received; returns what to say.
fn keep(store: &Store) -> Result<CommandError, CommandError> {
    let kept = store.keep_beside()?;
    Ok(CommandError::text(
        ExitCode::Storage,
        format_args!(
            "{}. Nothing more is taken, and the API sends its events again: put it back, or go on with it (`--db {}`)",
            displacement(store.original(), &kept, "events were received"),
            quoted(&kept.to_string_lossy()),
        ),
    ))
}

/// Writes results files anew, now and then so often; never ends. Without a time none is written.
async fn refresh(
    store: &Arc<Store>,
    every: Option<Duration>,
    dialect: Option<Dialect>,
    clock: &Clock,
    console: Console,
) -> Infallible {
    let Some(every) = every else {
        return std::future::pending().await;
    };
    loop {
        let (store, now) = (Arc::clone(store), clock.now());
        let written = tokio::task::spawn_blocking(move || refresh_results(&store, dialect, now));
        let failed = match written.await {
            Ok(Ok(_)) => None,
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
