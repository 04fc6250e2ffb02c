//! Enums whose values have a word each, by which they are stored, printed and read back.

/// A text that is the word of no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not {what}")]
pub struct UnknownWord {
    /// The text.
    pub(crate) word: String,
    /// What it should have named.
    pub(crate) what: &'static str,
}

/// Writes such an enum, with the word beside each value.
macro_rules! worded_enum {
    (
        $(#[$attribute:meta])*
        $vis:vis enum $name:ident: $what:literal {
            $($(#[$doc:meta])* $value:ident = $word:literal,)+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $($(#[$doc])* $value,)+
        }

        impl $name {
            /// All of them.
            $vis const ALL: [Self; [$($word),+].len()] = [$(Self::$value),+];

            /// The word in the checkpoint, in files, flags and settings, and in `--json`.
            $vis const fn word(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::worded::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.into_iter().find(|value| value.word() == word);
                found.ok_or_else(|| $crate::domain::worded::UnknownWord {
                    word: word.to_owned(),
                    what: $what,
                })
            }
        }
    };
}

pub(crate) use worded_enum;
