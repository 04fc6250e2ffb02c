//! The guards: stop before harm. Pure: outcomes in, decisions out.
//!
//! - A fatal answer (401, 403, ...) stops the batch.
//! - Until the first message of a batch was accepted, refusals that all read the same stop it: a
//!   broken template or a channel without permission must not burn the list. The texts that are
//!   known to mean "no Messenger" are exempt. Later, an unbroken run of identical refusals that do
//!   not mean "no Messenger" stops it as well.
//! - Several lost answers or failed connections in a row are an outage: everything pauses with a
//!   growing delay, then one recipient probes. An outage that outlasts its bounds stops the batch.
//! - A clock that is wrong would let the guards against repeated messages count wrongly, in this run and in later
//!   ones: the first answer that names the server's time is compared with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::outcome::{FatalKind, Outcome, canonical_text};
use crate::domain::retry::{Jitter, RetryPolicy};

/// As many different refusal texts as are counted; a list with more of them is no uniform refusal.
const TEXTS: usize = 256;

/// The clock of this machine may differ by so much from the API's.
const CLOCKS_DIFFER: Duration = Duration::from_mins(5);

/// When to stop and when to pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardSettings {
    /// So many identical refusals stop the batch; 0 turns the guard off.
    pub identical_refusals: u32,
    /// So many lost answers or failed connections in a row pause it.
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

/// Why the guards stopped a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// The API refuses everything.
    Fatal {
        /// Why.
        kind: FatalKind,
        /// Its text.
        text: String,
    },
    /// Refusals that all read the same.
    IdenticalRefusals {
        /// The text, digits replaced.
        text: String,
        /// How many.
        count: u32,
        /// True if they were taken for "no Messenger".
        no_messenger: bool,
    },
    /// The API cannot be reached, or does not answer.
    Outage {
        /// Tries in a row.
        tries: u32,
        /// Since the first of them.
        elapsed: Duration,
        /// The last failure.
        text: String,
    },
    /// The clock of this machine and the API's differ.
    WrongClock {
        /// The time here.
        ours: Timestamp,
        /// The time by the API's answer.
        theirs: Timestamp,
    },
    /// The reserve is as large as the quota: nothing could ever be sent.
    Reserve {
        /// Requests that a window allows.
        limit: u64,
    },
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fatal { kind, text } => write!(f, "{kind}: {text}"),
            Self::IdenticalRefusals { text, count, .. } => {
                write!(
                    f,
                    "{count} recipients were refused with the same text, and none was accepted meanwhile: {text}"
                )
            }
            Self::Outage {
                tries,
                elapsed,
                text,
            } => write!(
                f,
                "no usable answer in {tries} tries over {} s: {text}",
                elapsed.as_secs()
            ),
            Self::WrongClock { ours, theirs } => write!(
                f,
                "this machine's clock says {}, the API's says {}",
                ours.strftime("%Y-%m-%d %H:%M:%S UTC"),
                theirs.strftime("%Y-%m-%d %H:%M:%S UTC")
            ),
            Self::Reserve { limit } => write!(
                f,
                "the reserve leaves nothing of the quota of {limit} requests in a window"
            ),
        }
    }
}

/// What to do after an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Go on.
    Go,
    /// Nothing starts for so long, then one recipient probes.
    Pause(Duration),
    /// Stop the batch.
    Stop(Halt),
}

/// The guards of one run.
#[derive(Debug)]
pub struct Guards {
    settings: GuardSettings,
    any_sent: bool,
    known: BTreeSet<String>,
    /// Refusals by text, before the first accepted message: how many, and whether they were taken for
    /// "no Messenger".
    refusals: BTreeMap<String, (u32, bool)>,
    /// The last text in an unbroken run of rejections, and its length.
    run: Option<(String, u32)>,
    /// Texts taken for "no Messenger" that are not known to mean it yet.
    seen: BTreeSet<String>,
    failures: u32,
    pauses: u32,
    /// How long the pauses were together.
    waited: Duration,
    failing_since: Option<Duration>,
    /// The clock was compared with the server's, or need not be.
    clock_is_known: bool,
}

impl Guards {
    /// Guards for a run of a batch in which `any_sent` stands for earlier runs, with the texts that are
    /// `known` to mean "no Messenger".
    pub fn new(settings: GuardSettings, any_sent: bool, known: BTreeSet<String>) -> Self {
        Self {
            clock_is_known: settings.trust_clock,
            settings,
            any_sent,
            known,
            refusals: BTreeMap::new(),
            run: None,
            seen: BTreeSet::new(),
            failures: 0,
            pauses: 0,
            waited: Duration::ZERO,
            failing_since: None,
        }
    }

    /// Refusals of earlier runs of the batch, by text (digits replaced): a run that was killed does not
    /// begin to count anew. Nothing counts once a message was accepted.
    #[must_use]
    pub(crate) fn after(
        mut self,
        refusals: impl IntoIterator<Item = (String, u64)>,
        no_messenger: bool,
    ) -> Self {
        if !self.any_sent {
            for (text, more) in refusals.into_iter().take(TEXTS) {
                let more = u32::try_from(more).unwrap_or(u32::MAX);
                let (count, _) = self.refusals.entry(text).or_insert((0, no_messenger));
                *count = count.saturating_add(more);
            }
        }
        self
    }

    /// The halt that earlier runs have led to already, where the last of them died before it recorded it.
    pub(crate) fn standing(&self) -> Option<Halt> {
        let limit = self.settings.identical_refusals;
        if limit == 0 {
            return None;
        }
        let (text, (count, no_messenger)) = self
            .refusals
            .iter()
            .find(|(text, (count, _))| *count >= limit && !self.known.contains(*text))?;
        Some(Halt::IdenticalRefusals {
            text: text.clone(),
            count: *count,
            no_messenger: *no_messenger,
        })
    }

    /// Takes an outcome at `now` (monotonic). `probe`: it was the only request under way.
    pub(crate) fn observe(
        &mut self,
        outcome: &Outcome,
        probe: bool,
        now: Duration,
        jitter: Jitter,
    ) -> Advice {
        match outcome {
            Outcome::Sent(_) => {
                self.recovered();
                self.any_sent = true;
                self.run = None;
                self.refusals.clear();
                Advice::Go
            }
            Outcome::NoMessenger { text } => {
                self.recovered();
                self.run = None;
                let text = canonical_text(text);
                if self.known.contains(&text) {
                    return Advice::Go;
                }
                if self.seen.len() < TEXTS {
                    self.seen.insert(text.clone());
                }
                self.refused(text, true)
            }
            Outcome::Rejected { text } => {
                self.recovered();
                let text = canonical_text(text);
                match self.rejected_again(&text) {
                    Some(halt) => Advice::Stop(halt),
                    None => self.refused(text, false),
                }
            }
            Outcome::Throttled { .. } => {
                self.recovered();
                Advice::Go
            }
            Outcome::NotSent { text } => self.failed(text, None, probe, now, jitter),
            Outcome::Undecided { text, retry_after } => {
                self.failed(text, *retry_after, probe, now, jitter)
            }
            Outcome::Fatal { kind, text } => Advice::Stop(Halt::Fatal {
                kind: *kind,
                text: text.clone(),
            }),
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

    /// The texts that stood beside an accepted message since the last call: they are known now to
    /// mean "no Messenger", and are to be remembered.
    pub(crate) fn learned(&mut self) -> BTreeSet<String> {
        if !self.any_sent || self.seen.is_empty() {
            return BTreeSet::new();
        }
        let learned = std::mem::take(&mut self.seen);
        self.known.extend(learned.iter().cloned());
        learned
    }

    fn recovered(&mut self) {
        self.failures = 0;
        self.pauses = 0;
        self.waited = Duration::ZERO;
        self.failing_since = None;
    }

    fn refused(&mut self, text: String, no_messenger: bool) -> Advice {
        let limit = self.settings.identical_refusals;
        if self.any_sent || limit == 0 {
            return Advice::Go;
        }
        if self.refusals.len() >= TEXTS && !self.refusals.contains_key(&text) {
            return Advice::Go;
        }
        let (count, _) = self
            .refusals
            .entry(text.clone())
            .or_insert((0, no_messenger));
        *count += 1;
        if *count < limit {
            return Advice::Go;
        }
        Advice::Stop(Halt::IdenticalRefusals {
            text,
            count: *count,
            no_messenger,
        })
    }

    /// An unbroken run of rejections stops the batch even after messages were accepted.
    fn rejected_again(&mut self, text: &str) -> Option<Halt> {
        let count = match &self.run {
            Some((last, count)) if last == text => count + 1,
            Some(_) | None => 1,
        };
        self.run = Some((text.to_owned(), count));
        let limit = self.settings.identical_refusals;
        (limit > 0 && count >= limit).then(|| Halt::IdenticalRefusals {
            text: text.to_owned(),
            count,
            no_messenger: false,
        })
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
        Advice::Pause(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::Receipt;

    fn guards(any_sent: bool) -> Guards {
        Guards::new(GuardSettings::default(), any_sent, BTreeSet::new())
    }

    fn observe(guards: &mut Guards, outcome: &Outcome) -> Advice {
        guards.observe(outcome, false, Duration::ZERO, Jitter::FULL)
    }

    fn no_match(text: &str) -> Outcome {
        Outcome::NoMessenger {
            text: text.to_owned(),
        }
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
    fn twenty_identical_refusals_before_the_first_success_stop_the_batch() {
        let mut guards = guards(false);
        for number in 1..20 {
            let refusal = no_match(&format!("HTTP 422: nobody at +42077712345{number}"));
            assert_eq!(observe(&mut guards, &refusal), Advice::Go);
        }
        let advice = observe(&mut guards, &no_match("HTTP 422: nobody at +1"));
        let text = "HTTP 422: nobody at +#".to_owned();
        assert_eq!(
            advice,
            Advice::Stop(Halt::IdenticalRefusals {
                text,
                count: 20,
                no_messenger: true
            })
        );
    }

    #[test]
    fn refusals_beside_a_success_do_not_stop_and_their_text_is_remembered() {
        let mut guards = guards(false);
        observe(&mut guards, &no_match("HTTP 422: none"));
        assert!(guards.learned().is_empty());
        observe(&mut guards, &SENT);
        assert_eq!(guards.learned().len(), 1);
        for _ in 0..1000 {
            assert_eq!(
                observe(&mut guards, &no_match("HTTP 422: none")),
                Advice::Go
            );
        }
        assert!(guards.learned().is_empty(), "told once only");
    }

    #[test]
    fn a_known_text_never_stops_a_batch() {
        let known = BTreeSet::from(["HTTP 422: none".to_owned()]);
        let mut guards = Guards::new(GuardSettings::default(), false, known);
        for _ in 0..1000 {
            assert_eq!(
                observe(&mut guards, &no_match("HTTP 422: none")),
                Advice::Go
            );
        }
    }

    #[test]
    fn refusals_of_earlier_runs_count_until_a_message_was_accepted_or_their_text_is_known() {
        let text = || "HTTP 422: none".to_owned();
        let mut halted = guards(false).after([(text(), 19)], true);
        assert_eq!(halted.standing(), None);
        let advice = observe(&mut halted, &no_match("HTTP 422: none"));
        assert!(matches!(advice, Advice::Stop(_)), "{advice:?}");
        assert!(halted.standing().is_some());
        assert!(
            guards(false)
                .after([(text(), 20)], true)
                .standing()
                .is_some()
        );
        assert_eq!(guards(true).after([(text(), 20)], true).standing(), None);
        let known = BTreeSet::from([text()]);
        let confirmed = Guards::new(GuardSettings::default(), false, known);
        assert_eq!(confirmed.after([(text(), 20)], true).standing(), None);
    }

    #[test]
    fn a_run_of_identical_rejections_stops_even_after_successes() {
        let mut guards = guards(true);
        let rejected = Outcome::Rejected {
            text: "HTTP 404".to_owned(),
        };
        let advice: Vec<_> = (0..20).map(|_| observe(&mut guards, &rejected)).collect();
        assert!(advice[..19].iter().all(|advice| *advice == Advice::Go));
        let Advice::Stop(halt @ Halt::IdenticalRefusals { .. }) = &advice[19] else {
            panic!("{:?}", advice[19]);
        };
        // Others were accepted before.
        assert_eq!(
            halt.to_string(),
            "20 recipients were refused with the same text, and none was accepted meanwhile: HTTP #"
        );
    }

    #[test]
    fn three_lost_answers_in_a_row_pause_and_failed_probes_pause_longer() {
        let mut guards = guards(true);
        assert_eq!(observe(&mut guards, &lost()), Advice::Go);
        assert_eq!(observe(&mut guards, &lost()), Advice::Go);
        assert_eq!(
            observe(&mut guards, &lost()),
            Advice::Pause(Duration::from_secs(5))
        );
        assert_eq!(observe(&mut guards, &lost()), Advice::Go, "a straggler");
        let probe = guards.observe(&lost(), true, Duration::from_secs(6), Jitter::FULL);
        assert_eq!(probe, Advice::Pause(Duration::from_secs(10)));
        observe(&mut guards, &SENT);
        assert_eq!(observe(&mut guards, &lost()), Advice::Go, "begins anew");
    }

    #[test]
    fn an_outage_is_given_up_after_an_hour_of_pauses() {
        let mut guards = guards(true);
        let mut now = Duration::ZERO;
        for _ in 0..2 {
            observe(&mut guards, &lost());
        }
        let halt = loop {
            match guards.observe(&lost(), true, now, Jitter::FULL) {
                Advice::Pause(pause) => now += pause,
                Advice::Stop(halt) => break halt,
                Advice::Go => panic!("a probe failed"),
            }
        };
        assert!(now >= Duration::from_hours(1) && now < Duration::from_mins(65));
        assert!(matches!(halt, Halt::Outage { elapsed, .. } if elapsed == now));
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
            let halt = guards(false).compare_clocks(ours, theirs);
            assert_eq!(halt, stops.then_some(Halt::WrongClock { ours, theirs }));
        }
        let later = Timestamp::MAX;
        let settings = GuardSettings {
            trust_clock: true,
            ..GuardSettings::default()
        };
        let mut trusting = Guards::new(settings, false, BTreeSet::new());
        assert_eq!(trusting.compare_clocks(later, theirs), None);
        let mut asked = guards(false);
        assert_eq!(asked.compare_clocks(theirs, theirs), None);
        assert_eq!(asked.compare_clocks(later, theirs), None, "once in a run");
    }

    #[test]
    fn a_night_between_two_failures_is_no_outage() {
        let mut guards = guards(true);
        for _ in 0..2 {
            observe(&mut guards, &lost());
        }
        let morning = Duration::from_hours(13);
        let advice = guards.observe(&lost(), false, morning, Jitter::FULL);
        assert_eq!(advice, Advice::Pause(Duration::from_secs(5)));
    }

    #[test]
    fn retry_after_is_obeyed_at_once() {
        let mut guards = guards(true);
        let busy = Outcome::Undecided {
            text: "HTTP 503".to_owned(),
            retry_after: Some(Duration::from_mins(2)),
        };
        assert_eq!(
            observe(&mut guards, &busy),
            Advice::Pause(Duration::from_mins(2))
        );
    }
}
