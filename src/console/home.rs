//! The first page: a list to drop, and all batches.

use askama::Template;
use axum::response::Response;

use super::app::App;
use super::bar::Part;
use super::base::Kind;
use super::batch_view::{batch_bar, class, word};
use super::draft::Draft;
use super::gate::Visit;
use super::named::path;
use super::page::{Failure, Frame, page};
use crate::domain::text::on_one_line;
use crate::report::{Summary, grouped};
use crate::run::RunError;
use crate::store::Reader;

#[derive(Template)]
#[template(path = "console/home.html", config = "src/templates/askama.toml")]
struct HomePage {
    frame: Frame,
    drafts: Vec<(String, String, String)>,
    batches: Vec<Line>,
    rehearsals: Vec<Line>,
}

/// A batch.
struct Line {
    path: String,
    name: String,
    state: &'static str,
    class: &'static str,
    sent: String,
    left: String,
    problems: String,
    rows: String,
    when: String,
    bar: Vec<Part>,
}

/// The page.
pub(super) async fn show(visit: Visit) -> Result<Response, Failure> {
    let (drafts, batches, rehearsals) = visit
        .app
        .blocking(|app| {
            let other = match app.kind() {
                Kind::Real => lines(app, Kind::Rehearsal).unwrap_or_default(),
                Kind::Rehearsal => Vec::new(),
            };
            Ok((drafts(app), lines(app, app.kind())?, other))
        })
        .await?;
    page(&HomePage {
        frame: visit.frame("batches"),
        drafts,
        batches,
        rehearsals,
    })
}

fn drafts(app: &App) -> Vec<(String, String, String)> {
    let local = app.local();
    let all = Draft::all(app).into_iter();
    all.map(|it| (it.id, it.name, local.time_and_distance(it.uploaded_at)))
        .collect()
}

/// The batches, the newest first.
fn lines(app: &App, kind: Kind) -> Result<Vec<Line>, Failure> {
    let checkpoint = app.checkpoint(kind);
    if !checkpoint.exists() {
        return Ok(Vec::new());
    }
    let (reader, local) = (Reader::open(checkpoint)?, app.local());
    let mut found = Vec::new();
    for batch in reader.batches()?.iter().rev() {
        let summary = Summary::counts(&reader, batch).map_err(RunError::from)?;
        let counts = &summary.counts;
        let last = batch
            .finished_at
            .or(batch.started_at)
            .unwrap_or(batch.created_at);
        found.push(Line {
            path: path(kind, &batch.name),
            name: on_one_line(&batch.name).into_owned(),
            state: word(summary.stands.state),
            class: class(summary.stands.state),
            sent: grouped(counts.sent),
            left: grouped(counts.queued + counts.sending),
            problems: grouped(counts.unknown + counts.error),
            rows: grouped(summary.rows),
            when: local.time_and_distance(last),
            bar: batch_bar(counts),
        });
    }
    Ok(found)
}
