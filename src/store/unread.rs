//! Replies that nobody has read yet: no message goes to who wrote them, as they may ask not to be messaged. One message
//! too few costs less than one too many.
//!
//! The API may name a contact alone, and whose it is stands in the answer to our request. Where that was lost, what a
//! contact of an unknown number wrote may be of anybody who awaits such an answer: no message is repeated to them before either
//! is settled, and where it was an opt-out no other one goes to them either.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use rusqlite::Connection;

use super::checkpoint::Reader;
use super::columns::{from_millis, number_columns};
use super::error::StoreError;
use super::ids::{ChannelId, PersonId, RecipientId, StoredId};
use super::keys::HashKey;
use super::past::PastAttempt;
use super::person::Person;
use super::query::Query as _;
use super::{channel, contact, past, person};
use crate::amio::webhook::KeptText;
use crate::domain::channel_contact::ChannelContact;
use crate::domain::event::ContactEvent;
use crate::domain::phone::PhoneNumber;

/// So many last digits of a number stand in an event of its person, whatever stood before them in an older numbering plan.
const LAST_DIGITS: i64 = 1_000_000;

/// Who wrote what nobody has read yet.
#[derive(Debug, Default)]
pub(crate) struct UnreadFrom {
    people: HashSet<PersonId>,
    nameless: Nameless,
}

impl UnreadFrom {
    /// Whether one of these people wrote it, or may have opted out: these are the requests to them.
    pub(super) fn any_of(&self, people: &[Person], attempts: &[PastAttempt]) -> bool {
        people.iter().any(|it| self.people.contains(&it.id)) || self.nameless.may_be_of(attempts)
    }
}

/// What contacts wrote whose number is not known: on which channel (`None` if that is not known either), and when it
/// came.
#[derive(Debug, Default)]
struct Nameless(Vec<(Option<ChannelId>, Timestamp)>);

impl Nameless {
    /// Opt-outs, and what may be one.
    fn find(connection: &Connection, keys: &HashKey) -> Result<Self, StoreError> {
        Self::find_of(connection, keys, true)
    }

    /// Opt-outs alone.
    fn find_opt_outs(connection: &Connection, keys: &HashKey) -> Result<Self, StoreError> {
        Self::find_of(connection, keys, false)
    }

    fn find_of(
        connection: &Connection,
        keys: &HashKey,
        with_replies: bool,
    ) -> Result<Self, StoreError> {
        let mut found = Vec::new();
        visit_all(
            connection,
            |_| true,
            |_, (event, is_reply), received_at| {
                let is_wanted =
                    is_reply && with_replies || waits_for_person(connection, keys, &event)?;
                if !is_wanted || event.phone.is_some() || is_known(connection, keys, &event)? {
                    return Ok(());
                }
                match channel::find(connection, &event.channel)? {
                    Some(on) => found.push((Some(on), received_at)),
                    None if event.channel.is_empty() => found.push((None, received_at)),
                    // Nothing was ever sent there.
                    None => {}
                }
                Ok(())
            },
        )?;
        Ok(Self(found))
    }

    /// Whether the person to whom these requests were made may have written some of it: in answer to one of which it is
    /// not known whom it reached.
    fn may_be_of(&self, attempts: &[PastAttempt]) -> bool {
        let mut open = attempts.iter().filter(|attempt| attempt.reached_unknown);
        open.any(|attempt| {
            let mut all = self.0.iter();
            all.any(|(on, came)| attempt.at <= *came && on.is_none_or(|on| on == attempt.channel))
        })
    }
}

/// Whether the event's contact opted out, and it is not known whose contact it is.
pub(super) fn waits_for_person(
    connection: &Connection,
    keys: &HashKey,
    event: &ContactEvent,
) -> Result<bool, StoreError> {
    let on = channel::find(connection, &event.channel)?;
    let (Some(on), Some(api_id), None) = (on, &event.contact_id, event.phone) else {
        return Ok(false);
    };
    match contact::find(connection, keys, on, api_id)? {
        Some(found) if found.person.is_none() && !found.erased => connection.value(
            "SELECT opted_out_at IS NOT NULL FROM contact WHERE id = ?1",
            [found.row],
        ),
        Some(_) | None => Ok(false),
    }
}

/// Whether it is known whose contact the event names: an erased person's is too.
fn is_known(
    connection: &Connection,
    keys: &HashKey,
    event: &ContactEvent,
) -> Result<bool, StoreError> {
    if !writers_of(connection, keys, event)?.is_empty() {
        return Ok(true);
    }
    match (
        channel::find(connection, &event.channel)?,
        &event.contact_id,
    ) {
        (Some(on), Some(api_id)) => {
            let found = contact::find(connection, keys, on, api_id)?;
            Ok(found.is_some_and(|found| found.erased))
        }
        (None, _) | (_, None) => Ok(false),
    }
}

/// Whether the person to whom these requests were made may be the contact of an unknown number that opted out.
pub(super) fn may_have_opted_out(
    connection: &Connection,
    keys: &HashKey,
    attempts: &[PastAttempt],
) -> Result<bool, StoreError> {
    // Nearly every answer names whom it reached.
    Ok(attempts.iter().any(|attempt| attempt.reached_unknown)
        && Nameless::find_opt_outs(connection, keys)?.may_be_of(attempts))
}

/// Which of these rows are of people who may have written what a contact of an unknown number wrote: no message is
/// repeated to them.
pub(super) fn rows_that_may_have_written(
    connection: &Connection,
    keys: &HashKey,
    rows: &[RecipientId],
) -> Result<BTreeSet<RecipientId>, StoreError> {
    let nameless = Nameless::find(connection, keys)?;
    let mut found = BTreeSet::new();
    for &row in rows.iter().filter(|_| !nameless.0.is_empty()) {
        let whose: Option<PersonId> = connection
            .find("SELECT person FROM recipient WHERE id = ?1", [row])?
            .flatten();
        if let Some(whose) = whose
            && nameless.may_be_of(&past::attempts_to(connection, whose, false)?)
        {
            found.insert(row);
        }
    }
    Ok(found)
}

impl Reader {
    /// Who wrote what nobody has read yet.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn unread_from(&self) -> Result<UnreadFrom, StoreError> {
        Ok(UnreadFrom {
            people: writers(&self.connection, &self.keys, |_| true)?,
            nameless: Nameless::find_opt_outs(&self.connection, &self.keys)?,
        })
    }

    /// As the function of this name.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn rows_that_may_have_written(
        &self,
        rows: &[RecipientId],
    ) -> Result<BTreeSet<RecipientId>, StoreError> {
        rows_that_may_have_written(&self.connection, &self.keys, rows)
    }
}

/// Whom unread replies hold.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Those whose number is known, each with the time of the first reply.
    pub(super) since: BTreeMap<PhoneNumber, Timestamp>,
    /// Contacts whose number is not known, likewise.
    pub(super) contacts: Vec<(ChannelContact, Timestamp)>,
    /// Replies that name neither a number nor a contact.
    pub(super) nameless: u64,
}

impl Waiting {
    pub(super) fn find(connection: &Connection, keys: &HashKey) -> Result<Self, StoreError> {
        let mut found = Self::default();
        visit_kept(
            connection,
            |_| true,
            |_, event, received_at| {
                let mut phones: Vec<PhoneNumber> = event.phone.into_iter().collect();
                for writer in writers_of(connection, keys, &event)? {
                    // What was written by somebody who is suppressed is settled.
                    if person::suppression(connection, writer)?.is_some() {
                        return Ok(());
                    }
                    phones.extend(person::number(connection, writer)?);
                }
                if phones.is_empty() {
                    found.note_nobody(event, received_at);
                }
                for phone in phones {
                    let first = found.since.entry(phone).or_insert(received_at);
                    *first = received_at.min(*first);
                }
                Ok(())
            },
        )?;
        Ok(found)
    }

    /// Notes a reply of which no number is known.
    fn note_nobody(&mut self, event: ContactEvent, received_at: Timestamp) {
        let Some(contact_id) = event.contact_id else {
            self.nameless += 1;
            return;
        };
        let contact = ChannelContact {
            channel: event.channel,
            contact_id,
        };
        if self.contacts.iter().all(|(known, _)| *known != contact) {
            self.contacts.push((contact, received_at));
        }
    }
}

/// Whether one of these people wrote what nobody has read yet.
pub(super) fn waits_to_be_read(
    connection: &Connection,
    keys: &HashKey,
    people: &[Person],
) -> Result<bool, StoreError> {
    let is_any_kept: bool = connection.value(
        "SELECT EXISTS (SELECT 1 FROM event INDEXED BY event_unreadable WHERE body IS NOT NULL)",
        [],
    )?;
    if !is_any_kept {
        return Ok(false);
    }
    // To parse an event takes longer than to see that it names neither the number nor a contact of these people.
    let names = names_in_events(connection, people)?;
    let writers = writers(connection, keys, |body| {
        names
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| body.contains(name)))
    })?;
    Ok(people.iter().any(|it| writers.contains(&it.id)))
}

/// Who wrote what is kept to be read, in the events that `is_wanted` picks by their text.
fn writers(
    connection: &Connection,
    keys: &HashKey,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<HashSet<PersonId>, StoreError> {
    let mut found = HashSet::new();
    visit_kept(connection, is_wanted, |_, event, _| {
        found.extend(writers_of(connection, keys, &event)?);
        Ok(())
    })?;
    Ok(found)
}

/// What was decided of an event, for the audit.
pub(super) const OPT_OUT: &str = "opt_out";

/// The event, likewise.
pub(super) fn event_in_words(id: i64) -> String {
    format!("event {id}")
}

/// Opt-outs that a person read out of replies before it was known whose they are: they reached somebody by now, and are
/// settled.
pub(super) fn settle_decided(connection: &Connection, keys: &HashKey) -> Result<(), StoreError> {
    for (id, writers) in kept_replies(connection, keys)? {
        let is_decided = connection.has(
            "SELECT 1 FROM decision WHERE what = ?1 AND detail = ?2 LIMIT 1",
            (OPT_OUT, event_in_words(id)),
        )?;
        if is_decided && !writers.is_empty() {
            settle(connection, id)?;
        }
    }
    Ok(())
}

/// The event waits for nobody any more.
pub(super) fn settle(connection: &Connection, id: i64) -> Result<(), StoreError> {
    connection.change("UPDATE event SET body = NULL WHERE id = ?1", [id])?;
    Ok(())
}

/// The replies that are kept to be read, each with who wrote it.
pub(super) fn kept_replies(
    connection: &Connection,
    keys: &HashKey,
) -> Result<Vec<(i64, Vec<PersonId>)>, StoreError> {
    let mut replies = Vec::new();
    visit_kept(
        connection,
        |_| true,
        |id, event, _| {
            replies.push((id, writers_of(connection, keys, &event)?));
            Ok(())
        },
    )?;
    Ok(replies)
}

/// Calls `each` with the number of each event that is kept to be read and that `is_wanted` picks by its text, with who
/// says something in it, and when it came.
fn visit_kept(
    connection: &Connection,
    is_wanted: impl Fn(&str) -> bool,
    mut each: impl FnMut(i64, ContactEvent, Timestamp) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    visit_all(connection, is_wanted, |id, (event, is_reply), at| {
        if is_reply {
            each(id, event, at)
        } else {
            Ok(())
        }
    })
}

/// The same for every event that is kept, with whom it is about, and whether that person says something in it.
fn visit_all(
    connection: &Connection,
    is_wanted: impl Fn(&str) -> bool,
    mut each: impl FnMut(i64, (ContactEvent, bool), Timestamp) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    connection.visit(
        "SELECT id, body, received_at FROM event INDEXED BY event_unreadable WHERE body IS NOT NULL",
        [],
        |row| {
            let body: String = row.get(1)?;
            Ok(is_wanted(&body).then_some((row.get(0)?, body, row.get(2)?)))
        },
        |event: Option<(i64, String, i64)>| -> Result<(), StoreError> {
            let Some((id, body, received_at)) = event else {
                return Ok(());
            };
            let received_at = from_millis(received_at)?;
            KeptText::whose(&body, received_at).map_or(Ok(()), |whose| each(id, whose, received_at))
        },
    )
}

/// Who wrote this: whom its number or its contact names.
fn writers_of(
    connection: &Connection,
    keys: &HashKey,
    event: &ContactEvent,
) -> Result<Vec<PersonId>, StoreError> {
    let mut writers = Vec::new();
    for form in event.phone.into_iter().flat_map(number_columns) {
        writers.extend(connection.list::<PersonId>(
            "SELECT person FROM person_by_number WHERE number = ?1",
            [form],
        )?);
    }
    let on = channel::find(connection, &event.channel)?;
    if let (Some(on), Some(api_id)) = (on, &event.contact_id) {
        writers.extend(contact::people(connection, on, api_id)?);
        // Of a contact whose person was pruned a hash is left.
        let found = contact::find(connection, keys, on, api_id)?;
        writers.extend(found.and_then(|found| found.person));
    }
    Ok(writers)
}

/// Whether a kept event is a reply that a person should read: what was written by somebody who is suppressed is settled.
pub(super) fn is_unread_reply(
    connection: &Connection,
    keys: &HashKey,
    body: &str,
    received_at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(event) = KeptText::writer(body, received_at) else {
        return Ok(false);
    };
    for writer in writers_of(connection, keys, &event)? {
        if person::suppression(connection, writer)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What stands in every event of these people: the id of a contact, or the last digits of the number. `None` if only a
/// hash is left of a contact's id.
fn names_in_events(
    connection: &Connection,
    people: &[Person],
) -> Result<Option<Vec<String>>, StoreError> {
    let mut names = Vec::new();
    for person in people {
        let contacts: Vec<Option<StoredId>> = connection.list(
            "SELECT api_id FROM contact INDEXED BY contact_by_person WHERE person = ?1",
            [person.id],
        )?;
        for contact in contacts {
            let Some(StoredId(id)) = contact else {
                return Ok(None);
            };
            names.push(id);
        }
        let number = person.number.map(|number| number % LAST_DIGITS);
        names.extend(number.map(|digits| format!("{digits:06}")));
    }
    Ok(Some(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::checkpoint::Store;

    /// Replies that are kept to be read: two of contact 21, one of 22, whose person is suppressed, and one of a contact
    /// that nobody knows.
    fn checkpoint(folder: &std::path::Path) -> Store {
        let store = Store::open(&folder.join("outreach.db")).unwrap();
        let filled = store.writer.write_blocking(|tx| {
            tx.connection.execute_batch(
                "INSERT INTO channel (id, api_id) VALUES (1, '7001');
                 INSERT INTO person (id, number, suppressed_at, suppressed_reason)
                     VALUES (1, 420777000001, NULL, NULL), (2, 420777000002, 5, 'STOP');
                 INSERT INTO contact (channel, api_id, person) VALUES (1, 21, 1), (1, 22, 2);",
            )?;
            for (id, contact, received_at) in [(1, 21, 2_000), (2, 21, 1_000), (3, 22, 5), (4, 99, 5)] {
                let body = format!(
                    r#"{{"event": "message_received", "timestamp": "2026-05-01T10:00:00Z",
                         "data": {{"channel": {{"id": "7001"}}, "contact": {{"id": "{contact}"}},
                                   "content": {{"type": "text", "payload": "does the bus stop"}}}}}}"#
                );
                tx.connection.change(
                    "INSERT INTO event (id, key, kind, body, received_at, applied_at)
                         VALUES (?1, CAST(?1 AS BLOB), 'message_received', ?2, ?3, 5)",
                    (id, body, received_at),
                )?;
            }
            Ok(())
        });
        filled.unwrap();
        store
    }

    #[test]
    fn a_reply_holds_its_person_since_the_first_one_and_nobody_who_is_suppressed() {
        let folder = tempfile::tempdir().unwrap();
        let store = checkpoint(folder.path());
        let keys = store.keys.clone();
        let found = store
            .writer
            .write_blocking(move |tx| Waiting::find(tx.connection, &keys));
        let found = found.unwrap();
        let phone = PhoneNumber::from_e164(420_777_000_001).unwrap();
        let since = Timestamp::from_second(1).unwrap();
        assert_eq!(found.since, BTreeMap::from([(phone, since)]));
        let stranger = ChannelContact {
            channel: "7001".to_owned(),
            contact_id: "99".to_owned(),
        };
        let received_at = Timestamp::from_millisecond(5).unwrap();
        assert_eq!(found.contacts, [(stranger, received_at)]);
        assert_eq!(found.nameless, 0);
    }

    #[test]
    fn an_opt_out_that_was_read_out_of_a_reply_waits_until_it_is_known_whose_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = checkpoint(folder.path());
        let keys = store.keys.clone();
        let left: Vec<i64> = store
            .writer
            .write_blocking(move |tx| {
                tx.connection.execute_batch(
                    "INSERT INTO decision (at, actor, what, detail)
                         VALUES (5, 'me', 'opt_out', 'event 1'), (5, 'me', 'other', 'event 2'),
                                (5, 'me', 'opt_out', 'event 4');",
                )?;
                settle_decided(tx.connection, &keys)?;
                tx.connection.list(
                    "SELECT id FROM event WHERE body IS NOT NULL ORDER BY id",
                    [],
                )
            })
            .unwrap();
        assert_eq!(left, [2, 3, 4]);
    }

    /// The event names the number in the form of today, and no contact of the person.
    #[test]
    fn a_reply_that_names_the_number_alone_holds_its_person() {
        let folder = tempfile::tempdir().unwrap();
        let store = checkpoint(folder.path());
        let keys = store.keys.clone();
        let held: Vec<bool> = store
            .writer
            .write_blocking(move |tx| {
                tx.connection.execute_batch(
                    r#"INSERT INTO person (id, number) VALUES (3, 5215512345678), (4, 420777000004);
                       INSERT INTO person_by_number (number, person) SELECT number, id FROM person WHERE id > 2;
                       UPDATE event SET body = replace(body, '"id": "99"', '"id": "99", "phone_number": "+525512345678"');"#,
                )?;
                let people = [1, 2, 3, 4].map(PersonId);
                let held = people.into_iter().map(|whose| {
                    let people = person::with_same_number(tx.connection, whose)?;
                    waits_to_be_read(tx.connection, &keys, &people)
                });
                held.collect()
            })
            .unwrap();
        assert_eq!(held, [true, true, true, false]);
    }
}
