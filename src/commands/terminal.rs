//! A run on a terminal: the words beside the progress bar, and the signals that stop it.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use super::console::Console;
use super::process::signal;
use crate::clock::{Clock, between};
use crate::report::{ProgressLine, ProgressMode, plural, without_numbers};
use crate::run::{
    FALLBACK_RATE, Observer, PaceSource, PacerView, RunProgress, Started, StopHandle, Wait,
    WaitFor, Why,
};

/// A wait for the pace that is reported; shorter ones come between any two requests.
const LONG_WAIT: Duration = Duration::from_secs(5);

/// The requests that a rehearsal grants where it is to have no quota.
const NO_QUOTA: u64 = u32::MAX as u64 / 2;

/// Shows a run, and stops it at a signal.
pub(super) struct Terminal {
    console: Console,
    resolve: String,
    stop: StopHandle,
    grace: Duration,
    line: ProgressLine,
    style: ProgressMode,
    batch: String,
    /// Where the run stood last.
    last: Option<RunProgress>,
    said_fallback: bool,
    /// The end of the wait that was reported last.
    said_wait: Option<Wait>,
}

impl Terminal {
    /// `resolve` is the command that settles what an earlier run left unknown.
    pub(super) fn new(
        console: Console,
        resolve: String,
        stop: StopHandle,
        grace: Duration,
        style: ProgressMode,
    ) -> Self {
        Self {
            console,
            style,
            batch: String::new(),
            last: None,
            resolve,
            stop,
            grace,
            line: ProgressLine::new(0, style, console.is_quiet()),
            said_fallback: false,
            said_wait: None,
        }
    }

    /// Whether the API reported no quota, so that the pace was assumed.
    pub(super) fn pace_is_assumed(&self) -> bool {
        self.said_fallback
    }

    /// A wait of more than a minute, reported once.
    fn wait_notice(&mut self, progress: &RunProgress) -> Option<String> {
        let wait = progress.wait.as_ref()?;
        // The same wait, as far as its end is known.
        let is_told = self.said_wait.as_ref().is_some_and(|it| it.is_same(wait));
        if is_told || !wait.is_long(progress.at.wall) {
            return None;
        }
        self.said_wait = Some(wait.clone());
        let at = wait.until.to_zoned(jiff::tz::TimeZone::system());
        let what = without_numbers(&wait.what.to_string());
        Some(format!("Waiting {what} until {}.", at.strftime("%H:%M %Z")))
    }

    /// Says it above the progress bar, where there is one.
    fn print(&self, text: &str) {
        if !self.line.above(text) {
            self.console.say(text);
        }
    }

    /// Takes the progress bar away; where there is none, the last line says how far the run came.
    pub(super) fn end(&self) {
        self.line.clear();
        if let Some(last) = &self.last
            && self.line.ends_with_line(last.done.settled())
        {
            self.say_progress(last);
        }
    }

    /// A line of progress, where no terminal shows a bar.
    fn say_progress(&self, progress: &RunProgress) {
        if self.style == ProgressMode::Json {
            self.console.say_lines(as_json(&self.batch, progress));
        } else {
            let settled = progress.done.settled();
            self.console.say(self.line.line(settled, &text(progress)));
        }
    }

    /// The notice, given once, that the API reports no quota and the pace is assumed.
    fn quota_notice(&mut self, pacer: &PacerView) -> Option<String> {
        if self.said_fallback || pacer.source != PaceSource::Fallback {
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
        self.line = ProgressLine::new(start.queued, self.style, self.console.is_quiet());
        self.batch.clone_from(&start.batch);
        // From here on a signal does not end the process any more.
        tokio::spawn(handle_signals(self.stop.clone(), self.console, self.grace));
    }

    fn progress(&mut self, progress: &RunProgress) {
        if let Some(notice) = self.quota_notice(&progress.pace) {
            self.print(&notice);
        }
        if let Some(notice) = self.wait_notice(progress) {
            self.print(&notice);
        }
        let waits = progress.wait.as_ref();
        let waits = waits.is_some_and(|wait| wait.is_long(progress.at.wall));
        let settled = progress.done.settled();
        if self
            .line
            .show(settled, &lengths(progress), waits, progress.at.mono)
        {
            self.say_progress(progress);
        }
        self.last = Some(progress.clone());
    }

    fn unread_refusal(&mut self, text: &str) {
        self.print(&format!(
            "It is not known what this refusal means: \"{text}\". For now it is taken as the API documents its status; \
             too many in a row stop the batch. To say what it means: --refusal MEANING=TEXT."
        ));
    }
}

/// Progress for programs: one line.
fn as_json(batch: &str, progress: &RunProgress) -> String {
    let done = &progress.done;
    let wait = progress
        .wait
        .as_ref()
        .filter(|it| it.is_long(progress.at.wall));
    let line = serde_json::json!({
        "type": "progress",
        "at": progress.at.wall,
        "batch": batch,
        "queued": progress.queued,
        "done": done.settled(),
        "sent": done.sent,
        "no_messenger": done.no_messenger,
        "error": done.error,
        "unknown": done.unknown,
        "requests": done.requests,
        "requests_per_second": progress.rate,
        "quota_left": progress.pace.left,
        "waits": wait.map(|it| without_numbers(&it.what.to_string())),
        "waits_until": wait.map(|it| it.until),
        "done_at": progress.forecast.as_ref().and_then(|it| it.done),
    });
    line.to_string()
}

/// The line in three lengths, for a wide terminal, a usual and a narrow one.
fn lengths(progress: &RunProgress) -> [String; 3] {
    let counts = counts(progress);
    let mut middle = counts.clone();
    if let Some(rate) = progress.rate.filter(|rate| *rate > 0.0) {
        // Writing to a String cannot fail.
        let _ = write!(middle, ", {}", a_rate(rate));
    }
    let short_wait = short_wait(progress);
    middle.push_str(&short_wait);
    let short = match (
        short_wait.trim_start_matches(", "),
        progress.done.error + progress.done.unknown,
    ) {
        ("", 0) => format!("sent {}", progress.done.sent),
        ("", failed) => format!("sent {}, failed {failed}", progress.done.sent),
        (wait, _) => wait.to_owned(),
    };
    [text(progress), middle, short]
}

/// What is waited for, in few words.
fn short_wait(progress: &RunProgress) -> String {
    let Some(wait) = progress.wait.as_ref() else {
        return String::new();
    };
    if between(progress.at.wall, wait.until) < LONG_WAIT {
        return String::new();
    }
    let what = match wait.what {
        WaitFor::Hours | WaitFor::RecipientHours => "hours",
        WaitFor::Quota => "quota",
        WaitFor::Throttled => "429",
        WaitFor::Rate => "rate",
        WaitFor::Even => "even pace",
        WaitFor::Api(_) => "no answers",
        WaitFor::Limit(_) => "limit",
        WaitFor::Later => "later",
        WaitFor::Connection(_) => "connections",
    };
    let until = wait.until.to_zoned(jiff::tz::TimeZone::system());
    format!(", waits for {} ({what})", until.strftime("%H:%M"))
}

/// How many were sent, and what else became of others.
fn counts(progress: &RunProgress) -> String {
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
    text
}

/// One line: what is done, how fast, what is left of the quota, what is being waited for, and when it will be
/// done.
fn text(progress: &RunProgress) -> String {
    // Writing to a String cannot fail.
    let mut text = counts(progress);
    if let Some(rate) = progress.rate.filter(|rate| *rate > 0.0) {
        let _ = write!(text, ", {}", a_rate(rate));
    }
    if let Some(left) = progress.pace.left.filter(|left| *left < NO_QUOTA) {
        let _ = write!(text, ", quota left {left}");
    }
    text.push_str(&waits(
        &progress.pace,
        progress.wait.as_ref(),
        progress.at.wall,
    ));
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

/// Says that something waits, why, and until when.
pub(super) fn say_waits(
    what: &'static str,
    console: Console,
    clock: &Clock,
) -> impl FnMut(&Wait) + Send {
    move |wait| {
        let text = wait_text(wait, clock.now());
        if !text.is_empty() {
            console.say(format_args!("{what}{text}"));
        }
    }
}

/// The same for programs: one line each.
pub(super) fn say_waits_as_json(
    batch: &str,
    console: Console,
    clock: &Clock,
) -> impl FnMut(&Wait) + Send {
    move |wait| {
        console.say_lines(serde_json::json!({
            "type": "wait",
            "at": clock.now(),
            "batch": batch,
            "waits": without_numbers(&wait.what.to_string()),
            "waits_until": wait.until,
        }));
    }
}

/// What is being waited for, if anything.
fn waits(pace: &PacerView, wait: Option<&Wait>, now: Timestamp) -> String {
    if pace.why == Some(Why::ReserveTakesAll) {
        return ", the reserve leaves nothing of the quota".to_owned();
    }
    wait.map_or_else(String::new, |wait| wait_text(wait, now))
}

fn wait_text(Wait { what, until }: &Wait, now: Timestamp) -> String {
    let at = |form: &str| {
        let until = until.to_zoned(jiff::tz::TimeZone::system());
        until.strftime(form).to_string()
    };
    let left = between(now, *until);
    let (minute, second) = (at("%H:%M"), at("%H:%M:%S"));
    match what {
        WaitFor::Hours => format!(", outside the sending hours: waiting until {minute}"),
        WaitFor::RecipientHours => {
            format!(", outside the recipients' sending hours: waiting until {minute}")
        }
        WaitFor::Api(failure) => format!(
            ", no answers ({}): next try in {} s",
            without_numbers(failure),
            left.as_secs() + 1
        ),
        WaitFor::Limit(limit) => format!(", {limit}, next try {minute}"),
        WaitFor::Quota => format!(", quota used: waiting until {second}"),
        WaitFor::Throttled => format!(", put off by the API (429): waiting until {second}"),
        // Between any two requests there is one of these.
        WaitFor::Rate | WaitFor::Even | WaitFor::Later if left < LONG_WAIT => String::new(),
        WaitFor::Rate => format!(", limited by the rate: the next one at {second}"),
        WaitFor::Even => format!(", spread evenly: the next one at {second}"),
        WaitFor::Later => format!(", tried again later: the next one at {second}"),
        WaitFor::Connection(_) => {
            let what = without_numbers(&what.to_string());
            format!(", waiting {what}: until {second} at the latest")
        }
    }
}

/// First signal: stop claiming, let what is in flight finish. Second signal: stop at once.
async fn handle_signals(stop: StopHandle, console: Console, grace: Duration) {
    let first = signal().await;
    console.warn_lines(format_args!(
        "\nStopping: what is under way may finish (up to {} s). Press Ctrl-C again to stop at once.",
        grace.as_secs()
    ));
    stop.finish_by(first);
    signal().await;
    stop.at_once();
}

/// Says which recipients an earlier run left under way, and the command that settles them.
pub(super) fn say_interrupted(console: Console, resolve: &str, interrupted: u64) {
    if interrupted > 0 {
        console.warn(format_args!(
            "{} under way when an earlier run ended: what became of it is unknown, and nothing of it is sent again. \
             `{resolve}` settles it.",
            plural(interrupted, "request was", "requests were")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::run::ProgressView;

    fn pacer(source: PaceSource, why: Option<Why>) -> PacerView {
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
            ProgressMode::Auto,
        );
        assert_eq!(
            terminal.quota_notice(&pacer(PaceSource::Unknown, None)),
            None
        );
        assert_eq!(
            terminal.quota_notice(&pacer(PaceSource::UserRate, None)),
            None
        );
        let told = terminal
            .quota_notice(&pacer(PaceSource::Fallback, None))
            .unwrap();
        assert!(told.contains("1000/h"), "{told}");
        assert_eq!(
            terminal.quota_notice(&pacer(PaceSource::Fallback, None)),
            None
        );
    }

    fn progress(minutes_before: i64, wait: Option<WaitFor>) -> RunProgress {
        RunProgress {
            at: Moment {
                mono: Duration::ZERO,
                wall: Timestamp::UNIX_EPOCH - jiff::SignedDuration::from_mins(minutes_before),
            },
            queued: 1000,
            done: ProgressView::default(),
            pace: pacer(PaceSource::Headers, None),
            outage: None,
            wait: wait.map(|what| Wait {
                what,
                until: Timestamp::UNIX_EPOCH,
            }),
            rate: Some(2.0),
            forecast: None,
        }
    }

    #[test]
    fn a_wait_of_more_than_a_minute_is_told_once() {
        let mut terminal = Terminal::new(
            Console::new(true),
            String::new(),
            StopHandle::default(),
            Duration::ZERO,
            ProgressMode::Auto,
        );
        let mut told = |minutes, what| terminal.wait_notice(&progress(minutes, Some(what)));
        assert_eq!(told(0, WaitFor::Quota), None, "a short one");
        let first = told(30, WaitFor::Quota).unwrap();
        assert!(first.starts_with("Waiting for the quota until "), "{first}");
        assert_eq!(told(29, WaitFor::Quota), None);
        assert_eq!(told(2, WaitFor::Quota), None);
        let hours = told(2, WaitFor::Hours).unwrap();
        assert!(hours.contains("for the sending hours"), "{hours}");
    }

    fn shown(progress: &RunProgress) -> String {
        waits(&progress.pace, progress.wait.as_ref(), progress.at.wall)
    }

    #[test]
    fn every_long_wait_has_a_reason() {
        for (what, word) in [
            (WaitFor::Hours, "sending hours"),
            (WaitFor::RecipientHours, "recipients"),
            (WaitFor::Quota, "quota"),
            (WaitFor::Throttled, "429"),
            (WaitFor::Rate, "rate"),
            (WaitFor::Even, "evenly"),
            (WaitFor::Later, "again later"),
            (
                WaitFor::Connection(vec!["spring".to_owned()]),
                "batch spring uses all",
            ),
            (WaitFor::Connection(Vec::new()), "other commands use all"),
            (WaitFor::Api("timed out".to_owned()), "timed out"),
            (WaitFor::Limit("a limit".to_owned()), "a limit"),
        ] {
            let told = shown(&progress(12, Some(what.clone())));
            assert!(told.contains(word), "{what:?}: {told:?}");
        }
        let short = shown(&progress(0, Some(WaitFor::Rate)));
        assert_eq!(short, "", "between any two requests");
        let mut endless = progress(12, None);
        endless.pace.why = Some(Why::ReserveTakesAll);
        assert!(shown(&endless).contains("reserve"));
    }

    #[test]
    fn the_line_has_three_lengths_and_the_shortest_fits_forty_columns() {
        let [long, middle, short] = lengths(&progress(12, Some(WaitFor::Quota)));
        assert!(long.len() > middle.len() && middle.len() > short.len());
        assert!(
            short.starts_with("waits for ") && short.ends_with("(quota)"),
            "{short}"
        );
        assert!(short.len() <= 26, "{short}");
        let [.., short] = lengths(&progress(12, None));
        assert_eq!(short, "sent 0");
    }

    #[test]
    fn progress_for_programs_is_one_object_a_line() {
        let line = as_json("spring", &progress(12, Some(WaitFor::Quota)));
        assert_eq!(line.lines().count(), 1);
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["batch"], "spring");
        assert_eq!(json["waits"], "for the quota");
        assert_eq!(json["queued"], 1000);
    }

    #[test]
    fn the_line_says_how_fast_and_what_is_waited_for() {
        let text = text(&progress(12, Some(WaitFor::Quota)));
        assert!(
            text.starts_with("sent 0, 2.0/s, quota used: waiting until "),
            "{text}"
        );
    }
}
