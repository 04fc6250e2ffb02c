//! What refusals say, each in words for people. Many texts and codes say the same.

use super::meaning::{Meaning, TextMeaning};

/// What a refusal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Explanation {
    pub(super) means: TextMeaning,
    /// What happened, for people.
    pub(super) what: &'static str,
    /// What to do about it; empty where nothing can be done.
    pub(super) todo: &'static str,
}

const fn explain(meaning: Meaning, what: &'static str) -> Explanation {
    says_and(meaning, what, "")
}

const fn says_and(meaning: Meaning, what: &'static str, todo: &'static str) -> Explanation {
    Explanation {
        means: TextMeaning::Known(meaning),
        what,
        todo,
    }
}

const ASK: &str =
    "Ask Amio, or the owner of the Facebook app. SMS and Viber channels are not affected.";
const RECONNECT: &str = "Connect the page in Amio again, or ask Amio.";

pub(super) const NO_MESSENGER: Explanation =
    explain(Meaning::NoMessenger, "no Messenger for the number");
pub(super) const NO_WHATSAPP: Explanation =
    explain(Meaning::NoMessenger, "no WhatsApp for the number");
pub(super) const NO_USER: Explanation = explain(Meaning::NoMessenger, "no user for the number");

pub(super) const BLOCKED: Explanation = explain(
    Meaning::Person,
    "the person blocked the page, left, or declined",
);
pub(super) const BLOCKS: Explanation = explain(Meaning::Person, "the person blocks messages");
pub(super) const WINDOW: Explanation = explain(
    Meaning::Person,
    "the 24 hours since the person wrote last are over",
);
pub(super) const OTHER_APP: Explanation = explain(
    Meaning::Person,
    "another app has the conversation with the person",
);
pub(super) const HELD_BACK: Explanation =
    explain(Meaning::Person, "held back by Meta for this person");
pub(super) const NO_MARKETING: Explanation =
    explain(Meaning::Person, "the person wants no marketing messages");
pub(super) const COUNTRY: Explanation = explain(
    Meaning::Person,
    "WhatsApp does not let this account message the person's country",
);
pub(super) const NO_NUMBER: Explanation =
    explain(Meaning::Person, "the API does not take the number for one");
pub(super) const NOT_IN_TIME: Explanation = explain(Meaning::Person, "not delivered in time");

pub(super) const MESSAGE: Explanation = says_and(
    Meaning::Message,
    "the message is refused for every recipient",
    "Mend the message, then begin again.",
);
pub(super) const TEMPLATE: Explanation = says_and(
    Meaning::Message,
    "the template is wrong, paused or missing",
    "Mend the template, then begin again.",
);

pub(super) const NOT_LIVE: Explanation = says_and(
    Meaning::Channel,
    "the app or the agent is not live or not reviewed: it may message its own people and test numbers only",
    ASK,
);
pub(super) const NOT_OPENED: Explanation = says_and(
    Meaning::Channel,
    "Facebook has not opened sending by phone number to this page",
    "Ask Amio. SMS and Viber channels are not affected.",
);
pub(super) const FEE: Explanation = says_and(
    Meaning::Channel,
    "the fee for matching phone numbers was not paid for this page",
    "Pay it (once for each page, in Facebook), or ask Amio.",
);
pub(super) const PAYMENT: Explanation = says_and(
    Meaning::Channel,
    "something is not paid",
    "Look at the bills of the account, or ask Amio.",
);
pub(super) const NO_PERMISSION_BY_NUMBER: Explanation = says_and(
    Meaning::Channel,
    "the app lacks the permission to send by phone number",
    ASK,
);
pub(super) const NO_PERMISSION: Explanation = says_and(
    Meaning::Channel,
    "the page or the app lacks a permission",
    ASK,
);
pub(super) const CONNECTION: Explanation = says_and(
    Meaning::Channel,
    "the page's connection to Facebook is not valid any more",
    RECONNECT,
);
pub(super) const RESTRICTED: Explanation = says_and(
    Meaning::Channel,
    "Facebook has restricted the page",
    "Going on would make it worse: look at the notices that Facebook gives to the page, or ask Amio.",
);
pub(super) const CHANNEL_GONE: Explanation = says_and(
    Meaning::Channel,
    "the channel or its page is not there, or not active",
    "Look at the channel in Amio.",
);
pub(super) const WHATSAPP_PERMISSION: Explanation = says_and(
    Meaning::Channel,
    "the WhatsApp account lacks a permission",
    "Ask Amio.",
);
pub(super) const WHATSAPP_LOCKED: Explanation = says_and(
    Meaning::Channel,
    "the WhatsApp account is locked",
    "Ask Amio.",
);
pub(super) const WHATSAPP_UNREGISTERED: Explanation = says_and(
    Meaning::Channel,
    "the number that sends is not registered with WhatsApp",
    "Ask Amio.",
);
pub(super) const WHATSAPP_TEST: Explanation = says_and(
    Meaning::Channel,
    "the WhatsApp account is a test account: it reaches the numbers on its list only",
    "Ask Amio.",
);

pub(super) const LIMIT_BY_NUMBER: Explanation = explain(
    Meaning::Wait,
    "Facebook's limit for messages by phone number",
);
pub(super) const LIMIT: Explanation = explain(Meaning::Wait, "Facebook's limit on requests");
pub(super) const WHATSAPP_LIMIT: Explanation =
    explain(Meaning::Wait, "WhatsApp's limit on messages");
pub(super) const WHATSAPP_SPAM: Explanation =
    explain(Meaning::Wait, "WhatsApp's limit against spam");

pub(super) const LATER: Explanation =
    explain(Meaning::Later, "not sent for now; to be tried again");

pub(super) const UNDECIDED: Explanation = Explanation {
    means: TextMeaning::Undecided,
    what: "does not say that nothing was sent",
    todo: "",
};
pub(super) const CONTACT_GONE: Explanation = Explanation {
    means: TextMeaning::ContactGone,
    what: "the contact is not known any more",
    todo: "",
};
