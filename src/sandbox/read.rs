//! All calls but the send: channels, contacts, their messages, and notifications.

use axum::body::Body;
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::account::Account;
use super::answer::{self, time_or_null};
use super::app::App;
use super::people::{Message, Person, PersonKey};
use super::settings::{Channel, Settings};

const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// An answer, or the name of what was not found.
type Found = Result<Response<Body>, &'static str>;

/// Answers a call that is not a send.
pub(super) fn read(app: &App, account: &Account, parts: &Parts) -> Response<Body> {
    let (settings, uri) = (&app.settings, &parts.uri);
    let path: Vec<&str> = uri.path().split('/').skip(1).collect();
    let (method, found) = match *path.as_slice() {
        ["v1", "channels"] => (Method::GET, Ok(list_channels(settings, uri))),
        ["v1", "channels", id] => (Method::GET, get_channel(settings, id)),
        ["v1", "channels", id, "contacts"] => {
            (Method::GET, list_contacts(settings, account, id, uri))
        }
        ["v1", "channels", id, "contacts", contact] => {
            (Method::GET, get_contact(settings, account, id, contact))
        }
        ["v1", "channels", id, "contacts", contact, "messages"] => (
            Method::GET,
            list_messages(settings, account, id, contact, uri),
        ),
        ["v1", "notifications"] => (Method::POST, Ok(answer::json_text(StatusCode::OK, "{}"))),
        ["v1", "messages"] => (Method::POST, Err("Resource")),
        _ => (parts.method.clone(), Err("Resource")),
    };
    if method != parts.method {
        return answer::error(app, StatusCode::METHOD_NOT_ALLOWED, "Method not allowed.");
    }
    found.unwrap_or_else(|what| {
        answer::error(app, StatusCode::NOT_FOUND, &format!("{what} not found."))
    })
}

/// The value of a parameter in the query.
pub(super) fn query_value<'u>(uri: &'u Uri, key: &str) -> Option<&'u str> {
    let mut pairs = uri.query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

fn ok(value: &Value) -> Response<Body> {
    answer::json_text(StatusCode::OK, value.to_string())
}

/// The items that `max` and `offset` ask for, with the documented default and limit, and their total.
fn page<T>(uri: &Uri, items: impl Iterator<Item = T>, show: impl Fn(T) -> Value) -> Response<Body> {
    let number = |key| query_value(uri, key)?.parse().ok();
    let max = number("max").unwrap_or(10).min(100);
    let offset = number("offset").unwrap_or(0);
    let (mut total, mut shown) = (0, Vec::new());
    for item in items {
        if total >= offset && shown.len() < max {
            shown.push(show(item));
        }
        total += 1;
    }
    let mut response = ok(&shown.into());
    response
        .headers_mut()
        .insert(TOTAL, HeaderValue::from(total));
    response
}

fn channel_json(settings: &Settings, channel: &Channel) -> Value {
    let webhook = settings.webhooks.as_ref().map(|webhooks| {
        json!({ "id": "7001200300400500001", "url": webhooks.url, "secret": webhooks.secret, "ssl_verification": true })
    });
    json!({ "id": channel.id, "type": channel.kind, "name": channel.name, "mode": "production", "webhook": webhook })
}

fn list_channels(settings: &Settings, uri: &Uri) -> Response<Body> {
    page(uri, settings.channels.iter(), |channel| {
        channel_json(settings, channel)
    })
}

fn get_channel(settings: &Settings, id: &str) -> Found {
    let (_, channel) = settings.channel(id).ok_or("Channel")?;
    Ok(ok(&channel_json(settings, channel)))
}

fn contact_json(key: PersonKey, person: &Person) -> Value {
    let (id, number) = (key.contact_id().to_string(), key.number().to_string());
    json!({ "id": id, "name": person.name, "phone_number": number })
}

fn list_contacts(settings: &Settings, account: &Account, id: &str, uri: &Uri) -> Found {
    let (index, _) = settings.channel(id).ok_or("Channel")?;
    Ok(page(uri, account.of_channel(index), |(key, person)| {
        contact_json(key, person)
    }))
}

/// The person with this contact id, if they were messaged on the channel with this index.
fn person<'a>(account: &'a Account, channel: u8, contact: &str) -> Option<(PersonKey, &'a Person)> {
    let key = PersonKey::from_contact_id(contact.parse().ok()?)?;
    let person = account.people.get(&key)?;
    (key.channel() == usize::from(channel)).then_some((key, person))
}

fn get_contact(settings: &Settings, account: &Account, id: &str, contact: &str) -> Found {
    let (index, _) = settings.channel(id).ok_or("Channel")?;
    let (key, person) = person(account, index, contact).ok_or("Contact")?;
    Ok(ok(&contact_json(key, person)))
}

fn list_messages(
    settings: &Settings,
    account: &Account,
    id: &str,
    contact: &str,
    uri: &Uri,
) -> Found {
    let (index, channel) = settings.channel(id).ok_or("Channel")?;
    let (key, person) = person(account, index, contact).ok_or("Contact")?;
    // Newest first, as a conversation is read. The documentation does not give the order.
    let messages = person.messages.iter().rev();
    Ok(page(uri, messages, |message| {
        message_json(channel, key, message)
    }))
}

fn message_json(channel: &Channel, key: PersonKey, message: &Message) -> Value {
    json!({
        "id": message.id.to_string(),
        "direction": "sent",
        "sent": time_or_null(message.sent_ms),
        "delivered": time_or_null(message.delivered_ms),
        "read": time_or_null(message.read_ms),
        "channel": { "id": channel.id, "type": channel.kind },
        "contact": { "id": key.contact_id().to_string() },
        "content": message.content,
    })
}
