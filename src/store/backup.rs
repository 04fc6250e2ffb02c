//! A copy of the checkpoint, to be put away: whole as of one moment, also beside a process that sends.
//!
//! It says of itself that it is a backup. Nothing is sent from it before a person says that it is the one to go
//! on with: the checkpoint that it was made of may be in use, and knows whom it messaged since.

use std::fs::File;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::OpenFlags;

use super::checkpoint::Reader;
use super::columns::to_millis;
use super::error::StoreError;
use super::file::connect;
use super::home;
use super::temporary::{TemporaryCopy, folder_of};

impl Reader {
    /// Writes the checkpoint as it is now to `file`, which must not be there, readable by its owner only. It takes
    /// that name when it is whole, checked and on disk. Returns its size in bytes.
    ///
    /// # Errors
    /// [`StoreError::File`] if it cannot be written, or a file of that name is there;
    /// [`StoreError::Damaged`] if the copy is damaged, which is then removed.
    pub fn back_up(&self, file: &Path, now: Timestamp) -> Result<u64, StoreError> {
        let folder = folder_of(file);
        let failed = |source| StoreError::File {
            path: file.to_owned(),
            source,
        };
        let temporary = TemporaryCopy::create(folder).map_err(failed)?;
        let copied = self.copy_to(temporary.path(), now);
        let faults = copied.map_err(|error| match error {
            StoreError::Full => failed(io::ErrorKind::StorageFull.into()),
            other => other,
        })?;
        if let Some(fault) = faults.into_iter().next() {
            return Err(StoreError::Damaged {
                path: file.to_owned(),
                fault,
            });
        }
        // After the last connection to it is closed: to close a file drops the locks that SQLite holds on it.
        let size = File::open(temporary.path())
            .and_then(|copy| copy.sync_all().and_then(|()| copy.metadata()))
            .map_err(failed)?
            .len();
        temporary.persist_noclobber(file).map_err(failed)?;
        // The name is on disk once the folder is; where folders cannot be opened, the system sees to it.
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(size)
    }

    /// Copies, marks and checks. Returns what is damaged.
    fn copy_to(&self, copy: &Path, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.connection
            .execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
        let marking = connect(copy, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        home::mark_backup(&marking, to_millis(now))?;
        drop(marking);
        Self::open(copy)?.quick_faults()
    }
}
