//! The other numbers of a row, which are of the same person: asked about when the list is read, and by every claim again. Whoever
//! said by one of them since that they must not be messaged, or has got this message on it, is not messaged on another one.

use jiff::Timestamp;

use super::context::Context;
use super::queue::Ready;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;
use crate::domain::row_cells::RowCells;
use crate::store::audience;
use crate::store::columns::from_json;
use crate::store::error::StoreError;
use crate::store::history::{self, OwnBatch, PersonVerdict};
use crate::store::past::Asker;
use crate::store::transaction::Tx;

/// Whether the person of a row, which would be sent to `own`, may be messaged by what is known of the other numbers of theirs.
pub(super) fn judge(
    tx: &Tx<'_>,
    context: &Context,
    (ready, own): (&Ready, PhoneNumber),
    asker: &Asker<'_>,
    now: Timestamp,
) -> Result<PersonVerdict, StoreError> {
    // A list with both numbers was read as of two people who share one. Of who is chosen from the checkpoint each number is a row.
    let own_batch = if is_from_checkpoint(context) {
        OwnBatch::Counts
    } else {
        OwnBatch::IsOfOthers
    };
    for phone in others(tx, context, ready, own)? {
        let about = (tx.connection, &context.keys);
        let which = (phone, own_batch);
        match history::judge_other_number(about, which, asker, context.rules.span, now)? {
            PersonVerdict::MayBeMessaged => {}
            PersonVerdict::Suppressed(cause) => {
                let cause = Box::new(cause);
                let cause = Suppression::OtherNumber { phone, cause };
                return Ok(PersonVerdict::Suppressed(cause));
            }
            waits @ PersonVerdict::Waits { .. } => return Ok(waits),
        }
    }
    Ok(PersonVerdict::MayBeMessaged)
}

/// Whether the batch is a follow-up or an audience: its rows have one number, that on which their people were messaged.
fn is_from_checkpoint(context: &Context) -> bool {
    context.follow_up.is_some() || context.chosen_from.is_some()
}

/// The other numbers of the row's person.
fn others(
    tx: &Tx<'_>,
    context: &Context,
    ready: &Ready,
    own: PhoneNumber,
) -> Result<Vec<PhoneNumber>, StoreError> {
    let of_row = |cells: &RowCells, fields: &str| {
        Ok::<_, StoreError>(cells.others(&from_json::<Vec<String>>(fields)?, own))
    };
    let mut others = match &context.row_cells {
        Some(cells) => of_row(cells, &ready.fields)?,
        None => Vec::new(),
    };
    if is_from_checkpoint(context)
        && let Some((cells, fields)) = audience::row_of_last_list(tx.connection, ready.person)?
    {
        others.extend(of_row(&cells, &fields)?);
    }
    Ok(others)
}
