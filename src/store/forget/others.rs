//! The erasure of rows that hold the number of the person in a field.

use jiff::Timestamp;

use super::rows::HoldingRows;
use super::step::{Erased, ForgetError, people_to_erase, row_of, strip_row};
use crate::domain::delivery::State;
use crate::domain::phone::{PhoneNumber, Within, WrittenForms};
use crate::domain::recipient::Suppression;
use crate::domain::row_cells::Holding;
use crate::store::columns::{from_json, to_json};
use crate::store::error::StoreError;
use crate::store::ids::RecipientId;
use crate::store::keys::HashKey;
use crate::store::query::Query as _;
use crate::store::suppression;
use crate::store::transaction::Tx;

/// Why a row is not sent that shared a number with who was erased.
const SHARED: &str = "another number of the row was erased at its person's request";

/// Erases rows that would be sent to another number of the person, or were; or the number from those of others who share it.
pub(super) fn erase_rows(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    phone: PhoneNumber,
    rows: &HoldingRows,
    now: Timestamp,
) -> Result<Result<Erased, ForgetError>, StoreError> {
    let (_, people) = match people_to_erase(tx, keys, phone, rows, now)? {
        Ok(found) => found,
        Err(under_way) => return Ok(Err(under_way)),
    };
    let forms = WrittenForms::of(phone);
    let mut erased = Erased::default();
    for (id, holding) in rows.iter() {
        let Some((state, person)) = row_of(tx.connection, *id)? else {
            continue;
        };
        // The rows of the person go with it.
        if people.iter().any(|it| person == Some(it.id)) {
            continue;
        }
        if !rows.is_of_the_person(holding) {
            erased.dequeued += u64::from(take_out(tx, *id, &forms, holding, now)?);
            erased.others += 1;
            continue;
        }
        if state == State::Queued {
            suppression::suppress(tx, *id, &Suppression::Forgotten, now)?;
            erased.dequeued += 1;
        }
        erased.messages += tx.connection.count(
            "SELECT count(*) FROM attempt INDEXED BY attempt_by_person
             WHERE person = ?1 AND recipient = ?2 AND message_id IS NOT NULL",
            (person, *id),
        )?;
        erased.attempts += tx.connection.change(
            "UPDATE attempt INDEXED BY attempt_by_person SET text = NULL, message_id = NULL, proof_text = NULL
             WHERE person = ?1 AND recipient = ?2",
            (person, *id),
        )? as u64;
        strip_row(tx.connection, *id)?;
        erased.rows += 1;
    }
    Ok(Ok(erased))
}

/// Takes a number out of a row that stays: the cells that hold it, and the message if it does. Who shares the number is not messaged
/// by the row any more, as after a STOP by it. Returns whether the row was queued, and is not any more.
fn take_out(
    tx: &mut Tx<'_>,
    id: RecipientId,
    forms: &WrittenForms,
    holding: &Holding,
    now: Timestamp,
) -> Result<bool, StoreError> {
    type Texts = (String, Option<String>, Option<String>, Option<String>);
    let (fields, suggestion, content, metadata): Texts = tx.connection.row(
        "SELECT fields, suggestion, content, metadata FROM recipient_input WHERE id = ?1",
        [id],
    )?;
    let mut fields: Vec<String> = from_json(&fields)?;
    for at in &holding.cells {
        // The list may have changed since the cells were looked for.
        let cell = fields.get_mut(*at);
        let cell = cell.filter(|cell| forms.are_in(cell, Within::NumbersOfItsCountry));
        cell.into_iter().for_each(String::clear);
    }
    let holds = |text: &str| forms.are_in(text, Within::AnyText);
    let is_in_message = [&content, &metadata]
        .into_iter()
        .flatten()
        .any(|it| holds(it));
    let left = |text: Option<String>| text.filter(|text| !holds(text));
    tx.connection.change(
        "UPDATE recipient_input SET fields = ?2, suggestion = ?3, content = ?4, metadata = ?5 WHERE id = ?1",
        (
            id,
            to_json(&fields)?,
            left(suggestion),
            left(content),
            left(metadata),
        ),
    )?;
    if !holding.is_theirs && !is_in_message {
        return Ok(false);
    }
    let is_queued = "SELECT 1 FROM recipient WHERE id = ?1 AND state = 'queued'";
    if !tx.connection.has(is_queued, [id])? {
        return Ok(false);
    }
    suppression::suppress(tx, id, &Suppression::Forgotten, now)?;
    tx.connection.change(
        "UPDATE recipient SET reason = ?2 WHERE id = ?1",
        (id, SHARED),
    )?;
    Ok(true)
}
