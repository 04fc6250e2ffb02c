//! What the user gave: the message, its tag and its metadata, not yet checked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Keys of a message's metadata that are ours: they name batch and row, and no user may set them.
pub(crate) const OWN_METADATA_KEYS: [&str; 5] =
    [BATCH_KEY, ROW_KEY, RECIPIENT_KEY, TEST_KEY, OTHERS_KEY];

/// Metadata: the batch's name.
pub(crate) const BATCH_KEY: &str = "outreach_batch";
/// Metadata: the row in the contacts file, as a spreadsheet numbers it.
pub(crate) const ROW_KEY: &str = "outreach_row";
/// Metadata: the recipient's place in the batch, which finds it again.
pub(crate) const RECIPIENT_KEY: &str = "outreach_recipient";

/// Metadata: the message is a test, outside any batch.
pub(crate) const TEST_KEY: &str = "outreach_test";

/// Not sent: the messages of a row for other channels stand beside its metadata in the checkpoint.
pub(crate) const OTHERS_KEY: &str = "outreach_other_channels";

/// Metadata: what Facebook reads; it says nothing on another channel.
pub(crate) const FACEBOOK_KEYS: [&str; 3] = ["tag", "type", "platform_metadata"];

/// The most characters that `platform_metadata` may have, by the API's documentation.
pub(crate) const PLATFORM_METADATA_MAX: usize = 1_000;

/// The most bytes of JSON that a message may have. The API documents no limit; no documented message comes near this.
pub(crate) const CONTENT_MAX: usize = 256 * 1024;

/// What the user asks to be sent, not yet checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContentSource {
    /// The message itself.
    pub body: Body,
    /// `--tag`, in any case.
    pub tag: Option<String>,
    /// `--metadata KEY=TEMPLATE`, in the order given.
    pub metadata: Vec<(String, String)>,
}

/// The two ways to give a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// `--message TEMPLATE`: a text.
    Message(String),
    /// `--content FILE.json`: the API's `content` object, every string of it a template.
    Json(Value),
}

impl Body {
    /// Whether it is a text and nothing else: every channel that can be addressed by number takes one.
    pub(crate) fn is_plain_text(&self) -> bool {
        match self {
            Self::Message(_) => true,
            Self::Json(content) => {
                content.get("type").and_then(Value::as_str) == Some("text")
                    && content.get("quick_replies").is_none()
            }
        }
    }
}

/// The metadata without what Facebook reads.
pub(crate) fn without_facebook_keys(metadata: &[(String, String)]) -> Vec<(String, String)> {
    let others = metadata.iter();
    others
        .filter(|(key, _)| !FACEBOOK_KEYS.contains(&key.as_str()))
        .cloned()
        .collect()
}

impl ContentSource {
    /// A plain text message without tag and metadata.
    pub fn message(template: impl Into<String>) -> Self {
        Self {
            body: Body::Message(template.into()),
            tag: None,
            metadata: Vec::new(),
        }
    }

    /// A content object without tag and metadata.
    pub fn json(content: Value) -> Self {
        Self {
            body: Body::Json(content),
            tag: None,
            metadata: Vec::new(),
        }
    }
}

/// The user's metadata behind our own keys; `own` is the beginning of an object.
pub(crate) fn with_own_metadata(own: String, users: &str) -> String {
    match users.strip_prefix('{').map(str::trim_start) {
        None | Some("}") => own + "}",
        Some(rest) => own + "," + rest,
    }
}
