//! The account: who was messaged, the counts over it, and what the quota and the scripted faults count.
//!
//! One mutex guards all of it. It is held from the decision about a request until the effects of the
//! request are entered, and never while anything waits, so that every count is exact.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde_json::value::RawValue;

use super::fault::{Fault, FaultRule, Scope, Target};
use super::people::{Message, Person, PersonKey};
use super::quota::{Grant, Meter, Peaks};
use super::settings::Settings;
use super::state::{Line, StateFile};
use super::stats::{Repeated, Stats};

/// People listed in [`Stats`] as messaged more than once; `/sandbox/accepted` has all.
const REPEATED_SHOWN: usize = 100;

/// The numbers of one call, from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) number: u64,
    /// Its number among the sends, if it is one.
    pub(super) send: Option<u64>,
}

/// A message to enter.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewMessage<'a> {
    pub(super) content: &'a RawValue,
    pub(super) metadata: Option<&'a RawValue>,
}

/// What accepting a message yields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Receipt {
    pub(super) key: PersonKey,
    pub(super) message_id: u64,
    /// How often this person has been messaged now, this time included.
    pub(super) count: usize,
    pub(super) by_phone: bool,
    /// The code of the `message_failed` that a fault asks for.
    pub(super) fail_later: Option<u32>,
}

/// The sandbox's account. Durations are since the sandbox started.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) stats: Stats,
    pub(super) people: BTreeMap<PersonKey, Person>,
    pub(super) ids: Ids,
    /// The first people who were messaged more than once.
    first_repeated: Vec<PersonKey>,
    /// Requests that began to arrive, for the one fault that acts before they are read.
    arrivals: u64,
    /// For each fault rule, when it hit first.
    first_hits: Vec<Option<Duration>>,
    meter: Option<Meter>,
    peaks: Peaks,
    state: Option<StateFile>,
}

/// Gives out message ids.
#[derive(Debug, Default)]
pub(super) struct Ids {
    last: u64,
}

impl Ids {
    /// An id that is larger than every one before; its upper bits are the time. Its last bit is set, so that it does not
    /// end in zeros as an id that a spreadsheet rounded.
    pub(super) fn next(&mut self, now_ms: u64) -> u64 {
        self.last = ((now_ms << 22) | 1).max(self.last + 2);
        self.last
    }
}

impl Account {
    /// An account that holds what the state file holds, if the settings name one.
    ///
    /// # Errors
    /// If the state file cannot be used.
    pub(super) fn open(settings: &Settings) -> io::Result<Self> {
        let window = settings
            .quota
            .map_or(Duration::from_hours(1), |quota| quota.window);
        let mut account = Self {
            stats: Stats::default(),
            people: BTreeMap::new(),
            ids: Ids::default(),
            first_repeated: Vec::new(),
            arrivals: 0,
            first_hits: vec![None; settings.faults.len()],
            meter: settings.quota.map(Meter::new),
            peaks: Peaks::new(window),
            state: None,
        };
        if let Some(path) = &settings.state {
            let state = StateFile::open(path, |line| {
                if let Some((index, _)) = settings.channel(line.channel) {
                    let message = NewMessage {
                        content: line.content,
                        metadata: line.metadata,
                    };
                    account.ids.last = account.ids.last.max(line.id);
                    account.enter(
                        PersonKey::new(index, line.number),
                        line.id,
                        line.sent_ms,
                        message,
                    );
                }
            })?;
            account.state = Some(state);
        }
        Ok(account)
    }

    /// Counts a call that begins.
    pub(super) fn begin(&mut self, is_send: bool) -> Call {
        self.stats.requests += 1;
        self.stats.sends += u64::from(is_send);
        self.stats.in_flight += 1;
        self.stats.peak_in_flight = self.stats.peak_in_flight.max(self.stats.in_flight);
        Call {
            number: self.stats.requests,
            send: is_send.then_some(self.stats.sends),
        }
    }

    /// Asks the quota; `None` without one.
    pub(super) fn admit(&mut self, now: Duration) -> Option<Grant> {
        self.peaks.arrived(now);
        let grant = self.meter.as_mut().map(|meter| meter.admit(now));
        match grant {
            Some(Grant { granted: false, .. }) => self.stats.throttled.quota += 1,
            Some(_) | None => self.peaks.granted(now),
        }
        grant
    }

    /// The first fault that hits this call.
    pub(super) fn fault<'s>(
        &mut self,
        settings: &'s Settings,
        call: Call,
        target: Option<&Target>,
        now: Duration,
    ) -> Option<&'s FaultRule> {
        self.first_hit(settings, now, |rule| match (&rule.fault, rule.scope) {
            (Fault::DropBeforeRead, _) => None,
            _ if !rule.applies_to(target) => None,
            (_, Scope::All) => Some(call.number),
            (_, Scope::Sends) => call.send,
        })
    }

    /// Counts a request that begins to arrive; true if it must not be read.
    pub(super) fn drops_arrival(&mut self, settings: &Settings, now: Duration) -> bool {
        self.arrivals += 1;
        let arrival = self.arrivals;
        self.first_hit(settings, now, |rule| {
            (rule.fault == Fault::DropBeforeRead).then_some(arrival)
        })
        .is_some()
    }

    fn first_hit<'s>(
        &mut self,
        settings: &'s Settings,
        now: Duration,
        number_for: impl Fn(&FaultRule) -> Option<u64>,
    ) -> Option<&'s FaultRule> {
        let accepted = self.stats.accepted;
        let rules = settings.faults.iter().zip(&mut self.first_hits);
        for (index, (rule, first_hit)) in rules.enumerate() {
            let counts = accepted >= rule.after_accepted && !rule.has_ended(*first_hit, now);
            let hits = |number| rule.hits(number, settings.seed, index);
            if counts && number_for(rule).is_some_and(hits) {
                first_hit.get_or_insert(now);
                *self.stats.faults.entry(rule.kind.clone()).or_default() += 1;
                return Some(rule);
            }
        }
        None
    }

    /// Accepts a message, and writes it to the state file.
    pub(super) fn accept(
        &mut self,
        settings: &Settings,
        key: PersonKey,
        now_ms: u64,
        message: NewMessage,
    ) -> (u64, usize) {
        let id = self.ids.next(now_ms);
        if let (Some(state), Some(channel)) =
            (&mut self.state, settings.channels.get(key.channel()))
        {
            let line = Line {
                channel: &channel.id,
                number: key.number(),
                id,
                sent_ms: now_ms,
                content: message.content,
                metadata: message.metadata,
            };
            if let Err(error) = state.append(&line) {
                tracing::error!("the sandbox cannot write its state file: {error}");
            }
        }
        (id, self.enter(key, id, now_ms, message))
    }

    /// Enters a message that has its id already; how often the person has been messaged now.
    fn enter(&mut self, key: PersonKey, id: u64, sent_ms: u64, message: NewMessage) -> usize {
        let person = self.people.entry(key).or_default();
        if person.messages.is_empty() {
            person.messages.reserve_exact(1);
        }
        person.messages.push(Message {
            id,
            sent_ms,
            delivered_ms: 0,
            read_ms: 0,
            failed_code: 0,
            content: message.content.to_owned(),
            metadata: message.metadata.map(ToOwned::to_owned),
        });
        if person.stop_taken_ms != 0 {
            person.after_stop += 1;
            self.stats.messaged_after_stop += u64::from(person.after_stop == 1);
        }
        let count = person.messages.len();
        self.stats.accepted += 1;
        self.stats.distinct += u64::from(count == 1);
        self.stats.repeated += u64::from(count == 2);
        if count == 2 && self.first_repeated.len() < REPEATED_SHOWN {
            self.first_repeated.push(key);
        }
        count
    }

    /// The counts at this moment.
    pub(super) fn stats(&self) -> Stats {
        let repeated = |key: &PersonKey| Repeated {
            number: key.number().to_string(),
            count: self
                .people
                .get(key)
                .map_or(0, |person| person.messages.len()),
        };
        let (reached, reached_twice) = self.reached();
        Stats {
            reached,
            reached_twice,
            repeated_people: self.first_repeated.iter().map(repeated).collect(),
            peak_per_second: self.peaks.per_second,
            peak_per_window: self.peaks.window,
            ..self.stats.clone()
        }
    }

    /// Numbers that hold one message that did not fail, or more, and those that hold more than one.
    fn reached(&self) -> (u64, u64) {
        let mut standing: BTreeMap<u64, usize> = BTreeMap::new();
        for (key, person) in &self.people {
            let messages = person.messages.iter();
            let held = messages.filter(|message| message.failed_code == 0).count();
            if held > 0 {
                *standing.entry(key.number()).or_default() += held;
            }
        }
        let twice = standing.values().filter(|held| **held > 1).count();
        (standing.len() as u64, twice as u64)
    }

    /// The people of one channel, by number.
    pub(super) fn of_channel(&self, channel: u8) -> impl Iterator<Item = (PersonKey, &Person)> {
        let keys = PersonKey::new(channel, 0)..=PersonKey::new(channel, u64::MAX);
        self.people.range(keys).map(|(&key, person)| (key, person))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_ids_grow_even_if_the_clock_stands_or_runs_back() {
        let mut ids = Ids::default();
        let ids: Vec<u64> = [
            1_700_000_000_000,
            1_700_000_000_000,
            1_600_000_000_000,
            1_700_000_000_001,
        ]
        .map(|ms| ids.next(ms))
        .into();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert_eq!(ids[0] >> 22, 1_700_000_000_000);
        assert!(ids.iter().all(|id| id % 10 != 0), "{ids:?}");
    }

    #[test]
    fn a_person_who_is_messaged_twice_is_counted_once_as_repeated() {
        let settings = Settings::default();
        let mut account = Account::open(&settings).unwrap();
        let message = NewMessage {
            content: RawValue::NULL,
            metadata: None,
        };
        for number in [1, 2, 2, 3, 2, 3] {
            account.accept(
                &settings,
                PersonKey::new(0, number),
                1_700_000_000_000,
                message,
            );
        }
        let stats = account.stats();
        assert_eq!((stats.accepted, stats.distinct, stats.repeated), (6, 3, 2));
    }
}
