//! Countries and territories with a numbering plan of their own.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::country;
use super::engine::{self, RawRegion};
use super::names::NAMES;
use super::number::PhoneNumber;
use crate::domain::{fold, text};

/// A country or territory that has a numbering plan, by its ISO 3166 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(pub(super) RawRegion);

impl Region {
    /// The ISO code (`CZ`), or `001` for the international networks that belong to no country.
    pub fn code(self) -> String {
        self.0.to_string()
    }

    /// The English name; the code where there is none.
    pub fn name(self) -> String {
        let code = self.code();
        match NAMES.binary_search_by_key(&code.as_str(), |(code, _)| code) {
            Ok(at) => NAMES
                .get(at)
                .map_or_else(String::new, |(_, name)| (*name).to_owned()),
            Err(_) if code == "001" => "International networks".to_owned(),
            Err(_) => code,
        }
    }

    /// What lists write for this country.
    pub(crate) fn names(self) -> RegionNames {
        RegionNames {
            names: country::names_of(self.0).into_iter().collect(),
            calling_code: self.calling_code().map(|code| code.to_string()),
        }
    }

    /// The country calling code: 420 for `CZ`.
    pub fn calling_code(self) -> Option<u16> {
        engine::calling_code(self.0)
    }
}

/// What lists write for one country.
#[derive(Debug)]
pub(crate) struct RegionNames {
    names: HashSet<String>,
    calling_code: Option<String>,
}

impl RegionNames {
    /// Whether the text, or a part of it, is one of them: `CZ`, `Česko (CZ)`, `+420`.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        let is_name = |part: &str| self.names.contains(&country::as_name(part));
        let code = text.trim_end_matches(".0");
        let code = code.trim_matches(|c: char| !c.is_ascii_digit());
        let is_code = || self.calling_code.as_deref() == Some(code.trim_start_matches("00"));
        let mut parts = text.split(['(', ')', '[', ']', '/', '|', ';', ' ', '_', '-', '–']);
        is_name(text) || is_code() || parts.any(|part| !part.is_empty() && is_name(part))
    }
}

impl PhoneNumber {
    /// The country that the number belongs to, exact also where countries share a calling code.
    ///
    /// `None` for a number that no country has, which only [`Self::from_e164`] can make.
    pub fn region(self) -> Option<Region> {
        engine::region_of(self.get()).map(Region)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.code())
    }
}

/// A text that names no region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{typed}\" is no country: write an ISO code (CZ) or an English name (Czechia){}", near(.suggestion.as_ref()))]
pub struct UnknownRegion {
    /// The text as typed.
    pub typed: String,
    /// The nearest name, where there is a near one.
    pub suggestion: Option<String>,
}

fn near(suggestion: Option<&String>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

impl FromStr for Region {
    type Err = UnknownRegion;

    /// Reads whatever a list says of a country: ISO codes of two or three letters, names in the languages of
    /// CLDR, calling codes.
    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        country::read(text).map(Self).ok_or_else(|| UnknownRegion {
            typed: clip(text.trim()),
            suggestion: nearest(&fold::country(text.trim())),
        })
    }
}

fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}

fn nearest(folded: &str) -> Option<String> {
    if folded.chars().count() > 60 {
        return None;
    }
    let names = NAMES.iter();
    let names = names.map(|(code, name)| (fold::country(name), (code, name)));
    let (code, name) = text::nearest(folded, names, 0.88)?;
    Some(format!("{name} ({code})"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::names;
    use super::*;

    #[test]
    fn codes_and_names_are_understood_in_any_case_and_with_accents() {
        for (text, code) in [
            ("CZ", "CZ"),
            ("cz", "CZ"),
            (" Czechia ", "CZ"),
            ("czech republic", "CZ"),
            ("Česká republika", "CZ"),
            ("UK", "GB"),
            ("USA", "US"),
            ("GERMANY", "DE"),
            ("Côte d’Ivoire", "CI"),
            ("Trinidad and Tobago", "TT"),
        ] {
            assert_eq!(
                text.parse::<Region>().map(Region::code),
                Ok(code.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn an_unknown_region_is_named_and_the_near_one_suggested() {
        let error = "Germny".parse::<Region>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"Germny\" is no country: write an ISO code (CZ) or an English name (Czechia); did you mean Germany (DE)?"
        );
        assert!("ZZ".parse::<Region>().is_err());
        assert!("".parse::<Region>().is_err());
    }

    #[test]
    fn the_engine_knows_every_region_that_has_a_name() {
        assert!(NAMES.is_sorted());
        for (code, name) in NAMES.iter() {
            let region: Region = code.parse().unwrap();
            assert_eq!(
                (region.code(), region.name()),
                ((*code).to_owned(), (*name).to_owned())
            );
            assert!(region.calling_code().is_some(), "{code}");
        }
        let mut known = HashMap::new();
        for (name, code) in names::others() {
            assert_eq!(fold::country(name), name);
            assert_eq!(known.insert(name, code), None, "{name} stands twice");
            if name.len() > 2 {
                assert_eq!(
                    name.parse::<Region>().map(Region::code),
                    Ok(code.to_owned()),
                    "{name}"
                );
            }
        }
        assert!(known.len() > 500);
    }
}
