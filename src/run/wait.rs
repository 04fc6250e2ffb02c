//! What a run waits for, and until when. Pure.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{between, later};
use crate::dispatch::pacer::core::{PacerView, Why};
use crate::dispatch::{Cause, Outage};
use crate::domain::masking::hide_numbers;
use crate::domain::schedule::{Schedule, WindowBy};
use crate::domain::text::on_one_line;

/// A wait of this length is reported and stored; shorter ones come between any two requests.
const REPORTED: Duration = Duration::from_mins(1);

/// A run that finds no connection says so after that time.
const NO_CONNECTION: Duration = Duration::from_secs(5);

/// Two ends of a wait this close are the same wait.
const SAME: Duration = Duration::from_mins(1);

/// A wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What for.
    pub what: WaitFor,
    /// Nothing leaves before that.
    pub until: Timestamp,
}

/// What is waited for; its `Display` follows "waiting".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitFor {
    /// The window opens.
    Hours,
    /// The window opens where the recipients live.
    RecipientHours,
    /// The API's quota opens again.
    Quota,
    /// The API put us off.
    Throttled,
    /// The rate of the settings.
    Rate,
    /// The quota is spread evenly.
    Even,
    /// The API gives no usable answers: what went wrong last, without numbers.
    Api(String),
    /// A limit of the platform.
    Limit(String),
    /// Rows that are tried again later.
    Later,
    /// The runs of these batches use all connections; without any, other commands that ask the API.
    Connection(Vec<String>),
}

impl fmt::Display for WaitFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hours => f.write_str("for the sending hours"),
            Self::RecipientHours => f.write_str("for the sending hours of the recipients"),
            Self::Quota => f.write_str("for the quota"),
            Self::Throttled => f.write_str("because the API put us off (429)"),
            Self::Rate => f.write_str("for the rate"),
            Self::Even => f.write_str("to spread the quota evenly"),
            Self::Api(failure) => write!(f, "for the API ({failure})"),
            Self::Limit(limit) => write!(f, "for the platform ({limit})"),
            Self::Later => f.write_str("for recipients that are tried again later"),
            Self::Connection(batches) => {
                write!(f, "for a connection: {} all of them", users(batches))
            }
        }
    }
}

impl WaitFor {
    /// Whose matter it is.
    pub(super) fn matter(&self) -> Option<&'static str> {
        match self {
            Self::Hours | Self::RecipientHours => Some("hours"),
            Self::Quota | Self::Throttled => Some("quota"),
            Self::Api(_) | Self::Limit(_) => Some("platform"),
            Self::Rate | Self::Even | Self::Later | Self::Connection(_) => None,
        }
    }
}

/// Who uses the connections.
fn users(batches: &[String]) -> String {
    match batches {
        [] => "other commands use".to_owned(),
        [batch] => format!("the run of batch {} uses", on_one_line(batch)),
        [first, others @ ..] => format!(
            "the runs of batch {} and {} use",
            on_one_line(first),
            match others.len() {
                1 => "another one".to_owned(),
                more => format!("{more} others"),
            }
        ),
    }
}

impl Wait {
    /// What a request waits for that may not leave, if that ends by time alone. `outage`: the one that lasts.
    pub fn of(pacer: &PacerView, outage: Option<&Outage>) -> Option<Self> {
        let what = match pacer.why? {
            Why::Hours => WaitFor::Hours,
            Why::Outage => match outage?.cause {
                Cause::NoAnswer => WaitFor::Api(hide_numbers(&outage?.failure)),
                Cause::Limit(limit) => WaitFor::Limit(limit.to_string()),
            },
            Why::Quota => WaitFor::Quota,
            Why::Throttled => WaitFor::Throttled,
            Why::Rate => WaitFor::Rate,
            Why::Even => WaitFor::Even,
            Why::Probing
            | Why::Connections
            | Why::ReserveTakesAll
            | Why::HoursAreOver
            | Why::Alone => return None,
        };
        let until = pacer.sleeping_until?;
        Some(Self { what, until })
    }

    /// Whether it is long enough to be reported. A wait for connections has lasted a while when it is known.
    pub fn is_long(&self, now: Timestamp) -> bool {
        matches!(self.what, WaitFor::Connection(_)) || between(now, self.until) >= REPORTED
    }

    /// Whether both are one wait, as far as its end is known.
    pub fn is_same(&self, other: &Self) -> bool {
        let apart = between(self.until, other.until).max(between(other.until, self.until));
        self.what.matter() == other.what.matter() && apart < SAME
    }
}

/// Whether a run that finds no connection since then waits long enough to ask who uses them.
pub(super) fn lacks_connection(since: Timestamp, now: Timestamp) -> bool {
    between(since, now) >= NO_CONNECTION
}

/// What a run waits for that finds no connection `since` then: the runs of `batches`, whose requests last for `timeout`
/// at the most, and processes that ask and hold theirs until `asking`.
pub(super) fn for_connection(
    since: Timestamp,
    (batches, asking): (Vec<String>, Option<Timestamp>),
    timeout: Duration,
) -> Wait {
    let answered = later(since, timeout);
    Wait {
        what: WaitFor::Connection(batches),
        until: asking.map_or(answered, |asking| asking.max(answered)),
    }
}

/// What a run waits for at `now`. `rows`: how long until the first row comes that is queued for later, if nobody
/// else is queued.
pub(super) fn wait(
    schedule: &Schedule,
    outage: Option<&Outage>,
    pacer: &PacerView,
    rows: Option<Duration>,
    now: Timestamp,
) -> Option<Wait> {
    let kept_back = Wait::of(pacer, outage);
    let Some(rows) = rows else { return kept_back };
    // While some wait for rows, others may be kept back by what concerns everybody.
    let for_all = |it: &Wait| match it.what {
        WaitFor::Hours | WaitFor::Api(_) | WaitFor::Limit(_) => it.until > now,
        WaitFor::RecipientHours
        | WaitFor::Quota
        | WaitFor::Throttled
        | WaitFor::Rate
        | WaitFor::Even
        | WaitFor::Later
        | WaitFor::Connection(_) => false,
    };
    if let Some(kept_back) = kept_back.filter(for_all) {
        return Some(kept_back);
    }
    let by_recipient = schedule.window.is_some() && schedule.window_by == WindowBy::Recipient;
    let what = if by_recipient {
        WaitFor::RecipientHours
    } else {
        WaitFor::Later
    };
    let until = later(now, rows);
    Some(Wait { what, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_uses_the_connections_is_told_after_a_while_with_the_end_of_the_wait() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(!lacks_connection(at(100), at(104)));
        assert!(lacks_connection(at(100), at(105)));
        let spring = vec!["spring".to_owned()];
        let timeout = Duration::from_secs(30);
        for (batches, asking, until, told) in [
            (
                spring.clone(),
                None,
                130,
                "the run of batch spring uses all of them",
            ),
            (
                spring,
                Some(at(155)),
                155,
                "the run of batch spring uses all of them",
            ),
            (
                Vec::new(),
                Some(at(120)),
                130,
                "other commands use all of them",
            ),
        ] {
            let wait = for_connection(at(100), (batches, asking), timeout);
            assert_eq!(wait.until, at(until));
            assert_eq!(wait.what.to_string(), format!("for a connection: {told}"));
            assert!(wait.is_long(at(120)), "however short it is");
        }
        let quota = Wait {
            what: WaitFor::Quota,
            until: at(130),
        };
        assert!(!quota.is_long(at(120)));
    }
}
