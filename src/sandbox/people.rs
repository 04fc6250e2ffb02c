//! The sandbox's people and their messages.
//!
//! A person is a channel and a number. Contact ids are computed from both, so that no second index is
//! needed, and so that another sandbox with the same channels gives out the same ids.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Bits of an E.164 number: 15 digits are less than 2^50.
const NUMBER_BITS: u32 = 50;
const NUMBER_MASK: u64 = (1 << NUMBER_BITS) - 1;
/// Odd, so that multiplying by it is reversible in 2^50.
const SCRAMBLE: u64 = 0x2_5AB1_9E37_79B9;
const UNSCRAMBLE: u64 = inverse(SCRAMBLE);
/// Numbers have at most 15 digits.
const NUMBERS: u64 = 1_000_000_000_000_000;
/// All contact ids lie above it, and so far above 2^53.
const CONTACT_BASE: u64 = 1 << 62;

/// The inverse of an odd number modulo 2^64, by Newton's method.
const fn inverse(odd: u64) -> u64 {
    let mut guess = odd;
    let mut round = 0;
    while round < 6 {
        guess = guess.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(guess)));
        round += 1;
    }
    guess
}

/// One person on one channel; ordered by channel, then number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PersonKey(u64);

impl PersonKey {
    /// A number (at most 15 digits) on the channel with this index.
    pub(super) fn new(channel: u8, number: u64) -> Self {
        Self(u64::from(channel) << NUMBER_BITS | number & NUMBER_MASK)
    }

    /// The person with this contact id, messaged or not; `None` for an id that no sandbox gives out.
    pub(super) fn from_contact_id(id: u64) -> Option<Self> {
        let rest = id.checked_sub(CONTACT_BASE)?;
        let channel = u8::try_from(rest >> NUMBER_BITS).ok()?;
        let number = (rest & NUMBER_MASK).wrapping_mul(UNSCRAMBLE) & NUMBER_MASK;
        (number < NUMBERS).then(|| Self::new(channel, number))
    }

    pub(super) fn contact_id(self) -> u64 {
        let scrambled = self.number().wrapping_mul(SCRAMBLE) & NUMBER_MASK;
        CONTACT_BASE | (self.0 & !NUMBER_MASK) | scrambled
    }

    pub(super) fn number(self) -> u64 {
        self.0 & NUMBER_MASK
    }

    pub(super) fn channel(self) -> usize {
        (self.0 >> NUMBER_BITS) as usize
    }

    /// The subject of draws about this person.
    pub(super) fn subject(self) -> u64 {
        self.0
    }
}

/// One accepted message. Times are epoch milliseconds, 0 for never.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: u64,
    pub(super) sent_ms: u64,
    pub(super) delivered_ms: u64,
    pub(super) read_ms: u64,
    /// The code of its `message_failed`; 0 for none.
    pub(super) failed_code: u32,
    /// The JSON text of `content`, as received.
    pub(super) content: Box<RawValue>,
    /// The JSON text of `metadata`, as received.
    pub(super) metadata: Option<Box<RawValue>>,
}

/// What the sandbox knows about one person. Times are epoch milliseconds, 0 for never.
#[derive(Debug, Clone, Default)]
pub(super) struct Person {
    pub(super) messages: Vec<Message>,
    pub(super) opted_in_ms: u64,
    pub(super) stopped_ms: u64,
    /// When the opt-out event was answered with 2xx.
    pub(super) stop_taken_ms: u64,
    /// Messages accepted since then.
    pub(super) after_stop: u32,
    pub(super) name: Option<Box<str>>,
}

impl Person {
    /// True if the person's last action is longer ago than `window`, or if there is none yet.
    pub(super) fn is_outside(&self, window: Duration, now_ms: u64) -> bool {
        let last_action = match self.opted_in_ms.max(self.stopped_ms) {
            0 => None,
            time => Some(Duration::from_millis(now_ms.saturating_sub(time))),
        };
        last_action.is_none_or(|ago| ago > window)
    }
}

/// A message that the sandbox accepted, as the account shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AcceptedMessage {
    /// The message id.
    pub id: String,
    /// When it was accepted, in RFC 3339.
    pub sent: String,
    /// The person's number, digits only.
    pub number: String,
    /// The channel.
    pub channel_id: String,
    /// The person's contact id on this channel.
    pub contact_id: String,
    /// `content` as received.
    pub content: serde_json::Value,
    /// `metadata` as received.
    pub metadata: Option<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_ids_lead_back_to_the_person_and_exceed_what_a_float_holds() {
        for number in [1, 15_550_100_199, 420_777_123_456, 999_999_999_999_999] {
            for channel in [0, 1, 2, 255] {
                let key = PersonKey::new(channel, number);
                let id = key.contact_id();
                assert!(id > 1 << 53 && i64::try_from(id).is_ok());
                assert_ne!(id & NUMBER_MASK, number);
                assert_eq!(PersonKey::from_contact_id(id), Some(key));
            }
        }
        assert_eq!(PersonKey::from_contact_id(15_550_100_199), None);
    }
}
