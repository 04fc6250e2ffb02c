//! A column that says whose the number of a row is.

use super::{judge, words};
use crate::domain::percent::Percent;
use crate::intake::Settings;

fn cz() -> Settings {
    Settings {
        region: "CZ".parse().ok(),
        min_valid: Percent::NONE,
        ..Settings::default()
    }
}

fn rows(text: &str) -> Vec<String> {
    words(&judge(text.as_bytes(), &cz()).unwrap().0)
}

#[test]
fn a_number_that_its_column_calls_another_persons_or_old_is_not_messaged() {
    for header in [
        "Číslo patří",
        "Vlastník čísla",
        "Majitel telefonu",
        "Čí číslo",
        "Poznámka k telefonu",
        "Telefon - poznámka",
        "Phone belongs to",
        "Whose number",
        "Nummer von",
        "Kontakt na",
    ] {
        for (own, another) in [
            ("klient", "dcera"),
            ("", "manželka"),
            ("sám", "syn Petr"),
            ("Jan Novák", "Karel Dvořák (syn)"),
            ("vlastní", "sousedka"),
            ("", "jiná osoba"),
            ("", "staré číslo"),
            ("", "neplatné"),
        ] {
            let text = format!(
                "Jméno;Telefon;Město;{header}\nJan;602333001;Brno;{own}\nEva;602333002;Brno;{another}\nIva;602333003;Praha;{own}\n"
            );
            assert_eq!(
                rows(&text),
                ["2 +420602333001", "3 not_theirs", "4 +420602333003"],
                "{header}: {another}"
            );
        }
    }
}

#[test]
fn a_column_about_the_person_or_about_one_of_several_numbers_says_nothing_of_the_number() {
    for text in [
        "Jméno;Telefon;Vztah\nJan;602333001;manželka\n",
        "Jméno;Telefon;Poznámka\nJan;602333001;manželka volala\n",
        "Jméno;Telefon;Mobil;Majitel telefonu\nJan;;602333001;dcera\n",
        "Jméno;Telefon;Poznámka k telefonu\nJan;602333001;volat po 17. hodině, zvedá to i jeho manželka\n",
    ] {
        assert_eq!(rows(text), ["2 +420602333001"], "{text}");
    }
}
