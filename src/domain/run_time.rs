//! What a window and a deadline leave of a run together: enough, little, or nothing.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::forecast::when;
use super::schedule::{DailyWindow, Schedule};

/// A run whose window leaves it less time than this is reported.
const SHORT_RUN: SignedDuration = SignedDuration::from_hours(1);

/// The window leaves little or nothing of the time until the deadline.
#[derive(Debug, Clone, PartialEq)]
pub struct LittleTime {
    window: DailyWindow,
    /// When the run may send first; after the deadline if it may not at all.
    opens: Timestamp,
    /// How long it may send.
    open: SignedDuration,
    deadline: Timestamp,
    now: Timestamp,
    zone: TimeZone,
}

impl LittleTime {
    /// What the schedule leaves of a run that begins `now`; `None` if that is enough, or all that was asked for. With
    /// windows by recipient each country has its own times: nothing is said here.
    pub fn of(schedule: &Schedule, now: Timestamp) -> Option<Self> {
        let (window, deadline) = (schedule.window?, schedule.deadline?);
        let endless = Schedule {
            deadline: None,
            ..schedule.clone()
        };
        let opens = endless.next_opening(now)?;
        let (mut open, mut at) = (SignedDuration::ZERO, now);
        while let Some(from) = schedule.next_opening(at) {
            let to = schedule.open_until(from)?;
            open += to.duration_since(from);
            at = to;
        }
        let whole = deadline.duration_since(now);
        let is_little = open.is_zero() || (open < SHORT_RUN && open * 2 < whole);
        is_little.then(|| Self {
            window,
            opens,
            open,
            deadline,
            now,
            zone: schedule.zone.clone(),
        })
    }

    /// Whether nothing can be sent at all.
    pub fn is_nothing(&self) -> bool {
        self.open.is_zero()
    }
}

impl fmt::Display for LittleTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |time: Timestamp| when(time, self.now, &self.zone);
        let (window, opens, deadline) = (self.window, at(self.opens), at(self.deadline));
        if self.is_nothing() {
            return write!(
                f,
                "nothing can be sent: the window {window} opens {opens}, and this run ends before, {deadline}"
            );
        }
        let minutes = (self.open.as_secs() + 59) / 60;
        write!(
            f,
            "only {minutes} min to send: of the time until {deadline} no more is in the window {window}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(window: &str, now: &str, deadline: Option<&str>) -> Option<String> {
        let at = |text: &str| -> Timestamp { text.parse::<jiff::Zoned>().unwrap().timestamp() };
        let schedule = Schedule {
            window: Some(window.parse().unwrap()),
            zone: TimeZone::get("Europe/Prague").unwrap(),
            deadline: deadline.map(at),
            ..Schedule::default()
        };
        LittleTime::of(&schedule, at(now)).map(|it| it.to_string())
    }

    #[test]
    fn a_window_that_leaves_little_of_the_night_is_told() {
        let evening = "2026-05-01T20:30[Europe/Prague]";
        let morning = Some("2026-05-02T06:00[Europe/Prague]");
        assert_eq!(
            told("08:00-21:00", evening, morning).unwrap(),
            "only 30 min to send: of the time until tomorrow 06:00 no more is in the window 08:00-21:00"
        );
        assert_eq!(
            told("08:00-20:00", evening, morning).unwrap(),
            "nothing can be sent: the window 08:00-20:00 opens tomorrow 08:00, and this run ends before, tomorrow 06:00"
        );
    }

    #[test]
    fn enough_time_and_time_that_was_asked_for_are_not_told() {
        let evening = "2026-05-01T20:30[Europe/Prague]";
        assert_eq!(
            told(
                "08:00-22:00",
                evening,
                Some("2026-05-02T06:00[Europe/Prague]")
            ),
            None
        );
        // Ten minutes, as the deadline says: the window takes nothing of them.
        assert_eq!(
            told(
                "08:00-21:00",
                evening,
                Some("2026-05-01T20:40[Europe/Prague]")
            ),
            None
        );
        assert_eq!(
            told("08:00-20:00", evening, None),
            None,
            "it waits for the morning"
        );
        assert_eq!(
            told(
                "08:00-21:00",
                evening,
                Some("2026-05-02T12:00[Europe/Prague]")
            ),
            None
        );
    }
}
