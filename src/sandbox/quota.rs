//! The quota of the simulated API, as a function of time: nothing here reads a clock.

use std::collections::VecDeque;
use std::time::Duration;

use super::settings::{Quota, WindowKind};

/// The quota's decision about one request. Times are since the sandbox started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) granted: bool,
    pub(super) remaining: u32,
    pub(super) reset: Duration,
}

/// Counts requests against a [`Quota`].
#[derive(Debug)]
pub(super) struct Meter {
    quota: Quota,
    counter: Counter,
}

#[derive(Debug)]
enum Counter {
    Fixed { opened: Option<Duration>, used: u32 },
    Sliding { granted: VecDeque<Duration> },
    Leaky { empty_at: Duration },
}

impl Meter {
    pub(super) fn new(quota: Quota) -> Self {
        let counter = match quota.kind {
            WindowKind::Fixed => Counter::Fixed {
                opened: None,
                used: 0,
            },
            WindowKind::Sliding => Counter::Sliding {
                granted: VecDeque::new(),
            },
            WindowKind::LeakyBucket => Counter::Leaky {
                empty_at: Duration::ZERO,
            },
        };
        Self { quota, counter }
    }

    /// Counts one request at `now`, which must not run backwards.
    pub(super) fn admit(&mut self, now: Duration) -> Grant {
        let (limit, window) = (self.quota.limit.get(), self.quota.window);
        let count_refused = self.quota.throttled_count;
        match &mut self.counter {
            Counter::Fixed { opened, used } => {
                let start = match *opened {
                    Some(start) if now < start + window => start,
                    Some(_) | None => {
                        *used = 0;
                        *opened.insert(now)
                    }
                };
                let granted = *used < limit;
                *used += u32::from(granted);
                Grant {
                    granted,
                    remaining: limit - *used,
                    reset: start + window,
                }
            }
            Counter::Sliding { granted: times } => {
                while times.front().is_some_and(|&first| first + window <= now) {
                    times.pop_front();
                }
                let granted = times.len() < limit as usize;
                if granted || count_refused {
                    times.push_back(now);
                }
                if times.len() > limit as usize {
                    times.pop_front();
                }
                let used = u32::try_from(times.len()).unwrap_or(limit);
                let reset = times.front().map_or(now, |&first| first + window);
                Grant {
                    granted,
                    remaining: limit.saturating_sub(used),
                    reset,
                }
            }
            Counter::Leaky { empty_at } => {
                let drop = window / limit;
                let full = drop * limit;
                let level = empty_at.saturating_sub(now);
                let granted = level + drop <= full;
                if granted || count_refused {
                    *empty_at = now + (level + drop).min(full);
                }
                let free = full.saturating_sub(empty_at.saturating_sub(now));
                let remaining =
                    u32::try_from(free.as_nanos() / drop.as_nanos().max(1)).unwrap_or(limit);
                let next = (*empty_at + drop).saturating_sub(full);
                Grant {
                    granted,
                    remaining,
                    reset: if remaining == 0 { next } else { *empty_at },
                }
            }
        }
    }
}

/// The highest number of granted requests in any stretch of one window, and in any clock second.
///
/// Times are rounded down to a millionth of the window, so that memory stays bounded; the peak is
/// therefore never overstated.
#[derive(Debug)]
pub(super) struct Peaks {
    grain: u128,
    recent: VecDeque<(u128, u64)>,
    in_window: u64,
    pub(super) window: u64,
    second: (u64, u64),
    pub(super) per_second: u64,
}

impl Peaks {
    const GRAINS: u128 = 1_000_000;

    pub(super) fn new(window: Duration) -> Self {
        let grain = window.as_nanos().div_ceil(Self::GRAINS).max(1);
        Self {
            grain,
            recent: VecDeque::new(),
            in_window: 0,
            window: 0,
            second: (0, 0),
            per_second: 0,
        }
    }

    /// Counts any request: for the peak per second.
    pub(super) fn arrived(&mut self, now: Duration) {
        if self.second.0 != now.as_secs() {
            self.second = (now.as_secs(), 0);
        }
        self.second.1 += 1;
        self.per_second = self.per_second.max(self.second.1);
    }

    /// Counts a granted request: for the peak in a window.
    pub(super) fn granted(&mut self, now: Duration) {
        let slot = now.as_nanos() / self.grain;
        while let Some(&(first, count)) = self.recent.front() {
            if first + Self::GRAINS > slot {
                break;
            }
            self.in_window -= count;
            self.recent.pop_front();
        }
        match self.recent.back_mut() {
            Some((last, count)) if *last == slot => *count += 1,
            Some(_) | None => self.recent.push_back((slot, 1)),
        }
        self.in_window += 1;
        self.window = self.window.max(self.in_window);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::sandbox::settings::Headers;

    fn meter(kind: WindowKind, limit: u32, seconds: u64) -> Meter {
        let limit = NonZeroU32::new(limit).unwrap();
        let window = Duration::from_secs(seconds);
        Meter::new(Quota {
            limit,
            window,
            kind,
            headers: Headers::Honest,
            throttled_count: false,
        })
    }

    fn granted(meter: &mut Meter, times: impl IntoIterator<Item = u64>) -> Vec<bool> {
        times
            .into_iter()
            .map(|ms| meter.admit(Duration::from_millis(ms)).granted)
            .collect()
    }

    #[test]
    fn a_fixed_window_opens_with_the_first_request_after_the_last_one_ended() {
        let mut meter = meter(WindowKind::Fixed, 2, 10);
        assert_eq!(
            granted(&mut meter, [5_000, 6_000, 7_000, 14_999]),
            [true, true, false, false]
        );
        // The next window opens with the next request, not when the last one ended.
        let grant = meter.admit(Duration::from_secs(20));
        assert_eq!(
            grant,
            Grant {
                granted: true,
                remaining: 1,
                reset: Duration::from_secs(30)
            }
        );
        assert_eq!(
            granted(&mut meter, [29_000, 29_999, 30_000]),
            [true, false, true]
        );
    }

    #[test]
    fn a_sliding_window_never_holds_more_than_the_limit() {
        let mut meter = meter(WindowKind::Sliding, 2, 10);
        assert_eq!(
            granted(&mut meter, [0, 9_000, 9_999, 10_000, 18_999, 19_000]),
            [true, true, false, true, false, true]
        );
    }

    #[test]
    fn a_leaky_bucket_gives_back_one_at_a_time() {
        let mut meter = meter(WindowKind::LeakyBucket, 2, 10);
        assert_eq!(
            granted(&mut meter, [0, 0, 0, 4_999, 5_000, 5_001, 10_000]),
            [true, true, false, false, true, false, true]
        );
        assert_eq!(meter.admit(Duration::from_secs(100)).remaining, 1);
    }

    #[test]
    fn a_limit_of_one_lets_one_through_in_every_kind_of_window() {
        for kind in [
            WindowKind::Fixed,
            WindowKind::Sliding,
            WindowKind::LeakyBucket,
        ] {
            let mut meter = meter(kind, 1, 10);
            assert_eq!(
                granted(&mut meter, [0, 1, 9_999, 10_000, 10_001]),
                [true, false, false, true, false],
                "{kind:?}"
            );
        }
    }

    #[test]
    fn the_peak_counts_any_stretch_of_a_window() {
        let mut peaks = Peaks::new(Duration::from_secs(10));
        for ms in [0, 9_000, 9_500, 10_000, 19_000, 19_500] {
            peaks.granted(Duration::from_millis(ms));
        }
        assert_eq!(peaks.window, 3);
        for ms in [100, 900, 999, 1_000, 1_001] {
            peaks.arrived(Duration::from_millis(ms));
        }
        assert_eq!(peaks.per_second, 3);
    }
}
