//! Letters that may be others: a file whose encoding is not certain.

use std::fmt;

use super::guess::Doubt;

/// A file that reads nearly as well in another encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterDoubt {
    file: String,
    doubt: Doubt,
    /// For each of the input's columns whether it holds such letters.
    columns: Vec<bool>,
}

impl LetterDoubt {
    /// `sample` are the first rows, with the columns of the input. Where no letter in question is among them, any
    /// column may hold one.
    pub(super) fn new(file: &str, doubt: Doubt, columns: usize, sample: &[Vec<String>]) -> Self {
        let holds = |column: usize| {
            sample
                .iter()
                .any(|row| row.get(column).is_some_and(|cell| !cell.is_ascii()))
        };
        let mut holding: Vec<bool> = (0..columns).map(holds).collect();
        if !holding.contains(&true) {
            holding.fill(true);
        }
        Self {
            file: file.to_owned(),
            doubt,
            columns: holding,
        }
    }

    /// True if the column may hold letters that are others.
    pub(crate) fn is_about(&self, column: usize) -> bool {
        self.columns.get(column).copied().unwrap_or(false)
    }
}

impl fmt::Display for LetterDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Doubt {
            chosen,
            other,
            words,
        } = &self.doubt;
        write!(
            f,
            "{}: it is not certain which letters are meant: \"{}\" ({chosen}), or \"{}\" ({other}); read as {chosen}, \
             --encoding NAME says otherwise",
            self.file, words.0, words.1
        )
    }
}
