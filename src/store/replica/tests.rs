//! What the capture sees, and what no statement of the store may do because it does not see it.

use std::path::Path;

use rusqlite::Connection;

use super::apply::apply;
use super::capture::{Capture, OWN};
use super::record::TableRows;
use crate::store::schema;

fn checkpoint() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrate(&mut connection).unwrap();
    connection
        .pragma_update(None, "foreign_keys", true)
        .unwrap();
    connection
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut select = connection.prepare(sql).unwrap();
    let rows = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    texts(connection, sql)
}

/// Runs the statements on one checkpoint and applies what was captured to the other.
fn carry(from: &mut Connection, to: &Connection, capture: &Capture, sql: &str) -> Vec<TableRows> {
    let transaction = from.transaction().unwrap();
    transaction.execute_batch(sql).unwrap();
    let rows = capture.rows(&transaction).unwrap();
    transaction.commit().unwrap();
    to.pragma_update(None, "foreign_keys", false).unwrap();
    apply(to, &rows).unwrap();
    rows
}

#[test]
fn the_schema_has_nothing_that_the_capture_cannot_see() {
    let connection = checkpoint();
    assert!(tables(&connection).len() > 10);
    for table in tables(&connection) {
        let sql: String = connection
            .query_row(
                "SELECT upper(sql) FROM sqlite_schema WHERE name = ?1",
                [&table],
                |row| row.get(0),
            )
            .unwrap();
        for hidden in ["WITHOUT ROWID", "AUTOINCREMENT", "ON CONFLICT REPLACE"] {
            assert!(!sql.contains(hidden), "{table}: {hidden}");
        }
        // A default is the same on every node.
        for changing in [
            "CURRENT_TIME",
            "CURRENT_DATE",
            "RANDOM(",
            "DATETIME(",
            "UNIXEPOCH(",
        ] {
            assert!(!sql.contains(changing), "{table}: {changing}");
        }
        let keys = format!(
            "SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 AND upper(type) = 'INTEGER'"
        );
        let has_key = texts(&connection, &keys).len() == 1;
        // A rowid without a column may be given out anew by VACUUM. Of `node` the shared rows keep theirs.
        assert!(has_key || OWN.contains(&table.as_str()), "{table}");
    }
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'trigger'";
    assert!(
        texts(&connection, sql).is_empty(),
        "a trigger would run on every node"
    );
}

/// The SQL of the store, without that of earlier schemas.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("schema") && !path.ends_with("replica") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push((
                path.display().to_string(),
                std::fs::read_to_string(&path).unwrap(),
            ));
        }
    }
}

#[test]
fn no_statement_deletes_all_of_a_table_unseen() {
    let mut found = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    sources(&folder, &mut found);
    assert!(found.len() > 40);
    for (file, text) in found {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let delete = ["DELETE", "FROM", ""].join(" ");
        for (at, _) in text.match_indices(&delete) {
            let statement: String = text[at..].chars().take(70).collect();
            assert!(statement.contains(" WHERE "), "{file}: {statement}");
        }
    }
}

#[test]
fn rows_come_out_as_they_went_in_with_what_foreign_keys_removed() {
    let (mut ours, theirs) = (checkpoint(), checkpoint());
    let capture = Capture::of(&mut ours).unwrap();
    carry(
        &mut ours,
        &theirs,
        &capture,
        &[
            "INSERT INTO channel (id, api_id) VALUES (1, '7001')",
            "INSERT INTO batch (id, uid, name, state, state_since, digest, definition, headers, files, channel,
                                sandbox, created_at)
             VALUES (4, x'01', 'spring', 'draft', 1, x'', '{}', '[]', '[]', 1, 0, 1)",
            "INSERT INTO tally (batch, sent) VALUES (4, 3)",
            "INSERT INTO contact (id, channel, api_id) VALUES (1, 1, 77), (2, 1, 'abc')",
        ]
        .join(";"),
    );
    let counts = |connection: &Connection| {
        texts(
            connection,
            "SELECT (SELECT count(*) FROM batch) || ' ' || (SELECT count(*) FROM tally) || ' '
                    || (SELECT group_concat(typeof(api_id)) FROM contact)",
        )
    };
    assert_eq!(counts(&theirs), ["1 1 integer,text"]);
    let rows = carry(
        &mut ours,
        &theirs,
        &capture,
        "DELETE FROM batch WHERE id = 4",
    );
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(counts(&theirs), ["0 0 integer,text"]);
    // What is of one node alone stays there; what is shared of its table goes along.
    let rows = carry(
        &mut ours,
        &theirs,
        &capture,
        &[
            "INSERT INTO node (key, value) VALUES ('home', 'here')",
            "INSERT INTO node (rowid, key, value) VALUES (-4, 'run.1.4', 3)",
        ]
        .join(";"),
    );
    assert_eq!(rows.len(), 1);
    assert_eq!(texts(&theirs, "SELECT key FROM node"), ["run.1.4"]);
    // A transaction that was rolled back leaves nothing behind.
    let transaction = ours.transaction().unwrap();
    transaction
        .execute("DELETE FROM contact WHERE id = 1", [])
        .unwrap();
    transaction.rollback().unwrap();
    capture.clear();
    let rows = carry(&mut ours, &theirs, &capture, "SELECT 1");
    assert_eq!(rows, []);
}

#[test]
fn a_value_that_must_be_unique_may_go_from_one_row_to_another() {
    let (mut ours, theirs) = (checkpoint(), checkpoint());
    let capture = Capture::of(&mut ours).unwrap();
    let begin = "INSERT INTO channel (id, api_id) VALUES (1, 'a'), (2, 'b')";
    carry(&mut ours, &theirs, &capture, begin);
    carry(
        &mut ours,
        &theirs,
        &capture,
        &[
            "UPDATE channel SET api_id = 'c' WHERE id = 2",
            "UPDATE channel SET api_id = 'b' WHERE id = 1",
            "UPDATE channel SET api_id = 'a' WHERE id = 2",
        ]
        .join(";"),
    );
    let sql = "SELECT id || api_id FROM channel ORDER BY id";
    assert_eq!(texts(&theirs, sql), ["1b", "2a"]);
}
