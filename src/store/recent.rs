//! The latest answers of a batch: how the run of refusals goes on that an earlier process began.

use rusqlite::Row;

use super::checkpoint::Reader;
use super::error::StoreError;
use super::fallback::IN_OPEN_RUN;
use super::ids::{BatchId, ChannelId, RecipientId};
use super::refusal::refused;
use crate::domain::fallback::Step;
use crate::domain::outcome::AttemptOutcome;

/// The most requests that are looked at.
const LOOKED_AT: usize = 50_000;

/// The most answers of the batch that are looked at.
const OF_BATCH: usize = 10_000;

/// How many requests before the last acceptance are looked at: their answers may have come after it.
const BEHIND: usize = 500;

/// An answer that was no acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecentRefusal {
    /// Whose.
    pub(crate) recipient: RecipientId,
    /// How the request ended.
    pub(crate) outcome: AttemptOutcome,
    /// The API's text.
    pub(crate) text: String,
    /// Where its row stands.
    pub(crate) row: RecentRow,
}

/// Where the row of a recent refusal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecentRow {
    /// The refusal ended it.
    Ended,
    /// It is queued, and held while the run of refusals goes on.
    InRun,
    /// It is queued, and held until a person says what the text means.
    Held,
    /// It was decided about since, went on to another channel, or cannot be taken back: the refusal stands no more, and
    /// still came between the others.
    Settled,
}

impl Reader {
    /// The refusals since the last acceptance, the oldest first, each with whether it still stands: neither a person nor
    /// an event has decided about it since. `on`: only those of the channel of this step.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn recent_refusals(
        &self,
        batch: BatchId,
        on: Option<Step>,
    ) -> Result<Vec<RecentRefusal>, StoreError> {
        let on = match on {
            Some(step) => self.channel_at(batch, step)?.map(|id| (step, id)),
            None => None,
        };
        let mut select = self.connection.prepare_cached(
            "SELECT a.recipient, a.outcome, a.text, a.finished_at, r.state, r.held IS NOT NULL,
                    a.recipient >> 32 = ?1 AND EXISTS
                        (SELECT 1 FROM attempt n INDEXED BY attempt_by_person
                         WHERE n.person IS a.person AND n.recipient = a.recipient AND n.kind = 'note'
                               AND n.id > a.id), a.channel, r.step, r.reason_code IS ?2
             FROM attempt a LEFT JOIN recipient r ON r.id = a.recipient
             WHERE a.kind = 'request' AND a.outcome IS NOT NULL ORDER BY a.id DESC",
        )?;
        let mut rows = select.query((batch, IN_OPEN_RUN))?;
        let mut found: Vec<(i64, Option<RecentRefusal>)> = Vec::new();
        let (mut looked_at, mut since_accepted) = (0, None);
        while let Some(row) = rows.next()? {
            looked_at += 1;
            if looked_at > LOOKED_AT || found.len() >= OF_BATCH {
                break;
            }
            let recipient: RecipientId = row.get(0)?;
            if recipient.batch() != batch {
                continue;
            }
            if let Some((_, id)) = on
                && row.get::<_, ChannelId>(7)? != id
            {
                continue;
            }
            let outcome: AttemptOutcome = row.get(1)?;
            let at: i64 = row.get(3)?;
            since_accepted = since_accepted.map(|n: usize| n + 1);
            if outcome == AttemptOutcome::Sent {
                since_accepted.get_or_insert(0);
                found.push((at, None));
            } else {
                let step = on.map(|(step, _)| step);
                if outcome.is_refusal() {
                    found.push((at, Some(recent_refusal(row, recipient, outcome, step)?)));
                }
            }
            if since_accepted.is_some_and(|n| n > BEHIND) {
                break;
            }
        }
        // In the order of the answers.
        found.reverse();
        found.sort_by_key(|(at, _)| *at);
        let last = found.iter().rposition(|(_, refusal)| refusal.is_none());
        let recent = found.into_iter().skip(last.map_or(0, |last| last + 1));
        self.settle_those_that_stay(recent.filter_map(|(_, refusal)| refusal))
    }

    /// A refusal that cannot be taken back stands no more: it would stop every later run.
    fn settle_those_that_stay(
        &self,
        recent: impl Iterator<Item = RecentRefusal>,
    ) -> Result<Vec<RecentRefusal>, StoreError> {
        let mut found = Vec::new();
        for mut refusal in recent {
            if refusal.row == RecentRow::Ended
                && refused(&self.connection, refusal.recipient)?.is_none()
            {
                refusal.row = RecentRow::Settled;
            }
            found.push(refusal);
        }
        Ok(found)
    }
}

/// The refusal in a row of [`Reader::recent_refusals`]. `on`: the step of its channel, where the batch has several: a
/// recipient that went on to another one since is settled as far as this one is concerned.
fn recent_refusal(
    row: &Row<'_>,
    recipient: RecipientId,
    outcome: AttemptOutcome,
    on: Option<Step>,
) -> Result<RecentRefusal, StoreError> {
    let at: Option<u8> = row.get(8)?;
    let has_gone_on = on.is_some_and(|step| at.is_some_and(|at| at > step.get()));
    let state: Option<String> = row.get(4)?;
    let (is_held, is_settled_since): (bool, bool) = (row.get(5)?, row.get(6)?);
    let held = is_held && state.as_deref() == Some("queued");
    let ended = matches!(state.as_deref(), Some("no_messenger" | "error")) && !is_settled_since;
    let stands = match (held, ended, row.get(9)?) {
        _ if has_gone_on => RecentRow::Settled,
        (true, _, true) => RecentRow::InRun,
        (true, _, false) => RecentRow::Held,
        (false, true, _) => RecentRow::Ended,
        (false, false, _) => RecentRow::Settled,
    };
    Ok(RecentRefusal {
        recipient,
        outcome,
        text: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
        row: stands,
    })
}
