//! Where a queued row of a batch with several channels goes, asked before it is claimed.

use jiff::Timestamp;

use super::context::Context;
use super::queue::{Ready, wait};
use crate::domain::eligibility::is_within;
use crate::domain::fallback::{Cause, EarlierOutcome, Step};
use crate::domain::follow_up::Due;
use crate::domain::outcome::MESSENGER;
use crate::domain::recipient::Suppression;
use crate::store::columns::to_millis;
use crate::store::error::StoreError;
use crate::store::ids::ChannelId;
use crate::store::not_before::{FOR_AN_OUTCOME, NEXT_RUN};
use crate::store::query::Query as _;
use crate::store::suppression::suppress;
use crate::store::transaction::Tx;
use crate::store::{attempt, audience, fallback, follow_up, stands};

/// Whether the row may be tried on its channel now. If not, it was moved to the next channel, waits, or has its message
/// already.
pub(super) fn stays(
    tx: &mut Tx<'_>,
    context: &Context,
    row: &Ready,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let on = context.channel(row.step)?.id;
    if row.step != Step::FIRST && !has_failed_elsewhere(tx, row, on, now)? {
        return Ok(false);
    }
    let unreached = attempt::unreached_since(tx.connection, row.person, on, Some(row.id))?;
    let within = context.rules.span.no_messenger;
    if unreached.is_some_and(|at| within.is_zero() || is_within(within, at, now)) {
        let why = "known to have no Messenger";
        if fallback::fall_back(tx, row.id, Cause::NoUser, why, fallback::BY_RUN, now)? {
            return Ok(false);
        }
    }
    if !context.is_refused(row.step) {
        return Ok(true);
    }
    let why = "the channel is refused";
    if !fallback::fall_back(
        tx,
        row.id,
        Cause::ChannelRefused,
        why,
        fallback::BY_RUN,
        now,
    )? {
        wait(tx, row.id, NEXT_RUN)?;
    }
    Ok(false)
}

/// Whether it is the turn of a row, as far as its batch is a follow-up, or was made of an audience. If not, it waits, went on to
/// the next channel, or is suppressed: also where the list that its person is from says by now that they must not be messaged.
/// Other channels than the batch's own have no end: they are what is left once it has come.
pub(super) fn is_its_turn(
    tx: &mut Tx<'_>,
    context: &Context,
    row: &Ready,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut refusal = match &context.follow_up {
        Some(follow_up) => follow_up::refusal_before(tx.connection, row.person, follow_up)?,
        None => None,
    };
    if refusal.is_none()
        && let Some(chosen_from) = &context.chosen_from
    {
        refusal = audience::refusal_by_now(tx.connection, row.person, chosen_from)?;
    }
    if let Some(refusal) = refusal {
        suppress(tx, row.id, &refusal, now)?;
        return Ok(false);
    }
    let Some(follow_up) = &context.follow_up else {
        return Ok(true);
    };
    let Some(came) = follow_up::came(tx.connection, row.id, row.person)? else {
        follow_up::hold(tx.connection, row.id)?;
        return Ok(false);
    };
    match follow_up.due_at(came, now) {
        Due::Now => return Ok(true),
        Due::Waits(due) => wait(tx, row.id, to_millis(due).max(to_millis(now) + 1))?,
        Due::TooLate if row.step != Step::FIRST => return Ok(true),
        Due::TooLate => {
            let why = "window closed";
            if !fallback::fall_back(tx, row.id, Cause::WindowClosed, why, fallback::BY_RUN, now)? {
                suppress(tx, row.id, &Suppression::WindowClosed, now)?;
            }
        }
    }
    Ok(false)
}

/// Whether all requests over other channels have failed. An event may have shown since the row was moved that one of
/// them arrived after all.
fn has_failed_elsewhere(
    tx: &mut Tx<'_>,
    row: &Ready,
    on: ChannelId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let past = attempt::past_of(tx.connection, row.id)?;
    let elsewhere = past.into_iter().filter(|(_, channel)| *channel != on);
    for (past, _) in elsewhere {
        match past {
            EarlierOutcome::Failed => {}
            EarlierOutcome::Open => {
                wait(tx, row.id, FOR_AN_OUTCOME)?;
                return Ok(false);
            }
            EarlierOutcome::Stands => {
                stands::settle(tx, row.id, fallback::BY_RUN.1, now)?;
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Whether a message through the channel of a step may name the contact by its id. Of the channels that are documented
/// to take numbers, only Messenger and WhatsApp are documented to take ids too.
pub(super) fn takes_contact_ids(
    tx: &Tx<'_>,
    context: &Context,
    step: Step,
) -> Result<bool, StoreError> {
    if step == Step::FIRST {
        return Ok(true);
    }
    let on = context.channel(step)?.id;
    let kind: Option<String> = tx
        .connection
        .value("SELECT type FROM channel WHERE id = ?1", [on])?;
    Ok(kind.as_deref() == Some(MESSENGER))
}
