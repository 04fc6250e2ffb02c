//! Numbers that a person gives the rows of a list whose own cannot be read, before the list is a batch: as if they had
//! been typed into the file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::source::FileDigest;
use crate::domain::phone::{PhoneNumber, Reading, Rejected};

/// The numbers that rows have instead of their own, in a list of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Corrections {
    /// By the row, as a spreadsheet numbers it.
    numbers: BTreeMap<u32, String>,
    /// What is wrong with the rows for which any suggestion of one number counts, by its word.
    accepted: BTreeSet<String>,
}

impl Corrections {
    /// A row has this number.
    pub(crate) fn give(&mut self, row: u32, number: String) {
        self.numbers.insert(row, number);
    }

    /// All rows with one thing wrong have what is suggested.
    pub(crate) fn accept(&mut self, code: String) {
        self.accepted.insert(code);
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.accepted.is_empty()
    }

    /// How many corrections there are, in words for the audit: they name no number.
    pub(crate) fn for_audit(&self) -> String {
        let given = format!("numbers typed: {}", self.numbers.len());
        let codes: Vec<&str> = self.accepted.iter().map(String::as_str).collect();
        match (self.numbers.is_empty(), codes.is_empty()) {
            (_, true) => given,
            (true, false) => format!("suggestions accepted: {}", codes.join(", ")),
            (false, false) => format!("{given}; suggestions accepted: {}", codes.join(", ")),
        }
    }

    /// The number that a row was given.
    pub(super) fn of_row(&self, row: u32) -> Option<&str> {
        self.numbers.get(&row).map(String::as_str)
    }

    /// What is suggested for a number that was refused, if that is accepted.
    pub(super) fn accepted<'a>(&self, rejected: &'a Rejected) -> Option<&'a str> {
        let suggestion = rejected.suggestion.as_deref();
        suggestion.filter(|it| self.accepted.contains(rejected.problem.code()) && is_one_number(it))
    }

    /// The digest of a list with them: another list than the file as it is.
    pub(super) fn digest(&self, files: FileDigest) -> FileDigest {
        if self.is_empty() {
            return files;
        }
        let rows = self.numbers.iter();
        let rows = rows.map(|(row, number)| format!("{row} {number}"));
        let lines: Vec<String> = rows.chain(self.accepted.iter().cloned()).collect();
        files.with(&lines.join("\n"))
    }
}

/// Whether a suggestion is one number, and not a choice between two.
pub(super) fn is_one_number(suggestion: &str) -> bool {
    PhoneNumber::parse_all(suggestion, Reading::default())
        .is_ok_and(|numbers| numbers.is_whole() && numbers.iter().count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_between_two_numbers_is_none() {
        assert!(is_one_number("+420777123456"));
        assert!(!is_one_number("+420777123456 or +48777123456"));
        assert!(!is_one_number("write the plus"));
    }

    #[test]
    fn a_list_with_them_is_another_list() {
        let files = FileDigest::of_all(&[]);
        let mut given = Corrections::default();
        assert_eq!(given.digest(files), files);
        given.give(2, "+420777123456".to_owned());
        let mut other = given.clone();
        other.accept("too_short".to_owned());
        assert_ne!(given.digest(files), files);
        assert_ne!(given.digest(files), other.digest(files));
        let kept = serde_json::to_string(&other).unwrap();
        assert_eq!(serde_json::from_str::<Corrections>(&kept).unwrap(), other);
    }
}
