//! What a refusal can be about.

use crate::domain::worded::worded_enum;

worded_enum! {
    /// What a refusal is about.
    pub enum Meaning: "what a refusal is about" {
        /// The number has no account on the channel.
        NoMessenger = "no_messenger",
        /// This recipient: blocked, outside the 24 hours, ...
        Person = "person",
        /// The message: it is refused for every recipient.
        Message = "message",
        /// The page, the app, a permission, a fee, the connection, a restriction: nobody can be reached.
        Channel = "channel",
        /// A limit of the platform: nothing was sent, and nothing will be for a while.
        Wait = "wait",
        /// Surely not sent, to be tried again.
        Later = "later",
    }
}

impl Meaning {
    /// What becomes of a recipient that was held for it: true if it ends, false if it is sent to again.
    pub(crate) const fn is_final(self) -> bool {
        match self {
            Self::NoMessenger | Self::Person => true,
            Self::Message | Self::Channel | Self::Wait | Self::Later => false,
        }
    }
}

/// What a text of the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextMeaning {
    /// It is known what it is about.
    Known(Meaning),
    /// The contact's id is not known to the API or the platform.
    ContactGone,
    /// The text does not say that nothing was sent.
    Undecided,
}
