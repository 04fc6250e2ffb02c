//! What becomes of a batch that identical refusals stopped, when it goes on: the cause was mended, and those
//! who were refused are sent to again; or the text does mean "no Messenger".

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::{Mismatch, RunError};
use crate::store::Counts;

/// What would be done, as a value: see [`HeldBatch::after_halt`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterHalt {
    /// The recipients who were refused with the text are queued again.
    SendAgain {
        /// The text, digits replaced.
        text: String,
        /// Recipients that count as "no Messenger" now.
        no_messenger: u64,
        /// Recipients that count as errors now.
        error: u64,
    },
    /// The text means "no Messenger" from now on.
    Confirm {
        /// The text, digits replaced.
        text: String,
    },
}

impl AfterHalt {
    /// The counts of the batch once this is done.
    pub(super) fn apply_to(&self, counts: &mut Counts) {
        match self {
            Self::SendAgain {
                no_messenger,
                error,
                ..
            } => {
                counts.no_messenger = counts.no_messenger.saturating_sub(*no_messenger);
                counts.error = counts.error.saturating_sub(*error);
                counts.queued += no_messenger + error;
            }
            Self::Confirm { .. } => {}
        }
    }
}

impl HeldBatch {
    /// What going on does to the refusals that stopped the batch; `None` if none did. `confirm`: their text
    /// means "no Messenger".
    ///
    /// # Errors
    /// [`RunError`] if there is nothing to confirm, or the checkpoint fails.
    pub fn after_halt(&self, confirm: bool) -> Result<Option<AfterHalt>, RunError> {
        let batch = self.batch();
        match (&batch.halted_text, confirm) {
            (None, false) => Ok(None),
            (None, true) => Err(Mismatch::NothingToConfirm(batch.name.clone()).into()),
            (Some(text), true) => match self.reader()?.count_refused(batch.id, text)? {
                // Such an answer is an error whatever its text is known to mean.
                (0, 1..) => Err(Mismatch::NotAboutMessenger(batch.name.clone()).into()),
                (_, _) => Ok(Some(AfterHalt::Confirm { text: text.clone() })),
            },
            (Some(text), false) => {
                let (no_messenger, error) = self.reader()?.count_refused(batch.id, text)?;
                Ok(Some(AfterHalt::SendAgain {
                    text: text.clone(),
                    no_messenger,
                    error,
                }))
            }
        }
    }

    /// Carries it out; returns how many recipients are queued again.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn go_on_after_halt(&self, how: &AfterHalt, now: Timestamp) -> Result<u64, RunError> {
        let (store, batch) = (self.store(), self.batch());
        match how {
            AfterHalt::SendAgain { text, .. } => Ok(store.requeue_refused(batch, text, now)?),
            AfterHalt::Confirm { text } => {
                store.confirm_no_messenger(batch, text.clone(), now)?;
                Ok(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_are_sent_to_again_count_as_queued() {
        let before = Counts {
            no_messenger: 25,
            error: 3,
            queued: 5,
            ..Counts::default()
        };
        let mut counts = before;
        let text = "HTTP 422: none".to_owned();
        let again = AfterHalt::SendAgain {
            text: text.clone(),
            no_messenger: 20,
            error: 0,
        };
        again.apply_to(&mut counts);
        assert_eq!(
            (counts.no_messenger, counts.error, counts.queued),
            (5, 3, 25)
        );
        assert_eq!(counts.rows(), before.rows());
        let mut counts = before;
        AfterHalt::Confirm { text }.apply_to(&mut counts);
        assert_eq!(counts, before);
    }
}
