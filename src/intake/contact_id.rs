//! Contact ids as spreadsheets leave them.

/// True for an id that a spreadsheet has rounded: it keeps 15 digits, writes zeros for the others, or writes the
/// id as a power of ten. What is left may be another person's id.
pub(crate) fn is_rounded(id: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((mantissa, exponent)) = id.split_once(['e', 'E']) {
        let exponent = exponent.trim_start_matches('+');
        return mantissa.split(['.', ',']).all(digits) && digits(exponent);
    }
    let id = id.strip_suffix(".0").unwrap_or(id);
    let lost = id.get(15..).unwrap_or("");
    digits(id) && !lost.is_empty() && lost.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rounded_id_is_told_from_a_whole_one() {
        for id in [
            "7.0012003004005E+18",
            "7,0012E+18",
            "7e18",
            "7001200300400500000",
            "7001200300400500000.0",
            "1234567890123450",
        ] {
            assert!(is_rounded(id), "{id}");
        }
        for id in [
            "7001200300400500777",
            "7001200300400500770",
            "123456789012345",
            "100",
            "aB3dE5fG7hI9jK1lM2nO",
            "e5",
            "",
        ] {
            assert!(!is_rounded(id), "{id}");
        }
    }
}
