//! Runs of refusals that are too long to be chance. Pure: refusals in, decisions out.
//!
//! - "No Messenger" in a row: where the list so far makes such a run as good as impossible, something else is
//!   the matter (an outage of the platform, a wrong country, a text that means something else). The share of
//!   that answer before the run began, to the power of the run's length, decides.
//! - Three refusals of the message in a row, for different people: it is refused for all.
//! - Refusals whose text is not known, all with the same text.
//!
//! The results of a run of the first two kinds say nothing about the recipients: they are taken back.

use std::collections::BTreeMap;

use super::halt::Halt;
use crate::domain::outcome::{KnownBy, Outcome, Refusal, RejectionCause};
use crate::domain::text::canonical_text;
use crate::store::{RecentRow, RecipientId};

/// The most different texts that are counted; a list with more of them is no uniform refusal.
const TEXTS: usize = 256;

/// The shortest run that can be too long to be chance.
const SHORTEST: usize = 5;

/// How improbable a run must be if no text of it is known, and if all are.
const UNREAD: f64 = 1e-6;
const KNOWN: f64 = 1e-12;

/// How many refusals of the message in a row stop the batch.
const MESSAGES: usize = 3;

/// A run of this length that is still probable is one of a list in which hardly anybody has a Messenger.
const LONGEST: usize = 50_000;

/// What earlier runs of the batch have shown.
#[derive(Debug, Clone, Default)]
pub struct PastAnswers {
    /// Messages that were accepted.
    pub accepted: u64,
    /// Recipients without Messenger.
    pub no_messenger: u64,
    /// Recipients that were refused otherwise.
    pub refused: u64,
    /// The latest answers, none of them an acceptance, the oldest first. They are among those above, unless
    /// their rows are held, or settled since.
    pub latest: Vec<RecentAnswer>,
    /// Refusals whose text is not known, by text (digits replaced).
    pub by_text: Vec<(String, u64)>,
}

/// One of the latest answers.
#[derive(Debug, Clone)]
pub struct RecentAnswer {
    /// Whose it was.
    pub recipient: RecipientId,
    /// What it means.
    pub outcome: Outcome,
    /// Where the recipient stands.
    pub row: RecentRow,
}

/// Results that say nothing of their recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// Whose they are.
    pub rows: Vec<RecipientId>,
    /// Whether the rows are held until the text of their refusal has a meaning; otherwise they are queued.
    pub hold: bool,
}

/// What follows from a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RefusalVerdict {
    Go,
    /// Go on with one at a time, if that is how it stands.
    Probe,
    Stop(Halt),
}

/// "No Messenger" in a row.
#[derive(Debug, Default)]
struct Run {
    /// Whose results could be taken back.
    rows: Vec<RecipientId>,
    /// Those that are held already.
    held: usize,
    /// How many of them have a text that nobody knows.
    unread: usize,
    /// How many, by text and by whether it is known.
    texts: BTreeMap<(bool, String), u32>,
}

impl Run {
    fn len(&self) -> usize {
        self.rows.len() + self.held
    }
}

/// The refusals of a batch.
#[derive(Debug)]
pub(super) struct Refusals {
    /// How many refusals stop a batch in which nothing was accepted; 0 turns all of this off.
    limit: u32,
    accepted: u64,
    no_messenger: u64,
    refused: u64,
    run: Run,
    messages: Vec<RecipientId>,
    /// What the last of them said.
    message_text: String,
    /// Refusals of unknown text before anything was accepted.
    by_text: BTreeMap<String, u32>,
    /// The last unknown text in an unbroken row of such refusals, and its length.
    last: Option<(String, u32)>,
    /// What is taken back, once that is decided.
    back: Option<TakenBack>,
}

impl Refusals {
    pub(super) fn new(limit: u32, past: PastAnswers) -> Self {
        let mut refusals = Self {
            limit,
            accepted: past.accepted,
            no_messenger: past.no_messenger,
            refused: past.refused,
            run: Run::default(),
            messages: Vec::new(),
            message_text: String::new(),
            by_text: BTreeMap::new(),
            last: None,
            back: None,
        };
        if refusals.accepted == 0 {
            let by_text = past.by_text.into_iter().take(TEXTS);
            refusals.by_text = by_text
                .map(|(text, n)| (text, u32::try_from(n).unwrap_or(u32::MAX)))
                .collect();
        }
        for answer in past.latest {
            refusals.restore(&answer);
        }
        refusals
    }

    /// Takes up an answer of an earlier run, which the counts include.
    fn restore(&mut self, answer: &RecentAnswer) {
        let Some(refusal) = answer.outcome.refusal() else {
            return;
        };
        if answer.row == RecentRow::Settled {
            return self.part(refusal);
        }
        let counted = u64::from(answer.row == RecentRow::Ended);
        match refusal {
            Refusal::NoMessenger { text, known } => {
                self.messages.clear();
                self.no_messenger = self.no_messenger.saturating_sub(counted);
                if known == KnownBy::Person {
                    self.no_messenger += 1;
                    return;
                }
                // A recipient that is held while the run of refusals goes on is taken back with it.
                let is_ours = answer.row != RecentRow::Held;
                self.extend_run(is_ours.then_some(answer.recipient), text, known);
            }
            Refusal::Rejected { cause, text } => {
                self.refused = self.refused.saturating_sub(counted) + 1;
                if self.accepted > 0 {
                    self.end_run();
                }
                match cause {
                    RejectionCause::Message(_) => self.note_message(answer.recipient, text),
                    RejectionCause::Person(_) | RejectionCause::Unread => self.messages.clear(),
                }
            }
        }
    }

    /// A refusal of an earlier run that stands no more counts for nothing, and still came between those before it and
    /// those after it.
    fn part(&mut self, refusal: Refusal<'_>) {
        match refusal {
            Refusal::NoMessenger { .. } => self.messages.clear(),
            Refusal::Rejected { cause, .. } => match cause {
                // It was taken back with others like it.
                RejectionCause::Message(_) => {}
                RejectionCause::Person(_) | RejectionCause::Unread => {
                    self.messages.clear();
                    if self.accepted > 0 {
                        self.end_run();
                    }
                }
            },
        }
    }

    pub(super) fn accepted(&mut self) {
        self.end_run();
        self.accepted += 1;
        self.messages.clear();
        self.last = None;
    }

    /// What is to be done about the refusals of earlier runs: the last of them died before it did it.
    pub(super) fn standing(&mut self) -> Option<Halt> {
        if self.limit == 0 {
            return None;
        }
        if !self.run.rows.is_empty() && self.is_run_too_long() {
            return Some(self.stop_by_run());
        }
        if self.messages.len() >= MESSAGES {
            return Some(self.stop_by_messages("the message is refused for every recipient"));
        }
        let mut texts = self.by_text.iter();
        texts
            .find(|(_, count)| **count >= self.limit)
            .map(|(text, count)| Halt::IdenticalRefusals {
                text: text.clone(),
                count: *count,
            })
    }

    /// Takes a refusal of `recipient`.
    pub(super) fn refuse(
        &mut self,
        recipient: RecipientId,
        refusal: Refusal<'_>,
    ) -> RefusalVerdict {
        match refusal {
            Refusal::NoMessenger {
                known: KnownBy::Person,
                ..
            } => {
                self.no_messenger += 1;
                self.messages.clear();
                self.last = None;
                RefusalVerdict::Go
            }
            Refusal::NoMessenger { text, known } => self.without_messenger(recipient, text, known),
            Refusal::Rejected { text, cause } => {
                self.refused += 1;
                if self.accepted > 0 {
                    self.end_run();
                }
                match cause {
                    RejectionCause::Message(what) => self.message(recipient, what, text),
                    RejectionCause::Person(_) => {
                        self.messages.clear();
                        self.last = None;
                        RefusalVerdict::Go
                    }
                    RejectionCause::Unread => {
                        self.messages.clear();
                        self.unread(&canonical_text(text))
                    }
                }
            }
        }
    }

    /// The results that are no results, once all answers of the run are in.
    pub(super) fn take_back(&mut self) -> Option<TakenBack> {
        self.back.take()
    }

    fn without_messenger(
        &mut self,
        recipient: RecipientId,
        text: &str,
        known: KnownBy,
    ) -> RefusalVerdict {
        self.messages.clear();
        self.last = None;
        if let Some(back) = self.back.as_mut().filter(|back| back.hold) {
            // It had left before the run was found too long, and belongs to it.
            back.rows.push(recipient);
            return RefusalVerdict::Go;
        }
        self.extend_run(Some(recipient), text, known);
        if self.is_run_too_long() {
            RefusalVerdict::Stop(self.stop_by_run())
        } else {
            if self.run.len() >= LONGEST {
                self.end_run();
            }
            RefusalVerdict::Go
        }
    }

    /// `recipient` is `None` if its row is held already.
    fn extend_run(&mut self, recipient: Option<RecipientId>, text: &str, known: KnownBy) {
        let known = known != KnownBy::Nobody;
        self.run.held += usize::from(recipient.is_none());
        self.run.rows.extend(recipient);
        self.run.unread += usize::from(!known);
        let text = (known, canonical_text(text));
        if self.run.texts.len() < TEXTS || self.run.texts.contains_key(&text) {
            *self.run.texts.entry(text).or_default() += 1;
        }
    }

    fn end_run(&mut self) {
        self.no_messenger += self.run.len() as u64;
        self.run = Run::default();
    }

    fn is_run_too_long(&self) -> bool {
        let (all, unread) = (self.run.len(), self.run.unread);
        let limit = self.limit as usize;
        if limit == 0 {
            return false;
        }
        if self.accepted == 0 && (unread >= limit || self.no_messenger == 0 && all >= limit) {
            return true;
        }
        // As if there had been one of each kind more: a list that has just begun knows no share yet.
        let answers = self.accepted + self.no_messenger + self.refused;
        let share = (self.no_messenger + 1) as f64 / (answers + 2) as f64;
        let is_chance = |run: usize, bound: f64| {
            let run = i32::try_from(run).unwrap_or(i32::MAX);
            share.powi(run) >= bound
        };
        let shortest = if self.accepted == 0 { limit } else { SHORTEST };
        all >= shortest && !is_chance(all, KNOWN)
            || self.accepted > 0 && unread >= SHORTEST && !is_chance(unread, UNREAD)
    }

    fn stop_by_run(&mut self) -> Halt {
        let run = std::mem::take(&mut self.run);
        let count = u32::try_from(run.len()).unwrap_or(u32::MAX);
        // The most frequent text, one that nobody knows first.
        let most = run.texts.into_iter();
        let most = most.max_by_key(|((known, _), count)| (!known, *count));
        let (known, text) = most.map_or_else(Default::default, |(text, _)| text);
        self.back = Some(TakenBack {
            rows: run.rows,
            hold: true,
        });
        Halt::NoMessengerRun { text, count, known }
    }

    fn message(
        &mut self,
        recipient: RecipientId,
        what: &'static str,
        text: &str,
    ) -> RefusalVerdict {
        self.last = None;
        if let Some(back) = self.back.as_mut().filter(|back| !back.hold) {
            back.rows.push(recipient);
            return RefusalVerdict::Go;
        }
        self.note_message(recipient, text);
        if self.limit > 0 && self.messages.len() >= MESSAGES {
            return RefusalVerdict::Stop(self.stop_by_messages(what));
        }
        RefusalVerdict::Probe
    }

    fn note_message(&mut self, recipient: RecipientId, text: &str) {
        if !self.messages.contains(&recipient) {
            self.messages.push(recipient);
        }
        text.clone_into(&mut self.message_text);
    }

    fn stop_by_messages(&mut self, what: &'static str) -> Halt {
        let rows = std::mem::take(&mut self.messages);
        let text = std::mem::take(&mut self.message_text);
        let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        self.back = Some(TakenBack { rows, hold: false });
        Halt::Message { what, text, count }
    }

    /// A refusal of unknown text. An unbroken row of them stops the batch even after messages were accepted.
    fn unread(&mut self, text: &str) -> RefusalVerdict {
        let in_a_row = match &self.last {
            Some((last, count)) if last == text => count + 1,
            Some(_) | None => 1,
        };
        self.last = Some((text.to_owned(), in_a_row));
        let mut count = in_a_row;
        if self.accepted == 0 && (self.by_text.len() < TEXTS || self.by_text.contains_key(text)) {
            let all = self.by_text.entry(text.to_owned()).or_default();
            *all = all.saturating_add(1);
            count = count.max(*all);
        }
        if self.limit == 0 || count < self.limit {
            return RefusalVerdict::Go;
        }
        RefusalVerdict::Stop(Halt::IdenticalRefusals {
            text: text.to_owned(),
            count,
        })
    }
}

#[cfg(test)]
mod tests;
