//! Replies that nobody has read yet: no message goes to who wrote them.

use rusqlite::Connection;

use super::columns::{from_millis, phone_to_column};
use super::error::StoreError;
use super::ids::StoredId;
use super::person::Person;
use super::query::Query as _;
use super::{channel, contact};
use crate::amio::webhook::KeptText;

/// So many last digits of a number stand in an event of its person, whatever stood before them in an older numbering plan.
const LAST_DIGITS: i64 = 1_000_000;

/// Whether what the person wrote may ask not to be messaged, and nobody has read it: one message too few costs less than
/// one too many. The kept events are looked through, but only for people who ever wrote.
pub(super) fn waits_to_be_read(
    connection: &Connection,
    people: &[Person],
) -> Result<bool, StoreError> {
    if people.iter().all(|it| it.last_inbound_at.is_none()) {
        return Ok(false);
    }
    // To parse an event takes longer than to see that it has neither the person's number nor a contact of theirs.
    let names = names_in_events(connection, people)?;
    let mut kept: Vec<(String, i64)> = Vec::new();
    connection.visit(
        "SELECT body, received_at FROM event INDEXED BY event_unreadable WHERE body IS NOT NULL",
        [],
        |row| Ok((row.get::<_, String>(0)?, row.get(1)?)),
        |event| -> Result<(), StoreError> {
            if names.iter().any(|name| event.0.contains(name)) {
                kept.push(event);
            }
            Ok(())
        },
    )?;
    for (body, received_at) in kept {
        let Some(text) = KeptText::read(&body, from_millis(received_at)?) else {
            continue;
        };
        if text.said.is_none() {
            continue;
        }
        let event = text.as_opt_out;
        let number = event.phone.map(phone_to_column);
        if number.is_some() && people.iter().any(|it| it.number == number) {
            return Ok(true);
        }
        let on = channel::find(connection, &event.channel)?;
        if let (Some(on), Some(api_id)) = (on, &event.contact_id) {
            let wrote = contact::people(connection, on, api_id)?;
            if people.iter().any(|it| wrote.contains(&it.id)) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// What stands in every event of these people: the id of a contact, or the last digits of the number.
fn names_in_events(connection: &Connection, people: &[Person]) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for person in people {
        let contacts: Vec<StoredId> = connection.list(
            "SELECT api_id FROM contact INDEXED BY contact_by_person
             WHERE person = ?1 AND api_id IS NOT NULL",
            [person.id],
        )?;
        names.extend(contacts.into_iter().map(|StoredId(id)| id));
        let number = person.number.map(|number| number % LAST_DIGITS);
        names.extend(number.map(|digits| format!("{digits:06}")));
    }
    Ok(names)
}
