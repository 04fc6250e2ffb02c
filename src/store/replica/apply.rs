//! A record is applied to a replica: rows are put and deleted, and nothing else happens.

use std::iter::Peekable;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params_from_iter};

use super::compare;
use super::position::Position;
use super::record::{Record, RecordContent, Row, TableRows};
use crate::cluster::Entry;
use crate::store::error::StoreError;
use crate::store::mark;
use crate::store::outdate::outdate;

/// How far records were applied.
pub(super) enum Applied {
    /// To this place.
    Until(i64),
    /// To this one, which asks for digests of the tables as they stand here: the reader sees that moment.
    UntilAsked(i64, Connection),
    /// To one that says why nothing is sent any more.
    UntilStopped(String),
}

/// Applies records in one transaction, but for those that another process of this file has applied. Foreign keys must
/// be off.
pub(super) fn apply_next(
    path: &Path,
    connection: &mut Connection,
    entries: &mut Peekable<impl Iterator<Item = Entry>>,
) -> Result<Applied, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let begin = Position::read(&transaction)?;
    let (mut position, mut done) = (begin, None);
    while let Some(entry) = entries.peek()
        && done.is_none()
    {
        let here = Position::of(entry);
        if here.seq > position.seq {
            match Record::unpack(&entry.body)?.content {
                RecordContent::Rows(tables) => apply(&transaction, &tables)?,
                RecordContent::Snapshot => {}
                // It changes no row: what is on disk is what it asks for, once all before it is, and nobody can bring
                // the file further meanwhile.
                RecordContent::Compare if position != begin => break,
                RecordContent::Compare => {
                    done = Some(Applied::UntilAsked(here.seq, compare::moment(path)?));
                }
                RecordContent::Stop(why) => {
                    done = Some(Applied::UntilStopped(why));
                    break;
                }
            }
            position = here;
        }
        entries.next();
    }
    position.write(&transaction)?;
    outdate(&transaction)?;
    mark::count(&transaction)?;
    transaction.commit()?;
    Ok(done.unwrap_or(Applied::Until(position.seq)))
}

/// Applies the rows of one record. Foreign keys must be off.
pub(super) fn apply(connection: &Connection, tables: &[TableRows]) -> Result<(), StoreError> {
    connection.execute_batch("SAVEPOINT record")?;
    match put_all(connection, tables) {
        Ok(()) => {}
        Err(StoreError::Database { .. }) => {
            // A value that must be unique went from one row to another: the rows that stand in the way go first.
            connection.execute_batch("ROLLBACK TO record")?;
            delete_all(connection, tables)?;
            put_all(connection, tables)?;
        }
        Err(error) => return Err(error),
    }
    Ok(connection.execute_batch("RELEASE record")?)
}

fn delete_all(connection: &Connection, tables: &[TableRows]) -> Result<(), StoreError> {
    for TableRows { table, rows } in tables {
        let mut delete = connection.prepare_cached(&delete_sql(table))?;
        for (rowid, _) in rows {
            delete.execute([rowid])?;
        }
    }
    Ok(())
}

fn put_all(connection: &Connection, tables: &[TableRows]) -> Result<(), StoreError> {
    for TableRows { table, rows } in tables {
        let columns = columns(connection, table)?;
        let mut delete = connection.prepare_cached(&delete_sql(table))?;
        let mut update = connection.prepare_cached(&update_sql(table, &columns))?;
        let mut insert = connection.prepare_cached(&insert_sql(table, &columns))?;
        for row in rows {
            let (rowid, values) = row;
            if values.is_none() {
                delete.execute([rowid])?;
                continue;
            }
            let values = values_of(row, columns.len())?;
            if update.execute(params_from_iter(&values))? == 0 {
                insert.execute(params_from_iter(&values))?;
            }
        }
    }
    Ok(())
}

/// The row's id and its values.
fn values_of((rowid, values): &Row, columns: usize) -> Result<Vec<Value>, StoreError> {
    let values = values.as_deref().unwrap_or_default();
    if values.len() != columns {
        return Err(StoreError::Cluster {
            detail: "a record of the log has other columns than this checkpoint".to_owned(),
        });
    }
    let mut all = vec![Value::Integer(*rowid)];
    all.extend(values.iter().cloned().map(Value::from));
    Ok(all)
}

fn columns(connection: &Connection, replica: &str) -> Result<Vec<String>, StoreError> {
    let select =
        connection.prepare_cached(&format!("SELECT * FROM \"{replica}\" WHERE rowid = ?1"))?;
    let names = select.column_names();
    Ok(names.into_iter().map(str::to_owned).collect())
}

fn delete_sql(replica: &str) -> String {
    format!("DELETE FROM \"{replica}\" WHERE rowid = ?1")
}

/// ?1 is the row's id, ?2 and on are its values.
fn update_sql(replica: &str, columns: &[String]) -> String {
    let sets = columns.iter().zip(2..);
    let sets: Vec<String> = sets
        .map(|(column, place)| format!("\"{column}\" = ?{place}"))
        .collect();
    let sets = sets.join(", ");
    format!("UPDATE \"{replica}\" SET {sets} WHERE rowid = ?1")
}

fn insert_sql(replica: &str, columns: &[String]) -> String {
    let names: Vec<String> = columns
        .iter()
        .map(|column| format!("\"{column}\""))
        .collect();
    let values: Vec<String> = (2..)
        .take(columns.len())
        .map(|place| format!("?{place}"))
        .collect();
    let (names, values) = (names.join(", "), values.join(", "));
    // Where the table has its own integer key, that is the row's id, and is given twice with one value.
    format!("INSERT INTO \"{replica}\" (rowid, {names}) VALUES (?1, {values})")
}
