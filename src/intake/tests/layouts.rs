//! Lists whose meaning stands in two places: a value above its group, a person in two rows, a heading between the rows.

use super::{judge, words};
use crate::domain::percent::Percent;
use crate::intake::{IntakeError, Settings};

fn cz() -> Settings {
    Settings {
        region: "CZ".parse().ok(),
        min_valid: Percent::NONE,
        ..Settings::default()
    }
}

/// The ends of the numbers that are messaged, or why the list is refused.
pub(super) fn messaged(text: &str) -> Result<Vec<String>, IntakeError> {
    let (rows, _) = judge(text.as_bytes(), &cz())?;
    let queued = words(&rows).into_iter();
    Ok(queued
        .filter_map(|row| Some(row.split_once(" +420")?.1[6..].to_owned()))
        .collect())
}

#[track_caller]
fn read(text: &str, ends: &[&str]) {
    let rows = messaged(text);
    assert!(rows.as_ref().is_ok_and(|it| it == ends), "{text}{rows:?}");
}

/// The list is refused for this reason, with these words.
#[track_caller]
fn refuse(text: &str, is_reason: fn(&IntakeError) -> bool, says: &str) {
    match messaged(text) {
        Err(error) if is_reason(&error) && error.to_string().contains(says) => {}
        other => panic!("{text}{other:?}"),
    }
}

const fn is_grouped(error: &IntakeError) -> bool {
    matches!(error, IntakeError::GroupedValues { .. })
}

#[test]
fn a_value_that_stands_only_where_it_changes_is_asked_about() {
    let of = |header: &str, cells: &[&str]| {
        let row = |(at, cell): (usize, &&str)| format!("{cell};A{at};60211122{at}\n");
        let rows: String = cells.iter().enumerate().map(row).collect();
        format!("{header};Jméno;Telefon\n{rows}")
    };
    for (header, yes, no) in [
        ("Souhlas", "ano", "ne"),
        ("Do Not Call", "FALSE", "TRUE"),
        ("Skupina", "Zákazníci", "Odhlášení"),
        ("Stav", "Aktivní", "Odhlášen"),
    ] {
        for cells in [
            &[yes, "", "", no, "", ""][..],
            &[yes, "", no, ""],
            &[no, "", "", yes, ""],
        ] {
            refuse(&of(header, cells), is_grouped, "type = and the cell above");
        }
    }
    let nested = ["ano", "", "ne", "", "ano", "", "ne", ""];
    refuse(&of("Souhlas", &nested), is_grouped, "row 4");
    // With totals, and with the value in a row of its own.
    let totals = "Souhlas;Město;Jméno;Telefon\nano;Praha;Jan;602111222\n;Brno;Eva;602111223\nCelkem ano;;;2\n\
        ne;Praha;Iva;602111225\n;Brno;Ota;602111226\nCelkem ne;;;2\n";
    refuse(totals, is_grouped, "row 5 says \"ne\"");
    let outline =
        "Souhlas;Jméno;Telefon\nano;;\n;Jan;602111222\nne;;\n;Iva;602111225\n;Ota;602111226\n";
    refuse(outline, is_grouped, "row 4 says \"ne\"");
    for cells in [
        &["Česko", "Polsko", "", ""][..],
        &["Česko", "", "Polsko", ""],
        &["Polsko", "", "Česko", "", ""],
    ] {
        refuse(&of("Země", cells), is_grouped, "polsko");
    }
    // Cells that are filled here and there.
    let tags = ["VIP", "", "Odhlášen", "", "VIP", "", "nový", ""];
    let all = ["220", "221", "223", "224", "225", "226", "227"];
    read(&of("Stav", &tags), &all);
    read(
        &of("Souhlas", &["ano", "ano", "", "ne", "", ""]),
        &["220", "221", "222", "224", "225"],
    );
    read(
        &of("Souhlas", &["", "ano", "", "ne", ""]),
        &["220", "221", "222", "224"],
    );
    read(&of("Souhlas", &["ano", "", "ne"]), &["220", "221"]);
    read(&of("Souhlas", &["ne", "", "", ""]), &["221", "222", "223"]);
    read(&of("Souhlas", &["ano", "ne", ""]), &["220", "222"]);
    read(
        &of("Do Not Call", &["x", "", "x", "", ""]),
        &["221", "223", "224"],
    );
    read(
        &of("Poznámka", &["VIP", "", "volat ráno", "", ""]),
        &["220", "221", "222", "223", "224"],
    );
    let dates = messaged(&of("Souhlas od", &["1.1.2024", "", "1.2.2024", "", ""]));
    assert!(dates.is_ok(), "{dates:?}");
    read(
        &of("Země", &["", "CZ", "", "", "CZ"]),
        &["220", "221", "222", "223", "224"],
    );
}

#[test]
fn a_row_that_goes_on_with_the_person_above_has_their_no() {
    let list = |rows: &str| {
        format!(
            "ID;Jméno;Telefon;Typ;Souhlas\n1;Jan;602111222;mobil;ano\n{rows}3;Petr;602111225;mobil;ano\n"
        )
    };
    let refused = "2;Eva;602111223;mobil;ne\n";
    for row in [
        ";;602111224;práce;\n",
        "2;Eva;602111224;práce;\n",
        "2;;602111224;práce;\n",
    ] {
        read(&list(&format!("{refused}{row}")), &["222", "225"]);
    }
    let twice = format!("{refused};;602111224;práce;\n;;602111227;domů;\n");
    read(&list(&twice), &["222", "225"]);
    for row in [
        "4;Eva;602111224;práce;\n",
        "2;Iva;602111224;práce;\n",
        ";;602111224;práce;ano\n",
    ] {
        read(&list(&format!("{refused}{row}")), &["222", "224", "225"]);
    }
    // Below somebody who agrees, or the next person.
    read(&list(";;602111224;práce;\n"), &["222", "224", "225"]);
    let next = format!("{refused}4;Ota;602111227;mobil;\n;;602111224;práce;\n");
    read(&list(&next), &["222", "227", "224", "225"]);
}

#[test]
fn headings_with_words_of_consent_or_refusal_are_none_to_pass_over() {
    let list = |heading: &str| {
        format!("Jméno;Telefon;Město\nJan;602111222;Praha\n\"{heading}\";;\nIva;602111224;Praha\n")
    };
    for heading in [
        "Status: Unsubscribed (2)",
        "SMS Opt Out: true",
        "NE",
        "Tyhle NE!",
        "Souhlas se SMS - NE",
        "Pozor, tito si nepřejí být kontaktováni",
        "Ti, co nechtějí SMS",
        "odmítají",
    ] {
        let is_below = |it: &IntakeError| matches!(it, IntakeError::RefusalsBelow { .. });
        refuse(&list(heading), is_below, "before row 3");
    }
    for heading in [
        "Praha",
        "Jana Nováková",
        "VIP zákazníci",
        "Nina No",
        "Zgoda Sp. z o.o.",
    ] {
        read(&list(heading), &["222", "224"]);
    }
    read(
        "Jméno;Telefon;Souhlas\nJan;602111222;ano\n;;ne\nIva;602111224;ano\n",
        &["222", "224"],
    );
}

#[test]
fn a_heading_or_a_title_that_names_another_country_is_asked_about() {
    let below = |it: &IntakeError| matches!(it, IntakeError::CountryBelow { .. });
    let named = |it: &IntakeError| matches!(it, IntakeError::NamedAsCountry { .. });
    let rows = "Iva;602290493;Krakov\nOta;602501838;Varšava\n";
    for name in ["Polsko", "Polsko (+48)", "+48", "Zákazníci Polsko", "PL"] {
        let list = format!("Jméno;Telefon;Město\nČesko;;\nJan;602111222;Praha\n{name};;\n{rows}");
        refuse(&list, below, "before row 4");
    }
    for name in ["Zákazníci Polsko", "Všechna čísla mají předvolbu +48"] {
        refuse(
            &format!("{name};;\nJméno;Telefon;Město\n{rows}"),
            named,
            "--region PL",
        );
    }
    let rows = "Iva;602111224;\n";
    for name in [
        "Česko",
        "Zájezd Polsko",
        "Infolinka +48 22 123 45 67",
        "+420",
    ] {
        read(&format!("{name};;\nJméno;Telefon;Město\n{rows}"), &["224"]);
        read(
            &format!("Jméno;Telefon;Město\nJan;602111222;\n{name};;\n{rows}"),
            &["222", "224"],
        );
    }
    read(
        "Jméno;Telefon;Město\nJan;602111222;\nJordan;;\nIva;602111224;\n",
        &["222", "224"],
    );
    // Numbers that have their country, or that are of no other.
    let list = "Zákazníci Polsko;;\nJméno;Telefon;Země\nIva;+420602111224;\n";
    read(list, &["224"]);
    let list = "Zákazníci Polsko;;\nJméno;Telefon;Země\nIva;602111224;CZ\n";
    read(list, &["224"]);
}

#[test]
fn a_row_whose_cells_a_comma_moved_is_held() {
    let list = |row: &str| {
        format!(
            "Name,Phone,Phone 2,Consent,Note,Extra\nEva,602111222,,yes,,\n{row}\nOta,602111224,,yes,,\n"
        )
    };
    for row in [
        "Novák, Jan,602111223,,no,",
        "Novák,Jan,602111223,,no,",
        "Novák, Jan,602111223,,,",
        "\"Novák\", jr,602111223,,no,",
    ] {
        read(&list(row), &["222", "224"]);
    }
    for row in [
        "Jan,none,602111223,yes,,",
        "Jan,N/A,602111223,yes,,",
        "Jan,,602111223,yes,,",
        "Jan,Nemá,602111223,yes,,",
    ] {
        read(&list(row), &["222", "223", "224"]);
    }
}
