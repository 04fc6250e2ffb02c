//! What a run would do, before it is confirmed.

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use super::forecast::first_forecast;
use super::halt::AfterHalt;
use super::pilot::left;
use super::quota::known;
use super::settings::RunSettings;
use crate::domain::forecast::Forecast;
use crate::domain::pilot::PilotStep;
use crate::store::Counts;

/// What a run would do.
#[derive(Debug, Clone)]
pub struct Preview {
    /// How the batch stands, refusals that are sent to again counted as queued.
    pub counts: Counts,
    /// Those of the queued that are held by the text of a refusal: nobody claims them.
    pub held: u64,
    /// Those whom the run is for: in a pilot its own.
    pub to_send: u64,
    /// Of the invalid rows those whose place another row took.
    pub mended: u64,
    /// When the run will be done; nothing for a rehearsal.
    pub forecast: Option<Forecast>,
    /// Whether an answer of the API told the token's quota before, or the pace was set.
    pub pace_is_known: bool,
}

impl HeldBatch {
    /// What a run would do; `token` is the fingerprint of the token whose quota is used, if there is one, and `pilot`
    /// says whom the run is for.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn preview(
        &self,
        settings: &RunSettings,
        token: Option<i64>,
        after_halt: &AfterHalt,
        pilot: PilotStep,
        now: Timestamp,
    ) -> Result<Preview, RunError> {
        let mut counts = self.reader()?.counts(self.batch().id)?;
        let mended = match counts.invalid {
            0 => 0,
            _ => self.reader()?.mended(self.batch().id)?,
        };
        after_halt.apply_to(&mut counts);
        let held = after_halt.counts().held;
        let queued = counts.queued.saturating_sub(held);
        let to_send = match pilot {
            PilotStep::None => queued,
            PilotStep::Begin(pilot) => queued.min(pilot.size.into()),
            PilotStep::GoOn(_) => {
                left(&self.reader()?, self.batch())?.map_or(0, |left| left.queued)
            }
            PilotStep::Over(_) => 0,
        };
        let forecast = if self.batch().sandbox || to_send == 0 {
            None
        } else {
            let path = self.checkpoint();
            Some(first_forecast(Some(path), token, settings, to_send, now)?)
        };
        let known = match token {
            Some(token) => known(&self.reader()?, token)?.limit.is_some(),
            None => false,
        };
        Ok(Preview {
            counts,
            held,
            to_send,
            mended,
            forecast,
            pace_is_known: known || settings.pacer.rate.is_some(),
        })
    }
}
