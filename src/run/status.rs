//! How batches stand, read from the checkpoint at any time, beside a sending process too.

use std::path::Path;

use jiff::Timestamp;

use super::error::RunError;
use super::export::standing_results;
use crate::report::Summary;
use crate::store::{Batch, Reader, ResultsFile, Store, Timeline};

/// How a batch stands, and its results file that stands where it was written.
pub(crate) struct BatchStatus {
    /// The batch.
    pub(crate) batch: Batch,
    /// Its counts, and what happened after "sent".
    pub(crate) summary: Summary,
    /// The newest results file, if one stands as it was left.
    pub(crate) results: Option<ResultsFile>,
}

impl BatchStatus {
    /// That of the batch of this name.
    ///
    /// # Errors
    /// [`RunError`] if there is no such batch, or the checkpoint cannot be read.
    pub(crate) fn read(checkpoint: &Path, batch: &str) -> Result<Self, RunError> {
        let reader = Reader::open(checkpoint)?;
        let batch = reader.batch(batch)?;
        Ok(Self {
            summary: Summary::load(&reader, &batch)?,
            results: standing_results(&reader, &batch)?,
            batch,
        })
    }
}

/// The counts of all batches, the newest first.
///
/// # Errors
/// [`RunError`] if the checkpoint cannot be read.
pub(crate) fn summaries(checkpoint: &Path) -> Result<Vec<Summary>, RunError> {
    let reader = Reader::open(checkpoint)?;
    let batches = reader.batches()?;
    let summaries = batches.iter().map(|batch| Summary::counts(&reader, batch));
    Ok(summaries.collect::<Result<_, _>>()?)
}

/// The name of the batch that changed last; `None` if there is no batch yet.
///
/// # Errors
/// [`RunError`] if the checkpoint cannot be read.
pub(crate) fn latest_batch(checkpoint: &Path) -> Result<Option<String>, RunError> {
    let batches = Reader::open(checkpoint)?.batches()?;
    // Of two at the same time the newer one, which comes first.
    let latest = batches.into_iter().rev().max_by_key(|it| it.state_since);
    Ok(latest.map(|batch| batch.name))
}

/// The batch, and all that is known of each of its rows of this number: several files may have one.
///
/// # Errors
/// [`RunError`] if there is no such batch, or the checkpoint cannot be read.
pub(crate) fn timelines(
    checkpoint: &Path,
    batch: &str,
    row: u32,
) -> Result<(Batch, Vec<Timeline>), RunError> {
    let reader = Reader::open(checkpoint)?;
    let batch = reader.batch(batch)?;
    let timelines = reader.timelines(batch.id, row)?;
    Ok((batch, timelines))
}

/// The address of the API that the batch was sent to; `None` before its first request.
///
/// # Errors
/// [`RunError`] if the checkpoint cannot be read.
pub(crate) fn api_of(checkpoint: &Path, batch: &Batch) -> Result<Option<String>, RunError> {
    Ok(Reader::open(checkpoint)?.kept_api(batch.id)?)
}

/// A batch whose counts are read again and again, until its run is over.
pub(crate) struct BatchWatch {
    reader: Reader,
    batch: String,
    /// When its last run ended before it was watched.
    last_end: Option<Timestamp>,
    /// In a cluster an open checkpoint takes in what other machines write.
    _open: Option<Store>,
}

impl BatchWatch {
    /// Begins to watch; `is_shared` says that other machines write the checkpoint too.
    ///
    /// # Errors
    /// [`RunError`] if there is no such batch, or the checkpoint cannot be read.
    pub(crate) fn open(checkpoint: &Path, batch: &str, is_shared: bool) -> Result<Self, RunError> {
        let open = is_shared.then(|| Store::open_existing(checkpoint));
        let reader = Reader::open(checkpoint)?;
        Ok(Self {
            _open: open.transpose()?,
            last_end: reader.batch(batch)?.finished_at,
            batch: batch.to_owned(),
            reader,
        })
    }

    /// The counts now, and whether they are the last: the batch is settled, or the run that sends it has ended.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint cannot be read.
    pub(crate) fn look(&self) -> Result<(Summary, bool), RunError> {
        let batch = self.reader.batch(&self.batch)?;
        let summary = Summary::counts(&self.reader, &batch)?;
        let is_over = summary.is_settled() || batch.finished_at != self.last_end;
        Ok((summary, is_over))
    }
}
