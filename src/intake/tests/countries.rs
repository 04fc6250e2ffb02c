//! Columns of countries and calling codes whose headers do not say so.

use super::{judge, words};
use crate::domain::percent::Percent;
use crate::intake::{ReadFor, Settings};

/// What becomes of the rows of a list that is for this country.
fn rows(text: &str, region: &str) -> Vec<String> {
    let settings = Settings {
        region: region.parse().ok(),
        min_valid: Percent::NONE,
        ..Settings::default()
    };
    words(&judge(text.as_bytes(), &settings).unwrap().0)
}

/// The rows of a list with these cells and numbers in a column of this header.
fn with_column(header: &str, cells: &[(&str, &str)], region: &str) -> Vec<String> {
    let line = |(cell, number): &(&str, &str)| format!("Jan;{cell};{number}\n");
    let lines: String = cells.iter().map(line).collect();
    rows(&format!("Jméno;{header};Telefon\n{lines}"), region)
}

#[test]
fn calling_codes_with_their_plus_count_whatever_the_header() {
    let cells = [
        ("+420", "602111222"),
        ("+48", "602111223"),
        ("+421", "905111224"),
        ("+48", "+420602111225"),
    ];
    let expected = [
        "2 +420602111222",
        "3 +48602111223",
        "4 +421905111224",
        "5 +420602111225",
    ];
    for header in [
        "Kód",
        "Předčíslí",
        "Int. předvolba",
        "Předv.",
        "Intl",
        "LKZ",
        "Int. Vorwahl",
        "Dial",
        "Predčíslie",
        "Telefon předčíslí",
        "",
        "X",
    ] {
        assert_eq!(with_column(header, &cells, "CZ"), expected, "{header}");
        // Figures, where some of the numbers are none without them.
        let figures = cells.map(|(code, number)| (&code[1..], number));
        assert_eq!(with_column(header, &figures, "CZ"), expected, "{header}");
    }
    // All numbers are of another country than the list's.
    let cells = [("+48", "602111223")];
    assert_eq!(with_column("Kód", &cells, "CZ"), ["2 +48602111223"]);
    assert_eq!(with_column("Kód", &cells, ""), ["2 +48602111223"]);
}

#[test]
fn a_number_that_may_be_of_the_country_in_its_row_is_not_guessed() {
    for (header, own, other) in [
        ("Residence", "CZ", "PL"),
        ("Market", "CZ", "PL"),
        ("Oblast", "Česko", "Polsko"),
        ("Site", "cz", "pl"),
        ("Storefront", "CZE", "POL"),
        ("Store view", "Czech Republic", "Poland"),
        ("Locale", "cs_CZ", "pl_PL"),
        ("Kód", "CZ", "PL"),
        ("Kód", "420", "48"),
        ("Předčíslí", "00420", "0048"),
        ("State", "CZ", "PL"),
        ("countryId", "CZ", "PL"),
        ("", "CZ", "PL"),
    ] {
        let cells = [
            (own, "602111222"),
            (other, "602111223"),
            (other, "+420602111224"),
            (other, "722111225, 602111225"),
            ("", "602111226"),
            ("xx", "602111227"),
        ];
        let is_figure = own.ends_with('0');
        let cells = &cells[..if is_figure { 5 } else { 6 }];
        let expected = [
            "2 +420602111222",
            "3 unknown_region",
            "4 +420602111224",
            "5 unknown_region",
            "6 +420602111226",
            "7 +420602111227",
        ];
        assert_eq!(
            with_column(header, cells, "CZ"),
            expected[..cells.len()],
            "{header}"
        );
    }
    // Where the list's own country is not named, nor a place.
    let cells = [("PL", "602111222"), ("PL", "+48602111223")];
    let expected = ["2 unknown_region", "3 +48602111223"];
    assert_eq!(with_column("Residence", &cells, "CZ"), expected);
    let no_header = Settings {
        region: "CZ".parse().ok(),
        no_header: true,
        min_valid: Percent::NONE,
        ..Settings::default()
    };
    let text = "Jan;CZ;602111222\nEva;PL;602111223\n";
    let (rows, _) = judge(text.as_bytes(), &no_header).unwrap();
    assert_eq!(words(&rows), ["1 +420602111222", "2 unknown_region"]);
}

#[test]
fn a_number_of_the_lists_country_alone_is_sent_whatever_stands_beside_it() {
    // Each of these cells reads as a country or a calling code.
    for (header, cells) in [
        ("Kód", &["PL", "HU", "SK"][..]),
        ("Kód", &["48", "34", "420x"]),
        ("Kód výrobku", &["0048", "0034", "0033"]),
        ("Pokoj", &["34", "48", "351"]),
        ("Velikost", &["48", "46", "44", "36"]),
        ("Doprovod", &["+1", "+1", "+2"]),
        ("Doprovod", &["+1", "+1"]),
        ("Věk", &["34", "48", "20", "30"]),
        ("Národnost", &["CZ", "PL", "UA"]),
        ("Nationality", &["Czech Republic", "Poland"]),
        ("Občanství", &["CZ", "PL"]),
        ("Země původu", &["CZ", "PL"]),
        ("Jazyk", &["CZ", "PL", "DE"]),
        ("Language", &["CZ", "PL"]),
        ("lang", &["cz", "pl"]),
        ("Mutace", &["cs", "pl", "sk"]),
        ("Locale", &["en_US", "en_GB"]),
        ("Destinace", &["Česko", "Polsko"]),
        ("Titul", &["MR", "MS", "DR"]),
        ("Pobočka", &["CZ", "DE", "SK", "AT"]),
        ("Typ", &["ES", "PL"]),
    ] {
        let places = cells.iter().enumerate();
        let numbers: Vec<String> = places.map(|(at, _)| format!("77711122{at}")).collect();
        let cells = cells
            .iter()
            .copied()
            .zip(numbers.iter().map(String::as_str));
        let cells: Vec<(&str, &str)> = cells.collect();
        let numbers = numbers.iter().enumerate();
        let expected: Vec<String> = numbers
            .map(|(at, it)| format!("{} +420{it}", at + 2))
            .collect();
        assert_eq!(
            with_column(header, &cells, "CZ"),
            expected,
            "{header} {cells:?}"
        );
    }
    // American states.
    let cells = [
        ("CA", "2122345678"),
        ("DE", "3022345678"),
        ("CO", "3032345678"),
        ("IN", "3172345678"),
    ];
    let rows = with_column("ST", &cells, "US");
    assert!(rows.iter().all(|row| row.contains("+1")), "{rows:?}");
}

#[test]
fn a_fixed_line_without_the_zero_that_the_others_have_is_not_guessed() {
    let of = |numbers: &[&str], region: &str| {
        let numbers: Vec<String> = numbers.iter().map(|it| format!("Jan;{it}\n")).collect();
        rows(&format!("Name;Telefon\n{}", numbers.concat()), region)
    };
    for foreign in ["602 111 222", "602111222", "664 1234567"] {
        for own in [
            ["0151 23456789", "0171 2345678"],
            ["+49 160 1234567", "+49 30 1234567"],
        ] {
            let found = of(&[own[0], own[1], foreign], "DE");
            assert_eq!(found[2], "4 no_zero", "{foreign} {own:?}");
            assert!(
                found[0].contains("+49") && found[1].contains("+49"),
                "{found:?}"
            );
        }
    }
    assert_eq!(of(&["0664 1234567", "151 21244375"], "AT")[1], "3 no_zero");
    // A spreadsheet took the zero off a mobile, or off most of them.
    let found = of(&["0151 23456789", "1712345678", "30 1234567"], "DE");
    assert_eq!(found[2], "4 +49301234567");
    let found = of(&["0151 23456789", "30 1234567", "30 1234568"], "DE");
    assert_eq!(found[2], "4 +49301234568");
    // Countries without such a zero.
    let found = of(&["+420 602 111 222", "222 111 222"], "CZ");
    assert_eq!(found[1], "3 +420222111222");
    // The row names the country.
    let text = "Name;Land;Telefon\nA;DE;0151 23456789\nB;DE;0171 2345678\nC;DE;30 1234567\n";
    assert_eq!(rows(text, "DE")[2], "4 +49301234567");
}

#[test]
fn whoever_must_not_be_messaged_is_read_by_the_country_of_the_list() {
    let settings = Settings {
        region: "CZ".parse().ok(),
        read_for: ReadFor::SuppressionList,
        ..Settings::default()
    };
    let text = "Kód;Telefon\nCZ;602111222\nPL;602111223\n";
    let (rows, _) = judge(text.as_bytes(), &settings).unwrap();
    assert_eq!(words(&rows), ["2 +420602111222", "3 +420602111223"]);
}

/// Czech for a region within the country, Polish for a country.
#[test]
fn codes_of_regions_within_the_country_are_no_countries() {
    let plzen = [
        ("PL", "602111222"),
        ("PL", "602111223"),
        ("US", "602111224"),
    ];
    let here = ["2 +420602111222", "3 +420602111223", "4 +420602111224"];
    for header in ["Kraj", "Region", "kraj_kod", "Adresa - kraj", "Stát/kraj"] {
        assert_eq!(with_column(header, &plzen, "CZ"), here, "{header}");
    }
    // With that of the list among them they are countries.
    let abroad = [("CZ", "602111222"), ("PL", "602111223")];
    for (header, region) in [("Kraj", "CZ"), ("Kraj", "PL"), ("Region", "CZ")] {
        let expected = ["2 +420602111222", "3 +48602111223"];
        assert_eq!(
            with_column(header, &abroad, region),
            expected,
            "{header} {region}"
        );
    }
    assert_eq!(
        with_column("Kraj", &[("DE", "15112345678")], "PL"),
        ["2 +4915112345678"]
    );
    assert_eq!(
        with_column("Kraj", &[("Polska", "602111222")], "CZ"),
        ["2 +48602111222"]
    );
}
