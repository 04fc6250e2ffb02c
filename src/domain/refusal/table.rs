//! The table of refusals: data only. Each line has its source.
//!
//! Texts are compared folded (lower case, plain apostrophes, single spaces), anywhere in the answer; `*` is any
//! text. `documented` are texts as the platform writes them; `alike` are other wordings of the same.

use super::meaning::{Meaning, Means};

/// Facebook's own list of error codes, as of March 2026.
const FACEBOOK: &str = "Messenger Platform, error codes (March 2026)";
/// Texts of older versions, as client libraries quote them.
const OLDER: &str = "public client libraries";
/// The API's own documentation.
const AMIO: &str = "Amio documentation";
/// Tables of `WhatsApp`'s codes.
const WHATSAPP: &str = "WhatsApp Cloud API, error codes";

/// Texts that mean the same.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) means: Means,
    /// What happened, for people.
    pub(super) what: &'static str,
    /// What to do about it; empty where nothing can be done.
    pub(super) todo: &'static str,
    pub(super) documented: &'static [&'static str],
    pub(super) alike: &'static [&'static str],
    /// Facebook's subcodes, which say the same whatever the text.
    pub(super) subcodes: &'static [u32],
    /// Where this is from.
    #[cfg_attr(not(test), expect(dead_code, reason = "for those who read the table"))]
    pub(super) source: &'static str,
}

/// What a code says, whatever the text.
#[derive(Debug)]
pub(super) struct Code {
    /// From and to, both included.
    pub(super) codes: (u32, u32),
    pub(super) means: Means,
    pub(super) what: &'static str,
    pub(super) todo: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for those who read the table"))]
    pub(super) source: &'static str,
}

const RECONNECT: &str = "Connect the page in Amio again, or ask Amio.";
const ASK: &str =
    "Ask Amio, or whoever owns the Facebook app. SMS and Viber channels are not affected.";
const RESTRICTED: &str = "Going on would make it worse: look at the notices that Facebook gives to the page, or ask Amio.";
const MEND: &str = "Mend the message, then begin again.";

const BLOCKED: &str = "the person blocked the page, left, or declined";
const WINDOW: &str = "the 24 hours since the person wrote last are over";
const CONNECTION: &str = "the page's connection to Facebook is not valid any more";
const LIMIT: &str = "Facebook's limit on requests";

/// The first line that matches counts; of several texts the documented ones are asked first.
pub(super) const LINES: &[Line] = &[
    Line {
        means: Means::Known(Meaning::NoMessenger),
        what: "no Messenger for the number",
        todo: "",
        documented: &[
            "no matching user",
            "no messenger assigned",
            "does not have messenger",
            "has no messenger",
            "no messenger account",
        ],
        alike: &[
            "no user*phone number",
            "no user*this number",
            "no user was found",
            "no matching account",
            "no account*number",
            "not*registered on",
            "is not a messenger user",
            "not a whatsapp user",
            "not on whatsapp",
            "not a viber user",
        ],
        subcodes: &[2_018_001],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Person),
        what: WINDOW,
        todo: "",
        documented: &[
            "outside of allowed window",
            "outside of the allowed window",
            "outside the allowed window",
            "re-engagement message",
        ],
        alike: &[
            "outside*window",
            "24 hours*passed",
            "24-hour",
            "24 hour",
            "24h",
            "messaging window",
            "window*closed",
            "window*expired",
            "window is over",
        ],
        subcodes: &[2_018_065, 2_018_278],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Channel),
        what: "the Facebook app is not live or not reviewed: it may message its own admins, developers and testers only",
        todo: ASK,
        documented: &["not admins, developers or testers"],
        alike: &[
            "not admin*tester",
            "not live",
            "isn't live",
            "development mode",
            "not*been reviewed",
            "not*been approved",
            "permission is reviewed",
            "reviewed and approved",
            "app review",
        ],
        subcodes: &[2_018_027, 2_018_028],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Channel),
        what: "Facebook has not opened sending by phone number to this page",
        todo: "Ask Amio. SMS and Viber channels are not affected.",
        documented: &["customer matching", "limited release"],
        alike: &["closed beta", "phone number*not*available for"],
        subcodes: &[],
        source: "home-assistant #47496 and others, since February 2021",
    },
    Line {
        means: Means::Known(Meaning::Channel),
        what: "the fee for matching phone numbers was not paid for this page",
        todo: "Pay it (once for each page, in Facebook), or ask Amio.",
        documented: &["phone matching access fee", "matching access fee"],
        alike: &[
            "access fee",
            "matching fee",
            "requires*fee",
            "fee*paid",
            "pay*the fee",
            "payment*required",
            "payment issue",
        ],
        subcodes: &[2_018_021],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Channel),
        what: "the app lacks the permission to send by phone number",
        todo: ASK,
        documented: &["pages_messaging_phone_number"],
        alike: &[],
        subcodes: &[],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Channel),
        what: CONNECTION,
        todo: RECONNECT,
        documented: &[
            "error validating access token",
            "invalid oauth access token",
            "session has been invalidated",
            "session has expired",
            "page disconnected",
            "page is disconnected",
        ],
        alike: &[
            "access token",
            "oauth token",
            "session*expired",
            "session*invalid",
            "session does not match",
            "not authorized application",
            "changed the password",
            "changed their password",
            "disconnected",
            "not connected",
            "reconnect",
            "token*expired",
            "token*revoked",
        ],
        subcodes: &[],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Channel),
        what: "Facebook has restricted the page",
        todo: RESTRICTED,
        documented: &[
            "temporarily blocked",
            "bothersome",
            "deemed abusive",
            "abusive",
            "feature limit",
        ],
        alike: &[
            "abuse",
            "annoying",
            "misusing",
            "restricted",
            "restriction",
            "banned",
            "suspended",
            "page*unpublished",
            "account*locked",
            "account*disabled",
            "account*blocked",
            "page*been blocked",
            "app*been blocked",
            "violat",
            "spam",
        ],
        subcodes: &[],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Person),
        what: BLOCKED,
        todo: "",
        documented: &[
            "person isn't available",
            "isn't receiving messages",
            "cannot receive messages",
        ],
        alike: &[
            "person*available",
            "user*available",
            "recipient*available",
            "person*receiv*messages",
            "user*receiv*messages",
            "recipient*receiv*messages",
            "not receiving messages",
            "can't receive messages",
            "blocks messages",
            "person*blocked",
            "user*blocked",
            "recipient*blocked",
            "blocked by",
            "blocked the page",
            "blocked you",
            "unsubscribed",
            "opted out",
            "left the conversation",
            "declined",
            "deleted*conversation",
        ],
        subcodes: &[1_545_041, 2_018_108],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Person),
        what: "another app has the conversation with the person",
        todo: "",
        documented: &["another app is controlling this thread"],
        alike: &["another app*thread", "thread*another app", "thread control"],
        subcodes: &[2_018_300],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Person),
        what: "held back by Meta for this person",
        todo: "",
        documented: &["healthy ecosystem", "part of an experiment"],
        alike: &[],
        subcodes: &[],
        source: WHATSAPP,
    },
    Line {
        means: Means::Known(Meaning::Person),
        what: "the API does not take the number for one",
        todo: "",
        documented: &[],
        alike: &[
            "not a phone number",
            "not a valid phone",
            "invalid phone",
            "phone number is invalid",
            "phone number is not valid",
            "phone_number is not",
            "phone_number is invalid",
        ],
        subcodes: &[],
        source: "wording of validations",
    },
    Line {
        means: Means::Undecided,
        what: "does not say that nothing was sent",
        todo: "",
        documented: &[
            "unexpected error",
            "unknown error",
            "service temporarily unavailable",
            "service unavailable",
        ],
        alike: &["unexpected internal", "internal error"],
        subcodes: &[],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Message),
        what: "the message is refused, whoever gets it",
        todo: MEND,
        documented: &[
            "invalid parameter",
            "invalid data",
            "message cannot be empty",
            "length of param",
            "attachment size exceeds",
            "upload attachment failure",
        ],
        alike: &[
            "invalid param",
            "parameter*invalid",
            "parameter*not valid",
            "data*invalid",
            "invalid keys",
            "invalid content",
            "content*invalid",
            "content*not valid",
            "content*not supported",
            "content.type",
            "content.payload",
            "invalid message",
            "message*invalid",
            "message is empty",
            "empty message",
            "message*too long",
            "message*empty",
            "text*empty",
            "text*too long",
            "must be less than",
            "too long",
            "too large",
            "too big",
            "characters",
            "attachment",
            "maximum size",
            "size*exceed",
            "exceed*size",
            "exceed*length",
            "length*exceed",
            "unsupported*type",
            "message tag",
            "tag*invalid",
            "invalid tag",
            "tag*not*supported",
            "tag*retired",
            "tag*deprecated",
            "metadata.tag",
            "metadata.type",
            "metadata.platform",
            "template",
            "fetch the file",
        ],
        subcodes: &[2_018_047, 2_018_074, 2_018_109],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Wait),
        what: "Facebook's limit for messages by phone number",
        todo: "",
        documented: &["too many send requests"],
        alike: &["too many*phone number"],
        subcodes: &[2_018_022],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Wait),
        what: LIMIT,
        todo: "",
        documented: &[
            "request limit reached",
            "exceeded the rate limit",
            "rate limit",
            "too many calls",
        ],
        alike: &[
            "too many",
            "limit*reached",
            "limit*exceeded",
            "exceeded*limit",
            "reached*limit",
            "limit*hit",
            "throttl",
            "quota",
            "slow down",
            "too fast",
            "too quickly",
            "wait a bit",
            "please wait",
        ],
        subcodes: &[],
        source: FACEBOOK,
    },
    Line {
        means: Means::Known(Meaning::Channel),
        what: "the page or the app lacks a permission",
        todo: ASK,
        documented: &[
            "permissions error",
            "does not have permission",
            "requires extended permission",
        ],
        alike: &[
            "permission",
            "does not have the capability",
            "not authorized",
            "not authorised",
            "not allowed to send",
            "not eligible",
        ],
        subcodes: &[],
        source: OLDER,
    },
    Line {
        means: Means::Known(Meaning::Later),
        what: "not sent for now; to be tried again",
        todo: "",
        documented: &["temporary send message failure"],
        alike: &[
            "temporary*fail",
            "temporarily fail",
            "try again later",
            "try again in",
            "try later",
            "retry later",
        ],
        subcodes: &[],
        source: FACEBOOK,
    },
    Line {
        means: Means::ContactGone,
        what: "the contact is not known any more",
        todo: "",
        documented: &["contact not found"],
        alike: &[
            "contact*not found",
            "contact*not exist",
            "contact*unknown",
            "unknown contact",
            "no such contact",
            "no contact*with",
            "contact*gone",
            "contact*deleted",
            "invalid fbid",
        ],
        subcodes: &[],
        source: AMIO,
    },
];

const fn code(codes: (u32, u32), means: Means, what: &'static str, source: &'static str) -> Code {
    Code {
        codes,
        means,
        what,
        todo: "",
        source,
    }
}

const fn channel(codes: (u32, u32), what: &'static str, todo: &'static str) -> Code {
    Code {
        codes,
        means: Means::Known(Meaning::Channel),
        what,
        todo,
        source: FACEBOOK,
    }
}

const PERSON: Means = Means::Known(Meaning::Person);
const MESSAGE: Means = Means::Known(Meaning::Message);
const CHANNEL: Means = Means::Known(Meaning::Channel);
const WAIT: Means = Means::Known(Meaning::Wait);

/// Codes that say one thing: they count before wordings that are merely alike.
pub(super) const NARROW: &[Code] = &[
    code(
        (1, 2),
        Means::Undecided,
        "does not say that nothing was sent",
        FACEBOOK,
    ),
    code((4, 4), WAIT, LIMIT, FACEBOOK),
    code((17, 17), WAIT, LIMIT, FACEBOOK),
    code((32, 32), WAIT, LIMIT, FACEBOOK),
    code((341, 341), WAIT, LIMIT, FACEBOOK),
    code((80_000, 80_014), WAIT, LIMIT, FACEBOOK),
    channel((102, 102), CONNECTION, RECONNECT),
    channel((190, 190), CONNECTION, RECONNECT),
    channel((368, 368), "Facebook has restricted the page", RESTRICTED),
    code((551, 551), PERSON, BLOCKED, FACEBOOK),
    code(
        (1200, 1200),
        Means::Known(Meaning::Later),
        "not sent for now; to be tried again",
        FACEBOOK,
    ),
    code(
        (130_429, 130_429),
        WAIT,
        "WhatsApp's limit on messages",
        WHATSAPP,
    ),
    code(
        (130_472, 130_472),
        PERSON,
        "held back by Meta for this person",
        WHATSAPP,
    ),
    code(
        (130_497, 130_497),
        PERSON,
        "WhatsApp does not let this account message the person's country",
        WHATSAPP,
    ),
    code(
        (131_005, 131_005),
        CHANNEL,
        "the account lacks a permission",
        WHATSAPP,
    ),
    code(
        (131_008, 131_009),
        MESSAGE,
        "the message is refused, whoever gets it",
        WHATSAPP,
    ),
    code(
        (131_026, 131_026),
        Means::Known(Meaning::NoMessenger),
        "no WhatsApp for the number",
        WHATSAPP,
    ),
    code(
        (131_031, 131_031),
        CHANNEL,
        "the WhatsApp account is locked",
        WHATSAPP,
    ),
    code(
        (131_042, 131_042),
        CHANNEL,
        "the WhatsApp account has a payment problem",
        WHATSAPP,
    ),
    code((131_047, 131_047), PERSON, WINDOW, WHATSAPP),
    code(
        (131_048, 131_048),
        WAIT,
        "WhatsApp's limit against spam",
        WHATSAPP,
    ),
    code(
        (131_049, 131_049),
        PERSON,
        "held back by Meta for this person",
        WHATSAPP,
    ),
    code(
        (131_050, 131_050),
        PERSON,
        "the person wants no marketing messages",
        WHATSAPP,
    ),
    code(
        (131_051, 131_053),
        MESSAGE,
        "the message is refused, whoever gets it",
        WHATSAPP,
    ),
    code(
        (131_056, 131_056),
        WAIT,
        "WhatsApp's limit on messages",
        WHATSAPP,
    ),
    code(
        (132_000, 132_016),
        MESSAGE,
        "the template is wrong, paused or missing",
        WHATSAPP,
    ),
];

/// Codes that are given for many causes: what they say where no text says more.
pub(super) const BROAD: &[Code] = &[
    channel((3, 3), "the page or the app lacks a permission", ASK),
    channel((10, 10), "the page or the app lacks a permission", ASK),
    channel((200, 299), "the page or the app lacks a permission", ASK),
    code(
        (100, 100),
        MESSAGE,
        "the message is refused, whoever gets it",
        FACEBOOK,
    ),
    code((613, 613), WAIT, LIMIT, FACEBOOK),
];

/// `error.code` of `message_failed` on Mobile and Viber (Amio documentation, Message Failed).
pub(super) const FAILED: &[Code] = &[
    code((1, 1), Means::Undecided, "processing failed", AMIO),
    code((2, 2), PERSON, "the person blocks messages", AMIO),
    code(
        (3, 3),
        Means::Known(Meaning::NoMessenger),
        "no user for the number",
        AMIO,
    ),
    code((4, 4), PERSON, "not delivered in time", AMIO),
];
