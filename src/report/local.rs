//! Times for people: local, with the zone, and under a day how long ago.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Where and when a text is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Now.
    pub now: Timestamp,
    /// The reader's zone.
    pub zone: TimeZone,
}

impl Default for Local {
    /// In UTC, at no time that is near to any other.
    fn default() -> Self {
        Self {
            now: Timestamp::MAX,
            zone: TimeZone::UTC,
        }
    }
}

impl Local {
    /// In the zone of this machine.
    pub(crate) fn at(now: Timestamp) -> Self {
        Self {
            now,
            zone: TimeZone::system(),
        }
    }

    /// `2026-05-01 06:00 CEST`.
    pub(crate) fn time(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.zone.clone());
        at.strftime("%Y-%m-%d %H:%M %Z").to_string()
    }

    /// The same with seconds: for the single steps of a row.
    pub(crate) fn second(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.zone.clone());
        at.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// `2026-05-01 06:00 CEST (25 min ago)`; without the distance from a day on, and under a minute.
    pub(crate) fn time_and_distance(&self, at: Timestamp) -> String {
        let time = self.time(at);
        match self.distance(at) {
            Some(distance) => format!("{time} ({distance})"),
            None => time,
        }
    }

    /// The time of day alone where it is today's, else as [`Self::time`].
    pub(crate) fn short(&self, at: Timestamp) -> String {
        let there = at.to_zoned(self.zone.clone());
        let same_day = there.date() == self.now.to_zoned(self.zone.clone()).date();
        if same_day {
            there.strftime("%H:%M %Z").to_string()
        } else {
            self.time(at)
        }
    }

    fn distance(&self, at: Timestamp) -> Option<String> {
        let apart = self.now.duration_since(at);
        let length = apart.abs();
        if length >= SignedDuration::from_hours(24) || length < SignedDuration::from_mins(1) {
            return None;
        }
        let minutes = length.as_mins();
        let text = if minutes < 60 {
            format!("{minutes} min")
        } else {
            format!("{} h", minutes / 60)
        };
        Some(if apart.is_negative() {
            format!("in {text}")
        } else {
            format!("{text} ago")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_sees_local_time_with_its_zone_and_under_a_day_how_long_ago() {
        let local = Local {
            now: "2026-05-01T10:00:00Z".parse().unwrap(),
            zone: TimeZone::get("Europe/Prague").unwrap(),
        };
        for (at, told) in [
            ("2026-05-01T09:35:00Z", "2026-05-01 11:35 CEST (25 min ago)"),
            ("2026-05-01T07:10:00Z", "2026-05-01 09:10 CEST (2 h ago)"),
            ("2026-05-01T12:00:00Z", "2026-05-01 14:00 CEST (in 2 h)"),
            ("2026-05-01T09:59:30Z", "2026-05-01 11:59 CEST"),
            ("2026-04-30T10:00:00Z", "2026-04-30 12:00 CEST"),
            ("2026-01-01T10:00:00Z", "2026-01-01 11:00 CET"),
        ] {
            assert_eq!(local.time_and_distance(at.parse().unwrap()), told);
        }
        let short = |at: &str| local.short(at.parse().unwrap());
        assert_eq!(short("2026-05-01T15:36:00Z"), "17:36 CEST");
        assert_eq!(short("2026-05-02T06:00:00Z"), "2026-05-02 08:00 CEST");
    }
}
