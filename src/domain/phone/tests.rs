use proptest::prelude::*;

use super::*;

fn cz() -> Option<Region> {
    "CZ".parse().ok()
}

/// The answer in one line: number and repairs, or reason and suggestion.
fn read(text: &str, region: Option<&str>) -> String {
    match PhoneNumber::parse(text, region.map(|code| code.parse().unwrap())) {
        Ok(parsed) if parsed.mended.is_none() => parsed.phone.e164(),
        Ok(parsed) => format!("{} ({})", parsed.phone.e164(), parsed.mended),
        Err(Rejected {
            problem,
            suggestion: None,
        }) => format!("no: {}", problem.code()),
        Err(Rejected {
            problem,
            suggestion: Some(suggestion),
        }) => format!("no: {}, {suggestion}?", problem.code()),
    }
}

#[test]
fn clean_numbers_are_read_without_mending() {
    for (text, region, expected) in [
        ("+420 777 123 456", None, "+420777123456"),
        ("777 123 456", Some("CZ"), "+420777123456"),
        ("420777123456", Some("CZ"), "+420777123456"),
        ("(030) 12345678", Some("DE"), "+493012345678"),
        ("0171/1234567", Some("DE"), "+491711234567"),
        ("07911 123456", Some("GB"), "+447911123456"),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("+1 (201) 555-0123", Some("CZ"), "+12015550123"),
        ("+1.201.555.0123", None, "+12015550123"),
    ] {
        assert_eq!(read(text, region), expected, "{text:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn damage_with_a_known_cause_is_mended_and_told() {
    for (text, region, expected) in [
        (
            "420777123456.0",
            Some("CZ"),
            "+420777123456 (decimals removed)",
        ),
        (
            "'+420777123456",
            None,
            "+420777123456 (apostrophe or quotes removed)",
        ),
        (
            "=\"+420777123456\"",
            None,
            "+420777123456 (apostrophe or quotes removed)",
        ),
        (
            "+420\u{a0}777\u{a0}123\u{a0}456",
            None,
            "+420777123456 (invisible characters removed)",
        ),
        (
            "\u{202a}+420777123456\u{202c}",
            None,
            "+420777123456 (invisible characters removed)",
        ),
        (
            "+420\u{200b}777123456",
            None,
            "+420777123456 (invisible characters removed)",
        ),
        (
            "+４２０７７７１２３４５６",
            None,
            "+420777123456 (digits of another script converted)",
        ),
        (
            "+٤٢٠٧٧٧١٢٣٤٥٦",
            None,
            "+420777123456 (digits of another script converted)",
        ),
        ("00420 777 123 456", None, "+420777123456 (00 read as +)"),
        (
            "00420 777 123 456",
            Some("US"),
            "+420777123456 (00 read as +)",
        ),
        ("+420 (0) 777 123 456", None, "+420777123456 ((0) removed)"),
        ("+44 (0)20 7031 3000", None, "+442070313000 ((0) removed)"),
        ("tel:+420777123456", None, "+420777123456 (label removed)"),
        (
            "Mob. 777 123 456",
            Some("CZ"),
            "+420777123456 (label removed)",
        ),
        (
            "777123456 / 777654321",
            Some("CZ"),
            "+420777123456 (one of several numbers in the cell taken)",
        ),
        (
            "777123456, 777654321",
            Some("CZ"),
            "+420777123456 (one of several numbers in the cell taken)",
        ),
        (
            "+420777123456;+420777654321",
            None,
            "+420777123456 (one of several numbers in the cell taken)",
        ),
        (
            "+420777123456\n+420777654321",
            None,
            "+420777123456 (one of several numbers in the cell taken)",
        ),
        (
            "+420777123456 +420777654321",
            None,
            "+420777123456 (one of several numbers in the cell taken)",
        ),
        (
            "n/a; +420777654321",
            None,
            "+420777654321 (one of several numbers in the cell taken)",
        ),
        (
            "420,777,123,456",
            Some("CZ"),
            "+420777123456 (thousands separators removed)",
        ),
        (
            "4.20777123456E+11",
            Some("CZ"),
            "+420777123456 (power of ten written out)",
        ),
        (
            "712345678",
            Some("CI"),
            "+2250712345678 (lost leading zero put back)",
        ),
        (
            "++420777123456",
            None,
            "+420777123456 (superfluous plus removed)",
        ),
    ] {
        assert_eq!(read(text, region), expected, "{text:?}");
    }
}

#[test]
fn what_is_not_certain_is_refused_with_a_reason_and_a_suggestion() {
    for (text, region, expected) in [
        ("", Some("CZ"), "no: empty"),
        (" \u{a0} ", Some("CZ"), "no: empty"),
        ("-", Some("CZ"), "no: empty"),
        ("n/a", Some("CZ"), "no: not_a_number"),
        ("777123456", None, "no: needs_region"),
        ("420777123456", None, "no: needs_region, +420777123456?"),
        ("4.20777E+11", Some("CZ"), "no: scientific_notation"),
        ("4,20777E+11", Some("CZ"), "no: scientific_notation"),
        ("+420777123456 ext. 12", None, "no: extension"),
        ("+1 201 555 0123 x12", None, "no: extension"),
        ("+420777123456#12", None, "no: extension"),
        ("tel:+420777123456;ext=12", None, "no: extension"),
        ("+1 800 FLOWERS", None, "no: letters"),
        ("777123456 Jana", Some("CZ"), "no: letters, +420777123456?"),
        ("+999123456789", None, "no: unknown_country_code"),
        ("+42077712345", None, "no: too_short"),
        ("+4207771234567", None, "no: not_in_use"),
        ("+420000000000", None, "no: not_in_use"),
        ("+420 0777123456", None, "no: not_in_use, +420777123456?"),
        ("421905123456", Some("CZ"), "no: not_in_use, +421905123456?"),
        ("112", Some("CZ"), "no: too_short"),
        (
            "777-123-456;phone-context=+420",
            Some("CZ"),
            "no: not_a_number",
        ),
        ("jan@example.com", Some("CZ"), "no: not_a_number"),
        ("2024-05-17", Some("CZ"), "no: too_short"),
    ] {
        assert_eq!(read(text, region), expected, "{text:?} {region:?}");
    }
}

#[test]
fn two_readings_of_a_slash_are_not_guessed() {
    // A main number with a direct line, as Austrians write it: both are valid.
    let answer = read("+43 1 58858/0", None);
    assert!(
        answer.starts_with("no: ambiguous, +43158858 or +431588580"),
        "{answer}"
    );
}

#[test]
fn a_number_torn_by_a_comma_is_not_taken_for_a_shorter_one() {
    assert_eq!(
        read("+49 30 1234567, 89", None),
        "no: ambiguous, +49301234567?"
    );
}

#[test]
fn all_numbers_of_a_cell_are_found_in_order() {
    let numbers = PhoneNumber::parse_all("777123456; 212345678 / 777654321", cz()).unwrap();
    let found: Vec<_> = numbers
        .iter()
        .map(|parsed| (parsed.phone.e164(), parsed.line_type))
        .collect();
    assert_eq!(
        found,
        [
            ("+420777123456".to_owned(), LineType::Mobile),
            ("+420212345678".to_owned(), LineType::FixedLine),
            ("+420777654321".to_owned(), LineType::Mobile)
        ]
    );
}

#[test]
fn the_country_and_the_line_type_come_back_from_the_integer() {
    for (e164, code, line) in [
        (420_777_123_456, "CZ", LineType::Mobile),
        (390_612_345_678, "IT", LineType::FixedLine),
        (12_015_550_123, "US", LineType::FixedLineOrMobile),
        (15_062_345_678, "CA", LineType::FixedLineOrMobile),
        (77_710_009_998, "KZ", LineType::Mobile),
        (447_400_123_456, "GB", LineType::Mobile),
        (447_911_123_456, "GG", LineType::Mobile),
    ] {
        let phone = PhoneNumber::from_e164(e164).unwrap();
        assert_eq!(
            phone.region().map(Region::code).as_deref(),
            Some(code),
            "{e164}"
        );
        assert_eq!(phone.line_type(), Some(line), "{e164}");
    }
    assert_eq!(PhoneNumber::from_e164(7).unwrap().region(), None);
}

#[test]
fn a_masked_number_shows_country_and_last_digits_only() {
    assert_eq!(
        PhoneNumber::from_e164(420_777_123_456).unwrap().masked(),
        "+420******456"
    );
}

fn regions() -> impl Strategy<Value = Option<Region>> {
    prop::sample::select(vec![
        None,
        Some("CZ"),
        Some("US"),
        Some("IT"),
        Some("DE"),
        Some("CI"),
        Some("AR"),
    ])
    .prop_map(|code| code.map(|code| code.parse().unwrap()))
}

/// Texts near the border between number and junk, the library's own control words among them.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[0-9]{1,6}",
        "[+]",
        "[ ()./;,#x-]",
        Just(";phone-context=".to_owned()),
        Just(";ext=".to_owned()),
        Just(";isub=".to_owned()),
        Just("tel:".to_owned()),
        Just("E+11".to_owned()),
        "\\PC{1,3}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_and_what_is_accepted_is_a_number(text in hostile(), region in regions()) {
        if let Ok(numbers) = PhoneNumber::parse_all(&text, region) {
            for parsed in numbers.iter() {
                prop_assert!(parsed.phone.region().is_some());
                prop_assert_eq!(parsed.phone.line_type(), Some(parsed.line_type));
            }
        }
    }

    #[test]
    fn normalising_twice_is_normalising_once(text in hostile(), region in regions()) {
        if let Ok(parsed) = PhoneNumber::parse(&text, region) {
            let again = PhoneNumber::parse(&parsed.phone.e164(), region).unwrap();
            prop_assert_eq!((again.phone, again.line_type), (parsed.phone, parsed.line_type));
            prop_assert!(again.mended.is_none());
        }
    }

    #[test]
    fn punctuation_changes_nothing(digits in "[1-9][0-9]{8}", gaps in prop::collection::vec("[ -]?", 9)) {
        let spaced: String =
            digits.chars().zip(&gaps).flat_map(|(digit, gap)| std::iter::once(digit).chain(gap.chars())).collect();
        let plain = PhoneNumber::parse(&digits, cz());
        prop_assert_eq!(PhoneNumber::parse(&spaced, cz()), plain);
    }
}
