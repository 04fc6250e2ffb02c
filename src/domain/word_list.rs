//! Lists of words in text files, in the languages of our users.
//!
//! A file has sections: `[name]`, and below it lines of phrases with commas between them, folded as headers are. A line
//! begins with its language, or with `any:`. A star at an end of a word stands for any letters there: `odhlas*`,
//! `*widerspruch`. A line that begins with `#` is a comment.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// The sections of a file.
#[derive(Debug)]
pub(crate) struct WordLists(HashMap<&'static str, WordList>);

/// The phrases of a section, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct WordList {
    phrases: Vec<Phrase>,
    /// Those without a star, which most are.
    plain: HashSet<&'static str>,
}

impl WordLists {
    pub(crate) fn read(file: &'static str) -> Self {
        let mut lists: HashMap<&'static str, WordList> = HashMap::new();
        let mut section = "";
        for line in file.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
                section = name;
            } else if let Some((_, phrases)) = line.split_once(": ") {
                let list = lists.entry(section).or_default();
                list.phrases.extend(phrases.split(", ").map(Phrase::new));
                let plain = phrases.split(", ").filter(|phrase| !phrase.contains('*'));
                list.plain.extend(plain.map(str::trim));
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
    /// Whether the text is one of the phrases.
    pub(crate) fn has(&self, text: &str) -> bool {
        let mut starred = self.phrases.iter().filter(|phrase| phrase.is_starred());
        self.plain.contains(text) || starred.any(|phrase| phrase.is(text))
    }

    /// Which of the phrases the text is, from 0.
    pub(crate) fn place(&self, text: &str) -> Option<usize> {
        self.phrases.iter().position(|phrase| phrase.is(text))
    }

    /// Whether one of the phrases stands in the text, whose words have one space between them.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.phrases.iter().any(|phrase| phrase.is_in(text))
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
        Self(text.trim().split(' ').map(word).collect())
    }

    fn is_starred(&self) -> bool {
        let mut words = self.0.iter();
        words.any(|word| word.open_before || word.open_behind)
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
pub(crate) mod tests;
