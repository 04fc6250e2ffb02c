//! What earlier runs of a batch have shown, for its guards.

use super::batch::HeldBatch;
use super::error::RunError;
use crate::dispatch::{PastAnswers, RecentAnswer};
use crate::domain::delivery::State;
use crate::domain::fallback::Step;
use crate::domain::outcome::{AttemptOutcome, KnownBy, Outcome, RejectionCause};
use crate::domain::refusal::{self, Meaning, RefusalRule, RefusalRules, TextMeaning};
use crate::store::{RecentRefusal, RecentRow};

/// What people said that texts mean: in earlier runs, and for this one.
pub(super) fn refusal_rules(
    batch: &HeldBatch,
    now: &[RefusalRule],
) -> Result<RefusalRules, RunError> {
    let mut rules = batch.reader()?.refusal_rules()?;
    for rule in now {
        rules.add(rule.clone());
    }
    Ok(rules)
}

/// The answers of earlier runs on each channel of the batch.
pub(super) fn answers(
    batch: &HeldBatch,
    rules: &RefusalRules,
) -> Result<Vec<PastAnswers>, RunError> {
    let Some(fallback) = &batch.batch().fallback else {
        return Ok(vec![own_answers(batch, rules)?]);
    };
    let steps = 0..=u8::try_from(fallback.channels.len()).unwrap_or(u8::MAX);
    steps
        .map(|step| answers_on(batch, Step::new(step), rules))
        .collect()
}

/// The answers of earlier runs on one channel of several.
fn answers_on(
    batch: &HeldBatch,
    step: Step,
    rules: &RefusalRules,
) -> Result<PastAnswers, RunError> {
    let (reader, id) = (batch.reader()?, batch.batch().id);
    let answers = reader.channel_answers(id, step)?;
    let recent = reader.recent_refusals(id, Some(step))?;
    let held = recent
        .iter()
        .filter(|recent| matches!(recent.row, RecentRow::InRun | RecentRow::Held))
        .count() as u64;
    Ok(PastAnswers {
        accepted: answers.accepted,
        no_messenger: answers.no_messenger.saturating_sub(held),
        refused: answers.refused,
        latest: recent
            .into_iter()
            .map(|recent| answer(recent, rules))
            .collect(),
        by_text: Vec::new(),
    })
}

/// The answers of earlier runs of a batch that has one channel.
fn own_answers(batch: &HeldBatch, rules: &RefusalRules) -> Result<PastAnswers, RunError> {
    let (reader, id) = (batch.reader()?, batch.batch().id);
    let counts = reader.counts(id)?;
    if counts.requests == 0 {
        return Ok(PastAnswers::default());
    }
    let accepted = if counts.sent == 0 && reader.any_accepted(id)? {
        1
    } else {
        counts.sent
    };
    let recent = reader.recent_refusals(id, None)?;
    Ok(PastAnswers {
        accepted,
        no_messenger: counts.no_messenger,
        refused: counts.error,
        latest: recent
            .into_iter()
            .map(|recent| answer(recent, rules))
            .collect(),
        // The rows are searched only where they can matter.
        by_text: if accepted == 0 && counts.error > 0 {
            reader.refusals(id, State::Error)?
        } else {
            Vec::new()
        },
    })
}

fn answer(recent: RecentRefusal, rules: &RefusalRules) -> RecentAnswer {
    let RecentRefusal {
        recipient,
        outcome,
        text,
        row,
    } = recent;
    let cause = match outcome {
        AttemptOutcome::NoMessenger => None,
        AttemptOutcome::Message => Some(RejectionCause::Message("")),
        AttemptOutcome::Person => Some(RejectionCause::Person("")),
        // Of all outcomes only refusals are found.
        AttemptOutcome::Rejected
        | AttemptOutcome::Sent
        | AttemptOutcome::ContactGone
        | AttemptOutcome::Limited
        | AttemptOutcome::Later
        | AttemptOutcome::Throttled
        | AttemptOutcome::NotSent
        | AttemptOutcome::Undecided
        | AttemptOutcome::Fatal
        | AttemptOutcome::Interrupted
        | AttemptOutcome::Evidence
        | AttemptOutcome::AssumedSent
        | AttemptOutcome::Resend
        | AttemptOutcome::TakenBack
        | AttemptOutcome::Decided
        | AttemptOutcome::FellBack
        | AttemptOutcome::Event => Some(RejectionCause::Unread),
    };
    let outcome = if let Some(cause) = cause {
        Outcome::Rejected { text, cause }
    } else {
        let known = match rules.meaning(&text) {
            Some(Meaning::NoMessenger) => KnownBy::Person,
            Some(_) | None => known_by_table(&text),
        };
        Outcome::NoMessenger { text, known }
    };
    RecentAnswer {
        recipient,
        outcome,
        row,
    }
}

fn known_by_table(text: &str) -> KnownBy {
    // Without the status, which is no part of the text.
    let text = text.split_once(": ").map_or(text, |(_, text)| text);
    match refusal::read(text).map(|reading| reading.means) {
        Some(TextMeaning::Known(Meaning::NoMessenger)) => KnownBy::Table,
        Some(_) | None => KnownBy::Nobody,
    }
}
