//! How many requests may be in flight at once, learnt from refusals.
//!
//! A 429 while quota remains means that the server allows fewer connections than we use. The number
//! is halved at once; it grows again by one after a run of clean answers, up to just below where
//! it was refused, and that mark itself is tried again only now and then.

use std::num::NonZeroU32;

/// Clean answers before one more connection is tried.
const CLEAN_RUN: u32 = 50;
/// Clean answers at the mark before the refused number is tried again.
const LONG_RUN: u32 = 20_000;

/// The effective concurrency. Invariant: `1 <= effective <= configured`, `1 <= share <= configured`.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    configured: u32,
    effective: u32,
    /// What is left to this run where others share the connections.
    share: u32,
    /// The lowest number that was refused lately.
    refused_at: Option<u32>,
    /// Requests that started before this were already on their way when the number was lowered.
    lowered_at: i64,
    clean: u32,
}

impl Connections {
    pub(super) fn new(configured: NonZeroU32) -> Self {
        let configured = configured.get();
        Self {
            configured,
            effective: configured,
            share: configured,
            refused_at: None,
            lowered_at: i64::MIN,
            clean: 0,
        }
    }

    /// The number in force.
    pub(super) fn effective(&self) -> u32 {
        self.effective.min(self.share)
    }

    /// Sets how many runs share the connections.
    pub(super) fn shared_by(&mut self, runs: u32) {
        self.share = (self.configured / runs.max(1)).max(1);
    }

    /// A request that started at `started` was refused while quota remained, with `in_flight` open,
    /// itself included. False when that cannot be the connections' fault: it was the only one.
    pub(super) fn refused(&mut self, started: i64, now: i64, in_flight: u32) -> bool {
        if started < self.lowered_at {
            return true;
        }
        if in_flight <= 1 {
            return false;
        }
        let at = in_flight.min(self.effective);
        self.refused_at = Some(self.refused_at.map_or(at, |mark| mark.min(at)));
        self.effective = (at / 2).max(1);
        self.lowered_at = now;
        self.clean = 0;
        true
    }

    /// An answer that was no refusal.
    pub(super) fn clean(&mut self) {
        if self.effective >= self.configured {
            return;
        }
        self.clean += 1;
        match self.refused_at {
            Some(mark) if self.effective + 1 >= mark => {
                if self.clean >= LONG_RUN {
                    self.refused_at = Some(mark + 1);
                    self.clean = 0;
                    self.effective += 1;
                }
            }
            Some(_) | None => {
                if self.clean >= CLEAN_RUN {
                    self.clean = 0;
                    self.effective += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that allows `allowed` connections, with as many in flight as we may.
    fn refusals(configured: u32, allowed: u32, answers: u32) -> (u32, u32) {
        let mut connections = Connections::new(NonZeroU32::new(configured).unwrap());
        let mut refusals = 0;
        for at in 0..i64::from(answers) {
            let open = connections.effective();
            assert!(open <= configured, "{open} of {configured}");
            if open > allowed {
                assert!(connections.refused(at, at, open));
                refusals += 1;
            } else {
                connections.clean();
            }
        }
        (refusals, connections.effective())
    }

    #[test]
    fn it_settles_just_under_what_the_server_allows() {
        for (configured, allowed) in [(10, 3), (3, 1), (64, 10), (10, 10)] {
            let (refusals, effective) = refusals(configured, allowed, 4000);
            assert_eq!(effective, allowed, "{configured} against {allowed}");
            assert!(refusals <= 8, "{refusals}");
        }
    }

    #[test]
    fn refusals_of_requests_already_on_their_way_count_once() {
        let mut connections = Connections::new(NonZeroU32::new(8).unwrap());
        for open in (1..=8).rev() {
            assert!(connections.refused(5, 10, open));
        }
        assert_eq!(connections.effective(), 4);
    }

    /// The number in force after so many more clean answers.
    fn after(connections: &mut Connections, clean: u32) -> u32 {
        for _ in 0..clean {
            connections.clean();
        }
        connections.effective()
    }

    #[test]
    fn one_more_is_tried_after_fifty_clean_answers_and_what_was_refused_after_twenty_thousand() {
        let mut connections = Connections::new(NonZeroU32::new(8).unwrap());
        assert!(connections.refused(0, 1, 8));
        assert_eq!(after(&mut connections, CLEAN_RUN - 1), 4);
        // What was refused is half of what was open, and the answers are counted from there.
        assert!(connections.refused(2, 3, 4));
        for (clean, effective) in [
            (0, 2),
            (CLEAN_RUN - 1, 2),
            (1, 3),
            (LONG_RUN - 1, 3),
            (1, 4),
            (LONG_RUN - 1, 4),
            (1, 5),
        ] {
            assert_eq!(after(&mut connections, clean), effective, "{clean}");
        }
        // Six are not known to be too many any more, but these five are.
        assert!(connections.refused(4, 5, 5));
        assert_eq!(after(&mut connections, 2 * CLEAN_RUN), 4);
        assert_eq!(after(&mut connections, 3 * LONG_RUN), 7);
        assert_eq!(after(&mut connections, 3 * LONG_RUN), 8, "never above");
    }

    #[test]
    fn where_fewer_are_open_than_may_be_half_of_those_is_what_is_left() {
        let mut connections = Connections::new(NonZeroU32::new(64).unwrap());
        assert!(connections.refused(0, 1, 6));
        assert_eq!(connections.effective(), 3);
        assert_eq!(after(&mut connections, 2 * CLEAN_RUN), 5);
        assert_eq!(after(&mut connections, CLEAN_RUN), 5, "six were too many");
    }

    #[test]
    fn a_run_takes_its_share_and_at_least_one() {
        let mut connections = Connections::new(NonZeroU32::new(3).unwrap());
        for (runs, share) in [(1, 3), (2, 1), (3, 1), (9, 1), (1, 3)] {
            connections.shared_by(runs);
            assert_eq!(connections.effective(), share, "{runs}");
        }
    }

    #[test]
    fn the_last_connection_is_never_taken() {
        let mut connections = Connections::new(NonZeroU32::MIN);
        assert!(!connections.refused(5, 10, 1));
        assert_eq!(connections.effective(), 1);
    }
}
