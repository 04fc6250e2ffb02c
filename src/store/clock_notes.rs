//! When requests left, by clocks that may have been wrong.
//!
//! Each run notes what the wall clock and the machine's time since its start showed, if the one has moved
//! against the other since the last note. With that, earlier times are expressed in the present clock. Where
//! nothing was noted (another machine, a restart of this one), requests still stand in the order in which they
//! left: a time that contradicts this order is replaced by the latest that it can be, so that the request
//! counts for longer and never for less.

use serde::{Deserialize, Serialize};

use crate::clock::Uptime;

/// Less is no jump: clocks are corrected in small steps.
const SAME_CLOCK: i64 = 1_000;

/// Notes older than this, in milliseconds of the machine's time, are of no use: no request of then counts.
const KEPT: i64 = 2 * 3_600_000;

/// What both clocks showed when a run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// Names the start of the machine.
    boot: String,
    /// Milliseconds since then.
    up: i64,
    /// The wall clock.
    wall: i64,
    /// The last request before.
    after: i64,
}

impl Note {
    /// Where the wall clock stands against the machine's time.
    fn offset(&self) -> i64 {
        self.wall - self.up
    }
}

/// The notes, oldest first; a new one for each time that the wall clock was set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct ClockNotes(Vec<Note>);

impl ClockNotes {
    /// How far a time of request `id` is moved, in milliseconds, to be a time of the clock of now.
    pub(super) fn moved(&self, id: i64, uptime: Option<&Uptime>, now: i64) -> i64 {
        let Some(uptime) = uptime else { return 0 };
        let same_boot = || self.0.iter().filter(|note| note.boot == uptime.boot);
        let of_then = same_boot().rfind(|note| note.after < id);
        let Some(note) = of_then.or_else(|| same_boot().next()) else {
            return 0;
        };
        let moved = (now - millis(uptime)) - note.offset();
        if moved.abs() < SAME_CLOCK { 0 } else { moved }
    }

    /// Adds what the clocks show now, after request `last`; false if that is nothing new.
    pub(super) fn add(&mut self, uptime: &Uptime, now: i64, last: i64) -> bool {
        let note = Note {
            boot: uptime.boot.clone(),
            up: millis(uptime),
            wall: now,
            after: last,
        };
        let is_known = self.0.last().is_some_and(|known| {
            known.boot == note.boot && (known.offset() - note.offset()).abs() < SAME_CLOCK
        });
        if is_known {
            return false;
        }
        // A note counts until the next one was made.
        let ends: Vec<i64> = self.0.iter().skip(1).map(|next| next.up).collect();
        let ends = ends.into_iter().chain([note.up]);
        let kept = std::mem::take(&mut self.0).into_iter().zip(ends);
        self.0 = kept
            .filter(|(known, end)| known.boot == note.boot && end + KEPT >= note.up)
            .map(|(known, _)| known)
            .collect();
        self.0.push(note);
        true
    }
}

fn millis(uptime: &Uptime) -> i64 {
    i64::try_from(uptime.length.as_millis()).unwrap_or(i64::MAX)
}

/// The times in the order in which the requests left, each as late as it can be where they contradict each
/// other or lie after `now`.
pub(super) fn slowest(times: &[i64], now: i64) -> Vec<i64> {
    let mut latest = i64::MIN;
    let in_order: Vec<bool> = times
        .iter()
        .map(|&time| {
            let in_order = time <= now && time >= latest.saturating_sub(SAME_CLOCK);
            if time <= now {
                latest = latest.max(time);
            }
            in_order
        })
        .collect();
    let mut next = now;
    let mut read: Vec<i64> = times
        .iter()
        .zip(in_order)
        .rev()
        .map(|(&time, in_order)| {
            if in_order {
                next = time;
            }
            next
        })
        .collect();
    read.reverse();
    read
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DAY: i64 = 86_400_000;

    fn up(millis: u64) -> Uptime {
        Uptime {
            boot: "a".to_owned(),
            length: Duration::from_millis(millis),
        }
    }

    #[test]
    fn times_in_order_are_taken_as_they_are() {
        assert_eq!(slowest(&[], 9), [0; 0]);
        assert_eq!(slowest(&[1, 5, 5, 9], 9), [1, 5, 5, 9]);
        // Two processes write a moment apart.
        assert_eq!(slowest(&[5_000, 4_500], 9_000), [5_000, 4_500]);
    }

    #[test]
    fn where_times_contradict_each_other_the_slower_reading_counts() {
        let now = 10 * DAY;
        // A run whose clock was three days behind, and another one since.
        assert_eq!(slowest(&[now - 60, now - 3 * DAY], now), [now - 60, now]);
        assert_eq!(
            slowest(&[now - 60, now - 3 * DAY, now - 20], now),
            [now - 60, now - 20, now - 20]
        );
        // Three days ahead.
        assert_eq!(slowest(&[now - 60, now + DAY], now), [now - 60, now]);
        assert_eq!(
            slowest(&[now - 60, now + DAY, now - 20], now),
            [now - 60, now - 20, now - 20]
        );
    }

    #[test]
    fn a_clock_that_was_set_tells_times_of_before_as_it_would_have_shown_them() {
        let mut notes = ClockNotes::default();
        assert!(notes.add(&up(1_000), 5_000, 0));
        assert!(!notes.add(&up(61_000), 65_400, 3), "a small step");
        // Set a day ahead a minute later, and back after another one.
        assert!(notes.add(&up(121_000), 125_000 + DAY, 3));
        assert_eq!(notes.moved(3, Some(&up(121_000)), 125_000 + DAY), DAY);
        assert_eq!(notes.moved(4, Some(&up(121_000)), 125_000 + DAY), 0);
        assert!(notes.add(&up(181_000), 185_000, 5));
        let moved = |id| notes.moved(id, Some(&up(181_000)), 185_000);
        assert_eq!(
            [moved(1), moved(3), moved(4), moved(5), moved(6)],
            [0, 0, -DAY, -DAY, 0]
        );
        // Before the first note, and on another machine.
        let mut later = ClockNotes::default();
        later.add(&up(1_000), 5_000, 9);
        assert_eq!(later.moved(2, Some(&up(2_000)), 6_000 + DAY), DAY);
        let other = Uptime {
            boot: "b".to_owned(),
            ..up(0)
        };
        assert_eq!(later.moved(2, Some(&other), DAY), 0);
        assert_eq!(later.moved(2, None, DAY), 0);
    }

    #[test]
    fn notes_that_no_request_needs_are_dropped() {
        let mut notes = ClockNotes::default();
        for hour in 0..10 {
            let passed = hour * 3_600_000;
            // The clock is set by a minute every hour.
            let wall = i64::try_from(passed).unwrap() + i64::try_from(hour).unwrap() * 60_000;
            assert!(notes.add(&up(passed), wall, 0));
        }
        assert!(notes.0.len() <= 4, "{notes:?}");
    }
}
