//! The built-in sandbox that a rehearsal is sent to: nobody is messaged.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;

use super::batch::HeldBatch;
use super::error::RunError;
use super::settings::Access;
use crate::domain::outcome::MESSENGER;
use crate::domain::sms::CHANNEL_TYPE;
use crate::sandbox::{Channel, EarlierContacts, Quota, Sandbox, Settings};

/// The type of a channel; one of which nothing is known is taken for Messenger.
fn kind(sms: bool) -> &'static str {
    if sms { CHANNEL_TYPE } else { MESSENGER }
}

/// The window of its quota.
const WINDOW: Duration = Duration::from_hours(1);

/// A sandbox in this process; it ends when the value is dropped.
#[derive(Debug)]
pub struct Rehearsal {
    access: Access,
    _sandbox: Sandbox,
}

impl Rehearsal {
    /// The channel of a rehearsal that names none.
    pub const CHANNEL: &'static str = Settings::MESSENGER_CHANNEL;

    /// The channel of a rehearsal of SMS that names none.
    pub const SMS_CHANNEL: &'static str = Settings::MOBILE_CHANNEL;

    /// As [`Self::start`], for the channel of a batch. It knows the contacts that the checkpoint knows, and no
    /// others: an id that belongs to nobody there is refused, as the real API refuses it.
    ///
    /// # Errors
    /// As [`Self::start`], and if the checkpoint fails.
    pub async fn of(batch: &HeldBatch, quota: Option<NonZeroU32>) -> Result<Self, RunError> {
        let (reader, batch) = (batch.reader()?, batch.batch());
        let sms = reader.kept_sms(batch.id)?.counted;
        // Nothing is known of the other channels: most people have one for SMS.
        let others = batch.channels().skip(1).map(|id| (id, CHANNEL_TYPE));
        let own = (batch.channel.as_str(), kind(sms));
        let channels: Vec<_> = std::iter::once(own).chain(others).collect();
        let mut known = Vec::new();
        for (channel, _) in &channels {
            known.extend(reader.decimal_contact_ids(channel)?);
        }
        known.sort_unstable();
        Self::start_as(&channels, quota, EarlierContacts::These(known.into())).await
    }

    /// As [`Self::start`], for a channel that sends SMS, or does not.
    pub(super) async fn start_of_kind(channel: &str, sms: bool) -> Result<Self, RunError> {
        Self::start_as(&[(channel, kind(sms))], None, EarlierContacts::All).await
    }

    /// Starts a sandbox that has the channel, and knows whatever contacts earlier rehearsals may have had. `quota`:
    /// requests an hour that it grants; `None` for no quota.
    ///
    /// # Errors
    /// [`RunError`] if no port of this machine can be listened on.
    pub async fn start(channel: &str, quota: Option<NonZeroU32>) -> Result<Self, RunError> {
        Self::start_as(&[(channel, MESSENGER)], quota, EarlierContacts::All).await
    }

    /// The channels with their types, if they are none of the sandbox's own.
    async fn start_as(
        channels: &[(&str, &str)],
        quota: Option<NonZeroU32>,
        earlier_contacts: EarlierContacts,
    ) -> Result<Self, RunError> {
        // The checkpoint keeps what it learns of a token's quota: each quota has a token of its own, so
        // that a rehearsal never waits for the window of another one.
        let token = quota.map_or_else(
            || Settings::DEFAULT_TOKEN.to_owned(),
            |quota| format!("{}-{quota}", Settings::DEFAULT_TOKEN),
        );
        let mut settings = Settings {
            tokens: vec![token.clone()],
            quota: Some(quota.map_or(Quota::UNBOUNDED, |quota| Quota::fixed(quota, WINDOW))),
            earlier_contacts,
            ..Settings::default()
        };
        for (channel, kind) in channels {
            if settings.channels.iter().all(|known| known.id != *channel) {
                settings.channels.push(Channel::new(channel, kind));
            }
        }
        let sandbox = Sandbox::start(settings, SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let access = Access {
            base_url: sandbox.base_url().parse()?,
            token: SecretString::from(token),
        };
        Ok(Self {
            access,
            _sandbox: sandbox,
        })
    }

    /// How to reach it.
    pub fn access(&self) -> &Access {
        &self.access
    }
}
