//! What the sandbox plays: every behaviour that the documentation leaves open is a setting.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::fault::{Fault, FaultRule};
use super::random::{Share, draw};

/// Purposes of draws, so that decisions about the same subject are independent.
const NO_MESSENGER: u64 = 1;
const JITTER: u64 = 2;
const NO_VIBER: u64 = 3;

/// Everything that can be scripted. `Default` is the quickstart: no faults, a generous quota.
#[derive(Debug, Clone)]
pub struct Settings {
    /// All chance comes from it: the same seed and the same requests give the same run.
    pub seed: u64,
    /// The tokens that are accepted.
    pub tokens: Vec<String>,
    /// The channels that exist.
    pub channels: Vec<Channel>,
    /// Share of numbers that have no Messenger, fixed by number and seed. Every number takes SMS.
    pub without_messenger: Share,
    /// Share of numbers that have no Viber; `None`: those that have no Messenger have no Viber either.
    pub without_viber: Option<Share>,
    /// The texts of refusals.
    pub texts: Texts,
    /// How `status.code` of the error envelope is written.
    pub code_form: CodeForm,
    /// Messages with a tag that Facebook has retired are refused, as since April 2026.
    pub retired_tags: bool,
    /// On Messenger, a person who was messaged before takes a message without a tag only for so long
    /// after their last action (acceptance or answer); `None` for ever.
    pub reply_window: Option<Duration>,
    /// The quota; `None` grants everything and sends no quota headers.
    pub quota: Option<Quota>,
    /// The limit of simultaneous connections; `None` for no limit.
    pub connections: Option<ConnectionLimit>,
    /// The contact ids that an earlier sandbox with these channels gave out and that are known, as the real API
    /// remembers them; ids of any other origin are refused all the same.
    pub earlier_contacts: EarlierContacts,
    /// How long every answer takes at least.
    pub latency: Duration,
    /// Up to this much more, at random.
    pub jitter: Duration,
    /// Scripted faults; the first rule that applies to a request wins.
    pub faults: Vec<FaultRule>,
    /// The largest request body in bytes; a larger one is answered with 413.
    pub max_body: usize,
    /// Where and how webhook events are sent; `None` sends none.
    pub webhooks: Option<WebhookSettings>,
    /// Keeps the accepted messages in this file, so that the sandbox can be killed and started again.
    pub state: Option<PathBuf>,
}

impl Settings {
    /// The token of the default settings.
    pub const DEFAULT_TOKEN: &str = "sandbox-token";
    /// The id of the default settings' Messenger channel.
    pub const MESSENGER_CHANNEL: &str = "7001200300400500601";
    /// The id of the default settings' SMS channel.
    pub const MOBILE_CHANNEL: &str = "7001200300400500602";
    /// The id of the default settings' Viber channel.
    pub const VIBER_CHANNEL: &str = "7001200300400500603";

    pub(super) fn channel(&self, id: &str) -> Option<(u8, &Channel)> {
        (0u8..)
            .zip(&self.channels)
            .find(|(_, channel)| channel.id == id)
    }

    /// True if this number cannot be reached on the channel, now and ever.
    pub(super) fn is_unreachable(&self, channel: &Channel, number: u64) -> bool {
        match self.without_viber.filter(|_| channel.is_viber()) {
            Some(share) => share.holds(draw(self.seed, NO_VIBER, number)),
            None => self
                .without_messenger
                .holds(draw(self.seed, NO_MESSENGER, number)),
        }
    }

    /// True if a rule acts before requests are read.
    pub(super) fn drops_before_read(&self) -> bool {
        let mut rules = self.faults.iter();
        rules.any(|rule| rule.fault == Fault::DropBeforeRead)
    }

    /// How long the call with this number takes.
    pub(super) fn latency_of(&self, call: u64) -> Duration {
        let jitter = u64::try_from(self.jitter.as_micros()).unwrap_or(u64::MAX);
        self.latency
            + Duration::from_micros(draw(self.seed, JITTER, call) % jitter.saturating_add(1))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            tokens: vec![Self::DEFAULT_TOKEN.to_owned()],
            channels: vec![
                Channel::new(Self::MESSENGER_CHANNEL, "facebook_messenger"),
                Channel::new(Self::MOBILE_CHANNEL, "mobile"),
                Channel::new(Self::VIBER_CHANNEL, "viber_business_messages"),
            ],
            without_messenger: Share::percent(15),
            without_viber: None,
            texts: Texts::default(),
            code_form: CodeForm::AsRecorded,
            retired_tags: false,
            reply_window: None,
            quota: Some(Quota::default()),
            connections: None,
            earlier_contacts: EarlierContacts::None,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            faults: Vec::new(),
            max_body: 1 << 20,
            webhooks: None,
            state: None,
        }
    }
}

/// Contacts that are known although this sandbox never messaged them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EarlierContacts {
    /// None.
    None,
    /// All people to whom an earlier sandbox could have given an id.
    All,
    /// These ids, in ascending order.
    These(Arc<[u64]>),
}

impl EarlierContacts {
    /// True if an earlier sandbox gave out this id.
    pub(super) fn has(&self, id: u64) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::These(ids) => ids.binary_search(&id).is_ok(),
        }
    }
}

/// One channel of the simulated organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// The id, decimal digits.
    pub id: String,
    /// The literal of the API, such as `facebook_messenger`.
    pub kind: String,
    /// The name that people see.
    pub name: String,
}

impl Channel {
    /// A channel named after its type.
    pub fn new(id: &str, kind: &str) -> Self {
        Self {
            id: id.to_owned(),
            kind: kind.to_owned(),
            name: format!("Sandbox {kind}"),
        }
    }

    /// True where an unreachable number is refused at once with 422, not reported later by an event.
    pub(super) fn is_messenger(&self) -> bool {
        self.kind == "facebook_messenger"
    }

    pub(super) fn is_mobile(&self) -> bool {
        self.kind == "mobile"
    }

    pub(super) fn is_viber(&self) -> bool {
        self.kind == "viber_business_messages"
    }
}

/// The texts of refusals. The real ones are not published: no program may rely on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// The 422 for a number without Messenger.
    pub no_messenger: String,
    /// If set, every 422 says this, whatever its cause.
    pub every_422: Option<String>,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            no_messenger: "No matching user found for this phone number.".to_owned(),
            every_422: None,
        }
    }
}

/// How `status.code` is written in the error envelope: both forms are on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeForm {
    /// Text in a 429, number elsewhere.
    AsRecorded,
    /// Always a number.
    Number,
    /// Always a text.
    Text,
}

/// The request quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests granted in one window.
    pub limit: NonZeroU32,
    /// The length of the window.
    pub window: Duration,
    /// How requests are counted.
    pub kind: WindowKind,
    /// What the headers say.
    pub headers: Headers,
    /// True if a request that was answered with 429 uses up quota too.
    pub throttled_count: bool,
}

impl Quota {
    /// A limit that no run meets, with headers that say so.
    pub(crate) const UNBOUNDED: Self = Self::fixed(NonZeroU32::MAX, Duration::from_hours(1));

    /// The fixed window with honest headers.
    pub const fn fixed(limit: NonZeroU32, window: Duration) -> Self {
        Self {
            limit,
            window,
            kind: WindowKind::Fixed,
            headers: Headers::Honest,
            throttled_count: false,
        }
    }
}

impl Default for Quota {
    fn default() -> Self {
        let limit = NonZeroU32::MIN.saturating_add(99_999);
        Self::fixed(limit, Duration::from_hours(1))
    }
}

/// How the quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum WindowKind {
    /// As recorded: a window opens with the first request after the last one ended.
    Fixed,
    /// No stretch of the window's length holds more than the limit.
    Sliding,
    /// A bucket that holds the limit and drains evenly, the whole of it in one window.
    LeakyBucket,
}

/// What the quota headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Headers {
    /// The truth; Reset is rounded up to the second.
    Honest,
    /// The truth, but Reset is rounded down, so that it comes up to a second too early.
    ResetEarly,
    /// Reset is the number of seconds that remain, as the documentation's wording has it.
    ResetRemaining,
    /// Reset lies an hour in the past.
    ResetPast,
    /// Remaining never falls.
    RemainingHigh,
    /// Remaining is always 0.
    RemainingZero,
    /// No headers at all.
    Off,
}

/// The limit of simultaneous connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimit {
    /// Connections that are served at a time.
    pub limit: NonZeroU32,
    /// What becomes of one more.
    pub excess: Excess,
}

/// What happens above the connection limit: the documentation does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Excess {
    /// Its requests are answered with 429, and it is closed.
    Answer429,
    /// It is closed at once.
    Close,
    /// It waits until another one closes.
    Queue,
}

/// Where and how webhook events are sent, and what people do. Shares are drawn from the sandbox's seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// The receiver; `{channel_id}` in it is replaced.
    pub url: String,
    /// Signs every event.
    pub secret: String,
    /// Messages that come back as `message_echo` (not on mobile channels).
    pub echo: Share,
    /// People who accept a first message by phone number; only they get what is sent to them.
    pub opt_in: Share,
    /// Messages that reach the device.
    pub delivered: Share,
    /// Delivered messages that are read (not on mobile channels).
    pub read: Share,
    /// Delivered messages that are answered with an opt-out word.
    pub stop: Share,
    /// The opt-out words.
    pub stop_words: Vec<String>,
    /// Messages on mobile and Viber channels that fail, beside those to unreachable numbers.
    pub failed: Share,
    /// Messages after which an event of unknown kind is sent.
    pub unknown: Share,
    /// Deliveries that are made twice.
    pub duplicates: Share,
    /// Events that come at any moment within `spread` instead of their own.
    pub reordered: Share,
    /// Messages after which a forged opt-out with a wrong signature is sent.
    pub forged: Share,
    /// The time from the message to its first event.
    pub delay: Duration,
    /// The time from the first event to the last.
    pub spread: Duration,
    /// How long a minute of the redelivery schedule (1, 5, 20, 60, 180, 480) lasts.
    pub minute: Duration,
    /// How long the receiver may take to answer.
    pub timeout: Duration,
    /// Deliveries at a time.
    pub concurrency: usize,
}

impl WebhookSettings {
    /// Well-behaved events to this receiver.
    pub fn new(url: &str, secret: &str) -> Self {
        Self {
            url: url.to_owned(),
            secret: secret.to_owned(),
            echo: Share::ALL,
            opt_in: Share::percent(70),
            delivered: Share::percent(95),
            read: Share::percent(60),
            stop: Share::percent(3),
            stop_words: vec!["STOP".to_owned()],
            failed: Share::percent(5),
            unknown: Share::NONE,
            duplicates: Share::NONE,
            reordered: Share::NONE,
            forged: Share::NONE,
            delay: Duration::from_millis(100),
            spread: Duration::from_millis(500),
            minute: Duration::from_mins(1),
            timeout: Duration::from_mins(1),
            concurrency: 10,
        }
    }

    /// Sets the share of this name (`opt-in`, `delivered`, ...); false if there is none.
    pub fn set_share(&mut self, name: &str, share: Share) -> bool {
        let place = match name {
            "echo" => &mut self.echo,
            "opt-in" => &mut self.opt_in,
            "delivered" => &mut self.delivered,
            "read" => &mut self.read,
            "stop" => &mut self.stop,
            "failed" => &mut self.failed,
            "unknown" => &mut self.unknown,
            "duplicates" => &mut self.duplicates,
            "reordered" => &mut self.reordered,
            "forged" => &mut self.forged,
            _ => return false,
        };
        *place = share;
        true
    }
}
