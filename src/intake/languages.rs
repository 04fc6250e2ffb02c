//! Which letters beyond ASCII the languages of our users have, and where these are written.

/// The letters beyond ASCII of a language, the frequent ones first, and where it is written (ISO codes).
pub(super) struct Language {
    pub(super) letters: &'static str,
    pub(super) countries: &'static [&'static str],
    /// Country calling codes that make it likely.
    pub(super) codes: &'static [&'static str],
}

const fn language(
    letters: &'static str,
    countries: &'static [&'static str],
    codes: &'static [&'static str],
) -> Language {
    Language {
        letters,
        countries,
        codes,
    }
}

/// The alphabets are those of the Common Locale Data Repository (main exemplar characters).
pub(super) const LANGUAGES: &[Language] = &[
    language("áíéěřčšžýůúňóťď", &["CZ"], &["420"]),
    language("áíčšžéýľúťňôäďóĺŕ", &["SK"], &["421"]),
    language("łóąęśżćńź", &["PL"], &["48"]),
    language("áéóöőíüúű", &["HU"], &["36"]),
    language("ăâîșțşţ", &["RO", "MD"], &["40", "373"]),
    language(
        "čćžšđ",
        &["HR", "SI", "BA", "RS", "ME"],
        &["385", "386", "387", "381", "382"],
    ),
    language("üöäß", &["DE", "AT", "CH"], &["49", "43", "41"]),
    language(
        "éèçêàïôëâîûùœæüÿ",
        &["FR", "BE", "CH", "CA", "LU"],
        &["33", "32", "352", "41"],
    ),
    language(
        "íáóéñúü",
        &["ES", "MX", "AR", "CO", "CL", "PE", "VE", "EC", "UY", "BO"],
        &[
            "34", "52", "54", "57", "56", "51", "58", "593", "598", "591",
        ],
    ),
    language("ãçáéíóêâúôõà", &["PT", "BR"], &["351", "55"]),
    language("àìèòùé", &["IT"], &["39"]),
    language("ëéïüöè", &["NL"], &["31"]),
    language("äöåé", &["SE", "FI"], &["46", "358"]),
    language("øåæé", &["NO", "DK"], &["47", "45"]),
    language("óíáéðöúþýæ", &["IS"], &["354"]),
    language("ıüşöğçİâî", &["TR"], &["90"]),
    language("äõüöšž", &["EE"], &["372"]),
    language("āīšņēļūčžģķ", &["LV"], &["371"]),
    language("ėšžčųįūąę", &["LT"], &["370"]),
    language("ëç", &["AL", "XK"], &["355", "383"]),
    language("óáéíúàèòï", &["IE"], &["353"]),
    language(
        "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъ",
        &["RU", "BY", "KZ", "KG", "BG", "MK"],
        &["7", "375", "996", "359", "389"],
    ),
    language("оанивтерсклудмпзягьбчхйцжіюшїєфщґ", &["UA"], &["380"]),
    language(
        "αοιετσνηυρπκμλςωγδχθφβξζψάέήίόύώ",
        &["GR", "CY"],
        &["30", "357"],
    ),
];

/// How usual a letter is in a language.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Frequent,
    Rare,
    None,
}

pub(super) fn use_of(letter: char, language: &Language) -> Use {
    let small = letter.to_lowercase().next().unwrap_or(letter);
    let count = language.letters.chars().count();
    let mut letters = language.letters.chars();
    match letters.position(|known| known == small || known == letter) {
        Some(place) if place * 2 < count => Use::Frequent,
        Some(_) => Use::Rare,
        None => Use::None,
    }
}
