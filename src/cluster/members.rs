//! Who takes part: leases, turns, and the nodes that live.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::connection::{ANSWER, Connection, Param};
use super::log::{LEASE, Lease, LogError, NodeRow, SNAPSHOT_LEASE};

/// The name of the lease that is a turn. No batch has it.
pub(super) const TURN: &str = "";

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

pub(super) fn take_turn(connection: &mut Connection, node: &str) -> Result<bool, LogError> {
    let sql = "
        INSERT INTO $$.lease AS held (name, node, pid, machine, place, since, until)
        VALUES ($1, $2, '', '', '', '', clock_timestamp() + interval '1 second')
        ON CONFLICT (name) DO UPDATE SET node = excluded.node, until = excluded.until
        WHERE held.node = excluded.node OR held.until < clock_timestamp()
        RETURNING 1";
    let params: [Param<'_>; 2] = [(&TURN, Type::TEXT), (&node, Type::TEXT)];
    Ok(!connection.rows(sql, &params, ANSWER)?.is_empty())
}

pub(super) fn lease(connection: &mut Connection, lease: &Lease) -> Result<Option<Lease>, LogError> {
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
    if !connection.rows(sql, &params, ANSWER)?.is_empty() {
        return Ok(None);
    }
    let other = "SELECT name, node, pid, machine, place, since FROM $$.lease WHERE name = $1";
    let rows = connection.rows(other, &[(&lease.name, Type::TEXT)], ANSWER)?;
    match rows.first() {
        Some(row) => Ok(Some(read_lease(row))),
        // It was given back just now.
        None => self::lease(connection, lease),
    }
}

pub(super) fn release(connection: &mut Connection, name: &str, node: &str) -> Result<(), LogError> {
    let sql = "DELETE FROM $$.lease WHERE name = $1 AND node = $2";
    connection
        .rows(sql, &[(&name, Type::TEXT), (&node, Type::TEXT)], ANSWER)
        .map(drop)
}

pub(super) fn leases(connection: &mut Connection) -> Result<Vec<Lease>, LogError> {
    let sql = "SELECT name, node, pid, machine, place, since FROM $$.lease
               WHERE until >= clock_timestamp() AND name <> '' AND name <> $1 ORDER BY name";
    Ok(connection
        .rows(sql, &[(&SNAPSHOT_LEASE, Type::TEXT)], ANSWER)?
        .iter()
        .map(read_lease)
        .collect())
}

pub(super) fn see(connection: &mut Connection, node: &NodeRow) -> Result<(), LogError> {
    let sql = "INSERT INTO $$.node (node, pid, machine, place, applied, clock, seen)
         VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())
         ON CONFLICT (node) DO UPDATE SET applied = excluded.applied, seen = excluded.seen,
            clock = excluded.clock";
    let params: [Param<'_>; 6] = [
        (&node.node, Type::TEXT),
        (&node.pid, Type::TEXT),
        (&node.machine, Type::TEXT),
        (&node.place, Type::TEXT),
        (&node.applied, Type::INT8),
        (&node.clock, Type::FLOAT8),
    ];
    connection.rows(sql, &params, ANSWER).map(drop)
}

pub(super) fn unsee(connection: &mut Connection, node: &str) -> Result<(), LogError> {
    let sql = "DELETE FROM $$.node WHERE node = $1";
    connection
        .rows(sql, &[(&node, Type::TEXT)], ANSWER)
        .map(drop)
}

pub(super) fn nodes(connection: &mut Connection) -> Result<Vec<NodeRow>, LogError> {
    let sql = "SELECT node, pid, machine, place, applied,
                      extract(epoch FROM clock_timestamp() - seen)::float8, clock
               FROM $$.node WHERE seen > clock_timestamp() - interval '1 day' ORDER BY seen DESC";
    let rows = connection.rows(sql, &[], ANSWER)?;
    Ok(rows
        .iter()
        .map(|row| NodeRow {
            node: row.get(0),
            pid: row.get(1),
            machine: row.get(2),
            place: row.get(3),
            applied: row.get(4),
            seen: row.get(5),
            clock: row.get(6),
        })
        .collect())
}
