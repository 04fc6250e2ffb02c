//! What all connections share: the settings, the clock, the account, and the phase of the listener.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch};

use super::account::{Account, Receipt};
use super::settings::Settings;

use crate::locked::lock;

/// What the listener and the open connections shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Serve.
    Open,
    /// Refuse connections for so long; open ones end after their present answer.
    Outage(Duration),
    /// The end.
    Stopped,
}

#[derive(Debug)]
pub(super) struct App {
    pub(super) settings: Settings,
    pub(super) phase: watch::Sender<Phase>,
    started: Instant,
    started_epoch: Duration,
    account: Mutex<Account>,
    /// Accepted messages, for the task that sends webhook events; `None` if none are sent.
    outbox: Option<mpsc::UnboundedSender<Receipt>>,
}

impl App {
    /// # Errors
    /// If the state file of the settings cannot be used.
    pub(super) fn new(
        settings: Settings,
        outbox: Option<mpsc::UnboundedSender<Receipt>>,
    ) -> io::Result<Arc<Self>> {
        let account = Mutex::new(Account::open(&settings)?);
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(Arc::new(Self {
            settings,
            phase: watch::Sender::new(Phase::Open),
            started: Instant::now(),
            started_epoch: epoch.unwrap_or_default(),
            account,
            outbox,
        }))
    }

    /// The account, locked.
    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        lock(&self.account)
    }

    /// The time since the sandbox started. Read it under the account's lock where the quota is asked:
    /// there it must never run back.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// A time since the start as the time since the epoch.
    pub(super) fn epoch(&self, elapsed: Duration) -> Duration {
        self.started_epoch + elapsed
    }

    /// Epoch milliseconds, from a clock that never runs back.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.epoch(self.elapsed()).as_millis()).unwrap_or(u64::MAX)
    }

    /// Hands an accepted message to the task that sends webhook events.
    pub(super) fn publish(&self, account: &mut Account, receipt: Receipt) {
        if let Some(outbox) = &self.outbox
            && outbox.send(receipt).is_ok()
        {
            // Pending at once: between acceptance and events the account never seems settled.
            account.stats.webhooks.pending += 1;
        }
    }
}
