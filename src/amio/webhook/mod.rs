//! Webhook events as the API sends them: their signature, their JSON, and the key that distinguishes two.
//!
//! The signature covers the raw bytes. Before it is checked, the body is searched for one thing
//! only: the channel's id, to choose the secret.

mod fields;
mod kept;
mod parse;
mod secrets;
mod signature;

pub(crate) use fields::channel_of;
pub(crate) use kept::KeptText;
pub use parse::Notification;
pub(crate) use parse::Piece;
pub use secrets::WebhookSecrets;
pub(crate) use signature::{SIGNATURE_HEADER, Signature};
