//! An audience: people whom the checkpoint knows, chosen by conditions that must all hold. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::delivery::State;
use super::phone::{PhoneNumber, Region};

/// How long after a person last acted, a page may write anything that the policy allows.
pub(crate) const REPLY_WINDOW: Duration = Duration::from_hours(24);

/// The conditions; all of those that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// The person accepted a first message by number.
    pub opted_in: bool,
    /// And did so within this time.
    pub since: Option<Duration>,
    /// The last message that was accepted is not known to be read.
    pub accepted_not_read: bool,
    /// The person's row in this batch stands so.
    pub batch_status: Vec<(String, State)>,
    /// The number is one of these countries (ISO codes).
    pub countries: Vec<String>,
    /// The person was messaged, or is a contact, on all of these channels. Other conditions look at them alone.
    pub on_channels: Vec<String>,
    /// No message was accepted within this time.
    pub not_within: Option<Duration>,
}

/// What is known of a person who may be messaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) number: PhoneNumber,
    /// Channels on which the person is a contact, and when it opted in there.
    pub(crate) contacts: Vec<(String, Option<Timestamp>)>,
    /// Messages that were accepted and did not fail, the latest first.
    pub(crate) messages: Vec<Accepted>,
    /// For each condition on a batch, how the person's rows in it stand.
    pub(crate) statuses: Vec<Vec<State>>,
    /// When the person last wrote or pressed a button.
    pub(crate) last_inbound: Option<Timestamp>,
}

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) channel: String,
    pub(crate) at: Timestamp,
    pub(crate) is_read: bool,
}

impl Audience {
    /// Whether no condition is given: that would be everybody.
    pub fn is_everybody(&self) -> bool {
        *self == Self::default()
    }

    /// The conditions as one text: the same audience has the same, in whichever order they were given.
    pub(crate) fn canonical(&self) -> String {
        let mut text = String::new();
        let millis = |time: Option<Duration>| time.map_or(0, |time| time.as_millis());
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "opted_in={};since={};unread={};not_within={}",
            self.opted_in,
            millis(self.since),
            self.accepted_not_read,
            millis(self.not_within)
        );
        let statuses = self.batch_status.iter();
        let statuses = statuses.map(|(batch, state)| format!("status={batch}={state}"));
        let countries = self.countries.iter().map(|code| format!("country={code}"));
        let channels = self.on_channels.iter().map(|id| format!("channel={id}"));
        let mut more: Vec<String> = statuses.chain(countries).chain(channels).collect();
        more.sort_unstable();
        more.dedup();
        for part in more {
            text.push(';');
            text.push_str(&part);
        }
        text
    }

    /// Whether the person belongs to it.
    pub(crate) fn includes(&self, person: &Facts, now: Timestamp) -> bool {
        let looked_at = |channel: &String| {
            self.on_channels.is_empty() || self.on_channels.iter().any(|it| it == channel)
        };
        let within = |at: Timestamp, span: Duration| age(at, now) <= span;
        let opted_in = || {
            let mut opted = person.contacts.iter().filter(|(id, _)| looked_at(id));
            opted.any(|(_, at)| at.is_some_and(|at| self.since.is_none_or(|span| within(at, span))))
        };
        let unread = || {
            let mut messages = person.messages.iter().filter(|it| looked_at(&it.channel));
            messages.next().is_some_and(|last| !last.is_read)
        };
        let is_on = |channel: &String| {
            person.contacts.iter().any(|(id, _)| id == channel)
                || person.messages.iter().any(|it| it.channel == *channel)
        };
        let is_recent = |span| person.messages.iter().any(|it| within(it.at, span));
        let country = || person.number.region().map(Region::code);
        let of_batches = self.batch_status.iter().zip(&person.statuses);
        (!self.opted_in || opted_in())
            && (!self.accepted_not_read || unread())
            && self.on_channels.iter().all(is_on)
            && !self.not_within.is_some_and(is_recent)
            && (self.countries.is_empty()
                || country().is_some_and(|code| self.countries.contains(&code)))
            && of_batches.len() == self.batch_status.len()
            && of_batches
                .into_iter()
                .all(|((_, wanted), states)| states.contains(wanted))
    }
}

impl Facts {
    /// Whether the person acted within the last 24 hours: wrote, pressed a button, or accepted a first message.
    pub(crate) fn is_in_reply_window(&self, now: Timestamp) -> bool {
        let opted_in = self.contacts.iter().filter_map(|(_, at)| *at);
        let mut acted = opted_in.chain(self.last_inbound);
        acted.any(|at| may_be_answered(at, now))
    }
}

/// Whether Facebook takes any message `now` to a person who acted last at `acted`.
pub(crate) fn may_be_answered(acted: Timestamp, now: Timestamp) -> bool {
    age(acted, now) <= REPLY_WINDOW
}

/// How long ago that was; a time that has not come counts as now.
fn age(at: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(at)
        .max(SignedDuration::ZERO)
        .unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn at(hours_ago: i64) -> Timestamp {
        now() - SignedDuration::from_hours(hours_ago)
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_790_000_000).unwrap()
    }

    fn jana() -> Facts {
        let message = |channel: &str, hours, is_read| Accepted {
            channel: channel.to_owned(),
            at: at(hours),
            is_read,
        };
        Facts {
            number: PhoneNumber::from_e164(420_777_123_456).unwrap(),
            contacts: vec![("7001".to_owned(), Some(at(30))), ("7002".to_owned(), None)],
            messages: vec![message("7002", 5, false), message("7001", 48, true)],
            statuses: Vec::new(),
            last_inbound: None,
        }
    }

    fn has(audience: &Audience) -> bool {
        audience.includes(&jana(), now())
    }

    #[test]
    fn a_person_is_in_the_reply_window_until_its_last_instant() {
        let window = i64::try_from(REPLY_WINDOW.as_secs() / 3600).unwrap();
        let acted = |hours| {
            let jana = Facts {
                contacts: Vec::new(),
                last_inbound: Some(at(hours)),
                ..jana()
            };
            jana.is_in_reply_window(now())
        };
        assert!(acted(window));
        assert!(!acted(window + 1));
    }

    #[test]
    fn a_person_is_on_a_channel_by_a_contact_or_by_a_message() {
        for of_contact in [true, false] {
            let mut person = jana();
            if of_contact {
                person.messages.clear();
            } else {
                person.contacts.clear();
            }
            let on = |channel: &str| Audience {
                on_channels: vec![channel.to_owned()],
                ..Audience::default()
            };
            assert!(on("7001").includes(&person, now()));
            assert!(!on("7009").includes(&person, now()));
        }
    }

    #[test]
    fn each_condition_is_about_the_channels_that_are_named() {
        let mut audience = Audience {
            opted_in: true,
            since: Some(HOUR * 48),
            ..Audience::default()
        };
        assert!(has(&audience));
        audience.on_channels = vec!["7001".to_owned()];
        assert!(has(&audience));
        audience.on_channels = vec!["7002".to_owned()];
        assert!(!has(&audience), "on another channel");
        audience.on_channels.clear();
        audience.since = Some(HOUR * 24);
        assert!(!has(&audience), "too long ago");
        let mut unread = Audience {
            accepted_not_read: true,
            ..Audience::default()
        };
        assert!(has(&unread));
        unread.on_channels = vec!["7001".to_owned()];
        assert!(!has(&unread), "the last one there was read");
        let on = |channels: &[&str]| Audience {
            on_channels: channels.iter().map(|id| (*id).to_owned()).collect(),
            ..Audience::default()
        };
        assert!(has(&on(&["7001", "7002"])) && !has(&on(&["7001", "7003"])));
    }

    #[test]
    fn a_recent_message_and_another_country_take_a_person_out() {
        let within = |hours| Audience {
            not_within: Some(HOUR * hours),
            ..Audience::default()
        };
        assert!(has(&within(4)) && !has(&within(6)));
        let of = |codes: &[&str]| Audience {
            countries: codes.iter().map(|code| (*code).to_owned()).collect(),
            ..Audience::default()
        };
        assert!(has(&of(&["SK", "CZ"])) && !has(&of(&["SK"])));
    }

    #[test]
    fn the_row_of_a_batch_must_stand_as_it_is_said() {
        let audience = Audience {
            batch_status: vec![("spring".to_owned(), State::Sent)],
            ..Audience::default()
        };
        let mut jana = jana();
        for (states, belongs) in [
            (vec![State::Sent], true),
            (vec![State::Error], false),
            (vec![], false),
        ] {
            jana.statuses = vec![states];
            assert_eq!(audience.includes(&jana, now()), belongs);
        }
        jana.statuses.clear();
        assert!(!audience.includes(&jana, now()), "nothing is known of it");
    }

    #[test]
    fn the_order_of_the_flags_makes_no_other_audience() {
        let of = |codes: [&str; 2]| Audience {
            countries: codes.map(str::to_owned).to_vec(),
            ..Audience::default()
        };
        assert_eq!(of(["CZ", "SK"]).canonical(), of(["SK", "CZ"]).canonical());
        assert_ne!(of(["CZ", "SK"]).canonical(), of(["CZ", "DE"]).canonical());
        assert_eq!(
            of(["SK", "SK"]).canonical(),
            "opted_in=false;since=0;unread=false;not_within=0;country=SK",
            "what is given twice counts once"
        );
    }

    /// The name of the batch holds it: another text would make another batch of the same audience.
    #[test]
    fn every_condition_stands_in_the_text_of_an_audience() {
        let audience = Audience {
            opted_in: true,
            since: Some(HOUR * 48),
            accepted_not_read: true,
            not_within: Some(HOUR),
            batch_status: vec![("spring".to_owned(), State::Sent)],
            countries: vec!["CZ".to_owned()],
            on_channels: vec!["7001".to_owned()],
        };
        assert_eq!(
            audience.canonical(),
            "opted_in=true;since=172800000;unread=true;not_within=3600000\
             ;channel=7001;country=CZ;status=spring=sent"
        );
    }

    #[test]
    fn a_length_of_time_holds_to_its_last_instant() {
        let opted_in = |hours| Audience {
            opted_in: true,
            since: Some(HOUR * hours),
            ..Audience::default()
        };
        assert!(has(&opted_in(30)) && !has(&opted_in(29)));
        let not_within = |hours| Audience {
            not_within: Some(HOUR * hours),
            ..Audience::default()
        };
        assert!(!has(&not_within(5)) && has(&not_within(4)));
    }

    #[test]
    fn of_several_channels_an_opt_in_or_an_unread_message_on_one_is_enough() {
        let both = Audience {
            on_channels: vec!["7001".to_owned(), "7002".to_owned()],
            ..Audience::default()
        };
        let opted_in = Audience {
            opted_in: true,
            ..both.clone()
        };
        let unread = Audience {
            accepted_not_read: true,
            ..both
        };
        assert!(has(&opted_in) && has(&unread));
    }

    #[test]
    fn who_acted_within_a_day_may_be_answered() {
        let mut jana = jana();
        assert!(!jana.is_in_reply_window(now()));
        jana.last_inbound = Some(at(23));
        assert!(jana.is_in_reply_window(now()));
    }
}
