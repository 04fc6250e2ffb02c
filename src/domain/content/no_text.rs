//! Cells that hold something, and nothing that a person should read: an error or a formula of a spreadsheet, the word of a
//! program for "no value", a placeholder that nobody filled in, letters that were garbled before the list was made.

use std::fmt;

/// Why a cell is not written into a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoText {
    /// `#N/A`, `#REF!`, `=A2`.
    Spreadsheet,
    /// `NULL`, `\N`, `undefined`, `n/a`, `-`.
    NoValue,
    /// `*|FNAME|*`, `{first_name}`.
    Placeholder,
    /// `JosÃ©`: UTF-8 that was read in another encoding; `Jos&eacute;`; as a name `Jos?`.
    Garbled,
    /// As a name: `602333444`, `jan@novak.cz`.
    NotAName,
}

impl fmt::Display for NoText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spreadsheet => "an error or a formula of a spreadsheet (#N/A, =A2)",
            Self::NoValue => "what is written for no value (NULL, n/a, -)",
            Self::Placeholder => "a placeholder that was not filled in",
            Self::Garbled => "garbled letters (Ã©, &eacute; or ? for é)",
            Self::NotAName => "no name (a number, an e-mail address)",
        })
    }
}

/// What programs write where they have no value. As a name `Null` is one: only the spellings of programs count.
const NO_VALUES: [&str; 11] = [
    "NULL",
    "null",
    "(null)",
    "[null]",
    "<null>",
    "\\N",
    "undefined",
    "NaN",
    "[object Object]",
    "#NULL",
    "<NA>",
];

impl NoText {
    /// What is wrong with a cell; `None` for a text, and for a blank cell.
    pub(super) fn of(cell: &str) -> Option<Self> {
        let trimmed = cell.trim();
        if is_spreadsheet_error(trimmed) || is_formula(trimmed) {
            Some(Self::Spreadsheet)
        } else if is_no_value(trimmed) {
            Some(Self::NoValue)
        } else if is_placeholder(trimmed) {
            Some(Self::Placeholder)
        } else if is_garbled(cell) || has_entity(cell) {
            Some(Self::Garbled)
        } else {
            None
        }
    }
}

/// `#N/A`, `#VALUE!`, `#NAME?`, in the languages of spreadsheets: `#NV`, `#ODKAZ!`, `#¡REF!`.
fn is_spreadsheet_error(cell: &str) -> bool {
    const WITHOUT_END: [&str; 6] = [
        "#N/A",
        "#N/D",
        "#NV",
        "#GETTING_DATA",
        "#NENÍ_K_DISPOZICI",
        "#NEDOSTUPNÝ",
    ];
    let Some(word) = cell.strip_prefix('#') else {
        return false;
    };
    let is_sign = |c: char| c.is_uppercase() || matches!(c, '_' | '/' | '0' | '¡' | '¿' | ' ');
    let word = word.strip_suffix(['!', '?']);
    let is_error = word.is_some_and(|word| {
        (3..=20).contains(&word.chars().count())
            && word.chars().all(is_sign)
            && word.contains(char::is_uppercase)
    });
    is_error || WITHOUT_END.contains(&cell)
}

/// `=A2`, `=VLOOKUP(...)`, `="Jana"`: what a spreadsheet would have calculated. `=Anna` is a name with a sign too many.
fn is_formula(cell: &str) -> bool {
    let Some(rest) = cell.strip_prefix('=') else {
        return false;
    };
    let begins = |c: char| c.is_ascii_alphanumeric() || "\"(+-".contains(c);
    let calculates = |c: char| c.is_ascii_digit() || "\"(+*/&!".contains(c);
    rest.len() > 1 && rest.starts_with(begins) && rest.contains(calculates)
}

/// `NULL`, `n/a`, `-`, `??`.
fn is_no_value(cell: &str) -> bool {
    let is_sign = |c: char| "-–—_?./".contains(c);
    let is_signs = !cell.is_empty() && cell.chars().all(is_sign);
    let is_not_available = ["n/a", "n.a.", "n. a."]
        .iter()
        .any(|it| cell.eq_ignore_ascii_case(it));
    is_signs || is_not_available || NO_VALUES.contains(&cell)
}

/// A name between the signs of templates, and nothing else.
fn is_placeholder(cell: &str) -> bool {
    const SIGNS: [(&str, &str); 7] = [
        ("{", "}"),
        ("${", "}"),
        ("#{", "}"),
        ("*|", "|*"),
        ("<<", ">>"),
        ("[[", "]]"),
        ("%", "%"),
    ];
    SIGNS.iter().any(|(open, close)| {
        let inner = cell
            .strip_prefix(open)
            .and_then(|it| it.strip_suffix(close));
        inner.is_some_and(|inner| inner.contains(char::is_alphabetic) && !inner.contains('\n'))
    })
}

/// Whether a letter is written as HTML does: `&amp;`, `M&uuml;ller`, `&#337;`.
fn has_entity(cell: &str) -> bool {
    const NAMES: [&str; 8] = ["amp", "lt", "gt", "quot", "apos", "nbsp", "szlig", "oslash"];
    const ACCENTS: [&str; 8] = [
        "uml", "acute", "grave", "circ", "tilde", "cedil", "caron", "ring",
    ];
    let is_letter = |name: &str| name.len() == 1;
    let is_code = |code: &str| !code.is_empty() && code.bytes().all(|it| it.is_ascii_hexdigit());
    cell.split('&').skip(1).any(|behind| {
        let name = behind.split_once(';').map_or("", |(name, _)| name);
        let mut accents = ACCENTS
            .iter()
            .filter_map(|accent| name.strip_suffix(accent));
        let code = name
            .strip_prefix('#')
            .map(|it| it.trim_start_matches(['x', 'X']));
        NAMES.contains(&name) || accents.any(is_letter) || code.is_some_and(is_code)
    })
}

/// The first letter of what two bytes of UTF-8 become when they are read one by one, in Windows-1252 and 1250.
const LEADS: &str = "ÃÄÅÂĂĹÈČÐÑ";

/// Whether the text has pairs of letters that UTF-8 becomes when it is read in another encoding. One pair alone stands
/// within a word.
fn is_garbled(cell: &str) -> bool {
    if cell.is_ascii() {
        return false;
    }
    let letters: Vec<char> = cell.chars().collect();
    let is_pair = |at: usize| {
        let lead = letters.get(at).is_some_and(|c| LEADS.contains(*c));
        lead && letters.get(at + 1).copied().is_some_and(is_behind_lead)
    };
    let is_space = |at: usize| letters.get(at) == Some(&'\u{a0}');
    let is_small = |at: usize| letters.get(at).is_some_and(char::is_ascii_lowercase);
    let in_word = |at: usize| {
        at.checked_sub(1).is_some_and(is_small) || is_small(at + 2) && !is_space(at + 1)
    };
    let pairs: Vec<usize> = (0..letters.len()).filter(|at| is_pair(*at)).collect();
    pairs.iter().filter(|at| !is_space(**at + 1)).count() > 1 || pairs.into_iter().any(in_word)
}

/// The signs of the bytes 0x80 to 0xBF in Windows-1252 and 1250 that are no letters, or stand behind none of [`LEADS`] in
/// any language.
fn is_behind_lead(sign: char) -> bool {
    matches!(sign, '\u{80}'..='\u{a9}' | '\u{ab}'..='\u{b4}' | '\u{b6}'..='\u{b9}' | '\u{bb}'..='\u{bf}')
        || "€‚ƒ„…†‡ˆ‰Š‹ŚŤŽŹ‘’“”•–—˜™š›śťžźŒœŸˇ˘Ł¤Ą¦Ş«®Ż˛łąş»Ľ˝ľż".contains(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_words_for_nothing_and_garbled_letters_are_no_text() {
        for (cells, is) in [
            (
                &[
                    "#N/A",
                    "#REF!",
                    "#VALUE!",
                    "#NAME?",
                    "#DIV/0!",
                    "#NULL!",
                    "#NUM!",
                    "#SPILL!",
                    "#CALC!",
                    "#ERROR!",
                    "#NV",
                    "#WERT!",
                    "#BEZUG!",
                    "#ODKAZ!",
                    "#HODNOTA!",
                    "#NÁZEV?",
                    "#NENÍ_K_DISPOZICI",
                    "#¡REF!",
                    "#N/D",
                    " #N/A ",
                    "#NOM ?",
                    "#DĚLENÍ_NULOU!",
                ][..],
                NoText::Spreadsheet,
            ),
            (
                &[
                    "NULL",
                    "null",
                    "(null)",
                    "\\N",
                    "undefined",
                    "NaN",
                    " NULL ",
                ],
                NoText::NoValue,
            ),
            (
                &["n/a", "N/A", "N.A.", "-", "--", "–", "?", "???", ".", "/"],
                NoText::NoValue,
            ),
            (
                &["=A2", "=VLOOKUP(A2,B:C,2)", "=\"Jana\"", "=+A1", "=1+1"],
                NoText::Spreadsheet,
            ),
            (
                &[
                    "{first_name}",
                    "{{ first_name }}",
                    "${name}",
                    "*|FNAME|*",
                    "<<Name>>",
                    "[[First Name]]",
                    "%NAME%",
                    "#{x}",
                ],
                NoText::Placeholder,
            ),
            (
                &[
                    "M&uuml;ller",
                    "Jana &amp; Petr",
                    "Dvo&#345;&aacute;k",
                    "L&#x151;rinc",
                    "&Zcaron;",
                    "Stra&szlig;e",
                ],
                NoText::Garbled,
            ),
            (
                &[
                    "JiÅ™Ã\u{ad}",
                    "JosÃ©",
                    "MÃ¼ller",
                    "Å½ofie",
                    "DvoÅ™Ã¡k",
                    "NovÃ¡k",
                    "FranÃ§ois",
                    "Ludwig StraÃŸe",
                    "JiĹ™Ă\u{ad}",
                    "NovĂˇk",
                    "DvoĹ™Ăˇk",
                    "MĂĽller",
                    "Ĺ˝ofie",
                    "È˜tefan",
                    "ÐœÐ°Ñ€Ð¸Ñ",
                    "cafÃ©, 5â‚¬",
                    "voilÃ\u{a0}",
                ],
                NoText::Garbled,
            ),
        ] {
            for cell in cells {
                assert_eq!(NoText::of(cell), Some(is), "{cell}");
            }
        }
    }

    #[test]
    fn names_and_texts_in_their_own_letters_are_texts() {
        for cell in [
            "",
            " ",
            "Jiří",
            "José",
            "Müller",
            "Žofie",
            "Null",
            "nil",
            "None",
            "ČŠI",
            "Česká školní inspekce (ČŠI)",
            "NA",
            "=)",
            "=D",
            "=Anna",
            "=-Bob",
            "A=B",
            "100%",
            "50% of 100%",
            "Tom & Jerry; Co",
            "AT&T; R&D; Q&A",
            "https://example.com/?a=1&b=2;c",
            "A-1",
            "***",
            "J.",
            "🎉",
            "!",
            "[Jana]",
            "#1",
            "#leto",
            "#TOP",
            "Jana!",
            "Åse",
            "Ångström",
            "ÅÄÖ",
            "ÄRGER",
            "Ärger",
            "HURRÄ“",
            "AMANHÃ…",
            "IRMÃ",
            "São João",
            "SÃO JOÃO",
            "ANDRÉ’S",
            "Ñandú",
            "MAÑANA",
            "Âme",
            "Ĺ",
            "Ăn",
            "ROMÂNĂ",
            "ROMÂNĂ\u{a0}ŢARĂ\u{a0}și",
            "Łódź",
            "Ðorđe",
            "Ægir",
            "Мария",
            "Ελένη",
            "价格",
            "10 °C",
            "«Ä»",
            "Ø",
            "à la carte",
            "naïve",
            "“Ä” – x",
        ] {
            assert_eq!(NoText::of(cell), None, "{cell}");
        }
    }
}
