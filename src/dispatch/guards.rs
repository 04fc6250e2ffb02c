//! The guards: stop before harm. Pure: outcomes in, decisions out.
//!
//! - A fatal answer (401, 403, ...) stops the batch.
//! - Refusals that are too many to be chance stop it ([`super::refusals`]): a broken template or a channel
//!   without permission must not burn the list.
//! - A limit of the platform pauses everything until one recipient gets through; that ends no run.
//! - Several lost answers or failed connections in a row are an outage: everything pauses with a
//!   growing delay, then one recipient probes. An outage that outlasts its bounds stops the batch.
//! - A clock that is wrong would let the guards against repeated messages count wrongly, in this run and in later
//!   ones: the first answer that names the server's time is compared with it.

use std::time::Duration;

use jiff::Timestamp;

use super::halt::Halt;
use super::refusals::{PastAnswers, RefusalVerdict, Refusals, TakenBack};
use crate::domain::fallback::Step;
use crate::domain::outcome::{FatalKind, Outcome};
use crate::domain::retry::{Jitter, RetryPolicy};
use crate::store::RecipientId;

/// The first pause at a limit of the platform that says no time, and the longest: each is twice the one before.
const FIRST_LIMIT: Duration = Duration::from_mins(1);
const LONGEST_LIMIT: Duration = Duration::from_mins(15);

/// The shortest pause at a limit, whatever the platform says.
const SHORTEST_LIMIT: Duration = Duration::from_secs(1);

/// The clock of this machine may differ by so much from the API's.
const CLOCKS_DIFFER: Duration = Duration::from_mins(5);

/// When to stop and when to pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardSettings {
    /// How many identical refusals stop the batch; 0 turns the guard off.
    pub identical_refusals: u32,
    /// How many lost answers or failed connections in a row pause it.
    pub outage_after: u32,
    /// How the pauses grow, and when an outage is given up.
    pub outage: RetryPolicy,
    /// This machine's clock is right, whatever the API's says.
    pub trust_clock: bool,
}

impl Default for GuardSettings {
    fn default() -> Self {
        Self {
            identical_refusals: 20,
            outage_after: 3,
            outage: RetryPolicy {
                max_tries: 30,
                max_waited: Duration::from_hours(1),
                first_delay: Duration::from_secs(5),
                max_delay: Duration::from_mins(5),
            },
            trust_clock: false,
        }
    }
}

/// What to do after an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Go on.
    Go,
    /// Go on; if one recipient goes alone, then so does the next.
    Probe,
    /// Nothing starts for this time, then one recipient probes.
    Pause(Duration, Cause),
    /// Nothing more goes through this channel; others are left.
    LeaveChannel,
    /// Stop the batch.
    Stop(Halt),
}

/// Why nothing is sent for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The API gives no usable answers.
    NoAnswer,
    /// A limit of the platform was reached: which.
    Limit(&'static str),
}

/// What is known of a channel.
#[derive(Debug)]
struct Channel {
    refusals: Refusals,
    /// Why it is refused as a whole.
    refused: Option<Halt>,
}

/// The guards of one run.
#[derive(Debug)]
pub struct Guards {
    settings: GuardSettings,
    /// Of each channel, in the order in which they are tried.
    channels: Vec<Channel>,
    failures: u32,
    pauses: u32,
    /// How long the pauses were together.
    waited: Duration,
    failing_since: Option<Duration>,
    /// Pauses at a limit of the platform, since one got through.
    limit_pauses: u32,
    /// The clock was compared with the server's, or need not be.
    clock_is_known: bool,
}

impl Guards {
    /// Guards for a run of a batch whose earlier runs had these answers on each of its channels, in the order in which
    /// they are tried.
    pub fn new(settings: GuardSettings, past: Vec<PastAnswers>) -> Self {
        let channel = |past| Channel {
            refusals: Refusals::new(settings.identical_refusals, past),
            refused: None,
        };
        Self {
            channels: past.into_iter().map(channel).collect(),
            clock_is_known: settings.trust_clock,
            settings,
            failures: 0,
            pauses: 0,
            waited: Duration::ZERO,
            failing_since: None,
            limit_pauses: 0,
        }
    }

    /// The halt that earlier runs have led to already, where the last of them died before it recorded it.
    pub(crate) fn standing(&mut self) -> Option<Halt> {
        let mut channels = self.channels.iter_mut();
        channels.find_map(|channel| channel.refusals.standing())
    }

    /// Why the first channel that was refused as a whole was refused.
    pub(crate) fn refused_channel(&self) -> Option<Halt> {
        let mut channels = self.channels.iter();
        channels.find_map(|channel| channel.refused.clone())
    }

    /// The results that the refusals which stopped the run leave without a meaning, once all answers are in.
    pub(crate) fn take_back(&mut self) -> Option<TakenBack> {
        let mut channels = self.channels.iter_mut();
        channels.find_map(|channel| channel.refusals.take_back())
    }

    /// Takes an outcome at `now` (monotonic). `probe`: it was the only request under way.
    pub(crate) fn observe(
        &mut self,
        (recipient, step): (RecipientId, Step),
        outcome: &Outcome,
        probe: bool,
        now: Duration,
        jitter: Jitter,
    ) -> Advice {
        match outcome {
            Outcome::Sent(_) => {
                self.answered(probe);
                if let Some(channel) = self.channels.get_mut(step.index()) {
                    channel.refusals.accepted();
                }
                Advice::Go
            }
            Outcome::NoMessenger { .. } | Outcome::Rejected { .. } => {
                self.answered(probe);
                let channel = self.channels.get_mut(step.index());
                let refusal = channel.zip(outcome.refusal());
                match refusal.map(|(channel, refusal)| channel.refusals.refuse(recipient, refusal))
                {
                    None | Some(RefusalVerdict::Go) => Advice::Go,
                    Some(RefusalVerdict::Probe) => Advice::Probe,
                    Some(RefusalVerdict::Stop(halt)) => Advice::Stop(halt),
                }
            }
            Outcome::ContactGone { .. } => {
                self.answered(probe);
                Advice::Go
            }
            // The API put it off: a probe proved nothing.
            Outcome::Throttled { .. } => {
                self.recovered();
                Advice::Probe
            }
            Outcome::Limited {
                limit, retry_after, ..
            } => {
                self.recovered();
                self.limited(limit, *retry_after, probe)
            }
            Outcome::NotSent { text } | Outcome::Later { text } => {
                self.failed(text, None, probe, now, jitter)
            }
            Outcome::Undecided { text, retry_after } => {
                self.failed(text, *retry_after, probe, now, jitter)
            }
            Outcome::Fatal { kind, text } => self.fatal(step, *kind, text),
        }
    }

    /// One refused channel leaves the others; the last one stops the batch. What is no matter of a channel stops it at
    /// once.
    fn fatal(&mut self, step: Step, kind: FatalKind, text: &str) -> Advice {
        let halt = Halt::Fatal {
            kind,
            text: text.to_owned(),
        };
        let is_of_channel = match kind {
            FatalKind::Channel { .. } | FatalKind::NotFound => true,
            FatalKind::Unauthorized
            | FatalKind::Forbidden
            | FatalKind::Proxy
            | FatalKind::MethodNotAllowed
            | FatalKind::Redirected => false,
        };
        if let Some(channel) = self.channels.get_mut(step.index()) {
            channel.refused.get_or_insert_with(|| halt.clone());
        }
        let is_any_left = self
            .channels
            .iter()
            .any(|channel| channel.refused.is_none());
        if is_of_channel && is_any_left {
            Advice::LeaveChannel
        } else {
            Advice::Stop(halt)
        }
    }

    /// A usable answer came. During a pause, those that left before it say nothing of what comes after.
    fn answered(&mut self, probe: bool) {
        self.recovered();
        if probe {
            self.limit_pauses = 0;
        }
    }

    /// Compares this machine's clock with the server's, which an answer names, once in a run.
    pub(crate) fn compare_clocks(&mut self, ours: Timestamp, theirs: Timestamp) -> Option<Halt> {
        if std::mem::replace(&mut self.clock_is_known, true) {
            return None;
        }
        let difference = ours.duration_since(theirs).unsigned_abs();
        (difference > CLOCKS_DIFFER).then_some(Halt::WrongClock { ours, theirs })
    }

    fn limited(
        &mut self,
        limit: &'static str,
        retry_after: Option<Duration>,
        probe: bool,
    ) -> Advice {
        if self.limit_pauses > 0 && !probe {
            // It left before the pause began.
            return Advice::Go;
        }
        let doubled = FIRST_LIMIT.saturating_mul(1 << self.limit_pauses.min(10));
        self.limit_pauses += 1;
        let pause = retry_after.unwrap_or(doubled.min(LONGEST_LIMIT));
        Advice::Pause(pause.max(SHORTEST_LIMIT), Cause::Limit(limit))
    }

    fn recovered(&mut self) {
        self.failures = 0;
        self.pauses = 0;
        self.waited = Duration::ZERO;
        self.failing_since = None;
    }

    fn failed(
        &mut self,
        text: &str,
        retry_after: Option<Duration>,
        probe: bool,
        now: Duration,
        jitter: Jitter,
    ) -> Advice {
        self.failures += 1;
        let since = *self.failing_since.get_or_insert(now);
        // While a pause lasts, the stragglers of the requests before it change nothing.
        let straggler = self.pauses > 0 && !probe;
        let enough = probe || self.failures >= self.settings.outage_after;
        if straggler || !(enough || retry_after.is_some()) {
            return Advice::Go;
        }
        self.pauses += 1;
        let policy = &self.settings.outage;
        let Some(delay) = policy.delay(self.pauses, self.waited, jitter) else {
            return Advice::Stop(Halt::Outage {
                tries: self.failures,
                elapsed: now.saturating_sub(since),
                text: text.to_owned(),
            });
        };
        let pause = delay.max(retry_after.unwrap_or_default());
        self.waited += pause;
        Advice::Pause(pause, Cause::NoAnswer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::refusals::RecentAnswer;
    use crate::domain::outcome::{KnownBy, Receipt, RejectionCause};
    use crate::store::{BatchId, RecentRow};

    fn guards() -> Guards {
        Guards::new(GuardSettings::default(), vec![PastAnswers::default()])
    }

    fn observe(guards: &mut Guards, outcome: &Outcome) -> Advice {
        at(guards, outcome, false, Duration::ZERO)
    }

    fn at(guards: &mut Guards, outcome: &Outcome, probe: bool, now: Duration) -> Advice {
        guards.observe(
            (RecipientId::new(BatchId::for_tests(1), 1), Step::FIRST),
            outcome,
            probe,
            now,
            Jitter::FULL,
        )
    }

    /// A pause for want of answers.
    fn pause(pause: Duration) -> Advice {
        Advice::Pause(pause, Cause::NoAnswer)
    }

    fn lost() -> Outcome {
        Outcome::Undecided {
            text: "timed out".to_owned(),
            retry_after: None,
        }
    }

    const SENT: Outcome = Outcome::Sent(Receipt {
        message_id: None,
        contact_id: None,
        channel_type: None,
        number: None,
    });

    #[test]
    fn three_lost_answers_in_a_row_pause_and_failed_probes_pause_longer() {
        let mut guards = guards();
        assert_eq!(observe(&mut guards, &lost()), Advice::Go);
        assert_eq!(observe(&mut guards, &lost()), Advice::Go);
        assert_eq!(observe(&mut guards, &lost()), pause(Duration::from_secs(5)));
        assert_eq!(observe(&mut guards, &lost()), Advice::Go, "a straggler");
        let probe = at(&mut guards, &lost(), true, Duration::from_secs(6));
        assert_eq!(probe, pause(Duration::from_secs(10)));
        observe(&mut guards, &SENT);
        assert_eq!(observe(&mut guards, &lost()), Advice::Go, "begins anew");
    }

    #[test]
    fn an_outage_is_given_up_after_an_hour_of_pauses() {
        let mut guards = guards();
        let mut now = Duration::ZERO;
        for _ in 0..2 {
            observe(&mut guards, &lost());
        }
        let halt = loop {
            match at(&mut guards, &lost(), true, now) {
                Advice::Pause(pause, _) => now += pause,
                Advice::Stop(halt) => break halt,
                Advice::Go | Advice::Probe | Advice::LeaveChannel => panic!("a probe failed"),
            }
        };
        assert!(now >= Duration::from_hours(1) && now < Duration::from_mins(65));
        assert!(matches!(halt, Halt::Outage { elapsed, .. } if elapsed == now));
    }

    #[test]
    fn the_pauses_before_an_answer_are_no_part_of_the_next_outage() {
        let mut guards = guards();
        let pause_for = |guards: &mut Guards, long: Duration| {
            let mut paused = Duration::ZERO;
            for _ in 0..2 {
                observe(guards, &lost());
            }
            while paused < long {
                let Advice::Pause(pause, _) = at(guards, &lost(), true, paused) else {
                    break;
                };
                paused += pause;
            }
            paused
        };
        assert!(pause_for(&mut guards, Duration::from_mins(50)) >= Duration::from_mins(50));
        at(&mut guards, &SENT, true, Duration::from_mins(50));
        let next = pause_for(&mut guards, Duration::from_hours(9));
        assert!(next >= Duration::from_hours(1), "{next:?}");
    }

    #[test]
    fn clocks_that_differ_by_more_than_five_minutes_stop_the_batch_unless_ours_is_trusted() {
        let theirs = Timestamp::from_second(1_800_000_000).unwrap();
        for (seconds, stops) in [
            (0, false),
            (300, false),
            (-300, false),
            (301, true),
            (-301, true),
        ] {
            let ours = theirs + jiff::SignedDuration::from_secs(seconds);
            let halt = guards().compare_clocks(ours, theirs);
            assert_eq!(halt, stops.then_some(Halt::WrongClock { ours, theirs }));
        }
        let later = Timestamp::MAX;
        let settings = GuardSettings {
            trust_clock: true,
            ..GuardSettings::default()
        };
        let mut trusting = Guards::new(settings, vec![PastAnswers::default()]);
        assert_eq!(trusting.compare_clocks(later, theirs), None);
        let mut asked = guards();
        assert_eq!(asked.compare_clocks(theirs, theirs), None);
        assert_eq!(asked.compare_clocks(later, theirs), None, "once in a run");
    }

    #[test]
    fn a_night_between_two_failures_is_no_outage() {
        let mut guards = guards();
        for _ in 0..2 {
            observe(&mut guards, &lost());
        }
        let morning = Duration::from_hours(13);
        let advice = at(&mut guards, &lost(), false, morning);
        assert_eq!(advice, pause(Duration::from_secs(5)));
    }

    #[test]
    fn retry_after_is_obeyed_at_once() {
        let mut guards = guards();
        let busy = Outcome::Undecided {
            text: "HTTP 503".to_owned(),
            retry_after: Some(Duration::from_mins(2)),
        };
        assert_eq!(observe(&mut guards, &busy), pause(Duration::from_mins(2)));
    }

    #[test]
    fn refusals_with_one_text_count_together_until_a_message_is_accepted() {
        let mut guards = guards();
        let refused = Outcome::Rejected {
            text: "HTTP 400: no".to_owned(),
            cause: RejectionCause::Unread,
        };
        for _ in 0..3 {
            for _ in 0..19 {
                assert_eq!(observe(&mut guards, &refused), Advice::Go);
            }
            assert_eq!(observe(&mut guards, &SENT), Advice::Go);
        }
    }

    fn limited(retry_after: Option<Duration>) -> Outcome {
        Outcome::Limited {
            text: "HTTP 422: (#4) Too many".to_owned(),
            limit: "a limit",
            retry_after,
        }
    }

    /// The length of a pause at a limit.
    fn limit_pause(advice: &Advice) -> u64 {
        match advice {
            Advice::Pause(pause, Cause::Limit("a limit")) => pause.as_secs(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_limit_pauses_a_minute_then_twice_as_long_up_to_fifteen_and_ends_no_run() {
        let mut guards = guards();
        let mut pauses = vec![limit_pause(&observe(&mut guards, &limited(None)))];
        for _ in 0..100 {
            // Those that left before the pause change nothing.
            assert_eq!(observe(&mut guards, &limited(None)), Advice::Go);
            assert_eq!(observe(&mut guards, &SENT), Advice::Go);
            let probe = at(&mut guards, &limited(None), true, Duration::ZERO);
            pauses.push(limit_pause(&probe));
        }
        assert_eq!(pauses[..6], [60, 120, 240, 480, 900, 900]);
        assert_eq!(pauses.last(), Some(&900));
        assert_eq!(at(&mut guards, &SENT, true, Duration::ZERO), Advice::Go);
        assert_eq!(limit_pause(&observe(&mut guards, &limited(None))), 60);
    }

    #[test]
    fn a_limit_that_says_its_time_is_obeyed() {
        let mut guards = guards();
        for (told, pause) in [(7, 7), (0, 1)] {
            let limited = limited(Some(Duration::from_secs(told)));
            let advice = at(&mut guards, &limited, true, Duration::ZERO);
            assert_eq!(limit_pause(&advice), pause);
        }
    }

    #[test]
    fn the_first_refusal_of_the_channel_stops_the_batch() {
        let channel = Outcome::Fatal {
            kind: FatalKind::Channel {
                what: "no",
                todo: "mend",
            },
            text: "HTTP 422: (#10) No".to_owned(),
        };
        let advice = observe(&mut guards(), &channel);
        let Advice::Stop(halt) = advice else {
            panic!("{advice:?}");
        };
        assert_eq!(halt.to_string(), "no: HTTP 422: (#10) No");
    }

    #[test]
    fn what_is_to_be_tried_later_pauses_all_if_it_comes_in_a_row() {
        let mut guards = guards();
        let later = Outcome::Later {
            text: "HTTP 422: later".to_owned(),
        };
        assert_eq!(observe(&mut guards, &later), Advice::Go);
        assert_eq!(observe(&mut guards, &later), Advice::Go);
        assert_eq!(observe(&mut guards, &later), pause(Duration::from_secs(5)));
    }

    /// Lost answers from then on until the batch is stopped, those after the first pause alone: the pauses, and for how
    /// long the outage is said to have lasted.
    fn outage(guards: &mut Guards, from: Duration) -> (Vec<Duration>, Duration) {
        for _ in 0..2 {
            assert_eq!(at(guards, &lost(), false, from), Advice::Go);
        }
        let (mut pauses, mut now) = (Vec::new(), from);
        loop {
            match at(guards, &lost(), !pauses.is_empty(), now) {
                Advice::Pause(pause, Cause::NoAnswer) => {
                    pauses.push(pause);
                    now += pause;
                }
                Advice::Stop(Halt::Outage { elapsed, .. }) => return (pauses, elapsed),
                other => panic!("{other:?}"),
            }
        }
    }

    /// A run of days has many short outages: together they are none that lasts too long.
    #[test]
    fn whatever_is_answered_ends_an_outage_and_the_next_one_begins_anew() {
        let (wanted, _) = outage(&mut guards(), Duration::ZERO);
        assert_eq!(wanted[..4], [5, 10, 20, 40].map(Duration::from_secs));
        let text = || "HTTP 422: no".to_owned();
        let answers = [
            SENT,
            Outcome::NoMessenger {
                text: text(),
                known: KnownBy::Table,
            },
            Outcome::Rejected {
                text: text(),
                cause: RejectionCause::Person("blocked"),
            },
            Outcome::ContactGone { text: text() },
            Outcome::Throttled { retry_after: None },
            limited(None),
        ];
        for answer in answers {
            let mut guards = guards();
            for _ in 0..2 {
                observe(&mut guards, &lost());
            }
            for _ in 0..8 {
                at(&mut guards, &lost(), true, Duration::ZERO);
            }
            at(&mut guards, &answer, true, Duration::from_mins(2));
            let (pauses, elapsed) = outage(&mut guards, Duration::from_hours(10));
            assert_eq!(pauses, wanted, "{answer:?}");
            assert_eq!(elapsed, wanted.iter().sum(), "{answer:?}");
        }
    }

    #[test]
    fn nobody_follows_a_canary_without_an_answer() {
        let advice = at(&mut guards(), &lost(), true, Duration::ZERO);
        assert_eq!(advice, pause(Duration::from_secs(5)));
    }

    #[test]
    fn a_refused_channel_leaves_the_others_and_a_refused_token_leaves_none() {
        let channel = FatalKind::Channel {
            what: "no",
            todo: "mend",
        };
        let kinds = [
            (channel, true),
            (FatalKind::NotFound, true),
            (FatalKind::Unauthorized, false),
            (FatalKind::Forbidden, false),
            (FatalKind::Proxy, false),
            (FatalKind::MethodNotAllowed, false),
            (FatalKind::Redirected, false),
        ];
        for (kind, is_of_channel) in kinds {
            let past = || PastAnswers::default();
            let mut guards = Guards::new(GuardSettings::default(), vec![past(), past()]);
            let text = "HTTP 4xx".to_owned();
            let halt = Halt::Fatal {
                kind,
                text: text.clone(),
            };
            let fatal = Outcome::Fatal { kind, text };
            let mut on = |step| {
                let whose = (RecipientId::new(BatchId::for_tests(1), 1), step);
                guards.observe(whose, &fatal, false, Duration::ZERO, Jitter::FULL)
            };
            let stop = Advice::Stop(halt.clone());
            if is_of_channel {
                assert_eq!(on(Step::FIRST), Advice::LeaveChannel, "{kind:?}");
                assert_eq!(
                    on(Step::FIRST),
                    Advice::LeaveChannel,
                    "{kind:?}: a straggler"
                );
                assert_eq!(on(Step::new(1)), stop, "{kind:?}: the last one");
            } else {
                assert_eq!(on(Step::FIRST), stop, "{kind:?}");
            }
            assert_eq!(guards.refused_channel(), Some(halt));
        }
    }

    #[test]
    fn what_earlier_runs_led_to_stops_whichever_channel_it_is_of_and_is_taken_back() {
        let row = |seq| RecipientId::new(BatchId::for_tests(1), seq);
        let latest = (1..4).map(|seq| RecentAnswer {
            recipient: row(seq),
            outcome: Outcome::Rejected {
                text: "HTTP 422: no".to_owned(),
                cause: RejectionCause::Message("no good"),
            },
            row: RecentRow::Ended,
        });
        let refused = PastAnswers {
            accepted: 40,
            refused: 3,
            latest: latest.collect(),
            ..PastAnswers::default()
        };
        for past in [vec![refused.clone()], vec![PastAnswers::default(), refused]] {
            let mut guards = Guards::new(GuardSettings::default(), past);
            let halt = guards.standing();
            assert!(
                matches!(halt, Some(Halt::Message { count: 3, .. })),
                "{halt:?}"
            );
            let back = TakenBack {
                rows: vec![row(1), row(2), row(3)],
                hold: false,
            };
            assert_eq!(guards.take_back(), Some(back));
            assert_eq!(guards.take_back(), None);
        }
    }
}
