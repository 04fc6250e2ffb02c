//! What becomes of the refusals that stopped a batch, when it goes on: the recipients that are held are settled
//! or queued, once the text has a meaning; those that were refused with a text that nobody reads are sent to
//! again.

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use super::mismatch::Mismatch;
use crate::domain::refusal::{Meaning, RefusalRule};
use crate::store::{Counts, HeldText};

/// What would be done, as a value: see [`HeldBatch::after_halt`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AfterHalt {
    /// What is said of texts from now on.
    pub refusal_rules: Vec<RefusalRule>,
    /// The recipients that are held, by text, with what the text means. Without a meaning they stay held.
    pub held: Vec<(HeldText, Option<Meaning>)>,
    /// The recipients who were refused with this text, digits replaced, are queued again: how many.
    pub again: Option<(String, u64)>,
    /// Who has no Messenger goes on to another channel, and counts as queued.
    pub goes_on: bool,
}

/// What became of recipients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AfterHaltCounts {
    /// They count as "no Messenger".
    pub no_messenger: u64,
    /// They count as errors.
    pub error: u64,
    /// They are queued again.
    pub queued: u64,
    /// They stay held.
    pub held: u64,
}

impl AfterHalt {
    /// What it comes to.
    pub fn counts(&self) -> AfterHaltCounts {
        let mut counts = AfterHaltCounts::default();
        for (text, meaning) in &self.held {
            let place = match meaning {
                Some(Meaning::NoMessenger) if !self.goes_on => &mut counts.no_messenger,
                Some(Meaning::Person) => &mut counts.error,
                Some(
                    Meaning::NoMessenger
                    | Meaning::Message
                    | Meaning::Channel
                    | Meaning::Wait
                    | Meaning::Later,
                ) => &mut counts.queued,
                None => &mut counts.held,
            };
            *place += text.rows;
        }
        counts.queued += self.again.as_ref().map_or(0, |(_, rows)| *rows);
        counts
    }

    /// The counts of the batch once this is done.
    pub(super) fn apply_to(&self, counts: &mut Counts) {
        let after = self.counts();
        let again = self.again.as_ref().map_or(0, |(_, rows)| *rows);
        counts.error = counts.error.saturating_sub(again) + after.error;
        counts.no_messenger += after.no_messenger;
        let settled = after.no_messenger + after.error;
        counts.queued = (counts.queued + again).saturating_sub(settled);
    }
}

impl HeldBatch {
    /// What going on does to the refusals that stopped the batch. `rules`: what texts mean. `confirm`: the text of
    /// those refusals means "no Messenger".
    ///
    /// # Errors
    /// [`RunError`] if there is nothing to confirm, or the checkpoint fails.
    pub fn after_halt(&self, rules: &[RefusalRule], confirm: bool) -> Result<AfterHalt, RunError> {
        let (reader, batch) = (self.reader()?, self.batch());
        let counts = reader.counts(batch.id)?;
        let mut refusal_rules = rules.to_vec();
        let held = if counts.queued > 0 {
            reader.held(batch.id)?
        } else {
            Vec::new()
        };
        let again = match &batch.halted_text {
            Some(text) => Some((text.clone(), reader.count_refused(batch.id, text)?)),
            None => None,
        };
        if confirm {
            let halted = batch.halted_text.as_ref();
            let text = match (held.first(), &again) {
                (Some(held), _) => halted.unwrap_or(&held.text),
                // Such an answer is an error whatever its text is known to mean.
                (None, Some((_, 1..))) => {
                    return Err(Mismatch::NotAboutMessenger(batch.name.clone()).into());
                }
                (None, Some(_) | None) => {
                    return Err(Mismatch::NothingToConfirm(batch.name.clone()).into());
                }
            };
            refusal_rules.push(RefusalRule::new(Meaning::NoMessenger, text));
        }
        let mut known = reader.refusal_rules()?;
        for rule in &refusal_rules {
            known.add(rule.clone());
        }
        let with_meaning = |held: HeldText| {
            let meaning = known.meaning(&held.text).or(held.known);
            (held, meaning)
        };
        Ok(AfterHalt {
            refusal_rules,
            held: held.into_iter().map(with_meaning).collect(),
            again: again.filter(|(_, rows)| *rows > 0),
            goes_on: batch.fallback.is_some(),
        })
    }

    /// Carries it out, as decided by `person`; returns how many recipients are queued again.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn continue_after_halt(
        &self,
        how: &AfterHalt,
        person: &str,
        now: Timestamp,
    ) -> Result<u64, RunError> {
        let (store, batch) = (self.store(), self.batch());
        if !how.refusal_rules.is_empty() {
            store.say(&how.refusal_rules, person, now)?;
        }
        let mut queued = 0;
        for (held, meaning) in &how.held {
            let Some(meaning) = *meaning else { continue };
            let ended = store.end_hold(batch, held, meaning, person, now)?;
            queued += if meaning.is_final() { 0 } else { ended };
        }
        if let Some((text, _)) = &how.again {
            queued += store.requeue_refused(batch, text, now)?;
        }
        Ok(queued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_messenger_counts_as_queued_where_another_channel_is_left() {
        let held = HeldText::for_tests("HTTP 422: none", 7);
        let mut how = AfterHalt {
            held: vec![(held, Some(Meaning::NoMessenger))],
            ..AfterHalt::default()
        };
        assert_eq!((how.counts().no_messenger, how.counts().queued), (7, 0));
        how.goes_on = true;
        assert_eq!((how.counts().no_messenger, how.counts().queued), (0, 7));
    }

    #[test]
    fn those_who_are_sent_to_again_count_as_queued() {
        let before = Counts {
            no_messenger: 25,
            error: 3,
            queued: 5,
            ..Counts::default()
        };
        let mut counts = before;
        let again = AfterHalt {
            again: Some(("HTTP 400: none".to_owned(), 3)),
            ..AfterHalt::default()
        };
        again.apply_to(&mut counts);
        assert_eq!(
            (counts.no_messenger, counts.error, counts.queued),
            (25, 0, 8)
        );
        assert_eq!(counts.rows(), before.rows());
        AfterHalt::default().apply_to(&mut counts);
        assert_eq!(counts.queued, 8);
    }
}
