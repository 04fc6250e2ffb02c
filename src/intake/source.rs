//! Where the bytes come from: files, standard input, compressed or not, and their digest.
//!
//! A source is read twice, once to examine it and once to judge it. Standard input is kept for that:
//! in memory while it is small, else in a temporary file without a name.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use sha2::{Digest as _, Sha256};

use crate::domain::inbox::{is_format, is_packing};
use crate::domain::text::hex;
use crate::locked::lock;

/// Where contacts are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    Path(PathBuf),
    /// A file that is called otherwise than where it lies.
    Named {
        /// Where it lies.
        path: PathBuf,
        /// What it is called in messages and in the batch.
        name: String,
    },
    /// Standard input.
    Stdin,
    /// A text that the program made.
    Text {
        /// What it is called in messages, and what a batch is named after.
        name: String,
        /// The text.
        text: Arc<str>,
    },
}

impl Source {
    /// The name for messages.
    pub fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Stdin => "standard input".to_owned(),
            Self::Text { name, .. } | Self::Named { name, .. } => name.clone(),
        }
    }

    /// Whether it can be read only once: standard input, and a pipe.
    pub fn is_read_once(&self) -> bool {
        match self {
            Self::Path(path) | Self::Named { path, .. } => {
                let there = std::fs::metadata(path);
                there.is_ok_and(|there| !there.is_file() && !there.is_dir())
            }
            Self::Stdin => true,
            Self::Text { .. } => false,
        }
    }

    /// The file's name without folder and suffixes: what a batch is named after.
    pub fn stem(&self) -> String {
        let path = match self {
            Self::Path(path) => path.as_path(),
            Self::Named { name, .. } => Path::new(name),
            Self::Stdin => return "stdin".to_owned(),
            Self::Text { name, .. } => return name.clone(),
        };
        Self::stem_of(&path.to_string_lossy())
    }

    /// That of a path.
    pub(super) fn stem_of(path: &str) -> String {
        let name = Path::new(path)
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let stem = without_end(without_end(&name, is_packing), is_format);
        if stem.is_empty() {
            "contacts".to_owned()
        } else {
            stem.to_owned()
        }
    }
}

/// The name without its end, if that is one of these, in any case; a name that is nothing but the end stays.
fn without_end(name: &str, is_end: fn(&str) -> bool) -> &str {
    match name.rsplit_once('.') {
        Some((head, end)) if !head.is_empty() && is_end(&end.to_lowercase()) => head,
        Some(_) | None => name,
    }
}

/// The SHA-256 of the input's bytes, as they lie on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileDigest([u8; 32]);

impl FileDigest {
    /// The 32 bytes.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// That of another list in the same file: of a sheet which is not its workbook's first, or with other numbers.
    pub(super) fn with(self, what: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(what);
        Self(hash.finalize().into())
    }

    /// One digest for several files; for a single file its own, as `sha256sum` prints it.
    pub(super) fn of_all(digests: &[Self]) -> Self {
        if let [only] = digests {
            return *only;
        }
        let mut hash = Sha256::new();
        for digest in digests {
            hash.update(digest.0);
        }
        Self(hash.finalize().into())
    }
}

impl std::fmt::Display for FileDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// The bytes of one source, which can be read again from the start.
#[derive(Debug)]
pub(super) enum Bytes {
    File(File),
    Memory(Arc<[u8]>),
}

/// Standard input up to this size stays in memory.
const IN_MEMORY: u64 = 8 << 20;

impl Bytes {
    pub(super) fn open(source: &Source) -> io::Result<Self> {
        match source {
            Source::Path(path) | Source::Named { path, .. } => {
                let file = File::open(path)?;
                if file.metadata()?.is_file() {
                    return Ok(Self::File(file));
                }
                if file.metadata()?.is_dir() {
                    return Err(io::Error::new(
                        io::ErrorKind::IsADirectory,
                        "it is a folder",
                    ));
                }
                // A named pipe or a shell's process substitution can be read once only.
                spool(file)
            }
            Source::Stdin => spool(io::stdin().lock()),
            Source::Text { text, .. } => Ok(Self::Memory(text.as_bytes().into())),
        }
    }

    /// Those of a text.
    pub(super) fn of(text: &str) -> Self {
        Self::Memory(text.as_bytes().into())
    }

    fn reader(&self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::File(file) => {
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(0))?;
                Ok(Box::new(file))
            }
            Self::Memory(bytes) => Ok(Box::new(Cursor::new(Arc::clone(bytes)))),
        }
    }

    /// Opens the bytes from their start, decompressed where their first bytes say that they are compressed.
    pub(super) fn decompressed(&self) -> io::Result<(Box<dyn Read + Send>, RunningDigest)> {
        let mut head = Vec::new();
        self.reader()?.take(4).read_to_end(&mut head)?;
        let running = RunningDigest::default();
        let hashed = Hashed {
            inner: self.reader()?,
            hash: Arc::clone(&running.0),
        };
        let reader: Box<dyn Read + Send> = if head.starts_with(&[0x1f, 0x8b]) {
            Box::new(flate2::read::MultiGzDecoder::new(BufReader::with_capacity(
                1 << 16,
                hashed,
            )))
        } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Box::new(zstd::stream::read::Decoder::new(hashed)?)
        } else {
            Box::new(hashed)
        };
        Ok((reader, running))
    }
}

pub(super) fn spool(mut from: impl Read) -> io::Result<Bytes> {
    let mut start = Vec::new();
    from.by_ref().take(IN_MEMORY).read_to_end(&mut start)?;
    if (start.len() as u64) < IN_MEMORY {
        return Ok(Bytes::Memory(start.into()));
    }
    // The file has no name and vanishes with its handle: it holds phone numbers.
    let mut file = tempfile::tempfile()?;
    file.write_all(&start)?;
    io::copy(&mut from, &mut file)?;
    Ok(Bytes::File(file))
}

/// Reads what is there; 0 at the end. A signal does not end the reading.
pub(super) fn read_some(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// The digest of what was read so far.
#[derive(Debug, Clone, Default)]
pub(super) struct RunningDigest(Arc<Mutex<Sha256>>);

impl RunningDigest {
    pub(super) fn finish(&self) -> FileDigest {
        FileDigest(lock(&self.0).clone().finalize().into())
    }
}

/// A reader that hashes what passes through it.
struct Hashed<R> {
    inner: R,
    hash: Arc<Mutex<Sha256>>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(into)?;
        lock(&self.hash).update(into.get(..length).unwrap_or(&[]));
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_named_after_the_file_without_its_suffixes() {
        for (path, stem) in [
            ("a/contacts.csv", "contacts"),
            ("contacts.CSV.gz", "contacts"),
            ("list.xlsx", "list"),
            ("2026.05.csv", "2026.05"),
            (".csv", ".csv"),
            ("noext", "noext"),
        ] {
            assert_eq!(Source::Path(path.into()).stem(), stem, "{path}");
        }
        assert_eq!(Source::Stdin.stem(), "stdin");
    }

    #[test]
    fn a_large_stream_goes_to_a_file_and_reads_the_same_twice() {
        let length = IN_MEMORY + 10;
        let bytes = spool(io::repeat(b'7').take(length)).unwrap();
        assert!(matches!(bytes, Bytes::File(_)));
        let read = || {
            let (mut reader, digest) = bytes.decompressed().unwrap();
            (
                io::copy(&mut reader, &mut io::sink()).unwrap(),
                digest.finish(),
            )
        };
        assert_eq!(read().0, length);
        assert_eq!(read(), read());
    }

    #[test]
    fn the_digest_of_one_file_is_its_sha256() {
        let bytes = Bytes::Memory(Arc::from(&b"abc"[..]));
        let (mut reader, digest) = bytes.decompressed().unwrap();
        io::copy(&mut reader, &mut io::sink()).unwrap();
        let of_one = FileDigest::of_all(&[digest.finish()]);
        assert_eq!(
            of_one.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
