//! Where a batch stands: since when, why, who works on it, and when to come back.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::Summary;
use crate::domain::batch_state::{BY_FULL_DISK, BatchState, PausedBy, Standing};
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::local::Local;
use crate::report::words::without_numbers;
use crate::store::{Batch, Holder};

/// Where a batch stands.
#[derive(Debug, Clone, Serialize)]
pub struct StandingReport {
    /// In a word.
    #[serde(serialize_with = "as_word")]
    pub state: Standing,
    /// Since when.
    #[serde(rename = "state_since")]
    pub since: Timestamp,
    /// Until when, where time alone ends it.
    #[serde(rename = "state_until")]
    pub until: Option<Timestamp>,
    /// Why, for people.
    #[serde(rename = "state_why")]
    pub why: Option<String>,
    /// Who put it there, or what caused it.
    #[serde(rename = "state_by")]
    pub by: Option<String>,
    /// The process that works on it.
    pub holder: Option<Holder>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn as_word<S: serde::Serializer>(state: &Standing, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(state.word())
}

impl StandingReport {
    pub(super) fn new(batch: &Batch, holder: Option<Holder>) -> Self {
        Self {
            state: Standing::of(batch.state, holder.is_some()),
            since: batch.state_since,
            until: batch.state_until,
            why: batch.state_why.as_deref().map(without_numbers),
            by: batch
                .state_by
                .as_deref()
                .map(|by| match PausedBy::person(by) {
                    Some(PausedBy::Person(name)) => name,
                    Some(PausedBy::Approval) | None => by.to_owned(),
                }),
            holder,
        }
    }
}

impl StandingReport {
    /// Another process works on the batch.
    pub(super) fn worked_on(&self) -> Option<&Holder> {
        self.holder.as_ref().filter(|it| !it.is_this_process())
    }
}

impl Summary {
    /// The exit code that stands for where the batch is: as its last run ended, and as it was settled since.
    pub fn exit(&self) -> ExitCode {
        if self.stands.worked_on().is_some() {
            return ExitCode::Held;
        }
        let outstanding = self.counts.queued + self.counts.sending;
        let last = self.exit_reason.as_deref().and_then(ExitCode::from_reason);
        match self.stands.state {
            Standing::Stored(BatchState::Reading) => ExitCode::Input,
            Standing::Stored(BatchState::Stopped) => last.unwrap_or(ExitCode::Guard),
            Standing::Stored(BatchState::Cancelled | BatchState::Open | BatchState::Complete) => {
                self.settled_exit()
            }
            Standing::Stored(
                BatchState::Draft | BatchState::Running | BatchState::Waiting | BatchState::Paused,
            )
            | Standing::Interrupted
                if outstanding == 0 =>
            {
                self.settled_exit()
            }
            Standing::Stored(BatchState::Paused) => self.paused_exit(),
            Standing::Stored(BatchState::Draft | BatchState::Running | BatchState::Waiting)
            | Standing::Interrupted => ExitCode::Paused,
        }
    }

    /// Nobody is queued who could be sent to.
    fn settled_exit(&self) -> ExitCode {
        let last = self.exit_reason.as_deref().and_then(ExitCode::from_reason);
        let exit = if self.counts.error + self.counts.unknown > 0 {
            ExitCode::CompleteWithProblems
        } else {
            ExitCode::Complete
        };
        match last {
            Some(ExitCode::BelowShare) => exit.below_share(),
            Some(_) | None => exit,
        }
    }

    /// Until when a follow-up takes people.
    fn open_text(&self, local: &Local) -> String {
        match self.open_until {
            Some(until) if until > local.now => {
                format!("open until {}", local.time_and_distance(until))
            }
            Some(until) => format!("it took people until {}", local.time(until)),
            None => "open".to_owned(),
        }
    }

    /// Those who are queued may all wait for a person.
    fn paused_exit(&self) -> ExitCode {
        let waiting = self.details.waiting.as_ref().map_or(0, |(rows, _)| *rows);
        let held = self.held();
        if held > 0 && held + waiting == self.counts.queued {
            ExitCode::Guard
        } else if waiting > 0 && waiting == self.counts.queued {
            ExitCode::CompleteWithProblems
        } else {
            ExitCode::Paused
        }
    }

    /// The first line, behind the name.
    pub(super) fn headline(&self, local: &Local) -> String {
        let last = self.exit_reason.as_deref().map(|reason| {
            ExitCode::from_reason(reason)
                .map_or_else(|| reason.to_owned(), |exit| exit.text().to_owned())
        });
        let why = || self.stands.why.as_deref();
        match self.stands.state {
            Standing::Stored(BatchState::Cancelled) => {
                "cancelled: people who were not messaged yet will not be".to_owned()
            }
            Standing::Stored(BatchState::Reading) if self.stands.holder.is_some() => {
                "its list is being read".to_owned()
            }
            Standing::Stored(BatchState::Reading) => {
                "its list was not read to the end; nothing can be sent".to_owned()
            }
            Standing::Stored(BatchState::Draft) if self.started_at.is_none() => {
                "nothing was sent yet".to_owned()
            }
            Standing::Interrupted if !self.is_settled() => {
                let is_told = self.stands.by.as_deref() == Some(BY_FULL_DISK);
                let why = why().filter(|_| is_told);
                format!(
                    "interrupted: {}",
                    why.unwrap_or("the process that sent it is gone")
                )
            }
            Standing::Stored(BatchState::Running) => "being sent".to_owned(),
            Standing::Stored(BatchState::Waiting) => {
                let mut text = format!("waiting {}", why().unwrap_or("for its time"));
                if let Some(until) = self.stands.until {
                    let _ = write!(text, " until {}", local.short(until));
                }
                text
            }
            Standing::Stored(BatchState::Paused) => match why() {
                Some(why) => format!("paused: {why}"),
                None => "paused".to_owned(),
            },
            Standing::Stored(BatchState::Open) => self.open_text(local),
            Standing::Stored(BatchState::Draft) if self.counts.sending > 0 => {
                "interrupted: the process that sent it is gone".to_owned()
            }
            Standing::Stored(BatchState::Draft) if !self.is_settled() => "paused".to_owned(),
            // Events and decisions may have changed rows since the last run ended.
            Standing::Stored(BatchState::Complete) if last.is_some() => {
                self.settled_exit().text().to_owned()
            }
            Standing::Stored(BatchState::Draft | BatchState::Stopped | BatchState::Complete)
            | Standing::Interrupted => last.unwrap_or_else(|| "all is settled".to_owned()),
        }
    }

    /// Who works on it, since when it stands so, and when to come back.
    pub(super) fn write_standing(&self, out: &mut String, local: &Local) -> std::fmt::Result {
        if let Some(holder) = self.stands.worked_on() {
            let since = holder.since.parse::<Timestamp>();
            let since = since.map_or_else(
                |_| holder.since.clone(),
                |since| local.time_and_distance(since),
            );
            let machine = holder.machine.as_deref().filter(|name| !name.is_empty());
            let machine = machine.map_or_else(String::new, |name| format!(" on {name}"));
            let text = format!("Process {}{machine} works on it since {since}.", holder.pid);
            writeln!(out, "{}", on_one_line(&text))?;
        }
        match self.stands.state {
            Standing::Stored(BatchState::Cancelled) => {
                let by = self.stands.by.as_deref().unwrap_or("an unknown user");
                let since = local.time_and_distance(self.stands.since);
                writeln!(out, "Cancelled by {} at {since}.", on_one_line(by))
            }
            Standing::Interrupted if !self.is_settled() => {
                let since = local.time_and_distance(self.stands.since);
                writeln!(out, "It was last heard of at {since}.")
            }
            Standing::Stored(BatchState::Paused) => self.write_until(out, local),
            Standing::Stored(
                BatchState::Reading
                | BatchState::Draft
                | BatchState::Running
                | BatchState::Waiting
                | BatchState::Stopped
                | BatchState::Open
                | BatchState::Complete,
            )
            | Standing::Interrupted => Ok(()),
        }
    }

    /// When what the run waited for comes.
    fn write_until(&self, out: &mut String, local: &Local) -> std::fmt::Result {
        let Some(until) = self.stands.until else {
            return Ok(());
        };
        let what = match self.stands.by.as_deref() {
            Some("quota") => "The quota",
            Some("hours") => "The window",
            Some(_) | None => return Ok(()),
        };
        let (verb, time) = if until > local.now {
            ("opens", local.time_and_distance(until))
        } else {
            ("is open again since", local.time_and_distance(until))
        };
        writeln!(out, "{what} {verb} {time}.")
    }
}
