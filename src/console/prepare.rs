//! A list becomes a batch: read into the checkpoint, and not sent yet.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::response::Response;

use super::app::App;
use super::audit::note;
use super::base::Kind;
use super::checked::{Prepared, Trouble};
use super::draft::Draft;
use super::gate::{Actor, Fields, Visit};
use super::job::Job;
use super::list::working;
use super::mend;
use super::named::path;
use super::page::{Failure, Frame, page};
use crate::run::{BatchMatch, List, Messaged, SendPlan, SendSettings, join_rows};
use crate::store::{BatchId, Reader, Store};

/// What was said of it.
#[derive(Debug, Clone, Default)]
struct Asked {
    person: String,
    kind: Option<Kind>,
    name: Option<String>,
    purpose: Option<String>,
    messaged: Option<Messaged>,
}

#[derive(Template)]
#[template(path = "console/prepare.html", config = "src/templates/askama.toml")]
struct MessagedPage<'a> {
    frame: Frame,
    draft: &'a Draft,
    batches: &'a [String],
    rehearse: bool,
}

/// Makes the batch, as a job.
pub(super) async fn begin(
    visit: Visit,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let app = Arc::clone(&visit.app);
    let draft = Draft::find(&app, &id).await?;
    if fields.get("shown") != draft.shown() {
        return Err(Failure::refused(
            "No batch was made: the message of this list, or how it is read, was changed since this page was opened. Go back, open \
             the page again, and look at what it shows now.",
        ));
    }
    let asked = Asked {
        person: visit.session.person.clone(),
        kind: Some(match (app.kind(), fields.get("how")) {
            (Kind::Real, "rehearse") => Kind::Rehearsal,
            (kind, _) => kind,
        }),
        name: fields.filled("name"),
        purpose: fields.filled("purpose"),
        messaged: match fields.get("messaged") {
            "skip" => Some(Messaged::Skip),
            "again" => Some(Messaged::Again),
            _ => None,
        },
    };
    app.preparing.forget(&id);
    let ours = Arc::clone(&app);
    let job = app.preparing.begin(&id, move |job| {
        prepare(&ours, &draft, &asked, job)
            .unwrap_or_else(|failure| Prepared::Refused(failure.text()))
    });
    answer(&visit, &id, &job).await
}

/// Adds the rows of a list to the batch whose rows they mend, as a job.
pub(super) async fn join(visit: Visit, Path(id): Path<String>) -> Result<Response, Failure> {
    let app = Arc::clone(&visit.app);
    let draft = Draft::find(&app, &id).await?;
    app.preparing.forget(&id);
    let (ours, person) = (Arc::clone(&app), visit.session.person.clone());
    let job = app.preparing.begin(&id, move |job| {
        join_rows_of(&ours, &draft, &person, job)
            .unwrap_or_else(|failure| Prepared::Refused(failure.text()))
    });
    answer(&visit, &id, &job).await
}

fn join_rows_of(
    app: &App,
    draft: &Draft,
    person: &str,
    job: &Job<Prepared>,
) -> Result<Prepared, Failure> {
    let joined = draft.joins.as_ref();
    let joined = joined.ok_or_else(|| Failure::refused("These rows mend no batch."))?;
    let (now, kind) = (app.clock.now(), app.kind());
    let settings = (app.settings.run)(now).map_err(Failure::refused)?;
    let intake = draft.intake(app).map_err(Failure::refused)?;
    let list = draft
        .open(&intake, draft.content(app).as_ref())?
        .with_sms(app.settings.sms);
    nothing_to_ask(draft, &list)?;
    let list = joined.complete(list)?;
    let checkpoint = app.checkpoint(kind);
    let batch = Reader::open(checkpoint)?.batch(&joined.batch)?;
    let progress = &mut |rows| job.read(rows);
    let done = join_rows(checkpoint, &batch, list, &settings, person, now, progress)?;
    draft.remove(app);
    Ok(Prepared::Joined {
        kind,
        name: batch.name,
        said: mend::in_words(&done),
    })
}

/// How far that is.
pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Failure> {
    match visit.app.preparing.find(&id) {
        Some(job) => answer(&visit, &id, &job).await,
        None => Ok(visit.go_to(&format!("/lists/{id}/message"), "")),
    }
}

async fn answer(visit: &Visit, id: &str, job: &Job<Prepared>) -> Result<Response, Failure> {
    let app = &visit.app;
    match job.soon().await {
        None if job.result().is_none() => {
            // A reload must not send the form again.
            working(visit, "Making the batch", job).map(|page| see(page, id))
        }
        None => Err(Failure::refused("Load this page again.")),
        Some(Prepared::Batch { kind, name, known }) => {
            app.preparing.forget(id);
            let said = if known {
                "This list with this message is this batch already."
            } else {
                ""
            };
            Ok(visit.go_to(&path(kind, &name), said))
        }
        Some(Prepared::Joined { kind, name, said }) => {
            app.preparing.forget(id);
            Ok(visit.go_to(&path(kind, &name), said))
        }
        Some(Prepared::Messaged { kind, batches }) => {
            let draft = Draft::find(app, id).await?;
            page(&MessagedPage {
                frame: visit.frame("lists"),
                draft: &draft,
                batches: &batches,
                rehearse: kind == Kind::Rehearsal && app.kind() == Kind::Real,
            })
        }
        Some(Prepared::Refused(text)) => {
            app.preparing.forget(id);
            Err(Failure::refused(text))
        }
    }
}

/// The page of a job is loaded again from its own address.
fn see(mut page: Response, id: &str) -> Response {
    if let Ok(value) = format!("1; url=/lists/{id}/prepare").parse() {
        page.headers_mut().insert("refresh", value);
    }
    page
}

fn prepare(
    app: &Arc<App>,
    draft: &Draft,
    asked: &Asked,
    job: &Job<Prepared>,
) -> Result<Prepared, Failure> {
    let (now, person) = (app.clock.now(), &asked.person);
    let kind = asked.kind.unwrap_or_else(|| app.kind());
    let settings = (app.settings.run)(now).map_err(Failure::refused)?;
    let channel = draft.channel(kind).ok_or_else(|| {
        Failure::refused("It is not known which channel sends: fill in its id below the message.")
    })?;
    let intake = draft.intake(app).map_err(Failure::refused)?;
    let list = draft
        .open(&intake, draft.content(app).as_ref())?
        .with_sms(draft.sms_settings(app));
    nothing_to_ask(draft, &list)?;
    if kind == Kind::Real && list.has_retired_tag() {
        return Err(Failure::refused(
            "Facebook has retired the tag that the settings name, and refuses it to everybody: take it out of the settings.",
        ));
    }
    let how = SendSettings {
        batch: asked.name.as_deref(),
        channel,
        change: None,
        sandbox: kind == Kind::Rehearsal,
        follow_up: None,
    };
    let mut plan = SendPlan::new(app.checkpoint(kind), list, &how, now)?;
    let known = matches!(plan.batch_match(), BatchMatch::Continue(_));
    let messaged = plan.messaged_before(settings.history, now)?;
    let batches: Vec<String> = messaged.iter().map(ToString::to_string).collect();
    match asked.messaged {
        None if !batches.is_empty() => return Ok(Prepared::Messaged { kind, batches }),
        None => {}
        Some(how) => plan.decide(how, person),
    }
    let plan = plan.by(person);
    let read = plan.read(&settings, None, now, &mut |rows| job.read(rows))?;
    let (batch, _) = read.carry_out(now)?;
    if let Some(purpose) = &asked.purpose {
        batch.keep_purpose(purpose, person, now)?;
    }
    if !known {
        note_corrections(app, draft, kind, batch.batch().id, person)?;
    }
    // Its rows are in the checkpoint now. After a rehearsal the list is there to be sent.
    if kind == app.kind() {
        draft.remove(app);
    }
    let name = batch.batch().name.clone();
    Ok(Prepared::Batch { kind, name, known })
}

/// Refuses a list about which something must be said that was not.
fn nothing_to_ask(draft: &Draft, list: &List) -> Result<(), Failure> {
    match Trouble::asked(list, draft.choices.international) {
        None => Ok(()),
        Some(trouble) => Err(Failure::refused(format!(
            "{} Say on the page of the list what is meant.",
            trouble.text
        ))),
    }
}

/// Keeps in the audit of a new batch which cells of its list were mended on the page.
fn note_corrections(
    app: &Arc<App>,
    draft: &Draft,
    kind: Kind,
    batch: BatchId,
    person: &str,
) -> Result<(), Failure> {
    let corrections = &draft.choices.corrections;
    if corrections.is_empty() {
        return Ok(());
    }
    let store = Store::open_existing(app.checkpoint(kind))?;
    let (actor, detail) = (Actor::new(app, person), corrections.for_audit());
    note(&actor, &store, Some(batch), "mend", &detail)?;
    Ok(())
}
