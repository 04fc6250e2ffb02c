//! A compact copy of a checkpoint, kept on the engine: a new node begins with it.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use super::position::{self, Position};
use crate::cluster::{Hash, LogError, Postgres, Snapshot};
use crate::store::error::StoreError;
use crate::store::file::connect;
use crate::store::log::{length, log_path};
use crate::store::temporary::{TemporaryCopy, TemporaryFile, folder_of};

/// The size of a part.
const PART: usize = 4 << 20;

/// A copy that is ready to be stored.
#[derive(Debug)]
pub(in crate::store) struct Packed {
    file: TemporaryFile,
    // Its lock says that it is in use.
    _open: File,
    pub(in crate::store) digest: Hash,
    /// How far the copy has come; `None` if it is no replica yet.
    pub(in crate::store) position: Option<Position>,
}

fn failed(path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |source| StoreError::File {
        path: path.to_owned(),
        source,
    }
}

/// Copies and compresses the checkpoint without what is of one node alone.
pub(in crate::store) fn pack(checkpoint: &Path) -> Result<Packed, StoreError> {
    let beside = failed(checkpoint);
    let folder = folder_of(checkpoint);
    let copy = TemporaryCopy::create(folder).map_err(&beside)?;
    let reader = connect(checkpoint, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    reader.execute("VACUUM INTO ?1", [copy.path().to_string_lossy()])?;
    drop(reader);
    let position = strip(copy.path())?;
    let (file, into) = TemporaryFile::create(folder).map_err(&beside)?;
    let packed = || -> io::Result<Hash> {
        let mut encoder = zstd::Encoder::new(&into, 3)?;
        io::copy(&mut File::open(copy.path())?, &mut encoder)?;
        encoder.finish()?.flush()?;
        let (mut hash, mut written) = (Sha256::new(), File::open(file.path())?);
        let mut part = vec![0; PART];
        loop {
            match written.read(&mut part)? {
                0 => return Ok(hash.finalize().into()),
                length => hash.update(&part[..length]),
            }
        }
    };
    let digest = packed().map_err(&beside)?;
    Ok(Packed {
        file,
        _open: into,
        digest,
        position,
    })
}

/// Takes out of a copy what is of its node alone; returns how far it had come.
fn strip(copy: &Path) -> Result<Option<Position>, StoreError> {
    let connection = connect(copy, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let position = if position::is_replica(&connection)? {
        Some(Position::read(&connection)?)
    } else {
        None
    };
    connection.pragma_update(None, "secure_delete", true)?;
    connection.execute("DELETE FROM node WHERE rowid >= 0", [])?;
    connection.execute("DELETE FROM written_file WHERE id IS NOT NULL", [])?;
    Ok(position)
}

impl Packed {
    /// Its parts, one after the other.
    pub(in crate::store) fn parts(
        &self,
    ) -> Result<impl FnMut() -> Result<Option<Vec<u8>>, LogError>, StoreError> {
        let mut file = File::open(self.file.path()).map_err(failed(self.file.path()))?;
        Ok(move || {
            let mut part = Vec::new();
            (&mut file)
                .take(PART as u64)
                .read_to_end(&mut part)
                .map_err(|error| {
                    LogError::Refused(format!("the snapshot cannot be read: {error}"))
                })?;
            Ok((!part.is_empty()).then_some(part))
        })
    }
}

/// Makes a checkpoint of the newest snapshot at the path, where no file is.
pub(in crate::store) fn restore(
    log: &mut Postgres,
    id: &str,
    path: &Path,
) -> Result<(), StoreError> {
    let Some(snapshot) = log.snapshot()? else {
        return Err(StoreError::Cluster {
            detail: "the log has no snapshot to join from".to_owned(),
        });
    };
    let beside = failed(path);
    let wal = log_path(&path.to_string_lossy());
    // Another process of this machine may have been faster: then the log is that of its file.
    if length(&wal).is_some_and(|length| length > 0) && !path.exists() {
        return Err(StoreError::Cluster {
            detail: format!(
                "{} belongs to a file that stood here before: move it to where that is, then run the same command again",
                wal.display()
            ),
        });
    }
    let (packed, mut into) = TemporaryFile::create(folder_of(path)).map_err(&beside)?;
    let mut hash = Sha256::new();
    for number in 0_i32.. {
        let Some(part) = log.snapshot_part(snapshot.seq, number)? else {
            break;
        };
        hash.update(&part);
        into.write_all(&part).map_err(&beside)?;
    }
    let digest: Hash = hash.finalize().into();
    if digest != snapshot.digest && log.snapshot()? != Some(snapshot) {
        // Another took its place while it was read.
        return restore(log, id, path);
    }
    if digest != snapshot.digest {
        return Err(StoreError::Cluster {
            detail: "the snapshot on the engine is damaged; on a node that is whole, `outreach cluster compact` makes a new one".to_owned(),
        });
    }
    let copy = TemporaryCopy::create(folder_of(path)).map_err(&beside)?;
    let write = || {
        let to = File::options().write(true).open(copy.path())?;
        zstd::stream::copy_decode(File::open(packed.path())?, to)
    };
    write().map_err(&beside)?;
    settle_in(copy.path(), id, &snapshot)?;
    let synced = File::open(copy.path()).and_then(|copy| copy.sync_all());
    synced.map_err(&beside)?;
    match copy.persist_noclobber(path) {
        // Another process of this machine was faster.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(beside(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn settle_in(copy: &Path, id: &str, snapshot: &Snapshot) -> Result<(), StoreError> {
    let connection: Connection = connect(copy, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let position = Position {
        seq: snapshot.seq,
        hash: snapshot.hash,
    };
    position.begin(&connection, id)?;
    crate::store::mark::begin(&connection)
}
