//! How texts are compared.

/// The reason of a row that only the status of an answer calls "no Messenger".
pub(crate) const TAKEN_FOR_NO_MESSENGER: &str = "taken for no Messenger, text not known";

/// Lower case, plain apostrophes, single spaces.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' | '`' => folded.push('\''),
            c if c.is_whitespace() => {
                if !folded.is_empty() && !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            c => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

/// Whether the parts of `pattern`, which is split at `*`, stand in `text`, in this order. Both are folded.
pub(super) fn holds(text: &str, pattern: &str) -> bool {
    // Each part is taken at its first place: what remains is then as long as it can be.
    let mut rest = text;
    for part in pattern.split('*') {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or(""),
            None => return false,
        }
    }
    true
}
