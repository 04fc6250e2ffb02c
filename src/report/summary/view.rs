//! What the page of a batch shows beyond the counts.

use super::Summary;
use crate::domain::delivery::State;
use crate::report::local::Local;
use crate::store::HeldText;

impl Summary {
    /// Where the batch stands, in a sentence.
    pub(crate) fn sentence(&self, local: &Local) -> String {
        self.headline(local)
    }

    /// Refusals by text, the most frequent first, with what became of their rows.
    pub(crate) fn refusals(&self) -> &[(State, String, u64)] {
        &self.details.refusals
    }

    /// Recipients that nobody claims until the text of their refusal has a meaning.
    pub(crate) fn held_texts(&self) -> &[HeldText] {
        &self.details.held
    }
}
