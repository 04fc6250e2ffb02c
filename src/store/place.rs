//! Which file a path means: by device and inode where it is there, else by its resolved name.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Links that lead on are followed so often, as the system does.
const LINKS: usize = 40;

/// The file that a path means. No file is opened for it: to close the checkpoint would drop the locks that
/// SQLite holds on it in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The path without links, also where no file is there yet.
    pub(crate) path: PathBuf,
    id: Option<FileId>,
}

/// Device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl Place {
    /// Where the path leads.
    pub(crate) fn of(path: &Path) -> Self {
        let path = resolve(path);
        Self {
            id: FileId::of(&path),
            path,
        }
    }

    /// Whether both are one file.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.path == other.path || (self.id.is_some() && self.id == other.id)
    }

    /// Whether this is the checkpoint there, or one of the files that belong to it: log, mark, locks, copies.
    pub(crate) fn belongs_to(&self, checkpoint: &Self) -> bool {
        let Some(name) = checkpoint.path.file_name() else {
            return false;
        };
        let beside = self.path.parent() == checkpoint.path.parent();
        self.is(checkpoint)
            || (beside
                && self
                    .path
                    .file_name()
                    .is_some_and(|own| is_companion(own, name)))
            || (self.id.is_some() && self.is_linked_to_companion(checkpoint, name))
    }

    /// Whether a companion of the checkpoint is this very file under another name.
    fn is_linked_to_companion(&self, checkpoint: &Self, name: &OsStr) -> bool {
        let folder = checkpoint.path.parent().unwrap_or(Path::new("."));
        let Ok(entries) = std::fs::read_dir(folder) else {
            return false;
        };
        entries
            .flatten()
            .filter(|entry| is_companion(&entry.file_name(), name))
            .any(|entry| FileId::of(&entry.path()) == self.id)
    }
}

/// `outreach.db-wal`, `outreach.db-spring-1a2b3c4d.lock`, `outreach.db.v3.bak`.
fn is_companion(name: &OsStr, checkpoint: &OsStr) -> bool {
    const ONES: [&[u8]; 5] = [b"-wal", b"-shm", b"-journal", b"-mark", b"-reserve"];
    let (name, checkpoint) = (name.as_encoded_bytes(), checkpoint.as_encoded_bytes());
    name.strip_prefix(checkpoint).is_some_and(|rest| {
        ONES.contains(&rest)
            || (rest.starts_with(b"-") && rest.ends_with(b".lock"))
            || (rest.starts_with(b".v") && rest.ends_with(b".bak"))
    })
}

/// The name of this machine.
#[cfg(unix)]
pub(super) fn machine_name() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// The file among those of all machines.
pub(super) fn place_name(path: &Path) -> String {
    format!("{} {:?}", machine_name(), Place::of(path))
}

#[cfg(not(unix))]
pub(super) fn machine_name() -> String {
    String::new()
}

impl FileId {
    /// Of the file at the path, or where a link there leads; `None` if there is none.
    #[cfg(unix)]
    pub(super) fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let file = std::fs::metadata(path).ok()?;
        Some(Self(file.dev(), file.ino()))
    }

    /// Elsewhere an open file cannot be removed, and the name is enough.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Path) -> Option<Self> {
        None
    }
}

/// The path without links. A link whose file is missing stands for that file.
fn resolve(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        if let Ok(there) = std::fs::canonicalize(&path) {
            return there;
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        };
        match std::fs::read_link(&path) {
            Ok(target) => path = folder.join(target),
            Err(_) => {
                return match (std::fs::canonicalize(folder), path.file_name()) {
                    (Ok(folder), Some(name)) => folder.join(name),
                    (Err(_), _) | (_, None) => path,
                };
            }
        }
    }
    path
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_the_same_under_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("outreach.db"), "").unwrap();
        std::fs::write(at("outreach.db-wal"), "").unwrap();
        symlink("outreach.db", at("link")).unwrap();
        std::fs::hard_link(at("outreach.db"), at("hard")).unwrap();
        std::fs::hard_link(at("outreach.db-wal"), at("log")).unwrap();
        symlink("outreach.db-spring-00000000.lock", at("lock")).unwrap();
        let checkpoint = Place::of(&at("outreach.db"));
        for name in [
            "outreach.db",
            "link",
            "hard",
            "log",
            "lock",
            "outreach.db-wal",
            "outreach.db-shm",
            "outreach.db.v3.bak",
        ] {
            assert!(Place::of(&at(name)).belongs_to(&checkpoint), "{name}");
        }
        for name in ["results.csv", "outreach.dbx", "my-outreach.db"] {
            assert!(!Place::of(&at(name)).belongs_to(&checkpoint), "{name}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_yet_has_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("sub")).unwrap();
        symlink("new.csv", at("link")).unwrap();
        let new = Place::of(&at("new.csv"));
        assert!(Place::of(&at("link")).is(&new));
        assert!(Place::of(&at("sub/../new.csv")).is(&new));
        assert!(!Place::of(&at("sub/new.csv")).is(&new));
    }
}
