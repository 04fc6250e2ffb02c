//! The page of a check names this program as its author, so that it is replaced without a question, while a page
//! that a person changed or that another program wrote is kept.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::domain::text::hex;

/// What every page begins with.
const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">"#;
const BEFORE: &str = r#"<meta name="generator" content="outreach check "#;
const BEHIND: &str = r#"">"#;

/// The page with the name of its generator and the digest of all the rest.
pub(super) fn signed(page: &str) -> String {
    match page.strip_prefix(HEAD) {
        Some(rest) => format!("{HEAD}{BEFORE}{}{BEHIND}{rest}", digest(rest)),
        None => page.to_owned(),
    }
}

/// Whether the file is such a page, as it was written.
pub(crate) fn is_own_page(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|page| is_signed(&page))
}

fn is_signed(page: &str) -> bool {
    let behind = page
        .strip_prefix(HEAD)
        .and_then(|rest| rest.strip_prefix(BEFORE));
    let parts = behind.and_then(|rest| rest.split_once(BEHIND));
    parts.is_some_and(|(named, rest)| named == digest(rest))
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_until_somebody_changes_it() {
        let page = signed(&format!("{HEAD}<title>a</title>"));
        assert!(is_signed(&page));
        assert!(!is_signed(&page.replace("<title>a", "<title>b")));
        assert!(!is_signed(&format!("{HEAD}<title>a</title>")));
        assert!(!is_signed(""));
    }
}
