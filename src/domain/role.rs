//! Users of the console: their names, and what each may do.

use std::fmt;
use std::str::FromStr;

/// The longest name, in characters.
const LONGEST: usize = 64;

/// What somebody may do. Who is further down may do all that those above may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Looks at batches; numbers are masked.
    Viewer,
    /// Prepares lists, sends, pauses, suppresses.
    Operator,
    /// Also lifts suppressions, erases people, and says whether a second person must approve.
    Admin,
}

impl Role {
    const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The word in the file and on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.word() == word);
        found.ok_or_else(|| "a role is viewer, operator or admin".to_owned())
    }
}

/// The name of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserName(String);

impl UserName {
    /// The name.
    pub(crate) fn get(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_alphanumeric() || ".-_@+".contains(c);
        if name.is_empty() || name.chars().count() > LONGEST || !name.chars().all(fits) {
            return Err(format!(
                "a name has up to {LONGEST} letters, digits, and the signs . - _ @ +"
            ));
        }
        Ok(Self(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_be_taken_for_something_else() {
        for name in ["", "eva novak", "eva\n", "<b>", "a/b", &"x".repeat(65)] {
            assert!(name.parse::<UserName>().is_err(), "{name}");
        }
        assert!("Éva.Nová-2@x.cz".parse::<UserName>().is_ok());
    }
}
