//! What all rows of a batch are gone through for: in a short list at once, in a longer one by itself, beside the page, and
//! in a very long one, or one that is being sent, when that is asked for.

use std::sync::Arc;

use super::app::App;
use super::bar::Part;
use super::details::Details;
use super::gate::Actor;
use super::mend;
use super::named::Named;
use super::page::Failure;
use super::plot::draw;
use crate::domain::text::on_one_line;
use crate::report::{Summary, grouped, without_numbers};
use crate::run::RunError;
use crate::store::{AFTERWARDS, Batch, Reader};

/// A list of no more rows is gone through while the page is made.
const SHORT: u64 = 20_000;

/// One of no more rows is gone through by itself.
const LONG: u64 = 1_000_000;

/// Whether it was looked for.
pub(super) enum More {
    /// It was found.
    Here {
        details: Arc<Details>,
        /// It was found a while ago, and more may have happened since.
        is_old: bool,
    },
    /// It is being looked for.
    Counting,
    /// It is looked for if that is asked for.
    Asked,
    /// It could not be found.
    Failed(String),
}

impl More {
    pub(super) fn here(&self) -> Option<&Details> {
        match self {
            Self::Here { details, .. } => Some(details),
            Self::Counting | Self::Asked | Self::Failed(_) => None,
        }
    }

    /// That of a batch; `again`: it is to be looked for anew.
    pub(super) fn of(
        app: &Actor<'_>,
        named: &Named,
        reader: &Reader,
        batch: &Batch,
        summary: &Summary,
        again: bool,
    ) -> Result<Self, Failure> {
        let rows = summary.rows;
        if rows <= SHORT {
            let details = Arc::new(read(app, reader, batch)?);
            let is_old = false;
            return Ok(Self::Here { details, is_old });
        }
        let key = named.path();
        let known = app.details.find(&key).and_then(|job| job.result());
        let is_old = match &known {
            Some(Ok(details)) => details.counts != summary.counts,
            Some(Err(_)) | None => true,
        };
        let by_itself = rows <= LONG && summary.stands.holder.is_none();
        if again || is_old && by_itself {
            app.details.forget(&key);
        }
        if again || by_itself {
            begin(app, named, &key);
        }
        let Some(job) = app.details.find(&key) else {
            return Ok(Self::Asked);
        };
        Ok(match job.result() {
            None => Self::Counting,
            Some(Ok(details)) => Self::Here { details, is_old },
            Some(Err(text)) => Self::Failed(text),
        })
    }
}

/// Goes through the rows as a job.
fn begin(app: &Actor<'_>, named: &Named, key: &str) {
    let (ours, named) = (app.shared(), named.clone());
    app.details.begin(key, move |_| {
        let look = || {
            let reader = Reader::open(ours.checkpoint(named.kind))?;
            let batch = reader.batch(&named.name)?;
            read(&ours, &reader, &batch)
        };
        look().map(Arc::new).map_err(Failure::text)
    });
}

/// Goes through them.
fn read(app: &App, reader: &Reader, batch: &Batch) -> Result<Details, Failure> {
    let summary = Summary::load(reader, batch).map_err(RunError::from)?;
    let (counts, local) = (summary.counts, app.local());
    let curves = if counts.sent == 0 {
        None
    } else {
        reader.curves(batch.id)?
    };
    let curves = curves.map(|it| draw(&it, AFTERWARDS, &local)).transpose()?;
    let is_free = summary.stands.holder.is_none();
    let outages = summary.outages.iter().flatten();
    Ok(Details {
        counts,
        at: local.time(local.now),
        held: summary.held_texts().to_vec(),
        refusals: refusals(&summary),
        to_mend: if is_free && counts.invalid > 0 && batch.is_whole() {
            mend::kinds(app, reader, batch)?
        } else {
            Vec::new()
        },
        funnel: funnel(&summary),
        curves,
        outages: outages
            .map(|it| {
                (
                    local.time(it.begin),
                    local.time(it.end),
                    without_numbers(&it.cause),
                )
            })
            .collect(),
    })
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
