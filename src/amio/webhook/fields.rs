//! The fields of an event's JSON, read one by one.

use std::collections::BTreeMap;
use std::fmt::{self, Formatter};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::wire::AnyId;

/// The fields of an object, each as it was sent.
#[derive(Default)]
pub(super) struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// `None` if this is no object.
    pub(super) fn of(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok().map(Self)
    }

    pub(super) fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|raw| raw.get())
    }

    pub(super) fn object(&self, name: &str) -> Option<Fields<'a>> {
        Fields::of(self.raw(name)?)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        text(self.raw(name)?)
    }

    pub(super) fn id(&self, name: &str) -> Option<String> {
        let id: AnyId<'_> = serde_json::from_str(self.raw(name)?).ok()?;
        Some(id.into_string()).filter(|id| !id.is_empty())
    }

    /// The id of an object, which may stand for the whole of it.
    pub(super) fn id_of(&self, name: &str) -> Option<String> {
        match self.object(name) {
            Some(object) => object.id("id"),
            None => self.id(name),
        }
    }

    pub(super) fn time(&self, name: &str) -> Option<Timestamp> {
        time(&self.text(name)?)
    }

    pub(super) fn value(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.raw(name)?).ok()
    }
}

/// A text in which half characters are replaced.
struct Lossy(String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Lossy;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Lossy, E> {
                Ok(Lossy(String::from_utf8_lossy(bytes).into_owned()))
            }
        }

        // As bytes, serde_json lets half characters pass.
        deserializer.deserialize_bytes(Text)
    }
}

/// The channel that a body claims to come from. Unproven: good for choosing a secret, for nothing else.
pub(crate) fn channel_of(body: &[u8]) -> Option<String> {
    let body = Fields::of(std::str::from_utf8(body).ok()?)?;
    body.object("data")?.id_of("channel")
}

/// A text, also one that was cut within a character: JavaScript cuts an emoji in two, and JSON has half of it as
/// `\ud83d`.
pub(super) fn text(json: &str) -> Option<String> {
    let Lossy(text) = serde_json::from_str(json).ok()?;
    Some(text)
}

pub(super) fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}
