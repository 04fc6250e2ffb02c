//! When and how carefully a batch is sent: kept with the batch, so that they are not lost when another process
//! continues it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::schedule::{DailyWindow, Schedule, WindowBy, parse_zone};

/// What to do with a request whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Undecided {
    /// The outcome is unknown until it is settled by evidence or by the user.
    Hold,
    /// Send again, up to this number of attempts in all: a possible double is preferred to a gap.
    Retry {
        /// Attempts in all.
        attempts: u32,
    },
}

/// When and how carefully a batch is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// The hours of the day; `None`: all.
    pub window: Option<DailyWindow>,
    /// Whose hours.
    pub window_by: WindowBy,
    /// The sender's time zone by its name; `None` where this machine's has none.
    pub zone: Option<String>,
    /// What is done about a lost answer.
    pub undecided: Undecided,
    /// The first request goes alone.
    pub canary: bool,
}

impl Sending {
    /// What of it a schedule says, with the rest.
    pub(crate) fn new(schedule: &Schedule, undecided: Undecided, canary: bool) -> Self {
        Self {
            window: schedule.window,
            window_by: schedule.window_by,
            zone: schedule.zone.iana_name().map(str::to_owned),
            undecided,
            canary,
        }
    }

    /// The same hours until the deadline of `schedule`.
    pub(crate) fn hours(&self, schedule: &Schedule) -> Schedule {
        let zone = self.zone.as_deref().and_then(|name| parse_zone(name).ok());
        Schedule {
            window: self.window,
            window_by: self.window_by,
            zone: zone.unwrap_or_else(|| schedule.zone.clone()),
            deadline: schedule.deadline,
        }
    }
}

impl fmt::Display for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.window {
            Some(window) => write!(f, "window {window}")?,
            None => f.write_str("window off")?,
        }
        let whose = match self.window_by {
            WindowBy::Sender => "timezone",
            WindowBy::Recipient => "recipient",
        };
        let zone = self.zone.as_deref().unwrap_or("of this machine");
        let undecided = match self.undecided {
            Undecided::Hold => "hold",
            Undecided::Retry { .. } => "retry",
        };
        let canary = if self.canary { "" } else { ", no-canary" };
        write!(
            f,
            ", window-by {whose}, timezone {zone}, undecided {undecided}{canary}"
        )
    }
}

/// What replaces parts of a kept [`Sending`]; `None` leaves a part as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendingOverrides {
    /// `--window`.
    pub window: Option<DailyWindow>,
    /// `--window-by`.
    pub window_by: Option<WindowBy>,
    /// The name of `--timezone`.
    pub zone: Option<String>,
    /// `--undecided`.
    pub undecided: Option<Undecided>,
    /// `--no-canary`.
    pub canary: Option<bool>,
}

impl SendingOverrides {
    /// What holds where `kept` held before.
    #[must_use]
    pub fn over(&self, kept: &Sending) -> Sending {
        Sending {
            window: self.window.or(kept.window),
            window_by: self.window_by.unwrap_or(kept.window_by),
            zone: self.zone.clone().or_else(|| kept.zone.clone()),
            undecided: self.undecided.unwrap_or(kept.undecided),
            canary: self.canary.unwrap_or(kept.canary),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn by_day() -> Sending {
        Sending {
            window: Some("08:00-21:00".parse().unwrap()),
            window_by: WindowBy::Recipient,
            zone: Some("Europe/Prague".to_owned()),
            undecided: Undecided::Retry { attempts: 3 },
            canary: false,
        }
    }

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        let text = serde_json::to_string(&by_day()).unwrap();
        assert_eq!(serde_json::from_str::<Sending>(&text).unwrap(), by_day());
        assert_eq!(
            by_day().to_string(),
            "window 08:00-21:00, window-by recipient, timezone Europe/Prague, undecided retry, no-canary"
        );
    }

    #[test]
    fn what_is_asked_for_changes_that_and_nothing_else() {
        assert_eq!(SendingOverrides::default().over(&by_day()), by_day());
        let asked = SendingOverrides {
            window: Some("00:00-24:00".parse().unwrap()),
            ..SendingOverrides::default()
        };
        let changed = Sending {
            window: asked.window,
            ..by_day()
        };
        assert_eq!(asked.over(&by_day()), changed);
    }

    #[test]
    fn the_hours_are_those_of_the_batch_and_the_deadline_that_of_the_run() {
        let deadline = "2026-05-02T04:00:00Z".parse().ok();
        let of_run = Schedule {
            deadline,
            ..Schedule::default()
        };
        let hours = by_day().hours(&of_run);
        assert_eq!(hours.deadline, deadline);
        assert_eq!(hours.zone, TimeZone::get("Europe/Prague").unwrap());
        assert_eq!(Sending::new(&hours, by_day().undecided, false), by_day());
    }
}
