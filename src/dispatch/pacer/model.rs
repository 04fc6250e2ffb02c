//! What goes into the pacer's decisions and what comes out, as values.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use super::window::Sent;
use crate::clock::Moment;
use crate::domain::quota::{Pace, Per, QuotaHeaders, QuotaState, Rate, Reserve};

/// The pace while neither the API nor the user gives one: the smallest plan's quota.
pub(crate) const FALLBACK_RATE: Rate = Rate::new(NonZeroU32::MIN.saturating_add(999), Per::Hour);

/// How to pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The user's cap; `None` trusts the server's headers alone.
    pub rate: Option<Rate>,
    /// What is left for other users of the token.
    pub reserve: Reserve,
    /// Starts that may go at once under a rate; `None`: just enough to catch up on late timers.
    pub burst: Option<NonZeroU32>,
    /// How a window's quota is spent.
    pub pace: Pace,
    /// Requests in flight at most.
    pub concurrency: NonZeroU32,
    /// The pace while there is neither a user's rate nor a header.
    pub fallback: Rate,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rate: None,
            reserve: Reserve::default(),
            burst: None,
            pace: Pace::default(),
            concurrency: NonZeroU32::MIN.saturating_add(2),
            fallback: FALLBACK_RATE,
        }
    }
}

/// Why nothing may start now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The server refused a request for its quota.
    Throttled,
    /// The quota of the window is used, as far as it is ours.
    Quota,
    /// The quota is spread over the window.
    Even,
    /// One request is on its way alone, to learn what the server allows.
    Probing,
    /// The rate.
    Rate,
    /// All connections are in use.
    Connections,
    /// The reserve is as large as the quota: nothing can ever be sent.
    ReserveTakesAll,
    /// Outside the sending hours.
    Hours,
    /// The sending hours come only after the run must end.
    HoursAreOver,
    /// The API gives no usable answers, or a limit of the platform was met.
    Outage,
    /// One request is on its way alone: its answer shows whether others may follow.
    Alone,
}

impl Why {
    /// Whether an answer or another event can end the wait, and not time alone.
    pub(super) fn event_helps(self) -> bool {
        match self {
            Self::Rate | Self::Even | Self::Hours => false,
            Self::Throttled
            | Self::Quota
            | Self::Probing
            | Self::Connections
            | Self::ReserveTakesAll
            | Self::HoursAreOver
            | Self::Outage
            | Self::Alone => true,
        }
    }
}

/// What earlier runs left behind, as the checkpoint holds it: a restart refills nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// What was known of the quota.
    pub quota: QuotaState,
    /// Start times of our own requests in the last period, oldest first.
    pub starts: Vec<Timestamp>,
    /// Requests of the last hour that never got an answer: the server may have counted them.
    pub unanswered: u64,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// One request may start; it counts as started now.
    Go(Ticket),
    /// Nothing may start. Ask again at `until` (`None`: only after an answer or another event).
    Wait {
        /// When to ask again, if time alone can help.
        until: Option<Moment>,
        /// For people.
        why: Why,
    },
}

/// One request that may start; given back to the pacer with what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// When it started.
    pub(super) sent: Sent,
    /// It went alone, to learn what the server allows.
    pub(super) probe: bool,
    /// It was paced by the limiter.
    pub(super) paced: bool,
}

/// Where the pace comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Nothing is known yet.
    Unknown,
    /// The server's headers.
    Headers,
    /// The user's rate; the server reports none.
    UserRate,
    /// The conservative rate; neither the server nor the user gives one.
    Fallback,
}

/// What the pacer knows, for the progress line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PacerView {
    /// Where the pace comes from.
    pub source: Source,
    /// Requests that a window allows, as far as that is known.
    pub limit: Option<u64>,
    /// Requests that are surely left in the open window, before the reserve.
    pub left: Option<u64>,
    /// When the open window ends.
    pub reset_at: Option<Timestamp>,
    /// Requests in flight.
    pub in_flight: u32,
    /// Requests that may be in flight at once now.
    pub concurrency: u32,
    /// Requests that started in the last period.
    pub started_in_period: u64,
    /// Nothing starts until then.
    pub sleeping_until: Option<Timestamp>,
    /// Why nothing starts; `None` while requests start.
    pub why: Option<Why>,
}

/// A request that the server refused with 429.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Refusal {
    /// The answer's quota headers.
    pub headers: QuotaHeaders,
    /// Its `Retry-After`.
    pub retry_after: Option<Duration>,
    /// A random number from 0 to 1, which spreads the waits of many clients.
    pub jitter: f64,
}
