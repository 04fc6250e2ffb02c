//! The counts of the account, as the sandbox keeps and shows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The sandbox's account at one moment. Counts are since it started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Calls under `/v1`, whatever became of them.
    pub requests: u64,
    /// Those that were sends.
    pub sends: u64,
    /// Answers by HTTP status, those included that were cut short.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests that were read and got no answer, or only a part of one.
    pub unanswered: u64,
    /// Messages that were accepted.
    pub accepted: u64,
    /// Different people who were messaged.
    pub distinct: u64,
    /// Numbers that hold a message which did not fail, over all channels.
    #[serde(default)]
    pub reached: u64,
    /// Numbers that hold more than one of them, over all channels: in a correct batch, 0.
    #[serde(default)]
    pub reached_twice: u64,
    /// People who were messaged more than once: in a correct batch, 0.
    pub repeated: u64,
    /// The first of them, with how often.
    pub repeated_people: Vec<Repeated>,
    /// People who were messaged after their opt-out had been taken: in a correct batch, 0.
    pub messaged_after_stop: u64,
    /// Connections open now.
    pub connections: u64,
    /// The highest number of connections open at a time.
    pub peak_connections: u64,
    /// Requests being answered now.
    #[serde(default)]
    pub in_flight: u64,
    /// The highest number of requests being answered at a time.
    pub peak_in_flight: u64,
    /// The highest number of calls in one second of the sandbox's clock.
    pub peak_per_second: u64,
    /// The highest number of granted calls in any stretch as long as the quota's window.
    pub peak_per_window: u64,
    /// Answers 429, by cause.
    pub throttled: Throttled,
    /// Connections closed for being too many.
    pub refused_connections: u64,
    /// Outages that were scripted.
    pub outages: u64,
    /// Faults that happened, by kind.
    pub faults: BTreeMap<String, u64>,
    /// Webhook events, all zero if none are sent.
    pub webhooks: WebhookStats,
}

/// A person who was messaged more than once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeated {
    /// The number, digits only.
    pub number: String,
    /// Messages accepted.
    pub count: usize,
}

/// Answers 429, by cause.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttled {
    /// The quota was used up.
    pub quota: u64,
    /// Too many connections.
    pub connections: u64,
}

/// Webhook events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookStats {
    /// Events that were made, duplicates not counted.
    pub events: u64,
    /// Deliveries that are still to be made: 0 when everything has settled.
    pub pending: u64,
    /// Deliveries answered with 2xx.
    pub delivered: u64,
    /// Further attempts after a failed one.
    pub redelivered: u64,
    /// Failed attempts.
    pub failed_attempts: u64,
    /// Deliveries that failed at every attempt.
    pub given_up: u64,
    /// Extra copies that were sent.
    pub duplicates: u64,
    /// Deliveries with a wrong signature that were refused, as they should be.
    pub forged_refused: u64,
    /// Deliveries with a wrong signature that were answered with 2xx: in a correct receiver, 0.
    pub forged_taken: u64,
}
