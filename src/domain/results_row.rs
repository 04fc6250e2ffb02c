//! A row of a results file, and what it changes in the checkpoint.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::delivery::State;
use super::fold;
use super::phone::PhoneNumber;
use super::recipient::{NO_CONSENT, REMOVED};
use super::text::hex;

/// The end of the name of a rehearsal's results, before the extension of the format: nobody was messaged.
pub(crate) const REHEARSED: &str = ".sandbox.results";

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
    /// Requests that left for it, one that was under way included.
    pub(crate) attempts: u32,
    /// When a request left that may have been accepted, of a row that is settled for another reason.
    pub(crate) maybe_sent_at: Option<Timestamp>,
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

impl ResultsRow {
    /// Whether a request may have been accepted, and nobody knows.
    pub(crate) fn is_open(&self) -> bool {
        match self.state {
            State::Unknown | State::Sending => true,
            State::NoMessenger | State::Error | State::Suppressed => self.maybe_sent_at.is_some(),
            State::Sent | State::Queued | State::Invalid | State::Duplicate => false,
        }
    }
}

/// What stands before the time, in the reason of a settled row of which a request may have been accepted.
pub(crate) const MAY_HAVE_BEEN_SENT: &str = "it may have been sent at ";

/// Takes that apart: the reason without it, and the time.
pub(crate) fn split_maybe_sent(reason: &str) -> (String, Option<Timestamp>) {
    let found = reason
        .split_once(MAY_HAVE_BEEN_SENT)
        .and_then(|(before, rest)| {
            let (time, after) = rest.split_at(rest.find('Z')? + 1);
            let rest = format!("{}{after}", before.trim_end_matches("; "));
            Some((rest.trim_start_matches("; ").to_owned(), time.parse().ok()?))
        });
    match found {
        Some((rest, at)) => (rest, Some(at)),
        None => (reason.to_owned(), None),
    }
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
    /// The requests that are known, counted as a results file counts them: without those that a limit turned away.
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
    /// Its message may have been accepted: its outcome is unknown, whatever it was settled for before.
    Unknown,
    /// Its list leaves the person out, who is queued here by an older one.
    LeftOut,
}

/// Whether a row is left out because its list refuses the person, or has them no more.
pub(crate) fn is_left_out(state: State, reason_code: Option<&str>) -> bool {
    state == State::Suppressed && matches!(reason_code, Some(NO_CONSENT | REMOVED))
}

/// What it changes that a file has the row in state `imported` after `attempts` requests; `is_open`: one of them may have
/// been accepted, and nobody knows; `is_left_out`: see [`is_left_out`]. What is known is never made weaker: an acceptance stays,
/// and a request that is known already is not unknown again. Whether a list that refuses is the newer one, the file cannot tell: one
/// message too few costs less than one too many.
pub(crate) fn row_update(
    known: StoredRow,
    imported: State,
    attempts: u32,
    (is_open, is_left_out): (bool, bool),
) -> RowUpdate {
    let knows_all = known.requests >= attempts.max(1);
    match imported {
        // Of a row with an acceptance that failed later, a request over another channel may be told.
        State::Sent if known.state == State::Sent || known.accepted && knows_all => RowUpdate::None,
        State::Sent => RowUpdate::Accepted,
        _ if is_open => match known.state {
            _ if knows_all => RowUpdate::None,
            State::Queued | State::Suppressed | State::NoMessenger | State::Error => {
                RowUpdate::Unknown
            }
            State::Sent | State::Sending | State::Unknown | State::Invalid | State::Duplicate => {
                RowUpdate::None
            }
        },
        State::NoMessenger
            if known.state == State::Queued && known.requests == 0 && !known.accepted =>
        {
            RowUpdate::NotReached
        }
        State::Suppressed if is_left_out && known.state == State::Queued && !known.accepted => {
            RowUpdate::LeftOut
        }
        State::Queued
        | State::NoMessenger
        | State::Error
        | State::Unknown
        | State::Sending
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
                for is_open in [true, false] {
                    let update = row_update(there, told, 1, (is_open, true));
                    assert_eq!(update, RowUpdate::None, "{state} {told}");
                }
            }
            let sent = row_update(known(State::Sent, true, 1), state, 9, (true, false));
            assert_eq!(sent, RowUpdate::None, "{state}");
        }
        for state in [
            State::Queued,
            State::Unknown,
            State::Error,
            State::Suppressed,
        ] {
            let before = known(state, false, 0);
            let update = row_update(before, State::Sent, 1, (false, false));
            assert_eq!(update, RowUpdate::Accepted);
        }
    }

    #[test]
    fn an_unknown_outcome_that_was_decided_since_is_not_unknown_again() {
        let of = |state, requests, attempts| {
            row_update(
                known(state, false, requests),
                State::Unknown,
                attempts,
                (true, false),
            )
        };
        assert_eq!(of(State::Queued, 0, 1), RowUpdate::Unknown);
        assert_eq!(of(State::Queued, 1, 1), RowUpdate::None);
        assert_eq!(of(State::Queued, 1, 2), RowUpdate::Unknown);
    }

    #[test]
    fn who_may_have_a_message_is_unknown_whatever_the_row_was_settled_for_here_or_there() {
        let settled = [State::Suppressed, State::Error, State::NoMessenger];
        for here in settled.into_iter().chain([State::Queued]) {
            for there in settled.into_iter().chain([State::Unknown]) {
                let of =
                    |requests| row_update(known(here, false, requests), there, 1, (true, true));
                assert_eq!(of(0), RowUpdate::Unknown, "{here} {there}");
                assert_eq!(of(1), RowUpdate::None, "{here} {there}");
            }
        }
    }

    #[test]
    fn a_message_that_failed_and_went_over_another_channel_is_learned_too() {
        let failed = known(State::Queued, true, 1);
        let of = |told, is_open| row_update(failed, told, 2, (is_open, false));
        assert_eq!(of(State::Sent, false), RowUpdate::Accepted);
        assert_eq!(of(State::Unknown, true), RowUpdate::Unknown);
    }

    #[test]
    fn a_reason_tells_when_the_message_may_have_been_sent() {
        let at = "2026-05-01T10:00:00Z".parse().ok();
        for (reason, rest) in [
            ("it may have been sent at 2026-05-01T10:00:00Z", ""),
            (
                "STOP; it may have been sent at 2026-05-01T10:00:00Z",
                "STOP",
            ),
            (
                "STOP; it may have been sent at 2026-05-01T10:00:00Z; fields without a column: x",
                "STOP; fields without a column: x",
            ),
        ] {
            assert_eq!(split_maybe_sent(reason), (rest.to_owned(), at), "{reason}");
        }
        for reason in [
            "",
            "STOP",
            "it may have been sent at noon",
            "it may have been sent at Z",
        ] {
            assert_eq!(
                split_maybe_sent(reason),
                (reason.to_owned(), None),
                "{reason}"
            );
        }
    }

    #[test]
    fn that_a_number_was_not_reached_is_learned_of_a_row_for_which_nothing_was_tried() {
        let of = |state, requests| {
            row_update(
                known(state, false, requests),
                State::NoMessenger,
                1,
                (false, false),
            )
        };
        assert_eq!(of(State::Queued, 0), RowUpdate::NotReached);
        assert_eq!(of(State::Queued, 1), RowUpdate::None);
        for state in [State::Suppressed, State::Error, State::Unknown] {
            assert_eq!(of(state, 0), RowUpdate::None, "{state}");
        }
    }

    #[test]
    fn who_is_left_out_by_a_list_is_not_queued_by_another_one() {
        let of = |state, accepted| {
            row_update(
                known(state, accepted, 0),
                State::Suppressed,
                0,
                (false, true),
            )
        };
        assert_eq!(of(State::Queued, false), RowUpdate::LeftOut);
        assert_eq!(of(State::Queued, true), RowUpdate::None);
        for state in State::ALL.into_iter().filter(|it| *it != State::Queued) {
            assert_eq!(of(state, false), RowUpdate::None, "{state}");
        }
        for (code, wanted) in [
            (Some("no_consent"), true),
            (Some("removed_by_update"), true),
            (Some("repeat_guard"), false),
            (None, false),
        ] {
            assert_eq!(is_left_out(State::Suppressed, code), wanted, "{code:?}");
            assert!(!is_left_out(State::Error, code));
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
