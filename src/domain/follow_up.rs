//! Follow-ups: a further message to the people of a batch, each of whom gets it once an event about the person has
//! come. Pure.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audience::REPLY_WINDOW;
use super::outcome::MESSENGER;

/// How long a follow-up takes people, if nobody says.
pub(crate) const OPEN_FOR: Duration = Duration::from_hours(30 * 24);

/// What stands before the digest in the name of its batch.
pub(crate) const NAME: &str = "after-";

/// Whether a batch of this name is one.
pub(crate) fn is_named_as_one(name: &str) -> bool {
    let digest = name.strip_prefix(NAME).map(str::as_bytes);
    digest.is_some_and(|it| {
        it.len() == 8 && it.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The event that queues a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The person accepted a first message by number.
    OptIn,
    /// A message of the batch before reached the person's device.
    Delivered,
}

impl Trigger {
    /// Its word for the flag, and in the checkpoint.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OptIn => "opt_in",
            Self::Delivered => "delivered",
        }
    }

    /// What the people who wait wait for: "1 person ...", "2 people ...".
    pub const fn awaited(self, people: u64) -> &'static str {
        match (self, people) {
            (Self::OptIn, 1) => "gets it when they opt in",
            (Self::OptIn, _) => "get it when they opt in",
            (Self::Delivered, 1) => "gets it when the message before is delivered",
            (Self::Delivered, _) => "get it when the message before is delivered",
        }
    }

    /// What those wait for whose event has not come, in a list of counts.
    pub(crate) const fn awaits(self) -> &'static str {
        match self {
            Self::OptIn => "waiting until they opt in: not sent yet",
            Self::Delivered => "waiting until the message before is delivered: not sent yet",
        }
    }

    /// Why a row waits.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::OptIn => "waits until the person opts in",
            Self::Delivered => "waits until the message before is delivered",
        }
    }

    /// What happened, for the row's history.
    pub(crate) const fn happened(self) -> &'static str {
        match self {
            Self::OptIn => "opted in",
            Self::Delivered => "the message before was delivered",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Trigger {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::OptIn, Self::Delivered]
            .into_iter()
            .find(|it| it.word() == word)
            .ok_or("write opt_in or delivered")
    }
}

/// The rules of a follow-up. Kept with its batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// The random id of the batch whose people it is for.
    pub of: String,
    /// The event that queues a person.
    pub after: Trigger,
    /// How long after the event the person gets it.
    pub delay: Duration,
    /// How long after the event it is too late; `None`: it never is.
    pub expires: Option<Duration>,
    /// Events that are received later queue nobody.
    pub open_until: Timestamp,
}

/// Whether a person whose event has come gets the follow-up now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Not before then.
    Waits(Timestamp),
    /// Now.
    Now,
    /// It is too late.
    TooLate,
}

impl FollowUp {
    /// Whether an event that is received `at` queues a person.
    pub fn is_open(&self, at: Timestamp) -> bool {
        at < self.open_until
    }

    /// How long after the event it is sent, in words behind what is awaited: ", 2 h after that", ", within 24 h".
    pub(crate) fn times(&self) -> String {
        let mut text = String::new();
        if !self.delay.is_zero() {
            text.push_str(", ");
            text.push_str(&span_text(self.delay));
            text.push_str(" after that");
        }
        if let Some(expires) = self.expires {
            text.push_str(", within ");
            text.push_str(&span_text(expires));
        }
        text
    }

    /// When a person gets it whose event was received at `came`.
    pub(crate) fn due(&self, came: Timestamp) -> Timestamp {
        came.checked_add(self.delay).unwrap_or(Timestamp::MAX)
    }

    /// Whether a person gets it `now` whose event was received at `came`.
    pub(crate) fn due_at(&self, came: Timestamp, now: Timestamp) -> Due {
        let due = self.due(came);
        if now < due {
            return Due::Waits(due);
        }
        let end = self.expires.map(|time| came.checked_add(time));
        match end {
            Some(Ok(end)) if now > end => Due::TooLate,
            Some(_) | None => Due::Now,
        }
    }
}

/// How long after its event a follow-up may be sent, if nobody says: on Messenger as long as Facebook lets a page
/// answer. A channel of which nothing is known is taken for it.
pub(crate) fn default_expiry(channel_type: Option<&str>) -> Option<Duration> {
    channel_type
        .is_none_or(|kind| kind == MESSENGER)
        .then_some(REPLY_WINDOW)
}

/// A length of time for people: `90 s`, `30 min`, `24 h`, `30 days`.
pub(crate) fn span_text(time: Duration) -> String {
    const UNITS: [(u64, u64, &str); 3] = [(86_400, 2, "days"), (3_600, 1, "h"), (60, 1, "min")];
    let seconds = time.as_secs();
    let whole = UNITS
        .into_iter()
        .find(|(unit, least, _)| seconds >= unit * least && seconds.is_multiple_of(*unit));
    match whole {
        Some((unit, _, word)) => format!("{} {word}", seconds / unit),
        None => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn follow_up(delay: Duration, expires: Option<Duration>) -> FollowUp {
        FollowUp {
            of: "0123".to_owned(),
            after: Trigger::OptIn,
            delay,
            expires,
            open_until: at(1_000),
        }
    }

    #[test]
    fn a_person_waits_for_the_delay_and_is_too_late_after_the_end() {
        let it = follow_up(HOUR * 2, Some(HOUR * 24));
        for (seconds, due) in [
            (0, Due::Waits(at(7_200))),
            (7_199, Due::Waits(at(7_200))),
            (7_200, Due::Now),
            (86_400, Due::Now),
            (86_401, Due::TooLate),
        ] {
            assert_eq!(it.due_at(at(0), at(seconds)), due, "{seconds}");
        }
        let for_ever = follow_up(Duration::ZERO, None);
        assert_eq!(for_ever.due_at(at(0), at(400_000_000)), Due::Now);
    }

    #[test]
    fn a_span_is_told_in_its_largest_whole_unit() {
        for (seconds, text) in [
            (0, "0 s"),
            (90, "90 s"),
            (1_800, "30 min"),
            (7_200, "2 h"),
            (86_400, "24 h"),
            (172_800, "2 days"),
            (90_000, "25 h"),
        ] {
            assert_eq!(span_text(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn an_event_after_the_end_queues_nobody() {
        let it = follow_up(HOUR, None);
        assert!(it.is_open(at(999)) && !it.is_open(at(1_000)));
    }

    #[test]
    fn only_a_channel_that_is_known_to_be_another_has_no_window() {
        assert_eq!(default_expiry(None), Some(REPLY_WINDOW));
        assert_eq!(default_expiry(Some(MESSENGER)), Some(REPLY_WINDOW));
        assert_eq!(default_expiry(Some("mobile")), None);
    }

    proptest! {
        #[test]
        fn nobody_gets_it_before_its_delay_or_after_its_end(
            (delay, expires) in (0..200_000_u64, prop::option::of(0..200_000_u64)),
            now in -100_000..400_000_i64,
        ) {
            let (delay, expires) = (Duration::from_secs(delay), expires.map(Duration::from_secs));
            let passed = Duration::from_secs(u64::try_from(now).unwrap_or(0));
            let is_due = now >= 0 && passed >= delay && expires.is_none_or(|end| passed <= end);
            let due = follow_up(delay, expires).due_at(at(0), at(now));
            prop_assert_eq!(due == Due::Now, is_due);
        }
    }
}
