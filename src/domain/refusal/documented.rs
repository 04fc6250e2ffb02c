//! Texts as the platform writes them, with its subcodes. Data only. Each line has its source.
//!
//! Texts are folded ([`super::wording::fold`]), and looked for anywhere in the answer; the first line that matches
//! counts.

use super::explanation::{
    BLOCKED, CONNECTION, CONTACT_GONE, Explanation, FEE, HELD_BACK, LATER, LIMIT, LIMIT_BY_NUMBER,
    MESSAGE, NO_MESSENGER, NO_PERMISSION, NO_PERMISSION_BY_NUMBER, NOT_LIVE, NOT_OPENED, OTHER_APP,
    RESTRICTED, UNDECIDED, WINDOW,
};

/// Facebook's own list of error codes, as of March 2026.
pub(super) const FACEBOOK: &str = "Messenger Platform, error codes (March 2026)";
/// Texts of older versions, as client libraries quote them.
const OLDER: &str = "public client libraries";
/// The API's own documentation.
pub(super) const AMIO: &str = "Amio documentation";
/// Tables of `WhatsApp`'s codes.
pub(super) const WHATSAPP: &str = "WhatsApp Cloud API, error codes";

/// Texts that say the same.
#[derive(Debug)]
pub(super) struct Documented {
    pub(super) says: Explanation,
    pub(super) texts: &'static [&'static str],
    /// Facebook's subcodes, which say the same whatever the text.
    pub(super) subcodes: &'static [u32],
    /// Where this is from.
    #[cfg_attr(not(test), expect(dead_code, reason = "for those who read the table"))]
    pub(super) source: &'static str,
}

const fn line(
    says: Explanation,
    texts: &'static [&'static str],
    subcodes: &'static [u32],
    source: &'static str,
) -> Documented {
    Documented {
        says,
        texts,
        subcodes,
        source,
    }
}

/// The first line that matches counts.
pub(super) const DOCUMENTED: &[Documented] = &[
    line(NO_MESSENGER, &["no matching user"], &[2_018_001], FACEBOOK),
    line(NO_MESSENGER, &["no messenger assigned"], &[], AMIO),
    line(
        WINDOW,
        &[
            "outside of allowed window",
            "outside of the allowed window",
            "outside the allowed window",
        ],
        &[2_018_065, 2_018_278],
        FACEBOOK,
    ),
    line(WINDOW, &["re engagement message"], &[], WHATSAPP),
    line(
        NOT_LIVE,
        &["not admins, developers or testers"],
        &[2_018_027, 2_018_028],
        FACEBOOK,
    ),
    line(
        NOT_OPENED,
        &["customer matching", "limited release"],
        &[],
        "home-assistant #47496 and others, since February 2021",
    ),
    line(
        FEE,
        &["phone matching access fee", "matching access fee"],
        &[2_018_021],
        FACEBOOK,
    ),
    line(
        NO_PERMISSION_BY_NUMBER,
        &["pages messaging phone number"],
        &[],
        FACEBOOK,
    ),
    line(
        CONNECTION,
        &[
            "error validating access token",
            "invalid oauth access token",
            "session has been invalidated",
            "session has expired",
        ],
        &[],
        FACEBOOK,
    ),
    line(
        CONNECTION,
        &["page disconnected", "page is disconnected"],
        &[],
        AMIO,
    ),
    line(
        RESTRICTED,
        &[
            "temporarily blocked",
            "bothersome",
            "deemed abusive",
            "abusive",
            "feature limit",
        ],
        &[],
        FACEBOOK,
    ),
    line(
        BLOCKED,
        &[
            "person isn't available",
            "isn't receiving messages",
            "cannot receive messages",
        ],
        &[1_545_041, 2_018_108],
        FACEBOOK,
    ),
    line(
        OTHER_APP,
        &["another app is controlling this thread"],
        &[2_018_300],
        FACEBOOK,
    ),
    line(
        HELD_BACK,
        &["healthy ecosystem", "part of an experiment"],
        &[],
        WHATSAPP,
    ),
    line(
        UNDECIDED,
        &[
            "unexpected error",
            "unknown error",
            "service temporarily unavailable",
            "service unavailable",
        ],
        &[],
        FACEBOOK,
    ),
    line(
        MESSAGE,
        &[
            "invalid parameter",
            "invalid data",
            "message cannot be empty",
            "length of param",
            "attachment size exceeds",
            "upload attachment failure",
        ],
        &[2_018_047, 2_018_074, 2_018_109],
        FACEBOOK,
    ),
    line(
        LIMIT_BY_NUMBER,
        &["too many send requests"],
        &[2_018_022],
        FACEBOOK,
    ),
    line(
        LIMIT,
        &[
            "request limit reached",
            "exceeded the rate limit",
            "rate limit",
            "too many calls",
        ],
        &[],
        FACEBOOK,
    ),
    line(
        NO_PERMISSION,
        &[
            "permissions error",
            "does not have permission",
            "requires extended permission",
        ],
        &[],
        OLDER,
    ),
    line(LATER, &["temporary send message failure"], &[], FACEBOOK),
    line(CONTACT_GONE, &["contact not found"], &[], AMIO),
];
