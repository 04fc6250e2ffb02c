//! When a batch will be done, and how much of it a deadline will cut off.
//!
//! A forecast goes from window to window as the pacer will: it sends what the quota allows as fast as the
//! connections and the rate permit, waits until Reset, and sends nothing in closed hours.

use std::fmt::{self, Write as _};
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::quota::{Pace, QUOTA_PERIOD, QuotaState, Rate, Reserve};
use super::schedule::{Schedule, WindowBy};
use super::text::counted;

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
    /// When it sends, until all is sent or the deadline comes.
    times: Vec<Sending>,
    /// Each recipient's own hours come on top: all of it is the best case.
    hours_by_recipient: bool,
    now: Timestamp,
    zone: TimeZone,
}

/// A time in which a run sends without a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sending {
    from: Timestamp,
    to: Timestamp,
    /// What was waited for before.
    after: Option<WaitedFor>,
}

/// What a simulated run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WaitedFor {
    Hours,
    Quota,
}

/// How many times are listed.
const TIMES: usize = 3;

/// A pause that is shorter is none.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// How a simulated run ended.
struct Simulated {
    /// When all is sent; `None` if it never is, or the deadline came first.
    done: Option<Timestamp>,
    /// Rows that are left.
    left: u64,
    times: Vec<Sending>,
}

/// A simulated run.
struct Simulation<'a> {
    input: &'a ForecastInput<'a>,
    at: Timestamp,
    rows: f64,
    /// Requests left in the window and its end; `None`: no window is open.
    window: Option<(f64, Timestamp)>,
    times: Vec<Sending>,
}

/// The forecast from `now` on.
pub(crate) fn forecast(input: &ForecastInput<'_>, now: Timestamp) -> Forecast {
    let schedule = input.schedule;
    // "Done" is foreseen as if there were no deadline; what the deadline leaves is a second run.
    let endless = Schedule {
        deadline: None,
        ..schedule.clone()
    };
    let whole = Simulation::new(input, now).run(&endless, None);
    let cut = schedule.deadline.map(|deadline| {
        let cut = Simulation::new(input, now).run(&endless, Some(deadline));
        (deadline, cut)
    });
    let remain = cut.as_ref().map(|(deadline, cut)| {
        let left = if cut.done.is_some() { 0 } else { cut.left };
        (*deadline, left)
    });
    Forecast {
        done: whole.done,
        remain,
        times: cut.map_or(whole.times, |(_, cut)| cut.times),
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
            times: Vec::new(),
        }
    }

    /// Runs until all is sent or the deadline comes.
    fn run(mut self, schedule: &Schedule, deadline: Option<Timestamp>) -> Simulated {
        for _ in 0..MOST_STEPS {
            if self.rows < 0.5 {
                return Simulated {
                    done: Some(self.at),
                    left: 0,
                    times: self.times,
                };
            }
            let Some(opening) = schedule.next_opening(self.at) else {
                break;
            };
            let after = if opening > self.at {
                WaitedFor::Hours
            } else {
                WaitedFor::Quota
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
            if !self.send(stop, after) {
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
        Simulated {
            done: None,
            left,
            times: self.times,
        }
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
    fn send(&mut self, stop: Option<Timestamp>, after: WaitedFor) -> bool {
        let speed = self.speed();
        let most = self
            .window
            .map_or(self.rows, |(left, _)| left.min(self.rows));
        if speed <= 0.0 {
            return false;
        }
        let length = stop.map(|stop| stop.duration_since(self.at).as_secs_f64());
        let sent = length.map_or(most, |length| most.min(speed * length));
        if sent >= 0.5 {
            self.note(later(self.at, sent / speed), after);
        }
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

    /// Sends from now on to `to`.
    fn note(&mut self, to: Timestamp, after: WaitedFor) {
        let are_enough = self.times.len() > TIMES;
        match self.times.last_mut() {
            Some(last) if self.at.duration_since(last.to) < PAUSE => last.to = to,
            // No more is shown.
            Some(_) if are_enough => {}
            last => {
                let waited = last.is_some() || after == WaitedFor::Hours;
                self.times.push(Sending {
                    from: self.at,
                    to,
                    after: waited.then_some(after),
                });
            }
        }
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

impl Forecast {
    /// When it sends and when it waits, for people: "sends 20:30 to 21:00, waits for the sending hours, tomorrow 08:00
    /// to 08:15"; `None` if it sends from now on without a pause.
    pub fn time_line(&self) -> Option<String> {
        let begins_now = self.times.first().is_some_and(|it| it.after.is_none());
        if self.hours_by_recipient || self.times.is_empty() || (self.times.len() == 1 && begins_now)
        {
            return None;
        }
        let at = |time: Timestamp| when(time, self.now, &self.zone);
        let mut line = String::new();
        for (place, time) in self.times.iter().take(TIMES).enumerate() {
            match (place, time.after) {
                (0, Some(WaitedFor::Hours)) => line.push_str("waits for the sending hours, sends "),
                (0, Some(WaitedFor::Quota) | None) => line.push_str("sends "),
                (_, Some(WaitedFor::Hours)) => line.push_str(", waits for the sending hours, "),
                (_, Some(WaitedFor::Quota) | None) => line.push_str(", waits for the quota, "),
            }
            let (from, to) = (at(time.from), at(time.to));
            // Writing to a String cannot fail.
            let _ = if from == to {
                write!(line, "{from}")
            } else {
                let same_day = self.zone.to_datetime(time.from).date()
                    == self.zone.to_datetime(time.to).date();
                let to = if same_day {
                    when(time.to, time.to, &self.zone)
                } else {
                    to
                };
                write!(line, "{from} to {to}")
            };
        }
        if self.times.len() > TIMES {
            line.push_str(", and so on");
        }
        Some(line)
    }
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
                    counted(rows, "row"),
                    day(deadline)
                )
            }
            (None, Some((deadline, rows))) => {
                write!(
                    f,
                    "{} will remain at {}",
                    counted(rows, "row"),
                    day(deadline)
                )
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
        let found = forecast(&input(500, &schedule), at(EVENING));
        let told = found.to_string();
        assert!(told.starts_with("at best"), "{told}");
        assert_eq!(found.time_line(), None);
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
    fn the_time_line_says_when_it_sends_and_what_it_waits_for() {
        let mut schedule = schedule();
        schedule.window = Some("08:00-23:00".parse().unwrap());
        let line =
            |rows, schedule: &Schedule| forecast(&input(rows, schedule), at(EVENING)).time_line();
        // A thousand in a minute, then the quota of the next hour, which is in the morning.
        assert_eq!(line(500, &schedule), None, "at once, without a pause");
        assert_eq!(
            line(1600, &schedule).as_deref(),
            Some("sends 22:00 to 22:01, waits for the sending hours, tomorrow 08:00")
        );
        schedule.window = None;
        assert_eq!(
            line(5000, &schedule).as_deref(),
            Some(
                "sends 22:00 to 22:01, waits for the quota, 23:00 to 23:01, waits for the quota, tomorrow 00:00 to \
                 00:01, and so on"
            )
        );
        schedule.window = Some("08:00-21:00".parse().unwrap());
        assert_eq!(
            line(10, &schedule).as_deref(),
            Some("waits for the sending hours, sends tomorrow 08:00")
        );
    }

    #[test]
    fn what_was_sent_before_the_hours_closed_is_taken_off_the_window_of_quota() {
        let mut schedule = schedule();
        schedule.window = Some("22:30-22:10".parse().unwrap());
        let mut input = input(1500, &schedule);
        input.rate = Some("3000/h".parse().unwrap());
        // 500 by 22:10 and 500 from 22:30; the next window begins at 23:00.
        let forecast = forecast(&input, at(EVENING));
        assert_eq!(forecast.to_string(), "done 23:10");
        assert_eq!(
            forecast.time_line().as_deref(),
            Some(
                "sends 22:00 to 22:10, waits for the sending hours, 22:30 to 22:40, waits for the quota, 23:00 to 23:10"
            )
        );
    }

    #[test]
    fn a_pause_of_less_than_a_minute_is_none() {
        let schedule = schedule();
        let mut input = input(300, &schedule);
        input.quota.remaining = Some(200);
        let line = |input: &mut ForecastInput<'_>, reset: &str| {
            input.quota.reset_at = Some(at(reset));
            forecast(input, at(EVENING)).time_line()
        };
        // 200 take 12 s.
        let soon = line(&mut input, "2026-05-02T22:01:10[Europe/Prague]");
        assert_eq!(soon, None);
        let later = line(&mut input, "2026-05-02T22:02[Europe/Prague]");
        assert_eq!(
            later.as_deref(),
            Some("sends 22:00, waits for the quota, 22:02")
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
