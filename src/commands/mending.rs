//! A list that joins a batch: what the batch knows is taken from it, unless a flag says otherwise.

use super::error::CommandError;
use super::run::Front;
use super::settings;
use crate::config::Settings;
use crate::domain::percent::Percent;
use crate::run::{
    BatchKnows, Change, ContentSource, FallbackSource, IntakeSettings, Source, batch_knows,
    batch_to_mend,
};

/// The settings that make a message.
const MESSAGE: [&str; 4] = ["message", "content", "tag", "metadata"];

/// A batch that a list joins.
#[derive(Debug)]
pub(super) struct Joined {
    knows: BatchKnows,
    how: Change,
    /// The list mends rows of it, of which a person may have mended some only.
    mends: bool,
}

impl Joined {
    /// The batch of that name, which the list joins so.
    pub(super) fn named(
        front: &Front<'_>,
        name: &str,
        how: Change,
    ) -> Result<Option<Self>, CommandError> {
        let knows = batch_knows(&front.db, name)?;
        Ok(knows.map(|knows| Self {
            knows,
            how,
            mends: false,
        }))
    }

    /// The batch whose rows the list mends.
    pub(super) fn mended(
        front: &Front<'_>,
        sources: &[Source],
    ) -> Result<Option<Self>, CommandError> {
        let console = front.console;
        let named = batch_to_mend(sources, &front.call.settings.intake()?)?;
        let Some(name) = named else {
            return Ok(None);
        };
        let knows = batch_knows(&front.db, &name)?;
        match &knows {
            Some(_) => console.say(format_args!(
                "note: the rows mend rows of batch {name}, and join it; --batch NAME sends them as a batch of their own"
            )),
            None => console.say(format_args!(
                "note: the rows mend rows of batch {name}, which is not in this checkpoint: they are a batch of their own"
            )),
        }
        Ok(knows.map(|knows| Self {
            knows,
            how: Change::Add,
            mends: true,
        }))
    }

    /// The batch, and how the list joins it.
    pub(super) fn batch(&self) -> (&str, Change) {
        (&self.knows.batch, self.how)
    }

    /// The channel, unless a flag names one.
    pub(super) fn channel(&self, settings: &Settings) -> Option<&str> {
        (!settings.is_flag("channel")).then_some(self.knows.channel.as_str())
    }

    /// The message, unless a flag gives one.
    pub(super) fn message(
        &self,
        settings: &Settings,
    ) -> Result<Option<ContentSource>, CommandError> {
        match &self.knows.list {
            Some(list) if !MESSAGE.iter().any(|key| settings.is_flag(key)) => {
                Ok(Some(list.message.clone()))
            }
            Some(_) | None => settings::message(settings),
        }
    }

    /// The other channels, unless flags name some.
    pub(super) fn fallback<'a>(&'a self, own: &'a FallbackSource) -> &'a FallbackSource {
        match &self.knows.list {
            Some(list) if own.channels.is_empty() && !list.fallback.channels.is_empty() => {
                &list.fallback
            }
            Some(_) | None => own,
        }
    }

    /// How the list is read.
    pub(super) fn intake(&self, settings: &Settings, own: &IntakeSettings) -> IntakeSettings {
        let mut intake = match &self.knows.list {
            Some(list) => list.settings(own, &|key| settings.is_flag(key)),
            None => own.clone(),
        };
        if self.mends && !settings.is_flag("min-valid") {
            intake.min_valid = Percent::NONE;
        }
        intake
    }
}
