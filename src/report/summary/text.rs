//! The summary for people, from top to bottom.

use std::fmt::Write as _;

use super::super::hints::Hints;
use super::super::local::Local;
use super::super::unreached::UnreachedCause;
use super::super::words::{counted, grouped, without_numbers};
use super::Summary;
use crate::domain::eligibility::waited_for;
use crate::domain::phone::PhoneNumber;
use crate::domain::text::on_one_line;
use crate::store::Funnel;

/// The number of texts of refusals that are listed.
const TEXTS: usize = 8;

impl Summary {
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
        self.write_unreached(out)?;
        self.write_other_numbers(out)?;
        self.write_waiting(out, hints)?;
        self.write_unknown(out)?;
        self.write_refusals(out)?;
        self.write_next(out, hints)
    }

    fn write_channels(&self, out: &mut String) -> std::fmt::Result {
        let through = self.details.by_channel.iter();
        let through: Vec<String> = through
            .map(|(channel, sent)| format!("{} through channel {channel}", grouped(*sent)))
            .collect();
        if through.len() < 2 {
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

    fn write_unreached(&self, out: &mut String) -> std::fmt::Result {
        // What the counts say already.
        if self
            .details
            .unreached
            .iter()
            .all(|(cause, _)| *cause == UnreachedCause::Number)
        {
            return Ok(());
        }
        writeln!(out, "\nNot reached, by cause")?;
        for (cause, count) in &self.details.unreached {
            writeln!(out, "{:>12}  {}", grouped(*count), cause.text())?;
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
