//! Webhook events, as the real API would send them, and as badly as it may.
//!
//! [`events`] decides what becomes of an accepted message and writes it into the account;
//! [`deliver`] takes the news to the receiver, again and again if need be. What happened to a person
//! is true from the moment it is planned: a receiver that has taken every event must agree with
//! `/sandbox/people`.

mod deliver;
mod events;

use std::time::Duration;

use tokio::sync::mpsc;

use super::book::{Receipt, lock};
use super::random::Share;
use super::stats::Counters;

pub(super) use deliver::run;

/// Where and how webhook events are sent, and what people do. Shares are drawn from the sandbox's seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// The receiver; `{channel_id}` in it is replaced.
    pub url: String,
    /// Signs every event.
    pub secret: String,
    /// Messages that come back as `message_echo` (not on mobile channels).
    pub echo: Share,
    /// People who accept a first message by phone number; only they get what is sent to them.
    pub opt_in: Share,
    /// Messages that reach the device.
    pub delivered: Share,
    /// Delivered messages that are read (not on mobile channels).
    pub read: Share,
    /// Delivered messages that are answered with an opt-out word.
    pub stop: Share,
    /// The opt-out words.
    pub stop_words: Vec<String>,
    /// Messages on mobile and Viber channels that fail, beside those to unreachable numbers.
    pub failed: Share,
    /// Messages after which an event of unknown kind is sent.
    pub unknown: Share,
    /// Deliveries that are made twice.
    pub duplicates: Share,
    /// Events that come at any moment within `spread` instead of their own.
    pub reordered: Share,
    /// Messages after which a forged opt-out with a wrong signature is sent.
    pub forged: Share,
    /// The time from the message to its first event.
    pub delay: Duration,
    /// The time from the first event to the last.
    pub spread: Duration,
    /// How long a minute of the redelivery schedule (1, 5, 20, 60, 180, 480) lasts.
    pub minute: Duration,
    /// How long the receiver may take to answer.
    pub timeout: Duration,
    /// Deliveries at a time.
    pub concurrency: usize,
}

impl WebhookSettings {
    /// Well-behaved events to this receiver.
    pub fn new(url: &str, secret: &str) -> Self {
        Self {
            url: url.to_owned(),
            secret: secret.to_owned(),
            echo: Share::ALL,
            opt_in: Share::percent(70),
            delivered: Share::percent(95),
            read: Share::percent(60),
            stop: Share::percent(3),
            stop_words: vec!["STOP".to_owned()],
            failed: Share::percent(5),
            unknown: Share::NONE,
            duplicates: Share::NONE,
            reordered: Share::NONE,
            forged: Share::NONE,
            delay: Duration::from_millis(100),
            spread: Duration::from_millis(500),
            minute: Duration::from_mins(1),
            timeout: Duration::from_mins(1),
            concurrency: 10,
        }
    }

    /// Sets the share of this name (`opt-in`, `delivered`, ...); false if there is none.
    pub fn set_share(&mut self, name: &str, share: Share) -> bool {
        let place = match name {
            "echo" => &mut self.echo,
            "opt-in" => &mut self.opt_in,
            "delivered" => &mut self.delivered,
            "read" => &mut self.read,
            "stop" => &mut self.stop,
            "failed" => &mut self.failed,
            "unknown" => &mut self.unknown,
            "duplicates" => &mut self.duplicates,
            "reordered" => &mut self.reordered,
            "forged" => &mut self.forged,
            _ => return false,
        };
        *place = share;
        true
    }
}

/// A message that was accepted, for the events that follow.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) receipt: Receipt,
    pub(super) by_phone: bool,
    pub(super) sent_ms: u64,
    pub(super) content: Box<str>,
    pub(super) metadata: Option<Box<str>>,
}

/// The way to the task that sends events.
#[derive(Debug)]
pub(super) struct Outbox(mpsc::UnboundedSender<Accepted>);

impl Outbox {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Accepted>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Hands a message on. From now on something is pending, so that nobody sees a gap.
    pub(super) fn accepted(&self, counters: &Counters, accepted: Accepted) {
        lock(&counters.webhooks).pending += 1;
        if self.0.send(accepted).is_err() {
            // The sandbox is stopping: nobody will send it.
            lock(&counters.webhooks).pending -= 1;
        }
    }
}
