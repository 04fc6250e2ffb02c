//! When sending is allowed: a daily window, in the sender's or the recipient's time, and a deadline.
//!
//! All questions are about an instant and are answered from civil time in the zone concerned, so that
//! summer time, windows over midnight and zones with odd offsets need no rule of their own.
//! Invariants: `may_send(next_opening(now))` holds, and no earlier instant after `now` is inside.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};

use super::zones::zones_of;

/// How far ahead an opening is searched for. A window that stays shut for this long never opens: its
/// hours in the zones of one country do not overlap.
const HORIZON_DAYS: i64 = 3;

/// A time limit that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not `HH:MM-HH:MM`.
    #[error(
        "`{0}` is not a daily window: write two different times, such as 08:00-21:00 or 20:00-02:00"
    )]
    Window(String),
    /// No such zone.
    #[error(
        "`{0}` is not a time zone: write a name of the IANA database, such as Europe/Prague, or `local`"
    )]
    Zone(String),
    /// Neither a time nor a date and time.
    #[error("`{0}` is not a time: write 06:00, `06:00 Europe/Prague` or 2026-05-02T06:00")]
    Until(String),
    /// The time is over.
    #[error("`{0}` is over already: name a time in the future")]
    Past(String),
}

/// Hours of the day, the end excluded; over midnight when the end is the earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DailyWindow {
    opens: Time,
    closes: Time,
}

impl DailyWindow {
    /// Is this time of day inside?
    pub fn contains(self, time: Time) -> bool {
        if self.opens < self.closes {
            self.opens <= time && time < self.closes
        } else {
            self.opens <= time || time < self.closes
        }
    }
}

impl FromStr for DailyWindow {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let wrong = || ScheduleError::Window(text.to_owned());
        let (opens, closes) = text.split_once('-').ok_or_else(wrong)?;
        let opens = time_of_day(opens).ok_or_else(wrong)?;
        // 24:00 is how people write the end of the day; as an end, midnight means just that.
        let closes = if closes.trim() == "24:00" {
            Some(Time::midnight())
        } else {
            time_of_day(closes)
        };
        let closes = closes.ok_or_else(wrong)?;
        if opens == closes && opens != Time::midnight() {
            return Err(wrong());
        }
        Ok(Self { opens, closes })
    }
}

impl TryFrom<String> for DailyWindow {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        text.parse()
    }
}

impl From<DailyWindow> for String {
    fn from(window: DailyWindow) -> Self {
        window.to_string()
    }
}

impl fmt::Display for DailyWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-{}",
            self.opens.strftime("%H:%M"),
            self.closes.strftime("%H:%M")
        )
    }
}

/// Whose time of day the window means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowBy {
    /// The sender's: one zone for the whole batch.
    #[default]
    Sender,
    /// The recipient's, by the country of the number; where it spans several zones, all of them.
    Recipient,
}

/// When a batch may send.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The hours of the day; `None`: all.
    pub window: Option<DailyWindow>,
    /// Whose hours.
    pub window_by: WindowBy,
    /// The sender's zone; also used for recipients whose number belongs to no country.
    pub zone: TimeZone,
    /// Nothing starts from then on.
    pub deadline: Option<Timestamp>,
}

impl Default for Schedule {
    /// Always.
    fn default() -> Self {
        Self {
            window: None,
            window_by: WindowBy::Sender,
            zone: TimeZone::UTC,
            deadline: None,
        }
    }
}

impl Schedule {
    /// True when the deadline has come.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    /// Why the deadline ended a run at `now`, for people: "until 06:00 CET was reached".
    pub(crate) fn deadline_text(&self, now: Timestamp) -> Option<String> {
        let deadline = self.deadline?.to_zoned(self.zone.clone());
        let deadline = deadline.strftime("%H:%M %Z");
        Some(if self.is_over(now) {
            format!("until {deadline} was reached")
        } else {
            format!("the window opens only after {deadline}, when the run must end")
        })
    }

    /// May anything be sent now? With windows by recipient, each one must be asked for too.
    pub fn may_send(&self, now: Timestamp) -> bool {
        !self.is_over(now) && self.is_open(now, self.sender_zones())
    }

    /// May this be sent now to a number of `region` (two letters)?
    pub fn may_send_to(&self, now: Timestamp, region: Option<&str>) -> bool {
        !self.is_over(now) && self.is_open(now, self.recipient_zones(region))
    }

    /// The first instant from `now` on at which [`Schedule::may_send`]; `None` when the deadline comes first.
    pub fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        self.opening_in(now, self.sender_zones())
    }

    /// The first instant from `now` on at which a number of `region` may be sent to; `None` when the
    /// deadline comes first, or when the window never opens in all zones of its country at once.
    pub fn next_opening_for(&self, now: Timestamp, region: Option<&str>) -> Option<Timestamp> {
        self.opening_in(now, self.recipient_zones(region))
    }

    /// Whether a number of `region` can never be sent to, whatever the deadline: the window is not open in all zones
    /// of its country at once.
    pub fn never_opens_for(&self, now: Timestamp, region: Option<&str>) -> bool {
        let endless = Self {
            deadline: None,
            ..self.clone()
        };
        endless.next_opening_for(now, region).is_none()
    }

    /// When sending that is allowed at `now` must stop: the window's end or the deadline.
    /// `None`: never, or it is not allowed now.
    pub fn open_until(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.may_send(now) {
            return None;
        }
        let zones = self.sender_zones();
        let closes = self
            .edges(now, zones)
            .into_iter()
            .find(|edge| !self.is_open(*edge, zones));
        [closes, self.deadline].into_iter().flatten().min()
    }

    /// The zones that hold for the whole batch: none when each recipient has their own.
    fn sender_zones(&self) -> &[TimeZone] {
        match self.window_by {
            WindowBy::Sender => std::slice::from_ref(&self.zone),
            WindowBy::Recipient => &[],
        }
    }

    fn recipient_zones(&self, region: Option<&str>) -> &[TimeZone] {
        match self.window_by {
            WindowBy::Sender => self.sender_zones(),
            WindowBy::Recipient => match region.map(zones_of) {
                Some(zones) if !zones.is_empty() => zones,
                Some(_) | None => std::slice::from_ref(&self.zone),
            },
        }
    }

    fn is_open(&self, now: Timestamp, zones: &[TimeZone]) -> bool {
        self.window.is_none_or(|window| {
            zones
                .iter()
                .all(|zone| window.contains(zone.to_datetime(now).time()))
        })
    }

    fn opening_in(&self, now: Timestamp, zones: &[TimeZone]) -> Option<Timestamp> {
        let opens = if self.is_open(now, zones) {
            Some(now)
        } else {
            self.edges(now, zones)
                .into_iter()
                .find(|edge| self.is_open(*edge, zones))
        };
        opens.filter(|at| !self.is_over(*at))
    }

    /// The instants after `now` at which the answer can change, in order: openings, closings, and the
    /// clock changes of the zones.
    fn edges(&self, now: Timestamp, zones: &[TimeZone]) -> Vec<Timestamp> {
        let Some(window) = self.window else {
            return Vec::new();
        };
        let horizon = now
            .checked_add(SignedDuration::from_hours(24 * HORIZON_DAYS))
            .unwrap_or(Timestamp::MAX);
        let mut edges = Vec::new();
        for zone in zones {
            edges.extend(
                zone.following(now)
                    .map(|change| change.timestamp())
                    .take_while(|at| *at <= horizon),
            );
            let today = zone.to_datetime(now).date();
            // Yesterday's window may reach over midnight.
            for days in -1..=HORIZON_DAYS {
                let Ok(date) = today.checked_add(days.days()) else {
                    continue;
                };
                for time in [window.opens, window.closes] {
                    let at = zone.to_ambiguous_timestamp(date.to_datetime(time));
                    // In the hour that a clock change repeats, both; in one that it skips, its own edge counts.
                    edges.extend(at.earlier().ok());
                    edges.extend(at.later().ok());
                }
            }
        }
        edges.retain(|at| *at > now && *at <= horizon);
        edges.sort_unstable();
        edges.dedup();
        edges
    }
}

/// A zone by its IANA name; `local` is the machine's.
///
/// # Errors
///
/// When there is no such zone.
pub(crate) fn parse_zone(name: &str) -> Result<TimeZone, ScheduleError> {
    match name.trim() {
        "local" => Ok(TimeZone::system()),
        name => TimeZone::get(name).map_err(|_| ScheduleError::Zone(name.to_owned())),
    }
}

/// The instant that `--until` means: a time of day is the next such time in `zone`, or in a zone that
/// follows it; a date and time is itself.
///
/// # Errors
///
/// When the text is no time, or the time is over.
pub(crate) fn parse_until(
    text: &str,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Timestamp, ScheduleError> {
    let wrong = || ScheduleError::Until(text.to_owned());
    let trimmed = text.trim();
    let at = if let Ok(at) = trimmed.parse::<Timestamp>() {
        at
    } else if let Ok(at) = trimmed.parse::<Zoned>() {
        at.timestamp()
    } else {
        let (time, zone) = match trimmed.split_once(|c: char| c == '[' || c.is_whitespace()) {
            Some((time, name)) if time_of_day(time).is_some() => {
                (time, parse_zone(name.trim_end_matches(']'))?)
            }
            Some(_) | None => (trimmed, zone.clone()),
        };
        let next = match time_of_day(time) {
            Some(time) => next_time(time, now, &zone),
            None => instants(time.parse().map_err(|_| wrong())?, &zone)
                .map(|(first, last)| if first > now { first } else { last }),
        };
        next.ok_or_else(wrong)?
    };
    if at > now {
        Ok(at)
    } else {
        Err(ScheduleError::Past(text.to_owned()))
    }
}

/// `H:MM` or `HH:MM`, with seconds if need be.
fn time_of_day(text: &str) -> Option<Time> {
    let mut parts = text.trim().splitn(3, ':');
    let mut part = |missing: Option<&'static str>| {
        let part = parts.next().or(missing)?;
        let digits = matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i8>().ok()).flatten()
    };
    let (hour, minute, second) = (part(None)?, part(None)?, part(Some("0"))?);
    Time::new(hour, minute, second, 0).ok()
}

/// The next instant at which it is `time` in `zone`.
fn next_time(time: Time, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = zone.to_datetime(now).date();
    // Today's may be over already.
    (0..=2).find_map(|days| {
        let date = today.checked_add(days.days()).ok()?;
        let (first, last) = instants(date.to_datetime(time), zone)?;
        [first, last].into_iter().find(|at| *at > now)
    })
}

/// The first and the last instant of a local time: they differ in an hour that a clock change repeats. A time
/// that a change skips is that much later.
fn instants(local: DateTime, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let at = zone.to_ambiguous_timestamp(local);
    Some((at.compatible().ok()?, at.later().ok()?))
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
