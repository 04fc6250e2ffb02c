//! A batch while it is sent: its numbers, as server-sent events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use tokio::sync::watch;

use super::app::App;
use super::base::Kind;
use super::batch_view::LiveView;
use super::gate::Visit;
use super::named::Named;
use super::page::Failure;
use super::quota;
use super::quota_view::QuotaView;
use super::stream::{Pieces, channel};
use crate::domain::text::visible;
use crate::locked::lock;

/// How often the numbers are read.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// After so many polls without a change the stream says that it lives.
const QUIET: u32 = 15;

/// The page as a whole is another.
const STATE: &str = "event: state\ndata: \n\n";

/// The quota is read at one poll of so many.
const QUOTA: u32 = 10;

/// What was seen last of each batch, and when.
type Seen = HashMap<(Kind, String), (Duration, LiveView)>;

/// What all streams share.
#[derive(Clone)]
pub(super) struct Streams {
    /// True once the console is being stopped.
    stopped: watch::Receiver<bool>,
    /// What one stream has read serves the others.
    seen: Arc<Mutex<Seen>>,
}

impl Streams {
    pub(super) fn new(stopped: watch::Receiver<bool>) -> Self {
        Self {
            stopped,
            seen: Arc::default(),
        }
    }

    /// The numbers of a batch, which are read once for all streams that ask at a time.
    fn read(&self, app: &App, named: &Named) -> Result<LiveView, Failure> {
        let key = (named.kind, named.name.clone());
        let mut seen = lock(&self.seen);
        let now = app.clock.monotonic();
        seen.retain(|_, (at, _)| now.saturating_sub(*at) < POLL_INTERVAL / 2);
        if let Some((_, live)) = seen.get(&key) {
            return Ok(live.clone());
        }
        let live = LiveView::read(app, named)?;
        seen.insert(key, (now, live.clone()));
        Ok(live)
    }
}

#[derive(Template)]
#[template(path = "console/live.html", config = "src/templates/askama.toml")]
struct LivePart {
    live: LiveView,
}

/// What the page that asks shows.
#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    state: String,
}

/// The stream: `live` with the part of the page that changes, `quota` with its picture, `state` when the page as a whole is
/// another: also than the one of a page that asks again, after the console was away.
pub(super) async fn events(
    visit: Visit,
    Extension(streams): Extension<Streams>,
    Path((kind, name)): Path<(String, String)>,
    Query(asks): Query<Shown>,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let of = (named, visit.session.hash.clone());
    let first = read_for(&visit.app, &streams, &of).await?;
    let (pieces, body) = channel();
    let mut begin = live_event(&first);
    if !asks.state.is_empty() && asks.state != first.key() {
        begin.push_str(STATE);
    }
    // The channel is empty: it has room for the first one.
    let _ = pieces.send(Ok(Bytes::from(begin))).await;
    tokio::spawn(send(Arc::clone(&visit.app), of, first, pieces, streams));
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

/// The picture of the quota, if there is another one than that.
async fn drawn_anew(app: &Arc<App>, named: &Named, shown: &mut Option<QuotaView>) -> String {
    let named = named.clone();
    let drawn = app.blocking(move |app| quota::of(app, &named)).await;
    let Some(view) = drawn
        .ok()
        .flatten()
        .filter(|view| shown.as_ref() != Some(view))
    else {
        return String::new();
    };
    let text = event("quota", &view);
    *shown = Some(view);
    text
}

/// The numbers of a batch, for a session. Fails once that is over.
async fn read_for(
    app: &Arc<App>,
    streams: &Streams,
    (named, session): &(Named, String),
) -> Result<LiveView, Failure> {
    let (named, session, streams) = (named.clone(), session.clone(), streams.clone());
    app.blocking(move |app| {
        let person = app.gate.person(&session, app.clock.now());
        person.ok_or_else(Failure::not_signed_in)?;
        streams.read(app, &named)
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
    let (mut polls, mut drawn) = (0_u32, None);
    loop {
        tokio::select! {
            () = pieces.closed() => return,
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = app.clock.sleep(POLL_INTERVAL) => {}
        }
        let Ok(live) = read_for(&app, &streams, &of).await else {
            return;
        };
        polls = polls.wrapping_add(1);
        let quota = if live.is_live && polls % QUOTA == 1 {
            drawn_anew(&app, &of.0, &mut drawn).await
        } else {
            String::new()
        };
        let text = if live.key() != shown.key() {
            live_event(&live) + STATE
        } else if !quota.is_empty() {
            live_event(&live) + &quota
        } else if live == shown {
            quiet += 1;
            if quiet < QUIET {
                continue;
            }
            ": quiet\n\n".to_owned()
        } else {
            live_event(&live)
        };
        quiet = 0;
        shown = live;
        if pieces.send(Ok(Bytes::from(text))).await.is_err() {
            return;
        }
    }
}

fn live_event(live: &LiveView) -> String {
    event("live", &LivePart { live: live.clone() })
}

/// A part of the page as an event of this name.
fn event(name: &str, part: &impl Template) -> String {
    let html = part.render().unwrap_or_default();
    let mut text = format!("event: {name}\n");
    for line in visible(&html).lines() {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text
}
