//! Channels: the API's ids, as small numbers.

use rusqlite::Connection;

use super::checkpoint::Reader;
use super::columns::from_millis;
use super::error::StoreError;
use super::ids::ChannelId;
use super::query::Query as _;
use crate::domain::outcome::LastAnswer;

/// The channel, if messages ever went through it.
pub(super) fn find(connection: &Connection, api_id: &str) -> Result<Option<ChannelId>, StoreError> {
    connection.find("SELECT id FROM channel WHERE api_id = ?1", [api_id])
}

/// The channel, made if need be.
pub(super) fn find_or_make(connection: &Connection, api_id: &str) -> Result<ChannelId, StoreError> {
    if let Some(channel) = find(connection, api_id)? {
        return Ok(channel);
    }
    connection.change("INSERT INTO channel (api_id) VALUES (?1)", [api_id])?;
    Ok(ChannelId(connection.last_insert_rowid()))
}

impl Reader {
    /// The channel, if messages ever went through it. Asked again for each row of a list.
    pub(super) fn channel(&self, api_id: &str) -> Result<Option<ChannelId>, StoreError> {
        let mut last = self.last_channel.borrow_mut();
        if let Some((_, id)) = last.as_ref().filter(|(known, _)| known == api_id) {
            return Ok(Some(*id));
        }
        let found = find(&self.connection, api_id)?;
        *last = found.map(|id| (api_id.to_owned(), id));
        Ok(found)
    }

    /// The last answer on a channel that says anything of the channel itself; `None` before there was one.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn last_answer_of_channel(
        &self,
        api_id: &str,
    ) -> Result<Option<LastAnswer>, StoreError> {
        let Some(on) = find(&self.connection, api_id)? else {
            return Ok(None);
        };
        let last: Option<(bool, Option<String>, i64)> = self.connection.find_row(
            "SELECT outcome = 'sent', text, finished_at FROM attempt
                 WHERE channel = ?1 AND kind = 'request' AND outcome IN ('sent', 'fatal')
                       AND finished_at IS NOT NULL
                 ORDER BY id DESC LIMIT 1",
            [on],
        )?;
        let Some((accepted, text, at)) = last else {
            return Ok(None);
        };
        let at = from_millis(at)?;
        Ok(Some(if accepted {
            LastAnswer::Accepted(at)
        } else {
            LastAnswer::Refused(at, text.unwrap_or_default())
        }))
    }

    /// The type of a channel, once an answer named it.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn channel_type(&self, api_id: &str) -> Result<Option<String>, StoreError> {
        Ok(self
            .connection
            .find("SELECT type FROM channel WHERE api_id = ?1", [api_id])?
            .flatten())
    }
}
