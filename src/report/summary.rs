//! The state of a batch: for programs as JSON, for people with what to do next.

use jiff::Timestamp;
use serde::Serialize;

use super::error::ReportError;
use super::local::Local;
use super::table::SummaryLine;
use super::unreached::{UnreachedCause, unreached};
use super::words::place;
use crate::domain::batch_state::{BatchState, Standing};
use crate::domain::delivery::State;
use crate::domain::follow_up::Trigger;
use crate::store::{Batch, Counts, Funnel, HeldText, OutageRecord, Reader, UnknownRow};

/// The number of unknown rows that are named.
const NAMED: usize = 10;

/// The state of a batch.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Its name.
    pub batch: String,
    /// The channel's id.
    pub channel: String,
    /// What the batch is for, as a person said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// True for a rehearsal: no real message was sent.
    pub sandbox: bool,
    /// Where it stands.
    #[serde(flatten)]
    pub stands: StandingReport,
    /// Rows of the input.
    pub rows: u64,
    /// Rows by status, requests, and requests that were put off.
    #[serde(flatten)]
    pub counts: Counts,
    /// What happened after "sent"; `None` where only the counts were asked for.
    #[serde(flatten)]
    pub funnel: Option<Funnel>,
    /// First request.
    pub started_at: Option<Timestamp>,
    /// End of the last run.
    pub finished_at: Option<Timestamp>,
    /// How the last run ended, as a word.
    pub exit_reason: Option<String>,
    /// Of the invalid rows those whose place another row took; `None` where only the counts were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mended: Option<u64>,
    /// The pilot that it has, or had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pilot: Option<PilotReport>,
    /// The last outages; `None` where only the counts were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outages: Option<Vec<OutageRecord>>,
    /// Of the requests those that never left this machine; `None` where only the counts were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did_not_leave: Option<u64>,
    /// A follow-up takes people until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_until: Option<Timestamp>,
    /// The event that its people wait for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Trigger>,
    /// What the text says beyond the counts.
    #[serde(skip)]
    details: Details,
}

#[derive(Debug, Clone, Default)]
struct Details {
    ready: bool,
    halted_text: Option<String>,
    /// Recipients that are held, by the text of their refusal.
    held: Vec<HeldText>,
    /// Those who were not reached, by cause.
    unreached: Vec<(UnreachedCause, u64)>,
    /// Queued rows that wait for the outcome of another batch, and what the first of them waits for.
    waiting: Option<(u64, String)>,
    /// Those who were sent to, by channel, where there are several.
    by_channel: Vec<(String, u64)>,
    /// Messages whose answers named another number.
    other_numbers: u64,
    /// Refusals by text, the most frequent first.
    refusals: Vec<(State, String, u64)>,
    /// The first rows whose outcome is unknown.
    unknown: Vec<(String, UnknownRow)>,
}

impl Summary {
    /// Reads the counts alone: at once, whatever the size of the batch.
    ///
    /// # Errors
    /// [`ReportError`] if the checkpoint cannot be read.
    pub(crate) fn counts(reader: &Reader, batch: &Batch) -> Result<Self, ReportError> {
        let counts = reader.counts(batch.id)?;
        Ok(Self {
            batch: batch.name.clone(),
            channel: batch.channel.clone(),
            purpose: batch.purpose.clone(),
            sandbox: batch.sandbox,
            stands: StandingReport::new(batch, reader.holder(&batch.name)),
            rows: counts.rows(),
            counts,
            funnel: None,
            started_at: batch.started_at,
            finished_at: batch.finished_at,
            exit_reason: batch.exit_reason.clone(),
            mended: None,
            open_until: batch.follow_up.as_ref().map(|it| it.open_until),
            after: batch.follow_up.as_ref().map(|it| it.after),
            pilot: PilotReport::of(batch),
            outages: None,
            did_not_leave: None,
            details: Details {
                ready: batch.is_whole(),
                halted_text: batch.halted_text.clone(),
                ..Details::default()
            },
        })
    }

    /// Reads everything that the text reports.
    ///
    /// # Errors
    /// [`ReportError`] if the checkpoint cannot be read.
    pub(crate) fn load(reader: &Reader, batch: &Batch) -> Result<Self, ReportError> {
        let mut summary = Self::counts(reader, batch)?;
        summary.funnel = Some(reader.funnel(batch.id)?);
        if let Some(pilot) = summary.pilot {
            summary.pilot = Some(pilot.with(&reader.pilot_people(batch.id)?));
        }
        summary.mended = Some(match summary.counts.invalid {
            0 => 0,
            _ => reader.mended(batch.id)?,
        });
        let is_restored = batch.restored_from().is_some();
        if batch.fallback.is_some() || is_restored {
            let mut sent = reader.sent_by_channel(batch)?;
            sent.retain(|(_, rows)| *rows > 0 || !is_restored);
            summary.details.by_channel = sent;
        }
        let (outages, did_not_leave) = reader.outages(batch.id)?;
        summary.outages = Some(outages);
        summary.did_not_leave = Some(did_not_leave.min(summary.counts.requests));
        summary.details.other_numbers = reader.other_numbers(batch.id)?;
        for state in [State::NoMessenger, State::Error] {
            if summary.counts.of(state) > 0 {
                let reasons = reader.reasons(batch.id, state)?;
                let refusals = reasons.into_iter().map(|(text, n)| (state, text, n));
                summary.details.refusals.extend(refusals);
            }
        }
        let refused = summary.counts.no_messenger + summary.counts.error;
        let refused = if refused > 0 {
            reader.not_reached(batch.id)?
        } else {
            Vec::new()
        };
        if summary.counts.queued > 0 {
            summary.details.held = reader.held(batch.id)?;
        }
        let held = summary.held();
        summary.details.unreached = unreached(
            &refused,
            summary.counts.queued.saturating_sub(held),
            held,
            batch.state_by.as_deref(),
        );
        if summary.counts.queued > 0 {
            let (rows, first) = reader.waiting_for_outcomes(batch.id)?;
            summary.details.waiting = first.map(|first| (rows, first));
        }
        if summary.counts.unknown > 0 {
            let rows = reader.unknown_rows(batch.id, NAMED)?;
            let named = rows
                .into_iter()
                .map(|row| (place(&batch.files, row.file, row.row), row));
            summary.details.unknown = named.collect();
        }
        Ok(summary)
    }

    fn is_cancelled(&self) -> bool {
        self.stands.state == Standing::Stored(BatchState::Cancelled)
    }

    /// Whether its pilot is over, and nobody has said that the rest follows.
    pub(crate) fn rest_waits(&self) -> bool {
        self.pilot.as_ref().is_some_and(|pilot| pilot.rest_waits)
    }

    /// True once no row is queued or under way.
    pub fn is_settled(&self) -> bool {
        self.details.ready && self.counts.queued == 0 && self.counts.sending == 0
    }

    /// Recipients that are queued, and held by the text of their refusal.
    fn held(&self) -> u64 {
        self.details.held.iter().map(|held| held.rows).sum()
    }

    /// The summary as the last sheet of a workbook with `rows` rows has it.
    pub(super) fn lines(&self, rows: u64) -> Vec<SummaryLine> {
        let mut lines = vec![
            ("Batch".to_owned(), self.batch.clone()),
            ("State".to_owned(), self.headline(&Local::default())),
        ];
        if self.sandbox {
            let nobody = "a rehearsal in the sandbox: nobody was messaged";
            lines.push(("Kind".to_owned(), nobody.to_owned()));
        }
        let mut push = |name: &str, value: String| lines.push((name.to_owned(), value));
        for (count, meaning) in self.meanings() {
            push(meaning, count.to_string());
        }
        push("rows in all", self.rows.to_string());
        if rows != self.rows {
            push("rows in this file", rows.to_string());
        }
        if let Some(funnel) = self.funnel {
            push("delivered, of those sent", funnel.delivered.to_string());
            push("read", funnel.read.to_string());
            push("opted in", funnel.opted_in.to_string());
            push("opted out", funnel.opted_out.to_string());
        }
        push("requests", self.counts.requests.to_string());
        let times = [
            ("first request (UTC)", self.started_at),
            ("end of the last run (UTC)", self.finished_at),
        ];
        for (name, time) in times {
            push(
                name,
                time.map_or_else(String::new, |time| format!("{time:.0}")),
            );
        }
        for (state, text, count) in &self.details.refusals {
            push(&format!("{state}: {text}"), count.to_string());
        }
        lines
    }

    fn meanings(&self) -> Vec<(u64, &'static str)> {
        let counts = &self.counts;
        let mended = self.mended.unwrap_or(0);
        let all = [
            (counts.sent, "sent"),
            (
                counts.unknown,
                "unknown: a message may have gone out, the answer was lost",
            ),
            (counts.no_messenger, "no Messenger for the number"),
            (counts.error, "refused, or failed to be delivered"),
            (
                counts.invalid.saturating_sub(mended),
                "invalid: cannot be sent as they stand",
            ),
            (mended, "invalid, and mended by another row"),
            (counts.duplicate, "duplicate of an earlier row"),
            (
                counts.suppressed,
                "suppressed: left out, each for the reason in its row",
            ),
            (
                counts.queued.saturating_sub(self.held()),
                if self.is_cancelled() {
                    "cancelled: not sent"
                } else {
                    "queued: not sent yet"
                },
            ),
            (counts.awaiting, self.awaited()),
            (
                self.held(),
                "held: it is not known what their refusal means; not sent yet",
            ),
            (
                counts.sending,
                "under way, or interrupted: their outcome is unknown",
            ),
        ];
        let lines = all.into_iter().enumerate();
        lines
            .filter(|(index, (count, _))| *index == 0 || *count > 0)
            .map(|(_, line)| line)
            .collect()
    }

    /// What those wait for whose event has not come.
    pub(crate) fn awaited(&self) -> &'static str {
        match self.after {
            Some(after) if !self.is_cancelled() => after.awaits(),
            Some(_) | None => "cancelled: not sent",
        }
    }

    /// The summary as the JSON of a file.
    ///
    /// # Errors
    /// If a value has no JSON form: a defect.
    pub(crate) fn file_content(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }
}

pub use standing::StandingReport;

mod next;
mod pilot;
mod standing;
#[cfg(test)]
mod tests;
mod text;
mod view;

pub(crate) use pilot::PilotCounts;
use pilot::PilotReport;
