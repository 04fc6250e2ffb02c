//! Kills the program at random moments, as often as is asked for, and judges every batch by the
//! sandbox's own account.
//!
//! ```text
//! cargo build --release --bins && cargo run --release --example torture -- 1000
//! ```
//!
//! Further arguments: the first seed, and the rows of a batch. The seed of a failing batch is in the
//! message of the panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program for the command line that fails loudly"
)]

#[path = "../tests/it/support/mod.rs"]
mod support;

use support::{Storm, StormReport};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut argument = |default| arguments.next().map_or(default, |n| n.expect("a number"));
    let (wanted, first_seed, rows) = (argument(100), argument(1), argument(3_000));
    let rows = u32::try_from(rows).expect("a number of rows");
    let mut total = StormReport::default();
    let mut batches = 0;
    while u64::from(total.kills) < wanted {
        let storm = Storm::drawn(first_seed + batches, rows, 20);
        let report = storm.rage();
        batches += 1;
        total.kills += report.kills;
        total.accepted += report.accepted;
        total.unknown += report.unknown;
        total.unknown_bound += report.unknown_bound;
        println!(
            "{:5} kills  seed {:6}  concurrency {:3}  {:4} unknown (at most {:4})  {:?}",
            total.kills,
            storm.seed,
            storm.concurrency,
            report.unknown,
            report.unknown_bound,
            storm.faults
        );
    }
    println!(
        "{} kills in {batches} batches of {rows} rows: {} messages accepted, nobody twice, no row \
         lost, {} unknown (at most {})",
        total.kills, total.accepted, total.unknown, total.unknown_bound
    );
}
