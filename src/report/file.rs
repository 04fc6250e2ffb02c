//! A file that appears whole or not at all, readable by its owner only: it may hold phone numbers.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::error::ReportError;

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

/// A file under a temporary name, beside its final one. Dropped before [`Self::publish`], it is removed.
///
/// What is no file (a pipe, a terminal, `/dev/null`) is written to as it is, and never replaced.
pub(super) struct NewFile {
    path: PathBuf,
    /// `None` for what is written in place.
    temporary: Option<TempPath>,
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
        let mut prefix = OsString::from(".");
        prefix.push(target.file_name().unwrap_or_default());
        let created = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".tmp")
            .tempfile_in(folder_of(&target));
        let (file, temporary) = created.map_err(fail)?.into_parts();
        let new = Self {
            path: target,
            temporary: Some(temporary),
        };
        Ok((new, file))
    }

    /// Where the file lies until it is published; `None` if it is written in place.
    pub(super) fn temporary(&self) -> Option<&Path> {
        self.temporary.as_deref()
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

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}
