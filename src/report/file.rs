//! A file that appears whole or not at all, readable by its owner only: it may hold phone numbers.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::ReportError;

/// Writes a whole file, readable by its owner only; it appears whole or not at all.
///
/// # Errors
/// [`ReportError`] if the file cannot be written.
pub fn write_whole_file(path: &Path, content: &[u8]) -> Result<(), ReportError> {
    let fail = |source| ReportError::from(source).at(path);
    let (new, mut file) = NewFile::create(path)?;
    file.write_all(content).map_err(fail)?;
    new.publish(&file, || ()).map_err(fail)
}

/// A file under its temporary name, beside its final one. Dropped before [`Self::publish`], it goes.
pub(super) struct NewFile {
    path: PathBuf,
    temporary: PathBuf,
    published: bool,
}

impl NewFile {
    /// Begins the file that will stand at `path`.
    pub(super) fn create(path: &Path) -> Result<(Self, File), ReportError> {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&temporary)
            .map_err(|source| ReportError::from(source).at(path))?;
        let new = Self {
            path: path.to_owned(),
            temporary,
            published: false,
        };
        Ok((new, file))
    }

    /// Where the file lies until it is published.
    pub(super) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Puts the whole file in its place, after it is on disk.
    pub(super) fn publish(mut self, file: &File, before_rename: impl FnOnce()) -> io::Result<()> {
        file.sync_all()?;
        before_rename();
        fs::rename(&self.temporary, &self.path)?;
        self.published = true;
        // The rename itself is on disk once the folder is; where folders cannot be opened, the
        // system sees to it.
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        };
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.published {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}
