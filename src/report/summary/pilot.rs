//! The pilot of a batch: how these people stand, apart from the rest.

use std::fmt::Write as _;

use serde::Serialize;

use crate::domain::batch_state::BatchState;
use crate::domain::delivery::State;
use crate::domain::pilot::{BY_PILOT, Pilot};
use crate::domain::text::on_one_line;
use crate::report::words::grouped;
use crate::store::{Batch, PilotPeople};

/// The pilot of a batch.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PilotReport {
    /// How many people were asked for.
    pub size: u32,
    /// The seed by which they were chosen; `None`: they are the first.
    pub seed: Option<u32>,
    /// Whether all of them were settled.
    pub is_over: bool,
    /// Whether the rest of the batch waits until a person says that it follows.
    pub rest_waits: bool,
    /// How they stand; `None` where only the counts of the batch were asked for.
    #[serde(flatten)]
    pub people: Option<PilotCounts>,
    #[serde(skip)]
    pilot: Pilot,
    /// Refusals by text, the most frequent first.
    #[serde(skip)]
    refusals: Vec<(State, String, u64)>,
}

/// How the people of a pilot stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct PilotCounts {
    /// Those who are in it.
    pub people: u64,
    /// Accepted by the API.
    pub sent: u64,
    /// No Messenger for the number.
    pub no_messenger: u64,
    /// Refused, or failed to be delivered.
    pub error: u64,
    /// A message may have gone out.
    pub unknown: u64,
    /// Must not be messaged: found when it was their turn.
    pub suppressed: u64,
    /// Waits for its turn.
    pub queued: u64,
    /// Held by the text of a refusal.
    pub held: u64,
    /// On its way this moment.
    pub sending: u64,
}

impl PilotCounts {
    /// Those of these groups.
    pub(crate) fn of(people: &[PilotPeople]) -> Self {
        let mut counts = Self::default();
        for group in people {
            counts.add(group);
        }
        counts
    }

    /// Those who are not settled.
    pub(crate) fn left(self) -> u64 {
        self.queued + self.held + self.sending
    }

    fn add(&mut self, group: &PilotPeople) {
        let place = match (group.state, group.held) {
            (State::Queued, false) => &mut self.queued,
            (State::Queued, true) => &mut self.held,
            (State::Sending, _) => &mut self.sending,
            (State::Sent, _) => &mut self.sent,
            (State::NoMessenger, _) => &mut self.no_messenger,
            (State::Error, _) => &mut self.error,
            (State::Unknown, _) => &mut self.unknown,
            // A changed list may have made them so.
            (State::Suppressed | State::Invalid | State::Duplicate, _) => &mut self.suppressed,
        };
        *place += group.people;
        self.people += group.people;
    }
}

impl PilotReport {
    /// What the batch itself says of its pilot.
    pub(super) fn of(batch: &Batch) -> Option<Self> {
        let pilot = batch.pilot?;
        let by_pilot = batch.state_by.as_deref() == Some(BY_PILOT);
        Some(Self {
            size: pilot.size,
            seed: pilot.seed,
            is_over: pilot.is_over,
            rest_waits: batch.state == BatchState::Paused && by_pilot,
            people: None,
            pilot,
            refusals: Vec::new(),
        })
    }

    /// The same, with how its people stand.
    pub(super) fn with(mut self, people: &[PilotPeople]) -> Self {
        self.people = Some(PilotCounts::of(people));
        for group in people {
            if let Some(text) = &group.text {
                let refusal = (group.state, text.clone(), group.people);
                self.refusals.push(refusal);
            }
        }
        self
    }

    /// Writes how they went; of the texts of refusals `texts` at the most.
    pub(super) fn write(&self, out: &mut String, texts: usize) -> std::fmt::Result {
        let Some(counts) = &self.people else {
            return Ok(());
        };
        let parts: Vec<String> = [
            (counts.sent, "sent"),
            (counts.no_messenger, "no Messenger"),
            (counts.error, "refused"),
            (counts.unknown, "unknown"),
            (counts.suppressed, "suppressed"),
            (counts.queued, "queued"),
            (counts.held, "held"),
            (counts.sending, "under way"),
        ]
        .into_iter()
        .enumerate()
        .filter(|(index, (count, _))| *index == 0 || *count > 0)
        .map(|(_, (count, word))| format!("{} {word}", grouped(count)))
        .collect();
        let state = if self.is_over { "over" } else { "not over" };
        writeln!(
            out,
            "\nPilot ({}), {state}: {}",
            self.pilot,
            parts.join(", ")
        )?;
        for (state, text, count) in self.refusals.iter().take(texts) {
            let text = on_one_line(text);
            writeln!(out, "{:>12}  {state}: {text}", grouped(*count))?;
        }
        Ok(())
    }
}
