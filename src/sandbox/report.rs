//! The sandbox's own account, as pages under `/sandbox/` and for the library.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::{self, time_or_null, time_text};
use super::app::App;
use super::people::{AcceptedMessage, Message, Person, PersonKey};

const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");
/// People that are read under one lock.
const CHUNK: usize = 1000;

/// A page of the account.
pub(super) fn page(app: &Arc<App>, name: &str) -> Response<Body> {
    match name {
        "stats" => {
            let stats = app.account().stats();
            answer::json_text(StatusCode::OK, text_of(&stats))
        }
        "accepted" => lines(app, |app, key, person| {
            text_of(&accepted_line(app, key, person))
        }),
        "messages" => lines(app, |app, key, person| {
            let messages = messages_of(app, key, person);
            messages.map(|message| text_of(&message)).collect()
        }),
        "people" => lines(app, |app, key, person| {
            text_of(&person_line(app, key, person))
        }),
        _ => answer::error(app, StatusCode::NOT_FOUND, "Resource not found."),
    }
}

/// One line of JSON. These types always serialize.
fn text_of(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).unwrap_or_default();
    text.push('\n');
    text
}

fn channel_id(app: &App, key: PersonKey) -> Option<&str> {
    app.settings
        .channels
        .get(key.channel())
        .map(|channel| &*channel.id)
}

/// The accepted messages of one person.
pub(super) fn messages_of<'a>(
    app: &'a App,
    key: PersonKey,
    person: &'a Person,
) -> impl Iterator<Item = AcceptedMessage> + 'a {
    let value = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    person.messages.iter().map(move |message| AcceptedMessage {
        id: message.id.to_string(),
        sent: time_text(message.sent_ms),
        number: key.number().to_string(),
        channel_id: channel_id(app, key).unwrap_or_default().to_owned(),
        contact_id: key.contact_id().to_string(),
        content: value(message.content.get()),
        metadata: message.metadata.as_ref().map(|text| value(text.get())),
    })
}

fn accepted_line(app: &App, key: PersonKey, person: &Person) -> Value {
    let digest = |message: &Message| {
        let hash = Sha256::digest(message.content.get().as_bytes());
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
        "number": key.number().to_string(),
        "channel_id": channel_id(app, key),
        "contact_id": key.contact_id().to_string(),
        "count": person.messages.len(),
        "messages": messages.collect::<Vec<_>>(),
    })
}

fn person_line(app: &App, key: PersonKey, person: &Person) -> Value {
    let messages = person.messages.iter().map(|message| {
        json!({
            "id": message.id.to_string(),
            "delivered_at": time_or_null(message.delivered_ms),
            "read_at": time_or_null(message.read_ms),
            "failed": (message.failed_code > 0).then_some(message.failed_code),
        })
    });
    json!({
        "number": key.number().to_string(),
        "channel_id": channel_id(app, key),
        "contact_id": key.contact_id().to_string(),
        "opted_in_at": time_or_null(person.opted_in_ms),
        "stopped_at": time_or_null(person.stopped_ms),
        "stop_taken_at": time_or_null(person.stop_taken_ms),
        "messages_after_stop": person.after_stop,
        "messages": messages.collect::<Vec<_>>(),
    })
}

type Line = fn(&App, PersonKey, &Person) -> String;

/// JSON lines about every person, made while the answer is sent.
fn lines(app: &Arc<App>, line: Line) -> Response<Body> {
    let next = Some(PersonKey::new(0, 0));
    let mut response = Response::new(Body::new(Lines {
        app: Arc::clone(app),
        line,
        next,
    }));
    response.headers_mut().insert(CONTENT_TYPE, LINES);
    response
}

struct Lines {
    app: Arc<App>,
    line: Line,
    /// The first person of the next chunk.
    next: Option<PersonKey>,
}

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(from) = self.next else {
            return Poll::Ready(None);
        };
        let account = self.app.account();
        let mut people = account.people.range(from..);
        let chunk = people.by_ref().take(CHUNK);
        let text: String = chunk
            .map(|(key, person)| (self.line)(&self.app, *key, person))
            .collect();
        let next = people.next().map(|(&key, _)| key);
        drop(account);
        self.next = next;
        Poll::Ready(Some(Ok(Frame::data(text.into()))))
    }
}
