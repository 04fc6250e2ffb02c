//! Between the pacer and the checkpoint: what earlier runs left behind, what the next one must know,
//! and the sending hours of each recipient.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::error::CommandError;
use crate::clock::{Clock, between};
use crate::dispatch::pacer::Handle;
use crate::dispatch::pacer::core::{FALLBACK_RATE, Past, Settings};
use crate::domain::phone::{PhoneNumber, Region};
use crate::domain::quota::{QUOTA_PERIOD, QuotaState};
use crate::domain::schedule::{Schedule, WindowBy};
use crate::store::{Opening, QuotaUpdate, Store, Window};

/// How much longer than the period the pacer looks back: its windows are a thousandth longer.
const LOOK_BACK_MORE: Duration = Duration::from_secs(10);

/// Starts that can lie between two group commits, which both save the quota: no more than are under
/// way, and those of as many other processes as anybody runs.
const STARTS_BETWEEN_SAVINGS: usize = 100_000;

/// An end of a window that moved by less is the same: it is told in whole seconds.
const SAME_RESET: Duration = Duration::from_secs(1);

/// A pacer that goes on where all earlier runs with this token stopped.
pub(super) fn pacer(
    store: &Store,
    token: i64,
    settings: Settings,
    clock: &Clock,
) -> Result<Handle, CommandError> {
    let reader = store.reader()?;
    let quota = match reader.quota(token)? {
        // A state that an older version wrote differently is as good as none.
        Some(json) => serde_json::from_str(&json).unwrap_or_default(),
        None => QuotaState::default(),
    };
    let look_back = SignedDuration::try_from(QUOTA_PERIOD + LOOK_BACK_MORE);
    let since = clock.now() - look_back.unwrap_or(SignedDuration::ZERO);
    // More than the rate allows in a period, none can count.
    let rate = settings.rate.unwrap_or(FALLBACK_RATE).count().get();
    let most = usize::try_from(rate).unwrap_or(usize::MAX);
    let requests = reader.past_requests(token, since, most.max(STARTS_BETWEEN_SAVINGS))?;
    let past = Past {
        quota,
        starts: requests.starts,
        unanswered: requests.unanswered,
    };
    Ok(Handle::new(settings, &past, clock.clone()))
}

/// What is new of the quota since it was asked last, for the checkpoint.
///
/// Only what changed is written: a process that sleeps neither works the disk nor replaces what another
/// process with the same token has learnt since.
pub(super) fn quota_update(pacer: &Handle) -> Arc<QuotaUpdate> {
    let pacer = pacer.clone();
    let kept = Mutex::new(pacer.state());
    Arc::new(move || {
        let state = pacer.state();
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if says_nothing_new(&kept, &state) {
            return None;
        }
        *kept = state;
        // Numbers and times: they always have a text.
        serde_json::to_string(&state).ok()
    })
}

/// The end of a window needs no writing: the time tells it.
fn says_nothing_new(kept: &QuotaState, state: &QuotaState) -> bool {
    let same_end = match (kept.reset_at, state.reset_at) {
        (Some(kept), Some(now)) => between(kept, now).max(between(now, kept)) < SAME_RESET,
        (_, None) => true,
        (None, Some(_)) => false,
    };
    let same_rest = state.remaining.is_none() || kept.remaining == state.remaining;
    kept.limit == state.limit && same_rest && same_end
}

/// With windows by recipient, who may be messaged when.
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
        let mut openings = self.openings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((asked, opening)) = openings.get(key)
            && still_true(*asked, *opening, now)
        {
            return *opening;
        }
        let opening = match self.schedule.next_opening_for(now, region) {
            Some(at) => Opening::At(at),
            None => Opening::NotInThisRun,
        };
        openings.insert(key.to_owned(), (now, opening));
        opening
    }
}

/// Until the opening comes the answer holds; a clock that was set back makes it void.
fn still_true(asked: Timestamp, opening: Opening, now: Timestamp) -> bool {
    let fresh = between(asked, now) < Duration::from_mins(1);
    asked <= now
        && match opening {
            Opening::Now => false,
            Opening::At(at) => now < at,
            Opening::NotInThisRun => fresh,
        }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn state(remaining: Option<u64>, reset_at: Option<&str>, observed_at: &str) -> QuotaState {
        QuotaState {
            limit: Some(1000),
            remaining,
            reset_at: reset_at.map(at),
            observed_at: Some(at(observed_at)),
        }
    }

    #[test]
    fn time_that_passes_is_nothing_new_and_a_request_is() {
        let kept = state(
            Some(10),
            Some("2026-05-01T11:00:00Z"),
            "2026-05-01T10:00:00Z",
        );
        let later = "2026-05-01T10:59:00Z";
        let same = state(Some(10), Some("2026-05-01T11:00:00.4Z"), later);
        assert!(says_nothing_new(&kept, &same));
        assert!(says_nothing_new(&kept, &state(None, None, later)));
        let less = state(Some(9), Some("2026-05-01T11:00:00Z"), later);
        assert!(!says_nothing_new(&kept, &less));
        let next = state(Some(10), Some("2026-05-01T12:00:00Z"), later);
        assert!(!says_nothing_new(&kept, &next));
        assert!(!says_nothing_new(&QuotaState::default(), &kept));
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
