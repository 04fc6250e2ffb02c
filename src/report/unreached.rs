//! People who were not reached, by cause.

use crate::domain::delivery::State;
use crate::store::NotReached;

/// Why people were not reached, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum UnreachedCause {
    Number,
    NumberUnread,
    Person,
    Message,
    Token,
    Proxy,
    BaseUrl,
    Channel,
    Platform,
    Quota,
    Unread,
    Held,
    Delivery,
}

impl UnreachedCause {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Number => "the number: no Messenger",
            Self::NumberUnread => "the number: taken for no Messenger, text not known",
            Self::Person => "the person: blocked, outside the 24 hours, or the like",
            Self::Message => "the message: refused for every recipient",
            Self::Token => "the token: the API does not accept it; still queued",
            Self::Proxy => "the proxy: it wants a login; still queued",
            Self::BaseUrl => "the base URL: it is not that of the API; still queued",
            Self::Channel => "the channel: page, app, permission, fee or connection; still queued",
            Self::Platform => "the platform: its limit, or an outage",
            Self::Quota => "the quota: used up; still queued",
            Self::Unread => "not known: refused, and nobody knows the text",
            Self::Held => "not known: held until you say what the refusal means",
            Self::Delivery => "accepted, but not delivered",
        }
    }
}

/// Sorts the rows that were not reached. `queued` are those that may still be claimed; `by` is what ended the
/// last run.
pub(super) fn unreached(
    refused: &[NotReached],
    queued: u64,
    held: u64,
    by: Option<&str>,
) -> Vec<(UnreachedCause, u64)> {
    let mut found = std::collections::BTreeMap::new();
    for row in refused {
        let cause = match (row.state, row.code.as_deref()) {
            (State::NoMessenger, _) if row.taken_for => UnreachedCause::NumberUnread,
            (State::NoMessenger, _) => UnreachedCause::Number,
            (_, Some("person")) => UnreachedCause::Person,
            (_, Some("message")) => UnreachedCause::Message,
            (_, Some("later")) => UnreachedCause::Platform,
            // What was refused by a later list had been accepted.
            (_, Some("delivery_failed" | "no_consent")) => UnreachedCause::Delivery,
            (_, _) => UnreachedCause::Unread,
        };
        *found.entry(cause).or_insert(0) += row.rows;
    }
    let stopped_by = match by {
        Some("token") => Some(UnreachedCause::Token),
        Some("proxy") => Some(UnreachedCause::Proxy),
        Some("base-url") => Some(UnreachedCause::BaseUrl),
        Some("channel") => Some(UnreachedCause::Channel),
        Some("message") => Some(UnreachedCause::Message),
        Some("platform") => Some(UnreachedCause::Platform),
        Some("quota") => Some(UnreachedCause::Quota),
        Some(_) | None => None,
    };
    if let Some(cause) = stopped_by {
        *found.entry(cause).or_insert(0) += queued;
    }
    found.insert(UnreachedCause::Held, held);
    found.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_who_was_not_reached_is_somebodys_matter() {
        let refused = |state, code: &str, taken_for, rows| NotReached {
            state,
            code: Some(code.to_owned()),
            taken_for,
            rows,
        };
        let refused = [
            refused(State::NoMessenger, "no_messenger", false, 7),
            refused(State::NoMessenger, "no_messenger", true, 2),
            refused(State::Error, "person", false, 3),
            refused(State::Error, "rejected", false, 1),
        ];
        let found = unreached(&refused, 40, 5, Some("channel"));
        assert_eq!(
            found,
            [
                (UnreachedCause::Number, 7),
                (UnreachedCause::NumberUnread, 2),
                (UnreachedCause::Person, 3),
                (UnreachedCause::Channel, 40),
                (UnreachedCause::Unread, 1),
                (UnreachedCause::Held, 5),
            ]
        );
        assert!(unreached(&[], 40, 0, None).is_empty());
    }
}
