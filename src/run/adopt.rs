//! A checkpoint that is not the one that was last used: what happened since, and the word of a person that it is
//! the one to go on with.

use std::path::Path;

use jiff::Timestamp;

use super::error::RunError;
use super::list::List;
use super::suppress::{NumbersToSuppress, Suppressed};
use super::unknown_messages::{UnknownMessages, messages_unknown_to};
use crate::store::{DecisionRecord, Store};

/// What became of a checkpoint that was adopted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adopted {
    /// Messages of results files that it does not know.
    pub unknown: Vec<UnknownMessages>,
    /// What was put on its suppression list.
    pub suppressed: Option<Suppressed>,
}

/// Says that this checkpoint is the one to go on with, and puts the numbers of `stops` on its suppression list:
/// opt-outs that came since it was current are not in it.
///
/// # Errors
/// [`RunError`] if there is no such checkpoint, it fails, or the list cannot be used. Until the numbers are in it, nothing
/// is sent from it.
pub fn adopt(
    checkpoint: &Path,
    stops: Option<List>,
    actor: &str,
    now: Timestamp,
) -> Result<Adopted, RunError> {
    let stops = NumbersToSuppress::read(stops)?;
    let unknown = messages_unknown_to(checkpoint);
    let store = Store::adopt(checkpoint)?;
    let source = format!("checkpoint adopt by {actor}");
    let enter = |stops: NumbersToSuppress| stops.enter(&store, None, &source, now);
    let suppressed = stops.map(enter).transpose()?;
    let numbers = suppressed.as_ref().map_or(0, |done| done.numbers);
    let detail = format!("{numbers} numbers were given to suppress");
    store.end_adopting(DecisionRecord::new(actor, "adopt", detail, now))?;
    Ok(Adopted {
        unknown,
        suppressed,
    })
}
