//! One rate, obeyed: governor spaces the starts, the log proves that no window holds too many.
//!
//! Neither is enough alone. governor (GCRA) lets its burst through on top of the rate, so that the
//! first window holds up to `N + burst - 1`; the log alone would let all N through at once.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, FakeRelativeClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::log::StartLog;
use crate::domain::quota::Rate;

/// A window is this share longer than the period, because requests do not all take equally long to
/// reach the server: N starts spread over an hour must not arrive as N+1 within one.
const GUARD: i64 = 1000;

/// Starts may catch up on so much lateness of the machine's timers.
const CATCH_UP: Duration = Duration::from_millis(10);

/// The limiter of one rate. Times are nanoseconds on the pacer's timeline.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: Rate,
    /// At most so many starts in a window; the rate's count unless a lower limit was learnt.
    capacity: u64,
    log: StartLog,
    governor: RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<Nanos>>,
    /// governor's clock: it is moved to the time of each question.
    clock: FakeRelativeClock,
    clock_at: i64,
    /// Starts that governor let through and that never happened.
    credit: u32,
}

impl Limiter {
    /// `starts` are the requests of the last period, oldest first: they count as if the process had
    /// never stopped.
    pub(super) fn new(rate: Rate, burst: Option<NonZeroU32>, starts: &[i64], now: i64) -> Self {
        let period = nanos(rate.period());
        let clock = FakeRelativeClock::default();
        let mut limiter = Self {
            rate,
            capacity: u64::from(rate.count().get()),
            log: StartLog::new(period + period / GUARD),
            governor: RateLimiter::direct_with_clock(spacing(rate, burst), clock.clone()),
            clock,
            clock_at: now - 2 * period,
            credit: 0,
        };
        for start in starts {
            limiter.log.push(*start, 1);
            limiter.advance(*start);
            // A start beyond the burst only means that the process before us had another setting.
            let _ = limiter.governor.check();
        }
        limiter
    }

    /// May one start now? `Err` is the earliest time to ask again. `Ok` must be followed by
    /// [`Limiter::started`].
    pub(super) fn ask(&mut self, now: i64) -> Result<(), i64> {
        self.room(now)?;
        if let Some(left) = self.credit.checked_sub(1) {
            self.credit = left;
            return Ok(());
        }
        self.advance(now);
        self.governor
            .check()
            .map_err(|not_until| now + nanos(not_until.wait_time_from(self.clock.now())).max(1))
    }

    /// Is there room in the window? `Err` is when there will be.
    fn room(&mut self, now: i64) -> Result<(), i64> {
        if self.log.used(now) < self.capacity {
            return Ok(());
        }
        Err(self.log.next_release().unwrap_or(now + 1))
    }

    /// Notes `count` starts, whether or not they were asked for.
    pub(super) fn started(&mut self, now: i64, count: u64) {
        self.log.push(now, count);
    }

    /// A start at `at` never happened. `asked`: it went through [`Limiter::ask`].
    pub(super) fn returned(&mut self, at: i64, asked: bool) {
        self.log.remove(at);
        if asked {
            self.credit += 1;
        }
    }

    /// A start noted at `at` happened at `now`.
    pub(super) fn moved(&mut self, at: i64, now: i64) {
        self.log.remove(at);
        self.log.push(now, 1);
    }

    /// Starts in the window that ends at `now`.
    pub(super) fn used(&mut self, now: i64) -> u64 {
        self.log.used(now)
    }

    /// Allows at most `capacity` starts a window from now on (at least 1).
    pub(super) fn set_capacity(&mut self, capacity: u64) {
        self.capacity = capacity.max(1);
    }

    /// Starts that a window may hold.
    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The rate that was set.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    fn advance(&mut self, now: i64) {
        if let Ok(by) = u64::try_from(now - self.clock_at)
            && by > 0
        {
            self.clock.advance(Duration::from_nanos(by));
            self.clock_at = now;
        }
    }
}

/// The spacing of starts: the rate, and a burst that is the user's or just enough to catch up on
/// late timers.
fn spacing(rate: Rate, burst: Option<NonZeroU32>) -> Quota {
    let count = rate.count();
    let each = Duration::from_nanos(
        (nanos(rate.period()) / i64::from(count.get()))
            .unsigned_abs()
            .max(1),
    );
    let late = CATCH_UP.as_nanos() / each.as_nanos();
    let catch_up = NonZeroU32::MIN.saturating_add(u32::try_from(late).unwrap_or(u32::MAX).max(1));
    let burst = burst.unwrap_or(catch_up).min(count);
    Quota::with_period(each)
        .unwrap_or_else(|| Quota::per_second(count))
        .allow_burst(burst)
}

/// A duration as signed nanoseconds, saturating.
pub(super) fn nanos(length: Duration) -> i64 {
    i64::try_from(length.as_nanos()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Starts as soon as allowed from 0 to `end`; wakes `late` after the time asked for.
    fn run(limiter: &mut Limiter, mut now: i64, end: i64, late: i64) -> Vec<i64> {
        let mut starts = Vec::new();
        while now < end {
            match limiter.ask(now) {
                Ok(()) => {
                    limiter.started(now, 1);
                    starts.push(now);
                }
                Err(until) => {
                    assert!(until > now, "a wait must move on");
                    now = until + late;
                }
            }
        }
        starts
    }

    fn most_in_a_window(starts: &[i64], period: i64) -> usize {
        let (mut most, mut from) = (0, 0);
        for (index, start) in starts.iter().enumerate() {
            while starts[from] + period <= *start {
                from += 1;
            }
            most = most.max(index - from + 1);
        }
        most
    }

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn with_timers_a_millisecond_late_every_rate_keeps_within_one_percent_and_never_above() {
        for rate in ["1/s", "2/s", "10/s", "100/s", "1000/s", "5000/s", "10000/s"] {
            let rate: Rate = rate.parse().unwrap();
            let mut limiter = Limiter::new(rate, None, &[], 0);
            let starts = run(&mut limiter, 0, 5 * SECOND, 1_100_000);
            let nominal = 5.0 * rate.per_second();
            assert!(
                starts.len() as f64 >= 0.99 * nominal,
                "{rate}: {} of {nominal}",
                starts.len()
            );
            assert!(
                most_in_a_window(&starts, SECOND) <= rate.count().get() as usize,
                "{rate}"
            );
        }
    }

    #[test]
    fn a_limit_of_one_lets_one_through() {
        let mut limiter = Limiter::new("1/h".parse().unwrap(), None, &[], 0);
        assert_eq!(run(&mut limiter, 0, 3600 * SECOND, 0), [0]);
    }

    #[test]
    fn a_burst_is_the_users_and_still_no_window_overflows() {
        let burst = NonZeroU32::new(1000);
        let mut limiter = Limiter::new("1000/h".parse().unwrap(), burst, &[], 0);
        let starts = run(&mut limiter, 0, 7300 * SECOND, 0);
        assert_eq!(starts.iter().filter(|at| **at == 0).count(), 1000);
        assert_eq!(most_in_a_window(&starts, 3600 * SECOND), 1000);
    }

    /// One a minute, and never two at once.
    fn one_a_minute(starts: &[i64]) -> Limiter {
        Limiter::new("60/h".parse().unwrap(), NonZeroU32::new(1), starts, 0)
    }

    #[test]
    fn after_a_restart_the_next_start_keeps_its_distance_to_the_last_one_and_no_more() {
        for (ago, wait) in [(600, 0), (60, 0), (45, 15), (1, 59)] {
            let starts = [-1800, -900, -ago].map(|at| at * SECOND);
            let wanted = if wait == 0 {
                Ok(())
            } else {
                Err(wait * SECOND)
            };
            assert_eq!(one_a_minute(&starts).ask(0), wanted, "{ago} seconds ago");
        }
    }

    #[test]
    fn one_that_was_returned_lets_one_other_start_at_once_if_it_was_asked_for() {
        for (asked, at_once) in [(true, 1), (false, 0)] {
            let mut limiter = one_a_minute(&[]);
            assert_eq!(limiter.ask(0), Ok(()));
            limiter.started(0, 1);
            if !asked {
                limiter.started(0, 1);
            }
            limiter.returned(0, asked);
            for _ in 0..at_once {
                assert_eq!(limiter.ask(0), Ok(()), "{asked}");
                limiter.started(0, 1);
            }
            assert_eq!(limiter.used(0), 1);
            assert_eq!(limiter.ask(0), Err(60 * SECOND), "{asked}");
        }
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_one_more_whatever_the_restarts_and_returns(
            count in 1u32..40,
            burst in 1u32..60,
            late in 0i64..50_000_000,
            lives in prop::collection::vec((1i64..3 * SECOND, any::<bool>()), 1..12),
        ) {
            let rate = Rate::new(NonZeroU32::new(count).unwrap(), crate::domain::quota::Per::Second);
            let (mut all, mut now) = (Vec::<i64>::new(), 0);
            for (life, give_back) in lives {
                let mut limiter = Limiter::new(rate, NonZeroU32::new(burst), &all, now);
                let starts = run(&mut limiter, now, now + life, late);
                now += life;
                all.extend(&starts);
                if give_back && let Some(last) = starts.last() {
                    limiter.returned(*last, true);
                    all.pop();
                    all.extend(run(&mut limiter, now, now + life, late));
                    now += life;
                }
                now = now.max(all.last().copied().unwrap_or(0));
            }
            prop_assert!(most_in_a_window(&all, SECOND) <= count as usize);
        }
    }
}
