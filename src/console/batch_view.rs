//! What the page of a batch shows.

use jiff::Timestamp;

use super::app::App;
use super::audit;
use super::base::Kind;
use super::gate::Actor;
use super::list_view::{Part, bar, counted_people};
use super::mend;
use super::named::{Named, path};
use super::page::Failure;
use super::plot::{CurvesView, draw};
use crate::domain::batch_state::{BatchState, Standing};
use crate::domain::text::on_one_line;
use crate::report::{Local, Summary, counted, grouped, without_numbers};
use crate::run::{Access, Counts, PhoneNumber, Wait, first_forecast};
use crate::store::{AFTERWARDS, Approval, Batch, Holder, Reader};

/// Of a batch with more rows what goes through all of them is shown only when that is asked for.
const LARGE: u64 = 200_000;

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

fn sentence(summary: &Summary, app: &App) -> String {
    let text = summary.sentence(&app.local());
    let mut letters = text.chars();
    letters.next().map_or(text.clone(), |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

/// What can be done with a batch now.
pub(super) enum Act {
    /// It can be started, or go on.
    Start {
        to_send: u64,
        people: String,
        done: String,
        first: bool,
        forecast: String,
    },
    /// It is being sent, by this console or by another process: that one is named.
    Pause(String),
    /// A process works on it, and sends nothing more.
    Elsewhere(String),
    /// It was prepared by whoever looks at it: another person starts it.
    Another,
    /// It was given up.
    TakeUp,
    /// Nobody can be messaged without a token.
    NoToken,
    /// There is nothing left to do.
    Nothing,
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
    /// Count, status, text.
    pub(super) refusals: Vec<(String, String, String)>,
    pub(super) held: Vec<(String, String)>,
    /// Place, number, what is known.
    pub(super) unknown: Vec<(String, String, String)>,
    pub(super) unknown_count: u64,
    /// Rows that a number mends.
    pub(super) to_mend: Vec<mend::Kind>,
    pub(super) funnel: Vec<(String, &'static str, Part)>,
    pub(super) curves: Option<CurvesView>,
    pub(super) large: bool,
    pub(super) outages: Vec<(String, String, String)>,
    /// When, who and what was decided.
    pub(super) decisions: Vec<(String, String, String)>,
    /// Status and words of what can be downloaded.
    pub(super) downloads: Vec<(&'static str, String)>,
}

impl BatchView {
    pub(super) fn read(app: &Actor<'_>, named: &Named, all: bool) -> Result<Self, Failure> {
        let reader = Reader::open(app.checkpoint(named.kind))?;
        let batch = reader.batch(&named.name)?;
        let counts = reader.counts(batch.id)?;
        let large = counts.rows() > LARGE && !all;
        let summary = if large {
            Summary::counts(&reader, &batch)
        } else {
            Summary::load(&reader, &batch)
        };
        let summary = summary.map_err(crate::run::RunError::from)?;
        let is_free = summary.stands.holder.is_none();
        let outages = summary.outages.iter().flatten();
        let local = app.local();
        Ok(Self {
            path: path(named.kind, &named.name),
            name: on_one_line(&named.name).into_owned(),
            rehearsal: batch.sandbox,
            facts: facts(app, &batch, &summary, reader.approval(batch.id)?),
            act: act(app, named, &reader, &batch, &summary)?,
            can_cancel: is_free
                && counts.queued > 0
                && batch.state != BatchState::Cancelled
                && batch.is_whole(),
            failure: app.runs.failure(named.kind, &named.name),
            refusals: refusals(&summary),
            held: summary
                .held_texts()
                .iter()
                .map(|it| (counted_people(it.rows), it.text.clone()))
                .collect(),
            unknown: unknown(&summary),
            unknown_count: counts.unknown,
            to_mend: if is_free && !large && counts.invalid > 0 && batch.is_whole() {
                mend::kinds(app, &reader, &batch)?
            } else {
                Vec::new()
            },
            funnel: funnel(&summary),
            curves: if large || counts.sent == 0 {
                None
            } else {
                let curves = reader.curves(batch.id)?;
                curves.map(|it| draw(&it, AFTERWARDS, &local)).transpose()?
            },
            large,
            outages: outages
                .map(|it| {
                    (
                        local.time(it.begin),
                        local.time(it.end),
                        without_numbers(&it.cause),
                    )
                })
                .collect(),
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
    let all = [
        ("For", batch.purpose.clone()),
        ("List", Some(files)),
        ("Channel", Some(batch.channel.clone())),
        ("Read", time(Some(batch.created_at))),
        ("Prepared by", approval.prepared_by),
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

/// A process that works on a batch.
fn process(local: &Local, holder: &Holder) -> String {
    let since = holder.since.parse();
    let since = since.map_or_else(|_| holder.since.clone(), |at| local.time_and_distance(at));
    let machine = holder.machine.as_deref().filter(|name| !name.is_empty());
    let machine = machine.map_or_else(String::new, |name| format!(" on {name}"));
    on_one_line(&format!("process {}{machine}, since {since}", holder.pid)).into_owned()
}

fn act(
    app: &Actor<'_>,
    named: &Named,
    reader: &Reader,
    batch: &Batch,
    summary: &Summary,
) -> Result<Act, Failure> {
    let own = app.runs.find(named.kind, &named.name).is_some();
    let is_sent = matches!(batch.state, BatchState::Running | BatchState::Waiting);
    let holder = summary.stands.holder.as_ref();
    if own || holder.is_some() {
        let elsewhere = holder.filter(|it| !it.is_this_process());
        let who = elsewhere.map_or_else(String::new, |holder| process(&app.local(), holder));
        return Ok(if is_sent {
            Act::Pause(who)
        } else {
            Act::Elsewhere(who)
        });
    }
    if batch.state == BatchState::Cancelled {
        return Ok(Act::TakeUp);
    }
    let again = match &batch.halted_text {
        Some(text) => reader.count_refused(batch.id, text)?,
        None => 0,
    };
    let to_send = summary.to_send() + again;
    if to_send == 0 || !batch.is_whole() {
        return Ok(Act::Nothing);
    }
    if named.kind == Kind::Real && app.settings.access.is_none() {
        return Ok(Act::NoToken);
    }
    let approval = reader.approval(batch.id)?;
    let prepared = approval.prepared_by.as_deref() == Some(app.person);
    if approval.is_required && approval.approved_by.is_none() && prepared {
        return Ok(Act::Another);
    }
    let counts = &summary.counts;
    let done = counts.sent + counts.unknown + counts.no_messenger + counts.error;
    Ok(Act::Start {
        to_send,
        people: grouped(to_send),
        done: match done.saturating_sub(again) {
            0 => String::new(),
            done => counted_people(done),
        },
        first: batch.started_at.is_none(),
        forecast: forecast(app, named.kind, to_send)?,
    })
}

/// When it would be done; nothing for a rehearsal.
fn forecast(app: &App, kind: Kind, people: u64) -> Result<String, Failure> {
    if kind == Kind::Rehearsal {
        return Ok(String::new());
    }
    let now = app.clock.now();
    let settings = (app.settings.run)(now).map_err(Failure::refused)?;
    let token = app.settings.access.as_ref().map(Access::fingerprint);
    let path = Some(app.checkpoint(kind));
    Ok(first_forecast(path, token, &settings, people, now)?.to_string())
}

fn refusals(summary: &Summary) -> Vec<(String, String, String)> {
    let all = summary.refusals().iter().take(20);
    all.map(|(state, text, count)| {
        let text = if text.is_empty() { "(no text)" } else { text };
        (
            grouped(*count),
            state.to_string().replace("no_messenger", "no Messenger"),
            on_one_line(text).into_owned(),
        )
    })
    .collect()
}

fn unknown(summary: &Summary) -> Vec<(String, String, String)> {
    let rows = summary.unknown().iter();
    rows.map(|(place, row)| {
        let number = row.phone.map_or_else(String::new, PhoneNumber::masked);
        let reason = row.reason.as_deref().unwrap_or("the answer was lost");
        (place.clone(), number, without_numbers(reason))
    })
    .collect()
}

fn funnel(summary: &Summary) -> Vec<(String, &'static str, Part)> {
    let Some(funnel) = summary.funnel.filter(|_| summary.counts.sent > 0) else {
        return Vec::new();
    };
    let sent = summary.counts.sent.max(1) as f64;
    let all = [
        (summary.counts.sent, "sent", "q"),
        (funnel.delivered, "delivered", "q"),
        (funnel.read, "read", "q"),
        (funnel.opted_in, "opted in", "q"),
        (funnel.opted_out, "opted out", "i"),
    ];
    all.map(|(count, label, class)| {
        let part = Part {
            class,
            label,
            count: grouped(count),
            x: "0".to_owned(),
            width: format!("{:.1}", count as f64 * 1000.0 / sent),
        };
        (grouped(count), label, part)
    })
    .into()
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
