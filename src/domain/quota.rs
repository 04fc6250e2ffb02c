//! What the server allows and what the user allows, as values.
//!
//! [`Rate`] is the user's `--rate`, [`Reserve`] what is left for other users of the token,
//! [`QuotaHeaders`] what one answer said, [`QuotaState`] what is kept between runs.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::bad_setting::BadSetting;

/// The period of the server's quota: an hour.
pub(crate) const QUOTA_PERIOD: Duration = Duration::from_hours(1);

/// A Reset further ahead than two windows belongs to no hourly quota: it is not believed.
pub(crate) const FURTHEST_RESET: Duration = Duration::from_hours(2);

/// A Reset that passed no longer ago than this belongs to the window that was just open.
const JUST_PASSED: SignedDuration = SignedDuration::from_secs(2);

/// A Reset below this is no calendar time of this century: it is the time remaining.
const FIRST_EPOCH_SECOND: i64 = 1_000_000_000;

/// The unit of a [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Per {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl Per {
    /// Its length.
    pub fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
        })
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
        }
    }
}

/// At most this many requests in any window of the period: `2000/h`, `30/min`, `5/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    count: NonZeroU32,
    per: Per,
}

impl Rate {
    /// `count` requests in any window of `per`.
    pub const fn new(count: NonZeroU32, per: Per) -> Self {
        Self { count, per }
    }

    /// Requests in a period.
    pub fn count(self) -> NonZeroU32 {
        self.count
    }

    /// The period's length.
    pub fn period(self) -> Duration {
        self.per.length()
    }

    /// Requests a second.
    pub fn per_second(self) -> f64 {
        f64::from(self.count.get()) / self.period().as_secs_f64()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per.suffix())
    }
}

impl FromStr for Rate {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        let allowed = "a number of requests and a time, such as 2000/h, 30/min or 5/s";
        let wrong = || BadSetting::new(text, "rate", allowed);
        let (count, per) = text.split_once('/').ok_or_else(wrong)?;
        let per = match per.trim().to_ascii_lowercase().as_str() {
            "s" | "sec" | "second" => Per::Second,
            "m" | "min" | "minute" => Per::Minute,
            "h" | "hour" => Per::Hour,
            _ => return Err(wrong()),
        };
        let count = count.trim().replace('_', "").parse().map_err(|_| wrong())?;
        Ok(Self { count, per })
    }
}

/// The part of the quota that is left for other users of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserve {
    /// This number of requests of each window.
    Requests(u32),
    /// This share of the limit, under 100; rounded down, so that a limit of 1 can still be used.
    Percent(u8),
}

impl Default for Reserve {
    fn default() -> Self {
        Self::Requests(0)
    }
}

impl Reserve {
    /// The requests to leave out of `limit`.
    pub fn of(self, limit: u64) -> u64 {
        match self {
            Self::Requests(count) => u64::from(count),
            Self::Percent(share) => {
                u64::try_from(u128::from(limit) * u128::from(share) / 100).unwrap_or(u64::MAX)
            }
        }
    }

    /// The part of `limit` that this program may use: 0 means that nothing can be sent.
    pub fn leaves(self, limit: u64) -> u64 {
        limit.saturating_sub(self.of(limit))
    }
}

impl fmt::Display for Reserve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(count) => write!(f, "{count}"),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

impl FromStr for Reserve {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        let allowed = "a share below 100%, such as 10%, or a number of requests";
        let wrong = || BadSetting::new(text, "reserve", allowed);
        match text.trim().strip_suffix('%') {
            Some(share) => {
                let share = share.trim().parse().map_err(|_| wrong())?;
                if share < 100 {
                    Ok(Self::Percent(share))
                } else {
                    Err(wrong())
                }
            }
            None => text
                .trim()
                .replace('_', "")
                .parse()
                .map(Self::Requests)
                .map_err(|_| wrong()),
        }
    }
}

/// How the quota of a window is spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the connections allow, then sleep until the window ends.
    #[default]
    Fast,
    /// Spread over the rest of the window.
    Even,
}

/// The quota headers of one answer. A value that is missing or makes no sense is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuotaHeaders {
    /// Requests allowed in a window.
    pub limit: Option<u64>,
    /// Requests left in it.
    pub remaining: Option<u64>,
    /// When it ends, as the server reported it.
    pub reset: Option<Reset>,
    /// The server's own clock when it answered (`Date`), by which the two clocks are compared.
    pub date: Option<Timestamp>,
}

/// The end of a quota window: the recordings show an absolute time, the documentation speaks of the
/// time remaining. The size of the number distinguishes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// At this time by the server's clock.
    At(Timestamp),
    /// This long after the answer.
    In(Duration),
}

impl QuotaHeaders {
    /// Reads the texts of `X-RateLimit-Limit`, `-Remaining`, `-Reset` and `Date`.
    pub fn parse(
        limit: Option<&str>,
        remaining: Option<&str>,
        reset: Option<&str>,
        date: Option<&str>,
    ) -> Self {
        Self {
            limit: limit.and_then(whole).filter(|limit| *limit > 0),
            remaining: remaining.and_then(whole),
            reset: reset.and_then(parse_reset),
            date: date
                .and_then(|text| jiff::fmt::rfc2822::parse(text.trim()).ok())
                .map(|date| date.timestamp()),
        }
    }

    /// Whether the answer gives an end of its window that cannot be: long over, or too far ahead.
    pub(crate) fn reset_is_wrong(&self, now: Timestamp) -> bool {
        self.reset.is_some() && self.until_reset(now).is_none()
    }

    /// Time from the answer, received at `now`, to the window's end.
    ///
    /// Zero when it ended less than two seconds ago: the server counts whole seconds, and the two clocks
    /// differ. `None` when it is not given, ended earlier, or lies too far ahead to be believed.
    pub(crate) fn until_reset(&self, now: Timestamp) -> Option<Duration> {
        let left = match self.reset? {
            Reset::In(left) => left,
            Reset::At(at) => {
                let answered = self.date.unwrap_or(now);
                let over = answered.duration_since(at);
                if over > JUST_PASSED {
                    return None;
                }
                Duration::try_from(-over).unwrap_or(Duration::ZERO)
            }
        };
        (left <= FURTHEST_RESET).then_some(left)
    }
}

/// A whole number that is not negative; `999.0` and spaces pass.
fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.strip_suffix(".0").unwrap_or(text);
    // `parse` takes a plus sign too.
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| digits.parse().ok()).flatten()
}

fn parse_reset(text: &str) -> Option<Reset> {
    let text = text.trim();
    let number = match text.split_once('.') {
        Some((seconds, fraction)) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => seconds,
        Some(_) => return None,
        None => text,
    };
    let number = i64::try_from(whole(number)?).ok()?;
    if number < FIRST_EPOCH_SECOND {
        let left = Duration::from_secs(number.unsigned_abs());
        return Some(Reset::In(left));
    }
    // A number this large as seconds would be in the year 5138: it is milliseconds.
    let seconds = if number >= 100_000_000_000 {
        number / 1000
    } else {
        number
    };
    Timestamp::from_second(seconds).ok().map(Reset::At)
}

/// Reads `Retry-After`: seconds, or an HTTP date seen at `now`. `None` if it makes no sense or is over.
pub(crate) fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let wait = if let Some(seconds) = whole(text) {
        Duration::from_secs(seconds)
    } else {
        let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
        Duration::try_from(at.duration_since(now)).ok()?
    };
    (Duration::ZERO < wait && wait <= FURTHEST_RESET).then_some(wait)
}

/// What is known of a token's quota, kept in the checkpoint so that a restart does not refill it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaState {
    /// Requests allowed in a window, as the server last reported.
    pub limit: Option<u64>,
    /// Requests that were surely left at `observed_at`: those in flight are taken off already.
    pub remaining: Option<u64>,
    /// When the window ends, by our clock.
    pub reset_at: Option<Timestamp>,
    /// When this was observed.
    pub observed_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_as_people_write_them_and_print_back() {
        for (text, printed) in [
            ("2000/h", "2000/h"),
            ("30/min", "30/min"),
            (" 5 / s ", "5/s"),
            ("1_000/hour", "1000/h"),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), printed);
        }
        for text in [
            "",
            "5",
            "0/s",
            "-1/s",
            "1.5/s",
            "5/day",
            "/h",
            "99999999999/h",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_reserve_is_a_number_or_a_share_under_the_whole() {
        assert_eq!("10%".parse::<Reserve>().unwrap().leaves(1000), 900);
        assert_eq!("10%".parse::<Reserve>().unwrap().leaves(1), 1);
        assert_eq!("200".parse::<Reserve>().unwrap().leaves(100), 0);
        for text in ["100%", "", "%", "-5", "ten"] {
            assert!(text.parse::<Reserve>().is_err(), "{text}");
        }
    }

    #[test]
    fn reset_is_read_as_absolute_or_remaining_by_its_size() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let left = |reset| QuotaHeaders::parse(None, None, Some(reset), None).until_reset(now);
        assert_eq!(left("1700003599"), Some(Duration::from_secs(3599)));
        assert_eq!(left("1700003599000"), Some(Duration::from_secs(3599)));
        assert_eq!(left("3599"), Some(Duration::from_secs(3599)));
        assert_eq!(left("3599.5"), Some(Duration::from_secs(3599)));
        assert_eq!(left("7200"), Some(Duration::from_hours(2)));
        for just_over in ["0", "1699999998", "1699999999", "1700000000"] {
            assert_eq!(left(just_over), Some(Duration::ZERO), "{just_over}");
        }
        for bad in [
            "1699999990",
            "1699999997",
            "7201",
            "-5",
            "+5",
            "soon",
            "",
            "1e9",
            "9999999999",
            "99999999999999999999",
            "1700.x",
            "17x",
            ".0",
        ] {
            assert_eq!(left(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_reset_is_wrong_only_where_one_is_given() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let is_wrong = |reset| QuotaHeaders::parse(None, None, reset, None).reset_is_wrong(now);
        assert!(is_wrong(Some("1699999990")) && is_wrong(Some("9999999999")));
        assert!(!is_wrong(Some("3599")) && !is_wrong(None));
    }

    #[test]
    fn the_servers_own_clock_takes_the_difference_out() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let headers = QuotaHeaders::parse(
            Some("1000"),
            Some("999"),
            Some("1700007199"),
            Some("Tue, 14 Nov 2023 23:13:20 GMT"),
        );
        // The server's clock is an hour ahead: 3,599 s are left, not 7,199.
        assert_eq!(headers.until_reset(now), Some(Duration::from_secs(3599)));
    }

    #[test]
    fn bad_header_values_are_none() {
        let bad = QuotaHeaders::parse(
            Some("many"),
            Some("-1"),
            Some("tomorrow"),
            Some("yesterday"),
        );
        assert_eq!(bad, QuotaHeaders::default());
        assert_eq!(
            QuotaHeaders::parse(Some("0"), Some("0"), None, None).limit,
            None
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        assert_eq!(parse_retry_after("120", now), Some(Duration::from_mins(2)));
        assert_eq!(
            parse_retry_after("Tue, 14 Nov 2023 22:14:20 GMT", now),
            Some(Duration::from_mins(1))
        );
        assert_eq!(parse_retry_after("7200", now), Some(FURTHEST_RESET));
        assert_eq!(parse_retry_after("7201", now), None);
        assert_eq!(parse_retry_after("0", now), None);
        assert_eq!(parse_retry_after("later", now), None);
    }
}
