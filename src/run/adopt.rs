//! A checkpoint that is not the one that was last used: what happened since, and the word of a person that it is
//! the one to go on with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::error::RunError;
use super::list::List;
use super::suppress::{NumbersToSuppress, Suppressed};
use crate::intake::is_rounded;
use crate::report::{ResultsMessage, messages_in};
use crate::store::{DecisionRecord, Place, Reader, Store};

/// The end of the name of a rehearsal's results: nobody was messaged.
const REHEARSED: &str = ".sandbox.results.csv";

/// Messages of one results file that the checkpoint does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnknownMessages {
    /// The file.
    pub file: PathBuf,
    /// Messages that were sent, or may have been.
    pub messages: u64,
    /// When the last of them was settled, as the file has it.
    pub last: String,
}

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

/// The messages of results files in the folder of the checkpoint, in the current one, or where it wrote
/// them last, that it does not know. A file that cannot be read holds none.
pub fn messages_unknown_to(checkpoint: &Path) -> Vec<UnknownMessages> {
    let reader = Reader::open(checkpoint).ok();
    let rehearsals = reader
        .as_ref()
        .is_some_and(|reader| reader.holds_rehearsals().unwrap_or(false));
    let mut found = Vec::new();
    for (place, file) in results_files(checkpoint, reader.as_ref()) {
        if !rehearsals && place.to_string_lossy().ends_with(REHEARSED) {
            continue;
        }
        let mut unknown = UnknownMessages {
            file,
            ..UnknownMessages::default()
        };
        let read = messages_in(&place, |message| {
            if !is_known(reader.as_ref(), &message) {
                unknown.messages += 1;
                unknown.last = message.at.max(std::mem::take(&mut unknown.last));
            }
        });
        if read.is_ok() && unknown.messages > 0 {
            found.push(unknown);
        }
    }
    found
}

/// A checkpoint that cannot be read knows nothing.
fn is_known(reader: Option<&Reader>, message: &ResultsMessage) -> bool {
    let Some(reader) = reader else {
        return false;
    };
    // What a spreadsheet rounded is the id of no message.
    let known = if message.message_id.is_empty() || is_rounded(&message.message_id) {
        reader.knows_request_to(message.number)
    } else {
        reader.knows_message(&message.message_id)
    };
    known.unwrap_or(false)
}

/// Where results may stand: by their place, with the name for people.
fn results_files(checkpoint: &Path, reader: Option<&Reader>) -> BTreeMap<PathBuf, PathBuf> {
    let beside = checkpoint.parent().filter(|it| !it.as_os_str().is_empty());
    let here = Path::new(".");
    let mut files = BTreeMap::new();
    for folder in [here, beside.unwrap_or(here)] {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|it| it == "csv") {
                let name = path.strip_prefix(here).unwrap_or(&path).to_owned();
                files.insert(Place::of(&path).path, name);
            }
        }
    }
    for path in reader.map(Reader::written_results).unwrap_or_default() {
        files.entry(path.clone()).or_insert(path);
    }
    files
}
