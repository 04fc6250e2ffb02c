//! Cells that refuse for other rows than their own.

use super::{judge, words};
use crate::domain::percent::Percent;
use crate::intake::Settings;

fn rows(text: &str) -> Vec<String> {
    let settings = Settings {
        region: "CZ".parse().ok(),
        min_valid: Percent::NONE,
        ..Settings::default()
    };
    words(&judge(text.as_bytes(), &settings).unwrap().0)
}

#[test]
fn the_numbers_of_a_list_of_refusals_beside_the_people_are_held_wherever_they_stand() {
    for header in [
        "Nevolat",
        "Odhlášená čísla",
        "STOP",
        "Nechtějí SMS",
        "Blacklist",
        "Do not contact",
    ] {
        let text = format!(
            "Jméno;Telefon;;{header}\nJan;602111222;;602111225\nEva;602111223;;602 111 223\n\
             Ota;602111224;;\nIva;602111225;;\nIvo;602111226;;\n;;;+420602111226\n"
        );
        let expected = [
            "2 +420602111222",
            "3 no_consent",
            "4 +420602111224",
            "5 no_consent",
            "6 no_consent",
            "7 empty",
        ];
        assert_eq!(rows(&text), expected, "{header}");
    }
}

#[test]
fn a_moment_of_refusal_that_reads_as_a_number_still_holds_its_row() {
    let text = "Jméno;Telefon;Odhlášen\nJan;602111222;\nEva;602111223;702111229\n";
    assert_eq!(rows(text), ["2 +420602111222", "3 no_consent"]);
}

#[test]
fn a_mark_for_the_same_as_above_says_below_a_refusal_what_it_says() {
    for mark in [
        "\"-\"\"-\"",
        "dtto",
        "-||-",
        "〃",
        "viz výše",
        "totéž",
        "↑",
        "ditto",
        "\"\"\"\"",
    ] {
        for (header, fine, refuses) in [
            ("Poznámka", "", "nevolat"),
            ("Stav", "aktivní", "odhlášen"),
            ("Souhlas", "ano", "ne"),
            ("Skupina", "", "Odhlášení"),
        ] {
            let text = format!(
                "Jméno;Telefon;{header}\nJan;602111222;{fine}\nEva;602111223;{refuses}\nIva;602111224;{mark}\n\
                 Ola;602111225;{mark}\nPetr;602111226;{fine}\n"
            );
            let rows = rows(&text);
            let held = ["3 no_consent", "4 no_consent", "5 no_consent"];
            assert_eq!(rows[1..4], held, "{header}: {mark}");
            assert_eq!(
                [&rows[0], &rows[4]],
                ["2 +420602111222", "6 +420602111226"],
                "{header}: {mark}"
            );
        }
    }
    // Above them nothing refuses.
    let text = "Jméno;Telefon;Stav;Město\nJan;602111222;odhlášen;Brno\nEva;602111223;aktivní;dtto\nIva;602111224;dtto;dtto\n";
    assert_eq!(
        rows(text),
        ["2 no_consent", "3 +420602111223", "4 +420602111224"]
    );
}

#[test]
fn headers_and_cells_with_damaged_letters_are_heard_or_hold_their_rows() {
    for (header, fine, refuses) in [
        ("OdhlÃ¡Å¡en", "ne", "ano"),
        ("OdhlĂˇĹˇen", "ne", "ano"),
        ("Odhl??en", "ne", "ano"),
        ("Odhl\u{fffd}\u{fffd}en", "ne", "ano"),
        ("Odhl__en", "ne", "ano"),
        ("NepÅ™eje si bÃ½t kontaktovÃ¡n", "", "x"),
        ("Nep?eje si SMS", "", "x"),
        ("Stav", "aktivnÃ\u{ad}", "odhlÃ¡Å¡en"),
        ("Stav", "aktivn?", "odhl??en"),
        ("PoznÃ¡mka", "", "nepÅ™eje si SMS"),
        ("Poznámka", "", "nep?eje si SMS"),
        ("EinverstÃ¤ndnis", "ja", "nein"),
        ("Souhlas", "ano", "odhl??en"),
        ("Z?kaz SMS", "", "x"),
    ] {
        let text = format!(
            "Name;Telefon;{header}\nJan;602111222;{fine}\nEva;602111223;{refuses}\nIva;602111224;{fine}\n"
        );
        assert_eq!(
            rows(&text),
            ["2 +420602111222", "3 no_consent", "4 +420602111224"],
            "{header}: {refuses}"
        );
    }
    // Nobody is taken for one who agreed.
    for header in ["Mo?no kontaktovat", "Mo\u{fffd}no kontaktovat"] {
        let text = format!("Name;Telefon;{header}\nJan;602111222;ano\nEva;602111223;ne\n");
        assert_eq!(rows(&text)[1], "3 no_consent", "{header}");
    }
}
