//! Journeys: random commands of many kinds on one checkpoint, judged by the API's account.
//!
//! A seed makes a journey of 12 to 20 steps over the real program: lists are sent, killed, continued,
//! edited, added to, sent back as results or rejects, imported, pruned, sent by a worker or in a night, in part first; people are suppressed, erased, say STOP; unknown
//! outcomes are decided; the API loses answers and refuses. After each step must hold:
//!
//! - nobody gets a text of a channel twice, unless the journey asked for it;
//! - nobody is messaged after STOP, `suppress` or `forget` was heard;
//! - every row of a list is one row of the results, and its status agrees with what the API accepted;
//! - every suppression and every refusal has its cause, and in the end everybody has got what is due;
//! - exit codes are the documented ones.
//!
//! `OUTREACH_JOURNEYS=3000 OUTREACH_JOURNEYS_SEED=1 cargo test --test it journeys` runs more of them.
//! With `OUTREACH_JOURNEYS_ALL=1` all failing seeds are listed, none is shortened.
//! A journey that fails is shortened and printed with its seed, its files and its commands.

mod again;
pub(crate) mod api;
mod approval;
mod audiences;
mod check;
pub(crate) mod events;
mod files;
mod follow_ups;
mod journey;
mod known;
pub(crate) mod list;
pub(crate) mod model;
mod people;
mod runs;
pub(crate) mod steps;
mod ways;
pub(crate) mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// Journeys in a usual run of the tests: a bit more than a minute on two cores.
const USUAL: u64 = 80;
const THREADS: usize = 2;

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn random_journeys_keep_every_promise() {
    let journeys = from_environment("OUTREACH_JOURNEYS", USUAL);
    let first = from_environment("OUTREACH_JOURNEYS_SEED", 1);
    let (next, messages) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed = AtomicBool::new(false);
    let keep_going = from_environment("OUTREACH_JOURNEYS_ALL", 0) > 0;
    let failures = Mutex::new(Vec::new());
    let walk = || {
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= journeys {
                return;
            }
            let seed = first + index;
            let journey = steps::generate(seed);
            match journey::run(&journey) {
                Ok(accepted) => _ = messages.fetch_add(accepted as u64, Ordering::Relaxed),
                Err(failure) if keep_going => {
                    let path = format!("{}/journey-{seed}.log", env!("CARGO_TARGET_TMPDIR"));
                    std::fs::write(&path, &failure.log).unwrap();
                    let line = format!("journey {seed}: {} (see {path})", failure.what);
                    failures.lock().unwrap().push(line);
                }
                Err(failure) => {
                    failed.store(true, Ordering::Relaxed);
                    let (shortest, failure) = journey::shrink(&journey, failure);
                    let kinds: Vec<_> = shortest.steps.iter().map(|step| step.kind).collect();
                    // The end of a long log is what is kept of it: what did not hold is said there too.
                    let what = &failure.what;
                    panic!(
                        "journey {seed} fails, shortened to {kinds:?}:\n{failure}\njourney {seed}: {what}"
                    );
                }
            }
        }
    };
    thread::scope(|scope| {
        let walkers: Vec<_> = (0..THREADS).map(|_| scope.spawn(walk)).collect();
        for walker in walkers {
            if let Err(panic) = walker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
    let messages = messages.load(Ordering::Relaxed);
    assert!(
        messages > journeys * 5,
        "{messages} messages in {journeys} journeys"
    );
}
