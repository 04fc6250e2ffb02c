//! What is kept beside the records: the snapshot, and digests of the replicas.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::connection::{ANSWER, Connection, LONG, Param};
use super::entry::hash;
use super::log::{Digests, LogError, Parts, Size, Snapshot};

pub(super) fn put_parts(
    log: &mut Connection,
    snapshot: &Snapshot,
    parts: Parts<'_>,
) -> Result<(), LogError> {
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

pub(super) fn snapshot(connection: &mut Connection) -> Result<Option<Snapshot>, LogError> {
    let sql = "SELECT seq, hash, digest FROM $$.snapshot ORDER BY seq DESC LIMIT 1";
    let rows = connection.rows(sql, &[], ANSWER)?;
    Ok(rows.first().map(|row| Snapshot {
        seq: row.get(0),
        hash: hash(row.get(1)),
        digest: hash(row.get(2)),
    }))
}

pub(super) fn snapshot_part(
    connection: &mut Connection,
    seq: i64,
    part: i32,
) -> Result<Option<Vec<u8>>, LogError> {
    let sql = "SELECT body FROM $$.snapshot_part WHERE seq = $1 AND part = $2";
    let rows = connection.rows(sql, &[(&seq, Type::INT8), (&part, Type::INT4)], LONG)?;
    Ok(rows.first().map(|row| row.get(0)))
}

pub(super) fn put_snapshot(
    connection: &mut Connection,
    snapshot: &Snapshot,
    parts: Parts<'_>,
) -> Result<(), LogError> {
    connection.in_transaction(|log| {
        // Two nodes may come with one at once: the older one is of no use.
        log.rows("SELECT 1 FROM $$.about FOR UPDATE", &[], LONG)?;
        let sql = "SELECT 1 FROM $$.snapshot WHERE seq > $1";
        if !log
            .rows(sql, &[(&snapshot.seq, Type::INT8)], LONG)?
            .is_empty()
        {
            return Err(LogError::Refused("a newer snapshot is there".to_owned()));
        }
        for table in ["snapshot", "snapshot_part"] {
            log.rows(&format!("DELETE FROM $$.{table}"), &[], LONG)?;
        }
        put_parts(log, snapshot, parts)?;
        let sql = "DELETE FROM $$.log WHERE seq < $1";
        log.rows(sql, &[(&snapshot.seq, Type::INT8)], LONG)
            .map(drop)
    })
}

pub(super) fn size(connection: &mut Connection) -> Result<Size, LogError> {
    let sql = "SELECT count(*) - 1, coalesce(sum(octet_length(body)), 0)::int8,
                      (SELECT coalesce(sum(octet_length(body)), 0)::int8 FROM $$.snapshot_part)
               FROM $$.log";
    let rows = connection.rows(sql, &[], LONG)?;
    let Some(row) = rows.first() else {
        return Err(connection.silent());
    };
    Ok(Size {
        records: row.get(0),
        bytes: row.get(1),
        snapshot: row.get(2),
    })
}

pub(super) fn put_digests(connection: &mut Connection, digests: &Digests) -> Result<(), LogError> {
    let sql = "WITH before AS (DELETE FROM $$.digest WHERE seq < $1)
         INSERT INTO $$.digest (seq, place, machine, path, tables) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (seq, place) DO UPDATE SET tables = excluded.tables";
    let params: [Param<'_>; 5] = [
        (&digests.seq, Type::INT8),
        (&digests.place, Type::TEXT),
        (&digests.machine, Type::TEXT),
        (&digests.path, Type::TEXT),
        (&digests.tables, Type::TEXT),
    ];
    connection.rows(sql, &params, ANSWER).map(drop)
}

pub(super) fn digests(connection: &mut Connection, seq: i64) -> Result<Vec<Digests>, LogError> {
    let sql =
        "SELECT place, machine, path, tables FROM $$.digest WHERE seq = $1 ORDER BY machine, path";
    let rows = connection.rows(sql, &[(&seq, Type::INT8)], ANSWER)?;
    let read = |row: &Row| Digests {
        seq,
        place: row.get(0),
        machine: row.get(1),
        path: row.get(2),
        tables: row.get(3),
    };
    Ok(rows.iter().map(read).collect())
}
