//! Files of settings, of secrets and of messages.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::locked::lock;
use crate::store::is_named_pipe;

/// No file of settings, of a secret or of a message is longer: 1 MiB.
const LONGEST: u64 = 1 << 20;

/// Texts of files that settings name. What comes through a pipe of the shell (`--token-file <(...)`) can be read only once,
/// and what a setting names is asked for several times: it is kept.
#[derive(Default)]
pub(super) struct NamedTexts(Mutex<BTreeMap<PathBuf, String>>);

impl NamedTexts {
    /// As [`read_text`].
    ///
    /// # Errors
    /// As [`read_text`].
    pub(super) fn read(&self, path: &Path) -> io::Result<String> {
        if path.is_file() {
            return read_text(path);
        }
        let mut known = lock(&self.0);
        if let Some(text) = known.get(path) {
            return Ok(text.clone());
        }
        let text = read_text(path)?;
        known.insert(path.to_owned(), text.clone());
        Ok(text)
    }
}

/// The text of a file of settings, of a secret, or of a message. One that never ends (`/dev/zero`), or that is
/// surely another file, is given up.
///
/// # Errors
/// What reading it reports, or that it is too long.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    if is_named_pipe(path) {
        return Err(io::Error::other(
            "it is a named pipe, for which the program would wait without end; name a file",
        ));
    }
    read_bounded(File::open(path)?)
}

fn read_bounded(file: File) -> io::Result<String> {
    let text = io::read_to_string(file.take(LONGEST + 1))?;
    if text.len() as u64 > LONGEST {
        let message = format!("it is longer than {} MiB", LONGEST >> 20);
        return Err(io::Error::new(ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

/// As [`read_text`], of a file that nobody named: a pipe that lies there would be waited for without end.
pub(super) fn read_found(path: &Path) -> io::Result<String> {
    if std::fs::metadata(path)?.is_file() {
        read_text(path)
    } else {
        Err(io::Error::other("it is no file"))
    }
}
