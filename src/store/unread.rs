//! Replies that nobody has read yet: no message goes to who wrote them.

use rusqlite::Connection;

use super::columns::{from_millis, phone_to_column};
use super::error::StoreError;
use super::person::Person;
use super::query::Query as _;
use super::{channel, contact};
use crate::amio::webhook::KeptText;

/// Whether what the person wrote may ask not to be messaged, and nobody has read it: one message too few costs less than
/// one too many. Each kept event is read, but only for people who ever wrote.
pub(super) fn waits_to_be_read(
    connection: &Connection,
    people: &[Person],
) -> Result<bool, StoreError> {
    if people.iter().all(|it| it.last_inbound_at.is_none()) {
        return Ok(false);
    }
    let kept: Vec<(String, i64)> = connection.rows(
        "SELECT body, received_at FROM event INDEXED BY event_unreadable WHERE body IS NOT NULL",
        [],
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
