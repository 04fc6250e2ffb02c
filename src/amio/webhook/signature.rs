//! `X-Hub-Signature: sha1=` and the HMAC-SHA1 of the body in hexadecimal.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The header that carries the signature.
pub(crate) const SIGNATURE_HEADER: &str = "x-hub-signature";

/// A signature as it was received: well-formed, not yet checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signature([u8; 20]);

impl Signature {
    /// Reads the header's value; `None` if it is none.
    pub(crate) fn parse(header: &[u8]) -> Option<Self> {
        let hex = header.strip_prefix(b"sha1=")?;
        let mut bytes = [0; 20];
        if hex.len() != bytes.len() * 2 {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).ok()?;
            // `from_str_radix` alone would take a sign.
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// True if the body was signed with the secret. Takes the same time wherever they differ.
    pub(crate) fn is_of(self, body: &[u8], secret: &[u8]) -> bool {
        Hmac::<Sha1>::new_from_slice(secret)
            .is_ok_and(|mac| mac.chain_update(body).verify_slice(&self.0).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202, test case 2.
    const VECTOR: &[u8] = b"sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";

    #[test]
    fn the_published_vector_is_of_its_key_and_of_no_other() {
        let signature = Signature::parse(VECTOR).unwrap();
        assert!(signature.is_of(b"what do ya want for nothing?", b"Jefe"));
        assert!(!signature.is_of(b"what do ya want for nothing?", b"jefe"));
        assert!(!signature.is_of(b"what do ya want for nothing", b"Jefe"));
        let upper = VECTOR[5..].to_ascii_uppercase();
        assert_eq!(
            Signature::parse(&[b"sha1=", &upper[..]].concat()),
            Some(signature)
        );
    }

    #[test]
    fn what_is_no_signature_is_refused_before_anything_is_computed() {
        for header in [
            &b""[..],
            b"sha1=",
            &VECTOR[..44],
            &VECTOR[5..],
            b"sha256=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            b"sha1=gffcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            b"sha1=+ffcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            b"sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79 ",
            "sha1=éffcdf6ae5eb2fa2d27416d5f184df9c259a7c7".as_bytes(),
        ] {
            assert_eq!(Signature::parse(header), None);
        }
    }
}
