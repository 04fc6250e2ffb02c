//! What lists write where they mean a country: ISO codes, names in many languages, calling codes.
//!
//! A wrong guess messages a stranger, so a text is a country only as a whole: every part of it must say the same
//! one. Names come from CLDR ([`icu_locale`]) in the languages of [`LANGUAGES`], codes of three letters and formal
//! names from ISO 3166-1 ([`celes`]).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::LazyLock;

use icu_locale::LanguageIdentifier;
use icu_locale::names::RegionDisplayName;
use icu_locale::subtags;

use super::engine::{self, RawRegion};
use super::names::{self, NAMES};
use crate::domain::fold;

/// The languages of CLDR in which names of countries are known: those of its "modern" coverage that are written
/// in contact lists.
const LANGUAGES: &[&str] = &[
    "en", "cs", "sk", "de", "pl", "es", "fr", "pt", "pt-PT", "it", "nl", "hu", "ro", "bg", "hr",
    "sl", "sr", "sr-Latn", "bs", "mk", "sq", "el", "tr", "ru", "uk", "be", "lt", "lv", "et", "fi",
    "sv", "da", "no", "is", "ga", "ca", "gl", "eu", "af", "ar", "he", "fa", "ur", "hi", "bn", "ta",
    "te", "mr", "gu", "kn", "ml", "pa", "ne", "si", "th", "vi", "id", "ms", "fil", "sw", "zh",
    "zh-Hant", "ja", "ko", "ka", "hy", "az", "kk", "uz", "ky", "mn", "km", "lo", "my", "am", "zu",
];

/// The text as a country, if it is one and no other.
pub(super) fn read(text: &str) -> Option<RawRegion> {
    let text = with_letters_for_flags(without_decimals(text.trim()));
    if let Some(region) = iso2(&text).or_else(|| named(&text)) {
        return Some(region);
    }
    let is_code = |c: &char| c.is_ascii_digit() || *c == '+';
    if !text.contains(|c| is_code(&c)) {
        return in_parts(&text);
    }
    // `Poland (+48)`, `+48 PL`: the letters and the digits must say the same.
    let digits: String = text.chars().filter(|c| !c.is_alphabetic()).collect();
    let letters: String = text
        .chars()
        .map(|c| if is_code(&c) { ' ' } else { c })
        .collect();
    let letters = letters.trim_matches(|c: char| !c.is_alphabetic());
    let by_code = calling_code(&digits)?;
    if letters.is_empty() {
        return Some(by_code);
    }
    let by_name = iso2(letters)
        .or_else(|| named(letters))
        .or_else(|| in_parts(letters))?;
    (engine::calling_code(by_name) == engine::calling_code(by_code)).then_some(by_name)
}

fn iso2(text: &str) -> Option<RawRegion> {
    let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code
        .then(|| engine::region(&text.to_ascii_uppercase()))
        .flatten()
}

/// `Deutschland (DE)`, `CZ - Czechia`, `Belgie/Belgique`: each part names it.
fn in_parts(text: &str) -> Option<RawRegion> {
    let text = text.replace(" - ", "/").replace(" – ", "/");
    let parts = text.split(['(', ')', '[', ']', '/', '|', ';']);
    let mut parts = parts.map(str::trim).filter(|part| !part.is_empty());
    let mut next = || parts.next().map(|part| iso2(part).or_else(|| named(part)));
    let (first, second) = (next()??, next()??);
    let others = std::iter::from_fn(next);
    (first == second && { others }.all(|other| other == Some(first))).then_some(first)
}

/// `48.0`: a calling code that a spreadsheet took for a decimal.
fn without_decimals(text: &str) -> &str {
    let whole = text.strip_suffix(".0").or_else(|| text.strip_suffix(",0"));
    whole
        .filter(|whole| whole.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or(text)
}

/// Flags are pairs of letters of their own (U+1F1E6 is `A`).
fn with_letters_for_flags(text: &str) -> String {
    let letter = |c: char| match u32::from(c) {
        flag @ 0x1f1e6..=0x1f1ff => char::from_u32(flag - 0x1f1e6 + u32::from('A')).unwrap_or(c),
        _ => c,
    };
    text.chars().map(letter).collect()
}

/// `+48`, `48`, `0048`, `(+48)`, `1-684`: a calling code, perhaps with the area that distinguishes countries with
/// the same code. The area is not needed: numbers of such countries are written with it.
fn calling_code(text: &str) -> Option<RawRegion> {
    let text = text.trim_matches(|c: char| !c.is_ascii_digit() && c != '+');
    let text = match text.strip_prefix('+') {
        Some(rest) => rest.trim_start(),
        None => text.strip_prefix("00").map_or(text, str::trim_start),
    };
    let between = |c: char| matches!(c, ' ' | '-' | '(' | ')');
    if !text.chars().all(|c| c.is_ascii_digit() || between(c)) {
        return None;
    }
    let mut groups = text.split(between).filter(|group| !group.is_empty());
    let (code, area) = (groups.next()?, groups.next().unwrap_or(""));
    if groups.next().is_some() || area.len() > 4 || code.starts_with('0') {
        return None;
    }
    // North American countries are often written with their area and nothing between: 1684.
    let code = if code.len() == 4 && code.starts_with('1') {
        "1"
    } else {
        code
    };
    engine::main_region(code.parse().ok().filter(|code| *code < 1000)?)
}

/// A name, or a code of three letters.
fn named(text: &str) -> Option<RawRegion> {
    static KNOWN: LazyLock<HashMap<String, RawRegion>> = LazyLock::new(usual_names);
    static ALL: LazyLock<HashMap<String, Option<RawRegion>>> = LazyLock::new(all_names);
    if text.is_empty() || text.len() > 100 {
        return None;
    }
    let folded = fold::country(text);
    let all = |name: &str| ALL.get(&words(name)).copied().flatten();
    KNOWN
        .get(&words(&folded))
        .copied()
        .or_else(|| all(&folded))
        .or_else(|| all(&turned(&folded)?))
}

/// `Iran, Islamic Republic of` as it is spoken: ISO puts the word first that sorts.
fn turned(name: &str) -> Option<String> {
    let (first, rest) = name.split_once(", ")?;
    Some(format!("{rest} {first}"))
}

/// The English names, and what our users' lists say beside them. Nothing overrides them.
fn usual_names() -> HashMap<String, RawRegion> {
    let names = NAMES
        .iter()
        .map(|(code, name)| (fold::country(name), *code));
    let others = names::others().map(|(name, code)| (name.to_owned(), code));
    let known = names.chain(others);
    known
        .filter_map(|(name, code)| Some((words(&name), engine::region(code)?)))
        .collect()
}

/// All other names; `None` for one that means different countries in different languages.
fn all_names() -> HashMap<String, Option<RawRegion>> {
    let mut names = HashMap::new();
    let mut add = |name: &str, region: RawRegion| match names.entry(words(&fold::country(name))) {
        Entry::Vacant(free) => {
            free.insert(Some(region));
        }
        Entry::Occupied(mut known) => {
            if *known.get() != Some(region) {
                known.insert(None);
            }
        }
    };
    for country in celes::Country::get_countries() {
        if let Some(region) = engine::region(country.alpha2) {
            add(country.alpha3, region);
            add(country.long_name, region);
        }
    }
    let languages = languages();
    for (code, region) in NAMES
        .iter()
        .filter_map(|(code, _)| Some((*code, engine::region(code)?)))
    {
        for name in in_languages(code, &languages) {
            add(&name, region);
        }
    }
    names
}

fn languages() -> Vec<LanguageIdentifier> {
    let languages = LANGUAGES.iter();
    languages
        .filter_map(|language| language.parse().ok())
        .collect()
}

/// The names of a country in these languages.
fn in_languages(code: &str, languages: &[LanguageIdentifier]) -> Vec<String> {
    let Ok(subtag) = code.parse::<subtags::Region>() else {
        return Vec::new();
    };
    let names = languages.iter().flat_map(|language| {
        let usual = RegionDisplayName::try_new_light(language.into(), subtag);
        let short = RegionDisplayName::try_new_short_light(language.into(), subtag);
        [usual, short].into_iter().flatten()
    });
    names.map(|name| name.to_string()).collect()
}

/// What lists write where they mean one country: known sooner than the names of all of them.
pub(super) fn names_of(region: RawRegion) -> Vec<String> {
    let code = region.to_string();
    let of_iso = celes::Country::get_countries().into_iter();
    let of_iso = of_iso.filter(|it| it.alpha2 == code);
    let of_iso = of_iso.flat_map(|it| [it.alpha3.to_owned(), it.long_name.to_owned()]);
    let known = NAMES.iter().map(|(code, name)| (*name, *code));
    let known = known.chain(names::others());
    let known = known.filter(|(_, of)| *of == code);
    let known = known.map(|(name, _)| name.to_owned());
    let all = in_languages(&code, &languages()).into_iter();
    let all = all.chain(of_iso).chain(known).chain([code.clone()]);
    all.map(|name| as_name(&name)).collect()
}

/// A text as the names of countries are compared.
pub(super) fn as_name(text: &str) -> String {
    words(&fold::country(&with_letters_for_flags(text)))
}

/// A folded name without its articles and the signs between its words.
fn words(folded: &str) -> String {
    let folded = folded.replace('\'', "");
    let words = folded.split(|c: char| !c.is_alphanumeric() && !is_mark(c));
    let words: Vec<&str> = words
        .filter(|word| !word.is_empty() && *word != "the")
        .collect();
    words.join(" ")
}

/// Signs of vowels and the like, which belong to a word: Unicode does not call all of them letters.
fn is_mark(c: char) -> bool {
    !c.is_ascii()
        && !c.is_whitespace()
        && !matches!(c, '\u{2010}'..='\u{206f}' | '\u{3000}'..='\u{303f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<String> {
        read(text).map(|region| region.to_string())
    }

    #[test]
    fn a_country_is_understood_however_lists_write_it() {
        for (text, wanted) in [
            ("+48", "PL"),
            ("48", "PL"),
            ("0048", "PL"),
            ("00 48", "PL"),
            ("(+48)", "PL"),
            ("48.0", "PL"),
            ("PL +48", "PL"),
            ("Poland (+48)", "PL"),
            ("+48 Polska", "PL"),
            ("🇵🇱 +48", "PL"),
            ("🇵🇱", "PL"),
            ("+1", "US"),
            ("CA +1", "CA"),
            ("1-684", "US"),
            ("1684", "US"),
            ("+44 1481", "GB"),
            ("POL", "PL"),
            ("cze", "CZ"),
            ("Deutschland (DE)", "DE"),
            ("Polen", "PL"),
            ("Pologne", "PL"),
            ("Polonia", "PL"),
            ("Польша", "PL"),
            ("Lengyelország", "PL"),
            ("ポーランド", "PL"),
            ("Česko", "CZ"),
            ("Tschechien", "CZ"),
            ("Чехия", "CZ"),
            ("Spojené státy", "US"),
            ("Stati Uniti", "US"),
            ("Royaume-Uni", "GB"),
            ("Vereinigtes Königreich", "GB"),
            ("भारत", "IN"),
            ("Korea, Democratic People's Republic of", "KP"),
            ("Republic of Moldova", "MD"),
            ("Iran, Islamic Republic of", "IR"),
            ("SRN", "DE"),
            ("Bundesrepublik Deutschland", "DE"),
            ("Velká Británie", "GB"),
            ("Anglie", "GB"),
            ("U.K.", "GB"),
            ("Grande-Bretagne", "GB"),
            ("England (UK)", "GB"),
            ("Slovenská republika", "SK"),
            ("Republika Słowacka", "SK"),
            ("Rzeczpospolita Polska", "PL"),
            ("ČR", "CZ"),
            ("CZ - Czechia", "CZ"),
            ("Czechia - CZ", "CZ"),
            ("CZE – Česká republika", "CZ"),
            ("Holland", "NL"),
            ("Holandsko", "NL"),
            ("Vereinigte Staaten von Amerika", "US"),
            ("United States (US)", "US"),
            ("EE. UU.", "US"),
            ("États-Unis", "US"),
            ("США", "US"),
            ("Österreich / Austria", "AT"),
            ("Oesterreich", "AT"),
            ("Türkei", "TR"),
            ("Hellas", "GR"),
        ] {
            assert_eq!(code(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_not_certain_is_no_country() {
        for text in [
            "",
            "-",
            "+",
            "0",
            "00",
            "+0",
            "030",
            "276",
            "999",
            "Praha",
            "EU",
            "XX",
            "ZZZ",
            "PL/CZ",
            "PL, CZ",
            "Poland - Germany",
            "CZ - Brno",
            "CZ/",
            "SR/ČR",
            "+48 CZ",
            "Poland (+420)",
            "Poland (CZ)",
            "+48/+420",
            "420777123456",
            "+420 777 123 456",
            "Mr.",
            "yes",
            "800",
            "4812",
            "2026",
            "48.5",
        ] {
            assert_eq!(code(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_country_is_understood_by_its_calling_code_and_in_every_language() {
        let all = all_names();
        for (code, _) in NAMES.iter() {
            let region = engine::region(code).unwrap();
            let calling = engine::calling_code(region).unwrap();
            let read = read(&format!("+{calling}")).unwrap();
            assert_eq!(engine::calling_code(read), Some(calling), "{code}");
        }
        let doubtful: Vec<_> = all.iter().filter(|(_, region)| region.is_none()).collect();
        assert!(all.len() > 5_000, "{}", all.len());
        assert!(doubtful.len() < 20, "{doubtful:?}");
    }
}
