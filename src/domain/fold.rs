//! Folding of texts: what is the same to a person becomes the same text.

use icu_normalizer::ComposingNormalizerBorrowed;
use serde_json::Value;

/// A message as a person sees it: in composed form (NFC), every run of white space one space, none at the
/// ends, without invisible characters. Joiners stay: they make emoji and shape letters.
pub(crate) fn message(text: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    let mut folded = String::with_capacity(composed.len());
    let mut gap = false;
    for letter in composed.chars() {
        if letter.is_whitespace() {
            gap = true;
        } else if !is_invisible(letter) {
            if gap && !folded.is_empty() {
                folded.push(' ');
            }
            gap = false;
            folded.push(letter);
        }
    }
    folded
}

/// Zero-width space, word joiner, byte order mark, soft hyphen.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}')
}

/// The JSON of a message's content with every text folded and every object's keys in order: the same for
/// contents that a person sees as the same. A text that is no JSON is folded as it is.
pub(crate) fn content(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(value) => fold_value(value).to_string(),
        Err(_) => message(json),
    }
}

fn fold_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(message(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(fold_value).collect()),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(
                fields
                    .into_iter()
                    .map(|(name, value)| (name, fold_value(value)))
                    .collect(),
            )
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        for text in [
            "Hello Jana",
            " Hello \n Jana ",
            "Hello\u{A0}Jana",
            "Hel\u{200B}lo Jana",
        ] {
            assert_eq!(message(text), "Hello Jana", "{text:?}");
        }
        assert_eq!(message("cafe\u{301}"), "caf\u{e9}");
    }

    #[test]
    fn joiners_stay() {
        let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}";
        assert_eq!(message(family), family);
    }

    #[test]
    fn the_order_of_keys_and_white_space_in_texts_make_no_other_content() {
        assert_eq!(
            content(r#"{"type":"text","payload":"Hi  there\n"}"#),
            content(r#"{ "payload": "Hi there", "type": "text" }"#)
        );
        assert_ne!(
            content(r#"{"type":"text","payload":"Hi there"}"#),
            content(r#"{"type":"text","payload":"Hithere"}"#)
        );
    }
}
