//! Contacts on the suppression list whose number is not known: who opted out, and whose reply nobody has read. They are
//! taken from one checkpoint to another as people with a number are, and keep their people from being messaged as soon as
//! the number is known.

use std::collections::HashSet;

use super::checkpoint::{Reader, Store};
use super::columns::{time, to_millis};
use super::error::StoreError;
use super::ids::{PersonId, StoredId};
use super::keys::HashKey;
use super::query::Query as _;
use super::suppression::{ListEntry, unread_entry};
use super::transaction::Tx;
use super::unread::Waiting;
use super::{channel, contact, person, suppression};
use crate::domain::channel_contact::ChannelContact;
use crate::domain::recipient::{OPTED_OUT, UNREAD};

impl ListEntry<ChannelContact> {
    /// Whether it is there only because nobody has read what the person wrote.
    fn is_unread(&self) -> bool {
        self.reason == UNREAD
    }
}

/// What became of contacts that were taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContactsTaken {
    /// How many they were.
    pub contacts: usize,
    /// Those that were not on the list before.
    pub new: usize,
    /// Those of the new ones of whom the list only says that a reply was not read.
    pub unread: usize,
}

impl Reader {
    /// All of them: those who opted out, then those whose reply nobody has read.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn listed_contacts(&self) -> Result<Vec<ListEntry<ChannelContact>>, StoreError> {
        let mut listed = self.connection.read(
            "SELECT c.api_id, k.api_id, k.opted_out_at FROM contact k JOIN channel c ON c.id = k.channel
             WHERE k.opted_out_at IS NOT NULL AND k.person IS NULL AND k.api_id IS NOT NULL ORDER BY k.id",
            [],
            |row| {
                let StoredId(contact_id) = row.get(1)?;
                Ok(ListEntry {
                    who: ChannelContact {
                        channel: row.get(0)?,
                        contact_id,
                    },
                    reason: OPTED_OUT.to_owned(),
                    source: "webhook".to_owned(),
                    added_at: time(row, 2)?,
                })
            },
        )?;
        let known: HashSet<ChannelContact> = listed.iter().map(|it| it.who.clone()).collect();
        let waiting = Waiting::find(&self.connection, &self.keys)?.contacts;
        let unread = waiting.into_iter().filter(|(it, _)| !known.contains(it));
        listed.extend(unread.map(|(contact, since)| unread_entry(contact, since)));
        Ok(listed)
    }
}

impl Store {
    /// These contacts must not be messaged, nor their people once it is known who they are.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails: then nothing of it is stored.
    pub(crate) fn suppress_contacts(
        &self,
        entries: Vec<ListEntry<ChannelContact>>,
    ) -> Result<ContactsTaken, StoreError> {
        if entries.is_empty() {
            return Ok(ContactsTaken::default());
        }
        let keys = self.keys.clone();
        self.writer.write_blocking(move |tx| {
            let waiting = Waiting::find(tx.connection, &keys)?.contacts;
            let waiting: HashSet<_> = waiting.into_iter().map(|(contact, _)| contact).collect();
            let mut taken = ContactsTaken {
                contacts: entries.len(),
                ..ContactsTaken::default()
            };
            for entry in &entries {
                // What the person wrote is here too, and is read here.
                let is_read_here = entry.is_unread() && waiting.contains(&entry.who);
                if !is_read_here && suppress(tx, &keys, entry)? {
                    taken.new += 1;
                    taken.unread += usize::from(entry.is_unread());
                }
            }
            Ok(taken)
        })
    }
}

/// Returns whether the contact is new on the list.
fn suppress(
    tx: &Tx<'_>,
    keys: &HashKey,
    entry: &ListEntry<ChannelContact>,
) -> Result<bool, StoreError> {
    let connection = tx.connection;
    let ChannelContact {
        channel,
        contact_id,
    } = &entry.who;
    let on = channel::find_or_make(connection, channel)?;
    let known = match channel.as_str() {
        "" => contact::find_anywhere(connection, keys, contact_id)?,
        _ => None,
    };
    let found = match known {
        Some(found) => found,
        None => contact::learn(connection, keys, on, contact_id, None)?,
    };
    let mut people: Vec<PersonId> = found.person.into_iter().collect();
    people.extend(contact::people(connection, on, contact_id)?);
    let (source, at) = (&entry.source, entry.added_at);
    let mut is_new = false;
    if !people.is_empty() && entry.is_unread() {
        for whose in people {
            is_new |= suppression::hold(connection, keys, whose, source, at)?;
        }
        return Ok(is_new);
    }
    let opted_out = connection.change(
        "UPDATE contact SET opted_out_at = ?2 WHERE id = ?1 AND opted_out_at IS NULL",
        (found.row, to_millis(at)),
    )?;
    is_new = opted_out > 0 && people.is_empty() && !found.erased;
    for whose in people {
        is_new |= person::suppress(connection, whose, &entry.reason, source, at)?;
    }
    Ok(is_new)
}
