//! What an answer means. No other place reads status codes.
//!
//! The API documents few answers and no machine-readable reasons, so that every rule here is chosen
//! to be safe under both readings: where an answer leaves open whether a message went out, the
//! outcome is [`Outcome::Undecided`], which is never sent again by itself.

use super::phone::PhoneNumber;
use std::fmt;
use std::time::Duration;

use super::delivery::Event;
use super::refusal::{self, Meaning, Means, Sayings};

/// The type of the channel on which 422 is documented as "no Messenger for this number".
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

/// Why the whole batch must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FatalKind {
    /// 401: the token is wrong or revoked.
    Unauthorized,
    /// 403: refused for security reasons.
    Forbidden,
    /// 407: a proxy before the API wants a login.
    Proxy,
    /// 404 on a send by number: the channel or the base URL is wrong.
    NotFound,
    /// 405: this is not the API.
    MethodNotAllowed,
    /// 301, 307, 308: the base URL is not the API's.
    Redirected,
    /// The platform refuses the page, the app or the account, whatever the status: nobody can be reached.
    Channel {
        /// What is the matter.
        what: &'static str,
        /// What to do about it.
        todo: &'static str,
    },
}

impl fmt::Display for FatalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unauthorized => "the API does not accept the token (401)",
            Self::Forbidden => "the API refuses access (403)",
            Self::Proxy => "the proxy does not let us through without a login (407)",
            Self::NotFound => "the API does not find the channel (404)",
            Self::MethodNotAllowed => "the base URL does not take messages (405)",
            Self::Redirected => "the base URL redirects elsewhere",
            Self::Channel { what, .. } => what,
        })
    }
}

/// Who knows that a refusal means "no Messenger".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    /// The table of refusals.
    Table,
    /// A person said so.
    Person,
    /// Nobody: the status is all that says it.
    Nobody,
}

/// Whose matter a rejection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matter {
    /// This recipient's, in short.
    Person(&'static str),
    /// The message's, in short: whoever gets it, it is refused.
    Message(&'static str),
    /// The text is not known.
    Unread,
}

/// What an exchange means for the recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The message was accepted.
    Sent(Receipt),
    /// The number has no Messenger.
    NoMessenger {
        /// The API's text.
        text: String,
        /// Who knows that it means this.
        known: KnownBy,
    },
    /// The API refuses this recipient.
    Rejected {
        /// The API's text.
        text: String,
        /// Whose matter it is.
        matter: Matter,
    },
    /// The contact's id is not known any more: the number is to be tried.
    ContactGone {
        /// The API's text.
        text: String,
    },
    /// A limit of the platform was reached: nothing was sent, and nothing will be for a while.
    Limited {
        /// The API's text.
        text: String,
        /// Which limit.
        limit: &'static str,
        /// `Retry-After`, where it was given.
        retry_after: Option<Duration>,
    },
    /// Surely not sent, for a reason that passes.
    Later {
        /// The API's text.
        text: String,
    },
    /// The quota is used up, or too many connections are open: refused before processing.
    Throttled {
        /// `Retry-After`, where it was given.
        retry_after: Option<Duration>,
    },
    /// Surely not sent; may be tried again.
    NotSent {
        /// What went wrong.
        text: String,
    },
    /// The message may have been sent.
    Undecided {
        /// What is known.
        text: String,
        /// `Retry-After`, where it was given.
        retry_after: Option<Duration>,
    },
    /// Nothing was sent, and nothing will be: stop the batch.
    Fatal {
        /// Why.
        kind: FatalKind,
        /// The API's text.
        text: String,
    },
}

/// How an attempt ended, or who decided about its recipient: the word in the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttemptOutcome {
    /// The API accepted the message.
    Sent,
    /// No Messenger for the number.
    NoMessenger,
    /// The API refused this recipient.
    Rejected,
    /// The same, and it is known to be about the recipient.
    Person,
    /// The same, and it is known to be about the message.
    Message,
    /// The contact's id was not known any more.
    ContactGone,
    /// A limit of the platform put the request off.
    Limited,
    /// Surely not sent, for a reason that passes.
    Later,
    /// The API put the request off (429).
    Throttled,
    /// Surely nothing was written.
    NotSent,
    /// The answer was lost.
    Undecided,
    /// The answer stopped the batch.
    Fatal,
    /// The process ended before the answer came.
    Interrupted,
    /// An event or the message list proved what had become of it.
    Evidence,
    /// The user counted it as sent.
    AssumedSent,
    /// The user decided to send once more.
    Resend,
    /// A guard took the result back: it said nothing about the recipient.
    TakenBack,
    /// The user said what the refusal means.
    Decided,
    /// The person was not reached, and goes on to the next channel.
    FellBack,
}

impl AttemptOutcome {
    /// All of them.
    pub(crate) const ALL: [Self; 19] = [
        Self::Sent,
        Self::NoMessenger,
        Self::Rejected,
        Self::Person,
        Self::Message,
        Self::ContactGone,
        Self::Limited,
        Self::Later,
        Self::Throttled,
        Self::NotSent,
        Self::Undecided,
        Self::Fatal,
        Self::Interrupted,
        Self::Evidence,
        Self::AssumedSent,
        Self::Resend,
        Self::TakenBack,
        Self::Decided,
        Self::FellBack,
    ];

    /// The word in the checkpoint.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::NoMessenger => "no_messenger",
            Self::Rejected => "rejected",
            Self::Person => "person",
            Self::Message => "message",
            Self::ContactGone => "contact_gone",
            Self::Limited => "limited",
            Self::Later => "later",
            Self::Throttled => "throttled",
            Self::NotSent => "not_sent",
            Self::Undecided => "undecided",
            Self::Fatal => "fatal",
            Self::Interrupted => "interrupted",
            Self::Evidence => "evidence",
            Self::AssumedSent => "assumed_sent",
            Self::Resend => "resend",
            Self::TakenBack => "taken_back",
            Self::Decided => "decided",
            Self::FellBack => "fell_back",
        }
    }

    /// Whether it counts as an attempt at the recipient: what a limit put off was refused before processing.
    pub(crate) const fn counts(self) -> bool {
        match self {
            Self::Sent
            | Self::NoMessenger
            | Self::Rejected
            | Self::Person
            | Self::Message
            | Self::ContactGone
            | Self::Later
            | Self::NotSent
            | Self::Undecided
            | Self::Fatal
            | Self::Interrupted => true,
            Self::Limited
            | Self::Throttled
            | Self::Evidence
            | Self::AssumedSent
            | Self::Resend
            | Self::TakenBack
            | Self::Decided
            | Self::FellBack => false,
        }
    }
}

impl AttemptOutcome {
    /// Whether the API refused the recipient for good, whatever for.
    pub(crate) const fn is_refusal(self) -> bool {
        match self {
            Self::NoMessenger | Self::Rejected | Self::Person | Self::Message => true,
            Self::Sent
            | Self::ContactGone
            | Self::Limited
            | Self::Later
            | Self::Throttled
            | Self::NotSent
            | Self::Undecided
            | Self::Fatal
            | Self::Interrupted
            | Self::Evidence
            | Self::AssumedSent
            | Self::Resend
            | Self::TakenBack
            | Self::Decided
            | Self::FellBack => false,
        }
    }
}

impl std::str::FromStr for AttemptOutcome {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.word() == word)
            .ok_or_else(|| format!("`{word}` is not an outcome of an attempt"))
    }
}

impl Outcome {
    /// The word for the audit.
    pub fn word(&self) -> AttemptOutcome {
        match self {
            Self::Sent(_) => AttemptOutcome::Sent,
            Self::NoMessenger { .. } => AttemptOutcome::NoMessenger,
            Self::Rejected { matter, .. } => match matter {
                Matter::Person(_) => AttemptOutcome::Person,
                Matter::Message(_) => AttemptOutcome::Message,
                Matter::Unread => AttemptOutcome::Rejected,
            },
            Self::ContactGone { .. } => AttemptOutcome::ContactGone,
            Self::Limited { .. } => AttemptOutcome::Limited,
            Self::Later { .. } => AttemptOutcome::Later,
            Self::Throttled { .. } => AttemptOutcome::Throttled,
            Self::NotSent { .. } => AttemptOutcome::NotSent,
            Self::Undecided { .. } => AttemptOutcome::Undecided,
            Self::Fatal { .. } => AttemptOutcome::Fatal,
        }
    }

    /// What it does to the recipient.
    pub(crate) fn event(&self) -> Event {
        match self {
            Self::Sent(_) => Event::Accepted,
            Self::NoMessenger { .. } => Event::NoMatch,
            Self::Rejected { .. } => Event::Refused,
            Self::ContactGone { .. }
            | Self::Limited { .. }
            | Self::Later { .. }
            | Self::Throttled { .. }
            | Self::NotSent { .. }
            | Self::Fatal { .. } => Event::Released,
            Self::Undecided { .. } => Event::AnswerLost,
        }
    }

    /// What is known, for people; empty for a message that was accepted or put off.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Sent(_) | Self::Throttled { .. } => "",
            Self::NoMessenger { text, .. }
            | Self::Rejected { text, .. }
            | Self::ContactGone { text }
            | Self::Limited { text, .. }
            | Self::Later { text }
            | Self::NotSent { text }
            | Self::Undecided { text, .. }
            | Self::Fatal { text, .. } => text,
        }
    }

    /// Why the recipient is where it is, in front of the API's text; empty where the text says it all.
    pub(crate) fn why(&self) -> &'static str {
        match self {
            Self::NoMessenger {
                known: KnownBy::Nobody,
                ..
            } => refusal::TAKEN_FOR_NO_MESSENGER,
            Self::Rejected {
                matter: Matter::Person(what) | Matter::Message(what),
                ..
            } => what,
            Self::NoMessenger { .. }
            | Self::Rejected { .. }
            | Self::Sent(_)
            | Self::ContactGone { .. }
            | Self::Limited { .. }
            | Self::Later { .. }
            | Self::Throttled { .. }
            | Self::NotSent { .. }
            | Self::Undecided { .. }
            | Self::Fatal { .. } => "",
        }
    }
}

/// The longest text of an answer that is kept, in characters.
const TEXT_LIMIT: usize = 500;

/// Decides what an exchange means. `said` is what people said that texts of refusals mean.
pub fn classify(exchange: &Exchange, address: Address, said: &Sayings) -> Outcome {
    match exchange {
        Exchange::Failed {
            written: Written::No,
            detail,
        } => Outcome::NotSent {
            text: detail.clone(),
        },
        Exchange::Failed {
            written: Written::Maybe,
            detail,
        } => Outcome::Undecided {
            text: detail.clone(),
            retry_after: None,
        },
        Exchange::Answered(answer) if answer.status == 201 => {
            // Created, even when the body is garbage or cut off: sending again would double it.
            Outcome::Sent(answer.receipt.clone().unwrap_or_default())
        }
        Exchange::Answered(answer) => {
            by_text(answer, address, said).unwrap_or_else(|| by_status(answer, address))
        }
    }
}

/// What the status says, where the text says nothing that is known.
fn by_status(answer: &Answer, address: Address) -> Outcome {
    let text = answer_text(answer);
    let undecided = |text| Outcome::Undecided {
        text,
        retry_after: answer.retry_after,
    };
    let rejected = |text| Outcome::Rejected {
        text,
        matter: Matter::Unread,
    };
    let fatal = |kind, text| Outcome::Fatal { kind, text };
    match answer.status {
        // Up to the cut: what the status line alone decides.
        401 => fatal(FatalKind::Unauthorized, text),
        403 => fatal(FatalKind::Forbidden, text),
        407 => fatal(FatalKind::Proxy, text),
        405 => fatal(FatalKind::MethodNotAllowed, text),
        429 => Outcome::Throttled {
            retry_after: answer.retry_after,
        },
        // From here on the text matters, and half a text is none.
        _ if !answer.complete => undecided(format!("{text} (the answer was cut off)")),
        // Any other success is documented for other calls only; believed if it names a message.
        200 | 202..=299 => match &answer.receipt {
            Some(receipt) if receipt.message_id.is_some() => Outcome::Sent(receipt.clone()),
            Some(_) | None => undecided(text),
        },
        404 => match address {
            // A wrong channel is found out by the number, which is tried next.
            Address::ContactId => Outcome::ContactGone { text },
            Address::Phone | Address::PhoneOnMessenger => fatal(FatalKind::NotFound, text),
        },
        301 | 307 | 308 => fatal(FatalKind::Redirected, text),
        422 => match address {
            Address::PhoneOnMessenger => Outcome::NoMessenger {
                text,
                known: KnownBy::Nobody,
            },
            Address::Phone | Address::ContactId => rejected(text),
        },
        // 408 comes from a server that stopped reading: how far it got is not said.
        408 => undecided(text),
        400..=499 => rejected(text),
        // 5xx, and anything that is no HTTP status for a message.
        _ => undecided(text),
    }
}

/// What the text of a refusal says; `None` if it is not to be believed, or says nothing that is known.
fn by_text(answer: &Answer, address: Address, said: &Sayings) -> Option<Outcome> {
    let status = answer.status;
    // A page of a proxy or a firewall is not the API's word.
    let is_page = answer.error_text.is_none() && answer.body.trim_start().starts_with('<');
    // The status line alone decides about a wrong method and a proxy, and a success is no refusal.
    // Half a text is none.
    if is_page || !answer.complete || status < 400 || matches!(status, 405 | 407) {
        return None;
    }
    let leaves_open = status == 408 || status >= 500;
    if leaves_open && answer.error_text.is_none() {
        return None;
    }
    let text = answer_text(answer);
    let by_the_api = matches!(status, 401 | 429);
    if !by_the_api && let Some(meaning) = said.meaning(&text) {
        return Some(as_said(meaning, text, answer.retry_after));
    }
    let reading = refusal::read(answer.error_text.as_deref().unwrap_or(&answer.body))?;
    let is_clear_enough = if by_the_api {
        // The API's own token and quota, unless it is the platform that speaks.
        reading.coded
    } else {
        let must_be_clear = leaves_open || status == 404;
        reading.clear || !must_be_clear
    };
    if is_clear_enough {
        as_read(&reading, text, address, answer.retry_after)
    } else {
        None
    }
}

/// What a person said of the text.
fn as_said(meaning: Meaning, text: String, retry_after: Option<Duration>) -> Outcome {
    match meaning {
        Meaning::NoMessenger => Outcome::NoMessenger {
            text,
            known: KnownBy::Person,
        },
        Meaning::Person => Outcome::Rejected {
            text,
            matter: Matter::Person("refused for this person"),
        },
        Meaning::Message => Outcome::Rejected {
            text,
            matter: Matter::Message("the message is refused, whoever gets it"),
        },
        Meaning::Channel => Outcome::Fatal {
            kind: FatalKind::Channel {
                what: "the channel is refused",
                todo: "Mend the channel.",
            },
            text,
        },
        Meaning::Wait => Outcome::Limited {
            text,
            limit: "the platform's limit",
            retry_after,
        },
        Meaning::Later => Outcome::Later { text },
    }
}

/// What the table says of the text.
fn as_read(
    reading: &refusal::Reading,
    text: String,
    address: Address,
    retry_after: Option<Duration>,
) -> Option<Outcome> {
    let what = reading.what;
    Some(match (reading.means, address) {
        // No account matches the id: the number may have one.
        (Means::ContactGone | Means::Known(Meaning::NoMessenger), Address::ContactId) => {
            Outcome::ContactGone { text }
        }
        (Means::ContactGone, Address::Phone | Address::PhoneOnMessenger) => return None,
        (Means::Undecided, _) => Outcome::Undecided { text, retry_after },
        (Means::Known(Meaning::NoMessenger), _) => Outcome::NoMessenger {
            text,
            known: KnownBy::Table,
        },
        (Means::Known(Meaning::Person), _) => Outcome::Rejected {
            text,
            matter: Matter::Person(what),
        },
        (Means::Known(Meaning::Message), _) => Outcome::Rejected {
            text,
            matter: Matter::Message(what),
        },
        (Means::Known(Meaning::Channel), _) => Outcome::Fatal {
            kind: FatalKind::Channel {
                what,
                todo: reading.todo,
            },
            text,
        },
        (Means::Known(Meaning::Wait), _) => Outcome::Limited {
            text,
            limit: what,
            retry_after,
        },
        (Means::Known(Meaning::Later), _) => Outcome::Later { text },
    })
}

/// The status with the API's own text, or with the start of a body that is no error envelope.
fn answer_text(answer: &Answer) -> String {
    let text = answer.error_text.as_deref().unwrap_or(&answer.body).trim();
    let short: String = text.chars().take(TEXT_LIMIT).collect();
    if short.is_empty() {
        format!("HTTP {}", answer.status)
    } else {
        format!("HTTP {}: {short}", answer.status)
    }
}

#[cfg(test)]
mod tests;
