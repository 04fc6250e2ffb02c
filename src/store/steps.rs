//! How many rows one transaction changes: what changes many goes in steps, so that other processes write in between.
//!
//! In a debug build, `OUTREACH_TEST_STEP=2` makes every step that short: a short list takes several.

/// The length of a step: `rows`, or less where a test asked for that.
#[cfg(debug_assertions)]
pub(crate) fn at_most<N: Ord + From<u16>>(rows: N) -> N {
    use std::sync::LazyLock;

    static WANTED: LazyLock<Option<u16>> =
        LazyLock::new(|| std::env::var("OUTREACH_TEST_STEP").ok()?.parse().ok());

    match *WANTED {
        Some(wanted) => rows.min(wanted.into()),
        None => rows,
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn at_most<N>(rows: N) -> N {
    rows
}
