use std::num::NonZeroU32;

use jiff::SignedDuration;

use super::*;
use crate::domain::quota::{Per, Rate, Reserve, Reset};

mod windows;

const START: Timestamp = Timestamp::constant(1_790_000_000, 0);

const NOTHING: QuotaHeaders = QuotaHeaders {
    limit: None,
    remaining: None,
    reset: None,
    date: None,
};

/// So many seconds after the pacer was made.
fn at(seconds: u64) -> Moment {
    let start = Moment {
        mono: Duration::ZERO,
        wall: START,
    };
    start.after(Duration::from_secs(seconds))
}

fn minutes_ago(minutes: i64) -> Timestamp {
    START - SignedDuration::from_mins(minutes)
}

fn told(limit: u64, remaining: u64, reset_in: u64) -> QuotaHeaders {
    QuotaHeaders {
        limit: Some(limit),
        remaining: Some(remaining),
        reset: Some(Reset::In(Duration::from_secs(reset_in))),
        date: None,
    }
}

fn undated(limit: u64, remaining: u64) -> QuotaHeaders {
    QuotaHeaders {
        limit: Some(limit),
        remaining: Some(remaining),
        ..NOTHING
    }
}

fn limit_alone(limit: u64) -> QuotaHeaders {
    QuotaHeaders {
        limit: Some(limit),
        ..NOTHING
    }
}

fn per_hour(count: u32) -> Rate {
    Rate::new(NonZeroU32::new(count).unwrap(), Per::Hour)
}

/// Twenty connections, and as many at once as a pace allows in an hour.
fn settings(rate: Option<u32>, fallback: u32) -> Settings {
    Settings {
        rate: rate.map(per_hour),
        burst: NonZeroU32::new(1000),
        concurrency: NonZeroU32::new(20).unwrap(),
        fallback: per_hour(fallback),
        ..Settings::default()
    }
}

fn new(settings: Settings, past: &Past) -> Pacer {
    Pacer::new(settings, past, at(0))
}

/// A pacer whose first answer told this.
fn after_first(settings: Settings, headers: &QuotaHeaders) -> Pacer {
    let mut pacer = new(settings, &Past::default());
    let first = go(&mut pacer, at(0));
    pacer.answered(first, at(0), headers);
    pacer
}

/// A pacer that knows of a window of 1,000 with so many left, which ends in an hour.
fn knowing(left: u64) -> Pacer {
    after_first(settings(None, 1000), &told(1000, left, 3600))
}

fn go(pacer: &mut Pacer, now: Moment) -> Ticket {
    match pacer.poll(now) {
        Decision::Go(ticket) => ticket,
        Decision::Wait { why, .. } => panic!("{why:?}"),
    }
}

fn several<const N: usize>(pacer: &mut Pacer, now: Moment) -> [Ticket; N] {
    std::array::from_fn(|_| go(pacer, now))
}

/// For how many seconds nothing may start, and why.
fn kept(pacer: &mut Pacer, now: Moment) -> (Option<u64>, Why) {
    match pacer.poll(now) {
        Decision::Go(ticket) => panic!("{ticket:?}"),
        Decision::Wait { until, why } => (
            until.map(|until| until.mono.saturating_sub(now.mono).as_secs()),
            why,
        ),
    }
}

/// How many start now, one after the other, where the server answers this each time.
fn at_once(pacer: &mut Pacer, now: Moment, headers: &QuotaHeaders) -> u32 {
    let mut count = 0;
    while count < 10_000
        && let Decision::Go(ticket) = pacer.poll(now)
    {
        pacer.answered(ticket, now, headers);
        count += 1;
    }
    count
}

/// A refusal, whose wait is not shortened at random.
fn refuse(
    pacer: &mut Pacer,
    ticket: Ticket,
    now: Moment,
    headers: QuotaHeaders,
    after: Option<u64>,
) {
    let refusal = Refusal {
        headers,
        retry_after: after.map(Duration::from_secs),
        jitter: 1.0,
    };
    pacer.throttled(ticket, now, &refusal);
}

#[test]
fn a_restart_waits_until_the_first_of_the_earlier_starts_leaves_the_window_of_the_rate() {
    // Minutes since each start, and the minutes until one may start again.
    for (ages, wait) in [
        ([10; 5], 50),
        ([50, 40, 30, 20, 10], 10),
        ([61, 9, 9, 9, 9], 0),
    ] {
        let past = Past {
            starts: ages.map(minutes_ago).to_vec(),
            ..Past::default()
        };
        let mut pacer = new(settings(Some(5), 1000), &past);
        if wait > 0 {
            let (until, why) = kept(&mut pacer, at(0));
            let until = until.unwrap();
            assert_eq!((until / 60, why), (wait, Why::Rate), "{ages:?}");
            assert_eq!(pacer.view(at(0)).why, Some(Why::Rate));
        }
        go(&mut pacer, at(wait * 60 + 4));
        let view = pacer.view(at(wait * 60 + 4));
        assert_eq!((view.why, view.sleeping_until), (None, None), "it started");
    }
}

/// What started when the quota was noted, or a moment before, may not be counted in what was noted.
#[test]
fn what_started_since_the_quota_was_noted_is_taken_off_it() {
    let milliseconds = |ms| START + SignedDuration::from_millis(ms);
    for (noted, started, left) in [
        (0, -600_000, 5),
        (0, -11, 5),
        (0, -10, 4),
        (-100, -50, 4),
        (1, -600_000, 4),
    ] {
        let past = Past {
            quota: QuotaState {
                limit: Some(10),
                remaining: Some(5),
                reset_at: Some(START + SignedDuration::from_mins(30)),
                observed_at: Some(milliseconds(noted)),
            },
            starts: vec![milliseconds(started)],
            unanswered: 0,
        };
        let view = new(settings(None, 1000), &past).view(at(0));
        assert_eq!(view.left, Some(left), "noted {noted}, started {started}");
    }
}

#[test]
fn a_limit_without_a_window_lowers_the_careful_pace_and_never_the_users_rate() {
    let remembered = |limit| Past {
        quota: QuotaState {
            limit: Some(limit),
            ..QuotaState::default()
        },
        ..Past::default()
    };
    for (rate, limit, wanted) in [
        (None, 5, 5),
        (None, 500, 100),
        (Some(100), 5, 100),
        (Some(100), 500, 100),
    ] {
        let mut again = new(settings(rate, 100), &remembered(limit));
        let count = at_once(&mut again, at(0), &NOTHING);
        assert_eq!(count, wanted, "{rate:?}, {limit} remembered");
        let mut first = new(settings(rate, 100), &Past::default());
        let count = at_once(&mut first, at(0), &limit_alone(limit));
        assert_eq!(count, wanted, "{rate:?}, {limit} told");
    }
}

/// A commit may lie between the permit and the request.
#[test]
fn a_request_counts_from_when_it_leaves() {
    let mut pacer = new(settings(Some(1), 1000), &Past::default());
    let mut ticket = go(&mut pacer, at(0));
    pacer.started(&mut ticket, at(600));
    pacer.answered(ticket, at(601), &NOTHING);
    assert_eq!(kept(&mut pacer, at(3700)).1, Why::Rate);
    go(&mut pacer, at(600 + 3604));

    // It leaves after the end of the window in which it was allowed: its answer is of the next one.
    let mut pacer = after_first(settings(None, 1000), &undated(10, 3));
    let mut ticket = go(&mut pacer, at(3595));
    let asks = go(&mut pacer, at(3602));
    pacer.started(&mut ticket, at(3603));
    pacer.answered(ticket, at(3604), &undated(10, 8));
    assert_eq!(pacer.view(at(3604)).left, Some(7));
    pacer.answered(asks, at(3605), &undated(10, 7));
    assert_eq!(pacer.view(at(3605)).left, Some(7));
}

#[test]
fn connections_that_were_refused_come_back_with_clean_answers() {
    let mut pacer = knowing(900);
    let [refused, others @ ..] = several::<6>(&mut pacer, at(1));
    refuse(&mut pacer, refused, at(2), told(1000, 899, 3600), None);
    assert_eq!(pacer.view(at(2)).concurrency, 3);
    for other in others {
        pacer.answered(other, at(2), &told(1000, 890, 3600));
    }
    for left in 0..45 {
        let ticket = go(&mut pacer, at(3));
        pacer.answered(ticket, at(3), &told(1000, 889 - left, 3600));
    }
    assert_eq!(pacer.view(at(3)).concurrency, 4);
}

#[test]
fn what_was_under_way_when_a_refusal_came_neither_shortens_nor_changes_the_wait() {
    // No headers at all: the second refusal in a row waits twice as long, whatever was accepted before it.
    let mut pacer = after_first(settings(Some(1000), 1000), &NOTHING);
    let [first, accepted] = several(&mut pacer, at(1));
    refuse(&mut pacer, first, at(2), NOTHING, None);
    pacer.answered(accepted, at(3), &NOTHING);
    assert_eq!(kept(&mut pacer, at(3)), (Some(1), Why::Throttled));
    let asks = go(&mut pacer, at(4));
    refuse(&mut pacer, asks, at(5), NOTHING, None);
    assert_eq!(kept(&mut pacer, at(5)), (Some(4), Why::Throttled));

    // A bare refusal of the same burst says nothing new; one that names a time does.
    let mut pacer = after_first(settings(Some(1000), 1000), &NOTHING);
    let [first, bare, named] = several(&mut pacer, at(1));
    refuse(&mut pacer, first, at(2), NOTHING, Some(10));
    refuse(&mut pacer, bare, at(2), NOTHING, None);
    assert_eq!(kept(&mut pacer, at(2)), (Some(10), Why::Throttled));
    refuse(&mut pacer, named, at(2), NOTHING, Some(60));
    assert_eq!(kept(&mut pacer, at(2)), (Some(60), Why::Throttled));
}

#[test]
fn a_refusal_that_names_a_time_ends_the_window_and_no_connection_is_given_up() {
    let mut pacer = knowing(900);
    let [refused, other] = several(&mut pacer, at(1));
    refuse(&mut pacer, refused, at(2), NOTHING, Some(60));
    assert_eq!(kept(&mut pacer, at(2)), (Some(60), Why::Throttled));
    pacer.lost(other, at(3));
    go(&mut pacer, at(62));
    assert_eq!(kept(&mut pacer, at(62)), (None, Why::Probing));
    assert_eq!(pacer.view(at(62)).concurrency, 20);
}

#[test]
fn a_refusal_that_names_a_time_teaches_no_limit() {
    let mut pacer = after_first(settings(None, 100), &NOTHING);
    for _ in 0..5 {
        let ticket = go(&mut pacer, at(1));
        pacer.answered(ticket, at(1), &NOTHING);
    }
    let refused = go(&mut pacer, at(2));
    refuse(&mut pacer, refused, at(2), NOTHING, Some(10));
    assert_eq!(at_once(&mut pacer, at(12), &NOTHING), 100 - 7);
    assert_eq!(pacer.view(at(12)).limit, Some(100));
}

#[test]
fn a_wait_without_a_time_is_shortened_at_random_by_half_of_it_at_most() {
    for (jitter, seconds) in [(-1.0, 1.0), (0.0, 1.0), (0.5, 1.5), (1.0, 2.0), (7.0, 2.0)] {
        let mut pacer = after_first(settings(Some(1000), 1000), &NOTHING);
        let refused = go(&mut pacer, at(1));
        let refusal = Refusal {
            jitter,
            ..Refusal::default()
        };
        pacer.throttled(refused, at(1), &refusal);
        let Decision::Wait { until, .. } = pacer.poll(at(1)) else {
            panic!("{jitter}");
        };
        let wait = Duration::from_secs_f64(seconds);
        assert_eq!(until, Some(at(1).after(wait)), "{jitter}");
    }
}

/// What came late tells of room. It may be older than the refusal, so that one request asks first.
#[test]
fn after_a_refusal_one_request_asks_even_where_a_late_answer_tells_of_room() {
    let mut pacer = knowing(900);
    let [refused, late] = several(&mut pacer, at(1));
    refuse(&mut pacer, refused, at(2), told(1000, 0, 10), None);
    pacer.answered(late, at(3), &told(1000, 50, 3600));
    let asks = go(&mut pacer, at(3));
    assert_eq!(kept(&mut pacer, at(3)), (None, Why::Probing));
    pacer.answered(asks, at(4), &told(1000, 49, 3599));
    several::<20>(&mut pacer, at(4));
    assert_eq!(kept(&mut pacer, at(4)), (None, Why::Connections));
}

#[test]
fn a_bare_refusal_is_the_connections_fault_only_while_quota_is_surely_left() {
    // What others claimed may have used it up.
    let mut pacer = knowing(10);
    let [refused, other] = several(&mut pacer, at(1));
    pacer.others(50, at(1));
    refuse(&mut pacer, refused, at(2), NOTHING, None);
    assert_eq!(kept(&mut pacer, at(2)), (Some(2), Why::Throttled));
    pacer.lost(other, at(2));
    assert_eq!(pacer.view(at(2)).concurrency, 20);
    assert_eq!(pacer.state(at(2)).remaining, Some(0));

    // A window that was refused is not open, whatever a late answer tells of it.
    let mut pacer = knowing(100);
    let [first, late, bare, _] = several(&mut pacer, at(1));
    refuse(&mut pacer, first, at(2), told(1000, 0, 3598), None);
    pacer.answered(late, at(2), &told(1000, 50, 3598));
    refuse(&mut pacer, bare, at(3), NOTHING, None);
    assert_eq!(pacer.view(at(3)).concurrency, 20);
    // Nor do others that may have used it up open it.
    pacer.others(100, at(3));
    assert_eq!(kept(&mut pacer, at(3)).1, Why::Throttled);
}

#[test]
fn a_request_without_an_answer_may_be_counted_until_a_minute_later() {
    let mut pacer = knowing(100);
    let lost = go(&mut pacer, at(1));
    pacer.lost(lost, at(2));
    let view = pacer.view(at(2));
    assert_eq!((view.in_flight, view.left), (0, Some(99)));
    for (sent, told_left, left) in [(61, 99, 98), (62, 97, 97)] {
        let next = go(&mut pacer, at(sent));
        pacer.answered(next, at(sent), &told(1000, told_left, 3600 - sent));
        assert_eq!(pacer.view(at(sent)).left, Some(left), "sent at {sent}");
    }
}

/// Of a sliding window: the latest answer tells more than the smallest one.
#[test]
fn a_permit_that_comes_back_unused_gives_its_place_in_the_window_back() {
    let mut pacer = knowing(10);
    let ticket = go(&mut pacer, at(1));
    pacer.answered(ticket, at(1), &told(1000, 50, 3599));
    let unused = go(&mut pacer, at(2));
    assert_eq!(pacer.view(at(2)).left, Some(49));
    pacer.returned(unused);
    assert_eq!(pacer.view(at(2)).left, Some(50));
}

#[test]
fn runs_that_share_the_token_share_the_connections() {
    let mut pacer = knowing(900);
    for (runs, share) in [(4, 5), (1, 20)] {
        pacer.shared_by(runs);
        assert_eq!(pacer.view(at(0)).concurrency, share);
    }
}

#[test]
fn the_source_of_the_pace_is_unknown_until_an_answer_and_again_when_its_window_is_over() {
    for (rate, silent) in [(None, Source::Fallback), (Some(100), Source::UserRate)] {
        let settings = settings(rate, 100);
        let mut pacer = new(settings, &Past::default());
        assert_eq!(pacer.view(at(0)).source, Source::Unknown);
        let mut none = after_first(settings, &NOTHING);
        assert_eq!(none.view(at(0)).source, silent);
        let mut window = after_first(settings, &told(1000, 900, 60));
        for (seconds, source) in [(0, Source::Headers), (62, Source::Unknown)] {
            assert_eq!(window.view(at(seconds)).source, source, "{rate:?}");
        }
    }
}

#[test]
fn a_window_whose_limit_is_not_told_is_used_as_it_is() {
    let left = QuotaHeaders {
        limit: None,
        ..told(0, 50, 3600)
    };
    let pace = Settings {
        burst: None,
        ..settings(None, 1000)
    };
    let mut pacer = after_first(pace, &left);
    several::<20>(&mut pacer, at(0));
}

#[test]
fn a_restart_into_an_open_window_asks_alone_and_then_uses_it() {
    let past = Past {
        quota: knowing(50).state(at(0)),
        ..Past::default()
    };
    let mut pacer = new(settings(None, 1000), &past);
    assert_eq!(pacer.view(at(0)).left, Some(50));
    let asks = go(&mut pacer, at(0));
    assert_eq!(kept(&mut pacer, at(0)), (None, Why::Probing));
    pacer.answered(asks, at(1), &told(1000, 49, 3599));
    several::<20>(&mut pacer, at(1));
}

/// An earlier run lost answers: how many of its requests reached the server, and in which window, is not known.
#[test]
fn answers_that_were_lost_may_fill_the_next_window_for_an_hour_and_a_minute() {
    let past = |unanswered| Past {
        quota: QuotaState {
            limit: Some(3),
            ..QuotaState::default()
        },
        starts: vec![minutes_ago(10)],
        unanswered,
    };
    go(&mut new(settings(None, 1000), &past(2)), at(0));
    let mut pacer = new(settings(None, 1000), &past(3));
    assert_eq!(kept(&mut pacer, at(0)), (Some(51 * 60), Why::Quota));
    go(&mut pacer, at(51 * 60));
}

/// They may be counted in the next window: no more than the plan allows, which is a smaller one by now.
#[test]
fn requests_that_are_unanswered_at_the_end_of_a_window_may_fill_the_next_one() {
    for (unanswered, asks) in [(1, true), (2, false)] {
        let mut pacer = after_first(settings(None, 1000), &told(10, 9, 10));
        for _ in 0..unanswered {
            go(&mut pacer, at(1));
        }
        let answered = go(&mut pacer, at(1));
        pacer.answered(answered, at(2), &told(2, 0, 8));
        if asks {
            go(&mut pacer, at(12));
        } else {
            assert_eq!(kept(&mut pacer, at(12)), (None, Why::Probing));
        }
    }
}
