//! What the dispatcher is told, made of the settings of a run.

use std::num::NonZeroUsize;

use crate::dispatch::DispatchSettings;
use crate::domain::schedule::Schedule;
use crate::run::batch::HeldBatch;
use crate::run::error::{Mismatch, RunError};
use crate::run::past;
use crate::run::settings::{Access, RunSettings};
use crate::store::Batch;

/// When may be sent. Nobody is messaged by a rehearsal: it waits for no sending hours.
pub(super) fn schedule_of(
    batch: &Batch,
    access: &Access,
    settings: &RunSettings,
) -> Result<Schedule, Mismatch> {
    let mut schedule = settings.schedule.clone();
    if batch.sandbox {
        if !access.base_url.is_loopback() {
            return Err(Mismatch::RehearsalElsewhere(batch.name.clone()));
        }
        schedule.window = None;
    }
    Ok(schedule)
}

pub(super) fn concurrency(settings: &RunSettings) -> NonZeroUsize {
    NonZeroUsize::try_from(settings.pacer.concurrency).unwrap_or(NonZeroUsize::MIN)
}

pub(super) fn dispatch_settings(
    batch: &HeldBatch,
    settings: &RunSettings,
    schedule: &Schedule,
) -> Result<DispatchSettings, RunError> {
    Ok(DispatchSettings {
        concurrency: concurrency(settings),
        canary: settings.canary,
        undecided: settings.undecided,
        schedule: schedule.clone(),
        channel_types: channel_types(batch)?,
        said: past::refusal_rules(batch, &settings.refusals)?,
    })
}

/// The types of the batch's channels, as far as they are known.
fn channel_types(batch: &HeldBatch) -> Result<Vec<Option<String>>, RunError> {
    let reader = batch.reader()?;
    let types = batch.batch().channels().map(|id| reader.channel_type(id));
    Ok(types.collect::<Result<_, _>>()?)
}
