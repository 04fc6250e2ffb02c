//! Lists whose header stands in two rows.

use super::layouts::messaged;
use crate::intake::IntakeError;

/// Eva's number ends in 223: she does not want to be messaged, and the others do.
fn hold_eva(lists: &[&str]) {
    let mut wrong = Vec::new();
    for list in lists {
        match messaged(list) {
            Ok(rows) if rows == ["222", "224"] => {}
            other => wrong.push(format!("{list}{other:?}\n")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const TICKED: &str = "Jan;602111222;x;;\nEva;602111223;;x;\nOta;602111224;;;\n";
const TICKED_FIRST: &str = "Jan;602111222;;x;\nEva;602111223;x;;\nOta;602111224;;;\n";
const ANSWERED: &str = "Jan;602111222;ne;ano;\nEva;602111223;ano;ne;\nOta;602111224;ano;ano;\n";
const DENIED: &str = "Jan;602111222;ano;ne;\nEva;602111223;ne;ano;\nOta;602111224;ne;ne;\n";

#[test]
fn names_in_two_rows_are_put_together() {
    let list = |group: &str, parts: [&str; 2], rows: &str| {
        let [first, second] = parts;
        let below = format!("Jméno;Telefon;{group};;Pozn.\n;;{first};{second};\n{rows}");
        let above = format!(";;{group};;\nJméno;Telefon;{first};{second};Pozn.\n{rows}");
        let titled = format!("Seznam klientů 2026;;;;\n;;;;\n{below}");
        hold_eva(&[&below, &above, &titled]);
    };
    let ways = ["E-mail", "SMS"];
    for group in [
        "Nechce",
        "Odhlášen z",
        "Nepřeje si",
        "Neposílat",
        "Nesouhlas",
        "Opted out",
    ] {
        list(group, ways, TICKED);
        list(group, ["SMS", "E-mail"], TICKED_FIRST);
        list(group, ways, DENIED);
    }
    for group in ["GDPR", "Souhlas", "Consent", "Souhlas se zasíláním"] {
        list(group, ways, ANSWERED);
    }
    for (parts, rows) in [
        (
            ["ano", "ne"],
            "Jan;602111222;x;;\nEva;602111223;;x;\nOta;602111224;x;;\n",
        ),
        (
            ["udělen", "odvolán"],
            "Jan;602111222;1.1.2024;;\nEva;602111223;1.1.2020;1.1.2024;\nOta;602111224;1.1.2024;;\n",
        ),
    ] {
        list("Souhlas", parts, rows);
    }
}

#[test]
fn one_name_in_two_rows_is_put_together() {
    let ticked = "Jan;602111222;;Praha\nEva;602111223;x;Brno\nIva;602111224;;Brno\n";
    let english = "Jan;602111222;No;Praha\nEva;602111223;Yes;Brno\nIva;602111224;No;Brno\n";
    let consent = "Jan;602111222;ano;Praha\nEva;602111223;ne;Brno\nIva;602111224;ano;Brno\n";
    let lists = [
        ("Nepřeje si", "SMS", ticked),
        ("Nepřeje", "si SMS", ticked),
        ("Does not want", "SMS", english),
        ("Does not want", "SMS", ticked),
        ("Do not", "text", ticked),
        ("Opted", "out", english),
        ("No", "SMS", ticked),
        ("Nechce", "SMS", ticked),
        ("Souhlas se", "zasíláním SMS", consent),
    ];
    for (above, below, rows) in lists {
        hold_eva(&[&format!(";;{above};\nJméno;Telefon;{below};Město\n{rows}")]);
    }
    for (above, below, rows) in [lists[0], lists[2], lists[7], lists[8]] {
        hold_eva(&[&format!("Jméno;Telefon;{above};Město\n;;{below};\n{rows}")]);
    }
}

#[test]
fn a_group_of_which_it_is_not_certain_how_far_it_goes_is_refused_with_what_to_do() {
    for list in [
        // The last column may be of the group, or not.
        ";;Nechce;;;\nJméno;Telefon;SMS;Město;E-mail;\nEva;602111223;x;;;\n",
        ";;Nechce;;\nJméno;Telefon;SMS;Souhlas;Pozn.\nEva;602111223;x;ano;\n",
        // The name of the group has no column of its own.
        "Jméno;Telefon;GDPR;;Pozn.\n;;;SMS;\nEva;602111223;ano;ne;\n",
    ] {
        let refused = messaged(list);
        let error = refused.expect_err(list);
        assert!(
            matches!(error, IntakeError::HeaderInTwoRows { .. }),
            "{list}{error}"
        );
        assert!(error.to_string().contains("into one row"), "{error}");
    }
}

#[test]
fn titles_and_rows_without_a_number_are_no_names() {
    for list in [
        "Souhlas se zasíláním SMS 2026;;;\nJméno;Telefon;Město;\n",
        ";Seznam klientů;;\nJméno;Telefon;Město;Souhlas\n",
        ";;SMS kampaň;\nJméno;Telefon;Město;Souhlas\n",
        "Souhlasy;;;Stav k 1.1.2026\nJméno;Telefon;Město;Souhlas\n",
        ";;Stav k 1.1.2026;\nJméno;Telefon;Město;Souhlas\n",
        "Kontakt;;Adresa;\nJméno;Telefon;Ulice;Město\n",
        // Someone without a number.
        "Jméno;Telefon;Souhlas;\nJan;;ne;SMS\n",
        "Jméno;Telefon;Souhlas;Kanál\nJan;;ne;SMS\n",
        "Jméno;Telefon;;Souhlas\nJan;;volat ráno;\n",
        "Jméno;;Telefon;Souhlas\nJan;Novák;;ano\n",
        ";Jméno;Telefon;Souhlas\nx;;;\n",
        "Jméno;Telefon;Souhlas;Kanál\n;;;SMS\n",
        "Jméno;Telefon;Souhlas;Kanál\nPraha;;;\n",
    ] {
        let header = list.lines().find(|line| line.contains("Telefon")).unwrap();
        let phone = header.split(';').position(|name| name == "Telefon");
        let row = |number: &str| {
            let mut cells = ["Iva", "", "", ""];
            cells[phone.unwrap()] = number;
            cells.join(";")
        };
        let list = format!("{list}{}\n{}\n", row("602111222"), row("602111224"));
        let rows = messaged(&list);
        assert!(
            rows.as_ref().is_ok_and(|it| *it == ["222", "224"]),
            "{list}{rows:?}"
        );
    }
}
