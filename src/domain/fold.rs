//! Folding of texts: what is the same to a person becomes the same text. Nothing else folds texts.
//!
//! [`header`] is for the names of columns, [`message`] for what is sent, [`reply`] for what people answer. The
//! names of countries are folded as headers are, and keep their signs.

use std::collections::BTreeMap;
use std::fmt;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The words of a header: lower case, without accents, one space between words. `Telefonní číslo` is
/// `telefonni cislo`, composed or decomposed, and so is `telefonni_cislo`.
pub(crate) fn header(text: &str) -> String {
    words(&plain(text))
}

/// The words of a reply: those of a header, where forms of a letter that are only typed in another way (full
/// width, ligatures, letters in circles) are the letter itself (NFKC).
pub(crate) fn reply(text: &str) -> String {
    words(&plain(
        &ComposingNormalizerBorrowed::new_nfkc().normalize(text),
    ))
}

/// A folded text whose letters are only written to look like Latin ones: letters of Cyrillic and Greek, digits between
/// letters (`st0p`), one letter many times (`stooop`), letters with a gap between all of them.
pub(crate) fn look_alikes(folded: &str) -> String {
    let words = folded.split(' ').map(|word| {
        let has_letter = word.contains(char::is_alphabetic);
        let alike = word.chars().map(|sign| match sign {
            '0'..='9' if !has_letter => sign,
            sign => look_alike(sign),
        });
        once(alike)
    });
    let words: Vec<String> = words.collect();
    let is_apart = words.len() > 2 && words.iter().all(|word| word.chars().count() == 1);
    words.join(if is_apart { "" } else { " " })
}

/// Three signs or more of a kind are one.
fn once(signs: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    let mut run = 0;
    for sign in signs {
        run = if text.ends_with(sign) { run + 1 } else { 1 };
        text.push(sign);
        if run == 3 {
            text.truncate(text.len() - 2 * sign.len_utf8());
            run = 1;
        }
    }
    text
}

/// The Latin letter that a sign looks like, of those in Unicode's list of confusables (UTS #39) that people type.
const fn look_alike(sign: char) -> char {
    match sign {
        'а' | 'α' | '4' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ς' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' | 'є' | '3' => 'e',
        'һ' | 'н' => 'h',
        'і' | 'ι' | '1' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' | 'μ' => 'm',
        'η' | 'п' => 'n',
        'о' | 'ο' | 'σ' | '0' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' | '5' => 's',
        'т' | 'τ' | '7' => 't',
        'υ' | 'ц' => 'u',
        'ν' => 'v',
        'ѡ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        other => other,
    }
}

/// The name of a country: lower case, without accents, `&` spelled out.
pub(crate) fn country(text: &str) -> String {
    plain(text).replace('&', "and").replace('’', "'")
}

fn words(plain: &str) -> String {
    let mut words = String::with_capacity(plain.len());
    for word in plain.split(|c: char| !c.is_alphanumeric()) {
        if !words.is_empty() && !word.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

/// Lower case, without accents and without signs that have no width.
fn plain(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = text.to_lowercase();
    let mut plain = String::with_capacity(lower.len());
    let mut base = ' ';
    for letter in DecomposingNormalizerBorrowed::new_nfd()
        .normalize(&lower)
        .chars()
    {
        if is_without_width(letter)
            || is_accent(letter) && (!is_cyrillic(base) || is_stress(letter, base))
        {
            continue;
        }
        if !is_accent(letter) {
            base = letter;
        }
        match without_stroke(letter) {
            Some(letters) => plain.push_str(letters),
            None => plain.push(letter),
        }
    }
    // What was taken apart and has no accent (the syllables of Korean) is put together again.
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(&plain)
        .into_owned()
}

/// A letter without its accents and strokes, in its own case: `č` is `c`, `Đ` is `D`, `й` stays.
pub(crate) fn without_accents(letter: char) -> String {
    let mut buffer = [0; 4];
    let plain = plain(letter.encode_utf8(&mut buffer));
    if letter.is_uppercase() {
        plain.to_uppercase()
    } else {
        plain
    }
}

/// Marks above and below letters: of Latin and Greek, and those of Arabic that few people type.
fn is_accent(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{64b}'..='\u{65f}')
}

/// Where a mark makes another letter: `й` is no `и`.
fn is_cyrillic(letter: char) -> bool {
    matches!(letter, '\u{400}'..='\u{4ff}')
}

/// A mark of stress on a Cyrillic letter, which makes another letter of two only: `ѓ` and `ќ`.
fn is_stress(mark: char, base: char) -> bool {
    matches!(mark, '\u{300}' | '\u{301}') && !matches!(base, 'г' | 'к')
}

fn is_without_width(letter: char) -> bool {
    matches!(
        letter,
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{ad}' | '\u{feff}' | '\u{fe0f}'
    )
}

/// Letters that Unicode does not take apart, as people type them who do not have them.
fn without_stroke(letter: char) -> Option<&'static str> {
    Some(match letter {
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'ł' => "l",
        'ø' => "o",
        'ŧ' => "t",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

/// A message as a person sees it: in composed form (NFC), every run of white space one space, none at the
/// ends, without invisible characters. Joiners stay: they make emoji and shape letters.
pub(crate) fn message(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut gap = false;
    for letter in text.chars() {
        if letter.is_whitespace() || is_blank(letter) {
            gap = true;
        } else if !is_invisible(letter) {
            if gap && !folded.is_empty() {
                folded.push(' ');
            }
            gap = false;
            folded.push(letter);
        }
    }
    // Last, so that what stood invisibly between a letter and its accent does not keep them apart.
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&folded);
    match composed {
        std::borrow::Cow::Borrowed(_) => folded,
        std::borrow::Cow::Owned(composed) => composed,
    }
}

/// Characters without width: zero-width space, word joiner, byte order mark, soft hyphen, marks of direction,
/// invisible operators, and control characters that are no white space.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{200B}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{AD}' | '\u{34F}' | '\u{180E}'
                | '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{206F}'
        )
}

/// Letters that look like a space: fillers of Korean, the empty Braille cell.
fn is_blank(letter: char) -> bool {
    matches!(
        letter,
        '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' | '\u{2800}'
    )
}

/// The JSON of a message's content with every text folded and every object's keys in order: the same for
/// contents that a person sees as the same. A text that is no JSON is folded as it is.
pub(crate) fn content(json: &str) -> String {
    let folded = serde_json::from_str::<Folded>(json);
    match folded.and_then(|folded| serde_json::to_string(&folded)) {
        Ok(folded) => folded,
        Err(_) => message(json),
    }
}

/// A part of a content, folded while it is read: one is made for each message.
#[derive(Serialize)]
#[serde(untagged)]
enum Folded {
    Text(String),
    Items(Vec<Folded>),
    Fields(BTreeMap<String, Folded>),
    Other(Value),
}

impl<'de> Deserialize<'de> for Folded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FoldedVisitor)
    }
}

struct FoldedVisitor;

impl<'de> Visitor<'de> for FoldedVisitor {
    type Value = Folded;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Folded, E> {
        Ok(Folded::Text(message(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Folded, A::Error> {
        let mut folded = Vec::new();
        while let Some(item) = items.next_element()? {
            folded.push(item);
        }
        Ok(Folded::Items(folded))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Folded, A::Error> {
        let mut folded = BTreeMap::new();
        while let Some((name, value)) = fields.next_entry()? {
            folded.insert(name, value);
        }
        Ok(Folded::Fields(folded))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Folded, E> {
        Ok(Folded::Other(value.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Folded, E> {
        Ok(Folded::Other(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Folded, E> {
        Ok(Folded::Other(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Folded, E> {
        Ok(Folded::Other(number.into()))
    }

    fn visit_unit<E>(self) -> Result<Folded, E> {
        Ok(Folded::Other(Value::Null))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        for text in [
            "Hello Jana",
            " Hello \n Jana ",
            "Hello\u{A0}Jana",
            "Hel\u{200B}lo Jana",
            "Hello \u{200B} Jana\u{FEFF}",
            "Hello\r\n\u{2003}Jana\u{200E}",
            "\u{2800}Hello\u{3164}Jana\u{7}",
        ] {
            assert_eq!(message(text), "Hello Jana", "{text:?}");
        }
        assert_eq!(message("cafe\u{301}"), "caf\u{e9}");
        assert_eq!(message("cafe\u{AD}\u{301}"), "caf\u{e9}");
    }

    #[test]
    fn a_header_is_the_same_with_and_without_accents_however_they_are_written() {
        for (text, folded) in [
            ("Telefonní číslo", "telefonni cislo"),
            ("telefonni_cislo", "telefonni cislo"),
            ("Telefonni\u{301} c\u{30c}i\u{301}slo", "telefonni cislo"),
            ("Mobilné ČÍSLO\u{FEFF}", "mobilne cislo"),
            ("Fornavn på bestilleren Øst", "fornavn pa bestilleren ost"),
            ("Fo\u{30b}va\u{301}ros", "fovaros"),
            ("Fővárosi űrlap", "fovarosi urlap"),
            ("u\u{30b}rlap", "urlap"),
            ("Država, grad Đakovo", "drzava grad dakovo"),
            ("Straße", "strasse"),
            ("STRASSE", "strasse"),
            ("Telefon komórkowy łódź", "telefon komorkowy lodz"),
            ("Sími og nafn Þórður", "simi og nafn thordur"),
            ("Ħamrun isim adı ŧ", "hamrun isim adi t"),
            ("Ærø cœur", "aero coeur"),
            ("İSİM soyadı", "isim soyadi"),
            ("Số điện thoại", "so dien thoai"),
            ("Мобильный", "мобильный"),
            ("Мобильныи\u{306}", "мобильный"),
            ("전화번호", "전화번호"),
            ("Τηλέφωνο", "τηλεφωνο"),
        ] {
            assert_eq!(header(text), folded, "{text:?}");
        }
    }

    #[test]
    fn a_reply_is_the_same_in_whatever_form_its_letters_are_typed() {
        for text in [
            "STOP",
            "ＳＴＯＰ",
            "ⓈⓉⓄⓅ",
            "s\u{200b}top!",
            "Sto\u{301}p",
            "𝐒𝐓𝐎𝐏",
        ] {
            assert_eq!(reply(text), "stop", "{text:?}");
        }
        assert_eq!(header("ＳＴＯＰ"), "ｓｔｏｐ");
    }

    #[test]
    fn joiners_stay() {
        let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}";
        assert_eq!(message(family), family);
    }

    #[test]
    fn the_order_of_keys_and_white_space_in_texts_make_no_other_content() {
        assert_eq!(
            content(r#"{"type":"text","payload":"Hi  there\n"}"#),
            content(r#"{ "payload": "Hi there", "type": "text" }"#)
        );
        assert_ne!(
            content(r#"{"type":"text","payload":"Hi there"}"#),
            content(r#"{"type":"text","payload":"Hithere"}"#)
        );
    }
    /// What [`content`] has always done, of which stored keys and digests are made.
    fn fold_value(value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(message(&text)),
            Value::Array(items) => items.into_iter().map(fold_value).collect(),
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.into_iter().collect();
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                let folded = fields.into_iter();
                folded
                    .map(|(name, value)| (name, fold_value(value)))
                    .collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[ a\u{301}\u{200B}\n]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..5)
                    .prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_content_is_folded_as_its_value_is(value in json()) {
            let text = value.to_string();
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(content(&text), fold_value(read).to_string());
        }

        #[test]
        fn what_is_no_json_is_folded_as_a_text(text in "[{}\\[\\]\",: a0-]{0,12}") {
            let folded = serde_json::from_str(&text).map(|value| fold_value(value).to_string());
            prop_assert_eq!(content(&text), folded.unwrap_or_else(|_| message(&text)));
        }
    }
}
