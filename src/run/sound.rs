//! The check of the checkpoint before a batch is sent: at once where it is quick, else beside the run.

use std::time::Duration;

use tokio::sync::oneshot;

use super::error::RunError;
use crate::clock::Clock;
use crate::store::{BatchId, Reader, Store, StoreError};

/// How long the first request waits for the check.
const MAX_DELAY: Duration = Duration::from_secs(2);

/// The faults that are named.
const NAMED: usize = 3;

/// A check that goes on.
pub(super) struct SoundCheck(oneshot::Receiver<Result<(), StoreError>>);

impl SoundCheck {
    /// Begins the check, and waits for it a moment. `None`: it is over, and the checkpoint is sound.
    pub(super) async fn begin(
        store: &Store,
        batch: BatchId,
        clock: &Clock,
    ) -> Result<Option<Self>, RunError> {
        let (tell, told) = oneshot::channel();
        let reader = store.reader()?;
        // A thread of its own: nobody waits for it when the run ends before it.
        let thread = std::thread::Builder::new().name("check".to_owned());
        let begun = thread.spawn(move || {
            let _ = tell.send(check(&reader, batch));
        });
        if let Err(source) = begun {
            let path = store.path().to_owned();
            return Err(StoreError::File { path, source }.into());
        }
        let mut check = Self(told);
        tokio::select! {
            biased;
            done = check.over() => done.map(|()| None),
            () = clock.sleep(MAX_DELAY) => Ok(Some(check)),
        }
    }

    /// Waits until the check is over.
    pub(super) async fn over(&mut self) -> Result<(), RunError> {
        match (&mut self.0).await {
            Ok(checked) => Ok(checked?),
            Err(_) => Err(StoreError::Stopped.into()),
        }
    }
}

fn check(reader: &Reader, batch: BatchId) -> Result<(), StoreError> {
    let faults = reader.faults_before(batch)?;
    if faults.is_empty() {
        return Ok(());
    }
    let named: Vec<&str> = faults.iter().take(NAMED).map(String::as_str).collect();
    Err(StoreError::Corrupt {
        detail: named.join("; "),
    })
}
