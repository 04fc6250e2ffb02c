//! Lists whose title, sheet or name is that of a country, and another one than that of their numbers.

use super::country::{CountryColumn, may_be_of_either, named_in_heading};
use super::error::IntakeError;
use super::mapping::Mapping;
use super::opened::Opened;
use super::settings::{ReadFor, Settings};
use super::source::Source;
use crate::domain::phone::Region;
use crate::domain::text::{shortened, trimmed};

/// A longer title is cut.
const TITLE: usize = 60;

/// Refuses a list that is named as one of another country, and has numbers that may be of that one as well as of the one that is
/// set.
pub(super) fn refuse(
    file: &Opened,
    mapping: &Mapping,
    settings: &Settings,
) -> Result<(), IntakeError> {
    let Some(own) = country_of_list(mapping) else {
        return Ok(());
    };
    let names = &file.header.names;
    let places: Vec<usize> = (0..names.len())
        .filter(|at| {
            let mut phones = mapping.phone.iter();
            phones.any(|phone| {
                names
                    .get(*at)
                    .is_some_and(|it| trimmed(it) == phone.column.name)
            })
        })
        .collect();
    let may_be = |region: Region| {
        let cells = file.sample.iter();
        let mut cells = cells.flat_map(|row| places.iter().filter_map(|at| row.get(*at)));
        cells.any(|cell| may_be_of_either(cell, own, region))
    };
    let titles = file.header.titles.iter();
    let titles = titles.map(|it| ("list above its header", it.clone()));
    let sheet = file.sheet.iter().map(|it| ("sheet", it.clone()));
    let stems = [Some(&file.name), file.packed.as_ref()]
        .into_iter()
        .flatten();
    let stems = stems.map(|it| ("file", Source::stem_of(it)));
    let found = titles.chain(sheet).chain(stems).find_map(|(what, name)| {
        let region = named_in_heading(&name)?;
        let is_other = region.calling_code() != own.calling_code();
        (is_other && may_be(region)).then_some((what, name, region))
    });
    match found.filter(|_| settings.columns.region.is_none()) {
        Some((what, name, region)) => Err(IntakeError::NamedAsCountry {
            file: file.name.clone(),
            what,
            name: shortened(&name, TITLE).into_owned(),
            country: region,
            own,
        }),
        None => Ok(()),
    }
}

/// The country by which the numbers of a list are read that has none of its own.
pub(super) fn country_of_list(mapping: &Mapping) -> Option<Region> {
    let is_named = mapping.region.iter().any(CountryColumn::is_known);
    let own = mapping.default_region.filter(|_| !is_named);
    own.filter(|_| mapping.read_for == ReadFor::Messages)
}
