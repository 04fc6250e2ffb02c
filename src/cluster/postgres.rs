//! The log on PostgreSQL: one row for a record, its number the primary key.

use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::access::Access;
use super::connection::{ANSWER, Connection, Failure, LONG, Param};
use super::entry::{Entry, Hash};
use super::log::{Append, LEASE, Lease, Log, LogError, NodeRow, Parts, Read, Snapshot};

/// As many records are read at once.
const AT_ONCE: i64 = 256;

/// So many records before a new one must be there. Records that went while one was being appended left a hole behind it.
const LOOKED_BACK: i64 = 16;

/// The name of the lease that is a turn. No batch has it.
const TURN: &str = "";

/// The log of one checkpoint on PostgreSQL.
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

fn put_parts(log: &mut Connection, snapshot: &Snapshot, parts: Parts<'_>) -> Result<(), LogError> {
    let (hash, digest): (&[u8], &[u8]) = (&snapshot.hash, &snapshot.digest);
    let params: [Param<'_>; 3] = [
        (&snapshot.seq, Type::INT8),
        (&hash, Type::BYTEA),
        (&digest, Type::BYTEA),
    ];
    let sql = "INSERT INTO $$.snapshot (seq, hash, digest) VALUES ($1, $2, $3)";
    log.rows(sql, &params, LONG)?;
    let mut number = 0_i32;
    while let Some(body) = parts()? {
        let params: [Param<'_>; 3] = [
            (&snapshot.seq, Type::INT8),
            (&number, Type::INT4),
            (&body, Type::BYTEA),
        ];
        let sql = "INSERT INTO $$.snapshot_part (seq, part, body) VALUES ($1, $2, $3)";
        log.rows(sql, &params, LONG)?;
        number += 1;
    }
    Ok(())
}

fn hash(bytes: &[u8]) -> Hash {
    bytes.try_into().unwrap_or_default()
}

fn read_lease(row: &Row) -> Lease {
    Lease {
        name: row.get(0),
        node: row.get(1),
        pid: row.get(2),
        machine: row.get(3),
        place: row.get(4),
        since: row.get(5),
    }
}

/// What a log consists of.
const TABLES: [&str; 7] = [
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
        node text PRIMARY KEY, pid text NOT NULL, machine text NOT NULL, applied bigint NOT NULL,
        seen timestamptz NOT NULL)",
];

impl Log for Postgres {
    fn begin(
        &mut self,
        id: &str,
        first: &Entry,
        snapshot: &Snapshot,
        parts: Parts<'_>,
    ) -> Result<(), LogError> {
        if self.id()?.is_some() {
            return Err(LogError::Refused(format!(
                "{} holds a checkpoint already; name another one with # behind the address",
                self.access()
            )));
        }
        self.connection.in_transaction(|log| {
            for table in TABLES {
                log.rows(table, &[], ANSWER)?;
            }
            put_parts(log, snapshot, parts)?;
            let (hash, body): (&[u8], &[u8]) = (&first.hash, &first.body);
            let params: [Param<'_>; 3] = [
                (&first.seq, Type::INT8),
                (&hash, Type::BYTEA),
                (&body, Type::BYTEA),
            ];
            let sql = "INSERT INTO $$.log (seq, hash, body) VALUES ($1, $2, $3)";
            log.rows(sql, &params, ANSWER)?;
            let sql = "INSERT INTO $$.about (id) VALUES ($1)";
            log.rows(sql, &[(&id, Type::TEXT)], ANSWER).map(drop)
        })
    }

    fn id(&mut self) -> Result<Option<String>, LogError> {
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

    fn engine(&mut self) -> Result<String, LogError> {
        self.connection.engine()
    }

    fn trust(&mut self, engine: &str) {
        self.trusted = Some(engine.to_owned());
    }

    fn append(&mut self, node: &str, before: &Hash, entry: &Entry) -> Append {
        match self.engine() {
            Ok(engine) if Some(&engine) == self.trusted.as_ref() => {}
            Ok(_) => return Append::Moved,
            Err(error) => return Append::Doubt(error),
        }
        let (before, chained, body): (&[u8], &[u8], &[u8]) = (before, &entry.hash, &entry.body);
        let sql = "
            WITH turn AS MATERIALIZED
                     (SELECT NOT EXISTS (SELECT 1 FROM $$.lease WHERE name = '' AND node <> $5
                                         AND until > clock_timestamp()) AS is_free),
                 fits AS MATERIALIZED
                     (SELECT EXISTS (SELECT 1 FROM $$.log WHERE seq = $1 - 1 AND hash = $2)
                             AND (SELECT count(*) FROM $$.log WHERE seq BETWEEN $1 - $6 AND $1 - 1)
                               = least($6, $1 - (SELECT max(seq) FROM $$.snapshot)) AS is_last),
                 done AS (INSERT INTO $$.log (seq, hash, body)
                          SELECT $1, $3, $4 FROM turn, fits WHERE is_free AND is_last RETURNING 1)
            SELECT is_free, is_last, EXISTS (SELECT 1 FROM done) FROM turn, fits";
        let params: [Param<'_>; 6] = [
            (&entry.seq, Type::INT8),
            (&before, Type::BYTEA),
            (&chained, Type::BYTEA),
            (&body, Type::BYTEA),
            (&node, Type::TEXT),
            (&LOOKED_BACK, Type::INT8),
        ];
        let answer = self.connection.ask(sql, &params, ANSWER);
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

    fn confirm(&mut self) -> Result<(), LogError> {
        let sql = "INSERT INTO $$.node AS beat (node, pid, machine, applied, seen)
             VALUES ('', '', '', 0, '-infinity')
             ON CONFLICT (node) DO UPDATE SET applied = beat.applied + 1";
        self.connection.rows(sql, &[], ANSWER)?;
        if self.connection.was_warned() {
            return Err(LogError::Away(format!(
                "{} stopped waiting for its standby",
                self.access()
            )));
        }
        Ok(())
    }

    fn read(&mut self, after: i64, at: &Hash) -> Result<Read, LogError> {
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
                "record {after} of the log was removed, and those behind it are there"
            ))),
            None => {
                let last = self.last()?.map_or(0, |(last, _)| last);
                Ok(Read::Broken(format!(
                    "the log ends at record {last}, and this node knows {after} of them"
                )))
            }
        }
    }

    fn last(&mut self) -> Result<Option<(i64, Hash)>, LogError> {
        let sql = "SELECT seq, hash FROM $$.log ORDER BY seq DESC LIMIT 1";
        let rows = self.connection.rows(sql, &[], ANSWER)?;
        Ok(rows.first().map(|row| (row.get(0), hash(row.get(1)))))
    }

    fn take_turn(&mut self, node: &str) -> Result<bool, LogError> {
        let sql = "
            INSERT INTO $$.lease AS held (name, node, pid, machine, place, since, until)
            VALUES ($1, $2, '', '', '', '', clock_timestamp() + interval '1 second')
            ON CONFLICT (name) DO UPDATE SET node = excluded.node, until = excluded.until
            WHERE held.node = excluded.node OR held.until < clock_timestamp()
            RETURNING 1";
        let params: [Param<'_>; 2] = [(&TURN, Type::TEXT), (&node, Type::TEXT)];
        Ok(!self.connection.rows(sql, &params, ANSWER)?.is_empty())
    }

    fn end_turn(&mut self, node: &str) -> Result<(), LogError> {
        self.release(TURN, node)
    }

    fn lease(&mut self, lease: &Lease) -> Result<Option<Lease>, LogError> {
        let sql = "
            INSERT INTO $$.lease AS held (name, node, pid, machine, place, since, until)
            VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7))
            ON CONFLICT (name) DO UPDATE SET node = excluded.node, pid = excluded.pid,
                machine = excluded.machine, place = excluded.place, since = excluded.since,
                until = excluded.until
            WHERE held.node = excluded.node OR held.place = excluded.place
                  OR held.until < clock_timestamp()
            RETURNING 1";
        let params: [Param<'_>; 7] = [
            (&lease.name, Type::TEXT),
            (&lease.node, Type::TEXT),
            (&lease.pid, Type::TEXT),
            (&lease.machine, Type::TEXT),
            (&lease.place, Type::TEXT),
            (&lease.since, Type::TEXT),
            (&LEASE.as_secs_f64(), Type::FLOAT8),
        ];
        if !self.connection.rows(sql, &params, ANSWER)?.is_empty() {
            return Ok(None);
        }
        let other = "SELECT name, node, pid, machine, place, since FROM $$.lease WHERE name = $1";
        let rows = self
            .connection
            .rows(other, &[(&lease.name, Type::TEXT)], ANSWER)?;
        match rows.first() {
            Some(row) => Ok(Some(read_lease(row))),
            // It was given back just now.
            None => self.lease(lease),
        }
    }

    fn release(&mut self, name: &str, node: &str) -> Result<(), LogError> {
        let sql = "DELETE FROM $$.lease WHERE name = $1 AND node = $2";
        self.connection
            .rows(sql, &[(&name, Type::TEXT), (&node, Type::TEXT)], ANSWER)
            .map(drop)
    }

    fn leases(&mut self) -> Result<Vec<Lease>, LogError> {
        let sql = "SELECT name, node, pid, machine, place, since FROM $$.lease
                   WHERE until >= clock_timestamp() AND name <> '' ORDER BY name";
        Ok(self
            .connection
            .rows(sql, &[], ANSWER)?
            .iter()
            .map(read_lease)
            .collect())
    }

    fn see(&mut self, node: &NodeRow) -> Result<(), LogError> {
        let sql = "INSERT INTO $$.node (node, pid, machine, applied, seen)
             VALUES ($1, $2, $3, $4, clock_timestamp())
             ON CONFLICT (node) DO UPDATE SET applied = excluded.applied, seen = excluded.seen";
        let params: [Param<'_>; 4] = [
            (&node.node, Type::TEXT),
            (&node.pid, Type::TEXT),
            (&node.machine, Type::TEXT),
            (&node.applied, Type::INT8),
        ];
        self.connection.rows(sql, &params, ANSWER).map(drop)
    }

    fn nodes(&mut self) -> Result<Vec<NodeRow>, LogError> {
        let sql = "SELECT node, pid, machine, applied,
                          extract(epoch FROM clock_timestamp() - seen)::float8
                   FROM $$.node WHERE seen > clock_timestamp() - interval '1 day' ORDER BY seen DESC";
        let rows = self.connection.rows(sql, &[], ANSWER)?;
        Ok(rows
            .iter()
            .map(|row| NodeRow {
                node: row.get(0),
                pid: row.get(1),
                machine: row.get(2),
                applied: row.get(3),
                seen: row.get(4),
            })
            .collect())
    }

    fn snapshot(&mut self) -> Result<Option<Snapshot>, LogError> {
        if self.id()?.is_none() {
            return Ok(None);
        }
        let sql = "SELECT seq, hash, digest FROM $$.snapshot ORDER BY seq DESC LIMIT 1";
        let rows = self.connection.rows(sql, &[], ANSWER)?;
        Ok(rows.first().map(|row| Snapshot {
            seq: row.get(0),
            hash: hash(row.get(1)),
            digest: hash(row.get(2)),
        }))
    }

    fn snapshot_part(&mut self, seq: i64, part: i32) -> Result<Option<Vec<u8>>, LogError> {
        let sql = "SELECT body FROM $$.snapshot_part WHERE seq = $1 AND part = $2";
        let rows = self
            .connection
            .rows(sql, &[(&seq, Type::INT8), (&part, Type::INT4)], LONG)?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    fn put_snapshot(&mut self, snapshot: &Snapshot, parts: Parts<'_>) -> Result<(), LogError> {
        self.connection.in_transaction(|log| {
            for table in ["snapshot", "snapshot_part"] {
                log.rows(&format!("DELETE FROM $$.{table}"), &[], LONG)?;
            }
            put_parts(log, snapshot, parts)?;
            let sql = "DELETE FROM $$.log WHERE seq < $1";
            log.rows(sql, &[(&snapshot.seq, Type::INT8)], LONG)
                .map(drop)
        })
    }

    fn first_fault(&mut self) -> Result<Option<i64>, LogError> {
        let sql = "SELECT seq FROM (
                       SELECT seq, hash, body, lag(hash) OVER (ORDER BY seq) AS before,
                              lag(seq) OVER (ORDER BY seq) AS previous FROM $$.log) AS chain
                   WHERE before IS NOT NULL
                         AND (previous <> seq - 1 OR hash <> sha256(before || int8send(seq) || body))
                   ORDER BY seq LIMIT 1";
        let rows = self.connection.rows(sql, &[], LONG * 10)?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    fn about(&mut self) -> Result<(String, Vec<String>), LogError> {
        let sql = "SELECT current_setting('server_version'), current_setting('full_page_writes'),
                          current_setting('synchronous_standby_names'),
                          (SELECT count(*) FROM pg_stat_replication)";
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
            (_, _) => {}
        }
        Ok((format!("PostgreSQL {version} at {}", self.access()), doubts))
    }
}
