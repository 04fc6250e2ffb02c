//! A checkpoint that takes webhook events, for as long as its file stays the one that was opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::error::RunError;
use super::refresh::refresh_results;
use crate::clock::Clock;
use crate::domain::dialect::Dialect;
use crate::serve::{ServeError, Server, Settings};
use crate::store::{Seen, Store};

/// How often the checkpoint's path is compared with the file that is open.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The open checkpoint.
#[derive(Clone)]
pub(crate) struct Receiver {
    store: Arc<Store>,
    clock: Clock,
}

/// Another file stands in the checkpoint's place, or none.
pub(crate) struct Displaced {
    /// Where it was.
    pub(crate) original: PathBuf,
    /// Where the file is now that was open, with all that was received.
    pub(crate) kept: PathBuf,
}

impl Receiver {
    /// Opens the checkpoint, which is made if it is not there.
    ///
    /// # Errors
    /// [`RunError`] if it cannot be opened.
    pub(crate) fn open(checkpoint: &Path, clock: &Clock) -> Result<Self, RunError> {
        let store = Arc::new(Store::open(checkpoint)?);
        // From here on the file can be read, whatever becomes of its name.
        store.read_opened(|_| Ok(()))?;
        let clock = clock.clone();
        Ok(Self { store, clock })
    }

    /// Applies what was sent while no receiver ran, and what waited. Returns how many events still wait until their person
    /// is known, and what notices from now on whatever is written over the file.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub(crate) async fn catch_up(&self) -> Result<(u64, FileWatch), RunError> {
        let events = self.store.apply_waiting_events(self.clock.now()).await?;
        let mut seen = Seen::default();
        seen.check(&self.store)?;
        let watch = FileWatch {
            receiver: self.clone(),
            seen,
        };
        Ok((events.waiting, watch))
    }

    /// The server that stores its events there.
    ///
    /// # Errors
    /// [`ServeError`] if the address is taken or the certificate cannot be used.
    pub(crate) async fn bind(&self, settings: Settings) -> Result<Server, ServeError> {
        Server::bind(settings, Arc::clone(&self.store), self.clock.clone()).await
    }

    /// Writes the results files anew in which something changed.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails, or a file cannot be written.
    pub(crate) fn refresh_results(
        &self,
        dialect: Option<Dialect>,
        now: Timestamp,
    ) -> Result<(), RunError> {
        refresh_results(&self.store, dialect, now)
    }
}

/// Compares the checkpoint's path with the file that is open.
pub(crate) struct FileWatch {
    receiver: Receiver,
    seen: Seen,
}

impl FileWatch {
    /// Waits until the path leads to another file, or to none; then keeps what was received.
    ///
    /// # Errors
    /// [`RunError`] if another file was written into it, or what was received cannot be kept.
    pub(crate) async fn displaced(mut self) -> Result<Displaced, RunError> {
        let Receiver { store, clock } = &self.receiver;
        while store.is_in_place() {
            let checked = self.seen.check(store);
            if store.is_in_place() {
                checked?;
            }
            clock.sleep(POLL_INTERVAL).await;
        }
        Ok(Displaced {
            original: store.original().to_owned(),
            kept: store.keep_beside()?,
        })
    }
}
