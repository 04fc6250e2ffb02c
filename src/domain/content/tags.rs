//! Message tags of Facebook Messenger: only documented ones, and what becomes of them.
//!
//! Amio rewrites the tags that Facebook stopped accepting on 4 March 2020. The mapping is documented for
//! all but `NON_PROMOTIONAL_SUBSCRIPTION`: what Amio makes of it, and whether such a message is delivered
//! at all, is not documented. It is refused: a whole list sent under a tag that Facebook no longer accepts
//! is harm that cannot be undone, and the user can easily name one of the three current tags.

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

/// Checks a tag in any case; gives it in upper case, and a notice if Amio will rewrite it.
pub(super) fn check(tag: &str) -> Result<(String, Option<Notice>), ContentError> {
    let upper = tag.trim().to_ascii_uppercase();
    if upper == UNMAPPED {
        return Err(ContentError::UnmappedTag);
    }
    match TAGS.iter().find(|(sent, _)| *sent == upper) {
        Some((sent, becomes)) if sent == becomes => Ok((upper, None)),
        Some((_, becomes)) => {
            let notice = Notice::TagRewritten {
                tag: upper.clone(),
                becomes,
            };
            Ok((upper, Some(notice)))
        }
        None => {
            let hint = match nearest(&upper, TAGS.iter().map(|(sent, _)| *sent)) {
                Some(near) => format!("; did you mean {near}?"),
                None => String::new(),
            };
            Err(ContentError::UnknownTag {
                tag: tag.to_owned(),
                hint,
            })
        }
    }
}
