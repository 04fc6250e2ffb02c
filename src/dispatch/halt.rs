//! Why a batch was stopped.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::masking::without_numbers;
use crate::domain::outcome::FatalKind;

/// Why the guards stopped a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// The API refuses everything.
    Fatal {
        /// Why.
        kind: FatalKind,
        /// Its text.
        text: String,
    },
    /// Refusals of unknown text that all read the same.
    IdenticalRefusals {
        /// The text, digits replaced.
        text: String,
        /// How many.
        count: u32,
    },
    /// "No Messenger" too often in a row to be chance. The recipients are held.
    NoMessengerRun {
        /// The text, digits replaced.
        text: String,
        /// How many.
        count: u32,
        /// Whether the text is known to mean it.
        known: bool,
    },
    /// The message is refused for every recipient. The recipients are queued.
    Message {
        /// What is the matter.
        what: &'static str,
        /// The API's text.
        text: String,
        /// How many.
        count: u32,
    },
    /// The API cannot be reached, or does not answer.
    Outage {
        /// Tries in a row.
        tries: u32,
        /// Since the first of them.
        elapsed: Duration,
        /// The last failure.
        text: String,
    },
    /// The clock of this machine and the API's differ.
    WrongClock {
        /// The time here.
        ours: Timestamp,
        /// The time by the API's answer.
        theirs: Timestamp,
    },
    /// The reserve is as large as the quota: nothing could ever be sent.
    Reserve {
        /// Requests that a window allows.
        limit: u64,
    },
}

/// Numbers in the API's text are left out: it goes to screens, logs and mails.
impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fatal { kind, text } => write!(f, "{kind}: {}", without_numbers(text)),
            Self::IdenticalRefusals { text, count } => {
                write!(
                    f,
                    "{count} recipients were refused with the same text, and none was accepted meanwhile: {}",
                    without_numbers(text)
                )
            }
            Self::NoMessengerRun { text, count, known } => write!(
                f,
                "{count} recipients in a row count as without Messenger, more than chance explains{}: {}",
                if *known {
                    ""
                } else {
                    ", and nobody knows what the text means"
                },
                without_numbers(text)
            ),
            Self::Message { what, text, count } => {
                write!(
                    f,
                    "{what} ({count} people in a row): {}",
                    without_numbers(text)
                )
            }
            Self::Outage {
                tries,
                elapsed,
                text,
            } => write!(
                f,
                "no usable answer in {tries} tries over {} s: {}",
                elapsed.as_secs(),
                without_numbers(text)
            ),
            Self::WrongClock { ours, theirs } => write!(
                f,
                "this machine's clock says {}, the API's says {}",
                ours.strftime("%Y-%m-%d %H:%M:%S UTC"),
                theirs.strftime("%Y-%m-%d %H:%M:%S UTC")
            ),
            Self::Reserve { limit } => write!(
                f,
                "the reserve leaves nothing of the quota of {limit} requests in a window"
            ),
        }
    }
}
