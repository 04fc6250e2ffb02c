//! A test message: the message of one row to one number, outside any batch.
//!
//! It asks the suppression list and uses the quota in the pace of a run. Its metadata names no row, no guard counts it,
//! and no batch changes.

use std::path::Path;

use jiff::Timestamp;

use super::batch::only_kind;
use super::error::RunError;
use super::list::{List, readable};
use super::lookup::{Waits, connection, permit};
use super::mismatch::Mismatch;
use super::pass::Pass;
use super::quota;
use super::rehearsal::Rehearsal;
use super::resolve::{RowChoice, file};
use super::settings::{Access, RunSettings};
use super::sms::SmsRule;
use super::wait::Wait;
use crate::amio::{Addressee, Client, OutgoingMessage, RawJson, Reply};
use crate::clock::Clock;
use crate::dispatch::pacer::Handle;
use crate::domain::content::{TEST_KEY, with_own_metadata};
use crate::domain::outcome::{Address, Outcome, classify};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Accepted, JudgedRow, Suppression, Verdict};
use crate::domain::refusal::RefusalRules;
use crate::domain::sms::{size, text_of};
use crate::exit::ExitCode;
use crate::report::place;
use crate::store::{DecisionRecord, Reader, Store, TestClaim, TestIntent, TestResult};

/// The message of a row, ready to go to one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestMessage {
    /// The channel's id.
    pub channel: String,
    /// Which row it is of: `list.csv, row 17`.
    pub place: String,
    /// Whose data it holds: the name and the masked number of the row's person.
    pub whose: String,
    content: String,
    metadata: String,
    is_sms: bool,
}

/// What became of a test message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    /// It was accepted.
    Sent {
        /// The message's id, where the answer has it.
        message_id: Option<String>,
        /// The number of another person that the answer names.
        other_number: Option<PhoneNumber>,
    },
    /// The number must not be messaged; nothing was sent.
    Suppressed(Suppression),
    /// It was refused, or its answer was lost.
    NotSent {
        /// What is known.
        text: String,
        /// What a program ends with.
        exit: ExitCode,
    },
}

impl Tested {
    /// How a program ends after it.
    pub fn exit(&self) -> ExitCode {
        match self {
            Self::Sent { .. } => ExitCode::Complete,
            Self::Suppressed(_) => ExitCode::CompleteWithProblems,
            Self::NotSent { exit, .. } => *exit,
        }
    }
}

/// Why a number must not be messaged, by a checkpoint that need not be there.
///
/// # Errors
/// [`RunError`] if the checkpoint cannot be read.
pub fn suppression(checkpoint: &Path, phone: PhoneNumber) -> Result<Option<Suppression>, RunError> {
    if checkpoint.exists() {
        Ok(Reader::open(checkpoint)?.suppression_of(phone)?)
    } else {
        Ok(None)
    }
}

impl List {
    /// The message of one row: of the first that can be sent, if none is named.
    ///
    /// # Errors
    /// [`RunError`] if the list cannot be used, or the row cannot be sent.
    pub fn test_message(
        mut self,
        channel: &str,
        choice: &RowChoice<'_>,
        now: Timestamp,
    ) -> Result<TestMessage, RunError> {
        if self.message.is_none() {
            return Err(Mismatch::NoMessage.into());
        }
        let files: Vec<String> = self.file_names().map(str::to_owned).collect();
        let wanted = choice.rows.first().copied();
        let in_file = chosen_file(choice, "this list", &files)?;
        let rule = SmsRule::of(self.sms, None);
        let pass = Pass {
            sms: rule,
            now: Some(now),
            ..Pass::default()
        };
        let mut found: Vec<JudgedRow> = Vec::new();
        pass.judge(&mut self, &mut |_| (), &mut |row| {
            let at = row.position;
            let is_wanted = match wanted {
                Some(wanted) => {
                    at.row.get() == wanted
                        && in_file.is_none_or(|file| file == at.file)
                        && found.iter().all(|other| other.position.file != at.file)
                }
                None => found.is_empty() && matches!(row.verdict, Verdict::Queued(_)),
            };
            if is_wanted {
                found.push(row);
            }
            Ok(())
        })?;
        let place = |row: &JudgedRow| place(&files, row.position.file, row.position.row.get());
        let row = only("this list", wanted, found, place)?;
        let place = match &files[..] {
            [only] => format!("{only}, {}", place(&row)),
            _ => place(&row),
        };
        let accepted = accepted(row.verdict, &place)?;
        let content = accepted.content.ok_or(Mismatch::NoMessage)?;
        let names = [accepted.first_name, accepted.last_name];
        Ok(TestMessage {
            channel: channel.to_owned(),
            whose: whose(names, Some(accepted.phone)),
            place,
            content: content.content,
            metadata: content.metadata,
            is_sms: rule.is_some(),
        })
    }
}

/// The row as it would be sent.
fn accepted(verdict: Verdict, place: &str) -> Result<Accepted, Mismatch> {
    let why = match verdict {
        Verdict::Queued(accepted) => return Ok(accepted),
        Verdict::Invalid { problem, .. } => problem.to_string(),
        Verdict::Suppressed { cause, .. } => cause.to_string(),
        Verdict::Duplicate { first, .. } => format!("it repeats the number of row {}", first.row),
    };
    Err(Mismatch::NotTestable(place.to_owned(), why))
}

/// The file that is meant, if one is named.
fn chosen_file(
    choice: &RowChoice<'_>,
    of: &str,
    files: &[String],
) -> Result<Option<u16>, Mismatch> {
    let Some(wanted) = choice.file else {
        return Ok(None);
    };
    let named = file(files, wanted).ok_or_else(|| Mismatch::NoSuchFile {
        batch: of.to_owned(),
        file: wanted.to_owned(),
        files: (1_usize..)
            .zip(files)
            .map(|(n, name)| format!("{n}  {name}"))
            .collect(),
    })?;
    Ok(Some(named))
}

/// The one row that was found.
fn only<T>(
    of: &str,
    wanted: Option<u32>,
    mut found: Vec<T>,
    place: impl Fn(&T) -> String,
) -> Result<T, Mismatch> {
    if found.len() > 1 {
        let places = found.iter().map(place).collect();
        return Err(Mismatch::AmbiguousRow(of.to_owned(), places));
    }
    found.pop().ok_or_else(|| Mismatch::NoSuchRow {
        of: of.to_owned(),
        row: wanted,
    })
}

fn whose(names: [Option<String>; 2], phone: Option<PhoneNumber>) -> String {
    let mut words: Vec<String> = names.into_iter().flatten().collect();
    words.extend(phone.map(PhoneNumber::masked));
    words.join(" ")
}

impl TestMessage {
    /// The message of a row as its batch keeps it: of the first row that has one, if none is named.
    ///
    /// # Errors
    /// [`RunError`] if there is no such batch or row, or the batch is of another kind.
    pub fn of_batch(
        checkpoint: &Path,
        batch: &str,
        choice: &RowChoice<'_>,
        sandbox: bool,
    ) -> Result<Self, RunError> {
        let reader = Reader::open(checkpoint)?;
        let batch = reader.batch(batch)?;
        only_kind(&batch, sandbox)?;
        let wanted = choice.rows.first().copied();
        let in_file = chosen_file(choice, &batch.name, &batch.files)?;
        let mut found = reader.kept_messages(batch.id, wanted)?;
        found.retain(|row| in_file.is_none_or(|file| file == row.file));
        let kept_sms = reader.kept_sms(batch.id)?;
        let row = only(&batch.name, wanted, found, |row| {
            place(&batch.files, row.file, row.row)
        })?;
        Ok(Self {
            place: format!(
                "batch {}, {}",
                batch.name,
                place(&batch.files, row.file, row.row)
            ),
            whose: whose([row.first_name, row.last_name], row.phone),
            content: row.content,
            metadata: row.metadata,
            is_sms: kept_sms.counts(batch.channel_type.as_deref()),
            channel: batch.channel,
        })
    }

    /// The message as it would be read: a text, or JSON.
    pub fn text(&self) -> String {
        readable(&self.content).unwrap_or_else(|| self.content.clone())
    }

    /// How many segments it takes, if it is an SMS.
    pub fn segments(&self) -> Option<u32> {
        let text = text_of(&self.content).filter(|_| self.is_sms)?;
        Some(size(&text).segments)
    }

    /// A sandbox that has its channel.
    ///
    /// # Errors
    /// As [`Rehearsal::start`].
    pub async fn rehearsal(&self) -> Result<Rehearsal, RunError> {
        Rehearsal::start_of_kind(&self.channel, self.is_sms).await
    }

    /// Sends it to the number, in the pace of the token; `waits` is called while one must wait. `actor` is who asked
    /// for it, for the audit.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails or is one of the other kind, or nothing of the quota is ours.
    pub async fn send(
        &self,
        checkpoint: &Path,
        to: (PhoneNumber, &str),
        access: &Access,
        sandbox: bool,
        run: (&RunSettings, &Clock),
        waits: &mut (dyn FnMut(&Wait) + Send),
    ) -> Result<Tested, RunError> {
        let ((to, actor), (settings, clock)) = (to, run);
        let store = Store::open(checkpoint)?;
        match store.reader()?.any_batch_of_kind(!sandbox)? {
            Some(batch) if sandbox => return Err(Mismatch::HoldsRealBatches(batch).into()),
            Some(batch) => return Err(Mismatch::HoldsRehearsals(batch).into()),
            None => {}
        }
        // An opt-out that waits counts.
        store.apply_waiting_events(clock.now()).await?;
        let client = access.client(settings.timeout, 1, clock)?;
        client.keep_connections(false);
        let channel_type = store.reader()?.channel_type(&self.channel)?;
        let mut rules = store.reader()?.refusal_rules()?;
        for rule in &settings.refusals {
            rules.add(rule.clone());
        }
        let sender = TestSender {
            pacer: quota::pacer(&store, client.token_fingerprint(), settings.pacer, clock).await?,
            rules,
            address: Address::by_phone(channel_type.as_deref()),
            message: self,
            actor,
            to,
            store,
            client,
            clock,
        };
        sender.send(&mut Waits::new(waits)).await
    }

    /// The user's metadata, and that this is a test. No row is named: an event that comes back settles none.
    fn metadata(&self) -> String {
        with_own_metadata(format!(r#"{{"{TEST_KEY}":"true""#), &self.metadata)
    }
}

/// Sends one test message.
struct TestSender<'a> {
    message: &'a TestMessage,
    /// Who asked for it.
    actor: &'a str,
    to: PhoneNumber,
    store: Store,
    client: Client,
    pacer: Handle,
    address: Address,
    rules: RefusalRules,
    clock: &'a Clock,
}

impl TestSender<'_> {
    /// Sends the message; one that the API puts off is sent again when it may be.
    async fn send(&self, waits: &mut Waits<'_>) -> Result<Tested, RunError> {
        let token = self.client.token_fingerprint();
        let intent = TestIntent {
            to: self.to,
            channel: self.message.channel.clone(),
            content: self.message.content.clone(),
            token,
        };
        let mut known = self.store.reader()?.claimed(token)?;
        let quota = quota::quota_update(&self.pacer);
        loop {
            let permit = permit(&self.pacer, self.clock, waits).await?;
            connection(&self.store, None, token, self.clock, waits).await?;
            let now = self.clock.now();
            let attempt = match self.store.claim_test(intent.clone(), known, now).await? {
                TestClaim::Claimed(attempt) => attempt,
                TestClaim::Suppressed(cause) => {
                    self.store.asks_no_more(token).await?;
                    return Ok(Tested::Suppressed(cause));
                }
                // The permit goes back: others have used the quota meanwhile.
                TestClaim::OthersClaimed { total } => {
                    self.pacer.others(total.saturating_sub(known));
                    known = total;
                    continue;
                }
            };
            known += 1;
            let flight = permit.started();
            let reply = self.request().await?;
            let outcome = classify(&reply.exchange, self.address, &self.rules);
            flight.ended(&reply.exchange, &outcome, &reply.quota);
            let result = TestResult {
                outcome: outcome.word(),
                http_status: reply.exchange.status(),
                receipt: outcome.clone().into_receipt(),
                note: self.note(&outcome),
            };
            let (store, now) = (&self.store, self.clock.now());
            store
                .settle_test(attempt, intent.clone(), result, now)
                .await?;
            if let Some(state) = quota() {
                store.save_quota(token, state, now).await?;
            }
            store.asks_no_more(token).await?;
            if let Some(tested) = self.tested(outcome) {
                return Ok(tested);
            }
        }
    }

    /// What the audit keeps of it; nothing if it was put off.
    fn note(&self, outcome: &Outcome) -> Option<DecisionRecord> {
        let put_off = matches!(outcome, Outcome::Throttled { .. });
        let detail = format!("{}: {}", self.message.place, outcome.word());
        (!put_off).then(|| DecisionRecord::new(self.actor, "test", detail, self.clock.now()))
    }

    async fn request(&self) -> Result<Reply, RunError> {
        let content = RawJson::new(self.message.content.clone())?;
        let metadata = RawJson::new(self.message.metadata())?;
        let message = OutgoingMessage {
            channel: &self.message.channel,
            // The names of the row are another person's.
            addressee: &Addressee::Phone {
                phone: self.to,
                first_name: None,
                last_name: None,
            },
            content: &content,
            metadata: &metadata,
            decided: self.clock.moment(),
        };
        Ok(self.client.send(&message).await)
    }

    /// What became of it; nothing if it was put off.
    fn tested(&self, outcome: Outcome) -> Option<Tested> {
        let (text, exit) = match outcome {
            Outcome::Sent(receipt) => {
                return Some(Tested::Sent {
                    message_id: receipt.message_id,
                    other_number: receipt.number.filter(|number| *number != self.to),
                });
            }
            Outcome::Throttled { .. } => return None,
            Outcome::NoMessenger { text, .. }
            | Outcome::Rejected { text, .. }
            | Outcome::ContactGone { text }
            | Outcome::Limited { text, .. }
            | Outcome::Later { text } => (text, ExitCode::CompleteWithProblems),
            Outcome::Undecided { text, .. } => (
                format!("it may have been, its outcome is unknown: {text}"),
                ExitCode::CompleteWithProblems,
            ),
            Outcome::NotSent { text } | Outcome::Fatal { text, .. } => (text, ExitCode::Guard),
        };
        Some(Tested::NotSent { text, exit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_of_a_test_says_so_and_names_neither_row_nor_batch() {
        let metadata = |own: &str| {
            let message = TestMessage {
                channel: "7001".to_owned(),
                place: "list.csv, row 2".to_owned(),
                whose: "Eva".to_owned(),
                content: r#"{"type":"text","payload":"Hello"}"#.to_owned(),
                metadata: own.to_owned(),
                is_sms: false,
            };
            message.metadata()
        };
        assert_eq!(metadata("{}"), r#"{"outreach_test":"true"}"#);
        assert_eq!(
            metadata(r#"{"tag":"ACCOUNT_UPDATE"}"#),
            r#"{"outreach_test":"true","tag":"ACCOUNT_UPDATE"}"#
        );
    }
}
