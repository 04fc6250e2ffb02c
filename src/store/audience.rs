//! The people whom a batch can be made of without a file, read one at a time.

use std::sync::LazyLock;

use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::attempt::ACCEPTED;
use super::checkpoint::{Reader, Store};
use super::columns::{Json, from_json, time, time_if_any};
use super::error::StoreError;
use super::follow_up::{refusal, refusal_in};
use super::ids::{BatchId, PersonId};
use super::policy::keep;
use super::query::Query as _;
use crate::domain::audience::{Accepted, Audience, Facts};
use crate::domain::delivery::State;
use crate::domain::follow_up::FollowUp;
use crate::domain::recipient::Suppression;
use crate::domain::row_cells::{MAPPING, RowCells};

/// The names of batches that were made of audiences.
const AUDIENCES: &str =
    "audience-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*";

/// The rows `r` of the person ?1 in the last list that has them, and in what was made of it; ?2 is [`AUDIENCES`]. The people of
/// follow-ups and audiences are those of the lists before: such a batch is no later list than these.
const FROM_LAST_LIST: &str = "r.person = ?1
    AND r.id > coalesce((SELECT max(l.id) FROM recipient l INDEXED BY recipient_by_person
                              CROSS JOIN batch b ON b.id = l.id >> 32
                         WHERE l.person = ?1 AND b.policy ->> 'follow_up' IS NULL
                               AND (b.name IS NULL OR b.name NOT GLOB ?2)), 0) >> 32 << 32";

/// Where the policy of such a batch has the batches whose people it was chosen from by their states.
const CHOSEN_FROM: &str = "chosen_from";

/// Whether the batch was made of an audience, or follows one that was: the batches whose people it was chosen from then.
pub(super) fn chosen_from(
    connection: &Connection,
    batch: BatchId,
    follow_up: Option<&FollowUp>,
) -> Result<Option<Vec<BatchId>>, StoreError> {
    let found: Option<Option<Json<Option<Vec<i64>>>>> = connection.find(
        "SELECT policy -> ?4 FROM batch WHERE (id = ?1 OR uid = unhex(?2)) AND name GLOB ?3",
        (batch, follow_up.map(|it| &it.of), AUDIENCES, CHOSEN_FROM),
    )?;
    // Batches of an earlier version do not keep it.
    let chosen = |kept: Option<Json<Option<Vec<i64>>>>| kept.and_then(|Json(ids)| ids);
    let batches = |ids: Option<Vec<i64>>| ids.into_iter().flatten().map(BatchId).collect();
    Ok(found.map(|kept| batches(chosen(kept))))
}

/// What the last list with the person says, by now, or one of the batches whose people were chosen, if that is that the person must
/// not be messaged.
pub(super) fn refusal_by_now(
    connection: &Connection,
    whose: PersonId,
    chosen_from: &[BatchId],
) -> Result<Option<Suppression>, StoreError> {
    static REFUSAL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT r.reason FROM recipient r INDEXED BY recipient_by_person
             WHERE {FROM_LAST_LIST} AND (r.reason_code IN ('no_consent', 'says_no') OR r.reason_code = 'erased')
                   AND r.mended_by IS NULL LIMIT 1"
        )
    });
    for batch in chosen_from {
        if let Some(reason) = refusal_in(connection, whose, *batch)? {
            return Ok(Some(refusal(Some(&reason))));
        }
    }
    let reason: Option<Option<String>> = connection.find(&REFUSAL, (whose, AUDIENCES))?;
    Ok(reason.map(|reason| refusal(reason.as_deref())))
}

/// The person's row in the last list that has them, and where the rows of that list have their numbers.
pub(super) fn row_of_last_list(
    connection: &Connection,
    whose: PersonId,
) -> Result<Option<(RowCells, String)>, StoreError> {
    static ROW: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT i.fields, w.definition ->> '{MAPPING}', w.headers
             FROM recipient r INDEXED BY recipient_by_person CROSS JOIN recipient_input i ON i.id = r.id
                  CROSS JOIN batch w ON w.id = r.id >> 32
             WHERE {FROM_LAST_LIST} ORDER BY r.id LIMIT 1"
        )
    });
    type Found = (String, Option<String>, String);
    let found: Option<Found> = connection.find_row(&ROW, (whose, AUDIENCES))?;
    let Some((fields, Some(mapping), headers)) = found else {
        return Ok(None);
    };
    let cells = RowCells::of(&mapping, &from_json::<Vec<String>>(&headers)?);
    Ok(cells.map(|cells| (cells, fields)))
}

impl Store {
    /// Keeps with a batch that was made of an audience the batches whose people it was chosen from by their states: it messages
    /// nobody whom one of them refuses by then.
    ///
    /// # Errors
    /// [`StoreError`] if one of them is not there, or the checkpoint fails.
    pub(crate) fn keep_chosen_from(
        &self,
        batch: BatchId,
        batches: &[&str],
    ) -> Result<(), StoreError> {
        let reader = self.reader()?;
        let batches = batches.iter();
        let ids = batches.map(|name| Ok(reader.batch(name)?.id.get()));
        let ids: Vec<i64> = ids.collect::<Result<_, StoreError>>()?;
        self.writer
            .write_blocking(move |tx| keep(tx.connection, batch, CHOSEN_FROM, &ids).map(|_| ()))
    }
}

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
    /// messaged, whom their last list keeps out, nor who stands in one of the batches `without`.
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
        self.connection.visit(
            "SELECT id, number, last_inbound_at FROM person
             WHERE number IS NOT NULL AND suppressed_at IS NULL ORDER BY id",
            [],
            |row| Ok((row.get(0)?, self.facts(row, &batches)?)),
            |(whose, facts)| {
                if !audience.includes(&facts, now)
                    || self.stands_in(whose, without)?
                    || self.is_kept_out(whose, &facts)?
                    || self.is_refused_in(whose, &batches)?
                {
                    return Ok(());
                }
                let (first_name, last_name) = self.names(whose)?;
                each(Member {
                    facts,
                    first_name,
                    last_name,
                })
            },
        )
    }

    fn facts(&self, row: &Row<'_>, batches: &[BatchId]) -> Result<Facts, StoreError> {
        let whose: PersonId = row.get(0)?;
        let statuses = batches.iter().map(|batch| self.states_in(whose, *batch));
        Ok(Facts {
            number: row.get(1)?,
            contacts: self.contacts_on(whose)?,
            messages: self.accepted_by(whose)?,
            statuses: statuses.collect::<Result<_, _>>()?,
            last_inbound: time_if_any(row, 2)?,
        })
    }

    fn contacts_on(&self, whose: PersonId) -> Result<Vec<(String, Option<Timestamp>)>, StoreError> {
        self.connection.read(
            "SELECT c.api_id, k.opted_in_at FROM contact k CROSS JOIN channel c ON c.id = k.channel
             WHERE k.person = ?1",
            [whose],
            |row| Ok((row.get(0)?, time_if_any(row, 1)?)),
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
                    at: time(row, 1)?,
                    is_read: row.get(2)?,
                })
            },
        )
    }

    fn states_in(&self, whose: PersonId, batch: BatchId) -> Result<Vec<State>, StoreError> {
        let (first, last) = batch.range();
        self.connection.list(
            "SELECT state FROM recipient INDEXED BY recipient_by_person
             WHERE person = ?1 AND id > ?2 AND id < ?3",
            (whose, first, last),
        )
    }

    fn stands_in(&self, whose: PersonId, batches: &[BatchId]) -> Result<bool, StoreError> {
        for batch in batches {
            if !self.states_in(whose, *batch)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the list of one of these batches says that the person must not be messaged.
    fn is_refused_in(&self, whose: PersonId, batches: &[BatchId]) -> Result<bool, StoreError> {
        for batch in batches {
            if refusal_in(&self.connection, whose, *batch)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the last list with the person keeps them out: it says no, it doubts the number, its row was erased, or it no
    /// longer has the person. A row that was mended says nothing any more. Of whom nothing is left but the number, no list has.
    fn is_kept_out(&self, whose: PersonId, facts: &Facts) -> Result<bool, StoreError> {
        let (is_in_list, is_refused): (bool, bool) = self.connection.row(
            &format!(
                "SELECT count(*) > 0,
                    coalesce(max(r.mended_by IS NULL
                        AND (r.reason_code IN ('no_consent', 'erased')
                             OR r.state = 'suppressed' AND r.reason_code = 'removed_by_update'
                             OR r.state = 'invalid' AND r.reason_code NOT IN ('content', 'segments'))), 0)
             FROM recipient r INDEXED BY recipient_by_person
             WHERE {FROM_LAST_LIST}"
            ),
            (whose, AUDIENCES),
        )?;
        let is_known = is_in_list || !facts.contacts.is_empty() || !facts.messages.is_empty();
        Ok(is_refused || !is_known)
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
