//! What webhook events change in the checkpoint.
//!
//! Every change is one that gives the same end whatever comes first, and however often: the earliest
//! time counts, ids fill gaps, and states move by [`crate::domain::delivery::next`] alone. Where that
//! says that a transition cannot be, the state stays and the log has it.
//!
//! An event proves something about a recipient only through a request that was made: it names the request's
//! message, or the recipient in this checkpoint and batch. What a person says (an opt-out, an opt-in, a
//! reading) needs no request: it stands with the contact, and reaches the person as soon as the number is known.

use jiff::Timestamp;
use rusqlite::Connection;

use super::attempt::{self, Note, Proof, Request};
use super::columns::{from_millis, to_millis};
use super::contact::{self, Found};
use super::error::StoreError;
use super::follow_up::{self, Happened};
use super::ids::{ApiId, AttemptId, BatchId, ChannelId, PersonId, RecipientId};
use super::keys::HashKey;
use super::query::Query as _;
use super::writer::Tx;
use super::{channel, fallback, person};
use crate::domain::delivery::{self, State};
use crate::domain::event::{ContactEvent, EventKind, OurKey, read_covers};
use crate::domain::fallback::Cause;
use crate::domain::follow_up::Trigger;
use crate::domain::outcome::AttemptOutcome;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::OPTED_OUT;

/// Whether an event could be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All that it says is in the checkpoint.
    Applied,
    /// It speaks of a message that is not known yet.
    Waits,
}

/// Applies an event whose first copy was `received` then. `kind` is its literal, for the audit; `problems` gets what
/// cannot be.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    event: &ContactEvent,
    kind: &str,
    (now, received): (Timestamp, Timestamp),
    problems: &mut Vec<String>,
) -> Result<Verdict, StoreError> {
    if event.what == EventKind::Nothing {
        return Ok(Verdict::Applied);
    }
    if event.what == EventKind::Acted {
        return acted(tx.connection, keys, event, now);
    }
    let on = channel::find_or_make(tx.connection, &event.channel)?;
    let mut applying = Applying {
        tx,
        keys,
        event,
        on,
        kind,
        now,
        received,
        problems,
    };
    match &event.what {
        EventKind::Nothing | EventKind::Acted => Ok(Verdict::Applied),
        EventKind::OptedIn => applying.opted_in(),
        EventKind::OptedOut => applying.opted_out(),
        EventKind::Read => applying.read(),
        EventKind::Delivered { message } | EventKind::Failed { message, .. } => {
            applying.arrived_or_failed(message)
        }
        EventKind::Echoed { message, ours } => match ours {
            Some(ours) => applying.echoed(message, ours),
            // A message of another program, or from the page's inbox.
            None => Ok(Verdict::Applied),
        },
    }
}

/// Notes when a person whom the checkpoint knows last wrote or pressed a button: now, as the event is received. Nothing
/// is kept of strangers.
fn acted(
    connection: &Connection,
    keys: &HashKey,
    event: &ContactEvent,
    now: Timestamp,
) -> Result<Verdict, StoreError> {
    let by_contact = match (
        channel::find(connection, &event.channel)?,
        &event.contact_id,
    ) {
        (Some(on), Some(api_id)) => contact::find(connection, keys, on, api_id)?,
        (None, _) | (_, None) => None,
    };
    let mut whose = by_contact.and_then(|found| found.person);
    if let (None, Some(phone)) = (whose, event.phone) {
        whose = person::find(connection, keys, phone)?;
    }
    if let Some(whose) = whose {
        connection.change(
            "UPDATE person SET last_inbound_at = max(coalesce(last_inbound_at, 0), ?2) WHERE id = ?1",
            (whose, to_millis(now)),
        )?;
    }
    Ok(Verdict::Applied)
}

/// Notes what a copy of an event says of the contact: the number, where the first copy did not name it.
pub(super) fn learn_contact(
    tx: &Tx<'_>,
    keys: &HashKey,
    event: &ContactEvent,
) -> Result<Verdict, StoreError> {
    if event.what == EventKind::Acted {
        return Ok(Verdict::Applied);
    }
    if let (Some(api_id), Some(phone)) = (&event.contact_id, event.phone) {
        let on = channel::find_or_make(tx.connection, &event.channel)?;
        let whose = person::find_or_make(tx.connection, keys, phone)?;
        contact::learn(tx.connection, keys, on, api_id, Some(whose))?;
    }
    Ok(Verdict::Applied)
}

/// True if the event is about a person who was erased: it must not be kept.
pub(super) fn is_about_erased(
    connection: &Connection,
    keys: &HashKey,
    event: &ContactEvent,
) -> Result<bool, StoreError> {
    let mut whose: Option<PersonId> = None;
    if let (Some(on), Some(api_id)) = (
        channel::find(connection, &event.channel)?,
        &event.contact_id,
    ) && let Some(found) = contact::find(connection, keys, on, api_id)?
    {
        if found.erased && found.person.is_none() {
            return Ok(true);
        }
        whose = found.person;
    }
    if whose.is_none()
        && let Some(phone) = event.phone
    {
        whose = person::find(connection, keys, phone)?;
    }
    match whose {
        Some(whose) => Ok(person::number(connection, whose)?.is_none()),
        None => Ok(false),
    }
}

/// An event while it is applied.
struct Applying<'a, 't> {
    tx: &'a mut Tx<'t>,
    keys: &'a HashKey,
    event: &'a ContactEvent,
    on: ChannelId,
    kind: &'a str,
    now: Timestamp,
    /// When its first copy was.
    received: Timestamp,
    problems: &'a mut Vec<String>,
}

/// A recipient that an event is about, and the request.
struct Subject {
    id: RecipientId,
    state: State,
    request: AttemptId,
    /// Whether the request is the recipient's latest.
    latest: bool,
}

impl Applying<'_, '_> {
    fn connection(&self) -> &Connection {
        self.tx.connection
    }

    /// The contact that the event names, joined with the person whose number it names. An event that names a
    /// number alone gets a contact without an id.
    fn contact(&self) -> Result<Option<Found>, StoreError> {
        let whose = match self.event.phone {
            Some(phone) => Some(person::find_or_make(self.connection(), self.keys, phone)?),
            None => None,
        };
        if let Some(api_id) = &self.event.contact_id {
            if self.event.channel.is_empty()
                && let Some(found) = contact::find_anywhere(self.connection(), self.keys, api_id)?
                && (found.person.is_some() || whose.is_none())
            {
                return Ok(Some(found));
            }
            return contact::learn(self.connection(), self.keys, self.on, api_id, whose).map(Some);
        }
        match whose {
            Some(whose) => contact::of_person(self.connection(), self.on, whose).map(Some),
            None => Ok(None),
        }
    }

    fn opted_in(&mut self) -> Result<Verdict, StoreError> {
        if let Some(found) = self.contact()? {
            contact::note_opting(self.connection(), found.row, Some(self.event.at), None)?;
            if let Some(whose) = found.person {
                self.follow_up(Trigger::OptIn, whose, None)?;
            }
        }
        Ok(Verdict::Applied)
    }

    /// Queues whoever waited for this event.
    fn follow_up(
        &mut self,
        what: Trigger,
        whose: PersonId,
        of: Option<BatchId>,
    ) -> Result<(), StoreError> {
        let actor = format!("webhook {}", self.kind);
        let happened = Happened {
            what,
            whose,
            on: self.on,
            of,
            received: self.received,
            actor: &actor,
        };
        follow_up::queue(self.tx, &happened)
    }

    fn opted_out(&mut self) -> Result<Verdict, StoreError> {
        let Some(found) = self.contact()? else {
            return Ok(Verdict::Applied);
        };
        contact::note_opting(self.connection(), found.row, None, Some(self.event.at))?;
        let mut people: Vec<PersonId> = found.person.into_iter().collect();
        if let Some(phone) = self.event.phone {
            // The number is on the suppression list from now on.
            people.push(person::find_or_name(self.connection(), self.keys, phone)?);
        }
        if let Some(api_id) = &self.event.contact_id {
            people.extend(contact::people(self.connection(), self.on, api_id)?);
        }
        let source = format!("webhook {}", self.kind);
        for whose in people {
            person::suppress(self.connection(), whose, OPTED_OUT, &source, self.event.at)?;
        }
        Ok(Verdict::Applied)
    }

    /// Messages that are settled later use this time of reading.
    fn read(&mut self) -> Result<Verdict, StoreError> {
        let Some(found) = self.contact()? else {
            return Ok(Verdict::Applied);
        };
        self.connection().change(
            "INSERT INTO contact_read (contact, until) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            (found.row, to_millis(self.event.at)),
        )?;
        self.connection().change(
            "UPDATE attempt SET read_at = coalesce(min(read_at, ?3), ?3)
                 WHERE person IS ?1 AND contact = ?2 AND kind <> 'note'
                       AND iif(outcome = 'sent', finished_at, started_at) <= ?4",
            (
                found.person,
                found.row,
                to_millis(self.event.at),
                to_millis(read_covers(self.event.at)),
            ),
        )?;
        Ok(Verdict::Applied)
    }

    fn arrived_or_failed(&mut self, message: &str) -> Result<Verdict, StoreError> {
        if self.is_of_a_test(message)? {
            return Ok(Verdict::Applied);
        }
        let subject = match self.addressed(message)? {
            Some(subject) => Some(subject),
            None => self.only_unknown()?,
        };
        let Some(subject) = subject else {
            return Ok(Verdict::Waits);
        };
        self.enter_message(&subject, message)?;
        self.settle(&subject)?;
        if matches!(self.event.what, EventKind::Delivered { .. }) {
            self.connection().change(
                "UPDATE attempt SET delivered_at = coalesce(min(delivered_at, ?2), ?2) WHERE id = ?1",
                (subject.request, to_millis(self.event.at)),
            )?;
            let whose: Option<PersonId> = self.connection().value(
                "SELECT person FROM attempt WHERE id = ?1",
                [subject.request],
            )?;
            if let Some(whose) = whose {
                self.follow_up(Trigger::Delivered, whose, Some(subject.id.batch()))?;
            }
        }
        if self.event.proves_opt_in()
            && let Some(found) = self.contact()?
        {
            contact::note_opting(self.connection(), found.row, Some(self.event.at), None)?;
        }
        Ok(Verdict::Applied)
    }

    fn echoed(&mut self, message: &str, ours: &OurKey) -> Result<Verdict, StoreError> {
        let Some(batch) = self.named_batch(ours)? else {
            // Another checkpoint's batch.
            return Ok(Verdict::Applied);
        };
        let id = RecipientId::new(batch, ours.seq);
        let requests = attempt::requests_of(self.connection(), id)?;
        let Some(request) = self.proven(&requests) else {
            // No request was made on this channel: the event proves nothing.
            return Ok(Verdict::Applied);
        };
        let Some(subject) = self.subject(id, request, &requests)? else {
            return Ok(Verdict::Applied);
        };
        if !self.is_of(&subject)? {
            self.problem(
                &subject,
                "an echo that names it is of another number or time",
            );
            return Ok(Verdict::Applied);
        }
        if self.settle(&subject)? {
            self.enter_message(&subject, message)?;
        }
        Ok(Verdict::Applied)
    }

    /// The batch that a message's metadata names, if it is one of this checkpoint. The old form of metadata names the
    /// batch alone: it is believed for requests of the old program only.
    fn named_batch(&self, ours: &OurKey) -> Result<Option<BatchId>, StoreError> {
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
    fn proven(&self, requests: &[Request]) -> Option<Request> {
        let mut here = requests.iter().filter(|it| it.channel == self.on);
        let follows = |request: &&Request| self.event.can_follow(request.started_at);
        let open = here.clone().filter(follows).find(|request| request.open);
        open.or_else(|| here.next()).copied()
    }

    /// Whether number and time agree.
    fn is_of(&self, subject: &Subject) -> Result<bool, StoreError> {
        let (started, number): (i64, Option<PhoneNumber>) = self.connection().row(
            "SELECT a.started_at, p.number FROM attempt a LEFT JOIN person p ON p.id = a.person
                 WHERE a.id = ?1",
            [subject.request],
        )?;
        let told = self.event.phone;
        let same_number = told.is_none_or(|told| number.is_none_or(|number| number == told));
        Ok(same_number && self.event.can_follow(from_millis(started)?))
    }

    fn subject(
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
    fn is_of_a_test(&self, message: &str) -> Result<bool, StoreError> {
        self.connection().has(
            "SELECT 1 FROM attempt WHERE message_id = ?1 AND channel = ?2 AND kind = 'test'",
            (ApiId(message), self.on),
        )
    }

    /// The recipient whose request got the message of this id.
    fn addressed(&self, message: &str) -> Result<Option<Subject>, StoreError> {
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
    fn only_unknown(&self) -> Result<Option<Subject>, StoreError> {
        let Some(phone) = self.event.phone else {
            return Ok(None);
        };
        let Some(whose) = person::find(self.connection(), self.keys, phone)? else {
            return Ok(None);
        };
        let candidates: Vec<(RecipientId, bool)> = self.connection().rows(
            "SELECT recipient, coalesce(outcome IN ('undecided', 'interrupted'), 0) AND proof IS NULL
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

    /// Moves the recipient as the event proves it; false if the state does not allow it. A request that is
    /// not the recipient's latest is settled alone.
    fn settle(&mut self, subject: &Subject) -> Result<bool, StoreError> {
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
                        reason_code = iif(reason_code IN ('erased', 'forgotten'), reason_code, ?3),
                        reason = iif(reason_code IN ('erased', 'forgotten'), reason, ?4)
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
            fallback::fall_back(self.tx, subject.id, Cause::NoUser, why, &actor, self.now)?;
        }
        attempt::end_waits(self.connection(), subject.id)?;
        Ok(true)
    }

    /// Notes at the request what became of it; a failure stands, whatever comes later. Returns whether that is
    /// new.
    fn prove_request(&self, subject: &Subject) -> Result<bool, StoreError> {
        let proof = match self.failure() {
            Some(_) => Proof::Failed,
            None => Proof::Accepted,
        };
        let (outcome, known): (Option<String>, Option<String>) = self.connection().row(
            "SELECT outcome, proof FROM attempt WHERE id = ?1",
            [subject.request],
        )?;
        let stands = match proof {
            // An acceptance that the answer reported needs no proof, and none is proven twice.
            Proof::Accepted => {
                outcome.as_deref() == Some("sent")
                    || matches!(known.as_deref(), Some("accepted" | "failed"))
            }
            Proof::Failed | Proof::Assumed | Proof::Resend => known.as_deref() == Some("failed"),
        };
        if stands {
            return Ok(false);
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
    fn enter_message(&mut self, subject: &Subject, message: &str) -> Result<(), StoreError> {
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

    fn problem(&mut self, subject: &Subject, text: &str) {
        self.problems.push(format!(
            "{} for recipient {} of batch number {}: {text}",
            self.kind,
            subject.id.seq(),
            subject.id.batch().get()
        ));
    }
}
