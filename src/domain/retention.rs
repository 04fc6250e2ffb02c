//! What goes of batches that were finished long ago, and what stays.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::fold;
use super::text::{hex, plural};

/// The part of a batch's definition that is the message, folded.
pub(crate) const CONTENT: &str = "content";

/// What begins the digest of a message that went.
const DIGEST: &str = "sha256:";

/// Why a batch is not pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepReason {
    /// How many rows have an outcome that is unknown.
    Unknown(u64),
    /// How many rows are queued.
    Queued(u64),
    /// It is not finished.
    Unfinished,
    /// A request may have been accepted, and its outcome is open.
    Open,
    /// Another process works on it.
    Held,
}

/// Rows of the first step of a prune, and the most of any.
pub(crate) const FIRST_STEP: u32 = 250;
const MOST_ROWS: u32 = 4_000;

/// A step of a prune is to be on the disk within this time: nobody else writes meanwhile.
const STEP_TAKES: Duration = Duration::from_millis(100);

/// Rows of the next step, where one of `rows` took so long: half of them where that was too long, else some more.
pub(crate) fn next_step(rows: u32, took: Duration) -> u32 {
    let next = if took > STEP_TAKES {
        rows / 2
    } else {
        rows.saturating_add(rows / 8 + 1)
    };
    next.clamp(1, MOST_ROWS)
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |rows: u64| plural(rows, "row is", "rows are");
        match self {
            Self::Unknown(unknown) => write!(f, "{} unknown", rows(*unknown)),
            Self::Queued(queued) => write!(f, "{} queued", rows(*queued)),
            Self::Unfinished => f.write_str("it is not complete"),
            Self::Open => f.write_str("the outcome of a request is open"),
            Self::Held => f.write_str("another process works on it"),
        }
    }
}

/// The parts of a definition without the message: its digest shows whether it is the same.
pub(crate) fn without_texts(mut definition: BTreeMap<String, String>) -> BTreeMap<String, String> {
    if let Some(content) = definition.get_mut(CONTENT)
        && !content.starts_with(DIGEST)
    {
        *content = digest(&fold::content(content));
    }
    definition
}

/// Whether a stored message is that one, folded; of a batch that was pruned only the digest is left.
pub(crate) fn is_message(stored: &str, folded: &str) -> bool {
    if stored.starts_with(DIGEST) {
        stored == digest(folded)
    } else {
        fold::content(stored) == folded
    }
}

/// Whether the message went.
pub(crate) fn is_pruned_message(stored: &str) -> bool {
    stored.starts_with(DIGEST)
}

fn digest(text: &str) -> String {
    format!("{DIGEST}{}", hex(&Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_a_prune_grow_while_they_are_short_and_are_halved_when_they_take_long() {
        let ms = Duration::from_millis;
        assert_eq!(next_step(250, ms(100)), 282);
        assert_eq!(next_step(250, ms(101)), 125);
        assert_eq!(next_step(1, ms(5_000)), 1);
        assert_eq!(next_step(1, ms(1)), 2);
        assert_eq!(next_step(4_000, ms(1)), 4_000);
    }

    #[test]
    fn a_message_that_went_is_known_again() {
        let content = r#"{"content":{"payload":"Hi  there","type":"text"}}"#;
        let definition = BTreeMap::from([("content".to_owned(), content.to_owned())]);
        let pruned = without_texts(definition.clone());
        let stored = &pruned["content"];
        assert!(is_pruned_message(stored) && !stored.contains("Hi"));
        assert!(!is_pruned_message(content));
        assert_eq!(without_texts(pruned.clone()), pruned);
        for stored in [stored, content] {
            assert!(is_message(stored, &fold::content(content)));
            assert!(!is_message(
                stored,
                &fold::content(r#"{"content":{"payload":"Ho"}}"#)
            ));
        }
    }
}
