//! A file that appears whole or not at all, readable by its owner only: it may hold phone numbers.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::ReportError;
use crate::store::{TemporaryFile, WrittenFile, check_plain, folder_of};

/// Writes a whole file, readable by its owner only; it appears whole or not at all.
///
/// # Errors
/// [`ReportError`] if the file cannot be written.
pub(crate) fn write_whole_file(path: &Path, content: &[u8]) -> Result<(), ReportError> {
    let fail = |source| ReportError::from(source).at(path);
    let (new, mut file) = NewFile::create(path)?;
    file.write_all(content).map_err(fail)?;
    new.publish(&file, || ()).map_err(fail)
}

/// Finds out whether the file at `path` could be written, without a trace: a file is made in its folder and removed. A device
/// is asked to take nothing: a full one refuses that.
///
/// # Errors
/// Why it cannot.
pub(crate) fn try_file(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if is_device(&there) => OpenOptions::new()
            .write(true)
            .open(path)?
            .write(&[])
            .map(drop),
        // What is written into a pipe or socket cannot be found out before.
        Ok(there) if !there.is_file() => Ok(()),
        Ok(_) | Err(_) => {
            let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            TemporaryFile::create(folder_of(&target)).map(drop)
        }
    }
}

#[cfg(unix)]
fn is_device(there: &fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_char_device(&there.file_type())
}

#[cfg(not(unix))]
fn is_device(_: &fs::Metadata) -> bool {
    false
}

/// What a file with this content is known by.
pub(crate) fn known_by(content: &[u8]) -> WrittenFile {
    WrittenFile {
        size: content.len() as u64,
        digest: Sha256::digest(content).into(),
    }
}

/// A file under a temporary name, beside its final one. Dropped before [`Self::publish`], it is removed.
///
/// What is no file (a pipe, a terminal, `/dev/null`) is written to as it is, and never replaced.
pub(super) struct NewFile {
    path: PathBuf,
    /// `None` for what is written in place.
    temporary: Option<TemporaryFile>,
}

impl NewFile {
    /// Begins the file that will stand at `path`, or where the link at `path` leads.
    pub(super) fn create(path: &Path) -> Result<(Self, File), ReportError> {
        let fail = |source| ReportError::from(source).at(path);
        if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            let file = OpenOptions::new().write(true).open(path).map_err(fail)?;
            let new = Self {
                path: path.to_owned(),
                temporary: None,
            };
            return Ok((new, file));
        }
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (temporary, file) = TemporaryFile::create(folder_of(&target)).map_err(fail)?;
        let new = Self {
            path: target,
            temporary: Some(temporary),
        };
        Ok((new, file))
    }

    /// The folder where the file will stand; that of the system's temporary files if it is written in place.
    pub(super) fn folder(&self) -> PathBuf {
        match &self.temporary {
            Some(_) => folder_of(&self.path).to_owned(),
            None => std::env::temp_dir(),
        }
    }

    /// Where the file lies until it is published; `None` if it is written in place.
    pub(super) fn temporary(&self) -> Option<&Path> {
        self.temporary.as_ref().map(TemporaryFile::path)
    }

    /// Puts the whole file in its place, after it is on disk.
    pub(super) fn publish(self, file: &File, before_rename: impl FnOnce()) -> io::Result<()> {
        let Some(temporary) = self.temporary else {
            return Ok(());
        };
        file.sync_all()?;
        before_rename();
        temporary.persist(&self.path)?;
        // The rename itself is on disk once the folder is; where folders cannot be opened, the
        // system sees to it.
        if let Ok(folder) = File::open(folder_of(&self.path)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

/// Passes on what is written, and keeps its length and digest.
pub(super) struct Digesting<W> {
    to: W,
    size: u64,
    digest: Sha256,
}

impl<W: Write> Digesting<W> {
    pub(super) fn new(to: W) -> Self {
        Self {
            to,
            size: 0,
            digest: Sha256::new(),
        }
    }

    /// What it was written to, and what was written.
    pub(super) fn end(self) -> (W, WrittenFile) {
        let written = WrittenFile {
            size: self.size,
            digest: self.digest.finalize().into(),
        };
        (self.to, written)
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.size += written as u64;
        self.digest.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Whether the file at `path` is as it was left. What cannot be read is not.
pub(crate) fn is_as_left(path: &Path, left: &WrittenFile) -> bool {
    let same_size = fs::metadata(path).is_ok_and(|now| now.is_file() && now.len() == left.size);
    same_size && file_as_it_is(path).is_ok_and(|now| now == *left)
}

/// What the file at `path` is known by, as it is now.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn file_as_it_is(path: &Path) -> io::Result<WrittenFile> {
    check_plain(path)?;
    let mut file = File::open(path)?;
    let mut digest = Digesting::new(io::sink());
    io::copy(&mut file, &mut digest)?;
    Ok(digest.end().1)
}

/// Whether the file at `path` is a database of SQLite: no report ever takes the place of one.
pub(crate) fn is_database(path: &Path) -> bool {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let mut head = Vec::new();
    let opened = check_plain(path).and_then(|()| File::open(path));
    let read = opened.and_then(|file| file.take(16).read_to_end(&mut head));
    read.is_ok() && head == MAGIC
}
