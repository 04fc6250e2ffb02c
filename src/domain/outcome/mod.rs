//! What an answer means. No other place reads status codes.
//!
//! The API documents few answers and no machine-readable reasons, so that every rule here is chosen
//! to be safe under both readings: where an answer leaves open whether a message went out, the
//! outcome is [`Outcome::Undecided`], which is never sent again by itself.

mod answer;
mod attempt;
mod classify;
mod kinds;

pub use answer::{Address, Answer, Exchange, Receipt, Written};
pub(crate) use answer::{LastAnswer, MESSENGER};
pub use attempt::AttemptOutcome;
pub use classify::classify;
pub(crate) use kinds::{FatalKind, Refusal};
pub use kinds::{KnownBy, Outcome, RejectionCause};

#[cfg(test)]
mod tests;
