//! How many rows one transaction changes: what changes many goes in steps, so that other processes write in between.
//! Where nobody else writes, steps grow: a page that many of them change is written once for all of them.
//!
//! In a debug build, `OUTREACH_TEST_STEP=2` makes every step that short: a short list takes several.

use std::time::{Duration, Instant};

/// A step that took less, with the wait for its turn, is followed by one of twice the size: nobody else writes.
const SHORT: Duration = Duration::from_millis(60);

/// The length of steps that grow while nobody waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepSize {
    least: usize,
    rows: usize,
}

impl StepSize {
    /// Steps of `least` rows where others write too: some 20 ms.
    pub(super) fn of(least: usize) -> Self {
        let least = at_most(least);
        Self { least, rows: least }
    }

    /// How many rows the next step has.
    pub(super) fn rows(self) -> usize {
        self.rows
    }

    /// Does a step, and sees by the time that it took how long the next one may be.
    pub(super) fn time<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let done = step();
        self.rows = self.next(begin.elapsed());
        done
    }

    fn next(self, took: Duration) -> usize {
        if took < SHORT {
            at_most(self.rows * 2)
        } else {
            self.least.max(self.rows / 2)
        }
    }
}

/// The length of a step: `rows`, or less where a test asked for that.
#[cfg(debug_assertions)]
pub(crate) fn at_most<N: Ord + From<u16>>(rows: N) -> N {
    use std::sync::LazyLock;

    static WANTED: LazyLock<Option<u16>> =
        LazyLock::new(|| std::env::var("OUTREACH_TEST_STEP").ok()?.parse().ok());

    match *WANTED {
        Some(wanted) => rows.min(wanted.into()),
        None => rows,
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn at_most<N>(rows: N) -> N {
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_while_they_are_short_and_are_never_shorter_than_the_least() {
        let mut size = StepSize {
            least: 1_000,
            rows: 1_000,
        };
        let millis = Duration::from_millis;
        let grown = [10, 20, 40, 80, 300, 300, 300].map(|took| {
            size.rows = size.next(millis(took));
            size.rows
        });
        assert_eq!(grown, [2_000, 4_000, 8_000, 4_000, 2_000, 1_000, 1_000]);
    }
}
