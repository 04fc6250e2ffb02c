//! Events that are kept because a person should read them: replies that may ask not to be messaged any more, and
//! what could not be read in full.

use jiff::Timestamp;
use rusqlite::Connection;

use super::checkpoint::{Reader, Store};
use super::columns::from_millis;
use super::decision::{self, DecisionRecord};
use super::error::StoreError;
use super::evidence::apply;
use super::ids::PersonId;
use super::keys::HashKey;
use super::query::Query as _;
use super::{channel, contact, person};
use crate::amio::webhook::KeptText;
use crate::domain::event::ContactEvent;
use crate::domain::phone::PhoneNumber;

/// An event that a person should read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptEvent {
    /// Its number in the checkpoint.
    pub(crate) id: i64,
    /// The literal of the API, such as `message_received`.
    pub(crate) kind: String,
    /// When it came.
    pub(crate) received_at: Timestamp,
    /// The number, where the event or the checkpoint tells it.
    pub(crate) phone: Option<PhoneNumber>,
    /// The contact's id on the channel.
    pub(crate) contact_id: Option<String>,
    /// What the person wrote.
    pub(crate) said: Option<String>,
    /// What could not be read, where nothing is known to be said.
    pub(crate) problem: String,
    /// The event as it came.
    pub(crate) body: String,
}

/// What a person decided about kept events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The person must not be messaged any more.
    OptOut,
    /// It asks for nothing.
    Harmless,
}

/// What became of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answered {
    /// It was carried out for all of them.
    Done,
    /// None is kept with this number.
    NoSuch(i64),
    /// It names nobody who could be put on the suppression list.
    Nameless(i64),
}

impl Reader {
    /// The events that wait for a person, the oldest first; a reply of somebody who is on the suppression list by
    /// now waits for nobody.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails, or whatever `each` returns.
    pub(crate) fn kept_events<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(KeptEvent) -> Result<(), E>,
    ) -> Result<(), E> {
        self.connection.visit(
            "SELECT id, kind, body, received_at FROM event INDEXED BY event_unreadable
             WHERE body IS NOT NULL ORDER BY id",
            [],
            |row| self.kept_event(row),
            |event| event.map_or(Ok(()), &mut each),
        )
    }

    fn kept_event(&self, row: &rusqlite::Row<'_>) -> Result<Option<KeptEvent>, StoreError> {
        let (body, received_at): (String, i64) = (row.get(2)?, row.get(3)?);
        let received_at = from_millis(received_at)?;
        let Some(text) = KeptText::read(&body, received_at) else {
            return Ok(None);
        };
        let whose = whose(&self.connection, &self.keys, &text.as_opt_out)?;
        let mut phone = text.as_opt_out.phone;
        if let Some(whose) = whose {
            let is_settled = person::suppression(&self.connection, whose)?.is_some();
            if is_settled && text.said.is_some() {
                return Ok(None);
            }
            phone = phone.or(person::number(&self.connection, whose)?);
        }
        Ok(Some(KeptEvent {
            id: row.get(0)?,
            kind: row.get(1)?,
            received_at,
            phone,
            contact_id: text.as_opt_out.contact_id,
            said: text.said,
            problem: text.problem,
            body,
        }))
    }
}

impl Store {
    /// Carries out what a person decided about these events: all of them, or none.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails: then nothing of it is stored.
    pub(crate) fn answer_events(
        &self,
        ids: Vec<i64>,
        answer: Answer,
        actor: String,
        now: Timestamp,
    ) -> Result<Answered, StoreError> {
        let keys = self.keys.clone();
        self.writer.write_blocking(move |tx| {
            let mut found = Vec::new();
            for &id in &ids {
                let Some((kind, text)) = load(tx.connection, id)? else {
                    return Ok(Answered::NoSuch(id));
                };
                let event = &text.as_opt_out;
                let is_named = event.phone.is_some() || event.contact_id.is_some();
                if answer == Answer::OptOut && !is_named {
                    return Ok(Answered::Nameless(id));
                }
                found.push((id, kind, text.as_opt_out));
            }
            for (id, kind, event) in found {
                let what = match answer {
                    Answer::OptOut => {
                        let kind = format!("{kind}, read by {actor}");
                        apply(tx, &keys, &event, &kind, (now, now), &mut Vec::new())?;
                        "opt_out"
                    }
                    Answer::Harmless => "harmless",
                };
                tx.connection
                    .change("UPDATE event SET body = NULL WHERE id = ?1", [id])?;
                let record = DecisionRecord {
                    batch: None,
                    actor: actor.clone(),
                    what,
                    detail: format!("event {id}"),
                    at: now,
                };
                decision::record(tx.connection, &record)?;
            }
            Ok(Answered::Done)
        })
    }
}

fn load(connection: &Connection, id: i64) -> Result<Option<(String, KeptText)>, StoreError> {
    let found: Option<(String, String, i64)> = connection.find_row(
        "SELECT kind, body, received_at FROM event WHERE id = ?1 AND body IS NOT NULL",
        [id],
    )?;
    let Some((kind, body, received_at)) = found else {
        return Ok(None);
    };
    let text = KeptText::read(&body, from_millis(received_at)?);
    Ok(text.map(|text| (kind, text)))
}

/// Whether the person whom the event names is on the suppression list by now.
pub(super) fn is_settled(
    connection: &Connection,
    keys: &HashKey,
    event: &ContactEvent,
) -> Result<bool, StoreError> {
    match whose(connection, keys, event)? {
        Some(whose) => Ok(person::suppression(connection, whose)?.is_some()),
        None => Ok(false),
    }
}

/// The person, by the contact or by the number.
fn whose(
    connection: &Connection,
    keys: &HashKey,
    event: &ContactEvent,
) -> Result<Option<PersonId>, StoreError> {
    let on = channel::find(connection, &event.channel)?;
    if let (Some(on), Some(api_id)) = (on, &event.contact_id)
        && let Some(found) = contact::find(connection, keys, on, api_id)?
        && found.person.is_some()
    {
        return Ok(found.person);
    }
    match event.phone {
        Some(phone) => person::find(connection, keys, phone),
        None => Ok(None),
    }
}
