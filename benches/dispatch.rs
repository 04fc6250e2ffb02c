//! Requests a second with every intent and result durable, beside a bare loop of the same HTTP
//! client without any store. The sandbox is a process of its own, without a quota.
//!
//! `cargo bench --bench dispatch -- [RECIPIENTS [REPEATS [CONCURRENCY]]]` (100,000, 3, and 10, 64 and 256).
//! Prints the medians; the ratio is the median of the ratios of two runs made one after the other, with its
//! quartiles, for a machine's speed drifts.
//!
//! The list is read first; what is measured is `outreach resume`, from the start of its process to
//! the last answer. After that the contacts are entered, once for the whole run: the column `epilogue`.
//! CPU is that of the measured process alone, epilogue and results file included, without the sandbox.
//! Peak memory is the system's own mark (`VmHWM`) of a process that sends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark talks and may panic"
)]

#[path = "../tests/it/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use outreach::internals::amio::{Addressee, Client, ClientSettings, OutgoingMessage, RawJson};
use outreach::internals::clock::Clock;
use outreach::internals::domain::outcome::Exchange;
use outreach::internals::domain::phone::PhoneNumber;

use support::{CHANNEL, Checkpoint, SandboxProcess, Scratch, number};

/// One measurement.
#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    requests_a_second: f64,
    cpu_micros_a_message: f64,
    peak_mebibytes: f64,
    /// Seconds from the last answer until contacts and events are in order.
    epilogue: f64,
}

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse::<u32>().ok());
    let recipients = numbers.next().unwrap_or(100_000);
    let repeats = numbers.next().unwrap_or(3).max(1);
    let concurrencies = numbers.next().map_or(vec![10, 64, 256], |one| vec![one]);
    println!("{recipients} recipients, medians of {repeats}");
    println!(
        "concurrency   bare req/s  cpu us   durable req/s  cpu us  peak MiB  epilogue s  durable/bare"
    );
    for concurrency in concurrencies {
        let (mut bare, mut durable, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..repeats {
            let (before, after) = (
                bare_loop(recipients, concurrency),
                resume(recipients, concurrency),
            );
            ratios.push(100.0 * after.requests_a_second / before.requests_a_second);
            bare.push(before);
            durable.push(after);
        }
        let (bare, durable) = (median(&bare), median(&durable));
        ratios.sort_by(f64::total_cmp);
        println!(
            "{concurrency:11}   {:10.0}  {:6.0}   {:13.0}  {:6.0}  {:8.1}  {:10.2}  {:10.0} % ({:.0} to {:.0})",
            bare.requests_a_second,
            bare.cpu_micros_a_message,
            durable.requests_a_second,
            durable.cpu_micros_a_message,
            durable.peak_mebibytes,
            durable.epilogue,
            ratios[ratios.len() / 2],
            ratios[ratios.len() / 4],
            ratios[3 * ratios.len() / 4],
        );
    }
}

fn median(figures: &[Figures]) -> Figures {
    let middle = |get: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = figures.iter().map(get).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Figures {
        requests_a_second: middle(|it| it.requests_a_second),
        cpu_micros_a_message: middle(|it| it.cpu_micros_a_message),
        peak_mebibytes: middle(|it| it.peak_mebibytes),
        epilogue: middle(|it| it.epilogue),
    }
}

/// The same client and the same bodies, as fast as so many tasks can.
fn bare_loop(requests: u32, concurrency: u32) -> Figures {
    let sandbox = SandboxProcess::start(&[]);
    let settings = ClientSettings {
        base_url: sandbox.base_url().parse().unwrap(),
        token: outreach::internals::sandbox::Settings::DEFAULT_TOKEN
            .to_owned()
            .into(),
        timeout: Duration::from_secs(30),
        concurrency: concurrency as usize,
    };
    let client = Client::new(&settings, Clock::system()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let next = Arc::new(AtomicU32::new(0));
    let (begin, cpu) = (Instant::now(), cpu_seconds("self"));
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..concurrency {
            let (client, next) = (client.clone(), Arc::clone(&next));
            tasks.spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= requests {
                        return;
                    }
                    send(&client, n).await;
                }
            });
        }
        tasks.join_all().await;
    });
    let (elapsed, cpu) = (begin.elapsed(), cpu_seconds("self") - cpu);
    assert_eq!(sandbox.stats().accepted, u64::from(requests));
    Figures {
        requests_a_second: f64::from(requests) / elapsed.as_secs_f64(),
        cpu_micros_a_message: cpu * 1e6 / f64::from(requests),
        peak_mebibytes: 0.0,
        epilogue: 0.0,
    }
}

async fn send(client: &Client, n: u32) {
    let addressee = Addressee::Phone {
        phone: PhoneNumber::from_e164(number(n)).unwrap(),
        first_name: Some(format!("Name{n}")),
        last_name: None,
    };
    let content = format!(r#"{{"type":"text","payload":"Hello Name{n}"}}"#);
    let metadata = format!(
        r#"{{"outreach_batch":"list","outreach_row":"{}","outreach_recipient":"{n}"}}"#,
        n + 2
    );
    let message = OutgoingMessage {
        channel: CHANNEL,
        addressee: &addressee,
        content: &RawJson::new(content).unwrap(),
        metadata: &RawJson::new(metadata).unwrap(),
        decided: Clock::system().moment(),
    };
    let reply = client.send(&message).await;
    assert!(matches!(reply.exchange, Exchange::Answered(ref answer) if answer.status == 201));
}

/// The program itself: the list is in, and is sent.
fn resume(recipients: u32, concurrency: u32) -> Figures {
    // The first answer stops the batch: the list is read by then, and nobody was messaged.
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:at=1"]));
    scratch.contacts(recipients);
    scratch.send(&sandbox).with(&["--quiet"]).run().expect(5);
    let begin = outreach::internals::clock::Clock::system().now();
    let mut running = scratch
        .resume(&sandbox)
        .concurrency(concurrency)
        .with(&["--quiet"])
        .start();
    let process = running.pid().to_string();
    let (mut peak, mut cpu) = (0.0_f64, 0.0_f64);
    while !running.has_ended() {
        peak = peak.max(peak_mebibytes(&process));
        cpu = cpu.max(cpu_seconds(&process));
        std::thread::sleep(Duration::from_millis(20));
    }
    running.wait().expect(0);
    let batch = Checkpoint::open(&scratch.path("outreach.db")).batch("list");
    let finished_at = batch.finished_at.unwrap();
    let checkpoint = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let last_answer: i64 = checkpoint
        .query_row("SELECT max(finished_at) FROM attempt", [], |row| row.get(0))
        .unwrap();
    let last_answer = jiff::Timestamp::from_millisecond(last_answer).unwrap();
    let elapsed = last_answer.duration_since(begin).as_secs_f64();
    let stats = sandbox.stats();
    assert_eq!((stats.accepted, stats.repeated), (u64::from(recipients), 0));
    Figures {
        requests_a_second: f64::from(recipients) / elapsed,
        cpu_micros_a_message: cpu * 1e6 / f64::from(recipients),
        peak_mebibytes: peak,
        epilogue: finished_at.duration_since(last_answer).as_secs_f64(),
    }
}

/// User and system time of a process so far; the kernel counts in hundredths.
fn cpu_seconds(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks: u64 = after_name
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|text| text.parse::<u64>().ok())
        .sum();
    ticks as f64 / 100.0
}

/// The most memory that a process had in use.
fn peak_mebibytes(process: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok())
        .map_or(0.0, |kibibytes| kibibytes / 1024.0)
}
