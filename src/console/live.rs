//! A batch while it is sent: its numbers, as server-sent events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::watch;

use super::app::App;
use super::base::{Kind, lock};
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

/// What was seen last of each batch, and when.
type Seen = HashMap<(Kind, String), (Duration, LiveView)>;

/// What all streams share.
#[derive(Clone)]
pub(super) struct Streams {
    /// Tells when the console is being stopped.
    stopped: watch::Receiver<bool>,
    /// All who watch a batch see what one looks at.
    seen: Arc<Mutex<Seen>>,
}

impl Streams {
    pub(super) fn new(stopped: watch::Receiver<bool>) -> Self {
        Self {
            stopped,
            seen: Arc::default(),
        }
    }

    /// The numbers of a batch, which are looked at once for all who ask at a time.
    fn look(&self, app: &App, named: &Named) -> Result<LiveView, Failure> {
        let key = (named.kind, named.name.clone());
        let mut seen = lock(&self.seen);
        let now = app.clock.monotonic();
        seen.retain(|_, (at, _)| now.saturating_sub(*at) < LOOK / 2);
        if let Some((_, live)) = seen.get(&key) {
            return Ok(live.clone());
        }
        let live = LiveView::read(app, named)?;
        seen.insert(key, (now, live.clone()));
        Ok(live)
    }
}

#[derive(Template)]
#[template(path = "console/live.html")]
struct LivePart {
    live: LiveView,
}

/// The stream: `live` with the part of the page that changes, `state` when the page as a whole is another.
pub(super) async fn events(
    visit: Visit,
    Extension(streams): Extension<Streams>,
    Path((kind, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let of = (named, visit.session.hash.clone());
    let first = look(&visit.app, &streams, &of).await?;
    let (pieces, body) = channel();
    tokio::spawn(send(Arc::clone(&visit.app), of, first, pieces, streams));
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

/// Fails once the session is over.
async fn look(
    app: &Arc<App>,
    streams: &Streams,
    (named, session): &(Named, String),
) -> Result<LiveView, Failure> {
    let (named, session, streams) = (named.clone(), session.clone(), streams.clone());
    app.blocking(move |app| {
        let person = app.gate.person(&session, app.clock.now());
        person.ok_or_else(Failure::not_signed_in)?;
        streams.look(app, &named)
    })
    .await
}

async fn send(
    app: Arc<App>,
    of: (Named, String),
    mut shown: LiveView,
    pieces: Pieces,
    streams: Streams,
) {
    let (mut quiet, mut stopped) = (0, streams.stopped.clone());
    loop {
        tokio::select! {
            () = pieces.closed() => return,
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = app.clock.sleep(LOOK) => {}
        }
        let Ok(live) = look(&app, &streams, &of).await else {
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
