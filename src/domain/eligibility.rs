//! Whether a person may be messaged now, and if not why not: one function, asked by the preview of a list and
//! by every claim.
//!
//! Only an accepted message suppresses. A request of another batch that is under way, or whose outcome is
//! unknown, makes the row wait: if that request is refused in the end, the person is still messaged.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How far back earlier messages count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HistorySpan {
    /// The repeat guard: the same content is not repeated within this time. Zero turns it off.
    pub repeat_guard: Duration,
    /// A person who got any message within this time is skipped. Zero turns it off.
    pub not_within: Duration,
}

/// What a row waits for, as it is kept with it.
pub(crate) fn waits_for(row: u32, batch: &str) -> String {
    format!("waits for row {row} of batch {batch}")
}

/// The batch in such a text.
pub(crate) fn waited_for(text: &str) -> Option<&str> {
    text.split_once(" of batch ").map(|(_, batch)| batch)
}

/// What is known of a request's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its answer is awaited.
    UnderWay,
    /// Its answer was lost: it may have been accepted.
    Unknown,
    /// It was accepted, by whatever way that was learned.
    Accepted,
}

/// A request to the person that was accepted, or may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact about the request; any of them may go with any other"
)]
pub(crate) struct PastRequest {
    /// When it left.
    pub(crate) at: Timestamp,
    /// What became of it.
    pub(crate) fate: Fate,
    /// Whether it belongs to the batch that asks, for another of its rows.
    pub(crate) same_batch: bool,
    /// Whether it carried the same content through the same channel.
    pub(crate) same_content: bool,
    /// Whether its batch still has people to message.
    pub(crate) batch_unfinished: bool,
    /// Whether it was decided that whom its batch messaged is left out, whatever the message.
    pub(crate) skipped: bool,
}

/// What is decided about the person; `usize` is the index of the request that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eligibility {
    /// May be messaged.
    Now,
    /// Another row of the same batch has the message already.
    SameBatch(usize),
    /// Has the same message already.
    Repeated(usize),
    /// Has another message already, and was to be left out.
    Skipped(usize),
    /// Got a message too recently.
    TooSoon(usize),
    /// Cannot be decided before it is known what became of that request.
    Waits(usize),
}

/// Decides from what is known of earlier requests. A person on the suppression list never comes here.
///
/// A time later than `now` counts as `now`: the clock was wrong then, or is now.
pub(crate) fn decide(past: &[PastRequest], span: HistorySpan, now: Timestamp) -> Eligibility {
    let mut waits = None;
    for (index, request) in past.iter().enumerate() {
        let Some(found) = judge(request, index, span, now) else {
            continue;
        };
        match request.fate {
            // What was accepted decides at once; what is open only if nothing accepted does.
            Fate::Accepted => return found,
            Fate::UnderWay | Fate::Unknown => waits = waits.or(Some(index)),
        }
    }
    waits.map_or(Eligibility::Now, Eligibility::Waits)
}

/// What this request would decide if it was accepted.
fn judge(
    request: &PastRequest,
    index: usize,
    span: HistorySpan,
    now: Timestamp,
) -> Option<Eligibility> {
    if request.same_batch {
        return Some(Eligibility::SameBatch(index));
    }
    let within = |span: Duration| {
        let age = now.duration_since(request.at).max(SignedDuration::ZERO);
        !span.is_zero() && age.unsigned_abs() <= span
    };
    let guarded = !span.repeat_guard.is_zero() && request.same_content;
    // An unfinished batch may have begun long ago: whom it messaged is skipped without a limit of time.
    if guarded && (request.batch_unfinished || within(span.repeat_guard)) {
        return Some(Eligibility::Repeated(index));
    }
    if request.skipped {
        return Some(Eligibility::Skipped(index));
    }
    within(span.not_within).then_some(Eligibility::TooSoon(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + hour * 3600).unwrap()
    }

    fn request(fate: Fate) -> PastRequest {
        PastRequest {
            at: at(0),
            fate,
            same_batch: false,
            same_content: true,
            batch_unfinished: false,
            skipped: false,
        }
    }

    fn guard(hours: u32) -> HistorySpan {
        HistorySpan {
            repeat_guard: HOUR * hours,
            not_within: Duration::ZERO,
        }
    }

    #[test]
    fn the_same_message_is_not_repeated_within_the_guard() {
        let past = [request(Fate::Accepted)];
        assert_eq!(decide(&past, guard(12), at(12)), Eligibility::Repeated(0));
        assert_eq!(decide(&past, guard(12), at(13)), Eligibility::Now);
        assert_eq!(decide(&past, guard(0), at(1)), Eligibility::Now);
    }

    #[test]
    fn while_a_batch_is_unfinished_its_messages_count_without_a_limit_of_time() {
        let past = [PastRequest {
            batch_unfinished: true,
            ..request(Fate::Accepted)
        }];
        assert_eq!(decide(&past, guard(12), at(1000)), Eligibility::Repeated(0));
        assert_eq!(decide(&past, guard(0), at(1000)), Eligibility::Now);
    }

    #[test]
    fn what_may_have_been_accepted_makes_others_wait_and_never_suppresses() {
        for fate in [Fate::UnderWay, Fate::Unknown] {
            assert_eq!(
                decide(&[request(fate)], guard(12), at(1)),
                Eligibility::Waits(0)
            );
            let both = [request(fate), request(Fate::Accepted)];
            assert_eq!(decide(&both, guard(12), at(1)), Eligibility::Repeated(1));
        }
    }

    #[test]
    fn another_content_counts_for_not_within_alone() {
        let past = [PastRequest {
            same_content: false,
            ..request(Fate::Accepted)
        }];
        let within = HistorySpan {
            not_within: HOUR * 24,
            ..guard(12)
        };
        assert_eq!(decide(&past, guard(12), at(1)), Eligibility::Now);
        assert_eq!(decide(&past, within, at(1)), Eligibility::TooSoon(0));
        assert_eq!(decide(&past, within, at(25)), Eligibility::Now);
    }

    #[test]
    fn whom_another_batch_messaged_is_left_out_where_that_was_decided() {
        let past = |fate| {
            [PastRequest {
                same_content: false,
                skipped: true,
                ..request(fate)
            }]
        };
        let decided = |fate| decide(&past(fate), guard(0), at(1000));
        assert_eq!(decided(Fate::Accepted), Eligibility::Skipped(0));
        assert_eq!(decided(Fate::Unknown), Eligibility::Waits(0));
    }

    #[test]
    fn a_time_that_has_not_come_counts_as_now() {
        let past = [request(Fate::Accepted)];
        assert_eq!(decide(&past, guard(12), at(-72)), Eligibility::Repeated(0));
    }

    #[test]
    fn nobody_is_messaged_twice_in_one_batch_whatever_the_guard() {
        let past = [PastRequest {
            same_batch: true,
            same_content: false,
            ..request(Fate::Accepted)
        }];
        assert_eq!(decide(&past, guard(0), at(1000)), Eligibility::SameBatch(0));
    }
}
