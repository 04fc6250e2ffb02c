//! What commands need of the process: a runtime, and its signals.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use super::console::Console;
use super::error::CommandError;
use crate::exit::ExitCode;
use crate::locked::lock;
use crate::run::StopHandle;

/// A runtime for a command that waits for the network.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.enable_all().build();
    runtime.map_err(|error| CommandError::new(ExitCode::Internal, error))
}

/// Listens for signals before anything is sent: they end the process, with a message and an exit code.
#[derive(Debug, Clone, Default)]
pub(super) struct BeforeSending {
    begun: Arc<Mutex<bool>>,
}

impl BeforeSending {
    /// From now on a signal ends the process, until [`Self::end`]. After that it stops the run.
    pub(super) fn begin(console: Console, stop: StopHandle) -> Self {
        let ours = Self::default();
        let begun = Arc::clone(&ours.begun);
        let (listens, is_listening) = channel();
        std::thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            // Without it the default action ends the process, which is safe at any moment.
            let Ok(runtime) = builder.enable_all().build() else {
                return;
            };
            let name = runtime.block_on(async {
                let mut next = std::pin::pin!(signal());
                // Polled once, it listens.
                tokio::select! {
                    biased;
                    name = &mut next => return name,
                    () = std::future::ready(()) => {}
                }
                let _ = listens.send(());
                next.await
            });
            let begun = lock(&begun);
            if *begun {
                stop.finish_by(name);
            } else {
                console.warn_lines(format_args!(
                    "\nStopped ({name}): nothing was sent. The same command begins again."
                ));
                std::process::exit(ExitCode::Paused.code().into());
            }
        });
        let _ = is_listening.recv();
        ours
    }

    /// Sending begins.
    pub(super) fn end(&self) {
        *lock(&self.begun) = true;
    }
}

/// Waits for Ctrl-C, or for a polite request to end; returns what it was.
#[cfg(unix)]
pub(super) async fn signal() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            // Cannot listen: the default action ends the process, which is safe at any moment.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => "Ctrl-C",
        () = wait(SignalKind::terminate()) => "SIGTERM",
        () = wait(SignalKind::hangup()) => "its terminal was closed (SIGHUP)",
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(super) async fn signal() -> &'static str {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    "Ctrl-C"
}

/// Waits for the second signal: the first one asks for an end, the next one does not wait for it.
pub(super) async fn second_signal() {
    signal().await;
    signal().await;
}

/// A limit on the size of files is an error like a full disk, and no reason to be killed without a word.
#[cfg(unix)]
pub(super) fn outlive_file_limits() {
    use tokio::signal::unix::{SignalKind, signal};
    /// SIGXFSZ, the same number on Linux, macOS and the BSDs.
    const FILE_TOO_LARGE: i32 = 25;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    if let Ok(runtime) = runtime {
        let _inside = runtime.enter();
        // Once a task listens for it, the signal kills no more, for as long as the process lives. Where it cannot
        // be listened to, the system's own way stays.
        let _ = signal(SignalKind::from_raw(FILE_TOO_LARGE));
    }
}

#[cfg(not(unix))]
pub(super) fn outlive_file_limits() {}

/// Files that a run has open beside its connections: the checkpoint, several times, with its log, the list, the results.
#[cfg(unix)]
const OWN_FILES: u64 = 24;

/// Raises the limit on open files as far as the system lets this process: each connection is one.
///
/// # Errors
/// [`ExitCode::Usage`] if even that is too low for so many connections: the API would seem to be away.
#[cfg(unix)]
pub(super) fn open_files_for(connections: u32) -> Result<(), CommandError> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    match limit {
        Some(limit) if limit < u64::from(connections) + OWN_FILES => {
            Err(CommandError::usage(format_args!(
                "--concurrency {connections} needs {} open files, and this process may have {limit}: lower it, or raise the limit (`ulimit -n`)",
                u64::from(connections) + OWN_FILES
            )))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(not(unix))]
pub(super) fn open_files_for(_: u32) -> Result<(), CommandError> {
    Ok(())
}
