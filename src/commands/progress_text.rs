//! The words beside the progress bar.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::preview;
use super::run::Run;
use crate::clock::Moment;
use crate::dispatch::pacer::core::{FALLBACK_RATE, PacerView, Source, Why};
use crate::dispatch::{Outage, ProgressView};
use crate::domain::quota::QuotaState;
use crate::report::without_numbers;

/// The rate shown is that of the last so many seconds.
const RATE_OVER: usize = 10;

/// How often the end is foreseen anew.
const FORESEE_EVERY: Duration = Duration::from_secs(5);

/// A forecast may take this share of the time: one over years of windows is not cheap.
const FORECAST_SHARE: u32 = 200;

/// What is told about a run while it lasts.
#[derive(Debug)]
pub(super) struct Story {
    /// Recipients that were queued when it began.
    queued: u64,
    /// Requests, second by second.
    requests: VecDeque<(Duration, u64)>,
    forecast: Option<String>,
    foresee_at: Duration,
    told_fallback: bool,
}

impl Story {
    pub(super) fn new(queued: u64) -> Self {
        Self {
            queued,
            requests: VecDeque::new(),
            forecast: None,
            foresee_at: Duration::ZERO,
            told_fallback: false,
        }
    }

    /// Takes note of where the run stands.
    pub(super) fn note(&mut self, run: &Run, view: &ProgressView, quota: &QuotaState, now: Moment) {
        self.count(view.requests, now.mono);
        if now.mono < self.foresee_at {
            return;
        }
        let begun = Instant::now();
        let rows = self.queued.saturating_sub(view.settled());
        // It is only for people: without it the run goes on.
        self.forecast = preview::run_forecast(run, rows, *quota, view.latency, now.wall)
            .filter(|_| rows > 0)
            .map(|forecast| forecast.to_string());
        let pause = begun.elapsed().saturating_mul(FORECAST_SHARE);
        self.foresee_at = now.mono + pause.max(FORESEE_EVERY);
    }

    /// What must be told once: that the pace is our own guess.
    pub(super) fn news(&mut self, pacer: &PacerView) -> Option<String> {
        if self.told_fallback || pacer.source != Source::Fallback {
            return None;
        }
        self.told_fallback = true;
        Some(format!(
            "The API tells no quota: sending at {FALLBACK_RATE}, as the smallest plan allows. \
             --rate sets another pace."
        ))
    }

    fn count(&mut self, requests: u64, now: Duration) {
        let second = Duration::from_secs(1);
        if self
            .requests
            .back()
            .is_none_or(|(last, _)| now.saturating_sub(*last) >= second)
        {
            self.requests.push_back((now, requests));
            if self.requests.len() > RATE_OVER {
                self.requests.pop_front();
            }
        }
    }

    /// Requests a second, lately.
    fn rate(&self) -> Option<f64> {
        let ((begin, first), (end, last)) = (self.requests.front()?, self.requests.back()?);
        let length = end.saturating_sub(*begin).as_secs_f64();
        (length > 0.0).then(|| last.saturating_sub(*first) as f64 / length)
    }

    /// One line: what is done, how fast, what is left of the quota, what is being waited for, and when it will
    /// be done.
    pub(super) fn text(
        &self,
        view: &ProgressView,
        pacer: &PacerView,
        outage: Option<&Outage>,
    ) -> String {
        // Writing to a String cannot fail.
        let mut text = format!("sent {}", view.sent);
        for (count, word) in [
            (view.no_messenger, "no Messenger"),
            (view.error, "error"),
            (view.unknown, "unknown"),
        ] {
            if count > 0 {
                let _ = write!(text, ", {word} {count}");
            }
        }
        if let Some(rate) = self.rate().filter(|rate| *rate > 0.0) {
            let _ = write!(text, ", {}", a_rate(rate));
        }
        if let Some(left) = pacer.left {
            let _ = write!(text, ", quota left {left}");
        }
        text.push_str(&waits(pacer, outage));
        if let Some(forecast) = &self.forecast {
            let _ = write!(text, ", {forecast}");
        }
        text
    }
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
fn waits(pacer: &PacerView, outage: Option<&Outage>) -> String {
    if let Some(outage) = outage {
        return format!(
            ", no answers ({}): next try in {} s",
            without_numbers(&outage.failure),
            outage.pause.as_secs() + 1
        );
    }
    let (Some(until), Some(why)) = (pacer.sleeping_until, pacer.why) else {
        return String::new();
    };
    let zone = jiff::tz::TimeZone::system();
    let at = until.to_zoned(zone).strftime("%H:%M:%S");
    match why {
        Why::Quota => format!(", quota used: waiting until {at}"),
        Why::Throttled => format!(", put off by the API (429): waiting until {at}"),
        Why::Paused => format!(", paused until {at}"),
        Why::ReserveTakesAll => ", the reserve leaves nothing of the quota".to_owned(),
        Why::Even | Why::Rate | Why::Probing | Why::Connections => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pacer(source: Source, why: Option<Why>) -> PacerView {
        PacerView {
            source,
            limit: None,
            left: None,
            reset_at: None,
            in_flight: 0,
            concurrency: 3,
            started_in_period: 0,
            sleeping_until: why.map(|_| jiff::Timestamp::UNIX_EPOCH),
            why,
        }
    }

    #[test]
    fn our_own_guess_of_the_pace_is_told_once() {
        let mut story = Story::new(10);
        assert_eq!(story.news(&pacer(Source::Unknown, None)), None);
        assert_eq!(story.news(&pacer(Source::UserRate, None)), None);
        let told = story.news(&pacer(Source::Fallback, None)).unwrap();
        assert!(told.contains("1000/h"), "{told}");
        assert_eq!(story.news(&pacer(Source::Fallback, None)), None);
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut story = Story::new(1000);
        for second in 0..60 {
            // 100 a second, then nothing for 20 s, then 2 a second.
            let requests = if second < 40 {
                (second * 100).min(2000)
            } else {
                2000 + (second - 40) * 2
            };
            story.count(requests, Duration::from_secs(second));
            if second == 15 {
                assert_eq!(story.rate(), Some(100.0));
            }
            if second == 35 {
                assert_eq!(story.rate(), Some(0.0));
            }
        }
        assert_eq!(story.rate(), Some(2.0));
        let view = ProgressView::default();
        let text = story.text(&view, &pacer(Source::Headers, Some(Why::Quota)), None);
        assert!(
            text.starts_with("sent 0, 2.0/s, quota used: waiting until "),
            "{text}"
        );
    }
}
