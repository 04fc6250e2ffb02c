//! The log on PostgreSQL: one row for a record, its number the primary key.

use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::access::Access;
use super::connection::{ANSWER, Connection, Failure, LONG, Param};
use super::entry::{Entry, Hash, hash};
use super::log::{About, Append, Digests, Lease, LogError, NodeRow, Parts, Read, Size, Snapshot};
use super::{kept, members};

/// The most records that are read at once.
const AT_ONCE: i64 = 64;

/// How many records before a new one must be there. Records that went while one was being appended left a hole behind it.
const LOOKED_BACK: i64 = 16;

/// The log of one checkpoint, with compare-and-append, leases and a snapshot. Every call may block for some seconds.
pub(crate) struct Postgres {
    connection: Connection,
    /// The engine that records may be appended to.
    trusted: Option<String>,
}

impl Postgres {
    /// Connects with the first call that needs the engine.
    ///
    /// # Errors
    /// [`LogError`] if this machine gives no runtime.
    pub(crate) fn new(access: Access) -> Result<Self, LogError> {
        Ok(Self {
            connection: Connection::new(access)?,
            trusted: None,
        })
    }

    fn access(&self) -> &Access {
        self.connection.access()
    }
}

fn put_first(
    log: &mut Connection,
    first: &Entry,
    snapshot: &Snapshot,
    parts: Parts<'_>,
) -> Result<(), LogError> {
    kept::put_parts(log, snapshot, parts)?;
    let (hash, body): (&[u8], &[u8]) = (&first.hash, &first.body);
    let params: [Param<'_>; 3] = [
        (&first.seq, Type::INT8),
        (&hash, Type::BYTEA),
        (&body, Type::BYTEA),
    ];
    let sql = "INSERT INTO $$.log (seq, hash, body) VALUES ($1, $2, $3)";
    log.rows(sql, &params, ANSWER).map(drop)
}

/// How long the answer to an append is waited for: longer for a large record, at a megabyte a second.
fn within(bytes: usize) -> Duration {
    ANSWER + Duration::from_millis(bytes as u64 / 1000)
}

/// What a log consists of.
const TABLES: [&str; 8] = [
    "CREATE SCHEMA IF NOT EXISTS $$",
    "CREATE TABLE $$.about (id text NOT NULL)",
    "CREATE TABLE $$.log (
        seq bigint PRIMARY KEY, hash bytea NOT NULL, body bytea NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp())",
    "CREATE TABLE $$.snapshot (seq bigint PRIMARY KEY, hash bytea NOT NULL, digest bytea NOT NULL)",
    "CREATE TABLE $$.snapshot_part (seq bigint, part int, body bytea NOT NULL, PRIMARY KEY (seq, part))",
    "CREATE TABLE $$.lease (
        name text PRIMARY KEY, node text NOT NULL, pid text NOT NULL, machine text NOT NULL,
        place text NOT NULL, since text NOT NULL, until timestamptz NOT NULL)",
    "CREATE TABLE $$.node (
        node text PRIMARY KEY, pid text NOT NULL, machine text NOT NULL, place text NOT NULL,
        applied bigint NOT NULL, seen timestamptz NOT NULL, clock float8 NOT NULL)",
    "CREATE TABLE $$.digest (
        seq bigint, place text, machine text NOT NULL, path text NOT NULL, tables text NOT NULL,
        PRIMARY KEY (seq, place))",
];

impl Postgres {
    /// Begins the log with this record and this snapshot; fails if there is one. `id` is random.
    pub(crate) fn begin(
        &mut self,
        id: &str,
        first: &Entry,
        snapshot: &Snapshot,
        parts: Parts<'_>,
    ) -> Result<(), LogError> {
        if self.id()?.is_some() {
            return Err(LogError::Refused(format!(
                "{} holds a checkpoint already; name another one with # after the address",
                self.access()
            )));
        }
        self.connection.in_transaction(|log| {
            for table in TABLES {
                log.rows(table, &[], ANSWER)?;
            }
            put_first(log, first, snapshot, parts)?;
            let sql = "INSERT INTO $$.about (id) VALUES ($1)";
            log.rows(sql, &[(&id, Type::TEXT)], ANSWER).map(drop)
        })
    }

    /// Puts this record and this snapshot in place of all that the log holds.
    pub(crate) fn begin_anew(
        &mut self,
        first: &Entry,
        snapshot: &Snapshot,
        parts: Parts<'_>,
    ) -> Result<(), LogError> {
        self.connection.in_transaction(|log| {
            for table in ["log", "snapshot", "snapshot_part", "digest", "lease"] {
                log.rows(&format!("DELETE FROM $$.{table}"), &[], LONG)?;
            }
            put_first(log, first, snapshot, parts)
        })
    }

    /// Which log it is; `None` if there is none.
    pub(crate) fn id(&mut self) -> Result<Option<String>, LogError> {
        let is_there =
            self.connection
                .rows("SELECT to_regclass('$$.about') IS NOT NULL", &[], ANSWER)?;
        if !is_there.first().is_some_and(|row| row.get(0)) {
            return Ok(None);
        }
        let rows = self
            .connection
            .rows("SELECT id FROM $$.about", &[], ANSWER)?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    /// Which engine answers, for as long as the connection lasts: it changes with a failover and with another server.
    pub(crate) fn engine(&mut self) -> Result<String, LogError> {
        self.connection.engine()
    }

    /// Records may be appended to this engine from now on.
    pub(crate) fn trust(&mut self, engine: &str) {
        self.trusted = Some(engine.to_owned());
    }

    /// Appends the record if the last one is the one before it, with the hash `before`. It gives way to another node
    /// that has taken a turn.
    pub(crate) fn append(&mut self, node: &str, before: &Hash, entry: &Entry) -> Append {
        match self.engine() {
            Ok(engine) if Some(&engine) == self.trusted.as_ref() => {}
            Ok(_) => return Append::Moved,
            Err(error) => return Append::Doubt(error),
        }
        let (before, chained, body): (&[u8], &[u8], &[u8]) = (before, &entry.hash, &entry.body);
        let sql = "
            WITH durable AS MATERIALIZED (SELECT set_config('synchronous_commit', 'on', true)),
                 turn AS MATERIALIZED
                     (SELECT NOT EXISTS (SELECT 1 FROM $$.lease WHERE name = '' AND node <> $5
                                         AND until > clock_timestamp()) AS is_free),
                 fits AS MATERIALIZED
                     (SELECT EXISTS (SELECT 1 FROM $$.log WHERE seq = $1 - 1 AND hash = $2)
                             AND (SELECT count(*) FROM $$.log WHERE seq BETWEEN $1 - $6 AND $1 - 1)
                               = least($6, $1 - (SELECT max(seq) FROM $$.snapshot)) AS is_last),
                 done AS (INSERT INTO $$.log (seq, hash, body)
                          SELECT $1, $3, $4 FROM turn, fits WHERE is_free AND is_last RETURNING 1)
            SELECT is_free, is_last, EXISTS (SELECT 1 FROM done) FROM turn, fits, durable";
        let params: [Param<'_>; 6] = [
            (&entry.seq, Type::INT8),
            (&before, Type::BYTEA),
            (&chained, Type::BYTEA),
            (&body, Type::BYTEA),
            (&node, Type::TEXT),
            (&LOOKED_BACK, Type::INT8),
        ];
        // Where a pooler stands between, what was set for the session may be another's: so it is set here.
        let answer = self.connection.ask(sql, &params, within(entry.body.len()));
        let row = match answer {
            Ok(rows) => rows.into_iter().next(),
            Err(Failure::Asked(error, _)) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                return Append::Taken;
            }
            Err(failure) => return Append::Doubt(failure.into_error()),
        };
        let said = row.and_then(|row| {
            Some((
                row.try_get::<_, bool>(0).ok()?,
                row.try_get::<_, bool>(1).ok()?,
                row.try_get::<_, bool>(2).ok()?,
            ))
        });
        match said {
            // Only the primary has it, as the warning says.
            Some((_, _, true)) if self.connection.was_warned() => Append::Doubt(LogError::Away(
                format!("{} stopped waiting for its standby", self.access()),
            )),
            Some((_, _, true)) => Append::Done,
            Some((_, false, false)) => Append::Broken,
            Some((false, true, false)) => Append::Turn,
            Some((true, true, false)) | None => Append::Doubt(self.connection.silent()),
        }
    }

    /// A record that was found after a doubt is durable once this returns: one more write that the engine confirms.
    pub(crate) fn confirm(&mut self) -> Result<(), LogError> {
        let sql = "INSERT INTO $$.node AS beat (node, pid, machine, place, applied, seen, clock)
             VALUES ('', '', '', '', 0, '-infinity', 0)
             ON CONFLICT (node) DO UPDATE SET applied = beat.applied + 1
             RETURNING set_config('synchronous_commit', 'on', true)";
        self.connection.rows(sql, &[], ANSWER)?;
        if self.connection.was_warned() {
            return Err(LogError::Away(format!(
                "{} stopped waiting for its standby",
                self.access()
            )));
        }
        Ok(())
    }

    /// Reads on from a position whose record has the hash.
    pub(crate) fn read(&mut self, after: i64, at: &Hash) -> Result<Read, LogError> {
        let sql = "SELECT seq, hash, CASE WHEN seq > $1 THEN body ELSE '' END FROM $$.log
                   WHERE seq >= $1 ORDER BY seq LIMIT $2";
        let params: [Param<'_>; 2] = [(&after, Type::INT8), (&AT_ONCE, Type::INT8)];
        let rows = self.connection.rows(sql, &params, LONG)?;
        let mut entries = rows.into_iter().map(|row| Entry {
            seq: row.get(0),
            hash: hash(row.get(1)),
            body: row.get(2),
        });
        match entries.next() {
            Some(own) if own.seq == after && own.hash == *at => {
                Ok(Read::Entries(entries.collect()))
            }
            Some(own) if own.seq == after => Ok(Read::Broken(format!(
                "record {after} of the log is another one than this node knows"
            ))),
            Some(_) if self.snapshot()?.is_some_and(|it| it.seq > after) => Ok(Read::Cut),
            Some(_) => Ok(Read::Broken(format!(
                "record {after} of the log was removed, and those after it are there"
            ))),
            None => {
                let last = self.last()?.map_or(0, |(last, _)| last);
                Ok(Read::Broken(format!(
                    "the log ends at record {last}, and this node knows {after} of them"
                )))
            }
        }
    }

    /// The place of the last record and its hash; `None` if there is no log.
    pub(crate) fn last(&mut self) -> Result<Option<(i64, Hash)>, LogError> {
        let sql = "SELECT seq, hash FROM $$.log ORDER BY seq DESC LIMIT 1";
        let rows = self.connection.rows(sql, &[], ANSWER)?;
        Ok(rows.first().map(|row| (row.get(0), hash(row.get(1)))))
    }

    /// Takes a turn: until it ends, for a second at the most, the others do not append. False if another has it.
    pub(crate) fn take_turn(&mut self, node: &str) -> Result<bool, LogError> {
        members::take_turn(&mut self.connection, node)
    }

    /// Ends the turn.
    pub(crate) fn end_turn(&mut self, node: &str) -> Result<(), LogError> {
        self.release(members::TURN, node)
    }

    /// Takes or prolongs a lease. `Some`: another node holds it.
    pub(crate) fn lease(&mut self, lease: &Lease) -> Result<Option<Lease>, LogError> {
        members::lease(&mut self.connection, lease)
    }

    /// Gives a lease back.
    pub(crate) fn release(&mut self, name: &str, node: &str) -> Result<(), LogError> {
        members::release(&mut self.connection, name, node)
    }

    /// The leases that hold.
    pub(crate) fn leases(&mut self) -> Result<Vec<Lease>, LogError> {
        members::leases(&mut self.connection)
    }

    /// Enters that a node lives, and how far it has come.
    pub(crate) fn see(&mut self, node: &NodeRow) -> Result<(), LogError> {
        members::see(&mut self.connection, node)
    }

    /// Removes a node that has ended.
    pub(crate) fn unsee(&mut self, node: &str) -> Result<(), LogError> {
        members::unsee(&mut self.connection, node)
    }

    /// The nodes that were seen in the last day.
    pub(crate) fn nodes(&mut self) -> Result<Vec<NodeRow>, LogError> {
        members::nodes(&mut self.connection)
    }

    /// The newest snapshot; `None` if there is no log.
    pub(crate) fn snapshot(&mut self) -> Result<Option<Snapshot>, LogError> {
        if self.id()?.is_none() {
            return Ok(None);
        }
        kept::snapshot(&mut self.connection)
    }

    /// A part of the snapshot at the position; `None` behind the last.
    pub(crate) fn snapshot_part(
        &mut self,
        seq: i64,
        part: i32,
    ) -> Result<Option<Vec<u8>>, LogError> {
        kept::snapshot_part(&mut self.connection, seq, part)
    }

    /// Puts a snapshot in place of the one before, and cuts the log before its position.
    pub(crate) fn put_snapshot(
        &mut self,
        snapshot: &Snapshot,
        parts: Parts<'_>,
    ) -> Result<(), LogError> {
        kept::put_snapshot(&mut self.connection, snapshot, parts)
    }

    /// How much the log holds.
    pub(crate) fn size(&mut self) -> Result<Size, LogError> {
        kept::size(&mut self.connection)
    }

    /// Writes the digests of a node; those at earlier records go.
    pub(crate) fn put_digests(&mut self, digests: &Digests) -> Result<(), LogError> {
        kept::put_digests(&mut self.connection, digests)
    }

    /// The digests that nodes wrote at the record.
    pub(crate) fn digests(&mut self, seq: i64) -> Result<Vec<Digests>, LogError> {
        kept::digests(&mut self.connection, seq)
    }

    /// The first record whose hash does not fit, checked by the engine over the whole log.
    pub(crate) fn first_fault(&mut self) -> Result<Option<i64>, LogError> {
        let sql = "SELECT seq FROM (
                       SELECT seq, hash, body, lag(hash) OVER (ORDER BY seq) AS before,
                              lag(seq) OVER (ORDER BY seq) AS previous FROM $$.log) AS chain
                   WHERE before IS NOT NULL
                         AND (previous <> seq - 1 OR hash <> sha256(before || int8send(seq) || body))
                   ORDER BY seq LIMIT 1";
        let rows = self.connection.rows(sql, &[], LONG * 10)?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    /// What people should know of the engine.
    pub(crate) fn about(&mut self) -> Result<About, LogError> {
        let sql = "SELECT current_setting('server_version'), current_setting('full_page_writes'),
                          current_setting('synchronous_standby_names'),
                          (SELECT count(*) FROM pg_stat_replication),
                          extract(epoch FROM clock_timestamp())::float8,
                          coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)";
        let rows = self.connection.rows(sql, &[], ANSWER)?;
        let Some(row) = rows.first() else {
            return Err(self.connection.silent());
        };
        let (version, pages): (String, String) = (row.get(0), row.get(1));
        let (standbys, replicas): (String, i64) = (row.get(2), row.get(3));
        let mut doubts = Vec::new();
        if pages == "off" {
            doubts.push("full_page_writes is off: a loss of power may damage the log".to_owned());
        }
        match (standbys.as_str(), replicas) {
            ("", 0) => doubts.push(
                "it has no standby: if its machine is lost, so is the log; each node still has all that it applied"
                    .to_owned(),
            ),
            ("", _) => doubts.push(
                "its standby is asynchronous: a failover may forget the last messages, and the nodes stop then"
                    .to_owned(),
            ),
            (_, 0) => doubts.push(
                "the standby that synchronous_standby_names names is not connected: nothing can be written until it is"
                    .to_owned(),
            ),
            (_, _) => {}
        }
        if Connection::new(self.access().clone())?.is_pooled()? {
            doubts.push(
                "a pooler that shares sessions is in between: that works, but connect to PostgreSQL itself if you can"
                    .to_owned(),
            );
        }
        let is_encrypted: bool = row.get(5);
        if !is_encrypted && !self.access().is_local() {
            doubts.push(
                "the connection is not encrypted, and the records hold phone numbers: sslmode=require".to_owned(),
            );
        }
        Ok(About {
            engine: format!("PostgreSQL {version} at {}", self.access()),
            doubts,
            clock: row.get(4),
        })
    }
}
