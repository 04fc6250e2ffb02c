//! What the page of a batch shows.

use jiff::Timestamp;

use super::act::{Act, act, unknown_shown};
use super::app::App;
use super::audit;
use super::bar::{Part, bar, counted_people};
use super::gate::Actor;
use super::more::More;
use super::named::{Named, path};
use super::page::Failure;
use crate::domain::batch_state::{BatchState, Standing};
use crate::domain::text::on_one_line;
use crate::report::{Summary, counted, grouped, place, without_numbers};
use crate::run::{Counts, PhoneNumber, Wait};
use crate::store::{Approval, Batch, Reader, UnknownRow};

/// How many rows whose outcome is unknown are named.
const NAMED: usize = 10;

/// What changes while a batch is sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LiveView {
    pub(super) path: String,
    pub(super) state: &'static str,
    pub(super) class: &'static str,
    pub(super) sentence: String,
    pub(super) since: String,
    pub(super) bar: Vec<Part>,
    /// Count, word, and what it means.
    pub(super) counts: Vec<(String, &'static str, &'static str)>,
    pub(super) rows: String,
    /// Wait, pace and end, as far as they are known.
    pub(super) pace: Vec<(&'static str, String)>,
    pub(super) is_live: bool,
}

/// The colour of a state.
pub(super) fn class(state: Standing) -> &'static str {
    match state {
        Standing::Stored(BatchState::Running | BatchState::Waiting | BatchState::Open) => "run",
        Standing::Stored(BatchState::Complete) => "good",
        Standing::Stored(BatchState::Stopped) | Standing::Interrupted => "bad",
        Standing::Stored(BatchState::Paused) => "warn",
        Standing::Stored(BatchState::Draft | BatchState::Reading | BatchState::Cancelled) => {
            "plain"
        }
    }
}

/// The word of a state, for people who did not read the manual.
pub(super) fn word(state: Standing) -> &'static str {
    match state {
        Standing::Stored(BatchState::Draft) => "not started",
        state => state.word(),
    }
}

/// The parts of a batch's bar.
pub(super) fn batch_bar(counts: &Counts) -> Vec<Part> {
    bar(&[
        ("q", "sent", counts.sent),
        ("u", "unknown", counts.unknown),
        ("n", "no Messenger", counts.no_messenger),
        ("i", "error", counts.error + counts.invalid),
        ("d", "duplicate", counts.duplicate),
        ("s", "suppressed", counts.suppressed),
        (
            "w",
            "not sent yet",
            counts.queued + counts.awaiting + counts.sending,
        ),
    ])
}

fn count_lines(summary: &Summary) -> Vec<(String, &'static str, &'static str)> {
    let (counts, cancelled) = (
        &summary.counts,
        summary.stands.state == Standing::Stored(BatchState::Cancelled),
    );
    let queued = if cancelled {
        ("cancelled", "will not be sent")
    } else {
        ("queued", "not sent yet")
    };
    let all = [
        (counts.sent, ("sent", "the API took the message")),
        (counts.queued, queued),
        (counts.awaiting, ("for an event", summary.awaited())),
        (counts.sending, ("under way", "the answer is awaited")),
        (
            counts.unknown,
            (
                "unknown",
                "a message may have gone out, its answer was lost",
            ),
        ),
        (
            counts.no_messenger,
            ("no Messenger", "nobody was found for the number"),
        ),
        (counts.error, ("error", "refused, or not delivered")),
        (
            counts.invalid,
            ("invalid", "the row cannot be sent as it stands"),
        ),
        (
            counts.duplicate,
            ("duplicate", "an earlier row has the number"),
        ),
        (counts.suppressed, ("suppressed", "must not be messaged")),
    ];
    let shown = all.into_iter().enumerate();
    shown
        .filter(|(at, (count, _))| *at == 0 || *count > 0)
        .map(|(_, (count, (word, meaning)))| (grouped(count), word, meaning))
        .collect()
}

impl LiveView {
    pub(super) fn read(app: &App, named: &Named) -> Result<Self, Failure> {
        let reader = Reader::open(app.checkpoint(named.kind))?;
        let batch = reader.batch(&named.name)?;
        let summary = Summary::counts(&reader, &batch).map_err(crate::run::RunError::from)?;
        let local = app.local();
        let own = app.runs.find(named.kind, &named.name);
        let progress = own.as_ref().and_then(|own| own.progress());
        let mut pace = Vec::new();
        let waits = |wait: &Wait| format!("{}, until {}", wait.what, local.short(wait.until));
        if let Some(progress) = &progress {
            let wait = progress.wait.as_ref().filter(|it| it.until > local.now);
            pace.extend(wait.map(|it| ("Waiting", waits(it))));
            let rate = progress.rate.filter(|rate| *rate >= 0.05);
            pace.extend(rate.map(|rate| ("Pace", format!("{rate:.1} a second"))));
            let forecast = progress.forecast.as_ref();
            pace.extend(forecast.map(|it| ("Forecast", it.to_string())));
        }
        let state = summary.stands.state;
        Ok(Self {
            path: path(named.kind, &named.name),
            state: word(state),
            class: class(state),
            sentence: sentence(&summary, app),
            since: local.time_and_distance(summary.stands.since),
            bar: batch_bar(&summary.counts),
            counts: count_lines(&summary),
            rows: counted(summary.rows, "row"),
            pace,
            is_live: own.is_some() || summary.stands.holder.is_some(),
        })
    }
}

impl LiveView {
    /// What the page as a whole depends on.
    pub(super) fn key(&self) -> String {
        let live = if self.is_live { "live" } else { "still" };
        format!("{}-{live}", self.state.replace(' ', "-"))
    }
}

fn sentence(summary: &Summary, app: &App) -> String {
    let text = summary.sentence(&app.local());
    let mut letters = text.chars();
    letters.next().map_or(text.clone(), |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

/// What does not change every moment.
pub(super) struct BatchView {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) rehearsal: bool,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) act: Act,
    pub(super) can_cancel: bool,
    pub(super) failure: Option<String>,
    /// Why a guard stopped it, and what mends that.
    pub(super) stopped: Option<(String, &'static str)>,
    /// People who are held, and the text that holds them.
    pub(super) held: Vec<(String, String)>,
    pub(super) unknown_count: u64,
    /// As [`unknown_shown`] says.
    pub(super) unknown_shown: String,
    /// Place, number, what is known.
    pub(super) unknown: Vec<(String, String, String)>,
    /// What all rows were gone through for.
    pub(super) more: More,
    /// When, who and what was decided.
    pub(super) decisions: Vec<(String, String, String)>,
    /// Status and words of what can be downloaded.
    pub(super) downloads: Vec<(&'static str, String)>,
}

impl BatchView {
    /// `again`: what all rows are gone through for is counted anew, if that takes its time.
    pub(super) fn read(app: &Actor<'_>, named: &Named, again: bool) -> Result<Self, Failure> {
        let reader = Reader::open(app.checkpoint(named.kind))?;
        let batch = reader.batch(&named.name)?;
        let summary = Summary::counts(&reader, &batch).map_err(crate::run::RunError::from)?;
        let counts = summary.counts;
        let is_free = summary.stands.holder.is_none();
        let more = More::of(app, named, &reader, &batch, &summary, again)?;
        let held = match more.here() {
            Some(details) if details.counts == counts => details.held.clone(),
            // A guard that stopped it may have left some; to look for them takes a second in a long list.
            Some(_) | None if batch.state == BatchState::Stopped => reader.held(batch.id)?,
            Some(_) | None => Vec::new(),
        };
        let held_rows: u64 = held.iter().map(|it| it.rows).sum();
        let to_send = counts.queued.saturating_sub(held_rows);
        Ok(Self {
            path: path(named.kind, &named.name),
            name: on_one_line(&named.name).into_owned(),
            rehearsal: batch.sandbox,
            facts: facts(app, &batch, &summary, reader.approval(batch.id)?),
            act: act(app, named, &reader, &batch, &summary, to_send)?,
            can_cancel: is_free
                && counts.queued > 0
                && batch.state != BatchState::Cancelled
                && batch.is_whole(),
            failure: app.runs.failure(named.kind, &named.name),
            stopped: stopped(&batch, &summary, held_rows),
            held: held
                .iter()
                .map(|it| (counted_people(it.rows), it.text.clone()))
                .collect(),
            unknown_count: counts.unknown,
            unknown_shown: if counts.unknown > 0 {
                unknown_shown(&reader, &batch)?
            } else {
                String::new()
            },
            unknown: if counts.unknown > 0 {
                unknown(&batch, &reader.unknown_rows(batch.id, NAMED)?)
            } else {
                Vec::new()
            },
            more,
            decisions: audit::lines(app, &reader, Some(batch.id))?,
            downloads: downloads(&counts),
        })
    }
}

fn facts(
    app: &App,
    batch: &Batch,
    summary: &Summary,
    approval: Approval,
) -> Vec<(&'static str, String)> {
    let local = app.local();
    let time = |at: Option<Timestamp>| at.map(|at| local.time_and_distance(at));
    let files = on_one_line(&batch.files.join(", ")).into_owned();
    let changed_by = Some(approval.changed_by.join(", ")).filter(|names| !names.is_empty());
    let all = [
        ("For", batch.purpose.clone()),
        ("List", Some(files)),
        ("Channel", Some(batch.channel.clone())),
        ("Read", time(Some(batch.created_at))),
        ("Prepared by", approval.prepared_by),
        ("Changed by", changed_by),
        ("Approved by", approval.approved_by),
        ("First request", time(batch.started_at)),
        ("Last run ended", time(batch.finished_at)),
        (
            "Requests",
            (summary.counts.requests > 0).then(|| grouped(summary.counts.requests)),
        ),
    ];
    let known = all.into_iter();
    known
        .filter_map(|(what, text)| Some((what, text?)))
        .collect()
}

/// Why a guard stopped it, and what mends that.
fn stopped(batch: &Batch, summary: &Summary, held: u64) -> Option<(String, &'static str)> {
    let is_stopped = summary.stands.state == Standing::Stored(BatchState::Stopped);
    let why = summary.stands.why.clone().filter(|_| is_stopped)?;
    let todo = if held > 0 {
        "Say below what the text means: they are held until then."
    } else if batch.halted_text.is_some() {
        "Mend the cause: the text of the message, the channel, its permissions. Going on sends to those people again."
    } else {
        "Nobody was given up: people who were not messaged are queued. \"Check everything\" under Health looks at token, channel \
         and clock; mend what it finds, then go on here."
    };
    Some((on_one_line(&why).into_owned(), todo))
}

fn downloads(counts: &Counts) -> Vec<(&'static str, String)> {
    let some = [
        (counts.invalid, "invalid", "Rows to mend"),
        (counts.duplicate, "duplicate", "Repeated numbers"),
        (counts.suppressed, "suppressed", "Must not be messaged"),
        (counts.unknown, "unknown", "Outcome unknown"),
        (counts.error, "error", "Refused"),
        (counts.no_messenger, "no_messenger", "No Messenger"),
    ];
    let line = |words: &str, count: u64| format!("{words}: {}", counted(count, "row"));
    let mut all = vec![("results", line("All results", counts.rows()))];
    let filled = some.into_iter().filter(|(count, ..)| *count > 0);
    all.extend(filled.map(|(count, status, words)| (status, line(words, count))));
    all
}

fn unknown(batch: &Batch, rows: &[UnknownRow]) -> Vec<(String, String, String)> {
    let line = |row: &UnknownRow| {
        let number = row.phone.map_or_else(String::new, PhoneNumber::masked);
        let reason = row.reason.as_deref().unwrap_or("the answer was lost");
        let at = place(&batch.files, row.file, row.row);
        (at, number, without_numbers(reason))
    };
    rows.iter().map(line).collect()
}
