//! Lines and cells beside a table that are about its rows.

use super::{judge, words};
use crate::domain::percent::Percent;
use crate::intake::Settings;

fn judged(text: &str) -> Result<Vec<String>, String> {
    let settings = Settings {
        region: "CZ".parse().ok(),
        min_valid: Percent::NONE,
        ..Settings::default()
    };
    let judged = judge(text.as_bytes(), &settings);
    judged
        .map(|(rows, _)| words(&rows))
        .map_err(|error| error.to_string())
}

#[test]
fn a_list_with_a_line_that_says_whom_of_it_not_to_message_is_refused() {
    for line in [
        "Nevolat: Eva Malá",
        "Eva Malá nechce zprávy!",
        "Do not contact: Eva Malá",
        "Odhlásili se: Malá E.",
        "Řádek 4 nevolat",
        "Eva Malá - STOP",
        "Neposílat paní Malé",
    ] {
        let table = "Č.;Jméno;Telefon\n1;Jan Novák;602111222\n2;Eva Malá;602111223\n";
        for text in [format!("{line};;\n{table}"), format!("{table}{line};;\n")] {
            let error = judged(&text).unwrap_err();
            assert!(error.contains(line) && error.contains("Consent"), "{error}");
        }
    }
    for line in [
        "Zákazníci 2026",
        "Zpracovala Eva Malá",
        "Pro odhlášení odpovězte STOP",
        "Kontakty bez odhlášených",
    ] {
        let text = format!("{line};;\nČ.;Jméno;Telefon\n1;Jan;602111222\n2;Eva Malá;602111223\n");
        assert_eq!(
            judged(&text),
            Ok(vec![
                "3 +420602111222".to_owned(),
                "4 +420602111223".to_owned()
            ]),
            "{line}"
        );
    }
    // A person without a number is no line about others.
    let text = "Jméno;Telefon\nJan;602111222\nEva Malá - nevolat;\n";
    assert_eq!(
        judged(text),
        Ok(vec!["2 +420602111222".to_owned(), "3 empty".to_owned()])
    );
}

#[test]
fn a_list_whose_codes_are_explained_in_two_cells_beside_it_is_refused() {
    for text in [
        "Jméno;Telefon;Stav\nJan;602111222;A\nEva;602111223;N\nIva;602111224;X\nOta;602111225;A\n;;\nLegenda;;\nA;souhlasí;\n\
         N;nesouhlasí;\nX;nevolat;\n",
        "Jméno;Telefon;Stav;;Legenda;\nJan;602111222;A;;A;souhlasí\nEva;602111223;N;;N;nesouhlasí\nIva;602111224;X;;X;nevolat\n\
         Ota;602111225;A;;;\n",
        "Jméno;Telefon;Stav;;;\nJan;602111222;A;;X;nevolat\nEva;602111223;X;;A;volat\nIva;602111224;A;;;\n",
        "Jméno;Telefon;Kód;;Legenda;\nJan;602111222;1;;1;souhlasí\nEva;602111223;1;;2;bez souhlasu\nIva;602111224;9;;9;zákaz SMS\n\
         Ota;602111225;1;;;\n",
    ] {
        let error = judged(text).unwrap_err();
        assert!(error.contains("a mark or a colour means"), "{error}");
    }
    for text in [
        // A column reads the codes so.
        "Jméno;Telefon;Souhlas;;Legenda;\nJan;602111222;A;;A;ano\nEva;602111223;A;;N;ne\n",
        // They are no codes of the list.
        "Jméno;Telefon;Město;;Legenda;\nJan;602111222;Brno;;X;nevolat\nEva;602111223;Brno;;;\n",
    ] {
        assert!(
            !judged(text).is_err_and(|it| it.contains("a colour means")),
            "{text}"
        );
    }
}
