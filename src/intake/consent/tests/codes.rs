//! Lines beside the table that say what a code means.

use super::*;

/// Whether such a line keeps a list with this column back.
fn keeps_back(line: &str, header: &str, cells: &[&str]) -> bool {
    let rows: Vec<Vec<String>> = cells.iter().map(|cell| vec![(*cell).to_owned()]).collect();
    explains_codes(line, &find(&[header.to_owned()], &rows, &[]))
}

#[test]
fn a_line_that_says_what_a_code_means_is_not_passed_over() {
    for line in [
        "Kód 9 = neposílat",
        "9 = neposílat",
        "9: do not contact",
        "Code 9 - do not call",
        "Legenda: X = nevolat",
        "* = do not contact",
        "A – souhlasí, N – nesouhlasí",
        "1 = souhlasí, 0 = nesouhlasí",
        "NES = nesouhlasí",
    ] {
        assert!(keeps_back(line, "Kód", &["1", "9"]), "{line}");
    }
    for line in [
        "0 = souhlasí, 1 = nesouhlasí",
        "1 = ne, 0 = ano",
        "A = ne, N = ano",
    ] {
        assert!(keeps_back(line, "Souhlas", &["1", "0"]), "{line}");
    }
    // The column is read so.
    for (line, header) in [
        ("1 = souhlasí, 0 = nesouhlasí", "Souhlas"),
        ("1 = ano, 0 = ne", "Souhlas"),
        ("A: souhlas, N: bez souhlasu", "Souhlas"),
        ("9 = neposílat", "Consent (1 = yes, 9 = no)"),
        ("1 = nekontaktovat", "Nekontaktovat"),
        ("1 = ano, 0 = ne", "Nekontaktovat"),
    ] {
        assert!(!keeps_back(line, header, &["1", "0"]), "{line} {header}");
    }
    // They are about something else, or about a person.
    for line in [
        "Z = zrušeno, P = potvrzeno",
        "1 = muž, 2 = žena",
        "Export: 28. 11. 2026",
        "Stav k 1. 1. 2026 - Praha",
        "SMS: ne",
        "Eva: nevolat",
        "Eva - nevolat",
        "Jan Novák: do not call",
        "VIP = ano",
        "Seznam zákazníků 2026 – jaro",
        "",
    ] {
        assert!(!keeps_back(line, "Souhlas", &["1", "0"]), "{line}");
    }
}
