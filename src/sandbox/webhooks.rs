//! Webhook events, as the real API would send them.

use super::book::Receipt;

/// Where and how webhook events are sent.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// The receiver.
    pub url: String,
    /// Signs every event.
    pub secret: String,
}

/// A message that was accepted, for the events that follow.
#[derive(Debug)]
#[expect(dead_code, reason = "the events come next")]
pub(super) struct Accepted {
    pub(super) receipt: Receipt,
    pub(super) by_phone: bool,
    pub(super) sent_ms: u64,
    pub(super) content: Box<str>,
    pub(super) metadata: Option<Box<str>>,
}

/// The way to the task that sends events.
#[derive(Debug)]
pub(super) struct Outbox;

impl Outbox {
    #[expect(clippy::unused_self, reason = "the events come next")]
    pub(super) fn accepted(&self, accepted: Accepted) {
        drop(accepted);
    }
}
