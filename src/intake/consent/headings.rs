//! Headings between the rows that are not understood as a whole, and hold words of who may be messaged.

use super::answers::{has_negation, may_deny};
use crate::intake::words::{
    CONSENTS, HEADING, List, MESSAGES, MUST_NOT, NO, NOTHING_KNOWN, REFUSALS, REFUSED_CONTACT,
    WEAK_REFUSALS, words_apart as words,
};

/// A person's name has at most so many words.
const NAME: usize = 4;

/// Whether a text that stands alone in a row may say of the people below it that they must not be messaged: `SMS Opt Out: true
/// (2)`, `Souhlas: NE`, `Ti, co nechtějí SMS`. A person's name does not.
pub(in crate::intake) fn may_head_refusals(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits >= 6 || is_like_name(text) {
        return false;
    }
    let folded = words(text);
    let is_in = |lists: &[List]| lists.iter().any(|list| list.is_in(&folded));
    let denies = is_in(&[MUST_NOT, WEAK_REFUSALS]) || has_negation(&folded) || may_deny(&folded);
    is_in(&[CONSENTS, REFUSALS])
        || denies && is_in(&[MESSAGES, REFUSED_CONTACT])
        || is_no(text, &folded)
}

/// Whether a text is a "no" in words, with words of a heading around it: `Tyhle NE!`.
fn is_no(text: &str, folded: &str) -> bool {
    let is_word = |word: &str| word.chars().count() > 1 && NO.has(word);
    let mut words = folded.split(' ').filter(|word| !HEADING.has(word));
    let is_loud = text.ends_with(['!', ':']) || !text.contains(char::is_lowercase);
    let all = folded.split(' ').count();
    words.clone().count() == 1 && words.all(is_word) && (all == 1 || is_loud)
}

/// Whether a text is written as a person's name, or a firm's: few words with a capital, short ones between them, and no other
/// sign.
fn is_like_name(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let begins =
        |word: &str| word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase);
    let is_small = |word: &str| !word.contains(char::is_uppercase) && word.len() <= 3;
    let is_part = |word: &str| begins(word) || is_small(word) || word.contains('.');
    let is_plain = text
        .chars()
        .all(|c| c.is_alphabetic() || " .'’".contains(c));
    is_plain
        && words.clone().count() <= NAME
        && words.clone().next().is_some_and(begins)
        && words.all(is_part)
}

/// Whether a cell says in a word that there is nothing: `N/A`, `Nemá`.
pub(in crate::intake) fn is_word_for_nothing(cell: &str) -> bool {
    let folded = words(cell);
    NOTHING_KNOWN.has(&folded) || NO.has(&folded) || has_negation(&folded) || may_deny(&folded)
}

#[cfg(test)]
mod tests {
    use super::may_head_refusals;

    #[test]
    fn a_heading_with_words_of_consent_or_refusal_is_none_to_pass_over() {
        for text in [
            "Status: Unsubscribed (2)",
            "SMS Opt Out: true",
            "SMS Opt Out: Yes (2 records)",
            "NE",
            "Tyhle NE!",
            "Souhlas se SMS - NE",
            "Souhlas: ano",
            "Pozor, tito si nepřejí být kontaktováni",
            "Ti, co nechtějí SMS",
            "odmítají",
        ] {
            assert!(may_head_refusals(text), "{text}");
        }
        for text in [
            "Jana Nováková",
            "Nina No",
            "Nix Petr",
            "Zgoda Sp. z o.o.",
            "Praha",
            "VIP zákazníci",
            "Nemocnice Na Homolce",
            "Klienti 2026",
            "Celkem: 12",
            "Zákazníci z Brna, kteří koupili loni",
        ] {
            assert!(!may_head_refusals(text), "{text}");
        }
    }
}
