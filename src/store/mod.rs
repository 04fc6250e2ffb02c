//! The checkpoint: one SQLite file that knows every recipient's state. The only place with SQL.
//!
//! - Durable: WAL with `synchronous=FULL`. What a method returned as done is on disk.
//! - One writer: a thread owns the write connection and commits in groups. Readers use
//!   connections of their own and work at any time, beside a sending process too.
//! - One holder for a batch: an OS file lock that dies with its process ([`Hold`]).
//! - The key of a recipient is its batch and its place in it; work goes in that order, and people, requests
//!   and ids of the API follow it, so that the pages of a group commit are neighbours.
//! - A person stands in one row, and all that concerns a person is found by its id.

mod attempt;
mod audit;
mod batch;
mod change;
mod channel;
mod contact;
mod error;
mod event;
mod evidence;
mod faults;
mod forget;
mod funnel;
mod halt;
mod history;
mod ids;
mod journal;
mod keys;
mod loader;
mod lock;
mod metrics;
mod person;
mod quota;
mod resolve;
mod results;
mod schema;
mod suppression;
mod tally;
mod tuning;
mod upgrade;
mod writer;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use crate::domain::phone::PhoneNumber;

pub use audit::{AttemptRecord, Story, UnknownRow};
pub use batch::{Batch, BatchName, NewBatch, RunRecord};
pub use change::{Change, ListChange};
pub use contact::{Contact, ContactMessage};
pub use error::StoreError;
pub use event::{Incoming, Taken, WaitingEvents};
pub use forget::{Erased, ForgetError};
pub use funnel::Funnel;
pub use history::Verdict;
pub use ids::{BatchId, RecipientId};
pub use journal::{
    Claim, ClaimRules, Claimed, Journal, JournalStart, Opening, QuotaUpdate, Settled, Settlement,
    Window,
};
pub use keys::HashKey;
pub use loader::Loader;
pub use lock::Hold;
pub use metrics::{BatchMetrics, Metrics};
pub use quota::PastRequests;
pub use resolve::{Decision, Proof};
pub use results::{MessageFacts, ResultRow};
pub use suppression::SuppressionEntry;
pub use tally::Counts;

use writer::Writer;

/// How long a lock of another process is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// An open checkpoint.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    keys: HashKey,
    writer: Writer,
}

impl Store {
    /// Opens the checkpoint for writing; makes and migrates it as needed.
    ///
    /// The file and its companions are readable by the owner only: they hold phone numbers.
    ///
    /// # Errors
    /// [`StoreError`], whose text says what to do.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        create_private(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = connect(path, flags)?;
        upgrade::migrate(path, &mut connection)?;
        write_ahead(&connection)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What is erased or pruned must not linger in the file.
        connection.pragma_update(None, "secure_delete", true)?;
        tuning::for_lists(&connection)?;
        connection.set_prepared_statement_cache_capacity(128);
        let keys = HashKey::load(&connection)?;
        let writer = Writer::start(connection, path)?;
        Ok(Self {
            path: path.to_owned(),
            keys,
            writer,
        })
    }

    /// Opens an existing checkpoint; for commands that have nothing to do without one.
    ///
    /// # Errors
    /// [`StoreError::Open`] if there is no such file, else as [`Store::open`].
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        require(path)?;
        Self::open(path)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The checkpoint's random id, in hexadecimal digits: it stands in the metadata of every message.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn uid(&self) -> Result<String, StoreError> {
        self.reader()?.uid()
    }

    /// A reader on the same file.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Reader::open(&self.path)
    }

    /// Takes the right to change a batch.
    ///
    /// # Errors
    /// [`StoreError::Held`] if another process has it.
    pub fn hold(&self, batch: &str, now: Timestamp) -> Result<Hold, StoreError> {
        // One file may have many names (a link, a relative path): the lock goes by the file's own.
        let path = std::fs::canonicalize(&self.path).map_err(|source| StoreError::File {
            path: self.path.clone(),
            source,
        })?;
        Hold::take(
            &path,
            batch,
            &now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        )
    }
}

/// A read-only view of the checkpoint, at any time, beside a sending process too.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    keys: HashKey,
}

impl Reader {
    /// Opens an existing checkpoint for reading.
    ///
    /// # Errors
    /// [`StoreError::Open`] if there is none, [`StoreError::Newer`] and so on as for writing.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        require(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = connect(path, flags)?;
        match schema::version(&connection)? {
            schema::VERSION => {}
            0 => return Err(StoreError::Unfinished),
            found => {
                return Err(StoreError::Older {
                    found,
                    known: schema::VERSION,
                });
            }
        }
        let keys = HashKey::load(&connection)?;
        Ok(Self { connection, keys })
    }
}

impl Reader {
    /// The checkpoint's random id, in hexadecimal digits.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn uid(&self) -> Result<String, StoreError> {
        Ok(self
            .connection
            .query_row("SELECT lower(hex(uid)) FROM checkpoint", [], |row| {
                row.get(0)
            })?)
    }
}

fn require(path: &Path) -> Result<(), StoreError> {
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

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| StoreError::Open {
            path: path.to_owned(),
            detail: error.to_string(),
        })?;
    connection.busy_timeout(busy_timeout())?;
    Ok(connection)
}

/// Turns the write-ahead log on. Two processes that make the same file at once stand in each
/// other's way here, and SQLite gives up at once instead of waiting: so we wait.
fn write_ahead(connection: &Connection) -> Result<(), StoreError> {
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
fn create_private(path: &Path) -> Result<(), StoreError> {
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

/// A number as it is stored.
fn phone_to_column(phone: PhoneNumber) -> i64 {
    // 15 digits fit.
    i64::try_from(phone.get()).unwrap_or(i64::MAX)
}

/// A number as it was stored.
fn phone_from_column(column: i64) -> Result<PhoneNumber, StoreError> {
    u64::try_from(column)
        .ok()
        .and_then(PhoneNumber::from_e164)
        .ok_or_else(|| StoreError::Value {
            detail: "a phone number out of range".to_owned(),
        })
}

/// Milliseconds since 1970, as times are stored.
fn to_millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

fn from_millis(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis).map_err(|_| StoreError::Value {
        detail: format!("{millis} is no time"),
    })
}
