//! Channels: the API's ids, as small numbers.

use rusqlite::{Connection, OptionalExtension};

use super::checkpoint::Reader;
use super::error::StoreError;
use super::ids::ChannelId;

/// The channel, if messages ever went through it.
pub(super) fn find(connection: &Connection, api_id: &str) -> Result<Option<ChannelId>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT id FROM channel WHERE api_id = ?1")?
        .query_row([api_id], |row| row.get(0))
        .optional()?)
}

/// The channel, made if need be.
pub(super) fn find_or_make(connection: &Connection, api_id: &str) -> Result<ChannelId, StoreError> {
    if let Some(channel) = find(connection, api_id)? {
        return Ok(channel);
    }
    connection
        .prepare_cached("INSERT INTO channel (api_id) VALUES (?1)")?
        .execute([api_id])?;
    Ok(ChannelId(connection.last_insert_rowid()))
}

impl Reader {
    /// The type of a channel, once an answer named it.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn channel_type(&self, api_id: &str) -> Result<Option<String>, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT type FROM channel WHERE api_id = ?1")?
            .query_row([api_id], |row| row.get(0))
            .optional()?
            .flatten())
    }
}
