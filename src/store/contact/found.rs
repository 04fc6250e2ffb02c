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

#[cfg(test)]
mod tests {
    use super::super::super::checkpoint::Store;
    use super::super::must_not_be_addressed;
    use super::*;
    use crate::domain::recipient::{OPTED_OUT, Suppression};

    const ON: ChannelId = ChannelId(1);

    /// Two channels, and contacts: of nobody yet (21, 22), of a person who may be messaged (23), and of two people of
    /// whom hashes are left (24, 25), the first of whom was erased. Two opted out.
    fn checkpoint(folder: &std::path::Path) -> Store {
        let store = Store::open(&folder.join("outreach.db")).unwrap();
        let keys = store.keys.clone();
        let made = store.writer.write_blocking(move |tx| {
            tx.connection.execute_batch(
                "INSERT INTO channel (id, api_id) VALUES (1, '7001'), (2, '7002');
                 INSERT INTO person (id, number) VALUES (1, 420777000001);
                 INSERT INTO contact (id, channel, api_id, person, opted_out_at)
                     VALUES (1, 1, 21, NULL, 5), (2, 1, 22, NULL, NULL), (3, 1, 23, 1, 5), (6, 2, 22, 1, NULL);",
            )?;
            for (row, whose, api_id) in [(4, None, "24"), (5, Some(1), "25")] {
                tx.connection.change(
                    "INSERT INTO contact (id, channel, api_id_hash, person) VALUES (?1, 2, ?2, ?3)",
                    (row, keys.contact("7002", api_id), whose),
                )?;
            }
            Ok(())
        });
        made.unwrap();
        store
    }

    #[test]
    fn who_opted_out_or_was_erased_is_not_addressed_by_the_contact_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = checkpoint(folder.path());
        let keys = store.keys.clone();
        let opted_out = Suppression::Listed {
            reason: OPTED_OUT.to_owned(),
        };
        for (on, api_id, wanted) in [
            (1, "21", Some(opted_out)),
            (1, "22", None),
            // Whether this person may be messaged stands with the person.
            (1, "23", None),
            (2, "24", Some(Suppression::Forgotten)),
            (2, "25", None),
            (1, "24", None),
            (1, "26", None),
        ] {
            let keys = keys.clone();
            let found = store.writer.write_blocking(move |tx| {
                must_not_be_addressed(tx.connection, &keys, ChannelId(on), api_id)
            });
            assert_eq!(found.unwrap(), wanted, "{api_id} on {on}");
        }
    }

    #[test]
    fn an_event_without_a_channel_is_about_the_last_contact_of_that_id_or_what_is_left_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = checkpoint(folder.path());
        for (api_id, row) in [
            ("21", Some(1)),
            ("22", Some(6)),
            ("24", Some(4)),
            ("25", Some(5)),
            ("26", None),
        ] {
            let keys = store.keys.clone();
            let found = store
                .writer
                .write_blocking(move |tx| find_anywhere(tx.connection, &keys, api_id));
            let found = found.unwrap().map(|found| found.row);
            assert_eq!(found, row.map(ContactRow), "{api_id}");
        }
        let keys = store.keys.clone();
        let found = store
            .writer
            .write_blocking(move |tx| find(tx.connection, &keys, ON, "24"));
        assert_eq!(found.unwrap(), None, "the hash is of a channel");
    }
}
