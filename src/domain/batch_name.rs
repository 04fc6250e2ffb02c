//! The names of batches. A name stands in file names, in tables and in commands that are copied from the screen,
//! so that it holds only what is safe in all of them.

use super::fold;

/// The longest name, in characters.
const LONGEST: usize = 100;

/// What a new batch may be called, in words.
pub(crate) const RULE: &str = "letters, digits, `-`, `_`, `.` and space, 1 to 100 of them, begins with none of `-`, `.` and space, and does not end \
     with `.` or space";

/// Whether a new batch may be called so. Batches of earlier versions keep the names that they have.
pub(crate) fn is_allowed(name: &str) -> bool {
    // A command would take a `-` at its beginning for a flag; a file whose name begins with a dot is hidden, and one that
    // ends with a dot or a space has another name elsewhere.
    (1..=LONGEST).contains(&name.chars().count())
        && name.chars().all(is_part)
        && !name.starts_with(['-', '.'])
        && !name.starts_with(char::is_whitespace)
        && !name.ends_with('.')
        && !name.ends_with(char::is_whitespace)
}

/// The name of a batch that was given none: what a name may hold of the file's name, and a suffix that makes it unique.
pub(crate) fn of_file(stem: &str, apart: &str) -> String {
    let room = LONGEST.saturating_sub(apart.len() + 1);
    let visible = fold::message(stem);
    let safe = visible.chars().map(|c| if is_part(c) { c } else { '-' });
    let safe: String = safe.take(room).collect();
    match safe.strip_prefix(['-', '.', ' ']) {
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
            ".",
            "..",
            ".hidden",
            " spring",
            "spring ",
            "spring.",
            " ",
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
        assert_eq!(of_file(".list", "441259e9"), "_list-441259e9");
        for stem in [
            "",
            "/",
            "--help",
            ".",
            " a",
            "..",
            &"x".repeat(300),
            "\u{1b}]0;x\u{7}",
        ] {
            assert!(is_allowed(&of_file(stem, "441259e9")), "{stem:?}");
        }
    }
}
