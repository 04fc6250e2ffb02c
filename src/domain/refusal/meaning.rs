//! Whose matter a refusal can be.

use std::fmt;
use std::str::FromStr;

/// Whose matter a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meaning {
    /// The number has no account on the channel.
    NoMessenger,
    /// This recipient: blocked, outside the 24 hours, ...
    Person,
    /// The message: whoever gets it, it is refused.
    Message,
    /// The page, the app, a permission, a fee, the connection, a restriction: nobody can be reached.
    Channel,
    /// A limit of the platform: nothing was sent, and nothing will be for a while.
    Wait,
    /// Surely not sent, to be tried again.
    Later,
}

impl Meaning {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NoMessenger,
        Self::Person,
        Self::Message,
        Self::Channel,
        Self::Wait,
        Self::Later,
    ];

    /// The word in flags, settings and the checkpoint.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoMessenger => "no_messenger",
            Self::Person => "person",
            Self::Message => "message",
            Self::Channel => "channel",
            Self::Wait => "wait",
            Self::Later => "later",
        }
    }

    /// What becomes of a recipient that was held for it: true if it ends, false if it is sent to again.
    pub(crate) const fn is_final(self) -> bool {
        match self {
            Self::NoMessenger | Self::Person => true,
            Self::Message | Self::Channel | Self::Wait | Self::Later => false,
        }
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Meaning {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|meaning| meaning.word() == word)
            .ok_or(())
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
