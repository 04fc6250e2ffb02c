//! Messages that are SMS: counted when a list is read, and refused where they need too many segments.

use std::num::NonZeroU32;

use super::definition::BatchMatch;
use super::error::RunError;
use super::mismatch::Mismatch;
use crate::domain::content::Rendered;
use crate::domain::sms::{CHANNEL_TYPE, SmsSettings, cost, segments_text, text_of};
use crate::store::{Batch, Change, Reader};

/// How the messages of a list are counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SmsRule {
    max_segments: Option<NonZeroU32>,
}

impl SmsRule {
    /// The rule for a channel of this type, `None` for one that is not known; nothing if it does not send SMS.
    pub(super) fn of(settings: SmsSettings, channel_type: Option<&str>) -> Option<Self> {
        settings.counts(channel_type).then_some(Self {
            max_segments: settings.max_segments,
        })
    }

    /// The rule for another channel of a batch: it is counted unless it is known to send no SMS.
    pub(super) fn of_other(settings: SmsSettings, channel_type: Option<&str>) -> Option<Self> {
        channel_type
            .is_none_or(|kind| kind == CHANNEL_TYPE)
            .then_some(Self {
                max_segments: settings.max_segments,
            })
    }

    /// Why a message is refused, if it is.
    pub(super) fn refusal(self, rendered: &Rendered) -> Option<String> {
        let allowed = self.max_segments?.get();
        let cost = cost(&text_of(&rendered.content)?);
        let needed = cost.size.segments;
        (needed > allowed).then(|| {
            format!(
                "the message needs {} of SMS where --max-segments allows {allowed}: {}",
                segments_text(needed),
                cost.why()
            )
        })
    }
}

/// What is reported where a limit has nothing to limit.
pub(super) fn note(settings: SmsSettings, channel_type: Option<&str>) -> Option<String> {
    let unused = settings.max_segments.is_some() && !settings.counts(channel_type);
    unused.then(|| {
        let kind = channel_type.unwrap_or("other");
        format!("--max-segments is not used: the channel is of type {kind} and sends no SMS")
    })
}

/// Joins what is asked for with what the batch of the list keeps. Another limit has the rows judged anew, which only a
/// list that replaces the batch's does.
pub(super) fn join(
    reader: &Reader,
    batch_match: &BatchMatch<Batch>,
    asked: &mut SmsSettings,
    change: Option<Change>,
) -> Result<(), RunError> {
    let Some(batch) = batch_match.batch() else {
        return Ok(());
    };
    let kept = reader.kept_sms(batch.id)?;
    *asked = asked.or(kept);
    if asked.max_segments == kept.max_segments {
        return Ok(());
    }
    match change {
        Some(Change::Update) => Ok(()),
        Some(Change::Add) | None => Err(Mismatch::OtherSegments {
            batch: batch.name.clone(),
            kept: kept.max_segments,
        }
        .into()),
    }
}
