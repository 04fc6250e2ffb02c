//! How an attempt ended: the words of the audit.

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
    /// An event about the person came, and the follow-up that waited for it is due.
    Event,
}

impl AttemptOutcome {
    /// All of them.
    pub(crate) const ALL: [Self; 20] = [
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
        Self::Event,
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
            Self::Event => "event",
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

impl std::str::FromStr for AttemptOutcome {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.word() == word)
            .ok_or_else(|| format!("`{word}` is not an outcome of an attempt"))
    }
}
