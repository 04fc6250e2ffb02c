//! People who were not reached, by whose matter it is.

use crate::domain::delivery::State;
use crate::store::NotReached;

/// Whose matter it is, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Matter {
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

impl Matter {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Number => "the number: no Messenger",
            Self::NumberUnread => "the number: taken for no Messenger, text not known",
            Self::Person => "the person: blocked, outside the 24 hours, or the like",
            Self::Message => "the message: refused, whoever gets it",
            Self::Token => "the token: the API does not accept it; still queued",
            Self::Proxy => "the proxy: it wants a login; still queued",
            Self::BaseUrl => "the base URL: it is not that of the API; still queued",
            Self::Channel => "the channel: page, app, permission, fee or connection; still queued",
            Self::Platform => "the platform: its limit, or an outage",
            Self::Quota => "the quota: used up; still queued",
            Self::Unread => "not known: refused, and nobody knows the text",
            Self::Held => "not known: held until somebody says what the refusal means",
            Self::Delivery => "accepted, but not delivered",
        }
    }
}

/// Sorts the rows that were not reached. `queued` are those that may still be claimed; `by` is what ended the
/// last run.
pub(super) fn matters(
    refused: &[NotReached],
    queued: u64,
    held: u64,
    by: Option<&str>,
) -> Vec<(Matter, u64)> {
    let mut found = std::collections::BTreeMap::new();
    for row in refused {
        let matter = match (row.state, row.code.as_deref()) {
            (State::NoMessenger, _) if row.taken_for => Matter::NumberUnread,
            (State::NoMessenger, _) => Matter::Number,
            (_, Some("person")) => Matter::Person,
            (_, Some("message")) => Matter::Message,
            (_, Some("later")) => Matter::Platform,
            (_, Some("delivery_failed")) => Matter::Delivery,
            (_, _) => Matter::Unread,
        };
        *found.entry(matter).or_insert(0) += row.rows;
    }
    let stopped_by = match by {
        Some("token") => Some(Matter::Token),
        Some("proxy") => Some(Matter::Proxy),
        Some("base-url") => Some(Matter::BaseUrl),
        Some("channel") => Some(Matter::Channel),
        Some("message") => Some(Matter::Message),
        Some("platform") => Some(Matter::Platform),
        Some("quota") => Some(Matter::Quota),
        Some(_) | None => None,
    };
    if let Some(matter) = stopped_by {
        *found.entry(matter).or_insert(0) += queued;
    }
    found.insert(Matter::Held, held);
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
        let found = matters(&refused, 40, 5, Some("channel"));
        assert_eq!(
            found,
            [
                (Matter::Number, 7),
                (Matter::NumberUnread, 2),
                (Matter::Person, 3),
                (Matter::Channel, 40),
                (Matter::Unread, 1),
                (Matter::Held, 5),
            ]
        );
        assert!(matters(&[], 40, 0, None).is_empty());
    }
}
