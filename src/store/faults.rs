//! The check of a whole checkpoint: SQLite's own, and of our counts against the rows.

use rusqlite::OpenFlags;

use super::checkpoint::{Reader, Store};
use super::error::StoreError;
use super::file::connect;
use super::ids::BatchId;
use super::query::Query as _;
use super::{log, schema};
use crate::domain::delivery::State;

/// So many pages are checked whole, indexes against rows, before a batch is sent: a few seconds.
const LARGE: i64 = 16_384;

impl Reader {
    /// SQLite's own check of the whole file, and of our counts against the rows: each line is a
    /// fault, none means sound.
    ///
    /// # Errors
    /// [`StoreError`] if the check itself fails.
    pub fn integrity_faults(&self) -> Result<Vec<String>, StoreError> {
        // As of one moment: beside a batch that is being sent, counts and rows of two moments do not agree.
        self.look_anew()?;
        let faults = self.faults();
        self.connection.execute_batch("COMMIT")?;
        faults
    }

    /// The check before the batch is sent: SQLite's own, which for a large file leaves out whether each index
    /// has all rows; and the counts of this batch against its rows.
    ///
    /// # Errors
    /// [`StoreError`] if the check itself fails.
    pub(crate) fn faults_before(&self, batch: BatchId) -> Result<Vec<String>, StoreError> {
        self.look_anew()?;
        let pages: i64 = self
            .connection
            .pragma_query_value(None, "page_count", |row| row.get(0))?;
        let mut faults = self.sqlite_faults(if pages > LARGE {
            "PRAGMA quick_check"
        } else {
            "PRAGMA integrity_check"
        })?;
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
        for state in State::ALL {
            let rows = self.connection.count(
                "SELECT count(*) FROM recipient WHERE id > ?1 << 32 AND id < (?1 + 1) << 32 AND state = ?2",
                (batch, state.word()),
            )?;
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
    use super::super::writer::Tx;
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
        // The writer has ended its own try to cut the log, which follows its answer.
        store.writer.write_blocking(|_| Ok(())).unwrap();
        let log = log::log_path(path.to_str().unwrap());
        let held = store.held_log().unwrap();
        assert_eq!(held, log::length(&log));
        assert!(held.unwrap() > log::LONG);

        reader.connection.execute_batch("COMMIT").unwrap();
        assert_eq!(store.held_log().unwrap(), None, "nobody holds it");
        write(&store, 1 << 20);
        assert!(
            log::length(&log).unwrap() <= log::LONG,
            "the next commit cuts it"
        );
        assert_eq!(batches(), 0);
    }
}
