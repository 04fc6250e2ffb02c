//! What comes back from the API, as far as decisions need it.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::phone::PhoneNumber;

/// The type of the channel on which 422 is documented as "no Messenger for this number", and on which a person must
/// accept the first message.
pub(crate) const MESSENGER: &str = "facebook_messenger";

/// How the recipient was addressed: it decides what a refusal can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// By phone number on a channel where 422 is documented as "no Messenger for this number":
    /// Facebook Messenger, or a channel whose type is not known yet.
    PhoneOnMessenger,
    /// By phone number on another channel.
    Phone,
    /// By the contact's Amio id.
    ContactId,
}

impl Address {
    /// By phone number on a channel of this type; one that is not known yet is taken for Messenger.
    pub(crate) fn by_phone(channel_type: Option<&str>) -> Self {
        match channel_type {
            None | Some(MESSENGER) => Self::PhoneOnMessenger,
            Some(_) => Self::Phone,
        }
    }
}

/// The HTTP answer, as far as decisions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// Body, as text; cut off if it was huge.
    pub body: String,
    /// False if the connection broke before the end of the body, or if it was too large and no refusal (4xx).
    pub complete: bool,
    /// `Retry-After`, given in seconds or as a date.
    pub retry_after: Option<Duration>,
    /// The message that a 2xx body describes.
    pub receipt: Option<Receipt>,
    /// The text of the error envelope, where the body is one.
    pub error_text: Option<String>,
}

/// What a 201 says about the message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// The message's id, from the body or from `Location`.
    pub message_id: Option<String>,
    /// The contact's id on this channel.
    pub contact_id: Option<String>,
    /// The channel's type, such as `facebook_messenger`.
    pub channel_type: Option<String>,
    /// The number of the contact that the message went to, where the answer has it.
    pub number: Option<PhoneNumber>,
}

/// Whether a request that failed without an answer can have reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Surely not a byte of it was written: no address, refused connection, failed TLS handshake.
    No,
    /// Some or all of it may have been.
    Maybe,
}

/// One exchange with the API, ended in one way or another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// An answer came, perhaps cut off.
    Answered(Answer),
    /// No answer came.
    Failed {
        /// Whether the request can have arrived.
        written: Written,
        /// What went wrong, for people.
        detail: String,
    },
}

impl Exchange {
    /// The HTTP status, if an answer came.
    pub(crate) const fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(answer) => Some(answer.status),
            Self::Failed { .. } => None,
        }
    }
}

/// The last answer on a channel that says anything of the channel itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LastAnswer {
    /// A message was accepted.
    Accepted(Timestamp),
    /// The channel as a whole was refused, with this text.
    Refused(Timestamp, String),
}
