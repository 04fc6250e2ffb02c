//! An event that was kept because a person should read it.

use jiff::Timestamp;

use super::fields::Fields;
use super::parse::{Envelope, Notification, is_said, texts, who};
use crate::domain::event::{ContactEvent, EventKind, OptOutWords};

/// What a person should know of a kept event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptText {
    /// The person it is about, if it names one; as an opt-out of that person.
    pub(crate) as_opt_out: ContactEvent,
    /// What the person wrote, or the text of the button they pressed.
    pub(crate) said: Option<String>,
    /// What could not be read, where nothing is known to be said.
    pub(crate) problem: String,
}

impl KeptText {
    /// Who says something in it, if anything is said. What it asks for, which [`Self::read`] finds too, takes longer.
    pub(crate) fn writer(body: &str, received_at: Timestamp) -> Option<ContactEvent> {
        let (whose, is_reply) = Self::whose(body, received_at)?;
        is_reply.then_some(whose)
    }

    /// The person it is about, and whether that person says something in it.
    pub(crate) fn whose(body: &str, received_at: Timestamp) -> Option<(ContactEvent, bool)> {
        let envelope: Envelope<'_> = serde_json::from_str(body).ok()?;
        let data = Fields::of(envelope.data.get()).unwrap_or_default();
        let said = texts(&data).filter(|texts| !texts.is_empty() && is_said(&envelope.event));
        Some((who(&data, received_at), said.is_some()))
    }

    /// Reads what can be read of it. `None` if it is no event any more.
    pub(crate) fn read(body: &str, received_at: Timestamp) -> Option<Self> {
        let envelope: Envelope<'_> = serde_json::from_str(body).ok()?;
        let data = Fields::of(envelope.data.get()).unwrap_or_default();
        let is_reply = is_said(&envelope.event);
        let said = texts(&data).filter(|texts| is_reply && !texts.is_empty());
        let words = OptOutWords::default();
        let notification = Notification::parse(body.as_bytes(), &words, received_at).ok()?;
        Some(Self {
            as_opt_out: ContactEvent {
                what: EventKind::OptedOut,
                ..who(&data, notification.sent_at.unwrap_or(received_at))
            },
            said: said.map(|texts| texts.join(" / ")),
            problem: notification.oddity.unwrap_or_default(),
        })
    }
}
