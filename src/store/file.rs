//! The checkpoint's file: made, opened, found missing.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::place::Place;

/// How long a lock of another process is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// Refuses what stands where a file of ours is expected and is no file: opening a named pipe waits without end, and a
/// device holds nothing.
///
/// # Errors
/// What it is.
pub(crate) fn check_plain(path: &Path) -> io::Result<()> {
    let what = match std::fs::metadata(path) {
        Ok(there) if there.is_file() => return Ok(()),
        Ok(there) if there.is_dir() => "a folder",
        Ok(there) if is_pipe(&there) => "a named pipe",
        Ok(_) => "a device or a socket",
        // Nothing is there; or opening it says why not.
        Err(_) => return Ok(()),
    };
    Err(io::Error::other(format!(
        "it is {what}, where a file is expected; move it away"
    )))
}

/// Makes a folder, and those above it, that only its owner may enter.
pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Whether a named pipe is at the path: to open it is to wait for another program. What a shell passes
/// (`<(pass token)`) has its other end, and no name of its own.
pub(crate) fn is_named_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|there| is_pipe(&there))
        && !["/dev", "/proc"].iter().any(|it| path.starts_with(it))
}

#[cfg(unix)]
fn is_pipe(there: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&there.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &std::fs::Metadata) -> bool {
    false
}

pub(super) fn require(path: &Path) -> Result<(), StoreError> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(metadata) if metadata.is_dir() => Err(StoreError::Open {
            path: path.to_owned(),
            detail: "it is a directory".to_owned(),
        }),
        Ok(_) => Err(StoreError::Open {
            path: path.to_owned(),
            detail: "not a file".to_owned(),
        }),
        Err(error) => Err(StoreError::Open {
            path: path.to_owned(),
            detail: error.to_string(),
        }),
    }
}

pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    // SQLite opens these, and would wait.
    let place = Place::of(path).path;
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(suffix);
        let path = place.with_file_name(name);
        check_plain(&path).map_err(|source| StoreError::File { path, source })?;
    }
    if flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        roll_back(path);
    }
    let connection = open(path, flags)?;
    // A plan depends on the statement alone. Otherwise SQLite compiles a statement anew for each value that
    // is bound beside a partial index: half of the time that a message takes.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    // From the root: `:memory:` and `file:x` are names like others, which SQLite would read as something else.
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let connection =
        Connection::open_with_flags(whole, flags).map_err(|error| StoreError::Open {
            path: path.to_owned(),
            detail: error.to_string(),
        })?;
    connection.busy_timeout(busy_timeout())?;
    Ok(connection)
}

/// Undoes what a process had begun that was killed while it made the file or brought an old one forward: before the
/// write-ahead log is on, that stands in a rollback journal, and a connection that only reads cannot use it.
fn roll_back(path: &Path) {
    let path = Place::of(path).path;
    let mut journal = path.file_name().unwrap_or_default().to_owned();
    journal.push("-journal");
    if !path.with_file_name(journal).exists() {
        return;
    }
    // The first reading does it. Where that fails, so does the reading that was asked for, with the reason.
    if let Ok(writer) = open(&path, OpenFlags::SQLITE_OPEN_READ_WRITE) {
        let read = writer.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
        if let Err(error) = read {
            tracing::debug!("{} was not rolled back: {error}", path.display());
        }
    }
}

/// Turns the write-ahead log on. Two processes that make the same file at once stand in each
/// other's way here, and SQLite gives up at once instead of waiting: so we wait.
pub(super) fn write_ahead(connection: &Connection) -> Result<(), StoreError> {
    let begin = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Ok(()) => return Ok(()),
            Err(error) => match StoreError::from(error) {
                StoreError::Busy if begin.elapsed() < busy_timeout() => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                error => return Err(error),
            },
        }
    }
}

/// How long a lock of another process is waited for. In a debug build a test can shorten it.
fn busy_timeout() -> Duration {
    #[cfg(debug_assertions)]
    if let Some(wanted) = std::env::var("OUTREACH_TEST_BUSY_MS")
        .ok()
        .and_then(|text| text.parse().ok())
    {
        return Duration::from_millis(wanted);
    }
    BUSY_TIMEOUT
}

/// Makes the file with owner-only permissions before SQLite does; its companions follow suit.
///
/// A file that exists is not opened: the system would drop all locks that SQLite holds on it in this
/// process when it is closed again.
pub(super) fn create_private(path: &Path) -> Result<(), StoreError> {
    let fail = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full,
        _ => StoreError::Open {
            path: path.to_owned(),
            detail: error.to_string(),
        },
    };
    // A link whose file is missing stands for that file.
    let target = match std::fs::read_link(path) {
        Ok(target) => path.parent().unwrap_or(Path::new("")).join(target),
        Err(_) => path.to_owned(),
    };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&target) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => require(path),
        Err(error) => Err(fail(error)),
    }
}

/// Takes from others the right to read a checkpoint that is there, and what belongs to it; says so. The files
/// are not opened for it.
pub(super) fn tighten(path: &Path) {
    let Ok(path) = std::fs::canonicalize(path) else {
        return;
    };
    for suffix in ["", "-wal", "-shm", "-mark"] {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(suffix);
        owner_only(&path.with_file_name(name));
    }
}

/// Takes from others the right to read and write the file, if there is one.
#[cfg(unix)]
fn owner_only(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(file) = std::fs::metadata(path) else {
        return;
    };
    let mode = file.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        return;
    }
    let narrow = std::fs::Permissions::from_mode(mode & 0o700);
    match std::fs::set_permissions(path, narrow) {
        Ok(()) => tracing::warn!(
            "{} could be read by others (mode {mode:03o}), and holds phone numbers: only you can read it from now on",
            path.display()
        ),
        Err(error) => tracing::warn!(
            "{} can be read by others (mode {mode:03o}), and holds phone numbers; that cannot be changed: {error}",
            path.display()
        ),
    }
}

#[cfg(not(unix))]
fn owner_only(_: &Path) {}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::super::checkpoint::{Reader, Store};
    use super::*;

    #[test]
    fn no_statement_is_compiled_anew_for_the_values_that_it_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outreach.db");
        drop(Store::open(&path).unwrap());
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        // Beside an index that holds some of the rows only.
        let mut select = connection
            .prepare(
                "SELECT id FROM contact WHERE api_id = ?1 AND channel = ?2 ORDER BY former, id",
            )
            .unwrap();
        for id in 5..10 {
            assert!(!select.exists([id, id]).unwrap());
        }
        assert_eq!(select.get_status(StatementStatus::RePrepare), 0);
    }

    /// A file as a process leaves it that is killed while it makes it: its first transaction is begun, and in the
    /// journal stands how to undo it.
    fn killed_while_made(path: &Path) {
        let folder = tempfile::tempdir().unwrap();
        let original = folder.path().join("outreach.db");
        let connection = Connection::open(&original).unwrap();
        connection
            .execute_batch("PRAGMA user_version = 0; BEGIN; CREATE TABLE batch (id)")
            .unwrap();
        connection.cache_flush().unwrap();
        for suffix in ["", "-journal"] {
            let named = |path: &Path| {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                name
            };
            std::fs::copy(named(&original), named(path)).unwrap();
        }
    }

    #[test]
    fn what_a_process_began_that_was_killed_while_it_made_the_file_is_undone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outreach.db");
        killed_while_made(&path);
        let error = Reader::open(&path).unwrap_err();
        assert!(matches!(error.cause(), StoreError::Unfinished), "{error}");
        drop(Store::open(&path).unwrap());
        Reader::open(&path).unwrap();
    }
}
