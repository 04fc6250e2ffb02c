//! Brings the checkpoint of an older program forward: alone with the file, and with a copy beside it.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::StoreError;
use super::file::{create_private, write_ahead};
use super::schema;

/// Whether an old checkpoint is kept as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldCopy {
    /// Beside it (`outreach.db.v3.bak`).
    Keep,
    /// It is not: the disk has no room for it, or there is a backup.
    Skip,
}

/// Makes a new checkpoint, or brings an old one to the version of this program, while no other process has it open.
/// Returns the version that an old one had.
pub(super) fn migrate(
    path: &Path,
    connection: &mut Connection,
    copy: OldCopy,
) -> Result<Option<u32>, StoreError> {
    let found = schema::version(connection)?;
    if found == 0 || found == schema::VERSION {
        write_ahead(connection)?;
        schema::migrate(connection)?;
        clean(connection)?;
        return Ok(None);
    }
    // Leaving the write-ahead log needs the file for itself.
    match connection.pragma_update(None, "journal_mode", "DELETE") {
        Ok(()) => {}
        Err(error) => {
            return Err(match StoreError::from(error) {
                StoreError::Busy => StoreError::InUse {
                    known: schema::VERSION,
                },
                other => other,
            });
        }
    }
    match copy {
        OldCopy::Keep => copy_beside(path, connection, found)?,
        OldCopy::Skip => {}
    }
    schema::migrate(connection)?;
    write_ahead(connection)?;
    clean(connection)?;
    Ok(Some(found))
}

/// Writes the file anew after an upgrade: earlier programs did not overwrite what they erased. Done again if it
/// was interrupted.
fn clean(connection: &Connection) -> Result<(), StoreError> {
    let due = connection
        .prepare("SELECT 1 FROM node WHERE key = 'vacuum_due'")?
        .exists([])?;
    if due {
        connection.execute_batch("VACUUM")?;
        connection.execute("DELETE FROM node WHERE key = 'vacuum_due'", [])?;
    }
    Ok(())
}

/// Copies the checkpoint as it is, readable by the owner only. A copy that is there stays: it is the one from
/// before an upgrade that was interrupted.
fn copy_beside(path: &Path, connection: &Connection, version: u32) -> Result<(), StoreError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".v{version}.bak"));
    let copy: PathBuf = path.with_file_name(name);
    if copy.exists() {
        return Ok(());
    }
    let mut partial = copy.clone().into_os_string();
    partial.push(".part");
    let partial = PathBuf::from(partial);
    let failed = |source| StoreError::File {
        path: partial.clone(),
        source,
    };
    match std::fs::remove_file(&partial) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    create_private(&partial)?;
    if let Err(error) = connection.execute("VACUUM INTO ?1", [partial.to_string_lossy()]) {
        let _ = std::fs::remove_file(&partial);
        return Err(match StoreError::from(error) {
            StoreError::Full => StoreError::NoRoomForCopy { version },
            other => other,
        });
    }
    std::fs::rename(&partial, &copy).map_err(failed)
}
