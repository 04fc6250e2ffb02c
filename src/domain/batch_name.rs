//! The names of batches. A name stands in file names, in tables and in commands that are copied from the screen,
//! so that it holds only what is safe in all of them.

use super::fold;

/// The longest name, in characters.
const LONGEST: usize = 100;

/// What a new batch may be called, in words.
pub(crate) const RULE: &str =
    "letters, digits, `-`, `_`, `.` and space, 1 to 100 of them, and does not begin with `-`";

/// Whether a new batch may be called so. Batches of earlier versions keep the names that they have.
pub(crate) fn is_allowed(name: &str) -> bool {
    // A command would take a `-` at its beginning for a flag.
    (1..=LONGEST).contains(&name.chars().count())
        && name.chars().all(is_part)
        && !name.starts_with('-')
}

/// The name of a batch that was given none: what a name may hold of the file's name, and a suffix that makes it unique.
pub(crate) fn of_file(stem: &str, apart: &str) -> String {
    let room = LONGEST.saturating_sub(apart.len() + 1);
    let visible = fold::message(stem);
    let safe = visible.chars().map(|c| if is_part(c) { c } else { '-' });
    let safe: String = safe.take(room).collect();
    match safe.strip_prefix('-') {
        Some(rest) => format!("_{rest}-{apart}"),
        None if safe.is_empty() => format!("_-{apart}"),
        None => format!("{safe}-{apart}"),
    }
}

fn is_part(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_in_a_file_name_and_on_a_screen() {
        for name in [
            "spring",
            "Jaro 2026.05_b-1",
            "žluťoučký",
            "春",
            &"x".repeat(100),
        ] {
            assert!(is_allowed(name), "{name:?}");
        }
        for name in [
            "",
            "a\nb",
            "a/b",
            "a\\b",
            "a\tb",
            "a\0b",
            "a:b",
            "a\u{1b}[2J",
            "a\u{202e}b",
            "'",
            "$(x)",
            "-rf",
            "--all",
            &"x".repeat(101),
            &"x".repeat(300),
        ] {
            assert!(!is_allowed(name), "{name:?}");
        }
    }

    #[test]
    fn the_name_of_any_file_becomes_an_allowed_one() {
        assert_eq!(of_file("contacts", "441259e9"), "contacts-441259e9");
        assert_eq!(of_file("a\\b (2)\n", "441259e9"), "a-b -2--441259e9");
        assert_eq!(of_file("jme\u{301}na", "441259e9"), "jména-441259e9");
        assert_eq!(of_file("-rf", "441259e9"), "_rf-441259e9");
        for stem in ["", "/", "--help", &"x".repeat(300), "\u{1b}]0;x\u{7}"] {
            assert!(is_allowed(&of_file(stem, "441259e9")), "{stem:?}");
        }
    }
}
