//! The recipients whose outcome is unknown, and how they are settled: by what the API's message list proves,
//! or by a person's decision.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::batch::HeldBatch;
use super::error::RunError;
use super::lookup::{Lookups, Waits};
use super::mismatch::Mismatch;
use super::settings::{Access, RunSettings};
use super::wait::Wait;
use crate::amio::ListedMessage;
use crate::clock::Clock;
use crate::report::place;
use crate::store::{
    Batch, Decision, FoundMessage, Reader, RecipientId, Store, StoreError, UnknownRow,
};

/// How far the API's clock may be behind ours when it says when a message was sent.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_secs(10);

/// Messages of a contact's history in one answer, and the pages that are read at the most.
const PAGE: usize = 100;
const PAGES: u32 = 10;

/// Who settles by evidence, for the audit.
const MESSAGE_LIST: &str = "the API's message list";

/// The rows of a batch whose outcome is unknown.
#[derive(Debug, Clone)]
pub struct UnknownRows {
    /// The batch.
    pub batch: Batch,
    /// Its rows, each with the time of its last request.
    pub rows: Vec<(UnknownRow, Option<Timestamp>)>,
    /// Those of people who may have written what waits to be read.
    pub(crate) may_have_written: BTreeSet<RecipientId>,
}

impl UnknownRows {
    /// Reads them. What a process left under way when it died is unknown, and stored as that; while a process
    /// works on the batch, its rows are its own.
    ///
    /// # Errors
    /// [`RunError`] if there is no such batch, or the checkpoint fails.
    pub fn read(checkpoint: &Path, batch: &str, now: Timestamp) -> Result<Self, RunError> {
        let reader = Reader::open(checkpoint)?;
        let batch = reader.batch(batch)?;
        if reader.counts(batch.id)?.sending > 0 {
            let store = Store::open_existing(checkpoint)?;
            match store.hold(&batch.name, now) {
                Ok(_hold) => {
                    store.interrupt_leftovers(batch.id, now)?;
                }
                Err(StoreError::Held { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let rows = reader.unknown_rows(batch.id, usize::MAX)?;
        let may_have_written = who_may_have_written(&reader, &rows)?;
        let rows = with_times(&reader, rows)?;
        Ok(Self {
            batch,
            rows,
            may_have_written,
        })
    }
}

fn who_may_have_written(
    reader: &Reader,
    rows: &[UnknownRow],
) -> Result<BTreeSet<RecipientId>, StoreError> {
    let rows: Vec<_> = rows.iter().map(|row| row.recipient).collect();
    reader.rows_that_may_have_written(&rows)
}

fn with_times(
    reader: &Reader,
    rows: Vec<UnknownRow>,
) -> Result<Vec<(UnknownRow, Option<Timestamp>)>, StoreError> {
    let asked: BTreeSet<_> = rows.iter().map(|row| row.recipient).collect();
    let times = reader.last_requests(&asked)?;
    let with_time = |row: UnknownRow| {
        let at = times.get(&row.recipient).copied();
        (row, at)
    };
    Ok(rows.into_iter().map(with_time).collect())
}

/// Which rows are settled. The default is all of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct RowChoice<'a> {
    /// These row numbers; without any, all rows.
    pub rows: &'a [u32],
    /// The file whose rows are meant, where the batch has several: its name, or its number from 1.
    pub file: Option<&'a str>,
}

/// What became of rows that a person decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledRows {
    /// Rows that are settled, or queued again.
    pub settled: u64,
    /// Rows whose outcome stays unknown: there is nobody to send to.
    pub left: u64,
    /// Rows whose outcome stays unknown: a contact whose number is not known wrote on the channel, and it may be one of
    /// these people. Nothing is sent again before that is read.
    pub waiting: u64,
}

/// What the API's message list showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Rows that were asked about.
    pub rows: u64,
    /// Rows that are proven sent, and count as sent now.
    pub proven: u64,
    /// Rows that the API cannot be asked about: no contact id is known, or the person was erased.
    pub not_askable: u64,
}

impl HeldBatch {
    /// Settles the rows by a decision of `person`. Nothing is sent again to people who were erased or taken out of the
    /// list, or who may have written what waits to be read: their rows stay.
    ///
    /// # Errors
    /// [`RunError`] if a row is not one whose outcome is unknown, or the checkpoint fails; nothing was changed
    /// then.
    pub fn decide(
        &self,
        choice: &RowChoice<'_>,
        decision: Decision,
        person: String,
        now: Timestamp,
    ) -> Result<SettledRows, RunError> {
        let rows = self.chosen(choice)?;
        let recipients: BTreeSet<_> = rows.iter().map(|row| row.recipient).collect();
        let asked = recipients.iter().copied().collect();
        let settled = self.store().decide(asked, decision, person, now)?;
        let unknown = self.reader()?.unknown_rows(self.batch().id, usize::MAX)?;
        let mut left = unknown;
        left.retain(|row| recipients.contains(&row.recipient));
        let waiting = who_may_have_written(&self.reader()?, &left)?.len();
        Ok(SettledRows {
            settled,
            left: left.len().saturating_sub(waiting) as u64,
            waiting: waiting as u64,
        })
    }

    /// Asks the API for the messages of the contacts that are known, and settles what that proves. What is not
    /// proven stays unknown: a list that does not show a message does not prove that it was not sent. The
    /// questions go in the pace of `settings`, and use the quota; `waits` is called while one must wait.
    ///
    /// # Errors
    /// [`RunError`] if a row is not one whose outcome is unknown, the API cannot be asked, or the checkpoint
    /// fails. What was proven until then is settled.
    pub async fn settle_by_evidence(
        &self,
        choice: &RowChoice<'_>,
        access: &Access,
        settings: &RunSettings,
        clock: &Clock,
        waits: &mut (dyn FnMut(&Wait) + Send),
    ) -> Result<Evidence, RunError> {
        if self.batch().sandbox {
            return Err(Mismatch::NoEvidenceOfRehearsal.into());
        }
        let rows = self.chosen(choice)?;
        let rows = with_times(&self.reader()?, rows)?;
        let waits = Waits::new(waits);
        let mut api = Lookups::new(self, access, settings, clock, waits).await?;
        let evidence = self.ask_about(rows, &mut api, clock).await;
        api.end().await?;
        evidence
    }

    async fn ask_about(
        &self,
        rows: Vec<(UnknownRow, Option<Timestamp>)>,
        api: &mut Lookups<'_>,
        clock: &Clock,
    ) -> Result<Evidence, RunError> {
        let mut evidence = Evidence {
            rows: rows.len() as u64,
            ..Evidence::default()
        };
        for (row, since) in rows {
            let (Some(contact), Some(content), Some(since)) =
                (&row.contact_id, &row.content, since)
            else {
                evidence.not_askable += 1;
                continue;
            };
            let wanted = Wanted {
                contact,
                content: serde_json::from_str(content).unwrap_or_default(),
                since,
            };
            if let Some(proof) = self.search(api, &row, &wanted).await? {
                let (proofs, by) = (vec![proof], MESSAGE_LIST.to_owned());
                evidence.proven += self.store().prove_sent(proofs, by, clock.now()).await?;
            }
        }
        Ok(evidence)
    }

    /// Searches for the message in the contact's history.
    async fn search(
        &self,
        api: &mut Lookups<'_>,
        row: &UnknownRow,
        wanted: &Wanted<'_>,
    ) -> Result<Option<FoundMessage>, RunError> {
        for page in 0..PAGES {
            let offset = page * u32::try_from(PAGE).unwrap_or(u32::MAX);
            let messages = api.messages(row.step, wanted.contact, offset);
            let Some(messages) = messages.await? else {
                return Ok(None);
            };
            let is_last = messages.len() < PAGE;
            let reader = self.reader()?;
            for message in messages {
                if let Some(sent_at) = matching(&message, wanted)
                    && !reader.knows_message(&message.id)?
                    && !is_ambiguous(sent_at, &reader.rival_requests(row.recipient)?)
                {
                    return Ok(Some(FoundMessage {
                        recipient: row.recipient,
                        contact_id: wanted.contact.to_owned(),
                        sent_at,
                        delivered_at: time(message.delivered.as_deref()),
                        read_at: time(message.read.as_deref()),
                        message_id: message.id,
                    }));
                }
            }
            if is_last {
                break;
            }
        }
        Ok(None)
    }

    /// The chosen rows among those whose outcome is unknown.
    fn chosen(&self, choice: &RowChoice<'_>) -> Result<Vec<UnknownRow>, RunError> {
        let batch = self.batch();
        let rows = self.reader()?.unknown_rows(batch.id, usize::MAX)?;
        let at = |row: &UnknownRow| (row.file, row.row);
        let wanted = "whose outcome is unknown";
        Ok(choose(choice, wanted, &batch.name, &batch.files, rows, at)?)
    }
}

/// The chosen ones of these rows, which are those `wanted` ("that was refused"); `at` is where a row stands.
pub(super) fn choose<T>(
    choice: &RowChoice<'_>,
    wanted: &'static str,
    batch: &str,
    files: &[String],
    mut rows: Vec<T>,
    at: impl Fn(&T) -> (u16, u32),
) -> Result<Vec<T>, Mismatch> {
    if choice.rows.is_empty() {
        return Ok(rows);
    }
    let batch = batch.to_owned();
    let mut name = None;
    if let Some(named) = choice.file {
        let Some(file) = file(files, named) else {
            let files = (1_usize..).zip(files);
            return Err(Mismatch::NoSuchFile {
                batch,
                file: named.to_owned(),
                files: files.map(|(n, name)| format!("{n}  {name}")).collect(),
            });
        };
        rows.retain(|row| at(row).0 == file);
        name = files.get(usize::from(file)).cloned();
    }
    let is_there = |number: &&u32| rows.iter().any(|row| at(row).1 == **number);
    if let Some(&row) = choice.rows.iter().find(|number| !is_there(number)) {
        return Err(Mismatch::RowNotAmong {
            batch,
            row,
            file: name,
            wanted,
        });
    }
    rows.retain(|row| choice.rows.contains(&at(row).1));
    let in_files: BTreeSet<u16> = rows.iter().map(|row| at(row).0).collect();
    if choice.file.is_none() && in_files.len() > 1 {
        let places = rows.iter().map(|row| place(files, at(row).0, at(row).1));
        return Err(Mismatch::AmbiguousRow(batch, places.collect()));
    }
    Ok(rows)
}

/// The index of the one file with this name, or else with this number.
pub(super) fn file(files: &[String], wanted: &str) -> Option<u16> {
    let all = || (0_u16..).zip(files);
    let mut named = all().filter(|(_, name)| *name == wanted);
    match (named.next(), named.next()) {
        (Some((only, _)), None) => Some(only),
        (Some(_), Some(_)) => None,
        (None, _) => {
            let number: usize = wanted.parse().ok()?;
            Some(all().nth(number.checked_sub(1)?)?.0)
        }
    }
}

/// What a listed message must be.
struct Wanted<'a> {
    contact: &'a str,
    content: serde_json::Value,
    since: Timestamp,
}

/// When it was sent, if it is ours: the same content, sent by us, after the request began.
fn matching(message: &ListedMessage, wanted: &Wanted<'_>) -> Option<Timestamp> {
    let sent_at = time(message.sent.as_deref())?;
    let in_time = sent_at
        .checked_add(CLOCK_DIFFERENCE)
        .is_ok_and(|latest| latest >= wanted.since);
    (message.direction == "sent" && in_time && message.content == wanted.content).then_some(sent_at)
}

/// Whether the message may be that of another request whose answer was lost: each message proves one request.
fn is_ambiguous(sent_at: Timestamp, rivals: &[Timestamp]) -> bool {
    let latest = sent_at.checked_add(CLOCK_DIFFERENCE).unwrap_or(sent_at);
    rivals.iter().any(|started_at| *started_at <= latest)
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_chosen_by_number_and_where_that_is_not_enough_by_file() {
        let files = ["a.csv".to_owned(), "b.csv".to_owned()];
        let rows = vec![(0, 2), (0, 3), (1, 3)];
        let choose = |numbers: &[u32], file| {
            let choice = RowChoice {
                rows: numbers,
                file,
            };
            choose(
                &choice,
                "that was refused",
                "spring",
                &files,
                rows.clone(),
                |row| *row,
            )
        };
        assert_eq!(choose(&[], None), Ok(rows.clone()));
        assert_eq!(choose(&[2], None), Ok(vec![(0, 2)]));
        for file in ["b.csv", "2"] {
            assert_eq!(choose(&[3], Some(file)), Ok(vec![(1, 3)]));
        }
        let places = vec!["a.csv, row 3".to_owned(), "b.csv, row 3".to_owned()];
        let batch = || "spring".to_owned();
        let ambiguous = Mismatch::AmbiguousRow(batch(), places);
        assert_eq!(choose(&[3], None), Err(ambiguous));
        for (file, said) in [(None, "spring is"), (Some("2"), "spring in b.csv is")] {
            let missing = choose(&[3, 4], file).unwrap_err().to_string();
            assert!(missing.contains(said), "{missing}");
            assert!(
                missing.contains("`outreach status spring --row 4`"),
                "{missing}"
            );
        }
        for file in ["c.csv", "0", "3"] {
            let refused = choose(&[3], Some(file));
            assert!(
                matches!(refused, Err(Mismatch::NoSuchFile { .. })),
                "{file}"
            );
        }
    }

    fn message(direction: &str, sent: &str, content: &str) -> ListedMessage {
        serde_json::from_value(json!({
            "id": "9", "direction": direction, "sent": sent, "delivered": null, "read": null,
            "content": serde_json::from_str::<serde_json::Value>(content).unwrap(),
        }))
        .unwrap()
    }

    #[test]
    fn only_the_same_content_sent_by_us_after_the_request_is_a_proof() {
        let wanted = Wanted {
            contact: "7",
            content: json!({ "type": "text", "payload": "Hi" }),
            since: "2026-05-01T10:00:00Z".parse().unwrap(),
        };
        let ours = r#"{"payload":"Hi","type":"text"}"#;
        for (proves, direction, sent, content) in [
            (true, "sent", "2026-05-01T10:00:01.5Z", ours),
            (true, "sent", "2026-05-01T09:59:55Z", ours),
            (false, "sent", "2026-05-01T09:59:00Z", ours),
            (false, "received", "2026-05-01T10:00:01Z", ours),
            (
                false,
                "sent",
                "2026-05-01T10:00:01Z",
                r#"{"type":"text","payload":"Ho"}"#,
            ),
            (false, "sent", "yesterday", ours),
        ] {
            let message = message(direction, sent, content);
            assert_eq!(matching(&message, &wanted).is_some(), proves, "{message:?}");
        }
    }
}
