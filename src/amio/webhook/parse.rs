//! The JSON of an event.
//!
//! Each kind of event reads the fields that it needs, one by one. A field that is not needed, or that has
//! another shape than documented, never keeps the others from being read.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::{Fields, text, time};
use crate::domain::content::{BATCH_KEY, RECIPIENT_KEY};
use crate::domain::event::{ContactEvent, EventKind, OptOutWords, OptRequest, OurKey};
use crate::domain::phone::PhoneNumber;
use crate::domain::refusal::{self, Meaning, TextMeaning};
use crate::domain::text::digest_of;

/// The clock that dated when a message was delivered or read may be so far ahead of ours.
const GRACE: SignedDuration = SignedDuration::from_mins(5);

/// What a person said is looked for so deep.
const DEEPEST: u8 = 5;

/// What distinguishes two events: 128 bits of a SHA-256 over what stays the same when an event is
/// sent again. The time of sending does not, and is left out where the event has an id; an event
/// without one is distinguished by it.
pub(crate) type EventKey = [u8; 16];

/// One event as it was received, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The literal of the API, such as `messages_delivered`.
    pub kind: String,
    /// When the API sent it, if it says so.
    pub sent_at: Option<Timestamp>,
    /// The events in it: one for each message that it names.
    pub(crate) pieces: Vec<Piece>,
    /// What could not be read, if a field that is needed is not as documented: the event is kept, and what
    /// could not be read changes nothing.
    pub oddity: Option<String>,
}

/// One event with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// What distinguishes it from others.
    pub(crate) key: EventKey,
    /// What it says.
    pub(crate) event: ContactEvent,
}

/// A body that is no event at all.
#[derive(Debug, thiserror::Error)]
pub enum EventProblem {
    /// Not JSON, or without the envelope. The text names the place, never the content.
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
pub(super) struct Envelope<'a> {
    pub(super) event: String,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) data: &'a RawValue,
}

impl Notification {
    /// Takes an event apart.
    ///
    /// An event of an unknown kind has events that change nothing, and so has one whose needed fields are not
    /// as documented.
    ///
    /// # Errors
    /// [`EventProblem`] if the body is no event: no JSON, or without `event` and `data`.
    pub fn parse(
        body: &[u8],
        words: &OptOutWords,
        received_at: Timestamp,
    ) -> Result<Self, EventProblem> {
        let envelope: Envelope<'_> = serde_json::from_slice(body)?;
        let sent: Option<String> = envelope
            .timestamp
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        let sent_at = sent.as_deref().and_then(time);
        let data = Fields::of(envelope.data.get());
        let mut reading = Reading {
            kind: &envelope.event,
            raw: envelope.data.get(),
            at: sent_at.unwrap_or(received_at).min(received_at),
            received_at,
            // Without a time, no two events are the same.
            when: sent.unwrap_or_else(|| received_at.to_string()),
            pieces: Vec::new(),
        };
        let oddity = reading.read(data.as_ref(), words).err();
        if reading.pieces.is_empty() {
            reading.nothing(data.as_ref());
        }
        let pieces = reading.pieces;
        Ok(Self {
            kind: envelope.event,
            sent_at,
            pieces,
            oddity: oddity.map(str::to_owned),
        })
    }
}

/// An event while it is read.
struct Reading<'a> {
    kind: &'a str,
    raw: &'a str,
    at: Timestamp,
    received_at: Timestamp,
    /// The time of sending, as it stands there: it distinguishes events without an id.
    when: String,
    pieces: Vec<Piece>,
}

impl Reading<'_> {
    fn read(&mut self, data: Option<&Fields<'_>>, words: &OptOutWords) -> Result<(), &'static str> {
        if self.kind == "notification" {
            return Ok(());
        }
        let data = data.ok_or("its data are no object")?;
        let who = who(data, self.at);
        if is_said(self.kind) {
            return self.said(&who, data, words);
        }
        if !is_known(self.kind) {
            return Err(unknown(data, words));
        }
        if who.channel.is_empty() {
            return Err("it names no channel");
        }
        match self.kind {
            "opt_in" => self.opt_in(&who, data),
            "messages_delivered" => self.delivered(&who, data),
            "messages_read" => self.read_until(&who, data),
            "message_failed" => self.failed(&who, data),
            // `message_echo`.
            _ => self.echo(&who, data),
        }
    }

    /// A time that lies further ahead than clocks differ is that of the receipt: what is sent from now on was not
    /// delivered or read before it was sent.
    fn bounded(&self, at: Timestamp) -> Timestamp {
        let latest = self.received_at.checked_add(GRACE);
        if latest.is_ok_and(|latest| at > latest) {
            self.received_at
        } else {
            at
        }
    }

    fn push(&mut self, event: ContactEvent, parts: &[&str]) {
        let key = key(self.kind, &event.channel, parts);
        if self.pieces.iter().all(|piece| piece.key != key) {
            self.pieces.push(Piece { key, event });
        }
    }

    /// An event that changes nothing: distinguished by its whole text.
    fn nothing(&mut self, data: Option<&Fields<'_>>) {
        let event = who(data.unwrap_or(&Fields::default()), self.at);
        self.push(event, &[self.raw]);
    }

    fn opt_in(&mut self, who: &ContactEvent, data: &Fields<'_>) -> Result<(), &'static str> {
        let opt_in = data.object("opt_in").ok_or("it has no opt_in")?;
        let kind = opt_in.text("type").ok_or("its opt_in has no type")?;
        let contact = person(who).ok_or("it names no contact")?;
        let what = if kind == "phone_number" {
            EventKind::OptedIn
        } else {
            EventKind::Nothing
        };
        let event = about(who, what);
        let payload = opt_in.raw("payload").unwrap_or("");
        let when = self.when.clone();
        self.push(event, &[&contact, &kind, payload, &when]);
        Ok(())
    }

    fn delivered(&mut self, who: &ContactEvent, data: &Fields<'_>) -> Result<(), &'static str> {
        // The device's time where the platform gives it. Not corrected by the time of sending, which
        // differs from copy to copy.
        let at = data.time("delivered_timestamp").unwrap_or(self.at);
        let at = self.bounded(at);
        let messages = data.raw("messages").ok_or("it names no messages")?;
        let messages: Vec<&RawValue> =
            serde_json::from_str(messages).map_err(|_| "its messages are no list")?;
        let mut unread = false;
        for message in messages {
            let Some(message) = Fields::of(message.get()).and_then(|message| message.id("id"))
            else {
                unread = true;
                continue;
            };
            let parts = [message.clone()];
            let event = ContactEvent {
                at,
                what: EventKind::Delivered { message },
                ..who.clone()
            };
            self.push(event, &[&parts[0]]);
        }
        if unread {
            return Err("a message has no id");
        }
        Ok(())
    }

    fn read_until(&mut self, who: &ContactEvent, data: &Fields<'_>) -> Result<(), &'static str> {
        let at = data
            .time("last_read_timestamp")
            .ok_or("it has no last_read_timestamp")?;
        let contact = who.contact_id.clone().ok_or("it names no contact")?;
        let event = ContactEvent {
            at: self.bounded(at),
            what: EventKind::Read,
            ..who.clone()
        };
        self.push(event, &[&contact, &at.as_millisecond().to_string()]);
        Ok(())
    }

    fn failed(&mut self, who: &ContactEvent, data: &Fields<'_>) -> Result<(), &'static str> {
        let message = data.object("message").and_then(|message| message.id("id"));
        let message = message.ok_or("it names no message")?;
        let error = data.object("error").unwrap_or_default();
        let code = error.value("code").and_then(|code| match code {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_i64(),
        });
        let text = match (code, error.text("message")) {
            (Some(code), Some(text)) => format!("{text} (code {code})"),
            (Some(code), None) => format!("code {code}"),
            (None, Some(text)) => text,
            (None, None) => "no reason was given".to_owned(),
        };
        let parts = [message.clone()];
        let number = code.and_then(|code| u32::try_from(code).ok());
        let reading = refusal::read_failure(number, &error.text("message").unwrap_or_default());
        let text = match reading.map(|reading| (reading.means, reading.what)) {
            Some((TextMeaning::Known(Meaning::NoMessenger) | TextMeaning::Undecided, _)) | None => {
                text
            }
            Some((_, what)) => format!("{what}: {text}"),
        };
        let no_messenger = TextMeaning::Known(Meaning::NoMessenger);
        let what = EventKind::Failed {
            message,
            no_account: reading.is_some_and(|reading| reading.means == no_messenger),
            text,
        };
        self.push(about(who, what), &[&parts[0]]);
        Ok(())
    }

    fn echo(&mut self, who: &ContactEvent, data: &Fields<'_>) -> Result<(), &'static str> {
        let message = data.id("id").ok_or("it has no id")?;
        let parts = [message.clone()];
        let what = EventKind::Echoed {
            message,
            ours: data
                .object("metadata")
                .and_then(|metadata| our_key(&metadata)),
        };
        self.push(about(who, what), &[&parts[0]]);
        Ok(())
    }

    fn said(
        &mut self,
        who: &ContactEvent,
        data: &Fields<'_>,
        words: &OptOutWords,
    ) -> Result<(), &'static str> {
        let texts = texts(data).ok_or("what the person says cannot be read")?;
        let wishes: Vec<OptRequest> = texts.iter().map(|text| words.wish(text)).collect();
        let what = if wishes.contains(&OptRequest::OptOut) {
            person(who).ok_or("it names no contact")?;
            if who.phone.is_none() && who.channel.is_empty() {
                return Err("it names no channel");
            }
            EventKind::OptedOut
        } else {
            EventKind::Acted
        };
        let event = about(who, what);
        if let Some(message) = data.id("id") {
            self.push(event, &[&message]);
        } else {
            // A postback has no id.
            let when = self.when.clone();
            self.push(event, &[self.raw, &when]);
        }
        let opts_out = wishes.contains(&OptRequest::OptOut);
        if !opts_out && wishes.contains(&OptRequest::Doubtful) {
            return Err("the person may ask not to be messaged any more: read what they say");
        }
        Ok(())
    }
}

/// Whether events of this kind are what a person said: the two that are documented, and others by their name. (The pages
/// of the documentation are titled "Message Received" and "Postback Received".)
pub(super) fn is_said(kind: &str) -> bool {
    matches!(kind, "message_received" | "postback")
        || (kind.contains("postback")
            || kind.contains("quick_reply")
            || kind.ends_with("_received"))
            && !is_known(kind)
}

/// Whether the documentation has events of this kind.
pub(super) fn is_known(kind: &str) -> bool {
    matches!(
        kind,
        "opt_in"
            | "messages_delivered"
            | "messages_read"
            | "message_failed"
            | "message_echo"
            | "message_received"
            | "postback"
            | "notification"
    )
}

/// Why an event of a kind that is not documented is kept. Its text may be our own message, which may name the words by
/// which people opt out: nobody is left out by it, and a person reads it.
fn unknown(data: &Fields<'_>, words: &OptOutWords) -> &'static str {
    let mut texts = texts(data).unwrap_or_default();
    for name in ["payload", "text", "title", "message", "button"] {
        if let Some(said) = data.raw(name) {
            add_texts(said, DEEPEST, &mut texts);
        }
    }
    let wishes = texts.iter().map(|text| words.wish(text));
    if wishes.max() > Some(OptRequest::None) {
        "an event of a kind that is not documented, and perhaps an opt-out: read what it says"
    } else {
        "an event of a kind that is not documented"
    }
}

fn about(who: &ContactEvent, what: EventKind) -> ContactEvent {
    ContactEvent {
        what,
        ..who.clone()
    }
}

/// Where a person's words may stand: the message itself, the quick reply or the button they chose, or what is written
/// beside a picture. `None` if none of the first three can be read.
pub(super) fn texts(data: &Fields<'_>) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    let mut is_read = false;
    for name in ["content", "quick_reply", "postback"] {
        let said = data.raw(name);
        is_read |= said.is_some_and(|said| add_texts(said, DEEPEST, &mut texts));
    }
    for name in ["text", "caption", "title"] {
        if let Some(said) = data.raw(name) {
            add_texts(said, DEEPEST, &mut texts);
        }
    }
    // An image may go without words, a text may not.
    let is_text = data
        .object("content")
        .is_some_and(|it| it.text("type").is_none_or(|kind| kind == "text"));
    (is_read && (!texts.is_empty() || !is_text)).then_some(texts)
}

/// Adds the texts of what a person said, whatever its shape is; false if it has none that could hold a text.
fn add_texts(said: &str, depth: u8, texts: &mut Vec<String>) -> bool {
    if let Some(text) = text(said) {
        texts.push(text);
        return true;
    }
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    if let Some(fields) = Fields::of(said) {
        let parts = ["payload", "text", "title", "caption", "quick_reply"];
        for part in parts.iter().filter_map(|name| fields.raw(name)) {
            add_texts(part, depth, texts);
        }
        return true;
    }
    let parts = serde_json::from_str::<Vec<&RawValue>>(said).unwrap_or_default();
    for part in &parts {
        add_texts(part.get(), depth, texts);
    }
    !parts.is_empty()
}

/// Channel and contact, as far as they are given; the channel is empty where it is not.
pub(super) fn who(data: &Fields<'_>, at: Timestamp) -> ContactEvent {
    let channel = data.object("channel").unwrap_or_default();
    let contact = data.object("contact").unwrap_or_default();
    ContactEvent {
        channel: data.id_of("channel").unwrap_or_default(),
        channel_type: channel.text("type"),
        contact_id: contact.id("id"),
        phone: contact
            .id("phone_number")
            .and_then(|number| PhoneNumber::from_api(&number)),
        at,
        what: EventKind::Nothing,
    }
}

/// The contact's id, or else the number.
fn person(who: &ContactEvent) -> Option<String> {
    let number = || who.phone.map(PhoneNumber::e164);
    who.contact_id.clone().or_else(number)
}

/// The recipient that our own metadata names: `CHECKPOINT.BATCH.PLACE`, or the place alone beside the batch's
/// name, as programs before checkpoint version 4 wrote it.
fn our_key(metadata: &Fields<'_>) -> Option<OurKey> {
    let place = metadata.id(RECIPIENT_KEY)?;
    if let Some((batch, seq)) = place.rsplit_once('.') {
        let (checkpoint, batch) = batch.split_once('.')?;
        return Some(OurKey {
            checkpoint: Some(checkpoint.to_owned()),
            batch: batch.to_owned(),
            seq: seq.parse().ok()?,
        });
    }
    Some(OurKey {
        checkpoint: None,
        batch: metadata.text(BATCH_KEY)?,
        seq: place.parse().ok()?,
    })
}

fn key(kind: &str, channel: &str, parts: &[&str]) -> EventKey {
    let digest = digest_of([kind, channel].into_iter().chain(parts.iter().copied()));
    let mut key = EventKey::default();
    key.copy_from_slice(&digest[..16]);
    key
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
    fn a_delivery_of_several_messages_is_one_event_for_each() {
        let fields = json!({
            "messages": [{ "id": "7003" }, { "id": 7004 }, { "id": "7003" }],
            "delivered_timestamp": "2026-05-02T08:16:00.000Z",
        });
        let event = parse("messages_delivered", SENT, &data(&fields));
        assert_eq!((event.pieces.len(), &event.oddity), (2, &None));
        let event = &event.pieces[1].event;
        assert_eq!(event.message(), Some("7004"));
        assert_eq!(event.at, "2026-05-02T08:16:00Z".parse().unwrap());
        assert_eq!(event.phone.unwrap().get(), 15_550_100_199);
        assert_eq!(event.contact_id.as_deref(), Some("7002"));
    }

    #[test]
    fn the_number_of_a_person_is_understood_as_people_write_numbers_too() {
        for (written, expected) in [
            ("15550100199", Some(15_550_100_199)),
            ("+420777123456", Some(420_777_123_456)),
            ("tel:+420777123456", Some(420_777_123_456)),
            ("TEL:420777123456", Some(420_777_123_456)),
            ("+420 777 123-456", Some(420_777_123_456)),
            ("420 777 123 456", Some(420_777_123_456)),
            ("(+420) 777.123.456", Some(420_777_123_456)),
            ("+44 (0)20 7946 0958", Some(442_079_460_958)),
            ("00420777123456", Some(420_777_123_456)),
            ("00 420 777 123 456", Some(420_777_123_456)),
            // In use by nobody, as far as is known.
            ("1-555-010-0199", Some(15_550_100_199)),
            ("tel:+420777123456;ext=12", Some(420_777_123_456)),
            // A form that its numbering plan gave up.
            ("+52 1 55 1234 5678", Some(525_512_345_678)),
            ("+420777123456789012345", None),
            ("none", None),
            ("", None),
        ] {
            let contact = json!({ "id": "7002", "phone_number": written });
            let contact = json!({ "contact": contact, "last_read_timestamp": SENT });
            let event = parse("messages_read", SENT, &data(&contact));
            let phone = event.pieces[0].event.phone;
            assert_eq!(phone.map(PhoneNumber::get), expected, "{written}");
        }
    }

    #[test]
    fn the_time_of_sending_distinguishes_no_events_and_what_they_say_does() {
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
            match event.pieces[0].event.what.clone() {
                EventKind::Echoed { message, ours } => (message, ours),
                other => panic!("{other:?}"),
            }
        };
        let key = OurKey {
            checkpoint: None,
            batch: "spring".into(),
            seq: 17,
        };
        for seq in [json!("17"), json!(17)] {
            let metadata = json!({ BATCH_KEY: "spring", RECIPIENT_KEY: seq });
            assert_eq!(echo(metadata), ("7".into(), Some(key.clone())));
        }
        let metadata = json!({ BATCH_KEY: "spring", RECIPIENT_KEY: "c0ffee.beef.17" });
        let key = OurKey {
            checkpoint: Some("c0ffee".into()),
            batch: "beef".into(),
            seq: 17,
        };
        assert_eq!(echo(metadata), ("7".into(), Some(key)));
        for foreign in [
            json!(null),
            json!({}),
            json!("x"),
            json!({ RECIPIENT_KEY: "beef.17" }),
            json!({ RECIPIENT_KEY: "1" }),
        ] {
            assert_eq!(echo(foreign).1, None);
        }
    }

    #[test]
    fn whoever_says_stop_opts_out_by_text_button_or_quick_reply() {
        let what = |kind: &str, fields: Value| {
            parse(kind, SENT, &data(&fields)).pieces[0]
                .event
                .what
                .clone()
        };
        let text =
            |text: &str| json!({ "id": "1", "content": { "type": "text", "payload": text } });
        assert_eq!(what("message_received", text("Stop!")), EventKind::OptedOut);
        assert_eq!(
            what("message_received", text("Don't stop")),
            EventKind::Acted
        );
        assert_eq!(
            what("message_received", text("Thank you")),
            EventKind::Acted
        );
        let reply = json!({ "id": "1", "content": { "type": "text", "payload": "No, thanks", "quick_reply": { "payload": "UNSUBSCRIBE" } } });
        assert_eq!(what("message_received", reply), EventKind::OptedOut);
        let image = json!({ "id": "1", "content": { "type": "image", "payload": { "url": "https://example.org/stop" } } });
        assert_eq!(what("message_received", image.clone()), EventKind::Acted);
        let captioned = json!({ "id": "1", "content": { "type": "image", "payload": "https://example.org/1", "caption": "Stop" } });
        assert_eq!(what("message_received", captioned), EventKind::OptedOut);
        for beside in ["text", "caption", "title"] {
            let mut file = image.clone();
            file["content"]["type"] = json!("file");
            file[beside] = json!("STOP");
            assert_eq!(
                what("message_received", file),
                EventKind::OptedOut,
                "{beside}"
            );
        }
        assert_eq!(
            what("postback", json!({ "postback": { "payload": "STOP" } })),
            EventKind::OptedOut
        );
    }

    #[test]
    fn a_stop_is_found_in_any_shape_of_what_was_said() {
        let fields = |name: &str, value: Value| {
            let mut data = data(&json!({ "id": "1" }));
            data["content"] = json!({ "type": "text", "payload": "STOP" });
            data[name] = value;
            data
        };
        for data in [
            fields("content", json!("STOP")),
            fields("content", json!(["STOP"])),
            fields("content", json!([{ "type": "text", "payload": "STOP" }])),
            fields("content", json!({ "type": "text", "text": "STOP" })),
            fields(
                "content",
                json!({ "type": "text", "payload": { "text": "STOP" } }),
            ),
            fields("content", json!({ "type": "text", "payload": ["STOP"] })),
            fields(
                "content",
                json!({ "payload": [{ "title": "STOP", "payload": 7 }] }),
            ),
            fields("channel", json!("7001")),
            fields("channel", json!(7001)),
        ] {
            let event = parse("message_received", SENT, &data);
            let [piece] = event.pieces.as_slice() else {
                panic!("{data}: {event:?}");
            };
            assert_eq!(piece.event.what, EventKind::OptedOut, "{data}");
            assert_eq!(piece.event.channel, "7001", "{data}");
            assert_eq!(piece.event.contact_id.as_deref(), Some("7002"), "{data}");
        }
        let chosen = data(&json!({ "id": "1", "quick_reply": { "payload": "STOP" } }));
        let event = parse("message_received", SENT, &chosen);
        assert_eq!(event.pieces[0].event.what, EventKind::OptedOut);
        for unread in [json!({ "type": "text" }), json!(7), json!(null), json!([])] {
            let event = parse("message_received", SENT, &fields("content", unread));
            assert!(event.oddity.is_some(), "{event:?}");
        }
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
            (
                "message_received",
                json!({ "id": "1", "content": { "type": "text", "payload": 5 } }),
            ),
            ("message_received", json!({ "id": "1", "content": {} })),
            ("opt_in", json!({ "channel": null })),
        ] {
            let event = parse(kind, SENT, &data(&fields));
            assert!(event.oddity.is_some(), "{kind} {fields}");
            assert_eq!(event.pieces.len(), 1);
            assert_eq!(event.pieces[0].event.what, EventKind::Nothing);
        }
        let unknown = parse("channel_weather", SENT, &json!([1, 2]));
        assert_eq!(unknown.pieces[0].event.what, EventKind::Nothing);
    }

    #[test]
    fn what_is_dated_in_the_future_happened_when_it_was_received() {
        let ahead = json!({ "last_read_timestamp": "2036-05-04T09:00:00Z",
                            "delivered_timestamp": "2036-05-04T09:00:00Z",
                            "messages": [{ "id": "7003" }] });
        let received: Timestamp = "2026-05-02T09:00:00Z".parse().unwrap();
        for kind in ["messages_read", "messages_delivered", "opt_in"] {
            let event = parse(kind, "2036-05-04T09:00:00Z", &data(&ahead));
            assert_eq!(event.pieces[0].event.at, received, "{kind}");
        }
        let a_little = json!({ "last_read_timestamp": "2026-05-02T09:04:00Z" });
        let event = parse("messages_read", SENT, &data(&a_little));
        let told: Timestamp = "2026-05-02T09:04:00Z".parse().unwrap();
        assert_eq!(event.pieces[0].event.at, told, "clocks differ");
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
    fn failures_say_whether_the_number_has_an_account() {
        let failed = |code: Value| {
            let fields = json!({ "message": { "id": "7003" }, "error": { "code": code, "message": "No user" } });
            match parse("message_failed", SENT, &data(&fields)).pieces[0]
                .event
                .what
                .clone()
            {
                EventKind::Failed {
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
