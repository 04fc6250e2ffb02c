//! The time zones of a phone number's country.
//!
//! The phone library has no time-zone data, neither by country nor by area code: from a number only its
//! country is known. A country with several zones therefore yields all of them, and the question "is it
//! day there?" must be asked in each. The table is the IANA database's own (`zones.tab` names its
//! version); the rules of the zones come with the time library.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::tz::TimeZone;

const TABLE: &str = include_str!("zones.tab");

static ZONES: LazyLock<HashMap<&'static str, Vec<TimeZone>>> = LazyLock::new(load);

/// The zones of a country by its two-letter code (ISO 3166, capitals). Empty for a region without a
/// country: satellite phones, international freephone (`001`).
pub(crate) fn zones_of(region: &str) -> &'static [TimeZone] {
    ZONES.get(region).map_or(&[], Vec::as_slice)
}

/// Zones that keep the same time are all kept: comparing their rules costs more than it saves.
fn load() -> HashMap<&'static str, Vec<TimeZone>> {
    lines()
        .map(|(region, names)| {
            (
                region,
                names.filter_map(|name| TimeZone::get(name).ok()).collect(),
            )
        })
        .collect()
}

fn lines() -> impl Iterator<Item = (&'static str, std::str::SplitAsciiWhitespace<'static>)> {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            words.next().map(|region| (region, words))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_of_the_table_is_known_to_the_time_library() {
        for (region, names) in lines() {
            for name in names {
                assert!(TimeZone::get(name).is_ok(), "{region}: {name}");
            }
        }
        assert_eq!(ZONES.len(), 250);
    }

    #[test]
    fn every_country_that_the_phone_library_knows_has_a_zone() {
        let regions = rlibphonenumber::PHONE_NUMBER_UTIL.get_supported_regions();
        let without: Vec<String> = regions
            .map(|region| region.to_string())
            .filter(|region| zones_of(region).is_empty())
            .collect();
        assert_eq!(without, [""; 0]);
    }

    #[test]
    fn a_country_has_one_zone_or_many_and_a_satellite_phone_none() {
        let names = |region| {
            zones_of(region)
                .iter()
                .filter_map(TimeZone::iana_name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names("CZ"), ["Europe/Prague"]);
        assert!(
            names("US").contains(&"America/New_York") && names("US").contains(&"Pacific/Honolulu")
        );
        assert!(names("001").is_empty());
    }
}
