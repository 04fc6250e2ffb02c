//! Which encoding a text has whose bytes are no UTF-8, by the letters that a language puts together.
//!
//! The detector of browsers knows the encodings of the web. The code pages of DOS and of the Macintosh are
//! read beside its guess: each reading is scored word by word, and the best one counts. Where another
//! reading is nearly as good, both are named.

use std::collections::HashSet;

use encoding_rs::{
    IBM866, ISO_8859_2, ISO_8859_15, MACINTOSH, WINDOWS_1250, WINDOWS_1252, WINDOWS_1254,
    WINDOWS_1257, X_MAC_CYRILLIC,
};

use super::encoding::TextEncoding;
use super::languages::{LANGUAGES, Language, Use, use_of};

/// How many different words are looked at.
const MAX_WORDS: usize = 1000;
/// A longer word is none.
const MAX_WORD: usize = 60;

/// Two readings that are nearly as good as each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Doubt {
    /// The encoding that was chosen.
    pub(super) chosen: TextEncoding,
    /// The encoding that nearly was.
    pub(super) other: TextEncoding,
    /// A word in the reading that was chosen, and in the other one.
    pub(super) words: (String, String),
}

/// Gathers the words of a text that are not all ASCII.
#[derive(Default)]
pub(super) struct Words {
    seen: HashSet<Vec<u8>>,
    found: Vec<Vec<u8>>,
    open: Vec<u8>,
    /// Calling codes with a plus, as far as they can be seen: the first three digits.
    codes: HashSet<Vec<u8>>,
    code: Option<Vec<u8>>,
}

impl Words {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.take_code(*byte);
            if *byte >= 0x80
                || byte.is_ascii_alphabetic()
                || matches!(byte, b'\'' | b'`' | b'@'..=b'_' | b'{'..=b'~')
            {
                self.open.push(*byte);
            } else {
                self.end_word();
            }
        }
    }

    fn take_code(&mut self, byte: u8) {
        match (&mut self.code, byte) {
            (_, b'+') => self.code = Some(Vec::new()),
            (Some(code), b'0'..=b'9') if code.len() < 3 => code.push(byte),
            (Some(code), _) if code.len() == 3 => {
                if self.codes.len() < MAX_WORDS {
                    self.codes.insert(std::mem::take(code));
                }
                self.code = None;
            }
            (Some(_), b' ' | b'(') | (None, _) => {}
            (Some(_), _) => self.code = None,
        }
    }

    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.open);
        let counts = word.len() <= MAX_WORD && !word.is_ascii() && self.found.len() < MAX_WORDS;
        if counts && self.seen.insert(word.clone()) {
            self.found.push(word);
        }
    }

    /// The best reading: the browsers' guess, or one of DOS or the Macintosh.
    pub(super) fn judge(
        mut self,
        guess: TextEncoding,
        country: Option<&str>,
    ) -> (TextEncoding, Option<Doubt>) {
        self.end_word();
        let likely: Vec<f64> = LANGUAGES
            .iter()
            .map(|language| self.likelihood(language, country))
            .collect();
        let mut readings: Vec<Reading> = Vec::new();
        for encoding in candidates(guess, country, &likely) {
            let words: Vec<String> = self
                .found
                .iter()
                .map(|word| encoding.decode(word))
                .collect();
            // Pages that differ only in letters that do not occur are one reading.
            if readings.iter().any(|reading| reading.words == words) {
                continue;
            }
            // Of one word the browsers' detector knows no more than is known here, of many it does.
            let prior = match (encoding == guess, is_of_the_web(encoding)) {
                (true, _) => GUESS,
                (false, true) => -TRUST * (words.len() as f64 - 1.0),
                (false, false) => 0.0,
            };
            readings.push(Reading {
                score: score(&words, &likely) + prior,
                encoding,
                words,
            });
        }
        readings.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut readings = readings.into_iter();
        let Some(best) = readings.next() else {
            return (guess, None);
        };
        let is_far = |reading: &Reading| country.is_some() && is_far_away(reading, &likely);
        let doubt = readings
            .find(|reading| !is_far(reading))
            .filter(|second| is_near(&best, second))
            .map(|second| Doubt {
                chosen: best.encoding,
                words: different(&best, &second),
                other: second.encoding,
            });
        (best.encoding, doubt)
    }

    /// How likely the language is: 1 in its own country, less where calling codes of its countries are seen.
    fn likelihood(&self, language: &Language, country: Option<&str>) -> f64 {
        let is_seen = |code: &&str| {
            let mut seen = self.codes.iter();
            seen.any(|seen| seen.starts_with(code.as_bytes()))
        };
        match country {
            Some(country) => {
                let country = country.to_ascii_uppercase();
                f64::from(u8::from(language.countries.contains(&country.as_str())))
            }
            None if language.codes.iter().any(is_seen) => 0.5,
            None => 0.0,
        }
    }
}

/// What the browsers' guess is worth: it knows more of its encodings than is known here.
const GUESS: f64 = 1.5;
/// What is taken off another encoding of the web, for each further word.
const TRUST: f64 = 0.25;
/// What a language of the country is worth, for each word at most and altogether.
const LIKELY: f64 = 0.5;
const MOST_LIKELY: f64 = 5.0;

struct Reading {
    encoding: TextEncoding,
    words: Vec<String>,
    score: f64,
}

fn is_near(best: &Reading, second: &Reading) -> bool {
    best.score - second.score < (best.score.abs() * 0.1).max(2.0)
}

/// Whether nobody writes a page in the country of the list: where it reads no better than another one, it is no rival.
fn is_far_away(reading: &Reading, likely: &[f64]) -> bool {
    let baltic = ["LT", "LV", "EE"];
    let is_baltic = |language: &Language| baltic.iter().any(|it| language.countries.contains(it));
    let mut written = LANGUAGES.iter().zip(likely);
    reading.encoding.name() == "CP775"
        && !written.any(|(language, likely)| *likely > 0.0 && is_baltic(language))
}

fn different(best: &Reading, second: &Reading) -> (String, String) {
    let mut pairs = best.words.iter().zip(&second.words).filter(|(a, b)| a != b);
    let pair = pairs.next().map(|(a, b)| (a.clone(), b.clone()));
    pair.unwrap_or_default()
}

fn is_of_the_web(encoding: TextEncoding) -> bool {
    RIVALS
        .iter()
        .any(|rival| TextEncoding::web(rival) == encoding)
}

/// Encodings of the web that are so much like each other that the browsers' guess may be wrong.
static RIVALS: [&encoding_rs::Encoding; 6] = [
    WINDOWS_1252,
    ISO_8859_15,
    WINDOWS_1250,
    WINDOWS_1254,
    WINDOWS_1257,
    ISO_8859_2,
];

/// Pages that are looked for where their languages are likely.
const NATIONAL: &[(&str, &[&str])] = &[
    ("Mac Turkish", &["TR"]),
    ("Mac Greek", &["GR"]),
    ("Mac Croatian", &["HR"]),
    ("Mac Romanian", &["RO"]),
    ("Mac Icelandic", &["IS"]),
    ("Kamenicky", &["CZ", "SK"]),
];

/// The guess first: of equal readings the first one counts.
fn candidates(guess: TextEncoding, country: Option<&str>, likely: &[f64]) -> Vec<TextEncoding> {
    let mut candidates = vec![guess];
    // Pages of one country are much like the others, and are read there only.
    let own = match country.unwrap_or_default() {
        "PT" | "BR" => "CP860",
        "IS" => "CP861",
        "IL" => "CP862",
        "NO" | "DK" => "CP865",
        _ => "CP850",
    };
    let pages = ["CP850", own, "CP852", "CP857", "CP775", "CP737", "Mac CE"];
    let is_written = |country: &&str| {
        let mut languages = LANGUAGES.iter().zip(likely);
        languages.any(|(language, likely)| *likely > 0.0 && language.countries.contains(country))
    };
    let national = NATIONAL.iter();
    let national = national.filter(|(_, countries)| countries.iter().any(&is_written));
    let pages = pages.iter().chain(national.map(|(name, _)| name));
    candidates.extend(pages.filter_map(|name| TextEncoding::page(name)));
    candidates.extend([IBM866, MACINTOSH].map(TextEncoding::web));
    // The capitals of KOI8 are small letters there, and the browsers know KOI8 well.
    if !guess.name().starts_with("KOI8") {
        candidates.push(TextEncoding::web(X_MAC_CYRILLIC));
    }
    if is_of_the_web(guess) {
        candidates.extend(RIVALS.map(TextEncoding::web));
    }
    candidates
}

/// How well the words read, in the language in which they read best.
fn score(words: &[String], likely: &[f64]) -> f64 {
    let scores = LANGUAGES.iter().zip(likely).map(|(language, likely)| {
        let total: f64 = words.iter().map(|word| word_score(word, language)).sum();
        let bonus = likely * (words.len() as f64 * LIKELY + 2.0).min(MOST_LIKELY);
        total + bonus
    });
    scores.fold(f64::NEG_INFINITY, f64::max)
}

fn word_score(word: &str, language: &Language) -> f64 {
    let letters: Vec<char> = word.chars().collect();
    let at = |index: Option<usize>| index.and_then(|index| letters.get(index)).copied();
    let mut total = 0.0;
    for (index, letter) in letters.iter().enumerate() {
        if !letter.is_ascii() {
            let around = (at(index.checked_sub(1)), at(Some(index + 1)));
            total += letter_score(*letter, around, language);
        }
    }
    total
}

fn letter_score(
    letter: char,
    (before, after): (Option<char>, Option<char>),
    language: &Language,
) -> f64 {
    let beside = |side: Option<char>| side.is_some_and(char::is_alphabetic);
    if matches!(letter, '\u{80}'..='\u{9f}' | '\u{fffd}') {
        return -8.0;
    }
    if !letter.is_alphabetic() || matches!(letter, 'ª' | 'º' | 'ƒ' | 'ʼ'..='˿') {
        return symbol_score(letter, beside(before), beside(after));
    }
    let mut score = match Script::of(letter) {
        Script::Latin => latin_score(letter, language),
        script => other_score(letter, script, (before, after), language),
    };
    // An `Á` within small letters, or an `á` within capitals.
    let upper = |side: Option<char>| side.is_some_and(char::is_uppercase);
    let lower = |side: Option<char>| side.is_some_and(char::is_lowercase);
    if letter.is_uppercase() && lower(before) || letter.is_lowercase() && upper(after) {
        score -= 4.0;
    }
    if letter.is_lowercase() && upper(before) && !lower(after) {
        score -= 2.0;
    }
    score
}

/// Signs stand between words, not within them.
fn symbol_score(sign: char, before: bool, after: bool) -> f64 {
    match sign {
        '’' | '‘' | '´' | '·' if before && after => 0.0,
        // They end what comes before them, or begin what follows.
        '”' | '»' | '…' | '’' if after && !before => -2.0,
        '“' | '„' | '«' | '‘' | '‚' | '¿' | '¡' if before && !after => -2.0,
        '€' | '£' | '©' | '§' | '•' if before || after => -2.0,
        '\u{a0}' | '–' | '—' | '“' | '”' | '„' | '‚' | '’' | '‘' | '…' | '«' | '»' | '€' | '°'
        | '§' | '®' | '™' | '©' | '£' | '•' | 'ª' | 'º' | '½' | '¼' | '¿' | '¡'
            if !(before && after) =>
        {
            -0.2
        }
        '\u{a0}' => -1.5,
        '\u{2500}'..='\u{25ff}' => -6.0,
        _ if before || after => -5.0,
        _ => -1.0,
    }
}

fn latin_score(letter: char, language: &Language) -> f64 {
    let is_known = |language: &Language| use_of(letter, language) != Use::None;
    match use_of(letter, language) {
        Use::Frequent => 2.0,
        Use::Rare => 1.5,
        Use::None if LANGUAGES.iter().any(is_known) => -1.0,
        Use::None => -3.0,
    }
}

/// Letters of other scripts stand among their own.
fn other_score(
    letter: char,
    script: Script,
    (before, after): (Option<char>, Option<char>),
    language: &Language,
) -> f64 {
    let is_of = |side: Option<char>, same: bool| {
        side.is_some_and(|side| side.is_alphabetic() && (Script::of(side) == script) == same)
    };
    let known = match use_of(letter, language) {
        // Where the letters of a script are not listed, they are what the browsers' guess says.
        _ if script == Script::Other => 1.5,
        Use::Frequent => 0.5,
        Use::Rare => 0.2,
        Use::None => 0.0,
    };
    if is_of(before, false) || is_of(after, false) {
        -4.0
    } else if is_of(before, true) || is_of(after, true) {
        1.5 + known
    } else {
        known
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Other,
}

impl Script {
    fn of(letter: char) -> Self {
        match letter {
            '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Self::Latin,
            '\u{370}'..='\u{3ff}' => Self::Greek,
            '\u{400}'..='\u{52f}' => Self::Cyrillic,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

    use super::*;
    use crate::intake::encoding::Coding;

    /// Names as they stand in lists, and the encodings that they were saved in.
    const LISTS: &[(&str, &str, &[&str])] = &[
        (
            "CZ",
            "Jana Nováková\nJiří Dvořák\nŽofie Šťastná\nTomáš Černý\nPříbram\nLuděk Růžička\n",
            &["cp852", "mac-ce", "windows-1250", "iso-8859-2"],
        ),
        (
            "SK",
            "Zuzana Horváthová\nĽubomír Kováč\nŽilina\nJán Šimko\n",
            &["cp852", "mac-ce", "windows-1250"],
        ),
        (
            "PL",
            "Łukasz Wójcik\nAgnieszka Dąbrowska\nGrażyna Wiśniewska\nMałgorzata Zielińska\nŁódź\n",
            &["cp852", "mac-ce", "windows-1250", "iso-8859-2"],
        ),
        (
            "HU",
            "Kovács László\nSzabó Erzsébet\nTóth Győző\nŐri Zsófia\nKözép út\n",
            &["cp852", "mac-ce", "windows-1250"],
        ),
        (
            "DE",
            "Jürgen Groß\nKäthe Süß\nBjörn Öztürk\nMünchen\n",
            &["cp850", "cp437", "macintosh", "windows-1252"],
        ),
        (
            "FR",
            "François Lefèvre\nHélène Bézier\nChloé Forêt\nBenoît Gérard\nNoël\n",
            &["cp850", "macintosh", "windows-1252"],
        ),
        (
            "ES",
            "José García\nMaría Muñoz\nÁngel Ibáñez\nLucía Pérez\n",
            &["cp850", "macintosh", "windows-1252"],
        ),
        (
            "PT",
            "João Conceição\nInês Simões\nTomé Magalhães\nÂngela Araújo\n",
            &["cp850", "macintosh", "windows-1252"],
        ),
        (
            "SE",
            "Åsa Sjöberg\nGöran Ström\nMärta Lindén\n",
            &["cp850", "macintosh", "windows-1252"],
        ),
        (
            "DK",
            "Søren Kjær\nÅse Østergård\n",
            &["cp850", "macintosh", "windows-1252"],
        ),
        (
            "TR",
            "Ayşe Yılmaz\nÖmer Çelik\nİbrahim Şahin\nGülşen Doğan\n",
            &["cp857", "windows-1254"],
        ),
        (
            "RU",
            "Иван Петров\nМария Смирнова\nЕкатеринбург\nЮлия Ярцева\n",
            &["cp866", "windows-1251", "koi8-r", "x-mac-cyrillic"],
        ),
        (
            "GR",
            "Γιώργος Παπαδόπουλος\nΜαρία Νικολάου\n",
            &["cp737", "windows-1253"],
        ),
        (
            "IT",
            "Nicolò Bossù\nForlì\nCantù\n",
            &["windows-1252", "macintosh"],
        ),
        (
            "PT",
            "Antônio Leitão\nMônica Brandão\nEstêvão Lima\n",
            &["cp860"],
        ),
        (
            "IS",
            "Guðrún Þórsdóttir\nÍsafjörður\nÆvar Ösp\n",
            &["cp861", "windows-1252"],
        ),
        (
            "LT",
            "Jonas Šimkus\nGiedrė Žukauskienė\nAgnė Kazlauskaitė\n",
            &["cp775", "windows-1257"],
        ),
    ];

    /// Lists whose encoding the browsers' detector knows, and no page of DOS or of the Macintosh resembles.
    const OTHER_SCRIPTS: &[(&str, &str, &[&str])] = &[
        ("IL", "דוד כהן\nשרה לוי\nרחל מזרחי\n", &["windows-1255"]),
        ("EG", "محمد أحمد\nفاطمة علي\nيوسف حسن\n", &["windows-1256"]),
        (
            "JP",
            "田中 太郎\n佐藤 花子\n高橋 みどり\n",
            &["shift_jis", "euc-jp"],
        ),
        ("CN", "王伟\n李娜\n张敏\n刘洋\n", &["gbk"]),
        ("KR", "김철수\n이영희\n박민수\n", &["euc-kr"]),
        ("TH", "สมชาย ใจดี\nสมหญิง รักไทย\n", &["windows-874"]),
    ];

    /// Pages that are looked for in their own country only.
    const IN_THEIR_COUNTRY: &[&str] = &["cp860", "cp861"];

    fn encode(text: &str, encoding: TextEncoding) -> Option<Vec<u8>> {
        match encoding.0 {
            Coding::Web(web) => {
                let (bytes, _, unknown) = web.encode(text);
                (!unknown).then(|| bytes.into_owned())
            }
            Coding::Page(page) => text
                .chars()
                .map(|letter| (0..=255).find(|byte| page.letter(*byte) == Some(letter)))
                .collect(),
        }
    }

    fn guess(bytes: &[u8], country: Option<&str>) -> (TextEncoding, Option<Doubt>) {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        let domain = country.map(str::to_ascii_lowercase);
        let guess = detector.guess(domain.as_deref().map(str::as_bytes), Utf8Detection::Deny);
        let mut words = Words::default();
        words.feed(bytes);
        words.judge(TextEncoding::web(guess), country)
    }

    #[test]
    fn a_list_in_a_page_of_its_country_alone_is_read_there() {
        for (country, text, label) in [
            (
                "CZ",
                "Jiří Dvořák\nŽofie Šťastná\nTomáš Černý\nLuděk Růžička\n",
                "kamenicky",
            ),
            (
                "TR",
                "Ayşe Yılmaz\nÖmer Çelik\nİbrahim Şahin\nGülşen Doğan\n",
                "mac-turkish",
            ),
            ("GR", "Γιώργος Παπαδόπουλος\nΜαρία Νικολάου\n", "mac-greek"),
            (
                "HR",
                "Željko Đurđević\nAna Kovačić\nŠime Perišić\n",
                "mac-croatian",
            ),
            (
                "RO",
                "Ștefan Ionuț\nRăzvan Țăranu\nBrândușa Pătrașcu\n",
                "mac-romanian",
            ),
            (
                "IS",
                "Guðrún Þórsdóttir\nÍsafjörður\nÆvar Ösp\n",
                "mac-icelandic",
            ),
        ] {
            let bytes = encode(text, label.parse().unwrap()).unwrap();
            let (found, _) = guess(&bytes, Some(country));
            assert_eq!(found.decode(&bytes), text, "{label}: {found}");
        }
    }

    #[test]
    fn names_are_read_as_they_were_written_with_and_without_a_country() {
        let mut wrong = Vec::new();
        for (country, text, labels) in LISTS.iter().chain(OTHER_SCRIPTS) {
            for label in *labels {
                let shapes = [text.to_string(), text.to_uppercase(), text.to_lowercase()];
                for (text, country) in shapes
                    .iter()
                    .flat_map(|text| [(text, Some(*country)), (text, None)])
                {
                    let Some(bytes) = encode(text, label.parse().unwrap()) else {
                        continue;
                    };
                    if country.is_none() && IN_THEIR_COUNTRY.contains(label) {
                        continue;
                    }
                    let (found, doubt) = guess(&bytes, country);
                    if found.decode(&bytes) != *text || doubt.is_some() {
                        wrong.push(format!(
                            "{label} {country:?}: {found} {:?} {doubt:?}",
                            found.decode(&bytes)
                        ));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_letter_that_the_countrys_language_does_not_have_makes_no_page_of_another_country_a_rival()
    {
        let text = "Jürgen Groß\nKäthe Süß\nBjörn Öztürk\nMünchen\nZoë Müller\n";
        let bytes = encode(text, "cp850".parse().unwrap()).unwrap();
        let (found, doubt) = guess(&bytes, Some("DE"));
        assert_eq!(
            (found.decode(&bytes).as_str(), doubt),
            (text, None),
            "{found}"
        );
    }

    #[test]
    fn a_single_word_is_read_right_or_told_to_be_in_doubt() {
        let mut wrong = Vec::new();
        let (mut all, mut doubtful) = (0, 0);
        for (country, text, labels) in LISTS {
            let words = text.split_whitespace().filter(|word| !word.is_ascii());
            for (word, label) in
                words.flat_map(|word| labels.iter().map(move |label| (word, label)))
            {
                let bytes = encode(word, label.parse().unwrap()).unwrap();
                let (found, doubt) = guess(&bytes, Some(country));
                all += 1;
                doubtful += usize::from(doubt.is_some());
                if found.decode(&bytes) != word && doubt.is_none() {
                    wrong.push(format!(
                        "{word} in {label}: {found} {:?}",
                        found.decode(&bytes)
                    ));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        // A doubt that is always there says nothing.
        assert!(doubtful * 3 < all, "{doubtful} of {all}");
    }
}
