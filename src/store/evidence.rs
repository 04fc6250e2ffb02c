//! What webhook events change in the checkpoint.
//!
//! Every change is one that gives the same end whatever comes first, and however often: the earliest
//! time counts, ids fill gaps, and states move by [`crate::domain::delivery::next`] alone. Where that
//! says that a transition cannot be, the state stays and the log has it.
//!
//! An event proves something about a recipient only through a request that was made: it names the request's
//! message, or the recipient in this checkpoint and batch. What a person says (an opt-out, an opt-in, a
//! reading) needs no request: it stands with the contact, and reaches the person as soon as the number is known.

mod find;
mod settle;

use jiff::Timestamp;
use rusqlite::Connection;

use super::attempt::{self, DELIVERY_TRIES, SENT_AT};
use super::columns::to_millis;
use super::contact::{self, FoundContact};
use super::error::StoreError;
use super::follow_up::{self, TriggerEvent};
use super::ids::{AttemptId, BatchId, ChannelId, PersonId, RecipientId};
use super::keys::HashKey;
use super::query::Query as _;
use super::transaction::Tx;
use super::{channel, person, stands};
use crate::domain::delivery::State;
use crate::domain::event::{ContactEvent, EventKind, OurKey, read_covers};
use crate::domain::follow_up::Trigger;
use crate::domain::recipient::OPTED_OUT;

/// Whether an event could be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventVerdict {
    /// All that it says is in the checkpoint.
    Applied,
    /// It speaks of a message that is not known yet.
    Waits,
}

/// Applies an event whose first copy was `received` then. `kind` is its literal, for the audit; `problems` gets what
/// cannot be.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    event: &ContactEvent,
    kind: &str,
    now: Timestamp,
    received: Timestamp,
    problems: &mut Vec<String>,
) -> Result<EventVerdict, StoreError> {
    if event.what == EventKind::Nothing {
        return Ok(EventVerdict::Applied);
    }
    if event.what == EventKind::Acted {
        return acted(tx.connection, keys, event, now);
    }
    let on = channel::find_or_make(tx.connection, &event.channel)?;
    let mut applying = Applying {
        tx,
        keys,
        event,
        on,
        kind,
        now,
        received,
        problems,
    };
    match &event.what {
        EventKind::Nothing | EventKind::Acted => Ok(EventVerdict::Applied),
        EventKind::OptedIn => applying.opted_in(),
        EventKind::OptedOut => applying.opted_out(),
        EventKind::Read => applying.read(),
        EventKind::Delivered { message } | EventKind::Failed { message, .. } => {
            applying.arrived_or_failed(message)
        }
        EventKind::Echoed { message, ours } => match ours {
            Some(ours) => applying.echoed(message, ours),
            // A message of another program, or from the page's inbox.
            None => Ok(EventVerdict::Applied),
        },
    }
}

/// Notes when a person whom the checkpoint knows last wrote or pressed a button: now, as the event is received. Nothing
/// is kept of strangers.
fn acted(
    connection: &Connection,
    keys: &HashKey,
    event: &ContactEvent,
    now: Timestamp,
) -> Result<EventVerdict, StoreError> {
    let by_contact = match (
        channel::find(connection, &event.channel)?,
        &event.contact_id,
    ) {
        (Some(on), Some(api_id)) => contact::find(connection, keys, on, api_id)?,
        (None, _) | (_, None) => None,
    };
    let mut whose = by_contact.and_then(|found| found.person);
    if let (None, Some(phone)) = (whose, event.phone) {
        whose = person::find(connection, keys, phone)?;
    }
    if let Some(whose) = whose {
        connection.change(
            "UPDATE person SET last_inbound_at = max(coalesce(last_inbound_at, 0), ?2) WHERE id = ?1",
            (whose, to_millis(now)),
        )?;
    }
    Ok(EventVerdict::Applied)
}

/// Notes what a copy of an event says of the contact: the number, where the first copy did not name it.
pub(super) fn learn_contact(
    tx: &Tx<'_>,
    keys: &HashKey,
    event: &ContactEvent,
) -> Result<EventVerdict, StoreError> {
    if event.what == EventKind::Acted {
        return Ok(EventVerdict::Applied);
    }
    if let (Some(api_id), Some(phone)) = (&event.contact_id, event.phone) {
        let on = channel::find_or_make(tx.connection, &event.channel)?;
        let whose = person::find_or_make(tx.connection, keys, phone)?;
        contact::learn(tx.connection, keys, on, api_id, Some(whose))?;
    }
    Ok(EventVerdict::Applied)
}

/// True if the event is about a person who was erased: it must not be kept.
pub(super) fn is_about_erased(
    connection: &Connection,
    keys: &HashKey,
    event: &ContactEvent,
) -> Result<bool, StoreError> {
    let mut whose: Option<PersonId> = None;
    if let (Some(on), Some(api_id)) = (
        channel::find(connection, &event.channel)?,
        &event.contact_id,
    ) && let Some(found) = contact::find(connection, keys, on, api_id)?
    {
        if found.erased && found.person.is_none() {
            return Ok(true);
        }
        whose = found.person;
    }
    if whose.is_none()
        && let Some(phone) = event.phone
    {
        whose = person::find(connection, keys, phone)?;
    }
    match whose {
        Some(whose) => Ok(person::number(connection, whose)?.is_none()),
        None => Ok(false),
    }
}

/// An event while it is applied.
struct Applying<'a, 't> {
    tx: &'a mut Tx<'t>,
    keys: &'a HashKey,
    event: &'a ContactEvent,
    on: ChannelId,
    kind: &'a str,
    now: Timestamp,
    /// When its first copy was.
    received: Timestamp,
    problems: &'a mut Vec<String>,
}

/// A recipient that an event is about, and the request.
struct Subject {
    id: RecipientId,
    state: State,
    request: AttemptId,
    /// Whether the request is the recipient's latest.
    latest: bool,
}

impl Applying<'_, '_> {
    fn connection(&self) -> &Connection {
        self.tx.connection
    }

    /// The contact that the event names, joined with the person whose number it names. An event that names a
    /// number alone gets a contact without an id.
    fn contact(&self) -> Result<Option<FoundContact>, StoreError> {
        let whose = match self.event.phone {
            Some(phone) => Some(person::find_or_make(self.connection(), self.keys, phone)?),
            None => None,
        };
        if let Some(api_id) = &self.event.contact_id {
            if self.event.channel.is_empty()
                && let Some(found) = contact::find_anywhere(self.connection(), self.keys, api_id)?
                && (found.person.is_some() || whose.is_none())
            {
                return Ok(Some(found));
            }
            return contact::learn(self.connection(), self.keys, self.on, api_id, whose).map(Some);
        }
        match whose {
            Some(whose) => contact::of_person(self.connection(), self.on, whose).map(Some),
            None => Ok(None),
        }
    }

    fn opted_in(&mut self) -> Result<EventVerdict, StoreError> {
        if let Some(found) = self.contact()? {
            contact::note_opting(self.connection(), found.row, Some(self.event.at), None)?;
            match found.person {
                Some(whose) => self.follow_up(Trigger::OptIn, whose, None)?,
                // Whose contact it is may be learned yet: an answer may be on its way.
                None if follow_up::awaits_opt_in(self.connection(), self.on, self.received)? => {
                    return Ok(EventVerdict::Waits);
                }
                None => {}
            }
        }
        Ok(EventVerdict::Applied)
    }

    /// Queues the recipients that waited for this event.
    fn follow_up(
        &mut self,
        what: Trigger,
        whose: PersonId,
        of: Option<BatchId>,
    ) -> Result<(), StoreError> {
        let actor = format!("webhook {}", self.kind);
        let happened = TriggerEvent {
            what,
            whose,
            on: self.on,
            of,
            received: self.received,
            actor: &actor,
        };
        follow_up::queue(self.tx, &happened)
    }

    fn opted_out(&mut self) -> Result<EventVerdict, StoreError> {
        let Some(found) = self.contact()? else {
            return Ok(EventVerdict::Applied);
        };
        contact::note_opting(self.connection(), found.row, None, Some(self.event.at))?;
        let mut people: Vec<PersonId> = found.person.into_iter().collect();
        if let Some(phone) = self.event.phone {
            // The number is on the suppression list from now on.
            people.push(person::find_or_name(self.connection(), self.keys, phone)?);
        }
        if let Some(api_id) = &self.event.contact_id {
            people.extend(contact::people(self.connection(), self.on, api_id)?);
        }
        let source = format!("webhook {}", self.kind);
        for whose in people {
            person::suppress(self.connection(), whose, OPTED_OUT, &source, self.event.at)?;
        }
        Ok(EventVerdict::Applied)
    }

    /// Messages that are settled later use this time of reading.
    fn read(&mut self) -> Result<EventVerdict, StoreError> {
        let Some(found) = self.contact()? else {
            return Ok(EventVerdict::Applied);
        };
        self.connection().change(
            "INSERT INTO contact_read (contact, until) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            (found.row, to_millis(self.event.at)),
        )?;
        self.connection().change(
            &format!(
                "UPDATE attempt AS a SET read_at = coalesce(min(read_at, ?3), ?3)
                 WHERE person IS ?1 AND contact = ?2 AND kind <> 'note' AND {SENT_AT} <= ?4
                       AND (proof IS NOT 'failed' OR delivered_at IS NOT NULL
                            OR ?3 <= started_at + {DELIVERY_TRIES})"
            ),
            (
                found.person,
                found.row,
                to_millis(self.event.at),
                to_millis(read_covers(self.event.at)),
            ),
        )?;
        let arrived: Vec<RecipientId> = self.connection().list(
            "SELECT recipient FROM attempt
                 WHERE person IS ?1 AND contact = ?2 AND proof = 'failed' AND read_at IS NOT NULL",
            (found.person, found.row),
        )?;
        for row in arrived {
            self.settle_by_standing(row)?;
        }
        Ok(EventVerdict::Applied)
    }

    fn arrived_or_failed(&mut self, message: &str) -> Result<EventVerdict, StoreError> {
        if self.is_of_a_test(message)? {
            return Ok(EventVerdict::Applied);
        }
        let subject = match self.addressed(message)? {
            Some(subject) => Some(subject),
            // The answer with the message's id was lost: it can only be the contact's one request without an outcome.
            None => self.only_unknown()?,
        };
        let Some(subject) = subject else {
            return Ok(EventVerdict::Waits);
        };
        self.enter_message(&subject, message)?;
        self.settle(&subject)?;
        if matches!(self.event.what, EventKind::Delivered { .. }) {
            self.connection().change(
                "UPDATE attempt SET delivered_at = coalesce(min(delivered_at, ?2), ?2) WHERE id = ?1",
                (subject.request, to_millis(self.event.at)),
            )?;
            let whose: Option<PersonId> = self.connection().value(
                "SELECT person FROM attempt WHERE id = ?1",
                [subject.request],
            )?;
            if let Some(whose) = whose {
                self.follow_up(Trigger::Delivered, whose, Some(subject.id.batch()))?;
            }
        }
        if self.event.proves_opt_in()
            && let Some(found) = self.contact()?
        {
            contact::note_opting(self.connection(), found.row, Some(self.event.at), None)?;
        }
        self.settle_by_standing(subject.id)?;
        Ok(EventVerdict::Applied)
    }

    /// See [`stands::settle`].
    fn settle_by_standing(&mut self, row: RecipientId) -> Result<(), StoreError> {
        let actor = format!("webhook {}", self.kind);
        stands::settle(self.tx, row, &actor, self.now).map(drop)
    }

    fn echoed(&mut self, message: &str, ours: &OurKey) -> Result<EventVerdict, StoreError> {
        let Some(batch) = self.named_batch(ours)? else {
            // Another checkpoint's batch.
            return Ok(EventVerdict::Applied);
        };
        let id = RecipientId::new(batch, ours.seq);
        let requests = attempt::requests_of(self.connection(), id)?;
        let Some(request) = self.proven(&requests) else {
            // No request was made on this channel: the event proves nothing.
            return Ok(EventVerdict::Applied);
        };
        let Some(subject) = self.subject(id, request, &requests)? else {
            return Ok(EventVerdict::Applied);
        };
        if !self.is_of(&subject)? {
            self.problem(
                &subject,
                "an echo that names it is of another number or time",
            );
            return Ok(EventVerdict::Applied);
        }
        if self.settle(&subject)? {
            self.enter_message(&subject, message)?;
        }
        self.settle_by_standing(subject.id)?;
        Ok(EventVerdict::Applied)
    }
}

#[cfg(test)]
mod tests;
