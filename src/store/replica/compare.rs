//! Whether the replicas are the same: asked by a record, each node writes a digest of every table as it stands there.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::JoinHandle;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use super::capture::is_shared;
use super::position::Position;
use crate::cluster::{Access, Digests, Postgres};
use crate::store::columns::to_json;
use crate::store::error::StoreError;
use crate::store::file::connect;
use crate::store::place::{Place, machine_name, place_name};

/// The digests of a node, by table.
pub(super) type Tables = BTreeMap<String, String>;

/// A reader that sees the file as it is now, whatever is written from here on.
pub(super) fn moment(path: &Path) -> Result<Connection, StoreError> {
    let reader = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    reader.execute_batch("BEGIN")?;
    // The moment is that of the first statement that reads.
    Position::read(&reader)?;
    Ok(reader)
}

/// Writes the digests of what the reader sees, beside the writer that goes on.
pub(super) fn answer(
    reader: Connection,
    path: &Path,
    access: &Access,
    seq: i64,
) -> Result<JoinHandle<()>, StoreError> {
    let (own, access) = (path.to_owned(), access.clone());
    let thread = std::thread::Builder::new()
        .name("digests".to_owned())
        .spawn(move || {
            if let Err(error) = write(&reader, &own, access, seq) {
                tracing::warn!("the digests of this machine's tables were not written: {error}");
            }
        });
    thread.map_err(|source| StoreError::File {
        path: path.to_owned(),
        source,
    })
}

fn write(reader: &Connection, path: &Path, access: Access, seq: i64) -> Result<(), StoreError> {
    let digests = Digests {
        seq,
        place: place_name(path),
        machine: machine_name(),
        path: Place::of(path).path.display().to_string(),
        tables: to_json(&digests(reader)?)?,
    };
    Ok(Postgres::new(access)?.put_digests(&digests)?)
}

/// A digest over the rows of each table that all nodes share.
fn digests(connection: &Connection) -> Result<Tables, StoreError> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let names: Vec<String> = connection
        .prepare(names)?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut tables = Tables::new();
    for replica in names {
        let digest = digest(connection, &replica)?;
        tables.insert(replica, digest);
    }
    Ok(tables)
}

/// The number of rows, and the first half of a SHA-256 over them.
fn digest(connection: &Connection, replica: &str) -> Result<String, StoreError> {
    let mut select = connection.prepare(&format!(
        "SELECT rowid, * FROM \"{replica}\" ORDER BY rowid"
    ))?;
    let columns = select.column_count();
    let mut rows = select.query([])?;
    let (mut hash, mut count) = (Sha256::new(), 0_u64);
    while let Some(row) = rows.next()? {
        if !is_shared(replica, row.get(0)?) {
            continue;
        }
        count += 1;
        for column in 0..columns {
            let (kind, bytes) = match row.get_ref(column)? {
                ValueRef::Null => (0, Vec::new()),
                ValueRef::Integer(number) => (1, number.to_be_bytes().to_vec()),
                ValueRef::Real(number) => (2, number.to_be_bytes().to_vec()),
                ValueRef::Text(text) => (3, text.to_vec()),
                ValueRef::Blob(blob) => (4, blob.to_vec()),
            };
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
    }
    let half: [u8; 16] = hash.finalize()[..16].try_into().unwrap_or_default();
    Ok(format!("{count} {:032x}", u128::from_be_bytes(half)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;

    #[test]
    fn a_digest_tells_any_value_of_a_shared_row_and_nothing_of_one_node_alone() {
        let checkpoint = || {
            let mut connection = Connection::open_in_memory().unwrap();
            schema::migrate(&mut connection).unwrap();
            let insert = "INSERT INTO channel (id, api_id) VALUES (1, 'a'), (2, 'b')";
            connection.execute(insert, []).unwrap();
            connection
        };
        let (ours, theirs) = (checkpoint(), checkpoint());
        let differing = || -> Vec<String> {
            let (ours, theirs) = (digests(&ours).unwrap(), digests(&theirs).unwrap());
            let tables = ours.into_iter().filter(|(table, it)| theirs[table] != *it);
            tables.map(|(table, _)| table).collect()
        };
        let random = vec!["checkpoint".to_owned()];
        assert!(differing().is_empty() || differing() == random);
        let own = "INSERT INTO node (rowid, key, value) VALUES (77, 'a', 1)";
        ours.execute(own, []).unwrap();
        assert!(!differing().contains(&"node".to_owned()));
        let shared = "INSERT INTO node (rowid, key, value) VALUES (-5, 'b', 1)";
        ours.execute(shared, []).unwrap();
        assert!(differing().contains(&"node".to_owned()));
        let change = "UPDATE channel SET api_id = 'c' WHERE id = 2";
        ours.execute(change, []).unwrap();
        assert!(differing().contains(&"channel".to_owned()));
    }
}
