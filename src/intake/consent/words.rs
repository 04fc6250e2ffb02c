//! The words that tell who may be messaged, in the languages of our users: `words.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

const FILE: &str = include_str!("words.txt");

/// A section of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum List {
    Refusals,
    WeakRefusals,
    OptedOut,
    Consents,
    Yes,
    No,
    Negations,
    MustNot,
    May,
}

impl List {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "refusals" => Self::Refusals,
            "weak refusals" => Self::WeakRefusals,
            "opted out" => Self::OptedOut,
            "consents" => Self::Consents,
            "yes" => Self::Yes,
            "no" => Self::No,
            "negations" => Self::Negations,
            "must not" => Self::MustNot,
            "may" => Self::May,
            _ => return None,
        })
    }

    /// Whether a phrase of the list stands in the text, whose words have one space between them.
    pub(super) fn is_in(self, text: &str) -> bool {
        PHRASES
            .get(&self)
            .is_some_and(|phrases| phrases.iter().any(|phrase| phrase.is_in(text)))
    }

    /// Whether the text is a phrase of the list.
    pub(super) fn has(self, text: &str) -> bool {
        let phrases = PHRASES.get(&self);
        phrases.is_some_and(|phrases| phrases.iter().any(|phrase| phrase.is(text)))
    }
}

static PHRASES: LazyLock<HashMap<List, Vec<Phrase>>> = LazyLock::new(|| {
    let mut lists: HashMap<List, Vec<Phrase>> = HashMap::new();
    let mut list = None;
    for line in FILE.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            list = List::named(name);
        } else if let (Some(list), Some((_, phrases))) = (list, line.split_once(": ")) {
            let phrases = phrases.split(", ").map(Phrase::new);
            lists.entry(list).or_default().extend(phrases);
        }
    }
    lists
});

/// Words that stand one after the other.
struct Phrase(Vec<Word>);

struct Word {
    letters: &'static str,
    open_before: bool,
    open_behind: bool,
}

impl Phrase {
    fn new(text: &'static str) -> Self {
        let word = |word: &'static str| Word {
            letters: word.trim_matches('*'),
            open_before: word.starts_with('*'),
            open_behind: word.ends_with('*'),
        };
        Self(text.trim().split(' ').map(word).collect())
    }

    fn is(&self, text: &str) -> bool {
        let mut words = text.split(' ');
        self.0
            .iter()
            .all(|word| words.next().is_some_and(|it| word.is(it)))
            && words.next().is_none()
    }

    fn is_in(&self, text: &str) -> bool {
        let starts = text.match_indices(' ').map(|(at, _)| at + 1);
        std::iter::once(0).chain(starts).any(|start| {
            let mut words = text.get(start..).unwrap_or("").split(' ');
            self.0
                .iter()
                .all(|word| words.next().is_some_and(|it| word.is(it)))
        })
    }
}

impl Word {
    fn is(&self, word: &str) -> bool {
        match (self.open_before, self.open_behind) {
            (false, false) => word == self.letters,
            (false, true) => word.starts_with(self.letters),
            (true, false) => word.ends_with(self.letters),
            (true, true) => word.contains(self.letters),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fold;

    #[test]
    fn each_phrase_belongs_to_a_section_and_is_folded() {
        let mut list = None;
        let mut phrases = 0;
        for line in FILE
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
        {
            if let Some(name) = line.strip_prefix('[') {
                list = List::named(name.trim_end_matches(']'));
                assert!(list.is_some(), "{line}");
                continue;
            }
            let (language, words) = line.split_once(": ").unwrap();
            assert!(
                list.is_some() && (2..=3).contains(&language.len()),
                "{line}"
            );
            for phrase in words.split(", ") {
                let plain = phrase.replace('*', "");
                assert_eq!(fold::header(&plain), plain, "{phrase}");
                phrases += 1;
            }
        }
        assert_eq!(phrases, PHRASES.values().map(Vec::len).sum::<usize>());
    }

    #[test]
    fn a_phrase_is_found_between_other_words_and_with_its_endings() {
        let phrase = |text| Phrase::new(text);
        assert!(phrase("opt out").is_in("sms opt out date"));
        assert!(!phrase("opt out").is_in("opt outside"));
        assert!(phrase("odhlas*").is_in("uz odhlaseny ze sms"));
        assert!(phrase("*widerspruch").is_in("werbewiderspruch"));
        assert!(!phrase("stop").is_in("stopover"));
        assert!(phrase("dado de baja").is("dado de baja") && !phrase("baja").is("de baja"));
    }
}
