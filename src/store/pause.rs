//! What keeps a batch from being sent by any process: a person paused it, or a second person must approve it. Both
//! are rows that the claim reads.
//!
//! An approval names the digest of list and text: after any change it is none, and neither is it once a change queues
//! somebody who was not queued when it was given. Whoever prepared or changed what nobody has approved since cannot
//! approve it.

use jiff::Timestamp;
use rusqlite::Connection;

use super::checkpoint::{Reader, Store};
use super::columns::{Json, to_json, to_millis};
use super::decision::{DecisionRecord, record};
use super::error::StoreError;
use super::ids::BatchId;
use super::node;
use super::query::Query as _;
use crate::domain::batch_state::PausedBy;

/// The key of the row that asks for approvals.
const REQUIRED: &str = "require-approval";

/// Its id: the nodes of a cluster share rows with negative ids, and runs have small ones.
const ROW: i64 = i64::MIN;

/// Who prepared and changed a batch, and who approved it as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Approval {
    /// The checkpoint asks for it.
    pub is_required: bool,
    /// Who gave the list and the text, or made the first change after an approval.
    pub prepared_by: Option<String>,
    /// Who changed them since.
    pub changed_by: Vec<String>,
    /// Who approved them.
    pub approved_by: Option<String>,
}

/// Why a person cannot approve a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnWork {
    /// The person prepared it.
    Prepared,
    /// The person changed it since.
    Changed,
}

impl Approval {
    /// Whether another person must approve it before it is sent.
    pub(crate) fn is_missing(&self) -> bool {
        self.is_required && self.approved_by.is_none()
    }

    /// What the person did to it, where an approval is missing and therefore another person must give it.
    pub(crate) fn own_work(&self, person: &str) -> Option<OwnWork> {
        if !self.is_missing() {
            None
        } else if self.prepared_by.as_deref() == Some(person) {
            Some(OwnWork::Prepared)
        } else {
            let changed = self.changed_by.iter().any(|by| by == person);
            changed.then_some(OwnWork::Changed)
        }
    }
}

/// Who paused batch `b`, and whether it may be sent without an approval that it does not have: see [`paused`].
pub(super) const PAUSED: &str = "iif(b.state = 'paused', b.state_by, NULL), \
     b.approval ->> 'digest' IS hex(b.digest) OR NOT EXISTS (SELECT 1 FROM node WHERE key = 'require-approval')";

/// What keeps the batch from being sent now.
fn paused_by(connection: &Connection, batch: BatchId) -> Result<Option<PausedBy>, StoreError> {
    let (by, may): (Option<String>, bool) = connection.row(
        &format!("SELECT {PAUSED} FROM batch b WHERE b.id = ?1"),
        [batch],
    )?;
    Ok(paused(by.as_deref(), may))
}

/// What keeps a batch from being sent, as its row has it.
pub(super) fn paused(by: Option<&str>, may: bool) -> Option<PausedBy> {
    let person = by.and_then(PausedBy::person);
    person.or((!may).then_some(PausedBy::Approval))
}

fn approval(connection: &Connection, batch: BatchId) -> Result<Approval, StoreError> {
    let (is_required, prepared_by, changed_by, approved_by): (_, _, Option<Json<_>>, _) =
        connection.row(
            "SELECT EXISTS (SELECT 1 FROM node WHERE key = ?2), approval ->> 'prepared_by',
                    approval ->> 'changed_by',
                    iif(approval ->> 'digest' IS hex(digest), approval ->> 'by', NULL)
             FROM batch WHERE id = ?1",
            (batch, REQUIRED),
        )?;
    Ok(Approval {
        is_required,
        prepared_by,
        changed_by: changed_by.map_or_else(Vec::new, |Json(names)| names),
        approved_by,
    })
}

/// Notes who gave the list and the text of a new batch.
pub(super) fn note_prepared(
    connection: &Connection,
    batch: BatchId,
    by: Option<&str>,
) -> Result<(), StoreError> {
    connection.change(
        "UPDATE batch SET approval = json_object('prepared_by', ?2) WHERE id = ?1",
        (batch, by),
    )?;
    Ok(())
}

/// Notes who changed what the batch sends: an approval that it had is none any more. What was approved counts as that
/// person's work no longer; what was not, still does.
pub(super) fn note_changed(
    connection: &Connection,
    batch: BatchId,
    by: Option<&str>,
) -> Result<(), StoreError> {
    let now = approval(connection, batch)?;
    if now.approved_by.is_some() || now.prepared_by.is_none() {
        return note_prepared(connection, batch, by);
    }
    let mut changed_by = now.changed_by;
    let is_new = |by: &&str| !changed_by.iter().any(|known| known == by);
    changed_by.extend(by.filter(is_new).map(str::to_owned));
    connection.change(
        "UPDATE batch SET approval = json_object('prepared_by', ?2, 'changed_by', json(?3)) WHERE id = ?1",
        (batch, now.prepared_by, to_json(&changed_by)?),
    )?;
    Ok(())
}

impl Store {
    /// Pauses a batch that is being sent by any process. False if it is not.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn pause(
        &self,
        id: BatchId,
        actor: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let by = PausedBy::Person(actor.to_owned());
        let decision = DecisionRecord {
            batch: Some(id),
            actor: actor.to_owned(),
            what: "pause",
            detail: String::new(),
            at,
        };
        self.writer.write_blocking(move |tx| {
            let paused = tx.connection.change(
                "UPDATE batch SET state = 'paused', state_why = ?2, state_by = ?3, state_since = ?4, state_until = NULL
                 WHERE id = ?1 AND state IN ('running', 'waiting')",
                (id, by.to_string(), by.kept(), to_millis(at)),
            )?;
            if paused > 0 {
                record(tx.connection, &decision)?;
            }
            Ok(paused > 0)
        })
    }

    /// From now on a second person must approve each batch, or none must any more.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn require_approval(
        &self,
        required: bool,
        actor: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let decision = DecisionRecord {
            batch: None,
            actor: actor.to_owned(),
            what: REQUIRED,
            detail: if required { "yes" } else { "no" }.to_owned(),
            at,
        };
        self.writer.write_blocking(move |tx| {
            if required {
                tx.connection.change(
                    "INSERT OR IGNORE INTO node (rowid, key, value) VALUES (?1, ?2, 1)",
                    (ROW, REQUIRED),
                )?;
            } else {
                node::remove(tx.connection, REQUIRED)?;
            }
            record(tx.connection, &decision)
        })
    }

    /// Approves the batch as it is, if that is asked for and was not done. Where it is the person's own work, it stays as
    /// it is, and what the person did is returned.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn approve(
        &self,
        id: BatchId,
        actor: &str,
        at: Timestamp,
    ) -> Result<Option<OwnWork>, StoreError> {
        let decision = DecisionRecord {
            batch: Some(id),
            actor: actor.to_owned(),
            what: "approve",
            detail: String::new(),
            at,
        };
        self.writer.write_blocking(move |tx| {
            let now = approval(tx.connection, id)?;
            if !now.is_required || now.approved_by.is_some() {
                return Ok(None);
            }
            let own = now.own_work(&decision.actor);
            if own.is_some() {
                return Ok(own);
            }
            tx.connection.change(
                "UPDATE batch SET approval = json_set(coalesce(approval, '{}'), '$.by', ?2, '$.digest', hex(digest))
                 WHERE id = ?1",
                (id, &decision.actor),
            )?;
            record(tx.connection, &decision)?;
            Ok(None)
        })
    }
}

impl Reader {
    /// What keeps the batch from being sent now.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn paused_by(&self, batch: BatchId) -> Result<Option<PausedBy>, StoreError> {
        paused_by(&self.connection, batch)
    }

    /// Who prepared, changed and approved the batch.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn approval(&self, batch: BatchId) -> Result<Approval, StoreError> {
        approval(&self.connection, batch)
    }

    /// Whether a second person must approve each batch.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn requires_approval(&self) -> Result<bool, StoreError> {
        node::has(&self.connection, REQUIRED)
    }
}
