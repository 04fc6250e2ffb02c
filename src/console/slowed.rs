//! Tries to sign in that failed slow down the next one. Pure.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{between, later};

/// How many tries may fail before the next one must wait.
const FREE: u32 = 3;

/// The longest wait.
const LONGEST: Duration = Duration::from_mins(1);

/// Failures since the last time that a user signed in, by the user's name, and when the next try is looked at. All names that are
/// no user's count as one: they need no memory.
#[derive(Debug, Default)]
pub(super) struct Slowed(HashMap<String, (u32, Timestamp)>);

impl Slowed {
    /// How long the next try must wait.
    pub(super) fn wait(&self, name: &str, now: Timestamp) -> Option<Duration> {
        let (_, until) = self.0.get(name)?;
        Some(between(now, *until)).filter(|wait| !wait.is_zero())
    }

    /// A try was looked at.
    pub(super) fn tried(&mut self, name: &str, is_right: bool, now: Timestamp) {
        if is_right {
            self.0.remove(name);
            return;
        }
        let (failures, until) = self.0.entry(name.to_owned()).or_insert((0, now));
        *failures = failures.saturating_add(1);
        *until = match failures.checked_sub(FREE) {
            None => now,
            Some(more) => {
                let seconds = 2_u64.saturating_pow(more);
                later(now, Duration::from_secs(seconds).min(LONGEST))
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_after_the_third_doubles_the_wait_up_to_a_minute() {
        let (mut slowed, mut now) = (Slowed::default(), Timestamp::UNIX_EPOCH);
        let mut waits = Vec::new();
        for _ in 0..11 {
            slowed.tried("eva", false, now);
            let wait = slowed.wait("eva", now).unwrap_or_default();
            waits.push(wait.as_secs());
            now = later(now, wait);
            assert_eq!(slowed.wait("eva", now), None);
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(slowed.wait("jan", now), None, "others are not slowed");
        slowed.tried("eva", false, now);
        slowed.tried("eva", true, now);
        slowed.tried("eva", false, now);
        assert_eq!(slowed.wait("eva", now), None, "the count begins anew");
    }
}
