//! Scripted faults: what goes wrong, and at which requests.
//!
//! The text form is `KIND[:OPTION[,OPTION]...]`, for example `500:2%`, `hang-after-accept:every=50`,
//! `401:after=500`, `refuse:from=200,for=5s`, `cut-after-accept:1%,byte=40`, `503:3%,retry-after=2`.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use super::random::{Share, draw};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An error answer (400 to 599).
    Status {
        /// The HTTP status.
        code: u16,
        /// True if the message went out all the same.
        accepted: bool,
    },
    /// Success with a body that nobody can read: 201 after accepting, 200 without having accepted.
    Garbage {
        /// True for 201.
        accepted: bool,
    },
    /// The answer never comes.
    Hang {
        /// True if the message went out.
        accepted: bool,
    },
    /// The message goes out, and the connection closes after `byte` bytes of the answer.
    CutAfterAccept {
        /// Bytes of the answer that still arrive, from its first; 0 for none.
        byte: u64,
    },
    /// The connection is closed while the request still waits unread: nothing was accepted.
    DropBeforeRead,
    /// The answer comes, and the connection is closed after it without notice.
    CloseAfterAnswer,
    /// The answer comes, and then nobody listens for a while; open connections are closed.
    Refuse {
        /// How long.
        period: Duration,
    },
    /// The answer comes late.
    Slow {
        /// How late.
        delay: Duration,
    },
}

/// Where a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Sends only.
    Sends,
    /// Every call.
    All,
}

/// A fault and the requests that it hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// What goes wrong.
    pub fault: Fault,
    /// The first request that can be hit, from 1.
    pub from: u64,
    /// The last one; `None` for no end.
    pub to: Option<u64>,
    /// Only every so manieth in that range.
    pub every: Option<NonZeroU64>,
    /// Only this share, by chance.
    pub share: Option<Share>,
    /// Which requests are counted.
    pub scope: Scope,
    /// Seconds for a `Retry-After` header on an error answer.
    pub retry_after: Option<u64>,
    /// The error text.
    pub text: Option<String>,
}

impl FaultRule {
    /// A rule that hits every send.
    pub const fn always(fault: Fault) -> Self {
        Self {
            fault,
            from: 1,
            to: None,
            every: None,
            share: None,
            scope: Scope::Sends,
            retry_after: None,
            text: None,
        }
    }

    /// True if the rule hits the request with this number (from 1, in the rule's own scope).
    pub(super) fn hits(&self, number: u64, seed: u64, index: usize) -> bool {
        let in_range = number >= self.from && self.to.is_none_or(|to| number <= to);
        let in_step = self
            .every
            .is_none_or(|every| (number - self.from.min(number) + 1).is_multiple_of(every.get()));
        in_range
            && in_step
            && self
                .share
                .is_none_or(|share| share.holds(draw(seed, 0xFA17 + index as u64, number)))
    }
}

impl Fault {
    /// The word for it on the command line and in the account.
    pub fn name(&self) -> String {
        match self {
            Self::Status {
                code,
                accepted: false,
            } => code.to_string(),
            Self::Status {
                code,
                accepted: true,
            } => format!("{code}-after-accept"),
            Self::Garbage { accepted: true } => "garbage-201".to_owned(),
            Self::Garbage { accepted: false } => "garbage-200".to_owned(),
            Self::Hang { accepted: true } => "hang-after-accept".to_owned(),
            Self::Hang { accepted: false } => "hang-before-accept".to_owned(),
            Self::CutAfterAccept { byte: 0 } => "close-after-accept".to_owned(),
            Self::CutAfterAccept { .. } => "cut-after-accept".to_owned(),
            Self::DropBeforeRead => "drop-before-read".to_owned(),
            Self::CloseAfterAnswer => "close-after-answer".to_owned(),
            Self::Refuse { .. } => "refuse".to_owned(),
            Self::Slow { .. } => "slow".to_owned(),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "garbage-201" => Self::Garbage { accepted: true },
            "garbage-200" => Self::Garbage { accepted: false },
            "hang-after-accept" => Self::Hang { accepted: true },
            "hang-before-accept" => Self::Hang { accepted: false },
            "close-after-accept" => Self::CutAfterAccept { byte: 0 },
            "cut-after-accept" => Self::CutAfterAccept { byte: 60 },
            "drop-before-read" => Self::DropBeforeRead,
            "close-after-answer" => Self::CloseAfterAnswer,
            "refuse" => Self::Refuse {
                period: Duration::from_secs(5),
            },
            "slow" => Self::Slow {
                delay: Duration::from_secs(1),
            },
            status => {
                let (code, accepted) = match status.strip_suffix("-after-accept") {
                    Some(code) => (code, true),
                    None => (status, false),
                };
                let code = code.parse().ok().filter(|code| (400..600).contains(code))?;
                Self::Status { code, accepted }
            }
        })
    }
}

/// A fault rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The part before the colon.
    #[error(
        "`{0}` is not a fault: use a status from 400 to 599 (also with -after-accept), garbage-201, garbage-200, \
         hang-after-accept, hang-before-accept, close-after-accept, cut-after-accept, drop-before-read, \
         close-after-answer, refuse or slow"
    )]
    Kind(String),
    /// One of the options.
    #[error(
        "`{option}` is not an option of `{fault}`: use 2%, every=N, from=N, to=N, after=N, at=N, on=all, \
         for=5s (refuse, slow), byte=N (cut-after-accept), retry-after=SECONDS or text=WORDS"
    )]
    Option {
        /// The fault's name.
        fault: String,
        /// The option as typed.
        option: String,
    },
}

impl FromStr for FaultRule {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, options) = text.split_once(':').unwrap_or((text, ""));
        let fault = Fault::from_name(name).ok_or_else(|| FaultError::Kind(name.to_owned()))?;
        let mut rule = Self::always(fault);
        let mut rest = options;
        while !rest.is_empty() {
            // The text is free and therefore the last option: it may hold commas.
            let (option, tail) = if rest.starts_with("text=") {
                (rest, "")
            } else {
                rest.split_once(',').unwrap_or((rest, ""))
            };
            rule.set(option).ok_or_else(|| FaultError::Option {
                fault: name.to_owned(),
                option: option.to_owned(),
            })?;
            rest = tail;
        }
        if matches!(rule.fault, Fault::Refuse { .. })
            && rule.every.is_none()
            && rule.share.is_none()
        {
            // One outage, not one after every further request.
            rule.to = Some(rule.to.unwrap_or(rule.from));
        }
        Ok(rule)
    }
}

impl FaultRule {
    /// Applies one option; `None` if it is unknown or does not fit the fault.
    fn set(&mut self, option: &str) -> Option<()> {
        if option.ends_with('%') {
            self.share = Some(option.parse().ok()?);
            return Some(());
        }
        let (key, value) = option.split_once('=')?;
        match (key, &mut self.fault) {
            ("every", _) => self.every = Some(value.parse().ok()?),
            ("from", _) => self.from = value.parse().ok().filter(|&from| from > 0)?,
            ("to", _) => self.to = Some(value.parse().ok()?),
            ("after", _) => self.from = value.parse::<u64>().ok()?.checked_add(1)?,
            ("at", _) => {
                self.from = value.parse().ok().filter(|&at| at > 0)?;
                self.to = Some(self.from);
            }
            ("on", _) if value == "all" => self.scope = Scope::All,
            ("on", _) if value == "sends" => self.scope = Scope::Sends,
            ("for", Fault::Refuse { period }) => *period = parse_duration(value)?,
            ("for", Fault::Slow { delay }) => *delay = parse_duration(value)?,
            ("byte", Fault::CutAfterAccept { byte }) => *byte = value.parse().ok()?,
            ("retry-after", Fault::Status { .. }) => self.retry_after = Some(value.parse().ok()?),
            ("text", Fault::Status { .. }) => self.text = Some(value.to_owned()),
            _ => return None,
        }
        Some(())
    }

    fn options(&self) -> Vec<String> {
        let mut options = Vec::new();
        options.extend(self.share.map(|share| share.to_string()));
        if self.from > 1 {
            options.push(format!("from={}", self.from));
        }
        options.extend(self.to.map(|to| format!("to={to}")));
        options.extend(self.every.map(|every| format!("every={every}")));
        if self.scope == Scope::All {
            options.push("on=all".to_owned());
        }
        match &self.fault {
            Fault::Refuse { period } => options.push(format!("for={}", show_duration(*period))),
            Fault::Slow { delay } => options.push(format!("for={}", show_duration(*delay))),
            Fault::CutAfterAccept { byte } if *byte > 0 => options.push(format!("byte={byte}")),
            Fault::CutAfterAccept { .. }
            | Fault::Status { .. }
            | Fault::Garbage { .. }
            | Fault::Hang { .. }
            | Fault::DropBeforeRead
            | Fault::CloseAfterAnswer => {}
        }
        options.extend(
            self.retry_after
                .map(|seconds| format!("retry-after={seconds}")),
        );
        options.extend(self.text.as_ref().map(|text| format!("text={text}")));
        options
    }
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fault.name())?;
        let options = self.options();
        if options.is_empty() {
            Ok(())
        } else {
            write!(f, ":{}", options.join(","))
        }
    }
}

/// Reads `250ms`, `5s`, `2m` or `1h`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let split = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
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
