//! A checkpoint with one row in every state, made through the library, and the program beside it.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use jiff::Timestamp;
use outreach::internals::domain::delivery::Event;
use outreach::internals::domain::eligibility::HistorySpan;
use outreach::internals::domain::outcome::{AttemptOutcome, Receipt};
use outreach::internals::domain::phone::{PhoneNumber, PhoneProblem};
use outreach::internals::domain::recipient::{
    Accepted, JudgedRow, Position, RowNumber, RowProblem, Suppression, Verdict,
};
use outreach::internals::store::{
    Batch, Claim, Claimed, Journal, NewBatch, Reader, Settlement, Store,
};

use crate::support::{accepted_number, new_batch, start_journal};

pub(crate) const CHANNEL: &str = "7001200300400500601";
pub(crate) const START: &str = "2026-05-01T10:00:00Z";

/// A folder with a checkpoint in it.
pub(crate) struct Place {
    folder: crate::support::Scratch,
}

impl Place {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.path("outreach.db")
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::open(&self.db()).unwrap()
    }

    pub(crate) fn batch(&self) -> Batch {
        self.reader().batch("spring").unwrap()
    }

    /// Runs the program in the folder, with nothing of ours in its environment.
    pub(crate) fn outreach(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_outreach"));
        command
            .args(args)
            .current_dir(self.folder.folder())
            .env_clear()
            .env(
                "XDG_DATA_HOME",
                crate::support::home_in(self.folder.folder()),
            )
            .env("USER", "jana")
            .env("HOSTNAME", "desk");
        command
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn phone(last: u64) -> PhoneNumber {
    PhoneNumber::from_e164(420_777_123_000 + last).unwrap()
}

fn now() -> Timestamp {
    START.parse().unwrap()
}

pub(crate) fn content(n: u64) -> String {
    format!(r#"{{"type":"text","payload":"Hello {n}"}}"#)
}

fn queued(n: u64) -> Verdict {
    Verdict::Queued(Accepted {
        contact_id: (n == 5).then(|| "4005".to_owned()),
        ..accepted_number(phone(n), &format!("Hello {n}"))
    })
}

fn row(number: u32, fields: &[&str], verdict: Verdict) -> JudgedRow {
    JudgedRow {
        position: Position {
            file: 0,
            row: RowNumber::new(number).unwrap(),
        },
        mends: None,
        record: fields.iter().collect(),
        typed: fields.get(1).copied().unwrap_or("").to_owned(),
        verdict,
    }
}

/// Rows 2 to 7 are claimed in turn and end as sent, no Messenger, refused, unknown, unknown, under way;
/// row 8 stays queued. Rows 9 to 12 were decided at intake.
fn rows() -> Vec<JudgedRow> {
    let mut rows: Vec<JudgedRow> = (2..=8_u32)
        .map(|n| {
            let typed = phone(n.into()).e164();
            row(n, &["=1+1", &typed, "a,\"b\"\nc"], queued(n.into()))
        })
        .collect();
    rows.push(row(
        9,
        &["Eva", "777", "x"],
        Verdict::Invalid {
            problem: RowProblem::Phone(PhoneProblem::NeedsRegion),
            suggestion: Some("+420777".to_owned()),
            phone: None,
        },
    ));
    rows.push(row(
        10,
        &["Eva", "1", "x", "y", "z"],
        Verdict::Invalid {
            problem: RowProblem::UnevenLength {
                expected: 3,
                found: 5,
            },
            suggestion: None,
            phone: None,
        },
    ));
    rows.push(row(
        11,
        &["Jan", "+420777123002", "x"],
        Verdict::Duplicate {
            phone: phone(2),
            first: Position {
                file: 0,
                row: RowNumber::new(2).unwrap(),
            },
            other: None,
        },
    ));
    rows.push(row(
        12,
        &["Iva", "+420777123012"],
        Verdict::Suppressed {
            phone: phone(12),
            cause: Suppression::Listed {
                reason: "asked".to_owned(),
            },
        },
    ));
    rows
}

/// A checkpoint whose batch `spring` has rows in every state.
pub(crate) fn every_state() -> Place {
    let place = Place {
        folder: crate::support::Scratch::new(),
    };
    let store = Arc::new(Store::open(&place.db()).unwrap());
    let id = store
        .create_batch(NewBatch {
            digest: [7; 32],
            headers: ["name", "phone", "note"].map(str::to_owned).to_vec(),
            files: vec!["contacts.csv".to_owned()],
            ..new_batch("spring", CHANNEL, now())
        })
        .unwrap();
    let mut loader = store.loader(id, CHANNEL, now());
    for row in rows() {
        loader
            .push(row, |first| format!("row {}", first.row))
            .unwrap();
    }
    loader.finish().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(send(&store, &place.batch()));
    place
}

async fn send(store: &Arc<Store>, batch: &Batch) {
    let journal = start_journal(store, batch, HistorySpan::default(), now()).await;
    let ends = [
        (AttemptOutcome::Sent, Event::Accepted, 201, ""),
        (
            AttemptOutcome::NoMessenger,
            Event::NoMatch,
            422,
            "no user +420777123003",
        ),
        (
            AttemptOutcome::Rejected,
            Event::Refused,
            422,
            "=bad content",
        ),
        (
            AttemptOutcome::Undecided,
            Event::AnswerLost,
            502,
            "bad gateway",
        ),
        (AttemptOutcome::Undecided, Event::AnswerLost, 0, "timed out"),
    ];
    for end in ends {
        let claimed = claim(&journal).await;
        journal
            .settle_and_claim(Some(settlement(&claimed, end)), None)
            .await
            .unwrap();
    }
    // Row 7 stays under way; row 8 stays queued.
    claim(&journal).await;
}

async fn claim(journal: &Journal) -> Claimed {
    match journal.settle_and_claim(None, Some(now())).await.unwrap() {
        (_, Some(Claim::Claimed(claimed))) => *claimed,
        other => panic!("{other:?}"),
    }
}

fn settlement(
    claimed: &Claimed,
    (outcome, event, status, text): (AttemptOutcome, Event, u16, &str),
) -> Settlement {
    Settlement {
        why: "",
        known: None,
        by_text: false,
        recipient: claimed.recipient,
        outcome,
        event,
        http_status: (status > 0).then_some(status),
        text: text.to_owned(),
        receipt: (outcome == AttemptOutcome::Sent).then(|| Receipt {
            message_id: Some("9007199254740993".to_owned()),
            contact_id: Some("4002".to_owned()),
            channel_type: None,
            ..Receipt::default()
        }),
        at: "2026-05-01T10:00:01.5Z".parse().unwrap(),
    }
}

/// The cells of a CSV file, its header first.
pub(crate) fn cells(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_path(path)
        .unwrap();
    reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}
