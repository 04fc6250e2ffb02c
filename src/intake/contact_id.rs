//! Contact ids as spreadsheets leave them.

/// The one form of an id: opt-outs and messages are found by it. A decimal id has neither sign, leading zeros nor
/// decimals, and its digits are those of ASCII.
pub(crate) fn canonical(typed: &str) -> String {
    let id: String = typed.chars().map(ascii).collect();
    let bare = id.trim_start_matches(['\'', '+']);
    let bare = bare.strip_suffix(".0").unwrap_or(bare);
    let is_decimal = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
    if is_decimal {
        bare.trim_start_matches('0').to_owned()
    } else {
        id
    }
}

/// The full-width signs of East Asia as those of ASCII: U+FF01 to U+FF5E are U+0021 to U+007E.
fn ascii(letter: char) -> char {
    match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        _ => letter,
    }
}

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
    fn an_id_that_was_typed_in_another_way_is_the_same_id() {
        for typed in [
            "7001200300400500777",
            "007001200300400500777",
            "+7001200300400500777",
            "'7001200300400500777",
            "7001200300400500777.0",
            "７００１２００３００４００５００７７７",
        ] {
            assert_eq!(canonical(typed), "7001200300400500777", "{typed}");
        }
        for other in ["aB3dE5fG7hI9jK1lM2nO", "e5", "7.0012E+18", "0x1f"] {
            assert_eq!(canonical(other), other);
        }
    }

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
