//! The API's JSON, as it goes over the wire.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::clock::Moment;
use crate::domain::outcome::Receipt;
use crate::domain::phone::PhoneNumber;

/// The addressee of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressee {
    /// By number; names raise the odds of a match on Facebook Messenger.
    Phone {
        /// The number.
        phone: PhoneNumber,
        /// Given names.
        first_name: Option<String>,
        /// Family names.
        last_name: Option<String>,
    },
    /// By the contact's id on the channel.
    ContactId(String),
}

/// One message, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMessage<'a> {
    /// The channel's id.
    pub channel: &'a str,
    /// The recipient.
    pub addressee: &'a Addressee,
    /// The JSON of `content`.
    pub content: &'a RawJson,
    /// The JSON of `metadata`.
    pub metadata: &'a RawJson,
    /// The clocks before the intent to send it was written.
    pub decided: Moment,
}

/// A text that was checked to be JSON.
#[derive(Debug, Clone)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Checks that `text` is JSON.
    ///
    /// # Errors
    /// Where it is not, with the place.
    pub fn new(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self)
    }

    /// The JSON text.
    pub(crate) fn get(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for RawJson {}

#[derive(Serialize)]
struct MessageBody<'a> {
    channel: Id<'a>,
    contact: ContactBody<'a>,
    content: &'a RawValue,
    metadata: &'a RawValue,
}

#[derive(Serialize)]
struct Id<'a> {
    id: &'a str,
}

#[derive(Serialize)]
struct ContactBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
}

impl OutgoingMessage<'_> {
    /// The request body of `POST /v1/messages`.
    pub(super) fn to_body(&self) -> Result<Vec<u8>, serde_json::Error> {
        let contact = match self.addressee {
            Addressee::ContactId(id) => ContactBody {
                id: Some(id),
                phone_number: None,
                first_name: None,
                last_name: None,
            },
            Addressee::Phone {
                phone,
                first_name,
                last_name,
            } => ContactBody {
                id: None,
                phone_number: Some(phone.e164()),
                first_name: first_name.as_deref(),
                last_name: last_name.as_deref(),
            },
        };
        serde_json::to_vec(&MessageBody {
            channel: Id { id: self.channel },
            contact,
            content: &self.content.0,
            metadata: &self.metadata.0,
        })
    }
}

/// The parts of a message resource that matter here.
#[derive(Deserialize)]
struct MessageResource<'a> {
    #[serde(borrow)]
    id: Option<AnyId<'a>>,
    #[serde(borrow)]
    contact: Option<AnsweredContact<'a>>,
    #[serde(borrow)]
    channel: Option<HasType<'a>>,
}

#[derive(Deserialize)]
struct AnsweredContact<'a> {
    #[serde(borrow)]
    id: Option<AnyId<'a>>,
    /// Of whatever type: what cannot be read must not cost the rest of the answer.
    phone_number: Option<serde_json::Value>,
}

/// The number of an answer; `None` where it is not one.
fn answered_number(value: &serde_json::Value) -> Option<PhoneNumber> {
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => return None,
    };
    PhoneNumber::from_api(&text)
}

#[derive(Deserialize)]
struct HasType<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<std::borrow::Cow<'a, str>>,
}

/// Ids are documented as decimal strings; a number is understood as well.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum AnyId<'a> {
    Text(#[serde(borrow)] std::borrow::Cow<'a, str>),
    Number(u64),
}

impl AnyId<'_> {
    pub(super) fn into_string(self) -> String {
        match self {
            Self::Text(text) => text.into_owned(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// Reads the message that a 2xx answer describes: `None` if the body is no message resource.
///
/// The `Location` header names the message where the body does not.
pub(super) fn receipt(body: &str, location: Option<&str>) -> Option<Receipt> {
    let from_location = || {
        let id = location?.rsplit('/').next()?;
        (!id.is_empty()).then(|| id.to_owned())
    };
    match serde_json::from_str::<MessageResource<'_>>(body) {
        Ok(resource) => {
            let message_id = resource.id.map(AnyId::into_string).or_else(from_location);
            let contact = resource.contact;
            let number = contact
                .as_ref()
                .and_then(|contact| contact.phone_number.as_ref())
                .and_then(answered_number);
            let contact_id = contact
                .and_then(|contact| contact.id)
                .map(AnyId::into_string);
            let channel_type = resource
                .channel
                .and_then(|channel| channel.kind)
                .map(std::borrow::Cow::into_owned);
            Some(Receipt {
                message_id,
                contact_id,
                channel_type,
                number,
            })
        }
        Err(_) => from_location().map(|id| Receipt {
            message_id: Some(id),
            ..Receipt::default()
        }),
    }
}

/// The texts of an error envelope, joined; `None` if the body is none (a proxy's page, say). An envelope of the
/// platform that was passed on, as it came or as the text of ours, is read with its codes.
pub(super) fn error_text(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    if let Some(text) = platform_text(&body) {
        return Some(text);
    }
    let texts: Vec<String> = body
        .get("errors")?
        .as_array()?
        .iter()
        .filter_map(|error| message_text(error.get("message").unwrap_or(error)))
        .collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// The text of one error: plain, or an envelope of the platform as JSON.
fn message_text(message: &Value) -> Option<String> {
    let Some(text) = message.as_str() else {
        return platform_text(message);
    };
    let envelope = || serde_json::from_str(text.get(text.find('{')?..)?).ok();
    let quoted = envelope().and_then(|envelope| platform_text(&envelope));
    Some(quoted.unwrap_or_else(|| text.to_owned()))
}

/// The platform's envelope as it writes its errors elsewhere: with the code before the text.
fn platform_text(envelope: &Value) -> Option<String> {
    let error = envelope.get("error")?;
    let message = error.get("message")?.as_str()?;
    let number = |key| {
        let value: &Value = error.get(key)?;
        let number = value.as_u64();
        number.or_else(|| value.as_str()?.parse().ok())
    };
    let text = match number("code") {
        Some(code) if !message.starts_with("(#") => format!("(#{code}) {message}"),
        Some(_) | None => message.to_owned(),
    };
    Some(match number("error_subcode") {
        Some(subcode) => format!("{text} (subcode {subcode})"),
        None => text,
    })
}

/// One message of a contact's history (`GET .../contacts/{id}/messages`).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ListedMessage {
    /// The message's id.
    pub(crate) id: String,
    /// `sent` or `received`.
    pub(crate) direction: String,
    /// When it was sent, RFC 3339.
    pub(crate) sent: Option<String>,
    /// When it was delivered.
    pub(crate) delivered: Option<String>,
    /// When it was read.
    pub(crate) read: Option<String>,
    /// Its content.
    pub(crate) content: serde_json::Value,
}

/// A channel, as far as the program reads it. The secrets in the answer are not read.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Channel {
    /// The channel's id.
    pub(crate) id: String,
    /// Such as `facebook_messenger`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The name in the admin app.
    pub(crate) name: Option<String>,
    /// `production`, `test` or `amio`.
    pub(crate) mode: Option<String>,
    /// Where events go.
    pub(crate) webhook: Option<ChannelWebhook>,
}

/// A channel's webhook.
#[derive(Clone, Deserialize)]
pub(crate) struct ChannelWebhook {
    /// The address that events are posted to.
    pub(crate) url: Option<String>,
    /// The secret that signs events: compared with the configured one, never shown.
    pub(crate) secret: Option<secrecy::SecretString>,
}

impl std::fmt::Debug for ChannelWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelWebhook")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_by_number_has_the_documented_shape() {
        let addressee = Addressee::Phone {
            phone: PhoneNumber::from_e164(420_777_123_456).unwrap(),
            first_name: Some("Jana".into()),
            last_name: None,
        };
        let content = RawJson::new(r#"{"type":"text","payload":"Hi"}"#.into()).unwrap();
        let metadata = RawJson::new(r#"{"outreach_row":2}"#.into()).unwrap();
        let message = OutgoingMessage {
            channel: "7001",
            addressee: &addressee,
            content: &content,
            metadata: &metadata,
            decided: crate::clock::Clock::system().moment(),
        };
        insta::assert_snapshot!(
            String::from_utf8(message.to_body().unwrap()).unwrap(),
            @r#"{"channel":{"id":"7001"},"contact":{"phone_number":"+420777123456","first_name":"Jana"},"content":{"type":"text","payload":"Hi"},"metadata":{"outreach_row":2}}"#
        );
    }

    #[test]
    fn a_receipt_is_read_from_the_body_or_from_location() {
        let body = r#"{"id":"9007199254740993","channel":{"id":"7","type":"mobile"},"contact":{"id":"8"}}"#;
        let whole = receipt(body, None).unwrap();
        assert_eq!(whole.message_id.as_deref(), Some("9007199254740993"));
        assert_eq!(whole.contact_id.as_deref(), Some("8"));
        assert_eq!(whole.channel_type.as_deref(), Some("mobile"));
        let garbage = receipt("<html>", Some("https://api.amio.io/v1/messages/77")).unwrap();
        assert_eq!(garbage.message_id.as_deref(), Some("77"));
        assert_eq!(receipt("<html>", None), None);
    }

    #[test]
    fn error_texts_are_read_whatever_the_type_of_the_code() {
        for code in ["422", "\"422\""] {
            let body = format!(
                r#"{{"timestamp":"t","status":{{"code":{code},"message":"m"}},"errors":[{{"message":"a"}},{{"message":"b"}}]}}"#
            );
            assert_eq!(error_text(&body).as_deref(), Some("a; b"));
        }
        let passed_on = r#"{"error":{"message":"No","type":"OAuthException","code":10,"error_subcode":2018278}}"#;
        let text = error_text(passed_on);
        assert_eq!(text.as_deref(), Some("(#10) No (subcode 2018278)"));
        for quoted in [
            r#"{"errors":[{"message":"{\"error\":{\"message\":\"No\",\"code\":\"10\"}}"}]}"#,
            r#"{"errors":[{"message":"Facebook: {\"error\":{\"message\":\"No\",\"code\":10}}"}]}"#,
            r#"{"errors":[{"message":{"error":{"message":"No","code":10}}}]}"#,
            r#"{"errors":[{"error":{"message":"No","code":10}}]}"#,
            r#"{"errors":["(#10) No"]}"#,
        ] {
            assert_eq!(error_text(quoted).as_deref(), Some("(#10) No"), "{quoted}");
        }
        for none in ["{}", "[]", r#"{"errors":{}}"#, r#"{"errors":[{"code":1}]}"#] {
            assert_eq!(error_text(none), None, "{none}");
        }
        assert_eq!(error_text("<html>"), None);
    }
}
