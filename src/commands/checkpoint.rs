//! Which checkpoint a command about existing batches means, and which batch.

use std::path::{Path, PathBuf};

use super::error::CommandError;
use crate::config::Settings;
use crate::exit::ExitCode;
use crate::report::Hints;
use crate::store::{Batch, Reader};

/// Where rehearsals are kept.
pub(super) const SANDBOX: &str = "sandbox.db";

/// A checkpoint that is there.
#[derive(Debug)]
pub(super) struct Found {
    /// The file.
    pub(super) path: PathBuf,
    /// What a suggested command must say to find it again.
    pub(super) db: Option<PathBuf>,
}

impl Found {
    pub(super) fn hints(&self) -> Hints {
        Hints {
            db: self.db.clone(),
            ..Hints::default()
        }
    }

    /// Opens it for reading.
    pub(super) fn reader(&self) -> Result<Reader, CommandError> {
        Ok(Reader::open(&self.path)?)
    }

    /// Opens it for reading, and finds the batch.
    pub(super) fn batch(&self, name: &str) -> Result<(Reader, Batch), CommandError> {
        let reader = self.reader()?;
        let batch = reader.batch(name)?;
        Ok((reader, batch))
    }
}

/// The checkpoint of the settings. If they name none: `outreach.db`; or that of the rehearsals, if
/// it alone is there, or it alone has the batch.
pub(super) fn find(settings: &Settings, batch: Option<&str>) -> Result<Found, CommandError> {
    let checkpoint = settings.checkpoint()?;
    if checkpoint.is_named() {
        return Ok(Found {
            path: checkpoint.db().to_owned(),
            db: checkpoint.db_by_flag().map(Path::to_owned),
        });
    }
    let real = checkpoint.db().to_owned();
    let sandbox = Path::new(SANDBOX);
    let rehearsed = || Found {
        path: sandbox.to_owned(),
        db: Some(sandbox.to_owned()),
    };
    if !real.exists() {
        if sandbox.exists() {
            return Ok(rehearsed());
        }
        return Err(CommandError::text(
            ExitCode::Storage,
            format_args!(
                "there is no checkpoint {} in this folder: nothing was sent from here; another one is named with --db",
                real.display()
            ),
        ));
    }
    if let Some(name) = batch
        && sandbox.exists()
        && Reader::open(&real)?.find_batch(name)?.is_none()
        && Reader::open(sandbox)?.find_batch(name)?.is_some()
    {
        return Ok(rehearsed());
    }
    Ok(Found {
        path: real,
        db: None,
    })
}
