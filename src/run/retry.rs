//! Refused recipients who are to be tried again, by a person's decision.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::json;

use super::batch::HeldBatch;
use super::error::RunError;
use super::resolve::{RowChoice, choose};
use crate::domain::delivery::State;
use crate::domain::refusal::{Meaning, RefusalRule};
use crate::domain::text::canonical_text;
use crate::store::{RecipientId, RefusedRow};

/// Which refused rows are tried again: those that all of these name.
#[derive(Debug, Clone, Copy, Default)]
pub struct RetryChoice<'a> {
    /// Rows in this state; without any, `error` and `no_messenger`.
    pub states: &'a [State],
    /// Rows whose refusal holds this text; `*` stands for any text, digits are alike.
    pub refusal: Option<&'a str>,
    /// These rows.
    pub rows: RowChoice<'a>,
}

/// What would be tried again, as a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retry {
    /// How many, by state and text (digits replaced), the most frequent first.
    pub texts: Vec<(State, String, u64)>,
    /// Chosen rows that stay as they are: a request may have been accepted, or the person opted out.
    pub kept: u64,
    rows: Vec<RecipientId>,
    detail: serde_json::Value,
}

impl Retry {
    /// How many rows.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl HeldBatch {
    /// What would be tried again.
    ///
    /// # Errors
    /// [`RunError`] if a row is not one that was refused, or the checkpoint fails.
    pub fn retry(&self, choice: &RetryChoice<'_>) -> Result<Retry, RunError> {
        let batch = self.batch();
        let rows = self.reader()?.refused_rows(batch.id)?;
        let at = |row: &RefusedRow| (row.file, row.row);
        let wanted = "that was refused";
        let mut rows = choose(&choice.rows, wanted, &batch.name, &batch.files, rows, at)?;
        let text = choice
            .refusal
            .map(|text| RefusalRule::new(Meaning::Later, text));
        rows.retain(|row| {
            let state = choice.states.is_empty() || choice.states.contains(&row.state);
            state && text.as_ref().is_none_or(|text| text.is_about(&row.reason))
        });
        let chosen = rows.len() as u64;
        rows.retain(|row| row.may_retry);
        let states = choice.states.iter().map(|state| state.word());
        Ok(Retry {
            texts: by_text(&rows),
            kept: chosen - rows.len() as u64,
            detail: json!({
                "rows": rows.len(),
                "status": states.collect::<Vec<_>>(),
                "refusal": text.map(|text| text.text),
            }),
            rows: rows.into_iter().map(|row| row.recipient).collect(),
        })
    }

    /// Queues them again, as decided by `person`; returns how many. The next run sends to them.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn queue_again(
        &self,
        retry: &Retry,
        person: &str,
        now: Timestamp,
    ) -> Result<u64, RunError> {
        let (store, batch) = (self.store(), self.batch());
        Ok(store.retry(batch, &retry.rows, &retry.detail, person, now)?)
    }
}

fn by_text(rows: &[RefusedRow]) -> Vec<(State, String, u64)> {
    let mut groups: HashMap<(State, String), u64> = HashMap::new();
    for row in rows {
        let text = canonical_text(&row.reason);
        *groups.entry((row.state, text)).or_default() += 1;
    }
    let groups = groups.into_iter();
    let mut groups: Vec<_> = groups.map(|((state, text), n)| (state, text, n)).collect();
    groups.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.1.cmp(&b.1)));
    groups
}
