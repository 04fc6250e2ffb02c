//! The check of a whole checkpoint: SQLite's own, and of our counts against the rows.

use std::collections::BTreeMap;

use rusqlite::OpenFlags;
use serde::{Deserialize, Serialize};

use super::checkpoint::{Reader, Store};
use super::columns::{from_json, to_json};
use super::error::StoreError;
use super::file::connect;
use super::home::FOUND_SOUND;
use super::ids::BatchId;
use super::node;
use super::query::Query as _;
use super::{log, schema};
use crate::domain::delivery::State;

/// The most pages of a checkpoint that is checked whole, indexes against rows, before a batch is sent: a few seconds.
const LARGE: i64 = 16_384;

/// When a large checkpoint was found sound, in which start of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FoundSound {
    /// When, in milliseconds since 1970.
    pub(crate) at: i64,
    /// Names that start of the machine, where it is known.
    pub(crate) boot: Option<String>,
}

/// How much is checked before a batch is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// All of a small file, indexes against rows too.
    Whole,
    /// All of a large file, but for whether each index has all rows.
    Pages,
    /// The rows of the batch.
    Batch,
}

impl Reader {
    /// SQLite's own check of the whole file, and of our counts against the rows: each line is a
    /// fault, none means sound.
    ///
    /// # Errors
    /// [`StoreError`] if the check itself fails.
    pub fn integrity_faults(&self) -> Result<Vec<String>, StoreError> {
        // As of one moment: beside a batch that is being sent, counts and rows of two moments do not agree.
        self.begin_read_transaction()?;
        let faults = self.faults();
        self.connection.execute_batch("COMMIT")?;
        faults
    }

    /// Whether the file is too large to be checked whole before each run.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn is_large(&self) -> Result<bool, StoreError> {
        let pages: i64 = self
            .connection
            .pragma_query_value(None, "page_count", |row| row.get(0))?;
        Ok(pages > LARGE)
    }

    /// When this large file was last found sound; `None` if it never was, here. Notes that cannot be read are none.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn found_sound(&self) -> Result<Option<FoundSound>, StoreError> {
        let note: Option<String> = node::get(&self.connection, FOUND_SOUND)?;
        Ok(note.and_then(|json| from_json(&json).ok()))
    }

    /// The check before the batch is sent: SQLite's own, as deep as that; and the counts of this batch against its
    /// rows.
    ///
    /// # Errors
    /// [`StoreError`] if the check itself fails.
    pub(crate) fn faults_before(
        &self,
        batch: BatchId,
        depth: Depth,
    ) -> Result<Vec<String>, StoreError> {
        self.begin_read_transaction()?;
        let mut faults = match depth {
            Depth::Whole => self.sqlite_faults("PRAGMA integrity_check")?,
            Depth::Pages => self.quick_faults()?,
            Depth::Batch => Vec::new(),
        };
        if faults.is_empty() {
            self.wrong_counts_of(batch, &mut faults)?;
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(faults)
    }

    /// What SQLite's quick check finds.
    pub(super) fn quick_faults(&self) -> Result<Vec<String>, StoreError> {
        self.sqlite_faults("PRAGMA quick_check")
    }

    fn sqlite_faults(&self, check: &str) -> Result<Vec<String>, StoreError> {
        let mut check = self.connection.prepare(check)?;
        let lines = check.query_map([], |row| row.get::<_, String>(0))?;
        // The check itself may end at a page that cannot be read: that is a fault as well.
        let mut faults: Vec<String> = lines
            .map(|line| line.unwrap_or_else(|error| error.to_string()))
            .collect();
        faults.retain(|line| line != "ok");
        Ok(faults)
    }

    fn faults(&self) -> Result<Vec<String>, StoreError> {
        let mut faults = self.sqlite_faults("PRAGMA integrity_check")?;
        if !faults.is_empty() {
            return Ok(faults);
        }
        self.wrong_counts(&mut faults)?;
        for (sql, text) in LAWS {
            let broken: i64 = self.connection.value(sql, [])?;
            if broken > 0 {
                faults.push(format!("{broken} {text}"));
            }
        }
        Ok(faults)
    }

    fn wrong_counts(&self, faults: &mut Vec<String>) -> Result<(), StoreError> {
        let ids = self
            .connection
            .list("SELECT id FROM batch ORDER BY id", [])?;
        for batch in ids {
            self.wrong_counts_of(batch, faults)?;
        }
        Ok(())
    }

    fn wrong_counts_of(&self, batch: BatchId, faults: &mut Vec<String>) -> Result<(), StoreError> {
        let counts = self.counts(batch)?;
        let mut rows = BTreeMap::new();
        self.connection.visit(
            "SELECT state FROM recipient WHERE id > ?1 AND id < ?2",
            batch.range(),
            |row| Ok(row.get(0)?),
            |state: State| -> Result<(), StoreError> {
                *rows.entry(state).or_insert(0) += 1;
                Ok(())
            },
        )?;
        for state in State::ALL {
            let rows = rows.get(&state).copied().unwrap_or(0);
            if rows != counts.of(state) {
                faults.push(format!(
                    "batch {}: {rows} rows are `{state}`, {} were counted",
                    batch.get(),
                    counts.of(state)
                ));
            }
        }
        Ok(())
    }
}

/// What must be true of every checkpoint: a count that is zero if it is, and its name.
const LAWS: [(&str, &str); 4] = [
    (
        "SELECT count(*) FROM recipient r
         WHERE r.state = 'sending'
               AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.recipient = r.id AND a.outcome IS NULL)",
        "rows are under way without a request",
    ),
    (
        "SELECT count(*) FROM person p LEFT JOIN person_by_number n ON n.number = p.number
         WHERE p.number IS NOT NULL AND n.person IS NOT p.id
               AND NOT EXISTS (SELECT 1 FROM recipient r JOIN batch b ON b.id = r.id >> 32
                               WHERE r.person = p.id AND b.state = 'reading')",
        "people cannot be found by their number",
    ),
    (
        "SELECT count(*) FROM person_by_number n LEFT JOIN person p ON p.id = n.person
         WHERE p.number IS NOT n.number",
        "numbers lead to another person",
    ),
    (
        "SELECT count(*) FROM recipient WHERE state = 'queued' AND person IS NULL",
        "queued rows have nobody to send to",
    ),
];

impl Store {
    /// This large checkpoint was found sound.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn note_found_sound(&self, found: &FoundSound) -> Result<(), StoreError> {
        let note = to_json(found)?;
        self.writer.write_blocking(move |tx| {
            tx.bookkeeping = true;
            node::set(tx.connection, FOUND_SOUND, &note)
        })
    }

    /// The length of the log, if it is long and a reader keeps it from being cut.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn held_log(&self) -> Result<Option<u64>, StoreError> {
        let connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(log::PATIENCE)?;
        // The connection knows its file only once it has read.
        schema::version(&connection)?;
        let Some(long) = connection
            .path()
            .map(log::log_path)
            .as_deref()
            .and_then(log::length)
            .filter(|length| *length > log::LONG)
        else {
            return Ok(None);
        };
        Ok((!log::begin_anew(&connection)?).then_some(long))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::transaction::Tx;
    use super::*;

    fn write(store: &Store, bytes: i64) {
        let insert = move |tx: &mut Tx<'_>| {
            tx.connection.execute(
                "INSERT INTO decision (at, actor, what, detail) VALUES (1, 'a', 'b', hex(zeroblob(?1)))",
                [bytes / 2],
            )?;
            Ok(())
        };
        store.writer.write_blocking(insert).unwrap();
    }

    #[test]
    fn a_log_that_a_reader_held_is_cut_when_the_reader_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outreach.db");
        let store = Store::open(&path).unwrap();
        write(&store, 1 << 20);
        let reader = Reader::open(&path).unwrap();
        reader.connection.execute_batch("BEGIN").unwrap();
        let batches = || reader.batches().unwrap().len();
        assert_eq!(batches(), 0, "the reader looks at this moment");
        for _ in 0..6 {
            write(&store, 8 << 20);
        }
        let log = log::log_path(path.to_str().unwrap());
        let held = store.held_log().unwrap();
        assert_eq!(held, log::length(&log));
        assert!(held.unwrap() > log::LONG);

        reader.connection.execute_batch("COMMIT").unwrap();
        // The writer tries to cut the log too, after its last answer: it may be at that for a moment.
        let begin = Instant::now();
        while store.held_log().unwrap().is_some() {
            assert!(begin.elapsed() < Duration::from_mins(1), "nobody holds it");
        }
        write(&store, 1 << 20);
        assert!(
            log::length(&log).unwrap() <= log::LONG,
            "the next commit cuts it"
        );
        assert_eq!(batches(), 0);
    }
}
