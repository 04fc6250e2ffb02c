//! What is known here of a number: what was sent to it, and what its person said.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::Connection;

use super::attempt::{fate, unreached_since};
use super::checkpoint::Reader;
use super::columns::from_millis;
use super::error::StoreError;
use super::ids::{BatchId, ChannelId, PersonId};
use super::query::Query as _;
use super::{channel, person};
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
    /// Whether anybody was ever messaged, or heard: else nothing is known of any number.
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

    /// What is known of a number; `on` is the channel whose refusals count, all where none is named.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn known_person(
        &self,
        phone: PhoneNumber,
        on: Option<&str>,
    ) -> Result<Option<KnownPerson>, StoreError> {
        let connection = &self.connection;
        let Some(whose) = person::find(connection, &self.keys, phone)? else {
            return Ok(None);
        };
        let mut known = KnownPerson::default();
        let asked_on = match on {
            Some(on) => channel::find(connection, on)?,
            None => None,
        };
        for (whose, _) in person::with_same_number(connection, whose)? {
            let refused_on = note_requests(connection, whose, &mut known)?;
            let asked = refused_on
                .into_iter()
                .filter(|channel| on.is_none() || asked_on == Some(*channel));
            for channel in asked {
                let since = unreached_since(connection, whose, channel, None)?;
                known.no_messenger = known.no_messenger.max(since);
            }
            note_opting(connection, whose, asked_on, &mut known)?;
        }
        Ok(Some(known))
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

    /// Whether the person was erased or pruned: what was sent to them is not told any more.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn keeps_hash_alone_of(&self, phone: PhoneNumber) -> Result<bool, StoreError> {
        Ok(person::find_named(&self.connection, phone)?.is_none()
            && person::find(&self.connection, &self.keys, phone)?.is_some())
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

/// Notes what became of the requests to the person; returns the channels on which one found nobody.
fn note_requests(
    connection: &Connection,
    whose: PersonId,
    known: &mut KnownPerson,
) -> Result<BTreeSet<ChannelId>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT recipient >> 32, outcome, proof, started_at, channel
         FROM attempt INDEXED BY attempt_by_person
         WHERE person = ?1 AND kind IN ('request', 'import')
               AND (outcome IS NULL OR outcome = 'sent' OR outcome = 'no_messenger' OR outcome = 'undecided'
                    OR outcome = 'interrupted' OR proof IN ('accepted', 'assumed'))",
    )?;
    let mut rows = select.query([whose])?;
    let mut refused_on = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let (batch, at) = (row.get(0)?, from_millis(row.get(3)?)?);
        let (outcome, proof): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
        if outcome.as_deref() == Some("no_messenger") && proof.is_none() {
            refused_on.insert(row.get(4)?);
            continue;
        }
        match fate(outcome.as_deref(), proof.as_deref()) {
            Some(RequestOutcome::Accepted) => known.messages.push((batch, at)),
            Some(
                RequestOutcome::UnderWay | RequestOutcome::Unknown | RequestOutcome::SentAgain,
            ) => known.open.push((batch, at)),
            None => {}
        }
    }
    Ok(refused_on)
}

/// Notes whether the person opted in or out, when it acted last, and whether it is a contact on the channel.
fn note_opting(
    connection: &Connection,
    whose: PersonId,
    on: Option<ChannelId>,
    known: &mut KnownPerson,
) -> Result<(), StoreError> {
    type Said = (Option<i64>, Option<i64>, Option<i64>, bool);
    let (opted_in, opted_out, inbound, is_contact): Said = connection.row(
        "SELECT max(opted_in_at), max(opted_out_at), (SELECT last_inbound_at FROM person WHERE id = ?1),
                coalesce(max(channel = ?2 AND former = 0 AND api_id IS NOT NULL), 0)
         FROM contact INDEXED BY contact_by_person WHERE person = ?1",
        (whose, on),
    )?;
    let listed = person::opted_out_at(connection, whose)?;
    let time = |at: Option<i64>| at.map(from_millis).transpose();
    known.opted_in = known.opted_in.max(time(opted_in)?);
    known.is_contact |= is_contact;
    known.acted = known.acted.max(time(inbound)?).max(known.opted_in);
    known.opted_out = known.opted_out.max(time(opted_out.max(listed))?);
    Ok(())
}
