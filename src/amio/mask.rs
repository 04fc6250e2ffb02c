//! Takes the token out of what comes back: some servers and proxies repeat a request's headers in their answers.

use secrecy::{ExposeSecret, SecretString};

use crate::domain::outcome::Receipt;

/// What stands in the token's place.
const MASKED: &str = "(token)";

/// A beginning of the token that is at least so long is masked as well: an answer may be cut off within it.
const SHOWN_AT_MOST: usize = 12;

/// No token is shorter; what tests use may be, and stands in any text.
const SHORTEST: usize = 4;

/// Masks one token.
#[derive(Debug, Clone)]
pub(super) struct Mask {
    token: SecretString,
    /// The same as it stands in an address, where that is another text.
    in_address: Option<SecretString>,
}

impl Mask {
    pub(super) fn new(token: &SecretString) -> Self {
        let in_address: String = token
            .expose_secret()
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect();
        Self {
            token: token.clone(),
            in_address: (in_address != token.expose_secret()).then(|| in_address.into()),
        }
    }

    /// The text without the token, in upper or lower case, whole or cut off.
    pub(super) fn text(&self, text: String) -> String {
        let text = without(text, self.token.expose_secret());
        match &self.in_address {
            Some(token) => without(text, token.expose_secret()),
            None => text,
        }
    }

    pub(super) fn receipt(&self, receipt: Receipt) -> Receipt {
        let mask = |text: Option<String>| text.map(|text| self.text(text));
        Receipt {
            message_id: mask(receipt.message_id),
            contact_id: mask(receipt.contact_id),
            channel_type: mask(receipt.channel_type),
            number: receipt.number,
        }
    }
}

fn without(text: String, token: &str) -> String {
    let least = token.len().min(SHOWN_AT_MOST.max(token.len() / 2));
    let is_beginning = |at: usize| {
        text.as_bytes().get(at..).map_or(0, |rest| {
            let pairs = rest.iter().zip(token.as_bytes());
            pairs.take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
        })
    };
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at + least <= text.len() && least >= SHORTEST {
        let length = is_beginning(at);
        if length < least {
            at += 1;
            continue;
        }
        // A token is ASCII: both ends are boundaries of characters.
        out.push_str(text.get(copied..at).unwrap_or_default());
        out.push_str(MASKED);
        at += length;
        copied = at;
    }
    if copied == 0 {
        return text;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_masked_however_it_is_repeated() {
        let mask = Mask::new(&SecretString::from("s3cret/token+of-an-organisation"));
        for (text, masked) in [
            ("nothing here", "nothing here"),
            (
                "Authorization: Bearer s3cret/token+of-an-organisation!",
                "Authorization: Bearer (token)!",
            ),
            ("S3CRET/TOKEN+OF-AN-ORGANISATION", "(token)"),
            (
                "?access_token=s3cret%2Ftoken%2Bof-an-organisation&a=1",
                "?access_token=(token)&a=1",
            ),
            ("cut off: s3cret/token+of-an", "cut off: (token)"),
            ("ý s3cret/token+of-an... ž", "ý (token)... ž"),
            (
                "s3cret/token+of-an-organisations3cret/token+of-an-organisation",
                "(token)(token)",
            ),
        ] {
            assert_eq!(mask.text(text.to_owned()), masked);
        }
        let short = Mask::new(&SecretString::from("abcde"));
        assert_eq!(short.text("no abcde, abcd".to_owned()), "no (token), abcd");
        assert!(!format!("{mask:?}").contains("s3cret"));
    }
}
