//! When a batch will be done, and how much of it a deadline will cut off.
//!
//! A forecast goes from window to window as the pacer will: it sends what the quota allows as fast as the
//! connections and the rate permit, waits until Reset, and sends nothing in closed hours.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::quota::{Pace, QUOTA_PERIOD, QuotaState, Rate, Reserve};
use super::schedule::{Schedule, WindowBy};
use super::text::grouped;

/// More windows than this are years ahead: no forecast.
const MOST_STEPS: u32 = 200_000;

/// What a forecast is made from.
#[derive(Debug, Clone)]
pub(crate) struct ForecastInput<'a> {
    /// Rows that still have to be sent.
    pub(crate) rows: u64,
    /// What is known of the quota.
    pub(crate) quota: QuotaState,
    /// The user's cap.
    pub(crate) rate: Option<Rate>,
    /// The rate while neither the user nor the server gives one.
    pub(crate) fallback: Rate,
    /// What is left for other users of the token.
    pub(crate) reserve: Reserve,
    /// How a window's quota is spent.
    pub(crate) pace: Pace,
    /// Requests in flight at most.
    pub(crate) concurrency: NonZeroU32,
    /// Average time from request to answer.
    pub(crate) latency: Duration,
    /// Windows and deadline. With windows by recipient only the bound that the quota sets is known, and
    /// the forecast says so: the countries of the recipients are not known here.
    pub(crate) schedule: &'a Schedule,
}

/// A forecast; its `Display` is a sentence for people, in the sender's zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// When the last row will have been sent, were there no deadline; `None`: never, or years ahead.
    pub done: Option<Timestamp>,
    /// The deadline, and the rows that will remain then; `None` without a deadline.
    pub remain: Option<(Timestamp, u64)>,
    /// Each recipient's own hours come on top: all of it is the best case.
    hours_by_recipient: bool,
    now: Timestamp,
    zone: TimeZone,
}

/// A simulated run.
struct Simulation<'a> {
    input: &'a ForecastInput<'a>,
    at: Timestamp,
    rows: f64,
    /// Requests left in the window and its end; `None`: no window is open.
    window: Option<(f64, Timestamp)>,
}

/// The forecast from `now` on.
pub(crate) fn forecast(input: &ForecastInput<'_>, now: Timestamp) -> Forecast {
    let schedule = input.schedule;
    // "Done" is foreseen as if there were no deadline; what the deadline leaves is a second run.
    let endless = Schedule {
        deadline: None,
        ..schedule.clone()
    };
    let done = Simulation::new(input, now).run(&endless, None).0;
    let remain = schedule.deadline.map(|deadline| {
        let (done, left) = Simulation::new(input, now).run(&endless, Some(deadline));
        (deadline, if done.is_some() { 0 } else { left })
    });
    Forecast {
        done,
        remain,
        hours_by_recipient: schedule.window.is_some() && schedule.window_by == WindowBy::Recipient,
        now,
        zone: schedule.zone.clone(),
    }
}

impl<'a> Simulation<'a> {
    fn new(input: &'a ForecastInput<'a>, now: Timestamp) -> Self {
        let quota = &input.quota;
        let window = match (quota.remaining, quota.reset_at) {
            (Some(remaining), Some(reset_at)) if reset_at > now => {
                let kept = quota.limit.map_or(0, |limit| input.reserve.of(limit));
                Some((remaining.saturating_sub(kept) as f64, reset_at))
            }
            _ => None,
        };
        Self {
            input,
            at: now,
            rows: input.rows as f64,
            window,
        }
    }

    /// Runs until all is sent or the deadline comes: returns when all is sent, and what is left.
    fn run(mut self, schedule: &Schedule, deadline: Option<Timestamp>) -> (Option<Timestamp>, u64) {
        for _ in 0..MOST_STEPS {
            if self.rows < 0.5 {
                return (Some(self.at), 0);
            }
            let Some(opening) = schedule.next_opening(self.at) else {
                break;
            };
            self.at = opening;
            if deadline.is_some_and(|deadline| self.at >= deadline) {
                break;
            }
            self.open_window();
            let stop = [
                schedule.open_until(self.at),
                self.window.map(|(_, ends)| ends),
                deadline,
            ]
            .into_iter()
            .flatten()
            .min();
            if !self.send(stop) {
                break;
            }
        }
        // Half a row is no row: what is not surely sent remains.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of rows, not negative"
        )]
        let left = self.rows.ceil() as u64;
        (None, left)
    }

    /// After Reset the next request opens a window with the whole limit.
    fn open_window(&mut self) {
        if self.window.is_some_and(|(_, ends)| self.at >= ends) {
            self.window = None;
        }
        if self.window.is_none()
            && let Some(limit) = self.input.quota.limit
        {
            let ours = self.input.reserve.leaves(limit) as f64;
            self.window = Some((ours, later(self.at, QUOTA_PERIOD.as_secs_f64())));
        }
    }

    /// Sends until `stop` as the pace allows; false when nothing can be sent, ever.
    fn send(&mut self, stop: Option<Timestamp>) -> bool {
        let speed = self.speed();
        let most = self
            .window
            .map_or(self.rows, |(left, _)| left.min(self.rows));
        if speed <= 0.0 {
            return false;
        }
        let length = stop.map(|stop| stop.duration_since(self.at).as_secs_f64());
        let sent = length.map_or(most, |length| most.min(speed * length));
        self.rows -= sent;
        if let Some((left, _)) = &mut self.window {
            *left -= sent;
        }
        self.at = match stop {
            Some(stop) if self.rows >= 0.5 => stop,
            Some(_) | None => later(self.at, sent / speed),
        };
        true
    }

    /// Requests a second while they may go.
    fn speed(&self) -> f64 {
        let input = self.input;
        let connections =
            f64::from(input.concurrency.get()) / input.latency.as_secs_f64().max(1e-6);
        // A known quota sets the pace; the cautious rate is for a server that has reported none.
        let rate = input
            .rate
            .or(self.window.is_none().then_some(input.fallback));
        let speed = rate.map_or(connections, |rate| connections.min(rate.per_second()));
        match (input.pace, self.window) {
            (Pace::Even, Some((left, ends))) => speed
                .min(left / ends.duration_since(self.at).as_secs_f64().max(1.0))
                .max(1e-9),
            (Pace::Even | Pace::Fast, _) => speed,
        }
    }
}

fn later(at: Timestamp, seconds: f64) -> Timestamp {
    SignedDuration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|by| at.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |at: Timestamp| when(at, self.now, &self.zone);
        if self.hours_by_recipient {
            f.write_str("at best, since each recipient's own sending hours come on top: ")?;
        }
        match (self.done, self.remain) {
            (Some(done), None | Some((_, 0))) => write!(f, "done {}", day(done)),
            (Some(done), Some((deadline, rows))) => {
                write!(
                    f,
                    "done {}; {} will remain at {}",
                    day(done),
                    counted(rows),
                    day(deadline)
                )
            }
            (None, Some((deadline, rows))) => {
                write!(f, "{} will remain at {}", counted(rows), day(deadline))
            }
            (None, None) => f.write_str("not done in any foreseeable time at this pace"),
        }
    }
}

/// A time as people say it: the time alone for today, the day with it otherwise.
pub(crate) fn when(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (local, today) = (zone.to_datetime(at), zone.to_datetime(now).date());
    let time = local.strftime("%H:%M");
    if local.date() == today {
        time.to_string()
    } else if today
        .tomorrow()
        .is_ok_and(|tomorrow| tomorrow == local.date())
    {
        format!("tomorrow {time}")
    } else {
        local.strftime("%a %-d %b %Y %H:%M").to_string()
    }
}

/// `1 row`, `1,240 rows`.
fn counted(rows: u64) -> String {
    format!("{} row{}", grouped(rows), if rows == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Zoned>().unwrap().timestamp()
    }

    fn schedule() -> Schedule {
        Schedule {
            zone: TimeZone::get("Europe/Prague").unwrap(),
            ..Schedule::default()
        }
    }

    fn input(rows: u64, schedule: &Schedule) -> ForecastInput<'_> {
        ForecastInput {
            rows,
            quota: QuotaState {
                limit: Some(1000),
                ..QuotaState::default()
            },
            rate: None,
            fallback: "1000/h".parse().unwrap(),
            reserve: Reserve::default(),
            pace: Pace::Fast,
            concurrency: NonZeroU32::new(10).unwrap(),
            latency: Duration::from_millis(600),
            schedule,
        }
    }

    #[test]
    fn where_each_recipient_has_hours_of_their_own_the_forecast_says_that_it_is_the_best_case() {
        let mut schedule = schedule();
        schedule.window = Some("08:00-21:00".parse().unwrap());
        schedule.window_by = WindowBy::Recipient;
        let told = forecast(&input(500, &schedule), at(EVENING)).to_string();
        assert!(told.starts_with("at best"), "{told}");
        schedule.window_by = WindowBy::Sender;
        let told = forecast(&input(500, &schedule), at(EVENING)).to_string();
        assert!(told.starts_with("done tomorrow"), "{told}");
    }

    const EVENING: &str = "2026-05-02T22:00[Europe/Prague]";

    #[test]
    fn windows_of_quota_add_up_and_the_last_one_takes_as_long_as_its_requests() {
        let schedule = schedule();
        // Four full windows, an hour each, then 500 requests on 10 connections of 0.6 s: 30 s.
        let forecast = forecast(&input(4500, &schedule), at(EVENING));
        assert_eq!(
            forecast.done,
            Some(at("2026-05-03T02:00:30[Europe/Prague]"))
        );
        assert_eq!(forecast.to_string(), "done tomorrow 02:00");
    }

    #[test]
    fn a_deadline_tells_what_will_remain() {
        let mut schedule = schedule();
        schedule.deadline = Some(at("2026-05-03T01:30[Europe/Prague]"));
        let forecast = forecast(&input(5240, &schedule), at(EVENING));
        assert_eq!(forecast.remain, Some((schedule.deadline.unwrap(), 1240)));
        assert_eq!(
            forecast.to_string(),
            "done tomorrow 03:00; 1,240 rows will remain at tomorrow 01:30"
        );
    }

    #[test]
    fn what_is_left_of_the_open_window_counts_and_so_does_the_reserve() {
        let schedule = schedule();
        let now = at(EVENING);
        let mut input = input(1000, &schedule);
        input.reserve = Reserve::Percent(10);
        input.quota = QuotaState {
            limit: Some(1000),
            remaining: Some(300),
            reset_at: Some(at("2026-05-02T22:20[Europe/Prague]")),
            observed_at: Some(now),
        };
        // 200 now, 800 after 22:20 in 48 s.
        assert_eq!(
            forecast(&input, now).done,
            Some(at("2026-05-02T22:20:48[Europe/Prague]"))
        );
    }

    #[test]
    fn closed_hours_are_slept_through() {
        let mut schedule = schedule();
        schedule.window = Some("08:00-23:00".parse().unwrap());
        let forecast = forecast(&input(1600, &schedule), at(EVENING));
        assert_eq!(forecast.to_string(), "done tomorrow 08:00");
    }

    #[test]
    fn without_headers_the_rate_decides() {
        let schedule = schedule();
        let mut input = input(2000, &schedule);
        input.quota = QuotaState::default();
        assert_eq!(
            forecast(&input, at(EVENING)).to_string(),
            "done tomorrow 00:00"
        );
        input.rate = Some("4000/h".parse().unwrap());
        assert_eq!(forecast(&input, at(EVENING)).to_string(), "done 22:30");
    }

    #[test]
    fn an_even_pace_takes_the_whole_window() {
        let schedule = schedule();
        let mut input = input(500, &schedule);
        input.pace = Pace::Even;
        assert_eq!(forecast(&input, at(EVENING)).to_string(), "done 22:30");
    }

    #[test]
    fn a_reserve_that_takes_all_is_never_done() {
        let schedule = schedule();
        let mut input = input(10, &schedule);
        input.reserve = Reserve::Requests(1000);
        assert_eq!(forecast(&input, at(EVENING)).done, None);
    }
}
