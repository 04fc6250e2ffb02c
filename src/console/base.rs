//! What the files of the console share.

use std::fmt::Write as _;

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

/// A text as a part of an address or of a header: all but letters, digits and `-_.` in percent encoding.
pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
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
