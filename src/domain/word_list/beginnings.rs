//! How phrases begin. Most cells of a list have no word that begins so: they need not be folded to be known as such.

use crate::domain::fold;

/// So many letters of a word are looked at.
const MOST_LETTERS: usize = 6;
/// So many places are there for beginnings: some hundred are taken.
const PLACES: usize = 1 << 16;
/// Letters from here on are not looked at: what has one may be anything.
const FIRST_BEYOND: usize = 0x250;

/// What does not stand in a word.
const BETWEEN: u8 = 0;
/// What folding makes more than one letter of, or takes away.
const ANYTHING: u8 = u8::MAX;

/// How phrases begin.
#[derive(Debug)]
pub(crate) struct Beginnings {
    /// What the letters are without their accents, from 1.
    signs: [u8; FIRST_BEYOND],
    /// So many letters are looked at: all that words have which may go on.
    letters: usize,
    /// By the first letters of a word, whether a phrase may begin so.
    known: Vec<bool>,
}

impl Beginnings {
    /// The first words of phrases, folded, and whether any letters may follow.
    pub(super) fn of<'a>(words: impl Iterator<Item = (&'a str, bool)> + Clone) -> Self {
        let mut signs = [ANYTHING; FIRST_BEYOND];
        for (letter, sign) in ('\0'..).zip(&mut signs) {
            *sign = sign_of(letter);
        }
        let open = words.clone().filter(|(_, is_open)| *is_open);
        let shortest = open.map(|(word, _)| word.chars().count()).min();
        let mut it = Self {
            signs,
            letters: shortest.map_or(MOST_LETTERS, |it| it.min(MOST_LETTERS)),
            known: vec![false; PLACES],
        };
        for (word, _) in words {
            let signs = word.chars().map(|letter| {
                let sign = it.signs.get(letter as usize);
                // Words of other scripts need no place: what has their letters may be anything.
                sign.copied().unwrap_or(ANYTHING)
            });
            let place = signs.take(it.letters).fold(0, place_with);
            if let Some(known) = it.known.get_mut(place) {
                *known = true;
            }
        }
        it
    }

    /// False only if none of the phrases stands in the text, once it is folded. The text is UTF-8.
    pub(crate) fn may_be_in(&self, text: &[u8]) -> bool {
        let mut rest = text;
        while let Some((is_known, behind)) = self.next_word(rest) {
            if is_known {
                return true;
            }
            rest = behind;
        }
        false
    }

    /// False only if the text begins with none of the phrases, once it is folded.
    pub(crate) fn may_begin(&self, text: &[u8]) -> bool {
        self.next_word(text).is_some_and(|(is_known, _)| is_known)
    }

    /// Whether a phrase may begin as the first word does, and what stands behind that. Its first letters are looked at, and
    /// the others passed over.
    fn next_word<'a>(&self, text: &'a [u8]) -> Option<(bool, &'a [u8])> {
        let (mut sign, mut rest) = self.next(text)?;
        while sign == BETWEEN {
            (sign, rest) = self.next(rest)?;
        }
        let (mut place, mut letters) = (0, 0);
        while sign != BETWEEN {
            if sign == ANYTHING {
                return Some((true, rest));
            }
            if letters < self.letters {
                place = place_with(place, sign);
            }
            letters += 1;
            (sign, rest) = self.next(rest).unwrap_or((BETWEEN, rest));
        }
        Some((self.known.get(place) == Some(&true), rest))
    }

    /// The sign of the first letter, and what stands behind it.
    fn next<'a>(&self, text: &'a [u8]) -> Option<(u8, &'a [u8])> {
        let (&first, behind) = text.split_first()?;
        if first < 0x80 {
            return Some((*self.signs.get(usize::from(first))?, behind));
        }
        let Some((&second, behind)) = behind.split_first() else {
            return Some((ANYTHING, behind));
        };
        // A letter of two bytes, if it is near the beginning of all letters.
        let letter = (usize::from(first) & 0x1f) << 6 | usize::from(second) & 0x3f;
        let is_short = first < 0xe0;
        let sign = self.signs.get(letter).filter(|_| is_short);
        Some((*sign.unwrap_or(&ANYTHING), behind))
    }
}

fn sign_of(letter: char) -> u8 {
    let folded = fold::header(letter.encode_utf8(&mut [0; 4]));
    match *folded.as_bytes() {
        [] if letter.is_alphanumeric() || letter == '\u{ad}' => ANYTHING,
        [] => BETWEEN,
        [letter @ b'a'..=b'z'] => letter - b'a' + 1,
        [digit @ b'0'..=b'9'] => digit - b'0' + 27,
        _ => ANYTHING,
    }
}

/// The place of a beginning with one more letter. Several may share one: then more texts are looked at.
fn place_with(place: usize, sign: u8) -> usize {
    (place * 41 + usize::from(sign)) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_with_a_phrase_in_it_is_passed_over() {
        let words = [
            ("do", false),
            ("nekontakt", true),
            ("unsub", true),
            ("cerna", false),
            ("не", false),
        ];
        let it = Beginnings::of(words.into_iter());
        for text in [
            "do not call",
            "Jana DO NOT CALL",
            "Jana (Nekontaktovat)",
            "NÉKONTAKTOVAT",
            "x\u{a0}Unsubscribed",
            "Černá listina",
            "не звонить",
            "do\u{ad} not",
            "ne\u{301}kontakt",
            "1-do",
        ] {
            assert!(it.may_be_in(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "Jana Nováková",
            "Dominik Šťastný",
            "Dolní 5, Brno",
            "Nela",
            "Nikola Černý",
            "Unsworth",
            "a@b.cz",
            "undo",
            "+420 602 333 444",
        ] {
            assert!(!it.may_be_in(text.as_bytes()), "{text}");
        }
        for text in ["(do not call)", "- nekontaktovat", "не"] {
            assert!(it.may_begin(text.as_bytes()), "{text}");
        }
        for text in ["", "--", "Jana (do not call)", "12 do"] {
            assert!(!it.may_begin(text.as_bytes()), "{text}");
        }
    }
}
