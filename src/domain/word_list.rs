//! Lists of words in text files, in the languages of our users.
//!
//! A file has sections: `[name]`, and below it lines of phrases with commas between them, folded as headers are. A line
//! begins with its language, or with `any:`. A star at an end of a word stands for any letters there: `odhlas*`,
//! `*widerspruch`; a star alone for any word. An exclamation mark behind a phrase puts it into the section `[!]`, too. A line that begins with `#` is
//! a comment.

mod beginnings;

use std::sync::LazyLock;

pub(crate) use beginnings::Beginnings;
use foldhash::{HashMap, HashSet};

/// Defines a section of a file of lists by its name: `const NAMES: List = List("names")`. The file is read once, when
/// a list of it is first asked.
macro_rules! lists_of {
    ($visibility:vis struct $list:ident in $file:literal) => {
        #[derive(Debug, Clone, Copy)]
        $visibility struct $list(&'static str);

        impl std::ops::Deref for $list {
            type Target = $crate::domain::word_list::WordList;

            fn deref(&self) -> &Self::Target {
                use $crate::domain::word_list::WordLists;
                static LISTS: std::sync::LazyLock<WordLists> =
                    std::sync::LazyLock::new(|| WordLists::read(include_str!($file)));
                LISTS.get(self.0)
            }
        }
    };
}

pub(crate) use lists_of;

/// The sections of a file.
#[derive(Debug)]
pub(crate) struct WordLists(HashMap<&'static str, WordList>);

/// The phrases of a section, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct WordList {
    phrases: Vec<Phrase>,
    /// Those without a star, which most are.
    plain: HashSet<&'static str>,
    /// The places of those whose first word has no star, by that word.
    by_first: HashMap<&'static str, Vec<usize>>,
    /// The places of those whose first word is open at its end alone, by its first letter.
    by_letter: HashMap<char, Vec<usize>>,
    /// The places of the others.
    open: Vec<usize>,
}

impl WordLists {
    pub(crate) fn read(file: &'static str) -> Self {
        let mut lists: HashMap<&'static str, WordList> = HashMap::default();
        let mut section = "";
        for line in file.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
                section = name;
            } else if let Some((_, phrases)) = line.split_once(": ") {
                for phrase in phrases.split(", ").map(str::trim) {
                    let plain = phrase.trim_end_matches('!');
                    lists.entry(section).or_default().push(plain);
                    if plain != phrase {
                        lists.entry("!").or_default().push(plain);
                    }
                }
            }
        }
        Self(lists)
    }

    /// The section of this name; empty if there is none, which a test of each file rules out.
    pub(crate) fn get(&self, name: &str) -> &WordList {
        static NONE: LazyLock<WordList> = LazyLock::new(WordList::default);
        self.0.get(name).unwrap_or(&NONE)
    }
}

impl WordList {
    fn push(&mut self, phrase: &'static str) {
        let place = self.phrases.len();
        self.phrases.push(Phrase::new(phrase));
        if !phrase.contains('*') {
            self.plain.insert(phrase);
        }
        match phrase.split(' ').next() {
            Some(first) if !first.contains('*') => {
                self.by_first.entry(first).or_default().push(place);
            }
            Some(first) => match first.chars().next() {
                Some('*') | None => self.open.push(place),
                Some(letter) => self.by_letter.entry(letter).or_default().push(place),
            },
            None => self.open.push(place),
        }
    }

    /// The phrases that may begin with the first word of the text.
    fn beginning_with(&self, text: &str) -> impl Iterator<Item = &Phrase> {
        self.that_may_begin(text.split(' ').next().unwrap_or(""))
    }

    /// The phrases whose first word may be this one.
    fn that_may_begin(&self, first: &str) -> impl Iterator<Item = &Phrase> {
        let letter = first.chars().next();
        let by_letter = letter.and_then(|letter| self.by_letter.get(&letter));
        let places = self.by_first.get(first).into_iter().chain(by_letter);
        places
            .flatten()
            .chain(&self.open)
            .filter_map(|place| self.phrases.get(*place))
    }

    /// Whether the text is one of the phrases.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.plain.contains(text) || self.beginning_with(text).any(|phrase| phrase.is(text))
    }

    /// Whether the word is one of those of a phrase.
    pub(crate) fn has_in_phrase(&self, word: &str) -> bool {
        let mut words = self.phrases.iter().flat_map(|phrase| &phrase.0);
        words.any(|it| it.is(word))
    }

    /// The phrase without a star that the text is.
    pub(crate) fn entry(&self, text: &str) -> Option<&'static str> {
        self.plain.get(text).copied()
    }

    /// The phrases without a star.
    pub(crate) fn phrases(&self) -> impl Iterator<Item = &'static str> {
        self.plain.iter().copied()
    }

    /// The words of the phrases that are not open at their beginning, and whether any letters may follow.
    pub(crate) fn words(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let words = self.phrases.iter().flat_map(|phrase| &phrase.0);
        let words = words.filter(|word| !word.open_before);
        words.map(|word| (word.letters, word.open_behind))
    }

    /// How the phrases of these lists begin: for a look at texts that are not folded yet.
    pub(crate) fn beginnings(lists: &[&Self]) -> Beginnings {
        let phrases = lists.iter().flat_map(|list| &list.phrases);
        let first = phrases.filter_map(|phrase| phrase.0.first());
        Beginnings::of(first.map(|word| (word.letters, word.open_behind)))
    }

    /// Whether the word is a phrase of several words that are written together: `karaliste`.
    pub(crate) fn has_together(&self, word: &str) -> bool {
        let several = self.plain.iter().filter(|phrase| phrase.contains(' '));
        let letters = |text: &'static str| text.chars().filter(|letter| *letter != ' ');
        let mut several = several.map(|phrase| letters(phrase));
        several.any(|phrase| phrase.eq(word.chars()))
    }

    /// Which of the phrases the text is, from 0.
    pub(crate) fn place(&self, text: &str) -> Option<usize> {
        self.phrases.iter().position(|phrase| phrase.is(text))
    }

    /// How many words the longest phrase has with which these words begin; 0 if there is none.
    pub(crate) fn longest_at(&self, words: &[&str]) -> usize {
        let phrases = self.that_may_begin(words.first().unwrap_or(&""));
        let fitting = phrases.filter(|phrase| phrase.begins_words(words));
        fitting.map(|phrase| phrase.0.len()).max().unwrap_or(0)
    }

    /// Whether one of the phrases stands in the text, whose words have one space between them.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let starts = text.match_indices(' ').map(|(at, _)| at + 1);
        std::iter::once(0).chain(starts).any(|start| {
            let rest = text.get(start..).unwrap_or("");
            self.beginning_with(rest).any(|phrase| phrase.begins(rest))
        })
    }
}

/// Words that stand one after the other.
#[derive(Debug)]
struct Phrase(Vec<Word>);

#[derive(Debug)]
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
        Self(text.split(' ').map(word).collect())
    }

    fn is(&self, text: &str) -> bool {
        let mut words = text.split(' ');
        self.0
            .iter()
            .all(|word| words.next().is_some_and(|it| word.is(it)))
            && words.next().is_none()
    }

    /// Whether the words begin with the phrase.
    fn begins_words(&self, words: &[&str]) -> bool {
        let mut pairs = self.0.iter().zip(words);
        self.0.len() <= words.len() && pairs.all(|(word, it)| word.is(it))
    }

    /// Whether the text begins with the phrase.
    fn begins(&self, text: &str) -> bool {
        let mut words = text.split(' ');
        self.0
            .iter()
            .all(|word| words.next().is_some_and(|it| word.is(it)))
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
pub(crate) mod tests;
