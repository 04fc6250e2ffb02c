//! A pilot of a batch: how it begins, goes on, and ends.

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use crate::domain::batch_state::BatchState;
use crate::domain::delivery::State;
use crate::domain::pilot::{self, BY_PILOT, Pilot, PilotAsked, PilotStep};
use crate::domain::random::mix;
use crate::store::{Batch, NewPilot, PilotPeople, Reader, StoreError};

/// How the people of a pilot stand who are not settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PilotLeft {
    /// Those whom a run claims.
    pub(super) queued: u64,
    /// Those who are held by the text of a refusal.
    pub(super) held: u64,
    /// Those whose request is under way.
    pub(super) sending: u64,
}

impl PilotLeft {
    fn of(people: &[PilotPeople]) -> Self {
        let mut left = Self::default();
        for group in people {
            let place = match (group.state, group.held) {
                (State::Queued, false) => &mut left.queued,
                (State::Queued, true) => &mut left.held,
                (State::Sending, _) => &mut left.sending,
                (
                    State::Sent
                    | State::NoMessenger
                    | State::Error
                    | State::Unknown
                    | State::Invalid
                    | State::Duplicate
                    | State::Suppressed,
                    _,
                ) => continue,
            };
            *place += group.people;
        }
        left
    }

    /// How many there are.
    pub(super) fn all(self) -> u64 {
        self.queued + self.held + self.sending
    }
}

impl HeldBatch {
    /// What the next run is, as far as pilots go. `resumed`: a person takes the batch up; `bits` are random: the seed of a
    /// sample, where none is asked for.
    pub fn pilot_step(&self, asked: Option<PilotAsked>, resumed: bool, bits: u64) -> PilotStep {
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

/// Who of the batch's pilot is not settled yet; `None` if it has none, or it is over.
pub(super) fn left(reader: &Reader, batch: &Batch) -> Result<Option<PilotLeft>, StoreError> {
    Ok(match batch.pilot.filter(|pilot| !pilot.is_over) {
        None => None,
        Some(_) => Some(PilotLeft::of(&reader.pilot_people(batch.id)?)),
    })
}
