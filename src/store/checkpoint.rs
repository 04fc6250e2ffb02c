//! An open checkpoint: the writer, and its readers.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::file::{connect, create_private, require};
use super::keys::HashKey;
use super::lock::Hold;
use super::writer::Writer;
use super::{schema, tuning, upgrade};

/// An open checkpoint.
#[derive(Debug)]
pub struct Store {
    pub(super) path: PathBuf,
    pub(super) keys: HashKey,
    pub(super) writer: Writer,
}

impl Store {
    /// Opens the checkpoint for writing; makes and migrates it as needed.
    ///
    /// The file and its companions are readable by the owner only: they hold phone numbers.
    ///
    /// # Errors
    /// [`StoreError`], whose text says what to do.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_file(path).map_err(|error| error.opening(path))
    }

    fn open_file(path: &Path) -> Result<Self, StoreError> {
        create_private(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = connect(path, flags)?;
        upgrade::migrate(path, &mut connection)?;
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
    pub(super) connection: Connection,
    pub(super) keys: HashKey,
}

impl Reader {
    /// Opens an existing checkpoint for reading.
    ///
    /// # Errors
    /// [`StoreError::Open`] if there is none, [`StoreError::Unusable`] if it cannot be read as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_file(path).map_err(|error| error.opening(path))
    }

    fn open_file(path: &Path) -> Result<Self, StoreError> {
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
    /// What is read from now on is as of one moment, until this is called again: many small questions cost
    /// half. To be called now and then, because the log of the checkpoint is kept meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn look_anew(&self) -> Result<(), StoreError> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("COMMIT")?;
        }
        Ok(self.connection.execute_batch("BEGIN")?)
    }

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
