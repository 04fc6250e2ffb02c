//! What a batch knows of its list, for rows that join it: mended rejects find their batch by themselves, and what was
//! given when the batch began need not be given again.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::fallback::FallbackSource;
use super::list::List;
use super::mismatch::Mismatch;
use crate::domain::content::ContentSource;
use crate::domain::phone::Region;
use crate::domain::recipient::Mends;
use crate::intake::{
    ColumnChoice, MENDS, NumbersPerRow, Prefer, Settings, Source, Table, may_mend,
};
use crate::store::{Reader, StoreError};

/// How the list of a batch was read, and what is sent to its rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptList {
    /// The message.
    pub message: ContentSource,
    /// The other channels, with their messages.
    pub fallback: FallbackSource,
    /// The columns that were named.
    pub columns: ColumnChoice,
    /// The country of numbers without a plus, as its code.
    region: Option<String>,
    /// Numbers without a plus begin with their country code.
    pub international: bool,
    /// Lines without a person behind them that are messaged, by their words.
    line_types: Vec<String>,
    /// Columns of consent that are ignored.
    pub ignore_consent: Vec<String>,
    /// Which of several numbers of a row counts.
    pub prefer: Prefer,
    /// One recipient a row, or one for each number.
    pub numbers: NumbersPerRow,
}

impl KeptList {
    /// That of a list with its message.
    pub(super) fn of(list: &List) -> Option<Self> {
        let settings = &list.settings;
        let others = list.others.as_ref();
        let services = list.input.mapping().services();
        Some(Self {
            message: list.source.clone()?,
            fallback: others.map_or_else(FallbackSource::default, |it| it.source().clone()),
            columns: settings.columns.clone(),
            region: settings.region.map(Region::code),
            international: settings.international,
            line_types: services.into_iter().map(str::to_owned).collect(),
            ignore_consent: settings.ignore_consent.clone(),
            prefer: settings.prefer,
            numbers: settings.numbers,
        })
    }

    /// The same as the checkpoint keeps it.
    pub(super) fn value(list: &List) -> serde_json::Value {
        serde_json::to_value(Self::of(list)).unwrap_or_default()
    }

    /// The settings of a list of rows that join: those of the batch, but for what `is_given` says by the name of its
    /// flag.
    #[must_use]
    pub fn settings(&self, own: &Settings, is_given: &dyn Fn(&str) -> bool) -> Settings {
        let mut joined = own.clone();
        if !is_given("region") && !is_given("international") {
            joined.region = self.region.as_deref().and_then(|code| code.parse().ok());
            joined.international = self.international;
        }
        if !is_given("column") {
            joined.columns.clone_from(&self.columns);
        }
        if !is_given("allow-line-type") {
            let words = self.line_types.iter();
            joined.line_types = words.filter_map(|word| word.parse().ok()).collect();
        }
        if !is_given("ignore-consent-column") {
            joined.ignore_consent.clone_from(&self.ignore_consent);
        }
        if !is_given("prefer") {
            joined.prefer = self.prefer;
        }
        if !is_given("numbers") {
            joined.numbers = self.numbers;
        }
        joined
    }
}

/// What a batch knows, for rows that join it.
#[derive(Debug, Clone)]
pub struct BatchKnows {
    /// Its name.
    pub batch: String,
    /// Its channel.
    pub channel: String,
    /// How its list was read and what is sent; `None` in a batch of an earlier version, and in one that was pruned.
    pub list: Option<KeptList>,
}

/// What the batch of that name knows; `None` if there is none.
///
/// # Errors
/// [`RunError`] if the checkpoint fails.
pub fn batch_knows(checkpoint: &Path, name: &str) -> Result<Option<BatchKnows>, RunError> {
    if !checkpoint.exists() {
        return Ok(None);
    }
    let reader = match Reader::open(checkpoint) {
        // It was not finished when it was made, and holds nothing.
        Err(error) if matches!(error.cause(), StoreError::Unfinished) => return Ok(None),
        reader => reader?,
    };
    let found = reader.find_batch(name)?;
    // No list joins a follow-up, so it keeps nothing about one.
    let Some(batch) = found.filter(|batch| batch.follow_up.is_none()) else {
        return Ok(None);
    };
    let list: Option<Option<KeptList>> = match reader.kept_list(batch.id) {
        // What another version kept is as good as nothing.
        Err(StoreError::Value { .. }) => None,
        kept => kept?,
    };
    Ok(Some(BatchKnows {
        batch: batch.name,
        channel: batch.channel,
        list: list.flatten(),
    }))
}

/// The batch whose rows a list mends, by its column `outreach_mends`; `None` if it mends none.
///
/// # Errors
/// [`RunError`] if the list cannot be read, or mends rows of several batches.
pub fn batch_to_mend(sources: &[Source], settings: &Settings) -> Result<Option<String>, RunError> {
    let mut batches = BTreeSet::new();
    for source in sources.iter().filter(|source| may_mend(source)) {
        let table = Table::open(source, settings)?;
        let named = |name: &String| name.trim().eq_ignore_ascii_case(MENDS);
        let Some(column) = table.names().iter().position(named) else {
            continue;
        };
        table.rows::<RunError>(|_, record| {
            let text = record.get(column).unwrap_or_default();
            batches.extend(text.parse::<Mends>().map(|mends| mends.batch));
            Ok(())
        })?;
    }
    match batches.len() {
        0 | 1 => Ok(batches.pop_first()),
        _ => Err(Mismatch::MendsSeveral(batches.into_iter().collect()).into()),
    }
}
