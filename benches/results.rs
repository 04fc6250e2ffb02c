//! Speed of the results file: a checkpoint whose rows were all sent, exported three times.
//!
//! ```text
//! cargo bench --bench results               one million rows
//! cargo bench --bench results -- 5000000    five million
//! ```
//!
//! The checkpoint is made through the library, in a temporary folder.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a program for developers that may stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use outreach::internals::domain::content::Rendered;
use outreach::internals::domain::delivery::Event;
use outreach::internals::domain::dialect::ListFormat;
use outreach::internals::domain::eligibility::HistorySpan;
use outreach::internals::domain::outcome::{AttemptOutcome, Receipt};
use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::domain::recipient::{Accepted, JudgedRow, Position, RowNumber, Verdict};
use outreach::internals::report::write_results_file;
use outreach::internals::store::{
    BatchId, Claim, ClaimRules, Claimed, Journal, NewBatch, Reader, Settlement, Store, StoreError,
};

/// Messages in flight while the checkpoint is made.
const IN_FLIGHT: usize = 512;

fn main() {
    let rows = std::env::args().find_map(|arg| arg.parse::<u32>().ok());
    let rows = rows.unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("bench.db");
    let store = Arc::new(Store::open(&db).unwrap());
    load(&store, rows);
    send_all(&store);
    drop(store);
    let reader = Reader::open(&db).unwrap();
    let batch = reader.batch("bench").unwrap();
    for _ in 0..3 {
        let start = Instant::now();
        let mut sum = 0_u64;
        reader
            .rows(batch.id, |row| -> Result<(), StoreError> {
                sum += u64::from(row.row);
                Ok(())
            })
            .unwrap();
        rate("rows read alone", rows, start);
        std::hint::black_box(sum);
        let start = Instant::now();
        let written = write_results_file(&reader, &batch, &folder.path().join("r.csv")).unwrap();
        assert_eq!(written, u64::from(rows));
        rate("results file", rows, start);
    }
}

fn rate(what: &str, rows: u32, start: Instant) {
    let rate = f64::from(rows) / start.elapsed().as_secs_f64();
    println!("{what:16} {rate:>10.0} rows/s");
}

fn now() -> Timestamp {
    "2026-05-01T10:00:00.123Z".parse().unwrap()
}

/// Brings a list of four columns into the checkpoint.
fn load(store: &Store, rows: u32) {
    let id: BatchId = store
        .create_batch(NewBatch {
            name: outreach::internals::store::BatchName::Named("bench".to_owned()),
            digest: [0; 32],
            definition: BTreeMap::new(),
            headers: ["name", "phone", "city", "order"]
                .map(str::to_owned)
                .to_vec(),
            files: vec!["list.csv".to_owned()],
            channel: "7001".to_owned(),
            list: ListFormat::default(),
            sandbox: true,
            created_at: now(),
        })
        .unwrap();
    let mut loader = store.loader(id, "7001", now());
    for n in 0..rows {
        loader.push(row(n), |_| String::new()).unwrap();
    }
    loader.finish().unwrap();
}

fn row(n: u32) -> JudgedRow {
    let phone = PhoneNumber::from_e164(420_600_000_000 + u64::from(n)).unwrap();
    let content = r#"{"type":"text","payload":"Hello Jana, your order is ready."}"#;
    JudgedRow {
        position: Position {
            file: 0,
            row: RowNumber::new(n + 2).unwrap(),
        },
        mends: None,
        record: ["Jana Nováková", &phone.e164(), "Brno", &format!("{n:08}")]
            .iter()
            .collect(),
        typed: phone.e164(),
        verdict: Verdict::Queued(Accepted {
            phone,
            mended: None,
            first_name: Some("Jana".to_owned()),
            last_name: None,
            contact_id: None,
            content: Some(Rendered {
                content: content.to_owned(),
                metadata: "{}".to_owned(),
            }),
        }),
    }
}

/// Settles every row as sent.
fn send_all(store: &Arc<Store>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let batch = store.reader().unwrap().batch("bench").unwrap();
        let rules = ClaimRules {
            span: HistorySpan::default(),
            token: 1,
            window: None,
        };
        let (journal, _) = Journal::start(Arc::clone(store), &batch, rules, now())
            .await
            .unwrap();
        let workers: Vec<_> = (0..IN_FLIGHT)
            .map(|_| tokio::spawn(work(journal.clone())))
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
    });
}

async fn work(journal: Journal) {
    let mut last = None;
    while let (_, Some(Claim::Claimed(claimed))) = journal
        .settle_and_claim(last.take(), Some(now()))
        .await
        .unwrap()
    {
        last = Some(sent(&claimed));
    }
}

fn sent(claimed: &Claimed) -> Settlement {
    let n = claimed.recipient.seq();
    Settlement {
        why: "",
        known: None,
        by_text: false,
        recipient: claimed.recipient,
        outcome: AttemptOutcome::Sent,
        event: Event::Accepted,
        http_status: Some(201),
        text: String::new(),
        receipt: Some(Receipt {
            message_id: Some(format!("7001200300{n:09}")),
            contact_id: Some(format!("7001200400{n:09}")),
            channel_type: None,
            number: None,
        }),
        at: now(),
    }
}
