//! Headers and cells whose letters were damaged before the list came to us: UTF-8 that was read as a code page and saved again
//! (`OdhlÃ¡Å¡en`), and letters that were lost (`Odhl??en`).

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::domain::fold;
use crate::domain::word_list::lists_of;
use crate::intake::encoding::{TextEncoding, WESTERN_AND_CENTRAL};

lists_of!(struct List in "../words.txt");

/// What stands for a lost letter once more.
const LOST: char = '\u{fffd}';

/// A letter that no word has: one that was lost is none of those beside it.
const UNKNOWN: char = '\u{294}';

/// A shorter word may be many.
const SHORTEST: usize = 4;

/// Of fewer letters that are left no word is known.
const FEWEST_LETTERS: usize = 3;

/// A header with its letters as they were, as far as that is certain. A letter that is not known ends no word.
pub(in crate::intake) fn readable_header(header: &str) -> Cow<'_, str> {
    match readable(header) {
        Cow::Borrowed(_) if !header.contains([LOST, '?', '_']) => header.into(),
        read => with_lost(&read, &['_'], true).map_or(read.clone(), Cow::Owned),
    }
}

/// A cell with its letters as they were, as far as that is certain.
pub(in crate::intake) fn readable(text: &str) -> Cow<'_, str> {
    let read = may_be_read_back(text).then(|| read_back(text)).flatten();
    let read = read.map_or(Cow::Borrowed(text), Cow::Owned);
    if !read.contains([LOST, '?']) {
        return read;
    }
    with_lost(&read, &[], false).map_or(read.clone(), Cow::Owned)
}

/// Whether a first byte of UTF-8, as a code page shows it, stands before another letter: in most texts none does.
fn may_be_read_back(text: &str) -> bool {
    const FIRST: [char; 21] = [
        'Â', 'Ã', 'Ä', 'Å', 'È', 'Í', 'Î', 'Ï', 'Ð', 'Ñ', 'Ò', 'Ó', 'â', 'Ă', 'Ĺ', 'Č', 'Ď', 'Đ',
        'Ń', 'Ň', 'Ë',
    ];
    let behind = text.chars().skip(1);
    let mut pairs = text.chars().zip(behind);
    pairs.any(|(first, second)| !second.is_ascii() && FIRST.contains(&first))
}

/// A text whose bytes were UTF-8 and were read as a code page.
fn read_back(text: &str) -> Option<String> {
    let mut pages = WESTERN_AND_CENTRAL.iter();
    pages.find_map(|page| decoded(&bytes(*page, text)?))
}

/// The bytes of a text in a code page; a letter that was lost has none.
fn bytes(page: TextEncoding, text: &str) -> Option<Vec<Option<u8>>> {
    let byte = |letter| match letter {
        LOST => Some(None),
        // What has no letter in the page may stand as it is.
        '\u{80}'..='\u{9f}' => Some(u8::try_from(u32::from(letter)).ok()),
        letter => page.byte(letter).map(Some),
    };
    text.chars().map(byte).collect()
}

/// The text of such bytes, if all of them beyond ASCII are UTF-8 for letters and signs that lists have.
fn decoded(bytes: &[Option<u8>]) -> Option<String> {
    let (mut text, mut rest, mut is_any) = (String::new(), bytes, false);
    while let Some(first) = rest.first() {
        let first = (*first)?;
        if first.is_ascii() {
            text.push(char::from(first));
            rest = rest.get(1..)?;
            continue;
        }
        let length = if first < 0xe0 { 2 } else { 3 };
        let group = rest.get(..length)?;
        // A space that is not broken was made a plain one.
        let whole = |byte: &Option<u8>| {
            if *byte == Some(b' ') {
                Some(0xa0)
            } else {
                *byte
            }
        };
        let behind: Option<Vec<u8>> = group.iter().skip(1).map(whole).collect();
        match behind {
            None => text.push(LOST),
            Some(behind) => {
                let bytes = [vec![first], behind].concat();
                let letter = std::str::from_utf8(&bytes).ok()?.chars().next()?;
                if !is_of_lists(letter) {
                    return None;
                }
                text.push(letter);
                is_any |= !group.contains(&Some(b' '));
            }
        }
        rest = rest.get(length..)?;
    }
    is_any.then_some(text)
}

/// Whether a letter or a sign is one that lists have: few other letters come of two that stand together by chance.
fn is_of_lists(letter: char) -> bool {
    matches!(
        letter,
        '\u{a0}'..='\u{17f}' | '\u{218}'..='\u{21b}' | '\u{370}'..='\u{4ff}' | '\u{2010}'..='\u{203a}'
    )
}

/// A text with its damaged words as the lists know them; `None` if it has none. `signs` may stand for letters, too, in a word
/// that is known then.
fn with_lost(text: &str, signs: &[char], marks_unknown: bool) -> Option<String> {
    // The `?` of an address is no letter.
    let is_address = text.contains("://") || text.contains('@');
    let is_lost = |c: char| c == LOST || c == '?' && !is_address;
    let is_of_word = |c: char| c.is_alphabetic() || is_lost(c) || signs.contains(&c);
    let (mut made, mut is_any, mut rest) = (String::new(), false, text);
    while let Some(first) = rest.chars().next() {
        let end = rest
            .find(|c: char| is_of_word(c) != is_of_word(first))
            .unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        let restored = damaged(word, is_lost, signs).and_then(|pattern| {
            let known = known(&pattern);
            let unknown = || pattern.iter().map(|it| it.unwrap_or(UNKNOWN)).collect();
            let is_lost = word.contains(is_lost) && !joins_words(word);
            known.or_else(|| (marks_unknown && is_lost).then(unknown))
        });
        is_any |= restored.is_some();
        made.push_str(restored.as_deref().unwrap_or(word));
    }
    is_any.then_some(made)
}

/// Whether a mark stands between words, as one that asks: `Souhlas?ano`.
fn joins_words(word: &str) -> bool {
    word.split('?').any(|part| {
        let letters: Vec<Option<char>> = fold::header(part).chars().map(Some).collect();
        find(&letters).is_some()
    })
}

/// The folded letters of a word, `None` for one that was lost; `None` if none was. A mark at its end asks.
fn damaged(
    word: &str,
    is_lost: impl Fn(char) -> bool,
    signs: &[char],
) -> Option<Vec<Option<char>>> {
    let asks = |c: char| c == '?' || signs.contains(&c);
    let word = word.trim_end_matches(asks);
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    // One such sign stands between two words.
    let has_signs = signs
        .iter()
        .any(|sign| word.contains(&sign.to_string().repeat(2)));
    if letters < 2 || !(word.contains(&is_lost) || has_signs) {
        return None;
    }
    let fold = |c: char| fold::header(&c.to_string()).chars().next();
    let letters = word.chars();
    Some(
        letters
            .map(|c| fold(c).filter(|_| c.is_alphabetic()))
            .collect(),
    )
}

/// A word of the lists of refusals, else of others, that has these letters.
fn known(pattern: &[Option<char>]) -> Option<String> {
    // Of a letter of two bytes two marks may be left.
    let halves = || {
        let mut halves = Vec::new();
        let mut rest = pattern;
        while let Some((first, behind)) = rest.split_first() {
            halves.push(*first);
            rest = match behind.split_first() {
                Some((None, behind)) if first.is_none() => behind,
                _ => behind,
            };
        }
        halves
    };
    find(pattern).or_else(|| {
        let halves = halves();
        (halves.len() < pattern.len())
            .then(|| find(&halves))
            .flatten()
    })
}

fn find(pattern: &[Option<char>]) -> Option<String> {
    static WORDS: LazyLock<Vec<(&str, bool)>> = LazyLock::new(|| {
        let lists = LISTS.iter().flat_map(|list| list.words());
        lists
            .filter(|(word, _)| word.chars().count() >= SHORTEST)
            .collect()
    });
    if pattern.iter().flatten().count() < FEWEST_LETTERS {
        return None;
    }
    let fits = |(word, is_open): &&(&'static str, bool)| {
        let length = word.chars().count();
        let behind = pattern.get(length..);
        let is_whole = |behind: &[Option<char>]| {
            behind.is_empty() || *is_open && behind.iter().all(Option::is_some)
        };
        behind.is_some_and(is_whole)
            && word
                .chars()
                .zip(pattern)
                .all(|(letter, own)| own.is_none_or(|own| own == letter))
    };
    let (word, _) = WORDS.iter().find(fits)?;
    let behind = pattern.iter().skip(word.chars().count());
    Some(word.chars().chain(behind.copied().flatten()).collect())
}

/// The lists whose words are known by what is left of them: those of refusals first.
static LISTS: [List; 28] = [
    List("refusals"),
    List("!"),
    List("opted out"),
    List("must not"),
    List("no contact"),
    List("refuses"),
    List("refusing status"),
    List("refusing remarks"),
    List("weak refusals"),
    List("withdrawn"),
    List("negations"),
    List("consents"),
    List("consenting"),
    List("of a consent"),
    List("messages"),
    List("contacting"),
    List("refused contact"),
    List("in a refusal"),
    List("beside a refusal"),
    List("sends"),
    List("may"),
    List("our matter"),
    List("status"),
    List("remark"),
    List("time"),
    List("until"),
    List("begins"),
    List("polite"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_was_read_as_a_code_page_and_saved_again_is_read_back() {
        for (damaged, text) in [
            ("OdhlÃ¡Å¡en", "Odhlášen"),
            ("OdhlĂˇĹˇen", "Odhlášen"),
            (
                "NepÅ™eje si bÃ½t kontaktovÃ¡n",
                "Nepřeje si být kontaktován",
            ),
            (
                "ZasÃ\u{ad}lÃ¡nÃ\u{ad} obchodnÃ\u{ad}ch sdÄ›lenÃ\u{ad}",
                "Zasílání obchodních sdělení",
            ),
            ("NepÅ\u{99}eje si SMS", "Nepřeje si SMS"),
            ("EinverstÃ¤ndnis", "Einverständnis"),
            ("VoilÃ  lâ€™Ã©tÃ©", "Voilà l’été"),
        ] {
            assert_eq!(readable(damaged), text, "{damaged}");
        }
        for text in [
            "opt_in__c",
            "SEPPÄ OY",
            "Odhlášen",
            "NÍŽE",
            "BLÍŽE KE KOŠI",
            "LÍŠNICE",
            "Řehoř",
            "Größe",
            "Žluťoučký kůň",
            "Ça va à la plage",
            "Đurđević",
            "Ärger",
            "Телефон",
            "電話",
            "Souhlas?",
            "Ano?",
            "x?y",
            "https://example.com/?odhl?en=1",
            "",
        ] {
            assert_eq!(readable(text), text, "{text}");
        }
    }

    #[test]
    fn each_list_has_words() {
        for list in &LISTS {
            assert!(list.words().next().is_some(), "{list:?}");
        }
    }

    #[test]
    fn a_word_that_lost_letters_is_known_by_the_others() {
        for (damaged, text) in [
            ("Odhl??en", "odhlasen"),
            ("Odhl\u{fffd}\u{fffd}en", "odhlasen"),
            ("Odhl????en", "odhlasen"),
            ("nep?eje si SMS", "nepreje si SMS"),
        ] {
            assert_eq!(readable(damaged), text, "{damaged}");
        }
        assert_eq!(readable_header("Odhl__en"), "odhlasen");
        assert_eq!(
            readable_header("Qu?rtz sms_consent"),
            "qu\u{294}rtz sms_consent"
        );
        for header in ["sms_consent?", "Souhlas?ano", "Consent?Y/N"] {
            assert_eq!(readable_header(header), header);
        }
    }
}
