//! The messages of one row for the other channels of its batch.
//!
//! They are rendered together with the row's own message, and frozen with it: in the checkpoint they stand beside
//! the metadata, under a key that is never sent.

use serde_json::{Map, Value};

use super::source::{FACEBOOK_KEYS, OTHERS_KEY};
use super::template::Rendered;
use crate::domain::fallback::Step;

/// The message of a row for another channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OtherMessage {
    /// The row's own message.
    Same,
    /// One for that channel.
    Own(Rendered),
    /// It cannot be rendered: why. The row is not tried on that channel.
    Missing(String),
}

/// The metadata of a row's own message, with the messages for the other channels beside it.
pub(crate) fn join_others(metadata: &str, others: &[OtherMessage]) -> String {
    if others.iter().all(|other| *other == OtherMessage::Same) {
        return metadata.to_owned();
    }
    let text = |text: &str| Value::from(text).to_string();
    let others = others.iter().map(|other| match other {
        OtherMessage::Same => "null".to_owned(),
        OtherMessage::Own(Rendered { content, metadata }) => {
            format!(r#"{{"content":{content},"metadata":{metadata}}}"#)
        }
        OtherMessage::Missing(why) => format!(r#"{{"missing":{}}}"#, text(why)),
    });
    let others: Vec<String> = others.collect();
    let own = format!(r#"{{"{OTHERS_KEY}":[{}]"#, others.join(","));
    match metadata.strip_prefix('{').map(str::trim_start) {
        None | Some("}") => own + "}",
        Some(rest) => own + "," + rest,
    }
}

/// The message of a row for the channel of a step; the error says why there is none.
///
/// # Errors
/// Where the message for that channel could not be rendered, or what is stored is no JSON.
pub(crate) fn for_step(content: &str, metadata: &str, step: Step) -> Result<Rendered, String> {
    let is_plain = step == Step::FIRST && !metadata.contains(OTHERS_KEY);
    if is_plain {
        return Ok(Rendered {
            content: content.to_owned(),
            metadata: metadata.to_owned(),
        });
    }
    let mut own: Map<String, Value> =
        serde_json::from_str(metadata).map_err(|_| "the stored metadata is no JSON".to_owned())?;
    let others = own.remove(OTHERS_KEY);
    if let Some(index) = step.index().checked_sub(1) {
        let other = others.as_ref().and_then(|others| others.get(index));
        if let Some(Value::Object(other)) = other {
            return own_message(other);
        }
        own.retain(|key, _| !FACEBOOK_KEYS.contains(&key.as_str()));
    }
    Ok(Rendered {
        content: content.to_owned(),
        metadata: Value::Object(own).to_string(),
    })
}

fn own_message(other: &Map<String, Value>) -> Result<Rendered, String> {
    if let Some(why) = other.get("missing") {
        return Err(why.as_str().unwrap_or_default().to_owned());
    }
    match (other.get("content"), other.get("metadata")) {
        (Some(content), Some(metadata)) => Ok(Rendered {
            content: content.to_string(),
            metadata: metadata.to_string(),
        }),
        (None, _) | (_, None) => Err("the stored message is not whole".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &str = r#"{"type":"text","payload":"Hi"}"#;

    fn rendered(content: &str, metadata: &str) -> Rendered {
        Rendered {
            content: content.to_owned(),
            metadata: metadata.to_owned(),
        }
    }

    #[test]
    fn a_row_keeps_its_messages_for_all_channels_and_sends_none_of_them_as_metadata() {
        let sms = rendered(r#"{"payload":"Short","type":"text"}"#, "{}");
        let others = [
            OtherMessage::Own(sms.clone()),
            OtherMessage::Missing("no \"city\"".to_owned()),
            OtherMessage::Same,
        ];
        for metadata in [
            "{}",
            r#"{"campaign":"spring","tag":"HUMAN_AGENT"}"#,
            r#"{ "a": 1 }"#,
        ] {
            let stored = join_others(metadata, &others);
            let at = |step| for_step(CONTENT, &stored, Step::new(step));
            let first = at(0).unwrap();
            let sent: Value = serde_json::from_str(&first.metadata).unwrap();
            assert_eq!(sent, serde_json::from_str::<Value>(metadata).unwrap());
            assert_eq!(at(1), Ok(sms.clone()));
            assert_eq!(at(2), Err("no \"city\"".to_owned()));
            let same = at(3).unwrap();
            assert_eq!(same.content, CONTENT);
            assert!(!same.metadata.contains("HUMAN_AGENT"), "{}", same.metadata);
            assert_eq!(
                same.metadata.contains("spring"),
                metadata.contains("spring")
            );
        }
    }

    #[test]
    fn without_messages_of_their_own_nothing_is_added() {
        let metadata = r#"{"tag":"HUMAN_AGENT"}"#;
        assert_eq!(join_others(metadata, &[OtherMessage::Same]), metadata);
        let first = for_step(CONTENT, metadata, Step::FIRST);
        assert_eq!(first, Ok(rendered(CONTENT, metadata)));
        let other = for_step(CONTENT, metadata, Step::new(1));
        assert_eq!(other, Ok(rendered(CONTENT, "{}")));
    }
}
