//! What the pacer delivers and costs: `cargo bench --bench pacer`, or with `-- table`, `-- real`, `-- idle`.
//!
//! - `table`: simulated hours against servers of three kinds, as Markdown.
//! - `real`: starts a second in real time, the most in any window, CPU a permit.
//! - `idle`: CPU used while everybody sleeps to Reset.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measuring program prints"
)]

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use outreach::internals::clock::Clock;
use outreach::internals::dispatch::pacer::Handle;
use outreach::internals::dispatch::pacer::core::{Past, Settings};
use outreach::internals::domain::quota::{Per, QuotaHeaders, Rate};
use sim::{Counting, Headers, Scenario, most_within, optimum, run};

#[path = "../tests/it/pacer_sim.rs"]
mod sim;

fn main() {
    let wanted = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let wants = |name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    if wants("table") {
        table();
    }
    if wants("real") {
        runtime().block_on(real());
    }
    if wants("idle") {
        runtime().block_on(idle());
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

type Case = (&'static str, fn(&mut Scenario));

const CASES: [Case; 8] = [
    ("honest headers", |_| {}),
    ("honest, Reset as time remaining", |scenario| {
        scenario.headers = Headers::HonestRelative;
    }),
    ("killed 8 times", |scenario| scenario.restarts = 8),
    ("second client takes 30 %", |scenario| scenario.others = 30),
    ("server allows 3 connections", |scenario| {
        scenario.connections = 3;
    }),
    ("no headers, --rate = limit", |scenario| {
        scenario.headers = Headers::Missing;
        let count = u32::try_from(scenario.limit)
            .ok()
            .and_then(NonZeroU32::new)
            .expect("a limit");
        scenario.settings.rate = Some(Rate::new(count, Per::Hour));
    }),
    ("no headers, no rate", |scenario| {
        scenario.headers = Headers::Missing;
    }),
    ("lying headers", |scenario| {
        scenario.headers = Headers::Lying;
    }),
];

fn table() {
    println!(
        "| case | server | limit/h | rows | 429s | most in a server window | most starts in an hour | done, s | optimum, s | over |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (name, change) in CASES {
        for counting in [Counting::Fixed, Counting::Sliding, Counting::Leaky] {
            for limit in [1, 2, 3, 1000, 2000, 100_000] {
                let mut scenario = Scenario::plain(counting, limit);
                change(&mut scenario);
                let (outcome, best) = (run(&scenario), optimum(&scenario) as f64 / 1e9);
                let done = outcome.finished as f64 / 1e9;
                println!(
                    "| {name} | {counting:?} | {limit} | {} | {} | {} | {} | {done:.1} | {best:.1} | {:.2} % |",
                    scenario.rows,
                    outcome.refused,
                    outcome.most_in_window,
                    outcome.most_starts,
                    100.0 * (done / best - 1.0),
                );
            }
        }
    }
}

/// CPU time of all threads so far.
fn cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let nanos = tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    Duration::from_nanos(nanos)
}

async fn real() {
    println!(
        "\n| rate | workers | seconds | starts | of nominal | most in any second | CPU us a permit |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for rate in [
        Some(1),
        Some(10),
        Some(100),
        Some(1000),
        Some(5000),
        Some(10_000),
        None,
    ] {
        let rate = rate
            .and_then(NonZeroU32::new)
            .map(|count| Rate::new(count, Per::Second));
        measure(rate, 64, Duration::from_secs(5)).await;
    }
}

async fn measure(rate: Option<Rate>, workers: u32, length: Duration) {
    let settings = Settings {
        rate,
        concurrency: NonZeroU32::new(workers).expect("workers"),
        ..Settings::default()
    };
    let handle = Handle::new(settings, &Past::default(), Clock::system());
    let generous = QuotaHeaders::parse(Some("1000000000"), Some("900000000"), Some("3600"), None);
    let (begin, before) = (Instant::now(), cpu());
    let tasks: Vec<_> = (0..workers)
        .map(|_| tokio::spawn(work(handle.clone(), begin, length, generous)))
        .collect();
    let mut starts = Vec::new();
    for task in tasks {
        starts.extend(task.await.expect("a worker"));
    }
    let used = cpu().saturating_sub(before);
    starts.sort_unstable();
    let nominal = rate.map(|rate| rate.per_second() * length.as_secs_f64());
    println!(
        "| {} | {workers} | {} | {} | {} | {} | {:.1} |",
        rate.map_or("none".to_owned(), |rate| rate.to_string()),
        length.as_secs(),
        starts.len(),
        nominal.map_or("-".to_owned(), |nominal| format!(
            "{:.2} %",
            100.0 * starts.len() as f64 / nominal
        )),
        most_within(&starts, 1_000_000_000),
        used.as_secs_f64() * 1e6 / starts.len() as f64,
    );
}

/// Asks, answers at once, notes the time; until `length` after `begin`.
async fn work(handle: Handle, begin: Instant, length: Duration, headers: QuotaHeaders) -> Vec<i64> {
    let mut starts = Vec::new();
    while let Some(left) = length.checked_sub(begin.elapsed()) {
        let Ok(permit) = tokio::time::timeout(left, handle.acquire()).await else {
            break;
        };
        // The time at which the worker runs again, not the one at which the permit was given.
        let flight = permit.started();
        starts.push(i64::try_from(begin.elapsed().as_nanos()).expect("a short run"));
        flight.answered(&headers);
    }
    starts
}

async fn idle() {
    let handle = Handle::new(Settings::default(), &Past::default(), Clock::system());
    handle.acquire().await.answered(&QuotaHeaders::parse(
        Some("1000"),
        Some("0"),
        Some("3600"),
        None,
    ));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let handle = handle.clone();
            tokio::spawn(async move { drop(handle.acquire().await) })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = cpu();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let used = cpu().saturating_sub(before);
    let begin = Instant::now();
    for task in &tasks {
        task.abort();
    }
    for task in tasks {
        let _ = task.await;
    }
    println!(
        "\n64 tasks asleep to Reset for 20 s: {:.2} ms of CPU; all dropped in {:?}",
        used.as_secs_f64() * 1e3,
        begin.elapsed()
    );
}
