//! The documented shapes of a message's content.
//!
//! Only what the API's documentation says is checked: the type, and the kind of payload that goes
//! with it. Keys that it does not mention pass through, and so do lengths: no limit is invented.

use serde_json::{Map, Value};

use super::names::nearest;
use super::problem::ContentError;

/// The content types that can be sent.
const TYPES: [&str; 7] = [
    "text",
    "image",
    "audio",
    "video",
    "file",
    "structure",
    "receipt",
];

/// Refuses a content object that the API could not understand, before any row is read.
pub(super) fn check(content: &Value) -> Result<(), ContentError> {
    let Value::Object(content) = content else {
        return Err(shape(
            "must be a JSON object such as {\"type\": \"text\", \"payload\": \"Hello\"}",
        ));
    };
    let kind = match content.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(_) => return Err(shape("`type` must be a string")),
        None => {
            return Err(shape(
                "has no `type` (text, image, audio, video, file, structure or receipt)",
            ));
        }
    };
    check_payload(kind, content)?;
    match content.get("quick_replies") {
        None | Some(Value::Array(_)) => Ok(()),
        Some(_) => Err(shape("`quick_replies` must be an array")),
    }
}

fn check_payload(kind: &str, content: &Map<String, Value>) -> Result<(), ContentError> {
    // Named apart, because the API's documentation describes it among the content types.
    if kind == "location" {
        return Err(shape("`location` can be received but not sent"));
    }
    if !TYPES.contains(&kind) {
        let hint = match nearest(kind, TYPES.into_iter()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => format!("; there are: {}", TYPES.join(", ")),
        };
        return Err(shape(format!("has the unknown type `{kind}`{hint}")));
    }
    let payload = content
        .get("payload")
        .ok_or_else(|| shape("has no `payload`"))?;
    match (kind, payload) {
        ("text", Value::String(_)) | ("structure" | "receipt", Value::Object(_)) => Ok(()),
        ("text", _) => Err(shape("of type `text` needs a string as `payload`")),
        ("structure", Value::Array(cards)) if !cards.is_empty() => {
            if cards.iter().all(Value::is_object) {
                Ok(())
            } else {
                Err(shape(
                    "of type `structure`: each card in `payload` must be an object",
                ))
            }
        }
        ("structure", _) => Err(shape(
            "of type `structure` needs one card or an array of cards as `payload`",
        )),
        ("receipt", _) => Err(shape("of type `receipt` needs an object as `payload`")),
        // What is left are the types that are a link to a file.
        (_, Value::Object(payload)) if matches!(payload.get("url"), Some(Value::String(_))) => {
            Ok(())
        }
        (_, _) => Err(shape(format!(
            "of type `{kind}` needs {{\"url\": \"https://...\"}} as `payload`"
        ))),
    }
}

fn shape(problem: impl Into<String>) -> ContentError {
    ContentError::Shape(problem.into())
}
