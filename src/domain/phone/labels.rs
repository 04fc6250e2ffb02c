//! Words beside a number that say which line it is, and nothing else. Beside any other word no number is suggested: it
//! may be another person's name, or ask for no message.

use std::borrow::Cow;

use crate::domain::fold;
use crate::domain::word_list::lists_of;

// Its comments say where the words stand.
lists_of!(struct List in "labels.txt");

const LINES: List = List("lines");
const FINE: List = List("fine");
const BEFORE: List = List("before");
const NOTHING: List = List("nothing");
const BETWEEN: List = List("between");
const NOT_THEIRS: List = List("not theirs");
const NOT_THEIRS_ALONE: List = List("not theirs alone");
const OLD_PLACES: List = List("old places");

/// Signs that are a label of their own.
const PICTURES: [char; 13] = [
    '\u{260e}', '\u{260f}', '\u{2706}', '📱', '📲', '📞', '🏠', '🏡', '🏢', '✓', '✔', '☑', '✅',
];

/// What follows a word that stands before numbers, with its dot or colon: of `Tel.: 777 123 456` the number. `None` if
/// no such word stands there.
pub(super) fn behind_label(text: &str) -> Option<&str> {
    let word = text
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(word);
    // `NO` is Norway, `no` may be an answer: the word for a number has its dot.
    let is_other = word.eq_ignore_ascii_case("no") && !rest.starts_with(['.', ':']);
    let rest = rest.trim_start_matches([' ', '.', ':']);
    let is_number = rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '('));
    let is_label = || BEFORE.has(&word.to_ascii_lowercase());
    (is_number && !is_other && is_label()).then_some(rest)
}

/// Whether a text has no other words than labels, and one at least: `(mobil)`.
pub(crate) fn is_label(text: &str) -> bool {
    text.contains(char::is_alphabetic) && are_labels(text, "")
}

/// Whether the label of a number, or the header of a column of numbers, says that it is another person's, or not in use any
/// more: `Wife`, `Old mobile`.
pub(crate) fn is_not_theirs(label: &str) -> bool {
    let folded = fold::header(label);
    let words: Vec<&str> = folded.split(' ').collect();
    let at = |at: usize, list: &List| list.longest_at(words.get(at..).unwrap_or(&[])) > 0;
    let mut places = 0..words.len();
    places.any(|place| at(place, &NOT_THEIRS) && !at(place, &OLD_PLACES))
        || NOT_THEIRS_ALONE.has(&folded)
}

/// The text with a semicolon in the place of each word that parts two numbers: `0171 1234567 oder 0172 1234567`.
pub(super) fn parted(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_alphabetic) {
        return text.into();
    }
    let mut parted = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(char::is_alphabetic) {
        let (before, behind) = rest.split_at(start);
        let is_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(');
        let end = behind.find(is_number).unwrap_or(behind.len());
        let (words, next) = behind.split_at(end);
        let follows = before
            .trim_end()
            .ends_with(|c: char| c.is_ascii_digit() || c == ')');
        let is_between = follows && !next.is_empty() && BETWEEN.has(&fold::header(words));
        parted.push_str(before);
        parted.push_str(if is_between { "; " } else { words });
        rest = next;
    }
    parted.push_str(rest);
    parted.into()
}

/// Whether a text says that there is no number: `n/a`.
pub(super) fn is_nothing(text: &str) -> bool {
    NOTHING.has(&fold::header(text))
}

/// Whether each word is a label of a line, or one of these folded names.
fn are_labels(beside: &str, names: &str) -> bool {
    let is_sign =
        |c: char| c.is_whitespace() || ".:,;-()[]/\"'\u{fe0f}".contains(c) || PICTURES.contains(&c);
    let is_name = |word: &str| {
        names
            .split(' ')
            .any(|name| !name.is_empty() && name == word)
    };
    let mut words = beside.split(is_sign).filter(|word| !word.is_empty());
    words.all(|word| {
        let word = fold::header(word);
        LINES.has(&word) || FINE.has(&word) || is_name(&word)
    })
}

/// The number of a text that holds one beside labels of its line and these names; `None` if anything else stands there.
pub(super) fn number_beside<'a>(text: &'a str, names: &[&str]) -> Option<&'a str> {
    let is_number = |c: char| c.is_ascii_digit() || c == '+';
    let (first, last) = (text.find(is_number)?, text.rfind(is_number)? + 1);
    // A bracket around the first digits belongs to the number.
    let number = text.get(first..last)?;
    let first = if number.contains(')') && !number.contains('(') {
        text.get(..first)?.strip_suffix('(')?.len()
    } else {
        first
    };
    let names = fold::header(&names.join(" "));
    let is_beside = are_labels(text.get(..first)?, &names) && are_labels(text.get(last..)?, &names);
    text.get(first..last).filter(|_| is_beside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::word_list::tests::check;

    #[test]
    fn a_number_beside_labels_is_told_from_one_beside_other_words() {
        for (text, number) in [
            ("777 123 456 mobil", "777 123 456"),
            ("Handy: +43 664 1234567 (privat)", "+43 664 1234567"),
            ("tel. (030) 12345678 - work", "(030) 12345678"),
            ("777123456 / Práce", "777123456"),
            ("(777 123 456) home", "777 123 456"),
            ("777123456 (m)", "777123456"),
            ("777123456 nové", "777123456"),
            ("777123456 OK", "777123456"),
            ("777123456 ✓", "777123456"),
            ("777123456 ✔\u{fe0f}", "777123456"),
            ("777123456 (SMS only)", "777123456"),
        ] {
            assert_eq!(number_beside(text, &[]), Some(number), "{text}");
        }
        let names = ["Jana", "Malá Nová"];
        for text in ["777123456 Jana", "Nova, Jana: 777123456 (mobil)"] {
            assert_eq!(number_beside(text, &names), Some("777123456"), "{text}");
        }
        for text in [
            "777123456 STOP",
            "777123456 Jana",
            "777123456 (neplatné)",
            "777123456 ✝",
            "777123456 ❌ mobil",
            "no 777123456",
            "777123456_",
            "mobil",
        ] {
            assert_eq!(number_beside(text, &[]), None, "{text}");
        }
    }

    #[test]
    fn each_label_is_folded_and_belongs_to_a_section_that_is_used() {
        check(
            include_str!("labels.txt"),
            include_str!("labels.rs"),
            fold::header,
        );
    }

    #[test]
    fn a_label_says_that_a_number_is_another_persons_or_old() {
        for label in [
            "Wife",
            "Husband",
            "Manžel",
            "Manželka",
            "Mutter",
            "Mère",
            "Ex-husband",
            "_$!<Assistant>!$_",
            "Old",
            "Starý",
            "Do not use",
            "Don't use",
            "Nepoužívat",
            "Neplatné",
            "Ehefrau",
            "Großmutter",
            "Żona",
            "Mąż",
            "Eşi",
            "Дружина",
            "кур'єр",
            "Old mobile",
            "Neplatný telefon",
            "Telefon - nepoužívat",
            "Wife phone",
            "Telefon obchodníka",
            "Sender phone",
            "From",
            "Driver phone",
            "Assistant's Phone",
            "Ancien mobile",
            "Móvil antiguo",
            "Ex-Mobil",
            "Telefon alt",
            "Handy (alt)",
            "Alt",
            "Old phone",
            "Old Town old phone",
        ] {
            assert!(is_not_theirs(label), "{label}");
        }
        for label in [
            "",
            "Mobile",
            "Home",
            "Work",
            "Main",
            "Other",
            "iPhone",
            "Domů",
            "Práce",
            "Jiný",
            "Ostatní",
            "Hlavní",
            "Arbeit",
            "Privat",
            "Sonstige",
            "Autre",
            "Principal",
            "Travail",
            "Otro",
            "Trabajo",
            "Altro",
            "Lavoro",
            "Inny",
            "Praca",
            "Diğer",
            "İş",
            "Cep",
            "Інший",
            "Робочий",
            "Viber",
            "Telefon klienta",
            "Customer phone",
            "Contact phone",
            "Company phone",
            "Phone number",
            "Telefon",
            "Handy",
            "Portable",
            "Móvil",
            "Cellulare",
            "Komórka",
            "Obchodní telefon",
            "Household phone",
            "Gold mobile",
            "Telefon 2",
            "Mobile (CZ)",
            "Obecné",
            "Škola",
            "Alt phone",
            "Alt. number",
            "Old Town phone",
            "Staré Město telefon",
        ] {
            assert!(!is_not_theirs(label), "{label}");
        }
    }

    #[test]
    fn no_word_is_both_a_label_of_a_line_and_one_of_another_person() {
        for phrase in include_str!("labels.txt")
            .split("[lines]")
            .nth(1)
            .and_then(|it| it.split('[').next())
            .into_iter()
            .flat_map(str::lines)
            .filter_map(|line| line.split_once(": "))
            .flat_map(|(_, phrases)| phrases.split(", "))
        {
            assert!(!is_not_theirs(phrase), "{phrase}");
        }
    }

    /// Words beside numbers that must never be taken for a label: the number may be another person's, or no phone.
    const NO_LABELS: &str = "
        old|wrong|invalid|do not call|not working|former|ex|fax|wife|husband|mother|mum|dad|son|daughter|assistant
        reception|emergency|neighbour|landlord|no|none|dead|stop|spam|disconnected|deactivated|previous|pager|parents
        starý|staré číslo|špatné|neplatné|nevolat|neplatný|zrušeno|bývalý|manželka|manžel|maminka|dcera|syn|recepce
        starý|zlé|manželka|mama|otec|nevolať|alt|falsch|ungültig|nicht anrufen|Frau|Mann|Mutter|Vater|Sekretariat
        oud|verkeerd|fout|niet bellen|vrouw|ancien|faux|erroné|ne pas appeler|femme|mari|secrétariat|télécopie
        antiguo|viejo|equivocado|no llamar|esposa|marido|madre|antigo|errado|não ligar|vecchio|sbagliato|non chiamare
        moglie|stary|zły|nieaktualny|nie dzwonić|żona|mąż|régi|rossz|ne hívja|feleség|vechi|greșit|nu sunați|soția
        gammal|fel|ring inte|gammel|forkert|ring ikke|vanha|väärä|älä soita|vaimo|vana|vale|stari|krivi|ne zvati
        старый|неверный|не звонить|жена|муж|мама|старий|невірний|не дзвонити|стар|грешен|παλιο|λαθος|eski|yanlış
        aramayın|eşi|gömul|Jana|Petr|Lana|Praha|x|Faks|факс|telefax|e-mail|kontakt";

    #[test]
    fn a_word_that_may_say_that_the_number_is_not_the_persons_is_no_label() {
        for word in NO_LABELS
            .split(['|', '\n'])
            .map(str::trim)
            .filter(|it| !it.is_empty())
        {
            for text in [
                format!("777123456 ({word})"),
                format!("777123456 {word}"),
                format!("mobil {word} 777123456"),
                format!("{word}: 777123456"),
            ] {
                assert_eq!(number_beside(&text, &[]), None, "{text}");
            }
        }
    }
}
