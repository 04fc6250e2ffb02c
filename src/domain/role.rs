//! Users of the console: their names, and what each may do.

use std::str::FromStr;

use super::worded::worded_enum;

/// The longest name, in characters.
const LONGEST: usize = 64;

worded_enum! {
    /// What a user may do. Each role may do all that the ones above it may.
    pub(crate) enum Role: "a role: viewer, operator or admin" {
        /// Looks at batches; numbers are masked.
        Viewer = "viewer",
        /// Prepares lists, sends, pauses, suppresses.
        Operator = "operator",
        /// Also lifts suppressions, erases people, and says whether a second person must approve.
        Admin = "admin",
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
        for name in ["Éva.Nová-2@x.cz", &"x".repeat(64)] {
            assert!(name.parse::<UserName>().is_ok(), "{name}");
        }
    }
}
