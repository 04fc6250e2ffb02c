//! Whether a list may name the rows that its rows mend: looked up in its first bytes, so that a long list is not read
//! once more for it.

use std::io::Read as _;

use super::formats::archive_mentions;
use super::source::{Bytes, Source};

/// The column of a rejects file that names the row that is mended.
pub(crate) const MENDS: &str = "outreach_mends";

/// A header stands in so many bytes at the beginning of a text, or of a part of an archive.
const BEGIN: u64 = 1 << 20;

/// Whether the list may have the column. What can be read only once is not looked into.
pub(crate) fn may_mend(source: &Source) -> bool {
    if source.is_read_once() {
        return false;
    }
    let (Source::Path(path) | Source::Named { path, .. }) = source else {
        return false;
    };
    let Ok(bytes) = Bytes::open(source) else {
        // The reader says why it cannot be read.
        return false;
    };
    let mut head = Vec::new();
    let read = bytes
        .decompressed()
        .and_then(|(reader, _)| reader.take(BEGIN).read_to_end(&mut head));
    if read.is_err() {
        return false;
    }
    if head.starts_with(b"PK") {
        return std::fs::File::open(path)
            .is_ok_and(|file| archive_mentions(file, MENDS.as_bytes(), BEGIN));
    }
    // Text of two bytes a letter has a zero in each.
    head.retain(|byte| *byte != 0);
    head.windows(MENDS.len()).any(|it| it == MENDS.as_bytes())
}
