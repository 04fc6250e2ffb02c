//! The Amio API: the HTTP client, the wire types, the webhook events.
//!
//! The client sends one request and returns what came back. It does not pace, retry or decide:
//! whether a failure can have reached the server is established in the client, what an answer
//! means in [`crate::domain::outcome`].

mod client;
mod fresh;
mod mask;
pub(crate) mod webhook;
mod wire;

pub(crate) use client::{ApiError, BaseUrlError, ClientError, Listed};
pub use client::{BaseUrl, Client, ClientSettings, Reply, http_client, token_fingerprint};
pub use wire::{Addressee, OutgoingMessage, RawJson};
pub(crate) use wire::{Channel, ListedMessage};
