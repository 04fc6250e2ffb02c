//! What people said that texts of refusals mean.

use std::str::FromStr;

use super::meaning::Meaning;
use super::wording::{TAKEN_FOR_NO_MESSENGER, fold, holds};
use crate::domain::text::canonical_text;

/// What a person said about refusals with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalRule {
    /// What they are about.
    pub meaning: Meaning,
    /// The text, or a part of it; `*` stands for any text. Digits are replaced.
    pub text: String,
}

/// A saying that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "MEANING=TEXT, where MEANING is no_messenger, person, message, channel, wait or later, and TEXT is what the refusals say; * stands for any text"
)]
pub struct RefusalRuleError;

impl RefusalRule {
    /// What is said of a text as it was shown.
    pub fn new(meaning: Meaning, text: &str) -> Self {
        // A reason may have been copied whole.
        let text = text.trim();
        let text = text.strip_prefix(TAKEN_FOR_NO_MESSENGER).unwrap_or(text);
        Self {
            meaning,
            text: canonical_text(text.trim_start_matches([':', ' '])),
        }
    }

    /// Whether it is about this text.
    pub fn is_about(&self, text: &str) -> bool {
        holds(&fold(&canonical_text(text)), &fold(&self.text))
    }
}

/// `no_messenger=TEXT`
impl FromStr for RefusalRule {
    type Err = RefusalRuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (meaning, text) = text.split_once('=').ok_or(RefusalRuleError)?;
        let meaning = meaning.trim().replace('-', "_").parse();
        let meaning = meaning.map_err(|_| RefusalRuleError)?;
        if text.trim_matches(['*', ' ']).is_empty() {
            // Whatever the API says: that cannot be meant.
            return Err(RefusalRuleError);
        }
        Ok(Self::new(meaning, text))
    }
}

/// All that was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusalRules(Vec<RefusalRule>);

impl RefusalRules {
    /// What the text means; of several, what was said last.
    pub fn meaning(&self, text: &str) -> Option<Meaning> {
        let mut latest_first = self.0.iter().rev();
        latest_first
            .find(|saying| saying.is_about(text))
            .map(|saying| saying.meaning)
    }

    /// Adds what was said later.
    pub fn add(&mut self, saying: RefusalRule) {
        self.0.push(saying);
    }
}

impl FromIterator<RefusalRule> for RefusalRules {
    /// In the order in which it was said.
    fn from_iter<T: IntoIterator<Item = RefusalRule>>(refusal_rules: T) -> Self {
        let mut all = Self::default();
        for saying in refusal_rules {
            all.add(saying);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_last_counts() {
        let said = |texts: &[&str]| -> RefusalRules {
            texts
                .iter()
                .map(|text| text.parse::<RefusalRule>().unwrap())
                .collect()
        };
        let both = said(&["channel=not right", "no_messenger=not right with #"]);
        assert_eq!(
            both.meaning("HTTP 422: It is NOT right with 7."),
            Some(Meaning::NoMessenger)
        );
        assert_eq!(both.meaning("HTTP 422: not right"), Some(Meaning::Channel));
        assert_eq!(both.meaning("HTTP 422: right"), None);
    }

    #[test]
    fn a_saying_needs_a_meaning_and_a_text() {
        for wrong in [
            "",
            "x",
            "no_messenger",
            "no_messenger=",
            "person= * ",
            "nobody=x",
        ] {
            assert_eq!(
                wrong.parse::<RefusalRule>(),
                Err(RefusalRuleError),
                "{wrong}"
            );
        }
        let saying: RefusalRule = "no-messenger=HTTP 422: a = b".parse().unwrap();
        assert_eq!(saying.meaning, Meaning::NoMessenger);
        assert!(saying.is_about("HTTP 422: A = b, c"));
    }
}
