//! How often a checkpoint was opened to be written, in the name of a small file beside it (`outreach.db-mark-7`).
//!
//! A backup of the whole folder that is unpacked over it brings the mark of that time too, and both fit. But it does
//! not take away a file whose name it does not know: so each opening gives that file a new name, after the count is in
//! the checkpoint. A file that counts further than its checkpoint says that the checkpoint is older than it was.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::StoreError;
use super::mark::mark_path;
use super::query::Query as _;

/// The count in the table `node`.
const OPENINGS: &str = "openings";

/// The files beside the checkpoint with this random id that count its openings, with their counts. What else has such
/// a name, a link or a file of the user, is neither followed nor touched.
fn files(checkpoint: &Path, uid: &str) -> Vec<(u64, PathBuf)> {
    let mark = mark_path(checkpoint);
    let (Some(name), Some(folder)) = (mark.file_name(), checkpoint.parent()) else {
        return Vec::new();
    };
    let start = format!("{}-", name.to_string_lossy());
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |path: PathBuf| {
        let name = path.file_name()?.to_str()?;
        let count = name.strip_prefix(&start)?.parse().ok()?;
        is_of(&path, uid).then_some((count, path))
    };
    entries.filter_map(|entry| count(entry.path())).collect()
}

fn is_of(path: &Path, uid: &str) -> bool {
    let mut text = String::new();
    std::fs::symlink_metadata(path).is_ok_and(|there| there.is_file())
        && File::open(path).is_ok_and(|file| file.take(200).read_to_string(&mut text).is_ok())
        && text.trim() == uid
}

/// The file that counts furthest, of those of the checkpoint with this random id.
pub(super) fn furthest(checkpoint: &Path, uid: &str) -> Option<(u64, PathBuf)> {
    files(checkpoint, uid).into_iter().max()
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
    let before = files(checkpoint, uid);
    let least = before.iter().map(|(count, _)| *count).max().unwrap_or(0);
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
    // A name that is taken is left alone: the next opening has another one.
    options.write(true).create_new(true);
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

#[cfg(test)]
mod tests {
    use super::super::checkpoint::Store;

    #[cfg(unix)]
    #[test]
    fn a_file_or_a_link_of_the_user_that_has_the_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (db, list) = (
            folder.path().join("outreach.db"),
            folder.path().join("list.csv"),
        );
        let name = |count: u64| folder.path().join(format!("outreach.db-mark-{count}"));
        std::fs::write(&list, "phone").unwrap();
        drop(Store::open(&db).unwrap());
        std::os::unix::fs::symlink(&list, name(2)).unwrap();
        std::fs::hard_link(&list, name(3)).unwrap();
        std::fs::write(name(9), "mine").unwrap();
        for _ in 0..3 {
            drop(Store::open(&db).unwrap());
        }
        assert_eq!(std::fs::read(&list).unwrap(), b"phone");
        assert_eq!(std::fs::read(name(9)).unwrap(), b"mine");
        assert!(name(2).is_symlink() && name(3).exists());
        assert!(name(4).exists() && !name(1).exists(), "it counts on");
    }
}
