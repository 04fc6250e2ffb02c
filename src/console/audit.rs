//! Who decided what. No number stands in the audit, even where a user typed one.

use super::app::App;
use super::gate::Actor;
use super::page::Failure;
use crate::report::without_numbers;
use crate::store::{BatchId, Decided, DecisionRecord, Reader, Store};

/// How many decisions are shown.
const SHOWN: u32 = 50;

/// Keeps who did what, and why.
pub(super) fn note(
    actor: &Actor<'_>,
    store: &Store,
    batch: Option<BatchId>,
    what: &'static str,
    detail: &str,
) -> Result<(), Failure> {
    Ok(store.record_decision(DecisionRecord {
        batch,
        actor: actor.person.to_owned(),
        what,
        detail: without_numbers(detail),
        at: actor.clock.now(),
    })?)
}

/// When, who and what, of the last decisions: about a batch, or about anything.
pub(super) fn lines(
    app: &App,
    reader: &Reader,
    batch: Option<BatchId>,
) -> Result<Vec<(String, String, String)>, Failure> {
    let local = app.local();
    let decided = reader.decisions(batch, SHOWN)?.into_iter();
    let line = |it: Decided| {
        let about = match (&it.batch, batch) {
            (Some(name), None) => format!(" (batch {name})"),
            (Some(_) | None, _) => String::new(),
        };
        let detail = if it.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", it.detail)
        };
        let text = format!("{}{detail}{about}", it.what);
        (local.time(it.at), it.actor, without_numbers(&text))
    };
    Ok(decided.map(line).collect())
}
