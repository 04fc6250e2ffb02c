//! A contact by its id: of a person who is known, of nobody yet, or of one of whom only a hash is left.

use rusqlite::{Connection, Row};

use super::super::error::StoreError;
use super::super::ids::{ApiId, ChannelId, ContactRow, PersonId};
use super::super::keys::HashKey;
use super::super::query::Query as _;

/// A contact and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct FoundContact {
    pub(in crate::store) row: ContactRow,
    pub(in crate::store) person: Option<PersonId>,
    /// Only a hash of the id is left.
    pub(in crate::store) erased: bool,
    /// It was made just now: nothing else names it.
    pub(in crate::store) is_new: bool,
}

/// The contact with this id, if it was ever named; that of an erased person too.
pub(in crate::store) fn find(
    connection: &Connection,
    keys: &HashKey,
    on: ChannelId,
    api_id: &str,
) -> Result<Option<FoundContact>, StoreError> {
    let found = |erased: bool| {
        move |row: &Row<'_>| -> Result<(bool, FoundContact), StoreError> {
            let found = FoundContact {
                row: row.get(0)?,
                person: row.get(1)?,
                erased,
                is_new: false,
            };
            Ok((row.get(2)?, found))
        }
    };
    // The order is made here: SQLite makes a table for it, each time that it is asked.
    let by_id = connection.read(
        "SELECT id, person, former FROM contact WHERE api_id = ?1 AND channel = ?2",
        (ApiId(api_id), on),
        found(false),
    )?;
    let first = by_id
        .into_iter()
        .min_by_key(|(former, found)| (*former, found.row));
    if let Some((_, found)) = first {
        return Ok(Some(found));
    }
    let any_erased: bool = connection.value(
        "SELECT EXISTS (SELECT 1 FROM contact WHERE api_id_hash IS NOT NULL)",
        [],
    )?;
    if !any_erased {
        return Ok(None);
    }
    let name: String = connection.value("SELECT api_id FROM channel WHERE id = ?1", [on])?;
    let erased = connection.find_read(
        "SELECT id, person, former FROM contact WHERE api_id_hash = ?1",
        [keys.contact(&name, api_id)],
        found(true),
    )?;
    Ok(erased.map(|(_, found)| found))
}

/// The contact with this id on any channel: for an event that names none.
pub(in crate::store) fn find_anywhere(
    connection: &Connection,
    keys: &HashKey,
    api_id: &str,
) -> Result<Option<FoundContact>, StoreError> {
    let by_id = connection.read(
        "SELECT id, person FROM contact WHERE api_id = ?1",
        [ApiId(api_id)],
        |row| {
            Ok(FoundContact {
                row: row.get(0)?,
                person: row.get(1)?,
                erased: false,
                is_new: false,
            })
        },
    )?;
    let last = by_id.into_iter().max_by_key(|found| found.row);
    if last.is_some() {
        return Ok(last);
    }
    // Of a person who was pruned or erased, a hash is left on each channel.
    let channels: Vec<ChannelId> = connection.list("SELECT id FROM channel ORDER BY id", [])?;
    for on in channels {
        let found = find(connection, keys, on, api_id)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The people whose contact this was ever said to be, those of former rows too; one may be there twice.
pub(in crate::store) fn people(
    connection: &Connection,
    on: ChannelId,
    api_id: &str,
) -> Result<Vec<PersonId>, StoreError> {
    connection.list(
        "SELECT person FROM contact WHERE api_id = ?1 AND channel = ?2 AND person IS NOT NULL",
        (ApiId(api_id), on),
    )
}
