//! `POST /v1/messages`: what the API documents about sending, and no more.

use std::borrow::Cow;

use axum::body::Body;
use hyper::header::{HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::account::{Account, NewMessage, Receipt};
use super::answer;
use super::app::App;
use super::fault::{Address, Fault, Target};
use super::people::PersonKey;
use super::settings::Channel;

#[derive(Deserialize)]
struct Request<'a> {
    channel: Option<Reference>,
    contact: Option<Reference>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

/// A channel (`id` only) or a contact.
#[derive(Deserialize)]
struct Reference {
    id: Option<String>,
    phone_number: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Media {
    url: String,
}

/// The reserved keys of `metadata`.
#[derive(Deserialize)]
struct Metadata {
    tag: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(rename = "platform_metadata")]
    platform: Option<String>,
}

/// The one tag that Facebook has not retired.
const HUMAN_AGENT: &str = "HUMAN_AGENT";

const TAGS: [&str; 15] = [
    "ACCOUNT_UPDATE",
    "APPLICATION_UPDATE",
    "APPOINTMENT_UPDATE",
    "CONFIRMED_EVENT_REMINDER",
    "CONFIRMED_EVENT_UPDATE",
    HUMAN_AGENT,
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

/// Why a send is refused: the status and the error text.
struct Refusal(StatusCode, Cow<'static, str>);

impl<T: Into<Cow<'static, str>>> From<T> for Refusal {
    fn from(text: T) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, text.into())
    }
}

/// Where a message goes; `None` if the body does not say.
pub(super) fn target(body: &[u8]) -> Option<Target> {
    let request: Request = serde_json::from_slice(body).ok()?;
    let by = match request.contact?.id {
        Some(_) => Address::Id,
        None => Address::Phone,
    };
    Some(Target {
        channel: request.channel?.id?,
        by,
    })
}

/// Accepts or refuses one message.
pub(super) fn send(
    app: &App,
    account: &mut Account,
    body: &[u8],
    fault: Option<&Fault>,
) -> Response<Body> {
    accept(app, account, body, fault)
        .unwrap_or_else(|Refusal(status, text)| answer::error(app, status, &text))
}

fn accept(
    app: &App,
    account: &mut Account,
    body: &[u8],
    fault: Option<&Fault>,
) -> Result<Response<Body>, Refusal> {
    let settings = &app.settings;
    let request: Request =
        serde_json::from_slice(body).map_err(|error| format!("Invalid request body: {error}."))?;
    let channel_id = request.channel.and_then(|channel| channel.id);
    let (index, channel) = settings
        .channel(&channel_id.ok_or("channel.id is required.")?)
        .ok_or(Refusal(StatusCode::NOT_FOUND, "Channel not found.".into()))?;
    let contact = request.contact.ok_or("contact is required.")?;
    let content = request.content.ok_or("content is required.")?;
    check_content(channel, content)?;
    let metadata = request.metadata;
    let tag = metadata.map_or(Ok(None), check_metadata)?;
    if settings.retired_tags && tag.as_deref().is_some_and(|tag| tag != HUMAN_AGENT) {
        return Err("(#100) Invalid parameter".into());
    }
    let (key, by_phone) = find(app, account, index, &contact)?;
    if by_phone && channel.is_messenger() && settings.is_unreachable(channel, key.number()) {
        return Err(settings.texts.no_messenger.clone().into());
    }
    let now_ms = app.now_ms();
    if let Some(window) = settings.reply_window
        && channel.is_messenger()
        && tag.is_none()
        && account
            .people
            .get(&key)
            .is_some_and(|person| person.is_outside(window, now_ms))
    {
        return Err("(#10) This message is sent outside of allowed window.".into());
    }
    let message = NewMessage { content, metadata };
    let (message_id, count) = account.accept(settings, key, now_ms, message);
    note_name(account, key, &contact);
    let fail_later = match fault {
        Some(Fault::FailLater { code }) => Some(*code),
        Some(_) | None => None,
    };
    let receipt = Receipt {
        key,
        message_id,
        count,
        by_phone,
        fail_later,
    };
    app.publish(account, receipt);
    Ok(created(channel, receipt, message))
}

/// Keeps the first name that was given for a person.
fn note_name(account: &mut Account, key: PersonKey, contact: &Reference) {
    let parts = [&contact.first_name, &contact.last_name];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    if let Some(person) = account.people.get_mut(&key)
        && person.name.is_none()
        && !parts.is_empty()
    {
        person.name = Some(parts.join(" ").into());
    }
}

/// The person who is meant, and whether by phone number.
fn find(
    app: &App,
    account: &Account,
    channel: u8,
    contact: &Reference,
) -> Result<(PersonKey, bool), Refusal> {
    if let Some(id) = &contact.id {
        let key = id.parse().ok().and_then(PersonKey::from_contact_id);
        let known = key.filter(|key| {
            let earlier = &app.settings.earlier_contacts;
            let is_known = earlier.has(key.contact_id()) || account.people.contains_key(key);
            key.channel() == usize::from(channel) && is_known
        });
        return Ok((known.ok_or("Contact not found.")?, false));
    }
    let phone = contact.phone_number.as_deref();
    let phone = phone.ok_or("contact.id or contact.phone_number is required.")?;
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let is_allowed = |c: char| c.is_ascii_digit() || " -().+/".contains(c);
    if !(7..=15).contains(&digits.len()) || !phone.chars().all(is_allowed) {
        return Err("contact.phone_number is not a phone number.".into());
    }
    let number = digits.parse().unwrap_or_default();
    Ok((PersonKey::new(channel, number), true))
}

fn check_content(channel: &Channel, content: &RawValue) -> Result<(), Refusal> {
    let content: Content = serde_json::from_str(content.get())
        .map_err(|_| "content must have a type and a payload.")?;
    let kind = content.kind.as_str();
    let allowed = match kind {
        "text" => true,
        "structure" | "image" => !channel.is_mobile(),
        "audio" | "video" | "file" | "receipt" => !channel.is_mobile() && !channel.is_viber(),
        _ => false,
    };
    if !allowed {
        return Err(format!("content.type {kind} is not supported.").into());
    }
    let payload = content.payload.map_or("null", RawValue::get);
    let valid = match kind {
        "text" => payload.starts_with('"') && payload.len() > 2,
        "structure" => payload.starts_with(['{', '[']),
        "receipt" => payload.starts_with('{'),
        _ => serde_json::from_str(payload).is_ok_and(|Media { url }| url.starts_with("http")),
    };
    if valid {
        Ok(())
    } else {
        Err("content.payload is not valid.".into())
    }
}

/// The message tag, in capitals.
fn check_metadata(metadata: &RawValue) -> Result<Option<String>, Refusal> {
    let metadata: Metadata = serde_json::from_str(metadata.get())
        .map_err(|_| "metadata must be an object; tag, type and platform_metadata are texts.")?;
    let is_in =
        |words: &[&str], word: &str| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    match (&metadata.tag, &metadata.kind) {
        (Some(tag), _) if !is_in(&TAGS, tag) => {
            return Err(format!("metadata.tag {tag} is not a message tag.").into());
        }
        (Some(_), Some(_)) => {
            return Err("metadata.type and metadata.tag exclude each other.".into());
        }
        (None, Some(kind)) if !is_in(&["response", "update"], kind) => {
            return Err("metadata.type must be response or update.".into());
        }
        (Some(_), None) | (None, Some(_) | None) => {}
    }
    let platform = metadata.platform.unwrap_or_default();
    if platform.chars().count() > 1000 {
        return Err("metadata.platform_metadata is longer than 1000 characters.".into());
    }
    Ok(metadata.tag.map(|tag| tag.to_ascii_uppercase()))
}

/// The 201. Content and metadata go back as they came.
fn created(channel: &Channel, receipt: Receipt, message: NewMessage) -> Response<Body> {
    let Receipt {
        key, message_id, ..
    } = receipt;
    let phone = if receipt.by_phone {
        format!(r#","phone_number":"{}""#, key.number())
    } else {
        String::new()
    };
    let metadata = message
        .metadata
        .map(|metadata| format!(r#","metadata":{metadata}"#));
    let body = format!(
        r#"{{"id":"{message_id}","channel":{{"id":"{}","type":"{}"}},"contact":{{"id":"{}"{phone}}},"content":{}{}}}"#,
        channel.id,
        channel.kind,
        key.contact_id(),
        message.content,
        metadata.unwrap_or_default(),
    );
    let mut response = answer::json_text(StatusCode::CREATED, body);
    let location = format!("https://api.amio.io/v1/messages/{message_id}");
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
