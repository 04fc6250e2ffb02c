//! Message tags of Facebook Messenger: only documented ones, and what becomes of them.
//!
//! Amio rewrites the tags that Facebook stopped accepting on 4 March 2020 to three others, and Facebook retired these
//! on 27 April 2026: a message with any of them is refused with "(#100) Invalid parameter" (public reports: chatwoot
//! #14674, erxes #9177). They are reported, and taken only where a person says so. What Amio makes of
//! `NON_PROMOTIONAL_SUBSCRIPTION` is not documented: it is refused.

use super::names::nearest;
use super::problem::{ContentError, Notice};

/// The tag as it is sent, and the tag that Amio makes of it.
const TAGS: &[(&str, &str)] = &[
    ("ACCOUNT_UPDATE", "ACCOUNT_UPDATE"),
    ("CONFIRMED_EVENT_UPDATE", "CONFIRMED_EVENT_UPDATE"),
    ("POST_PURCHASE_UPDATE", "POST_PURCHASE_UPDATE"),
    ("APPLICATION_UPDATE", "ACCOUNT_UPDATE"),
    ("ISSUE_RESOLUTION", "ACCOUNT_UPDATE"),
    ("PERSONAL_FINANCE_UPDATE", "ACCOUNT_UPDATE"),
    ("APPOINTMENT_UPDATE", "CONFIRMED_EVENT_UPDATE"),
    ("CONFIRMED_EVENT_REMINDER", "CONFIRMED_EVENT_UPDATE"),
    ("TICKET_UPDATE", "CONFIRMED_EVENT_UPDATE"),
    ("TRANSPORTATION_UPDATE", "CONFIRMED_EVENT_UPDATE"),
    ("PAYMENT_UPDATE", "POST_PURCHASE_UPDATE"),
    ("RESERVATION_UPDATE", "POST_PURCHASE_UPDATE"),
    ("SHIPPING_UPDATE", "POST_PURCHASE_UPDATE"),
];

const UNMAPPED: &str = "NON_PROMOTIONAL_SUBSCRIPTION";

/// For a person's own answer within 7 days, after Meta reviewed the app.
const HUMAN_AGENT: &str = "HUMAN_AGENT";

/// Checks a tag in any case; gives it in upper case, and what the user should know of it.
pub(super) fn check(tag: &str) -> Result<(String, Notice), ContentError> {
    let upper = tag.trim().to_ascii_uppercase();
    if upper == UNMAPPED {
        return Err(ContentError::UnmappedTag);
    }
    if upper == HUMAN_AGENT {
        return Ok((upper, Notice::HumanAgent));
    }
    if let Some((_, becomes)) = TAGS.iter().find(|(sent, _)| *sent == upper) {
        let notice = Notice::RetiredTag {
            tag: upper.clone(),
            becomes,
        };
        return Ok((upper, notice));
    }
    let hint = match nearest(&upper, TAGS.iter().map(|(sent, _)| *sent)) {
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    };
    Err(ContentError::UnknownTag {
        tag: tag.to_owned(),
        hint,
    })
}
