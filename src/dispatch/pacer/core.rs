//! The pacer's decisions: a state machine over values, without a clock, a task or a random number.
//!
//! It obeys, in this order: the server's quota headers, the user's rate, the number of
//! simultaneous connections. Its laws, each with a property test:
//!
//! - a rate of N lets no N+1 through in any window, restarts included;
//! - never more requests than `remaining` minus the reserve, whatever order the answers come in;
//! - what cannot be known is asked with one request, alone (a *probe*): at the start, after a window
//!   ended, after a refusal. The first answer of a window says what the window allows, whether the
//!   server counts in fixed windows, sliding ones or a leaky bucket.

use std::time::Duration;

use jiff::Timestamp;

use super::connections::Connections;
use super::limiter::{Limiter, nanos};
use super::window::{AFTER_RESET, Cause, Learned, Windows};
use crate::clock::{Moment, between, later};
use crate::domain::quota::{Pace, QUOTA_PERIOD, QuotaHeaders, QuotaState};

pub(crate) use super::model::FALLBACK_RATE;
pub use super::model::{Decision, PacerView, Past, Refusal, Settings, Source, Ticket, Why};

/// The first wait after a refusal that names no time; it doubles from refusal to refusal.
const FIRST_BACKOFF: Duration = Duration::from_secs(2);
/// The longest such wait.
const LONGEST_BACKOFF: Duration = Duration::from_mins(15);

/// Two times this close may stand in either order: starts are kept in milliseconds, and those that are
/// recorded together share one.
const SAME_TIME: Duration = Duration::from_millis(10);

/// The state machine.
#[derive(Debug)]
pub struct Pacer {
    settings: Settings,
    windows: Windows,
    limiter: Limiter,
    connections: Connections,
    in_flight: u32,
    /// The next request must go alone.
    must_probe: bool,
    /// A request is on its way alone.
    probing: bool,
    /// After a refusal while quota was left: nothing starts until then.
    held: Option<Moment>,
    /// Refusals in a row that named no time.
    refusals: u32,
    last_start: Option<i64>,
    /// When the limiter's capacity was last changed by a refusal.
    learnt_at: Option<i64>,
    waiting: Option<(Option<Moment>, Why)>,
}

impl Pacer {
    /// A pacer that goes on where earlier runs stopped.
    pub fn new(settings: Settings, past: &Past, now: Moment) -> Self {
        let rate = settings.rate.unwrap_or(settings.fallback);
        let at = nanos(now.mono);
        // A start in the future (the clock was set back since) counts as one of this moment.
        let ago = |start: &Timestamp| at - nanos(between(*start, now.wall));
        let starts: Vec<i64> = past.starts.iter().map(ago).collect();
        // What started shortly before may not have been counted yet: times are rounded.
        let known = past.quota.observed_at;
        // What was noted in the future says nothing of when that was: all of them may have been since.
        let known = known.map(|seen| {
            if seen > now.wall {
                Timestamp::MIN
            } else {
                seen
            }
        });
        let unknown_to =
            |start: &&Timestamp| known.is_some_and(|seen| later(**start, SAME_TIME) >= seen);
        let since = past.starts.iter().filter(unknown_to).count();
        let mut windows =
            Windows::restore(&past.quota, now, u64::try_from(since).unwrap_or(u64::MAX));
        if past.unanswered > 0 {
            windows.unknown(starts.last().copied().unwrap_or(at), past.unanswered);
        }
        let mut limiter = Limiter::new(rate, settings.burst, &starts, at);
        if settings.rate.is_none()
            && let Some(limit) = past.quota.limit
        {
            limiter.set_capacity(limit.min(limiter.capacity()));
        }
        Self {
            connections: Connections::new(settings.concurrency),
            settings,
            windows,
            limiter,
            in_flight: 0,
            must_probe: true,
            probing: false,
            held: None,
            refusals: 0,
            last_start: None,
            learnt_at: None,
            waiting: None,
        }
    }

    /// May a request start now?
    pub fn poll(&mut self, now: Moment) -> Decision {
        self.poll_unless(None, now)
    }

    /// The same, where something else may keep it back, which comes first.
    pub(crate) fn poll_unless(
        &mut self,
        kept_back: Option<(Option<Moment>, Why)>,
        now: Moment,
    ) -> Decision {
        match kept_back.map_or_else(|| self.allowed(now), Err) {
            Ok((probe, paced)) => {
                let started = nanos(now.mono);
                self.windows.started();
                self.limiter.started(started, 1);
                self.in_flight += 1;
                self.probing |= probe;
                self.last_start = Some(started);
                self.waiting = None;
                Decision::Go(Ticket {
                    sent: self.windows.sent(started),
                    probe,
                    paced,
                })
            }
            Err((until, why)) => {
                self.waiting = Some((until, why));
                Decision::Wait { until, why }
            }
        }
    }

    /// The request's bytes leave only now, some time after the ticket was given: its place in the
    /// window of the rate moves with it.
    pub(crate) fn started(&mut self, ticket: &mut Ticket, now: Moment) {
        let at = nanos(now.mono);
        self.limiter.moved(ticket.sent.at, at);
        ticket.sent = self.windows.sent(at);
    }

    /// An answer came that is no 429.
    pub fn answered(&mut self, ticket: Ticket, now: Moment, headers: &QuotaHeaders) {
        self.landed(ticket);
        self.must_probe &= !ticket.probe;
        self.connections.clean();
        if headers.remaining == Some(0) && headers.reset_is_wrong(now.wall) {
            // Nothing is left, and it is not known for how long: the API is asked, less and less often.
            if !self.windows.emptiness_is_known(ticket.sent.at) {
                let wait = self.back_off(1.0);
                self.windows.emptied(now, now.after(wait), headers.limit);
            }
            return;
        }
        if !self.windows.refusal_is_old(ticket.sent.at) {
            self.refusals = 0;
        }
        let learned = self
            .windows
            .answered(ticket.sent, now, headers, u64::from(self.in_flight));
        if learned == Learned::Nothing {
            self.unlearn(now);
        }
        if learned == Learned::Nothing
            && self.settings.rate.is_none()
            && let Some(limit) = headers.limit
        {
            self.limiter.set_capacity(limit);
        }
    }

    /// The server refused the request with 429.
    pub fn throttled(&mut self, ticket: Ticket, now: Moment, refusal: &Refusal) {
        let open = self.in_flight;
        self.landed(ticket);
        let headers = &refusal.headers;
        // To try again at once is no advice.
        let retry_after = refusal.retry_after.filter(|wait| !wait.is_zero());
        let reset = headers.until_reset(now.wall);
        // The later of both that the server names: a request before it is over is refused again.
        let named_wait = reset.map(|left| left + AFTER_RESET).max(retry_after);
        let quota_left = match headers.remaining {
            Some(remaining) => remaining > 0,
            // No time was given, and by all we know the quota is not used up.
            None => named_wait.is_none() && self.surely_left(now),
        };
        if quota_left {
            let lowered = self
                .connections
                .refused(ticket.sent.at, nanos(now.mono), open);
            self.hold(now, retry_after, lowered, refusal.jitter);
            return;
        }
        if named_wait.is_none() && self.windows.refusal_is_old(ticket.sent.at) {
            return;
        }
        let wait = named_wait.unwrap_or_else(|| self.back_off(refusal.jitter));
        if named_wait.is_none() && self.windows.last().is_none() && self.settings.rate.is_none() {
            self.learn_capacity(now);
        }
        self.must_probe = true;
        self.windows.refused(now, now.after(wait), headers.limit);
    }

    /// Too many connections, or too many requests at once: the window and its quota stand. Fewer connections
    /// are enough where the server names no time.
    fn hold(&mut self, now: Moment, retry_after: Option<Duration>, lowered: bool, jitter: f64) {
        let wait = match retry_after {
            Some(wait) => wait,
            None if lowered => return,
            None => self.back_off(jitter),
        };
        let until = now.after(wait);
        if self.held.is_none_or(|held| held.mono < until.mono) {
            self.held = Some(until);
        }
    }

    /// No answer came: the request may or may not have been counted.
    pub(crate) fn lost(&mut self, ticket: Ticket, now: Moment) {
        self.landed(ticket);
        self.windows.unknown(nanos(now.mono), 1);
    }

    /// The ticket was not used: no request left.
    pub(crate) fn returned(&mut self, ticket: Ticket) {
        self.landed(ticket);
        self.windows.returned();
        self.limiter.returned(ticket.sent.at, ticket.paced);
    }

    /// Other processes on the same checkpoint claimed `count` requests on the same token.
    pub(crate) fn others(&mut self, count: u64, now: Moment) {
        let at = nanos(now.mono);
        self.windows.of_others(at, count);
        self.limiter.started(at, count);
    }

    /// Sets how many runs share the connections.
    pub(crate) fn shared_by(&mut self, runs: u32) {
        self.connections.shared_by(runs);
    }

    /// What to keep for the next run.
    pub fn state(&self, now: Moment) -> QuotaState {
        self.windows.state(now, u64::from(self.in_flight))
    }

    /// What there is to show.
    pub fn view(&mut self, now: Moment) -> PacerView {
        let open = self.windows.open(now);
        // A window that is over shows that the server reports a quota: the next answer will.
        let asks = self.must_probe || self.windows.last().is_some();
        let source = match (open.is_some(), asks, self.settings.rate) {
            (true, ..) => Source::Headers,
            (false, true, _) => Source::Unknown,
            (false, false, Some(_)) => Source::UserRate,
            (false, false, None) => Source::Fallback,
        };
        let state = self.windows.state(now, u64::from(self.in_flight));
        PacerView {
            source,
            limit: state
                .limit
                .or_else(|| (source == Source::Fallback).then(|| self.limiter.capacity())),
            left: state.remaining,
            reset_at: state.reset_at,
            in_flight: self.in_flight,
            concurrency: self.connections.effective(),
            started_in_period: self.limiter.used(nanos(now.mono)),
            sleeping_until: self
                .waiting
                .and_then(|(until, _)| until)
                .map(|until| until.wall),
            why: self.waiting.map(|(_, why)| why),
        }
    }

    /// A window is open, no refusal shut it, and it allows more than what is in flight.
    fn surely_left(&self, now: Moment) -> bool {
        self.windows.open(now).is_some_and(|window| {
            window.cause == Cause::Quota && self.windows.left(window, u64::from(self.in_flight)) > 0
        })
    }

    fn landed(&mut self, ticket: Ticket) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.probing &= !ticket.probe;
    }

    /// The order of obedience. `Ok` says whether the request is a probe, and whether it was paced.
    fn allowed(&mut self, now: Moment) -> Result<(bool, bool), (Option<Moment>, Why)> {
        if let Some(until) = self.held
            && !now.reached(until)
        {
            return Err((Some(until), Why::Throttled));
        }
        let known = self.by_headers(now)?;
        let probe = known == Known::Ask;
        if self.in_flight >= self.connections.effective() {
            return Err((None, Why::Connections));
        }
        // Without headers the limiter is all there is; the user's own cap always holds.
        let limit_is_known = self
            .windows
            .last()
            .is_some_and(|window| window.limit.is_some());
        let paced = self.settings.rate.is_some()
            || known == Known::Nothing
            || !limit_is_known && known == Known::Ask;
        if paced {
            let at = nanos(now.mono);
            self.limiter.ask(at).map_err(|until| {
                let wait = Duration::from_nanos((until - at).unsigned_abs());
                (Some(now.after(wait)), Why::Rate)
            })?;
        }
        Ok((probe, paced))
    }

    /// What the server's headers allow.
    fn by_headers(&mut self, now: Moment) -> Result<Known, (Option<Moment>, Why)> {
        self.windows.note_end(now);
        let in_flight = u64::from(self.in_flight);
        let reserve = self.settings.reserve;
        if let Some(limit) = self.windows.limit_in_force(now)
            && reserve.leaves(limit) == 0
        {
            return Err((None, Why::ReserveTakesAll));
        }
        let Some(window) = self.windows.open(now) else {
            return self.ask_alone(in_flight, now);
        };
        let kept = window.limit.map_or(0, |limit| reserve.of(limit));
        let ours = self.windows.left(window, in_flight).saturating_sub(kept);
        if ours == 0 {
            // Others may have given their requests back unsent: once they must have arrived, one request asks.
            if in_flight == 0
                && window.cause == Cause::Quota
                && let Some(settled) = self.windows.others_settled_at(window, in_flight, kept)
            {
                return ask_from(settled, now);
            }
            let why = match window.cause {
                Cause::Quota => Why::Quota,
                Cause::Refusal => Why::Throttled,
            };
            return Err((Some(window.ends), why));
        }
        // What is known of the window comes from an earlier run or from before a refusal: one answer confirms it first.
        if self.must_probe {
            return if self.probing {
                Err((None, Why::Probing))
            } else {
                Ok(Known::Ask)
            };
        }
        match self.settings.pace {
            Pace::Fast => {}
            Pace::Even => {
                if let Some(wait) = self.spread(now, window.ends, ours) {
                    return Err((Some(now.after(wait)), Why::Even));
                }
            }
        }
        Ok(Known::Budget)
    }

    /// No window is open: one request asks, unless the last one showed that there is nothing to learn.
    fn ask_alone(&self, in_flight: u64, now: Moment) -> Result<Known, (Option<Moment>, Why)> {
        let Some(last) = self.windows.last() else {
            return match (self.must_probe, self.probing) {
                (false, _) => Ok(Known::Nothing),
                (true, true) => Err((None, Why::Probing)),
                (true, false) => Ok(Known::Ask),
            };
        };
        // Requests that are still unanswered, or whose answers were lost, may be counted in the new one.
        let ours = last
            .limit
            .map_or(u64::MAX, |limit| self.settings.reserve.leaves(limit).max(1));
        if self.probing || in_flight >= ours {
            return Err((None, Why::Probing));
        }
        match self.windows.unknown_until(now) {
            Some((count, until)) if in_flight + count >= ours => Err((Some(until), Why::Quota)),
            Some(_) | None => Ok(Known::Ask),
        }
    }

    /// How long to wait before the next start when `ours` requests are spread until `ends`.
    fn spread(&self, now: Moment, ends: Moment, ours: u64) -> Option<Duration> {
        let last = self.last_start?;
        let last = Duration::from_nanos(u64::try_from(last).ok()?);
        let left = ends.mono.checked_sub(last)?.checked_sub(AFTER_RESET)?;
        let each = left / u32::try_from(ours.saturating_add(1)).unwrap_or(u32::MAX);
        (last + each)
            .checked_sub(now.mono)
            .filter(|wait| !wait.is_zero())
    }

    /// A wait that doubles from refusal to refusal, of which the random half keeps clients apart.
    fn back_off(&mut self, jitter: f64) -> Duration {
        let doubled = FIRST_BACKOFF
            .saturating_mul(1 << self.refusals.min(16))
            .min(LONGEST_BACKOFF);
        self.refusals = self.refusals.saturating_add(1);
        doubled.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
    }

    /// What was learnt from a refusal may be out of date: after two quiet hours a tenth more is tried.
    fn unlearn(&mut self, now: Moment) {
        let full = u64::from(self.limiter.rate().count().get());
        let at = nanos(now.mono);
        if self.limiter.capacity() < full
            && self
                .learnt_at
                .is_some_and(|learnt| learnt + 2 * nanos(QUOTA_PERIOD) <= at)
        {
            let more = (self.limiter.capacity() / 10).max(1);
            self.limiter
                .set_capacity((self.limiter.capacity() + more).min(full));
            self.learnt_at = Some(at);
        }
    }

    /// A refusal without any header shows the limit: what started in the last period was too much.
    fn learn_capacity(&mut self, now: Moment) {
        let at = nanos(now.mono);
        let accepted = self
            .limiter
            .used(at)
            .saturating_sub(u64::from(self.in_flight) + 1);
        // Where nothing was accepted yet, it shows nothing.
        if accepted > 0 {
            self.limiter
                .set_capacity(accepted.min(self.limiter.capacity()));
            self.learnt_at = Some(at);
        }
    }
}

/// One request may ask once it is `at`.
fn ask_from(at: i64, now: Moment) -> Result<Known, (Option<Moment>, Why)> {
    match u64::try_from(at - nanos(now.mono)) {
        Ok(wait) if wait > 0 => Err((Some(now.after(Duration::from_nanos(wait))), Why::Quota)),
        Ok(_) | Err(_) => Ok(Known::Ask),
    }
}

/// What is known when a request may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The window has room.
    Budget,
    /// Nothing: this request asks, alone.
    Ask,
    /// The server reports nothing: the limiter alone paces.
    Nothing,
}

#[cfg(test)]
mod tests;
