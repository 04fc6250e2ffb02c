//! What was on disk must be there when it is read again.
//!
//! A copy that is written into the checkpoint's own file (`cp old.db outreach.db`) changes neither its name nor its
//! inode, and nothing but SQLite may open the file in this process. But no request is ever removed: where one that was
//! there is missing, for a connection that has read nothing before, the file was written over.

use super::checkpoint::{Reader, Store};
use super::columns::to_json;
use super::error::StoreError;
use super::query::Query as _;

/// The most requests that are remembered; beyond it every second one is forgotten.
const MOST: usize = 64;

/// Requests that were there, the latest of each check.
#[derive(Debug, Default)]
pub(crate) struct Seen(Vec<i64>);

impl Seen {
    /// Checks with a new connection that they are there, and remembers the latest request.
    ///
    /// # Errors
    /// [`StoreError::LostCompanion`] if its log or the index of that is gone, [`StoreError::Corrupt`] if a request is
    /// missing, else the error that shows that this is not the checkpoint any more. That the checkpoint cannot be opened
    /// just now (no file descriptor is left, another program holds it) is no error.
    pub(crate) fn check(&mut self, store: &Store) -> Result<(), StoreError> {
        if let (true, Some(path)) = (store.is_in_place(), store.lost_log_file()) {
            return Err(StoreError::LostCompanion {
                path: path.to_owned(),
            });
        }
        match self.compare(store) {
            Err(error) if !error.is_damage() => Ok(()),
            compared => compared,
        }
    }

    fn compare(&mut self, store: &Store) -> Result<(), StoreError> {
        let reader = Reader::open(store.path())?;
        let (missing, latest): (i64, Option<i64>) = reader.connection.row(
            "SELECT (SELECT count(*) FROM json_each(?1) s LEFT JOIN attempt a ON a.id = s.value
                     WHERE a.id IS NULL),
                    (SELECT max(id) FROM attempt)",
            [to_json(&self.0)?],
        )?;
        if missing > 0 {
            return Err(StoreError::Corrupt {
                detail: "requests that were on disk are missing: another file, or an older copy, was written into it"
                    .to_owned(),
            });
        }
        if self.0.len() >= MOST {
            let mut keep = false;
            self.0.retain(|_| {
                keep = !keep;
                keep
            });
        }
        if self.0.last().copied() != latest {
            self.0.extend(latest);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_was_there_and_is_missing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let write = |sql: String| {
            let done = store
                .writer
                .write_blocking(move |tx| Ok(tx.connection.execute(&sql, [])?));
            done.unwrap();
        };
        let mut seen = Seen::default();
        seen.check(&store).unwrap();
        for id in 1..=200 {
            write(format!(
                "INSERT INTO attempt (id, recipient, channel, kind, started_at) VALUES ({id}, 0, 0, 'lookup', 1)"
            ));
            seen.check(&store).unwrap();
        }
        assert!(seen.0.len() <= MOST && seen.0.contains(&200), "{seen:?}");
        write("DELETE FROM attempt WHERE id BETWEEN 50 AND 150".to_owned());
        let error = seen.check(&store).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
}
