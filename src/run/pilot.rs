//! A pilot of a batch: how it begins, goes on, and ends.

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use crate::domain::batch_state::BatchState;
use crate::domain::delivery::State;
use crate::domain::pilot::{self, BY_PILOT, Pilot, PilotSettings, PilotStep};
use crate::domain::random::mix;
use crate::domain::text::canonical_text;
use crate::report::PilotCounts;
use crate::store::{Batch, NewPilot, PilotPeople, Reader, StoreError};

impl HeldBatch {
    /// What the next run is, as far as pilots go. `resumed`: a person takes the batch up; `bits` are random: the seed of a
    /// sample, where none is asked for.
    pub fn pilot_step(&self, asked: Option<PilotSettings>, resumed: bool, bits: u64) -> PilotStep {
        let batch = self.batch();
        let by_pilot = batch.state_by.as_deref() == Some(BY_PILOT);
        let waits = batch.state == BatchState::Paused && by_pilot;
        pilot::step(batch.pilot, asked, waits, resumed, bits)
    }

    /// Chooses the people of a pilot among those who are queued now, and keeps them with the batch; only they are
    /// claimed until all of them are settled.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn begin_pilot(self, pilot: Pilot, actor: &str, now: Timestamp) -> Result<Self, RunError> {
        let (reader, id, size) = (self.reader()?, self.batch().id, pilot.size);
        let rows = match pilot.seed {
            None => reader.queued_rows(id, size, |rows| rows.collect())?,
            Some(seed) => reader.queued_rows(id, u32::MAX, |rows| {
                let mut count = 0;
                pilot::sample(rows, size, || {
                    count += 1;
                    mix(mix(seed.into()) ^ count)
                })
            })?,
        };
        let new = NewPilot {
            size,
            seed: pilot.seed,
            rows,
            actor: actor.to_owned(),
            at: now,
        };
        self.store().begin_pilot(id, new)?;
        self.reread()
    }
}

/// Whom a run of the batch's pilot is for: those who are queued, and those who were refused with the text `again` and are
/// sent to again; `None` if it has no pilot, or it is over.
pub(crate) fn to_send(
    reader: &Reader,
    batch: &Batch,
    again: Option<&str>,
) -> Result<Option<u64>, StoreError> {
    if batch.pilot.is_none_or(|pilot| pilot.is_over) {
        return Ok(None);
    }
    let refused = |group: &PilotPeople| {
        let text = group.text.as_deref().map(canonical_text);
        group.state == State::Error && text.is_some() && text.as_deref() == again
    };
    let is_sent_to =
        |group: &&PilotPeople| group.state == State::Queued && !group.held || refused(group);
    let people = reader.pilot_people(batch.id)?;
    let people = people.iter().filter(is_sent_to);
    Ok(Some(people.map(|group| group.people).sum()))
}

/// How the people of the batch's pilot stand; `None` if it has none, or it is over.
pub(super) fn counts(reader: &Reader, batch: &Batch) -> Result<Option<PilotCounts>, StoreError> {
    let open = batch.pilot.filter(|pilot| !pilot.is_over);
    let count = |_| Ok(PilotCounts::of(&reader.pilot_people(batch.id)?));
    open.map(count).transpose()
}
