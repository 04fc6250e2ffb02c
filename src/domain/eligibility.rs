//! Whether a person may be messaged now, and if not why not: one function, asked by the preview of a list and
//! by every claim.
//!
//! Only an accepted message suppresses, and one that may have been accepted where a person decided not to wait
//! for the answer. A request of another batch that is under way, or whose outcome is
//! unknown, makes the row wait: if that request is refused in the end, the person is still messaged.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How far back earlier messages and answers count. Kept with the batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistorySpan {
    /// The repeat guard: the same content is not repeated within this time. Zero turns it off.
    pub repeat_guard: Duration,
    /// A person who got any message within this time is skipped. Zero turns it off.
    pub not_within: Duration,
    /// A number that was answered "no Messenger" within this time is skipped on that channel. Zero turns it off.
    pub no_messenger: Duration,
}

impl fmt::Display for HistorySpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans = [
            ("repeat-guard", self.repeat_guard),
            ("not-within", self.not_within),
            ("skip-no-messenger-within", self.no_messenger),
        ];
        for (at, (what, span)) in spans.into_iter().enumerate() {
            let gap = if at == 0 { "" } else { ", " };
            match SignedDuration::try_from(span) {
                Ok(span) if !span.is_zero() => write!(f, "{gap}{what} {span:#}")?,
                Ok(_) => write!(f, "{gap}{what} off")?,
                Err(_) => write!(f, "{gap}{what} for ever")?,
            }
        }
        Ok(())
    }
}

/// What replaces parts of a kept [`HistorySpan`]; `None` leaves a part as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HistoryOverrides {
    /// The repeat guard.
    pub repeat_guard: Option<Duration>,
    /// `--not-within`.
    pub not_within: Option<Duration>,
    /// `--skip-no-messenger-within`.
    pub no_messenger: Option<Duration>,
}

impl HistoryOverrides {
    /// What holds where `kept` held before.
    #[must_use]
    pub fn over(self, kept: HistorySpan) -> HistorySpan {
        HistorySpan {
            repeat_guard: self.repeat_guard.unwrap_or(kept.repeat_guard),
            not_within: self.not_within.unwrap_or(kept.not_within),
            no_messenger: self.no_messenger.unwrap_or(kept.no_messenger),
        }
    }
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
pub enum RequestOutcome {
    /// Its answer is awaited.
    UnderWay,
    /// Its answer was lost: it may have been accepted.
    Unknown,
    /// It may have been accepted, and nobody waits to learn it: a person decided to send again, whatever
    /// became of it. Its own batch has that decision; every other counts it as accepted.
    SentAgain,
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
    pub(crate) outcome: RequestOutcome,
    /// Whether it belongs to the batch that asks, for another of its rows.
    pub(crate) same_batch: bool,
    /// Whether it carried the same content through the same channel.
    pub(crate) same_content: bool,
    /// Whether its batch still has people to message.
    pub(crate) batch_unfinished: bool,
    /// Whether it left while the batch that asks was unfinished.
    pub(crate) left_meanwhile: bool,
    /// Whether it was decided to leave out the people whom its batch messaged, whatever the message.
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
    /// Was answered "no Messenger" too recently.
    NoMessenger(Timestamp),
    /// Cannot be decided before it is known what became of that request.
    Waits(usize),
}

/// Whether something that happened `at` that time counts within `span`; zero counts nothing.
///
/// A time later than `now` counts as `now`: the clock was wrong then, or is now.
pub(crate) fn is_within(span: Duration, at: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(at).max(SignedDuration::ZERO);
    !span.is_zero() && age.unsigned_abs() <= span
}

/// Decides from what is known of earlier requests, and from when the number was found to have no Messenger on the
/// channel that is asked about. A person on the suppression list never comes here.
pub(crate) fn decide(
    past: &[PastRequest],
    unreached: Option<Timestamp>,
    span: HistorySpan,
    now: Timestamp,
) -> Eligibility {
    let mut waits = None;
    for (index, request) in past.iter().enumerate() {
        let Some(found) = judge(request, index, span, now) else {
            continue;
        };
        match request.outcome {
            // What was accepted decides at once; what is open only if nothing accepted does.
            RequestOutcome::Accepted | RequestOutcome::SentAgain => return found,
            RequestOutcome::UnderWay | RequestOutcome::Unknown => waits = waits.or(Some(index)),
        }
    }
    match unreached {
        // Whatever becomes of what is open: the number is not reached on this channel.
        Some(at) if is_within(span.no_messenger, at, now) => Eligibility::NoMessenger(at),
        Some(_) | None => waits.map_or(Eligibility::Now, Eligibility::Waits),
    }
}

/// The same for another number of a row, which no claim asks about again: what may have been accepted counts as accepted, and
/// whether that number has Messenger says nothing of this one.
pub(crate) fn decide_for_other_number(
    past: &[PastRequest],
    span: HistorySpan,
    now: Timestamp,
) -> Eligibility {
    let settled = past.iter().map(|request| PastRequest {
        outcome: match request.outcome {
            RequestOutcome::UnderWay | RequestOutcome::Unknown | RequestOutcome::Accepted => {
                RequestOutcome::Accepted
            }
            RequestOutcome::SentAgain => RequestOutcome::SentAgain,
        },
        ..*request
    });
    decide(&settled.collect::<Vec<_>>(), None, span, now)
}

/// What this request would decide if it was accepted.
fn judge(
    request: &PastRequest,
    index: usize,
    span: HistorySpan,
    now: Timestamp,
) -> Option<Eligibility> {
    if request.same_batch {
        let decided = request.outcome == RequestOutcome::SentAgain;
        return (!decided).then_some(Eligibility::SameBatch(index));
    }
    let within = |span| is_within(span, request.at, now);
    let guarded = !span.repeat_guard.is_zero() && request.same_content;
    // An unfinished batch may have begun long ago: whom it messaged is skipped without a limit of time, and so is who
    // has got the message while the batch that asks was unfinished.
    let without_limit = request.batch_unfinished || request.left_meanwhile;
    if guarded && (without_limit || within(span.repeat_guard)) {
        return Some(Eligibility::Repeated(index));
    }
    if request.skipped {
        return Some(Eligibility::Skipped(index));
    }
    within(span.not_within).then_some(Eligibility::TooSoon(index))
}

#[cfg(test)]
mod tests {
    use super::{decide as decide_all, *};

    const HOUR: Duration = Duration::from_hours(1);

    fn decide(past: &[PastRequest], span: HistorySpan, now: Timestamp) -> Eligibility {
        decide_all(past, None, span, now)
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + hour * 3600).unwrap()
    }

    fn request(outcome: RequestOutcome) -> PastRequest {
        PastRequest {
            at: at(0),
            outcome,
            same_batch: false,
            same_content: true,
            batch_unfinished: false,
            left_meanwhile: false,
            skipped: false,
        }
    }

    fn guard(hours: u32) -> HistorySpan {
        HistorySpan {
            repeat_guard: HOUR * hours,
            ..HistorySpan::default()
        }
    }

    #[test]
    fn the_same_message_is_not_repeated_within_the_guard() {
        let past = [request(RequestOutcome::Accepted)];
        assert_eq!(decide(&past, guard(12), at(12)), Eligibility::Repeated(0));
        assert_eq!(decide(&past, guard(12), at(13)), Eligibility::Now);
        assert_eq!(decide(&past, guard(0), at(1)), Eligibility::Now);
    }

    #[test]
    fn while_a_batch_is_unfinished_its_messages_count_without_a_limit_of_time() {
        let past = [PastRequest {
            batch_unfinished: true,
            ..request(RequestOutcome::Accepted)
        }];
        assert_eq!(decide(&past, guard(12), at(1000)), Eligibility::Repeated(0));
        assert_eq!(decide(&past, guard(0), at(1000)), Eligibility::Now);
    }

    #[test]
    fn who_got_the_message_while_the_batch_was_unfinished_does_not_get_it_again() {
        let past = [PastRequest {
            left_meanwhile: true,
            ..request(RequestOutcome::Accepted)
        }];
        assert_eq!(decide(&past, guard(12), at(1000)), Eligibility::Repeated(0));
        assert_eq!(decide(&past, guard(0), at(1000)), Eligibility::Now);
    }

    #[test]
    fn what_may_have_been_accepted_makes_others_wait_and_never_suppresses() {
        for outcome in [RequestOutcome::UnderWay, RequestOutcome::Unknown] {
            assert_eq!(
                decide(&[request(outcome)], guard(12), at(1)),
                Eligibility::Waits(0)
            );
            let both = [request(outcome), request(RequestOutcome::Accepted)];
            assert_eq!(decide(&both, guard(12), at(1)), Eligibility::Repeated(1));
        }
    }

    #[test]
    fn for_another_number_of_a_row_what_may_have_been_accepted_counts_as_accepted() {
        use RequestOutcome::{Accepted, SentAgain, UnderWay, Unknown};
        for outcome in [UnderWay, Unknown, Accepted, SentAgain] {
            let decided = decide_for_other_number(&[request(outcome)], guard(12), at(1));
            assert_eq!(decided, Eligibility::Repeated(0), "{outcome:?}");
        }
        let same_batch = PastRequest {
            same_batch: true,
            ..request(Unknown)
        };
        let decided = |past: &[PastRequest]| decide_for_other_number(past, guard(12), at(1000));
        assert_eq!(decided(&[same_batch]), Eligibility::SameBatch(0));
        assert_eq!(decided(&[request(Accepted)]), Eligibility::Now);
        assert_eq!(decided(&[]), Eligibility::Now);
    }

    #[test]
    fn another_content_counts_for_not_within_alone() {
        let past = [PastRequest {
            same_content: false,
            ..request(RequestOutcome::Accepted)
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
        let past = |outcome| {
            [PastRequest {
                same_content: false,
                skipped: true,
                ..request(outcome)
            }]
        };
        let decided = |outcome| decide(&past(outcome), guard(0), at(1000));
        assert_eq!(decided(RequestOutcome::Accepted), Eligibility::Skipped(0));
        assert_eq!(decided(RequestOutcome::Unknown), Eligibility::Waits(0));
    }

    #[test]
    fn what_was_sent_again_by_decision_counts_for_every_other_batch() {
        let past = |same_batch| {
            [PastRequest {
                same_batch,
                ..request(RequestOutcome::SentAgain)
            }]
        };
        let decided = |same_batch| decide(&past(same_batch), guard(12), at(1));
        assert_eq!(decided(false), Eligibility::Repeated(0));
        assert_eq!(decided(true), Eligibility::Now);
    }

    #[test]
    fn a_time_that_has_not_come_counts_as_now_and_for_nothing_where_the_guard_is_off() {
        let past = [request(RequestOutcome::Accepted)];
        assert_eq!(decide(&past, guard(12), at(-72)), Eligibility::Repeated(0));
        for hour in [-72, 0] {
            assert_eq!(decide(&past, guard(0), at(hour)), Eligibility::Now);
        }
    }

    #[test]
    fn nobody_is_messaged_twice_in_one_batch_whatever_the_guard() {
        let past = [PastRequest {
            same_batch: true,
            same_content: false,
            ..request(RequestOutcome::Accepted)
        }];
        assert_eq!(decide(&past, guard(0), at(1000)), Eligibility::SameBatch(0));
    }

    #[test]
    fn a_number_without_messenger_is_skipped_as_long_as_that_was_asked_for() {
        let span = HistorySpan {
            no_messenger: HOUR * 24,
            ..guard(12)
        };
        let decided = |past: &[PastRequest], hour| decide_all(past, Some(at(0)), span, at(hour));
        assert_eq!(decided(&[], 24), Eligibility::NoMessenger(at(0)));
        assert_eq!(decided(&[], 25), Eligibility::Now);
        assert_eq!(decided(&[], -5), Eligibility::NoMessenger(at(0)));
        assert_eq!(
            decide_all(&[], Some(at(0)), guard(12), at(1)),
            Eligibility::Now
        );
        // What was accepted says more; what is open decides nothing.
        assert_eq!(
            decided(&[request(RequestOutcome::Accepted)], 1),
            Eligibility::Repeated(0)
        );
        assert_eq!(
            decided(&[request(RequestOutcome::Unknown)], 1),
            Eligibility::NoMessenger(at(0))
        );
    }

    #[test]
    fn what_is_not_asked_for_stays_as_it_was_kept() {
        let kept = HistorySpan {
            not_within: HOUR,
            ..guard(12)
        };
        assert_eq!(HistoryOverrides::default().over(kept), kept);
        let off = HistoryOverrides {
            repeat_guard: Some(Duration::ZERO),
            ..HistoryOverrides::default()
        };
        assert_eq!(
            off.over(kept),
            HistorySpan {
                not_within: HOUR,
                ..HistorySpan::default()
            }
        );
    }
}
