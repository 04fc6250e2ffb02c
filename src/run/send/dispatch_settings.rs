//! The settings of the dispatcher, made from those of a run.

use std::num::NonZeroUsize;

use crate::amio::BaseUrl;
use crate::dispatch::DispatchSettings;
use crate::domain::schedule::Schedule;
use crate::run::batch::HeldBatch;
use crate::run::error::RunError;
use crate::run::mismatch::Mismatch;
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

/// Refuses to go on at the real API with a batch of which a sandbox on this machine took requests, and the reverse: each
/// would take for reached whom the other one took. Returns the address, if it is to be kept.
pub(super) fn kept_api(batch: &HeldBatch, access: &Access) -> Result<Option<String>, RunError> {
    let now = access.base_url.to_string();
    let before = batch.reader()?.kept_api(batch.batch().id)?;
    if before.as_deref() == Some(&*now) {
        return Ok(None);
    }
    let was_here = before.as_deref().and_then(|it| it.parse::<BaseUrl>().ok());
    if was_here.is_some_and(|it| it.is_loopback() != access.base_url.is_loopback()) {
        return Err(Mismatch::OtherApi {
            batch: batch.batch().name.clone(),
            before: before.unwrap_or_default(),
            now,
        }
        .into());
    }
    Ok(Some(now))
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
        refusal_rules: past::refusal_rules(batch, &settings.refusals)?,
    })
}

/// The types of the batch's channels, as far as they are known.
fn channel_types(batch: &HeldBatch) -> Result<Vec<Option<String>>, RunError> {
    let reader = batch.reader()?;
    let types = batch.batch().channels().map(|id| reader.channel_type(id));
    Ok(types.collect::<Result<_, _>>()?)
}
