//! The checkpoint, read through the library.

use std::collections::BTreeMap;
use std::path::Path;

use outreach::internals::domain::delivery::State;
use outreach::internals::store::{AttemptRecord, Batch, Counts, Reader, StoreError};

use super::sandbox::SandboxProcess;

/// A recipient as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// As a spreadsheet numbers it.
    pub(crate) at: u32,
    pub(crate) number: Option<u64>,
    pub(crate) state: State,
    pub(crate) attempts: u32,
    pub(crate) reason_code: Option<String>,
    pub(crate) reason: Option<String>,
}

pub(crate) struct Checkpoint {
    pub(crate) reader: Reader,
}

impl Checkpoint {
    pub(crate) fn open(path: &Path) -> Self {
        Self {
            reader: Reader::open(path).expect("the checkpoint opens"),
        }
    }

    pub(crate) fn batch(&self, name: &str) -> Batch {
        self.reader.batch(name).expect("the batch")
    }

    /// What names a recipient in the metadata of its message.
    pub(crate) fn recipient_key(&self, batch: &str, seq: u32) -> String {
        let uid = self.reader.uid().expect("the checkpoint's id");
        format!("{uid}.{}.{seq}", self.batch(batch).uid)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts_of("list")
    }

    pub(crate) fn counts_of(&self, batch: &str) -> Counts {
        self.reader
            .counts(self.batch(batch).id)
            .expect("the counts")
    }

    /// The quota of a window, as it was last told to the one token.
    pub(crate) fn quota_limit(&self) -> Option<u64> {
        let metrics = self.reader.metrics().expect("the figures");
        metrics.quotas.first().and_then(|(_, quota)| quota.limit)
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        self.rows_of("list")
    }

    pub(crate) fn rows_of(&self, batch: &str) -> Vec<Row> {
        let mut rows = Vec::new();
        self.reader
            .rows(self.batch(batch).id, |row| {
                rows.push(Row {
                    at: row.row,
                    number: row
                        .phone
                        .map(outreach::internals::domain::phone::PhoneNumber::get),
                    state: row.state,
                    attempts: row.attempts,
                    reason_code: row.reason_code.map(str::to_owned),
                    reason: row.reason.map(str::to_owned),
                });
                Ok::<_, StoreError>(())
            })
            .expect("the rows");
        rows
    }

    pub(crate) fn states(&self) -> BTreeMap<u64, State> {
        self.rows()
            .into_iter()
            .filter_map(|row| Some((row.number?, row.state)))
            .collect()
    }

    /// The requests for one row of the batch `list`.
    pub(crate) fn attempts(&self, row: u32) -> Vec<AttemptRecord> {
        let batch = self.batch("list");
        let mut stories = self.reader.timelines(batch.id, row).expect("the story");
        stories
            .pop()
            .map(|story| story.attempts)
            .unwrap_or_default()
    }

    /// The file is sound, and the counts are those of the rows.
    #[track_caller]
    pub(crate) fn expect_sound(&self) {
        let faults = self.reader.integrity_faults().expect("the check");
        assert!(faults.is_empty(), "{faults:?}");
    }

    /// What must hold at any moment: nobody was messaged twice; whoever was messaged is `sent`,
    /// `unknown` or on its way, and nobody is called `sent` who was not; no row is lost.
    #[track_caller]
    pub(crate) fn expect_true_to(&self, sandbox: &SandboxProcess, rows: usize) {
        self.expect_sound();
        let accepted = sandbox.accepted();
        let twice: Vec<_> = accepted.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "messaged twice: {twice:?}");
        let found = self.rows();
        assert_eq!(found.len(), rows, "rows in = rows out");
        for row in found {
            let messaged = row.number.is_some_and(|n| accepted.contains_key(&n));
            if messaged {
                assert!(row.state.counts_as_messaged(), "was messaged: {row:?}");
            } else {
                assert_ne!(row.state, State::Sent, "was not messaged: {row:?}");
            }
        }
    }
}
