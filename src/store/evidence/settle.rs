//! What an event proves is written: at the request, at its recipient, and the id of the message.

use super::{Applying, Subject};
use crate::domain::delivery::{self, State};
use crate::domain::event::EventKind;
use crate::domain::fallback::Cause;
use crate::domain::outcome::AttemptOutcome;
use crate::store::attempt::{self, DELIVERY_TRIES, Note, Proof};
use crate::store::batch::QueuedBy;
use crate::store::columns::to_millis;
use crate::store::contact;
use crate::store::error::StoreError;
use crate::store::fallback;
use crate::store::ids::{ApiId, PersonId};
use crate::store::query::Query as _;

impl Applying<'_, '_> {
    /// Moves the recipient as the event proves it; false if the state does not allow it. A request that is
    /// not the recipient's latest is settled alone.
    pub(super) fn settle(&mut self, subject: &Subject) -> Result<bool, StoreError> {
        let new = self.prove_request(subject)?;
        if !subject.latest {
            return Ok(true);
        }
        // A copy that comes late says nothing about what was decided since.
        if !new {
            return Ok(subject.state == State::Sent);
        }
        let Some(event) = self.event.transition(subject.state) else {
            return Ok(subject.state == State::Sent);
        };
        let next = match delivery::next(subject.state, event) {
            Ok(next) => next,
            Err(impossible) => {
                self.problem(subject, &impossible.to_string());
                return Ok(false);
            }
        };
        let failure = self.failure().map(str::to_owned);
        let failure = failure.as_deref();
        self.connection().change(
            "UPDATE recipient SET state = ?2, finished_at = ?5, maybe_accepted_at = NULL,
                        reason_code = iif(reason_code = 'erased' OR reason_code = 'forgotten' OR reason_code = 'no_consent', reason_code, ?3),
                        reason = iif(reason_code = 'erased' OR reason_code = 'forgotten' OR reason_code = 'no_consent', reason, ?4)
                 WHERE id = ?1",
            (
                subject.id,
                next.word(),
                failure.map(|_| "delivery_failed"),
                failure,
                to_millis(self.now),
            ),
        )?;
        let actor = format!("webhook {}", self.kind);
        attempt::note(
            self.connection(),
            &Note {
                recipient: subject.id,
                outcome: AttemptOutcome::Evidence,
                text: failure,
                actor: &actor,
                at: self.now,
            },
        )?;
        self.tx.count_move(subject.id.batch(), subject.state, next);
        if next == State::NoMessenger {
            let why = failure.unwrap_or_default();
            let by = (QueuedBy::Event, actor.as_str());
            fallback::fall_back(self.tx, subject.id, Cause::NoUser, why, by, self.now)?;
        }
        attempt::end_waits(self.connection(), subject.id)?;
        Ok(true)
    }

    /// Notes at the request what became of it; a failure stands, unless the message arrived. Returns whether that is
    /// new.
    fn prove_request(&self, subject: &Subject) -> Result<bool, StoreError> {
        let proof = match self.failure() {
            Some(_) => Proof::Failed,
            None => Proof::Accepted,
        };
        let (outcome, known, arrived): (Option<String>, Option<String>, bool) =
            self.connection().row(
                &format!(
                    "SELECT outcome, proof, coalesce(delivered_at, read_at <= started_at + {DELIVERY_TRIES}, 0) <> 0
                     FROM attempt WHERE id = ?1"
                ),
                [subject.request],
            )?;
        let stands = match proof {
            // An acceptance that the answer reported needs no proof, and none is proven twice.
            Proof::Accepted => {
                outcome.as_deref() == Some("sent")
                    || matches!(known.as_deref(), Some("accepted" | "failed"))
            }
            // What arrived did not fail.
            Proof::Failed | Proof::Assumed | Proof::Resend => {
                arrived || known.as_deref() == Some("failed")
            }
        };
        if stands {
            return Ok(false);
        }
        if proof == Proof::Failed {
            // A later reading of the conversation is not one of this message.
            self.connection().change(
                "UPDATE attempt SET read_at = NULL WHERE id = ?1",
                [subject.request],
            )?;
        }
        let by = format!("webhook {}", self.kind);
        attempt::prove(
            self.connection(),
            subject.request,
            proof,
            &by,
            self.failure(),
            self.now,
        )?;
        Ok(true)
    }

    /// Why delivery failed, if that is what the event says.
    fn failure(&self) -> Option<&str> {
        match &self.event.what {
            EventKind::Failed { text, .. } => Some(text.as_str()),
            EventKind::Delivered { .. }
            | EventKind::Echoed { .. }
            | EventKind::OptedIn
            | EventKind::OptedOut
            | EventKind::Read
            | EventKind::Acted
            | EventKind::Nothing => None,
        }
    }

    /// Enters the message's id, and the contact, where the request does not have them yet.
    pub(super) fn enter_message(
        &mut self,
        subject: &Subject,
        message: &str,
    ) -> Result<(), StoreError> {
        let (whose, erased, known): (Option<PersonId>, bool, bool) = self.connection().row(
            "SELECT a.person, p.number IS NULL,
                        a.message_id IS ?2 AND k.id IS NOT NULL AND (?3 IS NULL OR k.api_id IS ?3)
                 FROM attempt a LEFT JOIN person p ON p.id = a.person
                      LEFT JOIN contact k ON k.id = a.contact
                 WHERE a.id = ?1",
            (
                subject.request,
                ApiId(message),
                self.event.contact_id.as_deref().map(ApiId),
            ),
        )?;
        // Whom a message to an erased person went to must not be known again. Of the others, most have all
        // this from the answer.
        if erased || known {
            return Ok(());
        }
        let contact = match &self.event.contact_id {
            Some(api_id) => {
                let found = contact::learn(self.connection(), self.keys, self.on, api_id, whose)?;
                Some(found.row)
            }
            None => None,
        };
        self.connection().change(
            "UPDATE attempt SET message_id = coalesce(message_id, ?2), contact = coalesce(contact, ?3)
                 WHERE id = ?1",
            (subject.request, ApiId(message), contact),
        )?;
        if let Some(contact) = contact {
            attempt::note_read(self.connection(), subject.request, contact)?;
        }
        let kept: bool = self.connection().value(
            "SELECT message_id = ?2 FROM attempt WHERE id = ?1",
            (subject.request, ApiId(message)),
        )?;
        if !kept {
            self.problem(subject, "it got a second message, with another id");
        }
        Ok(())
    }

    pub(super) fn problem(&mut self, subject: &Subject, text: &str) {
        self.problems.push(format!(
            "{} for recipient {} of batch number {}: {text}",
            self.kind,
            subject.id.seq(),
            subject.id.batch().get()
        ));
    }
}
