//! The calls that read, and the sandbox's own account, as an axum router.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::{self, time_text};
use super::app::App;
use super::book::{Message, Person, Who};
use super::settings::Channel;

type Shared = State<Arc<App>>;
type Answer = Response<Body>;

/// All calls but the send itself.
pub(super) fn router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/v1/channels", get(list_channels))
        .route("/v1/channels/{channel}", get(get_channel))
        .route("/v1/channels/{channel}/contacts", get(list_contacts))
        .route(
            "/v1/channels/{channel}/contacts/{contact}",
            get(get_contact),
        )
        .route(
            "/v1/channels/{channel}/contacts/{contact}/messages",
            get(list_messages),
        )
        .route("/v1/messages", post(async || StatusCode::NOT_FOUND))
        .route(
            "/v1/notifications",
            post(async || answer::json_text(StatusCode::OK, "{}")),
        )
        .route(
            "/sandbox/stats",
            get(async |State(app): Shared| Json(app.stats())),
        )
        .route(
            "/sandbox/accepted",
            get(async |State(app): Shared| lines(app, accepted_line)),
        )
        .route(
            "/sandbox/people",
            get(async |State(app): Shared| lines(app, person_line)),
        )
        .method_not_allowed_fallback(async |State(app): Shared| {
            answer::error(&app, StatusCode::METHOD_NOT_ALLOWED, "Method not allowed.")
        })
        .fallback(async |State(app): Shared| {
            answer::error(&app, StatusCode::NOT_FOUND, "Resource not found.")
        })
        .with_state(Arc::clone(app))
}

/// `max` and `offset` of a list; the documented defaults and limit.
fn paging(uri: &Uri) -> (usize, usize) {
    let query = uri.query().unwrap_or_default();
    let value = |key: &str| -> Option<usize> {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
    };
    (
        value("max").unwrap_or(10).min(100),
        value("offset").unwrap_or(0),
    )
}

fn page(items: Vec<Value>, total: usize) -> Answer {
    let mut response = Json(items).into_response();
    response.headers_mut().insert(
        HeaderName::from_static("x-total-count"),
        HeaderValue::from(total),
    );
    response
}

fn not_found(app: &App, what: &str) -> Answer {
    answer::error(app, StatusCode::NOT_FOUND, &format!("{what} not found."))
}

fn channel_json(app: &App, channel: &Channel) -> Value {
    let webhook = app.settings.webhooks.as_ref().map(|webhooks| {
        json!({ "id": "7001200300400500001", "url": webhooks.url, "secret": webhooks.secret, "ssl_verification": true })
    });
    json!({ "id": channel.id, "type": channel.kind, "name": channel.name, "mode": "production", "webhook": webhook })
}

async fn list_channels(State(app): Shared, uri: Uri) -> Answer {
    let (max, offset) = paging(&uri);
    let channels = &app.settings.channels;
    page(
        channels
            .iter()
            .skip(offset)
            .take(max)
            .map(|channel| channel_json(&app, channel))
            .collect(),
        channels.len(),
    )
}

async fn get_channel(State(app): Shared, Path(id): Path<String>) -> Answer {
    match app.channel(&id) {
        Some((_, channel)) => Json(channel_json(&app, channel)).into_response(),
        None => not_found(&app, "Channel"),
    }
}

fn contact_json(who: Who, person: &Person) -> Value {
    let (id, number) = (who.contact_id().to_string(), who.number().to_string());
    json!({ "id": id, "name": person.name, "phone_number": number })
}

async fn list_contacts(State(app): Shared, Path(id): Path<String>, uri: Uri) -> Answer {
    let Some((index, _)) = app.channel(&id) else {
        return not_found(&app, "Channel");
    };
    let (max, offset) = paging(&uri);
    let (mut total, mut items) = (0, Vec::new());
    for shard in 0..app.book.shard_count() {
        app.book.each_in(shard, |who, person| {
            if who.channel() == usize::from(index) {
                if total >= offset && items.len() < max {
                    items.push(contact_json(who, person));
                }
                total += 1;
            }
        });
    }
    page(items, total)
}

/// The person that a path names, if anybody messaged them on that channel.
fn named(app: &App, channel: &str, contact: &str) -> Option<Who> {
    let (index, _) = app.channel(channel)?;
    let who = Who::from_contact_id(contact.parse().ok()?)?;
    (who.channel() == usize::from(index)).then_some(who)
}

async fn get_contact(
    State(app): Shared,
    Path((channel, contact)): Path<(String, String)>,
) -> Answer {
    let found = named(&app, &channel, &contact)
        .and_then(|who| app.book.with(who, |person| contact_json(who, person)));
    found.map_or_else(
        || not_found(&app, "Contact"),
        |contact| Json(contact).into_response(),
    )
}

fn message_json(channel: &Channel, who: Who, message: &Message) -> Value {
    let time = |ms: u64| {
        if ms == 0 {
            Value::Null
        } else {
            Value::from(time_text(ms))
        }
    };
    json!({
        "id": message.id.to_string(),
        "direction": "sent",
        "sent": time(message.sent_ms),
        "delivered": time(message.delivered_ms),
        "read": time(message.read_ms),
        "channel": { "id": channel.id, "type": channel.kind },
        "contact": { "id": who.contact_id().to_string() },
        "content": serde_json::from_str::<Value>(&message.content).unwrap_or(Value::Null),
    })
}

async fn list_messages(
    State(app): Shared,
    Path((id, contact)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    let Some((_, channel)) = app.channel(&id) else {
        return not_found(&app, "Channel");
    };
    let (max, offset) = paging(&uri);
    let found = named(&app, &id, &contact).and_then(|who| {
        app.book.with(who, |person| {
            // Newest first, as a conversation is read. The documentation does not tell the order.
            let items = person.messages.iter().rev().skip(offset).take(max);
            (
                items
                    .map(|message| message_json(channel, who, message))
                    .collect(),
                person.messages.len(),
            )
        })
    });
    found.map_or_else(
        || not_found(&app, "Contact"),
        |(items, total)| page(items, total),
    )
}

fn accepted_line(app: &App, who: Who, person: &Person) -> Value {
    let digest = |message: &Message| {
        let hash = Sha256::digest(message.content.as_bytes());
        let start = hash
            .iter()
            .take(8)
            .fold(0, |start, &byte| start << 8 | u64::from(byte));
        format!("{start:016x}")
    };
    let messages = person.messages.iter().map(|message| {
        json!({ "id": message.id.to_string(), "sent": time_text(message.sent_ms), "digest": digest(message) })
    });
    json!({
        "number": who.number().to_string(),
        "channel_id": app.settings.channels.get(who.channel()).map(|channel| &channel.id),
        "contact_id": who.contact_id().to_string(),
        "count": person.messages.len(),
        "messages": messages.collect::<Vec<_>>(),
    })
}

fn person_line(app: &App, who: Who, person: &Person) -> Value {
    let time = |ms: u64| {
        if ms == 0 {
            Value::Null
        } else {
            Value::from(time_text(ms))
        }
    };
    let messages = person.messages.iter().map(|message| {
        let failed = (message.failed_code > 0).then_some(message.failed_code);
        json!({
            "id": message.id.to_string(),
            "delivered_at": time(message.delivered_ms),
            "read_at": time(message.read_ms),
            "failed": failed,
        })
    });
    json!({
        "number": who.number().to_string(),
        "channel_id": app.settings.channels.get(who.channel()).map(|channel| &channel.id),
        "contact_id": who.contact_id().to_string(),
        "opted_in_at": time(person.opted_in_ms),
        "stopped_at": time(person.stopped_ms),
        "stop_taken_at": time(person.stop_taken_ms),
        "messages_after_stop": person.after_stop,
        "messages": messages.collect::<Vec<_>>(),
    })
}

type Line = fn(&App, Who, &Person) -> Value;

/// One JSON object a line for everybody, made shard by shard while the answer is sent.
fn lines(app: Arc<App>, line: Line) -> Answer {
    let mut response = Response::new(Body::new(Lines {
        app,
        line,
        shard: 0,
    }));
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-ndjson"),
    );
    response
}

struct Lines {
    app: Arc<App>,
    line: Line,
    shard: usize,
}

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        while self.shard < self.app.book.shard_count() {
            let mut text = String::new();
            self.app.book.each_in(self.shard, |who, person| {
                text.push_str(&(self.line)(&self.app, who, person).to_string());
                text.push('\n');
            });
            self.shard += 1;
            if !text.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(text.into()))));
            }
        }
        Poll::Ready(None)
    }
}
