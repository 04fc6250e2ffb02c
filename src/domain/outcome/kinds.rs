//! What an exchange can mean.

use std::fmt;
use std::time::Duration;

use super::answer::Receipt;
use super::attempt::AttemptOutcome;
use crate::domain::delivery::Event;
use crate::domain::refusal::{self, Meaning};

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
    /// Nothing but the status says so.
    Nobody,
}

/// What a rejection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionCause {
    /// This recipient, in short.
    Person(&'static str),
    /// The message, in short: it is refused for every recipient.
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
        /// What it is about.
        cause: RejectionCause,
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

/// A refusal of a recipient or of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal<'a> {
    /// The number has no Messenger.
    NoMessenger {
        /// The API's text.
        text: &'a str,
        /// Who knows that it means this.
        known: KnownBy,
    },
    /// The API refuses this recipient.
    Rejected {
        /// The API's text.
        text: &'a str,
        /// What it is about.
        cause: RejectionCause,
    },
}

impl Outcome {
    /// The word for the audit.
    pub fn word(&self) -> AttemptOutcome {
        match self {
            Self::Sent(_) => AttemptOutcome::Sent,
            Self::NoMessenger { .. } => AttemptOutcome::NoMessenger,
            Self::Rejected { cause, .. } => match cause {
                RejectionCause::Person(_) => AttemptOutcome::Person,
                RejectionCause::Message(_) => AttemptOutcome::Message,
                RejectionCause::Unread => AttemptOutcome::Rejected,
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
                cause: RejectionCause::Person(what) | RejectionCause::Message(what),
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

    /// What it says of the recipient or the message, if it is a refusal.
    pub(crate) fn refusal(&self) -> Option<Refusal<'_>> {
        match self {
            Self::NoMessenger { text, known } => Some(Refusal::NoMessenger {
                text,
                known: *known,
            }),
            Self::Rejected { text, cause } => Some(Refusal::Rejected {
                text,
                cause: *cause,
            }),
            Self::Sent(_)
            | Self::ContactGone { .. }
            | Self::Limited { .. }
            | Self::Later { .. }
            | Self::Throttled { .. }
            | Self::NotSent { .. }
            | Self::Undecided { .. }
            | Self::Fatal { .. } => None,
        }
    }

    /// Whether it is a refusal whose text nobody knows.
    pub(crate) fn is_unread(&self) -> bool {
        matches!(
            self.refusal(),
            Some(
                Refusal::NoMessenger {
                    known: KnownBy::Nobody,
                    ..
                } | Refusal::Rejected {
                    cause: RejectionCause::Unread,
                    ..
                }
            )
        )
    }

    /// What the table of refusals says that the text means, if it has the text.
    pub(crate) fn known_meaning(&self) -> Option<Meaning> {
        match self.refusal() {
            Some(Refusal::NoMessenger {
                known: KnownBy::Table,
                ..
            }) => Some(Meaning::NoMessenger),
            Some(Refusal::NoMessenger { .. } | Refusal::Rejected { .. }) | None => None,
        }
    }

    /// Whether it is a text that says that nothing was sent: that is true of this request alone, and an earlier one may
    /// have been accepted.
    pub(crate) fn is_by_text(&self) -> bool {
        match self {
            Self::ContactGone { .. } | Self::Limited { .. } | Self::Later { .. } => true,
            Self::Fatal { kind, .. } => matches!(kind, FatalKind::Channel { .. }),
            Self::Sent(_)
            | Self::NoMessenger { .. }
            | Self::Rejected { .. }
            | Self::Throttled { .. }
            | Self::NotSent { .. }
            | Self::Undecided { .. } => false,
        }
    }

    /// What a 201 said of the message.
    pub(crate) fn into_receipt(self) -> Option<Receipt> {
        match self {
            Self::Sent(receipt) => Some(receipt),
            Self::NoMessenger { .. }
            | Self::Rejected { .. }
            | Self::ContactGone { .. }
            | Self::Limited { .. }
            | Self::Later { .. }
            | Self::Throttled { .. }
            | Self::NotSent { .. }
            | Self::Undecided { .. }
            | Self::Fatal { .. } => None,
        }
    }
}
