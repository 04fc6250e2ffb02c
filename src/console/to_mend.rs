//! Rows that a number mends, as a page shows them.

/// How many rows of all kinds are shown beside the first ones of each kind: a page stays small.
const SHOWN_IN_ALL: usize = 100;

/// How many rows of each kind are shown in any case.
const FIRST: usize = 5;

/// Rows with one thing wrong.
pub(super) struct Kind {
    pub(super) code: String,
    pub(super) reason: String,
    pub(super) count: u64,
    /// How many have a suggestion that can be accepted.
    pub(super) suggested: u64,
    pub(super) rows: Vec<Row>,
    /// How many there are beyond those that are shown.
    pub(super) more: u64,
}

/// One of them.
pub(super) struct Row {
    /// The field with its number.
    pub(super) field: String,
    pub(super) place: String,
    pub(super) typed: String,
    /// A number that can be accepted.
    pub(super) number: String,
    /// What else is to be said: two numbers, of which one is meant.
    pub(super) hint: String,
}

/// No more rows than fit on a page.
pub(super) fn bounded(mut kinds: Vec<Kind>) -> Vec<Kind> {
    let mut room = SHOWN_IN_ALL;
    for kind in &mut kinds {
        kind.rows.truncate(room.max(FIRST));
        room = room.saturating_sub(kind.rows.len());
        kind.more = kind.count.saturating_sub(kind.rows.len() as u64);
    }
    kinds
}
