//! What is left of a person's number in a suppression list that is taken from one copy of a checkpoint to another: a
//! keyed hash, and by which key it was made.

use std::fmt;
use std::str::FromStr;

use super::text::hex;

/// The column of a suppression list with the hashes of people whose number is not known any more.
pub(crate) const KEYED_HASH: &str = "keyed_hash";

/// The fingerprint of a checkpoint's key: it differs from key to key, and nothing of the key follows from it.
pub(crate) type KeyPrint = [u8; 8];

/// The hash of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyedHash {
    /// By which key it was made.
    pub(crate) key: KeyPrint,
    /// The hash.
    pub(crate) hash: [u8; 32],
}

impl fmt::Display for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", hex(&self.key), hex(&self.hash))
    }
}

/// A text is no keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoKeyedHash;

impl FromStr for KeyedHash {
    type Err = NoKeyedHash;

    fn from_str(text: &str) -> Result<Self, NoKeyedHash> {
        let (key, hash) = text.split_once('-').ok_or(NoKeyedHash)?;
        Ok(Self {
            key: bytes(key).ok_or(NoKeyedHash)?,
            hash: bytes(hash).ok_or(NoKeyedHash)?,
        })
    }
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let digits = digits.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_was_written_and_nothing_else_is_one() {
        let hash = KeyedHash {
            key: [1, 2, 3, 4, 5, 6, 7, 0xff],
            hash: [0xa5; 32],
        };
        let text = hash.to_string();
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(text.to_uppercase().parse(), Ok(hash));
        for none in [
            "",
            "-",
            "+420777123456",
            &text[1..],
            &format!("+{}", &text[1..]),
            &text[..text.len() - 1],
            &format!("{text}0"),
        ] {
            assert_eq!(none.parse::<KeyedHash>(), Err(NoKeyedHash), "{none}");
        }
    }
}
