//! Events that are kept because a person should read them: replies that may ask not to be messaged any more, opt-outs of
//! contacts whose number is not known, and what could not be read in full.

use std::collections::HashSet;

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
use super::unread::{self, OPT_OUT, event_in_words, settle, waits_for_person};
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
    /// The number, where the event or the checkpoint has it.
    pub(crate) phone: Option<PhoneNumber>,
    /// The channel's id, if the event names it.
    pub(crate) channel: Option<String>,
    /// The contact's id on the channel.
    pub(crate) contact_id: Option<String>,
    /// It is an opt-out that reaches nobody yet: whose contact it is, is not known.
    pub(crate) waits_for_person: bool,
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

/// How many events wait for a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KeptCounts {
    /// Opt-outs of contacts whose number is not known.
    pub(crate) opt_outs: u64,
    /// Replies that may ask not to be messaged any more.
    pub(crate) replies: u64,
    /// Events that could not be read in full.
    pub(crate) events: u64,
}

/// What became of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answered {
    /// It was carried out for all of them.
    Done,
    /// The same, and this one waits until the contact's number is known.
    Waits(i64),
    /// None is kept with this number.
    NoSuch(i64),
    /// It names nobody who could be put on the suppression list.
    Nameless(i64),
    /// A number was given for it, and it is known to be from this one.
    OfAnother(i64, PhoneNumber),
}

impl Reader {
    /// The events that wait for a person, the oldest first; a reply of a person who is on the suppression list by
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

    /// How many events wait for a person.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn kept_counts(&self) -> Result<KeptCounts, StoreError> {
        let mut counts = KeptCounts::default();
        self.kept_events(|event| -> Result<(), StoreError> {
            match event.said {
                _ if event.waits_for_person => counts.opt_outs += 1,
                Some(_) => counts.replies += 1,
                None => counts.events += 1,
            }
            Ok(())
        })?;
        Ok(counts)
    }

    fn kept_event(&self, row: &rusqlite::Row<'_>) -> Result<Option<KeptEvent>, StoreError> {
        let (body, received_at): (String, i64) = (row.get(2)?, row.get(3)?);
        let received_at = from_millis(received_at)?;
        let Some(text) = KeptText::read(&body, received_at) else {
            return Ok(None);
        };
        let whose = whose(&self.connection, &self.keys, &text.as_opt_out)?;
        let waits_for_person = waits_for_person(&self.connection, &self.keys, &text.as_opt_out)?;
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
            channel: Some(text.as_opt_out.channel).filter(|channel| !channel.is_empty()),
            contact_id: text.as_opt_out.contact_id,
            waits_for_person,
            said: text.said,
            problem: text.problem,
            body,
        }))
    }
}

impl Store {
    /// Carries out what a person decided about these events: all of them, or none. `number` is whose they are, where the
    /// events do not say.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails: then nothing of it is stored.
    pub(crate) fn answer_events(
        &self,
        ids: Vec<i64>,
        answer: Answer,
        number: Option<PhoneNumber>,
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
                let mut event = text.as_opt_out;
                if let Some(given) = number
                    && let Some(known) = number_of(tx.connection, &keys, &event)?
                    && known != given
                {
                    return Ok(Answered::OfAnother(id, known));
                }
                event.phone = event.phone.or(number);
                let is_named = event.phone.is_some() || event.contact_id.is_some();
                if answer == Answer::OptOut && !is_named {
                    return Ok(Answered::Nameless(id));
                }
                found.push((id, kind, event));
            }
            let mut answered = Answered::Done;
            for (id, kind, event) in found {
                let what = match answer {
                    Answer::OptOut => {
                        let kind = format!("{kind}, read by {actor}");
                        apply(tx, &keys, &event, &kind, now, now, &mut Vec::new())?;
                        OPT_OUT
                    }
                    Answer::Harmless => "harmless",
                };
                if answer == Answer::OptOut && waits_for_person(tx.connection, &keys, &event)? {
                    answered = Answered::Waits(id);
                } else {
                    settle(tx.connection, id)?;
                }
                let record = DecisionRecord {
                    batch: None,
                    actor: actor.clone(),
                    what,
                    detail: event_in_words(id),
                    at: now,
                };
                decision::record(tx.connection, &record)?;
            }
            Ok(answered)
        })
    }
}

impl Store {
    /// A person put these numbers on the suppression list: that settles what their people wrote until now, also for the time
    /// when they are taken off it.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails: then nothing of it is stored.
    pub(crate) fn settle_replies_of(
        &self,
        phones: &[PhoneNumber],
        actor: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (phones, actor, keys) = (phones.to_vec(), actor.to_owned(), self.keys.clone());
        self.writer.write_blocking(move |tx| {
            let mut people = HashSet::new();
            for phone in &phones {
                let all = person::all_of(tx.connection, &keys, *phone)?;
                people.extend(all.into_iter().map(|(whose, _)| whose));
            }
            for (id, writers) in unread::kept_replies(tx.connection, &keys)? {
                if writers.iter().any(|writer| people.contains(writer)) {
                    settle(tx.connection, id)?;
                    let record = DecisionRecord::new(&actor, OPT_OUT, event_in_words(id), now);
                    decision::record(tx.connection, &record)?;
                }
            }
            Ok(())
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

/// The number of the person whom the event names, where it or the checkpoint has it.
fn number_of(
    connection: &Connection,
    keys: &HashKey,
    event: &ContactEvent,
) -> Result<Option<PhoneNumber>, StoreError> {
    match (event.phone, whose(connection, keys, event)?) {
        (Some(phone), _) => Ok(Some(phone)),
        (None, Some(whose)) => person::number(connection, whose),
        (None, None) => Ok(None),
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
