//! Texts as people mean them: folded for a comparison, and numbers that are easy to read.

/// The words of a header or of a reply: lower case, without accents, one space between words.
/// `Telefonní číslo` and `telefonni_cislo` are one.
pub(crate) fn fold_words(text: &str) -> String {
    let plain = without_accents(text);
    let words = plain.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// The name of a country: lower case, without accents, `&` spelled out.
pub(crate) fn fold_name(text: &str) -> String {
    without_accents(text).replace('&', "and").replace('’', "'")
}

/// Lower case, without accents and without signs that have no width.
fn without_accents(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        let letter = match c {
            // Combining accents, and signs without width.
            '\u{300}'..='\u{36f}'
            | '\u{64b}'..='\u{65f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{ad}'
            | '\u{feff}'
            | '\u{fe0f}' => continue,
            'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ą' | 'ă' | 'ā' => 'a',
            'č' | 'ć' | 'ç' => 'c',
            'ď' | 'đ' => 'd',
            'é' | 'è' | 'ê' | 'ë' | 'ě' | 'ę' | 'ė' | 'ē' => 'e',
            'ğ' | 'ģ' => 'g',
            'í' | 'ì' | 'î' | 'ï' | 'ı' | 'ī' => 'i',
            'ł' | 'ľ' | 'ĺ' | 'ļ' => 'l',
            'ň' | 'ñ' | 'ń' | 'ņ' => 'n',
            'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' | 'ő' => 'o',
            'ř' | 'ŕ' => 'r',
            'š' | 'ś' | 'ş' | 'ș' => 's',
            'ß' => {
                plain.push('s');
                's'
            }
            'ť' | 'ţ' | 'ț' => 't',
            'ú' | 'ù' | 'û' | 'ü' | 'ů' | 'ű' | 'ū' => 'u',
            'ý' | 'ÿ' => 'y',
            'ž' | 'ź' | 'ż' => 'z',
            'ά' => 'α',
            'έ' => 'ε',
            'ή' => 'η',
            'ί' => 'ι',
            'ό' => 'ο',
            'ύ' => 'υ',
            'ώ' => 'ω',
            // The hamza that few people type.
            'أ' | 'إ' | 'آ' => 'ا',
            other => other,
        };
        plain.push(letter);
    }
    plain
}

/// The candidate whose name is most like `wanted`, if one reaches `least` (Jaro-Winkler, 0 to 1).
pub(crate) fn nearest<T>(
    wanted: &str,
    candidates: impl Iterator<Item = (String, T)>,
    least: f64,
) -> Option<T> {
    candidates
        .map(|(name, candidate)| (strsim::jaro_winkler(wanted, &name), name, candidate))
        .filter(|(likeness, ..)| *likeness >= least)
        // The name decides between equals, so that the result does not depend on hash order.
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)))
        .map(|(.., candidate)| candidate)
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The text with each run of `least` digits or more as one `#`.
pub(crate) fn hide_digits(text: &str, least: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(char::is_numeric) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_numeric()).unwrap_or(from.len());
        let (digits, after) = from.split_at(end);
        out.push_str(before);
        let hidden = digits.chars().count() >= least;
        out.push_str(if hidden { "#" } else { digits });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345_678, "12,345,678"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
