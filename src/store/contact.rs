//! Contacts: people on a channel.
//!
//! A contact may be known before its number is. What it says (an opt-out, an opt-in) is kept with
//! it, and reaches the person in the transaction that learns the number.

mod found;

use jiff::Timestamp;
use rusqlite::Connection;

use super::checkpoint::Reader;
use super::columns::{from_millis, phone_to_column, to_millis};
use super::error::StoreError;
use super::ids::{ApiId, ChannelId, ContactRow, PersonId, RecipientId, StoredId};
use super::keys::HashKey;
use super::person;
use super::query::Query as _;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{OPTED_OUT, Suppression};

pub(super) use self::found::{FoundContact, find, find_anywhere, people};

/// The contact with this id, made if need be, and joined with the person if its own is not known yet. Where it
/// is another person's, a former row is kept for this one: an opt-out reaches both.
pub(super) fn learn(
    connection: &Connection,
    keys: &HashKey,
    on: ChannelId,
    api_id: &str,
    whose: Option<PersonId>,
) -> Result<FoundContact, StoreError> {
    let Some(found) = find(connection, keys, on, api_id)? else {
        connection.change(
            "INSERT INTO contact (channel, api_id, person) VALUES (?1, ?2, ?3)",
            (on, ApiId(api_id), whose),
        )?;
        return Ok(FoundContact {
            row: ContactRow(connection.last_insert_rowid()),
            person: whose,
            erased: false,
            is_new: true,
        });
    };
    match (found.person, whose) {
        (None, Some(person)) => {
            join(connection, found.row, person)?;
            restore(connection, &found, api_id, person)?;
            Ok(FoundContact {
                person: Some(person),
                ..found
            })
        }
        (Some(known), Some(person)) if known != person => {
            keep_former(connection, on, api_id, found.row, person)?;
            Ok(found)
        }
        (Some(known), Some(_)) => {
            restore(connection, &found, api_id, known)?;
            Ok(found)
        }
        (Some(_) | None, None) => Ok(found),
    }
}

/// A contact of which it is not certain whose it is: it is never addressed, and what it says reaches all of these
/// people. Returns the row of the first.
pub(super) fn learn_doubtful(
    connection: &Connection,
    on: ChannelId,
    api_id: &str,
    people: [PersonId; 2],
) -> Result<ContactRow, StoreError> {
    connection.change(
        "UPDATE contact SET former = 1 WHERE api_id = ?1 AND channel = ?2",
        (ApiId(api_id), on),
    )?;
    let mut rows = Vec::new();
    for whose in people {
        let known: Option<ContactRow> = connection.find(
            "SELECT id FROM contact WHERE api_id = ?1 AND channel = ?2 AND person = ?3 LIMIT 1",
            (ApiId(api_id), on, whose),
        )?;
        let row = if let Some(row) = known {
            row
        } else {
            connection.change(
                "INSERT INTO contact (channel, api_id, person, former, opted_out_at)
                     VALUES (?1, ?2, ?3, 1, (SELECT max(opted_out_at) FROM contact
                                             WHERE api_id = ?2 AND channel = ?1))",
                (on, ApiId(api_id), whose),
            )?;
            ContactRow(connection.last_insert_rowid())
        };
        suppress_if_opted_out(connection, row, whose)?;
        rows.push(row);
    }
    rows.first().copied().ok_or_else(|| StoreError::Value {
        detail: "a contact of nobody".to_owned(),
    })
}

/// A contact of a results file: its opt-out counts, and it is never addressed, for its id may have been rounded. What is known of
/// the id already stays; `None` where that is another person's, or an erased one's.
pub(super) fn learn_imported(
    connection: &Connection,
    keys: &HashKey,
    on: ChannelId,
    api_id: &str,
    whose: PersonId,
) -> Result<Option<ContactRow>, StoreError> {
    match find(connection, keys, on, api_id)? {
        Some(found) if found.person == Some(whose) && !found.erased => Ok(Some(found.row)),
        Some(found) if found.person.is_none() => {
            retire_row(connection, found.row)?;
            join(connection, found.row, whose)?;
            Ok(Some(found.row))
        }
        Some(_) => Ok(None),
        None => {
            // Of an erased person's contact a hash is enough to recognise a STOP.
            let hash = if person::number(connection, whose)?.is_none() {
                let name: String =
                    connection.value("SELECT api_id FROM channel WHERE id = ?1", [on])?;
                Some(keys.contact(&name, api_id))
            } else {
                None
            };
            let in_clear = hash.is_none().then_some(ApiId(api_id));
            connection.change(
                "INSERT INTO contact (channel, api_id, api_id_hash, person, former) VALUES (?1, ?2, ?3, ?4, 1)",
                (on, in_clear, hash, whose),
            )?;
            Ok(Some(ContactRow(connection.last_insert_rowid())))
        }
    }
}

/// An erased contact whose person is known again gets its id back.
fn restore(
    connection: &Connection,
    found: &FoundContact,
    api_id: &str,
    whose: PersonId,
) -> Result<(), StoreError> {
    if found.erased && person::number(connection, whose)?.is_some() {
        connection.change(
            "UPDATE contact SET api_id = ?2, api_id_hash = NULL WHERE id = ?1",
            (found.row, ApiId(api_id)),
        )?;
    }
    Ok(())
}

/// Keeps that the contact was said to be this person's too. What it said before reaches the person now.
fn keep_former(
    connection: &Connection,
    on: ChannelId,
    api_id: &str,
    known: ContactRow,
    whose: PersonId,
) -> Result<(), StoreError> {
    if people(connection, on, api_id)?.contains(&whose) {
        return Ok(());
    }
    connection.change(
        "INSERT INTO contact (channel, api_id, person, former, opted_out_at)
             SELECT ?2, ?3, ?4, 1, opted_out_at FROM contact WHERE id = ?1",
        (known, on, ApiId(api_id), whose),
    )?;
    suppress_if_opted_out(connection, known, whose)
}

/// The contact of a person on a channel, made without an id if none is known.
pub(super) fn of_person(
    connection: &Connection,
    on: ChannelId,
    whose: PersonId,
) -> Result<FoundContact, StoreError> {
    let found: Option<ContactRow> = connection.find(
        "SELECT id FROM contact WHERE person = ?1 AND channel = ?2 ORDER BY id LIMIT 1",
        (whose, on),
    )?;
    let row = if let Some(row) = found {
        row
    } else {
        connection.change(
            "INSERT INTO contact (channel, person) VALUES (?1, ?2)",
            (on, whose),
        )?;
        ContactRow(connection.last_insert_rowid())
    };
    Ok(FoundContact {
        row,
        person: Some(whose),
        erased: false,
        is_new: found.is_none(),
    })
}

/// The number of a contact becomes known: what the contact said before reaches the person now.
fn join(connection: &Connection, row: ContactRow, whose: PersonId) -> Result<(), StoreError> {
    connection.change("UPDATE contact SET person = ?2 WHERE id = ?1", (row, whose))?;
    suppress_if_opted_out(connection, row, whose)
}

fn suppress_if_opted_out(
    connection: &Connection,
    row: ContactRow,
    whose: PersonId,
) -> Result<(), StoreError> {
    let opted_out: Option<i64> =
        connection.value("SELECT opted_out_at FROM contact WHERE id = ?1", [row])?;
    if let Some(at) = opted_out {
        person::suppress(connection, whose, OPTED_OUT, "webhook", from_millis(at)?)?;
    }
    Ok(())
}

/// The contact of a person on a channel that is addressed.
pub(super) fn address(
    connection: &Connection,
    on: ChannelId,
    whose: PersonId,
) -> Result<Option<String>, StoreError> {
    let id: Option<StoredId> = connection.find(
        "SELECT api_id FROM contact WHERE person = ?1 AND channel = ?2 AND former = 0
                    AND api_id IS NOT NULL ORDER BY id DESC LIMIT 1",
        (whose, on),
    )?;
    Ok(id.map(|id| id.0))
}

/// The contact's id that the list names for a recipient.
pub(super) fn of_list(
    connection: &Connection,
    recipient: RecipientId,
) -> Result<Option<String>, StoreError> {
    connection.value(
        "SELECT contact_id FROM recipient_input WHERE id = ?1",
        [recipient],
    )
}

/// The contact that a recipient of a person is addressed by, if not by the number: the one that the API named, else
/// the one of the list, unless it is another person's.
pub(super) fn addressed_by(
    connection: &Connection,
    on: ChannelId,
    whose: PersonId,
    from_list: Option<String>,
) -> Result<Option<String>, StoreError> {
    let known = address(connection, on, whose)?;
    let (None, Some(id)) = (&known, &from_list) else {
        return Ok(known);
    };
    let of_another = is_of_another(connection, on, id, whose)?;
    Ok(from_list.filter(|_| !of_another))
}

/// The person has another contact, or none: this id is never addressed again, but an opt-out from it counts. It may be known from
/// the list alone.
pub(super) fn retire(
    connection: &Connection,
    keys: &HashKey,
    on: ChannelId,
    api_id: &str,
    whose: PersonId,
) -> Result<(), StoreError> {
    learn(connection, keys, on, api_id, Some(whose))?;
    connection.change(
        "UPDATE contact SET former = 1 WHERE api_id = ?1 AND channel = ?2 AND person = ?3",
        (ApiId(api_id), on, whose),
    )?;
    Ok(())
}

fn retire_row(connection: &Connection, row: ContactRow) -> Result<(), StoreError> {
    connection.change("UPDATE contact SET former = 1 WHERE id = ?1", [row])?;
    Ok(())
}

/// Whether the contact with this id must not be addressed: it opted out, or is that of a person who must not be
/// messaged.
pub(super) fn must_not_be_addressed(
    connection: &Connection,
    keys: &HashKey,
    on: ChannelId,
    api_id: &str,
) -> Result<Option<Suppression>, StoreError> {
    let Some(found) = find(connection, keys, on, api_id)? else {
        return Ok(None);
    };
    if found.erased && found.person.is_none() {
        return Ok(Some(Suppression::Forgotten));
    }
    let opted_out: bool = connection.value(
        "SELECT opted_out_at IS NOT NULL AND person IS NULL FROM contact WHERE id = ?1",
        [found.row],
    )?;
    if opted_out {
        return Ok(Some(Suppression::Listed {
            reason: OPTED_OUT.to_owned(),
        }));
    }
    match found.person {
        Some(whose) => person::suppression(connection, whose),
        None => Ok(None),
    }
}

/// Whether the contact with this id was ever said to be another person's than this one.
pub(super) fn is_of_another(
    connection: &Connection,
    on: ChannelId,
    api_id: &str,
    whose: PersonId,
) -> Result<bool, StoreError> {
    let people = people(connection, on, api_id)?;
    Ok(people.iter().any(|person| *person != whose))
}

/// Joins times with what is known of a contact: the earliest counts.
pub(super) fn note_opting(
    connection: &Connection,
    row: ContactRow,
    opted_in: Option<Timestamp>,
    opted_out: Option<Timestamp>,
) -> Result<(), StoreError> {
    connection.change(
        "UPDATE contact SET opted_in_at = coalesce(min(opted_in_at, ?2), opted_in_at, ?2),
                                opted_out_at = coalesce(min(opted_out_at, ?3), opted_out_at, ?3)
             WHERE id = ?1",
        (row, opted_in.map(to_millis), opted_out.map(to_millis)),
    )?;
    Ok(())
}

impl Reader {
    /// The ids of the channel's contacts that are decimal numbers, in ascending order.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn decimal_contact_ids(&self, channel: &str) -> Result<Vec<u64>, StoreError> {
        self.connection.read(
            "SELECT DISTINCT k.api_id FROM contact k JOIN channel c ON c.id = k.channel
             WHERE c.api_id = ?1 AND typeof(k.api_id) = 'integer' AND k.api_id >= 0 ORDER BY k.api_id",
            [channel],
            |row| Ok(row.get::<_, i64>(0)?.unsigned_abs()),
        )
    }

    /// Whether the contact with this id is known to have another number; on any channel if none is given.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn contact_of_another(
        &self,
        channel: Option<&str>,
        contact_id: &str,
        phone: PhoneNumber,
    ) -> Result<bool, StoreError> {
        self.connection.value(
            "SELECT EXISTS (SELECT 1 FROM contact k JOIN person p ON p.id = k.person
                                               JOIN channel c ON c.id = k.channel
                                WHERE k.api_id = ?1 AND (?2 IS NULL OR c.api_id = ?2) AND p.number <> ?3)",
            (ApiId(contact_id), channel, phone_to_column(phone)),
        )
    }
}

#[cfg(test)]
mod tests;
