//! Whether everything is ready: what `doctor` says. What takes its time, or costs a request, is done when it is asked
//! for.

use askama::Template;
use axum::response::Response;

use super::audit;
use super::gate::{Actor, Fields, Visit};
use super::page::{Failure, Frame, page};
use crate::domain::role::Role;
use crate::run::{DoctorSettings, FindingVerdict, doctor};
use crate::store::{Reader, Store};

#[derive(Template)]
#[template(path = "console/health.html", config = "src/templates/askama.toml")]
struct HealthPage {
    frame: Frame,
    /// Class, word, what it is about, and what was found.
    findings: Vec<(&'static str, &'static str, &'static str, String)>,
    /// When, who and what was decided last.
    decisions: Vec<(String, String, String)>,
    asked: bool,
    checkpoint: String,
    /// Whether a second person must approve each batch; `None` where this page does not change that.
    approval: Option<bool>,
}

/// What can be seen on this machine.
pub(super) async fn show(visit: Visit) -> Result<Response, Failure> {
    findings(visit, false).await
}

/// The same with the checkpoint read to its end, and what the API says: one request, which counts.
pub(super) async fn check(visit: Visit) -> Result<Response, Failure> {
    findings(visit, true).await
}

async fn findings(visit: Visit, ask: bool) -> Result<Response, Failure> {
    let app = &visit.app;
    let is_asked = ask && !app.settings.sandbox;
    let ours = std::sync::Arc::clone(app);
    let handle = tokio::runtime::Handle::current();
    // The check of a large checkpoint takes its time.
    let found = app
        .blocking(move |_| {
            let settings = (ours.settings.doctor)(ours.clock.now()).map_err(Failure::refused)?;
            let settings = DoctorSettings {
                api: settings.api.filter(|_| is_asked),
                is_thorough: ask,
                ..settings
            };
            // The log says what it waits for.
            let waits = &mut |_: &_| ();
            Ok(handle.block_on(doctor(&settings, &ours.clock, waits))?)
        })
        .await?;
    let (decisions, approval) = app
        .blocking(|app| {
            let reader = Reader::open(app.people())?;
            let required = reader.requires_approval()?;
            let approval = app.gate.has_users().then_some(required);
            Ok((audit::lines(app, &reader, None)?, approval))
        })
        .await?;
    let lines = found.iter().map(|finding| {
        let (class, word) = match finding.verdict {
            FindingVerdict::Good => ("good", "OK"),
            FindingVerdict::Notice => ("warn", "Note"),
            FindingVerdict::Bad => ("bad", "Mend"),
        };
        (class, word, finding.what, finding.text.clone())
    });
    page(&HealthPage {
        frame: visit.frame("health"),
        findings: lines.collect(),
        decisions,
        asked: ask,
        approval: approval.filter(|_| visit.session.role == Role::Admin),
        checkpoint: app.people().display().to_string(),
    })
}

/// Says whether a second person must approve each batch.
pub(super) async fn approval(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let work = move |actor: &Actor<'_>| {
        let required = match fields.get("required") {
            "yes" => true,
            "no" => false,
            _ => {
                return Err(Failure::refused(
                    "Choose whether a second person is asked for.",
                ));
            }
        };
        if !actor.gate.has_users() {
            return Err(Failure::refused("Without users there is no second person."));
        }
        let store = Store::open_existing(actor.people())?;
        store.require_approval(required, actor.person, actor.clock.now())?;
        Ok(if required {
            "From now on a second person starts each batch."
        } else {
            "The person who prepared a batch may also start it."
        })
    };
    let said = visit.act(work).await?;
    Ok(visit.go_to("/health", said))
}
