//! What kind of line a number belongs to.

use std::fmt;

use serde::Serialize;

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

    /// False for the services behind which there is never a person with a messenger: premium rate,
    /// shared cost, pagers and voice mailboxes. A message to one of them would only cost quota.
    pub fn reaches_a_person(self) -> bool {
        match self {
            Self::Mobile
            | Self::FixedLine
            | Self::FixedLineOrMobile
            | Self::Voip
            | Self::Personal
            | Self::Uan
            | Self::TollFree => true,
            Self::PremiumRate | Self::SharedCost | Self::Pager | Self::Voicemail => false,
        }
    }

    /// True if the number is, or may be, a mobile.
    pub fn may_be_mobile(self) -> bool {
        matches!(self, Self::Mobile | Self::FixedLineOrMobile)
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
            Self::Uan => "company number",
            Self::TollFree => "toll-free",
            Self::PremiumRate => "premium rate",
            Self::SharedCost => "shared cost",
            Self::Pager => "pager",
            Self::Voicemail => "voice mailbox",
        })
    }
}
