//! The page of an uploaded list: how it was read, and how else it may be.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use askama::Template;
use axum::extract::Path;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

use super::base::percent_encoded;
use super::checked::{Checked, Trouble};
use super::draft::{Choices, Draft};
use super::gate::{Fields, Visit};
use super::job::Job;
use super::list_view::{self, ReadingView};
use super::menus::{Menu, menus};
use super::page::{Failure, Frame, page, page_again};
use super::stream::written;
use crate::domain::text::trimmed;
use crate::report::grouped;

#[derive(Template)]
#[template(path = "console/list.html", config = "src/templates/askama.toml")]
struct ListPage<'a> {
    frame: Frame,
    draft: &'a Draft,
    path: String,
    trouble: Option<&'a Trouble>,
    reading: Option<ReadingView>,
    menus: Vec<Menu>,
    consent: Vec<(String, bool)>,
    has_rejects: bool,
    /// Numbers were mended on this page.
    corrected: bool,
}

#[derive(Template)]
#[template(path = "console/working.html", config = "src/templates/askama.toml")]
struct WorkingPage<'a> {
    frame: Frame,
    title: &'a str,
    rows: String,
}

/// The page that shows how far a job is.
pub(super) fn working<T>(visit: &Visit, title: &str, job: &Job<T>) -> Result<Response, Failure> {
    let rows = job.rows.load(Ordering::Relaxed);
    page_again(&WorkingPage {
        frame: visit.frame("lists"),
        title,
        rows: grouped(rows),
    })
}

/// How the list was read.
pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Failure> {
    let draft = Draft::find(&visit.app, &id).await?;
    let job = list_view::begin(&visit.app, &draft, false);
    let Some(checked) = job.soon().await else {
        return working(&visit, "Reading the list", &job);
    };
    let checked = checked.map_err(Failure::refused)?;
    let reading = checked.report.as_ref().map(ReadingView::of);
    page(&ListPage {
        frame: visit.frame("lists"),
        path: format!("/lists/{}", draft.id),
        trouble: checked.trouble.as_ref(),
        menus: menus(&draft.choices, &checked),
        consent: consent(&draft.choices, &checked),
        has_rejects: checked.rejects.is_some(),
        corrected: !draft.choices.corrections.is_empty(),
        reading,
        draft: &draft,
    })
}

/// The columns that say who may be messaged, and whether they are ignored.
fn consent(choices: &Choices, checked: &Checked) -> Vec<(String, bool)> {
    let Some(report) = &checked.report else {
        return Vec::new();
    };
    let read = report
        .mapping
        .consent
        .iter()
        .map(|it| it.column.name.clone());
    let mut columns: Vec<(String, bool)> = read.map(|name| (name, false)).collect();
    columns.extend(
        choices
            .ignore_consent
            .iter()
            .map(|name| (name.clone(), true)),
    );
    columns
}

/// Reads it otherwise.
pub(super) async fn change(
    visit: Visit,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let path = format!("/lists/{id}");
    visit
        .app
        .blocking(move |app| {
            let mut draft = Draft::load(app, &id)?;
            draft.choices = chosen(draft.choices, &fields);
            if let Err(text) = draft.intake(app) {
                return Err(Failure::refused(text));
            }
            draft.save(app)
        })
        .await?;
    Ok(visit.go_to(&path, "The list was read again, as you said."))
}

/// What the fields of a form say; those that it does not have stay.
fn chosen(mut choices: Choices, fields: &Fields) -> Choices {
    let text = |name: &str, was: String| {
        if fields.has(name) {
            trimmed(fields.get(name)).to_owned()
        } else {
            was
        }
    };
    choices.phone = text("phone", choices.phone);
    choices.first_name = text("first_name", choices.first_name);
    choices.last_name = text("last_name", choices.last_name);
    choices.country = text("country", choices.country);
    choices.region = text("region", choices.region);
    choices.encoding = text("encoding", choices.encoding);
    choices.sheet = text("sheet", choices.sheet);
    choices.hidden_rows = text("hidden_rows", choices.hidden_rows);
    match fields.get("international") {
        "yes" => choices.international = Some(true),
        "no" => choices.international = Some(false),
        _ => {}
    }
    if fields.has("leave_out") {
        choices.leave_out = fields.get("leave_out") == "yes";
    }
    if fields.has("no_header") {
        choices.no_header = fields.get("no_header") == "yes";
    }
    if fields.has("consent") {
        choices.ignore_consent = fields.all("ignore_consent");
    }
    choices
}

/// It joins no batch, though it names one.
pub(super) async fn alone(visit: Visit, Path(id): Path<String>) -> Result<Response, Failure> {
    let path = format!("/lists/{id}");
    let part = move |app: &Arc<super::app::App>| {
        let mut draft = Draft::load(app, &id)?;
        draft.joins = None;
        draft.save(app)
    };
    visit.app.blocking(part).await?;
    Ok(visit.go_to(&path, "It is a list of its own."))
}

/// Removes it.
pub(super) async fn remove(visit: Visit, Path(id): Path<String>) -> Result<Response, Failure> {
    let removed = visit
        .app
        .blocking(move |app| {
            let draft = Draft::load(app, &id)?;
            draft.remove(app);
            Ok(format!(
                "{} was removed. Nothing of it was sent.",
                draft.name
            ))
        })
        .await?;
    Ok(visit.go_to("/", removed))
}

/// The rows to mend, as a file.
pub(super) async fn rejects(visit: Visit, Path(id): Path<String>) -> Result<Response, Failure> {
    let draft = Draft::find(&visit.app, &id).await?;
    let checked = list_view::begin(&visit.app, &draft, false).soon().await;
    let checked: Option<Arc<Checked>> = checked.and_then(Result::ok);
    let path = checked.and_then(|it| it.rejects.clone());
    let path = path.ok_or_else(|| Failure::not_found("row to mend"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_DISPOSITION, attachment(&name)),
    ];
    let body = written(move |answer| {
        let mut file = std::fs::File::open(path)?;
        std::io::copy(&mut file, answer).map(|_| ())
    });
    Ok((headers, body).into_response())
}

/// The header that names a download, for old and new programs.
pub(super) fn attachment(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    let plain: String = name.chars().map(plain).collect();
    let encoded = percent_encoded(name);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}
