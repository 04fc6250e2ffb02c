//! How often a checkpoint was opened to be written, in the name of a small file beside it (`outreach.db-mark-7`).
//!
//! A backup of the whole folder that is unpacked over it brings the mark of that time too, and both fit. But it does
//! not take away a file whose name it does not know: so each opening gives that file a new name, after the count is in
//! the checkpoint. A file that counts further than its checkpoint says that the checkpoint is older than it was.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::StoreError;
use super::mark::mark_path;
use super::query::Query as _;

/// The count in the table `node`.
const OPENINGS: &str = "openings";

/// The files beside a checkpoint that count its openings, with their counts.
fn files(checkpoint: &Path) -> Vec<(u64, PathBuf)> {
    let mark = mark_path(checkpoint);
    let (Some(name), Some(folder)) = (mark.file_name(), checkpoint.parent()) else {
        return Vec::new();
    };
    let start = format!("{}-", name.to_string_lossy());
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |path: PathBuf| {
        let name = path.file_name()?.to_str()?;
        Some((name.strip_prefix(&start)?.parse().ok()?, path))
    };
    entries.filter_map(|entry| count(entry.path())).collect()
}

/// The file that counts furthest, of those of the checkpoint with this random id.
pub(super) fn furthest(checkpoint: &Path, uid: &str) -> Option<(u64, PathBuf)> {
    let is_of = |path: &Path| std::fs::read_to_string(path).is_ok_and(|text| text.trim() == uid);
    let files = files(checkpoint).into_iter();
    files.filter(|(_, path)| is_of(path)).max()
}

/// What the checkpoint itself counts.
pub(super) fn counted(connection: &Connection) -> Result<u64, StoreError> {
    let count: Option<i64> =
        connection.find("SELECT value FROM node WHERE key = ?1", [OPENINGS])?;
    Ok(count.and_then(|it| u64::try_from(it).ok()).unwrap_or(0))
}

/// Counts one more: above what the checkpoint and the files count. What fails is logged: the checkpoint itself is
/// sound, and an older copy of the folder is found by its mark alone.
pub(super) fn count(checkpoint: &Path, uid: &str, connection: &Connection) {
    if let Err(error) = try_count(checkpoint, uid, connection) {
        tracing::debug!(
            "the opening of {} is not counted: {error}",
            checkpoint.display()
        );
    }
}

fn try_count(checkpoint: &Path, uid: &str, connection: &Connection) -> Result<(), StoreError> {
    let before = files(checkpoint);
    let least = furthest(checkpoint, uid).map_or(0, |(count, _)| count);
    // The checkpoint first: between the two, it may count further than the file, never the other way.
    connection.change(
        "INSERT INTO node (key, value) VALUES (?1, ?2 + 1)
             ON CONFLICT (key) DO UPDATE SET value = max(value, ?2) + 1",
        (OPENINGS, i64::try_from(least).unwrap_or(0)),
    )?;
    let mut name = mark_path(checkpoint).into_os_string();
    name.push(format!("-{}", counted(connection)?));
    let path = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&path)
        .and_then(|mut file| writeln!(file, "{uid}"));
    written.map_err(|source| StoreError::File {
        path: path.clone(),
        source,
    })?;
    for (_, old) in before {
        // One that another process took away meanwhile is gone as it should be.
        let _ = std::fs::remove_file(old);
    }
    Ok(())
}

/// Takes the files away: another file takes the checkpoint's place and counts anew.
pub(super) fn forget(checkpoint: &Path) -> std::io::Result<()> {
    files(checkpoint)
        .into_iter()
        .try_for_each(|(_, path)| std::fs::remove_file(path))
}
