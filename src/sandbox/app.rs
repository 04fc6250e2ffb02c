//! The state that all connections share.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::book::{Book, Who, lock};
use super::fault::{Fault, FaultRule, Scope};
use super::quota::{Grant, Meter, Peaks};
use super::random::draw;
use super::settings::{Channel, Settings};
use super::state::State;
use super::stats::{Counters, Repeated, Stats};
use super::webhooks::Outbox;

/// What the listener and the open connections shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Serve.
    Open,
    /// Nobody listens for so long; connections end after their present answer.
    Refusing(Duration),
    /// The end.
    Stopped,
}

/// Purposes of draws, so that decisions about the same number are independent.
pub(super) const NO_MESSENGER: u64 = 1;
const JITTER: u64 = 2;
/// People listed in the account as messaged more than once; `/sandbox/accepted` has all.
const REPEATED_SHOWN: usize = 100;

pub(super) struct App {
    pub(super) settings: Settings,
    started: Instant,
    started_epoch: Duration,
    pace: Mutex<Pace>,
    pub(super) counters: Counters,
    pub(super) book: Book,
    pub(super) state: Option<State>,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) outbox: Option<Outbox>,
    bearers: Vec<String>,
    drops_before_read: bool,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("stats", &self.counters)
            .finish_non_exhaustive()
    }
}

struct Pace {
    meter: Option<Meter>,
    peaks: Peaks,
}

impl App {
    pub(super) fn new(
        settings: Settings,
        book: Book,
        state: Option<State>,
        outbox: Option<Outbox>,
    ) -> Arc<Self> {
        let window = settings
            .quota
            .map_or(Duration::from_hours(1), |quota| quota.window);
        let bearers = settings
            .tokens
            .iter()
            .map(|token| format!("Bearer {token}"))
            .collect();
        let drops_before_read = settings
            .faults
            .iter()
            .any(|rule| rule.fault == Fault::DropBeforeRead);
        Arc::new(Self {
            started: Instant::now(),
            started_epoch: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
            pace: Mutex::new(Pace {
                meter: settings.quota.map(Meter::new),
                peaks: Peaks::new(window),
            }),
            counters: Counters::new(),
            book,
            state,
            phase: watch::Sender::new(Phase::Open),
            outbox,
            bearers,
            drops_before_read,
            settings,
        })
    }

    /// Epoch milliseconds, from a clock that never runs back.
    pub(super) fn now_ms(&self) -> u64 {
        let now = self.started_epoch + self.started.elapsed();
        u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
    }

    /// Counts one call and asks the quota; `None` without a quota.
    pub(super) fn admit(&self) -> Option<Grant> {
        let mut pace = lock(&self.pace);
        // Read under the lock, so that time never runs backwards for the meter.
        let now = self.started.elapsed();
        pace.peaks.arrived(now);
        let grant = pace.meter.as_mut().map(|meter| meter.admit(now));
        if grant.is_none_or(|grant| grant.granted) {
            pace.peaks.granted(now);
        }
        grant
    }

    /// A time of the quota as the time since the epoch.
    pub(super) fn epoch(&self, since_start: Duration) -> Duration {
        self.started_epoch + since_start
    }

    pub(super) fn knows_token(&self, authorization: Option<&[u8]>, query: Option<&str>) -> bool {
        if let Some(given) = authorization {
            return self.bearers.iter().any(|bearer| bearer.as_bytes() == given);
        }
        let parameter = query.and_then(|query| {
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix("access_token="))
        });
        parameter.is_some_and(|token| self.settings.tokens.iter().any(|known| known == token))
    }

    /// The first rule that hits this call; numbers count from 1.
    pub(super) fn fault_for(&self, call: u64, send: Option<u64>) -> Option<&FaultRule> {
        if self.settings.faults.is_empty() {
            return None;
        }
        self.settings
            .faults
            .iter()
            .enumerate()
            .find_map(|(index, rule)| {
                let number = match rule.scope {
                    Scope::All => Some(call),
                    Scope::Sends => send,
                };
                let hit = rule.fault != Fault::DropBeforeRead
                    && number.is_some_and(|number| rule.hits(number, self.settings.seed, index));
                hit.then_some(rule)
            })
    }

    pub(super) fn drops_before_read(&self) -> bool {
        self.drops_before_read
    }

    /// Counts a request that begins to arrive; true if it must not be read.
    pub(super) fn drop_next_arrival(&self) -> bool {
        let number = self.counters.arrivals.fetch_add(1, Ordering::Relaxed) + 1;
        let mut rules = self.settings.faults.iter().enumerate();
        let hit = rules.any(|(index, rule)| {
            rule.fault == Fault::DropBeforeRead && rule.hits(number, self.settings.seed, index)
        });
        if hit {
            self.counters.fault(Fault::DropBeforeRead.name());
        }
        hit
    }

    /// How long this call takes.
    pub(super) fn latency(&self, call: u64) -> Duration {
        let Settings {
            seed,
            latency,
            jitter,
            ..
        } = self.settings;
        if jitter.is_zero() {
            return latency;
        }
        let span = u64::try_from(jitter.as_micros())
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        latency + Duration::from_micros(draw(seed, JITTER, call) % span)
    }

    pub(super) fn channel(&self, id: &str) -> Option<(u8, &Channel)> {
        (0u8..)
            .zip(&self.settings.channels)
            .find(|(_, channel)| channel.id == id)
    }

    /// True if this person cannot be reached on this channel, now and ever.
    pub(super) fn is_unreachable(&self, who: Who) -> bool {
        self.settings
            .without_messenger
            .holds(draw(self.settings.seed, NO_MESSENGER, who.number()))
    }

    /// The whole account.
    pub(super) fn stats(&self) -> Stats {
        let mut repeated_people = Vec::new();
        let mut messaged_after_stop = 0;
        for shard in 0..self.book.shard_count() {
            self.book.each_in(shard, |who, person| {
                messaged_after_stop += u64::from(person.after_stop > 0);
                if person.messages.len() > 1 && repeated_people.len() < REPEATED_SHOWN {
                    repeated_people.push(Repeated {
                        number: who.number().to_string(),
                        count: person.messages.len(),
                    });
                }
            });
        }
        let (peak_per_second, peak_per_window) = {
            let pace = lock(&self.pace);
            (pace.peaks.per_second, pace.peaks.window)
        };
        Stats {
            accepted: self.book.accepted.load(Ordering::Relaxed),
            distinct: self.book.distinct.load(Ordering::Relaxed),
            repeated: self.book.repeated.load(Ordering::Relaxed),
            repeated_people,
            messaged_after_stop,
            peak_per_second,
            peak_per_window,
            ..self.counters.snapshot()
        }
    }
}
