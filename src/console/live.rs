//! A batch while it is sent: its numbers, as server-sent events.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::watch;

use super::app::App;
use super::batch_view::LiveView;
use super::gate::Visit;
use super::named::Named;
use super::page::Failure;
use super::stream::{Pieces, channel};
use crate::domain::text::visible;

/// How often the numbers are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// So many looks without news, and the stream says that it lives.
const QUIET: u32 = 15;

/// Tells when the console is being stopped.
#[derive(Debug, Clone)]
pub(super) struct Stopped(pub(super) watch::Receiver<bool>);

#[derive(Template)]
#[template(path = "console/live.html")]
struct LivePart {
    live: LiveView,
}

/// The stream: `live` with the part of the page that changes, `state` when the page as a whole is another.
pub(super) async fn events(
    visit: Visit,
    Extension(Stopped(stopped)): Extension<Stopped>,
    Path((kind, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let of = (named, visit.session.hash.clone());
    let first = look(&visit.app, &of).await?;
    let (pieces, body) = channel();
    tokio::spawn(send(Arc::clone(&visit.app), of, first, pieces, stopped));
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

/// Fails once the session is over.
async fn look(app: &Arc<App>, (named, session): &(Named, String)) -> Result<LiveView, Failure> {
    let (named, session) = (named.clone(), session.clone());
    app.blocking(move |app| {
        let person = app.gate.person(&session, app.clock.now());
        person.ok_or_else(Failure::not_signed_in)?;
        LiveView::read(app, &named)
    })
    .await
}

async fn send(
    app: Arc<App>,
    of: (Named, String),
    mut shown: LiveView,
    pieces: Pieces,
    mut stopped: watch::Receiver<bool>,
) {
    let mut quiet = 0;
    loop {
        tokio::select! {
            () = pieces.closed() => return,
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = app.clock.sleep(LOOK) => {}
        }
        let Ok(live) = look(&app, &of).await else {
            return;
        };
        let text = if (live.state, live.is_live) != (shown.state, shown.is_live) {
            event(&live) + "event: state\ndata: \n\n"
        } else if live == shown {
            quiet += 1;
            if quiet < QUIET {
                continue;
            }
            ": quiet\n\n".to_owned()
        } else {
            event(&live)
        };
        quiet = 0;
        shown = live;
        if pieces.send(Ok(Bytes::from(text))).await.is_err() {
            return;
        }
    }
}

fn event(live: &LiveView) -> String {
    let part = LivePart { live: live.clone() };
    let html = part.render().unwrap_or_default();
    let mut text = "event: live\n".to_owned();
    for line in visible(&html).lines() {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text
}
