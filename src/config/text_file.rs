//! Files of settings, of secrets and of messages.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use crate::store::is_named_pipe;

/// No file of settings, of a secret or of a message is longer: 1 MiB.
const LONGEST: u64 = 1 << 20;

/// The text of a file of settings, of a secret, or of a message. One that never ends (`/dev/zero`), or that is
/// surely another file, is given up.
///
/// # Errors
/// What reading it reports, or that it is too long.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    if is_named_pipe(path) {
        return Err(io::Error::other(
            "it is a pipe with a name, which would be waited for without end; name a file",
        ));
    }
    let text = io::read_to_string(File::open(path)?.take(LONGEST + 1))?;
    if text.len() as u64 > LONGEST {
        let told = format!("it is longer than {} MiB", LONGEST >> 20);
        return Err(io::Error::new(ErrorKind::FileTooLarge, told));
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
