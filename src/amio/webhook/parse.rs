//! The JSON of an event.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::super::wire::AnyId;
use crate::domain::content::{BATCH_KEY, RECIPIENT_KEY};
use crate::domain::event::{Happening, News, OptOutWords, OurKey};
use crate::domain::phone::PhoneNumber;

/// Facebook's and Amio's code for "no user was found for this number".
const NO_ACCOUNT: i64 = 3;

/// What tells two events apart: 128 bits of a SHA-256 over what stays the same when an event is
/// sent again. The time of sending does not, and is left out where the event has an id; an event
/// without one is told apart by it.
pub type EventKey = [u8; 16];

/// One event as it was received, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The literal of the API, such as `messages_delivered`.
    pub kind: String,
    /// When the API sent it, if it says so.
    pub sent_at: Option<Timestamp>,
    /// The news in it: one for each message that it names.
    pub pieces: Vec<Piece>,
    /// What is wrong with it, if its JSON is not as documented: it is kept, and changes nothing.
    pub oddity: Option<String>,
}

/// One piece of news with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What tells it apart.
    pub key: EventKey,
    /// What it says.
    pub news: News,
}

/// A body that is no event at all.
#[derive(Debug, thiserror::Error)]
pub enum EventProblem {
    /// Not JSON, or without the envelope. The text tells the place, never the content.
    #[error("the body is no event (line {line}, column {column})")]
    NoEvent {
        /// Line of the body, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
}

impl From<serde_json::Error> for EventProblem {
    fn from(error: serde_json::Error) -> Self {
        Self::NoEvent {
            line: error.line(),
            column: error.column(),
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    event: String,
    timestamp: Option<String>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Default, Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    id: Option<AnyId<'a>>,
    #[serde(borrow)]
    channel: Option<Party<'a>>,
    #[serde(borrow)]
    contact: Option<Party<'a>>,
    #[serde(borrow)]
    message: Option<Party<'a>>,
    #[serde(borrow, default)]
    messages: Vec<Party<'a>>,
    delivered_timestamp: Option<String>,
    last_read_timestamp: Option<String>,
    error: Option<Failure>,
    opt_in: Option<OptIn>,
    content: Option<Value>,
    postback: Option<Value>,
    metadata: Option<Value>,
}

/// A channel, a contact or a message, by what names it.
#[derive(Deserialize)]
struct Party<'a> {
    #[serde(borrow)]
    id: Option<AnyId<'a>>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(borrow)]
    phone_number: Option<AnyId<'a>>,
}

#[derive(Deserialize)]
struct Failure {
    code: Option<Value>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct OptIn {
    #[serde(rename = "type")]
    kind: Option<String>,
    payload: Option<Value>,
}

/// The channel that a body claims to come from. Unproven: good for choosing a secret, for nothing else.
pub fn channel_of(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Claim<'a> {
        #[serde(borrow)]
        data: ClaimData<'a>,
    }
    #[derive(Deserialize)]
    struct ClaimData<'a> {
        #[serde(borrow)]
        channel: Party<'a>,
    }
    let claim: Claim<'_> = serde_json::from_slice(body).ok()?;
    claim.data.channel.id.map(AnyId::into_string)
}

impl Notification {
    /// Takes an event apart.
    ///
    /// An event of an unknown kind, or one whose details are not as documented, has news that
    /// change nothing.
    ///
    /// # Errors
    /// [`EventProblem`] if the body is no event: no JSON, or without `event` and `data`.
    pub fn parse(
        body: &[u8],
        words: &OptOutWords,
        received_at: Timestamp,
    ) -> Result<Self, EventProblem> {
        let envelope: Envelope<'_> = serde_json::from_slice(body)?;
        let sent_at = envelope.timestamp.as_deref().and_then(time);
        let mut reading = Reading {
            kind: &envelope.event,
            raw: envelope.data.get(),
            at: sent_at.unwrap_or(received_at).min(received_at),
            // Without a time, no two events are the same.
            when: envelope
                .timestamp
                .clone()
                .unwrap_or_else(|| received_at.to_string()),
            pieces: Vec::new(),
        };
        let oddity = match serde_json::from_str::<Data<'_>>(envelope.data.get()) {
            Ok(data) => reading.read(data, words).err().map(str::to_owned),
            Err(_) => Some("its data have another shape than documented".to_owned()),
        };
        if oddity.is_some() || reading.pieces.is_empty() {
            reading.pieces.clear();
            reading.nothing();
        }
        let pieces = reading.pieces;
        Ok(Self {
            kind: envelope.event,
            sent_at,
            pieces,
            oddity,
        })
    }
}

/// An event while it is read.
struct Reading<'a> {
    kind: &'a str,
    raw: &'a str,
    at: Timestamp,
    /// The time of sending, as it stands there: it tells events without an id apart.
    when: String,
    pieces: Vec<Piece>,
}

impl Reading<'_> {
    fn read(&mut self, data: Data<'_>, words: &OptOutWords) -> Result<(), &'static str> {
        let known = matches!(
            self.kind,
            "opt_in"
                | "messages_delivered"
                | "messages_read"
                | "message_failed"
                | "message_echo"
                | "message_received"
                | "postback"
        );
        if !known {
            return Ok(());
        }
        let who = who(&data, self.at).ok_or("it names no channel")?;
        match self.kind {
            "opt_in" => self.opt_in(&who, data.opt_in),
            "messages_delivered" => self.delivered(&who, data),
            "messages_read" => self.read_until(&who, data.last_read_timestamp.as_deref()),
            "message_failed" => self.failed(&who, data),
            "message_echo" => self.echo(&who, data),
            // `message_received` and `postback`: what the person says.
            _ => self.said(&who, data, words),
        }
    }

    fn push(&mut self, news: News, parts: &[&str]) {
        let key = key(self.kind, &news.channel, parts);
        if self.pieces.iter().all(|piece| piece.key != key) {
            self.pieces.push(Piece { key, news });
        }
    }

    /// An event that changes nothing: told apart by all that it says.
    fn nothing(&mut self) {
        let data: Option<Data<'_>> = serde_json::from_str(self.raw).ok();
        let who = data.and_then(|data| who(&data, self.at));
        let news = who.unwrap_or_else(|| News {
            channel: String::new(),
            channel_type: None,
            contact_id: None,
            phone: None,
            at: self.at,
            what: Happening::Nothing,
        });
        self.push(news, &[self.raw]);
    }

    fn opt_in(&mut self, who: &News, opt_in: Option<OptIn>) -> Result<(), &'static str> {
        let opt_in = opt_in.ok_or("it has no opt_in")?;
        let kind = opt_in.kind.unwrap_or_default();
        let payload = opt_in.payload.map(|payload| payload.to_string());
        let contact = person(who).ok_or("it names no contact")?;
        let what = if kind == "phone_number" {
            Happening::OptedIn
        } else {
            Happening::Nothing
        };
        let when = self.when.clone();
        let payload = payload.as_deref().unwrap_or("");
        let parts = [contact.as_str(), &kind, payload, &when];
        self.push(
            News {
                what,
                ..who.clone()
            },
            &parts,
        );
        Ok(())
    }

    fn delivered(&mut self, who: &News, data: Data<'_>) -> Result<(), &'static str> {
        // The device's time where the platform gives it. Not corrected by the time of sending, which
        // differs from copy to copy.
        let at = data.delivered_timestamp.as_deref().and_then(time);
        let at = at.unwrap_or(self.at);
        for message in data.messages {
            let message = message.id.ok_or("a message has no id")?.into_string();
            let parts = [message.clone()];
            let news = News {
                at,
                what: Happening::Delivered { message },
                ..who.clone()
            };
            self.push(news, &[&parts[0]]);
        }
        Ok(())
    }

    fn read_until(&mut self, who: &News, until: Option<&str>) -> Result<(), &'static str> {
        let at = until
            .and_then(time)
            .ok_or("it has no last_read_timestamp")?;
        let contact = who.contact_id.clone().ok_or("it names no contact")?;
        let news = News {
            at,
            what: Happening::Read,
            ..who.clone()
        };
        self.push(news, &[&contact, &at.as_millisecond().to_string()]);
        Ok(())
    }

    fn failed(&mut self, who: &News, data: Data<'_>) -> Result<(), &'static str> {
        let message = data.message.and_then(|message| message.id);
        let message = message.ok_or("it names no message")?.into_string();
        let (code, text) = data
            .error
            .map_or((None, None), |error| (error.code, error.message));
        let code = code.and_then(|code| match code {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_i64(),
        });
        let text = match (code, text) {
            (Some(code), Some(text)) => format!("{text} (code {code})"),
            (Some(code), None) => format!("code {code}"),
            (None, Some(text)) => text,
            (None, None) => "no reason was given".to_owned(),
        };
        let parts = [message.clone()];
        let what = Happening::Failed {
            message,
            no_account: code == Some(NO_ACCOUNT),
            text,
        };
        self.push(
            News {
                what,
                ..who.clone()
            },
            &[&parts[0]],
        );
        Ok(())
    }

    fn echo(&mut self, who: &News, data: Data<'_>) -> Result<(), &'static str> {
        let message = data.id.ok_or("it has no id")?.into_string();
        let parts = [message.clone()];
        let what = Happening::Echoed {
            message,
            ours: data.metadata.as_ref().and_then(our_key),
        };
        self.push(
            News {
                what,
                ..who.clone()
            },
            &[&parts[0]],
        );
        Ok(())
    }

    fn said(
        &mut self,
        who: &News,
        data: Data<'_>,
        words: &OptOutWords,
    ) -> Result<(), &'static str> {
        let texts = [
            data.content
                .as_ref()
                .and_then(|content| content.get("payload")),
            data.content
                .as_ref()
                .and_then(|content| content.pointer("/quick_reply/payload")),
            data.postback
                .as_ref()
                .and_then(|postback| postback.get("payload")),
        ];
        let opts_out = texts
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .any(|text| words.matches(text));
        let what = if opts_out {
            person(who).ok_or("it names no contact")?;
            Happening::OptedOut
        } else {
            Happening::Nothing
        };
        let news = News {
            what,
            ..who.clone()
        };
        match data.id.map(AnyId::into_string) {
            Some(message) => self.push(news, &[&message]),
            // A postback has no id.
            None => {
                let when = self.when.clone();
                self.push(news, &[self.raw, &when]);
            }
        }
        Ok(())
    }
}

/// Channel and contact; `None` without a channel.
fn who(data: &Data<'_>, at: Timestamp) -> Option<News> {
    let channel = data.channel.as_ref()?;
    let text = |id: &Option<AnyId<'_>>| id.as_ref().map(AnyId::to_text);
    let contact = data.contact.as_ref();
    Some(News {
        channel: text(&channel.id)?,
        channel_type: channel.kind.clone(),
        contact_id: contact.and_then(|contact| text(&contact.id)),
        phone: contact
            .and_then(|contact| text(&contact.phone_number))
            .and_then(|digits| digits.strip_prefix('+').unwrap_or(&digits).parse().ok())
            .and_then(PhoneNumber::from_e164),
        at,
        what: Happening::Nothing,
    })
}

/// The contact's id, or else the number.
fn person(who: &News) -> Option<String> {
    let number = || who.phone.map(PhoneNumber::e164);
    who.contact_id.clone().or_else(number)
}

/// The recipient that our own metadata names.
fn our_key(metadata: &Value) -> Option<OurKey> {
    let seq = match metadata.get(RECIPIENT_KEY)? {
        Value::String(text) => text.parse().ok()?,
        other => u32::try_from(other.as_u64()?).ok()?,
    };
    Some(OurKey {
        batch: metadata.get(BATCH_KEY)?.as_str()?.to_owned(),
        seq,
    })
}

fn key(kind: &str, channel: &str, parts: &[&str]) -> EventKey {
    let mut digest = Sha256::new();
    for part in [kind, channel].iter().chain(parts) {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    let mut key = EventKey::default();
    let digest: [u8; 32] = digest.finalize().into();
    key.copy_from_slice(&digest[..16]);
    key
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(event: &str, timestamp: &str, data: &Value) -> Notification {
        let body = json!({ "event": event, "timestamp": timestamp, "data": data }).to_string();
        let received = "2026-05-02T09:00:00Z".parse().unwrap();
        Notification::parse(body.as_bytes(), &OptOutWords::default(), received).unwrap()
    }

    fn data(fields: &Value) -> Value {
        let mut data = json!({
            "channel": { "id": "7001", "type": "mobile" },
            "contact": { "id": "7002", "phone_number": "15550100199" },
        });
        for (key, value) in fields.as_object().unwrap() {
            data[key] = value.clone();
        }
        data
    }

    const SENT: &str = "2026-05-02T08:16:01.000Z";

    #[test]
    fn a_delivery_of_several_messages_is_one_piece_of_news_for_each() {
        let fields = json!({
            "messages": [{ "id": "7003" }, { "id": 7004 }, { "id": "7003" }],
            "delivered_timestamp": "2026-05-02T08:16:00.000Z",
        });
        let event = parse("messages_delivered", SENT, &data(&fields));
        assert_eq!((event.pieces.len(), &event.oddity), (2, &None));
        let news = &event.pieces[1].news;
        assert_eq!(news.message(), Some("7004"));
        assert_eq!(news.at, "2026-05-02T08:16:00Z".parse().unwrap());
        assert_eq!(news.phone.unwrap().get(), 15_550_100_199);
        assert_eq!(news.contact_id.as_deref(), Some("7002"));
    }

    #[test]
    fn the_time_of_sending_does_not_tell_events_apart_and_what_they_say_does() {
        let read = |sent: &str, until: &str| {
            let data = data(&json!({ "last_read_timestamp": until }));
            parse("messages_read", sent, &data).pieces[0].key
        };
        let (first, later) = ("2026-05-02T08:00:00Z", "2026-05-02T08:10:00Z");
        assert_eq!(read(SENT, first), read("2026-05-02T08:21:01.000Z", first));
        assert_ne!(read(SENT, first), read(SENT, later));
        let unknown = |sent: &str, weather: &str| {
            parse("channel_weather", sent, &json!({ "weather": weather })).pieces[0].key
        };
        assert_eq!(unknown(SENT, "fine"), unknown(first, "fine"));
        assert_ne!(unknown(SENT, "fine"), unknown(SENT, "rain"));
    }

    #[test]
    fn our_metadata_in_an_echo_name_the_recipient() {
        let echo = |metadata: Value| {
            let event = parse(
                "message_echo",
                SENT,
                &data(&json!({ "id": "7", "metadata": metadata })),
            );
            match event.pieces[0].news.what.clone() {
                Happening::Echoed { message, ours } => (message, ours),
                other => panic!("{other:?}"),
            }
        };
        let key = OurKey {
            batch: "spring".into(),
            seq: 17,
        };
        for seq in [json!("17"), json!(17)] {
            let metadata = json!({ BATCH_KEY: "spring", RECIPIENT_KEY: seq });
            assert_eq!(echo(metadata), ("7".into(), Some(key.clone())));
        }
        for foreign in [
            json!(null),
            json!({}),
            json!("x"),
            json!({ RECIPIENT_KEY: "1" }),
        ] {
            assert_eq!(echo(foreign).1, None);
        }
    }

    #[test]
    fn whoever_says_stop_opts_out_by_text_button_or_quick_reply() {
        let what = |kind: &str, fields: Value| {
            parse(kind, SENT, &data(&fields)).pieces[0]
                .news
                .what
                .clone()
        };
        let text =
            |text: &str| json!({ "id": "1", "content": { "type": "text", "payload": text } });
        assert_eq!(what("message_received", text("Stop!")), Happening::OptedOut);
        assert_eq!(
            what("message_received", text("Don't stop")),
            Happening::Nothing
        );
        let reply = json!({ "id": "1", "content": { "type": "text", "payload": "No, thanks", "quick_reply": { "payload": "UNSUBSCRIBE" } } });
        assert_eq!(what("message_received", reply), Happening::OptedOut);
        let image = json!({ "id": "1", "content": { "type": "image", "payload": { "url": "https://example.org/stop" } } });
        assert_eq!(what("message_received", image), Happening::Nothing);
        assert_eq!(
            what("postback", json!({ "postback": { "payload": "STOP" } })),
            Happening::OptedOut
        );
    }

    #[test]
    fn what_is_not_as_documented_is_kept_and_changes_nothing() {
        for (kind, fields) in [
            ("messages_delivered", json!({ "messages": "none" })),
            ("messages_delivered", json!({ "messages": [{}] })),
            ("messages_read", json!({})),
            (
                "messages_read",
                json!({ "last_read_timestamp": "yesterday" }),
            ),
            ("message_failed", json!({})),
            ("message_echo", json!({})),
            ("opt_in", json!({ "channel": null })),
        ] {
            let event = parse(kind, SENT, &data(&fields));
            assert!(event.oddity.is_some(), "{kind} {fields}");
            assert_eq!(event.pieces.len(), 1);
            assert_eq!(event.pieces[0].news.what, Happening::Nothing);
        }
        let unknown = parse("channel_weather", SENT, &json!([1, 2]));
        assert_eq!(unknown.pieces[0].news.what, Happening::Nothing);
    }

    #[test]
    fn what_is_no_event_is_refused_without_a_word_of_its_content() {
        for body in [
            "",
            "{",
            "[]",
            "null",
            "\u{feff}{}",
            r#"{"event":"x"}"#,
            r#"{"event":1,"data":{}}"#,
        ] {
            let received = Timestamp::UNIX_EPOCH;
            assert!(
                Notification::parse(body.as_bytes(), &OptOutWords::default(), received).is_err()
            );
        }
        let secret = Notification::parse(
            b"{\"event\": +420777123456",
            &OptOutWords::default(),
            Timestamp::UNIX_EPOCH,
        );
        assert!(!secret.unwrap_err().to_string().contains("420"));
    }

    #[test]
    fn failures_tell_whether_the_number_has_an_account() {
        let failed = |code: Value| {
            let fields = json!({ "message": { "id": "7003" }, "error": { "code": code, "message": "No user" } });
            match parse("message_failed", SENT, &data(&fields)).pieces[0]
                .news
                .what
                .clone()
            {
                Happening::Failed {
                    no_account, text, ..
                } => (no_account, text),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(failed(json!(3)), (true, "No user (code 3)".into()));
        assert_eq!(failed(json!("3")), (true, "No user (code 3)".into()));
        assert_eq!(failed(json!(1)), (false, "No user (code 1)".into()));
        assert_eq!(failed(json!(null)), (false, "No user".into()));
    }
}
