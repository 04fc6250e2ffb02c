//! Waiting for an engine that does not answer.

use std::time::{Duration, Instant};

use crate::cluster::LogError;
use crate::store::error::StoreError;

/// How soon the engine is tried again at first, and at last.
const SOON: Duration = Duration::from_millis(50);
const LATE: Duration = Duration::from_secs(2);

/// A wait for the engine that is longer is logged, and again each minute.
const SAY_AFTER: Duration = Duration::from_secs(5);

/// A wait for the engine.
pub(super) struct Wait {
    since: Instant,
    patience: Duration,
    pause: Duration,
    say_at: Duration,
}

impl Wait {
    pub(super) fn begin(patience: Duration) -> Self {
        Self {
            since: Instant::now(),
            patience,
            pause: SOON,
            say_at: SAY_AFTER,
        }
    }

    /// Sleeps a while, unless the patience is over.
    pub(super) fn once_more(&mut self, error: &LogError) -> Result<(), StoreError> {
        let waited = self.since.elapsed();
        if waited >= self.patience {
            return Err(StoreError::Cluster {
                detail: format!(
                    "{error}; waited {} s. Nothing known is lost: run the same command again when the engine answers",
                    waited.as_secs()
                ),
            });
        }
        if waited >= self.say_at {
            tracing::warn!(
                "the engine of the cluster is waited for, and nothing is sent meanwhile: {error}"
            );
            self.say_at = waited + Duration::from_mins(1);
        }
        std::thread::sleep(self.pause);
        self.pause = (self.pause * 2).min(LATE);
        Ok(())
    }
}
