//! How texts are compared.

use std::borrow::Cow;

/// The reason of a row that only the status of an answer calls "no Messenger".
pub(crate) const TAKEN_FOR_NO_MESSENGER: &str = "taken for no Messenger, text not known";

/// How apostrophes are written in HTML.
const APOSTROPHES: [&str; 4] = ["&#39;", "&#039;", "&apos;", "&rsquo;"];

/// Lower case, plain apostrophes, single spaces; dashes and underscores are spaces, and what shows nothing is gone.
pub(super) fn fold(text: &str) -> String {
    let mut plain = Cow::Borrowed(text);
    if text.contains('&') {
        for apostrophe in APOSTROPHES {
            plain = plain.replace(apostrophe, "'").into();
        }
    }
    let mut folded = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' | '\u{2032}' | '\u{ff07}' | '\u{b4}' | '`' => {
                folded.push('\'');
            }
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {}
            c if c.is_whitespace() || matches!(c, '-' | '_' | '\u{2010}'..='\u{2015}') => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_same_however_an_apostrophe_a_dash_or_a_space_is_written() {
        let plain = "we can't find it no user";
        for text in [
            "We can't find it - no user",
            "\n We can&#39;t find\u{a0}it \u{2014} no\u{200b} user",
            "we can&rsquo;t find it no_user",
            "We CAN\u{2019}T find it  no\u{2011}user",
        ] {
            assert_eq!(fold(text), plain, "{text}");
        }
        assert_eq!(fold("a & b"), "a & b");
    }
}
