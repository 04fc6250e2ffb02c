//! What is known here of a number: what was sent to it, and what its person said.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::Connection;

use super::attempt::unreached_since;
use super::checkpoint::Reader;
use super::columns::from_millis;
use super::error::StoreError;
use super::history::Past;
use super::ids::{BatchId, ChannelId};
use super::person::{self, Person};
use super::query::Query as _;
use crate::domain::eligibility::RequestOutcome;
use crate::domain::phone::PhoneNumber;

/// What is known of the person of a number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KnownPerson {
    /// Messages that were accepted: by which batch, and when.
    pub(crate) messages: Vec<(BatchId, Timestamp)>,
    /// Requests whose outcome is not known.
    pub(crate) open: Vec<(BatchId, Timestamp)>,
    /// When the person opted in last.
    pub(crate) opted_in: Option<Timestamp>,
    /// When the person opted out last: it wins over an opt-in.
    pub(crate) opted_out: Option<Timestamp>,
    /// When the number was last found to have no Messenger.
    pub(crate) no_messenger: Option<Timestamp>,
    /// The person is a contact on the channel that was asked about.
    pub(crate) is_contact: bool,
    /// When the person last wrote, pressed a button or opted in.
    pub(crate) acted: Option<Timestamp>,
}

impl Reader {
    /// Whether anybody was ever messaged, or wrote: else nothing is known of any number.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn knows_anybody(&self) -> Result<bool, StoreError> {
        self.connection.value(
            "SELECT EXISTS (SELECT 1 FROM attempt) OR EXISTS (SELECT 1 FROM contact)
                    OR EXISTS (SELECT 1 FROM person WHERE suppressed_at IS NOT NULL)",
            [],
        )
    }

    /// What is known of a person; `on` is the channel whose refusals count, all where none is named.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn known_person(
        &self,
        past: &Past,
        on: Option<&str>,
    ) -> Result<KnownPerson, StoreError> {
        let connection = &self.connection;
        let asked_on = match on {
            Some(on) => self.channel(on)?,
            None => None,
        };
        let mut known = KnownPerson::default();
        let mut refused_on = BTreeSet::new();
        for attempt in &past.attempts {
            let request = (attempt.batch(), attempt.at);
            match attempt.outcome {
                // It has an outcome as well: the answer "no Messenger" is the last that is known.
                _ if attempt.is_unreached() => {
                    refused_on.insert(attempt.channel);
                }
                Some(RequestOutcome::Accepted) => known.messages.push(request),
                Some(
                    RequestOutcome::UnderWay | RequestOutcome::Unknown | RequestOutcome::SentAgain,
                ) => known.open.push(request),
                None => {}
            }
        }
        refused_on.retain(|channel| on.is_none() || asked_on == Some(*channel));
        for person in &past.people {
            for channel in &refused_on {
                let since = unreached_since(connection, person.id, *channel, None)?;
                known.no_messenger = known.no_messenger.max(since);
            }
            note_opting(connection, person, asked_on, &mut known)?;
        }
        Ok(known)
    }

    /// The name of a batch; its number where it has none any more.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn batch_name(&self, batch: BatchId) -> Result<String, StoreError> {
        super::history::name_of(&self.connection, batch)
    }

    /// Whether a request to the number stands in this checkpoint.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn knows_request_to(&self, phone: PhoneNumber) -> Result<bool, StoreError> {
        let Some(person) = person::find(&self.connection, &self.keys, phone)? else {
            return Ok(false);
        };
        self.connection.has(
            "SELECT 1 FROM attempt INDEXED BY attempt_by_person
             WHERE person = ?1 AND kind IN ('request', 'import') LIMIT 1",
            [person],
        )
    }

    /// Whether the person was erased or pruned: what was sent to them is not shown any more.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn keeps_hash_alone_of(&self, phone: PhoneNumber) -> Result<bool, StoreError> {
        Ok(person::find_named(&self.connection, phone)?.is_none()
            && person::find(&self.connection, &self.keys, phone)?.is_some())
    }

    /// Whether anybody was erased or pruned.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn keeps_hashes(&self) -> Result<bool, StoreError> {
        self.connection.has(
            "SELECT 1 FROM person WHERE number_hash IS NOT NULL LIMIT 1",
            [],
        )
    }

    /// Whether all batches are rehearsals: nobody was messaged.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn holds_rehearsals(&self) -> Result<bool, StoreError> {
        let batches = self.batches()?;
        Ok(!batches.is_empty() && batches.iter().all(|batch| batch.sandbox))
    }
}

/// Notes whether the person opted in or out, when it acted last, and whether it is a contact on the channel.
fn note_opting(
    connection: &Connection,
    person: &Person,
    on: Option<ChannelId>,
    known: &mut KnownPerson,
) -> Result<(), StoreError> {
    let (opted_in, opted_out, is_contact): (Option<i64>, Option<i64>, bool) = connection.row(
        "SELECT max(opted_in_at), max(opted_out_at),
                coalesce(max(channel = ?2 AND former = 0 AND api_id IS NOT NULL), 0)
         FROM contact INDEXED BY contact_by_person WHERE person = ?1",
        (person.id, on),
    )?;
    let time = |at: Option<i64>| at.map(from_millis).transpose();
    known.opted_in = known.opted_in.max(time(opted_in)?);
    known.is_contact |= is_contact;
    known.acted = known
        .acted
        .max(time(person.last_inbound_at)?)
        .max(known.opted_in);
    known.opted_out = known
        .opted_out
        .max(time(opted_out.max(person.opted_out_at))?);
    Ok(())
}
