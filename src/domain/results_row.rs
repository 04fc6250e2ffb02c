//! A row of a results file, and what it changes in the checkpoint.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::delivery::State;
use super::fold;
use super::phone::PhoneNumber;
use super::text::hex;

/// A row of a results file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResultsRow {
    /// The batch; empty in a file that does not name it.
    pub(crate) batch: String,
    /// The channel's id.
    pub(crate) channel: String,
    /// The name of the contacts file.
    pub(crate) file: String,
    /// Its row in that file, as a spreadsheet numbers it.
    pub(crate) row: u32,
    /// Its number, if it has one.
    pub(crate) phone: Option<PhoneNumber>,
    /// Where it stood.
    pub(crate) state: State,
    /// Its batch was given up while it was queued.
    pub(crate) cancelled: bool,
    /// A word for why it stood there.
    pub(crate) reason_code: Option<String>,
    /// The same for people.
    pub(crate) reason: Option<String>,
    /// Requests that left for it.
    pub(crate) attempts: u32,
    /// The message's id, as it stands in the file.
    pub(crate) message_id: Option<String>,
    /// The contact's id, likewise.
    pub(crate) contact_id: Option<String>,
    /// When it was settled.
    pub(crate) finished_at: Option<Timestamp>,
    /// When the message was delivered.
    pub(crate) delivered_at: Option<Timestamp>,
    /// When it was read, at the latest.
    pub(crate) read_at: Option<Timestamp>,
    /// When the person opted in.
    pub(crate) opted_in_at: Option<Timestamp>,
    /// The [digest](content_digest) of the message.
    pub(crate) content: Option<String>,
}

/// The digest that is the same for contents that the repeat guard takes for the same: without the checkpoint's key, so
/// that another checkpoint can compare it. 16 bytes of SHA-256.
pub(crate) fn content_digest(content: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(fold::content(content)).into();
    hex(&digest[..DIGEST_BYTES])
}

const DIGEST_BYTES: usize = 16;

/// Whether a text is a digest as it was written: a spreadsheet may have taken it for a number.
pub(crate) fn is_content_digest(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    text.len() == 2 * DIGEST_BYTES && text.bytes().all(is_digit)
}

/// What the checkpoint knows of a row that the file holds too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredRow {
    /// Where it stands.
    pub(crate) state: State,
    /// A message for it was accepted, whatever became of it since.
    pub(crate) accepted: bool,
    /// The requests that are known.
    pub(crate) requests: u32,
}

/// What the row of a file changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowUpdate {
    /// Nothing: as much is known already.
    None,
    /// Its number reaches nobody; as far as was known, it was not tried yet.
    NotReached,
    /// Its message was accepted.
    Accepted,
    /// Its message may have been accepted: its outcome is unknown.
    Unknown,
    /// The same, and the row is settled for another reason, which stays.
    MayBeAccepted,
}

/// What changes at a row that a results file has in state `imported` after `attempts` requests. What is known is never
/// made weaker: an acceptance stays, and a request that is known already is not unknown again.
pub(crate) fn row_update(known: StoredRow, imported: State, attempts: u32) -> RowUpdate {
    match imported {
        State::Sent if known.accepted => RowUpdate::None,
        State::Sent => RowUpdate::Accepted,
        State::Unknown | State::Sending => match known.state {
            _ if known.accepted || known.requests >= attempts.max(1) => RowUpdate::None,
            State::Queued => RowUpdate::Unknown,
            State::Suppressed | State::NoMessenger | State::Error => RowUpdate::MayBeAccepted,
            State::Sent | State::Sending | State::Unknown | State::Invalid | State::Duplicate => {
                RowUpdate::None
            }
        },
        State::NoMessenger if known.state == State::Queued && known.requests == 0 => {
            RowUpdate::NotReached
        }
        State::Queued
        | State::NoMessenger
        | State::Error
        | State::Invalid
        | State::Duplicate
        | State::Suppressed => RowUpdate::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(state: State, accepted: bool, requests: u32) -> StoredRow {
        StoredRow {
            state,
            accepted,
            requests,
        }
    }

    #[test]
    fn an_acceptance_is_learned_once_and_never_lost() {
        for state in State::ALL {
            let there = known(state, true, 1);
            for told in State::ALL {
                assert_eq!(
                    row_update(there, told, 9),
                    RowUpdate::None,
                    "{state} {told}"
                );
            }
        }
        for state in [
            State::Queued,
            State::Unknown,
            State::Error,
            State::Suppressed,
        ] {
            let before = known(state, false, 0);
            assert_eq!(row_update(before, State::Sent, 1), RowUpdate::Accepted);
        }
    }

    #[test]
    fn an_unknown_outcome_that_was_decided_since_is_not_unknown_again() {
        assert_eq!(
            row_update(known(State::Queued, false, 0), State::Unknown, 1),
            RowUpdate::Unknown
        );
        let to_be_sent_again = known(State::Queued, false, 1);
        assert_eq!(
            row_update(to_be_sent_again, State::Unknown, 1),
            RowUpdate::None
        );
        assert_eq!(
            row_update(to_be_sent_again, State::Unknown, 2),
            RowUpdate::Unknown
        );
        assert_eq!(
            row_update(known(State::Suppressed, false, 0), State::Unknown, 0),
            RowUpdate::MayBeAccepted
        );
    }

    #[test]
    fn that_a_number_was_not_reached_is_learned_of_a_row_for_which_nothing_was_tried() {
        let of = |state, requests| row_update(known(state, false, requests), State::NoMessenger, 1);
        assert_eq!(of(State::Queued, 0), RowUpdate::NotReached);
        assert_eq!(of(State::Queued, 1), RowUpdate::None);
        for state in [State::Suppressed, State::Error, State::Unknown] {
            assert_eq!(of(state, 0), RowUpdate::None, "{state}");
        }
    }

    #[test]
    fn a_digest_that_a_spreadsheet_changed_is_none() {
        let digest = content_digest(r#"{"payload":"Hi"}"#);
        assert!(is_content_digest(&digest), "{digest}");
        assert_eq!(content_digest(r#"{ "payload": "Hi " }"#), digest);
        for text in ["", "1.2E+31", "7391", &digest.to_uppercase()[..]] {
            assert!(!is_content_digest(text), "{text}");
        }
    }
}
