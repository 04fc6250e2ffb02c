//! The sandbox's own account of people and messages: what the tests trust.
//!
//! A person is a channel and a number. Contact ids are computed from both, so that no second index
//! is needed; message ids are taken from the clock and always grow. People are spread over many
//! shards, each behind its own mutex, which is never held while anything waits.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::random::mix;

/// Bits of an E.164 number: 15 digits are less than 2^50.
const NUMBER_BITS: u32 = 50;
const NUMBER_MASK: u64 = (1 << NUMBER_BITS) - 1;
/// Odd, so that multiplying by it is reversible in 2^50.
const SCRAMBLE: u64 = 0x2_5AB1_9E37_79B9;
const UNSCRAMBLE: u64 = inverse(SCRAMBLE);
/// All contact ids lie above it, and so far above 2^53.
const CONTACT_BASE: u64 = 1 << 62;
const SHARDS: usize = 1024;

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

/// One person on one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Who(u64);

impl Who {
    /// A number (at most 15 digits) on the channel with this index.
    pub(super) fn new(channel: u8, number: u64) -> Self {
        Self(u64::from(channel) << NUMBER_BITS | number & NUMBER_MASK)
    }

    /// The person with this contact id, whether or not anybody has messaged them.
    pub(super) fn from_contact_id(id: u64) -> Option<Self> {
        let rest = id.checked_sub(CONTACT_BASE)?;
        let channel = u8::try_from(rest >> NUMBER_BITS).ok()?;
        Some(Self::new(
            channel,
            (rest & NUMBER_MASK).wrapping_mul(UNSCRAMBLE) & NUMBER_MASK,
        ))
    }

    pub(super) fn contact_id(self) -> u64 {
        CONTACT_BASE
            | (self.0 & !NUMBER_MASK)
            | (self.number().wrapping_mul(SCRAMBLE) & NUMBER_MASK)
    }

    pub(super) fn number(self) -> u64 {
        self.0 & NUMBER_MASK
    }

    pub(super) fn channel(self) -> usize {
        (self.0 >> NUMBER_BITS) as usize
    }

    /// A well mixed value for decisions about this person.
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
    pub(super) failed_code: u8,
    /// The JSON text of `content`, as received.
    pub(super) content: Box<str>,
}

/// What the sandbox knows about one person.
#[derive(Debug, Clone, Default)]
pub(super) struct Person {
    pub(super) messages: Vec<Message>,
    pub(super) opted_in_ms: u64,
    pub(super) stopped_ms: u64,
    /// Messages accepted after the event with the opt-out word had been answered with 2xx.
    pub(super) after_stop: u32,
    /// When the opt-out event was answered with 2xx.
    pub(super) stop_taken_ms: u64,
    pub(super) name: Option<Box<str>>,
}

/// Hashes a key that is an integer: mixing is all it needs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct IntegerHasher(u64);

impl std::hash::Hasher for IntegerHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = mix(self.0 ^ u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = mix(value);
    }
}

type Shard = HashMap<Who, Person, BuildHasherDefault<IntegerHasher>>;

/// All people, and the counts over them.
#[derive(Debug)]
pub(super) struct Book {
    shards: Vec<Mutex<Shard>>,
    last_id: AtomicU64,
    pub(super) accepted: AtomicU64,
    pub(super) distinct: AtomicU64,
    /// People who were messaged more than once.
    pub(super) repeated: AtomicU64,
}

/// What accepting a message yields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Receipt {
    pub(super) who: Who,
    pub(super) message_id: u64,
    /// How often this person has been messaged now, this time included.
    pub(super) count: usize,
}

impl Book {
    pub(super) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            last_id: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            distinct: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
        }
    }

    /// An id that is larger than every one before; its upper bits are the time.
    pub(super) fn next_id(&self, now_ms: u64) -> u64 {
        let wanted = now_ms << 22;
        let last = self
            .last_id
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(wanted.max(last + 1))
            });
        wanted.max(last.unwrap_or_default() + 1)
    }

    /// Enters an accepted message.
    pub(super) fn accept(
        &self,
        who: Who,
        now_ms: u64,
        content: &str,
        name: Option<&str>,
    ) -> Receipt {
        let message_id = self.next_id(now_ms);
        self.enter(who, message_id, now_ms, content, name)
    }

    /// Enters a message that has its id already.
    pub(super) fn enter(
        &self,
        who: Who,
        message_id: u64,
        now_ms: u64,
        content: &str,
        name: Option<&str>,
    ) -> Receipt {
        self.last_id.fetch_max(message_id, Ordering::Relaxed);
        let message = Message {
            id: message_id,
            sent_ms: now_ms,
            delivered_ms: 0,
            read_ms: 0,
            failed_code: 0,
            content: content.into(),
        };
        let count = {
            let mut shard = self.shard(who);
            let person = shard.entry(who).or_default();
            if person.messages.is_empty() {
                person.messages.reserve_exact(1);
            }
            person.messages.push(message);
            person.after_stop += u32::from(person.stop_taken_ms != 0);
            if let Some(name) = name.filter(|_| person.name.is_none()) {
                person.name = Some(name.into());
            }
            person.messages.len()
        };
        self.accepted.fetch_add(1, Ordering::Relaxed);
        match count {
            1 => _ = self.distinct.fetch_add(1, Ordering::Relaxed),
            2 => _ = self.repeated.fetch_add(1, Ordering::Relaxed),
            _ => {}
        }
        Receipt {
            who,
            message_id,
            count,
        }
    }

    /// Looks at or changes one person; `None` if nobody messaged them.
    pub(super) fn with<T>(&self, who: Who, work: impl FnOnce(&mut Person) -> T) -> Option<T> {
        self.shard(who).get_mut(&who).map(work)
    }

    pub(super) fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Calls `work` for everybody in one shard.
    pub(super) fn each_in(&self, shard: usize, mut work: impl FnMut(Who, &Person)) {
        if let Some(shard) = self.shards.get(shard) {
            lock(shard)
                .iter()
                .for_each(|(&who, person)| work(who, person));
        }
    }

    fn shard(&self, who: Who) -> MutexGuard<'_, Shard> {
        // Other bits than those that the map itself uses.
        let index = (mix(who.0 ^ 0x5AAD) >> 20) as usize % SHARDS;
        lock(&self.shards[index])
    }
}

/// A panic while holding one of these locks leaves plain data behind, so that it may be used further.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_ids_lead_back_to_the_person_and_exceed_what_a_float_holds() {
        for number in [1, 15_550_100_199, 420_777_123_456, 999_999_999_999_999] {
            for channel in [0, 1, 2, 255] {
                let who = Who::new(channel, number);
                let id = who.contact_id();
                assert!(id > 1 << 53 && i64::try_from(id).is_ok());
                assert_ne!(id & NUMBER_MASK, number);
                assert_eq!(Who::from_contact_id(id), Some(who));
            }
        }
        assert_eq!(Who::from_contact_id(15_550_100_199), None);
    }

    #[test]
    fn message_ids_grow_even_if_the_clock_stands_or_runs_back() {
        let book = Book::new();
        let ids: Vec<u64> = [
            1_700_000_000_000,
            1_700_000_000_000,
            1_600_000_000_000,
            1_700_000_000_001,
        ]
        .map(|ms| book.next_id(ms))
        .into();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert_eq!(ids[0] >> 22, 1_700_000_000_000);
    }

    #[test]
    fn a_person_who_is_messaged_twice_is_counted_once_as_repeated() {
        let book = Book::new();
        for number in [1, 2, 2, 3, 2, 3] {
            book.accept(Who::new(0, number), 1_700_000_000_000, "{}", None);
        }
        let counts = [&book.accepted, &book.distinct, &book.repeated]
            .map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counts, [6, 3, 2]);
    }
}
