//! What the server said about its quota window, kept so that no answer can raise it by mistake.
//!
//! Answers arrive in any order, and each is as old as its request's way back. Two bounds are kept; each
//! is safe alone, so that the larger one counts.
//!
//! *Smallest value.* Whatever was counted after the smallest `remaining` of a window is unanswered, or
//! was answered with a value that is no smaller: `smallest - unanswered` is surely left. In a fixed
//! window this is exact as soon as all answers are in, but it never rises, and servers without
//! fixed windows do give room back.
//!
//! *Allowance.* All that can have been counted after a request is what was answered since it started and
//! what is unanswered now: its `remaining` less these is surely left, and every start takes one off.
//!
//! From both go the requests of unknown outcome.

use std::collections::VecDeque;
use std::time::Duration;

use super::limiter::nanos;
use crate::clock::{Moment, between, later};
use crate::domain::quota::{FURTHEST_RESET, QUOTA_PERIOD, QuotaHeaders, QuotaState};

/// Reset is given in whole seconds: two values this close mean the same window.
const SAME_RESET: Duration = Duration::from_secs(2);

/// How long past Reset to wait: it is rounded to the second.
pub(super) const AFTER_RESET: Duration = Duration::from_secs(1);

/// A request whose answer was lost may still reach the server for so long.
const UNKNOWN_FOR: Duration = Duration::from_mins(1);

/// A request that another process is about to send reaches the server within so long. What takes longer
/// costs a refusal at the worst; to wait longer would leave quota unused at the end of every window.
const OTHERS_ARRIVE_WITHIN: Duration = Duration::from_secs(2);

/// Why a window gives nothing until it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Its quota is used.
    Quota,
    /// The server refused a request (429).
    Refusal,
}

/// One quota window of the server.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// Requests allowed in it, where that was given.
    pub(super) limit: Option<u64>,
    /// The smallest `remaining` seen.
    smallest: u64,
    /// Starts that the answers allow from now on.
    allowance: u64,
    /// Its end; already [`AFTER_RESET`] later than the API said.
    pub(super) ends: Moment,
    /// The end was not given: it is at most an hour away.
    guessed: bool,
    /// The largest `remaining` seen, whether one ever fell below it, and the number of answers: a
    /// server whose `remaining` never falls is not believed beyond its limit.
    largest: u64,
    fell: bool,
    ours: u64,
    /// Requests that started after this were counted after what defined the window.
    adopted_at: i64,
    /// When we saw that it is over: requests that start from then on belong to another window.
    ended_at: Option<i64>,
    /// The smallest `remaining` that came since.
    overtaken: Option<u64>,
    pub(super) cause: Cause,
}

impl Window {
    /// Counts an answer of it that was given `remaining`; so many were answered `since` its request started, and so
    /// many are in flight.
    fn count(&mut self, limit: Option<u64>, remaining: u64, since: u64, in_flight: u64) {
        self.ours += 1;
        self.limit = limit.or(self.limit);
        self.fell |= remaining != self.largest;
        self.largest = self.largest.max(remaining);
        let mut believed = remaining;
        if !self.fell
            && let Some(limit) = self.limit
        {
            believed = believed.min(limit.saturating_sub(self.ours));
        }
        self.smallest = self.smallest.min(believed);
        let most = believed.saturating_sub(in_flight);
        let least = most.saturating_sub(since);
        self.allowance = self.allowance.max(least).min(most);
    }
}

/// The window, and the requests that may still be taken off it without telling.
#[derive(Debug, Clone, Default)]
pub(super) struct Windows {
    current: Option<Window>,
    /// Requests of unknown outcome: when, and how many.
    unknown: VecDeque<(i64, u64)>,
    unknown_total: u64,
    /// Requests of other processes, that no answer to us has counted yet: when, and how many.
    others: VecDeque<(i64, u64)>,
    others_total: u64,
    /// Answers to us so far, and those of them that gave no end of their window.
    answers: u64,
    undated: u64,
}

/// When a request was sent, by time and by what had been answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    /// On the pacer's timeline.
    pub(super) at: i64,
    /// Answers that had come by then, and those of them that gave no end.
    seen: u64,
    seen_undated: u64,
}

/// What was learned from an answer about the quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Learned {
    /// How much remains: the window is known.
    Remaining,
    /// Nothing that helps, and no window is known either.
    Nothing,
}

impl Windows {
    /// What an earlier run knew; `since` are our own requests that started after it was noted.
    ///
    /// Of a window that is over by now the limit still says that the server reports a quota: the first request
    /// asks, and is not paced by what was sent in that window.
    pub(super) fn restore(state: &QuotaState, now: Moment, since: u64) -> Self {
        let open = match (state.remaining, state.reset_at) {
            (Some(remaining), Some(reset_at)) => {
                let left = between(now.wall, later(reset_at, AFTER_RESET));
                let believed = !left.is_zero() && left <= FURTHEST_RESET + AFTER_RESET;
                believed.then(|| (remaining.saturating_sub(since), left))
            }
            (Some(_), None) | (None, _) => None,
        };
        let (remaining, ends, ended_at) = match (open, state.limit) {
            (Some((remaining, left)), _) => (remaining, now.after(left), None),
            (None, Some(_)) => (0, now, Some(nanos(now.mono))),
            (None, None) => return Self::default(),
        };
        let current = Window {
            limit: state.limit,
            smallest: remaining,
            allowance: 0,
            largest: remaining,
            fell: false,
            ends,
            guessed: false,
            ours: 0,
            adopted_at: nanos(now.mono),
            ended_at,
            overtaken: None,
            cause: Cause::Quota,
        };
        Self {
            current: Some(current),
            ..Self::default()
        }
    }

    /// Notes the time if the window is over; to be called before any start.
    pub(super) fn note_end(&mut self, now: Moment) {
        if let Some(window) = &mut self.current
            && window.ended_at.is_none()
            && now.reached(window.ends)
        {
            window.ended_at = Some(nanos(now.mono));
        }
    }

    /// The window that is open now.
    pub(super) fn open(&self, now: Moment) -> Option<&Window> {
        self.current
            .as_ref()
            .filter(|window| !now.reached(window.ends))
    }

    /// The last window, whether or not it ended.
    pub(super) fn last(&self) -> Option<&Window> {
        self.current.as_ref()
    }

    /// The limit that holds now. What an earlier run was given of a window that is over may hold no
    /// longer: the plan may be a larger one.
    pub(super) fn limit_in_force(&self, now: Moment) -> Option<u64> {
        let given = self.answers > 0 || self.open(now).is_some();
        self.last()
            .filter(|_| given)
            .and_then(|window| window.limit)
    }

    /// A request is sent at `at`.
    pub(super) fn sent(&self, at: i64) -> Sent {
        Sent {
            at,
            seen: self.answers,
            seen_undated: self.undated,
        }
    }

    /// Requests that the open window surely allows beyond those `in_flight`, before the reserve.
    pub(super) fn left(&self, window: &Window, in_flight: u64) -> u64 {
        self.left_but_for_others(window, in_flight)
            .saturating_sub(self.others_total)
    }

    fn left_but_for_others(&self, window: &Window, in_flight: u64) -> u64 {
        let by_smallest = window.smallest.saturating_sub(in_flight);
        by_smallest
            .max(window.allowance)
            .saturating_sub(self.unknown_total)
    }

    /// A request starts now.
    pub(super) fn started(&mut self) {
        if let Some(window) = &mut self.current {
            window.allowance = window.allowance.saturating_sub(1);
        }
    }

    /// A request that was counted as started never was.
    pub(super) fn returned(&mut self) {
        if let Some(window) = self.current.as_mut().filter(|window| window.allowance > 0) {
            window.allowance += 1;
        }
    }

    /// `count` requests may be taken off the quota without our being informed.
    pub(super) fn unknown(&mut self, at: i64, count: u64) {
        self.unknown.push_back((at, count));
        self.unknown_total += count;
    }

    /// `count` requests of other processes start now.
    pub(super) fn of_others(&mut self, at: i64, count: u64) {
        self.others.push_back((at, count));
        self.others_total += count;
    }

    /// If nothing is left for us only because of what others started: from when on an answer will say
    /// what became of that.
    pub(super) fn others_settled_at(
        &self,
        window: &Window,
        in_flight: u64,
        kept: u64,
    ) -> Option<i64> {
        let (last, _) = self.others.back()?;
        let would_be_left = self.left_but_for_others(window, in_flight) > kept;
        would_be_left.then_some(last + nanos(OTHERS_ARRIVE_WITHIN))
    }

    /// How many requests of the last hour have an unknown outcome, and when the first of them is too old to
    /// be counted in any window that is open then.
    pub(super) fn unknown_until(&self, now: Moment) -> Option<(u64, Moment)> {
        let at = nanos(now.mono);
        let hour = nanos(QUOTA_PERIOD + UNKNOWN_FOR);
        let fresh = self.unknown.iter().filter(|(noted, _)| noted + hour > at);
        let count = fresh.clone().map(|(_, count)| count).sum();
        let (first, _) = fresh.min()?;
        Some((
            count,
            now.after(Duration::from_nanos((first + hour - at).unsigned_abs())),
        ))
    }

    /// Notes the answer to a request, with `in_flight` others unanswered.
    pub(super) fn answered(
        &mut self,
        sent: Sent,
        now: Moment,
        headers: &QuotaHeaders,
        in_flight: u64,
    ) -> Learned {
        self.answers += 1;
        let Some(remaining) = headers.remaining else {
            return self.without_remaining(now);
        };
        // Whatever was answered since this request started may have been counted after it.
        let since = self.answers.saturating_sub(sent.seen).saturating_sub(1);
        // A Reset of this moment says when the next request is possible; with quota left, it says nothing.
        let reset = headers
            .until_reset(now.wall)
            .filter(|left| remaining == 0 || !left.is_zero());
        let ends = now.after(reset.unwrap_or(QUOTA_PERIOD) + AFTER_RESET);
        let undated = self.undated.saturating_sub(sent.seen_undated);
        self.undated += u64::from(reset.is_none());
        match self.relation(sent.at, reset.map(|_| ends)) {
            Relation::Stale => {
                self.overtaken(remaining);
                return Learned::Remaining;
            }
            Relation::Same => {
                self.overtaken(remaining);
                self.settle_end(reset.is_some(), ends);
            }
            // What was counted after this one and answered before gave as late an end, or none.
            Relation::Later => self.adopt(
                remaining,
                remaining.saturating_sub(undated),
                now,
                ends,
                false,
            ),
            Relation::Next => {
                let least = self.last().and_then(|window| window.overtaken);
                let smallest = least.map_or(remaining, |least| least.min(remaining));
                let doubtful = reset.is_none() && smallest == 0 && remaining > 0;
                let ends = if doubtful {
                    now.after(SAME_RESET)
                } else {
                    ends
                };
                self.adopt(remaining, smallest, now, ends, reset.is_none());
            }
        }
        if let Some(window) = &mut self.current {
            window.count(headers.limit, remaining, since, in_flight);
        }
        self.forget_unknown(sent.at);
        Learned::Remaining
    }

    /// A new window, of which `remaining` was just given and `smallest` is safe.
    fn adopt(&mut self, remaining: u64, smallest: u64, now: Moment, ends: Moment, guessed: bool) {
        self.current = Some(Window {
            limit: self.last().and_then(|window| window.limit),
            smallest,
            allowance: 0,
            ends,
            guessed,
            largest: remaining,
            fell: false,
            ours: 0,
            adopted_at: nanos(now.mono),
            ended_at: None,
            overtaken: None,
            cause: Cause::Quota,
        });
    }

    /// An answer of the open window gave its end: it replaces a guess. Of two that were given the later
    /// counts, because seconds are rounded both ways.
    fn settle_end(&mut self, given: bool, ends: Moment) {
        if let Some(window) = self.current.as_mut().filter(|_| given)
            && (window.guessed || ends.mono > window.ends.mono)
        {
            window.ends = ends;
            window.guessed = false;
        }
    }

    /// An answer that belongs to the window that is over may yet have been counted after the first
    /// request of the next one.
    fn overtaken(&mut self, remaining: u64) {
        if let Some(window) = self
            .current
            .as_mut()
            .filter(|window| window.ended_at.is_some())
        {
            window.overtaken = Some(
                window
                    .overtaken
                    .map_or(remaining, |least| least.min(remaining)),
            );
        }
    }

    /// The server refused a request: nothing until `ends`, and no earlier knowledge stands.
    pub(super) fn refused(&mut self, now: Moment, ends: Moment, limit: Option<u64>) {
        self.answers += 1;
        self.adopt(0, 0, now, ends, false);
        if let Some(window) = &mut self.current {
            window.limit = limit.or(window.limit);
            window.cause = Cause::Refusal;
        }
    }

    /// The quota is used up, and when it opens again is not known: one request asks at `ends`.
    pub(super) fn emptied(&mut self, now: Moment, ends: Moment, limit: Option<u64>) {
        self.answers += 1;
        self.adopt(0, 0, now, ends, false);
        if let Some(window) = &mut self.current {
            window.limit = limit.or(window.limit);
        }
    }

    /// True for a request that was on its way before the window was known to be empty.
    pub(super) fn emptiness_is_known(&self, started: i64) -> bool {
        self.current
            .as_ref()
            .is_some_and(|window| window.largest == 0 && started < window.adopted_at)
    }

    /// True for a request that was on its way before the last refusal was known.
    pub(super) fn refusal_is_old(&self, started: i64) -> bool {
        self.current
            .as_ref()
            .is_some_and(|window| window.cause == Cause::Refusal && started < window.adopted_at)
    }

    /// What to keep for the next run.
    pub(super) fn state(&self, now: Moment, in_flight: u64) -> QuotaState {
        let open = self.open(now);
        QuotaState {
            limit: self.last().and_then(|window| window.limit),
            remaining: open.map(|window| self.left(window, in_flight)),
            // By the time left, not by the wall clock of when it was given: that may have been set since.
            reset_at: open.map(|window| {
                let left = window
                    .ends
                    .mono
                    .saturating_sub(now.mono)
                    .saturating_sub(AFTER_RESET);
                later(now.wall, left)
            }),
            observed_at: Some(now.wall),
        }
    }

    /// An answer without `remaining`: if a window is open, it took one off unreported.
    fn without_remaining(&mut self, now: Moment) -> Learned {
        let open = self
            .current
            .as_mut()
            .filter(|window| !now.reached(window.ends));
        if let Some(window) = open {
            window.smallest = window.smallest.saturating_sub(1);
            window.allowance = window.allowance.saturating_sub(1);
            window.ours += 1;
            return Learned::Remaining;
        }
        self.current = None;
        Learned::Nothing
    }

    fn relation(&self, started: i64, ends: Option<Moment>) -> Relation {
        let Some(window) = &self.current else {
            return Relation::Next;
        };
        let later = ends.is_some_and(|ends| ends.mono > window.ends.mono + SAME_RESET);
        let earlier = ends.is_some_and(|ends| ends.mono + SAME_RESET < window.ends.mono);
        let over = window.ended_at.is_some_and(|ended_at| started >= ended_at);
        if later {
            Relation::Later
        } else if over || earlier && started >= window.adopted_at {
            Relation::Next
        } else if earlier && !window.guessed {
            Relation::Stale
        } else {
            Relation::Same
        }
    }

    /// The answer to a request that started a minute after a loss shows a counter that has settled; the
    /// requests of others settle sooner.
    fn forget_unknown(&mut self, started: i64) {
        while let Some((_, count)) = self
            .unknown
            .front()
            .filter(|(at, _)| at + nanos(UNKNOWN_FOR) <= started)
        {
            self.unknown_total -= count;
            self.unknown.pop_front();
        }
        while let Some((_, count)) = self
            .others
            .front()
            .filter(|(at, _)| at + nanos(OTHERS_ARRIVE_WITHIN) <= started)
        {
            self.others_total -= count;
            self.others.pop_front();
        }
    }
}

/// How an answer relates to the window that we know.
enum Relation {
    /// It is of this window.
    Same,
    /// It is older.
    Stale,
    /// It gives a later end: another window.
    Later,
    /// Its request started after the window was over, or after it was known with a later end.
    Next,
}
