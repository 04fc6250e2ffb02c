//! Counters, and the account that they add up to.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::book::lock;

/// The sandbox's account at one moment. Counts are since it started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Calls under `/v1` that were read, whatever became of them.
    pub requests: u64,
    /// Those that were sends.
    pub sends: u64,
    /// Answers by HTTP status, those included that were cut short.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests that were read and got no answer, or only a part of one.
    pub unanswered: u64,
    /// Messages that went out.
    pub accepted: u64,
    /// Different people who were messaged.
    pub distinct: u64,
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
    /// Times that the listener was closed by script.
    pub outages: u64,
    /// Faults that happened, by name.
    pub faults: BTreeMap<String, u64>,
    /// Webhook events, all zero if none are sent.
    pub webhooks: WebhookStats,
}

/// Somebody who was messaged more than once.
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

/// Statuses from 0 to 599.
const STATUSES: usize = 600;

#[derive(Debug)]
pub(super) struct Counters {
    pub(super) requests: AtomicU64,
    pub(super) sends: AtomicU64,
    /// Requests that began to arrive, for the one fault that acts before they are read.
    pub(super) arrivals: AtomicU64,
    by_status: Vec<AtomicU64>,
    pub(super) unanswered: AtomicU64,
    pub(super) connections: Gauge,
    pub(super) in_flight: Gauge,
    pub(super) throttled_quota: AtomicU64,
    pub(super) throttled_connections: AtomicU64,
    pub(super) refused_connections: AtomicU64,
    pub(super) outages: AtomicU64,
    faults: Mutex<BTreeMap<String, u64>>,
    pub(super) webhooks: Mutex<WebhookStats>,
}

/// A level and its highest value.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    pub(super) level: AtomicU64,
    pub(super) peak: AtomicU64,
}

impl Gauge {
    pub(super) fn rise(&self) -> u64 {
        self.level.fetch_add(1, Ordering::AcqRel) + 1
    }

    pub(super) fn note_peak(&self, level: u64) {
        if level > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(level, Ordering::Relaxed);
        }
    }

    pub(super) fn fall(&self) {
        self.level.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Counters {
    pub(super) fn new() -> Self {
        Self {
            requests: AtomicU64::new(0),
            sends: AtomicU64::new(0),
            arrivals: AtomicU64::new(0),
            by_status: (0..STATUSES).map(|_| AtomicU64::new(0)).collect(),
            unanswered: AtomicU64::new(0),
            connections: Gauge::default(),
            in_flight: Gauge::default(),
            throttled_quota: AtomicU64::new(0),
            throttled_connections: AtomicU64::new(0),
            refused_connections: AtomicU64::new(0),
            outages: AtomicU64::new(0),
            faults: Mutex::default(),
            webhooks: Mutex::default(),
        }
    }

    pub(super) fn answered(&self, status: u16) {
        if let Some(count) = self.by_status.get(usize::from(status)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn fault(&self, name: String) {
        *lock(&self.faults).entry(name).or_default() += 1;
    }

    /// The account, as far as the counters know it.
    pub(super) fn snapshot(&self) -> Stats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let by_status = (0u16..).zip(&self.by_status).filter_map(|(status, count)| {
            Some((status, read(count))).filter(|&(_, count)| count > 0)
        });
        Stats {
            requests: read(&self.requests),
            sends: read(&self.sends),
            by_status: by_status.collect(),
            unanswered: read(&self.unanswered),
            connections: read(&self.connections.level),
            peak_connections: read(&self.connections.peak),
            peak_in_flight: read(&self.in_flight.peak),
            throttled: Throttled {
                quota: read(&self.throttled_quota),
                connections: read(&self.throttled_connections),
            },
            refused_connections: read(&self.refused_connections),
            outages: read(&self.outages),
            faults: lock(&self.faults).clone(),
            webhooks: lock(&self.webhooks).clone(),
            ..Stats::default()
        }
    }
}
