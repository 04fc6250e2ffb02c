//! What a forecast of a run is made from.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::error::RunError;
use super::quota;
use super::settings::RunSettings;
use crate::domain::forecast::{Forecast, ForecastInput, forecast};
use crate::domain::quota::QuotaState;
use crate::store::Reader;

/// How long an answer probably takes, before there was one. The quota decides far more.
const LIKELY_LATENCY: Duration = Duration::from_millis(500);

/// What a forecast of `rows` rows is made from; `latency` is the time that answers take, if it is known.
pub(super) fn input(
    rows: u64,
    quota: QuotaState,
    latency: Option<Duration>,
    settings: &RunSettings,
) -> ForecastInput<'_> {
    ForecastInput {
        rows,
        quota,
        rate: settings.pacer.rate,
        fallback: settings.pacer.fallback,
        reserve: settings.pacer.reserve,
        pace: settings.pacer.pace,
        concurrency: settings.pacer.concurrency,
        latency: latency.unwrap_or(LIKELY_LATENCY),
        schedule: &settings.schedule,
    }
}

/// When `rows` messages would be sent, by what the checkpoint knows of the quota of the token, if there are
/// both.
///
/// # Errors
/// [`RunError`] if the checkpoint cannot be read.
pub fn first_forecast(
    checkpoint: Option<&Path>,
    token: Option<i64>,
    settings: &RunSettings,
    rows: u64,
    now: Timestamp,
) -> Result<Forecast, RunError> {
    let known = match (token, checkpoint.filter(|path| path.exists())) {
        (Some(token), Some(path)) => quota::known(&Reader::open(path)?, token)?,
        (Some(_) | None, _) => QuotaState::default(),
    };
    Ok(forecast(&input(rows, known, None, settings), now))
}
