//! How an attempt ended: the words of the audit.

use crate::domain::worded::worded_enum;

worded_enum! {
    /// How an attempt ended, or who decided about its recipient: the word in the audit.
    pub enum AttemptOutcome: "an outcome of an attempt" {
        /// The API accepted the message.
        Sent = "sent",
        /// No Messenger for the number.
        NoMessenger = "no_messenger",
        /// The API refused this recipient.
        Rejected = "rejected",
        /// The same, and it is known to be about the recipient.
        Person = "person",
        /// The same, and it is known to be about the message.
        Message = "message",
        /// The contact's id was not known any more.
        ContactGone = "contact_gone",
        /// A limit of the platform put the request off.
        Limited = "limited",
        /// Surely not sent, for a reason that passes.
        Later = "later",
        /// The API put the request off (429).
        Throttled = "throttled",
        /// Surely nothing was written.
        NotSent = "not_sent",
        /// The answer was lost.
        Undecided = "undecided",
        /// The answer stopped the batch.
        Fatal = "fatal",
        /// The process ended before the answer came.
        Interrupted = "interrupted",
        /// An event or the message list proved what had become of it.
        Evidence = "evidence",
        /// The user counted it as sent.
        AssumedSent = "assumed_sent",
        /// The user decided to send once more.
        Resend = "resend",
        /// A guard took the result back: it said nothing about the recipient.
        TakenBack = "taken_back",
        /// The user said what the refusal means.
        Decided = "decided",
        /// The person was not reached, and goes on to the next channel.
        FellBack = "fell_back",
        /// An event about the person came, and the follow-up that waited for it is due.
        Event = "event",
    }
}

impl AttemptOutcome {
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
            | Self::FellBack
            | Self::Event => false,
        }
    }

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
            | Self::FellBack
            | Self::Event => false,
        }
    }
}
