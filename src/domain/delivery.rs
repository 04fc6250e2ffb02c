//! The states of a recipient, and the one function that moves between them.
//!
//! ```text
//!             +-> invalid | duplicate | suppressed          (intake)
//! row --------+
//!             +-> queued --claim--> sending --201--> sent
//!                    ^                 |---422 no match--> no_messenger
//!                    |                 |---other refusal--> error
//!                    |                 |---lost answer, crash while sending--> unknown
//!                    +---429, a limit, surely-not-sent failure, stop of the batch, a guard's doubt
//! unknown --evidence--> sent | no_messenger | error ; --the user says resend--> queued
//! no_messenger --another channel is left--> queued for that one
//! ```
//!
//! What is delivered, read or opted in are facts on the message, not states.

use super::worded::worded_enum;

worded_enum! {
    /// The state of a recipient. Every recipient is in exactly one.
    pub enum State: "a state of a recipient" {
        /// The API accepted the message.
        Sent = "sent",
        /// The API says that no Messenger account matches the number.
        NoMessenger = "no_messenger",
        /// The API refused this recipient, or reported that delivery failed.
        Error = "error",
        /// A request may have arrived, but its answer was lost. Never sent again by itself.
        Unknown = "unknown",
        /// The row cannot be sent as it stands.
        Invalid = "invalid",
        /// The number stands in an earlier row.
        Duplicate = "duplicate",
        /// The number must not be messaged.
        Suppressed = "suppressed",
        /// Not sent yet.
        Queued = "queued",
        /// The intent is on disk; a request may be on its way.
        Sending = "sending",
    }
}

/// The word for a recipient that is queued in a batch that was given up.
pub(crate) const CANCELLED: &str = "cancelled";

impl State {
    /// True while the dispatcher still has to decide about the recipient.
    pub const fn is_outstanding(self) -> bool {
        match self {
            Self::Queued | Self::Sending => true,
            Self::Sent
            | Self::NoMessenger
            | Self::Error
            | Self::Unknown
            | Self::Invalid
            | Self::Duplicate
            | Self::Suppressed => false,
        }
    }

    /// True if the recipient did not get the message, and may get it.
    pub const fn is_unreached(self) -> bool {
        match self {
            Self::Queued | Self::NoMessenger | Self::Error | Self::Invalid => true,
            Self::Sending | Self::Sent | Self::Unknown | Self::Duplicate | Self::Suppressed => {
                false
            }
        }
    }

    /// True if a message to this number went out, or may have: it must not go out again.
    pub const fn counts_as_messaged(self) -> bool {
        match self {
            Self::Sending | Self::Sent | Self::Unknown => true,
            Self::Queued
            | Self::NoMessenger
            | Self::Error
            | Self::Invalid
            | Self::Duplicate
            | Self::Suppressed => false,
        }
    }
}

/// What can happen to a recipient after intake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The dispatcher takes the recipient: the intent goes to disk.
    Claimed,
    /// The API accepted the message.
    Accepted,
    /// The API says that the number has no Messenger.
    NoMatch,
    /// The API refused this recipient.
    Refused,
    /// Nothing was sent and the recipient may be tried again: 429, no connection, batch stopped.
    Released,
    /// The request may have arrived, the answer is lost: timeout, broken answer, 5xx, crash.
    AnswerLost,
    /// A webhook event or the message list proves that the message was accepted.
    ProvenSent,
    /// A webhook event says that the number is not reachable on this channel.
    ProvenNoMatch,
    /// A webhook event says that delivery failed.
    ProvenFailed,
    /// The user decided to count an unknown outcome as sent.
    AssumedSent,
    /// The user decided to send once more.
    Resend,
    /// The number must not be messaged (suppression list, repeat guard, `--update`).
    Suppress,
    /// An edited list brings back a number that an earlier edit had removed.
    Restore,
    /// The same, of a row for which a request left whose answer was lost, before it was suppressed.
    RestoreOpen,
    /// The refusal said nothing about the recipient, or is to be tried again by decision.
    TakenBack,
    /// The person is not reached on this channel, and is tried on the next one.
    FallsBack,
}

/// An event that cannot happen in a state: a bug, reported and never acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a recipient that is `{state}` cannot take the event {event:?}; this is a bug, please report it"
)]
pub struct ImpossibleTransition {
    /// The state in which the event came.
    pub state: State,
    /// The event.
    pub event: Event,
}

/// The state after `event`.
///
/// # Errors
/// `ImpossibleTransition` for a pair that cannot happen; nothing may be stored then.
pub const fn next(state: State, event: Event) -> Result<State, ImpossibleTransition> {
    let next = match state {
        State::Queued => from_queued(event),
        State::Sending => from_sending(event),
        State::Sent => from_sent(event),
        State::Unknown => from_unknown(event),
        State::NoMessenger | State::Error => from_refused(state, event),
        State::Suppressed => match event {
            Event::Restore => Some(State::Queued),
            // It may have the message: nobody is judged anew as if nothing had left.
            Event::RestoreOpen => Some(State::Unknown),
            // A request whose answer was lost had left before the row was suppressed: evidence still shows
            // what became of it.
            Event::Accepted | Event::ProvenSent => Some(State::Sent),
            Event::Suppress
            | Event::NoMatch
            | Event::Refused
            | Event::Released
            | Event::AnswerLost
            | Event::ProvenNoMatch
            | Event::ProvenFailed => Some(State::Suppressed),
            Event::Claimed
            | Event::AssumedSent
            | Event::Resend
            | Event::TakenBack
            | Event::FallsBack => None,
        },
        State::Invalid | State::Duplicate => None,
    };
    match next {
        Some(next) => Ok(next),
        None => Err(ImpossibleTransition { state, event }),
    }
}

const fn from_queued(event: Event) -> Option<State> {
    match event {
        Event::Claimed => Some(State::Sending),
        Event::Suppress => Some(State::Suppressed),
        // An edit that keeps the row changes nothing.
        Event::Restore => Some(State::Queued),
        // Queued for another try after a lost answer, and the first one did arrive.
        Event::Accepted | Event::ProvenSent => Some(State::Sent),
        Event::ProvenNoMatch => Some(State::NoMessenger),
        Event::ProvenFailed => Some(State::Error),
        // The late answer to the first request decides nothing about the next one.
        Event::NoMatch | Event::Refused | Event::Released | Event::AnswerLost => {
            Some(State::Queued)
        }
        Event::RestoreOpen
        | Event::AssumedSent
        | Event::Resend
        | Event::TakenBack
        | Event::FallsBack => None,
    }
}

const fn from_sending(event: Event) -> Option<State> {
    match event {
        // A webhook event may overtake the answer to our own request.
        Event::Accepted | Event::ProvenSent => Some(State::Sent),
        Event::NoMatch | Event::ProvenNoMatch => Some(State::NoMessenger),
        Event::Refused | Event::ProvenFailed => Some(State::Error),
        Event::Released => Some(State::Queued),
        Event::AnswerLost => Some(State::Unknown),
        Event::Claimed
        | Event::AssumedSent
        | Event::Resend
        | Event::Suppress
        | Event::Restore
        | Event::RestoreOpen
        | Event::TakenBack
        | Event::FallsBack => None,
    }
}

const fn from_sent(event: Event) -> Option<State> {
    match event {
        // The answer arrives after an event already proved it; redelivered events repeat.
        // What an event proved is kept, whatever the answer to this or to a repeated request says.
        Event::Accepted
        | Event::AnswerLost
        | Event::NoMatch
        | Event::Refused
        | Event::Released
        | Event::ProvenSent => Some(State::Sent),
        Event::ProvenNoMatch => Some(State::NoMessenger),
        Event::ProvenFailed => Some(State::Error),
        Event::Claimed
        | Event::AssumedSent
        | Event::Resend
        | Event::Suppress
        | Event::Restore
        | Event::RestoreOpen
        | Event::TakenBack
        | Event::FallsBack => None,
    }
}

const fn from_unknown(event: Event) -> Option<State> {
    match event {
        // A process that was believed dead, or that a second signal ended, still reports an answer.
        Event::Accepted | Event::ProvenSent | Event::AssumedSent => Some(State::Sent),
        Event::NoMatch | Event::ProvenNoMatch => Some(State::NoMessenger),
        Event::Refused | Event::ProvenFailed => Some(State::Error),
        // Given up too early: the answer came after all, and says that nothing was sent.
        Event::Released | Event::Resend => Some(State::Queued),
        Event::AnswerLost => Some(State::Unknown),
        // An unknown outcome stays one: suppressing it would hide that a message may have gone out.
        Event::Claimed
        | Event::Suppress
        | Event::Restore
        | Event::RestoreOpen
        | Event::TakenBack
        | Event::FallsBack => None,
    }
}

/// A refusal is kept, unless a message arrived after all or the user wants another try.
const fn from_refused(state: State, event: Event) -> Option<State> {
    match event {
        // A failure event may overtake the answer, or its loss; and its repetitions change nothing.
        Event::Accepted
        | Event::NoMatch
        | Event::Refused
        | Event::Released
        | Event::AnswerLost
        | Event::ProvenFailed
        | Event::ProvenNoMatch => Some(state),
        Event::Resend | Event::TakenBack => Some(State::Queued),
        Event::FallsBack => match state {
            State::NoMessenger => Some(State::Queued),
            State::Queued
            | State::Sending
            | State::Sent
            | State::Error
            | State::Unknown
            | State::Invalid
            | State::Duplicate
            | State::Suppressed => None,
        },
        // It arrived after all, or an earlier message of the row did.
        Event::ProvenSent => Some(State::Sent),
        Event::Claimed
        | Event::AssumedSent
        | Event::Suppress
        | Event::Restore
        | Event::RestoreOpen => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 16] = [
        Event::Claimed,
        Event::Accepted,
        Event::NoMatch,
        Event::Refused,
        Event::Released,
        Event::AnswerLost,
        Event::ProvenSent,
        Event::ProvenNoMatch,
        Event::ProvenFailed,
        Event::AssumedSent,
        Event::Resend,
        Event::Suppress,
        Event::Restore,
        Event::RestoreOpen,
        Event::TakenBack,
        Event::FallsBack,
    ];

    #[test]
    fn only_a_queued_recipient_is_ever_claimed() {
        for state in State::ALL {
            assert_eq!(
                next(state, Event::Claimed).is_ok(),
                state == State::Queued,
                "{state}"
            );
        }
    }

    #[test]
    fn whoever_may_have_been_messaged_is_queued_again_only_by_the_users_word_or_a_sure_failure() {
        for state in State::ALL
            .into_iter()
            .filter(|state| state.counts_as_messaged())
        {
            for event in EVENTS {
                if next(state, event) == Ok(State::Queued) {
                    let in_doubt = matches!(state, State::Sending | State::Unknown);
                    let sure = in_doubt && event == Event::Released;
                    let asked = state == State::Unknown && event == Event::Resend;
                    assert!(sure || asked, "{state} + {event:?} goes back to the queue");
                }
            }
        }
    }

    #[test]
    fn no_answer_is_impossible_once_a_request_has_left() {
        let answers = [
            Event::Accepted,
            Event::NoMatch,
            Event::Refused,
            Event::Released,
            Event::AnswerLost,
        ];
        // Whatever an event, or a signal, made of the recipient meanwhile.
        let meanwhile = [
            State::Sending,
            State::Sent,
            State::NoMessenger,
            State::Error,
            State::Unknown,
        ];
        for state in meanwhile {
            for answer in answers {
                assert!(next(state, answer).is_ok(), "{state} + {answer:?}");
            }
        }
    }

    #[test]
    fn who_was_suppressed_after_a_request_that_may_have_arrived_is_unknown_once_lifted() {
        let lifted = next(State::Suppressed, Event::RestoreOpen);
        assert_eq!(lifted, Ok(State::Unknown));
    }

    #[test]
    fn what_was_proved_sent_is_never_queued_again() {
        for event in EVENTS {
            assert_ne!(next(State::Sent, event), Ok(State::Queued), "{event:?}");
        }
    }

    #[test]
    fn intake_verdicts_are_final() {
        for event in EVENTS {
            assert!(next(State::Invalid, event).is_err());
            assert!(next(State::Duplicate, event).is_err());
        }
    }

    #[test]
    fn every_word_names_its_state() {
        for state in State::ALL {
            assert_eq!(state.word().parse(), Ok(state));
        }
        assert!("Sent".parse::<State>().is_err());
    }
}
