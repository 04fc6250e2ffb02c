//! Helpers that read like a language: a scratch folder, the sandbox in a process of its own, the
//! real binary, and the checkpoint as the library reads it.
//!
//! The judge is always the sandbox's account, never the program's word.

#![allow(
    dead_code,
    unused_imports,
    reason = "the tests and the programs under examples/ and benches/ use different parts"
)]

mod checkpoint;
#[cfg(unix)]
mod engine;
mod list;
mod page;
mod process;
mod receiver;
mod sandbox;
mod storm;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) use checkpoint::{Checkpoint, Row};
#[cfg(unix)]
pub(crate) use engine::{Engine, programs};
pub(crate) use list::{accepted_number, load_rows, new_batch, queued_row, start_journal};
pub(crate) use page::{ConsoleProcess, Visitor};
pub(crate) use process::{Ended, Program, Running, binary};
pub(crate) use receiver::{Receiver, event};
pub(crate) use sandbox::SandboxProcess;
pub(crate) use storm::{Storm, StormReport};

/// The channel of the sandbox's default settings.
pub(crate) const CHANNEL: &str = outreach::internals::sandbox::Settings::MESSENGER_CHANNEL;

/// Longer than anything here may take: a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A folder of its own, gone with the test. It is also where the program keeps the user's own checkpoint.
pub(crate) struct Scratch {
    folder: PathBuf,
    step: Option<u16>,
    _whole: tempfile::TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let whole = tempfile::tempdir().expect("a temporary folder");
        let folder = whole.path().join("outreach");
        std::fs::create_dir(&folder).expect("a folder");
        Self {
            folder,
            step: None,
            _whole: whole,
        }
    }

    /// The same; what the program changes in steps it changes in steps of so few rows, so that a short list takes many.
    pub(crate) fn in_steps_of(self, rows: u16) -> Self {
        Self {
            step: Some(rows),
            ..self
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file in the scratch folder");
        path
    }

    /// As if a file was there for an hour: a list that was written a moment ago may not be whole.
    pub(crate) fn let_rest(&self, name: &str) {
        let file = std::fs::File::options().write(true).open(self.path(name));
        let an_hour_ago = std::time::SystemTime::now() - Duration::from_hours(1);
        file.expect("a file in the scratch folder")
            .set_modified(an_hour_ago)
            .expect("its time");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file in the scratch folder")
    }

    /// `contacts.csv` with so many valid, different numbers.
    pub(crate) fn contacts(&self, rows: u32) -> PathBuf {
        self.write("contacts.csv", &contacts(0..rows))
    }

    /// The program in this folder, with the sandbox's token and nothing else in its environment.
    pub(crate) fn outreach(&self, arguments: &[&str]) -> Program {
        let program = Program::new(self.folder(), arguments);
        match self.step {
            Some(rows) => program.env("OUTREACH_TEST_STEP", &rows.to_string()),
            None => program,
        }
    }

    /// `send contacts.csv` to the sandbox as the batch `list`.
    pub(crate) fn send(&self, sandbox: &SandboxProcess) -> Program {
        self.outreach(&["send", "contacts.csv", "--yes", "--batch", "list"])
            .with(&["--message", "Hello {{ first_name }}"])
            .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
    }

    /// `resume list`.
    pub(crate) fn resume(&self, sandbox: &SandboxProcess) -> Program {
        self.outreach(&["resume", "list", "--yes"])
            .with(&["--base-url", sandbox.base_url()])
    }

    /// What was decided, by the words of the audit, the oldest first.
    pub(crate) fn decisions(&self) -> Vec<String> {
        let file = rusqlite::Connection::open(self.path("outreach.db")).expect("the checkpoint");
        let mut select = file
            .prepare("SELECT what FROM decision ORDER BY id")
            .expect("the decisions");
        let rows = select.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|what| what.expect("a word")).collect()
    }

    /// The checkpoint of this folder.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint::open(&self.path("outreach.db"))
    }
}

/// The user's data folder of a program that runs in this folder. In a scratch folder, the user's own checkpoint
/// is `outreach.db` there; the real home of whoever runs the tests is never touched.
pub(crate) fn home_in(folder: &Path) -> PathBuf {
    match folder.parent() {
        Some(parent) if folder.ends_with("outreach") => parent.to_owned(),
        Some(_) | None => folder.join(".home"),
    }
}

/// A contacts file; number `n` is [`number`]`(n)`.
pub(crate) fn contacts(rows: std::ops::Range<u32>) -> String {
    let mut text = String::from("phone,first_name\n");
    for n in rows {
        let _ = writeln!(text, "+{},Name{n}", number(n));
    }
    text
}

/// The lock of a batch beside `outreach.db`, for a name of plain letters.
pub(crate) fn lock_name(batch: &str) -> String {
    use sha2::Digest as _;
    let digest: [u8; 32] = sha2::Sha256::digest(batch).into();
    let apart = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    format!("outreach.db-{batch}-{apart:08x}.lock")
}

/// A valid Czech mobile number, digits only.
pub(crate) fn number(n: u32) -> u64 {
    420_777_000_000 + u64::from(n)
}

/// Small, fast, seeded: a failing test prints the seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    pub(crate) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let index = usize::try_from(self.next() % choices.len() as u64).unwrap_or(0);
        &choices[index]
    }
}

/// Waits until something is so; fails if it takes too long.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
