//! The pacer keeps the quota exactly: simulated hours against servers of every kind.

use std::num::NonZeroU32;

use outreach::dispatch::pacer::core::Settings;
use outreach::domain::quota::Rate;

use crate::pacer_sim::{Counting, Headers, Outcome, Scenario, optimum, run};

const KINDS: [Counting; 3] = [Counting::Fixed, Counting::Sliding, Counting::Leaky];
const LIMITS: [u64; 6] = [1, 2, 3, 1000, 2000, 100_000];

fn scenario(counting: Counting, limit: u64) -> Scenario {
    let concurrency = if limit > 10_000 { 64 } else { 10 };
    Scenario {
        counting,
        limit,
        rows: (limit * 5 / 2).max(4),
        headers: Headers::Honest,
        settings: Settings {
            concurrency: NonZeroU32::new(concurrency).unwrap(),
            ..Settings::default()
        },
        latency: (20, 200),
        restarts: 0,
        others: 0,
        connections: usize::MAX,
        seed: 7,
    }
}

fn told(scenario: &Scenario, outcome: &Outcome) -> String {
    format!(
        "{:?} {}/h: {} refused, at most {} in a window, finished at {:.1} s, optimum {:.1} s",
        scenario.counting,
        scenario.limit,
        outcome.refused,
        outcome.most_in_window,
        outcome.finished as f64 / 1e9,
        optimum(scenario) as f64 / 1e9,
    )
}

#[test]
fn with_honest_headers_nothing_is_refused_and_the_time_is_within_one_percent_of_the_optimum() {
    for counting in KINDS {
        for limit in LIMITS {
            for headers in [Headers::Honest, Headers::HonestRelative] {
                let scenario = Scenario {
                    headers,
                    ..scenario(counting, limit)
                };
                let outcome = run(&scenario);
                let told = told(&scenario, &outcome);
                assert_eq!(outcome.refused, 0, "{told}");
                assert_eq!(outcome.sent, scenario.rows, "{told}");
                assert!(
                    outcome.finished as f64 <= 1.01 * optimum(&scenario) as f64,
                    "{told}"
                );
            }
        }
    }
}

#[test]
fn table() {
    for (name, change) in CASES {
        for counting in KINDS {
            for limit in LIMITS {
                let mut scenario = scenario(counting, limit);
                change(&mut scenario);
                let outcome = run(&scenario);
                println!(
                    "{name} | {} | lost {} peak {} ratio {:.4} starts {}",
                    told(&scenario, &outcome),
                    outcome.lost,
                    outcome.peak,
                    outcome.finished as f64 / optimum(&scenario) as f64,
                    outcome.most_starts
                );
            }
        }
    }
}

type Case = (&'static str, fn(&mut Scenario));
const CASES: [Case; 6] = [
    ("restarts", |scenario| scenario.restarts = 8),
    ("others 30", |scenario| scenario.others = 30),
    ("missing, rate", |scenario| {
        scenario.headers = Headers::Missing;
        scenario.settings.rate = Some(Rate::new(
            u32::try_from(scenario.limit).unwrap().try_into().unwrap(),
            outreach::domain::quota::Per::Hour,
        ));
    }),
    ("missing", |scenario| scenario.headers = Headers::Missing),
    ("lying", |scenario| scenario.headers = Headers::Lying),
    ("connections 3", |scenario| scenario.connections = 3),
];
