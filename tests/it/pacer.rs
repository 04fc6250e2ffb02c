//! The pacer keeps the quota exactly: simulated hours against servers of every kind, and its shell.

use std::num::NonZeroU32;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use outreach::internals::clock::Clock;
use outreach::internals::dispatch::pacer::core::{Past, Settings, Why};
use outreach::internals::dispatch::pacer::{Flight, Handle, Permit};
use outreach::internals::domain::quota::{
    Pace, Per, QuotaHeaders, QuotaState, Rate, Reserve, Reset,
};
use proptest::prelude::*;

use crate::pacer_sim::{Counting, Headers, Outcome, Scenario, optimum, run};

const KINDS: [Counting; 3] = [Counting::Fixed, Counting::Sliding, Counting::Leaky];
const LIMITS: [u64; 6] = [1, 2, 3, 1000, 2000, 100_000];

fn per_hour(count: u64) -> Rate {
    Rate::new(
        NonZeroU32::new(count.try_into().unwrap()).unwrap(),
        Per::Hour,
    )
}

fn each_server(check: impl Fn(Scenario)) {
    for counting in KINDS {
        for limit in LIMITS {
            check(Scenario::plain(counting, limit));
        }
    }
}

fn told(scenario: &Scenario, outcome: &Outcome) -> String {
    format!(
        "{:?} {}/h: {} refused, at most {} in a window, {} starts in an hour, {:.1} s, optimum {:.1} s",
        scenario.counting,
        scenario.limit,
        outcome.refused,
        outcome.most_in_window,
        outcome.most_starts,
        outcome.finished as f64 / 1e9,
        optimum(scenario) as f64 / 1e9,
    )
}

fn assert_near_the_optimum(scenario: &Scenario, outcome: &Outcome) {
    let limit = 1.01 * optimum(scenario) as f64;
    assert!(
        outcome.finished as f64 <= limit,
        "{}",
        told(scenario, outcome)
    );
}

#[test]
fn with_honest_headers_nothing_is_refused_and_the_time_is_within_one_percent_of_the_optimum() {
    for headers in [Headers::Honest, Headers::HonestRelative] {
        each_server(|mut scenario| {
            scenario.headers = headers;
            let outcome = run(&scenario);
            assert_eq!(outcome.refused, 0, "{}", told(&scenario, &outcome));
            assert_eq!(outcome.sent, scenario.rows);
            assert_near_the_optimum(&scenario, &outcome);
        });
    }
}

#[test]
fn a_process_that_is_killed_again_and_again_is_refused_nothing_and_loses_no_time() {
    each_server(|mut scenario| {
        scenario.restarts = 8;
        let outcome = run(&scenario);
        assert_eq!(outcome.refused, 0, "{}", told(&scenario, &outcome));
        assert_near_the_optimum(&scenario, &outcome);
    });
}

#[test]
fn a_second_client_costs_at_most_the_requests_that_were_on_their_way() {
    for limit in LIMITS {
        for counting in [Counting::Fixed, Counting::Sliding] {
            let mut scenario = Scenario::plain(counting, limit);
            scenario.others = 30;
            let outcome = run(&scenario);
            let windows = scenario.rows / limit + 1;
            let connections = u64::from(scenario.settings.concurrency.get());
            assert!(
                outcome.refused <= windows * connections,
                "{}",
                told(&scenario, &outcome)
            );
            assert_near_the_optimum(&scenario, &outcome);
        }
    }
}

#[test]
fn a_reserve_is_left_for_the_second_client() {
    for counting in [Counting::Fixed, Counting::Sliding] {
        let mut scenario = Scenario::plain(counting, 1000);
        scenario.settings.reserve = Reserve::Percent(10);
        let outcome = run(&scenario);
        assert_eq!(outcome.most_in_window, 900, "{}", told(&scenario, &outcome));
    }
}

#[test]
fn without_headers_the_users_rate_is_kept_in_every_hour_and_used() {
    each_server(|mut scenario| {
        scenario.headers = Headers::Missing;
        scenario.settings.rate = Some(per_hour(scenario.limit));
        let outcome = run(&scenario);
        assert_eq!(outcome.refused, 0, "{}", told(&scenario, &outcome));
        assert!(outcome.most_starts as u64 <= scenario.limit);
        let nominal =
            (scenario.rows - scenario.limit.min(2)) as f64 / scenario.limit as f64 * 3600.0;
        assert!(
            outcome.finished as f64 / 1e9
                <= nominal * 1.01 + 3600.0 * f64::from(scenario.limit < 4)
        );
    });
}

#[test]
fn without_headers_and_rate_a_refusal_teaches_the_limit() {
    for limit in [1, 2, 3, 100] {
        let mut scenario = Scenario::plain(Counting::Fixed, limit);
        scenario.headers = Headers::Missing;
        let outcome = run(&scenario);
        assert!(
            (1..=3).contains(&outcome.refused),
            "{}",
            told(&scenario, &outcome)
        );
        assert!(
            outcome.most_in_window as u64 <= limit + 2,
            "{}",
            told(&scenario, &outcome)
        );
    }
}

#[test]
fn a_server_whose_remaining_never_falls_is_not_believed_beyond_its_limit() {
    for counting in [Counting::Fixed, Counting::Sliding] {
        for limit in LIMITS {
            let mut scenario = Scenario::plain(counting, limit);
            scenario.headers = Headers::Lying;
            let outcome = run(&scenario);
            assert_eq!(outcome.refused, 0, "{}", told(&scenario, &outcome));
        }
    }
}

#[test]
fn refused_connections_lower_the_concurrency_and_not_the_pace() {
    let mut scenario = Scenario::plain(Counting::Fixed, 2000);
    scenario.connections = 3;
    let outcome = run(&scenario);
    assert!(outcome.refused <= 30, "{}", told(&scenario, &outcome));
    assert_near_the_optimum(&scenario, &outcome);

    scenario.settings.concurrency = NonZeroU32::new(3).unwrap();
    let outcome = run(&scenario);
    assert_eq!((outcome.refused, outcome.peak), (0, 3));
}

#[test]
fn an_even_pace_spreads_the_window_and_still_uses_it() {
    let mut scenario = Scenario::plain(Counting::Fixed, 1000);
    scenario.settings.pace = Pace::Even;
    let outcome = run(&scenario);
    assert_eq!(outcome.refused, 0);
    let first_half = outcome
        .starts
        .iter()
        .filter(|at| **at < 1800 * 1_000_000_000)
        .count();
    assert!((490..=520).contains(&first_half), "{first_half}");
    let first_hour = outcome
        .starts
        .iter()
        .filter(|at| **at < 3600 * 1_000_000_000)
        .count();
    assert!(first_hour >= 990, "{first_hour}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever the order of the answers, the latency and the kills: never one too many.
    #[test]
    fn stale_headers_and_restarts_never_let_one_more_through(
        counting in prop::sample::select(KINDS.to_vec()),
        limit in 1u64..60, rows in 1u64..150, concurrency in 1u32..20,
        fastest in 0i64..300, spread in 0i64..4000, restarts in 0u32..8, seed: u64, even: bool,
    ) {
        let mut scenario = Scenario::plain(counting, limit);
        scenario.rows = rows.min(limit * 5);
        scenario.latency = (fastest, fastest + spread);
        scenario.restarts = restarts;
        scenario.seed = seed;
        scenario.settings.concurrency = NonZeroU32::new(concurrency).unwrap();
        scenario.settings.pace = if even { Pace::Even } else { Pace::Fast };
        let outcome = run(&scenario);
        // A kill can hide which request opened a window: rarely, where that matters, it costs a refusal.
        let exact = restarts == 0 || (counting == Counting::Fixed && limit > 3);
        let hidden = if exact { 0 } else { u64::from(restarts) };
        prop_assert!(outcome.refused <= hidden, "{}", told(&scenario, &outcome));
        prop_assert!(outcome.peak <= concurrency as usize * (restarts as usize + 1));
    }

    /// The user's rate holds in every window, restarts included, whatever the server tells.
    #[test]
    fn a_rate_never_lets_one_more_through_in_any_hour(
        headers in prop::sample::select(vec![Headers::Honest, Headers::HonestRelative, Headers::Missing, Headers::Lying]),
        rate in 1u64..40, burst in 1u32..50, restarts in 0u32..6, seed: u64,
    ) {
        let mut scenario = Scenario::plain(Counting::Fixed, 100);
        scenario.headers = headers;
        scenario.rows = rate * 3;
        scenario.restarts = restarts;
        scenario.seed = seed;
        scenario.settings.rate = Some(per_hour(rate));
        scenario.settings.burst = NonZeroU32::new(burst);
        let outcome = run(&scenario);
        prop_assert!(outcome.most_starts as u64 <= rate, "{}", told(&scenario, &outcome));
    }
}

// The shell.

const START: Timestamp = Timestamp::constant(1_790_000_000, 0);

fn headers(limit: u64, remaining: u64, reset_in: u64) -> QuotaHeaders {
    let reset = reset_in.to_string();
    QuotaHeaders::parse(
        Some(&limit.to_string()),
        Some(&remaining.to_string()),
        Some(&reset),
        None,
    )
}

fn handle(clock: &Clock, settings: Settings) -> Handle {
    Handle::with_seed(settings, &Past::default(), clock.clone(), 1)
}

#[tokio::test(start_paused = true)]
async fn the_first_request_asks_alone_and_its_answer_frees_the_others() {
    let clock = Clock::paused(START);
    let handle = handle(&clock, Settings::default());
    let probe = handle.acquire().await;
    assert!(handle.try_acquire().is_none());
    assert_eq!(handle.view().why, Some(Why::Probing));
    probe.answered(&headers(1000, 999, 3600));
    let permits = [
        handle.acquire().await,
        handle.acquire().await,
        handle.acquire().await,
    ];
    assert_eq!(handle.view().in_flight, 3);
    assert!(handle.try_acquire().is_none());
    assert_eq!(handle.view().why, Some(Why::Connections));
    drop(permits);
    assert_eq!(handle.view().in_flight, 0);
    assert_eq!(handle.view().left, Some(999));
}

#[test]
fn a_free_permit_is_given_at_once_however_many_ask_at_the_same_moment() {
    let handle = handle(
        &Clock::system(),
        Settings {
            concurrency: NonZeroU32::new(64).unwrap(),
            ..Settings::default()
        },
    );
    let ask_once = || {
        let mut asking = pin!(handle.acquire());
        let mut context = Context::from_waker(Waker::noop());
        asking.as_mut().poll(&mut context).map(Permit::started)
    };
    let Poll::Ready(probe) = ask_once() else {
        panic!("the first one waits for nobody");
    };
    probe.answered(&headers(1_000_000, 999_999, 3600));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5000 {
                    assert!(ask_once().map(Flight::not_sent).is_ready());
                }
            });
        }
    });
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_comes_before_whoever_asks_later() {
    let clock = Clock::paused(START);
    let handle = handle(&clock, Settings::default());
    let probe = handle.acquire().await;
    let mut waiting = pin!(handle.acquire());
    let mut context = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    probe.answered(&headers(1000, 1, 3600));
    assert!(
        handle.try_acquire().is_none(),
        "the one that is left is spoken for"
    );
    assert!(waiting.as_mut().poll(&mut context).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_429_stops_everything_until_reset_then_one_goes_alone() {
    let clock = Clock::paused(START);
    let handle = handle(&clock, Settings::default());
    handle.acquire().await.answered(&headers(1000, 500, 3600));
    let (first, second) = (handle.acquire().await, handle.acquire().await);
    first.throttled(&headers(1000, 0, 600), None);
    assert!(handle.try_acquire().is_none());
    assert_eq!(handle.view().why, Some(Why::Throttled));
    second.throttled(&headers(1000, 0, 600), None);
    let probe = handle.acquire().await;
    let slept = clock.monotonic().as_secs();
    assert!((600..=603).contains(&slept), "{slept}");
    assert!(handle.try_acquire().is_none(), "the probe goes alone");
    probe.answered(&headers(1000, 999, 3600));
    handle.acquire().await.lost();
}

#[tokio::test(start_paused = true)]
async fn a_bare_429_while_quota_is_surely_left_lowers_the_concurrency() {
    let clock = Clock::paused(START);
    let settings = Settings {
        concurrency: NonZeroU32::new(6).unwrap(),
        ..Settings::default()
    };
    let handle = handle(&clock, settings);
    handle.acquire().await.answered(&headers(1000, 900, 3600));
    let mut permits = Vec::new();
    for _ in 0..6 {
        permits.push(handle.acquire().await);
    }
    clock.sleep(Duration::from_millis(10)).await;
    for refused in permits.drain(3..) {
        refused.throttled(&QuotaHeaders::default(), None);
    }
    for accepted in permits {
        accepted.answered(&headers(1000, 897, 3600));
    }
    assert_eq!(handle.view().concurrency, 3);
    let next = handle.acquire().await;
    assert!(clock.monotonic() < Duration::from_secs(1), "no pause");
    clock.sleep(Duration::from_millis(10)).await;
    // Alone it cannot be the connections' fault: now it pauses.
    next.throttled(&QuotaHeaders::default(), None);
    assert!(handle.try_acquire().is_none());
    assert_eq!(handle.view().why, Some(Why::Throttled));
}

#[tokio::test(start_paused = true)]
async fn a_429_without_any_time_backs_off_longer_each_time() {
    let clock = Clock::paused(START);
    let handle = handle(
        &clock,
        Settings {
            rate: Some("100/s".parse().unwrap()),
            ..Settings::default()
        },
    );
    let mut waits = Vec::new();
    for _ in 0..6 {
        let before = clock.monotonic();
        handle
            .acquire()
            .await
            .throttled(&QuotaHeaders::default(), None);
        waits.push(clock.monotonic().as_secs_f64() - before.as_secs_f64());
    }
    assert!(waits[1] >= 1.0 && waits[5] >= 16.0, "{waits:?}");
    assert!(
        waits
            .windows(2)
            .skip(1)
            .all(|pair| pair[1] > pair[0] * 0.99),
        "{waits:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_where_there_is_no_reset() {
    let clock = Clock::paused(START);
    let handle = handle(&clock, Settings::default());
    handle
        .acquire()
        .await
        .throttled(&QuotaHeaders::default(), Some(Duration::from_mins(2)));
    handle.acquire().await.lost();
    let slept = clock.monotonic().as_secs();
    assert!((120..=121).contains(&slept), "{slept}");
}

#[tokio::test(start_paused = true)]
async fn an_end_of_the_quota_that_cannot_be_is_not_waited_for() {
    let in_the_year_5138 = Timestamp::from_second(99_999_999_999).unwrap();
    let over = START - SignedDuration::from_hours(1);
    for reset in [
        Reset::At(in_the_year_5138),
        Reset::At(over),
        Reset::In(Duration::from_hours(3)),
    ] {
        for refused in [false, true] {
            let clock = Clock::paused(START);
            let handle = handle(&clock, Settings::default());
            let wrong = QuotaHeaders {
                reset: Some(reset),
                ..headers(1000, 0, 0)
            };
            let mut waits = Vec::new();
            for _ in 0..4 {
                let before = clock.monotonic();
                let flight = handle.acquire().await;
                waits.push(clock.monotonic().saturating_sub(before).as_secs());
                if refused {
                    flight.throttled(&wrong, None);
                } else {
                    flight.answered(&wrong);
                }
            }
            assert!(waits[1] <= 3 && waits[3] <= 12, "{reset:?}: {waits:?}");
            assert!(waits[3] > waits[1], "less and less often: {waits:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_retry_after_and_reset_the_later_is_obeyed() {
    for (reset, retry_after) in [(2, 20), (20, 2), (20, 0)] {
        let clock = Clock::paused(START);
        let handle = handle(&clock, Settings::default());
        let refusal = headers(1000, 0, reset);
        let retry_after = Some(Duration::from_secs(retry_after));
        handle.acquire().await.throttled(&refusal, retry_after);
        handle.acquire().await.lost();
        let slept = clock.monotonic().as_secs();
        assert!((20..=21).contains(&slept), "{reset}: {slept}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_dropped_takes_no_permit_and_lets_the_next_one_wait() {
    let clock = Clock::paused(START);
    let handle = handle(&clock, Settings::default());
    handle.acquire().await.answered(&headers(1000, 0, 3600));
    // Ctrl-C while sleeping to Reset: the wait ends at once.
    let waited = tokio::time::timeout(Duration::from_secs(1), handle.acquire()).await;
    assert!(waited.is_err());
    assert_eq!(handle.view().in_flight, 0);
    assert_eq!(
        handle.view().sleeping_until,
        Some(START + SignedDuration::from_secs(3601))
    );
    let probe = handle.acquire().await;
    assert_eq!(clock.now(), START + SignedDuration::from_secs(3601));
    drop(probe);
    handle.acquire().await.lost();
}

#[tokio::test(start_paused = true)]
async fn permits_are_handed_out_in_the_order_of_asking() {
    let clock = Clock::paused(START);
    let handle = handle(
        &clock,
        Settings {
            rate: Some("10/s".parse().unwrap()),
            ..Settings::default()
        },
    );
    handle.acquire().await.answered(&QuotaHeaders::default());
    let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..20 {
        let (handle, told) = (handle.clone(), told.clone());
        tokio::spawn(async move {
            let permit = handle.acquire().await;
            told.send(number).unwrap();
            permit.answered(&QuotaHeaders::default());
        });
        tokio::task::yield_now().await;
    }
    for number in 0..20 {
        assert_eq!(order.recv().await, Some(number));
    }
}

#[tokio::test(start_paused = true)]
async fn a_suspended_machine_asks_once_when_it_wakes_and_does_not_burst() {
    let clock = Clock::paused(START);
    let handle = handle(&clock, Settings::default());
    handle.acquire().await.answered(&headers(1000, 0, 3600));
    let waiting = {
        let handle = handle.clone();
        tokio::spawn(async move { handle.acquire().await })
    };
    tokio::time::sleep(Duration::from_mins(1)).await;
    clock.jump_wall(SignedDuration::from_hours(8));
    let probe = waiting.await.unwrap();
    assert!(clock.monotonic() < Duration::from_secs(70));
    assert!(
        handle.try_acquire().is_none(),
        "no burst: one request asks first"
    );
    probe.lost();
}

#[tokio::test(start_paused = true)]
async fn what_other_processes_claimed_is_taken_off_the_quota() {
    let clock = Clock::paused(START);
    let handle = handle(&clock, Settings::default());
    handle.acquire().await.answered(&headers(1000, 5, 3600));
    handle.others(4);
    assert_eq!(handle.view().left, Some(1));
    let last = handle.acquire().await;
    assert!(handle.try_acquire().is_none());
    last.lost();
    assert_eq!(handle.state().remaining, Some(0));
}

#[tokio::test(start_paused = true)]
async fn what_others_claimed_is_asked_for_and_not_waited_for() {
    let clock = Clock::paused(START);
    let handle = handle(&clock, Settings::default());
    handle.acquire().await.answered(&headers(1000, 100, 3600));
    // All that is left, as it seems; but some of it was counted already when we were told.
    handle.others(100);
    let probe = handle.acquire().await;
    let slept = clock.monotonic();
    assert!(
        slept >= Duration::from_secs(2) && slept < Duration::from_secs(3),
        "{slept:?}"
    );
    assert!(handle.try_acquire().is_none(), "it goes alone");
    probe.answered(&headers(1000, 40, 3598));
    assert_eq!(handle.view().left, Some(40));

    // After Reset, others never keep us from asking.
    handle.others(2000);
    clock.sleep(Duration::from_hours(1)).await;
    handle.acquire().await.answered(&headers(1000, 999, 3600));
    assert_eq!(handle.view().left, Some(999));
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_with_what_was_left() {
    let clock = Clock::paused(START);
    let handle = handle(&clock, Settings::default());
    handle.acquire().await.answered(&headers(1000, 2, 3600));
    let flight = handle.acquire().await.started();
    let kept = handle.state();
    assert_eq!(kept.remaining, Some(1));
    let past = Past {
        quota: kept,
        ..Past::default()
    };
    let again = Handle::with_seed(Settings::default(), &past, clock.clone(), 1);
    let probe = again.acquire().await;
    assert!(again.try_acquire().is_none());
    assert_eq!(again.view().left, Some(0));
    probe.lost();
    flight.lost();
}

#[tokio::test(start_paused = true)]
async fn after_the_window_a_restart_asks_at_once_however_much_was_sent_in_it() {
    let clock = Clock::paused(START);
    let handle = handle(&clock, Settings::default());
    handle.acquire().await.answered(&headers(5000, 0, 600));
    let kept = handle.state();
    clock.sleep(Duration::from_secs(700)).await;
    // More than the careful rate of those who know no limit would allow in an hour.
    let past = Past {
        quota: kept,
        starts: vec![START; 5000],
        unanswered: 0,
    };
    let again = Handle::with_seed(Settings::default(), &past, clock.clone(), 1);
    let begin = clock.monotonic();
    let probe = again.acquire().await;
    assert_eq!(clock.monotonic(), begin, "it waits, and the window is over");
    assert!(again.try_acquire().is_none(), "the first asks alone");
    probe.answered(&headers(5000, 4999, 3600));
    assert_eq!(again.view().left, Some(4999));
}

/// The plan may be a larger one by now.
#[tokio::test(start_paused = true)]
async fn a_limit_from_an_earlier_window_does_not_say_that_the_reserve_takes_all() {
    let clock = Clock::paused(START);
    let settings = Settings {
        reserve: Reserve::Requests(10),
        ..Settings::default()
    };
    let first = handle(&clock, Settings::default());
    first.acquire().await.answered(&headers(10, 9, 600));
    let kept = first.state();
    clock.sleep(Duration::from_secs(700)).await;
    let past = Past {
        quota: kept,
        ..Past::default()
    };
    let again = Handle::with_seed(settings, &past, clock.clone(), 1);
    let probe = tokio::time::timeout(Duration::from_secs(1), again.acquire())
        .await
        .expect("one request asks");
    probe.answered(&headers(2000, 1999, 3600));
    assert!(again.try_acquire().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_429_with_quota_left_waits_as_told_and_the_window_stands() {
    for told in [Some(Duration::from_secs(2)), None] {
        let clock = Clock::paused(START);
        let handle = handle(&clock, Settings::default());
        handle.acquire().await.answered(&headers(1000, 900, 3600));
        handle
            .acquire()
            .await
            .throttled(&headers(1000, 900, 3600), told);
        assert!(handle.try_acquire().is_none());
        let view = handle.view();
        assert_eq!((view.why, view.limit), (Some(Why::Throttled), Some(1000)));
        assert!(view.sleeping_until.is_some());
        assert!(view.left.unwrap() >= 899, "{view:?}");
        assert!(handle.state().remaining.unwrap() >= 899);
        handle.acquire().await.answered(&headers(1000, 899, 3600));
        let slept = clock.monotonic();
        let least = told.unwrap_or(Duration::from_secs(1));
        assert!(
            slept >= least && slept <= Duration::from_secs(3),
            "{told:?}: {slept:?}"
        );
        // No probe, no other limit: the next two leave at once.
        let _both = (handle.acquire().await, handle.acquire().await);
        assert_eq!(clock.monotonic(), slept);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bare_429_as_the_first_answer_teaches_no_limit() {
    for told in [None, Some(Duration::ZERO)] {
        let clock = Clock::paused(START);
        let handle = handle(&clock, Settings::default());
        for _ in 0..2 {
            let first = handle.acquire().await;
            first.throttled(&QuotaHeaders::default(), told);
            assert!(handle.try_acquire().is_none());
            assert_eq!(handle.view().why, Some(Why::Throttled));
        }
        for _ in 0..3 {
            let next = handle.acquire().await;
            next.answered(&QuotaHeaders::default());
        }
        // Two short waits, and then the careful pace of a server that tells nothing.
        let slept = clock.monotonic();
        assert!(slept >= Duration::from_secs(3), "{told:?}: {slept:?}");
        assert!(slept <= Duration::from_secs(30), "{told:?}: {slept:?}");
    }
}

/// At most two requests in an hour, at once if they like.
fn two_an_hour() -> Settings {
    Settings {
        rate: Some(per_hour(2)),
        burst: NonZeroU32::new(2),
        ..Settings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_was_not_used_takes_no_place_in_the_rate() {
    let handle = handle(&Clock::paused(START), two_an_hour());
    handle.acquire().await.answered(&QuotaHeaders::default());
    drop(handle.acquire().await);
    assert_eq!(handle.view().started_in_period, 1);
    let second = handle.try_acquire().expect("a place");
    second.answered(&QuotaHeaders::default());
    assert!(handle.try_acquire().is_none());
    assert_eq!(handle.view().why, Some(Why::Rate));
}

#[tokio::test(start_paused = true)]
async fn what_other_processes_claimed_counts_in_the_rate() {
    let handle = handle(&Clock::paused(START), two_an_hour());
    handle.acquire().await.answered(&QuotaHeaders::default());
    handle.others(1);
    assert!(handle.try_acquire().is_none());
    assert_eq!(handle.view().why, Some(Why::Rate));
}

#[tokio::test(start_paused = true)]
async fn an_accepted_request_makes_the_next_wait_short_again() {
    let clock = Clock::paused(START);
    let rate = Settings {
        rate: Some(per_hour(1000)),
        burst: NonZeroU32::new(100),
        ..Settings::default()
    };
    let handle = handle(&clock, rate);
    for _ in 0..5 {
        let refused = handle.acquire().await;
        refused.throttled(&QuotaHeaders::default(), None);
    }
    handle.acquire().await.answered(&QuotaHeaders::default());
    let refused = handle.acquire().await;
    refused.throttled(&QuotaHeaders::default(), None);
    let before = clock.monotonic();
    handle.acquire().await.lost();
    let waited = clock.monotonic().saturating_sub(before);
    assert!(waited <= Duration::from_secs(4), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn requests_that_an_earlier_run_had_no_answer_to_may_fill_the_window() {
    let clock = Clock::paused(START);
    let earlier = handle(&clock, Settings::default());
    earlier.acquire().await.answered(&headers(3, 0, 2));
    clock.sleep(Duration::from_secs(10)).await;
    let past = |unanswered| Past {
        quota: earlier.state(),
        starts: vec![clock.now(); 3],
        unanswered,
    };
    let now = |past: &Past| {
        let again = Handle::with_seed(Settings::default(), past, clock.clone(), 1);
        again.try_acquire().is_some()
    };
    assert!(now(&past(2)));
    assert!(!now(&past(3)), "each of them may be counted in it");
}

/// The clock was set back since: when these requests left is not known, so that all of them count as of now.
#[test]
fn starts_that_lie_ahead_count_as_of_this_moment() {
    let clock = Clock::manual(START);
    let settings = Settings {
        rate: Some(per_hour(5)),
        ..Settings::default()
    };
    let past = Past {
        starts: vec![START + SignedDuration::from_mins(40); 5],
        ..Past::default()
    };
    let again = Handle::with_seed(settings, &past, clock.clone(), 1);
    assert!(again.try_acquire().is_none());
    assert_eq!(again.view().why, Some(Why::Rate));
    for (minutes, is_free) in [(59, false), (2, true)] {
        clock.advance(Duration::from_mins(minutes));
        assert_eq!(again.try_acquire().is_some(), is_free);
    }
}

/// What was noted of the quota by a clock that was ahead may be older than any start: each may have used it since.
#[test]
fn what_was_noted_ahead_of_now_leaves_what_no_start_may_have_used() {
    let clock = Clock::manual(START);
    let noted = |ahead: i64| Past {
        quota: QuotaState {
            limit: Some(10),
            remaining: Some(5),
            reset_at: Some(START + SignedDuration::from_mins(30)),
            observed_at: Some(START + SignedDuration::from_mins(ahead)),
        },
        starts: vec![START - SignedDuration::from_mins(9); 2],
        unanswered: 0,
    };
    for (ahead, left) in [(20, 3), (-5, 5), (-10, 3)] {
        let again = Handle::with_seed(Settings::default(), &noted(ahead), clock.clone(), 1);
        assert_eq!(again.view().left, Some(left), "{ahead} minutes ahead");
    }
}

/// A server without headers: a refusal teaches how much an hour allows. After two quiet hours a tenth more is tried.
#[test]
fn what_a_refusal_taught_is_given_up_by_a_tenth_in_two_hours_and_not_beyond_the_pace() {
    let clock = Clock::manual(START);
    let settings = Settings {
        fallback: per_hour(23),
        ..Settings::default()
    };
    let handle = handle(&clock, settings);
    let (none, each, two_hours) = (QuotaHeaders::default(), 160, 7200);
    let next = |wait| {
        clock.advance(Duration::from_secs(wait));
        handle.try_acquire().unwrap()
    };
    for _ in 0..20 {
        next(each).answered(&none);
    }
    assert_eq!(handle.view().limit, Some(23));
    next(each).throttled(&none, None);
    for (wait, limit) in [
        (two_hours - each, 20),
        (each, 22),
        (each, 22),
        (two_hours - each * 2, 22),
        (each, 23),
    ] {
        next(wait).answered(&none);
        assert_eq!(handle.view().limit, Some(limit));
    }
}

#[test]
fn of_two_waits_that_the_server_names_while_quota_is_left_the_longer_counts() {
    for waits in [[60, 5], [5, 60]] {
        let clock = Clock::manual(START);
        let handle = handle(&clock, Settings::default());
        let known = headers(1000, 900, 3600);
        handle.try_acquire().unwrap().answered(&known);
        let permits = [(); 2].map(|()| handle.try_acquire().unwrap());
        for (permit, wait) in permits.into_iter().zip(waits) {
            permit.throttled(&known, Some(Duration::from_secs(wait)));
        }
        clock.advance(Duration::from_secs(59));
        assert!(handle.try_acquire().is_none());
        assert_eq!(handle.view().why, Some(Why::Throttled));
        clock.advance(Duration::from_secs(1));
        assert!(handle.try_acquire().is_some(), "{waits:?}");
    }
}

#[test]
fn an_answer_that_tells_nothing_of_the_open_window_took_one_off_it() {
    let clock = Clock::manual(START);
    let handle = handle(&clock, Settings::default());
    handle
        .try_acquire()
        .unwrap()
        .answered(&headers(10, 3, 3600));
    for left in [2, 1, 0] {
        let permit = handle.try_acquire().unwrap();
        permit.answered(&QuotaHeaders::default());
        assert_eq!(handle.view().left, Some(left));
    }
    assert!(handle.try_acquire().is_none());
    assert_eq!(handle.view().why, Some(Why::Quota));
}

/// A Reset that is over, and nothing left: one request asks, after a wait that doubles. An answer to a request that was
/// under way says nothing new.
#[test]
fn where_nothing_is_left_and_nobody_knows_for_how_long_one_request_asks_less_and_less_often() {
    let clock = Clock::manual(START);
    let handle = handle(&clock, Settings::default());
    let empty = QuotaHeaders {
        limit: Some(10),
        remaining: Some(0),
        reset: Some(Reset::At(START - SignedDuration::from_hours(1))),
        date: None,
    };
    handle
        .try_acquire()
        .unwrap()
        .answered(&headers(10, 5, 3600));
    let under_way = [(); 2].map(|()| handle.try_acquire().unwrap());
    clock.advance(Duration::from_secs(1));
    for permit in under_way {
        permit.answered(&empty);
    }
    for wait in [2, 4, 8] {
        assert!(handle.try_acquire().is_none(), "{wait}");
        assert_eq!(handle.view().why, Some(Why::Quota));
        clock.advance(Duration::from_millis(wait * 1000 - 1));
        assert!(handle.try_acquire().is_none(), "{wait}");
        clock.advance(Duration::from_millis(1));
        let asks = handle.try_acquire().unwrap();
        assert!(handle.try_acquire().is_none(), "{wait}");
        asks.answered(&empty);
    }
}
