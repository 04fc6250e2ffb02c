//! Headings, titles and names of files and sheets that name a country: `Polsko`, `Zákazníci Polsko`, `Předvolba +48`.

use crate::domain::fold;
use crate::domain::phone::Region;
use crate::domain::text::trimmed;
use crate::intake::words::{COUNTRY_AS_NAME, COUNTRY_WORD, HEADING, POLITE, TIME_WORDS};

/// The one country that a text names, beside words of a heading and figures; or whose calling code stands in it.
pub(in crate::intake) fn named_in_heading(text: &str) -> Option<Region> {
    let mut codes = calling_codes(text);
    if let Some(first) = codes.next() {
        let is_one = codes.all(|it| it.calling_code() == first.calling_code());
        return is_one.then_some(first);
    }
    let text = trimmed(text);
    let is_code = text.len() == 2 && text.bytes().all(|it| it.is_ascii_uppercase());
    if is_code {
        return text.parse().ok();
    }
    let words = text.split(|c: char| c.is_whitespace() || "_-–:;,./()".contains(c));
    let says_nothing = |word: &&str| {
        let folded = fold::header(word);
        let mut lists = [HEADING, POLITE, TIME_WORDS, COUNTRY_WORD].into_iter();
        folded.bytes().all(|it| it.is_ascii_digit()) || lists.any(|list| list.has(&folded))
    };
    let words: Vec<&str> = words.filter(|word| !says_nothing(word)).collect();
    let name = words.join(" ");
    // `IT` and `to` are words as well.
    let is_long = name.chars().count() > 3;
    name.parse().ok().filter(|_| is_long)
}

/// Whether a text may be the name of a person as well as of a country.
pub(in crate::intake) fn may_be_person(text: &str) -> bool {
    COUNTRY_AS_NAME.has(&fold::header(text))
}

/// The countries whose calling codes stand in a text with their plus, each without a number behind it.
fn calling_codes(text: &str) -> impl Iterator<Item = Region> {
    text.match_indices('+').filter_map(|(at, _)| {
        let behind = text.get(at + 1..)?;
        let end = behind.find(|c: char| !c.is_ascii_digit());
        let (code, rest) = behind.split_at_checked(end.unwrap_or(behind.len()))?;
        let is_number = rest.trim_start().starts_with(|c: char| c.is_ascii_digit());
        let code = Some(code).filter(|it| (2..=3).contains(&it.len()) && !is_number)?;
        format!("+{code}").parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::{Region, named_in_heading};

    #[test]
    fn a_country_is_heard_where_nothing_else_is_named() {
        for (text, code) in [
            ("Polsko", Some("PL")),
            ("Polsko (+48)", Some("PL")),
            ("+48", Some("PL")),
            ("Zákazníci Polsko", Some("PL")),
            ("zakaznici_polsko_2026", Some("PL")),
            ("Všechna čísla mají předvolbu +48", Some("PL")),
            ("PL", Some("PL")),
            ("Poland (12)", Some("PL")),
            ("Česko", Some("CZ")),
            ("Zájezd Polsko", None),
            ("polsko-cesko", None),
            ("Infolinka: +48 22 123 45 67", None),
            ("+48 221234567", None),
            ("+420 a +48", None),
            ("export_it", None),
            ("klienti_de", None),
            ("+1", None),
            ("Praha", None),
            ("Seznam klientů 2026", None),
        ] {
            let named = named_in_heading(text).map(Region::code);
            assert_eq!(named.as_deref(), code, "{text}");
        }
    }
}
