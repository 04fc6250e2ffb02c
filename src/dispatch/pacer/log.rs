//! Start times of the last period: the proof that no window holds more than the rate.

use std::collections::VecDeque;

/// Buckets a full log has at most: the memory of the largest rate.
const BUCKETS: i64 = 32_768;

/// Requests whose starts lie within one resolution of each other.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    first: i64,
    last: i64,
    count: u64,
}

/// A sliding window over start times, in nanoseconds on the pacer's timeline.
///
/// Neighbouring starts share a bucket that is let go when its *last* start leaves the window. It can
/// therefore err by a 32,768th of the period, and only to the side of waiting; starts further apart
/// than that are exact. Invariant: `used` is the sum of the counts.
#[derive(Debug, Clone)]
pub(super) struct StartLog {
    period: i64,
    resolution: i64,
    used: u64,
    buckets: VecDeque<Bucket>,
}

impl StartLog {
    pub(super) fn new(period: i64) -> Self {
        Self {
            period,
            resolution: period / BUCKETS,
            used: 0,
            buckets: VecDeque::new(),
        }
    }

    /// Notes `count` starts at `now`; times never go back.
    pub(super) fn push(&mut self, now: i64, count: u64) {
        if count == 0 {
            return;
        }
        self.used += count;
        match self.buckets.back_mut() {
            Some(bucket) if now - bucket.first <= self.resolution => {
                bucket.count += count;
                bucket.last = bucket.last.max(now);
            }
            _ => self.buckets.push_back(Bucket {
                first: now,
                last: now,
                count,
            }),
        }
    }

    /// Takes back one start noted at `at`: it never happened.
    pub(super) fn remove(&mut self, at: i64) {
        let end = self.buckets.partition_point(|bucket| bucket.first <= at);
        let Some(index) = end.checked_sub(1) else {
            return;
        };
        let Some(bucket) = self
            .buckets
            .get_mut(index)
            .filter(|bucket| bucket.last >= at)
        else {
            return;
        };
        bucket.count -= 1;
        self.used -= 1;
        if bucket.count == 0 {
            self.buckets.remove(index);
        }
    }

    /// Starts in the window that ends at `now`.
    pub(super) fn used(&mut self, now: i64) -> u64 {
        while let Some(bucket) = self
            .buckets
            .front()
            .filter(|bucket| bucket.last + self.period <= now)
        {
            self.used -= bucket.count;
            self.buckets.pop_front();
        }
        self.used
    }

    /// When the oldest starts leave the window.
    pub(super) fn next_release(&self) -> Option<i64> {
        self.buckets.front().map(|bucket| bucket.last + self.period)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The log never counts fewer starts than the naive list does.
        #[test]
        fn it_never_forgets_a_start_within_the_period(gaps in prop::collection::vec((0i64..400, any::<bool>()), 1..200)) {
            let period = 32_768 * 20;
            let (mut log, mut naive, mut now) = (StartLog::new(period), Vec::new(), 0);
            for (gap, undo) in gaps {
                now += gap * gap;
                log.push(now, 1);
                naive.push(now);
                if undo {
                    log.remove(now);
                    naive.pop();
                }
                let exact = naive.iter().filter(|at| **at + period > now).count() as u64;
                prop_assert!(log.used(now) >= exact);
                let late = naive.iter().filter(|at| **at + period + log.resolution > now).count() as u64;
                prop_assert!(log.used(now) <= late);
            }
        }
    }

    #[test]
    fn what_was_taken_back_frees_its_place_and_nothing_else_does() {
        let period = 32_768 * 20;
        let mut log = StartLog::new(period);
        log.push(0, 0);
        assert_eq!(log.next_release(), None, "none started");
        for at in [0, 5, 1000] {
            log.push(at, 1);
        }
        // No start is noted then.
        for at in [-1, 500, 5000] {
            log.remove(at);
            assert_eq!(log.used(1000), 3, "{at}");
        }
        assert_eq!(log.next_release(), Some(5 + period));
        log.remove(5);
        log.remove(0);
        assert_eq!(log.used(1000), 1);
        assert_eq!(log.next_release(), Some(1000 + period));
    }

    #[test]
    fn a_hundred_million_starts_an_hour_stay_small() {
        let mut log = StartLog::new(3_600_000_000_000);
        for step in 0..200_000 {
            log.push(step * 18_000_000, 500);
        }
        assert_eq!(log.used, 100_000_000);
        assert!(log.buckets.len() <= 32_769, "{}", log.buckets.len());
    }
}
