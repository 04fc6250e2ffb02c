//! Places where a test can make the program die, by name.
//!
//! In a debug build, `OUTREACH_TEST_CRASH_AT=name` (or `name:3` for the third passage) aborts the
//! process there, as a power cut would. A release build contains none of it.

/// A place where the program may be made to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CrashPoint {
    /// The schema is written, but not committed.
    Migration,
    /// A checkpoint that is made of results files: first it has no home, then its mark is there, then its home.
    Rebuilding,
    /// Some rows of a list are in the checkpoint, the list is not complete.
    Intake,
    /// The intent to send is written, but not committed.
    BeforeIntentCommit,
    /// The record is in the log of the cluster, the transaction is not committed.
    AfterAppend,
    /// The intent is on disk, the request has not left.
    AfterIntentCommit,
    /// The request was written, its answer is not known.
    AfterRequest,
    /// The answer is known, but its commit has not begun.
    BeforeResultCommit,
    /// A change of a batch's list is decided, and carried out in part.
    Change,
    /// Some rows of a batch are pruned, others are not.
    Prune,
    /// The results file is complete under its temporary name.
    ExportRename,
}

impl CrashPoint {
    /// The name in `OUTREACH_TEST_CRASH_AT`.
    #[cfg(debug_assertions)]
    const fn name(self) -> &'static str {
        match self {
            Self::Migration => "migration",
            Self::Rebuilding => "rebuilding",
            Self::Intake => "intake",
            Self::BeforeIntentCommit => "before-intent-commit",
            Self::AfterAppend => "after-append",
            Self::AfterIntentCommit => "after-intent-commit",
            Self::AfterRequest => "after-request",
            Self::BeforeResultCommit => "before-result-commit",
            Self::Change => "change",
            Self::Prune => "prune",
            Self::ExportRename => "export-rename",
        }
    }
}

/// Dies here if a test asked for it.
#[cfg(debug_assertions)]
pub(crate) fn crash_point(point: CrashPoint) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let text = std::env::var("OUTREACH_TEST_CRASH_AT").ok()?;
        let (name, passage) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), passage.parse().ok()?))
    });
    static PASSAGES: AtomicU64 = AtomicU64::new(0);

    if let Some((name, passage)) = WANTED.as_ref()
        && name == point.name()
        && PASSAGES.fetch_add(1, Ordering::SeqCst) + 1 == *passage
    {
        std::process::abort();
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) fn crash_point(_: CrashPoint) {}
