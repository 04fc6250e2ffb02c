//! The page of a batch, and what can be done with it.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use tokio::runtime::Handle;

use super::app::App;
use super::audit::note;
use super::base::Kind;
use super::batch_view::{Act, BatchView, LiveView};
use super::gate::{Fields, Visit};
use super::list_view::counted_people;
use super::named::Named;
use super::page::{Failure, Frame, page};
use super::runs::Work;
use crate::report::{counted, grouped};
use crate::run::{Access, Decision, HeldBatch, Meaning, QuotaOf, RowChoice, Saying, random_bits};
use crate::store::Store;

#[derive(Template)]
#[template(path = "console/batch.html")]
struct BatchPage {
    frame: Frame,
    live: LiveView,
    batch: BatchView,
}

/// The page.
pub(super) async fn show(
    visit: Visit,
    Path((kind, name)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let all = query.contains_key("all");
    let (live, batch) = visit
        .app
        .blocking(move |app| {
            Ok((
                LiveView::read(app, &named)?,
                BatchView::read(app, &named, all)?,
            ))
        })
        .await?;
    page(&BatchPage {
        frame: visit.frame("batches"),
        live,
        batch,
    })
}

/// Sends it, or goes on, if the number that was typed is that of the people who will be messaged.
pub(super) async fn start(
    visit: Visit,
    Path((kind, name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let path = named.path();
    let said = visit
        .app
        .blocking(move |app| begin(app, &named, &fields))
        .await?;
    Ok(visit.go_to(&path, said))
}

fn begin(app: &App, named: &Named, fields: &Fields) -> Result<String, Failure> {
    let now = app.clock.now();
    if app.runs.find(named.kind, &named.name).is_some() {
        return Ok("It is being sent already.".to_owned());
    }
    if named.kind == Kind::Real && app.settings.access.is_none() {
        return Err(Failure::refused(
            "There is no token: nobody can be messaged. Start the console again with AMIO_TOKEN set.",
        ));
    }
    let settings = (app.settings.run)(now).map_err(Failure::refused)?;
    let batch = named.resume(app, None)?;
    let after_halt = batch.after_halt(&settings.refusals, false)?;
    let quota_of = QuotaOf {
        token: app.settings.access.as_ref().map(Access::fingerprint),
        real: None,
    };
    let pilot = batch.pilot_step(None, true, random_bits()());
    let preview = batch.preview(&settings, quota_of, &after_halt, pilot, now)?;
    let typed: String = fields
        .get("people")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    if typed.parse() != Ok(preview.to_send) {
        return Err(Failure::refused(format!(
            "Nothing was sent: the number of people is {}, and \"{}\" was typed. Go back, read what will be done, and type \
             that number.",
            grouped(preview.to_send),
            fields.get("people")
        )));
    }
    let batch = batch.keep_settings(&settings, &app.settings.person, now)?;
    batch.go_on_after_halt(&after_halt, &app.settings.person, now)?;
    let work = Work {
        batch,
        settings,
        access: app.settings.access.clone(),
        clock: app.clock.clone(),
    };
    let (store, id) = (
        Store::open_existing(app.checkpoint(named.kind))?,
        work.batch.batch().id,
    );
    let told = counted_people(preview.to_send);
    note(app, &store, Some(id), "start", &told)?;
    app.runs.start(named.kind, work)?;
    Ok(String::new())
}

/// Pauses it: what is under way is finished.
pub(super) async fn pause(
    visit: Visit,
    Path((kind, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    if !visit
        .app
        .runs
        .stop(named.kind, &named.name, "a person, on the console")
    {
        return Err(Failure::refused(
            "This console does not send this batch, so that it cannot pause it. Press Ctrl-C where it is sent.",
        ));
    }
    let path = named.path();
    visit
        .app
        .blocking(move |app| {
            let store = Store::open_existing(app.checkpoint(named.kind))?;
            let id = store.reader()?.batch(&named.name)?.id;
            note(app, &store, Some(id), "pause", "")
        })
        .await?;
    Ok(visit.go_to(
        &path,
        "Pausing: nothing more is begun, and what is under way is finished.",
    ))
}

/// Gives it up.
pub(super) async fn cancel(
    visit: Visit,
    Path((kind, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let path = named.path();
    visit
        .app
        .blocking(move |app| {
            let (now, checkpoint) = (app.clock.now(), app.checkpoint(named.kind));
            let batch = HeldBatch::to_cancel(checkpoint, &named.name, now)?;
            Ok(batch.cancel(&app.settings.person, now)?)
        })
        .await?;
    Ok(visit.go_to(
        &path,
        "Stopped for good: who was not messaged yet will not be.",
    ))
}

/// Takes it up again after it was given up.
pub(super) async fn take_up(
    visit: Visit,
    Path((kind, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let path = named.path();
    visit
        .app
        .blocking(move |app| named.resume(app, Some(&app.settings.person)).map(drop))
        .await?;
    Ok(visit.go_to(&path, "Taken up again. Nothing is sent yet."))
}

/// Settles what is unknown: by what the API can prove, or by a decision.
pub(super) async fn resolve(
    visit: Visit,
    Path((kind, name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let path = named.path();
    let handle = Handle::current();
    let told = visit
        .app
        .blocking(move |app| {
            let decision = match fields.get("decision") {
                "sent" => Decision::AssumeSent,
                "again" => Decision::Resend,
                "ask" => return handle.block_on(ask(app, &named)),
                _ => return Err(Failure::refused("Choose what is to become of them.")),
            };
            let now = app.clock.now();
            let batch = HeldBatch::take(app.checkpoint(named.kind), &named.name, now)?;
            let person = app.settings.person.clone();
            let settled = batch.decide(&RowChoice::default(), decision, person, now)?;
            Ok(format!("{} settled.", counted(settled, "row")))
        })
        .await?;
    Ok(visit.go_to(&path, told))
}

/// Asks the API for the messages of the contacts that are known.
async fn ask(app: &App, named: &Named) -> Result<String, Failure> {
    let now = app.clock.now();
    let access = app.settings.access.as_ref();
    let access =
        access.ok_or_else(|| Failure::refused("There is no token to ask the API with."))?;
    let settings = (app.settings.run)(now).map_err(Failure::refused)?;
    let batch = HeldBatch::take(app.checkpoint(named.kind), &named.name, now)?;
    let (all, waits) = (RowChoice::default(), &mut |_: &_| ());
    let found = batch
        .settle_by_evidence(&all, access, &settings, &app.clock, waits)
        .await?;
    Ok(format!(
        "The API proves that {} of {} were sent. {} cannot be asked about: no contact is known. The rest stays unknown.",
        grouped(found.proven),
        counted(found.rows, "row"),
        grouped(found.not_askable)
    ))
}

/// Says what the text of refusals means.
pub(super) async fn meaning(
    visit: Visit,
    Path((kind, name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let path = named.path();
    visit
        .app
        .blocking(move |app| {
            let now = app.clock.now();
            let meaning: Meaning = fields
                .get("meaning")
                .parse()
                .map_err(|_| Failure::refused("Choose what the text means."))?;
            let batch = named.resume(app, None)?;
            let said = [Saying::new(meaning, fields.get("text"))];
            let how = batch.after_halt(&said, false)?;
            batch.go_on_after_halt(&how, &app.settings.person, now)?;
            Ok(())
        })
        .await?;
    Ok(visit.go_to(&path, "It is remembered what this text means."))
}
