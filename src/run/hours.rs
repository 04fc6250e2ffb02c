//! The sending hours of each recipient, by the country of the number.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::between;
use crate::domain::phone::{PhoneNumber, Region};
use crate::domain::schedule::{Schedule, WindowBy};
use crate::locked::lock;
use crate::store::{Opening, Window};

/// When each number may be messaged, if the window goes by the recipient's clock.
pub(super) fn window(schedule: &Schedule) -> Option<Arc<Window>> {
    match (schedule.window, schedule.window_by) {
        (Some(_), WindowBy::Recipient) => {
            let hours = Hours {
                schedule: schedule.clone(),
                openings: Mutex::default(),
            };
            Some(Arc::new(move |phone: PhoneNumber, now| {
                let region = phone.region().map(Region::code);
                hours.opening(region.as_deref(), now)
            }))
        }
        (Some(_), WindowBy::Sender) | (None, _) => None,
    }
}

/// Answers for whole countries: a list may hold a million numbers that wait for the same morning.
struct Hours {
    schedule: Schedule,
    /// By region: when it was asked, and the answer.
    openings: Mutex<BTreeMap<String, (Timestamp, Opening)>>,
}

impl Hours {
    fn opening(&self, region: Option<&str>, now: Timestamp) -> Opening {
        if self.schedule.may_send_to(now, region) {
            return Opening::Now;
        }
        let key = region.unwrap_or_default();
        let mut openings = lock(&self.openings);
        if let Some((asked, opening)) = openings.get(key)
            && is_valid(*asked, *opening, now)
        {
            return *opening;
        }
        let opening = match self.schedule.next_opening_for(now, region) {
            Some(at) => Opening::At(at),
            None if self.schedule.never_opens_for(now, region) => Opening::Never,
            None => Opening::NotInThisRun,
        };
        openings.insert(key.to_owned(), (now, opening));
        opening
    }
}

/// Until the opening comes the answer holds; a clock that was set back makes it void.
fn is_valid(asked: Timestamp, opening: Opening, now: Timestamp) -> bool {
    let fresh = between(asked, now) < Duration::from_mins(1);
    asked <= now
        && match opening {
            Opening::Now => false,
            Opening::At(at) => now < at,
            Opening::NotInThisRun | Opening::Never => fresh,
        }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn each_country_has_its_own_hours_and_the_answer_holds_until_they_come() {
        let schedule = Schedule {
            window: Some("08:00-21:00".parse().unwrap()),
            window_by: WindowBy::Recipient,
            zone: TimeZone::UTC,
            deadline: None,
        };
        let window = window(&schedule).unwrap();
        let czech = PhoneNumber::from_e164(420_777_123_456).unwrap();
        let british = PhoneNumber::from_e164(447_400_123_456).unwrap();
        let (night, morning) = (at("2026-05-01T04:00:00Z"), at("2026-05-01T06:00:00Z"));
        for _ in 0..2 {
            assert_eq!(window(czech, night), Opening::At(morning));
            assert_eq!(
                window(british, night),
                Opening::At(at("2026-05-01T07:00:00Z"))
            );
        }
        assert_eq!(window(czech, morning), Opening::Now);
        let evening = at("2026-05-01T19:00:00Z");
        let next = Opening::At(at("2026-05-02T06:00:00Z"));
        assert_eq!(window(czech, evening), next);
        // The clock is set back to the night before.
        assert_eq!(window(czech, night), Opening::At(morning));
    }

    #[test]
    fn hours_that_the_zones_of_a_country_do_not_share_never_come() {
        let schedule = Schedule {
            window: Some("08:00-09:00".parse().unwrap()),
            window_by: WindowBy::Recipient,
            zone: TimeZone::UTC,
            deadline: Some(at("2026-05-01T06:00:00Z")),
        };
        let window = window(&schedule).unwrap();
        let american = PhoneNumber::from_e164(12_125_550_123).unwrap();
        assert_eq!(window(american, at("2026-05-01T04:00:00Z")), Opening::Never);
    }

    #[test]
    fn what_opens_after_the_deadline_is_for_another_run() {
        let schedule = Schedule {
            window: Some("08:00-21:00".parse().unwrap()),
            window_by: WindowBy::Recipient,
            zone: TimeZone::UTC,
            deadline: Some(at("2026-05-01T06:00:00Z")),
        };
        let window = window(&schedule).unwrap();
        let czech = PhoneNumber::from_e164(420_777_123_456).unwrap();
        let night = at("2026-05-01T04:00:00Z");
        assert_eq!(window(czech, night), Opening::NotInThisRun);
    }
}
