//! Tries the events again that came before what they are about, and closes follow-ups whose time is over.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use super::answer::Handler;

/// How often.
const TICK: Duration = Duration::from_secs(1);
/// How many are tried at every tick; more, at every [`FULL_PASS_TICKS`]th.
const PER_TICK: u64 = 5_000;
const FULL_PASS_TICKS: u32 = 30;

/// Works until asked to stop.
pub(super) async fn run(handler: Arc<Handler>, mut stopped: watch::Receiver<bool>) {
    let mut waiting = 0;
    let mut tick = 0_u32;
    loop {
        if waiting <= PER_TICK || tick.is_multiple_of(FULL_PASS_TICKS) {
            waiting = once(&handler).await.unwrap_or(waiting);
        }
        if tick.is_multiple_of(FULL_PASS_TICKS) {
            close_follow_ups(&handler).await;
        }
        tick = tick.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

/// A person whose event does not come in time gets no follow-up.
async fn close_follow_ups(handler: &Handler) {
    if let Err(error) = handler.store.close_follow_ups(handler.clock.now()).await {
        tracing::error!("follow-ups whose time is over cannot be closed: {error}");
    }
}

/// Returns how many wait now.
async fn once(handler: &Handler) -> Option<u64> {
    match handler
        .store
        .apply_waiting_events(handler.clock.now())
        .await
    {
        Ok(events) => {
            handler
                .counters
                .given_up
                .fetch_add(events.given_up, Ordering::Relaxed);
            handler
                .counters
                .problems
                .fetch_add(events.problems.len() as u64, Ordering::Relaxed);
            for problem in &events.problems {
                tracing::warn!("{problem}");
            }
            Some(events.waiting)
        }
        Err(error) => {
            tracing::error!("waiting webhook events cannot be applied: {error}");
            None
        }
    }
}
