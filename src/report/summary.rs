//! The state of a batch: for programs as JSON, for people with what to do next.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::error::ReportError;
use super::hints::Hints;
use super::local::Local;
use super::matters::{Matter, matters};
use super::table::SummaryLine;
use super::words::{counted, grouped, place, without_numbers};
use crate::domain::batch_state::{BatchState, Standing};
use crate::domain::delivery::State;
use crate::domain::eligibility::waited_for;
use crate::domain::follow_up::Trigger;
use crate::domain::phone::PhoneNumber;
use crate::domain::text::on_one_line;
use crate::store::{Batch, Counts, Funnel, HeldText, OutageRecord, Reader, UnknownRow};

/// The number of unknown rows that are named.
const NAMED: usize = 10;

/// The number of texts of refusals that are listed.
const TEXTS: usize = 8;

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
    pub stands: Stands,
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
    /// Those who were not reached, by whose matter it is.
    matters: Vec<(Matter, u64)>,
    /// Queued rows that wait for the outcome of another batch, and what the first of them waits for.
    waiting: Option<(u64, String)>,
    /// Those who were sent to, by channel, where the batch has several.
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
            stands: Stands::new(batch, reader.holder(&batch.name)),
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
        if batch.fallback.is_some() {
            let sent = reader.sent_by_step(batch.id)?;
            let named = batch.channels().zip(sent);
            summary.details.by_channel = named.map(|(id, sent)| (id.to_owned(), sent)).collect();
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
        summary.details.matters = matters(
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

    /// The summary for people: what happened, and what to do next.
    pub fn text(&self, hints: &Hints) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_text(&mut out, hints);
        out
    }

    fn write_text(&self, out: &mut String, hints: &Hints) -> std::fmt::Result {
        let name = on_one_line(&self.batch);
        let local = &hints.local;
        writeln!(out, "Batch {name}: {}", self.headline(local))?;
        self.write_standing(out, local)?;
        if let Some(purpose) = &self.purpose {
            writeln!(out, "For: {}", on_one_line(purpose))?;
        }
        if self.sandbox {
            writeln!(out, "A rehearsal in the sandbox: nobody was messaged.")?;
        }
        for (count, meaning) in self.meanings() {
            writeln!(out, "{:>12}  {meaning}", grouped(count))?;
        }
        writeln!(out, "{:>12}  rows in all", grouped(self.rows))?;
        self.write_channels(out)?;
        if let Some(pilot) = &self.pilot {
            pilot.write(out, TEXTS)?;
        }
        self.write_funnel(out)?;
        self.write_requests(out, local)?;
        self.write_outages(out, local)?;
        self.write_matters(out)?;
        self.write_other_numbers(out)?;
        self.write_waiting(out, hints)?;
        self.write_unknown(out)?;
        self.write_refusals(out)?;
        self.write_next(out, hints)
    }

    /// Recipients that are queued, and held by the text of their refusal.
    fn held(&self) -> u64 {
        self.details.held.iter().map(|held| held.rows).sum()
    }

    /// The summary as the last sheet of a workbook with so many rows has it.
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
            (counts.suppressed, "suppressed: must not be messaged"),
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
                "held: nobody said what their refusal means; not sent yet",
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

    fn write_channels(&self, out: &mut String) -> std::fmt::Result {
        let through = self.details.by_channel.iter();
        let through: Vec<String> = through
            .map(|(channel, sent)| format!("{} through channel {channel}", grouped(*sent)))
            .collect();
        if through.is_empty() {
            Ok(())
        } else {
            writeln!(out, "Of those sent: {}", through.join(", "))
        }
    }

    fn write_funnel(&self, out: &mut String) -> std::fmt::Result {
        let Some(funnel) = self.funnel.filter(|funnel| *funnel != Funnel::default()) else {
            return Ok(());
        };
        writeln!(
            out,
            "Of those sent: {} delivered, {} read, {} opted in, {} opted out",
            grouped(funnel.delivered),
            grouped(funnel.read),
            grouped(funnel.opted_in),
            grouped(funnel.opted_out)
        )
    }

    fn write_other_numbers(&self, out: &mut String) -> std::fmt::Result {
        match self.details.other_numbers {
            0 => Ok(()),
            rows => writeln!(
                out,
                "Warning: for {} rows the API's answer names another number than the list: see `outreach_reason` in \
                 the results",
                grouped(rows)
            ),
        }
    }

    fn write_requests(&self, out: &mut String, local: &Local) -> std::fmt::Result {
        let Some(started) = self.started_at else {
            return Ok(());
        };
        let not_left = self.did_not_leave.unwrap_or(0);
        let left = self.counts.requests.saturating_sub(not_left);
        write!(
            out,
            "{} since {}",
            counted(left, "request"),
            local.time_and_distance(started)
        )?;
        if not_left > 0 {
            write!(out, ", and {} more that did not leave", grouped(not_left))?;
        }
        if self.counts.throttled > 0 {
            let throttled = grouped(self.counts.throttled);
            write!(out, ", {throttled} of them put off by the API (429)")?;
        }
        if let Some(finished) = self.finished_at {
            write!(
                out,
                "; the last run ended {}",
                local.time_and_distance(finished)
            )?;
        }
        writeln!(out)
    }

    fn write_outages(&self, out: &mut String, local: &Local) -> std::fmt::Result {
        for outage in self.outages.iter().flatten() {
            let (begin, end) = (local.time(outage.begin), local.time(outage.end));
            let cause = without_numbers(&outage.cause);
            writeln!(out, "No usable answers from {begin} to {end}: {cause}")?;
        }
        Ok(())
    }

    fn write_matters(&self, out: &mut String) -> std::fmt::Result {
        // What the counts say already.
        if self
            .details
            .matters
            .iter()
            .all(|(matter, _)| *matter == Matter::Number)
        {
            return Ok(());
        }
        writeln!(out, "\nNot reached, by whose matter it is")?;
        for (matter, count) in &self.details.matters {
            writeln!(out, "{:>12}  {}", grouped(*count), matter.text())?;
        }
        Ok(())
    }

    fn write_waiting(&self, out: &mut String, hints: &Hints) -> std::fmt::Result {
        let Some((rows, first)) = &self.details.waiting else {
            return Ok(());
        };
        let resolve = hints.command("resolve", waited_for(first).unwrap_or(&self.batch), &[]);
        writeln!(
            out,
            "\n{} of the queued may have the same message from another batch (the first {}).\n\
             Settle that batch first, with `{resolve}`: until then they stay queued.",
            grouped(*rows),
            on_one_line(first)
        )
    }

    fn write_unknown(&self, out: &mut String) -> std::fmt::Result {
        if self.details.unknown.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nOutcome unknown")?;
        for (place, row) in &self.details.unknown {
            let phone = row.phone.map_or_else(String::new, PhoneNumber::masked);
            let reason = row.reason.as_deref().unwrap_or("the answer was lost");
            writeln!(out, "  {place}  {phone}  {}", without_numbers(reason))?;
        }
        let more = self
            .counts
            .unknown
            .saturating_sub(self.details.unknown.len() as u64);
        if more > 0 {
            writeln!(out, "  and {} more", grouped(more))?;
        }
        Ok(())
    }

    fn write_refusals(&self, out: &mut String) -> std::fmt::Result {
        if self.details.refusals.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nRefusals, by what the API said (digits as #)")?;
        for (state, text, count) in self.details.refusals.iter().take(TEXTS) {
            let text = if text.is_empty() { "(no text)" } else { text };
            let text = on_one_line(text);
            writeln!(out, "{:>12}  {state}: {text}", grouped(*count))?;
        }
        let more = self.details.refusals.len().saturating_sub(TEXTS);
        if more > 0 {
            writeln!(
                out,
                "{more:>12}  other texts; the results file has them all"
            )?;
        }
        Ok(())
    }

    fn write_next(&self, out: &mut String, hints: &Hints) -> std::fmt::Result {
        let lines = self.next(hints);
        if let Some(results) = &hints.results {
            let path = results.display().to_string();
            writeln!(out, "\nResults: {}", on_one_line(&path))?;
        } else if let Some((path, at)) = &hints.older_results {
            let path = path.display().to_string();
            let at = hints.local.time_and_distance(*at);
            writeln!(out, "\nResults as of {at}: {}", on_one_line(&path))?;
        }
        if !lines.is_empty() {
            writeln!(out, "\nWhat to do next")?;
        }
        let width = lines.iter().map(|(line, _)| line.len()).max().unwrap_or(0);
        for (line, why) in lines {
            writeln!(out, "  {:width$}  {why}", on_one_line(&line))?;
        }
        Ok(())
    }
}

impl Summary {
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

pub use standing::Stands;

mod next;
mod pilot;
mod standing;
#[cfg(test)]
mod tests;
mod view;

use pilot::PilotReport;
