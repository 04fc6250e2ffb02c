//! Which request, and so which recipient, an event is about.

use super::{Applying, Subject};
use crate::domain::event::OurKey;
use crate::domain::phone::PhoneNumber;
use crate::store::attempt::{self, Request};
use crate::store::columns::from_millis;
use crate::store::error::StoreError;
use crate::store::ids::{ApiId, AttemptId, BatchId, RecipientId};
use crate::store::person;
use crate::store::query::Query as _;

impl Applying<'_, '_> {
    /// The batch that a message's metadata names, if it is one of this checkpoint. The old form of metadata names the
    /// batch alone: it is believed for requests of the old program only.
    pub(super) fn named_batch(&self, ours: &OurKey) -> Result<Option<BatchId>, StoreError> {
        Ok(match &ours.checkpoint {
            Some(checkpoint) => self.connection().find(
                "SELECT b.id FROM batch b, checkpoint c
                     WHERE b.uid = unhex(?1) AND c.uid = unhex(?2)",
                (&ours.batch, checkpoint),
            )?,
            None => self.connection().find(
                "SELECT b.id FROM batch b, checkpoint c
                     WHERE b.name = ?1 AND b.started_at < c.created_at",
                [&ours.batch],
            )?,
        })
    }

    /// The request that the event can be about: of those on its channel the latest open one that left before it, else
    /// the latest.
    pub(super) fn proven(&self, requests: &[Request]) -> Option<Request> {
        let mut here = requests.iter().filter(|it| it.channel == self.on);
        let follows = |request: &&Request| self.event.can_follow(request.started_at);
        let open = here.clone().filter(follows).find(|request| request.open);
        open.or_else(|| here.next()).copied()
    }

    /// Whether number and time agree.
    pub(super) fn is_of(&self, subject: &Subject) -> Result<bool, StoreError> {
        let (started, number): (i64, Option<PhoneNumber>) = self.connection().row(
            "SELECT a.started_at, p.number FROM attempt a LEFT JOIN person p ON p.id = a.person
                 WHERE a.id = ?1",
            [subject.request],
        )?;
        let same_number = match (self.event.phone, number) {
            (Some(named), Some(number)) => named == number,
            (None, _) | (_, None) => true,
        };
        Ok(same_number && self.event.can_follow(from_millis(started)?))
    }

    pub(super) fn subject(
        &self,
        id: RecipientId,
        request: Request,
        requests: &[Request],
    ) -> Result<Option<Subject>, StoreError> {
        let state = self
            .connection()
            .find("SELECT state FROM recipient WHERE id = ?1", [id])?;
        Ok(state.map(|state| Subject {
            id,
            state,
            request: request.id,
            latest: requests.first().is_none_or(|first| first.id == request.id),
        }))
    }

    /// Whether the message of this id was a test: it says nothing of any row.
    pub(super) fn is_of_a_test(&self, message: &str) -> Result<bool, StoreError> {
        self.connection().has(
            "SELECT 1 FROM attempt WHERE message_id = ?1 AND channel = ?2 AND kind = 'test'",
            (ApiId(message), self.on),
        )
    }

    /// The recipient whose request got the message of this id.
    pub(super) fn addressed(&self, message: &str) -> Result<Option<Subject>, StoreError> {
        let found: Option<(AttemptId, RecipientId)> = self.connection().find_row(
            "SELECT id, recipient FROM attempt WHERE message_id = ?1 AND channel = ?2
                 ORDER BY id DESC LIMIT 1",
            (ApiId(message), self.on),
        )?;
        let Some((request, id)) = found else {
            return Ok(None);
        };
        let requests = attempt::requests_of(self.connection(), id)?;
        let request = Request {
            id: request,
            channel: self.on,
            started_at: self.now,
            open: false,
        };
        self.subject(id, request, &requests)
    }

    /// The one recipient that a message of unknown id to this number can belong to, if there is
    /// just one: no other request to the person on this channel is open, and no message lacks its id.
    pub(super) fn only_unknown(&self) -> Result<Option<Subject>, StoreError> {
        let Some(phone) = self.event.phone else {
            return Ok(None);
        };
        let Some(whose) = person::find(self.connection(), self.keys, phone)? else {
            return Ok(None);
        };
        let candidates: Vec<(RecipientId, bool)> = self.connection().rows(
            "SELECT recipient, coalesce(outcome IN ('undecided', 'interrupted'), 0)
                        AND (proof IS NULL OR proof = 'resend')
                 FROM attempt INDEXED BY attempt_by_person
                 WHERE person = ?1 AND channel = ?2 AND kind <> 'note' AND message_id IS NULL
                       AND (outcome IS NULL OR outcome = 'sent'
                            OR outcome IN ('undecided', 'interrupted') AND proof IS NOT 'failed')",
            (whose, self.on),
        )?;
        let [(id, true)] = candidates[..] else {
            return Ok(None);
        };
        let requests = attempt::requests_of(self.connection(), id)?;
        match self.proven(&requests) {
            Some(request) if self.event.can_follow(request.started_at) => {
                self.subject(id, request, &requests)
            }
            Some(_) | None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
