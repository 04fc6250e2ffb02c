//! The page of a batch, and what can be done with it.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use tokio::runtime::Handle;

use super::act::{Act, awaiting, shown, unknown_shown};
use super::app::App;
use super::audit::note;
use super::bar::counted_people;
use super::base::Kind;
use super::batch_view::{BatchView, LiveView};
use super::gate::{Actor, Fields, Visit};
use super::more::More;
use super::named::Named;
use super::page::{Failure, Frame, page, page_again};
use super::quota;
use super::quota_view::QuotaView;
use super::runs::Work;
use crate::domain::text::is_typed_count;
use crate::report::{counted, grouped};
use crate::run::{
    self, Access, Decision, HeldBatch, Meaning, Preview, QuotaOf, RefusalRule, RowChoice,
    random_bits,
};
use crate::store::{Batch, Reader, Store};

#[derive(Template)]
#[template(path = "console/batch.html", config = "src/templates/askama.toml")]
struct BatchPage {
    frame: Frame,
    live: LiveView,
    quota: Option<QuotaView>,
    batch: BatchView,
}

/// The page.
pub(super) async fn show(
    visit: Visit,
    Path((kind, name)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let again = query.contains_key("all");
    let read = move |actor: &Actor<'_>| {
        let live = LiveView::read(actor, &named)?;
        // What was drawn last may be of a run that is over.
        let quota = if live.is_live {
            quota::of(actor, &named)?
        } else {
            None
        };
        Ok((live, quota, BatchView::read(actor, &named, again)?))
    };
    let (live, quota, batch) = visit.act(read).await?;
    page(&BatchPage {
        frame: visit.frame("batches"),
        live,
        quota,
        batch,
    })
}

#[derive(Template)]
#[template(path = "console/report.html", config = "src/templates/askama.toml")]
struct ReportPage {
    frame: Frame,
    live: LiveView,
    batch: BatchView,
    now: String,
}

/// The same on a page to print.
pub(super) async fn report(visit: Visit, Path((kind, name)): At) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let read = move |actor: &Actor<'_>| {
        let live = LiveView::read(actor, &named)?;
        let batch = BatchView::read(actor, &named, false)?;
        Ok(match batch.more {
            // A report is whole.
            More::Asked => (live, BatchView::read(actor, &named, true)?),
            More::Here { .. } | More::Counting | More::Failed(_) => (live, batch),
        })
    };
    let (live, batch) = visit.act(read).await?;
    let local = visit.app.local();
    let show = match batch.more {
        More::Counting => page_again,
        More::Here { .. } | More::Asked | More::Failed(_) => page,
    };
    show(&ReportPage {
        frame: visit.frame("batches"),
        live,
        batch,
        now: local.time(local.now),
    })
}

/// Which batch an address names.
type At = Path<(String, String)>;

/// Does something to the batch of an address, and says on its page what was done.
async fn change(
    visit: &Visit,
    Path((kind, name)): At,
    work: impl FnOnce(&Actor<'_>, &Named) -> Result<String, Failure> + Send + 'static,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let path = named.path();
    let said = visit.act(move |actor| work(actor, &named)).await?;
    Ok(visit.go_to(&path, said))
}

/// Sends it, or goes on, if the number that was typed is that of the people who will be messaged.
pub(super) async fn start(visit: Visit, at: At, fields: Fields) -> Result<Response, Failure> {
    change(&visit, at, move |actor, named| begin(actor, named, &fields)).await
}

fn begin(actor: &Actor<'_>, named: &Named, fields: &Fields) -> Result<String, Failure> {
    let now = actor.clock.now();
    if actor.runs.find(named.kind, &named.name).is_some() {
        return Ok("It is being sent already.".to_owned());
    }
    if named.kind == Kind::Real && actor.settings.access.is_none() {
        return Err(Failure::refused(
            "There is no token: nobody can be messaged. Start the console again with AMIO_TOKEN set.",
        ));
    }
    let settings = (actor.settings.run)(now).map_err(Failure::refused)?;
    let batch = named.resume(actor, None)?;
    batch.refuse_if_edited()?;
    let after_halt = batch.after_halt(&settings.refusals, false)?;
    let quota_of = QuotaOf {
        token: actor.settings.access.as_ref().map(Access::fingerprint),
        real: None,
    };
    let pilot = batch.pilot_step(None, true, random_bits()());
    let preview = batch.preview(&settings, quota_of, &after_halt, pilot, now)?;
    let people = typed_people(&batch, &preview, fields)?;
    refuse_other_than_shown(actor, named, batch.batch(), fields.get("shown"))?;
    // A person who starts the batch approves it: that must be on disk before a missing approval is looked for.
    if actor.gate.has_users() {
        batch.approve(actor.person, now)?;
    }
    if let Some(by) = batch.paused_by(true)? {
        return Err(Failure::refused(format!(
            "Nothing was sent: {by}, where it has users."
        )));
    }
    let batch = batch.keep_settings(&settings, actor.person, now)?;
    batch.continue_after_halt(&after_halt, actor.person, now)?;
    let work = Work {
        batch,
        settings,
        access: actor.settings.access.clone(),
        clock: actor.clock.clone(),
    };
    let (store, id) = (
        Store::open_existing(actor.checkpoint(named.kind))?,
        work.batch.batch().id,
    );
    let people = counted_people(people);
    note(actor, &store, Some(id), "start", &people)?;
    actor.runs.start(named.kind, work)?;
    Ok(String::new())
}

/// Whom a start is for; refused where another number was typed.
fn typed_people(batch: &HeldBatch, preview: &Preview, fields: &Fields) -> Result<u64, Failure> {
    let approval = batch.reader()?.approval(batch.batch().id)?;
    let awaiting = awaiting(batch.batch(), preview.counts.awaiting, &approval);
    let people = preview.to_send + awaiting;
    if is_typed_count(fields.get("people"), people) {
        return Ok(people);
    }
    Err(Failure::refused(format!(
        "Nothing was sent: the number of people is {}, and \"{}\" was typed. Go back, read what will be done, and type that \
         number.",
        grouped(people),
        fields.get("people")
    )))
}

/// Refuses a batch that is another one by now than the page of that person showed. Who must not start it was shown no form, and
/// is refused for that.
fn refuse_other_than_shown(
    actor: &Actor<'_>,
    named: &Named,
    batch: &Batch,
    page: &str,
) -> Result<(), Failure> {
    let reader = Reader::open(actor.checkpoint(named.kind))?;
    let approval = reader.approval(batch.id)?;
    if shown(&reader, batch)?.as_deref() == Some(page) || approval.own_work(actor.person).is_some()
    {
        return Ok(());
    }
    Err(Failure::refused(
        "Nothing was sent: the list, the people, the message or the channels of this batch have changed since this page was opened. Go back, \
         open the page again, look at what it shows now, and start it from there.",
    ))
}

/// Pauses it: what is under way is finished.
pub(super) async fn pause(visit: Visit, at: At) -> Result<Response, Failure> {
    change(&visit, at, |actor, named| {
        let checkpoint = actor.checkpoint(named.kind);
        run::pause(checkpoint, &named.name, actor.person, actor.clock.now())?;
        Ok("Pausing: nothing more is begun, and what is under way is finished.".to_owned())
    })
    .await
}

/// Gives it up.
pub(super) async fn cancel(visit: Visit, at: At) -> Result<Response, Failure> {
    change(&visit, at, |actor, named| {
        let (now, checkpoint) = (actor.clock.now(), actor.checkpoint(named.kind));
        let batch = HeldBatch::to_cancel(checkpoint, &named.name, now)?;
        batch.cancel(actor.person, now)?;
        Ok("Stopped for good: people who were not messaged yet will not be.".to_owned())
    })
    .await
}

/// Takes it up again after it was given up.
pub(super) async fn take_up(visit: Visit, at: At) -> Result<Response, Failure> {
    change(&visit, at, |actor, named| {
        named.resume(actor, Some(actor.person))?;
        Ok("Taken up again. Nothing is sent yet.".to_owned())
    })
    .await
}

/// Settles what is unknown: by what the API can prove, or by a decision.
pub(super) async fn resolve(visit: Visit, at: At, fields: Fields) -> Result<Response, Failure> {
    let handle = Handle::current();
    change(&visit, at, move |actor, named| {
        let decision = match fields.get("decision") {
            "sent" => Decision::AssumeSent,
            "again" => Decision::Resend,
            "ask" => return handle.block_on(ask(actor, named)),
            _ => return Err(Failure::refused("Choose what is to become of them.")),
        };
        let now = actor.clock.now();
        let batch = HeldBatch::take(actor.checkpoint(named.kind), &named.name, now)?;
        if fields.get("shown") != unknown_shown(&batch.reader()?, batch.batch())? {
            return Err(Failure::refused(
                "Nothing was decided: other rows are unknown now than when this page was opened. Go back, open the page again, \
                 and decide about the rows that it shows now.",
            ));
        }
        let person = actor.person.to_owned();
        let rows = batch.decide(&RowChoice::default(), decision, person, now)?;
        let mut said = vec![format!("{} settled.", counted(rows.settled, "row"))];
        for (left, why) in [
            (rows.left, "the person was erased, or is no longer in the list"),
            (
                rows.waiting,
                "somebody whose number is not known wrote on that channel, perhaps this person; read the replies first",
            ),
        ] {
            if left > 0 {
                said.push(format!("{} unknown: {why}.", counted(left, "row")));
            }
        }
        Ok(said.join(" "))
    })
    .await
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
pub(super) async fn meaning(visit: Visit, at: At, fields: Fields) -> Result<Response, Failure> {
    change(&visit, at, move |actor, named| {
        let now = actor.clock.now();
        let meaning: Meaning = fields
            .get("meaning")
            .parse()
            .map_err(|_| Failure::refused("Choose what the text means."))?;
        let batch = named.resume(actor, None)?;
        let said = [RefusalRule::new(meaning, fields.get("text"))];
        let how = batch.after_halt(&said, false)?;
        batch.continue_after_halt(&how, actor.person, now)?;
        Ok("It is remembered what this text means.".to_owned())
    })
    .await
}
