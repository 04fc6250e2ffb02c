//! What the checkpoint knows of the numbers of a list: whom not to message, and who was messaged.
//! Read once, into memory, and shared by the threads that judge the rows.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::CommandError;
use crate::clock::Clock;
use crate::config;
use crate::domain::content::{Rendered, Template};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Record, Suppression};
use crate::intake::Unsendable;
use crate::store::{BatchId, Forgotten, HistorySpan, PastMessages, Reader};

/// How far back earlier messages count.
pub(super) fn history_span(guards: &config::Guards) -> HistorySpan {
    HistorySpan {
        repeat_guard: guards.history.repeat_guard,
        not_within: guards.history.not_within.unwrap_or_default(),
    }
}

/// The suppression list, the erased people, and the messages of the last time.
#[derive(Default)]
pub(super) struct Known {
    listed: HashMap<PhoneNumber, Arc<str>>,
    forgotten: Forgotten,
    past: PastMessages,
}

impl Known {
    /// Reads what is known; the messages of the batch `except` do not count.
    pub(super) fn read(
        reader: &Reader,
        guards: &config::Guards,
        except: Option<BatchId>,
        clock: &Clock,
    ) -> Result<Self, CommandError> {
        let mut listed = HashMap::new();
        let mut reasons: HashMap<String, Arc<str>> = HashMap::new();
        reader.suppressions(|entry| -> Result<(), CommandError> {
            let reason = reasons
                .entry(entry.reason)
                .or_insert_with_key(|reason| Arc::from(reason.as_str()));
            listed.insert(entry.phone, Arc::clone(reason));
            Ok(())
        })?;
        Ok(Self {
            listed,
            forgotten: reader.forgotten()?,
            past: reader.past_messages(history_span(guards), except, clock.now())?,
        })
    }

    /// Why the number must not be messaged at all.
    pub(super) fn cause(&self, phone: PhoneNumber) -> Option<Suppression> {
        if let Some(reason) = self.listed.get(&phone) {
            return Some(Suppression::Listed {
                reason: reason.to_string(),
            });
        }
        if let Some(cause) = self.forgotten.cause(phone) {
            return Some(cause);
        }
        let past = self.past.messaged(phone)?;
        Some(Suppression::NotWithin {
            batch: past.batch,
            at: past.at.to_string(),
        })
    }

    /// The row's message, unless it cannot be rendered, or went to that number on that channel before.
    pub(super) fn message(
        &self,
        template: &Template,
        channel: Option<&str>,
        record: &Record,
        phone: PhoneNumber,
    ) -> Result<Rendered, Unsendable> {
        let rendered = template
            .render(record)
            .map_err(|problem| Unsendable::Problem(problem.to_string()))?;
        let past =
            channel.and_then(|channel| self.past.repeated(channel, phone, &rendered.content));
        match past {
            None => Ok(rendered),
            Some(past) => Err(Unsendable::Suppressed(Suppression::RepeatGuard {
                batch: past.batch,
                at: past.at.to_string(),
            })),
        }
    }
}
