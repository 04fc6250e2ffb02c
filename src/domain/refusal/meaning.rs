//! Whose matter a refusal can be.

use crate::domain::worded::worded_enum;

worded_enum! {
    /// Whose matter a refusal is.
    pub enum Meaning: "whose matter a refusal is" {
        /// The number has no account on the channel.
        NoMessenger = "no_messenger",
        /// This recipient: blocked, outside the 24 hours, ...
        Person = "person",
        /// The message: whoever gets it, it is refused.
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
pub(crate) enum Means {
    /// It is known whose matter it is.
    Known(Meaning),
    /// The contact's id is not known to the API or the platform.
    ContactGone,
    /// The text does not say that nothing was sent.
    Undecided,
}
