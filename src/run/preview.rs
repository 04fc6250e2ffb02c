//! What a run would do, before it is confirmed.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use super::fallback::FallbackSource;
use super::forecast::first_forecast;
use super::halt::AfterHalt;
use super::pilot;
use super::quota::known;
use super::settings::RunSettings;
use crate::domain::forecast::Forecast;
use crate::domain::pilot::PilotStep;
use crate::domain::schedule::WindowBy;
use crate::store::{Counts, Reader};

/// Who probably goes on to another channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LikelyFallback {
    /// The other channels, in the order in which they are tried.
    pub channels: Vec<String>,
    /// How many people, by the share of earlier answers on the batch's own channel; `None` before there were any.
    pub people: Option<u64>,
}

/// The quota that a forecast uses.
#[derive(Debug, Clone, Copy, Default)]
pub struct QuotaOf<'a> {
    /// The fingerprint of the token that is used, if there is one.
    pub token: Option<i64>,
    /// For a rehearsal the checkpoint of the real batches, if there is one: it knows what the API grants.
    pub real: Option<&'a Path>,
}

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
    /// Who probably goes on to another channel, where the batch has several.
    pub fallback: Option<LikelyFallback>,
    /// Those of the queued who can never be reached, because the window is never open where they live, by region.
    pub never: BTreeMap<String, u64>,
    /// When the run will be done. For a rehearsal, which waits for nothing, when the real run would be: nothing where
    /// neither quota nor hours nor rate are known.
    pub forecast: Option<Forecast>,
    /// Whether an answer of the API reported the token's quota before, or the pace was set.
    pub pace_is_known: bool,
}

impl HeldBatch {
    /// What a run would do; `quota_of` says whose quota is used, and `pilot` for whom the run is.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn preview(
        &self,
        settings: &RunSettings,
        quota_of: QuotaOf<'_>,
        after_halt: &AfterHalt,
        pilot: PilotStep,
        now: Timestamp,
    ) -> Result<Preview, RunError> {
        let settings = &self.settings(settings);
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
                let again = after_halt.again.as_ref().map(|(text, _)| &**text);
                pilot::to_send(&self.reader()?, self.batch(), again)?.unwrap_or(0)
            }
            PilotStep::Over(_) => 0,
        };
        let fallback = self.likely_fallback(to_send)?;
        // A recipient that goes on needs another request.
        let again = fallback.as_ref().and_then(|it| it.people).unwrap_or(0);
        let (token, sandbox) = (quota_of.token, self.batch().sandbox);
        let path = if sandbox {
            quota_of.real
        } else {
            Some(self.checkpoint())
        };
        let is_known = match (token, path) {
            (Some(token), Some(path)) => known(&Reader::open(path)?, token)?.limit.is_some(),
            (Some(_) | None, _) => false,
        };
        let pace_is_known = is_known || settings.pacer.rate.is_some();
        let hours = settings.schedule.window.is_some() || settings.schedule.deadline.is_some();
        let says_something = !sandbox || pace_is_known || hours;
        let forecast = if to_send > 0 && says_something {
            let requests = to_send + again;
            Some(first_forecast(path, token, settings, requests, now)?)
        } else {
            None
        };
        Ok(Preview {
            counts,
            held,
            to_send,
            mended,
            fallback,
            never: self.never_reached(settings, now)?,
            forecast,
            pace_is_known,
        })
    }

    /// Who can never be reached in the window, by region.
    fn never_reached(
        &self,
        settings: &RunSettings,
        now: Timestamp,
    ) -> Result<BTreeMap<String, u64>, RunError> {
        let schedule = &settings.schedule;
        let by_recipient = schedule.window.is_some() && schedule.window_by == WindowBy::Recipient;
        if self.batch().sandbox || !by_recipient {
            return Ok(BTreeMap::new());
        }
        let mut regions: BTreeMap<Option<String>, u64> = BTreeMap::new();
        self.reader()?.queued_numbers(self.batch().id, |phone| {
            let region = phone.region().map(|region| region.code().clone());
            *regions.entry(region).or_default() += 1;
        })?;
        let never = regions
            .into_iter()
            .filter(|(region, _)| schedule.never_opens_for(now, region.as_deref()));
        Ok(never
            .map(|(region, people)| (region.unwrap_or_else(|| "no country".to_owned()), people))
            .collect())
    }

    /// How many of `people` probably go on to another channel.
    fn likely_fallback(&self, people: u64) -> Result<Option<LikelyFallback>, RunError> {
        let batch = self.batch();
        let Some(fallback) = batch.fallback.as_ref().filter(|_| people > 0) else {
            return Ok(None);
        };
        let channels = fallback.channels.iter().map(|it| it.id.clone()).collect();
        likely(&self.reader()?, &batch.channel, channels, people).map(Some)
    }
}

/// How many of `people` would probably go on to these other channels, by what the checkpoint knows of `channel`.
///
/// # Errors
/// [`RunError`] if the checkpoint cannot be read.
pub fn likely_fallback(
    checkpoint: Option<&Path>,
    channel: &str,
    others: &FallbackSource,
    people: u64,
) -> Result<Option<LikelyFallback>, RunError> {
    let channels: Vec<String> = others.channels.iter().map(|(id, _)| id.clone()).collect();
    if channels.is_empty() || people == 0 {
        return Ok(None);
    }
    match checkpoint.filter(|path| path.exists()) {
        Some(path) => likely(&Reader::open(path)?, channel, channels, people).map(Some),
        None => Ok(Some(LikelyFallback {
            channels,
            people: None,
        })),
    }
}

fn likely(
    reader: &Reader,
    channel: &str,
    channels: Vec<String>,
    people: u64,
) -> Result<LikelyFallback, RunError> {
    let answers = reader.latest_answers(channel)?;
    let all = answers.accepted + answers.no_messenger + answers.refused;
    Ok(LikelyFallback {
        channels,
        people: (all > 0).then(|| people.saturating_mul(answers.no_messenger).div_ceil(all)),
    })
}
