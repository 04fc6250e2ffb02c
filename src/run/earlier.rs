//! The question about a mended text: the people of the list have another message already. The sender must
//! say whether they are left out or messaged again; nothing is read into the batch before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use super::error::RunError;
use super::known::Known;
use super::list::List;
use super::pass::{BatchRows, Pass};
use crate::domain::earlier::{Difference, difference, is_same_list};
use crate::domain::eligibility::HistorySpan;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{JudgedRow, Verdict};
use crate::domain::retention::{CONTENT, is_pruned_message};
use crate::domain::row_cells::RowCells;
use crate::domain::text::{on_one_line, shortened};
use crate::report::{minute, people};
use crate::store::{Batch, BatchId, Reader};

/// How much of an earlier message is shown, in characters.
const SHOWN: usize = 200;

/// People of the list whom another batch messaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagedBefore {
    /// The batch.
    pub batch: String,
    /// Its random id.
    pub uid: String,
    /// In what its message differs.
    pub difference: Difference,
    /// How many people of the list it messaged, as far as is known.
    pub people: u64,
    /// When it messaged the first of them.
    pub first: Timestamp,
    /// When it messaged the last of them.
    pub last: Timestamp,
    /// Its message, as its template; `None` where it is not known, because the batch came from a file without messages.
    pub text: Option<String>,
    /// The channel that it uses.
    pub channel: String,
    /// How many of its own people wait for its message.
    pub queued: u64,
}

impl fmt::Display for MessagedBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.difference {
            Difference::Text => "another message".to_owned(),
            Difference::Channel => format!("the same message over channel {}", self.channel),
        };
        write!(
            f,
            "{} of this list got {what} from batch {} ({} queued), {} to {}",
            people(self.people),
            self.batch,
            self.queued,
            minute(self.first),
            minute(self.last),
        )?;
        match &self.text {
            Some(text) => write!(f, ": \"{text}\""),
            None => {
                f.write_str("; its text is not known, because it came from a file without messages")
            }
        }
    }
}

/// What is counted for another batch.
#[derive(Debug, Default)]
struct Found {
    /// Numbers that both lists have.
    shared: u64,
    texts: Times,
    channels: Times,
}

/// How many people were messaged, and when.
#[derive(Debug, Default)]
struct Times {
    people: u64,
    span: Option<(Timestamp, Timestamp)>,
}

impl Times {
    fn count(&mut self, at: Timestamp) {
        self.people += 1;
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }
}

/// A search for the people of a list whom other batches messaged, where that must be decided.
pub(super) struct EarlierSearch<'a> {
    pub(super) reader: &'a Reader,
    /// For the threads that judge the rows.
    pub(super) known: Known,
    /// The batch that the list is for, if it is there already, and its rows.
    pub(super) own: Option<BatchId>,
    pub(super) has: &'a BatchRows,
    pub(super) channel: &'a str,
    /// As [`others`] finds them.
    pub(super) others: Vec<Batch>,
    pub(super) history: HistorySpan,
    pub(super) now: Timestamp,
}

impl EarlierSearch<'_> {
    /// Searches. Costs a pass over the list.
    pub(super) fn run(self, list: &mut List) -> Result<Vec<MessagedBefore>, RunError> {
        let Self {
            reader,
            own,
            channel,
            history,
            now,
            ..
        } = self;
        let mut found: BTreeMap<BatchId, Found> = BTreeMap::new();
        let mut numbers = 0;
        let cells = RowCells::of(&list.input.mapping().canonical(), list.input.headers());
        let pass = Pass {
            known: self.known,
            channel: Some(channel),
            has: Some(self.has),
            now: Some(now),
            ..Pass::default()
        };
        let mut take = |row: JudgedRow| -> Result<(), RunError> {
            let (phone, content) = match &row.verdict {
                Verdict::Queued(accepted) => (accepted.phone, accepted.content.as_ref()),
                Verdict::Suppressed { phone, .. } => (*phone, None),
                Verdict::Invalid { .. } | Verdict::Duplicate { .. } => return Ok(()),
            };
            numbers += 1;
            let phones = phones_of(&row, phone, cells.as_ref());
            let mut shared = BTreeSet::new();
            for phone in &phones {
                shared.extend(reader.batches_with(*phone)?);
            }
            for batch in shared {
                found.entry(batch).or_default().shared += 1;
            }
            let Some(rendered) = content else {
                return Ok(());
            };
            // Who has this batch's message is not messaged by it again.
            if let Some(own) = own
                && reader.has_message_of(phone, own)?
            {
                return Ok(());
            }
            // A batch counts once for a person, by its latest request.
            let mut latest = BTreeMap::new();
            for phone in phones {
                let requests = reader.earlier_requests(phone, channel, &rendered.content, own)?;
                for (batch, request) in requests {
                    if let Some(difference) = difference(&request, history.repeat_guard, now) {
                        latest.insert(batch, (difference, request.at));
                    }
                }
            }
            for (batch, (difference, at)) in latest {
                let found = found.entry(batch).or_default();
                match difference {
                    Difference::Text => found.texts.count(at),
                    Difference::Channel => found.channels.count(at),
                }
            }
            Ok(())
        };
        pass.judge(list, &mut |_| (), &mut take)?;
        let mut messaged = Vec::new();
        for batch in self.others {
            if let Some(found) = found.get(&batch.id) {
                messaged.extend(other_batch(reader, &batch, found, numbers)?);
            }
        }
        Ok(messaged)
    }
}

/// The numbers of a row's person, the one first that the row would be sent to.
fn phones_of(row: &JudgedRow, phone: PhoneNumber, cells: Option<&RowCells>) -> Vec<PhoneNumber> {
    let mut phones = vec![phone];
    if let Some(cells) = cells {
        let fields: Vec<String> = row.record.iter().map(str::to_owned).collect();
        phones.extend(cells.others(&fields, phone));
    }
    phones
}

/// The batches that may have sent something that matters, and about which nothing was decided.
pub(super) fn others(
    reader: &Reader,
    own: Option<BatchId>,
    channel: &str,
) -> Result<Vec<Batch>, RunError> {
    let mut others = Vec::new();
    for batch in reader.batches()? {
        let matters =
            batch.follow_up.is_none() && (batch.state.is_unfinished() || batch.channel != channel);
        if Some(batch.id) == own || !matters || reader.counts(batch.id)?.requests == 0 {
            continue;
        }
        let decided = match own {
            Some(own) => reader.is_decided(own, &batch.uid)?,
            None => false,
        };
        if !decided {
            others.push(batch);
        }
    }
    Ok(others)
}

fn other_batch(
    reader: &Reader,
    batch: &Batch,
    found: &Found,
    numbers: u64,
) -> Result<Option<MessagedBefore>, RunError> {
    let counts = reader.counts(batch.id)?;
    let theirs = counts.rows() - counts.invalid - counts.duplicate;
    let is_same = is_same_list(found.shared, numbers, theirs);
    let (difference, times) = if is_same && found.texts.people > 0 {
        (Difference::Text, &found.texts)
    } else {
        (Difference::Channel, &found.channels)
    };
    let Some((first, last)) = times.span else {
        return Ok(None);
    };
    Ok(Some(MessagedBefore {
        batch: batch.name.clone(),
        uid: batch.uid.clone(),
        difference,
        people: times.people,
        first,
        last,
        text: message_of(batch),
        channel: batch.channel.clone(),
        queued: counts.queued + counts.sending,
    }))
}

/// The message of a batch as its template: its text, or its JSON where it is something else. None is known of a batch
/// that was restored.
fn message_of(batch: &Batch) -> Option<String> {
    let stored = batch.definition.get(CONTENT).map(String::as_str);
    let stored = stored.filter(|stored| !stored.is_empty())?;
    if is_pruned_message(stored) {
        return Some("(pruned)".to_owned());
    }
    let parsed: Option<serde_json::Value> = serde_json::from_str(stored).ok();
    let content = parsed.as_ref().and_then(|stored| stored.get("content"));
    let text = match content.map(|content| (content, content.get("payload"))) {
        Some((_, Some(serde_json::Value::String(text)))) => text.clone(),
        Some((content, _)) => content.to_string(),
        None => stored.to_owned(),
    };
    Some(shortened(&on_one_line(&text), SHOWN).into_owned())
}
