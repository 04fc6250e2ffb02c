//! The platform's codes. Data only. Each line has its source.

use super::documented::{AMIO, FACEBOOK, WHATSAPP};
use super::explanation::{
    BLOCKED, BLOCKS, CONNECTION, COUNTRY, Explanation, HELD_BACK, LATER, LIMIT, MESSAGE,
    NO_MARKETING, NO_PERMISSION, NO_USER, NO_WHATSAPP, NOT_IN_TIME, PAYMENT, RESTRICTED, TEMPLATE,
    UNDECIDED, WHATSAPP_LIMIT, WHATSAPP_LOCKED, WHATSAPP_PERMISSION, WHATSAPP_SPAM, WHATSAPP_TEST,
    WHATSAPP_UNREGISTERED, WINDOW,
};

/// What a code says, whatever the text.
#[derive(Debug)]
pub(super) struct Code {
    /// From and to, both included.
    pub(super) codes: (u32, u32),
    pub(super) says: Explanation,
    #[cfg_attr(not(test), expect(dead_code, reason = "for those who read the table"))]
    pub(super) source: &'static str,
}

const fn code(code: u32, says: Explanation, source: &'static str) -> Code {
    range((code, code), says, source)
}

const fn range(codes: (u32, u32), says: Explanation, source: &'static str) -> Code {
    Code {
        codes,
        says,
        source,
    }
}

/// Codes that say one thing: they count before texts.
pub(super) const NARROW: &[Code] = &[
    range((1, 2), UNDECIDED, FACEBOOK),
    code(4, LIMIT, FACEBOOK),
    code(17, LIMIT, FACEBOOK),
    code(32, LIMIT, FACEBOOK),
    code(341, LIMIT, FACEBOOK),
    range((80_000, 80_014), LIMIT, FACEBOOK),
    code(102, CONNECTION, FACEBOOK),
    code(190, CONNECTION, FACEBOOK),
    code(368, RESTRICTED, FACEBOOK),
    code(551, BLOCKED, FACEBOOK),
    code(1200, LATER, FACEBOOK),
    code(130_429, WHATSAPP_LIMIT, WHATSAPP),
    code(130_472, HELD_BACK, WHATSAPP),
    code(130_497, COUNTRY, WHATSAPP),
    code(131_000, UNDECIDED, WHATSAPP),
    code(131_005, WHATSAPP_PERMISSION, WHATSAPP),
    range((131_008, 131_009), MESSAGE, WHATSAPP),
    code(131_016, UNDECIDED, WHATSAPP),
    code(131_026, NO_WHATSAPP, WHATSAPP),
    code(131_030, WHATSAPP_TEST, WHATSAPP),
    code(131_031, WHATSAPP_LOCKED, WHATSAPP),
    code(131_042, PAYMENT, WHATSAPP),
    code(131_047, WINDOW, WHATSAPP),
    code(131_048, WHATSAPP_SPAM, WHATSAPP),
    code(131_049, HELD_BACK, WHATSAPP),
    code(131_050, NO_MARKETING, WHATSAPP),
    range((131_051, 131_053), MESSAGE, WHATSAPP),
    code(131_056, WHATSAPP_LIMIT, WHATSAPP),
    range((132_000, 132_016), TEMPLATE, WHATSAPP),
    code(133_010, WHATSAPP_UNREGISTERED, WHATSAPP),
];

/// Codes that are given for many causes: what they say where no text says more.
pub(super) const BROAD: &[Code] = &[
    code(3, NO_PERMISSION, FACEBOOK),
    code(10, NO_PERMISSION, FACEBOOK),
    range((200, 299), NO_PERMISSION, FACEBOOK),
    code(100, MESSAGE, FACEBOOK),
    code(613, LIMIT, FACEBOOK),
];

/// `error.code` of `message_failed` on Mobile and Viber (Amio documentation, Message Failed).
pub(super) const FAILED: &[Code] = &[
    code(1, UNDECIDED_FAILURE, AMIO),
    code(2, BLOCKS, AMIO),
    code(3, NO_USER, AMIO),
    code(4, NOT_IN_TIME, AMIO),
];

const UNDECIDED_FAILURE: Explanation = Explanation {
    what: "processing failed",
    ..UNDECIDED
};
