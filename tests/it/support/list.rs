//! Batches and rows as the library takes them: a test names what it is about, the rest is filled in.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use outreach::internals::domain::content::Rendered;
use outreach::internals::domain::dialect::ListFormat;
use outreach::internals::domain::eligibility::HistorySpan;
use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::domain::recipient::{Accepted, JudgedRow, Position, RowNumber, Verdict};
use outreach::internals::store::{Batch, BatchId, BatchName, ClaimRules, Journal, NewBatch, Store};

/// A real batch of one file, `list.csv`, with one column, `phone`.
pub(crate) fn new_batch(name: &str, channel: &str, created_at: Timestamp) -> NewBatch {
    NewBatch {
        name: BatchName::Named(name.to_owned()),
        digest: [0; 32],
        definition: BTreeMap::new(),
        headers: vec!["phone".to_owned()],
        files: vec!["list.csv".to_owned()],
        channel: channel.to_owned(),
        list: ListFormat::default(),
        sandbox: false,
        created_at,
    }
}

/// A person who may be messaged, with this text.
pub(crate) fn accepted_number(phone: PhoneNumber, text: &str) -> Accepted {
    let content = serde_json::json!({ "type": "text", "payload": text });
    Accepted {
        phone,
        mended: None,
        first_name: None,
        last_name: None,
        contact_id: None,
        content: Some(Rendered {
            content: content.to_string(),
            metadata: "{}".to_owned(),
        }),
    }
}

/// A row of the first file, with the number as its only cell.
pub(crate) fn queued_row(row: u32, accepted: Accepted) -> JudgedRow {
    let typed = accepted.phone.e164();
    JudgedRow {
        position: Position {
            file: 0,
            row: RowNumber::new(row).unwrap(),
        },
        mends: None,
        record: [&typed].into_iter().collect(),
        typed,
        verdict: Verdict::Queued(accepted),
    }
}

/// Puts the rows into a batch that was just created.
pub(crate) fn load_rows(
    store: &Store,
    (id, channel): (BatchId, &str),
    rows: impl IntoIterator<Item = JudgedRow>,
    now: Timestamp,
) {
    let mut loader = store.loader(id, channel, now);
    for row in rows {
        loader.push(row, |_| String::new()).unwrap();
    }
    loader.finish().unwrap();
}

/// A run of the batch, without sending hours, by the token that all tests use.
pub(crate) async fn start_journal(
    store: &Arc<Store>,
    batch: &Batch,
    span: HistorySpan,
    now: Timestamp,
) -> Journal {
    let rules = ClaimRules {
        span,
        token: 1,
        window: None,
    };
    let started = Journal::start(Arc::clone(store), batch, rules, now).await;
    started.unwrap().0
}
