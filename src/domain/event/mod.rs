//! What a webhook event says about a person and a message, whatever its JSON looked like.
//!
//! Events come late, twice and in any order. Everything here is therefore a fact that can be merged with
//! what is known: a time is the earliest that any event reports, a decision is made once. What an event
//! says never depends on what came before it.

mod lists;
mod sentence;
mod words;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use words::OptOutWords;
pub(crate) use words::OptRequest;

use super::delivery;
use super::outcome::MESSENGER;
use super::phone::PhoneNumber;

/// Clocks differ: our time of sending may be this much later than the API's for the same moment.
///
/// Our time is also that of the answer. For reading this errs to the safe side: a person who reads a
/// conversation just before a message arrives in it has the conversation open.
const SKEW: SignedDuration = SignedDuration::from_secs(1);

/// An event about a message cannot be older than the request for it, but for clocks that differ by
/// minutes.
const OLDEST: SignedDuration = SignedDuration::from_mins(5);

/// One fact that an event reports, and the contact that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContactEvent {
    /// The channel's id.
    pub(crate) channel: String,
    /// The channel's type, such as `facebook_messenger`.
    pub(crate) channel_type: Option<String>,
    /// The contact's id on the channel.
    pub(crate) contact_id: Option<String>,
    /// The contact's number, where the event has it.
    #[serde(with = "digits")]
    pub(crate) phone: Option<PhoneNumber>,
    /// When it happened, if the event says so, else when it was sent or received.
    pub(crate) at: Timestamp,
    /// What happened.
    pub(crate) what: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventKind {
    /// The person accepted the first message that came by phone number.
    OptedIn,
    /// A message reached the device.
    Delivered {
        /// The message's id.
        message: String,
    },
    /// Everything sent before `at` is read.
    Read,
    /// A message could not be delivered after all.
    Failed {
        /// The message's id.
        message: String,
        /// True if the number has no account on this channel.
        no_account: bool,
        /// The API's text and code.
        text: String,
    },
    /// A message of this account went out to the person.
    Echoed {
        /// The message's id.
        message: String,
        /// The recipient that our own metadata names, if it is there.
        ours: Option<OurKey>,
    },
    /// The person asked not to be messaged any more.
    OptedOut,
    /// The person wrote something else, or pressed a button: may be answered for a while.
    Acted,
    /// Nothing that matters here.
    Nothing,
}

/// The recipient that a message's metadata names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OurKey {
    /// The checkpoint's random id; `None` in messages of programs before checkpoint version 4.
    #[serde(default)]
    pub(crate) checkpoint: Option<String>,
    /// The batch's random id; its name where no checkpoint is named.
    pub(crate) batch: String,
    /// The recipient's place in the batch, from 1.
    pub(crate) seq: u32,
}

impl ContactEvent {
    /// The id of the message that it is about.
    pub(crate) fn message(&self) -> Option<&str> {
        match &self.what {
            EventKind::Delivered { message }
            | EventKind::Failed { message, .. }
            | EventKind::Echoed { message, .. } => Some(message),
            EventKind::OptedIn
            | EventKind::Read
            | EventKind::OptedOut
            | EventKind::Acted
            | EventKind::Nothing => None,
        }
    }

    /// What it does to the recipient of its message, whose state is `state`; `None` if nothing.
    ///
    /// A recipient that a failure has settled stays so when its echo comes late.
    pub(crate) fn transition(&self, state: delivery::State) -> Option<delivery::Event> {
        use delivery::State;
        match &self.what {
            EventKind::Failed { no_account, .. } => match state {
                // Settled by an earlier copy, or by a refusal: nothing to add.
                State::Error | State::NoMessenger => None,
                State::Sent
                | State::Queued
                | State::Sending
                | State::Unknown
                | State::Invalid
                | State::Duplicate
                | State::Suppressed => Some(if *no_account {
                    delivery::Event::ProvenNoMatch
                } else {
                    delivery::Event::ProvenFailed
                }),
            },
            EventKind::Delivered { .. } | EventKind::Echoed { .. } => match state {
                State::Sent | State::Error | State::NoMessenger => None,
                State::Queued
                | State::Sending
                | State::Unknown
                | State::Invalid
                | State::Duplicate
                | State::Suppressed => Some(delivery::Event::ProvenSent),
            },
            EventKind::OptedIn
            | EventKind::Read
            | EventKind::OptedOut
            | EventKind::Acted
            | EventKind::Nothing => None,
        }
    }

    /// True if a message that arrived shows that the person accepted messages by number: on this channel
    /// only such a person gets them, and only events about such messages carry the number.
    pub(crate) fn proves_opt_in(&self) -> bool {
        let by_number = self.phone.is_some() && self.channel_type.as_deref() == Some(MESSENGER);
        match self.what {
            EventKind::OptedIn => true,
            EventKind::Delivered { .. } => by_number,
            EventKind::Failed { .. }
            | EventKind::Echoed { .. }
            | EventKind::Read
            | EventKind::OptedOut
            | EventKind::Acted
            | EventKind::Nothing => false,
        }
    }

    /// True if it can be about a request that left at `started`.
    pub(crate) fn can_follow(&self, started: Timestamp) -> bool {
        later(self.at, OLDEST) >= started
    }
}

/// Messages that were sent until this time, by our clock, are covered by a reading at `at`.
pub(crate) fn read_covers(at: Timestamp) -> Timestamp {
    later(at, SKEW)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}

/// A number as an integer, without the plus.
mod digits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::PhoneNumber;

    #[expect(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde asks for"
    )]
    pub(super) fn serialize<S: Serializer>(
        phone: &Option<PhoneNumber>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        phone.map(PhoneNumber::get).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PhoneNumber>, D::Error> {
        let number: Option<u64> = Option::deserialize(deserializer)?;
        Ok(number.and_then(PhoneNumber::from_e164))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::{State, next};

    fn event(what: EventKind) -> ContactEvent {
        ContactEvent {
            channel: "7001".into(),
            channel_type: Some(MESSENGER.into()),
            contact_id: Some("7002".into()),
            phone: PhoneNumber::from_e164(420_777_123_456),
            at: Timestamp::UNIX_EPOCH,
            what,
        }
    }

    #[test]
    fn evidence_settles_an_unknown_outcome_and_no_refusal() {
        let echo = event(EventKind::Echoed {
            message: "1".into(),
            ours: None,
        });
        assert_eq!(
            echo.transition(State::Unknown)
                .map(|event| next(State::Unknown, event)),
            Some(Ok(State::Sent))
        );
        for settled in [State::Sent, State::Error, State::NoMessenger] {
            assert_eq!(echo.transition(settled), None);
        }
    }

    #[test]
    fn a_failure_turns_sent_into_error_or_into_no_messenger() {
        for (no_account, end) in [(false, State::Error), (true, State::NoMessenger)] {
            let failed = event(EventKind::Failed {
                message: "1".into(),
                no_account,
                text: String::new(),
            });
            for state in [State::Sent, State::Sending, State::Unknown] {
                let event = failed.transition(state).unwrap();
                assert_eq!(next(state, event), Ok(end), "{state}");
            }
            assert_eq!(failed.transition(end), None);
        }
    }

    #[test]
    fn a_message_that_arrived_by_number_on_messenger_proves_the_opt_in() {
        let delivered = || {
            event(EventKind::Delivered {
                message: "1".into(),
            })
        };
        assert!(delivered().proves_opt_in());
        assert!(event(EventKind::OptedIn).proves_opt_in());
        let elsewhere = ContactEvent {
            channel_type: Some("sms".into()),
            ..delivered()
        };
        let without_number = ContactEvent {
            phone: None,
            ..delivered()
        };
        for other in [
            elsewhere,
            without_number,
            event(EventKind::Read),
            event(EventKind::OptedOut),
            event(EventKind::Acted),
        ] {
            assert!(!other.proves_opt_in(), "{other:?}");
        }
    }

    #[test]
    fn an_event_is_about_a_request_that_left_before_it_or_by_a_clock_a_little_ahead() {
        let read = event(EventKind::Read);
        assert!(read.can_follow(later(read.at, OLDEST)));
        assert!(!read.can_follow(later(later(read.at, OLDEST), SignedDuration::from_secs(1))));
    }

    #[test]
    fn news_keep_their_meaning_on_the_way_through_the_checkpoint() {
        let read = event(EventKind::Read);
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<ContactEvent>(&json).unwrap(), read);
        let echo = ContactEvent {
            phone: None,
            ..event(EventKind::Echoed {
                message: "1".into(),
                ours: Some(OurKey {
                    checkpoint: None,
                    batch: "spring".into(),
                    seq: 7,
                }),
            })
        };
        let json = serde_json::to_string(&echo).unwrap();
        assert_eq!(serde_json::from_str::<ContactEvent>(&json).unwrap(), echo);
    }
}
