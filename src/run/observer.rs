//! What a run reports while it lasts, and how it is asked to stop.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::forecast;
use super::settings::RunSettings;
use super::wait::Wait;
use crate::clock::Moment;
use crate::dispatch::pacer::core::PacerView;
use crate::dispatch::{Outage, ProgressView};
use crate::domain::forecast::{Forecast, forecast};
use crate::domain::quota::QuotaState;

/// The rate is that of the last so many seconds.
const RATE_OVER: usize = 10;

/// How often the end is foreseen anew.
const FORESEE_EVERY: Duration = Duration::from_secs(5);

/// A forecast may take this share of the time: one over years of windows is not cheap.
const FORECAST_SHARE: u32 = 200;

/// Receives what a run reports. All calls come from the task that awaits the run, between its steps: they
/// must not block.
pub trait Observer: Send {
    /// The first request may leave now.
    fn started(&mut self, start: &Started) {
        let _ = start;
    }

    /// Where the run stands; called a few times a second, also while it waits.
    fn progress(&mut self, progress: &RunProgress) {
        let _ = progress;
    }

    /// A refusal says something that nobody knows, the first of its kind in this run. Digits are replaced.
    fn unread_refusal(&mut self, text: &str) {
        let _ = text;
    }
}

/// Ignores all of it.
impl Observer for () {}

/// What the start of a run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The name of the batch.
    pub batch: String,
    /// Recipients that are queued.
    pub queued: u64,
    /// Recipients that were under way when an earlier process died: their outcome is unknown now, and they are
    /// not sent again.
    pub interrupted: u64,
}

/// Where a run stands.
#[derive(Debug, Clone)]
pub struct RunProgress {
    /// When.
    pub at: Moment,
    /// Recipients that were queued when it began.
    pub queued: u64,
    /// What was done since.
    pub done: ProgressView,
    /// The pace, and what is being waited for until when.
    pub pace: PacerView,
    /// Nothing is sent, because the API gives no usable answers.
    pub outage: Option<Outage>,
    /// What is waited for, and until when, even for a moment.
    pub wait: Option<Wait>,
    /// Requests a second, lately; `None` before a second has passed.
    pub rate: Option<f64>,
    /// When it will be done; `None` for a rehearsal, and when no recipient is left.
    pub forecast: Option<Forecast>,
}

/// Stops a run, from any thread. Clones share it.
#[derive(Debug, Clone)]
pub struct StopHandle {
    asked: Arc<watch::Sender<StopRequest>>,
    by: Arc<OnceLock<&'static str>>,
}

/// What is asked of a run; each includes those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StopRequest {
    Nothing,
    Finish,
    AtOnce,
}

impl Default for StopHandle {
    fn default() -> Self {
        Self {
            asked: Arc::new(watch::Sender::new(StopRequest::Nothing)),
            by: Arc::default(),
        }
    }
}

impl StopHandle {
    /// Nothing more is claimed; requests under way may finish, for [`RunSettings::grace`] at the most.
    pub fn finish(&self) {
        self.raise(StopRequest::Finish);
    }

    /// The same, and the checkpoint keeps what asked for it: "Ctrl-C".
    pub fn finish_by(&self, what: &'static str) {
        // The first one counts.
        let _ = self.by.set(what);
        self.finish();
    }

    /// What asked for the end, as far as that is known.
    pub(crate) fn by(&self) -> Option<&'static str> {
        self.by.get().copied()
    }

    /// The run ends at once. The outcome of requests under way is unknown then.
    pub fn at_once(&self) {
        self.raise(StopRequest::AtOnce);
    }

    fn raise(&self, asked: StopRequest) {
        self.asked
            .send_modify(|current| *current = asked.max(*current));
    }

    /// Waits until this is asked for, or more.
    pub(super) async fn asked_for(&self, asked: StopRequest) {
        // The sender lives in `self`, so that the wait cannot fail.
        let _ = self.asked.subscribe().wait_for(|now| *now >= asked).await;
    }
}

/// The numbers of a run that need more than one reading: its rate, and the forecast.
#[derive(Debug, Default)]
pub(super) struct Trend {
    /// Requests, second by second.
    requests: VecDeque<(Duration, u64)>,
    forecast: Option<Forecast>,
    foresee_at: Duration,
}

impl Trend {
    /// Takes note of the requests made until `now`.
    pub(super) fn count(&mut self, requests: u64, now: Duration) {
        let second = Duration::from_secs(1);
        let last = self.requests.back();
        if last.is_none_or(|(last, _)| now.saturating_sub(*last) >= second) {
            self.requests.push_back((now, requests));
            if self.requests.len() > RATE_OVER {
                self.requests.pop_front();
            }
        }
    }

    /// Requests a second, lately.
    pub(super) fn rate(&self) -> Option<f64> {
        let ((begin, first), (end, last)) = (self.requests.front()?, self.requests.back()?);
        let length = end.saturating_sub(*begin).as_secs_f64();
        (length > 0.0).then(|| last.saturating_sub(*first) as f64 / length)
    }

    /// When `rows` more will be done, foreseen anew every few seconds.
    pub(super) fn forecast(
        &mut self,
        settings: &RunSettings,
        rows: u64,
        quota: QuotaState,
        latency: Option<Duration>,
        now: Moment,
    ) -> Option<Forecast> {
        if now.mono >= self.foresee_at {
            let begun = Instant::now();
            let input = forecast::input(rows, quota, latency, settings);
            self.forecast = (rows > 0).then(|| forecast(&input, now.wall));
            let pause = begun.elapsed().saturating_mul(FORECAST_SHARE);
            self.foresee_at = now.mono + pause.max(FORESEE_EVERY);
        }
        self.forecast.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut trend = Trend::default();
        for second in 0..60 {
            // 100 a second, then nothing for 20 s, then 2 a second.
            let requests = if second < 40 {
                (second * 100).min(2000)
            } else {
                2000 + (second - 40) * 2
            };
            trend.count(requests, Duration::from_secs(second));
            if second == 15 {
                assert_eq!(trend.rate(), Some(100.0));
            }
            if second == 35 {
                assert_eq!(trend.rate(), Some(0.0));
            }
        }
        assert_eq!(trend.rate(), Some(2.0));
    }

    #[tokio::test]
    async fn a_stop_that_was_asked_for_is_never_taken_back() {
        let stop = StopHandle::default();
        stop.at_once();
        stop.finish();
        stop.asked_for(StopRequest::Finish).await;
        stop.asked_for(StopRequest::AtOnce).await;
    }
}
