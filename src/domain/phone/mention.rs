//! Countries beside something else: in the header of a column, behind a city, beside a number.
//!
//! A text of two letters is a country only where it is written as a code: `do`, `no` and `at` are words.

use super::country;
use super::engine::RawRegion;
use super::region::Region;
use crate::domain::fold;

/// Codes that mean something else beside the word "phone": number, identity, company, work, home.
const NO_CODES: &[&str] = &["NO", "NR", "ID", "CO", "PR", "HM", "TV", "AM", "PM"];

/// Countries that are first names too.
const FIRST_NAMES: &[&str] = &[
    "chad", "cuba", "georgia", "india", "israel", "jersey", "jordan", "kenya", "malta", "america",
];

impl Region {
    /// The country that the words of a header name which say nothing else: `PL` of `Telefon (PL)`, `Polska` of
    /// `Telefon Polska`.
    pub fn in_header(words: &str) -> Option<Self> {
        let words = words.trim_matches(|c: char| !c.is_alphanumeric() && !is_flag(c));
        named(words)
            .filter(|_| !NO_CODES.contains(&words))
            .map(Self)
    }
}

/// A country that is written as one: a code in capitals, or a name.
fn named(text: &str) -> Option<RawRegion> {
    let is_code = text.chars().count() <= 3;
    let is_written_so = !is_code || text.chars().all(|c| c.is_uppercase() || is_flag(c));
    let has_digit = text.contains(|c: char| c.is_ascii_digit());
    country::read(text).filter(|_| is_written_so && !has_digit)
}

/// Flags are pairs of letters of their own.
fn is_flag(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// What stands behind the last comma of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressEnd {
    /// No country.
    Other,
    /// This country.
    Country(Region),
    /// `Georgia`, a country or one of the United States.
    Georgia,
}

impl AddressEnd {
    /// Looks at the last part of an address. Codes of two letters are provinces as often as countries (`CA`, `DE`),
    /// and do not count.
    pub(crate) fn of(address: &str) -> Self {
        let separators = [',', '\n', ';', '('];
        let Some((_, last)) = address.rsplit_once(separators) else {
            return Self::Other;
        };
        let last = last.trim_matches(|c: char| !c.is_alphanumeric() && c != '.');
        match named(last).filter(|_| last == "UK" || last.chars().count() > 2) {
            Some(_) if fold::country(last) == "georgia" => Self::Georgia,
            Some(region) => Self::Country(Region(region)),
            None => Self::Other,
        }
    }
}

/// Takes the country off that stands before or behind a number: `PL: 602333444`, `602 333 444 (Poland)`. `None`
/// if none does.
pub(super) fn beside_number(text: &str) -> Option<(Region, &str)> {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '+');
    let first = text.find(is_number)?;
    let last = text.rfind(is_number)? + 1;
    // A bracket around the first digits belongs to the number.
    let first = text.get(..first)?.strip_suffix('(').map_or(first, str::len);
    let (before, behind) = (text.get(..first)?, text.get(last..)?);
    let letters = |text: &str| text.contains(|c: char| c.is_alphabetic() || is_flag(c));
    let (country, number) = match (letters(before), letters(behind)) {
        (true, false) => (before, text.get(first..)?),
        (false, true) => (behind, text.get(..last)?),
        (true, true) | (false, false) => return None,
    };
    let country = country.trim_matches(|c: char| !c.is_alphabetic() && !is_flag(c) && c != '.');
    let country = country.trim_end_matches(['.', ':']);
    if FIRST_NAMES.contains(&fold::country(country).as_str()) || letters(number) {
        return None;
    }
    Some((Region(named(country)?), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_beside_a_number_is_heard() {
        for (text, code, number) in [
            ("PL: 602333444", "PL", "602333444"),
            ("(PL) 602 333 444", "PL", "602 333 444"),
            ("PL602333444", "PL", "602333444"),
            ("Poland 602333444", "PL", "602333444"),
            ("602 333 444 (PL)", "PL", "602 333 444"),
            ("602 333 444 - Polska", "PL", "602 333 444"),
            ("DE (0151) 12345678", "DE", "(0151) 12345678"),
            ("PL +48 602 333 444", "PL", "+48 602 333 444"),
            ("🇵🇱 602 333 444", "PL", "602 333 444"),
            ("USA 201 555 0123", "US", "201 555 0123"),
        ] {
            let found = beside_number(text).map(|(region, rest)| (region.code(), rest.trim()));
            assert_eq!(found, Some((code.to_owned(), number)), "{text}");
        }
        for text in [
            "pl 602333444",
            "do 602333444",
            "Jordan 0777 123 456",
            "Jana 602333444",
            "602333444",
            "PL 602 CZ",
            "PL 602 333 444 CZ",
            "PL 602x333",
            "PL",
            "M 602333444",
        ] {
            assert_eq!(beside_number(text), None, "{text}");
        }
    }

    #[test]
    fn a_country_behind_a_city_is_heard_and_a_province_is_not() {
        let end = |text| match AddressEnd::of(text) {
            AddressEnd::Country(region) => region.code(),
            AddressEnd::Georgia => "?".to_owned(),
            AddressEnd::Other => "-".to_owned(),
        };
        for (text, code) in [
            ("Brno, Czech Republic", "CZ"),
            ("Hlavní 5, 602 00 Brno, Česko", "CZ"),
            ("Kraków (Poland)", "PL"),
            ("Main St 1\nLondon\nUK", "GB"),
            ("Main St 1\nLondon\nUnited Kingdom", "GB"),
            ("Portland, OR, USA", "US"),
            ("San Francisco, CA", "-"),
            ("Wilmington, DE", "-"),
            ("Newark, New Jersey", "-"),
            ("Atlanta, Georgia", "?"),
            ("Singapore", "-"),
            ("Brno", "-"),
            ("", "-"),
        ] {
            assert_eq!(end(text), code, "{text}");
        }
    }

    #[test]
    fn a_code_in_a_header_is_one_in_capitals() {
        let code = |text| Region::in_header(text).map(Region::code);
        for text in ["PL", "(PL)", "Polska", "Poland", "UK", "🇵🇱"] {
            assert!(code(text).is_some(), "{text}");
        }
        for text in ["", "pl", "de", "NO", "ID", "2", "48", "office", "Jana"] {
            assert_eq!(code(text), None, "{text}");
        }
    }
}
