//! What an answer means. No other place reads status codes.
//!
//! The API documents few answers and no machine-readable reasons, so that every rule here is chosen
//! to be safe under both readings: where an answer leaves open whether a message went out, the
//! outcome is [`Outcome::Undecided`], which is never sent again by itself.

use super::phone::PhoneNumber;
use std::fmt;
use std::time::Duration;

use super::delivery::Event;
use super::text::hide_digits;

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
        })
    }
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
    },
    /// The API refuses this recipient.
    Rejected {
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
}

impl AttemptOutcome {
    /// All of them.
    pub(crate) const ALL: [Self; 11] = [
        Self::Sent,
        Self::NoMessenger,
        Self::Rejected,
        Self::Throttled,
        Self::NotSent,
        Self::Undecided,
        Self::Fatal,
        Self::Interrupted,
        Self::Evidence,
        Self::AssumedSent,
        Self::Resend,
    ];

    /// The word in the checkpoint.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::NoMessenger => "no_messenger",
            Self::Rejected => "rejected",
            Self::Throttled => "throttled",
            Self::NotSent => "not_sent",
            Self::Undecided => "undecided",
            Self::Fatal => "fatal",
            Self::Interrupted => "interrupted",
            Self::Evidence => "evidence",
            Self::AssumedSent => "assumed_sent",
            Self::Resend => "resend",
        }
    }

    /// Whether it counts as an attempt at the recipient: a 429 was refused before processing.
    pub(crate) const fn counts(self) -> bool {
        match self {
            Self::Sent
            | Self::NoMessenger
            | Self::Rejected
            | Self::NotSent
            | Self::Undecided
            | Self::Fatal
            | Self::Interrupted => true,
            Self::Throttled | Self::Evidence | Self::AssumedSent | Self::Resend => false,
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
            Self::Rejected { .. } => AttemptOutcome::Rejected,
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
            Self::Throttled { .. } | Self::NotSent { .. } | Self::Fatal { .. } => Event::Released,
            Self::Undecided { .. } => Event::AnswerLost,
        }
    }

    /// What is known, for people; empty for a message that was accepted or put off.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Sent(_) | Self::Throttled { .. } => "",
            Self::NoMessenger { text }
            | Self::Rejected { text }
            | Self::NotSent { text }
            | Self::Undecided { text, .. }
            | Self::Fatal { text, .. } => text,
        }
    }
}

/// The longest text of an answer that is kept, in characters.
const TEXT_LIMIT: usize = 500;

/// Decides what an exchange means.
///
/// `invalid` says whether a 422 text is one that the user declared to mean an invalid request
/// (`--invalid-pattern`); the API documents no difference.
pub fn classify(exchange: &Exchange, address: Address, invalid: impl Fn(&str) -> bool) -> Outcome {
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
        Exchange::Answered(answer) => classify_answer(answer, address, invalid),
    }
}

fn classify_answer(answer: &Answer, address: Address, invalid: impl Fn(&str) -> bool) -> Outcome {
    if answer.status == 201 {
        // Created, even when the body is garbage or cut off: sending again would double it.
        return Outcome::Sent(answer.receipt.clone().unwrap_or_default());
    }
    let text = answer_text(answer);
    let undecided = |text| Outcome::Undecided {
        text,
        retry_after: answer.retry_after,
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
            // A contact that is gone must not stop a batch; a wrong channel meets the guard
            // against identical refusals.
            Address::ContactId => Outcome::Rejected { text },
            Address::Phone | Address::PhoneOnMessenger => fatal(FatalKind::NotFound, text),
        },
        301 | 307 | 308 => fatal(FatalKind::Redirected, text),
        422 => match address {
            Address::PhoneOnMessenger if !invalid(&text) => Outcome::NoMessenger { text },
            Address::PhoneOnMessenger | Address::Phone | Address::ContactId => {
                Outcome::Rejected { text }
            }
        },
        // 408 comes from a server that stopped reading: how far it got is not said.
        408 => undecided(text),
        400..=499 => Outcome::Rejected { text },
        // 5xx, and anything that is no HTTP status for a message.
        _ => undecided(text),
    }
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

/// The text with its digits replaced, so that refusals that name the number are still equal, and reports
/// that group by text hold no number.
pub(crate) fn canonical_text(text: &str) -> String {
    match text.split_once(": ") {
        Some((status, rest)) if status.starts_with("HTTP ") => {
            format!("{status}: {}", hide_digits(rest, 1))
        }
        Some(_) | None => hide_digits(text, 1),
    }
}

/// Whether `pattern` stands somewhere in `text`, upper and lower case alike; `*` is any text.
pub(crate) fn matches_pattern(text: &str, pattern: &str) -> bool {
    let text = text.to_lowercase();
    let pattern = pattern.to_lowercase();
    // Each part is taken at its first place: what remains is then as long as it can be.
    let mut rest = text.as_str();
    for part in pattern.split('*') {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or(""),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Answer {
        Answer {
            status,
            body: String::new(),
            complete: true,
            retry_after: None,
            receipt: None,
            error_text: None,
        }
    }

    fn outcome(status: u16, address: Address) -> Outcome {
        classify(&Exchange::Answered(answer(status)), address, |_| false)
    }

    /// The letter of each outcome, to read the table below at a glance.
    fn letter(outcome: &Outcome) -> char {
        match outcome {
            Outcome::Sent(_) => 'S',
            Outcome::NoMessenger { .. } => 'M',
            Outcome::Rejected { .. } => 'R',
            Outcome::Throttled { .. } => 'T',
            Outcome::NotSent { .. } => 'N',
            Outcome::Undecided { .. } => 'U',
            Outcome::Fatal { .. } => 'F',
        }
    }

    #[test]
    fn every_status_has_its_meaning() {
        // Status, then the outcome by phone on Messenger, by phone elsewhere, by contact id.
        let table = [
            (200, "UUU"),
            (201, "SSS"),
            (202, "UUU"),
            (204, "UUU"),
            (301, "FFF"),
            (302, "UUU"),
            (303, "UUU"),
            (304, "UUU"),
            (307, "FFF"),
            (308, "FFF"),
            (400, "RRR"),
            (401, "FFF"),
            (403, "FFF"),
            (404, "FFR"),
            (405, "FFF"),
            (407, "FFF"),
            (408, "UUU"),
            (409, "RRR"),
            (413, "RRR"),
            (422, "MRR"),
            (429, "TTT"),
            (500, "UUU"),
            (502, "UUU"),
            (503, "UUU"),
            (504, "UUU"),
            (599, "UUU"),
            (999, "UUU"),
        ];
        for (status, expected) in table {
            let found: String = [
                Address::PhoneOnMessenger,
                Address::Phone,
                Address::ContactId,
            ]
            .into_iter()
            .map(|address| letter(&outcome(status, address)))
            .collect();
            assert_eq!(found, expected, "HTTP {status}");
        }
    }

    #[test]
    fn a_refusal_by_a_proxy_names_the_proxy() {
        let Outcome::Fatal { kind, .. } = outcome(407, Address::Phone) else {
            panic!("407 stops the batch");
        };
        let text = kind.to_string();
        assert!(text.contains("proxy") && !text.contains("API"), "{text}");
    }

    #[test]
    fn a_201_with_an_unreadable_body_is_sent() {
        let garbage = Answer {
            body: "<html>".into(),
            ..answer(201)
        };
        let outcome = classify(
            &Exchange::Answered(garbage),
            Address::PhoneOnMessenger,
            |_| false,
        );
        assert_eq!(outcome, Outcome::Sent(Receipt::default()));
    }

    #[test]
    fn a_cut_refusal_is_undecided_but_a_cut_201_is_sent() {
        let cut = |status| Answer {
            complete: false,
            ..answer(status)
        };
        let letters: String = [201, 401, 429, 404, 422, 400, 500]
            .into_iter()
            .map(|status| Exchange::Answered(cut(status)))
            .map(|exchange| letter(&classify(&exchange, Address::ContactId, |_| false)))
            .collect();
        assert_eq!(letters, "SFTUUUU");
    }

    #[test]
    fn a_200_counts_as_sent_only_if_it_names_the_message() {
        let receipt = Receipt {
            message_id: Some("7".into()),
            ..Receipt::default()
        };
        let named = Answer {
            receipt: Some(receipt.clone()),
            ..answer(200)
        };
        let outcome = classify(&Exchange::Answered(named), Address::Phone, |_| false);
        assert_eq!(outcome, Outcome::Sent(receipt));
    }

    #[test]
    fn only_a_request_that_was_surely_not_written_is_not_sent() {
        let failed = |written| Exchange::Failed {
            written,
            detail: "x".into(),
        };
        let classify = |written| letter(&classify(&failed(written), Address::Phone, |_| false));
        assert_eq!(classify(Written::No), 'N');
        assert_eq!(classify(Written::Maybe), 'U');
    }

    #[test]
    fn the_users_pattern_turns_a_422_into_a_rejection() {
        let refusal = Answer {
            error_text: Some("content is invalid".into()),
            ..answer(422)
        };
        let outcome = classify(
            &Exchange::Answered(refusal),
            Address::PhoneOnMessenger,
            |text| text.contains("invalid"),
        );
        assert_eq!(
            outcome,
            Outcome::Rejected {
                text: "HTTP 422: content is invalid".into()
            }
        );
    }

    #[test]
    fn a_pattern_matches_anywhere_and_a_star_is_any_text() {
        let text = "HTTP 422: The content type \"gif\" is invalid";
        for pattern in ["invalid", "content*INVALID", "*type*gif*", ""] {
            assert!(matches_pattern(text, pattern), "{pattern}");
        }
        for pattern in ["valid content", "invalid*content"] {
            assert!(!matches_pattern(text, pattern), "{pattern}");
        }
    }

    #[test]
    fn texts_that_name_different_numbers_read_alike_and_name_nobody() {
        assert_eq!(
            canonical_text("HTTP 422: no user for +420777123456"),
            "HTTP 422: no user for +#"
        );
        assert_eq!(canonical_text("HTTP 422"), "HTTP #");
        assert_eq!(canonical_text("plain"), "plain");
    }
}
