//! Speed and memory of intake over a list of mixed countries.
//!
//! ```text
//! cargo bench --bench intake                      one million rows
//! cargo bench --bench intake -- 5000000           five million
//! cargo bench --bench intake -- 5000000 --keep F  writes the list to F (or takes it from there)
//! ```
//!
//! The list has 4 columns, 10 % duplicates and 5 % junk; the generator is part of this file and gives the
//! same list each time. The peak of memory comes from the kernel (`VmHWM`).

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a program for developers that may stop at the first surprise"
)]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use outreach::internals::domain::recipient::JudgedRow;
use outreach::internals::intake::{Input, Judge, Settings, Source};

/// Country code, fixed start of a mobile number, free digits, how people write it.
const PLANS: [(&str, &str, usize, &str); 20] = [
    ("420", "77", 7, "+C N"),
    ("420", "73", 7, "+CN"),
    ("420", "72", 7, "+C N"),
    ("421", "91", 7, "+C N"),
    ("49", "1512", 7, "00CN"),
    ("48", "51", 7, "+C N"),
    ("44", "74", 8, "+C N"),
    ("43", "664", 7, "+CN"),
    ("33", "6", 8, "+C (0)N"),
    ("34", "6", 8, "+CN"),
    ("39", "34", 8, "+C N"),
    ("1", "2125", 6, "+CN"),
    ("1", "3125", 6, "+CN"),
    ("1", "4155", 6, "+C N"),
    ("1", "4165", 6, "+C-N"),
    ("1", "6045", 6, "+CN"),
    ("55", "119", 8, "+CN"),
    ("91", "98", 8, "+C N"),
    ("36", "20", 7, "+CN"),
    ("380", "50", 7, "+CN"),
];

const JUNK: [&str; 8] = [
    "",
    "n/a",
    "4.20777E+11",
    "777 12",
    "+999123456789",
    "volat po 17h",
    "+420 777 123 456 ext. 3",
    "+42077712345",
];

const NAMES: [&str; 8] = [
    "Jana", "Petr", "Lukas", "Emily", "José", "Anna", "Tomáš", "Chloé",
];
const CITIES: [&str; 6] = [
    "Brno",
    "Praha",
    "Berlin",
    "Leeds",
    "\"Washington, DC\"",
    "Kraków",
];

/// A small random generator (`SplitMix64`): the same list on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

/// Writes the list; duplicates repeat a number out of the last 64 thousand rows.
fn generate(path: &Path, rows: usize) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    let mut random = Random(7);
    let mut recent: Vec<String> = Vec::new();
    writeln!(out, "first_name,last_name,phone,city").unwrap();
    for row in 0..rows {
        let phone = match random.below(100) {
            0..5 => JUNK[random.below(JUNK.len())].to_owned(),
            5..13 if !recent.is_empty() => recent[random.below(recent.len())].clone(),
            _ => {
                // Some of these repeat by chance, which makes 10 % of 8 %.
                let (country, head, free, style) = PLANS[random.below(PLANS.len())];
                let tail = random.next() % 10_u64.pow(u32::try_from(free).unwrap());
                let national = format!("{head}{tail:0free$}");
                let phone = style.replace('C', country).replace('N', &national);
                if recent.len() < 1 << 16 {
                    recent.push(phone.clone());
                } else {
                    recent[row % (1 << 16)].clone_from(&phone);
                }
                phone
            }
        };
        let (name, city) = (
            NAMES[random.below(NAMES.len())],
            CITIES[random.below(CITIES.len())],
        );
        writeln!(out, "{name},Row{row},{phone},{city}").unwrap();
    }
    out.flush().unwrap();
}

/// The peak of this process's memory so far, in MB.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1000)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rows = arguments
        .iter()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1_000_000);
    let keep = arguments
        .iter()
        .position(|argument| argument == "--keep")
        .map(|at| PathBuf::from(&arguments[at + 1]));
    let path = keep.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("outreach-bench-{}.csv", std::process::id()))
    });
    if !path.exists() {
        generate(&path, rows);
    }
    let size = path.metadata().unwrap().len();

    let start = Instant::now();
    let mut input = Input::open(&[Source::Path(path.clone())], &Settings::default()).unwrap();
    let opened = start.elapsed();
    let mut taken = 0_u64;
    let summary = input
        .judge(&Judge::alone(), &mut |row: JudgedRow| {
            taken += u64::from(row.position.row.get() > 0);
            Ok::<_, std::convert::Infallible>(())
        })
        .unwrap();
    let whole = start.elapsed();
    let rate = summary.rows as f64 / whole.as_secs_f64();
    println!("{} rows, {:.0} MB", summary.rows, size as f64 / 1e6);
    println!(
        "open {:.2} s, whole {:.2} s: {rate:.0} rows/s",
        opened.as_secs_f64(),
        whole.as_secs_f64()
    );
    println!(
        "queued {}, duplicate {}, invalid {}, mended {}, rows to the sink {taken}",
        summary.queued, summary.duplicate, summary.invalid, summary.mended
    );
    println!(
        "peak memory {} MB",
        peak_memory().map_or_else(|| "unknown".to_owned(), |peak| peak.to_string())
    );
    if keep.is_none() {
        std::fs::remove_file(&path).unwrap();
    }
}
