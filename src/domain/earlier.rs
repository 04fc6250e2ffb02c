//! Whether a person of a new list has another message already, which a person should decide about: the list's text
//! was mended while its batch was under way, or the same text goes over another channel. The same text over the
//! same channel needs no question: it is never sent again ([`super::eligibility`]).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A request of another batch that was accepted, or may have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EarlierRequest {
    /// When it left.
    pub(crate) at: Timestamp,
    /// Whether a person would read the same.
    pub(crate) same_text: bool,
    /// Whether it went through the channel that is used now.
    pub(crate) same_channel: bool,
    /// Whether its batch is unfinished; one that was given up is.
    pub(crate) batch_unfinished: bool,
}

/// In what the message that a person has differs from the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// In its text.
    Text,
    /// Only in its channel.
    Channel,
}

/// What must be decided about the person, if anything. `repeat_guard` is how long the same text counts as repeated;
/// zero turns that off.
pub(crate) fn difference(
    request: &EarlierRequest,
    repeat_guard: Duration,
    now: Timestamp,
) -> Option<Difference> {
    let age = now.duration_since(request.at).max(SignedDuration::ZERO);
    let recent = request.batch_unfinished || age.unsigned_abs() <= repeat_guard;
    match (request.same_text, request.same_channel) {
        (true, true) => None,
        (true, false) => (recent && !repeat_guard.is_zero()).then_some(Difference::Channel),
        (false, _) => request.batch_unfinished.then_some(Difference::Text),
    }
}

/// Whether two lists are the same one but for some rows: one has more than half of the other's numbers.
pub(crate) fn is_same_list(shared: u64, one: u64, other: u64) -> bool {
    shared.saturating_mul(2) > one.min(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUARD: Duration = Duration::from_hours(12);

    fn found(
        same_text: bool,
        same_channel: bool,
        batch_unfinished: bool,
        hours: i64,
    ) -> Option<Difference> {
        let at = Timestamp::UNIX_EPOCH;
        let request = EarlierRequest {
            at,
            same_text,
            same_channel,
            batch_unfinished,
        };
        difference(&request, GUARD, at + SignedDuration::from_hours(hours))
    }

    #[test]
    fn another_text_is_a_question_while_its_batch_is_unfinished() {
        for same_channel in [true, false] {
            assert_eq!(
                found(false, same_channel, true, 1000),
                Some(Difference::Text)
            );
            assert_eq!(
                found(false, same_channel, false, 1),
                None,
                "another campaign"
            );
        }
    }

    #[test]
    fn the_same_text_over_another_channel_is_a_question_as_long_as_it_counts_as_repeated() {
        assert_eq!(found(true, false, false, 12), Some(Difference::Channel));
        assert_eq!(found(true, false, false, 13), None);
        assert_eq!(found(true, false, true, 1000), Some(Difference::Channel));
        assert_eq!(found(true, true, true, 1), None, "it is not sent at all");
        // A clock that was wrong.
        assert_eq!(found(true, false, false, -100), Some(Difference::Channel));
    }

    #[test]
    fn where_the_guard_is_off_the_same_text_over_another_channel_is_no_question() {
        let at = Timestamp::UNIX_EPOCH;
        for batch_unfinished in [true, false] {
            let request = EarlierRequest {
                at,
                same_text: true,
                same_channel: false,
                batch_unfinished,
            };
            assert_eq!(difference(&request, Duration::ZERO, at), None);
        }
    }

    #[test]
    fn a_list_with_more_than_half_of_anothers_numbers_is_that_list() {
        assert!(is_same_list(60, 60, 60));
        assert!(is_same_list(31, 60, 500), "some rows of a long list");
        assert!(is_same_list(60, 500, 60), "rows were added");
        assert!(!is_same_list(30, 60, 60));
        assert!(!is_same_list(0, 0, 0));
    }
}
