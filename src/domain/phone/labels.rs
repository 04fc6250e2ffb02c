//! Words beside a number that say which line it is, and nothing else. Beside any other word no number is suggested: it
//! may be another person's name, or ask for no message.

use crate::domain::fold;

/// Words that stand before a number and say nothing but that one follows.
pub(super) const BEFORE: [&str; 30] = [
    "whatsapp",
    "telegram",
    "facetime",
    "imessage",
    "signal",
    "viber",
    "skype",
    "telephone",
    "telefono",
    "telefon",
    "callto",
    "mobile",
    "numero",
    "number",
    "handy",
    "mobil",
    "movil",
    "phone",
    "cell",
    "call",
    "tel",
    "mob",
    "gsm",
    "sms",
    "no",
    "nr",
    "m",
    "p",
    "t",
    "c",
];

/// Words that name a line of its person wherever they stand, folded as headers are.
const LINES: [&str; 47] = [
    "whatsapp",
    "telegram",
    "signal",
    "viber",
    "telephone",
    "telefono",
    "telefone",
    "telefon",
    "telefoon",
    "puhelin",
    "mobile",
    "mobil",
    "mobilni",
    "mobiltelefon",
    "movil",
    "mobiel",
    "portable",
    "celular",
    "cellulare",
    "cellular",
    "cell",
    "komorka",
    "komorkowy",
    "handy",
    "phone",
    "tel",
    "mob",
    "gsm",
    "work",
    "office",
    "home",
    "private",
    "personal",
    "business",
    "main",
    "privat",
    "prive",
    "arbeit",
    "buro",
    "prace",
    "domu",
    "domov",
    "doma",
    "osobni",
    "sluzebni",
    "firma",
    "bureau",
];

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
    let is_label = |word: &str| {
        let word = fold::header(word);
        let is_name = |name: &str| !name.is_empty() && name == word;
        LINES.contains(&word.as_str()) || names.split(' ').any(is_name)
    };
    let labels = |beside: &str| {
        let is_sign = |c: char| c.is_whitespace() || ".:,;-()[]/\"'".contains(c);
        let mut words = beside.split(is_sign).filter(|word| !word.is_empty());
        words.all(is_label)
    };
    let is_beside = labels(text.get(..first)?) && labels(text.get(last..)?);
    text.get(first..last).filter(|_| is_beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_beside_labels_is_told_from_one_beside_other_words() {
        for (text, number) in [
            ("777 123 456 mobil", "777 123 456"),
            ("Handy: +43 664 1234567 (privat)", "+43 664 1234567"),
            ("tel. (030) 12345678 - work", "(030) 12345678"),
            ("777123456 / Práce", "777123456"),
            ("(777 123 456) home", "777 123 456"),
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
    fn labels_are_written_as_they_are_folded() {
        for label in LINES {
            assert_eq!(fold::header(label), label);
        }
    }
}
