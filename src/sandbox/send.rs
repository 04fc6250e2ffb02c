//! `POST /v1/messages`: what the API documents about sending, and no more.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use hyper::header::{HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer;
use super::app::App;
use super::book::{Receipt, Who};
use super::settings::Channel;
use super::webhooks::Accepted;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    channel: Option<Reference<'a>>,
    #[serde(borrow)]
    contact: Option<Contact<'a>>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Contact<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    phone_number: Option<Cow<'a, str>>,
    #[serde(borrow)]
    first_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    last_name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// The reserved keys of `metadata`.
#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    tag: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "platform_metadata")]
    platform: Option<Cow<'a, str>>,
}

const TAGS: [&str; 14] = [
    "ACCOUNT_UPDATE",
    "APPLICATION_UPDATE",
    "APPOINTMENT_UPDATE",
    "CONFIRMED_EVENT_REMINDER",
    "CONFIRMED_EVENT_UPDATE",
    "ISSUE_RESOLUTION",
    "NON_PROMOTIONAL_SUBSCRIPTION",
    "PAYMENT_UPDATE",
    "PERSONAL_FINANCE_UPDATE",
    "POST_PURCHASE_UPDATE",
    "RESERVATION_UPDATE",
    "SHIPPING_UPDATE",
    "TICKET_UPDATE",
    "TRANSPORTATION_UPDATE",
];

/// Why a send is refused.
enum Refusal {
    NoSuchChannel,
    Invalid(Cow<'static, str>),
    NoMessenger,
}

impl From<&'static str> for Refusal {
    fn from(text: &'static str) -> Self {
        Self::Invalid(text.into())
    }
}

/// Accepts or refuses one message.
pub(super) fn send(app: &Arc<App>, body: &[u8]) -> Response<Body> {
    match accept(app, body) {
        Ok(response) => response,
        Err(Refusal::NoSuchChannel) => {
            answer::error(app, StatusCode::NOT_FOUND, "Channel not found.")
        }
        Err(Refusal::Invalid(text)) => answer::error(app, StatusCode::UNPROCESSABLE_ENTITY, &text),
        Err(Refusal::NoMessenger) => answer::error(
            app,
            StatusCode::UNPROCESSABLE_ENTITY,
            &app.settings.texts.no_messenger,
        ),
    }
}

fn accept(app: &Arc<App>, body: &[u8]) -> Result<Response<Body>, Refusal> {
    let request: Request = serde_json::from_slice(body)
        .map_err(|error| Refusal::Invalid(format!("Invalid request body: {error}.").into()))?;
    let channel_id = request
        .channel
        .and_then(|channel| channel.id)
        .ok_or("channel.id is required.")?;
    let (index, channel) = app.channel(&channel_id).ok_or(Refusal::NoSuchChannel)?;
    let contact = request.contact.ok_or("contact is required.")?;
    let content = request.content.ok_or("content is required.")?;
    check_content(channel, content)?;
    request.metadata.map_or(Ok(()), check_metadata)?;
    let (who, by_phone) = find(app, index, &contact)?;
    if by_phone && channel.answers_at_once() && app.is_unreachable(who) {
        return Err(Refusal::NoMessenger);
    }
    let name = match (&contact.first_name, &contact.last_name) {
        (Some(first), Some(last)) => Some(Cow::from(format!("{first} {last}"))),
        (Some(one), None) | (None, Some(one)) => Some(Cow::from(&**one)),
        (None, None) => None,
    };
    let now_ms = app.now_ms();
    let receipt = app.book.accept(who, now_ms, content.get(), name.as_deref());
    if let Some(state) = &app.state
        && let Err(error) = state.keep(channel, who, receipt.message_id, now_ms, content)
    {
        tracing::error!("the sandbox cannot write its state file: {error}");
    }
    if let Some(outbox) = &app.outbox {
        let metadata = request.metadata.map(|metadata| metadata.get().into());
        outbox.accepted(
            &app.counters,
            Accepted {
                receipt,
                by_phone,
                sent_ms: now_ms,
                content: content.get().into(),
                metadata,
            },
        );
    }
    Ok(created(
        channel,
        receipt,
        by_phone,
        content.get(),
        request.metadata.map(RawValue::get),
    ))
}

/// Who is meant, and whether by phone number.
fn find(app: &App, channel: u8, contact: &Contact) -> Result<(Who, bool), Refusal> {
    if let Some(id) = &contact.id {
        let id = id.parse().ok();
        let who = id.and_then(Who::from_contact_id);
        let who = who.filter(|who| who.channel() == usize::from(channel));
        let known = if app.settings.any_contact {
            // An id that was not given out by a sandbox stands for a number that nobody has.
            who.or_else(|| Some(Who::new(channel, id?)))
        } else {
            who.filter(|who| app.book.with(*who, |_| ()).is_some())
        };
        return known
            .map(|who| (who, false))
            .ok_or_else(|| "Contact not found.".into());
    }
    let phone = contact
        .phone_number
        .as_deref()
        .ok_or("contact.id or contact.phone_number is required.")?;
    let (mut number, mut digits) = (0u64, 0);
    for byte in phone.bytes() {
        match byte {
            b'0'..=b'9' if digits < 15 => {
                number = number * 10 + u64::from(byte - b'0');
                digits += 1;
            }
            b' ' | b'-' | b'(' | b')' | b'.' | b'/' | b'+' => {}
            _ => return Err("contact.phone_number is not a phone number.".into()),
        }
    }
    if digits < 7 {
        return Err("contact.phone_number is not a phone number.".into());
    }
    Ok((Who::new(channel, number), true))
}

fn check_content(channel: &Channel, content: &RawValue) -> Result<(), Refusal> {
    let content: Content = serde_json::from_str(content.get())
        .map_err(|_| "content must have a type and a payload.")?;
    let allowed: &[&str] = match channel.kind.as_str() {
        "mobile" => &["text"],
        "viber_business_messages" => &["text", "structure", "image"],
        _ => &[
            "text",
            "image",
            "audio",
            "video",
            "file",
            "structure",
            "receipt",
        ],
    };
    if !allowed.contains(&&*content.kind) {
        return Err(Refusal::Invalid(
            format!("content.type {} is not supported.", content.kind).into(),
        ));
    }
    let payload = content.payload.map_or("null", RawValue::get);
    let valid = match &*content.kind {
        "text" => payload.starts_with('"') && payload.len() > 2,
        "structure" => payload.starts_with(['{', '[']),
        "receipt" => payload.starts_with('{'),
        _ => serde_json::from_str::<Url>(payload).is_ok_and(|media| media.url.starts_with("http")),
    };
    if valid {
        Ok(())
    } else {
        Err("content.payload is not valid.".into())
    }
}

#[derive(Deserialize)]
struct Url<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
}

fn check_metadata(metadata: &RawValue) -> Result<(), Refusal> {
    let metadata: Metadata = serde_json::from_str(metadata.get())
        .map_err(|_| "metadata must be an object; tag, type and platform_metadata are texts.")?;
    if let Some(tag) = &metadata.tag {
        let known = TAGS.iter().any(|known| known.eq_ignore_ascii_case(tag));
        if !known {
            return Err(Refusal::Invalid(
                format!("metadata.tag {tag} is not a message tag.").into(),
            ));
        }
    }
    if let Some(kind) = &metadata.kind {
        if metadata.tag.is_some() {
            return Err("metadata.type and metadata.tag exclude each other.".into());
        }
        if !["response", "update"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(kind))
        {
            return Err("metadata.type must be response or update.".into());
        }
    }
    match metadata.platform {
        Some(text) if text.chars().count() > 1000 => {
            Err("metadata.platform_metadata is longer than 1000 characters.".into())
        }
        Some(_) | None => Ok(()),
    }
}

fn created(
    channel: &Channel,
    receipt: Receipt,
    by_phone: bool,
    content: &str,
    metadata: Option<&str>,
) -> Response<Body> {
    let Receipt {
        who, message_id, ..
    } = receipt;
    let mut body = String::with_capacity(220 + content.len() + metadata.map_or(0, str::len));
    // Written by hand, because content and metadata go back as they came. A `String` takes every write.
    let contact_id = who.contact_id();
    _ = write!(
        body,
        r#"{{"id":"{message_id}","channel":{{"id":"{}","type":"{}"}},"contact":{{"id":"{contact_id}""#,
        channel.id, channel.kind
    );
    if by_phone {
        _ = write!(body, r#","phone_number":"{}""#, who.number());
    }
    body.push_str(r#"},"content":"#);
    body.push_str(content);
    if let Some(metadata) = metadata {
        body.push_str(r#","metadata":"#);
        body.push_str(metadata);
    }
    body.push('}');
    let mut response = answer::json_text(StatusCode::CREATED, body);
    let location = format!("https://api.amio.io/v1/messages/{message_id}");
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
