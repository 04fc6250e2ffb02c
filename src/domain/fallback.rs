//! Other channels for people whom a batch's channel does not reach: which one a recipient is tried on next. Pure.
//!
//! Nobody gets a message over two channels of one batch, unless the first is proven failed: a recipient with a
//! request that was accepted, or whose outcome is open, stays where it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many people may be queued on another channel without being asked about: it costs money.
pub(crate) const MAX_UNASKED: u64 = 1_000;

/// The most other channels that a batch may have.
pub(crate) const CHANNELS: usize = 8;

/// Which of a batch's channels a recipient is tried on: 0 is the batch's own, 1 the first of `--fallback`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(u8);

impl Step {
    /// The batch's own channel.
    pub const FIRST: Self = Self(0);

    /// The step of this number.
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// Its number, from 0.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Its place in a list of all channels of a batch.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Other channels for people whom the batch's channel does not reach. Kept with the batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// The other channels, in the order in which they are tried.
    pub channels: Vec<OtherChannel>,
    /// Whether people also go on where a channel as a whole is refused.
    #[serde(default)]
    pub on_channel: bool,
    /// How many people may be queued on another channel without being asked about.
    pub at_most: u64,
}

/// Another channel of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherChannel {
    /// The API's id of it.
    pub id: String,
    /// Its own message as one text, for comparison; `None`: the batch's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Fallback {
    /// The other channel of a step; `None` for the first step, and for one that is not there.
    pub(crate) fn channel(&self, step: Step) -> Option<&OtherChannel> {
        self.channels.get(step.index().checked_sub(1)?)
    }

    /// Whether a batch that keeps `kept` can go on with these channels: its rows hold the messages of the kept ones, and
    /// stand at their steps.
    pub(crate) fn extends(&self, kept: &[OtherChannel]) -> bool {
        match self.channels.split_at_checked(kept.len()) {
            Some((same, more)) => same == kept && more.iter().all(|it| it.message.is_none()),
            None => false,
        }
    }
}

/// Why a recipient is to go on to another channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The person cannot be reached on this channel: "no Messenger", or "no user" after the message was accepted.
    NoUser,
    /// The channel as a whole is refused.
    ChannelRefused,
    /// The time is over in which the person may be messaged on this channel.
    WindowClosed,
}

/// What is known of an earlier request for the recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EarlierOutcome {
    /// Its answer is awaited, or was lost: it may have been accepted.
    Open,
    /// It was accepted, and nothing proves that it failed; or it was delivered, whatever was said of it later.
    Stands,
    /// It was refused, never left, or is proven failed.
    Failed,
}

/// The channel that a recipient is tried on next; `None`: it stays. `has_message` says whether the recipient has a
/// message for the channel of a step.
pub(crate) fn next_step(
    fallback: &Fallback,
    at: Step,
    cause: Cause,
    past: &[EarlierOutcome],
    has_message: impl Fn(Step) -> bool,
) -> Option<Step> {
    let asked_for = match cause {
        Cause::NoUser | Cause::WindowClosed => true,
        Cause::ChannelRefused => fallback.on_channel,
    };
    if !asked_for || !may_be_tried_elsewhere(past) {
        return None;
    }
    let mut step = at.next();
    while fallback.channel(step).is_some() {
        if has_message(step) {
            return Some(step);
        }
        step = step.next();
    }
    None
}

/// Whether a message over another channel cannot be a second one.
pub(crate) fn may_be_tried_elsewhere(past: &[EarlierOutcome]) -> bool {
    past.iter().all(|past| match past {
        EarlierOutcome::Failed => true,
        EarlierOutcome::Open | EarlierOutcome::Stands => false,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fallback(channels: usize, on_channel: bool) -> Fallback {
        let channel = |n| OtherChannel {
            id: format!("70{n}"),
            message: None,
        };
        Fallback {
            channels: (0..channels).map(channel).collect(),
            on_channel,
            at_most: MAX_UNASKED,
        }
    }

    fn next(at: u8, past: &[EarlierOutcome]) -> Option<u8> {
        let step = next_step(&fallback(2, false), Step(at), Cause::NoUser, past, |_| true);
        step.map(Step::get)
    }

    #[test]
    fn who_is_not_reached_goes_on_to_the_next_channel_and_ends_behind_the_last() {
        let refused = [EarlierOutcome::Failed];
        assert_eq!(next(0, &refused), Some(1));
        assert_eq!(next(1, &refused), Some(2));
        assert_eq!(next(2, &refused), None);
    }

    #[test]
    fn an_open_outcome_and_an_acceptance_keep_the_recipient_where_it_is() {
        for past in [EarlierOutcome::Open, EarlierOutcome::Stands] {
            assert_eq!(next(0, &[past]), None);
            assert_eq!(
                next(0, &[EarlierOutcome::Failed, past, EarlierOutcome::Failed]),
                None
            );
        }
    }

    #[test]
    fn a_channel_without_a_message_for_the_recipient_is_passed_over() {
        let only = |usable: u8| {
            let has = |step: Step| step.get() == usable;
            next_step(&fallback(2, false), Step::FIRST, Cause::NoUser, &[], has)
        };
        assert_eq!(only(2), Some(Step(2)));
        assert_eq!(only(3), None);
    }

    #[test]
    fn a_refused_channel_sends_people_on_only_where_that_was_asked_for() {
        for asked in [false, true] {
            let next = next_step(
                &fallback(1, asked),
                Step::FIRST,
                Cause::ChannelRefused,
                &[EarlierOutcome::Failed],
                |_| true,
            );
            assert_eq!(next.is_some(), asked);
        }
    }

    #[test]
    fn a_batch_goes_on_with_its_channels_and_more_behind_them_that_need_no_message_of_their_own() {
        let (one, two) = (fallback(1, false), fallback(2, false));
        assert!(two.extends(&one.channels) && two.extends(&two.channels) && one.extends(&[]));
        assert!(!one.extends(&two.channels));
        let mut own = two.clone();
        own.channels[1].message = Some("Hi".to_owned());
        assert!(own.extends(&own.channels) && !own.extends(&one.channels));
        assert!(!two.extends(&own.channels));
    }

    fn any_past() -> impl Strategy<Value = EarlierOutcome> {
        prop_oneof![
            Just(EarlierOutcome::Open),
            Just(EarlierOutcome::Stands),
            Just(EarlierOutcome::Failed)
        ]
    }

    proptest! {
        #[test]
        fn nobody_goes_on_who_may_have_the_message_and_nobody_goes_back(
            past in prop::collection::vec(any_past(), 0..6),
            (channels, at, usable) in (0..4_usize, 0..5_u8, any::<u8>()),
            (on_channel, refused) in any::<(bool, bool)>(),
        ) {
            let cause = if refused { Cause::ChannelRefused } else { Cause::NoUser };
            let has = |step: Step| usable & (1 << step.get()) != 0;
            let fallback = fallback(channels, on_channel);
            if let Some(next) = next_step(&fallback, Step(at), cause, &past, has) {
                prop_assert!(past.iter().all(|past| *past == EarlierOutcome::Failed));
                prop_assert!(next > Step(at) && next.index() <= channels && has(next));
                prop_assert!(on_channel || !refused);
            }
        }
    }
}
