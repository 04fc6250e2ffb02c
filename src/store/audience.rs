//! The people whom a batch can be made of without a file, read one at a time.

use jiff::Timestamp;

use super::attempt::ACCEPTED;
use super::batch::parse_state;
use super::checkpoint::Reader;
use super::columns::{from_millis, phone_from_column};
use super::error::StoreError;
use super::ids::{BatchId, PersonId};
use super::query::Query as _;
use crate::domain::audience::{Accepted, Audience, Facts};

/// A person of an audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) facts: Facts,
    /// As the last list named the person.
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
}

impl Reader {
    /// Passes the people of an audience to `each`, in the order in which they became known; not those who must not be
    /// messaged, nor who stands in one of the batches `without`.
    ///
    /// # Errors
    /// [`StoreError`] if a batch is not there, the checkpoint fails, or whatever `each` returns.
    pub(crate) fn audience<E: From<StoreError>>(
        &self,
        audience: &Audience,
        without: &[BatchId],
        now: Timestamp,
        mut each: impl FnMut(Member) -> Result<(), E>,
    ) -> Result<(), E> {
        let batches = audience.batch_status.iter();
        let batches = batches.map(|(name, _)| Ok(self.batch(name)?.id));
        let batches: Vec<BatchId> = batches.collect::<Result<_, StoreError>>()?;
        let mut select = self
            .connection
            .prepare(
                "SELECT id, number, last_inbound_at FROM person
                 WHERE number IS NOT NULL AND suppressed_at IS NULL ORDER BY id",
            )
            .map_err(StoreError::from)?;
        let mut rows = select.query([]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let whose: PersonId = row.get(0).map_err(StoreError::from)?;
            let number: i64 = row.get(1).map_err(StoreError::from)?;
            let inbound: Option<i64> = row.get(2).map_err(StoreError::from)?;
            let facts = self.facts(whose, number, inbound, &batches)?;
            if !audience.includes(&facts, now) || self.stands_in(whose, without)? {
                continue;
            }
            let (first_name, last_name) = self.names(whose)?;
            each(Member {
                facts,
                first_name,
                last_name,
            })?;
        }
        Ok(())
    }

    fn facts(
        &self,
        whose: PersonId,
        number: i64,
        inbound: Option<i64>,
        batches: &[BatchId],
    ) -> Result<Facts, StoreError> {
        let statuses = batches.iter().map(|batch| self.states_in(whose, *batch));
        Ok(Facts {
            number: phone_from_column(number)?,
            contacts: self.contacts_on(whose)?,
            messages: self.accepted_by(whose)?,
            statuses: statuses.collect::<Result<_, _>>()?,
            last_inbound: inbound.map(from_millis).transpose()?,
        })
    }

    fn contacts_on(&self, whose: PersonId) -> Result<Vec<(String, Option<Timestamp>)>, StoreError> {
        self.connection.read(
            "SELECT c.api_id, k.opted_in_at FROM contact k CROSS JOIN channel c ON c.id = k.channel
             WHERE k.person = ?1",
            [whose],
            |row| {
                let at: Option<i64> = row.get(1)?;
                Ok((row.get(0)?, at.map(from_millis).transpose()?))
            },
        )
    }

    /// The messages that were accepted and did not fail, the latest first; not tests.
    fn accepted_by(&self, whose: PersonId) -> Result<Vec<Accepted>, StoreError> {
        self.connection.read(
            &format!(
                "SELECT c.api_id, a.started_at, a.read_at IS NOT NULL
             FROM attempt a INDEXED BY attempt_by_person CROSS JOIN channel c ON c.id = a.channel
             WHERE a.person = ?1 AND a.kind NOT IN ('note', 'test') AND {ACCEPTED}
                   AND a.proof IS NOT 'failed'
             ORDER BY a.id DESC"
            ),
            [whose],
            |row| {
                Ok(Accepted {
                    channel: row.get(0)?,
                    at: from_millis(row.get(1)?)?,
                    is_read: row.get(2)?,
                })
            },
        )
    }

    fn states_in(
        &self,
        whose: PersonId,
        batch: BatchId,
    ) -> Result<Vec<crate::domain::delivery::State>, StoreError> {
        let (first, last) = batch.range();
        let mut select = self.connection.prepare_cached(
            "SELECT state FROM recipient INDEXED BY recipient_by_person
             WHERE person = ?1 AND id > ?2 AND id < ?3",
        )?;
        let rows = select.query_map((whose, first, last), |row| row.get::<_, String>(0))?;
        rows.map(|state| parse_state(&state?)).collect()
    }

    fn stands_in(&self, whose: PersonId, batches: &[BatchId]) -> Result<bool, StoreError> {
        for batch in batches {
            if !self.states_in(whose, *batch)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn names(&self, whose: PersonId) -> Result<(Option<String>, Option<String>), StoreError> {
        let found = self.connection.find_row(
            "SELECT i.first_name, i.last_name
                 FROM recipient r INDEXED BY recipient_by_person CROSS JOIN recipient_input i ON i.id = r.id
                 WHERE r.person = ?1 AND (i.first_name IS NOT NULL OR i.last_name IS NOT NULL)
                 ORDER BY r.id DESC LIMIT 1",
            [whose],
        )?;
        Ok(found.unwrap_or_default())
    }
}
