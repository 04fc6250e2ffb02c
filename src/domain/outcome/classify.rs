//! The one classifier.

use std::time::Duration;

use super::answer::{Address, Answer, Exchange, Written};
use super::kinds::{FatalKind, KnownBy, Outcome, RejectionCause};
use crate::domain::refusal::{self, Meaning, RefusalRules, TextMeaning};

/// The longest text of an answer that is kept, in characters.
const TEXT_LIMIT: usize = 500;

/// Decides what an exchange means. `rules`: what people said that texts of refusals mean.
pub fn classify(exchange: &Exchange, address: Address, rules: &RefusalRules) -> Outcome {
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
            by_text(answer, address, rules).unwrap_or_else(|| by_status(answer, address))
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
        cause: RejectionCause::Unread,
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
fn by_text(answer: &Answer, address: Address, rules: &RefusalRules) -> Option<Outcome> {
    let status = answer.status;
    // A page of a proxy or a firewall is not the API's word.
    let is_page = answer.body.trim_start().starts_with('<');
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
    if !by_the_api && let Some(meaning) = rules.meaning(&text) {
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
            cause: RejectionCause::Person("refused for this person"),
        },
        Meaning::Message => Outcome::Rejected {
            text,
            cause: RejectionCause::Message("the message is refused for every recipient"),
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
        (
            TextMeaning::ContactGone | TextMeaning::Known(Meaning::NoMessenger),
            Address::ContactId,
        ) => Outcome::ContactGone { text },
        (TextMeaning::ContactGone, Address::Phone | Address::PhoneOnMessenger) => return None,
        (TextMeaning::Undecided, _) => Outcome::Undecided { text, retry_after },
        (TextMeaning::Known(Meaning::NoMessenger), _) => Outcome::NoMessenger {
            text,
            known: KnownBy::Table,
        },
        (TextMeaning::Known(Meaning::Person), _) => Outcome::Rejected {
            text,
            cause: RejectionCause::Person(what),
        },
        (TextMeaning::Known(Meaning::Message), _) => Outcome::Rejected {
            text,
            cause: RejectionCause::Message(what),
        },
        (TextMeaning::Known(Meaning::Channel), _) => Outcome::Fatal {
            kind: FatalKind::Channel {
                what,
                todo: reading.todo,
            },
            text,
        },
        (TextMeaning::Known(Meaning::Wait), _) => Outcome::Limited {
            text,
            limit: what,
            retry_after,
        },
        (TextMeaning::Known(Meaning::Later), _) => Outcome::Later { text },
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
