//! The quota as a picture with its numbers, and what was drawn last of each batch.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use askama::Template;

use super::page::Failure;
use super::plot::draw_quota;
use crate::domain::saw_tooth::{SawTooth, Window};
use crate::locked::lock;
use crate::report::{Local, counted, grouped};

/// All who watch a batch see one picture, which is drawn anew after this time.
const LASTS: Duration = Duration::from_secs(10);

/// The quota over time, as a page shows it.
#[derive(Debug, Clone, PartialEq, Template)]
#[template(path = "console/quota.html", config = "src/templates/askama.toml")]
pub(super) struct QuotaView {
    svg: String,
    /// How it is now.
    says: String,
    /// From when to when, requests, and how many were left.
    table: Vec<(String, String, String)>,
}

/// What was drawn last of each batch, and when.
#[derive(Default)]
pub(super) struct Quotas(Mutex<HashMap<String, (Duration, Option<QuotaView>)>>);

impl Quotas {
    /// That of a batch, drawn by `draw` if it was not lately.
    pub(super) fn get(
        &self,
        batch: &str,
        now: Duration,
        draw: impl FnOnce() -> Result<Option<QuotaView>, Failure>,
    ) -> Result<Option<QuotaView>, Failure> {
        let mut drawn = lock(&self.0);
        drawn.retain(|_, (at, _)| now.saturating_sub(*at) < LASTS);
        if let Some((_, view)) = drawn.get(batch) {
            return Ok(view.clone());
        }
        let view = draw()?;
        drawn.insert(batch.to_owned(), (now, view.clone()));
        Ok(view)
    }
}

impl QuotaView {
    pub(super) fn of(saw: &SawTooth, local: &Local) -> Result<Self, Failure> {
        let line = |window: &Window| {
            let (from, until) = (local.short(window.from), local.short(window.until));
            (
                format!("{from} to {until}"),
                grouped(window.used),
                grouped(window.left()),
            )
        };
        Ok(Self {
            svg: draw_quota(saw, local)?,
            says: now(saw, local),
            table: saw.windows.iter().rev().map(line).collect(),
        })
    }
}

/// How the quota is now, in words.
fn now(saw: &SawTooth, local: &Local) -> String {
    let limit = grouped(saw.limit);
    match saw.windows.last() {
        Some(window) if local.now < window.until => format!(
            "{} of {limit} requests left, until {}",
            grouped(window.left()),
            local.short(window.until)
        ),
        Some(_) | None => format!(
            "{} left: a new window opens with the next one",
            counted(saw.limit, "request")
        ),
    }
}
