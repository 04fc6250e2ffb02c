//! A run on a terminal: the words beside the progress bar, and the signals that stop it.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use super::console::Console;
use super::process::signal;
use crate::clock::{between, later};
use crate::dispatch::pacer::core::{FALLBACK_RATE, PacerView, Source, Why};
use crate::dispatch::{Cause, Outage};
use crate::report::{ProgressLine, without_numbers};
use crate::run::{Observer, RunProgress, Started, StopHandle};

/// A wait for the pace that is worth a word; shorter ones come between any two requests.
const LONG_WAIT: Duration = Duration::from_secs(5);

/// A wait that is told on every kind of output.
const TOLD_WAIT: Duration = Duration::from_mins(1);

/// Until when a wait lasts that is told, and what is waited for.
fn long_wait(
    pacer: &PacerView,
    outage: Option<&Outage>,
    now: Timestamp,
) -> Option<(Timestamp, String)> {
    if let Some(outage) = outage {
        let until = later(now, outage.pause);
        let why = format!("for the API ({})", without_numbers(&outage.failure));
        return (outage.pause >= TOLD_WAIT).then_some((until, why));
    }
    let (until, why) = (pacer.sleeping_until?, pacer.why?);
    let why = match why {
        Why::Quota => "for the quota",
        Why::Throttled => "because the API put us off (429)",
        Why::Rate => "for the rate",
        Why::Even => "to spread the quota evenly",
        Why::Probing | Why::Connections | Why::ReserveTakesAll => return None,
    };
    (between(now, until) >= TOLD_WAIT).then(|| (until, why.to_owned()))
}

/// Shows a run, and stops it at a signal.
pub(super) struct Terminal {
    console: Console,
    resolve: String,
    stop: StopHandle,
    grace: Duration,
    line: ProgressLine,
    said_fallback: bool,
    /// Until when the wait lasts that was told last.
    said_wait: Option<Timestamp>,
}

impl Terminal {
    /// `resolve` is the command that settles what an earlier run left unknown.
    pub(super) fn new(
        console: Console,
        resolve: String,
        stop: StopHandle,
        grace: Duration,
    ) -> Self {
        Self {
            console,
            resolve,
            stop,
            grace,
            line: ProgressLine::new(0, console.is_quiet()),
            said_fallback: false,
            said_wait: None,
        }
    }

    /// Whether the API reported no quota, so that the pace was assumed.
    pub(super) fn pace_is_assumed(&self) -> bool {
        self.said_fallback
    }

    /// A wait of more than a minute, told once.
    fn wait_notice(&mut self, progress: &RunProgress) -> Option<String> {
        let now = progress.at.wall;
        let (until, why) = long_wait(&progress.pace, progress.outage.as_ref(), now)?;
        // The same wait, as far as its end is known.
        let told = self.said_wait;
        if told.is_some_and(|told| between(told, until) < TOLD_WAIT) {
            return None;
        }
        self.said_wait = Some(until);
        let zone = jiff::tz::TimeZone::system();
        let at = until.to_zoned(zone).strftime("%H:%M").to_string();
        Some(format!("Waiting {why} until {at}."))
    }

    /// Says it above the progress bar, where there is one.
    fn tell(&self, text: &str) {
        if !self.line.above(text) {
            self.console.say(text);
        }
    }

    /// Takes the progress bar away.
    pub(super) fn clear(&self) {
        self.line.clear();
    }

    /// The notice, given once, that the API reports no quota and the pace is assumed.
    fn quota_notice(&mut self, pacer: &PacerView) -> Option<String> {
        if self.said_fallback || pacer.source != Source::Fallback {
            return None;
        }
        self.said_fallback = true;
        Some(format!(
            "The API reports no quota: sending at {FALLBACK_RATE}, as the smallest plan allows. \
             --rate sets another pace."
        ))
    }
}

impl Observer for Terminal {
    fn started(&mut self, start: &Started) {
        say_interrupted(self.console, &self.resolve, start.interrupted);
        self.line = ProgressLine::new(start.queued, self.console.is_quiet());
        // From here on a signal does not end the process any more.
        tokio::spawn(heed_signals(self.stop.clone(), self.console, self.grace));
    }

    fn progress(&mut self, progress: &RunProgress) {
        if let Some(told) = self.quota_notice(&progress.pace) {
            self.tell(&told);
        }
        if let Some(told) = self.wait_notice(progress) {
            self.tell(&told);
        }
        let (settled, text) = (progress.done.settled(), text(progress));
        if let Some(text) = self.line.show(settled, &text, progress.at.mono) {
            self.console.say(text);
        }
    }

    fn unread_refusal(&mut self, text: &str) {
        self.tell(&format!(
            "Nobody knows what this refusal means: \"{text}\". For now it is taken as the API documents its status; \
             too many in a row stop the batch. What it means can be said: --refusal MEANING=TEXT."
        ));
    }
}

/// One line: what is done, how fast, what is left of the quota, what is being waited for, and when it will be
/// done.
fn text(progress: &RunProgress) -> String {
    let done = &progress.done;
    // Writing to a String cannot fail.
    let mut text = format!("sent {}", done.sent);
    for (count, word) in [
        (done.no_messenger, "no Messenger"),
        (done.error, "error"),
        (done.unknown, "unknown"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {word} {count}");
        }
    }
    if let Some(rate) = progress.rate.filter(|rate| *rate > 0.0) {
        let _ = write!(text, ", {}", a_rate(rate));
    }
    if let Some(left) = progress.pace.left {
        let _ = write!(text, ", quota left {left}");
    }
    let outage = progress.outage.as_ref();
    text.push_str(&waits(&progress.pace, outage, progress.at.wall));
    if let Some(forecast) = &progress.forecast {
        let _ = write!(text, ", {forecast}");
    }
    text
}

/// A rate in the unit that reads best.
fn a_rate(per_second: f64) -> String {
    if per_second >= 10.0 {
        format!("{per_second:.0}/s")
    } else if per_second >= 1.0 {
        format!("{per_second:.1}/s")
    } else {
        format!("{:.0}/min", per_second * 60.0)
    }
}

/// What is being waited for, if anything.
pub(super) fn waits(pacer: &PacerView, outage: Option<&Outage>, now: Timestamp) -> String {
    if let Some(outage) = outage {
        return match outage.cause {
            Cause::NoAnswer => format!(
                ", no answers ({}): next try in {} s",
                without_numbers(&outage.failure),
                outage.pause.as_secs() + 1
            ),
            Cause::Limit(limit) => {
                let at = now.checked_add(outage.pause).unwrap_or(now);
                let at = at.to_zoned(jiff::tz::TimeZone::system());
                format!(", {limit}, next try {}", at.strftime("%H:%M"))
            }
        };
    }
    let Some(why) = pacer.why else {
        return String::new();
    };
    let until = pacer.sleeping_until;
    let is_long = until.is_some_and(|until| between(now, until) >= LONG_WAIT);
    let zone = jiff::tz::TimeZone::system();
    let at = until.map(|until| until.to_zoned(zone).strftime("%H:%M:%S").to_string());
    match (why, at) {
        (Why::Quota, Some(at)) => format!(", quota used: waiting until {at}"),
        (Why::Throttled, Some(at)) => {
            format!(", put off by the API (429): waiting until {at}")
        }
        (Why::Rate, Some(at)) if is_long => format!(", by the rate the next one at {at}"),
        (Why::Even, Some(at)) if is_long => format!(", spread evenly: the next one at {at}"),
        (Why::ReserveTakesAll, _) => ", the reserve leaves nothing of the quota".to_owned(),
        // The answer of a request under way is all that is waited for.
        (
            Why::Quota | Why::Throttled | Why::Rate | Why::Even | Why::Probing | Why::Connections,
            _,
        ) => String::new(),
    }
}

/// First signal: stop claiming, let what is in flight finish. Second signal: stop at once.
async fn heed_signals(stop: StopHandle, console: Console, grace: Duration) {
    signal().await;
    console.warn_lines(format_args!(
        "\nStopping: what is under way may finish (up to {} s). Once more to stop at once.",
        grace.as_secs()
    ));
    stop.finish();
    signal().await;
    stop.at_once();
}

/// Says which recipients an earlier run left under way, and the command that settles them.
pub(super) fn say_interrupted(console: Console, resolve: &str, interrupted: u64) {
    if interrupted > 0 {
        console.warn(format_args!(
            "{interrupted} recipients were under way when an earlier run ended: their outcome is \
             unknown, and they are not sent again. `{resolve}` settles them."
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::dispatch::ProgressView;

    fn pacer(source: Source, why: Option<Why>) -> PacerView {
        PacerView {
            source,
            limit: None,
            left: None,
            reset_at: None,
            in_flight: 0,
            concurrency: 3,
            started_in_period: 0,
            sleeping_until: why.map(|_| Timestamp::UNIX_EPOCH),
            why,
        }
    }

    #[test]
    fn our_own_guess_of_the_pace_is_said_once() {
        let console = Console::new(true);
        let mut terminal = Terminal::new(
            console,
            String::new(),
            StopHandle::default(),
            Duration::ZERO,
        );
        assert_eq!(terminal.quota_notice(&pacer(Source::Unknown, None)), None);
        assert_eq!(terminal.quota_notice(&pacer(Source::UserRate, None)), None);
        let told = terminal
            .quota_notice(&pacer(Source::Fallback, None))
            .unwrap();
        assert!(told.contains("1000/h"), "{told}");
        assert_eq!(terminal.quota_notice(&pacer(Source::Fallback, None)), None);
    }

    #[test]
    fn a_wait_of_more_than_a_minute_is_told_once() {
        let mut terminal = Terminal::new(
            Console::new(true),
            String::new(),
            StopHandle::default(),
            Duration::ZERO,
        );
        let mut told = |minutes: i64, why| {
            let at = Moment {
                mono: Duration::ZERO,
                wall: Timestamp::UNIX_EPOCH - jiff::SignedDuration::from_secs(minutes * 60),
            };
            terminal.wait_notice(&RunProgress {
                at,
                queued: 1000,
                done: ProgressView::default(),
                pace: pacer(Source::Headers, Some(why)),
                outage: None,
                rate: None,
                forecast: None,
            })
        };
        assert_eq!(told(0, Why::Quota), None, "a short one");
        let first = told(30, Why::Quota).unwrap();
        assert!(first.starts_with("Waiting for the quota until "), "{first}");
        assert_eq!(told(29, Why::Quota), None);
        assert_eq!(told(2, Why::Quota), None);
    }

    #[test]
    fn every_long_wait_has_a_reason() {
        let begin = Timestamp::UNIX_EPOCH - jiff::SignedDuration::from_mins(12);
        for (why, word) in [
            (Why::Quota, "quota"),
            (Why::Throttled, "429"),
            (Why::Rate, "rate"),
            (Why::Even, "evenly"),
            (Why::ReserveTakesAll, "reserve"),
        ] {
            let told = waits(&pacer(Source::UserRate, Some(why)), None, begin);
            assert!(told.contains(word), "{why:?}: {told:?}");
        }
        let short = waits(
            &pacer(Source::UserRate, Some(Why::Rate)),
            None,
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(short, "", "between any two requests");
        let endless = PacerView {
            sleeping_until: None,
            ..pacer(Source::Headers, Some(Why::ReserveTakesAll))
        };
        assert!(waits(&endless, None, begin).contains("reserve"));
    }

    #[test]
    fn the_line_says_how_fast_and_what_is_waited_for() {
        let progress = RunProgress {
            at: Moment {
                mono: Duration::ZERO,
                wall: Timestamp::UNIX_EPOCH,
            },
            queued: 1000,
            done: ProgressView::default(),
            pace: pacer(Source::Headers, Some(Why::Quota)),
            outage: None,
            rate: Some(2.0),
            forecast: None,
        };
        let text = text(&progress);
        assert!(
            text.starts_with("sent 0, 2.0/s, quota used: waiting until "),
            "{text}"
        );
    }
}
