//! Processes that write take turns. A process that stores events, lists or erasures leaves the checkpoint free for a
//! while after each commit, once another process writes as well: that one may be sending, and must hardly wait. A
//! process that sends leaves no such gaps: its commits are short.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::error::StoreError;
use super::query::Query as _;

/// How long the checkpoint is left free, as a multiple of the time that the commit took.
const SHARE: u32 = 2;

/// The longest time for which it is left free.
const LONGEST: Duration = Duration::from_millis(100);

/// When this process writes again.
#[derive(Debug, Default)]
pub(super) struct Turns {
    sending: bool,
    /// SQLite's count of what other connections committed.
    others: Option<i64>,
    free_until: Option<Instant>,
}

impl Turns {
    /// Leaves the others their turn.
    pub(super) fn wait(&mut self) {
        let left = self
            .free_until
            .take()
            .map(|until| until.saturating_duration_since(Instant::now()));
        if let Some(left) = left {
            std::thread::sleep(left);
        }
    }

    /// Whether this process sends a batch from now on.
    pub(super) fn set_sending(&mut self, sending: bool) {
        self.sending = sending;
    }

    /// A commit that took so long is done. Where it cannot be read whether others write, no gap is left.
    pub(super) fn committed(&mut self, connection: &Connection, took: Duration) {
        if self.sending {
            // No gap; and since the others were not asked about here, nothing is known of them later.
            (self.others, self.free_until) = (None, None);
            return;
        }
        match commits_of_others(connection) {
            Ok(others) => {
                let before = self.others.replace(others);
                let is_alone = before.is_none_or(|before| before == others);
                self.free_until = gap(is_alone, took).map(|gap| Instant::now() + gap);
            }
            Err(error) => tracing::debug!("whether other processes write is not known: {error}"),
        }
    }
}

fn commits_of_others(connection: &Connection) -> Result<i64, StoreError> {
    connection.value("PRAGMA data_version", [])
}

/// How long the checkpoint is left free.
fn gap(is_alone: bool, took: Duration) -> Option<Duration> {
    (!is_alone).then(|| (took * SHARE).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_does_not_send_leaves_a_gap_once_another_one_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (ours, theirs) = (
            Connection::open(&path).unwrap(),
            Connection::open(&path).unwrap(),
        );
        ours.execute_batch("CREATE TABLE t (a)").unwrap();
        let mut turns = Turns::default();
        let took = Duration::from_millis(1);
        let leaves_gap = |turns: &mut Turns| {
            turns.committed(&ours, took);
            turns.free_until.is_some()
        };
        assert!(!leaves_gap(&mut turns), "nothing is known of others");
        ours.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        assert!(!leaves_gap(&mut turns), "our own commits do not count");
        theirs.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert!(leaves_gap(&mut turns));
        assert!(!leaves_gap(&mut turns), "they are done");
        theirs.execute_batch("INSERT INTO t VALUES (3)").unwrap();
        turns.set_sending(true);
        assert!(!leaves_gap(&mut turns), "who sends goes on");
    }

    #[test]
    fn the_gap_is_twice_the_commit_and_bounded() {
        let millis = Duration::from_millis;
        assert_eq!(gap(false, millis(3)), Some(millis(6)));
        assert_eq!(gap(false, millis(300)), Some(LONGEST));
    }
}
