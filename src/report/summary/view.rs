//! What the page of a batch shows beyond the counts.

use super::Summary;
use crate::domain::delivery::State;
use crate::report::local::Local;
use crate::store::{HeldText, UnknownRow};

impl Summary {
    /// Where the batch stands, in a sentence.
    pub(crate) fn sentence(&self, local: &Local) -> String {
        self.headline(local)
    }

    /// Refusals by text, the most frequent first, with what became of their rows.
    pub(crate) fn refusals(&self) -> &[(State, String, u64)] {
        &self.details.refusals
    }

    /// The first rows whose outcome is unknown, each with its place.
    pub(crate) fn unknown(&self) -> &[(String, UnknownRow)] {
        &self.details.unknown
    }

    /// Recipients that nobody claims until the text of their refusal has a meaning.
    pub(crate) fn held_texts(&self) -> &[HeldText] {
        &self.details.held
    }

    /// Those of the queued who are sent to when the batch goes on; as far as is known without the refusals by text.
    pub(crate) fn to_send(&self) -> u64 {
        self.counts.queued.saturating_sub(self.held())
    }
}
