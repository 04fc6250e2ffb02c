//! What must hold before people are messaged through a channel: what was seen of it, and what a person alone can
//! confirm. Pure.
//!
//! Facebook Messenger by number: Amio's "Using Phone Number" page (fee, permission) and Facebook's customer matching
//! pages (closed beta). Viber Business Messages and RBM: Amio's pages of these channels.

use crate::domain::outcome::{LastAnswer, MESSENGER};
use crate::domain::refusal::{self, Meaning, TextMeaning};
use crate::domain::sms::CHANNEL_TYPE as SMS;
use crate::report::minute;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prerequisite {
    /// What it is about.
    pub(super) what: &'static str,
    /// An answer of the API showed that it holds; otherwise a person must confirm it.
    pub(super) is_seen: bool,
    /// What is needed, and what was seen of it.
    pub(super) text: String,
}

impl Prerequisite {
    fn to_confirm(what: &'static str, needed: &str) -> Self {
        Self {
            what,
            is_seen: false,
            text: format!("for you to confirm: {needed}"),
        }
    }
}

/// The prerequisites of a channel of this type.
pub(super) fn prerequisites(kind: &str, last: Option<&LastAnswer>) -> Vec<Prerequisite> {
    match kind {
        MESSENGER => vec![
            judge(
                "access",
                "Facebook has opened sending by phone number to the page (a closed beta)",
                last,
            ),
            judge(
                "fee",
                "the one-time fee of 99 USD was paid for the page",
                last,
            ),
            judge(
                "permission",
                "an app of your own has pages_messaging_phone_number",
                last,
            ),
            Prerequisite::to_confirm(
                "consent",
                "the people agreed to be messaged, and the message is no promotion (--purpose keeps what it is for)",
            ),
        ],
        "viber_business_messages" => vec![Prerequisite::to_confirm(
            "approval",
            "Viber has approved the channel; each delivered message is charged, with a monthly minimum",
        )],
        "rbm" => vec![Prerequisite::to_confirm(
            "agent",
            "the agent is launched; before that, only registered test numbers receive",
        )],
        SMS => Vec::new(),
        _ => vec![Prerequisite::to_confirm(
            "rules",
            &format!(
                "what Amio asks for on channels of type {kind}: this program knows no rules of them"
            ),
        )],
    }
}

/// What the last answer says of something that is needed.
fn judge(what: &'static str, needed: &str, last: Option<&LastAnswer>) -> Prerequisite {
    match last {
        Some(LastAnswer::Accepted(at)) => Prerequisite {
            what,
            is_seen: true,
            text: format!("{needed}: a message was accepted on {}", minute(*at)),
        },
        Some(LastAnswer::Refused(at, text)) => match refusal_of_channel(text) {
            Some((why, todo)) => Prerequisite {
                what,
                is_seen: false,
                text: format!("{needed}? The answer on {} was: {why}. {todo}", minute(*at)),
            },
            None => unseen(what, needed),
        },
        None => unseen(what, needed),
    }
}

fn unseen(what: &'static str, needed: &str) -> Prerequisite {
    let needed = format!("{needed}; no message through this channel shows it yet");
    Prerequisite::to_confirm(what, &needed)
}

/// What a refusal says of the channel, and what to do; `None` if it says nothing of it.
fn refusal_of_channel(text: &str) -> Option<(&'static str, &'static str)> {
    // Without the status, which is no part of the text.
    let text = text.split_once(": ").map_or(text, |(_, text)| text);
    let reading = refusal::read(text)?;
    (reading.means == TextMeaning::Known(Meaning::Channel)).then_some((reading.what, reading.todo))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn what_was_seen_is_told_and_what_was_not_is_for_a_person_to_confirm() {
        let none = prerequisites(MESSENGER, None);
        let words: Vec<&str> = none.iter().map(|it| it.what).collect();
        assert_eq!(words, ["access", "fee", "permission", "consent"]);
        let to_confirm =
            |it: &Prerequisite| !it.is_seen && it.text.starts_with("for you to confirm");
        assert!(none.iter().all(to_confirm), "{none:?}");
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let seen = prerequisites(MESSENGER, Some(&LastAnswer::Accepted(at)));
        assert!(seen[..3].iter().all(|it| it.is_seen), "{seen:?}");
        let text = "HTTP 422: (#200) Requires phone matching access fee to be paid by this page";
        let refused = LastAnswer::Refused(at, text.to_owned());
        let refused = prerequisites(MESSENGER, Some(&refused));
        let told = "the fee for matching phone numbers was not paid";
        assert!(refused[1].text.contains(told), "{refused:?}");
    }

    #[test]
    fn a_channel_whose_rules_are_not_documented_says_so() {
        assert_eq!(prerequisites(SMS, None), []);
        assert_eq!(prerequisites("telegram", None)[0].what, "rules");
        assert_eq!(prerequisites("rbm", None)[0].what, "agent");
    }
}
