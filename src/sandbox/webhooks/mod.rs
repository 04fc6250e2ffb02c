//! Webhook events, as the real API would send them, and as badly as it may.
//!
//! [`events`] decides what becomes of an accepted message and enters it into the account; [`deliver`]
//! sends the events to the receiver, again and again if need be. What happened to a person is in the
//! account from the moment it is planned: a receiver that has taken every event must agree with
//! `/sandbox/people`.

pub(super) mod deliver;
mod events;
