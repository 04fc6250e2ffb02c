//! The check of a whole checkpoint: SQLite's own, and of our counts against the rows.

use super::checkpoint::Reader;
use super::error::StoreError;
use crate::domain::delivery::State;

impl Reader {
    /// SQLite's own check of the whole file, and of our counts against the rows: each line is a
    /// fault, none means sound.
    ///
    /// # Errors
    /// [`StoreError`] if the check itself fails.
    pub fn integrity_faults(&self) -> Result<Vec<String>, StoreError> {
        let mut check = self.connection.prepare("PRAGMA integrity_check")?;
        let lines = check.query_map([], |row| row.get::<_, String>(0))?;
        let mut faults: Vec<String> = lines.collect::<Result<_, _>>()?;
        faults.retain(|line| line != "ok");
        self.wrong_counts(&mut faults)?;
        for (sql, text) in LAWS {
            let broken: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
            if broken > 0 {
                faults.push(format!("{broken} {text}"));
            }
        }
        Ok(faults)
    }

    fn wrong_counts(&self, faults: &mut Vec<String>) -> Result<(), StoreError> {
        let mut counted = self.connection.prepare(
            "SELECT count(*) FROM recipient WHERE id > ?1 << 32 AND id < (?1 + 1) << 32 AND state = ?2",
        )?;
        let mut ids = self
            .connection
            .prepare("SELECT id FROM batch ORDER BY id")?;
        let ids: Vec<super::ids::BatchId> = ids
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for batch in ids {
            let counts = self.counts(batch)?;
            for state in State::ALL {
                let rows: i64 = counted.query_row((batch, state.word()), |row| row.get(0))?;
                let rows = u64::try_from(rows).unwrap_or(0);
                if rows != counts.of(state) {
                    faults.push(format!(
                        "batch {}: {rows} rows are `{state}`, {} were counted",
                        batch.get(),
                        counts.of(state)
                    ));
                }
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
