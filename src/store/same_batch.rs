//! Whether a results file, or a list, is of the batch that has its name in this checkpoint: another checkpoint may have a
//! batch of the same name.

use std::collections::BTreeSet;

use super::batch::Batch;
use super::checkpoint::Store;
use super::error::StoreError;
use super::ids::{ApiId, BatchId};
use super::keys::IMPORTED_FORM;
use super::person;
use super::query::Query as _;
use crate::domain::fallback::Fallback;
use crate::domain::phone::PhoneNumber;
use crate::domain::results_row::content_digest;

/// A message that a file holds.
#[derive(Debug, Clone)]
pub(crate) struct ImportedMessage {
    /// The channel that it went over.
    pub(crate) channel: String,
    /// Whom it was for.
    pub(crate) phone: PhoneNumber,
    /// Its digest.
    pub(crate) content: String,
    /// Its id, if it was accepted.
    pub(crate) id: Option<String>,
}

/// How a list differs from the one whose messages a results file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListDifference {
    /// No message went over its channels.
    Channel,
    /// Messages went over these channels too, which it does not name.
    OtherChannels(BTreeSet<String>),
    /// Nobody who was messaged has the message that it has for them.
    Message,
}

/// So many rows of a batch are compared with a list: most lists have one message for all.
const COMPARED: i64 = 1_000;

impl Store {
    /// Whether one of these messages is known to be of the batch by its id.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn knows_one_of(
        &self,
        batch: &Batch,
        messages: &[ImportedMessage],
    ) -> Result<bool, StoreError> {
        let reader = self.reader()?;
        let (first, last) = batch.id.range();
        for id in messages.iter().filter_map(|it| it.id.as_deref()) {
            let is_known = reader.connection.has(
                "SELECT 1 FROM attempt WHERE message_id = ?1 AND recipient > ?2 AND recipient < ?3",
                (ApiId(id), first, last),
            )?;
            if is_known {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the batch has one of these messages, or nothing that could be compared with them. What goes over another
    /// channel of the batch may have a text of its own: it is not compared.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn has_one_of(
        &self,
        batch: &Batch,
        messages: &[ImportedMessage],
    ) -> Result<bool, StoreError> {
        let reader = self.reader()?;
        let (first, last) = batch.id.range();
        let mut has_another = false;
        for message in messages.iter().filter(|it| it.channel == batch.channel) {
            let whose = person::find(&reader.connection, &self.keys, message.phone)?;
            let Some(whose) = whose else { continue };
            let known: Vec<(Option<String>, Option<i64>)> = reader.connection.rows(
                "SELECT i.content,
                        (SELECT a.content_key FROM attempt a INDEXED BY attempt_by_person
                         WHERE a.person = r.person AND a.recipient = r.id AND a.key_form = ?4 LIMIT 1)
                 FROM recipient r INDEXED BY recipient_by_person
                      CROSS JOIN recipient_input i ON i.id = r.id
                 WHERE r.person = ?1 AND r.id > ?2 AND r.id < ?3
                       AND r.state <> 'duplicate' AND r.state <> 'invalid'",
                (whose, first, last, IMPORTED_FORM),
            )?;
            for row in known {
                let is_it = match row {
                    (Some(content), _) => content_digest(&content) == message.content,
                    (None, Some(key)) => key == self.keys.imported_content_key(&message.content),
                    (None, None) => continue,
                };
                if is_it {
                    return Ok(true);
                }
                has_another = true;
            }
        }
        Ok(!has_another)
    }

    /// Whether the rows of `staged` that are to take the place of those of a restored batch have another channel or message
    /// than a results file says of the batch; `None` if they have the same, or nothing could be compared. What went over
    /// one of the batch's other channels, `fallback`, may have a text of its own: it is not compared.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn difference_from_results(
        &self,
        batch: BatchId,
        staged: BatchId,
        channel: &str,
        fallback: Option<&Fallback>,
    ) -> Result<Option<ListDifference>, StoreError> {
        let reader = self.reader()?;
        let ((first, last), (new_first, new_last)) = (batch.range(), staged.range());
        let messages: Vec<(i64, String, Option<String>)> = reader.connection.rows(
            "SELECT a.content_key, c.api_id,
                    (SELECT i.content FROM recipient s INDEXED BY recipient_by_person
                          CROSS JOIN recipient_input i ON i.id = s.id
                     WHERE s.person = r.person AND s.id > ?4 AND s.id < ?5 AND i.content IS NOT NULL LIMIT 1)
             FROM recipient r
                  CROSS JOIN attempt a INDEXED BY attempt_by_person
                       ON a.person = r.person AND a.recipient = r.id AND a.key_form = ?3
                  CROSS JOIN channel c ON c.id = a.channel
             WHERE r.id > ?1 AND r.id < ?2 LIMIT ?6",
            (first, last, IMPORTED_FORM, new_first, new_last, COMPARED),
        )?;
        let same_channel = || messages.iter().filter(|(_, on, _)| on == channel);
        let others = || fallback.iter().flat_map(|it| &it.channels);
        let is_known = |on: &String| on == channel || others().any(|other| other.id == *on);
        let unknown = || messages.iter().filter(|(_, on, _)| !is_known(on));
        match unknown().count() {
            0 => {}
            count if count == messages.len() => return Ok(Some(ListDifference::Channel)),
            _ => {
                let channels = unknown().map(|(_, on, _)| on.clone()).collect();
                return Ok(Some(ListDifference::OtherChannels(channels)));
            }
        }
        let is_same = same_channel().filter_map(|(key, _, content)| {
            let content = content.as_deref()?;
            Some(self.keys.imported_content_key(&content_digest(content)) == *key)
        });
        let compared: Vec<bool> = is_same.collect();
        let is_other = !compared.is_empty() && !compared.contains(&true);
        Ok(is_other.then_some(ListDifference::Message))
    }
}
