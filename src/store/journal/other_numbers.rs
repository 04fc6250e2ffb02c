//! The other numbers of a row, which are of the same person: asked about when the list is read, and by every claim again. Whoever
//! said by one of them since that they must not be messaged is not messaged on another one.

use super::context::Context;
use super::queue::Ready;
use crate::domain::number_cells::NumberCells;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;
use crate::store::columns::from_json;
use crate::store::error::StoreError;
use crate::store::transaction::Tx;
use crate::store::{audience, person, unread};

/// Why the person of a row, which would be sent to `own`, must not be messaged by what is known of another number of theirs.
pub(super) fn cause(
    tx: &Tx<'_>,
    context: &Context,
    ready: &Ready,
    own: PhoneNumber,
) -> Result<Option<Suppression>, StoreError> {
    let of_row = match &context.number_cells {
        Some(cells) => others(cells, &ready.fields, own)?,
        None => Vec::new(),
    };
    // The rows of follow-ups and audiences are sent to the number that their people were messaged on.
    let of_list = if context.follow_up.is_some() || context.is_audience {
        match audience::row_of_last_list(tx.connection, ready.person)? {
            Some((cells, fields)) => others(&cells, &fields, own)?,
            None => Vec::new(),
        }
    } else {
        Vec::new()
    };
    for other in of_row.into_iter().chain(of_list) {
        if let Some(cause) = cause_of(tx, context, other)? {
            return Ok(Some(Suppression::OtherNumber {
                phone: other,
                cause: Box::new(cause),
            }));
        }
    }
    Ok(None)
}

fn others(
    cells: &NumberCells,
    fields: &str,
    own: PhoneNumber,
) -> Result<Vec<PhoneNumber>, StoreError> {
    Ok(cells.others(&from_json::<Vec<String>>(fields)?, own))
}

/// Why nobody with this number must be messaged.
fn cause_of(
    tx: &Tx<'_>,
    context: &Context,
    phone: PhoneNumber,
) -> Result<Option<Suppression>, StoreError> {
    let people = person::with_number(tx.connection, &context.keys, phone)?;
    let listed = people.iter().find_map(|it| it.suppression.clone());
    if listed.is_some() {
        return Ok(listed);
    }
    let is_unread = unread::waits_to_be_read(tx.connection, &context.keys, &people)?;
    Ok(is_unread.then_some(Suppression::UnreadReply))
}
