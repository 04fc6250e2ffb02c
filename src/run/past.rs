//! What earlier runs of a batch have shown, for its guards.

use super::batch::HeldBatch;
use super::error::RunError;
use crate::dispatch::{LateAnswer, PastAnswers};
use crate::domain::delivery::State;
use crate::domain::outcome::{AttemptOutcome, KnownBy, Matter, Outcome};
use crate::domain::refusal::{self, Meaning, Means, Saying, Sayings};
use crate::store::LateRefusal;

/// What people said that texts mean: in earlier runs, and for this one.
pub(super) fn sayings(batch: &HeldBatch, now: &[Saying]) -> Result<Sayings, RunError> {
    let mut said = batch.reader()?.sayings()?;
    for saying in now {
        said.add(saying.clone());
    }
    Ok(said)
}

/// The answers of earlier runs.
pub(super) fn answers(batch: &HeldBatch, said: &Sayings) -> Result<PastAnswers, RunError> {
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
    let late = reader.late_refusals(id)?;
    Ok(PastAnswers {
        accepted,
        no_messenger: counts.no_messenger,
        refused: counts.error,
        latest: late.into_iter().map(|late| answer(late, said)).collect(),
        // The rows are searched only where they can matter.
        by_text: if accepted == 0 && counts.error > 0 {
            reader.refusals(id, State::Error)?
        } else {
            Vec::new()
        },
    })
}

fn answer(late: LateRefusal, said: &Sayings) -> LateAnswer {
    let LateRefusal {
        recipient,
        outcome,
        text,
        held,
    } = late;
    let outcome = if outcome == AttemptOutcome::NoMessenger {
        let known = match said.meaning(&text) {
            Some(Meaning::NoMessenger) => KnownBy::Person,
            Some(_) | None => known_by_table(&text),
        };
        Outcome::NoMessenger { text, known }
    } else {
        let matter = match outcome {
            AttemptOutcome::Message => Matter::Message(""),
            AttemptOutcome::Person => Matter::Person(""),
            _ => Matter::Unread,
        };
        Outcome::Rejected { text, matter }
    };
    LateAnswer {
        recipient,
        outcome,
        held,
    }
}

fn known_by_table(text: &str) -> KnownBy {
    // Without the status, which is no part of the text.
    let text = text.split_once(": ").map_or(text, |(_, text)| text);
    match refusal::read(text).map(|reading| reading.means) {
        Some(Means::Known(Meaning::NoMessenger)) => KnownBy::Table,
        Some(_) | None => KnownBy::Nobody,
    }
}
