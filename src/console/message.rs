//! The page on which the message of a list is written, beside what it becomes for a row.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::base::Kind;
use super::checked::{Checked, Trouble};
use super::draft::{Draft, content};
use super::gate::{Fields, Visit};
use super::list::working;
use super::list_view::{self, ReadingView};
use super::page::{Failure, Frame, page};
use crate::run::SampleRow;

#[derive(Template)]
#[template(path = "console/message.html", config = "src/templates/askama.toml")]
struct MessagePage<'a> {
    frame: Frame,
    draft: &'a Draft,
    columns: Vec<(String, String)>,
    trouble: Option<&'a Trouble>,
    sample: Option<SampleView>,
    row: u32,
    missing: Vec<(String, String)>,
    reading: Option<ReadingView>,
    notices: &'a [String],
    letters: Option<&'a str>,
    fixed_channel: bool,
    real: bool,
    can_send: bool,
}

/// The message of a row.
#[derive(Template)]
#[template(path = "console/preview.html", config = "src/templates/askama.toml")]
struct SampleView {
    row: u32,
    text: String,
    problem: String,
    not_sent: String,
    segments: u32,
    sms: bool,
    next: u32,
    /// The row that was asked for, if the list has none of this number.
    missing: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Row {
    #[serde(default)]
    row: String,
}

fn sample(
    checked: &Checked,
    wanted: Option<u32>,
    message: Option<&crate::run::ContentSource>,
    sms: bool,
) -> Option<SampleView> {
    let place = checked.samples.place_of(wanted);
    let SampleRow {
        row,
        message,
        not_sent,
        segments,
    } = checked.samples.try_on(place, message?)?;
    let (text, problem) = match message {
        Ok(text) => (text, String::new()),
        Err(problem) => (String::new(), problem),
    };
    Some(SampleView {
        next: row + 1,
        missing: wanted.filter(|wanted| *wanted != row && *wanted > 0),
        row,
        text,
        problem,
        not_sent: not_sent.unwrap_or_default(),
        segments,
        sms,
    })
}

/// The message, and what it becomes.
pub(super) async fn show(
    visit: Visit,
    Path(id): Path<String>,
    Query(Row { row }): Query<Row>,
) -> Result<Response, Failure> {
    let row = row.trim().parse().ok();
    let app = &visit.app;
    let draft = Draft::find(app, &id).await?;
    let message = draft.content(app);
    let plain = list_view::begin(app, &draft, false);
    let Some(plain) = plain.soon().await else {
        return working(&visit, "Reading the list", &plain);
    };
    let mut plain = plain.map_err(Failure::refused)?;
    if plain.trouble.is_some() {
        return Ok(visit.go_to(&format!("/lists/{}", draft.id), ""));
    }
    if let Some(job) = list_view::begin_for_row(app, &draft, row, &plain) {
        let Some(found) = job.soon().await else {
            return working(&visit, "Looking for the row", &job);
        };
        plain = found.map_err(Failure::refused)?;
    }
    let job = list_view::begin(app, &draft, true);
    let Some(checked) = job.soon().await else {
        return working(&visit, "Making the message for each row", &job);
    };
    let checked = checked.map_err(Failure::refused)?;
    let reading = message.as_ref().and(checked.report.as_ref());
    let missing = reading.map_or_else(Vec::new, |report| {
        let problems = report.summary.problems.iter();
        let own = problems.filter(|it| it.code == "content" || it.code == "segments");
        own.map(|it| (crate::report::counted(it.count, "row"), it.text.clone()))
            .collect()
    });
    let reading = reading.map(ReadingView::of);
    let trouble = checked.trouble.as_ref();
    let has_channel = draft.channel(app.kind()).is_some();
    page(&MessagePage {
        frame: visit.frame("lists"),
        columns: plain.columns.clone(),
        sample: sample(&plain, row, message.as_ref(), draft.sms),
        row: row.unwrap_or(0),
        trouble,
        missing,
        can_send: has_channel
            && trouble.is_none()
            && checked.letters.is_none()
            && reading
                .as_ref()
                .is_some_and(|it| it.queued > 0 && it.refusal.is_none()),
        reading,
        notices: &checked.notices,
        letters: checked.letters.as_deref(),
        fixed_channel: app.settings.channel.is_some(),
        real: app.kind() == Kind::Real,
        draft: &draft,
    })
}

/// Keeps the message.
pub(super) async fn change(
    visit: Visit,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let path = format!("/lists/{id}/message");
    let row = fields.filled("row").filter(|row| row != "0");
    let path = row.map_or(path.clone(), |row| {
        let digits: String = row.chars().filter(char::is_ascii_digit).collect();
        format!("{path}?row={digits}")
    });
    visit
        .app
        .blocking(move |app| {
            let mut draft = Draft::load(app, &id)?;
            fields.get("message").clone_into(&mut draft.message);
            draft.sms = fields.get("sms") == "yes";
            if app.settings.channel.is_none() {
                let channel = fields.get("channel");
                if !channel
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                {
                    return Err(Failure::refused(
                        "The id of a channel has digits and letters only.",
                    ));
                }
                channel.clone_into(&mut draft.channel);
            }
            draft.save(app)
        })
        .await?;
    Ok(visit.go_to(&path, ""))
}

/// What a message that is being written becomes for a row.
pub(super) async fn preview(
    visit: Visit,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let app = &visit.app;
    let draft = Draft::find(app, &id).await?;
    let being_read = || Failure::refused("The list is still being read.");
    let row = fields.get("row").parse().ok();
    let checked = list_view::begin(app, &draft, false).soon().await;
    let mut checked = checked.ok_or_else(being_read)?.map_err(Failure::refused)?;
    if let Some(job) = list_view::begin_for_row(app, &draft, row, &checked) {
        let found = job.soon().await.ok_or_else(being_read)?;
        checked = found.map_err(Failure::refused)?;
    }
    let text = fields.get("message");
    let message = (!text.is_empty()).then(|| content(app, text));
    let sms = fields.get("sms") == "yes";
    match sample(&checked, row, message.as_ref(), sms) {
        Some(view) => page(&view),
        None => Ok("".into_response()),
    }
}
