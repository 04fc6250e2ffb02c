//! Growing delays with jitter, bounded by count and by time.

use std::time::Duration;

/// A random number from 0 (inclusive) to 1 (exclusive), drawn by the caller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter(f64);

impl Jitter {
    /// No randomness: the full delay. For tests.
    pub const FULL: Self = Self(1.0);

    /// Maps 64 random bits to the unit interval.
    pub fn from_bits(bits: u64) -> Self {
        // 53 bits are what an f64 holds exactly.
        Self((bits >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// How often, how long and in which steps something is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in a row before giving up.
    pub max_tries: u32,
    /// Time spent on delays before giving up. What else kept the tries apart (a quota, the night) is no
    /// sign that the other side will not recover.
    pub max_waited: Duration,
    /// Delay after the first failure; it doubles with each further one.
    pub first_delay: Duration,
    /// The longest delay.
    pub max_delay: Duration,
}

/// How often and how long a recipient is tried again that was surely not sent to, for a reason that passes.
pub(crate) const LATER: RetryPolicy = RetryPolicy {
    max_tries: 12,
    max_waited: Duration::from_hours(12),
    first_delay: Duration::from_secs(10),
    max_delay: Duration::from_mins(30),
};

impl RetryPolicy {
    /// The delay before the next try after `failures` failures in a row (from 1), whose delays came to
    /// `waited`; `None` when either bound is reached.
    ///
    /// The delay lies between half and all of the doubled value ("equal jitter"), so that many
    /// processes that failed together do not come back together.
    pub fn delay(&self, failures: u32, waited: Duration, jitter: Jitter) -> Option<Duration> {
        if failures >= self.max_tries || waited >= self.max_waited {
            return None;
        }
        // The shift below must stay within 32 bits.
        let doublings = failures.saturating_sub(1).min(31);
        let full = self
            .first_delay
            .saturating_mul(1 << doublings)
            .min(self.max_delay);
        Some(full / 2 + (full / 2).mul_f64(jitter.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        max_tries: 5,
        max_waited: Duration::from_mins(1),
        first_delay: Duration::from_secs(1),
        max_delay: Duration::from_secs(6),
    };

    #[test]
    fn delays_double_up_to_the_longest() {
        let delays: Vec<_> = (1..=5)
            .map(|failures| POLICY.delay(failures, Duration::ZERO, Jitter::FULL))
            .map(|delay| delay.map(|delay| delay.as_secs()))
            .collect();
        assert_eq!(delays, [Some(1), Some(2), Some(4), Some(6), None]);
    }

    #[test]
    fn time_bounds_as_well_as_count() {
        assert!(
            POLICY
                .delay(1, Duration::from_secs(59), Jitter::FULL)
                .is_some()
        );
        assert!(
            POLICY
                .delay(1, Duration::from_mins(1), Jitter::FULL)
                .is_none()
        );
    }

    #[test]
    fn jitter_keeps_at_least_half_of_the_delay() {
        let least = POLICY.delay(1, Duration::ZERO, Jitter::from_bits(0));
        assert_eq!(least, Some(Duration::from_millis(500)));
        let most = POLICY
            .delay(1, Duration::ZERO, Jitter::from_bits(u64::MAX))
            .unwrap_or_default();
        assert!(most > Duration::from_millis(999) && most <= Duration::from_secs(1));
    }
}
