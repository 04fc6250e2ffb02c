//! The rows of the queue, as a claim reads them.

use jiff::Timestamp;
use rusqlite::Row;
use serde::de::IgnoredAny;

use super::context::Context;
use crate::domain::content::for_step;
use crate::domain::fallback::Step;
use crate::domain::phone::PhoneNumber;
use crate::store::columns::to_millis;
use crate::store::error::StoreError;
use crate::store::ids::{PersonId, RecipientId};
use crate::store::query::Query as _;
use crate::store::transaction::Tx;

/// A queued row as it was read.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) id: RecipientId,
    pub(super) person: PersonId,
    /// `None` if the person was erased after the list was read.
    pub(super) phone: Option<PhoneNumber>,
    pub(super) attempts: u32,
    pub(super) row: u32,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) contact_id: Option<String>,
    pub(super) metadata: String,
    /// The row as the list has it, as JSON.
    pub(super) fields: String,
    /// `None` only in a checkpoint that is at fault.
    pub(super) message: Option<Message>,
    /// Which of the batch's channels it is tried on.
    pub(super) step: Step,
}

/// What a queued row says, with the repeat guard's key of it.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) content: String,
    pub(super) key: i64,
}

/// The next queued row whose time has come: those that came back first. In a pilot its rows have come back to the queue
/// when the run began.
pub(super) fn due(
    tx: &Tx<'_>,
    context: &Context,
    now: Timestamp,
) -> Result<Option<Ready>, StoreError> {
    tx.connection.find_read(
        "SELECT r.id, r.person, p.number, r.attempts, i.row, i.first_name, i.last_name,
                i.contact_id, i.content, i.metadata, i.content_key, r.step, i.fields
         FROM recipient r CROSS JOIN recipient_input i ON i.id = r.id CROSS JOIN person p ON p.id = r.person
         WHERE r.id = coalesce(
            (SELECT id FROM recipient INDEXED BY recipient_queue
             WHERE state = 'queued' AND held IS NULL AND id >> 32 = ?1 AND not_before > 0 AND not_before <= ?2
             ORDER BY not_before, id LIMIT 1),
            (SELECT id FROM recipient INDEXED BY recipient_queue
             WHERE state = 'queued' AND held IS NULL AND id >> 32 = ?1 AND not_before = 0 AND ?3
             ORDER BY id LIMIT 1))
               AND r.state = 'queued' AND r.held IS NULL",
        (context.batch, to_millis(now), context.pilot.is_none()),
        ready,
    )
}

fn ready(row: &Row<'_>) -> Result<Ready, StoreError> {
    Ok(Ready {
        id: row.get(0)?,
        person: row.get(1)?,
        phone: row.get(2)?,
        attempts: row.get(3)?,
        row: row.get(4)?,
        first_name: row.get(5)?,
        last_name: row.get(6)?,
        contact_id: row.get(7)?,
        metadata: row
            .get::<_, Option<String>>(9)?
            .unwrap_or_else(|| "{}".to_owned()),
        fields: row.get(12)?,
        message: match (row.get(8)?, row.get(10)?) {
            (Some(content), Some(key)) => Some(Message { content, key }),
            (None, _) | (_, None) => None,
        },
        step: Step::new(row.get(11)?),
    })
}

/// The message of a row for the channel that it is tried on, in place of that for the batch's own.
pub(super) fn message_for(
    context: &Context,
    ready: &mut Ready,
) -> Result<Option<Message>, StoreError> {
    let Some(message) = ready.message.take() else {
        return Ok(None);
    };
    check_message(context, ready, &message)?;
    if context.fallback.is_none() {
        return Ok(Some(message));
    }
    let Ok(rendered) = for_step(&message.content, &ready.metadata, ready.step) else {
        return Ok(None);
    };
    ready.metadata = rendered.metadata;
    if ready.step == Step::FIRST {
        return Ok(Some(message));
    }
    // The list's contact id is one of the batch's own channel.
    ready.contact_id = None;
    let channel = &context.channel(ready.step)?.api_id;
    Ok(Some(Message {
        key: context.keys.content_key(channel, &rendered.content),
        content: rendered.content,
    }))
}

/// A message that does not fit its key was damaged on the disk: nobody gets what was never written.
fn check_message(context: &Context, ready: &Ready, message: &Message) -> Result<(), StoreError> {
    let channel = &context.channel(Step::FIRST)?.api_id;
    let is_sound = context.keys.content_key(channel, &message.content) == message.key
        && serde_json::from_str::<IgnoredAny>(&ready.metadata).is_ok();
    if is_sound {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        detail: format!(
            "the message of row {} is not the one that was stored",
            ready.row
        ),
    })
}

/// The row is not checked before that time.
pub(super) fn wait(tx: &Tx<'_>, id: RecipientId, not_before: i64) -> Result<(), StoreError> {
    tx.connection.change(
        "UPDATE recipient SET not_before = ?2 WHERE id = ?1",
        (id, not_before),
    )?;
    Ok(())
}
