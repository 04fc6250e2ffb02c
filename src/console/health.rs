//! Whether everything is ready: what `doctor` says.

use askama::Template;
use axum::response::Response;

use super::audit;
use super::gate::Visit;
use super::page::{Failure, Frame, page};
use crate::run::{DoctorSettings, FindingVerdict, doctor};
use crate::store::Reader;

#[derive(Template)]
#[template(path = "console/health.html")]
struct HealthPage {
    frame: Frame,
    /// Class, word, what it is about, and what was found.
    findings: Vec<(&'static str, &'static str, &'static str, String)>,
    /// When, who and what was decided last.
    decisions: Vec<(String, String, String)>,
    asked: bool,
    checkpoint: String,
}

/// What can be seen on this machine.
pub(super) async fn show(visit: Visit) -> Result<Response, Failure> {
    findings(visit, false).await
}

/// The same, and what the API says: one request, which counts.
pub(super) async fn check(visit: Visit) -> Result<Response, Failure> {
    findings(visit, true).await
}

async fn findings(visit: Visit, ask: bool) -> Result<Response, Failure> {
    let app = &visit.app;
    let ask = ask && !app.settings.sandbox;
    let ours = std::sync::Arc::clone(app);
    let handle = tokio::runtime::Handle::current();
    // The check of a large checkpoint takes its time.
    let found = app
        .blocking(move |_| {
            let settings = (ours.settings.doctor)(ours.clock.now()).map_err(Failure::refused)?;
            let settings = DoctorSettings {
                api: settings.api.filter(|_| ask),
                ..settings
            };
            Ok(handle.block_on(doctor(&settings, &ours.clock))?)
        })
        .await?;
    let decisions = app
        .blocking(|app| audit::lines(app, &Reader::open(app.people())?, None))
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
        checkpoint: app.people().display().to_string(),
    })
}
