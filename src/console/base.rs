//! What the files of the console share.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::text::hex;

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

/// Makes a folder that only its owner may enter.
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// 32 random bytes, in hexadecimal digits.
pub(super) fn random() -> Result<String, String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("this machine gives no random numbers: {error}"))?;
    Ok(hex(&bytes))
}

/// The SHA-256 of a text, in hexadecimal digits.
pub(super) fn digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}
