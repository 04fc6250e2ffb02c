//! What the files of the console share.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// Batches that reach people, or that reach nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Kind {
    /// People are messaged.
    Real,
    /// A rehearsal.
    Rehearsal,
}

impl Kind {
    /// The folder of its batches in the address.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Real => "batches",
            Self::Rehearsal => "rehearsals",
        }
    }
}

/// A lock that a panic of another request does not take from the others.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a folder that only its owner may enter.
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
