//! What the sandbox plays: every behaviour that the documentation leaves open is a setting.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::fault::FaultRule;
use super::random::Share;
use super::webhooks::WebhookSettings;

/// Everything that can be scripted. `Default` is the quickstart: no faults, a generous quota.
#[derive(Debug, Clone)]
pub struct Settings {
    /// All chance comes from it: the same seed and the same requests give the same run.
    pub seed: u64,
    /// The tokens that are accepted.
    pub tokens: Vec<String>,
    /// The channels that exist.
    pub channels: Vec<Channel>,
    /// Share of numbers that have no Messenger, fixed by number and seed.
    pub without_messenger: Share,
    /// The texts of refusals.
    pub texts: Texts,
    /// How `status.code` of the error envelope is written.
    pub code_form: CodeForm,
    /// The quota; `None` grants everything and sends no quota headers.
    pub quota: Option<Quota>,
    /// The limit of simultaneous connections; `None` for no limit.
    pub connections: Option<ConnectionLimit>,
    /// Every contact id is known, as if the person had been messaged before: what an earlier sandbox
    /// or the real API gave out can be rehearsed with.
    pub any_contact: bool,
    /// How long every answer takes at least.
    pub latency: Duration,
    /// Up to so much more, by chance.
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
            texts: Texts::default(),
            code_form: CodeForm::AsRecorded,
            quota: Some(Quota::default()),
            connections: None,
            any_contact: false,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            faults: Vec::new(),
            max_body: 1 << 20,
            webhooks: None,
            state: None,
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

    /// True where a missing account is answered at once with 422, not later by an event.
    pub(super) fn answers_at_once(&self) -> bool {
        self.kind == "facebook_messenger"
    }
}

/// The texts of refusals: the real ones are not published, so that no program may rely on them.
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
    /// What the headers tell.
    pub headers: Headers,
    /// True if a request that was answered with 429 uses up quota too.
    pub throttled_count: bool,
}

impl Quota {
    /// The fixed window with honest headers.
    pub const fn fixed(limit: NonZeroU32, window: Duration) -> Self {
        let (kind, headers) = (WindowKind::Fixed, Headers::Honest);
        Self {
            limit,
            window,
            kind,
            headers,
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

/// What the quota headers tell.
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

/// What happens above the connection limit: the documentation does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Excess {
    /// Its requests are answered with 429, and it is closed.
    Answer429,
    /// It is closed at once.
    Close,
    /// It waits until another one closes.
    Queue,
}
