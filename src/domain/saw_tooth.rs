//! The quota over time as the saw-tooth that it is: each window begins with all of its requests, and each request takes
//! one. Pure.

use jiff::{SignedDuration, Timestamp};

use super::quota::{QUOTA_PERIOD, QuotaState};

/// How many windows are looked at, the current one included: those of [`LOOKED_AT`].
const WINDOWS: usize = 4;

/// A window is drawn in so many steps.
const STEPS: u32 = 60;

/// The end of a window is known to within that time.
const ROUNDED: SignedDuration = SignedDuration::from_secs(5);

/// How far back a request may have left to be in one of them.
pub(crate) const LOOKED_AT: SignedDuration = SignedDuration::from_hours(4);

/// One window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// When it opened.
    pub(crate) from: Timestamp,
    /// When it ends or ended.
    pub(crate) until: Timestamp,
    /// Requests in it.
    pub(crate) used: u64,
    /// How many were left at a time.
    pub(crate) steps: Vec<(Timestamp, u64)>,
}

impl Window {
    /// How many are left at its end, or now.
    pub(crate) fn left(&self) -> u64 {
        self.steps.last().map_or(0, |(_, left)| *left)
    }
}

/// The quota over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SawTooth {
    /// Requests of a window.
    pub(crate) limit: u64,
    /// The windows, the oldest first; at least one.
    pub(crate) windows: Vec<Window>,
}

/// What requests that left at `starts`, which ascend, made of the quota; `None` if nothing is known of it.
///
/// A window opens with the first request after the last one ended, and lasts an hour (`QUOTA_PERIOD`). The API has named the end of the
/// latest one; an earlier one ended where the next one opened, if there was no idle hour between them.
pub(crate) fn saw_tooth(
    quota: &QuotaState,
    starts: &[Timestamp],
    now: Timestamp,
) -> Option<SawTooth> {
    let limit = quota.limit?;
    let last = *starts.last()?;
    let named = quota.reset_at.filter(|end| last < *end);
    let mut end = named.unwrap_or_else(|| end_of_last(starts, last));
    let (mut before, mut windows) = (starts, Vec::new());
    while windows.len() < WINDOWS {
        let from = opening(before, moved(end, -period()));
        let (earlier, inside) = before.split_at(before.partition_point(|at| *at < from));
        windows.push(window(limit, (from, end), inside, now));
        before = earlier;
        let Some(last) = before.last().copied() else {
            break;
        };
        end = if from.duration_since(last) < period() {
            from
        } else {
            end_of_last(before, last)
        };
    }
    windows.reverse();
    if let Some(current) = windows.last_mut().filter(|it| now < it.until) {
        // Others use the token too: what the API said was left counts.
        let remaining = quota
            .remaining
            .filter(|_| quota.observed_at >= Some(current.from));
        if let (Some(remaining), Some((_, left))) = (remaining, current.steps.last_mut()) {
            *left = remaining.min(*left);
        }
    }
    Some(SawTooth { limit, windows })
}

fn period() -> SignedDuration {
    SignedDuration::try_from(QUOTA_PERIOD).unwrap_or(SignedDuration::ZERO)
}

fn moved(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}

/// When a window that lasts from about then opened: its end is known in whole seconds.
fn opening(starts: &[Timestamp], from: Timestamp) -> Timestamp {
    let place = starts.partition_point(|at| *at < moved(from, -ROUNDED));
    let (before, rest) = starts.split_at(place);
    match (before.last(), rest.first()) {
        // Requests that follow each other closely belong to the window before.
        (Some(last), Some(first)) if first.duration_since(*last) <= ROUNDED => from,
        (_, Some(first)) if *first < from => *first,
        (_, Some(_) | None) => from,
    }
}

/// The end of the window of the last request, where the API did not name it: an hour after the first request of its hour.
fn end_of_last(starts: &[Timestamp], last: Timestamp) -> Timestamp {
    let first = starts.partition_point(|at| last.duration_since(*at) >= period());
    moved(starts.get(first).copied().unwrap_or(last), period())
}

fn window(
    limit: u64,
    (from, until): (Timestamp, Timestamp),
    starts: &[Timestamp],
    now: Timestamp,
) -> Window {
    let step = QUOTA_PERIOD / STEPS;
    let end = until.min(now);
    let left = |at| limit.saturating_sub(starts.partition_point(|it| *it <= at) as u64);
    let times =
        (1..STEPS).map(|n| moved(from, SignedDuration::try_from(step * n).unwrap_or_default()));
    let mut steps = vec![(from, limit)];
    steps.extend(times.take_while(|at| *at < end).map(|at| (at, left(at))));
    steps.push((end.max(from), left(end)));
    Window {
        from,
        until,
        used: starts.len() as u64,
        steps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(begin: Timestamp, minutes: i64) -> Timestamp {
        moved(begin, SignedDuration::from_mins(minutes))
    }

    const BEGIN: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(minutes: &[i64]) -> Vec<Timestamp> {
        minutes.iter().map(|it| after(BEGIN, *it)).collect()
    }

    fn quota(reset: Option<i64>, remaining: Option<u64>, observed: i64) -> QuotaState {
        QuotaState {
            limit: Some(10),
            remaining,
            reset_at: reset.map(|it| after(BEGIN, it)),
            observed_at: Some(after(BEGIN, observed)),
        }
    }

    /// Begin and end in minutes, requests, and what is left of each window.
    fn told(saw: &SawTooth) -> Vec<(i64, i64, u64, u64)> {
        let minutes = |at: Timestamp| at.as_second() / 60;
        let windows = saw.windows.iter();
        windows
            .map(|it| (minutes(it.from), minutes(it.until), it.used, it.left()))
            .collect()
    }

    #[test]
    fn each_window_begins_full_and_each_request_takes_one() {
        let starts = at(&[0, 1, 2, 59, 60, 61, 120, 130]);
        let saw = saw_tooth(&quota(Some(180), Some(8), 130), &starts, after(BEGIN, 140)).unwrap();
        assert_eq!(
            told(&saw),
            [(0, 60, 4, 6), (60, 120, 2, 8), (120, 180, 2, 8)]
        );
        let first = &saw.windows[0].steps;
        assert_eq!(
            (first[0], first[1], first[2]),
            ((starts[0], 10), (starts[1], 8), (starts[2], 7))
        );
    }

    #[test]
    fn an_idle_hour_lies_between_two_windows() {
        let starts = at(&[10, 20, 200, 210]);
        let saw = saw_tooth(&quota(Some(260), None, 210), &starts, after(BEGIN, 220)).unwrap();
        assert_eq!(told(&saw), [(10, 70, 2, 8), (200, 260, 2, 8)]);
    }

    #[test]
    fn an_end_in_whole_seconds_cuts_no_first_requests_off() {
        let second = |seconds| moved(BEGIN, SignedDuration::from_millis(seconds));
        let starts = [second(0), second(400), second(1_500)];
        let mut quota = quota(None, None, 0);
        quota.reset_at = Some(second(3_601_000));
        let saw = saw_tooth(&quota, &starts, second(2_000)).unwrap();
        assert_eq!((saw.windows.len(), saw.windows[0].used), (1, 3));
    }

    #[test]
    fn a_request_after_the_end_that_was_told_opens_a_window() {
        let starts = at(&[0, 5, 70]);
        let saw = saw_tooth(&quota(Some(60), None, 5), &starts, after(BEGIN, 71)).unwrap();
        assert_eq!(told(&saw), [(0, 60, 2, 8), (70, 130, 1, 9)]);
    }

    #[test]
    fn a_window_that_others_opened_began_an_hour_before_its_end() {
        let saw = saw_tooth(&quota(Some(60), Some(3), 10), &at(&[10]), after(BEGIN, 11)).unwrap();
        assert_eq!(told(&saw), [(0, 60, 1, 3)]);
    }

    #[test]
    fn a_request_shortly_before_a_window_belongs_to_it_unless_it_follows_another() {
        let second = |seconds| moved(BEGIN, SignedDuration::from_secs(seconds));
        let mut quota = quota(None, None, 0);
        quota.reset_at = Some(second(7_200));
        let used = |starts: &[i64]| -> Vec<u64> {
            let starts: Vec<Timestamp> = starts.iter().map(|it| second(*it)).collect();
            let saw = saw_tooth(&quota, &starts, second(3_700)).unwrap();
            saw.windows.iter().map(|it| it.used).collect()
        };
        assert_eq!(used(&[100, 3_598, 3_601]), [1, 2]);
        assert_eq!(used(&[100, 3_594, 3_598, 3_601]), [3, 1]);
    }

    #[test]
    fn what_others_use_is_taken_off_the_current_window() {
        // Also where nothing but the answer to its first request is known.
        let saw = saw_tooth(&quota(Some(60), Some(3), 0), &at(&[0]), after(BEGIN, 6)).unwrap();
        assert_eq!(told(&saw), [(0, 60, 1, 3)]);
        let saw = saw_tooth(&quota(Some(60), Some(3), 5), &at(&[0, 5]), after(BEGIN, 6)).unwrap();
        assert_eq!(told(&saw), [(0, 60, 2, 3)]);
        // Of a window that is over nothing more is known.
        let saw = saw_tooth(&quota(Some(60), Some(3), 5), &at(&[0, 5]), after(BEGIN, 70)).unwrap();
        assert_eq!(told(&saw), [(0, 60, 2, 8)]);
    }

    #[test]
    fn where_no_end_was_told_a_window_lasts_an_hour_from_its_first_request() {
        let saw = saw_tooth(&quota(None, None, 0), &at(&[0, 70]), after(BEGIN, 71)).unwrap();
        assert_eq!(told(&saw), [(0, 60, 1, 9), (70, 130, 1, 9)]);
        assert_eq!(saw_tooth(&quota(Some(60), None, 0), &[], BEGIN), None);
        assert_eq!(saw_tooth(&QuotaState::default(), &at(&[0]), BEGIN), None);
    }

    #[test]
    fn a_long_past_is_cut_and_its_picture_stays_small() {
        let minutes: Vec<i64> = (0..600).collect();
        let saw = saw_tooth(
            &quota(Some(660), None, 599),
            &at(&minutes),
            after(BEGIN, 600),
        )
        .unwrap();
        assert_eq!(saw.windows.len(), WINDOWS);
        assert!(
            saw.windows
                .iter()
                .all(|it| it.steps.len() <= STEPS as usize + 1)
        );
        assert!(saw.windows.iter().all(|it| it.left() <= 10));
    }
}
