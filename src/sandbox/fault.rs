//! Scripted faults: what goes wrong, and at which requests.
//!
//! The text form is `KIND[:OPTION[,OPTION]...]`, for example `500:2%`, `hang-after-accept:every=50`,
//! `401:after=500`, `refuse:from=200,for=5s`, `cut-after-accept:1%,byte=40`, `503:3%,retry-after=2`.
//! A refusal with a text of its own is `refuse=TEXT[:OPTION]...`, for example
//! `refuse=(#4) Too many send requests:after=40:status=502:for=30s`.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use super::random::{Share, draw};
use crate::domain::span::above_zero;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error answer.
    Status {
        /// The HTTP status, 400 to 599.
        code: u16,
        /// True if the message is accepted all the same.
        accepted: bool,
        /// The error text; `None` for a text that fits the status.
        text: Option<String>,
    },
    /// Success with an unreadable body: 201 after accepting, 200 without having accepted.
    Garbage {
        /// True for 201.
        accepted: bool,
    },
    /// The answer never comes.
    Hang {
        /// True if the message is accepted.
        accepted: bool,
    },
    /// The message is accepted, and the connection closes after `byte` bytes of the answer.
    CutAfterAccept {
        /// Bytes of the answer that still arrive, from its first; 0 for none.
        byte: u64,
    },
    /// The connection is closed while the request still waits unread: nothing is accepted.
    DropBeforeRead,
    /// The answer comes, and the connection is closed after it without notice.
    CloseAfterAnswer,
    /// The answer comes, and then the port refuses connections for [`FaultRule::period`], or 5 s;
    /// open connections are closed.
    Outage,
    /// The answer comes late, by [`FaultRule::period`], or 1 s.
    Slow,
    /// The message is accepted, and later reported by `message_failed` (not on Messenger).
    FailLater {
        /// `error.code` of the event.
        code: u32,
    },
}

/// Which requests a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Sends only.
    Sends,
    /// Every call.
    All,
}

/// How a message names its recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    /// By `contact.id`.
    Id,
    /// By `contact.phone_number`.
    Phone,
}

/// Where a send goes, for rules that hit some sends only.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) channel: String,
    pub(super) by: Address,
}

/// A fault and the requests that it hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// The kind as written, for the account: `500`, `slow`, `refuse=TEXT`.
    pub kind: String,
    /// What goes wrong.
    pub(crate) fault: Fault,
    /// The first request that can be hit, from 1.
    pub from: u64,
    /// The last one; `None` for no end.
    pub to: Option<u64>,
    /// Only each `every`th request of that range.
    pub every: Option<NonZeroU64>,
    /// Only this share, by chance.
    pub share: Option<Share>,
    /// Which requests are counted.
    pub(crate) scope: Scope,
    /// Only sends to the channel with this id; all are counted.
    pub channel: Option<String>,
    /// Only sends that name their recipient so; all are counted.
    pub(crate) by: Option<Address>,
    /// Only after so many messages were accepted.
    pub after_accepted: u64,
    /// The length of an outage or a delay; for error answers, how long after its first hit the rule ends.
    pub period: Option<Duration>,
    /// Seconds for a `Retry-After` header on an error answer.
    pub retry_after: Option<u64>,
}

impl Fault {
    fn from_kind(kind: &str) -> Option<Self> {
        if let Some(text) = kind.strip_prefix("refuse=") {
            let text = Some(text.to_owned()).filter(|text| !text.is_empty());
            return text.is_some().then_some(Self::Status {
                code: 422,
                accepted: false,
                text,
            });
        }
        if let Some(code) = kind.strip_prefix("fail-later=") {
            return code.parse().ok().map(|code| Self::FailLater { code });
        }
        Some(match kind {
            "garbage-201" => Self::Garbage { accepted: true },
            "garbage-200" => Self::Garbage { accepted: false },
            "hang-after-accept" => Self::Hang { accepted: true },
            "hang-before-accept" => Self::Hang { accepted: false },
            "close-after-accept" => Self::CutAfterAccept { byte: 0 },
            "cut-after-accept" => Self::CutAfterAccept { byte: 60 },
            "drop-before-read" => Self::DropBeforeRead,
            "close-after-answer" => Self::CloseAfterAnswer,
            "refuse" => Self::Outage,
            "slow" => Self::Slow,
            status => {
                let before = status.strip_suffix("-after-accept");
                let code = error_status(before.unwrap_or(status))?;
                Self::Status {
                    code,
                    accepted: before.is_some(),
                    text: None,
                }
            }
        })
    }

    /// True if another answer takes the place of that to an accepted message.
    pub(super) fn answers_as_accepted(&self) -> bool {
        match self {
            Self::Status { accepted, .. } | Self::Garbage { accepted } => *accepted,
            Self::Hang { .. }
            | Self::DropBeforeRead
            | Self::CutAfterAccept { .. }
            | Self::CloseAfterAnswer
            | Self::Outage
            | Self::Slow
            | Self::FailLater { .. } => false,
        }
    }

    /// True if a message whose request is hit is accepted.
    pub(super) fn accepts(&self) -> bool {
        match self {
            Self::Status { accepted, .. }
            | Self::Garbage { accepted }
            | Self::Hang { accepted } => *accepted,
            Self::DropBeforeRead => false,
            Self::CutAfterAccept { .. }
            | Self::CloseAfterAnswer
            | Self::Outage
            | Self::Slow
            | Self::FailLater { .. } => true,
        }
    }
}

fn error_status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|code| (400..600).contains(code))
}

impl FaultRule {
    /// True if the rule hits the request with this number (from 1, in the rule's own scope).
    pub(super) fn hits(&self, number: u64, seed: u64, index: usize) -> bool {
        let in_range = number >= self.from && self.to.is_none_or(|to| number <= to);
        let in_step = self
            .every
            .is_none_or(|every| (number - self.from.min(number) + 1).is_multiple_of(every.get()));
        let drawn = draw(seed, 0xFA17 + index as u64, number);
        in_range && in_step && self.share.is_none_or(|share| share.holds(drawn))
    }

    /// True if the rule's period is over, for a fault that has one.
    pub(super) fn has_ended(&self, first_hit: Option<Duration>, now: Duration) -> bool {
        let ends = first_hit.zip(self.period).map(|(hit, period)| hit + period);
        matches!(self.fault, Fault::Status { .. }) && ends.is_some_and(|end| now >= end)
    }

    /// True if the rule hits only some sends by their content.
    pub(super) fn is_aimed(&self) -> bool {
        self.channel.is_some() || self.by.is_some()
    }

    /// True if a request that goes there can be hit.
    pub(super) fn applies_to(&self, target: Option<&Target>) -> bool {
        target.map_or(!self.is_aimed(), |target| {
            let channel = self.channel.as_ref().is_none_or(|id| *id == target.channel);
            channel && self.by.is_none_or(|by| by == target.by)
        })
    }

    fn is_refusal(&self) -> bool {
        self.kind.starts_with("refuse=")
    }

    /// Applies one option; `None` if it is unknown or does not fit the fault.
    fn set(&mut self, option: &str) -> Option<()> {
        if option.ends_with('%') {
            self.share = Some(option.parse().ok()?);
            return Some(());
        }
        let (key, value) = option.split_once('=')?;
        let refusal = self.is_refusal();
        match (key, &mut self.fault) {
            ("every", _) => self.every = Some(value.parse().ok()?),
            ("share", _) => self.share = Some(value.parse().ok()?),
            ("from", _) => self.from = value.parse().ok().filter(|&from| from > 0)?,
            ("to", _) => self.to = Some(value.parse().ok()?),
            ("after", _) if refusal => self.after_accepted = value.parse().ok()?,
            ("after", _) => self.from = value.parse::<u64>().ok()?.checked_add(1)?,
            ("at", _) => {
                self.from = value.parse().ok().filter(|&at| at > 0)?;
                self.to = Some(self.from);
            }
            ("on", _) if value == "all" => self.scope = Scope::All,
            ("on", _) if value == "sends" => self.scope = Scope::Sends,
            ("channel", fault) if *fault != Fault::DropBeforeRead => {
                self.channel = Some(value.to_owned());
            }
            ("by", fault) if *fault != Fault::DropBeforeRead => {
                self.by = Some(match value {
                    "id" => Address::Id,
                    "phone" => Address::Phone,
                    _ => return None,
                });
            }
            ("for", Fault::Outage | Fault::Slow | Fault::Status { .. }) => {
                self.period = Some(above_zero(value).ok()?);
            }
            ("byte", Fault::CutAfterAccept { byte }) => *byte = value.parse().ok()?,
            ("status", Fault::Status { code, .. }) if refusal => *code = error_status(value)?,
            ("retry-after", Fault::Status { .. }) => self.retry_after = Some(value.parse().ok()?),
            ("text", Fault::Status { text, .. }) if !refusal => *text = Some(value.to_owned()),
            _ => return None,
        }
        Some(())
    }

    fn options(&self) -> Vec<String> {
        let mut options = Vec::new();
        let mut add = |key: &str, value: Option<String>| {
            options.extend(value.map(|value| format!("{key}{value}")));
        };
        add("", self.share.map(|share| share.to_string()));
        add("from=", (self.from > 1).then(|| self.from.to_string()));
        add("to=", self.to.map(|to| to.to_string()));
        add("every=", self.every.map(|every| every.to_string()));
        add("on=", (self.scope == Scope::All).then(|| "all".to_owned()));
        add("channel=", self.channel.clone());
        let by = self.by.map(|by| match by {
            Address::Id => "id",
            Address::Phone => "phone",
        });
        add("by=", by.map(str::to_owned));
        add(
            "after=",
            (self.after_accepted > 0).then(|| self.after_accepted.to_string()),
        );
        add("for=", self.period.map(show_duration));
        add(
            "retry-after=",
            self.retry_after.map(|seconds| seconds.to_string()),
        );
        match &self.fault {
            Fault::CutAfterAccept { byte } => add("byte=", (*byte > 0).then(|| byte.to_string())),
            Fault::Status { code, .. } if self.is_refusal() => {
                add("status=", (*code != 422).then(|| code.to_string()));
            }
            // The text is free and therefore the last option.
            Fault::Status { text, .. } => add("text=", text.clone()),
            Fault::Garbage { .. }
            | Fault::Hang { .. }
            | Fault::DropBeforeRead
            | Fault::CloseAfterAnswer
            | Fault::Outage
            | Fault::Slow
            | Fault::FailLater { .. } => {}
        }
        options
    }
}

/// A fault rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The part before the colon.
    #[error(
        "`{0}` is not a fault: use a status from 400 to 599 (also with -after-accept), refuse=TEXT, garbage-201, \
         garbage-200, hang-after-accept, hang-before-accept, close-after-accept, cut-after-accept, \
         drop-before-read, close-after-answer, refuse, slow or fail-later=CODE"
    )]
    Kind(String),
    /// One of the options.
    #[error(
        "`{option}` is not an option of `{fault}`: use 2%, share=0.02, every=N, from=N, to=N, after=N, at=N, \
         on=all, channel=ID, by=id, by=phone, for=5s (refuse, slow, a status, refuse=TEXT), byte=N (cut-after-accept), \
         status=CODE (refuse=TEXT), retry-after=SECONDS or text=WORDS"
    )]
    Option {
        /// The fault's kind.
        fault: String,
        /// The option as typed.
        option: String,
    },
}

/// Kind and options of a rule. The text of a refusal may hold colons and commas: its options are
/// those parts at the end that look like options.
fn split(rule: &str) -> (&str, Vec<&str>) {
    let mut options = Vec::new();
    if !rule.starts_with("refuse=") {
        let (kind, mut rest) = rule.split_once(':').unwrap_or((rule, ""));
        while !rest.is_empty() {
            let (option, tail) = match rest.split_once(',') {
                Some(parts) if !rest.starts_with("text=") => parts,
                Some(_) | None => (rest, ""),
            };
            options.push(option);
            rest = tail;
        }
        return (kind, options);
    }
    let is_key = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let is_option = |text: &str| {
        let is_pair = text.split_once('=').is_some_and(|(key, _)| is_key(key));
        (text.ends_with('%') || is_pair) && !text.contains(char::is_whitespace)
    };
    let mut kind = rule;
    while let Some((before, last)) = kind.rsplit_once(':')
        && last.split(',').all(is_option)
    {
        options.extend(last.split(','));
        kind = before;
    }
    (kind, options)
}

impl FromStr for FaultRule {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, options) = split(text);
        let mut rule = Self {
            kind: kind.to_owned(),
            fault: Fault::from_kind(kind).ok_or_else(|| FaultError::Kind(kind.to_owned()))?,
            from: 1,
            to: None,
            every: None,
            share: None,
            scope: Scope::Sends,
            channel: None,
            by: None,
            after_accepted: 0,
            period: None,
            retry_after: None,
        };
        for option in options {
            rule.set(option).ok_or_else(|| FaultError::Option {
                fault: kind.to_owned(),
                option: option.to_owned(),
            })?;
        }
        if rule.fault == Fault::Outage && rule.every.is_none() && rule.share.is_none() {
            // One outage, not one after every further request.
            rule.to = Some(rule.to.unwrap_or(rule.from));
        }
        Ok(rule)
    }
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        let options = self.options();
        if options.is_empty() {
            Ok(())
        } else {
            write!(f, ":{}", options.join(","))
        }
    }
}

fn show_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds.is_multiple_of(1000) {
        format!("{}s", milliseconds / 1000)
    } else {
        format!("{milliseconds}ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_shown_alike() {
        for text in [
            "500:2%",
            "502-after-accept:0.5%",
            "503:3%,retry-after=2",
            "hang-after-accept:1%",
            "hang-before-accept:from=5,to=9",
            "cut-after-accept:every=50,byte=40",
            "close-after-accept",
            "drop-before-read:10%",
            "close-after-answer:every=3",
            "refuse:from=200,to=200,for=5s",
            "refuse:every=100,for=250ms",
            "401:from=501,on=all",
            "422:to=20,text=Channel, page or text is wrong.",
            "garbage-201",
            "garbage-200:1%",
            "slow:1%,for=1500ms",
            "413",
            "503:for=30s",
            "refuse=(#4) Too many send requests",
            "refuse=(#190) Error: a, b=c: d. Later:10%,from=2,after=40,for=30s,status=502",
            "fail-later=3:1%",
            "refuse=Contact not found.:channel=77,by=id,status=404",
            "500:by=phone",
        ] {
            let rule: FaultRule = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
        }
    }

    #[test]
    fn short_forms_mean_what_they_say() {
        let rule = |text: &str| text.parse::<FaultRule>().unwrap();
        assert_eq!(rule("401:after=500"), rule("401:from=501"));
        assert_eq!(rule("500:at=3"), rule("500:from=3,to=3"));
        assert_eq!(rule("refuse:from=200,for=5s"), rule("refuse:at=200,for=5s"));
        assert_eq!(rule("cut-after-accept"), rule("cut-after-accept:byte=60"));
        assert_eq!(
            rule("refuse=No: not now.:after=40:share=0.1:status=502:for=30s"),
            rule("refuse=No: not now.:for=30s,status=502,10%,after=40")
        );
        assert_eq!(rule("refuse=a=b: c=d e").kind, "refuse=a=b: c=d e");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for text in [
            "",
            "200",
            "600",
            "explode",
            "500:2",
            "500:byte=3",
            "hang-after-accept:for=1s",
            "500:from=0",
            "refuse:for=5",
            "refuse=",
            "refuse=No:afer=40",
            "refuse=No:status=200",
            "refuse=No:2%,text=Yes",
            "503:status=500",
            "fail-later=none",
            "500:by=name",
            "drop-before-read:channel=77",
        ] {
            assert!(text.parse::<FaultRule>().is_err(), "{text}");
        }
        let error = "500:2%,often=1"
            .parse::<FaultRule>()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`often=1`") && error.contains("`500`"),
            "{error}"
        );
    }

    #[test]
    fn counts_hit_the_requests_that_they_name() {
        let hit = |text: &str| -> Vec<u64> {
            let rule: FaultRule = text.parse().unwrap();
            (1..=12).filter(|&number| rule.hits(number, 1, 0)).collect()
        };
        assert_eq!(hit("500:every=5"), [5, 10]);
        assert_eq!(hit("500:from=3,to=5"), [3, 4, 5]);
        assert_eq!(hit("500:after=10"), [11, 12]);
        assert_eq!(hit("500:from=4,every=4"), [7, 11]);
        assert_eq!(hit("refuse:from=2"), [2]);
        assert_eq!(hit("500:100%"), (1..=12).collect::<Vec<_>>());
    }
}
