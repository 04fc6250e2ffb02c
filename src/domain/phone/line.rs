//! What kind of line a number belongs to.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::domain::bad_setting::BadSetting;

/// The kind of line, as Google's metadata has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineType {
    /// A mobile.
    Mobile,
    /// A fixed line. Valid: only the API knows whether a messenger account uses it.
    FixedLine,
    /// A fixed line or a mobile: the plan does not distinguish them (United States, Canada).
    FixedLineOrMobile,
    /// Voice over IP.
    Voip,
    /// A personal number, routed to wherever its owner is.
    Personal,
    /// A number of a whole company.
    Uan,
    /// A number that costs the caller nothing.
    TollFree,
    /// A number with a high price for the caller.
    PremiumRate,
    /// A number whose cost is shared.
    SharedCost,
    /// A pager.
    Pager,
    /// The access number of a voice mailbox.
    Voicemail,
}

impl LineType {
    /// All kinds, in the order in which reports list them.
    pub const ALL: [Self; 11] = [
        Self::Mobile,
        Self::FixedLineOrMobile,
        Self::FixedLine,
        Self::Voip,
        Self::Personal,
        Self::Uan,
        Self::TollFree,
        Self::SharedCost,
        Self::PremiumRate,
        Self::Pager,
        Self::Voicemail,
    ];

    /// The word of a service, as it is typed to message it all the same. `None` for a line that reaches a
    /// person: behind a service there is never one with a messenger, and a message to it would only cost
    /// quota.
    pub fn service(self) -> Option<&'static str> {
        match self {
            Self::Mobile
            | Self::FixedLine
            | Self::FixedLineOrMobile
            | Self::Voip
            | Self::Personal => None,
            Self::Uan => Some("uan"),
            Self::TollFree => Some("toll-free"),
            Self::PremiumRate => Some("premium-rate"),
            Self::SharedCost => Some("shared-cost"),
            Self::Pager => Some("pager"),
            Self::Voicemail => Some("voicemail"),
        }
    }

    /// True if the number is, or may be, a mobile.
    pub fn may_be_mobile(self) -> bool {
        matches!(self, Self::Mobile | Self::FixedLineOrMobile)
    }
}

impl FromStr for LineType {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        let named = |line: &Self| line.service() == Some(text);
        let found = Self::ALL.into_iter().find(named);
        found.ok_or_else(|| {
            let allowed = "toll-free, premium-rate, shared-cost, pager, voicemail or uan";
            BadSetting::new(text, "line without a person", allowed)
        })
    }
}

impl fmt::Display for LineType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mobile => "mobile",
            Self::FixedLine => "fixed line",
            Self::FixedLineOrMobile => "fixed line or mobile",
            Self::Voip => "voice over IP",
            Self::Personal => "personal number",
            Self::Uan => "company access",
            Self::TollFree => "toll-free",
            Self::PremiumRate => "premium rate",
            Self::SharedCost => "shared cost",
            Self::Pager => "pager",
            Self::Voicemail => "voice mailbox",
        })
    }
}
