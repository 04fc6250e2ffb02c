//! What all requests share.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::base::Kind;
use super::checked::{Checked, Prepared};
use super::details::Details;
use super::job::Jobs;
use super::page::Failure;
use super::quota_view::Quotas;
use super::runs::Runs;
use super::session::Gate;
use super::settings::{ConsoleError, ConsoleSettings};
use crate::clock::Clock;
use crate::locked::lock;
use crate::report::Local;
use crate::store::{Store, make_private_folder};

/// What all requests share.
pub(super) struct App {
    pub(super) settings: ConsoleSettings,
    pub(super) address: SocketAddr,
    pub(super) clock: Clock,
    pub(super) gate: Gate,
    pub(super) runs: Arc<Runs>,
    /// Lists that are read to be looked at, by what was said of them.
    pub(super) checks: Jobs<Result<Arc<Checked>, String>>,
    /// Batches whose rows are gone through, by the address of their page.
    pub(super) details: Jobs<Result<Arc<Details>, String>>,
    /// Lists that become batches.
    pub(super) preparing: Jobs<Prepared>,
    pub(super) quotas: Quotas,
    /// In a cluster what other machines do comes in for as long as it is open.
    _replica: Option<Store>,
    /// Where uploads are.
    pub(super) uploads: PathBuf,
    /// What the next page says, by session.
    flashes: Mutex<HashMap<String, String>>,
}

impl App {
    pub(super) fn new(
        settings: ConsoleSettings,
        address: SocketAddr,
        clock: Clock,
    ) -> Result<Self, ConsoleError> {
        // The sessions are in it.
        let store = Store::open(&settings.checkpoint)?;
        let replica = settings.is_shared.then_some(store);
        let uploads = uploads_beside(&settings.checkpoint);
        make_private_folder(&uploads).map_err(|error| {
            let folder = uploads.display();
            ConsoleError::System(format!(
                "the folder {folder} for uploaded lists cannot be made: {error}"
            ))
        })?;
        Ok(Self {
            gate: Gate::new(&settings, address)?,
            settings,
            address,
            clock,
            runs: Arc::default(),
            checks: Jobs::default(),
            details: Jobs::default(),
            preparing: Jobs::default(),
            quotas: Quotas::default(),
            _replica: replica,
            uploads,
            flashes: Mutex::default(),
        })
    }

    pub(super) fn url(&self) -> String {
        format!("{}{}", self.gate.scheme(), self.address)
    }

    /// The kind of the batches that the page is about.
    pub(super) fn kind(&self) -> Kind {
        if self.settings.sandbox {
            Kind::Rehearsal
        } else {
            Kind::Real
        }
    }

    /// The checkpoint that has batches of a kind.
    pub(super) fn checkpoint(&self, kind: Kind) -> &Path {
        match kind {
            Kind::Real => &self.settings.checkpoint,
            Kind::Rehearsal => &self.settings.rehearsals,
        }
    }

    /// The checkpoint that knows people.
    pub(super) fn people(&self) -> &Path {
        &self.settings.checkpoint
    }

    /// Times as this machine's people read them.
    pub(super) fn local(&self) -> Local {
        Local::at(self.clock.now())
    }

    pub(super) fn flash(&self, session: &str, text: String) {
        lock(&self.flashes).insert(session.to_owned(), text);
    }

    pub(super) fn take_flash(&self, session: &str) -> Option<String> {
        lock(&self.flashes).remove(session)
    }

    /// Runs what waits for the disk on a thread that may.
    pub(super) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let app = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&app)).await;
        done.unwrap_or_else(|error| Err(Failure::internal(&error)))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The folder of uploads of a checkpoint.
fn uploads_beside(checkpoint: &Path) -> PathBuf {
    let mut name = checkpoint.file_name().unwrap_or_default().to_owned();
    name.push("-uploads");
    checkpoint.with_file_name(name)
}
